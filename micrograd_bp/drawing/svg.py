"""The elements of SVG that the pictures are made of, as text."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from .columns import Point
from .layout import Box, text_width
from .palette import FONT, GREY, INK, PALE, SMALL, WHITE, Swatch

MARGIN = 12.0
ARROW = 7.0  # the length of the head
SWATCH = 17.0  # the height of a line of the legend

Legend = Sequence[tuple[str, Sequence[Swatch]]]


def svg_page(width: float, height: float, elements: Iterable[str], legend: Legend) -> str:
    """A picture of that size on white paper, with a legend below.

    The paper and every colour are explicit, so that the picture reads the same on a dark page.
    """
    below, legend_width = _legend(legend, height + MARGIN)
    width = max(width, legend_width)
    height += MARGIN + SWATCH * len(legend) if legend else 0.0
    w, h = f"{width + 2 * MARGIN:.0f}", f"{height + 2 * MARGIN:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}"'
            f' viewBox="0 0 {w} {h}" font-family="{FONT}">',
            f'<rect width="{w}" height="{h}" rx="4" fill="{WHITE}"/>',
            f'<g transform="translate({MARGIN:.0f},{MARGIN:.0f})">',
            *elements,
            *below,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _legend(legend: Legend, top: float) -> tuple[list[str], float]:
    """The lines of a legend, and the width they need."""
    elements: list[str] = []
    start = max((text_width(title, SMALL) for title, _ in legend), default=0.0) + 8
    widest = 0.0
    for row, (title, swatches) in enumerate(legend):
        y = top + row * SWATCH
        elements.append(svg_text(0, y + 12, escape(title), SMALL, fill=GREY))
        x = start
        for swatch in swatches:
            width = text_width(swatch.text, SMALL) + 10
            if swatch.fill:
                elements.append(svg_box(Box(x, y, width, SWATCH - 2), swatch.fill, PALE))
            elements.append(
                svg_text(x + width / 2, y + 12, escape(swatch.text), SMALL, "middle", fill=INK)
            )
            x += width
        widest = max(widest, x)
    return elements, widest


def svg_text(
    x: float, y: float, content: str, size: float, anchor: str = "start", **attributes: str
) -> str:
    """Text with its baseline at y; the content is XML already."""
    rest = "".join(f' {name.replace("_", "-")}="{text}"' for name, text in attributes.items())
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"{rest}>'
        f"{content}</text>"
    )


def svg_box(
    box: Box, fill: str, stroke: str, radius: float = 0.0, dashed: bool = False, width: float = 1.0
) -> str:
    """A rectangle."""
    dashes = ' stroke-dasharray="4,3"' if dashed else ""
    thickness = f' stroke-width="{width:g}"' if width != 1.0 else ""
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{radius:g}" fill="{fill}" stroke="{stroke}"'
        f"{thickness}{dashes}/>"
    )


def svg_line(path: str, colour: str = GREY, width: float = 1.0, dashed: bool = False) -> str:
    """A line along the commands of a path."""
    thickness = f' stroke-width="{width:g}"' if width != 1.0 else ""
    dashes = ' stroke-dasharray="5,3"' if dashed else ""
    return f'<path d="{path}" fill="none" stroke="{colour}"{thickness}{dashes}/>'


def svg_arrowhead(tip: Point, back: Point, colour: str = GREY, width: float = 1.0) -> str:
    """A triangle from the middle of its base to its tip; wider for a thicker line."""
    spread = 0.4 + 0.07 * (width - 1)
    (x, y), (u, v) = tip, ((back[0] - tip[0]) * spread, (back[1] - tip[1]) * spread)
    points = (
        f"{x:.1f},{y:.1f} {back[0] - v:.1f},{back[1] + u:.1f} {back[0] + v:.1f},{back[1] - u:.1f}"
    )
    return f'<polygon points="{points}" fill="{colour}"/>'


def svg_curve(points: Sequence[Point], turned: bool) -> str:
    """A path through points that is level (upright, when turned) at each of them.

    >>> svg_curve([(0, 0), (10, 4)], turned=False)
    'M0.0,0.0 C5.0,0.0 5.0,4.0 10.0,4.0'
    """
    commands = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
    for (x, y), (u, v) in pairwise(points):
        middle = (y + v) / 2 if turned else (x + u) / 2
        if turned:
            commands.append(f"C{x:.1f},{middle:.1f} {u:.1f},{middle:.1f} {u:.1f},{v:.1f}")
        else:
            commands.append(f"C{middle:.1f},{y:.1f} {middle:.1f},{v:.1f} {u:.1f},{v:.1f}")
    return " ".join(commands)
