"""The book's further matter: the Jacobian and the Hessian of a network, several ways."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp.book.derivative_matrices import (
    central_differences,
    exact_hessian,
    hessian_table,
    jacobian_by_backpropagation,
    jacobian_table,
    outer_product_hessian,
    outputs,
)
from micrograd_bp.book.worked_example import INPUTS, TARGETS, WEIGHTS
from micrograd_bp.transforms import jacobian

numbers = st.floats(-2.0, 2.0)


@st.composite
def two_layer_networks(draw):
    d, m, k = (draw(st.integers(1, 4)) for _ in range(3))

    def matrix(rows, columns):
        row = st.lists(numbers, min_size=columns, max_size=columns)
        return draw(st.lists(row, min_size=rows, max_size=rows))

    return [matrix(m, 1 + d), matrix(k, 1 + m)], matrix(2, d), matrix(2, k)


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
@given(network=two_layer_networks())
def test_the_jacobian_is_the_same_by_backpropagation_both_modes_and_differences(
    hidden, network
) -> None:
    weights, (x, _), _ = network

    def f(x):
        return outputs(weights, x, hidden)

    by_hand = jacobian_by_backpropagation(weights, x, hidden)
    for mode in ("forward", "reverse"):
        assert np.allclose(jacobian(f, mode=mode)(x), by_hand, rtol=1e-12, atol=1e-13)
    assert np.allclose(central_differences(f, x), by_hand, atol=1e-7)


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
@given(network=two_layer_networks())
def test_outer_products_leave_out_what_the_errors_contribute(hidden, network) -> None:
    """Exact where every y_k = t_k; else off by the errors times the second derivatives."""
    weights, inputs, targets = network
    fitted = [outputs(weights, x, hidden) for x in inputs]
    approximation = outer_product_hessian(weights, inputs, hidden)
    at_fit = exact_hessian(weights, inputs, fitted, hidden)
    assert np.allclose(at_fit, approximation, rtol=1e-11, atol=1e-11)
    assert np.linalg.eigvalsh(approximation).min() > -1e-9
    exact = np.array(exact_hessian(weights, inputs, targets, hidden))
    assert np.allclose(exact, exact.T, rtol=1e-12, atol=1e-12)
    # by the output weights y_k is linear, so that nothing is left out
    n = sum(map(len, weights[0]))
    assert np.allclose(exact[n:, n:], np.array(approximation)[n:, n:], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
def test_the_worked_hessian(hidden) -> None:
    print(hessian_table(WEIGHTS, INPUTS, TARGETS, hidden))
    rows = hessian_table(WEIGHTS, INPUTS, TARGETS, hidden).splitlines()
    n = 9 + 8
    assert len(rows) == 1 + n * (n + 1) // 2
    assert rows[0].split() == ["entry", "exact", "differences", "outer", "products"]
    for row in rows[1:]:
        *_, exact, difference, _ = row.split()
        assert math.isclose(float(exact), float(difference), rel_tol=1e-6, abs_tol=1e-8)


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
def test_the_worked_jacobian(hidden) -> None:
    for x in INPUTS:
        print(jacobian_table(WEIGHTS, x, hidden))
        header, *rows = jacobian_table(WEIGHTS, x, hidden).splitlines()
        assert header.split()[0] == "entry"
        assert [row.split()[0] for row in rows] == [
            "dy_1/dx_1",
            "dy_1/dx_2",
            "dy_2/dx_1",
            "dy_2/dx_2",
        ]
        for row in rows:
            first, *others = map(float, row.split()[1:])
            assert others == pytest.approx([first] * 3, rel=1e-7)
