"""A compiled twin that is stale or cannot be loaded is noticed and said; elsewhere all is well."""

import os
import shutil
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from own_process import run_python

import micrograd_bp
from micrograd_bp import engine_kind, twins

PACKAGE = Path(micrograd_bp.__file__).parent
compiled = pytest.mark.skipif(engine_kind() != "compiled", reason="the compiled engine")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with its modules compiled, to be broken."""
    shutil.copytree(PACKAGE, tmp_path / "micrograd_bp", ignore=shutil.ignore_patterns("_*.c"))
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    later = time.time() + 100
    for module in modules(tmp_path):
        os.utime(module, (later, later))
    return tmp_path


def modules(clone: Path) -> list[Path]:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return sorted(clone.rglob(f"*{suffix}"), key=lambda path: path.name)


def run(folder: Path, script: str) -> str:
    done = run_python("-c", script, cwd=folder, PYTHONWARNINGS="always")
    return done.stdout + done.stderr


USE = """
from micrograd_bp import Program, Value, engine_kind, grad
x = Value(3.0)
print(engine_kind(), grad(lambda x: x * x)(3.0), Program(x * x, [x])([[3.0]]))
"""


@compiled
def test_modules_as_they_were_compiled_say_nothing(clone: Path) -> None:
    assert run(clone, USE) == "compiled 6.0 [9.]\n"


@compiled
@pytest.mark.parametrize(
    ("twin", "source"),
    [
        ("_engine", "_engine.pyx"),
        ("_passes", "program/_blocks.pxi"),
        ("_program", "program/_kernels.h"),
        *(
            pytest.param(twin, source, marks=pytest.mark.slow)
            for twin, source in [
                ("_engine", "_gradient.pxi"),
                ("_modes", "_modes.pyx"),
                ("_nested", "transforms/_nested.pyx"),
                ("_passes", "program/_passes.pyx"),
                ("_program", "program/_program.pyx"),
                ("_program", "program/_parts.pxi"),
                ("_program", "program/_activations.h"),
                ("_program", "program/elementary.c"),
            ]
        ),
    ],
)
def test_a_module_older_than_its_source_says_so(clone: Path, twin: str, source: str) -> None:
    much_later = time.time() + 200
    os.utime(clone / "micrograd_bp" / source, (much_later, much_later))
    said = run(clone, USE)
    assert f"{twin} was compiled before {Path(source).name} was changed" in said
    assert said.count("UserWarning") == 1
    assert "compiled 6.0 [9.]" in said
    (clone / "pyproject.toml").unlink()  # as in an installation, where times tell nothing
    assert run(clone, USE) == "compiled 6.0 [9.]\n"


@compiled
@pytest.mark.parametrize("twin", ["_engine", "_modes", "_nested", "_passes", "_program"])
def test_a_module_that_cannot_be_loaded_says_so(clone: Path, twin: str) -> None:
    (module,) = [path for path in modules(clone) if path.name.startswith(twin)]
    module.write_bytes(b"no module")
    said = run(clone, USE)
    assert f"UserWarning: {twin} cannot be loaded here (" in said
    assert "6.0 [9.]" in said


@compiled
def test_a_stale_module_that_fails_gives_way_to_the_source(clone: Path) -> None:
    much_later = time.time() + 200
    os.utime(clone / "micrograd_bp/_engine.pyx", (much_later, much_later))
    table = clone / "micrograd_bp/functions/__init__.py"
    table.write_text(table.read_text() + "\ndel fsum\n")  # which the old module asks for
    said = run(clone, "import micrograd_bp")
    assert "_engine was compiled before _engine.pyx was changed" in said
    assert "_engine cannot be loaded here (" in said


@compiled
def test_where_nothing_was_compiled_nothing_is_said(clone: Path) -> None:
    for module in modules(clone):
        module.unlink()
    assert run(clone, USE) == "pure 6.0 [9.]\n"


IN_ANOTHER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import micrograd_bp

inside = '''
import sys
sys.path[:] = {path!r}
from micrograd_bp import Value, engine_kind, grad
x = Value(3.0)
(x * x).backward()
with open("said", "w") as file:
    print(x.grad, grad(lambda x: x * x)(3.0), engine_kind(), file=file)
'''
print(interpreters.run_string(interpreters.create(), inside))
x = micrograd_bp.Value(3.0)
(x * x).backward()
print(x.grad)
"""


def test_another_interpreter_of_the_process_has_the_pure_engine(tmp_path: Path) -> None:
    path = [str(PACKAGE.parent), *filter(None, sys.path)]
    said = run(tmp_path, IN_ANOTHER.format(path=path))
    assert (tmp_path / "said").read_text() == "6.0 6.0 pure\n", said
    assert "6.0\n" in said
    if engine_kind() == "compiled":
        assert "UserWarning: _engine cannot be loaded here (" in said


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="a Python that can do without the lock"
)
@compiled
def test_where_python_can_do_without_its_lock_the_compiled_engine_turns_it_on() -> None:
    script = "import sys, micrograd_bp; print(sys._is_gil_enabled())"
    assert "True" in run(PACKAGE.parent, script)


def test_what_a_module_includes_is_compiled_again_with_it_and_goes_into_the_sdist() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text()
    included = [path for path in PACKAGE.rglob("*") if path.suffix in twins.INCLUDED]
    names = [path.relative_to(PACKAGE.parent).as_posix() for path in included]
    assert len(names) >= 8
    assert [name for name in names if f'"{name}"' not in project] == []


def test_no_module_claims_to_be_safe_without_the_lock() -> None:
    sources = [path for path in PACKAGE.rglob("*.p[yx][xi]") if path.suffix in (".pyx", ".pxi")]
    assert len(sources) >= 4
    assert not [path for path in sources if "freethreading_compatible" in path.read_text()]
