"""fit: it learns, it tells what it did, it does the same twice, and it refuses in time."""

import contextvars
import copy
import math
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp import MLP, Module, Program, Value, abs, no_grad, relu, scope, square, where
from micrograd_bp.losses import (
    LOSSES,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    mean_squared_error,
    sum_of_squares,
)
from micrograd_bp.optim import LBFGS, SGD, Adam, AdamW
from micrograd_bp.training import Epoch, History, fit, predict

XOR = ([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])


def weights(model: Module) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


def moons() -> tuple[np.ndarray, np.ndarray]:
    datasets = pytest.importorskip("sklearn.datasets")
    X, T = datasets.make_moons(100, noise=0.1, random_state=0)
    return X, T


def outputs(model: Module, X: Any) -> list[Any]:
    with no_grad():
        return [model(x) for x in np.asarray(X, float).tolist()]


def small_fit(model: Module, **options: Any) -> History:
    defaults = {
        "loss": "sum_of_squares",
        "optimizer": SGD(lr=0.05),
        "epochs": 3,
        "progress": False,
    }
    options = {**defaults, **options}
    X, T = options.pop("X", XOR[0]), options.pop("T", XOR[1])
    return fit(model, X, T, **options)


# It learns


@pytest.mark.parametrize(
    ("loss", "optimizer", "epochs", "batch_size"),
    [
        ("binary_cross_entropy", lambda: Adam(lr=0.05), 100, None),
        ("binary_cross_entropy", lambda: SGD(lr=0.5, momentum=0.9), 60, 20),
        ("binary_cross_entropy", LBFGS, 100, None),
        ("hinge", lambda: AdamW(lr=0.02), 100, 25),
    ],
)
def test_two_moons_are_told_apart(loss, optimizer, epochs, batch_size) -> None:
    X, T = moons()
    model = MLP(2, [16, 16, 1], hidden="tanh", seed=1)
    history = fit(
        model,
        X,
        2 * T - 1 if loss == "hinge" else T,
        loss=loss,
        optimizer=optimizer(),
        epochs=epochs,
        batch_size=batch_size,
        progress=False,
    )
    assert all((y.data > 0) == t for y, t in zip(outputs(model, X), T))
    assert history.error_after[-1] < 0.02 < history.error_before[0]


def test_xor() -> None:
    model = MLP(2, [4, 1], hidden="tanh", seed=1)
    small_fit(model, optimizer=Adam(lr=0.1), epochs=200)
    assert [round(y.data) for y in outputs(model, XOR[0])] == XOR[1]


def test_a_sinusoid() -> None:
    pytest.importorskip("scipy")
    x = np.linspace(0, 1, 40)
    t = np.sin(2 * np.pi * x)
    model = MLP(1, [6, 1], hidden="tanh", seed=1)
    fit(model, x, t, loss=sum_of_squares, optimizer=LBFGS(), epochs=300, progress=False)
    assert max(abs(y.data - t_n) for y, t_n in zip(outputs(model, x[:, None]), t)) < 0.05


def test_three_kinds_of_iris() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("scipy")
    X, T = datasets.load_iris(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    model = MLP(4, [8, 3], hidden="tanh", seed=1)
    fit(model, X, T, loss="cross_entropy", optimizer=LBFGS(), epochs=100, progress=False)
    classes = [np.argmax([y_k.data for y_k in y]) for y in outputs(model, X)]
    assert np.mean(classes == T) > 0.99


# It is gradient descent


def by_hand(model: MLP, X, T, loss, optimizer, epochs, orders, average) -> None:
    """The same in a loop over Values; orders has the rows of each batch."""
    for _ in range(epochs):
        for rows in orders():
            optimizer.zero_grad()
            for n in rows:
                loss(model(X[n]), T[n]).backward(1.0 / len(rows) if average else 1.0)
            optimizer.step()


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(LOSSES)),
    st.integers(1, 3),
    st.integers(1, 7),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from([lambda p: SGD(p, lr=0.05, momentum=0.5), lambda p: Adam(p, lr=0.05)]),
    st.integers(0, 1000),
)
def test_fit_does_what_a_loop_by_hand_does(name, n_in, n, batch_size, make, seed) -> None:
    loss, draw = LOSSES[name], np.random.default_rng(seed)
    X = draw.normal(size=(n, n_in))
    T: Any = draw.normal(size=(n, 2))
    if name == "cross_entropy":
        T = draw.integers(0, 2, size=n)
    elif name == "binary_cross_entropy":
        T = draw.uniform(size=(n, 2))
    elif name == "hinge":
        T = draw.choice([-1, 1], size=(n, 2))
    model, twin = (MLP(n_in, [3, 2], hidden="tanh", seed=seed) for _ in range(2))
    average = loss is not sum_of_squares

    def error() -> float:
        total = math.fsum(loss(model(x), t).data for x, t in zip(X.tolist(), T.tolist()))
        return total / n if average else total

    before = error()
    history = fit(
        *(model, X, T),
        loss=loss,
        optimizer=make(None),
        epochs=3,
        batch_size=batch_size,
        seed=seed,
        progress=False,
    )
    rng = np.random.default_rng(seed)

    def orders() -> list[Any]:
        if batch_size is None or batch_size >= n:
            return [range(n)]
        order = rng.permutation(n)
        return [order[i : i + batch_size] for i in range(0, n, batch_size)]

    optimizer = make(twin.parameters())
    by_hand(twin, X.tolist(), T.tolist(), loss, optimizer, 3, orders, average)
    assert weights(model) == pytest.approx(weights(twin), rel=1e-6, abs=1e-7)
    assert history.error_before[0] == pytest.approx(before, rel=1e-12)
    assert history.error_after[-1] == pytest.approx(error(), rel=1e-12)
    assert history.error_before[1:] == history.error_after[:-1]


