"""The page computes again what the engine would, and every control by which it is asked to."""

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from circles import numbers_outside
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from micrograd_bp import (
    MLP,
    Value,
    asin,
    atanh,
    clip,
    cos,
    dot,
    exp,
    fsum,
    log,
    prod,
    relu,
    softmax,
    sqrt,
    square,
    step,
    sum_of_squares,
    topological_order,
    where,
)
from micrograd_bp.engine import record
from micrograd_bp.explorer import explore
from micrograd_bp.explorer.javascript import is_translatable, write_table
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.testing import OPERATIONS, graphs
from micrograd_bp.testing.strategies import well_conditioned_floats
from micrograd_bp.text.numbers import scripted

pytestmark = pytest.mark.slow
Open = Callable[..., Any]
SMALLEST_NORMAL = 2.0**-1022
ARGUMENTS = {  # of the entries that are derivatives
    "divide_by_power": [(2,), (3,)],
    "power_partial": [(1, 0), (0, 1), (1, 1), (2, 0)],
    "constant_power_derivative": [(2.0, 1), (0.5, 1), (-1.5, 1), (3.0, 2)],
    "leaky_step": [(0.01,)],
    "elu_tail": [(1.0,)],
    "softsign_derivative": [(2,), (3,)],
    "within": [(-1.0, 1.0)],
    "gauss": [(0,), (1,)],
    "normal": [(0,), (1,), (3,)],
    "inverse_power": [(1, 0), (1, 3), (2, 1), (3, 2)],
    "hypot_moment": [(0, 2, 3), (1, 1, 3)],
    "polygamma": [(0,), (1,), (2,), (5,), (24,)],
}
ROLES = ("value", "partials", "domain", "pole", "flat")

KNOWN = [function for function in FUNCTIONS.values() if is_translatable(function)]
OPERATIONS_KNOWN = [name for name in OPERATIONS if FUNCTIONS[name] in KNOWN]


def close(found: float, expected: float, tolerance: float = 1e-12) -> bool:
    if not math.isfinite(expected):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    return abs(found - expected) <= max(tolerance * abs(expected), SMALLEST_NORMAL)


# --- the table ------------------------------------------------------------------------------------


def number(draw: random.Random) -> float:
    kind = draw.randrange(8)
    if kind < 4:
        return draw.uniform(-3.0, 3.0)
    if kind == 4:
        return draw.uniform(-40.0, 40.0)
    if kind == 5:
        return draw.choice([0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.0])
    return draw.choice([-1.0, 1.0]) * 10.0 ** draw.uniform(
        *((-10, 4) if kind == 6 else (-320, 308))
    )


def arguments_of(function: Function, draw: random.Random) -> list[float]:
    n = function.operands or draw.randint(2, 6)
    operands = [number(draw) for _ in range(n)]
    if function.key == "exp_of_difference":
        operands.sort()
    parameters = draw.choice(ARGUMENTS.get(function.key, [*function.tried]))
    return [*operands, *((draw.randrange(n),) if function.key == "softmax" else parameters)]


RUN = """cases => cases.map(([key, role, numbers]) =>
  [TABLE[key][role](...numbers)].flat().map((x) => typeof x === "boolean" ? x : String(x)))"""


def in_browser(page: Any, cases: Sequence[tuple[str, str, Sequence[float]]]) -> list[list[Any]]:
    folder = files("micrograd_bp.explorer")
    python, digits = (folder.joinpath(f"{name}.js").read_text() for name in ("python", "digits"))
    table = write_table(KNOWN)
    page.evaluate(f"() => {{ {python}\n{digits}\nglobalThis.TABLE = {table}; }}")
    return [
        [x if isinstance(x, bool) else float(x.replace("Infinity", "inf")) for x in result]
        for result in page.evaluate(RUN, cases)
    ]


def test_every_function_of_the_table_is_in_the_page_what_it_is_in_python(open_page: Open) -> None:
    draw = random.Random(0)
    cases = [
        (function.key, role, arguments)
        for function in KNOWN
        for _ in range(300)
        for arguments in [arguments_of(function, draw)]
        for role in ROLES
        if getattr(function, role) is not None
    ]
    page = open_page("<!DOCTYPE html><title>t</title>")
    for (key, role, arguments), found in zip(cases, in_browser(page, cases), strict=True):
        result = getattr(FUNCTIONS[key], role)(*arguments)
        expected = [*result] if isinstance(result, (tuple, list)) else [result]
        assert len(found) == len(expected), (key, role, arguments)
        for x, y in zip(found, expected, strict=True):
            assert type(x) is bool or role in ("value", "partials")
            assert close(x, y), (key, role, arguments, found, expected)


