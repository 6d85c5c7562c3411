"""Nothing that hangs is waited for without end: tests, processes after them, and programs."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
    command = [sys.executable, "-m", "pytest", "--limit", "3", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Timeout (0:00:03)!" in done.stderr
    assert "most recent call first" in done.stderr


def is_without_end(call: ast.Call) -> bool:
    """Whether a call waits for a process or a thread, and for how long is not said."""
    name = ast.unparse(call.func)
    waits = name == "subprocess.run" or (name.endswith(".join") and not call.args)
    return waits and all(keyword.arg != "timeout" for keyword in call.keywords)


def test_whoever_waits_for_a_process_or_a_thread_says_for_how_long() -> None:
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and is_without_end(node)
    ]
    assert found == []
