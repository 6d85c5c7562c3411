"""The slopes of a function of one number: to both sides, to the left, to the right.

The function is looked at in a sweep of steps that halve, from the size of the number down to
where rounding errors are all there is. Where that shows little, because the number is small
for the function, or 0, which has no size, ever larger steps are tried while they agree with
the smaller ones (Shi, Xie, Xuan & Nocedal, Adaptive finite-difference interval estimation,
SIAM J. Sci. Comput. 44, 2022, look for the step in a like way).
"""

from collections.abc import Callable, Iterable, Sequence
from math import frexp, inf, isfinite, ldexp, nan, ulp
from typing import Any, NamedTuple

import numpy as np

from ..modes import in_own_context
from ..numeric import sum_in_order
from .extrapolation import Difference, Rows, Tableau

EPSILON = 2.0**-53
UNDERFLOW = 2.0**-1074
OCTAVES = 46  # of a first sweep
UNIT = 0.6366197723675814  # 2 / pi: no step or square of one has a short mantissa
LEAST, MOST = -1016, 1000  # exponents of steps
STRIDE = 16  # octaves from one larger step to the next
SATURATED = 4.0  # times the first change: by more g changes where it has a slope, over 16 steps
VAGUE = 2.0**-20  # a slope of fewer digits is worth a further look
EXACT = 2.0**-44  # and one of so many is good enough
REACH = 16.0  # times as far as slopes to one side go central ones may
FAINT = 2.0**-24  # g that is flat over so little of t is flat by rounding
ALIKE = 2.0**-12  # a remainder as small is none
PLAIN = 2.0**-12  # a slope of so many digits to one side is not that of a tail
ALONGSIDE = 16.0  # times as far, and g still changes to both sides at once
KINK, KINK_RATIO = 10.0, 1e-3  # the least jump: in errors, and beside the slopes
JUMP_STEPS = 6  # the smallest, over which the change of a smooth g shrinks by far
NEAR = 2.0**-12  # what is small beside t
STEEPER = 2.0**4  # times as steep over the smallest step as over the largest
UNLIKE = 2.0**10  # times as far as between neighbouring floats a smooth g changes, at least


class _Glance(NamedTuple):
    slope: float
    rounding: float  # of the slope
    bend: float  # the slope to the right less that to the left
    change: float  # of g, to either side


