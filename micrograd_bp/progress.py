"""Progress bars, which lose no interrupt in a with block, and let the process end after one."""

from typing import Any

from tqdm import tqdm


class Bar(tqdm):  # type: ignore[type-arg]
    """One of tqdm's, that looks at the clock at each step, and has no thread.

    tqdm's thread watches bars that look less often, and takes locks in Python: an interrupt in the
    middle of that leaves one locked, and the process waits for the thread.

    An interrupt just as one is collected that was never closed may be lost: Python's WeakSet, in
    which tqdm holds its bars, hears of it then.
    """

    monitor_interval = 0  # no thread
    __del__ = object.__init__  # nothing, in C: an interrupt in what Python does there is lost

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, miniters=1, **kwargs)  # type: ignore[call-overload]
