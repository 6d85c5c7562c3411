"""What a plan computes, in equations: names for layers, weights and errors, step by step.

The listing and LaTeX write the same equations; what they write otherwise, a subclass of Book says.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar, NamedTuple

from .. import functions
from ..functions import Function
from ..text.names import clean
from ..text.operations import ATOM, POWER, PRODUCT, SUM, Form, Operands, Part, Printer
from .instructions import (
    DERIVATIVES,
    Gather,
    Instruction,
    Map,
    OnceStep,
    Plan,
    Product,
    Span,
    Step,
    Sum,
    Sums,
    Weights,
    width,
)

LONGEST = 240  # characters of what is written inside something else


def result_names(plan: Plan, names: Sequence[str]) -> list[str]:
    """What is summed over the data points: E, and its derivatives by the parameters."""
    parameters = [clean(name) or f"w{i}" for i, name in enumerate(names[plan.n_inputs :])]
    return ["E", *(f"dE/d{name}" for name in parameters)]


def _place_names(plan: Plan, names: Sequence[str]) -> list[str]:
    inputs, parameters = names[: plan.n_inputs], names[plan.n_inputs :]
    return [
        *(clean(name) or f"w{i}" for i, name in enumerate(parameters)),
        *(f"c{i}" for i in range(len(plan.constants))),
        *(f"s{i}" for i in range(plan.n_scalars - plan.n_known)),
        *(clean(name) or f"x{i}" for i, name in enumerate(inputs)),
        *(f"r{i}" for i in range(plan.n_rows - plan.n_inputs)),
    ]


class _Assembly(Printer):
    """Writes an instruction as its name and its operands, a weighted sum as such."""

    forms: ClassVar = {"dot": Printer.forms["dot"]}
    times = " "
    first = 6

    def call(self, name: str, operands: Operands, parameters: Sequence[float]) -> Part:
        return Part(f"{name} {self.listed([*operands, *map(self.number, parameters)])}")

    def with_bias(self, products: Operands, bias: Operands) -> Part:
        return self.sum([*bias, *products])  # it is added up in this order


def _slope(function: Function) -> Form:
    return lambda to, x, _: Part(f"{function.name}'({to.listed(x)})")


class _Elementwise(Printer):
    """Writes a function of layers, number by number, as in Delta = tanh'(A) * (W^T Delta)."""

    forms: ClassVar = {
        **{key: form for key, form in Printer.forms.items() if key != "dot"},
        **{
            slope.key: _slope(h)
            for h, slope in DERIVATIVES.items()
            if slope is not functions.step  # which users write too
        },
    }


class Line(NamedTuple):
    """A line of a listing.

    Attributes:
        left, sign, right: the equation.
        scope, label: those of what it computes.
        shape: height and depth of that.
    """

    left: str
    sign: str
    right: str
    scope: str = ""
    label: str = ""
    shape: tuple[int, ...] = ()


