"""The weights of a two-layer network in a JSON file, checked number by number."""

import json
import math
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..whole_file import file_name, parse_json, write_whole
from .backprop import SIGMOIDAL, Weights
from .input_error import InputError


class Weighted(NamedTuple):
    """The weights of a two-layer network.

    Attributes:
        activation: the name of h of its hidden units.
        weights: w1 and w2, each row a unit's bias and weights.
        standardized: whether they are for standardized inputs; None if that is not known.
        inputs: the columns that they are for, in order; None if that is not known.
    """

    activation: str
    weights: Weights
    standardized: bool | None = None
    inputs: list[str] | None = None


_FORM = "take a file that --save-weights wrote"


def read_weights(path: str) -> Weighted:
    """Read the weights of a two-layer network, in the form in which ``save_weights`` writes them.

    Args:
        path: a JSON file {"activation": "logistic", "standardized": false, "inputs": ["x1", ...],
            "w1": [[w_10, w_11, ...], ...], "w2": ...}, each row a unit, its bias first; without
            "standardized" it is not known whether the weights are for standardized inputs, and
            without "inputs" not for which columns.

    Raises:
        InputError: the file cannot be read, or does not have this form.
    """
    try:
        content: Any = parse_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        where = f"{path}, row {error.lineno}, column {error.colno}"
        raise InputError(f"{where}: this is no JSON: {error.msg}; {_FORM}") from None
    except (ValueError, RecursionError) as error:  # not UTF-8, a key twice, deep nesting
        raise InputError(f"{path}: this is no JSON: {error}; {_FORM}") from None
    keys = ["activation", "w1", "w2"]
    if not isinstance(content, dict):
        raise InputError(f"{path}: need an object, not {reprlib.repr(content)}; {_FORM}")
    lacking = [key for key in keys if key not in content]
    others = [key for key in content if key not in (*keys, "standardized", "inputs")]
    if lacking or others:
        faults = (("lacks", lacking), ("has", others))
        found = " and ".join(
            f"{verb} {', '.join(map(reprlib.repr, names[:4]))}" for verb, names in faults if names
        )
        raise InputError(f"{path}: it {found}; {_FORM}")
    activation = content["activation"]
    if activation not in SIGMOIDAL:
        known = " or ".join(map(repr, SIGMOIDAL))
        raise InputError(f"{path}, 'activation': need {known}, not {reprlib.repr(activation)}")
    standardized = content.get("standardized")
    if "standardized" in content and not isinstance(standardized, bool):
        shown = reprlib.repr(standardized)
        raise InputError(f"{path}, 'standardized': need true or false, not {shown}")
    inputs = content.get("inputs")
    is_list = isinstance(inputs, list) and all(isinstance(name, str) for name in inputs)
    if "inputs" in content and not is_list:
        shown = reprlib.repr(inputs)
        raise InputError(f"{path}, 'inputs': need a list of names of columns, not {shown}")
    weights = [_matrix(f"{path}, {key!r}", content[key]) for key in keys[1:]]
    return Weighted(activation, weights, standardized, inputs)


def _matrix(where: str, rows: Any) -> list[list[float]]:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        raise InputError(f"{where}: need a list of rows, one a unit, each a list of numbers")
    return [
        [_weight(f"{where}, row {j}, column {i}", w) for i, w in enumerate(row, start=1)]
        for j, row in enumerate(rows, start=1)
    ]


def _weight(where: str, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise InputError(f"{where}: {reprlib.repr(weight)} is no number")
    try:
        number = float(weight)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"{where}: {reprlib.repr(weight)} is no finite number")
    return number


def check_shape(path: str, weights: Weights, n_inputs: int, n_outputs: int) -> None:
    """Check that weights are those of a two-layer network on given data.

    Args:
        path: the file of the weights, for the message.
        weights: w1 and w2, each row a unit's bias and weights.
        n_inputs: the number of inputs of the data.
        n_outputs: the number of targets.

    Raises:
        InputError: they are not.

    >>> check_shape("w.json", [[[0.0, 1.0]], [[0.5, 2.0]]], n_inputs=1, n_outputs=1)
    """
    n_hidden = len(weights[0])
    if len(weights[1]) != n_outputs:
        raise InputError(
            f"{path}, 'w2': the number of rows is {len(weights[1])}, need {n_outputs}:"
            " one for each target"
        )
    for key, matrix, n, what in (
        ("w1", weights[0], n_inputs, "input"),
        ("w2", weights[1], n_hidden, "hidden unit, a row of 'w1'"),
    ):
        for j, row in enumerate(matrix, start=1):
            if len(row) != 1 + n:
                raise InputError(
                    f"{path}, {key!r}, row {j}: the number of weights is {len(row)}, need {1 + n}:"
                    f" the bias and one for each {what}"
                )


def save_weights(
    path: str,
    activation: str,
    weights: Weights,
    standardized: bool | None = None,
    inputs: Sequence[str] | None = None,
) -> None:
    """Write the weights of a two-layer network to a JSON file, every bit of them.

    Args:
        path: the file; its folder is made if need be.
        activation: h of the hidden units, by name.
        weights: w1 and w2, each row a unit's bias and weights.
        standardized: whether they are for standardized inputs; not written unless given.
        inputs: the columns that they are for; likewise.

    Raises:
        OSError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(f"{folder}/w.json", "tanh", [[[0.1, 1.0]], [[0.2, 3.0]]], True)
    ...     read_weights(f"{folder}/w.json")[:3]
    ('tanh', [[[0.1, 1.0]], [[0.2, 3.0]]], True)
    """
    w1, w2 = (
        ",\n".join(f"    {json.dumps(list(row), allow_nan=False)}" for row in matrix)
        for matrix in weights
    )
    noted = {"standardized": standardized, "inputs": inputs and [*inputs]}
    known = "".join(f'  "{name}": {json.dumps(x)},\n' for name, x in noted.items() if x is not None)
    text = (
        f'{{\n  "activation": "{activation}",\n{known}'
        f'  "w1": [\n{w1}\n  ],\n  "w2": [\n{w2}\n  ]\n}}\n'
    )
    Path(file_name(path)).parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())
