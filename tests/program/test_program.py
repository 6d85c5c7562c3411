"""Programs: a recorded graph, compiled, against the engine, the equations and other libraries."""

import html
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from own_process import run_python

from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    atan2,
    clip,
    dot,
    exp,
    fsum,
    gradient,
    log,
    logsumexp,
    relu,
    scope,
    softmax,
    sqrt,
    step,
    tanh,
    topological_order,
    where,
)
from micrograd_bp.book.backprop import total_derivatives
from micrograd_bp.program import Executor, Program
from micrograd_bp.program.instructions import scalar
from micrograd_bp.program.interpreter import Executor as Interpreter
from micrograd_bp.program.notation import result_names
from micrograd_bp.testing import GraphProgram, NetworkProgram, graphs, networks

ULP = 2.0**-52
SMOOTH = "add sub mul neg sin cos tanh sigmoid softplus atan asinh square dot erf".split()


def rounding(result: Value) -> float:
    """What rounding may change in a result: ulps of each node, times the result's slope there."""
    with allow_nonfinite():
        order = topological_order(result)
        for node in order:
            node.grad = 0.0
        result.backward()
        return 16.0 * ULP * math.fsum(abs(node.grad * node.data) for node in order) + 1e-300


def near_a_kink(root: Value) -> bool:
    """Whether a step may fall on either side, by the rounding of its operand."""
    return any(
        abs(distance) <= 1e-9 * max(1.0, *(abs(parent.data) for parent in node.parents))
        for node in topological_order(root)
        if node.parents
        for distance in distances_to_kinks(node)
    )


def distances_to_kinks(node: Value) -> list[float]:
    assert node.operation is not None
    name, (x, *others) = node.operation.name, [parent.data for parent in node.parents]
    if name in ("floor", "ceil", "trunc"):
        return [x - round(x)]
    if name == "round":
        scale = 10.0 ** node.operation.parameters[0]
        return [(x * scale % 1.0 - 0.5) / scale]
    if name in ("floordiv", "mod"):
        quotient = x / others[0]
        return [quotient - round(quotient)]
    if name in ("where", "step", "sign", "relu", "leaky_relu", "abs", "elu"):
        return [x]
    if name in ("maximum", "minimum"):
        return [x - others[0]]
    return [x - bound for bound in node.operation.parameters] if name == "clip" else []


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(graphs())
def test_a_program_of_one_point_gives_what_the_engine_gives(recipe: GraphProgram) -> None:
    evaluation = recipe.evaluate()
    root, leaves = evaluation.root, evaluation.inputs
    assume(not near_a_kink(root))
    half = len(leaves) // 2
    program = Program(root, inputs=leaves[:half], parameters=leaves[half:])
    data = [leaf.data for leaf in leaves]
    value, grad = program.value_and_grad(data[:half], data[half:])
    assert abs(value - root.data) <= rounding(root)
    assert program(data[:half], data[half:]) == value
    slopes = gradient(root, leaves[half:])
    for got, slope in zip(grad, slopes, strict=True):
        assert abs(got - slope.data) <= rounding(slope)


@settings(max_examples=15)
@given(networks(), st.sampled_from([1, 2, 31, 32, 33, 1000]))
def test_a_batch_gives_the_sum_of_the_points(recipe: NetworkProgram, n: int) -> None:
    model = recipe.build()
    x = [Value(number) for number in recipe.inputs]
    t = [Value(number) for number in recipe.targets]

    def error(inputs: Any, targets: Any) -> Value:
        y = model(inputs)
        outputs = y if isinstance(y, list) else [y]
        return fsum([(a - b) ** 2 for a, b in zip(outputs, targets, strict=True)])

    parameters = model.parameters()
    program = Program(error(x, t), inputs=[*x, *t], parameters=parameters)
    rows = np.random.default_rng(n).normal(size=(n, len(x) + len(t)))
    value, grad = program.value_and_grad(rows)
    errors = [error(row[: len(x)].tolist(), row[len(x) :].tolist()) for row in rows]
    for each in errors:
        each.backward()
    np.testing.assert_allclose(value, math.fsum(each.data for each in errors), rtol=1e-12)
    expected = [parameter.grad for parameter in parameters]
    np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-11 * max(map(abs, expected)))
    np.testing.assert_allclose(program(rows), [each.data for each in errors], rtol=1e-11)


