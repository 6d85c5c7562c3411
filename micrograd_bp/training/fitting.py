"""Training: one data point's graph is recorded and compiled, and the program does the rest.

``fit`` minimizes the error E over all data points, by gradient descent on minibatches or on all
at once (Bishop & Bishop, Deep Learning, 2024, section 7.2). It changes the model's weights, and
notes the names of classes if they have such; runs the same to the last bit with the same seed;
and leaves the model with the weights of the last epoch that ended well, whatever happens.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from tqdm import tqdm

from ..engine import Value
from ..messages import describe, refuse_no_parameters
from ..modes import changed
from ..numeric import show
from ..program import Program
from ..program.arguments import thread_count
from .checkpoint import Checkpoint
from .chunks import is_chunked
from .cluster import ChunkedData, ChunkedObjective
from .data import Table, class_names, coded, numbered, tables, weight_column
from .history import History
from .losses import LOSSES, Loss, binary_cross_entropy, cross_entropy, sum_of_squares
from .one_graph import compiled
from .optim import LBFGS, OPTIMIZERS, Optimizer, Vector, at_least_zero, update_named, write
from .predicting import outputs_of


class Model(Protocol):
    """What can be trained: an MLP, or a Module of one's own."""

    def __call__(self, x: list[Any], /) -> Any:
        """The outputs, a Value or a list of Values, for D inputs."""

    def parameters(self) -> list[Value]:
        """The weights, leaves."""


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


