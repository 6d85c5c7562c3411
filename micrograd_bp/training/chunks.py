"""Tables in chunks: the rows of Dask arrays and DataFrames, and sums over them in a fixed order.

A chunk (a block of rows of an array, a partition of a DataFrame) stays where it is, and gives one
summand; a tree adds them in the order of the chunks, so that the bits of a sum depend on the
chunks alone: not on how many workers there are, nor on which comes first. Where the work is done,
and again where a worker dies, is Dask's to say (https://dask.org).
"""

import pickle
from collections.abc import Callable, Sequence
from functools import reduce
from importlib import import_module
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from .data import Table, table

FAN_IN = 16  # how many summands are added by one task


def is_chunked(*data: Any) -> bool:
    """Whether any of the data is a collection of Dask."""
    return any(hasattr(each, "__dask_graph__") for each in data)


class Chunk:
    """Some rows of several tables: what a worker gets.

    Args:
        columns: the names of the tables, and which columns of their blocks they are; None for
            all.
        blocks: for each table its blocks of columns.
    """

    def __init__(self, columns: dict[str, Any], blocks: list[list[Any]]) -> None:
        self.names, self.raw = [*columns], []
        for pieces, taken in zip(blocks, columns.values()):
            if len(pieces) > 1:
                pieces = [np.concatenate([*map(np.asarray, pieces)], axis=1)]
            self.raw.append(pieces[0] if taken is None else pieces[0][taken])

    def __len__(self) -> int:
        return len(self.raw[0])

    def tables(self) -> list[Table]:
        """The tables, checked: real, finite numbers, a row a data point.

        Raises:
            TypeError, ValueError: they are not.
        """
        if len({*map(len, self.raw)}) > 1:
            rows = " and ".join(
                f"{name} has {len(x)} rows" for name, x in zip(self.names, self.raw)
            )
            raise ValueError(f"{rows}: they are not of the same data points")
        return [*map(table, self.names, self.raw)]

    def arrays(self) -> list[NDArray[Any]]:
        """The tables as arrays of numbers, which were checked before."""
        arrays = [*map(np.asarray, self.raw)]
        numbers = [x if x.dtype.kind in "biuf" else table("", x) for x in arrays]
        return [x[:, np.newaxis] if x.ndim == 1 else x for x in numbers]


