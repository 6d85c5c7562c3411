"""Where a local derivative is infinite: in every mode the right number, or the same exception."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twin import load_pure

import micrograd_bp as m
from micrograd_bp import Value, allow_nonfinite, functions
from micrograd_bp.poles import Edges
from micrograd_bp.transforms import (
    grad,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    laplacian,
    value_and_grad,
    vjp,
)

Function = Callable[..., Any]


def by_backward(f: Function, xs: list[float]) -> list[float]:
    leaves = [Value(x) for x in xs]
    f(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def by_gradient(f: Function, xs: list[float]) -> list[float]:
    leaves = [Value(x) for x in xs]
    return [slope.data for slope in gradient(f(*leaves), leaves)]


def by_jvp(f: Function, xs: list[float]) -> list[float]:
    basis = [tuple(float(i == j) for j in range(len(xs))) for i in range(len(xs))]
    return [jvp(f, xs, direction)[1] for direction in basis]


def all_of(f: Function) -> tuple[Function, range]:
    return f, range(f.arity if isinstance(f, Made) else f.__code__.co_argcount)


MODES: dict[str, Callable[[Function, list[float]], list[float]]] = {
    "backward": by_backward,
    "grad": lambda f, xs: [*grad(*all_of(f))(*xs)],
    "value_and_grad": lambda f, xs: [*value_and_grad(*all_of(f))(*xs)[1]],
    "vjp": lambda f, xs: [*vjp(f, *xs)[1](1.0)],
    "gradient": by_gradient,
    "jacobian, reverse": lambda f, xs: [*jacobian(*all_of(f), mode="reverse")(*xs)],
    "jacobian, forward": lambda f, xs: [*jacobian(*all_of(f), mode="forward")(*xs)],
    "jvp": by_jvp,
}


def outcome(mode: str, f: Function, xs: list[float]) -> Any:
    try:
        return [f"{slope:.12g}".replace("-0", "0") for slope in MODES[mode](f, xs)]
    except ArithmeticError as error:
        return type(error)


# A value by every mode

RIGHT: list[tuple[Function, list[float], list[float]]] = [
    (lambda x: m.where(m.step(x - 1), m.sqrt(x), x), [0.0], [1.0]),
    (lambda x: m.where(m.step(x), m.log(x), m.sqrt(x - 1.0)), [1.0], [1.0]),
    (lambda w, x: m.where(m.step(x), m.sqrt(w * x), 0.0 * w), [2.0, 0.0], [0.0, 0.0]),
    (lambda x: m.maximum(m.sqrt(x), 1.0 + 2.0 * x), [0.0], [2.0]),
    (lambda x: m.minimum(m.sqrt(x) + 1.0, 2.0 * x), [0.0], [2.0]),
    (lambda x: m.clip(m.sqrt(x), 1.0, 2.0) + x, [0.0], [1.0]),
    (lambda x: m.relu(m.sqrt(x) - 1.0), [0.0], [0.0]),
    (lambda x: m.leaky_relu(m.sqrt(x) - 1.0, 0.0), [0.0], [0.0]),
    (lambda x: m.elu(m.sqrt(x) - 1.0, 0.0), [0.0], [0.0]),
    (lambda x: m.step(m.sqrt(x) - 1.0) * x, [0.0], [0.0]),
    (lambda x: m.sign(m.sqrt(x) + 1.0) * x, [0.0], [1.0]),
    (lambda x: m.floor(m.sqrt(x) + 0.5) + x, [0.0], [1.0]),
    (lambda x: m.ceil(m.sqrt(x) + 0.5) + x, [0.0], [1.0]),
    (lambda x: m.sqrt(x) ** 0 + x, [0.0], [1.0]),
    (lambda x: 0.0 * m.sqrt(x) + x, [0.0], [1.0]),
    (lambda x: m.dot([0.0, 1.0], [m.sqrt(x), x]), [0.0], [1.0]),
    (lambda x: m.prod([2.0, 0.0, m.sqrt(x)]), [0.0], [0.0]),
    (lambda x: 0.0 / (m.sqrt(x) + 1.0), [0.0], [0.0]),
    (lambda x: (m.sqrt(x) + 1.0) ** (0.0 * x), [0.0], [0.0]),
    (lambda x: m.step(x - 1.0) * m.sqrt(x), [0.0], [0.0]),  # a factor that is 0 all around
    (lambda x: m.step(x - 1.0) * m.step(x - 2.0) * m.sqrt(x), [0.0], [0.0]),
    (lambda x: m.sqrt(m.relu(x)), [-1.0], [0.0]),  # and the infinite derivative last
    (lambda x: m.cos(m.sqrt(m.relu(x))), [-1.0], [0.0]),
    (lambda x: m.sqrt(m.clip(x, 0.0, 1.0)) + x, [-1.0], [1.0]),
    (lambda x, y: m.where(y > 0, m.sqrt(x), y), [0.0, -1.0], [0.0, 1.0]),
]

UNDETERMINED: list[tuple[Function, list[float], str, str]] = [
    (lambda x: m.cos(m.sqrt(x)), [0.0], "sqrt", "cos"),  # the truth is -1/2
    (lambda x: m.sqrt(x) ** 2, [0.0], "sqrt", "pow"),  # 1
    (lambda x: m.square(m.sqrt(x)), [0.0], "sqrt", "square"),
    (lambda x: m.sqrt(x**2), [0.0], "sqrt", "pow"),  # a kink
    (lambda x: m.sqrt(x * x), [0.0], "sqrt", "mul"),
    (lambda x: x * m.sqrt(x), [0.0], "sqrt", "mul"),  # 0
    (lambda x, y: y * m.sqrt(x), [0.0, 0.0], "sqrt", "mul"),  # none
    (lambda x: m.dot([x], [m.sqrt(x)]), [0.0], "sqrt", "dot"),
    (lambda x: m.cosh(m.acosh(x)), [1.0], "acosh", "cosh"),
    (lambda x: m.exp(-(m.sqrt(x**2) ** 2)), [0.0], "sqrt", "pow"),  # 0
    (lambda x: m.abs(m.sqrt(x)), [0.0], "sqrt", "abs"),  # at a kink and a step nothing is flat
    (lambda x: m.relu(m.sqrt(x)), [0.0], "sqrt", "relu"),
    (lambda x: m.sqrt(m.relu(x)), [0.0], "sqrt", "relu"),
    (lambda x: m.step(m.sqrt(x)), [0.0], "sqrt", "step"),
    (lambda x: m.hypot(m.sqrt(x), 0.0 * x), [0.0], "sqrt", "hypot"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("f", "xs", "slopes"), RIGHT)
def test_what_the_output_does_not_depend_on_contributes_nothing(
    mode: str, f: Function, xs: list[float], slopes: list[float]
) -> None:
    assert MODES[mode](f, xs) == slopes
    with allow_nonfinite():
        assert MODES[mode](f, xs) == slopes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("f", "xs", "pole", "zero"), UNDETERMINED)
def test_zero_times_infinity_raises_and_names_both_nodes(
    mode: str, f: Function, xs: list[float], pole: str, zero: str
) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        MODES[mode](f, xs)
    message = str(raised.value)
    assert message.startswith("0 times infinity is undetermined: ")
    assert f"the local derivative of {pole} of Value(" in message
    assert f"that of {zero} of Value(" in message
    assert "where(...), or allow nan with allow_nonfinite()" in message
    with allow_nonfinite():
        assert math.isnan(MODES[mode](f, xs)[0])


def test_every_mode_has_the_same_words() -> None:
    for f, xs, *_ in UNDETERMINED:
        words = set()
        for mode in MODES.values():
            with pytest.raises(ZeroDivisionError) as raised:
                mode(f, xs)
            words.add(str(raised.value))
        assert len(words) == 1


def test_backward_that_met_zero_times_infinity_has_changed_no_grad() -> None:
    x = Value(0.0, label="x")
    y = m.cos(m.sqrt(x)) + x
    with pytest.raises(ZeroDivisionError, match=r"sqrt of Value\(0\.0, label='x'\) is inf"):
        y.backward()
    assert (x.has_grad, y.has_grad) == (False, False)
    y.backward(seed=0.0)
    assert x.grad == 0.0


def test_adjoints_that_cancel_are_a_zero_here_alone() -> None:
    def f(x: Any) -> Any:
        root = m.sqrt(x)
        return root - root

    with pytest.raises(
        ZeroDivisionError, match=r"contributions to the adjoint of sqrt of .* cancel"
    ):
        grad(f)(0.0)
    for mode in MODES:
        assert outcome(mode, f, [0.0]) is ZeroDivisionError


def test_a_constant_node_keeps_the_infinite_derivative_by_itself() -> None:
    x = Value(-1.0)
    r = m.relu(x)
    m.sqrt(r).backward()
    assert (r.grad, x.grad) == (math.inf, 0.0)


def test_a_direction_that_does_not_move_a_node_meets_no_pole() -> None:
    def f(x: Any, y: Any) -> Any:
        return m.sqrt(x) + y

    assert jvp(f, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)
    assert vjp(lambda x: [m.sqrt(x), 2.0 * x], 0.0)[1]([0.0, 1.0]) == (2.0,)
    assert grad(f, argnums=1)(0.0, 1.0) == 1.0
    with pytest.raises(ZeroDivisionError):
        jvp(f, (0.0, 1.0), (1.0, 1.0))
    assert math.isnan(jvp(f, (1.0, 1.0), (math.nan, 1.0))[1])


def test_a_direction_that_just_here_is_zero_is_told_from_one_that_is_zero() -> None:
    def along(t: Any) -> Any:
        return jvp(m.sqrt, (0.0,), (t,))[1]

    with allow_nonfinite():
        assert math.isnan(along(Value(0.0)).data)
    with pytest.raises(ZeroDivisionError):
        along(Value(0.0))
    assert along(0.0) == 0.0


def test_an_input_is_no_constant_though_a_constant_is_put_in() -> None:
    (zero,) = gradient(Value(1.0), [Value(2.0)])  # a constant 0

    def f(x: Any) -> Any:
        return x * m.sqrt(x)

    for derivative in (lambda: grad(f)(zero), lambda: jvp(f, (zero,), (1.0,))):
        with pytest.raises(ZeroDivisionError, match="0 times infinity"):
            derivative()


# Higher derivatives


@pytest.mark.parametrize("derivative", [hessian, lambda f: grad(lambda v: grad(f)(v)[0])])
def test_second_derivatives_are_never_wrong_in_silence(derivative: Any) -> None:
    for f, names in (
        (lambda v: m.hypot(v[0], v[1]) ** 2, "the derivative of hypot"),  # the truth is 2
        (lambda v: m.hypot(v[0], v[1]), "the derivative of hypot"),
        (lambda v: m.atan2(v[0], v[1]), "the derivative of atan2"),
        (lambda v: m.exp(-m.sqrt((v[0] - v[1]) ** 2)), "sqrt"),
    ):
        with pytest.raises(ZeroDivisionError, match=names):
            derivative(f)([0.0, 0.0])


def test_the_first_derivatives_of_hypot_and_atan2_at_the_origin_stay_conventions() -> None:
    assert grad(m.hypot, argnums=(0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert grad(m.atan2, argnums=(0, 1))(0.0, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize(("f", "xs"), [row[:2] for row in RIGHT])
def test_an_inactive_pole_is_inactive_in_second_derivatives_too(
    f: Function, xs: list[float]
) -> None:
    def total(v: Any) -> Any:
        return f(*v)

    matrix = hessian(total)(xs)
    assert all(math.isfinite(h) for row in matrix for h in row)
    n = len(xs)
    assert hvp(total, (xs,), ([1.0] * n,)) == [sum(row) for row in matrix]
    assert laplacian(total)(xs) == sum(matrix[i][i] for i in range(n))
    assert hessian(total)(xs) == jacobian(grad(total), mode="reverse")(xs)


def test_a_chosen_branch_keeps_its_second_derivative() -> None:
    def f(x: Any) -> Any:
        return m.where(m.step(x - 1), m.sqrt(x), x**3 + x * x)

    assert grad(grad(f))(0.0) == 2.0
    assert grad(grad(grad(f)))(0.0) == 6.0


# Which zeros are zeros all around, for every function of the table

FLAT: dict[str, Callable[[Any], Any]] = {
    **{name: functions.FUNCTIONS[name] for name in "relu step sign floor ceil trunc".split()},
    **{name: functions.FUNCTIONS[name] for name in "abs square cos cosh gelu".split()},
    "leaky_relu": lambda x: functions.leaky_relu(x, 0.0),
    "leaky_step": lambda x: functions.leaky_step(x, 0.0),
    "elu": lambda x: functions.elu(x, 0.0),
    "elu_tail": lambda x: functions.elu_tail(x, 1.0),
    "elu_tail of 0": lambda x: functions.elu_tail(x, 0.0),
    "clip": lambda x: functions.clip(x, -1.0, 1.0),
    "within": lambda x: functions.within(x, -1.0, 1.0),
    "maximum": lambda x: functions.maximum(x, 1.0),
    "minimum": lambda x: functions.minimum(1.0, x),
    "greater": lambda x: functions.greater(x, 1.0),
    "round": lambda x: round(x, 0),
    "round to a digit": lambda x: round(x + 0.25, 1),
    "floordiv": lambda x: x // 2.5,
    "floordiv by x": lambda x: 2.5 // (x + 0.25),
    "mod": lambda x: x % 2.5,
    "mod by x": lambda x: 0.5 % (x + 0.25),
    "x**0": lambda x: x**0,
    "x**2": lambda x: x**2,
    "x**4": lambda x: x**4,
    "slope of x**0": lambda x: functions.constant_power_derivative(x, 0.0, 1),
    "slope of x**1": lambda x: functions.constant_power_derivative(x, 1.0, 1),
    "slope of x**2": lambda x: functions.constant_power_derivative(x, 2.0, 1),
    "mul": lambda x: x * 0.0,
    "mul by itself": lambda x: x * x,
    "dot": lambda x: m.dot([0.0], [x], x * 0.0),
    "prod": lambda x: m.prod([x, 2.0, 0.0]),
    "div": lambda x: 0.0 / (x + 10.0),
    "1**x": lambda x: 1.0**x,
    "0.5**x, underflowing": lambda x: 0.5 ** (x + 3000.0),
    "x**Value(0)": lambda x: functions.pow(x + 10.0, 0.0),
}


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("x", [-2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.5])
def test_an_edge_that_counts_for_nothing_is_flat_and_a_flat_one_counts_for_nothing(
    name: str, x: float
) -> None:
    f, leaf = FLAT[name], Value(x)
    order = m.topological_order(f(leaf))
    numbers = Edges(order).sweep({order[-1]: 1.0}, [leaf], back=True)
    around = [f(Value(z)).data for z in (x - 1e-4, x - 1e-6, x, x + 1e-6, x + 1e-4)]
    flat = len(set(around)) == 1 and "underflowing" not in name
    assert (leaf in numbers) is not flat


# A term of -inf weighs 0


def test_a_term_of_minus_infinity_weighs_nothing() -> None:
    inf = math.inf
    for terms in ([-inf, 1.0, 2.0], [-inf, -inf], [-inf, -inf, 3.0]):
        rest = [term for term in terms if term > -inf]
        total, *slopes = value_and_slopes(m.logsumexp, terms)
        assert total == (m.logsumexp(rest) if rest else -inf)
        assert slopes == [0.0] * (len(terms) - len(rest)) + (m.softmax(rest) if rest else [])
        assert m.softmax(terms) == slopes
        assert all(math.isfinite(h) for row in hessian(m.logsumexp)(terms) for h in row)
        assert all(math.isfinite(d) for row in jacobian(m.softmax)(terms) for d in row)
    for x, y, dx in ((-inf, -inf, 0.0), (-inf, 1.0, 0.0), (1.0, -inf, 1.0)):
        assert value_and_slopes(lambda v: m.logaddexp(*v), [x, y]) == [max(x, y), dx, float(y > x)]
        assert hessian(lambda v: m.logaddexp(*v))([x, y]) == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(lambda x: m.logsumexp([-inf, x - inf]))(1.0) == 0.0


def value_and_slopes(f: Any, terms: list[float]) -> list[float]:
    value, slopes = value_and_grad(f)(terms)
    return [value, *slopes]


# Random graphs at poles and edges


class Made(NamedTuple):
    """A function on Values, by steps: each the name of an operation and its operands' places."""

    steps: tuple[tuple[str, int, int], ...]
    arity: int

    def __call__(self, *inputs: Any) -> Any:
        nodes = [*inputs]
        for name, i, j in self.steps:
            nodes.append(STEPS[name](nodes[-1 - i % len(nodes)], nodes[-1 - j % len(nodes)]))
        return nodes[-1]


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "half": lambda x, y: 0.5 * x,
    "none": lambda x, y: 0.0 * x,
    "less": lambda x, y: x - 1.0,
    "square": lambda x, y: x**2,
    "one": lambda x, y: x**0,
    "sqrt": lambda x, y: m.sqrt(m.abs(x)),
    "root": lambda x, y: m.sqrt(m.relu(x)),
    "cbrt": lambda x, y: m.cbrt(x),
    "cos": lambda x, y: m.cos(x),
    "asin": lambda x, y: m.asin(m.clip(x, -1.0, 1.0)),
    "acosh": lambda x, y: m.acosh(m.maximum(x, 1.0)),
    "relu": lambda x, y: m.relu(x),
    "clip": lambda x, y: m.clip(x, -1.0, 1.0),
    "step": lambda x, y: m.step(x),
    "maximum": m.maximum,
    "minimum": m.minimum,
    "where": lambda x, y: m.where(m.step(x), m.sqrt(m.relu(x)), y),
    "where not": lambda x, y: m.where(m.step(x), y, m.sqrt(m.abs(x))),
    "hypot": m.hypot,
    "dot": lambda x, y: m.dot([0.0, x], [y, y]),
}

