"""The diagram of a multilayer perceptron: a circle a unit, a line a weight.

As in Bishop & Bishop, Deep Learning, 2024, section 6.2, with the numbers of one forward and
backward pass: units with a_j, z_j and delta_j = dE/da_j, connections with w and dE/dw.
"""

from html import escape
from itertools import pairwise
from math import hypot
from typing import Literal, NamedTuple

from ..engine import Value, topological_order
from ..nn import MLP, Neuron, weight_label
from ..nn.units import Units, find_units
from ..numeric import show
from ..text.names import clean
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
    scale_for,
)
from .picture import format_grad
from .svg import (
    ARROW,
    Legend,
    svg_arrowhead,
    svg_curve,
    svg_line,
    svg_page,
    svg_text,
)

RADIUS = 42.0
BIAS_RADIUS = 22.0
UNIT_GAP = 14.0
HEADER_GAP = 14.0
LINE = 15.0
SLOT = 34.0  # the height of the inscription on one connection: a line with text above and below
SLOT_LENGTH = 100.0
MAX_INSCRIPTIONS = 36  # between two layers; more connections are lines alone
THINNEST, THICKEST, THICKEST_OF_MANY = 0.6, 4.0, 2.5
DENSE_GAP = 6.0  # between units that many lines without inscriptions run to


LINE_ROW = '<TR><TD HEIGHT="6"></TD></TR>'  # where the line runs


class _Unit(NamedTuple):
    centre: Point
    radius: float
    quantities: list[tuple[str, str]]  # (name, number), or (name, "") where there is no number
    fill: str


class _Wire(NamedTuple):
    """A connection; with an inscription it runs by way of a level slot that starts at a point."""

    source: int
    target: int
    slot: Point | None
    name: str
    weight: str
    grad: str
    width: float
    colour: str
    dashed: bool


class _Note(NamedTuple):
    centre: Point  # of the baseline
    size: int
    text: str


class _Diagram(NamedTuple):
    width: float
    height: float
    notes: list[_Note]
    units: list[_Unit]
    wires: list[_Wire]
    legend: Legend


class _Column(NamedTuple):
    """One layer: the shown units with their numbers, a bias unit, and how many units are left out.

    The units stand in rows; the row before the last unit is empty if any are left out.
    """

    header: str
    numbers: list[int]  # j, from 1
    elided: int
    quantities: list[list[tuple[str, str]]]
    deltas: list[float | None]
    bias: Literal["x_0", "z_0", ""]

    @property
    def rows(self) -> int:
        return len(self.numbers) + bool(self.elided)


