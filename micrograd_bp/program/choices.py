"""Choices made in Python while a graph was recorded: a Program makes them for all data points."""

from collections.abc import Iterable, Sequence

from ..engine import Value
from ..messages import describe_node, warn


def warn_of_choices(
    order: Sequence[Value], leaves: Iterable[Value], others: Iterable[Value] = ()
) -> bool:
    """Warn of a comparison in Python of what will vary: it was made for one point alone.

    Args:
        order: nodes in topological order.
        leaves: those among them that will vary.
        others: leaves that will vary too, and may have been compared for other reasons, as
            weights are that are clipped or sorted.

    Returns:
        Whether there was one.

    >>> import pytest
    >>> x = Value(2.0, label="x")
    >>> y = max(x, Value(1.0))
    >>> with pytest.warns(UserWarning, match="Python compared Value"):
    ...     warn_of_choices([x], [x])
    True
    """
    if not any(node._was_compared for node in order):
        return False
    unsuspected = set(others)
    varying = unsuspected | set(leaves)
    for node in order:
        if node not in varying and varying.isdisjoint(node.parents):
            continue
        varying.add(node)
        if node._was_compared and node not in unsuspected:
            warn(f"Python compared {describe_node(node)} at some time, and {_ADVICE}")
            return True
    return False


def warn_of_origins(inputs: Iterable[Value]) -> bool:
    """Warn of a comparison of what was computed from an input, also where it is in no graph.

    Returns:
        Whether there was one.

    >>> import pytest
    >>> x = Value(2.0, label="x")
    >>> y = x if x * 2.0 > 1.0 else -x
    >>> with pytest.warns(UserWarning, match="computed from Value"):
    ...     warn_of_origins([x])
    True
    """
    for leaf in inputs:
        if leaf._led_to_comparison:
            warn(
                f"Python compared something computed from {describe_node(leaf)} at some time, and"
                f" {_ADVICE}"
            )
            return True
    return False


_ADVICE = (
    "what it chose by that is the same for all data points: choose by where(step(...), ...),"
    " maximum, minimum or clip; where nothing was chosen, compare .data"
)
