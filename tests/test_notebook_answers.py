"""The folded answers of the notebooks' exercises pass the notebooks' own checks."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "notebooks"
ANSWER = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")  # of the machinery of notebooks
def test_the_answers_are_right(path):
    nbclient = pytest.importorskip("nbclient", reason="needs the package nbclient")
    nbformat = pytest.importorskip("nbformat", reason="needs the package nbformat")
    notebook = nbformat.read(path, 4)
    answers, cells = [], []
    for cell in notebook.cells:
        cells.append(cell)
        for code in ANSWER.findall(cell.source) if cell.cell_type == "markdown" else ():
            answers.append(nbformat.v4.new_code_cell(code))
            cells.append(answers[-1])
    if not answers:
        pytest.skip("no folded answers in code")
    notebook.cells = cells
    nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": FOLDER}}
    ).execute()
    for answer in answers:
        shown = "\n".join(
            output.get("text") or output.get("data", {}).get("text/plain", "")
            for output in answer.outputs
        )
        if "check" in answer.source:
            assert "right" in shown, answer.source
        assert "not yet" not in shown
        assert not re.search(r"^'?not right", shown, re.MULTILINE), shown
