"""Which tests run, how many examples they try, and the fixtures that several files share.

`pytest` runs the quick tests and tries a few examples of each property; `pytest --all` runs all.
The environment variable HYPOTHESIS_PROFILE says how many: "quick" and "ci", which are the defaults
of the two, try the same each time, so that a red run belongs to the commit and not to the dice;
"thorough" draws new ones, and many. None minds a slow machine.

None waits for ever either: a test that hangs, or a process that does not end after its tests, is
ended after `--limit` seconds, with a traceback of all threads.
"""

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis.strategies import booleans

STDERR = pytest.StashKey[int]()

settings.register_profile(
    "ci",
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=10)
settings.register_profile(
    "thorough",
    max_examples=5000,
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too")
    parser.addoption(
        "--limit", type=float, default=1800.0, help="the seconds that a test may take at most"
    )


def pytest_configure(config: pytest.Config) -> None:
    named = any("::" in argument for argument in config.args)
    if not (config.getoption("all") or config.getoption("markexpr") or named):
        config.option.markexpr = "not slow"
    default = "quick" if config.getoption("markexpr") == "not slow" else "ci"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))
    config.stash[STDERR] = os.dup(2)  # while a test runs, 2 is caught


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is collected stays until the end, so the collector of garbage never looks at it.

    Nor is it said to be off meanwhile: Dask keeps what it was as it is imported, for ever.
    Hypothesis looks once for who holds its random numbers: before they are out of sight.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(0)
    try:
        return (yield)
    finally:
        find(booleans(), bool)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*thresholds)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _end_after_limit(item.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    _end_after_limit(item.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    _end_after_limit(item.config)


def pytest_runtest_logfinish() -> None:
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    is_worker = hasattr(config, "workerinput")  # of pytest-xdist: it is waited for, and then killed
    if "pytest" in Path(sys.argv[0]).parts[-2:] and not is_worker:  # nobody goes on after the tests
        _end_after_limit(config)


def _end_after_limit(config: pytest.Config) -> None:
    """From now on; not pytest's faulthandler_timeout, which lets a failed test hang."""
    faulthandler.dump_traceback_later(
        config.getoption("limit"), exit=True, file=config.stash[STDERR]
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard, by programs that a test starts too, also where the tests ignore it.

    They do under `nohup pytest &`, and what they start inherits it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
