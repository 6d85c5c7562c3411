"""The table, part two: exponentials and logarithms, circles and hyperbolas, and their inverses."""

import math

from . import accurate
from .arithmetic import div, reciprocal
from .function import Doc, Function, Rule, Scalar

# Exponentials and logarithms

exp: Function = Function(
    "exp",
    accurate.exp,
    lambda x: (exp(x),),
    doc=Doc(
        "the exponential function, e**x",
        "1.0",
        "2.718281828459045",
        "2.718282",
        "OverflowError: x > 709.78.",
    ),
    exact=lambda mp, x: mp.exp(x),
)
exp2: Function = Function(
    "exp2",
    accurate.exp2,
    lambda x: (accurate.LN_2 * exp2(x),),
    doc=Doc("the power of two, 2**x", "3.0", "8.0", "5.545177", "OverflowError: x >= 1024."),
    exact=lambda mp, x: mp.power(2, x),
)
expm1: Function = Function(
    "expm1",
    accurate.expm1,
    lambda x: (exp(x),),
    doc=Doc(
        "e**x - 1, accurate near 0",
        "1e-9",
        "1.0000000005000001e-09",
        "1.000000001",
        "OverflowError: x > 709.78.",
    ),
    exact=lambda mp, x: mp.expm1(x),
)


def _logarithm(key: str, rule: Rule, doc: Doc, base: int | None = None) -> Function:
    return Function(
        key,
        getattr(accurate, key),
        rule,
        domain=lambda x: x > 0.0,
        needs="data > 0",
        doc=doc,
        exact=lambda mp, x: mp.log(x) / mp.log(base) if base else mp.log(x),
    )


log: Function = _logarithm(
    "log",
    lambda x: (div(1.0, x),),
    Doc("natural logarithm", "10.0", "2.302585092994046", "0.1", "ValueError: x <= 0."),
)
log2: Function = _logarithm(
    "log2",
    lambda x: (div(1.0 / accurate.LN_2, x),),
    Doc("logarithm to base 2", "8.0", "3.0", "0.180337", "ValueError: x <= 0."),
    2,
)
log10: Function = _logarithm(
    "log10",
    lambda x: (div(1.0 / accurate.LN_10, x),),
    Doc("logarithm to base 10", "1000.0", "3.0", "0.000434", "ValueError: x <= 0."),
    10,
)
log1p: Function = Function(
    "log1p",
    accurate.log1p,
    lambda x: (div(1.0, 1.0 + x),),
    domain=lambda x: x > -1.0,
    needs="data > -1",
    doc=Doc(
        "log(1 + x), accurate near 0",
        "0.001",
        "0.0009995003330835331",
        "0.999001",
        "ValueError: x <= -1.",
    ),
    exact=lambda mp, x: mp.log1p(x),
)

# Trigonometric and hyperbolic functions

sin: Function = Function(
    "sin",
    accurate.sin,
    lambda x: (cos(x),),
    doc=Doc("sine of x radians", "1.0", "0.8414709848078965", "0.540302"),
    activation=True,
    exact=lambda mp, x: mp.sin(x),
)
cos: Function = Function(
    "cos",
    accurate.cos,
    lambda x: (-sin(x),),
    doc=Doc("cosine of x radians", "1.0", "0.5403023058681398", "-0.841471"),
    exact=lambda mp, x: mp.cos(x),
)
tan: Function = Function(
    "tan",
    accurate.tan,
    lambda x: (sec2(x),),
    doc=Doc("tangent of x radians", "1.0", "1.5574077246549023", "3.425519"),
    exact=lambda mp, x: mp.tan(x),
)
sec2: Function = Function(
    "sec2",
    lambda x: 1.0 + accurate.tan(x) ** 2,
    lambda x: (2.0 * tan(x) * sec2(x),),
    exact=lambda mp, x: 1 / mp.cos(x) ** 2,
    words="the derivative of tan",
)
sinh: Function = Function(
    "sinh",
    accurate.sinh,
    lambda x: (cosh(x),),
    doc=Doc(
        "hyperbolic sine",
        "1.0",
        "1.1752011936438014",
        "1.543081",
        "OverflowError: abs(x) > 710.47.",
    ),
    exact=lambda mp, x: mp.sinh(x),
)
cosh: Function = Function(
    "cosh",
    accurate.cosh,
    lambda x: (sinh(x),),
    doc=Doc(
        "hyperbolic cosine",
        "1.0",
        "1.5430806348152437",
        "1.175201",
        "OverflowError: abs(x) > 710.47.",
    ),
    exact=lambda mp, x: mp.cosh(x),
)
tanh: Function = Function(
    "tanh",
    math.tanh,
    lambda x: (sech2(x),),
    doc=Doc(
        "hyperbolic tangent, with the derivative 1 - tanh(x)**2",
        "1.0",
        "0.7615941559557649",
        "0.419974",
    ),
    activation=True,
    exact=lambda mp, x: mp.tanh(x),
)
sech2: Function = Function(
    "sech2",
    accurate.sech2,
    lambda x: (-2.0 * tanh(x) * sech2(x),),
    exact=lambda mp, x: 1 / mp.cosh(x) ** 2,
    words="the derivative of tanh",
)

