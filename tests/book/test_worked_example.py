"""The two-layer network three ways: that they agree, and that a fault in any of them shows."""

import json
import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp.book import backprop, differences
from micrograd_bp.book.differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE
from micrograd_bp.book.worked_example import (
    EQUATIONS,
    INPUTS,
    TARGETS,
    WEIGHTS,
    Row,
    WorkedExample,
    two_layer_network,
    worked_example,
)


def values(example: WorkedExample) -> dict[str, float]:
    return {row.quantity: row.by_equations for row in example.rows}


@st.composite
def problems(draw: Any) -> dict[str, Any]:
    """A network and data of any sizes and orders of magnitude."""
    n_in, n_hidden, n_out, n_points = (draw(st.integers(1, n)) for n in (4, 4, 3, 4))

    def matrix(rows: int, columns: int) -> list[list[float]]:
        size = 10.0 ** draw(st.integers(-4, 4))
        number = st.floats(-size, size, allow_subnormal=False)
        return draw(
            st.lists(
                st.lists(number, min_size=columns, max_size=columns), min_size=rows, max_size=rows
            )
        )

    return {
        "weights": [matrix(n_hidden, 1 + n_in), matrix(n_out, 1 + n_hidden)],
        "inputs": matrix(n_points, n_in),
        "targets": matrix(n_points, n_out),
        "point": draw(st.integers(1, n_points)),
        "activation": draw(st.sampled_from(["logistic", "tanh"])),
    }


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize("point", [1, 2, 3, 4])
def test_the_three_ways_agree_in_the_worked_example(activation: str, point: int) -> None:
    example = worked_example(point=point, activation=activation)
    assert example.agrees
    assert example.largest_disagreement < 1e-11
    assert max(row.autograd_disagreement for row in example.rows) < 1e-15


@settings(deadline=None)
@given(problems())
def test_the_three_ways_agree_for_any_sizes_and_orders_of_magnitude(
    problem: dict[str, Any],
) -> None:
    example = worked_example(**problem)
    assert example.agrees, str(example)


def test_there_is_one_row_a_quantity_with_its_equation() -> None:
    example = worked_example()
    w1 = [f"{j}{i}" for j in (1, 2, 3) for i in (0, 1, 2)]
    w2 = [f"{k}{j}" for k in (1, 2) for j in (0, 1, 2, 3)]
    assert [(row.quantity, row.equation) for row in example.point_rows] == [
        *[(name, "input") for name in ("x_1", "x_2")],
        *[(name, "pre-activation") for name in ("a_1", "a_2", "a_3")],
        *[(name, "activation") for name in ("z_1", "z_2", "z_3")],
        *[(name, "output") for name in ("y_1", "y_2")],
        *[(name, "target") for name in ("t_1", "t_2")],
        ("E_n", "sum of squares"),
        *[(f"delta_k={k}", "output error") for k in (1, 2)],
        *[(f"delta_j={j}", "backpropagation formula") for j in (1, 2, 3)],
        *[(f"dE_n/dw1_{ji}", "chain rule for a weight") for ji in w1],
        *[(f"dE_n/dw2_{kj}", "chain rule for a weight") for kj in w2],
    ]
    assert [(row.quantity, row.equation) for row in example.total_rows] == [
        ("E", "total"),
        *[(f"dE/dw1_{ji}", "total") for ji in w1],
        *[(f"dE/dw2_{kj}", "total") for kj in w2],
    ]
    derivatives = ("delta", "dE")
    for row in example.rows:
        assert row.equation in {*EQUATIONS, "input", "target"}
        assert (row.by_differences is not None) == row.quantity.startswith(derivatives)


