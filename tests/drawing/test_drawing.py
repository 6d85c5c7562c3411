"""Pictures: what they show, that they are safe and always the same, with and without Graphviz."""

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import graphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_process import run_python
from svg_texts import text_of, texts

from micrograd_bp.drawing import draw, draw_network
from micrograd_bp.engine import Value, allow_nonfinite, dot, fsum, scope
from micrograd_bp.nn import MLP
from micrograd_bp.text.numbers import pictured

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz on this machine")
LAYOUTS = ["builtin", pytest.param("dot", marks=needs_dot)]
HOSTILE = [
    'say "x"',
    "</text><script>alert(1)</script>",
    "a<b>&amp;&lt;c",
    "two\nlines\tand\rmore",
    "back\\slash \\N \\G \\\\ \\",
    "bell\x07 null\x00 escape\x1b surrogate\ud800 end\uffff",
    "👩‍🔬 δ_j ∂E/∂w 漢字",
    "]]> --> <!-- <![CDATA[",
    "]; n0 -> n0; n9 [label=",
    "x" * 10_000,
]


@pytest.fixture
def without_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def parse(svg):
    return ElementTree.fromstring(svg)


def number_of_arrows(svg, engine):
    root = parse(svg)
    if engine == "dot":
        edges = [g for g in root.iter(f"{SVG}g") if g.get("class") == "edge"]
        return sum(g.find(f".//{SVG}polygon") is not None for g in edges)
    return sum(1 for _ in root.iter(f"{SVG}polygon"))


def small_network():
    mlp = MLP(2, [3, 2], hidden="sigmoid", seed=1)
    y_1, y_2 = mlp([0.5, -1.0])
    error = ((y_1 - 1.0) ** 2 + (y_2 - 0.5) ** 2) / 2.0
    return mlp, error


# What a picture of a graph shows


@pytest.mark.parametrize("edges", [None, "local", "contribution"])
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("engine", LAYOUTS)
def test_one_arrow_an_operand(engine, rankdir, edges):
    x, y = Value(3.0, "x"), Value(4.0, "y")
    for root, arrows in ((x * x, 2), (x + x, 2), (x * y + x, 4), (dot([x, x], [y, x], x), 5)):
        graph = draw(root, engine=engine, rankdir=rankdir, edges=edges)
        assert number_of_arrows(graph.svg, engine) == arrows
    assert draw(x + x).dot.count("n0 -> n1") == 2


def test_every_line_of_the_built_in_layout_starts_at_a_box_or_on_another_line():
    x = Value(0.5, "x")
    y = x
    for _ in range(5):
        y = (y * x).sin()
    root = parse(draw(y, engine="builtin").svg)
    borders = {
        float(box.get("x")) + float(box.get("width"))
        for box in root.iter(f"{SVG}rect")
        if box.get("x")
    }
    lines = [
        [
            tuple(map(float, point.split(",")))
            for point in re.findall(r"[-\d.]+,[-\d.]+", path.get("d"))
        ]
        for path in root.iter(f"{SVG}path")
    ]
    assert len(lines) == 15
    for line in lines:
        others = {point for other in lines if other is not line for point in other[1:]}
        on_border = min(abs(line[0][0] - border) for border in borders) < 0.2
        assert on_border or line[0] in others


@pytest.mark.parametrize("engine", LAYOUTS)
def test_a_node_shows_label_operation_data_and_grad(engine):
    a = Value(2.0, "a")
    product = a * -3.25
    product.label = "p"
    product.backward()
    shown = texts(draw(product, engine=engine).svg)
    assert {"a", "2.0000", "const", "-3.2500", "-6.5000", "1.0000"} <= set(shown)
    assert {"p", "*"} <= set(" ".join(shown).split())


@pytest.mark.parametrize("engine", LAYOUTS)
def test_grad_is_a_dash_until_a_backward_pass_has_reached_the_node(engine):
    x = Value(3.0, "x")
    y = x * x
    assert texts(draw(y, engine=engine).svg).count("—") == 2
    z = y + 1.0
    y.backward()
    assert (
        texts(draw(z, engine=engine).svg).count("—") == 1
    )  # z; nobody asks for the grad of a constant
    x.grad = 0.0
    assert texts(draw(y, engine=engine).svg).count("—") == 1


