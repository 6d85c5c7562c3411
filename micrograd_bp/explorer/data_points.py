"""The data points of a page: the error E_n of one is recorded, the numbers of all are kept.

The page computes E_n for any of them by the same operations, and their total E, which is what
``fit`` makes small: it is ``fit`` that checks the data here too.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..engine import Value, topological_order
from ..functions import Function, sigmoid, softmax
from ..modes import changed
from ..numeric import show
from ..text.names import Name
from ..training.classes import coded
from ..training.columns import by_name
from ..training.losses import binary_cross_entropy, cross_entropy
from ..training.model_error import error_of, error_program, is_mean, number_of_outputs, points_of
from ..training.predicting import inputs_of, outputs_of
from ..training.settings import at_least_one, model_parameters, named_loss

MOST_POINTS = 1000  # what a page still draws
MOST_NODES = 100_000  # of all data points together, what it still adds up at once


class DataPoints(NamedTuple):
    """Data points, and the graph of one of them.

    Attributes:
        root: its error E_n.
        chosen: which it is, from 0.
        rows: the inputs and targets of each, numbers.
        inputs, targets, outputs: the Values of the graph that are x_i, t_k and y_k.
        weights: those that learn.
        is_mean: whether the total E is the mean of all E_n, and not their sum.
        link: what the loss makes of the outputs, sigmoid or softmax, if anything.
    """

    root: Value
    chosen: int
    rows: list[list[float]]
    inputs: list[Value]
    targets: list[Value]
    outputs: list[Value]
    weights: list[Value]
    is_mean: bool
    link: Function | None

    def to_json(self, order: Sequence[Value], names: Sequence[str]) -> dict[str, Any]:
        """The points for the page's script: Values by their place, -1 for those not used.

        Args:
            order: the nodes of the graph in topological order.
            names: what they are called, as rich texts.
        """
        place = {node: i for i, node in enumerate(order)}
        inputs, targets, outputs = (
            [place.get(node, -1) for node in group]
            for group in (self.inputs, self.targets, self.outputs)
        )
        called = {
            letter: [names[i] if i >= 0 else Name(letter, str(k)).rich for k, i in enumerate(at, 1)]
            for letter, at in (("x", inputs), ("t", targets), ("y", outputs))
        }
        shown = called["y"]
        if self.link is sigmoid:
            shown = [f"sigmoid({y})" for y in shown]
        elif self.link is softmax:
            shown = [Name("softmax(y)", str(k)).rich for k, _ in enumerate(shown, 1)]
        of_output = [min(k, len(targets) - 1) for k in range(len(outputs))]
        return {
            "rows": self.rows,
            "chosen": self.chosen,
            "inputs": inputs,
            "targets": targets,
            "outputs": outputs,
            "names": called,
            "shown": shown,
            "isMean": self.is_mean,
            "link": self.link.key if self.link else "",
            "way": self._on_the_way(order),
            "targetOf": of_output,
            "levels": [self._levels(len(inputs) + k) for k in of_output],
        }

    def _on_the_way(self, order: Sequence[Value]) -> list[int]:
        """The nodes to compute to get from the inputs to the outputs."""
        needed = {node for output in self.outputs for node in topological_order(output)}
        follows = {*self.inputs}
        for node in order:
            if node in needed and not follows.isdisjoint(node.parents):
                follows.add(node)
        return [i for i, node in enumerate(order) if node in follows and node.parents]

    def _levels(self, column: int) -> list[float]:
        """What a target is at least and at most."""
        if self.link:
            return [0.0, 1.0]
        targets = [row[column] for row in self.rows]
        low, high = min(targets), max(targets)
        return [low, high] if low < high else [low - 1.0, high + 1.0]


def record_points(model: Any, data: Any, loss: Any, point: int) -> DataPoints:
    """Check data points and record the error of one.

    Args:
        model, loss: as for ``fit``.
        data: inputs and targets (X, T), as for ``fit``.
        point: which to record, from 1.

    Raises:
        TypeError, ValueError, ArithmeticError: as by ``fit``; or there are too many data points,
            or not the one asked for.

    >>> from micrograd_bp import MLP
    >>> points = record_points(MLP(1, [1], seed=0), ([1.0, 2.0], [0.5, 1.0]), "sum_of_squares", 2)
    >>> points.rows, points.inputs[0].data, points.root.label
    ([[1.0, 0.5], [2.0, 1.0]], 2.0, 'E_n')
    """
    parameters = model_parameters(model)
    loss = named_loss(loss)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"data is a pair (X, T), the inputs and the targets, not {show(data)}")
    X, T, _ = by_name(*data)
    X, T, classes = points_of(inputs_of(model, X), T, loss)
    point = at_least_one("point", point)
    if point > len(X):
        raise ValueError(f"there is no data point {point}: they are numbered 1 to {len(X)}")
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        T = coded("T", T, loss, number_of_outputs(model, loss, X, classes))
        error_program(model, loss, {"x": X, "t": T}, parameters)  # whether all are done alike
        x, t = (
            [Value(number, f"{name}_{i}") for i, number in enumerate(table[point - 1].tolist(), 1)]
            for name, table in (("x", X), ("t", T))
        )
        y = model(x)
        outputs = outputs_of(lambda _: y, x)
        root = error_of(lambda _: y, loss, x, t)
    if root.parents:
        root.label = "E_n"
    size = len(topological_order(root))
    most = min(MOST_POINTS, MOST_NODES // size)
    if len(X) > most:
        raise ValueError(
            f"a page of a graph of {size} nodes has up to {most} data points, not {len(X)}: give"
            " some of them"
        )
    links: dict[Any, Function] = {binary_cross_entropy: sigmoid, cross_entropy: softmax}
    rows = [[*x, *t] for x, t in zip(X.tolist(), T.tolist(), strict=True)]
    return DataPoints(
        root, point - 1, rows, x, t, outputs, parameters, is_mean(loss), links.get(loss)
    )
