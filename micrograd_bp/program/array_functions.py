"""The functions of the table on whole arrays: of NumPy, of JAX, of PyTorch.

On NumPy what is neither a plain ufunc nor a formula of accurate/ runs the table's own function
number by number, and so is as accurate. On the others each is a formula in terms of theirs, so that
they can differentiate it; its accuracy is theirs. One that has no formula here is its own value,
run on their arrays.
"""

import math
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from operator import add, mul, neg, sub, truediv
from typing import Any

import numpy

from ..functions import Function
from ..functions.composed import composed

Array = Any
ArrayFunction = Callable[..., Array]
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
ONE_OVER_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


def array_functions(library: Any) -> Callable[[Function], ArrayFunction]:
    """The functions of the table, as functions of arrays of a library.

    Args:
        library: the module ``numpy``, ``jax.numpy`` or ``torch``.

    Returns:
        What gives, for a function of the table, one of arrays and the parameters.

    Raises:
        TypeError: the library is none of the three.

    >>> from micrograd_bp import functions
    >>> array_functions(numpy)(functions.relu)(numpy.array([-1.0, 2.0]))
    array([0., 2.])
    """
    name = getattr(library, "__name__", None)
    if name == "numpy":
        return _of_numpy
    if name == "torch":
        special = library.special
    elif name == "jax.numpy":
        special = import_module("jax.scipy.special")
    else:
        raise TypeError(f"the library is the module numpy, jax.numpy or torch, not {library!r}")
    formulas = _formulas(library, special)

    def known(function: Function) -> ArrayFunction:
        if not function.key:
            raise TypeError(
                f"{function.name} is a function of your own, in Python, which {name} can neither"
                " run nor differentiate: trace(numpy) calls it; for other libraries write it with"
                " operators and functions of micrograd_bp, without function(...)"
            )
        return formulas.get(function.key) or composed(function, known)

    return known


def without_derivative(number: Array) -> Array:
    """An array of JAX or PyTorch as a constant to them."""
    if hasattr(number, "detach"):
        return number.detach()
    return import_module("jax").lax.stop_gradient(number)


def dot(*operands: Array) -> Array:
    """w_1 x_1 + ... + w_n x_n, from the bias on, left to right.

    >>> dot(2.0, 3.0, 10.0, 100.0, 1.0)
    321.0
    """
    n = len(operands) // 2
    products = [weight * x for weight, x in zip(operands[:n], operands[n : 2 * n])]
    return reduce(add, (*operands[2 * n :], *products))


ARITHMETIC: dict[str, ArrayFunction] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": truediv,
    "neg": neg,
    "reciprocal": lambda x: 1.0 / x,
    "square": lambda x: x * x,
    "dot": dot,
    "prod": lambda *factors: reduce(mul, factors),
}

MOST_OPERANDS = 32  # of a ufunc of NumPy 1, its result among them
_UFUNCS = "exp log tanh sqrt sin cos abs floor ceil trunc square".split()
UFUNCS: dict[str, ArrayFunction] = {
    **{key: getattr(numpy, key) for key in _UFUNCS},
    "add": numpy.add,
    "sub": numpy.subtract,
    "mul": numpy.multiply,
    "div": numpy.divide,
    "neg": numpy.negative,
}


# Like NumPy's own these write into an array, if one is given; spare is another of its shape.


def _relu(x: Array, out: Array = None, spare: Array = None) -> Array:
    return numpy.add(numpy.maximum(x, 0.0, out=out), 0.0, out=out)  # and never -0.0


def _sigmoid(x: Array, out: Array = None, spare: Array = None) -> Array:
    e = numpy.exp(numpy.negative(numpy.abs(x, out=out), out=out), out=out)
    d = numpy.add(e, 1.0, out=spare)
    return numpy.divide(numpy.maximum(e, x >= 0.0, out=out), d, out=out)


