"""The derivatives of inverse functions: 1 - x*x and its kin, the error of x*x folded back.

Without that they are off by 2e7 ulp near x = 1.
"""

from math import isnan

from .error_free import two_product
from .ieee import divide, sqrt


def one_minus_square(x: float) -> float:
    if not 1e-140 < abs(x) < 1e150:
        return 1.0 - x * x
    square, low = two_product(x, x)
    return (1.0 - square) - low


def asin_derivative(x: float) -> float:
    return divide(1.0, sqrt(one_minus_square(x)))


def acosh_derivative(x: float) -> float:
    """1 / sqrt(x*x - 1)."""
    return divide(1.0, x) if x > 1e150 else divide(1.0, sqrt(0.0 - one_minus_square(x)))


def atan_derivative(x: float) -> float:
    """1 / (1 + x*x)."""
    if abs(x) > 1e9:
        return (1.0 / x) * (1.0 / x)
    if abs(x) < 1e-140 or isnan(x):
        return 1.0 + 0.0 * x
    square, low = two_product(x, x)
    whole = 1.0 + square
    error = ((1.0 - whole) + square if square < 1.0 else (square - whole) + 1.0) + low
    quotient = 1.0 / whole
    return quotient - quotient * (error * quotient)
