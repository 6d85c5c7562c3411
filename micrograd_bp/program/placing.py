"""From layers to a plan: when each instruction runs, and where its numbers live.

The numbers of a block are neighbours. A row of memory is used again as soon as the last reader
of its block is done.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from .. import functions
from .collector import paused
from .fusing import Nodes
from .instructions import (
    Gather,
    Instruction,
    Map,
    OnceStep,
    Plan,
    Product,
    Span,
    Step,
    Sum,
    Sums,
)
from .layers import Layers
from .lowering import Numbered
from .passes import fused, needed, varying

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
    placing = _Placing(layers, graph, () if summed else results)
    return Plan(
        n_inputs=graph.n_inputs,
        n_parameters=graph.n_parameters,
        constants=tuple(constants),
        n_scalars=placing.n_scalars,
        n_rows=placing.rows.n,
        once=tuple(placing.once),
        each=tuple(placing.each),
        outputs=() if summed else tuple(placing.place[i] for i in results),
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
_new = tuple.__new__  # a NamedTuple's own takes three times as long


class _Rows:
    """Rows of memory, given out as neighbours and given back."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._single: list[int] = []  # a heap
        self._free: list[tuple[int, int]] = []  # first and end, in order

    def take(self, n: int) -> int:
        """The first of n rows."""
        if n == 1 and self._single:
            return heappop(self._single)
        for k, (first, end) in enumerate(self._free):
            if end - first >= n:
                if end - first == n:
                    del self._free[k]
                else:
                    self._free[k] = (first + n, end)
                return first
        first = self.n
        if self._free and self._free[-1][1] == self.n:
            first, _ = self._free.pop()
        self.n = first + n
        return first

    def give_back(self, first: int, n: int) -> None:
        """They may be given out again."""
        if n == 1:
            heappush(self._single, first)
            return
        end = first + n
        k = bisect(self._free, (first, end))
        if k < len(self._free) and self._free[k][0] == end:
            end = self._free.pop(k)[1]
        if k and self._free[k - 1][1] == first:
            k -= 1
            first = self._free.pop(k)[0]
        self._free.insert(k, (first, end))


class _Placing:
    """Gives steps their order and numbers their places."""

    def __init__(self, layers: Layers, graph: Numbered, kept: Iterable[int]) -> None:
        self._layers, self._nodes = layers, layers.nodes
        self.place = [-1] * len(layers.nodes)
        self.once: list[OnceStep] = []
        self.each: list[Step] = []
        block, varies = layers.block, layers.varies
        once: list[int | OnceStep] = []
        each: list[int | Step] = []
        for turn in sorted(layers.turns):
            for step in turn.steps:
                if isinstance(step, int):
                    (each if varies[step] else once).append(step)
                elif isinstance(step, (Sum, Sums)) or varies[step.result]:
                    each.append(step)
                else:
                    once.append(step)
        inputs, parameters, constants = layers.members[:3]
        self.n_scalars = 0
        self._take_scalars(parameters)
        self._take_scalars(constants)
        for step in once:
            result = step if isinstance(step, int) else step.result
            if self.place[result] < 0:
                self._take_scalars(layers.members[block[result]])
            self.once.append(self._placed(step))
        for k, i in enumerate(inputs):
            self.place[i] = self.n_scalars + k
        self.rows = _Rows(graph.n_inputs)
        last_read = [-1] * len(layers.members)
        for time, step in enumerate(each):
            for i in self._read(step):
                last_read[block[i]] = time
        for i in (*inputs, *kept):
            last_read[block[i]] = len(each)
        for time, step in enumerate(each):
            done: list[int] = []
            for i in self._read(step):
                b = block[i]
                if last_read[b] == time and varies[i]:
                    last_read[b] = -1
                    done.append(b)
            if isinstance(step, (Sum, Sums)):
                self.each.append(self._placed_sum(step))
                self._give_back(done)
                continue
            result = step if isinstance(step, int) else step.result
            members = layers.members[block[result]]
            if self.place[result] >= 0:
                self.each.append(self._placed(step))
                self._give_back(done)
            elif isinstance(step, int) and len(members) == 1:  # it may have an operand's place
                function, fixed, operands, _, label, scope = self._node(step)
                places = tuple(map(self.place.__getitem__, operands))
                self._give_back(done)
                self.place[step] = self.n_scalars + self.rows.take(1)
                single = function, fixed, places, self.place[step], label, scope
                self.each.append(_new(Instruction, single))
            else:
                self._take_rows(members)
                self.each.append(self._placed(step))
                self._give_back(done)

    def _node(self, i: int) -> Instruction:
        node = self._nodes[i]
        assert type(node) is Instruction
        return node

    def _take_scalars(self, members: Sequence[int]) -> None:
        for i in members:
            self.place[i] = self.n_scalars
            self.n_scalars += 1

    def _take_rows(self, members: Sequence[int]) -> None:
        first = self.n_scalars + self.rows.take(len(members))
        for k, i in enumerate(members):
            self.place[i] = first + k

    def _give_back(self, blocks: Iterable[int]) -> None:
        for b in blocks:
            members = self._layers.members[b]
            self.rows.give_back(self.place[members[0]] - self.n_scalars, len(members))

    def _read(self, step: int | Step) -> Sequence[int]:
        """What tells the blocks that a step reads."""
        match step:
            case int():
                return self._node(step).operands
            case Map():
                return [span.first for span in step.operands]
            case Product():
                bias = [] if step.bias is None else [step.bias.first]
                return [step.weights.first, step.factors, *bias]
            case Gather():
                return step.places
            case Sums():
                return [step.shared, step.factors] if step.depth else [step.shared]
            case Sum():
                return [step.shared, *step.factors]
        raise TypeError(step)

    def _placed(self, step: int | OnceStep) -> OnceStep:
        """A step with places where it has nodes."""
        place = self.place
        match step:
            case int():
                node = self._node(step)
                operands = tuple(map(place.__getitem__, node.operands))
                return node._replace(operands=operands, result=place[step])
            case Map():
                spans = tuple(Span(place[span.first], span.stride) for span in step.operands)
                return step._replace(operands=spans, result=place[step.result])
            case Product():
                return step._replace(
                    weights=step.weights._replace(first=place[step.weights.first]),
                    factors=place[step.factors],
                    bias=step.bias and step.bias._replace(first=place[step.bias.first]),
                    result=place[step.result],
                )
            case Gather():
                return Gather(tuple(map(place.__getitem__, step.places)), place[step.result])
        raise TypeError(step)

    def _placed_sum(self, step: Sum | Sums) -> Sum | Sums:
        place = self.place
        if isinstance(step, Sum):
            factors = tuple(map(place.__getitem__, step.factors))
            return Sum(place[step.shared], factors, step.results)
        factor = place[step.factors] if step.depth else 0
        return step._replace(shared=place[step.shared], factors=factor)
