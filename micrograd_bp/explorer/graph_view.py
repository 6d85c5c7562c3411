"""The computation graph as SVG: a card a node, an arrow an operand.

The picture shows the end of the backward pass, and so is complete where no script runs.
"""

from collections.abc import Sequence

from ..drawing.layout import Box, layered_layout, text_width
from ..drawing.palette import TIMES
from ..drawing.svg import svg_rich
from ..text.names import clean, plain
from ..text.numbers import scripted
from .description import Node
from .svg_parts import PICTURED, curve, element, picture, text_at

LINE = 17.0
PADDING = 8.0
NARROWEST = 130.0  # room for a bold number beside "grad"
LEAD = 62.0  # the straight end of an arrow, where its local derivative stands
PORT_GAP = 16.0  # between the arrows into one card
HEAD = 7.0


def graph_view(nodes: Sequence[Node]) -> str:
    """Draw the graph.

    Args:
        nodes: the nodes in topological order, the root last.

    >>> from micrograd_bp import Value
    >>> from .description import describe
    >>> x = Value(3.0, "x")
    >>> graph_view(describe([x, x * x])).count('class="edge"')
    2
    """
    leads = [LEAD if node.parents else 0.0 for node in nodes]
    layout = layered_layout(
        [
            (_width(node) + lead, max(_height(node), PORT_GAP * (len(node.parents) + 1)))
            for node, lead in zip(nodes, leads, strict=True)
        ],
        [(parent, i) for i, node in enumerate(nodes) for parent in node.parents],
        [node.path for node in nodes],
    )
    elements = []
    for path, box in layout.clusters.items():
        left, top, width, height = box
        elements.append(
            element("rect", x=left, y=top, width=width, height=height, rx=6, class_="scope")
        )
        elements.append(
            text_at((left + PADDING, top + 14), svg_rich(clean(path[-1])), class_="small")
        )
    routes = iter(layout.routes)
    labels = []
    for i, (node, lead) in enumerate(zip(nodes, leads, strict=True)):
        for slot, local in enumerate(node.local_derivatives):
            route = next(routes)
            x, y = route[-1][0] + lead, route[-1][1]
            parts = [
                curve([*route, (x - HEAD, y)], class_="line"),
                element("path", d=f"M{x:.1f},{y:.1f}l-{HEAD:g},-4v8z", class_="head"),
            ]
            elements.append(element("g", "".join(parts), class_="edge", data_edge=f"{i} {slot}"))
            labels.append(
                text_at(
                    (x - HEAD - 2, y - 3),
                    f"{TIMES}{scripted(local, PICTURED)}",
                    class_="local",
                    text_anchor="end",
                    data_edge=f"{i} {slot}",
                )
            )
    elements += labels
    for i, (node, box, lead) in enumerate(zip(nodes, layout.boxes, leads, strict=True)):
        elements.append(_card(i, node, box._replace(left=box.left + lead, width=box.width - lead)))
    label = f"Computation graph of {plain(nodes[-1].name)}, {len(nodes)} nodes"
    return picture("graph", label, layout.width, layout.height, elements)


def _width(node: Node) -> float:
    beside = node.symbol if node.kind == "operation" else "-1.23456"
    return max(NARROWEST, text_width(f"{plain(node.name)}  {beside}", 14.0) + 2 * PADDING)


def _height(node: Node) -> float:
    return LINE * (3 if node.kind == "operation" else 2) + 11


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
