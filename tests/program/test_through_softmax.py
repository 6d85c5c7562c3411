"""Derivatives through a softmax of n: n nodes in a gradient that is lowered, and the engine's."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd_bp import (
    Program,
    Value,
    allow_nonfinite,
    dot,
    fsum,
    gradient,
    log,
    logsumexp,
    relu,
    softmax,
    sqrt,
    step,
    tanh,
    topological_order,
    where,
)
from micrograd_bp.program import Executor
from micrograd_bp.program.instructions import Instruction, units
from micrograd_bp.program.interpreter import Executor as Interpreter
from micrograd_bp.transforms import recorded_gradient
from micrograd_bp.transforms.chain_rule import Sweeps

Leaves = list[Value]


def weighted(x: Leaves, w: Leaves) -> Value:
    return dot(softmax([a * b for a, b in zip(x, w)]), x)


def squared(x: Leaves, w: Leaves) -> Value:
    return fsum([s * s for s in softmax(w)]) * x[0]


def of_repeated_operands(x: Leaves, w: Leaves) -> Value:
    return dot(softmax([w[0], w[1], w[0], w[2], w[1]]), [*x, 2.0])


def some_shares(x: Leaves, w: Leaves) -> Value:
    shares = softmax([*w, tanh(w[0]), x[1]])
    return dot([shares[5], shares[0], shares[2]], x[:3])


def few_shares(x: Leaves, w: Leaves) -> Value:
    shares = softmax(w)
    return log(shares[2]) * x[0] + shares[1]


def first_share(x: Leaves, w: Leaves) -> Value:
    return log(softmax(w)[0]) * x[1]


def last_share(x: Leaves, w: Leaves) -> Value:
    return log(softmax([a * b for a, b in zip(x, w)])[-1])


def one_of_many(x: Leaves, w: Leaves) -> Value:
    return -log(softmax(many(x, w))[30])


def two_of_many(x: Leaves, w: Leaves) -> Value:
    shares = softmax(many(x, w))
    return log(shares[30]) * shares[2] * x[0]


def one_of_repeated_operands(x: Leaves, w: Leaves) -> Value:
    shares = softmax([w[0], w[1], w[0], w[2], w[1]])
    return log(shares[2]) * x[0] + tanh(w[2])


def one_behind_a_gate(x: Leaves, w: Leaves) -> Value:
    return relu(softmax([log(a * a) * b for a, b in zip(x, w)])[1] - 0.2) * x[2] + w[0]


def one_behind_a_branch(x: Leaves, w: Leaves) -> Value:
    shares = softmax([sqrt(x[0]) * w[0], *w[1:]])
    return where(step(x[0]), log(shares[2]), w[0] * w[1])


def two_behind_a_branch(x: Leaves, w: Leaves) -> Value:
    shares = softmax([sqrt(x[0]) * w[0], *w[1:]])
    return where(step(x[0]), log(shares[0]) * shares[3], w[0] * w[1])


def twice_of_the_same(x: Leaves, w: Leaves) -> Value:
    first, second = softmax(w), softmax(w)
    return dot(first, x) * dot(second, x[::-1]) + first[1]


def of_common_operands(x: Leaves, w: Leaves) -> Value:
    return dot(softmax(w), x) + dot(softmax(w[1:]), x[1:]) * tanh(w[1]) + w[3] * w[2]


def one_after_the_other(x: Leaves, w: Leaves) -> Value:
    shares = softmax(softmax([a * b for a, b in zip(x, w)]))
    return logsumexp([a * b for a, b in zip(shares, w)]) + dot(shares, x)


def summed(x: Leaves, w: Leaves) -> Value:
    return fsum(softmax(w)) * x[0] + w[0]


def with_constants(x: Leaves, w: Leaves) -> Value:
    return dot(softmax([w[0], 2.0, w[1] * 0.0, 1.0]), x) + w[0] * w[1]


def of_constants(x: Leaves, w: Leaves) -> Value:
    return dot(softmax([w[0] ** 0, Value(2.0), w[1] ** 0, Value(1.0)]), x) + w[0] * w[1]


def behind_gates(x: Leaves, w: Leaves) -> Value:
    shares = softmax([log(a * a) * b for a, b in zip(x, w)])
    return fsum([relu(s - 0.2) for s in shares]) + dot(shares, shares) + w[0]


def behind_a_branch(x: Leaves, w: Leaves) -> Value:
    shares = softmax([sqrt(a) * b for a, b in zip(x, w)])
    return where(step(x[0]), dot(shares, w), w[0] * w[1])


def many(x: Leaves, w: Leaves) -> Leaves:
    return [w[k % 4] * (0.1 * k) + x[k % 3] for k in range(45)]


def of_many(x: Leaves, w: Leaves) -> Value:
    return dot(softmax(many(x, w)), many(w, x))


def some_of_many(x: Leaves, w: Leaves) -> Value:
    return dot(softmax(many(x, w))[::2], many(w, x)[:23])


def sums_of_many(x: Leaves, w: Leaves) -> Value:
    return logsumexp(many(x, w)) * logsumexp(many(w, x)[:17]) + softmax(many(x, w))[1]


def sums_of_few(x: Leaves, w: Leaves) -> Value:
    return logsumexp([w[0], w[1], w[0]]) + logsumexp([w[2], x[0]]) * logsumexp([w[3]])


def sums_of_constants(x: Leaves, w: Leaves) -> Value:
    return logsumexp([w[0] ** 0, Value(2.0), w[1] ** 0]) * x[0] + w[0] * logsumexp(
        [x[0], w[1], 0.5]
    )


def sums_behind_gates(x: Leaves, w: Leaves) -> Value:
    total = logsumexp([log(a * a) * b for a, b in zip(x, w)])
    return relu(total - 0.2) + where(step(x[0]), logsumexp([sqrt(x[0]) * w[1], w[2]]), w[0])


MAKERS = [
    weighted,
    squared,
    of_repeated_operands,
    some_shares,
    few_shares,
    first_share,
    last_share,
    one_of_many,
    two_of_many,
    one_of_repeated_operands,
    one_behind_a_gate,
    one_behind_a_branch,
    two_behind_a_branch,
    twice_of_the_same,
    of_common_operands,
    one_after_the_other,
    summed,
    with_constants,
    of_constants,
    behind_gates,
    behind_a_branch,
    of_many,
    some_of_many,
    sums_of_many,
    sums_of_few,
    sums_of_constants,
    sums_behind_gates,
]
POINT, WEIGHTS = [0.5, 1.25, 2.0, 0.75], [1.0, -0.5, 0.25, 0.3]
MADE = pytest.mark.parametrize("make", MAKERS)


def leaves() -> tuple[Leaves, Leaves]:
    return [Value(p) for p in POINT], [Value(p) for p in WEIGHTS]


def program_of(make: Callable[[Leaves, Leaves], Value]) -> Program:
    x, w = leaves()
    return Program(make(x, w) + fsum(x), x, w)


@MADE
@pytest.mark.parametrize("executor", [Executor, Interpreter])
@pytest.mark.parametrize("first", [0.5, 3.0, -1.0])
def test_a_program_has_the_derivatives_of_the_engine(
    make: Callable[[Leaves, Leaves], Value],
    executor: Any,
    first: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("micrograd_bp.program.Executor", executor)
    program = program_of(make)
    x, w = leaves()
    x[0].data = first
    with allow_nonfinite():
        output = make(x, w) + fsum(x)
        output.backward()
    value, slopes = program.value_and_grad([x_i.data for x_i in x])
    np.testing.assert_allclose(value, output.data, rtol=1e-13)
    np.testing.assert_allclose(slopes, [w_i.grad for w_i in w], rtol=1e-12, atol=1e-15)


@MADE
def test_the_gradient_to_lower_has_the_numbers_of_the_gradient(
    make: Callable[[Leaves, Leaves], Value],
) -> None:
    x, w = leaves()
    output = make(x, w)
    expected = [slope.data for slope in gradient(output, w)]
    found = [slope.data for slope in recorded_gradient(output, w, to_lower=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@MADE
def test_the_gradient_to_lower_is_that_of_the_readable_way(
    make: Callable[[Leaves, Leaves], Value],
) -> None:
    x, w = leaves()
    output = make(x, w)
    sweeps = Sweeps([output], w, as_graph=True, to_lower=True)
    adjoints = sweeps.back({output: 1.0})
    readable = sweeps.as_nodes([adjoints.get(w_i, 0.0) for w_i in w])
    assert described(recorded_gradient(output, w, to_lower=True)) == described(readable)


def described(slopes: Leaves) -> list[Any]:
    order = topological_order(fsum(slopes))
    places = {node: i for i, node in enumerate(order)}
    return [
        (repr(node), node.local_derivatives, [places[parent] for parent in node.parents])
        for node in order
    ]


def squares(w: Leaves) -> Value:
    return fsum([s * s for s in softmax(w)])


def of_one(w: Leaves) -> Value:
    return log(softmax(w)[0])


def of_two(w: Leaves) -> Value:
    shares = softmax(w)
    return log(shares[-1]) * shares[0]


def of_three(w: Leaves) -> Value:
    return dot(softmax(w)[1:4], [1.0, 2.0, 3.0])


OF_SO_MANY = pytest.mark.parametrize("f", [squares, logsumexp, of_one, of_two, of_three])


@OF_SO_MANY
def test_the_gradient_to_lower_has_as_many_nodes_as_operands(f: Callable[[Leaves], Value]) -> None:
    def n_nodes(n: int) -> int:
        w = [Value(0.1 * i) for i in range(n)]
        return len(topological_order(fsum(recorded_gradient(f(w), w, to_lower=True))))

    assert n_nodes(80) < 4.1 * n_nodes(20)


@pytest.mark.parametrize("f", [logsumexp, of_one, of_two, of_three])
def test_few_nodes_of_the_gradient_to_lower_have_all_operands(f: Callable[[Leaves], Value]) -> None:
    w = [Value(0.1 * i) for i in range(50)]
    order = topological_order(fsum(recorded_gradient(f(w), w, to_lower=True)))
    assert sum(len(node.parents) >= 50 for node in order) <= 5


def test_the_gradient_of_a_logsumexp_to_lower_has_as_many_operands_as_it() -> None:
    w = [Value(0.1 * i) for i in range(50)]
    slopes = recorded_gradient(logsumexp(w), w, to_lower=True)
    assert [len(slope.parents) for slope in slopes] == [2] * 50


@OF_SO_MANY
def test_a_plan_has_as_many_operands_as_a_softmax(f: Callable[[Leaves], Value]) -> None:
    def n_operands(n: int) -> int:
        w = [Value(0.1 * i) for i in range(n)]
        plan = Program(f(w), [], w)._summed
        assert plan is not None
        steps = [unit for step in (*plan.once, *plan.each) for unit in units(step)]
        return sum(len(unit.operands) for unit in steps if isinstance(unit, Instruction))

    assert n_operands(400) < 4.4 * n_operands(100)


@pytest.mark.parametrize("n", [3, 16, 17, 50, 129])
@pytest.mark.parametrize("certain", [40.0, 600.0])
def test_the_slopes_of_an_all_but_certain_share_keep_their_digits(n: int, certain: float) -> None:
    w = [Value(0.01 * k) for k in range(n)]
    w[1].data = certain
    g = [(-1.0) ** k * (1.0 + 0.1 * k) for k in range(n)]
    program = Program(dot(softmax(w), g), [], w)
    _, slopes = program.value_and_grad([])
    terms = [w_k.data for w_k in w]
    shares = softmax(terms)
    apart = [math.fsum(s * (g_j - g_i) for s, g_i in zip(shares, g)) for g_j in g]
    expected = [s * slope for s, slope in zip(shares, apart)]
    np.testing.assert_allclose(slopes, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [3, 4, 17, 50])
@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("certain", [40.0, 600.0])
def test_the_slopes_of_the_log_of_an_all_but_certain_share_keep_their_digits(
    n: int, place: int, certain: float
) -> None:
    w = [Value(0.01 * k) for k in range(n)]
    w[place].data = certain
    program = Program(log(softmax(w)[place]), [], w)
    _, slopes = program.value_and_grad([])
    shares = softmax([w_k.data for w_k in w])
    shares[place] = 0.0
    expected = [-share for share in shares]
    expected[place] = math.fsum(shares)
    np.testing.assert_allclose(slopes, expected, rtol=1e-13)


def test_a_point_on_a_pole_beside_a_softmax_is_told_as_by_the_gradient() -> None:
    w = [Value(0.0), Value(1.0), Value(2.0)]
    output = dot(softmax([sqrt(w[0] * w[0]), w[1], w[2]]), w)
    for to_lower in (False, True):
        with pytest.raises(ZeroDivisionError, match="0 times infinity is undetermined"):
            recorded_gradient(output, w, to_lower)
