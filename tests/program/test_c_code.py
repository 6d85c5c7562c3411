"""The C of a Program: it compiles without a warning, and computes what the Program does."""

import ctypes
import math
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_bp as m
from micrograd_bp import (
    MLP,
    Program,
    Value,
    allow_nonfinite,
    dot,
    logsumexp,
    softmax,
    where,
)
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.losses import cross_entropy, sum_of_squares
from micrograd_bp.testing.strategies import graphs

CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
compiled = pytest.mark.skipif(CC is None, reason="there is no C compiler")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-shared", "-fPIC"]


class Compiled:
    """The two functions of a file of C."""

    def __init__(self, program: Program, folder: Path, **options: Any) -> None:
        self.text = program.c_code(**options)
        (folder / "network.c").write_text(self.text)
        library = folder / f"network{len(list(folder.iterdir()))}.so"
        command = [CC, *FLAGS, str(folder / "network.c"), "-o", str(library), "-lm"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        self._library = ctypes.CDLL(str(library))
        self._baked = options.get("weights", False)

    def _arguments(self, X: Any, w: Any) -> list[Any]:
        arrays = [np.ascontiguousarray(X, float), *([] if self._baked else [np.array(w, float)])]
        self._kept = arrays
        used = [array for array in arrays if array is arrays[0] or array.size]
        return [ctypes.c_size_t(len(X)), *(ctypes.c_void_p(a.ctypes.data) for a in used)]

    def value(self, X: Any, w: Sequence[float] = (), n_outputs: int = 1) -> Any:
        out = np.full((len(X), n_outputs), 7.0)
        self._library.network_value(*self._arguments(X, w), ctypes.c_void_p(out.ctypes.data))
        return out

    def value_and_grad(self, X: Any, w: Sequence[float], n: int | None = None) -> Any:
        function, out = self._library.network_value_and_grad, np.full(n or len(w), 7.0)
        function.restype = ctypes.c_double
        return function(*self._arguments(X, w), ctypes.c_void_p(out.ctypes.data)), out


# Each function of the table

NUMBERS = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, math.inf, -math.inf, math.nan),
    *(s * x for x in np.geomspace(1e-300, 1e300, 41).tolist() for s in (1, -1)),
    *(s * x for x in np.linspace(0.01, 42.0, 60).tolist() for s in (1, -1)),
    *(1 + 1e-9, 1 - 1e-9, 5e-324, -5e-324, 690.5, -690.5, 709.0, -709.0, -745.0),
]
PAIRS = [*product(NUMBERS[:9] + NUMBERS[9:140:7], repeat=2)]
ORDERS = {
    "divide_by_power": [(1,), (2,), (5,)],
    "power_partial": [(1, 0), (0, 1), (2, 0)],
    "constant_power": [(2.0,), (-1.0,), (0.5,), (1.5,), (3.0,)],
    "constant_power_derivative": [(0.5, 1), (-1.0, 2), (2.5, 1), (3.0, 1)],
    "gauss": [(0,), (1,), (3,)],
    "normal": [(0,), (1,), (2,)],
    "leaky_relu": [(0.01,)],
    "leaky_step": [(0.01,)],
    "elu": [(1.0,), (0.5,)],
    "elu_tail": [(0.5,)],
    "softsign_derivative": [(2,), (3,)],
    "clip": [(-1.0, 1.0)],
    "within": [(-1.0, 1.0)],
    "inverse_power": [(1, 0), (1, 3), (2, 0), (2, 1)],
    "round": [(0.0,)],
    "polygamma": [(1,), (2,), (5,)],
    "hypot_moment": [(0, 2, 3), (1, 1, 3), (1, 2, 5)],
}
ONE, TWO, MANY = (
    [f for f in FUNCTIONS.values() if f.operands == n and f.key != "constant"] for n in (1, 2, None)
)
WITHOUT_C = {"softmax"}  # which Programs make of others


