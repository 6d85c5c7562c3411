"""Pictures of a computation graph, and of a network as the book draws it.

``draw`` shows the graph: a box a node, an arrow an operand, so that x * x has two arrows. A grad is
shown as "—" until a backward pass has reached the node, never as a zero that was not computed.
``draw_network`` shows the diagram of a multilayer perceptron. Both return a ``Graph``: SVG for the
eye and DOT source for Graphviz, the same bytes in every run.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Literal

from ..engine import Value, topological_order
from ..numeric import show
from ..text.names import scope_path
from .dot_writer import write_dot
from .folding import fold
from .graph import Graph
from .network_diagram import draw_network
from .picture import make_picture
from .place import place_picture

__all__ = ["Graph", "draw", "draw_network"]

MAX_BOXES = 1000  # what a reader, and Graphviz, can still make out


def draw(
    root: Value | Iterable[Value],
    *,
    edges: Literal["local", "contribution"] | None = None,
    depth: int | None = None,
    open: Iterable[str] = (),
    rankdir: Literal["LR", "TB"] = "LR",
    engine: Literal["builtin", "dot"] = "builtin",
    max_nodes: int = MAX_BOXES,
) -> Graph:
    """Draw the computation graph of a Value, as it is now.

    A graph of more than 150 nodes is folded: a scope becomes one box, of at most a dozen side by
    side; a long sum becomes one, and so do nodes made alike and used alike, such as the losses of
    many points. Many arrows between two boxes become a thick one with their number.

    Args:
        root: a Value, or several that are to share one picture.
        edges: what to write on each arrow: "local", the local derivative; "contribution", that
            times the grad at the arrow's head, which is what the arrow brings back: the grad of a
            node is the sum over its outgoing arrows, once all its consumers are in the picture.
        depth: how many levels of scopes to open, from 0. By default all of a graph of at most 150
            nodes; else as many as fit, but the innermost.
        open: scopes to open besides, such as ["layer1/neuron3"]; "" for the nodes outside of any
            scope. Up to a dozen nodes that are alike are shown one by one there, elsewhere three.
        rankdir: "LR" draws from left to right, "TB" from top to bottom.
        engine: who places the boxes: the "builtin" layout, or Graphviz's program "dot", which
            draws a little narrower. The built-in one is the better of the two: it keeps operands
            and units in their order, leads arrows neither across the titles of scopes nor through
            boxes, and writes each number where its arrow ends.
        max_nodes: the largest number of boxes to draw.

    Returns:
        The picture, with the numbers of this moment.

    Raises:
        TypeError: root is no Value, depth no integer, or open no list of strings.
        ValueError: there is no root, no node in a scope to open, more than max_nodes boxes are left
            after folding, or an option is unknown.

    >>> x = Value(3.0, label="x")
    >>> graph = draw(x * x)
    >>> graph
    <Graph of 2 nodes and 2 edges>
    >>> graph.dot.count("n0 -> n1")
    2
    """
    _check_option("edges", edges, (None, "local", "contribution"))
    _check_option("rankdir", rankdir, ("LR", "TB"))
    _check_option("engine", engine, ("builtin", "dot"))
    _check_depth(depth)
    roots = _roots(root)
    order = _order(roots)
    groups = fold(order, roots, depth, _scopes_to_open(open, order))
    if len(groups) > max_nodes:
        folded = "" if len(groups) == len(order) else f", {len(groups)} boxes when folded,"
        raise ValueError(
            f"a graph of {len(order)} nodes{folded} is too large to read, the limit is {max_nodes}:"
            " give its parts scopes, which fold, draw a part of it, such as an interior node, or"
            f" allow more with max_nodes={len(groups)}"
        )
    picture = make_picture(groups, roots, edges, rankdir)
    number = sum(len(node.parents) for node in order)
    folded = "" if len(groups) == len(order) else f", folded to {len(groups)} boxes"
    summary = f"<Graph of {len(order)} nodes and {number} edges{folded}>"
    return Graph(write_dot(picture), lambda: place_picture(picture), summary, engine == "dot")


def _check_option(name: str, option: object, known: Sequence[object]) -> None:
    if option not in known:
        raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, not {show(option)}")


def _check_depth(depth: object) -> None:
    if depth is None:
        return
    if isinstance(depth, bool) or not isinstance(depth, int):
        raise TypeError(f"depth is a number of levels, an integer, not {show(depth)}")
    if depth < 0:
        raise ValueError(f"depth is at least 0, not {depth}")


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


def _order(roots: Iterable[Value]) -> list[Value]:
    order: dict[Value, None] = {}
    for root in roots:
        if root not in order:
            order.update(dict.fromkeys(topological_order(root)))
    return list(order)


def _scopes_to_open(opened: object, order: Iterable[Value]) -> list[str]:
    needed = 'open is a list of scopes, such as ["layer1/neuron3"]'
    if not isinstance(opened, Iterable) or isinstance(opened, (str, Set)):
        raise TypeError(f"{needed}, not {show(opened)}")
    scopes = list(opened)
    known = {scope: scope_path(scope) for scope in dict.fromkeys(node.scope for node in order)}
    for scope in scopes:
        if not isinstance(scope, str):
            raise TypeError(f"{needed}, and in the list is {show(scope)}")
        path = scope_path(scope)
        if not any(other[: len(path)] == path for other in known.values()):
            there = ", ".join(repr(scope) for scope in list(known)[:10] if scope) or "none"
            raise ValueError(f"no node is in the scope {scope!r} to open; there are {there}")
    return scopes
