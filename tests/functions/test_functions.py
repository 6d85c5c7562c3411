"""Every function, on floats, on Values and on arrays of Values, and the derivatives of each.

The reference is mpmath: the function in its own words, at some 180 decimal digits, and central
differences of it, whose error is estimated by taking them with two steps. Here stand the right
formulas; how many digits they are good for is another file's question.
"""

import math
import operator
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import micrograd_bp as m
from micrograd_bp import Value, allow_nonfinite, functions
from micrograd_bp.testing.exact import EXACT

BITS = 600
SMALLEST_NORMAL = 2.3e-308

# There are a hundred functions and entries: a share of the examples for each will do.
a_share = settings(max_examples=max(5, settings.default.max_examples // 4))


def differences(
    f: Callable[..., Any], point: tuple[float, ...], index: int = 0, order: int = 1
) -> tuple[Any, Any]:
    """A derivative of f by one of its arguments by central differences, and their error.

    With the step h they are off by a multiple of h*h, so those with the step 2h differ from
    them by three times their error.
    """
    with mp.workprec(BITS):
        x = [mpf(number) for number in point]

        def along(step: Any) -> Any:
            above, below = list(x), list(x)
            above[index] += step
            below[index] -= step
            if order == 1:
                return (f(*above) - f(*below)) / (2 * step)
            return (f(*above) - 2 * f(*x) + f(*below)) / step**2

        step = mpf(2) ** -150 * max(abs(x[index]), mpf(2) ** -60)
        fine, coarse = along(step), along(2 * step)
        return fine, abs(fine - coarse) / 3


def assert_close(actual: float, reference: Any, error: Any = 0, relative: float = 1e-12) -> None:
    with mp.workprec(BITS):
        allowed = 4 * error + mpf(relative) * abs(reference) + SMALLEST_NORMAL
        assert abs(mpf(actual) - reference) <= allowed, (actual, mpmath.nstr(reference, 17))


@dataclass(frozen=True)
class Reference:
    """A function as mathematics defines it, and where to try it."""

    f: Callable[..., Any]
    low: float
    high: float
    kinks: tuple[float, ...] = ()
    parameters: tuple[float, ...] = ()
    methods: tuple[str, ...] = field(default=())  # other names of the method: NumPy's


def _phi(x: Any) -> Any:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


INTEGERS = tuple(map(float, range(-6, 7)))
UNARY: dict[str, Reference] = {
    "exp": Reference(mpmath.exp, -600, 600),
    "exp2": Reference(lambda x: mpf(2) ** x, -900, 900),
    "expm1": Reference(mpmath.expm1, -40, 600),
    "log": Reference(mpmath.log, 1e-200, 1e200),
    "log2": Reference(lambda x: mpmath.log(x) / mpmath.log(2), 1e-200, 1e200),
    "log10": Reference(mpmath.log10, 1e-200, 1e200),
    "log1p": Reference(mpmath.log1p, -1 + 1e-9, 1e100),
    "sqrt": Reference(mpmath.sqrt, 1e-100, 1e100),
    "cbrt": Reference(lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), -1e50, 1e50, (0.0,)),
    "square": Reference(lambda x: x * x, -1e100, 1e100),
    "reciprocal": Reference(lambda x: 1 / x, -1e50, 1e50, (0.0,)),
    "sin": Reference(mpmath.sin, -1e6, 1e6),
    "cos": Reference(mpmath.cos, -1e6, 1e6),
    "tan": Reference(mpmath.tan, -1.5, 1.5),
    "asin": Reference(mpmath.asin, -0.999999, 0.999999, methods=("arcsin",)),
    "acos": Reference(mpmath.acos, -0.999999, 0.999999, methods=("arccos",)),
    "atan": Reference(mpmath.atan, -1e20, 1e20, methods=("arctan",)),
    "sinh": Reference(mpmath.sinh, -600, 600),
    "cosh": Reference(mpmath.cosh, -600, 600),
    "tanh": Reference(mpmath.tanh, -60, 60),
    "asinh": Reference(mpmath.asinh, -1e20, 1e20, methods=("arcsinh",)),
    "acosh": Reference(mpmath.acosh, 1 + 1e-9, 1e20, methods=("arccosh",)),
    "atanh": Reference(mpmath.atanh, -0.999999, 0.999999, methods=("arctanh",)),
    "erf": Reference(mpmath.erf, -9, 9),
    "erfc": Reference(mpmath.erfc, -9, 20),
    "erfinv": Reference(mpmath.erfinv, -0.999999, 0.999999),
    "lgamma": Reference(lambda x: mpmath.re(mpmath.loggamma(x)), -5.75, 1e6, INTEGERS),
    "digamma": Reference(mpmath.digamma, -5.75, 1e6, INTEGERS),
    "sigmoid": Reference(lambda x: 1 / (1 + mpmath.exp(-x)), -100, 100),
    "softplus": Reference(lambda x: mpmath.log(1 + mpmath.exp(x)), -100, 100),
    "log_sigmoid": Reference(lambda x: -mpmath.log(1 + mpmath.exp(-x)), -100, 100),
    "relu": Reference(lambda x: max(x, mpf(0)), -1e10, 1e10, (0.0,)),
    "leaky_relu": Reference(
        lambda x: x if x > 0 else mpf(0.25) * x, -1e10, 1e10, (0.0,), parameters=(0.25,)
    ),
    "elu": Reference(
        lambda x: x if x > 0 else mpf(1.5) * mpmath.expm1(x), -40, 1e10, (0.0,), parameters=(1.5,)
    ),
    "gelu": Reference(lambda x: x * _phi(x), -9, 9),
    "silu": Reference(lambda x: x / (1 + mpmath.exp(-x)), -100, 100),
    "softsign": Reference(lambda x: x / (1 + abs(x)), -1e10, 1e10, (0.0,)),
    "abs": Reference(abs, -1e10, 1e10, (0.0,), methods=("fabs", "absolute")),
    "sign": Reference(mpmath.sign, -1e10, 1e10, (0.0,)),
    "step": Reference(lambda x: mpf(x > 0), -1e10, 1e10, (0.0,)),
    "floor": Reference(mpmath.floor, -5.75, 5.75, INTEGERS),
    "ceil": Reference(mpmath.ceil, -5.75, 5.75, INTEGERS),
    "trunc": Reference(
        lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
        -5.75,
        5.75,
        INTEGERS,
    ),
    "clip": Reference(
        lambda x: min(max(x, mpf(-1.5)), mpf(2)), -5, 5, (-1.5, 2.0), parameters=(-1.5, 2.0)
    ),
}

for key, entry in functions.FUNCTIONS.items():  # a new function: where most are defined
    if entry.doc is not None and entry.operands == 1 and key not in UNARY:
        UNARY[key] = Reference(EXACT[key], 0.1, 1.5, methods=entry.aliases)

# The derivative of silu and of gelu has a root; near it only its size beside 1 is told.
ROOTS = {"gelu", "silu"}


def points(reference: Reference) -> st.SearchStrategy[float]:
    """Points of the interval, also of all magnitudes within it, away from the kinks."""
    edge = min(abs(reference.low), abs(reference.high), 3.0)
    near = st.floats(max(reference.low, -edge), min(reference.high, edge))
    anywhere = st.floats(reference.low, reference.high)

    def is_clear(x: float) -> bool:
        clear = all(abs(x - kink) > 1e-9 * max(1.0, abs(kink)) for kink in reference.kinks)
        return clear and (x == 0.0 or abs(x) > 1e-30)

    return st.one_of(near, anywhere).filter(is_clear)


def call(name: str, *operands: Any) -> Any:
    parameters = UNARY[name].parameters if name in UNARY else ()
    return getattr(m, name)(*operands, *parameters)


@pytest.mark.parametrize("name", UNARY)
@a_share
@given(data=st.data())
def test_the_value_and_first_derivative_of_every_unary_function(
    name: str, data: st.DataObject
) -> None:
    reference = UNARY[name]
    point = data.draw(points(reference))
    x = Value(point)
    y = call(name, x)
    with mp.workprec(BITS):
        assert_close(y.data, reference.f(mpf(point)))
    y.backward()
    expected, error = differences(reference.f, (point,))
    if name in ROOTS and abs(expected) < 0.1:
        error += 1e-14 if point > -3.0 else 0.0
    assert_close(x.grad, expected, error)


@pytest.mark.parametrize("name", UNARY)
@a_share
@given(data=st.data())
def test_the_second_derivative_of_every_unary_function(name: str, data: st.DataObject) -> None:
    reference = UNARY[name]
    point = data.draw(points(reference))
    assume(abs(point) > 1e-12)  # at 0 itself see the test below
    x = Value(point)
    operation = call(name, x).operation
    (derivative,) = operation.function.partials(x, *operation.parameters)
    expected, error = differences(reference.f, (point,), order=2)
    assume(expected == 0.0 or 1e-290 < abs(expected) < 1e290)
    if isinstance(derivative, Value):
        derivative.backward()
        assert_close(x.grad, expected, error, relative=1e-9)
    else:  # a derivative that is a number for all x has none itself
        assert expected == 0.0


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("exp", 1.0),
        ("sin", 0.0),
        ("cos", -1.0),
        ("tanh", 0.0),
        ("sigmoid", 0.0),
        ("softplus", 0.25),
        ("log_sigmoid", -0.25),
        ("erf", 0.0),
        ("gelu", math.sqrt(2.0 / math.pi)),
        ("silu", 0.5),
        ("square", 2.0),
        ("log1p", -1.0),
        ("asin", 0.0),
        ("atan", 0.0),
        ("atanh", 0.0),
        ("asinh", 0.0),
        ("tan", 0.0),
    ],
)
def test_the_second_derivative_at_zero(name: str, second: float) -> None:
    x = Value(0.0)
    (derivative,) = functions.FUNCTIONS[name].partials(x)
    derivative.backward()
    assert x.grad == pytest.approx(second, rel=1e-12)


