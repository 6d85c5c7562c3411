"""Python's math with the results of IEEE 754 in place of exceptions."""

import math
from collections.abc import Callable
from math import copysign, frexp, inf, isfinite, isnan, nan

from .error_free import ldexp

LN_2 = 0.6931471805599453
LN_10 = 2.302585092994046
SMALLEST_NORMAL = 2.2250738585072014e-308
EXP_MINUS_64 = 1.603810890548638e-28


def _overflowing(function: Callable[[float], float]) -> Callable[[float], float]:
    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return inf

    return total


def _within(
    function: Callable[[float], float], inside: Callable[[float], bool]
) -> Callable[[float], float]:
    def total(x: float) -> float:
        return function(x) if inside(x) else nan

    return total


def _logarithm(function: Callable[[float], float], pole: float) -> Callable[[float], float]:
    def total(x: float) -> float:
        if x > pole:
            return function(x)
        return -inf if x == pole else nan

    return total


exp = _overflowing(math.exp)
exp2 = _overflowing(getattr(math, "exp2", lambda x: 2.0**x))  # math.exp2: Python 3.11
expm1 = _overflowing(math.expm1)
cosh = _overflowing(math.cosh)
log = _logarithm(math.log, 0.0)
log2 = _logarithm(math.log2, 0.0)
log10 = _logarithm(math.log10, 0.0)
log1p = _logarithm(math.log1p, -1.0)
sqrt = _within(math.sqrt, lambda x: x >= 0.0)
sin = _within(math.sin, isfinite)
cos = _within(math.cos, isfinite)
tan = _within(math.tan, isfinite)
asin = _within(math.asin, lambda x: -1.0 <= x <= 1.0)
acos = _within(math.acos, lambda x: -1.0 <= x <= 1.0)
acosh = _within(math.acosh, lambda x: x >= 1.0)


def sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return copysign(inf, x)


def atanh(x: float) -> float:
    if -1.0 < x < 1.0:
        return math.atanh(x)
    return copysign(inf, x) if abs(x) == 1.0 else nan


def divide(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0.0 or isnan(a) else copysign(inf, a) * copysign(1.0, b)


def divide_by_power(a: float, b: float, n: int) -> float:
    """a / b**n for n >= 1, over- or underflowing only if the result does."""
    quotient = a
    for _ in range(n):
        quotient = divide(quotient, b)
    # The quotients run one way: with both ends normal none between has lost digits.
    if SMALLEST_NORMAL <= abs(quotient) < inf and abs(a) >= SMALLEST_NORMAL:
        return quotient
    if not (isfinite(a) and isfinite(b)) or a == 0.0 or b == 0.0:
        return quotient
    (a_mantissa, a_exponent), (b_mantissa, b_exponent) = frexp(a), frexp(b)
    for _ in range(n):
        a_mantissa /= b_mantissa
    return ldexp(a_mantissa, a_exponent - n * b_exponent)


def maximum(x: float, y: float) -> float:
    return nan if isnan(x) or isnan(y) else max(x, y)


def minimum(x: float, y: float) -> float:
    return nan if isnan(x) or isnan(y) else min(x, y)


def greater(x: float, y: float) -> float:
    """1 if x > y, 0 if x < y, and 1/2 each at a tie."""
    return 1.0 if x > y else 0.0 if x < y else 0.5 if x == y else nan
