"""The elementary functions as methods of Value: x.tanh() for tanh(x).

The names are those of Python's math, and NumPy's beside them: np.arctan of an object array
calls .arctan() of each element.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from . import functions
from .functions.calls import method
from .numeric import Number, bounds, to_float

if TYPE_CHECKING:
    from .engine import Value


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

        # The names, for type checkers; a test holds them to the table.

        def _unary(self) -> Value: ...
        def _binary(self, y: Any) -> Value: ...

        exp = exp2 = expm1 = log = log2 = log10 = log1p = sqrt = cbrt = square = reciprocal = _unary
        sin = cos = tan = asin = arcsin = acos = arccos = atan = arctan = sinh = cosh = _unary
        tanh = asinh = arcsinh = acosh = arccosh = atanh = arctanh = erf = erfc = sigmoid = _unary
        softplus = log_sigmoid = relu = gelu = silu = softsign = abs = fabs = absolute = _unary
        sign = step = floor = ceil = trunc = lgamma = digamma = erfinv = _unary
        hypot = maximum = minimum = logaddexp = _binary

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

    def rint(self) -> Value:
        """x.rint(): the same as ``round(x)``; NumPy calls it so.

        >>> from micrograd_bp import Value
        >>> Value(2.5).rint().data
        2.0
        """
        return self.__round__()  # type: ignore[attr-defined,no-any-return]

    def conjugate(self) -> Value:
        """x.conjugate(): x itself, which is real; NumPy's ``std`` and ``var`` ask for it.

        >>> from micrograd_bp import Value
        >>> Value(2.0).conjugate().data
        2.0
        """
        return self  # type: ignore[return-value]

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


for _function in functions.FUNCTIONS.values():
    if _function.doc is not None:  # what is written out above stays
        _method = vars(ElementaryMethods).get(_function.name) or method(_function, globals())
        for _name in (_function.name, *_function.aliases):
            setattr(ElementaryMethods, _name, _method)
