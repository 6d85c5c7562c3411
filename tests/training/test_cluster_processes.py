"""Data in chunks on worker processes: the same bits, whoever does the work and whoever dies."""

import gc
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_bp import MLP, Program, Value, function, square
from micrograd_bp.training import cluster, fit, predict

REASON = "needs Dask: pip install 'micrograd_bp[cluster]'"
dask = pytest.importorskip("dask", reason=REASON)
da = pytest.importorskip("dask.array", reason=REASON)
distributed = pytest.importorskip("dask.distributed", reason=REASON)
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # of Dask's own processes

RNG = np.random.default_rng(0)
X, TARGETS = RNG.normal(size=(900, 3)), RNG.normal(size=900)
SIZES = (200, 0, 1, 399, 300)


def rows(table: np.ndarray) -> Any:
    return da.from_array(table, chunks=(SIZES, *table.shape[1:]))


def trained(X: Any, T: Any = None, **options: Any) -> list[float]:
    model = MLP(3, [4, 1], hidden="tanh", seed=1)
    defaults = {"loss": "mean_squared_error", "optimizer": "adam", "epochs": 2}
    fit(model, X, rows(TARGETS) if T is None else T, **{**defaults, **options}, progress=False)
    return [parameter.data for parameter in model.parameters()]


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    # A worker that is not back 15 s after it died is given up, as if it were not to come: also one
    # that came, and is just then restarted.
    patience = {"distributed.deploy.lost-worker-timeout": "1h"}
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with dask.config.set(patience), distributed.LocalCluster(**options) as local:
        yield local


@pytest.mark.parametrize("n", [1, 2, 3])
def test_any_number_of_processes_gives_the_bits_of_this_one(processes: Any, n: int) -> None:
    model = MLP(3, [4, 1], hidden="tanh", seed=1)
    outputs = predict(model, X).tolist()
    leaves = [Value(0.5) for _ in range(3)]
    program = Program(square(model(leaves)), inputs=leaves, parameters=model.parameters())
    expected = [
        trained(rows(X)),
        trained(rows(X), batch_size=250),
        cluster.value_and_grad(program, rows(X))[1].tolist(),
    ]
    processes.scale(n)
    with distributed.Client(processes) as client:
        client.wait_for_workers(n)
        there = client.persist(rows(X))
        found = [
            trained(there),
            trained(rows(X), batch_size=250),
            cluster.value_and_grad(program, there)[1].tolist(),
        ]
        assert found == expected
        assert predict(model, there).compute().tolist() == outputs


@pytest.mark.parametrize("batch_size", [None, 250])
def test_a_worker_that_dies_in_the_middle_of_an_epoch_changes_nothing(
    processes: Any, batch_size: int | None, tmp_path: Any
) -> None:
    mark = tmp_path / "died"
    asked = tmp_path / "asked"

    def block(table: np.ndarray) -> np.ndarray:
        with open(asked, "a") as log:
            log.write("x")
        if asked.stat().st_size > 12 and os.getpid() != here:
            try:
                mark.touch(exist_ok=False)
            except FileExistsError:
                return table
            os.kill(os.getpid(), signal.SIGKILL)
        return table

    here = os.getpid()
    expected = trained(rows(X), batch_size=batch_size, epochs=3)
    processes.scale(2)
    with distributed.Client(processes) as client:
        client.wait_for_workers(2)
        data = rows(X).map_blocks(block, dtype=float, meta=np.empty((0, 3)))
        assert trained(data, batch_size=batch_size, epochs=3) == expected
    assert mark.exists()


def test_a_worker_that_cannot_take_part_is_told_before_work_starts(processes: Any) -> None:
    begin, end = (
        "import sys; m = sys.known = __import__('micrograd_bp'); ",
        "import sys; m = sys.known; ",
    )
    with distributed.Client(processes) as client:
        client.wait_for_workers(len(processes.workers))  # one may be starting again
        for change, undo, words in [
            (
                "m.__version__ += 'b'",
                "m.__version__ = m.__version__[:-1]",
                "micrograd_bp of the version",
            ),
            (
                "m.engine_kind = str",
                "m.engine_kind = m.engine.engine_kind",
                "micrograd_bp of the engine",
            ),
            (
                "sys.modules['micrograd_bp'] = None",
                "sys.modules['micrograd_bp'] = m",
                "cannot import",
            ),
        ]:
            client.run(exec, begin + change)
            said = f"the worker tcp://[^ ]* (has )?{words}"
            with pytest.raises(RuntimeError, match=said):
                trained(rows(X))
            with pytest.raises(RuntimeError, match=said):
                predict(MLP(3, [1], seed=1), rows(X))
            client.run(exec, end + undo)
        trained(rows(X))


OTHER_VERSION = "import micrograd_bp; micrograd_bp.__version__ += 'b'"
NO_PACKAGE = "import sys; sys.modules['micrograd_bp'] = None"


