"""What a Value promises: gradients that are right every time, of the point that was computed."""

import copy
import gc
import math
import operator
import pickle
import weakref
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_process import run_python

import micrograd_bp
from micrograd_bp import (
    MLP,
    Value,
    allow_nonfinite,
    dot,
    fsum,
    no_grad,
    scope,
    topological_order,
)

moderate = st.floats(-100.0, 100.0).map(lambda x: x if abs(x) > 1e-3 else 0.5)


def shared_graph() -> tuple[Value, Value]:
    """Two roots over the leaves a and b, sharing the interior nodes c = a b and d = tanh c."""
    a, b = Value(0.75, label="a"), Value(-1.25, label="b")
    c = a * b
    d = c.tanh()
    return d * a + c * c, d.exp() - b / c


def gradients(*roots: Value) -> dict[Value, float]:
    return {node: node.grad for root in roots for node in topological_order(root)}


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# What a Value is


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (3, 3.0),
        (-0.0, -0.0),
        (True, 1.0),
        (Fraction(1, 4), 0.25),
        (Decimal("0.1"), 0.1),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int64(-3), -3.0),
        (np.uint8(3), 3.0),
        (np.bool_(True), 1.0),
        (math.inf, math.inf),
    ],
    ids=repr,
)
def test_every_real_number_becomes_the_data_of_a_value_as_a_float(number: Any, data: float) -> None:
    value = Value(number)
    assert type(value.data) is float
    assert math.copysign(1.0, value.data) == math.copysign(1.0, data)
    assert value.data == data


def test_a_new_value_is_a_leaf_without_gradient() -> None:
    value = Value(2.0, label="w")
    assert (value.data, value.grad, value.label, value.scope) == (2.0, 0.0, "w", "")
    assert type(value.grad) is float
    assert (value.parents, value.local_derivatives, value.operation) == ((), (), None)
    assert not value.has_grad


@pytest.mark.parametrize("attribute", ["data", "grad"])
def test_data_and_grad_can_be_written_and_become_floats(attribute: str) -> None:
    value = Value(2.0)
    setattr(value, attribute, np.int64(5))
    assert getattr(value, attribute) == 5.0
    assert type(getattr(value, attribute)) is float
    with pytest.raises(TypeError, match=r"'7' \(str\)"):
        setattr(value, attribute, "7")
    assert getattr(value, attribute) == 5.0


@pytest.mark.parametrize("attribute", ["parents", "local_derivatives", "operation"])
def test_how_a_node_was_made_cannot_be_overwritten(attribute: str) -> None:
    node = Value(2.0) * 3.0
    with pytest.raises(AttributeError):
        setattr(node, attribute, ())


def test_a_node_records_parents_local_derivatives_and_operation() -> None:
    x, y = Value(3.0), Value(4.0)
    node = x * y
    assert node.parents == (x, y)
    assert node.local_derivatives == (4.0, 3.0)
    assert (node.operation.name, node.operation.symbol, node.operation.parameters) == (
        "mul",
        "*",
        (),
    )


@pytest.mark.parametrize(
    ("make", "name", "symbol", "parameters"),
    [
        (lambda x: x + x, "add", "+", ()),
        (lambda x: x - x, "sub", "-", ()),
        (lambda x: x * x, "mul", "*", ()),
        (lambda x: x / x, "div", "/", ()),
        (lambda x: -x, "neg", "-", ()),
        (lambda x: x**3, "pow", "**3", (3.0,)),
        (lambda x: x**x, "pow", "**", ()),
        (lambda x: 2.0**x, "pow", "**", ()),
        (lambda x: abs(x), "abs", "abs", ()),
        (lambda x: x.tanh(), "tanh", "tanh", ()),
        (lambda x: x.leaky_relu(0.25), "leaky_relu", "leaky_relu", (0.25,)),
        (lambda x: dot([x], [x], x), "dot", "dot", ()),
        (lambda x: fsum([x, x]), "fsum", "sum", ()),
    ],
)
def test_a_node_knows_its_operation(
    make: Callable[[Value], Value], name: str, symbol: str, parameters: tuple[float, ...]
) -> None:
    operation = make(Value(2.0)).operation
    assert operation is not None
    assert (operation.name, operation.symbol, operation.parameters) == (name, symbol, parameters)


