"""What counts as a number and how a message shows what does not; sums and differences."""

import math
import operator
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import reduce
from numbers import Real
from typing import Any

Number = Any  # int, float, bool, Fraction, Decimal or a real NumPy scalar


def is_number(x: object) -> bool:
    """Whether x is an int, float, bool, Fraction, Decimal or real NumPy scalar.

    >>> is_number(1.5), is_number(1j), is_number("1.5")
    (True, False, False)
    """
    return isinstance(x, (float, int, Real, Decimal)) or (
        type(x).__module__ == "numpy" and type(x).__name__ in ("bool", "bool_")
    )


def to_float(number: Number) -> float:
    """A real number as a float.

    Raises:
        TypeError: number is no real number; the message says what to do.
        OverflowError: it is beyond the largest float.

    >>> to_float(True)
    1.0
    """
    if type(number) is float:
        return number
    if not is_number(number):
        advice = ": give an int or a float"
        if hasattr(number, "_record"):
            advice = ": take its .data"
        elif isinstance(number, str):
            advice = ": convert it first, with float(...)"
        elif isinstance(number, complex):
            advice = ": take its .real, .imag or abs(...)"
        elif getattr(number, "shape", None) == ():
            advice = ": take its .item()"
        elif hasattr(number, "__len__") or hasattr(number, "__array__"):
            advice = ": take its elements one by one"
        raise TypeError(f"need a real number, not {show(number)}{advice}")
    try:
        x = float(number)
    except OverflowError:
        x = math.inf
    if math.isinf(x) and number != x:  # Decimal("1e400") becomes inf without a word
        raise OverflowError(f"{show(number)} is beyond the largest float, 1.8e308")
    return x


def sum_in_order(terms: Iterable[float], start: float = 0.0) -> float:
    """The sum from left to right, rounded after each term.

    From Python 3.12 on `sum` carries what was rounded away from floats: with it the last bits of
    a result would depend on the Python.

    >>> sum_in_order([1.0, 1e100, 1.0, -1e100])
    0.0
    """
    return reduce(operator.add, terms, start)


def central_difference(f: Callable[[float], float], x: float, step: float) -> float:
    """(f(x + h) - f(x - h)) / 2h.

    Args:
        f: from a float to a float.
        x: where.
        step: h, so large that x + h is not x.

    >>> central_difference(lambda x: x * x, 3.0, step=0.5)
    6.0
    """
    right, left = x + step, x - step
    return (f(right) - f(left)) / (right - left)


def show(x: object) -> str:
    """An object and its type for a message, shortened to a line.

    >>> show("abc")
    "'abc' (str)"
    """
    try:
        text = repr(x)
    except ValueError:  # an int of more digits than Python agrees to write
        text = "a number of thousands of digits"
    text = " ".join(line.strip() for line in text.splitlines())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(x).__name__})"


def as_text(what: str, text: object) -> str:
    """The label or scope of a Value as a plain string.

    Raises:
        TypeError: it is no string.

    >>> as_text("label", 3)
    Traceback (most recent call last):
    ...
    TypeError: the label of a Value is a string, not 3 (int)
    """
    if not isinstance(text, str):
        raise TypeError(f"the {what} of a Value is a string, not {show(text)}")
    return str(text)


def bounds(low: Number, high: Number) -> tuple[float, float]:
    """The two bounds of clip as floats.

    Raises:
        TypeError: one is no number.
        ValueError: low is above high, or one is nan.

    >>> bounds(0, 1)
    (0.0, 1.0)
    """
    low, high = to_float(low), to_float(high)
    if not low <= high or math.isnan(low):
        raise ValueError(f"clip needs low <= high, not low={low} and high={high}")
    return low, high
