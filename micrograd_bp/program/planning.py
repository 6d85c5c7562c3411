"""From the numbers of a computation to a plan: fused, in layers, and each at its place."""

from collections.abc import Sequence
from itertools import chain

from .collector import paused
from .instructions import Plan
from .numbered import Numbered
from .passes import Layers, Placing, fused, needed, terms, varying


@paused
def plan(graph: Numbered, results: Sequence[int], summed: bool) -> Plan:
    """The instructions that compute results, for each data point or summed over them.

    Args:
        graph: the numbers of a computation; it stays as it is.
        results: which of them are wanted.
        summed: whether it is their sums over the data points that are wanted.
    """
    varies = varying(graph.nodes, graph.n_inputs)
    nodes, readers = fused(graph.nodes, results, varies)
    plain, products = terms(nodes, results, varies, readers) if summed else ({}, {})
    factors = chain.from_iterable(factors for factors, _ in products.values())
    reached = needed(nodes, chain(plain, products, factors) if summed else results)
    layers = Layers(nodes, reached, varies, graph.n_inputs, graph.n_parameters)
    layers.add_sums(plain, products)
    constants = [node for i in layers.blocks.members(2) if isinstance(node := nodes[i], float)]
    kept = [] if summed else results
    placing = Placing(nodes, varies, layers.blocks, kept)
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