class Slopes:
    """A function around a number, and its slopes there.

    Args:
        g: from a float to a float. Where it raises an ArithmeticError or a ValueError, or is
            not finite, it is not defined.
        t: the number.
        step: the largest step; found unless given.
        noise: by how much g(t) may be off through the rounding errors of what it is computed
            from, as far as is known beforehand. They need not show: over steps of 1e-17
            exp(t) - 1 - t is a straight line, of the slope -1.

    Attributes:
        central, left, right: the slopes, each None where g is defined at no point that it needs.

    >>> from math import exp
    >>> slope = Slopes(exp, 0.0).central
    >>> abs(slope.value - 1.0) < slope.error < 1e-11
    True
    >>> [round(slope.value) for slope in (Slopes(abs, 0.0).left, Slopes(abs, 0.0).right)]
    [-1, 1]
    """

    def __init__(
        self,
        g: Callable[[float], float],
        t: float,
        step: float | None = None,
        noise: float = 0.0,
    ) -> None:
        self._g, self._t, self._noise = g, t, noise
        self._centre = self._value(t)
        self._beside: dict[float, tuple[float, float]] = {}
        self._found: dict[int, Difference | None] | None = None
        self._exponent = frexp(t)[1] - 1 if t else LEAST
        self._unit = unit = step or ldexp(UNIT, self._exponent)
        if step or t:
            self._look(ldexp(unit, -k) for k in (*range(24), *range(24, OCTAVES, 2)))
        self._may_look_further = not step

    def _value(self, t: float) -> float:
        try:
            value = self._g(t)
        except (ArithmeticError, ValueError):
            return nan
        return value if isfinite(value) else nan

    def _look(self, steps: Iterable[float]) -> None:
        for h in steps:
            if h and h not in self._beside:
                self._beside[h] = self._value(self._t - h), self._value(self._t + h)
        self._found = None

    @property
    def best(self) -> Difference | None:
        """The slope of a smooth function: the central one, or one to a side that says more."""
        central, left, right = self.central, self.left, self.right
        if not (central and left and right):
            return central
        size = max(abs(slope.value) for slope in (central, left, right))
        gap = abs(left.value - right.value)
        if central.error <= VAGUE * size or gap > left.error + right.error:
            return central
        return min(central, left, right, key=lambda slope: slope.error)

    @property
    def scale(self) -> float:
        """The largest step looked at: larger ones do not tell of the slope at t."""
        self._slopes()
        return max(self._beside)

    @property
    def kink(self) -> float | None:
        """The least distance within which the slopes to the two sides are seen to differ."""
        if not (self.central and self.left and self.right):
            return None
        left, right = self.left, self.right
        gap = abs(right.value - left.value)
        size = max(abs(left.value), abs(right.value))
        if gap <= max(KINK * (left.error + right.error), KINK_RATIO * size):
            return None
        for h, (below, above) in sorted(self._beside.items()):
            bend = abs((above - self._centre) + (below - self._centre)) / h
            if 4.0 * abs(bend - gap) <= gap:
                return h
        return None

    @property
    def jump(self) -> float | None:
        """By how much g jumps at t: a change that stays, however small the steps."""
        small = sorted(h for h in self._beside if self._t + h > self._t > self._t - h)[:JUMP_STEPS]
        for end in (0, 1):
            changes = [self._beside[h][end] - self._centre for h in small]
            sizes = [abs(change) for change in changes]
            if len(sizes) == JUMP_STEPS and isfinite(sum_in_order(sizes)):
                least, most = min(sizes), max(sizes)
                if 2.0 * least >= most > max(FAINT * abs(self._centre), 4.0 * self._noise):
                    return changes[0]
        return None

    @property
    def is_unseen(self) -> bool:
        """Whether g changes between neighbouring floats much as it does over larger steps.

        So sin does at 1e16, where they are 2 apart: no differences tell of its slope.
        """
        beside = [self._t + k * ulp(self._t) for k in (-4, -2, -1, 1, 2, 4)]
        changes = [abs(self._value(t) - self._centre) for t in beside if isfinite(t)]
        afar = [abs(value - self._centre) for pair in self._beside.values() for value in pair]
        afar = sorted(filter(isfinite, afar))
        if not (afar and all(map(isfinite, changes))):
            return False
        least = max(FAINT * abs(self._centre), 4.0 * self._noise)
        return max(changes) > max(afar[len(afar) // 2] / UNLIKE, least)

    @property
    def is_huge(self) -> bool:
        """Whether t, or g beside it, is so large that sums and differences overflow."""
        beside = [value for pair in self._beside.values() for value in pair if isfinite(value)]
        return not isfinite(4.0 * max(map(abs, [self._t, *beside])))

    @property
    def is_ever_steeper(self) -> bool:
        """Whether the differences to one side grow by far as the step shrinks.

        As those of sqrt at 0 do, and of asin at the last float before 1: they have no limit, or
        floats are too far apart to see it.
        """
        for end in (0, 1):
            steps = sorted(h for h in self._beside if isfinite(self._beside[h][end]))
            slopes = [abs(self._beside[h][end] - self._centre) / h for h in steps]
            if slopes and slopes[0] > STEEPER * slopes[-1]:
                return True
        return False

    @property
    def is_flat(self) -> bool:
        """Whether g stays the same over all steps that are small beside t."""
        t, far = self._t, NEAR * self._unit
        small = [pair for h, pair in self._beside.items() if h < far and t + h > t - h]
        same = all(pair == (self._centre, self._centre) for pair in small)
        return t != 0.0 and bool(small) and same

    @property
    def central(self) -> Difference | None:
        """The slope by differences to both sides."""
        return self._slopes()[0]

    @property
    def left(self) -> Difference | None:
        """The slope by differences to the left."""
        return self._slopes()[-1]

    @property
    def right(self) -> Difference | None:
        """The slope by differences to the right."""
        return self._slopes()[1]

    def _slopes(self) -> dict[int, Difference | None]:
        if self._found is None:
            self._found = self._limits() if self._beside else {}
            if self._may_look_further and _are_vague(self._found):
                self._may_look_further = False
                self._look_further(self._unit, MOST - self._exponent)
                self._found = self._limits()
        return self._found

    @in_own_context
    def _limits(self) -> dict[int, Difference | None]:
        with np.errstate(all="ignore"):
            tableaus = {side: self._tableau(side) for side in (0, 1, -1)}
            there = [tableau for tableau in tableaus.values() if tableau]
            edge, quantum = self._first_change()  # rounding is not more
            noise = min(max((x.noise for x in there), default=0.0), 4.0 * quantum)
            reach = min((x.reach(noise) for x in (tableaus[1], tableaus[-1]) if x), default=inf)
            most = {0: REACH * reach, 1: reach, -1: reach}
            for side in (1, -1):  # what is flat to one side has no slope only where it has none,
                # but where it is a straight line to the other: that is a kink, and no tail
                x, other = tableaus[side], tableaus[-side]
                if x and x.is_flat and not (other and _is_plain(other.limit(noise, reach))):
                    most[side] = min(reach, edge)
            return {
                side: tableau.limit(noise, most[side]) if tableau else None
                for side, tableau in tableaus.items()
            }

    def _tableau(self, side: int) -> Tableau | None:
        """The differences, without those at the ends that are 0 by chance or by rounding."""
        ends = (0, 1) if side == 0 else ((side + 1) // 2,)
        falling = sorted(self._beside, reverse=True)
        steps = [
            h
            for h in falling
            if all(isfinite(self._beside[h][end]) for end in ends) and self._t + h > self._t - h
        ]
        rows = self._rows(side, steps)
        live = np.flatnonzero(~rows.flat).tolist()
        first, last = (live[0], live[-1] + 1) if live else (0, len(steps))
        if last < len(steps) and not self._is_rounding(steps[:last], steps[last]):
            last = len(steps)
        rows = Rows(*(column[first:last] for column in rows))
        return Tableau(rows, 1 if side else 2) if len(rows.steps) else None

    def _rows(self, side: int, steps: Sequence[float]) -> Rows:
        """The differences over these steps where g is defined at both ends."""
        t, centre = self._t, self._centre
        h = np.array(steps)
        below: Any
        above: Any
        below, above = np.array([self._beside[step] for step in steps]).reshape(-1, 2).T
        left: Any = t - h
        right: Any = t + h
        lost = 0.0
        if side > 0:
            left, below = t, centre
        elif side < 0:
            right, above = t, centre
        else:  # where the middle of left and right is not t, the bend of g counts
            bend = (above - centre) + (below - centre)
            lost = abs((_rounding_of_sum(t, h) + _rounding_of_sum(t, -h)) / h * bend)
        width = right - left
        slopes = (above - below) / width
        rounding = EPSILON * abs(above) + EPSILON * abs(below) + 2.0 * UNDERFLOW + lost
        rounding = np.maximum(rounding, 2.0 * self._noise)
        flat = (below == centre) & (above == centre)
        return Rows(width, slopes, rounding, flat)

    def _first_change(self) -> tuple[float, float]:
        """The least step over which g changes, and by how much; if over all, they are infinite."""
        for last, h in enumerate(sorted(self._beside)):
            change = max(abs(v - self._centre) for v in self._beside[h])
            if change:
                return (h, change) if last and isfinite(change) else (inf, inf)
        return inf, inf

    def _is_rounding(self, steps: Sequence[float], flat: float) -> bool:
        """Whether g is flat over a step because it is rounded, given larger steps, falling.

        Then it changes to both sides at about the same distance, or by multiples of one number,
        or the distance is tiny.
        """
        if flat < FAINT * self._unit:
            return True
        flats, edges = [flat, flat], [inf, inf]
        for side in (0, 1):
            for h in reversed(steps):
                if self._beside[h][side] != self._centre:
                    edges[side] = h
                    break
                flats[side] = h
            else:
                flats[side] = inf
        if max(flats) <= ALONGSIDE * min(edges):
            return True
        near = [abs(v - self._centre) for h in steps[-4:] for v in self._beside[h] if isfinite(v)]
        return _are_multiples(near)

    def _glance(self, h: float) -> _Glance | None:
        """The difference over one step, to both sides or to the one where g is defined."""
        self._look([h])
        (below, above), centre = self._beside[h], self._centre
        ends = [value for value in (below, above) if isfinite(value)]
        if not ends:
            return None
        both = len(ends) == 2
        change = above - below if both else ends[0] - centre
        bend = abs((above - centre) + (below - centre)) / h if both else 0.0
        width = 2.0 * h if both else h
        lost = abs(_rounding_of_sum(self._t, h) + _rounding_of_sum(self._t, -h)) / width * bend
        rounding = (EPSILON * abs(ends[0]) + EPSILON * abs(ends[-1])) / width + lost
        rounding = max(rounding, 2.0 * self._noise / width)
        largest = max(abs(value - centre) for value in ends)
        return _Glance(
            change / width * (1 if both or ends[0] is above else -1), rounding, bend, largest
        )

    def _look_further(self, unit: float, most: int) -> None:
        """Over ever larger steps, while they agree, and finely below where they no longer do."""
        start = self._least_change(unit, most)
        _, quantum = self._first_change()
        noise = quantum if isfinite(quantum) else 0.0
        low, high, least, bent = -inf, inf, inf, 0.0

        def agrees(k: int) -> bool | None:
            """Whether the slope over a step is what those over smaller ones say; None: unknown."""
            nonlocal low, high, least, bent
            glance = self._glance(ldexp(unit, k))
            if not glance:
                return None
            if k != start and glance.change <= SATURATED * noise:  # that is far from t
                return False
            error = max(16.0 * glance.rounding, 4.0 * noise / ldexp(unit, k))
            lowest, highest = glance.slope - error, glance.slope + error
            if max(low, lowest) > min(high, highest) or error > 2.0**8 * least:
                return False
            if glance.bend < 2.0 * bent:  # of a smooth function it grows with the step
                return False
            low, high, least = max(low, lowest), min(high, highest), min(least, error)
            if glance.bend > 2.0 * error:
                bent = glance.bend
            return True

        if start is None:  # flat, so that no step is better than that of the size of t, or 1
            good = bad = 0 if self._t else most - MOST
        else:
            good = bad = start
            while bad < most and high - low >= EXACT * abs(low):
                verdict = agrees(bad)
                if verdict is False or (verdict is None and (self._t or least < inf)):
                    break
                good, bad = bad, bad + STRIDE
        while bad - good > 4:
            middle = (good + bad) // 2
            if agrees(middle):
                good = middle
            else:
                bad = middle
        self._look(ldexp(unit, k) for k in range(bad - 1, bad - 25, -1))
        for h in [h for h in self._beside if h > ldexp(unit, bad)]:
            del self._beside[h]

    def _least_change(self, unit: float, most: int) -> int | None:
        """The least step of one unit or more over which g changes, as a power of two of units.

        None: it does not, as far as it is defined.
        """

        def changes(k: int) -> bool:
            glance = self._glance(ldexp(unit, k))
            return not glance or glance.change > 0.0

        flat, k = -1, 0
        while not changes(k):
            flat, k = k, k + 2 * STRIDE
            if k > most:
                return None
        while k - flat > 1:
            middle = (flat + k) // 2
            if changes(middle):
                k = middle
            else:
                flat = middle
        return k if self._glance(ldexp(unit, k)) else None


def _is_plain(slope: Difference) -> bool:
    return slope.error <= PLAIN * abs(slope.value)


def _are_vague(slopes: dict[int, Difference | None]) -> bool:
    """Whether neither the central slope nor both of the others have many digits."""
    size = max((abs(slope.value) for slope in slopes.values() if slope), default=0.0)
    central, *sides = (slope.error if slope else inf for slope in slopes.values() or (None, None))
    return min(central, max(sides)) > VAGUE * size


def _are_multiples(changes: Sequence[float]) -> bool:
    """Whether numbers are multiples of one that is not much smaller, as rounding makes them."""
    changes = [change for change in changes if change > 0.0]
    least = quantum = min(changes, default=0.0)
    for change in changes:
        rest = change % quantum
        while (rest := min(rest, quantum - rest)) > ALIKE * least:
            quantum, rest = rest, quantum % rest
    return 16.0 * quantum >= least > 0.0


def _rounding_of_sum(a: Any, b: Any) -> Any:
    """(a + b) minus its float (Knuth's two-sum)."""
    total = a + b
    rest = total - a
    return (a - (total - rest)) + (b - rest)
