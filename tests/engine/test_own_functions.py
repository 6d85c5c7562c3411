"""Functions of the user's own, made by function(...): they do what built-in ones do."""

import copy
import gc
import math
import pickle
import random
import re
import threading
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_bp as m
from micrograd_bp import MLP, Value, allow_nonfinite, clip, function, grad, hessian, no_grad
from micrograd_bp.drawing import draw
from micrograd_bp.explorer import explore
from micrograd_bp.explorer.formulas import derivative, formula
from micrograd_bp.functions import FUNCTIONS, Function
from micrograd_bp.testing import check_graph, finite_difference, gradcheck
from micrograd_bp.text.evaluation_trace import trace_table
from micrograd_bp.text.explain import explain
from micrograd_bp.text.latex import latex

huber = function(
    lambda r: r * r / 2 if abs(r) <= 1 else abs(r) - 0.5,
    lambda r: clip(r, -1.0, 1.0),
    name="huber",
)
norm = function(lambda *x: math.hypot(*x), lambda *x: [x_i / norm(*x) for x_i in x], name="norm")
product = function(lambda x, y: x * y, [lambda x, y: y, lambda x, y: x], name="product")
float_tanh = function(math.tanh, lambda x: 1.0 - math.tanh(x) ** 2, name="float_tanh")


# A copy of each function of the table is the function itself, to the last bit

KEYS = [
    key
    for key, entry in FUNCTIONS.items()
    if key != "constant" and len(entry.tried[0]) == entry.parameters
]


def copied(entry: Function, parameters: tuple[float, ...], n: int, one_by_one: bool) -> Any:
    """The function with its own value and rule, in either form that partials may have."""

    def value(*x: float) -> float:
        return entry.value(*x, *parameters)

    def rule(*x: Any) -> Any:
        return entry.partials(*x, *parameters)

    if one_by_one:
        return function(value, [lambda *x, i=i: rule(*x)[i] for i in range(n)], entry.name)
    return function(value, rule, entry.name)


