"""What pictures are made of: boxes, circles, lines, heads of arrows and texts, each in its place.

Graphs and networks are laid out as shapes; the writers of SVG and TikZ, and matplotlib for PNG and
PDF, know shapes only. Coordinates are pixels of the web, 96 to an inch, and run down the page.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from ..text.names import Name
from ..text.numbers import number_formula
from ..text.tables import text_formula
from .columns import Point
from .layout import Box, text_width
from .palette import GREY, INK, PALE, SMALL, Swatch

MARGIN = 12.0
ARROW = 7.0  # the length of the head
INDEX = 0.75  # the size of an index, of that of its letter
SHIFTS = 0.3, 0.45  # how far it stands below or above the line
SWATCH = 17.0  # the height of a line of the legend

Anchor = Literal["start", "middle", "end"]
Legend = Sequence[tuple[str, Sequence[Swatch]]]


class Words(NamedTuple):
    """A run of text in one type.

    Attributes:
        rich: as rich text.
        formula: as LaTeX for math mode.
    """

    rich: str
    formula: str
    bold: bool = False
    size: float | None = None
    gap: float = 0.0


class Rectangle(NamedTuple):
    """A box, its corners rounded by a radius."""

    box: Box
    fill: str
    stroke: str
    radius: float = 0.0
    dashed: bool = False
    width: float = 1.0


class Circle(NamedTuple):
    """A disc with a border."""

    centre: Point
    radius: float
    fill: str


class Line(NamedTuple):
    """A line through points that is level, or upright when turned, at each; then straight on."""

    points: tuple[Point, ...]
    colour: str = GREY
    width: float = 1.0
    dashed: bool = False
    turned: bool = False
    then: Point | None = None


class Head(NamedTuple):
    """The head of an arrow, from the middle of its base to its tip; wider for a thicker line."""

    tip: Point
    back: Point
    colour: str = GREY
    width: float = 1.0

    @property
    def corners(self) -> tuple[Point, Point, Point]:
        """The tip, and both ends of the base."""
        spread = 0.4 + 0.07 * (self.width - 1)
        (x, y), (u, v) = self.back, ((b - t) * spread for b, t in zip(self.back, self.tip))
        return self.tip, (x - v, y + u), (x + v, y - u)


class Text(NamedTuple):
    """Words with their baseline at a place; rimmed in white where lines may pass below."""

    place: Point
    words: tuple[Words, ...]
    size: float
    anchor: Anchor = "start"
    colour: str = INK
    rimmed: bool = False


class Hinted(NamedTuple):
    """Shapes with a text that a browser shows where the mouse points."""

    hint: str
    shapes: tuple["Rectangle | Circle | Line | Head | Text", ...]


Shape = Rectangle | Circle | Line | Head | Text | Hinted


class Drawing(NamedTuple):
    """Shapes, the later ones above, and the size of the paper without its margin."""

    width: float
    height: float
    shapes: list[Shape]

    def flat(self) -> Iterator["Rectangle | Circle | Line | Head | Text"]:
        """The shapes, for paper, which knows no hints."""
        for shape in self.shapes:
            yield from shape.shapes if isinstance(shape, Hinted) else (shape,)


def words(text: str, **style: bool | float) -> tuple[Words, ...]:
    """A plain text, or a number.

    >>> words("-0.5")[0].formula, words("w > 0")[0].formula
    ('-0.5', '\\\\text{w }{>}\\\\text{ 0}')
    """
    return (Words(text, number_formula(text) or text_formula(text), **style),)  # type: ignore[arg-type]


def equation(name: Name, number: str) -> tuple[Words, ...]:
    """A name, and the number that it has, if any."""
    return (Words(name.rich, name.latex), *equals(number))


def equals(number: str) -> tuple[Words, ...]:
    """What says that something has a number; nothing if there is none."""
    formula = f"= {number_formula(number) or text_formula(number)}"
    return (Words(f"= {number}", formula, gap=2.0),) if number else ()


def bezier(points: Sequence[Point], turned: bool) -> Iterator[tuple[Point, Point, Point]]:
    """For each piece of a line its two control points, and its end.

    >>> list(bezier([(0, 0), (10, 4)], turned=False))
    [((5.0, 0), (5.0, 4), (10, 4))]
    """
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2 if turned else (x + u) / 2
        yield ((x, middle), (u, middle), (u, v)) if turned else ((middle, y), (middle, v), (u, v))


def drawing(width: float, height: float, shapes: Iterable[Shape], legend: Legend) -> Drawing:
    """Shapes with a legend below."""
    below: list[Shape] = []
    start = max((text_width(title, SMALL) for title, _ in legend), default=0.0) + 8
    for row, (title, swatches) in enumerate(legend):
        y = height + MARGIN + row * SWATCH
        below.append(Text((0.0, y + 12), words(title), SMALL, colour=GREY))
        x = start
        for swatch in swatches:
            breadth = text_width(swatch.text, SMALL) + 10
            if swatch.fill:
                below.append(Rectangle(Box(x, y, breadth, SWATCH - 2), swatch.fill, PALE))
                below.append(Text((x + breadth / 2, y + 12), words(swatch.text), SMALL, "middle"))
            else:
                below.append(Text((x + 5, y + 12), words(swatch.text), SMALL))
            x += breadth
        width = max(width, x)
    height += MARGIN + SWATCH * len(legend) if legend else 0.0
    return Drawing(width, height, [*shapes, *below])
