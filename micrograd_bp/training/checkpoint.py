"""Checkpoints: how far a training is, in a file, from which it goes on to the last bit.

One safetensors file, replaced at once: the weights and what the optimizer remembers as arrays, and
beside them, as JSON, the history, the random state, and what training it is of: settings, and
fingerprints of the data. scipy does not show what its L-BFGS remembers, so for that the file has
what it was told: the errors and gradients so far, which are told again.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from importlib import import_module
from math import isclose
from pathlib import Path
from tempfile import TemporaryFile
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..whole_file import read_whole, write_whole
from .history import History
from .optim import Optimizer, Vector

NAME, KEY, VERSION = "checkpoint.safetensors", "micrograd_bp checkpoint", 1

_writing = RLock()  # which a child begins with free
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_writing.acquire, after_in_parent=_writing.release, after_in_child=_writing.release
    )


def fingerprint(table: NDArray[Any]) -> str:
    """What tells a table of numbers from others, of other shapes too; -0.0 is no other than 0.0.

    >>> fingerprint(np.zeros((2, 3))) == fingerprint(np.zeros((3, 2)))
    False
    """
    return digest(repr(table.shape).encode(), np.ascontiguousarray(table, dtype=float) + 0.0)


def digest(*parts: Any) -> str:
    """Likewise of bytes, or what has them in memory.

    >>> digest(b"1") == digest(b"2")
    False
    """
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part)
    return found.hexdigest()


class Checkpoint:
    """The file of a training in a folder.

    Args:
        folder: made if it is not there.
        every: after how many epochs it is written.
        epochs: how many there will be.
        training: what training it is, plain data: it goes on from a file of the same only.
        data: the fingerprints of its data by their names; likewise.

    Raises:
        OSError: the folder cannot be made or written to, or the file not be read.
        ImportError: there is no safetensors.
        ValueError: the file is damaged, or of another training, or after more epochs.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every: int,
        epochs: int,
        training: dict[str, Any],
        data: dict[str, str | None],
    ) -> None:
        self._numpy = _library("safetensors.numpy")
        self.path, self.every = Path(folder).absolute() / NAME, every
        self._training: dict[str, Any] = json.loads(json.dumps({**training, "fingerprints": data}))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=self.path.parent).close()
        except OSError as error:
            raise type(error)(
                f"checkpoint={os.fspath(folder)!r} cannot be made a folder to write to"
                f" ({error.strerror}): give another path"
            ) from None
        self._found: tuple[dict[str, Vector], dict[str, Any]] | None = None
        self._left = ""  # what is in the file, by its digest
        if self.path.exists():
            content = read_whole(self.path)
            self._found, self._left = self._understood(content, epochs), digest(content)

    def _understood(self, content: bytes, epochs: int) -> tuple[dict[str, Vector], dict[str, Any]]:
        own = {**self._training}
        fingerprints = own.pop("fingerprints")
        with self._telling_damage():
            arrays = self._numpy.load(content)
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            noted = json.loads(header["__metadata__"][KEY])
            version = noted["version"]
        if version != VERSION:
            raise ValueError(f"{self.path} has the version {version}, and this is {VERSION}")
        with self._telling_damage():
            training, n_before = {**own, **noted["training"]}, noted["epochs"]  # older say less
            training["seed"] = re.sub(r"np\.\w+\((\d+)\)", r"\1", training["seed"])  # as older say
            prints = {**training.get("fingerprints", fingerprints)}
            if type(n_before) is not int or n_before < 1:
                raise ValueError(f"it is after {n_before!r} epochs")
        for name, ours in own.items():
            theirs = training[name]
            if theirs != ours:
                theirs, ours = ("none" if x == [] else x for x in (theirs, ours))
                raise self._refusal(f"with {name} {theirs}, not {ours}")
        for name, ours in fingerprints.items():
            if prints.get(name) != ours:
                raise self._refusal(f"with other numbers in {name}, or in another order or chunks")
        if n_before > epochs:
            raise ValueError(
                f"{self.path} is of the weights after {n_before} epochs, and epochs={epochs}: ask"
                f" for {n_before} or more, or give this training another folder"
            )
        return arrays, noted

    @contextmanager
    def _telling_damage(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever a damaged file leads to
            raise ValueError(f"{self.path} is no checkpoint, or not all of one: {error}") from error

    def check(self, run: Any, optimizer: Any, rng: np.random.Generator) -> None:
        """Bring copies to where they were: a ``Run`` gets no more than the error there, if any.

        Raises:
            ValueError: the file is damaged, or its weights had another error.
        """
        if not self._found:
            return
        trial = copy(run)
        trial.best = copy(run.best)
        with self._telling_damage():
            self.resume(trial, copy(optimizer), deepcopy(rng))
            known = _known_error(trial, self._found[0])
        words = f"of a model or loss that give its weights the error {known:.6g}, not"
        try:
            run.error = run.objective.error(trial.theta)
        except FloatingPointError as error:
            raise self._refusal(f"{words} a finite one ({error})") from error
        scale = max(map(abs, trial.history.error_before), default=0.0)
        if not isclose(known, run.error, rel_tol=1e-6, abs_tol=1e-12 * scale):  # for roundings
            raise self._refusal(f"{words} {run.error:.6g}")

    def _refusal(self, words: str) -> ValueError:
        """The error that says how the training of the file differs."""
        return ValueError(
            f"{self.path} is of another training, {words}: give this one another folder, or remove"
            " that file"
        )

    def save(self, run: Any, optimizer: Any, rng: np.random.Generator) -> None:
        """Write how far a ``Run`` is, if it is its turn.

        Raises:
            OSError: it cannot be written.
            ValueError: another training has written there since this one began.
        """
        if len(run.history.error_after) % self.every:
            return
        noted: dict[str, Any] = {}
        if isinstance(optimizer, Optimizer):
            arrays, noted = _state(run, optimizer, rng)
        else:
            arrays = {"began": run.began, "told": np.array(run.told)}
        noted["epochs"] = len(run.history.error_after)
        told = {"version": VERSION, "training": self._training, **noted}
        content = self._numpy.save(arrays, {KEY: json.dumps(told)})
        with _writing:
            if self.path.exists() and digest(read_whole(self.path)) != self._left:
                raise ValueError(
                    f"{self.path}: another training has written there since this one began; give"
                    " each a folder of its own"
                )
            write_whole(self.path, content)
        self._left = digest(content)

    def resume(self, run: Any, optimizer: Any, rng: np.random.Generator) -> bool:
        """Bring a ``Run`` to where it was when it was saved; whether it was."""
        if not self._found:
            return False
        arrays, noted = self._found
        run.n_before = noted["epochs"]
        if isinstance(optimizer, Optimizer):
            _restore(run, optimizer, rng, arrays, noted)
        else:
            run.began = run.theta = arrays["began"]
            run.to_tell = [*arrays["told"]]
        return True


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


def _known_error(run: Any, arrays: dict[str, Vector]) -> float:
    """The error that the weights had to which a ``Run`` was brought.

    Raises:
        ValueError, IndexError: what was noted of it does not fit together.
    """
    n, errors = len(run.parameters), run.history
    for name, x in arrays.items():
        shape = (len(x), n + 1) if name == "told" else (n,)
        if x.shape != shape or not np.isfinite(x).all():
            raise ValueError(f"{name} is not of {n} weights")
    if run.to_tell:
        return float(run.to_tell[0][0])
    table = np.array(
        [errors.error_before, errors.error_after, errors.validation or errors.error_after]
    )
    if (
        table.shape != (3, run.n_before)
        or table.dtype != float
        or not isinstance(errors.ended, str)
    ):
        raise ValueError(f"the history is not of {run.n_before} epochs")
    return float(errors.error_after[-1])


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            "checkpoints are stored by the library safetensors, which is not installed:"
            " pip install safetensors"
        ) from error
