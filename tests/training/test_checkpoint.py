"""A training goes on from its checkpoint to the last bit, whatever ended it."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from micrograd_bp import LBFGS, MLP, SGD, Adam, AdamW
from micrograd_bp.training import Epoch, fit

pytest.importorskip("safetensors", reason="needs safetensors")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
T = np.sin(X[:, 0]) * X[:, 1]
FILE = "checkpoint.safetensors"


def in_chunks() -> Any:
    da = pytest.importorskip("dask.array", reason="needs Dask")
    return da.from_array(X, chunks=(25, 2)), da.from_array(T, chunks=25)


def trained(
    folder: Path | None, epochs: int, optimizer: Any, *, seed: int = 1, **options: Any
) -> tuple[list[float], Any]:
    model = MLP(2, [3, 1], hidden="tanh", seed=seed)
    data = options.pop("data", (X, T))
    defaults = {"loss": "mean_squared_error", "progress": False, "checkpoint": folder}
    history = fit(model, *data, optimizer=optimizer, epochs=epochs, **{**defaults, **options})
    return [parameter.data for parameter in model.parameters()], history


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (lambda: SGD(lr=0.1), {"batch_size": 7}),
        (lambda: SGD(lr=0.1, momentum=0.9), {}),
        (lambda: Adam(lr=0.1), {"batch_size": 25}),
        (lambda: AdamW(lr=0.1), {"checkpoint_every": 2}),
        (lambda: Adam(lr=0.5), {"early_stopping": 2, "batch_size": 10}),
        (LBFGS, {"early_stopping": 3}),
        (LBFGS, {"checkpoint_every": 3}),
    ],
)
def test_it_goes_on_to_the_same_bits(
    tmp_path: Path, optimizer: Any, options: dict[str, Any], chunked: bool
) -> None:
    if chunked:
        options = {**options, "data": in_chunks()}
    if optimizer is LBFGS:
        pytest.importorskip("scipy")
    expected = trained(None, 12, optimizer(), **options)
    for epochs, seed in ((4, 1), (5, 2), (12, 3), (12, 4)):
        found = trained(tmp_path, epochs, optimizer(), **options, seed=seed)
    assert found == expected


def test_callbacks_are_told_of_new_epochs_only(tmp_path: Path) -> None:
    for optimizer in (Adam, LBFGS):
        if optimizer is LBFGS:
            pytest.importorskip("scipy")
        told: list[int] = []

        def callback(epoch: Epoch, told: list[int] = told) -> bool:
            told.append(epoch.epoch)
            return epoch.epoch == 8

        folder = tmp_path / optimizer.__name__
        trained(folder, 3, optimizer(), callbacks=callback)
        _, history = trained(folder, 20, optimizer(), callbacks=callback)
        assert told == [1, 2, 3, 4, 5, 6, 7, 8]
        assert len(history.error_after) == 8
        assert "a callback returned True" in history.ended


def test_a_learning_rate_that_a_callback_changed_stays_so(tmp_path: Path) -> None:
    def run(folder: Path | None, epochs: int) -> Any:
        sgd = SGD(lr=0.1)

        def decay(epoch: Epoch) -> None:
            sgd.lr *= 0.5

        return trained(folder, epochs, sgd, callbacks=decay)

    run(tmp_path, 2)
    assert run(tmp_path, 5) == run(None, 5)


def test_it_goes_on_after_an_error_and_after_ctrl_c(tmp_path: Path) -> None:
    for error in (KeyboardInterrupt, ZeroDivisionError):
        folder = tmp_path / error.__name__

        def fail(epoch: Epoch, error: type[BaseException] = error) -> None:
            if epoch.epoch == 3:
                raise error

        with pytest.raises(error):
            trained(folder, 5, Adam(), callbacks=fail)
        assert trained(folder, 5, Adam()) == trained(None, 5, Adam())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, 2, Adam())
    before = (tmp_path / FILE).read_bytes()
    for options, words in [
        ({"optimizer": SGD()}, r"with optimizer Adam\(lr=0.001, .*\), not SGD\(lr=0.001"),
        ({"batch_size": 7}, "with batch_size 60, not 7: give this one another folder, or remove"),
        ({"loss": "sum_of_squares"}, "with loss mean_squared_error, not sum_of_squares"),
        ({"data": (X[:50], T[:50]), "batch_size": 60}, "with data points 60, not 50"),
        ({"early_stopping": 3}, "with early_stopping None, not 3"),
    ]:
        with pytest.raises(ValueError, match=words):
            trained(tmp_path, 2, **{"optimizer": Adam(), **options})
    assert (tmp_path / FILE).read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, 2, Adam())
    content = (tmp_path / FILE).read_bytes()
    for damaged in (b"", content[:-1], content[:40], content.replace(b"version", b"vorsion")):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(ValueError, match="is no checkpoint, or not all of one"):
            trained(tmp_path, 3, Adam())
    (tmp_path / FILE).write_bytes(content.replace(b'version\\": 1', b'version\\": 2'))
    with pytest.raises(ValueError, match="has the version 2, and this is 1"):
        trained(tmp_path, 3, Adam())


SCRIPT = """
import sys, time
sys.path.insert(0, {folder!r})
from test_checkpoint import *

def slowly(epoch):
    print(epoch.epoch, flush=True)
    time.sleep(0.05)

data = in_chunks() if {chunked} else (X, T)
trained(Path({path!r}), 1000, Adam(), batch_size=20, data=data, callbacks=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
def test_it_goes_on_after_the_process_was_killed(tmp_path: Path, chunked: bool) -> None:
    values = {"folder": str(Path(__file__).parent), "chunked": chunked, "path": str(tmp_path)}
    script = textwrap.dedent(SCRIPT).format(**values)
    for until in (3, 6):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= until:
                    os.kill(process.pid, signal.SIGKILL)
    options = {"batch_size": 20, "data": in_chunks() if chunked else (X, T)}
    told: list[int] = []
    found = trained(
        tmp_path, 12, Adam(), callbacks=lambda epoch: told.append(epoch.epoch), **options
    )
    assert told[0] >= 6
    assert found == trained(None, 12, Adam(), **options)
