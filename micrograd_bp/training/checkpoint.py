"""Checkpoints: how far a training is, in a file, from which it goes on to the last bit.

One safetensors file, replaced at once: the weights and what the optimizer remembers as arrays, and
beside them, as JSON, the history, the random state, and what training it is of. scipy does not
show what its L-BFGS remembers, so for that the file has what it was told: the errors and gradients
so far, which are told again.
"""

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..whole_file import read_whole, write_whole
from .history import History
from .optim import Optimizer, Vector

NAME, KEY, VERSION = "checkpoint.safetensors", "micrograd_bp checkpoint", 1


class Checkpoint:
    """The file of a training in a folder.

    Args:
        folder: made if it is not there.
        every: after how many epochs it is written.
        training: what training it is, plain data: it goes on from a file of the same only.

    Raises:
        OSError: the folder cannot be made.
        ImportError: there is no safetensors.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int, training: Any) -> None:
        self._numpy = _library("safetensors.numpy")
        os.makedirs(folder, exist_ok=True)
        self.path, self.every = Path(folder) / NAME, every
        self.training = json.loads(json.dumps(training))

    def save(self, run: Any, optimizer: Any, rng: np.random.Generator) -> None:
        """Write how far a ``Run`` is, if it is its turn.

        Raises:
            OSError: it cannot be written.
        """
        if len(run.history.error_after) % self.every:
            return
        noted: dict[str, Any] = {}
        if isinstance(optimizer, Optimizer):
            arrays, noted = _state(run, optimizer, rng)
        else:
            arrays = {"began": run.began, "told": np.array(run.told)}
        noted["epochs"] = len(run.history.error_after)
        told = {"version": VERSION, "training": self.training, **noted}
        write_whole(self.path, self._numpy.save(arrays, {KEY: json.dumps(told)}))

    def resume(self, run: Any, optimizer: Any, rng: np.random.Generator) -> None:
        """Bring a ``Run`` to where it was when it was saved; nothing, if it was not.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is damaged, or of another training. Nothing has changed then.
        """
        if not self.path.exists():
            return
        content = read_whole(self.path)
        try:
            arrays = self._numpy.load(content)
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            noted = json.loads(header["__metadata__"][KEY])
            version, training = noted["version"], noted["training"]
        except Exception as error:  # whatever a damaged file leads to
            raise ValueError(f"{self.path} is no checkpoint, or not all of one: {error}") from error
        if version != VERSION:
            raise ValueError(f"{self.path} has the version {version}, and this is {VERSION}")
        for name, own in self.training.items():
            if training.get(name) != own:
                raise ValueError(
                    f"{self.path} is of another training, with {name} {training.get(name)}, not"
                    f" {own}: give this one another folder, or remove that file"
                )
        run.n_before = noted["epochs"]
        if isinstance(optimizer, Optimizer):
            _restore(run, optimizer, rng, arrays, noted)
        else:
            run.began = run.theta = arrays["began"]
            run.to_tell = [*arrays["told"]]


def _state(run: Any, optimizer: Optimizer, rng: Any) -> tuple[dict[str, Vector], dict[str, Any]]:
    remembered = {f"optimizer.{i}": x for i, x in enumerate(optimizer._state)}
    noted = {
        "history": vars(run.history),
        "optimizer": optimizer._settings(),
        "counts": {name: x for name, x in remembered.items() if not np.ndim(x)},
        "random": rng.bit_generator.state,
        "best": run.best and [run.best.error, run.best.epochs_without],
    }
    arrays = {name: x for name, x in remembered.items() if np.ndim(x)}
    if run.best:
        arrays["best"] = run.best.theta
    return {"theta": run.theta, **arrays}, noted


def _restore(
    run: Any, optimizer: Optimizer, rng: Any, arrays: dict[str, Vector], noted: dict[str, Any]
) -> None:
    run.theta, run.history = arrays["theta"], History(**noted["history"])
    for name, x in noted["optimizer"].items():
        setattr(optimizer, name, tuple(x) if isinstance(x, list) else x)
    remembered = {**arrays, **noted["counts"]}
    names = sorted(name for name in remembered if name.startswith("optimizer."))
    optimizer._state = tuple(remembered[name] for name in names)
    rng.bit_generator.state = noted["random"]
    if run.best:
        (run.best.error, run.best.epochs_without), run.best.theta = noted["best"], arrays["best"]


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            "checkpoints are stored by the library safetensors, which is not installed:"
            " pip install safetensors"
        ) from error