positive = st.floats(1e-3, 30.0)
real = st.floats(-30.0, 30.0).filter(lambda x: abs(x) > 1e-6)

BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any, Any]] = {
    # the function of ours, the reference, where to try the first and the second operand
    "add": (operator.add, operator.add, real, real),
    "sub": (operator.sub, operator.sub, real, real),
    "mul": (operator.mul, operator.mul, real, real),
    "truediv": (operator.truediv, operator.truediv, real, real),
    "floordiv": (operator.floordiv, lambda x, y: mpmath.floor(x / y), real, real),
    "mod": (operator.mod, lambda x, y: x - mpmath.floor(x / y) * y, real, real),
    "power": (operator.pow, mpmath.power, positive, real),
    "pow": (m.pow, mpmath.power, positive, real),
    "atan2": (m.atan2, mpmath.atan2, real, real),
    "hypot": (m.hypot, mpmath.hypot, real, real),
    "maximum": (m.maximum, max, real, real),
    "minimum": (m.minimum, min, real, real),
    "logaddexp": (
        m.logaddexp,
        lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)),
        real,
        real,
    ),
}


def assert_gradient(
    function: Callable[..., Any], reference: Callable[..., Any], operands: tuple[float, ...]
) -> None:
    """The value and the derivative by each operand are those of the reference."""
    values = [Value(operand) for operand in operands]
    node = function(*values)
    with mp.workprec(BITS):
        # a sum that cancels is right beside its terms
        size = sum((abs(mpf(x)) for x in operands), mpf(1))
        assert_close(node.data, reference(*map(mpf, operands)), mpf(1e-15) * size)
    node.backward()
    for index, value in enumerate(values):
        assert_close(value.grad, *differences(reference, operands, index))


