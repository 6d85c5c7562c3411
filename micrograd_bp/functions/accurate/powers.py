"""Powers and roots, and their derivatives to any order."""

import math
from decimal import Decimal, localcontext
from math import copysign, frexp, inf, isfinite, isnan, nan
from typing import Any

from ...numeric import sum_in_order
from .error_free import scaled_product, two_difference, two_product
from .ieee import SMALLEST_NORMAL, log


def cbrt(x: float) -> float:
    """Cube root: libm's is off by up to 3.5 ulp; a Newton step on an exact residual mends it."""
    if x == 0.0 or not isfinite(x):
        return x
    mantissa, exponent = frexp(abs(x))
    thirds, rest = divmod(exponent, 3)
    mantissa = math.ldexp(mantissa, rest)
    root = mantissa ** (1.0 / 3.0)
    square, square_low = two_product(root, root)
    cube, cube_low = two_product(square, root)
    residual = (cube - mantissa) + (cube_low + square_low * root)
    return copysign(math.ldexp(root - residual / (3.0 * square), thirds), x)


def cbrt_derivative(x: float) -> float:
    """1 / (3 cbrt(x)**2), as cbrt(x) / x / 3: the square would double the error of the root."""
    return inf if x == 0.0 else 0.0 if abs(x) == inf else cbrt(x) / x / 3.0


def power(x: float, y: float) -> float:
    """x**y for a base x >= 0, nan below: between the integers no negative base has a power."""
    return constant_power(x, y) if x >= 0.0 or isnan(x) else nan


def constant_power(x: float, y: float) -> float:
    """x**y, nan for a negative base and a y that is no integer."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0.0 and y % 2.0 == 1.0 else inf
    except ValueError:
        if x != 0.0:
            return nan
        return copysign(inf, x) if y % 2.0 == 1.0 else inf


def power_partial(x: float, y: float, k: int, j: int) -> float:
    """The partial derivative of x**y, k times by x and j times by y, for x >= 0.

    It is x**(y-k) times a polynomial in y and log x. The exponent y - k is kept as a rounded
    difference and its error: x**(c-1) loses 168 ulp at c = 0.1 by the rounding of c - 1 alone.
    """
    if x == 0.0 and j > 0 and (y > k or (k == 0 and y == 0.0)):
        return 0.0  # the limit for y > 0, and by convention at 0**0
    coefficient: float
    size: float
    coefficient, size = _power_coefficient(x, y, k, j)
    if abs(coefficient) < 0.5 * size < inf and x > 0.0:  # 1 + y log(x) near its root, and kin
        with localcontext() as context:
            context.prec = 60
            coefficient = float(_power_coefficient(Decimal(x), Decimal(y), k, j)[0])
    if coefficient == 0.0:
        return 0.0
    exponent, error = two_difference(y, float(k))
    correction = 1.0 + error * log(x) if error else 1.0
    whole = power(x, exponent)
    result = coefficient * (whole * correction)
    if (SMALLEST_NORMAL <= whole < inf and SMALLEST_NORMAL <= abs(result) < inf) or x == 0.0:
        return result
    half = power(x, 0.5 * exponent)
    if half == 0.0:
        return copysign(0.0, coefficient)
    if half == inf or not isfinite(coefficient):
        return copysign(inf, coefficient)
    return scaled_product(coefficient, correction, half, half)


def _power_coefficient(x: Any, y: Any, k: int, j: int) -> tuple[Any, Any]:
    """The polynomial in y and log x, and the sum of its terms' sizes; floats or Decimals."""
    one: Any = y * 0 + 1 if isinstance(y, Decimal) else 1.0
    falling = [one] + [0 * one] * j  # y (y-1) ... (y-k+1) and its first j derivatives by y
    for i in range(k):
        for m in range(j, -1, -1):
            falling[m] = falling[m] * (y - i) + (m * falling[m - 1] if m else 0)
    if j == 0:
        return falling[0], abs(falling[0])
    log_x: Any = log(x) if isinstance(x, float) else x.ln()
    terms = [math.comb(j, i) * falling[i] * log_x ** (j - i) for i in range(j + 1) if falling[i]]
    return sum_in_order(terms, 0 * one), sum_in_order(map(abs, terms), 0 * one)


def constant_power_derivative(x: float, c: float, k: int) -> float:
    """The k-th derivative of x**c, for a negative base too where c is an integer."""
    if x >= 0.0 or isnan(x):
        return power_partial(x, c, k, 0)
    if c % 1.0 != 0.0:
        return nan
    size = power_partial(-x, c, k, 0)
    return -size if (c - k) % 2.0 == 1.0 else size
