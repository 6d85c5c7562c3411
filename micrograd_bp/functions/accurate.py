"""Floats in, a float out: the numerical core of the table.

Each function here is total, as IEEE 754 asks: outside its domain it returns nan, at a pole
an infinity, and never raises. What is guarded, and why, stands beside each formula; the
errors quoted are of the obvious formula, in ulps, against 60-digit arithmetic.
"""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from math import copysign, erfc, frexp, inf, isfinite, isnan, nan
from typing import Any

from ..numeric import sum_in_order

TWO_OVER_SQRT_PI = 1.1283791670955126
ONE_OVER_SQRT_2PI = 0.3989422804014327
_ONE_OVER_SQRT_2PI_LOW = -2.49232720227773e-17
LN_2 = 0.6931471805599453
LN_10 = 2.302585092994046
SMALLEST_NORMAL = 2.2250738585072014e-308
_SQRT_HALF = 0.7071067811865476
_SQRT_HALF_LOW = -4.833646656726457e-17
_SQRT_TWO, _SQRT_TWO_LOW = 1.4142135623730951, -9.667293313452913e-17
_EXP_MINUS_64 = 1.603810890548638e-28

# Error-free transformations (Dekker 1971; Knuth, TAOCP 2, section 4.2.2)


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


def _two_product(a: float, b: float) -> tuple[float, float]:
    """a * b as a rounded product and its exact error, for factors between 1e-140 and 1e150."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _ldexp(mantissa: float, exponent: int) -> float:
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
    return _ldexp(mantissa, exponent)


# Python's math with the results of IEEE 754 in place of exceptions


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
    return _ldexp(a_mantissa, a_exponent - n * b_exponent)


def cbrt(x: float) -> float:
    """Cube root: libm's is off by up to 3.5 ulp; a Newton step on an exact residual mends it."""
    if x == 0.0 or not isfinite(x):
        return x
    mantissa, exponent = frexp(abs(x))
    thirds, rest = divmod(exponent, 3)
    mantissa = math.ldexp(mantissa, rest)
    root = mantissa ** (1.0 / 3.0)
    square, square_low = _two_product(root, root)
    cube, cube_low = _two_product(square, root)
    residual = (cube - mantissa) + (cube_low + square_low * root)
    return copysign(math.ldexp(root - residual / (3.0 * square), thirds), x)


def cbrt_derivative(x: float) -> float:
    """1 / (3 cbrt(x)**2), as cbrt(x) / x / 3: the square would double the error of the root."""
    return inf if x == 0.0 else 0.0 if abs(x) == inf else cbrt(x) / x / 3.0


# Powers


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


# Bell curves and their relatives


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
    square, low = _two_product(size, size)
    if half:
        square, low = 0.5 * square, 0.5 * low
    low -= correction
    scale = 64.0 if square > 680.0 else 0.0
    product, product_low = _two_product(factor, math.exp(scale - square))
    bell = product + (product_low - product * low)
    return bell * _EXP_MINUS_64 if scale else bell


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
    z, low = _two_product(x, _SQRT_HALF)
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
    product, product_low = _two_product(factor, whole)
    _, numerator_low = _two_product(x, ONE_OVER_SQRT_2PI)
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


# The logistic family and tanh. 1 - tanh(x)**2 and s (1 - s) lose every digit: from
# x = 19 and 37 on they give 0 where the derivative is 1e-16.


def sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


def logistic_density(x: float) -> float:
    """The derivative of sigmoid: 1 / (exp(x) + 2 + exp(-x))."""
    size = abs(x)
    if size > 700.0:
        return math.exp(-size)
    e = math.exp(size)
    return 1.0 / (e + (2.0 + 1.0 / e))


def sech2(x: float) -> float:
    """The derivative of tanh: 4 / (exp(2x) + 2 + exp(-2x))."""
    size = abs(x)
    if size > 350.0:
        root = 2.0 * math.exp(-size)
        return root * root
    e = math.exp(2.0 * size)
    return 4.0 / (e + (2.0 + 1.0 / e))


