"""A Program as a function of NumPy, JAX and PyTorch: values, and gradients by the library."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from branches import NUMBERS, Build, builds, by_the_engine, recorded
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from micrograd_bp import (
    MLP,
    Value,
    atan2,
    clip,
    digamma,
    elu,
    erfinv,
    exp,
    fsum,
    functions,
    grad,
    hypot,
    leaky_relu,
    lgamma,
    maximum,
    minimum,
    relu,
    sign,
    trunc,
)
from micrograd_bp.program import Program
from micrograd_bp.program.array_functions import array_functions

pytestmark = pytest.mark.slow

FUNCTIONS, Function = functions.FUNCTIONS, functions.Function
POINTS = {  # operands that lie in the domain of every function, and off the kinks
    1: [np.array([0.3, 0.6, 0.9])],
    2: [np.array([0.3, 1.6, 0.9]), np.array([1.7, 0.4, 2.5])],
    3: [np.array([1.0, 0.0, 2.0]), np.array([0.3, 1.6, 0.9]), np.array([1.7, 0.4, 2.5])],
}
PARAMETERS = {
    "divide_by_power": (3,),
    "power_partial": (2, 1),
    "constant_power": (2.5,),
    "constant_power_derivative": (2.5, 2),
    "inverse_power": (2, 1),
    "hypot_moment": (1, 2, 3),
    "gauss": (2,),
    "normal": (3,),
    "leaky_relu": (0.1,),
    "leaky_step": (0.1,),
    "elu": (1.5,),
    "elu_tail": (1.5,),
    "softsign_derivative": (2,),
    "clip": (0.4, 0.8),
    "within": (0.4, 0.8),
    "polygamma": (2,),
}


def numpy_library() -> tuple[Any, Callable[[Any], Any]]:
    return np, np.asarray


def torch_library() -> tuple[Any, Callable[[Any], Any]]:
    torch = pytest.importorskip("torch")
    return torch, lambda array: torch.tensor(np.asarray(array), dtype=torch.float64)


def jax_library() -> tuple[Any, Callable[[Any], Any]]:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.numpy, jax.numpy.asarray


LIBRARIES = [numpy_library, torch_library, jax_library]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"constant", "softmax"}))
def test_every_function_of_the_table_has_its_array_form(name: str, library: Any) -> None:
    xp, array = library()
    function = FUNCTIONS[name]
    operands = POINTS[3 if name == "dot" else function.operands or 2]
    if name in ("acosh", "acosh_derivative"):
        operands = [operands[0] + 1.0]
    if name == "exp_of_difference":
        operands = [operands[0], operands[0] + operands[1]]
    parameters = PARAMETERS.get(name, function.tried[0])
    got = array_functions(xp)(function)(*map(array, operands), *parameters)
    expected = [function.value(*point, *parameters) for point in zip(*operands, strict=True)]
    np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "relu", "gelu", "silu", "softplus", "elu"])
def test_a_library_computes_and_differentiates_the_same(library: Any, hidden: str) -> None:
    xp, array = library()
    model = MLP(2, [4, 1], hidden=hidden, seed=1)
    x, t = [Value(0.5), Value(-0.5)], Value(0.25)
    program = Program(0.5 * (model(x) - t) ** 2, [*x, t], model.parameters())
    rng = np.random.default_rng(0)
    data, weights = rng.normal(size=(20, 3)), rng.normal(size=len(model.parameters()))
    value, grad = program.value_and_grad(data, weights)
    traced = program.trace(xp)
    np.testing.assert_allclose(
        np.asarray(traced(array(data), array(weights))), program(data, weights), rtol=1e-11
    )
    if xp is np:
        return
    if xp.__name__ == "torch":
        leaf = array(weights).requires_grad_()
        total = traced(array(data), leaf).sum()
        total.backward()
        found = total.item(), leaf.grad.numpy()
    else:
        import jax

        of_all = jax.jit(jax.value_and_grad(lambda w: traced(array(data), w).sum()))
        found = of_all(array(weights))
    np.testing.assert_allclose(found[0], value, rtol=1e-11)
    np.testing.assert_allclose(found[1], grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("library", LIBRARIES[1:])
def test_a_library_differentiates_what_has_steps_and_the_gamma_function(library: Any) -> None:
    xp, array = library()
    x, w = Value(0.7), Value(2.5)
    root = lgamma(w * x) + digamma(w + x) * (w % x) + 3.0 // w + x // w + erfinv(w / 9.0)
    program = Program(root + trunc(x) * w + round(w, 1) + 7.0 % w, [x], [w])
    data = [[1.3], [-2.2], [7.0]]
    value, (slope,) = program.value_and_grad(data, [2.5])
    traced = program.trace(xp)
    if xp.__name__ == "torch":
        leaf = array([2.5]).requires_grad_()
        total = traced(array(data), leaf).sum()
        total.backward()
        found = total.item(), leaf.grad.item()
    else:
        import jax

        total, (gradient,) = jax.value_and_grad(lambda w: traced(array(data), w).sum())(
            array([2.5])
        )
        found = float(total), float(gradient)
    np.testing.assert_allclose(found, [value, slope], rtol=1e-8)  # PyTorch's trigamma: 4e-10


@pytest.mark.parametrize("library", LIBRARIES)
def test_several_outputs_are_stacked(library: Any) -> None:
    xp, array = library()
    x, y, w = Value(1.0), Value(2.0), Value(3.0)
    traced = Program([x * w, fsum([x, y, w]), w * w], [x, y], [w]).trace(xp)
    points = array([[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(traced(points, array([10.0]))).tolist() == [[10, 13, 100], [30, 17, 100]]
    assert np.asarray(traced(points[0], array([10.0]))).tolist() == [10, 13, 100]


def gradients_by_torch(program: Program, points: list[float], weights: list[float]) -> list[Any]:
    torch = pytest.importorskip("torch")
    traced = program.trace(torch)
    found = []
    for x in points:
        w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        value = traced(torch.tensor([x], dtype=torch.float64), w)
        value = value + 0.0 * w.detach().sum()
        slopes = torch.autograd.grad(value, w)[0] if value.requires_grad else torch.zeros(2)
        found.append([value.item(), *slopes.tolist()])
    return found


def gradients_by_jax(
    program: Program, points: list[float], weights: list[float], mode: str = "grad"
) -> list[Any]:
    jax = pytest.importorskip("jax")
    xp, array = jax_library()
    traced = program.trace(xp)

    def of(x: Any) -> Any:
        if mode == "jacfwd":
            w = array(weights)
            return xp.append(traced(x[None], w), jax.jacfwd(lambda w: traced(x[None], w))(w))
        value, slopes = jax.value_and_grad(lambda w: traced(x[None], w))(array(weights))
        return xp.append(value, slopes)

    of_all = jax.vmap(of)
    return list(np.asarray((jax.jit(of_all) if mode == "jit" else of_all)(array(points))))


WEIGHTS = st.sampled_from(NUMBERS)


def held_to_the_engine(build: Build, weights: list[float], gradients: Any) -> None:
    program = recorded(build)
    assume(program is not None)
    expected = [by_the_engine(build, dict(zip("xwb", (x, *weights)))) for x in NUMBERS]
    for wanted, found in zip(expected, gradients(program, NUMBERS, weights), strict=True):
        if wanted is not None:
            assert list(found) == pytest.approx(wanted, rel=1e-8, abs=1e-11)


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(build=builds(), w=WEIGHTS, b=WEIGHTS)
def test_pytorch_gives_the_gradients_of_the_engine(build: Build, w: float, b: float) -> None:
    held_to_the_engine(build, [w, b], gradients_by_torch)


@pytest.mark.parametrize(("mode", "examples"), [("grad", 25), ("jacfwd", 25), ("jit", 4)])
def test_jax_gives_the_gradients_of_the_engine(mode: str, examples: int) -> None:
    @settings(max_examples=examples)
    @given(build=builds(), w=WEIGHTS, b=WEIGHTS)
    def check(build: Build, w: float, b: float) -> None:
        held_to_the_engine(build, [w, b], partial(gradients_by_jax, mode=mode))

    check()


KINKS: dict[str, Callable[[Value], Value]] = {
    "abs": abs,
    "clip": lambda v: clip(v, 0.0, 1.0),
    "elu": elu,
    "leaky_relu": lambda v: leaky_relu(v, 0.25),
    "relu": relu,
    "maximum": lambda v: maximum(v, 3.0 * v * v),
    "minimum": lambda v: minimum(v, 3.0 * v * v),
    "sign": sign,
    "hypot": lambda v: hypot(v, 2.0 * v),
    "atan2": lambda v: atan2(v, 2.0 * v),
}


@pytest.mark.parametrize("f", KINKS.values(), ids=KINKS)
def test_at_a_kink_the_libraries_keep_to_the_conventions(f: Callable[[Value], Value]) -> None:
    x, w, b = Value(0.5), Value(0.25), Value(0.75)
    program = Program(f(w) * x + b, [x], [w, b])
    expected = [program([2.0], [0.0, 1.0]), 2.0 * grad(f)(0.0), 1.0]
    for gradients in (gradients_by_torch, gradients_by_jax):
        assert list(gradients(program, [2.0], [0.0, 1.0])[0]) == expected


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_trace_without_parameters_takes_those_recorded(library: Any) -> None:
    xp, array = library()
    x, w = Value(2.0), Value(3.0)
    traced = Program(w * exp(x), [x], [w]).trace(xp)
    np.testing.assert_allclose(traced(array([[0.0], [1.0]])), [3.0, 3.0 * math.e], rtol=1e-15)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("f", [lambda w, x, y: w * x + y, lambda w, x, y: relu(w * x) / y])
def test_shapes_that_a_function_cannot_have_are_refused(f: Build, library: Any) -> None:
    xp, array = library()
    w, x, y = Value(1.0), Value(2.0), Value(3.0)
    call = Program(f(w, x, y), inputs=[x, y], parameters=[w]).trace(xp)
    for shape in ((4, 1), (4, 3), (3,), ()):
        with pytest.raises(
            ValueError, match=rf"\(N, 2\) .* these have the shape {re.escape(str(shape))}"
        ):
            call(array(np.ones(shape)), array(np.ones(1)))
    for n in (0, 2):
        with pytest.raises(ValueError, match=f"the parameters are 1 numbers, and {n} are given"):
            call(array(np.ones((4, 2))), array(np.ones(n)))
    assert call(array(np.ones((4, 2))), array(np.ones(1))).shape == (4,)
