"""What the command line gives out: the pictures, the page, the weights, and the report.

The report is the table for readers, or JSON for programs. What is left out is said on stderr.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..drawing import draw, draw_network
from ..engine import engine_kind
from ..explorer import Explorer, explore
from ..whole_file import write_whole
from .backprop import Weights
from .csv_file import Dataset
from .differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE
from .input_error import InputError
from .rows import Rows, shortened
from .weights_file import save_weights
from .worked_example import WorkedExample

PROGRAM = "micrograd-bp"
MOST_DRAWN = 10**6  # weights


class Training(NamedTuple):
    """What gradient descent has done."""

    epochs: int
    rate: float
    error_before: float
    error_after: float


def say(message: str) -> None:
    """Say it on stderr, in one line."""
    print(f"{PROGRAM}: {message}", file=sys.stderr)


def pictures_of(example: WorkedExample, n_weights: int) -> dict[str, str]:
    """The pictures that can be drawn, as SVG."""
    if n_weights > MOST_DRAWN:
        say(
            f"no pictures drawn: with {n_weights:,} weights they take a minute; those of up to"
            f" {MOST_DRAWN:,} are drawn"
        )
        return {}
    pictures = {}
    try:
        pictures["computation graph"] = draw(example.error).svg
    except ValueError as error:
        say(f"no computation graph drawn: {error}")
    try:
        pictures["network diagram"] = draw_network(example.network, example.error).svg
    except ValueError as error:
        say(f"no network diagram drawn: {error}")
    return pictures


def page_of(
    options: argparse.Namespace, example: WorkedExample, dataset: Dataset
) -> Explorer | None:
    """The page that is asked for: of all data points, or of one where they are too many."""
    if options.explore is None:
        return None
    data = dataset.inputs, dataset.targets
    try:
        return explore(example.network, data=data, loss="sum_of_squares", point=options.point)
    except (ValueError, ArithmeticError, ImportError) as error:  # without NumPy too
        reason = error
    try:
        page = explore(example.error, example.network)
    except ValueError as error:  # too many nodes
        raise InputError(f"argument --explore: {error}") from None
    say(f"the page has data point {options.point} alone: {reason}")
    return page


def write(
    options: argparse.Namespace,
    pictures: dict[str, str],
    page: Explorer | None,
    activation: str,
    weights: Weights,
    inputs: Sequence[str],
) -> dict[str, str]:
    """Write the pictures, the page and the weights; returns the path of each."""
    files = {}
    try:
        if options.save_weights is not None:
            columns = inputs if options.data is not None else None
            save_weights(options.save_weights, activation, weights, options.standardize, columns)
            files["weights"] = options.save_weights
        if pictures:
            Path(options.output).mkdir(parents=True, exist_ok=True)
        for name, svg in pictures.items():
            path = Path(options.output, name.replace(" ", "_") + ".svg")
            write_whole(path, svg.encode())
            files[name] = str(path)
        if page is not None:
            Path(options.explore).parent.mkdir(parents=True, exist_ok=True)
            files["step-through page"] = str(page.save(options.explore))
    except OSError as error:
        raise InputError(f"cannot write {error.filename}: {error.strerror}") from None
    return files


def _names(letter: str, names: Sequence[str]) -> Iterator[str]:
    first, left_out, last = shortened([*enumerate(names, start=1)])
    for i, name in first:
        yield f"  {letter}_{i}  {_shown(name)}"
    if left_out:
        yield f"  …  {left_out:,} more"
    for i, name in last:
        yield f"  {letter}_{i}  {_shown(name)}"


def _shown(name: str) -> str:
    """The name of a column, without what a terminal would obey."""
    return name if name.isprintable() else repr(name)


def as_text(
    options: argparse.Namespace,
    dataset: Dataset,
    training: Training | None,
    example: WorkedExample,
    files: dict[str, str],
) -> str:
    """The report for readers: the data, the training, the tables, and what was written where."""
    lines = []
    if options.data is not None:
        scaled = ", inputs standardized" if options.standardize else ""
        lines.append(f"{dataset.source}: {len(dataset.inputs)} data points{scaled}")
        lines += _names("x", dataset.input_names)
        lines += _names("t", dataset.target_names)
        lines.append("")
    if training is not None:
        grew = ": it grew, try a smaller --rate"
        lines.append(
            f"Trained for {training.epochs} epochs at rate {training.rate}:"
            f" E = {training.error_before:.8g} before, {training.error_after:.8g} after"
            f"{grew if training.error_after > training.error_before else ''}"
        )
        lines.append("")
    lines.append(str(example))
    lines += [f"Wrote the {name} to {path}" for name, path in files.items()]
    if engine_kind() == "pure":
        more = "; a C compiler builds its faster twin"
        if sys.platform == "emscripten":
            more = ", the only one in a browser"
        lines.append(f"The engine in use is the pure Python one{more}")
    return "\n".join(lines)


def as_json(
    options: argparse.Namespace,
    dataset: Dataset,
    training: Training | None,
    weights: Weights,
    example: WorkedExample,
    files: dict[str, str],
) -> Iterator[str]:
    """The report for programs, in pieces: rows by the million are not all held at once."""
    report = {
        "data": dataset.source,
        "inputs": dataset.input_names,
        "targets": dataset.target_names,
        "standardized": options.standardize,
        "sizes": example.sizes,
        "activation": example.activation,
        "point": example.point,
        "n_points": example.n_points,
        "w1": weights[0],
        "w2": weights[1],
        "training": training and training._asdict(),
        "point_rows": example.point_rows,
        "total_rows": example.total_rows,
        "largest_disagreement": example.largest_disagreement,
        "rounding_tolerance": ROUNDING_TOLERANCE,
        "difference_tolerance": DIFFERENCE_TOLERANCE,
        "agrees": example.agrees,
        "files": files,
    }
    before = "{\n"
    for key, value in report.items():
        yield f"{before}  {json.dumps(key)}: "
        if isinstance(value, Rows):
            for n, row in enumerate(value):
                yield (",\n    " if n else "[\n    ") + _json(row.to_dict(), indent=4)
            yield "\n  ]"
        else:
            yield _json(value, indent=2)
        before = ",\n"
    yield "\n}\n"


def _json(value: Any, indent: int) -> str:
    return json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n" + " " * indent)
