"""A page with data points: E_n and E, the gradients of both, and the outputs over the inputs."""

import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unfolding import unfold

from micrograd_bp import (
    MLP,
    Module,
    Value,
    dot,
    fit,
    fsum,
    function,
    log,
    predict,
    scope,
    sqrt,
    sum_of_squares,
    tanh,
    topological_order,
)
from micrograd_bp.explorer import explore
from micrograd_bp.losses import LOSSES
from micrograd_bp.optim import SGD
from micrograd_bp.text.numbers import scripted

Open = Callable[..., Any]

X = [[0.5, -1.0], [1.0, 2.0], [-0.25, 0.75], [2.0, 0.0], [-1.5, -0.5]]
TARGETS: dict[str, list[Any]] = {
    "sum_of_squares": [[0.5, 1.0], [-1.0, 0.0], [0.25, 2.0], [0.0, 0.0], [1.0, -1.0]],
    "mean_squared_error": [[0.5, 1.0], [-1.0, 0.0], [0.25, 2.0], [0.0, 0.0], [1.0, -1.0]],
    "cross_entropy": [0, 1, 1, 0, 1],
    "binary_cross_entropy": [[0, 1], [1, 1], [0.25, 0], [0, 0], [1, 0]],
    "hinge": [[1, -1], [-1, -1], [1, 1], [1, -1], [-1, 1]],
}


def network(outputs: int = 2, inputs: int = 2) -> MLP:
    return MLP(inputs, [3, outputs], hidden="tanh", output="linear", seed=4)


def page_of(loss: str = "sum_of_squares", **options: Any) -> Any:
    return explore(network(), data=(X, TARGETS[loss]), loss=loss, **options)


def described(explorer: Any) -> Any:
    found = re.search(
        r'<script type="application/json" id="description">(.*?)</script>', explorer.html
    )
    assert found
    return json.loads(found[1])


class OneWeight(Module):
    """f(w, x), with labels and scopes of any kind."""

    def __init__(self, f: Callable[[Value, list[Value]], Value], label: str = "w") -> None:
        self.w, self.f, self.label = Value(0.5, label), f, label

    def __call__(self, x: list[Value]) -> Value:
        with scope(self.label):
            y = self.f(self.w, x)
            y.label = f"y {self.label}"
            return y

    def parameters(self) -> list[Value]:
        return [self.w]


# --- what is given --------------------------------------------------------------------------------


@pytest.mark.parametrize("point", [1, 2, np.int64(5)])
@pytest.mark.parametrize("loss", LOSSES)
def test_one_data_point_is_recorded_as_the_engine_has_it(loss: str, point: int) -> None:
    model = network()
    page = described(explore(model, data=(X, TARGETS[loss]), loss=loss, point=point))
    t = TARGETS[loss][point - 1]
    E = LOSSES[loss](model(X[point - 1]), t)
    assert page["nodes"][-1]["data"] == E.data
    assert page["root"] == "E\ue000n\ue002"
    points = page["points"]
    assert points["chosen"] == point - 1
    assert [row[:2] for row in points["rows"]] == X
    assert points["isMean"] == (loss != "sum_of_squares")
    leaves = [page["nodes"][i]["data"] for i in (*points["inputs"], *points["targets"])]
    assert leaves == points["rows"][point - 1]
    weights = [page["nodes"][i]["data"] for i in page["weights"]]
    assert weights == [weight.data for weight in model.parameters()]


def test_data_come_as_lists_arrays_and_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    T = ["no", "yes", "yes", "no", "yes"]
    frame, column = pandas.DataFrame(X, columns=["a", "b"]), pandas.Series(T)
    pages = [
        explore(network(1), data=data, loss="binary_cross_entropy").html
        for data in (
            (X, T),
            [np.array(X), np.array(T)],
            (frame, column.astype("category")),
            (np.array(X, dtype=np.float32), [0, 1, 1, 0, 1]),
        )
    ]
    assert len({*pages}) == 1
    assert "no_such_name" not in pages[0]


