"""Data of real size: columns of data points, many weights, long tables."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from micrograd_bp.book import backprop, weight_changes
from micrograd_bp.book import command_line as cli
from micrograd_bp.book import differences as differences_file
from micrograd_bp.book import report as report_file
from micrograd_bp.book import worked_example as example_file
from micrograd_bp.book.columns import MANY, over_points
from micrograd_bp.book.differences import DIFFERENCE_TOLERANCE, CentralDifferences
from micrograd_bp.book.rows import FIRST, LAST, MOST, shortened
from micrograd_bp.book.worked_example import worked_example

ACTIVATIONS = pytest.mark.parametrize("activation", ["logistic", "tanh"])


def problem(points: int, inputs: int, hidden: int = 3, outputs: int = 2) -> tuple[Any, Any, Any]:
    """Weights, inputs and targets."""
    rng = random.Random(0)

    def matrix(rows: int, columns: int) -> list[list[float]]:
        return [[rng.gauss(0, 1) for _ in range(columns)] for _ in range(rows)]

    weights = [matrix(hidden, 1 + inputs), matrix(outputs, 1 + hidden)]
    return weights, matrix(points, inputs), matrix(points, outputs)


@ACTIVATIONS
def test_in_columns_the_equations_give_the_bits_that_they_give_point_by_point(
    activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("micrograd_bp.book.columns.AT_ONCE", 2000)  # several blocks
    weights, inputs, targets = problem(MANY + 51, 3)
    arguments = (weights, inputs, targets, activation)
    in_columns = backprop.total_error(*arguments), backprop.total_derivatives(*arguments)
    monkeypatch.setattr("micrograd_bp.book.columns.MANY", math.inf)
    one_by_one = backprop.total_error(*arguments), backprop.total_derivatives(*arguments)
    assert in_columns == one_by_one


@ACTIVATIONS
def test_the_scales_are_the_same_in_columns(
    activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (*problem(MANY + 51, 3), activation)
    in_columns = CentralDifferences(*arguments)
    monkeypatch.setattr("micrograd_bp.book.columns.MANY", math.inf)
    one_by_one = CentralDifferences(*arguments)
    assert (in_columns.scale, in_columns.unit_steps) == (one_by_one.scale, one_by_one.unit_steps)


@ACTIVATIONS
@pytest.mark.parametrize("sizes", [(7, 4, 3, 2), (1, 9, 2, 1), (300, 2, 2, 3)])
def test_an_update_of_what_depends_on_a_weight_differs_as_all_of_e_evaluated_anew(
    activation: str, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (*problem(*sizes), activation)
    monkeypatch.setattr(weight_changes, "AT_ONCE", 3 * sizes[0])  # three inputs at once
    found = []
    for many in (math.inf, 0):
        monkeypatch.setattr(differences_file, "MANY", many)
        differences = CentralDifferences(*arguments)
        units = [(layer, j) for layer in (0, 1) for j in range(len(arguments[0][layer]))]
        found.append([differences.by_weights(*unit) for unit in units])
    for (anew, scales), (updated, same_scales) in zip(*found, strict=True):
        assert scales == same_scales
        for a, b, scale in zip(anew, updated, scales, strict=True):
            assert abs(a - b) <= DIFFERENCE_TOLERANCE * scale


@ACTIVATIONS
@pytest.mark.parametrize(("points", "inputs"), [(1000, 3), (3, 1000), (MANY, 200)])
def test_the_three_ways_agree_on_many_points_and_inputs(
    activation: str, points: int, inputs: int
) -> None:
    example = worked_example(*problem(points, inputs), activation=activation, point=points)
    assert example.agrees
    assert example.largest_disagreement == max(row.disagreement for row in example.rows)


def errors_of_hidden_units(monkeypatch: pytest.MonkeyPatch) -> None:
    right = backprop.hidden_errors
    wrong = lambda *args: [delta * (1 + 1e-6) for delta in right(*args)]  # noqa: E731
    monkeypatch.setattr(backprop, "hidden_errors", wrong)


def autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    square = example_file.square
    monkeypatch.setattr(example_file, "square", lambda v: square(v) * (1 + 1e-9))


def central_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    right = weight_changes.ACTIVATIONS["logistic"]
    monkeypatch.setitem(weight_changes.ACTIVATIONS, "logistic", lambda a: right(a) * (1 + 1e-6))


@pytest.mark.parametrize("fault", [errors_of_hidden_units, autograd, central_differences])
@pytest.mark.parametrize(("points", "inputs"), [(3000, 3), (3, 1000)])
def test_a_fault_in_any_of_the_three_ways_shows_in_the_totals(
    fault: Any, points: int, inputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    example = worked_example(*problem(points, inputs))
    assert not example.agrees
    assert not all(row.agrees for row in example.total_rows)
    last = str(example).splitlines()[-1]
    assert last.startswith("THE THREE WAYS DISAGREE in ")
    assert len(last) < 4000


def test_rows_of_different_lengths_are_refused_as_they_are_where_there_are_few() -> None:
    weights, inputs, targets = problem(MANY, 3)
    inputs[-1] = inputs[-1][:2]
    with pytest.raises(ValueError, match="unit 1 of layer 1 needs 3 weights"):
        backprop.total_error(weights, inputs, targets)


@pytest.mark.parametrize("size", [1e200, 1e160])
def test_numbers_beyond_the_largest_float_are_refused_among_many_points(size: float) -> None:
    weights, inputs, targets = problem(MANY, 3)
    targets[-1][0] = size
    with pytest.raises(OverflowError):
        worked_example(weights, inputs, targets)


def test_few_points_go_one_by_one_and_need_no_numpy() -> None:
    assert list(over_points(lambda x, t: (x, t), [[[1.0]]], [[1.0]], [[2.0]])) == [([1.0], [2.0])]


def test_rows_are_a_sequence() -> None:
    rows = worked_example(*problem(3, 100)).point_rows
    listed = list(rows)
    assert len(rows) == len(listed)
    assert [rows[i] for i in range(len(rows))] == listed == rows[:]
    assert rows[-1] == listed[-1]
    assert rows[5:300:7] == listed[5:300:7]
    assert repr(rows) == f"<{len(listed)} rows>"
    with pytest.raises(IndexError):
        rows[len(rows)]


def test_a_table_shows_the_first_and_the_last_of_many_rows_and_says_where_all_are() -> None:
    text = str(worked_example(*problem(3, MOST)))
    assert "x_200 " in text
    assert "left out" not in text.split("Data point")[0]
    text = str(worked_example(*problem(3, MOST + 1)))
    lines = [line.split() for line in text.splitlines()]
    names = [line[0] for line in lines if line and line[0].startswith("x_")]
    inputs = [f"x_{i}" for i in range(1, MOST + 2)]
    assert names == inputs[:FIRST] + inputs[-LAST:]
    assert ["…", f"{MOST + 1 - FIRST - LAST}", "more"] in lines
    n_weights = 3 * (MOST + 2)
    left_out = MOST + 1 + 2 * n_weights - 3 * (FIRST + LAST)
    assert f"The tables leave out {left_out:,} rows, which count below: all are in --json" in text


@pytest.mark.parametrize("n", [0, MOST, MOST + 1])
def test_what_is_left_out_is_counted(n: int) -> None:
    first, left_out, last = shortened(range(n))
    assert len(first) + left_out + len(last) == n


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """300 columns of three data points."""
    monkeypatch.chdir(tmp_path)
    rows = [[f"c{i}" for i in range(300)], *([f"{i / n}" for i in range(300)] for n in (50, 60, 7))]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(",".join(row) for row in rows))
    return path


def test_of_many_columns_the_text_shows_some_and_json_has_all(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(data), "--targets", "c7"]
    assert cli.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == ["  x_1  c0", "  x_2  c1", "  x_3  c2"]
    assert "  …  274 more" in lines
    assert "  x_299  c299" in lines
    assert cli.main([*arguments, "--json"]) == 0
    out = capsys.readouterr().out
    report = json.loads(out)
    assert len(report["inputs"]) == 299
    assert len(report["total_rows"]) == 1 + 3 * 300 + 4
    assert out == json.dumps(report, indent=2) + "\n"


def test_what_is_long_shows_a_bar_on_stderr(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--data", str(data), "--targets", "c7"]
    assert cli.main(arguments) == 0
    short = capsys.readouterr()
    assert short.err == ""
    monkeypatch.setattr(cli, "LONG", 100)
    assert cli.main(arguments) == 0
    long = capsys.readouterr()
    assert long.out == short.out
    assert "reading: 3row" in long.err
    assert "central differences: 100%" in long.err
    data.write_text(data.read_text() + "x")
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("micrograd-bp: error: ")


def test_pictures_of_a_million_weights_are_not_tried(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_file, "MOST_DRAWN", 900)
    assert cli.main(["--data", str(data), "--targets", "c7"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("micrograd-bp: no pictures drawn: with 904 weights")
    assert "Wrote" not in captured.out
