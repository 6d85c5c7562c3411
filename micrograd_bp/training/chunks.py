"""Tables in chunks: the rows of Dask arrays and DataFrames, and sums over them in a fixed order.

A chunk (a block of rows of an array, a partition of a DataFrame) stays where it is, and gives one
summand; a tree adds them in the order of the chunks, so that the bits of a sum depend on the
chunks alone: not on how many workers there are, nor on which comes first. Where the work is done,
and again where a worker dies, is Dask's to say (https://dask.org).
"""

import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache, partial, reduce
from importlib import import_module
from operator import add
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..modes import in_own_context
from ..numeric import show
from ..program.arguments import refuse_masked, refuse_sparse
from .columns import columns_of, is_named, labels_of
from .data import Table, table

FAN_IN = 16  # how many summands are added by one task
MOST_WITH_CHUNKS = 10**6  # bytes of an array that goes with each chunk, all together
_AS_THEY_ARE = {"optimization.tune.active": False}  # Dask joins partitions of few columns


def is_chunked(*data: Any) -> bool:
    """Whether any of the data is a collection of Dask."""
    return any(hasattr(each, "__dask_graph__") for each in data)


class Chunk:
    """Some rows of several tables: what a worker gets.

    Args:
        columns: the names of the tables, which columns of their blocks they are by labels, or
            None for all as they come, and how many.
        blocks: for each table its blocks of columns.

    Raises:
        TypeError: a block is no array and no DataFrame, or is masked.
        ValueError: it has not the columns that Dask says, or not as many rows as the others.
    """

    def __init__(self, columns: dict[str, Any], blocks: list[list[Any]]) -> None:
        self.names, self.raw = [*columns], []
        for (name, (labels, width)), pieces in zip(columns.items(), blocks):
            for piece in pieces:
                _refuse_no_array(name, piece)
            if len(pieces) > 1:
                pieces = [np.concatenate([*map(np.asarray, pieces)], axis=1)]
            self.raw.append(_columns(name, labels, width, pieces[0]))
        if len({*map(len, self.raw)}) > 1:
            rows = " and ".join(
                f"{name} has {len(x)} rows" for name, x in zip(self.names, self.raw)
            )
            raise ValueError(f"{rows}: they are not of the same data points")

    def __len__(self) -> int:
        return len(self.raw[0])

    def tables(self) -> list[Table]:
        """The tables, checked: real, finite numbers, a row a data point.

        Raises:
            TypeError, ValueError: they are not.
        """
        return [*map(_checked, self.names, self.raw)]

    def arrays(self) -> list[NDArray[Any]]:
        """The tables as arrays of numbers, which were checked before."""
        return [self.array(k) for k in range(len(self.raw))]

    def array(self, k: int) -> NDArray[Any]:
        """One of them."""
        x = np.asarray(self.raw[k])
        x = x if x.dtype.kind in "biuf" else table("", x)
        return x[:, np.newaxis] if x.ndim == 1 else x


