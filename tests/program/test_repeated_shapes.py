"""Shapes that repeat and are no layers: components, heads, positions, steps of time.

Programs of them, in C and on NumPy, give what the engine gives, and have few instructions.
"""

import random
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp import Value, dot, exp, fsum, log, logsumexp, relu, softmax, tanh
from micrograd_bp.program import Executor, Program
from micrograd_bp.program.interpreter import Executor as Interpreter

Leaves = list[Value]
Model = tuple[Value, Leaves, Leaves]  # output, inputs, parameters


def mixture(rng: random.Random, width: int, n: int, plain: bool) -> Model:
    """n components of a mixture of normal densities, with shares by softmax."""
    x = leaves(rng, width)
    weights, means, scales = leaves(rng, n), *(rows(rng, n, width) for _ in range(2))
    terms = [
        a - 0.5 * summed([((xi - mi) * exp(si)) ** 2 for xi, mi, si in zip(x, m, s)], plain)
        for a, m, s in zip(weights, means, scales)
    ]
    output = dot(shares(weights, plain), shares(terms, plain)) + logsumexp(terms)
    return output, x, [*weights, *flat(means), *flat(scales)]


def steps_of_time(rng: random.Random, width: int, n: int, plain: bool) -> Model:
    """n steps of a recurrent network."""
    x = rows(rng, n, 2)
    U, V = rows(rng, width, width), rows(rng, width, 2)
    h = [0.1 * u for u in U[0]]
    for xt in x:
        h = [tanh(product(u, h, plain) + product(v, xt, plain)) for u, v in zip(U, V)]
    return summed([z * z for z in h], plain), flat(x), [*flat(U), *flat(V)]


def attention(rng: random.Random, width: int, n: int, plain: bool) -> Model:
    """Two heads over n positions, with norms, residuals and a layer of relu, as in a GPT."""
    x = rows(rng, n, 2 * width)
    matrices = [rows(rng, 2 * width, 2 * width) for _ in range(6)]
    keys: list[Leaves] = []
    values: list[Leaves] = []
    losses = []
    for t, xt in enumerate(x):
        query, key, value = ([product(w, xt, plain) for w in matrix] for matrix in matrices[:3])
        keys.append(key)
        values.append(value)
        mixed: Leaves = []
        for head in (slice(width), slice(width, None)):
            scores = [product(query[head], k[head], plain) for k in keys]
            weights = shares(scores, plain)
            columns = zip(*(v[head] for v in values))
            mixed += [product(weights, list(column), plain) for column in columns]
        y = [a + product(w, mixed, plain) for a, w in zip(xt, matrices[3])]
        scale = (product(y, y, plain) / len(y) + 1e-5) ** -0.5
        h = [relu(product(w, [a * scale for a in y], plain)) for w in matrices[4]]
        z = shares([a + product(w, h, plain) for a, w in zip(y, matrices[5])], plain)
        losses.append(-log(z[t % len(z)]))
    return summed(losses, plain), flat(x), [w for matrix in matrices for w in flat(matrix)]


def leaves(rng: random.Random, n: int) -> Leaves:
    return [Value(rng.uniform(-1.0, 1.0)) for _ in range(n)]


def rows(rng: random.Random, n: int, m: int) -> list[Leaves]:
    return [leaves(rng, m) for _ in range(n)]


def flat(lists: list[Leaves]) -> Leaves:
    return [*chain.from_iterable(lists)]


def summed(terms: Leaves, plain: bool) -> Value:
    return sum(terms[1:], start=terms[0]) if plain else fsum(terms)


def product(w: Leaves, x: Leaves, plain: bool) -> Value:
    return summed([wi * xi for wi, xi in zip(w, x)], plain) if plain else dot(w, x)


def shares(terms: Leaves, plain: bool) -> Leaves:
    if not plain:
        return softmax(terms)
    exps = [exp(term) for term in terms]
    total = summed(exps, plain)
    return [each / total for each in exps]


MODELS: list[Callable[..., Model]] = [mixture, steps_of_time, attention]


