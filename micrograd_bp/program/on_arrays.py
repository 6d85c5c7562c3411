"""Runs a plan on whole arrays of a library: one function, or one matrix product, a step.

A number of each data point is a column of an array of shape (..., m), whose other columns are
those of its neighbours; one number for all data points is an element of an array of shape (m,).
Nothing is written in place, so that the library can differentiate and compile what runs here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .array_functions import array_functions
from .instructions import (
    Gather,
    Instruction,
    Map,
    Plan,
    Product,
    Span,
    Step,
    Sum,
    Sums,
    Weights,
    width,
)

Array = Any
Arrays = list[Array]
Reader = Callable[[Arrays], Array]
Run = Callable[[Arrays], Array]


class _Arrays(list[Array]):
    n: int  # how many data points are summed over


class OnArrays:
    """A plan as functions of arrays.

    Args:
        plan: of instructions.py.
        library: the module ``numpy``, ``jax.numpy`` or ``torch``.

    Raises:
        TypeError: the library is none of the three.
    """

    def __init__(self, plan: Plan, library: Any) -> None:
        self._plan, self._library = plan, library
        self._known = array_functions(library)
        self._where: dict[int, tuple[int, int | None]] = {}  # array and column of a place
        self._widths: list[int] = []
        self._last_read: list[int] = []
        self._time = 0
        for first, size in (
            (plan.n_scalars, plan.n_inputs),
            (0, plan.n_parameters),
            (plan.n_parameters, len(plan.constants)),
        ):
            self._put(first, size)
        self._once = [self._linked(step) for step in plan.once]
        self._each = [self._linked(step) for step in plan.each]
        self._results = [
            numpy.array(step.results) if isinstance(step, (Sum, Sums)) else None
            for step in plan.each
        ]
        self._outputs = [self._number(place) for place in plan.outputs]
        self._done: list[list[int]] = [[] for _ in self._each]
        for array, time in enumerate(self._last_read):
            if array and len(plan.once) <= time < self._time:
                self._done[time - len(plan.once)].append(array)

    def start(self, inputs: Array, parameters: Array) -> Arrays:
        """The arrays of what depends on no data point; inputs tell the type of listed numbers."""
        kind = 0.0 * inputs
        known = [
            self._array(numbers, kind) if isinstance(numbers, (list, tuple)) else numbers
            for numbers in (parameters, self._plan.constants)
        ]
        arrays = [None, *known]
        for run in self._once:
            arrays.append(run(arrays))
        return arrays

    def _array(self, numbers: Sequence[float], kind: Array) -> Array:
        if hasattr(kind, "new_tensor"):  # PyTorch's, on the same device
            return kind.new_tensor(numbers)
        return self._library.asarray(numbers, dtype=kind.dtype)

    def outputs(self, inputs: Array, arrays: Arrays) -> list[Array]:
        """The outputs for inputs of shape (..., n_inputs), from the arrays of ``start``.

        An output that depends on no data point has no axes.
        """
        arrays = self._run(inputs, arrays)
        return [read(arrays) for read in self._outputs]

    def sums(self, inputs: Array, n: int, arrays: Arrays) -> Array:
        """The sums over the first n data points, for inputs of shape (N, n_inputs); on NumPy."""
        results = numpy.zeros(self._plan.n_sums)
        arrays = self._run(inputs, arrays, n)
        first = len(arrays) - len(self._each)
        for at, found in zip(self._results, arrays[first:]):
            if at is not None:
                results[at] += found.ravel()
        return results

    def _run(self, inputs: Array, arrays: Arrays, n: int = 0) -> Arrays:
        arrays = _Arrays([inputs, *arrays[1:]])
        arrays.n = n
        for run, done in zip(self._each, self._done):
            arrays.append(run(arrays))
            for array in done:  # the rows of a large graph are to fit the memory
                arrays[array] = None
        return arrays

    def _put(self, first: int, size: int | None) -> None:
        """The next array has the numbers of these places; without a size, of one place."""
        if size is None:
            self._where[first] = len(self._widths), None
        else:
            for k in range(size):
                self._where[first + k] = len(self._widths), k
        self._widths.append(size or 1)
        self._last_read.append(-1)

    # Readers: what gives an operand

    def _number(self, place: int) -> Reader:
        """A number, without an axis of its own."""
        array, column = self._where[place]
        self._last_read[array] = self._time
        if column is None:
            return lambda arrays: arrays[array]
        return lambda arrays: arrays[array][..., column]

    def _numbers(self, span: Span, n: int) -> Reader:
        """Numbers along the last axis; one, where all are the same."""
        n = n if span.stride else 1
        return self._columns([span.first + j * span.stride for j in range(n)])

    def _columns(self, places: Sequence[int]) -> Reader:
        pieces = [self._piece(run) for run in _runs([self._where[place] for place in places])]
        if len(pieces) == 1:
            return pieces[0]
        concatenate = self._library.concatenate
        return lambda arrays: concatenate([read(arrays) for read in pieces], -1)

    def _piece(self, run: list[tuple[int, int | None]]) -> Reader:
        array, first = run[0]
        self._last_read[array] = self._time
        if first is None:
            return lambda arrays: arrays[array][..., None]
        last = run[-1][1] or 0
        step = (last - first) // (len(run) - 1) if len(run) > 1 else 1
        columns = slice(first, last + 1, step)
        return lambda arrays: arrays[array][..., columns]

    def _matrix(self, weights: Weights, height: int, depth: int) -> Reader:
        """Numbers along the last two axes: rows and columns of a matrix."""
        first, down, across = weights
        if across != 1 and down == 1:
            read = self._matrix(Weights(first, across, down), depth, height)
            return lambda arrays: read(arrays).swapaxes(-1, -2)
        reshape, concatenate = self._library.reshape, self._library.concatenate
        array, column = self._where[first]
        n_rows = height * max(down, 1)
        end = self._where[first + (height - 1) * down + (depth - 1) * across]
        if across != 1 or down < depth or column is None or end[0] != array:
            places = [first + j * down + k * across for j in range(height) for k in range(depth)]
            flat = self._columns(places)
            return lambda arrays: reshape(flat(arrays), (*flat(arrays).shape[:-1], height, depth))
        missing = max(0, column + n_rows - self._widths[array])  # after the last row
        self._last_read[array] = self._time

        def matrix(arrays: Arrays) -> Array:
            found = arrays[array][..., column : column + n_rows]
            if missing:
                found = concatenate([found, 0.0 * found[..., :missing]], -1)
            return reshape(found, (*found.shape[:-1], height, down))[..., :depth]

        return matrix

    # Steps

    def _linked(self, step: Step) -> Run:
        run = self._link(step)
        self._time += 1
        if isinstance(step, (Sum, Sums)):
            self._put(-1, 0)
        else:
            self._put(step.result, None if isinstance(step, Instruction) else width(step))
        return run

    def _link(self, step: Step) -> Run:
        match step:
            case Instruction() | Map():
                function, parameters = self._known(step.function), step.parameters
                if isinstance(step, Map):
                    operands = [self._numbers(span, step.width) for span in step.operands]
                else:
                    operands = [self._number(place) for place in step.operands]
                return lambda arrays: function(*[read(arrays) for read in operands], *parameters)
            case Product():
                return self._product(step)
            case Gather():
                return self._columns(step.places)
            case Sum():
                shared = self._number(step.shared)
                factors = [self._number(place) for place in step.factors]
                return lambda arrays: _sum(arrays, shared, factors)
            case Sums():
                numbers = self._numbers(Span(step.shared, 1), step.height)
                others = self._numbers(Span(step.factors, 1), step.depth) if step.depth else None
                return lambda arrays: _sums(arrays, numbers, others)

    def _product(self, step: Product) -> Run:
        matrix = self._matrix(step.weights, step.height, step.depth)
        vector = self._numbers(Span(step.factors, 1), step.depth)
        bias = None if step.bias is None else self._numbers(step.bias, step.height)

        def run(arrays: Arrays) -> Array:
            weights, factors = matrix(arrays), vector(arrays)
            if weights.ndim == 2:
                found = factors @ weights.swapaxes(-1, -2)
            else:
                found = (weights @ factors[..., None])[..., 0]
            return found if bias is None else found + bias(arrays)

        return run


def _runs(columns: list[tuple[int, int | None]]) -> list[list[tuple[int, int | None]]]:
    """Columns in pieces, each of one array and in equal steps."""
    runs: list[list[tuple[int, int | None]]] = []
    for array, column in columns:
        if runs and column is not None and runs[-1][0][0] == array:
            before = [k for _, k in runs[-1][:2] if k is not None]
            step = before[1] - before[0] if len(before) > 1 else column - before[0]
            if step > 0 and column == (runs[-1][-1][1] or 0) + step:
                runs[-1].append((array, column))
                continue
        runs.append([(array, column)])
    return runs


def _sum(arrays: Any, shared: Reader, factors: list[Reader]) -> Array:
    numbers = shared(arrays)
    terms = [numbers * read(arrays) for read in factors] or [numbers]
    return numpy.array([_of_points(term, 1, arrays)[: arrays.n].sum() for term in terms])


def _sums(arrays: Any, shared: Reader, factors: Reader | None) -> Array:
    numbers = _of_points(shared(arrays), 2, arrays)[: arrays.n]
    if factors is None:
        return numbers.sum(axis=0)
    others = factors(arrays)
    if others.ndim == 1:
        return numbers.sum(axis=0)[:, None] * others
    return numbers.T @ others[: arrays.n]


def _of_points(numbers: Array, axes: int, arrays: Arrays) -> Array:
    """One for each data point, also where all are the same."""
    shape = numpy.shape(numbers)
    return numbers if len(shape) == axes else numpy.broadcast_to(numbers, (len(arrays[0]), *shape))