def outcome(f: Callable[[], Any]) -> Any:
    try:
        return repr(f())  # every bit, and nan is nan
    except (ArithmeticError, ValueError):
        return "refused"


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=max(5, settings.default.max_examples // 10))
@given(seed=st.integers(0, 2**32), one_by_one=st.booleans())
def test_a_copy_of_a_function_of_the_table_has_its_bits(
    key: str, seed: int, one_by_one: bool
) -> None:
    rng = random.Random(seed)
    entry = FUNCTIONS[key]
    parameters = rng.choice(entry.tried)
    n = entry.operands or rng.choice([2, 4] if key == "dot" else [2, 3])
    x = [rng.choice([0.0, 0.5, -0.5, 1.0, rng.gauss(0, 3), abs(rng.gauss(0, 1))]) for _ in range(n)]
    own = copied(entry, parameters, n, one_by_one)

    def built_in(*operands: Any) -> Any:
        return m.engine.apply(entry, *operands, parameters=parameters)

    def recorded(f: Callable[..., Any]) -> Any:
        node = f(*map(Value, x))
        return node.data, node.local_derivatives, node.operation.name

    def gradient_of(f: Callable[..., Any]) -> Any:
        return grad(lambda v: f(*v) * 3.0)(x)

    def hessian_of(f: Callable[..., Any]) -> Any:
        return hessian(lambda v: f(*v) * 3.0)(x)

    for what in (lambda f: f(*x), recorded, gradient_of, hessian_of):
        assert outcome(lambda w=what: w(own)) == outcome(lambda w=what: w(built_in)), what  # type: ignore[misc]


# As a built-in is


def test_floats_give_floats_and_values_give_nodes() -> None:
    assert (huber(3), huber(Fraction(1, 2)), product(2.0, np.float32(0.5))) == (2.5, 0.125, 1.0)
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    node = product(x, y)
    assert (node.data, node.parents, node.local_derivatives) == (6.0, (x, y), (3.0, 2.0))
    assert node.operation is not None
    assert (node.operation.name, node.operation.symbol) == ("product", "product")
    assert repr(node) == "Value(data=6.0, grad=0.0, operation='product')"
    (product(x, 4.0) + norm(x, y, x)).backward()
    assert x.grad == pytest.approx(4.0 + 4.0 / math.sqrt(17.0), rel=1e-15)
    with no_grad():
        assert product(x, y).parents == ()


def test_every_transform_takes_it() -> None:
    def f(v: Any) -> Any:
        return norm(*v) * huber(v[0])

    def same(v: Any) -> Any:
        return (v[0] ** 2 + v[1] ** 2) ** 0.5 * v[0] ** 2 / 2

    at = [0.3, -0.4]
    for transform in (m.grad, m.hessian, m.jacobian):
        np.testing.assert_allclose(transform(f)(at), transform(same)(at), rtol=1e-12)
    np.testing.assert_allclose(
        m.hvp(f, (at,), ([1.0, 2.0],))[0], m.hvp(same, (at,), ([1.0, 2.0],))[0], rtol=1e-12
    )
    assert m.jvp(huber, (0.5,), (2.0,)) == (0.125, 1.0)
    assert m.vjp(huber, 0.5)[1](2.0) == (1.0,)
    third = grad(grad(grad(function(m.exp, lambda x: m.exp(x), name="e"))))
    assert third(0.5) == m.exp(0.5)


def test_a_partial_may_use_the_function_itself() -> None:
    tanh = function(math.tanh, lambda x: 1 - tanh(x) ** 2, "tanh")
    assert grad(tanh)(0.5) == 1 - math.tanh(0.5) ** 2
    assert grad(grad(tanh))(0.5) == pytest.approx(grad(grad(m.tanh))(0.5), rel=1e-14)


def test_the_checkers_take_it() -> None:
    assert gradcheck(huber, 0.3)
    assert finite_difference(huber, 0.3) == pytest.approx(0.3, rel=1e-9)
    assert gradcheck(lambda v: norm(*v) * product(v[0], v[1]), [0.3, -0.4, 2.0])
    assert "a kink" in str(gradcheck(function(abs, lambda x: m.sign(x)), 0.0))
    wrong = function(math.sin, math.sin, name="wrong")
    assert not gradcheck(wrong, 0.5, raise_on_failure=False)
    for root in (huber(Value(0.3)) ** 2, wrong(Value(0.3)).exp(), norm(Value(3.0), Value(4.0))):
        report = check_graph(root)
        assert report
        assert "a function of your own" in str(report)
    assert m.grad(lambda x: round_(x) ** 2)(2.6) == 6.0


round_ = function(round, lambda x: 1.0, name="round")


def test_units_take_it() -> None:
    model = MLP(2, [3, 1], hidden=huber, seed=0)
    model([0.5, -1.0]).backward()
    assert "huber" in str(copy.deepcopy(model))
    assert sum(p.grad != 0.0 for p in model.parameters()) > 4


def test_it_is_called_what_it_is_called() -> None:
    def softplus(x: float) -> float:
        """log(1 + exp(x))."""
        return math.log1p(math.exp(x))

    own = function(softplus, m.sigmoid)
    assert (own.__name__, own.__doc__, own.__module__) == ("softplus", softplus.__doc__, __name__)
    assert own(Value(1.0)).operation.name == "softplus"
    assert function(softplus, m.sigmoid, "other").__name__ == "other"


def test_two_that_are_made_alike_are_two() -> None:
    x = Value(2.0)
    first, second = (function(math.sin, m.cos, name="sin")(x).operation for _ in range(2))
    assert first.name == second.name == "sin"
    assert first.function is not second.function
    assert first.key == second.key == ""


def test_the_name_of_a_built_in_brings_nothing_of_the_built_in() -> None:
    x = Value(1.0, "x")
    for key in ("tanh", "exp", "dot", "mul", "constant", "pow", "gelu", "where", "softmax", "fsum"):
        node = function(lambda x: 5.0 * x, lambda x: 5.0, name=key)(x)
        assert latex(node) == rf"\operatorname{{{key}}}(x)"
        assert f"{key}(v_1)" in str(trace_table(node, [x]))
        assert f"{key}(x)" in str(explain(node))
        assert "dashed" not in draw(node).dot.replace(draw(x).dot, "")
        page = str(explore(node)._repr_html_())
        assert f"{key}({{0}})" in page
        assert derivative(node, 0) == ""
        assert check_graph(node)
        assert grad(lambda x, n=node: n.operation.function(x) * 2.0)(3.0) == 10.0


HOSTILE = {
    "markup": "</script><script>alert(1)</script>&amp;",
    "braces": "{0} {x} {} {z^}",
    "LaTeX": r"\input{/etc/passwd} $x_1^2$ %",
    "quotes": "say \"x\" and 'y'",
    "letters": "損失 δ",
    "signs": "?!",
    "long": "x" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_any_name_is_shown_and_runs_nothing(name: str) -> None:
    x = Value(0.5, "x")
    with m.scope("layer1"):
        own = function(lambda x: x * x, lambda x: 2.0 * x, name)
        root = own(x) + own(x * 2.0)
        for _ in range(200):
            root = own(root * 0.5)
    small = own(x)
    assert small.operation is not None
    assert small.operation.symbol == name
    for picture in (draw(root), draw(root, open=["layer1"]), draw(small)):
        assert "<script>" not in picture.svg
    assert "<script>alert" not in explore(small)._repr_html_()
    assert re.findall(r"\{.*?\}", formula(small)) == ["{0}"]  # what the page fills
    tex = latex(small)
    assert tex.count("{") == tex.count("}")
    assert r"\input" not in tex
    assert "%" not in tex.replace(r"\%", "")
    for text in (str(trace_table(small, [x])), str(explain(small)), str(m.Program(small, [x]))):
        assert name[:20] in text


# What goes wrong


def raises(kind: type[Exception], words: str, call: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value), str(caught.value)
    return str(caught.value)


def unhappy(x: float) -> float:
    if x < 0.0:
        raise ValueError("takes no x < 0")
    return 1.0 / (x - 2.0) + math.exp(x * 100.0) if x < 50 else 1e308 * x


def test_what_the_value_raises_is_said_in_the_words_of_the_engine() -> None:
    own = function(unhappy, lambda x: x)
    for at, kind, words in [
        (-1.0, ValueError, "takes no x < 0"),
        (2.0, ZeroDivisionError, "division by zero"),
        (40.0, OverflowError, "math range error"),
        (60.0, OverflowError, "the result is beyond the largest float, 1.8e308"),
    ]:
        x = Value(at, label="x")
        raises(kind, f"unhappy of {at}: ", lambda at=at: own(at))  # type: ignore[misc]
        raises(kind, f"unhappy of Value({at}, label='x'): ", lambda x=x: own(x))  # type: ignore[misc]
        raises(kind, words, lambda x=x: own(x))  # type: ignore[misc]
        with allow_nonfinite():
            assert not math.isfinite(own(x).data)
    with pytest.raises(ValueError, match="takes no x < 0") as caught:
        own(-1.0)
    assert caught.value.__cause__ is not None  # which has the line of the value
    assert own(math.inf) == math.inf
    assert math.isnan(own(Value(-math.inf)).data)


def test_what_is_not_real_is_refused_and_allowed_it_is_nan() -> None:
    root = function(lambda x: x ** (1 / 3), lambda x: x, "root")
    raises(ValueError, "root of Value(-8.0): the result, (1", lambda: root(Value(-8.0)))
    lost = function(lambda x: math.nan, lambda x: x, "lost")
    raises(ValueError, "lost of 1.0: the result is nan", lambda: lost(1.0))
    with allow_nonfinite():
        assert math.isnan(root(-8.0))
    huge = function(lambda x: 10**400, lambda x: -(10**400), "huge")
    raises(OverflowError, "beyond the largest float", lambda: huge(1.0))
    with allow_nonfinite():
        assert huge(Value(1.0)).local_derivatives == (-math.inf,)


def test_ieee_arithmetic_gives_the_infinity_where_python_raises() -> None:
    inverse = function(lambda x: 1 / x, lambda x: -1 / x**2, "inverse")
    with allow_nonfinite():
        assert (inverse(0.0), inverse(Value(-0.0)).data) == (math.inf, -math.inf)
        assert inverse(Value(0.0)).local_derivatives == (-math.inf,)


def test_an_infinite_local_derivative_is_recorded_and_matters_only_if_it_is_reached() -> None:
    for partial in (lambda x: 0.5 / x**0.5, lambda x: 0.5 / m.sqrt(x), lambda x: math.inf):
        root = function(math.sqrt, partial, "root")
        x = Value(0.0, label="x")
        y = root(x)
        assert y.local_derivatives == (math.inf,)
        raises(ZeroDivisionError, "local derivative of root of Value(0.0, label='x')", y.backward)
        z = m.where(x > 0, y, 3.0 * x)
        z.backward()
        assert x.grad == 3.0
        raises(ZeroDivisionError, "0 times infinity", lambda y=y: y.cos().backward())  # type: ignore[misc]
        assert grad(lambda x, r=root: m.where(m.step(x), r(x), 3.0 * x))(0.0) == 3.0
    missing = function(math.sqrt, lambda x: 0.5 / math.sqrt(x), "root")(Value(0.0))
    assert math.isnan(missing.local_derivatives[0])
    raises(ZeroDivisionError, "local derivative of root", missing.backward)


@pytest.mark.parametrize("result", [None, [1.0], "1.0", object(), {}, np.array([1.0, 2.0])])
def test_a_result_that_is_no_number_is_refused(result: Any) -> None:
    x = Value(1.0)
    value = function(lambda x: result, lambda x: 1.0, "f")
    for call in (lambda: value(1.0), lambda: value(x)):
        raises(TypeError, "the value of f is a number, not", call)
    partial = function(lambda x: x, lambda x: result, "f")
    assert partial(1.0) == 1.0
    raises(TypeError, "a partial of f is a number, not", lambda: partial(x))
    together = function(lambda *x: 1.0, lambda *x: [1.0, result], "f")
    raises(TypeError, "a partial of f is a number, not", lambda: together(x, x))
    later = function(lambda x: x, lambda x: result if isinstance(x, Value) else 1.0, "f")
    later(x).backward()
    raises(TypeError, "a partial of f is a number, not", lambda: grad(grad(later))(1.0))


@pytest.mark.parametrize("results", [None, 1.0, [1.0], (1.0, 2.0, 3.0), {1.0, 2.0}])
def test_partials_given_together_are_as_many_as_the_operands(results: Any) -> None:
    f = function(lambda x, y: x, lambda x, y: results, "f")
    raises(TypeError, "the partials of f are a list of 2, one an operand, not", lambda: f(X, X))


X = Value(1.0, label="x")


def test_a_value_in_the_closure_is_named_as_what_it_should_be() -> None:
    w = Value(2.0)
    f = function(lambda x: w * x, lambda x: 2.0, "f")
    raises(TypeError, "what depends on a Value takes it as an operand", lambda: f(X))
    f = function(lambda x: 2.0 * x, lambda x: w, "f")
    raises(TypeError, "what depends on a Value takes it as an operand", lambda: f(X))


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((3.0, abs), TypeError, "the value of a function is callable, not 3.0 (float)"),
        ((abs, 3.0), TypeError, "the partials of abs are a function, or a list of one for each op"),
        ((abs, None), TypeError, "the partials of abs are a function, or a list"),
        ((abs, []), ValueError, "abs needs a partial for each operand, and the list is empty"),
        ((abs, [1.0]), TypeError, "a partial of abs is callable, not 1.0 (float)"),
        ((lambda x: x, abs), TypeError, "name='huber'"),
        ((abs, abs, 3), TypeError, "the name of a function is a string, not 3 (int)"),
        ((abs, abs, ""), ValueError, "a line of printable text, not ''"),
        ((abs, abs, " "), ValueError, "a line of printable text, not ' '"),
        ((abs, abs, "a\nb"), ValueError, "a line of printable text, not 'a\\nb'"),
        ((abs, abs, "\ud800"), ValueError, "a line of printable text"),
        ((lambda: 1.0, abs, "f"), TypeError, "the value of f takes all operands, which are 1"),
        ((lambda x, y: x, [abs], "f"), TypeError, "the value of f takes all operands, which are 1"),
        ((abs, lambda x, y: x, "f"), TypeError, "the partial of f takes all operands, which are 1"),
        ((lambda x, y: x, [max, abs], "f"), TypeError, "partial 1 of f takes all operands"),
        ((lambda *x: x[0], lambda x: x, "f"), TypeError, "which are any number, and <function"),
        ((lambda x, *, k: x, abs, "f"), TypeError, "the value of f takes all operands"),
    ],
)
def test_what_makes_no_function_is_refused(
    arguments: Any, kind: type[Exception], words: str
) -> None:
    raises(kind, words, lambda: function(*arguments))


