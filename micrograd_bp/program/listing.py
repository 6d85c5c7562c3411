"""What print(program) shows: a plan as the equations of its layers, and its single instructions."""

from collections.abc import Sequence
from typing import ClassVar

from ..functions import Function
from ..text.operations import ATOM, PRODUCT, SUM, Operands, Part, Printer
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

LINES = 100  # of instructions; of a longer listing the middle is left out


def listing(plan: Plan, names: Sequence[str]) -> str:
    """The steps of a plan, in the order in which they run.

    Args:
        plan: of instructions.py.
        names: the labels of the inputs, then of the parameters; "" for none.
    """
    book = _Book(plan, names)
    once = [line for step in plan.once for line in book.lines(step)]
    each = [line for step in plan.each for line in book.lines(step)]
    n_each = sum(not isinstance(step, (Sum, Sums)) for step in plan.each)
    outputs = [f"output {k} = {book.number(place)}" for k, place in enumerate(plan.outputs)]
    head = (
        f"program of {count(plan.n_inputs, 'input')} and"
        f" {count(plan.n_parameters, 'parameter')}: {count(len(plan.once), 'instruction')} a call,"
        f" {n_each} a data point, in {count(plan.n_rows, 'row')}"
    )
    constants = [f"c{i} = {c!r}" for i, c in enumerate(plan.constants)]
    sections = (
        ("constants", constants),
        ("once a call", once),
        ("for each data point", each),
        ("results", outputs),
    )
    lines = [head]
    for title, section in sections:
        if section:
            lines += [f"{title}:", *("  " + line for line in _shortened(section))]
    return "\n".join(lines)


def result_names(plan: Plan, names: Sequence[str]) -> list[str]:
    """What is summed over the data points: E, and its derivatives by the parameters."""
    parameters = [name or f"w{i}" for i, name in enumerate(names[plan.n_inputs :])]
    return ["E", *(f"dE/d{name}" for name in parameters)]


def count(n: int, what: str) -> str:
    """A number of things: 1 input, 2 inputs."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _place_names(plan: Plan, names: Sequence[str]) -> list[str]:
    inputs, parameters = names[: plan.n_inputs], names[plan.n_inputs :]
    n_known = plan.n_parameters + len(plan.constants)
    return [
        *(name or f"w{i}" for i, name in enumerate(parameters)),
        *(f"c{i}" for i in range(len(plan.constants))),
        *(f"s{i}" for i in range(plan.n_scalars - n_known)),
        *(name or f"x{i}" for i, name in enumerate(inputs)),
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


class _Elementwise(Printer):
    """Writes a function of layers, number by number, as in Delta = tanh'(A) * (W^T Delta)."""

    forms: ClassVar = {key: form for key, form in Printer.forms.items() if key != "dot"}


_ASSEMBLY = _Assembly()
_ELEMENTWISE = _Elementwise()
_SLOPES: dict[Function, Function] = {slope: h for h, slope in DERIVATIVES.items()}


