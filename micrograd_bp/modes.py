"""How operations run: recorded or not, finite or not, and in which scope.

Each mode is a context manager and a decorator, in force in the current thread or task.
"""

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from . import twins
from .numeric import show

F = TypeVar("F", bound=Callable[..., Any])


class Mode(NamedTuple):
    """What is in force just now; ``compared`` collects the nodes that Python compares."""

    recording: bool = True
    nonfinite_allowed: bool = False
    scope: str = ""
    compared: list[Any] | None = None


DEFAULT = Mode()
current: ContextVar[Mode] = ContextVar("micrograd_bp_mode", default=DEFAULT)


class Block:
    """A block with another value of a variable of the context, which ends with it.

    It has a compiled twin, which an interrupt (what a signal raises, at any step of Python)
    finds before or after its work: here one as the block ends leaves the value in force.

    Args:
        variable: the variable.
        new: makes the value of that before the block.
    """

    def __init__(self, variable: ContextVar[Any], new: Callable[[Any], Any]) -> None:
        self._variable, self._new = variable, new

    def __enter__(self) -> None:
        before = self._variable.get()
        try:
            self._token = self._variable.set(self._new(before))
        except BaseException:
            self._variable.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        self._variable.reset(self._token)

    def __call__(self, f: F) -> F:
        """The function, each call of which is such a block."""

        @wraps(f)
        def run(*args: Any, **kwargs: Any) -> Any:
            with Block(self._variable, self._new):
                return f(*args, **kwargs)

        return run  # type: ignore[return-value]


if twins.wanted():
    with twins.imported(__file__, "_modes"):
        from ._modes import Block  # type: ignore[no-redef]


def changed(**changes: Any) -> Block:
    """Put other values of the fields of ``Mode`` in force.

    >>> with changed(scope="layer2"):
    ...     inside("neuron1")
    'layer2/neuron1'
    """
    return Block(current, lambda mode: mode._replace(**changes))


def no_grad() -> Block:
    """Compute without recording: results are leaves.

    Returns:
        A context manager, which is a decorator too.

    >>> from micrograd_bp import Value
    >>> with no_grad():
    ...     y = Value(2.0) * 3.0
    >>> y.parents
    ()
    """
    return changed(recording=False)


def allow_nonfinite() -> Block:
    """Let inf and nan come out of finite operands, as IEEE 754 has it, instead of raising.

    Returns:
        A context manager, which is a decorator too.

    >>> from micrograd_bp import Value
    >>> with allow_nonfinite():
    ...     (Value(1.0) / 0.0).data
    inf
    """
    return changed(nonfinite_allowed=True)


def scope(name: str) -> Block:
    """Give the Values made inside a scope; nested scopes join into a path.

    Args:
        name: a string that is not empty; "layer1/neuron3" is two steps at once.

    Returns:
        A context manager, which is a decorator too.

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
    return Block(current, lambda mode: mode._replace(scope=inside(name)))


def inside(path: str) -> str:
    """A path below the scope in force; of "" that scope itself.

    >>> with scope("layer1"):
    ...     inside("neuron3")
    'layer1/neuron3'
    """
    outer = current.get().scope
    return f"{outer}/{path}" if outer and path else outer or path


def in_own_context(f: F) -> F:
    """The function, each call of which is in a copy of the context.

    What is put in force in it ends with it, also where an interrupt comes just as it would be
    taken back: modes, and NumPy's errstate, which is in the context from NumPy 2 on.
    """

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        return copy_context().run(f, *args, **kwargs)

    return run  # type: ignore[return-value]
