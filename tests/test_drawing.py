"""Pictures: what they show, that they are safe and always the same, with and without Graphviz."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import graphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_bp
from micrograd_bp.drawing import draw, draw_network, format_number
from micrograd_bp.engine import Value, dot, no_grad, scope
from micrograd_bp.nn import MLP

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


def texts(svg):
    """The text elements of a picture, spaces unified."""
    return [" ".join("".join(text.itertext()).split()) for text in parse(svg).iter(f"{SVG}text")]


def number_of_arrows(svg, engine):
    root = parse(svg)
    if engine == "dot":
        return sum(g.get("class") == "edge" for g in root.iter(f"{SVG}g"))
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
    assert {"a", "2", "const", "-3.25", "-6.5", "1"} <= set(shown)
    assert {"p", "*"} <= set(" ".join(shown).split())


@pytest.mark.parametrize("engine", LAYOUTS)
def test_grad_is_a_dash_until_a_backward_pass_has_reached_the_node(engine):
    x = Value(3.0, "x")
    y = x * x
    assert texts(draw(y, engine=engine).svg).count("—") == 2
    z = y + 1.0
    y.backward()
    assert texts(draw(z, engine=engine).svg).count("—") == 2  # z and the constant
    x.grad = 0.0
    assert texts(draw(y, engine=engine).svg).count("—") == 1


@pytest.mark.parametrize("engine", LAYOUTS)
def test_a_grad_that_was_computed_as_zero_is_shown_as_zero(engine):
    x = Value(3.0, "x")
    y = x * 0.0
    y.backward()
    shown = texts(draw(y, engine=engine).svg)
    assert "—" not in shown
    assert shown.count("0") == 3  # the data of the constant and of y, the grad of x


@pytest.mark.parametrize("engine", LAYOUTS)
def test_local_derivatives_on_the_arrows(engine):
    x, y = Value(3.0, "x"), Value(-5.5, "y")
    shown = texts(draw(x * y, edges="local", engine=engine).svg)
    assert shown.count("3") == 2  # the data of x, and the arrow from y
    assert shown.count("-5.5") == 2


@pytest.mark.parametrize("engine", LAYOUTS)
def test_the_contributions_of_a_node_add_up_to_its_grad(engine):
    x = Value(3.0, "x")
    y = x * x + x * 7.0
    assert texts(draw(y, edges="contribution", engine=engine).svg).count("—") == 5 + 6
    y.backward()
    assert x.grad == 3.0 + 3.0 + 7.0
    shown = texts(draw(y, edges="contribution", engine=engine).svg)
    assert shown.count("3") == 1 + 2 + 2  # data of x, arrow and grad of 7.0, two arrows of x * x
    assert shown.count("13") == 1


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
        (-0.0, "0"),
        (12345.0, "1.234e+04"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1.0, "1"),
    ],
)
def test_numbers_have_four_significant_digits(number, text):
    assert format_number(number) == text


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


@settings(max_examples=30, deadline=None)
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
mlp = MLP(2, [3, 2], hidden="tanh", seed=1)
error = sum(y ** 2 for y in mlp([0.5, -1.0]))
error.backward()
for graph in (draw(error), draw(error, engine="builtin"), draw_network(mlp, error)):
    sys.stdout.buffer.write((graph.svg + graph.dot).encode())
"""


def test_pictures_are_the_same_bytes_whatever_the_hash_seed():
    folder = str(Path(micrograd_bp.__file__).parents[1])
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "12345")
    ]
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


@needs_dot
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_png_and_pdf_files_by_dot(tmp_path, suffix, magic):
    mlp, error = small_network()
    for graph in (draw(error), draw_network(mlp, error)):
        path = graph.save(str(tmp_path / f"g.{suffix}"))
        assert path.read_bytes().startswith(magic)


@pytest.mark.usefixtures("without_dot")
def test_png_without_dot_says_what_to_do_and_writes_nothing(tmp_path):
    with pytest.raises(RuntimeError, match=r"install Graphviz .* or save as \.svg"):
        draw(Value(3.0)).save(tmp_path / "g.png")
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


def test_a_graph_too_large_to_read_says_so_at_once():
    node = Value(0.5)
    for _ in range(100_000):
        node = node.sin()
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"100001 nodes .* interior node.* max_nodes=100001"):
        draw(node)
    assert time.perf_counter() - start < 5.0


def test_the_limit_of_nodes_can_be_raised_and_lowered():
    node = Value(0.5)
    for _ in range(1500):
        node = node.sin()
    graph = draw(node, engine="builtin", max_nodes=2000)
    assert number_of_arrows(graph.svg, "builtin") == 1500
    with pytest.raises(ValueError, match="limit is 3"):
        draw(node, max_nodes=3)


# The diagram of a network


def shown_quantities(graph):
    """What the picture writes as name = number, in its order."""
    pairs = [text.split("=") for text in texts(graph.svg) if "=" in text]
    return [(name.strip(), number.strip()) for name, number in pairs]


def expected_weights(mlp, grad):
    expected = []
    for layer in mlp.layers:
        for j, neuron in enumerate(layer.neurons, start=1):
            for i, w in [*enumerate(neuron.w, start=1), (0, neuron.b)]:
                expected += [(f"w{j}{i}", format_number(w.data)), ("dE/dw", grad(w))]
    return expected


