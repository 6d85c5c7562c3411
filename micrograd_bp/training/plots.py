"""The book's pictures of a trained model: the regions that it tells apart, and the curve it fits.

Drawn by matplotlib, from a model as ``fit`` trains it, or an estimator with scikit-learn's
interface (Bishop & Bishop, Deep Learning, 2024, sections 1.2 and 5.1 have such pictures).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numeric import show
from .columns import by_name
from .data import Table, tables
from .history import COLORS, new_axes
from .predicting import class_scores, inputs_of, predict

_Array = NDArray[Any]
_MARKERS = "osD^vP*X"


def plot_decision(model: Any, X: Any, T: Any, *, ax: Any = None, resolution: int = 200) -> Any:
    """Draw the regions of a plane that a classifier gives to each class, and data points.

    Args:
        model: a model of two inputs whose outputs are logits, an output a class, or one for two
            classes; or an estimator with ``predict`` and ``classes_``, such as a pipeline.
        X: data points, (N, 2); of a DataFrame, the columns by the names that they had in the
            training.
        T: their classes, (N,), as in the training, or (N, K) with a 1 for the class of each; or
            the name of a column of X.
        ax: the axes of matplotlib to draw on; new ones unless given.
        resolution: how many points of the plane are tried along each axis.

    Returns:
        The axes: regions in light colours, with the decision boundaries between them, and
        the data points in the colours of their own classes.

    Raises:
        ImportError: there is no matplotlib.
        ValueError: X has not two columns, or lacks one, a class in T is not one of the model's,
            or there are more classes than eight.
        TypeError: X is not made of numbers, or the estimator knows no classes, as before its
            training.

    >>> from micrograd_bp import MLP
    >>> model = MLP(2, [3, 1], hidden="tanh", seed=0)
    >>> ax = plot_decision(model, [[0, 0], [0, 1], [1, 0]], ["no", "yes", "yes"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['no', 'yes']
    """
    X, T, _ = by_name(X, T)
    X, labels = inputs_of(model, X), np.asarray(T)
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1)
    points, _ = tables("X", X, "T", np.zeros(len(labels)))
    if points.shape[1] != 2:
        raise ValueError(f"plot_decision draws a plane, of 2 inputs, not {points.shape[1]}")
    x1, x2 = (_span(points[:, i], resolution) for i in (0, 1))
    plane = np.column_stack([axis.ravel() for axis in np.meshgrid(x1, x2)])
    scores = _scores(model, _like(X, plane))
    names = getattr(model, "classes_" if _is_estimator(model) else "classes", None)
    if names is None:
        names = np.unique(labels).tolist() if scores.shape[1] == 2 else range(scores.shape[1])
        if len(names) == 1 and names[0] in (0, 1):  # all points are of the same
            names = [0, 1]
    names = [*names]
    if len(names) > len(COLORS) or len(names) != scores.shape[1]:
        raise ValueError(f"plot_decision draws 2 to {len(COLORS)} classes, not {show(names)}")
    for label in labels.tolist():
        if label not in names:
            raise ValueError(f"T has {show(label)}, which is none of the classes {show(names)}")
    ax = new_axes(ax)
    for k, name in enumerate(names):
        others = np.delete(scores, k, axis=1).max(axis=1)
        margin = (scores[:, k] - others).reshape(resolution, resolution)
        if margin.max() > 0.0:
            levels = [0.0, max(margin.max(), 1.0) * 2.0]
            ax.contourf(x1, x2, margin, levels, colors=[COLORS[k]], alpha=0.25)
        if margin.min() < 0.0 < margin.max():
            ax.contour(x1, x2, margin, [0.0], colors="0.35", linewidths=1.0)
        of_class = points[labels == name]
        ax.plot(*of_class.T, _MARKERS[k], color=COLORS[k], mec="white", mew=0.6, label=str(name))
    ax.set(xlabel=_name(X, 0), ylabel=_name(X, 1), xlim=x1[[0, -1]], ylim=x2[[0, -1]])
    ax.legend()
    return ax


def plot_fit(model: Any, X: Any, T: Any, *, ax: Any = None, resolution: int = 400) -> Any:
    """Draw what a model of one input predicts, as a curve, and data points.

    Args:
        model: a model of one input, or an estimator with ``predict``.
        X: the inputs of data points, (N,) or (N, 1); of a DataFrame, the column by the name that
            it had in the training.
        T: their targets, (N,), or (N, K) for K outputs; or names of columns of X.
        ax: the axes of matplotlib to draw on; new ones unless given.
        resolution: how many points of the curve are computed.

    Returns:
        The axes.

    Raises:
        ImportError: there is no matplotlib.
        ValueError: X has more than one column, or T another number of points, or not a column
            for each output.
        TypeError: X or T is not made of numbers.

    >>> from micrograd_bp import MLP
    >>> ax = plot_fit(MLP(1, [3, 1], seed=0), [0.0, 0.5, 1.0], [1.0, 2.0, 1.5])
    >>> ax.get_xlabel(), len(ax.lines)
    ('x', 2)
    """
    X, T, _ = by_name(X, T)
    X = inputs_of(model, X)
    inputs, targets = tables("X", X, "T", T)
    if inputs.shape[1] != 1:
        raise ValueError(f"plot_fit draws a curve, of 1 input, not {inputs.shape[1]}")
    x = _span(inputs[:, 0], resolution)
    curve = _like(X, x[:, np.newaxis])
    y = model.predict(curve) if _is_estimator(model) else predict(model, curve)
    y = np.reshape(y, (resolution, -1))
    K = targets.shape[1]
    if y.shape[1] != K:
        raise ValueError(f"T has {K} columns, and the model {y.shape[1]} outputs")
    ax = new_axes(ax)
    for k in range(K):
        color = COLORS[k % len(COLORS)] if K > 1 else COLORS[1]
        ax.plot(x, y[:, k], color=color, label=f"$y_{k + 1}$")
        points = color if K > 1 else COLORS[0]
        ax.plot(inputs[:, 0], targets[:, k], "o", mfc="none", mec=points, label=f"$t_{k + 1}$")
    if K > 1:
        ax.legend()
    x_name = _name(X, 0) if hasattr(X, "columns") else getattr(X, "name", None) or "x"
    ax.set(xlabel=x_name, ylabel=getattr(T, "name", None) or "t")
    return ax


def _is_estimator(model: Any) -> bool:
    return callable(getattr(model, "predict", None))


def _scores(model: Any, plane: Any) -> Table:
    """A number for each class, the largest that of the class that is predicted."""
    if not _is_estimator(model):
        return class_scores(model, plane)
    if not hasattr(model, "classes_"):
        raise TypeError(
            f"plot_decision draws classes, and {show(model)} has no classes_: it is no classifier,"
            " or has not been trained"
        )
    if hasattr(model, "predict_proba"):
        scores: Table = model.predict_proba(plane)
    else:
        scores = np.equal(model.predict(plane)[:, np.newaxis], model.classes_).astype(float)
    return scores


def _span(x: Table, n: int) -> Table:
    """n numbers from a little below the smallest to a little above the largest."""
    low, high = x.min(), x.max()
    margin = 0.08 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, n)


def _like(X: Any, rows: Table) -> Any:
    """The rows in a frame with the columns of X, if it is one: estimators look for the names."""
    return type(X)(rows, columns=X.columns) if hasattr(X, "columns") else rows


def _name(X: Any, i: int) -> str:
    return str(X.columns[i]) if hasattr(X, "columns") else f"$x_{i + 1}$"
