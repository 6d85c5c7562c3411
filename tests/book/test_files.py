"""Reading CSV files of every provenance, standardizing, and keeping weights to the last bit."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp.book.csv_file import Dataset, read_csv, standardize
from micrograd_bp.book.input_error import InputError
from micrograd_bp.book.weights_file import read_weights, save_weights

POINTS = "a,b,y\n1,2,3\n4,5,7\n0.5,-1,2\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


@pytest.mark.parametrize(
    "content",
    [
        POINTS,
        POINTS.rstrip("\n"),
        POINTS.replace("\n", "\r\n"),
        POINTS.replace("\n", "\r"),
        b"\xef\xbb\xbf" + POINTS.encode(),
        POINTS + "\n\n  \n",
        POINTS.replace("\n", "\n\n"),
        POINTS.replace("4,5,7", '"4", "5","7"'),
        POINTS.replace("a,b,y", '"a", b ,y'),
        POINTS.replace("4,5,7", " 4.0,+5e0,7"),
    ],
)
def test_csv_files_of_every_provenance_are_read(content: str | bytes) -> None:
    dataset = read_csv(write("points.csv", content), ["y"])
    assert (dataset.input_names, dataset.target_names) == (["a", "b"], ["y"])
    assert dataset.inputs == [[1.0, 2.0], [4.0, 5.0], [0.5, -1.0]]
    assert dataset.targets == [[3.0], [7.0], [2.0]]


def test_targets_come_in_the_order_in_which_they_are_named() -> None:
    dataset = read_csv(write("points.csv", POINTS), ["y", "a"])
    assert dataset.targets[0] == [3.0, 1.0]
    assert dataset.inputs[0] == [2.0]


MIXED = 'name,a,b,note,y\nsetosa,1,2,"so, so",3\n,4,5,nan,7\n'


def test_inputs_come_in_the_order_in_which_they_are_named_and_other_columns_may_hold_words() -> (
    None
):
    dataset = read_csv(write("points.csv", MIXED), ["y"], ["b", "a"])
    assert (dataset.input_names, dataset.target_names) == (["b", "a"], ["y"])
    assert dataset.inputs == [[2.0, 1.0], [5.0, 4.0]]
    assert dataset.targets == [[3.0], [7.0]]


@pytest.mark.parametrize(
    ("cell", "fault"),
    [("setosa", "'setosa' is no number"), ("", "the cell is empty"), ("nan", "'nan' is no finite")],
)
def test_a_cell_that_is_no_number_tells_the_way_out_where_its_column_was_taken_by_default(
    cell: str, fault: str
) -> None:
    path = write("points.csv", f"a,b,y\n{cell},2,3\n")
    with pytest.raises(InputError, match=f"row 2, column 'a': {fault}.*with --inputs"):
        read_csv(path, ["y"])
    for targets, inputs in ((["y"], ["a"]), (["a"], None)):
        with pytest.raises(InputError, match=f"row 2, column 'a': {fault}") as caught:
            read_csv(path, targets, inputs)
        assert "--inputs" not in str(caught.value)


@pytest.mark.parametrize("separator", [";", "\t", "|", ",", " "])
@pytest.mark.parametrize("decimal", [".", ","])
def test_other_separators_and_decimal_signs_are_read_where_they_are_named(
    separator: str, decimal: str
) -> None:
    if separator == decimal:
        with pytest.raises(InputError, match="',' cannot be both"):
            read_csv("points.csv", ["y"], separator=separator, decimal=decimal)
        return
    rows = [["a", "b", "y"], ["1.5", "-2e3", "0.25"], ["4", "5.0", "1e-3"]]
    content = "\n".join(separator.join(row).replace(".", decimal) for row in rows)
    dataset = read_csv(write("points.csv", content), ["y"], separator=separator, decimal=decimal)
    assert dataset.input_names == ["a", "b"]
    assert dataset.inputs == [[1.5, -2e3], [4.0, 5.0]]
    assert dataset.targets == [[0.25], [1e-3]]


@pytest.mark.parametrize(
    ("content", "options", "hint"),
    [
        (
            "a;b;y\n1;2;3\n",
            {},
            "row 1: the header is one column, 'a;b;y'; if ';' .* --separator ';'",
        ),
        (
            "1,5;2\n3;4\n",
            {"separator": ";", "decimal": ","},
            "row 1: it is all numbers, so .* no names: put a row of names above, as 'x1;x2;t';"
            " numbers may be names if one of the names is no number$",
        ),
        ("a\ty\n1\t2\n", {}, r"the header is one column.* say --separator '\\t'"),
        (
            'a,y\n"1,5",2\n',
            {},
            "column 'a': '1,5' is no number; if , is the decimal .* --decimal ','",
        ),
        ("a;y\n1,5;2\n", {"separator": ";"}, "'1,5' is no number; .* say --decimal ','"),
        ("a;y\n1.5;2\n", {"separator": ";", "decimal": ","}, "'1.5' is no .* say --decimal '.'"),
        ("a;y\n1.234,5;2\n", {"separator": ";", "decimal": ","}, "'1.234,5' is no number$"),
        ("a,y\n1,2\n", {"separator": ";;"}, "argument --separator: need one character, not ';;'"),
        ("a,y\n1,2\n", {"separator": ""}, "argument --separator: need one character, not ''"),
        ("a,y\n1,2\n", {"decimal": "'"}, "argument --decimal: the decimal sign is"),
    ],
)
def test_a_file_of_another_convention_tells_the_option(
    content: str, options: dict[str, str], hint: str
) -> None:
    with pytest.raises(InputError, match=hint):
        read_csv(write("points.csv", content), ["y"], ["a"], **options)


def test_rows_are_counted_as_an_editor_counts_lines() -> None:
    path = write("points.csv", 'a,"b\nb",y\n\n1,"2\n",3\n4,x,5\n')
    with pytest.raises(InputError, match=r"points.csv, row 6, column 'b\\nb': 'x' is no number"):
        read_csv(path, ["y"])


@given(
    st.lists(
        st.floats(-1e300, 1e300, allow_subnormal=False), min_size=2, max_size=20, unique=True
    ).filter(lambda column: max(column) - min(column) > 1e-6 * max(map(abs, column)))
)
def test_standardized_inputs_have_mean_0_and_deviation_1(column: list[float]) -> None:
    dataset = Dataset("data", ["x"], ["t"], [[x] for x in column], [[0.0] for _ in column])
    scaled = [x for (x,) in standardize(dataset).inputs]
    assert sum(scaled) / len(scaled) == pytest.approx(0.0, abs=1e-8)
    assert sum(x * x for x in scaled) / len(scaled) == pytest.approx(1.0)


weight = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.lists(weight, min_size=2, max_size=2), min_size=1, max_size=3),
    st.lists(st.lists(weight, min_size=2, max_size=2), min_size=1, max_size=3),
)
def test_any_weights_come_back_bit_for_bit(w1: list[list[float]], w2: list[list[float]]) -> None:
    save_weights("w.json", "logistic", [w1, w2])
    assert repr(read_weights("w.json").weights) == repr([w1, w2])


@pytest.mark.parametrize("standardized", [True, False, None])
def test_weights_tell_whether_they_are_for_standardized_inputs(standardized: bool | None) -> None:
    save_weights("w.json", "tanh", [[[0.5, 1.0]], [[2.0, 3.0]]], standardized)
    assert read_weights("w.json").standardized is standardized


@pytest.mark.parametrize("inputs", [["height", 'a "b", c\n'], None])
def test_weights_tell_the_columns_that_they_are_for(inputs: list[str] | None) -> None:
    save_weights("w.json", "tanh", [[[0.5, 1.0, 2.0]], [[2.0, 3.0]]], inputs=inputs)
    assert read_weights("w.json").inputs == inputs


def test_columns_that_are_no_names_are_refused() -> None:
    for inputs in ("[1, 2]", '"height"', "null"):
        Path("w.json").write_text(
            f'{{"activation": "tanh", "inputs": {inputs}, "w1": [[1, 2]], "w2": [[1, 2]]}}'
        )
        with pytest.raises(InputError, match="'inputs': need a list of names of columns, not"):
            read_weights("w.json")


def test_a_header_may_have_numbers_among_its_names() -> None:
    dataset = read_csv(write("points.csv", "2020,y,1_0\n1,2,3\n"), ["y"])
    assert (dataset.input_names, dataset.inputs) == (["2020", "1_0"], [[1.0, 3.0]])


@pytest.mark.parametrize("name", ["nan", "inf"])
def test_only_finite_numbers_are_no_names(name: str) -> None:
    dataset = read_csv(write("points.csv", f"2020,{name}\n1,2\n"), [name])
    assert (dataset.input_names, dataset.targets) == (["2020"], [[2.0]])