def test_columns_of_a_frame_go_by_the_names_that_they_had_in_training() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    T = [0.5, -0.5, 1.0, 2.0, 0.0]
    frame = pandas.DataFrame(X, columns=["a", "b"]).assign(t=T)
    model, options = network(1), {"loss": "sum_of_squares"}
    fit(model, frame, "t", optimizer="sgd", epochs=1, progress=False, **options)
    pages = [
        explore(model, data=data, **options).html
        for data in ((X, T), (frame, T), (frame[["b", "a"]], T), (frame[["t", "b", "a"]], "t"))
    ]
    assert len({*pages}) == 1
    with pytest.raises(ValueError, match="columns 'a', 'b', and X lacks 'b': it has 'a'"):
        explore(model, data=(frame[["a"]], T), **options)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"data": (X, X)}, TypeError, "a model needs both, data=.* and a loss"),
        ({"loss": "hinge"}, TypeError, "a model needs both"),
        ({"data": X, "loss": "hinge"}, TypeError, r"data is a pair \(X, T\)"),
        ({"data": (X, X), "loss": "huber"}, ValueError, "no loss is called 'huber'"),
        ({"data": (X, X[:2]), "loss": "hinge"}, ValueError, "X has 5 data points and T has 2"),
        ({"data": ([], []), "loss": "hinge"}, ValueError, "X needs a row for each data point"),
        (
            {"data": ([["a", 1]], [[1, 1]]), "loss": "hinge"},
            TypeError,
            r"X\[0, 0\]: 'a' .*is a name",
        ),
        ({"data": ([[1, math.nan]], [[1, 1]]), "loss": "hinge"}, ValueError, r"X\[0, 1\] is nan"),
        ({"data": ([[1]], [[1, 1]]), "loss": "hinge"}, ValueError, "the model was called with"),
        ({"data": (X, X), "loss": "hinge"}, ValueError, r"T\[0\]: hinge needs targets"),
        ({"data": (X, X), "loss": lambda y, t: 1.0}, TypeError, "a loss gives a Value"),
        ({"data": (X, X), "loss": sum_of_squares, "point": 6}, ValueError, "no data point 6"),
        ({"data": (X, X), "loss": sum_of_squares, "point": 0}, ValueError, "point is at least 1"),
        (
            {"data": (X, X), "loss": sum_of_squares, "point": "1"},
            TypeError,
            "point is an integer, not '1'",
        ),
        ({"data": (X, X), "loss": sum_of_squares, "max_nodes": 9}, ValueError, "the limit is 9"),
        (
            {"data": (np.ones((1001, 2)), np.ones((1001, 2))), "loss": sum_of_squares},
            ValueError,
            "has up to 1000 data points, not 1001: give some of them",
        ),
        ({"data": (X, X), "loss": sum_of_squares, "network": MLP(1, [1])}, TypeError, "alone"),
    ],
)
def test_odd_input_is_refused_in_words(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        explore(network(), **options)


def test_what_is_no_model_is_refused_in_words() -> None:
    for root, words in [
        (network()([1.0, 2.0])[0], "a Value has its data in it"),
        (3, "the model is an MLP or another Module"),
        (lambda x: x[0], "the model is an MLP or another Module"),
    ]:
        with pytest.raises(TypeError, match=words):
            explore(root, data=(X, X), loss="sum_of_squares")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r'a model needs data=\(X, T\) and loss="sum_of_squares"'):
        explore(network())
    branching = OneWeight(lambda w, x: w * x[0] if x[0].data > 0 else w - x[1])
    with pytest.raises(ValueError, match="does other operations for data point"):
        explore(branching, data=(X, [0.0] * 5), loss="sum_of_squares")
    with pytest.raises(ValueError, match=r"log of .*needs data > 0"):
        explore(OneWeight(lambda w, x: w * log(x[1])), data=(X, [0.0] * 5), loss="sum_of_squares")


@pytest.mark.parametrize("pure", ["1", ""])
def test_without_numpy_it_is_told_what_to_install(pure: str) -> None:
    code = (
        "import sys; sys.modules['numpy'] = None; from micrograd_bp import MLP, explore\n"
        "try: explore(MLP(1, [1]), data=([1.0], [2.0]), loss='sum_of_squares')\n"
        "except ImportError as error: print(error)"
    )
    environment = {**os.environ, "MICROGRAD_BP_PURE": pure}
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, timeout=300
    )
    assert "explore of a model with data needs NumPy: pip install numpy (" in run.stdout


