"""Nothing goes wrong silently: what raises, what the message says, and that nothing changed."""

import math
import operator
import pickle
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import micrograd_bp as m
from micrograd_bp import Value, allow_nonfinite, dot, fsum, scope, topological_order

LARGEST = sys.float_info.max


def p(data: float) -> Value:
    return Value(data, label="p")


def snapshot(root: Value) -> list[tuple[float, bool]]:
    return [(node.grad, node.has_grad) for node in topological_order(root)]


def raises_nothing_changed(root: Value, error: type[Exception], **arguments: Any) -> str:
    """The message of the error that backward raises, once nothing is seen to have changed."""
    before = snapshot(root)
    with pytest.raises(error) as raised:
        root.backward(**arguments)
    assert snapshot(root) == before
    return str(raised.value)


# Operations on finite operands whose result is not a finite real number

DOMAIN_ERRORS: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: m.log(p(-1.0)), "log of Value(-1.0, label='p')", "data > 0"),
    (lambda: m.log(p(0.0)), "log of Value(0.0, label='p')", "data > 0"),
    (lambda: m.log(-1), "log of -1.0", "data > 0"),
    (lambda: m.log2(p(0.0)), "log2 of Value(0.0, label='p')", "data > 0"),
    (lambda: m.log10(p(-2.5)), "log10 of Value(-2.5, label='p')", "data > 0"),
    (lambda: m.log1p(p(-1.0)), "log1p of Value(-1.0, label='p')", "data > -1"),
    (lambda: m.sqrt(p(-4.0)), "sqrt of Value(-4.0, label='p')", "data >= 0"),
    (lambda: m.asin(p(1.5)), "asin of Value(1.5, label='p')", "-1 <= data <= 1"),
    (lambda: m.acos(p(-1.5)), "acos of Value(-1.5, label='p')", "-1 <= data <= 1"),
    (lambda: m.acosh(p(0.5)), "acosh of Value(0.5, label='p')", "data >= 1"),
    (lambda: m.atanh(p(1.0)), "atanh of Value(1.0, label='p')", "-1 < data < 1"),
    (lambda: m.atanh(p(-2.0)), "atanh of Value(-2.0, label='p')", "-1 < data < 1"),
    (lambda: p(-8.0) ** (1 / 3), "pow of Value(-8.0, label='p'), 0.333", "integer exponent"),
    (lambda: m.pow(-8.0, 0.5), "pow of -8.0, 0.5", "integer exponent"),
    (lambda: p(-8.0) ** Value(3.0), "pow of Value(-8.0, label='p'), Value(3.0)", "base"),
    (lambda: (-8) ** p(3.0), "pow of Value(-8.0), Value(3.0, label='p')", "base"),
]

POLES: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: p(2.0) / 0, "div of Value(2.0, label='p'), Value(0.0)", "division by zero"),
    (lambda: 2 / p(0.0), "div of Value(2.0), Value(0.0, label='p')", "division by zero"),
    (lambda: p(0.0) / 0.0, "div of Value(0.0, label='p'), Value(0.0)", "division by zero"),
    (lambda: p(0.0) ** -1, "pow of Value(0.0, label='p'), -1.0", "division by zero"),
    (lambda: p(0.0) ** Value(-0.5), "pow of Value(0.0, label='p')", "division by zero"),
    (lambda: m.reciprocal(p(0.0)), "reciprocal of Value(0.0, label='p')", "division by zero"),
    (lambda: m.reciprocal(0), "reciprocal of 0.0", "division by zero"),
]

