"""What a model gives for data points: its outputs, by a program, and the classes that they mean."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Value
from ..modes import changed
from ..numeric import show
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
        X: the inputs, (N, D) real numbers, or (N,) for D = 1.
        classes: whether to give the class of each data point: that of the largest output; where
            there is one, the second class if it is a logit above 0, or a probability, by a
            sigmoid, above 1/2.
        threads: how many to run on.

    Returns:
        The outputs y_k of each data point, an array of shape (N, K), or (N,) for K = 1; or the
        classes, (N,): the names that ``fit`` was given, or numbers from 0.

    Raises:
        TypeError: X is not made of real numbers, or the model gives something else than Values.
        ValueError: X has not the shape that the model takes, a number in it is not finite, or
            the model does different operations for different data points.
        FloatingPointError: finite numbers gave inf or nan.

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
    found, outputs = _run(model, X, threads)
    if not classes:
        return found[:, 0] if len(outputs) == 1 else found
    numbers: NDArray[Any] = _scores(found, outputs).argmax(axis=1)
    names = getattr(model, "classes", None)
    return numbers if names is None else np.array(names)[numbers]


def class_scores(model: Callable[[list[Any]], Any], X: Any) -> Table:
    """A number for each data point and class, the largest for the class that is predicted."""
    return _scores(*_run(model, X, threads=1))


def _run(model: Callable[[list[Any]], Any], X: Any, threads: int) -> tuple[Table, list[Value]]:
    """The outputs for all data points, (N, K), and those recorded for one of them."""
    inputs = table("X", X)
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        program, outputs = compiled(lambda x: outputs_of(model, x), {"x": inputs})
    return program(inputs, threads=threads), outputs


def _scores(found: Table, outputs: list[Value]) -> Table:
    if len(outputs) > 1:
        return found
    last = outputs[0].operation
    above = found - (0.5 if last and last.name == "sigmoid" else 0.0)
    return np.hstack([-above, above])


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