def test_the_gamma_function_and_its_kin_keep_their_digits_everywhere(open_page: Open) -> None:
    draw = random.Random(3)
    near = [math.nextafter(x, x + s) for x in range(-12, 4) for s in (-1, 1)]
    near += [x + draw.choice([-1, 1]) * 10.0 ** draw.uniform(-15, -1) for x in near]
    roots = [-2.4570247382208006, -2.7476826467274127, 1.4616321449683622, -0.504083008264455]
    wide = [draw.choice([-1, 1]) * 10.0 ** draw.uniform(-308, 305) for _ in range(100)]
    edge = [draw.choice([-1, 1]) * (1 - 10.0 ** draw.uniform(-16, -1)) for _ in range(40)]
    small = [draw.choice([-1, 1]) * 10.0 ** draw.uniform(-308, -1) for _ in range(40)]
    cases: list[Any] = [
        (key, "value", [x, *n])
        for x in [*near, *roots, *wide, 1e305, 2.0, 30.0, 0.5]
        for key, n in [("lgamma", ()), ("digamma", ()), *(("polygamma", (n,)) for n in (1, 2, 9))]
    ]
    inverse = ("erfinv", "erfinv_derivative")
    cases += [(key, role, [x]) for x in edge + small for key in inverse for role in ROLES[:2]]
    page = open_page("<!DOCTYPE html><title>t</title>")
    for (key, role, arguments), (found,) in zip(cases, in_browser(page, cases), strict=True):
        result = getattr(FUNCTIONS[key], role)(*arguments)
        expected = result[0] if role == "partials" else result
        assert close(found, expected), (key, role, arguments, found, expected)


def test_a_sum_of_exponentials_near_1_keeps_its_digits(open_page: Open) -> None:
    draw = random.Random(1)
    points = [(-(10.0 ** draw.uniform(-16, 0)), draw.uniform(-40.0, 0.0)) for _ in range(200)]
    points += [(x, math.log(-math.expm1(x))) for x, _ in points if math.expm1(x) > -1.0]
    cases = [("logaddexp", "value", point) for point in points]
    page = open_page("<!DOCTYPE html><title>t</title>")
    for point, (found,) in zip(points, in_browser(page, cases), strict=True):
        assert close(found, FUNCTIONS["logaddexp"].value(*point)), point


def test_sums_are_rounded_once(open_page: Open) -> None:
    draw = random.Random(2)
    cases: list[Any] = [
        ("fsum", "value", [draw.choice([-1, 1]) * 2.0 ** draw.randint(-60, 60) for _ in range(8)])
        for _ in range(300)
    ]
    cases += [
        (key, "value", terms)
        for key in ("fsum", "mean")
        for terms in (
            [1e308, 1e308, -1e308],
            [1e308] * 3,
            [1e16, 1.0, 1e-16],
            [1.0, 2.0**-53, 1e-99],
        )
    ]
    page = open_page("<!DOCTYPE html><title>t</title>")
    for (key, _, terms), (found,) in zip(cases, in_browser(page, cases), strict=True):
        assert found == FUNCTIONS[key].value(*terms), (key, terms)


# --- graphs ---------------------------------------------------------------------------------------

SET = """changes => changes.map((numbers) => {
  for (const [i, x] of numbers) nodes[i].data = Number(x);
  compute();
  return {
    data: nodes.map(({data}) => String(data)), local: nodes.map(({local}) => local.map(String)),
    grads: grads.map(String), refusals: nodes.map(({refusal}) => refusal), back: refusalOfBackward,
    isKnown: nodes[root].isKnown, isRecorded,
  };
})"""


def floats(texts: Sequence[str]) -> list[float]:
    return [float(text.replace("Infinity", "inf")) for text in texts]


