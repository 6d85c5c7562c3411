"""The command line: the two-layer network, three ways, on the worked example or on a CSV file.

Nothing is written before all input is checked and all numbers and pictures are computed; then the
output folder, the weights, the pictures. Exit status 0; 1 if the three ways disagree; 2 for bad
input, which is told in one line on stderr.
"""

import argparse
import io
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import length_hint
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from ..drawing import draw, draw_network
from ..engine import engine_kind
from ..explorer import Explorer, explore
from ..nn import MLP
from ..whole_file import write_whole
from .backprop import SIGMOIDAL, Weights, gradient_step, total_derivatives, total_error
from .columns import Progress
from .differences import DIFFERENCE_TOLERANCE, ROUNDING_TOLERANCE
from .files import (
    Dataset,
    InputError,
    check_shape,
    column_names,
    read_csv,
    read_weights,
    save_weights,
    standardize,
)
from .rows import Rows, shortened
from .worked_example import INPUTS, TARGETS, WEIGHTS, WorkedExample, worked_example

PROGRAM = "micrograd-bp"
HIDDEN_UNITS = 3  # unless --hidden or --weights says otherwise
LONG = 10**7  # bytes of data, or weights times data points: some seconds, with a progress bar
MOST_DRAWN = 10**6  # weights


class Training(NamedTuple):
    """What gradient descent has done."""

    epochs: int
    rate: float
    error_before: float
    error_after: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program's name; those of the process unless given.

    Returns:
        The exit status: 0; 1 if the three ways disagree; 2 for bad input.

    Raises:
        SystemExit: after --help and --version.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     status = main(["--point", "2", "--output", folder])  # doctest: +ELLIPSIS
    Two-layer network: 2 inputs, 3 hidden units (logistic sigmoid), 2 linear outputs
    ...
    >>> status
    0
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not know every letter
    try:
        status = _run(_parser().parse_args(argv))
        sys.stdout.flush()
    except InputError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {PROGRAM} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        allow_abbrev=False,
        description="Error backpropagation in a two-layer network, unit by unit: by the equations,"
        " by autograd and by central differences, side by side, with pictures. Without options:"
        " a worked example with 2 inputs, 3 hidden units, 2 outputs and four data points.",
        epilog="Exit status: 0; 1 if the three ways disagree; 2 for bad input.",
    )
    add = parser.add_argument
    add("--data", metavar="FILE.csv", help="data points of your own: a header, then numbers")
    add(
        "--targets",
        metavar="COLUMN[,COLUMN]",
        help="the columns of --data to learn",
    )
    add(
        "--inputs",
        metavar="COLUMN[,COLUMN]",
        help="the columns of --data to learn them from (default: all but the targets)",
    )
    add("--separator", metavar="CHARACTER", help="between the columns of --data (default: ,)")
    add("--decimal", metavar="SIGN", help="the decimal sign of --data, . or , (default: .)")
    add("--standardize", action="store_true", help="scale each input to mean 0, deviation 1")
    add(
        "--hidden",
        type=_whole_number,
        metavar="M",
        help=f"number of hidden units (default: {HIDDEN_UNITS})",
    )
    add("--activation", choices=SIGMOIDAL, help="h of the hidden units (default: logistic)")
    add(
        "--point",
        type=_whole_number,
        default=1,
        metavar="N",
        help="the data point to show, counted from 1 (default: 1)",
    )
    add("--seed", type=int, help="draws the weights (default: 0; the worked example has its own)")
    add("--weights", metavar="FILE.json", help="take the weights from a file")
    add("--save-weights", metavar="FILE.json", help="write the weights, trained or not, to a file")
    add(
        "--train",
        type=_whole_number,
        metavar="EPOCHS",
        help="first train by gradient descent on the total error",
    )
    add("--rate", type=_rate, metavar="ETA", help="the learning rate of --train")
    add(
        "--explore",
        metavar="FILE.html",
        help="write a page that steps through the forward and the backward pass, and learns",
    )
    add("--json", action="store_true", help="print JSON for programs in place of the table")
    add(
        "--output",
        default="micrograd_bp_output",
        metavar="DIR",
        help="the folder for the pictures (default: %(default)s)",
    )
    add("--version", action="version", version=f"{PROGRAM} {__version__}")
    return parser


