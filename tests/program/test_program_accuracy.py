"""The functions as a Program runs them, over rows: within the limits of the table's own.

Values within 2 ulp of the truth and derivatives within 4, over the whole double range.
"""

import math
import random
from dataclasses import replace
from itertools import islice, product
from typing import Any

import accuracy
import numpy as np
import pytest
from mpmath import mp

from micrograd_bp import engine_kind
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.program import Executor
from micrograd_bp.program.array_functions import array_functions
from micrograd_bp.program.instructions import Instruction, Map, Plan, Span
from micrograd_bp.program.interpreter import Executor as Interpreter
from micrograd_bp.testing.exact import EXACT

pytestmark = pytest.mark.slow
compiled = pytest.mark.skipif(engine_kind() != "compiled", reason="NumPy runs the functions")

N_POINTS = 800
MEASURED = [key for key, entry in FUNCTIONS.items() if entry.operands in (1, 2)]
FIXED = {  # the parameters of derivatives, one choice each
    "divide_by_power": (2,),
    "power_partial": (1, 0),
    "constant_power_derivative": (3.0, 1),
    "inverse_power": (1, 0),
    "hypot_moment": (0, 2, 3),
    "gauss": (0,),
    "normal": (1,),
    "softsign_derivative": (2,),
    "leaky_step": (0.01,),
    "elu_tail": (1.5,),
    "within": (-1.0, 2.0),
    "polygamma": (1,),
}

INSIDE = {
    "asin_derivative": lambda x: abs(x) < 1.0,
    "acosh_derivative": lambda x: x > 1.0,
    "exp_of_difference": lambda x, y: x <= y,
}


def rows_of(function: Function, columns: np.ndarray, parameters: tuple[float, ...]) -> np.ndarray:
    """The function of rows: a plan of this one instruction."""
    n = columns.shape[1]
    once = Instruction(function, parameters, tuple(range(n)), n)
    plan = Plan(n, 0, (), 0, n + 1, (), (once,), (n,), 0)
    result: Any = Executor(plan).run(np.ascontiguousarray(columns), np.empty(0))
    return result[1][:, 0]


def points(name: str) -> dict[tuple[float, ...], list[tuple[float, ...]]]:
    """Operands by the parameters they come with."""
    if name in accuracy.UNARY or name in accuracy.BINARY:
        by_parameters: dict[tuple[float, ...], list[tuple[float, ...]]] = {}
        for operands, parameters in accuracy.points(name, N_POINTS):
            by_parameters.setdefault(parameters, []).append(operands)
        return by_parameters
    function, rng = FUNCTIONS[name], random.Random(name)
    two = function.operands == 2
    stream: Any = accuracy.binary_points(rng) if two else accuracy.unary_points(rng)
    fixed = FIXED.get(name, ())
    assert len(fixed) == function.parameters
    inside = (
        operands
        for point in stream
        if (operands := point if two else (point,))
        and 0.0 not in operands
        and np.isfinite(operands).all()
        and INSIDE.get(name, lambda *_: True)(*operands)
        and (function.domain is None or function.domain(*operands, *fixed))
        and (function.pole is None or not function.pole(*operands, *fixed))
    )
    return {fixed: list(islice(inside, N_POINTS))}


@pytest.mark.parametrize("name", sorted({*MEASURED} - {"constant"}))
def test_a_function_of_rows_is_within_its_limits_of_the_truth(name: str) -> None:
    order = 0 if name in accuracy.UNARY or name in accuracy.BINARY else 1
    near_root = {"gelu_derivative": -0.7517916243860091, "silu_derivative": -1.2784645427610738}
    for parameters, operands in points(name).items():
        got = rows_of(FUNCTIONS[name], np.array(operands), parameters)
        for number, at in zip(got.tolist(), operands, strict=True):
            true = accuracy.truth(EXACT[name], (*at, *parameters))
            scale = 1.0 if name in near_root and abs(at[0] - near_root[name]) < 0.5 else 0.0
            error = accuracy.judge(order, number, true, (*at, *parameters), scale)
            assert error.excess <= 1.0, error


@pytest.mark.parametrize(("c", "k"), [(0.5, 1), (1.5, 1), (2.5, 2), (-0.5, 1), (0.3, 1)])
def test_a_derivative_of_a_fractional_power_is_within_its_limits(c: float, k: int) -> None:
    numbers = np.array([x for (x,) in points("sqrt")[()]])
    got = rows_of(FUNCTIONS["constant_power_derivative"], numbers[:, None], (c, k))
    for number, x in zip(got.tolist(), numbers.tolist(), strict=True):
        true = accuracy.truth(EXACT["constant_power_derivative"], (x, c, k))
        assert accuracy.judge(1, number, true, (x, c, k), 0.0).excess <= 1.0


