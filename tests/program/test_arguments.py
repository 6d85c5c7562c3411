"""What a Program is called with: the same on every path, and nothing taken for what it is not."""

import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from micrograd_bp import MLP, Program, Value, fit, predict
from micrograd_bp.optim import SGD
from micrograd_bp.program import Executor
from micrograd_bp.program.interpreter import Executor as Interpreter

DATA = np.array([[1.0, 2.0], [3.0, 4.0]])


def two_inputs() -> Program:
    x, y, w = Value(1.0, label="x"), Value(2.0, label="y"), Value(3.0, label="w")
    return Program(w * x + y, inputs=[x, y], parameters=[w])


def network() -> MLP:
    return MLP(2, [3, 1], hidden="tanh", seed=0)


@pytest.mark.parametrize("data", [DATA, DATA.tolist(), DATA.astype(np.float32)])
@pytest.mark.parametrize("threads", [0, -5, True, 2.5, None, "2", np.True_, np.float64(2.0)])
def test_what_is_no_number_of_threads_is_refused_on_every_path(data: Any, threads: Any) -> None:
    program, model = two_inputs(), network()
    for call in (
        program,
        program.value_and_grad,
        lambda X, threads: predict(model, X, threads=threads),
    ):
        with pytest.raises(ValueError, match="threads is a number of threads, at least 1, not"):
            call(data, threads=threads)


@pytest.mark.parametrize("data", [DATA, DATA.tolist(), DATA[0]])
@pytest.mark.parametrize("threads", [2, np.int64(2), np.uint8(7), 2**31, 2**100])
def test_any_integer_from_one_on_is_a_number_of_threads(data: Any, threads: Any) -> None:
    program = two_inputs()
    assert np.array_equal(program(data, threads=threads), program(data))
    assert program.value_and_grad(data, threads=threads) == program.value_and_grad(data)


def shifted(array: Any) -> Any:
    """The same numbers where no double is aligned."""
    return np.frombuffer(b"\0" + array.tobytes(), dtype=float, offset=1).reshape(array.shape)


def of_a_structure(array: Any) -> Any:
    table = np.zeros(len(array), dtype=[("flag", "i1"), ("x", float, array.shape[1:])])
    table["x"] = array
    return table["x"]


def of_a_pickle(array: Any) -> Any:
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(array, protocol=5, buffer_callback=buffers.append)
    padded = memoryview(b"\0" + bytes(buffers[0]))[1:]
    return pickle.loads(content, buffers=[padded])


@pytest.mark.parametrize("moved", [shifted, of_a_structure, of_a_pickle])
def test_arrays_that_are_not_aligned_will_do(moved: Callable[[Any], Any]) -> None:
    data = moved(DATA)
    assert not data.flags.aligned
    program = two_inputs()
    assert program(data).tolist() == program(DATA).tolist()
    assert program.value_and_grad(data) == program.value_and_grad(DATA)
    w = np.array([2.0])
    assert program(DATA, moved(w)).tolist() == program(DATA, w).tolist()
    assert program(moved(DATA[0])) == program(DATA[0])
    model, other = network(), network()
    assert predict(model, data).tolist() == predict(model, DATA).tolist()
    for each, X in ((model, data), (other, DATA)):
        fit(
            each,
            X,
            moved(np.array([0.5, 1.0])),
            loss="sum_of_squares",
            optimizer=SGD(lr=0.1),
            epochs=2,
            progress=False,
        )
    assert [p.data for p in model.parameters()] == [p.data for p in other.parameters()]


def test_masked_arrays_are_refused() -> None:
    masked = np.ma.masked_equal(DATA, 2.0)
    program, model = two_inputs(), network()
    rest: dict[str, Any] = {
        "loss": "sum_of_squares",
        "optimizer": SGD(lr=0.1),
        "progress": False,
    }
    for call in (
        lambda: program(masked),
        lambda: program([*masked]),
        lambda: program(DATA, masked[0, :1]),
        lambda: program.value_and_grad(masked[0]),
        lambda: predict(model, masked),
        lambda: fit(model, masked, [0.0, 1.0], **rest),
        lambda: fit(model, DATA, masked[:, 0], **rest),
        lambda: fit(model, DATA, [0.0, 1.0], validation=(masked, [0.0, 1.0]), **rest),
    ):
        with pytest.raises(TypeError, match=r"masked array.*\.filled\(.*\.compressed\(\)"):
            call()


