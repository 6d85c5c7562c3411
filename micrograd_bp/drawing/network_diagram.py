"""The diagram of a multilayer perceptron: a circle a unit, a line a weight.

As in Bishop & Bishop, Deep Learning, 2024, section 6.2, with the numbers of one forward and
backward pass: units with a_j, z_j and delta_j = dE/da_j, connections with w and dE/dw.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import pairwise
from math import hypot, sqrt
from typing import Literal, NamedTuple

from ..engine import Value, topological_order
from ..nn import MLP, weight_label
from ..nn.units import Units, find_units
from ..numeric import show
from ..text.names import Name, clean, plain, read_name, told_apart
from ..text.numbers import pictured
from .columns import Point
from .dot_writer import dot_legend, dot_table, dot_text
from .folding import elide
from .graph import Graph
from .layout import text_width
from .palette import (
    BLUE,
    FONT,
    GREY,
    INK,
    NEGATIVE,
    ORANGE,
    POSITIVE,
    SMALL,
    TEXT,
    TITLE,
    WHITE,
    Scale,
    Swatch,
)
from .picture import format_grad, scale_of, shown
from .shapes import (
    ARROW,
    Anchor,
    Circle,
    Drawing,
    Head,
    Hinted,
    Legend,
    Line,
    Shape,
    Text,
    Words,
    drawing,
    equals,
    equation,
    words,
)

LINE = 17.0
HEADER_GAP = 14.0
SLOT = 34.0  # the height of the inscription on one connection: a line with text above and below
SLOT_LENGTH = 100.0
MOST_LINES = 36  # between two layers: so many can be inscribed, and told apart
THINNEST, THICKEST, THICKEST_OF_MANY = 0.6, 4.0, 2.5
DENSE_GAP = 6.0  # between units that many lines without inscriptions run to
WIDEST = 1600.0  # pixels; a deeper network has its numbers where the mouse points
STEEPEST = 0.75  # where lines end at a unit: so many radii from its middle
NARROWEST_GAP = 60.0  # between two columns
NAME_GAP = 6.0  # between the name of an input and its unit

LINE_ROW = '<TR><TD HEIGHT="6"></TD></TR>'  # where the line runs

Quantities = list[tuple[Name, str]]  # (name, number), or (name, "") where there is no number


class _Sizes(NamedTuple):
    """Of a unit, of a bias unit, and between two."""

    radius: float
    bias_radius: float
    gap: float


LABELLED, UNLABELLED = _Sizes(48.0, 25.0, 10.0), _Sizes(14.0, 8.0, 8.0)


class _Unit(NamedTuple):
    centre: Point
    radius: float
    quantities: Quantities
    fill: str


class _Wire(NamedTuple):
    """A connection; with an inscription it runs by way of a level slot that starts at a point."""

    source: int
    target: int
    slot: Point | None
    name: Name
    weight: float
    grad: str
    width: float

    @property
    def colour(self) -> str:
        return GREY if self.weight == 0 else BLUE if self.weight < 0 else ORANGE


class _Note(NamedTuple):
    place: Point  # of the baseline
    size: int
    words: tuple[Words, ...]
    anchor: Anchor = "middle"


class _Diagram(NamedTuple):
    width: float
    height: float
    notes: list[_Note]
    units: list[_Unit]
    wires: list[_Wire]
    legend: Legend
    labels: bool


class _Connection(NamedTuple):
    """A weight between two units that are shown, by their rows; the bias unit is in the last."""

    source: int
    target: int
    name: Name
    weight: Value


class _Column(NamedTuple):
    """One layer: the shown units with their numbers, a bias unit, and how many units are left out.

    The units stand in rows; the row before the last unit is empty if any are left out.
    """

    header: str
    numbers: list[int]  # j, from 1
    elided: int
    quantities: list[Quantities]
    deltas: list[float | None]
    bias: Name | None
    connections: list[_Connection]
    is_thinned: bool

    @property
    def rows(self) -> int:
        return len(self.numbers) + bool(self.elided)


def draw_network(
    mlp: MLP,
    root: Value | None = None,
    *,
    labels: bool = True,
    inputs: Iterable[str] | None = None,
    lines: int | None = MOST_LINES,
    strongest: Literal["weight", "contribution"] = "weight",
) -> Graph:
    """Draw a multilayer perceptron as the book does: a circle a unit, a line a weight.

    A line is the thicker the larger its weight is, solid for a positive and dashed for a negative
    one. Of a wide layer a dozen units are shown. Where the connections between two layers are
    many, the strongest are drawn, and without numbers, as all are of a network that would be too
    wide; a browser shows them where the mouse points. The colours of units are those that
    ``draw(root)`` has for the grads.

    Args:
        mlp: the network.
        root: a Value computed from the network's outputs, such as the error E. With it the units
            show x_i, a_j, z_j, y_k and delta_j, the grad of the node a_j, of the forward pass that
            root was computed from: the last one, if there are several. Without it the picture shows
            the weights alone.
        labels: whether names and numbers are written on units and lines; without them the units
            are small.
        inputs: names to write beside the inputs, one for each.
        lines: the largest number of lines between two layers; None for all.
        strongest: what lines are chosen by where there are more: "weight", |w_ji|; or
            "contribution", |w_ji delta_j|, what a line brings back from a unit to the one before.

    Returns:
        The picture, with the numbers of this moment.

    Raises:
        TypeError: mlp is no MLP, root no Value, inputs no list of names, or lines no integer.
        ValueError: root was not computed from the outputs of mlp, there are more or fewer names
            than inputs, lines is less than 1, or there is no delta_j to choose them by.

    >>> mlp = MLP(2, [3, 2], hidden="tanh", seed=1)
    >>> y_1, y_2 = mlp([0.5, -1.0])
    >>> E = ((y_1 - 1.0) ** 2 + y_2 ** 2) / 2.0
    >>> E.backward()
    >>> draw_network(mlp, E)
    <Graph of a network 2-3-2 with 17 weights>
    """
    if not isinstance(mlp, MLP):
        raise TypeError(f"draw_network needs an MLP, not {show(mlp)}; draw shows a Value's graph")
    if root is not None and not isinstance(root, Value):
        raise TypeError(f"draw_network needs a Value as root, not {show(root)}")
    sizes = [len(mlp.layers[0].neurons[0].w), *(len(layer.neurons) for layer in mlp.layers)]
    names = _input_names(inputs, sizes[0])
    _check_lines(lines, strongest)
    order = [] if root is None else topological_order(root)
    units = find_units(order, mlp)
    if root is not None and units is None:
        raise ValueError(
            f"{show(root)} was not computed from the outputs of this network: draw_network needs a"
            " Value such as the error of mlp(inputs), recorded outside no_grad"
        )
    columns = _columns(mlp, order, units, lines, strongest)
    scale = scale_of(order)
    diagram = _diagram(columns, scale, names, labels, _legend(columns, scale, strongest))
    summary = (
        f"<Graph of a network {'-'.join(map(str, sizes))} with {len(mlp.parameters())} weights>"
    )
    return Graph(_dot(diagram), lambda: _shapes(diagram), summary)


def _input_names(inputs: object, number: int) -> list[Name]:
    if inputs is None:
        return []
    needed = 'inputs is a list of names, such as ["height", "weight"]'
    if not isinstance(inputs, Iterable) or isinstance(inputs, (str, Set)):
        raise TypeError(f"{needed}, not {show(inputs)}")
    names = list(inputs)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{needed}, and in the list is {show(name)}")
    if len(names) != number:
        raise ValueError(f"the network has {number} inputs, and there are {len(names)} names")
    return [read_name(name) for name in names]


def _check_lines(lines: object, strongest: object) -> None:
    if lines is not None:
        if isinstance(lines, bool) or not isinstance(lines, int):
            raise TypeError(f"lines is a number of lines, an integer, not {show(lines)}")
        if lines < 1:
            raise ValueError(f"lines is at least 1, not {lines}")
    if strongest not in ("weight", "contribution"):
        raise ValueError(f"strongest is 'weight' or 'contribution', not {show(strongest)}")


# --- what it shows --------------------------------------------------------------------------------


def _columns(
    mlp: MLP, order: list[Value], units: Units | None, lines: int | None, strongest: str
) -> list[_Column]:
    """The inputs, then a column a layer."""
    shown_units = [elide(range(1, len(mlp.layers[0].neurons[0].w) + 1))]
    shown_units += [elide(range(1, len(layer.neurons) + 1)) for layer in mlp.layers]
    named = _Names(mlp, [numbers for numbers, _ in shown_units])
    numbers, more = shown_units[0]
    quantities: list[Quantities] = [
        [(named(0, "x", i), pictured(order[units.inputs[i - 1]].data) if units else "")]
        for i in numbers
    ]
    deltas: list[float | None] = [None] * len(numbers)
    bias = named(0, "x", 0)
    columns = [_Column("inputs", numbers, len(more), quantities, deltas, bias, [], False)]
    for index, layer in enumerate(mlp.layers, 1):
        is_output = layer is mlp.layers[-1]
        before, (numbers, more) = numbers, shown_units[index]
        activation = layer.neurons[0].activation
        kind = "outputs" if is_output else f"hidden layer {index}"
        found = {unit.j: unit for unit in (units.layers[index - 1] if units else [])}
        pairs = [(order[found[j].a], order[found[j].z]) if j in found else None for j in numbers]
        deltas = [pair[0].grad if pair and pair[0].has_grad else None for pair in pairs]
        connections = [
            _Connection(row, target, named(index, "w", (j, i)), weight)
            for target, j in enumerate(numbers)
            for neuron in [layer.neurons[j - 1]]
            for row, (i, weight) in enumerate(
                [*((i, neuron.w[i - 1]) for i in before), (0, neuron.b)]
            )
        ]
        kept = _strongest(connections, deltas, lines, strongest)
        columns.append(
            _Column(
                header=f"{kind} ({clean(activation)})",
                numbers=numbers,
                elided=len(more),
                quantities=[
                    _unit_quantities(named, index, j, pair)
                    for j, pair in zip(numbers, pairs, strict=True)
                ],
                deltas=deltas,
                bias=None if is_output else named(index, "z", 0),
                connections=kept,
                is_thinned=len(kept) < len(connections),
            )
        )
    return columns


class _Names:
    """The names of what a network shows, the layer above where they are the same in several."""

    def __init__(self, mlp: MLP, numbers: list[list[int]]) -> None:
        self.last = len(mlp.layers)
        self.has_linear_outputs = mlp.layers[-1].neurons[0].activation == "linear"
        keys = [(0, Name("x", str(i))) for i in (0, *numbers[0])]
        for layer, (before, of_layer) in enumerate(pairwise(numbers), 1):
            letters = ["δ", "y" if layer == self.last else "z"]
            letters += ["a"] * (layer < self.last or not self.has_linear_outputs)
            js = [*of_layer, *([] if layer == self.last else [0])]
            keys += [(layer, Name(letter, str(j))) for letter in letters for j in js]
            keys += [(layer, _weight_name(j, i)) for j in of_layer for i in (0, *before)]
        self.names = told_apart({key: key[1] for key in keys}, lambda key: str(key[0] or ""))

    def __call__(self, layer: int, letter: str, index: int | tuple[int, int]) -> Name:
        name = Name(letter, str(index)) if isinstance(index, int) else _weight_name(*index)
        return self.names[layer, name]


def _weight_name(j: int, i: int) -> Name:
    return read_name(weight_label(j, i))._replace(label="")


def _unit_quantities(
    named: _Names, layer: int, j: int, nodes: tuple[Value, Value] | None
) -> Quantities:
    is_output = layer == named.last
    z_name = named(layer, "y" if is_output else "z", j)
    if nodes is None:
        return [(z_name, "")]
    a, z = nodes
    quantities = [(z_name, pictured(z.data)), (named(layer, "δ", j), format_grad(a))]
    if is_output and named.has_linear_outputs:
        return quantities
    return [(named(layer, "a", j), pictured(a.data)), *quantities]


def _strongest(
    connections: list[_Connection],
    deltas: Sequence[float | None],
    lines: int | None,
    strongest: str,
) -> list[_Connection]:
    """At most so many connections, the strongest, in their order."""
    if lines is None or len(connections) <= lines:
        return connections

    def strength(connection: _Connection) -> float:
        delta = 1.0 if strongest == "weight" else deltas[connection.target]
        if delta is None:
            raise ValueError(
                "to choose lines by contribution takes the delta of each unit: give root, and call"
                ' root.backward() before, or choose them by strongest="weight"'
            )
        return abs(connection.weight.data * delta)

    kept = sorted(connections, key=strength, reverse=True)[:lines]
    return sorted(kept, key=connections.index)


def _legend(columns: Sequence[_Column], scale: Scale | None, strongest: str) -> Legend:
    largest = max(abs(c.weight.data) for column in columns for c in column.connections)
    weights = [
        Swatch(POSITIVE[3], "w > 0: solid"),
        Swatch(NEGATIVE[3], "w < 0: dashed"),
        Swatch("", f"the thicker, the larger |w|, at most {pictured(largest)}"),
    ]
    legend = [("lines", weights)]
    thinned = [len(column.connections) for column in columns if column.is_thinned]
    if thinned:
        what = "|w|" if strongest == "weight" else "|w δ|"
        text = f"where there are more than {thinned[0]} between two layers, those of largest {what}"
        legend.append(("drawn", [Swatch("", text)]))
    return [*legend, ("units by δ", scale.signed_legend())] if scale else legend


# --- where it stands ------------------------------------------------------------------------------


class _Grid(NamedTuple):
    """Where the columns stand, and where the inscriptions on the lines into each start, if any."""

    height: float
    pitches: list[float]  # from unit to unit of a column
    xs: list[float]
    slots: list[float | None]

    @property
    def width(self) -> float:
        return self.xs[-1]


def _grid(columns: list[_Column], labels: bool, left: float, sizes: _Sizes) -> _Grid:
    """With inscriptions and wide gaps if there is room, else with one of them or none."""
    few = [len(c.connections) <= MOST_LINES and not c.is_thinned for c in columns]
    inscribed = [labels and fits and i > 0 for i, fits in enumerate(few)]
    none = [False] * len(columns)
    for has_text, narrow in ((inscribed, False), (none, False), (none, True)):
        grid = _grid_of(columns, has_text, narrow, left, sizes)
        if grid.width <= WIDEST:
            break
    return grid


def _grid_of(
    columns: list[_Column], has_text: list[bool], narrow: bool, left: float, sizes: _Sizes
) -> _Grid:
    pitches = [2 * sizes.radius + sizes.gap]
    for before, with_text in zip(columns, has_text[1:]):
        slots = (len(before.numbers) + 1) * SLOT if with_text else 0.0
        gap = sizes.gap if with_text else min(DENSE_GAP, sizes.gap)
        pitches.append(max(2 * sizes.radius, slots) + gap)
    height = max(_rows(c, pitch, sizes) for c, pitch in zip(columns, pitches))
    height += TITLE + HEADER_GAP
    widths = [text_width(column.header, TITLE) for column in columns]
    xs = [max(sizes.radius, widths[0] / 2, left)]
    starts: list[float | None] = [None]
    for before, with_text in zip(columns, has_text[1:]):
        start = xs[-1] + sizes.radius + max(60.0, height / 6)
        starts.append(start if with_text else None)
        if with_text:
            x = start + SLOT_LENGTH + 20 + (len(before.numbers) + 1) * SLOT / 8 + sizes.radius
        else:
            x = xs[-1] + 2 * sizes.radius + (NARROWEST_GAP if narrow else max(160.0, height / 4))
        headers = widths[len(xs) - 1] + widths[len(xs)]
        xs.append(max(x, xs[-1] + headers / 2 + HEADER_GAP))
    return _Grid(height, pitches, xs, starts)


def _rows(column: _Column, pitch: float, sizes: _Sizes) -> float:
    """The height of a column."""
    return column.rows * pitch + (2 * sizes.bias_radius + sizes.gap if column.bias else 0.0)


def _diagram(
    columns: list[_Column], scale: Scale | None, inputs: list[Name], labels: bool, legend: Legend
) -> _Diagram:
    sizes = LABELLED if labels else UNLABELLED
    names = [inputs[i - 1] for i in columns[0].numbers] if inputs else []
    left = max((text_width(name.plain, TEXT) for name in names), default=0.0)
    grid = _grid(columns, labels, left + sizes.radius + NAME_GAP if names else 0.0, sizes)
    notes: list[_Note] = []
    units: list[_Unit] = []
    wires: list[_Wire] = []
    weights = [abs(c.weight.data) for column in columns for c in column.connections]
    sources = range(0)
    for column, pitch, x, slot in zip(columns, grid.pitches, grid.xs, grid.slots):
        top = TITLE + HEADER_GAP
        first = top + (grid.height - top - _rows(column, pitch, sizes)) / 2 + pitch / 2
        placed, column_notes = _place(column, x, first, pitch, scale, sizes)
        wires += _wires(column.connections, sources.start, len(units), placed, slot, max(weights))
        sources = range(len(units), len(units) + len(placed))
        notes += column_notes
        units += placed
    for name, unit in zip(names, units):
        place = (unit.centre[0] - sizes.radius - NAME_GAP, unit.centre[1] + 4)
        notes.append(_Note(place, TEXT, (Words(shown(name), name.latex),), "end"))
    width = grid.width + max(sizes.radius, text_width(columns[-1].header, TITLE) / 2)
    return _Diagram(width, grid.height, notes, units, wires, legend, labels)


def _place(
    column: _Column, x: float, first: float, pitch: float, scale: Scale | None, sizes: _Sizes
) -> tuple[list[_Unit], list[_Note]]:
    rows = list(range(column.rows))
    notes = [_Note((x, first - pitch / 2 - HEADER_GAP / 2), TITLE, words(column.header))]
    if column.elided:
        gap = rows.pop(-2)
        notes.append(_Note((x, first + gap * pitch + 4), TITLE, words(f"… {column.elided} more")))
    units = [
        _Unit(
            (x, first + row * pitch), sizes.radius, of_unit, scale.fill(delta) if scale else WHITE
        )
        for row, of_unit, delta in zip(rows, column.quantities, column.deltas, strict=True)
    ]
    if column.bias:
        y = first + (column.rows - 0.5) * pitch + sizes.gap / 2 + sizes.bias_radius
        units.append(_Unit((x, y), sizes.bias_radius, [(column.bias, "1")], WHITE))
    return units, notes


def _wires(
    connections: list[_Connection],
    first_source: int,
    first_target: int,
    targets: list[_Unit],
    slot: float | None,
    largest: float,
) -> Iterator[_Wire]:
    """The connections into the units of a column; those into one stand in the order of its rows."""
    number = max((connection.source for connection in connections), default=0) + 1
    thickest = THICKEST_OF_MANY if slot is None else THICKEST
    for source, target, name, weight in connections:
        height = targets[target].centre[1] + (source - (number - 1) / 2) * SLOT
        yield _Wire(
            first_source + source,
            first_target + target,
            None if slot is None else (slot, height),
            name,
            weight.data,
            format_grad(weight),
            round(THINNEST + (thickest - THINNEST) * abs(weight.data) / (largest or 1.0), 2),
        )


# --- shapes ---------------------------------------------------------------------------------------


def _shapes(diagram: _Diagram) -> Drawing:
    shapes: list[Shape] = []
    for wire in diagram.wires:
        shapes += _wire(wire, diagram.units[wire.source], diagram.units[wire.target])
    shapes += [
        Text(note.place, note.words, note.size, note.anchor, rimmed=True) for note in diagram.notes
    ]
    for unit in diagram.units:
        shapes += _unit(unit, diagram.labels)
    return drawing(diagram.width, diagram.height, shapes, diagram.legend)


def _wire(wire: _Wire, source: _Unit, target: _Unit) -> list[Shape]:
    start = (source.centre[0] + source.radius, source.centre[1])
    (x, y), radius = target.centre, target.radius
    right = (wire.slot[0] + SLOT_LENGTH, wire.slot[1]) if wire.slot else start
    points = (start, wire.slot, right) if wire.slot else (start,)
    # It ends at the left of the unit, so that it runs below none of the neighbours.
    sine = (right[1] - y) / hypot(right[0] - x, right[1] - y)
    sine = max(-STEEPEST, min(STEEPEST, sine))
    tip = (x - radius * sqrt(1 - sine**2), y + radius * sine)
    share = ARROW / hypot(right[0] - tip[0], right[1] - tip[1])
    back = (tip[0] + (right[0] - tip[0]) * share, tip[1] + (right[1] - tip[1]) * share)
    arrow = (
        Line(points, wire.colour, wire.width, wire.weight < 0, then=back),
        Head(tip, back, wire.colour, wire.width),
    )
    weight = pictured(wire.weight)
    if wire.slot is None:
        return [Hinted(f"{wire.name.plain} = {weight}, dE/dw = {wire.grad}", arrow)]
    middle = (wire.slot[0] + right[0]) / 2
    above, below = right[1] - 5 - wire.width / 2, right[1] + 10 + wire.width / 2
    derivative = Words("dE/dw", r"\partial E / \partial w")
    return [
        *arrow,
        Text((middle, above), equation(wire.name, weight), SMALL, "middle"),
        Text((middle, below), (derivative, *equals(wire.grad)), SMALL, "middle", GREY),
    ]


def _unit(unit: _Unit, labels: bool) -> list[Shape]:
    x, y = unit.centre
    circle = Circle(unit.centre, unit.radius, unit.fill)
    if not labels:
        pairs = (
            name.plain + (f" = {number}" if number else "") for name, number in unit.quantities
        )
        return [Hinted(", ".join(pairs), (circle,))]
    first = y + 4 - (len(unit.quantities) - 1) * LINE / 2
    return [
        circle,
        *(
            Text((x, first + row * LINE), equation(name, number), TEXT, "middle")
            for row, (name, number) in enumerate(unit.quantities)
        ),
    ]


# --- DOT ------------------------------------------------------------------------------------------


def _dot(diagram: _Diagram) -> str:
    """DOT source with everything pinned to its place, the ends of a connection's slot too."""
    lines = [
        "digraph {",
        f'  graph [layout=neato, inputscale=72, bgcolor="{WHITE}", fontname="{FONT}",'
        f' fontsize={SMALL}, fontcolor="{GREY}"];',
        f'  node [shape=circle, fixedsize=true, margin=0, color="{INK}", fontname="{FONT}",'
        f' fontsize={TEXT}, fontcolor="{INK}"];',
        "  edge [arrowsize=0.6];",
    ]
    for i, ((x, y), size, run, anchor) in enumerate(diagram.notes):
        text = "".join(plain(part.rich) for part in run)
        width = text_width(text, size)
        place = _dot_place(x - (width / 2 if anchor == "end" else 0.0), y - size / 2, width, LINE)
        lines.append(
            f"  h{i} [{place}, shape=plaintext, fontsize={size}, label=<{dot_text(text)}>];"
        )
    for i, unit in enumerate(diagram.units):
        place = _dot_place(*unit.centre, 2 * unit.radius, 2 * unit.radius)
        rows = [_dot_row(*quantity) for quantity in unit.quantities]
        label = f"<{dot_table(rows)}>" if diagram.labels else '""'
        lines.append(f'  u{i} [{place}, style=filled, fillcolor="{unit.fill}", label={label}];')
    for i, wire in enumerate(diagram.wires):
        lines += _dot_wire(i, wire)
    lines += [f"  label=<{dot_legend(diagram.legend)}>;", "  labelloc=b;", "  labeljust=l;"]
    return "\n".join([*lines, "}", ""])