EDGES = st.sampled_from([0.0, 1.0, -1.0, -0.5, 1e-200, 1e200, -1e308, 700.0])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    graphs(OPERATIONS_KNOWN),
    st.lists(st.lists(well_conditioned_floats() | EDGES, min_size=4), min_size=5),
)
def test_a_changed_graph_is_what_the_engine_makes_of_it(
    browser: Any, program: Any, changes: list[list[float]]
) -> None:
    evaluation = program.evaluate()
    order = topological_order(evaluation.root)
    place = {node: i for i, node in enumerate(order)}
    used = [(k, place[leaf]) for k, leaf in enumerate(evaluation.inputs) if leaf in place]
    n = len(program.inputs)
    tried = [*((*numbers, *program.inputs)[:n] for numbers in changes), program.inputs]
    page = browser.new_page()
    page.set_content(explore(evaluation.root).html)
    results = page.evaluate(SET, [[[i, repr(inputs[k])] for k, i in used] for inputs in tried])
    page.close()
    for inputs, found in zip(tried, results, strict=True):
        check(found, replace(program, inputs=inputs))
    assert found["isRecorded"]
    assert floats(found["data"]) == [node.data for node in order]  # to the last bit
    assert [*map(floats, found["local"])] == [[*node.local_derivatives] for node in order]


def attempt(act: Callable[[], Any]) -> tuple[Any, str]:
    """What comes of it, and the words of a refusal."""
    try:
        return act(), ""
    except (ArithmeticError, ValueError) as error:
        return None, str(error)


def roughly(words: str) -> str:
    """Words with their numbers to nine digits: the last ones are those of a C library."""
    return re.sub(r"-?\d+\.\d+(e[+-]?\d+)?", lambda found: f"{float(found[0]):.9g}", words)


def check(found: Any, program: Any) -> None:
    """What the page found, against the engine at the same numbers."""
    evaluation, refusal = attempt(program.evaluate)
    if refusal:
        assert not found["isKnown"]
        assert roughly(refusal) in map(roughly, found["refusals"])
        return
    assert not any(found["refusals"])
    order = topological_order(evaluation.root)
    place = {node: i for i, node in enumerate(order)}
    data, grads = floats(found["data"]), floats(found["grads"])
    local = [*map(floats, found["local"])]
    for i, node in enumerate(order):  # each node by itself, at the page's own operands
        if node.parents:
            function, parameters = node.operation.function, node.operation.parameters
            operands = [data[place[parent]] for parent in node.parents]
            assert close(data[i], function.value(*operands, *parameters)), node
            partials = function.partials(*operands, *parameters)
            assert all(map(close, local[i], partials)), (node, local[i], partials)
    _, refusal = attempt(evaluation.root.backward)
    assert roughly(found["back"]) == roughly(refusal)
    if not refusal and is_well_conditioned(program, [node.grad for node in order]):
        for i, node in enumerate(order):
            assert close(data[i], node.data, 1e-11), node
            assert close(grads[i], node.grad, 1e-11), node


def is_well_conditioned(program: Any, grads: Sequence[float]) -> bool:
    """Whether numbers of which the 13th digit is another give gradients alike to 11 digits."""
    for change in (1.0 - 1e-13, 1.0 + 1e-13):
        near = replace(program, inputs=tuple(x * change for x in program.inputs))
        evaluation, refusal = attempt(near.evaluate)
        if refusal or attempt(evaluation.root.backward)[1]:
            return False
        root = evaluation.root
        if not all(close(node.grad, g, 2e-12) for node, g in zip(topological_order(root), grads)):
            return False
    return True


def with_constant(x: Value, y: Value) -> Value:
    return 0.0 * sqrt(x) + dot([0.0, y], [sqrt(x), y]) + prod([0.0, y, sqrt(x)])


EDGE_CASES: list[Callable[[Value, Value], Value]] = [
    with_constant,
    lambda x, y: where(step(x), sqrt(x), y),
    lambda x, y: relu(-sqrt(x)) + y,
    lambda x, y: cos(sqrt(x)) * y,
    lambda x, y: y * sqrt(x) - y * sqrt(x),
    lambda x, y: sqrt(x) * y,
    lambda x, y: (x - x) / sqrt(y) + x,
    lambda x, y: square(y * sqrt(x)),
    lambda x, y: 1.0 / x + y,
    lambda x, y: log(x * y),
    lambda x, y: asin(y + x) + atanh(x),
    lambda x, y: x**-1.5 + (y + 2.0) ** x,
    lambda x, y: exp(1e3 * y) * x,
    lambda x, y: 1e200 * (1e200 * (x * 1e-300)) + y,
    lambda x, y: fsum([x, y, x, y, x, y, x]) / x,
    lambda x, y: 0.0**x + 1.0**y * sqrt(x),
]


