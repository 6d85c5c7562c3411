"""The step-through page, as far as Python writes it; test_explorer_browser.py opens it."""

import html
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    binary_cross_entropy,
    fsum,
    gradient,
    maximum,
    scope,
    sigmoid,
    sum_of_squares,
    tanh,
    topological_order,
)
from micrograd_bp.book.worked_example import worked_example
from micrograd_bp.drawing.svg import svg_rich
from micrograd_bp.engine import record
from micrograd_bp.explorer import Explorer, explore
from micrograd_bp.explorer.description import name_nodes
from micrograd_bp.explorer.formulas import derivative, fill, formula
from micrograd_bp.explorer.javascript import is_translatable, write_table
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.testing import graphs
from micrograd_bp.text.names import END, SUB, SUP, Name, plain

MARKS = str.maketrans({SUB: "_", SUP: "^", END: ""})
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def described(explorer: Explorer) -> Any:
    """What the page's script reads."""
    match = re.search(
        r'<script type="application/json" id="description">(.*?)</script>', explorer.html
    )
    assert match
    description = json.loads(match[1])
    for step in description["units"] or []:
        step["lines"] = [[*map(as_recorded, line)] for line in step["lines"]]
    return description


def as_recorded(part: Any) -> Any:
    """A number of a line as it was recorded; a text as it is."""
    if not isinstance(part, dict):
        return part
    return f"({part['was']})" if part.get("isFactor") and part["was"] < 0 else part["was"]


def one_unit() -> Value:
    x, t = Value(0.5, "x"), Value(0.25, "t")
    w, b = Value(-1.25, "w"), Value(0.75, "b")
    a = w * x + b
    a.label = "a"
    E = (tanh(a) - t) ** 2 / 2
    E.label = "E"
    return E


# --- what is described ----------------------------------------------------------------------------


@given(graphs())
def test_the_page_has_the_numbers_that_the_engine_recorded(program: Any) -> None:
    root = program.evaluate().root
    order = topological_order(root)
    number = {node: i for i, node in enumerate(order)}
    nodes = described(explore(root))["nodes"]
    assert [float(node["data"]) for node in nodes] == [node.data for node in order]
    assert [node.get("parents", []) for node in nodes] == [
        [number[parent] for parent in node.parents] for node in order
    ]
    assert [[*map(float, node.get("local", []))] for node in nodes] == [
        [*node.local_derivatives] for node in order
    ]


def test_numbers_that_are_not_finite_survive() -> None:
    with allow_nonfinite():
        root = Value(math.inf, "up") * Value(0.0, "zero") - Value(math.inf, "down")
        nodes = described(explore(root))["nodes"]
    data = {node["name"]: node["data"] for node in nodes}
    assert (data["up"], data["zero"]) == ("Infinity", 0.0)
    assert nodes[-1]["data"] == "NaN"


def test_no_grad_is_read_or_written() -> None:
    fresh, used = one_unit(), one_unit()
    page = explore(fresh).html
    assert not any(node.has_grad for node in topological_order(fresh))
    used.backward()
    used.backward()
    assert explore(used).html == page


def test_every_run_gives_the_same_bytes() -> None:
    program = (
        "from micrograd_bp.explorer import explore;from micrograd_bp.book.worked_example import *;"
    )
    program += "import sys; sys.stdout.write(ascii(explore(worked_example().error).html))"
    pages = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            timeout=300,
        ).stdout
        for seed in "12"
    }
    assert pages == {ascii(explore(worked_example().error).html).encode()}


# --- names ----------------------------------------------------------------------------------------


def test_names_are_those_of_the_book() -> None:
    nodes = described(explore(worked_example().error))["nodes"]
    names = {node["name"].translate(MARKS): node["gradName"].translate(MARKS) for node in nodes}
    assert names["a^(1)_3"] == "δ^(1)_3"
    assert names["y_1"] == "δ^(2)_1"
    assert names["w^(1)_32"] == "∂E_n/∂w^(1)_32"
    assert names["w^(2)_20"] == "∂E_n/∂w^(2)_20"
    assert names["x_1"] == "∂E_n/∂x_1"
    assert names["0.5"] == "∂E_n/∂(0.5)"
    assert names["v_5"] == "∂E_n/∂v_5"