def test_the_numbers_are_those_of_numpy() -> None:
    w1, w2, x, t = (np.array(m) for m in (*WEIGHTS, INPUTS, TARGETS))
    z = 1 / (1 + np.exp(-(w1[:, 0] + x @ w1[:, 1:].T)))
    y = w2[:, 0] + z @ w2[:, 1:].T
    delta_k = y - t
    delta_j = z * (1 - z) * (delta_k @ w2[:, 1:])
    found = values(worked_example(point=3))
    assert found["E"] == pytest.approx(0.5 * np.sum(delta_k**2), rel=1e-14)
    assert found["E_n"] == pytest.approx(0.5 * np.sum(delta_k[2] ** 2), rel=1e-14)
    assert found["delta_k=2"] == pytest.approx(delta_k[2, 1], rel=1e-13)
    assert found["delta_j=3"] == pytest.approx(delta_j[2, 2], rel=1e-13)
    assert found["dE_n/dw1_21"] == pytest.approx(delta_j[2, 1] * x[2, 0], rel=1e-13)
    assert found["dE/dw1_32"] == pytest.approx(delta_j[:, 2] @ x[:, 1], rel=1e-13)
    assert found["dE/dw2_13"] == pytest.approx(delta_k[:, 0] @ z[:, 2], rel=1e-13)
    assert found["dE/dw2_20"] == pytest.approx(np.sum(delta_k[:, 1]), rel=1e-13)


def test_the_totals_are_sums_over_the_data_points() -> None:
    each = [values(worked_example(point=n)) for n in (1, 2, 3, 4)]
    totals = worked_example().total_rows
    for row in totals:
        name = row.quantity.replace("E", "E_n", 1)
        assert row.by_equations == pytest.approx(sum(point[name] for point in each), abs=1e-15)


def test_delta_j_is_the_grad_of_the_node_a_j() -> None:
    example = worked_example()
    y_1 = example.error.parents[1].parents[0].parents[0].parents[0]
    a = [z_j.parents[0] for z_j in y_1.parents[3:6]]
    assert [node.label for node in a] == ["a_1", "a_2", "a_3"]
    by_autograd = {row.quantity: row.by_autograd for row in example.rows}
    assert [a_j.grad for a_j in a] == [by_autograd[f"delta_j={j}"] for j in (1, 2, 3)]


def test_it_is_the_same_in_every_run() -> None:
    assert str(worked_example()) == str(worked_example())
    assert worked_example().rows == worked_example().rows


def test_a_fault_in_the_equations_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden_errors = backprop.hidden_errors
    monkeypatch.setattr(
        backprop, "hidden_errors", lambda *args: [d * (1 + 1e-6) for d in hidden_errors(*args)]
    )
    example = worked_example()
    assert not example.agrees
    assert {row.quantity for row in example.rows if not row.agrees} >= {"delta_j=1", "dE/dw1_11"}
    assert "THE THREE WAYS DISAGREE in delta_j=1" in str(example)


def test_a_fault_in_autograd_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[worked_example.__module__]
    square = module.square
    monkeypatch.setattr(module, "square", lambda v: square(v) * (1 + 1e-9))
    assert not worked_example().agrees


def test_a_fault_in_the_differences_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "sum_of_squares", lambda y, t: 1.0000001 * y[0])
    example = worked_example()
    assert max(row.autograd_disagreement for row in example.rows) <= ROUNDING_TOLERANCE
    assert max(row.difference_disagreement for row in example.rows) > DIFFERENCE_TOLERANCE
    assert not example.agrees


ROW = Row("E", "total", 1.0, 1.0, 1.0, scale=2.0)


@pytest.mark.parametrize(
    ("row", "disagreement", "agrees"),
    [
        (ROW, 0.0, True),
        (replace(ROW, by_differences=None), 0.0, True),
        (replace(ROW, by_autograd=1.0 + 1e-12), 5e-13, True),
        (replace(ROW, by_autograd=1.0 + 1e-11), 5e-12, False),
        (replace(ROW, by_differences=1.0 + 2e-10), 1e-10, True),
        (replace(ROW, by_differences=1.0 + 2e-9), 1e-9, False),
        (replace(ROW, by_autograd=math.nan), math.inf, False),
        (replace(ROW, by_equations=math.nan), math.inf, False),
        (replace(ROW, by_equations=0.0, by_autograd=0.0, by_differences=0.0, scale=0.0), 0.0, True),
        (replace(ROW, by_autograd=2.0, scale=0.0), math.inf, False),
    ],
)
def test_a_row_agrees_within_its_tolerances(row: Row, disagreement: float, agrees: bool) -> None:
    assert row.disagreement == pytest.approx(disagreement, rel=1e-3)
    assert row.agrees is agrees


