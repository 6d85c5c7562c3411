"""One html page that holds everything: pictures, numbers, style and script.

The page asks for nothing from elsewhere, and its content security policy forbids it to: the one
script and the one style that run are named by their hashes.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ..engine import Value
from ..nn.units import Units
from ..text.names import END, SUB, SUP, plain
from .description import describe
from .equations import unit_equations
from .graph_view import graph_view
from .network_view import network_view


def write_page(order: Sequence[Value], units: Units | None) -> str:
    """Write the page.

    Args:
        order: the nodes of the graph in topological order, the root last.
        units: where the units of a network are among them, if there is one.

    >>> write_page([Value(3.0, "x")], None)[:15]
    '<!DOCTYPE html>'
    """
    nodes = describe(order)
    root = nodes[-1].name
    description = {
        "root": root,
        "nodes": [node.to_json() for node in nodes],
        "units": unit_equations(order, nodes, units) if units else None,
    }
    style, script = _resource("page.css"), _resource("page.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    title = f"{plain(root)}, step by step"
    return Template(_resource("page.html")).substitute(
        policy=policy,
        title=escape(title),
        heading=f"{html_rich(root)}, step by step",
        style=style,
        script=script,
        graph=graph_view(nodes),
        network=network_view(nodes, units) if units else "",
        description=json_for_html(description),
    )


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
