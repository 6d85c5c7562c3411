"""Two operands as a point of the plane: hypot, atan2 and powers of x + iy."""

import math
from math import frexp, inf, isfinite, isnan, nan

from .error_free import ldexp, two_difference, two_product


def hypot_direction(x: float, y: float) -> float:
    """x / hypot(x, y), by convention 0 at the origin."""
    if isnan(x) or isnan(y):
        return nan
    if x == 0.0 and y == 0.0:
        return 0.0
    largest = max(abs(x), abs(y))
    if largest > 1e300:
        x, y = x * 2.0**-600, y * 2.0**-600
    elif largest < 1e-290:
        x, y = x * 2.0**600, y * 2.0**600
    return x / math.hypot(x, y)


def _square_norm(u: float, v: float) -> tuple[float, float]:
    """u*u + v*v as a rounded sum and its error, for the larger between 1/2 and 1."""
    uu, uu_low = two_product(u, u)
    vv, vv_low = two_product(v, v)
    high, low = two_difference(uu, -vv)
    return high, low + (uu_low + vv_low)


def hypot_moment(x: float, y: float, a: int, b: int, n: int) -> float:
    """x**a y**b / hypot(x, y)**n for a + b < n, over- or underflowing only if the result does.

    At the origin it has no limit, not even an infinite one where a or b is odd.
    """
    if not (isfinite(x) and isfinite(y)):
        return nan
    largest = max(abs(x), abs(y))
    if largest == 0.0:
        return nan if a % 2 or b % 2 else inf
    _, exponent = frexp(largest)
    square, low = _square_norm(ldexp(x, -exponent), ldexp(y, -exponent))
    norm = math.sqrt(square)
    again, again_low = two_product(norm, norm)
    residual = ((square - again) - again_low + low) / square  # norm is off by half of it
    (x_mantissa, x_exponent), (y_mantissa, y_exponent) = frexp(x), frexp(y)
    mantissa = x_mantissa**a * y_mantissa**b / norm**n
    mantissa -= mantissa * (0.5 * n * residual)
    return ldexp(mantissa, a * x_exponent + b * y_exponent - n * exponent)


def inverse_power(x: float, y: float, n: int, k: int) -> float:
    """The real part of i**k / (x + iy)**n; at the origin by convention 0 for n = 1, else nan.

    Over- or underflowing only if the result does; for n <= 2 without cancellation.
    """
    if not (isfinite(x) and isfinite(y)):
        return nan
    largest = max(abs(x), abs(y))
    if largest == 0.0:
        return 0.0 if n == 1 else nan
    _, exponent = frexp(largest)
    u, v = ldexp(x, -exponent), ldexp(y, -exponent)
    square, low = _square_norm(u, v)
    (x_mantissa, x_exponent), (y_mantissa, y_exponent) = frexp(x), frexp(y)
    sign = -1.0 if k % 4 in (1, 2) else 1.0
    if n == 1:  # (x - iy) / (x*x + y*y)
        mantissa, own = (-y_mantissa, y_exponent) if k % 2 else (x_mantissa, x_exponent)
        mantissa, scale = mantissa / square, own - 2 * exponent
    elif n == 2 and k % 2 == 0:
        mantissa, scale = (u - v) * (u + v) / (square * square), -2 * exponent
    elif n == 2:
        mantissa = -2.0 * x_mantissa * y_mantissa / (square * square)
        scale = x_exponent + y_exponent - 4 * exponent
    else:
        return ldexp(sign * complex_power(u, v, -n)[k % 2], -n * exponent)
    return ldexp(sign * (mantissa - mantissa * (n * low / square)), scale)


def complex_power(u: float, v: float, n: int) -> tuple[float, float]:
    power = complex(u, v) ** n
    return power.real, power.imag
