"""A picture that shows itself in a notebook and saves itself to a file."""

from collections.abc import Callable
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..whole_file import write_whole


class Graph:
    """A picture that shows itself in a notebook.

    Args:
        dot: the picture as DOT source.
        draw_svg: what draws it, when it is first needed.
        summary: what it shows, in a line.

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

    def __init__(self, dot: str, draw_svg: Callable[[], str], summary: str) -> None:
        self.dot = dot
        self._draw_svg = draw_svg
        self._summary = summary

    def __repr__(self) -> str:
        return self._summary

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, an element ``<svg>`` that stands alone or inside HTML."""
        return self._draw_svg()

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the picture to a file.

        Args:
            path: a file name that ends in .svg, .dot, .png or .pdf.

        Returns:
            The path of the file.

        Raises:
            ValueError: the name ends otherwise.
            RuntimeError: .png and .pdf need Graphviz's program ``dot``, and it does not run.
            OSError: the file cannot be written.

        >>> import tempfile
        >>> from micrograd_bp import Value, draw
        >>> graph = draw(Value(3.0, label="x") ** 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph.save(folder + "/square.svg").name
        'square.svg'
        """
        name, path = fspath(path), Path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.svg.encode()
        elif suffix == ".dot":
            content = self.dot.encode()
        elif suffix in (".png", ".pdf"):
            content = run_dot(self.dot, suffix[1:])
        else:
            raise ValueError(f"cannot save {name!r}: need a name in .svg, .dot, .png or .pdf")
        write_whole(path, content)
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            narrowing = self.svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)
            return {"text/plain": repr(self), "image/svg+xml": narrowing}
        except Exception as error:  # a notebook shows the reason in place of the picture
            return {"text/plain": f"{self!r}\nno picture: {error}"}


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
            f"{form} pictures need Graphviz's program dot, and it is not on the PATH: install"
            " Graphviz (https://graphviz.org/download), or save as .svg or .dot"
        )
    import graphviz  # only here: the rest of the package does without

    try:
        return bytes(graphviz.pipe("dot", form, source.encode(), quiet=True))
    except (OSError, graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise RuntimeError(
            f"Graphviz's program dot does not run ({error}): save as .svg or .dot, or draw with"
            ' engine="builtin"'
        ) from error
