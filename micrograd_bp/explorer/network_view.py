"""The network diagram as SVG: a circle a unit, a line a weight, with the numbers of the graph.

As in Bishop & Bishop, Deep Learning, 2024, section 6.2. A weight has its numbers on its line as
long as there are few lines between two layers.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import hypot

from ..drawing.columns import Point
from ..drawing.svg import svg_curve, svg_rich
from ..nn.units import Unit, Units
from ..text.names import SUP, Name
from ..text.numbers import scripted
from .description import Node
from .svg_parts import PICTURED, element, picture, text_at

RADIUS = 64.0
GAP = 16.0  # between two units
LINE = 21.0
SLOT = 52.0  # the height of the two lines of numbers on a weight
SLOT_LENGTH = 150.0
MOST_INSCRIBED = 40  # weights between two layers
HEADING = 34.0


def network_view(nodes: Sequence[Node], units: Units, others: Sequence[Units] = ()) -> str:
    """Draw the network.

    Args:
        nodes: those of the graph.
        units: where the units are among them.
        others: the same of other forward passes, of which the page shows one at a time.

    >>> from micrograd_bp import MLP, topological_order
    >>> from .description import describe
    >>> from ..nn.units import find_units
    >>> order = topological_order(MLP(2, [3, 1], seed=0)([0.5, -1.0]))
    >>> network_view(describe(order), find_units(order)).count('class="wire"')
    13
    """
    columns = _columns(units)
    inscribed = [
        sum(len(unit.weights) + 1 for unit in layer) <= MOST_INSCRIBED for layer in units.layers
    ]
    pitches = [2 * RADIUS + GAP]
    for layer, has_text in zip(units.layers, inscribed, strict=True):
        slots = max(len(unit.weights) + 1 for unit in layer) * SLOT if layer else 0.0
        pitches.append(max(2 * RADIUS, slots if has_text else 0.0) + GAP)
    # The bias unit, x_0 or z_0, stands below the units of each layer but the last.
    rows = [len(column) + (i < len(columns) - 1) for i, column in enumerate(columns)]
    height = max(row * pitch for row, pitch in zip(rows, pitches, strict=True))
    places: list[list[Point]] = []
    x = RADIUS
    for i, (row, pitch) in enumerate(zip(rows, pitches, strict=True)):
        if i:
            x += 2 * RADIUS + (SLOT_LENGTH + 190 if inscribed[i - 1] else 240)
        top = HEADING + (height - row * pitch) / 2 + pitch / 2
        places.append([(x, top + j * pitch) for j in range(row)])
    wires, circles = [], []
    for (before, here), layer, has_text in zip(
        pairwise(places), units.layers, inscribed, strict=True
    ):
        for unit, place in zip(layer, here, strict=False):
            wires += _wires(nodes, unit, before, place, has_text)
    for i, where in enumerate(places):
        circles.append(text_at((where[0][0], 16.0), _heading(i, len(columns)), class_="heading"))
        if i < len(columns) - 1:
            circles.append(_bias_unit(_bias_name(nodes, units, i), where[-1]))
    for each in [*others, units]:
        parts = [
            _unit(nodes, members, place)
            for column, where in zip(_columns(each), places, strict=True)
            for members, place in zip(column, where, strict=False)
        ]
        class_ = "pass now" if each is units else "pass"
        circles.append(element("g", "".join(parts), class_=class_))
    sizes = "-".join(str(len(column)) for column in columns)
    return picture("network", f"Network {sizes}", x + RADIUS, height + HEADING, [*wires, *circles])


def _columns(units: Units) -> list[list[tuple[int, ...]]]:
    columns: list[list[tuple[int, ...]]] = [[(x,) for x in units.inputs]]
    return columns + [[(unit.a, unit.z) for unit in layer] for layer in units.layers]


def _heading(column: int, number: int) -> str:
    if column in (0, number - 1):
        return "outputs" if column else "inputs"
    return f"hidden layer {column}" if number > 3 else "hidden units"


def _wires(
    nodes: Sequence[Node], unit: Unit, sources: Sequence[Point], target: Point, has_text: bool
) -> list[str]:
    """The lines into a unit, the bias the lowest."""
    weights = [*zip(unit.weights, sources, strict=False)]
    if unit.bias is not None:
        weights.append((unit.bias, sources[-1]))
    elements = []
    for row, (weight, source) in enumerate(weights):
        start = (source[0] + RADIUS * (0.5 if weight == unit.bias else 1.0), source[1])
        right, points = start, [start]
        if has_text:
            right = target[0] - RADIUS - 60, target[1] + (row - (len(weights) - 1) / 2) * SLOT
            points = [start, (right[0] - SLOT_LENGTH, right[1]), right]
        across, down = target[0] - right[0], target[1] - right[1]
        share = RADIUS / hypot(across, down)
        tip = target[0] - across * share, target[1] - down * share
        line = f"{svg_curve(points, False)}L{tip[0]:.1f},{tip[1]:.1f}"
        width = 1 + min(abs(nodes[weight].data), 3.0)
        sign = "line negative" if nodes[weight].data < 0 else "line"
        parts = [element("path", d=line, class_=sign, stroke_width=width)]
        if has_text:
            middle = right[0] - SLOT_LENGTH / 2
            parts += [
                _quantity(nodes, weight, "data", (middle, right[1] - 8)),
                _quantity(nodes, weight, "grad", (middle, right[1] + 18)),
            ]
        elements.append(
            element(
                "g", "".join(parts), class_="wire" if has_text else "wire dense", data_nodes=weight
            )
        )
    return elements


def _unit(nodes: Sequence[Node], members: tuple[int, ...], place: Point) -> str:
    a, z = members[0], members[-1]
    lines = [(a, "data")] if a == z else [(a, "data"), (z, "data")]
    if len(members) == 2:
        lines.append((a, "grad"))
    first = place[1] + 5 - (len(lines) - 1) * LINE / 2
    parts = [element("circle", cx=place[0], cy=place[1], r=RADIUS, class_="box")]
    parts += [
        _quantity(nodes, node, kind, (place[0], first + row * LINE))
        for row, (node, kind) in enumerate(lines)
    ]
    return element("g", "".join(parts), class_="node", data_nodes=" ".join(map(str, members)))


def _quantity(nodes: Sequence[Node], node: int, kind: str, place: Point) -> str:
    """A name and its number, which the page's script writes."""
    described = nodes[node]
    name = described.name if kind == "data" else described.grad_name
    number = described.data if kind == "data" else described.grad
    tag = element("tspan", scripted(number, PICTURED), **{f"data_{kind}": node})
    return text_at(place, svg_rich(f"{name} = ") + tag, class_="small quantity")


def _bias_name(nodes: Sequence[Node], units: Units, layer: int) -> Name:
    """x_0 or z_0, with the layer above where the units beside it have it."""
    if layer == 0:
        return Name("x", "0")
    has_layer = SUP in nodes[units.layers[layer - 1][0].z].name
    return Name("z", "0", str(layer) if has_layer else "")


def _bias_unit(name: Name, place: Point) -> str:
    circle = element("circle", cx=place[0], cy=place[1], r=RADIUS / 2, class_="box")
    text = text_at((place[0], place[1] + 5), svg_rich(f"{name.rich} = 1"), class_="small quantity")
    return element("g", circle + text, class_="node bias")
