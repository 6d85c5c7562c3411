"""The garbage collector is off only while a Program is compiled, in however many threads."""

import gc
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from micrograd_bp.program import collector


def test_threads_that_compile_at_once_leave_the_collector_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, ended = Event(), Event()  # the other, and the first

    def is_enabled() -> bool:
        begun.set()
        return gc.isenabled()

    def disable() -> None:
        assert ended.wait(600)
        gc.disable()

    other = Thread(target=collector.paused(begun.set))

    def compile_beside_another() -> None:
        slow = SimpleNamespace(isenabled=is_enabled, disable=disable, enable=gc.enable)
        monkeypatch.setattr(collector, "gc", slow)
        other.start()
        assert begun.wait(600)

    collector.paused(compile_beside_another)()
    ended.set()
    other.join(600)
    assert gc.isenabled()
