"""The table, part three: the error function and the normal distribution; the logistic family."""

import math
from collections.abc import Callable
from typing import Any

from . import accurate
from .function import Doc, Function, Scalar
from .transcendental import tanh

# The error function and the normal distribution


def _exact_erfc(mp: Any, x: Any) -> Any:
    return mp.erfc(x) if x < 1e100 else mp.mpf(0)  # less than 10**-(10**199), and mpmath gives up


def _exact_gauss(mp: Any, x: Any, n: int = 0) -> Any:
    return 2 / mp.sqrt(mp.pi) * x ** int(n) * mp.exp(-x * x)


def _exact_normal(mp: Any, x: Any, n: int = 0) -> Any:
    return x ** int(n) * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _exact_cumulative(mp: Any, x: Any) -> Any:
    return _exact_erfc(mp, -x / mp.sqrt(2)) / 2


erf: Function = Function(
    "erf",
    math.erf,
    lambda x: (gauss(x, 0),),
    doc=Doc("error function", "0.5", "0.5204998778130465", "0.878783"),
    activation=True,
    exact=lambda mp, x: mp.erf(x),
)
erfc: Function = Function(
    "erfc",
    math.erfc,
    lambda x: (-gauss(x, 0),),
    doc=Doc("complementary error function, 1 - erf(x)", "0.5", "0.4795001221869535", "-0.878783"),
    exact=_exact_erfc,
)


def _moment(
    key: str,
    value: Callable[[float, int], float],
    decay: float,
    exact: Callable[..., Any],
    of: str,
) -> Function:
    """x**n times a bell curve whose derivative is -decay * x times itself, as rules have it."""

    def rule(x: Scalar, n: int) -> tuple[Scalar, ...]:
        falling = -decay * bell(x, n + 1)
        return (falling + n * bell(x, n - 1),) if n else (falling,)

    words = f"the derivative of {of}"
    bell = Function(key, value, rule, parameters=1, exact=exact, words=words)
    return bell


gauss: Function = _moment("gauss", accurate.gauss, 2.0, _exact_gauss, "erf")
normal: Function = _moment("normal", accurate.normal, 1.0, _exact_normal, "gelu")
gelu: Function = Function(
    "gelu",
    accurate.gelu,
    lambda x: (gelu_derivative(x),),
    doc=Doc(
        "x times the cumulative standard normal distribution (Hendrycks & Gimpel 2016)",
        "1.0",
        "0.841344746068543",
        "1.083315",
    ),
    activation=True,
    exact=lambda mp, x: x * _exact_cumulative(mp, x),
)
gelu_derivative: Function = Function(
    "gelu_derivative",
    accurate.gelu_derivative,
    lambda x: (gelu_second_derivative(x),),
    exact=lambda mp, x: _exact_cumulative(mp, x) + x * _exact_normal(mp, x),
    words="the derivative of gelu",
)
gelu_second_derivative: Function = Function(
    "gelu_second_derivative",
    accurate.gelu_second_derivative,
    lambda x: (normal(x, 3) - 4.0 * normal(x, 1),),
    exact=lambda mp, x: (2 - x * x) * _exact_normal(mp, x),
    words="the derivative of gelu",
)

# The logistic family


def _exact_sigmoid(mp: Any, x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _exact_density(mp: Any, x: Any) -> Any:
    return 1 / (mp.exp(x) + 2 + mp.exp(-x))


sigmoid: Function = Function(
    "sigmoid",
    accurate.sigmoid,
    lambda x: (logistic_density(x),),
    doc=Doc(
        "logistic sigmoid, 1 / (1 + exp(-x)), with the derivative s (1 - s)",
        "1.0",
        "0.7310585786300049",
        "0.196612",
    ),
    activation=True,
    exact=_exact_sigmoid,
)
logistic_density: Function = Function(
    "logistic_density",
    accurate.logistic_density,
    lambda x: (-tanh(0.5 * x) * logistic_density(x),),
    exact=_exact_density,
    words="the derivative of sigmoid",
    symbol="sigmoid'",
)
softplus: Function = Function(
    "softplus",
    accurate.softplus,
    lambda x: (sigmoid(x),),
    doc=Doc(
        "log(1 + exp(x)), with the derivative sigmoid(x)", "1.0", "1.3132616875182228", "0.731059"
    ),
    activation=True,
    exact=lambda mp, x: mp.log1p(mp.exp(x)),
)
log_sigmoid: Function = Function(
    "log_sigmoid",
    lambda x: -accurate.softplus(-x),
    lambda x: (sigmoid(-x),),
    doc=Doc(
        "log(sigmoid(x)), which does not underflow in between",
        "1.0",
        "-0.31326168751822286",
        "0.268941",
    ),
    exact=lambda mp, x: -mp.log1p(mp.exp(-x)),
)
silu: Function = Function(
    "silu",
    accurate.silu,
    lambda x: (silu_derivative(x),),
    doc=Doc("x * sigmoid(x), also called swish", "2.0", "1.7615941559557646", "1.090784"),
    activation=True,
    exact=lambda mp, x: x * _exact_sigmoid(mp, x),
)
silu_derivative: Function = Function(
    "silu_derivative",
    accurate.silu_derivative,
    lambda x: (silu_second_derivative(x),),
    exact=lambda mp, x: _exact_sigmoid(mp, x) + x * _exact_density(mp, x),
    words="the derivative of silu",
)
silu_second_derivative: Function = Function(
    "silu_second_derivative",
    accurate.silu_second_derivative,
    lambda x: (logistic_density(x) * (x - 6.0 * x * logistic_density(x) - 3.0 * tanh(0.5 * x)),),
    exact=lambda mp, x: _exact_density(mp, x) * (2 - x * mp.tanh(x / 2)),
    words="the derivative of silu",
)
logaddexp: Function = Function(
    "logaddexp",
    accurate.logaddexp,
    lambda x, y: (softmax_of_two(x, y), softmax_of_two(y, x)),
    operands=2,
    doc=Doc(
        "log(exp(x) + exp(y)), which neither over- nor underflows in between",
        "1000.0, 1000.0",
        "1000.6931471805599",
        "0.5, 0.5",
    ),
    exact=lambda mp, x, y: mp.log(mp.exp(x) + mp.exp(y)),
)


def _softmax_of_two_rule(x: Scalar, y: Scalar) -> tuple[Scalar, Scalar]:
    slope = softmax_of_two(x, y) * softmax_of_two(y, x)
    return slope, -slope


softmax_of_two: Function = Function(
    "softmax_of_two",
    accurate.softmax_of_two,
    _softmax_of_two_rule,
    operands=2,
    exact=lambda mp, x, y: _exact_sigmoid(mp, x - y),
    words="the derivative of logaddexp",
)
