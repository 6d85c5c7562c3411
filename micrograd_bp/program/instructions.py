"""The instructions that a Program runs, and the plan that they make up: plain data.

An instruction of width 1 computes one number of each data point, as one node of the graph does.
A wide one computes many: the units of a layer, as the equations of the text have them in matrix
form. Each is defined by what it does one unit at a time (``scalar``), and an executor may do it
in any order and any grouping of the sums within the accuracy contract, if the result is the same
wherever a data point stands in its batch.

A place is the index of a number: below ``Plan.n_scalars`` of one number for all data points,
above of a row, with a number for each data point. The places of a Span, of Weights and of the
results of an instruction are all of one kind, scalars or rows. An instruction in ``Plan.once``
reads and writes scalars; one in ``Plan.each`` that is no sum reads at least one row and writes
rows (so in ``Plan.each`` a Gather copies rows, and may copy scalars among them).

A wide instruction writes to none of the places that it reads.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import copysign
from typing import NamedTuple, TypeAlias

from .. import functions
from ..functions import Function

DERIVATIVES = {
    functions.relu: functions.step,
    functions.tanh: functions.sech2,
    functions.sigmoid: functions.logistic_density,
}


class Instruction(NamedTuple):
    """One function, applied to numbers that have their places.

    Attributes:
        function: the entry of the table.
        parameters: its fixed arguments.
        operands: the places of its operands; as a node of the graph, their numbers.
        result: the place of the result.
        label, scope: those of the node that it computes, for listings and messages.
    """

    function: Function
    parameters: tuple[float, ...]
    operands: tuple[int, ...]
    result: int = -1
    label: str = ""
    scope: str = ""


def told_apart(parameters: tuple[float, ...]) -> tuple[object, ...]:
    """What is equal of parameters that are the same: -0.0 is not 0.0, which it equals.

    >>> told_apart((0.0, 1.0)) == told_apart((-0.0, 1.0))
    False
    """
    if 0.0 not in parameters:
        return parameters
    return (parameters, *(copysign(1.0, x) for x in parameters if x == 0.0))


class Span(NamedTuple):
    """Places at equal distances: of unit j it is first + j * stride.

    Attributes:
        first: the place of unit 0.
        stride: 1 for neighbours, 0 for one number that all units share; never negative.
    """

    first: int
    stride: int


class Weights(NamedTuple):
    """The places of a matrix: of row j and column k it is first + j * down + k * across.

    Attributes:
        first: the place of row 0 and column 0.
        down, across: from a row to the next, from a column to the next; never negative. The
            transposed matrix has the two exchanged.
    """

    first: int
    down: int
    across: int


Names = tuple[tuple[str, str], ...]  # scope and label of each unit; empty where no unit has any


class Map(NamedTuple):
    """One function of many numbers, each at its place: Z = h(A).

    result + j = function(*(span.first + j * span.stride for span in operands), *parameters)
    for j from 0 to width - 1. An activation is directly followed by its derivative
    (DERIVATIVES) of the same operands, where both are wanted.

    Attributes:
        function: the entry of the table; also one of any number of operands, such as dot.
        parameters: its fixed arguments.
        width: how many results, at least 2.
        operands: one Span an operand, one of them with a stride.
        result: the place of the first result; the others are its neighbours.
        names: of the units.
    """

    function: Function
    parameters: tuple[float, ...]
    width: int
    operands: tuple[Span, ...]
    result: int
    names: Names = ()


class Product(NamedTuple):
    """A matrix times a vector: A = W x + b, or W^T delta.

    result + j = bias_j + sum over k of weight_jk * factor_k, for j from 0 to height - 1 and k
    from 0 to depth - 1.

    Attributes:
        height: how many results, at least 1.
        depth: how many products each sums, at least 1.
        weights: the matrix, as a rule of scalars.
        factors: the place of the first factor; the others are its neighbours.
        bias: what each sum begins with; None for 0.
        result: the place of the first result; the others are its neighbours.
        names: of the units.
    """

    height: int
    depth: int
    weights: Weights
    factors: int
    bias: Span | None
    result: int
    names: Names = ()


class Gather(NamedTuple):
    """Copies of numbers, as neighbours: result + j = places[j].

    Attributes:
        places: of the numbers, at least one; one may be there twice.
        result: the place of the first copy.
    """

    places: tuple[int, ...]
    result: int


@dataclass(frozen=True)
class Sum:
    """Sums over the data points: of a number, or of its products with other numbers.

    They are added to the results, which are 0 to begin with.

    Attributes:
        shared: the place of the number.
        factors: the places of those it is multiplied by; none where it is summed itself.
        results: which results they are: one for each factor, or one.
    """

    shared: int
    factors: tuple[int, ...]
    results: tuple[int, ...]


class Sums(NamedTuple):
    """Sums over the data points, of neighbours: dE/dW = sum_n delta x^T, or dE/db = sum_n delta.

    results[j * depth + k] += sum over the data points of (shared + j) * (factors + k), for j
    from 0 to height - 1 and k from 0 to depth - 1; without factors results[j] += shared + j.
    A result is 0 to begin with, and there once in an instruction.

    Attributes:
        height: how many numbers, at least 1.
        shared: the place of the first; the others are its neighbours. Rows, where there are
            factors.
        depth: how many factors; 0 where the numbers are summed themselves.
        factors: the place of the first factor; the others are its neighbours. 0 without factors.
        results: which results they are: height * depth, or height without factors.
    """

    height: int
    shared: int
    depth: int
    factors: int
    results: tuple[int, ...]


OnceStep: TypeAlias = Instruction | Map | Product | Gather
Step: TypeAlias = OnceStep | Sum | Sums


@dataclass(frozen=True)
class Plan:
    """Instructions in the order in which they run, and where their numbers live.

    A place below ``n_scalars`` holds one number for all data points: first the parameters,
    then the constants, then what ``once`` computes. Each other place is a row, with a number
    for each data point of a block; the first rows are the inputs.

    Attributes:
        n_inputs, n_parameters: how many numbers come in.
        constants: those that the graph holds.
        n_scalars, n_rows: how many places there are of each kind.
        once: what depends on parameters only.
        each: what depends on the data, and the sums over the data points.
        outputs: the places of the outputs; none where they are summed.
        n_sums: how many results the sums give.
    """

    n_inputs: int
    n_parameters: int
    constants: tuple[float, ...]
    n_scalars: int
    n_rows: int
    once: tuple[OnceStep, ...]
    each: tuple[Step, ...]
    outputs: tuple[int, ...]
    n_sums: int

    @property
    def n_known(self) -> int:
        """How many scalars are there before anything is computed: parameters and constants."""
        return self.n_parameters + len(self.constants)

    @cached_property
    def has_branches(self) -> bool:
        """Whether there is what may be flat, as a branch that is not taken."""
        return any(
            isinstance(step, (Instruction, Map)) and step.function.flat is not None
            for step in (*self.once, *self.each)
        )


def scalar(plan: Plan) -> Plan:
    """The plan with each wide instruction written out, unit by unit: what the wide ones mean.

    >>> layer = Product(2, 1, Weights(0, 1, 1), 2, None, 3)
    >>> plan = Plan(1, 2, (), 2, 3, (), (layer,), (3, 4), 0)
    >>> [one.operands for one in scalar(plan).each]
    [(0, 2), (1, 2)]
    """
    once = tuple(one for step in plan.once for one in units(step) if not isinstance(one, Sum))
    each = tuple(one for step in plan.each for one in units(step))
    return replace(plan, once=once, each=each)


def units(step: Step) -> list[Instruction | Sum]:
    """A step as steps of width 1: a copy is a product of one factor."""
    match step:
        case Instruction() | Sum():
            return [step]
        case Map(function, parameters, width, operands, result, names):
            return [
                Instruction(
                    function,
                    parameters,
                    tuple(span.first + j * span.stride for span in operands),
                    result + j,
                    *name_of(names, j),
                )
                for j in range(width)
            ]
        case Product(height, depth, weights, factors, bias, result, names):
            columns = [*range(factors, factors + depth)]
            return [
                Instruction(
                    functions.dot,
                    (),
                    (
                        *(
                            weights.first + j * weights.down + k * weights.across
                            for k in range(depth)
                        ),
                        *columns,
                        *([] if bias is None else [bias.first + j * bias.stride]),
                    ),
                    result + j,
                    *name_of(names, j),
                )
                for j in range(height)
            ]
        case Gather(places, result):
            return [
                Instruction(functions.prod, (), (place,), result + j)
                for j, place in enumerate(places)
            ]
        case Sums(height, shared, depth, factors, results):
            columns = [*range(factors, factors + depth)]
            size = max(depth, 1)
            return [
                Sum(shared + j, tuple(columns), results[j * size : (j + 1) * size])
                for j in range(height)
            ]


def name_of(names: Names, unit: int) -> tuple[str, str]:
    """The label and the scope of a unit.

    >>> name_of((("layer1/neuron1", "a"),), 0), name_of((), 0)
    (('a', 'layer1/neuron1'), ('', ''))
    """
    if not names:
        return "", ""
    scope, label = names[unit]
    return label, scope


def width(step: OnceStep) -> int:
    """How many results a step has.

    >>> width(Gather((3, 1, 4), 5))
    3
    """
    match step:
        case Instruction():
            return 1
        case Map():
            return step.width
        case Product():
            return step.height
        case Gather():
            return len(step.places)
