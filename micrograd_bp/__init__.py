"""A scalar autograd engine to see, trust and use backpropagation.

>>> from micrograd_bp import Value
>>> x = Value(2.0, label="x")
>>> y = x**2 + 3 * x
>>> y.backward()
>>> x.grad
7.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .elementary import abs as abs
from .elementary import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    ceil,
    clip,
    cos,
    cosh,
    elu,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    gelu,
    hypot,
    leaky_relu,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    logaddexp,
    logsumexp,
    maximum,
    mean,
    minimum,
    prod,
    reciprocal,
    relu,
    sigmoid,
    sign,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    softsign,
    sqrt,
    square,
    step,
    tan,
    tanh,
    where,
)
from .elementary import pow as pow
from .engine import Value, dot, engine_kind, fsum, topological_order
from .modes import allow_nonfinite, no_grad, scope
from .nn import MLP, Layer, Module, Neuron

if TYPE_CHECKING:
    from .drawing import Graph, draw, draw_network
    from .explorer import explore
    from .program import Program
    from .text.evaluation_trace import trace_table
    from .text.explain import explain
    from .text.find import find
    from .text.latex import latex
    from .training.fitting import fit, predict
    from .training.losses import (
        binary_cross_entropy,
        cross_entropy,
        hinge,
        mean_squared_error,
        sum_of_squares,
    )
    from .training.optim import LBFGS, SGD, Adam, AdamW
    from .transforms import (
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
    from .widget import live

__version__ = "0.1.0"

# abs and pow are left out: "from micrograd_bp import *" keeps Python's, which take Values too.
__all__ = [
    "LBFGS",
    "MLP",
    "SGD",
    "Adam",
    "AdamW",
    "Graph",
    "Layer",
    "Module",
    "Neuron",
    "Program",
    "Value",
    "acos",
    "acosh",
    "allow_nonfinite",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "binary_cross_entropy",
    "cbrt",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "cross_entropy",
    "dot",
    "draw",
    "draw_network",
    "elu",
    "engine_kind",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "explore",
    "expm1",
    "find",
    "fit",
    "floor",
    "fsum",
    "gelu",
    "grad",
    "gradient",
    "hessian",
    "hinge",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "laplacian",
    "latex",
    "leaky_relu",
    "live",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "logaddexp",
    "logsumexp",
    "maximum",
    "mean",
    "mean_squared_error",
    "minimum",
    "no_grad",
    "predict",
    "prod",
    "reciprocal",
    "relu",
    "scope",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "step",
    "sum_of_squares",
    "tan",
    "tanh",
    "topological_order",
    "trace_table",
    "value_and_grad",
    "vjp",
    "where",
]

_TRANSFORMS = (
    *("grad", "gradient", "hessian", "hvp", "jacobian", "jvp", "laplacian"),
    *("value_and_grad", "vjp"),
)
_LOSSES = (
    *("binary_cross_entropy", "cross_entropy", "hinge", "mean_squared_error"),
    "sum_of_squares",
)
_LOADED_ON_USE = {
    **dict.fromkeys(("Graph", "draw", "draw_network"), "drawing"),
    **dict.fromkeys(_TRANSFORMS, "transforms"),
    **dict.fromkeys(("LBFGS", "SGD", "Adam", "AdamW"), "training.optim"),
    **dict.fromkeys(_LOSSES, "training.losses"),
    "Program": "program",
    "explain": "text.explain",
    "explore": "explorer",
    "find": "text.find",
    **dict.fromkeys(("fit", "predict"), "training"),
    "latex": "text.latex",
    "live": "widget",
    "trace_table": "text.evaluation_trace",
}


def __dir__() -> list[str]:
    """What there is to complete: the public names."""
    return sorted([*__all__, "abs", "pow", "__version__"])


def __getattr__(name: str) -> Any:
    """Pictures and the like, imported at their first use: the engine alone loads at once."""
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LOADED_ON_USE[name]}", __name__), name)
