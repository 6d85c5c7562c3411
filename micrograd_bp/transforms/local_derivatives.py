"""Local derivatives as Values, by the rule of the table run on a node's parents themselves."""

from collections.abc import Sequence
from typing import Any

from .. import messages
from ..engine import Value
from ..functions import Scalar

Common = dict[tuple[Any, ...], Any]  # what several nodes share, by the function and the parents


def as_values(node: Value, common: Common, is_unchanged: bool = False) -> Sequence[Scalar]:
    """One derivative a parent; where the node's data was changed, a ValueError.

    Args:
        node: what an operation recorded.
        common: what was found for other nodes.
        is_unchanged: whether that is known of the data.

    >>> x = Value(2.0)
    >>> as_values(x.tanh(), {})[0].operation.name
    'sech2'
    """
    if not is_unchanged:
        messages.refuse_changed(node)
    operation: Any = node.operation
    function, parents = operation.function, node.parents
    shared = {}
    if function.common is not None:
        key = (function, *parents)
        if key not in common:
            common[key] = function.common(*parents)
        shared = {"common": common[key]}
    derivatives: Sequence[Scalar] = function.partials(*parents, *operation.parameters, **shared)
    return derivatives


def is_zero(number: Scalar) -> bool:
    """Whether a weight or an adjoint is the float 0, and no Value.

    >>> is_zero(0.0), is_zero(Value(0.0))
    (True, False)
    """
    return type(number) is float and number == 0.0
