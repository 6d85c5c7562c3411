"""Data points on a jump of ``step`` and its like: there 0 times infinity has to be noticed.

Such a function is flat, and the gradient has no term for it. On the jump itself, though, its
derivative of 0 is a convention, and times an infinite derivative it is undetermined, as at x = 0 in
sqrt(step(x)) and in step(sqrt(x)). So the distance d to the jump is watched where that can happen:
0 / d is 0 off it and nan on it, and a data point with nan among its derivatives is left to the
engine (by_engine.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from .. import functions
from ..engine import Value
from ..functions import Function
from .gates import has_edge
from .numbered import Numbered

JUMP = "0 / distance to a jump"


def jumps(
    graph: Numbered,
    order: Sequence[Value],
    numbers: Mapping[Value, int],
    parameters: Iterable[Value],
) -> list[int]:
    """The numbers 0 / d of the jumps between the parameters and the output, with a pole on the way.

    Args:
        graph: the numbers of a computation; these are put to them.
        order: the recorded nodes, parents before children.
        numbers: which is which node's.
        parameters: the leaves to differentiate by.

    >>> x, w = Value(0.5, label="x"), Value(1.0, label="w")
    >>> from micrograd_bp import Program, sqrt, step
    >>> program = Program(sqrt(step(w * x)), inputs=[x], parameters=[w])
    >>> program.value_and_grad([[-1.0], [1.0]])
    (1.0, array([0.]))
    """
    if not any(node.operation and node.operation.function in _DISTANCES for node in order):
        return []
    varying = set(parameters)
    edged: set[Value] = set()  # what comes from the parameters by a pole
    for node in order:
        if node.operation is not None and not varying.isdisjoint(node.parents):
            varying.add(node)
            operands = [numbers[parent] for parent in node.parents]
            if has_edge(graph, node.operation, operands) or not edged.isdisjoint(node.parents):
                edged.add(node)
    leading: set[Value] = set(order[-1:])  # what leads to the output, but as a condition
    to_pole: set[Value] = set()  # likewise, by a pole
    watched: list[int] = []
    for node in reversed(order):
        operation = node.operation
        if operation is None or node not in varying or node not in leading:
            continue
        function = operation.function
        operands = [numbers[parent] for parent in node.parents]
        onward = node.parents[function is functions.where :]
        leading.update(onward)
        if node in to_pole or has_edge(graph, operation, operands):
            to_pole.update(onward)
        if function in _DISTANCES and (node in to_pole or node in edged):
            distance = _DISTANCES[function](graph, *operands, *operation.parameters)
            watched.append(graph.apply(functions.div, [graph.constant(0.0), distance]))
            graph.name(watched[-1], JUMP, node.scope)
    return watched


def _to_whole(graph: Numbered, x: int) -> int:
    return graph.apply(functions.sub, [x, graph.apply(functions.floor, [x])])


def _to_bounds(graph: Numbered, x: int, *bounds: float) -> int:
    distances = [graph.apply(functions.sub, [x, graph.constant(bound)]) for bound in bounds]
    return graph.apply(functions.mul, distances)


_DISTANCES: dict[Function, Callable[..., int]] = {
    functions.step: lambda graph, x: x,
    functions.sign: lambda graph, x: x,
    functions.floor: _to_whole,
    functions.ceil: _to_whole,
    functions.leaky_step: lambda graph, x, slope: x,  # the last three in derivatives only
    functions.greater: lambda graph, x, y: graph.apply(functions.sub, [x, y]),
    functions.within: _to_bounds,
}