def test_the_text_is_a_table_of_aligned_columns() -> None:
    lines = str(worked_example(point=2)).splitlines()
    assert lines[0] == (
        "Two-layer network: 2 inputs, 3 hidden units (logistic sigmoid), 2 linear outputs"
    )
    start = lines.index("Data point n = 2 of 4")
    table = lines[start + 1 : lines.index("", start)]
    assert len({len(line) for line in table}) == 1
    assert table[3].split() == ["a_1", "pre-activation", "-0.46000000", "-0.46000000", "—", "0"]
    assert lines[-1] == "The three ways agree"
    assert "h'(a_j) = 1 - z_j^2" in str(worked_example(activation="tanh"))


def test_a_network_of_one_unit_a_layer() -> None:
    example = worked_example([[[0.1, 0.2]], [[0.3, 0.4]]], [[1.0]], [[0.5]])
    assert str(example).startswith("Two-layer network: 1 input, 1 hidden unit (logistic")
    assert example.agrees


def test_numbers_whose_squares_underflow_agree_too() -> None:
    assert worked_example([[[0.0, 0.0]], [[0.0, 0.0]]], [[0.0]], [[1e-265]]).agrees


def test_weights_of_two_digits_are_told_apart() -> None:
    example = worked_example([[[0.1, 0.2]] * 11, [[0.1] * 12]], [[1.0]], [[0.5]])
    names = [row.quantity for row in example.rows]
    assert len(set(names)) == len(names)
    assert {"dE_n/dw1_11", "dE_n/dw1_11,1", "dE_n/dw2_1,11"} < set(names)


def test_rows_are_dicts_for_programs() -> None:
    rows = [row.to_dict() for row in worked_example().rows]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows[0] == {
        "quantity": "x_1",
        "equation": "input",
        "by_equations": 0.5,
        "by_autograd": 0.5,
        "by_differences": None,
        "scale": 0.5,
        "disagreement": 0.0,
        "agrees": True,
    }


def test_a_network_of_values_takes_the_weights() -> None:
    network = two_layer_network(WEIGHTS, "tanh")
    assert network.layers[0].neurons[1].b.data == -0.2
    assert [w.data for w in network.layers[1].neurons[0].w] == [0.9, -0.4, 0.5]
    assert repr(network.layers[0].neurons[0]) == "tanhNeuron(2)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"point": 0}, "no data point 0: they are numbered 1 to 4"),
        ({"point": 5}, "no data point 5: they are numbered 1 to 4"),
        ({"activation": "relu"}, "logistic or tanh, not 'relu'"),
        ({"weights": WEIGHTS[:1]}, "two matrices of weights, not 1"),
        ({"targets": TARGETS[:3]}, "4 rows of inputs need as many of targets, not 3"),
        ({"inputs": [[1.0]] * 4}, "unit 1 of layer 1 needs 2 weights"),
        ({"targets": [[1.0]] * 4}, "2 outputs need as many targets, not 1"),
        ({"weights": [WEIGHTS[0], [[1.0, 2.0]]]}, "unit 1 of layer 2 needs 4 weights"),
        ({"weights": [[], []]}, "layer 1 has no unit"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        worked_example(**arguments)


def test_numbers_beyond_the_largest_float_are_refused() -> None:
    with pytest.raises(OverflowError):
        worked_example(targets=[[1e200, 0.0]] * 4)
