"""How far the checkers of gradients can be trusted: ``python -m tests.benchmarks.checkers [N]``.

A wide random family of smooth functions, written once for floats, Values and mpmath's numbers:
narrow peaks, fast oscillations, poles nearby, large offsets, tiny and huge numbers, physics.
The true derivatives are central differences in 2,000 bits.
"""

import random
import sys
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

from mpmath import mp, mpf

import micrograd_bp
from micrograd_bp import Value
from micrograd_bp.testing import finite_difference, gradcheck


class Case(NamedTuple):
    """A smooth function, given a module of functions and a number, and where to look at it.

    Attributes:
        name: what kind it is.
        f: the function.
        x: where.
        scale: a distance over which f is smooth.
    """

    name: str
    f: Callable[[Any, Any], Any]
    x: float
    scale: float

    def on_floats(self, x: Any) -> Any:
        """f of a float or a Value."""
        return self.f(micrograd_bp, x)

    def derivative(self) -> float:
        """The true one."""
        with mp.workprec(2000):
            x, h = mpf(self.x), mpf(self.scale) * mpf(2) ** -200
            return float((self.f(mp, x + h) - self.f(mp, x - h)) / (2 * h))

    def rounding(self) -> float:
        """How far f on floats is off, near x."""
        errors = []
        with mp.workprec(2000):
            for part in (-1 / 3, -1 / 7, 0.0, 1 / 7, 1 / 3):
                x = self.x + part * self.scale
                errors.append(float(abs(self.on_floats(x) - self.f(mp, mpf(x)))))
        return max(errors)


def power_of_ten(rng: random.Random, low: float, high: float) -> float:
    return 10.0 ** rng.uniform(low, high)


def peak(rng: random.Random) -> Case:
    k, c = power_of_ten(rng, -2, 5), rng.uniform(-3.0, 3.0)
    return Case("peak", lambda m, x: m.exp(-((k * (x - c)) ** 2)), c + rng.gauss(0, 1) / k, 1 / k)


def oscillation(rng: random.Random) -> Case:
    w, p = power_of_ten(rng, -3, 7), rng.uniform(0.0, 6.0)
    return Case("oscillation", lambda m, x: m.sin(w * x + p), rng.gauss(0, 1), 1 / w)


def pole(rng: random.Random) -> Case:
    c, d = rng.choice([0.0, rng.uniform(-3.0, 3.0)]), power_of_ten(rng, -6, 0)
    n, x = rng.choice([1, 2, 3]), c + rng.choice([-d, d])
    return Case("pole", lambda m, x: 1.0 / (x - c) ** n, x, abs(x - c))


def offset(rng: random.Random) -> Case:
    a = rng.choice([-1.0, 1.0]) * power_of_ten(rng, 0, 7)
    name, x = rng.choice(["sin", "tanh", "exp", "sinh"]), rng.choice([0, 1, 1]) * rng.gauss(0, 1)
    return Case("offset", lambda m, x: a + getattr(m, name)(x), x, 1.0)


def tiny(rng: random.Random) -> Case:
    f: Callable[[Any, Any], Any] = rng.choice(
        [
            lambda m, x: x * x,
            lambda m, x: 3.0 * x * x - x,
            lambda m, x: m.sqrt(x * x + 1.0) - 1.0,
            lambda m, x: m.hypot(x, 1.0) - 1.0,
            lambda m, x: m.tanh(x) * m.exp(x),
            lambda m, x: m.log(1.0 + x * x),
            lambda m, x: 1.0 + x * m.exp(-(x**2)),
        ]
    )
    size = rng.choice([power_of_ten(rng, -15, 0), power_of_ten(rng, -120, 0), 0.0])
    x = rng.choice([-1, 1]) * size
    return Case("tiny", f, x, 1e-3)


def inverse(rng: random.Random) -> Case:
    r = power_of_ten(rng, -14, 14)
    return Case("inverse", lambda m, x: 1.0 / x, r, r)


def lennard_jones(rng: random.Random) -> Case:
    s, e = 3.4e-10, 1.65e-21
    r = s * rng.uniform(0.7, 4.0)
    return Case("Lennard-Jones", lambda m, r: 4.0 * e * ((s / r) ** 12 - (s / r) ** 6), r, s)


def arrhenius(rng: random.Random) -> Case:
    a, e, t = power_of_ten(rng, 0, 13), rng.uniform(1e4, 2e5), rng.uniform(150.0, 2500.0)
    return Case("Arrhenius", lambda m, t: a * m.exp(-e / (8.314 * t)), t, 1.0)


