"""Pictures of a computation graph, and of a network as the book draws it.

``draw`` shows the graph: a box a node, an arrow an operand, so that x * x has two arrows. A grad is
shown as "—" until a backward pass has reached the node, never as a zero that was not computed.
``draw_network`` shows the diagram of a multilayer perceptron (Bishop & Bishop, Deep Learning, 2024,
section 6.2): units with a_j, z_j and delta_j = dE/da_j, and on each connection w and dE/dw.
Both return a ``Graph``: SVG for the eye and DOT source for Graphviz, the same bytes in every run.
"""

import re
from collections.abc import Callable, Iterable, Sequence, Set
from functools import cached_property
from html import escape
from itertools import cycle, pairwise
from math import hypot
from os import PathLike
from pathlib import Path as FilePath
from typing import Any, Literal, NamedTuple

from .engine import Value, topological_order
from .layout import Box, Path, Point, layered_layout, text_width
from .nn import MLP, Layer, Neuron, weight_label
from .numeric import show

MAX_NODES = 1000  # what a reader, and Graphviz, can still make out
MAX_WEIGHTS = 500
MAX_TEXT = 60  # characters of a label
NO_GRAD = "—"
ZERO_WIDTH_JOINER = "\u200d"  # not printable, and yet part of many emoji
FONT = "Helvetica,Arial,sans-serif"
INK, GREY, PALE = "#222222", "#666666", "#bbbbbb"
BLUE, ORANGE = "#0072b2", "#b35c00"  # told apart by colour-blind readers (after Okabe & Ito)


class Graph:
    """A picture that shows itself in a notebook.

    Attributes:
        dot: the picture as DOT source, for Graphviz.
    """

    def __init__(self, dot: str, draw_svg: Callable[[], str], summary: str) -> None:
        self.dot = dot
        self._draw_svg = draw_svg
        self._summary = summary

    def __repr__(self) -> str:
        return self._summary

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, an element ``<svg>`` that stands alone or inside HTML."""
        return self._draw_svg()

    def save(self, path: str | PathLike[str]) -> FilePath:
        """Write the picture to a file.

        Args:
            path: a file name that ends in .svg, .dot, .png or .pdf.

        Returns:
            The path of the file.

        Raises:
            ValueError: the name ends otherwise.
            RuntimeError: .png and .pdf need Graphviz's program ``dot``, and it does not run.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Value(2.0) * 3.0).save(folder + "/product.svg").name
        'product.svg'
        """
        path = FilePath(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.svg.encode()
        elif suffix == ".dot":
            content = self.dot.encode()
        elif suffix in (".png", ".pdf"):
            content = _run_dot(self.dot, suffix[1:])
        else:
            raise ValueError(f"cannot save {str(path)!r}: need a name in .svg, .dot, .png or .pdf")
        path.write_bytes(content)
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"text/plain": repr(self), "image/svg+xml": self.svg}
        except Exception as error:  # a notebook shows the reason in place of the picture
            return {"text/plain": f"{self!r}\nno picture: {error}"}


def draw(
    root: Value | Iterable[Value],
    *,
    edges: Literal["local", "contribution"] | None = None,
    rankdir: Literal["LR", "TB"] = "LR",
    engine: Literal["dot", "builtin"] | None = None,
    max_nodes: int = MAX_NODES,
) -> Graph:
    """Draw the computation graph of a Value, as it is now.

    Args:
        root: a Value, or several that are to share one picture.
        edges: what to write on each arrow: "local", the local derivative; "contribution", that
            times the grad at the arrow's head, which is what the arrow brings back: the grad of a
            node is the sum over its outgoing arrows, once all its consumers are in the picture.
        rankdir: "LR" draws from left to right, "TB" from top to bottom.
        engine: who places the boxes: Graphviz's program "dot", or the "builtin" layout; by default
            dot if it is installed and runs.
        max_nodes: the largest number of nodes to draw.

    Returns:
        The picture, with the numbers of this moment.

    Raises:
        TypeError: root is no Value.
        ValueError: there is no root, there are more than max_nodes nodes, or an option is unknown.

    >>> x = Value(3.0, label="x")
    >>> graph = draw(x * x)
    >>> graph
    <Graph of 2 nodes and 2 edges>
    >>> graph.dot.count("n0 -> n1")
    2
    """
    _check_option("edges", edges, (None, "local", "contribution"))
    _check_option("rankdir", rankdir, ("LR", "TB"))
    _check_option("engine", engine, (None, "dot", "builtin"))
    roots = _roots(root)
    order = _drawn_nodes(roots, max_nodes)
    number = {node: i for i, node in enumerate(order)}
    picture = _Picture(
        [_node(node, node in roots) for node in order],
        [
            _Edge(number[parent], number[node], _edge_text(edges, local, node))
            for node in order
            for parent, local in zip(node.parents, node.local_derivatives, strict=True)
        ],
        rankdir,
    )
    dot = _graph_dot(picture)
    summary = f"<Graph of {len(picture.nodes)} nodes and {len(picture.edges)} edges>"
    return Graph(dot, lambda: _graph_svg(picture, dot, engine), summary)


def draw_network(mlp: MLP, root: Value | None = None, *, max_weights: int = MAX_WEIGHTS) -> Graph:
    """Draw a multilayer perceptron as the book does: a circle a unit, a line a weight.

    Args:
        mlp: the network.
        root: a Value computed from the network's outputs, such as the error E. With it the units
            show x_i, a_j, z_j, y_k and delta_j, the grad of the node a_j, of the forward pass that
            root was computed from: the last one, if there are several. Without it the picture shows
            the weights alone.
        max_weights: the largest number of weights to draw.

    Returns:
        The picture, with the numbers of this moment.

    Raises:
        TypeError: mlp is no MLP, or root no Value.
        ValueError: root was not computed from the outputs of mlp, or there are more than
            max_weights weights.

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
    number = len(mlp.parameters())
    if number > max_weights:
        raise ValueError(
            f"a network of {number} weights is too large to read, the limit is {max_weights}: draw"
            f" a smaller one, or allow more with max_weights={number}"
        )
    diagram = _diagram(mlp, None if root is None else _forward_pass(mlp, root))
    sizes = "-".join(str(size) for size in _layer_sizes(mlp))
    summary = f"<Graph of a network {sizes} with {number} weights>"
    return Graph(_diagram_dot(diagram), lambda: _diagram_svg(diagram), summary)