def test_without_root_a_network_shows_its_weights_and_no_grad():
    mlp, _ = small_network()
    quantities = shown_quantities(draw_network(mlp))
    assert quantities[:-2] == expected_weights(mlp, lambda _: "—")
    assert quantities[-2:] == [("x0", "1"), ("z0", "1")]
    assert {"x1", "x2", "z1", "z2", "z3", "y1", "y2"} <= set(texts(draw_network(mlp).svg))


def test_a_network_shows_every_weight_and_its_derivative():
    mlp, error = small_network()
    error.backward()
    quantities = shown_quantities(draw_network(mlp, error))
    weights = expected_weights(mlp, lambda w: format_number(w.grad))
    assert quantities[: len(weights)] == weights


@pytest.mark.parametrize("output", ["linear", "tanh"])
@pytest.mark.parametrize("hidden", ["sigmoid", "linear", lambda a: a * a.sigmoid()])
def test_a_network_shows_the_numbers_of_every_unit(hidden, output):
    mlp = MLP(2, [3, 2, 2], hidden=hidden, output=output, seed=1)
    x = [Value(0.5, "x_1"), Value(-1.0, "x_2")]
    expected = [("x1", "0.5"), ("x2", "-1"), ("x0", "1")]
    z, nodes = x, []
    for layer in mlp.layers:
        with scope("layer"):
            z = layer.outputs(z)
        nodes.append(z)
    error = (z[0] - 1.0) ** 2 + z[1] ** 2
    error.backward()
    for depth, (layer, activations) in enumerate(zip(mlp.layers, nodes, strict=True)):
        is_output = depth == 2
        for j, (neuron, activation) in enumerate(zip(layer.neurons, activations, strict=True), 1):
            a = activation
            while a.operation.name != "dot":
                a = a.parents[0]
            assert neuron.w[0] in a.parents
            if not (is_output and output == "linear"):
                expected.append((f"a{j}", format_number(a.data)))
            letter = "y" if is_output else "z"
            expected.append((f"{letter}{j}", format_number(activation.data)))
            expected.append((f"δ{j}", format_number(a.grad)))
        if not is_output:
            expected.append(("z0", "1"))
    assert shown_quantities(draw_network(mlp, error))[-len(expected) :] == expected


def test_delta_is_a_dash_before_backward():
    mlp, error = small_network()
    quantities = shown_quantities(draw_network(mlp, error))
    assert [number for name, number in quantities if name[0] == "δ"] == ["—"] * 5


def test_of_several_forward_passes_the_last_is_shown():
    mlp = MLP(1, [2, 1], hidden="tanh", seed=1)
    error = mlp([0.25]) ** 2 + mlp([0.75]) ** 2
    assert ("x1", "0.75") in shown_quantities(draw_network(mlp, error))


def test_an_output_that_root_does_not_depend_on_shows_no_number():
    mlp = MLP(2, [2, 2], seed=1)
    y_1, _ = mlp([0.5, 1.0])
    quantities = dict(shown_quantities(draw_network(mlp, y_1)))
    assert quantities["y1"] == format_number(y_1.data)
    assert "y2" not in quantities


@pytest.mark.parametrize("sizes", [(1, [1]), (2, [3, 2]), (4, [6, 5, 3]), (3, [12, 12, 1])])
def test_the_inscriptions_of_a_network_stay_apart(sizes):
    mlp = MLP(*sizes, seed=1)
    root = parse(draw_network(mlp).svg)
    places = [
        (float(text.get("x")), float(text.get("y")))
        for text in root.iter(f"{SVG}text")
        if text.get("font-size") == "10"
    ]
    for i, (x, y) in enumerate(places):
        for u, v in places[i + 1 :]:
            assert abs(x - u) > 90 or abs(y - v) > 25


def test_the_dot_source_of_a_network_pins_everything():
    mlp, error = small_network()
    source = draw_network(mlp, error).dot
    assert "layout=neato" in source
    nodes = [line for line in source.splitlines() if re.match(r"  [huwlr]\d+ \[", line)]
    assert len(nodes) == 3 + 9 + 3 * 17
    assert all(re.search(r'pos="[-\d.]+,[-\d.]+!"', line) for line in nodes)


def test_a_network_refuses_what_it_cannot_draw():
    mlp, _ = small_network()
    with pytest.raises(TypeError, match="needs an MLP"):
        draw_network(Value(1.0))
    with pytest.raises(TypeError, match="needs a Value as root"):
        draw_network(mlp, 3.0)
    with pytest.raises(ValueError, match="not computed from the outputs"):
        draw_network(mlp, Value(1.0) * 2.0)
    y_1, _ = mlp.layers[1]([Value(1.0)] * 3)
    with pytest.raises(ValueError, match="not computed from the outputs"):
        draw_network(mlp, y_1)
    with no_grad():
        y_1, _ = mlp([0.5, 1.0])
    with pytest.raises(ValueError, match="outside no_grad"):
        draw_network(mlp, y_1)
    with pytest.raises(ValueError, match=r"40401 weights .* max_weights=40401"):
        draw_network(MLP(200, [200, 1]))
