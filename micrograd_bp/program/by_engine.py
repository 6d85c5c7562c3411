"""Data points that a Program leaves to the engine: those whose derivatives come out inf or nan.

A Program multiplies every adjoint by every local derivative, and 0 times inf is nan. The engine
knows which adjoints are those of a branch that is not taken, and contributes nothing, whatever
lies behind it. So the few points where that matters are recorded and differentiated again.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from .. import modes
from ..engine import Value
from ..transforms.chain_rule import Sweeps
from .instructions import Instruction, Plan
from .interpreter import filled, linked, walk

Array = Any


def by_engine(
    plan: Plan, point: Array, parameters: Array, names: Sequence[str], nonfinite_allowed: bool
) -> list[float]:
    """The output at one data point and its derivatives by the parameters.

    Args:
        plan: of instructions.py, with one output.
        point: of shape (n_inputs,).
        parameters: of shape (n_parameters,).
        names: the labels of the inputs, then of the parameters.
        nonfinite_allowed: whether inf and nan are among what may be returned.

    Returns:
        The output and its derivatives.

    Raises:
        ArithmeticError: one is not finite, and that is not allowed.
    """
    columns = [*map(Value, point.tolist(), names)]
    weights = [*map(Value, parameters.tolist(), names[len(columns) :])]
    with modes.changed(recording=True, nonfinite_allowed=True, scope=""):
        places = filled(plan, [*weights, *plan.constants], columns)
        for one, _ in walk(linked(plan, lambda function: function), places):
            if isinstance(one, Instruction) and one.label:
                places[one.result].label, places[one.result].scope = one.label, one.scope
        found = places[plan.outputs[0]]
        output = found if isinstance(found, Value) else Value(found)  # a constant
    with modes.changed(nonfinite_allowed=nonfinite_allowed):
        adjoints = Sweeps([output], weights).back({output: 1.0})
    numbers = [output.data, *(adjoints.get(weight, 0.0) for weight in weights)]
    if not nonfinite_allowed and not all(map(isfinite, numbers)):
        raise ArithmeticError("a result is not finite")
    return numbers