@pytest.mark.parametrize("optimizer", [lambda: SGD(lr=0.1, momentum=0.9), lambda: Adam(lr=0.01)])
@pytest.mark.parametrize("batch_size", [None, 16])
def test_the_same_seed_gives_the_same_bits(optimizer, batch_size) -> None:
    X, T = moons()
    once = optimizer()
    runs = []
    for run in (0, 0, 1):
        model = MLP(2, [8, 1], hidden="tanh", seed=1)
        history = fit(
            *(model, X, T),
            loss="binary_cross_entropy",
            optimizer=once,  # which begins afresh
            epochs=10,
            batch_size=batch_size,
            seed=run,
            progress=False,
        )
        runs.append((weights(model), history.error_after))
    assert runs[0] == runs[1]
    assert (runs[2] != runs[0]) == (batch_size is not None)


def test_an_average_does_not_depend_on_how_many_points_there_are_and_a_sum_does() -> None:
    for loss, ratio in ((mean_squared_error, 1), (sum_of_squares, 3)):
        once = small_fit(MLP(2, [2, 1], seed=1), loss=loss)
        thrice = small_fit(MLP(2, [2, 1], seed=1), loss=loss, X=XOR[0] * 3, T=XOR[1] * 3)
        assert thrice.error_before[0] == pytest.approx(ratio * once.error_before[0], rel=1e-14)


def test_classes_and_one_of_k_coding_are_the_same() -> None:
    models = [MLP(2, [4, 2], hidden="tanh", seed=1) for _ in range(3)]
    for model, T in zip(models, ([0, 1, 1, 0], np.eye(2)[[0, 1, 1, 0]], [[0], [1.0], [1], [0]])):
        small_fit(model, loss=cross_entropy, T=T)
    assert weights(models[0]) == weights(models[1]) == weights(models[2])


def test_only_the_parameters_of_the_optimizer_are_trained() -> None:
    model = MLP(2, [3, 1], hidden="tanh", seed=1)
    first, last = weights(model.layers[0]), weights(model.layers[1])
    small_fit(model, optimizer=Adam(model.layers[1].parameters(), lr=0.1))
    assert weights(model.layers[0]) == first
    assert all(after != before for after, before in zip(weights(model.layers[1]), last))


def test_models_and_losses_of_ones_own() -> None:
    class Line(Module):
        def __init__(self) -> None:
            self.slope, self.shift = Value(0.0, "slope"), Value(0.0, "shift")

        def __call__(self, x):
            return where(x[0] - 1.0, self.slope * x[0], relu(self.slope) * x[0]) + self.shift

        def parameters(self):
            return [self.slope, self.shift, self.slope]  # a shared one is moved once

    line = Line()
    history = fit(
        *(line, [1.0, 2.0, 3.0], [3.0, 5.0, 7.0]),
        loss=lambda y, t: (y - t) ** 2,
        optimizer=SGD(lr=0.1),
        epochs=2000,
        progress=False,
    )
    assert weights(line)[:2] == pytest.approx([2.0, 1.0], rel=1e-6)
    assert history.error_before[0] == pytest.approx((9 + 25 + 49) / 3)


def test_modes_in_force_outside_do_not_matter() -> None:
    model, twin = MLP(2, [2, 1], seed=1), MLP(2, [2, 1], seed=1)
    small_fit(model)
    with no_grad(), scope("outside"):
        small_fit(twin)
    assert weights(model) == weights(twin)


def test_what_models_and_callbacks_set_in_the_context_stays() -> None:
    told: contextvars.ContextVar[str] = contextvars.ContextVar("told", default="")

    def model(x: list[Value]) -> Value:
        told.set(told.get() + "m")
        return x[0]

    def callback(epoch: Epoch) -> None:
        told.set(told.get() + str(epoch.epoch))

    small_fit(MLP(2, [1], seed=1), callbacks=callback)
    assert told.get() == "123"
    predict(model, [[1.0], [2.0]])
    assert told.get() == "123mm"


@pytest.mark.parametrize(
    "kind",
    [
        lambda X: X,
        np.array,
        lambda X: np.array(X, np.float32),
        lambda X: np.array(X, bool),
        lambda X: np.array(X, object),
        tuple,
    ],
)
def test_inputs_may_be_any_real_numbers(kind) -> None:
    model, twin = MLP(2, [2, 1], seed=1), MLP(2, [2, 1], seed=1)
    small_fit(model, X=kind(XOR[0]), T=kind(XOR[1]))
    small_fit(twin)
    assert weights(model) == weights(twin)


# What it tells


@pytest.mark.parametrize("optimizer", [lambda: SGD(lr=0.05), LBFGS])
def test_callbacks_see_each_epoch_and_may_end_it(optimizer) -> None:
    seen: list[Epoch] = []
    kept: list[list[float]] = []

    def watch(epoch: Epoch) -> Any:
        seen.append(epoch)
        kept.append(weights(epoch.model))
        epoch.model.parameters()[0].data = 1e9  # has no effect
        return np.bool_(epoch.epoch == 3)

    model = MLP(2, [3, 1], hidden="tanh", seed=1)
    history = small_fit(
        model,
        optimizer=optimizer(),
        epochs=10,
        validation=([[0.5, 0.5]], [0.5]),
        callbacks=[watch, lambda epoch: "not True"],
    )
    assert [epoch.epoch for epoch in seen] == [1, 2, 3]
    assert [epoch.error_before for epoch in seen] == history.error_before
    assert [epoch.error_after for epoch in seen] == history.error_after
    assert [epoch.validation for epoch in seen] == history.validation
    assert kept[-1] == weights(model)
    assert len({tuple(row) for row in kept}) == 3
    assert history.ended == "after 3 epochs: a callback returned True"
    [y] = outputs(model, [[0.5, 0.5]])
    assert history.validation[-1] == pytest.approx((y.data - 0.5) ** 2 / 2, rel=1e-12)


def test_lbfgs_tells_why_it_ended() -> None:
    history = small_fit(MLP(2, [3, 1], hidden="tanh", seed=1), optimizer=LBFGS(), epochs=500)
    n = len(history.error_after)
    assert n < 500
    assert history.ended.startswith(f"after {n} epochs: converged, no derivative is above")
    assert history.error_after == sorted(history.error_after, reverse=True)
    assert history.error_before[1:] == history.error_after[:-1]


