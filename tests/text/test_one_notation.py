"""One name for one thing: in pictures, tables, LaTeX and pages a quantity is called the same."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from svg_texts import texts

from micrograd_bp import (
    MLP,
    Program,
    Value,
    dot,
    draw,
    draw_network,
    explain,
    latex,
    scope,
    square,
    topological_order,
)
from micrograd_bp.drawing.palette import TIMES
from micrograd_bp.explorer.description import describe, name_nodes
from micrograd_bp.explorer.folds import graph_folded
from micrograd_bp.explorer.network_view import network_view
from micrograd_bp.nn import Neuron
from micrograd_bp.nn.units import find_units
from micrograd_bp.text.evaluation_trace import trace_table
from micrograd_bp.text.latex import short_latex
from micrograd_bp.text.names import errors_of, names_of, plain, read_name

LETTERS = "wazyδhb"


def network(*sizes: int, hidden: str = "tanh", output: str = "linear") -> tuple[MLP, Value]:
    model = MLP(sizes[0], [*sizes[1:]], hidden=hidden, output=output, seed=1)
    outputs = model([Value(i / 10, f"x_{i}") for i in range(1, sizes[0] + 1)])
    error = sum(square(y - 0.5) for y in (outputs if isinstance(outputs, list) else [outputs]))
    error.label = "E"
    error.backward()
    return model, error


def names_by_hand(model: MLP) -> set[str]:
    """What the book calls the quantities: with the layer above if there are several, but y_k."""
    last = len(model.layers)
    names = set()
    for number, layer in enumerate(model.layers, 1):
        above = f"^({number})" if last > 1 else ""
        for j, neuron in enumerate(layer.neurons, 1):
            names |= {f"w{above}_{j}{i}" for i in range(len(neuron.w) + 1)}
            names |= {f"δ{above}_{j}", f"z{above}_{j}" if number < last else f"y_{j}"}
            if number < last or neuron.activation != "linear":
                names.add(f"a{above}_{j}")
    return names


def names_in(text: str) -> set[str]:
    """The names in plain text, as w^(1)_11 and δ_1, and in derivatives, as in dE/dw_11."""
    found = re.findall(rf"(?<![^\Wd])(?<!\^)([{LETTERS}](?:\^\([\d,]+\))?_\d+)", text)
    return set(found)


def names_in_latex(text: str) -> set[str]:
    found = re.findall(
        rf"(?<![A-Za-z])([{LETTERS}]|\\delta)(?:\^\{{(\([\d,]+\))\}})?_\{{(\d+)\}}", text
    )
    return {
        letter.replace(r"\delta", "δ") + (f"^{above}" if above else "") + f"_{below}"
        for letter, above, below in found
    }


def views(root: Value, folder: Path) -> Iterator[tuple[str, set[str]]]:
    """What the views of a graph call the quantities in it."""
    order = topological_order(root)
    graph = draw(root)
    yield "draw", names_in(" ".join(texts(graph.svg)))
    yield "TikZ", names_in_latex(graph.save(folder / "graph.tex").read_text())
    yield "dot", names_in(plain_dot(graph.dot))
    for node in order:
        yield "explain", names_in(str(explain(node, of=root)))
        yield "explain as LaTeX", names_in_latex(explain(node, of=root)._repr_latex_())
    yield "explain an operation", names_in(str(explain(root)))
    yield "trace", names_in(str(trace_table(root, [order[0]])))
    yield "latex", names_in_latex(latex(root))
    yield "a Value in a notebook", names_in_latex(short_latex(root))
    nodes = describe(order)
    yield "page", names_in(" ".join(plain(f"{node.name} {node.grad_name}") for node in nodes))
    yield "the page's graph", names_in(" ".join(texts(in_page(graph_folded(order, nodes)[0]))))


def in_page(svg: str) -> str:
    """A picture of the page as a document of its own."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def plain_dot(source: str) -> str:
    for mark, sign in (("<SUP>", "^"), ("<SUB>", "_")):
        source = source.replace(mark, sign)
    return re.sub("<[^>]*>", "", source.replace("</TD>", " "))


def views_of_network(model: MLP, root: Value, folder: Path) -> Iterator[tuple[str, set[str]]]:
    diagram = draw_network(model, root)
    yield "draw_network", names_in(" ".join(texts(diagram.svg)).replace("=", " "))
    yield "its TikZ", names_in_latex(diagram.save(folder / "network.tex").read_text())
    yield "its dot", names_in(plain_dot(diagram.dot))
    order = topological_order(root)
    units = find_units(order)
    assert units is not None
    svg = in_page(network_view(describe(order), units))
    yield "the page's network", names_in(" ".join(texts(svg)).replace("=", " "))