# --- what is on the picture of a graph ------------------------------------------------------------


class _Node(NamedTuple):
    title: str
    note: str  # the operation, where the title is a label
    data: str
    grad: str
    kind: Literal["leaf", "constant", "operation"]
    is_root: bool
    path: Path


class _Edge(NamedTuple):
    source: int
    target: int
    text: str


class _Picture(NamedTuple):
    nodes: list[_Node]
    edges: list[_Edge]
    rankdir: str


class _Style(NamedTuple):
    fill: str
    border: str
    rounded: bool = False
    dashed: bool = False


STYLES = {
    "leaf": _Style("#e3eff8", BLUE),
    "constant": _Style("#f3f3f3", GREY, dashed=True),
    "operation": _Style("#ffffff", INK, rounded=True),
}
ROOT_FILL = "#fdf0da"


def format_number(number: float) -> str:
    """Four significant digits, and a zero without sign.

    >>> format_number(-0.123456), format_number(-0.0), format_number(float("nan"))
    ('-0.1235', '0', 'nan')
    """
    return f"{number + 0.0:.4g}"


def _format_grad(node: Value) -> str:
    return format_number(node.grad) if node.has_grad else NO_GRAD


def _clean(text: str) -> str:
    """One line of printable characters, not too long."""
    line = " ".join(text.split())
    if len(line) > MAX_TEXT:
        line = line[: MAX_TEXT - 1] + "…"
    return "".join(c if c.isprintable() or c == ZERO_WIDTH_JOINER else "\ufffd" for c in line)


def _check_option(name: str, option: object, known: Sequence[object]) -> None:
    if option not in known:
        raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, not {show(option)}")


def _roots(root: object) -> dict[Value, None]:
    if isinstance(root, Value):
        return {root: None}
    needed = "draw needs a Value, such as the error E, or a list of Values"
    if not isinstance(root, Iterable) or isinstance(root, (str, Set)):  # a set has no order
        raise TypeError(f"{needed}, not {show(root)}; for a network there is draw_network")
    roots = list(root)
    for each in roots:
        if not isinstance(each, Value):
            raise TypeError(f"{needed}, and in the list is {show(each)}")
    if not roots:
        raise ValueError("draw needs at least one Value, and the list is empty")
    return dict.fromkeys(roots)


def _drawn_nodes(roots: Iterable[Value], max_nodes: int) -> list[Value]:
    order: dict[Value, None] = {}
    for root in roots:
        if root not in order:
            order.update(dict.fromkeys(topological_order(root)))
    if len(order) > max_nodes:
        raise ValueError(
            f"a graph of {len(order)} nodes is too large to read, the limit is {max_nodes}: draw a"
            f" part of it, such as an interior node, or allow more with max_nodes={len(order)}"
        )
    return list(order)