def test_a_history_prints_as_a_table() -> None:
    history = small_fit(MLP(2, [3, 1], seed=1), epochs=100, validation=XOR)
    lines = str(history).splitlines()
    assert lines[0].split("  ")[0] == "epoch"
    assert lines[0].endswith("validation")
    assert len(lines) == 12
    assert [line.split()[0] for line in (lines[1], lines[-2])] == ["1", "100"]
    assert f"{history.error_after[-1]:.6g}" in lines[-2]
    assert lines[-1] == "after 100 epochs"
    assert repr(history).startswith("History(100 epochs: error ")
    assert repr(History()) == "History(no epoch)"


def test_the_progress_bar_shows_the_error(capsys) -> None:
    history = small_fit(MLP(2, [3, 1], seed=1), progress=True)
    assert f"error {history.error_after[-1]:.4g}" in capsys.readouterr().err
    small_fit(MLP(2, [3, 1], seed=1))
    assert capsys.readouterr().err == ""


# When it goes wrong


@pytest.mark.parametrize("batch_size", [None, 2])
def test_a_number_that_stops_being_finite_is_told_and_the_last_weights_are_kept(batch_size) -> None:
    model = MLP(2, [3, 1], hidden="relu", seed=1)
    seen: list[list[float]] = [weights(model)]
    errors: list[float] = []

    def watch(epoch: Epoch) -> None:
        seen.append(weights(epoch.model))
        errors.append(epoch.error_after)

    with pytest.raises(FloatingPointError) as info:
        small_fit(
            model,
            optimizer=SGD(lr=30.0),
            epochs=10_000,
            batch_size=batch_size,
            callbacks=watch,
        )
    message = str(info.value)
    assert message.startswith(f"epoch {len(seen)}: ")
    assert f"after epoch {len(seen) - 1}, of error {errors[-1]:.6g}" in message
    assert "errors=" not in message
    assert len(seen) > 2
    assert weights(model) == seen[-1]
    assert all(map(math.isfinite, weights(model)))


def test_an_overflow_where_the_graph_is_recorded_is_told_in_the_same_way() -> None:
    model = MLP(1, [1], seed=1)
    before = weights(model)
    for X in ([1e200, 1.0], [1.0, 1e200]):
        with pytest.raises(
            FloatingPointError, match=r"epoch 1: .*(y_1 - t_1|in dE/dw_11).*that it began with"
        ):
            small_fit(model, X=X, T=[0.0, 0.0])
    assert weights(model) == before


def test_the_node_and_the_data_point_are_named() -> None:
    model = MLP(1, [1], seed=1)
    X, T = np.ones((40, 1)), np.ones(40)
    X[3] = 1e200
    before = weights(model)
    for batch_size in (None, 1, 3):
        with pytest.raises(
            FloatingPointError, match=r"epoch 1: .*(\(y_1 - t_1\)\^2|in dE/dw_11) of.*point 3"
        ):
            small_fit(model, X=X, T=T, batch_size=batch_size)
        assert weights(model) == before


@pytest.mark.parametrize("seed", range(4))
def test_a_data_point_of_a_minibatch_is_named_by_its_row_in_the_data(seed) -> None:
    model = MLP(1, [1], seed=1)
    model.parameters()[0].data = 1e-150
    X, T = [0.0, 0.0, 0.0, 1e150, 0.0, 1.0], [0.0] * 6
    with pytest.raises(FloatingPointError, match=r"epoch 1: .* at data point 3\. The model"):
        small_fit(model, X=X, T=T, optimizer=SGD(lr=1e10), batch_size=1, seed=seed)
    assert weights(model) == [1e-150, 0.0]


@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_sum_beyond_the_largest_float_is_told(batch_size) -> None:
    model, before = untouched()
    with pytest.raises(FloatingPointError, match=r"epoch 1: .*sum.*beyond the largest float"):
        small_fit(model, T=[1.2e154] * 4, batch_size=batch_size)
    assert weights(model) == before


def test_a_step_beyond_the_largest_float_names_the_weight() -> None:
    model = MLP(1, [1], seed=1)
    with pytest.raises(FloatingPointError, match=r"epoch 1: overflow.*SGD.*label='w_1"):
        small_fit(model, X=[1e150], T=[0.0], optimizer=SGD(lr=1e160))


def test_a_validation_error_that_is_not_finite_says_so() -> None:
    model = MLP(1, [1], seed=1)
    before = weights(model)
    with pytest.raises(FloatingPointError, match="epoch 1: validation: "):
        small_fit(model, X=[1.0], T=[0.0], validation=([1e200], [0.0]))
    assert weights(model) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, FloatingPointError])
@pytest.mark.parametrize("optimizer", [lambda: SGD(lr=0.05), LBFGS])
def test_an_interruption_keeps_the_weights_of_the_last_epoch(error, optimizer) -> None:
    model, twin = (MLP(2, [3, 1], hidden="tanh", seed=1) for _ in range(2))

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise error("now")

    with pytest.raises(error, match=r"^now$"):
        small_fit(model, optimizer=optimizer(), epochs=10, callbacks=interrupt)
    small_fit(twin, optimizer=optimizer(), epochs=2)
    assert weights(model) == weights(twin)