@pytest.mark.parametrize(
    ("sizes", "activations"),
    [
        ((2, 1), {}),
        ((2, 1), {"output": "sigmoid"}),
        ((1, 2), {}),
        ((2, 3, 1), {}),
        ((2, 3, 1), {"output": "sigmoid"}),
        ((2, 3, 2), {"hidden": "sigmoid"}),
        ((2, 2, 2, 1), {}),
    ],
)
def test_the_quantities_of_a_network_have_one_name_each(
    sizes: tuple[int, ...], activations: dict[str, str], tmp_path: Path
) -> None:
    model, root = network(*sizes, **activations)
    known = names_by_hand(model)
    seen: dict[str, set[str]] = {}
    for view, names in views(root, tmp_path):
        assert names <= known, view
        seen[view] = seen.get(view, set()) | names
    several = len(sizes) > 2
    bias_units = {f"z^({layer})_0" for layer in range(1, len(sizes) - 1)} if several else set()
    for view, names in views_of_network(model, root, tmp_path):
        assert names == known | bias_units, view
    without_errors = {name for name in known if name[0] != "δ"}
    for view in ("draw", "TikZ", "dot", "the page's graph"):
        assert seen[view] >= without_errors, view
    assert seen["page"] == known
    assert {name for name in seen["explain"] if name[0] != "δ"} == without_errors


def test_of_several_forward_passes_each_has_its_number_in_every_view(tmp_path: Path) -> None:
    model = MLP(2, [2, 1], hidden="tanh", output="sigmoid", seed=1)
    root = square(model([0.5, -1.0])) + square(model([0.25, 2.0]))
    root.label = "E"
    root.backward()
    order = topological_order(root)
    called = {name.plain for name in (*names_of(order).values(), *errors_of(order).values())}
    of_last = {name for name in called if re.search(r"\^\((\d,)?2\)", name) and name[0] != "w"}
    assert {"x^(2)_1", "a^(1,2)_1", "z^(1,2)_2", "y^(2,2)_1", "δ^(2,2)_1"} <= of_last
    weights = {name for name in called if name[0] == "w"}
    for view, names in views_of_network(model, root, tmp_path):
        assert names - {"z^(1)_0"} == of_last - {"x^(2)_1", "x^(2)_2"} | weights, view


def test_a_program_s_formulas_have_the_names_of_its_graph() -> None:
    model, root = network(2, 1, 1)
    x = [node for node in topological_order(root) if node.label.startswith("x")]
    program = Program(root, x, model.parameters())
    biases = {"b_1", "b_2"}  # vectors, as W_1 is a matrix
    single = {"z^(1)_1", "y_1", "w^(2)_10", "w^(2)_11"}
    assert single <= names_in_latex(program.latex()) - biases <= names_by_hand(model)
    model, root = network(2, 3, 2)
    x = [node for node in topological_order(root) if node.label.startswith("x")]
    program = Program(root, x, model.parameters())
    assert names_in_latex(program.latex()) - biases <= names_by_hand(model)


def test_of_a_large_graph_the_nearest_nodes_tell() -> None:
    model = MLP(1, [800, 1], hidden="tanh", seed=0)
    y = model([0.5])
    for text in (short_latex(y), latex(y)):
        assert {"w^(2)_11", "w^(2)_10"} <= names_in_latex(text)
    assert {"w^(2)_11", "z^(1)_1", "y_1"} <= names_in(str(explain(y)))
    assert {"w^(2)_11", "w^(2)_10"} <= names_in_latex(explain(y)._repr_latex_())


def test_a_neuron_and_a_layer_alone_need_no_layer(tmp_path: Path) -> None:
    z = Neuron(2, activation="tanh", seed=0)([0.5, -1.0])
    z.backward()
    for view, names in views(z, tmp_path):
        assert names <= {"w_10", "w_11", "w_12", "a_1", "z_1", "δ_1"}, view
    _, root = network(2, 3, 1)
    hidden = next(node for node in topological_order(root) if node.label == "z_2")
    for view, names in views(hidden, tmp_path):
        assert names <= {"w_20", "w_21", "w_22", "a_2", "z_2", "δ_2"}, view


