"""The limit of differences as their step goes to 0, and an upper bound of how far it is off.

Differences over a sweep of steps are extrapolated to 0 by Neville's scheme, as Ridders did
(Advances in Engineering Software 4, 1982; Lyness & Moler, Numerische Mathematik 8, 1966). An
estimate is as good as its neighbours agree with it, but never better than two bounds: the
rounding errors of f, seen in how the estimates over the smallest steps scatter (Moré & Wild,
SIAM J. Sci. Comput. 33, 2011), over the step; and what all smaller steps say within theirs
(Lepski, Theory Probab. Appl. 35, 1991), because far out a function may be flat, or smooth in
another way. Nothing here has a unit: a step counts only beside other steps.
"""

from math import inf
from typing import Any, NamedTuple

import numpy as np

COLUMNS = 6  # of the tableau: differences of the order h**12, or h**6 to one side
FEWEST = 4  # steps that are used whatever they show
WINDOW = 6  # neighbouring steps over which the scatter is looked at
CLEARLY = 2.0**10
SAFETY = 2.0  # on the rounding errors seen


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


class Rows(NamedTuple):
    """Differences over some steps, arrays of the same length.

    Attributes:
        steps: h, falling.
        slopes: the differences over h.
        rounding: by how much, at least, the values of f that they are made of are off.
        flat: whether these values are all the same: they say nothing of how f scatters.
    """

    steps: Any
    slopes: Any
    rounding: Any
    flat: Any


class Tableau:
    """Differences, and what they extrapolate to.

    Args:
        rows: the differences, one or more.
        order: of the first term of their expansion in h and of each further one: 2 for central
            differences, 1 for those to one side.

    Attributes:
        noise: how the estimates over the smallest steps scatter, times the step: the rounding
            errors of f; 0 where all is flat.
        is_flat: whether all is.

    >>> h = 0.5 ** np.arange(16.0)
    >>> tableau = Tableau(Rows(h, 3.0 + h * h, 1e-16 + 0.0 * h, h < 0.0), order=2)
    >>> slope = tableau.limit(tableau.noise)
    >>> abs(slope.value - 3.0) <= slope.error < 1e-12
    True
    """

    def __init__(self, rows: Rows, order: int) -> None:
        steps, column = rows.steps, rows.slopes
        self._rows, n = rows, len(steps)
        self._values, self._gaps = column.copy(), np.full(n, inf)
        scatter = np.zeros(n)
        scatter[1:] = abs(np.diff(column))
        for k in range(1, min(COLUMNS, n)):  # each column from the one before, and how they agree
            finer, change = column[1:], np.diff(column)
            correction = change / ((steps[:-k] / steps[k:]) ** order - 1.0)
            column = finer + correction
            between = abs(np.diff(column))
            gap = abs(change + correction)  # to the coarser one: the finer is nearer
            np.maximum(gap[1:], between, out=gap[1:])
            better = gap < self._gaps[k:]
            np.copyto(self._values[k:], column, where=better)
            np.copyto(self._gaps[k:], gap, where=better)
            scatter[k + 1 :] = between
        self._scatter = scatter * steps * (order / 2.0) ** 2
        live = self._scatter[~rows.flat].tolist()
        windows = [max(live[i : i + WINDOW]) for i in range(max(len(live) - WINDOW, 0) + 1) if live]
        self.noise = min(windows, default=0.0)
        self.is_flat = not live

    def _bars(self, noise: float) -> Any:
        return np.maximum(np.where(self._rows.flat, 0.0, noise), self._rows.rounding)

    def reach(self, noise: float) -> float:
        """The last step before the estimates scatter by much more than the rounding errors."""
        steps = self._rows.steps
        wild = np.flatnonzero(self._gaps[1:] * steps[1:] > CLEARLY * self._bars(noise)[1:])
        if not len(wild):
            return inf
        return float(steps[max(min(wild[-1] + 2, len(steps) - FEWEST), 0)])

    def limit(self, noise: float, most: float = inf) -> Difference:
        """The limit of the slopes as the step goes to 0.

        Args:
            noise: what f is off by at the smallest steps.
            most: the largest step to use.
        """
        rows = self._rows
        scatter = np.maximum.accumulate(self._scatter[::-1])[::-1]  # seen over smaller steps
        seen = np.append(np.maximum(scatter[1:], noise), noise)
        bars = np.maximum(np.where(rows.flat, 0.0, seen), rows.rounding)
        errors = self._gaps + SAFETY * bars / rows.steps
        best = Difference(float(rows.slopes[-1]), inf)
        low, high = -inf, inf  # where the smaller steps say that the limit lies
        found = zip(rows.steps.tolist(), self._values.tolist(), errors.tolist())
        for step, value, error in reversed(list(found)):
            if step > most:
                break
            doubt = max(low - value, value - high, 0.0)
            if error + doubt < best.error:
                best = Difference(value, error + doubt)
            if doubt <= error:
                low, high = max(low, value - error), min(high, value + error)
        return best
