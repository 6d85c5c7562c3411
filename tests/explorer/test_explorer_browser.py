"""The step-through page in a real browser: every control, and the numbers at every step."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    fsum,
    maximum,
    scope,
    sigmoid,
    sqrt,
    square,
    tanh,
    topological_order,
)
from micrograd_bp.book.worked_example import worked_example
from micrograd_bp.explorer import explore
from micrograd_bp.testing import graphs
from micrograd_bp.text.numbers import scripted

pytestmark = pytest.mark.slow
Open = Callable[..., Any]

# What the pictures say, read in one call: the texts of data and grad by node, and its look.
READ = """() => {
  const read = {data: {}, grad: {}, current: [], operand: [], edges: []};
  for (const view of ["graph-view", "network-view"]) {
    for (const kind of ["data", "grad"]) {
      for (const element of document.querySelectorAll(`#${view} [data-${kind}]`)) {
        const node = element.getAttribute(`data-${kind}`);
        (read[kind][node] ??= []).push(element.textContent);
      }
    }
  }
  for (const element of document.querySelectorAll("#graph-view [data-nodes]")) {
    const node = Number(element.getAttribute("data-nodes"));
    if (element.classList.contains("current")) read.current.push(node);
    if (element.classList.contains("operand")) read.operand.push(node);
  }
  for (const element of document.querySelectorAll("#graph-view text.local.current")) {
    read.edges.push([element.getAttribute("data-edge"), element.textContent]);
  }
  return read;
}"""
TEXT = """() => [...document.querySelectorAll("#panel h2, #panel p")]
  .map((element) => element.textContent + "\\n").join("")"""


def shared() -> Value:
    """Nodes with several consumers, an operand twice, and a function without a short formula."""
    x, y = Value(0.75, "x"), Value(-1.5, "y")
    u = x * x
    v = u * y - u.erf()
    root = v * v + x / 2 + y**3
    root.label = "f"
    return root


def number_shown(number: float) -> str:
    return scripted(number, 4)


def go(page: Any, step: int) -> None:
    page.evaluate("step => go(step)", step)


def mode(page: Any, name: str) -> None:
    page.locator("label", has_text=name).first.click()


def count(page: Any) -> str:
    return str(page.locator("#count").inner_text())


# --- the numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [shared, lambda: worked_example().error])
def test_every_step_shows_the_numbers_of_the_engine(open_page: Open, build: Any) -> None:
    root = build()
    order = topological_order(root)
    place = {node: i for i, node in enumerate(order)}
    computed = [node for node in order if node.parents]
    n, seed = len(order), len(computed) + 2
    uses = Counter(parent for node in order for parent in node.parents)
    page = open_page(explore(root))
    grads = dict.fromkeys(order, 0.0)
    reached: Counter[Value] = Counter()  # by the backward pass, how often
    for step in range(seed + n + 2):
        assert count(page).startswith(f"Step {step} of {seed + n + 1} ")
        read = page.evaluate(READ)
        current = None
        if step == 1:  # the leaves
            assert read["current"] == [i for node, i in place.items() if not node.parents]
        elif 2 <= step < seed:
            current = computed[step - 2]
        elif step == seed:
            grads[root] = 1.0
        elif seed < step <= seed + n:
            current = order[seed + n - step]
            for parent, local in zip(current.parents, current.local_derivatives):
                before = grads[parent]
                grads[parent] += local * grads[current]
                reached[parent] += 1
                after = scripted(grads[parent])
                left = ", not yet complete" if reached[parent] < uses[parent] else ""
                assert f"{scripted(before)} → {after}{left}\n" in page.evaluate(TEXT)
        for node, i in place.items():
            known = not node.parents or computed.index(node) + 2 <= step
            data = number_shown(node.data) if known else "…"
            grad = number_shown(grads[node]) if reached[node] or grads[node] else "—"
            if 0 < reached[node] < uses[node]:
                grad += " +…"
            assert {*read["data"][str(i)]} == {data}
            assert {*read["grad"].get(str(i), [grad])} == {grad}
        if current is not None:
            assert read["current"] == [place[current]]
            assert {*read["operand"]} == {place[parent] for parent in current.parents}
            mark = "◀ ×" if step > seed else "×"
            assert sorted(map(tuple, read["edges"])) == sorted(
                (f"{place[current]} {slot}", mark + number_shown(local))
                for slot, local in enumerate(current.local_derivatives)
            )
        page.keyboard.press("ArrowRight")
    for node in order:
        node.grad = 0.0
    root.backward()
    assert page.evaluate("grads") == [grads[node] for node in order] == [n.grad for n in order]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
def test_the_backward_pass_is_that_of_the_engine_to_the_last_bit(
    browser: Any, program: Any
) -> None:
    root = program.evaluate().root
    page = browser.new_page()
    page.set_content(explore(root).html)
    found = page.evaluate("grads")
    page.close()
    root.backward()
    assert found == [node.grad for node in topological_order(root)]


def test_a_step_tells_the_equation_in_names_and_numbers(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    page.locator("#graph-view .node", has_text="a(1)1dot").click()
    text = page.evaluate(TEXT)
    assert "Forward: a(1)1" in text
    assert "a(1)1 = w(1)11 · x1 + w(1)12 · x2 + w(1)10" in text
    assert "= 0.4 · 0.5 + (-0.6) · (-1) + 0.1\n" in text
    assert "= 0.9" in text
    assert "∂a(1)1/∂w(1)12 = x2 = -1" in text
    page.keyboard.press("End")
    page.locator("#graph-view .node", has_text="a(1)1dot").click()
    text = page.evaluate(TEXT)
    assert "a(1)1.grad = δ(1)1 = -0.0354613" in text
    assert "w(1)11.grad += ∂a(1)1/∂w(1)11 × a(1)1.grad" in text
    assert "= x1 δ(1)1 = 0.5 × (-0.0354613) = -0.0177307" in text
    assert "∂En/∂w(1)11: 0 → -0.0177307" in text


def test_a_label_that_is_a_formula_takes_parentheses_in_equations(open_page: Open) -> None:
    y, x, w = Value(0.5, "y - t"), Value(2.0, "x"), Value(-3.0, "w")
    root = (x - y) * (y * w)
    page = open_page(explore(root))
    page.locator("#graph-view .node", has_text="v1-").click()
    assert "v1 = x − (y - t)\n" in page.evaluate(TEXT)
    page.keyboard.press("End")
    page.locator("#graph-view .node", has_text="v2*").click()
    text = page.evaluate(TEXT)
    assert "w.grad += ∂v2/∂w × v2.grad\n= (y - t) ∂f/∂v2 = 0.5 × 1.5 = 0.75" in text
    assert "∂f/∂(y - t): 0 → -4.5, not yet complete" in text


def test_an_unfinished_grad_stands_clear_of_the_word_beside_it(open_page: Open) -> None:
    x = Value(-0.6187, "x")
    u = tanh(x)
    root = u * x - u * u
    page = open_page(explore(root))
    overlaps = """() => [...document.querySelectorAll("#graph-view [data-grad]")].filter((grad) => {
      const word = grad.previousElementSibling.getBoundingClientRect();
      return grad.getBoundingClientRect().left < word.right;
    }).map((grad) => grad.textContent)"""
    for step in range(page.evaluate("modes.nodes.steps.length")):
        go(page, step)
        assert page.evaluate(overlaps) == []


def test_a_zero_grad_brings_back_zero_through_an_infinite_derivative(open_page: Open) -> None:
    x = Value(0.0, "x")
    root = sqrt(x) * 0.0
    page = open_page(explore(root))
    root.backward()
    assert page.evaluate("grads") == [node.grad for node in topological_order(root)]
    page.keyboard.press("End")
    page.locator("#graph-view .node", has_text="sqrt").click()
    assert "Its grad is 0, so it brings nothing back" in page.evaluate(TEXT)
    assert "∂f/∂x: 0 → 0" in page.evaluate(TEXT)
    grad = page.locator("#graph-view [data-grad='0']")
    assert grad.text_content() == "0"  # this zero has been computed
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert grad.text_content() == "—"


def test_the_network_shows_no_grad_before_it_is_computed(open_page: Open) -> None:
    root = worked_example().error
    page = open_page(explore(root))
    mode(page, "Network")
    numbers = page.locator("#network-view [data-grad]")
    page.evaluate("go(SEED)")
    assert {*numbers.all_text_contents()} == {"—"}
    page.keyboard.press("End")
    assert "—" not in numbers.all_text_contents()


def test_a_negative_argument_has_one_pair_of_parentheses(open_page: Open) -> None:
    x, y = Value(-0.5, "x"), Value(-2.0, "y")
    page = open_page(explore(-abs(sigmoid(x) + maximum(x, y) * y)))
    texts = ""
    for _ in range(len(page.evaluate("nodes"))):
        page.keyboard.press("ArrowRight")
        texts += page.evaluate(TEXT)
    assert "= sigmoid(-0.5)\n" in texts
    assert "= maximum(-0.5, -2)\n" in texts
    assert "= (-0.5) · (-2)\n" in texts
    assert "((" not in texts


def test_numbers_that_are_not_finite_are_shown_and_told(open_page: Open) -> None:
    with allow_nonfinite():
        page = open_page(explore(sqrt(Value(0.0, "x")) + Value(float("nan"), "y")))
    page.keyboard.press("End")
    read = page.evaluate(READ)
    assert read["data"]["2"] == ["nan"]
    assert read["grad"]["0"] == ["inf"]
    assert "∂f/∂x = inf" in page.evaluate(TEXT)
    page.locator("#graph-view [data-nodes='0']").click()
    assert "backward() raises an error here" in page.evaluate(TEXT)


# --- the controls ---------------------------------------------------------------------------------


def test_the_buttons(open_page: Open) -> None:
    page = open_page(explore(shared()))
    last = int(re.findall(r"\d+", count(page))[1])
    assert page.locator("#first").is_disabled()
    assert page.locator("#back").is_disabled()
    page.locator("#next").click()
    page.locator("#next").click()
    assert count(page) == f"Step 2 of {last} · forward pass"
    page.locator("#back").click()
    assert count(page) == f"Step 1 of {last} · forward pass"
    page.locator("#last").click()
    assert count(page) == f"Step {last} of {last} · backward pass"
    assert page.locator("#last").is_disabled()
    assert page.locator("#next").is_disabled()
    page.locator("#first").click()
    assert count(page) == f"Step 0 of {last} · forward pass"


def test_the_keys(open_page: Open) -> None:
    page = open_page(explore(shared()))
    last = int(re.findall(r"\d+", count(page))[1])
    for key, step in [
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", last),
        ("ArrowRight", last),
        ("Home", 0),
        ("ArrowLeft", 0),
    ]:
        page.keyboard.press(key)
        assert count(page).startswith(f"Step {step} ")
    page.keyboard.press("Control+ArrowRight")
    assert count(page).startswith("Step 0 ")


def test_the_arrow_keys_step_after_a_click_on_a_mode(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    mode(page, "Unit by unit")
    page.wait_for_function("() => document.activeElement === document.body")
    page.keyboard.press("ArrowRight")
    assert count(page) == "Step 1 of 20 · forward pass"


def test_everything_is_reached_by_the_keyboard(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
    for control in (
        "nodes",
        "graph",
        "smaller",
        "larger",
        "fit",
        "play",
        "next",
        "last",
        "slider",
        "jump",
        "graph-view",
        "panel",
    ):
        assert control in reached
    page.locator("[value=nodes]").focus()
    page.keyboard.press("ArrowRight")
    assert count(page).startswith("Step 0 of 20")
    page.keyboard.press("ArrowRight")
    assert count(page).startswith("Step 0 of 6")
    page.locator("#next").focus()
    page.keyboard.press("Space")
    assert count(page).startswith("Step 1 of 6")


def test_the_slider_and_the_menu(open_page: Open) -> None:
    page = open_page(explore(shared()))
    page.locator("#slider").fill("5")
    assert count(page).startswith("Step 5 ")
    assert page.locator("#slider").get_attribute("aria-valuetext").startswith("5: Forward: ")
    page.locator("#slider").focus()
    page.keyboard.press("ArrowRight")
    assert count(page).startswith("Step 6 ")
    assert page.locator("#jump").input_value() == "6"
    page.locator("#jump").select_option(
        page.locator("[label='backward pass'] option", has_text=re.compile("^y$")).get_attribute(
            "value"
        )
    )
    assert page.locator("#title").inner_text() == "Backward: y"


def test_the_menu_sets_an_index_below_and_above(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    options = page.locator("#jump option").all_text_contents()
    assert {"w⁽¹⁾₁₁", "w⁽²⁾₁₁", "a⁽¹⁾₁", "y₂", "Eₙ"} <= {*options}


def test_play_and_pause(open_page: Open) -> None:
    page = open_page(explore(Value(2.0, "x") * Value(3.0, "y")))
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(seconds=5))  # time passes by run_for alone
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Pause"
    page.clock.run_for(1000)
    assert count(page).startswith("Step 1 ")
    page.locator("#play").click()
    assert page.locator("#play").inner_text() == "Play"
    page.clock.run_for(10_000)
    assert count(page).startswith("Step 1 ")
    page.locator("#play").click()
    page.clock.run_for(30_000)
    assert count(page).startswith("Step 7 of 7 ")
    assert page.locator("#play").inner_text() == "Play"
    page.locator("#play").click()
    page.clock.run_for(1000)
    assert count(page).startswith("Step 1 ")
    page.keyboard.press("ArrowRight")  # stepping by hand ends playing
    page.clock.run_for(10_000)
    assert count(page).startswith("Step 2 ")


def test_a_click_on_a_node_goes_to_its_step_in_this_pass(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    page.locator("#graph-view [data-nodes='20']").click()
    assert page.locator("#title").text_content() == "Forward: z(1)3"
    page.locator("#last").click()
    page.locator("#graph-view [data-nodes='20']").click()
    assert page.locator("#title").text_content() == "Backward: z(1)3"
    mode(page, "Network")
    page.locator("#network-view [data-nodes='6']").click()
    assert page.locator("#title").inner_text() == "Backward: x1"
    mode(page, "Unit by unit")
    page.keyboard.press("End")
    page.locator("#network-view .node[data-nodes='19 20']").click()
    assert "Hidden unit 3: the error" in page.locator("#title").inner_text()


def test_the_pictures_are_chosen_and_sized(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    graph, network = page.locator("#graph-view"), page.locator("#network-view")
    assert (graph.is_visible(), network.is_visible()) == (True, False)
    mode(page, "Network")
    assert (graph.is_visible(), network.is_visible()) == (False, True)
    mode(page, "Both")
    assert (graph.is_visible(), network.is_visible()) == (True, True)
    width = page.locator("#graph").bounding_box()["width"]
    page.keyboard.press("+")
    page.locator("#larger").click()
    assert page.locator("#graph").bounding_box()["width"] == pytest.approx(1.5625 * width, rel=0.01)
    page.keyboard.press("-")
    page.locator("#smaller").click()
    assert page.locator("#graph").bounding_box()["width"] == pytest.approx(width, rel=0.01)


def test_a_graph_without_a_network_has_no_controls_for_one(open_page: Open) -> None:
    page = open_page(explore(shared()))
    assert not page.locator("#shown").is_visible()
    assert not page.get_by_text("Unit by unit").is_visible()
    assert page.get_by_text("Why order matters").is_visible()


# --- unit by unit, and why order matters ----------------------------------------------------------


def test_unit_by_unit_goes_through_the_equations_of_the_worked_example(open_page: Open) -> None:
    example = worked_example()
    rows = {row.quantity: row.by_equations for row in example.point_rows}
    page = open_page(explore(example.error))
    mode(page, "Unit by unit")
    expected = ["", *(f"{letter}_{j}" for j in (1, 2, 3) for letter in "az"), "y_1", "y_2", "E_n"]
    expected += [f"delta_k={k}" for k in (1, 2)] + [f"delta_j={j}" for j in (1, 2, 3)]
    for step, quantity in enumerate(expected):
        assert count(page).startswith(f"Step {step} of 20")
        if quantity:
            last = page.locator("#text .equation").last.inner_text()
            assert last.split("= ")[-1] == scripted(rows[quantity]), quantity
        page.keyboard.press("ArrowRight")
    texts = ""
    for _ in range(6):
        texts += page.evaluate(TEXT) + "\n"
        page.keyboard.press("ArrowRight")
    for quantity, number in rows.items():
        if quantity.startswith("dE_n/dw"):
            layer, index = quantity.removeprefix("dE_n/dw").split("_")
            assert re.search(
                rf"∂En/∂w\({layer}\){index} = .*{re.escape(scripted(number))}\n", texts
            )
    grads = page.evaluate(READ)["grad"]
    assert [grads[str(i)][0] for i in range(36)] == [
        number_shown(node.grad) for node in topological_order(example.error)
    ]


def test_a_unit_shows_only_what_is_known_by_then(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    mode(page, "Unit by unit")
    go(page, 3)  # a_2
    read = page.evaluate(READ)
    assert {*read["data"]["9"]} == {"0.9"}
    assert {*read["data"]["14"]} == {"-0.15"}
    assert {*read["data"]["15"]} == {"…"}
    go(page, 10)  # delta_k of the first output
    read = page.evaluate(READ)
    assert {*read["grad"]["22"]} == {"-0.1848"}
    assert {*read["grad"]["30"]} == {"—"}


def test_the_naive_recursion_goes_wrong_and_topological_order_does_not(open_page: Open) -> None:
    a = Value(3.0, "a")
    b = a + a
    c = b + b
    c.backward()
    page = open_page(explore(c))
    mode(page, "Why order matters")
    naive, topological = page.locator("#naive"), page.locator("#topological")
    shown = []
    for step in range(7):
        assert count(page) == f"Step {step} of 6"
        shown.append(
            [
                [way.locator(f"[data-v={v}]").text_content() for v in "abc"]
                for way in (naive, topological)
            ]
        )
        page.keyboard.press("ArrowRight")
    assert [way[0] for way in shown] == [
        ["0", "0", "1"],
        ["0", "1", "1"],
        ["1", "1", "1"],
        ["2", "1", "1"],
        ["2", "2", "1"],
        ["4", "2", "1"],
        ["6", "2", "1"],
    ]
    assert [way[1] for way in shown] == [
        ["0", "0", "1"],
        ["0", "1", "1"],
        ["0", "2", "1"],
        ["2", "2", "1"],
        *[["4", "2", "1"]] * 3,
    ]
    assert shown[-1][1] == [scripted(node.grad) for node in (a, b, c)]
    assert "✗ a.grad = 6 is wrong" in naive.inner_text()
    assert "✓ a.grad = 4 is right" in topological.inner_text()
    assert "1 + 1 + 2 + 2 = 6" in page.evaluate(TEXT)


# --- for everyone ---------------------------------------------------------------------------------


def test_a_power_of_what_has_an_index_above_or_an_exponent_takes_parentheses(
    open_page: Open,
) -> None:
    w, small, negative = Value(0.5, "w2_1"), Value(1e-7, "s"), Value(-3.0, "u")
    page = open_page(explore(w**3 + small**2 + square(negative) + w.tanh()))
    texts = ""
    for _ in range(22):
        texts += page.evaluate(TEXT)
        page.keyboard.press("ArrowRight")
    assert "(w(2)1)3\n" in texts
    assert "3 · (w(2)1)2 = " in texts
    assert "= (1e-7)2\n" in texts
    assert "= s2\n" in texts
    assert "= (-3)2\n" in texts


def test_a_screen_reader_hears_each_step(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    live = page.locator("#live")
    assert live.get_attribute("aria-live") == "polite"
    heard = set()
    for step in range(54):
        text = live.text_content()
        assert text.startswith(f"Step {step}: ")
        assert not re.search("[\ue000-\ue002]", text)
        heard.add(text)
        page.keyboard.press("ArrowRight")
    assert len(heard) == 54
    go(page, 2)
    assert "a superscript 1 1 = w superscript 1 11 · x 1 + " in live.text_content().replace(
        "  ", " "
    )
    for button in page.locator("button").all():
        assert button.get_attribute("aria-label") or button.inner_text()
    for svg in page.locator(".view svg").all():
        assert svg.get_attribute("role") == "img"
        assert svg.get_attribute("aria-label")


def test_no_meaning_is_by_colour_alone(open_page: Open) -> None:
    page = open_page(explore(shared()))
    go(page, 4)

    def border(name: str) -> Any:
        return page.evaluate(
            """name => {
              const style = getComputedStyle(document.querySelector(`#graph-view ${name} .box`));
              return [style.strokeWidth, style.strokeDasharray];
            }""",
            name,
        )

    looks = {
        *(tuple(border(name)) for name in (".node.current", ".node.operand")),
        tuple(border(".node:not(.current):not(.operand):not(.constant)")),
    }
    assert len(looks) == 3


def test_who_wants_less_motion_gets_none(open_page: Open) -> None:
    def durations(**options: Any) -> Any:
        page = open_page(explore(shared()), **options)
        return page.evaluate("getComputedStyle(document.querySelector('.box')).transitionDuration")

    assert durations(reduced_motion="reduce") == "0s"
    assert durations(reduced_motion="no-preference") != "0s"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page: Open, scheme: str) -> None:
    page = open_page(explore(shared()), color_scheme=scheme)
    go(page, 20)
    read = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement);
          const read = {};
          for (const name of ["paper", "ink", "grey", "card", "forward", "backward", "wrong",
                              "forward-fill", "backward-fill"]) {
            read[name] = style.getPropertyValue(`--${name}`).trim();
          }
          return read;
        }"""
    )

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        low, high = sorted((light(read[one]), light(read[other])))
        return (high + 0.05) / (low + 0.05)

    for text, ground in [
        ("ink", "paper"),
        ("ink", "card"),
        ("ink", "forward-fill"),
        ("ink", "backward-fill"),
        ("grey", "paper"),
        ("forward", "paper"),
        ("backward", "paper"),
        ("wrong", "paper"),
        ("forward", "card"),
        ("backward", "card"),
    ]:
        assert contrast(text, ground) >= 4.5, (text, ground)