def test_a_third_derivative_of_an_angle_is_as_accurate_as_the_table() -> None:
    function, places = FUNCTIONS["inverse_power"], np.random.default_rng(0).normal(size=(200, 2))
    for fixed in ((3, 0), (3, 1), (4, 1)):
        expected = [function.value(x, y, *fixed) for x, y in places.tolist()]
        assert rows_of(function, places, fixed).tolist() == expected


def by_python(*_: float) -> float:
    raise AssertionError("this is computed number by number, by Python")


@compiled
@pytest.mark.parametrize(
    "name",
    "tanh sech2 sigmoid logistic_density relu step leaky_relu leaky_step elu elu_tail softplus silu"
    " silu_derivative gelu gelu_derivative softsign softsign_derivative erf gauss normal atan"
    " atan_derivative hypot hypot_direction cbrt cbrt_derivative".split(),
)
def test_activations_and_their_derivatives_need_no_python(name: str) -> None:
    function = replace(FUNCTIONS[name], value=by_python)
    columns = np.random.default_rng(0).normal(size=(50, function.operands or 1)) * 4.0
    assert np.isfinite(
        rows_of(function, columns, FIXED.get(name, (0.5,) * function.parameters))
    ).all()


@compiled
@pytest.mark.parametrize(
    "name",
    "lgamma digamma polygamma erfinv erfinv_derivative asin_derivative acosh_derivative round"
    " gelu_second_derivative hypot_moment inverse_power power_partial".split(),
)
def test_nor_do_functions_of_statistics_and_of_the_plane_and_further_derivatives(name: str) -> None:
    function = replace(FUNCTIONS[name], value=by_python)
    low = 1.0 if name == "acosh_derivative" else 0.0
    columns = low + np.random.default_rng(0).uniform(size=(50, function.operands or 1))
    fixed = FIXED.get(name, (0.0,) * function.parameters)
    together = rows_of(function, columns, fixed)
    assert np.isfinite(together).all()
    assert together.tolist() == [rows_of(function, row[None, :], fixed)[0] for row in columns]


@compiled
def test_the_derivative_of_a_root_needs_no_python() -> None:
    function = replace(FUNCTIONS["constant_power_derivative"], value=by_python)
    assert rows_of(function, np.array([[4.0], [0.25]]), (0.5, 1)).tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    "name",
    "exp expm1 tanh sech2 sigmoid logistic_density softplus silu relu log sqrt lgamma digamma"
    " erfinv erfinv_derivative asin_derivative acosh_derivative gelu_second_derivative"
    " silu_second_derivative".split(),
)
def test_inf_and_nan_pass_as_they_do_through_the_table(name: str) -> None:
    function = FUNCTIONS[name]
    numbers = [np.inf, -np.inf, np.nan, 0.0, -0.0, 5e-324, -5e-324, 1.8e308, 710.0, -746.0]
    got = rows_of(function, np.array(numbers)[:, None], ())
    expected = [function.value(number) for number in numbers]
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    assert np.signbit(got[3:5]).tolist() == np.signbit(expected[3:5]).tolist()


@pytest.mark.parametrize("name", ["mod", "floordiv"])
def test_remainders_of_any_floats_are_those_of_the_table(name: str) -> None:
    numbers = [np.inf, -np.inf, np.nan, 0.0, -0.0, 5e-324, 1e308, 3.0, -3.0, 0.1, -1e-20, 7.5]
    pairs = np.array([(x, y) for x in numbers for y in numbers])
    got = rows_of(FUNCTIONS[name], pairs, ())
    expected = np.array([FUNCTIONS[name].value(x, y) for x, y in pairs.tolist()])
    np.testing.assert_array_equal(got, expected)
    real = ~np.isnan(expected)
    assert np.signbit(got[real]).tolist() == np.signbit(expected[real]).tolist()


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        *(("clip", (0.0, np.inf)), ("clip", (-np.inf, -0.0)), ("sign", ()), ("silu", ())),
        *(("maximum", ()), ("minimum", ()), ("inverse_power", (1, 3)), ("lgamma", ())),
    ],
)
def test_a_zero_has_the_sign_that_it_has_in_the_table(name: str, fixed: Any) -> None:
    function, numbers = FUNCTIONS[name], [0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 2.0]
    points = list(product(numbers, repeat=function.operands or 1))
    found = rows_of(function, np.array(points), fixed)
    expected = np.array([function.value(*at, *fixed) for at in points])
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=5e-324)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
    if name in ("maximum", "minimum"):
        for result in (array_functions(np)(function)(*np.array(points).T), wide(function, points)):
            np.testing.assert_array_equal(result, expected)
            np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


def wide(function: Function, points: list[tuple[float, float]]) -> np.ndarray:
    """A function of two as one wide step of the interpreter, whose results are in one row."""
    n = len(points)
    step = Map(function, (), n, (Span(0, 1), Span(n, 1)), 2 * n)
    plan = Plan(2 * n, 0, (), 0, 3 * n, (), (step,), tuple(range(2 * n, 3 * n)), 0)
    found: Any = Interpreter(plan).run(np.array(points).T.reshape(1, -1).copy(), np.empty(0))
    return found[1][0]


