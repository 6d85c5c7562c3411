"""The elementary functions as users call them: exp(x) of a float is a float, of a Value a node.

The names are those of Python's math where it has them. Values and rules are the table's, in
functions.py; here stand their domains, conventions and errors in words.
"""

from collections.abc import Iterable
from math import inf
from typing import Any, Protocol, overload

from . import functions
from .engine import Value, apply
from .functions import Function
from .numeric import Number, bounds, to_float


class Unary(Protocol):
    """A function of one number or Value."""

    @overload
    def __call__(self, x: Value) -> Value: ...
    @overload
    def __call__(self, x: float) -> float: ...


class Binary(Protocol):
    """A function of two numbers or Values."""

    @overload
    def __call__(self, x: Value, y: Value | float) -> Value: ...
    @overload
    def __call__(self, x: float, y: Value) -> Value: ...
    @overload
    def __call__(self, x: float, y: float) -> float: ...


_DOC = """{name}({arguments}): {summary}.

    Args:
        {arguments}: numbers or Values.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: an argument is neither.{raises}

    >>> {name}({example})
    {result}
    """


def _documented(
    call: Any,
    function: Function,
    arguments: str,
    summary: str,
    example: str,
    result: str,
    raises: str,
) -> Any:
    call.__name__ = call.__qualname__ = function.name
    call.__doc__ = _DOC.format(
        name=function.name,
        arguments=arguments,
        summary=summary,
        raises=f"\n        {raises}" if raises else "",
        example=example,
        result=result,
    )
    return call


def _unary(function: Function, summary: str, example: str, result: str, raises: str = "") -> Unary:
    def call(x: Any) -> Any:
        return apply(function, x)

    documented: Unary = _documented(call, function, "x", summary, example, result, raises)
    return documented


def _binary(
    function: Function, summary: str, example: str, result: str, raises: str = ""
) -> Binary:
    def call(x: Any, y: Any) -> Any:
        return apply(function, x, y)

    documented: Binary = _documented(call, function, "x, y", summary, example, result, raises)
    return documented


