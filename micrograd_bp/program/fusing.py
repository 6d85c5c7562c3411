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
            nodes[i] = _chain(nodes, node, readers, varies, varies[i], swallowed)
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
    """A sum with the terms that it ends in, and the sum before them, as one ``dot``.

    They are products; or many plain terms, each times 1; else the sum is left as it is.
    """
    terms: list[tuple[int, ...]] = []  # the last one first
    inner: list[int] = []
    one = len(swallowed)
    base, term, product = _split(nodes, whole, readers, varies, kind)
    of_products = product is not None
    while True:
        terms.append(_pair(product) if product is not None else (one, term))
        bias: tuple[int, ...] = (base,)
        before = _alone(nodes, base, readers, varies, kind)
        if before is None:
            break
        if before.function is functions.add:
            number = base
            base, term, product = _split(nodes, before, readers, varies, kind)
            if (product is not None) != of_products:
                break
            inner.append(number)
            continue
        if of_products and before.function in _PRODUCTS:
            terms.append(_pair(before))
            bias = ()
        elif of_products and before.function is functions.dot:
            operands = before.operands
            n = len(operands) // 2
            terms += zip(operands[n - 1 :: -1], operands[2 * n - 1 : n - 1 : -1])
            bias = operands[2 * n :]
        break
    if not of_products and len(terms) < MANY:
        return whole
    for i in inner:
        swallowed[i] = 1
    terms.reverse()
    weights, factors = map(itemgetter(0), terms), map(itemgetter(1), terms)
    return Instruction(functions.dot, (), (*weights, *factors, *bias), -1, whole.label, whole.scope)


MANY = 3  # terms beside the first: so many additions are more than one weighted sum


def _split(
    nodes: Nodes, addition: Instruction, readers: list[int], varies: list[bool], kind: bool
) -> tuple[int, int, Instruction | None]:
    """The sum before the last term, that term, and what it is if it is a product."""
    base, term = addition.operands
    for first, last in ((base, term), (term, base)):
        found = _alone(nodes, last, readers, varies, kind)
        if found is not None and found.function in _PRODUCTS:
            return first, last, found
    return base, term, None


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