OVERFLOWS: list[tuple[Callable[[], Any], str, str]] = [
    (call, words, "beyond the largest float, 1.8e308")
    for call, words in [
        (lambda: p(1e308) + 1e308, "add of Value(1e+308, label='p'), Value(1e+308)"),
        (lambda: p(-1e308) - 1e308, "sub of Value(-1e+308, label='p'), Value(1e+308)"),
        (lambda: 10 * p(1e308), "mul of Value(10.0), Value(1e+308, label='p')"),
        (lambda: p(1e308) / 1e-10, "div of Value(1e+308, label='p'), Value(1e-10)"),
        (lambda: p(1e200) ** 2, "pow of Value(1e+200, label='p'), 2.0"),
        (lambda: 10 ** p(309.0), "pow of Value(10.0), Value(309.0, label='p')"),
        (lambda: m.exp(p(710.0)), "exp of Value(710.0, label='p')"),
        (lambda: m.exp(710), "exp of 710.0"),
        (lambda: m.exp2(p(1024.0)), "exp2 of Value(1024.0, label='p')"),
        (lambda: m.expm1(p(710.0)), "expm1 of Value(710.0, label='p')"),
        (lambda: m.sinh(p(-711.0)), "sinh of Value(-711.0, label='p')"),
        (lambda: m.cosh(p(711.0)), "cosh of Value(711.0, label='p')"),
        (lambda: m.square(p(1e155)), "square of Value(1e+155, label='p')"),
        (lambda: m.reciprocal(p(5e-324)), "reciprocal of Value(5e-324, label='p')"),
        (lambda: m.hypot(p(LARGEST), LARGEST), "hypot of Value("),
        (lambda: m.prod([p(1e200), 1e200]), "prod of Value(1e+200, label='p'), Value(1e+200)"),
        (lambda: fsum([p(LARGEST), LARGEST]), "fsum of Value("),
        (lambda: dot([p(1e200)], [1e200]), "dot of Value(1e+200, label='p'), Value(1e+200)"),
        (lambda: dot([p(1e308), 1e308], [10, -10]), "dot of Value(1e+308, label='p')"),
        (lambda: m.leaky_relu(p(-1e308), 10), "leaky_relu of Value(-1e+308, label='p'), 10.0"),
    ]
]


@pytest.mark.parametrize(
    ("error", "call", "operation", "reason"),
    [
        *((ValueError, *row) for row in DOMAIN_ERRORS),
        *((ZeroDivisionError, *row) for row in POLES),
        *((OverflowError, *row) for row in OVERFLOWS),
    ],
)
def test_a_result_that_is_not_finite_raises_and_names_operation_operands_and_reason(
    error: type[Exception], call: Callable[[], Any], operation: str, reason: str
) -> None:
    with pytest.raises(error) as raised:
        call()
    message = str(raised.value)
    assert type(raised.value) is error
    assert message.startswith(operation)
    assert reason in message.split(": ", 1)[1]
    assert "\n" not in message


def test_an_error_names_the_scope_of_the_operand() -> None:
    with scope("layer1/neuron3"):
        x = p(-1.0)
    with pytest.raises(ValueError, match=r"Value\(-1.0, label='p', scope='layer1/neuron3'\)"):
        x.log()


def test_an_error_with_many_operands_stays_on_a_line() -> None:
    with pytest.raises(OverflowError, match=r"and 94 more: the result") as raised:
        m.prod([Value(1e300)] * 100)
    assert len(str(raised.value)) < 250


def test_an_operation_that_raised_leaves_no_trace() -> None:
    x = Value(0.0)
    for call in (x.log, x.reciprocal, lambda: x**-1, lambda: 1.0 / x):
        with pytest.raises((ValueError, ZeroDivisionError)):
            call()
    y = x + 1.0
    y.backward()
    assert (x.grad, len(topological_order(y))) == (1.0, 3)


# A number where a list is needed


@pytest.mark.parametrize("function", [fsum, m.prod, m.mean, m.logsumexp, m.softmax])
@pytest.mark.parametrize("operand", [p(1.0), 1.0, None, np.array(1.0)], ids=repr)
def test_a_function_of_many_says_that_it_takes_a_list(
    function: Callable[[Any], Any], operand: Any
) -> None:
    with pytest.raises(TypeError) as raised:
        function(operand)
    name = function.__name__
    shown = f"{operand!r} ({type(operand).__name__})"
    assert str(raised.value) == f"{name} takes a list of numbers or Values, not {shown}"
    assert raised.value.__suppress_context__


def test_dot_says_which_of_its_lists_is_none() -> None:
    for operands, message in (
        ((p(1.0), [1.0]), "dot takes a list of weights, not Value(data=1.0, grad=0.0, label='p')"),
        (([p(1.0)], 2.0), "dot takes a list of inputs, not 2.0 (float)"),
    ):
        with pytest.raises(TypeError) as raised:
            dot(*operands)
        assert str(raised.value).startswith(message)


