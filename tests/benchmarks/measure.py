"""Times of several ways to do one thing, interleaved in one process, and their ratios."""

import gc
import time
from collections.abc import Callable
from statistics import median


def interleaved(
    runs: dict[str, Callable[[], object]], repetitions: int, collector: bool
) -> dict[str, float]:
    """The median seconds of each run; all are run in turn, repetition by repetition.

    What takes less than 10 ms is run several times over within a repetition.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    loops = {name: 1 + int(0.01 / _seconds(run, 1)) for name, run in runs.items()}
    try:
        for _ in range(repetitions):
            for name, run in runs.items():
                gc.collect()
                if not collector:
                    gc.disable()
                times[name].append(_seconds(run, loops[name]))
                gc.enable()
    finally:
        gc.enable()
    return {name: median(seconds) for name, seconds in times.items()}


def _seconds(run: Callable[[], object], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        run()
    return (time.perf_counter() - start) / loops


def report(title: str, runs: dict[str, Callable[[], object]], repetitions: int = 5) -> None:
    """Print the medians, and how many times as long as the first each takes."""
    on = interleaved(runs, repetitions, collector=True)
    off = interleaved(runs, repetitions, collector=False)
    first = next(iter(runs))
    print(f"\n{title}\n")
    print("| engine | collector on, ms | ratio | collector off, ms | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name in runs:
        print(
            f"| {name} | {1e3 * on[name]:.3g} | {on[name] / on[first]:.1f}"
            f" | {1e3 * off[name]:.3g} | {off[name] / off[first]:.1f} |"
        )
