"""Derivatives by finite differences: central, Ridders' extrapolation, and in high precision.

A central difference (f(x+h) - f(x-h)) / 2h is off by O(h**2) and by the rounding errors of f
over h. Ridders (Advances in Engineering Software 4, 1982) extrapolates a sequence of them to
h = 0 and estimates the error from how the extrapolations agree; the rounding errors of f are
estimated from its differences at points close by (Hamming's difference table; Moré & Wild,
Estimating computational noise, SIAM J. Sci. Comput. 33, 2011).
"""

from collections.abc import Callable
from itertools import pairwise
from math import comb, isfinite, sqrt
from typing import Any, Literal, NamedTuple

from ..numeric import show, sum_in_order
from ..transforms.nested import Structure, leaves, rebuild
from .optional import optional

EPSILON = 2.0**-53
HALVINGS = 30


class Difference(NamedTuple):
    """A derivative and an estimate of how far it may be off.

    Attributes:
        value: the derivative.
        error: the estimate, in the same unit.

    >>> slope = finite_difference(lambda x: x**3, 2.0, "ridders")
    >>> isinstance(slope, Difference), abs(slope.value - 12.0) < slope.error < 1e-9
    (True, True)
    """

    value: float
    error: float


def finite_difference(
    f: Callable[[Any], Any],
    x: Structure,
    method: Literal["central", "ridders", "mpmath"] = "central",
    step: float | None = None,
) -> Structure:
    """The derivative of f with respect to each number in x, by finite differences.

    Args:
        f: from a structure like x to a number (or a Value, whose data counts). It is given
            floats; with "mpmath" mpf numbers, so that it has to compute with mpmath's functions.
        x: a number, or a list, tuple, dict or NumPy array of numbers, nested as you like.
        method: "central", one difference for each number; "ridders", extrapolated, with an
            error estimate; "mpmath", a central difference in at least 200 bits, exact to far
            more digits than a float has.
        step: h; with "ridders" the largest one. Unless given 2**-18 max(abs(x), 1), or
            max(abs(x), 0.1) / 4 with "ridders", or with "mpmath" 2**-67 max(abs(x), 2**-10).

    Returns:
        A structure like x: of floats, with "ridders" of pairs (value, error), with "mpmath" of
        mpf numbers.

    Raises:
        ValueError: the method is not known, or step is not above 0.
        TypeError: f gives no number.
        ArithmeticError, ValueError: what f raises beside x; a smaller step may avoid it, and
            "ridders" looks for one.
        ImportError: mpmath is asked for and not installed.

    >>> round(finite_difference(lambda x: x**3, 2.0), 6)
    12.0
    >>> slope = finite_difference(lambda p: p["w"] * p["x"][0], {"w": 2.0, "x": [3.0]}, "ridders")
    >>> round(slope["w"].value, 9), slope["w"].error < 1e-9
    (3.0, True)
    >>> from mpmath import sin
    >>> print(finite_difference(sin, 0.0, "mpmath"))
    1.0
    """
    if method not in ("central", "ridders", "mpmath"):
        raise ValueError(f"method is 'central', 'ridders' or 'mpmath', not {method!r}")
    if step is not None and not step > 0:
        raise ValueError(f"step is above 0, not {step}")
    numbers = leaves(x)
    if method == "mpmath":
        return _in_high_precision(f, x, step)

    def along(index: int) -> Callable[[float], float]:
        """f as a function of one of the numbers."""

        def g(t: float) -> float:
            moved = [*map(float, numbers[:index]), t, *map(float, numbers[index + 1 :])]
            return as_number(f(rebuild(x, moved)))

        return g

    results: list[Any] = []
    for index, number in enumerate(numbers):
        g, t = along(index), float(number)
        if method == "ridders":
            results.append(ridders(g, t, step))
        else:
            results.append(_central(g, t, step or 2.0**-18 * max(abs(t), 1.0)))
    return rebuild(x, results)


