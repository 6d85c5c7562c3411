"""Error backpropagation by hand: the equations of a feed-forward network, on plain floats.

Each line that computes stands beside the equation that it is (Bishop & Bishop, Deep Learning,
2024, section 8.1; Bishop, PRML, 2006, section 5.3). Nothing here differentiates automatically:
these are the numbers that autograd has to reproduce.

The weights are one matrix a layer, and a matrix is one row a unit: ``weights[l][j - 1][i]`` is
the book's w_ji of layer l + 1, and i = 0 is the bias w_j0, whose input is z_0 = 1. Each x_i and
t_k is a number, or a column with one number a data point (columns.py), as are then all a_j, z_j
and delta_j.
"""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from ..numeric import sum_in_order
from .columns import add_on, is_column, numbers, of_each, over_points

Vector = Sequence[float]
Matrix = Sequence[Vector]
Weights = Sequence[Matrix]


@dataclass(frozen=True)
class Activation:
    """An activation function z = h(a).

    Attributes:
        h: z from a.
        derivative: h'(a), from z, as the book writes it. (The engine takes h'(a) from a: 1 - z
            has few digits left where z is near 1, and none from a = 37 on.)

    >>> tanh = Activation(math.tanh, lambda z: 1.0 - z * z)
    >>> z = tanh.h(1.0)
    >>> round(tanh.derivative(z), 6)
    0.419974
    """

    h: Callable[[float], float]
    derivative: Callable[[float], float]


def logistic(a: float) -> float:
    """The logistic sigmoid 1 / (1 + exp(-a)).

    Args:
        a: the pre-activation, a number; no a overflows.

    >>> logistic(0.0), logistic(-1000.0)
    (0.5, 0.0)
    """
    if a < 0.0:  # exp(-a) could overflow
        return math.exp(a) / (1.0 + math.exp(a))
    return 1.0 / (1.0 + math.exp(-a))


LOGISTIC = Activation(logistic, lambda z: z * (1.0 - z))
ACTIVATIONS = {
    "logistic": LOGISTIC,
    "sigmoid": LOGISTIC,
    "tanh": Activation(math.tanh, lambda z: 1.0 - z * z),
    "linear": Activation(lambda a: a, lambda z: 1.0),
}
SIGMOIDAL = ("logistic", "tanh")  # what the book means by sigmoidal: the two readings


@dataclass(frozen=True)
class ForwardPass:
    """What forward propagation computes for one data point.

    Attributes:
        x: the inputs x_1, x_2, ...
        a: the pre-activations, ``a[l][j - 1]`` those of the units with weights ``weights[l]``.
        z: the activations, likewise.

    >>> forward_propagation([[[0.5, 1.0]], [[1.0, 2.0]]], [-0.5])
    ForwardPass(x=[-0.5], a=[[0.0], [2.0]], z=[[0.5], [2.0]])
    """

    x: list[float]
    a: list[list[float]]
    z: list[list[float]]

    @property
    def inputs(self) -> list[list[float]]:
        """The z_i that each layer receives: the data x for the first."""
        return [self.x, *self.z[:-1]]

    @property
    def y(self) -> list[float]:
        """The outputs y_k, the activations of the last layer."""
        return self.z[-1]


@dataclass(frozen=True)
class BackwardPass:
    """What error backpropagation computes for one data point.

    Attributes:
        deltas: the errors, ``deltas[l][j - 1]`` = dE_n/da_j.
        derivatives: dE_n/dw_ji, in the shape of the weights.

    >>> backpropagation([[[0.0, 1.0]]], x=[2.0], t=[0.5])
    BackwardPass(deltas=[[1.5]], derivatives=[[[1.5, 3.0]]])
    """

    deltas: list[list[float]]
    derivatives: list[list[list[float]]]


def forward_propagation(
    weights: Weights, x: Vector, hidden: str = "logistic", output: str = "linear"
) -> ForwardPass:
    """Propagate one data point through the network.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        x: the inputs x_1, x_2, ...
        hidden: h of the hidden units, "logistic" (or "sigmoid"), "tanh" or "linear".
        output: h of the output units, likewise.

    Returns:
        Every pre-activation and activation.

    Raises:
        ValueError: a unit has not one weight an input and a bias, or h is not known.

    >>> forward = forward_propagation([[[0.5, 1.0, -1.0]], [[1.0, 2.0]]], [0.25, 0.75])
    >>> forward.a, forward.z
    ([[0.0], [2.0]], [[0.5], [2.0]])
    """
    activations = _activations(weights, hidden, output)
    inputs = [*x] if any(map(is_column, x[:1])) else [float(x_i) for x_i in x]
    _check_shapes(weights, inputs)
    a: list[list[float]] = []
    z: list[list[float]] = []
    z_below = inputs
    for matrix, activation in zip(weights, activations):
        a.append([pre_activation(w_j, z_below) for w_j in matrix])
        z.append([of_each(activation.h, a_j) for a_j in a[-1]])  # z_j = h(a_j)
        z_below = z[-1]
    return ForwardPass(inputs, a, z)


