"""Where differences are too coarse for a slope: whether the derivative given explains f.

x + 0.001 sin(x) changes, as seen at 1e13, like x: over steps at which the rounding errors of f
do not hide 0.001, the sine has gone up and down. Its derivative cannot be compared there at one
point. But over any step f changes by the integral of its derivative, and that much of a wrong one
can be seen. This is asked of huge numbers only, where the floats are so far apart that rounding
hides a wave as long as that of sin. Elsewhere a derivative is compared, and noise in it is wrong.
"""

from collections.abc import Callable
from math import ulp

import numpy as np

from .slopes import EPSILON, UNDERFLOW

COARSE = 1e-8  # floats so far apart are huge numbers: from 6.7e7 on
ENOUGH = 16.0  # times the rounding errors, and a change of f over a step is seen
BESIDE = 4  # floats to each side, over which a wave is smooth
FEWEST = 16.0  # floats from t to the end of a step, at least
STEPS = (1.0, 2.0, 4.0)  # times the least one
# Nodes and weights of Gauss and Legendre. Equal distances would take some fast waves for slow ones.
RULES = [
    [*zip(*(part.tolist() for part in np.polynomial.legendre.leggauss(n)))] for n in (8, 11, 16)
]
SAFETY = 4.0  # on rounding errors
ROUGH = 0.5  # of what is to be told: second differences that are larger are noise, or of one point
UNRESOLVED = 16.0  # on what the rules differ by, which may be by chance too little


def explained(
    f: Callable[[float], float],
    derivative: Callable[[float], float],
    t: float,
    got: float,
    expected: float,
    noise: float,
) -> float | None:
    """The step over which f changes as its derivative says; None if it does not.

    It is the least over which got and the slope expected, which is another, can be told apart;
    f is looked at over some larger ones too. Where the derivative changes so much over them that
    its integral cannot be computed, it explains f as far as is known.

    Args:
        f: the function.
        derivative: what is given for its derivative.
        t: where.
        got: derivative(t).
        expected: the slope by differences.
        noise: what f is off by through rounding errors.

    >>> from math import cos, sin
    >>> f, x = lambda x: x + 0.001 * sin(x), 1e13
    >>> def right(x):
    ...     return 1.0 + 0.001 * cos(x)
    >>> explained(f, right, x, right(x), expected=1.0, noise=1e-3) > 16.0
    True
    >>> explained(f, lambda x: right(x) - 0.1, x, right(x) - 0.1, expected=1.0, noise=1e-3)
    """
    if ulp(t) < COARSE:
        return None
    gap, near = abs(got - expected), range(-BESIDE, BESIDE + 1)
    beside = [derivative(t + k * ulp(t)) if k else got for k in near]
    bends = (a - 2.0 * b + c for a, b, c in zip(beside, beside[1:], beside[2:]))
    if not gap or not all(abs(bend) <= ROUGH * gap for bend in bends):
        return None
    noise += UNDERFLOW
    least = max(ENOUGH * noise / gap, FEWEST * ulp(t))
    for h in (least * times for times in STEPS):
        *others, found = (h * sum(w * derivative(t + h * x) for x, w in rule) for rule in RULES)
        error = max(abs(found - other) for other in others)
        below, above = f(t - h), f(t + h)
        rounding = noise + EPSILON * max(abs(below), abs(above))
        if not abs(above - below - found) <= SAFETY * rounding + UNRESOLVED * error:
            return None
    return least