# 1. Right every time


def test_the_chain_rule_holds_on_a_graph_worked_out_by_hand() -> None:
    x, y = Value(3.0), Value(-2.0)
    product = x * y
    total = product + x
    root = total * total
    root.backward()
    assert root.grad == 1.0
    assert total.grad == 2.0 * (3.0 * -2.0 + 3.0)
    assert product.grad == total.grad
    assert x.grad == total.grad * (-2.0 + 1.0)
    assert y.grad == total.grad * 3.0


@pytest.mark.parametrize("times", [2, 3, 4])
def test_backward_again_multiplies_the_gradient_of_every_node(times: int) -> None:
    root, _ = shared_graph()
    root.backward()
    once = gradients(root)
    assert all(once.values())
    for _ in range(times - 1):
        root.backward()
    for node, gradient in gradients(root).items():
        assert gradient == pytest.approx(times * once[node], rel=1e-15)


def test_backward_twice_doubles_the_gradient_of_every_node_exactly() -> None:
    root, _ = shared_graph()
    root.backward()
    once = gradients(root)
    root.backward()
    assert gradients(root) == {node: 2.0 * gradient for node, gradient in once.items()}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_roots_that_share_interior_nodes_add_up(order: tuple[int, int]) -> None:
    alone = []
    for index in (0, 1):
        root = shared_graph()[index]
        root.backward()
        alone.append([node.grad for node in topological_order(root)])
    roots = shared_graph()
    for index in order:
        roots[index].backward()
    separate = [
        dict(zip(topological_order(root), grads)) for root, grads in zip(roots, alone, strict=True)
    ]
    together = gradients(*roots)
    shared = separate[0].keys() & separate[1].keys()
    assert len(shared) == 4  # a, b, c and d
    for node, gradient in together.items():
        assert gradient == pytest.approx(sum(s.get(node, 0.0) for s in separate), rel=1e-15)


def test_a_root_inside_the_graph_of_another_adds_only_below_itself() -> None:
    x = Value(3.0)
    inner = x * x
    outer = inner * 5.0
    outer.backward()
    inner.backward()
    assert (outer.grad, inner.grad, x.grad) == (1.0, 5.0 + 1.0, 30.0 + 6.0)


def test_a_new_graph_on_old_leaves_adds_to_their_gradients() -> None:
    x = Value(3.0)
    for _ in range(3):
        (x * 2.0).backward()
    assert x.grad == 6.0


def test_a_repeated_operand_is_two_parents_and_counts_twice() -> None:
    x = Value(3.0)
    square = x * x
    assert square.parents == (x, x)
    assert square.local_derivatives == (3.0, 3.0)
    square.backward()
    assert x.grad == 6.0


@pytest.mark.parametrize(
    ("make", "gradient"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27.0 * (math.log(3.0) + 1.0)),
        (lambda x: dot([x, x], [x, 2.0], x), 6.0 + 2.0 + 1.0),
        (lambda x: fsum([x, x, x]), 3.0),
        (lambda x: micrograd_bp.hypot(x, x), math.sqrt(2.0)),
        (lambda x: micrograd_bp.prod([x, x, x]), 27.0),
        (lambda x: micrograd_bp.maximum(x, x), 1.0),
    ],
)
def test_repeated_operands_of_any_operation_add_up(
    make: Callable[[Value], Value], gradient: float
) -> None:
    x = Value(3.0)
    make(x).backward()
    assert x.grad == pytest.approx(gradient, rel=1e-15)


@given(seed=moderate)
def test_the_seed_scales_every_gradient(seed: float) -> None:
    plain, _ = shared_graph()
    scaled, _ = shared_graph()
    plain.backward()
    scaled.backward(seed=seed)
    for one, other in zip(topological_order(plain), topological_order(scaled), strict=True):
        assert other.grad == pytest.approx(seed * one.grad, rel=1e-13)


@pytest.mark.parametrize("seed", [2, np.float64(2.0), np.int32(2), Fraction(2), Decimal(2)])
def test_the_seed_is_any_real_number(seed: Any) -> None:
    x = Value(3.0)
    (x * 5.0).backward(seed)
    assert x.grad == 10.0
    assert type(x.grad) is float


