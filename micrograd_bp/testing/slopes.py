"""The slopes of a function of one number: to both sides, to the left, to the right.

The function is looked at in a sweep of steps that halve, from the size of the number down to
where rounding errors are all there is. Where that shows little, because the number is small
for the function, or 0, which has no size, ever larger steps are tried while they agree with
the smaller ones (Shi, Xie, Xuan & Nocedal, Adaptive finite-difference interval estimation,
SIAM J. Sci. Comput. 44, 2022, look for the step in a like way).
"""

from collections.abc import Callable, Iterable, Sequence
from math import frexp, inf, isfinite, ldexp, nan

from .extrapolation import Difference, Row, Tableau

EPSILON = 2.0**-53
UNDERFLOW = 2.0**-1074
OCTAVES = 46
UNIT = 0.6366197723675814  # 2 / pi: no step or square of one has a short mantissa
LEAST, MOST = -1016, 1000  # exponents of steps
VAGUE = 2.0**-20  # a slope of fewer digits is worth a further look
EXACT = 2.0**-44
REACH = 16.0
FAINT = 2.0**-24
ALIKE = 2.0**-12
ALONGSIDE = 16.0
KINK, KINK_RATIO = 10.0, 1e-3
NEAR = 2.0**-12


class Slopes:
    """A function around a number, and its slopes there.

    Args:
        g: from a float to a float. Where it raises an ArithmeticError or a ValueError, or is
            not finite, it is not defined.
        t: the number.
        step: the largest step; found unless given.

    Attributes:
        central, left, right: the slopes, each None where g is defined at no point that it needs.

    >>> from math import exp
    >>> slope = Slopes(exp, 0.0).central
    >>> abs(slope.value - 1.0) < slope.error < 1e-11
    True
    >>> [round(slope.value) for slope in (Slopes(abs, 0.0).left, Slopes(abs, 0.0).right)]
    [-1, 1]
    """

    def __init__(self, g: Callable[[float], float], t: float, step: float | None = None) -> None:
        self._g, self._t = g, t
        self._centre = self._value(t)
        self._beside: dict[float, tuple[float, float]] = {}
        exponent = frexp(t)[1] - 1 if t else LEAST
        self._unit = unit = step or ldexp(UNIT, exponent)
        if step or t:
            self._look(ldexp(unit, -k) for k in range(OCTAVES))
        if not step and (not t or self._is_vague()):
            self._look_further(unit, 16 if t else 32, MOST - exponent)

    def _value(self, t: float) -> float:
        try:
            value = self._g(t)
        except (ArithmeticError, ValueError):
            return nan
        return value if isfinite(value) else nan

    def _look(self, steps: Iterable[float]) -> None:
        for h in steps:
            if h not in self._beside:
                self._beside[h] = self._value(self._t - h), self._value(self._t + h)
        self._found: dict[int, Difference | None] | None = None

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

    def _is_vague(self) -> bool:
        slopes = [slope for slope in self._slopes().values() if slope]
        size = max((abs(slope.value) for slope in slopes), default=0.0)
        central, *sides = (slope.error if slope else inf for slope in self._slopes().values())
        return min(central, max(sides)) > VAGUE * size

    @property
    def scale(self) -> float:
        """The largest step looked at: larger ones do not tell of the slope at t."""
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
        for h in sorted(self._beside):
            before, after = self._row(h, -1), self._row(h, 1)
            if before and after and 4.0 * abs(abs(after.slope - before.slope) - gap) <= gap:
                return h
        return None

    @property
    def is_flat(self) -> bool:
        """Whether g stays the same over all steps that are small beside t."""
        small = (pair for h, pair in self._beside.items() if h < NEAR * self._unit)
        return self._t != 0.0 and all(pair == (self._centre, self._centre) for pair in small)

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
            tableaus = {side: Tableau(self._rows(side), 1 if side else 2) for side in (0, 1, -1)}
            noise = min(max(tableau.noise for tableau in tableaus.values()), 4.0 * self._quantum())
            reaches = [tableaus[side].reach(noise) for side in (1, -1) if tableaus[side]]
            reach = min(reaches, default=inf)
            self._found = {
                side: tableau.limit(noise, reach if side else REACH * reach) if tableau else None
                for side, tableau in tableaus.items()
            }
        return self._found

    def _rows(self, side: int) -> list[Row]:
        """The differences, without those at the end that only rounding keeps at 0."""
        found = {h: self._row(h, side) for h in sorted(self._beside, reverse=True)}
        steps = [h for h, row in found.items() if row]
        rows = [row for row in found.values() if row]
        last = len(rows)
        while last and rows[last - 1].flat:
            last -= 1
        if 0 < last < len(rows) and self._is_rounding(steps[:last], steps[last]):
            return rows[:last]
        return rows

    def _quantum(self) -> float:
        """By how much g changes, where it does not over smaller steps: rounding is not more."""
        for last, h in enumerate(sorted(self._beside)):
            change = max(abs(v - self._centre) for v in self._beside[h])
            if change:
                return change if last and isfinite(change) else inf
        return inf

    def _is_rounding(self, steps: Sequence[float], flat: float) -> bool:
        """Whether g is flat over a step because it is rounded, given larger steps, falling.

        Then it changes to both sides at about the same distance, or by multiples of one number,
        or the distance is tiny.
        """
        if flat < FAINT * self._unit:
            return True
        edges = [
            next((h for h in reversed(steps) if self._beside[h][side] != self._centre), inf)
            for side in (0, 1)
        ]
        if max(edges) <= ALONGSIDE * min(edges):
            return True
        near = [abs(v - self._centre) for h in steps[-4:] for v in self._beside[h] if isfinite(v)]
        return _are_multiples(near)

    def _row(self, h: float, side: int) -> Row | None:
        """The difference over a step, None where g is not defined at its ends."""
        t, centre = self._t, self._centre
        below, above = self._beside[h]
        left, right = t - h, t + h
        lost = 0.0
        if side > 0:
            left, below = t, centre
        elif side < 0:
            right, above = t, centre
        else:  # where the middle of left and right is not t, the bend of g counts
            bend = (above - centre) + (below - centre)
            lost = abs((_rounding_of_sum(t, h) + _rounding_of_sum(t, -h)) / h * bend)
        width = right - left
        slope = (above - below) / width if width else nan
        if not isfinite(slope):
            return None
        rounding = EPSILON * (abs(above) + abs(below)) + 2.0 * UNDERFLOW + lost
        flat = below == above == centre
        return Row(width, slope, rounding, flat)

    def _rows_of(self, h: float) -> list[Row]:
        self._look([h])
        return [row for side in (0, 1, -1) if (row := self._row(h, side))]

    def _look_further(self, unit: float, stride: int, most: int) -> None:
        """Over ever larger steps, while they agree, and finely below where they no longer do."""
        low, high, least, bent, noise = -inf, inf, inf, 0.0, 0.0

        def agrees(k: int) -> bool | None:
            """Whether the slope over a step is what those over smaller ones say; None: unknown."""
            nonlocal low, high, least, bent
            rows = self._rows_of(ldexp(unit, k))
            if not rows:
                return None
            row = rows[0]
            if row.flat and least == inf:
                return True
            error = max(16.0 * row.rounding, 4.0 * noise) / row.step
            if not max(low, row.slope - error) <= min(high, row.slope + error):
                return False
            bend = abs(rows[1].slope - rows[2].slope) if len(rows) == 3 else 0.0
            if error > 2.0**8 * least or bend < bent / 4.0:
                return False
            low, high = max(low, row.slope - error), min(high, row.slope + error)
            least = min(least, error)
            if bend > 2.0 * error:
                bent = bend
            return True

        good, bad, seen, flat = 0, 0, bool(self._t), False
        for k in range(stride, most, stride):
            rows = self._rows_of(ldexp(unit, k))
            if flat and rows and not rows[0].flat:
                first, last = k, k - stride
                while first - last > 1:
                    middle = (first + last) // 2
                    rows = self._rows_of(ldexp(unit, middle))
                    if rows and rows[0].flat:
                        last = middle
                    else:
                        first = middle
                beside = self._beside[ldexp(unit, first)]
                noise = max(abs(v - self._centre) for v in beside if isfinite(v))
            flat = bool(rows) and rows[0].flat
            verdict = agrees(k)
            seen = seen or verdict is not None
            if seen and not verdict:
                bad = k
                break
            good = k
            if high - low < EXACT * abs(low):
                break
        while bad - good > 4:
            middle = (good + bad) // 2
            if agrees(middle):
                good = middle
            else:
                bad = middle
        top = bad or good
        self._look(ldexp(unit, k) for k in range(top - 1, top - 25, -1))
        for h in [h for h in self._beside if h > ldexp(unit, top)]:
            del self._beside[h]


def _are_multiples(changes: Sequence[float]) -> bool:
    """Whether numbers are multiples of one that is not much smaller, as rounding makes them."""
    changes = [change for change in changes if change > 0.0]
    least = quantum = min(changes, default=0.0)
    for change in changes:
        rest = change % quantum
        while (rest := min(rest, quantum - rest)) > ALIKE * least:
            quantum, rest = rest, quantum % rest
    return 16.0 * quantum >= least > 0.0


def _rounding_of_sum(a: float, b: float) -> float:
    """(a + b) minus its float (Knuth's two-sum)."""
    total = a + b
    rest = total - a
    return (a - (total - rest)) + (b - rest)
