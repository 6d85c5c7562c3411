"""The elementary functions: a value and a rule for the partial derivatives of each, one table.

The table is closed under differentiation: a rule is written with functions of the table, so it
runs on floats (the local derivatives that the engine records) and on Values (derivatives as
graphs, to any order) alike; tanh' is sech2, and sech2' is -2 tanh sech2. The form is that of
HIPS autograd's ``defvjp`` tables; the formulas behind the values are in accurate.py.

On floats a table function never raises: outside its domain it gives nan, at a pole an
infinity (IEEE 754). What the engine makes of a result that is not finite, it asks of ``fault``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from math import isfinite, isnan
from typing import Any

from . import accurate

Number = Any  # a float, or anything that records operations on itself, such as a Value
Rule = Callable[..., tuple[Number, ...]]


@dataclass(frozen=True, eq=False, repr=False)
class Function:
    """A function of the table.

    Attributes:
        name: the field's name for it.
        value: from one float an operand (and one a parameter) to a float; never raises.
        partials: from the same arguments, floats or Values, to one partial an operand.
        symbol: what a picture shows, such as "+"; the name unless given.
        parameters: how many trailing arguments are fixed numbers without a derivative.
        domain: whether finite operands lie in the domain; everywhere unless given.
        needs: the domain in words, for the message of an error.
        pole: whether finite operands ask for a division by zero.
    """

    name: str
    value: Callable[..., float]
    partials: Rule
    symbol: str = ""
    parameters: int = 0
    domain: Callable[..., bool] | None = None
    needs: str = ""
    pole: Callable[..., bool] | None = None
    operation: "Operation" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", self.symbol or self.name)
        object.__setattr__(self, "operation", Operation(self))

    def __repr__(self) -> str:
        return f"<function {self.name} of the table>"

    def __reduce__(self) -> tuple[Any, ...]:  # pickled by its name in the table
        (key,) = [key for key, entry in FUNCTIONS.items() if entry is self]
        return _entry, (key,)

    def __call__(self, *arguments: Number) -> Number:
        """The value on floats; on operands that record (``_record``), a recorded node."""
        n_operands = len(arguments) - self.parameters
        for operand in arguments[:n_operands]:
            if type(operand) is not float and hasattr(operand, "_record"):
                return operand._record(self, arguments[:n_operands], arguments[n_operands:])
        return self.value(*arguments)

    def fault(self, *arguments: float) -> tuple[type[ArithmeticError | ValueError], str]:
        """Why the result on these finite arguments is not finite: an exception and the words."""
        if self.pole is not None and self.pole(*arguments):
            return ZeroDivisionError, "division by zero"
        if self.domain is not None and not self.domain(*arguments):
            return ValueError, f"needs {self.needs}"
        return OverflowError, "the result is beyond the largest float, 1.8e308"


@dataclass(frozen=True, repr=False)
class Operation:
    """A function with its parameters: what made a node.

    Attributes:
        function: the entry of the table.
        parameters: the fixed arguments, such as the exponent of ``x**3``.
        of_finite: whether the operands were finite; recorded where a local derivative is not.
    """

    function: Function
    parameters: tuple[float, ...] = ()
    of_finite: bool = True

    @property
    def name(self) -> str:
        """The field's name: "add", "mul", "dot", "tanh", "pow", ..."""
        return self.function.name

    @property
    def symbol(self) -> str:
        """What a picture shows: "+", "*", "tanh", "**3", ..."""
        if self.function is constant_power:
            return f"**{self.parameters[0]:g}"
        return self.function.symbol

    def __repr__(self) -> str:
        return f"Operation({', '.join([repr(self.name), *map(str, self.parameters)])})"


def _flat(*operands: Number) -> tuple[Number, ...]:
    """The rule of a function made of steps: every partial is 0 (at the steps by convention)."""
    return (0.0,) * len(operands)


# Arithmetic