def _whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"need a whole number from 1 on, not {text!r}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0.0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"need a number above 0, not {text!r}")
    return rate


def _run(options: argparse.Namespace) -> int:
    _check_options(options)
    dataset = _dataset(options)
    if options.point > len(dataset.inputs):
        raise InputError(
            f"argument --point: there is no data point {options.point},"
            f" {dataset.source} has {len(dataset.inputs)}"
        )
    activation, weights = _initial_weights(options, dataset)
    training = None
    n_weights = sum(map(len, chain(*weights)))
    try:
        if options.train:
            weights, training = _train(options, dataset, activation, weights)
        is_long = n_weights * len(dataset.inputs) > LONG
        with _bar("central differences", "unit", is_long) as progress:
            example = worked_example(
                weights,
                dataset.inputs,
                dataset.targets,
                point=options.point,
                activation=activation,
                progress=progress,
            )
    except OverflowError as error:
        raise InputError(f"{dataset.source}: numbers too large for this network: {error}") from None
    page = _page(options, example, dataset)
    files = _write(options, _pictures(example, n_weights), page, activation, weights)
    if options.json:
        for piece in _as_json(options, dataset, training, weights, example, files):
            sys.stdout.write(piece)
    else:
        print(_as_text(options, dataset, training, example, files))
    return 0 if example.agrees else 1


def _check_options(options: argparse.Namespace) -> None:
    for option in ("targets", "inputs", "separator", "decimal"):
        does = "it names columns of" if option in ("targets", "inputs") else "it is how to read"
        if getattr(options, option) is not None and options.data is None:
            raise InputError(f"argument --{option}: {does} --data, and there is no --data")
    if options.seed is not None and options.weights is not None:
        raise InputError("arguments --seed and --weights: choose one, each gives the weights")
    if options.train is not None and options.rate is None:
        raise InputError("argument --train: it needs a learning rate too, such as --rate 0.001")
    if options.rate is not None and options.train is None:
        raise InputError("argument --rate: it is for --train EPOCHS, and there is no --train")
    _check_writable("--output", Path(options.output))
    if options.save_weights is not None:
        _check_file("--save-weights", options.save_weights)
    if options.explore is not None:
        if Path(options.explore).suffix.lower() not in (".html", ".htm"):
            raise InputError(f"argument --explore: need a name in .html, not {options.explore!r}")
        _check_file("--explore", options.explore)


def _check_file(option: str, name: str) -> None:
    """Check that a file can be written, as far as that can be told."""
    path = Path(name)
    if os.path.isdir(path):
        raise InputError(f"argument {option}: {path} is a folder, need a file")
    _check_writable(option, path.parent)


def _check_writable(option: str, folder: Path) -> None:
    """Check that a folder is there or can be made, before hours of training."""
    there = next(path for path in [folder, *folder.absolute().parents] if os.path.exists(path))
    if not there.is_dir():
        raise InputError(f"argument {option}: cannot make {folder}: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise InputError(f"argument {option}: cannot write to {folder}: {there} is read-only")


def _dataset(options: argparse.Namespace) -> Dataset:
    if options.data is not None:
        inputs = None if options.inputs is None else column_names(options.inputs)
        is_long = os.path.isfile(options.data) and os.path.getsize(options.data) > LONG
        with _bar("reading", "row", is_long) as progress:
            dataset = read_csv(
                options.data,
                column_names(options.targets or ""),
                inputs,
                separator={None: ",", r"\t": "\t"}.get(options.separator, options.separator),
                decimal=options.decimal or ".",
                progress=progress,
            )
    else:
        names = [f"{letter}_{i}" for letter in "xt" for i in (1, 2)]
        dataset = Dataset("the worked example", names[:2], names[2:], INPUTS, TARGETS)
    return standardize(dataset) if options.standardize else dataset


@contextmanager
def _bar(what: str, unit: str, shown: bool) -> Iterator[Progress]:
    """What shows on stderr how far one is in items that it hands through."""
    if not shown:
        yield iter
        return
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit) as bar:

        def through(items: Iterable[Any]) -> Iterator[Any]:
            bar.total = length_hint(items) or None
            for item in items:
                yield item
                bar.update()

        yield through


