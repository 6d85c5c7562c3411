"""What a change of a weight does to E, for all weights of a unit and all data points at once.

A weight w_ji changes nothing but a_j, what follows from it in the unit j, and the outputs that
the unit sends to; so E(w_ji + h) is evaluated from a_j + h z_i on, with everything before and
beside it as it was. The functions and sums are NumPy's, and the weighted sums matrix products.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backprop import Matrix, Vector, Weights

AT_ONCE = 2**18  # numbers in an array, which stays in the processor's caches
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "logistic": lambda a: 1.0 / (1.0 + np.exp(-a)),
    "sigmoid": lambda a: 1.0 / (1.0 + np.exp(-a)),
    "tanh": np.tanh,
}
_Array = NDArray[np.float64]


class WeightChanges:
    """The error of a two-layer network on some data points, as its weights change one by one.

    Args:
        weights, inputs, targets, activation: as in ``CentralDifferences``, which makes it.

    >>> changes = WeightChanges([[[0.0, 1.0]], [[0.0, 4.0]]], [[2.0]], [[1.0]], "tanh")
    >>> derivatives = changes.central_differences(1, 0, [0.0, 4.0], [1e-5, 1e-5])
    >>> [round(derivative, 8) for derivative in derivatives]  # delta_k z_j
    [2.85611032, 2.75336912]
    """

    def __init__(self, weights: Weights, inputs: Matrix, targets: Matrix, activation: str) -> None:
        self._h = ACTIVATIONS[activation]
        w1, self._w2 = (np.array(matrix, float) for matrix in weights)
        x, t = (np.array(rows, float).T.copy() for rows in (inputs, targets))
        with np.errstate(all="ignore"):
            self._a = w1[:, :1] + w1[:, 1:] @ x
            self._z = self._h(self._a)
            self._residuals = self._w2[:, :1] + self._w2[:, 1:] @ self._z - t  # y_k - t_k
        self._inputs = x, self._z

    def central_differences(self, layer: int, j: int, w_j: Vector, steps: Vector) -> list[float]:
        """(E(w_ji + h) - E(w_ji - h)) / 2h for each weight of unit j of a layer, both from 0.

        Args:
            layer, j: the unit.
            w_j: its bias and weights.
            steps: h for each of them.
        """
        w, h = np.array(w_j, float), np.array(steps)
        right, left = w + h, w - h
        below = self._inputs[layer]
        n = max(AT_ONCE // below.shape[1], 1)
        found = np.empty(len(w))
        with np.errstate(all="ignore"):
            for start in range(0, len(w), n):
                part = slice(start, start + n)
                z = below[max(start - 1, 0) : start + n - 1]
                if start == 0:  # z_0 = 1, of the bias
                    z = np.vstack([np.ones(z.shape[1]), z])
                above, under = (
                    self._errors(layer, j, (moved[part] - w[part])[:, np.newaxis] * z)
                    for moved in (right, left)
                )
                found[part] = (above - under).sum(axis=1)  # sum_n of each E_n's change
        return [*(found / (right - left)).tolist()]

    def _errors(self, layer: int, j: int, change: _Array) -> _Array:
        """E_n of each data point, where a_j of the unit is changed by so much."""
        sent: Any
        if layer == 1:
            sent, change_of_y = [float(k == j) for k in range(len(self._w2))], change
        else:
            sent = self._w2[:, 1 + j]
            change_of_y = self._h(self._a[j] + change) - self._z[j]
        errors: _Array = np.zeros(change.shape)
        for w_kj, residual in zip(sent, self._residuals):
            errors += 0.5 * (residual + w_kj * change_of_y) ** 2
        return errors