@pytest.mark.parametrize("build", EDGE_CASES)
def test_at_an_edge_the_page_says_what_the_engine_says(open_page: Open, build: Any) -> None:
    def graph(x: float, y: float) -> Value:
        return build(Value(x, "x"), Value(y, "y"))

    order = topological_order(graph(0.25, 0.5))
    places = [[node.label for node in order].index(label) for label in ("x", "y")]
    page = open_page(explore(order[-1]))
    points = [(0.0, 0.5), (0.0, 0.0), (1.0, 1.0), (-1.0, 0.5), (1e-200, -3.0), (0.25, 2.0)]
    sent = [[[i, repr(x)] for i, x in zip(places, point)] for point in points]
    for point, found in zip(points, page.evaluate(SET, sent), strict=True):
        root, refusal = attempt(lambda point=point: graph(*point))  # type: ignore[misc]
        assert found["isKnown"] == (not refusal)
        assert refusal in ["", *found["refusals"]]
        if refusal:
            continue
        _, refusal = attempt(root.backward)
        assert found["back"] == refusal
        if not refusal:
            grads = [node.grad for node in topological_order(root)]
            assert all(map(close, floats(found["grads"]), grads))


# --- changing a number ----------------------------------------------------------------------------


def network(**changes: float) -> Value:
    """The error of a small network; some of its weights or inputs are others."""
    model = MLP(2, [2, 2], hidden="tanh", output="linear", seed=3)
    x, t = [Value(0.5, "x_1"), Value(-1.0, "x_2")], [Value(0.3, "t_1"), Value(-0.2, "t_2")]
    for leaf in (*model.parameters(), *x, *t):
        leaf.data = changes.get(path_of(leaf), leaf.data)
    outputs = model(x)
    root = sum_of_squares(outputs, t)
    root.label = "E"
    return root


def path_of(leaf: Value) -> str:
    return f"{leaf.scope}/{leaf.label}".lstrip("/")


def leaves_of(root: Value) -> dict[str, Value]:
    return {path_of(node): node for node in topological_order(root) if node.operation is None}


def field(page: Any, name: str) -> Any:
    return page.get_by_label(f"data of {name}", exact=True)


def enter(page: Any, name: str, text: str) -> None:
    field(page, name).fill(text)
    page.keyboard.press("Enter")


W = "w^(1)_12 in layer1/neuron1"
PICTURES = """() => [...document.querySelectorAll(".view svg")].map((svg) => svg.outerHTML)"""
PLACES = """() => [...document.querySelectorAll(".view svg *")].map((element) => {
  const named = ["x", "y", "d", "width", "height", "cx", "cy", "r", "dx", "dy"];
  return named.map((name) => element.getAttribute(name)).join();
})"""
TEXT = """() => [...document.querySelectorAll("#panel h2, #panel p")]
  .map((element) => element.textContent + "\\n").join("")"""


def shown(page: Any) -> list[Any]:
    """The texts and the pictures of every step of both modes."""
    seen = []
    for name in ("nodes", "units"):
        page.evaluate("name => setMode(name)", name)
        for k in range(page.evaluate("modes[mode].steps.length")):
            page.evaluate("k => go(k)", k)
            seen.append((page.evaluate(TEXT), page.evaluate(PICTURES)))
    return seen


def test_a_changed_number_changes_all_that_follows_from_it(open_page: Open) -> None:
    page, other = (
        open_page(explore(network())),
        open_page(explore(network(**{"layer1/neuron1/w_12": -3.5, "x_1": 0.25}))),
    )
    before = page.evaluate(PLACES)
    enter(page, W, "-3.5")
    enter(page, "x_1", "0.25")
    assert page.evaluate(PLACES) == before  # the layout stays
    for mine, fresh in zip(shown(page), shown(other), strict=True):
        assert mine[0] == fresh[0]
        assert [text_of(svg) for svg in mine[1]] == [text_of(svg) for svg in fresh[1]]


def text_of(svg: str) -> list[str]:
    """What a picture says, and the look of its lines."""
    texts = re.findall(r">([^<]+)<", svg)
    return [*texts, *re.findall(r'class="(line[^"]*)"|stroke-width="([\d.]{4})', svg)]


