"""Measure the engine beside its peers: ``python -m tests.benchmarks [a b c d e f g]``.

Each comparison runs in this one process, peers in turn, several times; medians. A ratio says
how many times as long as micrograd_bp the peer takes. Peers: pip install '.[bench]'.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from micrograd_bp import MLP, Value

from . import gpt, peers, programs
from .measure import report

CHAIN = """
import sys, time
from micrograd_bp import Value

def resident():
    with open("/proc/self/status") as status:
        return 1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1])

n = int(sys.argv[1])
base = resident()
start = time.perf_counter()
x = y = Value(1.0)
for _ in range(n):
    y = y + x
built = time.perf_counter()
graph = resident()
before = time.perf_counter()
y.backward()
swept = time.perf_counter()
peak = resident()
gone = time.perf_counter()
del y
freed = time.perf_counter()
assert x.grad == n + 1
print(*[1e9 * t / n for t in (built - start, swept - before, freed - gone)],
      (graph - base) / n, (peak - base) / n)
"""


def compare(title: str, program: peers.Program, parameters: list[float], *wanted: str) -> None:
    engines = peers.load(*wanted)
    report(title, {engine.name: engine.prepare(program, parameters) for engine in engines})


def a() -> None:
    parameters = programs.uniform(programs.n_parameters(programs.MOONS_SIZES))
    compare(
        "(a) two moons, one node an operation, forward and backward",
        programs.two_moons,
        parameters,
        *("micrograd", "four slots", "torch", "HIPS autograd"),  # minigrad crashes here
    )


def b() -> None:
    points, labels = programs.moons()
    random.seed(1337)
    model = MLP(2, [16, 16, 1])
    inputs = [list(map(Value, point)) for point in points]

    def ours() -> None:
        scores = list(map(model, inputs))
        losses = [(1.0 - label * score).relu() for label, score in zip(labels, scores, strict=True)]
        squares = sum(p * p for p in model.parameters())
        model.zero_grad()
        (sum(losses) * (1.0 / len(losses)) + squares * 1e-4).backward()

    (_, micrograd) = peers.load("micrograd")
    parameters = [p.data for p in model.parameters()]
    runs = {
        "micrograd_bp.MLP": ours,
        "micrograd": micrograd.prepare(programs.two_moons, parameters),
    }
    report("(b) two moons through nn.MLP, a dot node a unit", runs, repetitions=7)


def c() -> None:
    compare(
        "(c) 20,000 operations, chain and square",
        programs.chain_and_square,
        [1e-3],
        *("micrograd", "minigrad", "four slots", "torch", "HIPS autograd"),
    )


def d() -> None:
    for n in (4, 16, 64, 256):
        program, parameters = programs.tanh_network(n)
        engines = peers.load("micrograd", "four slots")
        model = MLP(3, [n, n, 1], hidden="tanh")
        x = [Value(xi) for xi in programs.TANH_INPUT]

        def ours(model: MLP = model, x: list[Value] = x) -> None:
            model.zero_grad()
            ((model(x) - 0.25) ** 2 * 0.5).backward()

        runs = {engine.name: engine.prepare(program, parameters) for engine in engines}
        report(f"(d) MLP 3-{n}-{n}-1 tanh", {"micrograd_bp.MLP": ours, **runs})


def e() -> None:
    runs: dict[str, Callable[[], object]] = {}
    for engine in (peers.ours(), peers.four_slots()):
        leaves = [engine.value(p) for p in programs.uniform(gpt.N_PARAMETERS, 0.3)]
        adam = gpt.Adam(leaves)

        def step(engine: Any = engine, leaves: Any = leaves, adam: gpt.Adam = adam) -> None:
            gpt.loss(leaves, engine.ops).backward()
            adam.step()

        runs[engine.name] = step
    report(f"(e) a GPT of {gpt.N_PARAMETERS} parameters on scalars, one step of Adam", runs)


def f() -> None:
    print("\n(f) a chain of n additions, nanoseconds and bytes a node\n")
    print("| n | build | backward | free | bytes of the graph | bytes at the peak of backward |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n in (10**5, 10**6, 10**7):
        command = [sys.executable, "-c", CHAIN, str(n)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(f"| {n:,} | " + " | ".join(f"{float(x):.0f}" for x in output.split()) + " |")


def g() -> None:
    print("\n(g) two moons, building, backward and freeing apart, ms\n")
    print("| engine | build | backward | free |\n|---|---:|---:|---:|")
    parameters = programs.uniform(programs.n_parameters(programs.MOONS_SIZES))
    for engine in peers.load("micrograd", "four slots"):
        leaves = [engine.value(p) for p in parameters]
        best = [float("inf")] * 3
        for _ in range(5):
            times = [time.perf_counter()]
            root = programs.two_moons(leaves, engine.ops)
            times.append(time.perf_counter())
            root.backward()
            times.append(time.perf_counter())
            del root
            times.append(time.perf_counter())
            best = [min(b, t - s) for b, s, t in zip(best, times, times[1:], strict=False)]
        print(f"| {engine.name} | " + " | ".join(f"{1e3 * t:.2f}" for t in best) + " |")


if __name__ == "__main__":
    sections = {section.__name__: section for section in (a, b, c, d, e, f, g)}
    for name in sys.argv[1:] or sections:
        sections[name]()