@pytest.mark.parametrize("name", BINARY)
@a_share
@given(data=st.data())
def test_the_value_and_partial_derivatives_of_every_binary_function(
    name: str, data: st.DataObject
) -> None:
    function, reference, first, second = BINARY[name]
    x, y = data.draw(first), data.draw(second)
    assume(abs(x - y) > 1e-6)  # the kink of maximum and minimum
    assume(name not in ("floordiv", "mod") or 1e-6 < x / y % 1.0 < 1.0 - 1e-6)
    assert_gradient(function, reference, (x, y))


@pytest.mark.parametrize("exponent", [-3, -1, -0.5, 0.5, 1, 1 / 3, 2, 2.5, 3, 7])
@a_share
@given(data=st.data())
def test_the_derivative_of_a_power_with_a_constant_exponent(
    exponent: float, data: st.DataObject
) -> None:
    x = data.draw(real if exponent == int(exponent) else positive)
    assert_gradient(lambda v: v**exponent, lambda v: mpmath.power(v, mpf(exponent)), (x,))


def _mp_softmax(*x: Any) -> Any:
    return mpmath.exp(x[1]) / sum(map(mpmath.exp, x))


N_ARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "dot": (
        lambda *x: m.dot(x[:2], x[2:4], x[4]),
        lambda *x: x[0] * x[2] + x[1] * x[3] + x[4],
    ),
    "dot without bias": (
        lambda *x: m.dot(x[:2], x[2:4]) + x[4],
        lambda *x: x[0] * x[2] + x[1] * x[3] + x[4],
    ),
    "fsum": (lambda *x: m.fsum(x), lambda *x: sum(x)),
    "mean": (lambda *x: m.mean(x), lambda *x: sum(x) / len(x)),
    "prod": (lambda *x: m.prod(x), lambda *x: mpmath.fprod(x)),
    "logsumexp": (lambda *x: m.logsumexp(x), lambda *x: mpmath.log(sum(map(mpmath.exp, x)))),
    "softmax": (lambda *x: m.softmax(x)[1], _mp_softmax),
}