def _node(node: Value, is_root: bool) -> _Node:
    label, operation = _clean(node.label), node.operation
    symbol = _clean(operation.symbol) if operation else "leaf"
    kind: Literal["leaf", "constant", "operation"] = "operation"
    if operation is None or operation.name == "constant":
        kind = "constant" if operation else "leaf"
    return _Node(
        title=label or symbol,
        note=symbol if label and kind == "operation" else "",
        data=format_number(node.data),
        grad=_format_grad(node),
        kind=kind,
        is_root=is_root,
        path=tuple(_clean(name) for name in node.scope.split("/") if name.strip()),
    )


def _edge_text(edges: str | None, local_derivative: float, node: Value) -> str:
    if edges is None:
        return ""
    if edges == "local":
        return format_number(local_derivative)
    if not node.has_grad:
        return NO_GRAD
    # As in the backward pass a zero adjoint contributes zero, whatever it meets.
    return format_number(local_derivative * node.grad if node.grad else 0.0)


# --- Graphviz -------------------------------------------------------------------------------------


def _dot_is_installed() -> bool:
    import shutil  # only here: it would slow down the import of the package

    return shutil.which("dot") is not None


def _run_dot(source: str, form: str) -> bytes:
    """What Graphviz's program makes of DOT source."""
    if not _dot_is_installed():
        raise RuntimeError(
            f"{form} pictures need Graphviz's program dot, and it is not on the PATH: install"
            " Graphviz (https://graphviz.org/download), or save as .svg or .dot"
        )
    import graphviz  # only here: the rest of the package does without

    try:
        return bytes(graphviz.pipe("dot", form, source.encode(), quiet=True))
    except (OSError, graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise RuntimeError(
            f"Graphviz's program dot does not run ({error}): save as .svg or .dot, or draw with"
            ' engine="builtin"'
        ) from error


def _graph_svg(picture: _Picture, dot: str, engine: str | None) -> str:
    if engine == "builtin" or (engine is None and not _dot_is_installed()):
        return _builtin_svg(picture)
    try:
        svg = _run_dot(dot, "svg").decode()
    except RuntimeError:
        if engine == "dot":
            raise
        return _builtin_svg(picture)
    svg = svg[svg.index("<svg") :]  # what stands before it names the version of Graphviz
    return re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)


def _dot_text(text: str) -> str:
    """Text inside one of DOT's HTML-like labels, where a backslash would be an escape."""
    return escape(text).replace("\\", "\\\\")


def _graph_dot(picture: _Picture) -> str:
    lines = [
        "digraph {",
        f'  graph [rankdir={picture.rankdir}, bgcolor=white, fontname="{FONT}", fontsize=10,'
        f' fontcolor="{GREY}", nodesep=0.2, ranksep=0.45];',
        f'  node [shape=box, margin="0.08,0.04", fontname="{FONT}", fontsize=11,'
        f' fontcolor="{INK}"];',
        f'  edge [arrowsize=0.6, color="{GREY}", fontname="{FONT}", fontsize=9,'
        f' fontcolor="{ORANGE}"];',
    ]
    lines += _dot_clusters(picture.nodes)
    lines += [f"  n{a} -> n{b} [style=invis];" for a, b in _held_back(picture)]
    for source, target, text in picture.edges:
        label = f" [label=<&#160;{_dot_text(text)}&#160;>]" if text else ""
        lines.append(f"  n{source} -> n{target}{label};")
    return "\n".join([*lines, "}", ""])


def _held_back(picture: _Picture) -> list[tuple[int, int]]:
    """Pairs (operand, leaf): a leaf of a scope is not to stand before what enters the scope.

    Else dot puts the weights of one layer of a network beside the layer before, and the layers one
    above the other. The leaf's first consumer has both as operands, so no cycle arises.
    """
    operands: dict[int, list[int]] = {}
    first_consumers: dict[int, int] = {}
    for source, target, _ in picture.edges:
        operands.setdefault(target, []).append(source)
        first_consumers.setdefault(source, target)
    pairs: list[tuple[int, int]] = []
    for consumer, sources in operands.items():
        scope = picture.nodes[consumer].path[:1]
        entering = [i for i in sources if picture.nodes[i].path[:1] != scope]
        leaves = [
            i
            for i in dict.fromkeys(sources)
            if first_consumers[i] == consumer
            and i not in operands
            and picture.nodes[i].path[:1] == scope
        ]
        if scope and entering:
            pairs += zip(cycle(entering), leaves)
    return pairs


