"""Beyond one machine: E = sum_n E_n and dE/dw = sum_n dE_n/dw are sums over the chunks of Dask.

Each round sends the weights to where the chunks are, and brings back one sum (chunks.py).
Minibatches go from chunk to chunk: a worker takes the steps that its chunk is good for, and what
is left over begins the batch of the next.
"""

import pickle
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..engine import Value
from ..messages import needing_packages
from ..numeric import show
from ..program import Program
from ..program.arguments import thread_count

with needing_packages(__name__):
    import numpy as np
    from numpy.typing import NDArray

from .checkpoint import digest, fingerprint
from .chunks import (
    Chunk,
    Chunks,
    check_kind,
    checked_client,
    client_in_use,
    computed,
    is_chunked,
    library,
    shared,
    there,
    whole,
)
from .classes import OF_CLASSES, class_names, coded, numbered, one_of_k
from .columns import columns_of, is_named, other_columns
from .data import Table, mean_weight
from .losses import Loss
from .objective import Objective, Sums, total_of
from .one_graph import points_to_try
from .optim import Optimizer, Vector, update_named


def value_and_grad(
    program: Program, data: Any, parameters: Any = None, *, threads: int = 1
) -> tuple[float, Vector]:
    """``program.value_and_grad`` over all rows of a Dask array or DataFrame, chunk by chunk.

    It runs where Dask runs: on the workers of a ``dask.distributed.Client`` if there is one, else
    on threads of this process. Every worker needs this version of the package.

    Args:
        program: with one output, such as E_n.
        data: a Dask array with a column for each input of the program; or a Dask DataFrame, of
            which the columns with the labels of the inputs are taken.
        parameters: numbers of shape (n_parameters,); unless given, those recorded.
        threads: how many each chunk takes; the result is the same to the last bit.

    Returns:
        The pair (sum_n E_n, sum_n dE_n/dw): the same bits for the same chunks on any number of
        workers of one kind of processor.

    Raises:
        TypeError: the data are no Dask collection, or not made of real numbers.
        ValueError: a shape is wrong, a column is not there or a number is missing; the message
            names the partition and the row in it.
        FloatingPointError: finite numbers gave inf or nan; likewise.
        RuntimeError: a worker cannot take part.

    >>> import dask.array as da
    >>> w, x = Value(1.0, label="w"), Value(1.0, label="x")
    >>> program = Program((w * x) ** 2 / 2, inputs=[x], parameters=[w])
    >>> value_and_grad(program, da.from_array(np.array([[1.0], [2.0]]), chunks=1), [3.0])
    (22.5, array([15.]))
    """
    if not is_chunked(data):
        raise TypeError(f"data are a Dask array or DataFrame, not {show(data)}")
    names = program._names[: len(program._names) - len(program._recorded)]
    columns = columns_of(data)
    for name in names if columns else ():
        if names.count(name) > 1 or columns.count(name) != 1:
            raise ValueError(
                "the columns of a DataFrame are taken by the labels of the inputs,"
                f" {', '.join(map(repr, names))}, and {name!r} is not one of"
                f" {', '.join(map(repr, columns))}"
            )
    _, theta = program._checked(np.empty((0, len(names))), parameters)
    chunks = Chunks({"inputs": list(names) if columns else data}, data)
    found = chunks.total(_sums, _sent(program, thread_count(threads)), theta)
    if found is None:
        return 0.0, np.zeros(len(theta))
    return _finite(found) if np.isfinite(theta).all() else (float(found[0]), found[1:])


def _sent(program: Program, threads: int) -> Any:
    """The program where it will run; a client remembers those that its workers have."""
    client = client_in_use()
    if client is None:
        return whole(Summing(program, threads))
    known = vars(client).setdefault("_micrograd_bp_programs", WeakKeyDictionary())
    tasks = known.setdefault(program, {})
    if threads not in tasks or library("distributed").futures_of(tasks[threads])[0].cancelled():
        tasks[threads] = shared(Summing(program, threads), checked_client())
    return tasks[threads]


# What runs on the workers