def test_the_errors_of_every_layer_say_which() -> None:
    model = MLP(2, [2, 2, 1], hidden="tanh", seed=0)
    nodes = described(explore(model([0.5, -1.0])))["nodes"]
    errors = [node["gradName"].translate(MARKS) for node in nodes if "δ" in node["gradName"]]
    assert errors == ["δ^(1)_1", "δ^(1)_2", "δ^(2)_1", "δ^(2)_2", "δ^(3)_1"]


def test_a_label_that_is_no_letter_with_an_index_stays_as_it_is() -> None:
    labels = ["loss", "learning_rate", "w_a_b", "50% off", "add2"]
    assert name_nodes([Value(0.0, label) for label in labels]).nodes == labels


def test_a_power_of_a_name_with_an_index_above_takes_parentheses() -> None:
    w = Value(0.5, "w2_1")
    assert (formula(w**3), derivative(w**3, 0)) == (f"{{0^}}{SUP}3{END}", f"3 · {{0^}}{SUP}2{END}")
    assert fill(formula(w**3), ["x"], "") == f"x{SUP}3{END}"
    name = Name("w", "1", "2").rich
    assert fill(formula(w**3), [name], "") == f"({name}){SUP}3{END}"
    assert fill(derivative(w.tanh(), 0), [], name) == f"1 − ({name}){SUP}2{END}"


def test_nodes_that_share_a_label_are_numbered() -> None:
    x, y = Value(1.0, "x"), Value(2.0, "x")
    assert [plain(name) for name in name_nodes([x, y, x + y]).nodes[:2]] == ["x^(1)", "x^(2)"]


def test_a_card_shows_the_symbol_that_draw_shows() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    (slope,) = gradient(maximum(x, y) * x, [x])
    root = fsum([x - y, x * y, x / y, x**y, -x, slope])
    page = explore(root).html
    shown = re.findall(r'<text [^>]*class="small" text-anchor="end">([^<]*)</text>', page)
    expected = [
        node.operation.symbol for node in topological_order(root) if node.operation and node.parents
    ]
    assert [*map(html.unescape, shown)] == expected
    assert {"-", "*", "sum", ">"} <= {*expected}


def test_an_index_above_and_one_below_have_room() -> None:
    svg = svg_rich(Name("w", "11", "1").rich)
    above, below = map(float, re.findall(r' dy="([-\d.]+)"', svg))
    assert above < 0 < above + below
    assert below >= 0.75 * 14  # a line of indices


# --- units ----------------------------------------------------------------------------------------


