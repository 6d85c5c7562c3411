"""Where the units and connections of a network stand: columns of circles, lines between them.

A line with an inscription runs by way of a level slot of its own, where the numbers stand.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import hypot, inf, sqrt
from typing import NamedTuple

from ..text.names import Name
from .columns import Point
from .layout import text_width
from .network_content import Column, Connection, Quantities
from .palette import BLUE, GREY, ORANGE, TEXT, TITLE, WHITE, Scale
from .picture import format_grad, shown
from .shapes import Anchor, Legend, Words, words

HEADER_GAP = 14.0
SLOT = 34.0  # the height of the inscription on one connection: a line with text above and below
SLOT_LENGTH = 100.0
MOST_LINES = 36  # between two layers: so many can be inscribed, and told apart
THINNEST, THICKEST, THICKEST_OF_MANY = 0.6, 4.0, 2.5
DENSE_GAP = 6.0  # between units that many lines without inscriptions run to
WIDEST = 1600.0  # pixels; a deeper network has its numbers where the mouse points
NARROWEST_GAP = 60.0  # between two columns
NAME_GAP = 6.0  # between the name of an input and its unit
STEEPEST = 0.75  # where lines end at a unit: so many radii from its middle


class _Sizes(NamedTuple):
    """Of a unit, of a bias unit, and between two."""

    radius: float
    bias_radius: float
    gap: float


LABELLED, UNLABELLED = _Sizes(48.0, 25.0, 10.0), _Sizes(14.0, 8.0, 8.0)


class PlacedUnit(NamedTuple):
    """A circle, and what is written in it."""

    centre: Point
    radius: float
    quantities: Quantities
    fill: str


class Wire(NamedTuple):
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
        """By the sign of the weight."""
        return GREY if self.weight == 0 else BLUE if self.weight < 0 else ORANGE


def route(wire: Wire, source: PlacedUnit, target: PlacedUnit) -> tuple[Point, ...]:
    """From the right of a unit, perhaps by way of the ends of its slot, to the tip at another."""
    points = [(source.centre[0] + source.radius, source.centre[1])]
    if wire.slot:
        points += [wire.slot, (wire.slot[0] + SLOT_LENGTH, wire.slot[1])]
    # It ends at the left of the unit, so that it runs below none of the neighbours.
    (x, y), radius, (u, v) = target.centre, target.radius, points[-1]
    sine = max(-STEEPEST, min(STEEPEST, (v - y) / hypot(u - x, v - y)))
    return (*points, (x - radius * sqrt(1 - sine**2), y + radius * sine))


class Note(NamedTuple):
    """A text beside the circles."""

    place: Point  # of the baseline
    size: int
    words: tuple[Words, ...]
    anchor: Anchor = "middle"


class Diagram(NamedTuple):
    """Where everything stands; labels says whether names and numbers are written."""

    width: float
    height: float
    notes: list[Note]
    units: list[PlacedUnit]
    wires: list[Wire]
    legend: Legend
    labels: bool


class _Grid(NamedTuple):
    """Where the columns stand, and where the inscriptions on the lines into each start, if any."""

    height: float
    pitches: list[float]  # from unit to unit of a column
    xs: list[float]
    slots: list[float | None]

    @property
    def width(self) -> float:
        return self.xs[-1]


def _grid(columns: list[Column], labels: bool, left: float, sizes: _Sizes) -> _Grid:
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
    columns: list[Column], has_text: list[bool], narrow: bool, left: float, sizes: _Sizes
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


def _rows(column: Column, pitch: float, sizes: _Sizes) -> float:
    """The height of a column."""
    return column.rows * pitch + (2 * sizes.bias_radius + sizes.gap if column.bias else 0.0)


def place_network(
    columns: list[Column], scale: Scale | None, inputs: list[Name], labels: bool, legend: Legend
) -> Diagram:
    """Give units and connections their places.

    Args:
        columns: the layers.
        scale: of the colours of units, if they have any.
        inputs: names to stand beside the inputs, or none.
        labels: whether names and numbers are written.
        legend: what stands below.

    >>> from ..nn import MLP
    >>> from .network_content import columns_of
    >>> columns = columns_of(MLP(1, [2, 1]), [], None, None, "weight")
    >>> diagram = place_network(columns, None, [], True, [])
    >>> len(diagram.units), len(diagram.wires)  # two of the units are x_0 and z_0
    (6, 7)
    """
    sizes = LABELLED if labels else UNLABELLED
    columns = [_with_its_number(column, sizes) for column in columns]
    names = [inputs[i - 1] for i in columns[0].numbers] if inputs else []
    left = max((text_width(name.plain, TEXT) for name in names), default=0.0)
    grid = _grid(columns, labels, left + sizes.radius + NAME_GAP if names else 0.0, sizes)
    notes: list[Note] = []
    units: list[PlacedUnit] = []
    wires: list[Wire] = []
    tops: list[float] = []
    weights = [abs(c.weight.data) for column in columns for c in column.connections]
    sources = range(0)
    for column, pitch, x, slot in zip(columns, grid.pitches, grid.xs, grid.slots):
        top = TITLE + HEADER_GAP
        first = top + (grid.height - top - _rows(column, pitch, sizes)) / 2 + pitch / 2
        placed, more = _place(column, x, first, pitch, scale, sizes)
        wires += _wires(column.connections, sources.start, len(units), placed, slot, max(weights))
        sources = range(len(units), len(units) + len(placed))
        notes += more
        units += placed
        tops.append(first - pitch / 2)
    routes = [route(wire, units[wire.source], units[wire.target]) for wire in wires]
    for column, x, top in zip(columns, grid.xs, tops):
        half = (text_width(column.header, TITLE) + HEADER_GAP) / 2
        height = min(top, _highest(routes, x - half, x + half)) - HEADER_GAP / 2
        notes.append(Note((x, height), TITLE, words(column.header)))
    for name, unit in zip(names, units):
        place = (unit.centre[0] - sizes.radius - NAME_GAP, unit.centre[1] + 4)
        notes.append(Note(place, TEXT, (Words(shown(name), name.latex),), "end"))
    width = grid.width + max(sizes.radius, text_width(columns[-1].header, TITLE) / 2)
    return Diagram(width, grid.height, notes, units, wires, legend, labels)


def _left_out(column: Column, sizes: _Sizes) -> str:
    """What stands for the units that are left out: not so wide that lines run below it."""
    text = f"… {column.elided} more"
    return text if text_width(text, TITLE) <= 2 * sizes.radius else "…"


def _with_its_number(column: Column, sizes: _Sizes) -> Column:
    """The header says how many units there are where that does not stand between them."""
    if not column.elided or _left_out(column, sizes) != "…":
        return column
    shown = len(column.numbers)
    return column._replace(header=f"{column.header}, {shown} of {shown + column.elided}")


def _place(
    column: Column, x: float, first: float, pitch: float, scale: Scale | None, sizes: _Sizes
) -> tuple[list[PlacedUnit], list[Note]]:
    rows, notes = list(range(column.rows)), []
    if column.elided:
        gap = rows.pop(-2)
        text = words(_left_out(column, sizes))
        notes.append(Note((x, first + gap * pitch + 4), TITLE, text))
    units = [
        PlacedUnit(
            (x, first + row * pitch), sizes.radius, of_unit, scale.fill(delta) if scale else WHITE
        )
        for row, of_unit, delta in zip(rows, column.quantities, column.deltas, strict=True)
    ]
    if column.bias:
        y = first + (column.rows - 0.5) * pitch + sizes.gap / 2 + sizes.bias_radius
        units.append(PlacedUnit((x, y), sizes.bias_radius, [(column.bias, "1")], WHITE))
    return units, notes


def _highest(routes: Iterable[tuple[Point, ...]], left: float, right: float) -> float:
    """The height of the highest point of any route between two x; inf if there is none."""
    heights = [inf]
    for points in routes:
        for (x, y), (u, v) in pairwise(points):
            if x < right and left < u:
                slope = (v - y) / (u - x)
                heights += [y + slope * (end - x) for end in (max(x, left), min(u, right))]
    return min(heights)


def _wires(
    connections: list[Connection],
    first_source: int,
    first_target: int,
    targets: list[PlacedUnit],
    slot: float | None,
    largest: float,
) -> Iterator[Wire]:
    """The connections into the units of a column; those into one stand in the order of its rows."""
    number = max((connection.source for connection in connections), default=0) + 1
    thickest = THICKEST_OF_MANY if slot is None else THICKEST
    for source, target, name, weight in connections:
        height = targets[target].centre[1] + (source - (number - 1) / 2) * SLOT
        yield Wire(
            first_source + source,
            first_target + target,
            None if slot is None else (slot, height),
            name,
            weight.data,
            format_grad(weight),
            round(THINNEST + (thickest - THINNEST) * abs(weight.data) / (largest or 1.0), 2),
        )
