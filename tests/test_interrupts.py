"""An interrupt at any call: what was in force is in force no more, and weights are whole.

A signal is answered, and KeyboardInterrupt raised, where Python enters a function, leaves one
written in C, or goes back in a loop: there each test interrupts what it tries, at the first such
place, at the second, and so on, until it runs through.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

from micrograd_bp import (
    MLP,
    SGD,
    Program,
    Value,
    allow_nonfinite,
    engine_kind,
    fit,
    grad,
    no_grad,
    predict,
    scope,
    topological_order,
)
from micrograd_bp.modes import Switch, current
from micrograd_bp.nn.written import write
from micrograd_bp.progress import Bar
from micrograd_bp.testing import check_gradient
from micrograd_bp.transforms import recorded_call

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",  # of a file just opened
    "ignore::pytest.PytestUnraisableExceptionWarning",  # of a generator just closed
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The pure engine and NumPy 1 may keep what an interrupt left in force."""
    mode = current.get()
    with np.errstate():
        yield
    current.set(mode)


def interrupted(work: Callable[[], Any], n: int, listen: Any = sys.setprofile) -> bool:
    """Run some work, interrupted at the n-th place; whether it has as many.

    With listen=sys.settrace it hears of loops too, and not of what is written in C.
    """
    places, was_at = 0, dict[Any, int]()

    def at(frame: Any, event: str, arg: Any) -> Any:
        nonlocal places
        if event == "line":
            places += frame.f_lasti < was_at.get(frame, 0)
            was_at[frame] = frame.f_lasti
        places += event in ("call", "c_return")
        if places == n:
            listen(None)
            raise KeyboardInterrupt
        return at

    try:
        listen(at)
        work()
    except KeyboardInterrupt:
        pass
    finally:
        listen(None)
    return places >= n


def in_force() -> Any:
    enclosing, differentiated = recorded_call._enclosing.get(), recorded_call._differentiated.get()
    found = current.get(), enclosing, differentiated, gc.isenabled()
    if np.__version__ < "2":  # where an interrupt may keep its errstate from ending
        return found
    return *found, sorted(np.geterr().items())


def modes() -> None:
    with no_grad(), scope("layer1"), allow_nonfinite():
        Value(2.0) * 3.0
    allow_nonfinite()(abs)(-1.0)


def derivatives() -> None:
    grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0)


def compiling() -> None:
    x = Value(1.0)
    Program(x * x, inputs=[x]).value_and_grad([2.0])


def a_step() -> None:
    SGD(lr=0.1).update(np.ones(2), np.ones(2))


def a_check() -> None:
    check_gradient(lambda x: x**2, lambda x: 2 * x, 1.0)


def a_training() -> None:
    model, options = MLP(1, [1], seed=1), {"loss": "sum_of_squares", "optimizer": "sgd"}
    fit(model, [1.0, 2.0], [1.0, 3.0], **options, epochs=1, batch_size=1, progress=False)
    predict(model, [1.0])


WORK = [(modes, 1), (derivatives, 1), (compiling, 1), (a_step, 1), (a_check, 7), (a_training, 1)]


@pytest.mark.parametrize(("work", "step"), WORK)
def test_nothing_stays_in_force(work: Callable[[], None], step: int) -> None:
    if Switch.__module__ == "micrograd_bp.modes" and work not in (a_step, a_check):
        pytest.skip("where Switch is not compiled, an interrupt may keep it from ending")
    work()  # what is made once
    before, n = in_force(), 1
    try:
        while interrupted(work, n):
            assert in_force() == before, n
            n += step
    finally:
        gc.enable()
    assert n > 10


def weights(model: MLP) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


class Weight:
    """Python is at work where it is written to."""

    number = 0.0

    @property
    def data(self) -> float:
        return self.number

    @data.setter
    def data(self, number: float) -> None:
        self.number = number


def test_a_backward_pass_adds_to_all_grads_or_to_none() -> None:
    x = Value(2.0)
    y = (x * x + x).tanh() * x
    nodes, n = topological_order(y), 1
    y.backward()
    after = [node.grad for node in nodes]
    before = [0.0] * len(nodes)
    while True:
        for node in nodes:
            node.grad = 0.0
        if not interrupted(y.backward, n, sys.settrace):
            break
        assert [node.grad for node in nodes] in (before, after), n
        n += 1
    assert n > 10 or engine_kind() == "compiled"


def test_weights_are_written_all_or_not_at_all() -> None:
    n = 1
    while True:
        parameters: list[Any] = [Weight() for _ in range(3)]
        is_interrupted = interrupted(partial(write, parameters, [1.0, 2.0, 3.0]), n)
        assert [w.data for w in parameters] in ([0.0] * 3, [1.0, 2.0, 3.0])
        if not is_interrupted:
            break
        n += 1
    assert n > 5


def test_weights_are_read_from_a_file_all_or_not_at_all(tmp_path: Path) -> None:
    model, other = (MLP(2, [2, 1], seed=seed) for seed in (1, 2))
    before, after, n = weights(model), weights(other), 1
    other.save(tmp_path / "other")
    while interrupted(lambda: model.load(tmp_path / "other"), n):
        assert weights(model) in (before, after), n
        write(model.parameters(), before)
        n += 1
    assert weights(model) == after


def test_fit_keeps_the_weights_of_the_last_epoch_wherever_it_is_interrupted() -> None:
    model, kept = MLP(1, [1], seed=1), []
    began = weights(model)
    train = partial(
        fit, model, [1.0, 2.0], [1.0, 3.0], loss="sum_of_squares", optimizer="sgd", epochs=3
    )
    train(callbacks=lambda epoch: kept.append(weights(model)), progress=False)
    n_interrupts, n = 0, 1
    while True:
        write(model.parameters(), began)
        if not interrupted(partial(train, progress=False), n):
            break
        assert weights(model) in [began, *kept], n
        n_interrupts += 1
        n += 13
    assert n_interrupts > 20
    assert weights(model) == kept[-1]


def test_a_progress_bar_starts_no_thread_loses_no_interrupt_and_keeps_no_lock(
    monkeypatch: Any,
) -> None:
    lost: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: lost.append(told.exc_type))
    monkeypatch.setattr(Bar, "monitor", None)

    def work() -> None:
        with Bar(total=2, mininterval=0.0) as bar:
            bar.update()
            bar.clear()

    n = 1
    gc.collect()
    gc.disable()  # which would end what other tests have left, and be interrupted there
    try:
        while interrupted(work, n):
            tqdm._instances.clear()  # of bars left unclosed, each of which makes the next slower
            n += 1
            beside = Thread(target=Bar, kwargs={"disable": True}, daemon=True)
            beside.start()
            beside.join(600)
            assert not beside.is_alive(), "an interrupt left the bars locked"
    finally:
        gc.enable()
    assert n > 20
    assert KeyboardInterrupt not in lost
    assert Bar.monitor is None