@given(
    st.sampled_from(MODELS),
    st.integers(0, 999),
    st.integers(1, 4),
    st.integers(1, 6),
    st.booleans(),
)
def test_programs_give_what_the_engine_gives(
    model: Callable[..., Model], seed: int, width: int, n: int, plain: bool
) -> None:
    output, inputs, parameters = model(random.Random(seed), width, n, plain)
    program = Program(output, inputs, parameters)
    output.backward()
    expected = np.array([output.data, *(p.grad for p in parameters)])
    point = np.array([x.data for x in inputs])
    points = np.stack([point] * 3 + [point + 0.1] * 2)
    scale = 1e-13 * max(1.0, np.abs(expected).max())
    assert program._summed is not None
    for executor in (Executor, Interpreter):
        run = executor(program._summed).run
        value, slopes, finite = run(point, program._recorded)
        assert finite
        np.testing.assert_allclose([value, *slopes], expected, rtol=1e-11, atol=scale)
        batch, batch_slopes, _ = run(points, program._recorded)
        moved, moved_slopes, _ = run(points[3], program._recorded)
        sums = 3 * np.array([value, *slopes]) + 2 * np.array([moved, *moved_slopes])
        np.testing.assert_allclose([batch, *batch_slopes], sums, rtol=1e-11, atol=10 * scale)


def n_instructions(model: Callable[..., Model], width: int, n: int, plain: bool) -> int:
    program = Program(*model(random.Random(0), width, n, plain))
    assert program._summed is not None
    return len(program._summed.once) + len(program._summed.each)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_wider_has_about_as_many_instructions(model: Callable[..., Model], plain: bool) -> None:
    narrow, wide = (n_instructions(model, width, 6, plain) for width in (3, 9))
    assert wide <= 1.3 * narrow


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("model", [mixture, steps_of_time])
def test_instructions_grow_with_the_length_alone(model: Callable[..., Model], plain: bool) -> None:
    short, long = (n_instructions(model, 3, n, plain) for n in (10, 40))
    assert long <= 4.2 * short


def test_a_softmax_of_many_has_no_instruction_a_pair() -> None:
    """Attention to n positions has n^2 / 2 scores, and n^3 / 3 derivatives of its shares."""
    short, long = (n_instructions(attention, 2, n, plain=False) for n in (6, 18))
    assert long <= 4.5 * short


def test_the_derivatives_of_a_softmax_do_not_cancel() -> None:
    """Where one share is nearly 1, its derivative is the sum of the others."""
    x = [Value(z) for z in (0.0, -40.0, -41.0, -42.0)]
    g = [Value(z) for z in (1.0, 2.0, -1.0, 3.0)]
    output = dot(g, softmax(x))
    program = Program(output, inputs=g, parameters=x)
    output.backward()
    _, slopes = program.value_and_grad([z.data for z in g])
    np.testing.assert_allclose(slopes, [z.grad for z in x], rtol=1e-14)
    assert abs(slopes[0]) < 1e-16


def test_a_layer_behind_relu_needs_no_masks_a_weight() -> None:
    """Its inputs may have a pole behind them; where one is inf, so is the layer before relu."""
    n_positions = 2
    program = Program(*attention(random.Random(0), 3, n_positions, plain=True))
    assert program._summed is not None
    keys = [getattr(getattr(step, "function", None), "key", "") for step in program._summed.each]
    assert keys.count("where") == n_positions


@pytest.mark.parametrize("executor", [Executor, Interpreter])
def test_where_a_relu_shuts_infinity_out_its_derivatives_are_the_engines(
    executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("micrograd_bp.program.Executor", executor)
    x, v, w = Value(2.0, label="x"), Value(1.0, label="v"), Value(1.0, label="w")
    program = Program(relu(w * log(x)) + v * v * x, inputs=[x], parameters=[w, v])
    value, slopes = program.value_and_grad([[0.0], [2.0]], [1.0, 1.0])
    assert value == pytest.approx(np.log(2.0) + 2.0)
    np.testing.assert_allclose(slopes, [np.log(2.0), 4.0])
