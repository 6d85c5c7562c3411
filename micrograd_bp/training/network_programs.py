"""The programs that estimators run, those of the latest shapes of networks kept.

To compile takes longer than to fit some data; and any network of a shape does the same operations.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from ..engine import Value, dot
from ..modes import changed
from ..nn import MLP
from ..program import Program
from .data import Table
from .losses import Loss
from .model_error import error_program

Shape = tuple[int, tuple[int, ...], str]  # inputs, units of each layer, activation
KEPT = 16  # shapes


def outputs_program(network: MLP, point: Table) -> Program:
    """The outputs, as recorded at a data point."""
    x = [Value(number) for number in point.tolist()]
    y = network(x)
    return Program(y if isinstance(y, list) else [y], x, network.parameters())


def penalized_error(network: MLP, loss: Loss, X: Table, T: Table) -> Program:
    """The program of w_n (E_n + c |w|^2), where c is one more target."""
    weights = [w for layer in network.layers for neuron in layer.neurons for w in neuron.w]

    def penalized(y: Any, t: list[Value]) -> Any:
        *targets, c = t
        return loss(y, targets) + c * dot(weights, weights)

    ones = np.ones((len(X), 1))
    tables = {"x": X, "t": np.hstack([T, ones]), "w": ones}
    return error_program(network, penalized, tables, network.parameters())


@lru_cache(maxsize=KEPT)
def outputs_of_shape(shape: Shape) -> Program:
    """``outputs_program`` of any network of a shape."""
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        return outputs_program(*_some_point(shape))


@lru_cache(maxsize=KEPT)
def error_of_shape(shape: Shape, loss: Loss) -> Program:
    """``penalized_error`` of any network of a shape."""
    with changed(recording=True, nonfinite_allowed=False, scope=""):
        network, x = _some_point(shape)
        return penalized_error(network, loss, x[np.newaxis], np.eye(1, shape[1][-1]))


def _some_point(shape: Shape) -> tuple[MLP, Table]:
    """A network of a shape, and a data point: always the same."""
    n_inputs, n_units, activation = shape
    return MLP(n_inputs, n_units, hidden=activation, seed=0), np.full(n_inputs, 0.5)