def untouched() -> tuple[MLP, list[float]]:
    model = MLP(2, [2, 1], seed=1)
    return model, weights(model)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"X": [[0, 0], [1, 1]]}, ValueError, "X has 2 data points and T has 4"),
        ({"X": [[0, 1], [0]]}, ValueError, "X has rows of different lengths"),
        ({"X": [[0, 1, 2]] * 4}, ValueError, "2 inputs was given 3"),
        ({"X": [0, 1, 2, 3]}, ValueError, "2 inputs was given 1"),
        ({"X": [[0, math.nan]] * 4}, ValueError, r"X\[0, 1\] is nan"),
        ({"T": [0, 1, math.inf, 0]}, ValueError, r"T\[2, 0\] is inf"),
        ({"X": [["a", "b"]] * 4}, TypeError, "X\\[0, 0\\]: 'a' \\(str\\) is a name"),
        ({"X": [[0, None]] * 4}, TypeError, r"X\[0, 1\]: .*None"),
        ({"X": [[0, Value(1.0)]] * 4}, TypeError, r"X\[0, 1\]: .*\.data"),
        ({"X": [[0, 1j]] * 4}, TypeError, "X needs numbers, not complex"),
        ({"X": []}, ValueError, r"X needs a row .*not \(0,\)"),
        ({"X": np.zeros((4, 1, 1))}, ValueError, r"not \(4, 1, 1\)"),
        ({"X": 3.0}, ValueError, r"not \(\)"),
        ({"T": [[0, 1]] * 4}, ValueError, "2 for 1"),
        ({"loss": "squares"}, ValueError, "'squares'; there are sum_of_squares"),
        ({"loss": None}, TypeError, "None"),
        ({"loss": lambda y, t: 1.0}, TypeError, "1.0"),
        ({"loss": hinge}, ValueError, r"T\[0\]: .*2 \* t - 1"),
        ({"loss": binary_cross_entropy, "T": [0, 1, 2, 0]}, ValueError, r"T\[2\]: .*not 2.0"),
        ({"loss": cross_entropy}, ValueError, "binary_cross_entropy for one"),
        ({"optimizer": "adm"}, ValueError, "'adm'; there are sgd, adam"),
        ({"optimizer": 0.1}, TypeError, "not 0.1"),
        ({"sample_weight": [1.0, 1.0]}, ValueError, "each of the 4 data points"),
        ({"sample_weight": [1.0, 1.0, 1.0, -1.0]}, ValueError, "from 0 on"),
        ({"sample_weight": [0, 0, 0, 0]}, ValueError, "not all zero"),
        (
            {"sample_weight": [5e-324, 0, 0, 0], "loss": "mean_squared_error"},
            ValueError,
            "numbers too small for their mean: multiply all by the same",
        ),
        ({"early_stopping": 0}, ValueError, "early_stopping is at least 1"),
        ({"early_stopping": True}, TypeError, "early_stopping is an integer"),
        ({"min_delta": -1.0}, ValueError, "min_delta"),
        ({"threads": 0}, ValueError, "threads"),
        ({"checkpoint": 3}, TypeError, "^checkpoint is the path of a folder.* not 3 .*_every"),
        ({"seed": "a"}, TypeError, "^seed is a non-negative integer, not 'a'"),
        ({"seed": -1}, ValueError, "^seed is a non-negative integer, not -1"),
        ({"callbacks": 3}, TypeError, "^callbacks are a function or a list of such, not 3"),
        ({"min_delta": "a"}, TypeError, "^min_delta: need a real number, not 'a'"),
        ({"optimizer": SGD([Value(1.0, "v")])}, ValueError, "label='v'.*no parameter of the"),
        ({"optimizer": LBFGS(), "batch_size": 2}, ValueError, "all 4 data points"),
        ({"epochs": 0}, ValueError, "epochs is at least 1"),
        ({"epochs": 1.5}, TypeError, "epochs is an integer"),
        ({"batch_size": 0}, ValueError, "batch_size is at least 1"),
        ({"callbacks": [None]}, TypeError, "None"),
        ({"validation": [1.0]}, TypeError, "pair"),
        ({"validation": ([[1.0]], [1.0])}, ValueError, "1 inputs and 1 targets.*2 and 1"),
        ({"validation": ([[1.0, math.nan]], [1.0])}, ValueError, r"validation\[0, 1\] is nan"),
        ({"seed": -1}, ValueError, "negative"),
    ],
)
def test_what_is_refused_before_a_weight_is_touched(options, error, message) -> None:
    model, before = untouched()
    with pytest.raises(error, match=message):
        small_fit(model, **options)
    assert weights(model) == before


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="the model is"):
        small_fit(None)
    with pytest.raises(TypeError, match="the model is"):
        small_fit(Module())
    model, _ = untouched()
    model.parameters()[0].data = math.nan
    with pytest.raises(ValueError, match=r"nan, label='w_11'.*not finite"):
        small_fit(model)


class Odd(Module):
    """A model whose operations are not the same for all data points."""

    def __init__(self, call: Any) -> None:
        self.w, self.call = Value(0.5, "w"), call

    def __call__(self, x):
        return self.call(self.w, x)

    def parameters(self):
        return [self.w]


@pytest.mark.parametrize(
    "call",
    [
        lambda w, x: w * x[0] if x[1] > 0 else w + x[0],
        lambda w, x: w * x[1].data,
        lambda w, x: w * x[0] * random.random(),
        lambda w, x: w * max(x),
    ],
)
def test_a_model_that_python_steers_is_refused(call) -> None:
    model = Odd(call)
    with pytest.raises(ValueError, match="other operations for data point"):
        small_fit(model)
    assert weights(model) == [0.5]


def test_a_model_that_gives_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match=r"gives a Value or a list of Values, not 1\.0"):
        small_fit(Odd(lambda w, x: 1.0))


# Weights of data points, early stopping, threads


@settings(max_examples=25)
@given(
    st.sampled_from(["sum_of_squares", "mean_squared_error", "hinge", "cross_entropy"]),
    st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any),
    st.sampled_from([SGD, LBFGS]),
)
def test_a_weight_of_two_is_the_data_point_twice(loss, counts, optimizer) -> None:
    weighted, repeated = (MLP(2, [3, 2], hidden="tanh", seed=2) for _ in range(2))
    X = np.array(XOR[0], float)
    T = np.array([0, 1, 1, 0]) if loss == "cross_entropy" else np.array([[1, -1]] * 3 + [[-1, 1]])
    history = small_fit(weighted, X=X, T=T, loss=loss, sample_weight=counts, optimizer=optimizer())
    X, T = np.repeat(X, counts, axis=0), np.repeat(T, counts, axis=0)
    twin = small_fit(repeated, X=X, T=T, loss=loss, optimizer=optimizer())
    assert history.error_after == pytest.approx(twin.error_after, rel=1e-6)
    assert weights(weighted) == pytest.approx(weights(repeated), rel=1e-6, abs=1e-9)


def test_weights_of_one_change_nothing_and_those_of_a_mean_have_no_unit() -> None:
    def trained(**options: Any) -> list[float]:
        model = MLP(2, [3, 1], seed=1)
        small_fit(model, batch_size=2, **options)
        return weights(model)

    assert trained(sample_weight=[1, 1, 1, 1]) == trained()
    one, ten = (
        trained(loss="mean_squared_error", sample_weight=[w, 2 * w, w, w]) for w in (1.0, 10.0)
    )
    assert one == pytest.approx(ten, rel=1e-12)


