"""Leaves that a Program was given and does not need, or needs and was not given: worth a word."""

from collections.abc import Sequence

from ..engine import Value
from ..messages import describe, warn


def warn_of_leaves(
    order: Sequence[Value], inputs: Sequence[Value], parameters: Sequence[Value]
) -> None:
    """Warn of leaves that are in the lists and not in the graph, or the other way round.

    An input that is not in the graph changes nothing; of parameters only all of them are worth a
    word, as a model may have some that it does not use. A leaf in the graph that has a label, and
    is in no list, was forgotten, it seems, if another of its scope is in one; a layer that is
    frozen as a whole is not told of.

    >>> import pytest
    >>> x1, x2 = Value(2.0, label="x1"), Value(3.0, label="x2")
    >>> with pytest.warns(UserWarning, match="x2.* is in the graph, and in neither"):
    ...     warn_of_leaves([x1, x2, x1 * x2], [x1], [])
    """
    graph, listed = set(order), {*inputs, *parameters}
    unused = [
        f"inputs[{i}], {describe(leaf)}," for i, leaf in enumerate(inputs) if leaf not in graph
    ]
    if unused:
        warn(
            f"{_some(unused)} is not in the graph of the outputs: what is given for it changes"
            " nothing. A .data, a detach() or no_grad() on the way loses it, and so does a choice"
            " that Python makes"
        )
    if parameters and graph.isdisjoint(parameters):
        warn(
            "the outputs were not computed from any of the parameters, so that every derivative is"
            " 0: a .data, a detach() or no_grad() on the way loses them"
        )
    scopes = {leaf.scope for leaf in listed}
    forgotten = [
        describe(leaf)
        for leaf in order
        if leaf.operation is None and leaf.label and leaf.scope in scopes and leaf not in listed
    ]
    if forgotten:
        warn(
            f"{_some(forgotten)} is in the graph, and in neither inputs nor parameters: the data it"
            " has now is used for all points. Where that is meant, put in a number, such as v.data,"
            " or a Value without a label"
        )


def _some(names: Sequence[str]) -> str:
    others = len(names) - 3
    return ", ".join(names[:3]) + (f" (and {others} more like it)" if others > 0 else "")
