"""Transforms as what scipy.optimize asks for: fun with jac=True, hess, and jac."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd_bp import atan, exp
from micrograd_bp.transforms import grad, hessian, hvp, jacobian, value_and_grad

optimize = pytest.importorskip("scipy.optimize")


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@pytest.mark.parametrize("n", [2, 10])
def test_derivatives_of_rosenbrock_are_those_of_scipy(n) -> None:
    x = np.linspace(-1.2, 1.0, n)
    value, slopes = value_and_grad(rosenbrock)(x)
    assert value == pytest.approx(optimize.rosen(x), rel=1e-13)
    assert np.allclose(slopes, optimize.rosen_der(x), rtol=1e-12)
    assert np.allclose(hessian(rosenbrock)(x), optimize.rosen_hess(x), rtol=1e-12)
    v = np.cos(np.arange(n))
    assert np.allclose(hvp(rosenbrock, (x,), (v,)), optimize.rosen_hess_prod(x, v), rtol=1e-12)


@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize(
    ("method", "second"),
    [
        ("BFGS", {}),
        ("L-BFGS-B", {}),
        ("trust-exact", {"hess": hessian(rosenbrock)}),
        ("Newton-CG", {"hess": hessian(rosenbrock)}),
        ("trust-ncg", {"hessp": lambda x, v: hvp(rosenbrock, (x,), (v,))}),
    ],
)
def test_minimize_finds_the_minimum_of_rosenbrock(n, method, second) -> None:
    options = {"xtol": 1e-10} if method == "Newton-CG" else {"gtol": 1e-9}
    found = optimize.minimize(
        value_and_grad(rosenbrock),
        np.linspace(-1.2, 1.0, n),
        jac=True,
        method=method,
        options=options,
        **second,
    )
    assert np.allclose(found.x, 1.0, atol=1e-4)


# NIST Statistical Reference Datasets, nonlinear regression: data, model, the certified
# parameters and residual sum of squares (https://www.itl.nist.gov/div898/strd/nls).

MISRA1A = (
    [
        77.6,
        114.9,
        141.1,
        190.8,
        239.9,
        289.0,
        332.8,
        378.4,
        434.8,
        477.3,
        536.8,
        593.1,
        689.1,
        760.0,
    ],
    [
        10.07,
        14.73,
        17.94,
        23.93,
        29.61,
        35.18,
        40.02,
        44.82,
        50.76,
        55.05,
        61.01,
        66.40,
        75.47,
        81.78,
    ],
)
MGH09 = (
    [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625],
    [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246],
)
RAT42 = (
    [9.0, 14.0, 21.0, 28.0, 42.0, 57.0, 63.0, 70.0, 79.0],
    [8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08],
)
ROSZMAN1 = (
    [
        -4868.68,
        -4868.09,
        -4867.41,
        -3375.19,
        -3373.14,
        -3372.03,
        -2473.74,
        -2472.35,
        -2469.45,
        -1894.65,
        -1893.40,
        -1497.24,
        -1495.85,
        -1493.41,
        -1208.68,
        -1206.18,
        -1206.04,
        -997.92,
        -996.61,
        -996.31,
        -834.94,
        -834.66,
        -710.03,
        -530.16,
        -464.17,
    ],
    [
        0.252429,
        0.252141,
        0.251809,
        0.297989,
        0.296257,
        0.295319,
        0.339603,
        0.337731,
        0.333820,
        0.389510,
        0.386998,
        0.438864,
        0.434887,
        0.427893,
        0.471568,
        0.461699,
        0.461144,
        0.513532,
        0.506641,
        0.505062,
        0.535648,
        0.533726,
        0.568064,
        0.612886,
        0.624169,
    ],
)

PROBLEMS = {
    "Misra1a": (
        MISRA1A,
        lambda b, x: b[0] * (1.0 - exp(-b[1] * x)),
        [[500.0, 1e-4], [250.0, 5e-4]],
        [2.3894212918e2, 5.5015643181e-4],
        1.2455138894e-1,
    ),
    "MGH09": (
        MGH09,
        lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
        [[0.25, 0.39, 0.415, 0.39]],
        [1.9280693458e-1, 1.9128232873e-1, 1.2305650693e-1, 1.3606233068e-1],
        3.0750560385e-4,
    ),
    "Rat42": (
        RAT42,
        lambda b, x: b[0] / (1.0 + exp(b[1] - b[2] * x)),
        [[100.0, 1.0, 0.1], [75.0, 2.5, 0.07]],
        [7.2462237576e1, 2.6180768402, 6.7359200066e-2],
        8.0565229338,
    ),
    "Roszman1": (
        ROSZMAN1,
        lambda b, x: b[0] - b[1] * x - atan(b[2] / (x - b[3])) / math.pi,
        [[0.1, -1e-5, 1000.0, -100.0], [0.2, -5e-6, 1200.0, -150.0]],
        [2.0196866396e-1, -6.1953516256e-6, 1.2044556708e3, -1.8134269537e2],
        4.9484847331e-4,
    ),
}


@pytest.mark.parametrize(
    ("name", "start"), [(name, i) for name in PROBLEMS for i in range(len(PROBLEMS[name][2]))]
)
def test_least_squares_finds_the_certified_parameters(name, start) -> None:
    (xs, ys), model, starts, certified, sum_of_squares = PROBLEMS[name]

    def residuals(b):
        return [model(b, x) - y for x, y in zip(xs, ys, strict=True)]

    def values(b):
        return np.array([float(r) for r in residuals(b)])

    found = optimize.least_squares(
        values,
        np.array(starts[start]),
        jac=jacobian(residuals),
        method="lm",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    assert np.allclose(found.x, certified, rtol=1e-6, atol=0.0)
    assert 2.0 * found.cost == pytest.approx(sum_of_squares, rel=1e-9)

    # One step of Newton's method with the exact Hessian, and every certified digit is there.
    def error(b):
        return sum(r * r for r in residuals(b))

    scale = abs(found.x)  # the parameters differ by nine orders of magnitude
    h = hessian(error)(found.x) * np.outer(scale, scale)
    newton = found.x - scale * np.linalg.solve(h, scale * grad(error)(found.x))
    assert np.allclose(newton, certified, rtol=1e-10, atol=0.0)


# Line searches that leave the domain


def barrier(seed: int) -> Callable[[Any], Any]:
    """A quadratic function within half-spaces, that log keeps it in; 0 is inside."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(6, 3)), random.uniform(0.1, 1.0, size=6)
    c = 5.0 * random.normal(size=3)
    return lambda x: c @ x + (x @ x) / 2 - np.log(b - a @ x).sum() / 10


