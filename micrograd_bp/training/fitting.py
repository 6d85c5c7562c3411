"""Training: one data point's graph is recorded and compiled, and the program does the rest.

``fit`` minimizes the error E over all data points, by gradient descent on minibatches or on all
at once (Bishop & Bishop, Deep Learning, 2024, section 7.2). It changes the model's weights, and
notes the names of classes and of columns if they have such; runs the same to the last bit with
the same seed; and leaves the model with the weights of the last epoch that ended well, whatever
happens.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import numpy as np

from ..messages import knowing_misnomers
from ..modes import changed
from ..nn import note_classes, note_columns
from ..numeric import show
from ..program import Program
from ..program.arguments import thread_count
from .checkpoint import Checkpoint, fingerprint
from .chunks import DATA_ERRORS, is_chunked, placed
from .classes import coded, numbered
from .cluster import ChunkedData, ChunkedObjective
from .columns import by_label, by_name, columns_of
from .data import Table, tables, weight_column
from .early_stopping import Best
from .history import History
from .losses import Loss
from .model_error import Model, error_program, is_mean, number_of_outputs, points_of
from .objective import Objective, TableObjective
from .optim import LBFGS, Optimizer, at_least_zero
from .run import Epoch, Run, diverged
from .settings import (
    at_least_one,
    check_folder,
    functions,
    generator,
    named_loss,
    named_optimizer,
    trained_parameters,
)

_RATE = "optimizer=SGD(lr={0}) or optimizer=Adam(lr={0})"
_OF_OTHERS = {
    **dict.fromkeys(("lr", "learning_rate", "eta"), _RATE),
    **dict.fromkeys(("n_epochs", "num_epochs", "epoch", "max_iter", "n_iter"), "epochs={}"),
    **dict.fromkeys(("batchsize", "batch", "minibatch_size"), "batch_size={}"),
    **dict.fromkeys(("criterion", "loss_fn", "loss_function"), "loss={}"),
    **dict.fromkeys(("optim", "optimiser", "solver"), "optimizer={}"),
    **dict.fromkeys(("y", "Y", "t", "targets"), "T, as in fit(model, X, T)"),
    **dict.fromkeys(("validation_data", "val_data"), "validation=(X, T)"),
    **dict.fromkeys(("random_state", "rng"), "seed={}"),
    "sample_weights": "sample_weight=...",
    "patience": "early_stopping={}",
    "callback": "callbacks={}",
    "n_jobs": "threads={}",
    "verbose": "progress=True, or progress=False",
    "weight_decay": "optimizer=SGD(weight_decay={0}) or optimizer=AdamW(weight_decay={0})",
}


@knowing_misnomers(_OF_OTHERS)
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
    once before the training, to check them, once more for a checkpoint, and the targets once
    more if they may be names of classes. Minibatches are drawn chunk by chunk, in a new order of
    the chunks and of the rows in each, and take turns: they gain room by more workers, and only
    all data points at once gain speed.

    Args:
        model: an MLP, or a Module that is called with a list of D Values and gives a Value or a
            list of Values.
        X: the inputs, (N, D) real numbers, or (N,) for D = 1; a Dask array or DataFrame too. They
            are rounded to float64, also integers beyond 2^53.
            The model notes the names of the columns of a DataFrame, and ``predict`` and
            validation take theirs by them, until a ``fit`` with others or with none.
        T: the targets, (N, K) or (N,) for K = 1. For "cross_entropy" classes, (N,) integers
            from 0, or (N, K) probabilities; for "binary_cross_entropy" from 0 to 1; for
            "hinge" -1 or 1. For these three names will do as well, strings or pandas'
            categories: they are then the model's ``classes``, sorted or in their order, which
            ``predict(..., classes=True)`` gives back, until a ``fit`` with others or with
            numbers. If X is a DataFrame, the name of a column of it, or several in a list; the
            others are the inputs.
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
            whatever ended it; with more epochs too. Where settings or data are others, which
            fingerprints tell, or the model or loss are, it is refused: so is to go on where
            another training has written there since this one began.
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
    if checkpoint is not None:
        check_folder(checkpoint)
    checkpoint_every = at_least_one("checkpoint_every", checkpoint_every)
    parameters = trained_parameters(model, optimizer)
    callbacks, rng = functions(callbacks), generator(seed)
    threads = thread_count(threads)
    average = is_mean(loss)
    chunked, classes = None, None
    if is_chunked(X, T, sample_weight):
        chunked = ChunkedData(X, T, sample_weight, loss)
        classes, columns = chunked.classes, chunked.columns
        inputs = np.zeros((1, chunked.n_inputs))  # for the number of outputs
    else:
        X, T, sample_weight = by_name(X, T, sample_weight)
        columns = columns_of(X)
        inputs, targets, classes = points_of(X, T, loss)
    tables_of = {"x": inputs}
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        with _telling_divergence():
            n_outputs = number_of_outputs(model, loss, inputs, classes)
        if chunked is not None:
            chunked.look(n_outputs, average, sample_weight is not None)
            tables_of = chunked.tables_of
        else:
            tables_of["t"] = coded("T", targets, loss, n_outputs)
            if sample_weight is not None:
                tables_of["w"] = weight_column(sample_weight, len(inputs), average)
        with _telling_divergence():
            program = error_program(model, loss, tables_of, parameters)
    data = chunked or np.hstack([*tables_of.values()])
    batch_size = len(data) if batch_size is None else at_least_one("batch_size", batch_size)
    if isinstance(optimizer, LBFGS) and batch_size < len(data):
        raise ValueError(
            f"LBFGS takes all {len(data)} data points at once, not batch_size={batch_size}:"
            " leave batch_size out, or take SGD or Adam"
        )
    objective = _objective(program, data, average, batch_size, threads)
    held_out, saved = None, None
    if validation is not None:
        widths = [tables_of[name].shape[1] for name in "xt"]
        data = _validation_data(
            validation, widths, loss, classes, columns, n_outputs, sample_weight is not None
        )
        held_out = _objective(program, data, average, 1, threads)
    if checkpoint is not None:
        training = {
            "optimizer": repr(optimizer),
            "loss": getattr(loss, "__name__", repr(loss)),
            "seed": str(seed),
            "batch_size": batch_size,
            "data points": objective.n,
            "chunks": len(chunked.chunks) if chunked is not None else 1,
            "parameters": len(parameters),
            "early_stopping": early_stopping,
            "min_delta": min_delta,
            "columns": columns and [*map(str, columns)],
        }
        names = "X", "T", "sample_weight"
        prints = dict(zip_longest(names, _fingerprints(chunked or tables_of.values())))
        prints["validation"] = held_out and "".join(_fingerprints(data))
        saved = Checkpoint(checkpoint, checkpoint_every, epochs, training, prints)
    run = Run(model, parameters, objective, held_out, callbacks, best, saved)
    if saved is not None:
        saved.check(run, optimizer, rng)
    if isinstance(optimizer, Optimizer):
        optimizer.reset()
    note_classes(model, classes)
    note_columns(model, columns)
    return run.train(optimizer, epochs, rng, progress)


@contextmanager
def _telling_divergence() -> Iterator[None]:
    """Say in an error of the model or loss that it is of the weights that they began with."""
    try:
        yield
    except ArithmeticError as error:
        raise diverged(1, error, "that it began with") from error


def _objective(
    program: Program, data: Table | ChunkedData, average: bool, batch_size: int, threads: int
) -> Objective:
    if isinstance(data, ChunkedData):
        return ChunkedObjective(program, data, average, batch_size, threads)
    return TableObjective(program, data, average, batch_size, threads)


def _fingerprints(data: ChunkedData | Table | Iterable[Table]) -> list[str]:
    """Those of tables, or of the tables of data in chunks."""
    if isinstance(data, ChunkedData):
        return data.fingerprints()
    return [fingerprint(table) for table in ([data] if isinstance(data, np.ndarray) else data)]


def _validation_data(
    validation: Any,
    widths: list[int],
    loss: Loss,
    classes: list[Any] | None,
    columns: list[str],
    n_outputs: int,
    weighted: bool,
) -> Table | ChunkedData:
    """The data points of validation, of as many inputs and targets; each of weight 1."""
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is a pair (X, T), not {show(validation)}")
    X, T = validation
    data: Table | ChunkedData
    if is_chunked(X, T):
        X = by_label(X, columns, T)
        try:
            data = ChunkedData(X, T, None, loss, classes)
            data.look(n_outputs, average=True, weighted=weighted)
        except DATA_ERRORS as error:
            raise placed("validation", error) from error
        if data.classes and not classes:
            raise ValueError("the T of validation has names of classes, and the T of training none")
        found = [data.tables_of[name].shape[1] for name in "xt"]
    else:
        X, T, _ = by_name(X, T)
        X = by_label(X, columns)
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
