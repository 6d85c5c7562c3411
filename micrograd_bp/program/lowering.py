"""From a recorded graph to numbered functions of numbers: the first passes of a compiler.

Those of any compiler of straight-line code (Aho et al., Compilers, 2006, chapter 8): fold
constants and share common subexpressions. The next are in fusing.py, layers.py and placing.py.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import reduce
from math import frexp
from struct import pack
from typing import TypeGuard

from .. import functions
from ..engine import Value
from ..functions import Function, Operation
from .instructions import Instruction


class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A number's operands come before it. Inputs come first, then the parameters.
    """

    def __init__(self, n_inputs: int, n_parameters: int) -> None:
        self.nodes: list[Instruction | float | None] = [None] * (n_inputs + n_parameters)
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self._known: dict[object, int] = {}

    def constant(self, value: float) -> int:
        """The number of a constant."""
        return self._number(pack("d", value), value)  # -0.0 is not 0.0, and nan is nan

    def constant_at(self, number: int) -> float | None:
        """The constant that a number is, if it is one."""
        node = self.nodes[number]
        return node if isinstance(node, float) else None

    def apply(self, function: Function, operands: Sequence[int], *parameters: float) -> int:
        """The number of a function of numbers: a known one where that is possible."""
        nodes = self.nodes
        if len(operands) == 2 and function is functions.dot:
            function = functions.mul
        constants = [node if isinstance(node := nodes[i], float) else None for i in operands]
        none_is = constants.count(None) == len(constants)
        if not none_is and None not in constants:
            return self.constant(function.value(*constants, *parameters))
        rule = _SIMPLER.get(function)
        if rule is not None and not (none_is and function in _COMMUTATIVE):
            simpler = rule(self, operands, constants, parameters)
            if simpler is not None:
                return simpler
        if function in _COMMUTATIVE and operands[0] > operands[1]:
            key: tuple[object, ...] = (function, parameters, operands[1], operands[0])
        else:
            key = (function, parameters, *operands)
        number = self._known.setdefault(key, len(nodes))
        if number == len(nodes):
            nodes.append(_new(Instruction, (function, parameters, tuple(operands), -1, "", "")))
        return number

    def name(self, number: int, label: str, scope: str) -> None:
        """Give an instruction a label and a scope, unless it has a label."""
        node = self.nodes[number]
        if (label or scope) and isinstance(node, Instruction) and not node.label:
            function, parameters, operands, *_ = node
            named = (function, parameters, operands, -1, label, node.scope or scope)
            self.nodes[number] = _new(Instruction, named)

    def forget(self) -> None:
        """Release what told equal numbers: of a large graph it is larger than the graph."""
        self._known.clear()

    def _number(self, key: object, node: Instruction | float) -> int:
        number = self._known.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number


_new = tuple.__new__  # a NamedTuple's own takes three times as long
_COMMUTATIVE = (functions.add, functions.mul)


# Simpler forms, exact but for the sign of a zero


Numbers = Sequence[int]
Constants = Sequence[float | None]
Parameters = Sequence[float]


def _sum_of_two(
    graph: Numbered, operands: Numbers, constants: Constants, _: Parameters
) -> int | None:
    for i in (0, 1):
        if constants[i] == 0.0:
            return operands[1 - i]
    return None


def _product(graph: Numbered, operands: Numbers, constants: Constants, _: Parameters) -> int | None:
    for constant, other in zip(constants, reversed(operands)):
        if constant == 1.0:
            return other
        inner = graph.nodes[other]
        if _is_power_of_two(constant) and isinstance(inner, Instruction):
            for factor, rest in zip(inner.operands, reversed(inner.operands)):
                scale = graph.constant_at(factor)
                if inner.function is functions.mul and _is_power_of_two(scale):
                    return graph.apply(functions.mul, [graph.constant(constant * scale), rest])
    return None


def _is_power_of_two(x: float | None) -> TypeGuard[float]:
    """Whether to multiply by x rounds nothing, as in the 2 and the 1/2 of a sum of squares."""
    return x is not None and 2.0**-64 <= abs(x) <= 2.0**64 and abs(frexp(x)[0]) == 0.5


