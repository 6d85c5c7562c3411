"""Runs a plan on NumPy: the readable twin of _program.pyx; and unit by unit, to explain.

The executor is that of in_place.py. Where a number is not finite, the plan runs again with its
steps written out, one function of rows of numbers after the other, so that it can be said which
operation of which unit it was."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from ..functions import Function
from ..modes import in_own_context
from ..text.names import clean
from .arguments import check_out
from .array_functions import array_functions
from .in_place import InPlace
from .instructions import Instruction, Plan, Sum, units

Array = Any
Step = tuple[Instruction | Sum, Callable[..., Array] | None]  # what to do, and by which function
PANEL = 16
NUMBERS = 2**17  # of a block of data points, so that they fit the cache
POINTS = 256  # of a block, at least


def linked(plan: Plan, known: Callable[[Function], Callable[..., Array]]) -> list[Step]:
    """The steps of a plan one by one, each with its function (array_functions.py)."""
    steps = [one for step in (*plan.once, *plan.each) for one in units(step)]
    return [(one, None if isinstance(one, Sum) else known(one.function)) for one in steps]


def walk(
    steps: Iterable[Step], places: dict[int, Array]
) -> Iterator[tuple[Instruction | Sum, list[Array]]]:
    """Run instructions in turn.

    Args:
        steps: of ``linked``.
        places: what is at each place, a number or a row of numbers; results are put there.

    Yields:
        Each instruction, when it is done, and its operands; those of a sum are not summed yet.
    """
    for one, function in steps:
        if isinstance(one, Sum):
            yield one, [places[place] for place in (one.shared, *one.factors)]
        else:
            assert function is not None
            operands = [places[place] for place in one.operands]
            places[one.result] = function(*operands, *one.parameters)
            yield one, operands


def filled(plan: Plan, numbers: Iterable[Array], columns: Iterable[Array]) -> dict[int, Array]:
    """The places of a plan before it runs: the parameters and the constants, and the inputs."""
    return {**dict(enumerate(numbers)), **dict(enumerate(columns, plan.n_scalars))}


class Executor:
    """A plan, ready to run.

    Args:
        plan: of instructions.py.
        single: whether its output is one number for a data point, and no list.
    """

    def __init__(self, plan: Plan, single: bool = False) -> None:
        self._plan, self._single = plan, single
        self._block = max(POINTS, NUMBERS // max(plan.n_rows, 1) // PANEL * PANEL)
        # Rooms by how many data points they are for, which no thread is in.
        self._idle: list[dict[int, InPlace]] = []

    def run(
        self, inputs: Array, parameters: Array, threads: int = 1, out: Array = None
    ) -> tuple[float | None, Array, bool] | None:
        """Outputs for each data point, or the sums over all, as the compiled twin gives them.

        Args:
            inputs: a float64 array of shape (n_inputs,) or (N, n_inputs).
            parameters: a float64 array of shape (n_parameters,).
            threads: at least 1; has no effect here.
            out: an array like that of the results to write them into, apart from the arguments.

        Returns:
            A triple: the first sum, a float, and the others, an array; or None, and the outputs,
            an array of shape (n_outputs,) or (N, n_outputs), of a single one a float or an array
            of shape (N,); and whether all are finite. None where an argument is not such as is
            said above.
        """
        plan = self._plan
        if not (
            _fits(inputs, (1, 2), plan.n_inputs)
            and _fits(parameters, (1,), plan.n_parameters)
            and type(threads) is int
            and threads > 0
        ):
            return None
        shape = inputs.shape[:-1] if self._single else (*inputs.shape[:-1], len(plan.outputs))
        shape = (plan.n_sums - 1,) if plan.n_sums else shape
        if out is not None:
            check_out(out, shape, inputs, parameters)
        points, panel = (inputs, PANEL) if inputs.ndim == 2 else (inputs[None, :], 1)
        found = self._found(points, parameters, 1 if plan.n_sums else panel)
        finite = bool(numpy.isfinite(found).all())
        first, found = (float(found[0]), found[1:]) if plan.n_sums else (None, found)
        found = found.reshape(shape)
        if out is None:
            return first, found if shape else float(found), finite
        out[...] = found
        return first, out, finite

    def finite(self, inputs: Array, parameters: Array, threads: int, out: Array) -> Any:
        """What ``run`` gives where all is finite: the pair of sums, or the outputs; else None."""
        first, others, finite = self.run(inputs, parameters, threads, out) or (None, None, False)
        if not finite:
            return None
        return others if first is None else (first, others)

    @in_own_context
    def _found(self, points: Array, parameters: Array, panel: int) -> Array:
        """The sums, or the outputs for each data point, with blocks of whole panels.

        A matrix product adds up in another order at the ragged end of a batch; so it has none,
        and a point of a batch has the same outputs wherever it stands, to the last bit.
        """
        plan, n = self._plan, len(points)
        found = numpy.zeros(plan.n_sums or (n, len(plan.outputs)))
        n_blocks = -(-n // self._block)
        try:
            idle = self._idle.pop()
        except IndexError:
            idle = {}
        used: dict[int, InPlace] = {}
        with numpy.errstate(all="ignore"):
            for k in range(n_blocks):
                first, last = k * n // n_blocks, (k + 1) * n // n_blocks
                size = last - first + -(last - first) % panel
                if size not in used:
                    used[size] = idle.pop(size) if size in idle else InPlace(plan, size)
                    used[size].start(parameters)
                outputs, sums = used[size].run(points[first:last])
                if plan.n_sums:
                    found += sums
                else:
                    found[first:last] = outputs[:, : last - first].T
        self._idle.append(dict([*idle.items(), *used.items()][-2:]))
        return found


def _terms(operands: list[Array]) -> list[Array]:
    """What a sum adds up over the data points: a number, or its products with others."""
    shared, *factors = operands
    return [shared * factor for factor in factors] or [shared]


def _fits(array: Any, dimensions: tuple[int, ...], length: int) -> bool:
    return (
        type(array) is numpy.ndarray
        and array.dtype == numpy.float64
        and array.ndim in dimensions
        and array.shape[-1] == length
    )


class NotFinite(NamedTuple):
    """Where a number stopped being finite.

    Attributes:
        what: the operation, its operands and its result, in words.
        row: the data point; None for what does not depend on one.
    """

    what: str
    row: int | None


def nonfinite_rows(plan: Plan, points: Array, parameters: Array) -> Array:
    """Which data points a plan of sums has inf or nan for: 2 in the output, 1 in a derivative.

    Args:
        plan: of instructions.py.
        points: inputs of shape (N, n_inputs).
        parameters: of shape (n_parameters,).

    Returns:
        An array of shape (N,).
    """
    steps = linked(plan, array_functions(numpy))
    numbers = numpy.append(parameters, plan.constants)
    found = numpy.zeros(len(points), dtype=int)
    with numpy.errstate(all="ignore"):
        for at in range(0, len(points), POINTS):
            here = found[at : at + POINTS]
            for one, operands in walk(steps, filled(plan, numbers, points[at : at + POINTS].T)):
                if isinstance(one, Sum):
                    for term, k in zip(_terms(operands), one.results):
                        numpy.maximum(here, ~numpy.isfinite(term) * (1 if k else 2), out=here)
    return found


def first_nonfinite(
    plan: Plan, points: Array, rows: Array, parameters: Array, results: Sequence[str]
) -> NotFinite:
    """The first operation of the first data point that made inf or nan of finite numbers.

    Args:
        plan: of instructions.py.
        points: inputs of shape (N, n_inputs).
        rows: which of them to look at, finite ones.
        parameters: of shape (n_parameters,), finite.
        results: the names of what is summed over the data points.
    """
    steps = linked(plan, array_functions(numpy))
    numbers = numpy.append(parameters, plan.constants)
    found: tuple[int, str] | None = None
    with numpy.errstate(all="ignore"):
        for at in range(0, len(rows), POINTS):
            places = filled(plan, numbers, points[rows[at : at + POINTS]].T)
            for one, operands in walk(steps, places):
                if isinstance(one, Sum):
                    for factor, k in zip(operands[1:], one.results):
                        name, pair = f"the product in {results[k]}", [operands[0], factor]
                        found = _earlier(found, rows[at:], name, pair, pair[0] * pair[1])
                    continue
                said = one.function.said(*one.parameters)
                name = f"{said} {clean(f'{one.scope} {one.label}')}".rstrip()
                found = _earlier(found, rows[at:], name, operands, places[one.result])
            if found is not None:
                row, what = found
                return NotFinite(what, row if row >= 0 else None)
    return NotFinite("a result is not finite", int(rows[0]))  # by the last bits of a kernel


def _earlier(
    found: tuple[int, str] | None, rows: Array, name: str, operands: list[Any], result: Any
) -> tuple[int, str] | None:
    """What was found, unless this operation made inf or nan at an earlier data point."""
    bad = ~numpy.isfinite(result)
    for operand in operands:
        bad = bad & numpy.isfinite(operand)
    if not bad.any():
        return found
    at = int(numpy.argmax(bad))
    row = int(rows[at]) if bad.ndim else -1
    if found is not None and found[0] <= row:
        return found
    numbers = [float(operand[at] if numpy.ndim(operand) else operand) for operand in operands]
    shown = ", ".join(map(str, numbers[:6])) + (", ..." if len(numbers) > 6 else "")
    outcome = float(result[at] if bad.ndim else result)
    return row, f"{name} of {shown} is {outcome}"