def test_long_numbers_stay_in_their_circles(open_page: Open) -> None:
    page = open_page(explore(network()))
    page.locator("label", has_text="Network").first.click()
    for name in ("x_1", "x_2", "w^(1)_10 in layer1/neuron1", "w^(1)_20 in layer1/neuron2"):
        enter(page, name, "-1.23456789e-10")
    page.evaluate("go(modes.nodes.steps.length - 1)")
    assert numbers_outside(page) == []


def test_the_recorded_numbers_come_back(open_page: Open) -> None:
    page = open_page(explore(network()))
    before = page.evaluate("[nodes.map(({data}) => data), [...grads]]")
    recorded = page.locator("#recorded")
    assert recorded.is_disabled()
    assert page.locator("#undo").is_disabled()
    enter(page, W, "2")
    enter(page, "t_1", "7")
    assert page.evaluate("[nodes.map(({data}) => data), [...grads]]") != before
    recorded.click()
    assert page.evaluate("[nodes.map(({data}) => data), [...grads]]") == before
    assert recorded.is_disabled()
    page.locator("#undo").click()
    assert field(page, "t_1").input_value() == "7"
    page.locator("#undo").click()
    assert field(page, "t_1").input_value() == "0.3"
    page.locator("#undo").click()
    assert page.evaluate("[nodes.map(({data}) => data), [...grads]]") == before
    assert page.locator("#undo").is_disabled()


def test_a_field_by_the_keyboard(open_page: Open) -> None:
    page = open_page(explore(network()))
    x = field(page, "x_2")
    x.focus()
    page.keyboard.press("ArrowUp")
    assert (x.input_value(), page.evaluate("nodes[page.leaves[1]].data")) == ("-0.99", -0.99)
    page.keyboard.press("ArrowDown")
    assert x.input_value() == "-0.9999"
    x.fill("12")
    page.keyboard.press("Escape")
    assert x.input_value() == "-0.9999"
    x.fill("1e-3")
    page.keyboard.press("Tab")  # leaving it applies
    assert page.evaluate("nodes[page.leaves[1]].data") == 0.001
    for wrong in ("", "one", "1e999", "nan"):
        enter(page, "x_2", wrong)
        assert x.get_attribute("aria-invalid") == "true"
        assert page.evaluate("nodes[page.leaves[1]].data") == 0.001
    page.keyboard.press("Escape")
    assert (x.input_value(), x.get_attribute("aria-invalid")) == ("0.001", "false")
    x.fill("0")
    page.keyboard.press("ArrowUp")
    assert x.input_value() == "0.01"
    assert page.locator("#count").inner_text().startswith("Step 0 ")  # no step was taken


def test_a_leaf_in_a_picture_leads_to_its_field(open_page: Open) -> None:
    page = open_page(explore(network()))
    names = page.evaluate("nodes.map(({name}) => plain(name))")
    i = names.index("w^(1)_12")
    page.locator(f"#graph-view [data-nodes='{i}']").dblclick()
    assert field(page, W).evaluate("input => input === document.activeElement")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("i => go(modes.nodes.steps.length - 2 - i)", i)  # backward
    page.keyboard.press("Enter")
    assert field(page, W).evaluate("input => input === document.activeElement")
    page.locator("label", has_text="Network").first.click()
    j = names.index("x_2")
    page.locator(f"#network-view .node[data-nodes='{j}']").dblclick()
    assert field(page, "x_2").evaluate("input => input === document.activeElement")


def middle(page: Any, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_number_is_dragged(open_page: Open) -> None:
    page = open_page(explore(network()))
    i = page.evaluate("nodes.findIndex(({name}) => plain(name) === 'x_2')")
    x, y = middle(page, f"#graph-view [data-data='{i}']")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 3)
    page.mouse.move(x + 40, y + 3)
    page.mouse.up()
    assert page.evaluate("i => nodes[i].data", i) == -0.9
    assert page.locator("#count").inner_text().startswith("Step 0 ")  # it was no click
    page.mouse.click(x, y)
    assert page.locator("#title").inner_text() == "Forward: the leaves are given"
    page.locator("#undo").click()
    assert page.evaluate("i => nodes[i].data", i) == -1.0