@settings(max_examples=40)
@given(graphs(SMOOTH), st.integers(1, 70))
def test_the_interpreter_gives_what_the_compiled_program_gives(
    recipe: GraphProgram, n: int
) -> None:
    evaluation = recipe.evaluate()
    leaves = evaluation.inputs
    program = Program(evaluation.root, inputs=leaves[:1], parameters=leaves[1:])
    rows = recipe.inputs[0] * (1.0 + 1e-6 * np.arange(n)[:, None])
    found = program.value_and_grad(rows, errors="ignore")
    value, grad, _ = Interpreter(program._summed).run(rows, program._recorded)
    scale = max(abs(value), *np.abs(grad), 0.0)
    np.testing.assert_allclose(found[0], value, rtol=1e-10, atol=1e-12 * scale)
    np.testing.assert_allclose(found[1], grad, rtol=1e-9, atol=1e-10 * scale)


def test_functions_that_differ_in_the_sign_of_a_zero_stay_apart() -> None:
    y, z = Value(-1.0), Value(-1.0)
    angles = [atan2(clip(leaf, low, 1.0), -1.0) for low in (0.0, -0.0) for leaf in (y, z)]
    for executor in (Executor, Interpreter):
        program = Program(angles, [y, z])
        found = executor(program._forward).run(np.array([[-1.0, -1.0]]), np.empty(0))[1][0]
        assert found.tolist() == [math.pi, math.pi, -math.pi, -math.pi]
    assert Program(fsum(angles), [y, z])([-1.0, -1.0]) == fsum(angles).data == 0.0


def network_program(hidden: str = "tanh") -> tuple[Program, MLP]:
    model = MLP(2, [3, 2], hidden=hidden, seed=3)
    x = [Value(0.5, label="x1"), Value(-0.25, label="x2")]
    t = [Value(0.1, label="t1"), Value(0.2, label="t2")]
    error = 0.5 * fsum([(y - target) ** 2 for y, target in zip(model(x), t, strict=True)])
    return Program(error, inputs=[*x, *t], parameters=model.parameters()), model


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
def test_the_network_gives_the_derivatives_of_the_equations(hidden: str) -> None:
    program, model = network_program(hidden)
    weights = [
        [[n.b.data, *(w.data for w in n.w)] for n in layer.neurons] for layer in model.layers
    ]
    data = np.random.default_rng(0).normal(size=(40, 4))
    value, grad = program.value_and_grad(data)
    by_the_book = total_derivatives(
        weights, data[:, :2].tolist(), data[:, 2:].tolist(), hidden=hidden
    )
    flat = [
        number for layer in by_the_book for bias, *weights in layer for number in (*weights, bias)
    ]
    np.testing.assert_allclose(grad, flat, rtol=1e-12, atol=1e-14)
    assert value > 0.0


def test_a_hessian_is_a_program_of_a_gradient_of_a_gradient() -> None:
    a, b, x = Value(0.3), Value(-0.4), Value(2.0)
    error = (a * tanh(b * x) - 1.0) ** 2
    slopes = gradient(error, [a, b])
    rows = [second for slope in slopes for second in gradient(slope, [a, b])]
    program = Program(rows, inputs=[x], parameters=[a, b])
    at = np.array([0.7, 0.2])
    (hessian,) = program([[1.5]], at)
    z = math.tanh(0.3)
    z1 = 1.5 * (1.0 - z * z)
    z2 = -2.0 * z * (1.0 - z * z) * 1.5**2
    residual = 0.7 * z - 1.0
    mixed = 2.0 * z * 0.7 * z1 + 2.0 * residual * z1
    expected = [2 * z * z, mixed, mixed, 2.0 * (0.7 * z1) ** 2 + 2.0 * residual * 0.7 * z2]
    np.testing.assert_allclose(hessian, expected, rtol=1e-12)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    program, _ = network_program()
    data = np.random.default_rng(1).normal(size=(20_001, 4))
    value, grad = program.value_and_grad(data)
    for threads in (2, 3, 8):
        again, same = program.value_and_grad(data, threads=threads)
        assert again == value
        assert same.tolist() == grad.tolist()
        assert program(data, threads=threads).tolist() == program(data).tolist()


def test_programs_can_run_in_several_threads_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    program, _ = network_program()
    batches = [np.random.default_rng(i).normal(size=(500, 4)) for i in range(8)]
    alone = [program.value_and_grad(batch)[0] for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda batch: program.value_and_grad(batch)[0], batches * 20))
    assert together == alone * 20


