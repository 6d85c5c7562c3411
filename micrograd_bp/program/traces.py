"""A program as a function of another array library, which the library can differentiate.

A library multiplies every adjoint by every local derivative, and behind a branch that is not taken
that may be 0 times infinity, nan: the gradient of where(step(x), w * log(x), 0.0) at x = -1. So an
operand that the output does not depend on near the point is a constant there (users of such
libraries write a double ``where`` by hand). Which that are is known when all numbers are: a
program that has such branches runs twice, first for its numbers alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import product
from math import isfinite, prod
from typing import Any

from .. import functions
from ..functions import Function
from ..functions.composed import composed
from ..numeric import show
from .array_functions import array_functions, without_derivative
from .instructions import Instruction, Plan, units
from .interpreter import filled
from .on_arrays import OnArrays

Array = Any
Numbers = dict[int, Array]  # by their places
Mask = Any  # a bool, or an array of them
Constants = Mapping[int, float]  # by their places
TRIED = (-1999.5, 0.0, 1999.5)  # where exp, log and 1 / x are not finite, and floor is flat


def traced(
    plan: Plan, library: Any, recorded: Sequence[float], single: bool
) -> Callable[..., Array]:
    """A plan as a function of inputs and parameters, arrays of a library.

    Args:
        plan: of instructions.py, with outputs.
        library: the module ``numpy``, ``jax.numpy`` or ``torch``.
        recorded: the parameters, unless others are given.
        single: whether there is one output, to be returned as it is.

    Raises:
        TypeError: the library is none of the three, or inputs that the function is given no array.
        ValueError: inputs or parameters that the function is given have another shape.

    >>> import numpy
    >>> from micrograd_bp import Program, Value
    >>> x = Value(1.0)
    >>> traced(Program(x * x, inputs=[x])._forward, numpy, (), True)(numpy.array([[2.0], [3.0]]))
    array([4., 9.])
    """
    known = array_functions(library)
    steps, outputs = _each_once(plan)
    constants = dict(enumerate(plan.constants, plan.n_parameters))
    guarded = set() if library.__name__ == "numpy" else _guarded(steps, outputs, constants)
    if not guarded:
        return _checked(plan, _in_layers(plan, library, recorded, single))
    calls = [(one, known(one.function)) for one in steps]

    def choose(mask: Mask, x: Array, other: Array) -> Array:
        return (x if mask else other) if isinstance(mask, bool) else library.where(mask, x, other)

    def compute(places: Numbers, numbers: Numbers, masks: Mapping[int, list[Mask]]) -> None:
        """Put each result in its place; what does not count is taken from the numbers."""
        for one, function in calls:
            operands = [places[place] for place in one.operands]
            if one.result in guarded and masks:
                others = [numbers[place] for place in one.operands]
                operands = [*map(choose, masks[one.result], operands, others)]
            places[one.result] = function(*operands, *one.parameters)

    def run(inputs: Array, parameters: Array = None) -> Array:
        zero = 0.0 * library.zeros_like(inputs.sum(-1))  # in the shape of the result
        weights = [zero + w for w in recorded] if parameters is None else [*parameters]
        fixed = [zero + number for number in plan.constants]
        columns = [inputs[..., i] for i in range(plan.n_inputs)]
        places = filled(plan, [*weights, *fixed], columns)
        numbers = {place: without_derivative(number) for place, number in places.items()}
        compute(numbers, {}, {})
        compute(places, numbers, _masks(steps, outputs, numbers, constants, known))
        found = [places[output] + zero for output in outputs]
        return found[0] if single else library.stack(found, -1)

    return _checked(plan, run)


def _checked(plan: Plan, run: Callable[..., Array]) -> Callable[..., Array]:
    """The function, which refuses what it cannot have: JAX would not say so of all shapes."""

    def checked(inputs: Array, parameters: Array = None) -> Array:
        if not hasattr(inputs, "shape"):
            raise TypeError(f"the inputs are an array of the library, not {show(inputs)}")
        if tuple(inputs.shape[-1:]) != (plan.n_inputs,):
            raise ValueError(
                f"the inputs have the shape ({plan.n_inputs},) for one data point or"
                f" (N, {plan.n_inputs}) for N of them; these have the shape {tuple(inputs.shape)}"
            )
        if parameters is not None and len(parameters) != plan.n_parameters:
            raise ValueError(
                f"the parameters are {plan.n_parameters} numbers, and {len(parameters)} are given"
            )
        return run(inputs, parameters)

    return checked


def _in_layers(
    plan: Plan, library: Any, recorded: Sequence[float], single: bool
) -> Callable[..., Array]:
    """The same of a plan without such branches: whole layers at a time."""
    on_arrays = OnArrays(plan, library)

    def run(inputs: Array, parameters: Array = None) -> Array:
        shape = inputs.shape[:-1]
        columns = inputs.reshape(prod(shape), plan.n_inputs).T
        found = on_arrays(columns, recorded if parameters is None else parameters)
        found = library.broadcast_to(found, (len(plan.outputs), columns.shape[1]))
        if library.__name__ == "numpy":
            found = library.array(found)  # the caller's own, to be written to
        return found[0].reshape(shape) if single else found.T.reshape(*shape, len(found))

    return run


def _each_once(plan: Plan) -> tuple[list[Instruction], list[int]]:
    """The instructions and the outputs, with no place that is written twice."""
    now = {place: place for place in range(plan.n_scalars + plan.n_inputs)}
    steps: list[Instruction] = []
    for one in (one for step in (*plan.once, *plan.each) for one in units(step)):
        assert isinstance(one, Instruction)
        operands = tuple(now[place] for place in one.operands)
        now[one.result] = plan.n_scalars + plan.n_rows + len(steps)
        steps.append(one._replace(operands=operands, result=now[one.result]))
    return steps, [now[place] for place in plan.outputs]


def _guarded(
    steps: Sequence[Instruction], outputs: Sequence[int], constants: Constants
) -> set[int]:
    """The results of operands that may not count, and be infinite or have such derivatives."""
    may_be_flat = {one.result for one in steps if _may_be_flat(one, constants)}
    counting = set(outputs)  # for all numbers that come in
    for one in reversed(steps):
        if one.result in counting and one.result not in may_be_flat:
            counting.update(one.operands)
    still = set(may_be_flat)  # perhaps
    unbounded: set[int] = set()
    guarded: set[int] = set()
    for one in steps:
        if not still.isdisjoint(one.operands):
            still.add(one.result)
        if _may_be_infinite(one, constants) or not unbounded.isdisjoint(one.operands):
            unbounded.add(one.result)
            if not counting.issuperset((one.result, *one.operands)) or one.result in still:
                guarded.add(one.result)
    return guarded


def _trials(one: Instruction, constants: Constants) -> Iterator[list[float]]:
    return (
        [constants.get(place, x) for place, x in zip(one.operands, trial)]
        for trial in product(TRIED, repeat=len(one.operands))
    )


def _may_be_flat(one: Instruction, constants: Constants) -> bool:
    if one.function.flat is None:
        return not all(_edges(one, [], [], constants))
    slopes = one.function.partials
    return not all(
        all(_edges(one, trial, slopes(*trial, *one.parameters), constants))
        for trial in _trials(one, constants)
    )


def _may_be_infinite(one: Instruction, constants: Constants) -> bool:
    function, parameters = one.function, one.parameters
    trials = ([constants.get(place, x) for place in one.operands] for x in TRIED)
    return not all(
        isfinite(number)
        for trial in trials
        for number in (function.value(*trial, *parameters), *function.partials(*trial, *parameters))
    )


def _masks(
    steps: Sequence[Instruction],
    outputs: Sequence[int],
    numbers: Numbers,
    constants: Constants,
    known: Callable[[Function], Callable[..., Array]],
) -> dict[int, list[Mask]]:
    """By result, for each operand where something comes this way near the point.

    It does where the output depends on the result, the result on the operand, and the operand on
    what comes in.
    """
    edges: list[list[Mask]] = []
    moving: dict[int, Mask] = dict.fromkeys(constants, False)
    for one in steps:
        operands = [numbers[place] for place in one.operands]
        slopes: Sequence[Array] = ()
        if one.function.flat is not None:
            slopes = composed(one.function, known, one.function.partials)(
                *operands, *one.parameters
            )
        comes = [moving.get(place, True) for place in one.operands]
        edges.append([*map(_both, _edges(one, operands, slopes, constants), comes)])
        moving[one.result] = reduce(_either, edges[-1], False)
    counting: dict[int, Mask] = dict.fromkeys(outputs, True)
    masks: dict[int, list[Mask]] = {}
    for one, live in zip(reversed(steps), reversed(edges)):
        here = counting.get(one.result, False)
        masks[one.result] = [_both(here, edge) for edge in live]
        for place, mask in zip(one.operands, masks[one.result]):
            counting[place] = _either(counting.get(place, False), mask)
    return masks


def _edges(
    one: Instruction, operands: Sequence[Array], slopes: Sequence[Array], constants: Constants
) -> list[Mask]:
    """For each operand whether the result depends on it near the point, as poles.py has it."""
    function, n = one.function, len(one.operands)
    if function.flat is not None:
        flat = function.flat(*operands, *one.parameters)
        return [_not(_both(slope == 0.0, flat)) for slope in slopes]
    half = n // 2 if function in (functions.mul, functions.dot) else 0
    others = [*one.operands[half : 2 * half], *one.operands[:half]]
    return [*(constants.get(place) != 0.0 for place in others), *[True] * (n - 2 * half)]


def _both(mask: Mask, other: Mask) -> Mask:
    if mask is False or other is True:
        return mask
    return other if mask is True or other is False else mask & other


def _either(mask: Mask, other: Mask) -> Mask:
    return _not(_both(_not(mask), _not(other)))


def _not(mask: Mask) -> Mask:
    return not mask if isinstance(mask, bool) else ~mask