class Book:
    """Names for what a plan computes, step by step: layers as the text of the field has them.

    A matrix of weights is W1, W2, ... in the order of their first use; what it gives is A1, a
    function of that Z1, and what dE/dW1 is a sum of is Delta1. Other numbers in a row are R1,
    R2, ..., and what only the next function reads is written inside it. A notation of its own,
    such as LaTeX (equations.py), is a subclass.

    Attributes:
        scalars, layers: the printers of functions of numbers, and of numbers in a row.
    """

    scalars: ClassVar[Printer] = _Assembly()
    layers: ClassVar[Printer] = _Elementwise()

    def __init__(self, plan: Plan, names: Sequence[str]) -> None:
        self._plan = plan
        self._places = _place_names(plan, names)
        self._results = result_names(plan, names)
        self._of: dict[int, tuple[str, int, int]] = {}  # the layer at a place, its unit and width
        self._inside: dict[int, Part] = {}  # what is not written yet, by the place of its unit 0
        self._matrices: dict[Weights, str] = {}  # their numbers
        self._biases: dict[Span, str] = {}
        self._gathered: dict[int, int] = {}
        self._used = Counter(self._places)
        self._layer_of: dict[int, str] = {}  # the parameters of W1 and b1, to 1
        self._shapes: dict[str, tuple[int, int]] = {}
        steps: list[Step] = [*plan.once, *plan.each]
        for step in steps:
            if isinstance(step, Gather):
                self._gathered |= {step.result + j: place for j, place in enumerate(step.places)}
            elif isinstance(step, Product):
                self._find_weights(step)
        self._deltas = self._found_deltas(steps)
        self._once_read = self._found_once_read(steps)
        self._at = -1

    # --- what a notation says otherwise -----------------------------------------------------------

    def named(self, name: str) -> Part:
        """A layer, an input or a weight."""
        return Part(name)

    def known(self, place: int) -> Part:
        """A number that is in no layer."""
        return self.named(self._places[place])

    def unit(self, layer: str, first: int, last: int, stride: int = 1) -> Part:
        """A unit of a layer, counted from 0, or several."""
        step = "" if stride == 1 else f":{stride}"
        units = f"{first}" if first == last else f"{first}:{last + 1}{step}"
        return Part(f"{layer}[{units}]")

    def transposed(self, matrix: Part) -> Part:
        """A matrix transposed, or a layer as a row."""
        return Part(f"{self.layers.inside(matrix, ATOM)}^T")

    def stem(self, name: Part) -> Part:
        """What the names of neighbours share: x of x1 and x2."""
        return Part(name.text.rstrip("0123456789").removesuffix("_"))

    def copied(self, numbers: Part) -> str:
        """Numbers put beside each other."""
        return f"copies of {numbers.text}"

    def summed(self, results: Sequence[int], what: Part) -> tuple[str, str]:
        """The sign and the right side of a sum over the data points."""
        return "+=", what.text

    def derivatives(self, results: Sequence[int]) -> str:
        """Some of the results, E and its derivatives."""
        return self._neighbours([Part(self._results[k]) for k in results]).text

    def derivative(self, layer: str) -> str:
        """The derivatives by the weights or the biases of a layer."""
        return f"dE/d{layer}"

    def target(self, step: Instruction) -> str:
        """The name of what a single instruction computes."""
        self._of.pop(step.result, None)
        self._inside.pop(step.result, None)
        return self._places[step.result]

    def goes_inside(self, step: Step, reader: Step, whole: bool) -> bool:
        """Whether a step is written where it is read, if it is read once."""
        return whole and isinstance(step, (Map, Product)) and isinstance(reader, Map)

    # --- what is where ----------------------------------------------------------------------------

    def _find_weights(self, step: Product) -> None:
        weights = step.weights
        turned = Weights(weights.first, weights.across, weights.down)
        last = weights.first + (step.height - 1) * weights.down + (step.depth - 1) * weights.across
        if last >= self._plan.n_scalars or weights in self._matrices or turned in self._matrices:
            return
        n = str(len(self._matrices) + 1)
        self._matrices[weights] = n
        self._shapes[n] = step.height, step.depth
        for j in range(step.height):
            for k in range(step.depth):
                place = weights.first + j * weights.down + k * weights.across
                self._layer_of[self._gathered.get(place, place)] = n
        if step.bias is not None and step.bias.first < self._plan.n_parameters:
            self._biases[step.bias] = n
            for j in range(step.height):
                self._layer_of[step.bias.first + j * step.bias.stride] = n

    def _found_deltas(self, steps: Sequence[Step]) -> dict[int, str]:
        """The steps whose result is the error of the units of a layer, and of which."""
        written: dict[int, int] = {}
        found: dict[int, str] = {}
        for time, step in enumerate(steps):
            if isinstance(step, (Sum, Sums)):
                wide = isinstance(step, Sums) and step.depth
                layers = {self._layer_of.get(k - 1) for k in step.results} - {None}
                if (wide or isinstance(step, Sum)) and len(layers) == 1 and step.shared in written:
                    found.setdefault(written[step.shared], str(layers.pop()))
            else:
                written[step.result] = time
        return found

    def _found_once_read(self, steps: Sequence[Step]) -> set[int]:
        """The steps that are written where they are read."""
        written: dict[int, int] = {}
        readers: dict[int, list[bool]] = {}
        for time, step in enumerate(steps):
            for places, in_order in _reads(step):
                read = {written[place] for place in places if place in written}
                for n in read:
                    whole = in_order and len(read) == 1
                    readers.setdefault(n, []).append(self.goes_inside(steps[n], step, whole))
            if not isinstance(step, (Sum, Sums)):
                written.update(dict.fromkeys(range(step.result, step.result + width(step)), time))
        for place in self._plan.outputs:
            readers.setdefault(written.get(place, -1), []).append(False)
        return {time for time, found in readers.items() if found == [True]}

    def number(self, place: int) -> Part:
        """One number."""
        if place not in self._of:
            return self.known(place)
        if place in self._inside:
            return self._inside[place]
        name, unit, n = self._of[place]
        return self.named(name) if n == 1 else self.unit(name, unit, unit)

    def _span(self, span: Span, n: int) -> Part:
        """Numbers in a row, or one that all units share."""
        if span in self._biases:
            return self.named(f"b{self._biases[span]}")
        if not span.stride:
            return self.number(span.first)
        if span.stride == 1 and span.first in self._inside and self._width_at(span.first) == n:
            return self._inside[span.first]
        return self._together(_places(span, n), span.stride)

    def _together(self, places: Sequence[int], stride: int) -> Part:
        """Numbers in few words; those that are so far apart in a layer, as a part of it."""
        parts: list[Part] = []
        for (name, start), group in groupby(places, self._layer_at):
            found = [*group]
            if stride == 1 and name and len(found) == self._width_at(found[0]):
                parts.append(self.named(name))
            elif stride and name:
                parts.append(self.unit(name, found[0] - start, found[-1] - start, stride))
            else:
                parts += map(self.number, found)
        named = any(place in self._of for place in places)
        return self._listed(parts) if named else self._neighbours(parts)

    def _layer_at(self, place: int) -> tuple[str, int]:
        """The name of a layer and the place of its unit 0."""
        name, unit, _ = self._of.get(place, ("", place, 0))
        return name, place - unit

    def _neighbours(self, names: Sequence[Part]) -> Part:
        """Inputs or weights in few words: x for x1, x2 and x3."""
        stem = self.stem(names[0])
        shared = stem.text and {*map(self.stem, names)} == {stem}
        return stem if shared and len({*names}) == len(names) > 1 else self._listed(names)

    def _listed(self, names: Sequence[Part]) -> Part:
        if len(names) == 1:
            return names[0]
        dots = [self.layers.dots] if len(names) > 2 else []
        return Part(f"({', '.join([names[0].text, *dots, names[-1].text])})")

    def _width_at(self, place: int) -> int:
        return self._of[place][2] if place in self._of else 0

    def _matrix(self, weights: Weights, height: int, depth: int) -> Part:
        if weights in self._matrices:
            return self.named(f"W{self._matrices[weights]}")
        turned = Weights(weights.first, weights.across, weights.down)
        if turned in self._matrices:
            return self.transposed(self.named(f"W{self._matrices[turned]}"))
        if height == 1:
            return self.transposed(self._span(Span(weights.first, weights.across), depth))
        layer = self._of.get(weights.first)
        first = self.named(layer[0]) if layer else self.known(weights.first)
        return self.layers.call("matrix", [first], ())

    def unique(self, name: str) -> str:
        """The name, or the next of that name."""
        self._used[name] += 1
        return name if self._used[name] == 1 else f"{name}.{self._used[name]}"

    def _name(self, step: OnceStep, name: str) -> str:
        """Name what a step gives, from here on."""
        n = width(step)
        for j in range(n):
            self._inside.pop(step.result + j, None)
            self._of[step.result + j] = name, j, n
        return self.named(name).text

    # --- the lines --------------------------------------------------------------------------------

    def lines(self, step: Step) -> list[Line]:
        """A step as it is shown: no line where it is written inside the next."""
        self._at += 1
        match step:
            case Sum(shared, factors, results):
                number = self.number(shared)
                products = [self.scalars.product([number, self.number(one)]) for one in factors]
                terms = zip(results, products or [number])
                return [Line(self._left((k,)), *self.summed((k,), term)) for k, term in terms]
            case Sums(height, shared, depth, factor, results):
                column = self._span(Span(shared, 1), height)
                if depth:
                    row = self.transposed(self._span(Span(factor, 1), depth))
                    column = Part(f"{column.text} {row.text}")
                return [Line(self._left(results), *self.summed(results, column))]
            case Instruction():
                return self._instruction(step)
            case Gather(places):
                what = self.copied(self._together(places, 0))
                return [Line(self._name(step, self.unique("G")), "=", what)]
            case Map() | Product():
                return self._wide(step)
        raise TypeError(step)

    def _instruction(self, step: Instruction) -> list[Line]:
        operands = [self.number(operand) for operand in step.operands]
        what = self.scalars.operation(step.function, operands, step.parameters)
        delta = self._deltas.get(self._at)
        if not delta and self._at in self._once_read and len(what.text) <= LONGEST:
            self._name(step, "R")
            self._inside[step.result] = what
            return []
        named = self._name(step, self.unique(f"Delta{delta}")) if delta else ""
        return [Line(named or self.target(step), "=", what.text, step.scope, step.label)]

    def _wide(self, step: Map | Product) -> list[Line]:
        what = self._product(step) if isinstance(step, Product) else self._map(step)
        name = self._layer_name(step)
        if not name and self._at in self._once_read and len(what.text) <= LONGEST:
            self._name(step, "R")
            self._inside[step.result] = what
            return []
        name = self._name(step, self.unique(name or "R"))
        scopes = _common([scope for scope, _ in step.names])
        shape = (step.height, step.depth) if isinstance(step, Product) else (step.width,)
        return [Line(name, "=", what.text, scopes, shape=shape)]

    def _layer_name(self, step: Map | Product) -> str:
        delta = self._deltas.get(self._at)
        if delta:
            return f"Delta{delta}"
        if isinstance(step, Product):
            return f"A{self._matrices[step.weights]}" if step.weights in self._matrices else ""
        if step.function.activation and step.operands[0].first not in self._inside:
            before, unit, n = self._of.get(step.operands[0].first, ("", 0, 0))
            if (before[:1], unit, n) == ("A", 0, step.width):
                return f"Z{before[1:].partition('.')[0]}"
        return ""

    def _product(self, step: Product) -> Part:
        matrix = self._matrix(step.weights, step.height, step.depth)
        vector = self._span(Span(step.factors, 1), step.depth)
        product = f"{matrix.text} {self.layers.inside(vector, POWER)}"
        if step.bias is None:
            return Part(product, PRODUCT - 1)
        bias = self._span(step.bias, step.height)
        return Part(f"{product} + {self.layers.inside(bias, PRODUCT)}", SUM)

    def _map(self, step: Map) -> Part:
        spans = [self._span(span, step.width) for span in step.operands]
        return self._row(step) or self.layers.operation(step.function, spans, step.parameters)

    def _row(self, step: Map) -> Part | None:
        """The transposed product of a matrix of one row: w delta."""
        if step.function.key != "mul":
            return None
        for span, other in (step.operands, step.operands[::-1]):
            for weights, n in self._matrices.items():
                row = Span(weights.first, weights.across)
                if row == span and not other.stride and self._shapes[n] == (1, step.width):
                    matrix = self.transposed(self.named(f"W{n}"))
                    return Part(f"{matrix.text} {self.number(other.first).text}", PRODUCT - 1)
        return None

    def _left(self, results: Sequence[int]) -> str:
        """What is summed: dE/dW1, dE/db1, or the derivatives by which to which."""
        parameters = [k - 1 for k in results]
        if parameters[0] >= 0:
            for weights, n in self._matrices.items():
                height, depth = self._shapes[n]
                places = [
                    weights.first + j * weights.down + k * weights.across
                    for j in range(height)
                    for k in range(depth)
                ]
                if [self._gathered.get(place, place) for place in places] == parameters:
                    return self.derivative(f"W{n}")
            for bias, n in self._biases.items():
                height = self._shapes[n][0]
                if [bias.first + j * bias.stride for j in range(height)] == parameters:
                    return self.derivative(f"b{n}")
        return self.derivatives(results)


