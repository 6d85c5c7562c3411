"""Text views: explanations, formulas and tables say what is so, in every format."""

import contextlib
import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from svg_texts import texts

from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    dot,
    exp,
    fsum,
    mean,
    scope,
    square,
    sum_of_squares,
    tanh,
)
from micrograd_bp.book.worked_example import EQUATIONS, FORMULAS, worked_example
from micrograd_bp.drawing import draw
from micrograd_bp.engine import record
from micrograd_bp.explorer.description import name_nodes
from micrograd_bp.explorer.formulas import formula
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.testing import gradcheck, graphs
from micrograd_bp.testing.programs import GraphProgram
from micrograd_bp.text.evaluation_trace import trace_table
from micrograd_bp.text.explain import explain
from micrograd_bp.text.latex import Latex, latex, short_latex
from micrograd_bp.text.names import derivative_cell, in_derivative, names_of, plain, read_name
from micrograd_bp.text.numbers import decimals, pictured, scripted, significant
from micrograd_bp.text.operations import ATOM, SUM, TEXT, Part
from micrograd_bp.text.tables import Cell, Readable, TextTable

HOSTILE = [
    "a|b",
    "</td></table><script>alert(1)</script>",
    "two\nlines\r\nand\ttabs\x00",
    "$x_1$ & \\frac{ %~^ _* # \\",
    "}{}} \\end{array} \\\\ \\right)",
    "\\(x\\) \\[y\\] $$z$$",
    "`code` *bold* [link](javascript:alert(1))",
    "\ud800 \u202e 👩‍🔬 δ_j",
    "x" * 10_000,
    " ",
]


def assert_well_formed(tex: str) -> None:
    """Groups, pairs of delimiters and environments close, and no power has a second one."""
    bare = re.sub(r"\\[{}]", "", tex)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0, tex
    assert depth == 0, tex
    assert len(re.findall(r"\\left(?![a-z])", tex)) == len(re.findall(r"\\right(?![a-z])", tex))
    begun, ended = (sorted(re.findall(rf"\\{word}\{{(\w+)\}}", tex)) for word in ("begin", "end"))
    assert begun == ended, tex
    assert not re.search(r"\^\{[^{}]*\}(_\{[^{}]*\})?\^", tex), tex


def test_what_prints_as_a_table_shows_it_at_a_prompt_too() -> None:
    x = Value(2.0, label="x")
    f = x * x
    trace = trace_table(f, [x])
    assert repr(trace) == str(trace)
    assert repr(trace).splitlines()[0].split() == [
        "v_i",
        "expression",
        "primal",
        "dv_i/dx",
        "df/dv_i",
    ]
    example = worked_example()
    assert repr(example) == str(example)
    assert repr(example).endswith("The three ways agree")
    explanation = explain(x, of=f)
    assert repr(explanation) == str(explanation)
    assert repr(explanation).startswith("df/dx = 4: the sum over 2 uses\n")
    report = gradcheck(square, 3.0)
    assert repr(report) == str(report) == "gradcheck of square: 1 compared, all right"


# --- formulas -------------------------------------------------------------------------------------


class Reader:
    """Reads LaTeX as a mathematician does, to a number."""

    def __init__(self, tex: str, numbers: dict[str, float]) -> None:
        tex = tex.replace(r"\left", "").replace(r"\right", "")
        self.tokens = re.findall(r"[a-z]_\{\d+\}|\\[a-z]+|\d+(?:\.\d+)?|[^\s]", tex)
        self.numbers = numbers

    def read(self) -> float:
        result = self.sum()
        assert not self.tokens
        return result

    def take(self, token: str) -> bool:
        found = self.tokens[:1] == [token]
        if found:
            self.tokens.pop(0)
        return found

    def sum(self) -> float:
        total = -self.product() if self.take("-") else self.product()
        while self.tokens and self.tokens[0] in "+-":
            total += self.product() if self.tokens.pop(0) == "+" else -self.product()
        return total

    def product(self) -> float:
        result = self.power()
        while self.tokens and self.tokens[0] not in ("+", "-", ")", "}", "|"):
            self.take(r"\cdot")
            result *= self.power()
        return result

    def power(self) -> float:
        base = self.atom()
        return base ** self.group("{", "}") if self.take("^") else base

    def group(self, left: str, right: str) -> float:
        assert self.take(left)
        result = self.sum()
        assert self.take(right)
        return result

    def atom(self) -> float:
        token = self.tokens[0]
        if token == "(":
            return self.group("(", ")")
        if token == "|":
            return abs(self.group("|", "|"))
        self.tokens.pop(0)
        if token == r"\frac":
            return self.group("{", "}") / self.group("{", "}")
        if token == r"\sqrt":
            return math.sqrt(self.group("{", "}"))
        if token == r"\tanh":
            return math.tanh(self.group("(", ")"))
        if token == "e":
            return math.e
        return self.numbers[token] if token in self.numbers else float(token)


