"""Pieces of SVG whose numbers the page's script writes anew at each step.

An element with data-data="3" shows the data of node 3, one with data-grad="3" its grad; data-nodes
lists the nodes that an element stands for, which its look follows.
"""

from collections.abc import Iterable
from html import escape

from ..drawing.columns import Point
from ..drawing.svg import svg_curve

Attributes = str | int | float
PICTURED = 4  # digits of a number in a picture


def element(tag: str, content: str = "", /, **attributes: Attributes) -> str:
    """An element; an underscore in the name of an attribute is a hyphen, class_ is class.

    >>> element("text", "1 &lt; 2", x=0.50001, class_="a", data_nodes=3)
    '<text x="0.5" class="a" data-nodes="3">1 &lt; 2</text>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text_at(point: Point, content: str, **attributes: Attributes) -> str:
    """A text whose baseline starts, or with an anchor stands, at a point.

    >>> text_at((0.0, 10.0), "a")
    '<text x="0" y="10">a</text>'
    """
    return element("text", content, x=point[0], y=point[1], **attributes)


def curve(points: list[Point], **attributes: Attributes) -> str:
    """A line through points, level at each of them.

    >>> curve([(0, 0), (10, 4)])
    '<path d="M0.0,0.0 C5.0,0.0 5.0,4.0 10.0,4.0"/>'
    """
    return element("path", d=svg_curve(points, False), **attributes)


def picture(name: str, label: str, width: float, height: float, content: Iterable[str]) -> str:
    """A picture of that size with a margin, for a screen reader one image with a label."""
    box = f"-12 -12 {width + 24:.0f} {height + 24:.0f}"
    return element(
        "svg",
        "\n".join(content),
        id=name,
        role="img",
        aria_label=label,
        viewBox=box,
        width=round(width + 24),
        height=round(height + 24),
    )


def _attribute(value: Attributes) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(f"{value}")