def test_a_narrow_window_needs_no_sideways_scrolling(open_page: Open) -> None:
    page = open_page(explore(worked_example().error), viewport={"width": 400, "height": 800})
    for name in ("Node by node", "Unit by unit", "Why order matters"):
        mode(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.locator("#title").is_visible()


# --- where it is shown ----------------------------------------------------------------------------


def test_on_paper_it_is_a_picture_of_the_whole(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    page.emulate_media(media="print")
    assert not page.locator("#controls").is_visible()
    assert page.evaluate(
        "document.querySelector('#graph').getBoundingClientRect().width <= innerWidth"
    )
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(READ)["grad"]["19"][0] == "-0.01648"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(READ)["grad"]["19"][0] == "—"
    assert page.pdf().startswith(b"%PDF")


def test_without_a_script_it_shows_the_end_of_the_backward_pass(open_page: Open) -> None:
    page = open_page(explore(worked_example().error), java_script_enabled=False)
    assert not page.locator("#controls").is_visible()
    assert page.locator("#graph [data-grad='19']").text_content() == "-0.01648"
    assert "needs JavaScript" in page.locator("#panel").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_runs_in_the_sandboxed_frame_of_a_notebook(open_page: Open, theme: str) -> None:
    notebook = f"<!DOCTYPE html><title>n</title>{explore(worked_example().error)._repr_html_()}"
    page = open_page(notebook, color_scheme=theme)
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#count").inner_text().startswith("Step 1 of 53")
    page.keyboard.press("End")
    assert frame.locator("#graph [data-grad='19']").text_content() == "-0.01648"
    view, shown = (frame.locator(name).bounding_box() for name in ("#graph-view", "#graph"))
    assert shown["width"] == pytest.approx(view["width"], abs=8)  # fitted, in a frame of its size
    frame.get_by_text("Unit by unit").click()
    assert frame.locator("#network").is_visible()


HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    '"><svg onload="window.pwned = 1">',
    "<!-- <script> ]]> &lt;b&gt; ${window.pwned = 1} `\\",
    "$script $title $$ {0} {z}",
    "</style><style>*{display:none}",
    "\u2028\u2029\ue000\ue001\ue002\u202e\ud800",
    "__proto__",
    "constructor",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_is_read_as_markup(open_page: Open, label: str) -> None:
    with scope(label.replace("/", "|")):
        x = Value(2.0, label)
        root = tanh(x * x)
    root.label = label + "!"
    page = open_page(explore(root))
    last = int(re.findall(r"\d+", count(page))[1])
    for _ in range(last):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("window.pwned") is None
    assert page.locator("script").count() == 2
    assert page.locator("img, .view svg svg").count() == 0
    assert count(page).startswith(f"Step {last} of {last}")
    if label.startswith("<img"):
        assert "<img src=x" in page.locator("#graph").text_content()


# --- size -----------------------------------------------------------------------------------------


def large() -> Value:
    """A network of 500 nodes, with its error."""
    model = MLP(6, [16, 16, 1], hidden="tanh", seed=0)
    y = model([0.1 * i for i in range(6)])
    root = (y - 1.0) ** 2
    while len(topological_order(root)) < 500:
        root = tanh(root + 0.5)
    return root


def test_a_graph_of_500_nodes_opens_and_steps(open_page: Open) -> None:
    root = large()
    assert len(topological_order(root)) >= 500
    page = open_page(explore(root))
    page.locator("#next").click()
    assert count(page).startswith("Step 1 of ")
    assert page.locator("#graph .node").count() < 100  # folded


def test_the_view_follows_the_current_node(open_page: Open) -> None:
    root = large()
    page = open_page(explore(root))
    for step in range(2, page.evaluate("modes.nodes.steps.length") - 1, 37):
        go(page, step)
        assert page.evaluate(
            """() => {
              const box = document.querySelector("#graph .node.current").getBoundingClientRect();
              const view = document.getElementById("graph-view").getBoundingClientRect();
              const x = box.left + box.width / 2, y = box.top + box.height / 2;
              return view.left <= x && x <= view.right && view.top <= y && y <= view.bottom;
            }"""
        ), step


IS_INSIDE = """(box, view) => view.left <= box.left && box.right <= view.right
  && view.top <= box.top && box.bottom <= view.bottom"""

# How large a picture is, whether all of it is in view, and the height of its smallest text but for
# indices.
SIZE = f"""name => {{
  const svg = document.getElementById(name), box = svg.getBoundingClientRect();
  const scale = box.width / svg.viewBox.baseVal.width;
  const heights = [...svg.querySelectorAll("text, .small")]
    .map((text) => parseFloat(getComputedStyle(text).fontSize));
  const isWhole = ({IS_INSIDE})(box, svg.parentElement.getBoundingClientRect());
  return {{scale, isWhole, text: scale * Math.min(...heights)}};
}}"""
NEXT_FRAME = """() => new Promise((drawn) => {
  requestAnimationFrame(() => requestAnimationFrame(drawn));
})"""
SCREENS = [(1400, 900), (1000, 800), (390, 844)]


def small_network() -> Value:
    model = MLP(2, [2, 1], hidden="sigmoid", output="linear", seed=0)
    return square(model([0.5, -1.0]) - 1.0) / 2


BUILDS: list[Any] = [
    lambda: Value(2.0, "x").exp(),
    small_network,
    lambda: worked_example().error,
    large,
]


@pytest.mark.parametrize("screen", [(1600, 900), *SCREENS, (360, 780)])
@pytest.mark.parametrize("build", BUILDS)
def test_the_page_opens_with_the_whole_in_sight(open_page: Open, build: Any, screen: Any) -> None:
    page = open_page(explore(build()), viewport=dict(zip(("width", "height"), screen)))
    assert page.evaluate(SIZE, "graph")["isWhole"]
    page.keyboard.press("End")
    assert page.evaluate(SIZE, "graph")["isWhole"]


def test_a_small_graph_is_shown_in_large_type(open_page: Open) -> None:
    page = open_page(explore(Value(2.0, "x").exp()), viewport={"width": 1600, "height": 900})
    assert page.evaluate(SIZE, "graph")["text"] >= 14.0


HIDDEN = f"""name => {{
  const svg = document.getElementById(name), view = svg.parentElement.getBoundingClientRect();
  return [...svg.querySelectorAll("[data-nodes].current .box, [data-nodes].operand .box")]
    .filter((element) => !({IS_INSIDE})(element.getBoundingClientRect(), view))
    .map((element) => element.parentElement.textContent);
}}"""


@pytest.mark.parametrize("shown", ["Graph", "Both"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("build", [lambda: worked_example().error, large])
def test_each_step_and_what_it_uses_are_in_sight(
    open_page: Open, build: Any, screen: Any, shown: str
) -> None:
    page = open_page(explore(build()), viewport=dict(zip(("width", "height"), screen)))
    mode(page, shown)
    names = ["graph", "network"][: 1 + (shown == "Both")]
    number = page.evaluate("modes.nodes.steps.length")
    for step in range(0, number, 1 + number // 30):
        go(page, step)
        for name in names:
            assert page.evaluate(HIDDEN, name) == [], step


def test_fit_keeps_the_whole_in_sight_at_each_step(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    fit = page.get_by_role("button", name="Fit the whole into view")
    go(page, 5)
    followed = page.evaluate(SIZE, "graph")
    assert not followed["isWhole"]
    assert followed["text"] >= 9.0
    for toggle in (fit.click, lambda: page.keyboard.press("f")):
        toggle()
        assert fit.get_attribute("aria-pressed") == "true"
        page.keyboard.press("ArrowRight")
        assert page.evaluate(SIZE, "graph")["isWhole"]
        page.keyboard.press("ArrowLeft")
        toggle()
        assert fit.get_attribute("aria-pressed") == "false"
        assert page.evaluate(SIZE, "graph") == followed


def test_what_is_fitted_stays_so_as_the_window_and_the_pictures_change(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    go(page, 5)
    page.keyboard.press("f")
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(NEXT_FRAME)
        assert page.evaluate(SIZE, "graph")["isWhole"]
    mode(page, "Both")
    assert page.evaluate(SIZE, "graph")["isWhole"]
    assert page.evaluate(SIZE, "network")["isWhole"]
    page.keyboard.press("+")
    assert not page.evaluate(SIZE, "graph")["isWhole"]


def test_the_view_moves_smoothly_for_those_who_like_motion(open_page: Open) -> None:
    page = open_page(explore(worked_example().error), reduced_motion="no-preference")
    widths = page.evaluate(
        """() => {
          const svg = document.getElementById("graph"), start = performance.now(), widths = [];
          let draw = null;
          requestAnimationFrame = (next) => { draw = next; };  // the frames come when we say so
          go(5);
          for (let time = 0; draw; time += 20) {
            const now = draw;
            draw = null;
            now(start + time);
            widths.push(svg.width.baseVal.value);
          }
          return widths;
        }"""
    )
    assert len({*widths}) > 10
    assert widths == sorted(widths)
    page.evaluate("resize()")
    assert page.evaluate("document.getElementById('graph').width.baseVal.value") == widths[-1]


@pytest.mark.parametrize("screen", [*SCREENS, (880, 700)])
def test_no_symbol_in_the_panel_is_broken_or_runs_over(open_page: Open, screen: Any) -> None:
    page = open_page(
        explore(worked_example().error), viewport=dict(zip(("width", "height"), screen))
    )
    broken = """() => [...document.querySelectorAll("#panel .above + sub")].filter((below) => {
      const above = below.previousSibling.getBoundingClientRect();
      const {left, top} = below.getBoundingClientRect();
      return Math.abs(left - above.left) > 1 || Math.abs(top - above.top) > 20;
    }).map((below) => below.parentElement.textContent)"""
    for name in ("Node by node", "Unit by unit"):
        mode(page, name)
        for _ in range(page.evaluate("modes[mode].steps.length")):
            assert page.evaluate(broken) == []
            assert page.evaluate("at('panel').scrollWidth <= at('panel').clientWidth")
            page.keyboard.press("ArrowRight")


def test_no_number_in_the_panel_is_broken(open_page: Open) -> None:
    page = open_page(explore(Value(-1e-8, "x") * Value(2e-8, "y")))
    page.keyboard.press("End")
    page.locator("#graph .node.operation").click()
    heights = """() => [...document.querySelectorAll("#panel .symbol")]
      .filter((word) => /e-/.test(word.textContent)).map((word) => word.clientHeight)"""
    for width in range(800, 1100, 20):
        page.set_viewport_size({"width": width, "height": 800})
        lines = page.evaluate(heights)
        assert len(lines) > 5
        assert max(lines) < 30


def test_the_pictures_keep_their_height_from_step_to_step(open_page: Open) -> None:
    page = open_page(explore(worked_example().error), viewport={"width": 390, "height": 844})
    before = page.locator("#graph-view").bounding_box()
    page.keyboard.press("End")
    assert page.locator("#graph-view").bounding_box() == before


def test_a_long_name_is_broken_rather_than_runs_over(open_page: Open) -> None:
    page = open_page(explore(Value(3.0, "M" * 24) ** 2), viewport={"width": 1000, "height": 800})
    for _ in range(6):
        assert page.evaluate("at('panel').scrollWidth <= at('panel').clientWidth")
        page.keyboard.press("ArrowRight")


def test_many_terms_are_shortened_in_words(open_page: Open) -> None:
    page = open_page(explore(fsum([Value(float(i), f"x_{i}") for i in range(1, 200)])))
    page.locator("#graph .node.operation").click()
    assert "x1 + x2 + x3 + x4 + x5 + x6 + … + x199" in page.evaluate(TEXT)
