"""The accessibility rules of axe-core, which the npm registry has; where it is not to be had, a
test that asks for them is skipped and says so."""

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VERSION = "4.10.3"
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, help, nodes}) => [id, help, ...nodes.map(({html}) => html)]))"""


@cache
def source() -> str:
    """The script of axe-core, from a folder where it is kept, or else from the registry."""
    kept = Path(tempfile.gettempdir()) / f"axe-core-{VERSION}.min.js"
    if not kept.exists():
        npm = shutil.which("npm") or pytest.skip("axe-core needs npm")
        with tempfile.TemporaryDirectory() as folder:
            command = [npm, "pack", f"axe-core@{VERSION}", "--pack-destination", folder]
            try:
                subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
            except subprocess.SubprocessError as error:
                pytest.skip(f"axe-core cannot be had: {error}")
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                script = archive.extractfile("package/axe.min.js")
                assert script
                whole = kept.with_suffix(f".{os.getpid()}")
                whole.write_bytes(script.read())
                whole.replace(kept)  # other processes see all of it, or nothing
    return kept.read_text(encoding="utf-8")


def violations(page: Any) -> list[list[str]]:
    """For each rule that is broken its name, its words, and the elements."""
    page.evaluate(source())
    found: list[list[str]] = page.evaluate(RUN)
    return found
