"""How operations run: recorded or not, finite or not, and in which scope.

Each mode is a context manager and a decorator, in force in the current thread or task.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from .numeric import show


class Mode(NamedTuple):
    """What is in force just now; ``compared`` collects the nodes that Python compares."""

    recording: bool = True
    nonfinite_allowed: bool = False
    scope: str = ""
    compared: list[Any] | None = None


DEFAULT = Mode()
current: ContextVar[Mode] = ContextVar("micrograd_bp_mode", default=DEFAULT)


@contextmanager
def changed(**changes: Any) -> Iterator[None]:
    """Put other values of the fields of ``Mode`` in force.

    >>> with changed(scope="layer2"):
    ...     inside("neuron1")
    'layer2/neuron1'
    """
    token = current.set(current.get()._replace(**changes))
    try:
        yield
    finally:
        current.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are leaves.

    >>> from micrograd_bp import Value
    >>> with no_grad():
    ...     y = Value(2.0) * 3.0
    >>> y.parents
    ()
    """
    with changed(recording=False):
        yield


@contextmanager
def allow_nonfinite() -> Iterator[None]:
    """Let inf and nan come out of finite operands, as IEEE 754 has it, instead of raising.

    >>> from micrograd_bp import Value
    >>> with allow_nonfinite():
    ...     (Value(1.0) / 0.0).data
    inf
    """
    with changed(nonfinite_allowed=True):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Give the Values made inside a scope; nested scopes join into a path.

    Args:
        name: a string that is not empty; "layer1/neuron3" is two steps at once.

    Raises:
        TypeError: name is no string.
        ValueError: name is empty.

    >>> from micrograd_bp import Value
    >>> with scope("layer1"), scope("neuron3"):
    ...     Value(1.0).scope
    'layer1/neuron3'
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a scope is a string, not {show(name)}")
    if not name.strip("/"):
        raise ValueError(f"the name of a scope has at least one character, not {name!r}")
    with changed(scope=inside(name)):
        yield


def inside(path: str) -> str:
    """A path below the scope in force; of "" that scope itself.

    >>> with scope("layer1"):
    ...     inside("neuron3")
    'layer1/neuron3'
    """
    outer = current.get().scope
    return f"{outer}/{path}" if outer and path else outer or path