constant: Function = Function("constant", float, lambda x: (1.0,), symbol="const")
add: Function = Function("add", lambda x, y: x + y, lambda x, y: (1.0, 1.0), symbol="+")
sub: Function = Function("sub", lambda x, y: x - y, lambda x, y: (1.0, -1.0), symbol="-")
mul: Function = Function("mul", lambda x, y: x * y, lambda x, y: (y, x), symbol="*")
neg: Function = Function("neg", lambda x: -x, lambda x: (-1.0,), symbol="-")
div: Function = Function(
    "div",
    accurate.divide,
    lambda x, y: (div(1.0, y), -divide_by_power(x, y, 2)),
    symbol="/",
    pole=lambda x, y: y == 0.0,
)
divide_by_power: Function = Function(
    "divide_by_power",
    accurate.divide_by_power,
    lambda x, y, n: (divide_by_power(1.0, y, n), -float(n) * divide_by_power(x, y, n + 1)),
    parameters=1,
    pole=lambda x, y, n: y == 0.0,
)
reciprocal: Function = Function(
    "reciprocal",
    lambda x: accurate.divide(1.0, x),
    lambda x: (-divide_by_power(1.0, x, 2),),
    pole=lambda x: x == 0.0,
)
square: Function = Function("square", lambda x: x * x, lambda x: (2.0 * x,))

# Powers. The exponent is an operand of its own (pow), or a number and so a parameter.

pow: Function = Function(
    "pow",
    accurate.power,
    lambda x, y: (power_partial(x, y, 1, 0), power_partial(x, y, 0, 1)),
    symbol="**",
    domain=lambda x, y: x >= 0.0,
    needs="a base > 0 (a negative base has a power only for a constant integer exponent: v**3)",
    pole=lambda x, y: x == 0.0 and y < 0.0,
)
power_partial: Function = Function(
    "power_partial",
    accurate.power_partial,
    lambda x, y, k, j: (power_partial(x, y, k + 1, j), power_partial(x, y, k, j + 1)),
    parameters=2,
    domain=lambda x, y, k, j: x > 0.0,
    needs="a base > 0",
)
constant_power: Function = Function(
    "pow",
    accurate.constant_power,
    lambda x, c: (constant_power_derivative(x, c, 1),),
    symbol="**",
    parameters=1,
    domain=lambda x, c: x >= 0.0 or c % 1.0 == 0.0,
    needs="an integer exponent for a negative base",
    pole=lambda x, c: x == 0.0 and c < 0.0,
)
constant_power_derivative: Function = Function(
    "constant_power_derivative",
    accurate.constant_power_derivative,
    lambda x, c, k: (constant_power_derivative(x, c, k + 1),),
    parameters=2,
    pole=lambda x, c, k: x == 0.0,
)
sqrt: Function = Function(
    "sqrt",
    accurate.sqrt,
    lambda x: (constant_power_derivative(x, 0.5, 1),),
    domain=lambda x: x >= 0.0,
    needs="data >= 0",
)
cbrt: Function = Function("cbrt", accurate.cbrt, lambda x: (cbrt_derivative(x),))
cbrt_derivative: Function = Function(
    "cbrt_derivative",
    accurate.cbrt_derivative,
    lambda x: (div(cbrt_derivative(x), x) * (-2.0 / 3.0),),
    pole=lambda x: x == 0.0,
)

# Exponentials and logarithms

exp: Function = Function("exp", accurate.exp, lambda x: (exp(x),))
exp2: Function = Function("exp2", accurate.exp2, lambda x: (accurate.LN_2 * exp2(x),))
expm1: Function = Function("expm1", accurate.expm1, lambda x: (exp(x),))


def _logarithm(name: str, rule: Rule) -> Function:
    value = getattr(accurate, name)
    return Function(name, value, rule, domain=lambda x: x > 0.0, needs="data > 0")


log: Function = _logarithm("log", lambda x: (div(1.0, x),))
log2: Function = _logarithm("log2", lambda x: (div(1.0 / accurate.LN_2, x),))
log10: Function = _logarithm("log10", lambda x: (div(1.0 / accurate.LN_10, x),))
log1p: Function = Function(
    "log1p",
    accurate.log1p,
    lambda x: (div(1.0, 1.0 + x),),
    domain=lambda x: x > -1.0,
    needs="data > -1",
)

