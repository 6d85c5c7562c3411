"""The elementary functions as users call them: exp(x) of a float is a float, of a Value a node.

The names are those of Python's math where it has them. Values, rules, domains and words are the
table's, in functions/; what has arguments of its own is written out here.
"""

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, cast, overload

from . import functions
from .engine import Value, apply
from .functions.calls import module_function
from .messages import refuse_no_list
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


if TYPE_CHECKING:  # the names, for type checkers; a test holds them to the table
    _unary, _binary = cast(Unary, None), cast(Binary, None)
    exp = exp2 = expm1 = log = log2 = log10 = log1p = sqrt = cbrt = square = reciprocal = _unary
    sin = cos = tan = asin = acos = atan = sinh = cosh = tanh = asinh = acosh = atanh = erf = _unary
    erfc = sigmoid = softplus = log_sigmoid = relu = gelu = silu = softsign = abs = sign = _unary
    step = floor = ceil = trunc = lgamma = digamma = erfinv = _unary
    atan2 = hypot = maximum = minimum = logaddexp = _binary

globals().update(
    (function.name, module_function(function, apply, globals()))
    for function in functions.FUNCTIONS.values()
    if function.doc is not None
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

    >>> pow(-2.0, 3)
    -8.0
    >>> x, y = Value(4.0), Value(0.5)
    >>> pow(x, y).backward()
    >>> x.grad, round(y.grad, 6)
    (0.25, 2.772589)
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
    >>> x = Value(-2.0)
    >>> leaky_relu(x, slope=0.1).backward()
    >>> x.grad
    0.1
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
    >>> x = Value(-1.0)
    >>> elu(x).backward()
    >>> round(x.grad, 6)
    0.367879
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
    >>> x, y = Value(5.0), Value(1.0)
    >>> (clip(x, -1.0, 1.0) + clip(y, -1.0, 1.0)).backward()
    >>> x.grad, y.grad
    (0.0, 1.0)
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
    >>> y = where(x > 0, x, -x)
    >>> y.backward()
    >>> y.data, x.grad
    (2.0, -1.0)
    """
    return apply(functions.where, condition, x, y)


def prod(values: Iterable[Any]) -> Any:
    """The product of values as one node, left to right.

    Args:
        values: numbers or Values; the product of none is 1.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: one is neither, or values is no list.
        OverflowError: the product is beyond 1.8e308.

    >>> x = Value(4.0)
    >>> y = prod([2.0, 3.0, x])
    >>> y.backward()
    >>> y.data, x.grad
    (24.0, 6.0)
    """
    return apply(functions.prod, *_terms("prod", values))


def mean(values: Iterable[Any]) -> Any:
    """The exactly rounded sum of values over their number, as one node.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: one is neither, or values is no list.
        ValueError: there are none.

    >>> x = Value(7.0)
    >>> y = mean([1.0, 2.0, 2.0, x])
    >>> y.backward()
    >>> y.data, x.grad
    (3.0, 0.25)
    """
    return apply(functions.mean, *_some("mean", values))


def logsumexp(values: Iterable[Any]) -> Any:
    """log(sum_i exp(x_i)) as one node, which neither over- nor underflows in between.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A float for numbers, else a Value; its derivatives are ``softmax``.

    Raises:
        TypeError: one is neither, or values is no list.
        ValueError: there are none.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    >>> x = [Value(1000.0), Value(1000.0)]
    >>> logsumexp(x).backward()
    >>> [x_i.grad for x_i in x]
    [0.5, 0.5]
    """
    return apply(functions.logsumexp, *_some("logsumexp", values))


def softmax(values: Iterable[Any]) -> list[Any]:
    """exp(x_i) / sum_j exp(x_j) for each i, which neither over- nor underflows in between.

    Args:
        values: numbers or Values, one at least.

    Returns:
        A list, of floats for numbers, else of Values.

    Raises:
        TypeError: one is neither, or values is no list.
        ValueError: there are none.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    >>> x = [Value(0.0), Value(0.0)]
    >>> y = softmax(x)
    >>> y[0].backward()
    >>> [x_i.grad for x_i in x]  # dy_1/dx_i = y_1 (1 if i = 1 else 0) - y_1 y_i
    [0.25, -0.25]
    """
    terms = _some("softmax", values)
    return [apply(functions.softmax, *terms, parameters=(i,)) for i in range(len(terms))]


def _terms(name: str, values: Iterable[Any]) -> list[Any]:
    try:
        return list(values)
    except TypeError:
        refuse_no_list(name, values)
        raise


def _some(name: str, values: Iterable[Any]) -> list[Any]:
    terms = _terms(name, values)
    if not terms:
        raise ValueError(f"{name} needs one value at least, and was given none")
    return terms


if not TYPE_CHECKING:  # who would need it written out
    __all__ = [key for key in functions.FUNCTIONS if key in globals()]