def test_a_batch_of_one_point_counts_as_much_as_its_weight() -> None:
    light, heavy = MLP(2, [1], seed=1), MLP(2, [1], seed=1)
    options = {
        "loss": "mean_squared_error",
        "batch_size": 1,
        "epochs": 300,
        "optimizer": SGD(lr=0.005),
    }
    small_fit(light, T=[0, 0, 0, 1], X=[[1, 1]] * 4, sample_weight=[1, 1, 1, 1], **options)
    small_fit(heavy, T=[0, 0, 0, 1], X=[[1, 1]] * 4, sample_weight=[1, 1, 1, 3], **options)
    assert 0.2 < light([1, 1]).data < 0.4 < heavy([1, 1]).data < 0.6


def noisy_line() -> dict[str, Any]:
    draw = np.random.default_rng(0)
    X = draw.uniform(-1, 1, size=(30, 1))
    T = X[:, 0] + draw.normal(scale=0.5, size=30)
    return {"X": X[:15], "T": T[:15], "validation": (X[15:], T[15:])}


@pytest.mark.parametrize("optimizer", [lambda: Adam(lr=0.05), LBFGS])
@pytest.mark.parametrize("patience", [1, 5])
def test_early_stopping_gives_the_weights_of_the_lowest_validation_error(
    optimizer, patience
) -> None:
    model, twin = (MLP(1, [20, 1], hidden="tanh", seed=1) for _ in range(2))
    seen: list[list[float]] = []
    history = small_fit(
        model,
        **noisy_line(),
        optimizer=optimizer(),
        epochs=300,
        early_stopping=patience,
        callbacks=lambda epoch: seen.append(weights(epoch.model)),
    )
    n, best = len(history.validation), history.best_epoch
    assert n < 300
    assert history.validation[best - 1] == min(history.validation)
    assert weights(model) == seen[best - 1]
    assert n >= best + patience or patience > 1
    assert history.ended == (
        f"after {n} epochs: the validation error has not improved for {patience};"
        f" the weights are those of epoch {best}"
    )
    small_fit(twin, **noisy_line(), optimizer=optimizer(), epochs=best)
    assert weights(twin) == weights(model)


def test_early_stopping_watches_the_training_error_where_there_is_no_validation() -> None:
    history = small_fit(MLP(2, [1], seed=1), epochs=500, early_stopping=3, min_delta=1e-3)
    assert "the training error has not improved for 3" in history.ended
    assert len(history.error_after) < 100
    going_up = small_fit(MLP(2, [1], seed=1), optimizer=SGD(lr=1.0), epochs=9, early_stopping=2)
    assert going_up.best_epoch == 1
    assert len(going_up.error_after) == 3


def test_the_best_weights_are_kept_when_the_epochs_run_out() -> None:
    model, seen = MLP(2, [1], seed=1), []
    history = small_fit(
        model,
        optimizer=SGD(lr=1.0),
        epochs=3,
        early_stopping=5,
        callbacks=lambda epoch: seen.append(weights(epoch.model)),
    )
    assert history.ended == "after 3 epochs"
    assert weights(model) == seen[0] != seen[2]


@pytest.mark.parametrize("batch_size", [None, 64])
def test_any_number_of_threads_gives_the_same_bits(batch_size) -> None:
    draw = np.random.default_rng(0)
    X, T = draw.normal(size=(3000, 2)), draw.normal(size=3000)
    one, three = MLP(2, [3, 1], seed=1), MLP(2, [3, 1], seed=1)
    for model, threads in ((one, 1), (three, 3)):
        small_fit(model, X=X, T=T, optimizer="adam", batch_size=batch_size, threads=threads)
    assert weights(one) == weights(three)


@pytest.mark.parametrize(
    ("name", "optimizer"), [("sgd", SGD), ("adam", Adam), ("adamw", AdamW), ("lbfgs", LBFGS)]
)
def test_an_optimizer_goes_by_its_name(name, optimizer) -> None:
    by_name, made = MLP(2, [3, 1], seed=1), MLP(2, [3, 1], seed=1)
    small_fit(by_name, optimizer=name)
    small_fit(made, optimizer=optimizer())
    assert weights(by_name) == weights(made)


# Predicting


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_predict_gives_what_the_model_gives_point_by_point(n_outputs: int) -> None:
    model = MLP(2, [5, n_outputs], hidden="sigmoid", seed=3)
    X = np.random.default_rng(0).normal(size=(200, 2))
    each = [model(x.tolist()) for x in X]
    expected = [[y.data for y in ([ys] if n_outputs == 1 else ys)] for ys in each]
    found = predict(model, X)
    assert found.shape == ((200,) if n_outputs == 1 else (200, 3))
    assert found.reshape(200, -1) == pytest.approx(np.array(expected), rel=1e-13, abs=1e-15)
    assert (predict(model, X, threads=2) == found).all()


def test_predict_takes_the_present_weights_and_leaves_the_model_alone() -> None:
    model = MLP(1, [1], seed=0)
    before = predict(model, [1.0, 2.0])
    model.layers[0].neurons[0].b.data += 1.0
    assert predict(model, [1.0, 2.0]) == pytest.approx(before + 1.0)
    with no_grad():
        assert predict(model, [[1.0], [2.0]]) == pytest.approx(before + 1.0)
    assert all(parameter.grad == 0.0 for parameter in model.parameters())


