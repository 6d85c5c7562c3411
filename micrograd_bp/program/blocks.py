"""What is alike: the nodes of a graph in blocks, by what they do and by where their operands are.

A block depends on earlier ones only. Most of a graph without layers are blocks of one node, which
are done here; layers.py finds the matrices and vectors among the others.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

from .. import functions
from .fusing import Nodes
from .instructions import DERIVATIVES, Instruction, Step, told_apart

Turn = tuple[int, int, int, int, Sequence[int | Step]]
"""Steps that run one after the other, and when: a turn runs after those before it in order.

First the last node, as recorded, among all that they need: the recorded order is kept where that
is possible, so that numbers live as long as in the recorded graph. Then the block and the part,
which order turns of the same node; parts are 0 for the block itself, 1 for copies and products of
its members, 2 for their sums. Then the order of creation, which is never equal; and the steps, with
nodes in the place of places, a number for an Instruction as it stands.
"""


class Blocks:
    """The blocks of a graph, the order of their numbers, and when each is computed.

    Block 0 are the inputs, 1 the parameters, 2 the constants. What finds layers asks for
    ``members``, reads ``block``, ``at`` and ``last``, calls the methods, and changes nothing
    itself; the turns are placing.py's.

    Args:
        nodes: of fusing.py.
        needed: the numbers that are to be computed, in order.
        varies: which numbers depend on the data.
        n_inputs, n_parameters: how many nodes come first.

    Attributes:
        block: that of each node.
        at: what orders the nodes; neighbours in a block are neighbours here.
        last: of the turn of each block that is placed.
        turns: the steps, in no order.
    """

    def __init__(
        self,
        nodes: Nodes,
        needed: Iterable[int],
        varies: Sequence[bool],
        n_inputs: int,
        n_parameters: int,
    ) -> None:
        self._nodes = nodes
        self._members: list[list[int]] = [
            [*range(n_inputs)],
            [*range(n_inputs, n_inputs + n_parameters)],
            [],
        ]
        self.block = [0] * n_inputs + [1] * n_parameters
        self.block += [-1] * (len(nodes) - len(self.block))
        self.at = [0] * len(nodes)
        self.turns: list[Turn] = []
        self._n_placed = 0
        self._paired: dict[tuple[object, ...], int] = {}
        self._divide(needed, varies)
        self.last = [-1] * len(self._members)

    def _divide(self, needed: Iterable[int], varies: Sequence[bool]) -> None:
        """Put nodes into blocks of what is alike, as far as their operands' blocks tell."""
        known: dict[tuple[object, ...], int] = {}
        nodes, block, members = self._nodes, self.block, self._members
        for i in needed:
            node = nodes[i]
            if type(node) is Instruction:
                function, parameters, operands = node[:3]
                fixed = told_apart(parameters) if parameters else parameters
                n = len(operands)
                key: tuple[object, ...]
                if n == 1:
                    key = function, fixed, block[operands[0]]
                elif n == 2:
                    key = function, fixed, block[operands[0]], block[operands[1]]
                else:
                    first, middle = block[operands[0]], block[operands[n // 2]]
                    latest = max(map(block.__getitem__, operands))
                    key = function, fixed, n, varies[i], first, middle, latest
                at = known.setdefault(key, len(members))
                if at == len(members):
                    members.append([i])
                else:
                    members[at].append(i)
                block[i] = at
            elif node is not None:
                block[i] = 2
                members[2].append(i)

    def members(self, block: int) -> list[int]:
        """The nodes of a block, in the order of their places once they are placed."""
        return self._members[block]

    def wide(self) -> Iterator[int]:
        """The blocks that may be wide instructions, to be placed by the caller as they come.

        Between them those of one node are done, but a weighted sum of more than one product.
        """
        for block in range(3):
            self.place(block, self.members(block), -1)
        for block in range(3, len(self._members)):
            members = self.members(block)
            node = self._node(block)
            if len(members) > 1 or (node.function is functions.dot and len(node.operands) > 3):
                yield block
            else:
                self.place(block, members, self.last_of(node.operands, members[0]))
                self.compute(block, members)

    def _node(self, block: int) -> Instruction:
        node = self._nodes[self._members[block][0]]
        assert type(node) is Instruction
        return node

    def place(self, block: int, members: list[int], last: int) -> None:
        """The order of a block's members is final, and what its turn comes after."""
        self._members[block] = members
        self.last[block] = last
        at = self._n_placed
        for i in members:
            self.at[i] = at
            at += 1
        self._n_placed = at

    def add(self, n: int, operands: Iterable[int]) -> int:
        """The first of new nodes, a block of their own that is placed as it is."""
        first, block = len(self.block), len(self._members)
        self.block += [block] * n
        self.at += [0] * n
        self._members.append([])
        self.last.append(-1)
        self.place(block, [*range(first, first + n)], self.last_of(operands, -1))
        return first

    def are_apart(self, nodes: Sequence[int], distance: int) -> bool:
        """Whether nodes are equally far apart, each so far from the one before."""
        at = self.at
        return all(at[b] - at[a] == distance for a, b in pairwise(nodes))

    def last_of(self, nodes: Iterable[int], last: int) -> int:
        """The latest of a node and those that end the blocks of others."""
        for block in set(map(self.block.__getitem__, nodes)):
            last = max(last, self.last[block])
        return last

    def turn(self, last: int, block: int, part: int, steps: Sequence[int | Step]) -> None:
        """Steps have their turn."""
        self.turns.append((last, block, part, len(self.turns), steps))

    def compute(self, block: int, steps: Sequence[int | Step]) -> None:
        """The steps that compute a block have their turn.

        Of an activation and its derivative each step of the one is followed by one of the other.
        """
        node = self._node(block)
        if node.function not in _PAIRED:
            self.turn(self.last[block], block, 0, steps)
            return
        derivative = DERIVATIVES.get(node.function)
        key = (derivative or node.function, self.block[node.operands[0]])
        turn = self._paired.pop(key, None)
        if turn is None:
            self._paired[key] = len(self.turns)
            self.turn(self.last[block], block, 0, steps)
            return
        last, other, part, serial, others = self.turns[turn]
        first, second = (steps, others) if derivative else (others, steps)
        both = [*chain.from_iterable(zip(first, second))]
        if len(first) != len(second):
            both = [*first, *second]
        self.turns[turn] = last, other, part, serial, both
        self.last[block] = last


_PAIRED = (*DERIVATIVES, *DERIVATIVES.values())
