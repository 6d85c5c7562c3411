"""The equations by hand: against central differences, autograd and a published example."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp import MLP, Value, fsum, square
from micrograd_bp.book.backprop import (
    ACTIVATIONS,
    backpropagation,
    forward_propagation,
    gradient_step,
    hidden_errors,
    logistic,
    output_errors,
    sum_of_squares,
    total_derivatives,
    total_error,
)

ACTIVATION_NAMES = st.sampled_from(sorted(ACTIVATIONS))
SIZES = st.lists(st.integers(1, 5), min_size=2, max_size=5)


def numbers(n: int, bound: float = 1.0) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(-bound, bound, allow_subnormal=False), min_size=n, max_size=n)


@st.composite
def networks(draw: Any) -> dict[str, Any]:
    """A network of any depth and sizes, with one data point: the arguments of backprop.py."""
    sizes = draw(SIZES)
    return {
        "weights": [
            [draw(numbers(1 + n_in)) for _ in range(n_out)] for n_in, n_out in pairwise(sizes)
        ],
        "x": draw(numbers(sizes[0], 2.0)),
        "t": draw(numbers(sizes[-1], 2.0)),
        "hidden": draw(ACTIVATION_NAMES),
        "output": draw(ACTIVATION_NAMES),
    }


def error_of(weights: Any, x: Any, t: Any, hidden: str, output: str) -> float:
    return sum_of_squares(forward_propagation(weights, x, hidden, output).y, t)


def autograd(
    weights: Any, x: Any, t: Any, hidden: str, output: str
) -> tuple[MLP, list[Value], Value]:
    """The same network of Values, its outputs, and its error after a backward pass."""
    network = MLP(len(x), [len(matrix) for matrix in weights], hidden, output, seed=0)
    for layer, matrix in zip(network.layers, weights, strict=True):
        for neuron, w_j in zip(layer.neurons, matrix, strict=True):
            for parameter, w_ji in zip([neuron.b, *neuron.w], w_j, strict=True):
                parameter.data = w_ji
    outputs = network(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    error = 0.5 * fsum(square(y_k - t_k) for y_k, t_k in zip(outputs, t, strict=True))
    error.backward()
    return network, outputs, error


def layers_of_nodes(
    network: MLP, outputs: list[Value], hidden: str, output: str
) -> list[tuple[list[Value], list[Value]]]:
    """(the a_j, the z_i that they receive) of each layer, found by walking the graph."""
    found = []
    activations = outputs
    for index, layer in reversed(list(enumerate(network.layers))):
        name = output if index == len(network.layers) - 1 else hidden
        a = [z_j if name == "linear" else z_j.parents[0] for z_j in activations]
        n_inputs = len(layer.neurons[0].w)
        activations = list(a[0].parents[n_inputs : 2 * n_inputs])
        found.insert(0, (a, activations))
    return found


@given(networks())
def test_derivatives_are_those_of_central_differences(problem: dict[str, Any]) -> None:
    derivatives = backpropagation(**problem).derivatives
    scale = 1.0 + error_of(**problem)
    h = 6e-6
    for matrix, row_derivatives in zip(problem["weights"], derivatives, strict=True):
        for w_j, expected in zip(matrix, row_derivatives, strict=True):
            for i, w_ji in enumerate(list(w_j)):
                w_j[i] = w_ji + h
                above = error_of(**problem)
                w_j[i] = w_ji - h
                below = error_of(**problem)
                w_j[i] = w_ji
                assert (above - below) / (2 * h) == pytest.approx(expected[i], abs=1e-8 * scale)


@given(networks())
def test_errors_and_derivatives_are_those_of_autograd(problem: dict[str, Any]) -> None:
    backward = backpropagation(**problem)
    network, outputs, error = autograd(**problem)
    assert error.data == pytest.approx(error_of(**problem), rel=1e-12, abs=1e-300)
    tolerance = 1e-12 * (1.0 + error.data)
    nodes = layers_of_nodes(network, outputs, problem["hidden"], problem["output"])
    for layer, deltas, derivatives, (a, _) in zip(
        network.layers, backward.deltas, backward.derivatives, nodes, strict=True
    ):
        assert [a_j.grad for a_j in a] == pytest.approx(deltas, rel=1e-12, abs=tolerance)
        for neuron, row in zip(layer.neurons, derivatives, strict=True):
            grads = [neuron.b.grad, *(w.grad for w in neuron.w)]
            assert grads == pytest.approx(row, rel=1e-12, abs=tolerance)


@given(networks())
def test_between_nodes_the_derivative_by_a_weight_is_delta_j_times_z_i(
    problem: dict[str, Any],
) -> None:
    network, outputs, _ = autograd(**problem)
    nodes = layers_of_nodes(network, outputs, problem["hidden"], problem["output"])
    for layer, (a, z) in zip(network.layers, nodes, strict=True):
        for neuron, a_j in zip(layer.neurons, a, strict=True):
            delta_j = a_j.grad
            assert neuron.b.grad == delta_j
            assert [w.grad for w in neuron.w] == [delta_j * z_i.data for z_i in z]


@given(networks())
def test_between_nodes_delta_j_is_the_backpropagation_formula(problem: dict[str, Any]) -> None:
    network, outputs, _ = autograd(**problem)
    nodes = layers_of_nodes(network, outputs, problem["hidden"], problem["output"])
    h_prime = ACTIVATIONS[problem["hidden"]].derivative
    for (a, _), above, (a_above, z) in zip(nodes, network.layers[1:], nodes[1:], strict=False):
        for j, (a_j, z_j) in enumerate(zip(a, z, strict=True)):
            terms = [
                neuron.w[j].data * a_k.grad
                for neuron, a_k in zip(above.neurons, a_above, strict=True)
            ]
            size = sum(map(abs, terms))
            assert a_j.grad == pytest.approx(
                h_prime(z_j.data) * math.fsum(terms), rel=1e-12, abs=1e-14 * size + 1e-300
            )


@settings(max_examples=30)
@given(networks(), st.data())
def test_totals_are_sums_over_the_data_points(problem: dict[str, Any], data: Any) -> None:
    weights, hidden, output = problem["weights"], problem["hidden"], problem["output"]
    inputs = data.draw(st.lists(numbers(len(problem["x"])), min_size=1, max_size=5))
    targets = [data.draw(numbers(len(problem["t"]))) for _ in inputs]
    points = list(zip(inputs, targets, strict=True))
    errors = [error_of(weights, x, t, hidden, output) for x, t in points]
    assert total_error(weights, inputs, targets, hidden, output) == math.fsum(errors)
    each = [backpropagation(weights, x, t, hidden, output).derivatives for x, t in points]
    totals = total_derivatives(weights, inputs, targets, hidden, output)
    for layer, matrix in enumerate(totals):
        for j, row in enumerate(matrix):
            for i, total in enumerate(row):
                terms = [derivatives[layer][j][i] for derivatives in each]
                size = sum(map(abs, terms))
                assert total == pytest.approx(math.fsum(terms), abs=1e-14 * size)


# Mazur, "A Step by Step Backpropagation Example": 2-2-2, logistic units everywhere.
MAZUR = {
    "weights": [
        [[0.35, 0.15, 0.20], [0.35, 0.25, 0.30]],
        [[0.60, 0.40, 0.45], [0.60, 0.50, 0.55]],
    ],
    "x": [0.05, 0.10],
    "t": [0.01, 0.99],
    "hidden": "logistic",
    "output": "logistic",
}
MAZUR_STEPPED = [
    [[0.149780716, 0.19956143], [0.24975114, 0.29950229]],
    [[0.35891648, 0.408666186], [0.511301270, 0.561370121]],
]


def without_biases(weights: Any) -> list[list[list[float]]]:
    return [[list(row[1:]) for row in matrix] for matrix in weights]


def test_mazurs_example_by_the_equations() -> None:
    derivatives = backpropagation(**MAZUR).derivatives
    assert error_of(**MAZUR) == pytest.approx(0.298371109, abs=5e-10)
    assert derivatives[1][0][1] == pytest.approx(0.082167041, abs=5e-10)
    assert derivatives[0][0][1] == pytest.approx(0.000438568, abs=5e-10)
    stepped = without_biases(gradient_step(MAZUR["weights"], derivatives, rate=0.5))
    for matrix, published in zip(stepped, MAZUR_STEPPED, strict=True):
        for row, expected in zip(matrix, published, strict=True):
            assert row == pytest.approx(expected, abs=5e-9)


def test_mazurs_example_by_autograd() -> None:
    network, _, error = autograd(**MAZUR)
    hidden, output = network.layers
    assert error.data == pytest.approx(0.298371109, abs=5e-10)
    assert output.neurons[0].w[0].grad == pytest.approx(0.082167041, abs=5e-10)
    assert hidden.neurons[0].w[0].grad == pytest.approx(0.000438568, abs=5e-10)
    for layer, matrix in zip(network.layers, MAZUR_STEPPED, strict=True):
        for neuron, expected in zip(layer.neurons, matrix, strict=True):
            stepped = [w.data - 0.5 * w.grad for w in neuron.w]
            assert stepped == pytest.approx(expected, abs=5e-9)


@pytest.mark.parametrize("a", [-1e308, -745.0, -37.0, -1.0, 0.0, 1.0, 37.0, 1e308])
def test_the_logistic_sigmoid_neither_overflows_nor_loses_its_tail(a: float) -> None:
    expected = 0.0 if a < -745.0 else math.exp(min(a, 0.0)) / (1.0 + math.exp(-abs(a)))
    assert logistic(a) == pytest.approx(expected, rel=1e-15)


def test_the_inputs_of_a_network_are_left_alone() -> None:
    weights, x, t = [[[0.0, 1.0]], [[1.0, 2.0]]], [1.0], [0.5]
    backpropagation(weights, x, t)
    total_derivatives(weights, [x], [t])
    gradient_step(weights, weights, 0.1)
    assert (weights, x, t) == ([[[0.0, 1.0]], [[1.0, 2.0]]], [1.0], [0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: forward_propagation([], [1.0]), "no layer"),
        (lambda: forward_propagation([[]], [1.0]), "layer 1 has no unit"),
        (
            lambda: forward_propagation([[[0.0, 1.0]], [[1.0]]], [1.0]),
            "unit 1 of layer 2 needs 2 weights, the bias and one for each of its 1 inputs, "
            "and has 1",
        ),
        (lambda: forward_propagation([[[0.0, 1.0]]], [1.0], output="relu"), "called 'relu'"),
        (lambda: backpropagation([[[0.0, 1.0]]], [1.0], [1.0, 2.0]), "1 outputs need as many"),
        (lambda: sum_of_squares([1.0], []), "1 outputs need as many targets, not 0"),
        (lambda: total_error([[[0.0, 1.0]]], [[1.0]], []), "1 rows of inputs"),
        (lambda: total_derivatives([[[0.0, 1.0]]], [[1.0]], []), "1 rows of inputs"),
        (lambda: hidden_errors([0.5], [[1.0, 2.0]], [1.0, 2.0]), "2 rows of 2"),
        (lambda: hidden_errors([0.5], [[1.0]], [1.0]), "1 rows of 2"),
        (
            lambda: output_errors(forward_propagation([[[0.0, 1.0]]], [1.0]), [1.0], "h"),
            "called 'h'",
        ),
        (lambda: gradient_step([[[1.0]]], [[[1.0, 2.0]]], 0.1), "the shape of the weights"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("y", [1e200, math.inf, math.nan])
def test_an_error_that_is_not_finite_is_refused(y: float) -> None:
    with pytest.raises(OverflowError, match="beyond the largest float"):
        sum_of_squares([y], [0.0])