def _initial_weights(options: argparse.Namespace, dataset: Dataset) -> tuple[str, Weights]:
    sizes = len(dataset.input_names), len(dataset.target_names)
    if options.weights is not None:
        activation, weights, standardized = read_weights(options.weights)
        if options.hidden not in (None, len(weights[0])):
            raise InputError(
                f"{options.weights}, 'w1': the number of rows is {len(weights[0])},"
                f" but --hidden {options.hidden}"
            )
        if options.activation not in (None, activation):
            raise InputError(
                f"{options.weights}, 'activation': these are weights for {activation!r},"
                f" but --activation {options.activation}"
            )
        if standardized not in (None, options.standardize):
            raise InputError(
                f"{options.weights}, 'standardized': these are weights for "
                + ("standardized inputs: add" if standardized else "raw inputs: leave out")
                + " --standardize"
            )
        check_shape(options.weights, weights, *sizes)
        return activation, weights
    activation = options.activation or "logistic"
    if options.data is None and options.hidden is None and options.seed is None:
        return activation, WEIGHTS
    n_units = [options.hidden or HIDDEN_UNITS, sizes[1]]
    network = MLP(sizes[0], n_units, hidden=activation, seed=options.seed or 0)
    return activation, [
        [[w.data for w in (neuron.b, *neuron.w)] for neuron in layer.neurons]
        for layer in network.layers
    ]


def _train(
    options: argparse.Namespace, dataset: Dataset, activation: str, weights: Weights
) -> tuple[Weights, Training]:
    """Gradient descent on the total error, by the equations."""
    from tqdm import tqdm

    inputs, targets = dataset.inputs, dataset.targets
    error_before = total_error(weights, inputs, targets, activation)
    with tqdm(range(1, options.train + 1), desc="training", unit="epoch") as progress:
        for epoch in progress:
            derivatives = total_derivatives(weights, inputs, targets, activation)
            weights = gradient_step(weights, derivatives, options.rate)
            try:
                error = total_error(weights, inputs, targets, activation)
            except OverflowError:
                progress.close()
                raise InputError(
                    f"training diverged: after epoch {epoch} the total error is no longer finite;"
                    f" try a --rate below {options.rate}"
                ) from None
            progress.set_postfix_str(f"E = {error:.6g}", refresh=False)
    return weights, Training(options.train, options.rate, error_before, error)


def _pictures(example: WorkedExample, n_weights: int) -> dict[str, str]:
    """The pictures that can be drawn, as SVG."""
    if n_weights > MOST_DRAWN:
        print(
            f"{PROGRAM}: no pictures drawn: with {n_weights:,} weights they take a minute; those"
            f" of up to {MOST_DRAWN:,} are drawn",
            file=sys.stderr,
        )
        return {}
    pictures = {}
    try:
        pictures["computation graph"] = draw(example.error).svg
    except ValueError as error:
        print(f"{PROGRAM}: no computation graph drawn: {error}", file=sys.stderr)
    try:
        pictures["network diagram"] = draw_network(example.network, example.error).svg
    except ValueError as error:
        print(f"{PROGRAM}: no network diagram drawn: {error}", file=sys.stderr)
    return pictures


def _page(options: argparse.Namespace, example: WorkedExample, dataset: Dataset) -> Explorer | None:
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
    print(f"{PROGRAM}: the page has data point {options.point} alone: {reason}", file=sys.stderr)
    return page


def _write(
    options: argparse.Namespace,
    pictures: dict[str, str],
    page: Explorer | None,
    activation: str,
    weights: Weights,
) -> dict[str, str]:
    """Write the pictures, the page and the weights; returns the path of each."""
    files = {}
    try:
        if options.save_weights is not None:
            save_weights(options.save_weights, activation, weights, options.standardize)
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


def _as_text(
    options: argparse.Namespace,
    dataset: Dataset,
    training: Training | None,
    example: WorkedExample,
    files: dict[str, str],
) -> str:
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


def _as_json(
    options: argparse.Namespace,
    dataset: Dataset,
    training: Training | None,
    weights: Weights,
    example: WorkedExample,
    files: dict[str, str],
) -> Iterator[str]:
    """The report in pieces: rows by the million are not all held at once."""
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
