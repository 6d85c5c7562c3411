"""The site: the README, the cheat sheet, the course and the API reference, as pages that load
nothing from elsewhere.

    pip install -e '.[docs]'
    python .ci/make_site.py [FOLDER]     # build/site, unless another is named

Markdown and notebooks go through nbconvert, docstrings through pdoc. Formulas become MathML, which
browsers set by themselves; the plain w_kj and sum_k of docstrings get their signs and indices. A
warning on the way is an error, and so is a link, a picture or an anchor that leads nowhere.
"""

import logging
import os
import re
import shutil
import sys
import warnings
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import nbformat
import pdoc
from jinja2 import ChoiceLoader, DictLoader, pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parents[1]
STYLE = Path(__file__).with_name("site.css")
MODULES = [
    "micrograd_bp",
    *(
        f"micrograd_bp.{name}"
        for name in "engine nn transforms program training training.losses training.optim drawing"
        " explorer testing book.worked_example book.backprop book.derivative_matrices".split()
    ),
]
"""The modules with a page in the API reference; of the first it has all that users import."""

# --- formulas -------------------------------------------------------------------------------------

SIGNS = {"alpha": "α", "beta": "β", "delta": "δ", "eta": "η", "lambda": "λ", "sum": "Σ"}
CODE = (
    r"```.*?```|`+[^`]*`+|\"[^\"\n]*\"|^ *>>>.*?(?:\n\s*\n|\Z)"  # of Markdown
    r"|<pre.*?</pre>|<code.*?</code>|<math.*?</math>|<[^>]*>"  # of HTML
)
LETTER = rf"(?<![\w.])(d?)([A-Za-z]|{'|'.join(SIGNS)})|(?<=\))"
INDEXED = rf"(?:{LETTER})_([a-z0-9]{{1,2}}(?:=\d)?)(?![\w(])"
RAISED = r"(?<=[\w)])\^(\w(?!\w)|\(\d\))"
NOTATION = re.compile(f"({CODE})|{INDEXED}|{RAISED}", re.DOTALL | re.MULTILINE)


def set_notation(text: str) -> str:
    """Markdown or HTML, with the signs and indices of formulas that are plain text.

    >>> set_notation("delta_j = sum_k w_kj delta_k, as ``delta_j``")
    'δ<sub>j</sub> = Σ<sub>k</sub> <i>w</i><sub>kj</sub> δ<sub>k</sub>, as ``delta_j``'
    """

    def as_set(found: re.Match[str]) -> str:
        code, d, letter, index, power = found.groups()
        if code:
            return str(code)
        if power:
            return f"<sup>{power}</sup>"
        base = SIGNS.get(letter) or (f"<i>{letter}</i>" if letter else "")
        return f"{d or ''}{base}<sub>{index}</sub>"

    return NOTATION.sub(as_set, text)


def as_mathml(latex: str, display: str) -> str:
    r"""A formula, inline or a block, of one row or several.

    >>> as_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block").count("<mtr>")
    2
    """
    return str(convert(latex.replace("{aligned}", "{align*}"), display=display))  # it knows that


# --- pages from Markdown and notebooks ------------------------------------------------------------


class Renderer(IPythonRenderer):
    """Markdown as the site has it: formulas in MathML, links to pages."""

    def inline_math(self, body: str) -> str:
        return as_mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return as_mathml(body.strip(), "block")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not urlsplit(url).scheme:
            url = re.sub(r"README\.md\b", "index.html", url)
            url = re.sub(r"\.(md|ipynb)\b", ".html", url)
        return str(super().link(text, url, title))


class Exporter(HTMLExporter):  # type: ignore[misc]
    """Notebooks as the inside of a page."""

    template_name = "basic"

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        yield from super().default_filters()
        render = MarkdownWithMath(Renderer(escape=False)).render
        yield "markdown2html", lambda text: set_notation(render(text))


def pages() -> list[Path]:
    """What becomes a page, in the order of the navigation."""
    course = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [ROOT / "README.md", ROOT / "notebooks/cheat_sheet.md", *course]


def address(source: Path) -> str:
    """Where the page made from a source is: beside it, the README's in front."""
    name = source.relative_to(ROOT).with_suffix(".html").as_posix()
    return "index.html" if name == "README.html" else name