def numbers_by_quantity(steps: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    """What each step says of its quantity: the name that its first line begins with, the result."""
    for step in steps:
        lines = ["".join(map(str, line)).translate(MARKS) for line in step["lines"]]
        if step["title"].startswith("The weights"):
            for line in lines:
                yield line.split(" = ")[0], float(line.split(" = ")[-1])
        elif len(lines) > 1:
            yield lines[0].split(" = ")[0], float(lines[-1].split("= ")[-1])


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_unit_by_unit_gives_the_numbers_of_the_equations(activation: str) -> None:
    example = worked_example(activation=activation)
    expected = {row.quantity: row.by_equations for row in example.point_rows}
    steps = described(explore(example.error))["units"]
    found = dict(numbers_by_quantity(steps))
    for j in (1, 2, 3):
        assert found[f"a^(1)_{j}"] == pytest.approx(expected[f"a_{j}"], rel=1e-12)
        assert found[f"z^(1)_{j}"] == pytest.approx(expected[f"z_{j}"], rel=1e-12)
    deltas = [number for name, number in found.items() if name.startswith("δ^(2)")]
    assert deltas == pytest.approx([expected["delta_k=1"], expected["delta_k=2"]], rel=1e-12)
    hidden = [
        float("".join(map(str, step["lines"][-1]))[2:])
        for step in steps
        if step["title"].startswith("Hidden") and step["pass"] == "backward"
    ]
    assert hidden == pytest.approx([expected[f"delta_j={j}"] for j in (1, 2, 3)], rel=1e-12)
    for name, number in expected.items():
        if name.startswith("dE_n/dw"):
            layer, index = name.removeprefix("dE_n/dw").split("_")
            assert found[f"∂E_n/∂w^({layer})_{index}"] == pytest.approx(number, rel=1e-12)


def equations(steps: list[dict[str, Any]]) -> str:
    return "\n".join(
        "".join(map(str, line)).translate(MARKS) for step in steps for line in step["lines"]
    )


def test_the_equations_are_those_of_the_book() -> None:
    text = equations(described(explore(worked_example().error))["units"])
    assert "δ^(2)_1 = y_1 − t_1, the output error" in text
    assert "δ^(1)_2 = h′(a^(1)_2) Σ_k w_kj δ_k, the backpropagation formula" in text
    assert "δ^(1)_2 = h′(a^(1)_2) × (w^(2)_12 δ^(2)_1 + w^(2)_22 δ^(2)_2)" in text
    assert "h′(a^(1)_2) = z^(1)_2 · (1 − z^(1)_2) = 0.2485" in text
    assert "∂E_n/∂w^(1)_31 = δ^(1)_3 x_1 = (-0.0164" in text


def test_an_equation_that_does_not_hold_is_not_shown() -> None:
    model = MLP(2, [2, 1], hidden="tanh", output="sigmoid", seed=1)
    steps = described(explore(binary_cross_entropy(model([0.3, -0.5]), 1.0)))["units"]
    assert "the output error" not in equations(steps)
    quartic = (MLP(2, [2, 1], hidden="tanh", seed=1)([0.3, -0.5]) - 2.0) ** 4
    assert "the output error" not in equations(described(explore(quartic))["units"])


def test_a_weight_that_several_points_share_says_so() -> None:
    model = MLP(1, [2, 1], hidden="tanh", seed=1)
    root = fsum(sum_of_squares([model([x])], [0.5]) for x in (0.1, 0.7))
    steps = described(explore(root, model))["units"]
    root.backward()
    last = steps[-2]["lines"][0]
    assert last[-2] == "; with its other uses the sum is "
    assert last[-1] == pytest.approx(model.layers[0].neurons[1].w[0].grad)


@pytest.mark.parametrize("sizes", [[1], [3, 1], [4, 3, 2]])
def test_the_network_is_found_by_its_scopes(sizes: list[int]) -> None:
    model = MLP(2, sizes, hidden="relu", seed=3)
    outputs = model([0.5, -1.0])
    root = sum_of_squares(outputs if isinstance(outputs, list) else [outputs], [1.0] * sizes[-1])
    assert explore(root).html == explore(root, model).html
    assert "and a network" in repr(explore(root))


def test_a_graph_without_units_has_no_network() -> None:
    assert described(explore(one_unit()))["units"] is None
    with scope("layer2/neuron1"):  # no layer 1
        root = fsum([Value(1.0), Value(2.0)])
    assert described(explore(root))["units"] is None


def test_the_consumers_of_a_unit_stand_in_the_order_of_the_units() -> None:
    model = MLP(2, [2, 3], hidden="tanh", seed=0)
    y = model([0.5, -1.0])
    root = fsum([(y[k] - 1.0) ** 2 for k in (0, 2, 1)])
    text = equations(described(explore(root))["units"])
    assert "(w^(2)_11 δ^(2)_1 + w^(2)_21 δ^(2)_2 + w^(2)_31 δ^(2)_3)" in text


def test_units_have_the_layers_above_that_their_errors_have() -> None:
    nodes = described(explore(MLP(2, [2, 1], seed=0)([0.5, -1.0])))["nodes"]
    names = {node["name"].translate(MARKS): node["gradName"].translate(MARKS) for node in nodes}
    assert (names["a^(1)_1"], names["y_1"]) == ("δ^(1)_1", "δ^(2)_1")
    assert "z^(1)_2" in names
    alone = described(explore(MLP(2, [1], seed=0)([0.5, -1.0])))["nodes"]
    assert alone[-1]["gradName"].translate(MARKS) == "δ_1"


# --- folds ----------------------------------------------------------------------------------------


def over_points(number: int, sizes: Sequence[int] = (16, 16, 1)) -> Value:
    """The error of a network over some data points."""
    model = MLP(2, [*sizes], hidden="tanh", seed=1)
    points = [[0.1 * i, 0.1 * i + 0.01] for i in range(number)]
    root = fsum([sum_of_squares([model(x)], [0.2]) for x in points])
    root.label = "E"
    return root


@pytest.mark.parametrize("build", [lambda: over_points(5), lambda: prod_of_many(400)])
def test_every_node_of_a_large_graph_is_found_by_opening_folds(build: Any) -> None:
    root = build()
    number = len(topological_order(root))
    description = described(explore(root))
    nodes, folds = description["nodes"], description["folds"]
    svg = re.search(r'<svg id="graph" .*?</svg>', explore(root).html, re.DOTALL)
    assert svg
    assert len(svg[0]) < 60_000
    shown = {int(i) for i in re.findall(r'class="node [a-z]+" data-nodes="(\d+)"', svg[0])}
    seen = [*map(int, re.findall(r'data-fold="(\d+)"', svg[0]))]
    for k in seen:
        fold = folds[k]
        own, inside = {*fold["nodes"]}, set()
        edges = {(p, i) for i in own for p in nodes[i].get("parents", [])}
        edges |= {(p, i) for i in range(number) for p in {*nodes[i].get("parents", [])} & own}
        members = [[ref] if ref >= 0 else folds[-ref - 1]["nodes"] for ref, *_ in fold["boxes"]]
        for (ref, *_), some in zip(fold["boxes"], members, strict=True):
            if own.issuperset(some):
                inside |= {*some}
                shown |= {ref} if ref >= 0 else set()
                seen += [-ref - 1] if ref < 0 and -ref - 1 not in seen else []
        assert inside == own
        assert {i for edge in edges for i in edge} <= {i for some in members for i in some}
        assert sum(own.issuperset(some) for some in members) <= 50
    assert shown == {*range(number)}
    assert len(seen) == len(folds)


def prod_of_many(number: int) -> Value:
    """A graph without scopes and labels: many alike, and a chain."""
    leaves = [Value(1.0 + i / 1000) for i in range(number)]
    root = leaves[0]
    for leaf in leaves[1:]:
        root = root * leaf.tanh()
    return root


def test_the_boxes_inside_of_a_fold_do_not_overlap() -> None:
    for fold in described(explore(over_points(3)))["folds"]:
        boxes = [box[1:] for box in fold["boxes"]]
        for i, (x, y, w, h) in enumerate(boxes):
            assert x >= 0
            assert x + w <= fold["width"] + 1
            for u, v, a, b in boxes[:i]:
                assert x >= u + a or u >= x + w or y >= v + b or v >= y + h


def test_a_graph_of_150_nodes_is_shown_whole() -> None:
    root = fsum([Value(float(i)).exp() for i in range(74)])
    assert described(explore(root))["folds"] == []
    assert described(explore(root + 1.0 + 2.0))["folds"]


# --- the table in JavaScript ----------------------------------------------------------------------


def test_the_functions_of_the_table_have_their_javascript() -> None:
    assert all(map(is_translatable, FUNCTIONS.values()))
    table = write_table(FUNCTIONS.values())
    assert all(f"\n{key}: {{name: " in table for key in FUNCTIONS)


def test_a_page_has_only_the_functions_of_its_graph() -> None:
    page = explore(Value(2.0, "x").tanh()).html
    assert "$sech2(x)" in page
    assert "$sigmoid(x)" not in page


@pytest.mark.parametrize(
    "value",
    [lambda x: print(x), lambda x: {x: x}[x], str.upper, lambda x: unknown(x)],  # noqa: F821
)
def test_what_has_no_javascript_is_known_beforehand(value: Any, monkeypatch: Any) -> None:
    strange = Function("strange", lambda x: x, lambda x: (1.0,))
    root = record(strange, [Value(2.0, "x")])
    monkeypatch.setitem(FUNCTIONS, "strange", strange)
    assert described(explore(root))["isLive"]
    object.__setattr__(strange, "value", value)
    assert not is_translatable(strange)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [1.0, "E", None, [Value(1.0)], MLP(1, [1])])