class Coding(NamedTuple):
    """How the tables of a chunk, X, T and perhaps weights, become the inputs of a program.

    Attributes:
        number: of targets that are names of classes, what makes numbers of them; or None.
        n_classes: the targets are numbers of so many classes; 0 if they are taken as they are.
        total: what the weights are divided by: their mean, or 1.0.
        weighted: whether the program takes a weight; it is 1 where there is no table of them.
    """

    number: Callable[[Any], Any] | None
    n_classes: int
    total: float
    weighted: bool


@dataclass
class Summing:
    """What each worker has once: a program, and how data become its inputs.

    Attributes:
        program: with one output.
        threads: how many a chunk takes.
        coding: of tables that were checked; without it, the one there is is checked.
    """

    program: Program
    threads: int
    coding: Coding | None = None

    def points(self, chunk: Chunk) -> Table:
        """The inputs of the program."""
        if self.coding is None:
            return chunk.tables()[0]
        if self.coding.number:
            chunk.raw[1] = self.coding.number(chunk.raw[1])
        X, T, *weights = chunk.arrays()
        if self.coding.n_classes:
            T = one_of_k(T, self.coding.n_classes)
        if self.coding.weighted:
            weights = [w / self.coding.total for w in weights] or [np.ones((len(X), 1))]
        points: Table = np.concatenate([X, T, *weights], axis=1, dtype=float)
        return points

    def sums(self, points: Table, theta: Vector) -> Vector:
        """The output and its gradient, one array."""
        error, gradient = self.program.value_and_grad(points, theta, threads=self.threads)
        return np.concatenate([[error], gradient])


def _sums(chunk: Chunk, of: Any, theta: Vector) -> Vector:
    """E and dE/dw, summed over a chunk."""
    summing: Summing = there(of)
    return summing.sums(summing.points(chunk), theta)


def _error(chunk: Chunk, of: Any, theta: Vector) -> Vector:
    """E, summed over a chunk."""
    of = there(of)
    errors = of.program(of.points(chunk), theta, threads=of.threads)
    return np.array([total_of(errors)])


def chunk_outputs(chunk: Chunk, of: Any, finish: Callable[[Table], Any]) -> Any:
    """The outputs of a program for a chunk, as finish makes them; without rows too."""
    of = there(of)
    points = of.points(chunk) if len(chunk) else np.empty((0, len(of.program._names)))
    return finish(of.program(points, threads=of.threads))


@dataclass
class Survey:
    """What is known of chunks after a first look.

    Attributes:
        n: how many data points there are.
        points: some to try the model at.
        widths: how many columns each table has.
    """

    n: int
    points: Table
    widths: list[int]

    def __add__(self, other: "Survey") -> "Survey":
        points = np.vstack([self.points, other.points])
        return Survey(self.n + other.n, points[points_to_try(points)], self.widths)


def _class_names(chunk: Chunk, loss: Loss) -> list[Any] | None:
    return class_names(chunk.raw[0], loss)


def _survey(chunk: Chunk, number: Any, loss: Loss | None, n_outputs: int) -> Survey:
    """Check a chunk, and choose data points of it."""
    if number:
        chunk.raw[1] = number(chunk.raw[1])
    tables = chunk.tables()
    tables[1] = coded("T", tables[1], loss, n_outputs)
    for weights in tables[2:]:
        if weights.shape[1] != 1 or weights.min() < 0.0:
            raise ValueError("sample_weight has a number from 0 on for each data point")
    points = np.hstack(tables)
    widths = [table.shape[1] for table in tables]
    return Survey(len(points), points[points_to_try(points)], widths)


def _fingerprints(chunk: Chunk, number: Any) -> NDArray[Any]:
    """Those of the tables; those of several chunks, added up, are one after the other."""
    if number:
        chunk.raw[1] = number(chunk.raw[1])
    return np.array([fingerprint(table) for table in chunk.arrays()], dtype=object)


def some_points(chunk: Chunk) -> Table:
    """Data points of a chunk to try a model at."""
    points = np.hstack(chunk.tables())
    return points[points_to_try(points)]