# Their inverses


def _inverse_sine(key: str, sign: float, alias: str, doc: Doc) -> Function:
    return Function(
        key,
        getattr(accurate, key),
        lambda x: (sign * asin_derivative(x),),
        domain=lambda x: -1.0 <= x <= 1.0,
        needs="-1 <= data <= 1",
        doc=doc,
        aliases=(alias,),
        exact=lambda mp, x: getattr(mp, key)(x),
    )


asin: Function = _inverse_sine(
    "asin",
    1.0,
    "arcsin",
    Doc(
        "arc sine, in radians; the derivative at -1 and 1 is infinite",
        "0.5",
        "0.5235987755982989",
        "1.154701",
        "ValueError: x < -1 or x > 1.",
    ),
)
acos: Function = _inverse_sine(
    "acos",
    -1.0,
    "arccos",
    Doc(
        "arc cosine, in radians; the derivative at -1 and 1 is infinite",
        "0.5",
        "1.0471975511965979",
        "-1.154701",
        "ValueError: x < -1 or x > 1.",
    ),
)
asin_derivative: Function = Function(
    "asin_derivative",
    accurate.asin_derivative,
    lambda x: (div(x * asin_derivative(x), one_minus_square(x)),),
    pole=lambda x: x in (-1.0, 1.0),
    exact=lambda mp, x: 1 / mp.sqrt((1 - x) * (1 + x)),
    words="the derivative of asin or acos",
)
one_minus_square: Function = Function(
    "one_minus_square",
    accurate.one_minus_square,
    lambda x: (-2.0 * x,),
    symbol="1-x²",
    exact=lambda mp, x: (1 - x) * (1 + x),
    words="the derivative of atanh",
)
atan: Function = Function(
    "atan",
    math.atan,
    lambda x: (atan_derivative(x),),
    doc=Doc("arc tangent, in radians", "1.0", "0.7853981633974483", "0.5"),
    aliases=("arctan",),
    exact=lambda mp, x: mp.atan(x),
)
atan_derivative: Function = Function(
    "atan_derivative",
    accurate.atan_derivative,
    lambda x: (-2.0 * (x * atan_derivative(x)) * atan_derivative(x),),
    exact=lambda mp, x: 1 / (1 + x * x),
    words="the derivative of atan",
)
asinh: Function = Function(
    "asinh",
    math.asinh,
    lambda x: (asinh_derivative(x),),
    doc=Doc("inverse hyperbolic sine", "1.0", "0.881373587019543", "0.707107"),
    aliases=("arcsinh",),
    exact=lambda mp, x: mp.asinh(x),
)
asinh_derivative: Function = Function(
    "asinh_derivative",
    lambda x: 1.0 / math.hypot(1.0, x),
    lambda x: (-(x * asinh_derivative(x)) * atan_derivative(x),),
    exact=lambda mp, x: 1 / mp.sqrt(1 + x * x),
    words="the derivative of asinh",
)
acosh: Function = Function(
    "acosh",
    accurate.acosh,
    lambda x: (acosh_derivative(x),),
    domain=lambda x: x >= 1.0,
    needs="data >= 1",
    doc=Doc(
        "inverse hyperbolic cosine; the derivative at 1 is infinite",
        "1.25",
        "0.6931471805599453",
        "1.333333",
        "ValueError: x < 1.",
    ),
    aliases=("arccosh",),
    exact=lambda mp, x: mp.acosh(x),
)
acosh_derivative: Function = Function(
    "acosh_derivative",
    accurate.acosh_derivative,
    lambda x: (-div(div(x * acosh_derivative(x), x - 1.0), x + 1.0),),
    pole=lambda x: x == 1.0,
    exact=lambda mp, x: 1 / mp.sqrt((x - 1) * (x + 1)),
    words="the derivative of acosh",
)
atanh: Function = Function(
    "atanh",
    accurate.atanh,
    lambda x: (reciprocal(one_minus_square(x)),),
    domain=lambda x: -1.0 < x < 1.0,
    needs="-1 < data < 1",
    doc=Doc(
        "inverse hyperbolic tangent",
        "0.5",
        "0.5493061443340548",
        "1.333333",
        "ValueError: x <= -1 or x >= 1.",
    ),
    aliases=("arctanh",),
    exact=lambda mp, x: mp.atanh(x),
)