# What the passes do


def test_equal_parts_are_computed_once_and_dead_ones_never() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    tanh(x * 5.0)
    program = Program(exp(w * x) + exp(x * w), inputs=[x], parameters=[w])
    assert str(program).count("= exp") == 1
    assert "tanh" not in str(program)


def test_constants_are_folded_and_the_listing_says_what_is_constant() -> None:
    x, c = Value(2.0, label="x"), Value(0.5)
    program = Program(x * (exp(c) + 1.0), inputs=[x])
    assert str(program) == (
        "program of 1 input and 0 parameters: 0 instructions a call, 0 a data point, in 1 row\n"
        "constants:\n"
        f"  c0 = {math.exp(0.5) + 1.0}\n"
        "for each data point:\n"
        "  E += x c0"
    )


def test_factors_that_round_nothing_become_one() -> None:
    x, t = Value(1.5, label="x"), Value(2.0, label="t")
    program = Program([4.0 * (0.5 * x), 3.0 * (0.5 * x), 0.25 * (t * 4.0)], inputs=[x, t])
    units = [one.function.key for one in scalar(program._forward).each]  # type: ignore[union-attr]
    assert units.count("mul") == 3  # 2 x, and not that of 3, whose product is rounded
    assert program([1.1, 0.7]).tolist() == [2.2, 3.0 * (0.5 * 1.1), 0.7]
    w = Value(3.0, label="w")
    error = Program((w * x - t).square() / 2.0, inputs=[x, t], parameters=[w])
    assert "dE/dw += r0 x" in str(error)  # (y - t) x: the 2 and the 1/2 are gone
    assert str(error).count("= mul") == 1


def test_what_depends_on_parameters_only_is_computed_once_a_call() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    with scope("layer1"):
        e = exp(w)
        e.label = "e"
    program = Program(tanh(x + e), inputs=[x], parameters=[w])
    listing = str(program)
    assert "once a call:\n  s0 = exp w" in listing
    assert "; layer1 e" in listing
    assert program([0.0], [0.0]) == pytest.approx(math.tanh(1.0))


def test_plain_operators_become_weighted_sums() -> None:
    x = [Value(0.1 * i, label=f"x{i}") for i in range(5)]
    w = [Value(0.2 * i - 0.3, label=f"w{i}") for i in range(5)]
    b = Value(0.7, label="b")
    plain = sum((wi * xi for wi, xi in zip(w, x, strict=True)), b)
    program = Program([plain], inputs=x, parameters=[*w, b])
    assert "A1 = W1 x + b1" in str(program)
    few = Program([w[0] * x[1] + b], inputs=x[1:2], parameters=[*w, b])
    assert "r0 = b + w0 x1" in str(few)
    data = np.random.default_rng(0).normal(size=(9, 5))
    np.testing.assert_allclose(
        program(data)[:, 0], data @ [each.data for each in w] + 0.7, rtol=1e-14, atol=1e-15
    )


def test_rows_are_used_again() -> None:
    x = Value(0.3)
    y: Value = x
    for _ in range(1000):
        y = tanh(y)
    program = Program([y], inputs=[x])
    assert "in 2 rows" in str(program)
    assert program([0.3])[0] == pytest.approx(y.data, rel=1e-12)


@pytest.mark.slow
def test_a_chain_of_a_hundred_thousand_nodes() -> None:
    x, w = Value(0.3), Value(1.0)
    y = w * x
    for _ in range(50_000):
        y = y * w + 1e-6
    program = Program(y, inputs=[x], parameters=[w])
    value, grad = program.value_and_grad([[0.3], [0.3]])
    assert value == pytest.approx(2.0 * y.data, rel=1e-9)
    y.backward()
    assert grad[0] == pytest.approx(2.0 * w.grad, rel=1e-9)


def test_shared_weights_and_weights_that_do_nothing() -> None:
    w, unused, x = Value(2.0), Value(5.0), Value(3.0)
    value, grad = Program(w * x + w * w, inputs=[x], parameters=[w, unused]).value_and_grad(
        [[1.0], [2.0]]
    )
    assert value == 14.0
    assert grad.tolist() == [1.0 + 2.0 + 2 * 4.0, 0.0]


