"""Modes: one object of them is used again, inside itself, and by threads and tasks at once."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ContextDecorator, ExitStack
from typing import Any

import pytest

from micrograd_bp import Value, allow_nonfinite, no_grad, scope
from micrograd_bp.modes import DEFAULT, Block, current


@pytest.fixture(autouse=True)
def nothing_stays_in_force() -> Iterator[None]:
    yield
    assert current.get() is DEFAULT


def records() -> bool:
    return bool((Value(1.0) + 1.0).parents)


def test_a_mode_is_used_again_and_inside_itself() -> None:
    quiet, layer = no_grad(), scope("a")
    for _ in range(2):
        with quiet, layer, quiet, layer:
            assert not records()
            assert Value(1.0).scope == "a/a"
        assert records()
    with quiet:
        with pytest.raises(ZeroDivisionError), quiet:
            raise ZeroDivisionError
        assert not records()


def test_a_decorated_function_calls_itself() -> None:
    @scope("s")
    def deep(n: int) -> str:
        inner = deep(n - 1) if n else Value(1.0).scope
        assert Value(1.0).scope == "/".join("s" * (4 - n))
        return inner

    assert deep(3) == "s/s/s/s"


def test_threads_share_a_mode() -> None:
    quiet, gate, found = no_grad(), threading.Barrier(2, timeout=600.0), list[bool]()

    def run() -> None:
        gate.wait()
        with quiet:
            gate.wait()
            found.append(records())
            gate.wait()
        found.append(records())

    threads = [threading.Thread(target=run, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=600.0)
    assert sorted(found) == [False, False, True, True]


def test_tasks_share_a_mode() -> None:
    quiet, found = no_grad(), list[bool]()

    async def run() -> None:
        for _ in range(3):
            with quiet:
                await asyncio.sleep(0)
                found.append(records())
            found.append(records())

    async def both() -> None:
        await asyncio.gather(run(), run())

    asyncio.run(both())
    assert sorted(found) == [False] * 6 + [True] * 6


def test_blocks_end_in_another_order_than_they_began_in() -> None:
    quiet = no_grad()

    def generator() -> Iterator[None]:
        with quiet:
            yield

    steps = generator()
    next(steps)
    with scope("a"), scope("b"):
        assert not records()
        assert list(steps) == []
        assert records()
        assert Value(1.0).scope == "a/b"
    assert Value(1.0).scope == ""


def test_many_blocks_are_open_at_once() -> None:
    first = no_grad()
    with ExitStack() as stack:
        first.__enter__()
        for _ in range(10_000):
            stack.enter_context(allow_nonfinite())
        first.__exit__(None, None, None)
        assert records()


def test_a_block_that_has_not_begun_says_so() -> None:
    with scope("s"):
        with pytest.raises(RuntimeError, match="this block has not begun here, or has ended"):
            no_grad().__exit__(None, None, None)
        assert Value(1.0).scope == "s"


async def in_a_task() -> None: ...


async def stepping() -> AsyncIterator[int]:
    yield 1


def generating() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("f", [in_a_task, stepping, generating])
@pytest.mark.parametrize("mode", [no_grad, allow_nonfinite, lambda: scope("s")])
def test_a_function_that_runs_on_after_its_call_is_refused(
    mode: Callable[[], Block], f: Any
) -> None:
    with pytest.raises(TypeError, match=rf"{f.__name__} .* a with block"):
        mode()(f)


def test_a_decorated_function_is_a_function_and_a_mode_a_decorator() -> None:
    @no_grad()
    def f(x: float) -> float:
        """What it does."""
        return x

    assert inspect.isfunction(f)
    assert (f.__name__, f.__doc__, f(2.0)) == ("f", "What it does.", 2.0)
    assert isinstance(no_grad(), ContextDecorator)
    assert inspect.getdoc(Block)