def pre_activation(w_j: Vector, z: Vector) -> float:
    """a_j = w_j0 + sum_i w_ji z_i, added up from the bias on, left to right.

    Args:
        w_j: the bias w_j0, then the weights w_ji.
        z: the inputs z_i of the unit.

    Raises:
        ValueError: there is not one weight an input.

    >>> pre_activation([0.5, 1.0, -1.0], [2.0, 1.0])
    1.5
    """
    a_j = w_j[0]  # the bias: z_0 = 1
    for w_ji, z_i in zip(w_j[1:], z, strict=True):
        a_j += w_ji * z_i
    return a_j


def sum_of_squares(y: Vector, t: Vector) -> float:
    """E_n = 1/2 sum_k (y_k - t_k)^2, the error of one data point.

    Args:
        y: the outputs.
        t: the targets.

    Raises:
        ValueError: there are not as many targets as outputs.
        OverflowError: the error is beyond the largest float, or no number at all.

    >>> sum_of_squares([1.0, 2.0], [0.0, 0.0])
    2.5
    """
    _check_targets(y, t)
    error = 0.5 * sum_in_order((y_k - t_k) * (y_k - t_k) for y_k, t_k in zip(y, t))
    if not all(map(math.isfinite, numbers(error))):
        raise OverflowError("the sum-of-squares error is beyond the largest float, 1.8e308")
    return error


def output_errors(forward: ForwardPass, t: Vector, output: str = "linear") -> list[float]:
    """delta_k = h'(a_k) (y_k - t_k), for linear outputs y_k - t_k.

    Args:
        forward: the forward pass of the data point.
        t: its targets.
        output: h of the output units.

    Raises:
        ValueError: there are not as many targets as outputs, or h is not known.

    >>> output_errors(ForwardPass([], [[2.0]], [[2.0]]), [1.5])
    [0.5]
    """
    _check_targets(forward.y, t)
    h_prime = _activation(output).derivative
    return [h_prime(y_k) * (y_k - t_k) for y_k, t_k in zip(forward.y, t)]


def hidden_errors(
    z: Vector, weights_above: Matrix, deltas_above: Vector, hidden: str = "logistic"
) -> list[float]:
    """The backpropagation formula: delta_j = h'(a_j) sum_k w_kj delta_k.

    Args:
        z: the activations z_j of a layer of hidden units.
        weights_above: the weights w_kj of the units k that they send to, each row with its bias.
        deltas_above: the errors delta_k of those units.
        hidden: h of the hidden units.

    Raises:
        ValueError: h is not known, or the shapes do not match.

    >>> hidden_errors([0.5], [[1.0, 2.0], [1.0, 6.0]], [1.0, 0.5])
    [1.25]
    """
    if len(weights_above) != len(deltas_above) or any(len(w) != 1 + len(z) for w in weights_above):
        raise ValueError(
            f"the weights above are one row an error and one column a unit and the bias:"
            f" {len(deltas_above)} rows of {1 + len(z)}"
        )
    h_prime = _activation(hidden).derivative
    return [
        h_prime(z_j)
        * sum_in_order(w_k[j] * delta_k for w_k, delta_k in zip(weights_above, deltas_above))
        for j, z_j in enumerate(z, start=1)
    ]


def weight_derivatives(deltas: Vector, z: Vector) -> list[list[float]]:
    """dE_n/dw_ji = delta_j z_i, with z_0 = 1 for the bias.

    Args:
        deltas: the errors delta_j of a layer.
        z: the inputs z_i of that layer.

    Returns:
        One row a unit, the derivative by the bias first.

    >>> weight_derivatives([2.0], [0.5, -1.0])
    [[2.0, 1.0, -2.0]]
    """
    return [[delta_j * z_i for z_i in (1.0, *z)] for delta_j in deltas]


def backpropagation(
    weights: Weights, x: Vector, t: Vector, hidden: str = "logistic", output: str = "linear"
) -> BackwardPass:
    """Error backpropagation for one data point: its errors and derivatives, every layer.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        x: the inputs.
        t: the targets.
        hidden: h of the hidden units, "logistic" (or "sigmoid"), "tanh" or "linear".
        output: h of the output units, likewise.

    Returns:
        delta_j of every unit, and dE_n/dw_ji in the shape of the weights.

    Raises:
        ValueError: the shapes do not match, or h is not known.

    >>> backward = backpropagation([[[0.0, 1.0]], [[1.0, 2.0]]], x=[0.0], t=[1.5])
    >>> backward.deltas
    [[0.25], [0.5]]
    >>> backward.derivatives
    [[[0.25, 0.0]], [[0.5, 0.25]]]
    """
    forward = forward_propagation(weights, x, hidden, output)
    deltas = [output_errors(forward, t, output)]
    for layer in range(len(weights) - 1, 0, -1):  # from the outputs back
        z = forward.z[layer - 1]
        deltas.insert(0, hidden_errors(z, weights[layer], deltas[0], hidden))
    derivatives = [weight_derivatives(delta, z) for delta, z in zip(deltas, forward.inputs)]
    return BackwardPass(deltas, derivatives)