def _dot_clusters(nodes: list[_Node]) -> list[str]:
    """The nodes, those of a scope inside its cluster."""
    members: dict[Path, dict[int | Path, None]] = {(): {}}
    for i, node in enumerate(nodes):
        for depth in range(len(node.path)):
            members.setdefault(node.path[:depth], {})[node.path[: depth + 1]] = None
        members.setdefault(node.path, {})[i] = None
    numbers = {path: i for i, path in enumerate(members)}
    lines: list[str] = []
    stack: list[int | Path | str] = list(reversed(members[()]))
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, int):
            lines.append(f"  n{item} {_dot_node(nodes[item])};")
        else:
            lines.append(f"  subgraph cluster_{numbers[item]} {{")
            lines.append(f'  graph [label=<{_dot_text(item[-1])}>, style=rounded, color="{PALE}"];')
            stack += ["  }", *reversed(members[item])]
    return lines


def _dot_node(node: _Node) -> str:
    style = STYLES[node.kind]
    styles = ["filled", *["rounded"] * style.rounded, *["dashed"] * style.dashed]
    note = f'&#160;&#160;<FONT COLOR="{GREY}">{_dot_text(node.note)}</FONT>' if node.note else ""
    rows = "".join(
        f'<TR><TD ALIGN="LEFT"><FONT COLOR="{GREY}">{name}&#160;</FONT></TD>'
        f'<TD ALIGN="RIGHT">{text}</TD></TR>'
        for name, text in (("data", node.data), ("grad", node.grad))
    )
    label = (
        '<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1"><TR><TD COLSPAN="2">'
        f"<B>{_dot_text(node.title)}</B>{note}</TD></TR>{rows}</TABLE>"
    )
    fill, border = (ROOT_FILL, ORANGE) if node.is_root else (style.fill, style.border)
    return (
        f'[label=<{label}>, style="{",".join(styles)}", fillcolor="{fill}", color="{border}",'
        f" peripheries={1 + node.is_root}]"
    )


# --- SVG of our own -------------------------------------------------------------------------------

MARGIN = 12.0
LINE = 15.0
ARROW = 7.0
PORT_GAP = 8.0  # between the arrows into one box
LABEL_LENGTH = 52.0  # of a straight end for an arrow, where its number stands
LABEL_HEIGHT = 12.0


def _svg(width: float, height: float, elements: Iterable[str]) -> str:
    w, h = f"{width + 2 * MARGIN:.0f}", f"{height + 2 * MARGIN:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}"'
            f' viewBox="0 0 {w} {h}" font-family="{FONT}">',
            f'<rect width="{w}" height="{h}" fill="white"/>',
            f'<g transform="translate({MARGIN:.0f},{MARGIN:.0f})">',
            *elements,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _svg_text(
    x: float, y: float, content: str, size: float, anchor: str = "start", **attributes: str
) -> str:
    """Text with its baseline at y; the content is XML already."""
    rest = "".join(f' {name.replace("_", "-")}="{text}"' for name, text in attributes.items())
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"{rest}>'
        f"{content}</text>"
    )


def _svg_box(box: Box, fill: str, stroke: str, radius: float = 0.0, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="4,3"' if dashed else ""
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{radius:g}" fill="{fill}" stroke="{stroke}"{dashes}/>'
    )


def _arrowhead(tip: Point, back: Point) -> str:
    """A triangle from the middle of its base to its tip."""
    (x, y), (u, v) = tip, ((back[0] - tip[0]) * 0.4, (back[1] - tip[1]) * 0.4)
    points = (
        f"{x:.1f},{y:.1f} {back[0] - v:.1f},{back[1] + u:.1f} {back[0] + v:.1f},{back[1] - u:.1f}"
    )
    return f'<polygon points="{points}" fill="{GREY}"/>'


