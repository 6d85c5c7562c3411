"""The limit of differences as their step goes to 0, and an upper bound of how far it is off.

Differences over a sweep of steps are extrapolated to 0 by Neville's scheme, as Ridders did
(Advances in Engineering Software 4, 1982; Lyness & Moler, Numerische Mathematik 8, 1966). An
estimate is as good as its neighbours agree with it, but never better than two bounds: the
rounding errors of f, seen in how the estimates over the smallest steps scatter (Moré & Wild,
SIAM J. Sci. Comput. 33, 2011), over the step; and what all smaller steps say within theirs
(Lepski, Theory Probab. Appl. 35, 1991), because far out a function may be flat, or smooth in
another way. Nothing here has a unit: a step counts only beside other steps.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

COLUMNS = 6  # of the tableau: differences of the order h**12, or h**6 to one side
WINDOW = 6  # neighbouring steps over which the scatter is looked at
CLEARLY = 2.0**10
SAFETY = 2.0  # on the rounding errors seen
LARGEST_RATIO = 2.0**100  # of two steps, so that no power overflows


class Difference(NamedTuple):
    """A derivative and an estimate of how far it may be off.

    Attributes:
        value: the derivative.
        error: the estimate, in the same unit.

    >>> from micrograd_bp.testing import finite_difference
    >>> slope = finite_difference(lambda x: x**3, 2.0, "ridders")
    >>> isinstance(slope, Difference), abs(slope.value - 12.0) < slope.error < 1e-9
    (True, True)
    """

    value: float
    error: float


class Row(NamedTuple):
    """A difference over one step.

    Attributes:
        step: h.
        slope: the difference over h.
        rounding: by how much, at least, the values of f that it is made of may be off.
        flat: whether these values are all the same: it says nothing of how they scatter.
    """

    step: float
    slope: float
    rounding: float
    flat: bool


class Tableau:
    """Differences, and what they extrapolate to.

    Args:
        rows: the differences, their steps falling.
        order: of the first term of their expansion in h and of each further one: 2 for central
            differences, 1 for those to one side.

    Attributes:
        noise: how the estimates over the smallest steps scatter, times the step: the rounding
            errors of f; None where all is flat.

    >>> rows = [Row(h, 3.0 + h * h, 1e-16, False) for h in (1.0, 0.5, 0.25, 0.125)]
    >>> tableau = Tableau(rows, order=2)
    >>> slope = tableau.limit(tableau.noise)
    >>> abs(slope.value - 3.0) <= slope.error < 1e-14
    True
    """

    def __init__(self, rows: Sequence[Row], order: int) -> None:
        self._rows = rows
        self._lines: list[list[float]] = []
        for k, row in enumerate(rows):
            line = [row.slope]
            if k:
                for column, coarser in enumerate(self._lines[-1][: COLUMNS - 1]):
                    ratio = min(rows[k - 1 - column].step / row.step, LARGEST_RATIO) ** order
                    line.append(line[column] + (line[column] - coarser) / (ratio - 1.0))
            self._lines.append(line)
        self._scatter = [0.0]
        for before, line, row in zip(self._lines, self._lines[1:], rows[1:]):
            gap = abs(line[len(before) - 1] - before[-1])
            self._scatter.append(gap * row.step * (order / 2) ** 2)
        live = [size for size, row in zip(self._scatter, rows) if not row.flat]
        windows = [max(live[i : i + WINDOW]) for i in range(max(len(live) - WINDOW, 0) + 1) if live]
        self.noise = min(windows, default=0.0)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def reach(self, noise: float) -> float:
        """The last step before the estimates scatter by much more than the rounding errors."""
        last = self._rows[-1].step
        for k in range(len(self._rows) - 1, 0, -1):
            row = self._rows[k]
            _, gap = _nearest(self._lines[k - 1], self._lines[k])
            if gap * row.step > CLEARLY * max(0.0 if row.flat else noise, row.rounding):
                return last
            last = row.step
        return inf

    def limit(self, noise: float, most: float = inf) -> Difference:
        """The limit of the slopes as the step goes to 0.

        Args:
            noise: what f is off by at the smallest steps.
            most: the largest step to use.
        """
        rows, lines = self._rows, self._lines
        best = Difference(rows[-1].slope, inf)
        low, high = -inf, inf  # where the smaller steps say that the limit lies
        for k in range(len(rows) - 1, 0, -1):
            if rows[k].step > most:
                break
            value, error = _nearest(lines[k - 1], lines[k])
            size = max(0.0 if rows[k].flat else noise, rows[k].rounding)
            error += SAFETY * size / rows[k].step
            doubt = max(low - value, value - high, 0.0)
            if error + doubt < best.error:
                best = Difference(value, error + doubt)
            if doubt <= error:
                low, high = max(low, value - error), min(high, value + error)
            noise = max(noise, self._scatter[k])
        return best


def _nearest(before: Sequence[float], line: Sequence[float]) -> tuple[float, float]:
    """The estimate of a line that its neighbours agree with best, and by how much they do not."""
    best, least = line[0], inf
    for column in range(1, len(line)):
        value = line[column]
        gap = max(abs(value - line[column - 1]), abs(value - before[column - 1]))
        if column < len(before):
            gap = max(gap, abs(value - before[column]))
        if gap < least:
            best, least = value, gap
    return best, least
