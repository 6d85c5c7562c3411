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

For each weight E is evaluated twice. Of few weights and data points all of it is, by the equations
on floats; of many what depends on the weight, from a_j on, by NumPy (weight_changes.py).
"""

import math
from array import array
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import chain
from sys import float_info
from typing import Any

from ..numeric import central_difference, sum_in_order
from .backprop import (
    ACTIVATIONS,
    ForwardPass,
    Matrix,
    Vector,
    Weights,
    forward_propagation,
    hidden_errors,
    output_errors,
    pre_activation,
    sum_of_squares,
    total_error,
)
from .columns import numbers, over_points

STEP = float_info.epsilon ** (1 / 3)  # h of a central difference, in natural steps: 6.1e-6
ROUNDING_TOLERANCE = 1e-12
DIFFERENCE_TOLERANCE = 10 * STEP**2  # 3.7e-10
MANY = 2**20  # weights times weights times data points: some tenth of a second on floats


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
        sums = [sum_in_order(map(abs, w_k)) for w_k in weights[1]]

        squares, rounding = array("d"), array("d")  # of each data point

        def sizes(x: Vector, t: Vector) -> list[list[float]]:
            """The largest z_i of each layer, and the largest S_k."""
            forward = forward_propagation(weights, x, activation)
            delta_k = output_errors(forward, t)
            delta_j = hidden_errors(forward.z[0], weights[1], delta_k, activation)
            s = [abs(t_k) + total for t_k, total in zip(t, sums)]
            for s_k in s:
                squares.extend(numbers(0.5 * s_k * s_k))
            for delta, w_j in zip(delta_j, weights[0]):
                rounding.extend(numbers(abs(delta) * terms_scale(w_j, x)))
            z = ((1.0, *z) for z in forward.inputs)  # z_0 = 1
            return [[max(map(abs, numbers(size))) for size in some] for some in (*z, s)]

        largest = zip(*over_points(sizes, weights, inputs, targets))
        *self._largest, s = ([*map(max, zip(*some))] for some in largest)
        # below the least normal float E loses digits
        self.scale: float = math.fsum(squares) + math.fsum(rounding) + float_info.min
        self.unit_steps = [1.0] * len(weights[0]), [s_k or 1.0 for s_k in s]
        self._changes: Any = None
        if len(inputs) * sum(map(len, chain(*weights))) ** 2 > MANY:
            from .weight_changes import WeightChanges

            self._changes = WeightChanges(weights, inputs, targets, activation)

    def by_pre_activation(self, layer: int, j: int) -> tuple[float, float]:
        """dE_n/da_j of unit j of a layer, both from 0, for the first data point; its scale."""
        forward, t = self._first, self._targets[0]
        a, h = forward.a[layer], ACTIVATIONS[self._activation if layer == 0 else "linear"].h

        def error(a_j: float) -> float:
            z = [h(v) for v in _replaced(a, j, a_j)]
            y = z if layer == 1 else forward_propagation(self._weights[1:], z).y
            return sum_of_squares(y, t)

        (h_j,), (scale,) = self._steps_and_scales([self.unit_steps[layer][j]], [a[j]])
        return central_difference(error, a[j], h_j), scale

    @cached_property
    def _first(self) -> ForwardPass:
        return forward_propagation(self._weights, self._inputs[0], self._activation)

    def by_weights(self, layer: int, j: int) -> tuple[Vector, Vector]:
        """dE/dw_ji of unit j of a layer, both from 0, for each i from 0, the bias; their scales."""
        w_j = self._weights[layer][j]
        step = self.unit_steps[layer][j]
        natural_steps = [step / (z_i if z_i > 1e-100 else 1.0) for z_i in self._largest[layer]]
        steps, scales = self._steps_and_scales(natural_steps, w_j)
        if self._changes:
            return self._changes.central_differences(layer, j, w_j, steps), scales
        errors = (partial(self._error, layer, j, i) for i in range(len(w_j)))
        return [*map(central_difference, errors, w_j, steps)], scales

    def _error(self, layer: int, j: int, i: int, w_ji: float) -> float:
        w_j = _replaced(self._weights[layer][j], i, w_ji)
        weights = _replaced(self._weights, layer, _replaced(self._weights[layer], j, w_j))
        return total_error(weights, self._inputs, self._targets, self._activation)

    def _steps_and_scales(self, natural_steps: Vector, at: Vector) -> tuple[Vector, Vector]:
        """h of the differences there, and the scales of the derivatives."""
        h = [max(STEP * step, math.ulp(v)) for step, v in zip(natural_steps, at)]  # v + h is not v
        scales = [self.scale / step for step in natural_steps]
        if not all(map(math.isfinite, scales)):  # against an infinite scale nothing would disagree
            raise OverflowError("the scale of a central difference is beyond the largest float")
        return h, scales


def terms_scale(w_j: Vector, x: Vector) -> float:
    """|w_j0| + sum_i |w_ji x_i|: the size of the terms that add up to a_j.

    >>> terms_scale([-1.0, 2.0], [-3.0])
    7.0
    """
    return pre_activation([abs(w_ji) for w_ji in w_j], [abs(x_i) for x_i in x])


def _replaced(items: Sequence[Any], index: int, item: Any) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]
