"""Weights in a safetensors file: named arrays of numbers, and nothing that runs when it is read.

The names are the model's to give; a file is read into a model only if names and shapes are the
same, all of them. Format: https://github.com/huggingface/safetensors.
"""

import json
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Value
from ..modes import current
from ..whole_file import file_name, read_whole, write_whole
from .written import write

NamedWeights = Mapping[str, list[Value] | list[list[Value]]]  # vectors, and matrices row by row

_OTHER_FORMATS = frozenset(".pt .pth .bin .onnx .pkl .pickle .joblib .npy .npz .h5 .keras".split())
"""Names by which others, torch.load and pickle among them, know files of their own, not ours."""

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


_NOTED = "micrograd_bp"
"""Under this name the metadata of the file have what is noted beside the weights, as JSON."""


def save(
    weights: NamedWeights, path: str | os.PathLike[str], noted: Mapping[str, Any] | None = None
) -> None:
    """Write weights in double precision, every bit of them.

    The file is replaced at once: it is never there in part.

    Args:
        weights: what is stored under each name.
        path: the file.
        noted: what else it is to say, such as {"classes": ["a", "b"]}: plain data.

    Raises:
        ValueError: its name is that of another format, such as "m.pt".
        OSError: the file cannot be written.
        ImportError: there is no safetensors.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"weight": [[Value(0.1), Value(0.2)]]}, f"{folder}/w.safetensors")
    ...     restored = {"weight": [[Value(0.0), Value(0.0)]]}
    ...     load(restored, f"{folder}/w.safetensors")
    >>> [w.data for w in restored["weight"][0]]
    [0.1, 0.2]
    """
    name = Path(file_name(path))
    if name.suffix.lower() in _OTHER_FORMATS:
        raise ValueError(
            f"{name} would be a safetensors file by the name of another format: call it"
            f" {name.with_suffix('.safetensors')}"
        )
    content: bytes = _library("safetensors.numpy").save(
        {name: _array(values) for name, values in weights.items()},
        {_NOTED: json.dumps(noted)} if noted else None,
    )
    write_whole(path, content)


def load(weights: NamedWeights, path: str | os.PathLike[str]) -> None:
    """Read numbers into Values; single and half precision are taken as they are.

    Args:
        weights: the Values for each name.
        path: the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file, or its names or shapes are not those of weights,
            or its numbers no floats, or one is nan (``allow_nonfinite`` takes it). No Value
            has changed then.
        ImportError: there is no safetensors.
    """
    tensors, _ = _read(path)
    _check_names(path, set(weights), set(tensors))
    numbers = {name: _numbers(path, name, tensor) for name, tensor in tensors.items()}
    for name, values in weights.items():
        shape, wanted = numbers[name].shape, _array(values).shape
        if shape != wanted:
            raise ValueError(f"{path} has {name!r} of shape {shape}, and the model needs {wanted}")
        if np.isnan(numbers[name]).any() and not current.get().nonfinite_allowed:
            index = np.argwhere(np.isnan(numbers[name]))[0].tolist()
            raise ValueError(
                f"{path} has nan at {index} of {name!r}, as after a training that diverged;"
                " with allow_nonfinite() it is loaded all the same"
            )
    found = [number for name in weights for number in numbers[name].ravel().tolist()]
    write([value for values in weights.values() for value in _flat(values)], found)


def noted(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What ``save`` noted beside the weights; nothing, if another program wrote the file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no safetensors file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"bias": [Value(0.5)]}, f"{folder}/w.safetensors", {"classes": ["a", "b"]})
    ...     noted(f"{folder}/w.safetensors")
    {'classes': ['a', 'b']}
    """
    _, header = _read(path)
    try:
        found = json.loads(header.get("__metadata__", {}).get(_NOTED, "{}"))
    except (ValueError, RecursionError):  # another program's
        found = {}
    return found if isinstance(found, dict) else {}


def sizes(path: str | os.PathLike[str]) -> list[int]:
    """The sizes of the layers of the MLP that a file has the weights of, the inputs first.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has the weights of no MLP.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"0.weight": [[Value(0.5), Value(0.5)]]}, f"{folder}/w.safetensors")
    ...     sizes(f"{folder}/w.safetensors")
    [2, 1]
    """
    shapes = {name: tensor["shape"] for name, tensor in _read(path)[0].items()}
    found: list[int] = []
    for index in range(len(shapes)):
        shape = shapes.get(f"{2 * index}.weight", ())
        if len(shape) != 2:
            break
        n_out, n_in = shape
        if index and found[-1] != n_in:
            raise ValueError(f"{path} has layers that do not fit each other: {shapes}")
        found += [n_out] if index else [n_in, n_out]
    if not found:
        raise ValueError(f"{path} is of no MLP: it has {', '.join(shapes)}")
    return found


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors of a file, and its header."""
    safetensors = _library("safetensors")
    content = read_whole(path)
    try:
        tensors = dict(safetensors.deserialize(content))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file, or not all of one: {error}") from error
    return tensors, json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])


def _check_names(path: Any, wanted: set[str], found: set[str]) -> None:
    if wanted == found:
        return
    parts = [f"has no {name!r}" for name in sorted(wanted - found)]
    parts += [f"has {name!r}, which the model has not" for name in sorted(found - wanted)]
    more = f", and so on ({len(parts)} in all)" if len(parts) > 4 else ""
    raise ValueError(f"{path} is of another model: it {'; it '.join(parts[:4])}{more}")


def _numbers(path: Any, name: str, tensor: dict[str, Any]) -> NDArray[np.float64]:
    kind = tensor["dtype"]
    if kind not in _DTYPES:
        raise ValueError(
            f"{path} has {name!r} in {kind}, and weights are of {', '.join(_DTYPES)}: convert it"
            " with .double() before saving"
        )
    array = np.frombuffer(bytes(tensor["data"]), _DTYPES[kind]).reshape(tensor["shape"])
    if kind == "BF16":  # the upper half of a single
        array = (array.astype("<u4") << 16).view("<f4")
    double: NDArray[np.float64] = array.astype(float)
    return double


def _flat(values: list[Any]) -> list[Value]:
    return [value for part in values for value in (part if isinstance(part, list) else [part])]


def _array(values: list[Any]) -> NDArray[np.float64]:
    if values and isinstance(values[0], list):
        return np.array([[value.data for value in row] for row in values])
    return np.array([value.data for value in values], dtype=float)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            "weights are stored by the library safetensors, which is not installed:"
            " pip install safetensors"
        ) from error
