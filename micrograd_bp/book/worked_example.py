"""The two-layer network computed three ways, side by side, unit by unit.

Sigmoidal hidden units, linear outputs and the sum-of-squares error (Bishop & Bishop, Deep
Learning, 2024, section 8.1). Every quantity is computed by the equations (backprop.py), by
autograd, where the error delta_j is read off as the grad of the node a_j, and, if it is a
derivative, by central differences of the error E (differences.py, which also says how far apart
the three may be).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..elementary import square
from ..engine import Value, fsum
from ..nn import MLP, weight_label
from ..text.names import derivative_cell
from ..text.numbers import decimals
from ..text.tables import Cell, Readable, TextTable
from .backprop import (
    SIGMOIDAL,
    Matrix,
    Vector,
    Weights,
    backpropagation,
    forward_propagation,
    sum_of_squares,
    total_derivatives,
    total_error,
)
from .differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE, CentralDifferences, terms_scale

WEIGHTS = [
    [[0.1, 0.4, -0.6], [-0.2, 0.7, 0.3], [0.3, -0.5, 0.8]],
    [[0.2, 0.9, -0.4, 0.5], [-0.1, -0.3, 0.6, 0.8]],
]
"""The matrices w1 and w2 of the default example: 2 inputs, 3 hidden units, 2 outputs."""
INPUTS = [[0.5, -1.0], [-0.8, 0.4], [1.2, 0.9], [-0.3, -0.7]]
"""The inputs x of its four data points, one row a data point."""
TARGETS = [[1.0, 0.2], [0.4, 0.9], [0.7, 1.1], [0.9, -0.1]]
"""Their targets t."""

EQUATIONS = {
    "pre-activation": "a_j = sum_i w^(1)_ji x_i, with x_0 = 1 for the bias",
    "activation": "z_j = h(a_j), {h}",
    "output": "y_k = sum_j w^(2)_kj z_j, with z_0 = 1 for the bias",
    "sum of squares": "E_n = 1/2 sum_k (y_k - t_k)^2",
    "output error": "delta_k = y_k - t_k",
    "backpropagation formula": "delta_j = h'(a_j) sum_k w^(2)_kj delta_k",
    "chain rule for a weight": "dE_n/dw^(1)_ji = delta_j x_i, dE_n/dw^(2)_kj = delta_k z_j",
    "total": "E = sum_n E_n, dE/dw = sum_n dE_n/dw",
    "numerical check": "dE_n/dw = (E_n(w + h) - E_n(w - h)) / 2h + O(h^2)",
}
SIGMOIDS = {  # the two readings of "sigmoidal"
    "logistic": "h(a) = 1 / (1 + exp(-a)), h'(a_j) = z_j (1 - z_j)",
    "tanh": "h(a) = tanh(a), h'(a_j) = 1 - z_j^2",
}
FORMULAS = {  # the equations as LaTeX
    "pre-activation": r"a_j = \sum_i w^{(1)}_{ji} x_i, \quad x_0 = 1 \text{ for the bias}",
    "activation": "z_j = h(a_j), \\quad {h}",
    "output": r"y_k = \sum_j w^{(2)}_{kj} z_j, \quad z_0 = 1 \text{ for the bias}",
    "sum of squares": r"E_n = \frac{1}{2} \sum_k (y_k - t_k)^2",
    "output error": r"\delta_k = y_k - t_k",
    "backpropagation formula": r"\delta_j = h'(a_j) \sum_k w^{(2)}_{kj} \delta_k",
    "chain rule for a weight": r"\frac{\partial E_n}{\partial w^{(1)}_{ji}} = \delta_j x_i, \quad"
    r" \frac{\partial E_n}{\partial w^{(2)}_{kj}} = \delta_k z_j",
    "total": r"E = \sum_n E_n, \quad"
    r" \frac{\partial E}{\partial w} = \sum_n \frac{\partial E_n}{\partial w}",
    "numerical check": r"\frac{\partial E_n}{\partial w} ="
    r" \frac{E_n(w + h) - E_n(w - h)}{2 h} + O(h^2)",
}
SIGMOID_FORMULAS = {
    "logistic": r"h(a) = \frac{1}{1 + e^{-a}}, \quad h'(a_j) = z_j (1 - z_j)",
    "tanh": r"h(a) = \tanh(a), \quad h'(a_j) = 1 - z_j^2",
}


@dataclass(frozen=True)
class Row:
    """One quantity of the network, computed three ways.

    Attributes:
        quantity: its name as a label, such as "delta_j=2" or "dE_n/dw1_31", which a table shows
            as dE_n/dw^(1)_31.
        equation: the equation that gives it, by name (``EQUATIONS``).
        by_equations, by_autograd: its value.
        by_differences: its value by central differences; None if it is no derivative.
        scale: what a disagreement is measured against (differences.py).

    >>> row = Row("delta_k=1", "output error", 0.5, 0.5, by_differences=0.6, scale=0.5)
    >>> row.autograd_disagreement, round(row.difference_disagreement, 6), row.agrees
    (0.0, 0.2, False)
    """

    quantity: str
    equation: str
    by_equations: float
    by_autograd: float
    by_differences: float | None
    scale: float

    @property
    def autograd_disagreement(self) -> float:
        """|equations - autograd| / scale."""
        return _relative(self.by_equations, self.by_autograd, self.scale)

    @property
    def difference_disagreement(self) -> float:
        """|equations - central differences| / scale, 0 without central differences."""
        if self.by_differences is None:
            return 0.0
        return _relative(self.by_equations, self.by_differences, self.scale)

    @property
    def disagreement(self) -> float:
        """The larger of the two."""
        return max(self.autograd_disagreement, self.difference_disagreement)

    @property
    def agrees(self) -> bool:
        """Whether each of the two is within its tolerance."""
        return (
            self.autograd_disagreement <= ROUNDING_TOLERANCE
            and self.difference_disagreement <= DIFFERENCE_TOLERANCE
        )

    def to_dict(self) -> dict[str, Any]:
        """The row for programs: strings, floats and None.

        >>> worked_example().rows[0].to_dict()["quantity"]
        'x_1'
        """
        return {**vars(self), "disagreement": self.disagreement, "agrees": self.agrees}


@dataclass(frozen=True, repr=False)
class WorkedExample(Readable):
    """The table of a two-layer network; a terminal shows it as text, a notebook as a table.

    Attributes:
        sizes: the numbers of inputs, hidden units and outputs.
        activation: h of the hidden units, "logistic" or "tanh".
        point: n of the data point shown, from 1.
        n_points: the number of data points.
        point_rows: the rows of the data point.
        total_rows: the rows of the totals over all data points.
        network: the network of Values that the data point was propagated through.
        error: its error E_n, the root of the computation graph, after ``backward()``.

    >>> example: WorkedExample = worked_example(point=2)
    >>> example.sizes, example.point, example.n_points, example.agrees
    ((2, 3, 2), 2, 4, True)
    >>> w_31 = example.network.layers[0].neurons[2].w[0]
    >>> w_31.grad == next(r.by_autograd for r in example.rows if r.quantity == "dE_n/dw1_31")
    True
    """

    sizes: tuple[int, int, int]
    activation: str
    point: int
    n_points: int
    point_rows: list[Row]
    total_rows: list[Row]
    network: MLP
    error: Value

    @property
    def rows(self) -> list[Row]:
        """All rows, the totals last."""
        return self.point_rows + self.total_rows

    @property
    def largest_disagreement(self) -> float:
        """The largest disagreement of any row, relative to its scale."""
        return max(row.disagreement for row in self.rows)

    @property
    def agrees(self) -> bool:
        """Whether the three ways agree within tolerance in every row."""
        return all(row.agrees for row in self.rows)

    def _blocks(self) -> Iterator[str | TextTable]:
        n_inputs, n_hidden, n_outputs = (
            f"{size} {name}{'s' * (size != 1)}"
            for size, name in zip(self.sizes, ("input", "hidden unit", "linear output"))
        )
        name = {"logistic": "logistic sigmoid"}.get(self.activation, self.activation)
        yield f"Two-layer network: {n_inputs}, {n_hidden} ({name}), {n_outputs}"
        yield TextTable("ll", self._equations(), indent="  ")
        yield _table(self.point_rows, f"Data point n = {self.point} of {self.n_points}")
        yield _table(self.total_rows, f"Total over n = 1, ..., {self.n_points}")
        yield "\n".join(self._verdict())

    def _equations(self) -> list[list[str | Cell]]:
        h, formula_of_h = SIGMOIDS[self.activation], SIGMOID_FORMULAS[self.activation]
        return [
            [name, Cell(text.format(h=h), FORMULAS[name].replace("{h}", formula_of_h))]
            for name, text in EQUATIONS.items()
        ]

    def _verdict(self) -> list[str]:
        autograd = max(row.autograd_disagreement for row in self.rows)
        differences = max(row.difference_disagreement for row in self.rows)
        failed = [row.quantity for row in self.rows if not row.agrees]
        return [
            f"Largest disagreement: {self.largest_disagreement:.1e} of the scale of its quantity",
            f"  equations and autograd:            {autograd:.1e}, tolerance {ROUNDING_TOLERANCE}",
            f"  equations and central differences: {differences:.1e},"
            f" tolerance {DIFFERENCE_TOLERANCE:.1e}",
            f"THE THREE WAYS DISAGREE in {', '.join(failed)}" if failed else "The three ways agree",
        ]


def worked_example(
    weights: Weights = WEIGHTS,
    inputs: Matrix = INPUTS,
    targets: Matrix = TARGETS,
    *,
    point: int = 1,
    activation: str = "logistic",
) -> WorkedExample:
    """Compute a two-layer network three ways, for one data point and in total.

    Args:
        weights: the matrices w1 and w2, each row a unit's bias and weights.
        inputs: x, one row a data point.
        targets: t, one row a data point.
        point: n of the data point to show unit by unit, from 1.
        activation: h of the hidden units, "logistic" or "tanh".

    Returns:
        The table, and the network and computation graph of the data point.

    Raises:
        ValueError: the shapes do not match, there is no such data point, or h is another.
        OverflowError: a number on the way is beyond the largest float.

    >>> example = worked_example()
    >>> example.agrees
    True
    >>> row = example.point_rows[12]
    >>> row.quantity, row.equation
    ('E_n', 'sum of squares')
    """
    if activation not in SIGMOIDAL:
        raise ValueError(f"the hidden units are {' or '.join(SIGMOIDAL)}, not {activation!r}")
    if len(weights) != 2:
        raise ValueError(f"a two-layer network has two matrices of weights, not {len(weights)}")
    if not 1 <= point <= len(inputs):
        raise ValueError(f"there is no data point {point}: they are numbered 1 to {len(inputs)}")
    x, t = inputs[point - 1], targets[point - 1]
    total_rows = list(_total_rows(weights, inputs, targets, activation))
    x, t = inputs[point - 1], targets[point - 1]
    network = two_layer_network(weights, activation)
    graph = _propagate(network, x, t)
    return WorkedExample(
        sizes=(len(x), len(weights[0]), len(weights[1])),
        activation=activation,
        point=point,
        n_points=len(inputs),
        point_rows=_point_rows(weights, x, t, activation, network, graph),
        total_rows=total_rows,
        network=network,
        error=graph.error,
    )


def two_layer_network(weights: Weights, activation: str = "logistic") -> MLP:
    """A network of Values with given weights: sigmoidal hidden units and linear outputs.

    Args:
        weights: the matrices w1 and w2, each row a unit's bias and weights.
        activation: h of the hidden units, "logistic" or "tanh".

    Raises:
        TypeError: a weight is no number.
        ValueError: there are not two matrices, a row has not a weight for the bias and for each
            unit below, or h is not known.

    >>> two_layer_network(WEIGHTS)([0.5, -1.0])[0].label
    'y_1'
    """
    w1, w2 = weights
    network = MLP(len(w1[0]) - 1, [len(w1), len(w2)], hidden=activation, seed=0)
    for layer, matrix in zip(network.layers, weights):
        for neuron, w_j in zip(layer.neurons, matrix):
            for parameter, w_ji in zip([neuron.b, *neuron.w], w_j, strict=True):
                parameter.data = w_ji
    return network


class _Graph(NamedTuple):
    """The nodes of the computation graph of E_n."""

    x: list[Value]
    a: list[Value]
    z: list[Value]
    y: list[Value]
    t: list[Value]
    error: Value


def _propagate(network: MLP, x: Vector, t: Vector) -> _Graph:
    """Record E_n as a computation graph and propagate backwards from it."""
    x_nodes = [Value(x_i, f"x_{i}") for i, x_i in enumerate(x, start=1)]
    t_nodes = [Value(t_k, f"t_{k}") for k, t_k in enumerate(t, start=1)]
    outputs = network(x_nodes)
    y = outputs if isinstance(outputs, list) else [outputs]
    n_hidden = len(network.layers[0].neurons)
    z = y[0].parents[n_hidden : 2 * n_hidden]  # after the weights, before the bias
    a = [z_j.parents[0] for z_j in z]
    error = 0.5 * fsum(square(y_k - t_k) for y_k, t_k in zip(y, t_nodes, strict=True))
    error.label = "E_n"
    error.backward()
    return _Graph(x_nodes, a, list(z), y, t_nodes, error)


def _point_rows(
    weights: Weights, x: Vector, t: Vector, activation: str, network: MLP, graph: _Graph
) -> list[Row]:
    forward = forward_propagation(weights, x, activation)
    backward = backpropagation(weights, x, t, activation)
    differences = CentralDifferences(weights, [x], [t], activation)
    (a, _), (z, y), (delta_j, delta_k) = forward.a, forward.z, backward.deltas
    error = sum_of_squares(y, t)
    return [
        *_values("x", "input", x, graph.x, [abs(x_i) for x_i in x]),
        *_values("a", "pre-activation", a, graph.a, [terms_scale(w_j, x) for w_j in weights[0]]),
        *_values("z", "activation", z, graph.z, [1.0] * len(z)),
        *_values("y", "output", y, graph.y, differences.unit_steps[1]),
        *_values("t", "target", t, graph.t, [abs(t_k) for t_k in t]),
        Row("E_n", "sum of squares", error, graph.error.data, None, differences.scale),
        *_errors("k", "output error", delta_k, graph.y, differences, layer=1),
        *_errors("j", "backpropagation formula", delta_j, graph.a, differences, layer=0),
        *_derivatives(
            "dE_n", "chain rule for a weight", backward.derivatives, network, differences
        ),
    ]


def _total_rows(
    weights: Weights, inputs: Matrix, targets: Matrix, activation: str
) -> Iterator[Row]:
    error = total_error(weights, inputs, targets, activation)
    network = two_layer_network(weights, activation)
    errors = [_propagate(network, x, t).error.data for x, t in zip(inputs, targets)]
    # Each backward pass has added its dE_n/dw to the grad of w: the grads are the totals now.
    differences = CentralDifferences(weights, inputs, targets, activation)
    yield Row("E", "total", error, fsum(errors), None, differences.scale)
    derivatives = total_derivatives(weights, inputs, targets, activation)
    yield from _derivatives("dE", "total", derivatives, network, differences)


def _values(
    name: str, equation: str, numbers: Vector, nodes: list[Value], scales: Vector
) -> Iterator[Row]:
    for i, (number, node, scale) in enumerate(zip(numbers, nodes, scales), start=1):
        yield Row(f"{name}_{i}", equation, number, node.data, None, scale)


def _errors(
    index: str,
    equation: str,
    deltas: Vector,
    nodes: list[Value],
    differences: CentralDifferences,
    layer: int,
) -> Iterator[Row]:
    """The errors delta = dE_n/da of a layer, by autograd the grads of the nodes a."""
    for j, (delta, node) in enumerate(zip(deltas, nodes)):
        derivative, scale = differences.by_pre_activation(layer, j)
        yield Row(f"delta_{index}={j + 1}", equation, delta, node.grad, derivative, scale)


def _derivatives(
    error: str,
    equation: str,
    derivatives: Weights,
    network: MLP,
    differences: CentralDifferences,
) -> Iterator[Row]:
    """The derivatives of the error by each weight of both layers."""
    for layer, matrix in enumerate(derivatives):
        for j, (row, neuron) in enumerate(zip(matrix, network.layers[layer].neurons)):
            for i, (by_equations, w) in enumerate(zip(row, [neuron.b, *neuron.w], strict=True)):
                name = f"{error}/dw{layer + 1}{weight_label(j + 1, i)[1:]}"
                derivative, scale = differences.by_weight(layer, j, i)
                yield Row(name, equation, by_equations, w.grad, derivative, scale)


def _relative(a: float, b: float, scale: float) -> float:
    if a == b:
        return 0.0
    ratio = abs(a - b) / scale if scale else math.inf
    return math.inf if math.isnan(ratio) else ratio


def _table(rows: Sequence[Row], caption: str) -> TextTable:
    headings = (
        "quantity",
        "equation",
        "by equations",
        "by autograd",
        "by differences",
        "disagreement",
    )
    cells: list[list[str | Cell]] = [
        [
            derivative_cell(row.quantity),
            row.equation,
            decimals(row.by_equations),
            decimals(row.by_autograd),
            "—" if row.by_differences is None else decimals(row.by_differences),
            f"{row.disagreement:.0e}" if row.disagreement else "0",
        ]
        for row in rows
    ]
    return TextTable("llrrrr", cells, headings, caption)