def _builtin_svg(picture: _Picture) -> str:
    """The picture of a graph by the built-in layout."""
    turned = picture.rankdir == "TB"
    labelled = any(edge.text for edge in picture.edges)
    arrivals = [0] * len(picture.nodes)
    for edge in picture.edges:
        arrivals[edge.target] += 1
    # An arrow ends in a straight piece, where its number stands: it is laid out as part of the box.
    straight = (2 * LABEL_HEIGHT if turned else LABEL_LENGTH) if labelled else ARROW + 1
    leads = [straight if arrivals[i] else 0.0 for i in range(len(picture.nodes))]
    port_gap = (LABEL_LENGTH if turned else LABEL_HEIGHT) if labelled else PORT_GAP
    sizes = [
        _node_size(node, (number + 1) * port_gap, turned)
        for node, number in zip(picture.nodes, arrivals, strict=True)
    ]
    layout = layered_layout(
        [
            (width, height + lead) if turned else (width + lead, height)
            for (width, height), lead in zip(sizes, leads, strict=True)
        ],
        [(edge.source, edge.target) for edge in picture.edges],
        [node.path for node in picture.nodes],
        rankdir=picture.rankdir,
    )
    elements = []
    for path, box in layout.clusters.items():
        elements.append(_svg_box(box, "none", PALE, radius=6))
        elements.append(_svg_text(box.left + 8, box.top + 13, escape(path[-1]), 10, fill=GREY))
    drawn: set[tuple[int, Point, Point]] = set()
    for edge, route in zip(picture.edges, layout.routes, strict=True):
        # Edges from one box share the beginning of their routes: it is drawn once.
        pieces = [(edge.source, *piece) for piece in pairwise(route)]
        first = next((i for i, piece in enumerate(pieces) if piece not in drawn), 0)
        drawn.update(pieces)
        elements += _svg_edge(route[first:], leads[edge.target], edge.text, turned)
    for node, box, lead in zip(picture.nodes, layout.boxes, leads, strict=True):
        left, top, width, height = box
        if turned:
            top, height = top + lead, height - lead
        else:
            left, width = left + lead, width - lead
        elements += _svg_node(node, Box(left, top, width, height))
    return _svg(layout.width, layout.height, elements)


def _node_size(node: _Node, ports: float, turned: bool) -> tuple[float, float]:
    title = text_width(node.title, 12) + text_width(f"  {node.note}", 11)
    rows = text_width("data  ", 11) + max(text_width(t, 11) for t in (node.data, node.grad))
    width, height = max(title, rows, 64.0) + 16, 3 * LINE + 10
    return (max(width, ports), height) if turned else (width, max(height, ports))


def _svg_node(node: _Node, box: Box) -> list[str]:
    style = STYLES[node.kind]
    fill, border = (ROOT_FILL, ORANGE) if node.is_root else (style.fill, style.border)
    radius = 8.0 if style.rounded else 0.0
    elements = [_svg_box(box, fill, border, radius, style.dashed)]
    if node.is_root:
        inner = Box(box.left + 3, box.top + 3, box.width - 6, box.height - 6)
        elements.append(_svg_box(inner, "none", border, radius * 0.6))
    middle, right = box.left + box.width / 2, box.left + box.width - 8
    y = box.top + box.height / 2 - LINE / 2 - 3
    title = f'<tspan font-weight="bold">{escape(node.title)}</tspan>'
    if node.note:
        title += f' <tspan dx="3" font-size="11" fill="{GREY}">{escape(node.note)}</tspan>'
    elements.append(_svg_text(middle, y, title, 12, "middle", fill=INK))
    for row, (name, number) in enumerate((("data", node.data), ("grad", node.grad)), start=1):
        elements.append(_svg_text(box.left + 8, y + row * LINE, name, 11, fill=GREY))
        elements.append(_svg_text(right, y + row * LINE, number, 11, "end", fill=INK))
    return elements


def _svg_edge(route: list[Point], lead: float, text: str, turned: bool) -> list[str]:
    x, y = route[-1]
    tip = (x, y + lead) if turned else (x + lead, y)
    back = (tip[0], tip[1] - ARROW) if turned else (tip[0] - ARROW, tip[1])
    elements = [
        f'<path d="{_curve([*route, back], turned)}" fill="none" stroke="{GREY}"/>',
        _arrowhead(tip, back),
    ]
    if text and turned:
        elements.append(_svg_text(tip[0] + 4, tip[1] - 8, text, 9, fill=ORANGE))
    elif text:
        elements.append(_svg_text(back[0] - 1, tip[1] - 2, text, 9, "end", fill=ORANGE))
    return elements


def _curve(points: Sequence[Point], turned: bool) -> str:
    """A path through points that is level (upright, when turned) at each of them."""
    commands = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2 if turned else (x + u) / 2
        if turned:
            commands.append(f"C{x:.1f},{middle:.1f} {u:.1f},{middle:.1f} {u:.1f},{v:.1f}")
        else:
            commands.append(f"C{middle:.1f},{y:.1f} {middle:.1f},{v:.1f} {u:.1f},{v:.1f}")
    return " ".join(commands)