@pytest.mark.parametrize(
    ("f", "operands", "words"),
    [
        (huber, (), "huber takes 1 operand, not 0"),
        (huber, (1.0, X), "huber takes 1 operand, not 2"),
        (product, (X,), "product takes 2 operands, not 1"),
        (norm, (), "norm takes one operand at least, not 0"),
        (huber, ("1.0",), "need a real number, not '1.0' (str)"),
        (norm, ([X, X],), "take its elements one by one"),
        (product, (X, 1j), "need a real number"),
    ],
)
def test_a_call_with_other_operands_is_refused(f: Any, operands: Any, words: str) -> None:
    raises(TypeError, words, lambda: f(*operands))


def test_the_number_of_operands_is_read_from_where_it_stands() -> None:
    scaled = function(lambda x, width=2.0: x / width, lambda x, width=2.0: 1 / width, "scaled")
    assert (scaled(4.0), grad(scaled)(4.0)) == (2.0, 0.5)
    assert function(math.log, lambda x: 1 / x)(1.0) == 0.0  # which has no signature
    assert function(math.hypot, [lambda x, y: x, lambda x, y: y], "h")(3.0, 4.0) == 5.0
    assert grad(function(np.sin, np.cos, "sin"))(0.5) == float(np.cos(0.5))


def test_partials_on_floats_alone_have_a_gradient_and_no_more() -> None:
    assert grad(float_tanh)(0.5) == 1.0 - math.tanh(0.5) ** 2
    assert m.jvp(float_tanh, (0.5,), (1.0,))[1] == grad(float_tanh)(0.5)
    words = "the partials of float_tanh do not take Values, and its derivatives have none: Value("
    for refused in (
        lambda: grad(grad(float_tanh))(0.5),
        lambda: hessian(float_tanh)(0.5),
        lambda: m.gradient(float_tanh(X), [X]),
        lambda: m.Program(float_tanh(X), [], [X]),
    ):
        assert "operators and functions of micrograd_bp" in raises(TypeError, words, refused)
    assert m.Program(float_tanh(X), [X])([0.5]) == math.tanh(0.5)
    method = function(float.__abs__, lambda x: x.is_integer(), "method")
    raises(TypeError, "do not take Values", lambda: grad(grad(method))(0.5))


