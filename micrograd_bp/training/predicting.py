"""What a model gives for data points: its outputs, by a program, and the classes that they mean."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Value
from ..modes import changed
from ..numeric import show
from ..program import Program
from ..program.arguments import thread_count
from .chunks import Chunks, checked_client, is_chunked, sent
from .classes import chosen, scores
from .cluster import Summing, chunk_outputs, some_points
from .columns import by_label
from .data import Table, table
from .one_graph import compiled


def predict(
    model: Callable[[list[Any]], Any], X: Any, *, classes: bool = False, threads: int = 1
) -> NDArray[Any]:
    """The outputs of a model for all of many data points, by a program; or their classes.

    The model is run by Python for a few data points, as by ``fit``, with its present weights.

    Args:
        model: an MLP, or what else is called with a list of D Values and gives a Value or a list
            of Values.
        X: the inputs, (N, D) real numbers, or (N,) for D = 1; a Dask array or DataFrame too.
            Of a DataFrame, the columns by the names that they had when ``fit`` was given one.
        classes: whether to give the class of each data point: that of the largest output; where
            there is one, the second class if it is a logit above 0, or a probability, by a
            sigmoid, above 1/2.
        threads: how many to run on.

    Returns:
        The outputs y_k of each data point, an array of shape (N, K), or (N,) for K = 1; or the
        classes, (N,): the names that ``fit`` was given, or numbers from 0. For a Dask array or
        DataFrame it is a Dask array of its chunks, which is not computed yet: the model has
        been tried at points of the first chunk.

    Raises:
        TypeError: X is not made of real numbers, or the model gives something else than Values.
        ValueError: X has not the shape that the model takes, or lacks a column, a number in it is
            not finite, or the model does different operations for different data points.
        FloatingPointError: finite numbers gave inf or nan.
        RuntimeError: a worker of Dask's has not this version of the package.

    >>> from micrograd_bp import MLP, fit
    >>> model = MLP(2, [3, 1], hidden="tanh", seed=0)
    >>> y = predict(model, [[0.5, -1.0], [1.0, 2.0]])
    >>> y.shape, bool(abs(y[0] - model([0.5, -1.0]).data) < 1e-15)
    ((2,), True)
    >>> _ = fit(model, [[0, 1], [1, 0]], ["up", "down"], loss="binary_cross_entropy",
    ...         optimizer="lbfgs", progress=False)
    >>> predict(model, [[0, 2], [2, 0]], classes=True).tolist()
    ['up', 'down']
    """
    names = getattr(model, "classes", None)
    if is_chunked(X):
        lazy: NDArray[Any] = _predict_chunks(model, X, classes, names, thread_count(threads))
        return lazy
    found, outputs = _run(model, X, threads)
    return _predicted(_middle(outputs), classes, names, found)


def _predict_chunks(model: Any, X: Any, classes: bool, names: Any, threads: int) -> Any:
    """What ``predict`` gives for a Dask collection: an array of its chunks, not computed yet."""
    client = checked_client()
    chunks = Chunks({"X": inputs_of(model, X)})
    program, outputs = _outputs_program(model, chunks.first(some_points))
    finish = partial(_predicted, _middle(outputs), classes, names)
    like = finish(np.zeros((0, len(outputs))))
    return chunks.mapped(chunk_outputs, like, sent(Summing(program, threads), client), finish)


def _predicted(middle: float, classes: bool, names: Any, found: Table) -> NDArray[Any]:
    """The outputs, (N, K) or (N,), or the classes of data points."""
    if not classes:
        return found[:, 0] if found.shape[1] == 1 else found
    numbers = chosen(found, middle)
    return numbers if names is None else np.array(names)[numbers]


def class_scores(model: Callable[[list[Any]], Any], X: Any) -> Table:
    """A number for each data point and class, the largest for the class that is predicted."""
    found, outputs = _run(model, X, threads=1)
    return scores(found, _middle(outputs))


def _run(model: Callable[[list[Any]], Any], X: Any, threads: int) -> tuple[Table, list[Value]]:
    """The outputs for all data points, (N, K), and those recorded for one of them."""
    inputs = table("X", inputs_of(model, X))
    program, outputs = _outputs_program(model, inputs)
    return program(inputs, threads=threads), outputs


def inputs_of(model: Any, X: Any) -> Any:
    """The inputs by the names of the columns that a model, or an estimator, was trained on."""
    names = getattr(model, "_fitted_columns", None)
    return by_label(X, [*getattr(model, "feature_names_in_", names or [])])


def _outputs_program(model: Any, inputs: Table) -> tuple[Program, list[Value]]:
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        return compiled(lambda x: outputs_of(model, x), {"x": inputs})


def _middle(outputs: list[Value]) -> float:
    """Above which one output is of the second class: a probability, by a sigmoid, or a logit."""
    last = outputs[0].operation
    return 0.5 if last is not None and last.name == "sigmoid" else 0.0


def outputs_of(model: Callable[[list[Any]], Any], x: list[Value]) -> list[Value]:
    """The outputs of a model for one data point, as a list.

    Raises:
        TypeError: it gives something else than Values.
        TypeError, ValueError: it does not take as many inputs.
    """
    try:
        y = model(x)
    except (TypeError, ValueError) as error:
        what = f"the {len(x)} numbers of X[0]"
        if len(x) == 1:
            what = "X[0], one number (one data point of several is a row: [[x_1, x_2, ...]])"
        raise type(error)(f"the model was called with {what}: {error}") from error
    outputs = [y] if isinstance(y, Value) else list(y) if hasattr(y, "__iter__") else []
    if not outputs or not all(isinstance(y_k, Value) for y_k in outputs):
        raise TypeError(f"a model gives a Value or a list of Values, not {show(y)}")
    return outputs