def title(source: Path) -> str:
    """The first heading."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ipynb":
        text = nbformat.reads(text, 4).cells[0].source
    found = re.search(r"^# (.*)$", text, re.MULTILINE)
    assert found, source
    return found[1].replace("`", "")


def navigation(here: str) -> str:
    """The links to all pages, from the page at an address; its own is marked."""
    up = "../" * here.count("/")
    places = [(address(source), title(source)) for source in pages()]
    places.append(("reference/micrograd_bp.html", "API reference"))
    return "\n".join(
        f'<a href="{up}{place}"{" aria-current=page" if place == here else ""}>{escape(name)}</a>'
        for place, name in places
    )


def as_notebook(source: Path) -> Any:
    """A notebook, with formulas set and pictures that say what of; Markdown is one of one cell."""
    if source.suffix == ".md":
        cell = nbformat.v4.new_markdown_cell(source.read_text(encoding="utf-8"))
        return nbformat.v4.new_notebook(cells=[cell])
    notebook = nbformat.read(source, 4)
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^#+ (.*)$", cell.source, re.MULTILINE)][-1]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [kind for kind in data if kind.startswith("image/")]:
                bits = (
                    data[kind] if kind == "image/png" else b64encode(data[kind].encode()).decode()
                )
                data["text/html"] = (
                    f'<div class="picture"><img alt="Picture: {escape(heading)}"'
                    f' src="data:{kind};base64,{bits}"></div>'
                )
            if formula := data.get("text/latex"):
                data["text/html"] = as_mathml(formula.strip("$\n"), "block")
    return notebook


def write_page(source: Path, folder: Path) -> None:
    """The page made from a source, in a folder."""
    body, _ = Exporter().from_notebook_node(as_notebook(source))
    here = address(source)
    to = folder / here
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title(source))}</title>
<link rel="stylesheet" href="{"../" * here.count("/")}site.css">
</head>
<body class="{source.stem}">
<nav>
{navigation(here)}
</nav>
<main>
{body}
</main>
</body>
</html>
""",
        encoding="utf-8",
    )


# --- the API reference ----------------------------------------------------------------------------

MODULE_PAGE = """{% extends "default/module.html.jinja2" %}
{% block module_list_link %}
<a class="pdoc-button" href="{{ "../" * (module.modulename.count(".") + 1) }}index.html">Home</a>
{{ super() }}
{% endblock %}
{% block nav_submodules %}
<h2>Modules</h2>
<ul>
{% for name in all_modules %}
<li><a href="{{ "../" * module.modulename.count(".") }}{{ name.replace(".", "/") }}.html">
{{- name.partition(".")[2] or name }}</a></li>
{% endfor %}
</ul>
{% endblock %}"""


class Class(pdoc.doc.Class):
    """A class that shows what it inherits from the package as its own: bases need not be public."""

    @property
    def own_members(self) -> list[Any]:
        return [x for x in self.members.values() if x.taken_from[0].startswith("micrograd_bp")]

    inherited_members: ClassVar[dict[Any, Any]] = {}


def write_reference(folder: Path) -> None:
    """The pages of all public names."""
    for name in MODULES:
        module = import_module(name)
        for public in getattr(module, "__all__", ()):  # some are loaded at their first use
            setattr(module, public, getattr(module, public))
    pdoc.doc.Class = Class
    pdoc.render.configure(docformat="google")
    env = pdoc.render.env
    env.loader = ChoiceLoader([DictLoader({"module.html.jinja2": MODULE_PAGE}), env.loader])
    to_markdown = pdoc.render.to_markdown_with_context
    env.filters["to_markdown"] = pass_context(
        lambda context, docstring: set_notation(to_markdown(context, docstring))
    )
    others = rf"!(?!({'|'.join(MODULES)})$)"
    pdoc.pdoc(*MODULES, others, output_directory=folder)


# --- what leads nowhere ---------------------------------------------------------------------------


class Page(HTMLParser):
    """The anchors of a page, its links, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors.update(found[name] for name in ("id", "name") if name in found)
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif "src" in found or "href" in found:
            self.loads.append(found.get("src") or found["href"])


def faults(folder: Path) -> list[str]:
    """The links and anchors of a site that lead nowhere, and what it loads from elsewhere."""
    read = {
        path.resolve(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")
    }
    found = []
    for path, page in read.items():
        for url in [*page.links, *page.loads]:
            parts = urlsplit(url)
            if parts.scheme:
                if url in page.loads and parts.scheme != "data":
                    found.append(f"{path.name}: loads {url}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{path.name}: no file for {url}")
            elif parts.fragment and unquote(parts.fragment) not in read[target].anchors:
                found.append(f"{path.name}: no anchor for {url}")
    return found


def main(folder: Path) -> int:
    """Make the site in a folder, new; gives the exit status."""
    os.environ["MICROGRAD_BP_PURE"] = "1"  # of the pure engine pdoc sees types and source
    warnings.simplefilter("error")
    spoken: list[str] = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: spoken.append(record.getMessage())  # type: ignore[method-assign]
    Exporter().log.addHandler(listener)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    formats = HtmlFormatter().get_style_defs(".highlight")
    (folder / "site.css").write_text(STYLE.read_text(encoding="utf-8") + formats, encoding="utf-8")
    for source in pages():
        write_page(source, folder)
    for picture in (ROOT / "notebooks").glob("*.[sp][vn]g"):
        shutil.copy(picture, folder / "notebooks")
    write_reference(folder / "reference")
    found = [*spoken, *faults(folder)]
    print(*found, sep="\n", end="\n" if found else "")
    n = len(list(folder.rglob("*.html")))
    print(f"{folder}: {n} pages, {len(found)} faults")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/site")))