# What it leaves behind


def test_an_error_in_a_value_or_a_partial_leaves_everything_as_it_was() -> None:
    class Stop(BaseException):
        pass

    def stop(x: float) -> float:
        raise Stop

    x = Value(2.0, label="x")
    y = x * x
    y.backward()
    before = (x.grad, y.grad, y.parents, m.modes.current.get())
    for f in (function(stop, lambda x: x), function(abs, stop)):
        for call in (f, grad(f), lambda y, f=f: m.jvp(f, (y,), (1.0,))):
            with pytest.raises(Stop), allow_nonfinite():
                call(y)
        assert (x.grad, y.grad, y.parents, m.modes.current.get()) == before
    y.backward()
    assert x.grad == 8.0


def test_value_and_partials_depend_on_no_mode() -> None:
    seen = []

    def value(x: float) -> float:
        seen.append(m.modes.current.get()._replace(begun=None))
        t = Value(x, label="t")
        (t * t).backward()
        return t.grad if t > 0 else 0.0

    f = function(value, lambda x: value(x) / x if isinstance(x, float) else 2.0, "f")
    with no_grad(), allow_nonfinite(), m.scope("layer1"), m.modes.changed(compared=[]) as _:
        assert f(3.0) == 6.0
        assert m.modes.current.get().compared == []
    with m.scope("layer1"):
        node = f(Value(3.0))
    assert (node.data, node.local_derivatives, node.scope) == (6.0, (2.0,), "layer1")
    assert set(seen) == {m.modes.DEFAULT}


