"""Data to train on, checked: real, finite numbers, a row a data point, that fit each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..modes import in_own_context
from ..numeric import show, to_float
from ..program.arguments import refuse_masked, refuse_sparse

Table = NDArray[np.float64]  # a row a data point


def tables(x_name: str, X: Any, t_name: str, T: Any) -> tuple[Table, Table]:
    """Inputs and targets of the same data points."""
    inputs, targets = table(x_name, X), table(t_name, T)
    if len(inputs) != len(targets):
        raise ValueError(
            f"{x_name} has {len(inputs)} data points and {t_name} has {len(targets)}: of shapes"
            f" {np.shape(X)} and {np.shape(T)}"
        )
    return inputs, targets


def table(name: str, data: Any) -> Table:
    """Real, finite numbers, a row a data point."""
    refuse_masked(f"numbers of {name}", data)
    refuse_sparse(f"numbers of {name}", data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths: {show(data)}") from error
    if array.dtype.kind in "OU":
        cells = np.ndenumerate(array.astype(object))
        array = np.reshape([_cell(name, index, x, data) for index, x in cells], array.shape)
    if array.dtype.kind not in "biuf":
        first = array.flat[0] if array.size else data
        raise TypeError(f"{name} needs numbers, not {array.dtype} such as {show(first)}")
    found = _floats(array)
    if found.ndim == 1:
        found = found[:, np.newaxis]
    if found.ndim != 2 or not found.size:
        raise ValueError(
            f"{name} needs a row for each data point, such as shape (100, 2), not {array.shape}"
        )
    for n, i in np.argwhere(~np.isfinite(found))[:1]:
        raise _missing(name, (n, i), found[n, i], data)
    return found


@in_own_context
def _floats(array: NDArray[Any]) -> Table:
    """The numbers of an array as floats; inf where one is beyond the largest."""
    with np.errstate(over="ignore"):
        return array.astype(float)


def weight_column(sample_weight: Any, n_points: int, average: bool) -> Table:
    """How much each data point counts, a column; for a mean over them 1 on average."""
    weights = table("sample_weight", sample_weight)
    if weights.shape != (n_points, 1):
        raise ValueError(
            f"sample_weight has a number for each of the {n_points} data points, not the shape"
            f" {np.shape(sample_weight)}"
        )
    if weights.min() < 0.0 or not weights.any():
        raise ValueError("sample_weight has numbers from 0 on, and they are not all zero")
    return weights / mean_weight((weights / n_points).sum()) if average else weights


def mean_weight(mean: float) -> float:
    """The mean of weights that are not all zero, unless it is rounded to zero.

    Raises:
        ValueError: it is.

    >>> mean_weight(0.0)
    Traceback (most recent call last):
    ...
    ValueError: sample_weight has numbers too small for their mean: multiply all by the same
    """
    if not mean:
        raise ValueError(
            "sample_weight has numbers too small for their mean: multiply all by the same"
        )
    return mean


def _cell(name: str, index: tuple[int, ...], x: Any, data: Any) -> float:
    try:
        return to_float(x)
    except (OverflowError, TypeError) as error:
        if type(x).__name__ in ("NAType", "NaTType"):  # pandas' own for what is missing
            raise _missing(name, index, x, data) from None
        place = f"[{', '.join(map(str, index))}]" if index else ""
        reason = f"{show(x)} is a name: {_CODED}" if _is_name(x) else error
        raise type(error)(f"{name}{place}{_column(index, data)}: {reason}") from error


def _missing(name: str, index: Sequence[int], x: Any, data: Any) -> ValueError:
    place = f"{name}[{', '.join(map(str, index))}]"
    return ValueError(f"{place} is {x}: leave the data point out, or fill it{_column(index, data)}")


def _column(index: Sequence[int], data: Any) -> str:
    """The name of a cell's column, if it is of a DataFrame."""
    columns = getattr(data, "columns", ())
    return f" (column {columns[index[1]]})" if len(columns) else ""


_CODED = (
    "number the classes from 0 for targets, as names, T = numpy.unique(column, return_inverse=True)"
    " does; for inputs take a column for each, as pandas.get_dummies does"
)


def _is_name(x: Any) -> bool:
    """Whether a cell is a word, and not a number that is written as text."""
    try:
        float(x)
    except ValueError:
        return True
    except (OverflowError, TypeError):
        return False
    return False
