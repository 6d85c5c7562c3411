"""Bell curves and their relatives: the densities behind erf, the normal distribution and gelu."""

import math
from math import erfc, isnan

from .error_free import two_difference, two_product
from .ieee import EXP_MINUS_64

TWO_OVER_SQRT_PI = 1.1283791670955126
ONE_OVER_SQRT_2PI = 0.3989422804014327
_ONE_OVER_SQRT_2PI_LOW = -2.49232720227773e-17
_SQRT_HALF = 0.7071067811865476
_SQRT_HALF_LOW = -4.833646656726457e-17
_SQRT_TWO, _SQRT_TWO_LOW = 1.4142135623730951, -9.667293313452913e-17


def _bell(x: float, factor: float, half: bool, correction: float = 0.0) -> float:
    """factor * (1 + correction) * exp(-x*x), or exp(-x*x/2) if half.

    The rounding error of x*x is folded back (447 ulp without), and the result is rounded
    into the subnormal numbers once only.
    """
    size = abs(x)
    if size < 1e-8:
        return factor
    if size > 40.0:
        return 0.0
    square, low = two_product(size, size)
    if half:
        square, low = 0.5 * square, 0.5 * low
    low -= correction
    scale = 64.0 if square > 680.0 else 0.0
    product, product_low = two_product(factor, math.exp(scale - square))
    bell = product + (product_low - product * low)
    return bell * EXP_MINUS_64 if scale else bell


def gauss(x: float, n: int) -> float:
    """2/sqrt(pi) x**n exp(-x*x); at n = 0 the derivative of erf."""
    return 0.0 if abs(x) > 40.0 else _bell(x, TWO_OVER_SQRT_PI * x**n, half=False)


def normal(x: float, n: int) -> float:
    """x**n times the density of the standard normal distribution."""
    return 0.0 if abs(x) > 40.0 else _bell(x, ONE_OVER_SQRT_2PI * x**n, half=True)


def _normal_cumulative(x: float) -> float:
    """erfc(-x/sqrt 2) / 2, the rounding error of x/sqrt 2 folded back (300 ulp without)."""
    if x > 9.0:
        return 1.0
    z, low = two_product(x, _SQRT_HALF)
    low += x * _SQRT_HALF_LOW
    return 0.5 * erfc(-z) + low * (0.5 * TWO_OVER_SQRT_PI) * math.exp(-z * z)


def _inverse_mills(x: float) -> tuple[float, float]:
    """Density over tail of the normal distribution for x > 1.2, in two parts.

    Laplace's continued fraction x + 1/(x + 2/(x + 3/...)), Abramowitz & Stegun 26.2.14.
    """
    rest = x
    for i in range(int(10.0 + 500.0 / (x * x)), 1, -1):
        rest = x + i / rest
    return two_difference(x, -1.0 / rest)


def gelu(x: float) -> float:
    """x times the cumulative normal distribution; to the left by the continued fraction.

    There libm's erfc alone is off by up to 1.9 ulp, and the product with x by 2.9.
    """
    if x < -40.0:
        return -0.0
    if x > -1.25 or isnan(x):
        return x * _normal_cumulative(x)
    whole, low = _inverse_mills(-x)
    numerator = x * ONE_OVER_SQRT_2PI
    factor = numerator / whole
    product, product_low = two_product(factor, whole)
    _, numerator_low = two_product(x, ONE_OVER_SQRT_2PI)
    numerator_low += x * _ONE_OVER_SQRT_2PI_LOW
    residual = (numerator - product) - product_low + numerator_low - factor * low
    return _bell(x, factor, half=True, correction=residual / numerator)


def gelu_derivative(x: float) -> float:
    if x > 39.0:
        return 1.0
    if x < -40.0:
        return 0.0
    if x > -1.25 or isnan(x):
        return _normal_cumulative(x) + x * normal(x, 0)
    return _bell(x, (x + 1.0 / _inverse_mills(-x)[0]) * ONE_OVER_SQRT_2PI, half=True)


def gelu_second_derivative(x: float) -> float:
    """density(x) (2 - x*x), the second factor through its roots, sqrt 2 in two parts."""
    if abs(x) > 40.0:
        return 0.0
    root_distance = (_SQRT_TWO - abs(x)) + _SQRT_TWO_LOW
    return _bell(x, ONE_OVER_SQRT_2PI * root_distance * (_SQRT_TWO + abs(x)), half=True)
