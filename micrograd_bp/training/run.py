"""A run of the training: epoch by epoch, with its history, callbacks, checkpoints and errors."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..engine import Value
from ..nn.written import write
from ..progress import Bar
from .checkpoint import Checkpoint
from .early_stopping import Best
from .history import History
from .model_error import Model
from .objective import Objective
from .optim import LBFGS, Optimizer, Vector


class Epoch(NamedTuple):
    """What callbacks are told after each epoch.

    Attributes:
        epoch: its number, from 1.
        error_before, error_after: the error E over the training data.
        validation: the error over the validation data after it; None without such data.
        model: the model, with the weights after it; to write to them has no effect.
    """

    epoch: int
    error_before: float
    error_after: float
    validation: float | None
    model: Any


class Run:
    """How far the training is: the history, and the weights after the last epoch."""

    bar: Any
    ended_well: bool  # and not for want of epochs, or of a lower error
    error: float  # after the last epoch; of a checkpoint, known by its check

    def __init__(
        self,
        model: Model,
        parameters: list[Value],
        objective: Objective,
        held_out: Objective | None,
        callbacks: Sequence[Callable[[Epoch], Any]] = (),
        best: Best | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.model, self.parameters, self.callbacks = model, parameters, callbacks
        self.objective, self.held_out, self.best = objective, held_out, best
        self.began = self.theta = np.array([parameter.data for parameter in parameters])
        self.history = History()
        self.n_before = 0  # epochs that a checkpoint had
        self.told: list[Vector] = []  # to L-BFGS: error and gradient, again and again
        self.to_tell: list[Vector] = []  # before anything is computed

    def train(
        self,
        optimizer: Optimizer | LBFGS,
        epochs: int,
        rng: np.random.Generator,
        progress: bool,
    ) -> History:
        """Go through the data ``epochs`` times at most, and leave the weights with the model."""
        self._optimizer, self._rng, self._started = optimizer, rng, time.perf_counter()
        resumed = self.checkpoint is not None and self.checkpoint.resume(self, optimizer, rng)
        n = self.n_before
        with Bar(
            total=epochs, initial=n, disable=not progress, desc="fit", unit="epoch"
        ) as self.bar:
            try:
                if not resumed:
                    with self._telling():
                        self.error = self.objective.error(self.theta)
                if isinstance(optimizer, LBFGS):
                    reason, self.ended_well = optimizer._minimized(
                        self._evaluate, self.theta, epochs, self._after
                    )
                    self.history.ended = self.history.ended or f"{self._epochs_done}: {reason}"
                else:
                    self._descend(optimizer, epochs, rng)
                    self.ended_well = bool(self.history.ended)
                    self.history.ended = self.history.ended or self._epochs_done
                if self.best and self.history.error_after:
                    self.theta = self.best.theta
            finally:
                try:
                    write(self.parameters, self.theta.tolist())
                finally:  # again, for an interrupt in the first
                    write(self.parameters, self.theta.tolist())
        return self.history

    @property
    def _epochs_done(self) -> str:
        n = len(self.history.error_after)
        return f"after {n} epoch{'s' if n != 1 else ''}"

    def _evaluate(self, theta: Vector) -> tuple[float, Vector]:
        if self.to_tell:
            told = self.to_tell.pop(0)
            self.objective.know(theta, float(told[0]), told[1:])
        with self._telling():
            error, gradient = self.objective.evaluate(theta)
        if self.checkpoint:
            self.told.append(np.array([error, *gradient]))
        return error, gradient

    def _descend(self, optimizer: Optimizer, epochs: int, rng: np.random.Generator) -> None:
        theta = self.theta
        for _ in range(self.n_before, 0 if self.history.ended else epochs):
            with self._telling():
                theta = self.objective.descend(optimizer, self.parameters, theta, rng)
            if self._after(theta):
                return

    def _after(self, theta: Vector) -> bool:
        """An epoch is over: whether it was the last."""
        is_last = self._noted(theta)
        if self.checkpoint and len(self.history.error_after) > self.n_before:
            self.checkpoint.save(self, self._optimizer, self._rng)
        return is_last

    def _noted(self, theta: Vector) -> bool:
        """Note an epoch, and tell of it: whether it was the last."""
        history, validation = self.history, None
        with self._telling():
            error = self.objective.error(theta)
            if self.held_out:
                with self._telling("validation: "):
                    validation = self.held_out.error(theta)
        self.theta = theta
        history.error_before.append(self.error)
        history.error_after.append(error)
        if validation is not None:
            history.validation.append(validation)
        self.error = error
        rate = self.objective.rows / (time.perf_counter() - self._started)
        self.bar.set_postfix_str(f"error {error:.4g}, {rate:.3g} rows/s", refresh=False)
        is_new = len(history.error_after) > self.n_before
        self.bar.update(is_new)
        if self.best and self.best.is_enough(error if validation is None else validation, theta):
            over = "training" if validation is None else "validation"
            history.ended = (
                f"{self._epochs_done}: the {over} error has not improved for {self.best.patience};"
                f" the weights are those of epoch {history.best_epoch}"
            )
        if not self.callbacks or not is_new:
            return bool(history.ended)
        write(self.parameters, theta.tolist())
        epoch = Epoch(
            len(history.error_after), history.error_before[-1], error, validation, self.model
        )
        results = [callback(epoch) for callback in self.callbacks]
        if any(isinstance(result, (bool, np.bool_)) and result for result in results):
            history.ended = history.ended or f"{self._epochs_done}: a callback returned True"
        return bool(history.ended)

    @contextmanager
    def _telling(self, where: str | None = None) -> Iterator[None]:
        """Say in an error which epoch it was, and what became of the weights."""
        try:
            yield
        except FloatingPointError as error:
            if where is not None:
                raise FloatingPointError(f"{where}{error}") from error
            n = len(self.history.error_after)
            kept = f"after epoch {n}, of error {self.error:.6g}" if n else "that it began with"
            raise diverged(n + 1, error, kept) from error


def diverged(epoch: int, error: ArithmeticError, kept: str) -> FloatingPointError:
    """The error that says in which epoch a number was no longer finite, and what is kept."""
    what = str(error).partition("; to get such results")[0]  # which is advice for programs
    return FloatingPointError(
        f"epoch {epoch}: {what}. The model keeps the weights {kept}; a smaller learning rate, or"
        " data scaled to about 1, may help"
    )