def _weights(chunk: Chunk, n: int) -> Any:
    """The sum of w / n over a chunk, and how many are not zero."""
    w = chunk.array(2)
    return np.array([(w / n).sum(), np.count_nonzero(w)])


class Descent(NamedTuple):
    """How far an epoch of minibatches is.

    Attributes:
        theta: the parameters.
        optimizer, rng: with what they remember.
        sums: E and dE/dw of the part of a batch that is done, of n data points.
    """

    theta: Vector
    optimizer: Optimizer
    rng: np.random.Generator
    sums: Any = None
    n: int = 0

    def step(self, program: Program, average: bool) -> "Descent":
        """The batch is whole: a step."""
        gradient = self.sums[1:] / self.n if average else self.sums[1:]
        try:
            theta = self.optimizer.update(self.theta, gradient)
        except FloatingPointError:  # once more, to say of which weight
            leaves = [*map(Value, self.theta.tolist(), program._names[-len(self.theta) :])]
            theta = update_named(self.optimizer, leaves, self.theta, gradient)
        return Descent(theta, self.optimizer, self.rng)


def _pickled(at: Descent) -> bytes:
    """Also with an optimizer of the user's, which workers cannot import."""
    pickled: bytes = library("cloudpickle").dumps(at)
    return pickled


def _descend(chunk: Chunk, of: Any, pickled: bytes, average: bool, batch_size: int) -> bytes:
    """Go through the rows of a chunk in a new order, a step for each batch that gets whole.

    The ``Descent`` comes and goes as bytes, which a worker without the package can hold too.
    """
    if not len(chunk):
        return pickled
    of, at = there(of), pickle.loads(pickled)
    points = of.points(chunk)
    order, start = at.rng.permutation(len(points)), 0
    while start < len(order):
        rows = order[start : start + batch_size - at.n]
        try:
            sums = of.sums(points[rows], at.theta)
        except FloatingPointError:
            of.sums(points, at.theta)  # raises too, and tells the row among all of the chunk
            raise
        start += len(rows)
        at = at._replace(sums=sums if at.n == 0 else at.sums + sums, n=at.n + len(rows))
        if at.n == batch_size:
            at = at.step(of.program, average)
    return _pickled(at)


# The error over all chunks


class ChunkedData:
    """Inputs, targets and perhaps weights in chunks.

    Args:
        X, T, sample_weight: as for ``fit``; the last two may be names of columns of X.
        loss: what the targets are for.
        classes: the names that targets may have; those found, unless given.

    Attributes:
        classes: the names of the classes, if the targets are such.
        columns: their names, if X is a DataFrame.
        n_inputs: how many columns X has.
        tables_of: data points to try the model at, as ``compiled`` takes them; after ``look``.

    Raises:
        TypeError, ValueError: they do not fit each other.
        RuntimeError: a worker cannot take part.
    """

    def __init__(
        self,
        X: Any,
        T: Any,
        sample_weight: Any,
        loss: Loss,
        classes: list[Any] | None = None,
    ) -> None:
        self.client = checked_client()
        if isinstance(T, list) and is_named(T) and not columns_of(X):
            T = np.array(T)  # names of classes
        tables = _tables(X, T, sample_weight)
        self.columns = [*tables["X"]] if is_named(tables["X"]) else columns_of(X)
        self.classes = classes or _classes(X, tables["T"], loss)
        self._loss, self._number = loss, None
        if self.classes:
            self._number = partial(numbered, "T", loss=loss, names=self.classes)
            if not is_chunked(T) and not is_named(T):
                tables["T"], self._number = self._number(T), None
        self.chunks = Chunks(tables, X)
        self.n_inputs = self.chunks.n_columns["X"]

    def __len__(self) -> int:
        return self._n_points

    def look(self, n_outputs: int, average: bool, weighted: bool) -> None:
        """Go through the data once, to check them.

        Args:
            n_outputs: of the model.
            average: whether the error is a mean, and so the weights are 1 on average.
            weighted: whether the program takes weights.

        Raises:
            TypeError, ValueError: as by ``fit``; the message names partition and row.
        """
        loss = self._loss if self._loss in OF_CLASSES else None  # one of the user's stays here
        found = self.chunks.total(_survey, self._number, loss, n_outputs)
        if found is None:
            raise ValueError("X has no data points")
        self._n_points: int = found.n
        parts = np.split(found.points, np.cumsum(found.widths)[:-1], axis=1)
        self.tables_of = dict(zip("xtw", parts))
        total = 1.0
        if len(parts) > 2:
            mean, n_weighing = self.chunks.total(_weights, found.n)
            if not n_weighing:
                raise ValueError("sample_weight has numbers from 0 on, and they are not all zero")
            total = mean_weight(float(mean)) if average else 1.0
        n_classes = n_outputs if found.widths[1] > self.chunks.n_columns["T"] else 0
        self.coding = Coding(self._number, n_classes, total, weighted)

    def fingerprints(self) -> list[str]:
        """Those of the tables."""
        found = self.chunks.total(_fingerprints, self._number)
        return [digest(prints.encode()) for prints in found]