@pytest.mark.parametrize("engine", LAYOUTS)
def test_a_grad_that_was_computed_as_zero_is_shown_as_zero(engine):
    x = Value(3.0, "x")
    y = x * 0.0
    y.backward()
    shown = texts(draw(y, engine=engine).svg)
    assert "—" not in shown
    assert shown.count("0.0000") == 3  # the data of the constant and of y, the grad of x


@pytest.mark.parametrize("engine", LAYOUTS)
def test_local_derivatives_on_the_arrows(engine):
    x, y = Value(3.0, "x"), Value(-5.5, "y")
    shown = texts(draw(x * y, edges="local", engine=engine).svg)
    assert shown.count("3.0000") == 2  # the data of x, and the arrow from y
    assert shown.count("-5.5000") == 2


@pytest.mark.parametrize("engine", LAYOUTS)
def test_the_contributions_of_a_node_add_up_to_its_grad(engine):
    x = Value(3.0, "x")
    y = x * x + x * 7.0
    assert (
        texts(draw(y, edges="contribution", engine=engine).svg).count("—") == 4 + 6
    )  # nodes but the constant, arrows
    y.backward()
    assert x.grad == 3.0 + 3.0 + 7.0
    shown = texts(draw(y, edges="contribution", engine=engine).svg)
    assert shown.count("3.0000") == 1 + 1 + 2  # x, the arrow at 7.0, the arrows of x * x
    assert shown.count("13.000") == 1


def test_a_zero_adjoint_contributes_zero_also_through_an_infinite_local_derivative():
    x = Value(0.0, "x")
    y = x.sqrt() * 0.0
    y.backward()
    svg = draw(y, edges="contribution", engine="builtin").svg
    assert "nan" not in svg
    assert "inf" in draw(y, edges="local", engine="builtin").svg


@pytest.mark.parametrize("engine", LAYOUTS)
def test_scopes_are_nested_clusters(engine):
    with scope("outer"):
        x = Value(1.0, "x")
        with scope("inner"):
            y = x.exp()
    z = y + 1.0
    graph = draw(z, engine=engine)
    assert {"outer", "inner"} <= set(texts(graph.svg))
    places = [graph.dot.index(text) for text in ("<outer>", "<inner>", "  n1 [", "n0 -> n1")]
    assert places == sorted(places)
    assert graph.dot.count("subgraph") == 2


def test_the_clusters_of_a_network_are_all_drawn_by_the_built_in_layout():
    _, error = small_network()
    shown = texts(draw(error, engine="builtin").svg)
    assert shown.count("layer1") == shown.count("layer2") == 1
    assert shown.count("neuron1") == shown.count("neuron2") == 2
    assert shown.count("neuron3") == 1


@pytest.mark.parametrize(("rankdir", "axis"), [("LR", "y"), ("TB", "x")])
@pytest.mark.parametrize("engine", LAYOUTS)
def test_the_operands_of_a_unit_stand_in_their_order(engine, rankdir, axis):
    _, error = small_network()
    root = parse(draw(error, engine=engine, rankdir=rankdir).svg)
    labels = {}
    for text in root.iter(f"{SVG}text"):
        labels.setdefault(text_of(text), []).append(float(text.get(axis)))
    for j in (1, 2):
        for layer in (1, 2):
            w = [labels[f"w^({layer})_{j}{i}"] for i in (1, 2, 0)]
            assert w[0] < w[1] < w[2]
    assert labels["w^(1)_31"] < labels["w^(1)_32"] < labels["w^(1)_30"]


def test_several_roots_share_one_picture():
    x = Value(2.0, "x")
    a, b = x * 3.0, x.exp()
    graph = draw([a, b, x])
    assert repr(graph) == "<Graph of 4 nodes and 3 edges>"
    assert graph.dot.count("peripheries=2") == 3
    assert draw((a,)).dot == draw(a).dot


def test_kinds_of_nodes_differ_by_more_than_colour():
    x = Value(2.0, "x")
    leaf, constant, root = re.findall(r'style="([^"]*)".*(peripheries=\d)', draw(x * 3.0).dot)
    assert len({leaf, constant, root}) == 3


