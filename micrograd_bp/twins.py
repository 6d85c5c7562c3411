"""Compiled twins: where one cannot be used, or is older than its source, that is said.

A twin is an extension module beside the Python file that specifies it (PEP 399). Where none was
built, as without a C compiler, or MICROGRAD_BP_PURE is set in the environment, the Python file
does the same, and nothing need be said.
"""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDED = (".pxi", ".h")
_INCLUDES = re.compile(r'^(?:#?include|cdef extern from) "(\S+)"', re.MULTILINE)


def wanted() -> bool:
    """Whether compiled twins are to be used."""
    return not os.environ.get("MICROGRAD_BP_PURE")


@contextmanager
def imported(file: str, twin: str) -> Iterator[None]:
    """The block imports from a twin; what goes wrong there is said, and the block left.

    Args:
        file: the Python file that asks for its twin.
        twin: the twin's name, such as "_engine".

    Warns:
        UserWarning: the twin is there and cannot be loaded; or a source that lies in its folder
            was changed after it was compiled.

    >>> with imported(__file__, "_nowhere"):
    ...     from micrograd_bp._nowhere import Value
    """
    folder = os.path.dirname(os.path.abspath(file))
    built = [os.path.join(folder, twin + suffix) for suffix in EXTENSION_SUFFIXES]
    module = next(filter(os.path.exists, built), None)
    changed = _changed_since(os.stat(module).st_mtime, folder, f"{twin}.pyx") if module else ""
    if changed:
        warnings.warn(
            f"{twin} was compiled before {changed} was changed, and may not do what is written"
            " there: compile it by pip install -e . and see that it says no error",
            stacklevel=2,
        )
    try:
        yield
    except Exception as error:
        if not (changed or isinstance(error, ImportError)):
            raise
        if not isinstance(error, ModuleNotFoundError):
            warnings.warn(
                f"{twin} cannot be loaded here ({error}): the pure Python does the same, slowly",
                stacklevel=2,
            )


def _changed_since(compiled: float, folder: str, source: str) -> str:
    """The name of a source, or of a file that it includes, which was changed after a time.

    Where the sources are not those of a clone, but came with the module, their times tell nothing.
    """
    path = os.path.join(folder, source)
    if not (os.path.exists(os.path.join(ROOT, "pyproject.toml")) and os.path.exists(path)):
        return ""
    if os.stat(path).st_mtime > compiled:
        return source
    with open(path, encoding="utf-8") as file:
        included = dict.fromkeys(_INCLUDES.findall(file.read()))
    changed = (_changed_since(compiled, folder, name) for name in included)
    return next(filter(None, changed), "")
