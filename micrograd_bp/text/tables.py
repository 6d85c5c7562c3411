"""Tables and lines of words as aligned text, Markdown, LaTeX and HTML.

One description serves all four, so the numbers are the same in each, and each has its own
escapes: whatever a label says, it adds no cell to a table, no markup to a page and no command
to a formula.
"""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .numbers import number_formula

# What TeX would obey, as formulas outside of \text: every reader of LaTeX knows these.
_TEX = {
    "\\": r"\backslash",
    "~": r"\sim",
    "^": r"\hat{\ }",
    "<": "{<}",  # without the space around a relation: the text has its own
    ">": "{>}",
    "|": "|",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}


class Cell(NamedTuple):
    """A cell that is a formula in LaTeX, and in the other formats the same in plain text.

    Attributes:
        text: the plain text.
        formula: LaTeX, in math mode.
    """

    text: str
    formula: str


@dataclass(frozen=True)
class TextTable:
    r"""Rows of cells under headings.

    Args:
        align: one letter a column, "l" for left or "r" for right.
        rows: the rows, of as many cells each; a cell is plain text, or a ``Cell``.
        headings: those of the columns; none unless given.
        caption: a line above the table.
        indent: what begins each row of the plain text.

    >>> table = TextTable("lr", [["x_1", "0.5"], ["a|b", "-1"]], headings=["name", "data"])
    >>> print(table.text())
    name  data
    x_1    0.5
    a|b     -1
    >>> print(table.markdown())
    | name | data |
    |:--|--:|
    | x_1 | 0.5 |
    | a\|b | -1 |
    """

    align: str
    rows: Sequence[Sequence[str | Cell]]
    headings: Sequence[str | Cell] = ()
    caption: str = ""
    indent: str = ""

    def text(self) -> str:
        """The columns aligned by spaces."""
        lines = [[printable(_plain(cell)) for cell in row] for row in self._lines()]
        widths = [max(map(len, column)) for column in zip(*lines)]
        aligned = [
            self.indent
            + "  ".join(
                cell.rjust(width) if side == "r" else cell.ljust(width)
                for cell, width, side in zip(line, widths, self.align, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*filter(None, [printable(self.caption)]), *aligned])

    def markdown(self) -> str:
        """A table of GitHub's Markdown; one without headings has them empty."""
        rules = "".join({"l": ":--|", "r": "--:|"}[side] for side in self.align)
        head, *body = (
            f"| {' | '.join(escape_markdown(_plain(cell)) for cell in row)} |"
            for row in [self.headings or [""] * len(self.align), *self.rows]
        )
        caption = [escape_markdown(self.caption), ""] if self.caption else []
        return "\n".join([*caption, head, f"|{rules}", *body])

    def latex(self) -> str:
        r"""An ``array`` environment, for math mode; its caption is a first line above it.

        >>> rows = [[Cell("x_1", "x_{1}"), "0.5"]]
        >>> print(TextTable("lr", rows, headings=["name", "data"]).latex())
        \begin{array}{lr}
        \text{name} & \text{data} \\ \hline
        x_{1} & 0.5
        \end{array}
        """
        rows = [" & ".join(map(_formula, row)) for row in self.rows]
        lines = " \\\\\n".join(rows)
        if self.headings:
            lines = " & ".join(map(_formula, self.headings)) + f" \\\\ \\hline\n{lines}"
        array = f"\\begin{{array}}{{{self.align}}}\n{lines}\n\\end{{array}}"
        if not self.caption:
            return array
        return f"\\begin{{array}}{{l}}\n{_formula(self.caption)} \\\\\n{array}\n\\end{{array}}"

    def html(self) -> str:
        """A ``table`` element."""
        sides = {"l": "left", "r": "right"}

        def line(tag: str, row: Sequence[str | Cell]) -> str:
            cells = (
                f'<{tag} style="text-align: {sides[side]}">{escape_html(_plain(cell))}</{tag}>'
                for side, cell in zip(self.align, row, strict=True)
            )
            return f"<tr>{''.join(cells)}</tr>"

        caption = (
            f'<caption style="text-align: left">{escape_html(self.caption)}</caption>\n'
            if self.caption
            else ""
        )
        head = f"<thead>{line('th', self.headings)}</thead>\n" if self.headings else ""
        body = "\n".join(line("td", row) for row in self.rows)
        return f"<table>\n{caption}{head}<tbody>\n{body}\n</tbody>\n</table>"

    def _lines(self) -> list[Sequence[str | Cell]]:
        return [*([self.headings] if self.headings else []), *self.rows]


class Readable:
    """What reads as paragraphs and tables: as text in a terminal, as it likes best in a notebook.

    A class that inherits says in ``_blocks`` what there is to read, from top to bottom. A
    dataclass that does needs ``repr=False``, to keep this ``__repr__``.
    """

    def _blocks(self) -> Iterable[str | Cell | TextTable]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n\n".join(
            block.text() if isinstance(block, TextTable) else "\n".join(_lines_of(block))
            for block in self._blocks()
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join(
            block.html() if isinstance(block, TextTable) else _html_paragraph(block)
            for block in self._blocks()
        )

    def _repr_markdown_(self) -> str:
        return "\n\n".join(
            block.markdown()
            if isinstance(block, TextTable)
            else "  \n".join(map(escape_markdown, _lines_of(block)))
            for block in self._blocks()
        )

    def _repr_latex_(self) -> str:
        formulas = (
            block.latex() if isinstance(block, TextTable) else _latex_paragraph(block)
            for block in self._blocks()
        )
        return "\n\n".join(f"$$\n{formula}\n$$" for formula in formulas)


def printable(text: str) -> str:
    """A text on one line, of characters that can be printed.

    >>> printable("two\\nlines")
    'two lines'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def escape_markdown(text: str) -> str:
    r"""Plain text for a cell or a line of Markdown.

    >>> escape_markdown("w_1*x | <b>")
    'w_1\\*x \\| \\<b\\>'
    """
    escaped = re.sub(r"[\\`*\[\]<>|$~&#]", r"\\\g<0>", printable(text))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\_", escaped)


def escape_html(text: str) -> str:
    """Plain text for HTML, on one line.

    A notebook looks for formulas in HTML too: an element of its own around each "$" and backslash
    keeps it from finding any.

    >>> escape_html("a < b & $c$")
    'a &lt; b &amp; <span>$</span>c<span>$</span>'
    """
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html.escape(printable(text)))


def text_formula(text: str) -> str:
    r"""Plain text as a formula.

    >>> print(text_formula("dE_n at 50%"))
    \text{dE}\_\text{n at 50}\%
    """
    pieces = re.split(r"([\\~^<>|{}$&#_%])", printable(text).replace("\ufffd", "?"))
    return "".join(_TEX.get(piece, rf"\text{{{piece}}}") for piece in pieces if piece)


def _plain(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _formula(cell: str | Cell) -> str:
    if isinstance(cell, Cell):
        return cell.formula
    return number_formula(cell) or text_formula(cell)


def _lines_of(paragraph: str | Cell) -> list[str]:
    if isinstance(paragraph, Cell):
        return [printable(paragraph.text)]
    return paragraph.splitlines()


def _html_paragraph(paragraph: str | Cell) -> str:
    lines = "<br>".join(map(escape_html, _lines_of(paragraph)))
    return f"<p>{lines}</p>"


def _latex_paragraph(paragraph: str | Cell) -> str:
    if isinstance(paragraph, Cell):
        return paragraph.formula
    lines = " \\\\\n".join(map(text_formula, paragraph.splitlines()))
    return f"\\begin{{array}}{{l}}\n{lines}\n\\end{{array}}"
