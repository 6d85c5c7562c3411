"""Layers found in a graph of single units: what is found, and that it means what the units mean."""

import json
import random
from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from micrograd_bp import (
    MLP,
    Value,
    dot,
    exp,
    fsum,
    log,
    logsumexp,
    scope,
    softmax,
    step,
    tanh,
)
from micrograd_bp.program import Executor, Program
from micrograd_bp.program.instructions import (
    Gather,
    Instruction,
    Map,
    Plan,
    Product,
    Sum,
    Sums,
    Weights,
    scalar,
)
from micrograd_bp.program.interpreter import Executor as Interpreter
from micrograd_bp.program.plain import from_plain, to_plain
from micrograd_bp.testing import GraphProgram, graphs

EXECUTORS = [Executor, Interpreter]
Leaves = list[Value]


def leaves(n: int, label: str, rng: random.Random) -> Leaves:
    return [Value(rng.uniform(-1.0, 1.0), label=f"{label}{i}") for i in range(n)]


def flat(lists: list[Leaves]) -> Leaves:
    return [*chain.from_iterable(lists)]


def network(sizes: list[int], hidden: str = "tanh") -> Program:
    rng = random.Random(0)
    model = MLP(sizes[0], sizes[1:], hidden=hidden, seed=1)
    x, t = leaves(sizes[0], "x", rng), leaves(sizes[-1], "t", rng)
    outputs = model(x)
    y = outputs if isinstance(outputs, list) else [outputs]
    error = 0.5 * sum((a - b) ** 2 for a, b in zip(y, t, strict=True))
    assert isinstance(error, Value)
    return Program(error, [*x, *t], model.parameters())


def loops(sizes: list[int]) -> Program:
    """The same by two loops of plain operators."""
    rng = random.Random(0)
    x, t = leaves(sizes[0], "x", rng), leaves(sizes[-1], "t", rng)
    parameters: Leaves = []
    z = x
    for layer, (n, m) in enumerate(pairwise(sizes)):
        a = []
        for _ in range(m):
            w, (b,) = leaves(n, "w", rng), leaves(1, "b", rng)
            parameters += [*w, b]
            total = b
            for wi, zi in zip(w, z, strict=True):
                total = total + wi * zi
            a.append(total)
        z = a if layer == len(sizes) - 2 else [tanh(each) for each in a]
    error = (z[0] - t[0]) ** 2
    for y, target in zip(z[1:], t[1:], strict=True):
        error = error + (y - target) ** 2
    return Program(0.5 * error, [*x, *t], parameters)


def mixture(dimensions: int = 3, components: int = 5) -> Program:
    """The negative logarithm of a mixture of normal densities."""
    rng = random.Random(0)
    x = leaves(dimensions, "x", rng)
    weights = leaves(components, "a", rng)
    means = [leaves(dimensions, f"m{k}_", rng) for k in range(components)]
    scales = [leaves(dimensions, f"s{k}_", rng) for k in range(components)]
    terms = []
    for a, m, s in zip(weights, means, scales, strict=True):
        z = [(xi - mi) * exp(si) for xi, mi, si in zip(x, m, s, strict=True)]
        terms.append(a + fsum(s) - 0.5 * sum(zi * zi for zi in z))
    error = logsumexp(weights) - logsumexp(terms)
    return Program(error, x, [*weights, *flat(means), *flat(scales)])


def steps_of_time(width: int = 4, length: int = 5) -> Program:
    """A recurrent network, unrolled: h = tanh(U h + V x_t)."""
    rng = random.Random(0)
    x = [leaves(2, f"x{t}_", rng) for t in range(length)]
    U = [leaves(width, "u", rng) for _ in range(width)]
    V = [leaves(2, "v", rng) for _ in range(width)]
    h: Leaves = [Value(0.1 * i) for i in range(width)]
    for xt in x:
        h = [tanh(dot(u, h) + dot(v, xt)) for u, v in zip(U, V, strict=True)]
    return Program(fsum([each**2 for each in h]), flat(x), [*flat(U), *flat(V)])


