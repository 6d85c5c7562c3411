"""Plans of random wide instructions, to run on each executor."""

import random
from typing import Any

import numpy as np
import pytest

from micrograd_bp import functions
from micrograd_bp.program.instructions import (
    Gather,
    Map,
    Plan,
    Product,
    Span,
    Sum,
    Sums,
    Weights,
)

SEEDS = [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 60))]
POINTS = (0, 1, 2, 3, 5, 7, 8, 9, 12, 13, 20, 31, 33, 60, 131, 500)


class Planned:
    """A plan as it grows: inputs, then rows; parameters, constants, then what is computed once."""

    def __init__(self, n_inputs: int, n_parameters: int, n_once: int = 0) -> None:
        self.sizes = n_inputs, n_parameters
        self.first_row = n_parameters + 1 + n_once
        self.scalars, self.rows = n_parameters + 1, self.first_row + n_inputs
        self.once: list[Any] = []
        self.each: list[Any] = []
        self.n_sums = 1

    def new(self, width: int, once: bool = False) -> int:
        if once:
            self.scalars += width
            return self.scalars - width
        self.rows += width
        return self.rows - width

    def plan(self, outputs: tuple[int, ...] = ()) -> Plan:
        n_sums = 0 if outputs else self.n_sums
        n_rows = self.rows - self.first_row
        return Plan(
            *self.sizes, (0.5,), self.first_row, n_rows, tuple(self.once), tuple(self.each),
            outputs, n_sums,
        )  # fmt: skip


FUNCTIONS = [
    (functions.tanh, ()),
    (functions.sigmoid, ()),
    (functions.relu, ()),
    (functions.leaky_relu, (0.1,)),
    (functions.erf, ()),
    (functions.mul, ()),
    (functions.sub, ()),
    (functions.maximum, ()),
    (functions.atan2, ()),
    (functions.where, ()),
    (functions.fsum, ()),
    (functions.logsumexp, ()),
    (functions.dot, ()),
]
OPERANDS = {functions.where: 3, functions.fsum: 4, functions.logsumexp: 3}
PAIRED = {
    functions.relu: functions.step,
    functions.tanh: functions.sech2,
    functions.sigmoid: functions.logistic_density,
}


def anything(seed: int) -> Plan:
    """Any wide instructions, of any operands, in any order."""
    rng = random.Random(seed)
    made = Planned(rng.randint(1, 12), rng.randint(1, 30), 60)
    first = made.first_row
    runs = [(0, made.scalars), (first, made.sizes[0])]  # of places that are written

    def span(width: int, rows: bool) -> Span:
        found = [one for one in runs if (one[0] >= first) == rows]
        place, n = rng.choice(found)
        if n < width or rng.random() < 0.2:
            return Span(place + rng.randrange(n), 0)
        stride = rng.randint(1, (n - 1) // (width - 1)) if width > 1 else 1
        return Span(place + rng.randint(0, n - 1 - (width - 1) * stride), stride)

    def neighbours(width: int, once: bool) -> int:
        fit = [one for one in runs if one[1] >= width and (one[0] < first) >= once]
        place, n = rng.choice(fit)
        return place + rng.randint(0, n - width)

    def one_map(once: bool) -> None:
        function, parameters = rng.choice(FUNCTIONS)
        width = rng.randint(2, 5 if once else 20)
        n = 2 * rng.randint(1, 3) + rng.randint(0, 1) if function is functions.dot else (
            OPERANDS.get(function, function.operands))  # fmt: skip
        operands = [span(width, not once and (i == 0 or rng.random() < 0.6)) for i in range(n)]
        rng.shuffle(operands)
        for each in (function, *([PAIRED[function]] if function in PAIRED else [])):
            result = made.new(width, once)
            step = Map(each, parameters, width, tuple(operands), result)
            (made.once if once else made.each).append(step)
            runs.append((result, width))

    def one_product(once: bool) -> None:
        height, depth = rng.randint(1, 5 if once else 20), rng.randint(1, 12)
        fit = [one for one in runs if one[0] < first or not once]
        place, n = rng.choice(fit)
        down, across = rng.choice([(depth, 1), (1, height), (0, 1), (1, 0)])
        if (height - 1) * down + (depth - 1) * across >= n:
            down = across = 0
        able = [one for one in fit if one[1] >= depth and (
            once or place >= first or one[0] >= first)]  # fmt: skip
        if not able:
            return
        at, n = rng.choice(able)
        bias = span(height, not once and rng.random() < 0.4) if rng.random() < 0.7 else None
        result = made.new(height, once)
        step = Product(
            height, depth, Weights(place, down, across), at + rng.randint(0, n - depth), bias,
            result,
        )  # fmt: skip
        (made.once if once else made.each).append(step)
        runs.append((result, height))

    def one_gather() -> None:
        n = rng.randint(1, 20)
        places = [first, *(rng.choice(runs)[0] for _ in range(n - 1))]
        rng.shuffle(places)
        result = made.new(n)
        made.each.append(Gather(tuple(places), result))
        runs.append((result, n))

    def some_sums() -> None:
        height, depth = rng.randint(1, 12), rng.randint(0, 12)
        rows = [one for one in runs if one[0] >= first or depth == 0]
        place, n = rng.choice(rows)
        height = min(n, height)
        factors, most = rng.choice(runs)
        depth = min(most, depth)
        n_results = height * max(depth, 1)
        start = rng.randint(0, made.n_sums)
        results = [*range(start, start + n_results)]
        if rng.random() < 0.3:
            rng.shuffle(results)
        made.n_sums = max(made.n_sums, start + n_results)
        made.each.append(Sums(height, place, depth, factors if depth else 0, tuple(results)))

    for _ in range(3):
        rng.choice([one_map, one_product])(True)
    for _ in range(rng.randint(3, 15)):
        rng.choice([lambda: one_map(False), lambda: one_product(False), one_gather])()
    if seed % 2:
        return made.plan((*(rng.choice(runs)[0] for _ in range(5)), made.rows - 1))
    for _ in range(rng.randint(1, 6)):
        some_sums()
    if rng.random() < 0.5:
        made.each.append(Sum(made.rows - 1, (first,), (made.n_sums,)))
        made.n_sums += 1
    return made.plan()


def check_bits_of_a_point(make: Any, seed: int) -> None:
    """A data point has the same bits wherever it stands and whatever beside it."""
    plan, rng = anything(seed), np.random.default_rng(seed)
    w = rng.normal(size=plan.n_parameters)
    point = rng.normal(size=plan.n_inputs)
    executor = make(plan)
    (alone,) = executor.run(point[None, :], w)[1]
    for n in (*POINTS[2:], 5000):
        X = rng.choice([1.0, 400.0, 1e308, np.inf, np.nan, 0.0], size=(n, plan.n_inputs))
        at = int(rng.integers(n))
        X[at] = point
        assert executor.run(X, w)[1][at].tolist() == alone.tolist()
