"""Derivatives as functions: right, composable, and honest about what they cannot do."""

import math
import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from own_process import run_python

import micrograd_bp
from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    cos,
    dot,
    exp,
    fsum,
    log,
    no_grad,
    relu,
    sin,
    softmax,
    sqrt,
    tanh,
    topological_order,
    where,
)
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.testing import graphs, networks
from micrograd_bp.testing.exact import exact
from micrograd_bp.testing.programs import OPERATIONS, GraphProgram
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
from micrograd_bp.transforms.chain_rule import Sweeps

# Random graphs of functions without kinks or steps, so that second derivatives exist.
KINKED = (
    "relu abs leaky_relu elu clip maximum minimum where sign step floor ceil trunc round"
    " floordiv mod softsign"
).split()
SMOOTH = [name for name in OPERATIONS if name not in KINKED]
smooth_graphs = graphs(SMOOTH, max_operations=16)
directions = st.lists(st.floats(-2.0, 2.0), min_size=4, max_size=4)


def function_of(program: GraphProgram):
    """The program as a function of a list of numbers or Values."""

    def f(xs):
        values = iter(xs)
        return program.evaluate(lambda _: next(values)).root

    return f


def norm(numbers):
    return math.sqrt(math.fsum(x * x for x in numbers))


def scale_of(program: GraphProgram, order: int) -> float:
    """The size of the largest derivative that passes anywhere, and so of rounding errors.

    Sums of absolute values in place of sums, in one forward sweep per order would be exact;
    the largest entries of the derivatives by every node are near enough.
    """
    evaluation = program.evaluate()
    leaves = evaluation.inputs
    nodes = [evaluation.root]
    largest = 1.0
    for _ in range(order):
        derivatives = gradient(fsum(nodes), leaves)
        inside = [abs(n.data) for y in derivatives for n in topological_order(y)]
        largest = max([largest, *filter(math.isfinite, inside)])
        nodes = derivatives
    return largest


# Values


@pytest.mark.parametrize(
    ("f", "fifth"),
    [
        (exp, math.exp),
        (sin, math.cos),
        (
            tanh,
            lambda x: (
                lambda t: 16 * (1 - t * t) - 120 * t * t * (1 - t * t) + 120 * t**4 * (1 - t * t)
            )(math.tanh(x)),
        ),
        (lambda x: 1.0 / x, lambda x: -120.0 / x**6),
    ],
    ids=["exp", "sin", "tanh", "reciprocal"],
)
@pytest.mark.parametrize("x", [0.3, 0.7, 1.9])
def test_the_fifth_derivative_has_its_closed_form(f, fifth, x) -> None:
    assert reduce(lambda g, _: grad(g), range(5), f)(x) == pytest.approx(fifth(x), rel=1e-12)


@given(smooth_graphs)
def test_gradient_has_the_numbers_of_backward(program: GraphProgram) -> None:
    evaluation = program.evaluate()
    evaluation.root.backward()
    recorded = gradient(evaluation.root, evaluation.inputs)
    for x, slope in zip(evaluation.inputs, recorded, strict=True):
        assert slope.data == pytest.approx(x.grad, rel=1e-9, abs=1e-9 * scale_of(program, 1))


@given(graphs())
def test_grad_is_backward_bit_for_bit(program: GraphProgram) -> None:
    evaluation = program.evaluate()
    evaluation.root.backward()
    value, slopes = value_and_grad(function_of(program))(list(program.inputs))
    assert value == evaluation.root.data
    assert slopes == [x.grad for x in evaluation.inputs]


@given(graphs())
def test_forward_and_reverse_mode_agree(program: GraphProgram) -> None:
    f, xs = function_of(program), list(program.inputs)
    forward = jacobian(f, mode="forward")(xs)
    reverse = jacobian(f, mode="reverse")(xs)
    bound = 1e-9 * scale_of(program, 1)
    assert forward == pytest.approx(reverse, rel=1e-9, abs=bound)


@given(graphs(), directions, directions)
def test_jvp_is_vjp_transposed(program: GraphProgram, tangent, cotangent) -> None:
    """<u, J v> = <J^T u, v>, with every node of the graph as an output."""

    def nodes(xs):
        values = iter(xs)
        return program.evaluate(lambda _: next(values)).nodes

    xs = list(program.inputs)
    v = tangent[: len(xs)]
    values, moved = jvp(nodes, (xs,), (v,))
    u = [cotangent[i % 4] for i in range(len(values))]
    same_values, pullback = vjp(nodes, xs)
    (pulled,) = pullback(u)
    assert values == same_values
    left = [a * b for a, b in zip(u, moved, strict=True)]
    right = [a * b for a, b in zip(pulled, v, strict=True)]
    size = max(map(abs, [1.0, *left, *right])) * scale_of(program, 1)
    assert math.fsum(left) == pytest.approx(math.fsum(right), abs=1e-10 * size)


