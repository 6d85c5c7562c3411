"""The README and the cheat sheet are true: their code runs and prints what it says.

The sheet's is one program, from top to bottom; of the README each block is one.
"""

import contextlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

import micrograd_bp
from micrograd_bp import testing
from micrograd_bp.book.command_line import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHEET = (ROOT / "notebooks/cheat_sheet.md").read_text()
SHEET_CODE = "".join(re.findall(r"```python\n(.*?)```", SHEET, re.DOTALL))
SHOWN_BY_OTHERS = {  # what others give or take
    *("Graph", "Difference", "GradientError", "GraphProgram", "Mismatch", "NetworkProgram"),
    *("OPERATIONS", "Report", "Step"),
}
PRINTED = re.compile(r"^ *print\(.*\)  # (.*)$")


def run(block: str) -> dict[int, str]:
    """Run a block of code, and give what each line prints."""
    printed: dict[int, str] = {}

    def record(*things: Any) -> None:
        line = sys._getframe(1).f_lineno
        printed[line] = " ".join(map(str, things))

    exec(block, {"print": record})
    return printed


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_there_is_code_to_run_and_output_to_compare() -> None:
    assert len(BLOCKS) >= 8
    assert len(re.findall(PRINTED.pattern, README, re.MULTILINE)) >= 8


@pytest.mark.parametrize("block", [*BLOCKS, SHEET_CODE])
def test_a_block_of_code_runs_and_prints_what_its_comments_say(block: str) -> None:
    printed = run(block)
    for number, line in enumerate(block.splitlines(), start=1):
        if said := PRINTED.match(line):
            assert printed[number] == said[1]
    for name in re.findall(r'save\("(.*?)"\)', block):
        assert Path(name).stat().st_size > 0


def test_a_comment_that_is_wrong_is_seen() -> None:
    assert run("print(1 + 1)  # 3") == {1: "2"}
    assert PRINTED.match("print(1 + 1)  # 3")[1] == "3"  # type: ignore[index]


def test_what_is_shown_of_an_explanation_is_what_it_prints() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    (block,) = [block for block in BLOCKS if "explain(" in block]
    assert shown.rstrip("\n") in run(block).values()


def test_the_command_with_data_of_your_own_runs(capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.datasets import load_iris

    (command,) = re.findall(
        r"^\.venv/bin/python -m micrograd_bp (--data .*)$", README, re.MULTILINE
    )
    rows = [",".join(map(str, [*row, "iris"])) for row in load_iris().data]
    header = "sepal_length,sepal_width,petal_length,petal_width,species"
    Path("iris.csv").write_text("\n".join([header, *rows]))
    with contextlib.suppress(SystemExit):
        assert main(shlex.split(command)) in (0, None)
    assert "petal_width" in capsys.readouterr().out


def test_the_pictures_are_those_that_the_blocks_make() -> None:
    shown = re.findall(r"\(notebooks/(\w+\.svg)\)", README)
    assert shown == ["graph.svg", "network.svg"]
    for name in shown:
        (block,) = (block for block in BLOCKS if f'save("{name}")' in block)
        run(block)
        picture = (ROOT / "notebooks" / name).read_text(encoding="utf-8")
        assert Path(name).read_text(encoding="utf-8") == picture


def test_each_guarantee_names_a_test_that_is_there() -> None:
    section = README.split("## What you can rely on")[1].split("\n## ")[0]
    rows = section.split("|---|---|\n")[1].split("\n\n")[0].splitlines()
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row) for row in rows]
    assert len(rows) >= 10
    assert all(named)
    for path, name in [test for row in named for test in row]:
        assert f"\ndef {name}(" in (ROOT / path).read_text(), name


def test_the_cheat_sheet_has_every_public_name() -> None:
    words = set(re.findall(r"\w+", SHEET))
    assert words >= {*micrograd_bp.__all__, *testing.__all__} - SHOWN_BY_OTHERS


def test_the_changes_begin_with_this_version() -> None:
    changes = README.split("## Changes")[1]
    assert re.findall(r"^\*\*(.*?)\*\*", changes, re.MULTILINE)[0] == micrograd_bp.__version__