# Trigonometric and hyperbolic functions and their inverses

sin: Function = Function("sin", accurate.sin, lambda x: (cos(x),))
cos: Function = Function("cos", accurate.cos, lambda x: (-sin(x),))
tan: Function = Function("tan", accurate.tan, lambda x: (sec2(x),))
sec2: Function = Function(
    "sec2", lambda x: 1.0 + accurate.tan(x) ** 2, lambda x: (2.0 * tan(x) * sec2(x),)
)
sinh: Function = Function("sinh", accurate.sinh, lambda x: (cosh(x),))
cosh: Function = Function("cosh", accurate.cosh, lambda x: (sinh(x),))
tanh: Function = Function("tanh", math.tanh, lambda x: (sech2(x),))
sech2: Function = Function("sech2", accurate.sech2, lambda x: (-2.0 * tanh(x) * sech2(x),))


def _inverse_sine(name: str, sign: float) -> Function:
    return Function(
        name,
        getattr(accurate, name),
        lambda x: (sign * asin_derivative(x),),
        domain=lambda x: -1.0 <= x <= 1.0,
        needs="-1 <= data <= 1",
    )


asin: Function = _inverse_sine("asin", 1.0)
acos: Function = _inverse_sine("acos", -1.0)
asin_derivative: Function = Function(
    "asin_derivative",
    accurate.asin_derivative,
    lambda x: (div(x * asin_derivative(x), one_minus_square(x)),),
    pole=lambda x: x in (-1.0, 1.0),
)
one_minus_square: Function = Function(
    "one_minus_square", accurate.one_minus_square, lambda x: (-2.0 * x,), symbol="1-x²"
)
atan: Function = Function("atan", math.atan, lambda x: (atan_derivative(x),))
atan_derivative: Function = Function(
    "atan_derivative",
    accurate.atan_derivative,
    lambda x: (-2.0 * (x * atan_derivative(x)) * atan_derivative(x),),
)
asinh: Function = Function("asinh", math.asinh, lambda x: (asinh_derivative(x),))
asinh_derivative: Function = Function(
    "asinh_derivative",
    lambda x: 1.0 / math.hypot(1.0, x),
    lambda x: (-(x * asinh_derivative(x)) * atan_derivative(x),),
)
acosh: Function = Function(
    "acosh",
    accurate.acosh,
    lambda x: (acosh_derivative(x),),
    domain=lambda x: x >= 1.0,
    needs="data >= 1",
)
acosh_derivative: Function = Function(
    "acosh_derivative",
    accurate.acosh_derivative,
    lambda x: (-div(div(x * acosh_derivative(x), x - 1.0), x + 1.0),),
    pole=lambda x: x == 1.0,
)
atanh: Function = Function(
    "atanh",
    accurate.atanh,
    lambda x: (reciprocal(one_minus_square(x)),),
    domain=lambda x: -1.0 < x < 1.0,
    needs="-1 < data < 1",
)
atan2: Function = Function(
    "atan2", math.atan2, lambda y, x: (inverse_power(x, y, 1, 0), inverse_power(x, y, 1, 3))
)
inverse_power: Function = Function(  # the real part of i**k / (x + iy)**n
    "inverse_power",
    accurate.inverse_power,
    lambda x, y, n, k: (
        -float(n) * inverse_power(x, y, n + 1, k),
        -float(n) * inverse_power(x, y, n + 1, k + 1),
    ),
    parameters=2,
    symbol="Re iᵏ/(x+iy)ⁿ",
)
hypot: Function = Function(
    "hypot", math.hypot, lambda x, y: (hypot_direction(x, y), hypot_direction(y, x))
)
hypot_direction: Function = Function(
    "hypot_direction",
    accurate.hypot_direction,
    lambda x, y: (hypot_moment(x, y, 0, 2, 3), -hypot_moment(x, y, 1, 1, 3)),
    symbol="x/hypot",
)


