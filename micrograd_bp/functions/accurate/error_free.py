"""Sums, products and their errors: transformations that lose nothing.

Dekker 1971; Knuth, The Art of Computer Programming 2, section 4.2.2. What is scaled by powers of
two over- or underflows only if the result does.
"""

import math
from math import copysign, frexp, inf, isfinite


def two_difference(a: float, b: float) -> tuple[float, float]:
    """a - b as a rounded difference and its exact error (0.0 where that is not finite)."""
    high = a - b
    back = high - a
    low = (a - (high - back)) - (b + back)
    return high, low if isfinite(low) else 0.0


def _split(x: float) -> tuple[float, float]:
    """x as a sum of two numbers of 26 bits each, whose products are exact."""
    scaled = 134217729.0 * x  # 2**27 + 1
    high = scaled - (scaled - x)
    return high, x - high


def two_product(a: float, b: float) -> tuple[float, float]:
    """a * b as a rounded product and its exact error, for factors between 1e-140 and 1e150."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def ldexp(mantissa: float, exponent: int) -> float:
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return copysign(inf, mantissa)


def scaled_product(*factors: float) -> float:
    """A product that over- or underflows only if the result does."""
    mantissa, exponent = 1.0, 0
    for factor in factors:
        m, e = frexp(factor)
        mantissa *= m
        exponent += e
    return ldexp(mantissa, exponent)
