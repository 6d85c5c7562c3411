"""Runs a plan on NumPy in its own places: each step writes into rows of one array.

A place is a row of memory: of N numbers, one for each data point, or of one number for all of them.
The operands of a step and its results are rows at equal distances, so they are views, made once;
a run is a loop over calls that have all they need, in the memory of the run before.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy

from .array_functions import NUMPY_PAIRS, NUMPY_WRITERS, UFUNCS, array_functions
from .instructions import (
    DERIVATIVES,
    Gather,
    Instruction,
    Map,
    Plan,
    Product,
    Step,
    Sum,
    Sums,
    width,
)

Array = Any
Call = Callable[[], object]
Axis = tuple[int, int]  # how many places, and how far from one to the next


class InPlace:
    """A plan with room for the numbers of some data points.

    Args:
        plan: of instructions.py.
        points: how many data points.
    """

    def __init__(self, plan: Plan, points: int) -> None:
        self._n_scalars, self._points = plan.n_scalars, points
        self._scalars = numpy.empty((plan.n_scalars, 1))
        self._rows = numpy.empty((plan.n_rows, points))
        rooms = [
            *(_room(step, 1) for step in plan.once),
            *(_room(step, points) for step in plan.each),
        ]
        self._spare = numpy.empty(max(rooms, default=0))
        self._parameters = self._scalars[: plan.n_parameters, 0]
        self._scalars[plan.n_parameters :][: len(plan.constants), 0] = plan.constants
        self._inputs = self._rows[: plan.n_inputs]
        self._outputs = numpy.empty((len(plan.outputs), points))
        self._sums = numpy.empty(plan.n_sums)
        self._once = self._calls(plan.once)
        self._each = [*self._calls(plan.each), *self._gather(plan.outputs, self._outputs)]

    def start(self, parameters: Array) -> None:
        """Compute what depends on no data point."""
        self._parameters[...] = parameters
        for call in self._once:
            call()

    def run(self, points: Array) -> tuple[Array, Array]:
        """The outputs and the sums, which last until the next run.

        Args:
            points: n data points, of shape (n, n_inputs); beyond them the last is repeated.

        Returns:
            The outputs, of shape (n_outputs, N), and the sums over all N.
        """
        n = len(points)
        self._inputs[:, :n] = points.T
        self._inputs[:, n:] = points[-1:].T
        self._sums[...] = 0.0
        for call in self._each:
            call()
        return self._outputs, self._sums

    # Views

    def _view(self, first: int, *axes: Axis) -> Array:
        """The numbers of places at equal distances, along the axes; the last axis is N or 1."""
        table = self._scalars if first < self._n_scalars else self._rows
        first -= 0 if first < self._n_scalars else self._n_scalars
        shape = (*(n for n, _ in axes), table.shape[1])
        row = 8 * table.shape[1]
        strides = (*(row * step for _, step in axes), 8)
        return numpy.ndarray(shape, float, table, row * first, strides)

    def _of_each(self, first: int, n: int) -> Array:
        """Neighbours, of shape (n, N) also where they are the same for all data points."""
        return numpy.broadcast_to(self._view(first, (n, 1)), (n, self._points))

    def _spare_of(self, *shape: int) -> Array:
        return self._spare[: prod(shape)].reshape(shape)

    # Steps, as calls

    def _calls(self, steps: Sequence[Step]) -> list[Call]:
        calls: list[Call] = []
        before: Step | None = None
        for step in steps:
            match before, step:
                case Map(), Map() if _paired(before, step):
                    calls[-1] = self._pair(before, step)
                case _:
                    calls += self._call(step)
            before = step
        return calls

    def _call(self, step: Step) -> list[Call]:
        match step:
            case Instruction():
                return [self._map(step, [self._view(place, (1, 1)) for place in step.operands])]
            case Map():
                return [self._map(step, self._operands(step))]
            case Product():
                return self._product(step)
            case Gather():
                return self._gather(step.places, self._view(step.result, (len(step.places), 1)))
            case Sum():
                others = self._spare_of(len(step.factors), self._points)
                found = numpy.empty((1, len(step.factors) or 1))
                calls = self._gather(step.factors, others)
                return calls + self._sum(step.shared, others, found, step.results)
            case Sums():
                others = self._of_each(step.factors, step.depth)
                found = self._spare_of(step.height, step.depth or 1)
                return self._sum(step.shared, others, found, step.results)

    def _operands(self, step: Map) -> list[Array]:
        return [self._view(span.first, (step.width, span.stride)) for span in step.operands]

    def _map(self, step: Instruction | Map, operands: list[Array]) -> Call:
        out = self._view(step.result, (width(step), 1))
        if step.function.key in UFUNCS:
            return partial(UFUNCS[step.function.key], *operands, out=out)
        function = array_functions(numpy)(step.function)
        if step.function.key in NUMPY_WRITERS and isinstance(step, Map):
            return partial(function, *operands, *step.parameters, out, self._spare_of(*out.shape))

        def call() -> None:
            out[...] = function(*operands, *step.parameters)

        return call

    def _pair(self, step: Map, derivative: Map) -> Call:
        out, slope = (self._view(one.result, (one.width, 1)) for one in (step, derivative))
        both = NUMPY_PAIRS[step.function.key]
        return partial(both, *self._operands(step), out, slope, self._spare_of(*out.shape))

    def _product(self, step: Product) -> list[Call]:
        height, depth, (first, down, across) = step.height, step.depth, step.weights
        down, across = depth if height == 1 else down, 1 if depth == 1 else across  # for BLAS
        weights = self._view(first, (height, down), (depth, across))
        out = self._view(step.result, (height, 1))
        factors = numpy.broadcast_to(self._view(step.factors, (depth, 1)), (depth, out.shape[1]))
        calls: list[Call] = []
        if first < self._n_scalars:
            calls.append(partial(numpy.matmul, weights[..., 0], factors, out))
        else:
            calls.append(partial(numpy.einsum, "jkn,kn->jn", weights, factors, out=out))
        if step.bias is not None:
            bias = self._view(step.bias.first, (height, step.bias.stride))
            calls.append(partial(numpy.add, out, bias, out))
        return calls

    def _gather(self, places: Sequence[int], out: Array) -> list[Call]:
        if not places:
            return []
        at = numpy.array(places)
        calls: list[Call] = []
        for table, first, these in (
            (self._scalars, 0, at < self._n_scalars),
            (self._rows, self._n_scalars, at >= self._n_scalars),
        ):
            if these.all() and out.shape[1] == table.shape[1]:
                return [partial(numpy.take, table, at - first, 0, out, "clip")]
            if these.any():
                calls.append(
                    partial(_copy, table, at[these] - first, out, numpy.flatnonzero(these))
                )
        return calls

    def _sum(self, first: int, others: Array, found: Array, results: Sequence[int]) -> list[Call]:
        """Add the sums over the data points of neighbours, or of their products with others."""
        numbers = self._of_each(first, len(found))
        if len(others):
            call: Call = partial(numpy.matmul, numbers, others.T, found)
        else:
            call = partial(numpy.add.reduce, numbers, 1, None, found[:, 0])
        at = numpy.array(results).reshape(found.shape)
        first, down, across = int(at[0, 0]), _distance(at[:, 0]), _distance(at[0])
        j, k = numpy.ogrid[: len(at), : len(at[0])]
        if (at == first + down * j + across * k).all():
            there = numpy.ndarray(found.shape, float, self._sums, 8 * first, (8 * down, 8 * across))
            return [call, partial(numpy.add, there, found, there)]
        return [call, partial(numpy.add.at, self._sums, at.ravel(), found.reshape(-1))]


def _room(step: Step, points: int) -> int:
    """How many numbers a step may keep beside its results."""
    match step:
        case Map() | Product():
            return width(step) * points
        case Sum():
            return len(step.factors) * points
        case Sums():
            return step.height * max(step.depth, 1)
    return 0


def _paired(step: Map, following: Map) -> bool:
    """Whether they are an activation and its derivative, which NumPy has in one go."""
    return (
        step.function.key in NUMPY_PAIRS
        and following.function is DERIVATIVES[step.function]
        and (following.width, following.operands) == (step.width, step.operands)
    )


def _distance(places: Array) -> int:
    """From one to the next, if that is the same for all."""
    return int(places[1] - places[0]) if len(places) > 1 else 1


def _copy(table: Array, rows: Array, out: Array, at: Array) -> None:
    out[at] = table[rows]
