"""The garbage collector, paused: what many small tuples are made of in a while has no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collection within, if there would be any.

    Making a million tuples that stay, it would look through all of them, again and again: half
    of the time of compiling a large graph.

    >>> with paused():
    ...     gc.isenabled()
    False
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
