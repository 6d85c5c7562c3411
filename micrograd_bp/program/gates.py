"""Gates: what is 0 where a branch is not taken, and masks what has an edge behind it.

An edge is a pole, or the end of a domain: there a local derivative may be inf or nan.
"""

from collections.abc import Collection, Sequence
from functools import reduce

from .. import functions
from ..engine import Value
from ..functions import Operation
from .instructions import Instruction
from .numbered import Numbered


def has_edge(graph: Numbered, operation: Operation, operands: Sequence[int]) -> bool:
    """Whether the result may be inf or nan for finite operands, or a derivative of it may."""
    function = operation.function
    if function is functions.div:
        return graph.constant_at(operands[1]) in (None, 0.0)
    if function in (functions.constant_power, functions.constant_power_derivative):
        exponent = operation.parameters[0]
        return exponent < 0.0 or exponent % 1.0 != 0.0
    return function.domain is not None or function.pole is not None or function in _POLE_AT_0


_POLE_AT_0 = (
    functions.cbrt,
    functions.hypot_direction,
    functions.hypot_moment,
    functions.inverse_power,
)

SMOOTH = {  # what has no edge, whatever its operands
    function
    for function in functions.FUNCTIONS.values()
    if function.domain is None
    and function.pole is None
    and function not in _POLE_AT_0
    and function not in (functions.constant_power, functions.constant_power_derivative)
}


MAY_BE_GATES = (  # 0 where a branch is not taken
    functions.greater,
    functions.within,
    functions.step,
    functions.where,
)

NO_GATES: frozenset[int] = frozenset()
MOST_GATES = 8  # that are known of an adjoint, beside those of the slope that it was multiplied by


def gate(graph: Numbered, node: Value, number: int, operands: Sequence[int]) -> int | None:
    """What is 0 where a branch is not taken, and nothing else is; None if a node is no such."""
    function = node.operation and node.operation.function
    if function is functions.where:
        branches = node.parents[1:]
        is_one = all(not branch.parents and branch.data in (0.0, 1.0) for branch in branches)
        return number if is_one else None
    if function is functions.step:  # which is 0 at the kink too, and not flat there
        sign = graph.apply(functions.sign, operands)
        return graph.apply(functions.add, [sign, graph.constant(1.0)])
    return number


def adjoint(
    graph: Numbered,
    node: Value,
    operands: list[int],
    gates: dict[Value, frozenset[int]],
    edged: set[Value],
    recorded: Collection[Value],
) -> int:
    """The number of a sum of local derivatives times adjoints.

    Behind a branch that is not taken a local derivative may be inf or nan; times the adjoint 0
    it is 0 there, and is written so. The gates that an adjoint has in all its terms are known; of
    branches within branches the nearest, so that work and memory grow with the graph and no faster.

    Not so the other factor of a recorded product behind gates such as relu's, which are made of
    what came of the product: where that is inf or nan, so is the product, and hardly ever is
    its relu 0. Then the derivative is nan, and the data point left to the engine (by_engine.py).
    """

    def is_where(shutter: int) -> bool:
        instruction = graph.nodes[shutter]
        return isinstance(instruction, Instruction) and instruction.function is functions.where

    n = len(operands) // 2
    pairs = zip(node.parents[:n], node.parents[n:])
    shut = [
        _of_product(gates.get(slope, NO_GATES), gates.get(adjoint, NO_GATES))
        for slope, adjoint in pairs
    ]
    common = frozenset.intersection(*shut)
    if common and len(operands) == 2 * n:
        gates[node] = common
    masked = [
        gates
        if slope in edged and (slope not in recorded or any(map(is_where, gates)))
        else NO_GATES
        for slope, gates in zip(node.parents, shut)
    ]
    return masked_sum(graph, operands, masked)


def _of_product(near: frozenset[int], far: frozenset[int]) -> frozenset[int]:
    """The gates of a slope and an adjoint; of many the slope's alone."""
    return near if near and len(far) >= MOST_GATES else near | far


def masked_sum(graph: Numbered, operands: list[int], shut: list[frozenset[int]]) -> int:
    """The number of a weighted sum, its terms masked by gates."""
    if not any(shut):
        return graph.apply(functions.dot, operands)
    n = len(operands) // 2
    terms = operands[2 * n :]
    for i in range(n):
        term = graph.apply(functions.mul, [operands[i], operands[n + i]])
        if shut[i]:
            shutter = reduce(lambda g, h: graph.apply(functions.mul, [g, h]), sorted(shut[i]))
            term = graph.apply(functions.where, [shutter, term, graph.constant(0.0)])
        terms.append(term)
    return reduce(lambda x, y: graph.apply(functions.add, [x, y]), terms)
