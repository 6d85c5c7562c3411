"""Random programs that use all of the engine at once, with threads, interrupts and pickles.

Each is a random graph: swept from several threads that share its leaves, differentiated in every
way, compiled and run on threads, pickled, and interrupted at random moments, between which its
numbers have to stay what they were. Made to be run under sanitizers, which see what goes wrong
in memory; the same seeds give the same graphs. One that hangs, or a process that does not end
after the last, ends with a traceback of all threads.

    python tests/support/random_programs.py --count 1000 --seed 0
"""

import argparse
import copy
import faulthandler
import gc
import pickle
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from micrograd_bp import (
    MLP,
    Adam,
    Program,
    fit,
    grad,
    gradient,
    hessian,
    hvp,
    jvp,
    no_grad,
    predict,
    topological_order,
)
from micrograd_bp.testing.programs import OPERATIONS, GraphProgram, variants

N_VARIANTS = len(variants(OPERATIONS))
POINTS = 3000  # several blocks, so that threads share the work
LIMIT = 600.0  # seconds for each program, and for the end: some hundred times what they take


class Interrupt(KeyboardInterrupt):
    """What the signals of this driver raise."""


def _interrupt(*_: Any) -> None:
    raise Interrupt


def interrupted(rng: random.Random, *work: Callable[[], object]) -> None:
    """One after the other, left at some moment, if it does not end before that comes."""
    signal.signal(signal.SIGALRM, _interrupt)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 10 ** rng.uniform(-5, -2.3))
            for one in work:
                one()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)  # raises what has just come
    except Interrupt:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def recipe(rng: random.Random) -> GraphProgram:
    """A random graph of up to 60 operations."""
    leaves = [rng.choice([rng.uniform(-2.0, 2.0), 0.5, 1.0]) for _ in range(rng.randint(1, 6))]
    code = [
        (rng.randrange(N_VARIANTS), rng.randrange(5), rng.randrange(40))
        for _ in range(rng.randint(1, 60))
    ]
    return GraphProgram.resolve(leaves, code, OPERATIONS)


def on_threads(*work: Callable[[], object]) -> None:
    """Run each on a thread of its own, at the same time; the first error is raised."""
    errors: list[BaseException] = []

    def guarded(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=600)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def sweeps(rng: random.Random, one: GraphProgram) -> None:
    """Backward passes from several threads add up; an interrupted one adds all or nothing."""
    root, inputs, _ = one.evaluate()
    root.backward()
    grads = np.array([x.grad for x in inputs])

    def build_and_free() -> None:
        for _ in range(20):
            other = sum((x * 1.5 for x in inputs), root * 0.0)
            topological_order(other)

    on_threads(root.backward, root.backward, build_and_free, root.backward)
    np.testing.assert_allclose([x.grad for x in inputs], 4 * grads, rtol=1e-12)
    before = np.array([x.grad for x in inputs])
    interrupted(rng, *[root.backward] * 5)
    added = np.array([x.grad for x in inputs]) - before
    times = [k for k in range(6) if np.allclose(added, k * grads, rtol=1e-9, atol=1e-300)]
    assert times, (added, grads)


def transforms(rng: random.Random, one: GraphProgram) -> None:
    """Every mode, before and after an interrupt."""

    def f(xs: list[Any]) -> Any:
        values = iter(xs)
        return one.evaluate(lambda _: next(values)).root

    def recorded() -> list[float]:
        root, inputs, _ = one.evaluate()
        return [dx.data for dx in gradient(root, inputs)]

    point = [float(x) for x in one.inputs]
    direction = [rng.uniform(-1.0, 1.0) for _ in point]
    ways: list[Callable[[], Any]] = [
        lambda: grad(f)(point),
        lambda: jvp(f, (point,), (direction,)),
        lambda: hvp(f, (point,), (direction,)),
        lambda: hessian(f)(point),
        recorded,
    ]
    way = rng.choice(ways)
    with suppress(ArithmeticError, ValueError):  # an infinite second derivative, say
        expected = way()
        interrupted(rng, *[way] * 5)
        assert way() == expected or expected != expected


def programs(rng: random.Random, one: GraphProgram) -> None:
    """Compiled, pickled, on threads, interrupted: the same bits each time."""
    root, inputs, _ = one.evaluate()
    half = rng.randint(0, len(inputs))
    data = np.array([x.data for x in inputs[:half]]) * np.linspace(0.99, 1.01, POINTS)[:, None]
    program = Program(root, inputs=inputs[:half], parameters=inputs[half:])
    with suppress(ArithmeticError, ValueError):
        expected = program(data), program.value_and_grad(data)
        for again in (program, pickle.loads(pickle.dumps(program)), copy.copy(program)):
            interrupted(rng, *[partial(again.value_and_grad, data, threads=k) for k in (2, 5)])
            found = again(data, threads=3), again.value_and_grad(data, threads=2)
            assert np.array_equal(found[0], expected[0], equal_nan=True)
            assert np.array_equal(found[1][1], expected[1][1], equal_nan=True)

        def run() -> None:
            assert np.array_equal(program(data, threads=2), expected[0], equal_nan=True)

        on_threads(run, run)


def leaves(rng: random.Random, one: GraphProgram) -> None:
    """Copies, pickles, attributes and subclasses of leaves; graphs freed in any order."""
    _, inputs, nodes = one.evaluate()
    for x in inputs:
        x.velocity = (x.data, "v")
        other = rng.choice([copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])(x)
        assert (other.data, other.velocity) == (x.data, (x.data, "v"))
    rng.shuffle(nodes)
    while nodes:
        nodes.pop()
        if rng.random() < 0.02:
            gc.collect()
    with no_grad():
        one.evaluate()


def training(rng: random.Random, one: GraphProgram) -> None:
    """A small network, trained and interrupted."""
    model = MLP(2, [rng.randint(1, 5), 1], hidden=rng.choice(["tanh", "relu"]), seed=rng.random())
    data = np.random.default_rng(len(one.steps)).normal(size=(POINTS, 2))
    targets = data[:, 0] * data[:, 1]
    options: Any = {"loss": "sum_of_squares", "optimizer": Adam(lr=0.01), "progress": False}
    train = partial(fit, model, data, targets, epochs=3, **options)
    interrupted(rng, train)
    assert np.isfinite(predict(model, data)).all()


KINDS = [*[sweeps, transforms, programs, leaves] * 8, training]


def run(count: int, seed: int = 0) -> float:
    """Run as many random programs, with seeds one after the other; returns the seconds it took."""
    started = time.monotonic()
    usual = signal.getsignal(signal.SIGALRM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(seed, seed + count):
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            rng = random.Random(number)
            try:
                KINDS[number % len(KINDS)](rng, recipe(rng))
            except BaseException:
                print(f"the program of --seed {number}")
                raise
    signal.signal(signal.SIGALRM, usual)
    return time.monotonic() - started


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{options.count} random programs in {run(options.count, options.seed):.0f} s")