@pytest.mark.parametrize("name", N_ARY)
@given(operands=st.tuples(real, real, real, real, real))
def test_the_value_and_partial_derivatives_of_every_function_of_many(
    name: str, operands: tuple[float, ...]
) -> None:
    function, reference = N_ARY[name]
    with mp.workprec(BITS):
        size = max(abs(mpf(x)) for x in operands) ** 2
        values = [Value(operand) for operand in operands]
        node = function(*values)
        assert_close(node.data, reference(*map(mpf, operands)), mpf(1e-14) * size)
    node.backward()
    for index, value in enumerate(values):
        expected, error = differences(reference, operands, index)
        # softmax' by its own term is a sum of others, good to 1e-12 of their exponents
        assert_close(value.grad, expected, error, relative=1e-11)


@given(condition=st.floats(-1.0, 1.0), x=real, y=real)
def test_where_chooses_one_operand_and_its_gradient(condition: float, x: float, y: float) -> None:
    values = c, a, b = Value(condition), Value(x), Value(y)
    node = m.where(*values)
    node.backward()
    assert node.data == (x if condition else y)
    assert (c.grad, a.grad, b.grad) == (0.0, float(condition != 0.0), float(condition == 0.0))
    assert m.where(condition, x, y) == node.data
    assert m.where(a > b, a, b).data == max(x, y)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6))
def test_logsumexp_and_softmax_neither_over_nor_underflow_in_between(terms: list[float]) -> None:
    shares = m.softmax(terms)
    assert sum(shares) == pytest.approx(1.0, rel=1e-14)
    assert max(terms) <= m.logsumexp(terms) <= max(terms) + math.log(len(terms)) * (1 + 1e-15)
    values = [Value(term) for term in terms]
    m.logsumexp(values).backward()
    assert [value.grad for value in values] == shares


def test_prod_has_derivatives_also_where_factors_are_zero() -> None:
    for factors, gradient in [
        ((2.0, 0.0, 3.0), (0.0, 6.0, 0.0)),
        ((0.0, 0.0, 3.0), (0.0, 0.0, 0.0)),
        ((0.0,), (1.0,)),
    ]:
        values = [Value(factor) for factor in factors]
        m.prod(values).backward()
        assert tuple(value.grad for value in values) == gradient


# The table, closed under differentiation

ENTRY_PARAMETERS: dict[str, list[tuple[float, ...]]] = {
    "leaky_relu": [(0.01,), (2.0,)],
    "leaky_step": [(0.01,)],
    "elu": [(1.0,), (2.0,)],
    "elu_tail": [(2.0,)],
    "clip": [(-1.0, 1.0)],
    "within": [(-1.0, 1.0)],
    "constant_power": [(c,) for c in (-2.0, -1.0, 0.0, 0.5, 1.0, 1 / 3, 2.0, 2.5, 3.0)],
    "constant_power_derivative": [(c, k) for c in (-1.0, 0.5, 2.0, 2.5) for k in (1, 2, 3)],
    "divide_by_power": [(2,), (3,)],
    "power_partial": [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2)],
    "gauss": [(0,), (1,), (2,)],
    "normal": [(0,), (1,), (3,)],
    "softsign_derivative": [(2,), (3,)],
    "softmax": [(0,), (1,)],
    "round": [(0.0,), (2.0,), (-1.0,)],
    "polygamma": [(1,), (2,), (3,)],
    "inverse_power": [(1, 0), (1, 3), (2, 1), (3, 2)],
    "hypot_moment": [(0, 2, 3), (1, 1, 3), (2, 1, 5)],
}
ENTRIES = [
    (key, parameters)
    for key in functions.FUNCTIONS
    if key != "constant"  # a leaf, and no rule to run
    for parameters in ENTRY_PARAMETERS.get(key, functions.FUNCTIONS[key].tried)
]


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def data_of(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)