def read(tex: str, numbers: dict[str, float]) -> float:
    tex = tex.replace("\\begin{aligned}\n", "").replace("\n\\end{aligned}", "")
    root, *definitions = tex.split("\\\\\n")
    for line in definitions:
        name, _, formula = line.removeprefix(r"\text{where} \quad ").partition(" &= ")
        numbers[name] = Reader(formula, numbers).read()
    return Reader(root.removeprefix("& "), numbers).read()


UNARY = [
    lambda x: -x,
    lambda x: x**2,
    lambda x: x**3,
    tanh,
    abs,
    square,
    lambda x: exp(tanh(x)),
    lambda x: (square(x) + 1.0).sqrt(),
    lambda x: tanh(x).reciprocal(),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: dot([x, y], [y, x], x),
    lambda x, y: fsum([x, y, x]),
    lambda x, y: mean([x, y]),
]


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9), st.integers(0, 9)), max_size=12),
    st.lists(st.sampled_from([-2.0, -0.5, 0.75, 1.5, 3.0]), min_size=4, max_size=4),
)
def test_a_formula_read_as_mathematics_gives_the_data(
    operations: list[tuple[int, int, int]], numbers: list[float]
) -> None:
    nodes = [*map(Value, numbers[:2], "xy"), *map(Value, numbers[2:])]
    with allow_nonfinite():
        for operation, i, j in operations:
            x, y = nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]
            if operation < len(UNARY):
                nodes.append(UNARY[operation](x))
            else:
                nodes.append(BINARY[operation - len(UNARY)](x, y))
    sizes = [abs(node.data) for node in nodes]
    assume(all(1e-3 < size < 1e3 for size in sizes))
    tex = latex(nodes[-1])
    assert_well_formed(tex)
    found = read(str(tex), dict(zip("xy", numbers)))
    assert found == pytest.approx(nodes[-1].data, rel=1e-6, abs=1e-9), tex


X, Y, W = (Value(data, label) for data, label in ((1.5, "x"), (2.0, "y"), (0.5, "w_1")))
D = Value(3.0, "y - t")


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (X + (Y - W), "x + y - w_{1}"),
        (X - (Y + W), "x - (y + w_{1})"),
        (X - (-Y), "x - (-y)"),
        (X + (-Y), "x - y"),
        ((X + Y) * W, "(x + y) w_{1}"),
        ((-X) ** 2, "(-x)^{2}"),
        (-(X**2), "-x^{2}"),
        ((X / Y) ** 2, r"\left(\frac{x}{y}\right)^{2}"),
        (X * 2.0, r"x \cdot 2"),
        (2.0 * X, "2 x"),
        (X * X, r"x \cdot x"),
        (X + Value(-3.0), "x - 3"),
        (X**Y, "x^{y}"),
        (X**-0.5, "x^{-0.5}"),
        (X * 1.5e-9, r"x \cdot 1.5 \times 10^{-9}"),
        (dot([X, W], [Y, 3.0], -1.0), r"x y + w_{1} \cdot 3 - 1"),
        (X.sigmoid().log(), r"\ln(\sigma(x))"),
        (X.clip(-1.0, 2.0), r"\operatorname{clip}_{-1, 2}(x)"),
        (mean([X, Y, W]), r"\frac{x + y + w_{1}}{3}"),
        (X, "x"),
        (Value(-0.0), "0"),
        (fsum([X] * 8), " + ".join(["x"] * 8)),
        (fsum([X] * 9), r"x + x + x + \cdots + x"),
        (X * Value(1.0, "loss") * Y, r"x \, \mathrm{loss} \, y"),
        (Value(1.0, "w1_2") ** 2, "(w^{(1)}_{2})^{2}"),
    ],
)
def test_formulas_have_no_more_parentheses_than_they_need(root: Value, expected: str) -> None:
    assert latex(root) == expected