def fit(
    model: Model,
    X: Any,
    T: Any,
    *,
    loss: str | Loss,
    optimizer: str | Optimizer | LBFGS,
    epochs: int = 100,
    batch_size: int | None = None,
    sample_weight: Any = None,
    validation: tuple[Any, Any] | None = None,
    early_stopping: int | None = None,
    min_delta: float = 0.0,
    callbacks: Callable[[Epoch], Any] | Iterable[Callable[[Epoch], Any]] = (),
    seed: int = 0,
    threads: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    progress: bool = True,
) -> History:
    """Train a model: lower the error E of its outputs on data, epoch by epoch.

    E is sum_n E_n for ``sum_of_squares``, as the book has it, and the mean of E_n over the data
    points for every other loss, so that a good learning rate does not depend on how many there
    are. For a minibatch it is the sum or mean over its points.

    The model and the loss are run by Python for a few data points, and recorded for one of
    them: all data points go through the same operations. So ``if x[0] > 0``, ``x[0].data`` and
    random numbers in a model of one's own do not do what they look like, and are refused where
    one of those few points shows it; ``where(step(x), ...)``, ``maximum`` and their like do.

    Dask arrays and DataFrames stay where they are, on a cluster or on a disk: each of their
    chunks gives its sum of E_n and of the gradient, and these are added in the order of the
    chunks, so that the weights are the same to the last bit for any number of workers (of one
    kind of processor), and those in memory where there is one chunk. The data are gone through
    once before the training, to check them. Minibatches are drawn chunk by chunk, in a new
    order of the chunks and of the rows in each, and take turns: they gain room by more workers,
    and only all data points at once gain speed.

    Args:
        model: an MLP, or a Module that is called with a list of D Values and gives a Value or a
            list of Values.
        X: the inputs, (N, D) real numbers, or (N,) for D = 1; a Dask array or DataFrame too.
        T: the targets, (N, K) or (N,) for K = 1. For "cross_entropy" classes, (N,) integers
            from 0, or (N, K) probabilities; for "binary_cross_entropy" from 0 to 1; for
            "hinge" -1 or 1. For these three names will do as well, strings or pandas'
            categories: they are then the model's ``classes``, sorted or in their order, which
            ``predict(..., classes=True)`` gives back. If X is a Dask DataFrame, the name of a
            column of it, or several in a list; the others are the inputs.
        loss: the name of a loss (``LOSSES``), or a function of the model's outputs and of the
            targets of one data point (a list of Values; a bare Value if K = 1) that gives a
            Value.
        optimizer: SGD, Adam, AdamW or LBFGS, or "sgd", "adam", "adamw" or "lbfgs" for one with
            its usual settings; it begins afresh. If it was made with some of the model's
            parameters, it trains those, and the others stay as they are.
        epochs: how many times to go through the data; for LBFGS, how many steps at most.
        batch_size: how many data points a step takes into account, shuffled anew in each
            epoch; None for all. LBFGS takes all.
        sample_weight: how much each data point counts, (N,) numbers from 0 on: E is then
            sum_n w_n E_n, or that divided by sum_n w_n where it is a mean. A weight of 2 is as
            good as the data point twice. A column may go by its name, as T.
        validation: inputs and targets (X, T) of data points that are not trained on.
        early_stopping: the training ends after this many epochs on end in which the error over
            the validation data (over the training data, without such) has not improved, and
            the model gets the weights of the epoch in which it was lowest. None goes on.
        min_delta: by how much the lowest error has to fall for an epoch to be an improvement.
        callbacks: functions that are called with an ``Epoch`` after each epoch. If one returns
            True, it is the last.
        seed: what the shuffling follows from: the same seed, the same weights, bit for bit.
        threads: how many to run on; the weights are the same for any number.
        checkpoint: a folder in which it is noted how far the training is. The same call, with
            the weights that the model began with or others, goes on from there to the same bits,
            whatever ended it; with more epochs too.
        checkpoint_every: after how many epochs that is done.
        progress: whether to show a progress bar, with the error and the rows gone through in a
            second.

    Returns:
        The errors before and after each epoch.

    Raises:
        TypeError: an argument is of a wrong kind, or the data are not real numbers.
        ValueError: shapes do not match, a number in the data or weights is not finite, a target
            is not one of the loss, the outputs are probabilities and the loss takes logits, a
            setting is out of its range, or the model does different operations for different
            data points. Nothing has changed then.
        FloatingPointError: a number stopped being finite; the message tells the epoch, and the
            node or weight. The model has the weights of the last epoch before.
        ImportError: LBFGS without scipy, or a checkpoint without safetensors.
        OSError: a checkpoint cannot be written or read.
        RuntimeError: a worker of the cluster has not the same version of this package.

    >>> from micrograd_bp.nn import MLP
    >>> from micrograd_bp.optim import Adam
    >>> model = MLP(2, [4, 1], hidden="tanh", seed=1)
    >>> history = fit(model, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0],
    ...               loss="sum_of_squares", optimizer=Adam(lr=0.1), epochs=200, progress=False)
    >>> history.error_after[-1] < 1e-3 < history.error_before[0]
    True
    >>> round(model([0, 1]).data, 1)
    1.0
    """
    loss, optimizer = named_loss(loss), named_optimizer(optimizer)
    epochs = at_least_one("epochs", epochs)
    min_delta = at_least_zero("min_delta", min_delta)
    best = None
    if early_stopping is not None:
        best = Best(at_least_one("early_stopping", early_stopping), min_delta)
    checkpoint_every = at_least_one("checkpoint_every", checkpoint_every)
    parameters = _parameters(model, optimizer)
    callbacks = [callbacks] if callable(callbacks) else list(callbacks)
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"a callback is a function, not {show(callback)}")
    rng = np.random.default_rng(seed)
    threads = thread_count(threads)
    average = is_mean(loss)
    chunked, classes = None, None
    if is_chunked(X, T, sample_weight):
        chunked = ChunkedData(X, T, sample_weight)
        inputs = np.zeros((1, chunked.n_inputs))  # for the number of outputs
    else:
        inputs, targets, classes = points_of(X, T, loss)
    tables_of = {"x": inputs}
    try:
        with changed(recording=True, nonfinite_allowed=False, scope=""):
            n_outputs = number_of_outputs(model, loss, inputs, classes)
            if chunked is not None:
                chunked.look(loss, n_outputs, average, sample_weight is not None)
                tables_of = chunked.tables_of
            else:
                tables_of["t"] = coded("T", targets, loss, n_outputs)
                if sample_weight is not None:
                    tables_of["w"] = weight_column(sample_weight, len(inputs), average)
            program = error_program(model, loss, tables_of, parameters)
    except ArithmeticError as error:
        raise FloatingPointError(_message(1, error, "that it began with")) from error
    data = chunked or np.hstack([*tables_of.values()])
    batch_size = len(data) if batch_size is None else at_least_one("batch_size", batch_size)
    if isinstance(optimizer, LBFGS) and batch_size < len(data):
        raise ValueError(
            f"LBFGS takes all {len(data)} data points at once, not batch_size={batch_size}:"
            " leave batch_size out, or take SGD or Adam"
        )
    objective = _objective(program, data, average, batch_size, threads)
    held_out = None
    if validation is not None:
        widths = [tables_of[name].shape[1] for name in "xt"]
        data = _validation_data(
            validation, widths, loss, classes, n_outputs, sample_weight is not None
        )
        held_out = _objective(program, data, average, 1, threads)
    if isinstance(optimizer, Optimizer):
        optimizer.reset()
    if classes:
        model.classes = classes  # type: ignore[attr-defined]
    saved = None
    if checkpoint is not None:
        training = {
            "optimizer": repr(optimizer),
            "loss": getattr(loss, "__name__", repr(loss)),
            "seed": repr(seed),
            "batch_size": batch_size,
            "data points": len(objective.points),
            "chunks": len(chunked.chunks) if chunked is not None else 1,
            "parameters": len(parameters),
            "early_stopping": early_stopping,
            "min_delta": min_delta,
        }
        saved = Checkpoint(checkpoint, checkpoint_every, training)
    run = Run(model, parameters, objective, held_out, callbacks, best, saved)
    return run.train(optimizer, epochs, rng, progress)