def test_a_number_is_dragged_by_touch(open_page: Open) -> None:
    page = open_page(explore(network()), has_touch=True, viewport={"width": 390, "height": 844})
    i = page.evaluate("nodes.findIndex(({name}) => plain(name) === 'x_1')")
    x, y = middle(page, f"#graph-view [data-data='{i}']")
    touch = page.context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 20, "y": y}]),
        ("touchMove", [{"x": x + 80, "y": y}]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert page.evaluate("i => nodes[i].data", i) == pytest.approx(0.6)


def test_what_is_refused_is_said_in_the_words_of_the_engine_and_can_be_mended(
    open_page: Open,
) -> None:
    def root(x: float) -> Value:
        y = log(Value(x, "x")) * Value(2.0, "y")
        return y + sqrt(Value(x, "x"))

    with pytest.raises(ValueError, match="log of") as refused:
        root(-1.0)
    x = Value(1.0, "x")
    page = open_page(explore(log(x) * Value(2.0, "y") + exp(x)))
    enter(page, "x", "-1")
    assert page.locator("#refusal").inner_text() == str(refused.value)
    assert page.locator(".bubble").inner_text() == str(refused.value)
    assert page.locator("#graph-view .refused").count() == 1
    for k in range(page.evaluate("modes[mode].steps.length")):
        page.evaluate("k => go(k)", k)
        assert "NaN" not in page.locator("body").inner_text()
    assert "There is no backward pass" in page.evaluate(TEXT)
    assert {*page.locator("#graph-view [data-grad]").all_text_contents()} == {"—"}
    enter(page, "x", "2")
    assert page.locator("#refusal").inner_text() == ""
    assert page.locator(".bubble, .refused").count() == 0
    page.keyboard.press("End")
    assert "—" not in page.locator("#graph-view [data-grad]").all_text_contents()
    enter(page, "x", "1e308")
    assert "the result is beyond the largest float" in page.locator("#refusal").inner_text()


def test_a_gradient_that_is_refused_is_said(open_page: Open) -> None:
    x = Value(4.0, "x")
    page = open_page(explore(sqrt(x) * Value(3.0, "y")))
    enter(page, "x", "0")
    y = sqrt(Value(0.0, "x")) * Value(3.0, "y")
    with pytest.raises(ZeroDivisionError) as refused:
        y.backward()
    assert page.locator("#refusal").inner_text() == str(refused.value)
    enter(page, "x", "1")
    assert page.locator("#refusal").inner_text() == ""


def test_what_the_table_does_not_have_is_stepped_through_as_recorded(open_page: Open) -> None:
    cube = Function("cube", lambda x: x**3, lambda x: (3.0 * x * x,))
    page = open_page(explore(record(cube, [Value(2.0, "x")])))
    assert not page.locator("#numbers").is_visible()
    page.keyboard.press("End")
    assert page.locator("#graph-view [data-grad='0']").text_content() == "12"


# --- learning -------------------------------------------------------------------------------------


def test_a_step_of_learning_is_one_of_gradient_descent(open_page: Open) -> None:
    page = open_page(explore(network()))
    page.locator("#rate").fill("0.25")
    page.keyboard.press("Enter")
    changes: dict[str, float] = {}
    losses = []
    for _ in range(4):
        root = network(**changes)
        losses.append(root.data)
        root.backward()
        leaves = leaves_of(root)
        for path, leaf in leaves.items():
            changes[path] = leaf.data - (0.25 * leaf.grad if "layer" in path else 0.0)
        page.locator("#descend").click()
    losses.append(network(**changes).data)
    assert page.evaluate("losses.all") == pytest.approx(losses, rel=1e-12)
    label = page.locator("#curve").get_attribute("aria-label")
    assert label == f"E from {scripted(losses[0])} to {scripted(losses[4])} in 4 steps"
    assert page.locator("#loss").inner_text() == f"E = {scripted(losses[4])}"
    page.locator("#undo").click()
    assert page.evaluate("nodes[root].data") == pytest.approx(losses[3], rel=1e-12)
    assert page.locator("#curve").get_attribute("aria-label").endswith("in 3 steps")


def test_learning_runs_and_pauses(open_page: Open) -> None:
    page = open_page(explore(network()))
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(seconds=5))
    page.locator("#run").click()
    assert page.locator("#run").inner_text() == "Pause"
    page.clock.run_for(1000)
    n = page.evaluate("losses.length")
    assert n > 10
    page.locator("#run").click()
    page.clock.run_for(1000)
    assert page.evaluate("losses.length") == n
    page.locator("#run").click()
    page.clock.run_for(500)
    enter(page, "x_1", "2")  # a change by hand ends it
    assert page.locator("#run").inner_text() == "Run"
    page.locator("#rate").fill("1e200")
    page.keyboard.press("Enter")
    page.locator("#run").click()
    page.clock.run_for(5000)  # it ends where the error overflows
    assert page.locator("#run").inner_text() == "Run"
    assert "the result is beyond the largest float" in page.locator("#refusal").inner_text()
    page.locator("#recorded").click()
    assert page.locator("#refusal").inner_text() == ""