class _Book:
    """Names for what a plan computes, step by step: layers as the text of the field has them.

    A matrix of weights is W1, W2, ... in the order of their first use; what it gives is A1, a
    function of that Z1, and what dE/dW1 is a sum of is Delta1. Other numbers in a row are R1,
    R2, ..., and what only the next function reads is written inside it.
    """

    def __init__(self, plan: Plan, names: Sequence[str]) -> None:
        self._plan = plan
        self._places = _place_names(plan, names)
        self._results = result_names(plan, names)
        self._of: dict[int, tuple[str, int, int]] = {}  # the layer at a place, its unit and width
        self._inside: dict[int, Part] = {}  # what is not written yet, by the place of its unit 0
        self._matrices: dict[Weights, str] = {}  # their numbers
        self._biases: dict[Span, str] = {}
        self._gathered: dict[int, int] = {}
        self._used: dict[str, int] = {}
        self._layer_of: dict[int, str] = {}  # the parameters of W1 and b1, to 1
        self._shapes: dict[str, tuple[int, int]] = {}
        steps: list[Step] = [*plan.once, *plan.each]
        for step in steps:
            if isinstance(step, Gather):
                self._gathered |= {step.result + j: place for j, place in enumerate(step.places)}
            elif isinstance(step, Product):
                self._find_weights(step)
        self._deltas = self._found_deltas(steps)
        self._once_read = self._read_once_by_a_map(steps)
        self._at = -1

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

    def _read_once_by_a_map(self, steps: Sequence[Step]) -> set[int]:
        """The steps whose result is read by one Map only, and whole."""
        written: dict[int, int] = {}
        readers: dict[int, list[bool]] = {}
        for time, step in enumerate(steps):
            for place, whole in _reads(step):
                if place in written:
                    n = written[place]
                    is_map = isinstance(step, Map) and isinstance(steps[n], (Map, Product))
                    readers.setdefault(n, []).append(whole and is_map)
            if not isinstance(step, (Sum, Sums)):
                for j in range(width(step)):
                    written[step.result + j] = time
        for place in self._plan.outputs:
            readers.setdefault(written.get(place, -1), []).append(False)
        return {time for time, found in readers.items() if found == [True]}

    # Names

    def number(self, place: int) -> str:
        """One number."""
        if place not in self._of:
            return self._places[place]
        name, unit, n = self._of[place]
        return name if n == 1 else f"{name}[{unit}]"

    def _span(self, span: Span, n: int) -> Part:
        """Numbers in a row, or one that all units share."""
        if span in self._biases:
            return Part(f"b{self._biases[span]}")
        if not span.stride:
            return Part(self.number(span.first))
        if span.stride == 1 and span.first in self._inside and self._width_at(span.first) == n:
            return self._inside[span.first]
        layer = self._of.get(span.first)
        if layer is not None:
            name, unit, whole = layer
            if span.stride == 1 and not unit and n == whole:
                return Part(name)
            last = unit + (n - 1) * span.stride
            step = "" if span.stride == 1 else f":{span.stride}"
            return Part(f"{name}[{unit}:{last + 1}{step}]")
        names = [self._places[span.first + j * span.stride] for j in range(n)]
        return Part(_together(names))

    def _width_at(self, place: int) -> int:
        return self._of[place][2] if place in self._of else 0

    def _matrix(self, weights: Weights, height: int, depth: int) -> str:
        if weights in self._matrices:
            return f"W{self._matrices[weights]}"
        turned = Weights(weights.first, weights.across, weights.down)
        if turned in self._matrices:
            return f"W{self._matrices[turned]}^T"
        if height == 1:
            row = self._span(Span(weights.first, weights.across), depth)
            return f"{_ELEMENTWISE.inside(row, ATOM)}^T"
        layer = self._of.get(weights.first)
        return f"matrix({layer[0] if layer else self._places[weights.first]})"

    def _unique(self, name: str) -> str:
        self._used[name] = self._used.get(name, 0) + 1
        return name if self._used[name] == 1 else f"{name}.{self._used[name]}"

    def _named(self, step: OnceStep, name: str) -> str:
        """The name of what a step gives, from here on."""
        n = width(step)
        for j in range(n):
            self._inside.pop(step.result + j, None)
            self._of[step.result + j] = name, j, n
        return name

    # Lines

    def lines(self, step: Step) -> list[str]:
        """A step as it is shown: no line where it is written inside the next."""
        self._at += 1
        match step:
            case Sum():
                shared = self.number(step.shared)
                factors = [f" {self.number(factor)}" for factor in step.factors] or [""]
                pairs = zip(step.results, factors)
                return [f"{self._derivative((k,))} += {shared}{f}" for k, f in pairs]
            case Sums():
                return [self._sums(step)]
            case Instruction():
                return [self._instruction(step)]
            case Gather():
                places = [self.number(place) for place in step.places]
                name = self._named(step, self._unique("G"))
                return [f"{name} = copies of {_together(places)}"]
            case Map() | Product():
                return self._wide(step)
        raise TypeError(step)

    def _instruction(self, step: Instruction) -> str:
        operands = [Part(self.number(operand)) for operand in step.operands]
        what = _ASSEMBLY.operation(step.function, operands, step.parameters).text
        delta = self._deltas.get(self._at)
        self._of.pop(step.result, None)
        self._inside.pop(step.result, None)
        name = self._places[step.result]
        if delta:
            name = self._named(step, self._unique(f"Delta{delta}"))
        remark = " ".join(part for part in (step.scope, step.label) if part)
        return _remarked(f"{name} = {what}", remark)

    def _wide(self, step: Map | Product) -> list[str]:
        what = self._product(step) if isinstance(step, Product) else self._map(step)
        delta = self._deltas.get(self._at)
        name = ""
        if delta:
            name = f"Delta{delta}"
        elif isinstance(step, Product) and step.weights in self._matrices:
            name = f"A{self._matrices[step.weights]}"
        elif isinstance(step, Map) and step.function.activation:
            before = self._span(step.operands[0], step.width).text
            if before[:1] == "A" and before[1:].replace(".", "").isdigit():
                name = f"Z{before[1:].partition('.')[0]}"
        if not name and self._at in self._once_read:
            self._named(step, "R")
            self._inside[step.result] = what
            return []
        name = self._named(step, self._unique(name or "R"))
        scopes = _common([scope for scope, _ in step.names])
        shape = f"{width(step)} x {step.depth}" if isinstance(step, Product) else f"{width(step)}"
        remark = f"{scopes}, {shape}" if scopes else shape
        return [_remarked(f"{name} = {what.text}", remark)]

    def _product(self, step: Product) -> Part:
        matrix = self._matrix(step.weights, step.height, step.depth)
        vector = self._span(Span(step.factors, 1), step.depth)
        product = f"{matrix} {_ELEMENTWISE.inside(vector, ATOM)}"
        if step.bias is None:
            return Part(product, PRODUCT - 1)
        bias = self._span(step.bias, step.height)
        return Part(f"{product} + {_ELEMENTWISE.inside(bias, PRODUCT)}", SUM)

    def _map(self, step: Map) -> Part:
        spans = [self._span(span, step.width) for span in step.operands]
        if step.function in _SLOPES:
            return Part(f"{_SLOPES[step.function].name}'({spans[0].text})")
        row = self._row(step)
        return row or _ELEMENTWISE.operation(step.function, spans, step.parameters)

    def _row(self, step: Map) -> Part | None:
        """The transposed product of a matrix of one row: w delta."""
        if step.function.key != "mul":
            return None
        for span, other in (step.operands, step.operands[::-1]):
            for weights, n in self._matrices.items():
                row = Span(weights.first, weights.across)
                if row == span and not other.stride and self._shapes[n] == (1, step.width):
                    return Part(f"W{n}^T {self.number(other.first)}", PRODUCT - 1)
        return None

    def _sums(self, step: Sums) -> str:
        shared = self._span(Span(step.shared, 1), step.height).text
        what = self._derivative(step.results)
        if not step.depth:
            return f"{what} += {shared}"
        factors = self._span(Span(step.factors, 1), step.depth).text
        return f"{what} += {shared} {factors}^T"

    def _derivative(self, results: Sequence[int]) -> str:
        """By which parameters: dE/dW1, dE/db1, or those of which to which."""
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
                    return f"dE/dW{n}"
            for bias, n in self._biases.items():
                height = self._shapes[n][0]
                if [bias.first + j * bias.stride for j in range(height)] == parameters:
                    return f"dE/db{n}"
        return _together([self._results[k] for k in results])