def _hypot_moment_rule(x: Number, y: Number, a: int, b: int, n: int) -> tuple[Number, Number]:
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
    parameters=3,
    symbol="xᵃyᵇ/hypotⁿ",
)

# The error function and the normal distribution

erf: Function = Function("erf", math.erf, lambda x: (gauss(x, 0),))
erfc: Function = Function("erfc", math.erfc, lambda x: (-gauss(x, 0),))


def _moment(name: str, value: Callable[[float, int], float], decay: float) -> Function:
    """x**n times a bell curve whose derivative is -decay * x times itself."""

    def rule(x: Number, n: int) -> tuple[Number, ...]:
        falling = -decay * bell(x, n + 1)
        return (falling + n * bell(x, n - 1),) if n else (falling,)

    bell = Function(name, value, rule, parameters=1)
    return bell


gauss: Function = _moment("gauss", accurate.gauss, 2.0)
normal: Function = _moment("normal", accurate.normal, 1.0)
gelu: Function = Function("gelu", accurate.gelu, lambda x: (gelu_derivative(x),))
gelu_derivative: Function = Function(
    "gelu_derivative", accurate.gelu_derivative, lambda x: (gelu_second_derivative(x),)
)
gelu_second_derivative: Function = Function(
    "gelu_second_derivative",
    accurate.gelu_second_derivative,
    lambda x: (normal(x, 3) - 4.0 * normal(x, 1),),
)

# The logistic family

sigmoid: Function = Function("sigmoid", accurate.sigmoid, lambda x: (logistic_density(x),))
logistic_density: Function = Function(
    "logistic_density",
    accurate.logistic_density,
    lambda x: (-tanh(0.5 * x) * logistic_density(x),),
)
softplus: Function = Function("softplus", accurate.softplus, lambda x: (sigmoid(x),))
log_sigmoid: Function = Function(
    "log_sigmoid", lambda x: -accurate.softplus(-x), lambda x: (sigmoid(-x),)
)
silu: Function = Function("silu", accurate.silu, lambda x: (silu_derivative(x),))
silu_derivative: Function = Function(
    "silu_derivative", accurate.silu_derivative, lambda x: (silu_second_derivative(x),)
)
silu_second_derivative: Function = Function(
    "silu_second_derivative",
    accurate.silu_second_derivative,
    lambda x: (logistic_density(x) * (x - 6.0 * x * logistic_density(x) - 3.0 * tanh(0.5 * x)),),
)
logaddexp: Function = Function(
    "logaddexp", accurate.logaddexp, lambda x, y: (softmax_of_two(x, y), softmax_of_two(y, x))
)


def _softmax_of_two_rule(x: Number, y: Number) -> tuple[Number, Number]:
    slope = softmax_of_two(x, y) * softmax_of_two(y, x)
    return slope, -slope


softmax_of_two: Function = Function("softmax_of_two", accurate.softmax_of_two, _softmax_of_two_rule)

# Functions with kinks and steps: the derivative at the kink is a convention


def _step(x: float) -> float:
    return x if isnan(x) else float(x > 0.0)


def _within(x: float, low: float, high: float) -> float:
    return 1.0 if low <= x <= high else x if isnan(x) else 0.0


def _clip(x: float, low: float, high: float) -> float:
    return x if isnan(x) else max(low, min(x, high))