def test_predict_takes_any_function_of_values() -> None:
    assert predict(lambda x: [x[0] * x[1], x[0].exp()], [[2.0, 3.0]]).tolist() == [
        [6.0, pytest.approx(math.exp(2.0))]
    ]
    with pytest.raises(ValueError, match="other operations for data point 1"):
        predict(lambda x: x[0] if x[0] > 0.0 else -x[0], [2.0, -1.0])
    with pytest.raises(TypeError, match=r"a model gives a Value .* not 1\.0"):
        predict(lambda x: 1.0, [2.0])
    with pytest.raises(ValueError, match=r"the 3 numbers of X\[0\]: a layer of 2 inputs"):
        predict(MLP(2, [1]), [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"X\[1, 0\] is nan"):
        predict(MLP(1, [1]), [1.0, math.nan])
    with pytest.raises(FloatingPointError, match="data point 1"):
        predict(lambda x: x[0].log(), [1.0, -1.0])


def test_a_branch_that_only_an_outlier_takes_is_seen() -> None:
    def clipped(y: Value, t: Value) -> Value:
        return square(y - t) if t < 100.0 else abs(y - t)

    X, T = np.linspace(-1.0, 1.0, 500), np.zeros(500)
    T[137] = 1000.0
    with pytest.raises(ValueError, match="other operations for data point 137"):
        fit(MLP(1, [1], seed=0), X, T, loss=clipped, optimizer=SGD(lr=0.1), progress=False)


def test_a_loss_that_takes_a_list_where_there_is_one_output_is_told_what_it_got() -> None:
    with pytest.raises(TypeError, match=r"called with the outputs Value\(.*subscriptable"):
        fit(MLP(1, [1]), [1.0], [1.0], loss=lambda y, t: y[0] - t[0], optimizer=SGD(lr=0.1))


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_probabilities_for_a_loss_that_takes_logits_are_refused(loss: str, n_outputs: int) -> None:
    model = MLP(1, [n_outputs], output="sigmoid", seed=0)
    before = weights(model)
    with pytest.raises(ValueError, match=r"takes logits.* through a sigmoid.*output=\"linear\""):
        fit(model, [0.0, 1.0], [0, 1], loss=loss, optimizer=SGD(lr=0.1), progress=False)
    assert weights(model) == before
    fit(model, [0.0], [[0.0] * n_outputs], loss="sum_of_squares", optimizer=SGD(lr=0.1), epochs=1)


def names_of_iris(kind: str) -> tuple[np.ndarray, Any, list[Any]]:
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.load_iris(return_X_y=True)
    names = ["setosa", "versicolor", "virginica"]
    T: Any = np.array(names)[y]
    if kind == "list":
        T = T.tolist()
    elif kind == "objects":
        T = T.astype(object)
    elif kind == "a column":
        T = T[:, np.newaxis]
    elif kind != "array":
        pandas = pytest.importorskip("pandas")
        T = pandas.Series(T)
        if kind == "categories":
            names = names[::-1]
            T = T.astype(pandas.CategoricalDtype(names))
        elif kind == "categories of numbers":
            names = [30, 10, 20]
            T = pandas.Categorical(np.array([10, 30, 20])[y], names)
    return (X - X.mean(0)) / X.std(0), T, names


KINDS = [*"list array objects series categories".split(), "a column", "categories of numbers"]


@pytest.mark.parametrize("kind", KINDS)
def test_classes_go_by_name_and_come_back_by_name(kind) -> None:
    X, T, names = names_of_iris(kind)
    model, twin = (MLP(4, [8, 3], hidden="tanh", seed=1) for _ in range(2))
    options = {"loss": "cross_entropy", "optimizer": "lbfgs", "epochs": 20, "progress": False}
    history = fit(model, X, T, validation=(X, T), **options)
    assert model.classes == names
    found = predict(model, X, classes=True)
    labels = np.asarray(T).ravel()
    assert found.shape == (150,)
    assert (found == labels).mean() > 0.95
    numbers = [names.index(label) for label in labels.tolist()]
    fit(twin, X, numbers, **options)
    assert weights(twin) == weights(model)
    assert twin.classes is None
    assert [names[k] for k in predict(twin, X, classes=True)] == found.tolist()
    assert history.validation == pytest.approx(history.error_after, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "numbers"), [("binary_cross_entropy", [0, 1, 1, 0]), ("hinge", [-1, 1, 1, -1])]
)
def test_two_classes_by_name_for_one_output(loss, numbers) -> None:
    model, twin = (MLP(2, [4, 1], hidden="tanh", seed=1) for _ in range(2))
    names = ["no", "yes", "yes", "no"]
    options = {"loss": loss, "optimizer": Adam(lr=0.1), "epochs": 50}
    small_fit(model, T=names, **options)
    small_fit(twin, T=numbers, **options)
    assert weights(model) == weights(twin)
    assert predict(model, XOR[0], classes=True).tolist() == names
    assert predict(twin, XOR[0], classes=True).tolist() == [0, 1, 1, 0]


def handed_on(model: MLP, how: str, folder: Path) -> MLP:
    if how == "a copy":
        return copy.deepcopy(model)
    if how == "a pickle":
        return pickle.loads(pickle.dumps(model))
    if how == "a file":
        model.save(folder / "w")
        return MLP.load(folder / "w")
    return model


@pytest.mark.parametrize("how", ["itself", "a copy", "a pickle", "a file"])
def test_the_names_of_a_fit_go_with_the_next(how, tmp_path) -> None:
    options = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 1}
    model = MLP(2, [1], seed=1)
    small_fit(model, T=["no", "yes", "yes", "no"], **options)
    model = handed_on(model, how, tmp_path)
    assert model.classes == ["no", "yes"]
    with pytest.raises(ValueError, match=r"T\[0\]"):
        small_fit(model, T=[2, 0, 0, 0], **options)
    assert model.classes == ["no", "yes"]
    small_fit(model, **options)
    assert model.classes is None
    assert predict(model, XOR[0], classes=True).dtype.kind == "i"
    for names in (["a", "b"], ["c", "d"]):
        small_fit(model, T=[names[t] for t in XOR[1]], **options)
        assert model.classes == names
    model.classes = ["off", "on"]
    small_fit(model, **options)
    assert model.classes == ["off", "on"]


def test_what_a_model_of_ones_own_calls_classes_is_left_alone() -> None:
    model = MLP(2, [4, 1], hidden="tanh", seed=1)
    model.classes = ["off", "on"]
    small_fit(model, loss="binary_cross_entropy", optimizer=Adam(lr=0.1), epochs=50)
    assert model.classes == ["off", "on"]
    assert predict(model, XOR[0], classes=True).tolist() == ["off", "on", "on", "off"]


