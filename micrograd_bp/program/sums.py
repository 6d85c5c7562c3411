"""What is summed over the data points: numbers as they stand, and products, which nobody stores."""

from collections import Counter
from collections.abc import Sequence

from .. import functions
from .fusing import Nodes
from .instructions import Instruction

Plain = dict[int, list[int]]  # the results that a number is added to
Products = dict[int, tuple[list[int], list[int]]]  # a number's factors, and the result of each


def terms(
    nodes: Nodes, results: Sequence[int], varies: list[bool], readers: Sequence[int]
) -> tuple[Plain, Products]:
    """What to sum for each result: numbers, and products of two.

    A product, or a weighted sum of as many terms as others, that only sums read is never stored:
    its factors are multiplied as they are summed.

    Args:
        nodes, readers: of fusing.py.
        results: the numbers whose sums are wanted.
        varies: which numbers depend on the data.
    """
    alike = Counter(
        len(node.operands)
        for i in results
        if type(node := nodes[i]) is Instruction and node.function is functions.dot
    )
    plain: Plain = {}
    products: Products = {}
    for k, i in enumerate(results):
        node = nodes[i]
        pairs: list[tuple[int, int]] = []
        numbers: tuple[int, ...] = (i,)
        if type(node) is Instruction and node.function in _PRODUCTS and not readers[i]:
            operands = node.operands
            n = len(operands) // 2
            if n == 1 or alike[len(operands)] > 1:
                halves = zip(operands[n : 2 * n], operands[:n])
                pairs = [(a, b) if varies[a] else (b, a) for a, b in halves]
                if all(varies[a] for a, _ in pairs):
                    numbers = operands[2 * n :]
                else:
                    pairs = []
        for shared, factor in pairs:
            factors, theirs = products.setdefault(shared, ([], []))
            factors.append(factor)
            theirs.append(k)
        for number in numbers:
            plain.setdefault(number, []).append(k)
    return plain, products


_PRODUCTS = (functions.mul, functions.dot)