@pytest.mark.parametrize("batch_size", [None, 250])
@pytest.mark.parametrize(
    ("change", "words"), [(OTHER_VERSION, "of the version"), (NO_PACKAGE, "cannot import")]
)
def test_a_worker_that_joins_later_is_refused_before_it_computes(
    change: str, words: str, batch_size: int | None
) -> None:
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as local, distributed.Client(local) as client:

        def exchange(epoch: Any) -> None:
            first = [*client.scheduler_info()["workers"]]
            with dask.config.set({"distributed.worker.preload": [change + "\n"]}):
                local.scale(2)
                client.wait_for_workers(2)
            client.retire_workers(first)

        with pytest.raises(RuntimeError, match=f"worker .*{words}"):
            trained(rows(X), callbacks=exchange, batch_size=batch_size)


def test_a_program_is_sent_to_a_cluster_once_and_again_after_a_restart(processes: Any) -> None:
    leaf, weight = Value(0.5), Value(2.0)
    program = Program(square(weight * leaf), inputs=[leaf], parameters=[weight])
    data = rows(X[:, :1])
    expected = repr(cluster.value_and_grad(program, data))

    def sent(client: Any) -> list[str]:
        return [key for key in map(str, client.futures) if key.startswith("bytes")]

    with distributed.Client(processes) as client:
        client.wait_for_workers(1)
        assert repr(cluster.value_and_grad(program, data)) == expected
        first = sent(client)
        assert repr(cluster.value_and_grad(program, data)) == expected
        assert sent(client) == first
        client.restart(timeout=300)
        assert repr(cluster.value_and_grad(program, data)) == expected
        assert len(sent(client)) == len(first) == 1
        assert sent(client) != first


@pytest.mark.parametrize("batch_size", [None, 250])
def test_a_function_of_ones_own_stays_here_and_a_loss_need_not_go(
    processes: Any, batch_size: int | None
) -> None:
    cube = function(lambda x: x**3, lambda x: 3 * x**2, "cube")
    lock = threading.Lock()  # which cannot be sent

    def loss(y: Value, t: Value) -> Value:
        with lock:
            return square(y - t)

    def cubic(y: Value, t: Value) -> Value:
        return cube(y - t)

    options = {"loss": loss, "batch_size": batch_size}
    expected = trained(rows(X), **options)
    with distributed.Client(processes) as client:
        client.wait_for_workers(1)
        assert trained(rows(X), **options) == expected
        words = "a program with cube, a function of your own, which is Python, is neither pickled"
        with pytest.raises(TypeError, match=words):
            trained(rows(X), loss=cubic, batch_size=batch_size)
        with pytest.raises(TypeError, match=words):
            predict(lambda x: cube(x[0]), rows(X))


def test_what_workers_hold_is_held_until_it_is_computed(processes: Any) -> None:
    model = MLP(3, [4, 1], hidden="tanh", seed=1)
    expected = predict(model, X).tolist()
    with distributed.Client(processes) as client:
        client.wait_for_workers(1)
        found = predict(model, client.persist(rows(X)))
        gc.collect()
        assert found.compute().tolist() == expected


def test_data_in_memory_are_sent_to_the_workers_once(processes: Any) -> None:
    inputs = np.tile(X, (500, 1))  # 10.8 MB, which Dask warns of
    targets = da.from_array(np.tile(TARGETS, 500), chunks=150_000)
    expected = trained(inputs, T=targets)
    with distributed.Client(processes) as client, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        client.wait_for_workers(1)
        assert trained(inputs, T=targets) == expected
    assert len([each for each in told if "large graph" in str(each.message)]) <= 1


INTERRUPTED = """
import sys
from contextlib import suppress
from functools import partial
sys.path.insert(0, {folder!r})
from test_cluster_processes import *

def learned(epochs, batch_size, kept, tell):
    model = MLP(3, [4, 1], hidden="tanh", seed=1)

    def keep(epoch):
        kept.append(weights(model))
        tell(len(kept))

    with suppress(KeyboardInterrupt):
        fit(model, rows(X), rows(TARGETS), loss="sum_of_squares", optimizer="adam",
            batch_size=batch_size, epochs=epochs, callbacks=keep, progress=False)
    return weights(model)

def weights(model):
    return [parameter.data for parameter in model.parameters()]

def interrupted(batch_size):
    kept, epochs = [], []
    found = learned(10**6, batch_size, kept, partial(print, flush=True))
    learned(len(kept) + 1, batch_size, epochs, abs)
    return epochs[:-1] == kept and found in epochs[-2:]  # the last may have had no time to tell

if __name__ == "__main__":
    with distributed.LocalCluster(1, threads_per_worker=1, dashboard_address=None) as local:
        with distributed.Client(local):
            print("kept:", interrupted(None), interrupted(250))
"""


def test_ctrl_c_keeps_the_last_good_weights_and_the_cluster(
    interruptible: None, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(folder=str(Path(__file__).parent)))
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "3\n":
                process.send_signal(signal.SIGINT)
    assert line == "kept: True True\n"
    assert process.returncode == 0
