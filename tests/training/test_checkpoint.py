"""A training goes on from its checkpoint to the last bit, whatever ended it."""

import copy
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
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
    folder: str | Path | None, epochs: int, optimizer: Any, *, seed: int = 1, **options: Any
) -> tuple[list[float], Any]:
    model = MLP(2, [3, 1], hidden="tanh", seed=seed)
    data = options.pop("data", (X, T))
    defaults = {"loss": "mean_squared_error", "progress": False, "checkpoint": folder}
    if "fit_seed" in options:
        options["seed"] = options.pop("fit_seed")
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
        ({"seed": 2, "fit_seed": 1}, "with seed 0, not 1"),
        ({"epochs": 1}, "after 2 epochs, and epochs=1: ask for 2 or more, or give this"),
    ]:
        with pytest.raises(ValueError, match=words):
            trained(tmp_path, **{"epochs": 2, "optimizer": Adam(), **options})
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("chunked", [False, True])
def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path, chunked: bool) -> None:
    da = pytest.importorskip("dask.array", reason="needs Dask") if chunked else None

    def data(x: Any = X, t: Any = T) -> Any:
        return tuple(da.from_array(y, chunks=(25, *y.shape[1:])) for y in (x, t)) if da else (x, t)

    weights, one = np.linspace(0.5, 1.5, 60), np.zeros((60, 2))
    one[41, 1] = 1e-15
    options = {"sample_weight": weights, "validation": data(X[:9], T[:9]), "data": data()}
    trained(tmp_path, 2, Adam(), **options)
    before = (tmp_path / FILE).read_bytes()
    for name, other in [
        ("X", {"data": data(X + one)}),
        ("X", {"data": data(X[::-1], T[::-1])}),
        ("T", {"data": data(X, T + one[:, 1])}),
        ("sample_weight", {"sample_weight": weights[::-1].copy()}),
        ("sample_weight", {"sample_weight": None}),
        ("validation", {"validation": data(X[:8], T[:8])}),
        ("validation", {"validation": None}),
    ]:
        with pytest.raises(ValueError, match=f"with other numbers in {name}, or in another order"):
            trained(tmp_path, 3, Adam(), **{**options, **other})
    assert (tmp_path / FILE).read_bytes() == before
    assert trained(tmp_path, 4, Adam(), **options) == trained(None, 4, Adam(), **options)