def by_hand() -> Value:
    """Two layers of plain operators, their letters h and b besides w."""
    x = Value(0.5, "x_1")
    with scope("layer1"):
        w, b = Value(0.3, "w_1"), Value(0.1, "b_1")
        h = (w * x + b).tanh()
        h.label = "h_1"
    with scope("layer2"):
        w, b = Value(-0.7, "w_1"), Value(0.2, "b_1")
        y = w * h + b
        y.label = "y_1"
    E = square(y - x)
    E.label = "E"
    E.backward()
    return E


def letters_by_hand() -> Value:
    """Two layers whose letters need no layer, but for the errors of their units."""
    x = Value(0.5, "x_1")
    with scope("layer1"):
        a = dot_of(Value(0.3, "w_1"), x, "a_1")
        z = a.tanh()
        z.label = "z_1"
    with scope("layer2"):
        return dot_of(Value(-0.7, "w_2"), z, "y_1")


def dot_of(weight: Value, x: Value, label: str) -> Value:
    result = dot([weight], [x])
    result.label = label
    return result


@pytest.mark.parametrize(
    ("build", "known"),
    [
        (by_hand, {"w^(1)_1", "w^(2)_1", "b^(1)_1", "b^(2)_1", "h^(1)_1", "y_1"}),
        (
            letters_by_hand,
            {"w^(1)_1", "w^(2)_2", "a^(1)_1", "z^(1)_1", "y_1", "δ^(1)_1", "δ^(2)_1"},
        ),
    ],
)
def test_graphs_of_one_s_own_are_named_alike(
    build: Callable[[], Value], known: set[str], tmp_path: Path
) -> None:
    for view, names in views(build(), tmp_path):
        assert names <= known, view


def test_words_and_inputs_keep_their_names_unless_two_layers_share_them() -> None:
    x = Value(0.5, "x_1")
    with scope("layer1"):
        first, scale = Value(1.0, "w_1") * x, Value(2.0, "scale")
    with scope("layer2"):
        root = Value(2.0, "w_1") * first * scale
        both = root * Value(3.0, "scale")
    assert [name.plain for name in names_of(topological_order(root)).values()] == [
        "w^(2)_1",
        "w^(1)_1",
        "x_1",
        "scale",
    ]
    assert "scale^(1)" in {name.plain for name in names_of(topological_order(both)).values()}


def test_an_error_is_not_numbered_for_a_node_of_its_name() -> None:
    a = (Value(2.0, "w_1") * Value(3.0, "x_1")) + 1.0
    a.label = "a_1"
    delta = a * 2.0
    delta.label = "delta_1"
    order = topological_order(delta)
    assert names_of(order)[delta].plain == "delta_1"
    assert errors_of(order)[a].plain == "δ_1"


def test_folded_pictures_write_the_layer_too() -> None:
    _, root = network(2, 30, 30, 1)
    open_unit = draw(root, open=["layer2/neuron3"])
    found = " ".join(texts(open_unit.svg))
    assert re.search(rf"\d+ {TIMES} w\^\(2\)_31 … w\^\(2\)_3", found)
    assert names_in(found) <= {f"w^(2)_3{i}" for i in range(10)} | {"a^(2)_3", "z^(2)_3", "y_1"}
    nodes = describe(topological_order(root))
    _, folds = graph_folded(topological_order(root), nodes)
    titles = {plain(fold["title"]) for fold in folds if f" {TIMES} w" in plain(fold["title"])}
    assert titles
    assert all(re.match(rf"\d+ {TIMES} w\^\([123]\)_", title) for title in titles)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("w^(1)_12 - 3", "w^(1)_12 - 3"),
        ("x**2 + 1", "x^2 + 1"),
        ("x**-n", "x^-n"),
        ("x**(a - 1)", "x^(a - 1)"),
        ("x**y_1", "x**y_1"),
        ("a*delta_b", "a · δ_b"),
        ("sin(x)/2", "sin(x) / 2"),
        ("x-axis", "x-axis"),
    ],
)
def test_a_label_that_is_a_formula_is_one_in_pictures_and_on_the_page(
    label: str, shown: str
) -> None:
    root = Value(2.0, label) * Value(3.0, "q")
    assert plain(read_name(label).rich) == shown
    assert name_nodes(topological_order(root)).nodes[0] == read_name(label).rich
    assert any(shown in text for text in texts(draw(root).svg))