def calls(functions_: Sequence[Function], operands: Sequence[Any]) -> list[tuple[Any, Any, Value]]:
    with allow_nonfinite():
        return [
            (function, fixed, function(*operands, *fixed))
            for function in functions_
            for fixed in ORDERS.get(function.key, [()] if not function.parameters else [])
        ]


def ulps(found: float, right: float) -> float:
    if found == right or (math.isnan(found) and math.isnan(right)):
        return 0.0
    if not (math.isfinite(found) and math.isfinite(right)):
        return math.inf
    return abs(found - right) / math.ulp(right)


@compiled
@pytest.mark.parametrize(("table", "points"), [(ONE, [(x,) for x in NUMBERS]), (TWO, PAIRS)])
def test_each_function_is_that_of_the_table(table, points, tmp_path) -> None:
    inputs = [Value(0.5), Value(0.25)][: len(points[0])]
    made = calls(table, inputs)
    assert {function.key for function, _, _ in made} >= {f.key for f in table if not f.parameters}
    program = Compiled(Program([node for _, _, node in made], inputs=inputs), tmp_path)
    found = program.value(points, n_outputs=len(made))
    for k, (function, fixed, _) in enumerate(made):
        for numbers, got in zip(points, found[:, k].tolist(), strict=True):
            right = function.value(*numbers, *fixed)
            cancels = function.key in ("logaddexp", "silu_second_derivative", "power_partial")
            if cancels and abs(got - right) <= 4 * math.ulp(max(map(abs, (*numbers, 1.0)))):
                continue
            assert ulps(got, right) <= 6.0, (function.key, fixed, numbers, got, right)


ROOTS = [1.4616321449683622, 1.4616321449683625, 1.0 + 2.0**-52, 2.0 - 2.0**-52]
ROOTS += [-2.457024738220801, -3.1435808883499798, -5.0086818069243075, -0.504083008264455]


@compiled
def test_next_to_their_roots_lgamma_and_digamma_keep_most_of_their_digits(tmp_path) -> None:
    x = Value(0.5)
    program = Compiled(Program([m.lgamma(x), m.digamma(x)], inputs=[x]), tmp_path)
    for at, found in zip(ROOTS, program.value([[at] for at in ROOTS], n_outputs=2), strict=True):
        for name, got in zip(("lgamma", "digamma"), found.tolist(), strict=True):
            assert math.isclose(got, FUNCTIONS[name].value(at), rel_tol=1e-12), (name, at)


@compiled
def test_functions_of_many_are_those_of_the_table(tmp_path) -> None:
    inputs = [Value(0.1 * i) for i in range(5)]
    made = [f for f in MANY if f.key not in (*WITHOUT_C, "dot")]
    program = Compiled(Program([f(*inputs) for f in made], inputs=inputs), tmp_path)
    rows = [[*row] for row in product([1e16, 1.0, -1e16, 3e-17, 0.1], repeat=5)][::7]
    rows += [[1e308, 1e308, -1e308, 1, 1], [1e308, 1e308, 1e308, -1e308, -1e308]]
    rows += [[math.nan, 1, 2, 3, 4], [math.inf, 1, 2, 3, 4], [-math.inf, 1, 2, 3, 4]]
    for row, found in zip(rows, program.value(rows, n_outputs=len(made)).tolist(), strict=True):
        for function, got in zip(made, found, strict=True):
            assert ulps(got, function.value(*map(float, row))) <= 2.0, (function.key, row)


# Whole programs


def close(found: Any, right: Any, scale: float = 1.0) -> bool:
    return bool(np.allclose(found, right, rtol=1e-12, atol=1e-12 * scale, equal_nan=True))


def network(sizes: Sequence[int], loss: Any = sum_of_squares, **options: Any) -> Program:
    model = MLP(sizes[0], sizes[1:], seed=1, **options)
    x = [Value(0.1 * i, f"x_{i + 1}") for i in range(sizes[0])]
    t = [Value(1.0 / sizes[-1], f"t_{k + 1}") for k in range(sizes[-1])]
    error = loss(model(x), t if sizes[-1] > 1 else t[0])
    return Program(error, inputs=[*x, *t], parameters=model.parameters())


