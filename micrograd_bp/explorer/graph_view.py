"""The computation graph as SVG: a card a node or a fold of nodes, an arrow an operand.

The picture shows the end of the backward pass, and so is complete where no script runs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..drawing.columns import Path
from ..drawing.layout import Box, layered_layout, text_width
from ..drawing.palette import TIMES
from ..drawing.picture import Arrow
from ..drawing.svg import svg_rich
from ..text.names import clean, plain
from ..text.numbers import scripted
from .description import Node
from .svg_parts import PICTURED, curve, element, picture, text_at

LINE = 17.0
PADDING = 8.0
NARROWEST = 130.0  # room for a bold number beside "grad"
NARROWEST_FOLD = 180.0  # room for "max |grad|" and a number
LEAD = 62.0  # the straight end of an arrow, where its local derivative stands
PORT_GAP = 16.0  # between the arrows into one card
HEAD = 7.0


class Part(NamedTuple):
    """What a card of the picture stands for: a node, or a fold of many.

    Attributes:
        nodes: by their place in the topological order.
        fold: the number of the fold; -1 for a node.
        title: of a fold, as rich text.
        path: the scopes around it, the outermost first.
    """

    nodes: Sequence[int]
    fold: int = -1
    title: str = ""
    path: Path = ()


def graph_view(nodes: Sequence[Node], parts: Sequence[Part], arrows: Sequence[Arrow]) -> str:
    """Draw the graph.

    Args:
        nodes: those of the graph in topological order, the root last.
        parts: the cards.
        arrows: between the parts, those into one in the order of its operands.

    >>> from micrograd_bp import Value
    >>> from .description import describe
    >>> x = Value(3.0, "x")
    >>> parts, arrow = [Part([0]), Part([1])], Arrow(0, 1, "", 1)
    >>> graph_view(describe([x, x * x]), parts, [arrow, arrow]).count('class="edge"')
    2
    """
    ends = [(a.target, a.source) if a.is_back else (a.source, a.target) for a in arrows]
    arriving = Counter(target for _, target in ends)
    leads = [LEAD if arriving[i] else 0.0 for i in range(len(parts))]
    sizes = [size_of(nodes, part, arriving[i]) for i, part in enumerate(parts)]
    layout = layered_layout(
        [(width + lead, height) for (width, height), lead in zip(sizes, leads, strict=True)],
        ends,
        [part.path for part in parts],
        titles=[part.title for part in parts],
    )
    elements = []
    for path, (left, top, width, height) in layout.clusters.items():
        elements.append(
            element("rect", x=left, y=top, width=width, height=height, rx=6, class_="scope")
        )
        elements.append(
            text_at((left + PADDING, top + 14), svg_rich(clean(path[-1])), class_="small")
        )
    cards = {k: part.nodes[0] for k, part in enumerate(parts) if part.fold < 0}
    slots = {k: _slots(nodes, i, {*cards.values()}) for k, i in cards.items()}
    labels = []
    for arrow, (source, target), route in zip(arrows, ends, layout.routes, strict=True):
        lead = leads[target] if isinstance(target, int) else 0.0
        x, y = route[-1][0] + lead, route[-1][1]
        edge: dict[str, str] = {}
        if source in cards and isinstance(target, int) and target in cards:
            i, slot = next(slots[target])
            edge = {"data_edge": f"{i} {slot}"}
            text = f"{TIMES}{scripted(nodes[i].local_derivatives[slot], PICTURED)}"
            end = (x - HEAD - 2, y - 3)
            labels.append(text_at(end, text, class_="local", text_anchor="end", **edge))
        wide = {"stroke_width": arrow.width} if arrow.number > 1 else {}
        lines = [
            curve([*route, (x - HEAD, y)], class_="line", **wide),
            element("path", d=f"M{x:.1f},{y:.1f}l-{HEAD:g},-4v8z", class_="head"),
        ]
        elements.append(element("g", "".join(lines), class_="edge", **edge))
    elements += labels
    for part, box, lead in zip(parts, layout.boxes, leads, strict=True):
        place = box._replace(left=box.left + lead, width=box.width - lead)
        if part.fold < 0:
            elements.append(_card(part.nodes[0], nodes[part.nodes[0]], place))
        else:
            elements.append(_fold(part, place))
    label = f"Computation graph of {plain(nodes[-1].name)}, {len(nodes)} nodes"
    return picture("graph", label, layout.width, layout.height, elements)


def size_of(nodes: Sequence[Node], part: Part, arriving: int) -> tuple[float, float]:
    """The width and height of a card into which so many arrows run."""
    ports = PORT_GAP * (arriving + 1)
    if part.fold < 0:
        node = nodes[part.nodes[0]]
        return _width(node), max(_height(node), ports)
    width = text_width(plain(part.title), 14.0) + 2 * PADDING
    return max(NARROWEST_FOLD, width), max(3 * LINE + 11, min(ports, 200.0))


def _slots(nodes: Sequence[Node], i: int, single: set[int]) -> Iterator[tuple[int, int]]:
    """The operands of a node that have cards of their own."""
    return ((i, slot) for slot, parent in enumerate(nodes[i].parents) if parent in single)


def _width(node: Node) -> float:
    beside = node.symbol if node.kind == "operation" else "-1.23456"
    return max(NARROWEST, text_width(f"{plain(node.name)}  {beside}", 14.0) + 2 * PADDING)


def _height(node: Node) -> float:
    return LINE * (3 if node.kind == "operation" else 2) + 11


def _fold(part: Part, box: Box) -> str:
    left, top, width, height = box
    texts = [
        text_at((left + PADDING, top + LINE + 2), svg_rich(part.title), class_="name"),
        text_at((left + PADDING, top + 2 * LINE + 2), f"{len(part.nodes)} nodes", class_="small"),
        text_at((left + PADDING, top + 3 * LINE + 2), "", class_="now small"),
    ]
    behind = element("rect", x=left + 4, y=top - 4, width=width, height=height, class_="behind")
    front = element("rect", x=left, y=top, width=width, height=height, class_="box")
    content = behind + front + "".join(texts)
    return element("g", content, class_="node fold", data_nodes="", data_fold=part.fold)


def _card(number: int, node: Node, box: Box) -> str:
    left, right = box.left + PADDING, box.left + box.width - PADDING
    top = box.top + (box.height - _height(node)) / 2
    title = f'<tspan class="name">{svg_rich(node.name)}</tspan>'
    if node.name == scripted(node.data):  # which stands beside
        title = '<tspan class="small">constant</tspan>'
    grad = svg_rich(node.grad_name) if node.has_delta else "grad"
    rows = [
        element(
            "rect",
            x=box.left,
            y=box.top,
            width=box.width,
            height=box.height,
            rx=0 if node.kind == "leaf" else 9,
            class_="box",
        ),
        text_at((left, top + LINE + 2), title),
    ]
    data = top + LINE + 2  # beside the name of a leaf, below that of an operation
    if node.kind == "operation":
        data += LINE
        rows += [
            text_at(
                (right, top + LINE + 2), svg_rich(node.symbol), class_="small", text_anchor="end"
            ),
            text_at((left, data), "data", class_="small"),
        ]
    rows += [
        _number(right, data, number, node.data, "data"),
        text_at((left, data + LINE), grad, class_="small"),
        _number(right, data + LINE, number, node.grad, "grad"),
    ]
    return element("g", "".join(rows), class_=f"node {node.kind}", data_nodes=number)


def _number(right: float, y: float, node: int, number: float, name: str) -> str:
    return element(
        "text",
        scripted(number, PICTURED),
        x=right,
        y=y,
        text_anchor="end",
        **{f"data_{name}": node},
    )