def _logistic_density(x: Array, out: Array = None, spare: Array = None) -> Array:
    """e / (1 + e)**2, e = exp(-|x|), found within 3.5 ulp."""
    e = numpy.exp(numpy.negative(numpy.abs(x, out=out), out=out), out=out)
    d = numpy.add(e, 1.0, out=spare)
    return numpy.divide(e, numpy.multiply(d, d, out=spare), out=out)


def _sigmoid_and_density(x: Array, out: Array, density: Array, spare: Array) -> None:
    """Both, with one exp, which takes as long as the rest."""
    e = numpy.exp(numpy.negative(numpy.abs(x, out=density), out=density), out=density)
    d = numpy.add(e, 1.0, out=spare)
    numpy.divide(numpy.maximum(e, x >= 0.0, out=out), d, out=out)
    numpy.divide(e, numpy.multiply(d, d, out=spare), out=density)


def _sech2(x: Array, out: Array = None, spare: Array = None) -> Array:
    """4 e / (1 + e)**2, e = exp(-2 |x|), found within 3.5 ulp."""
    e = numpy.exp(numpy.multiply(numpy.abs(x, out=out), -2.0, out=out), out=out)
    d = numpy.add(e, 1.0, out=spare)
    d = numpy.multiply(d, d, out=spare)
    far = e < 1e-300  # where e loses bits that 4 e has
    found = numpy.divide(numpy.multiply(e, 4.0, out=out), d, out=out)
    if not far.any():
        return found
    root = 2.0 * numpy.exp(-numpy.abs(x))
    return numpy.positive(numpy.where(far, root * root, found), out=out)


def _first_of_equal(choose: ArrayFunction) -> ArrayFunction:
    """NumPy's maximum or minimum, but of two zeros the first, as in the table."""

    def chosen(x: Array, y: Array, out: Array = None, spare: Array = None) -> Array:
        found = numpy.asarray(choose(x, y, out=out))
        numpy.copyto(found, x, where=numpy.equal(x, y))
        return found

    return chosen


NUMPY_WRITERS: dict[str, ArrayFunction] = {
    "relu": _relu,
    "sigmoid": _sigmoid,
    "logistic_density": _logistic_density,
    "sech2": _sech2,
    "maximum": _first_of_equal(numpy.maximum),
    "minimum": _first_of_equal(numpy.minimum),
}
NUMPY_PAIRS: dict[str, ArrayFunction] = {"sigmoid": _sigmoid_and_density}  # with the derivative


def _step(x: Array) -> Array:
    found, nan = numpy.asarray(x > 0.0, float), x != x
    return numpy.where(nan, x, found) if nan.any() else found


def _exp_of_difference(x: Array, y: Array) -> Array:
    """With what the difference loses by rounding, Knuth's TwoSum; -inf beside -inf weighs 0."""
    y = numpy.where(y == -numpy.inf, 0.0, y)
    high = x - y
    back = high - x
    low = (x - (high - back)) - (y + back)
    size = numpy.exp(high)
    return size + numpy.where(numpy.abs(low) < 1.0, low, 0.0) * numpy.where(
        size < numpy.inf, size, 0.0
    )


_ON_NUMPY: dict[str, ArrayFunction] = {
    "step": _step,
    "sign": lambda x: numpy.where(numpy.abs(x) > 0.0, numpy.copysign(1.0, x), x + 0.0),
    "where": lambda condition, x, y: numpy.where(condition != 0.0, x, y),
    "leaky_relu": lambda x, slope: numpy.where(x > 0.0, x, slope * x),
    "exp_of_difference": _exp_of_difference,
}


def _of_numpy(function: Function) -> ArrayFunction:
    for forms in (UFUNCS, NUMPY_WRITERS, _ON_NUMPY, ARITHMETIC):
        if function.key in forms:
            return forms[function.key]

    def number_by_number(*arguments: Any) -> Array:
        if len(arguments) < MOST_OPERANDS:
            found = numpy.frompyfunc(function.value, len(arguments), 1)(*arguments)
            return numpy.asarray(found, dtype=float)
        arrays = numpy.broadcast_arrays(*arguments)
        rows = numpy.stack(arrays, -1).reshape(-1, len(arrays)).tolist()
        return numpy.reshape([function.value(*row) for row in rows], arrays[0].shape)

    return number_by_number