def test_parameters_are_said_as_python_writes_them(open_page: Open) -> None:
    def root(x: float) -> Value:
        leaf = Value(x, "x")
        return softmax([sqrt(leaf), Value(1.0, "y")])[1] + clip(leaf, 0.0)

    page = open_page(explore(root(1.0)))
    enter(page, "x", "0")
    with pytest.raises(ZeroDivisionError) as refused:
        root(0.0).backward()
    assert page.locator("#refusal").inner_text() == str(refused.value)
    assert page.evaluate("nodes.flatMap(({written}) => written)") == ["1", "0.0", "inf"]


def test_without_an_error_there_is_nothing_to_learn(open_page: Open) -> None:
    model = MLP(2, [2, 1], hidden="tanh", seed=0)
    for root in (model([0.5, -1.0]), Value(2.0, "x") ** 2):
        page = open_page(explore(root))
        assert not page.locator("#learn").is_visible()
        assert page.locator("#numbers").is_visible()


# --- other ways to a number -----------------------------------------------------------------------


def test_a_central_difference_stands_beside_the_derivative(open_page: Open) -> None:
    root = network()
    page = open_page(explore(root))
    page.locator("#check summary").click()
    page.locator("#differences", has_text="Go to the step of a node").wait_for()
    page.keyboard.press("End")
    page.locator("#graph-view .node", has_text="w(1)12").first.click()

    def rows() -> list[float]:
        text = page.locator("#differences").inner_text()
        return [float(x) for x in re.findall(r"(?:= |by )(-?[\d.]+(?:e-\d+)?)", text)]

    leaf = leaves_of(root)["layer1/neuron1/w_12"]
    root.backward()
    for h in (1e-5, 1e-4):
        derivative, difference, error = rows()
        ends = [network(**{path_of(leaf): leaf.data + s * h}).data for s in (1.0, -1.0)]
        assert derivative == pytest.approx(leaf.grad, rel=1e-11)
        assert difference == pytest.approx((ends[0] - ends[1]) / (2.0 * h), abs=1e-15 / h)
        assert error == pytest.approx(abs(derivative - difference), abs=1e-11)
        page.get_by_label("step size h").focus()
        page.keyboard.press("ArrowUp")
    enter(page, W, "1.5")
    leaf = leaves_of(other := network(**{path_of(leaf): 1.5}))[path_of(leaf)]
    other.backward()
    assert rows()[0] == pytest.approx(leaf.grad, rel=1e-11)
    page.evaluate("setMode('units')")
    page.evaluate("go(modes.units.steps.length - 2)")
    assert page.locator(".check").count() == 3  # the weights into a_2


@pytest.mark.parametrize("name", ["nodes", "units"])
def test_the_reader_computes_every_number_by_hand(open_page: Open, name: str) -> None:
    page = open_page(explore(network()))
    page.evaluate("name => setMode(name)", name)
    page.locator("#hand summary").click()
    ask, answer, verdict = (page.locator(f"#{x}") for x in ("ask", "answer", "verdict"))
    asked = []
    for k in range(100):
        ask.click()
        asked.append(page.locator("#question").inner_text())
        if "at their end" in asked[-1]:
            break
        number = page.evaluate("question.answer()")
        right = k % 2 == 0
        answer.fill(f"{number:.7g}" if right else f"{number * 1.00001:.9g}")
        page.keyboard.press("Enter")
        assert verdict.inner_text().startswith("✓ right" if right else "✗ not")
        assert right or scripted(number, 7) in verdict.inner_text()
        assert scripted(number) in page.evaluate(TEXT)  # the step shows it
    assert len(asked) > 10
    assert "a(1)1 = " in " ".join(asked).replace("\n", "")


