"""The two-layer network computed three ways, side by side, unit by unit.

Sigmoidal hidden units, linear outputs and the sum-of-squares error (Bishop & Bishop, Deep
Learning, 2024, section 8.1). Every quantity is computed by the equations (backprop.py), by
autograd, where the error delta_j is read off as the grad of the node a_j, and, if it is a
derivative, by central differences of the error E (differences.py, which also says how far apart
the three may be).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

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
from .columns import MANY, Progress
from .differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE, CentralDifferences, terms_scale
from .rows import Kind, Row, Rows, shortened

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


@dataclass(frozen=True, repr=False)
class WorkedExample(Readable):
    """The table of a two-layer network; a terminal shows it as text, a notebook as a table.

    Attributes:
        sizes: the numbers of inputs, hidden units and outputs.
        activation: h of the hidden units, "logistic" or "tanh".
        point: n of the data point shown, from 1.
        n_points: the number of data points.
        point_rows: the rows of the data point, a sequence.
        total_rows: the rows of the totals over all data points, likewise.
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
    point_rows: Rows
    total_rows: Rows
    network: MLP
    error: Value

    @property
    def rows(self) -> list[Row]:
        """All rows, the totals last."""
        return [*self.point_rows, *self.total_rows]

    @property
    def largest_disagreement(self) -> float:
        """The largest disagreement of any row, relative to its scale."""
        return max(self._largest_disagreements)

    @property
    def agrees(self) -> bool:
        """Whether the three ways agree within tolerance in every row."""
        autograd, differences = self._largest_disagreements
        return autograd <= ROUNDING_TOLERANCE and differences <= DIFFERENCE_TOLERANCE

    @property
    def _largest_disagreements(self) -> tuple[float, float]:
        kinds = [*self.point_rows.kinds, *self.total_rows.kinds]
        return (
            max(kind.autograd_disagreement for kind in kinds),
            max(kind.difference_disagreement for kind in kinds),
        )

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
        left_out = sum(
            shortened(kind)[1] for rows in (self.point_rows, self.total_rows) for kind in rows.kinds
        )
        if left_out:
            yield (
                f"The tables leave out {left_out:,} rows, which count below:"
                " all are in --json, and here in .rows"
            )
        yield "\n".join(self._verdict())

    def _equations(self) -> list[list[str | Cell]]:
        h, formula_of_h = SIGMOIDS[self.activation], SIGMOID_FORMULAS[self.activation]
        return [
            [name, Cell(text.format(h=h), FORMULAS[name].replace("{h}", formula_of_h))]
            for name, text in EQUATIONS.items()
        ]

    def _verdict(self) -> list[str]:
        autograd, differences = self._largest_disagreements
        verdict = "The three ways agree"
        if not self.agrees:
            failed = [row.quantity for row in self.rows if not row.agrees]
            first, left_out, last = shortened(failed)
            more = [f"{left_out:,} more"] if left_out else []
            verdict = f"THE THREE WAYS DISAGREE in {', '.join([*first, *more, *last])}"
        return [
            f"Largest disagreement: {self.largest_disagreement:.1e} of the scale of its quantity",
            f"  equations and autograd:            {autograd:.1e}, tolerance {ROUNDING_TOLERANCE}",
            f"  equations and central differences: {differences:.1e},"
            f" tolerance {DIFFERENCE_TOLERANCE:.1e}",
            verdict,
        ]


