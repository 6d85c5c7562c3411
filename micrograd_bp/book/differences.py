"""Central differences of the error of a two-layer network, and how exact they are.

dE/dv = (E(v + h) - E(v - h)) / 2h + O(h^2), for a weight, a hidden a_j or an output y_k as v, on
plain floats. How far may this be from the derivative? The difference is measured in scales:

    the scale of y_k        S_k = |t_k| + sum_j |w_kj|, as |z_j| <= 1
    the scale of E          sum_n (sum_k S_k^2 / 2 + sum_j |delta_j| sum_i |w_ji x_i|)
                            (the second sum is what a rounding error of a_j does to E)
    the natural step of v   what takes an a_j through 1, as a sigmoid changes over distances of 1,
                            or a y_k through S_k
    the scale of dE/dv      the scale of E over the natural step of v

With h = eps^(1/3) natural steps the rounding error is eps/h = eps^(2/3) = 3.7e-11 of the scale.
The truncation error is of h^2 = eps^(2/3) again: E, as a function of a complex a_j, stays within
a few of its scales for a natural step, and so does its third derivative (Cauchy's estimate). The
tolerance is ten times eps^(2/3); in some 400 random networks, with weights of 1e-3 to 3e2 and
inputs and targets of 1e-6 to 1e6, no difference was above 1.3 times. Two ways that compute a
derivative by the same equation, as autograd does, differ by rounding alone, on this scale by
some eps = 2.2e-16.
"""

import math
from collections.abc import Callable, Sequence
from sys import float_info
from typing import Any

from ..numeric import central_difference, sum_in_order
from .backprop import (
    ACTIVATIONS,
    Matrix,
    Vector,
    Weights,
    backpropagation,
    forward_propagation,
    pre_activation,
    sum_of_squares,
    total_error,
)

STEP = float_info.epsilon ** (1 / 3)  # h of a central difference, in natural steps: 6.1e-6
ROUNDING_TOLERANCE = 1e-12
DIFFERENCE_TOLERANCE = 10 * STEP**2  # 3.7e-10


class CentralDifferences:
    """Central differences of the error of some data points, each with its scale.

    Args:
        weights: the matrices w1 and w2, each row a unit's bias and weights.
        inputs: x, one row a data point.
        targets: t, likewise.
        activation: h of the hidden units, "logistic" or "tanh".

    Attributes:
        scale: the scale of the error E.
        unit_steps: the natural steps of the a_j, and of the y_k.

    Raises:
        ValueError: the shapes do not match, or h is not known.
        OverflowError: the scale is beyond the largest float.

    >>> weights = [[[0.0, 1.0]], [[0.0, 4.0]]]
    >>> differences = CentralDifferences(weights, [[0.0]], [[1.0]], "logistic")
    >>> derivative, scale = differences.by_pre_activation(layer=0, j=0)
    >>> round(derivative, 9)  # h'(0) w_kj delta_k
    1.0
    """

    def __init__(self, weights: Weights, inputs: Matrix, targets: Matrix, activation: str) -> None:
        self._weights, self._inputs, self._targets = weights, inputs, targets
        self._activation = activation
        self._forward = [forward_propagation(weights, x, activation) for x in inputs]
        sums = [sum_in_order(map(abs, w_k)) for w_k in weights[1]]
        scales = [[abs(t_k) + total for t_k, total in zip(t, sums)] for t in targets]
        deltas = [
            backpropagation(weights, x, t, activation).deltas[0] for x, t in zip(inputs, targets)
        ]
        rounding = math.fsum(
            abs(delta_j) * terms_scale(w_j, x)
            for x, delta in zip(inputs, deltas)
            for delta_j, w_j in zip(delta, weights[0])
        )
        squares = math.fsum(0.5 * s_k * s_k for s in scales for s_k in s)
        self.scale = squares + rounding + float_info.min  # below which E loses digits
        self.unit_steps = [1.0] * len(weights[0]), [max(s) or 1.0 for s in zip(*scales)]

    def by_pre_activation(self, layer: int, j: int) -> tuple[float, float]:
        """dE_n/da_j of unit j of a layer, both from 0, for the first data point; its scale."""
        a, t = self._forward[0].a[layer], self._targets[0]
        h = ACTIVATIONS[self._activation if layer == 0 else "linear"].h

        def error(a_j: float) -> float:
            z = [h(v) for v in _replaced(a, j, a_j)]
            y = z if layer == 1 else forward_propagation(self._weights[1:], z).y
            return sum_of_squares(y, t)

        return self._difference(error, a[j], self.unit_steps[layer][j])

    def by_weight(self, layer: int, j: int, i: int) -> tuple[float, float]:
        """dE/dw_ji of unit j of a layer, both from 0, and its input i; its scale."""
        w_j = self._weights[layer][j]

        def error(w_ji: float) -> float:
            matrix = _replaced(self._weights[layer], j, _replaced(w_j, i, w_ji))
            weights = _replaced(self._weights, layer, matrix)
            return total_error(weights, self._inputs, self._targets, self._activation)

        largest = max(abs((1.0, *forward.inputs[layer])[i]) for forward in self._forward)
        step = self.unit_steps[layer][j] / (largest if largest > 1e-100 else 1.0)
        return self._difference(error, w_j[i], step)

    def _difference(
        self, error: Callable[[float], float], v: float, natural_step: float
    ) -> tuple[float, float]:
        h = max(STEP * natural_step, math.ulp(v))  # so that v + h is not v
        scale = self.scale / natural_step
        if not math.isfinite(scale):  # against an infinite scale nothing would disagree
            raise OverflowError("the scale of a central difference is beyond the largest float")
        return central_difference(error, v, h), scale


def terms_scale(w_j: Vector, x: Vector) -> float:
    """|w_j0| + sum_i |w_ji x_i|: the size of the terms that add up to a_j.

    >>> terms_scale([-1.0, 2.0], [-3.0])
    7.0
    """
    return pre_activation([abs(w_ji) for w_ji in w_j], [abs(x_i) for x_i in x])


def _replaced(items: Sequence[Any], index: int, item: Any) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]