def attention(positions: int = 4, heads: int = 2, size: int = 3) -> Program:
    """Heads that attend to the positions before, as in a transformer of scalars."""
    rng = random.Random(0)
    width = heads * size
    x = [leaves(width, f"x{t}_", rng) for t in range(positions)]
    matrices = [[leaves(width, "w", rng) for _ in range(width)] for _ in range(4)]
    Q, K, V, O = matrices  # noqa: E741
    query, key, value = ([[dot(w, xt) for w in m] for xt in x] for m in (Q, K, V))
    losses = []
    for t in range(positions):
        mixed: Leaves = []
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            scores = [dot(query[t][part], key[s][part]) / size**0.5 for s in range(t + 1)]
            shares = softmax(scores)
            values = [value[s][part] for s in range(t + 1)]
            mixed += [dot(shares, [v[i] for v in values]) for i in range(size)]
        y = [xi + dot(w, mixed) for w, xi in zip(O, x[t], strict=True)]
        losses.append(logsumexp(y) - y[t])
    return Program(fsum(losses), flat(x), [w for m in matrices for w in flat(m)])


def products_of_computed_numbers() -> Program:
    """A layer whose weights are computed of each data point, and its bias a parameter."""
    rng = random.Random(0)
    x, c, (b,) = leaves(6, "x", rng), leaves(6, "c", rng), leaves(1, "b", rng)
    h, g = ([tanh(u * v) for u, v in zip(x[i : i + 3], c[i : i + 3])] for i in (0, 3))
    return Program(dot(h, g, b), x, [*c, b])


def layer_with_biases_of_the_data() -> Program:
    """A layer of parameters alone, whose biases are the inputs."""
    rng = random.Random(0)
    W = [leaves(3, "w", rng) for _ in range(4)]
    x, b = leaves(3, "x", rng), leaves(4, "b", rng)
    return Program(fsum([tanh(dot(w, x, bias)) for w, bias in zip(W, b)]), b, [*flat(W), *x])


def layers_of_many_kinds() -> Program:
    """Factors and weights in any order, constant weights, biases and operands of many blocks."""
    rng = random.Random(0)
    x, w, p = leaves(4, "x", rng), leaves(20, "w", rng), leaves(8, "p", rng)
    biases = [*p[:2], *map(exp, p[2:4]), *map(tanh, p[4:6])]
    rows = [rng.sample(w, 4) for _ in biases]
    orders = [rng.sample(range(4), 4) for _ in biases]
    h = [tanh(dot(row, [x[k] for k in order], b)) for row, order, b in zip(rows, orders, biases)]
    fixed = [dot([0.1 * (j + k) for k in range(4)], [h[k] for k in orders[j]]) for j in range(5)]
    z = [exp(dot(w[4 * j : 4 * j + 4], fixed[1:], p[j])) for j in range(5)]
    pairs = [z_j * p_j for z_j, p_j in zip(z, p[::-1])]
    sums = [tanh(fsum([h[j], fixed[j], x[j], z[4 - j], pairs[j]])) for j in range(4)]
    return Program(fsum([*sums, *pairs, h[5]]), x, [*w, *p])


MODELS: list[Callable[[], Program]] = [
    lambda: network([3, 4, 2]),
    lambda: network([2, 5, 5, 1], "sigmoid"),
    lambda: network([1, 4, 4, 3], "relu"),
    lambda: network([4, 3, 3], "gelu"),
    lambda: loops([3, 4, 2]),
    mixture,
    steps_of_time,
    attention,
    products_of_computed_numbers,
    layer_with_biases_of_the_data,
    layers_of_many_kinds,
]


def results(plan: Plan, points: Any, parameters: Any, executor: Any = Interpreter) -> Any:
    first, others, _ = executor(plan).run(points, parameters)
    return np.array([first, *others]) if plan.n_sums else others


