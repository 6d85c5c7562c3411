"""From a recorded graph to a list of instructions: what a Program runs.

The passes are those of any compiler of straight-line code (Aho et al., Compilers, 2006, chapter
8): fold constants, share common subexpressions, drop what no result needs, fuse products into
the weighted sums they are terms of, tell what depends on the data from what does not, and let
rows be used again as soon as the last reader is done.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import heappop, heappush
from math import frexp
from struct import pack
from typing import NamedTuple, TypeGuard

from .. import functions
from ..engine import Value
from ..functions import Function, Operation

DERIVATIVES = {
    functions.tanh: functions.sech2,
    functions.sigmoid: functions.logistic_density,
}


class Instruction(NamedTuple):
    """One function, applied to numbers that have their places.

    Attributes:
        function: the entry of the table.
        parameters: its fixed arguments.
        operands: the places of its operands; as a node of the graph, their numbers.
        result: the place of the result.
        label, scope: those of the node that it computes, for listings and messages.
    """

    function: Function
    parameters: tuple[float, ...]
    operands: tuple[int, ...]
    result: int = -1
    label: str = ""
    scope: str = ""


@dataclass(frozen=True)
class Sum:
    """Sums over the data points: of a number, or of its products with other numbers.

    Attributes:
        shared: the place of the number.
        factors: the places of those it is multiplied by; none where it is summed itself.
        results: which results they are: one for each factor, or one.
    """

    shared: int
    factors: tuple[int, ...]
    results: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """Instructions in the order in which they run, and where their numbers live.

    A place below ``n_scalars`` holds one number for all data points: first the parameters,
    then the constants, then what ``once`` computes. Each other place is a row, with a number
    for each data point of a block; the first rows are the inputs.

    Attributes:
        n_inputs, n_parameters: how many numbers come in.
        constants: those that the graph holds.
        n_scalars, n_rows: how many places there are of each kind.
        once: what depends on parameters only.
        each: what depends on the data, and the sums over the data points.
        outputs: the places of the outputs; none where they are summed.
        n_sums: how many results the sums give.
    """

    n_inputs: int
    n_parameters: int
    constants: tuple[float, ...]
    n_scalars: int
    n_rows: int
    once: tuple[Instruction, ...]
    each: tuple[Instruction | Sum, ...]
    outputs: tuple[int, ...]
    n_sums: int


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
        constants = [self.constant_at(operand) for operand in operands]
        if operands and None not in constants:
            return self.constant(function.value(*constants, *parameters))
        if function in _SIMPLER:
            simpler = _SIMPLER[function](self, operands, constants, parameters)
            if simpler is not None:
                return simpler
        key = sorted(operands) if function in (functions.add, functions.mul) else operands
        instruction = Instruction(function, parameters, tuple(operands))
        return self._number((function, parameters, *key), instruction)

    def name(self, number: int, label: str, scope: str) -> None:
        """Give an instruction a label and a scope, unless it has a label."""
        node = self.nodes[number]
        if isinstance(node, Instruction) and not node.label:
            self.nodes[number] = node._replace(label=label, scope=node.scope or scope)

    def forget(self) -> None:
        """Release what told equal numbers: of a large graph it is larger than the graph."""
        self._known.clear()

    def _number(self, key: object, node: Instruction | float) -> int:
        number = self._known.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number


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
    if len(operands) == 2:
        return graph.apply(functions.mul, operands)
    return operands[0] if len(operands) == 1 else None


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
            operands = [numbers[parent] for parent in node.parents]
            function = operation.function
            if has_edge(graph, operation, operands) or not edged.isdisjoint(node.parents):
                edged.add(node)
            if function is functions.dot and node not in recorded:
                numbers[node] = _adjoint(graph, node, operands, gates, edged)
            else:
                numbers[node] = graph.apply(function, operands, *operation.parameters)
            if node not in recorded and _is_gate(node):
                gate = numbers[node]
                if function is functions.step:  # which is 0 at the kink too, and not flat there
                    gate = graph.apply(functions.sign, operands)
                    gate = graph.apply(functions.add, [gate, graph.constant(1.0)])
                gates[node] = frozenset([gate])
            graph.name(numbers[node], node.label, node.scope)
    graph.forget()
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


def plan(graph: Numbered, results: Sequence[int], summed: bool) -> Plan:
    """The instructions that compute results, for each data point or summed over them.

    Args:
        graph: the numbers of a computation; it stays as it is.
        results: which of them are wanted.
        summed: whether it is their sums over the data points that are wanted.
    """
    nodes, results = _neighbours(_fused(graph, results), results)
    varies = _varying(nodes, graph.n_inputs)
    sums = _sums(nodes, results, varies) if summed else {}
    wanted = [i for all_at in sums.values() for one in all_at for i in (one.shared, *one.factors)]
    needed = _needed(nodes, wanted if summed else results)
    last_read = _last_reads(nodes, needed, sums)
    last_read.update(dict.fromkeys(() if summed else results, 2 * len(nodes)))

    constants = [i for i in needed if isinstance(nodes[i], float)]
    computed = [i for i in needed if isinstance(nodes[i], Instruction) and not varies[i]]
    inputs, parameters = range(graph.n_inputs), range(graph.n_inputs, graph.n_leaves)
    places = {i: place for place, i in enumerate((*parameters, *constants, *computed, *inputs))}
    first_row = len(places) - graph.n_inputs
    n_places = len(places)
    free: list[int] = []

    def release(read: Iterable[int], time: int) -> None:
        for i in dict.fromkeys(read):
            if varies[i] and i >= graph.n_inputs and last_read[i] == time:
                heappush(free, places[i])

    once: list[Instruction] = []
    each: list[Instruction | Sum] = []
    for i in sorted(needed.union(sums)):
        node = nodes[i]
        if isinstance(node, Instruction) and i in needed:
            operands = tuple(places[operand] for operand in node.operands)
            if varies[i]:
                release(node.operands, 2 * i)
                if not free:
                    free.append(n_places)
                    n_places += 1
                places[i] = heappop(free)
            placed = node._replace(operands=operands, result=places[i])
            (each if varies[i] else once).append(placed)
        for one in sums.get(i, ()):
            factors = tuple(places[factor] for factor in one.factors)
            each.append(Sum(places[one.shared], factors, one.results))
        release((j for one in sums.get(i, ()) for j in (one.shared, *one.factors)), 2 * i + 1)
    return Plan(
        n_inputs=graph.n_inputs,
        n_parameters=graph.n_parameters,
        constants=tuple(node for i in constants if isinstance(node := nodes[i], float)),
        n_scalars=first_row,
        n_rows=n_places - first_row,
        once=tuple(once),
        each=tuple(each),
        outputs=() if summed else tuple(places[i] for i in results),
        n_sums=len(results) if summed else 0,
    )


Nodes = list[Instruction | float | None]


def _fused(graph: Numbered, results: Sequence[int]) -> Nodes:
    """The nodes, with u + v w as one ``dot`` wherever u or v w has no other reader.

    The terms stay in their order, so the rounding is the same.
    """
    nodes = list(graph.nodes)
    varies = _varying(nodes, graph.n_inputs)
    readers = [0] * len(nodes)
    for i in (*results, *results):  # a result is never swallowed
        readers[i] += 1
    for i in _needed(nodes, results):
        for operand in _operands(nodes[i]):
            readers[operand] += 1
    for i, node in enumerate(nodes):
        if not isinstance(node, Instruction) or node.function is not functions.add:
            continue

        def has_form(j: int, function: Function, whole: bool = varies[i]) -> bool:
            found = nodes[j]
            is_it = isinstance(found, Instruction) and found.function is function
            return is_it and readers[j] == 1 and varies[j] == whole

        base, term = node.operands
        if not has_form(term, functions.mul):
            base, term = term, base
        if not has_form(term, functions.mul):
            continue
        weight, factor = _operands(nodes[term])
        weights, factors, bias = [weight], [factor], [base]
        if has_form(base, functions.dot) or has_form(base, functions.mul):
            before = list(_operands(nodes[base]))
            n = len(before) // 2
            weights, factors = [*before[:n], weight], [*before[n : 2 * n], factor]
            bias = before[2 * n :]
        nodes[i] = node._replace(function=functions.dot, operands=(*weights, *factors, *bias))
    return nodes


def _neighbours(nodes: Nodes, results: Sequence[int]) -> tuple[Nodes, list[int]]:
    """The nodes with each activation followed by its derivative: most of the two is common."""
    found = {
        (node.function, node.operands): i
        for i, node in enumerate(nodes)
        if isinstance(node, Instruction) and node.function in DERIVATIVES.values()
    }
    order: dict[int, None] = {}
    for i, node in enumerate(nodes):
        order[i] = None
        if isinstance(node, Instruction) and node.function in DERIVATIVES:
            j = found.get((DERIVATIVES[node.function], node.operands))
            if j is not None:
                order[j] = None
    number = {i: place for place, i in enumerate(order)}
    moved = [nodes[i] for i in order]
    renumbered: Nodes = [
        node._replace(operands=tuple(number[operand] for operand in node.operands))
        if isinstance(node, Instruction)
        else node
        for node in moved
    ]
    return renumbered, [number[i] for i in results]


def _operands(node: Instruction | float | None) -> tuple[int, ...]:
    return node.operands if isinstance(node, Instruction) else ()


def _varying(nodes: Nodes, n_inputs: int) -> list[bool]:
    """Which numbers depend on the data."""
    varies: list[bool] = []
    for i, node in enumerate(nodes):
        varies.append(i < n_inputs or any(varies[operand] for operand in _operands(node)))
    return varies


def _needed(nodes: Nodes, results: Iterable[int]) -> set[int]:
    """The numbers that results are computed from, and they themselves."""
    needed = set(results)
    for i in range(len(nodes) - 1, -1, -1):
        if i in needed:
            needed.update(_operands(nodes[i]))
    return needed


def _sums(nodes: Nodes, results: Sequence[int], varies: list[bool]) -> dict[int, list[Sum]]:
    """What to sum for each result, by the number whose instruction it can follow.

    A product that only sums read is never stored: its factors are multiplied as they are summed.
    """
    read = {j for i in _needed(nodes, results) for j in _operands(nodes[i])}
    found: dict[int, dict[int, list[tuple[tuple[int, ...], int]]]] = {}
    for k, i in enumerate(results):
        node = nodes[i]
        at, shared = i, i
        factors: tuple[int, ...] = ()
        if (
            isinstance(node, Instruction)
            and node.function is functions.mul
            and varies[i]
            and i not in read
        ):
            factor, shared = sorted(node.operands, key=lambda j: (varies[j], j))
            at, factors = max(factor, shared), (factor,)
        found.setdefault(at, {}).setdefault(shared, []).append((factors, k))
    sums: dict[int, list[Sum]] = {}
    for at, by_shared in found.items():
        sums[at] = []
        for shared, pairs in by_shared.items():
            sums[at] += [Sum(shared, (), (k,)) for factors, k in pairs if not factors]
            products = [(factor, k) for factors, k in pairs for factor in factors]
            if products:
                sums[at].append(Sum(shared, *map(tuple, zip(*products))))
    return sums


def _last_reads(nodes: Nodes, needed: set[int], sums: dict[int, list[Sum]]) -> dict[int, int]:
    """When each number is read last: at 2 i by the instruction i, at 2 i + 1 by sums after it."""
    last: dict[int, int] = {}
    for i in sorted(needed.union(sums)):
        if i in needed:
            last.update(dict.fromkeys(_operands(nodes[i]), 2 * i))
        for one in sums.get(i, ()):
            last.update(dict.fromkeys((one.shared, *one.factors), 2 * i + 1))
    return last