def points_of(X: Any, T: Any, loss: Loss) -> tuple[Table, Table, list[Any] | None]:
    """Inputs and targets as numbers, and the names of the classes if they have such."""
    classes = class_names(T, loss)
    if classes:
        T = numbered("T", T, loss, classes)
    return *tables("X", X, "T", T), classes


def number_of_outputs(model: Model, loss: Loss, inputs: Table, classes: list[Any] | None) -> int:
    """How many outputs the model has for the first data point, checked against the loss."""
    with changed(nonfinite_allowed=True):
        outputs = outputs_of(model, [*map(Value, inputs[0].tolist())])
    _check_logits(loss, outputs)
    if classes and loss is cross_entropy and len(outputs) not in (1, len(classes)):
        raise ValueError(
            f"T has {len(classes)} classes, {show(classes)}, and the model {len(outputs)}"
            " outputs: it needs one for each"
        )
    return len(outputs)


def is_mean(loss: Loss) -> bool:
    """Whether E is the mean of the E_n, and not their sum."""
    return loss is not sum_of_squares


def error_program(
    model: Model, loss: Loss, tables_of: dict[str, Table], parameters: Sequence[Value]
) -> Program:
    """The program of E_n, or w_n E_n, of one data point: x, t and perhaps w are its inputs."""
    program, _ = compiled(partial(error_of, model, loss), tables_of, parameters)
    return program


def _objective(
    program: Program, data: Table | ChunkedData, average: bool, batch_size: int, threads: int
) -> "Objective | ChunkedObjective":
    kind: Any = ChunkedObjective if isinstance(data, ChunkedData) else Objective
    objective: Objective | ChunkedObjective = kind(program, data, average, batch_size, threads)
    return objective