def softplus(x: float) -> float:
    """log(1 + exp(x)), where exp(x) overflows too."""
    if isnan(x):
        return x
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _times_exp(factor: float, x: float) -> float:
    """factor * exp(x) for x < -690, rounded into the subnormal numbers once only."""
    return math.exp(64.0 + x) * factor * _EXP_MINUS_64


def silu(x: float) -> float:
    if x < -760.0:
        return -0.0
    return _times_exp(x, x) if x < -690.0 else x / (1.0 + math.exp(-x))


def silu_derivative(x: float) -> float:
    if x > 700.0:
        return 1.0
    if x >= 0.0:
        return sigmoid(x) + x * logistic_density(x)
    if x < -760.0:
        return 0.0
    if x < -690.0:
        return _times_exp(1.0 + x, x)
    return logistic_density(x) * (1.0 + x + math.exp(x))


def silu_second_derivative(x: float) -> float:
    if abs(x) > 760.0:
        return 0.0
    size = abs(x)
    if 1.0 < size < 8.0:
        with localcontext() as context:  # the factor cancels to 0 at 2.3994
            context.prec = 40
            e = (-Decimal(size)).exp()
            factor = float(2 - Decimal(size) * (1 - e) / (1 + e))
    else:
        factor = 2.0 - size * math.tanh(0.5 * size)
    return _times_exp(factor, -size) if size > 690.0 else logistic_density(x) * factor


def softsign_derivative(x: float, n: int) -> float:
    """1 / (1 + abs(x))**n, the rounding error of the sum folded back."""
    size = abs(x)
    whole = 1.0 + size
    error = (1.0 - whole) + size if size < 1.0 else (size - whole) + 1.0
    power = quotient = 1.0 / whole
    for _ in range(n - 1):
        power *= quotient
    return power - n * (error * quotient) * power if error else power


def scaled_exp(x: float, factor: float) -> float:
    """factor * exp(x), rounded into the subnormals once only."""
    return _times_exp(factor, x) if -800.0 < x < -690.0 else factor * exp(x)


# Inverse functions: 1 - x*x and its kin with the rounding error of x*x folded back
# (2e7 ulp without, near x = 1).


def one_minus_square(x: float) -> float:
    if not 1e-140 < abs(x) < 1e150:
        return 1.0 - x * x
    square, low = _two_product(x, x)
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
    square, low = _two_product(x, x)
    whole = 1.0 + square
    error = ((1.0 - whole) + square if square < 1.0 else (square - whole) + 1.0) + low
    quotient = 1.0 / whole
    return quotient - quotient * (error * quotient)


# Two operands


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
    uu, uu_low = _two_product(u, u)
    vv, vv_low = _two_product(v, v)
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
    square, low = _square_norm(_ldexp(x, -exponent), _ldexp(y, -exponent))
    norm = math.sqrt(square)
    again, again_low = _two_product(norm, norm)
    residual = ((square - again) - again_low + low) / square  # norm is off by half of it
    (x_mantissa, x_exponent), (y_mantissa, y_exponent) = frexp(x), frexp(y)
    mantissa = x_mantissa**a * y_mantissa**b / norm**n
    mantissa -= mantissa * (0.5 * n * residual)
    return _ldexp(mantissa, a * x_exponent + b * y_exponent - n * exponent)


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
    u, v = _ldexp(x, -exponent), _ldexp(y, -exponent)
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
        return _ldexp(sign * complex_power(u, v, -n)[k % 2], -n * exponent)
    return _ldexp(sign * (mantissa - mantissa * (n * low / square)), scale)


def complex_power(u: float, v: float, n: int) -> tuple[float, float]:
    power = complex(u, v) ** n
    return power.real, power.imag