@pytest.mark.parametrize(
    ("method", "outside"),
    [("BFGS", math.inf), ("CG", math.inf), ("trust-constr", math.inf), ("L-BFGS-B", 1e10)],
)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy and scipy, about nan and inf
@pytest.mark.filterwarnings("ignore:delta_grad")  # of two points outside in turn
def test_a_line_search_that_leaves_the_domain_goes_on(method, outside, seed) -> None:
    f = barrier(seed)
    with pytest.raises(ValueError, match="log of"):
        optimize.minimize(value_and_grad(f), np.zeros(3), jac=True, method=method)
    found = optimize.minimize(
        value_and_grad(f, outside=outside), np.zeros(3), jac=True, method=method
    )
    newton = np.linalg.solve(hessian(f)(found.x), grad(f)(found.x))
    assert np.abs(newton).max() < 1e-4


def test_outside_is_said_of_values_and_of_slopes_and_of_nothing_else() -> None:
    def root(x):
        return x.sqrt()

    inside = value_and_grad(root, outside=math.inf)
    assert inside(4.0) == (2.0, 0.25)
    assert inside(-1.0) == (math.inf, 0.0)
    assert inside(0.0) == (math.inf, 0.0)  # there is a value, and no slope
    assert value_and_grad(lambda x: exp(x[0]) * x[1], outside=7)([1000.0, 1.0]) == (7.0, [0.0, 0.0])
    with pytest.raises(TypeError, match="need a real number"):
        value_and_grad(root, outside="inf")
    with pytest.raises(ValueError, match="of the user"):
        value_and_grad(_raising, outside=math.inf)(1.0)


def _raising(x):
    raise ValueError("of the user")
