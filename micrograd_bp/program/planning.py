"""From the numbers of a computation to a plan: fused, in layers, and each at its place."""

from collections import Counter
from collections.abc import Sequence

from .. import functions
from .collector import paused
from .fusing import Nodes
from .instructions import Instruction, Plan
from .layers import Layers
from .lowering import Numbered
from .passes import Placing, fused, needed, varying

Terms = list[tuple[int, int | None, int]]  # a number, its factor or None, and its result


@paused()
def plan(graph: Numbered, results: Sequence[int], summed: bool) -> Plan:
    """The instructions that compute results, for each data point or summed over them.

    Args:
        graph: the numbers of a computation; it stays as it is.
        results: which of them are wanted.
        summed: whether it is their sums over the data points that are wanted.
    """
    varies = varying(graph.nodes, graph.n_inputs)
    nodes, readers = fused(graph.nodes, results, varies)
    terms = _terms(nodes, results, varies, readers) if summed else []
    wanted = [i for a, b, _ in terms for i in ((a,) if b is None else (a, b))]
    reached = needed(nodes, wanted if summed else results)
    layers = Layers(nodes, reached, varies, graph.n_inputs, graph.n_parameters)
    layers.add_sums(terms)
    constants = [node for i in layers.members[2] if isinstance(node := nodes[i], float)]
    members, block = layers.members, layers.block
    kept = [] if summed else results
    placing = Placing(nodes, varies, members, block, layers.turns, kept)
    return Plan(
        n_inputs=graph.n_inputs,
        n_parameters=graph.n_parameters,
        constants=tuple(constants),
        n_scalars=placing.n_scalars,
        n_rows=placing.n_rows,
        once=tuple(placing.once),
        each=tuple(placing.each),
        outputs=tuple(placing.place[i] for i in kept),
        n_sums=len(results) if summed else 0,
    )


def _terms(
    nodes: Nodes, results: Sequence[int], varies: list[bool], readers: Sequence[int]
) -> Terms:
    """What to sum for each result.

    A product, or a weighted sum of as many terms as others, that only sums read is never stored:
    its factors are multiplied as they are summed.
    """
    alike = Counter(
        len(node.operands)
        for i in results
        if type(node := nodes[i]) is Instruction and node.function is functions.dot
    )
    terms: Terms = []
    for k, i in enumerate(results):
        node = nodes[i]
        if type(node) is Instruction and node.function in _PRODUCTS and not readers[i]:
            operands = node.operands
            n = len(operands) // 2
            if len(operands) == 2:
                b, a = operands if varies[operands[1]] else operands[::-1]
                terms.append((a, b, k) if varies[a] else (i, None, k))
                continue
            if n == 1 or alike[len(operands)] > 1:
                pairs = [
                    (a, b) if varies[a] else (b, a)
                    for a, b in zip(operands[n : 2 * n], operands[:n])
                ]
                if all(varies[a] for a, _ in pairs):
                    terms += [(a, b, k) for a, b in pairs]
                    terms += [(i, None, k) for i in operands[2 * n :]]
                    continue
        terms.append((i, None, k))
    return terms


_PRODUCTS = (functions.mul, functions.dot)
