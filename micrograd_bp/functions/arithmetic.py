"""The table, part one: arithmetic, powers and roots."""

import math
from typing import Any

from . import accurate
from .function import Doc, Function

# What mathematics means by a power, in mpmath's terms


def _exact_power(mp: Any, x: Any, y: Any) -> Any:
    """x**y, for a negative base only where y is an integer."""
    y = mp.mpf(y)
    if x > 0:
        return mp.exp(y * mp.log(x)) if y else mp.mpf(1)
    if x == 0 and y >= 0:
        return mp.mpf(y == 0)
    if x == 0:
        raise ZeroDivisionError
    if not mp.isint(y):
        raise ValueError("a negative base has integer powers only")
    return (-1) ** (int(y) % 2) * _exact_power(mp, -x, y)


def _exact_power_partial(mp: Any, x: Any, y: Any, k: int, j: int) -> Any:
    """j! times the t**j term of the series of (y+t) (y+t-1) ... (y+t-k+1) x**(y+t-k)."""
    log_x = mp.log(x) if j else 0
    series = [log_x**n / mp.factorial(n) for n in range(int(j) + 1)]
    for i in range(int(k)):
        series = [
            (y - i) * term + before for term, before in zip(series, [0, *series[:-1]], strict=True)
        ]
    return mp.factorial(j) * series[-1] * _exact_power(mp, x, y - int(k))


def _exact_root(mp: Any, x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(mp.fabs(x))


# Arithmetic

constant: Function = Function(
    "constant", float, lambda x: (1.0,), symbol="const", exact=lambda mp, x: x
)
add: Function = Function(
    "add", lambda x, y: x + y, lambda x, y: (1.0, 1.0), operands=2, symbol="+", public=True
)
sub: Function = Function(
    "sub", lambda x, y: x - y, lambda x, y: (1.0, -1.0), operands=2, symbol="-", public=True
)
mul: Function = Function(
    "mul", lambda x, y: x * y, lambda x, y: (y, x), operands=2, symbol="*", public=True
)
neg: Function = Function("neg", lambda x: -x, lambda x: (-1.0,), symbol="-", public=True)
div: Function = Function(
    "div",
    accurate.divide,
    lambda x, y: (div(1.0, y), -divide_by_power(x, y, 2)),
    operands=2,
    symbol="/",
    pole=lambda x, y: y == 0.0,
    public=True,
    exact=lambda mp, x, y: x / y,
)
divide_by_power: Function = Function(
    "divide_by_power",
    accurate.divide_by_power,
    lambda x, y, n: (divide_by_power(1.0, y, n), -float(n) * divide_by_power(x, y, n + 1)),
    operands=2,
    parameters=1,
    pole=lambda x, y, n: y == 0.0,
    exact=lambda mp, x, y, n: x / y ** int(n),
    words="the derivative of div",
)
reciprocal: Function = Function(
    "reciprocal",
    lambda x: accurate.divide(1.0, x),
    lambda x: (-divide_by_power(1.0, x, 2),),
    pole=lambda x: x == 0.0,
    doc=Doc("1 / x", "4.0", "0.25", "-0.0625", "ZeroDivisionError: x = 0."),
    exact=lambda mp, x: 1 / x,
)
square: Function = Function(
    "square",
    lambda x: x * x,
    lambda x: (2.0 * x,),
    doc=Doc("x * x", "3.0", "9.0", "6.0", "OverflowError: abs(x) > 1.3e154."),
)

# Powers. The exponent is an operand of its own (pow), or a number and so a parameter.

pow: Function = Function(
    "pow",
    accurate.power,
    lambda x, y: (power_partial(x, y, 1, 0), power_partial(x, y, 0, 1)),
    operands=2,
    symbol="**",
    domain=lambda x, y: x >= 0.0,
    needs="a base > 0 (a negative base has a power only for a constant integer exponent: v**3)",
    pole=lambda x, y: x == 0.0 and y < 0.0,
    kink=lambda x, y: x == 0.0,
    public=True,
    exact=_exact_power,
)
power_partial: Function = Function(
    "power_partial",
    accurate.power_partial,
    lambda x, y, k, j: (power_partial(x, y, k + 1, j), power_partial(x, y, k, j + 1)),
    operands=2,
    parameters=2,
    domain=lambda x, y, k, j: x > 0.0,
    needs="a base > 0",
    exact=_exact_power_partial,
    words="the derivative of pow",
)
constant_power: Function = Function(
    "constant_power",
    accurate.constant_power,
    lambda x, c: (constant_power_derivative(x, c, 1),),
    parameters=1,
    name="pow",
    symbol="**{:g}",
    domain=lambda x, c: x >= 0.0 or c % 1.0 == 0.0,
    needs="an integer exponent for a negative base",
    pole=lambda x, c: x == 0.0 and c < 0.0,
    kink=lambda x, c: x == 0.0 and not (c > 0.0 and c % 1.0 == 0.0),
    flat=lambda x, c: c == 0.0,
    public=True,
    tried=((2.0,), (3.0,), (-1.0,), (0.5,), (-1.5,)),
    exact=_exact_power,
)
constant_power_derivative: Function = Function(
    "constant_power_derivative",
    accurate.constant_power_derivative,
    lambda x, c, k: (constant_power_derivative(x, c, k + 1),),
    parameters=2,
    pole=lambda x, c, k: x == 0.0,
    flat=lambda x, c, k: c % 1.0 == 0.0 and 0.0 <= c <= k,
    exact=lambda mp, x, c, k: mp.ff(mp.mpf(c), int(k)) * _exact_power(mp, x, mp.mpf(c) - int(k)),
    words=lambda c, k: f"the derivative of {'sqrt' if c == 0.5 else f'**{c:g}'}",
    symbol=lambda c, k: f"{math.prod(c - i for i in range(int(k))):g} x**{c - k:g}",
)
sqrt: Function = Function(
    "sqrt",
    accurate.sqrt,
    lambda x: (constant_power_derivative(x, 0.5, 1),),
    domain=lambda x: x >= 0.0,
    needs="data >= 0",
    doc=Doc(
        "square root; the derivative at 0 is infinite",
        "2.0",
        "1.4142135623730951",
        "0.353553",
        "ValueError: x < 0.",
    ),
    exact=lambda mp, x: mp.sqrt(x),
)
cbrt: Function = Function(
    "cbrt",
    accurate.cbrt,
    lambda x: (cbrt_derivative(x),),
    doc=Doc(
        "cube root, of negative numbers too; the derivative at 0 is infinite",
        "-8.0",
        "-2.0",
        "0.083333",
    ),
    exact=_exact_root,
)
cbrt_derivative: Function = Function(
    "cbrt_derivative",
    accurate.cbrt_derivative,
    lambda x: (div(cbrt_derivative(x), x) * (-2.0 / 3.0),),
    pole=lambda x: x == 0.0,
    exact=lambda mp, x: 1 / (3 * _exact_root(mp, x) ** 2),
    words="the derivative of cbrt",
)
