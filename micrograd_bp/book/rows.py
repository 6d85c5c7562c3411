"""The rows of the worked example's tables: quantities of the network, each computed three ways.

A network of a million inputs has millions of weights. Their numbers are kept as arrays, a row is
made of them when it is asked for, and a table shows the first and the last of many.
"""

import math
from abc import abstractmethod
from array import array
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar, overload

from .differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE

MOST, FIRST, LAST = 200, 20, 5  # of more than so many, the first and the last are shown
T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One quantity of the network, computed three ways.

    Attributes:
        quantity: its name as a label, such as "delta_j=2" or "dE_n/dw1_31", which a table shows
            as dE_n/dw^(1)_31.
        equation: the equation that gives it, by name (``EQUATIONS``).
        by_equations, by_autograd: its value.
        by_differences: its value by central differences; None if it is no derivative.
        scale: what a disagreement is measured against (differences.py).

    >>> row = Row("delta_k=1", "output error", 0.5, 0.5, by_differences=0.6, scale=0.5)
    >>> row.autograd_disagreement, round(row.difference_disagreement, 6), row.agrees
    (0.0, 0.2, False)
    """

    quantity: str
    equation: str
    by_equations: float
    by_autograd: float
    by_differences: float | None
    scale: float

    @property
    def autograd_disagreement(self) -> float:
        """|equations - autograd| / scale."""
        return _relative(self.by_equations, self.by_autograd, self.scale)

    @property
    def difference_disagreement(self) -> float:
        """|equations - central differences| / scale, 0 without central differences."""
        if self.by_differences is None:
            return 0.0
        return _relative(self.by_equations, self.by_differences, self.scale)

    @property
    def disagreement(self) -> float:
        """The larger of the two."""
        return max(self.autograd_disagreement, self.difference_disagreement)

    @property
    def agrees(self) -> bool:
        """Whether each of the two is within its tolerance."""
        return (
            self.autograd_disagreement <= ROUNDING_TOLERANCE
            and self.difference_disagreement <= DIFFERENCE_TOLERANCE
        )

    def to_dict(self) -> dict[str, Any]:
        """The row for programs: strings, floats and None.

        >>> Row("E", "total", 0.5, 0.5, None, scale=0.5).to_dict()["quantity"]
        'E'
        """
        return {**vars(self), "disagreement": self.disagreement, "agrees": self.agrees}


class _RowsOnDemand(Sequence[Row]):
    """Rows that are made as they are asked for: one by its number, or a list of some by a slice."""

    @abstractmethod
    def _row(self, i: int) -> Row:
        """Row i, from 0."""

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        numbers = range(len(self))
        if isinstance(index, slice):
            return [self._row(i) for i in numbers[index]]
        return self._row(numbers[index])


class Kind(_RowsOnDemand):
    """Rows of one kind, such as all dE_n/dw1_ji.

    Args:
        name: the name of the quantity of a number, from 0.
        equation, by_equations, by_autograd, by_differences, scales: as in ``Row``, a number a row;
            there are differences of all or none.

    >>> kind = Kind(lambda i: f"x_{i + 1}", "input", [0.5, 2.0], [0.5, 2.0], None, [1.0, 1.0])
    >>> len(kind), kind[1].quantity
    (2, 'x_2')
    """

    def __init__(
        self,
        name: Callable[[int], str],
        equation: str,
        by_equations: Iterable[float],
        by_autograd: Iterable[float],
        by_differences: Iterable[float] | None,
        scales: Iterable[float],
    ) -> None:
        self._name, self._equation = name, equation
        self._by_equations, self._by_autograd = array("d", by_equations), array("d", by_autograd)
        self._by_differences = None if by_differences is None else array("d", by_differences)
        self._scales = array("d", scales)

    def __len__(self) -> int:
        return len(self._by_equations)

    def _row(self, i: int) -> Row:
        by_differences = None if self._by_differences is None else self._by_differences[i]
        return Row(
            self._name(i),
            self._equation,
            self._by_equations[i],
            self._by_autograd[i],
            by_differences,
            self._scales[i],
        )

    @cached_property
    def autograd_disagreement(self) -> float:
        """The largest of the rows'."""
        return max(map(_relative, self._by_equations, self._by_autograd, self._scales))

    @cached_property
    def difference_disagreement(self) -> float:
        """The largest of the rows'."""
        if self._by_differences is None:
            return 0.0
        return max(map(_relative, self._by_equations, self._by_differences, self._scales))


class Rows(_RowsOnDemand):
    """Rows of several kinds.

    Args:
        kinds: them, in order.

    Attributes:
        kinds: likewise.

    >>> kind = Kind(lambda i: f"x_{i + 1}", "input", [0.5, 2.0], [0.5, 2.0], None, [1.0, 1.0])
    >>> [row.quantity for row in Rows([kind, kind])]
    ['x_1', 'x_2', 'x_1', 'x_2']
    """

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = list(kinds)
        self._ends = list(accumulate(map(len, self.kinds)))

    def __len__(self) -> int:
        return self._ends[-1]

    def _row(self, i: int) -> Row:
        kind = bisect(self._ends, i)
        return self.kinds[kind][i - self._ends[kind]]

    def __iter__(self) -> Iterator[Row]:
        for kind in self.kinds:
            yield from kind

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


def shortened(items: Sequence[T]) -> tuple[Sequence[T], int, Sequence[T]]:
    """The first items, how many are left out, and the last; all are the first if they are few.

    >>> shortened([1, 2, 3])
    ([1, 2, 3], 0, [])
    >>> shortened(range(1000))
    (range(0, 20), 975, range(995, 1000))
    """
    if len(items) <= MOST:
        return items, 0, items[:0]
    return items[:FIRST], len(items) - FIRST - LAST, items[-LAST:]


def _relative(a: float, b: float, scale: float) -> float:
    if a == b:
        return 0.0
    ratio = abs(a - b) / scale if scale else math.inf
    return math.inf if math.isnan(ratio) else ratio
