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

from .. import functions, modes
from ..engine import Value, apply, dot, order_of, record
from ..functions import Scalar
from ..poles import Edges
from .local_derivatives import Common, as_values, is_zero
from .through_softmax import Softmax, Softmaxes, is_share, is_total, shares_in, slopes, together

Step = tuple[Value, Sequence[Value], Sequence[Scalar]]  # a node, its neighbours, the weights


class Sweeps:
    """The derivatives of outputs by inputs, as a linear map to be swept either way.

    Args:
        outputs, inputs: Values. Only nodes between the two count.
        as_graph: whether the results are to be Values that can be differentiated again, or
            floats.
        to_lower: whether the results of ``back`` are to be lowered only, and the graph is known to
            be unchanged; then what comes through a softmax or a logsumexp is as through_softmax.py
            has it.

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
        self,
        outputs: Iterable[Value],
        inputs: Iterable[Value],
        as_graph: bool = False,
        to_lower: bool = False,
    ) -> None:
        self._inputs = list(dict.fromkeys(inputs))
        self._outputs = list(outputs)
        self._order = order_of(self._outputs)
        self._edges: Edges | None = None
        self._as_graph, self._to_lower = as_graph, to_lower
        if as_graph:
            self._graph = set(self._order)
            if all(all(map(isfinite, node.local_derivatives)) for node in self._order):
                self._weigh({})
            else:
                self._weigh(self.edges.live)

    @property
    def edges(self) -> Edges:
        """Where something comes from, and where nothing does."""
        if self._edges is None:
            self._edges = Edges(self._order, self._inputs)
        return self._edges

    def _weigh(self, live: dict[Value, list[int]]) -> None:
        """The steps of the sweeps, with the local derivatives as Values; all edges, or the live."""
        self._steps: list[Step] = []
        self._reversed_steps: list[Step] | None = None
        reached = set(self._inputs)
        common: Common = {}
        softmaxes: Softmaxes = {}
        with modes.changed(recording=True, nonfinite_allowed=True):
            for node in self._order:
                parents = node.parents
                operands = live.get(node, range(len(parents)))
                kept = [i for i in operands if parents[i] in reached]
                if kept:
                    weights: Sequence[Scalar]
                    if self._to_lower and is_share(node):
                        weights = slopes(node, softmaxes)
                    elif self._to_lower and is_total(node):
                        weights = shares_in(node)
                    else:
                        weights = as_values(node, common, is_unchanged=self._to_lower)
                    reached.add(node)
                    step = (node, [parents[i] for i in kept], [weights[i] for i in kept])
                    self._steps.append(step)

    def forward(self, tangents: dict[Value, Scalar]) -> dict[Value, Scalar]:
        """The tangents of the nodes that the inputs with tangents reach.

        Args:
            tangents: those of inputs; an input without one has tangent 0.

        Raises:
            ZeroDivisionError: a tangent reaches an infinite local derivative.
            OverflowError: a tangent is beyond the largest float.
        """
        return self._swept(tangents, back=False)

    def back(self, adjoints: dict[Value, Scalar]) -> dict[Value, Scalar]:
        """The adjoints of the nodes between the inputs and the outputs with adjoints.

        Args:
            adjoints: those of outputs; an output without one has adjoint 0.

        Raises:
            ZeroDivisionError: an adjoint reaches an infinite local derivative.
            OverflowError: an adjoint is beyond the largest float.
        """
        return self._swept(adjoints, back=True)

    def _swept(self, seeds: dict[Value, Scalar], back: bool) -> dict[Value, Scalar]:
        seeds = {node: seed for node, seed in seeds.items() if not is_zero(seed)}
        floats = {node: data_of(seed) for node, seed in seeds.items()}
        ends = self._inputs if back else self._outputs
        if not self._as_graph:
            return self.edges.sweep(floats, ends, back)
        numbers = self._sweep(seeds, back)
        if not all(isfinite(data_of(number)) for number in numbers.values()):
            self.edges.sweep(floats, ends, back)  # raises, unless it is allowed
            self._weigh(self.edges.live)
            numbers = self._sweep(seeds, back)
        return numbers

    def _sweep(self, seeds: dict[Value, Scalar], back: bool) -> dict[Value, Scalar]:
        """The chain rule: numbers[node] = sum of weight * numbers[neighbour], step by step."""
        if back and self._reversed_steps is None:
            self._reversed_steps = self._transposed()
        steps = self._reversed_steps if back else self._steps
        numbers = dict(seeds)
        known = numbers.get
        means: dict[Softmax, Value] = {}
        with modes.changed(recording=True, nonfinite_allowed=True):
            for node, neighbours, weights in steps or ():
                terms = [
                    (weight, number)
                    for weight, number in zip(weights, map(known, neighbours))
                    if number is not None
                ]
                if self._to_lower:
                    terms = together(terms, means)
                if terms:
                    numbers[node] = _dot_of(terms, known(node))
        return numbers

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


def _dot_of(terms: list[tuple[Scalar, Scalar]], seed: Scalar | None) -> Scalar:
    """The seed and the products, but for those with a factor that is the float 0."""
    terms = [term for term in terms if not _vanishes(*term)]
    if not terms:
        return 0.0 if seed is None else seed
    if len(terms) == 1 and seed is None:
        weight, number = terms[0]
        if weight == 1.0:
            return number
        if number == 1.0:
            return weight
    return dot([weight for weight, _ in terms], [number for _, number in terms], seed)


def _vanishes(weight: Scalar, number: Scalar) -> bool:
    """Whether a term is left out: a factor is the float 0, and the other is finite."""
    return (is_zero(weight) and isfinite(data_of(number))) or (
        is_zero(number) and isfinite(data_of(weight))
    )
