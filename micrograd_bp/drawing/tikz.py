r"""Shapes as TikZ, in a document of its own that pdflatex takes.

Names and numbers are set as mathematics. TeX is handed commands of ours only: what a label says
reaches it as text (``text_formula``), and a character that is not ASCII is declared, as what
Computer Modern has for it or else as a box.
"""

import unicodedata
from collections.abc import Iterable

from ..text.names import GREEK
from .columns import Point
from .palette import INK, WHITE
from .shapes import Circle, Drawing, Head, Line, Rectangle, Text, bezier

SCALE = 0.75  # points of a PostScript printer in a pixel of the web
_MATHEMATICS = {
    **{letter: word for word, letter in GREEK.items()},
    **dict(
        zip(
            "×·−≤≥≠≈±∂∇∑∏√∞→",
            "times cdot mathbin- le ge ne approx pm partial nabla sum prod surd infty to".split(),
            strict=True,
        )
    ),
}
_TEXT = {
    **dict(zip("ßæÆœŒøØłŁı", r"\ss \ae \AE \oe \OE \o \O \l \L \i".split(), strict=True)),
    "…": r"\ldots",
    "—": "---",
    "–": "--",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
}
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030a\u0327", "`'^~\"rc", strict=True))


def write_tikz(drawing: Drawing) -> str:
    r"""A document with one picture.

    >>> from .shapes import words
    >>> text = Text((0.0, 0.0), words("50%"), 12)
    >>> print(write_tikz(Drawing(10, 10, [text])).splitlines()[-3].partition(" at ")[2])
    (0,0) {$\text{50}\%$};
    """
    lines = [line for shape in drawing.flat() for line in _shape(shape)]
    body = "\n".join(lines)
    colours = sorted({colour for shape in drawing.flat() for colour in _colours(shape)})
    return "\n".join(
        [
            r"\documentclass[tikz, border=9bp]{standalone}",
            r"\usepackage{amsmath, amssymb}",
            *_declarations(body),
            *(rf"\definecolor{{{_colour(c)}}}{{HTML}}{{{c[1:].upper()}}}" for c in colours),
            r"\begin{document}",
            r"\begin{tikzpicture}[x=0.75bp, y=-0.75bp, line width=0.75bp, inner sep=0bp]",
            *lines,
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _shape(shape: Rectangle | Circle | Line | Head | Text) -> Iterable[str]:
    if isinstance(shape, Text):
        return _text(shape)
    if isinstance(shape, Head):
        corners = " -- ".join(map(_point, shape.corners))
        return [rf"  \fill[{_colour(shape.colour)}] {corners} -- cycle;"]
    if isinstance(shape, Circle):
        style = f"draw={_colour(INK)}, fill={_colour(shape.fill)}"
        circle = f"circle[radius={_number(shape.radius * SCALE)}bp]"
        return [rf"  \draw[{style}] {_point(shape.centre)} {circle};"]
    if isinstance(shape, Line):
        path = _point(shape.points[0])
        for a, b, end in bezier(shape.points, shape.turned):
            path += f" .. controls {_point(a)} and {_point(b)} .. {_point(end)}"
        path += f" -- {_point(shape.then)}" if shape.then else ""
        dashes = ", dash pattern=on 3.75bp off 2.25bp" if shape.dashed else ""
        return [rf"  \draw[{_colour(shape.colour)}{_width(shape.width)}{dashes}] {path};"]
    box = shape.box
    style = f"draw={_colour(shape.stroke)}"
    style += f", fill={_colour(shape.fill)}" if shape.fill != "none" else ""
    style += f", rounded corners={_number(shape.radius * SCALE)}bp" if shape.radius else ""
    style += _width(shape.width)
    style += ", dash pattern=on 3bp off 2.25bp" if shape.dashed else ""
    corner = _point((box.left + box.width, box.top + box.height))
    return [rf"  \draw[{style}] {_point((box.left, box.top))} rectangle {corner};"]


def _text(text: Text) -> list[str]:
    anchor = {"start": "base west", "middle": "base", "end": "base east"}[text.anchor]
    size = round(text.size * SCALE)
    style = f"anchor={anchor}, text={_colour(text.colour)}"
    style += rf", font=\fontsize{{{size}}}{{{size}}}\selectfont"
    style += f", fill={_colour(WHITE)}, inner sep=0.4bp" if text.rimmed else ""
    formula = " ".join(run.formula for run in text.words)
    return [rf"  \node[{style}] at {_point(text.place)} {{${formula}$}};"]


def _declarations(body: str) -> Iterable[str]:
    """What the characters outside of ASCII are; a TeX that knows them lacks the command."""
    special = sorted({character for character in body if not character.isascii()})
    if special:
        yield r"\ifdefined\DeclareUnicodeCharacter"
        for character in special:
            yield rf"  \DeclareUnicodeCharacter{{{ord(character):04X}}}{{{_declared(character)}}}"
        yield r"\fi"


def _declared(character: str) -> str:
    if character in _MATHEMATICS:
        return rf"\ensuremath{{\{_MATHEMATICS[character]}}}"
    if character in _TEXT:
        return f"{_TEXT[character]}{{}}"
    decomposed = unicodedata.normalize("NFD", character)
    letter, accent = decomposed[0], decomposed[1:]
    if letter.isascii() and letter.isalpha() and accent in _ACCENTS:
        return rf"\{_ACCENTS[accent]}{{{letter}}}"
    return r"\ensuremath{\square}"


def _colours(shape: Rectangle | Circle | Line | Head | Text) -> list[str]:
    if isinstance(shape, Rectangle):
        return [colour for colour in (shape.fill, shape.stroke) if colour != "none"]
    if isinstance(shape, Circle):
        return [shape.fill, INK]
    return [shape.colour, WHITE] if isinstance(shape, Text) and shape.rimmed else [shape.colour]


def _colour(code: str) -> str:
    return f"c{code[1:]}"


def _width(width: float) -> str:
    return f", line width={_number(width * SCALE)}bp" if width != 1.0 else ""


def _point(point: Point) -> str:
    return f"({_number(point[0])},{_number(point[1])})"


def _number(number: float) -> str:
    return f"{number + 0.0:.1f}".removesuffix(".0")