def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y)) without overflow.

    Where the larger operand is negative and the logarithm beside it cancels most of it, the
    sum is taken in many digits: a result near 0 would otherwise keep no digit at all.
    """
    if isnan(x) or isnan(y):
        return nan
    largest, smallest = max(x, y), min(x, y)
    if largest in (inf, -inf):
        return largest
    difference, error = two_difference(smallest, largest)
    ratio = math.exp(difference)
    rest = math.log1p(ratio + ratio * error)
    result = largest + rest
    if largest >= 0.0 or abs(result) >= 2.0 * rest:
        return result
    return logaddexp_in_digits(x, y, 60 + int(-difference / 2.3))  # 1 + ratio, and 60 of the ratio


def logaddexp_in_digits(x: float, y: float, digits: int) -> float:
    with localcontext() as context:
        context.prec = digits
        return float((Decimal(x).exp() + Decimal(y).exp()).ln())


def softmax_of_two(x: float, y: float) -> float:
    """exp(x) / (exp(x) + exp(y)): sigmoid of the difference, exact to the last bit of x - y.

    A term of -inf weighs 0, also beside another.
    """
    if x == y == -inf:
        return 0.0
    difference, error = two_difference(x, y)
    if difference < -690.0:
        return _times_exp(1.0 + error, difference) if difference > -1e4 else 0.0
    share = sigmoid(difference)
    return share + share * sigmoid(-difference) * error


def maximum(x: float, y: float) -> float:
    return nan if isnan(x) or isnan(y) else max(x, y)


def minimum(x: float, y: float) -> float:
    return nan if isnan(x) or isnan(y) else min(x, y)


def greater(x: float, y: float) -> float:
    """1 if x > y, 0 if x < y, and 1/2 each at a tie."""
    return 1.0 if x > y else 0.0 if x < y else 0.5 if x == y else nan


# Any number of operands


def exact_mean(terms: tuple[float, ...], number: int) -> float:
    """The sum of finite terms over a number, correctly rounded, in integers."""
    ratios = map(float.as_integer_ratio, terms)
    total = sum(numerator * (2**1074 // denominator) for numerator, denominator in ratios)
    try:
        return total / (2**1074 * number)
    except OverflowError:
        return inf if total > 0 else -inf


def fsum(*terms: float) -> float:
    """The exactly rounded sum (Shewchuk's algorithm, by math.fsum)."""
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # too large on the way, or inf - inf
        if all(map(isfinite, terms)):
            return exact_mean(terms, 1)
        return sum(terms)


def mean(*terms: float) -> float:
    total = fsum(*terms)
    if isfinite(total) or not all(map(isfinite, terms)):
        return total / len(terms)
    return exact_mean(terms, len(terms))


def dot(*operands: float) -> float:
    """w_1 x_1 + ... + w_n x_n, from the bias on, left to right."""
    n = len(operands) // 2
    total = operands[-1] if len(operands) % 2 else 0.0
    for weight, value in zip(operands[:n], operands[n : 2 * n], strict=True):
        total += weight * value
    return total


def exp_of_difference(x: float, y: float) -> float:
    """exp(x - y), x <= y, the rounding error of x - y folded back (abs(x - y) / 2 ulp without)."""
    difference, error = two_difference(x, y)
    size = exp(difference)
    return size + size * error if size < inf else size


def logsumexp(*terms: float) -> float:
    if any(map(isnan, terms)):
        return nan
    largest = max(terms)
    if not isfinite(largest):
        return largest
    sizes = [exp_of_difference(term, largest) for term in terms]
    sizes.remove(1.0)  # of the largest itself: log1p keeps what a sum near 1 would lose
    return largest + math.log1p(math.fsum(sizes))


def shares(*terms: float) -> list[float]:
    """exp(x_j) / sum_i exp(x_i) for each j; a term of -inf weighs 0, also among its like."""
    largest = max(terms)
    if not isfinite(largest) or any(map(isnan, terms)):
        return [0.0 if all(term == -inf for term in terms) else nan] * len(terms)
    sizes = [exp_of_difference(term, largest) for term in terms]
    total = math.fsum(sizes)
    return [size / total for size in sizes]


def softmax(*terms_and_index: float) -> float:
    """The share at an index, which is the last argument."""
    *terms, index = terms_and_index
    return shares(*terms)[int(index)]
