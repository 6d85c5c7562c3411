"""Nothing that hangs is waited for without end: tests, processes after them, and programs."""

import ast
import re
import shutil
from pathlib import Path

import pytest
from own_process import run_python

TESTS = Path(__file__).parent
HANGS = {
    "in a test": "def test_it():\n    threading.Event().wait()",
    "after a test that failed": """
@pytest.fixture
def late():
    yield
    threading.Event().wait()

def test_it(late):
    raise ValueError
""",
    "after the tests": """
def test_it():
    threading.Thread(target=threading.Event().wait).start()
""",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "options"), [*[(where, []) for where in HANGS], ("in a test", ["-n", "2"])]
)
def test_what_hangs_ends_the_run_with_a_traceback(
    tmp_path: Path, where: str, options: list[str]
) -> None:
    shutil.copy(TESTS / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow")
    (tmp_path / "test_hanging.py").write_text(f"import threading, pytest\n{HANGS[where]}\n")
    command = ["-m", "pytest", "--limit", "3", "-p", "no:cacheprovider"]
    done = run_python(*command, *options, cwd=tmp_path, status=1)
    assert "Timeout (0:00:03)!" in done.stderr
    assert "most recent call first" in done.stderr


WAITS = re.compile(r"subprocess\.\w+\(|\.join\(\)")


def is_without_end(call: ast.Call) -> bool:
    """Whether a call waits for a process or a thread, and for how long is not said."""
    name = ast.unparse(call.func)
    waits = name == "subprocess.run" or (name.endswith(".join") and not call.args)
    return waits and all(keyword.arg != "timeout" for keyword in call.keywords)


def without_end(source: str) -> list[int]:
    """The lines with such calls."""
    if not WAITS.search(source):  # most files have none, and reading them as Python takes time
        return []
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if is_without_end(call)]


def test_whoever_waits_for_a_process_or_a_thread_says_for_how_long() -> None:
    files = {*TESTS.rglob("*.py")} - {*TESTS.rglob("benchmarks/*.py")}  # which nobody waits for
    assert {"conftest.py", "own_process.py"} <= {path.name for path in files}
    for path in sorted(files):
        assert without_end(path.read_text(encoding="utf-8")) == [], path


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import subprocess\nsubprocess.run(['a'], check=True)", [2]),
        ("subprocess.run(['a'], timeout=300)\nthread.join(timeout=1.0)\n', '.join(['a'])", []),
        ("thread.join()", [1]),
    ],
)
def test_a_call_that_waits_without_end_is_seen(source: str, lines: list[int]) -> None:
    assert without_end(source) == lines