def _reads(step: Step) -> list[tuple[Sequence[int], bool]]:
    """The places of each operand, and whether they are neighbours."""
    match step:
        case Instruction():
            return [((place,), False) for place in step.operands]
        case Map():
            return [(_places(span, step.width), span.stride == 1) for span in step.operands]
        case Product(height, depth, weights, factors, bias):
            rows = [weights.first + j * weights.down for j in range(height)]
            matrix = [place + k * weights.across for place in rows for k in range(depth)]
            start = [] if bias is None else [(_places(bias, height), False)]
            return [(matrix, False), (range(factors, factors + depth), False), *start]
        case Gather():
            return [(step.places, False)]
        case Sum():
            return [((place,), False) for place in (step.shared, *step.factors)]
        case Sums(height, shared, depth, factors):
            others = [(range(factors, factors + depth), False)] if depth else []
            return [(range(shared, shared + height), False), *others]


def _places(span: Span, n: int) -> Sequence[int]:
    return [span.first + j * span.stride for j in range(n if span.stride else 1)]


def _common(scopes: Sequence[str]) -> str:
    """The scope that all are in: layer1 of layer1/neuron1 and layer1/neuron2."""
    found = []
    for parts in zip(*(scope.split("/") for scope in scopes)):
        if len({*parts}) > 1:
            break
        found.append(parts[0])
    return "/".join(found)