class Chunks:
    """Tables of the same data points, of which one at least is in chunks.

    Args:
        tables: the data by their names. Arrays in memory, and Dask arrays that are cut
            elsewhere, are cut as the first Dask array.
        frame: a DataFrame, of which a table may be a column by its name, or a list of such.

    Attributes:
        sizes: how many rows each chunk has; nan where that is not known.
        n_columns: how many columns each table has.

    Raises:
        TypeError: something is no array and no DataFrame.
        ValueError: the data cannot be of the same chunks.
    """

    def __init__(self, tables: dict[str, Any], frame: Any = None) -> None:
        if not is_chunked(frame):
            tables = {name: frame[x] if is_named(x) else x for name, x in tables.items()}
        tables = {
            name: x if is_named(x) or is_chunked(x) else table(name, x)
            for name, x in tables.items()
        }
        labels = {name: x if is_named(x) else _labels(x) for name, x in tables.items()}
        named = [x for x in tables.values() if is_named(x)]
        if named:
            frame = frame[[*dict.fromkeys(label for x in named for label in labels_of(x))]]
        self.n_columns = {
            name: len(labels_of(x)) if is_named(x) else _n_columns(name, x)
            for name, x in tables.items()
        }
        self._columns = {name: (labels[name], self.n_columns[name]) for name in tables}
        tables = {name: frame if is_named(x) else x for name, x in tables.items()}
        sizes = next(filter(None, map(_sizes, tables.values())), None)
        columns = [_blocks(name, x, sizes) for name, x in tables.items()]
        if len({*map(len, columns)}) > 1:
            parts = " and ".join(f"{name} has {len(x)}" for name, x in zip(tables, columns))
            raise ValueError(
                f"the data are of the same partitions, and {parts}, as Dask reads them: take all by"
                ' name from one DataFrame, as in fit(model, frame, "t"), or persist() them'
            )
        self._blocks = [list(blocks) for blocks in zip(*columns)]
        self.sizes = sizes or [np.nan] * len(self._blocks)
        self._ours = eval(_ABOUT)

    def __len__(self) -> int:
        return len(self._blocks)

    def of(self, i: int, f: Callable[..., Any], *args: Any) -> Any:
        """f(chunk, *args) of one chunk, lazily; an error of f names the partition."""
        name = f"chunk-{uuid4().hex}"
        layer = {name: self._task(name, self._pickled(_of_chunk, f), i, args)}
        return _lazy(name, layer, self._blocks[i], args)

    def total(self, f: Callable[..., Any], *args: Any) -> Any:
        """The sum of f(chunk, *args) over the chunks with rows; None if there are none.

        Of the errors that f raises, that of the first chunk is raised here.
        """
        spec, name = library("dask.task_spec"), f"sum-{uuid4().hex}"
        args = tuple(whole(arg) if self._is_large(arg) else arg for arg in args)
        work = self._pickled(_or_error, f)
        parts: list[Any] = [(name, i) for i in range(len(self))]
        layer = {part: self._task(part, work, part[1], args) for part in parts}
        while len(parts) > 1:
            groups = [parts[i : i + FAN_IN] for i in range(0, len(parts), FAN_IN)]
            parts = [(*group[0], len(group)) for group in groups]
            for part, group in zip(parts, groups):
                layer[part] = spec.Task(part, _added, spec.List(*map(spec.TaskRef, group)))
        blocks = [tables for row in self._blocks for tables in row]
        found = computed(_lazy(parts[0], layer, blocks, args))
        if isinstance(found, Exception):
            raise found
        return found

    def _pickled(self, work: Callable[..., Any], f: Callable[..., Any]) -> bytes:
        pickled: bytes = library("cloudpickle").dumps(partial(work, f, self._columns, self._ours))
        return pickled

    def _task(self, key: Any, work: bytes, i: int, args: Sequence[Any]) -> Any:
        """The work on a chunk, in a form that a worker without the package can answer to."""
        spec = library("dask.task_spec")
        blocks = (spec.List(*(spec.TaskRef(x.key) for x in blocks)) for blocks in self._blocks[i])
        given = (spec.TaskRef(arg.key) if is_chunked(arg) else arg for arg in args)
        loaded, apply = spec.Task(None, pickle.loads, work), library("dask.utils").apply
        return spec.Task(key, apply, loaded, spec.List(i, spec.List(*blocks), *given))

    def _is_large(self, arg: Any) -> bool:
        """Whether it is better sent once than with each chunk, where nothing waits for it."""
        return isinstance(arg, np.ndarray) and arg.nbytes * len(self) > MOST_WITH_CHUNKS

    def first(self, f: Callable[[Chunk], Any]) -> Any:
        """What f gives for the first chunk with rows.

        Raises:
            ValueError: there are no rows.
        """
        for i in range(len(self)):
            found = computed(self.of(i, partial(_if_any, f)))
            if found is not None:
                return found
        raise ValueError(f"{next(iter(self._columns))} has no data points")

    def mapped(self, f: Callable[..., Any], like: NDArray[Any], *args: Any) -> Any:
        """A lazy Dask array of what f(chunk, *args) gives, arrays of the shape and type of like."""
        name = f"rows-{uuid4().hex}"
        keys: list[Any] = [(name, i, *(0 for _ in like.shape[1:])) for i in range(len(self))]
        work = self._pickled(_of_chunk, f)
        layer = {key: self._task(key, work, key[1], args) for key in keys}
        chunks = (tuple(self.sizes), *((size,) for size in like.shape[1:]))
        blocks = [tables for row in self._blocks for tables in row]
        graph = _graph(name, layer, blocks, args)
        return library("dask.array").Array(graph, name, chunks, meta=like)


