"""Shapes as PNG and PDF, by matplotlib.

matplotlib is what people who make figures in Python have, on every platform, and it brings fonts
with Greek letters. (CairoSVG needs a library of the system, as svglib with reportlab does for PNG,
resvg makes no PDF, and each would have to read what is known here.)
"""

from io import BytesIO
from typing import TYPE_CHECKING

from ..text.names import END, SUB, SUP, parts
from .columns import Point
from .palette import INK, WHITE
from .shapes import INDEX, MARGIN, SHIFTS, Circle, Drawing, Head, Line, Rectangle, Text, bezier

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

PIXELS = 96  # to an inch
DENSITY = 2  # dots of a PNG a pixel, for screens of high resolution
POINT = 72 / PIXELS  # of type, in a pixel
FAMILY = "DejaVu Sans"


def write_paper(drawing: Drawing, form: str) -> bytes:
    """A picture, the same bytes in every run.

    Args:
        drawing: the shapes.
        form: "png" or "pdf".

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib  # only here: it is optional
    from matplotlib.figure import Figure

    width, height = drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN
    with matplotlib.rc_context():  # whatever style the user's plots have
        matplotlib.rcdefaults()
        matplotlib.rcParams["pdf.fonttype"] = 42  # TrueType, which can be edited
        figure = Figure(figsize=(width / PIXELS, height / PIXELS), facecolor=WHITE)
        axes = figure.add_axes((0, 0, 1, 1), frameon=False)
        axes.set(xlim=(-MARGIN, width - MARGIN), ylim=(height - MARGIN, -MARGIN))
        axes.set_axis_off()
        for order, shape in enumerate(drawing.flat()):
            if isinstance(shape, Text):
                _draw_text(axes, shape, order)
            else:
                axes.add_patch(_patch(shape)).set_zorder(order)
        file = BytesIO()
        nameless = {"png": {"Software": None}, "pdf": {"Creator": None, "Producer": None}}
        metadata = {**nameless[form], **({"CreationDate": None} if form == "pdf" else {})}
        figure.savefig(file, format=form, dpi=PIXELS * DENSITY, metadata=metadata)
    return file.getvalue()


def _patch(shape: Rectangle | Circle | Line | Head) -> "Patch":
    from matplotlib import patches
    from matplotlib.path import Path

    if isinstance(shape, Circle):
        return patches.Circle(
            shape.centre, shape.radius, facecolor=shape.fill, edgecolor=INK, linewidth=POINT
        )
    if isinstance(shape, Head):
        return patches.Polygon(shape.corners, facecolor=shape.colour, edgecolor="none")
    pattern = (5.0, 3.0) if isinstance(shape, Line) else (4.0, 3.0)
    dashes = (0.0, [length / shape.width for length in pattern])
    if isinstance(shape, Line):
        points: list[Point] = [shape.points[0]]
        for piece in bezier(shape.points, shape.turned):
            points += piece
        codes = [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1)
        if shape.then:
            points, codes = [*points, shape.then], [*codes, Path.LINETO]
        patch: Patch = patches.PathPatch(Path(points, codes), capstyle="butt")
        fill, stroke = "none", shape.colour
    else:
        left, top, width, height = shape.box
        style = f"round,pad=0,rounding_size={shape.radius}" if shape.radius else "square,pad=0"
        patch = patches.FancyBboxPatch((left, top), width, height, boxstyle=style)
        fill, stroke = shape.fill, shape.stroke
    patch.set(facecolor=fill, edgecolor=stroke, linewidth=shape.width * POINT)
    patch.set_linestyle(dashes if shape.dashed else "-")
    return patch


def _draw_text(axes: "Axes", text: Text, order: int) -> None:
    """The pieces of a text side by side, measured in the font that they are drawn in."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.patheffects import withStroke
    from matplotlib.textpath import text_to_path

    pieces = []
    x = 0.0
    for run in text.words:
        x += run.gap
        size = run.size or text.size
        left = x
        for mark, piece in parts(run.rich):
            part = size * (INDEX if mark else 1.0)
            weight = "bold" if run.bold else "normal"
            font = FontProperties(family=FAMILY, size=part * POINT, weight=weight)
            width = text_to_path.get_text_width_height_descent(piece, font, ismath=False)[0]
            start = left if mark == END + SUB else x
            shift = {SUB: SHIFTS[0], SUP: -SHIFTS[1]}.get(mark[-1:], 0.0) * size
            pieces.append((start, shift, piece, font))
            left, x = x, max(x, start + width / POINT)
    start = text.place[0] - x * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor]
    rim = [withStroke(linewidth=3 * POINT, foreground=WHITE)] if text.rimmed else None
    for offset, shift, piece, font in pieces:
        axes.text(
            start + offset,
            text.place[1] + shift,
            piece,
            font=font,
            color=text.colour,
            zorder=order,
            parse_math=False,
            path_effects=rim,
        )