def test_a_choice_within_a_partial_is_that_of_its_operands() -> None:
    f = function(lambda x: max(x, 0.0), lambda x: 1.0 if x * 2.0 > 0 else 0.0, "f")
    x, w = Value(1.0, label="x"), Value(2.0, label="w")
    f(w * x).backward()
    assert w.grad == 1.0
    with pytest.warns(UserWarning, match="Python compared mul of Value"):
        m.Program(f(w * x), [x], [w])


def test_neither_function_nor_graph_of_one_is_pickled() -> None:
    node = huber(X)
    for thing in (node, node.operation):
        raises(TypeError, "", lambda thing=thing: pickle.dumps(thing))  # type: ignore[misc]
    raises(TypeError, "huber is a function of your own", lambda: pickle.dumps(node.operation))
    assert pickle.loads(pickle.dumps(huber)) is huber  # of a module, by its name
    assert copy.deepcopy(node.operation).function is node.operation.function  # type: ignore[union-attr]


def test_a_graph_of_own_functions_is_freed_at_once() -> None:
    x = Value(2.0)
    gone = weakref.ref(huber(x))
    node = huber(x * 2.0)
    gone_too = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert gone() is gone_too() is None
    finally:
        gc.enable()


def test_threads_share_a_function() -> None:
    found: list[float] = []

    def work() -> None:
        found.append(sum(grad(lambda v: norm(*v))([float(i), 2.0])[0] for i in range(50)))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert len(set(found)) == 1
    assert len(found) == 4