def check_kind(name: str, data: Any) -> None:
    """Raise for a collection of Dask that is no array and no DataFrame or Series.

    Raises:
        TypeError: it is such.
    """
    is_frame = hasattr(type(data), "partitions") and data.ndim
    if is_chunked(data) and not (_is_array(data) or is_frame):
        raise TypeError(
            f"{name} is a Dask array or DataFrame, not {type(data).__name__}:"
            " dask.array.from_delayed, dask.dataframe.from_delayed and Bag.to_dataframe make them"
        )


def _is_array(data: Any) -> bool:
    return isinstance(data, library("dask.array").Array)


def _sizes(data: Any) -> list[float] | None:
    return [*data.chunks[0]] if _is_array(data) and not np.isnan(data.chunks[0]).any() else None


def _labels(data: Any) -> list[Any] | None:
    """Those of a DataFrame in chunks, of which each is by them: if they tell its columns apart."""
    columns = columns_of(data) if is_chunked(data) else []
    return columns if columns and len({*columns}) == len(columns) else None


def _n_columns(name: str, data: Any) -> int:
    check_kind(name, data)
    if data.ndim not in (1, 2) or data.shape[1:] == (0,):
        raise ValueError(
            f"{name} needs a row for each data point, such as shape (100, 2), not {data.shape}"
        )
    if np.isnan(data.shape[1:]).any():
        raise ValueError(f"how many columns {name} has is not known: call compute_chunk_sizes()")
    return 1 if data.ndim == 1 else int(data.shape[1])


def _blocks(name: str, data: Any, sizes: Sequence[float] | None) -> list[list[Any]]:
    """The blocks of columns of each chunk, lazily."""
    if not is_chunked(data):
        if sizes is None:
            raise ValueError(
                f"{name} is in memory, and the sizes of the other's chunks are not known: take all"
                " from one DataFrame, or call compute_chunk_sizes(), which of a DataFrame"
                " to_dask_array(lengths=True) does"
            )
        data = library("dask.array").from_array(data, chunks=-1)
    if not _is_array(data):
        with library("dask").config.set(_AS_THEY_ARE):
            return [[partition] for partition in data.to_delayed()]
    here = _sizes(data)
    if sizes is not None and here is not None and here != sizes:
        if sum(here) != sum(sizes):
            raise ValueError(f"{name} has {sum(here)} data points, not {sum(sizes)}")
        data = data.rechunk({0: tuple(sizes)})
    return [list(row) if data.ndim == 2 else [row] for row in data.to_delayed()]


# What runs on the workers


def _refuse_no_array(name: str, block: Any) -> None:
    refuse_masked(f"numbers of {name}", block)
    refuse_sparse(f"numbers of {name}", block)
    if getattr(block, "ndim", 0) not in (1, 2):
        raise TypeError(f"{name} is {show(block)}, and no array or DataFrame of rows")


def _columns(name: str, labels: Any, width: int, block: Any) -> Any:
    """The columns of a block that are a table, by their labels if it has such."""
    columns = columns_of(block)
    if columns and labels not in (None, columns):
        try:
            block = block[labels]
        except KeyError as error:
            raise ValueError(f"{name} lacks columns that Dask says it has: {error}") from error
    found = 1 if block.ndim == 1 else block.shape[1]
    if len(block) and found != width:
        raise ValueError(f"{name} has {found} columns, and Dask says {width}")
    return block


def _checked(name: str, raw: Any) -> Table:
    """As ``table``, without a copy where none is needed."""
    x = np.asarray(raw)
    if x.dtype == float and x.ndim == 2 and x.size and np.isfinite(x).all():
        return x
    return table(name, raw)


_ERRORS = FloatingPointError, OverflowError, ArithmeticError, TypeError, ValueError


def _of_chunk(
    f: Any, columns: dict[str, Any], ours: Any, i: int, blocks: list[list[Any]], *args: Any
) -> Any:
    theirs = eval(_ABOUT)
    if theirs != ours:  # of a worker that was not there when they were looked at
        _refuse_others(library("distributed").get_worker().address, theirs, ours)
    try:
        return f(Chunk(columns, blocks), *args)
    except _ERRORS as error:  # of which heirs may be made of something else than a message
        kind = next(kind for kind in _ERRORS if isinstance(error, kind))
        raise kind(f"partition {i}: {error}") from error


