"""A sample of the random programs that the gate runs by the thousand under sanitizers."""

import signal
from pathlib import Path

import pytest
from own_process import run_python

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_random_programs_with_threads_interrupts_and_pickles_keep_their_numbers() -> None:
    done = run_python(str(SUPPORT / "random_programs.py"), "--count", "66", "--seed", "7")
    assert done.stdout.startswith("66 random programs")