BESIDE: list[Callable[[Any, Any], Any]] = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
    *(operator.lt, operator.le, operator.gt, operator.ge),
]


@pytest.mark.parametrize("operation", BESIDE)
@pytest.mark.parametrize(
    ("operand", "words"),
    [
        ([1, 2], "not [1, 2] (list): go through the elements, [v + x for x in xs]"),
        ((1.0,), "not (1.0,) (tuple): go through the elements"),
        ("1", "not '1' (str): convert it first, with float(...)"),
        (None, "not None (NoneType): give an int or a float"),
        (1j, "not 1j (complex): take its .real"),
        ({"a": 1.0}, "not {'a': 1.0} (dict): take its elements one by one"),
    ],
    ids=repr,
)
def test_what_is_no_number_beside_a_value_is_told_the_way_out(
    operation: Callable[[Any, Any], Any], operand: Any, words: str
) -> None:
    for pair in ((p(2.0), operand), (operand, p(2.0))):
        with pytest.raises(TypeError) as raised:
            operation(*pair)
        assert words in str(raised.value)


def test_an_object_that_knows_what_to_do_with_a_value_does_it() -> None:
    class Unit:
        def __radd__(self, other: Any) -> str:
            return f"{other.data} m"

        def __rmatmul__(self, other: Any) -> str:
            return f"{other.data} x"

    assert p(2.0) + Unit() == "2.0 m"
    assert p(2.0) @ Unit() == "2.0 x"  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        p(2.0) + object()


@pytest.mark.parametrize("operand", [p(3.0), 3.0, [3.0], None], ids=repr)
def test_a_matrix_product_of_scalars_shows_the_product_and_dot(operand: Any) -> None:
    for pair in ((p(2.0), operand), (operand, p(2.0))):
        with pytest.raises(TypeError, match=r"write v \* w, or dot\(\[v1, v2\], \[w1, w2\]\)"):
            operator.matmul(*pair)
    vector = np.array([p(2.0), p(3.0)])
    assert (vector @ vector).data == 13.0


@pytest.mark.parametrize("function", [fsum, m.prod, m.mean, m.logsumexp, m.softmax])
def test_a_type_error_in_an_iterator_of_operands_is_that_of_the_user(
    function: Callable[[Any], Any],
) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        function(x + "1" for x in (0.5, 1.0))
    with pytest.raises(TypeError, match="unsupported operand"):
        dot((x + "1" for x in (0.5, 1.0)), [1.0, 2.0])


# Infinities and nans that the user puts in


@pytest.mark.parametrize("data", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 1.0,
        lambda x: 1.0 - x,
        lambda x: x * 2.0,
        lambda x: x / 3.0,
        lambda x: x**3,
        lambda x: dot([x], [2.0], 1.0),
        lambda x: fsum([x, 1.0]),
        m.square,
        m.cbrt,
        m.sinh,
        m.asinh,
    ],
)
def test_inf_and_nan_that_the_user_put_in_propagate(
    data: float, function: Callable[[Any], Any]
) -> None:
    assert not math.isfinite(function(Value(data)).data)
    function(Value(data)).backward()


@pytest.mark.parametrize("data", [math.inf, -math.inf, math.nan])
def test_every_unary_function_takes_inf_and_nan_without_raising(data: float) -> None:
    names = (
        "exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan asin acos"
        " atan sinh cosh tanh asinh acosh atanh erf erfc sigmoid softplus log_sigmoid relu"
        " leaky_relu elu gelu silu softsign abs sign step floor ceil trunc clip"
        " lgamma digamma erfinv"
    )
    for name in names.split():
        x = Value(data)
        y = getattr(m, name)(x)
        y.backward()
        if math.isnan(data):
            assert math.isnan(y.data), name


