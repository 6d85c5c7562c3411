"""inf and nan that users put in: every path gives what the engine gives."""

import math
import warnings
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_c_code import Compiled, compiled
from test_program_libraries import jax_library, torch_library

from micrograd_bp import (
    Program,
    Value,
    allow_nonfinite,
    atan2,
    dot,
    fsum,
    hypot,
    jvp,
    log,
    logaddexp,
    logsumexp,
    maximum,
    mean,
    minimum,
    prod,
    softmax,
)
from micrograd_bp.losses import cross_entropy
from micrograd_bp.program import Executor
from micrograd_bp.program.interpreter import Executor as Interpreter

inf, nan = math.inf, math.nan
POINTS = [point for point in product([-inf, inf, nan, 1.0], repeat=3) if point != (1.0, 1.0, 1.0)]
WITHOUT_NAN = [point for point in POINTS if not any(map(math.isnan, point))]
N = 9  # data points in a batch
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda x: softmax(x)[1],
    "two shares": lambda x: softmax(x)[0] * softmax(x)[2],
    "log of a share": lambda x: log(softmax([*x, *x])[4]),
    "softmax of many": lambda x: dot(softmax([*x * 7, -inf]), [float(k) for k in range(22)]),
    "softmax of two": lambda x: softmax(x[:2])[0] + x[2],
    "logsumexp": logsumexp,
    "logsumexp of two": lambda x: logsumexp(x[:2]) + x[2],
    "logaddexp": lambda x: logaddexp(x[0], x[1]) + x[2],
    "cross_entropy": lambda x: cross_entropy(x, 0),
    "cross_entropy of probabilities": lambda x: cross_entropy(x, [0.2, 0.3, 0.5]),
    "mean": mean,
    "prod": prod,
    "fsum": fsum,
    "dot": lambda x: dot(x[:2], x[1:]),
    "hypot": lambda x: hypot(x[0], x[1]) + x[2],
    "atan2": lambda x: atan2(x[0], x[1]) + x[2],
    "maximum": lambda x: maximum(maximum(x[0], x[1]), x[2]),
    "minimum": lambda x: minimum(minimum(x[0], x[1]), x[2]),
}


def points_of(name: str) -> list[Any]:
    """Those at which derivatives are compared: of a branch not taken beside nan, they are not."""
    return WITHOUT_NAN if name in ("maximum", "minimum") else POINTS


@cache
def expected(name: str) -> list[list[float]]:
    """The value and the slopes at each point, by the engine's backward pass."""
    found = []
    with allow_nonfinite():
        for point in POINTS:
            x = [Value(number) for number in point]
            output = FUNCTIONS[name](x)
            output.backward()
            found.append([output.data, *(x_i.grad for x_i in x)])
    return found


def program_of(name: str) -> Program:
    """With inputs that parameters are added to, so that their slopes are those of the function."""
    x, w = [Value(0.3), Value(0.5), Value(0.7)], [Value(0.0) for _ in range(3)]
    return Program(FUNCTIONS[name]([a + b for a, b in zip(x, w)]), x, w)


def check(name: str, path: Callable[[Any], Any]) -> None:
    """Compare a path from a point to the value, or to the value and the slopes."""
    points = points_of(name)
    for point, numbers in zip(POINTS, expected(name)):
        if point in points:
            found = path(point)
            told = f"{name} at {point}"
            np.testing.assert_allclose(found, numbers[: len(found)], 1e-12, 1e-14, err_msg=told)


NAMED = pytest.mark.parametrize("name", FUNCTIONS)


@NAMED
def test_forward_mode_has_the_infinities_of_the_backward_pass(name: str) -> None:
    def forward(point: Any) -> list[float]:
        with allow_nonfinite():
            found = [jvp(FUNCTIONS[name], (list(point),), (row,)) for row in np.eye(3).tolist()]
        return [found[0][0], *(slope for _, slope in found)]

    check(name, forward)


@NAMED
@pytest.mark.parametrize("executor", [Executor, Interpreter])
def test_a_program_has_the_infinities_of_the_engine(
    name: str, executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("micrograd_bp.program.Executor", executor)
    program = program_of(name)

    def of_one(point: Any) -> list[float]:
        value, slopes = program.value_and_grad(point, errors="ignore")
        return [value, *slopes]

    def of_many(point: Any) -> list[float]:
        value, slopes = program.value_and_grad([point] * N, errors="ignore")
        return [value / N, *slopes / N]

    check(name, of_one)
    check(name, of_many)
    check(name, lambda point: [program(point, errors="ignore")])
    check(name, lambda point: program([point] * N, errors="ignore")[-1:])


@NAMED
@compiled
def test_c_code_has_the_infinities_of_the_engine(name: str, tmp_path: Path) -> None:
    code = Compiled(program_of(name), tmp_path, name="network")

    def path(point: Any) -> list[float]:
        value, slopes = code.value_and_grad([point], [0.0, 0.0, 0.0])
        return [value, *slopes]

    check(name, path)
    check(name, lambda point: code.value([point], [0.0, 0.0, 0.0])[0])


@NAMED
@pytest.mark.parametrize(
    "library",
    [
        lambda: (np, np.asarray),
        pytest.param(torch_library, marks=pytest.mark.slow),
        pytest.param(jax_library, marks=pytest.mark.slow),
    ],
    ids=["numpy", "torch", "jax"],
)
def test_a_trace_has_the_infinities_of_the_engine(name: str, library: Any) -> None:
    xp, array = library()
    traced = program_of(name).trace(xp)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(name, lambda point: [float(traced(array(point), array([0.0, 0.0, 0.0])))])