@given(smooth_graphs)
def test_hessians_are_symmetric(program: GraphProgram) -> None:
    h = np.array(hessian(function_of(program))(list(program.inputs)))
    assert np.allclose(h, h.T, rtol=1e-8, atol=1e-10 * scale_of(program, 2))


@given(networks(max_units=3, activations=["tanh", "sigmoid", "softplus", "sin"]))
def test_hvp_is_the_hessian_times_the_vector(program) -> None:
    shape = program.build()

    def error(weights):
        ws = iter(weights)
        z = list(program.inputs)
        for layer in shape.layers:
            z = [dot([next(ws) for _ in neuron.w], z, next(ws)).tanh() for neuron in layer.neurons]
        return fsum([(y - t) ** 2 for y, t in zip(z, program.targets, strict=True)])

    weights = list(program.weights)
    v = [math.cos(i) for i in range(len(weights))]
    h = np.array(hessian(error)(weights))
    assert np.allclose(h @ v, hvp(error, (weights,), (v,)), rtol=1e-9, atol=1e-12 * abs(h).max())
    assert laplacian(error)(weights) == pytest.approx(np.trace(h), rel=1e-9, abs=1e-12)


def exact_output(program: GraphProgram, xs):
    """The root in the precision of mpmath."""
    nodes = list(xs)
    for name, operands, parameters in program.steps:
        nodes.append(exact(FUNCTIONS[name])(*(nodes[i] for i in operands), *parameters))
    used = {i for step in program.steps for i in step.operands}
    return mpmath.fsum(node for i, node in enumerate(nodes) if i not in used)


@given(smooth_graphs)
def test_second_derivatives_are_those_of_precise_differences(program: GraphProgram) -> None:
    xs = list(program.inputs)
    h = hessian(function_of(program))(xs)
    bound = 1e-9 * scale_of(program, 2)
    assume(bound < 1e6)
    with mpmath.workdps(120):
        step = mpmath.mpf(10) ** -30
        for i in range(len(xs)):
            for j in range(i + 1):

                def at(a: int, b: int, i: int = i, j: int = j):
                    point = [mpmath.mpf(x) for x in xs]
                    point[i] += a * step
                    point[j] += b * step
                    return exact_output(program, point)

                    # d2f / dx_i dx_j = (f(+,+) - f(+,-) - f(-,+) + f(-,-)) / 4 h^2 + O(h^2)

                difference = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * step**2)
                assert h[i][j] == pytest.approx(float(difference), rel=1e-7, abs=bound)


# Composition


@pytest.mark.parametrize("x", [-2.0, 0.0, 1.0, 3.5])
def test_nested_derivatives_do_not_mix_up_their_perturbations(x) -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(x) == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(x) == 1.0
    assert grad(lambda x: x * jvp(lambda y: x + y, (x,), (1.0,))[1])(x) == 1.0
    assert jvp(lambda x: x * grad(lambda y: x + y)(x), (x,), (1.0,))[1] == 1.0
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (x,), (1.0,))[1] == 1.0
    assert grad(lambda x: x * vjp(lambda y: x + y, x)[1](1.0)[0])(x) == 1.0


def test_an_inner_derivative_that_depends_on_the_outer_input_only_by_closure() -> None:
    # d/dx (x d/dy (x y^2) at y = 3) = d/dx 6 x^2
    assert grad(lambda x: x * grad(lambda y: x * y**2)(3.0))(2.0) == 24.0
    # d/dx (d/dy (x^2 y) at y = 3) = d/dx x^2
    assert grad(lambda x: jvp(lambda y: x**2 * y, (3.0,), (1.0,))[1])(2.0) == 4.0
    assert grad(lambda x: hessian(lambda y: x**3 * y**2)(1.0))(2.0) == 24.0
    assert grad(lambda x: laplacian(lambda y: x**3 * y**2)(1.0))(2.0) == 24.0
    assert grad(lambda x: hvp(lambda y: x**3 * y**2, (1.0,), (1.0,)))(2.0) == 24.0


def test_what_does_not_depend_on_the_outer_input_stays_a_number() -> None:
    def f(x):
        slope = grad(lambda y: y**2)(3.0)
        assert type(slope) is float
        return slope * x

    assert grad(f)(2.0) == 6.0


def test_forward_over_reverse_and_reverse_over_forward() -> None:
    def f(x):
        return sin(x) * exp(x)

    second = 2.0 * math.cos(0.4) * math.exp(0.4)
    for derivative in (
        grad(grad(f)),
        lambda x: jvp(grad(f), (x,), (1.0,))[1],
        grad(lambda x: jvp(f, (x,), (1.0,))[1]),
        lambda x: jvp(lambda y: jvp(f, (y,), (1.0,))[1], (x,), (1.0,))[1],
        lambda x: vjp(grad(f), x)[1](1.0)[0],
        grad(lambda x: vjp(f, x)[1](1.0)[0]),
        jacobian(jacobian(f)),
        hessian(f),
        laplacian(f),
    ):
        assert derivative(0.4) == pytest.approx(second, rel=1e-14)