@pytest.mark.parametrize(
    ("key", "parameters"), ENTRIES, ids=[" ".join(map(str, (k, *p))) for k, p in ENTRIES]
)
@a_share
@given(data=st.data())
def test_the_rule_of_every_entry_gives_the_same_bits_on_values_as_on_floats(
    key: str, parameters: tuple[float, ...], data: st.DataObject
) -> None:
    entry = functions.FUNCTIONS[key]
    assert entry.parameters == len(parameters)
    sizes = [entry.operands] if entry.operands else [2, 3, 5]
    operand = st.one_of(st.floats(), st.floats(-3.0, 3.0), st.integers(-3, 3).map(float))
    operands = data.draw(st.sampled_from(sizes).flatmap(lambda n: st.tuples(*[operand] * n)))
    on_floats = entry.partials(*operands, *parameters)
    with allow_nonfinite():
        on_values = entry.partials(*map(Value, operands), *parameters)
        recorded = entry(*map(Value, operands), *parameters)
    assert len(on_floats) == len(operands)
    assert list(map(bits, map(data_of, on_values))) == list(map(bits, map(float, on_floats)))
    assert bits(recorded.data) == bits(entry(*operands, *parameters))
    assert list(map(bits, recorded.local_derivatives)) == list(map(bits, map(float, on_floats)))
    assert recorded.operation.function is entry


# Module functions, methods, NumPy

OPERATORS = {"add", "sub", "mul", "neg", "div", "floordiv", "mod", "round", "constant_power"}
LISTED = {key for key, entry in functions.FUNCTIONS.items() if entry.public} - OPERATORS


def test_every_function_is_exported_and_covered_here() -> None:
    assert LISTED <= {*m.__all__, "abs", "pow"} <= set(dir(m))
    assert {*UNARY, *BINARY, *N_ARY, "where"} - {
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "power",
        "dot without bias",
    } == LISTED


def inside(name: str) -> float:
    reference = UNARY[name]
    return 1.25 if reference.low <= 1.25 <= reference.high else 0.625


@pytest.mark.parametrize("name", UNARY)
def test_a_unary_function_is_the_same_on_floats_on_values_and_as_a_method(name: str) -> None:
    point = inside(name)
    number = call(name, point)
    assert type(number) is float
    results = []
    for method in (name, *UNARY[name].methods):
        x = Value(point)
        y = getattr(x, method)(*UNARY[name].parameters)
        y.backward()
        results.append((y.data, x.grad, y.operation.name, y.parents == (x,)))
    x = Value(point)
    y = call(name, x)
    y.backward()
    assert set(results) == {(y.data, x.grad, name, True)}
    assert y.data == number


@pytest.mark.parametrize(
    "number", [True, 1, np.float64(1.0), np.float32(1.0), np.int8(1), Fraction(1)], ids=repr
)
def test_a_function_of_any_number_is_a_float(number: Any) -> None:
    for function in (m.exp, m.relu, m.sigmoid, m.floor, m.leaky_relu, lambda x: m.hypot(x, x)):
        assert type(function(number)) is float
        assert function(number) == function(1.0)


@pytest.mark.parametrize(
    ("name", "alias"), [(n, n) for n in BINARY if hasattr(m, n)] + [("atan2", "arctan2")]
)
def test_a_binary_function_is_the_same_on_floats_on_values_and_as_a_method(
    name: str, alias: str
) -> None:
    function = getattr(m, name)
    number = function(1.25, 0.75)
    assert type(number) is float
    for a, b in [
        (Value(1.25), Value(0.75)),
        (Value(1.25), 0.75),
        (1.25, Value(0.75)),
    ]:
        node = function(a, b)
        assert node.data == number
        assert node.operation.name == name
        if isinstance(a, Value):
            method = getattr(a, alias)(b)
            assert method.data == number
            assert method.local_derivatives == node.local_derivatives