def _weighted_sum(
    graph: Numbered, operands: Numbers, constants: Constants, _: Parameters
) -> int | None:
    if len(operands) % 2 and constants[-1] == 0.0:
        return graph.apply(functions.dot, operands[:-1])
    if len(operands) < 3:
        return graph.apply(functions.mul, operands) if len(operands) == 2 else operands[0]
    if 1.0 in constants[: len(operands) // 2 * 2]:
        return _without_ones(graph, operands, constants)
    a, b = operands[0], operands[len(operands) // 2]
    if len(operands) == 4 and operands == [a, a, b, b]:  # from the derivative of a square
        return graph.apply(functions.mul, [graph.constant(2.0), graph.apply(functions.mul, [a, b])])
    return None


def _without_ones(graph: Numbered, operands: Numbers, constants: Constants) -> int:
    """A weighted sum whose terms with a factor 1 are no products: a bias, or added."""
    n = len(operands) // 2
    kept = [i for i in range(n) if constants[i] != 1.0 and constants[n + i] != 1.0]
    added = [operands[n + i if constants[i] == 1.0 else i] for i in range(n) if i not in kept]
    first, *others = [*operands[2 * n :], *added]
    halves = [operands[i] for i in kept], [operands[n + i] for i in kept]
    total = graph.apply(functions.dot, [*halves[0], *halves[1], first])
    return reduce(lambda x, y: graph.apply(functions.add, [x, y]), others, total)


def _many(two: Function | None) -> Callable[..., int | None]:
    def rule(graph: Numbered, operands: Numbers, *_: object) -> int | None:
        if len(operands) == 1:
            return operands[0]
        return graph.apply(two, operands) if two and len(operands) == 2 else None

    return rule


def _power(graph: Numbered, operands: Numbers, _: Constants, parameters: Parameters) -> int | None:
    """c (c-1) ... (c-k+1) x**(c-k) for an exponent c - k of 0 or 1, and x**2."""
    c, k = (*parameters, 0)[:2]
    coefficient = 1.0
    for i in range(int(k)):
        coefficient *= c - i
    if c - k == 0.0:
        return graph.constant(coefficient)
    if c - k == 1.0:
        return graph.apply(functions.mul, [graph.constant(coefficient), operands[0]])
    return graph.apply(functions.square, operands) if (c, k) == (2.0, 0) else None


def _share(graph: Numbered, operands: Numbers, _: Constants, parameters: Parameters) -> int:
    """exp(x_j - max) / sum_i exp(x_i - max): all but the division is common to all j."""
    largest = operands[0]
    for operand in operands[1:]:
        largest = graph.apply(functions.maximum, [largest, operand])
    sizes = [graph.apply(functions.exp_of_difference, [operand, largest]) for operand in operands]
    total = graph.apply(functions.fsum, sizes)
    return graph.apply(functions.div, [sizes[int(parameters[0])], total])


_SIMPLER: dict[Function, Callable[..., int | None]] = {
    functions.add: _sum_of_two,
    functions.mul: _product,
    functions.dot: _weighted_sum,
    functions.fsum: _many(functions.add),
    functions.prod: _many(functions.mul),
    functions.mean: _many(None),
    functions.logsumexp: _many(functions.logaddexp),
    functions.constant_power: _power,
    functions.constant_power_derivative: _power,
    functions.softmax: _share,
}


# The passes


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
    edged: set[Value] = set()  # what may be inf or nan, of finite inputs, by a pole or a domain
    for node in order:
        if node in numbers:
            continue
        operation = node.operation
        if not node.parents:
            numbers[node] = graph.constant(node.data)
        elif operation is not None:
            parents = node.parents
            operands = [*map(numbers.__getitem__, parents)]
            function = operation.function
            if (function not in _SMOOTH and has_edge(graph, operation, operands)) or (
                edged and not edged.isdisjoint(parents)
            ):
                edged.add(node)
            if function is not functions.dot or node in recorded:
                numbers[node] = graph.apply(function, operands, *operation.parameters)
            elif gates:
                numbers[node] = _adjoint(graph, node, operands, gates, edged)
            else:
                numbers[node] = graph.apply(function, operands)
            if function in _MAY_BE_GATES and node not in recorded and _is_gate(node):
                gate = numbers[node]
                if function is functions.step:  # which is 0 at the kink too, and not flat there
                    gate = graph.apply(functions.sign, operands)
                    gate = graph.apply(functions.add, [gate, graph.constant(1.0)])
                gates[node] = frozenset([gate])
            graph.name(numbers[node], node.label, node.scope)
    return graph, numbers


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

_GATES = (functions.greater, functions.within, functions.step)
_MAY_BE_GATES = (*_GATES, functions.where)
_SMOOTH = {functions.add, functions.sub, functions.mul, functions.dot, functions.tanh}


def _is_gate(node: Value) -> bool:
    """Whether a local derivative is 0 where a branch is not taken, and nothing else is."""
    function = node.operation and node.operation.function
    if function is functions.where:
        return all(not branch.parents and branch.data in (0.0, 1.0) for branch in node.parents[1:])
    return function in _GATES


def _adjoint(
    graph: Numbered,
    node: Value,
    operands: list[int],
    gates: dict[Value, frozenset[int]],
    edged: set[Value],
) -> int:
    """The number of a sum of local derivatives times adjoints.

    Behind a branch that is not taken a local derivative may be inf or nan; times the adjoint 0
    it is 0 there, and is written so. The gates that an adjoint has in all its terms are known.
    """
    n = len(operands) // 2
    pairs = zip(node.parents[:n], node.parents[n:])
    shut = [gates.get(slope, _NONE) | gates.get(adjoint, _NONE) for slope, adjoint in pairs]
    if len(operands) == 2 * n:
        gates[node] = frozenset.intersection(*shut)
    masked = [i for i in range(n) if shut[i] and node.parents[i] in edged]
    if not masked:
        return graph.apply(functions.dot, operands)
    terms = operands[2 * n :]
    for i in range(n):
        term = graph.apply(functions.mul, [operands[i], operands[n + i]])
        if i in masked:
            gate = reduce(lambda g, h: graph.apply(functions.mul, [g, h]), sorted(shut[i]))
            term = graph.apply(functions.where, [gate, term, graph.constant(0.0)])
        terms.append(term)
    return reduce(lambda x, y: graph.apply(functions.add, [x, y]), terms)


_NONE: frozenset[int] = frozenset()
