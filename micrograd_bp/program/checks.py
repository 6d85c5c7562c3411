"""What a recorded graph has to be so that it can be compiled, and differentiated."""

from collections.abc import Iterable
from math import isfinite
from typing import NoReturn

from .. import functions, messages
from ..engine import Value


def check_nodes(order: Iterable[Value], parameters: Iterable[Value]) -> None:
    """Raise where a graph cannot be evaluated again, or not be differentiated, as recorded.

    Args:
        order: its nodes, parents before children.
        parameters: the leaves to differentiate by.
    """
    varying = set(parameters)
    for node in order:
        check_node(node)
        if not varying.isdisjoint(node.parents):
            varying.add(node)
            if not all(map(isfinite, node.local_derivatives)):
                refuse_infinite_slopes(node)


def check_node(node: Value) -> None:
    """Raise where the data was changed after the forward pass, or a condition is a constant.

    Such a condition was compared in Python, and holds for one point.
    """
    messages.refuse_changed(node)
    if node.operation is None or node.operation.function is not functions.where:
        return
    condition = node.parents[0].operation
    if condition is not None and condition.key == "constant":
        raise ValueError(
            f"the condition of {messages.describe_node(node)} was a bool or a number when it was"
            " recorded, and would be the same for all data points: make it of Values, as in"
            " where(step(x), ...) for x > 0"
        )


def refuse_infinite_slopes(node: Value) -> NoReturn:
    """Raise for a node that cannot be differentiated where it was recorded."""
    raise ValueError(
        f"the graph was recorded where {messages.describe_node(node)} has the local"
        f" derivatives {node.local_derivatives}, and no gradient can be recorded there;"
        " record it at another data point"
    )