def test_backward_of_a_leaf_adds_the_seed() -> None:
    x = Value(3.0)
    x.backward()
    x.backward(seed=0.5)
    assert x.grad == 1.5


def test_backward_adds_to_a_gradient_that_the_user_wrote() -> None:
    x = Value(3.0)
    y = x * 2.0
    x.grad, y.grad = 100.0, 50.0
    y.backward()
    assert (x.grad, y.grad) == (102.0, 51.0)


def test_has_grad_tells_a_gradient_of_zero_from_none() -> None:
    x, unused = Value(3.0), Value(4.0)
    root = x * 0.0
    assert not root.has_grad
    root.backward()
    assert (x.has_grad, root.has_grad, unused.has_grad) == (True, True, False)
    assert (x.grad, unused.grad) == (0.0, 0.0)
    x.grad = 0
    assert not x.has_grad


def test_backward_touches_nothing_above_or_beside_the_root() -> None:
    x = Value(3.0)
    root = x * 2.0
    above, beside = root + 1.0, x.exp()
    root.backward()
    assert not above.has_grad
    assert not beside.has_grad
    assert above.grad == beside.grad == 0.0


# 2. Of the point where the forward pass ran


def test_writing_data_after_the_forward_pass_does_not_change_backward() -> None:
    expected, _ = shared_graph()
    expected.backward()
    changed, _ = shared_graph()
    for node in topological_order(changed):
        node.data = 1000.0
    changed.backward()
    assert [node.grad for node in topological_order(changed)] == [
        node.grad for node in topological_order(expected)
    ]


def test_writing_data_does_not_change_what_was_computed_before() -> None:
    x = Value(3.0)
    y = x * x
    x.data = 10.0
    assert y.data == 9.0
    assert y.local_derivatives == (3.0, 3.0)
    assert (x * x).data == 100.0


def test_writing_infinite_data_later_excuses_no_infinite_local_derivative() -> None:
    x = Value(0.0)
    y = x.sqrt()
    x.data = math.inf
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert not x.has_grad


def test_writing_finite_data_later_accuses_no_infinity_that_the_user_put_in() -> None:
    x, infinite = Value(2.0), Value(math.inf)
    y = x * infinite
    infinite.data = 1.0
    y.backward()
    assert (x.grad, infinite.grad) == (math.inf, 2.0)


# 3. Deterministic to the last bit


def test_parents_come_before_children_and_operands_in_order() -> None:
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    c = b * a
    c.label = "c"
    d = a + c
    d.label = "d"
    assert [node.label for node in topological_order(d * b)] == ["a", "b", "c", "d", ""]


def test_the_topological_order_holds_each_node_once_and_the_root_last() -> None:
    root, _ = shared_graph()
    order = topological_order(root)
    position = {node: i for i, node in enumerate(order)}
    assert type(order) is list
    assert order[-1] is root
    assert len(position) == len(order) == 7
    for node in order:
        assert all(position[parent] < position[node] for parent in node.parents)


def test_processes_with_different_hash_seeds_give_the_same_bits() -> None:
    program = """
        from micrograd_bp import MLP, Value, logsumexp, topological_order
        model = MLP(3, [4, 4, 2], hidden="tanh", seed=7)
        moved = [Value(0.0) for _ in range(hash("some") % 997)]  # so that addresses differ
        loss = sum((y - 1.0) ** 2 for p in range(5) for y in model([0.1 * p, -0.7, p / 3]))
        loss = loss + logsumexp(model.parameters())
        loss.backward()
        for node in topological_order(loss):
            print(node.data.hex(), node.grad.hex(), node.label, node.scope)
    """
    seeds = ("0", "1", "2718281828")
    outputs = {run_python("-c", dedent(program), PYTHONHASHSEED=seed).stdout for seed in seeds}
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 150