@compiled
@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((2, 3, 1), {"hidden": "sigmoid"}),
        ((2, 16, 16, 1), {"hidden": "relu"}),
        ((3, 5, 4), {"hidden": "tanh", "loss": cross_entropy}),
        ((1, 1), {}),
        ((4, 7, 2), {"hidden": "gelu"}),
    ],
)
def test_a_network_and_its_gradient(sizes, options, tmp_path) -> None:
    program = network(sizes, **options)
    code = Compiled(program, tmp_path)
    random = np.random.default_rng(0)
    n_parameters = len(program._recorded)
    X = random.normal(size=(17, sizes[0] + sizes[-1]))
    X[:, sizes[0] :] = abs(X[:, sizes[0] :]) / abs(X[:, sizes[0] :]).sum(1, keepdims=True)
    w = random.normal(size=n_parameters)
    value, slopes = program.value_and_grad(X, w)
    found, found_slopes = code.value_and_grad(X, w)
    assert close(found, value)
    assert close(found_slopes, slopes, scale=max(abs(slopes)))
    assert close(code.value(X, w)[:, 0], program(X, w))
    nothing, zeros = code.value_and_grad(X[:0], w)
    assert nothing == 0.0
    assert not zeros.any()


@compiled
def test_baked_weights_are_those_recorded(tmp_path) -> None:
    program = network((2, 3, 1), hidden="tanh")
    X = np.random.default_rng(0).normal(size=(5, 3))
    code = Compiled(program, tmp_path, weights=True)
    assert "*parameters" not in code.text
    assert close(code.value(X)[:, 0], program(X))
    value, slopes = program.value_and_grad(X)
    found, found_slopes = code.value_and_grad(X, (), n=len(slopes))
    assert close(found, value)
    assert close(found_slopes, slopes)