# --- the diagram of a network ---------------------------------------------------------------------

RADIUS = 46.0
BIAS_RADIUS = 24.0
UNIT_GAP = 22.0
HEADER = 36.0
SLOT = 32.0  # the height of the inscription on one connection: a line with text above and below
SLOT_LENGTH = 96.0


_Quantities = list[tuple[str, str]]  # (name, number), or (name, "") where there is no number


class _Unit(NamedTuple):
    centre: Point
    radius: float
    quantities: _Quantities


class _Wire(NamedTuple):
    """A connection: from a unit to the left end of its slot, along it, and on to a unit."""

    source: int
    target: int
    slot: Point
    name: str
    weight: str
    grad: str


class _Diagram(NamedTuple):
    width: float
    height: float
    headers: list[tuple[float, str]]
    units: list[_Unit]
    wires: list[_Wire]


class _Pass(NamedTuple):
    """The nodes of one forward pass: (a_j, z_j) a unit, None where root does not depend on it."""

    inputs: Sequence[Value]
    layers: list[list[tuple[Value, Value] | None]]


def _forward_pass(mlp: MLP, root: Value) -> _Pass:
    """Find the last forward pass of the network in the graph of root."""
    order = topological_order(root)
    outputs = mlp.layers[-1].neurons
    found = [node for node in order if any(_is_pre_activation(node, unit) for unit in outputs)]
    if not found:
        raise _not_computed(root)
    z = _inputs(found[-1])
    layers: list[list[tuple[Value, Value] | None]] = [[]]
    for unit in outputs:
        of_unit = [a for a in found if _is_pre_activation(a, unit) and _inputs(a) == z]
        layers[0].append((of_unit[-1], _activation_of(of_unit[-1], order)) if of_unit else None)
    for layer in reversed(mlp.layers[:-1]):
        pre_activations = [
            _pre_activation_of(activation, unit, root)
            for activation, unit in zip(z, layer.neurons, strict=True)
        ]
        layers.insert(0, list(zip(pre_activations, z, strict=True)))
        z = _inputs(pre_activations[0])
    return _Pass(z, layers)


def _not_computed(root: Value) -> ValueError:
    return ValueError(
        f"{show(root)} was not computed from the outputs of this network: draw_network needs a"
        " Value such as the error of mlp(inputs), recorded outside no_grad"
    )


def _is_pre_activation(node: Value, neuron: Neuron) -> bool:
    return node.operation is not None and (
        node.operation.name == "dot" and node.parents[: len(neuron.w)] == tuple(neuron.w)
    )


def _inputs(pre_activation: Value) -> tuple[Value, ...]:
    """The inputs of a ``dot`` node, whose parents are the weights, the inputs and the bias."""
    number = len(pre_activation.parents) // 2
    return pre_activation.parents[number : 2 * number]


def _activation_of(a: Value, order: list[Value]) -> Value:
    """The last node that the unit's own scope computes from a: a itself for a linear unit."""
    reached = {a}
    z = a
    for node in order:
        if node.scope == a.scope and not reached.isdisjoint(node.parents):
            reached.add(node)
            z = node
    return z


def _pre_activation_of(z: Value, neuron: Neuron, root: Value) -> Value:
    """The nearest pre-activation of the unit that z was computed from."""
    visited = {z}
    stack = [z]
    while stack:
        node = stack.pop()
        if _is_pre_activation(node, neuron):
            return node
        new = [parent for parent in dict.fromkeys(node.parents) if parent not in visited]
        visited.update(new)
        stack += new
    raise _not_computed(root)


def _layer_sizes(mlp: MLP) -> list[int]:
    return [len(mlp.layers[0].neurons[0].w), *(len(layer.neurons) for layer in mlp.layers)]