def test_a_probability_is_of_the_second_class_above_one_half() -> None:
    model = MLP(1, [1], output="sigmoid", seed=0)
    model.layers[0].neurons[0].w[0].data = 1.0
    assert predict(model, [-1.0, 1.0], classes=True).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "cross_entropy", "n": 3}, "T has 2 classes, .*and the model 3 outputs"),
        ({"loss": "cross_entropy", "n": 1}, "binary_cross_entropy for one"),
        ({"loss": "hinge", "T": list("abca")}, "two classes, and T has 3, .*take cross_entropy"),
        ({"loss": "hinge", "T": list("aaaa")}, "two classes, and T has 1"),
        (
            {"loss": "cross_entropy", "validation": (XOR[0], list("abca"))},
            r"T of val.*\[2\] is 'c'",
        ),
        ({"loss": "cross_entropy", "validation": (XOR[0], [0, 1, 0, 0])}, r"T of validation\[0\]"),
        (
            {"loss": "cross_entropy", "T": ["a", "b", None, "a"]},
            r"T\[2\] is None .*others are names",
        ),
        ({"loss": "hinge", "T": ["a", "b", "a", math.nan]}, r"T\[3\] is nan .* are names"),
    ],
)
def test_names_that_will_not_do_are_refused(options, message) -> None:
    model = MLP(2, [options.pop("n", 2)], seed=0)
    before = weights(model)
    with pytest.raises((ValueError, TypeError), match=message):
        small_fit(model, **{"T": list("abba"), **options})
    assert weights(model) == before
    assert model.classes is None


def test_classes_by_name_and_a_single_data_point_are_told_the_way_out() -> None:
    with pytest.raises(TypeError, match="number the classes from 0"):
        fit(MLP(1, [1]), [0.0, 1.0], ["a", "b"], loss="sum_of_squares", optimizer=SGD(lr=0.1))
    for names in (["a", "b"], np.array(["a", "b"]), np.array(["a", "b"], dtype=object)):
        with pytest.raises(TypeError, match=r"^T\[0\]: 'a' \(str\) is a name: number the classes"):
            fit(MLP(1, [1]), [0.0, 1.0], names, loss="sum_of_squares", optimizer=SGD(lr=0.1))
    with pytest.raises(TypeError, match=r"'1' \(str\): convert it first, with float"):
        predict(MLP(1, [1]), np.array([["1"]]))
    with pytest.raises(ValueError, match=r"one data point of several is a row: \[\[x_1"):
        predict(MLP(3, [1]), [1.0, 2.0, 3.0])


def frame_of_xor(**columns: Any) -> Any:
    X, T = XOR
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": np.array(X)[:, 0], "t": T, "b": np.array(X)[:, 1], **columns})


@pytest.mark.parametrize("T", ["t", ["t"]], ids=repr)
def test_targets_and_weights_go_by_the_names_of_their_columns(T) -> None:
    model, twin = (MLP(2, [4, 1], hidden="tanh", seed=1) for _ in range(2))
    frame, counts = frame_of_xor(), [1.0, 2.0, 0.5, 1.0]
    history = small_fit(
        model, X=frame.assign(w=counts), T=T, sample_weight="w", validation=(frame, T)
    )
    other = small_fit(twin, sample_weight=counts, validation=XOR)
    assert weights(model) == weights(twin)
    assert history.validation == other.validation


def test_several_targets_go_by_the_names_of_their_columns() -> None:
    model, twin = (MLP(2, [4, 2], hidden="tanh", seed=1) for _ in range(2))
    small_fit(model, X=frame_of_xor(u=[1.0, 2.0, 3.0, 4.0]), T=["u", "t"])
    small_fit(twin, T=np.column_stack([[1.0, 2.0, 3.0, 4.0], XOR[1]]))
    assert weights(model) == weights(twin)


def test_a_column_of_classes_goes_by_its_name_and_a_list_of_them_is_none_of_columns() -> None:
    names = ["b", "a", "a", "b"]
    for X, T in [(frame_of_xor(t=names), "t"), (frame_of_xor()[["a", "b"]], names)]:
        model = MLP(2, [4, 1], hidden="tanh", seed=1)
        small_fit(model, X=X, T=T, loss="hinge", epochs=1)
        assert model.classes == ["a", "b"]


def test_a_name_that_is_no_column_is_told_with_those_there_are() -> None:
    model, message = MLP(2, [1]), "T is 'z', which is no column of X: it has 'a', 't', 'b'"
    for T in ("z", ["t", "z"]):
        with pytest.raises(ValueError, match=message):
            small_fit(model, X=frame_of_xor(), T=T)
    with pytest.raises(ValueError, match="sample_weight is 'z', which is no column"):
        small_fit(model, X=frame_of_xor(), T="t", sample_weight="z")
    with pytest.raises(ValueError, match="T is 't', which is no column of X: it has none"):
        small_fit(model, T="t")


@pytest.mark.parametrize("how", ["itself", "a copy", "a pickle", "a file"])
def test_predict_takes_columns_by_the_names_that_they_had_in_training(how, tmp_path) -> None:
    model, frame = MLP(2, [4, 1], hidden="tanh", seed=1), frame_of_xor()
    small_fit(model, X=frame, T="t", validation=(frame[["b", "t", "a"]], "t"))
    model = handed_on(model, how, tmp_path)
    expected = predict(model, XOR[0]).tolist()
    for X in (frame[["b", "a"]], frame, frame[["a", "b"]].to_numpy()):
        assert predict(model, X).tolist() == expected
    assert predict(model, frame[["a", "b"]].set_axis([0, 1], axis=1)).tolist() == expected
    with pytest.raises(ValueError, match="columns 'a', 'b', and X lacks 'b': it has 'a', 't'"):
        predict(model, frame[["a", "t"]])
    small_fit(model)
    assert (
        predict(model, frame[["t", "a"]]).tolist()
        == predict(model, frame[["t", "a"]].to_numpy()).tolist()
    )


def test_validation_takes_columns_by_the_names_that_they_have_in_training() -> None:
    frame, errors = frame_of_xor(a=[5.0, 0.0, 1.0, 2.0]), []
    for names in (["a", "b"], ["b", "a"]):
        validation = (frame[names], frame["t"])
        model = MLP(2, [4, 1], hidden="tanh", seed=1)
        errors.append(small_fit(model, X=frame, T="t", validation=validation).validation)
    X = frame[["a", "b"]]
    numbered = X.set_axis([0, 1], axis=1)  # which are no names, so all goes by position
    model = MLP(2, [4, 1], hidden="tanh", seed=1)
    errors.append(small_fit(model, X=numbered, validation=(X, frame["t"])).validation)
    assert errors[0] == errors[1] == errors[2]