def test_every_run_gives_the_same_page_and_the_model_stays_as_it_was() -> None:
    model = network()
    before = [(weight.data, weight.grad) for weight in model.parameters()]
    pages = [explore(model, data=(X, X), loss="sum_of_squares").html for _ in range(2)]
    assert pages[0] == pages[1]
    assert [(weight.data, weight.grad) for weight in model.parameters()] == before
    assert repr(page_of()) == "<Explorer of 36 nodes, a network and 5 data points>"


# --- in the browser: numbers ----------------------------------------------------------------------

STATE = """() => ({
  data: nodes.map(({data}) => data), grads: [...grads],
  error: total.error, errors: total.errors, total: page.weights.map((i) => total.grads.get(i)),
})"""


def close(x: Sequence[float], y: Sequence[float]) -> bool:
    return [*x] == pytest.approx([*y], rel=1e-12, abs=1e-15)


def check(page: Any, model: Any, points: Any, loss: Any, mean: bool) -> None:
    """Every number of the page, for every n, against the engine."""
    roots = []
    for x, t in points:
        t = [*map(Value, t)]
        roots.append(loss(model([*map(Value, x)]), t if len(t) > 1 else t[0]))
    share = 1.0 / len(roots) if mean else 1.0
    gradients = []
    for n, root in enumerate(roots):
        order = topological_order(root)
        for node in order:
            node.grad = 0.0
        root.backward()
        page.evaluate("n => choosePoint(n)", n)
        found = page.evaluate(STATE)
        assert close(found["data"], [node.data for node in order])
        assert close(found["grads"], [node.grad for node in order])
        gradients.append([weight.grad for weight in model.parameters()])
    assert close(found["errors"], [root.data for root in roots])
    assert close([found["error"]], [math.fsum(root.data for root in roots) * share])
    assert close(found["total"], [math.fsum(column) * share for column in zip(*gradients)])


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_every_number_of_every_data_point_is_that_of_the_engine(open_page: Open, loss: str) -> None:
    model = network()
    page = open_page(explore(model, data=(X, TARGETS[loss]), loss=loss, point=3))
    rows = page.evaluate("recordedRows")
    mean = loss != "sum_of_squares"
    check(page, model, [(row[:2], row[2:]) for row in rows], LOSSES[loss], mean)
    draw = random.Random(0)
    numbers = [draw.uniform(-2.0, 2.0) for _ in model.parameters()]
    for weight, number in zip(model.parameters(), numbers):
        weight.data = number
    page.evaluate("numbers => setData(page.weights.map((i, k) => [i, numbers[k]]))", numbers)
    check(page, model, [(row[:2], row[2:]) for row in rows], LOSSES[loss], mean)


@pytest.mark.slow
def test_a_model_and_a_loss_of_ones_own(open_page: Open) -> None:
    def loss(y: Value, t: Value) -> Value:
        return sqrt((y - t) ** 2 + 1.0)

    model = OneWeight(lambda w, x: tanh(w * x[1]) * dot([w], [x[1]]))  # x_1 is not used
    page = open_page(explore(model, data=(X, [1.0, 2.0, 3.0, 4.0, 5.0]), loss=loss))
    points = [(x, [float(n)]) for n, x in enumerate(X, 1)]
    check(page, model, points, loss, mean=True)
    page.evaluate("choosePoint(0)")
    assert page.evaluate("rows[0]") == [*X[0], 1.0]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["sum_of_squares", "cross_entropy"])
def test_steps_of_learning_are_those_of_fit(open_page: Open, loss: str) -> None:
    model = network()
    page = open_page(explore(model, data=(X, TARGETS[loss]), loss=loss))
    assert page.locator("#learn summary").inner_text() == "Let it learn: w := w − η ∂E/∂w"
    page.locator("#rate").fill("0.05")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.locator("#descend").click()
    history = fit(
        model, X, TARGETS[loss], loss=loss, optimizer=SGD(lr=0.05), epochs=4, progress=False
    )
    found = page.evaluate("page.weights.map((i) => nodes[i].data)")
    assert close(found, [weight.data for weight in model.parameters()])
    assert close(page.evaluate("losses.all"), [history.error_before[0], *history.error_after])
    assert page.locator("#loss").inner_text() == f"E = {scripted(history.error_after[-1])}"
    label = page.locator("#curve").get_attribute("aria-label")
    assert label.startswith("E from ")
    assert label.endswith(" in 4 steps")


