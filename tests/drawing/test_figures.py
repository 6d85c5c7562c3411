"""Figures for papers: TikZ that compiles, PNG and PDF without Graphviz, and arrows that meet."""

import contextlib
import re
import shutil
import subprocess
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from svg_texts import text_of, texts

from micrograd_bp.drawing import draw, draw_network
from micrograd_bp.engine import Value, allow_nonfinite, fsum, scope, topological_order
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.nn import MLP
from micrograd_bp.testing import graphs
from micrograd_bp.text.names import names_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    r"\end{document} \input{/etc/passwd} \write18{ls}",
    "}{ $ $$ % & # _ ^ ~ \\ \\\\ {{{",
    "two\nlines\r\nand\ttabs\x00\x1b\x7f",
    "\"quotes\" 'and' `ticks` ?` !` -- --- << >> [x] |w|",
    "👩‍🔬🏳️‍🌈 δ_j ∂E/∂w 漢字 עברית\u202e\u2066 Ünïçödé œ ß ϕ −×²→∞",
    "Z" + "\u0301\u0323\u20d0" * 50,
    "\ud800 \ufffe \U0010ffff \ue000 \u00ad",
    "^^41 ^^5c \\^^M ^^M",
    "x" * 10_000,
    "\\\\" * 5_000,
]


def has_tex():
    """Whether pdflatex is here with the class and the packages that the document names."""
    files = ["standalone.cls", "tikz.sty", "amsmath.sty", "amssymb.sty"]
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    found = subprocess.run(
        ["kpsewhich", *files], capture_output=True, text=True, check=False, timeout=300
    )
    return len(found.stdout.split()) == len(files)


def labelled(labels):
    leaves = []
    for i, label in enumerate(labels):
        with scope(f"{i}{label}".replace("/", "|")):
            leaves.append(Value(2.0, label) * 3.0)
    root = fsum(leaves)
    root.label = labels[0]
    root.backward()
    return root


def network(*sizes, points=1, **options):
    mlp = MLP(sizes[0], sizes[1:], seed=1, **options)
    outputs = [mlp([0.1 * (i + n) for i in range(sizes[0])]) for n in range(points)]
    error = fsum(y**2 for ys in outputs for y in (ys if isinstance(ys, list) else [ys]))
    error.backward()
    return mlp, error


def every_function():
    """A node for each function of the table that has a value at 0.5, and for the operators."""
    x = Value(0.5, "x")
    nodes = [x + 1, x - 1, x * 2, x / 2, x**2, x**x, -x, x // 2, x % 2]
    with allow_nonfinite():
        for function in FUNCTIONS.values():
            with contextlib.suppress(TypeError, ValueError):
                nodes.append(function(x))
    return fsum(nodes)


def picture(name):
    if name == "hostile":
        return draw(labelled(HOSTILE), edges="contribution")
    if name == "functions":
        return draw(every_function())
    if name == "folded":
        return draw(network(2, 16, 16, 1, hidden="tanh")[1])
    mlp, error = network(2, 16, 3, 1, hidden="sigmoid")
    return draw_network(mlp, error, inputs=[HOSTILE[0], HOSTILE[1]])


# TikZ


@pytest.mark.skipif(not has_tex(), reason="no TeX with TikZ on this machine")
@pytest.mark.parametrize(
    "name",
    [
        "hostile",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("functions", "folded", "network")),
    ],
)
def test_tex_compiles_to_one_page(name, tmp_path):
    path = picture(name).save(tmp_path / "figure.tex")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=1200, check=False)
    log = run.stdout.decode(errors="replace")
    assert run.returncode == 0, log[-2000:]
    assert "Output written on figure.pdf (1 page" in log.replace("\n", "")
    assert "Missing character" not in log


COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)


def commands(graph, tmp_path):
    """The commands of a document, without those that declare its characters."""
    source = graph.save(tmp_path / "figure.tex").read_text(encoding="utf-8")
    source = re.sub(r"\\ifdefined.*?\\fi\n", "", source, flags=re.DOTALL)
    return set(COMMAND.findall(source)), source


OF_TEXT = {r"\text", r"\backslash", r"\sim", r"\hat", "\\ ", *(f"\\{c}" for c in "{}$&#_%")}