WITHOUT_KINKS = "add sub mul half none less square one cbrt cos".split()


def functions_of(steps: list[str]) -> st.SearchStrategy[Made]:
    place = st.integers(0, 3)
    step = st.tuples(st.sampled_from(steps), place, place)
    return st.builds(Made, st.lists(step, min_size=1, max_size=8).map(tuple), st.just(2))


functions_with_poles = functions_of(sorted(STEPS))
at_edges = st.lists(st.sampled_from([-1.0, 0.0, 1.0, -0.5, 0.5, 2.0]), min_size=2, max_size=2)
pure: ModuleType = load_pure()


def by_pure(made: Made, xs: list[float]) -> Any:
    """backward() of the specification, on a copy of the graph."""
    root = made(*map(Value, xs))
    order = m.topological_order(root)
    copies: dict[Any, Any] = {}
    for node in order:
        if node.parents:
            operands = [copies[parent] for parent in node.parents]
            operation = node.operation
            copies[node] = pure.record(operation.function, operands, operation.parameters)
        elif node.operation is None:
            copies[node] = pure.Value(node.data)
        else:
            copies[node] = pure._constant(node.data, "")
    copies[root].backward()
    return {node: copies[node].grad for node in order}


@given(functions_with_poles, at_edges)
@example(Made((("cbrt", 0, 0), ("cos", 0, 0)), 2), [0.0, 0.0])
@example(Made((("where", 1, 0),), 2), [0.0, 0.0])
def test_all_modes_give_the_same_numbers_or_the_same_exception(made: Made, xs: list[float]) -> None:
    outcomes = {mode: outcome(mode, made, xs) for mode in MODES}
    assert len({str(found) for found in outcomes.values()}) == 1, outcomes


