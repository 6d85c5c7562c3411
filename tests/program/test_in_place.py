"""Plans on NumPy: what wide instructions mean unit by unit, and the same bits in any place."""

import threading
from typing import Any

import numpy as np
import pytest
from plans import POINTS, SEEDS, anything, check_bits_of_a_point

from micrograd_bp import Value, function
from micrograd_bp.program import Program, interpreter
from micrograd_bp.program.instructions import scalar
from micrograd_bp.program.interpreter import Executor


def close(found: Any, expected: Any) -> None:
    size = np.nanmax(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * size)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_plan_means_what_its_units_mean(seed: int, monkeypatch: Any) -> None:
    plan, rng = anything(seed), np.random.default_rng(seed)
    units = scalar(plan)
    w = rng.normal(size=plan.n_parameters) / 2
    whole = Executor(plan)
    monkeypatch.setattr(interpreter, "NUMBERS", 0)
    monkeypatch.setattr(interpreter, "POINTS", 16)
    in_blocks = Executor(plan)
    for n in POINTS:
        inputs = rng.normal(size=(n, plan.n_inputs) if n else plan.n_inputs)
        value, expected, _ = Executor(units).run(inputs, w)  # type: ignore[misc]
        for executor in (whole, in_blocks, whole):
            first, found, _ = executor.run(inputs, w)  # type: ignore[misc]
            close(found, expected)
            if value is not None:
                close(first, value)


@pytest.mark.parametrize("seed", SEEDS[1::2])
def test_a_data_point_has_the_same_bits_wherever_it_stands_and_whatever_beside_it(
    seed: int,
) -> None:
    check_bits_of_a_point(Executor, seed)


def test_results_stay_when_the_program_runs_again() -> None:
    plan = anything(2)
    executor: Any = Executor(plan)
    inputs, w = np.ones((3, plan.n_inputs)), np.ones(plan.n_parameters)
    first = executor.run(inputs, w)[1]
    before = first.tolist()
    executor.run(2.0 * inputs, w)
    assert first.tolist() == before


def test_a_program_runs_inside_itself_and_on_threads_at_once() -> None:
    x = Value(1.0, label="x")
    inner: Any = Executor(Program(x * x + x, inputs=[x])._forward)

    def value(number: float) -> float:
        return float(inner.run(np.array([number]), np.empty(0))[1][0])

    outer: Any = Executor(Program(function(value, lambda x: x, "own")(x) * x, [x])._forward)
    data = np.arange(2000.0)[:, None]
    found: dict[int, Any] = {}

    def run(k: int) -> None:
        found[k] = [outer.run(data * k, np.empty(0))[1] for _ in range(3)]

    threads = [threading.Thread(target=run, args=(k,), daemon=True) for k in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    for k, several in found.items():
        for one in several:
            np.testing.assert_array_equal(one, ((data * k) ** 2 + data * k) * (data * k))
    assert len(found) == 3
