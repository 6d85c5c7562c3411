"""Runs the instructions of a plan on NumPy arrays: the readable twin of _program.pyx.

A row is an array with a number for each data point, and an instruction one function of whole
rows. Sums over the data points are taken as NumPy takes them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from .array_functions import array_functions
from .lowering import Plan, Sum

Array = Any
POINTS = 4096  # at a time, so that the rows of a large graph fit the memory


class Executor:
    """A plan, ready to run.

    Args:
        plan: of lowering.py.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        known = array_functions(numpy)
        self._once = [(one, known(one.function)) for one in plan.once]
        self._each = [
            (one, None if isinstance(one, Sum) else known(one.function)) for one in plan.each
        ]

    def run(
        self, inputs: Array, parameters: Array, threads: int = 1
    ) -> tuple[float | None, Array, bool] | None:
        """Outputs for each data point, or the sums over all, as the compiled twin gives them.

        Args:
            inputs: a float64 array of shape (n_inputs,) or (N, n_inputs).
            parameters: a float64 array of shape (n_parameters,).
            threads: has no effect here.

        Returns:
            A triple: the first sum, a float, and the others, an array; or None, and the outputs,
            an array of shape (n_outputs,) or (N, n_outputs); and whether all are finite. None
            where an argument is not such an array.
        """
        if not (_fits(inputs, (1, 2), self._plan.n_inputs)) or not (
            _fits(parameters, (1,), self._plan.n_parameters)
        ):
            return None
        points = inputs[None, :] if inputs.ndim == 1 else inputs
        with numpy.errstate(all="ignore"):
            scalars = self._scalars(parameters)
            found = [
                self._block(points[at : at + POINTS], scalars)
                for at in range(0, len(points), POINTS)
            ]
        if self._plan.n_sums:
            sums = numpy.sum([numpy.zeros(self._plan.n_sums), *found], axis=0)
            return float(sums[0]), sums[1:], bool(numpy.isfinite(sums).all())
        result = numpy.concatenate([numpy.empty((0, len(self._plan.outputs))), *found])
        result = result[0] if inputs.ndim == 1 else result
        return None, result, bool(numpy.isfinite(result).all())

    def _scalars(self, parameters: Array) -> dict[int, Any]:
        places: dict[int, Any] = dict(enumerate([*parameters.tolist(), *self._plan.constants]))
        for one, function in self._once:
            operands = [numpy.float64(places[operand]) for operand in one.operands]
            places[one.result] = function(*operands, *one.parameters)
        return places

    def _block(self, points: Array, scalars: dict[int, Any]) -> Array:
        plan, n = self._plan, len(points)
        places = dict(scalars)
        places.update((plan.n_scalars + i, points[:, i]) for i in range(plan.n_inputs))
        sums = numpy.zeros(plan.n_sums)
        for one, function in self._each:
            if not isinstance(one, Sum):
                assert function is not None
                operands = [places[operand] for operand in one.operands]
                places[one.result] = function(*operands, *one.parameters)
                continue
            shared = numpy.broadcast_to(places[one.shared], n)
            factors = [places[factor] for factor in one.factors]
            if not factors:
                sums[list(one.results)] = shared.sum()
            for factor, k in zip(factors, one.results):
                sums[k] = (shared * factor).sum()
        if plan.n_sums:
            return sums
        return numpy.stack([numpy.broadcast_to(places[k], n) for k in plan.outputs], axis=1)


def _fits(array: Any, dimensions: tuple[int, ...], length: int) -> bool:
    return (
        isinstance(array, numpy.ndarray)
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


def first_nonfinite(
    plan: Plan, points: Array, parameters: Array, results: Sequence[str]
) -> NotFinite | None:
    """The first operation of the first data point that made inf or nan of finite numbers.

    Args:
        plan: of lowering.py.
        points: inputs of shape (N, n_inputs); data points that are not finite are left out.
        parameters: of shape (n_parameters,).
        results: the names of what is summed over the data points.

    Returns:
        None where inf or nan was put in.
    """
    if not numpy.isfinite(parameters).all():
        return None
    known = array_functions(numpy)
    rows = numpy.flatnonzero(numpy.isfinite(points).all(axis=1))
    found: tuple[int, str] | None = None
    with numpy.errstate(all="ignore"):
        for at in range(0, len(rows), POINTS):
            block = points[rows[at : at + POINTS]]
            places: dict[int, Any] = dict(enumerate([*parameters.tolist(), *plan.constants]))
            places.update((plan.n_scalars + i, block[:, i]) for i in range(plan.n_inputs))
            for one in (*plan.once, *plan.each):
                if isinstance(one, Sum):
                    for factor, k in zip(one.factors, one.results):
                        operands = [places[one.shared], places[factor]]
                        product = operands[0] * operands[1]
                        name = f"the product in {results[k]}"
                        found = _earlier(found, rows[at:], name, operands, product)
                    continue
                operands = [numpy.float64(1.0) * places[operand] for operand in one.operands]
                places[one.result] = known(one.function)(*operands, *one.parameters)
                name = " ".join(part for part in (one.function.name, one.scope, one.label) if part)
                found = _earlier(found, rows[at:], name, operands, places[one.result])
            if found is not None:
                row, what = found
                return NotFinite(what, row if row >= 0 else None)
    if len(rows) < len(points):
        return None
    return NotFinite("a sum over the data points is beyond the largest float, 1.8e308", None)


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
