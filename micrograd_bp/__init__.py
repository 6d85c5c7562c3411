"""A scalar autograd engine to see, trust and use backpropagation.

>>> from micrograd_bp import Value
>>> x = Value(2.0, label="x")
>>> y = x**2 + 3 * x
>>> y.backward()
>>> x.grad
7.0
"""

from importlib import import_module as _import_module

from .elementary import *
from .engine import Value, dot, engine_kind, fsum, topological_order
from .messages import needing_packages as _needing_packages
from .modes import allow_nonfinite, no_grad, scope
from .nn import MLP, Layer, Module, Neuron

__version__ = "0.2.0"

# Pictures and the like are imported at their first use: the engine alone loads at once. Type
# checkers read of all names in __init__.pyi; a test holds the two together.
_LOADED_ON_USE = {
    name: module
    for module, names in {
        "drawing": "Graph draw draw_network",
        "explorer": "explore",
        "own_function": "function",
        "program": "Program",
        "text.explain": "explain",
        "text.find": "find",
        "text.latex": "latex",
        "text.evaluation_trace": "trace_table",
        "training": "fit plot_decision plot_fit predict",
        "training.losses": "binary_cross_entropy cross_entropy hinge mean_squared_error"
        " sum_of_squares",
        "training.optim": "LBFGS SGD Adam AdamW",
        "transforms": "grad gradient hessian hvp jacobian jvp laplacian value_and_grad vjp",
        "widget": "live",
    }.items()
    for name in names.split()
}
_HERE = {name for name, thing in globals().items() if name[0] != "_" and callable(thing)}

# abs and pow are left out: "from micrograd_bp import *" keeps Python's, which take Values too.
__all__ = sorted((_HERE | _LOADED_ON_USE.keys()) - {"abs", "pow"})


def __dir__() -> list[str]:
    """What there is to complete: the public names."""
    return sorted([*__all__, "abs", "pow", "__version__"])


def __getattr__(name: str) -> object:
    """A name that is loaded at its first use."""
    if name not in _LOADED_ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _needing_packages(name):
        return getattr(_import_module(f".{_LOADED_ON_USE[name]}", __name__), name)
