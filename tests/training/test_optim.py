"""Optimizers: the published formulas, step for step; the same as PyTorch's."""

import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp import MLP, Value, square
from micrograd_bp.optim import LBFGS, SGD, Adam, AdamW, Optimizer

ALL = [
    lambda p=None: SGD(p, lr=0.1),
    lambda p=None: SGD(p, lr=0.1, momentum=0.9),
    lambda p=None: SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    lambda p=None: Adam(p, lr=0.1),
    lambda p=None: Adam(p, lr=0.1, weight_decay=0.1),
    lambda p=None: AdamW(p, lr=0.1, weight_decay=0.1),
]
everywhere = pytest.mark.parametrize("make", ALL)
vectors = st.lists(st.floats(-10, 10), min_size=3, max_size=3)
walks = st.lists(vectors, min_size=1, max_size=12)


def walk(optimizer: Optimizer, gradients: list[list[float]]) -> list[np.ndarray]:
    theta = [np.array([1.0, -2.0, 0.5])]
    for gradient in gradients:
        theta.append(optimizer.update(theta[-1], np.array(gradient)))
    return theta


# The formulas


@given(walks, st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1))
def test_sgd_is_gradient_descent_with_momentum(gradients, momentum, dampening, decay) -> None:
    optimizer = SGD(lr=0.1, momentum=momentum, dampening=dampening, weight_decay=decay)
    found = walk(optimizer, gradients)
    theta, velocity = [1.0, -2.0, 0.5], None
    for g, reached in zip(gradients, found[1:]):
        g = [g_i + decay * theta_i for g_i, theta_i in zip(g, theta)]
        if velocity is None:
            velocity = g
        else:
            velocity = [momentum * v + (1 - dampening) * g_i for v, g_i in zip(velocity, g)]
        theta = [theta_i - 0.1 * v for theta_i, v in zip(theta, velocity)]
        assert reached.tolist() == pytest.approx(theta, rel=1e-12, abs=1e-12)


@given(walks, st.floats(0, 0.99), st.floats(0, 0.999), st.floats(0, 1))
def test_adam_is_that_of_kingma_and_ba(gradients, beta1, beta2, decay) -> None:
    found = walk(Adam(lr=0.1, betas=(beta1, beta2)), gradients)
    decoupled = walk(AdamW(lr=0.1, betas=(beta1, beta2), weight_decay=decay), gradients)
    for i in range(3):
        m = v = 0.0
        theta = shrunk = found[0][i]
        for t, g in enumerate((gradient[i] for gradient in gradients), 1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            step = 0.1 * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + 1e-8)
            theta -= step
            shrunk = shrunk - 0.1 * decay * shrunk - step
            assert found[t][i] == pytest.approx(theta, rel=1e-9, abs=1e-9)
            assert decoupled[t][i] == pytest.approx(shrunk, rel=1e-9, abs=1e-9)


def test_nesterov_looks_ahead() -> None:
    found = walk(SGD(lr=0.1, momentum=0.5, nesterov=True), [[1.0, 0, 0], [1.0, 0, 0]])
    # v: 1, 1.5; steps g + 0.5 v: 1.5, 1.75
    assert [theta[0] for theta in found] == pytest.approx([1.0, 0.85, 0.675])


SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.7, 0.99), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "betas": (0.7, 0.99), "weight_decay": 0.5}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), SETTINGS)
@settings(max_examples=20)
@given(st.lists(vectors, min_size=1, max_size=40))
def test_every_step_is_that_of_pytorch(name, options, gradients) -> None:
    torch = pytest.importorskip("torch")
    optimizer = {"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[name](**options)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    theirs = getattr(torch.optim, name)([weights], **options)
    for gradient, reached in zip(gradients, walk(optimizer, gradients)[1:]):
        weights.grad = torch.tensor(gradient, dtype=torch.float64)
        theirs.step()
        assert reached.tolist() == pytest.approx(weights.tolist(), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_settings_begin_as_those_of_pytorch(name) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    ours = vars({"SGD": SGD, "Adam": Adam, "AdamW": AdamW}[name]())
    shared = {key: ours[key] for key in ours if key in theirs}
    assert len(shared) == len(ours) - 2  # but for the parameters and the state
    assert shared == {key: theirs[key] for key in shared}


# What an optimizer remembers


@everywhere
@given(walks)
def test_a_step_on_values_is_an_update_of_their_numbers(make, gradients) -> None:
    values = [Value(1.0), Value(-2.0), Value(0.5)]
    optimizer = make(values)
    for gradient, reached in zip(gradients, walk(make(), gradients)[1:]):
        for value, g in zip(values, gradient):
            value.grad = g
        optimizer.step()
        assert [value.data for value in values] == reached.tolist()
    optimizer.zero_grad()
    assert [value.grad for value in values] == [0.0, 0.0, 0.0]


@everywhere
def test_reset_forgets_and_no_argument_is_written_to(make) -> None:
    optimizer = make()
    theta, gradient = np.array([1.0, -2.0]), np.array([3.0, 0.5])
    runs = []
    for _ in range(2):
        optimizer.reset()
        runs.append([optimizer.update(theta, gradient).tolist() for _ in range(3)])
    assert runs[0] == runs[1]
    assert (theta.tolist(), gradient.tolist()) == ([1.0, -2.0], [3.0, 0.5])


def test_momentum_does_not_alias_the_gradient() -> None:
    optimizer, theta, gradient = SGD(lr=1.0, momentum=0.5), np.zeros(1), np.ones(1)
    theta = optimizer.update(theta, gradient)
    gradient[0] = 0.0
    assert optimizer.update(theta, gradient).tolist() == [-1.5]


@pytest.mark.parametrize("make", [lambda **o: SGD(momentum=0.9, **o), Adam, AdamW])
def test_a_number_beyond_the_largest_float_is_refused_and_nothing_is_remembered(make) -> None:
    optimizer, twin = make(lr=0.1), make(lr=0.1)
    theta, gradient = np.array([1.0, 1.0]), np.array([1.0, 1.0])
    for each in (optimizer, twin):
        each.update(theta, gradient)
    optimizer.lr = 1e300
    with pytest.raises(FloatingPointError):
        optimizer.update(theta, np.array([1.0, -1e200]))
    optimizer.lr = 0.1
    assert optimizer.update(theta, gradient).tolist() == twin.update(theta, gradient).tolist()


def test_a_step_that_overflows_names_the_weight_and_writes_nothing() -> None:
    model = MLP(1, [1], seed=0)
    before = [p.data for p in model.parameters()]
    optimizer = SGD(model.parameters(), lr=1e200)
    model.parameters()[1].grad = 1e200
    with pytest.raises(FloatingPointError, match=r"1e\+200.*label='w_10'"):
        optimizer.step()
    assert [p.data for p in model.parameters()] == before


def test_a_loop_by_hand_learns_xor() -> None:
    model = MLP(2, [4, 1], hidden="tanh", seed=1)
    optimizer = Adam(model.parameters(), lr=0.1)
    points = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
    for _ in range(100):
        optimizer.zero_grad()
        sum(square(model(x) - t) for x, t in points).backward()
        optimizer.step()
    assert all(round(model(x).data) == t for x, t in points)


def test_a_weight_that_is_listed_twice_moves_once() -> None:
    w = Value(1.0)
    w.grad = 1.0
    optimizer = SGD([w, w], lr=0.5)
    optimizer.step()
    assert optimizer.parameters == [w]
    assert w.data == 0.5


# L-BFGS


def rosenbrock(theta: np.ndarray) -> tuple[float, np.ndarray]:
    x, y = theta
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array(
        [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]
    )


def test_lbfgs_finds_the_minimum_of_rosenbrock() -> None:
    pytest.importorskip("scipy")
    start, path = np.array([-1.2, 1.0]), []
    optimizer = LBFGS(gradient_tolerance=1e-10, error_tolerance=0.0)
    reason = optimizer.minimize(rosenbrock, start, 200, path.append)
    assert path[-1].tolist() == pytest.approx([1.0, 1.0], abs=1e-8)
    assert reason == "converged, no derivative is above gradient_tolerance=1e-10"
    assert start.tolist() == [-1.2, 1.0]
    errors = [rosenbrock(theta)[0] for theta in path]
    assert errors == sorted(errors, reverse=True)


def test_lbfgs_stops_when_told_and_at_the_number_of_iterations() -> None:
    pytest.importorskip("scipy")
    path: list[np.ndarray] = []
    start = np.array([-1.2, 1.0])
    LBFGS().minimize(rosenbrock, start, 5, path.append)
    assert len(path) == 5
    path.clear()
    LBFGS().minimize(rosenbrock, start, 50, lambda x: path.append(x) or len(path) == 3)
    assert len(path) == 3


@pytest.mark.parametrize(
    ("optimizer", "objective", "steps", "reason"),
    [
        (LBFGS(), rosenbrock, 5, "no more steps were asked for"),
        (LBFGS(error_tolerance=0.1), rosenbrock, 50, "gained no more than error_tolerance=0.1"),
        (LBFGS(gradient_tolerance=1e3), rosenbrock, 5, "no derivative is above gradient_tol.*1000"),
        (LBFGS(), lambda x: (float(x @ x), -2.0 * x), 50, "no lower error was found along"),
    ],
    ids=["steps", "error", "gradient", "uphill"],
)
def test_lbfgs_says_why_it_ended(optimizer, objective, steps, reason) -> None:
    pytest.importorskip("scipy")
    found = optimizer.minimize(objective, np.array([-1.2, 1.0]), steps)
    assert re.search(reason, found)


def test_without_scipy_lbfgs_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        LBFGS().minimize(rosenbrock, np.zeros(2), 5)


# What is refused


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(lr=-0.1), ValueError, "lr .* not -0.1"),
        (lambda: SGD(lr=math.nan), ValueError, "not nan"),
        (lambda: SGD(lr=math.inf), ValueError, "not inf"),
        (lambda: SGD(lr="0.1"), TypeError, "^lr: need a real number, not '0.1'"),
        (lambda: SGD(0.1), TypeError, r"model.parameters\(\).*lr="),
        (lambda: SGD([0.1]), TypeError, "0.1"),
        (lambda: SGD(Value(0.1)), TypeError, "a list of Values"),
        (lambda: SGD([Value(1.0) * 2.0]), ValueError, "leaf"),
        (lambda: SGD([]), ValueError, "empty"),
        (lambda: SGD(momentum=None), TypeError, "^momentum: need a real number, not None"),
        (lambda: SGD(lr=10**400), OverflowError, "^lr: 1000"),
        (lambda: SGD(momentum=1.0), ValueError, "momentum .* not 1.0"),
        (lambda: SGD(dampening=-1.0), ValueError, "dampening"),
        (lambda: SGD(weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: SGD(nesterov=True), ValueError, "nesterov needs momentum"),
        (lambda: SGD(momentum=0.9, dampening=0.1, nesterov=True), ValueError, "dampening=0.1"),
        (lambda: Adam(betas=(0.9, 1.0)), ValueError, r"betas\[1\] .* not 1.0"),
        (lambda: Adam(betas=0.9), ValueError, "two numbers"),
        (lambda: Adam(eps=-1e-8), ValueError, "eps"),
        (lambda: AdamW(weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: SGD().step(), ValueError, "no parameters"),
        (lambda: SGD().update(np.zeros(2), np.zeros(3)), ValueError, r"\(2,\) and \(3,\)"),
        (lambda: LBFGS(history_size=0), ValueError, "history_size"),
        (lambda: LBFGS(gradient_tolerance=-1.0), ValueError, "gradient_tolerance"),
    ],
)
def test_what_an_optimizer_refuses(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


def test_other_parameters_than_before_are_refused() -> None:
    optimizer = Adam()
    optimizer.update(np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match="reset"):
        optimizer.update(np.zeros(3), np.ones(3))


def test_optimizers_print_their_settings() -> None:
    assert repr(SGD(lr=0.5, momentum=0.9)) == (
        "SGD(lr=0.5, momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False)"
    )
    assert repr(Adam([Value(1.0)])).startswith("Adam(lr=0.001, betas=(0.9, 0.999)")
    assert "history_size=10" in repr(LBFGS())