# Of a point (x, y): its angle and its length

atan2: Function = Function(
    "atan2",
    math.atan2,
    lambda y, x: (inverse_power(x, y, 1, 0), inverse_power(x, y, 1, 3)),
    operands=2,
    kink=lambda y, x: y == 0.0,
    doc=Doc(
        "angle of a point, its y first, in radians; both derivatives are 0 at the origin",
        "1.0, 1.0",
        "0.7853981633974483",
        "0.5, -0.5",
    ),
    aliases=("arctan2",),
    exact=lambda mp, y, x: mp.atan2(y, x),
)
inverse_power: Function = Function(  # the real part of i**k / (x + iy)**n
    "inverse_power",
    accurate.inverse_power,
    lambda x, y, n, k: (
        -float(n) * inverse_power(x, y, n + 1, k),
        -float(n) * inverse_power(x, y, n + 1, k + 1),
    ),
    operands=2,
    parameters=2,
    symbol="Re iᵏ/(x+iy)ⁿ",
    exact=lambda mp, x, y, n, k: (mp.mpc(0, 1) ** int(k) / mp.mpc(x, y) ** int(n)).real,
    words="the derivative of atan2",
)
hypot: Function = Function(
    "hypot",
    math.hypot,
    lambda x, y: (hypot_direction(x, y), hypot_direction(y, x)),
    operands=2,
    kink=lambda x, y: x == 0.0 and y == 0.0,
    doc=Doc(
        "length of the vector (x, y); both derivatives are 0 at the origin",
        "3.0, 4.0",
        "5.0",
        "0.6, 0.8",
        "OverflowError: the length is beyond 1.8e308.",
    ),
    exact=lambda mp, x, y: mp.sqrt(x * x + y * y),
)
hypot_direction: Function = Function(
    "hypot_direction",
    accurate.hypot_direction,
    lambda x, y: (hypot_moment(x, y, 0, 2, 3), -hypot_moment(x, y, 1, 1, 3)),
    operands=2,
    symbol="x/hypot",
    exact=lambda mp, x, y: x / mp.sqrt(x * x + y * y),
    words="the derivative of hypot",
)


def _hypot_moment_rule(x: Scalar, y: Scalar, a: int, b: int, n: int) -> tuple[Scalar, Scalar]:
    by_x = -float(n) * hypot_moment(x, y, a + 1, b, n + 2)
    by_y = -float(n) * hypot_moment(x, y, a, b + 1, n + 2)
    return (
        by_x + float(a) * hypot_moment(x, y, a - 1, b, n) if a else by_x,
        by_y + float(b) * hypot_moment(x, y, a, b - 1, n) if b else by_y,
    )


hypot_moment: Function = Function(
    "hypot_moment",
    accurate.hypot_moment,
    _hypot_moment_rule,
    operands=2,
    parameters=3,
    symbol="xᵃyᵇ/hypotⁿ",
    exact=lambda mp, x, y, a, b, n: x ** int(a) * y ** int(b) / mp.hypot(x, y) ** int(n),
    words="the derivative of hypot",
)
