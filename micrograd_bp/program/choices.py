"""Choices made in Python while a graph was recorded: a Program makes them for all data points."""

import warnings
from collections.abc import Iterable

from ..engine import Value
from ..messages import describe_node


def warn_of_choices(order: Iterable[Value], leaves: Iterable[Value]) -> None:
    """Warn of a comparison in Python of what will vary: it was made for one point alone.

    Args:
        order: nodes in topological order.
        leaves: those among them that will vary.

    >>> import pytest
    >>> x = Value(2.0, label="x")
    >>> y = max(x, Value(1.0))
    >>> with pytest.warns(UserWarning, match="Python compared Value"):
    ...     warn_of_choices([x], [x])
    """
    if not any(node._was_compared for node in order):
        return
    varying = set(leaves)
    for node in order:
        if node not in varying and varying.isdisjoint(node.parents):
            continue
        varying.add(node)
        if node._was_compared:
            warnings.warn(
                f"Python compared {describe_node(node)}, and what it chose by that is the same for"
                " all data points: choose by where(step(...), ...), maximum, minimum or clip;"
                " where nothing was chosen, compare .data",
                stacklevel=3,
            )
            return