# 4. Any depth


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("-x", id="one operand"),
        pytest.param("x + x0", id="first operand"),
        pytest.param("x0 + x", id="second operand"),
        pytest.param("dot([half, x, half], [x, x0, x])", id="many operands"),
    ],
)
def test_a_chain_of_a_million_nodes_is_built_swept_and_freed(step: str) -> None:
    depth = 1_000_000 if step == "-x" else 250_000
    program = f"""
        import gc, sys, weakref
        sys.setrecursionlimit(1000)
        gc.disable()
        from micrograd_bp import Value, dot, topological_order
        x0, half = Value(0.0), Value(0.5)
        x = Value(1.0)
        leaf = x
        for i in range({depth}):
            x = {step}
            if i == {depth} // 2:
                middle = weakref.ref(x)
        assert abs(x.data) == 1.0
        assert len(topological_order(x)) >= {depth}
        x.backward()
        x.backward(seed=2.0)
        assert abs(leaf.grad) == 3.0, leaf.grad
        assert middle() is not None
        del x
        assert middle() is None
        print("freed")
    """
    printed = run_python("-c", dedent(program)).stdout
    assert printed == "freed\n"


def test_a_graph_with_two_to_the_thousand_paths_is_swept_once_a_node() -> None:
    x = leaf = Value(1.0)
    for _ in range(1000):
        x = (x + x) * 0.5
    x.backward()
    assert leaf.grad == 1.0


def test_a_sum_over_many_operands_is_one_node() -> None:
    values = [Value(float(i)) for i in range(20_000)]
    total = fsum(values)
    total.backward()
    assert total.parents == tuple(values)
    assert {value.grad for value in values} == {1.0}


def make_freed_graph() -> Value:
    root, _ = shared_graph()
    return root


def make_swept_graph() -> Value:
    root, other = shared_graph()
    root.backward()
    other.backward()
    return root


def make_graph_whose_backward_failed() -> Value:
    root = Value(0.0).sqrt() * Value(2.0)
    with pytest.raises(ZeroDivisionError):
        root.backward()
    return root


def make_graph_whose_gradient_overflowed() -> Value:
    root = Value(1.0) * 1e200 * 1e-200 * 1e200
    with pytest.raises(OverflowError):
        root.backward(seed=1e300)
    return root


def make_graph_that_float_was_asked_of() -> Value:
    root, _ = shared_graph()
    for refused in (float, copy.copy, pickle.dumps, lambda v: v - 1.0 / (v - v)):
        with pytest.raises((TypeError, ZeroDivisionError)):
            refused(root)
    return root


def make_network() -> Value:
    output: Value = MLP(2, [3, 1], seed=1)([1.0, 2.0])
    output.backward()
    return output


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize(
    "make",
    [
        make_freed_graph,
        make_swept_graph,
        make_graph_whose_backward_failed,
        make_graph_whose_gradient_overflowed,
        make_graph_that_float_was_asked_of,
        make_network,
    ],
)
def test_a_graph_is_freed_with_its_last_reference_without_the_collector(
    make: Callable[[], Value],
) -> None:
    root = make()
    nodes = [weakref.ref(node) for node in topological_order(root)]
    assert len(nodes) >= 4
    assert all(node() is not None for node in nodes)
    del root
    assert [node() for node in nodes if node() is not None] == []


# 5. Operators

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


@pytest.mark.parametrize("symbol", OPERATORS)
@given(x=st.floats(0.1, 30.0), y=st.floats(-5.0, 5.0).filter(lambda y: abs(y) > 1e-3))
def test_operators_compute_what_they_do_on_floats(symbol: str, x: float, y: float) -> None:
    apply = OPERATORS[symbol]
    expected = apply(x, y)
    assert apply(Value(x), Value(y)).data == expected
    assert apply(Value(x), y).data == expected
    assert apply(x, Value(y)).data == expected


@pytest.mark.parametrize("symbol", OPERATORS)
@pytest.mark.parametrize("number", [2, True, Fraction(3, 2), Decimal("1.5"), 2.5], ids=repr)
def test_numbers_of_every_kind_stand_on_either_side(symbol: str, number: Any) -> None:
    apply, x = OPERATORS[symbol], Value(3.0)
    for node, plain in [
        (apply(number, x), apply(Value(float(number)), x)),
        (apply(x, number), apply(x, float(number))),
    ]:
        assert type(node) is Value
        assert type(node.data) is float
        assert node.data == plain.data
        assert node.local_derivatives == plain.local_derivatives