def _integral(rounding: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: math.copysign(float(rounding(x)), x) if isfinite(x) else x


relu: Function = Function("relu", lambda x: x if x > 0.0 or isnan(x) else 0.0, lambda x: (step(x),))
leaky_relu: Function = Function(
    "leaky_relu",
    lambda x, slope: x if x > 0.0 else slope * x,
    lambda x, slope: (leaky_step(x, slope),),
    parameters=1,
)
leaky_step: Function = Function(
    "leaky_step",
    lambda x, slope: 1.0 if x > 0.0 else slope if x <= 0.0 else x,
    lambda x, slope: (0.0,),
    parameters=1,
)
elu: Function = Function(
    "elu",
    lambda x, alpha: x if x > 0.0 else alpha * accurate.expm1(x),
    lambda x, alpha: (step(x) + elu_tail(x, alpha),),
    parameters=1,
)
elu_tail: Function = Function(
    "elu_tail",
    lambda x, alpha: 0.0 if x > 0.0 else accurate.scaled_exp(x, alpha),
    lambda x, alpha: (elu_tail(x, alpha),),
    parameters=1,
)
softsign: Function = Function(
    "softsign",
    lambda x: x / (1.0 + math.fabs(x)),
    lambda x: (softsign_derivative(x, 2),),
)
softsign_derivative: Function = Function(
    "softsign_derivative",
    accurate.softsign_derivative,
    lambda x, n: (-float(n) * sign(x) * softsign_derivative(x, n + 1),),
    parameters=1,
)
abs: Function = Function("abs", math.fabs, lambda x: (sign(x),))
sign: Function = Function(
    "sign", lambda x: math.copysign(1.0, x) if math.fabs(x) > 0.0 else x + 0.0, _flat
)
step: Function = Function("step", _step, _flat)
floor: Function = Function("floor", _integral(math.floor), _flat)
ceil: Function = Function("ceil", _integral(math.ceil), _flat)
clip: Function = Function("clip", _clip, lambda x, low, high: (within(x, low, high),), parameters=2)
within: Function = Function("within", _within, lambda x, low, high: (0.0,), parameters=2)
maximum: Function = Function(
    "maximum", accurate.maximum, lambda x, y: (greater(x, y), greater(y, x))
)
minimum: Function = Function(
    "minimum", accurate.minimum, lambda x, y: (greater(y, x), greater(x, y))
)
greater: Function = Function("greater", accurate.greater, _flat, symbol=">")
where: Function = Function(
    "where",
    lambda condition, x, y: x if condition != 0.0 else y,
    lambda condition, x, y: (0.0, where(condition, 1.0, 0.0), where(condition, 0.0, 1.0)),
)

# Any number of operands


def _dot_rule(*operands: Number) -> tuple[Number, ...]:
    """d(w.x + b): the inputs by the weights, the weights by the inputs, 1 by the bias."""
    n = len(operands) // 2
    return operands[n : 2 * n] + operands[:n] + (1.0,) * (len(operands) % 2)


def _prod_rule(*factors: Number) -> tuple[Number, ...]:
    """The product of the factors before each times the product of those after it."""
    before = list(accumulate(factors[:-1], mul, initial=1.0))
    after = list(accumulate(factors[:0:-1], mul, initial=1.0))
    return tuple(mul(left, right) for left, right in zip(before, reversed(after), strict=True))


def _shares(*terms: Number) -> Sequence[Number]:
    """softmax_j for each j; on floats in one go, n exponentials and not n*n."""
    if all(type(term) is float for term in terms):
        return accurate.shares(*terms)
    return [softmax(*terms, j) for j in range(len(terms))]


def _softmax_rule(*terms_and_index: Number) -> tuple[Number, ...]:
    """s_i (1 - s_i) for the term i itself, 1 - s_i as the sum of the others; -s_i s_j."""
    *terms, index = terms_and_index
    shares = _shares(*terms)
    others = fsum(*shares[:index], *shares[index + 1 :])
    return tuple(shares[index] * (others if j == index else -shares[j]) for j in range(len(terms)))


dot: Function = Function("dot", accurate.dot, _dot_rule)
fsum: Function = Function("fsum", accurate.fsum, lambda *terms: (1.0,) * len(terms), symbol="sum")
mean: Function = Function("mean", accurate.mean, lambda *terms: (1.0 / len(terms),) * len(terms))
prod: Function = Function("prod", lambda *xs: reduce(lambda x, y: x * y, xs, 1.0), _prod_rule)
logsumexp: Function = Function(
    "logsumexp", accurate.logsumexp, lambda *terms: tuple(_shares(*terms))
)
softmax: Function = Function("softmax", accurate.softmax, _softmax_rule, parameters=1)

FUNCTIONS: dict[str, Function] = {
    key: entry for key, entry in list(globals().items()) if isinstance(entry, Function)
}


def _entry(key: str) -> Function:
    return FUNCTIONS[key]
