"""What shuts out a product: the derivatives of a plan that are 0 as a branch was not taken.

Such a 0 shuts out what it is multiplied by, be that infinite: the engine (poles.py) tells it from
a 0 of another kind when a sweep meets one. A plan only multiplies; so here it is found beforehand
which factors are 0 together with which shutters: the derivatives of relu, maximum, clip and where,
each shut where such a derivative is; and sums of products each of which has a shutter.
"""

from collections.abc import Iterator, Sequence

from .. import functions
from .instructions import (
    Instruction,
    Plan,
    Product,
    Step,
    Sum,
    Sums,
    units,
    width,
)

Shutter = tuple[int, int]  # a step, and which of its units
Shut = frozenset[Shutter]
NONE: Shut = frozenset()


class Shutters:
    """Goes through the steps of a plan, in their order.

    Args:
        plan: of instructions.py.
    """

    def __init__(self, plan: Plan) -> None:
        self._zeros = {i for i, c in enumerate(plan.constants, plan.n_parameters) if c == 0.0}
        self._shut: dict[int, Shut] = {}
        self._at = 0
        self._of_value = set(_of_value(plan))

    def of(self, *places: int) -> Shut:
        """The shutters that make a product of numbers 0, in a step of the backward pass."""
        return NONE if self._at in self._of_value else self._of(*places)

    def terms(self, one: Instruction | Product) -> list[Shut]:
        """Of each term of a sum its shutters; nothing where one has none."""
        if isinstance(one, Product):
            factors = range(one.factors, one.factors + one.depth)
            found = [self._of(place) for place in factors] * (one.bias is None)
        else:
            places, n = one.operands, len(one.operands) // 2
            pairs = zip(places[:n], places[n : 2 * n])
            found = [self._of(*pair) for pair in pairs] if one.function is functions.dot else []
            rest = places[2 * n :] if found else places if one.function in _SUMS else ()
            found += [self._of(place) for place in rest]
        return found if all(found) else []

    def take(self, step: Step) -> tuple[int, int]:
        """Go on behind a step.

        Returns:
            Its number, and how many shutters it is: one a unit, of a matrix product one for all.
        """
        at, self._at = self._at, self._at + 1
        if isinstance(step, (Sum, Sums)):
            return at, 0
        if isinstance(step, Product):
            found = [_of_all(self.terms(step), (at, 0))] * step.height
        else:
            found = [
                self._of_unit(one, (at, j))
                for j, one in enumerate(units(step))
                if isinstance(one, Instruction)
            ]
        for place, shut in enumerate(found, step.result):
            self._shut[place] = shut
        own = {unit for shut in found for number, unit in shut if number == at}
        return at, max(own, default=-1) + 1

    def closed(self, one: Instruction) -> str:
        """When a derivative is 0 around a point, in C: of its operands and result; "" for others.

        A result that has the number 0 just there does not say that.
        """
        match one.function, one.parameters:
            case (functions.step, _) | (functions.leaky_step, (0.0,)):
                return "{0} < 0.0"
            case functions.greater, _:
                return "{0} < {1}"
            case functions.within, _:
                return "{result} == 0.0"
            case functions.constant_power_derivative, (c, k) if c % 1.0 == 0.0 and 0.0 <= c <= k:
                return "{result} == 0.0"
            case functions.where, _:
                x, y = (place in self._zeros for place in one.operands[1:])
                return "" if x == y else "{0} != 0.0" if x else "{0} == 0.0"
        return ""

    def _of_unit(self, one: Instruction, itself: Shutter) -> Shut:
        if self.closed(one):
            branches = self._of(*one.operands[1:]) if one.function is functions.where else NONE
            return branches | {itself}
        if one.function in (functions.mul, functions.neg, functions.prod):
            return self._of(*one.operands)
        if one.function in (functions.div, functions.divide_by_power):
            return self._of(one.operands[0])
        return _of_all(self.terms(one), itself)

    def _of(self, *places: int) -> Shut:
        return NONE.union(*(self._shut.get(place, NONE) for place in places))


_SUMS = (functions.add, functions.sub, functions.fsum)
BY_RESULT = (functions.within, functions.constant_power_derivative)  # whose 0 says it


def _of_all(terms: Sequence[Shut], itself: Shutter) -> Shut:
    """The shutters of a sum: those of all its terms, or else it is one itself."""
    if not terms:
        return NONE
    return terms[0] if {*terms} == {terms[0]} else frozenset([itself])


def in_order(shut: Sequence[Shut]) -> list[tuple[int, int, int]]:
    """Of the shutters of numbers in a row, those that are in a row too.

    Returns:
        A step, the first of its units, and the distance from each to the next.

    >>> in_order([frozenset({(7, 0), (8, 0)}), frozenset({(7, 0), (8, 2)})])
    [(7, 0, 0), (8, 0, 2)]
    """
    found = []
    for step, first in sorted(shut[0]):
        units_of_next = [unit for at, unit in sorted(shut[1 % len(shut)]) if at == step]
        for stride in dict.fromkeys(unit - first for unit in units_of_next):
            if all((step, first + j * stride) in here for j, here in enumerate(shut)):
                found.append((step, first, stride))
                break
    return found


def _of_value(plan: Plan) -> Iterator[int]:
    """Which steps the outputs, or the first sum, are computed by: in them 0 times inf is nan."""
    steps = [*plan.once, *plan.each]
    needed = {*plan.outputs}
    for at in reversed(range(len(steps))):
        match steps[at]:
            case Sum(shared, factors, results) if 0 in results:
                needed.update((shared, *factors))
            case Sums(height, shared, depth, factors, results) if 0 in results:
                needed.update(range(shared, shared + height), range(factors, factors + depth))
            case Sum() | Sums():
                continue
            case step:
                written = range(step.result, step.result + width(step))
                if needed.isdisjoint(written):
                    continue
                needed.difference_update(written)
                needed.update(place for one in units(step) for place in _operands(one))
        yield at


def _operands(one: Instruction | Sum) -> tuple[int, ...]:
    return one.operands if isinstance(one, Instruction) else (one.shared, *one.factors)
