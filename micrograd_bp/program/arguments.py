"""What a Program is called with, checked: arrays of real numbers, how many threads, a buffer."""

from collections import Counter
from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Any

import numpy

from ..numeric import is_number, show, to_float

MOST_THREADS = 2**30

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float64]


def floats(what: str, numbers: Any) -> "Floats":
    """Numbers as an array of float64, aligned and in C order; copied only where that is needed.

    Raises:
        TypeError: they are no real numbers, or a masked array, or of Dask.
        ValueError: they are rows of different lengths.
        OverflowError: an int is beyond the largest float.

    >>> floats("inputs", [[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    refuse_masked(what, numbers)
    refuse_sparse(what, numbers)
    _refuse_chunked(what, numbers)
    try:
        array = numpy.asarray(numbers)
    except ValueError:
        raise ValueError(f"the {what} are rows of one length, not {show(numbers)}") from None
    if array.dtype.kind == "O" and all(map(is_number, array.flat)):  # columns of several types
        array = numpy.reshape([*map(to_float, array.flat)], array.shape)
    if array.size and array.dtype.kind not in "fiub":
        raise TypeError(
            f"the {what} are real numbers, not of the type {array.dtype}: {show(numbers)}"
        )
    doubles = numpy.asarray(array, numpy.float64, order="C")
    return doubles if doubles.flags.aligned else doubles.copy()


def in_order(table: Any, names: Sequence[str]) -> Any:
    """The columns of a table by names, or of a row of it, if it has them all; else as it is.

    >>> in_order([[1.0, 2.0]], ["x", "t"])
    [[1.0, 2.0]]
    """
    if hasattr(table, "column_names"):  # Arrow's
        labels, take = table.column_names, table.select
    elif hasattr(table, "columns"):
        labels, take = table.columns, table.__getitem__
    elif hasattr(table, "iat"):  # a Series of pandas
        labels, take = table.index, table.__getitem__
    else:
        return table
    counts = Counter(labels)
    found = all(counts[name] == count == 1 for name, count in Counter(names).items())
    return take([*names]) if names and found else table


def refuse_masked(what: str, data: Any) -> None:
    """Raise for a masked array, or a list of them: NumPy would take what is under the mask.

    Raises:
        TypeError: it is one.

    >>> refuse_masked("inputs", numpy.ma.masked_less([1.0, -999.0], 0.0))
    Traceback (most recent call last):
    ...
    TypeError: the inputs are a masked array, which has no number where it is masked: fill it \
with .filled(0.0), or leave data points out with .compressed()
    """
    kinds = {type(data), *(map(type, data) if isinstance(data, (list, tuple)) else ())}
    for kind in kinds - {float, int, list}:
        if hasattr(kind, "filled"):  # numpy.ma, unless it is used, is better not imported
            raise TypeError(
                f"the {what} are a masked array, which has no number where it is masked: fill it"
                " with .filled(0.0), or leave data points out with .compressed()"
            )


def refuse_sparse(what: str, data: Any) -> None:
    """Raise for what holds a table and is no array: a sparse matrix, a dict, a generator.

    Raises:
        TypeError: it is one; the message says how to make an array of it.

    >>> refuse_sparse("inputs", {"x": [1.0, 2.0]})
    Traceback (most recent call last):
    ...
    TypeError: the inputs are a dict, and no table: take pandas.DataFrame(...) of it
    """
    ways = {
        "toarray": ".toarray()",
        "keys": "pandas.DataFrame(...) of it",
        "__next__": "list(...) of it",
    }
    for method, way in ways.items():
        if hasattr(type(data), method) and not hasattr(type(data), "__array__"):
            raise TypeError(f"the {what} are a {type(data).__name__}, and no table: take {way}")


def _refuse_chunked(what: str, data: Any) -> None:
    """Raise for a collection of Dask: NumPy would gather all of it on this machine."""
    if hasattr(data, "__dask_graph__") and data.__dask_graph__() is not None:
        raise TypeError(
            f"the {what} are a Dask {type(data).__name__}, which would be gathered here whole:"
            " micrograd_bp.training.cluster.value_and_grad(program, data) takes its chunks where"
            " they are, and .compute() gathers it"
        )


def thread_count(threads: Any) -> int:
    """A number of threads: an integer, also one of NumPy, from 1 on.

    Raises:
        ValueError: it is none.

    >>> thread_count(numpy.int64(2))
    2
    """
    try:
        found = 0 if isinstance(threads, (bool, numpy.bool_)) else index(threads)
    except TypeError:
        found = 0
    if found < 1:
        raise ValueError(f"threads is a number of threads, at least 1, not {show(threads)}")
    return min(found, MOST_THREADS)


def check_out(out: Any, shape: tuple[int, ...], *arguments: "Floats") -> None:
    """Raise where results cannot be written into what a caller gives for them.

    Args:
        out: what the caller gives.
        shape: of the results.
        arguments: those that the results are computed from.

    Raises:
        TypeError: it is no array of float64.
        ValueError: its shape is another, or it is not in C order, or read-only, or shares its
            memory with an argument.

    >>> check_out(numpy.zeros(3), (2,))
    Traceback (most recent call last):
    ...
    ValueError: out is an array of float64 of the shape (2,); this one has the shape (3,)
    """
    wanted = f"out is an array of float64 of the shape {shape}"
    if type(out) is not numpy.ndarray:
        raise TypeError(f"{wanted}, not {show(out)}")
    if out.dtype != numpy.float64:
        raise TypeError(f"{wanted}, not one of {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"{wanted}; this one has the shape {out.shape}")
    if not (out.flags.c_contiguous and out.flags.aligned):
        raise ValueError(f"{wanted}, in C order and aligned, and this one is not")
    if not out.flags.writeable:
        raise ValueError(f"{wanted}, and this one is read-only")
    if any(numpy.may_share_memory(out, array) for array in arguments):
        raise ValueError(f"{wanted}, and this one shares its memory with an argument")
