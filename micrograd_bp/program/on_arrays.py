"""Runs a plan on whole arrays of a library: one function, or one matrix product, a step.

A number of each data point is a row of an array of shape (m, N), whose other rows are its
neighbours; one number for all data points is a row of an array of shape (m, 1). So the numbers of
a layer lie side by side, and functions take both kinds. Nothing is written in place, so that the
library can differentiate and compile what runs here.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from .array_functions import array_functions
from .instructions import (
    Gather,
    Instruction,
    Map,
    OnceStep,
    Plan,
    Product,
    Span,
    Sum,
    Sums,
    Weights,
    width,
)

Array = Any
Arrays = list[Array]
Reader = Callable[[Arrays], Array]
Run = Callable[[Arrays], Array]
Rows = tuple[int, int, int]  # of an array: the first, the number of them, the step


class OnArrays:
    """A plan as functions of arrays.

    Args:
        plan: of instructions.py, with outputs.
        library: the module ``numpy``, ``jax.numpy`` or ``torch``.

    Raises:
        TypeError: the library is none of the three.
    """

    def __init__(self, plan: Plan, library: Any) -> None:
        self._library, self._known = library, array_functions(library)
        self._constants = plan.constants
        self._where: dict[int, tuple[int, int]] = {}  # array and row of a place
        self._widths: list[int] = []
        self._last_read: list[int] = []
        self._time = 0
        self._put(plan.n_scalars, plan.n_inputs)
        self._put(0, plan.n_parameters)
        self._put(plan.n_parameters, len(plan.constants))
        self._n_scalars = len(self._widths) + len(plan.once)  # arrays that have no data points
        self._steps = [
            self._linked(step)
            for step in (*plan.once, *plan.each)
            if not isinstance(step, (Sum, Sums))
        ]
        self._outputs = self._rows(plan.outputs)
        self._done: list[list[int]] = [[] for _ in self._steps]
        for array, time in enumerate(self._last_read):
            if array and 0 <= time < len(self._steps):  # the inputs tell how many data points
                self._done[time].append(array)

    def __call__(self, inputs: Array, parameters: Array | Sequence[float]) -> Array:
        """The outputs for inputs of shape (n_inputs, N).

        They have the shape (n_outputs, N), or (n_outputs, 1) where none depends on a data point.
        """
        numbers = [self._array(each, 0.0 * inputs[:0]) for each in (parameters, self._constants)]
        arrays = [inputs, *(each[:, None] for each in numbers)]
        for run, done in zip(self._steps, self._done):
            arrays.append(run(arrays))
            for array in done:  # the rows of a large graph are to fit the memory
                arrays[array] = None
        return self._outputs(arrays)

    def _array(self, numbers: Array | Sequence[float], kind: Array) -> Array:
        if not isinstance(numbers, (list, tuple)):
            return numbers
        if hasattr(kind, "new_tensor"):  # PyTorch's, on the same device
            return kind.new_tensor(numbers)
        return self._library.asarray(numbers, dtype=kind.dtype)

    def _put(self, first: int, size: int) -> None:
        """The next array has the numbers of these places."""
        for k in range(size):
            self._where[first + k] = len(self._widths), k
        self._widths.append(size)
        self._last_read.append(-1)

    # Readers: what gives an operand

    def _numbers(self, span: Span, n: int) -> Reader:
        """Neighbours, as rows; one, where all are the same."""
        n = n if span.stride else 1
        return self._rows([span.first + j * span.stride for j in range(n)])

    def _rows(self, places: Sequence[int]) -> Reader:
        pieces = _pieces([self._where[place] for place in places])
        read = [self._piece(array, rows) for array, rows in pieces]
        if len(read) == 1:
            return read[0]
        kinds = [self._of_points(array) for array, _ in pieces]
        concatenate, broadcast = self._library.concatenate, self._library.broadcast_to
        if all(kinds) or not any(kinds):
            return lambda arrays: concatenate([one(arrays) for one in read])

        def mixed(arrays: Arrays) -> Array:
            n = arrays[0].shape[1]
            found = [one(arrays) for one in read]
            return concatenate([broadcast(one, (one.shape[0], n)) for one in found])

        return mixed

    def _of_points(self, array: int) -> bool:
        """Whether an array has numbers of each data point."""
        return array == 0 or array >= self._n_scalars

    def _piece(self, array: int, rows: Rows) -> Reader:
        self._last_read[array] = self._time
        first, n, step = rows
        if n == self._widths[array]:
            return itemgetter(array)
        these = slice(first, first + (n - 1) * step + 1, step)
        return lambda arrays: arrays[array][these]

    def _matrix(self, weights: Weights, height: int, depth: int) -> Reader:
        """Numbers of shape (height, depth), or of each data point (height, depth, N)."""
        first, down, across = weights
        down, across = (depth if height == 1 else down), (1 if depth == 1 else across)
        if across != 1 and down == 1:
            read = self._matrix(Weights(first, across, down), depth, height)
            return lambda arrays: read(arrays).swapaxes(0, 1)
        array, row = self._where[first]
        last, _ = self._where[first + (height - 1) * down + (depth - 1) * across]
        shape = (height, down, -1) if self._of_points(array) else (height, down)
        before = max(0, row + height * down - self._widths[array])  # instead of after the last row
        if across == 1 and down >= depth and last == array and before <= row:
            flat = self._piece(array, (row - before, height * down, 1))
            return lambda arrays: flat(arrays).reshape(shape)[:, before : before + depth]
        places = [first + j * down + k * across for j in range(height) for k in range(depth)]
        flat, shape = self._rows(places), (height, depth, *shape[2:])
        return lambda arrays: flat(arrays).reshape(shape)

    # Steps

    def _linked(self, step: OnceStep) -> Run:
        run = self._link(step)
        self._time += 1
        self._put(step.result, width(step))
        return run

    def _link(self, step: OnceStep) -> Run:
        match step:
            case Instruction():
                return self._map(step, [self._rows([place]) for place in step.operands])
            case Map():
                return self._map(step, [self._numbers(span, step.width) for span in step.operands])
            case Product():
                return self._product(step)
            case Gather():
                return self._rows(step.places)

    def _map(self, step: Instruction | Map, operands: list[Reader]) -> Run:
        function, parameters = self._known(step.function), step.parameters
        return lambda arrays: function(*[read(arrays) for read in operands], *parameters)

    def _product(self, step: Product) -> Run:
        matrix = self._matrix(step.weights, step.height, step.depth)
        vector = self._rows(range(step.factors, step.factors + step.depth))
        bias = None if step.bias is None else self._numbers(step.bias, step.height)
        of_points = self._of_points(self._where[step.weights.first][0])

        def run(arrays: Arrays) -> Array:
            weights, factors = matrix(arrays), vector(arrays)
            found = (weights * factors).sum(1) if of_points else weights @ factors
            return found if bias is None else found + bias(arrays)

        return run


def _pieces(rows: Sequence[tuple[int, int]]) -> list[tuple[int, Rows]]:
    """Rows in pieces, each of one array and in equal steps."""
    pieces: list[tuple[int, Rows]] = []
    for array, row in rows:
        if pieces and pieces[-1][0] == array:
            first, n, step = pieces[-1][1]
            step = step if n > 1 else row - first
            if step > 0 and row == first + n * step:
                pieces[-1] = array, (first, n + 1, step)
                continue
        pieces.append((array, (row, 1, 1)))
    return pieces