def total_error(
    weights: Weights,
    inputs: Matrix,
    targets: Matrix,
    hidden: str = "logistic",
    output: str = "linear",
) -> float:
    """E = sum_n E_n, over the data points.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        inputs: the inputs, one row a data point.
        targets: the targets, likewise.
        hidden: h of the hidden units.
        output: h of the output units.

    Raises:
        ValueError: the shapes do not match, or h is not known.
        OverflowError: the error is beyond the largest float, or no number at all.

    >>> total_error([[[0.0, 1.0]]], inputs=[[1.0], [2.0]], targets=[[0.0], [0.0]])
    2.5
    """
    _check_points(inputs, targets)

    def error(x: Vector, t: Vector) -> float:
        return sum_of_squares(forward_propagation(weights, x, hidden, output).y, t)

    errors = over_points(error, weights, inputs, targets)
    # exactly rounded: a central difference asks for every digit of E
    return math.fsum(chain.from_iterable(map(numbers, errors)))


def total_derivatives(
    weights: Weights,
    inputs: Matrix,
    targets: Matrix,
    hidden: str = "logistic",
    output: str = "linear",
) -> list[list[list[float]]]:
    """dE/dw_ji = sum_n dE_n/dw_ji, over the data points.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        inputs: the inputs, one row a data point.
        targets: the targets, likewise.
        hidden: h of the hidden units.
        output: h of the output units.

    Returns:
        The derivatives in the shape of the weights.

    Raises:
        ValueError: the shapes do not match, or h is not known.

    >>> total_derivatives([[[0.0, 1.0]]], inputs=[[1.0], [2.0]], targets=[[0.0], [0.0]])
    [[[3.0, 5.0]]]
    """
    _check_points(inputs, targets)
    totals = [[[0.0] * len(w_j) for w_j in matrix] for matrix in weights]

    def derivatives(x: Vector, t: Vector) -> list[list[list[float]]]:
        return backpropagation(weights, x, t, hidden, output).derivatives

    for matrices in over_points(derivatives, weights, inputs, targets):
        totals = _with_each(add_on, totals, matrices)
    return totals


def gradient_step(weights: Weights, derivatives: Weights, rate: float) -> list[list[list[float]]]:
    """A step of gradient descent: w_ji - eta dE/dw_ji, for every weight.

    Args:
        weights: one matrix a layer.
        derivatives: dE/dw_ji, in the shape of the weights.
        rate: the learning rate eta.

    Raises:
        ValueError: the shapes differ.

    >>> gradient_step([[[1.0, 2.0]]], [[[0.5, -1.0]]], rate=0.5)
    [[[0.75, 2.5]]]
    """
    if _shape(derivatives) != _shape(weights):
        raise ValueError("the derivatives need the shape of the weights, one for each weight")
    scaled = [[[-rate * d for d in row] for row in matrix] for matrix in derivatives]
    return _with_each(operator.add, weights, scaled)


def _with_each(
    f: Callable[[float, float], float], weights: Weights, others: Weights
) -> list[list[list[float]]]:
    return [[[*map(f, *rows)] for rows in zip(*matrices)] for matrices in zip(weights, others)]


def _shape(weights: Weights) -> list[list[int]]:
    return [[len(w_j) for w_j in matrix] for matrix in weights]


def _activation(name: str) -> Activation:
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation is called {name!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _activations(weights: Weights, hidden: str, output: str) -> list[Activation]:
    """h of each layer."""
    return [_activation(hidden)] * (len(weights) - 1) + [_activation(output)]


def _check_shapes(weights: Weights, x: Vector) -> None:
    if not weights:
        raise ValueError("the network has no layer: weights is empty")
    size = len(x)
    for layer, matrix in enumerate(weights, start=1):
        if not matrix:
            raise ValueError(f"layer {layer} has no unit: its matrix of weights is empty")
        for j, w_j in enumerate(matrix, start=1):
            if len(w_j) != 1 + size:
                raise ValueError(
                    f"unit {j} of layer {layer} needs {1 + size} weights, the bias and one for"
                    f" each of its {size} inputs, and has {len(w_j)}"
                )
        size = len(matrix)


def _check_targets(y: Vector, t: Vector) -> None:
    if len(y) != len(t):
        raise ValueError(f"{len(y)} outputs need as many targets, not {len(t)}")


def _check_points(inputs: Matrix, targets: Matrix) -> None:
    if len(inputs) != len(targets):
        raise ValueError(
            f"{len(inputs)} rows of inputs need as many of targets, not {len(targets)}"
        )
