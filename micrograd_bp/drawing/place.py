"""A picture of a computation graph as shapes, by the layout of our own."""

from collections.abc import Sequence
from itertools import pairwise

from ..text.names import plain
from .columns import Item, Point
from .layout import Box, layered_layout, text_width
from .palette import GREY, INK, PALE, RED, SMALL, TEXT, TITLE
from .picture import Arrow, Card, Picture
from .shapes import (
    ARROW,
    Anchor,
    Drawing,
    Head,
    Line,
    Rectangle,
    Shape,
    Text,
    Words,
    drawing,
    words,
)

LINE = 15.0
PADDING = 8.0
PORT_GAP = 8.0  # between the arrows into one box
LABEL_LENGTH = 48.0  # of a straight end for an arrow, where its number stands
LABEL_HEIGHT = 12.0


def place_picture(picture: Picture) -> Drawing:
    """Lay out a picture."""
    turned = picture.rankdir == "TB"
    labelled = any(arrow.text for arrow in picture.arrows)
    edges = [
        (arrow.target, arrow.source) if arrow.is_back else (arrow.source, arrow.target)
        for arrow in picture.arrows
    ]
    arrivals = [0] * len(picture.cards)
    for _, target in edges:
        if isinstance(target, int):
            arrivals[target] += 1
    # An arrow ends in a straight piece, where its number stands: it is laid out as part of the box.
    straight = (2 * LABEL_HEIGHT if turned else LABEL_LENGTH) if labelled else ARROW + 1
    leads = [straight if number else 0.0 for number in arrivals]
    port_gap = (LABEL_LENGTH if turned else LABEL_HEIGHT) if labelled else PORT_GAP
    port_gap += max((arrow.width for arrow in picture.arrows), default=1.0) - 1
    sizes = [
        _card_size(card, (number + 1) * port_gap, turned)
        for card, number in zip(picture.cards, arrivals, strict=True)
    ]
    layout = layered_layout(
        [
            (width, height + lead) if turned else (width + lead, height)
            for (width, height), lead in zip(sizes, leads, strict=True)
        ],
        edges,
        [card.path for card in picture.cards],
        titles=[card.title if card.kind == "folded" else "" for card in picture.cards],
        rankdir=picture.rankdir,
    )
    shapes: list[Shape] = []
    for path, box in layout.clusters.items():
        shapes.append(Rectangle(box, "none", PALE, radius=6))
        place = (box.left + PADDING, box.top + 12)
        shapes.append(Text(place, words(path[-1]), SMALL, colour=GREY))
    texts: list[Shape] = []
    drawn: set[tuple[Item, float, Point, Point]] = set()
    for arrow, (_, end), route in zip(picture.arrows, edges, layout.routes, strict=True):
        lead = leads[end] if isinstance(end, int) else 0.0
        if arrow.is_back:
            shapes += _arrow_back(arrow, route, lead, turned)
            texts += _arrow_text(arrow.text, (route[0][0] + ARROW + 4, route[0][1] - 4), "start")
            continue
        # Arrows from one box share the beginning of their routes: it is drawn once.
        pieces = [(arrow.source, arrow.width, *piece) for piece in pairwise(route)]
        first = next((i for i, piece in enumerate(pieces) if piece not in drawn), 0)
        drawn.update(pieces)
        tip = _tip(route, lead, turned)
        shapes += _arrow(arrow, route[first:], tip, lead, turned)
        if turned:
            texts += _arrow_text(arrow.text, (tip[0] + 5, tip[1] - 9), "start")
        else:
            above = tip[1] - 2 - arrow.width / 2
            texts += _arrow_text(arrow.text, (tip[0] - ARROW - 1, above), "end")
    shapes += texts
    for card, box, lead in zip(picture.cards, layout.boxes, leads, strict=True):
        left, top, width, height = box
        if turned:
            top, height = top + lead, height - lead
        else:
            left, width = left + lead, width - lead
        shapes += _card(card, Box(left, top, width, height))
    return drawing(layout.width, layout.height, shapes, picture.legend)


def _card_size(card: Card, ports: float, turned: bool) -> tuple[float, float]:
    title = text_width(plain(card.title), TITLE) + text_width(f"  {card.note}", TEXT)
    rows = max(text_width(f"{name}   {text}", TEXT) for name, text in card.rows)
    width = max(title, rows, text_width(card.warning, TEXT), 84.0 - 2 * PADDING) + 2 * PADDING
    height = (1 + len(card.rows) + bool(card.warning)) * LINE + 10
    return (max(width, ports), height) if turned else (width, max(height, ports))


def _card(card: Card, box: Box) -> list[Shape]:
    radius = 8.0 if card.kind == "operation" else 0.0
    border, width = (RED, 2.5) if card.warning else (INK, 1.0)
    shapes: list[Shape] = []
    if card.kind == "folded":  # the edge of another card behind it
        behind = Box(box.left + 3, box.top - 3, box.width, box.height)
        shapes.append(Rectangle(behind, card.fill, GREY))
    shapes.append(Rectangle(box, card.fill, border, radius, card.kind == "constant", width))
    if card.is_root:
        inner = Box(box.left + 3, box.top + 3, box.width - 6, box.height - 6)
        shapes.append(Rectangle(inner, "none", border, radius * 0.6))
    middle, right = box.left + box.width / 2, box.left + box.width - PADDING
    lines = len(card.rows) + bool(card.warning)
    y = box.top + box.height / 2 - lines * LINE / 2 + 4
    title: tuple[Words, ...] = (Words(card.title, card.title_formula, bold=True),)
    if card.note:
        title += (Words(" ", r"\;"), Words(card.note, card.note_formula, size=TEXT, gap=3))
    shapes.append(Text((middle, y), title, TITLE, "middle"))
    if card.warning:
        y += LINE
        shapes.append(Text((middle, y), words(card.warning, bold=True), TEXT, "middle", colour=RED))
    for name, text in card.rows:
        y += LINE
        shapes.append(Text((box.left + PADDING, y), words(name), TEXT))
        shapes.append(Text((right, y), words(text), TEXT, "end"))
    return shapes


def _tip(route: Sequence[Point], lead: float, turned: bool) -> Point:
    x, y = route[-1]
    return (x, y + lead) if turned else (x + lead, y)


def _arrow(
    arrow: Arrow, route: Sequence[Point], tip: Point, lead: float, turned: bool
) -> list[Shape]:
    back = (tip[0], tip[1] - ARROW) if turned else (tip[0] - ARROW, tip[1])
    points = (*route, back) if lead else (*route[:-1], back)
    return [
        Line(points, width=arrow.width, turned=turned),
        Head(tip, back, width=arrow.width),
    ]


def _arrow_back(arrow: Arrow, route: Sequence[Point], lead: float, turned: bool) -> list[Shape]:
    """An arrow against the direction of the others: its head is where the route starts."""
    x, y = route[0]
    back = (x, y + ARROW) if turned else (x + ARROW, y)
    points = (back, *route[1:], _tip(route, lead, turned))
    return [
        Line(points, width=arrow.width, dashed=True, turned=turned),
        Head((x, y), back, width=arrow.width),
    ]


def _arrow_text(text: str, place: Point, anchor: Anchor) -> list[Shape]:
    """The number on an arrow, with a white rim, for other lines may pass below it."""
    return [Text(place, words(text), SMALL, anchor, rimmed=True)] if text else []