exp = _unary(functions.exp, "e**x", "1.0", "2.718281828459045", "OverflowError: x > 709.78.")
exp2 = _unary(functions.exp2, "2**x", "3.0", "8.0", "OverflowError: x >= 1024.")
expm1 = _unary(
    functions.expm1,
    "e**x - 1, accurate near 0",
    "1e-9",
    "1.0000000005000001e-09",
    "OverflowError: x > 709.78.",
)
log = _unary(functions.log, "natural logarithm", "10.0", "2.302585092994046", "ValueError: x <= 0.")
log2 = _unary(functions.log2, "logarithm to base 2", "8.0", "3.0", "ValueError: x <= 0.")
log10 = _unary(functions.log10, "logarithm to base 10", "1000.0", "3.0", "ValueError: x <= 0.")
log1p = _unary(
    functions.log1p,
    "log(1 + x), accurate near 0",
    "1e-9",
    "9.999999995e-10",
    "ValueError: x <= -1.",
)
sqrt = _unary(
    functions.sqrt,
    "square root; the derivative at 0 is infinite",
    "2.0",
    "1.4142135623730951",
    "ValueError: x < 0.",
)
cbrt = _unary(
    functions.cbrt,
    "cube root, of negative numbers too; the derivative at 0 is infinite",
    "-8.0",
    "-2.0",
)
square = _unary(functions.square, "x * x", "3.0", "9.0", "OverflowError: abs(x) > 1.3e154.")
reciprocal = _unary(functions.reciprocal, "1 / x", "4.0", "0.25", "ZeroDivisionError: x = 0.")
sin = _unary(functions.sin, "sine of x radians", "1.0", "0.8414709848078965")
cos = _unary(functions.cos, "cosine of x radians", "1.0", "0.5403023058681398")
tan = _unary(functions.tan, "tangent of x radians", "1.0", "1.5574077246549023")
asin = _unary(
    functions.asin,
    "arc sine, in radians; the derivative at -1 and 1 is infinite",
    "0.5",
    "0.5235987755982989",
    "ValueError: x < -1 or x > 1.",
)
acos = _unary(
    functions.acos,
    "arc cosine, in radians; the derivative at -1 and 1 is infinite",
    "0.5",
    "1.0471975511965979",
    "ValueError: x < -1 or x > 1.",
)
atan = _unary(functions.atan, "arc tangent, in radians", "1.0", "0.7853981633974483")
sinh = _unary(
    functions.sinh,
    "hyperbolic sine",
    "1.0",
    "1.1752011936438014",
    "OverflowError: abs(x) > 710.47.",
)
cosh = _unary(
    functions.cosh,
    "hyperbolic cosine",
    "1.0",
    "1.5430806348152437",
    "OverflowError: abs(x) > 710.47.",
)
tanh = _unary(
    functions.tanh,
    "hyperbolic tangent, with the derivative 1 - tanh(x)**2",
    "1.0",
    "0.7615941559557649",
)
asinh = _unary(functions.asinh, "inverse hyperbolic sine", "1.0", "0.881373587019543")
acosh = _unary(
    functions.acosh,
    "inverse hyperbolic cosine; the derivative at 1 is infinite",
    "2.0",
    "1.3169578969248166",
    "ValueError: x < 1.",
)
atanh = _unary(
    functions.atanh,
    "inverse hyperbolic tangent",
    "0.5",
    "0.5493061443340548",
    "ValueError: x <= -1 or x >= 1.",
)
erf = _unary(functions.erf, "error function", "0.5", "0.5204998778130465")
erfc = _unary(
    functions.erfc, "complementary error function, 1 - erf(x)", "0.5", "0.4795001221869535"
)
sigmoid = _unary(
    functions.sigmoid,
    "logistic sigmoid, 1 / (1 + exp(-x)), with the derivative s (1 - s)",
    "1.0",
    "0.7310585786300049",
)
softplus = _unary(
    functions.softplus,
    "log(1 + exp(x)), with the derivative sigmoid(x)",
    "1.0",
    "1.3132616875182228",
)
log_sigmoid = _unary(functions.log_sigmoid, "log(sigmoid(x))", "1.0", "-0.31326168751822286")
relu = _unary(functions.relu, "max(x, 0); the derivative at 0 is 0", "-3.0", "0.0")
gelu = _unary(
    functions.gelu,
    "x times the cumulative standard normal distribution (Hendrycks & Gimpel 2016)",
    "1.0",
    "0.841344746068543",
)
silu = _unary(functions.silu, "x * sigmoid(x), also called swish", "1.0", "0.7310585786300049")
softsign = _unary(functions.softsign, "x / (1 + abs(x))", "3.0", "0.75")
abs = _unary(functions.abs, "absolute value; the derivative at 0 is 0", "-3.0", "3.0")
sign = _unary(functions.sign, "-1, 0 or 1; the derivative is 0", "-3.0", "-1.0")
step = _unary(functions.step, "1 above 0, else 0; the derivative is 0", "0.0", "0.0")
floor = _unary(functions.floor, "largest integer not above x; the derivative is 0", "-1.5", "-2.0")
ceil = _unary(functions.ceil, "smallest integer not below x; the derivative is 0", "-1.5", "-1.0")
atan2 = _binary(
    functions.atan2,
    "angle of a point, its y first, in radians; both derivatives are 0 at the origin",
    "1.0, 1.0",
    "0.7853981633974483",
)
hypot = _binary(
    functions.hypot,
    "length of the vector (x, y); both derivatives are 0 at the origin",
    "3.0, 4.0",
    "5.0",
    "OverflowError: the length is beyond 1.8e308.",
)
maximum = _binary(
    functions.maximum,
    "the larger of two; at a tie the derivative is 1/2 by each",
    "2.0, 3.0",
    "3.0",
)
minimum = _binary(
    functions.minimum,
    "the smaller of two; at a tie the derivative is 1/2 by each",
    "2.0, 3.0",
    "2.0",
)
logaddexp = _binary(
    functions.logaddexp,
    "log(exp(x) + exp(y)), which neither over- nor underflows in between",
    "1000.0, 1000.0",
    "1000.6931471805599",
)