# --- in the browser: controls ---------------------------------------------------------------------


def field(page: Any, name: str) -> Any:
    return page.get_by_label(f"data of {name}", exact=True)


def enter(page: Any, name: str, text: str) -> None:
    field(page, name).fill(text)
    page.keyboard.press("Enter")


def number_shown(page: Any) -> str:
    return str(page.locator("#total").inner_text())


@pytest.mark.slow
def test_n_is_chosen_by_the_keyboard_the_buttons_the_picture_and_the_table(open_page: Open) -> None:
    page = open_page(page_of())
    n = page.get_by_label("n of the data point", exact=True)
    assert (n.input_value(), page.locator("#many").inner_text()) == ("1", "of 5")
    assert page.locator("#before").is_disabled()
    n.focus()
    page.keyboard.press("ArrowUp")
    assert (n.input_value(), page.evaluate("chosen")) == ("2", 1)
    assert field(page, "x_1").input_value() == "1"
    assert page.locator("#live").inner_text().startswith("n = 2. E 2 = ")
    for text, chosen in [("5", 4), ("99", 4), ("-3", 0), ("2.4", 1)]:
        n.fill(text)
        page.keyboard.press("Enter")
        assert page.evaluate("chosen") == chosen
    n.fill("one")
    page.keyboard.press("Enter")
    assert n.get_attribute("aria-invalid") == "true"
    page.keyboard.press("Escape")
    assert (n.input_value(), n.get_attribute("aria-valuenow")) == ("2", "2")
    page.get_by_label("Next data point").click()
    page.get_by_label("Next data point").click()
    page.get_by_label("Next data point").click()
    assert page.locator("#after").is_disabled()
    page.get_by_label("Data point before").click()
    assert page.evaluate("chosen") == 3
    assert number_shown(page).startswith("E4 = ")
    page.locator("#plot .point").nth(2).locator(":not(.ring)").first.click()
    assert (page.evaluate("chosen"), n.input_value()) == (2, "3")
    page.locator("#every > summary").click()
    page.locator("#every tr", has_text="-0.25").click()
    page.locator("#every tr").nth(2).click()
    assert page.evaluate("chosen") == 1
    assert page.locator("#every .now td").first.inner_text() == "2"
    assert page.locator("#count").inner_text().startswith("Step 0 ")  # no step was taken


@pytest.mark.slow
def test_what_stands_above_an_index_scrolls_with_its_table(open_page: Open) -> None:
    page = open_page(page_of())
    unfold(page, "#gradients")
    escaped = """() => [...document.querySelectorAll("#gradients .above")].filter(
      (above) => !above.offsetParent.closest("#gradients .scroll")).length"""
    assert page.locator("#gradients .above").count() > 10
    assert page.evaluate(escaped) == 0


@pytest.mark.slow
def test_the_tables_show_every_error_and_both_gradients(open_page: Open) -> None:
    page = open_page(page_of("mean_squared_error"))
    unfold(page, "#every, #gradients")
    for _ in range(2):
        state = page.evaluate(STATE)
        table = page.locator("#every tr").all_inner_texts()
        assert table[0].split("\t") == ["n", "x1", "x2", "t1", "t2", "y1", "y2", "En"]
        for n, line in enumerate(table[1:]):
            cells = line.split("\t")
            assert cells[:3] == [str(n + 1), *map(scripted, X[n])]
            assert cells[-1] == scripted(state["errors"][n])
        lines = page.locator("#gradients tr").all_inner_texts()[1:]
        weights = page.evaluate("page.weights")
        assert [line.split("\t")[1:] for line in lines] == [
            [scripted(state["grads"][i]), scripted(total)]
            for i, total in zip(weights, state["total"])
        ]
        E = f"E = 1/5 Σn En = {scripted(state['error'])}"
        assert number_shown(page) == f"E1 = {scripted(state['errors'][0])}, {E}"
        page.locator("#descend").click()