def test_an_output_that_depends_on_no_input_or_on_nothing() -> None:
    w, x = Value(2.0), Value(3.0)
    with pytest.warns(UserWarning, match=r"inputs\[0\], Value\(3.0\), is not in the graph"):
        program = Program(w * w, inputs=[x], parameters=[w])
    assert program([[1.0], [2.0]]).tolist() == [4.0, 4.0]
    value, grad = program.value_and_grad(np.zeros((10, 1)))
    assert (value, grad.tolist()) == (40.0, [40.0])
    with pytest.warns(UserWarning, match="is not in the graph"):
        constant = Program(Value(7.0), inputs=[x])
    assert constant([1.0]) == 7.0
    assert constant.value_and_grad([[1.0], [1.0], [1.0]])[0] == 21.0
    identity = Program(x, inputs=[x])
    assert identity([[1.0], [4.0]]).tolist() == [1.0, 4.0]
    assert Program(w, parameters=[w]).value_and_grad() == (2.0, [1.0])


def test_softmax_and_logsumexp_share_their_exponentials() -> None:
    x = [Value(0.1 * i, label=f"x{i}") for i in range(4)]
    program = Program(softmax(x), inputs=x)
    units = [one.function.key for one in scalar(program._forward).each]  # type: ignore[union-attr]
    assert units.count("exp_of_difference") == 4
    point = [1000.0, 0.0, -1000.0, 999.0]
    shares = program(point)
    assert shares.sum() == pytest.approx(1.0, abs=1e-15)
    assert shares[0] == pytest.approx(1.0 / (1.0 + math.exp(-1.0)), rel=1e-15)
    loss = Program(logsumexp(x) - x[1], parameters=x)
    value, grad = loss.value_and_grad((), point)
    assert value == pytest.approx(1000.0 + math.log1p(math.exp(-1.0)), rel=1e-15)
    np.testing.assert_allclose(grad, shares - [0, 1, 0, 0], rtol=1e-15)


def test_a_branch_is_recorded_and_where_is_not() -> None:
    x = Value(2.0)
    program = Program(where(x - 1.0, exp(x), x), inputs=[x])
    assert program([[1.0], [2.0]]).tolist() == [1.0, pytest.approx(math.exp(2.0), rel=1e-15)]


# What comes in


def two_inputs() -> Program:
    x, y, w = Value(1.0, label="x"), Value(2.0, label="y"), Value(3.0, label="w")
    return Program(w * x + y, inputs=[x, y], parameters=[w])


@pytest.mark.parametrize(
    "inputs",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], dtype=np.int8),
        np.array([[1, 2], [3, 4]], dtype=np.float32),
        np.array([[1.0, 2.0], [3.0, 4.0]], order="F"),
        np.array([[1.0, 0, 2.0, 0], [3.0, 0, 4.0, 0]])[:, ::2],
        np.array([[1.0, 2.0], [3.0, 4.0]]).astype(">f8"),
        ((1.0, 2.0), (3.0, 4.0)),
    ],
)
def test_any_real_array_will_do(inputs: Any) -> None:
    assert two_inputs()(inputs, [10]).tolist() == [12.0, 34.0]


def test_a_read_only_array_will_do_and_none_is_written() -> None:
    data, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0])
    data.flags.writeable = weights.flags.writeable = False
    value, grad = two_inputs().value_and_grad(data, weights)
    assert (value, grad.tolist()) == (46.0, [4.0])
    grad[0] = 0.0  # the result is the caller's


def test_no_data_points() -> None:
    program = two_inputs()
    assert program(np.empty((0, 2))).shape == (0,)
    value, grad = program.value_and_grad(np.empty((0, 2)))
    assert (value, grad.tolist()) == (0.0, [0.0])


@pytest.mark.parametrize(
    ("inputs", "parameters", "error", "message"),
    [
        ([1.0], [1.0], ValueError, r"\(2,\) for one data point or \(N, 2\).*for each of x, y"),
        ([[1.0, 2.0, 3.0]], [1.0], ValueError, r"these have the shape \(1, 3\)"),
        (1.0, [1.0], ValueError, r"these have the shape \(\)"),
        ([[[1.0, 2.0]]], [1.0], ValueError, r"\(1, 1, 2\)"),
        ([1.0, 2.0], [1.0, 2.0], ValueError, r"one number for each of w; .* \(2,\)"),
        ([1.0, 2.0], 1.0, ValueError, r"shape \(\)"),
        (["a", "b"], [1.0], TypeError, "real numbers"),
        ([1.0, 2j], [1.0], TypeError, "real numbers, not of the type complex128"),
        ([[1.0, 2.0], [1.0]], [1.0], ValueError, "rows of one length"),
        ([None, 1.0], [1.0], TypeError, "real numbers, not of the type object"),
        ([Value(1.0), 2.0], [1.0], TypeError, "real numbers"),
    ],
)
def test_wrong_arguments_are_named(
    inputs: Any, parameters: Any, error: type[Exception], message: str
) -> None:
    program = two_inputs()
    for call in (program, program.value_and_grad):
        with pytest.raises(error, match=message):
            call(inputs, parameters)


