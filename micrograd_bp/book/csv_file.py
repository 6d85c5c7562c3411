"""Data points from a CSV file, checked cell by cell.

What cannot be used raises an ``InputError``, one line that says where it stands: file, row and
column. A row is counted as a text editor counts lines, so the header is row 1.
"""

import csv
import io
import math
import reprlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .columns import Progress
from .input_error import InputError


@dataclass(frozen=True)
class Dataset:
    """Data points n = 1, 2, ...: one row of inputs and one of targets each.

    Attributes:
        source: where they are from, for messages.
        input_names: the column of each input x_i.
        target_names: the column of each target t_k.
        inputs: one row a data point.
        targets: likewise.
    """

    source: str
    input_names: list[str]
    target_names: list[str]
    inputs: list[list[float]]
    targets: list[list[float]]


_NAMES = ("x1", "x2", "t")
_NO_TEXT = (
    (b"\x1f\x8b", "compressed by gzip", "unpack it, as in gunzip -c FILE | ... --data -"),
    (b"PK\x03\x04", "a workbook or zip file", "save the sheet as CSV, or unpack it"),
)


def read_csv(
    path: str,
    target_names: Sequence[str],
    input_names: Sequence[str] | None = None,
    *,
    separator: str = ",",
    decimal: str = ".",
    progress: Progress = iter,
) -> Dataset:
    """Read data points from a CSV file with a header, which is not all numbers.

    Args:
        path: the file, or "-" for standard input, in UTF-8, with or without a byte order mark;
            blank lines are skipped.
        target_names: the columns that are targets.
        input_names: the columns that are inputs; all but the targets unless given. A column
            that is neither may hold anything.
        separator: the character between two cells.
        decimal: the decimal sign of the numbers, "." or ",".
        progress: what the rows are handed through as they are read.

    Raises:
        InputError: the file cannot be read, a row has a cell too few or too many, a cell of an
            input or a target is no finite number, or a column is missing, named twice, or both
            input and target; or no column is the one or the other; or the separator is no single
            character, or is the decimal sign too; or there is no header.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "points.csv")
    ...     _ = path.write_text("width,height,area\\n2,3,6\\n")
    ...     dataset = read_csv(str(path), ["area"])
    >>> dataset.input_names, dataset.inputs, dataset.targets
    (['width', 'height'], [[2.0, 3.0]], [[6.0]])
    """
    _check_signs(separator, decimal)
    content = _content(path)
    path = "standard input" if path == "-" else path
    rows = _rows(path, content, separator)
    line, header = next(rows, (0, []))
    if not header:
        raise InputError(f"{path}: the file is empty")
    columns = [name.strip() for name in header]
    if all(_is_number(name, decimal) for name in columns):
        raise InputError(
            f"{path}, row {line}: it is all numbers, so it is a data point and no header, and the"
            f" columns have no names: put a row of names above, as {separator.join(_NAMES)!r};"
            " numbers may be names if one of the names is no number"
        )
    if len(columns) == 1 and (other := next((c for c in ";\t|" if c in columns[0]), "")):
        raise InputError(
            f"{path}, row {line}: the header is one column, {reprlib.repr(columns[0])}; if"
            f" {reprlib.repr(other)} stands between the columns, say --separator {other!r}"
        )
    _check_columns(f"{path}, row {line}", columns, target_names, input_names)
    way_out = ""
    if input_names is None:
        targeted = {*target_names}
        input_names = [name for name in columns if name not in targeted]
        way_out = "; to leave the column out, name the inputs with --inputs"
    places = {name: place for place, name in enumerate(columns)}
    names = [*input_names, *target_names]
    chosen = [places[name] for name in names]
    advice = [way_out] * len(input_names) + [""] * len(target_names)
    inputs, targets = [], []
    for number, cells in progress(rows):
        if len(cells) != len(columns):
            raise InputError(f"{path}, row {number}, {_fault_of_width(columns, cells)}")
        cells = [cells[place] for place in chosen]
        numbers = _plain_numbers(cells, decimal) or [
            _number(f"{path}, row {number}, column {name!r}", cell, decimal, way_out)
            for name, cell, way_out in zip(names, cells, advice)
        ]
        inputs.append(numbers[: len(input_names)])
        targets.append(numbers[len(input_names) :])
    if not inputs:
        raise InputError(f"{path}: there is a header in row {line}, but no data point below it")
    return Dataset(path, list(input_names), list(target_names), inputs, targets)


def column_names(text: str) -> list[str]:
    """The columns of a list with commas between; a name with a comma in it goes in quotes.

    >>> column_names('area, "length, inside"')
    ['area', 'length, inside']
    """
    cells = next(csv.reader([text], skipinitialspace=True), [])
    return [name.strip() for name in cells]