def draw_network(mlp: MLP, root: Value | None = None) -> Graph:
    """Draw a multilayer perceptron as the book does: a circle a unit, a line a weight.

    A line is the thicker the larger its weight is, solid for a positive and dashed for a negative
    one. Of a wide layer a dozen units are shown; many connections between two layers are drawn
    without numbers, which a browser shows where the mouse points.

    Args:
        mlp: the network.
        root: a Value computed from the network's outputs, such as the error E. With it the units
            show x_i, a_j, z_j, y_k and delta_j, the grad of the node a_j, of the forward pass that
            root was computed from: the last one, if there are several. Without it the picture shows
            the weights alone.

    Returns:
        The picture, with the numbers of this moment.

    Raises:
        TypeError: mlp is no MLP, or root no Value.
        ValueError: root was not computed from the outputs of mlp.

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
    order = [] if root is None else topological_order(root)
    units = find_units(order, mlp)
    if root is not None and units is None:
        raise ValueError(
            f"{show(root)} was not computed from the outputs of this network: draw_network needs a"
            " Value such as the error of mlp(inputs), recorded outside no_grad"
        )
    diagram = _diagram(mlp, order, units)
    sizes = [len(mlp.layers[0].neurons[0].w), *(len(layer.neurons) for layer in mlp.layers)]
    summary = (
        f"<Graph of a network {'-'.join(map(str, sizes))} with {len(mlp.parameters())} weights>"
    )
    return Graph(_dot(diagram), lambda: _svg(diagram), summary)


# --- what it shows --------------------------------------------------------------------------------


def _columns(mlp: MLP, order: list[Value], units: Units | None) -> list[_Column]:
    """The inputs, then a column a layer."""
    numbers, more = elide(range(1, len(mlp.layers[0].neurons[0].w) + 1))
    inputs = [
        [(f"x_{i}", pictured(order[units.inputs[i - 1]].data) if units else "")] for i in numbers
    ]
    columns = [_Column("inputs", numbers, len(more), inputs, [None] * len(numbers), "x_0")]
    for index, layer in enumerate(mlp.layers):
        is_output = layer is mlp.layers[-1]
        activation = layer.neurons[0].activation
        name = "outputs" if is_output else f"hidden layer {index + 1}"
        letter = "y" if is_output else "z"
        numbers, more = elide(range(1, len(layer.neurons) + 1))
        of_layer = units.layers[index] if units else []
        found = {unit.j: (order[unit.a], order[unit.z]) for unit in of_layer}
        pairs = [found.get(j) for j in numbers]
        columns.append(
            _Column(
                f"{name} ({clean(activation)})",
                numbers,
                len(more),
                [
                    _unit_quantities(j, pair, letter, is_output and activation == "linear")
                    for j, pair in zip(numbers, pairs, strict=True)
                ],
                [pair[0].grad if pair and pair[0].has_grad else None for pair in pairs],
                "" if is_output else "z_0",
            )
        )
    return columns


def _unit_quantities(
    j: int, nodes: tuple[Value, Value] | None, letter: str, is_linear_output: bool
) -> list[tuple[str, str]]:
    if nodes is None:
        return [(f"{letter}_{j}", "")]
    a, z = nodes
    quantities = [
        (f"a_{j}", pictured(a.data)),
        (f"{letter}_{j}", pictured(z.data)),
        (f"δ_{j}", format_grad(a)),
    ]
    return quantities[1:] if is_linear_output else quantities


def _legend(largest_weight: float, scale: Scale | None) -> Legend:
    weights = [
        Swatch(POSITIVE[3], "w > 0: solid"),
        Swatch(NEGATIVE[3], "w < 0: dashed"),
        Swatch("", f"the thicker, the larger |w|, at most {pictured(largest_weight)}"),
    ]
    legend = [("lines", weights)]
    return [*legend, ("units by δ", scale.signed_legend())] if scale else legend


# --- where it stands ------------------------------------------------------------------------------


def _diagram(mlp: MLP, order: list[Value], found: Units | None) -> _Diagram:
    columns = _columns(mlp, order, found)
    scale = scale_for(delta for column in columns for delta in column.deltas)
    largest = max(abs(parameter.data) for parameter in mlp.parameters())
    inscribed = [
        (len(before.numbers) + 1) * len(column.numbers) <= MAX_INSCRIPTIONS
        for before, column in pairwise(columns)
    ]
    pitches = [2 * RADIUS + UNIT_GAP]
    for before, has_text in zip(columns, inscribed, strict=False):
        slots = (len(before.numbers) + 1) * SLOT
        gap = UNIT_GAP if has_text else DENSE_GAP
        pitches.append(max(2 * RADIUS, slots if has_text else 0.0) + gap)
    bias_height = 2 * BIAS_RADIUS + UNIT_GAP
    heights = [
        column.rows * pitch + (bias_height if column.bias else 0.0)
        for column, pitch in zip(columns, pitches, strict=True)
    ]
    top = TITLE + HEADER_GAP
    height = top + max(heights)
    x = max(RADIUS, text_width(columns[0].header, TITLE) / 2)
    notes: list[_Note] = []
    units: list[_Unit] = []
    wires: list[_Wire] = []
    sources = range(0)
    for index, (column, pitch) in enumerate(zip(columns, pitches, strict=True)):
        slot = 0.0
        if index and inscribed[index - 1]:
            slot = x + RADIUS + max(60.0, height / 6)
            x = slot + SLOT_LENGTH + 20 + len(sources) * SLOT / 8 + RADIUS
        elif index:
            x += 2 * RADIUS + max(160.0, height / 4)
        first = top + (height - top - heights[index]) / 2 + pitch / 2
        placed, column_notes = _place(column, x, first, pitch, scale)
        notes += column_notes
        if index:
            targets = range(len(units), len(units) + len(column.numbers))
            for j, target, unit in zip(column.numbers, targets, placed, strict=False):
                neuron = mlp.layers[index - 1].neurons[j - 1]
                shown = columns[index - 1].numbers
                places = _slots(unit, len(sources), slot)
                wires += _wires(neuron, j, shown, sources, target, places, largest)
        sources = range(len(units), len(units) + len(placed))
        units += placed
    width = x + max(RADIUS, text_width(columns[-1].header, TITLE) / 2)
    return _Diagram(width, height, notes, units, wires, _legend(largest, scale))


def _place(
    column: _Column, x: float, first: float, pitch: float, scale: Scale | None
) -> tuple[list[_Unit], list[_Note]]:
    rows = list(range(column.rows))
    notes = [_Note((x, first - pitch / 2 - HEADER_GAP / 2), TITLE, column.header)]
    if column.elided:
        gap = rows.pop(-2)
        notes.append(_Note((x, first + gap * pitch), TITLE, f"… {column.elided} more"))
    units = [
        _Unit((x, first + row * pitch), RADIUS, quantities, scale.fill(delta) if scale else WHITE)
        for row, quantities, delta in zip(rows, column.quantities, column.deltas, strict=True)
    ]
    if column.bias:
        y = first + (column.rows - 0.5) * pitch + UNIT_GAP / 2 + BIAS_RADIUS
        units.append(_Unit((x, y), BIAS_RADIUS, [(column.bias, "1")], WHITE))
    return units, notes


def _slots(unit: _Unit, number: int, x: float) -> list[Point | None]:
    """Where the inscriptions of the connections into a unit start, one below the other, if at x."""
    top = unit.centre[1] - (number - 1) * SLOT / 2
    return [(x, top + row * SLOT) if x else None for row in range(number)]


def _wires(
    neuron: Neuron,
    j: int,
    shown: list[int],
    sources: range,
    target: int,
    slots: list[Point | None],
    largest: float,
) -> list[_Wire]:
    """The connections into unit j; the bias is the lowest."""
    thickest = THICKEST if slots[0] else THICKEST_OF_MANY
    weights = [*((i, neuron.w[i - 1]) for i in shown), (0, neuron.b)]
    return [
        _Wire(
            source,
            target,
            slot,
            weight_label(j, i),
            pictured(weight.data),
            format_grad(weight),
            round(THINNEST + (thickest - THINNEST) * abs(weight.data) / (largest or 1.0), 2),
            _colour(weight.data),
            weight.data < 0,
        )
        for source, slot, (i, weight) in zip(sources, slots, weights, strict=True)
    ]


def _colour(weight: float) -> str:
    if weight == 0:
        return GREY
    return BLUE if weight < 0 else ORANGE


# --- SVG ------------------------------------------------------------------------------------------


def _svg(diagram: _Diagram) -> str:
    elements: list[str] = []
    for wire in diagram.wires:
        elements += _svg_wire(wire, diagram.units[wire.source], diagram.units[wire.target])
    for (x, y), size, text in diagram.notes:
        elements.append(svg_text(x, y, escape(text), size, "middle", fill=INK))
    for unit in diagram.units:
        elements += _svg_unit(unit)
    return svg_page(diagram.width, diagram.height, elements, diagram.legend)


def _svg_wire(wire: _Wire, source: _Unit, target: _Unit) -> list[str]:
    start = (source.centre[0] + source.radius, source.centre[1])
    right = (wire.slot[0] + SLOT_LENGTH, wire.slot[1]) if wire.slot else start
    x_distance, y_distance = right[0] - target.centre[0], right[1] - target.centre[1]
    distance = hypot(x_distance, y_distance)

    def towards_target(remaining: float) -> Point:
        share = remaining / distance
        return target.centre[0] + x_distance * share, target.centre[1] + y_distance * share

    tip, back = towards_target(target.radius), towards_target(target.radius + ARROW)
    points = [start, wire.slot, right] if wire.slot else [start]
    path = f"{svg_curve(points, False)} L{back[0]:.1f},{back[1]:.1f}"
    elements = [
        svg_line(path, wire.colour, wire.width, wire.dashed),
        svg_arrowhead(tip, back, wire.colour, wire.width),
    ]
    if wire.slot is None:
        numbers = f"{wire.name} = {wire.weight}, dE/dw = {wire.grad}"
        return [f"<g><title>{numbers}</title>", *elements, "</g>"]
    middle, y = (wire.slot[0] + right[0]) / 2, wire.slot[1]
    weight, grad = _svg_quantity(wire.name, wire.weight), _svg_quantity("dE/dw", wire.grad)
    above, below = y - 5 - wire.width / 2, y + 10 + wire.width / 2
    return [
        *elements,
        svg_text(middle, above, weight, SMALL, "middle", fill=INK),
        svg_text(middle, below, grad, SMALL, "middle", fill=GREY),
    ]


def _svg_unit(unit: _Unit) -> list[str]:
    x, y = unit.centre
    elements = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{unit.radius:g}" fill="{unit.fill}" stroke="{INK}"/>'
    ]
    first = y + 4 - (len(unit.quantities) - 1) * LINE / 2
    for row, (name, number) in enumerate(unit.quantities):
        text = _svg_quantity(name, number)
        elements.append(svg_text(x, first + row * LINE, text, TEXT, "middle", fill=INK))
    return elements


def _svg_quantity(name: str, number: str) -> str:
    """A name such as w_31 with its index as a subscript, and the number if there is one."""
    letter, _, index = name.partition("_")
    equals = f"= {number}" if number else ""
    if not index:
        return f"{letter} {equals}"
    subscript = f'<tspan dy="2.5" font-size="75%">{index}</tspan>'
    return f'{letter}{subscript}<tspan dx="2" dy="-2.5">{equals}</tspan>'


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
    for i, ((x, y), size, text) in enumerate(diagram.notes):
        place = _dot_place(x, y - size / 2, text_width(text, size), LINE)
        lines.append(
            f"  h{i} [{place}, shape=plaintext, fontsize={size}, label=<{dot_text(text)}>];"
        )
    for i, unit in enumerate(diagram.units):
        place = _dot_place(*unit.centre, 2 * unit.radius, 2 * unit.radius)
        label = dot_table(_dot_row(*quantity) for quantity in unit.quantities)
        lines.append(f'  u{i} [{place}, style=filled, fillcolor="{unit.fill}", label=<{label}>];')
    for i, wire in enumerate(diagram.wires):
        lines += _dot_wire(i, wire)
    lines += [f"  label=<{dot_legend(diagram.legend)}>;", "  labelloc=b;", "  labeljust=l;"]
    return "\n".join([*lines, "}", ""])


def _dot_wire(number: int, wire: _Wire) -> list[str]:
    style = ", style=dashed" if wire.dashed else ""
    line = f'color="{wire.colour}", penwidth={wire.width:g}{style}'
    if wire.slot is None:
        return [f"  u{wire.source}:e -> u{wire.target} [{line}];"]
    left, y = wire.slot
    rows = [_dot_row(wire.name, wire.weight), LINE_ROW, _dot_row("dE/dw", wire.grad)]
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


def _dot_row(name: str, number: str) -> str:
    letter, _, index = name.partition("_")
    subscript = f"<SUB>{index}</SUB>" if index else ""
    return f"<TR><TD>{letter}{subscript}{f' = {number}' if number else ''}</TD></TR>"
