"""The book's further matter: the Jacobian of a network, several ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp.book.derivative_matrices import (
    jacobian_by_backpropagation,
    jacobian_table,
    outputs,
)
from micrograd_bp.book.worked_example import INPUTS, WEIGHTS
from micrograd_bp.testing import finite_difference
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
    for k, row in enumerate(by_hand):
        slopes = finite_difference(lambda x, k=k: f(x)[k], x, "ridders")
        assert np.allclose([slope.value for slope in slopes], row, atol=1e-7)


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