@pytest.mark.parametrize("executor", [Executor, Interpreter])
def test_an_executor_takes_plain_arrays_only(executor: Any) -> None:
    run = executor(two_inputs()._forward).run
    assert run(np.ma.masked_equal(DATA, 2.0), np.ones(1)) is None
    assert run(memoryview(DATA), np.ones(1)) is None


def test_matrices_and_memory_that_is_no_array_will_do() -> None:
    program = two_inputs()
    for data in (DATA.view(np.recarray), memoryview(DATA)):
        assert program(data).tolist() == program(DATA).tolist()


def test_an_array_however_it_has_its_numbers_in_memory_gives_the_same() -> None:
    program, memory = two_inputs(), bytearray(8 * DATA.size + 1)
    odd = np.frombuffer(memory, float, offset=1).reshape(DATA.shape)
    odd[:] = DATA
    described = DATA.astype(np.dtype(float, metadata={"unit": "m"}))
    wide = np.repeat(DATA, 2, axis=1)
    for data in (odd, described, DATA.astype(">f8"), np.asfortranarray(DATA), wide[:, ::2]):
        assert program(data, [2.0]).tolist() == program(DATA, [2.0]).tolist()
        assert program(data[0], [2.0]) == program(DATA[0], [2.0])


def test_a_row_of_a_frame_and_a_table_of_arrow_go_by_their_names_too() -> None:
    pandas = pytest.importorskip("pandas")
    program = two_inputs()
    row = pandas.Series({"y": 2.0, "other": 5.0, "x": 1.0})
    assert program(row) == program(DATA[0]) == 5.0
    assert program.value_and_grad(row) == program.value_and_grad(DATA[0])
    assert program(pandas.Series([1.0, 2.0])) == 5.0  # without their names by their order
    x, w, v = Value(1.0, label="x"), Value(2.0, label="w"), Value(3.0, label="v")
    line = Program(w * x + v, inputs=[x], parameters=[w, v])
    assert line([10.0], pandas.Series({"v": 1.0, "w": 2.0})) == 21.0
    arrow = pytest.importorskip("pyarrow")
    assert program(arrow.table({"y": [2.0, 4.0], "x": [1.0, 3.0]})).tolist() == [5.0, 13.0]


@pytest.mark.parametrize(
    "kind", [object, [[2**70, True], [Fraction(1, 2), Decimal(3)]], "Int64", "boolean"]
)
def test_real_numbers_of_several_types_will_do(kind: Any) -> None:
    program = two_inputs()
    data = kind
    if kind is object:
        data = DATA.astype(object)
    elif isinstance(kind, str):
        pandas = pytest.importorskip("pandas")
        data = pandas.DataFrame({"x": pandas.array([1, 0], kind), "y": [2.0, 4.0]})
    plain = [[*map(float, row)] for row in np.asarray(data)]
    assert program(data).tolist() == program(plain).tolist()
    assert program.value_and_grad(data) == program.value_and_grad(plain)
    with pytest.raises(TypeError, match="real numbers, not of the type object"):
        program([[1.0, Value(1.0)]])
    with pytest.raises(OverflowError, match="beyond the largest float"):
        program([10**400, 1])


@pytest.mark.parametrize("of", [Program.__call__, Program.value_and_grad])
def test_columns_of_a_frame_are_taken_by_the_labels_of_the_inputs(of: Callable[..., Any]) -> None:
    pandas = pytest.importorskip("pandas")
    program = two_inputs()
    frame = pandas.DataFrame({"y": DATA[:, 1], "other": [5.0, 6.0], "x": DATA[:, 0]})
    assert np.array_equal(np.hstack(of(program, frame)), np.hstack(of(program, DATA)))
    others = pandas.DataFrame(DATA, columns=["a", "y"])  # not all of them: by their order
    assert np.array_equal(np.hstack(of(program, others)), np.hstack(of(program, DATA)))


def test_a_program_without_inputs_takes_no_columns() -> None:
    pandas = pytest.importorskip("pandas")
    w = Value(2.0, label="w")
    with pytest.raises(ValueError, match="shape"):
        Program(w * w, [], [w])(pandas.DataFrame({"a": [1.0, 2.0]}))