@pytest.mark.parametrize("function", [m.atan2, m.hypot, m.maximum, m.minimum, m.logaddexp])
@pytest.mark.parametrize("other", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("nan_first", [True, False])
def test_a_nan_operand_makes_the_result_and_both_gradients_nan(
    function: Callable[..., Value], other: float, nan_first: bool
) -> None:
    x, y = (math.nan, other) if nan_first else (other, math.nan)
    a, b = Value(x), Value(y)
    node = function(a, b)
    node.backward()
    assert math.isnan(node.data)
    assert math.isnan(a.grad)
    assert math.isnan(b.grad)


def test_an_infinity_that_the_user_put_in_goes_through_backward() -> None:
    x, infinite = Value(2.0), Value(math.inf)
    (x * infinite).backward()
    assert (x.grad, infinite.grad) == (math.inf, 2.0)
    y = Value(1.0)
    (y * 3.0).backward(seed=math.inf)
    assert y.grad == math.inf


def test_allow_nonfinite_gives_ieee_results() -> None:
    with allow_nonfinite():
        assert (Value(1.0) / 0.0).data == math.inf
        assert (Value(-1.0) / 0.0).data == (Value(1.0) / -0.0).data == -math.inf
        assert math.isnan((Value(0.0) / 0.0).data)
        assert Value(0.0).log().data == -math.inf
        assert math.isnan(Value(-1.0).log().data)
        assert math.isnan((Value(-8.0) ** (1 / 3)).data)
        assert (Value(1e308) * 10.0).data == m.exp(1000.0) == math.inf
        x = Value(0.0)
        x.sqrt().backward()
        assert x.grad == math.inf


# Infinite local derivatives


def test_a_zero_adjoint_at_an_infinite_local_derivative_contributes_zero() -> None:
    x, y = Value(0.0), Value(2.0)
    (y + 0.0 * x.sqrt()).backward()
    assert (x.grad, y.grad) == (0.0, 1.0)


@pytest.mark.parametrize("function", [m.sqrt, m.cbrt, m.log, m.reciprocal])
def test_an_unused_branch_never_makes_nan(function: Callable[[Any], Any]) -> None:
    x = Value(0.0)
    with allow_nonfinite():
        risky = function(x)
    chosen = m.where(x > 0, risky, x * 3.0)
    chosen.backward()
    assert x.grad == 3.0


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: x.sqrt(), "sqrt"),
        (lambda x: x.cbrt(), "cbrt"),
        (lambda x: x**0.5, "pow"),
        (lambda x: x ** Value(0.5), "pow"),
        (lambda x: (x + 1.0).asin(), "asin"),
        (lambda x: (x + 1.0).acosh(), "acosh"),
    ],
)
def test_a_nonzero_adjoint_at_an_infinite_local_derivative_raises_and_names_the_node(
    make: Callable[[Value], Value], name: str
) -> None:
    x = Value(0.0, label="x")
    node = make(x)
    node.label = "culprit"
    root = node * 2.0 + x
    message = raises_nothing_changed(root, ZeroDivisionError)
    for words in (f"{name} of", "(label='culprit')", "inf", "adjoint of 2.0"):
        assert words in message


def test_backward_that_failed_can_be_mended_and_run_again() -> None:
    x, scale = Value(0.0), Value(1.0)
    root = x.sqrt() * scale
    raises_nothing_changed(root, ZeroDivisionError)
    root.backward(seed=0.0)
    assert (x.grad, scale.grad, root.grad) == (0.0, 0.0, 0.0)
    with allow_nonfinite():
        root.backward()
    assert (x.grad, root.grad) == (math.inf, 1.0)


# backward is all or nothing


def swept_before(root: Value) -> Value:
    """The same root, its nodes carrying gradients of an earlier sweep that succeeded."""
    root.backward(seed=1e-300)
    return root


def test_an_infinite_local_derivative_in_the_last_node_leaves_every_gradient_as_it_was() -> None:
    x, other = Value(0.0), Value(3.0)
    other_root = other * 2.0
    other_root.backward()
    root = x.sqrt() * 2.0 + other_root
    raises_nothing_changed(root, ZeroDivisionError)
    assert (other.grad, other.has_grad, x.has_grad, root.has_grad) == (2.0, True, False, False)