def _reads(step: Step) -> list[tuple[int, bool]]:
    """The first place of each operand, and whether it is read as neighbours."""
    match step:
        case Instruction():
            return [(place, False) for place in step.operands]
        case Map():
            return [(span.first, span.stride == 1) for span in step.operands]
        case Product():
            bias = [] if step.bias is None else [(step.bias.first, False)]
            return [(step.weights.first, False), (step.factors, False), *bias]
        case Gather():
            return [(place, False) for place in step.places]
        case Sum():
            return [(place, False) for place in (step.shared, *step.factors)]
        case Sums():
            factors = [(step.factors, False)] if step.depth else []
            return [(step.shared, False), *factors]


def _common(scopes: Sequence[str]) -> str:
    """The scope that all are in: layer1 of layer1/neuron1 and layer1/neuron2."""
    found = []
    for parts in zip(*(scope.split("/") for scope in scopes)):
        if len({*parts}) > 1:
            break
        found.append(parts[0])
    return "/".join(found)


def _together(names: Sequence[str]) -> str:
    """Several names in few words: x for x1, x2 and x3."""
    if len(names) == 1:
        return names[0]
    stems = {name.rstrip("0123456789") for name in names}
    if len(stems) == 1 and (stem := stems.pop()) and len({*names}) == len(names):
        return stem
    return f"({names[0]}, ..., {names[-1]})" if len(names) > 2 else f"({names[0]}, {names[1]})"


def _remarked(line: str, remark: str) -> str:
    return f"{line:<40}  ; {remark}" if remark else line


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= LINES:
        return lines
    half = LINES // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} more", *lines[-half:]]
