"""Programs call functions of the user's own, one number at a time, in C and on NumPy alike."""

import copy
import math
import pickle
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import micrograd_bp as m
from micrograd_bp import MLP, Program, Value, fit, function, predict, step, where
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.program import interpreter
from micrograd_bp.training.optim import SGD

huber = function(
    lambda r: r * r / 2 if abs(r) <= 1 else abs(r) - 0.5,
    lambda r: m.clip(r, -1.0, 1.0),
    name="huber",
)
DATA = np.array([[-4.0], [-0.5], [0.0], [0.3], [7.0]] * 3)


def graph(f: Callable[[Value, Value], Value]) -> tuple[Program, Callable[..., Any]]:
    """The program of f(x, w), and the readable executor of the same plan of sums."""
    x, w = Value(0.5, label="x"), Value(1.5, label="w")
    program = Program(f(x, w), inputs=[x], parameters=[w])
    return program, interpreter.Executor(program._summed).run  # type: ignore[arg-type]


def by_engine(f: Callable[[Value, Value], Value], w: float) -> tuple[float, float]:
    values = [m.value_and_grad(lambda w, x=x: f(Value(x), w))(w) for (x,) in DATA.tolist()]
    return math.fsum(value for value, _ in values), math.fsum(slope for _, slope in values)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_program_has_the_numbers_of_the_engine(threads: int) -> None:
    def f(x: Any, w: Any) -> Any:
        return huber(w * x) * w + huber(x)

    program, readable = graph(f)
    expected = by_engine(f, 0.7)
    for E, dE in (
        program.value_and_grad(DATA, [0.7], threads=threads),
        readable(DATA, np.array([0.7]))[:2],  # type: ignore[index]
    ):
        assert (E, *dE) == pytest.approx(expected, rel=1e-14)
    assert program(DATA, [0.7]).tolist() == [f(Value(x), Value(0.7)).data for (x,) in DATA]
    assert program([-0.5], [0.7]) == f(Value(-0.5), Value(0.7)).data
    assert "huber" in str(program)


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    program, _ = graph(lambda x, w: huber(w * x).exp() * w)
    data = np.linspace(-2.0, 2.0, 3001)[:, None]
    first, *others = (program.value_and_grad(data, [0.7], threads=n) for n in (1, 2, 5))
    for E, dE in others:
        assert (E, dE.tolist()) == (first[0], first[1].tolist())


@pytest.mark.parametrize("key", [*FUNCTIONS, "", "own"])
def test_no_kernel_is_found_by_the_name_of_a_function(key: str) -> None:
    own = function(lambda x: 5.0 * x + 1.0, lambda x: 5.0, name=key or "?")
    program, readable = graph(lambda x, w: own(w * x) + own(w))
    for E, dE in (program.value_and_grad(DATA, [2.0]), readable(DATA, np.array([2.0]))[:2]):  # type: ignore[index]
        assert pytest.approx(10.0 * DATA.sum() + 15 * 12.0) == E
        assert dE.tolist() == pytest.approx([5.0 * DATA.sum() + 15 * 5.0])
    assert program.trace(np)(DATA, [2.0]).tolist() == program(DATA, [2.0]).tolist()


def test_a_copy_of_a_built_in_gives_the_same_numbers() -> None:
    for key, entry in FUNCTIONS.items():
        if entry.doc is None or entry.operands != 1:
            continue
        built_in = getattr(m, key)
        copied = function(built_in, lambda x, e=entry: e.partials(x)[0], name=key)
        at = np.array([[0.3], [0.7], [0.9]])
        offset = 1.0 if key == "acosh" else 0.0
        (one, readable), (two, readable_too) = (
            graph(lambda x, w, f=f, c=offset: f(w * x + c) * 3.0)  # type: ignore[misc]
            for f in (built_in, copied)
        )
        for run, run_too in [(one.value_and_grad, two.value_and_grad), (readable, readable_too)]:
            (E, dE, *_), (own_E, own_dE, *_) = (f(at, np.array([1.0])) for f in (run, run_too))
            assert own_E == pytest.approx(E, rel=1e-15), key
            assert own_dE.tolist() == pytest.approx(dE.tolist(), rel=4e-15), key


def test_what_is_computed_twice_is_called_once_and_by_constants_never() -> None:
    calls = []

    def value(x: float) -> float:
        calls.append(x)
        return x * x

    own = function(value, lambda x: 2.0 * x)
    other = function(value, lambda x: 2.0 * x)
    x = Value(3.0)
    shared = Program(own(x) + own(x) * own(Value(5.0)), inputs=[x])
    calls.clear()
    assert shared([2.0]) == 104.0
    assert set(calls) == {2.0}
    assert len(calls) in (1, 16)  # NumPy's blocks repeat a point up to 16 times, as BLAS likes it
    calls.clear()
    assert Program(own(x) + other(x), inputs=[x])([2.0]) == 8.0
    assert calls.count(2.0) in (2, 32)