def test_wrong_options_are_named() -> None:
    program = two_inputs()
    with pytest.raises(ValueError, match="threads is a number of threads"):
        program([1.0, 2.0], threads=0)
    with pytest.raises(ValueError, match="errors is 'raise' or 'ignore', not 'warn'"):
        program([1.0, 2.0], errors="warn")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="one output"):
        Program([Value(1.0)]).value_and_grad()


def test_wrong_graphs_are_named() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = w * x
    with pytest.raises(TypeError, match="outputs of a program are a list of Values, not 3"):
        Program(3.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="inputs of a program are Values, and in the list is 1"):
        Program(y, inputs=[1.0])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="inputs of a program are a list"):
        Program(y, inputs=x)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one output"):
        Program([])
    with pytest.raises(ValueError, match=r"are leaves, and the input .* was computed"):
        Program(y + 1.0, inputs=[y])
    with pytest.raises(ValueError, match="there twice, as parameter and as input"):
        Program(y, inputs=[x], parameters=[w, x])


def test_a_graph_whose_data_was_changed_is_refused() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = exp(x) * w
    x.data = 5.0
    with pytest.raises(ValueError, match="changed since"):
        Program(y, inputs=[x], parameters=[w])
    with pytest.raises(ValueError, match="changed since"):
        Program(y, inputs=[x, w])


def test_a_condition_that_is_a_bool_is_refused() -> None:
    x = Value(2.0, label="x")
    with pytest.raises(ValueError, match=r"was a bool or a number.*where\(step\(x\)"):
        Program(where(x > 0.0, 3.0 * x, x * x), inputs=[x])
    x = Value(2.0, label="x")
    program = Program(where(step(x), 3.0 * x, x * x), inputs=[x])
    assert program([[-2.0], [2.0]]).tolist() == [4.0, 6.0]


def test_a_listing_tells_equal_labels_apart() -> None:
    program, _ = network_program()
    names = result_names(program._forward, program._names)
    assert "dE/dlayer1/neuron1/w_10" in names
    assert "dE/dlayer2/neuron1/w_10" in names


def test_a_pole_at_the_recorded_point_is_refused() -> None:
    w, x = Value(0.0, label="w"), Value(0.0)
    with pytest.raises(ValueError, match="record it at another data point"):
        Program(sqrt(w) * x, inputs=[x], parameters=[w])


# Numbers that are not finite


def test_a_result_that_is_not_finite_names_operation_and_data_point() -> None:
    x, w = Value(2.0, label="x"), Value(1.0, label="w")
    with scope("layer1/neuron1"):
        z = log(w * x)
    z.label = "z_1"
    program = Program(z, inputs=[x], parameters=[w])
    data = np.ones((3000, 1))
    data[2999] = -1.0
    data[2100] = 0.0
    message = r"log layer1/neuron1 z_1 of 0.0 is -inf, at data point 2100; .*errors=\"ignore\""
    with pytest.raises(FloatingPointError, match=message):
        program(data)
    with pytest.raises(FloatingPointError, match=message):
        program.value_and_grad(data)
    with pytest.raises(FloatingPointError, match=r"of -1.0 is nan; to get"):
        program([-1.0])
    ignored = program(data, errors="ignore")
    assert np.isinf(ignored[2100])
    assert np.isnan(ignored[2999])
    assert ignored[0] == 0.0


def test_nan_that_comes_in_goes_through() -> None:
    program = two_inputs()
    assert np.isnan(program([math.nan, 1.0]))
    value, _ = program.value_and_grad([[math.inf, 1.0], [1.0, 1.0]])
    assert value == math.inf
    assert program([1.0, 1.0], [math.inf]) == math.inf
    with pytest.raises(FloatingPointError, match="is inf, at data point 1"):
        program([[math.nan, 1.0], [1e300, 1.0]], [1e300])


