"""The numbers of a computation, each once and as simple as may be.

Constants are folded and common subexpressions shared, as in any compiler of straight-line code
(Aho et al., Compilers, 2006, chapter 8).
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import frexp
from struct import pack
from typing import TypeGuard

from .. import functions
from ..functions import Function
from .instructions import Instruction, told_apart


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
        fixed = told_apart(parameters) if parameters else parameters
        if function in COMMUTATIVE and operands[0] > operands[1]:
            key: tuple[object, ...] = (function, fixed, operands[1], operands[0])
        else:
            key = (function, fixed, *operands)
        number = self._known.setdefault(key, len(nodes))
        if number == len(nodes):
            nodes.append(_new(Instruction, (function, parameters, tuple(operands), -1, "", "")))
        return number

    def sums_of_others(self, terms: list[int]) -> list[int]:
        """For each of some numbers the sum of all others, of which none is subtracted again.

        Of few, products with a constant matrix that is 0 on the diagonal. Of many, halves are added
        term by term; and to the others of such a pair, the other of the pair: work of the order
        of n, in steps as wide as the halves.
        """
        n = len(terms)
        if n <= MOST_IN_MATRIX:
            one, zero = map(self.constant, (1.0, 0.0))
            rows = [[zero if i == j else one for i in range(n)] for j in range(n)]
            return [self.instruction(functions.dot, [*row, *terms]) for row in rows]
        first, second = terms[: (n + 1) // 2], terms[(n + 1) // 2 :]
        last = first[len(second) :]  # which has no other, of an odd number
        pairs = [self.apply(functions.add, pair) for pair in zip(first, second)]
        others = self.sums_of_others([*pairs, *last])
        of_first = [self.apply(functions.add, pair) for pair in zip(others, second)]
        of_second = [self.apply(functions.add, pair) for pair in zip(others, first[: len(second)])]
        return [*of_first, *others[len(second) :], *of_second]

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
MOST_IN_MATRIX = 16  # so many numbers are added to each other faster than in halves


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