def test_neither_pickle_nor_file_takes_it_and_other_libraries_cannot(tmp_path: Path) -> None:
    program, _ = graph(lambda x, w: huber(w * x))
    for keep in (pickle.dumps, copy.deepcopy, lambda program: program.save(tmp_path / "p.json")):
        with pytest.raises(TypeError, match=r"with huber, a function of your own, .* nor saved"):
            keep(program)
    assert list(tmp_path.iterdir()) == []
    for library in ("jax.numpy", "torch"):
        module = pytest.importorskip(library)
        with pytest.raises(TypeError, match=f"huber is a function of your own, .*{library} can"):
            program.trace(module)
    on_numpy = program.trace(import_module("numpy"))
    assert on_numpy(DATA, [0.7]).tolist() == program(DATA, [0.7]).tolist()


# What goes wrong


def test_outside_its_domain_the_data_point_is_named() -> None:
    log = function(math.log, lambda x: 1 / x, name="log")
    program, _ = graph(lambda x, w: log(w * x))
    with pytest.raises(FloatingPointError, match=r"log of -1\.0 is nan, at data point 1"):
        program([[1.0], [-1.0]], [1.0])
    with pytest.raises(FloatingPointError, match=r"log of -1\.0 is nan, at data point 1"):
        program.value_and_grad([[1.0], [-1.0]], [1.0])
    assert np.isnan(program([[1.0], [-1.0]], [1.0], errors="ignore")).tolist() == [False, True]


def test_behind_a_branch_that_is_not_taken_it_contributes_nothing() -> None:
    root = function(math.sqrt, lambda x: 0.5 / m.sqrt(x), name="root")
    program, _ = graph(lambda x, w: where(step(x), root(w * x), 3.0 * w))
    for points, expected in [([[0.0]], 3.0), ([[-1.0]], 3.0), ([[4.0], [-2.0]], 4.0)]:
        assert program.value_and_grad(points, [1.0])[1].tolist() == [expected]
    x, w = Value(0.0), Value(1.0)
    where(step(x), root(w * x), 3.0 * w).backward()
    assert w.grad == 3.0


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, TypeError])
def test_an_error_in_a_value_ends_the_call_and_nothing_else(
    threads: int, error: type[BaseException]
) -> None:
    def value(x: float) -> float:
        if x == 999.0:
            raise error("at 999")
        return x

    own = function(value, lambda x: 1.0)
    program, _ = graph(lambda x, w: own(w * x))
    data = np.arange(3000.0)[:, None]
    for call in (program, program.value_and_grad):
        with pytest.raises(error, match="at 999"):
            call(data, [1.0], threads=threads)
        with pytest.raises(error, match="at 999"):
            call([999.0], [1.0])
    assert program.value_and_grad(data[:999], [1.0], threads=threads)[0] == sum(range(999))


def test_a_value_that_is_no_number_is_refused_by_the_program_too() -> None:
    own = function(lambda x: x if x < 2.0 else None, lambda x: 1.0, name="own")
    program, _ = graph(lambda x, w: own(w * x))
    with pytest.raises(TypeError, match="the value of own is a number, not None"):
        program([[0.5], [7.0]], [1.0], threads=2)


def test_a_value_may_run_a_program_itself_and_threads_share_one() -> None:
    inner, _ = graph(lambda x, w: (w * x).tanh())
    own = function(lambda x: inner([x], [1.0]), lambda x: m.tanh(x) ** 2 * -1.0 + 1.0, name="own")
    program, _ = graph(lambda x, w: own(w * x))
    expected = program.value_and_grad(DATA, [0.7])[0]
    assert expected == pytest.approx(np.tanh(0.7 * DATA).sum(), rel=1e-14)
    found: list[float] = []

    def work() -> None:
        found.extend(program.value_and_grad(DATA, [0.7], threads=2)[0] for _ in range(20))

    workers = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=300)
    assert found == [expected] * 60


# Training


def test_fit_and_predict_take_it_as_activation_and_as_loss() -> None:
    data = np.linspace(-1.0, 1.0, 20)[:, None]
    model, same = (MLP(1, [4, 1], hidden=h, seed=0) for h in (softplus, "softplus"))
    for each in (model, same):
        fit(
            each,
            data,
            data**2,
            loss=lambda y, t: huber(y - t),
            optimizer=SGD(lr=0.1),
            epochs=20,
        )
    got, expected = predict(model, data), predict(same, data)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def softplus_value(x: float) -> float:
    return math.log1p(math.exp(x))


softplus = function(softplus_value, m.sigmoid, name="softplus")


def test_a_choice_in_a_partial_is_warned_of_and_one_in_the_value_is_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph(lambda x, w: huber(w * x))
    branching = function(lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0, name="relu")
    with pytest.warns(UserWarning, match="Python compared mul of Value"):
        graph(lambda x, w: branching(w * x))
