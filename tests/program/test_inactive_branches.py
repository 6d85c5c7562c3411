"""What a branch that is not taken contributes: nothing, in a Program as in the engine."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from branches import NUMBERS, Build, builds, by_the_engine, recorded
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import micrograd_bp
from micrograd_bp import (
    Program,
    Value,
    allow_nonfinite,
    cbrt,
    ceil,
    clip,
    exp,
    fit,
    floor,
    leaky_relu,
    log,
    logsumexp,
    maximum,
    relu,
    sign,
    softmax,
    sqrt,
    step,
    tanh,
    where,
)
from micrograd_bp.functions import mod
from micrograd_bp.nn import Module
from micrograd_bp.optim import SGD
from micrograd_bp.program import Executor
from micrograd_bp.program.interpreter import Executor as Interpreter

BOTH = pytest.mark.parametrize("executor", [Executor, Interpreter])


@pytest.fixture(autouse=True)
def run_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    executor = request.node.callspec.params.get("executor", Executor)
    monkeypatch.setattr(micrograd_bp.program, "Executor", executor)


def root_program() -> Program:
    w, x = Value(1.0, label="w"), Value(1.0, label="x")
    return Program(where(step(x), sqrt(w * x), 0.0 * w), inputs=[x], parameters=[w])


@BOTH
def test_a_pole_behind_a_branch_that_is_not_taken_contributes_nothing(executor: Any) -> None:
    program = root_program()
    for rows, value, slope in (
        ([[0.0]], 0.0, 0.0),
        ([[-1.0]], 0.0, 0.0),
        ([[0.0], [4.0], [-1.0], [9.0]], 5.0, 1.0 + 1.5),
        ([-1.0], 0.0, 0.0),
    ):
        for errors in ("raise", "ignore"):
            found = program.value_and_grad(rows, errors=errors)  # type: ignore[arg-type]
            assert (found[0], found[1].tolist()) == (value, [slope])


@BOTH
def test_what_gates_multiply_is_masked_without_the_engine(
    executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a data point was left to the engine")

    monkeypatch.setattr(micrograd_bp.program, "by_engine", never)
    w, x = Value(1.0, label="w"), Value(1.0, label="x")
    rows = [[-1.0], [0.0], [2.0]]
    for output, value in (
        (where(step(x), w * log(x), w * x), -1.0 + math.log(2.0)),
        (where(step(x), log(sqrt(w * x)), tanh(w)), 2.0 * math.tanh(1.0) + 0.5 * math.log(2.0)),
        (where(step(x), w / x, w * x), -1.0 + 0.0 + 0.5),
    ):
        found = Program(output, inputs=[x], parameters=[w]).value_and_grad(rows)
        assert found[0] == pytest.approx(value, rel=1e-15)
        assert np.isfinite(found[1]).all()


@BOTH
def test_what_is_also_used_outside_the_branch_is_not_masked(executor: Any) -> None:
    w, x = Value(1.0, label="w"), Value(1.0, label="x")
    u = log(w * 2.0)
    program = Program(where(step(x), u, w) + u, inputs=[x], parameters=[w])
    value, grad = program.value_and_grad([[-1.0], [1.0]], [4.0])
    assert value == pytest.approx(4.0 + 3.0 * math.log(8.0), rel=1e-15)
    assert grad[0] == pytest.approx(1.0 + 3.0 / 4.0, rel=1e-15)


@BOTH
def test_only_what_reaches_the_result_is_told_of(executor: Any) -> None:
    w, x, y = Value(1.0, label="w"), Value(1.0, label="x"), Value(1.0, label="y")
    program = Program(where(step(x), log(x), w * x) + exp(y), inputs=[x, y], parameters=[w])
    rows = [[-1.0, 0.0], [2.0, 0.0], [-1.0, 1000.0]]
    for call in (program, program.value_and_grad):
        assert np.isfinite(call(rows[:2])[0])
    with pytest.raises(FloatingPointError, match="at data point 2"):
        program(rows)
    with pytest.raises(FloatingPointError, match="at data point 2"):
        program.value_and_grad(rows)
    value, grad = program.value_and_grad(rows, errors="ignore")
    assert value == math.inf
    assert np.isfinite(grad).all() or executor is Executor


@BOTH
@pytest.mark.parametrize("errors", ["raise", "ignore"])
def test_given_infinities_behind_a_branch_contribute_nothing_either(
    executor: Any, errors: Any
) -> None:
    for build in (
        lambda w, x: relu(w * x),
        lambda w, x: relu(w * x + 1.0) * w,
        lambda w, x: w * leaky_relu(w * x),
        lambda w, x: maximum(w * x, w),
        lambda w, x: where(step(x), w * x, w * w),
        lambda w, x: clip(w * x, -1.0, 2.0) * w,
        lambda w, x: tanh(w * x) * w,
    ):
        v, y = Value(0.7), Value(0.3)
        program = Program(build(v, y), inputs=[y], parameters=[v])
        pairs = itertools.product([2.0, -3.0], [math.inf, -math.inf])
        for w0, x0 in itertools.chain.from_iterable(map(itertools.permutations, pairs)):
            w, x = Value(w0), Value(x0)
            output = build(w, x)
            if not math.isfinite(output.data):
                continue
            with allow_nonfinite():
                output.backward()
            for n in (1, 3, 9):
                value, grad = program.value_and_grad([[x0]] * n, [w0], errors=errors)
                expected = [n * output.data, n * w.grad]
                np.testing.assert_allclose([value, *grad], expected, rtol=1e-15)
            value, grad = program.value_and_grad([x0], [w0], errors=errors)
            np.testing.assert_array_equal([value, *grad], [output.data, w.grad])


@BOTH
@pytest.mark.filterwarnings("ignore:.*graph of the outputs")
def test_an_infinity_that_comes_in_beside_a_jump_changes_no_other_derivative(executor: Any) -> None:
    x, v, w = Value(1.0), Value(0.75), Value(0.375)
    program = Program(floor(mod(Value(-1.0), w)), inputs=[x], parameters=[v, w])
    for x0, v0 in ((math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)):
        value, grad = program.value_and_grad([x0], [v0, 1e155])
        assert (value, *grad) == (1e155, 0.0, 0.0)


@BOTH
def test_a_constant_power_of_0_has_no_derivative_at_infinity_either(executor: Any) -> None:
    x, w = Value(1.5), Value(0.75)
    program = Program((x / w) ** 0, inputs=[x], parameters=[w])
    for x0, w0 in ((-1e308, 0.1), (math.nan, 1.0), (math.inf, 2.0), (1.0, 2.0)):
        for n in (1, 3):
            value, grad = program.value_and_grad([[x0]] * n, [w0])
            assert (value, *grad) == (n, 0.0)


@BOTH
def test_given_infinite_weights_propagate_for_any_number_of_points(executor: Any) -> None:
    x, weights = Value(1.0), [Value(1.0) for _ in range(5)]
    program = Program(sum((w * x for w in weights), Value(0.0)), inputs=[x], parameters=weights)
    for n in range(1, 20):
        for rows in ([[2.0]] * n, [[-1.0]] * n):
            value, grad = program.value_and_grad(rows, [1.0, math.inf, 2.0, 0.0, 3.0])
            assert value == rows[0][0] * math.inf
            assert grad.tolist() == [n * rows[0][0]] * 5


@BOTH
def test_a_pole_in_the_branch_that_is_taken_is_an_error(executor: Any) -> None:
    w, x = Value(1.0, label="w"), Value(1.0, label="x")
    program = Program(where(step(x + 1.0), sqrt(w * x), 0.0 * w), inputs=[x], parameters=[w])
    with pytest.raises(FloatingPointError, match=r"of 0.0 is inf, at data point 1"):
        program.value_and_grad([[-1.0], [0.0], [4.0]])
    assert not np.isfinite(program.value_and_grad([[0.0], [4.0]], errors="ignore")[1]).any()


@BOTH
def test_what_comes_in_not_finite_goes_through(executor: Any) -> None:
    program = root_program()
    value, grad = program.value_and_grad([[math.nan], [-1.0], [4.0]])
    assert math.isnan(value)
    assert math.isnan(grad[0])
    assert math.isnan(program.value_and_grad([[4.0]], [math.nan])[0])


@BOTH
def test_a_softmax_behind_a_branch_has_the_slopes_of_a_softmax(executor: Any) -> None:
    x, w = Value(0.5, label="x"), Value(0.75, label="w")

    def output(x: Value, w: Value) -> Value:
        shares = softmax([w * x, w * w, x])
        return where(step(x), log(w * x), 0.0 * w) + shares[0] * logsumexp([w, x])

    program = Program(output(x, w), inputs=[x], parameters=[w])
    with allow_nonfinite():
        w = Value(0.25)
        expected = output(Value(-1.0), w)
        expected.backward()
    value, grad = program.value_and_grad([[-1.0]], [0.25])
    assert value == pytest.approx(expected.data, rel=1e-14)
    assert grad[0] == pytest.approx(w.grad, rel=1e-13)


@BOTH
@pytest.mark.parametrize(
    ("jumping", "jump"),
    [
        (lambda v: sqrt(step(v)), 0.0),
        (lambda v: cbrt(sign(v)), 0.0),
        (lambda v: sqrt(floor(v * v)), 0.0),
        (lambda v: sqrt(ceil(v) + 2.0), -2.0),
        (lambda v: sqrt(step(step(v))), 0.0),
        (lambda v: step(cbrt(v)), 0.0),
        (lambda v: step(sqrt(v * v)), 0.0),
        (lambda v: sqrt(relu(v)), 0.0),
        (lambda v: sqrt(leaky_relu(v, 0.0)), 0.0),
        (lambda v: sqrt(abs(v)), 0.0),
    ],
)
def test_a_pole_behind_a_kink_is_undetermined_on_the_kink_alone(
    executor: Any, jumping: Callable[[Value], Value], jump: float
) -> None:
    x, v = Value(1.0, label="x"), Value(1.5, label="v")
    program = Program(jumping(v) * x, inputs=[x], parameters=[v])
    with pytest.raises(FloatingPointError):
        program.value_and_grad([[1.0]], [jump])
    assert np.isnan(program.value_and_grad([[1.0]], [jump], errors="ignore")[1]).all()
    with pytest.raises(ZeroDivisionError, match="undetermined"):
        jumping(Value(jump)).backward()
    for data in (jump - 0.25, jump + 0.25):
        leaf = Value(data)
        try:
            jumping(leaf).backward()
        except ValueError:  # ceil(v) + 2 is negative
            continue
        assert program.value_and_grad([[2.0]], [data])[1][0] == 2.0 * leaf.grad


@BOTH
def test_a_jump_in_a_branch_that_is_not_taken_contributes_nothing(executor: Any) -> None:
    x, v = Value(1.0, label="x"), Value(1.5, label="v")
    program = Program(where(step(v), sqrt(step(v)), v * x), inputs=[x], parameters=[v])
    assert program.value_and_grad([[3.0]], [0.0])[1][0] == 3.0


class Piecewise(Module):
    """w log(x) for positive x, and b x for the others."""

    def __init__(self) -> None:
        self.w, self.b = Value(0.5, label="w"), Value(0.5, label="b")

    def __call__(self, x: list[Value]) -> Value:
        return where(step(x[0]), self.w * log(x[0]), self.b * x[0])

    def parameters(self) -> list[Value]:
        return [self.w, self.b]


@BOTH
def test_fit_trains_a_model_with_a_logarithm_behind_where(executor: Any) -> None:
    X = np.array([2.0, 0.5, -1.0, 3.0, 0.0, -2.0])
    T = np.where(X > 0.0, 2.0 * np.log(np.where(X > 0.0, X, 1.0)), -3.0 * X)
    model = Piecewise()
    with allow_nonfinite():
        fit(
            model,
            X,
            T,
            loss="sum_of_squares",
            optimizer=SGD(lr=0.1),
            epochs=100,
            progress=False,
        )
    assert [p.data for p in model.parameters()] == pytest.approx([2.0, -3.0], rel=1e-6)


# Random graphs, with poles and edges of domains behind branches


@BOTH
@settings(max_examples=3 * settings.default.max_examples)
@given(build=builds(), data=st.data())
def test_programs_say_what_the_engine_says(executor: Any, build: Build, data: Any) -> None:
    program = recorded(build)
    assume(program is not None)
    assert program is not None
    numbers = st.sampled_from(NUMBERS)
    weights = [data.draw(numbers), data.draw(numbers)]
    expected = [by_the_engine(build, {"x": x, "w": weights[0], "b": weights[1]}) for x in NUMBERS]
    for x, wanted in zip(NUMBERS, expected, strict=True):
        if wanted is None:
            with pytest.raises(FloatingPointError):
                program.value_and_grad([[x]], weights)
        else:
            value, grad = program.value_and_grad([[x]], weights)
            assert [value, *grad] == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    good = [x for x, wanted in zip(NUMBERS, expected, strict=True) if wanted is not None]
    total = np.sum([[0.0] * 3, *(wanted for wanted in expected if wanted is not None)], axis=0)
    value, grad = program.value_and_grad(np.array(good).reshape(-1, 1), weights)
    assert [value, *grad] == pytest.approx(total.tolist(), rel=1e-9, abs=1e-9)