@pytest.mark.parametrize("key", FUNCTIONS)
def test_every_function_of_the_table_has_a_form(key: str) -> None:
    function = FUNCTIONS[key]
    operands = [Value(data, label) for data, label in zip((0.7, 0.5, 0.6), "xyz")]
    many = {"dot", "fsum", "mean", "prod", "logsumexp", "softmax", "where"}
    count = 3 if key in many else 2 if key == "hypot" else None
    for n in [count] if count else [1, 2]:
        try:
            with allow_nonfinite():
                root = record(function, operands[:n], (2, 1, 3)[: function.parameters])
        except (TypeError, IndexError):
            continue
        break
    for tex in (latex(root), latex(root**2), latex(2.0 * (root - root * root))):
        assert_well_formed(tex)
    letters = re.sub(r"\\operatorname\{\w+\}|\\[A-Za-z]+", "", latex(root))
    assert set("xyz"[: len(root.parents)]) <= set(letters), letters
    assert short_latex(root).startswith("$")


def test_a_function_without_a_form_is_written_by_its_name() -> None:
    softer = Function("softer_sign", lambda x, c: x, lambda x, c: (1.0,), parameters=1)
    root = record(softer, [X], (0.25,)) ** 2
    assert latex(root) == r"\operatorname{softer sign}\left(x, 0.25\right)^{2}"
    assert "softer_sign(v_1, 0.25)" in str(trace_table(root, [X]))
    assert formula(root.parents[0]) == "softer_sign({0}, 0.25)"
    own = record(Function("add", lambda x, y: x, lambda x, y: (1.0, 0.0)), [X, Y], ())
    assert latex(own) == r"\operatorname{add}\left(x, y\right)"
    assert str(explain(own)).startswith("v_1 = add(x, y) = 1.5")


@pytest.mark.parametrize(
    ("root", "text"),
    [
        (X + Value(-3.0), "x - 3"),
        (X - Value(-3.0), "x - (-3)"),
        (Value(-2.0) ** 2, "(-2)**2"),
        (Value(1.0, "w1_2") ** 2, "(w^(1)_2)**2"),
        (dot([X, Value(-2.0)], [Y, W], 1.0), "x*y + (-2)*w_1 + 1"),
        (fsum([X] * 9), "fsum of 9 operands"),
    ],
)
def test_text_has_parentheses_where_they_are_needed(root: Value, text: str) -> None:
    assert str(explain(root)).startswith(f"v_1 = {text} = ")


@pytest.mark.parametrize(
    ("power", "times", "text", "symbol"),
    [
        (3.0, 1, "3 * x**2", "3 x**2"),
        (3.0, 2, "6 * x", "6 x**1"),
        (0.5, 1, "0.5 * x**-0.5", "0.5 x**-0.5"),
        (1.0, 1, "1", "1 x**0"),
        (2.0, 3, "0", "0 x**-1"),
    ],
)
def test_the_derivative_of_a_power_reads_as_one(
    power: float, times: int, text: str, symbol: str
) -> None:
    node = record(FUNCTIONS["constant_power_derivative"], [X], (power, times))
    assert str(explain(node)).startswith(f"v_1 = {text} = ")
    assert symbol in texts(draw(node).svg)
    assert "constant" not in formula(node)


def test_pictures_call_a_derivative_by_its_function() -> None:
    keys = ("logistic_density", "gelu_derivative", "gelu_second_derivative")
    shown = [record(FUNCTIONS[key], [X]).operation.symbol for key in keys]
    assert shown == ["sigmoid'", "gelu'", "gelu''"]


def test_an_operand_of_plain_text_takes_parentheses_by_how_tightly_it_binds() -> None:
    parts = [Part("a + b", SUM), Part("c", ATOM)]
    assert TEXT.node(X * Y, parts).text == "(a + b) * c"
    assert TEXT.node(X - Y, parts[::-1]).text == "c - (a + b)"
    assert TEXT.node(X + Y, parts[::-1]).text == "c + a + b"


