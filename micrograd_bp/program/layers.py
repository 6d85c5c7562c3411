"""Finds layers in a graph of single units: what is alike becomes one instruction of many results.

Nothing says that there are layers: the nodes are put into blocks by what they do (the function,
its parameters) and by the blocks that their operands are in, so a block depends on earlier ones
only. In a block, weighted sums of the same factors are rows of one matrix, W x + b, forwards, or
W^T delta, backwards; functions whose operands are equally far apart, from one to the next, are
one Map. The members of a block are neighbours in memory, in the order in which their own
operands lie, so that the next blocks find their operands as neighbours.
"""

from collections.abc import Sequence
from itertools import chain, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from .. import functions
from .blocks import Blocks
from .fusing import Nodes
from .instructions import (
    Gather,
    Instruction,
    Map,
    Names,
    Product,
    Span,
    Step,
    Sum,
    Sums,
    Weights,
)
from .sums import Plain, Products

_DOT = functions.dot
_new = tuple.__new__  # a NamedTuple's own takes three times as long
_names_of = itemgetter(5, 4)  # scope and label of an Instruction


class Layers:
    """The blocks of a graph, and the steps that compute them.

    Args:
        nodes: of fusing.py; copies are added.
        needed: the numbers that are to be computed, in order.
        varies: which numbers depend on the data; longer by the copies, afterwards.
        n_inputs, n_parameters: how many nodes come first.

    Attributes:
        blocks: with the steps as their turns.
    """

    def __init__(
        self,
        nodes: Nodes,
        needed: Sequence[int],
        varies: list[bool],
        n_inputs: int,
        n_parameters: int,
    ) -> None:
        self.nodes, self.varies = nodes, varies
        self.blocks = blocks = Blocks(nodes, needed, varies, n_inputs, n_parameters)
        self.block, self._at = blocks.block, blocks.at
        self._copies: dict[tuple[int, ...], int] = {}
        self._latest: dict[int, int] = {}  # of a new block, the latest that it reads
        for block in blocks.wide():
            self._find(block)

    def _find(self, block: int) -> None:
        """The steps of a block, as wide as may be."""
        members = self.blocks.members(block)
        node = self._node(members[0])
        operands = self._operands(members)
        read = chain.from_iterable(operands) if len(node.operands) > 2 else node.operands
        last = self.blocks.last_of(read, members[-1])
        steps: list[int | Step]
        if node.function is _DOT:
            members, steps = self._weighted_sums(members, operands)
        else:
            members, operands = self._ordered(members, operands)
            steps = self._maps(members, operands)
        self.blocks.place(block, members, last)
        self.blocks.compute(block, steps)

    def _node(self, i: int) -> Instruction:
        node = self.nodes[i]
        assert type(node) is Instruction
        return node

    def _operands(self, members: Sequence[int]) -> list[tuple[int, ...]]:
        nodes: list[Any] = self.nodes
        return [nodes[i][2] for i in members]

    def _names(self, members: Sequence[int]) -> Names:
        nodes: list[Any] = self.nodes
        names = [_names_of(nodes[i]) for i in members]
        return tuple(names) if any(map(any, names)) else ()

    # Functions of numbers in a row

    def _ordered(
        self, members: list[int], operands: list[tuple[int, ...]]
    ) -> tuple[list[int], list[tuple[int, ...]]]:
        """In the order of the operand that tells them apart best."""
        at = self._at.__getitem__
        columns = [[*map(at, column)] for column in zip(*operands)]
        best = max(columns, key=lambda column: len(set(column)))
        if best == sorted(best):
            return members, operands
        ordered = [i for _, i in sorted(zip(best, members))]
        return ordered, self._operands(ordered)

    def _maps(self, members: list[int], operands: list[tuple[int, ...]]) -> list[int | Step]:
        """Maps of members whose operands are equally far apart, and what remains of single ones."""
        node = self._node(members[0])
        strides_of = self._strides(operands)
        steps: list[int | Step] = []
        first = 0
        while first < len(members):
            end, strides = _run(strides_of, first)
            if end - first == 1:
                steps.append(members[first])
            else:
                spans = tuple(map(Span, operands[first], strides))
                names = self._names(members[first:end])
                steps.append(
                    Map(node.function, node.parameters, end - first, spans, members[first], names)
                )
            first = end
        return steps

    def _strides(self, rows: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """How far it is from each number of a row to that of the next; -1 to another block."""
        at, block = self._at, self.block
        return [
            tuple(at[b] - at[a] if block[a] == block[b] else -1 for a, b in zip(row, following))
            for row, following in pairwise(rows)
        ]

    # Weighted sums: rows of a matrix

    def _weighted_sums(
        self, members: list[int], operands: list[tuple[int, ...]]
    ) -> tuple[list[int], list[int | Step]]:
        """The members in the order of their places, and the products that compute them."""
        at = self._at.__getitem__
        matrices: dict[tuple[int, ...], list[_Row]] = {}
        for row in self._rows(members, operands):  # each in the order of its factors' places
            places = tuple(map(at, row.factors))
            in_order = tuple(sorted(places))
            matrices.setdefault(in_order, []).append(
                row if places == in_order else row.in_order_of(places)
            )
        matrix_of = [matrices[key] for key in sorted(matrices)]
        for matrix in matrix_of:
            if len(matrix) > 1 and self.block[matrix[0].weights[0]] != 2:
                matrix.sort(key=lambda row: (at(row[1][0]), at(row[1][-1]), row[0]))
        rows = [row for matrix in matrix_of for row in matrix]
        ordered = [row.node for row in rows]
        if len(rows) == len(matrix_of) > 1:
            operands = [row.operands for row in rows]
            end, _ = _run(self._strides(operands), 0)
            if end == len(rows):
                return ordered, self._single_sums(rows)
        return ordered, [step for matrix in matrix_of for step in self._products(matrix)]

    def _rows(self, members: list[int], operands: list[tuple[int, ...]]) -> list["_Row"]:
        """The weighted sums, with as factors what most of them share, or what varies."""
        varies = self.varies.__getitem__
        n = len(operands[0]) // 2
        halves = [
            _new(_Row, (i, each[:n], each[n : 2 * n], each[2 * n :]))
            for i, each in zip(members, operands)
        ]
        one = halves[0]
        weights_vary, factors_vary = any(map(varies, one.weights)), any(map(varies, one.factors))
        exchanged = weights_vary and not factors_vary
        if weights_vary == factors_vary and len(members) > 1:
            weights, factors = zip(*((row.weights, row.factors) for row in halves))
            exchanged = _n_changes(weights) < _n_changes(factors)
        if exchanged:
            return [_new(_Row, (i, factors, weights, bias)) for i, weights, factors, bias in halves]
        return halves

    def _products(self, matrix: list["_Row"]) -> list[int | Step]:
        """One matrix times one vector; more, or single sums, where the weights are scattered."""
        factors = matrix[0].factors
        single = [row.node for row in matrix]
        if len(matrix) == 1 and (len(factors) < 2 or not self._are_neighbours(factors)):
            return [*single]
        if not self._are_neighbours(factors):  # so they are copied, in the order that suits
            places = tuple(map(self._at.__getitem__, matrix[0].weights))
            matrix = [row.in_order_of(places) for row in matrix]
            factors = matrix[0].factors
        runs = self._affine(matrix)
        if runs is None or len(runs) > max(1, len(matrix) // 4):
            weights = [i for row in matrix for i in row.weights]
            if len(matrix) == 1 or any(map(self.varies.__getitem__, weights)):
                return self._single_sums(matrix)
            first = self._copy(tuple(weights))
            copied = range(first, first + len(weights))
            n = len(factors)
            matrix = [
                _Row(row.node, tuple(copied[j * n : (j + 1) * n]), factors, row.bias)
                for j, row in enumerate(matrix)
            ]
            runs = self._affine(matrix)
            if runs is None or len(runs) > max(1, len(matrix) // 2):  # by their bias
                return [*single]
        start = factors[0] if self._are_neighbours(factors) else self._copy(factors)
        return [
            Product(
                end - first,
                len(factors),
                weights_at,
                start,
                bias,
                matrix[first].node,
                self._names([row.node for row in matrix[first:end]]),
            )
            for first, end, weights_at, bias in runs
        ]

    def _single_sums(self, rows: list["_Row"]) -> list[int | Step]:
        """Weighted sums one by one, or as a Map where their operands are equally far apart."""
        members = [row.node for row in rows]
        operands = [row.operands for row in rows]
        for i, own in zip(members, operands):
            self.nodes[i] = self._node(i)._replace(operands=own)
        return self._maps(members, operands)

    def _affine(self, matrix: list["_Row"]) -> list[tuple[int, int, Weights, Span | None]] | None:
        """The matrix as matrices whose places are affine in row and column; None where not."""
        at, block = self._at.__getitem__, self.block
        whole = {block[i] for row in matrix for i in (row.weights[0], row.weights[-1])}
        if len(whole) > 1:
            return None
        n = len(matrix[0].weights)
        across = at(matrix[0].weights[1]) - at(matrix[0].weights[0]) if n > 1 else 0
        if across < 0 or not all(self.blocks.are_apart(row.weights, across) for row in matrix):
            return None
        strides_of = self._strides([(row.weights[0], *row.bias) for row in matrix])
        runs: list[tuple[int, int, Weights, Span | None]] = []
        first = 0
        while first < len(matrix):
            end, strides = _run(strides_of, first)
            row = matrix[first]
            bias = Span(row.bias[0], strides[1]) if row.bias else None
            runs.append((first, end, Weights(row.weights[0], strides[0], across), bias))
            first = end
        return runs

    def _are_neighbours(self, nodes: Sequence[int]) -> bool:
        in_one = self.block[nodes[0]] == self.block[nodes[-1]]
        return in_one and self.blocks.are_apart(nodes, 1)

    def _copy(self, nodes: tuple[int, ...]) -> int:
        """The first of copies of nodes, in a block of their own, made once."""
        if nodes not in self._copies:
            first = self._new_block(len(nodes), nodes)
            self._copies[nodes] = first
            self._turn_of_new(first, Gather(nodes, first))
        return self._copies[nodes]

    def _new_block(self, n: int, operands: Sequence[int]) -> int:
        """The first node of a block that was not in the graph."""
        first = self.blocks.add(n, operands)
        varies = any(map(self.varies.__getitem__, operands))
        self.nodes += [None] * n
        self.varies += [varies] * n
        self._latest[self.block[first]] = max(map(self.block.__getitem__, operands))
        return first

    def _turn_of_new(self, node: int, step: Step) -> None:
        block = self.block[node]
        self.blocks.turn(self.blocks.last[block], self._latest[block], 1, [step])

    # Sums over the data points

    def add_sums(self, plain: Plain, products: Products) -> None:
        """Sums of numbers and of products over the data points; they are of sums.py."""
        at = self._at.__getitem__
        by_factors: dict[tuple[int, ...], list[int]] = {}
        for shared, (factors_of_one, _) in products.items():
            by_factors.setdefault(tuple(factors_of_one), []).append(shared)
        self._multiply_pairs(by_factors, products, plain)
        for factors, all_shared in by_factors.items():
            order = sorted(range(len(factors)), key=[*map(at, factors)].__getitem__)
            ordered = [factors[k] for k in order]
            for neighbours in self._neighbours(sorted(all_shared, key=at)):
                first = 0
                for some in self._neighbours(ordered):
                    columns = order[first : first + len(some)]
                    first += len(some)
                    of_each = [products[i][1] for i in neighbours]
                    results = [of_one[k] for of_one in of_each for k in columns]
                    self._sum(neighbours, some, tuple(results))
        for i in [i for i, results in plain.items() if len(results) > 2]:
            many = plain.pop(i)  # such as the 0 that many derivatives are
            first = self._copy((i,) * len(many))
            plain |= {first + j: [k] for j, k in enumerate(many)}
        while plain:  # again, where one number is in two results
            for neighbours in self._neighbours(sorted(plain, key=at)):
                self._sum(neighbours, [], tuple(plain[i].pop() for i in neighbours))
            plain = {i: results for i, results in plain.items() if results}

    def _multiply_pairs(
        self,
        by_factors: dict[tuple[int, ...], list[int]],
        products: Products,
        plain: Plain,
    ) -> None:
        """Products of numbers in a row with each its own factor become a Map, summed as such."""
        at = self._at
        pairs = [
            (all_shared[0], factors[0])
            for factors, all_shared in by_factors.items()
            if len(factors) == len(all_shared) == 1
        ]
        pairs.sort(key=lambda pair: (at[pair[0]], at[pair[1]]))
        strides_of = self._strides(pairs)
        first = 0
        while first < len(pairs):
            end, strides = _run(strides_of, first)
            if end - first > 1:
                n = end - first
                product = self._new_block(n, pairs[first])
                spans = tuple(map(Span, pairs[first], strides))
                self._turn_of_new(product, Map(functions.mul, (), n, spans, product))
                for j, (shared, factor) in enumerate(pairs[first:end]):
                    plain[product + j] = products[shared][1]
                    del by_factors[(factor,)]
            first = end

    def _sum(self, shared: list[int], factors: list[int], results: tuple[int, ...]) -> None:
        """One step, or several where a result would be there twice."""
        step: Step
        if len({*results}) < len(results):
            rows, columns = len(shared), max(1, len(factors))
            if rows > 1:
                self._sum(shared[: rows // 2], factors, results[: rows // 2 * columns])
                self._sum(shared[rows // 2 :], factors, results[rows // 2 * columns :])
            else:
                self._sum(shared, factors[: columns // 2], results[: columns // 2])
                self._sum(shared, factors[columns // 2 :], results[columns // 2 :])
            return
        if len(results) == 1:
            step = Sum(shared[0], tuple(factors), results)
        else:
            factor = factors[0] if factors else 0
            step = Sums(len(shared), shared[0], len(factors), factor, results)
        nodes = [shared[0], *factors[:1]]
        blocks = [self.block[i] for i in nodes]
        latest = max(self._latest.get(block, block) for block in blocks)
        self.blocks.turn(self.blocks.last_of(nodes, -1), latest, 2, [step])

    def _neighbours(self, nodes: list[int]) -> list[list[int]]:
        """Nodes in the order of their places, cut where one is no neighbour of the one before."""
        found: list[list[int]] = []
        for i in nodes:
            before = found[-1][-1] if found else i
            if self._at[i] == self._at[before] + 1 and self.block[i] == self.block[before]:
                found[-1].append(i)
            else:
                found.append([i])
        return found


def _n_changes(halves: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """How many different ones there are, and how often the next is another one."""
    return len({*halves}), sum(a != b for a, b in pairwise(halves))


def _run(strides_of: list[tuple[int, ...]], first: int) -> tuple[int, tuple[int, ...]]:
    """How far rows go in equal strides, and the strides: 0 where there is one."""
    strides = strides_of[first] if first < len(strides_of) else ()
    if not any(strides) or min(strides) < 0:
        return first + 1, (0, 0)
    end = first + 1
    while end < len(strides_of) and strides_of[end] == strides:
        end += 1
    return end + 1, strides


class _Row(NamedTuple):
    """A weighted sum: its node, its weights and factors, and its bias or none."""

    node: int
    weights: tuple[int, ...]
    factors: tuple[int, ...]
    bias: tuple[int, ...]

    @property
    def operands(self) -> tuple[int, ...]:
        return (*self.weights, *self.factors, *self.bias)

    def in_order_of(self, places: tuple[int, ...]) -> "_Row":
        """With its columns in the order of the places."""
        pick = itemgetter(*sorted(range(len(places)), key=places.__getitem__))
        return _Row(self.node, pick(self.weights), pick(self.factors), self.bias)
