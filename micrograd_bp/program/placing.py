"""When each instruction runs, and where its numbers live.

The numbers of a block are neighbours. A row of memory is used again as soon as the last reader
of its block is done.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from .blocks import Blocks
from .fusing import Nodes
from .instructions import Gather, Instruction, Map, OnceStep, Product, Span, Step, Sum, Sums

_new = tuple.__new__  # a NamedTuple's own takes three times as long


class Rows:
    """Rows of memory, given out as neighbours and given back."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.single: list[int] = []  # a heap
        self._free: list[tuple[int, int]] = []  # first and end, in order

    def take(self, n: int) -> int:
        """The first of n rows."""
        if n == 1 and self.single:
            return heappop(self.single)
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
            heappush(self.single, first)
            return
        end = first + n
        k = bisect(self._free, (first, end))
        if k < len(self._free) and self._free[k][0] == end:
            end = self._free.pop(k)[1]
        if k and self._free[k - 1][1] == first:
            k -= 1
            first = self._free.pop(k)[0]
        self._free.insert(k, (first, end))


class Placing:
    """Gives steps their order and numbers their places.

    Args:
        nodes: of layers.py; varies: which depend on the data.
        blocks: of blocks.py, with all turns.
        kept: the results, whose places are not used again.

    Attributes:
        place: that of each node.
        n_scalars, n_rows: how many places there are of each kind.
        once, each: the steps of a plan.
    """

    def __init__(
        self,
        nodes: Nodes,
        varies: list[bool],
        blocks: Blocks,
        kept: Iterable[int],
    ) -> None:
        self._nodes, self._varies, self._blocks = nodes, varies, blocks
        self.place = [-1] * len(nodes)
        self.once: list[OnceStep] = []
        self.each: list[Step] = []
        once: list[int | OnceStep] = []
        each: list[int | Step] = []
        for *_, steps in sorted(blocks.turns):
            for step in steps:
                if isinstance(step, int):
                    (each if varies[step] else once).append(step)
                elif isinstance(step, (Sum, Sums)) or varies[step.result]:
                    each.append(step)
                else:
                    once.append(step)
        inputs, parameters, constants = map(blocks.members, range(3))
        self.n_scalars = self._neighbours(parameters, 0)
        self.n_scalars = self._neighbours(constants, self.n_scalars)
        for step in once:
            result = step if isinstance(step, int) else step.result
            if self.place[result] < 0:
                self.n_scalars = self._neighbours(self._alike(result), self.n_scalars)
            self.once.append(self._placed(step))
        self._neighbours(inputs, self.n_scalars)
        self._rows = Rows(len(inputs))
        self._run(each, [*inputs, *kept])
        self.n_rows = self._rows.n

    def _alike(self, i: int) -> list[int]:
        return self._blocks.members(self._blocks.block[i])

    def _neighbours(self, members: Iterable[int], place: int) -> int:
        """Give members places from one on; the place after them."""
        for i in members:
            self.place[i] = place
            place += 1
        return place

    def _run(self, each: Sequence[int | Step], kept: Iterable[int]) -> None:
        """The steps run, one at a time: rows are taken, and given back after their last reader."""
        place, block = self.place, self._blocks.block
        last_read: dict[int, int] = {}  # of blocks of rows
        for time, step in enumerate(each):
            last_read |= {block[i]: time for i in self._read(step) if self._varies[i]}
        for i in kept:
            last_read[block[i]] = len(each)
        for time, step in enumerate(each):
            done: list[int] = []
            for i in self._read(step):
                b = block[i]
                if last_read.get(b) == time:
                    del last_read[b]
                    done.append(b)
            if isinstance(step, (Sum, Sums)):
                self.each.append(placed_sum(step, place))
                self._give_back(done)
                continue
            result = step if isinstance(step, int) else step.result
            own = self._alike(result)
            if isinstance(step, int) and len(own) == 1:  # it may have an operand's place
                function, fixed, operands, _, label, scope = self._node(step)
                places = tuple(map(place.__getitem__, operands))
                self._give_back(done)
                place[step] = self.n_scalars + self._rows.take(1)
                single = function, fixed, places, place[step], label, scope
                self.each.append(_new(Instruction, single))
                continue
            if place[result] < 0:
                self._neighbours(own, self.n_scalars + self._rows.take(len(own)))
            self.each.append(self._placed(step))
            self._give_back(done)

    def _node(self, i: int) -> Instruction:
        node = self._nodes[i]
        assert type(node) is Instruction
        return node

    def _read(self, step: int | Step) -> Sequence[int]:
        return self._node(step).operands if isinstance(step, int) else read(step)

    def _placed(self, step: int | OnceStep) -> OnceStep:
        if not isinstance(step, int):
            return placed(step, self.place)
        node = self._node(step)
        operands = tuple(map(self.place.__getitem__, node.operands))
        return node._replace(operands=operands, result=self.place[step])

    def _give_back(self, blocks: Iterable[int]) -> None:
        for b in blocks:
            members = self._blocks.members(b)
            self._rows.give_back(self.place[members[0]] - self.n_scalars, len(members))


def read(step: Step) -> Sequence[int]:
    """Nodes that tell the blocks that a step reads."""
    match step:
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


def placed(step: OnceStep, place: Sequence[int]) -> OnceStep:
    """A step with places where it has nodes."""
    match step:
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


def placed_sum(step: Sum | Sums, place: Sequence[int]) -> Sum | Sums:
    """A sum with places where it has nodes."""
    if isinstance(step, Sum):
        factors = tuple(map(place.__getitem__, step.factors))
        return Sum(place[step.shared], factors, step.results)
    factor = place[step.factors] if step.depth else 0
    return step._replace(shared=place[step.shared], factors=factor)