@pytest.mark.slow
def test_a_changed_data_point_is_kept_undone_and_recorded_again(open_page: Open) -> None:
    page = open_page(page_of())
    before = page.evaluate(STATE)
    page.evaluate("choosePoint(2)")
    assert page.locator("#recorded").is_disabled()  # to choose is no change
    assert page.locator("#undo").is_disabled()
    enter(page, "x_1", "3")
    changed = page.evaluate(STATE)
    assert changed["errors"][2] != before["errors"][2]
    assert changed["errors"][:2] == before["errors"][:2]
    page.locator("#descend").click()
    page.evaluate("choosePoint(0)")
    assert field(page, "x_1").input_value() == "0.5"
    page.evaluate("choosePoint(2)")
    assert field(page, "x_1").input_value() == "3"
    page.evaluate("choosePoint(1)")
    page.locator("#undo").click()  # the step
    assert page.evaluate("total.error") == changed["error"]
    page.locator("#undo").click()  # the change, of another point
    assert page.evaluate("[total.error, chosen, rows[2][0]]") == [before["error"], 1, -0.25]
    assert page.locator("#recorded").is_disabled()
    enter(page, "t_1", "9")
    page.locator("#descend").click()
    page.locator("#recorded").click()
    page.evaluate("choosePoint(0)")
    assert page.evaluate(STATE) == before


@pytest.mark.slow
def test_what_is_refused_at_another_data_point_is_said(open_page: Open) -> None:
    model = OneWeight(lambda w, x: sqrt(w + x[0]))
    page = open_page(explore(model, data=([[1.0], [0.0], [2.0]], [1.0] * 3), loss="sum_of_squares"))
    assert page.locator("#refusal").inner_text() == ""
    enter(page, "w", "-0.5")
    words = page.locator("#refusal").inner_text()
    assert re.match(r"data point 2: sqrt of Value\(-0.5, .*\): needs data >= 0$", words)
    assert number_shown(page).endswith(" = —")
    assert page.locator("#descend").is_disabled()
    unfold(page, "#every")
    assert page.locator("#every tr").nth(2).inner_text().endswith("—")
    page.evaluate("choosePoint(1)")
    assert words.removeprefix("data point 2: ") == page.locator("#refusal").inner_text()
    assert "NaN" not in page.locator("body").inner_text()
    enter(page, "w", "0.5")
    assert page.locator("#refusal").inner_text() == ""
    assert page.locator("#descend").is_enabled()


@pytest.mark.slow
def test_a_run_ends_where_the_total_overflows_without_an_error(open_page: Open) -> None:
    for model, data in [(network(1), X), (network(1, inputs=1), [[x] for x, _ in X])]:
        page = open_page(explore(model, data=(data, [1.0] * 5), loss="sum_of_squares"))
        page.evaluate("rate = 1e3; for (let k = 0; k < 400; k++) descend()")
        assert page.evaluate("canLearn()") is False
        assert page.locator("#loss").inner_text() == "E = —"
        page.locator("#recorded").click()
        assert page.evaluate("canLearn()") is True


# --- in the browser: the picture ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["sum_of_squares", "binary_cross_entropy", "cross_entropy"])
def test_the_plane_is_the_output_of_the_model(open_page: Open, loss: str) -> None:
    model = network()
    page = open_page(explore(model, data=(X, TARGETS[loss]), loss=loss))
    assert page.locator("#output option").count() == 2
    draw = random.Random(1)
    places = [[draw.uniform(-3, 3), draw.uniform(-3, 3)] for _ in range(20)]
    for _ in range(2):
        for k in range(2):
            page.locator("#output").select_option(index=k)
            a = predict(model, places)
            y = {
                "sum_of_squares": a,
                "binary_cross_entropy": 1.0 / (1.0 + np.exp(-a)),
                "cross_entropy": np.exp(a) / np.exp(a).sum(axis=1, keepdims=True),
            }[loss]
            found = page.evaluate(
                "([places, k]) => places.map((x) => outputFunction(k)(...x))", [places, k]
            )
            assert found == pytest.approx(y[:, k].tolist(), rel=1e-12)
        numbers = [draw.uniform(-2.0, 2.0) for _ in model.parameters()]
        for weight, number in zip(model.parameters(), numbers):
            weight.data = number
        before = page.locator("#plot").inner_html()
        page.evaluate("numbers => setData(page.weights.map((i, k) => [i, numbers[k]]))", numbers)
        assert page.locator("#plot").inner_html() != before  # it is live


