"""The README is true: its code runs, and makes the picture that it shows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_there_is_code_to_run() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_a_block_of_code_runs_and_prints_what_its_comments_say(
    index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(BLOCKS[index], {})
    printed = capsys.readouterr().out.splitlines()
    if "needs data > 0" in BLOCKS[index]:
        assert printed == ["log of Value(-1.0, label='p'): needs data > 0", "inf", "()"]
    if "w_12.grad" in BLOCKS[index]:
        assert printed == ["True"]
        assert (tmp_path / "network.svg").exists()


def test_the_first_picture_is_the_one_that_the_first_block_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # without dot: the layout of our own
    exec(BLOCKS[0], {})
    assert (tmp_path / "graph.svg").read_text() == (ROOT / "notebooks/graph.svg").read_text()