def _diagram(mlp: MLP, forward_pass: _Pass | None) -> _Diagram:
    sizes = _layer_sizes(mlp)
    columns = _columns(mlp, forward_pass)
    pitches = [2 * RADIUS + UNIT_GAP]
    pitches += [max(pitches[0], (size + 1) * SLOT + UNIT_GAP) for size in sizes[:-1]]
    height = max(size * pitch for size, pitch in zip(sizes, pitches, strict=True))
    middle = height / 2
    height += 2 * BIAS_RADIUS
    x = RADIUS
    headers = [(x, "inputs")]
    units = [*_place_units(columns[0], x, middle, pitches[0]), _bias_unit("x_0", x, height)]
    wires: list[_Wire] = []
    sources = range(len(units))
    for index, layer in enumerate(mlp.layers):
        is_output = layer is mlp.layers[-1]
        slot = x + RADIUS + max(90.0, height / 5)
        x = slot + SLOT_LENGTH + 24 + len(sources) * SLOT / 8 + RADIUS
        headers.append((x, _header(layer, index, is_output)))
        placed = _place_units(columns[index + 1], x, middle, pitches[index + 1])
        for j, (neuron, unit) in enumerate(zip(layer.neurons, placed, strict=True)):
            wires += _wires(neuron, j + 1, unit, len(units) + j, sources, slot)
        sources = range(len(units), len(units) + len(placed) + 1)
        units += placed if is_output else [*placed, _bias_unit("z_0", x, height)]
    return _Diagram(x + RADIUS, height, headers, units, wires)


def _columns(mlp: MLP, forward_pass: _Pass | None) -> list[list[_Quantities]]:
    """What the units show, a list for the inputs and one for each layer."""
    if forward_pass is None:
        sizes = _layer_sizes(mlp)
        names = ["x", *["z"] * (len(sizes) - 2), "y"]
        return [
            [[(f"{name}_{i}", "")] for i in range(1, size + 1)]
            for name, size in zip(names, sizes, strict=True)
        ]
    inputs = [[(f"x_{i}", format_number(x.data))] for i, x in enumerate(forward_pass.inputs, 1)]
    layers = [
        [
            _unit_quantities(j, nodes, "y" if layer is mlp.layers[-1] else "z", neuron.activation)
            for j, (nodes, neuron) in enumerate(zip(pairs, layer.neurons, strict=True), start=1)
        ]
        for pairs, layer in zip(forward_pass.layers, mlp.layers, strict=True)
    ]
    return [inputs, *layers]


def _unit_quantities(
    j: int, nodes: tuple[Value, Value] | None, letter: str, activation: str
) -> _Quantities:
    if nodes is None:
        return [(f"{letter}_{j}", "")]
    a, z = nodes
    quantities = [
        (f"a_{j}", format_number(a.data)),
        (f"{letter}_{j}", format_number(z.data)),
        (f"δ_{j}", _format_grad(a)),
    ]
    is_linear_output = letter == "y" and activation == "linear"
    return quantities[1:] if is_linear_output else quantities


def _header(layer: Layer, index: int, is_output: bool) -> str:
    name = "outputs" if is_output else f"hidden layer {index + 1}"
    return f"{name} ({_clean(layer.neurons[0].activation)})"


def _place_units(column: list[_Quantities], x: float, middle: float, pitch: float) -> list[_Unit]:
    top = middle - (len(column) - 1) * pitch / 2
    return [_Unit((x, top + i * pitch), RADIUS, unit) for i, unit in enumerate(column)]


def _bias_unit(name: str, x: float, height: float) -> _Unit:
    return _Unit((x, height - BIAS_RADIUS), BIAS_RADIUS, [(name, "1")])


def _wires(
    neuron: Neuron, j: int, unit: _Unit, target: int, sources: range, slot: float
) -> list[_Wire]:
    """The connections into unit j, one above the other; the bias is the lowest."""
    weights = [*enumerate(neuron.w, start=1), (0, neuron.b)]
    top = unit.centre[1] - (len(weights) - 1) * SLOT / 2
    return [
        _Wire(
            source,
            target,
            (slot, top + row * SLOT),
            weight_label(j, i),
            format_number(weight.data),
            _format_grad(weight),
        )
        for row, (source, (i, weight)) in enumerate(zip(sources, weights, strict=True))
    ]


def _diagram_svg(diagram: _Diagram) -> str:
    elements = [
        _svg_text(x, HEADER / 3, escape(header), 12, "middle", fill=GREY)
        for x, header in diagram.headers
    ]
    elements.append(f'<g transform="translate(0,{HEADER:.0f})">')
    for wire in diagram.wires:
        elements += _svg_wire(wire, diagram.units[wire.source], diagram.units[wire.target])
    for unit in diagram.units:
        elements += _svg_unit(unit)
    return _svg(diagram.width, diagram.height + HEADER, [*elements, "</g>"])