@pytest.mark.parametrize(
    ("root", "text", "formula"),
    [
        (W * D, "w_1 * (y - t)", "w_{1} (y - t)"),
        (D * W, "(y - t) * w_1", "(y - t) w_{1}"),
        (X - D, "x - (y - t)", "x - (y - t)"),
        (X / D, "x / (y - t)", r"\frac{x}{y - t}"),
        (D**2, "(y - t)**2", "(y - t)^{2}"),
        (square(D), "square(y - t)", "(y - t)^{2}"),
        (Value(4.0, "a*b") ** 2, "(a*b)**2", r"(a \cdot b)^{2}"),
        (Value(4.0, "a*b") * X, "a*b * x", r"a \cdot b x"),
        (Value(4.0, "a+b") * X, "(a+b) * x", "(a + b) x"),
        (X / Value(4.0, "a/b"), "x / (a/b)", r"\frac{x}{a / b}"),
        (Value(4.0, "x**2") ** 2, "(x**2)**2", "(x^{2})^{2}"),
        (Value(4.0, "sin(x)") ** 2, "sin(x)**2", r"\sin(x)^{2}"),
        (dot([D], [X]), "(y - t)*x", "(y - t) x"),
        (Value(4.0, "(y - t)^2") / 2.0, "(y - t)^2 / 2", r"\frac{(y - t)^{2}}{2}"),
        (Value(4.0, "learning rate") * X, "learning rate * x", r"\text{learning rate} \, x"),
    ],
)
def test_a_label_that_is_a_formula_takes_parentheses(root: Value, text: str, formula: str) -> None:
    assert str(explain(root)).startswith(f"v_1 = {text} = ")
    assert short_latex(root).startswith(f"${formula} = ")


def test_a_label_that_is_a_formula_takes_parentheses_in_derivatives() -> None:
    root = W * D
    root.label = "E"
    assert "dE/d(y - t) = w_1" in str(explain(root))
    assert str(explain(W, of=root)).splitlines()[-1].split("  ")[1] == "dE/dE * (y - t)"
    assert trace_table(root, [D]).headings[3] == "dv_i/d(y - t)"
    assert name_nodes([W, D, root]).grads[1] == "∂E/∂(y - t)"


def test_the_error_of_a_data_point_shows_itself_as_mathematics() -> None:
    E_n = sum_of_squares([Value(0.5, "y_1"), Value(0.5, "y_2")], [1.0, 0.5])
    assert short_latex(E_n).startswith(
        r"$E_{n} = \frac{(y_{1} - t_{1})^{2} + (y_{2} - t_{2})^{2}}{2}"
    )


def test_shared_parts_are_named_once_by_label_or_number() -> None:
    z = X * Y
    v = tanh(z)
    root = (v + v * z) * Value(1.0, "v_1")
    root.label, z.label = "E", "z"
    assert str(latex(root)).splitlines() == [
        r"\begin{aligned}",
        r"E &= (v_{2} + v_{2} z) v_{1} \\",
        r"\text{where} \quad z &= x y \\",
        r"v_{2} &= \tanh(z)",
        r"\end{aligned}",
    ]


def test_nodes_of_the_same_label_are_told_apart() -> None:
    assert latex(Value(1.0, "w") + Value(2.0, "w")) == "w^{(1)} + w^{(2)}"
    with scope("layer1"):
        first, a = Value(1.0, "w_11"), Value(3.0, "a_1")
    with scope("layer2/neuron1"):
        second, third = Value(2.0, "w_11"), Value(2.0, "w_12")
    assert latex(first * second * third * a) == "w^{(1)}_{11} w^{(2)}_{11} w^{(2)}_{12} a^{(1)}_{1}"
    with scope("layer2"):
        again = Value(2.0, "w_11")
    assert latex(first * second * again) == "w^{(1)}_{11} w^{(2,1)}_{11} w^{(2,2)}_{11}"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "layer1", "layer2/neuron1", "net/layer2", "layer" + "9" * 5000]),
            st.sampled_from(
                ["w_1", "w1_1", "w2_1", "δ_1", "delta_1", "w1", "w", "v_1", "long_name"]
            ),
        )
    )
)
def test_names_are_different_in_every_notation(labels: list[tuple[str, str]]) -> None:
    nodes = []
    for path, label in labels:
        with scope(path) if path else contextlib.nullcontext():
            nodes.append(Value(1.0, label))
    names = names_of(nodes)
    assert [*names] == nodes
    for form in ("rich", "latex"):
        assert len({getattr(name, form) for name in names.values()}) == len(nodes)


