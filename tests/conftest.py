"""Which tests run, how many examples they try, and the fixtures that several files share.

`pytest` runs the quick tests and tries a few examples of each property; `pytest --all` runs all.
The environment variable HYPOTHESIS_PROFILE says how many: "quick" and "ci", which are the defaults
of the two, try the same each time, so that a red run belongs to the commit and not to the dice;
"thorough" draws new ones, and many. None minds a slow machine.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

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


def pytest_configure(config: pytest.Config) -> None:
    named = any("::" in argument for argument in config.args)
    if not (config.getoption("all") or config.getoption("markexpr") or named):
        config.option.markexpr = "not slow"
    default = "quick" if config.getoption("markexpr") == "not slow" else "ci"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C is heard, by programs that a test starts too, also where the tests ignore it.

    They do under `nohup pytest &`, and what they start inherits it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
