"""The elementary functions as methods of Value: x.tanh() for tanh(x).

The names are those of Python's math, and NumPy's beside them: np.arctan of an object array
calls .arctan() of each element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from . import functions
from .numeric import Number, bounds, to_float

if TYPE_CHECKING:
    from .engine import Value


def _method(function: functions.Function) -> Callable[..., Value]:
    def method(self: Value, *operands: Any) -> Value:
        return self._record(function, (self, *operands))

    method.__name__ = function.name
    method.__qualname__ = f"Value.{function.name}"
    method.__doc__ = f"The same as ``micrograd_bp.{function.name}`` with self first."
    return method


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

    exp = _method(functions.exp)
    exp2 = _method(functions.exp2)
    expm1 = _method(functions.expm1)
    log = _method(functions.log)
    log2 = _method(functions.log2)
    log10 = _method(functions.log10)
    log1p = _method(functions.log1p)
    sqrt = _method(functions.sqrt)
    cbrt = _method(functions.cbrt)
    square = _method(functions.square)
    reciprocal = _method(functions.reciprocal)
    sin = _method(functions.sin)
    cos = _method(functions.cos)
    tan = _method(functions.tan)
    asin = arcsin = _method(functions.asin)
    acos = arccos = _method(functions.acos)
    atan = arctan = _method(functions.atan)
    sinh = _method(functions.sinh)
    cosh = _method(functions.cosh)
    tanh = _method(functions.tanh)
    asinh = arcsinh = _method(functions.asinh)
    acosh = arccosh = _method(functions.acosh)
    atanh = arctanh = _method(functions.atanh)
    erf = _method(functions.erf)
    erfc = _method(functions.erfc)
    sigmoid = _method(functions.sigmoid)
    softplus = _method(functions.softplus)
    log_sigmoid = _method(functions.log_sigmoid)
    relu = _method(functions.relu)
    gelu = _method(functions.gelu)
    silu = _method(functions.silu)
    softsign = _method(functions.softsign)
    abs = fabs = absolute = _method(functions.abs)
    sign = _method(functions.sign)
    step = _method(functions.step)
    floor = _method(functions.floor)
    ceil = _method(functions.ceil)
    atan2 = arctan2 = _method(functions.atan2)
    hypot = _method(functions.hypot)
    maximum = _method(functions.maximum)
    minimum = _method(functions.minimum)
    logaddexp = _method(functions.logaddexp)
    where = _method(functions.where)

    def pow(self, exponent: Any) -> Value:
        """The same as ``self ** exponent``."""
        return self**exponent  # type: ignore[no-any-return]

    def leaky_relu(self, slope: Number = 0.01) -> Value:
        """x above 0, slope * x below; the derivative at 0 is slope."""
        return self._record(functions.leaky_relu, (self,), (to_float(slope),))

    def elu(self, alpha: Number = 1.0) -> Value:
        """x above 0, alpha * expm1(x) below; the derivative at 0 is alpha."""
        return self._record(functions.elu, (self,), (to_float(alpha),))

    def clip(self, low: Number = -inf, high: Number = inf) -> Value:
        """x between two bounds; the derivative is 1 inside and at the bounds, else 0."""
        return self._record(functions.clip, (self,), bounds(low, high))
