"""Python in a process of its own, where a test has to break, or to begin, one."""

import os
import subprocess
import sys
from pathlib import Path

import micrograd_bp

PACKAGE = Path(micrograd_bp.__file__).parents[1]


def run_python(
    *arguments: str, cwd: Path = PACKAGE, status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """What ends with this status, and said what it said; a crash is shown.

    In the folder of the package that runs here, which it imports then, unless another is given;
    it has as long as the busiest machine takes.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=1200,
    )
    assert done.returncode == status, f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    return done