def worked_example(
    weights: Weights = WEIGHTS,
    inputs: Matrix = INPUTS,
    targets: Matrix = TARGETS,
    *,
    point: int = 1,
    activation: str = "logistic",
    progress: Progress = iter,
) -> WorkedExample:
    """Compute a two-layer network three ways, for one data point and in total.

    Args:
        weights: the matrices w1 and w2, each row a unit's bias and weights.
        inputs: x, one row a data point.
        targets: t, one row a data point.
        point: n of the data point to show unit by unit, from 1.
        activation: h of the hidden units, "logistic" or "tanh".
        progress: what the units are handed through as the differences of the totals are taken.

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
    error = total_error(weights, inputs, targets, activation)  # refuses what does not fit
    network = two_layer_network(weights, activation)
    total_rows = Rows(_total_rows(error, weights, inputs, targets, activation, network, progress))
    graph = _propagate(network, x, t)
    return WorkedExample(
        sizes=(len(x), len(weights[0]), len(weights[1])),
        activation=activation,
        point=point,
        n_points=len(inputs),
        point_rows=Rows(_point_rows(weights, x, t, activation, network, graph)),
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


def _autograd_totals(network: MLP, inputs: Matrix, targets: Matrix) -> tuple[float, Weights]:
    """E and dE/dw, summed over the data points; by a Program, where there are many."""
    weights = [[[neuron.b, *neuron.w] for neuron in layer.neurons] for layer in network.layers]
    if len(inputs) < MANY:
        errors = [_propagate(network, x, t).error.data for x, t in zip(inputs, targets)]
        # Each backward pass has added its dE_n/dw to the grad of w: the grads are the totals now.
        totals = [[[w.grad for w in row] for row in matrix] for matrix in weights]
        network.zero_grad()
        return fsum(errors), totals
    import numpy as np

    from ..program import Program

    graph = _propagate(network, inputs[0], targets[0])
    network.zero_grad()
    program = Program(graph.error, [*graph.x, *graph.t], [*chain(*chain(*weights))])
    try:
        error, gradient = program.value_and_grad(np.hstack([inputs, targets]))
    except FloatingPointError as fault:
        raise OverflowError(str(fault)) from None
    derivatives = iter(gradient.tolist())
    return error, [[[*islice(derivatives, len(row))] for row in matrix] for matrix in weights]


def _point_rows(
    weights: Weights, x: Vector, t: Vector, activation: str, network: MLP, graph: _Graph
) -> Iterator[Kind]:
    forward = forward_propagation(weights, x, activation)
    backward = backpropagation(weights, x, t, activation)
    differences = CentralDifferences(weights, [x], [t], activation)
    (a, _), (z, y), (delta_j, delta_k) = forward.a, forward.z, backward.deltas
    error = sum_of_squares(y, t)
    yield _values("x", "input", x, graph.x, [abs(x_i) for x_i in x])
    yield _values("a", "pre-activation", a, graph.a, [terms_scale(w_j, x) for w_j in weights[0]])
    yield _values("z", "activation", z, graph.z, [1.0] * len(z))
    yield _values("y", "output", y, graph.y, differences.unit_steps[1])
    yield _values("t", "target", t, graph.t, [abs(t_k) for t_k in t])
    yield _error("E_n", "sum of squares", error, graph.error.data, differences)
    yield _errors("k", "output error", delta_k, graph.y, differences, layer=1)
    yield _errors("j", "backpropagation formula", delta_j, graph.a, differences, layer=0)
    grads = [[[w.grad for w in (n.b, *n.w)] for n in layer.neurons] for layer in network.layers]
    chain_rule = "chain rule for a weight"
    yield from _derivatives("dE_n", chain_rule, backward.derivatives, grads, differences)


def _total_rows(
    error: float,
    weights: Weights,
    inputs: Matrix,
    targets: Matrix,
    activation: str,
    network: MLP,
    progress: Progress,
) -> Iterator[Kind]:
    differences = CentralDifferences(weights, inputs, targets, activation)
    derivatives = total_derivatives(weights, inputs, targets, activation)
    error_by_autograd, grads = _autograd_totals(network, inputs, targets)
    yield _error("E", "total", error, error_by_autograd, differences)
    yield from _derivatives("dE", "total", derivatives, grads, differences, progress)


def _values(name: str, equation: str, numbers: Vector, nodes: list[Value], scales: Vector) -> Kind:
    by_autograd = (node.data for node in nodes)
    return Kind(lambda i: f"{name}_{i + 1}", equation, numbers, by_autograd, None, scales)


def _error(
    name: str, equation: str, error: float, by_autograd: float, differences: CentralDifferences
) -> Kind:
    return Kind(lambda _: name, equation, [error], [by_autograd], None, [differences.scale])


def _errors(
    index: str,
    equation: str,
    deltas: Vector,
    nodes: list[Value],
    differences: CentralDifferences,
    layer: int,
) -> Kind:
    """The errors delta = dE_n/da of a layer, by autograd the grads of the nodes a."""
    found, scales = zip(*(differences.by_pre_activation(layer, j) for j in range(len(deltas))))
    grads = (node.grad for node in nodes)
    return Kind(lambda i: f"delta_{index}={i + 1}", equation, deltas, grads, found, scales)


def _derivatives(
    error: str,
    equation: str,
    derivatives: Weights,
    grads: Weights,
    differences: CentralDifferences,
    progress: Progress = iter,
) -> Iterator[Kind]:
    """The derivatives of the error by each weight of both layers."""
    units = [(layer, j) for layer, matrix in enumerate(derivatives) for j in range(len(matrix))]
    found_and_scales = iter([differences.by_weights(layer, j) for layer, j in progress(units)])
    for layer, matrix in enumerate(derivatives):
        n_inputs = len(matrix[0])

        def name(i: int, layer: int = layer, n_inputs: int = n_inputs) -> str:
            j, i = divmod(i, n_inputs)
            return f"{error}/dw{layer + 1}{weight_label(j + 1, i)[1:]}"

        found, scales = zip(*islice(found_and_scales, len(matrix)))
        rows = (matrix, grads[layer], found, scales)
        yield Kind(name, equation, *map(chain.from_iterable, rows))


def _table(rows: Rows, caption: str) -> TextTable:
    headings = (
        "quantity",
        "equation",
        "by equations",
        "by autograd",
        "by differences",
        "disagreement",
    )
    cells: list[list[str | Cell]] = []
    for kind in rows.kinds:
        first, left_out, last = shortened(kind)
        cells += map(_cells, first)
        if left_out:
            cells.append(["…", f"{left_out:,} more", *[""] * 4])
        cells += map(_cells, last)
    return TextTable("llrrrr", cells, headings, caption)


def _cells(row: Row) -> list[str | Cell]:
    return [
        derivative_cell(row.quantity),
        row.equation,
        decimals(row.by_equations),
        decimals(row.by_autograd),
        "—" if row.by_differences is None else decimals(row.by_differences),
        f"{row.disagreement:.0e}" if row.disagreement else "0",
    ]