def as_number(result: Any) -> float:
    """What f gave, as a float.

    Raises:
        TypeError: it is no number.

    >>> as_number(2)
    2.0
    """
    try:
        return float(getattr(result, "data", result))
    except (TypeError, ValueError):
        raise TypeError(f"f gives one number or Value, not {show(result)}") from None


def _central(g: Callable[[float], float], t: float, h: float) -> float:
    right, left = t + h, t - h
    return (g(right) - g(left)) / (right - left)


def _in_high_precision(f: Callable[[Any], Any], x: Structure, step: float | None) -> Structure:
    mp = optional("mpmath").mp
    with mp.workprec(max(mp.prec, 200)):
        numbers = [mp.mpf(number) for number in leaves(x)]
        results = []
        for i, t in enumerate(numbers):
            h = step or mp.ldexp(max(abs(t), mp.ldexp(1, -10)), -(mp.prec // 3))
            right, left = (
                f(rebuild(x, [*numbers[:i], t + move, *numbers[i + 1 :]])) for move in (h, -h)
            )
            results.append((right - left) / (2 * h))
        return rebuild(x, results)


def ridders(
    g: Callable[[float], float], t: float, step: float | None = None, side: int = 0
) -> Difference:
    """The derivative of g at t, by differences over steps that halve, extrapolated to 0.

    Args:
        g: from a float to a float.
        t: where.
        step: the largest step, made smaller until g is defined there.
        side: 0 for central differences, 1 for those to the right of t, -1 to the left.

    Raises:
        ValueError: g is defined at no point beside t.

    >>> from math import exp
    >>> slope = ridders(exp, 0.0)
    >>> abs(slope.value - 1.0) < slope.error < 1e-9
    True
    """
    h = step or max(abs(t), 0.1) / 4.0
    moves = (1.0, -1.0) if side == 0 else (float(side),)
    while not all(_is_defined(g, t + move * h) for move in moves):
        h /= 8.0
        if t + h == t:
            raise ValueError(f"the function is defined nowhere beside {t!r}")
    centre = g(t)
    noise = _noise(g, t, h)
    order = 4.0 if side == 0 else 2.0  # what an error shrinks by when the step is halved
    best = Difference(0.0, float("inf"))
    row: list[float] = []
    for _ in range(HALVINGS):
        right = t + (h if side == 0 else side * h)
        left = t - h if side == 0 else t
        if right == left:
            break
        before = row
        row = [(g(right) - (g(left) if side == 0 else centre)) / (right - left)]
        rounding = 2.0 * noise / abs(right - left)
        for column, coarser in enumerate(before):
            finer = row[column]
            extrapolated = finer + (finer - coarser) / (order ** (column + 1) - 1.0)
            row.append(extrapolated)
            disagreement = max(abs(extrapolated - finer), abs(extrapolated - coarser))
            error = disagreement + 2.0 * rounding
            if error < best.error:
                best = Difference(extrapolated, error)
        if 2.0 * rounding > best.error:
            break  # no smaller step can do better
        h /= 2.0
    return best


def _is_defined(g: Callable[[float], float], t: float) -> bool:
    try:
        return isfinite(g(t))
    except (ArithmeticError, ValueError):
        return False


def _noise(g: Callable[[float], float], t: float, h: float) -> float:
    """The size of the rounding errors of g near t, from its high differences over tiny steps.

    The k-th difference of independent errors of size s has the size s sqrt(binomial(2k, k)),
    while that of the smooth part has vanished.
    """
    spacing = max(abs(t), h) * 2.0**-40
    points = [t + k * spacing for k in range(-4, 5)]
    values = [g(point) for point in points if _is_defined(g, point)]
    noise = EPSILON * max(map(abs, values), default=0.0)
    differences = values
    for k in range(1, len(values)):
        differences = [b - a for a, b in pairwise(differences)]
        if 4 <= k <= 6:
            size = sqrt(
                sum_in_order(d * d for d in differences) / len(differences) / comb(2 * k, k)
            )
            noise = max(noise, size)
    return noise
