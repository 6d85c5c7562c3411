"""Derivatives by finite differences: central, extrapolated, and in high precision.

A central difference (f(x+h) - f(x-h)) / 2h is off by O(h**2) and by the rounding errors of f
over h. slopes.py looks at f over all the steps that tell something, and extrapolation.py
extrapolates its differences to h = 0 and says how far that may be off.
"""

from collections.abc import Callable, Iterator
from math import ldexp, ulp
from typing import Any, Literal

from ..numeric import central_difference, show
from ..transforms.nested import Structure, leaves, rebuild
from .extrapolation import Difference
from .optional import optional
from .slopes import Slopes


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
            error that it is most probably not off by more; "mpmath", a central difference in at
            least 200 bits, exact to far more digits than a float has.
        step: h; with "ridders" the largest one. Unless given 2**-18 abs(x), or 2**-67 abs(x)
            with "mpmath", where for an x of 0 stands the step by which "ridders" finds most;
            "ridders" looks for its steps.

    Returns:
        A structure like x: of floats, with "ridders" of pairs (value, error), with "mpmath" of
        mpf numbers.

    Raises:
        ValueError: the method is not known, or step is not above 0.
        TypeError: f gives no number, or with "mpmath" rounds to a float on the way.
        ArithmeticError, ValueError: what f raises beside x; a smaller step may avoid it, and
            "ridders" looks for one, with a ValueError where there is none.
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
    if method == "mpmath":
        return _in_high_precision(f, x, step)
    results: list[Any] = []
    for g, t in _each(f, x):
        if method == "ridders":
            results.append(ridders(g, t, step))
        else:
            results.append(central_difference(g, t, step or _usual_step(g, t)))
    return rebuild(x, results)


def ridders(f: Callable[[float], float], x: float, step: float | None = None) -> Difference:
    """The slope of a function of one number, extrapolated, with its error.

    Args:
        f: from a float to a float.
        x: where.
        step: the largest step.

    Raises:
        ValueError: f is defined at no point beside x.

    >>> slope = ridders(lambda r: 1.0 / r, 5e-11)
    >>> abs(slope.value + 4e20) <= slope.error < 1e9
    True
    """
    slope = Slopes(f, x, step).best
    if slope is None:
        raise ValueError(f"the function is defined nowhere beside {x!r}")
    return slope


def _each(f: Callable[[Any], Any], x: Structure) -> Iterator[tuple[Callable[[Any], Any], float]]:
    """f as a function of each of the numbers in x, and that number."""
    numbers = [float(number) for number in leaves(x)]
    for i, number in enumerate(numbers):

        def g(t: float, i: int = i) -> float:
            return as_number(f(rebuild(x, [*numbers[:i], t, *numbers[i + 1 :]])))

        yield g, number


def _scale(g: Callable[[float], float], t: float) -> float:
    """abs(t), or for 0, which has no size, the step at which g shows its slope."""
    return abs(t) or Slopes(g, t).scale


def _usual_step(g: Callable[[float], float], t: float) -> float:
    return max(ldexp(_scale(g, t), -18), ulp(t))


def as_number(result: Any) -> float:
    """What f gave, as a float.

    Raises:
        TypeError: it is no number.

    >>> as_number(2)
    2.0
    """
    if not hasattr(result, "dtype"):  # in NumPy's numbers data are something else
        result = getattr(result, "data", result)
    try:
        return float(result)
    except (TypeError, ValueError):
        raise TypeError(f"f gives one number or Value, not {show(result)}") from None


def _in_high_precision(f: Callable[[Any], Any], x: Structure, step: float | None) -> Structure:
    mp = optional("mpmath").mp
    with mp.workprec(max(mp.prec, 200)):
        numbers = [mp.mpf(number) for number in leaves(x)]
        results = []
        for i, (t, (g, number)) in enumerate(zip(numbers, _each(f, x))):
            h = step or mp.ldexp(_scale(g, number), -(mp.prec // 3))
            right, left = (
                f(rebuild(x, [*numbers[:i], t + move, *numbers[i + 1 :]])) for move in (h, -h)
            )
            # A constant to one side, as of max(x, 0), is exact.
            is_rounded = not any(isinstance(y, mp.mpf) for y in (right, left))
            if is_rounded and central_difference(g, number, _usual_step(g, number)):
                raise TypeError(
                    f"f gives {show(right)} of mpmath's numbers, which lacks the digits that count:"
                    ' with "mpmath" f needs the functions of mpmath, such as mpmath.exp'
                )
            results.append((right - left) / (2 * h))
        return rebuild(x, results)
