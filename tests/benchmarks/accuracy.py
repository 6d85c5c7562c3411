"""How far the table's values and derivatives are from the truth, in ulps, over all floats.

The truth is mpmath's, from the closed forms below (first and second derivatives, written
independently of the table's rules), at two precisions that have to agree.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from mpmath import mp, mpf

from micrograd_bp import Value, allow_nonfinite
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.testing.exact import EXACT

Exact = Callable[..., Any]

bell = EXACT["gauss"]
normal = EXACT["normal"]
sigmoid = EXACT["sigmoid"]
density = EXACT["logistic_density"]
cbrt = EXACT["cbrt"]
root = mp.sqrt


def zero(*operands: Any) -> Any:
    return mpf(0)


def one(*operands: Any) -> Any:
    return mpf(1)


def power(x: Any, c: Any, k: int) -> Any:
    return EXACT["constant_power_derivative"](x, c, k)


def partial(k: int, j: int) -> Exact:
    return lambda x, y: EXACT["power_partial"](x, y, k, j)


def second_of_erfinv(x: Any) -> Any:
    return 2 * mp.erfinv(x) * EXACT["erfinv_derivative"](x) ** 2


UNARY: dict[str, tuple[Exact, Exact]] = {
    "constant": (one, zero),
    "neg": (lambda x: -mpf(1), zero),
    "exp": (mp.exp, mp.exp),
    "exp2": (lambda x: mp.ln2 * 2**x, lambda x: mp.ln2**2 * 2**x),
    "expm1": (mp.exp, mp.exp),
    "log": (lambda x: 1 / x, lambda x: -1 / x**2),
    "log2": (lambda x: 1 / x / mp.ln2, lambda x: -1 / x**2 / mp.ln2),
    "log10": (lambda x: 1 / x / mp.ln10, lambda x: -1 / x**2 / mp.ln10),
    "log1p": (lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2),
    "sqrt": (lambda x: 1 / (2 * root(x)), lambda x: -1 / (4 * root(x) ** 3)),
    "cbrt": (
        lambda x: 1 / (3 * cbrt(x) ** 2),
        lambda x: -2 / (9 * cbrt(x) ** 5),
    ),
    "square": (lambda x: 2 * x, lambda x: mpf(2)),
    "reciprocal": (lambda x: -1 / x**2, lambda x: 2 / x**3),
    "sin": (mp.cos, lambda x: -mp.sin(x)),
    "cos": (lambda x: -mp.sin(x), lambda x: -mp.cos(x)),
    "tan": (lambda x: 1 + mp.tan(x) ** 2, lambda x: 2 * mp.tan(x) * (1 + mp.tan(x) ** 2)),
    "asin": (
        lambda x: 1 / root((1 - x) * (1 + x)),
        lambda x: x / root((1 - x) * (1 + x)) ** 3,
    ),
    "acos": (
        lambda x: -1 / root((1 - x) * (1 + x)),
        lambda x: -x / root((1 - x) * (1 + x)) ** 3,
    ),
    "atan": (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    "sinh": (mp.cosh, mp.sinh),
    "cosh": (mp.sinh, mp.cosh),
    "tanh": (
        lambda x: 1 / mp.cosh(x) ** 2,
        lambda x: -2 * mp.tanh(x) / mp.cosh(x) ** 2,
    ),
    "asinh": (lambda x: 1 / root(1 + x * x), lambda x: -x / root(1 + x * x) ** 3),
    "acosh": (
        lambda x: 1 / root((x - 1) * (x + 1)),
        lambda x: -x / root((x - 1) * (x + 1)) ** 3,
    ),
    "atanh": (
        lambda x: 1 / ((1 - x) * (1 + x)),
        lambda x: 2 * x / ((1 - x) * (1 + x)) ** 2,
    ),
    "erf": (bell, lambda x: -2 * x * bell(x)),
    "erfc": (lambda x: -bell(x), lambda x: 2 * x * bell(x)),
    "gelu": (
        lambda x: EXACT["erfc"](-x / root(2)) / 2 + x * normal(x),
        lambda x: normal(x) * (2 - x * x),
    ),
    "sigmoid": (density, lambda x: -mp.tanh(x / 2) * density(x)),
    "softplus": (sigmoid, density),
    "log_sigmoid": (lambda x: sigmoid(-x), lambda x: -density(x)),
    "silu": (
        lambda x: sigmoid(x) + x * density(x),
        lambda x: density(x) * (2 - x * mp.tanh(x / 2)),
    ),
    "relu": (lambda x: mpf(x > 0), zero),
    "softsign": (lambda x: 1 / (1 + abs(x)) ** 2, lambda x: -2 * mp.sign(x) / (1 + abs(x)) ** 3),
    "abs": (mp.sign, zero),
    "sign": (zero, zero),
    "step": (zero, zero),
    "floor": (zero, zero),
    "ceil": (zero, zero),
    "trunc": (zero, zero),
    "lgamma": (mp.digamma, lambda x: EXACT["polygamma"](x, 1)),
    "digamma": (lambda x: EXACT["polygamma"](x, 1), lambda x: EXACT["polygamma"](x, 2)),
    "erfinv": (EXACT["erfinv_derivative"], second_of_erfinv),
    # With parameters
    "leaky_relu": (lambda x, slope: mpf(1 if x > 0 else slope), zero),
    "elu": (
        lambda x, alpha: mpf(1) if x > 0 else alpha * mp.exp(x),
        lambda x, alpha: mpf(0) if x > 0 else alpha * mp.exp(x),
    ),
    "clip": (lambda x, low, high: mpf(low <= x <= high), zero),
    "round": (zero, zero),
    "constant_power": (
        lambda x, c: power(x, c, 1),
        lambda x, c: power(x, c, 2),
    ),
}

# For each function: the two partials, then the second ones: xx, xy, yy.


def differences(form: Exact, order: int) -> Exact:
    """Beside what rounding leaves of them: that is no derivative."""
    return lambda x, *fixed: mp.chop(
        mp.diff(lambda near: form(near, *fixed), x, order), mp.ldexp(1, -mp.prec // 4)
    )


NEW = [  # not written out above: by differences of the exact form
    key
    for key, function in FUNCTIONS.items()
    if function.public and function.operands == 1 and key not in UNARY
]
UNARY.update((key, (differences(EXACT[key], 1), differences(EXACT[key], 2))) for key in NEW)

BINARY: dict[str, tuple[Exact, ...]] = {
    "add": (one, one, zero, zero, zero),
    "sub": (one, lambda x, y: -mpf(1), zero, zero, zero),
    "mul": (lambda x, y: y, lambda x, y: x, zero, one, zero),
    "div": (
        lambda x, y: 1 / y,
        lambda x, y: -x / y**2,
        zero,
        lambda x, y: -1 / y**2,
        lambda x, y: 2 * x / y**3,
    ),
    "pow": (partial(1, 0), partial(0, 1), partial(2, 0), partial(1, 1), partial(0, 2)),
    "atan2": (
        lambda y, x: x / (x * x + y * y),
        lambda y, x: -y / (x * x + y * y),
        lambda y, x: -2 * x * y / (x * x + y * y) ** 2,
        lambda y, x: (y - x) * (y + x) / (x * x + y * y) ** 2,
        lambda y, x: 2 * x * y / (x * x + y * y) ** 2,
    ),
    "hypot": (
        lambda x, y: x / mp.hypot(x, y),
        lambda x, y: y / mp.hypot(x, y),
        lambda x, y: y * y / mp.hypot(x, y) ** 3,
        lambda x, y: -x * y / mp.hypot(x, y) ** 3,
        lambda x, y: x * x / mp.hypot(x, y) ** 3,
    ),
    "logaddexp": (
        lambda x, y: sigmoid(x - y),
        lambda x, y: sigmoid(y - x),
        lambda x, y: density(x - y),
        lambda x, y: -density(x - y),
        lambda x, y: density(x - y),
    ),
    "floordiv": (zero, zero, zero, zero, zero),
    "mod": (one, lambda x, y: -mp.floor(x / y), zero, zero, zero),
    "maximum": (lambda x, y: mpf(x > y), lambda x, y: mpf(y > x), zero, zero, zero),
    "minimum": (lambda x, y: mpf(x < y), lambda x, y: mpf(y < x), zero, zero, zero),
}

PARAMETERS: dict[str, Callable[[random.Random], tuple[float, ...]]] = {
    "leaky_relu": lambda rng: (rng.choice([0.01, 0.2, rng.uniform(0, 1)]),),
    "elu": lambda rng: (rng.choice([1.0, rng.uniform(0.1, 3)]),),
    "clip": lambda rng: (-rng.uniform(0, 10), rng.uniform(0, 10)),
    "round": lambda rng: (float(rng.randrange(-5, 20)),),
    "constant_power": lambda rng: (
        rng.choice(
            [
                2.0,
                3.0,
                -1.0,
                -2.0,
                0.5,
                -0.5,
                0.1,
                1 / 3,
                1.5,
                10.0,
                1e-3,
                1.0,
                0.0,
                25.5,
                rng.uniform(-5, 5),
                rng.uniform(0.999, 1.001),
                float(rng.randrange(-40, 40)),
            ]
        ),
    ),
}

SPECIAL = [  # where formulas break: edges of domains, roots, overflow and underflow
    1.0,
    math.pi / 2,
    math.pi,
    0.7517916243860091,  # gelu' = 0 at minus this
    1.2784645427610738,  # silu' = 0 at minus this
    math.sqrt(2.0),  # gelu'' = 0
    2.3993572805154833,  # silu'' = 0
    math.log(2.0),
    0.5,
    2.0,
    19.06,  # 1 - tanh**2 = 0 from here in floats
    26.54,  # erfc underflows
    36.74,
    38.5,
    354.9,
    372.5,
    708.4,
    709.78,
    745.13,
    1023.9,
    1.4616321449683622,  # digamma = 0
    2.4570247382208006,  # lgamma = 0 at minus this, and on to the left
    3.1435808883499798,
    5.0086818069243075,
    *map(float, range(3, 20)),  # poles of the gamma function at minus these
]


def unary_points(rng: random.Random) -> Iterator[float]:
    """Every float in its turn: all magnitudes, the ordinary ones densely, edges from nearby."""
    while True:
        sign = rng.choice((1.0, -1.0))
        yield sign * math.ldexp(rng.uniform(1.0, 2.0), rng.randrange(-1075, 1018))
        yield sign * 10.0 ** rng.uniform(-3.0, 3.0)
        yield rng.uniform(-750.0, 750.0)
        yield rng.uniform(-3.0, 3.0)
        yield sign * 10.0 ** rng.uniform(-20.0, 0.0)
        yield sign * rng.choice(SPECIAL) * (1.0 + rng.choice((1, -1)) * 10 ** rng.uniform(-17, -1))
        yield sign * rng.uniform(0.0, 40.0)
        yield rng.randrange(1, 1000) * math.pi / 2


def binary_points(rng: random.Random) -> Iterator[tuple[float, float]]:
    """Pairs of all magnitudes, of like ones, of nearly equal ones, and of ordinary ones."""
    for x in unary_points(rng):
        sign = rng.choice((1.0, -1.0))
        yield x, sign * math.ldexp(rng.uniform(1.0, 2.0), rng.randrange(-1075, 1018))
        yield x, sign * x * 2.0 ** rng.uniform(-3.0, 3.0)
        yield x, sign * x * 2.0 ** rng.uniform(-60.0, 60.0)
        yield x, sign * x * (1.0 + rng.choice((1, -1)) * 10.0 ** rng.uniform(-16, -1))
        yield rng.uniform(-3.0, 3.0), rng.uniform(-3.0, 3.0)
        small = -(10.0 ** rng.uniform(-40.0, 0.0))  # exp(x) + exp(y) all but 1
        yield small, math.log(-math.expm1(small)) * (1.0 + 10.0 ** rng.uniform(-17.0, 0.0))
        yield 10.0 ** rng.uniform(-3.0, 3.0), rng.uniform(-100.0, 100.0)
        size = abs(x)  # a power that does not over- or underflow by much
        if size not in (0.0, 1.0):
            yield size, rng.uniform(-760.0, 760.0) / math.log(size)


def points(name: str, n: int, seed: int = 1) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """n times operands and parameters, inside the domain and off the poles and the ties."""
    rng = random.Random(f"{name} {seed}")
    function = FUNCTIONS[name]
    stream: Iterator[Any] = unary_points(rng) if name in UNARY else binary_points(rng)
    parameters = PARAMETERS.get(name, lambda rng: ())

    def inside() -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
        for point in stream:
            operands = point if isinstance(point, tuple) else (point,)
            if not all(map(math.isfinite, operands)) or 0.0 in operands:
                continue
            fixed = parameters(rng)
            if function.domain is not None and not function.domain(*operands, *fixed):
                continue
            if function.pole is not None and function.pole(*operands, *fixed):
                continue
            at_kink = function.kink is not None and function.kink(*operands, *fixed)
            if at_kink and name in ("maximum", "minimum", *NEW):
                continue
            yield operands, fixed

    return list(islice(inside(), n))


@cache
def truth(form: Exact, arguments: tuple[float, ...]) -> Any:
    """The form at floats, to 100 bits or more: two precisions agree to so many."""
    coarse = None
    for bits in (160, 400, 1200, 2600, 6000):
        with mp.workprec(bits):
            try:
                fine = form(*map(mpf, arguments))
            except ZeroDivisionError:
                return mp.inf  # a pole of the derivative at an edge of the domain
            # A zero may be a difference that needs more digits still.
            if coarse is not None and fine and abs(fine - coarse) <= mp.ldexp(abs(fine), -100):
                return fine
            coarse = fine
    if coarse == 0:
        return coarse
    raise ArithmeticError(f"mpmath does not settle at {arguments}")


LARGEST = mpf(1.7976931348623157e308)
UNDERFLOW = mp.ldexp(1, -1074)
SUBNORMAL = mp.ldexp(1, -1022)


def error_in_ulps(got: float, true: Any, scale: float = 0.0) -> float:
    """abs(got - true) in units in the last place of the truth, or of scale where that is more.

    For a subnormal truth the unit is 2**-1074, and 1.5 units count as 2 ulp of a value and 4 of
    a derivative: see ``excess``.
    """
    size = max(abs(true), mpf(scale))
    if size > LARGEST * (1 + mp.ldexp(1, -54)):
        return 0.0 if abs(got) == math.inf else math.inf
    if not math.isfinite(got):
        return 0.0 if math.isinf(got) and size > LARGEST * (1 - mp.ldexp(1, -50)) else math.inf
    unit = UNDERFLOW
    if size >= SUBNORMAL:
        unit = mp.ldexp(1, int(mp.floor(mp.log(size, 2))) - 52)
    return float(abs(mpf(got) - true) / unit)


class Error(NamedTuple):
    """The error of one derivative (or value) at one point."""

    excess: float  # the error in units of what is allowed: at most 1
    ulps: float
    arguments: tuple[float, ...]
    got: float
    true: float


LIMITS = {0: 2.0, 1: 4.0, 2: 4.0}  # ulps allowed, by the order of the derivative


def judge(
    order: int, got: float, true: Any, arguments: tuple[float, ...], scale: float = 0.0
) -> Error:
    ulps = error_in_ulps(got, true, scale)
    allowed = LIMITS[order] if max(abs(true), scale) >= SUBNORMAL else 1.5
    return Error(ulps / allowed, ulps, arguments, got, float(true))


def second_partials(function: Function, operands: Sequence[float], fixed: Any) -> list[list[float]]:
    """By the table's rules on Values: a row a first partial, a column an operand."""
    rows = []
    with allow_nonfinite():
        for index in range(len(operands)):
            values = [Value(x) for x in operands]
            slope = function.partials(*values, *fixed)[index]
            if isinstance(slope, Value):
                slope.backward()
            rows.append([value.grad for value in values])
    return rows