class ChunkedObjective(Objective):
    """The error over data in chunks."""

    def __init__(
        self, program: Program, data: ChunkedData, average: bool, batch_size: int, threads: int
    ) -> None:
        super().__init__(len(data), average, batch_size)
        self.program, self.chunks = program, data.chunks
        self._of = shared(Summing(program, threads, data.coding), data.client)

    def _sums(self, theta: Vector) -> Sums:
        return _finite(self.chunks.total(_sums, self._of, theta))

    def _error(self, theta: Vector) -> float:
        return _finite(self.chunks.total(_error, self._of, theta))[0]

    def _steps(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Value],
        theta: Vector,
        rng: np.random.Generator,
    ) -> Vector:
        sent = copy(optimizer)
        sent.parameters = []  # theta is sent
        order = rng.permutation(len(self.chunks)).tolist()
        pickled = _pickled(Descent(theta, sent, rng))
        for i in order:
            args = (self._of, pickled, self.average, self.batch_size)
            pickled = computed(self.chunks.of(i, _descend, *args))
        at: Descent = pickle.loads(pickled)
        if at.n:
            at = at.step(self.program, self.average)
        optimizer._state = at.optimizer._state
        rng.bit_generator.state = at.rng.bit_generator.state
        return at.theta


def _tables(X: Any, T: Any, sample_weight: Any) -> dict[str, Any]:
    """The three; where T or sample_weight are names of columns of X, all by name."""
    tables = {"T": T, "sample_weight": sample_weight}
    named = {name: x for name, x in tables.items() if is_named(x)}
    if sample_weight is None:
        del tables["sample_weight"]
    if named:
        return {"X": other_columns(X, named), **tables}
    return {"X": np.asarray(X) if is_named(X) else X, **tables}


def _classes(X: Any, T: Any, loss: Loss) -> list[Any] | None:
    """The names of classes over all chunks, in the order that they have in memory; if T has such.

    For that the targets are gone through once more.
    """
    if not is_chunked(T) and not is_named(T):
        return class_names(T, loss)
    check_kind("T", T)
    column = X[T] if is_named(T) else T
    dtypes = [column.dtype] if hasattr(column, "dtype") else [*column.dtypes]
    if loss not in OF_CLASSES or all(dtype.kind in "biuf" for dtype in dtypes):
        return None
    found = Chunks({"T": T}, X).total(_class_names, loss)
    if found is None:
        return None
    ordered = hasattr(getattr(column, "dtype", None), "categories")
    return [*dict.fromkeys(found)] if ordered else sorted({*found})


def _finite(sums: Vector) -> tuple[float, Vector]:
    if np.isnan(sums[0]):  # finite numbers that gave none were told where they did
        raise FloatingPointError(
            "the error is nan: a number is missing that the data had when they were checked"
        )
    if not np.isfinite(sums).all():
        raise FloatingPointError("a sum over the data points is beyond the largest float, 1.8e308")
    return float(sums[0]), sums[1:]
