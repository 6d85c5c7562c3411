"""How operations run: recorded or not, finite or not, and in which scope.

Each mode is a context manager and a decorator, in force in the current thread or task.
"""

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, copy_context
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
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
    begun: Any = None  # the block that put this in force, and the Mode before it


FIELDS = Mode._fields[:-1]
DEFAULT = Mode()
current: ContextVar[Mode] = ContextVar("micrograd_bp_mode", default=DEFAULT)


class Switch:
    """Puts another mode in force, and takes it back: nested, shared, and in whatever order.

    It holds nothing of its own on that: what is in force in a context knows what it began with.
    It has a compiled twin, which an interrupt (what a signal raises, at any step of Python)
    finds before or after its work: here one as the block ends leaves the mode in force.

    Args:
        new: makes the mode of that before the block, and of what it has as ``begun``.
    """

    def __init__(self, new: Callable[[Mode, Any], Mode]) -> None:
        self.new = new

    def __enter__(self) -> None:
        before = current.get()
        try:
            current.set(self.new(before, (self, before)))
        except BaseException:
            current.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        mode = current.get()
        begun = mode.begun
        current.set(begun[1] if begun and begun[0] is self else without(self, mode))


def without(block: Switch, mode: Mode) -> Mode:
    """A mode less a block inside which others began: generators may end in another order."""
    later = []
    while mode.begun and mode.begun[0] is not block:
        other, mode = mode.begun
        later.append(other)
    if not mode.begun:
        raise RuntimeError(
            "this block has not begun here, or has ended: a mode begins and ends in one thread or"
            " task, as a with statement has it"
        )
    mode = mode.begun[1]
    for other in reversed(later):
        mode = other.new(mode, (other, mode))
    return mode


if twins.wanted():
    with twins.imported(__file__, "_modes"):
        from ._modes import Switch  # type: ignore[no-redef]


class Block(Switch, ContextDecorator):
    """A mode as a context manager and as a decorator, which can be used again and shared."""

    def __call__(self, f: F) -> F:
        """The function, each call of which is such a block."""
        if iscoroutinefunction(f) or isgeneratorfunction(f) or isasyncgenfunction(f):
            raise TypeError(
                f"{getattr(f, '__name__', 'a function')} is no plain function but one that runs on"
                " after its call (async def or yield), and would run in no mode: write a with"
                " block into it"
            )
        return super().__call__(f)


def changed(**changes: Any) -> Block:
    """Put other values of the fields of ``Mode`` in force.

    >>> with changed(scope="layer2"):
    ...     inside("neuron1")
    'layer2/neuron1'
    """
    return Block(
        lambda mode, begun: Mode(*map(changes.get, FIELDS, mode), begun)  # type: ignore[arg-type, call-arg]
    )


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
    return Block(
        lambda mode, begun: Mode(*mode[:2], _joined(mode.scope, name), mode.compared, begun)
    )


def inside(path: str) -> str:
    """A path below the scope in force; of "" that scope itself.

    >>> with scope("layer1"):
    ...     inside("neuron3")
    'layer1/neuron3'
    """
    return _joined(current.get().scope, path)


def _joined(outer: str, path: str) -> str:
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
