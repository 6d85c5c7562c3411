"""Wide instructions in C: what they mean unit by unit, on each level that the machine has."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from plans import PAIRED, POINTS, SEEDS, Planned, anything, check_bits_of_a_point

from micrograd_bp import MLP, Program, Value, fsum, functions
from micrograd_bp.functions import Function
from micrograd_bp.program.instructions import (
    Instruction,
    Map,
    Plan,
    Product,
    Span,
    Sum,
    Sums,
    Weights,
    scalar,
)
from micrograd_bp.program.interpreter import Executor as Interpreter

compiled = pytest.importorskip("micrograd_bp.program._program")

SIZES = (1, 2, 3, 5, 7, 8, 9, 16, 31, 33)


@pytest.fixture(params=compiled.levels(), autouse=True)
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    compiled.use_level(request.param)
    yield request.param
    compiled.use_level(compiled.levels()[-1])


def product_of(m: int, k: int, transposed: bool, bias: str) -> Plan:
    """A = W x + b with the weights in order of units, the bias last; and sums of all."""
    made = Planned(k + m + 1, (m + 1) * (k + 1))
    weights = Weights(0, 1, m + 1) if transposed else Weights(0, k + 1, 1)
    begin = {
        "none": None,
        "weights": Span(k * (m + 1), 1) if transposed else Span(k, k + 1),
        "row": Span(made.first_row + k, 0),
        "rows": Span(made.first_row + k, 1),
        "constant": Span((m + 1) * (k + 1), 0),
    }
    a = made.new(m)
    made.each.append(Product(m, k, weights, made.first_row, begin[bias], a))
    return made.plan(tuple(range(a, a + m)))


def run(plan: Plan, inputs: Any, parameters: Any, threads: int = 1) -> Any:
    return compiled.Executor(plan).run(inputs, parameters, threads)


def close(found: Any, expected: Any, scale: float = 1.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * scale)


@pytest.mark.parametrize("bias", ["none", "weights", "row", "rows", "constant"])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_is_that_of_matrices_at_any_size(transposed: bool, bias: str) -> None:
    rng = np.random.default_rng(0)
    for m, k in itertools.product(SIZES, SIZES):
        plan = product_of(m, k, transposed, bias)
        w = rng.normal(size=plan.n_parameters)
        W = w.reshape(k + 1, m + 1).T if transposed else w.reshape(m + 1, k + 1)
        for n in (1, 8, 12, 29):
            X = rng.normal(size=(n, plan.n_inputs))
            b = {"weights": W[:m, k], "row": X[:, k : k + 1], "constant": 0.5, "none": 0.0}
            b["rows"] = X[:, k : k + m]
            expected = X[:, :k] @ W[:m, :k].T + b[bias]
            close(run(plan, X, w)[1], expected, k)
            close(run(plan, X[0].copy(), w)[1], expected[0], k)


def test_sums_of_outer_products_are_products_of_matrices_at_any_size() -> None:
    rng = np.random.default_rng(1)
    for m, k in itertools.product(SIZES, SIZES):
        made = Planned(m + k, 0)
        first = made.first_row
        places = list(range(1, 1 + m * (k + 1)))
        weights = [j * (k + 1) + i for j in range(m) for i in range(k)]
        biases = [j * (k + 1) + k for j in range(m)]
        if (m + k) % 2:
            random.Random(m).shuffle(places)
        made.each.append(Sums(m, first, k, first + m, tuple(places[i] for i in weights)))
        made.each.append(Sums(m, first, 0, 0, tuple(places[i] for i in biases)))
        made.each.append(Sum(first, (), (0,)))
        made.n_sums = 1 + m * (k + 1)
        plan = made.plan()
        for n in (0, 1, 3, 8, 13, 100, 700):
            X = rng.normal(size=(n, m + k))
            expected = np.empty(1 + m * (k + 1))
            table = X[:, :m].T @ np.hstack([X[:, m:], np.ones((n, 1))])
            expected[places] = table.ravel()
            value, found, finite = run(plan, X, np.empty(0))
            assert finite
            close(value, X[:, 0].sum(), n)
            close(found, expected[1:], n)
            if n:
                value, found, _ = run(plan, X[0].copy(), np.empty(0))
                expected[places] = np.outer(X[0, :m], [*X[0, m:], 1.0]).ravel()
                close([value, *found], [X[0, 0], *expected[1:]])


@pytest.mark.parametrize("seed", SEEDS)
def test_any_plan_means_what_its_units_mean(seed: int) -> None:
    plan, rng = anything(seed), np.random.default_rng(seed)
    w = rng.normal(size=plan.n_parameters) / 2
    for n in POINTS:
        X = rng.normal(size=(n, plan.n_inputs))
        inputs = X if n else rng.normal(size=plan.n_inputs)
        value, found, _ = run(plan, inputs, w)
        expected: Any = Interpreter(scalar(plan)).run(inputs, w)
        size = np.nanmax(np.abs(expected[1]), initial=1.0)
        np.testing.assert_allclose(found, expected[1], rtol=1e-10, atol=1e-12 * size)
        if value is not None:
            np.testing.assert_allclose(value, expected[0], rtol=1e-10, atol=1e-12 * size)
            again = run(plan, inputs, w, 3)
            assert (again[0], again[1].tolist()) == (value, found.tolist())


@pytest.mark.parametrize("seed", SEEDS[1::2])
def test_a_data_point_has_the_same_bits_wherever_it_stands_and_whatever_beside_it(
    seed: int,
) -> None:
    check_bits_of_a_point(compiled.Executor, seed)


def of_rows(function: Function, other: Function | None, x: Any) -> list[Any]:
    """A Map of a function, and of its derivative, of 7 units."""
    made = Planned(7, 0)
    results = []
    for one in (function, other)[: 2 if other else 1]:
        results.append(made.new(7))
        made.each.append(Map(one, (), 7, (Span(made.first_row, 1),), results[-1]))
    plan = made.plan(tuple(i + j for i in results for j in range(7)))
    table = np.resize(x, (-(-len(x) // 7), 7))
    found = run(plan, table, np.empty(0))[1]
    for row, together in zip(table[:3].copy(), found, strict=False):
        np.testing.assert_array_equal(run(plan, row, np.empty(0))[1], together)
    return [part.ravel()[: len(x)] for part in np.split(found, len(results), axis=1)]


def error_in_ulps(found: float, true: Any) -> float:
    _, exponent = mp.frexp(true)
    return float(abs(mpf(found) - true) / mpf(2) ** max(exponent - 53, -1074))


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_an_activation_of_a_layer_is_within_2_ulp_and_its_derivative_within_4(name: str) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [
            rng.normal(size=300),
            rng.normal(size=200) * 15,
            rng.uniform(-1, 1, 200) * 10.0 ** rng.uniform(-20, 0, 200),
            rng.uniform(-760, 760, 100),
            [350.0, np.nextafter(350.0, 400), -350.0, 700.0, np.nextafter(700.0, 800), -709.5],
        ]
    )
    function = getattr(functions, name)
    values, slopes = of_rows(function, PAIRED[function], x)
    assert of_rows(function, None, x)[0].tolist() == values.tolist()
    with mp.workprec(1200):
        for at, value, slope in zip(x.tolist(), values.tolist(), slopes.tolist(), strict=True):
            e = mp.exp(-mpf(at) if name == "sigmoid" else -2 * mpf(at))
            share = 1 / (1 + e)
            true = (share, e * share**2) if name == "sigmoid" else (2 * share - 1, 4 * e * share**2)
            assert error_in_ulps(value, true[0]) <= 2.0, at
            assert error_in_ulps(slope, true[1]) <= 4.0, at


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_inf_nan_and_signed_zeros_pass_an_activation_as_they_do_the_table(name: str) -> None:
    function = getattr(functions, name)
    x = [np.inf, -np.inf, np.nan, 0.0, -0.0, 5e-324, -5e-324, 1.8e308, -1.8e308, 710.0, -746.0]
    for one, found in zip((function, PAIRED[function]), of_rows(function, PAIRED[function], x)):
        expected = [one.value(number) for number in x]
        np.testing.assert_allclose(found, expected, rtol=1e-15)
        assert np.signbit(found[3:]).tolist() == np.signbit(expected[3:]).tolist()


def test_a_wide_instruction_of_the_tables_own_function_calls_it_for_each_unit() -> None:
    made = Planned(3, 0)
    first = made.first_row
    a = made.new(3)
    made.each.append(Map(functions.gelu, (), 3, (Span(first, 1),), a))
    b = made.new(1)
    made.each.append(Instruction(functions.fsum, (), (a, a + 1, a + 2), b))
    x = np.array([[0.5, -1.0, 2.0], [1e-3, 3.0, -0.1]])
    expected = [sum(functions.gelu.value(number) for number in row) for row in x.tolist()]
    close(run(made.plan((b,)), x, np.empty(0))[1][:, 0], expected)


def test_a_plan_of_more_places_than_a_block_can_count_is_refused() -> None:
    plan = replace(product_of(2, 3, False, "none"), n_rows=2**28)
    with pytest.raises(ValueError, match="a plan has fewer than 268435456 places"):
        compiled.Executor(plan)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 2, 1), (2, 9, 1), (19, 5, 3)])
def test_a_derivative_of_0_has_the_sign_of_a_sum_for_one_point_as_for_many(sizes: Any) -> None:
    model = MLP(sizes[0], sizes[1:], seed=0)
    x = [Value(1.0) for _ in range(sizes[0])]
    output = fsum(model(x)) if sizes[-1] > 1 else model(x)
    program = Program(output, inputs=x, parameters=model.parameters())
    for point in (np.zeros(len(x)), -np.zeros(len(x)), -np.ones(len(x)), np.ones(len(x))):
        for given in (point, point[np.newaxis]):
            _, slopes = program.value_and_grad(given)
            assert not np.signbit(slopes[slopes == 0.0]).any()