def polynomial(rng: random.Random) -> Case:
    c = [rng.gauss(0, 1) for _ in range(rng.randint(1, 6))]

    def f(m: Any, x: Any) -> Any:
        y = c[0] * x
        for c_i in c[1:]:
            y = (y + c_i) * x
        return y + 1.0

    return Case("polynomial", f, rng.choice([0.0, rng.gauss(0, 1), rng.gauss(0, 100)]), 1.0)


def network(rng: random.Random) -> Case:
    w = [rng.gauss(0, 1) for _ in range(9)]

    def f(m: Any, x: Any) -> Any:
        z = [m.tanh(w[i] * x + w[3 + i]) for i in range(3)]
        y = w[6] * z[0] + w[7] * z[1] + w[8] * z[2] - 0.3
        return 0.5 * y * y

    return Case("network", f, rng.choice([0, 1, 1, 1]) * rng.gauss(0, 1), 0.1)


def composed(rng: random.Random) -> Case:
    a, b = rng.gauss(0, 1), rng.gauss(0, 1)
    f: Callable[[Any, Any], Any] = rng.choice(
        [
            lambda m, x: m.exp(m.sin(a * x) + b),
            lambda m, x: m.log(1.0 + (a * x + b) ** 2),
            lambda m, x: m.sin(a * x) * m.exp(-b * x),
            lambda m, x: 1.0 / (1.0 + m.exp(-(a * x + b) * 5.0)),
            lambda m, x: m.atan(3.0 * x + a) * x - b,
            lambda m, x: (x * x + 0.01) ** 0.5 + a * x,
            lambda m, x: m.exp(x) - m.exp(-x) + a,
        ]
    )
    return Case("composed", f, rng.choice([0, 1, 1, 1]) * rng.gauss(0, 2), 0.1)


def units(rng: random.Random) -> Case:
    """Another one, in units of its own."""
    case = rng.choice([peak, pole, composed, network, polynomial])(rng)
    u, v = power_of_ten(rng, -20, 20), power_of_ten(rng, -20, 20)
    return Case("units", lambda m, x: v * case.f(m, x / u), case.x * u, case.scale * u)


KINDS = [
    *(peak, oscillation, pole, offset, tiny, inverse),
    *(lennard_jones, arrhenius, polynomial, network, composed, units),
]


def cases(n: int, seed: int = 0) -> list[Case]:
    """Some of each kind."""
    rng = random.Random(seed)
    return [KINDS[i % len(KINDS)](rng) for i in range(n)]


class Figures(NamedTuple):
    """What the checkers make of a case.

    Attributes:
        ratio: the estimated error of the slope over the true one (or a rounding error).
        alarm: whether gradcheck calls the right derivative wrong, or sees a kink.
        caught: whether it finds one that is wrong by 1e-6 of it; None where over the scale of
            f this is no more than the rounding errors of f.
    """

    ratio: float
    alarm: bool
    caught: bool | None


def figures(case: Case) -> Figures:
    """Look at one case."""
    true = case.derivative()
    slope = finite_difference(case.on_floats, case.x, "ridders")
    least = max(2.0**-53 * abs(true), 2.0**-1074)
    report = gradcheck(case.on_floats, case.x, raise_on_failure=False)

    def wrong(x: Value) -> Value:
        return case.on_floats(x) + (1e-6 * true) * (x - x.data)

    caught = None
    if 1e-6 * abs(true) * case.scale > 16.0 * case.rounding():
        caught = not gradcheck(wrong, case.x, raise_on_failure=False)
    ratio = slope.error / max(abs(slope.value - true), least)
    return Figures(ratio, not report or bool(report.notes), caught)


def main(n: int) -> None:
    """Print the figures of n cases."""
    found: dict[str, list[Figures]] = {}
    for case in cases(n):
        found.setdefault(case.name, []).append(figures(case))
    print(f"{'kind':14} {'cases':>5}  error estimate: true one below, median ratio", end="")
    print("  false alarms  wrong by 1e-6 caught")
    found["all"] = [figure for some in found.values() for figure in some]
    for name, some in found.items():
        below = sum(x.ratio >= 1.0 for x in some)
        caught = [x.caught for x in some if x.caught is not None]
        print(f"{name:14} {len(some):5}  {below:30} {median(x.ratio for x in some):14.1f}", end="")
        print(f"  {sum(x.alarm for x in some):12}  {sum(caught)} of {len(caught)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
