"""The chain rule over a recorded graph: tangents swept forward, adjoints swept back.

The local derivatives that the operations recorded make a graph of Values a linear map, node by
node: a node's tangent is the weighted sum of its parents' tangents, its adjoint that of its
consumers' adjoints, the weights being local derivatives both times (forward and reverse
accumulation: Griewank & Walther, Evaluating Derivatives, 2008, chapter 3). So one loop serves
both directions. On floats it gives numbers; with the local derivatives as Values, by the rules
of the same table, every weighted sum is a ``dot`` node and the result is again a graph.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from .. import functions, messages, modes
from ..engine import Value, apply, dot, order_of, record
from ..functions import Scalar

Step = tuple[Value, Sequence[Value], Sequence[Scalar]]  # a node, its neighbours, the weights


class Sweeps:
    """The derivatives of outputs by inputs, as a linear map to be swept either way.

    Args:
        outputs, inputs: Values. Only nodes between the two count.
        as_graph: whether the results are to be Values that can be differentiated again, or
            floats.

    Raises:
        ValueError: as_graph, and the data of a node was changed after the forward pass.

    >>> x, y = Value(2.0), Value(3.0)
    >>> z = x * y + y
    >>> sweeps = Sweeps([z], [x, y])
    >>> sweeps.forward({x: 1.0})[z]
    3.0
    >>> adjoints = sweeps.back({z: 1.0})
    >>> adjoints[x], adjoints[y]
    (3.0, 3.0)
    """

    def __init__(
        self, outputs: Iterable[Value], inputs: Iterable[Value], as_graph: bool = False
    ) -> None:
        self._inputs = list(dict.fromkeys(inputs))
        self._as_graph = as_graph
        order = order_of(outputs)
        self._graph = set(order) if as_graph else set()
        self._steps: list[Step] = []
        self._reversed_steps: list[Step] | None = None
        reached = set(self._inputs)
        with modes.changed(recording=True, nonfinite_allowed=True):
            for node in order:
                parents: Sequence[Value] = node.parents
                if not parents or reached.isdisjoint(parents):
                    continue
                derivatives = _as_values(node) if as_graph else node.local_derivatives
                if not reached.issuperset(parents):
                    kept = [i for i, parent in enumerate(parents) if parent in reached]
                    parents = [parents[i] for i in kept]
                    derivatives = [derivatives[i] for i in kept]
                reached.add(node)
                self._steps.append((node, parents, derivatives))

    def forward(self, tangents: dict[Value, Scalar]) -> dict[Value, Scalar]:
        """The tangents of the nodes that the inputs with tangents reach.

        Args:
            tangents: those of inputs; an input without one has tangent 0.

        Raises:
            ZeroDivisionError: a nonzero tangent reaches an infinite local derivative.
            OverflowError: a tangent is beyond the largest float.
        """
        return self._sweep(self._steps, tangents, "tangent")

    def back(self, adjoints: dict[Value, Scalar]) -> dict[Value, Scalar]:
        """The adjoints of the nodes between the inputs and the outputs with adjoints.

        Args:
            adjoints: those of outputs; an output without one has adjoint 0.

        Raises:
            ZeroDivisionError: a nonzero adjoint reaches an infinite local derivative.
            OverflowError: an adjoint is beyond the largest float.
        """
        if self._reversed_steps is None:
            self._reversed_steps = self._transposed()
        return self._sweep(self._reversed_steps, adjoints, "adjoint")

    def as_nodes(self, numbers: Iterable[Scalar]) -> list[Value]:
        """Results as nodes of their own: a float as a constant, and never a node of the graph.

        The derivative of x*y by x is y; who labels the derivative would not want to label y.
        """
        with modes.changed(recording=True, nonfinite_allowed=True):
            return [self._as_node(number) for number in numbers]

    def _as_node(self, number: Scalar) -> Value:
        if not isinstance(number, Value):
            return record(functions.neg, (number,)).parents[0]  # a constant as operands become
        return same_as(number) if number in self._graph else number

    def _transposed(self) -> list[Step]:
        """For each node its consumers, in the order in which adjoints are known."""
        consumers: dict[Value, tuple[list[Value], list[Scalar]]] = {}
        for node, parents, derivatives in reversed(self._steps):
            for parent, derivative in zip(parents, derivatives):
                nodes, weights = consumers.setdefault(parent, ([], []))
                nodes.append(node)
                weights.append(derivative)
        order = dict.fromkeys([*(step[0] for step in reversed(self._steps)), *self._inputs])
        return [(node, *consumers[node]) for node in order if node in consumers]

    def _sweep(
        self, steps: list[Step], seeds: dict[Value, Scalar], what: str
    ) -> dict[Value, Scalar]:
        """The chain rule: numbers[node] = sum of weight * numbers[neighbour], step by step."""
        weighted_sum = _dot_of_numbers if self._as_graph else _dot_of_floats
        numbers = dict(seeds)
        known = numbers.get
        with modes.changed(recording=True, nonfinite_allowed=True):
            for node, neighbours, weights in steps:
                numbers[node] = weighted_sum(weights, map(known, neighbours), known(node, 0.0))
        floats = map(data_of, numbers.values()) if self._as_graph else numbers.values()
        if not all(map(isfinite, floats)):
            _refuse_nonfinite(steps, numbers, seeds, what)
        return numbers


def same_as(value: Value) -> Value:
    """A new node equal to value, with local derivative 1: the product of one factor.

    >>> x = Value(3.0, label="x")
    >>> y = same_as(x)
    >>> y.data, y.parents == (x,), y.local_derivatives
    (3.0, True, (1.0,))
    """
    node: Value = apply(functions.prod, value)
    return node


def data_of(number: Scalar) -> float:
    """The float of a Value or of a float.

    >>> data_of(Value(2.0)), data_of(3.0)
    (2.0, 3.0)
    """
    data: float = number.data if isinstance(number, Value) else number
    return data


# Weighted sums. None stands for 0, and zero contributes zero, whatever it meets.


def _dot_of_floats(weights: Iterable[float], numbers: Iterable[float | None], seed: float) -> float:
    total = seed
    for weight, number in zip(weights, numbers):
        if number:
            total += weight * number
    return total


def _dot_of_numbers(
    weights: Iterable[Scalar], numbers: Iterable[Scalar | None], seed: Scalar
) -> Scalar:
    terms = [
        (weight, number)
        for weight, number in zip(weights, numbers)
        if number is not None and not _vanishes(weight, number)
    ]
    bias = None if _is_zero(seed) else seed
    if not terms:
        return seed
    if len(terms) == 1 and bias is None:
        weight, number = terms[0]
        if weight == 1.0:
            return number
        if number == 1.0:
            return weight
    return dot([weight for weight, _ in terms], [number for _, number in terms], bias)


def _is_zero(number: Scalar) -> bool:
    return type(number) is float and number == 0.0


def _vanishes(weight: Scalar, number: Scalar) -> bool:
    """Whether a factor is 0: with an infinite weight, whether it is 0 for all inputs nearby.

    As is the adjoint of the branch that ``where`` did not choose: no nonzero local derivative
    leads from it to anything but constants.
    """
    if type(number) is float and number == 0.0:
        return True
    if type(weight) is not float:
        return False
    if isfinite(weight) or data_of(number) != 0.0:
        return weight == 0.0
    varying, visited = [number], {number}
    while varying:
        node = varying.pop()
        if not node.parents and (node.operation is None or node.operation.name != "constant"):
            return False
        for parent, derivative in zip(node.parents, node.local_derivatives):
            if derivative != 0.0 and parent not in visited:
                visited.add(parent)
                varying.append(parent)
    return True


# Local derivatives as Values, by the rule of the table run on the parents themselves


def _as_values(node: Value) -> Sequence[Scalar]:
    messages.refuse_changed(node)
    if not all(map(isfinite, node.local_derivatives)):
        return node.local_derivatives  # a pole: no rule holds there, and only a 0 may meet it
    operation: Any = node.operation
    derivatives: Sequence[Scalar] = operation.function.partials(
        *node.parents, *operation.parameters
    )
    return derivatives


def _refuse_nonfinite(
    steps: list[Step], numbers: dict[Value, Scalar], seeds: dict[Value, Scalar], what: str
) -> None:
    """Raise for the first number of a sweep that stopped being finite.

    Not if that is allowed, nor where it comes from a seed or an operand that is not finite:
    that the user put in.
    """
    if modes.current.get().nonfinite_allowed:
        return
    excused = {node for node, seed in seeds.items() if not isfinite(data_of(seed))}
    for node, neighbours, weights in steps:
        if isfinite(data_of(numbers[node])) or node in excused:
            continue
        for neighbour, weight in zip(neighbours, weights):
            consumer: Any = node if what == "tangent" else neighbour
            number, slope = data_of(numbers.get(neighbour, 0.0)), data_of(weight)
            if number == 0.0 and not isinstance(numbers.get(neighbour), Value):
                continue
            if neighbour in excused or not consumer.operation.of_finite:
                excused.add(node)
            elif not isfinite(slope):
                raise ZeroDivisionError(
                    f"the local derivative of {messages.describe_node(consumer)} is {slope}, and"
                    f" a {what} of {number} reaches it; keep away from that point, or allow the"
                    " result with allow_nonfinite()"
                )
        if node not in excused:
            raise OverflowError(
                f"the {what} of {messages.describe_node(node)} is beyond the largest float, 1.8e308"
            )
