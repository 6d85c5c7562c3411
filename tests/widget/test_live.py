"""Sliders over a graph: the Python side, and what a browser shows in JupyterLab."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from own_process import run_python
from svg_texts import texts

import micrograd_bp
from micrograd_bp import Value, log, scope, tanh
from micrograd_bp.widget import Experiment, live


def unit(w: Value, x: Value, b: Value) -> Value:
    z = tanh(w * x + b)
    z.label = "z"
    return z


# --- what runs behind the sliders -----------------------------------------------------------------


def test_moving_a_leaf_runs_forward_and_backward_again() -> None:
    experiment = Experiment(unit, {"w": 2.0, "x": (-3, 3), "b": (0.0, 1.0, 0.25)})
    assert {name: leaf.data for name, leaf in experiment.leaves.items()} == {
        "w": 2.0,
        "x": 1.5,  # at 0 w has no grad
        "b": 0.25,
    }
    assert experiment.ranges == {"w": (-4.0, 4.0), "x": (-3.0, 3.0), "b": (0.0, 1.0)}
    for x in (1.0, -0.5, 1.0):
        experiment.move({"x": x})
        z = unit(Value(2.0), other := Value(x), Value(0.25))
        z.backward()
        assert experiment.root is not None
        assert experiment.root.data == z.data
        assert experiment.leaves["x"].grad == other.grad  # of this run alone
    assert [leaf.label for leaf in experiment.leaves.values()] == ["w", "x", "b"]


@pytest.mark.parametrize(
    ("build", "leaves", "start"),
    [
        (lambda x: x.exp(), {"x": (-3, 3)}, [0.0]),
        (lambda w, x: w * x, {"w": (-2, 2), "x": (-3, 3)}, [1.0, 1.5]),
        (lambda x: log(x), {"x": (-1, 1)}, [0.5]),
        (lambda x: (-x - 4.0).sqrt(), {"x": (-8, 8)}, [-6.0]),
        (lambda x: (x - 20.0).relu(), {"x": (-8, 8)}, [0.0]),  # nothing anywhere: the middle
        (lambda x: log(x - 2.0), {"x": (0, 1)}, [0.5]),
    ],
)
def test_what_may_start_anywhere_starts_where_every_leaf_has_a_grad(
    build: Any, leaves: Any, start: list[float]
) -> None:
    experiment = Experiment(build, leaves)
    assert [leaf.data for leaf in experiment.leaves.values()] == start
    assert bool(experiment.message) == (experiment.root is None)


def test_values_of_the_user_move_and_grads_do_not_pile_up() -> None:
    w, constant = Value(0.5, "weight"), Value(3.0, "c")
    experiment = Experiment(lambda w: w * constant, {"w": w})
    experiment.move({"w": 1.5})
    experiment.move({"w": 2.5})
    assert experiment.leaves["w"] is w
    assert (w.data, w.label, w.grad, constant.grad) == (2.5, "weight", 3.0, 2.5)


def test_picture_and_table_show_the_run() -> None:
    experiment = Experiment(unit, {"w": 2.0, "x": 1.5, "b": 0.0})
    assert experiment.root is not None
    assert f"{experiment.root.data:.4f}" in experiment.svg()
    assert f"{experiment.leaves['w'].grad:.6g}" in experiment.table()


def test_leaves_are_called_as_in_the_picture() -> None:
    with scope("layer1"):
        first = Value(0.5, "w_11")
    with scope("layer2"):
        second = Value(1.5, "w_11")
    experiment = Experiment(lambda v, w, x: tanh(w * x) * v, {"v": second, "w": first, "x": 1.0})
    assert experiment.called() == {"v": "w^(2)_11", "w": "w^(1)_11", "x": "x"}
    assert all(name in experiment.table() for name in ("w^(2)_11", "w^(1)_11", "df/d..."))
    assert {"w^(2)_11", "w^(1)_11", "x"} <= set(texts(experiment.svg()))


def test_what_build_raises_becomes_a_message_and_goes_away() -> None:
    experiment = Experiment(lambda p: log(p), {"p": (-1.0, 1.0, 0.0)})
    assert experiment.message == "ValueError: log of Value(0.0, label='p'): needs data > 0"
    assert (experiment.root, experiment.svg(), experiment.table()) == (None, "", "")
    experiment.move({"p": 0.5})
    assert experiment.message == ""
    root = experiment.root
    experiment.move({"p": -0.5})
    assert "needs data > 0" in experiment.message
    assert experiment.root is root


def test_a_fault_of_build_is_raised_at_the_start_and_shown_later() -> None:
    with pytest.raises(TypeError, match=r"returns a Value, not 2\.0 \(float\)"):
        Experiment(lambda x: 2.0, {"x": 1.0})
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Experiment(lambda y: y, {"x": 1.0})
    experiment = Experiment(lambda x: x if x.data > 0 else x.data, {"x": 1.0})
    experiment.move({"x": -1.0})
    assert experiment.message == "TypeError: the function of live returns a Value, not -1.0 (float)"


@pytest.mark.parametrize(
    ("leaf", "error", "message"),
    [
        ((1.0, -1.0), ValueError, r"x needs low <= start <= high, not 1\.0, 0\.0, -1\.0"),
        ((None, 2.0), TypeError, "the range of x: need a real number, not None"),
        ((0.0, 1.0, 2.0), ValueError, r"not 0\.0, 2\.0, 1\.0"),
        ((0.0, float("inf")), ValueError, "not 0.0, inf, inf"),
        ((1.0,), ValueError, r"\(low, high\) or \(low, high, start\), not \(1\.0,\)"),
        ("1.0", TypeError, r"x is a number, \(low, high\) or a Value, not '1\.0' \(str\)"),
        (float("nan"), ValueError, "not -2.0, nan, 2.0"),
        (Value(1.0) * 2.0, ValueError, "only a leaf can move"),
        (("a", "b"), TypeError, "need a real number"),
    ],
)
def test_a_leaf_is_a_range_a_number_or_a_value(leaf: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        Experiment(lambda x: x * x, {"x": leaf})


def test_what_cannot_be_moved_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a function of Values that returns one, not 3\.0"):
        Experiment(3.0, {"x": 1.0})
    with pytest.raises(ValueError, match="a leaf to move"):
        Experiment(lambda: Value(1.0), {})
    experiment = Experiment(lambda x: x * x, {"x": 1.0})
    with pytest.raises(ValueError, match="there is no leaf 'y': there are x"):
        experiment.move({"y": 1.0})
    with pytest.raises(ValueError, match="x moves to a finite number, not inf"):
        experiment.move({"x": float("inf")})
    assert experiment.leaves["x"].data == 1.0


def test_without_anywidget_the_message_says_what_to_install() -> None:
    source = (
        "import sys; sys.modules['anywidget'] = None\n"
        "from micrograd_bp.widget import live\n"
        "try: live(lambda x: x * x, x=1.0)\n"
        "except ImportError as error: print(error)\n"
    )
    assert "pip install 'micrograd_bp[live]'" in run_python("-c", source).stdout


# --- the widget -----------------------------------------------------------------------------------


@pytest.fixture
def widget() -> Any:
    pytest.importorskip("anywidget", reason="the extra live is not installed")
    return live(unit, w=2.0, x=(-3, 3), b=0.25)


def test_a_number_from_the_browser_updates_picture_and_numbers(widget: Any) -> None:
    assert widget.numbers == {"w": 2.0, "x": 1.5, "b": 0.25}
    assert [slider["name"] for slider in widget.sliders] == ["w", "x", "b"]
    before = widget.svg, widget.table
    sent: list[str] = []
    widget.observe(lambda change: sent.append(change["name"]), ["svg", "table", "message"])
    widget.set_state({"numbers": {"w": 2.0, "x": 2.5, "b": 0.25}})  # as the front end does
    assert sorted(sent) == ["svg", "table"]
    assert (widget.svg, widget.table) != before
    assert f"{widget.root.data:.4f}" in widget.svg
    assert f"{widget.leaves['w'].grad:.6g}" in widget.table
    assert widget.leaves["x"].data == 2.5


def test_some_numbers_are_enough_and_wrong_ones_change_nothing(widget: Any) -> None:
    widget.numbers = {"x": -1.0}
    assert widget.numbers == {"w": 2.0, "x": -1.0, "b": 0.25}
    for wrong, error in (({"q": 1.0}, ValueError), ({"x": "1"}, TypeError)):
        with pytest.raises(error):
            widget.numbers = wrong
    assert widget.numbers == {"w": 2.0, "x": -1.0, "b": 0.25}
    assert widget.leaves["x"].data == -1.0


def test_an_error_is_shown_over_the_last_picture() -> None:
    pytest.importorskip("anywidget", reason="the extra live is not installed")
    widget = live(lambda p: log(p), p=(-1.0, 3.0))
    picture = widget.svg
    assert picture.startswith("<")
    widget.numbers = {"p": -0.5}
    assert widget.message.startswith("ValueError: log of Value(-0.5, label='p')")
    assert widget.svg == picture
    widget.numbers = {"p": 0.5}
    assert widget.message == ""
    assert widget.svg != picture


def test_a_picture_that_is_too_large_is_a_message() -> None:
    pytest.importorskip("anywidget", reason="the extra live is not installed")

    def build(x: Value) -> Value:
        root = x
        for i in range(1100):
            root = tanh(root) + Value(float(i), f"c{i}") * x
        return root

    assert "too large to read" in live(build, x=1.0).message


# --- JupyterLab in a browser ----------------------------------------------------------------------

CELLS = [
    "from micrograd_bp import Value, log\n"
    "from micrograd_bp.widget import live\n"
    "def f(w, x):\n"
    "    E = log(w * x + 1.0)\n"
    "    E.label = 'E'\n"
    "    return E\n"
    "view = live(f, w=1.0, x=(-3, 3))\n"
    "view",
]


def _missing() -> str:
    for module in ("anywidget", "jupyterlab", "playwright", "ipykernel"):
        if find_spec(module) is None:
            return f"{module} is not installed"
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        return "no chromium on the PATH"
    return ""


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[str]:
    """The address of a notebook in a JupyterLab of its own."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell{i}",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for i, source in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    (tmp_path / "live.ipynb").write_text(json.dumps({**content, "nbformat_minor": 5}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    package = str(Path(micrograd_bp.__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")]),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    options = ["--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    secret = "--IdentityProvider.token=test"
    with (tmp_path / "log").open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, secret, f"--notebook-dir={tmp_path}"],
            stdout=output,
            stderr=output,
            env=environment,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        while True:
            try:
                urllib.request.urlopen(f"{address}/api?token=test").close()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield f"{address}/lab/tree/live.ipynb?token=test"
    finally:
        server.terminate()
        try:
            server.wait(timeout=1200)
        finally:
            server.kill()


@pytest.mark.slow
@pytest.mark.skipif(bool(_missing()), reason=_missing())
@pytest.mark.filterwarnings("default")
def test_a_slider_moves_picture_and_numbers_in_jupyterlab(notebook: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.set_default_timeout(300_000)  # of a machine that is busy
        page.goto(notebook)
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        page.keyboard.press("Shift+Enter")
        slider = page.locator(".micrograd-bp-slider", has_text="x").locator("input")
        table = page.locator(".micrograd-bp-table tbody")
        picture = page.locator(".micrograd-bp-picture svg")
        message = page.locator(".micrograd-bp-message")
        slider.wait_for()
        assert re.search(r"x\s+1.5\s+0.4\b", table.inner_text())  # where it starts
        slider.fill("0")
        page.wait_for_function(
            "/x\\s+0\\s+1\\b/.test(document.querySelector('.micrograd-bp-table tbody').innerText)"
        )
        before = picture.inner_html()
        slider.fill("1.5")  # sets the slider and fires its event, as a hand does
        page.wait_for_function(
            "/x\\s+1.5\\s+0.4\\b/.test("
            "document.querySelector('.micrograd-bp-table tbody').innerText)"
        )
        assert picture.inner_html() != before
        assert "0.9163" in picture.inner_html()  # log(2.5)
        slider.press("ArrowRight")
        page.wait_for_function(
            "/x\\s+1.525/.test(document.querySelector('.micrograd-bp-table tbody').innerText)"
        )
        _keep(page, "live.png")
        slider.fill("-2")
        page.wait_for_function(
            "document.querySelector('.micrograd-bp-message').innerText.includes('needs data > 0')"
        )
        _keep(page, "live_error.png")
        slider.fill("1")
        page.wait_for_function("document.querySelector('.micrograd-bp-message').innerText === ''")
        assert message.inner_text() == ""
        browser.close()


def _keep(page: Any, name: str) -> None:
    """A screenshot for who wants to look, in the folder that the environment names."""
    if folder := os.environ.get("MICROGRAD_BP_SCREENSHOTS"):
        page.screenshot(path=Path(folder, name))