def test_a_derivative_by_a_tangent_and_by_a_cotangent() -> None:
    assert grad(lambda v: jvp(lambda x: x**3, (2.0,), (v,))[1] ** 2)(0.5) == 2 * 0.5 * 144.0
    _, pullback = vjp(lambda x: x**3, 2.0)
    assert grad(lambda u: pullback(u)[0] ** 2)(0.5) == 2 * 0.5 * 144.0
    assert pullback(0.5) == (6.0,)
    assert grad(lambda v: hvp(lambda x: x**3, (2.0,), (v,)) ** 2)(0.5) == 2 * 0.5 * 144.0


def test_gradient_can_be_repeated() -> None:
    x = Value(2.0)
    y = x**6
    for n in range(1, 8):
        (y,) = gradient(y, [x])
        assert y.data == math.perm(6, n) * 2.0 ** max(6 - n, 0)


def test_values_in_values_out() -> None:
    x = Value(2.0, label="x")
    slope = grad(lambda x: x**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert x.grad == 12.0
    value, tangent = jvp(lambda x: x**3, (x,), (1.0,))
    (pulled,) = vjp(lambda x: x**3, x)[1](1.0)
    assert all(isinstance(v, Value) for v in (value, tangent, pulled))
    w = Value(5.0)
    assert isinstance(grad(lambda x, w: x * w)(2.0, w), Value)
    assert isinstance(laplacian(lambda x: 3.0 * x)(w), Value)
    assert isinstance(hessian(lambda x: 3.0 * x)(w), Value)


def test_hessian_of_the_error_of_a_network() -> None:
    model = MLP(2, [3, 1], hidden="tanh", seed=1)
    error = (model([0.5, -1.0]) - 1.0) ** 2
    parameters = model.parameters()
    rows = [gradient(slope, parameters) for slope in gradient(error, parameters)]
    h = np.array([[v.data for v in row] for row in rows])
    assert np.allclose(h, h.T, atol=1e-15)

    step = 1e-5
    for i, parameter in enumerate(parameters):
        sides = []
        for sign in (1.0, -1.0):
            parameter.data += sign * step
            model.zero_grad()
            ((model([0.5, -1.0]) - 1.0) ** 2).backward()
            sides.append([p.grad for p in parameters])
            parameter.data -= sign * step
        difference = [(a - b) / (2 * step) for a, b in zip(*sides, strict=True)]
        assert np.allclose(h[i], difference, atol=1e-8)


def test_an_output_that_is_returned_twice_is_pulled_back_twice() -> None:
    def f(x):
        y = x**2
        return [y, y, x]

    _, pullback = vjp(f, 3.0)
    assert pullback([1.0, 10.0, 100.0]) == (166.0,)
    with no_grad():
        (pulled,) = pullback([Value(1.0), Value(10.0), 100.0])
    assert (pulled.data, pulled.parents) == (166.0, ())
    assert jacobian(f)(3.0) == [6.0, 6.0, 1.0]


# The graph of a gradient


def test_an_adjoint_is_one_dot_of_the_consumers_local_derivatives_and_adjoints() -> None:
    w = [Value(0.5, "w_1"), Value(-2.0, "w_2")]
    a = Value(0.3, "a")
    units = [(w_k * a).tanh() for w_k in w]
    error = units[0] * units[1]
    (delta,) = gradient(error, [a])
    assert delta.operation.name == "dot"
    weights, deltas = delta.parents[:2], delta.parents[2:]
    assert set(weights) == set(w)  # delta_j = h'(a_j) sum_k w_kj delta_k
    assert all(node.operation.name == "dot" for node in deltas)


@given(networks())
def test_a_gradient_costs_at_most_six_forward_graphs(program) -> None:
    evaluation = program.evaluate()
    slopes = gradient(evaluation.root, evaluation.inputs)
    forward = len(topological_order(evaluation.root))
    both = len(topological_order(fsum([evaluation.root, *slopes]))) - 1
    assert both <= 6 * forward


def test_gradient_writes_no_grad_and_returns_no_node_of_the_graph() -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    product = x * y
    slopes = gradient(product, [x, y])
    grad(lambda z: z * x)(1.0)
    assert not any(node.has_grad for node in topological_order(product))
    assert not {*slopes} & {x, y, product}
    assert [slope.data for slope in slopes] == [3.0, 2.0]
    (by_itself,) = gradient(x, [x])
    assert by_itself.data == 1.0


def test_gradient_by_interior_nodes_and_repeated_inputs() -> None:
    x = Value(2.0)
    a = x * x
    y = a * x
    assert [slope.data for slope in gradient(y, [a, x, x])] == [2.0, 12.0, 12.0]


@pytest.mark.parametrize("depth", [30_000])
def test_any_depth(depth) -> None:
    def chain(x):
        for _ in range(depth):
            x = x * 1.0
        return x

    assert grad(chain)(2.0) == 1.0
    assert jvp(chain, (2.0,), (3.0,)) == (2.0, 3.0)
    assert hvp(chain, (2.0,), (1.0,)) == 0.0


def test_the_same_graph_every_time() -> None:
    def shape():
        model = MLP(2, [3, 2], hidden="tanh", seed=1)
        y = dot(model([1.0, 2.0]), model([0.5, 1.0]))
        root = fsum(gradient(y, model.parameters()))
        order = topological_order(root)
        position = {node: i for i, node in enumerate(order)}
        return [(node.data, [position[parent] for parent in node.parents]) for node in order]

    assert shape() == shape()


# What was changed, what is zero, what is infinite


def changed(label: str):
    """A graph whose node of this label was written after the forward pass."""
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    a = x * w
    a.label = "a"
    b = a.tanh()
    b.label = "b"
    c = x + b
    c.label = "c"
    nodes = {node.label: node for node in (x, w, a, b, c)}
    nodes[label].data += 0.25
    return c.exp(), x


@pytest.mark.parametrize("label", ["x", "w", "a", "b", "c"])
def test_changed_data_is_detected_and_named(label) -> None:
    output, x = changed(label)
    with pytest.raises(ValueError, match=rf"the \.data of .*label='{label}'.*compute the graph"):
        gradient(output, [x])


def test_changed_data_of_one_weight_among_many_is_named() -> None:
    ws = [Value(0.1 * i, label=f"w_{i}") for i in range(100)]
    y = dot(ws, [1.0] * 100)
    ws[57].data = -1.0
    with pytest.raises(ValueError, match=r"the \.data of Value\(-1\.0, label='w_57'\) was changed"):
        gradient(y, ws)


@pytest.mark.parametrize(
    ("operation", "written", "named"),
    [
        (operator.mul, "x", "x"),
        (operator.mul, "y", "y"),
        (operator.truediv, "x", "x"),
        (operator.truediv, "w", "w"),
        (operator.truediv, "y", "y"),
        (operator.add, "w", "x or w or y"),
        (lambda x, w: dot([x], [w]), "y", "y"),
        (lambda x, w: dot([x], [w], 1.0 * x), "y", "y"),
        (lambda x, w: x.exp(), "x", "x"),
        (lambda x, w: x.exp(), "y", "x or y"),
    ],
)
def test_what_is_known_to_be_as_it_was_is_not_said_to_be_changed(
    operation: Any, written: str, named: str
) -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = operation(x, w)
    y.label = "y"
    {"x": x, "w": w, "y": y}[written].data = 7.0
    with pytest.raises(ValueError, match="was changed since") as raised:
        gradient(y * y, [x, w])
    assert re.findall("label='(.)'", str(raised.value)) == named.split(" or ")


def test_of_many_that_may_have_changed_three_are_named() -> None:
    xs = [Value(1.0, label=f"x_{i}") for i in range(5)]
    y = fsum(xs)
    xs[4].data = 2.0
    with pytest.raises(ValueError, match=r"'x_0'.*'x_1'.*'x_2'\) or others was changed"):
        gradient(y, xs)


def test_a_nan_that_was_there_is_no_change() -> None:
    x = Value(math.nan)
    (slope,) = gradient(x * x, [x])
    assert math.isnan(slope.data)


def test_a_restored_value_is_no_change() -> None:
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    x.data = 2.0
    assert gradient(y, [x])[0].data == 4.0


def test_an_output_that_does_not_depend_on_an_input_gives_zero() -> None:
    x, y = Value(2.0), Value(3.0)
    slopes = gradient(x * x, [x, y])
    assert slopes[1].data == 0.0
    assert slopes[1].operation.name == "constant"
    with pytest.warns(UserWarning, match="every derivative is 0"):
        assert grad(lambda x: 5.0)(1.0) == 0.0
    with pytest.warns(UserWarning, match="every derivative is 0"):
        assert grad(lambda x, y: y * 2.0)(1.0, 3.0) == 0.0
    assert grad(grad(lambda x: 3.0 * x))(1.0) == 0.0
    assert hessian(lambda x: x[0])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert jvp(lambda x: [1.0, x], (1.0,), (1.0,)) == ([1.0, 1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: grad(f)(3.0),
        lambda f: value_and_grad(f)(3.0),
        lambda f: jvp(f, (3.0,), (1.0,)),
        lambda f: vjp(f, 3.0)[1](1.0),
        lambda f: jacobian(f)(3.0),
        lambda f: hessian(f)(3.0),
        lambda f: hvp(f, (3.0,), (1.0,)),
        lambda f: laplacian(f)(3.0),
        lambda f: grad(lambda x: grad(f)(x.data) + x)(3.0),
    ],
)
def test_a_result_that_lost_its_inputs_is_warned_of_once(derivative) -> None:
    with pytest.warns(UserWarning, match=r"returned, .*9\.0.*every derivative is 0") as warned:
        derivative(lambda x: Value(x.data**2))
    assert len(warned) == 1


def test_a_derivative_that_is_constant_or_zero_is_warned_of_by_no_one() -> None:
    assert hessian(lambda v: v[0] - v[1])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert grad(lambda x: jvp(lambda y: 2.0 * y, (x,), (1.0,))[1])(1.0) == 0.0
    assert grad(lambda x: x - x)(1.0) == grad(lambda x: relu(-x))(1.0) == 0.0
    assert jacobian(lambda v: [5.0, v[0]])([1.0]) == [[0.0], [1.0]]
    assert grad(lambda x, y: y * 2.0, argnums=(0, 1))(1.0, 3.0) == (0.0, 2.0)


def test_an_unused_branch_never_makes_nan() -> None:
    def safe_sqrt(x):
        return where(x > 0.0, sqrt(x), 0.0 * x)

    def recorded_choice(x):
        return where(x, sqrt(x), 2.0 * x)

    for f, slope in ((safe_sqrt, 0.0), (recorded_choice, 2.0)):
        assert grad(f)(0.0) == slope
        assert jvp(f, (0.0,), (0.0,)) == (0.0, 0.0)
        x = Value(0.0)
        assert gradient(f(x), [x])[0].data == slope
        assert grad(grad(f))(0.0) == 0.0
    # sqrt'(0) = inf meets an adjoint that is 0 here, but not nearby
    with pytest.raises(ZeroDivisionError, match="sqrt"):
        grad(lambda a, x: a * sqrt(x), argnums=(0, 1))(0.0, 0.0)
    with pytest.raises(ZeroDivisionError, match="sqrt"):
        hessian(lambda p: p[0] * sqrt(p[1]))([0.0, 0.0])


def test_an_infinite_local_derivative_is_named() -> None:
    with pytest.raises(ZeroDivisionError, match=r"sqrt of Value\(0\.0.*is inf.* adjoint of 1\.0"):
        grad(sqrt)(0.0)
    with pytest.raises(ZeroDivisionError, match=r"sqrt of Value\(0\.0.*is inf.* tangent of 1\.0"):
        jvp(sqrt, (0.0,), (1.0,))
    x = Value(0.0, label="x")
    with pytest.raises(ZeroDivisionError, match="label='x'"):
        gradient(sqrt(x), [x])
    with allow_nonfinite():
        assert grad(sqrt)(0.0) == math.inf


def test_an_overflow_is_named() -> None:
    def in_reverse(x):
        return ((1e-200 * x) * 1e200) * 1e200

    def in_forward(x):
        return ((x * 1e200) * 1e200) * 1e-200

    for derivative, what in (
        (grad(in_reverse), "adjoint"),
        (grad(grad(in_reverse)), "adjoint"),
        (lambda x: jvp(in_forward, (x,), (1.0,)), "tangent"),
        (lambda x: jvp(grad(in_forward), (x,), (1.0,)), None),
    ):
        if what:
            with pytest.raises(OverflowError, match=rf"the {what} of mul of .* is beyond the"):
                derivative(1e-300)
        else:
            derivative(1e-300)


def test_what_the_user_puts_in_propagates() -> None:
    assert grad(lambda x: x * 2.0)(math.inf) == 2.0
    assert grad(lambda x: x * x)(math.inf) == math.inf
    assert math.isnan(jvp(lambda x: x * x, (2.0,), (math.nan,))[1])


def test_what_does_not_lead_to_an_input_does_not_matter() -> None:
    c = Value(0.0)
    assert grad(lambda x: x * 2.0 + sqrt(c))(1.0) == 2.0


# no_grad


def test_a_transform_differentiates_under_no_grad_and_is_not_recorded() -> None:
    x = Value(2.0)
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        slope = grad(lambda x: x**3)(x)
        assert (slope.data, slope.parents) == (12.0, ())
    y = x * x
    with no_grad():
        assert gradient(y, [x])[0].parents
        assert (x * x).parents == ()


def test_what_f_computes_under_no_grad_is_a_constant() -> None:
    def f(x):
        with no_grad():
            constant = x * x
        return constant * x

    assert grad(f)(3.0) == 9.0


# Shapes


def test_results_come_in_the_shape_of_the_inputs() -> None:
    def f(p):
        return p["w"][0] * p["w"][1] + p["b"] * p["deep"][0][0]

    p = {"w": (2.0, 3), "b": True, "deep": [[np.float64(5.0)]]}
    slopes = grad(f)(p)
    assert slopes == {"w": (3.0, 2.0), "b": 5.0, "deep": [[1.0]]}
    assert type(slopes["b"]) is float
    assert hvp(f, (p,), (slopes,)) == {"w": (2.0, 3.0), "b": 1.0, "deep": [[5.0]]}


def test_several_arguments() -> None:
    def f(x, y, scale=1.0):
        return scale * x**2 * y

    assert grad(f, 1)(2.0, 3.0) == 4.0
    assert grad(f, -1)(2.0, 3.0) == 4.0
    assert grad(f, (1, 0))(2.0, 3.0) == (4.0, 12.0)
    assert grad(f)(2.0, 3.0, scale=10.0) == 120.0
    assert hessian(f, (0, 1))(2.0, 3.0) == ((6.0, 4.0), (4.0, 0.0))
    assert hvp(f, (2.0, 3.0), (1.0, 0.0)) == (6.0, 4.0)
    assert jacobian(lambda x, y: {"p": x * y}, (0, 1))(2.0, 3.0) == {"p": (3.0, 2.0)}
    assert laplacian(f)(2.0, 3.0) == 6.0
    assert laplacian(lambda x, y: x**2 * y + y**3)(2.0, 3.0) == 24.0


def test_arrays_in_arrays_out() -> None:
    x = np.array([1.0, 2.0, 3.0])
    value, slopes = value_and_grad(lambda x: np.sum(x**2) + x @ x)(x)
    assert type(value) is float
    assert slopes.dtype == float
    assert slopes.tolist() == [4.0, 8.0, 12.0]
    h = hessian(lambda x: np.prod(x))(x)
    assert h.tolist() == [[0.0, 3.0, 2.0], [3.0, 0.0, 1.0], [2.0, 1.0, 0.0]]
    j = jacobian(lambda x: np.exp(x[:2]))(x)
    assert (j.shape, j.dtype) == ((2, 3), float)
    rows = jacobian(lambda x: [x[0] * x[1], x[2]])(x)
    assert [row.tolist() for row in rows] == [[2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    value, tangent = jvp(lambda x: 2.0 * x, (x,), (np.ones(3),))
    assert value.tolist() == [2.0, 4.0, 6.0]
    assert tangent.tolist() == [2.0, 2.0, 2.0]
    assert vjp(lambda x: 2.0 * x, x)[1]([1.0, 0.0, 0.0])[0].tolist() == [2.0, 0.0, 0.0]
    assert grad(lambda p: p["x"] @ p["x"])({"x": x})["x"].tolist() == [2.0, 4.0, 6.0]
    assert grad(lambda x: (x @ x) ** 2)(x.astype(int)).tolist() == [56.0, 112.0, 168.0]
    matrix = x.reshape(3, 1) * x
    assert grad(lambda m: (m**2).sum())(matrix).tolist() == (2.0 * matrix).tolist()
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_compositions_over_arrays() -> None:
    x = np.array([1.0, 2.0])

    def f(x):
        return x[0] ** 2 * x[1] + np.sum(np.sin(x))

    second = np.array([[4.0 - math.sin(1.0), 2.0], [2.0, -math.sin(2.0)]])
    assert np.allclose(jacobian(grad(f))(x), second)
    assert np.allclose(jacobian(grad(f), mode="reverse")(x), second)
    assert np.allclose(grad(lambda x: grad(f)(x) @ np.array([1.0, 0.0]))(x), second[0])
    assert np.allclose(jvp(grad(f), (x,), (np.array([0.0, 1.0]),))[1], second[:, 1])
    assert np.allclose(
        grad(lambda x: np.trace(hessian(f)(x)))(x), [-math.cos(1.0), 2 - math.cos(2)]
    )


def test_the_jacobian_takes_the_mode_with_fewer_sweeps(monkeypatch) -> None:
    from micrograd_bp.transforms.recorded_call import Call

    taken = []
    for name in ("forward", "back"):
        sweep = getattr(Call, name)

        def counted(self, nodes, seeds, name=name, sweep=sweep):
            taken.append(name)
            return sweep(self, nodes, seeds)

        monkeypatch.setattr(Call, name, counted)
    wide, tall = (lambda x: [x[0] * x[1] * x[2]]), (lambda x: [x[0], x[0] ** 2, x[0] ** 3])
    jacobian(wide)([1.0, 2.0, 3.0])
    assert taken == ["back"]
    jacobian(tall)([1.0])
    assert taken == ["back", "forward"]
    jacobian(tall, mode="reverse")([1.0])
    assert taken[2:] == ["back"] * 3


# Refusals


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        ([1.0], r"\[1\.0\] \(list\).*jacobian"),
        (None, r"None \(NoneType\)"),
        ("2", r"'2' \(str\)"),
        (1j, r"1j \(complex\)"),
        ({"a": 1.0}, r"\{'a': 1\.0\} \(dict\)"),
    ],
)
def test_grad_says_what_came_back_if_no_number_did(returned, shown) -> None:
    def model(x):
        return returned

    for transform in (grad, value_and_grad, hessian, laplacian):
        with pytest.raises(TypeError, match=f"(?s)model return.*{shown}"):
            transform(model)(1.0)


def test_jacobian_says_what_came_back_and_where() -> None:
    def model(x):
        return {"x": [x, "b"]}

    with pytest.raises(TypeError, match=r"what model returns .* 'b' \(str\) at \['x'\]\[1\]"):
        jacobian(model)(1.0)


@pytest.mark.parametrize("wrong", ["1.0", None, 1j, [1.0, "a"], {"w": [None]}, np.array(["a"])])
def test_wrong_kinds_of_input_are_named(wrong) -> None:
    with pytest.raises(TypeError, match=r"argument 0 of <lambda> has to be a number or a Value"):
        grad(lambda x: 1.0)(wrong)


def own_error(x):
    raise TypeError("own")


def test_arguments_that_do_not_fit() -> None:
    def f(x, y=0.0):
        return x * y

    with pytest.raises(TypeError, match="called with 1 positional argument"):
        grad(f, 1)(2.0)
    with pytest.raises(TypeError, match=r"argnums .* not 'x' \(str\)"):
        grad(f, "x")
    with pytest.raises(TypeError, match="argnums"):
        grad(f, (0, 1.0))
    with pytest.raises(ValueError, match="twice"):
        grad(f, (0, -2))(1.0, 2.0)
    with pytest.raises(TypeError, match="primals are a tuple"):
        jvp(f, 1.0, 1.0)
    with pytest.raises(TypeError, match="the shape of the tangents is that of"):
        jvp(f, (1.0, 2.0), (1.0,))
    for transform in (jvp, hvp):
        with pytest.raises(TypeError, match=r"one argument of f: of a single argument w .* \(w,\)"):
            transform(lambda w: w[0], [1.0, 2.0], [1.0, 0.0])
        with pytest.raises(TypeError, match=r"^own$"):
            transform(own_error, [1.0], [1.0])
    with pytest.raises(TypeError, match="the shape of the tangents is that of"):
        hvp(lambda x: x[0], ([1.0, 2.0],), ([1.0],))
    with pytest.raises(TypeError, match="the shape of the cotangent is that of"):
        vjp(f, 1.0, 2.0)[1]([1.0])
    with pytest.raises(TypeError, match=r"tangents has to be .*'a'"):
        jvp(f, (1.0, 2.0), (1.0, "a"))
    with pytest.raises(ValueError, match=r'"forward", "reverse" or None, not \'both\''):
        jacobian(f, mode="both")
    with pytest.raises(TypeError, match=r"gradient .* not 3\.0 \(float\)"):
        gradient(Value(1.0), [3.0])
    with pytest.raises(TypeError, match="gradient"):
        gradient(3.0, [Value(1.0)])


def test_numpy_is_not_imported_for_numbers() -> None:
    code = (
        "import sys; from micrograd_bp.transforms import grad, hessian;"
        "hessian(lambda x: x[0] ** 2)([1.0, 2.0]); sys.exit('numpy' in sys.modules)"
    )
    run_python("-c", code)


def test_the_log_of_a_sum_under_every_transform() -> None:
    """One function, by hand: f = log(x0 + cos x1)."""
    x = [2.0, 0.5]
    s = 2.0 + math.cos(0.5)
    expected = [1.0 / s, -math.sin(0.5) / s]

    def f(x):
        return log(x[0] + cos(x[1]))

    assert grad(f)(x) == pytest.approx(expected)
    assert jvp(f, (x,), ([1.0, 2.0],))[1] == pytest.approx(expected[0] + 2.0 * expected[1])
    assert jacobian(f)(x) == pytest.approx(expected)


def test_kinks_keep_their_conventions() -> None:
    assert grad(relu)(0.0) == 0.0
    assert jvp(abs, (0.0,), (1.0,)) == (0.0, 0.0)
    assert grad(grad(relu))(1.0) == 0.0
    assert micrograd_bp.engine_kind() in ("pure", "compiled")


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian, laplacian])
def test_only_functions_are_differentiated(transform) -> None:
    with pytest.raises(TypeError, match=r"a function is differentiated, not 3 \(int\)$"):
        transform(3)
    with pytest.raises(TypeError, match=r"of a Value there is gradient\(E, \[x, \.\.\.\]\)"):
        transform(Value(1.0))
    with pytest.raises(TypeError, match=r"a list of Values: \[x\], not Value"):
        gradient(Value(1.0), Value(1.0))


