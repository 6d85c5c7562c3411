"""From a recorded graph to numbered functions of numbers: the first pass of a compiler.

The next are in fusing.py, layers.py and placing.py.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .. import functions
from ..engine import Value
from ..transforms.through_softmax import FEW, THROUGH_SOFTMAX, place_of
from .gates import MAY_BE_GATES, NO_GATES, SMOOTH, adjoint, gate, has_edge, masked_sum
from .numbered import Numbered


def lower(
    order: Iterable[Value],
    inputs: Sequence[Value],
    parameters: Sequence[Value],
    recorded: Collection[Value],
) -> tuple[Numbered, dict[Value, int]]:
    """A recorded graph with its constants folded and equal parts shared.

    Args:
        order: its nodes, parents before children.
        inputs, parameters: the leaves that are to vary.
        recorded: the nodes that the user made; the others are those of the gradient.

    Returns:
        The numbers of the computation, and which is which node's.
    """
    graph = Numbered(len(inputs), len(parameters))
    numbers = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    gates: dict[Value, frozenset[int]] = {}
    pulled_back: dict[Value, ByPlace] = {}
    edged: set[Value] = set()  # what may be inf or nan, of finite inputs, by a pole or a domain
    for node in order:
        operation = node.operation
        if not node.parents:
            if node not in numbers:
                numbers[node] = graph.constant(node.data)
        elif operation is not None:
            parents = node.parents
            operands = [*map(numbers.__getitem__, parents)]
            function = operation.function
            if (function not in SMOOTH and has_edge(graph, operation, operands)) or (
                edged and not edged.isdisjoint(parents)
            ):
                edged.add(node)
            if function is THROUGH_SOFTMAX:
                numbers[node] = through_softmax(graph, node, numbers, gates, edged, pulled_back)
            elif function is not functions.dot or node in recorded:
                numbers[node] = graph.apply(function, operands, *operation.parameters)
            elif gates:
                numbers[node] = adjoint(graph, node, operands, gates, edged, recorded)
            else:
                numbers[node] = graph.apply(function, operands)
            if function in MAY_BE_GATES and node not in recorded:
                opened = gate(graph, node, numbers[node], operands)
                if opened is not None:
                    gates[node] = frozenset([opened])
            graph.name(numbers[node], node.label, node.scope)
    return graph, numbers


ByPlace = Callable[[int], int]  # from an operand of a softmax to what comes to it


def through_softmax(
    graph: Numbered,
    node: Value,
    numbers: Mapping[Value, int],
    gates: dict[Value, frozenset[int]],
    edged: set[Value],
    known: dict[Value, ByPlace],
) -> int:
    """The number of what comes to an operand of a softmax through its shares.

    Args:
        node: it, of the sum of adjoints times shares, the share of the operand, and its adjoint.
        known: what was found by such sums; that of the node is added.
    """
    mean, share, _ = node.parents
    if mean in gates:
        gates[node] = gates[mean]
    if mean not in known:
        shut = [
            gates.get(factor, NO_GATES) if share in edged else NO_GATES for factor in mean.parents
        ]
        known[mean] = _through_shares(graph, mean, share.parents, numbers, shut)
    return known[mean](place_of(share))


def _through_shares(
    graph: Numbered,
    mean: Value,
    operands: Sequence[Value],
    numbers: Mapping[Value, int],
    shut: list[frozenset[int]],
) -> ByPlace:
    """All at once; term by term where they have to be masked, or are few, or of constants."""
    n = len(mean.parents) // 2
    places = [*map(place_of, mean.parents[:n])]
    adjoints = [numbers[adjoint] for adjoint in mean.parents[n:]]
    terms = tuple(numbers[operand] for operand in operands)
    shares = graph.softmaxes.get(terms)
    if shares is None:
        shares = [graph.apply(functions.softmax, terms, i) for i in range(len(terms))]
    elif not any(shut) and len({shares[i] for i in places}) >= FEW:
        return graph.pulled_back(shares, dict(sorted(zip(places, adjoints)))).__getitem__

    def one(j: int) -> int:
        others = graph.apply(functions.fsum, [*shares[:j], *shares[j + 1 :]])
        minus = graph.apply(functions.neg, [shares[j]])
        rests = [others if i == j else minus for i in places]
        slopes = [graph.apply(functions.mul, [shares[i], r]) for i, r in zip(places, rests)]
        return masked_sum(graph, [*slopes, *adjoints], shut[n:])

    return one
