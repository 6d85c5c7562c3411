"""The command line: the two-layer network, three ways, on the worked example or on a CSV file.

Nothing is written before all input is checked and all numbers and pictures are computed; then the
output folder, the weights, the pictures. Exit status 0; 1 if the three ways disagree; 2 for bad
input, which is told in one line on stderr.
"""

import argparse
import io
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import length_hint
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ..nn import MLP
from .backprop import SIGMOIDAL, Weights, gradient_step, total_derivatives, total_error
from .columns import Progress
from .csv_file import Dataset, column_names, read_csv, standardize
from .input_error import InputError
from .report import PROGRAM, Training, as_json, as_text, page_of, pictures_of, say, write
from .weights_file import Weighted, check_shape, read_weights
from .worked_example import INPUTS, TARGETS, WEIGHTS, worked_example

HIDDEN_UNITS = 3  # unless --hidden or --weights says otherwise
LONG = 10**7  # bytes of data, or weights times data points: some seconds, with a progress bar


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
        say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        say("interrupted")
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
    add(
        "--data",
        metavar="FILE.csv",
        help="data points of your own: a header (not all numbers), then numbers; - is standard"
        " input",
    )
    add(
        "--targets",
        metavar="COLUMN[,COLUMN]",
        help="the columns of --data to learn",
    )
    add(
        "--inputs",
        metavar="COLUMN[,COLUMN]",
        help="the columns of --data to learn them from (default: those of --weights, or all but the"
        " targets)",
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
    given = None if options.weights is None else read_weights(options.weights)
    dataset = _dataset(options, given)
    if options.point > len(dataset.inputs):
        raise InputError(
            f"argument --point: there is no data point {options.point},"
            f" {dataset.source} has {len(dataset.inputs)}"
        )
    activation, weights = _initial_weights(options, dataset, given)
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
    page = page_of(options, example, dataset)
    pictures = pictures_of(example, n_weights)
    files = write(options, pictures, page, activation, weights, dataset.input_names)
    if options.json:
        for piece in as_json(options, dataset, training, weights, example, files):
            sys.stdout.write(piece)
    else:
        print(as_text(options, dataset, training, example, files))
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


def _dataset(options: argparse.Namespace, given: Weighted | None) -> Dataset:
    if options.data is not None:
        inputs = given.inputs if given else None
        if options.inputs is not None:
            inputs = column_names(options.inputs)
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
    from ..progress import Bar

    with Bar(desc=what, unit=unit) as bar:

        def through(items: Iterable[Any]) -> Iterator[Any]:
            bar.total = length_hint(items) or None
            for item in items:
                yield item
                bar.update()

        yield through


def _initial_weights(
    options: argparse.Namespace, dataset: Dataset, given: Weighted | None
) -> tuple[str, Weights]:
    sizes = len(dataset.input_names), len(dataset.target_names)
    if given is not None:
        activation, weights, standardized, _ = given
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
    from ..progress import Bar

    inputs, targets = dataset.inputs, dataset.targets
    error_before = total_error(weights, inputs, targets, activation)
    with Bar(range(1, options.train + 1), desc="training", unit="epoch") as progress:
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
