"""A choice that Python made by comparing Values is noticed where one graph stands for all data."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd_bp import SGD, Program, Value, fit, log, maximum, predict, relu, step, where


class Model:
    """y = f(w, x), with one weight."""

    def __init__(self, f: Callable[[Value, Value], Any]) -> None:
        self.w = Value(0.5, label="w")
        self.f = f

    def __call__(self, x: Any) -> Any:
        return self.f(self.w, x[0])

    def parameters(self) -> list[Value]:
        return [self.w]


def a_band(w: Value, x: Value) -> Value:  # which none of the points tried lies in
    return w * x if 0.2 < x < 0.24 else w * x + 1.0


STEERED: dict[str, Callable[[Value, Value], Any]] = {
    "a band": a_band,
    "of what was computed": lambda w, x: w * x + (1.0 if x * 2.0 > -5.0 else 2.0),
    "of the weight": lambda w, x: w * x if w < 7.0 else w + x,
    "max": lambda w, x: max(w * x, Value(-9.0)),
    "min": lambda w, x: min(Value(9.0), w * x),
    "sorted": lambda w, x: sorted([w * x, Value(-9.0)])[1],
    "bool": lambda w, x: w * x if x + 3.0 else w,
    "from the right": lambda w, x: w * x if x > -5.0 else w,
}
X = np.linspace(0.0, 1.0, 401)


def train(model: Model) -> None:
    optimizer = SGD(model.parameters(), 1e-3)
    fit(model, X, X, loss="mean_squared_error", optimizer=optimizer, epochs=1, progress=False)


@pytest.mark.parametrize("f", STEERED.values(), ids=STEERED)
def test_fit_and_predict_warn_of_a_comparison_whatever_the_points_tried(f: Any) -> None:
    told = r"Python compared .*where\(step"
    with pytest.warns(UserWarning, match=told):
        train(Model(f))
    if f is not STEERED["of the weight"]:  # which does not vary in predict
        with pytest.warns(UserWarning, match=told):
            predict(Model(f), X)


def test_a_choice_that_went_both_ways_is_refused_without_more_words() -> None:
    model = Model(lambda w, x: w * x if x < 0.5 else w)
    with pytest.raises(ValueError, match="other operations for data point"):
        train(model)


@pytest.mark.parametrize(
    "f",
    [
        lambda w, x: where(step(x), w * x, w),
        lambda w, x: maximum(w * x, 0.3) + relu(w),
        lambda w, x: w * x if x.data > -1.0 else w,
    ],
)
def test_a_choice_among_values_is_as_good_as_any_operation(f: Any) -> None:
    train(Model(f))
    predict(Model(f), X)


def test_comparisons_made_before_or_elsewhere_are_none_of_fit() -> None:
    model = Model(lambda w, x: w * x)
    assert model.w < 3.0
    train(model)
    assert max(model.parameters()) is model.w
    train(model)


def test_a_program_warns_of_what_was_compared_in_its_graph() -> None:
    for choose in (max, min, lambda a, b: sorted([a, b])[0], lambda a, b: a if a else b):
        a, b = Value(1.0, label="a"), Value(2.0, label="b")
        chosen = choose(a * 2.0, b * 3.0)
        with pytest.warns(UserWarning, match="Python compared"):
            Program(chosen, inputs=[a, b])
        with pytest.warns(UserWarning, match="Python compared"):
            Program(chosen * 2.0, parameters=[a, b])


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 100_000])
def test_a_program_warns_of_what_was_compared_beside_its_graph(is_kept: bool, depth: int) -> None:
    x, other, w = Value(2.0, "x"), Value(1.0, "other"), Value(3.0, "w")
    beside = x
    for _ in range(depth):
        beside = beside + other
    y = w * (x if beside > 1.0 else -x)
    if not is_kept:
        del beside
    with pytest.warns(UserWarning, match=r"compared something computed from Value\(2.0, label='x'"):
        Program(y, inputs=[x], parameters=[w])
    z = Value(2.0, "z")  # which led to none
    Program(w * z * other.data, inputs=[z], parameters=[w])


def test_a_second_comparison_marks_what_is_new() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    deep = x * 2.0
    assert deep > 1.0
    assert deep + y > 1.0
    for leaf in (x, y):
        with pytest.warns(UserWarning, match="compared something computed from"):
            Program(leaf * 1.5, inputs=[leaf])


def test_what_does_not_vary_may_be_compared() -> None:
    x, constant = Value(2.0, label="x"), Value(3.0)
    assert constant > 1.0
    assert Value(1.0) < 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Program(x * constant, inputs=[x])([5.0]) == 15.0


def test_a_graph_is_recorded_where_nothing_is_infinite() -> None:
    x = np.array([-1.0, 0.0, -0.5, 2.0, 3.0])  # the first in a branch that has no logarithm
    model = Model(lambda w, x: where(step(x), w * log(maximum(x, 0.0)), w * x))
    optimizer = SGD(model.parameters(), 0.1)
    fit(model, x, x, loss="mean_squared_error", optimizer=optimizer, epochs=1, progress=False)
    features = [math.log(x_n) if x_n > 0.0 else x_n for x_n in x]
    slope = sum(2.0 * (0.5 * z - t) * z for z, t in zip(features, x, strict=True)) / len(x)
    assert model.w.data == pytest.approx(0.5 - 0.1 * slope, rel=1e-12)
