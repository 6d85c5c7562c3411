"""The garbage collector, paused: what many small tuples are made of in a while has no cycles."""

import gc
from collections.abc import Callable
from functools import wraps
from threading import current_thread, main_thread
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def paused(f: F) -> F:
    """The function, in whose calls there is no collection; whatever ends one, then there is again.

    Making a million tuples that stay, it would look through all of them, again and again: half
    of the time of compiling a large graph. In other threads than the main one it goes on: of two
    that turn it off and on again, one could leave it off.

    >>> paused(gc.isenabled)(), gc.isenabled()
    (False, True)
    """

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        if current_thread() is not main_thread():
            return f(*args, **kwargs)
        was_enabled = gc.isenabled()
        try:
            gc.disable()
            return f(*args, **kwargs)
        finally:
            if was_enabled:
                gc.enable()

    return run  # type: ignore[return-value]