def test_an_adjoint_that_overflows_leaves_every_gradient_as_it_was() -> None:
    root = swept_before(((Value(2.0, label="x") * 1e-200) * 1e200) * 1e200)
    message = raises_nothing_changed(root, OverflowError, seed=1e200)
    for words in ("backward", "mul of", "1e+200", "beyond the largest float"):
        assert words in message


def test_contributions_that_overflow_together_leave_every_gradient_as_it_was() -> None:
    x = Value(1e-10, label="x")
    root = swept_before(x * 1e308 + x * 1e308)
    message = raises_nothing_changed(root, OverflowError)
    for words in ("backward", "Value(1e-10, label='x')", "beyond the largest float"):
        assert words in message


def test_a_sum_with_an_earlier_gradient_that_overflows_leaves_every_gradient_as_it_was() -> None:
    x = Value(1e-10, label="x")
    root = x * 1e308
    root.backward()
    message = raises_nothing_changed(root, OverflowError)
    for words in ("1e+308", "Value(1e-10, label='x')", "beyond the largest float", ".grad to 0"):
        assert words in message
    assert x.grad == 1e308
    x.grad = 0.0
    root.backward()
    assert x.grad == 1e308


@pytest.mark.parametrize("seed", ["1", None, 1j, [1.0], Value(1.0), np.array([1.0])], ids=repr)
def test_a_seed_that_is_no_number_leaves_every_gradient_as_it_was(seed: Any) -> None:
    message = raises_nothing_changed(swept_before(Value(3.0) * 2.0), TypeError, seed=seed)
    assert "need a real number" in message


def test_a_local_derivative_that_overflowed_is_told_from_one_that_is_infinite() -> None:
    x = Value(1e-200, label="x")
    root = 1.0 / x  # the derivative is -1e400
    message = raises_nothing_changed(root, (OverflowError, ZeroDivisionError))
    assert "div of Value(1.0), Value(1e-200, label='x')" in message
    assert "-inf" in message


# What is no number


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ("3.5", ("'3.5' (str)", "float(")),
        (None, ("None (NoneType)",)),
        (1 + 2j, ("(1+2j) (complex)", ".real")),
        (np.complex128(1 + 2j), ("(complex128)", ".real")),
        ([1.0, 2.0], ("[1.0, 2.0] (list)", "elements")),
        ((1.0,), ("(1.0,) (tuple)", "elements")),
        ({"a": 1.0}, ("{'a': 1.0} (dict)", "elements")),
        (np.array([1.0, 2.0]), ("array([1., 2.]) (ndarray)", "elements")),
        (np.array(1.0), ("array(1.) (ndarray)",)),
        (Value(2.0, label="v"), ("label='v'", "(Value)", ".data")),
        (Value(2.0) * 1.0, ("operation='mul'", "(Value)", ".data")),
        (object, ("<class 'object'> (type)",)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_value_of_anything_but_a_real_number_raises_and_says_what_to_do(
    thing: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(TypeError) as raised:
        Value(thing)
    message = str(raised.value)
    assert message.startswith("need a real number, not ")
    for word in words:
        assert word in message
    assert message.partition(f"({type(thing).__name__})")[2].startswith(": ")  # the advice


@pytest.mark.parametrize(
    "number",
    [10**400, 10**5000, -(10**400), Fraction(10**400), Decimal("1e400"), np.longdouble("1e400")],
    ids=["int", "large int", "negative int", "Fraction", "Decimal", "longdouble"],
)
def test_a_number_beyond_the_largest_float_is_an_overflow_and_not_an_infinity(number: Any) -> None:
    if isinstance(number, np.longdouble) and not np.isfinite(number):
        pytest.skip("long double is no longer than double here")
    for call in (Value, lambda n: Value(1.0) * n, m.exp):
        with pytest.raises(OverflowError, match="beyond the largest float") as raised:
            call(number)
        assert len(str(raised.value)) < 150


@pytest.mark.parametrize("label", [3, None, b"x"])
def test_a_label_that_is_no_string_raises(label: Any) -> None:
    with pytest.raises(TypeError, match=rf"the label of a Value is a string, not {label!r}"):
        Value(1.0, label=label)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "<", "<=", ">", ">="])
