"""What the eye meets in the page: folds, colours, the chain rule's picture, themes, axe's rules."""

import re
from collections.abc import Callable
from typing import Any

import axe
import numpy as np
import pytest
from circles import numbers_outside
from unfolding import UNFOLD, unfold

from micrograd_bp import MLP, Value, fsum, sum_of_squares, topological_order
from micrograd_bp.book.worked_example import worked_example
from micrograd_bp.explorer import explore
from micrograd_bp.text.numbers import scripted

pytestmark = pytest.mark.slow
Open = Callable[..., Any]


def over_points(number: int) -> Value:
    """The error of a network over some data points: more than 150 nodes."""
    model = MLP(2, [16, 16, 1], hidden="tanh", seed=1)
    points = [[0.1 * i, 0.1 * i + 0.01] for i in range(number)]
    root = fsum([sum_of_squares([model(x)], [0.2]) for x in points])
    root.label = "E"
    return root


# --- folds ----------------------------------------------------------------------------------------


def test_a_click_on_a_fold_opens_it_and_the_menu_leads_back(open_page: Open) -> None:
    page = open_page(explore(over_points(2)))
    assert page.locator("#graph .fold").count() > 20
    page.locator("#graph .fold", has_text="neuron3").first.click()
    assert not page.locator("#graph").is_visible()
    inside = page.locator("#inside-graph")
    assert "Inside of neuron3" in inside.get_attribute("aria-label")
    assert page.locator("#inside option:checked").inner_text().startswith("layer1/neuron3, ")
    names = [re.sub("[^a-z]", "", text) for text in inside.locator(".name").all_text_contents()]
    assert {"w", "a", "z"} <= {*names}
    page.locator("#inside").select_option("the whole")
    assert page.locator("#graph").is_visible()
    assert inside.count() == 0


def test_inside_of_a_fold_the_page_steps_and_lives(open_page: Open) -> None:
    root = over_points(2)
    page = open_page(explore(root))
    page.locator("#graph .fold", has_text="neuron1").first.click()
    order = topological_order(root)
    i = next(i for i, node in enumerate(order) if node.label == "a_1")
    page.locator(f"#inside-graph [data-nodes='{i}']").click()
    assert page.locator(f"#inside-graph .current[data-nodes='{i}']").count() == 1
    data = page.locator(f"#inside-graph [data-data='{i}']")
    assert data.text_content() == scripted(order[i].data, 4)
    locals_ = page.locator("#inside-graph .local.current").all_text_contents()
    weights = order[i].local_derivatives
    assert {f"×{scripted(weights[k], 4)}" for k in (0, 1)} <= {*locals_}
    page.locator("#inside-graph .node.leaf").first.dblclick()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    assert data.text_content() != scripted(order[i].data, 4)


def test_a_step_elsewhere_shows_the_whole_again(open_page: Open) -> None:
    page = open_page(explore(over_points(2)))
    page.locator("#graph .fold", has_text="neuron1").first.click()
    page.evaluate("go(SEED)")  # the root
    assert page.locator("#graph .current").count() == 1
    page.evaluate("go(2)")
    fold = page.locator("#graph .fold.current .now")
    assert fold.text_content().startswith("a^(1,")


# --- colours and numbers --------------------------------------------------------------------------


def test_signs_have_their_colours_from_the_start(open_page: Open) -> None:
    page = open_page(explore(worked_example().error))
    looks = page.evaluate(
        """() => nodes.map(({data}, i) => {
          const {tint} = document.querySelector(`#graph [data-nodes="${i}"]`).dataset;
          return [tint ?? "", data, nodes[i].parents.length];
        })"""
    )
    for look, data, parents in looks:
        sign = "" if parents else "-" if data < 0 else "+"
        assert look[:1] == sign
    page.keyboard.press("End")
    looks = page.evaluate(
        """() => grads.map((grad, i) =>
          [document.querySelector(`#graph [data-nodes="${i}"]`).dataset.tint, grad])"""
    )
    assert all(look[:1] == ("-" if grad < 0 else "+") for look, grad in looks)