class Objective:
    """The error over data points and its gradient, as functions of the parameters."""

    def __init__(
        self, program: Program, points: Table, average: bool, batch_size: int, threads: int
    ) -> None:
        self.program, self.points, self.average = program, points, average
        self.batch_size, self.threads = batch_size, threads
        self.all_at_once = batch_size >= len(points)
        self.rows = 0  # gone through so far
        self._last: tuple[Vector, float, Vector] | None = None

    def evaluate(self, theta: Vector) -> tuple[float, Vector]:
        """The error over all points and its gradient; kept, as it is often asked for twice."""
        if self._last is None or not np.array_equal(self._last[0], theta):
            self._last = (theta, *self._on(theta, self.points))
        return self._last[1], self._last[2]

    def know(self, theta: Vector, error: float, gradient: Vector) -> None:
        """The error and its gradient need not be computed here."""
        self._last = (theta.copy(), error, gradient)

    def error(self, theta: Vector) -> float:
        """The error over all points."""
        if self.all_at_once:  # the gradient here is that of the next step
            return self.evaluate(theta)[0]
        self.rows += len(self.points)
        with np.errstate(over="ignore"):
            total = float(np.sum(self.program(self.points, theta, threads=self.threads)))
        if not np.isfinite(total):
            raise FloatingPointError("the sum of the errors E_n is beyond the largest float")
        return total / len(self.points) if self.average else total

    def descend(
        self,
        optimizer: Optimizer,
        parameters: Sequence[Value],
        theta: Vector,
        rng: np.random.Generator,
    ) -> Vector:
        """The parameters after an epoch: a step for one batch after the other, in a new order."""
        if self.all_at_once:
            return update_named(optimizer, parameters, theta, self.evaluate(theta)[1])
        order = rng.permutation(len(self.points))
        for start in range(0, len(order), self.batch_size):
            batch = self.points[order[start : start + self.batch_size]]
            theta = update_named(optimizer, parameters, theta, self._of_batch(batch, theta))
        return theta

    def _of_batch(self, batch: Table, theta: Vector) -> Vector:
        try:
            return self._on(theta, batch)[1]
        except FloatingPointError:
            self._on(theta, self.points)  # raises too, and tells the row among all points
            raise

    def _on(self, theta: Vector, points: Table) -> tuple[float, Vector]:
        self.rows += len(points)
        error, gradient = self.program.value_and_grad(points, theta, threads=self.threads)
        return (error / len(points), gradient / len(points)) if self.average else (error, gradient)


class Best:
    """The lowest error so far and the weights then; and how long it has not improved.

    Args:
        patience: after how many epochs without improvement it is enough.
        min_delta: what an improvement is, at least.
    """

    theta: Vector

    def __init__(self, patience: int, min_delta: float) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.error, self.epochs_without = math.inf, 0

    def is_enough(self, error: float, theta: Vector) -> bool:
        """An epoch is over: whether it was the last of as many as are borne without success."""
        improved = error < self.error - self.min_delta or self.error == math.inf
        self.epochs_without = 0 if improved else self.epochs_without + 1
        if error < self.error:
            self.error, self.theta = error, theta
        return self.epochs_without >= self.patience