# Arguments and results that change while a transform has them


def change(numbers, how):
    if how == "grow":
        numbers.append(5.0)
    elif how == "shrink":
        del numbers[0]
    else:
        numbers[:] = [[1.0], "no number"]


CHANGES = pytest.mark.parametrize("how", ["grow", "shrink", "replace"])


@CHANGES
def test_a_pullback_gives_the_shape_of_the_arguments_as_they_were(how):
    xs, ys = [2.0, 3.0], []

    def f(v):
        ys[:] = [v[0] * v[1], v[0]]
        return ys

    _, pullback = vjp(f, xs)
    change(xs, how)
    change(ys, how)
    assert pullback([1.0, 0.0]) == ([3.0, 2.0],)


@CHANGES
def test_a_function_that_changes_its_own_arguments_is_differentiated_where_it_was_called(how):
    xs = [2.0, 3.0]

    def f(v):
        product = v[0] * v[1]
        change(xs, how)
        change(v, how)
        return product

    def called(transform, *more):
        xs[:] = [2.0, 3.0]
        return transform(xs, *more)

    assert called(grad(f)) == [3.0, 2.0]
    assert called(value_and_grad(f)) == (6.0, [3.0, 2.0])
    assert called(jacobian(f)) == [3.0, 2.0]
    assert called(hessian(f)) == [[0.0, 1.0], [1.0, 0.0]]
    assert called(lambda v: jvp(f, (v,), ([1.0, 10.0],))) == (6.0, 23.0)
    assert called(lambda v: hvp(f, (v,), ([1.0, 10.0],))) == [10.0, 1.0]