def test_a_sum_too_large_is_named() -> None:
    x = Value(1.0)
    with pytest.raises(FloatingPointError, match="sum over the data points"):
        Program(x, inputs=[x]).value_and_grad([[1.5e308], [1.5e308]])


def test_an_intermediate_infinity_that_does_not_show_is_fine() -> None:
    x = Value(1.0)
    program = Program(1.0 / (1.0 + exp(x)), inputs=[x])
    assert program([1000.0]) == 0.0


# Travelling


def test_a_program_pickles_and_runs_in_another_process() -> None:
    program, _ = network_program("silu")
    data = np.random.default_rng(0).normal(size=(50, 4))
    value, _ = program.value_and_grad(data)
    code = (
        "import pickle, sys, numpy as np\n"
        "program = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "data = np.random.default_rng(0).normal(size=(50, 4))\n"
        "print(repr(program.value_and_grad(data)[0]))"
    )
    assert float(run_python("-c", code, pickle.dumps(program).hex()).stdout) == value
    assert str(pickle.loads(pickle.dumps(program))) == str(program)


def test_a_pickle_holds_numbers_and_names_only() -> None:
    import pickletools

    program, _ = network_program()
    names = {
        argument
        for opcode, argument, _ in pickletools.genops(pickle.dumps(program, protocol=2))
        if opcode.name == "GLOBAL"
    }
    assert names <= {"micrograd_bp.program Program", "copyreg _reconstructor", "__builtin__ object"}


def test_numpy_runs_the_trace() -> None:
    program, _ = network_program("gelu")
    data = np.random.default_rng(0).normal(size=(50, 4))
    traced = program.trace(np)
    np.testing.assert_allclose(traced(data, program._recorded), program(data), rtol=1e-12)
    assert traced(data[0], program._recorded) == pytest.approx(program(data[0]), rel=1e-12)


def test_a_trace_of_numpy_gives_arrays_of_the_caller_s_own() -> None:
    x, w = Value(1.0), Value(2.0)
    X = np.ones((3, 1))
    for program in (Program(w * x, [x], [w]), Program(x * 1.0, [x]), Program([x, w], [x], [w])):
        found = program.trace(np)(X)
        found += 1.0
    assert (X == 1.0).all()


def test_only_known_libraries_run_it() -> None:
    with pytest.raises(TypeError, match=r"numpy, jax.numpy or torch, not <module 'math'"):
        two_inputs().trace(math)


def test_a_listing_of_many_instructions_is_shortened() -> None:
    x = Value(0.5)
    y: Value = x
    for _ in range(300):
        y = relu(y) + dot([x, y], [y, x])
    lines = str(Program([y], inputs=[x])).splitlines()
    assert len(lines) < 120
    assert any("more" in line for line in lines)


def test_a_notebook_shows_the_listing_and_how_to_see_all_of_a_long_one() -> None:
    x, w = Value(0.5, "x<$a$>"), Value(2.0, "w")
    program = Program(tanh(w * x), [x], [w])
    shown = program._repr_html_()
    text = html.unescape(shown.replace("<span>$</span>", "$"))
    assert text == f"<pre>{program}</pre>"
    assert "x&lt;<span>$</span>a" in shown
    y: Value = x
    for _ in range(300):
        y = relu(y) + dot([x, y], [y, x])
    program = Program([y], inputs=[x])
    *lines, last = program._repr_html_().removesuffix("</pre>").splitlines()
    n = len(str(program).splitlines())
    assert (len(lines), last) == (40, f"... {n - 40} more lines: print(program)")
    assert repr(program) == "<Program of 1 input, 0 parameters and 1 output>"


@example(1)
@given(st.integers(1, 300))
@settings(max_examples=20)
def test_a_point_and_a_batch_of_one_and_of_many_agree(n: int) -> None:
    program, _ = network_program("sigmoid")
    data = np.random.default_rng(n).normal(size=(n, 4))
    together = program(data)
    assert together.tolist() == pytest.approx([program(row) for row in data], rel=1e-13)
    assert program.value_and_grad(data[:1])[0] == pytest.approx(program(data[0]), rel=1e-13)


def test_both_executors_fit() -> None:
    program = two_inputs()
    for executor in (Executor, Interpreter):
        run = executor(program._forward).run
        assert run([1.0, 2.0], np.ones(1)) is None
        assert run(np.ones(3), np.ones(1)) is None
        assert run(np.ones(2), np.ones((1, 1))) is None
        assert run(np.ones(2, dtype=np.float32), np.ones(1)) is None
