"""The pure engine, pictures, pages and the worked example run in a browser's Python.

That is Pyodide, which the npm package of that name carries for node; without NumPy.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from own_process import run_python

ROOT = Path(__file__).parents[1]
PYODIDE = "pyodide@314.0.7"
PROGRAM = """
import io
from contextlib import redirect_stdout
from micrograd_bp import MLP, Value, draw, draw_network, engine_kind, explore, find, grad, hessian
from micrograd_bp import explain, latex, sin, square, tanh, trace_table
from micrograd_bp.book.command_line import main

w, x, b = Value(-1.25, label="w"), Value(0.5, label="x"), Value(0.75, label="b")
a = w * x + b; a.label = "a"
z = tanh(a); z.label = "z"
E = (z - x) ** 2 / 2; E.label = "E"
E.backward()
print(engine_kind(), a.grad, w.grad, grad(grad(sin))(1.0), hessian(lambda x: x[0] ** 3)([2.0]))
print(draw(E, edges="contribution").svg)
print(explain(x, of=E), latex(E), trace_table(E, [w, x]))
model = MLP(2, [3, 1], hidden="sigmoid", output="linear", seed=0)
error = square(model([0.5, -1.0]) - 1.0) / 2
error.backward()
print(find(error, "a_1").grad, len(draw_network(model, error).svg))
print(explore(error).save("steps.html").stat().st_size > 10_000)
with redirect_stdout(io.StringIO()) as said:
    status = main(["--explore", "page.html"])
print(said.getvalue().rpartition("\\n")[0].rpartition("\\n")[0], status)
"""


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter, as npm installs it."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("pyodide")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), PYODIDE]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=1200)
    except subprocess.SubprocessError as error:
        pytest.skip(f"npm cannot install {PYODIDE} here: {error}")
    return folder / "node_modules/pyodide/pyodide.mjs"


def in_the_browser(pyodide: Path, program: str) -> subprocess.CompletedProcess[str]:
    command = ["node", ROOT / "tests/support/in_pyodide.mjs", pyodide, ROOT]
    return subprocess.run(command, input=program, capture_output=True, text=True, timeout=1200)


@pytest.mark.slow
def test_a_browser_s_python_says_what_python_says_here(pyodide: Path, tmp_path: Path) -> None:
    there = in_the_browser(pyodide, PROGRAM)
    assert there.returncode == 0, there.stderr
    environment = {"MICROGRAD_BP_PURE": "1", "PYTHONPATH": str(ROOT), "PATH": ""}
    here = run_python("-c", PROGRAM, cwd=tmp_path, **environment)
    assert there.stdout == here.stdout
    assert "The three ways agree" in there.stdout
    assert (ROOT / "notebooks/graph.svg").read_text() in there.stdout


WHAT_CANNOT = """
import micrograd_bp
from micrograd_bp.book.command_line import main

x = micrograd_bp.Value(2.0)
for cannot in (
    lambda: micrograd_bp.draw(x * x).save("x.png"),
    lambda: micrograd_bp.Program(x * x, inputs=[x]),
    lambda: micrograd_bp.fit,
):
    try:
        cannot()
    except (ImportError, RuntimeError) as error:
        print(str(error).partition("\\n")[0])
main([])
"""


@pytest.mark.slow
def test_what_cannot_run_there_says_so(pyodide: Path) -> None:
    said = in_the_browser(pyodide, WHAT_CANNOT).stdout.splitlines()
    assert "save as .svg" in said[0]
    for name, line in zip(("Program", "fit"), said[1:3], strict=True):
        assert line == f"{name} needs numpy, which is not installed: pip install numpy"
    assert said[-1] == "The engine in use is the pure Python one, the only one in a browser"
