"""The command line: what a user sees, what is written, and what bad input leads to."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from own_process import run_python

from micrograd_bp import __version__, engine_kind
from micrograd_bp.book import backprop
from micrograd_bp.book import command_line as cli
from micrograd_bp.book import report as report_file
from micrograd_bp.book.command_line import main
from micrograd_bp.book.csv_file import column_names
from micrograd_bp.book.weights_file import read_weights
from micrograd_bp.book.worked_example import INPUTS, TARGETS, worked_example
from micrograd_bp.explorer import explore

POINTS = "a,b,y\n1,2,3\n4,5,7\n0.5,-1,2\n"
TANH_WEIGHTS = {"activation": "tanh", "w1": [[0.1, 0.2, 0.3]], "w2": [[0.5, -0.25]]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fisher's measurements as scikit-learn ships them, with the species as three columns."""
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_iris()
    path = tmp_path_factory.mktemp("data") / "iris.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*bunch.feature_names, *bunch.target_names])
        for x, species in zip(bunch.data, bunch.target, strict=True):
            writer.writerow([*x, *(int(species == k) for k in range(3))])
    return str(path)


SPECIES = "setosa,versicolor,virginica"


# --- the worked example ---------------------------------------------------------------------------


def test_without_arguments_it_shows_the_worked_example(run: Any, folder: Path) -> None:
    status, out, err = run()
    assert (status, err) == (0, "")
    lines = [line for line in out.splitlines() if not line.startswith("The engine in use")]
    assert lines[0] == (
        "Two-layer network: 2 inputs, 3 hidden units (logistic sigmoid), 2 linear outputs"
    )
    rows = {line.split()[0]: line.split() for line in lines if line}
    assert rows["a_1"] == ["a_1", "pre-activation", "0.90000000", "0.90000000", "—", "0"]
    assert rows["E_n"][-4:-1] == ["0.01728736", "0.01728736", "—"]
    assert rows["delta_j=2"][-4:-1] == ["0.02149231"] * 3
    assert rows["dE/dw^(1)_32"][-4:-1] == ["-0.11899850"] * 3
    assert "Data point n = 1 of 4" in lines
    assert "Total over n = 1, ..., 4" in lines
    assert lines[-6].startswith("Largest disagreement: ")
    assert lines[-3:] == [
        "The three ways agree",
        f"Wrote the computation graph to {Path('micrograd_bp_output/computation_graph.svg')}",
        f"Wrote the network diagram to {Path('micrograd_bp_output/network_diagram.svg')}",
    ]
    for line in lines[-2:]:
        assert Path(line.split(" to ")[1]).read_text(encoding="utf-8").startswith("<svg")


def test_every_run_gives_the_same_bytes(run: Any, folder: Path) -> None:
    def everything() -> tuple[Any, list[bytes]]:
        result = run("--seed", "3", "--train", "5", "--rate", "0.1", "--json")[:2]
        return result, [path.read_bytes() for path in sorted(folder.rglob("*.svg"))]

    assert everything() == everything()


def test_the_step_through_page_is_written_if_asked_for(run: Any) -> None:
    assert "step-through" not in run()[1]
    status, out, err = run("--explore", "new/steps.html", "--point", "2")
    assert (status, err) == (0, "")
    assert f"Wrote the step-through page to {Path('new/steps.html')}\n" in out
    page = Path("new/steps.html").read_text(encoding="utf-8")
    data = INPUTS, TARGETS
    network = worked_example().network
    assert page == explore(network, data=data, loss="sum_of_squares", point=2).html
    report = json.loads(run("--explore", "steps.HTM", "--json")[1])
    assert report["files"]["step-through page"] == "steps.HTM"


def test_of_too_many_data_points_the_page_has_one(run: Any) -> None:
    write("points.csv", "x,t\n" + "".join(f"{n},{n % 3}\n" for n in range(1001)))
    options = ("--data", "points.csv", "--targets", "t", "--explore", "steps.html", "--point", "7")
    status, _, err = run(*options)
    assert status == 0
    assert err.startswith("micrograd-bp: the page has data point 7 alone: a page of a graph of ")
    assert "E<sub>n</sub>, step by step" in Path("steps.html").read_text(encoding="utf-8")