def test_a_block_and_a_single_point_give_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(77, 1)) * 30
    for name in ("exp", "expm1", "tanh", "sech2", "sigmoid", "softplus", "silu", "log"):
        together = rows_of(FUNCTIONS[name], np.abs(columns), ())
        one_by_one = [rows_of(FUNCTIONS[name], np.abs(row)[None, :], ())[0] for row in columns]
        assert together.tolist() == one_by_one


def test_a_share_is_exact_to_the_last_bit_of_the_difference() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=500) * 10
    y = x + rng.exponential(size=500) * 100
    got = rows_of(FUNCTIONS["exp_of_difference"], np.stack([x, y], axis=1), ())
    with mp.workprec(200):
        for number, a, b in zip(got.tolist(), x.tolist(), y.tolist(), strict=True):
            assert accuracy.error_in_ulps(number, mp.exp(mp.mpf(a) - mp.mpf(b))) <= 2.0


def hard_sums(rng: random.Random, n: int) -> list[float]:
    """Numbers that cancel, of all sizes, or whose sum is half-way between two doubles."""
    match rng.randrange(4):
        case 0:
            terms = [rng.uniform(-1.0, 1.0) * 2.0 ** rng.randint(-1000, 900) for _ in range(n)]
        case 1:
            terms = [rng.uniform(-1.0, 1.0) * 2.0 ** rng.randint(-60, 10) for _ in range(n)]
            terms[n // 2 :] = [-term for term in terms[: n - n // 2]]
            terms[0] = math.ldexp(terms[0], rng.choice([0, -53, -106]))
        case 2:
            terms = [1.0, 2.0**-53, rng.choice([0.0, 2.0**-110, -(2.0**-110), 5e-324])]
            terms += [0.0] * (n - 3)
        case _:
            terms = [rng.uniform(-1.0, 1.0) for _ in range(n)]
    rng.shuffle(terms)
    return terms


def test_a_sum_is_rounded_once() -> None:
    rng = random.Random(0)
    for n in (3, 5, 8, 33):
        table = [hard_sums(rng, n) for _ in range(1000)]
        found = rows_of(FUNCTIONS["fsum"], np.array(table), ())
        assert found.tolist() == [math.fsum(terms) for terms in table]


def test_where_a_logsumexp_nearly_cancels_it_is_as_good_as_the_table() -> None:
    rng = np.random.default_rng(2)
    for n in (2, 5, 25, 64, 70):
        table = rng.normal(size=(300, n)) * rng.choice([0.1, 1.0, 5.0], size=(300, 1))
        table -= np.log(np.exp(table).sum(axis=1, keepdims=True)) + 1e-3 * rng.normal(size=(300, 1))
        found = rows_of(FUNCTIONS["logsumexp"], table, ())
        with mp.workprec(200):
            for number, terms in zip(found.tolist(), table.tolist(), strict=True):
                exact = mp.log(mp.fsum(mp.exp(mp.mpf(term)) for term in terms))
                assert abs(number - exact) <= 4e-16 * max(1.0, abs(max(terms)))


@pytest.mark.parametrize("n", [2, 7, 30, 100])
def test_a_logsumexp_that_does_not_cancel_is_within_2_ulp(n: int) -> None:
    rng = np.random.default_rng(n)
    table = rng.normal(size=(300, n)) * 10.0 ** rng.uniform(-3.0, 2.5, size=(300, 1))
    table[::3, 0] = 0.0
    table[::3, 1:] = -np.abs(table[::3, 1:])
    found = rows_of(FUNCTIONS["logsumexp"], table, ())
    with mp.workprec(1600):
        for number, terms in zip(found.tolist(), table.tolist(), strict=True):
            largest = max(terms)
            rest = mp.log(mp.fsum(mp.exp(mp.mpf(term) - largest) for term in terms))
            if largest >= 0.0 or -largest > 2.0 * rest:
                assert accuracy.error_in_ulps(number, largest + rest) <= 2.0, terms


@pytest.mark.parametrize("key", ["sigmoid", "logistic_density", "sech2", "exp_of_difference"])
def test_on_numpy_whole_arrays_are_as_accurate(key: str) -> None:
    function, rng = FUNCTIONS[key], np.random.default_rng(0)
    x = np.concatenate([scale * rng.normal(size=500) for scale in (1e-8, 1e-3, 1.0, 30.0, 500.0)])
    x = np.append(x, [0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324])
    operands = [x, rng.permutation(x)][: function.operands]
    expected = np.array([function.value(*row) for row in np.stack(operands, axis=1).tolist()])
    with np.errstate(all="ignore"):
        found = array_functions(np)(function)(*operands)
        close = np.abs(found - expected) <= 4.0 * np.spacing(np.abs(expected))
    assert (close | (found == expected) | (np.isnan(found) & np.isnan(expected))).all()
