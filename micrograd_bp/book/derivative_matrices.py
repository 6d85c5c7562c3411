"""The Jacobian of a feed-forward network, computed four ways.

J_ki = dy_k/dx_i by backpropagation on plain floats, by reverse mode, by forward mode and by
central differences (Bishop & Bishop, Deep Learning, 2024, section 8.1; Bishop, PRML, 2006,
section 5.3). The networks are those of backprop.py: ``weights[l][j][i]``, i = 0 the bias,
sigmoidal hidden units, linear outputs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine import dot
from ..nn import ACTIVATIONS
from ..numeric import sum_in_order
from ..testing.finite_differences import finite_difference
from ..text.numbers import significant
from ..text.tables import TextTable
from ..transforms import jacobian
from ..transforms.nested import leaves
from .backprop import Vector, Weights, forward_propagation, hidden_errors


def outputs(weights: Any, x: Sequence[Any], hidden: str = "logistic") -> list[Any]:
    """The outputs y_k of the network, on floats or Values.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        x: the inputs.
        hidden: h of the hidden units, a key of ``nn.ACTIVATIONS``.

    Raises:
        ValueError: the shapes do not match.
        KeyError: h is not known.

    >>> outputs([[[0.0, 1.0]], [[1.0, 2.0]]], [0.0])
    [2.0]
    """
    z = list(x)
    for layer, matrix in enumerate(weights, start=1):
        a = [dot(w_j[1:], z, w_j[0]) for w_j in matrix]
        z = a if layer == len(weights) else [ACTIVATIONS[hidden](a_j) for a_j in a]
    return z


def jacobian_by_backpropagation(
    weights: Weights, x: Vector, hidden: str = "logistic"
) -> list[list[float]]:
    """J_ki = sum_j w_ji dy_k/da_j, with dy_k/da_j = h'(a_j) sum_l w_lj dy_k/da_l from above.

    One backward pass an output, from dy_k/da_l = 1 for l = k, else 0 (linear outputs).

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        x: the inputs.
        hidden: h of the hidden units, "logistic" or "tanh".

    Raises:
        ValueError: the shapes do not match, or h is not known.

    >>> jacobian_by_backpropagation([[[0.0, 1.0]], [[1.0, 2.0]]], [0.0])
    [[0.5]]
    """
    forward = forward_propagation(weights, x, hidden)
    rows = []
    for k in range(len(weights[-1])):
        deltas = [float(index == k) for index in range(len(weights[-1]))]
        for layer in range(len(weights) - 1, 0, -1):
            deltas = hidden_errors(forward.z[layer - 1], weights[layer], deltas, hidden)
        rows.append(
            [
                sum_in_order(w_j[i] * delta_j for w_j, delta_j in zip(weights[0], deltas))
                for i in range(1, len(x) + 1)
            ]
        )
    return rows


def jacobian_table(weights: Weights, x: Vector, hidden: str = "logistic") -> str:
    """dy_k/dx_i by backpropagation, reverse mode, forward mode and differences, side by side.

    Args:
        weights, x, hidden: as for ``jacobian_by_backpropagation``.

    Raises:
        ValueError: the shapes do not match, or h is not known.

    >>> print(jacobian_table([[[0.1, 0.4, -0.6]], [[0.2, 0.9]]], [0.5, -1.0]))
    entry      backpropagation  reverse mode  forward mode  differences
    dy_1/dx_1      0.073980111   0.073980111   0.073980111  0.073980111
    dy_1/dx_2      -0.11097017   -0.11097017   -0.11097017  -0.11097017
    """
    x, n_outputs = list(x), len(weights[-1])

    def output(k: int) -> Callable[[Vector], float]:
        return lambda x: forward_propagation(weights, x, hidden).y[k]

    differences = [finite_difference(output(k), x) for k in range(n_outputs)]
    ways = {
        "backpropagation": jacobian_by_backpropagation(weights, x, hidden),
        "reverse mode": jacobian(lambda x: outputs(weights, x, hidden), mode="reverse")(x),
        "forward mode": jacobian(lambda x: outputs(weights, x, hidden), mode="forward")(x),
        "differences": differences,
    }
    entries = [f"dy_{k}/dx_{i}" for k in range(1, n_outputs + 1) for i in range(1, len(x) + 1)]
    return _table(entries, ways)


def _table(entries: Iterable[str], ways: dict[str, list[list[float]]]) -> str:
    numbers = zip(*(leaves(matrix) for matrix in ways.values()))
    rows = [[entry, *(significant(x, 8) for x in row)] for entry, row in zip(entries, numbers)]
    return TextTable("l" + "r" * len(ways), rows, headings=["entry", *ways]).text()
