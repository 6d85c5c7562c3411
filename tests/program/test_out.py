"""Results in buffers of the caller: the same numbers, nothing allocated, and misfits refused."""

import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import micrograd_bp.program
from micrograd_bp import MLP, Program, Value, sqrt, square, step, where
from micrograd_bp.program import Executor
from micrograd_bp.program.interpreter import Executor as Interpreter

X = np.random.default_rng(0).normal(size=(37, 3))


@pytest.fixture(params=[Executor, Interpreter], autouse=True)
def executor(request: pytest.FixtureRequest, monkeypatch: Any) -> Any:
    monkeypatch.setattr(micrograd_bp.program, "Executor", request.param)
    return request.param


def network(n_hidden: int = 4) -> Program:
    model = MLP(2, [n_hidden, 1], hidden="tanh", seed=0)
    x, t = [Value(0.5), Value(-0.5)], Value(1.0)
    return Program(square(model(x) - t) / 2, [*x, t], model.parameters())


def several() -> Program:
    x, y, z = Value(1.0), Value(2.0), Value(3.0)
    return Program([x * y, y + z], [x, y, z])


@pytest.mark.parametrize("make", [network, several])
@pytest.mark.parametrize("data", [X, X[0], X[:1], X[:0], X.tolist(), X[::2]])
@pytest.mark.parametrize("threads", [1, 3])
def test_outputs_go_where_the_caller_says(make: Any, data: Any, threads: int) -> None:
    program = make()
    expected = program(data)
    out = np.full(np.shape(expected), np.nan)
    assert program(data, out=out, threads=threads) is out
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("data", [X, X[0], X[:0], X.tolist()])
def test_a_gradient_goes_where_the_caller_says(data: Any) -> None:
    program = network()
    value, gradient = program.value_and_grad(data)
    out = np.full(len(gradient), np.nan)
    again = program.value_and_grad(data, program._recorded, out=out)
    assert again[0] == value
    assert again[1] is out
    assert np.array_equal(out, gradient)


READ_ONLY = np.zeros(37)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        ([0.0] * 37, TypeError, r"of the shape \(37,\), not \[0.0, 0.0"),
        (np.zeros(37, dtype=np.float32), TypeError, r"\(37,\), not one of float32"),
        (np.zeros(37, dtype=">f8"), TypeError, "not one of >f8"),
        (np.zeros(37, dtype=int), TypeError, "not one of int"),
        (np.ma.zeros(37), TypeError, "not masked_array"),
        (np.zeros(36), ValueError, r"\(37,\); this one has the shape \(36,\)"),
        (np.zeros((37, 1)), ValueError, r"this one has the shape \(37, 1\)"),
        (np.zeros(74)[::2], ValueError, "in C order and aligned, and this one is not"),
        (READ_ONLY, ValueError, "this one is read-only"),
        (X.reshape(-1)[50:87], ValueError, "this one shares its memory with an argument"),
    ],
)
def test_what_cannot_be_written_into_is_refused(out: Any, error: Any, words: str) -> None:
    before = X.copy()
    with pytest.raises(error, match=f"^out is an array of float64 .*{words}"):
        network()(X, out=out)
    assert np.array_equal(X, before)


def test_a_gradient_is_not_written_over_the_weights() -> None:
    program = network()
    weights = program._recorded.copy()
    with pytest.raises(ValueError, match="shares its memory with an argument"):
        program.value_and_grad(X, weights, out=weights)
    with pytest.raises(ValueError, match=r"of the shape \(17,\); this one has the shape \(3,\)"):
        program.value_and_grad(X, weights, out=np.zeros(3))


@pytest.mark.parametrize("run", [network().value_and_grad, several()])
def test_results_are_the_callers_as_long_as_anything_of_them_is(run: Any) -> None:
    def result(data: Any) -> Any:
        found = run(data)
        return found[1] if isinstance(found, tuple) else found

    def given(data: Any) -> list[Any]:
        result(data).flags.writeable = False
        if result(data).flags.owndata:
            result(data).resize(3, 1)
        weak.append(weakref.ref(result(data)))
        return [result(data), result(data)[1:], result(data).T, memoryview(result(data))]

    weak: list[Any] = []
    tables = [X[:2], X[2:4], X[4:6], X[:2]]
    kept = [given(data) for data in tables]
    for data, found in zip(tables, kept, strict=True):
        alone = result(data)
        for array, expected in zip(found, (alone, alone[1:], alone.T, alone), strict=True):
            assert np.array_equal(array, expected)
    assert [reference() for reference in weak] == [None] * 4


def test_a_data_point_left_to_the_engine_gives_its_part() -> None:
    x, w = Value(1.0, label="x"), Value(2.0, label="w")
    program = Program(where(step(x - 0.5), sqrt(w * x), w), [x], [w])
    out = np.zeros(1)
    value, gradient = program.value_and_grad([[0.0], [2.0]], [2.0], out=out)
    assert gradient is out
    assert (value, gradient[0]) == (4.0, 1.5)


def test_a_training_loop_allocates_nothing_that_grows(executor: Any) -> None:
    program = network(500)
    weights, gradient = program._recorded.copy(), np.empty(len(program._recorded))
    outputs = np.empty(len(X))

    def train(steps: int) -> None:
        for _ in range(steps):
            program.value_and_grad(X, weights, out=gradient)
            np.multiply(gradient, 1e-4, out=gradient)
            np.subtract(weights, gradient, out=weights)
            program(X, weights, out=outputs)

    train(2)
    tracemalloc.start()
    try:
        train(2)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        train(50)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < gradient.nbytes  # in all fifty steps
    if executor is not Interpreter:  # which computes on arrays
        assert peak - before < gradient.nbytes / 4