def _formulas(xp: Any, special: Any) -> dict[str, ArrayFunction]:
    """Each function of the table, but softmax, which a Program has in parts."""
    exp, where, absolute, square_root = xp.exp, xp.where, xp.abs, xp.sqrt
    logistic, erfc, log_of_sum = special.expit, special.erfc, xp.logaddexp

    def logistic_density(x: Array) -> Array:
        return logistic(x) * logistic(-x)

    def softplus(x: Array) -> Array:
        return log_of_sum(x, xp.zeros_like(x))

    def below_zero(x: Array) -> Array:  # keeps a branch that is not taken from overflowing
        return where(x > 0.0, xp.zeros_like(x), x)

    def step(x: Array) -> Array:
        return where(x > 0.0, xp.ones_like(x), where(x <= 0.0, xp.zeros_like(x), x))

    def difference(x: Array, y: Array) -> Array:  # a term of -inf weighs 0, also beside another
        return where((x == -math.inf) & (y == -math.inf), x, x - y)

    def falling(c: Array, k: float) -> Array:
        return math.prod(c - i for i in range(int(k)))

    def power_partial(x: Array, y: Array, k: float, j: float) -> Array:
        """x**(y-k) times the j-th derivative, by y, of y (y-1) ... (y-k+1) x**y over x**y."""
        coefficients = [1.0] + [0.0] * int(j)  # falling(y, k) and its derivatives by y
        for i in range(int(k)):
            for m in range(int(j), -1, -1):
                before = coefficients[m - 1] if m else 0.0
                coefficients[m] = coefficients[m] * (y - i) + m * before
        terms = [
            math.comb(int(j), i) * coefficients[i] * xp.log(x) ** (j - i) for i in range(int(j) + 1)
        ]
        return reduce(add, terms) * x ** (y - k)

    def normal(x: Array, n: float) -> Array:
        return ONE_OVER_SQRT_2PI * x**n * exp(-0.5 * x * x)

    def cumulative(x: Array) -> Array:
        return 0.5 * erfc(-x * math.sqrt(0.5))

    def inverse_power(x: Array, y: Array, n: float, k: float) -> Array:
        return xp.cos(0.5 * math.pi * k - n * xp.arctan2(y, x)) / xp.hypot(x, y) ** n

    def logsumexp(*terms: Array) -> Array:
        return reduce(log_of_sum, terms)

    def total(*terms: Array) -> Array:
        return reduce(add, terms)

    def off_origin(function: ArrayFunction, x: Array, y: Array) -> Array:
        """A function of a point with, at the origin, the derivatives of a constant."""
        origin = (x == 0.0) & (y == 0.0)
        there = without_derivative(function(x, y))
        return where(origin, there, function(where(origin, 1.0, x), y))

    formulas: dict[str, ArrayFunction] = {
        **ARITHMETIC,
        "fsum": total,
        "mean": lambda *terms: total(*terms) / len(terms),
        "logsumexp": logsumexp,
        "divide_by_power": lambda x, y, n: x / y**n,
        "pow": lambda x, y: x**y,
        "power_partial": power_partial,
        "constant_power": lambda x, c: x**c,
        "constant_power_derivative": lambda x, c, k: falling(c, k) * x ** (c - k),
        "sqrt": square_root,
        "cbrt": lambda x: xp.sign(x) * absolute(x) ** (1.0 / 3.0),
        "cbrt_derivative": lambda x: absolute(x) ** (-2.0 / 3.0) / 3.0,
        **{key: getattr(xp, key) for key in _SAME_NAME},
        **{key: getattr(xp, name) for key, name in _OTHER_NAME.items()},
        "abs": lambda x: x * xp.sign(x),  # with a derivative of 0 at 0
        "atan2": lambda y, x: off_origin(xp.arctan2, y, x),
        "maximum": lambda x, y: where(x > y, x, where(x < y, y, 0.5 * x + 0.5 * y)),
        "minimum": lambda x, y: where(x < y, x, where(x > y, y, 0.5 * x + 0.5 * y)),
        "hypot": lambda x, y: off_origin(xp.hypot, x, y),
        "sec2": lambda x: 1.0 + xp.tan(x) ** 2,
        "sech2": lambda x: 4.0 * logistic_density(2.0 * x),
        "asin_derivative": lambda x: 1.0 / square_root((1.0 - x) * (1.0 + x)),
        "one_minus_square": lambda x: (1.0 - x) * (1.0 + x),
        "atan_derivative": lambda x: 1.0 / (1.0 + x * x),
        "asinh_derivative": lambda x: 1.0 / square_root(1.0 + x * x),
        "acosh_derivative": lambda x: 1.0 / square_root((x - 1.0) * (x + 1.0)),
        "inverse_power": inverse_power,
        "hypot_direction": lambda x, y: x / xp.hypot(x, y),
        "hypot_moment": lambda x, y, a, b, n: x**a * y**b / xp.hypot(x, y) ** n,
        "erf": special.erf,
        "erfc": erfc,
        "erfinv": special.erfinv,
        "erfinv_derivative": lambda x: exp(special.erfinv(x) ** 2) / TWO_OVER_SQRT_PI,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "polygamma": lambda x, n: special.polygamma(int(n), x),
        "gauss": lambda x, n: TWO_OVER_SQRT_PI * x**n * exp(-x * x),
        "normal": normal,
        "gelu": lambda x: x * cumulative(x),
        "gelu_derivative": lambda x: cumulative(x) + normal(x, 1),
        "gelu_second_derivative": lambda x: normal(x, 0) * (2.0 - x * x),
        "sigmoid": logistic,
        "logistic_density": logistic_density,
        "softplus": softplus,
        "log_sigmoid": lambda x: -softplus(-x),
        "silu": lambda x: x * logistic(x),
        "silu_derivative": lambda x: logistic(x) + x * logistic_density(x),
        "silu_second_derivative": lambda x: logistic_density(x) * (2.0 - x * xp.tanh(0.5 * x)),
        "logaddexp": log_of_sum,
        "softmax_of_two": lambda x, y: logistic(difference(x, y)),
        "exp_of_difference": lambda x, y: exp(difference(x, y)),
        "relu": getattr(xp, "relu", lambda x: where(x <= 0.0, xp.zeros_like(x), x)),
        "step": step,
        "leaky_relu": lambda x, slope: where(x > 0.0, x, slope * x),
        "leaky_step": lambda x, slope: step(x) + slope * (1.0 - step(x)),
        "elu": lambda x, alpha: where(x > 0.0, x, alpha * xp.expm1(below_zero(x))),
        "elu_tail": lambda x, alpha: (1.0 - step(x)) * alpha * exp(below_zero(x)),
        "softsign": lambda x: x / (1.0 + absolute(x)),
        "softsign_derivative": lambda x, n: (1.0 + absolute(x)) ** -n,
        "clip": lambda x, low, high: where(x < low, low, where(x > high, high, x)),
        "within": lambda x, low, high: where((x >= low) & (x <= high), xp.ones_like(x), 0.0),
        "mod": xp.remainder,
        "floordiv": lambda x, y: xp.round((x - xp.remainder(x, y)) / y),  # PyTorch's has no slope
        "round": lambda x, digits: xp.round(x, decimals=int(digits)),
        "greater": lambda x, y: 0.5 + 0.5 * xp.sign(x - y),
        "where": lambda condition, x, y: where(condition != 0.0, x, y),
    }
    return formulas


_SAME_NAME = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh sign floor ceil trunc"
).split()
_OTHER_NAME = {f"a{name}": f"arc{name}" for name in "sin cos tan sinh cosh tanh".split()}