class Chunks:
    """Tables of the same data points, of which one at least is in chunks.

    Args:
        tables: the data by their names; those that are None are left out. Arrays in memory, and
            Dask arrays that are cut elsewhere, are cut as the first Dask array.
        frame: a DataFrame, of which a table may be a column by its name, or a list of such.

    Attributes:
        sizes: how many rows each chunk has; nan where that is not known.
        n_columns: how many columns each table has.

    Raises:
        TypeError: something is no array and no DataFrame.
        ValueError: the data cannot be of the same chunks.
    """

    def __init__(self, tables: dict[str, Any], frame: Any = None) -> None:
        tables = {name: data for name, data in tables.items() if data is not None}
        self._columns = {name: x if is_named(x) else None for name, x in tables.items()}
        named = [x for x in self._columns.values() if x is not None]
        if named:
            frame = frame[[*dict.fromkeys(c for x in named for c in np.atleast_1d(x).tolist())]]
        tables = {name: frame if is_named(x) else x for name, x in tables.items()}
        for name, data in tables.items():
            if is_chunked(data) and not (_is_array(data) or hasattr(type(data), "partitions")):
                raise TypeError(f"{name} is a Dask array or DataFrame, not {type(data).__name__}")
        sizes = next(filter(None, map(_sizes, tables.values())), None)
        self.n_columns = {
            name: _n_columns(name, data) if taken is None else np.size(taken)
            for (name, data), taken in zip(tables.items(), self._columns.values())
        }
        columns = [_blocks(name, x, sizes) for name, x in tables.items()]
        if len({*map(len, columns)}) > 1:
            parts = " and ".join(f"{name} has {len(x)}" for name, x in zip(tables, columns))
            raise ValueError(
                f"the data are of the same partitions, and {parts}, as Dask reads them: take all by"
                ' name from one DataFrame, as in fit(model, frame, "t"), or persist() them'
            )
        self._blocks = [list(blocks) for blocks in zip(*columns)]
        self.sizes = sizes or [np.nan] * len(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def of(self, i: int, f: Callable[..., Any], *args: Any) -> Any:
        """f(chunk, *args) of one chunk, lazily; an error of f names the partition."""
        return _delayed(_of_chunk)(i, self._columns, self._blocks[i], f, *args)

    def total(self, f: Callable[..., Any], *args: Any) -> Any:
        """The sum of f(chunk, *args) over the chunks with rows; None if there are none.

        Of the errors that f raises, that of the first chunk is raised here.
        """
        parts = [
            _delayed(_or_error)(i, self._columns, blocks, f, *args)
            for i, blocks in enumerate(self._blocks)
        ]
        while len(parts) > 1:
            parts = [_delayed(_added)(parts[i : i + FAN_IN]) for i in range(0, len(parts), FAN_IN)]
        found = parts[0].compute()
        if isinstance(found, Exception):
            raise found
        return found

    def first(self, f: Callable[[Chunk], Any]) -> Any:
        """What f gives for the first chunk with rows.

        Raises:
            ValueError: there are no rows.
        """
        for i in range(len(self)):
            found = self.of(i, _if_any, f).compute()
            if found is not None:
                return found
        raise ValueError(f"{next(iter(self._columns))} has no data points")

    def mapped(self, f: Callable[..., Any], like: NDArray[Any], *args: Any) -> Any:
        """A lazy Dask array of what f(chunk, *args) gives, arrays of the shape and type of like."""
        da = library("dask.array")
        parts = [
            da.from_delayed(self.of(i, f, *args), (size, *like.shape[1:]), dtype=like.dtype)
            for i, size in enumerate(self.sizes)
        ]
        return da.concatenate(parts, allow_unknown_chunksizes=True)


def is_named(data: Any) -> bool:
    """Whether data are the name of a column, or a list of names."""
    names = [data] if isinstance(data, str) else data
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def columns_of(data: Any) -> list[str]:
    """The names of the columns of a DataFrame; none of anything else."""
    return [*data.columns] if hasattr(type(data), "columns") and data.ndim == 2 else []


def _is_array(data: Any) -> bool:
    return isinstance(data, library("dask.array").Array)


def _sizes(data: Any) -> list[float] | None:
    return [*data.chunks[0]] if _is_array(data) and not np.isnan(data.chunks[0]).any() else None


def _n_columns(name: str, data: Any) -> int:
    if not is_chunked(data):
        data = np.asarray(data)
    if data.ndim not in (1, 2):
        raise ValueError(
            f"{name} needs a row for each data point, such as shape (100, 2), not {data.shape}"
        )
    return 1 if data.ndim == 1 else int(data.shape[1])


def _blocks(name: str, data: Any, sizes: Sequence[float] | None) -> list[list[Any]]:
    """The blocks of columns of each chunk, lazily."""
    if not is_chunked(data):
        if sizes is None:
            raise ValueError(
                f"{name} is in memory, and the sizes of the other's chunks are not known: take all"
                " from one DataFrame, or call compute_chunk_sizes()"
            )
        data = library("dask.array").from_array(np.asarray(data), chunks=-1)
    if not _is_array(data):
        return [[partition] for partition in data.to_delayed()]
    here = _sizes(data)
    if sizes is not None and here is not None and here != sizes:
        if sum(here) != sum(sizes):
            raise ValueError(f"{name} has {sum(here)} data points, not {sum(sizes)}")
        data = data.rechunk({0: tuple(sizes)})
    return [list(row) if data.ndim == 2 else [row] for row in data.to_delayed()]


# What runs on the workers


def _of_chunk(i: int, columns: dict[str, Any], blocks: list[list[Any]], f: Any, *args: Any) -> Any:
    try:
        return f(Chunk(columns, blocks), *args)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise type(error)(f"partition {i}: {error}") from error


def _or_error(*args: Any) -> Any:
    """As ``_of_chunk`` with ``_if_any``; an error is returned, for the first is to be raised."""
    *chunk, f = args[:4]
    try:
        return _of_chunk(*chunk, _if_any, f, *args[4:])
    except (ArithmeticError, TypeError, ValueError) as error:
        return error


def _if_any(chunk: Chunk, f: Callable[..., Any], *args: Any) -> Any:
    """f of a chunk, or None where no table has rows."""
    return f(chunk, *args) if any(map(len, chunk.raw)) else None


def _added(parts: list[Any]) -> Any:
    found = [part for part in parts if part is not None]
    errors = [part for part in found if isinstance(part, Exception)]
    with np.errstate(over="ignore", invalid="ignore"):
        return errors[0] if errors else reduce(add, found) if found else None


# Dask


def library(name: str) -> Any:
    """A part of Dask.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"this needs Dask: pip install 'micrograd_bp[cluster]' ({error})"
        ) from error


def _delayed(f: Any) -> Any:
    return library("dask").delayed(f, pure=False)


def whole(thing: Any) -> Any:
    """A thing that is sent with a graph once, and not looked into."""
    return library("dask").delayed(thing, traverse=False)


def shared(thing: Any, client: Any) -> Any:
    """A thing that each worker of the client gets once, however many graphs need it."""
    if client is None:
        return whole(thing)
    return library("dask").persist(_delayed(pickle.loads)(pickle.dumps(thing)))[0]


# What a process has, in a form that one without the package understands.
_ABOUT = (
    "(lambda m, p: (m.__version__, m.engine_kind(), p.Executor.__module__))"
    "(*map(__import__('importlib').import_module, ('micrograd_bp', 'micrograd_bp.program')))"
)


def checked_client() -> Any:
    """The client of the cluster in use, after a look at its workers; None if there is none.

    Raises:
        RuntimeError: a worker has not this version of the package, or another engine.
    """
    client: Any = getattr(library("dask.base").get_scheduler(), "__self__", None)
    if not hasattr(client, "run"):
        return None
    ours = eval(_ABOUT)
    for worker, theirs in client.run(eval, _ABOUT, on_error="return").items():
        if isinstance(theirs, BaseException):
            raise RuntimeError(
                f"the worker {worker} cannot import micrograd_bp ({theirs}): on each worker,"
                f" pip install 'micrograd_bp[cluster]=={__version__}'"
            ) from theirs
        for kind, its, own in zip(("version", "engine", "executor"), theirs, ours):
            if its != own:
                raise RuntimeError(
                    f"the worker {worker} has micrograd_bp of the {kind} {its}, and this process"
                    f" {own}: its bits would be others. Install the same version on each worker,"
                    " everywhere with a C compiler or nowhere"
                )
    return client