def test_a_number_operand_becomes_a_constant_leaf() -> None:
    x = Value(3.0)
    for node, constant in [(x * 2, 1), (2 * x, 0), (x - 2, 1), (2 / x, 0), (2**x, 0)]:
        leaf = node.parents[constant]
        assert node.parents[1 - constant] is x
        assert (leaf.data, leaf.parents, leaf.operation.name) == (2.0, (), "constant")


def test_an_operand_that_is_a_number_gets_a_gradient_too() -> None:
    node = Value(3.0) * 2.0
    node.backward()
    assert node.parents[1].grad == 3.0


@pytest.mark.parametrize("exponent", [3, 3.0, np.int64(3), Fraction(3), True + 2])
def test_a_number_as_exponent_is_a_parameter_of_the_operation(exponent: Any) -> None:
    x = Value(-2.0)
    node = x**exponent
    assert node.parents == (x,)
    assert node.operation.parameters == (3.0,)
    assert (node.data, node.local_derivatives) == (-8.0, (12.0,))


def test_values_add_up_with_sum_and_compare_with_max_min_and_sorted() -> None:
    a, b, c = Value(3.0), Value(-1.0), Value(2.0)
    total = sum([a, b, c])
    assert isinstance(total, Value)
    total.backward()
    assert (total.data, a.grad, b.grad, c.grad) == (4.0, 1.0, 1.0, 1.0)
    assert max([a, b, c]) is a
    assert min([a, b, c]) is b
    assert max(b, 0.0) == 0.0
    assert sorted([a, b, c]) == [b, c, a]


