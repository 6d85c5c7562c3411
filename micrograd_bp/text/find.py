"""Find a node of a graph by its name, such as the pre-activation a_1 of a unit."""

from difflib import SequenceMatcher

from ..engine import Value, topological_order
from ..numeric import show


def find(root: Value, name: str) -> Value:
    """The node of a graph that has a name.

    A node's name is its label behind its scope, as in "layer1/neuron1/a_1". As many steps of
    it as tell the node from others are enough: "neuron1/a_1", or "a_1".

    Args:
        root: the Value whose graph it is.
        name: a label, or the last steps of a scope and a label.

    Returns:
        The one node so named.

    Raises:
        TypeError: root is no Value, or name no string.
        LookupError: no node has this name, or several have; the message lists names, the most
            alike first.

    >>> from micrograd_bp import MLP
    >>> y = MLP(2, [3, 1], hidden="tanh", seed=0)([0.5, -1.0])
    >>> y.backward()
    >>> delta_1 = find(y, "a_1").grad
    >>> find(y, "layer1/neuron1/w_12").grad == delta_1 * -1.0
    True
    """
    if not isinstance(root, Value):
        raise TypeError(f"find looks in the graph of a Value, not of {show(root)}")
    if not isinstance(name, str):
        raise TypeError(f"find needs the name of a node, a string, not {show(name)}")
    named = [(_full_name(node), node) for node in topological_order(root) if node.label]
    found = [(full, node) for full, node in named if f"/{full}".endswith(f"/{name}")]
    if len(found) == 1:
        return found[0][1]
    if not found:
        step = name.rpartition("/")[2]
        named.sort(key=lambda pair: -SequenceMatcher(None, step, pair[1].label).ratio())
        raise LookupError(f"no node is named {name!r}; there are {_listed(named)}")
    if len({full for full, _ in found}) == 1:
        raise LookupError(
            f"{len(found)} nodes are named {found[0][0]!r}; look in the graph of one of them,"
            " such as the error of one data point"
        )
    raise LookupError(f"{len(found)} nodes are named {name!r}: {_listed(found)}")


def _full_name(node: Value) -> str:
    return f"{node.scope}/{node.label}" if node.scope else node.label


def _listed(named: list[tuple[str, Value]]) -> str:
    names = list(dict.fromkeys(full for full, _ in named))
    shown = ", ".join(names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "no names at all"