def test_a_data_point_is_chosen_by_its_number(run: Any) -> None:
    out = run("--point", "3")[1]
    assert "Data point n = 3 of 4" in out
    assert "x_1             input                      1.20000000" in out


def test_json_is_all_there_is_on_stdout(run: Any) -> None:
    status, out, err = run("--json", "--point", "2", "--train", "3", "--rate", "0.1")
    report = json.loads(out)
    assert status == 0
    assert report["agrees"] is True
    assert report["largest_disagreement"] <= report["difference_tolerance"]
    assert (report["sizes"], report["point"], report["n_points"]) == ([2, 3, 2], 2, 4)
    assert report["point_rows"][0]["by_equations"] == -0.8
    assert report["training"]["error_after"] < report["training"]["error_before"]
    assert report["total_rows"][0]["by_equations"] == report["training"]["error_after"]
    assert set(report["files"]) == {"computation graph", "network diagram"}
    assert all(Path(path).is_file() for path in report["files"].values())
    assert "training: 100%" in err


def test_a_disagreement_is_exit_status_1(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    formula = backprop.hidden_errors
    monkeypatch.setattr(
        backprop, "hidden_errors", lambda *args: [1.000001 * delta for delta in formula(*args)]
    )
    status, out, _ = run()
    assert status == 1
    assert "THE THREE WAYS DISAGREE in delta_j=1" in out
    assert json.loads(run("--json")[1])["agrees"] is False


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([option])
    assert caught.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    expected = f"micrograd-bp {__version__}"
    assert out == expected if option == "--version" else "a header (not all numbers)" in out


def test_pictures_that_cannot_be_drawn_are_told_and_the_rest_goes_on(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise ValueError("too large to read")

    monkeypatch.setattr(report_file, "draw", refuse)
    status, out, err = run()
    assert (status, err) == (0, "micrograd-bp: no computation graph drawn: too large to read\n")
    assert "The three ways agree" in out
    assert [path.name for path in folder.rglob("*.svg")] == ["network_diagram.svg"]
    monkeypatch.setattr(report_file, "draw_network", refuse)
    status, _, err = run("--output", "other")
    assert (status, err.count("too large to read\n")) == (0, 2)
    assert not Path("other").exists()


# --- data of one's own ----------------------------------------------------------------------------


def test_it_runs_on_fishers_iris_measurements(run: Any, iris: str) -> None:
    status, out, _ = run(
        "--data", iris, "--targets", SPECIES, "--hidden", "5", "--point", "150", "--standardize"
    )
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == f"{iris}: 150 data points, inputs standardized"
    assert lines[1] == "  x_1  sepal length (cm)"
    assert lines[7] == "  t_3  virginica"
    assert "Data point n = 150 of 150" in lines
    assert "The three ways agree" in lines


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_it_runs_on_raw_measurements_too(run: Any, iris: str, activation: str) -> None:
    arguments = ("--data", iris, "--targets", "petal width (cm)", "--activation", activation)
    status, out, _ = run(*arguments, "--json")
    report = json.loads(out)
    assert status == 0
    assert report["sizes"] == [6, 3, 1]
    assert report["activation"] == activation


def test_training_reduces_the_error(run: Any, iris: str) -> None:
    arguments = ("--data", iris, "--targets", SPECIES, "--standardize", "--train", "20")
    status, out, err = run(*arguments, "--rate", "0.005")
    line = next(line for line in out.splitlines() if line.startswith("Trained"))
    before, after = (float(line.split(word)[0].split()[-1]) for word in (" before", " after"))
    assert status == 0
    assert after < 0.5 * before
    assert "training: 100%" in err


def test_training_at_too_high_a_rate_is_told(run: Any) -> None:
    out = run("--train", "5", "--rate", "100")[1]
    assert "it grew, try a smaller --rate" in out


def test_training_that_diverges_writes_nothing(run: Any, folder: Path) -> None:
    status, out, err = run("--train", "500", "--rate", "100", "--save-weights", "w.json")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("micrograd-bp: error: training diverged: after epoch ")
    assert list(folder.iterdir()) == []


def test_one_epoch_is_one_step_of_gradient_descent(run: Any) -> None:
    weights = cli.WEIGHTS
    run("--train", "1", "--rate", "0.5", "--save-weights", "w.json")
    derivatives = backprop.total_derivatives(weights, cli.INPUTS, cli.TARGETS)
    assert read_weights("w.json").weights == backprop.gradient_step(weights, derivatives, 0.5)


def test_weights_come_back_bit_for_bit(run: Any, folder: Path) -> None:
    path = str(folder / "kept" / "w.json")
    trained = run("--train", "7", "--rate", "0.3", "--activation", "tanh", "--save-weights", path)
    assert f"Wrote the weights to {path}" in trained[1]
    out = run("--weights", path, "--save-weights", "again.json", "--json")[1]
    assert Path("again.json").read_bytes() == Path(path).read_bytes()
    assert json.loads(out)["activation"] == "tanh"
    assert trained[1].splitlines()[14:50] == run("--weights", path)[1].splitlines()[12:48]


@pytest.mark.parametrize(
    ("saved_with", "message"),
    [
        (("--standardize",), "these are weights for standardized inputs: add --standardize"),
        ((), "these are weights for raw inputs: leave out --standardize"),
    ],
)
def test_weights_for_standardized_inputs_are_not_used_on_raw_ones_nor_the_reverse(
    run: Any, saved_with: tuple[str, ...], message: str
) -> None:
    write("points.csv", POINTS)
    assert run(*DATA, *saved_with, "--save-weights", "w.json")[0] == 0
    assert json.loads(Path("w.json").read_bytes())["standardized"] is bool(saved_with)
    assert run(*DATA, *saved_with, "--weights", "w.json")[0] == 0
    other = () if saved_with else ("--standardize",)
    assert_refused(
        run, (*DATA, *other, "--weights", "w.json"), f"w.json, 'standardized': {message}"
    )


def test_weights_take_their_inputs_by_the_names_of_the_columns(run: Any) -> None:
    rows = [line.split(",") for line in POINTS.splitlines()]
    write("points.csv", POINTS)
    write("other.csv", "\n".join(f"{b},{y},0,{a}" for a, b, y in rows).replace("0", "more", 1))
    run(*DATA, "--save-weights", "w.json")
    found = [
        run("--data", name, "--targets", "y", "--weights", "w.json", "--json", *options)[1]
        for name, options in [
            ("points.csv", ()),
            ("other.csv", ()),
            ("points.csv", ("--inputs", "b,a")),
        ]
    ]
    numbers = [json.loads(text)["point_rows"] for text in found]
    assert numbers[0] == numbers[1] != numbers[2]
    write("less.csv", "a,y\n1,2\n")
    assert_refused(
        run,
        ("--data", "less.csv", "--targets", "y", "--weights", "w.json"),
        "less.csv, row 1, column 'b': there is no such column; the columns are 'a', 'y'",
    )


@pytest.mark.parametrize("options", [(), ("--standardize",)])
def test_weights_that_do_not_tell_are_taken_either_way(run: Any, options: tuple[str, ...]) -> None:
    write("points.csv", POINTS)
    write("tanh.json", json.dumps(TANH_WEIGHTS))
    assert run(*DATA, *options, "--weights", "tanh.json")[0] == 0


def test_the_seed_draws_the_weights(run: Any) -> None:
    def w1(*arguments: str) -> Any:
        return json.loads(run("--json", *arguments)[1])["w1"]

    assert w1() == cli.WEIGHTS[0]
    assert w1("--seed", "1") == w1("--seed", "1", "--hidden", "3") != w1("--seed", "2")
    assert w1("--hidden", "3") == w1("--seed", "0")
    assert len(w1("--hidden", "5")) == 5


def test_a_column_with_a_comma_in_its_name_goes_in_quotes(run: Any) -> None:
    path = write("points.csv", '"length, inside",y,t\n1,2,3\n')
    status, out, _ = run("--data", path, "--targets", '"length, inside", t', "--json")
    assert status == 0
    assert json.loads(out)["targets"] == ["length, inside", "t"]
    assert column_names("") == []


def test_a_column_of_words_is_left_out_by_naming_the_inputs(run: Any) -> None:
    path = write("iris.csv", "length,width,species\n5.1,0.2,setosa\n7.0,1.4,versicolor\n")
    arguments = ("--data", path, "--targets", "width")
    assert run(*arguments)[2] == (
        "micrograd-bp: error: iris.csv, row 2, column 'species': 'setosa' is no number;"
        " to leave the column out, name the inputs with --inputs\n"
    )
    status, out, _ = run(*arguments, "--inputs", "length", "--json")
    report = json.loads(out)
    assert (status, report["inputs"], report["targets"]) == (0, ["length"], ["width"])
    assert report["point_rows"][0]["by_equations"] == 5.1


# --- bad input ------------------------------------------------------------------------------------

BAD_CSV = {
    "an empty file": ("", "points.csv: the file is empty"),
    "blank lines only": ("\n \n", "points.csv: the file is empty"),
    "a header only": ("a,b,y\n", "points.csv: there is a header in row 1, but no data point"),
    "a cell too few": ("a,b,y\n1,2,3\n4,5\n", "points.csv, row 3, column 'y': no such cell; the"),
    "a cell too many": ("a,b,y\n1,2,3,4\n", "points.csv, row 2, column 4: a cell too many; the"),
    "no number": ("a,b,y\n1,2,3\n4,abc,6\n", "points.csv, row 3, column 'b': 'abc' is no number"),
    "an underscore": ("a,b,y\n1,1_0,3\n", "points.csv, row 2, column 'b': '1_0' is no number"),
    "no header": ("1,2,3\n4,5,6\n", "points.csv, row 1: it is all numbers, so it is a data point"),
    "an empty cell": ("a,b,y\n1,,3\n", "points.csv, row 2, column 'b': the cell is empty"),
    "nan": ("a,b,y\n1,nan,3\n", "points.csv, row 2, column 'b': 'nan' is no finite number"),
    "inf": ("a,b,y\n1,2,-inf\n", "points.csv, row 2, column 'y': '-inf' is no finite number"),
    "huge": ("a,b,y\n1,1e999,3\n", "points.csv, row 2, column 'b': '1e999' is no finite number"),
    "a class": ("a,b,y\n1,2,setosa\n", "points.csv, row 2, column 'y': 'setosa' is no number"),
    "a missing target": ("a,b\n1,2\n", "points.csv, row 1, column 'y': there is no such column; "),
    "a duplicate": ("a,a,y\n1,2,3\n", "points.csv, row 1, column 'a': there are two columns of"),
    "no name": (",a,y\n0,1,2\n", "points.csv, row 1, column 1: the header gives it no name"),
    "no input": ("y\n1\n", "points.csv, row 1, column 'y': every column is a target, so no input"),
    "another encoding": (b"a,b,y\n1,\xe9,3\n", "points.csv, row 2: byte 0xe9 is not UTF-8 text"),
    "UTF-16": (POINTS.encode("utf-16"), "points.csv, row 1: byte 0xff is not UTF-8 text"),
    "gzip": (gzip.compress(POINTS.encode()), "points.csv: it is no text but compressed by gzip: "),
    "a workbook": (b"PK\x03\x04...", "points.csv: it is no text but a workbook or zip file: save"),
    "a NUL byte": (b"a,b,y\n1,\0,3\n", "points.csv, row 2"),
    "an endless cell": ("a,b,y\n1," + "9" * 200_000 + ",3\n", "points.csv, row 2: field larger"),
    "an open quote": ('a,b,y\n1,"2,3\n4,5,6\n', "points.csv, row 2: unexpected end of data"),
    "numbers that overflow": ("a,b,y\n1,2,1e200\n", "points.csv: numbers too large"),
}


DATA = ("--data", "points.csv", "--targets", "y")


def test_data_may_come_through_a_pipe(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write("points.csv", POINTS)
    _, from_file, _ = run(*DATA, "--json")
    for content in (POINTS, "a,b,y\n1,x,3\n"):
        pipe = io.TextIOWrapper(io.BytesIO(content.encode()))
        monkeypatch.setattr(sys, "stdin", pipe)
        status, out, err = run("--data", "-", "--targets", "y", "--json")
        if content is POINTS:
            assert (status, err) == (0, "")
            assert out == from_file.replace("points.csv", "standard input")
    assert err.startswith(
        "micrograd-bp: error: standard input, row 2, column 'b': 'x' is no number"
    )


def assert_refused(run: Any, arguments: tuple[str, ...], message: str) -> None:
    """Exit status 2, one line that begins with the message, and nothing written."""
    before = sorted(Path().rglob("*"))
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"micrograd-bp: error: {message}")
    assert err.count("\n") == 1
    assert len(err) < 400
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(("content", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_bad_csv_file_is_refused(run: Any, content: str | bytes, message: str) -> None:
    path = write("points.csv", content)
    assert_refused(run, ("--data", path, "--targets", "y", "--save-weights", "w.json"), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "none.csv", "--targets", "y"), "none.csv: No such file or directory"),
        (("--data", "points.csv"), "points.csv, row 1: no target is chosen (--targets); the "),
        (
            ("--data", "points.csv", "--targets", "z"),
            "points.csv, row 1, column 'z': there is no such column; the columns are 'a', 'b', 'y'",
        ),
        (("--data", "points.csv", "--targets", "y,y"), "points.csv, row 1, column 'y': it is nam"),
        (("--data", "points.csv", "--targets", "a,b,y"), "points.csv, row 1, column 'a': every "),
        ((*DATA, "--inputs", "a,z"), "points.csv, row 1, column 'z': there is no such column; "),
        ((*DATA, "--inputs", "b,a,b"), "points.csv, row 1, column 'b': it is named twice as an in"),
        ((*DATA, "--inputs", "a,y"), "points.csv, row 1, column 'y': it is a target, so it can be"),
        ((*DATA, "--inputs", ""), "points.csv, row 1: no input is chosen (--inputs); the columns "),
        (
            ("--inputs", "a"),
            "argument --inputs: it names columns of --data, and there is no --data",
        ),
        (
            ("--data", "constant.csv", "--targets", "y", "--standardize"),
            "constant.csv, column 'a': it is 1.0 in every row, so it cannot be standardized",
        ),
        (("--targets", "y"), "argument --targets: it names columns of --data"),
        (("--hidden", "0"), "argument --hidden: need a whole number from 1 on, not '0'"),
        (("--point", "0"), "argument --point: need a whole number from 1 on, not '0'"),
        (("--point", "5"), "argument --point: there is no data point 5, the worked example has 4"),
        (("--train", "0", "--rate", "1"), "argument --train: need a whole number from 1 on"),
        (("--train", "1"), "argument --train: it needs a learning rate too"),
        (("--rate", "1"), "argument --rate: it is for --train EPOCHS"),
        (("--train", "1", "--rate", "0"), "argument --rate: need a number above 0, not '0'"),
        (("--train", "1", "--rate", "-1"), "argument --rate: need a number above 0, not '-1'"),
        (("--train", "1", "--rate", "nan"), "argument --rate: need a number above 0, not 'nan'"),
        (("--activation", "relu"), "argument --activation: invalid choice: 'relu'"),
        (("--seed", "x"), "argument --seed: invalid int value: 'x'"),
        (("--seed", "1", "--weights", "tanh.json"), "arguments --seed and --weights: choose one"),
        (("--frobnicate",), "unrecognized arguments: --frobnicate"),
        (("--output", "points.csv"), "argument --output: cannot make points.csv"),
        (("--output", "points.csv/below"), "argument --output: cannot make "),
        (("--output", "x" * 300), "cannot write "),
        (("--save-weights", "folder"), "argument --save-weights: folder is a folder, need a file"),
        (("--save-weights", "points.csv/w.json"), "argument --save-weights: cannot make "),
        (("--explore", "steps.svg"), "argument --explore: need a name in .html, not 'steps.svg'"),
        (("--explore", "folder.html"), "argument --explore: folder.html is a folder, need a file"),
        (("--explore", "points.csv/steps.html"), "argument --explore: cannot make "),
        pytest.param(
            ("--explore", "e.html", "--hidden", "2000"),
            "argument --explore: a graph of 14015 nodes",
            marks=pytest.mark.slow,
        ),
        (("--weights", "none.json"), "none.json: No such file or directory"),
        (("--weights", "tanh.json", "--hidden", "2"), "tanh.json, 'w1': the number of rows is 1"),
        (
            ("--weights", "tanh.json", "--activation", "logistic"),
            "tanh.json, 'activation': these are weights for 'tanh', but --activation logistic",
        ),
        (
            ("--weights", "tanh.json"),
            "tanh.json, 'w2': the number of rows is 1, need 2: one for each target",
        ),
    ],
)
def test_bad_arguments_are_refused(run: Any, arguments: tuple[str, ...], message: str) -> None:
    write("points.csv", POINTS)
    write("constant.csv", "a,b,y\n1,2,3\n1,3,4\n")
    write("tanh.json", json.dumps(TANH_WEIGHTS))
    Path("folder").mkdir()
    Path("folder.html").mkdir()
    assert_refused(run, arguments, message)


def test_a_folder_in_place_of_data_is_refused(run: Any) -> None:
    Path("folder").mkdir()
    assert_refused(run, ("--data", "folder", "--targets", "y"), "folder: ")
    assert_refused(run, ("--weights", "folder"), "folder: ")


BAD_WEIGHTS: dict[str, tuple[Any, str]] = {
    "no JSON": ("{,}", "w.json, row 1, column 2: this is no JSON: "),
    "an empty file": ("", "w.json, row 1, column 1: this is no JSON: "),
    "not text": (b"\xff\xfe{", "w.json: this is no JSON: "),
    "deep nesting": ("[" * 100_000, "w.json: this is no JSON: "),
    "a list": ([1.0], "w.json: need an object, not [1.0]; take a file that --save-weights wrote"),
    "no w2": (
        {"activation": "tanh", "w1": [[1.0]]},
        "w.json: it lacks 'w2'; take a file that --save-weights wrote",
    ),
    "another key": (
        {**TANH_WEIGHTS, "w3": []},
        "w.json: it has 'w3'; take",
    ),
    "other keys": (
        {"a" * 1000: 0, **dict.fromkeys("bcdef", 0)},
        "w.json: it lacks 'activation', 'w1', 'w2' and has 'aaaaaaaaaaaa...a",
    ),
    "an activation": (
        {**TANH_WEIGHTS, "activation": "relu"},
        "w.json, 'activation': need 'logistic' or 'tanh', not 'relu'",
    ),
    "a vector": ({**TANH_WEIGHTS, "w1": [1.0]}, "w.json, 'w1': need a list of rows"),
    "no rows": ({**TANH_WEIGHTS, "w1": []}, "w.json, 'w1': need a list of rows"),
    "a word": (
        {**TANH_WEIGHTS, "w1": [[0.1, "b", 0.3]]},
        "w.json, 'w1', row 1, column 2: 'b' is no number",
    ),
    "neither standardized nor not": (
        {**TANH_WEIGHTS, "standardized": None},
        "w.json, 'standardized': need true or false, not None",
    ),
    "1 for true": (
        {**TANH_WEIGHTS, "standardized": 1},
        "w.json, 'standardized': need true or false, not 1",
    ),
    "true": ({**TANH_WEIGHTS, "w2": [[True, 1.0]]}, "w.json, 'w2', row 1, column 1: True is no "),
    "nan": (
        {**TANH_WEIGHTS, "w2": [[0.5, float("nan")]]},
        "w.json, 'w2', row 1, column 2: nan is no finite number",
    ),
    "1e999": (
        json.dumps(TANH_WEIGHTS).replace("-0.25", "1e999"),
        "w.json, 'w2', row 1, column 2: inf is no finite number",
    ),
    "a huge integer": (
        {**TANH_WEIGHTS, "w2": [[0.5, 10**400]]},
        "w.json, 'w2', row 1, column 2: 1000000000",
    ),
    "rows too short": (
        {**TANH_WEIGHTS, "w1": [[0.1, 0.2]]},
        "w.json, 'w1', row 1: the number of weights is 2, need 3: the bias and one for each input",
    ),
    "rows too long": (
        {**TANH_WEIGHTS, "w2": [[0.5, 0.1, 0.2]]},
        "w.json, 'w2', row 1: the number of weights is 3, need 2: the bias and one for each hidden",
    ),
    "too many rows": ({**TANH_WEIGHTS, "w2": [[0.5, 0.1]] * 2}, "w.json, 'w2': the number of ro"),
}


@pytest.mark.parametrize(("content", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_weights_are_refused(run: Any, content: Any, message: str) -> None:
    points = write("points.csv", POINTS)
    write("w.json", content if isinstance(content, (str, bytes)) else json.dumps(content))
    assert_refused(run, ("--data", points, "--targets", "y", "--weights", "w.json"), message)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do all")
def test_a_folder_that_is_read_only_is_refused(run: Any) -> None:
    Path("locked").mkdir(mode=0o500)
    assert_refused(run, ("--output", "locked/x"), "argument --output: cannot write to locked/x")


# --- as a program ---------------------------------------------------------------------------------

MODULE = ["-m", "micrograd_bp"]
PROGRAM = [sys.executable, *MODULE]


def test_it_runs_as_a_module(folder: Path) -> None:
    done = run_python(*MODULE, cwd=folder)
    assert done.stderr == ""
    assert done.stdout.startswith("Two-layer network: 2 inputs")
    pictures = [path.name for path in (folder / "micrograd_bp_output").iterdir()]
    assert sorted(pictures) == ["computation_graph.svg", "network_diagram.svg"]


def test_as_a_module_it_exits_with_its_status() -> None:
    done = run_python(*MODULE, "--data", "none.csv", status=2)
    assert done.stderr == "micrograd-bp: error: none.csv: No such file or directory\n"


def test_it_prints_where_the_terminal_knows_ascii_only(tmp_path: Path) -> None:
    assert run_python(*MODULE, cwd=tmp_path, PYTHONIOENCODING="ascii").stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals are POSIX's")
def test_a_reader_that_leaves_early_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as left:
        done = subprocess.run(
            PROGRAM, stdout=left, stderr=subprocess.PIPE, check=False, timeout=300
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals are POSIX's")
@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_is_no_traceback_and_writes_nothing(folder: Path) -> None:
    command = [*PROGRAM, "--train", "1000000000", "--rate", "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        seen = ""
        while "E = " not in seen:  # until training is under way
            letter = process.stderr.read(1)
            assert letter, seen
            seen += letter.decode("latin-1")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read().decode()
    assert process.returncode == 130
    assert rest.endswith("\nmicrograd-bp: interrupted\n")
    assert "Traceback" not in rest
    assert list(folder.iterdir()) == []


def test_the_pure_engine_is_told_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["--output", str(tmp_path)]) == 0
    said = "The engine in use is the pure Python one" in capsys.readouterr().out
    assert said == (engine_kind() == "pure")


def test_a_file_with_semicolons_and_decimal_commas_is_read_by_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    results = []
    for separator, decimal in ((",", "."), (";", ","), ("\t", ",")):
        rows = [["a", "b", "y"], ["1.5", "2.0", "0.25"], ["-0.5", "3.25", "1.0"]]
        content = "\n".join(separator.join(row).replace(".", decimal) for row in rows)
        Path("points.csv").write_text(content)
        shown = separator.replace("\t", r"\t")
        options = ["--data", "points.csv", "--targets", "y", "--json"]
        assert main([*options, "--separator", shown, "--decimal", decimal]) == 0
        results.append(capsys.readouterr().out)
    assert results[0] == results[1] == results[2]
    assert main(["--decimal", ","]) == 2
    assert "--decimal: it is how to read --data" in capsys.readouterr().err