@compiled
@settings(max_examples=max(5, settings.default.max_examples // 6))
@given(drawn=graphs(), seed=st.integers(0, 99))
def test_a_random_graph(drawn, seed, tmp_path_factory) -> None:
    evaluation = drawn.evaluate()
    leaves, root = evaluation.inputs, evaluation.root
    half = len(leaves) // 2
    program = Program(root, inputs=leaves[:half], parameters=leaves[half:])
    code = Compiled(program, tmp_path_factory.mktemp("c"))
    x = np.array([[leaf.data for leaf in leaves[:half]]] * 3).reshape(3, half)
    w = [leaf.data for leaf in leaves[half:]]
    expected = program(x, w, errors="ignore")
    assert close(code.value(x, w)[:, 0], expected, scale=abs(root.data))
    if w:
        value, slopes = program.value_and_grad(x, w, errors="ignore")
        found, found_slopes = code.value_and_grad(x, w)
        finite = np.isfinite(slopes)
        assert close(found, value, scale=abs(root.data))
        scale = max(abs(slopes[finite]), default=1.0)
        assert close(found_slopes[finite], slopes[finite], scale=max(scale, abs(root.data)))


@compiled
@pytest.mark.parametrize(
    "build",
    [
        lambda x, w: where(m.step(x), w * m.log(x), w * x),
        lambda x, w: where(m.step(x), m.sqrt(w * w * x), 2.0 * w),
    ],
)
def test_a_branch_of_where_that_is_not_taken_contributes_nothing(build, tmp_path) -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    program = Program(build(x, w), inputs=[x], parameters=[w])
    code = Compiled(program, tmp_path)
    for point in ([[-1.0]], [[0.0]], [[1.0]]):
        value, slopes = program.value_and_grad(point, [0.25])
        assert math.isfinite(slopes[0])
        assert code.value_and_grad(point, [0.25]) == (value, pytest.approx(slopes, rel=1e-12))


INFINITE = [
    lambda x, w: m.relu(w * m.exp(x)),
    lambda x, w: m.maximum(w * x**3, 0.0),
    lambda x, w: m.minimum(w * x**3, w) * w,
    lambda x, w: m.clip(w * m.sinh(x), -1.0, 1.0),
    lambda x, w: m.relu(dot([w, w], [x, m.exp(x)], w)),
    lambda x, w: m.leaky_relu(w * x * x, 0.0) + m.leaky_relu(w * x, 0.25),
    lambda x, w: where(m.step(w * x), w * x, w),
    lambda x, w: where(x, w, w * x),
    lambda x, w: m.relu(w * x) + m.relu(w * x - 1.0),
    lambda x, w: w * m.relu(w * m.relu(m.relu(w * x) - x)),
    lambda x, w: (w * x) ** 0,
    lambda x, w: m.sqrt(m.step(w) / x),
    # of these some are undetermined: 0 times infinity
    lambda x, w: m.relu(m.cbrt(w * x)),
    lambda x, w: m.cbrt(w * x) ** 4,
    lambda x, w: m.cos(m.sqrt(w * w)) * x,
    lambda x, w: (w * x) ** 2 * m.tanh(w * x),
    lambda x, w: where(x, m.cbrt(w) ** 4, 0.0),
]


@compiled
@pytest.mark.filterwarnings("ignore:.*graph of the outputs")
@pytest.mark.parametrize("build", INFINITE)
def test_infinities_and_poles_are_shut_out_as_the_engine_does(build, tmp_path) -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    program = Program(build(x, w), inputs=[x], parameters=[w])
    code = Compiled(program, tmp_path)
    for number in (math.inf, -math.inf, 1e308, -1e308, 800.0, -800.0, 0.5, -0.5, 0.0, math.nan):
        for weight in (0.25, -0.25, 0.0, math.inf):
            value, slopes = program.value_and_grad([[number]], [weight], errors="ignore")
            found, found_slopes = code.value_and_grad([[number]], [weight])
            assert close(found, value)
            assert close(found_slopes, slopes) or not math.isfinite(value), (number, weight)


@compiled
@pytest.mark.parametrize("sizes", [(2, 4, 1), (2, 3, 3, 2, 1)])
def test_units_that_are_shut_take_no_part_at_infinite_inputs(sizes, tmp_path) -> None:
    program = network(sizes)
    code, rng = Compiled(program, tmp_path), np.random.default_rng(0)
    n_finite = 0
    for _ in range(300):
        w = rng.normal(size=len(program._recorded))
        X = [[*rng.choice([math.inf, -math.inf, 1.0, -2.0, 0.0], size=2), 0.5]]
        value, slopes = program.value_and_grad(X, w)
        found, found_slopes = code.value_and_grad(X, w)
        assert close(found, value)
        if math.isfinite(value):
            n_finite += not np.isfinite(X).all()
            assert close(found_slopes, slopes)
    assert n_finite > 4


@compiled
@pytest.mark.filterwarnings("ignore:.*graph of the outputs", "ignore:the outputs were not")
def test_odd_programs(tmp_path) -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    for output, inputs, parameters in (
        (w * w, [], [w]),
        (x * x, [x], []),
        (Value(5.0) * 1.0, [], []),
        (x, [x], [w]),
        (where(x, w, 2.0), [x], [w]),
        (dot([w] * 40, [x] * 40), [x], [w]),
        (softmax([x, w, x * w])[1] + logsumexp([x, w, 1.0]), [x], [w]),
    ):
        program = Program(output, inputs=inputs, parameters=parameters)
        code = Compiled(program, tmp_path)
        X = np.array([[0.5]] * 3)[:, : len(inputs)]
        assert close(code.value(X, [3.0] * len(parameters))[:, 0], program(X))
        if parameters:
            alone = Compiled(program, tmp_path, weights=True)
            assert close(alone.value(X)[:, 0], program(X))
    several = Program([x + w, x * w], inputs=[x], parameters=[w])
    code = Compiled(several, tmp_path)
    assert "value_and_grad" not in code.text
    assert close(code.value([[1.5], [2.5]], [3.0], n_outputs=2), several([[1.5], [2.5]], [3.0]))


@compiled
def test_a_label_cannot_leave_its_comment(tmp_path) -> None:
    label = '*/ int main(void) { return 1; } /* "\\ \n ??/ \u03b4 //'
    x = Value(2.0, label)
    y = (x * x).sin()
    y.label = label
    code = Compiled(Program(y, inputs=[x]), tmp_path)
    assert close(code.value([[2.0]]), [[math.sin(4.0)]])
    for comment in re.findall(r"/\*(.*?)\*/", code.text, re.DOTALL):
        assert "/*" not in comment
    assert "main(void)" not in re.sub(r"/\*.*?\*/", "", code.text, flags=re.DOTALL)


def test_a_name_that_is_none_in_c_is_refused() -> None:
    program = network((1, 1))
    for name in ("", "2d", "my net", "x;y", "été"):
        with pytest.raises(ValueError, match=r"of letters, digits and _.*not"):
            program.c_code(name)
    with pytest.raises(TypeError, match="is a string"):
        program.c_code(3)  # type: ignore[arg-type]
    assert "void bishop_value(" in program.c_code("bishop")


def test_it_is_the_same_each_time_and_says_what_goes_in() -> None:
    program = network((2, 3, 1), hidden="tanh")
    text = program.c_code("line")
    assert text == program.c_code("line")
    assert "inputs      n rows of 3 (x_1, x_2, t_1)" in text
    assert "double line_value_and_grad(" in text
    assert text.count("static double sech2(") == 1
    assert "gelu" not in text


@pytest.mark.filterwarnings("ignore:.*graph of the outputs")
def test_every_public_function_has_a_form_in_c() -> None:
    x = [Value(0.5), Value(0.25), Value(0.75)]
    for function in FUNCTIONS.values():
        fixed = ORDERS.get(function.key, function.tried)[0]
        operands = x[: function.operands] if function.operands else x
        make: Callable[..., Any] = function
        with allow_nonfinite():
            node = make(*operands, *fixed)
        assert Program([node], inputs=x).c_code()


def test_a_function_of_ones_own_has_none() -> None:
    x = Value(0.5, "x")
    double = m.function(lambda x: 2.0 * x, lambda x: 2.0, name="double")
    with pytest.raises(ValueError, match="double is a function of your own, and has no form in C"):
        Program(double(x), inputs=[x]).c_code()


@pytest.mark.parametrize("save", [Program.c_code, pickle.dumps])
def test_a_derivative_of_an_order_beyond_what_c_has_room_for_is_refused(save: Any) -> None:
    x = Value(1.3)
    for order in (100, 101):
        for key, fixed in (("polygamma", (order,)), ("power_partial", (0, order))):
            function: Any = FUNCTIONS[key]
            program = Program(function(*[x] * (function.operands or 1), *fixed), [x])
            assert math.isfinite(program([1.3]))
            if order > 100:
                with pytest.raises(ValueError, match="an order should be from 0 to 100, not 101"):
                    save(program)
            else:
                assert save(program)


@compiled
def test_elementary_functions_write_nothing_past_their_room(tmp_path) -> None:
    x = Value(0.3)
    polygamma: Any = FUNCTIONS["polygamma"]
    text = Program(polygamma(x, 100), [x]).c_code()
    library = tmp_path / "network.so"
    (tmp_path / "network.c").write_text(text.replace(", 100)", ", 102)"))
    command = [CC, *FLAGS, str(tmp_path / "network.c"), "-o", str(library), "-lm"]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    found = ctypes.c_double()
    ctypes.CDLL(str(library)).network_value(
        ctypes.c_size_t(1), ctypes.byref(ctypes.c_double(0.3)), ctypes.byref(found)
    )
    assert math.isnan(found.value)


def test_layers_are_loops() -> None:
    text = network((2, 16, 16, 1), hidden="tanh").c_code()
    assert len(text.splitlines()) < 120
    assert "for (int j = 0; j < 16; j++)" in text
