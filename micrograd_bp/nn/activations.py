"""The activation functions h of units, by name or as functions on Values."""

from collections.abc import Callable

from .. import functions
from ..engine import Value
from ..numeric import show

Activation = str | Callable[[Value], Value]

ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    **{
        key: getattr(Value, key) if function.parameters else function
        for key, function in functions.FUNCTIONS.items()
        if function.activation
    },
    "logistic": functions.sigmoid,
}


_SOFTMAX = (
    ". A softmax is of all outputs, and none of a unit: take a linear last layer, as"
    ' loss="cross_entropy" wants it, and softmax(model(x)) for the probabilities'
)


def read_activation(activation: Activation) -> tuple[Callable[[Value], Value] | None, str]:
    """The function and its name; no function for a linear unit."""
    if activation == "linear":
        return None, "linear"
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            known = ", ".join(["linear", *ACTIVATIONS])
            raise ValueError(
                f"no activation is called {activation!r}; there are {known}"
                + (_SOFTMAX if "softmax" in activation else "")
            )
        return ACTIVATIONS[activation], activation
    if not callable(activation):
        raise TypeError(f"an activation is a name or a function, not {show(activation)}")
    return activation, getattr(activation, "__name__", type(activation).__name__)
