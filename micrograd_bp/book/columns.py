"""Many data points at once: a number in an equation may be a column, one number a data point.

Written unit by unit, the equations of backprop.py are sums, products and functions of numbers.
They hold for NumPy arrays as they stand, to the last bit: what is done to a data point, and in
which order its numbers are added up, is the same. A few data points go through them one by one,
and need no NumPy.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

Progress = Callable[[Iterable[Any]], Iterable[Any]]  # hands items through, and tells how far it is
MANY = 200  # data points, from which on columns are quicker
AT_ONCE = 2**20  # numbers of the weights' derivatives in memory
FEWEST = 32  # data points in a column


def over_points(
    f: Callable[[Any, Any], Any],
    weights: Sequence[Sequence[Sequence[float]]],
    inputs: Sequence[Sequence[float]],
    targets: Sequence[Sequence[float]],
) -> Iterator[Any]:
    """f(x, t) of one data point after the other, or of many at once: x_i and t_k are columns then.

    >>> points = [[float(n)] for n in range(1000)]
    >>> [len(y) for y in over_points(lambda x, t: x[0] + t[0], [[[0.5, 1.0]]], points, points)]
    [1000]
    """
    alike = all(len({*map(len, rows)}) == 1 for rows in (inputs, targets))
    if len(inputs) < MANY or not alike:
        yield from map(f, inputs, targets)
        return
    import numpy as np

    size = max(AT_ONCE // sum(map(len, chain.from_iterable(weights))), FEWEST)
    for start in range(0, len(inputs), size):
        x, t = (np.array(rows[start : start + size], float) for rows in (inputs, targets))
        with np.errstate(all="ignore"):  # as floats: what is not finite is looked for at the end
            result = f([*x.T.copy()], [*t.T.copy()])
        yield result


def is_column(x: Any) -> bool:
    """Whether x is a column, and no number.

    >>> is_column(1.0)
    False
    """
    return getattr(x, "ndim", 0) > 0


def of_each(f: Callable[[float], float], x: Any) -> Any:
    """f of a number, or of each number in a column.

    >>> of_each(abs, -1.0)
    1.0
    """
    if not is_column(x):
        return f(x)
    import numpy as np

    return np.fromiter(map(f, x.tolist()), float, len(x))


def numbers(x: Any) -> list[float]:
    """The numbers in a column, or the one number.

    >>> numbers(1.0)
    [1.0]
    """
    return [*x.tolist()] if is_column(x) else [x]


def add_on(total: float, x: Any) -> float:
    """The total and a number, or each number in a column, added up in order.

    >>> add_on(1.0, 2.0)
    3.0
    """
    if is_column(x):
        import numpy as np

        return float(np.cumsum(np.append(total, x))[-1])
    total += x
    return total
