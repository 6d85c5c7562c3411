"""E_n, the error of a model at one data point: the loss of its outputs, as a program.

The number that training makes small is the sum of E_n over all data points, or their mean.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from ..engine import Value
from ..modes import changed
from ..numeric import show
from ..program import Program
from .classes import class_names, numbered
from .data import Table, tables
from .losses import Loss, binary_cross_entropy, cross_entropy, sum_of_squares
from .one_graph import compiled
from .predicting import outputs_of


class Model(Protocol):
    """What can be trained: an MLP, or a Module of one's own."""

    def __call__(self, x: list[Any], /) -> Any:
        """The outputs, a Value or a list of Values, for D inputs."""

    def parameters(self) -> list[Value]:
        """The weights, leaves."""


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