class _Frame:
    """As a table of a data frame: an array that knows the names of its columns."""

    columns = ("height", "kind")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([[1.0, "cat"], [2.0, "dog"]], dtype=object)


def test_a_column_of_names_is_named_and_told_what_to_do() -> None:
    with pytest.raises(TypeError) as raised:
        predict(MLP(2, [1]), _Frame())
    words = str(raised.value)
    assert words.startswith("X[0, 1] (column kind): 'cat' (str) is a name: number the classes")
    assert "get_dummies" in words


@pytest.mark.parametrize("parameters", [[1.0], [Value(1.0), 2.0], [np.float64(1.0)]], ids=repr)
def test_parameters_that_are_no_values_are_named(parameters: Any, tmp_path: Any) -> None:
    class Model(Module):
        def __call__(self, x: Any) -> Any:
            return x[0] * 1.0

        def parameters(self) -> Any:
            return parameters

    model = Model()
    data = {"X": [[1.0]], "T": [1.0], "loss": "sum_of_squares", "optimizer": SGD(lr=0.1)}
    for use in (
        lambda: fit(model, **data),  # type: ignore[arg-type]
        model.zero_grad,
        lambda: model.save(tmp_path / "m.safetensors"),
    ):
        with pytest.raises(TypeError, match=r"in it is .*: the Value itself, not its \.data"):
            use()


def test_a_missing_number_is_named_with_its_column_and_what_to_do() -> None:
    pandas = pytest.importorskip("pandas")
    frame = frame_of_xor(a=[0.0, None, 1.0, 1.0])[["b", "a"]]
    for X, place in [
        (frame, r"X\[1, 1\] is nan"),
        (frame.astype("Float64"), r"X\[1, 1\] is <NA>"),
        (frame.assign(a=pandas.NaT), r"X\[0, 1\] is NaT"),
    ]:
        words = rf"{place}: leave the data point out, or fill it \(column a\)"
        with pytest.raises(ValueError, match=words):
            small_fit(MLP(2, [1]), X=X)


def test_what_holds_a_table_and_is_none_is_refused_with_the_way_out() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = Program(w * x, inputs=[x], parameters=[w])
    for X, words in [
        (sparse.csr_matrix(XOR[0]), r"are a csr_matrix, and no table: take \.toarray\(\)"),
        (
            {"a": [1.0], "b": [2.0]},
            r"are a dict, and no table: take pandas\.DataFrame\(\.\.\.\) of",
        ),
        (iter(XOR[0]), r"are a list_iterator, and no table: take list\(\.\.\.\) of it"),
    ]:
        for use in (
            lambda X=X: small_fit(MLP(2, [1]), X=X),
            lambda X=X: predict(MLP(2, [1]), X),
            lambda X=X: program(X),
        ):
            with pytest.raises(TypeError, match=words):
                use()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: small_fit(MLP(2, [1]), lr=0.1),
            "fit() has no lr: write optimizer=SGD(lr=0.1) or optimizer=Adam(lr=0.1)",
        ),
        (lambda: small_fit(MLP(2, [1]), n_epochs=5), "fit() has no n_epochs: write epochs=5"),
        (lambda: small_fit(MLP(2, [1]), batchsize=8), "fit() has no batchsize: write batch_size=8"),
        (
            lambda: small_fit(MLP(2, [1]), y=[1.0]),
            "fit() has no y: write T, as in fit(model, X, T)",
        ),
        (lambda: small_fit(MLP(2, [1]), loss_fn=max), "fit() has no loss_fn: write loss=..."),
        (lambda: SGD(learning_rate=0.1), "SGD() has no learning_rate: write lr=0.1"),
        (lambda: Adam(epsilon=0.1), "Adam() has no epsilon: write eps=0.1"),
        (lambda: AdamW(eta=0.1), "AdamW() has no eta: write lr=0.1"),
        (lambda: Adam(beta1=0.5), "Adam() has no beta1: write betas=(0.5, 0.999)"),
        (lambda: AdamW(lr=0.1, beta2=0.9), "AdamW() has no beta2: write betas=(0.9, 0.9)"),
        (
            lambda: Adam(beta_1=0.5, beta_2=np.float64(0.99)),
            "Adam() has no beta_1: write betas=(0.5, 0.99)",
        ),
        (
            lambda: SGD(alpha=0.1),
            "SGD() has no alpha: write lr=0.1, or weight_decay=0.1 if that is meant",
        ),
        (lambda: SGD(beta1=0.9), "SGD.__init__() got an unexpected keyword argument 'beta1'"),
        (lambda: LBFGS(lr=1), "LBFGS() has no lr: write LBFGS(), which chooses how far to go"),
        (
            lambda: LBFGS(learning_rate=1),
            "LBFGS() has no learning_rate: write LBFGS(), which chooses how far to go",
        ),
        (
            lambda: small_fit(MLP(2, [1]), n_epochs=np.int64(5)),
            "fit() has no n_epochs: write epochs=5",
        ),
        (
            lambda: small_fit(MLP(2, [1]), solver=np.str_("adam")),
            "fit() has no solver: write optimizer='adam'",
        ),
        (
            lambda: small_fit(MLP(2, [1]), verbose=2),
            "fit() has no verbose: write progress=True, or progress=False",
        ),
        (
            lambda: small_fit(MLP(2, [1]), weight_decay=0.1),
            "fit() has no weight_decay: write optimizer=SGD(weight_decay=0.1) or"
            " optimizer=AdamW(weight_decay=0.1)",
        ),
        (lambda: MLP(2, [1], activation="tanh"), "MLP() has no activation: write hidden='tanh'"),
        (lambda: small_fit(MLP(2, [1]), foo=1), "fit() got an unexpected keyword argument 'foo'"),
    ],
)
def test_names_that_other_libraries_have_are_answered_with_the_right_ones(
    call: Any, words: str
) -> None:
    with pytest.raises(TypeError) as raised:
        call()
    assert str(raised.value) == words