def test_where_is_a_method_of_the_condition() -> None:
    assert Value(1.0).where(2.0, 3.0).data == 2.0
    assert Value(0.0).where(2.0, 3.0).data == 3.0


def test_softmax_of_values_is_a_list_of_nodes() -> None:
    values = [Value(0.5), Value(-0.25), Value(2.0)]
    shares = m.softmax(iter(values))
    assert [share.data for share in shares] == m.softmax([0.5, -0.25, 2.0])
    assert all(share.parents == tuple(values) for share in shares)


def array(*numbers: float) -> np.ndarray:
    return np.array([Value(number) for number in numbers], dtype=object)


UFUNCS = (
    "exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan sinh cosh tanh"
    " arcsin arccos arctan arcsinh arccosh arctanh floor ceil fabs absolute trunc"
)


@pytest.mark.parametrize("ufunc", UFUNCS.split())
def test_numpy_functions_of_one_argument_work_on_object_arrays(ufunc: str) -> None:
    names = {alias: name for name, entry in UNARY.items() for alias in entry.methods}
    name = names.get(ufunc, ufunc)
    point = inside(name)
    values = array(point, point)
    results = getattr(np, ufunc)(values)
    alone = Value(point)
    expected = call(name, alone)
    expected.backward()
    for value, result in zip(values, results, strict=True):
        assert isinstance(result, Value)
        result.backward()
        assert result.data == pytest.approx(expected.data, rel=1e-15)
        assert value.grad == pytest.approx(alone.grad, rel=1e-15)


