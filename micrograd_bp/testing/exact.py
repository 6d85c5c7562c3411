"""The functions of the table once more, as mathematics writes them, for mpmath's numbers.

No care is taken of cancellation or overflow: more digits take care of it, and whoever calls
chooses them (``mpmath.workprec``). At kinks the conventions are those of the table. This is
what forward values, local derivatives and gradients are checked against.
"""

from collections.abc import Callable
from typing import Any

from ..functions import FUNCTIONS, Function
from .optional import optional

mp = optional("mpmath").mp
Exact = Callable[..., Any]


def exact(function: Function) -> Exact:
    """The exact form of a function of the table: from mpf operands and parameters to an mpf.

    Raises:
        KeyError: the function is not of the table.

    >>> from micrograd_bp import functions
    >>> print(exact(functions.tanh)(mp.mpf(1)))
    0.761594155955765
    """
    return _EXACT_OF[function]


def _erfc(x: Any) -> Any:
    return mp.erfc(x) if x < 1e100 else mp.mpf(0)  # less than 10**-(10**199), and mpmath gives up


def _cumulative(x: Any) -> Any:
    return _erfc(-x / mp.sqrt(2)) / 2


def _gauss(x: Any, n: int = 0) -> Any:
    return 2 / mp.sqrt(mp.pi) * x ** int(n) * mp.exp(-x * x)


def _normal(x: Any, n: int = 0) -> Any:
    return x ** int(n) * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _logistic_density(x: Any) -> Any:
    return 1 / (mp.exp(x) + 2 + mp.exp(-x))


