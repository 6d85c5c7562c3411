"""The table, part four: functions with kinks and steps, where the derivative is a convention."""

import builtins
import math
from collections.abc import Callable
from math import isfinite, isnan, nan
from typing import Any

from . import accurate
from .function import Doc, Function, flat


def _step(x: float) -> float:
    return x if isnan(x) else float(x > 0.0)


def _within(x: float, low: float, high: float) -> float:
    return 1.0 if low <= x <= high else x if isnan(x) else 0.0


def _clip(x: float, low: float, high: float) -> float:
    return x if isnan(x) else max(low, min(x, high))


def _integral(rounding: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: math.copysign(float(rounding(x)), x) if isfinite(x) else x


def _is_zero(x: float, *_: float) -> bool:
    return x == 0.0


def _mod(x: float, y: float) -> float:
    return x % y if y != 0.0 else nan


def _floordiv(x: float, y: float) -> float:
    return x // y if y != 0.0 else accurate.divide(x, y)


def _is_no_multiple(x: Any, y: Any) -> Any:  # of arrays too, as all that tells what is flat
    return (y != 0.0) & (x % (y + (y == 0.0)) != 0.0)


def _round(x: float, digits: float) -> float:
    try:
        return builtins.round(x, int(digits))
    except OverflowError:
        return math.copysign(math.inf, x)


def _is_not_halfway(x: Any, digits: float) -> Any:
    return x * 10.0 ** min(max(digits, -300.0), 300.0) % 1.0 != 0.5


def _exact_round(mp: Any, x: Any, digits: Any) -> Any:
    return mp.nint(x * mp.mpf(10) ** int(digits)) / mp.mpf(10) ** int(digits)


relu: Function = Function(
    "relu",
    lambda x: x if x > 0.0 or isnan(x) else 0.0,
    lambda x: (step(x),),
    kink=_is_zero,
    flat=lambda x: x < 0.0,
    doc=Doc("max(x, 0); the derivative at 0 is 0", "-3.0", "0.0", "0.0"),
    activation=True,
    exact=lambda mp, x: max(x, mp.mpf(0)),
)
leaky_relu: Function = Function(
    "leaky_relu",
    lambda x, slope: x if x > 0.0 else slope * x,
    lambda x, slope: (leaky_step(x, slope),),
    parameters=1,
    kink=_is_zero,
    flat=lambda x, slope: x < 0.0,
    public=True,
    tried=((0.01,),),
    activation=True,
)
leaky_step: Function = Function(
    "leaky_step",
    lambda x, slope: 1.0 if x > 0.0 else slope if x <= 0.0 else x,
    lambda x, slope: (0.0,),
    parameters=1,
    flat=lambda x, slope: x != 0.0,
    exact=lambda mp, x, slope: mp.mpf(1 if x > 0 else slope),
    words="the derivative of leaky_relu",
)
elu: Function = Function(
    "elu",
    lambda x, alpha: x if x > 0.0 else alpha * accurate.expm1(x),
    lambda x, alpha: (step(x) + elu_tail(x, alpha),),
    parameters=1,
    kink=_is_zero,
    flat=lambda x, alpha: alpha == 0.0 and x < 0.0,
    public=True,
    tried=((1.0,), (0.5,)),
    activation=True,
    exact=lambda mp, x, alpha: x if x > 0 else alpha * mp.expm1(x),
)
elu_tail: Function = Function(
    "elu_tail",
    lambda x, alpha: 0.0 if x > 0.0 else accurate.scaled_exp(x, alpha),
    lambda x, alpha: (elu_tail(x, alpha),),
    parameters=1,
    flat=lambda x, alpha: alpha == 0.0 or x > 0.0,
    exact=lambda mp, x, alpha: mp.mpf(0) if x > 0 else alpha * mp.exp(x),
    words="the derivative of elu",
)
softsign: Function = Function(
    "softsign",
    lambda x: x / (1.0 + math.fabs(x)),
    lambda x: (softsign_derivative(x, 2),),
    doc=Doc("x / (1 + abs(x))", "3.0", "0.75", "0.0625"),
    activation=True,
    exact=lambda mp, x: x / (1 + mp.fabs(x)),
)
softsign_derivative: Function = Function(
    "softsign_derivative",
    accurate.softsign_derivative,
    lambda x, n: (-float(n) * sign(x) * softsign_derivative(x, n + 1),),
    parameters=1,
    exact=lambda mp, x, n: 1 / (1 + mp.fabs(x)) ** int(n),
    words="the derivative of softsign",
)
abs: Function = Function(
    "abs",
    math.fabs,
    lambda x: (sign(x),),
    kink=_is_zero,
    doc=Doc("absolute value; the derivative at 0 is 0", "-3.0", "3.0", "-1.0"),
    aliases=("fabs", "absolute"),
    exact=lambda mp, x: mp.fabs(x),
)
sign: Function = Function(
    "sign",
    lambda x: math.copysign(1.0, x) if math.fabs(x) > 0.0 else x + 0.0,
    flat,
    kink=_is_zero,
    flat=lambda x: x != 0.0,
    doc=Doc("-1, 0 or 1; the derivative is 0", "-3.0", "-1.0", "0.0"),
    exact=lambda mp, x: mp.sign(x),
)
step: Function = Function(
    "step",
    _step,
    flat,
    kink=_is_zero,
    flat=lambda x: x != 0.0,
    doc=Doc("1 above 0, else 0; the derivative is 0", "0.0", "0.0", "0.0"),
    exact=lambda mp, x: mp.mpf(x > 0),
)
floor: Function = Function(
    "floor",
    _integral(math.floor),
    flat,
    kink=lambda x: x % 1.0 == 0.0,
    flat=lambda x: x % 1.0 != 0.0,
    doc=Doc("largest integer not above x; the derivative is 0", "-1.5", "-2.0", "0.0"),
    exact=lambda mp, x: mp.floor(x),
)
ceil: Function = Function(
    "ceil",
    _integral(math.ceil),
    flat,
    kink=lambda x: x % 1.0 == 0.0,
    flat=lambda x: x % 1.0 != 0.0,
    doc=Doc("smallest integer not below x; the derivative is 0", "-1.5", "-1.0", "0.0"),
    exact=lambda mp, x: mp.ceil(x),
)
trunc: Function = Function(
    "trunc",
    _integral(math.trunc),
    flat,
    kink=lambda x: x % 1.0 == 0.0 and x != 0.0,
    flat=lambda x: (x % 1.0 != 0.0) | (x == 0.0),
    doc=Doc("x without its fraction; the derivative is 0", "-1.5", "-1.0", "0.0"),
    exact=lambda mp, x: mp.sign(x) * mp.floor(mp.fabs(x)),
)
round: Function = Function(  # Python's own: round(x) and round(x, digits)
    "round",
    _round,
    lambda x, digits: (0.0,),
    parameters=1,
    kink=lambda x, digits: not _is_not_halfway(x, digits),
    flat=_is_not_halfway,
    public=True,
    tried=((0.0,), (1.0,)),
    exact=_exact_round,
)
floordiv: Function = Function(
    "floordiv",
    _floordiv,
    flat,
    operands=2,
    symbol="//",
    pole=lambda x, y: y == 0.0,
    kink=lambda x, y: not _is_no_multiple(x, y),
    flat=_is_no_multiple,
    public=True,
    exact=lambda mp, x, y: mp.floor(x / y),
)
mod: Function = Function(  # x - floor(x/y) y, with the sign of y
    "mod",
    _mod,
    lambda x, y: (1.0, -floordiv(x, y)),
    operands=2,
    symbol="%",
    pole=lambda x, y: y == 0.0,
    kink=lambda x, y: not _is_no_multiple(x, y),
    flat=_is_no_multiple,
    public=True,
    exact=lambda mp, x, y: x - mp.floor(x / y) * y,
)
clip: Function = Function(
    "clip",
    _clip,
    lambda x, low, high: (within(x, low, high),),
    parameters=2,
    kink=lambda x, low, high: x in (low, high),
    flat=lambda x, low, high: True,
    public=True,
    tried=((-1.0, 1.0),),
    exact=lambda mp, x, low, high: max(mp.mpf(low), min(x, mp.mpf(high))),
)
within: Function = Function(
    "within",
    _within,
    lambda x, low, high: (0.0,),
    parameters=2,
    flat=lambda x, low, high: (x != low) & (x != high),
    exact=lambda mp, x, low, high: mp.mpf(low <= x <= high),
    words="the derivative of clip",
)
maximum: Function = Function(
    "maximum",
    accurate.maximum,
    lambda x, y: (greater(x, y), greater(y, x)),
    operands=2,
    kink=lambda x, y: x == y,
    flat=lambda x, y: True,
    doc=Doc(
        "the larger of two; at a tie the derivative is 1/2 by each", "2.0, 3.0", "3.0", "0.0, 1.0"
    ),
    exact=lambda mp, x, y: max(x, y),
)
minimum: Function = Function(
    "minimum",
    accurate.minimum,
    lambda x, y: (greater(y, x), greater(x, y)),
    operands=2,
    kink=lambda x, y: x == y,
    flat=lambda x, y: True,
    doc=Doc(
        "the smaller of two; at a tie the derivative is 1/2 by each", "2.0, 3.0", "2.0", "1.0, 0.0"
    ),
    exact=lambda mp, x, y: min(x, y),
)
greater: Function = Function(
    "greater",
    accurate.greater,
    flat,
    operands=2,
    symbol=">",
    flat=lambda x, y: x != y,
    exact=lambda mp, x, y: (1 + mp.sign(x - y)) / 2,
    words="the derivative of maximum or minimum",
)
where: Function = Function(
    "where",
    lambda condition, x, y: x if condition != 0.0 else y,
    lambda condition, x, y: (0.0, where(condition, 1.0, 0.0), where(condition, 0.0, 1.0)),
    operands=3,
    flat=lambda condition, x, y: True,
    public=True,
)
