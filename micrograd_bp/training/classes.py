"""Classes: as targets, from names to numbers to 1-of-K coding, and back from what outputs say."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numeric import show
from ..program.arguments import refuse_masked
from .data import Table
from .losses import Loss, binary_cross_entropy, cross_entropy, hinge

OF_CLASSES = (cross_entropy, binary_cross_entropy, hinge)  # what limits the targets


def class_names(T: Any, loss: Loss) -> list[Any] | None:
    """The names of the classes, if T has such: pandas' categories in order, or strings, sorted."""
    if loss not in OF_CLASSES:
        return None
    refuse_masked("names of T", T)
    categories = getattr(getattr(T, "dtype", None), "categories", None)
    if categories is not None:
        return [*categories.tolist()]
    if getattr(getattr(T, "dtype", None), "kind", "O") in "biuf":
        return None
    labels = _labels(T)
    if labels.ndim != 1 or not any(isinstance(x, str) for x in labels):
        return None
    for n, x in enumerate(labels):
        if not isinstance(x, str):
            raise TypeError(
                f"T[{n}] is {show(x)}, and others are names: leave the data point out, or name it"
            )
    return sorted({str(x) for x in labels})


def numbered(name: str, T: Any, loss: Loss, names: list[Any]) -> Any:
    """Classes that go by names, as the numbers that the loss takes.

    Raises:
        ValueError: a name is none of those there are, or they are not two for a loss of two.
    """
    if loss is not cross_entropy and len(names) != 2:
        raise ValueError(
            f"{loss.__name__} is for two classes, and {name} has {len(names)}, {names}: take"
            " cross_entropy, and a model of an output for each"
        )
    number, labels = {label: k for k, label in enumerate(names)}, _labels(T).tolist()
    for n, label in enumerate(labels):
        if label not in number:
            raise ValueError(f"{name}[{n}] is {show(label)}, which is none of the classes {names}")
    codes = np.array([number[label] for label in labels])
    return 2 * codes - 1 if loss is hinge else codes


def _labels(T: Any) -> NDArray[Any]:
    labels = np.asarray(T, dtype=object)
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def coded(name: str, T: Table, loss: Loss | None, n_outputs: int) -> Table:
    """The targets as inputs of the program: classes in 1-of-K coding. All are checked."""
    if loss in OF_CLASSES:
        _, rows = np.unique(T, axis=0, return_index=True)
        for n in sorted(rows.tolist()):
            t = T[n].tolist()
            try:
                loss([0.0] * n_outputs, t if len(t) > 1 else t[0])
            except ValueError as error:
                raise ValueError(f"{name}[{n}]: {error}") from error
    return in_columns(T, loss, n_outputs)


def in_columns(T: Table, loss: Loss | None, n_outputs: int) -> Table:
    """One column of classes in 1-of-K coding, if the loss takes a column for each output."""
    return one_of_k(T, n_outputs) if loss is cross_entropy and T.shape[1] == 1 else T


def one_of_k(T: Table, n_classes: int) -> Table:
    """A column for each class, 1 in that of the data point's class; T is one column of classes."""
    codes: Table = np.eye(n_classes)[T[:, 0].astype(int)]
    return codes


def scores(outputs: Table, middle: float = 0.0) -> Table:
    """A column for each class, the largest that of the class; one output is of two classes.

    >>> scores(np.array([[0.5], [-2.0]])).tolist()
    [[-0.5, 0.5], [2.0, -2.0]]
    """
    if outputs.shape[1] > 1:
        return outputs
    above = outputs - middle
    return np.hstack([-above, above])


def chosen(outputs: Table, middle: float = 0.0) -> NDArray[np.intp]:
    """The number of the class of each data point."""
    found: NDArray[np.intp] = scores(outputs, middle).argmax(axis=1)
    return found