def test_a_picture_keeps_the_numbers_of_its_moment():
    x = Value(2.0, "x")
    graph = draw(x * 3.0, engine="builtin")
    x.data = 99.0
    assert "99" not in graph.svg


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.123456, "0.1235"),
        (0.0, "0.0000"),
        (-0.0, "0.0000"),
        (1.0, "1.0000"),
        (9.99999, "10.000"),
        (-12.3456, "-12.346"),
        (12345.0, "1.23e4"),
        (9999.97, "1.00e4"),
        (0.00099, "9.9e-4"),
        (-1.5e-12, "-2e-12"),
        (1.7e308, "2e308"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_have_six_characters_and_a_sign(number, text):
    assert pictured(number) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_is_never_wider_than_its_column_and_shows_its_sign(number):
    text = pictured(number)
    assert len(text.lstrip("-")) <= 6
    assert (float(text) < 0) == (number < 0)
    assert float(text) == pytest.approx(number, rel=0.5)


# Safe, and always the same


@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_and_scopes_inject_nothing(label, engine):
    def graph(name):
        with scope(name):
            x = Value(2.0, name)
            y = x * x
        y.label = name
        return draw(y, edges="local", engine=engine)

    def tags(svg):
        return sorted(element.tag for element in parse(svg).iter())

    hostile = graph(label.replace("/", "|"))
    # Graphviz cuts a line of text into pieces at some signs; a plain name has one piece.
    assert set(tags(hostile.svg)) == set(tags(graph("plain").svg))
    assert number_of_arrows(hostile.svg, engine) == 2
    assert len(hostile.svg) < 12_000
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff\uffff]", hostile.svg)


@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize("label", [*HOSTILE[:3], HOSTILE[4], *HOSTILE[6:9]], ids=ascii)
def test_printable_labels_are_shown_as_they_are(label, engine):
    assert label in texts(draw(Value(2.0, label), engine=engine).svg)


@pytest.mark.parametrize("engine", LAYOUTS)
def test_long_labels_are_shortened_and_unprintable_signs_replaced(engine):
    assert "x" * 59 + "…" in texts(draw(Value(2.0, "x" * 10_000), engine=engine).svg)
    assert "a b\ufffdc" in texts(draw(Value(2.0, " a\n\tb\x07c "), engine=engine).svg)