@pytest.mark.parametrize(
    ("ufunc", "function"),
    [
        (np.add, operator.add),
        (np.subtract, operator.sub),
        (np.multiply, operator.mul),
        (np.divide, operator.truediv),
        (np.remainder, operator.mod),
        (np.floor_divide, operator.floordiv),
        (np.power, operator.pow),
        (np.maximum, m.maximum),
        (np.minimum, m.minimum),
    ],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("other", [1.5, 3])
def test_numpy_functions_of_two_arguments_work_on_object_arrays(
    ufunc: Callable[..., Any], function: Callable[..., Any], other: float
) -> None:
    for x, y in [(array(2.0)[0], other), (other, array(2.0)[0])]:
        ours = function(x, y)
        for left, right in [(np.array([x], dtype=object), y), (x, np.array([y], dtype=object))]:
            (theirs,) = ufunc(left, right)
            assert data_of(theirs) == pytest.approx(ours.data, rel=1e-15)


@pytest.mark.parametrize(("ufunc", "function"), [(np.arctan2, m.atan2), (np.hypot, m.hypot)])
@pytest.mark.parametrize("other", [1.5, 3, Value(1.5)], ids=repr)
def test_numpy_functions_that_are_methods_work_on_an_object_array_on_the_left(
    ufunc: Callable[..., Any], function: Callable[..., Any], other: Any
) -> None:
    (result,) = ufunc(array(2.0), other)
    expected = function(Value(2.0), other)
    assert result.data == expected.data
    assert result.local_derivatives == expected.local_derivatives


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("name", ["std", "var", "nanstd", "nanvar"])
def test_numpys_standard_deviation_and_variance_work_on_object_arrays(name: str, ddof: int) -> None:
    numbers = [3.0, 1.0, 2.5, -4.0]
    values = array(*numbers)
    result = getattr(np, name)(values, ddof=ddof)
    assert result.data == pytest.approx(getattr(np, name)(numbers, ddof=ddof), rel=1e-15)
    result.backward()
    deviations = np.subtract(numbers, np.mean(numbers))
    slope = 2.0 / (4 - ddof) if "var" in name else 1.0 / (4 - ddof) / result.data
    np.testing.assert_allclose([value.grad for value in values], slope * deviations, rtol=1e-14)
    rows = getattr(np, name)(np.array([values, values]), axis=1, ddof=ddof)
    assert [row.data for row in rows] == [result.data] * 2


def test_numpys_roundings_and_conjugate_work_on_object_arrays() -> None:
    values = array(2.5, -1.75)
    assert [node.data for node in np.round(values)] == [2.0, -2.0]
    assert [node.data for node in np.round(values, 1)] == [2.5, -1.8]
    assert [node.data for node in np.trunc(values)] == [2.0, -1.0]
    assert list(np.conjugate(values)) == list(values)


def test_what_numpy_has_for_numbers_alone_is_had_by_frompyfunc() -> None:
    together = np.frompyfunc(m.logaddexp, 2, 1)(array(1000.0, 0.0), 0.0)
    assert [node.data for node in together] == [1000.0, math.log(2.0)]


def test_numpy_reductions_work_on_object_arrays() -> None:
    values = array(3.0, 1.0, 2.0)
    assert values.sum().data == 6.0
    assert np.prod(values).data == 6.0
    assert np.mean(values).data == 2.0
    assert np.max(values) is values[0]
    assert [value.data for value in np.sort(values)] == [1.0, 2.0, 3.0]
    np.sum(values).backward()
    assert [value.grad for value in values] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("weights_are", ["Values", "numbers"])
def test_a_matrix_times_a_vector_of_values(weights_are: str) -> None:
    numbers = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    w = numbers
    if weights_are == "Values":
        w = np.array([[Value(number) for number in row] for row in numbers], dtype=object)
    x = array(0.5, 2.0, -3.0)
    y = w @ x
    assert [node.data for node in y] == list(numbers @ [0.5, 2.0, -3.0])
    error = ((y - np.array([1.0, -1.0])) ** 2).sum()
    error.backward()
    delta = 2.0 * (numbers @ [0.5, 2.0, -3.0] - [1.0, -1.0])
    assert [value.grad for value in x] == list(numbers.T @ delta)
    if weights_are == "Values":
        assert [value.grad for value in w.ravel()] == list(np.outer(delta, [0.5, 2, -3]).ravel())


def test_a_value_times_an_array_of_numbers_is_an_array_of_values() -> None:
    x = Value(3.0)
    for product in (x * np.array([1.0, 2.0]), np.array([1.0, 2.0]) * x):
        assert [node.data for node in product] == [3.0, 6.0]
        assert all(isinstance(node, Value) for node in product)


NUMPY_SCALARS = [
    np.float64(3.0),
    np.float32(3.0),
    np.float16(3.0),
    np.longdouble(3.0),
    np.int64(3),
    np.int32(3),
    np.uint8(3),
    np.bool_(True),
]


@pytest.mark.parametrize("scalar", NUMPY_SCALARS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_numpy_scalars_stand_on_either_side_of_every_operator(
    scalar: Any, symbol: str, side: str
) -> None:
    expression = f"scalar {symbol} x" if side == "left" else f"x {symbol} scalar"
    x, twin = Value(2.0), Value(2.0)
    node = eval(expression, {"x": x, "scalar": scalar})
    expected = eval(expression, {"x": twin, "scalar": float(scalar)})
    assert type(node) is Value
    assert type(node.data) is float
    assert node.operation.name == expected.operation.name
    node.backward()
    expected.backward()
    assert (node.data, x.grad) == (expected.data, twin.grad)


@pytest.mark.parametrize("scalar", NUMPY_SCALARS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("data", [0.5, 1.0, 3.0, 4.0])
def test_numpy_scalars_stand_on_either_side_of_every_comparison(
    scalar: Any, symbol: str, data: float
) -> None:
    for expression in (f"scalar {symbol} x", f"x {symbol} scalar"):
        result = eval(expression, {"x": Value(data), "scalar": scalar})
        assert bool(result) == eval(expression, {"x": data, "scalar": float(scalar)})
        assert isinstance(result, (bool, np.bool_))


@pytest.mark.parametrize("scalar", NUMPY_SCALARS, ids=lambda s: type(s).__name__)
def test_equality_with_a_numpy_scalar_is_that_of_identity(scalar: Any) -> None:
    x = Value(float(scalar))
    for expression, expected in [
        ("x == scalar", False),
        ("scalar == x", False),
        ("x != scalar", True),
        ("scalar != x", True),
    ]:
        assert bool(eval(expression, {"x": x, "scalar": scalar})) is expected
