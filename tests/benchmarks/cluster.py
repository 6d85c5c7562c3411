"""What Dask costs: ``python -m tests.benchmarks.cluster [gradient] [rounds] [epochs]``.

gradient: one gradient of a 2-16-16-1 network over 10^7 points, in memory on two threads, and in
ten chunks on Dask's threads and on worker processes, which hold as many each; the ways take turns
with the first, beside one cluster after the other.
rounds: what a round costs where nothing is computed: weights there, a sum back.
epochs: an epoch of Adam on minibatches of 1,000, ten chunks of 10^5 points, in double precision on
one thread: ``fit``, scikit-learn's ``partial_fit`` by chunks, and PyTorch with a DataLoader.
Needs Dask, scikit-learn and PyTorch. The least of several runs each.
"""

import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

from micrograd_bp import MLP, Adam, Program, Value, fit, sum_of_squares
from micrograd_bp.training import cluster
from micrograd_bp.training.chunks import Chunks

N, CHUNK = 10**7, 10**6


def drawn(i: int, chunk: int) -> np.ndarray:
    """Two inputs and a target of each data point."""
    return np.random.default_rng(i).normal(size=(chunk, 3))


def in_memory(n: int, chunk: int) -> np.ndarray:
    return np.concatenate([drawn(i, chunk) for i in range(n // chunk)])


def in_chunks(n: int, chunk: int, client: Client) -> Any:
    """The same, each chunk drawn by the worker that holds it, in turn.

    Left to itself Dask often gives six of ten to one of two workers, for which the other waits.
    """
    draw, workers = dask.delayed(drawn), [*client.scheduler_info()["workers"]]
    parts = [da.from_delayed(draw(i, chunk), (chunk, 3), float) for i in range(n // chunk)]
    held = [client.persist(part, workers=workers[i % len(workers)]) for i, part in enumerate(parts)]
    wait(held)
    return client.persist(da.concatenate(held))


def network_program() -> Program:
    model = MLP(2, [16, 16, 1], hidden="tanh", seed=0)
    leaves = [Value(0.5), Value(0.2), Value(0.1)]
    E_n = sum_of_squares(model(leaves[:2]), leaves[2])
    return Program(E_n, inputs=leaves, parameters=model.parameters())


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def local(processes: int, threads: int) -> LocalCluster:
    return LocalCluster(processes, threads_per_worker=threads, dashboard_address=":0")


def gradient() -> None:
    program, points = network_program(), in_memory(N, CHUNK)
    chunks = da.from_array(points, chunks=(CHUNK, 3))

    def of_threads() -> Any:
        with dask.config.set(scheduler="threads", num_workers=2):
            return cluster.value_and_grad(program, chunks)

    print(f"| one gradient, {N:.0e} points, chunks of {CHUNK:.0e} | ms | of the Program's |")
    print("|---|---:|---:|")
    bits = set()
    for processes, threads in ((1, 2), (2, 1)):  # one cluster at a time: an idle one takes time too
        with local(processes, threads) as there, Client(there) as client:
            of_workers = partial(cluster.value_and_grad, program, in_chunks(N, CHUNK, client))
            ways: dict[str, Callable[[], Any]] = {
                "Program, threads=2": lambda: program.value_and_grad(points, threads=2),
                "Dask's threads": of_threads,
                f"{processes} x {threads} threads": of_workers,
            }
            bits |= {way()[1].tobytes() for name, way in ways.items() if name[:7] != "Program"}
            best = dict.fromkeys(ways, float("inf"))
            for name in [*ways] * 5:
                best[name] = min(best[name], seconds(ways[name]))
        own = best["Program, threads=2"]
        for name, least in best.items():
            print(f"| {name} | {1e3 * least:.0f} | {least / own:.2f} |", flush=True)
    print("the same bits on threads and processes:", len(bits) == 1)


def echo(chunk: Any, theta: np.ndarray) -> np.ndarray:
    return theta


def rounds() -> None:
    print("\n| milliseconds of a round | 10^3 parameters | 10^5 | 10^6 |\n|---|---:|---:|---:|")
    for processes in (1, 2):
        with local(processes, 1) as there, Client(there) as client:
            for n in (2, 16, 128):
                held = client.persist(da.zeros((n, 1), chunks=1))
                chunks, cells = Chunks({"X": held}), []
                for size in (10**3, 10**5, 10**6):
                    theta = np.ones(size)

                    def run(chunks: Any = chunks, theta: Any = theta) -> None:
                        chunks.total(echo, theta)

                    run()
                    cells.append(min(seconds(run) for _ in range(3 if size == 10**6 else 7)))
                times = " | ".join(f"{1e3 * cell:.0f}" for cell in cells)
                print(f"| {processes} processes, {n} chunks | {times} |", flush=True)


def epochs() -> None:
    import torch
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor
    from threadpoolctl import threadpool_limits

    n, chunk, batch = 10**6, 10**5, 1000
    points = in_memory(n, chunk)
    chunks = da.from_array(points, chunks=(chunk, 3))
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)

    def ours() -> None:
        with dask.config.set(scheduler="threads", num_workers=1):
            model = MLP(2, [16, 16, 1], hidden="tanh", seed=0)
            X, T = chunks[:, :2], chunks[:, 2]
            options = {"batch_size": batch, "epochs": 1, "progress": False}
            fit(model, X, T, loss="mean_squared_error", optimizer=Adam(), **options)

    def ours_in_memory() -> None:
        model = MLP(2, [16, 16, 1], hidden="tanh", seed=0)
        options = {"batch_size": batch, "epochs": 1, "progress": False}
        fit(
            model,
            points[:, :2],
            points[:, 2],
            loss="mean_squared_error",
            optimizer=Adam(),
            **options,
        )

    def scikit_learn() -> None:
        model = MLPRegressor(
            hidden_layer_sizes=(16, 16),
            activation="tanh",
            alpha=0.0,
            batch_size=batch,
            random_state=0,
        )
        with threadpool_limits(1):
            for at in range(0, n, chunk):
                rows = points[at : at + chunk]
                model.partial_fit(rows[:, :2], rows[:, 2])

    class InChunks(torch.utils.data.IterableDataset):
        def __iter__(self) -> Any:
            for at in range(0, n, chunk):
                rows = torch.from_numpy(points[at : at + chunk])
                for taken in torch.randperm(chunk).split(batch):
                    yield rows[taken]

    def pytorch() -> None:
        layers = [torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16)]
        model = torch.nn.Sequential(*layers, torch.nn.Tanh(), torch.nn.Linear(16, 1))
        optimizer = torch.optim.Adam(model.parameters())
        for rows in torch.utils.data.DataLoader(InChunks(), batch_size=None):
            optimizer.zero_grad()
            (model(rows[:, :2])[:, 0] - rows[:, 2]).square().mean().backward()
            optimizer.step()

    ways = {
        "fit, chunks, and three looks at all data": ours,
        "fit, in memory, and two looks at all data": ours_in_memory,
        "scikit-learn, partial_fit": scikit_learn,
        "PyTorch, DataLoader": pytorch,
    }
    best = dict.fromkeys(ways, float("inf"))
    for name in [*ways] * 5:
        best[name] = min(best[name], seconds(ways[name]))
    print("\n| an epoch of Adam, 10^6 points, batches of 1,000 | ms |\n|---|---:|")
    for name, least in best.items():
        print(f"| {name} | {1e3 * least:.0f} |")


if __name__ == "__main__":
    sections = {section.__name__: section for section in (gradient, rounds, epochs)}
    for name in sys.argv[1:] or sections:
        sections[name]()