@settings(max_examples=settings.default.max_examples // 3)
@given(label=st.text(), name=st.text(min_size=1).filter(lambda name: name.strip("/")))
def test_any_label_and_scope_give_well_formed_svg(label, name):
    with scope(name):
        y = Value(2.0, label) * 3.0
    for engine in ("builtin", "dot") if shutil.which("dot") else ("builtin",):
        assert number_of_arrows(draw(y, engine=engine).svg, engine) == 2


SCRIPT = """
import sys
from micrograd_bp.drawing import draw, draw_network
from micrograd_bp.nn import MLP
from micrograd_bp.text.numbers import pictured
mlp = MLP(2, [3, 2], hidden="tanh", seed=1)
error = sum(y ** 2 for y in mlp([0.5, -1.0]))
error.backward()
for graph in (draw(error), draw(error, engine="builtin"), draw_network(mlp, error)):
    sys.stdout.buffer.write((graph.svg + graph.dot).encode())
"""


def test_pictures_are_the_same_bytes_whatever_the_hash_seed():
    outputs = [run_python("-c", SCRIPT, PYTHONHASHSEED=seed).stdout for seed in ("0", "12345")]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 10_000


@needs_dot
def test_the_picture_by_dot_does_not_name_the_version_of_graphviz():
    svg = draw(Value(1.0, "x"), engine="dot").svg
    assert svg.startswith("<svg")
    assert "<!--" not in svg


# Without Graphviz


@pytest.mark.usefixtures("without_dot")
def test_without_dot_on_the_path_the_built_in_layout_draws():
    x = Value(3.0, "x")
    graph = draw(x * x)
    assert graph.svg == draw(x * x, engine="builtin").svg
    assert "image/svg+xml" in graph._repr_mimebundle_()


@pytest.mark.parametrize(
    "error", [OSError("no processes here"), graphviz.CalledProcessError(-11, "dot")]
)
def test_when_dot_does_not_start_or_crashes_the_built_in_layout_draws(monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(shutil, "which", lambda _name: "/somewhere/dot")
    monkeypatch.setattr(graphviz, "pipe", fail)
    x = Value(3.0, "x")
    assert draw(x * x).svg == draw(x * x, engine="builtin").svg
    forced = draw(x * x, engine="dot")
    with pytest.raises(RuntimeError, match='draw with engine="builtin"'):
        _ = forced.svg


@pytest.mark.usefixtures("without_dot")
def test_a_picture_that_cannot_be_drawn_still_has_text():
    bundle = draw(Value(3.0) * 2.0, engine="dot")._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "<Graph of 3 nodes and 2 edges>" in bundle["text/plain"]
    assert "install Graphviz" in bundle["text/plain"]


def test_a_notebook_gets_text_and_picture():
    bundle = draw(Value(3.0) * 2.0)._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == "<Graph of 3 nodes and 2 edges>"
    assert parse(bundle["image/svg+xml"]).tag == f"{SVG}svg"


# Files


@pytest.mark.parametrize("name", ["g.svg", "g.dot", "UPPER.SVG"])
@pytest.mark.usefixtures("without_dot")
def test_svg_and_dot_files_need_no_graphviz(tmp_path, name):
    graph = draw(Value(3.0, "δ") * 2.0)
    path = graph.save(tmp_path / name)
    assert path == tmp_path / name
    expected = graph.dot if name.endswith("dot") else graph.svg
    assert path.read_bytes().decode() == expected


@pytest.mark.parametrize("has_matplotlib", [True, False])
@pytest.mark.parametrize("engine", LAYOUTS)
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_png_and_pdf_files(tmp_path, monkeypatch, suffix, magic, engine, has_matplotlib):
    x = Value(3.0, "x")
    if not has_matplotlib:
        if engine == "builtin" and not shutil.which("dot"):
            pytest.skip("no Graphviz on this machine")
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    for graph in (draw(x * x, engine=engine), draw_network(MLP(1, [1]))):
        path = graph.save(str(tmp_path / f"g.{suffix}"))
        assert path.read_bytes().startswith(magic)


@pytest.mark.usefixtures("without_dot")
@pytest.mark.parametrize("engine", ["builtin", "dot"])
def test_png_without_matplotlib_and_dot_says_what_to_do_and_writes_nothing(
    tmp_path, monkeypatch, engine
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(RuntimeError, match=r"install Graphviz .* or save as \.svg"):
        draw(Value(3.0), engine=engine).save(tmp_path / "g.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["g.gif", "g", "g.svg.gz"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.dot, \.png or \.pdf"):
        draw(Value(3.0)).save(tmp_path / name)


# What is refused


@pytest.mark.parametrize("root", [3.0, "x", None, [Value(1.0), 2.0], {Value(1.0)}])
def test_what_is_no_value_is_refused(root):
    with pytest.raises(TypeError, match=r"draw needs a Value, such as the error E, or a list"):
        draw(root)


def test_no_root_is_refused():
    with pytest.raises(ValueError, match="at least one Value"):
        draw([])


@pytest.mark.parametrize("option", [{"edges": "grad"}, {"rankdir": "RL"}, {"engine": "neato"}])
def test_an_unknown_option_is_refused(option):
    with pytest.raises(ValueError, match=f"{next(iter(option))} is one of"):
        draw(Value(1.0), **option)


def test_a_graph_that_folding_leaves_too_large_says_what_to_do():
    node = Value(0.5)
    for _ in range(1000):
        node = node.sin() * node.cos()
    with pytest.raises(ValueError, match=r"3001 nodes is too .* scopes.* max_nodes=3001"):
        draw(node)
    total = fsum([node, *(Value(1.0) for _ in range(10))])
    with pytest.raises(ValueError, match=r"3012 nodes, 3003 boxes when folded, is too"):
        draw(total)


def test_the_limit_of_boxes_can_be_raised_and_lowered():
    node = Value(0.5)
    for _ in range(700):
        node = node.sin() * node.cos()
    graph = draw(node, engine="builtin", max_nodes=3000)
    assert number_of_arrows(graph.svg, "builtin") > 1500
    with pytest.raises(ValueError, match="limit is 3"):
        draw(Value(1.0) * 2.0 + 3.0, max_nodes=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"depth": -1}, ValueError, "depth is at least 0"),
        ({"depth": 1.0}, TypeError, "number of levels"),
        ({"open": "layer1"}, TypeError, "list of scopes"),
        ({"open": [1]}, TypeError, "in the list is 1"),
        ({"open": ["layer9"]}, ValueError, r"no node .* 'layer9'.* there are .*'layer1/neuron1'"),
    ],
)
def test_what_is_no_scope_to_open_is_refused(options, error, message):
    _, root = small_network()
    with pytest.raises(error, match=message):
        draw(root, **options)


# Colours, and what is wrong


def fills(dot_source):
    """The colour of each node of the DOT source."""
    return re.findall(r'fillcolor="(#\w+)"', dot_source)


