"""How many examples the property tests try, and the fixtures that several files share.

The environment variable HYPOTHESIS_PROFILE says: "ci", the default, tries the same examples each
time, so that a red run belongs to the commit and not to the dice; "quick", the default of
`pytest -m "not slow"`, tries the first few of them; "thorough" draws new ones, and many. None minds
a slow machine.
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


def pytest_configure(config: pytest.Config) -> None:
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