@given(labels=st.lists(st.text() | st.sampled_from(HOSTILE), min_size=1, max_size=3))
def test_a_label_brings_no_command_into_tex(labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tex")
    own, _ = commands(draw(labelled(["harmless"]), edges="contribution"), folder)
    found, source = commands(draw(labelled(labels), edges="contribution"), folder)
    names = {
        rf"\{word}"
        for word in re.findall(
            r"\\([A-Za-z]+)",
            " ".join(name.latex for name in names_of(topological_order(labelled(labels))).values()),
        )
    }
    assert found <= own | OF_TEXT | names | {r"\mathrm", r"\definecolor"}
    unescaped = re.sub(r"\\.", "", source)
    assert unescaped.count("{") == unescaped.count("}")
    assert all(line.count("$") % 2 == 0 for line in re.sub(r"\\.", "", source).splitlines())


def test_names_are_mathematics_in_tex(tmp_path):
    mlp, error = network(2, 3, 1, hidden="tanh")
    _, graph = commands(draw(error), tmp_path)
    assert "{$w^{(2)}_{13}$}" in graph
    assert r"{$z^{(1)}_{2} \; \tanh(\cdot)$}" in graph
    _, diagram = commands(draw_network(mlp, error), tmp_path)
    assert "{$w^{(2)}_{13} = " in diagram
    assert r"{$\delta^{(1)}_{2} = " in diagram


def test_the_notation_is_the_same_in_both_pictures_and_in_tables():
    for sizes in ((2, 3, 1), (2, 3, 4, 1), (1, 1)):
        mlp, error = network(*sizes, hidden="sigmoid")
        names = {name.plain for name in names_of(topological_order(error)).values()}
        assert names <= set(" ".join(texts(draw(error).svg)).split())
        diagram = {text.partition("=")[0] for text in texts(draw_network(mlp, error).svg)}
        assert names <= diagram


# PNG and PDF


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_paper_has_the_same_bytes_every_time_and_the_size_of_the_picture(form, tmp_path):
    graph = draw(labelled(["w_12", "x"]))
    first = graph.save(tmp_path / f"1.{form}").read_bytes()
    style = {"savefig.bbox": "tight", "savefig.transparent": True, "path.sketch": (1, 100, 2)}
    with matplotlib.rc_context({**style, "text.usetex": True, "font.family": "serif"}):
        backend = matplotlib.rcParams["backend"]
        second = graph.save(tmp_path / f"2.{form}").read_bytes()
        assert matplotlib.rcParams["backend"] == backend
        assert matplotlib.rcParams["text.usetex"]
    assert first == second
    width, height = map(int, re.search(r'width="(\d+)" height="(\d+)"', graph.svg).groups())
    if form == "png":
        size = [int.from_bytes(first[i : i + 4], "big") for i in (16, 20)]
        assert size == pytest.approx([2 * width, 2 * height], abs=2)
    else:
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", first).groups()
        assert [float(x) for x in box] == pytest.approx([0.75 * width, 0.75 * height], abs=2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.filterwarnings("ignore:Matplotlib currently does not support")
def test_hostile_labels_are_drawn_on_paper_as_text(tmp_path):
    for form in ("png", "pdf"):
        assert draw(labelled(HOSTILE)).save(tmp_path / f"g.{form}").stat().st_size > 10_000


# Where arrows end, and in what order things stand


def heads(svg):
    """The tips of all heads of arrows."""
    root = ElementTree.fromstring(svg)
    polygons = [polygon.get("points").split()[0] for polygon in root.iter(f"{SVG}polygon")]
    return [tuple(map(float, point.split(","))) for point in polygons]


@given(graphs(max_operations=12), st.sampled_from(["LR", "TB"]))
@settings(max_examples=settings.default.max_examples // 4)
def test_every_arrow_of_a_graph_ends_at_the_border_of_a_box(graph, rankdir):
    svg = draw(graph.evaluate().root, rankdir=rankdir).svg
    boxes = [
        [float(box.get(side)) for side in ("x", "y", "width", "height")]
        for box in ElementTree.fromstring(svg).iter(f"{SVG}rect")
        if box.get("x")
    ]
    for x, y in heads(svg):
        assert any(
            (abs(x - left) < 0.2 and top < y < top + height)
            if rankdir == "LR"
            else (abs(y - top) < 0.2 and left < x < left + width)
            for left, top, width, height in boxes
        )


networks = st.lists(st.integers(1, 15), min_size=2, max_size=5)


@given(networks, st.booleans())
@settings(max_examples=settings.default.max_examples // 4)
def test_every_line_of_a_network_ends_at_a_circle_and_units_stand_in_order(sizes, labels):
    mlp, error = network(*sizes)
    svg = draw_network(mlp, error, labels=labels).svg
    circles = [
        tuple(float(circle.get(part)) for part in ("cx", "cy", "r"))
        for circle in ElementTree.fromstring(svg).iter(f"{SVG}circle")
    ]
    assert len(circles) == sum(min(size, 12) + 1 for size in sizes) - 1
    for (x, y, r), (u, v, s) in pairwise(circles):
        assert (x == u and y + r < v - s) or x + r < u - s  # below, or in the next column
    for x, y in heads(svg):
        assert any(abs((x - u) ** 2 + (y - v) ** 2 - r**2) < 0.4 * r for u, v, r in circles)


@pytest.mark.parametrize("depth", [None, 1])  # whole, and folded
def test_units_stand_in_order_in_the_graph_too(depth):
    outputs = MLP(2, [3], hidden="tanh", seed=1)([0.5, -1.0])
    svg = draw(fsum([outputs[k] ** 2 for k in (2, 0, 1)]), depth=depth).svg
    texts = ElementTree.fromstring(svg).iter(f"{SVG}text")
    tops = {text_of(text): float(text.get("y")) for text in texts}
    assert tops["neuron1"] < tops["neuron2"] < tops["neuron3"]


# The diagram of a network


def lines(svg):
    return svg.count("<path ")


def hints(svg):
    return [title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")]


def test_of_many_lines_the_strongest_are_drawn_and_the_legend_says_so():
    mlp, error = network(8, 8, 1, hidden="tanh")
    layer = mlp.layers[0]
    by_weight = {
        f"w^(1)_{j}{i}": abs(w.data)
        for j, neuron in enumerate(layer.neurons, 1)
        for i, w in [*enumerate(neuron.w, 1), (0, neuron.b)]
    }
    by_contribution = {
        name: weight * abs(delta)
        for name, weight in by_weight.items()
        for delta in [next(n for n in topological_order(error) if n.label == f"a_{name[6]}").grad]
    }
    for how, strengths, sign in (
        ("weight", by_weight, "|w|"),
        ("contribution", by_contribution, "|w δ|"),
    ):
        svg = draw_network(mlp, error, strongest=how, lines=20).svg
        drawn = {hint.partition(" = ")[0] for hint in hints(svg)}
        assert drawn == set(sorted(strengths, key=strengths.get, reverse=True)[:20])
        assert any(
            text.endswith(f"more than 20 between two layers, those of largest {sign}")
            for text in texts(svg)
        )
    svg = draw_network(mlp, error, lines=None).svg
    assert lines(svg) == 8 * 9 + 9
    assert not any("between two layers" in text for text in texts(svg))


def test_without_labels_the_numbers_are_hints():
    mlp, error = network(2, 3, 1)
    svg = draw_network(mlp, error, labels=False).svg
    assert not any("=" in text for text in texts(svg) if "w" not in text)
    assert sum("δ" in hint for hint in hints(svg)) == 4
    assert sum(hint.startswith("w") for hint in hints(svg)) == 13
    size = re.compile(r'width="(\d+)"')
    assert int(size.search(svg)[1]) < int(size.search(draw_network(mlp, error).svg)[1])


def test_the_inputs_have_names_where_they_are_shown():
    mlp, error = network(20, 2, 1)
    names = [f"column {i}" for i in range(1, 21)]
    shown = texts(draw_network(mlp, error, inputs=names).svg)
    assert [text for text in shown if "column" in text] == [*names[:11], names[-1]]
    assert "width_2" in texts(draw_network(MLP(1, [1]), inputs=["width_2"]).svg)


def test_a_deep_network_is_fitted():
    for labels in (True, False):
        mlp, error = network(2, *[3] * 8, 1)
        svg = draw_network(mlp, error, labels=labels).svg
        assert int(re.search(r'width="(\d+)"', svg)[1]) < 1800
        assert sum(hint.startswith("w") for hint in hints(svg)) == len(mlp.parameters())


def test_an_input_of_zero_shows_its_number():
    mlp = MLP(2, [1], seed=1)
    assert "x_1= 0.0000" in texts(draw_network(mlp, mlp([0.0, 1.0])).svg)


def test_the_colours_of_grads_are_the_same_in_all_pictures_of_a_model():
    mlp, error = network(2, 3, 1, hidden="tanh")
    graph, diagram = draw(error), draw_network(mlp, error)
    legends = [[text for text in texts(g.svg) if text[0] in "≤≥<>"] for g in (graph, diagram)]
    assert legends[0] == legends[1]
    box = re.search(r'<B>a\^\(1\)_2</B>.*fillcolor="(#\w+)"', graph.dot)[1]
    unit = re.search(r'fillcolor="(#\w+)", label=<[^\n]*a<SUP>\(1\)</SUP><SUB>2<', diagram.dot)[1]
    assert box == unit != "#ffffff"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"inputs": "xy"}, TypeError, "inputs is a list of names, such as .*, not \"?'xy'"),
        ({"inputs": [1, 2]}, TypeError, "in the list is 1"),
        ({"inputs": ["a"]}, ValueError, "has 2 inputs, and there are 1 names"),
        ({"lines": 1.5}, TypeError, "a number of lines, an integer, not 1.5"),
        ({"lines": 0}, ValueError, "lines is at least 1, not 0"),
        ({"strongest": "w"}, ValueError, "'weight' or 'contribution', not 'w'"),
        ({"strongest": "contribution", "lines": 3}, ValueError, r"call root\.backward\(\) before"),
    ],
)
def test_what_a_network_cannot_be_drawn_by_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        draw_network(MLP(2, [3, 1], seed=1), **options)


# Notebooks


@pytest.mark.parametrize("engine", ["builtin", "dot"])
def test_a_notebook_scales_a_picture_to_its_cell_but_not_below_what_can_be_read(engine):
    if engine == "dot" and not shutil.which("dot"):
        pytest.skip("no Graphviz on this machine")
    _, error = network(2, 3, 1)
    graph = draw(error, engine=engine)
    html = graph._repr_mimebundle_()["text/html"]
    width, unit = re.search(r'width="([\d.]+)(pt)?"', graph.svg).groups()
    least = re.search(r"max-width:100%;min-width:(\d+)(px|pt);height:auto", html)
    assert float(least[1]) == pytest.approx(0.64 * float(width), abs=1)
    assert least[2] == (unit or "px")
    assert f'alt="{repr(graph).replace("<", "&lt;").replace(">", "&gt;")}"' in html
