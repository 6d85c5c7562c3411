"""Losses: the book's equations, at any logits; what they refuse."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_bp import MLP, Value, grad, gradient, jvp, sigmoid, topological_order
from micrograd_bp.losses import (
    LOSSES,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    mean_squared_error,
    sum_of_squares,
)
from micrograd_bp.program import Program
from micrograd_bp.program.interpreter import Executor as Interpreter

mpmath = pytest.importorskip("mpmath")
mpf = mpmath.mpf

numbers = st.floats(-1e3, 1e3)
logits = st.floats(-800.0, 800.0)
EPSILON = 2.0**-52


def close(found: float, true: Any, scale: Any = None) -> bool:
    """Within a few roundings, of the truth or of what it was added up from."""
    return abs(found - true) <= 16 * EPSILON * abs(true if scale is None else scale) + 1e-320


@st.composite
def outputs_and(draw: Any, output: Any, target: Any, least: int = 1) -> Any:
    n = draw(st.integers(least, 4))
    sized = {"min_size": n, "max_size": n}
    return draw(st.lists(output, **sized)), draw(st.lists(target, **sized))


def value_and_deltas(loss: Any, y: list[float], t: Any) -> tuple[float, list[float]]:
    outputs = [Value(y_k) for y_k in y]
    E = loss(outputs, t)
    E.backward()
    assert E.label == "E_n"
    assert loss(y, t) == E.data  # on numbers, the same
    return E.data, [output.grad for output in outputs]


@given(outputs_and(numbers, numbers))
def test_sum_of_squares_is_that_of_the_book(points) -> None:
    y, t = points
    E, deltas = value_and_deltas(sum_of_squares, y, t)
    with mpmath.workprec(200):
        assert close(E, sum((mpf(a) - mpf(b)) ** 2 for a, b in zip(y, t)) / 2)
    assert deltas == [y_k - t_k for y_k, t_k in zip(y, t)]


@given(outputs_and(numbers, numbers))
def test_mean_squared_error_is_the_mean_over_the_outputs(points) -> None:
    y, t = points
    E, deltas = value_and_deltas(mean_squared_error, y, t)
    with mpmath.workprec(200):
        assert close(E, sum((mpf(a) - mpf(b)) ** 2 for a, b in zip(y, t)) / len(y))
    assert all(close(d, 2.0 * (a - b) / len(y)) for d, a, b in zip(deltas, y, t))


@given(outputs_and(logits, st.floats(0.0, 1.0), least=2), st.integers(0, 3))
def test_cross_entropy_is_that_of_the_softmax(points, index) -> None:
    a, weights = points
    index %= len(a)
    E, deltas = value_and_deltas(cross_entropy, a, index)
    with mpmath.workprec(3000):  # e**-1600 beside 1
        sizes = [mpmath.exp(mpf(a_k)) for a_k in a]
        shares = [size / sum(sizes) for size in sizes]
        surprise = -mpmath.log(shares[index])
        assert close(E, surprise, scale=surprise * (1 + max(map(abs, a))))  # of rounded a_j - a_t
    for k, delta in enumerate(deltas):
        assert abs(delta - (shares[k] - (k == index))) <= 16 * EPSILON
    one_hot = [float(k == index) for k in range(len(a))]
    assert value_and_deltas(cross_entropy, a, one_hot) == (E, pytest.approx(deltas, abs=1e-15))
    if sum(weights) > 0.1:
        t = [weight / sum(weights) for weight in weights]
        E, deltas = value_and_deltas(cross_entropy, a, t)
        entropy = -sum(mpf(t_k) * mpmath.log(share) for t_k, share in zip(t, shares))
        assert close(E, entropy, scale=max(map(abs, a)) + 1)
        assert all(abs(d - (s - t_k)) < 1e-15 for d, s, t_k in zip(deltas, shares, t))


def program_of(a: list[float], t: list[Any]) -> Program:
    logits = [*map(Value, a)]
    inputs = [t_k for t_k in t if isinstance(t_k, Value)]
    return Program(cross_entropy(logits, t), inputs, logits)


def by_engine(a: list[float], t: list[float]) -> list[float]:
    return grad(lambda a: cross_entropy(a, t))(a)


def by_forward_mode(a: list[float], t: list[float]) -> list[float]:
    directions = np.eye(len(a)).tolist()
    return [jvp(lambda a: cross_entropy(a, t), (a,), (direction,))[1] for direction in directions]


def by_recorded_backward_pass(a: list[float], t: list[float]) -> list[float]:
    logits = [*map(Value, a)]
    return [slope.data for slope in gradient(cross_entropy(logits, t), logits)]


def by_program(a: list[float], t: list[float]) -> list[float]:
    return program_of(a, t).value_and_grad([], a)[1].tolist()


def by_program_of_targets(a: list[float], t: list[float]) -> list[float]:
    return program_of(a, [*map(Value, t)]).value_and_grad(t, a)[1].tolist()


def by_program_on_numpy(a: list[float], t: list[float]) -> list[float]:
    program: Any = program_of(a, [*map(Value, t)])
    return Interpreter(program._summed).run(np.array([t]), np.array(a))[1].tolist()


WAYS = (by_engine, by_forward_mode, by_recorded_backward_pass)
WAYS += (by_program, by_program_of_targets, by_program_on_numpy)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("certain", [1.0, 20.0, 33.0, 36.0, 40.0, 700.0])
@pytest.mark.parametrize("t", [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.25, 0.75, 0.0]])
def test_delta_of_a_certain_class_keeps_its_digits(way: Any, certain: float, t: Any) -> None:
    a = [0.0, -2.0, 1.0]
    a[t.index(max(t))] += certain
    with mpmath.workdps(400):
        sizes = [mpmath.exp(a_k) for a_k in a]
        truth = [float(size / sum(sizes) - t_k) for size, t_k in zip(sizes, t)]
    rounding = 0.0 if 1.0 in t else 1e-16  # y_k - 0.75 is a difference
    assert way(a, t) == pytest.approx(truth, rel=2e-15, abs=rounding)


def test_a_class_and_its_probabilities_have_the_same_deltas_by_bits() -> None:
    a = [0.0, 33.0, -2.0]
    assert value_and_deltas(cross_entropy, a, 1) == value_and_deltas(cross_entropy, a, [0, 1, 0])


def test_cross_entropy_has_its_derivatives_by_the_targets() -> None:
    a = [0.5, 2.0, -1.0]
    for t in ([0.0, 1.0, 0.0], [0.2, 0.6, 0.2], [0.5, 0.3, 0.2]):  # along sum_k t_k = 1
        _, slope = jvp(lambda t: cross_entropy(a, t), (t,), ([0.25, -0.5, 0.25],))
        assert slope == pytest.approx(-(0.25 * a[0] - 0.5 * a[1] + 0.25 * a[2]), rel=1e-14)


@given(outputs_and(logits, st.floats(0.0, 1.0) | st.sampled_from([0.0, 1.0])))
def test_binary_cross_entropy_is_that_of_the_sigmoid(points) -> None:
    a, t = points
    E, deltas = value_and_deltas(binary_cross_entropy, a, t)
    with mpmath.workprec(3000):
        y = [1 / (1 + mpmath.exp(-mpf(a_k))) for a_k in a]
        terms = [
            -t_k * mpmath.log(y_k) - (1 - mpf(t_k)) * mpmath.log(1 - y_k) for t_k, y_k in zip(t, y)
        ]
        assert close(E, sum(terms))
        for delta, y_k, t_k in zip(deltas, y, t):
            exact = y_k - t_k
            assert close(delta, exact, scale=abs(exact) if t_k in (0.0, 1.0) else 1)


@given(outputs_and(numbers, st.sampled_from([-1, 1])))
def test_hinge_is_linear_below_the_margin_and_zero_above(points) -> None:
    y, t = points
    E, deltas = value_and_deltas(hinge, y, t)
    margins = [1.0 - t_k * y_k for y_k, t_k in zip(y, t)]
    assert close(E, math.fsum(max(0.0, margin) for margin in margins))
    assert deltas == [-t_k if margin > 0.0 else 0.0 for t_k, margin in zip(t, margins)]


@pytest.mark.parametrize(
    ("loss", "y", "t", "E"),
    [
        (cross_entropy, [1000.0, -1000.0], 0, 0.0),
        (cross_entropy, [1000.0, -1000.0], 1, 2000.0),
        (cross_entropy, [1e6, 1e6 - 1.0], 0, math.log1p(math.exp(-1.0))),
        (cross_entropy, [60.0, 0.0], 0, math.exp(-60.0)),
        (binary_cross_entropy, 1000.0, 1, 0.0),
        (binary_cross_entropy, 1000.0, 0, 1000.0),
        (binary_cross_entropy, -60.0, 0, math.exp(-60.0)),
        (hinge, 1.0, 1, 0.0),
        (sum_of_squares, 3.0, 1, 2.0),
    ],
)
def test_values_where_formulas_overflow_or_cancel(loss, y, t, E) -> None:
    assert loss(y, t) == pytest.approx(E, rel=1e-15)


def test_delta_of_a_network_is_y_minus_t() -> None:
    model = MLP(2, [3, 2], hidden="sigmoid", seed=0)
    y = model([0.5, -1.0])
    sum_of_squares(y, [1.0, 0.0]).backward()
    assert [y_k.grad for y_k in y] == [y[0].data - 1.0, y[1].data - 0.0]


@pytest.mark.parametrize("shape", [np.array, tuple, list])
def test_outputs_and_targets_may_be_lists_tuples_or_arrays(shape) -> None:
    y = [Value(0.5), Value(1.5)]
    assert sum_of_squares(shape(y), shape([0.5, 0.5])).data == 0.5
    assert cross_entropy(shape(y), np.int64(1)).data == cross_entropy(shape(y), 1.0).data


@pytest.mark.parametrize(
    ("loss", "t"),
    [
        (sum_of_squares, [0.5, -1.0, 2.0]),
        (mean_squared_error, [0.5, -1.0, 2.0]),
        (cross_entropy, [0.0, 1.0, 0.0]),
        (binary_cross_entropy, [0.0, 1.0, 0.25]),
        (hinge, [1.0, -1.0, 1.0]),
    ],
)
def test_a_loss_compiles_with_its_targets_as_inputs(loss, t) -> None:
    y = [Value(0.1 * k, f"y_{k}") for k in range(3)]
    targets = [Value(t_k) for t_k in t]
    program = Program(loss(y, targets), inputs=targets, parameters=y)
    at = [0.3, -2.0, 0.7]
    other = t[::-1]
    error, deltas = program.value_and_grad(other, at)
    assert (error, list(deltas)) == (
        pytest.approx(loss(at, other), rel=1e-14),
        pytest.approx(value_and_deltas(loss, at, other)[1], rel=1e-13, abs=1e-15),
    )


def test_every_node_of_a_loss_that_can_fail_has_a_label() -> None:
    for name, loss in LOSSES.items():
        y = [Value(0.5, "y_1"), Value(0.25, "y_2")]
        t = 1 if name == "cross_entropy" else [1.0, 1.0]
        unnamed = [n for n in topological_order(loss(y, t)) if n.parents and not n.label]
        assert {n.operation.name for n in unnamed} <= {"neg", "mul", "relu", "fsum"}, name


def test_labels_call_the_outputs_what_the_network_calls_them() -> None:
    y = [Value(0.5, "y_1"), Value(0.25, "y_2")]
    surprises = {n.label: n.data for n in topological_order(binary_cross_entropy(y, [1.0, 0.0]))}
    for y_k in y:
        p = sigmoid(y_k.data)
        assert surprises[f"-ln sigmoid({y_k.label})"] == pytest.approx(-math.log(p))
        assert surprises[f"-ln(1 - sigmoid({y_k.label}))"] == pytest.approx(-math.log(1.0 - p))
    margins = [n.label for n in topological_order(cross_entropy(y, 1)) if " - " in n.label]
    assert margins == ["y_1 - y_t"]  # that of the target is 0, and no difference


@pytest.mark.parametrize(
    ("loss", "y", "t", "error", "message"),
    [
        (sum_of_squares, [1.0, 2.0], [1.0], ValueError, "1 for 2.*outputs .1.0, 2.0."),
        (mean_squared_error, [1.0], [1.0, 3.0], ValueError, "2 for 1"),
        (sum_of_squares, [], [], ValueError, "0 for 0"),
        (sum_of_squares, ["1"], [1.0], TypeError, "'1'"),
        (sum_of_squares, "1", [1.0], TypeError, "'1'"),
        (hinge, None, 1, TypeError, "None"),
        (cross_entropy, [1.0], 0, ValueError, "binary_cross_entropy"),
        (cross_entropy, [1.0, 2.0], 2, ValueError, "0 to 1.*not 2"),
        (cross_entropy, [1.0, 2.0], -1, ValueError, "not -1"),
        (cross_entropy, [1.0, 2.0], 0.5, ValueError, "not 0.5"),
        (cross_entropy, [1.0, 2.0], math.nan, ValueError, "not nan"),
        (cross_entropy, [1.0, 2.0], "1", TypeError, "'1'"),
        (cross_entropy, [1.0, 2.0], [1], ValueError, "each of the 2"),
        (cross_entropy, [1.0, 2.0], [0.5, 0.6], ValueError, "add up to 1"),
        (cross_entropy, [1.0, 2.0], [1.5, -0.5], ValueError, "not negative"),
        (cross_entropy, [1.0, 2.0], [math.nan, 1.0], ValueError, "nan"),
        (binary_cross_entropy, 1.0, -1, ValueError, r"not -1.0: write \(t \+ 1\) / 2"),
        (binary_cross_entropy, 1.0, 1.5, ValueError, "not 1.5"),
        (binary_cross_entropy, 1.0, math.nan, ValueError, "not nan"),
        (binary_cross_entropy, [1.0, 2.0], 1, ValueError, "1 for 2"),
        (hinge, 1.0, 0, ValueError, r"not 0.0: write 2 \* t - 1"),
        (hinge, 1.0, 2, ValueError, "not 2.0"),
    ],
)
def test_what_a_loss_refuses(loss, y, t, error, message) -> None:
    with pytest.raises(error, match=message):
        loss(y, t)


def test_losses_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn
    y = [0.3, -2.0, 5.0]
    row = torch.tensor([y], dtype=torch.float64)
    t = torch.tensor([[0.5, 1.0, -1.0]], dtype=torch.float64)
    assert mean_squared_error(y, [0.5, 1.0, -1.0]) == pytest.approx(nn.MSELoss()(row, t).item())
    for k in range(3):
        expected = nn.CrossEntropyLoss()(row, torch.tensor([k])).item()
        assert cross_entropy(y, k) == pytest.approx(expected, rel=1e-13)
    soft = torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64)
    expected = nn.CrossEntropyLoss()(row, soft).item()
    assert cross_entropy(y, [0.2, 0.3, 0.5]) == pytest.approx(expected, rel=1e-13)
    expected = nn.BCEWithLogitsLoss(reduction="sum")(row, soft).item()
    assert binary_cross_entropy(y, [0.2, 0.3, 0.5]) == pytest.approx(expected, rel=1e-13)
