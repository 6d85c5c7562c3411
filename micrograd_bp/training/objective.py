"""The error over all data points and its gradient, as functions of the parameters.

Both are sums over the data points, or their means. How they are summed is for the heirs to say:
over a table in memory here, over chunks in cluster.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ..engine import Value
from ..modes import in_own_context
from ..program import Program
from .data import Table
from .optim import Optimizer, Vector, update_named

Sums = tuple[float, Vector]  # of E_n and of dE_n/dw


class Objective(ABC):
    """E and dE/dw over data points, and the steps of an epoch.

    Args:
        n: how many data points there are.
        average: whether E is the mean of the E_n, and not their sum.
        batch_size: how many data points a step takes into account.

    Attributes:
        all_at_once: whether that is all of them.
        rows: how many data points were gone through so far.
    """

    def __init__(self, n: int, average: bool, batch_size: int) -> None:
        self.n, self.average, self.batch_size = n, average, batch_size
        self.all_at_once = batch_size >= n
        self.rows = 0
        self._last: tuple[Vector, float, Vector] | None = None

    @abstractmethod
    def _sums(self, theta: Vector) -> Sums:
        """The sums over all data points."""

    @abstractmethod
    def _error(self, theta: Vector) -> float:
        """The sum of E_n alone over all data points."""

    @abstractmethod
    def _steps(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Value],
        theta: Vector,
        rng: np.random.Generator,
    ) -> Vector:
        """The parameters after an epoch of minibatches in a new order."""

    def _scaled(self, sums: Sums, n: int) -> Sums:
        """The sums over n data points, or the means."""
        return (sums[0] / n, sums[1] / n) if self.average else sums

    def evaluate(self, theta: Vector) -> Sums:
        """The error over all points and its gradient; kept, as it is often asked for twice."""
        if self._last is None or not np.array_equal(self._last[0], theta):
            self.rows += self.n
            self._last = (theta, *self._scaled(self._sums(theta), self.n))
        return self._last[1], self._last[2]

    def know(self, theta: Vector, error: float, gradient: Vector) -> None:
        """The error and its gradient need not be computed here."""
        self._last = (theta.copy(), error, gradient)

    def error(self, theta: Vector) -> float:
        """The error over all points."""
        if self.all_at_once:  # the gradient here is that of the next step
            return self.evaluate(theta)[0]
        self.rows += self.n
        total = self._error(theta)
        return total / self.n if self.average else total

    def descend(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Value],
        theta: Vector,
        rng: np.random.Generator,
    ) -> Vector:
        """The parameters after an epoch: one step, or one for each batch."""
        if self.all_at_once:
            return update_named(optimizer, parameters, theta, self.evaluate(theta)[1])
        self.rows += self.n
        return self._steps(optimizer, parameters, theta, rng)


@in_own_context
def total_of(errors: Vector) -> float:
    """The sum of errors E_n; inf where it is beyond the largest float."""
    with np.errstate(over="ignore"):
        return float(np.sum(errors))


class TableObjective(Objective):
    """The error over data points in memory: the inputs of a program, a row a data point."""

    def __init__(
        self, program: Program, points: Table, average: bool, batch_size: int, threads: int
    ) -> None:
        super().__init__(len(points), average, batch_size)
        self.program, self.points, self.threads = program, points, threads

    def _sums(self, theta: Vector) -> Sums:
        return self._on(theta, self.points)

    def _error(self, theta: Vector) -> float:
        total = total_of(self.program(self.points, theta, threads=self.threads))
        if not np.isfinite(total):
            raise FloatingPointError("the sum of the errors E_n is beyond the largest float")
        return total

    def _steps(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Value],
        theta: Vector,
        rng: np.random.Generator,
    ) -> Vector:
        order = rng.permutation(self.n)
        for start in range(0, self.n, self.batch_size):
            batch = self.points[order[start : start + self.batch_size]]
            theta = update_named(optimizer, parameters, theta, self._of_batch(batch, theta))
        return theta

    def _of_batch(self, batch: Table, theta: Vector) -> Vector:
        try:
            return self._scaled(self._on(theta, batch), len(batch))[1]
        except FloatingPointError:
            self._on(theta, self.points)  # raises too, and tells the row among all points
            raise

    def _on(self, theta: Vector, points: Table) -> Sums:
        return self.program.value_and_grad(points, theta, threads=self.threads)