def _check_signs(separator: str, decimal: str) -> None:
    if len(separator) != 1 or separator in '"\r\n':
        raise InputError(f"argument --separator: need one character, not {separator!r}")
    if decimal not in (".", ","):
        raise InputError(f'argument --decimal: the decimal sign is "." or ",", not {decimal!r}')
    if decimal == separator:
        raise InputError(
            f"arguments --separator and --decimal: {decimal!r} cannot be both; where , is the"
            " decimal sign the columns mostly have ; between them: --separator ';'"
        )


def _content(path: str) -> bytes:
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    for begin, kind, way_out in _NO_TEXT:
        if content.startswith(begin):
            raise InputError(f"{path}: it is no text but {kind}: {way_out}")
    return content


def _rows(path: str, content: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of the line where it starts."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, row {line}: byte 0x{content[error.start]:02x} is not UTF-8 text;"
            " save the file as UTF-8"
        ) from None
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, row {line}: {error}") from None


def _check_columns(
    where: str,
    columns: list[str],
    target_names: Sequence[str],
    input_names: Sequence[str] | None,
) -> None:
    known: set[str] = set()
    for number, name in enumerate(columns, start=1):
        if not name:
            raise InputError(f"{where}, column {number}: the header gives it no name")
        if name in known:
            raise InputError(f"{where}, column {name!r}: there are two columns of this name")
        known.add(name)
    listed = ", ".join(map(repr, columns))
    there_are = f"the columns are {listed if len(listed) <= 400 else listed[:397] + '...'}"
    if not target_names:
        raise InputError(f"{where}: no target is chosen (--targets); {there_are}")
    if input_names is not None and not input_names:
        raise InputError(f"{where}: no input is chosen (--inputs); {there_are}")
    for names, what in ((target_names, "a target"), (input_names or (), "an input")):
        times = Counter(names)
        for name in names:
            if name not in known:
                raise InputError(f"{where}, column {name!r}: there is no such column; {there_are}")
            if times[name] > 1:
                raise InputError(f"{where}, column {name!r}: it is named twice as {what}")
    for name in input_names or ():
        if name in target_names:
            raise InputError(f"{where}, column {name!r}: it is a target, so it can be no input")
    if len(target_names) == len(columns):
        raise InputError(
            f"{where}, column {target_names[0]!r}: every column is a target, so no input is left"
        )


def _fault_of_width(columns: list[str], cells: list[str]) -> str:
    count = f"the row has {len(cells)} cells, the header {len(columns)}"
    if len(cells) < len(columns):
        return f"column {columns[len(cells)]!r}: no such cell; {count}"
    return f"column {len(columns) + 1}: a cell too many; {count}"


def _plain_numbers(cells: list[str], decimal: str) -> list[float]:
    """The numbers, or none where one of the cells needs a closer look."""
    if decimal != "." or "_" in "".join(cells):  # which float() would take
        return []
    try:
        numbers = [*map(float, cells)]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _number(where: str, cell: str, decimal: str, way_out: str) -> float:
    if not cell.strip():
        raise InputError(f"{where}: the cell is empty{way_out}")
    try:
        number = _float(cell, decimal)
    except ValueError:
        other = {".": ",", ",": "."}[decimal]
        if cell.count(other) == 1 and decimal not in cell and _is_number(cell, other):
            way_out = f"; if {other} is the decimal sign, say --decimal {other!r}"
        raise InputError(f"{where}: {reprlib.repr(cell)} is no number{way_out}") from None
    if not math.isfinite(number):
        raise InputError(f"{where}: {reprlib.repr(cell)} is no finite number{way_out}")
    return number


def _float(cell: str, decimal: str) -> float:
    if "_" in cell or (decimal == "," and "." in cell):  # which float() would take
        raise ValueError(cell)
    return float(cell.replace(decimal, "."))


def _is_number(cell: str, decimal: str) -> bool:
    try:
        return math.isfinite(_float(cell, decimal))
    except ValueError:
        return False


def standardize(dataset: Dataset) -> Dataset:
    """Shift and scale every input to mean 0 and standard deviation 1 over the data points.

    Args:
        dataset: the data points; the targets stay as they are.

    Raises:
        InputError: an input has the same value in every data point.

    >>> data = Dataset("example", ["x"], ["t"], inputs=[[1.0], [3.0]], targets=[[0.0], [1.0]])
    >>> standardize(data).inputs
    [[-1.0], [1.0]]
    """
    columns = [
        _standardized(f"{dataset.source}, column {name!r}", column)
        for name, column in zip(dataset.input_names, zip(*dataset.inputs))
    ]
    return replace(dataset, inputs=[list(row) for row in zip(*columns)])


def _standardized(where: str, column: Sequence[float]) -> list[float]:
    if min(column) == max(column):
        raise InputError(f"{where}: it is {column[0]} in every row, so it cannot be standardized")
    mean = math.fsum(x / len(column) for x in column)  # divided first: the sum could overflow
    deviations = [x - mean for x in column]
    scale = math.hypot(*deviations) / math.sqrt(len(column))  # no square that could overflow
    if not 0.0 < scale < math.inf:
        raise InputError(f"{where}: its numbers are too large or too small to be scaled")
    return [deviation / scale for deviation in deviations]
