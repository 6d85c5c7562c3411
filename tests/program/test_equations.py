"""program.latex(): the matrix equations of a program, valid LaTeX for whatever it computes."""

import random
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from test_layers import MODELS, leaves

from micrograd_bp import MLP, Program, Value, exp, fsum, function, maximum, scope, step, tanh, where
from micrograd_bp.program.equations import equations
from micrograd_bp.program.instructions import Gather, Instruction, Map, Product, Sum, Sums
from micrograd_bp.testing import GraphProgram, graphs

NAME = re.compile(r"(?<![A-Za-z^{])(?:v|R|A|Z|G|\\Delta)(?:_\{[\d,]+\})?(?![A-Za-z_])")


def is_balanced(text: str) -> bool:
    """Whether braces, environments and \\left with \\right are closed in the order of opening."""
    opened: list[str] = []
    other = {"}": "{", r"\right": r"\left"}
    for token, name in re.findall(r"(\\(?:begin|end)\{(\w+)\}|\\left\b|\\right\b|\\.|[{}])", text):
        if token in ("{", r"\left") or token.startswith(r"\begin"):
            opened.append(name or token)
        elif (token in other or name) and (not opened or opened.pop() != (name or other[token])):
            return False
    return not opened


def rows(latex: str) -> list[list[str]]:
    """Left side, right side and remark of each line."""
    head, *lines, tail = latex.splitlines()
    assert (head, tail) == (r"\begin{aligned}", r"\end{aligned}")
    return [line.removesuffix(r" \\").split(" &", 1) for line in lines]


def check(latex: str) -> None:
    """Balanced, and nothing is used before it is there, nor computed twice under one name."""
    assert is_balanced(latex)
    assert r"\\[" not in latex
    known: set[str] = set()
    for left, right in rows(latex):
        assert {*NAME.findall(right)} <= known, right
        if NAME.fullmatch(left):
            assert left not in known
            known.add(left)


def test_a_two_layer_network_reads_as_the_equations_of_the_book() -> None:
    rng = random.Random(1)
    model = MLP(2, [3, 2], hidden="tanh", output="linear", seed=1)
    x, t = leaves(2, "x", rng), leaves(2, "t", rng)
    error = 0.5 * sum((y - tk) ** 2 for y, tk in zip(model(x), t, strict=True))
    assert isinstance(error, Value)
    error.label = "E"
    latex = Program(error, [*x, *t], model.parameters()).latex()
    assert (
        latex
        == r"""\begin{aligned}
A_{1} &= W_{1} x + b_{1} && \text{layer1},\ 3 \times 2 \\
Z_{1} &= \tanh(A_{1}) && \text{layer1},\ 3 \\
A_{2} &= W_{2} Z_{1} + b_{2} && \text{layer2},\ 2 \times 3 \\
\Delta_{2} &= A_{2} - t && 2 \\
\partial E / \partial W_{2} &= \sum_{n} \Delta_{2} Z_{1}^{\top} \\
\partial E / \partial b_{2} &= \sum_{n} \Delta_{2} \\
E &= \sum_{n} 0.5 (\Delta_{2}^{\top} \Delta_{2}) \\
\Delta_{1} &= \tanh'(A_{1}) \odot (W_{2}^{\top} \Delta_{2}) && 3 \\
\partial E / \partial W_{1} &= \sum_{n} \Delta_{1} x^{\top} \\
\partial E / \partial b_{1} &= \sum_{n} \Delta_{1}
\end{aligned}"""
    )
    assert latex._repr_latex_().startswith("$$\n")


def test_single_numbers_go_by_their_labels_and_stand_where_they_are_read() -> None:
    x, t, w = Value(2.0, label="x"), Value(0.5, label="t"), Value(0.3, label="w1_12")
    with scope("layer2"):
        z = exp(w * x)
        z.label = "z_1"
    error = (z - t) ** 2 / 2
    assert rows(Program(error, [x, t], [w]).latex()) == [
        ["z_{1}", r"= e^{w^{(1)}_{12} x} && \text{layer2}"],
        ["v_{1}", "= z_{1} - t"],
        ["E", r"= \sum_{n} \frac{v_{1}^{2}}{2}"],
        [r"\partial E / \partial w^{(1)}_{12}", r"= \sum_{n} z_{1} v_{1} x"],
    ]


def test_what_is_summed_in_parts_is_added_to() -> None:
    x, w = leaves(3, "x", random.Random(0)), Value(0.5, label="w")
    latex = Program(exp(w * x[0]) + exp(w * x[1]) * x[2], x, [w]).latex()
    assert latex.count(r"\partial w &= ") == 1
    check(latex)


def test_outputs_in_a_list_are_numbered() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    latex = Program([w * x, where(step(x), x, 2.0 * w)], [x], [w]).latex()
    assert r"\text{output } 0 &= " in latex
    assert r"\begin{cases}" in latex
    check(latex)


@pytest.mark.parametrize("make", MODELS)
def test_models_of_every_kind_have_equations(make: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.modules[equations.__module__], "shortened", lambda lines, _: lines)
    program = make()
    for plan in (program._forward, program._summed):
        check(equations(plan, program._names))


def test_every_kind_of_instruction_is_met() -> None:
    plans = [make()._summed for make in MODELS]
    kinds = {type(step) for plan in plans if plan for step in (*plan.once, *plan.each)}
    assert kinds == {Gather, Instruction, Map, Product, Sum, Sums}


@given(graphs())
def test_any_graph_has_equations(recipe: GraphProgram) -> None:
    evaluation = recipe.evaluate()
    values = evaluation.inputs
    half = len(values) // 2
    program = Program(evaluation.root, inputs=values[:half], parameters=values[half:])
    check(program.latex())
    check(equations(program._forward, program._names))


@pytest.mark.parametrize(
    "label", ["50% off", "a\\b", "$x$", "}{", "^2", "#1 & more", "v1", "R", "E"]
)
def test_no_label_spoils_a_formula(label: str) -> None:
    x, w = Value(2.0, label=label), Value(3.0, label=f"{label}.2")
    with scope(label):
        y = exp(w * x)
        y.label = label
        z = maximum(y, x) * y
    assert is_balanced(Program(z, [x], [w]).latex())


def test_a_function_of_ones_own_goes_by_its_name() -> None:
    huber = function(lambda r: abs(r), lambda r: r, name="huber_2")
    x = Value(2.0, label="x")
    assert r"\operatorname{huber 2}(x)" in Program([huber(x)], [x]).latex()


def test_of_many_lines_the_middle_is_left_out() -> None:
    x = Value(0.5, label="x")
    total = [x]
    for k in range(200):
        total.append(tanh(total[-1] * (k % 7 - 3.0)) + fsum(total[-2:]))
    latex = Program([total[-1]], [x]).latex()
    assert r"\vdots && \text{" in latex
    assert len(latex.splitlines()) < 110
    assert is_balanced(latex)