def test_a_root_that_is_no_value_is_refused(root: Any) -> None:
    with pytest.raises(TypeError, match="explore needs a Value"):
        explore(root)


def test_a_network_that_is_no_mlp_or_another_is_refused() -> None:
    with pytest.raises(TypeError, match="the network of explore is an MLP"):
        explore(one_unit(), [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not computed from the outputs of this network"):
        explore(one_unit(), MLP(1, [1]))


def test_a_graph_too_large_is_refused_with_the_way_out() -> None:
    root = Value(1.0)
    for _ in range(10_000):
        root = sigmoid(root)
    with pytest.raises(ValueError, match=r"10001 nodes.* 10000: .*max_nodes=10001"):
        explore(root)
    with pytest.raises(ValueError, match=r"10001 nodes.* 200: "):
        explore(root, max_nodes=200)


def test_data_changed_after_the_forward_pass_is_refused() -> None:
    root = one_unit()
    topological_order(root)[0].data = 5.0
    with pytest.raises(ValueError, match="was changed since") as raised:
        explore(root)
    assert len(str(raised.value)) < 200


def test_a_graph_before_training_is_refused_in_two_lines() -> None:
    model = MLP(5, [9, 1], seed=0)
    root = (model([1.0, 2.0, 0.0, 4.0, 5.0]) - 1.0) ** 2
    for parameter in model.parameters():
        parameter.data += 0.125
    with pytest.raises(ValueError, match=r"as fit and step\(\) do: compute the graph") as raised:
        explore(root)
    assert len(str(raised.value)) < 350


# --- the page -------------------------------------------------------------------------------------


def test_our_code_is_less_than_120_kilobytes() -> None:
    folder = files("micrograd_bp.explorer")
    ours = [file for file in folder.iterdir() if file.name.endswith((".html", ".css", ".js"))]
    assert sum(len(file.read_bytes()) for file in ours) < 120_000


def test_nothing_comes_from_elsewhere() -> None:
    page = explore(worked_example().error).html
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\bsrc=|\bhref=|<link", page)
    assert re.search("default-src 'none'; style-src 'sha256-[^ ]+'; script-src 'sha256-", page)


@given(TEXTS, TEXTS)
def test_no_label_ends_an_element(label: str, name: str) -> None:
    def tags(page: str) -> list[str]:
        found = re.findall(r"</?[a-zA-Z!][a-z]*", page)
        return [tag for tag in found if not tag.endswith("tspan")]  # of an index, as in A_x

    def graph(label: str, name: str) -> Value:
        with scope(name.replace("/", "|").strip() or "s"):
            leaf = Value(1.0, f"{label}x")
        return leaf * leaf

    hostile = explore(graph(f"</script><!--<svg onload=x>{label}", f"<script>{name}")).html
    harmless = explore(graph("label", "scope")).html
    assert tags(hostile) == tags(harmless)


def test_a_notebook_shows_it_in_a_sandbox() -> None:
    explorer = explore(one_unit())
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"] == repr(explorer) == "<Explorer of 11 nodes>"
    assert explorer._repr_html_() == bundle["text/html"]
    match = re.fullmatch(
        r"<style>[^<]*</style>"
        r'<iframe [^<>]*srcdoc="([^"]*)" sandbox="allow-scripts" [^<>]*></iframe>',
        bundle["text/html"],
    )
    assert match
    assert html.unescape(match[1]) == explorer.html


def test_it_saves_itself(tmp_path: Path) -> None:
    explorer = explore(one_unit())
    path = explorer.save(str(tmp_path / "unit.HTML"))
    assert path.read_text(encoding="utf-8") == explorer.html
    with pytest.raises(ValueError, match=r"need a name in \.html"):
        explorer.save(tmp_path / "unit.svg")


def test_plain_text_has_no_marks() -> None:
    for node in described(explore(worked_example().error))["nodes"]:
        assert not {SUB, SUP, END} & {*plain(node["name"])}
