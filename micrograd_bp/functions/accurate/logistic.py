"""The logistic family and tanh: sigmoid, softplus, silu, and their derivatives.

1 - tanh(x)**2 and s (1 - s) lose every digit: from x = 19 and 37 on they give 0 where the
derivative is 1e-16.
"""

import math
from decimal import Decimal, localcontext
from math import isnan

from .ieee import EXP_MINUS_64, exp


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


def times_exp(factor: float, x: float) -> float:
    """factor * exp(x) for x < -690, rounded into the subnormal numbers once only."""
    return math.exp(64.0 + x) * factor * EXP_MINUS_64


def scaled_exp(x: float, factor: float) -> float:
    """factor * exp(x), rounded into the subnormals once only."""
    return times_exp(factor, x) if -800.0 < x < -690.0 else factor * exp(x)


def silu(x: float) -> float:
    if x < -760.0:
        return -0.0
    return times_exp(x, x) if x < -690.0 else x / (1.0 + math.exp(-x))


def silu_derivative(x: float) -> float:
    if x > 700.0:
        return 1.0
    if x >= 0.0:
        return sigmoid(x) + x * logistic_density(x)
    if x < -760.0:
        return 0.0
    if x < -690.0:
        return times_exp(1.0 + x, x)
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
    return times_exp(factor, -size) if size > 690.0 else logistic_density(x) * factor


def softsign_derivative(x: float, n: int) -> float:
    """1 / (1 + abs(x))**n, the rounding error of the sum folded back."""
    size = abs(x)
    whole = 1.0 + size
    error = (1.0 - whole) + size if size < 1.0 else (size - whole) + 1.0
    power = quotient = 1.0 / whole
    for _ in range(n - 1):
        power *= quotient
    return power - n * (error * quotient) * power if error else power
