"""A Program as a function of NumPy, JAX and PyTorch: values, and gradients by the library."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from micrograd_bp import MLP, Value, digamma, erfinv, fsum, functions, lgamma, trunc
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
