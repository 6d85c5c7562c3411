"""The kernels are plain C99 where the compiler is neither GCC nor Clang, as MSVC is."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import micrograd_bp.program

FOLDER = Path(micrograd_bp.program.__file__).parent
COMPILER = shutil.which("cc")

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler, cc")


def compiled(folder: Path, *arguments: str) -> str:
    source = folder / "kernels.c"
    source.write_text('#include "_layers.h"\nint levels(void) { return n_levels(); }\n')
    command = [COMPILER, *arguments, f"-I{FOLDER}", str(source)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_portable_kernels_are_pedantic_c99(tmp_path: Path) -> None:
    strict = ["-std=c99", "-pedantic-errors", "-Wall", "-Wvla", "-Werror", "-Wno-unused"]
    compiled(tmp_path, "-DMICROGRAD_BP_PORTABLE", *strict, "-fsyntax-only")


@pytest.mark.parametrize("compiler_is_gnu", [False, True])
def test_no_extension_is_left_where_the_compiler_is_another(
    compiler_is_gnu: bool, tmp_path: Path
) -> None:
    for header in ("float", "math", "stddef", "stdint", "string", "immintrin"):
        (tmp_path / f"{header}.h").touch()
    macros = [] if compiler_is_gnu else ["-U__GNUC__", "-U__clang__"]
    text = compiled(tmp_path, "-E", "-nostdinc", f"-I{tmp_path}", *macros)
    extensions = re.search(r"__attribute__|__builtin|_Pragma|#pragma|\b_mm", text)
    assert bool(extensions) == compiler_is_gnu
