"""The diagram of a multilayer perceptron: a circle a unit, a line a weight.

As in Bishop & Bishop, Deep Learning, 2024, section 6.2, with the numbers of one forward and
backward pass: units with a_j, z_j and delta_j = dE/da_j, connections with w and dE/dw.
"""

from collections.abc import Iterable, Set
from math import hypot
from typing import Literal

from ..engine import Value, topological_order
from ..nn import MLP
from ..nn.units import find_units
from ..numeric import show
from ..text.names import Name, plain, read_name
from ..text.numbers import pictured
from .dot_writer import dot_legend, dot_table, dot_text
from .graph import Graph
from .layout import text_width
from .network_content import columns_of, legend_of
from .network_places import (
    MOST_LINES,
    SLOT,
    SLOT_LENGTH,
    Diagram,
    PlacedUnit,
    Wire,
    place_network,
    route,
)
from .palette import FONT, GREY, INK, SMALL, TEXT, WHITE
from .picture import scale_of
from .shapes import (
    ARROW,
    Circle,
    Drawing,
    Head,
    Hinted,
    Line,
    Shape,
    Text,
    Words,
    drawing,
    equals,
    equation,
)

LINE = 17.0
LINE_ROW = '<TR><TD HEIGHT="6"></TD></TR>'  # where the line runs


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
        instead = "draw shows a Value's graph"
        if isinstance(getattr(mlp, "network_", None), MLP):
            instead = "take its network_"
        raise TypeError(f"draw_network needs an MLP, not {show(mlp)}; {instead}")
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
    columns = columns_of(mlp, order, units, lines, strongest)
    scale = scale_of(order)
    diagram = place_network(columns, scale, names, labels, legend_of(columns, scale, strongest))
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


# --- shapes ---------------------------------------------------------------------------------------


def _shapes(diagram: Diagram) -> Drawing:
    shapes: list[Shape] = []
    for wire in diagram.wires:
        shapes += _wire(wire, diagram.units[wire.source], diagram.units[wire.target])
    shapes += [
        Text(note.place, note.words, note.size, note.anchor, rimmed=True) for note in diagram.notes
    ]
    for unit in diagram.units:
        shapes += _unit(unit, diagram.labels)
    return drawing(diagram.width, diagram.height, shapes, diagram.legend)


def _wire(wire: Wire, source: PlacedUnit, target: PlacedUnit) -> list[Shape]:
    *points, tip = route(wire, source, target)
    right = points[-1]
    share = ARROW / hypot(right[0] - tip[0], right[1] - tip[1])
    back = (tip[0] + (right[0] - tip[0]) * share, tip[1] + (right[1] - tip[1]) * share)
    arrow = (
        Line((*points,), wire.colour, wire.width, wire.weight < 0, then=back),
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


def _unit(unit: PlacedUnit, labels: bool) -> list[Shape]:
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


def _dot(diagram: Diagram) -> str:
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


def _dot_wire(number: int, wire: Wire) -> list[str]:
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