# The ways of micrograd and of the lecture get an answer

SHOWN = 'function(math.tanh, lambda x: 1 - tanh(x) ** 2, "tanh")'


class Derived(Value):
    """A subclass, whose instances have a dict."""


@pytest.mark.parametrize("kind", [Value, Derived])
def test_a_value_with_parents_of_the_users_own_shows_function(kind: Any) -> None:
    x = Value(0.5)
    t = math.tanh(0.5)
    for more in [((x,), "tanh"), ((x,),), ({x}, "tanh"), ((), ""), ("t", "tanh")]:
        raises(TypeError, SHOWN, lambda more=more: kind(t, *more))  # type: ignore[misc]
    raises(TypeError, "label of a Value is a string, not 3", lambda: kind(t, 3))


@pytest.mark.parametrize("kind", [Value, Derived])
def test_a_backward_closure_shows_function(kind: Any) -> None:
    out = kind(0.5)
    raises(TypeError, SHOWN, lambda: setattr(out, "_backward", lambda: None))
    raises(AttributeError, SHOWN, lambda: out._backward)
    assert not hasattr(out, "_backward")
    assert vars(out) == {}
    assert (out * out)._prev == (out,)
    assert (out * out)._op == "*"
    raises(AttributeError, "nothing_such", lambda: out.nothing_such)