class Run:
    """How far the training is: the history, and the weights after the last epoch."""

    bar: Any

    def __init__(
        self,
        model: Model,
        parameters: list[Value],
        objective: Objective | ChunkedObjective,
        held_out: Objective | ChunkedObjective | None,
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
        if self.checkpoint:
            self.checkpoint.resume(self, optimizer, rng)
        n = self.n_before
        with tqdm(
            total=epochs, initial=n, disable=not progress, desc="fit", unit="epoch"
        ) as self.bar:
            try:
                self._begin()
                if isinstance(optimizer, LBFGS):
                    reason = optimizer.minimize(self._evaluate, self.theta, epochs, self._after)
                    self.history.ended = self.history.ended or f"{self._epochs_done}: {reason}"
                else:
                    self._descend(optimizer, epochs, rng)
                    self.history.ended = self.history.ended or self._epochs_done
                if self.best and self.history.error_after:
                    self.theta = self.best.theta
            finally:
                write(self.parameters, self.theta)
        return self.history

    @property
    def _epochs_done(self) -> str:
        n = len(self.history.error_after)
        return f"after {n} epoch{'s' if n != 1 else ''}"

    def _begin(self) -> None:
        with self._telling():
            self._error = self.objective.error(self.theta)

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
        history.error_before.append(self._error)
        history.error_after.append(error)
        if validation is not None:
            history.validation.append(validation)
        self._error = error
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
        write(self.parameters, theta)
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
            kept = f"after epoch {n}, of error {self._error:.6g}" if n else "that it began with"
            raise FloatingPointError(_message(n + 1, error, kept)) from error


def _message(epoch: int, error: ArithmeticError, kept: str) -> str:
    what = str(error).partition("; to get such results")[0]  # which is advice for programs
    return (
        f"epoch {epoch}: {what}. The model keeps the weights {kept}; a smaller learning rate, or"
        " data scaled to about 1, may help"
    )


def error_of(
    model: Callable[[list[Value]], Any],
    loss: Loss,
    x: list[Value],
    t: list[Value],
    w: Sequence[Value] = (),
) -> Value:
    """E_n of one data point, times its weight if it has one."""
    y = model(x)
    targets: Any = t if len(t) > 1 else t[0]
    try:
        E = loss(y, targets)
    except TypeError as error:
        raise TypeError(
            f"the loss was called with the outputs {show(y)} and the targets {show(targets)}:"
            f" {error}"
        ) from error
    if not isinstance(E, Value):
        raise TypeError(f"a loss gives a Value, not {show(E)}")
    return w[0] * E if w else E


# What is checked before anything changes


def named_loss(loss: Any) -> Loss:
    """The loss of that name, or the function itself."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"no loss is called {loss!r}; there are {', '.join(LOSSES)}")
        return LOSSES[loss]
    if not callable(loss):
        raise TypeError(f"a loss is a name or a function, not {show(loss)}")
    found: Loss = loss
    return found


def named_optimizer(optimizer: str | Optimizer | LBFGS) -> Optimizer | LBFGS:
    """The optimizer of that name, with its usual settings."""
    if not isinstance(optimizer, str):
        return optimizer
    if optimizer not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"no optimizer is called {optimizer!r}; there are {known}")
    return OPTIMIZERS[optimizer]()


def _check_logits(loss: Loss, outputs: Sequence[Value]) -> None:
    """Refuse probabilities for a loss that would make probabilities of them once more."""
    names = {output.operation.name for output in outputs if output.operation}
    names &= {"sigmoid", "softmax"}
    if names and loss in (cross_entropy, binary_cross_entropy):
        raise ValueError(
            f"{loss.__name__} takes logits, the pre-activations a_k, and applies the sigmoid or"
            f" softmax itself; these outputs have been through a {min(names)} already: leave it out"
            ' of the model (output="linear")'
        )


def model_parameters(model: Any) -> list[Value]:
    """The weights of a model, each once."""
    if not callable(model) or not callable(getattr(model, "parameters", None)):
        raise TypeError(f"the model is an MLP or another Module that is called, not {show(model)}")
    parameters = model.parameters()
    refuse_no_parameters(parameters)
    if not parameters:
        raise ValueError("the model has no parameters to train")
    return list(dict.fromkeys(parameters))


def _parameters(model: Any, optimizer: Any) -> list[Value]:
    """The Values to be trained."""
    parameters = model_parameters(model)
    if not isinstance(optimizer, (Optimizer, LBFGS)):
        raise TypeError(f'an optimizer is such as Adam(lr=0.01) or "adam", not {show(optimizer)}')
    chosen = getattr(optimizer, "parameters", None) or parameters
    known = set(parameters)
    for parameter in chosen:
        if parameter not in known:
            raise ValueError(
                f"the optimizer was made with {describe(parameter)}, which is no parameter of the"
                " model: give it none, or those of this model"
            )
    for parameter in parameters:
        if not np.isfinite(parameter.data):
            raise ValueError(f"the model begins with {describe(parameter)}, which is not finite")
    return list(chosen)


def at_least_one(name: str, number: Any) -> int:
    """The number as an int from 1 on, or an error that names it."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"{name} is an integer, not {show(number)}")
    if number.__index__() < 1:
        raise ValueError(f"{name} is at least 1, not {number}")
    whole: int = number.__index__()
    return whole


def _validation_data(
    validation: Any,
    widths: list[int],
    loss: Loss,
    classes: list[Any] | None,
    n_outputs: int,
    weighted: bool,
) -> Table | ChunkedData:
    """The data points of validation, of as many inputs and targets; each of weight 1."""
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is a pair (X, T), not {show(validation)}")
    X, T = validation
    data: Table | ChunkedData
    if is_chunked(X, T):
        data = ChunkedData(X, T)
        data.look(loss, n_outputs, average=True, weighted=weighted)
        found = [data.tables_of[name].shape[1] for name in "xt"]
    else:
        if classes:
            T = numbered("the T of validation", T, loss, classes)
        X, T = tables("the X of validation", X, "the T of validation", T)
        T = coded("the T of validation", T, loss, n_outputs)
        data = np.hstack([X, T, np.ones((len(X), int(weighted)))])
        found = [X.shape[1], T.shape[1]]
    if found != widths:
        raise ValueError(
            "the data points of validation have {} inputs and {} targets, and those to be trained"
            " on {} and {}".format(*found, *widths)
        )
    return data
