"""Shapes as SVG."""

from collections.abc import Sequence
from html import escape

from ..text.names import END, SUB, SUP, parts
from .columns import Point
from .layout import text_width
from .palette import FONT, INK, WHITE
from .shapes import INDEX, MARGIN, SHIFTS, Circle, Drawing, Head, Hinted, Line, Shape, Text, bezier


def svg_page(drawing: Drawing) -> str:
    """A drawing on white paper.

    The paper and every colour are explicit, so that the picture reads the same on a dark page.
    """
    w, h = f"{drawing.width + 2 * MARGIN:.0f}", f"{drawing.height + 2 * MARGIN:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}"'
            f' viewBox="0 0 {w} {h}" font-family="{FONT}">',
            f'<rect width="{w}" height="{h}" rx="4" fill="{WHITE}"/>',
            f'<g transform="translate({MARGIN:.0f},{MARGIN:.0f})">',
            *map(_element, drawing.shapes),
            "</g>",
            "</svg>",
            "",
        ]
    )


def svg_rich(rich: str, below: float = 4, above: float = 8) -> str:
    """Rich text as the content of an SVG text element.

    Args:
        rich: the text.
        below, above: how far an index stands below or above the line.

    >>> from ..text.names import Name
    >>> svg_rich(Name("w", "12").rich + " < 1")
    'w<tspan dy="4" font-size="75%">12</tspan><tspan dy="-4"> &lt; 1</tspan>'
    """
    return _rich(rich, below, above)[0]


def _rich(rich: str, below: float, above: float) -> tuple[str, float, float]:
    """The content; how far below the line it ends, and how far, in em, before its right end."""
    result, height, over, back = "", 0.0, 0.0, 0.0
    for mark, text in parts(rich):
        wanted = {SUB: below, SUP: -above}.get(mark[-1:], 0.0)
        width = text_width(text, INDEX)  # in em of the letter
        across = back  # an index below stands under the one above
        if mark == END + SUB:
            across, back = -over, max(0.0, over - width)
        else:
            over, back = width, 0.0
        em = INDEX if wanted else 1.0
        shift = f' dx="{across / em:.2f}em"' if across else ""
        shift += f' dy="{wanted - height:g}"' if wanted != height else ""
        size = ' font-size="75%"' if wanted else ""
        content = escape(text)
        result += f"<tspan{shift}{size}>{content}</tspan>" if shift or size else content
        height = wanted
    return result, height, back


def svg_curve(points: Sequence[Point], turned: bool) -> str:
    """A path through points that is level (upright, when turned) at each of them.

    >>> svg_curve([(0, 0), (10, 4)], turned=False)
    'M0.0,0.0 C5.0,0.0 5.0,4.0 10.0,4.0'
    """
    curves = [" ".join(map(_point, piece)) for piece in bezier(points, turned)]
    return " ".join([f"M{_point(points[0])}", *(f"C{curve}" for curve in curves)])


def _element(shape: Shape) -> str:
    if isinstance(shape, Hinted):
        inner = "\n".join(map(_element, shape.shapes))
        return f"<g><title>{escape(shape.hint)}</title>\n{inner}\n</g>"
    if isinstance(shape, Text):
        return _text(shape)
    if isinstance(shape, Head):
        corners = " ".join(map(_point, shape.corners))
        return f'<polygon points="{corners}" fill="{shape.colour}"/>'
    if isinstance(shape, Circle):
        (x, y), radius = shape.centre, shape.radius
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{shape.fill}" stroke="{INK}"/>'
        )
    thickness = f' stroke-width="{shape.width:g}"' if shape.width != 1.0 else ""
    if isinstance(shape, Line):
        path = svg_curve(shape.points, shape.turned)
        path += f" L{_point(shape.then)}" if shape.then else ""
        dashes = ' stroke-dasharray="5,3"' if shape.dashed else ""
        return f'<path d="{path}" fill="none" stroke="{shape.colour}"{thickness}{dashes}/>'
    box = shape.box
    dashes = ' stroke-dasharray="4,3"' if shape.dashed else ""
    return (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="{shape.radius:g}" fill="{shape.fill}"'
        f' stroke="{shape.stroke}"{thickness}{dashes}/>'
    )


def _text(text: Text) -> str:
    content, height, gap = "", 0.0, 0.0
    for run in text.words:
        size = run.size or text.size
        gap += run.gap
        style = ' font-weight="bold"' if run.bold else ""
        style += f' dx="{gap:.3g}"' if gap else ""
        style += f' dy="{-height:g}"' if height else ""
        style += f' font-size="{size:g}"' if size != text.size else ""
        inner, height, back = _rich(run.rich, *(round(share * size, 1) for share in SHIFTS))
        content += f"<tspan{style}>{inner}</tspan>" if style else inner
        gap = back * size
    rim = f' stroke="{WHITE}" stroke-width="3" paint-order="stroke"' if text.rimmed else ""
    x, y = text.place
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{text.size:g}" text-anchor="{text.anchor}"'
        f' fill="{text.colour}"{rim}>{content}</text>'
    )


def _point(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