@pytest.mark.parametrize("make", MODELS)
def test_a_wide_instruction_means_what_its_units_mean(make: Any) -> None:
    program = make()
    n_inputs = program._forward.n_inputs
    points = np.random.default_rng(0).normal(size=(37, n_inputs))
    parameters = program._recorded * 1.1
    for plan in (program._forward, program._summed):
        assert any(isinstance(step, (Map, Product)) for step in plan.each)
        units = scalar(plan)
        assert {*map(type, (*units.once, *units.each))} <= {Instruction, Sum}
        expected = results(units, points, parameters)
        scale = 1e-13 * np.abs(expected).max()
        for executor in EXECUTORS:
            found = results(plan, points, parameters, executor)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=scale)


@pytest.mark.parametrize("make", MODELS)
def test_layers_compute_what_the_engine_computes(make: Any) -> None:
    program = make()
    points = np.random.default_rng(1).normal(size=(3, program._forward.n_inputs))
    value, grad = program.value_and_grad(points)
    found = [program.value_and_grad(point) for point in points]
    assert value == pytest.approx(sum(each for each, _ in found), rel=1e-12)
    total = sum(each for _, each in found)
    np.testing.assert_allclose(grad, total, rtol=1e-11, atol=1e-13 * np.abs(total).max())
    step = 1e-6
    for k in range(0, len(grad), 1 + len(grad) // 7):
        moved = [program._recorded.copy() for _ in range(2)]
        moved[0][k] += step
        moved[1][k] -= step
        up, down = (program(points, weights).sum() for weights in moved)
        assert grad[k] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("n", [1, 5, 37])
def test_a_data_point_has_the_same_bits_wherever_it_stands(executor: Any, n: int) -> None:
    for program in (network([2, 16, 16, 1]), network([5, 40, 10])):
        points = np.random.default_rng(n).normal(size=(n, program._forward.n_inputs))
        order = np.random.default_rng(n).permutation(n)
        run = executor(program._forward).run
        _, there, _ = run(points, program._recorded)
        _, elsewhere, _ = run(points[order], program._recorded)
        assert elsewhere.tolist() == there[order].tolist()


@given(graphs())
def test_in_any_graph_wide_means_unit_by_unit(recipe: GraphProgram) -> None:
    evaluation = recipe.evaluate()
    values = evaluation.inputs
    half = len(values) // 2
    program = Program(evaluation.root, inputs=values[:half], parameters=values[half:])
    point = np.array([[leaf.data for leaf in values[:half]]] * 2)
    assert program._summed is not None
    with np.errstate(all="ignore"):
        expected = results(scalar(program._summed), point, program._recorded)
        found = results(program._summed, point, program._recorded)
    scale = 1e-12 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=scale)


# What is found


def kinds(program: Program) -> list[str]:
    assert program._summed is not None
    return [type(step).__name__ for step in (*program._summed.once, *program._summed.each)]


def scalar_steps(program: Program) -> list[Any]:
    assert program._summed is not None
    steps = (*program._summed.once, *program._summed.each)
    return [step for step in steps if isinstance(step, Instruction)]


def test_a_network_has_a_few_instructions_whatever_its_size() -> None:
    small, large = network([3, 4, 5, 2]), network([7, 13, 11, 6])
    assert kinds(small) == kinds(large)
    count = Counter(kinds(large))
    assert count["Product"] == 6  # three layers, two transposed, and the sum of squares
    assert count["Sums"] == 6  # dE/dW and dE/db of each layer
    assert "Gather" not in count


def test_loops_of_plain_operators_become_the_same_layers() -> None:
    assert Counter(kinds(loops([7, 5, 3]))) == Counter(kinds(network([7, 5, 3])))


@pytest.mark.parametrize(
    ("activation", "derivative"),
    [("relu", "step"), ("sigmoid", "logistic_density"), ("tanh", "sech2")],
)
def test_an_activation_is_followed_by_its_derivative(activation: str, derivative: str) -> None:
    program = network([3, 4, 2], activation)
    assert program._summed is not None
    maps = [step for step in program._summed.each if isinstance(step, Map)]
    at = next(i for i, step in enumerate(maps) if step.function.key == activation)
    assert maps[at + 1].function.key == derivative
    assert maps[at + 1].operands == maps[at].operands


