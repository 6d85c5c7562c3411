"""Threads: backward passes over shared nodes lose no update, and modes stay where they are."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from micrograd_bp import Value, allow_nonfinite, dot, no_grad, scope, topological_order

THREADS = 8
ROUNDS = 25


@pytest.fixture(autouse=True)
def switching_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def run_together(*tasks: Callable[[], None]) -> None:
    """Each task in a thread of its own, all let go at once; an error in one is an error here."""
    gate = threading.Barrier(len(tasks))
    errors: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            gate.wait(timeout=600.0)
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=600.0)
        assert not thread.is_alive()
    if errors:
        raise errors[0]


def roots_over_shared_nodes(count: int) -> list[Value]:
    """Roots on 200 shared leaves and 200 shared interior nodes; all derivatives are integers."""
    leaves = [Value(float(i % 7)) for i in range(200)]
    shared = [leaf * 2.0 for leaf in leaves]
    return [dot([float(r + 1)] * len(shared), shared) for r in range(count)]


def test_concurrent_backward_passes_from_one_root_lose_no_update() -> None:
    (root,) = roots_over_shared_nodes(1)
    root.backward()
    once = {node: node.grad for node in topological_order(root)}

    def sweep() -> None:
        for _ in range(ROUNDS):
            root.backward()

    run_together(*[sweep] * THREADS)
    expected = {node: grad * (1 + THREADS * ROUNDS) for node, grad in once.items()}
    assert {node: node.grad for node in once} == expected


def test_concurrent_backward_passes_from_roots_that_share_nodes_lose_no_update() -> None:
    roots = roots_over_shared_nodes(THREADS)
    shared = roots[0].parents[200:]
    assert shared == roots[1].parents[200:]

    def sweeping(root: Value) -> Callable[[], None]:
        def sweep() -> None:
            for _ in range(ROUNDS):
                root.backward()

        return sweep

    run_together(*map(sweeping, roots))
    total = float(sum(range(1, THREADS + 1)) * ROUNDS)
    assert {node.grad for node in shared} == {total}
    assert {node.parents[0].grad for node in shared} == {2.0 * total}
    assert {root.grad for root in roots} == {float(ROUNDS)}


def test_a_backward_that_fails_does_not_hold_up_or_disturb_the_others() -> None:
    x = Value(0.0)
    failing, fine = x.sqrt(), x * 3.0

    def fail() -> None:
        for _ in range(ROUNDS):
            with pytest.raises(ZeroDivisionError):
                failing.backward()

    def sweep() -> None:
        for _ in range(ROUNDS):
            fine.backward()

    run_together(fail, sweep, fail, sweep)
    assert (x.grad, failing.has_grad) == (6.0 * ROUNDS, False)


def test_graphs_built_in_threads_of_their_own_are_right() -> None:
    w = Value(3.0)
    results: list[float] = []

    def build() -> None:
        for _ in range(ROUNDS):
            x = Value(2.0)
            y = (w * x).tanh() * x + w
            y.backward()
            results.append(x.grad)

    run_together(*[build] * THREADS)
    assert len(set(results)) == 1
    assert len(results) == THREADS * ROUNDS


def records() -> bool:
    return bool((Value(1.0) + 1.0).parents)


def refuses_nonfinite() -> bool:
    try:
        Value(0.0).log()
    except ValueError:
        return True
    return False


def has_no_scope() -> bool:
    return not Value(1.0).scope


@pytest.mark.parametrize(
    ("mode", "is_default"),
    [(no_grad, records), (allow_nonfinite, refuses_nonfinite), (lambda: scope("s"), has_no_scope)],
    ids=["no_grad", "allow_nonfinite", "scope"],
)
def test_a_mode_is_in_force_in_its_own_thread_only(
    mode: Callable[[], AbstractContextManager[None]], is_default: Callable[[], bool]
) -> None:
    inside, seen = threading.Event(), threading.Event()

    def hold() -> None:
        with mode():
            assert not is_default()
            inside.set()
            assert seen.wait(timeout=600.0)
            assert not is_default()
        assert is_default()

    def look() -> None:
        assert inside.wait(timeout=600.0)
        try:
            assert is_default()
        finally:
            seen.set()

    run_together(hold, look)


def test_a_mode_is_in_force_in_its_own_task_only() -> None:
    async def hold(entered: asyncio.Event, seen: asyncio.Event) -> None:
        with no_grad():
            entered.set()
            await seen.wait()
            assert not records()

    async def look(entered: asyncio.Event, seen: asyncio.Event) -> None:
        await entered.wait()
        try:
            assert records()
        finally:
            seen.set()

    async def both() -> None:
        events = asyncio.Event(), asyncio.Event()
        await asyncio.gather(hold(*events), look(*events))

    asyncio.run(both())