def test_all_views_write_the_layer_alike() -> None:
    with scope("layer1"):
        first = Value(1.0, "w_11")
    with scope("layer2"):
        second = Value(2.0, "w_11")
    labelled = Value(3.0, "w3_11")
    for root, name in ((first * second, "w^(1)_11"), (labelled * X, "w^(3)_11")):
        assert f"v_1 = {name} * " in str(explain(root))
        assert name.replace("(", "{(").replace(")", ")}").replace("11", "{11}") in latex(root)
        assert plain(name_nodes([*root.parents, root]).nodes[0]) == name
    assert str(trace_table(labelled * X, [labelled])).splitlines()[1].split()[1] == "w^(3)_11"
    assert "w^(3)_11" in texts(draw(labelled).svg)


def test_a_chain_of_any_depth_is_cut_into_lines_or_refused() -> None:
    root = X
    for _ in range(400):
        root = root.tanh()
    tex = latex(root)
    assert_well_formed(tex)
    assert max(map(len, tex.splitlines())) < 300
    for _ in range(100_000):
        root = root.tanh()
    with pytest.raises(ValueError, match=r"100401 nodes are too many .* max_nodes=100401"):
        latex(root)
    assert short_latex(root) == (rf"$\tanh(\tanh(\tanh(\tanh(\cdots)))) = {root.data:.6g}$")


def test_the_loss_of_many_points_is_abbreviated() -> None:
    model = MLP(2, [3, 1], hidden="tanh", seed=0)
    loss = mean([square(model([i / 500, 1.0]) - 1.0) for i in range(500)])
    tex = latex(loss)
    assert_well_formed(tex)
    assert r"\cdots" in tex
    assert "y^{(2,500)}_{1}" in tex
    assert len(tex) < 5000


def test_latex_is_a_string_that_shows_itself() -> None:
    tex = latex(X + Y)
    assert isinstance(tex, Latex)
    assert tex + " = z" == "x + y = z"
    assert tex._repr_latex_() == "$$\nx + y\n$$"
    with pytest.raises(TypeError, match=r"latex needs a Value.*not 2\.0 \(float\)"):
        latex(2.0)