def _dot_wire(number: int, wire: _Wire) -> list[str]:
    style = ", style=dashed" if wire.weight < 0 else ""
    line = f'color="{wire.colour}", penwidth={wire.width:g}{style}'
    if wire.slot is None:
        return [f"  u{wire.source}:e -> u{wire.target} [{line}];"]
    left, y = wire.slot
    rows = [
        _dot_row(wire.name, pictured(wire.weight)),
        LINE_ROW,
        _dot_row(Name("dE/dw"), wire.grad),
    ]
    label = dot_table(rows)
    place = _dot_place(left + SLOT_LENGTH / 2, y, SLOT_LENGTH, SLOT)
    lines = [f"  w{number} [{place}, shape=plaintext, fontsize={SMALL}, label=<{label}>];"]
    for end, x in (("l", left), ("r", left + SLOT_LENGTH)):
        point = _dot_place(x, y, 0.5, 0.5)
        lines.append(f'  {end}{number} [{point}, shape=point, color="{wire.colour}"];')
    lines.append(f"  u{wire.source}:e -> l{number} -> r{number} [dir=none, {line}];")
    lines.append(f"  r{number} -> u{wire.target} [{line}];")
    return lines


def _dot_place(x: float, y: float, width: float, height: float) -> str:
    return f'pos="{x:.1f},{-y:.1f}!", width={width / 72:.4f}, height={height / 72:.4f}'


def _dot_row(name: Name, number: str) -> str:
    above = f"<SUP>({name.above})</SUP>" if name.above else ""
    below = f"<SUB>{name.below}</SUB>" if name.below else ""
    equals = f" = {number}" if number else ""
    return f"<TR><TD>{name.letter}{above}{below}{equals}</TD></TR>"
