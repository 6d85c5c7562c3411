"""A picture that shows itself in a notebook and saves itself to a file."""

import re
from base64 import b64encode
from collections.abc import Callable
from functools import cached_property
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from ..whole_file import file_name, write_whole
from .paper import write_paper
from .shapes import Drawing
from .svg import svg_page
from .tikz import write_tikz

SMALLEST_SCALE = 0.64  # of a picture in a narrow cell of a notebook: type of 11 pixels shrinks to 7


class Graph:
    """A picture that shows itself in a notebook.

    Args:
        dot: the picture as DOT source.
        place: what places its shapes, when they are first needed.
        summary: what it shows, in a line.
        by_dot: whether Graphviz draws it, in place of the layout of our own.

    Attributes:
        dot: the picture as DOT source, for Graphviz.

    >>> from micrograd_bp import Value, draw
    >>> x = Value(3.0, label="x")
    >>> graph = draw(x * x)
    >>> graph
    <Graph of 2 nodes and 2 edges>
    >>> graph.svg.startswith("<svg"), graph.dot.startswith("digraph")
    (True, True)
    """

    def __init__(
        self, dot: str, place: Callable[[], Drawing], summary: str, by_dot: bool = False
    ) -> None:
        self.dot = dot
        self._place = place
        self._summary = summary
        self._by_dot = by_dot

    def __repr__(self) -> str:
        return self._summary

    @cached_property
    def _drawing(self) -> Drawing:
        return self._place()

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, an element ``<svg>`` that stands alone or inside HTML."""
        if not self._by_dot:
            return svg_page(self._drawing)
        svg = run_dot(self.dot, "svg").decode()
        svg = svg[svg.index("<svg") :]
        return re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)  # it names its version

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file.

        A .tex file is a document of its own, class standalone, that pdflatex makes a PDF of: its
        names are set as mathematics, and the tikzpicture in it can be copied into a paper. It is
        always of the built-in layout. matplotlib makes .png and .pdf, with the fonts that it
        brings; Graphviz does where it has drawn the picture, or where there is no matplotlib.

        Args:
            path: a file name that ends in .tex, .svg, .dot, .png or .pdf.

        Returns:
            The path of the file.

        Raises:
            ValueError: the name ends otherwise.
            RuntimeError: .png or .pdf, and there is neither matplotlib nor Graphviz.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from micrograd_bp import Value, draw
        >>> graph = draw(Value(3.0, label="x") ** 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph.save(folder + "/square.svg").name
        'square.svg'
        """
        name = file_name(path)
        path = Path(name)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.svg.encode()
        elif suffix == ".tex":
            content = write_tikz(self._drawing).encode()
        elif suffix == ".dot":
            content = self.dot.encode()
        elif suffix in (".png", ".pdf"):
            content = self._on_paper(suffix[1:])
        else:
            raise ValueError(f"cannot save {name!r}: need a name in .tex, .svg, .dot, .png or .pdf")
        write_whole(path, content)
        return path

    def _on_paper(self, form: str) -> bytes:
        if not self._by_dot:
            try:
                return write_paper(self._drawing, form)
            except ImportError as error:
                if not dot_is_installed():
                    raise RuntimeError(
                        f"{form} pictures need matplotlib: pip install 'micrograd_bp[figures]', or"
                        " install Graphviz (https://graphviz.org/download), or save as .svg, .tex"
                        " or .dot"
                    ) from error
        return run_dot(self.dot, form)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            svg = self.svg
        except Exception as error:  # a notebook shows the reason in place of the picture
            return {"text/plain": f"{self!r}\nno picture: {error}"}
        return {
            "text/plain": repr(self),
            "image/svg+xml": svg,
            "text/html": _scaled(svg, repr(self)),
        }


def _scaled(svg: str, summary: str) -> str:
    """A picture as wide as its cell at most, but not so small that its type cannot be read.

    Notebooks show SVG as an image of its own size, which nothing in it can change.
    """
    match = re.search(r'width="([\d.]+)(px|pt)?"', svg)
    width, unit = (match[1], match[2] or "px") if match else ("0", "px")
    style = f"max-width:100%;min-width:{SMALLEST_SCALE * float(width):.0f}{unit};height:auto"
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    image = f'<img alt="{escape(summary)}" style="{style}" src="{source}"/>'
    return f'<div style="overflow-x:auto">{image}</div>'


def dot_is_installed() -> bool:
    """Whether Graphviz's program is on the PATH."""
    import shutil  # only here: it would slow down the import of the package
    from importlib.util import find_spec

    return shutil.which("dot") is not None and find_spec("graphviz") is not None


def run_dot(source: str, form: str) -> bytes:
    """What Graphviz's program makes of DOT source.

    Args:
        source: a graph in the DOT language.
        form: "svg", "png" or "pdf".

    Raises:
        RuntimeError: the program is not installed, or does not run.
    """
    if not dot_is_installed():
        raise RuntimeError(
            f"{form} pictures by Graphviz need its program dot, and it is not on the PATH: install"
            " Graphviz (https://graphviz.org/download), or save as .svg, .tex or .dot, or draw with"
            ' engine="builtin"'
        )
    import graphviz  # only here: the rest of the package does without

    try:
        return bytes(graphviz.pipe("dot", form, source.encode(), quiet=True))
    except (OSError, graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise RuntimeError(
            f"Graphviz's program dot does not run ({error}): save as .svg or .dot, or draw with"
            ' engine="builtin"'
        ) from error