def test_the_backward_pass_reads_the_same_weights_transposed() -> None:
    program = network([3, 4, 2])
    assert program._summed is not None
    products = [step for step in program._summed.each if isinstance(step, Product)]
    weights = {step.weights for step in products}
    first, down, across = products[1].weights
    assert (down, across) == (5, 1)  # from unit to unit its weights and its bias
    assert Weights(first, across, down) in weights


def test_weights_in_any_order_are_gathered_once_a_call() -> None:
    rng = random.Random(5)
    x = leaves(3, "x", rng)
    w = leaves(12, "w", rng)
    rng.shuffle(w)
    y = [tanh(dot(w[3 * j : 3 * j + 3], x)) for j in range(4)]
    program = Program(fsum(y), x, sorted(w, key=lambda each: each.label))
    assert [type(step) for step in program._forward.once] == [Gather]
    assert [type(step) for step in program._forward.each][:2] == [Product, Map]
    assert program([0.1, 0.2, 0.3]) == pytest.approx(
        sum(np.tanh(np.array([each.data for each in w]).reshape(4, 3) @ [0.1, 0.2, 0.3])), rel=1e-14
    )


def test_components_and_heads_are_maps_though_they_are_no_layers() -> None:
    few, many = (scalar_steps(mixture(4, n)) for n in (5, 9))
    assert len(many) == len(few)


def test_many_terms_of_one_derivative_are_summed_each() -> None:
    """A weight used at each of many times: no product is stored."""
    program = steps_of_time(4, 5)
    assert program._summed is not None
    sums = [step for step in program._summed.each if isinstance(step, Sums) and step.depth]
    assert Counter(step.results for step in sums).most_common(1)[0][1] == 5


def test_what_has_no_partner_stays_as_it_is() -> None:
    x, w = Value(1.0, label="x"), Value(2.0, label="w")
    program = Program(tanh(exp(w * x) - w), [x], [w])
    assert {*kinds(program)} == {"Instruction", "Sum"}


def test_a_fault_names_the_unit_and_the_data_point() -> None:
    x = [Value(1.0, label=f"x{i}") for i in range(3)]
    logarithms = []
    for j, each in enumerate(x):
        with scope(f"layer1/neuron{j}"):
            logarithms.append(log(each))
        logarithms[-1].label = f"z_{j}"
    program = Program(dot(logarithms, x), x)
    assert any(isinstance(step, Map) for step in program._forward.each)
    message = r"log layer1/neuron1 z_1 of -2.0 is nan, at data point 1"
    with pytest.raises(FloatingPointError, match=message):
        program([[1.0, 1.0, 1.0], [1.0, -2.0, 1.0], [-1.0, 1.0, 1.0]])


# The listing


def test_a_step_of_the_users_own_is_listed_as_such() -> None:
    x, y, w, v = (Value(1.0, label=label) for label in "xywv")
    assert "step(" in str(Program(step(x) * w + step(y) * v, [x, y], [w, v]))


def test_a_network_reads_as_the_equations_of_its_layers() -> None:
    rng = random.Random(1)
    model = MLP(2, [3, 2], hidden="tanh", output="linear", seed=1)
    x, t = leaves(2, "x", rng), leaves(2, "t", rng)
    error = 0.5 * sum((y - tk) ** 2 for y, tk in zip(model(x), t, strict=True))
    lines = str(Program(error, [*x, *t], model.parameters())).splitlines()
    assert [line.partition(";")[0].strip() for line in lines[4:]] == [
        "A1 = W1 x + b1",
        "Z1 = tanh(A1)",
        "A2 = W2 Z1 + b2",
        "Delta2 = A2 - t",
        "dE/dW2 += Delta2 Z1^T",
        "dE/db2 += Delta2",
        "R = Delta2^T Delta2",
        "E += R c0",
        "Delta1 = tanh'(A1) * (W2^T Delta2)",
        "dE/dW1 += Delta1 x^T",
        "dE/db1 += Delta1",
    ]
    assert lines[4].endswith("; layer1, 3 x 2")