@pytest.mark.parametrize("inputs", [3, None, Value, 2.5])
def test_gradient_says_that_it_takes_a_list(inputs: Any) -> None:
    y = Value(2.0) * 3.0
    with pytest.raises(TypeError, match="gradient takes a list of Values to differentiate by, not"):
        gradient(y, inputs)
    with pytest.raises(TypeError, match=r"one Value, not \[.*jacobian"):
        gradient([y, y], [y])  # type: ignore[arg-type]


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian, laplacian])
@pytest.mark.parametrize("point", [[1.0, 2.0], (1.0, 2.0), np.array([1.0, 2.0])])
def test_one_list_for_several_arguments_is_told_with_the_ways_out(
    transform: Any, point: Any
) -> None:
    with pytest.raises(
        TypeError, match=r"missing 1 .*'y'; it was called with one .*argnums=\(0, 1\)"
    ):
        transform(lambda x, y: x * y)(point)
    with pytest.raises(TypeError, match=r"2 were given; .* one list: grad\(f\)\(\[1.0, 2.0\]\)"):
        transform(lambda v: v[0] * v[1])(*point)


def test_an_error_of_the_function_itself_stays_as_it_is() -> None:
    with pytest.raises(TypeError, match=r"^my own$"):
        grad(_raises)([1.0, 2.0])