def test_short_latex() -> None:
    a = dot([Value(0.5, "w_1")], [Value(1.5, "x")], Value(0.25, "b"))
    assert short_latex(a) == "$w_{1} x + b = 1$"
    a.label = "a"
    z = tanh(a)
    z.backward()
    assert short_latex(a).startswith(r"$a = w_{1} x + b = 1, \quad \mathrm{grad} = 0.41997")
    assert short_latex(z) == r"$\tanh(a) = 0.761594, \quad \mathrm{grad} = 1$"
    assert short_latex(Value(math.inf)) == r"$\infty$"
    assert short_latex(Value(2.0, "q")) == "$q = 2$"
    for _ in range(9):
        a = fsum([a, *[a * Value(1.0, "a_long_name")] * 7])
    assert len(short_latex(a)) < 400


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("a_j", "a_{j}"),
        ("w_12,3", "w_{12,3}"),
        ("w1_10", "w^{(1)}_{10}"),
        ("delta_k=2", r"\delta_{k=2}"),
        ("δ_j", r"\delta_{j}"),
        ("θ", r"\theta"),
        ("x_in", "x_{in}"),
        ("x_out", r"x_{\mathrm{out}}"),
        ("text", r"\mathrm{text}"),
        ("w_mu", r"w_{\mu}"),
        ("a_b_c", r"\text{a}\_\text{b}\_\text{c}"),
        (r"\input{x}", r"\backslash\text{input}\{\text{x}\}"),
        ("(y_1 - t_1)^2", "(y_{1} - t_{1})^{2}"),
        ("-ln sigmoid(y_1)", r"-\ln \mathrm{sigmoid}(y_{1})"),
        ("sum_k t_k (y_k - y_t)", r"\sum_k t_{k} (y_{k} - y_{t})"),
        ("w1_12^2 / 2", "{w^{(1)}_{12}}^{2} / 2"),
        ("x^2^3", r"\text{x}\hat{\ }\text{2}\hat{\ }\text{3}"),
        ("x^2 ^3", r"\text{x}\hat{\ }\text{2 }\hat{\ }\text{3}"),
        ("loss^2", r"\mathrm{loss}^{2}"),
        ("E = mc^2", r"E = \mathrm{mc}^{2}"),
        ("diff^2 + 1", r"\mathrm{diff}^{2} + 1"),
        ("err**2", r"\mathrm{err}^{2}"),
        ("loss^2/2", r"\mathrm{loss}^{2} / 2"),
        ("10^-3", "10^{-3}"),
        ("R^2 score", r"R^{2}\ \mathrm{score}"),
        ("2 loss^2 + 1", r"2\ \mathrm{loss}^{2} + 1"),
        ("learning rate * grad", r"\mathrm{learning}\ \mathrm{rate} \cdot \mathrm{grad}"),
        ("loss (train) + 1", r"\mathrm{loss}\ (\mathrm{train}) + 1"),
        ("alpha loss + 1", r"\alpha\ \mathrm{loss} + 1"),
        ("2 ln loss + 1", r"2 \ln \mathrm{loss} + 1"),
        ("2*(loss)", r"2 \cdot (\mathrm{loss})"),
        ("w^(1)_12 - 3", "w^{(1)}_{12} - 3"),
        ("w^(1)_12", "w^{(1)}_{12}"),
        ("w^(2)", "w^{(2)}"),
        ("w^(2)**2", "{w^{(2)}}^{2}"),
        ("x**2 + 1", "x^{2} + 1"),
        ("x**-1", "x^{-1}"),
        ("e^(-x_1 / 2)", "e^{-x_{1} / 2}"),
        ("a*b", r"a \cdot b"),
        ("(a+b)*c_1", r"(a + b) \cdot c_{1}"),
        ("a × b − c", r"a \times b - c"),  # noqa: RUF001
        ("sin(x)/2", r"\sin(x) / 2"),
        ("tanh(a_1)", r"\tanh(a_{1})"),
        ("max(a, b)", r"\max(a, b)"),
        ("delta_j*z_i", r"\delta_{j} \cdot z_{i}"),
        ("loss_1*2", r"\mathrm{loss}_{1} \cdot 2"),
        ("x**", r"\text{x**}"),
        ("(a*b", r"\text{(a*b}"),
        ("a*(b", r"\text{a*(b}"),
        ("a*b)", r"\text{a*b)}"),
        ("f(a, )", r"\text{f(a, )}"),
        ("a**b**c", r"\text{a**b**c}"),
        ("2*3", r"\text{2*3}"),
        ("12/05/2024", r"\text{12/05/2024}"),
        ("train/loss", r"\text{train/loss}"),
        ("my loss*2", r"\text{my loss*2}"),
        ("layer1/neuron1", r"\text{layer1/neuron1}"),
        ("loss (train)", r"\text{loss (train)}"),
        ("C++", r"\text{C++}"),
        ("x-axis", r"\text{x-axis}"),
        ("dE/dw", r"\text{dE/dw}"),
        ("A/B test", r"\text{A/B test}"),
        ("I/O time", r"\text{I/O time}"),
        ("x/y plot", r"\text{x/y plot}"),
        ("a*b (old)", r"\text{a*b (old)}"),
        ("error (a*b)", r"\text{error (a*b)}"),
    ],
)
def test_labels_are_read_as_in_the_book(label: str, expected: str) -> None:
    assert read_name(label).latex == expected


@pytest.mark.parametrize("letter", "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ")
def test_every_greek_letter_may_be_spelled(letter: str) -> None:
    spelled = read_name(f"{letter}_1").latex.removesuffix("_{1}").removeprefix("\\")
    assert spelled.isascii()
    assert read_name(f"{spelled}2_j").rich == read_name(f"{letter}2_j").rich
    assert read_name(f"{spelled}2_j").plain == f"{spelled}^(2)_j"
    assert read_name(f"w_{spelled}").latex == rf"w_{{\{spelled}}}"
    assert letter in read_name(f"w_{spelled}").rich


def test_a_label_of_any_depth_stands_in_a_derivative() -> None:
    deep = "(" * 2000 + "x" + ")" * 2000 + "*2"
    assert in_derivative(deep) == deep  # a text
    assert in_derivative("(" * 18 + "x" + ")" * 18 + "*2").startswith("(" * 19)


def test_a_derivative_is_read_by_its_names() -> None:
    assert derivative_cell("dE_n/dw1_31") == (
        "dE_n/dw^(1)_31",
        r"\partial E_{n} / \partial w^{(1)}_{31}",
    )
    assert derivative_cell("delta_j=2") == ("delta_j=2", r"\delta_{j=2}")