@pytest.mark.parametrize("thing", ["2", None, 1j, [1.0]], ids=repr)
def test_an_operator_refuses_what_is_no_number(symbol: str, thing: Any) -> None:
    for expression in (f"x {symbol} thing", f"thing {symbol} x"):
        with pytest.raises(TypeError, match="Value"):
            eval(expression, {"x": Value(2.0), "thing": thing})


def test_an_operator_refuses_a_tensor_and_says_how_to_take_its_number() -> None:
    torch = pytest.importorskip("torch")
    x = Value(2.0)
    for call in (lambda t: x * t, lambda t: t - x, lambda t: x**t, lambda t: t < x):
        with pytest.raises(TypeError, match=r"not tensor\(3\.\) \(Tensor\): take its \.item\(\)"):
            call(torch.tensor(3.0))
    with pytest.raises(TypeError, match="take its elements one by one"):
        x + torch.tensor([1.0, 2.0])


def test_what_python_says_of_a_value_names_what_users_import() -> None:
    with pytest.raises(TypeError, match=r"^'(micrograd_bp\.)?Value' object is not subscriptable"):
        Value(1.0)[0]  # type: ignore[index]
    assert pickle.loads(pickle.dumps(Value)) is Value


@pytest.mark.parametrize("thing", ["2", None, 1j, [1.0]], ids=repr)
@pytest.mark.parametrize(
    "call",
    [
        m.exp,
        m.relu,
        m.pow,
        m.hypot,
        m.where,
        lambda t, *rest: m.maximum(1.0, t),
        lambda t, *rest: m.leaky_relu(1.0, slope=t),
        lambda t, *rest: m.elu(1.0, alpha=t),
        lambda t, *rest: m.clip(1.0, t, 3.0),
        lambda t, *rest: m.mean([1.0, t]),
        lambda t, *rest: m.prod([t]),
        lambda t, *rest: m.softmax([Value(1.0), t]),
        lambda t, *rest: m.logsumexp([t]),
        lambda t, *rest: fsum([Value(1.0), t]),
        lambda t, *rest: dot([t], [1.0]),
        lambda t, *rest: Value(1.0).hypot(t),
        lambda t, *rest: Value(1.0).clip(t),
    ],
)
def test_a_function_refuses_what_is_no_number(call: Callable[..., Any], thing: Any) -> None:
    arity = {m.pow: 2, m.hypot: 2, m.where: 3}.get(call, 1)
    with pytest.raises(TypeError, match="need a real number, not"):
        call(thing, *[1.0] * (arity - 1))


@pytest.mark.parametrize("function", [m.mean, m.logsumexp, m.softmax])
@pytest.mark.parametrize("none", [[], (), iter(())], ids=["list", "tuple", "iterator"])
def test_the_mean_of_nothing_is_an_error(function: Callable[[Any], Any], none: Any) -> None:
    with pytest.raises(ValueError, match=f"{function.__name__} needs one value at least"):
        function(none)


@pytest.mark.parametrize(("low", "high"), [(2.0, 1.0), (math.nan, 1.0), (0.0, math.nan)])
def test_clip_refuses_bounds_that_are_none(low: float, high: float) -> None:
    for call in (m.clip, Value.clip):
        with pytest.raises(ValueError, match=r"clip needs low <= high, not low=.* and high="):
            call(Value(1.0), low, high)


@pytest.mark.parametrize(("weights", "inputs"), [(1, 2), (3, 0)])
def test_dot_refuses_unequal_numbers_of_weights_and_inputs(weights: int, inputs: int) -> None:
    with pytest.raises(
        ValueError, match=f"dot of {weights} weights needs as many inputs, not {inputs}"
    ):
        dot([Value(1.0)] * weights, [1.0] * inputs)


@pytest.mark.parametrize("thing", [1.0, None, "root", [Value(1.0)]], ids=repr)
def test_the_topological_order_of_no_value_is_an_error(thing: Any) -> None:
    with pytest.raises(TypeError, match="topological_order needs a Value, not "):
        topological_order(thing)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [(3, TypeError, "is a string, not 3"), ("", ValueError, "at least one character, not ''")],
)
def test_a_scope_has_a_name(name: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words), scope(name):
        pass
    assert Value(1.0).scope == ""
