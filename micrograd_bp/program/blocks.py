"""What is alike: the nodes of a graph in blocks, by what they do and by where their operands are.

A block depends on earlier ones only. layers.py finds the matrices and vectors among them.
"""

from collections.abc import Iterable

from .fusing import Nodes
from .instructions import Instruction


def into_blocks(
    nodes: Nodes,
    needed: Iterable[int],
    varies: list[bool],
    block: list[int],
    members: list[list[int]],
) -> None:
    """Put nodes into blocks of what is alike, as far as their operands' blocks tell.

    Args:
        nodes: of fusing.py.
        needed: the numbers of those to be computed, in order.
        varies: which numbers depend on the data.
        block: that of each node; of inputs and parameters given, of the others written.
        members: the nodes of each block; the first three are there, 2 for the constants.
    """
    known: dict[tuple[object, ...], int] = {}
    for i in needed:
        node = nodes[i]
        if type(node) is Instruction:
            function, parameters, operands = node[:3]
            n = len(operands)
            key: tuple[object, ...]
            if n == 1:
                key = function, parameters, block[operands[0]]
            elif n == 2:
                key = function, parameters, block[operands[0]], block[operands[1]]
            else:
                first, middle = block[operands[0]], block[operands[n // 2]]
                latest = max(map(block.__getitem__, operands))
                key = function, parameters, n, varies[i], first, middle, latest
            at = known.setdefault(key, len(members))
            if at == len(members):
                members.append([i])
            else:
                members[at].append(i)
            block[i] = at
        elif node is not None:
            block[i] = 2
            members[2].append(i)