@pytest.mark.parametrize("form", [significant, decimals, scripted, pictured])
def test_a_number_has_no_sign_of_zero_and_its_own_else(form: Any) -> None:
    assert form(-0.0) == form(0.0)
    assert form(-1.5) == f"-{form(1.5)}"
    assert (form(math.inf), form(-math.inf), form(math.nan)) == ("inf", "-inf", "nan")


# --- explanations ---------------------------------------------------------------------------------


@given(graphs(max_operations=15))
def test_contributions_add_up_to_the_grad_and_no_grad_is_touched(program: GraphProgram) -> None:
    evaluation = program.evaluate()
    root, nodes = evaluation.root, [*evaluation.inputs]
    explained = [explain(node, of=root) for node in nodes]
    assert not any(node.has_grad for node in nodes)
    root.backward()
    for node, explanation in zip(nodes, explained):
        assert explanation.value == pytest.approx(node.grad, rel=1e-12, abs=1e-300)
        if node is not root:
            sizes = sum(map(abs, explanation.contributions))
            assert math.fsum(explanation.contributions) == pytest.approx(
                node.grad, rel=1e-12, abs=1e-12 * sizes
            )
        for form in (str(explanation), explanation._repr_html_(), explanation._repr_markdown_()):
            assert f"{node.grad + 0.0:.6g}" in form.replace("\\", "")
        assert_well_formed(explanation._repr_latex_())


def test_the_chain_rule_for_a_weight_and_the_backpropagation_formula() -> None:
    error = worked_example().error
    y_1 = error.parents[1].parents[0].parents[0].parents[0]
    z_1 = y_1.parents[3]
    a_1 = z_1.parents[0]
    weight = explain(a_1.parents[0], of=error)
    assert weight.value == a_1.grad * 0.5
    assert str(weight).splitlines()[-1].split("  ")[1] == "dE_n/da^(1)_1 * x_1"
    hidden = explain(z_1, of=error)
    assert [line.split("  ")[1] for line in str(hidden).splitlines()[3:]] == [
        "dE_n/dy_1 * w^(2)_11",
        "dE_n/dy_2 * w^(2)_21",
    ]
    assert r"\frac{\partial E_{n}}{\partial y_{1}} \cdot w^{(2)}_{11}" in hidden._repr_latex_()


def test_each_use_has_a_line_and_many_are_summed_up() -> None:
    square_of_x = X * X
    assert explain(X, of=square_of_x).contributions == (1.5, 1.5)
    total = fsum([X * i for i in range(1, 101)])
    explanation = explain(X, of=total)
    *_, last_shown, rest = str(explanation).splitlines()
    assert explanation.value == 5050.0
    assert last_shown.split()[0] == "v_11"
    assert rest.split() == ["89", "more", str(5050 - 66)]
    downwards = str(explain(total)).splitlines()
    assert downwards[0] == "v_1 = fsum of 100 operands = 7575"
    assert downwards[-1] == "89 more"


def test_explanations_of_leaves_roots_and_strangers() -> None:
    root = X * Y
    root.label = "E"
    assert str(explain(root, of=root)) == "dE/dE = 1: it is E itself"
    assert str(explain(W, of=root)) == "dE/dw_1 = 0: E was not computed from w_1"
    assert str(explain(W)) == "w_1 = 0.5: a leaf"


def test_explain_without_a_root_shows_what_the_grad_brings_back() -> None:
    x, y = Value(3.0, "x"), Value(4.0, "y")
    product = x * y
    assert "brings back" not in str(explain(product))
    product.backward(seed=0.5)
    explanation = explain(product)
    assert explanation.contributions == (x.grad, y.grad) == (2.0, 1.5)
    assert "v_1 = x * y = 12, with grad 0.5" in str(explanation)


def test_explain_refuses_what_is_no_value_and_data_changed_since() -> None:
    x = Value(2.0, "x")
    y = x * x
    with pytest.raises(TypeError, match=r"explain needs Values, not 2\.0 \(float\)"):
        explain(y, of=2.0)
    with pytest.raises(TypeError, match=r"explain needs Values, not 'y' \(str\)"):
        explain("y")
    x.data = 3.0
    for arguments in ((y,), (x, y)):
        with pytest.raises(ValueError, match=r"label='x'.* was changed"):
            explain(*arguments)


# --- tables ---------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag != "span":
            self.tags.append((tag, attributes))

    def handle_endtag(self, tag: str) -> None:
        if tag != "span":
            self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


