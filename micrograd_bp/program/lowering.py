"""From a recorded graph to numbered functions of numbers: the first passes of a compiler.

Those of any compiler of straight-line code (Aho et al., Compilers, 2006, chapter 8): fold
constants and share common subexpressions. The next are in fusing.py, layers.py and placing.py.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import reduce
from math import frexp
from struct import pack
from typing import TypeGuard

from .. import functions
from ..engine import Value
from ..functions import Function, Operation
from ..transforms.through_softmax import FEW, THROUGH_SOFTMAX, place_of
from .instructions import Instruction


class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A number's operands come before it. Inputs come first, then the parameters.
    """

    def __init__(self, n_inputs: int, n_parameters: int) -> None:
        self.nodes: list[Instruction | float | None] = [None] * (n_inputs + n_parameters)
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self.softmaxes: dict[tuple[int, ...], list[int]] = {}  # by the terms
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
        rule = SIMPLER.get(function)
        if rule is not None and not (none_is and function in COMMUTATIVE):
            simpler = rule(self, operands, constants, parameters)
            if simpler is not None:
                return simpler
        return self.instruction(function, operands, *parameters)

    def instruction(self, function: Function, operands: Sequence[int], *parameters: float) -> int:
        """The number of a function of numbers as it stands."""
        nodes = self.nodes
        if function in COMMUTATIVE and operands[0] > operands[1]:
            key: tuple[object, ...] = (function, parameters, operands[1], operands[0])
        else:
            key = (function, parameters, *operands)
        number = self._known.setdefault(key, len(nodes))
        if number == len(nodes):
            nodes.append(_new(Instruction, (function, parameters, tuple(operands), -1, "", "")))
        return number

    def pulled_back(self, shares: list[int], adjoints: dict[int, int]) -> list[int]:
        """sum_i g_i ds_i/dx_j for all j: s_j (g_j sum_{i != j} s_i - sum_{i != j} g_i s_i).

        The sums are products of a matrix that is 0 on the diagonal: of n numbers, where each g_i
        times each s_i s_j would be n^2. No 1 - s_j is there, which would cancel.

        Args:
            shares: the numbers s_i of a softmax.
            adjoints: the g_i by i; the others are 0.
        """
        one, minus_one, zero = map(self.constant, (1.0, -1.0, 0.0))
        every = range(len(shares))
        of_shares = [self.apply(functions.mul, [shares[i], g]) for i, g in adjoints.items()]
        others = [
            self.instruction(functions.dot, [*(zero if i == j else one for i in every), *shares])
            for j in every
        ]
        own = {j: [self.apply(functions.mul, [others[j], g])] for j, g in adjoints.items()}
        sums = [
            self.instruction(
                functions.dot,
                [*(zero if i == j else minus_one for i in adjoints), *of_shares, *own.get(j, [])],
            )
            for j in every
        ]
        return [self.apply(functions.mul, [share, total]) for share, total in zip(shares, sums)]

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
COMMUTATIVE = (functions.add, functions.mul)


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
    terms = tuple(operands)
    shares = graph.softmaxes.get(terms)
    if shares is None:
        level = [*terms]  # of which the largest is found two by two
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2])
            last = level[len(level) // 2 * 2 :]
            level = [*(graph.apply(functions.maximum, pair) for pair in pairs), *last]
        (largest,) = level
        sizes = [graph.apply(functions.exp_of_difference, [term, largest]) for term in terms]
        total = graph.apply(functions.fsum, sizes)
        shares = [graph.apply(functions.div, [size, total]) for size in sizes]
        graph.softmaxes[terms] = shares
    return shares[int(parameters[0])]


SIMPLER: dict[Function, Callable[..., int | None]] = {
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
    pulled_back: Known = {}
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

_GATES = (functions.greater, functions.within, functions.step)
MAY_BE_GATES = (*_GATES, functions.where)


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
    it is 0 there, and is written so. The gates that an adjoint has in all its terms are known.

    Not so the other factor of a recorded product behind gates such as relu's, which are made of
    what came of the product: where that is inf or nan, so is the product, and hardly ever is
    its relu 0. Then the derivative is nan, and the data point left to the engine (by_engine.py).
    """

    def is_where(shutter: int) -> bool:
        instruction = graph.nodes[shutter]
        return isinstance(instruction, Instruction) and instruction.function is functions.where

    n = len(operands) // 2
    pairs = zip(node.parents[:n], node.parents[n:])
    shut = [gates.get(slope, _NONE) | gates.get(adjoint, _NONE) for slope, adjoint in pairs]
    common = frozenset.intersection(*shut)
    if common and len(operands) == 2 * n:
        gates[node] = common
    masked = [
        gates if slope in edged and (slope not in recorded or any(map(is_where, gates))) else _NONE
        for slope, gates in zip(node.parents, shut)
    ]
    return _weighted(graph, operands, masked)


def _weighted(graph: Numbered, operands: list[int], shut: list[frozenset[int]]) -> int:
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


Known = dict[Value, tuple[list[int], list[int]]]  # by mean: the shares, and what comes to each term


def through_softmax(
    graph: Numbered,
    node: Value,
    numbers: Mapping[Value, int],
    gates: dict[Value, frozenset[int]],
    edged: set[Value],
    known: Known,
) -> int:
    """The number of what comes to an operand of a softmax through its shares.

    Term by term where they have to be masked, as in ``adjoint``, or are few, as of repeated
    operands, or the shares are constants.

    Args:
        node: it, of the sum of adjoints times shares, the share of the operand, and its adjoint.
        known: what was found for other operands; that of a softmax is added.
    """
    mean, share, _ = node.parents
    j, n = place_of(share), len(mean.parents) // 2
    some, adjoints = mean.parents[:n], mean.parents[n:]
    if mean in gates:
        gates[node] = gates[mean]
    if mean not in known:
        terms = tuple(numbers[term] for term in share.parents)
        shares, whole = graph.softmaxes.get(terms), []
        is_masked = share in edged and any(adjoint in gates for adjoint in adjoints)
        if shares is None:
            shares = [graph.apply(functions.softmax, terms, i) for i in range(len(terms))]
        elif not is_masked and len({numbers[s] for s in some}) >= FEW:
            by_place = sorted((place_of(s), numbers[g]) for s, g in zip(some, adjoints))
            whole = graph.pulled_back(shares, dict(by_place))
        known[mean] = shares, whole
    shares, whole = known[mean]
    if whole:
        return whole[j]
    others = graph.apply(functions.fsum, [*shares[:j], *shares[j + 1 :]])
    minus = graph.apply(functions.neg, [shares[j]])
    rests = [others if place_of(s) == j else minus for s in some]
    slopes = [graph.apply(functions.mul, [numbers[s], rest]) for s, rest in zip(some, rests)]
    shut = [gates.get(adjoint, _NONE) if share in edged else _NONE for adjoint in adjoints]
    return _weighted(graph, [*slopes, *(numbers[adjoint] for adjoint in adjoints)], shut)


_NONE: frozenset[int] = frozenset()