def _or_error(f: Callable[..., Any], *args: Any) -> Any:
    """As ``_of_chunk``, or None without rows; an error is returned, for the first is raised."""
    try:
        return _of_chunk(partial(_if_any, f), *args)
    except _ERRORS as error:
        return error


def _if_any(f: Callable[..., Any], chunk: Chunk, *args: Any) -> Any:
    """f of a chunk, or None where no table has rows."""
    return f(chunk, *args) if any(map(len, chunk.raw)) else None


@in_own_context
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


def _graph(name: str, layer: dict[Any, Any], blocks: list[list[Any]], args: Sequence[Any]) -> Any:
    """Tasks, and what they need: blocks, and those of the arguments that are of Dask."""
    needed = [*(block for each in blocks for block in each), *filter(is_chunked, args)]
    graph = library("dask.highlevelgraph").HighLevelGraph
    return graph.from_collections(name, layer, dependencies=needed)


def _lazy(key: Any, layer: dict[Any, Any], blocks: list[list[Any]], args: Sequence[Any]) -> Any:
    """The result of one of the tasks."""
    name = str(key)
    return library("dask.delayed").Delayed(key, _graph(name, layer, blocks, args), layer=name)


def whole(thing: Any) -> Any:
    """A thing that is sent with a graph once, and not looked into."""
    return library("dask").delayed(thing, traverse=False)


def computed(lazy: Any) -> Any:
    """What a lazy thing is.

    Raises:
        RuntimeError: a worker cannot take part.
    """
    try:
        return lazy.compute()
    except ImportError as error:
        if (error.name or "").partition(".")[0] == __name__.partition(".")[0]:
            raise RuntimeError(f"a worker {_CANNOT.format(error)}") from error
        raise


def sent(thing: Any, client: Any) -> Any:
    """A thing for a graph: where there is a client in bytes, of which ``there`` makes it again.

    So a worker that cannot take part can still say so.
    """
    return whole(thing if client is None else pickle.dumps(thing))


def shared(thing: Any, client: Any) -> Any:
    """A thing that each worker of the client gets once, however many graphs need it."""
    lazy = sent(thing, client)
    return lazy if client is None else library("dask").persist(lazy)[0]


def there(thing: Any) -> Any:
    """On a worker, what was sent or shared."""
    return _loaded(thing) if isinstance(thing, bytes) else thing


@lru_cache(maxsize=8)
def _loaded(pickled: bytes) -> Any:
    return pickle.loads(pickled)


# What a process has, in a form that one without the package understands.
_ABOUT = (
    "(lambda m, p: (m.__version__, m.engine_kind(), p.Executor.__module__))"
    "(*map(__import__('importlib').import_module, ('micrograd_bp', 'micrograd_bp.program')))"
)


_CANNOT = (
    "cannot import micrograd_bp ({}): on each worker,"
    f" pip install 'micrograd_bp[cluster]=={__version__}'"
)


def client_in_use() -> Any:
    """The client of the cluster in use; None if there is none."""
    client: Any = getattr(library("dask.base").get_scheduler(), "__self__", None)
    return client if hasattr(client, "run") else None


def checked_client() -> Any:
    """The client of the cluster in use, after a look at its workers; None if there is none.

    Raises:
        RuntimeError: a worker has not this version of the package, or another engine.
    """
    client = client_in_use()
    if client is None:
        return None
    ours = eval(_ABOUT)
    for worker, theirs in client.run(eval, _ABOUT, on_error="return").items():
        if isinstance(theirs, BaseException):
            raise RuntimeError(f"the worker {worker} {_CANNOT.format(theirs)}") from theirs
        if theirs != ours:
            _refuse_others(worker, theirs, ours)
    return client


def _refuse_others(worker: str, theirs: Sequence[str], ours: Sequence[str]) -> None:
    for kind, its, own in zip(("version", "engine", "executor"), theirs, ours):
        if its != own:
            raise RuntimeError(
                f"the worker {worker} has micrograd_bp of the {kind} {its}, and this process"
                f" {own}: its bits would be others. Install the same version on each worker,"
                " everywhere with a C compiler or nowhere"
            )
