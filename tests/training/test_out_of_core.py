"""Data larger than the memory that is allowed: Dask's threads train on them chunk by chunk.

GIGABYTES in the environment says how many are generated: 0.7, unless it is set.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_process import run_python

from micrograd_bp import MLP
from micrograd_bp.training import fit

REASON = "needs Dask: pip install 'micrograd_bp[cluster]'"
da = pytest.importorskip("dask.array", reason=REASON)
dd = pytest.importorskip("dask.dataframe", reason=REASON)
pd = pytest.importorskip("pandas", reason="needs pandas")

SCRIPT = """
import os
import dask, numpy as np
import dask.array as da
from micrograd_bp import MLP, Adam, fit, predict

ROWS, D = 125_000, 9  # of a chunk, 10 MB
dask.config.set(scheduler="threads", num_workers=2)
n_chunks = round(float(os.environ.get("GIGABYTES", 0.7)) * 1e9 / (8 * ROWS * (D + 1)))

def chunk(i):
    points = np.random.default_rng(i).random((ROWS, D + 1))
    points[:, D] = points[:, :D] @ np.arange(D) + 0.5
    return points

chunks = [da.from_delayed(dask.delayed(chunk)(i), (ROWS, D + 1), float) for i in range(n_chunks)]
data = da.concatenate(chunks)
for batch_size, optimizer in ((None, "sgd"), (1000, Adam(lr=0.01))):
    line = MLP(D, [1], seed=0)
    history = fit(line, data[:, :D], data[:, D], loss="mean_squared_error", optimizer=optimizer,
                  batch_size=batch_size, epochs=1, progress=False)
    print(history.error_after[0] < history.error_before[0])
print(float(abs(predict(line, data[:, :D]) - data[:, D]).mean()) < 0.1)
with open("/proc/self/status") as status:
    (line,) = [line for line in status if line.startswith("VmHWM")]
print(data.nbytes, 1024 * int(line.split()[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_data_larger_than_the_memory_allowed_are_learned_from() -> None:
    *learned, sizes = run_python("-c", SCRIPT).stdout.splitlines()
    assert learned == ["True"] * 3
    n_bytes, peak = map(int, sizes.split())
    assert peak < 600e6 < n_bytes


@pytest.mark.filterwarnings("default")  # of Dask's own use of pandas
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_parquet_and_csv_are_read_by_dask_as_they_are_needed(kind: str, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(900, 3)), columns=["a", "b", "c"])
    table["kind"] = "unused"
    table["t"] = table["a"] * table["b"] > 0
    frames = dd.from_pandas(table, npartitions=4)
    if kind == "parquet":
        frames.to_parquet(tmp_path / "table")
        data = dd.read_parquet(tmp_path / "table")
    else:
        table.to_csv(tmp_path / "table.csv", index=False)
        data = dd.read_csv(tmp_path / "table.csv", blocksize=20_000)
    assert data.npartitions > 2
    sizes = tuple(data.map_partitions(len).compute())

    def trained(X: Any, T: Any, batch_size: int | None = 100) -> list[float]:
        model = MLP(3, [4, 1], hidden="tanh", seed=1)
        options = {"loss": "binary_cross_entropy", "optimizer": "adam", "batch_size": batch_size}
        fit(model, X, T, epochs=3, progress=False, **options)
        return [parameter.data for parameter in model.parameters()]

    X = table[["a", "b", "c"]].to_numpy()
    expected = trained(da.from_array(X, chunks=(sizes, 3)), table["t"].to_numpy())
    there = data.persist()
    assert trained(there[["a", "b", "c", "t"]], "t") == expected
    assert trained(there[["a", "b", "c"]], there["t"]) == expected

    # Dask may join the partitions of columns that are read by name; the sums are of those then
    by_name = trained(data[["a", "b", "c", "t"]], "t", batch_size=None)
    assert np.allclose(by_name, trained(X, table["t"], batch_size=None), rtol=1e-9)