def test_columns_in_another_order_are_other_columns(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    frame = pandas.DataFrame(X, columns=["a", "b"])
    trained(tmp_path, 2, Adam(), data=(frame, T))
    with pytest.raises(ValueError, match=r"with columns \['a', 'b'\], not \['b', 'a'\]"):
        trained(tmp_path, 3, Adam(), data=(frame[["b", "a"]], T))
    with pytest.raises(ValueError, match=r"with columns \['a', 'b'\], not none"):
        trained(tmp_path, 3, Adam())


@pytest.mark.parametrize(("optimizer", "batch_size"), [(Adam, None), (Adam, 7), (LBFGS, None)])
def test_another_model_or_loss_of_as_many_weights_is_refused(
    tmp_path: Path, optimizer: Any, batch_size: Any
) -> None:
    if optimizer is LBFGS:
        pytest.importorskip("scipy")

    def loss(y: Any, t: Any) -> Any:
        return (y - t) ** 2

    trained(tmp_path, 2, optimizer(), batch_size=batch_size, loss=loss)

    def loss(y: Any, t: Any) -> Any:  # type: ignore[no-redef]
        return (y - t) ** 4

    sine, tanh = (MLP(2, [3, 1], hidden=h, seed=1) for h in ("softsign", "tanh"))
    for model, of in [(sine, lambda y, t: (y - t) ** 2), (tanh, loss)]:
        of.__name__ = "loss"
        before = [parameter.data for parameter in model.parameters()]
        with pytest.raises(ValueError, match="of a model or loss that give its weights the error"):
            fit(
                *(model, X, T),
                loss=of,
                optimizer=optimizer(),
                batch_size=batch_size,
                checkpoint=tmp_path,
                progress=False,
            )
        assert [parameter.data for parameter in model.parameters()] == before


@pytest.mark.parametrize("optimizer", [Adam, LBFGS])
def test_a_refusal_for_the_model_changes_nothing(tmp_path: Path, optimizer: Any) -> None:
    if optimizer is LBFGS:
        pytest.importorskip("scipy")

    def loss(y: Any, t: Any) -> Any:
        return (y - t) ** 2

    names = np.where(T > 0.0, "up", "down")
    options: dict[str, Any] = {"batch_size": 7 if optimizer is Adam else None, "progress": False}
    options |= {"checkpoint": tmp_path, "loss": "binary_cross_entropy"}
    big = MLP(2, [3, 1], hidden="tanh", seed=1)
    fit(big, X, names, optimizer=optimizer(), seed=np.random.default_rng(1), **options)
    for scale in (2.0, 1e160):  # which is beyond the largest float at the weights of the file
        own, rng = optimizer(), np.random.default_rng(1)
        model = MLP(2, [3, 1], hidden=lambda a, scale=scale: (a * scale) ** 2)
        for parameter in model.parameters():
            parameter.data = 1e-20
        before = [parameter.data for parameter in model.parameters()]
        of_optimizer, of_rng = copy.deepcopy(vars(own)), rng.bit_generator.state
        words = r"give its weights the error \d.*, not " + ("a finite" if scale > 2.0 else r"\d")
        with pytest.raises(ValueError, match=words):
            fit(model, X, names, optimizer=own, seed=rng, **options)
        assert [parameter.data for parameter in model.parameters()] == before
        assert (vars(own), rng.bit_generator.state) == (of_optimizer, of_rng)
        assert getattr(model, "classes", None) is None


def test_an_error_that_is_rounding_only_is_no_other(tmp_path: Path) -> None:
    """As another engine rounds otherwise."""
    line, data = SGD(lr=0.01), X @ [1.3, -0.7] + 0.4
    options = {"optimizer": line, "loss": "sum_of_squares", "progress": False}
    model = MLP(2, [1], seed=1)
    found = fit(model, X, data, epochs=200, checkpoint=tmp_path, **options).error_after[-1]
    assert found < 1e-25

    def edit(noted: Any) -> None:
        noted["history"]["error_after"][-1] *= 3.0

    rewritten(tmp_path, edit)
    assert len(fit(model, X, data, epochs=210, checkpoint=tmp_path, **options).error_after) == 210


def rewritten(folder: Path, edit: Any) -> None:
    """Change what a checkpoint notes, and its arrays."""
    safetensors = pytest.importorskip("safetensors.numpy")
    content = (folder / FILE).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    noted = json.loads(header["__metadata__"]["micrograd_bp checkpoint"])
    noted["arrays"] = safetensors.load(content)
    edit(noted)
    arrays, metadata = noted.pop("arrays"), {"micrograd_bp checkpoint": json.dumps(noted)}
    (folder / FILE).write_bytes(safetensors.save(arrays, metadata))


def test_a_checkpoint_that_says_less_of_its_training_still_loads(tmp_path: Path) -> None:
    expected = trained(None, 5, Adam(), fit_seed=3)
    trained(tmp_path, 2, Adam(), fit_seed=3)

    def edit(noted: Any) -> None:
        for name in ("fingerprints", "columns"):
            del noted["training"][name]
        noted["training"]["seed"] = "np.int64(3)"

    rewritten(tmp_path, edit)
    assert trained(tmp_path, 5, Adam(), fit_seed=3) == expected


DAMAGE: dict[str, Any] = {
    "epochs a string": lambda noted: noted.update(epochs="2"),
    "epochs negative": lambda noted: noted.update(epochs=-2),
    "training a list": lambda noted: noted.update(training=[]),
    "training null": lambda noted: noted.update(training=None),
    "fingerprints a list": lambda noted: noted["training"].update(fingerprints=[1]),
    "fingerprints null": lambda noted: noted["training"].update(fingerprints=None),
    "no weights": lambda noted: noted["arrays"].pop("theta", noted["arrays"].pop("began", None)),
    "other weights": lambda noted: noted["arrays"].update({next(iter(noted["arrays"])): ONE}),
}
ONE = np.ones(1)
OF_HISTORY: dict[str, Any] = {
    "no random state": lambda noted: noted.update(random={}),
    "no optimizer": lambda noted: noted.pop("optimizer"),
    "a state of others": lambda noted: noted["arrays"].update({"optimizer.0": ONE}),
    "no errors": lambda noted: noted["history"].update(error_after=[]),
    "errors in words": lambda noted: noted["history"].update(error_after=["a", "b"]),
    "a history of others": lambda noted: noted.update(history={"loss": [1.0]}),
    "a history of less": lambda noted: noted["history"].update(error_before=[1.0]),
}


@pytest.mark.parametrize(
    ("optimizer", "damage"),
    [(Adam, name) for name in {**DAMAGE, **OF_HISTORY}] + [(LBFGS, name) for name in DAMAGE],
)
def test_a_checkpoint_that_does_not_fit_together_is_refused(
    tmp_path: Path, optimizer: Any, damage: str
) -> None:
    if optimizer is LBFGS:
        pytest.importorskip("scipy")
    trained(tmp_path, 2, optimizer())
    rewritten(tmp_path, {**DAMAGE, **OF_HISTORY}[damage])
    with pytest.raises(ValueError, match="is no checkpoint, or not all of one"):
        trained(tmp_path, 3, optimizer())


def test_the_folder_stays_where_it_was_when_the_training_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    trained("run1", 3, Adam(), callbacks=lambda epoch: os.chdir(tmp_path / "other"))
    assert (tmp_path / "run1" / FILE).exists()


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("optimizer", [Adam, LBFGS])
def test_two_trainings_at_once_do_not_take_turns_in_one_folder(
    tmp_path: Path, optimizer: Any, begun: bool
) -> None:
    if optimizer is LBFGS:
        pytest.importorskip("scipy")
    n = 2 if begun else 0
    if begun:
        trained(tmp_path, n, optimizer())
    last: list[Any] = []

    def other(epoch: Epoch) -> None:
        last.append([parameter.data for parameter in epoch.model.parameters()])
        if epoch.epoch == n + 2:
            os.remove(tmp_path / FILE)
            trained(tmp_path, 7, optimizer(), seed=3)  # of the same settings and data

    model = MLP(2, [3, 1], hidden="tanh", seed=1)
    with pytest.raises(ValueError, match="another training has written there since this one began"):
        fit(
            *(model, X, T),
            loss="mean_squared_error",
            optimizer=optimizer(),
            epochs=9,
            callbacks=other,
            checkpoint=tmp_path,
            progress=False,
        )
    assert [parameter.data for parameter in model.parameters()] == last[-1]
    assert len(last) == 2
    assert trained(tmp_path, 9, optimizer()) == trained(None, 9, optimizer(), seed=3)


def test_of_two_trainings_that_begin_at_once_the_first_to_write_keeps_the_folder(
    tmp_path: Path,
) -> None:
    found: list[Any] = []

    def other(epoch: Epoch) -> None:
        if not found:
            found.append(None)
            found[0] = trained(tmp_path, 1, Adam(), seed=2)

    with pytest.raises(ValueError, match="another training has written there since this one began"):
        trained(tmp_path, 1, Adam(), callbacks=other)
    assert trained(tmp_path, 1, Adam()) == found[0]


def test_of_two_threads_that_write_at_once_one_is_refused(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=600)

    def begun(seed: int, folder: Path) -> str:
        try:
            trained(folder, 1, Adam(), seed=seed, callbacks=lambda epoch: both.wait() < 0)
        except ValueError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        for i in range(20):
            first, last = sorted(pool.map(begun, (1, 2), [tmp_path / str(i)] * 2))
            assert not first
            assert "another training has written there since" in last


def test_a_file_that_was_touched_copied_or_removed_is_no_other(tmp_path: Path) -> None:
    file = tmp_path / FILE

    def change(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            os.utime(file, (1, 1))
        if epoch.epoch == 3:
            copied = file.read_bytes()
            file.unlink()
            file.write_bytes(copied)
        if epoch.epoch == 4:
            file.unlink()

    expected = trained(None, 6, Adam())
    trained(tmp_path, 4, Adam(), callbacks=change)
    assert trained(tmp_path, 6, Adam()) == expected


def test_chunks_of_other_sizes_are_refused(tmp_path: Path) -> None:
    da = pytest.importorskip("dask.array", reason="needs Dask")
    for sizes in ((20, 40), (30, 30)):
        data = da.from_array(X, chunks=(sizes, 2)), da.from_array(T, chunks=(sizes,))
        if sizes[0] == 20:
            trained(tmp_path, 2, Adam(), data=data)
    with pytest.raises(ValueError, match="other numbers in X, or in another order or chunks"):
        trained(tmp_path, 3, Adam(), data=data)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_negative_zero_is_no_other_number(tmp_path: Path, chunked: bool) -> None:
    da = pytest.importorskip("dask.array", reason="needs Dask") if chunked else None
    for epochs, zero in ((2, 0.0), (3, -0.0)):
        x = np.where(X > 1.0, zero, X)
        data = (da.from_array(x, chunks=(25, 2)), da.from_array(T, chunks=25)) if da else (x, T)
        _, history = trained(tmp_path, epochs, Adam(), data=data)
    assert len(history.error_after) == 3


def test_a_path_that_can_be_no_folder_is_told_before_the_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path, error in [("", ValueError), ("a\0b", ValueError), (tmp_path / "file", OSError),
                        (tmp_path / "file" / "run1", OSError)]:  # fmt: skip
        with pytest.raises(error, match=r"checkpoint='.*: give (one|another path)"):
            trained(path, 2, Adam(), callbacks=lambda epoch: pytest.fail("it began"))


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
    if epoch.epoch >= {until} + 3:
        sys.stdin.read()  # until it is killed, however late
    time.sleep(0.05)

data = in_chunks() if {chunked} else (X, T)
trained(Path({path!r}), 1000, Adam(), batch_size=20, data=data, callbacks=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
def test_it_goes_on_after_the_process_was_killed(tmp_path: Path, chunked: bool) -> None:
    values = {"folder": str(Path(__file__).parent), "chunked": chunked, "path": str(tmp_path)}
    for until in (3, 6):
        command = [sys.executable, "-c", SCRIPT.format(**values, until=until)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
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
