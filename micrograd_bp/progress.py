"""Progress bars, which lose no interrupt in a with block, and let all go on after one."""

from typing import Any

from tqdm import tqdm
from tqdm.std import TqdmDefaultWriteLock  # type: ignore[attr-defined]


class Bar(tqdm):  # type: ignore[type-arg]
    """One of tqdm's, that looks at the clock at each step, and has no thread.

    tqdm's thread watches bars that look less often, and takes locks in Python: an interrupt in the
    middle of that leaves one locked, and the process waits for the thread. Bars are locked by
    a lock in C, that of tqdm's which is for threads, in with blocks: else an interrupt could leave
    it locked, and bars of other threads would wait for ever.

    An interrupt just as one is collected that was never closed may be lost: Python's WeakSet, in
    which tqdm holds its bars, hears of it then.
    """

    monitor_interval = 0  # no thread
    _lock = TqdmDefaultWriteLock.th_lock
    __del__ = object.__init__  # nothing, in C: an interrupt in what Python does there is lost

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, miniters=1, **kwargs)  # type: ignore[call-overload]

    def clear(self, nolock: bool = False) -> None:
        """Take the bar off the screen."""
        with self._lock:
            super().clear(nolock=True)

    def refresh(self, nolock: bool = False, lock_args: Any = None) -> Any:
        """Show the bar as it is now."""
        with self._lock:
            return super().refresh(nolock=True)