def _raises(x: Any) -> Any:
    raise TypeError("my own")


LOST: dict[str, Callable[[Callable[..., Any]], Any]] = {
    "grad": lambda f: grad(f)(3.0),
    "value_and_grad": lambda f: value_and_grad(f)(3.0),
    "jvp": lambda f: jvp(f, (3.0,), (1.0,)),
    "vjp": lambda f: vjp(f, 3.0)[1](1.0),
    "jacobian": lambda f: jacobian(f)(3.0),
    "hessian": lambda f: hessian(f)(3.0),
    "hvp": lambda f: hvp(f, (3.0,), (1.0,)),
    "laplacian": lambda f: laplacian(f)(3.0),
}


@pytest.mark.parametrize("f", [lambda x: Value(x.data**2), lambda x: 5.0, lambda x: x.detach()])
@pytest.mark.parametrize("call", LOST.values(), ids=LOST)
def test_every_transform_warns_once_of_a_result_that_depends_on_nothing(call: Any, f: Any) -> None:
    with pytest.warns(UserWarning, match="was not computed from what it is") as told:
        call(f)
    assert [warning.filename for warning in told] == [__file__]


def test_the_gradient_of_a_softmax_records_its_shares_once() -> None:
    x = [Value(0.1 * j) for j in range(6)]
    y = dot([float(i) for i in range(6)], softmax(x))

    def n_shares(slopes: list[Value]) -> int:
        nodes = topological_order(fsum(slopes))
        return sum(
            node.operation is not None and node.operation.name == "softmax" for node in nodes
        )

    assert n_shares(gradient(y, x)) == 6
    sweeps = Sweeps([y], x, as_graph=True)
    assert n_shares(sweeps.as_nodes(sweeps.back({y: 1.0})[leaf] for leaf in x)) == 6