def test_a_question_asks_for_the_number_of_now(open_page: Open) -> None:
    page = open_page(explore(network()))
    page.locator("#hand summary").click()
    page.locator("#ask").click()
    assert page.evaluate("document.activeElement.id") == "answer"
    before = page.evaluate("question.answer()")
    enter(page, "x_1", "0.75")
    assert page.evaluate("question.answer()") != before


# --- for class ------------------------------------------------------------------------------------


def test_a_link_leads_to_a_step(open_page: Open) -> None:
    page = open_page(explore(network()))
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#step=1")
    for link, shown in [
        ("#step=12", "Step 12 of 44 · forward pass"),
        ("#units=3", "Step 3 of 16 · forward pass"),
        ("#order=2", "Step 2 of 6"),
        ("#step=1000", "Step 44 of 44 · backward pass"),
    ]:
        page.evaluate("link => { location.hash = link; }", link)
        page.wait_for_function("shown => at('count').textContent === shown", arg=shown)
        page.reload()
        assert page.locator("#count").inner_text() == shown
    assert page.url.endswith("#step=44")
    for wrong in ("#step=", "#step=-1", "#__proto__=1", "#step=1e3"):
        page.evaluate("link => { location.hash = link; }", wrong)
        page.reload()
        assert page.locator("#count").inner_text().startswith("Step 0 ")


def test_the_picture_of_now_is_saved(open_page: Open, tmp_path: Path) -> None:
    page = open_page(explore(network()))
    enter(page, W, "-3.5")
    page.evaluate("go(modes.nodes.steps.length - 1)")
    for kind in ("svg", "png"):
        with page.expect_download() as download:
            page.locator(f"#{kind}").click()
        assert download.value.suggested_filename == f"graph.{kind}"
        download.value.save_as(tmp_path / f"graph.{kind}")
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")
    picture = ElementTree.parse(tmp_path / "graph.svg").getroot()
    assert "-3.5" in [text.strip() for text in picture.itertext()]
    alone = open_page(f"<!DOCTYPE html><title>t</title>{(tmp_path / 'graph.svg').read_text()}")
    box = "element => getComputedStyle(element).fill"
    assert alone.locator(".box").first.evaluate(box) == page.locator(".box").first.evaluate(box)


def test_a_picture_saved_in_the_dark_keeps_its_colours(open_page: Open, tmp_path: Path) -> None:
    page = open_page(explore(network()), color_scheme="dark")
    page.locator("label", has_text="Network").click()
    with page.expect_download() as download:
        page.locator("#svg").click()
    download.value.save_as(tmp_path / "network.svg")
    alone = open_page(f"<!DOCTYPE html><title>t</title>{(tmp_path / 'network.svg').read_text()}")
    colours = """() => [...document.querySelectorAll("#network .line, #network .box")].map(
      (element) => [getComputedStyle(element).stroke, getComputedStyle(element).fill])"""
    assert len(page.evaluate(colours)) > 5
    assert alone.evaluate(colours) == page.evaluate(colours)


def test_type_is_large_for_a_room(open_page: Open) -> None:
    page = open_page(explore(network()), viewport={"width": 1600, "height": 900})
    page.evaluate("go(20)")
    size = "parseFloat(getComputedStyle(document.querySelector('#text p')).fontSize)"
    before = page.evaluate(size)
    page.keyboard.press("p")
    assert page.evaluate(size) >= 1.4 * before
    assert page.locator("#large").get_attribute("aria-pressed") == "true"
    assert page.evaluate("at('panel').scrollHeight <= at('panel').clientHeight")
    page.locator("#large").click()
    assert page.evaluate(size) == before


def test_in_a_notebook_it_lives_too(open_page: Open) -> None:
    notebook = f"<!DOCTYPE html><title>n</title>{explore(network())._repr_html_()}"
    page = open_page(notebook)
    frame = page.frame_locator("iframe")
    frame.get_by_label("data of x_1", exact=True).fill("2")
    page.keyboard.press("Enter")
    frame.locator("#descend").click()
    assert frame.locator("#curve").get_attribute("aria-label").endswith("in 1 step")
    assert not frame.locator("#svg").is_visible()