def pow(x: Any, y: Any) -> Any:
    """pow(x, y): x**y; x**0 is 1 with derivative 0, at x = 0 too.

    Args:
        x, y: numbers or Values. An exponent that is a number may go with a negative base if
            it is an integer; an exponent that is a Value may not.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: an argument is neither.
        ValueError: a negative base, and y is not an integer number.
        ZeroDivisionError: x = 0 and y < 0.
        OverflowError: the result is beyond 1.8e308.

    >>> pow(-2.0, 3), pow(Value(4.0), 0.5).data
    (-8.0, 2.0)
    """
    if isinstance(y, Value):
        return apply(functions.pow, x, y)
    return apply(functions.constant_power, x, parameters=(to_float(y),))


def leaky_relu(x: Any, slope: Number = 0.01) -> Any:
    """leaky_relu(x, slope): x above 0, slope * x below; the derivative at 0 is slope.

    Args:
        x: a number or Value.
        slope: a number.

    Returns:
        A float for a number, else a Value.

    Raises:
        TypeError: x is neither, or slope is no number.

    >>> leaky_relu(-2.0)
    -0.02
    """
    return apply(functions.leaky_relu, x, parameters=(to_float(slope),))


def elu(x: Any, alpha: Number = 1.0) -> Any:
    """elu(x, alpha): x above 0, alpha * expm1(x) below; the derivative at 0 is alpha.

    Args:
        x: a number or Value.
        alpha: a number.

    Returns:
        A float for a number, else a Value.

    Raises:
        TypeError: x is neither, or alpha is no number.

    >>> elu(-1.0)
    -0.6321205588285577
    """
    return apply(functions.elu, x, parameters=(to_float(alpha),))


def clip(x: Any, low: Number = -inf, high: Number = inf) -> Any:
    """clip(x, low, high): x between bounds; the derivative is 1 inside and at them, else 0.

    Args:
        x: a number or Value.
        low, high: numbers.

    Returns:
        A float for a number, else a Value.

    Raises:
        TypeError: x is neither, or a bound is no number.
        ValueError: low is above high, or one is nan.

    >>> clip(5.0, -1.0, 1.0)
    1.0
    """
    return apply(functions.clip, x, parameters=bounds(low, high))


def where(condition: Any, x: Any, y: Any) -> Any:
    """where(condition, x, y): x where condition is not 0, else y.

    Args:
        condition: a bool, number or Value; no derivative flows to it. In what a Program is to
            run it is a Value, such as ``step(x)`` for x > 0.
        x, y: numbers or Values, both computed already.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: an argument is neither.

    >>> x = Value(-2.0)
    >>> where(x > 0, x, -x).data
    2.0
    """
    return apply(functions.where, condition, x, y)


def prod(values: Iterable[Any]) -> Any:
    """The product of values as one node, left to right.

    Args:
        values: numbers or Values; the product of none is 1.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: one is neither.
        OverflowError: the product is beyond 1.8e308.

    >>> prod([2.0, 3.0, Value(4.0)]).data
    24.0
    """
    return apply(functions.prod, *values)


def mean(values: Iterable[Any]) -> Any:
    """The exactly rounded sum of values over their number, as one node.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: one is neither.
        ValueError: there are none.

    >>> mean([1.0, 2.0, Value(6.0)]).data
    3.0
    """
    return apply(functions.mean, *_some("mean", values))


def logsumexp(values: Iterable[Any]) -> Any:
    """log(sum_i exp(x_i)) as one node, which neither over- nor underflows in between.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A float for numbers, else a Value; its derivatives are ``softmax``.

    Raises:
        TypeError: one is neither.
        ValueError: there are none.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return apply(functions.logsumexp, *_some("logsumexp", values))


def softmax(values: Iterable[Any]) -> list[Any]:
    """exp(x_i) / sum_j exp(x_j) for each i, which neither over- nor underflows in between.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A list, of floats for numbers, else of Values.

    Raises:
        TypeError: one is neither.
        ValueError: there are none.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    terms = _some("softmax", values)
    return [apply(functions.softmax, *terms, parameters=(i,)) for i in range(len(terms))]


def _some(name: str, values: Iterable[Any]) -> list[Any]:
    terms = list(values)
    if not terms:
        raise ValueError(f"{name} needs one value at least, and was given none")
    return terms
