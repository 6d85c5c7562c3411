"""One html page that holds everything: pictures, numbers, style and script.

The page asks for nothing from elsewhere, and its content security policy forbids it to: the one
script and the one style that run are named by their hashes. The script has the functions of the
graph in it, so that the page computes everything again where a number is changed.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from ..engine import Value
from ..nn.units import Units
from ..text.names import END, SUB, SUP, plain
from .description import describe
from .equations import unit_equations
from .folds import graph_folded
from .javascript import is_translatable, write_table
from .network_view import network_view

if TYPE_CHECKING:
    from .data_points import DataPoints

SCRIPTS = (
    "python",
    "digits",
    "engine",
    "page",
    "pictures",
    "folds",
    "chain",
    "live",
    "points",
    "plot",
    "check",
    "share",
)

MOST_WEIGHTS = 600  # of all forward passes that can be chosen: some megabyte of equations


def write_page(
    order: Sequence[Value], passes: Sequence[Units], points: "DataPoints | None" = None
) -> str:
    """Write the page.

    Args:
        order: the nodes of the graph in topological order, the root last.
        passes: where the units of a network are among them, for each forward pass of it.
        points: the data points of which this is one, if there are any.

    >>> write_page([Value(3.0, "x")], [])[:15]
    '<!DOCTYPE html>'
    """
    units = passes[-1] if passes else None
    size = len(passes) * len(weights_of(order, passes[-1])) if passes else 0
    earlier = passes[:-1] if size <= MOST_WEIGHTS else []
    nodes = describe(order)
    graph, folds = graph_folded(order, nodes)
    root = nodes[-1].name
    functions = [node.operation.function for node in order if node.operation and node.parents]
    known = [function for function in dict.fromkeys(functions) if is_translatable(function)]
    is_live = len(known) == len({*functions})
    weights = weights_of(order, units) if units and has_error(order, units) else []
    if points:
        place = {node: i for i, node in enumerate(order)}
        weights = [place[weight] for weight in points.weights if weight in place]
        known += [points.link] if points.link and points.link not in known else []
    description = {
        "root": root,
        "isLive": is_live,
        "leaves": leaves_in_order(order, units),
        "weights": weights,
        "points": points.to_json(order, [n.name for n in nodes]) if points and is_live else None,
        "nodes": [node.to_json() for node in nodes],
        "folds": folds,
        "units": unit_equations(order, nodes, units) if units else None,
        "passes": [unit_equations(order, nodes, each) for each in earlier],
    }
    style = _resource("page.css")
    table = f"const TABLE = {write_table(known)};\n"
    python, digits, *others = (_resource(f"{name}.js") for name in SCRIPTS)
    script = "\n".join([python, digits, table, *others])
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    policy += "; img-src data:"  # the picture that is saved as PNG
    title = f"{plain(root)}, step by step"
    return Template(_resource("page.html")).substitute(
        policy=policy,
        title=escape(title),
        heading=f"{html_rich(root)}, step by step",
        style=style,
        script=script,
        graph=graph,
        network=network_view(nodes, units, earlier) if units else "",
        description=json_for_html(description),
    )


def leaves_in_order(order: Sequence[Value], units: Units | None) -> list[int]:
    """The leaves that may be changed: the inputs of a network, its weights, and then the others.

    >>> x, y = Value(2.0), Value(3.0)
    >>> leaves_in_order([x, y, x * y], None)
    [0, 1]
    """
    leaves = [i for i, node in enumerate(order) if node.operation is None]
    first = [*units.inputs, *weights_of(order, units)] if units else []
    return [i for i in dict.fromkeys([*first, *leaves]) if order[i].operation is None]


def weights_of(order: Sequence[Value], units: Units) -> list[int]:
    """The weights and biases of a network, in its order.

    >>> from micrograd_bp import MLP, topological_order
    >>> from ..nn.units import find_units
    >>> order = topological_order(MLP(1, [1], seed=0)([2.0]) ** 2)
    >>> [order[i].label for i in weights_of(order, find_units(order))]
    ['w_11', 'w_10']
    """
    every = [unit for layer in units.layers for unit in layer]
    weights = [i for unit in every for i in (*unit.weights, unit.bias) if i is not None]
    return [i for i in dict.fromkeys(weights) if order[i].operation is None]


def has_error(order: Sequence[Value], units: Units) -> bool:
    """Whether the root is an error, and no output of the network itself."""
    return len(order) - 1 not in (unit.z for unit in units.layers[-1])


def json_for_html(data: Any) -> str:
    r"""JSON that may stand inside an html script element: nothing in it ends the element.

    >>> print(json_for_html({"label": "</script>"}))
    {"label":"\u003c/script>"}
    """
    # Everything but ASCII is escaped by json, U+2028 and U+2029 too.
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def html_rich(rich: str) -> str:
    """Rich text as html.

    >>> from ..text.names import Name
    >>> html_rich(Name("E", "n").rich)
    'E<sub>n</sub>'
    """
    tags = {SUB: "<sub>", SUP: "<sup>"}
    html, open_tag = "", ""
    for character in escape(rich):
        open_tag = tags.get(character, open_tag)
        html += open_tag.replace("<", "</") if character == END else tags.get(character, character)
    return html


@cache
def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