@pytest.mark.parametrize("make", MODELS)
def test_every_listing_can_be_written(make: Any) -> None:
    program = make()
    assert "program of" in str(program)


# Files


@pytest.mark.parametrize("make", MODELS)
def test_a_wide_plan_comes_back_whole(make: Any) -> None:
    parts = make()._parts()
    assert from_plain(to_plain(parts)) == parts
    assert from_plain(json.loads(json.dumps(to_plain(parts)))) == parts


def damaged(kind: str, changes: dict[int, Any]) -> Any:
    """A network's plan with something else in its first step of a kind."""
    data: Any = json.loads(json.dumps(to_plain(network([3, 4, 2])._parts())))
    step = next(step for step in data["summed"]["each"] if step[0] == kind)
    for i, change in changes.items():
        step[i] = change
    return data


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("map", {1: "softmax"}, "the function should be"),
        ("map", {3: 1}, "n_rows|the width should be from 2"),
        ("map", {3: 10**12}, "the number of results should be from 0"),
        ("map", {3: 5}, "operands should be places of one kind|names should be|n_rows"),
        ("map", {4: []}, "operands should be a list of 1"),
        ("map", {4: [[0, 1, 2]]}, "a span should be a list of 2"),
        ("map", {4: [[0, -1]]}, "a stride should be from 0"),
        ("map", {4: [[0, 0]]}, "operands should be of more than one unit"),
        ("map", {4: [[0, 10**9]]}, "operands should be places of one kind"),
        ("map", {4: [[24, 1]]}, "operands should be places of one kind"),
        ("map", {5: 0}, "the place of the result should be from"),
        ("map", {6: [["a", "b"]]}, "names should be those of all units or of none"),
        ("map", {6: [["a", 1]] * 4}, "the label should be a string"),
        ("product", {1: 0}, "the height should be from 1"),
        ("product", {1: 10**12}, "the number of results should be from 0"),
        ("product", {2: 10**10}, "the depth should be from 1"),
        ("product", {2: 5 * 10**7}, "all products should be from 1"),
        ("product", {3: [0, 10**12, 1]}, "weights should be places of one kind"),
        ("product", {3: [0, 1]}, "weights should be a list of 3"),
        ("product", {4: 10**9}, "the first place should be|factors should be from"),
        ("product", {4: 25}, "factors should be places of one kind"),
        ("product", {5: [0, 10**9]}, "operands should be places of one kind"),
        ("product", {6: 26}, "the place of the result should be"),
        ("sums", {1: 0}, "the height should be from 1"),
        ("sums", {2: 0}, "the place of what is multiplied"),
        ("sums", {3: 10**9}, "the depth should be from 0"),
        ("sums", {4: 10**9}, "factors should be from 0"),
        ("sums", {5: [1]}, "results should be a list of"),
        ("sums", {5: [1] * 8}, "results should be different ones"),
        ("sums", {5: [*range(1, 9)]}, "what is not summed should be nothing"),
        ("sums", {5: [10**6 + k for k in range(8)]}, "results should be different ones"),
    ],
)
def test_damage_to_a_wide_instruction_is_told(kind: str, changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"^a damaged program: summed.*({message})"):
        from_plain(damaged(kind, changes))


def test_a_result_that_overwrites_an_operand_is_refused() -> None:
    data = damaged("map", {})
    step = next(step for step in data["summed"]["each"] if step[0] == "map")
    step[5] = step[4][0][0]
    with pytest.raises(ValueError, match="the place of the result should be apart"):
        from_plain(data)


def test_a_product_that_adds_to_its_own_result_is_refused() -> None:
    data = damaged("product", {})
    steps = data["summed"]["each"]
    at = next(i for i, step in enumerate(steps) if step[0] == "product")
    adding = steps[at][:]
    adding[5] = [adding[6], 1]
    steps.insert(at + 1, adding)
    with pytest.raises(ValueError, match="the place of the result should be apart"):
        from_plain(data)
