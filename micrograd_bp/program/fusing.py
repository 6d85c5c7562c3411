"""Sums fused: u + v w is one ``dot``, and so is a chain of such, or of many plain terms."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from .. import functions
from .instructions import Instruction

Nodes = list[Instruction | float | None]  # by number: inputs, parameters, then what is computed


def varying(nodes: Nodes, n_inputs: int) -> list[bool]:
    """Which numbers depend on the data."""
    varies = [False] * len(nodes)
    varies[:n_inputs] = [True] * n_inputs
    for i, node in enumerate(nodes):
        if type(node) is Instruction:
            for operand in node.operands:
                if varies[operand]:
                    varies[i] = True
                    break
    return varies


def needed(nodes: Nodes, results: Iterable[int]) -> list[int]:
    """The numbers that results are computed from, and they themselves, in order."""
    found = bytearray(len(nodes))
    for i in results:
        found[i] = 1
    for i in range(len(nodes) - 1, -1, -1):
        node = nodes[i]
        if found[i] and type(node) is Instruction:
            for operand in node.operands:
                found[operand] = 1
    return [i for i, is_needed in enumerate(found) if is_needed]


def fused(nodes: Nodes, results: Sequence[int], varies: list[bool]) -> tuple[Nodes, list[int]]:
    """The nodes, with u + v w as one ``dot`` wherever u or v w has no other reader.

    A square is a product too. Of many plain terms each is a product with 1: a number that is put
    to the end. The terms stay in their order, so the rounding is the same.

    Args:
        varies: which numbers depend on the data; longer by that 1, afterwards.

    Returns:
        The nodes, and how often each result among them is read by others.
    """
    nodes = list(nodes)
    readers = [0] * len(nodes)
    for i in (*results, *results):  # a result is never swallowed
        readers[i] += 1
    reached = needed(nodes, results)
    for i in reached:
        node = nodes[i]
        if type(node) is Instruction:
            for operand in node.operands:
                readers[operand] += 1
    swallowed = bytearray(len(nodes))
    for i in reversed(reached):
        node = nodes[i]
        if type(node) is Instruction and node.function is functions.add and not swallowed[i]:
            chain = _chain(nodes, node, readers, varies, varies[i], swallowed)
            if chain is node:
                chain = _plain_chain(nodes, node, readers, varies, varies[i], swallowed)
            nodes[i] = chain
    nodes.append(1.0)
    varies.append(False)
    readers.append(0)
    for i in (*results, *results):
        readers[i] -= 1
    return nodes, readers


def _chain(
    nodes: Nodes,
    whole: Instruction,
    readers: list[int],
    varies: list[bool],
    kind: bool,
    swallowed: bytearray,
) -> Instruction:
    """A sum with the products that it ends in, and the sum before them, as one ``dot``."""
    terms: list[tuple[int, ...]] = []  # the last one first
    at: Instruction | None = whole
    last = -1  # the number of at, but of the whole
    bias: tuple[int, ...] = ()
    while at is not None:
        base, term = at.operands
        found = _alone(nodes, term, readers, varies, kind)
        if found is None or found.function not in _PRODUCTS:
            base, term = term, base
            found = _alone(nodes, term, readers, varies, kind)
            if found is None or found.function not in _PRODUCTS:
                if at is whole:
                    return whole
                bias = (last,)
                break
        if at is not whole:
            swallowed[last] = 1
        terms.append(_pair(found))
        before = _alone(nodes, base, readers, varies, kind)
        at, last, bias = None, base, (base,)
        if before is not None:
            if before.function is functions.add:
                at = before
            elif before.function in _PRODUCTS:
                terms.append(_pair(before))
                bias = ()
            elif before.function is functions.dot:
                operands = before.operands
                n = len(operands) // 2
                terms += zip(operands[n - 1 :: -1], operands[2 * n - 1 : n - 1 : -1])
                bias = operands[2 * n :]
    terms.reverse()
    weights, factors = map(itemgetter(0), terms), map(itemgetter(1), terms)
    return Instruction(functions.dot, (), (*weights, *factors, *bias), -1, whole.label, whole.scope)


def _plain_chain(
    nodes: Nodes,
    whole: Instruction,
    readers: list[int],
    varies: list[bool],
    kind: bool,
    swallowed: bytearray,
) -> Instruction:
    """A sum of many plain terms as one ``dot``, each times 1; else as it is."""
    terms: list[int] = []  # the last one first
    inner: list[int] = []
    at = whole
    while True:
        base, term = at.operands
        terms.append(term)
        before = _alone(nodes, base, readers, varies, kind)
        if (
            before is None
            or before.function is not functions.add
            or _has_product(nodes, before, readers, varies, kind)
        ):
            break
        inner.append(base)
        at = before
    if len(terms) < MANY:
        return whole
    for i in inner:
        swallowed[i] = 1
    terms.reverse()
    one = len(swallowed)
    operands = (*[one] * len(terms), *terms, base)
    return Instruction(functions.dot, (), operands, -1, whole.label, whole.scope)


MANY = 3  # terms beside the first: so many additions are more than one weighted sum


def _has_product(
    nodes: Nodes, addition: Instruction, readers: list[int], varies: list[bool], kind: bool
) -> bool:
    """Whether an operand is such that the sum becomes a weighted one by itself."""
    found = [_alone(nodes, i, readers, varies, kind) for i in addition.operands]
    return any(one is not None and one.function in _PRODUCTS for one in found)


_PRODUCTS = (functions.mul, functions.square)


def _alone(
    nodes: Nodes, i: int, readers: list[int], varies: list[bool], kind: bool
) -> Instruction | None:
    """An instruction with one reader, of the same kind as it."""
    if readers[i] != 1 or varies[i] != kind:
        return None
    node = nodes[i]
    return node if type(node) is Instruction else None


def _pair(product: Instruction) -> tuple[int, ...]:
    operands = product.operands
    return operands if len(operands) == 2 else (*operands, *operands)
