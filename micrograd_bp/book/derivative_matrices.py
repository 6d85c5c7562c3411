"""The Jacobian and the Hessian of a feed-forward network, each computed several ways.

The Jacobian J_ki = dy_k/dx_i by backpropagation on plain floats, by reverse mode, by forward
mode and by central differences; the Hessian of the sum-of-squares error exactly, by the
outer-product approximation, and by central differences of the gradient (Bishop & Bishop, Deep
Learning, 2024, sections 8.1 and 8.2; Bishop, PRML, 2006, sections 5.3 and 5.4). The networks
are those of backprop.py: ``weights[l][j][i]``, i = 0 the bias, sigmoidal hidden units, linear
outputs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine import dot
from ..nn import ACTIVATIONS, weight_label
from ..numeric import sum_in_order
from ..text.names import read_name
from ..text.numbers import significant
from ..text.tables import TextTable
from ..transforms import hessian, jacobian
from ..transforms.nested import leaves, rebuild
from .backprop import (
    Matrix,
    Vector,
    Weights,
    forward_propagation,
    hidden_errors,
    total_derivatives,
)

STEP = 6.1e-6  # the cube root of the rounding error, best for central differences of order 1


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


def central_differences(
    f: Callable[[list[float]], Sequence[float]], x: Vector, step: float = STEP
) -> list[list[float]]:
    """df_k/dx_i = (f_k(x_i + h) - f_k(x_i - h)) / 2h + O(h^2), one row an output.

    Args:
        f: from a list of floats to the outputs, a sequence of floats.
        x: where.
        step: h, times abs(x_i) where that is above 1.

    Raises:
        ZeroDivisionError: step is 0.
        ArithmeticError, ValueError: what f raises beside x.

    >>> central_differences(lambda x: [x[0] * x[1]], [2.0, 3.0], step=0.5)
    [[3.0, 2.0]]
    """
    columns = []
    for i, x_i in enumerate(x):
        h = step * max(abs(x_i), 1.0)
        above, below = ([*x[:i], x_i + side, *x[i + 1 :]] for side in (h, -h))
        columns.append([(up - down) / (2.0 * h) for up, down in zip(f(above), f(below))])
    return [list(row) for row in zip(*columns)]


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
    x = list(x)
    ways = {
        "backpropagation": jacobian_by_backpropagation(weights, x, hidden),
        "reverse mode": jacobian(lambda x: outputs(weights, x, hidden), mode="reverse")(x),
        "forward mode": jacobian(lambda x: outputs(weights, x, hidden), mode="forward")(x),
        "differences": central_differences(lambda x: forward_propagation(weights, x, hidden).y, x),
    }
    n_outputs = len(weights[-1])
    entries = [f"dy_{k}/dx_{i}" for k in range(1, n_outputs + 1) for i in range(1, len(x) + 1)]
    return _table(entries, ways)


def exact_hessian(
    weights: Weights, inputs: Matrix, targets: Matrix, hidden: str = "logistic"
) -> list[list[float]]:
    """d2E/dw dw' of E = sum_n E_n, forward mode over reverse mode, the weights in order.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        inputs, targets: one row a data point.
        hidden: h of the hidden units, a key of ``nn.ACTIVATIONS``.

    Raises:
        ValueError: the shapes do not match.
        KeyError: h is not known.

    >>> exact_hessian([[[0.0, 1.0]]], [[2.0]], [[0.0]])
    [[1.0, 2.0], [2.0, 4.0]]
    """

    def error(flat: list[Any]) -> Any:
        matrices = rebuild(weights, flat)
        residuals = [
            y_k - t_k
            for x, t in zip(inputs, targets, strict=True)
            for y_k, t_k in zip(outputs(matrices, x, hidden), t, strict=True)
        ]
        return 0.5 * dot(residuals, residuals)

    matrix: list[list[float]] = hessian(error)(leaves(weights))
    return matrix


def outer_product_hessian(
    weights: Weights, inputs: Matrix, hidden: str = "logistic"
) -> list[list[float]]:
    """sum_n sum_k (dy_k/dw)(dy_k/dw'): the Hessian without the term of the errors y_k - t_k.

    Levenberg and Marquardt's approximation: near, where the errors are small, or the network
    nearly linear in its weights.

    Args:
        weights: one matrix a layer, each row a unit's bias and weights.
        inputs: one row a data point.
        hidden: h of the hidden units, a key of ``nn.ACTIVATIONS``.

    Raises:
        ValueError: the shapes do not match.
        KeyError: h is not known.

    >>> outer_product_hessian([[[0.0, 1.0]]], [[2.0]])
    [[1.0, 2.0], [2.0, 4.0]]
    """
    flat = leaves(weights)
    slopes = [
        row
        for x in inputs
        for row in jacobian(lambda flat, x=x: outputs(rebuild(weights, flat), x, hidden))(flat)
    ]
    return [
        [sum_in_order(b[i] * b[j] for b in slopes) for j in range(len(flat))]
        for i in range(len(flat))
    ]


def hessian_table(
    weights: Weights, inputs: Matrix, targets: Matrix, hidden: str = "logistic"
) -> str:
    """d2E/dw dw' exactly, by differences of the gradient, and by outer products, side by side.

    One row for each pair of weights. The gradient that is differenced is the one by
    backpropagation on floats.

    Args:
        weights: the matrices w1 and w2, or more, each row a unit's bias and weights.
        inputs, targets: one row a data point.
        hidden: h of the hidden units, "logistic" or "tanh".

    Raises:
        ValueError: the shapes do not match.
        KeyError, ValueError: h is not known, or has no derivative in backprop.py.

    >>> print(hessian_table([[[0.5]], [[0.2, 2.0]]], [[]], [[1.0]], hidden="tanh"))
    entry                   exact  differences  outer products
    w^(1)_10 w^(1)_10   2.2933977    2.2933977       2.4740001
    w^(1)_10 w^(2)_10   1.5728955    1.5728955       1.5728955
    w^(1)_10 w^(2)_11  0.82456578   0.82456578      0.72686198
    w^(2)_10 w^(2)_10           1            1               1
    w^(2)_10 w^(2)_11  0.46211716   0.46211716      0.46211716
    w^(2)_11 w^(2)_11  0.21355227   0.21355227      0.21355227
    """

    def gradient(flat: list[float]) -> list[float]:
        return leaves(total_derivatives(rebuild(weights, flat), inputs, targets, hidden))

    flat = leaves(weights)
    names = [
        read_name(f"w{layer}{weight_label(j, i)[1:]}").plain
        for layer, matrix in enumerate(weights, start=1)
        for j, w_j in enumerate(matrix, start=1)
        for i in range(len(w_j))
    ]
    ways = {
        "exact": exact_hessian(weights, inputs, targets, hidden),
        "differences": central_differences(gradient, flat),
        "outer products": outer_product_hessian(weights, inputs, hidden),
    }
    pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
    above = {way: [[h[i][j] for i, j in pairs]] for way, h in ways.items()}
    return _table([f"{names[i]} {names[j]}" for i, j in pairs], above)


def _table(entries: Iterable[str], ways: dict[str, list[list[float]]]) -> str:
    numbers = zip(*(leaves(matrix) for matrix in ways.values()))
    rows = [[entry, *(significant(x, 8) for x in row)] for entry, row in zip(entries, numbers)]
    return TextTable("l" + "r" * len(ways), rows, headings=["entry", *ways]).text()
