"""Leaves that a Program was given and does not need, or needs and was not given, are told of."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd_bp import MLP, SGD, Program, Value, exp, fit, predict, scope


@pytest.fixture
def leaves() -> dict[str, Value]:
    return {name: Value(2.0, label=name) for name in ("x1", "x2", "w", "b")}


def test_an_input_that_is_not_in_the_graph_is_named(leaves: dict[str, Value]) -> None:
    x1, x2, w, b = leaves.values()
    with pytest.warns(UserWarning, match=r"^inputs\[1\], Value\(2.0, label='x2'\), is not") as told:
        Program(w * x1 + x2.data + b, inputs=[x1, x2], parameters=[w, b])
    assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(UserWarning, match=r"inputs\[2\].*\(and 1 more like it\) is not"):
        Program(w * x1 + b, [x1, *(Value(float(i)) for i in range(4))], [w, b])


def test_parameters_are_told_of_where_none_is_in_the_graph(leaves: dict[str, Value]) -> None:
    x1, _, w, b = leaves.values()
    with pytest.warns(UserWarning, match="not computed from any of the parameters"):
        Program(w.data * exp(x1), inputs=[x1], parameters=[w, b])
    Program(w * exp(x1), inputs=[x1], parameters=[w, b])  # a model may have a bias to spare


def test_a_leaf_with_a_label_that_was_forgotten_is_named(leaves: dict[str, Value]) -> None:
    x1, x2, w, b = leaves.values()
    told = r"^Value\(2.0, label='x2'\) is in the graph, and in neither inputs nor parameters"
    with pytest.warns(UserWarning, match=told):
        program = Program(w * x1 * x2 + b, inputs=[x1], parameters=[w, b])
    assert program([3.0]) == 14.0


@pytest.mark.parametrize("frozen", [lambda v: v.data, lambda v: Value(v.data)])
def test_what_is_meant_to_be_constant_is_not_told_of(
    leaves: dict[str, Value], frozen: Callable[[Value], Any]
) -> None:
    x1, x2, w, b = leaves.values()
    assert Program(w * x1 * frozen(x2) + b, inputs=[x1], parameters=[w, b])([3.0]) == 14.0


def test_a_layer_that_is_frozen_as_a_whole_is_not_told_of() -> None:
    model = MLP(2, [3, 1], seed=1)
    x = [Value(0.5, label="x1"), Value(0.25, label="x2")]
    Program(model(x), inputs=x)
    Program(model(x), inputs=x, parameters=model.layers[-1].parameters())
    with pytest.warns(UserWarning, match="in neither"):
        Program(model(x), inputs=x, parameters=model.parameters()[:1])


def test_a_choice_is_told_of_and_not_what_follows_from_it(leaves: dict[str, Value]) -> None:
    x1, x2, *_ = leaves.values()
    with pytest.warns(UserWarning, match="Python compared") as told:
        Program(max(x1, x2 * x2), inputs=[x1, x2])
    assert len(told) == 1


def test_fit_and_predict_leave_columns_and_weights_unused_in_silence() -> None:
    class Model:
        def __init__(self) -> None:
            with scope("model"):
                self.w, self.spare = Value(0.5, label="w"), Value(0.5, label="spare")

        def __call__(self, x: list[Value]) -> Value:
            return self.w * x[1]

        def parameters(self) -> list[Value]:
            return [self.w, self.spare]

    X = np.arange(8.0).reshape(4, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Model()
        optimizer = SGD([model.w], 1e-3)
        fit(model, X, X[:, 1], loss="sum_of_squares", optimizer=optimizer, epochs=1, progress=False)
        predict(model, X)