@pytest.mark.slow
def test_the_thick_line_of_a_plane_is_where_the_output_is_in_the_middle(open_page: Open) -> None:
    page = open_page(explore(network(1), data=(X, [0, 1, 1, 0, 1]), loss="binary_cross_entropy"))
    ends = page.locator("#plot .level.middle").get_attribute("d")
    pairs = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", ends)]
    assert len(pairs) > 20
    outputs = page.evaluate(
        """pairs => {
          const {left, right, top, bottom} = FRAME, f = outputFunction(0);
          const across = between([left, right], spanOfColumn(0));
          const up = between([bottom, top], spanOfColumn(1));
          return pairs.map(([x, y]) => f(across(x), up(y)));
        }""",
        pairs,
    )
    assert outputs == pytest.approx([0.5] * len(outputs), abs=0.01)
    caption = page.locator("#caption").inner_text()
    assert "sigmoid(y1) from 0 to 1, with lines at 0.25, 0.5 (thick) and 0.75" in caption
    assert "sigmoid(y 1) over x 1 and x 2" in page.locator("#plot").get_attribute("aria-label")


@pytest.mark.slow
def test_for_one_input_it_is_a_curve_through_the_outputs(open_page: Open) -> None:
    model = network(1, inputs=1)
    x = [0.0, 0.5, 1.0, 1.5]
    page = open_page(explore(model, data=(x, [1.0, -1.0, 0.5, 0.0]), loss="sum_of_squares"))
    path = page.locator("#plot .curve").get_attribute("d")
    pairs = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", path)]
    assert len(pairs) == 121
    back = page.evaluate(
        """pairs => {
          const {left, right, top, bottom} = FRAME;
          const across = between([left, right], spanOfColumn(0));
          const up = between([bottom, top], spanOfCurve(0));
          return pairs.map(([x, y]) => [across(x), up(y)]);
        }""",
        pairs,
    )
    y = predict(model, [[x] for x, _ in back])
    assert [y for _, y in back] == pytest.approx(y.tolist(), abs=0.02)
    assert page.locator("#plot .point").count() == 4
    ring = page.locator("#plot .ring")
    assert ring.count() == 1
    heights = page.evaluate("spanOfCurve(0)")
    page.evaluate("for (let k = 0; k < 20; k++) descend()")
    assert page.locator("#plot .curve").get_attribute("d") != path
    assert page.evaluate("spanOfCurve(0)") == heights  # the axes stay
    assert not page.locator("#output").is_visible()


@pytest.mark.slow
def test_with_more_inputs_there_is_no_picture(open_page: Open) -> None:
    page = open_page(
        explore(network(inputs=3), data=([[1, 2, 3]], [[1, 2]]), loss="sum_of_squares")
    )
    assert page.locator("#points").is_visible()
    assert not page.locator("#plot, #caption, #output").first.is_visible()
    assert number_shown(page).startswith("E1 = ")


@pytest.mark.slow
def test_without_data_points_there_is_nothing_of_them(open_page: Open) -> None:
    model = network()
    page = open_page(explore(sum_of_squares(model(X[0]), [0.5, 1.0])))
    assert not page.locator("#points").is_visible()
    assert page.locator("#learn summary").inner_text() == "Let it learn: w := w − η ∂En/∂w"


@pytest.mark.slow
def test_the_picture_is_saved_too(open_page: Open, tmp_path: Path) -> None:
    page = open_page(page_of())
    downloads: dict[str, Any] = {}
    page.on("download", lambda download: downloads.update({download.suggested_filename: download}))
    for kind in ("svg", "png"):
        page.locator(f"#{kind}").click()
        while not {f"graph.{kind}", f"plot.{kind}"} <= downloads.keys():
            page.wait_for_timeout(20)
        path = tmp_path / f"plot.{kind}"
        downloads[path.name].save_as(path)
        assert path.stat().st_size > 2000


# --- in the browser: everywhere -------------------------------------------------------------------


@pytest.mark.slow
def test_everything_of_the_data_points_is_reached_by_the_keyboard(open_page: Open) -> None:
    page = open_page(page_of())
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.id || document.activeElement.parentElement.id")
        )
    assert {"rate", "descend", "run", "n", "after", "output", "every", "gradients"} <= {*seen}
    page.locator("#every summary").focus()
    page.keyboard.press("Enter")
    page.locator("#every table").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"
    page.locator("#descend").focus()
    page.keyboard.press("Enter")
    assert page.locator("#curve").get_attribute("aria-label").endswith("in 1 step")