@given(functions_with_poles, at_edges)
def test_both_engines_give_every_node_the_same_grad_or_the_same_words(
    made: Made, xs: list[float]
) -> None:
    root = made(*map(Value, xs))
    try:
        root.backward()
        found: Any = [node.grad for node in m.topological_order(root)]
    except ArithmeticError as error:
        found = (type(error), str(error))
    try:
        by_specification: Any = [*by_pure(made, xs).values()]
    except ArithmeticError as error:
        by_specification = (type(error), str(error))
    assert repr(found) == repr(by_specification)


@given(functions_of(WITHOUT_KINKS), at_edges)
def test_where_there_is_a_derivative_it_is_the_slope(made: Made, xs: list[float]) -> None:
    """As differences to both sides give it, where they settle."""
    try:
        slopes = MODES["grad"](made, xs)
    except ArithmeticError:
        return
    for i, slope in enumerate(slopes):
        sides = []
        for h in (1e-5, -1e-5, 1e-6, -1e-6):
            beside = [x + h * (i == j) for j, x in enumerate(xs)]
            sides.append((made(*beside) - made(*xs)) / h)
        if max(sides) - min(sides) < 1e-3 * max(1.0, abs(sides[0])):
            assert slope == pytest.approx(sides[0], rel=1e-2, abs=1e-2)