def _cbrt(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def _power(x: Any, y: Any) -> Any:
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
    return (-1) ** (int(y) % 2) * _power(-x, y)


def _power_partial(x: Any, y: Any, k: int, j: int) -> Any:
    """j! times the t**j term of the series of (y+t) (y+t-1) ... (y+t-k+1) x**(y+t-k)."""
    log_x = mp.log(x) if j else 0
    series = [log_x**n / mp.factorial(n) for n in range(int(j) + 1)]
    for i in range(int(k)):
        series = [
            (y - i) * term + before for term, before in zip(series, [0, *series[:-1]], strict=True)
        ]
    return mp.factorial(j) * series[-1] * _power(x, y - int(k))


def _constant_power_derivative(x: Any, c: Any, k: int) -> Any:
    return mp.ff(mp.mpf(c), int(k)) * _power(x, mp.mpf(c) - int(k))


def _sqrt(x: Any) -> Any:
    if x < 0:
        raise ValueError("the root of a negative number is not real")
    return mp.sqrt(x)


def _elu(x: Any, alpha: Any) -> Any:
    return x if x > 0 else alpha * mp.expm1(x)


def _silu_derivative(x: Any) -> Any:
    return _sigmoid(x) + x * _logistic_density(x)


def _silu_second_derivative(x: Any) -> Any:
    return _logistic_density(x) * (2 - x * mp.tanh(x / 2))


def _dot(*operands: Any) -> Any:
    n = len(operands) // 2
    bias = operands[-1] if len(operands) % 2 else 0
    return mp.fdot(operands[:n], operands[n : 2 * n]) + bias


def _softmax(*terms_and_index: Any) -> Any:
    *terms, index = terms_and_index
    return mp.exp(terms[int(index)]) / mp.fsum(mp.exp(term) for term in terms)


def _real(function: Exact) -> Exact:
    """Refuse where mpmath would go on in the complex plane."""

    def real(x: Any) -> Any:
        value = function(x)
        if isinstance(value, mp.mpc):
            raise ValueError(f"{function.__name__} is not real at {x}")
        return value

    return real


EXACT: dict[str, Exact] = {
    # Arithmetic and powers
    "constant": lambda x: x,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "neg": lambda x: -x,
    "div": lambda x, y: x / y,
    "divide_by_power": lambda x, y, n: x / y ** int(n),
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "pow": _power,
    "power_partial": _power_partial,
    "constant_power": _power,
    "constant_power_derivative": _constant_power_derivative,
    "sqrt": _sqrt,
    "cbrt": _cbrt,
    "cbrt_derivative": lambda x: 1 / (3 * _cbrt(x) ** 2),
    # Exponentials and logarithms
    "exp": mp.exp,
    "exp2": lambda x: mp.power(2, x),
    "expm1": mp.expm1,
    "log": _real(mp.log),
    "log2": _real(lambda x: mp.log(x) / mp.log(2)),
    "log10": _real(lambda x: mp.log(x) / mp.log(10)),
    "log1p": _real(mp.log1p),
    # Trigonometric and hyperbolic functions and their inverses
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "sec2": lambda x: 1 / mp.cos(x) ** 2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "sech2": lambda x: 1 / mp.cosh(x) ** 2,
    "asin": _real(mp.asin),
    "acos": _real(mp.acos),
    "asin_derivative": _real(lambda x: 1 / mp.sqrt((1 - x) * (1 + x))),
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "atan": mp.atan,
    "atan_derivative": lambda x: 1 / (1 + x * x),
    "asinh": mp.asinh,
    "asinh_derivative": lambda x: 1 / mp.sqrt(1 + x * x),
    "acosh": _real(mp.acosh),
    "acosh_derivative": _real(lambda x: 1 / mp.sqrt((x - 1) * (x + 1))),
    "atanh": _real(mp.atanh),
    "atan2": mp.atan2,
    "inverse_power": lambda x, y, n, k: (mp.mpc(0, 1) ** int(k) / mp.mpc(x, y) ** int(n)).real,
    "hypot_moment": lambda x, y, a, b, n: x ** int(a) * y ** int(b) / mp.hypot(x, y) ** int(n),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "hypot_direction": lambda x, y: x / mp.sqrt(x * x + y * y),
    # The error function and the normal distribution
    "erf": mp.erf,
    "erfc": _erfc,
    "gauss": _gauss,
    "normal": _normal,
    "gelu": lambda x: x * _cumulative(x),
    "gelu_derivative": lambda x: _cumulative(x) + x * _normal(x),
    "gelu_second_derivative": lambda x: (2 - x * x) * _normal(x),
    # The logistic family
    "sigmoid": _sigmoid,
    "logistic_density": _logistic_density,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "silu": lambda x: x * _sigmoid(x),
    "silu_derivative": _silu_derivative,
    "silu_second_derivative": _silu_second_derivative,
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "softmax_of_two": lambda x, y: _sigmoid(x - y),
    # Functions with kinks and steps
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "leaky_step": lambda x, slope: mp.mpf(1 if x > 0 else slope),
    "elu": _elu,
    "elu_tail": lambda x, alpha: mp.mpf(0) if x > 0 else alpha * mp.exp(x),
    "softsign": lambda x: x / (1 + abs(x)),
    "softsign_derivative": lambda x, n: 1 / (1 + abs(x)) ** int(n),
    "abs": abs,
    "sign": mp.sign,
    "step": lambda x: mp.mpf(x > 0),
    "floor": mp.floor,
    "ceil": mp.ceil,
    "clip": lambda x, low, high: max(mp.mpf(low), min(x, mp.mpf(high))),
    "within": lambda x, low, high: mp.mpf(low <= x <= high),
    "maximum": max,
    "minimum": min,
    "greater": lambda x, y: (1 + mp.sign(x - y)) / 2,
    "where": lambda condition, x, y: x if condition != 0 else y,
    # Any number of operands
    "dot": _dot,
    "fsum": lambda *terms: mp.fsum(terms),
    "mean": lambda *terms: mp.fsum(terms) / len(terms),
    "prod": lambda *factors: mp.fprod(factors),
    "logsumexp": lambda *terms: mp.log(mp.fsum(mp.exp(term) for term in terms)),
    "softmax": _softmax,
}

_EXACT_OF = {FUNCTIONS[name]: form for name, form in EXACT.items() if name in FUNCTIONS}