def _svg_wire(wire: _Wire, source: _Unit, target: _Unit) -> list[str]:
    left, y = wire.slot
    right = left + SLOT_LENGTH
    start = (source.centre[0] + source.radius, source.centre[1])
    x_distance, y_distance = right - target.centre[0], y - target.centre[1]
    distance = hypot(x_distance, y_distance)

    def towards_target(remaining: float) -> Point:
        share = remaining / distance
        return target.centre[0] + x_distance * share, target.centre[1] + y_distance * share

    tip, back = towards_target(target.radius), towards_target(target.radius + ARROW)
    path = f"{_curve([start, (left, y), (right, y)], False)} L{back[0]:.1f},{back[1]:.1f}"
    middle = (left + right) / 2
    return [
        f'<path d="{path}" fill="none" stroke="{GREY}"/>',
        _arrowhead(tip, back),
        _svg_text(middle, y - 5, _svg_quantity(wire.name, wire.weight), 10, "middle", fill=INK),
        _svg_text(middle, y + 10, _svg_quantity("dE/dw", wire.grad), 9, "middle", fill=ORANGE),
    ]


def _svg_unit(unit: _Unit) -> list[str]:
    (x, y), is_bias = unit.centre, unit.radius == BIAS_RADIUS
    fill = STYLES["constant"].fill if is_bias else STYLES["leaf"].fill
    elements = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{unit.radius:g}" fill="{fill}" stroke="{BLUE}"/>'
    ]
    first = y + 4 - (len(unit.quantities) - 1) * LINE / 2
    for row, (name, number) in enumerate(unit.quantities):
        colour = ORANGE if name.startswith("δ") else INK
        text = _svg_quantity(name, number)
        elements.append(_svg_text(x, first + row * LINE, text, 10, "middle", fill=colour))
    return elements


def _svg_quantity(name: str, number: str) -> str:
    """A name such as w_31 with its index as a subscript, and the number if there is one."""
    letter, _, index = name.partition("_")
    equals = f"= {number}" if number else ""
    if not index:
        return f"{letter} {equals}"
    subscript = f'<tspan dy="2.5" font-size="75%">{index}</tspan>'
    return f'{letter}{subscript}<tspan dx="2" dy="-2.5">{equals}</tspan>'


def _diagram_dot(diagram: _Diagram) -> str:
    """DOT source with everything pinned to its place, the ends of a connection's slot too."""
    lines = [
        "digraph {",
        "  graph [layout=neato, inputscale=72, bgcolor=white];",
        f'  node [shape=circle, fixedsize=true, margin=0, color="{BLUE}", fontname="{FONT}",'
        f' fontsize=10, fontcolor="{INK}"];',
        f'  edge [arrowsize=0.6, color="{GREY}"];',
    ]
    for i, (x, header) in enumerate(diagram.headers):
        place = _dot_place(x, -HEADER * 2 / 3, text_width(header, 12), LINE)
        font = f'fontsize=12, fontcolor="{GREY}"'
        lines.append(f"  h{i} [{place}, shape=plaintext, {font}, label=<{_dot_text(header)}>];")
    for i, unit in enumerate(diagram.units):
        place = _dot_place(*unit.centre, 2 * unit.radius, 2 * unit.radius)
        fill = STYLES["constant" if unit.radius == BIAS_RADIUS else "leaf"].fill
        label = _dot_rows(_dot_quantity(name, number) for name, number in unit.quantities)
        lines.append(f'  u{i} [{place}, style=filled, fillcolor="{fill}", label=<{label}>];')
    for i, wire in enumerate(diagram.wires):
        left, y = wire.slot
        gradient = f'<FONT COLOR="{ORANGE}">{_dot_quantity("dE/dw", wire.grad)}</FONT>'
        label = _dot_rows([_dot_quantity(wire.name, wire.weight), gradient])
        place = _dot_place(left + SLOT_LENGTH / 2, y, SLOT_LENGTH, SLOT)
        lines.append(f"  w{i} [{place}, shape=plaintext, label=<{label}>];")
        for end, x in (("l", left), ("r", left + SLOT_LENGTH)):
            point = _dot_place(x, y, 0.5, 0.5)
            lines.append(f'  {end}{i} [{point}, shape=point, color="{GREY}"];')
        lines.append(f"  u{wire.source}:e -> l{i} -> r{i} [dir=none];")
        lines.append(f"  r{i} -> u{wire.target};")
    return "\n".join([*lines, "}", ""])


def _dot_place(x: float, y: float, width: float, height: float) -> str:
    return f'pos="{x:.1f},{-y:.1f}!", width={width / 72:.4f}, height={height / 72:.4f}'


def _dot_rows(rows: Iterable[str]) -> str:
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def _dot_quantity(name: str, number: str) -> str:
    return f"{name} = {number}" if number else name