def views(label: str) -> list[Readable]:
    x = Value(2.0, label)
    root = x * Value(3.0, label) + x
    root.label = label
    table = TextTable("lr", [[label, "1"], [Cell(label, "x"), "2"]], [label, "data"], caption=label)

    class Both(Readable):
        def _blocks(self) -> Any:
            return [Cell(label, "x"), table]

    return [explain(x, of=root), explain(root), trace_table(root, [x]), Both()]


def cells(markdown: str) -> list[int]:
    return [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in markdown.splitlines()]


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_adds_a_cell_or_an_element_or_a_command(label: str) -> None:
    for view, harmless in zip(views(label), views("x")):
        found, expected = Tags(view._repr_html_()), Tags(harmless._repr_html_())
        assert found.tags == expected.tags
        assert cells(view._repr_markdown_()) == cells(harmless._repr_markdown_())
        assert "$" not in re.sub(r"\\.", "", view._repr_markdown_())
        assert len(str(view).splitlines()) == len(str(harmless).splitlines())
        tex = view._repr_latex_()
        assert_well_formed(tex)
        assert len(re.findall(r"(?<!\\)&", tex)) == len(
            re.findall(r"(?<!\\)&", harmless._repr_latex_())
        )
        tex.encode()
    tex = latex(Value(2.0, label) * Value(3.0, label) * 2.0)
    assert_well_formed(tex)
    assert len(tex) < 400
    assert "$" not in re.sub(r"\\.", "", short_latex(Value(2.0, label))[1:-1])


@given(st.text())
def test_html_shows_the_text_as_it_is(text: str) -> None:
    page = TextTable("l", [[text]]).html()
    shown = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    assert Tags(page).words.replace("\n", "") == shown
    assert not re.search(r"[$\\](?!</span>)", page)  # else a notebook might find a formula


def test_a_table_in_four_formats() -> None:
    table = TextTable("lr", [["x", "-1.5e-05"], ["long name", "2"]], ["name", "data"], "Caption")
    assert table.text() == "Caption\nname           data\nx          -1.5e-05\nlong name         2"
    assert table.markdown() == (
        "Caption\n\n| name | data |\n|:--|--:|\n| x | -1.5e-05 |\n| long name | 2 |"
    )
    assert r"\text{x} & -1.5 \times 10^{-5} \\" in table.latex()
    assert '<td style="text-align: right">-1.5e-05</td>' in table.html()


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_the_worked_example_has_the_same_numbers_in_every_format(activation: str) -> None:
    example = worked_example(activation=activation)
    page, markdown, tex = (
        example._repr_html_(),
        example._repr_markdown_(),
        example._repr_latex_(),
    )
    assert_well_formed(tex)
    for row in example.rows:
        number = f"{row.by_autograd + 0.0:.8f}"
        if abs(row.by_autograd) >= 1e-3:
            assert all(number in form for form in (str(example), page, markdown, tex))
    assert r"\partial E_{n} / \partial w^{(1)}_{31} & \text{chain rule for a weight}" in tex
    assert r"\delta_{j=2} & \text{backpropagation formula}" in tex
    assert FORMULAS.keys() == EQUATIONS.keys()
    assert page.count("<tr>") == len(EQUATIONS) + len(example.rows) + 2
    assert "The three ways agree" in page
    assert "The three ways agree" in markdown


def test_the_trace_in_latex_is_in_formulas() -> None:
    x1, x2 = Value(1.0, "x1"), Value(2.0, "x2")
    tex = trace_table(exp(x1 * x2), [x1, x2])._repr_latex_()
    assert tex.splitlines()[1:] == [
        r"\begin{array}{llrrrr}",
        r"v_{i} & \text{expression} & \text{primal} & \partial v_{i} / \partial x_{1} &"
        r" \partial v_{i} / \partial x_{2} & \partial f / \partial v_{i} \\ \hline",
        r"v_{1} & x_{1} & 1 & 1 & 0 & 14.7781121979 \\",
        r"v_{2} & x_{2} & 2 & 0 & 1 & 7.38905609893 \\",
        r"v_{3} & v_{1} v_{2} & 2 & 2 & 1 & 7.38905609893 \\",
        r"v_{4} & e^{v_{3}} & 7.38905609893 & 14.7781121979 & 7.38905609893 & 1",
        r"\end{array}",
        "$$",
    ]
