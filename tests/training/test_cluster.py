"""Data in chunks: fit, predict and Programs on Dask arrays and DataFrames, on threads."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from micrograd_bp import MLP, SGD, Module, Program, Value, exp, square
from micrograd_bp.training import cluster, fit, predict

dask = pytest.importorskip("dask", reason="needs Dask: pip install 'micrograd_bp[cluster]'")
da = pytest.importorskip("dask.array", reason="needs Dask: pip install 'micrograd_bp[cluster]'")
dd = pytest.importorskip("dask.dataframe", reason="needs dask[dataframe]")
pd = pytest.importorskip("pandas", reason="needs pandas")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(500, 3)).astype("float32").astype(float)
T = np.sin(X[:, 0]) * X[:, 1]
SIZES = (60, 1, 0, 239, 200)


def new_model(n_outputs: int = 1) -> MLP:
    return MLP(3, [4, n_outputs], hidden="tanh", seed=1)


def weights(model: Module) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


def trained(X: Any, T: Any, n_outputs: int = 1, **options: Any) -> tuple[list[float], Any]:
    defaults = {"loss": "sum_of_squares", "optimizer": "adam", "epochs": 3, "progress": False}
    model = new_model(n_outputs)
    history = fit(model, X, T, **{**defaults, **options})
    return weights(model), history


def rows(table: np.ndarray, sizes: Any = SIZES) -> Any:
    return da.from_array(table, chunks=(tuple(sizes), *table.shape[1:]))


def frame(sizes: Any = SIZES, **types: str) -> Any:
    """A DataFrame of partitions of these sizes, whose sizes are not known to Dask."""
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=T).astype(types)
    ends = np.cumsum(sizes)
    parts = [table[end - size : end] for size, end in zip(sizes, ends)]
    return dd.from_delayed([dask.delayed(part) for part in parts], meta=table[:0])


# The same as in memory


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 64},
        {"batch_size": 64, "optimizer": "sgd", "loss": "mean_squared_error", "seed": 3},
        {"optimizer": "lbfgs"},
        {"loss": "mean_squared_error", "sample_weight": RNG.random(500)},
        {"loss": "cross_entropy", "T": (T > 0) + 0, "n_outputs": 2},
        {"loss": "binary_cross_entropy", "T": T > 0, "batch_size": 100},
        {"validation": (X[:50], T[:50]), "early_stopping": 1},
    ],
    ids=repr,
)
def test_one_chunk_gives_the_bits_of_arrays_in_memory(options: dict[str, Any]) -> None:
    if options.get("optimizer") == "lbfgs":
        pytest.importorskip("scipy")
    targets = options.pop("T", T) if "T" in options else T
    expected = trained(X, targets, **options)
    assert trained(rows(X, [500]), rows(targets, [500]), **options) == expected


def test_many_chunks_give_the_same_numbers_up_to_rounding() -> None:
    n = [1] * 40 + [230, 230]  # a tree of two levels
    found, history = trained(rows(X, n), T)
    expected, in_memory = trained(X, T)
    assert np.allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert np.allclose(history.error_after, in_memory.error_after, rtol=1e-12)


def test_sums_are_added_in_the_order_of_the_chunks_by_a_tree() -> None:
    leaves = [Value(0.5, name) for name in ("a", "b", "c")]
    model = new_model()
    program = Program(square(model(leaves)), inputs=leaves, parameters=model.parameters())
    sizes = [1] * 40 + [230, 230]
    ends = np.cumsum(sizes)
    pairs = [program.value_and_grad(X[end - n : end]) for n, end in zip(sizes, ends)]
    sums = [np.array([error, *gradient]) for error, gradient in pairs]
    level = [sum(sums[at + 1 : at + 16], sums[at]) for at in range(0, len(sums), 16)]
    error, gradient = cluster.value_and_grad(program, rows(X, sizes))
    assert [error, *gradient] == sum(level[1:], level[0]).tolist()
    assert [error, *gradient] != sum(sums[1:], sums[0]).tolist()  # the order shows


@cache
def trained_in_chunks(**options: Any) -> Any:
    return trained(rows(X), rows(T), **options)


@pytest.mark.parametrize(
    "data",
    [
        lambda: (da.from_array(X, chunks=(SIZES, (2, 1))), rows(T)),
        lambda: (rows(X), da.from_array(T, chunks=77)),
        lambda: (rows(X), T),
        lambda: (X, rows(T[:, None])),
        lambda: (rows(X.astype("float32")), rows(T)),
        lambda: (frame(), "t"),
        lambda: (frame(b="float32"), ["t"]),
        lambda: (frame(a="Float64"), "t"),
        lambda: (frame()[["a", "b", "c"]], frame()["t"]),
        lambda: (frame()[["a", "b", "c"]].to_dask_array(), frame()["t"].to_dask_array()),
        lambda: (frame()[["a", "b", "c"]].values, rows(T)),
    ],
    ids="columns unaligned target_in_memory inputs_in_memory float32 frame frame_float32"
    " frame_nullable frame_and_series unknown_sizes unknown_and_known".split(),
)
def test_however_data_come_the_bits_are_those_of_the_chunks(data) -> None:
    for options in ({"epochs": 2}, {"epochs": 1, "batch_size": 70}):
        assert trained(*data(), **options) == trained_in_chunks(**options)


def test_columns_of_a_file_have_the_partitions_of_all_of_it(tmp_path: Any) -> None:
    """Dask joins those of a few columns of Parquet, as they are small."""
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=T, u=T, v=T, w=T)
    for i in range(4):
        table[125 * i : 125 * i + 125].to_parquet(tmp_path / f"{i}.parquet")
    data = dd.read_parquet(tmp_path)
    inputs = data[["a", "b", "c"]]
    assert trained(inputs, data["t"]) == trained(data[["a", "b", "c", "t"]], "t")
    model = MLP(1, [2, 1], seed=1)
    found = predict(model, data["a"])
    assert found.numblocks == (data.npartitions,)
    assert data.assign(y=found)["y"].compute().tolist() == predict(model, X[:, 0]).tolist()
    hole = inputs.map_partitions(lambda part: part.mask(part == X[400, 1]), meta=inputs)
    with pytest.raises(ValueError, match=r"partition 3: X\[25, 1\] is nan"):
        trained(hole, data["t"])


def test_integers_and_bools_are_numbers() -> None:
    whole = np.rint(10 * X).astype("int64")
    whole[70, 1] = 2**53 + 1  # which is rounded, as in memory
    assert trained(rows(whole, [500]), T) == trained(whole, T)
    assert trained(rows(whole), rows(T > 0)) == trained(rows(whole * 1.0), rows((T > 0) * 1.0))


def test_weights_and_validation_may_be_in_chunks() -> None:
    weight = RNG.random(500)
    for options in ({}, {"batch_size": 64}):
        options |= {"loss": "mean_squared_error", "sample_weight": weight}
        expected = trained(X, T, validation=(X[:50], T[:50]), **options)
        options["sample_weight"] = rows(weight, [500])
        validation = rows(X[:50], [50]), rows(T[:50], [50])
        assert trained(rows(X, [500]), T, validation=validation, **options) == expected


def test_a_column_of_weights_goes_by_its_name() -> None:
    table = frame()
    table["weight"] = table["a"] ** 2
    found = trained(table, "t", sample_weight="weight", loss="mean_squared_error")
    weight = rows(X[:, 0] ** 2)
    assert found == trained(rows(X), T, sample_weight=weight, loss="mean_squared_error")


# Classes that go by names


NAMES = np.array(["up", "down", "level"])[np.digitize(T, [-0.2, 0.3])]


def named_frame(kind: str) -> Any:
    """A DataFrame with names in column t, the last of the alphabet first."""
    order = np.argsort(NAMES, kind="stable")[::-1]
    table = pd.DataFrame(X[order], columns=["a", "b", "c"]).assign(t=NAMES[order])
    if kind == "ordered":
        kinds = pd.CategoricalDtype(["up", "level", "down"], ordered=True)
        table["t"] = table["t"].astype(kinds)
    data = dd.from_pandas(table, npartitions=4)
    if kind == "unknown":
        data["t"] = data["t"].astype("category")
    return data


def trained_on_names(X: Any, T: Any, loss: str = "cross_entropy", **options: Any) -> Any:
    model = new_model(3 if loss == "cross_entropy" else 1)
    options = {"optimizer": "adam", "epochs": 2, "progress": False, **options}
    history = fit(model, X, T, loss=loss, **options)
    return model.classes, weights(model), history


@pytest.mark.parametrize("options", [{}, {"batch_size": 64}], ids=repr)
def test_class_names_are_found_over_all_chunks(options: dict[str, Any]) -> None:
    expected = trained_on_names(X, NAMES, **options)
    assert expected[0] == ["down", "level", "up"]
    assert trained_on_names(rows(X, [500]), rows(NAMES, [500]), **options) == expected
    numbered = np.searchsorted(expected[0], NAMES)
    in_chunks = trained(rows(X), rows(numbered), 3, loss="cross_entropy", epochs=2, **options)
    column = NAMES.astype(object)[:, None]
    for T in (rows(NAMES), rows(column), NAMES, pd.Series(NAMES), NAMES.tolist()):
        assert trained_on_names(rows(X), T, **options) == (expected[0], *in_chunks)


@pytest.mark.parametrize("kind", ["strings", "ordered", "unknown"])
@pytest.mark.parametrize("name", ["t", ["t"]], ids=repr)
def test_names_in_a_frame_are_in_the_order_that_they_have_in_memory(kind: str, name: Any) -> None:
    data = named_frame(kind)
    table = data.compute()
    classes, found, _ = trained_on_names(data, name, batch_size=None)
    expected, in_memory, _ = trained_on_names(table[["a", "b", "c"]].to_numpy(), table[name])
    assert classes == expected
    assert np.allclose(found, in_memory, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "hinge"])
def test_two_names_do_for_the_losses_of_two_classes(loss: str) -> None:
    two = np.where(T > 0, "up", "down")
    options: dict[str, Any] = {"loss": loss, "sample_weight": rows(X[:, 0] ** 2)}
    found = trained_on_names(rows(X), rows(two), validation=(rows(X), rows(two)), **options)
    expected = trained_on_names(rows(X), two, validation=(X, two), **options)
    assert found[:2] == expected[:2]
    assert np.allclose(found[2].validation, expected[2].validation, rtol=1e-12)
    with pytest.raises(ValueError, match=f"{loss} is for two classes, and T has 3"):
        trained_on_names(rows(X), rows(NAMES), loss)


def test_names_are_refused_in_validation_where_training_has_numbers() -> None:
    numbers = np.digitize(T, [-0.2, 0.3])
    options: dict[str, Any] = {"loss": "cross_entropy", "optimizer": "adam", "progress": False}
    with pytest.raises(ValueError, match="the T of validation has names of classes"):
        fit(new_model(3), rows(X), rows(numbers), validation=(rows(X), rows(NAMES)), **options)


def test_the_names_of_a_fit_go_with_the_next_of_chunks_too() -> None:
    model, numbers = new_model(3), np.digitize(T, [-0.2, 0.3])
    options: dict[str, Any] = {"loss": "cross_entropy", "optimizer": "adam", "epochs": 1}
    for targets, classes in [
        (NAMES, ["down", "level", "up"]),
        (numbers, None),
        (np.array(["a", "b", "c"])[numbers], ["a", "b", "c"]),
    ]:
        fit(model, rows(X), rows(targets), progress=False, **options)
        assert model.classes == classes
        found = predict(model, rows(X), classes=True)
        assert np.asarray(found).dtype.kind == found.dtype.kind == ("U" if classes else "i")


def test_names_that_are_not_of_the_classes_are_told_with_their_partition() -> None:
    mixed = NAMES.astype(object)
    mixed[70] = np.nan
    with pytest.raises(TypeError, match=r"partition 3: T\[9\] is nan \(float\), .* are names"):
        trained_on_names(rows(X), rows(mixed))
    other = np.where(np.arange(500) == 61, "sideways", NAMES)
    with pytest.raises(ValueError, match=r"partition 3: T\[0\] is 'sideways' .*, which is none of"):
        trained_on_names(rows(X), rows(NAMES), validation=(rows(X), rows(other)))
    with pytest.raises(ValueError, match=r"T has 3 classes, .* and the model 2 outputs"):
        trained(rows(X), rows(NAMES), 2, loss="cross_entropy")


# Names of columns


def test_columns_go_by_the_names_that_they_had_in_training() -> None:
    model, other = new_model(), dd.from_pandas(frame().compute()[["c", "t", "a", "b"]], sort=False)
    options: dict[str, Any] = {"loss": "sum_of_squares", "optimizer": "adam", "epochs": 3}
    options["progress"] = False
    errors = [
        fit(new_model(), frame(), "t", validation=validation, **options).validation
        for validation in [(other, "t"), (other[["c", "a", "b"]], other["t"]), (rows(X), T)]
    ]
    assert np.allclose(errors[:2], errors[2], rtol=1e-12)
    fit(model, frame(), "t", **options)
    expected = predict(model, X)
    for data in (other, other[["c", "a", "b"]], other.compute(), frame()[["a", "b", "c"]]):
        assert np.asarray(predict(model, data)).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="X lacks 'b': it has 'a', 'c'"):
        predict(model, other[["a", "c"]])


def pieces(*parts: Any) -> Any:
    """A DataFrame of these partitions, of which Dask is told the columns of the first."""
    return dd.from_map(lambda i: parts[i], range(len(parts)), meta=parts[0][:0])


def test_partitions_may_have_their_columns_in_any_order() -> None:
    inputs = pd.DataFrame(X, columns=["a", "b", "c"])
    data = pieces(inputs[:200], pd.DataFrame(), inputs[200:][["c", "a", "b"]])
    sizes = (200, 0, 300)
    assert trained(data, rows(T, sizes)) == trained(rows(X, sizes), rows(T, sizes))
    assert predict(new_model(), data).compute().tolist() == predict(new_model(), X).tolist()
    with pytest.raises(ValueError, match=r"^partition 1: X lacks columns that Dask says it has"):
        trained(pieces(inputs[:200], inputs[200:][["c", "a"]]), rows(T, (200, 300)))


def test_columns_that_are_numbers_go_with_one_that_has_a_name() -> None:
    table = pd.DataFrame(X).assign(t=T)
    assert trained(dd.from_pandas(table, npartitions=1), "t") == trained(X, T)
    options = {"sample_weight": rows(T**2, [500]), "loss": "mean_squared_error"}
    assert trained(table, "t", **options) == trained(rows(X, [500]), T, **options)


@pytest.mark.parametrize("chunked", [False, True])
def test_columns_of_one_name_do_not_go_by_it(chunked: bool) -> None:
    table = pd.DataFrame(np.column_stack([X, T]), columns=["a", "b", "b", "t"])
    data, inputs = table, table[["a", "b"]]  # which are three
    if chunked:
        data, inputs = (dd.from_pandas(each, npartitions=1) for each in (data, inputs))
    assert trained(inputs, rows(T, [500]) if chunked else T) == trained(X, T)
    words = "X has 2 columns 'b', and columns go by their names"
    with pytest.raises(ValueError, match=words):
        trained(data, "t")
    named = table.set_axis(["a", "b", "c", "t"], axis=1)
    with pytest.raises(ValueError, match=words):
        trained(named, "t", validation=(data.assign(c=0.0), "t"))
    x, w = Value(1.0, "b"), Value(1.0, "w")
    with pytest.raises(ValueError, match="and 'b' is not one of 'a', 'b', 'b', 't'"):
        cluster.value_and_grad(
            Program(w * x, inputs=[x], parameters=[w]), dd.from_pandas(table, npartitions=1)
        )


# Minibatches


def test_minibatches_are_drawn_chunk_by_chunk_and_have_their_size() -> None:
    loss = {"loss": "mean_squared_error", "optimizer": "sgd", "seed": 5}
    found, _ = trained(rows(X), T, batch_size=64, epochs=2, **loss)

    rng = np.random.default_rng(5)
    starts = np.cumsum([0, *SIZES])
    model = new_model()
    leaves = [Value(0.5) for _ in range(4)]
    error = square(model(leaves[:3]) - leaves[3])
    program = Program(error, inputs=leaves, parameters=model.parameters())
    theta, points = np.array(weights(model)), np.column_stack([X, T])
    for _ in range(2):
        order = []
        for i in rng.permutation(len(SIZES)):
            order += (starts[i] + rng.permutation(SIZES[i])).tolist() if SIZES[i] else []
        assert sorted(order) == [*range(500)]
        for at in range(0, 500, 64):
            batch = points[order[at : at + 64]]
            theta = theta - 0.001 * program.value_and_grad(batch, theta)[1] / len(batch)
    assert np.allclose(found, theta, rtol=1e-12, atol=1e-14)


def test_a_batch_may_be_larger_than_a_chunk() -> None:
    found, _ = trained(rows(X, [50] * 10), T, batch_size=499)
    assert found != trained(rows(X, [50] * 10), T, batch_size=500)[0]
    assert trained(rows(X, [50] * 10), T, batch_size=500) == trained(rows(X, [50] * 10), T)


def test_the_seed_says_which_batches() -> None:
    one, same, other = (trained(rows(X), T, batch_size=64, seed=seed)[0] for seed in (1, 1, 2))
    assert one == same != other


def test_the_optimizer_goes_on_where_it_was() -> None:
    """Its memory comes back from the chunks, and its parameters are not sent there."""
    seen = []
    model = new_model()
    sgd = SGD(model.parameters(), lr=0.01, momentum=0.9)
    fit(
        model,
        rows(X, [500]),
        T,
        loss="sum_of_squares",
        optimizer=sgd,
        epochs=2,
        batch_size=64,
        progress=False,
        callbacks=lambda epoch: seen.append(sgd._state),
    )
    assert len(sgd.parameters) == len(model.parameters())
    assert not np.array_equal(seen[0][0], seen[1][0])


def test_an_optimizer_of_ones_own_goes_to_the_chunks() -> None:
    class Own(SGD):
        """As one made in a notebook, which no other process can import."""

    data = rows(X), rows(T)
    own, momentum = Own(lr=0.01, momentum=0.9), SGD(lr=0.01, momentum=0.9)
    for optimizer in (own, momentum):
        found = trained(*data, optimizer=optimizer, batch_size=64)
    assert trained(*data, optimizer=own, batch_size=64) == found


# The scheduler does not matter


@pytest.mark.parametrize("options", [{}, {"batch_size": 64}], ids=repr)
def test_any_number_of_threads_gives_the_same_bits(options: dict[str, Any]) -> None:
    with dask.config.set(scheduler="synchronous"):
        expected = trained(rows(X), T, **options)
    for n in (1, 2, 5):
        with dask.config.set(scheduler="threads", num_workers=n):
            assert trained(rows(X), T, threads=n, **options) == expected


# predict


def test_predict_is_lazy_and_has_the_chunks_of_its_data() -> None:
    asked: list[int] = []

    def block(i: int) -> np.ndarray:
        asked.append(i)
        return X[100 * i : 100 * i + 100]

    blocks = [da.from_delayed(dask.delayed(block)(i), (100, 3), float) for i in range(5)]
    model = new_model()
    found = predict(model, da.concatenate(blocks))
    assert asked == [0]
    assert found.chunks == ((100,) * 5,)
    assert found.compute().tolist() == predict(model, X).tolist()
    for sizes in (SIZES, (0, 500), (500, 0, 0)):
        found = predict(new_model(2), rows(X, sizes))
        assert found.chunks == (sizes, (2,))
        assert found.compute().tolist() == predict(new_model(2), X).tolist()


def test_predict_takes_what_fit_takes() -> None:
    model = new_model(2)
    expected = predict(model, X)
    inputs = ["a", "b", "c"]
    for data in (rows(X), da.from_array(X, chunks=(SIZES, 1)), frame()[inputs]):
        found = predict(model, data)
        assert found.shape[1] == 2
        assert found.compute().tolist() == expected.tolist()
    assert np.isnan(predict(model, frame()[inputs]).shape[0])
    assert predict(model, frame()[inputs]).numblocks == (5, 1)


def test_predict_gives_classes_by_their_names() -> None:
    model = new_model()
    fit(
        model,
        X,
        np.where(T > 0, "up", "down"),
        loss="binary_cross_entropy",
        optimizer="adam",
        progress=False,
    )
    found = predict(model, rows(X), classes=True)
    assert found.dtype.kind == "U"
    assert found.compute().tolist() == predict(model, X, classes=True).tolist()


# Programs


def line() -> Program:
    w, b, x, t = (Value(1.0, label=name) for name in ("w", "b", "x", "t"))
    return Program(square(w * x + b - t) / 2, inputs=[x, t], parameters=[w, b])


def test_columns_of_a_frame_are_taken_by_the_labels_of_the_inputs() -> None:
    table = pd.DataFrame({"t": [1.0, 3.0], "unused": ["a", "b"], "x": [0, 1]})
    found = cluster.value_and_grad(line(), dd.from_pandas(table, npartitions=2), [3.0, 0.0])
    expected = line().value_and_grad([[0.0, 1.0], [1.0, 3.0]], [3.0, 0.0])
    assert (found[0], found[1].tolist()) == (expected[0], expected[1].tolist())


def test_no_rows_give_zero() -> None:
    error, gradient = cluster.value_and_grad(line(), da.zeros((0, 2)))
    assert (error, gradient.tolist()) == (0.0, [0.0, 0.0])


def test_parameters_that_are_not_finite_give_what_they_give_in_memory() -> None:
    points = [[0.0, 1.0], [1.0, 3.0]]
    error, gradient = cluster.value_and_grad(line(), rows(np.array(points), [2]), [np.nan, 0.0])
    assert np.isnan([error, *gradient, line().value_and_grad(points, [np.nan, 0.0])[0]]).all()


# What is refused, in words


class Undecodable:
    """A block whose reading raises an error that is not made of a message alone."""

    ndim, shape = 2, (239, 3)

    def __init__(self, x: np.ndarray) -> None:
        pass

    def __len__(self) -> int:
        return 239

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        return np.array([[b"\xff".decode()]])


def sparse_block(x: np.ndarray) -> Any:
    return pytest.importorskip("scipy.sparse").csr_array(x)


def with_hole(row: int, column: int, hole: float = np.nan) -> np.ndarray:
    table = X.copy()
    table[row, column] = hole
    return table


def test_a_missing_value_is_told_with_partition_and_row() -> None:
    words = r"partition 3: {}\[9, 2\] is nan: leave the data point out, or fill it"
    bad = rows(with_hole(70, 2))
    with pytest.raises(ValueError, match=words.format("X")):
        trained(bad, T)
    with pytest.raises(ValueError, match=words.format("X")):
        predict(new_model(), bad).compute()
    a, b, c, w = (Value(1.0, name) for name in "abcw")
    program = Program(w * a * b * c, inputs=[a, b, c], parameters=[w])
    with pytest.raises(ValueError, match=words.format("inputs")):
        cluster.value_and_grad(program, bad)
    table = frame()
    table["c"] = table["c"].map(lambda x: np.nan if x == X[70, 2] else x, meta=("c", float))
    with pytest.raises(ValueError, match=words.format("X")):
        trained(table, "t")
    with pytest.raises(ValueError, match=r"partition 0: T\[5, 0\] is inf"):
        trained(rows(X), rows(np.where(np.arange(500) == 5, np.inf, T)))
    with pytest.raises(ValueError, match="^validation: " + words.format("X")):
        trained(rows(X), rows(T), validation=(bad, rows(T)))
    beyond = rows(np.where(X[70, 2] == X, 10**400, X.astype(object)))
    with pytest.raises(OverflowError, match=r"^validation: partition 3: X\[9, 2\]: 10000"):
        trained(rows(X), rows(T), validation=(beyond, rows(T)))


@pytest.mark.parametrize("columns", [3, 1])
def test_masked_arrays_are_refused(columns: int) -> None:
    """NumPy would take what is under the mask."""
    masked = da.ma.masked_greater(da.from_array(X, chunks=(SIZES, columns)), 3.0)
    with pytest.raises(TypeError, match="partition 0: the numbers of X are a masked array"):
        trained(masked, T)
    with pytest.raises(TypeError, match="partition 0: the numbers of T are a masked array"):
        trained(rows(X), da.ma.masked_greater(rows(T), 1.0), batch_size=10)
    with pytest.raises(TypeError, match="partition 0: the numbers of X are a masked array"):
        predict(new_model(), masked)


def test_missing_values_of_pandas_are_told_too() -> None:
    table = pd.DataFrame({"x": pd.array([1, 2, 3, None], "Int64"), "t": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises((TypeError, ValueError), match=r"partition 1: X\[1, 0\]"):
        fit(
            MLP(1, [1]),
            dd.from_pandas(table, npartitions=2),
            "t",
            loss="sum_of_squares",
            optimizer="adam",
            progress=False,
        )


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (lambda: (rows(X), T[:-1]), ValueError, "T has 499 data points, not 500"),
        (lambda: (frame()[["a"]], T), ValueError, "T is in memory, and the sizes of"),
        (lambda: (frame(), "z"), ValueError, "T is 'z', which is no column of X: it has 'a', 'b'"),
        (lambda: (frame()[["a"]], frame([500])["t"]), ValueError, "X has 5 and T has 1, as Dask"),
        (
            lambda: (frame()[["a", "b", "c"]], frame([1, 60, 0, 239, 200])["t"]),
            ValueError,
            "partition 0: X has 60 rows and T has 1 rows: they are not of the same data points",
        ),
        (
            lambda: (dask.delayed(X), rows(T)),
            TypeError,
            "X is a Dask array or DataFrame, not Delayed",
        ),
        (
            lambda: (rows(X), pytest.importorskip("dask.bag").from_sequence(T)),
            TypeError,
            "T is a Dask array or DataFrame, not Bag: dask.array.from_delayed",
        ),
        (lambda: (rows(X), frame()["t"].sum()), TypeError, "T is a Dask .*, not Scalar"),
        (lambda: (da.zeros((0, 3)), da.zeros(0)), ValueError, "X has no data points"),
        (lambda: (["a", "b"], rows(T)), TypeError, r"^X\[0\]: 'a' .str. is a name"),
        (lambda: ([], rows(T)), ValueError, r"^X needs a row for each data point.* not \(0,\)"),
        (lambda: (frame(), []), ValueError, r"^T needs a row for each data point.* not \(0,\)"),
        (lambda: (rows(X), None), TypeError, "^T: need a real number, not None"),
        (lambda: (rows(X), da.zeros(())), ValueError, r"T needs a row for each .* not \(\)"),
        (lambda: (da.zeros(()), T), ValueError, r"X needs a row for each .* not \(\)"),
        (lambda: (rows(X)[:, :0], T), ValueError, r"X needs a row .* not \(500, 0\)"),
        (lambda: (rows(X)[:, rows(X).sum(axis=0) < 1e9], T), ValueError, "how many columns X has"),
        (lambda: (rows(X), np.ma.masked_greater(T, 1)), TypeError, "numbers of T are a masked"),
        (lambda: (rows(X), [[1.0]] * 499 + [[]]), ValueError, "T has rows of different lengths"),
        (lambda: (da.zeros((5, 3, 2)), T[:5]), ValueError, r"shape \(100, 2\), not \(5, 3, 2\)"),
        (
            lambda: (rows(X), rows(np.where(T > 0, "up", "down"))),
            TypeError,
            r"partition 0: T\[0\]: '(up|down)' .* is a name: number the classes from 0",
        ),
        (
            lambda: (rows(X.astype("longdouble") * np.longdouble("1e400")), T),
            ValueError,
            r"partition 0: X\[0, 0\] is inf",
        ),
        (
            lambda: (rows(np.where(X[61, 1] == X, 10**400, X.astype(object))), T),
            OverflowError,
            r"partition 3: X\[0, 1\]: 1000.* is beyond the largest float",
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_data_that_do_not_fit_are_refused(data, error, words) -> None:
    with pytest.raises(error, match=words):
        trained(*data())


@pytest.mark.parametrize(
    ("block", "error", "words"),
    [
        (lambda x: x[:, 1:], ValueError, "X has 2 columns, and Dask says 3"),
        (lambda x: x[:, 0], ValueError, "X has 1 columns, and Dask says 3"),
        (lambda x: None, TypeError, "X is None .NoneType., and no array or DataFrame of rows"),
        (Undecodable, ValueError, "'utf-8' codec can't decode"),
        (sparse_block, TypeError, "the numbers of X are a csr_array, and no table: take .toarray"),
    ],
)
def test_blocks_that_are_not_as_dask_says_are_refused(block, error, words) -> None:
    def of(x: np.ndarray, block_info: Any = None) -> Any:
        return block(x) if block_info[0]["chunk-location"][0] == 3 else x

    data = rows(X).map_blocks(of, dtype=float, meta=np.empty((0, 3)))
    with pytest.raises(error, match=f"partition 3: {words}"):
        trained(data, T)


def test_an_error_of_what_reads_the_data_is_no_divergence() -> None:
    def fail(x: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("of the reader")

    with pytest.raises(ZeroDivisionError, match=r"^of the reader$"):
        trained(rows(X).map_blocks(fail, dtype=float, meta=np.empty((0, 3))), T)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda x: x * np.nan,
            FloatingPointError,
            "epoch 2: the error is nan: a number",
        ),
        (lambda x: x[:7], ValueError, "partition 0: X has 7 rows and T has 60 rows: they are not"),
    ],
)
def test_data_that_change_after_they_were_checked_are_told(change, error, words) -> None:
    epochs = []
    data = rows(X).map_blocks(
        lambda x: change(x) if epochs and len(x) == 60 else x, dtype=float, meta=np.empty((0, 3))
    )
    with pytest.raises(error, match=words):
        trained(data, T, callbacks=epochs.append)
    assert len(epochs) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_weights_whose_mean_is_zero_are_refused(chunked: bool) -> None:
    tiny, data = np.full(500, 5e-324), rows(X) if chunked else X
    with pytest.raises(ValueError, match="numbers too small for their mean: multiply all"):
        trained(data, T, sample_weight=tiny, loss="mean_squared_error")


@pytest.mark.parametrize("chunked", [False, True])
def test_one_tiny_weight_is_not_all_zero(chunked: bool) -> None:
    tiny, data = np.zeros(500), rows(X) if chunked else X
    tiny[7] = 5e-324
    trained(data, T, sample_weight=tiny, loss="sum_of_squares")


def test_targets_and_weights_are_checked_in_every_chunk() -> None:
    with pytest.raises(ValueError, match=r"partition 1: T\[0\]: hinge needs targets that are -1"):
        trained(rows(X), np.where(np.arange(500) == 60, 3.0, 1.0), loss="hinge")
    with pytest.raises(ValueError, match="partition 4: sample_weight has a number from 0 on"):
        trained(rows(X), T, sample_weight=np.where(np.arange(500) == 400, -1.0, 1.0))
    with pytest.raises(ValueError, match="they are not all zero"):
        trained(rows(X), T, sample_weight=np.zeros(500))
    with pytest.raises(ValueError, match="validation have 2 inputs and 1 targets, and those"):
        trained(rows(X), T, validation=(rows(X[:, :2]), rows(T)))
    with pytest.raises(ValueError, match="LBFGS takes all 500 data points"):
        trained(rows(X), T, optimizer="lbfgs", batch_size=10)


def test_a_branch_that_goes_both_ways_among_the_chunks_is_refused() -> None:
    class Branching(Module):
        def __init__(self) -> None:
            self.w = Value(1.0, "w")

        def parameters(self) -> list[Value]:
            return [self.w]

        def __call__(self, x: list[Value]) -> Value:
            return self.w * x[0] if x[0].data < 3.0 else self.w * self.w

    data = with_hole(450, 0, 9.0)
    with pytest.raises(ValueError, match="does other operations for data point"):
        fit(Branching(), rows(data), T, loss="sum_of_squares", optimizer="sgd", progress=False)


def test_a_number_that_overflows_is_told_with_its_partition() -> None:
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = Program(exp(w * x), inputs=[x], parameters=[w])
    data = rows(np.where(np.arange(500) == 70, 1000.0, 1.0)[:, None])
    with pytest.raises(FloatingPointError, match=r"partition 3: exp of 1000.0 is inf, at .* 9"):
        cluster.value_and_grad(program, data)
    with pytest.raises(FloatingPointError, match="beyond the largest float"):
        cluster.value_and_grad(program, rows(np.full((2, 1), 703.0), [1, 1]))


@pytest.mark.parametrize("options", [{}, {"batch_size": 100}], ids=repr)
def test_a_training_that_diverges_keeps_the_last_good_weights(options) -> None:
    model, kept = new_model(), []
    with pytest.raises(FloatingPointError, match=r"^epoch \d+: .*The model keeps the weights"):
        fit(
            model,
            rows(X),
            T,
            loss="sum_of_squares",
            optimizer=SGD(lr=1e6),
            epochs=1000,
            progress=False,
            callbacks=lambda epoch: kept.append(weights(epoch.model)),
            **options,
        )
    assert weights(model) == (kept[-1] if kept else weights(new_model()))


@pytest.mark.parametrize("of", [Program.__call__, Program.value_and_grad])
def test_a_program_gathers_no_chunks_in_silence(of: Any) -> None:
    def gathered() -> Any:
        raise AssertionError

    lazy = da.from_delayed(dask.delayed(gathered)(), (4, 2), float)
    for data in (lazy, dd.from_dask_array(lazy, columns=["t", "x"])):
        for arguments in ([data], [np.zeros((4, 2)), data]):
            with pytest.raises(TypeError, match=r"training\.cluster\.value_and_grad\(program"):
                of(line(), *arguments)


def test_value_and_grad_refuses_what_is_not_in_chunks() -> None:
    with pytest.raises(TypeError, match="data are a Dask array or DataFrame, not"):
        cluster.value_and_grad(line(), [[1.0, 2.0]])
    with pytest.raises(ValueError, match="by the labels of the inputs, 'x', 't', and 'x' is not"):
        cluster.value_and_grad(line(), frame())
    with pytest.raises(ValueError, match="these have the shape"):
        cluster.value_and_grad(line(), da.zeros((3, 2)), [1.0])
    with pytest.raises(ValueError, match=r"partition 0: the inputs have the shape"):
        cluster.value_and_grad(line(), da.zeros((3, 4)))


@pytest.mark.parametrize("options", [{}, {"batch_size": 100}], ids=repr)
def test_the_bar_shows_the_error_and_the_rows_in_a_second(options, capsys) -> None:
    _, history = trained(rows(X), T, progress=True, **options)
    shown = capsys.readouterr().err
    assert re.search(rf"error {history.error_after[-1]:.4g}, [\d.e+]+ rows/s", shown)