@pytest.mark.parametrize(
    "compare", [operator.lt, operator.le, operator.gt, operator.ge], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("right", [-1.0, 2.0, 5.0, math.nan])
def test_order_comparisons_are_those_of_the_data(
    compare: Callable[[Any, Any], bool], right: float
) -> None:
    expected = compare(2.0, right)
    assert compare(Value(2.0), Value(right)) is expected
    assert compare(Value(2.0), right) is expected
    assert compare(2.0, Value(right)) is expected


def test_equality_and_hash_are_those_of_identity() -> None:
    one, same_data = Value(1.0), Value(1.0)
    assert one == one
    assert one != same_data
    assert one != 1.0
    assert len({one, same_data, one}) == 2
    one.data = 5.0
    assert {one: "found"}[one] == "found"


def test_plus_and_minus_in_place_make_new_nodes() -> None:
    x = y = Value(3.0)
    x += 1.0
    x *= 2.0
    assert (x.data, y.data) == (8.0, 3.0)
    x.backward()
    assert y.grad == 2.0


def test_unary_operators() -> None:
    x = Value(-3.0)
    assert (+x).data == -3.0
    assert (-x).data == abs(x).data == 3.0
    ((-x) + 10.0 * abs(x)).backward()
    assert x.grad == -1.0 - 10.0


def test_floor_and_ceil_of_python_keep_the_graph() -> None:
    assert math.floor(Value(-1.5)).data == -2.0
    assert math.ceil(Value(-1.5)).data == -1.0
    assert math.floor(Value(-1.5)).operation.name == "floor"


@pytest.mark.parametrize("x", [7.5, -7.5, 0.25, -0.0])
@pytest.mark.parametrize("y", [2.0, -2.0, 0.75, 1e300])
def test_remainder_and_floor_division_are_those_of_python_on_either_side(
    x: float, y: float
) -> None:
    quotient, remainder = float(x // y), float(x % y)
    for a, b in [(Value(x), Value(y)), (Value(x), y), (x, Value(y))]:
        assert [node.data for node in (a // b, a % b)] == [quotient, remainder]
        assert [node.data for node in divmod(a, b)] == [quotient, remainder]
        assert [node.operation.name for node in divmod(a, b)] == ["floordiv", "mod"]
        assert math.copysign(1.0, (a % b).data) == math.copysign(1.0, y)
    a, b = Value(x), Value(y)
    (a % b + 10.0 * (a // b)).backward()
    assert (a.grad, b.grad) == (1.0, -quotient)


@pytest.mark.parametrize("divide", [operator.mod, operator.floordiv, divmod])
def test_a_remainder_by_zero_is_an_error_that_shows_the_numbers(divide: Any) -> None:
    for x, y in [(Value(3.0, "x"), 0), (Value(3.0, "x"), Value(0.0)), (3.0, Value(-0.0))]:
        with pytest.raises(ZeroDivisionError, match=r"(mod|floordiv) of Value\(3.0.*by zero"):
            divide(x, y)
    for x, y in [(Value(3.0), "2"), ([3.0], Value(2.0))]:
        with pytest.raises(TypeError, match=r"a Value"):
            divide(x, y)


@pytest.mark.parametrize("x", [2.5, 3.5, -2.5, 2.675, -0.0, 1234.5678, 1e300, math.inf])
@pytest.mark.parametrize("digits", [0, 2, -2, 400])
def test_round_is_that_of_pythons_floats(x: float, digits: int) -> None:
    for value, node in [
        (round(x, digits), round(Value(x), digits)),
        (round(x, 0), round(Value(x))),
        (round(x, 0), Value(x).rint()),
        (float(math.trunc(x)) if math.isfinite(x) else x, math.trunc(Value(x))),
    ]:
        assert node.data == value
        assert math.copysign(1.0, node.data) == math.copysign(1.0, x)
        node.backward()
        assert node.parents[0].grad == 0.0


def test_round_takes_a_whole_number_of_digits() -> None:
    for digits in (1.5, "2", Value(2.0)):
        with pytest.raises(TypeError):
            round(Value(2.5), digits)
    with pytest.raises(OverflowError, match="round of Value"):
        round(Value(1.7976931348623157e308), -308)


# 6. Nodes with any number of operands


def test_dot_is_one_node_with_weights_then_inputs_then_bias_as_parents() -> None:
    w, x, b = [Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)], Value(0.5)
    node = dot(w, x, b)
    assert node.parents == (*w, *x, b)
    assert node.data == 11.5
    assert node.local_derivatives == (3.0, 4.0, 1.0, 2.0, 1.0)
    assert node.operation.name == "dot"
    node.backward(seed=2.0)
    assert [parent.grad for parent in node.parents] == [6.0, 8.0, 2.0, 4.0, 2.0]


def test_dot_without_bias_has_no_parent_for_it() -> None:
    w, x = [Value(1.0)], [Value(3.0)]
    assert dot(w, x).parents == (*w, *x)
    assert dot(w, x).local_derivatives == (3.0, 1.0)


def test_dot_takes_iterators_and_numbers() -> None:
    w = [Value(1.0), Value(2.0)]
    node = dot(iter(w), (float(i) for i in (3, 4)), 1)
    assert node.data == 12.0
    assert node.parents[:2] == tuple(w)
    assert {parent.operation.name for parent in node.parents[2:]} == {"constant"}


@given(st.lists(st.tuples(moderate, moderate), max_size=8), moderate)
def test_dot_accumulates_from_the_bias_left_to_right(
    pairs: list[tuple[float, float]], bias: float
) -> None:
    expected = bias
    for w, x in pairs:
        expected += w * x
    node = dot([Value(w) for w, _ in pairs], [x for _, x in pairs], Value(bias))
    assert node.data == expected
    assert dot([w for w, _ in pairs], [x for _, x in pairs], bias) == expected


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=12))
def test_fsum_is_exactly_rounded(numbers: list[float]) -> None:
    exact = sum(map(Fraction, numbers), Fraction())
    try:
        expected = float(exact)
    except OverflowError:
        with pytest.raises(OverflowError):
            fsum(numbers)
    else:
        assert fsum(numbers) == expected
        if numbers:
            assert fsum(map(Value, numbers)).data == expected


def test_fsum_is_exactly_rounded_where_the_terms_overflow_on_the_way() -> None:
    assert fsum([1.7e308, 1.7e308, -1.7e308, -1.7e308, 5e-324]) == 5e-324
    assert fsum([1.7e308, 1.7e308, -1.7e308, -1.6e308, 1e-16]) == 1.7e308 - 1.6e308


def test_numbers_alone_give_a_number() -> None:
    assert dot([1.0, 2], [3, Fraction(1, 2)], True) == 5.0
    assert type(dot([1, 2], [3, 4])) is float
    assert type(fsum([1, 2])) is float
    assert fsum([]) == dot([], []) == 0.0


# 10. No silent loss of the graph


@pytest.mark.parametrize(
    "convert",
    [float, int, complex, math.exp, math.sin, math.sqrt, lambda v: math.pow(v, 2)],
    ids=["float", "int", "complex", "math.exp", "math.sin", "math.sqrt", "math.pow"],
)
@pytest.mark.parametrize("make", [lambda: Value(2.0, label="p"), lambda: Value(1.0) + 1.0])
def test_a_value_does_not_become_a_plain_number_silently(
    convert: Callable[[Any], Any], make: Callable[[], Value]
) -> None:
    with pytest.raises(TypeError) as error:
        convert(make())
    assert ".data" in str(error.value)
    assert "micrograd_bp.exp" in str(error.value)


@pytest.mark.parametrize("spec", [".3f", ">12", "+.2e", "g", "08.2f"])
def test_a_format_specification_formats_the_data(spec: str) -> None:
    assert format(Value(-2.34567), spec) == format(-2.34567, spec)
    assert f"{Value(1.0) / 3.0:.3f}" == "0.333"


def test_repr_shows_data_grad_label_and_operation() -> None:
    x = Value(2.0, label="x")
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert repr(Value(-0.5)) == "Value(data=-0.5, grad=0.0)"
    y = x * 3
    y.label = "y"
    y.backward()
    assert repr(y) == "Value(data=6.0, grad=1.0, label='y', operation='mul')"
    assert str(x) == f"{x}" == "Value(data=2.0, grad=3.0, label='x')"


# 11. no_grad, detach, scope and allow_nonfinite


@no_grad()
def without_recording(x: Value) -> Value:
    return x * 2.0


def test_no_grad_computes_leaves() -> None:
    x = Value(3.0)
    with no_grad():
        results = [x * x, x.tanh(), x**2, -x, dot([x], [x]), x + 1.0]
    results.append(without_recording(x))
    for result in results:
        assert isinstance(result, Value)
        assert (result.parents, result.local_derivatives, result.operation) == ((), (), None)
    assert [r.data for r in results] == [9.0, math.tanh(3.0), 9.0, -3.0, 9.0, 4.0, 6.0]
    assert (x * x).parents == (x, x)


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (Value(1.0) + 1.0).parents


def test_no_grad_still_raises_for_a_result_that_is_not_finite() -> None:
    with no_grad(), pytest.raises(ValueError, match="log of"):
        Value(-1.0).log()


def test_detach_cuts_the_graph() -> None:
    x = Value(3.0, label="x")
    y = x * x
    y.label = "y"
    cut = y.detach()
    assert cut is not y
    assert (cut.data, cut.label, cut.grad, cut.parents) == (9.0, "y", 0.0, ())
    (cut * x).backward()
    assert (x.grad, y.grad, cut.grad) == (9.0, 0.0, 3.0)


def test_scopes_nest_and_end() -> None:
    assert Value(1.0).scope == ""
    with scope("layer1"):
        outer = Value(1.0)
        with scope("neuron3"):
            inner = outer * 2.0
        with scope("a/b"):
            path = -outer
        after = outer + 1.0
    assert outer.scope == after.scope == "layer1"
    assert inner.scope == inner.parents[1].scope == "layer1/neuron3"
    assert path.scope == "layer1/a/b"
    assert Value(1.0).scope == ""
    with pytest.raises(KeyError), scope("layer1"):
        raise KeyError
    assert Value(1.0).scope == ""


def test_scope_decorates_a_function() -> None:
    @scope("layer2")
    def make() -> Value:
        return Value(1.0)

    assert make().scope == make().scope == "layer2"
    assert Value(1.0).scope == ""


def raises_outside_its_domain() -> bool:
    try:
        Value(-1.0).log()
    except ValueError:
        return True
    return False


def test_allow_nonfinite_nests_and_ends() -> None:
    with allow_nonfinite():
        assert not raises_outside_its_domain()
        with allow_nonfinite():
            assert not raises_outside_its_domain()
        assert not raises_outside_its_domain()
        with pytest.raises(KeyError), allow_nonfinite():
            raise KeyError
        assert not raises_outside_its_domain()
    assert raises_outside_its_domain()
    with pytest.raises(KeyError), allow_nonfinite():
        raise KeyError
    assert raises_outside_its_domain()


def test_allow_nonfinite_decorates_a_function() -> None:
    decorated = allow_nonfinite()(raises_outside_its_domain)
    assert not decorated()
    assert not decorated()
    assert decorated.__name__ == "raises_outside_its_domain"
    assert raises_outside_its_domain()


def test_the_modes_combine() -> None:
    with no_grad(), scope("s"), allow_nonfinite():
        result = Value(1.0) / 0.0
    assert (result.data, result.parents, result.scope) == (math.inf, (), "s")


# 12. Copy and pickle

COPIES = [
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
    *(
        pytest.param(lambda v, p=protocol: pickle.loads(pickle.dumps(v, p)), id=f"pickle{protocol}")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_leaf_copies_and_pickles(duplicate: Callable[[Value], Value]) -> None:
    with scope("layer1"):
        leaf = Value(2.5, label="w_11")
    (leaf * 3.0).backward()
    twin = duplicate(leaf)
    assert twin is not leaf
    assert (twin.data, twin.grad, twin.label, twin.scope) == (2.5, 3.0, "w_11", "layer1")
    assert twin.has_grad
    assert (twin.parents, twin.operation) == ((), None)
    twin.data = 7.0
    assert leaf.data == 2.5
    assert (twin * 2.0).parents[0] is twin


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_leaf_without_gradient_copies_without_one(duplicate: Callable[[Value], Value]) -> None:
    leaf = Value(2.5)
    with scope("elsewhere"):
        twin = duplicate(leaf)
    assert (twin.has_grad, twin.scope) == (False, "")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_gradient_of_zero_survives_a_copy(duplicate: Callable[[Value], Value]) -> None:
    leaf = Value(2.5)
    (leaf * 0.0).backward()
    assert duplicate(leaf).has_grad


@pytest.mark.parametrize("duplicate", COPIES)
def test_an_interior_node_refuses_to_be_copied_and_says_why(
    duplicate: Callable[[Value], Value],
) -> None:
    node = Value(2.0) * 3.0
    with pytest.raises(TypeError) as error:
        duplicate(node)
    message = str(error.value)
    for words in ("operation='mul'", "its graph", "detach()", "Program"):
        assert words in message


def test_a_network_copies_and_pickles_with_its_parameters() -> None:
    model = MLP(2, [3, 1], hidden="tanh", seed=1)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin([0.5, 0.25]).data == model([0.5, 0.25]).data
        assert not set(twin.parameters()) & set(model.parameters())


# Subclasses


class Parameter(Value):
    """A leaf with something of its own."""

    def __init__(self, data: float, trainable: bool) -> None:
        super().__init__(data, label="parameter")
        self.trainable = trainable


class Slotted(Value):
    __slots__ = ("unit",)


def test_a_subclass_is_a_leaf_whose_results_are_plain_values() -> None:
    p = Parameter(3.0, trainable=True)
    results = [p * 2.0, 2.0 * p, p + p, -p, p.tanh(), p**2, dot([p], [p]), p.detach()]
    assert {type(result) for result in results} == {Value}
    (p * p).backward()
    assert p.grad == 6.0


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_subclass_copies_with_its_attributes(duplicate: Callable[[Value], Value]) -> None:
    original = Parameter(3.0, trainable=False)
    original.grad = 5.0
    twin = duplicate(original)
    assert isinstance(twin, Parameter)
    assert (twin.data, twin.grad, twin.label, twin.trainable) == (3.0, 5.0, "parameter", False)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_subclass_with_slots_copies_with_them(duplicate: Callable[[Value], Value]) -> None:
    original = Slotted(3.0)
    original.unit = "metre"
    twin = duplicate(original)
    assert isinstance(twin, Slotted)
    assert (twin.data, twin.unit) == (3.0, "metre")
