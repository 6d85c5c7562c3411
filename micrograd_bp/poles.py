"""The chain rule where something is infinite: what contributes nothing, and what is undetermined.

A local derivative of 0 is one of two things. Either the node does not depend on the operand near
the point (the branch that ``where`` did not take, a flat piece of ``clip`` or ``relu``, a product
with a constant 0): then nothing comes that way, whatever lies behind. Or it has the number 0 just
here, as cos' at 0: then 0 times infinity is undetermined. cos(sqrt(x)) at 0 has the slope -1/2.

The sweeps of the engine do not tell the two apart: they multiply, and leave to this file what
does not end up finite.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, NoReturn

from . import functions, modes
from .messages import describe_node

Node = Any  # a Value
Numbers = dict[Any, float]  # by node
Term = tuple[Node, float, Node]  # a neighbour, a local derivative, and the node that recorded it


def _is_flat(node: Node, parents: Sequence[Node], i: int, moving: set[Node]) -> bool:
    """Whether a node with a local derivative of 0 does not depend on operand i near the point.

    The function is flat, or the other factor of a product a constant 0. Operands that are not
    among the moving are constants near the point.
    """
    function, n = node.operation.function, len(parents)
    if function.flat is not None:
        numbers = [parent.data for parent in parents]
        flat: bool = function.flat(*numbers, *node.operation.parameters)
        return flat
    factors: Iterable[int] = ()  # of which one that is 0 makes the derivative 0
    if function is functions.mul:
        factors = [1 - i]
    elif function is functions.dot:
        factors = [(i + n // 2) % (n // 2 * 2)]
    elif function is functions.prod:
        factors = (j for j in range(n) if j != i)
    elif function in (functions.div, functions.divide_by_power) and i == 1:
        factors = [0]
    elif function is functions.pow and i == 0:
        factors = [1]
    elif function is functions.pow and parents[0] not in moving:  # 1**y, or 0**y for a y > 0
        x: float = parents[0].data
        return x == 1.0 or (x == 0.0 and parents[1].data > 0.0)
    return any(parents[j].data == 0.0 and parents[j] not in moving for j in factors)


class Edges:
    """The edges of a graph by which something comes: from each node to those it depends on.

    Args:
        order: the nodes, in topological order.
        inputs: nodes that are no constants, whatever they were computed from.

    Attributes:
        live: by node, the numbers of the operands that it depends on near the point.

    >>> from micrograd_bp import Value, topological_order, where
    >>> x = Value(0.0)
    >>> y = where(x > 0, x.sqrt(), 3.0 * x)
    >>> edges = Edges(topological_order(y))
    >>> edges.live[y]
    [2]
    >>> edges.sweep({y: 1.0}, [x], back=True)[x]
    3.0
    """

    def __init__(self, order: Sequence[Node], inputs: Iterable[Node] = ()) -> None:
        self._order = order
        self.live: dict[Node, list[int]] = {}
        self._operands: dict[Node, list[Term]] = {}
        self._consumers: dict[Node, list[Term]] = {}
        moving = set(inputs)
        for node in order:
            parents, slopes = node.parents, node.local_derivatives
            live = [
                i
                for i, d in enumerate(slopes)
                if d != 0.0 or not _is_flat(node, parents, i, moving)
            ]
            self.live[node] = live
            self._operands[node] = [(parents[i], slopes[i], node) for i in live]
            if node.operation is None or any(parents[i] in moving for i in live):
                moving.add(node)
        for node in reversed(order):
            for parent, slope, _ in self._operands[node]:
                self._consumers.setdefault(parent, []).append((node, slope, node))

    def sweep(self, seeds: Numbers, ends: Iterable[Node], back: bool) -> Numbers:
        """The chain rule on floats, in either direction.

        Args:
            seeds: the adjoints (back) or tangents to begin with; one of 0 counts as a number
                that just here is 0.
            ends: the nodes whose numbers have to be finite.

        Returns:
            The numbers of the nodes that something comes to; they may be 0.

        Raises:
            ZeroDivisionError: a number at an end is infinite, or undetermined.
            OverflowError: it is beyond the largest float. Neither where that is allowed, nor
                where it comes from a seed or an operand that is not finite: the user put it in.
        """
        numbers = dict(seeds)
        terms = self._consumers if back else self._operands
        put_in = {node for node, seed in seeds.items() if not isfinite(seed)}
        for node in reversed(self._order) if back else self._order:
            for neighbour, slope, owner in terms.get(node, ()):
                if neighbour in numbers:
                    term = slope * numbers[neighbour]
                    numbers[node] = numbers.get(node, 0.0) + term
                    if not isfinite(term) and (
                        neighbour in put_in or not owner.operation.of_finite
                    ):
                        put_in.add(node)
        if not modes.current.get().nonfinite_allowed:
            for end in ends:
                if not isfinite(numbers.get(end, 0.0)) and end not in put_in:
                    _refuse(terms, numbers, end, back)
        return numbers


def adjoints(order: Sequence[Node], seed: float) -> list[float]:
    """Seed times the derivative of the last node by each node of the order, as by ``backward``.

    Raises:
        ZeroDivisionError, OverflowError: as by ``Edges.sweep``, at a leaf that is no constant.

    >>> from micrograd_bp import Value, topological_order
    >>> adjoints(topological_order(0.0 * Value(0.0).sqrt()), 1.0)
    [0.0, 0.0, 0.0, 1.0]
    """
    leaves = [node for node in order if node.operation is None]
    seeds = {order[-1]: seed} if seed else {}
    numbers = Edges(order).sweep(seeds, leaves, back=True)
    return [numbers.get(node, 0.0) for node in order]


def _refuse(terms: dict[Node, list[Term]], numbers: Numbers, node: Node, back: bool) -> NoReturn:
    """Raise for what made the number of a node infinite or nan, found against the sweep."""
    what = "adjoint" if back else "tangent"
    mode = "backward" if back else "forward"
    zero = ""
    while wrong := [
        (neighbour, slope, owner, numbers[neighbour])
        for neighbour, slope, owner in terms.get(node, ())
        if neighbour in numbers and not isfinite(slope * numbers[neighbour])
    ]:
        neighbour, slope, owner, number = wrong[0]
        if isfinite(number) and isfinite(slope):
            break
        if isfinite(number):
            pole = f"the local derivative of {describe_node(owner)} is {slope}"
            zero = zero or (_why_zero(terms, numbers, neighbour, what) if number == 0.0 else "")
            if zero:
                raise ZeroDivisionError(
                    f"0 times infinity is undetermined: {pole}, and {zero} here, though not all"
                    " around; keep away from that point, choose another branch there by"
                    " where(...), or allow nan with allow_nonfinite()"
                )
            raise ZeroDivisionError(
                f"{mode}: {pole}, and {'an' if back else 'a'} {what} of {number} reaches it; keep"
                " away from that point, or allow the result with allow_nonfinite()"
            )
        if slope == 0.0 and not zero:
            zero = f"that of {describe_node(owner)} is 0"
        node = neighbour
    raise OverflowError(
        f"{mode}: the {what} of {describe_node(node)} is beyond the largest float, 1.8e308"
    )


def _why_zero(terms: dict[Node, list[Term]], numbers: Numbers, node: Node, what: str) -> str:
    """Why the number of a node is 0, in words."""
    while True:
        live = [term for term in terms.get(node, ()) if term[0] in numbers]
        if any(slope * numbers[neighbour] for neighbour, slope, _ in live):
            return f"the contributions to the {what} of {describe_node(node)} cancel"
        for _, slope, owner in live:
            if slope == 0.0:
                return f"that of {describe_node(owner)} is 0"
        if not live or numbers[live[0][0]] != 0.0:
            return f"the {what} of {describe_node(node)} is 0"
        node = live[0][0]
