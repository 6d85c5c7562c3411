"""The tools that check gradients: finite differences, gradcheck, check_graph, random graphs."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, example, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from micrograd.engine import Value as MicrogradValue
from own_process import run_python

import micrograd_bp
from micrograd_bp import (
    Value,
    cos,
    engine,
    exp,
    floor,
    function,
    functions,
    log,
    maximum,
    relu,
    softplus,
    sqrt,
    square,
    tanh,
)
from micrograd_bp.testing import (
    OPERATIONS,
    GradientError,
    GraphProgram,
    Mismatch,
    NetworkProgram,
    Report,
    Step,
    check_graph,
    finite_difference,
    gradcheck,
    graphs,
    networks,
    pinned,
    well_conditioned_floats,
)
from micrograd_bp.testing.optional import optional
from micrograd_bp.testing.programs import OPERANDS
from micrograd_bp.transforms import recorded_call

MICROGRAD_HAS = ("add", "mul", "sub", "neg", "div", "constant_power", "relu")


def wrong_square(x: Value, slope: float) -> Value:
    """x * x with a derivative of its own: a constant factor on a detached rest."""
    return x * x + (slope - 1.0) * (x * (2.0 * x.data) - (x * (2.0 * x.data)).data)


# Finite differences


@given(well_conditioned_floats())
def test_ridders_is_within_its_error_estimate(x: float) -> None:
    for f, slope in ((math.sin, math.cos(x)), (math.tanh, 1.0 / math.cosh(x) ** 2)):
        value, error = finite_difference(f, x, "ridders")
        assert abs(value - slope) <= 10.0 * error
        assert error < 1e-6


def test_differences_come_in_the_structure_of_the_argument() -> None:
    def f(p: Any) -> Any:
        return p["w"][0] ** 2 + 3 * p["w"][1] + p["b"]

    slopes = finite_difference(f, {"w": (2.0, 5.0), "b": 1.0})
    assert set(slopes) == {"w", "b"}
    assert slopes["w"] == pytest.approx((4.0, 3.0), abs=1e-8)
    exact = finite_difference(f, {"w": (2.0, 5.0), "b": 1.0}, "mpmath")
    assert [float(slope) for slope in (*exact["w"], exact["b"])] == [4.0, 3.0, 1.0]


@pytest.mark.parametrize("number", [np.float64, np.float32, np.array, float])
def test_functions_of_numpy_have_differences(number: Any) -> None:
    assert finite_difference(lambda x: number(2.0 * x), 1.0) == pytest.approx(2.0, rel=1e-2)


def test_differences_in_high_precision_need_functions_of_mpmath() -> None:
    mpmath = pytest.importorskip("mpmath")
    for f in (math.sin, tanh, lambda x: float(x) ** 2):
        with pytest.raises(TypeError, match=r"with \"mpmath\" f needs the functions of mpmath"):
            finite_difference(f, 1.0, "mpmath")
    assert finite_difference(lambda x: max(x, 0.0), -1.0, "mpmath") == 0.0
    assert finite_difference(lambda x: 3.0, 1.0, "mpmath") == 0.0
    assert finite_difference(lambda x: max(x, 0), 0.0, "mpmath") == 0.5
    assert finite_difference(lambda x: min(x, 0.0), 0.0, "mpmath") == 0.5
    with pytest.raises(TypeError, match=r"f gives 0\.84\d+ \(float\) of mpmath's numbers"):
        finite_difference(math.sin, 1.0, "mpmath")
    assert float(finite_difference(mpmath.sin, 1.0, "mpmath")) == pytest.approx(math.cos(1.0))


def test_ridders_finds_a_step_inside_the_domain() -> None:
    value, error = finite_difference(math.log, 1e-5, "ridders")
    assert abs(value - 1e5) <= 10.0 * error < 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: finite_difference(math.sin, 1.0, "magic"), "'magic'"),  # type: ignore[arg-type]
        (lambda: finite_difference(math.sin, 1.0, step=0.0), "step is above 0, not 0.0"),
        (lambda: finite_difference(lambda x: "a", 1.0), "gives one number or Value"),
        (lambda: graphs(["sine"]), "no operation is called 'sine'"),
        (lambda: networks(activations=["sine"]), "no activation is called 'sine'"),
        (lambda: well_conditioned_floats(smallest=0.0), "smallest=0.0"),
    ],
)
def test_errors_show_the_value(call: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()


# gradcheck


@given(graphs())
def test_gradcheck_accepts_every_random_graph_and_sees_a_small_error(program: GraphProgram) -> None:
    def f(*xs: Value) -> Any:
        leaves = iter(xs)
        return program.evaluate(lambda _: next(leaves)).root

    assert gradcheck(f, *program.inputs)


def test_gradcheck_says_which_input_is_wrong_and_by_how_much() -> None:
    report = gradcheck(
        lambda w: w[0] * w[1] + wrong_square(w[1], 1.0 + 1e-6), [3.0, 2.0], raise_on_failure=False
    )
    assert not report
    (mismatch,) = report.mismatches
    assert mismatch.what == "d f / d input 0[1]"
    assert mismatch.expected == pytest.approx(7.0, abs=1e-8)
    assert mismatch.got == pytest.approx(7.000004, abs=1e-9)
    assert "off by 4e-06" in str(report)
    with pytest.raises(GradientError, match="d f / d input 0"):
        gradcheck(lambda x: wrong_square(x, 1.1), 3.0)


def test_gradcheck_checks_each_output() -> None:
    report = gradcheck(lambda x: {"y": [x * x, tanh(x)]}, 0.5)
    assert report.checked == 2
    with pytest.raises(GradientError, match=r"d f\['y'\]\[1\]"):
        gradcheck(lambda x: {"y": [x * x, wrong_square(x, 0.9)]}, 0.5)


def test_gradcheck_compares_the_forward_mode_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def dropping_a_millionth(*graph_and_seeds: Any) -> list[float]:
        swept, back = engine.sweep(*graph_and_seeds), graph_and_seeds[-1]
        return swept if back else [number * (1.0 - 1e-6) for number in swept]

    monkeypatch.setattr(recorded_call, "sweep", dropping_a_millionth)
    report = gradcheck(lambda w, x: [w * x, w], 3.0, 2.0, raise_on_failure=False)
    assert [mismatch.what for mismatch in report.mismatches] == [
        "d f[0] / d input 0, by the forward mode",
        "d f[0] / d input 1, by the forward mode",
        "d f[1] / d input 0, by the forward mode",
    ]
    assert report.mismatches[0].got == pytest.approx(2.0 - 2e-6, abs=1e-12)


def test_infinite_derivatives_of_both_modes_are_the_same() -> None:
    with micrograd_bp.allow_nonfinite():
        report = gradcheck(sqrt, 0.0)
    assert report.checked == 0
    assert "not checked: the differences beside 0.0 grow" in report.notes[0]


def test_a_report_of_what_is_wrong_never_says_that_none_is() -> None:
    report = Report("f", 0, (Mismatch("d f / d x", math.inf, math.nan, math.inf),))
    assert str(report).startswith("f: 0 compared, 1 wrong\n")


@pytest.mark.parametrize("distance", [0.0, 1e-15, 1e-9])
def test_gradcheck_names_a_kink_instead_of_failing(distance: float) -> None:
    report = gradcheck(lambda x: relu(x - 1.0) + 2.0 * x, 1.0 - distance)
    assert report
    assert all("a kink within" in note for note in report.notes)
    assert distance > 0.0 or report.notes


def test_a_slope_outside_those_of_the_kink_fails() -> None:
    with pytest.raises(GradientError):
        gradcheck(lambda x: relu(x) + wrong_square(x + 1.0, 3.0), 0.0)


def test_gradcheck_compares_at_the_edge_of_a_domain() -> None:
    report = gradcheck(lambda x: x**2.5, 0.0)
    assert "defined to the right of 0.0 only" in report.notes[0]


@pytest.mark.parametrize(
    ("f", "words"),
    [(lambda w, x: w * x, "missing 1 required positional argument"), (lambda x: x * x, "multiply")],
)
def test_gradcheck_says_what_the_arguments_are_where_f_does_not_take_a_list(
    f: Any, words: str
) -> None:
    with pytest.raises(TypeError, match=f"{words}.*each argument of gradcheck after f") as raised:
        gradcheck(f, [1.0, 2.0])
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.parametrize("x", [1.0, Value(1.0)])
def test_gradcheck_leaves_the_type_error_of_a_function_of_numbers_alone(x: Any) -> None:
    with pytest.raises(TypeError, match="plain number") as raised:
        gradcheck(lambda x: x * math.exp(x), x)
    assert "gradcheck" not in str(raised.value)


def test_gradcheck_needs_values() -> None:
    with pytest.raises(TypeError, match=r"gives Values; it gave 3\.0"):
        gradcheck(lambda x: 3.0, 1.0)


# check_graph


QUICK = [name for name in OPERATIONS if name != "lgamma"]  # whose slope takes mpmath a second


@pytest.mark.parametrize("names", [QUICK, pytest.param(OPERATIONS, marks=pytest.mark.slow)])
@given(data=st.data())
def test_check_graph_accepts_every_random_graph(names: list[str], data: st.DataObject) -> None:
    assert check_graph(data.draw(graphs(names)).evaluate().root)


@given(networks())
def test_check_graph_accepts_every_network(program: NetworkProgram) -> None:
    assert check_graph(program.evaluate().root)


def test_check_graph_leaves_every_grad_as_it_was() -> None:
    x = Value(2.0)
    y = x * x
    y.backward()
    check_graph(y)
    assert (x.grad, y.grad) == (4.0, 1.0)


def test_check_graph_sees_an_error_of_1e_10(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Value(2.0, label="x").sqrt() + 1.0
    right = pinned._backward

    def wrong(order: Any) -> list[float]:
        return [grad * (1.0 + 1e-10) for grad in right(order)]

    assert check_graph(root)
    monkeypatch.setattr(pinned, "_backward", wrong)
    with pytest.raises(GradientError, match=r"gradient of 'x'.*1e-10 of it"):
        check_graph(root)


def test_check_graph_notices_data_written_after_the_forward_pass() -> None:
    x = Value(3.0, label="x")
    y = x * 0.0
    x.data = 5.0
    with pytest.raises(GradientError, match="was written after the forward pass"):
        check_graph(y)


@pytest.mark.parametrize(
    "root",
    [
        lambda: relu(Value(0.0)) * 3.0,
        lambda: micrograd_bp.maximum(Value(1.0), Value(1.0)),
        lambda: micrograd_bp.hypot(Value(0.0), Value(0.0)),
        lambda: Value(0.0) ** 1.5,
        lambda: micrograd_bp.where(Value(0.0), Value(1.0), Value(2.0)),
        lambda: Value(0.0).sqrt() * 0.0,
        lambda: Value(2.5).floor() + Value(3.0).floor(),
    ],
)
def test_a_convention_is_noted_and_no_failure(root: Any) -> None:
    report = check_graph(root())
    assert any("is a convention" in n or "are a convention" in n for n in report.notes)


@pytest.mark.parametrize(
    "root",
    [
        lambda: Value(40.0).tanh() + 1.0,  # 1 - 7e-35
        lambda: Value(20.0).erf(),
        lambda: (Value(1e200) * 1e-200).exp() * 1e90,
        lambda: Value(1e-310).sqrt(),
        lambda: (Value(0.1) + 0.2) - 0.3,  # what is left is all rounding error
        lambda: Value(-700.0).exp() * 1e-10,  # the gradient is subnormal
    ],
)
def test_saturation_cancellation_and_extreme_sizes_are_no_failure(root: Any) -> None:
    assert check_graph(root())


def test_check_graph_covers_the_derivatives_that_rules_reach() -> None:
    for name, n_operands in OPERANDS.items():
        function = functions.FUNCTIONS[name]
        if function.parameters == 0:
            values = [Value(1.7 if name == "acosh" else 0.3 + 0.4 * i) for i in range(n_operands)]
            for slope in function.partials(*values):
                if isinstance(slope, Value):
                    assert check_graph(slope), name


def test_check_graph_needs_finite_data() -> None:
    with pytest.raises(ValueError, match=r"inf"):
        check_graph(Value(math.inf) * 2.0)


# Random graphs


@given(graphs())
def test_a_program_prints_as_code_that_rebuilds_it(program: GraphProgram) -> None:
    assert eval(repr(program)) == program
    names = {name: getattr(micrograd_bp, name) for name in micrograd_bp.__all__}
    scope: dict[str, Any] = dict(names)
    exec(str(program), scope)
    assert scope["root"].data == program.evaluate().root.data


@given(graphs())
def test_a_program_gives_the_same_on_floats_and_on_values(program: GraphProgram) -> None:
    assert 1 <= len(program.steps) <= 40
    assert program.evaluate(float).root == program.evaluate(Value).root.data


def test_every_operation_occurs() -> None:
    missing = {*OPERATIONS}

    @settings(max_examples=200, phases=[Phase.generate], database=None, derandomize=True)
    @given(graphs())
    def draw(program: GraphProgram) -> None:
        missing.difference_update(step.name for step in program.steps)

    draw()
    assert not missing


@given(
    st.lists(well_conditioned_floats(), min_size=1),
    st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), max_size=20),
)
def test_any_encoding_is_a_program(inputs: list[float], code: Any) -> None:
    program = GraphProgram.resolve(inputs, code)
    assert len(program.steps) == len(code)


def second_backward_is_wrong(program: GraphProgram, make_leaf: Any) -> bool:
    root, inputs, _ = program.evaluate(make_leaf)
    root.backward()
    once = [x.grad for x in inputs]
    root.backward()
    return [x.grad for x in inputs] != [2.0 * grad for grad in once]


@pytest.mark.slow
def test_the_same_strategy_finds_the_second_backward_fault_of_micrograd() -> None:
    strategy = graphs(MICROGRAD_HAS)
    budget = settings(max_examples=100, database=None, derandomize=True)
    fault = find(strategy, lambda p: second_backward_is_wrong(p, MicrogradValue), settings=budget)
    assert len(fault.steps) <= 2
    with pytest.raises(NoSuchExample):
        find(strategy, lambda p: second_backward_is_wrong(p, Value), settings=budget)


@given(graphs(MICROGRAD_HAS))
def test_micrograd_and_this_engine_agree_on_a_first_backward(program: GraphProgram) -> None:
    theirs, ours = program.evaluate(MicrogradValue), program.evaluate(Value)
    theirs.root.backward()
    ours.root.backward()
    for x, y in zip(theirs.inputs, ours.inputs, strict=True):
        assert x.grad == pytest.approx(y.grad, rel=1e-9, abs=1e-9)


def test_without_the_extra_a_message_says_what_to_install() -> None:
    with pytest.raises(ImportError, match=r"pip install 'micrograd_bp\[testing\]'"):
        optional("a_package_that_nobody_has")
    code = (
        "import sys; sys.modules['hypothesis'] = sys.modules['mpmath'] = None\n"
        "from micrograd_bp.testing import gradcheck\n"
        "print(gradcheck(lambda x: x * x, 3.0))"
    )
    assert "all right" in run_python("-c", code).stdout


def test_a_step_may_be_written_as_a_tuple() -> None:
    assert GraphProgram((2.0,), (Step("square", (0,)),)).evaluate().root.data == 4.0


@pytest.mark.parametrize(
    "f", [abs, lambda x: maximum(x, -x), lambda x: relu(x) + relu(-x) + 3.0 * x]
)
def test_gradcheck_names_a_kink_whose_slopes_have_the_right_mean(f: Any) -> None:
    report = gradcheck(f, 0.0)
    assert report
    (note,) = report.notes
    assert "a kink within" in note


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: floor(x) + x, -14.18387718777236),  # jumps at equal distances, as are the steps
        (square, -0.002876986208893782),
        (lambda x: log(x * x + 1.0), 0.009705652067542581),
        (lambda x: exp(-20.0 * x * x), 4.875797403661553),
    ],
)
def test_gradcheck_believes_a_failure_only_after_steps_of_other_sizes(f: Any, x: float) -> None:
    assert gradcheck(f, x)
    with pytest.raises(GradientError):
        gradcheck(lambda x: f(x) + 1e-5 * (x - x.detach()), x)


@pytest.mark.slow
def test_most_random_graphs_are_large_and_a_failure_is_shown_as_a_few_lines_of_code() -> None:
    sizes: list[int] = []

    @settings(max_examples=200, database=None, derandomize=True)
    @given(graphs())
    def collect(program: GraphProgram) -> None:
        sizes.append(len(program.steps))

    collect()
    assert sorted(sizes)[len(sizes) // 3] >= 8

    @settings(database=None, derandomize=True)
    @given(graphs(["add", "tanh"]))
    def fail(program: GraphProgram) -> None:
        assert "tanh" not in str(program)

    with pytest.raises(AssertionError) as caught:
        fail()
    shown = "\n".join(caught.value.__notes__)
    assert "    x0 = Value(1.0)\n        v1 = x0.tanh()\n        root = v1" in shown
    assert "lambda" not in shown


def test_what_gradcheck_and_graphs_cannot_take_is_told_with_the_way_out() -> None:
    with pytest.raises(
        TypeError, match=r"what gradcheck passes to f .* None \(NoneType\) at \[0\]"
    ):
        gradcheck(lambda x, y: x, None, 1.2)
    with pytest.raises(TypeError, match=r"a function is differentiated, not 3\.0 \(float\)"):
        gradcheck(3.0, 1.0)
    with pytest.raises(TypeError, match="each argument of gradcheck after f is one argument of f"):
        gradcheck(lambda w: w[0], 0.3, 1.2)
    with pytest.raises(TypeError, match=r"gives Values; it gave None \(NoneType\)$"):
        gradcheck(lambda x: None, 1.0)
    with pytest.raises(TypeError, match=r"a list of names, \['add'\], not 'add'"):
        graphs("add")
    with pytest.raises(ValueError, match="not min_operations=5, max_operations=2"):
        graphs(min_operations=5, max_operations=2)


CANCELLING = {
    "exp(r) - 1 - r": lambda r: exp(r) - 1.0 - r,
    "softplus(r) - log 2 - r/2": lambda r: softplus(r) - math.log(2.0) - r / 2.0,
    "sqrt(1 + r) - 1 - r/2": lambda r: sqrt(1.0 + r) - 1.0 - r / 2.0,
    "log(1 + r) - r": lambda r: log(1.0 + r) - r,
    "tanh(r) - r": lambda r: tanh(r) - r,
    "(1 + r)^3 - 1 - 3 r": lambda r: (1.0 + r) ** 3 - 1.0 - 3.0 * r,
    "exp(r) - exp(-r) - 2 r": lambda r: exp(r) - exp(-r) - 2.0 * r,
    "(exp(r) - 1) / r": lambda r: (exp(r) - 1.0) / r,
    "(1 - cos(r)) / r^2": lambda r: (1.0 - cos(r)) / (r * r),
}


@pytest.mark.parametrize("f", CANCELLING.values(), ids=CANCELLING)
@given(exponent=st.floats(-14.0, -0.1), sign=st.sampled_from([-1.0, 1.0]))
@example(exponent=-9.0, sign=1.0)
@example(exponent=-12.0, sign=-1.0)
def test_where_a_function_cancels_its_rounding_is_no_wrong_derivative(f, exponent, sign) -> None:
    report = gradcheck(f, sign * 10.0**exponent)
    assert not report.notes


def wrong_by(share: float, slope: Any) -> Any:
    """A function that adds share * slope(x) to a derivative, and nothing to a value."""

    def fault(x: Value) -> Value:
        return share * slope(x.data) * (x - x.data)

    return fault


@pytest.mark.parametrize("r", [1e-3, 1e-2, -0.5])
def test_a_wrong_derivative_of_a_function_that_cancels_is_seen_above_its_rounding(r) -> None:
    fault = wrong_by(1e-6, math.expm1)
    assert gradcheck(lambda r: exp(r) - 1.0 - r, r)
    assert not gradcheck(lambda r: exp(r) - 1.0 - r + fault(r), r, raise_on_failure=False)


def test_a_function_without_second_derivatives_is_checked_as_before() -> None:
    cube = function(lambda x: x**3, lambda x: 3.0 * float(x) ** 2, name="cube")
    wrong = function(lambda x: x**3, lambda x: 2.0 * float(x) ** 2, name="wrong_cube")
    assert gradcheck(cube, 1.5)
    assert not gradcheck(wrong, 1.5, raise_on_failure=False)