@pytest.mark.parametrize("number", [-1.2345e-123, -1.234e-5, 1.2345e200, -0.00012345])
def test_no_number_leaves_its_circle(open_page: Open, number: float) -> None:
    model = MLP(2, [3, 2], hidden="tanh", output="linear", seed=0)
    root = fsum([y * Value(number) for y in model([number, number])])
    page = open_page(explore(root))
    page.locator("label", has_text="Network").first.click()
    page.keyboard.press("End")
    assert numbers_outside(page) == []


# --- the chain rule's picture ---------------------------------------------------------------------


def test_the_chain_rule_stands_as_a_picture_beside_the_equations(open_page: Open) -> None:
    root = worked_example().error
    page = open_page(explore(root))
    order = topological_order(root)
    place = next(i for i, node in enumerate(order) if node.label == "z_2")
    page.evaluate("i => go(modes.nodes.steps.length - 2 - i)", place)
    cards = page.locator("#chain .card").all_text_contents()
    assert cards[0].endswith(f"= {scripted(order[place].grad, 4)}")
    users = [node for node in order if order[place] in node.parents]
    assert [card[:2] for card in cards[1:]] == ["y1", "y2"]
    brought = [
        node.local_derivatives[node.parents.index(order[place])] * node.grad for node in users
    ]
    arrows = page.locator("#chain .arrow span:first-child").all_text_contents()
    assert arrows == [scripted(x, 4) for x in brought]
    assert sum(brought) == pytest.approx(order[place].grad)
    page.keyboard.press("Home")
    assert page.locator("#chain").inner_text() == ""


# --- themes and accessibility ---------------------------------------------------------------------


@pytest.mark.parametrize("is_light", ["true", "false"])
def test_in_jupyterlab_the_page_has_the_theme_of_the_notebook(
    open_page: Open, is_light: str
) -> None:
    from playwright.sync_api import expect  # there, as open_page is

    cell = explore(Value(2.0, "x").exp())._repr_html_()
    body = f'<!DOCTYPE html><title>n</title><body data-jp-theme-light="{is_light}">{cell}'
    page = open_page(body, color_scheme="null")  # not emulated
    paper = page.frame_locator("iframe").locator("body")
    colour = {"true": "rgb(255, 255, 255)", "false": "rgb(20, 24, 31)"}[is_light]
    expect(paper).to_have_css("background-color", colour, timeout=300_000)


SCENES = [
    "go(0)",
    "go(30)",
    "choose('mode', 'units'); go(12)",
    "choose('shown', 'both')",
    f"({UNFOLD})('details')",
    "choose('mode', 'order'); go(3)",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
def test_the_rules_of_axe_are_kept(open_page: Open, width: int, scheme: str) -> None:
    axe.source()  # or skip
    page = open_page(
        explore(worked_example().error),
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    for scene in SCENES:
        page.evaluate(scene)
        assert axe.violations(page) == [], scene


def test_the_rules_of_axe_are_kept_where_a_fold_is_open(open_page: Open) -> None:
    axe.source()
    page = open_page(explore(over_points(1)))
    page.evaluate("openFold(3)")
    assert axe.violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("X", [[0.5, 1.0, -1.0], [[0.5, 1.0], [1.0, -1.0], [0.25, 0.0]]])
def test_the_rules_of_axe_are_kept_beside_data_points(open_page: Open, X: Any, scheme: str) -> None:
    axe.source()
    model = MLP(np.ndim(X), [3, 1], hidden="tanh", seed=1)
    page = open_page(
        explore(model, data=(X, [0.0, 1.0, 1.0]), loss="sum_of_squares"), color_scheme=scheme
    )
    unfold(page)
    assert axe.violations(page) == []
