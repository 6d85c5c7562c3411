"""A sample of the random programs that the gate runs by the thousand under sanitizers."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import micrograd_bp

SUPPORT = Path(__file__).parents[1] / "support"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_random_programs_with_threads_interrupts_and_pickles_keep_their_numbers() -> None:
    done = subprocess.run(
        [sys.executable, str(SUPPORT / "random_programs.py"), "--count", "66", "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(micrograd_bp.__file__).parents[1],
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("66 random programs")