@pytest.mark.slow
def test_a_touch_chooses_a_data_point(open_page: Open) -> None:
    page = open_page(page_of(), has_touch=True, viewport={"width": 390, "height": 844})
    page.locator("#after").tap()
    assert page.evaluate("chosen") == 1
    page.locator("#plot .point").nth(3).locator("circle, rect").first.tap()
    assert page.evaluate("chosen") == 3
    page.locator("#descend").tap()
    assert page.evaluate("losses.length") == 2


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_sandboxed_frame_of_a_notebook_it_learns_on_all_points(
    open_page: Open, scheme: str
) -> None:
    notebook = f"<!DOCTYPE html><title>n</title>{page_of()._repr_html_()}"
    page = open_page(notebook, color_scheme=scheme)
    frame = page.frame_locator("iframe")
    before = frame.locator("#plot image").get_attribute("href")
    frame.locator("#n").fill("4")
    page.keyboard.press("Enter")
    assert frame.locator("#total").inner_text().startswith("E4 = ")
    frame.locator("#descend").click()
    assert frame.locator("#plot image").get_attribute("href") != before


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 480, 800, 1040, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_data_points_fit_any_width(open_page: Open, width: int, scheme: str) -> None:
    page = open_page(page_of(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    unfold(page, "#every, #gradients")
    panel = page.evaluate("[at('panel').scrollWidth, at('panel').clientWidth]")
    assert panel[0] <= panel[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """() => {
          const frame = at("plot").getBoundingClientRect();
          return [...at("plot").querySelectorAll("text")].filter((text) => {
            const {left, right, bottom} = text.getBoundingClientRect();
            return left < frame.left || right > frame.right || bottom > frame.bottom;
          }).map(({textContent, outerHTML}) => outerHTML);
        }"""
    )
    assert outside == []
    page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    assert page.locator("#plot image").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("label", ["</script><img src=x onerror=alert(1)>", "<b>&amp;\"'`", "${x}"])
def test_no_label_is_read_as_markup_beside_data_points(open_page: Open, label: str) -> None:
    model = OneWeight(lambda w, x: tanh(w * x[0]) + w * x[1], label)
    page = open_page(explore(model, data=(X, [0.0, 1.0, 2.0, 3.0, 4.0]), loss="sum_of_squares"))
    unfold(page, "#every, #gradients")
    page.locator("#descend").click()
    assert label in page.locator("#caption").inner_text()
    assert label in page.locator("#gradients").inner_text()
    assert page.locator("img, b").count() == 0


@pytest.mark.slow
def test_large_ranges_and_equal_numbers_have_axes(open_page: Open) -> None:
    for data in ([[1e300], [-1e300]], [[1.0], [1.0]], [[1e-300], [2e-300]], [[5.0]]):
        model = OneWeight(lambda w, x: w * tanh(x[0]))
        page = open_page(explore(model, data=(data, [0.0] * len(data)), loss="mean_squared_error"))
        assert page.locator("#plot .point").count() == len(data)
        assert page.locator("#plot .tick").count() > 3


# --- a sum over data points that was recorded -----------------------------------------------------


def total(model: MLP, points: Sequence[Sequence[float]] = X) -> tuple[Value, list[list[Value]]]:
    """E = sum_n E_n, and for each n the Values that are the network's circles."""
    errors, circles = [], []
    for x in points:
        inputs = [Value(x_i, f"x_{i}") for i, x_i in enumerate(x, 1)]
        outputs = model(inputs)
        hidden = outputs[0].parents[3:6]
        circles.append([*inputs, *[z.parents[0] for z in hidden], *hidden, *outputs])
        errors.append(sum_of_squares(outputs, [0.5, -0.5]))
    E = fsum(errors)
    E.label = "E"
    return E, circles


SEEN = """() => [...document.querySelectorAll("#network [data-data], #network [data-grad]")]
  .filter((text) => getComputedStyle(text).visibility === "visible" && text.closest(".node"))
  .map((text) => [text.dataset.data ?? null, text.dataset.grad ?? null, text.textContent])"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nodes", "units"])
def test_of_a_recorded_sum_the_network_shows_the_data_point_chosen(
    open_page: Open, name: str
) -> None:
    model = network()
    page = open_page(explore(total(model)[0]))
    page.evaluate("name => setMode(name)", name)
    page.locator("label", has_text="Network").first.click()
    n = page.get_by_label("n of the data point", exact=True)
    assert (n.input_value(), page.locator("#many").inner_text()) == ("5", "of 5")
    for weight in (None, *model.parameters()[:2]):
        if weight is not None:
            weight.data = 0.125
            i = page.evaluate("page.weights")[model.parameters().index(weight)]
            page.evaluate("i => setLeaf(i, 0.125)", i)
        E, circles = total(model)
        order = topological_order(E)
        E.backward()
        for k, circle in enumerate(circles, 1):
            n.fill(str(k))
            page.keyboard.press("Enter")
            page.evaluate("go(modes[mode].steps.length - 1)")
            for data, grad, text in page.evaluate(SEEN):
                node = order[int(data or grad)]
                assert node in circle
                assert text == scripted(node.data if data else node.grad, 4)
    assert not page.locator("#total, #every, #gradients, #plot").first.is_visible()


@pytest.mark.slow
def test_unit_by_unit_goes_through_the_data_point_chosen(open_page: Open) -> None:
    E, circles = total(network())
    order = topological_order(E)
    place = {node: i for i, node in enumerate(order)}
    page = open_page(explore(E))
    page.locator("label", has_text="Unit by unit").click()
    for n in (1, 4, 2):
        page.evaluate("n => choosePoint(n - 1)", n)
        texts = page.evaluate("page.units.map((_, k) => { go(k); return at('text').textContent; })")
        about = {*page.evaluate("byUnit.steps.flatMap(({current}) => current)")}
        assert {place[node] for node in circles[n - 1]} <= about
        assert all(any(scripted(node.data) in text for text in texts) for node in circles[n - 1])
        titles = page.evaluate("byUnit.steps.map(({title}) => title)")
        names = page.evaluate("nodes.map(({name}) => name)")
        assert sum(names[place[circles[n - 1][2]]] in title for title in titles) == 3


@pytest.mark.slow
def test_the_network_follows_the_steps_to_their_data_point(open_page: Open) -> None:
    E, circles = total(network())
    place = {node: i for i, node in enumerate(topological_order(E))}
    page = open_page(explore(E))
    page.locator("label", has_text="Both").first.click()
    for n in (0, 3, 4, 2):
        page.evaluate(
            "i => go(modes.nodes.steps.findLastIndex(({current}) => current[0] === i))",
            place[circles[n][3]],
        )
        assert page.evaluate("chosen") == n
        assert page.locator("#n").input_value() == str(n + 1)
        assert page.locator("#network .pass.now .current").count() == 1


def test_data_points_are_there_in_large_type_too(open_page: Open) -> None:
    page = open_page(page_of(), viewport={"width": 1600, "height": 900})
    page.keyboard.press("p")
    assert page.locator("#points").is_visible()
    assert page.locator("#plot").is_visible()
    assert not page.locator("#numbers").is_visible()


def test_of_a_large_network_the_page_has_the_last_forward_pass() -> None:
    model = MLP(2, [16, 2], hidden="tanh", seed=0)
    few, many = (sum_of_squares(model(x), [0, 1]) for x in ([1, 2], [3, 4])), range(10)
    assert len(described(explore(fsum([*few])))["passes"]) == 1
    E = fsum([sum_of_squares(model([n, 1.0]), [0, 1]) for n in many])
    assert described(explore(E))["passes"] == []


@pytest.mark.slow
def test_a_model_with_a_function_of_ones_own_stays_as_recorded(open_page: Open) -> None:
    cube = function(lambda x: x**3, [lambda x: 3.0 * x * x], name="cube")
    model = OneWeight(lambda w, x: cube(w * x[0]))
    page = open_page(
        explore(model, data=([[1.0], [2.0]], [0.0, 1.0]), loss="sum_of_squares", point=2)
    )
    assert not page.locator("#points").is_visible()
    assert not page.locator("#learn").is_visible()
    page.keyboard.press("End")
