"""From a recorded graph to numbered functions of numbers: the first pass of a compiler.

The next are in fusing.py, layers.py and placing.py.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .. import functions
from ..engine import Value
from ..transforms.through_softmax import FEW, SHARE, THROUGH_SOFTMAX, place_of
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
    shares: dict[Value, dict[int, int]] = {}
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
            elif function is SHARE:
                numbers[node] = share(graph, node, numbers, shares)
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


def share(
    graph: Numbered, node: Value, numbers: Mapping[Value, int], known: dict[Value, dict[int, int]]
) -> int:
    """The number of a derivative of a logsumexp.

    Args:
        node: it, of the operand and the logsumexp.
        known: by the logsumexp the shares of its operands; those of the node are added.
    """
    term, total = node.parents
    if total not in known:
        terms = tuple(numbers[operand] for operand in total.parents)
        known[total] = dict(zip(terms, _shares(graph, terms)))
    return known[total][numbers[term]]


def _shares(graph: Numbered, terms: tuple[int, ...]) -> list[int]:
    every = (graph.apply(functions.softmax, terms, i) for i in range(len(terms)))
    first = next(every)  # then all are known, but those of constants
    return graph.softmaxes.get(terms) or [first, *every]


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
    mean = node.parents[0]
    if mean in gates:
        gates[node] = gates[mean]
    if mean not in known:
        is_edged = mean.parents[0] in edged
        shut = [gates.get(factor, NO_GATES) if is_edged else NO_GATES for factor in mean.parents]
        known[mean] = _through_shares(graph, mean, numbers, shut)
    return known[mean](place_of(node))


def _through_shares(
    graph: Numbered,
    mean: Value,
    numbers: Mapping[Value, int],
    shut: list[frozenset[int]],
) -> ByPlace:
    """All at once; term by term where they have to be masked, or are of constants."""
    n = len(mean.parents) // 2
    places = [*map(place_of, mean.parents[:n])]
    adjoints = [numbers[adjoint] for adjoint in mean.parents[n:]]
    terms = tuple(numbers[operand] for operand in mean.parents[0].parents)
    shares = _shares(graph, terms)
    if terms in graph.softmaxes and not any(shut):
        return _pulled_back(graph, shares, dict(sorted(zip(places, adjoints)))).__getitem__

    def one(j: int) -> int:
        minus = graph.apply(functions.neg, [shares[j]])
        rests = [_sums_of_others(graph, shares, [j])[j] if i == j else minus for i in places]
        slopes = [graph.apply(functions.mul, [shares[i], r]) for i, r in zip(places, rests)]
        return masked_sum(graph, [*slopes, *adjoints], shut[n:])

    return one


def _pulled_back(graph: Numbered, shares: list[int], adjoints: dict[int, int]) -> list[int]:
    """sum_i g_i ds_i/dx_j for all j: s_j (g_j sum_{i != j} s_i - sum_{i != j} g_i s_i).

    Numbers of the order of n, where each g_i times each s_i s_j would be n^2. No 1 - s_j is there,
    which would cancel.

    Args:
        shares: the numbers s_i of a softmax.
        adjoints: the g_i by i; the others are 0.
    """
    weighted = [graph.apply(functions.mul, [shares[j], g]) for j, g in adjoints.items()]
    whole = graph.apply(functions.fsum, weighted)
    slopes = [graph.apply(functions.neg, [whole])] * len(shares)
    others = _sums_of_others(graph, shares, adjoints)
    for j, g in adjoints.items():
        slopes[j] = graph.apply(functions.mul, [others[j], g])
    if len(adjoints) > 1:
        rests = _sums_of_others(graph, weighted, range(len(weighted)))
        for j, rest in zip(adjoints, rests.values()):
            slopes[j] = graph.apply(functions.sub, [slopes[j], rest])
    return [graph.apply(functions.mul, pair) for pair in zip(shares, slopes)]


def _sums_of_others(graph: Numbered, terms: list[int], places: Collection[int]) -> dict[int, int]:
    """The sums of all numbers but one, by the place of that one; of few places each by itself."""
    if len(places) < FEW:
        return {j: graph.apply(functions.fsum, [*terms[:j], *terms[j + 1 :]]) for j in places}
    others = graph.sums_of_others(terms)
    return {j: others[j] for j in places}