def errors(
    name: str,
    n: int,
    seed: int = 1,
    scales: dict[int, Callable[..., float]] | None = None,
) -> Iterator[tuple[str, int, Error]]:
    """At n points: which derivative ("value", "x", "xy", ...), its order, its error."""
    function, form = FUNCTIONS[name], EXACT[name]
    unary = name in UNARY
    firsts = UNARY[name][:1] if unary else BINARY[name][:2]
    scales = scales or {}
    for operands, fixed in points(name, n, seed):
        arguments = operands + fixed
        scale = {order: of(*arguments) for order, of in scales.items()}
        value = function.value(*arguments)
        yield "value", 0, judge(0, value, truth(form, arguments), arguments)
        if not math.isfinite(value):
            continue
        slopes = function.partials(*arguments)
        for letter, slope, exact in zip("xy", slopes, firsts, strict=False):
            true = truth(exact, arguments)
            yield letter, 1, judge(1, slope, true, arguments, scale.get(1, 0.0))
        if name == "constant":
            continue
        rows = second_partials(function, operands, fixed)
        seconds = (
            [("xx", rows[0][0], UNARY[name][1])]
            if unary
            else [
                ("xx", rows[0][0], BINARY[name][2]),
                ("xy", rows[0][1], BINARY[name][3]),
                ("yx", rows[1][0], BINARY[name][3]),
                ("yy", rows[1][1], BINARY[name][4]),
            ]
        )
        for letters, got, exact in seconds:
            true = truth(exact, arguments)
            yield letters, 2, judge(2, got, true, arguments, scale.get(2, 0.0))


def worst(name: str, n: int, seed: int = 1, **options: Any) -> dict[str, Error]:
    """Of each derivative the error that exceeds its limit most, or comes nearest to it."""
    found: dict[str, Error] = {}
    for letters, _, error in errors(name, n, seed, **options):
        if letters not in found or error.excess > found[letters].excess:
            found[letters] = error
    return found
