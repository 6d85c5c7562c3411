"""The elementary functions as methods of Value: x.tanh() for tanh(x).

The names are those of Python's math, and NumPy's beside them: np.arctan of an object array
calls .arctan() of each element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from . import functions
from .functions.descriptions import method_doc
from .numeric import Number, bounds, to_float

if TYPE_CHECKING:
    from .engine import Value


def _documented(method: Any, name: str) -> Any:
    method.__name__ = name
    method.__qualname__ = f"Value.{name}"
    method.__doc__ = method_doc(name)
    return method


def _unary(function: functions.Function) -> Callable[[Value], Value]:
    def method(self: Value) -> Value:
        return self._record(function, (self,))

    documented: Callable[[Value], Value] = _documented(method, function.name)
    return documented


def _binary(function: functions.Function) -> Callable[[Value, Any], Value]:
    def method(self: Value, y: Any) -> Value:
        return self._record(function, (self, y))

    documented: Callable[[Value, Any], Value] = _documented(method, function.name)
    return documented


class ElementaryMethods:
    """What Value inherits; see ``micrograd_bp.exp`` and its kin for each function."""

    __slots__ = ()

    if TYPE_CHECKING:

        @staticmethod
        def _record(
            function: functions.Function,
            operands: Sequence[Any],
            parameters: tuple[float, ...] = (),
        ) -> Value: ...

    exp = _unary(functions.exp)
    exp2 = _unary(functions.exp2)
    expm1 = _unary(functions.expm1)
    log = _unary(functions.log)
    log2 = _unary(functions.log2)
    log10 = _unary(functions.log10)
    log1p = _unary(functions.log1p)
    sqrt = _unary(functions.sqrt)
    cbrt = _unary(functions.cbrt)
    square = _unary(functions.square)
    reciprocal = _unary(functions.reciprocal)
    sin = _unary(functions.sin)
    cos = _unary(functions.cos)
    tan = _unary(functions.tan)
    asin = arcsin = _unary(functions.asin)
    acos = arccos = _unary(functions.acos)
    atan = arctan = _unary(functions.atan)
    sinh = _unary(functions.sinh)
    cosh = _unary(functions.cosh)
    tanh = _unary(functions.tanh)
    asinh = arcsinh = _unary(functions.asinh)
    acosh = arccosh = _unary(functions.acosh)
    atanh = arctanh = _unary(functions.atanh)
    erf = _unary(functions.erf)
    erfc = _unary(functions.erfc)
    sigmoid = _unary(functions.sigmoid)
    softplus = _unary(functions.softplus)
    log_sigmoid = _unary(functions.log_sigmoid)
    relu = _unary(functions.relu)
    gelu = _unary(functions.gelu)
    silu = _unary(functions.silu)
    softsign = _unary(functions.softsign)
    abs = fabs = absolute = _unary(functions.abs)
    sign = _unary(functions.sign)
    step = _unary(functions.step)
    floor = _unary(functions.floor)
    ceil = _unary(functions.ceil)
    hypot = _binary(functions.hypot)
    maximum = _binary(functions.maximum)
    minimum = _binary(functions.minimum)
    logaddexp = _binary(functions.logaddexp)

    def atan2(self, x: Any) -> Value:
        """y.atan2(x): angle of the point (x, y), in radians; both derivatives are 0 at the origin.

        As the function ``micrograd_bp.atan2``.

        Args:
            x: a number or Value.

        Raises:
            TypeError: x is neither.

        >>> from micrograd_bp import Value
        >>> Value(1.0).atan2(1.0).data
        0.7853981633974483
        """
        return self._record(functions.atan2, (self, x))

    arctan2 = atan2

    def where(self, x: Any, y: Any) -> Value:
        """condition.where(x, y): x where the condition is not 0, else y.

        As the function ``micrograd_bp.where``. No derivative flows to the condition.

        Args:
            x, y: numbers or Values, both computed already.

        Raises:
            TypeError: x or y is neither.

        >>> from micrograd_bp import Value
        >>> x = Value(-2.0)
        >>> x.step().where(x, 0.1 * x).data
        -0.2
        """
        return self._record(functions.where, (self, x, y))

    def pow(self, exponent: Any) -> Value:
        """x.pow(exponent): the same as ``x ** exponent``, and as ``micrograd_bp.pow``.

        Args:
            exponent: a number or Value.

        Raises:
            TypeError: it is neither.
            ValueError: x < 0, and the exponent is not an integer number.
            ZeroDivisionError: x = 0 and the exponent < 0.
            OverflowError: the result is beyond 1.8e308.

        >>> from micrograd_bp import Value
        >>> Value(-2.0).pow(3).data
        -8.0
        """
        return self**exponent  # type: ignore[no-any-return]

    def leaky_relu(self, slope: Number = 0.01) -> Value:
        """x.leaky_relu(slope): x above 0, slope * x below; the derivative at 0 is slope.

        Args:
            slope: a number.

        Raises:
            TypeError: it is none.

        >>> from micrograd_bp import Value
        >>> Value(-2.0).leaky_relu().data
        -0.02
        """
        return self._record(functions.leaky_relu, (self,), (to_float(slope),))

    def elu(self, alpha: Number = 1.0) -> Value:
        """x.elu(alpha): x above 0, alpha * expm1(x) below; the derivative at 0 is alpha.

        Args:
            alpha: a number.

        Raises:
            TypeError: it is none.

        >>> from micrograd_bp import Value
        >>> Value(-1.0).elu(alpha=2.0).data
        -1.2642411176571153
        """
        return self._record(functions.elu, (self,), (to_float(alpha),))

    def clip(self, low: Number = -inf, high: Number = inf) -> Value:
        """x.clip(low, high): x between bounds; the derivative is 1 inside and at them, else 0.

        Args:
            low, high: numbers.

        Raises:
            TypeError: a bound is no number.
            ValueError: low is above high, or one is nan.

        >>> from micrograd_bp import Value
        >>> Value(5.0).clip(-1.0, 1.0).data
        1.0
        """
        return self._record(functions.clip, (self,), bounds(low, high))