def test_the_fill_shows_sign_and_power_of_ten_of_the_grad():
    x = [Value(1.0, f"x_{i}") for i in range(6)]
    root = dot(x, [-300.0, 300.0, 250.0, 30.0, -30.0, 0.0])
    assert set(fills(draw(root).dot)) == {"#ffffff"}
    root.backward()
    colours = dict(zip("abcdef", fills(draw(root).dot), strict=False))
    assert len(set(colours.values())) == 5
    assert colours["b"] == colours["c"]
    assert colours["f"] == "#ffffff"


@pytest.mark.parametrize("engine", LAYOUTS)
def test_a_legend_explains_the_colours_once_there_are_any(engine):
    x = Value(3.0, "x")
    y = x * x
    assert not any("≥" in text for text in texts(draw(y, engine=engine).svg))
    y.backward()
    shown = texts(draw(y, engine=engine).svg)
    assert {"grad", "≤ -1", "< 0", "0", "> 0", "≥ 1"} <= set(shown)


@pytest.mark.parametrize("engine", LAYOUTS)
def test_every_colour_is_explicit_on_white_paper(engine):
    x = Value(3.0, "x")
    y = x * x
    y.backward()
    root = parse(draw(y, engine=engine, edges="local").svg)
    for element in root.iter():
        if element.tag in (f"{SVG}text", f"{SVG}rect", f"{SVG}polygon"):
            assert element.get("fill") or element.find(f"{SVG}tspan") is not None
    paper = next(e for e in root.iter() if e.tag in (f"{SVG}rect", f"{SVG}polygon"))
    assert paper.get("fill") in ("white", "#ffffff")


@pytest.mark.parametrize("engine", LAYOUTS)
def test_where_inf_and_nan_come_from_is_flagged_and_nothing_after_it(engine):
    with allow_nonfinite():
        b = Value(1.0, "b") / Value(0.0, "a")
        c = (b - b) * 2.0 + Value(float("nan"), "t")
    shown = texts(draw(c, engine=engine).svg)
    assert [text for text in shown if "starts" in text] == ["inf starts here", "nan starts here"]


@needs_dot
@pytest.mark.parametrize("edges", [None, "local"])
def test_boxes_by_dot_are_as_wide_whatever_fonts_the_machine_has(edges):
    _, error = small_network()
    error.backward()
    with allow_nonfinite():
        infinite = Value(1.0, "numerator") / Value(0.0, "a")

    def widths(source):
        lines = graphviz.pipe("dot", "plain", source.encode()).decode().splitlines()
        nodes = [line.split() for line in lines if line.startswith("node n")]
        return {name: width for _, name, _, _, width, *_ in nodes}

    for root in (error, infinite):
        source = draw(root, edges=edges).dot
        narrow = source.replace("fontsize=11", "fontsize=8").replace('SIZE="12"', 'SIZE="9"')
        assert narrow.count("fontsize=8") == 1
        assert narrow.count('SIZE="9"') == len(widths(source)) > 2
        assert widths(narrow) == widths(source)


# Golden pictures: the same on every machine, with both engines


def golden_graph():
    """(a * b + c).tanh() in scopes, after a backward pass."""
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    with scope("unit/sum"):
        total = a * b + Value(6.75, "c")
    with scope("unit"):
        root = total.tanh()
    root.label = "o"
    root.backward()
    return root


GEOMETRY = {"d", "points", "x", "y", "width", "height", "viewBox", "transform"}


def without_coordinates(svg):
    """The elements of a picture; coordinates differ between versions of Graphviz."""
    return [
        (element.tag, (element.text or "").strip(), sorted(set(element.items()) - geometry))
        for element in parse(svg).iter()
        for geometry in [{(name, value) for name, value in element.items() if name in GEOMETRY}]
    ]


def test_the_built_in_picture_of_a_small_graph_is_golden():
    svg = draw(golden_graph(), edges="contribution", engine="builtin").svg
    assert svg == (GOLDEN / "graph_builtin.svg").read_text(encoding="utf-8")


@needs_dot
def test_the_picture_by_dot_of_a_small_graph_is_golden_but_for_coordinates():
    svg = draw(golden_graph(), edges="contribution", engine="dot").svg
    golden = (GOLDEN / "graph_dot.svg").read_text(encoding="utf-8")
    assert without_coordinates(svg) == without_coordinates(golden)


def test_the_dot_source_of_a_small_graph_is_golden():
    source = draw(golden_graph(), edges="contribution").dot
    assert source == (GOLDEN / "graph.dot").read_text(encoding="utf-8")
