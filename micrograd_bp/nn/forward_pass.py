"""Find the units of a network in a graph: the nodes a_j and z_j of its last forward pass."""

from collections.abc import Sequence
from typing import NamedTuple

from ..engine import Value, topological_order
from ..numeric import show
from . import MLP, Neuron


class ForwardPass(NamedTuple):
    """The nodes of one forward pass.

    Attributes:
        inputs: x_1, x_2, ...
        layers: for each layer (a_j, z_j) of each unit, None where root does not depend on it.
    """

    inputs: Sequence[Value]
    layers: list[list[tuple[Value, Value] | None]]


def find_forward_pass(mlp: MLP, root: Value) -> ForwardPass:
    """Find the last forward pass of the network in the graph of root.

    Raises:
        ValueError: root was not computed from the outputs of the network.

    >>> mlp = MLP(1, [2, 1], seed=1)
    >>> found = find_forward_pass(mlp, mlp([0.5]) ** 2)
    >>> [[a.label for a, z in layer] for layer in found.layers]
    [['a_1', 'a_2'], ['y_1']]
    """
    order = topological_order(root)
    outputs = mlp.layers[-1].neurons
    found = [node for node in order if any(_is_pre_activation(node, unit) for unit in outputs)]
    if not found:
        raise _not_computed(root)
    z = _inputs(found[-1])
    layers: list[list[tuple[Value, Value] | None]] = [[]]
    for unit in outputs:
        of_unit = [a for a in found if _is_pre_activation(a, unit) and _inputs(a) == z]
        layers[0].append((of_unit[-1], _activation_of(of_unit[-1], order)) if of_unit else None)
    for layer in reversed(mlp.layers[:-1]):
        pre_activations = [
            _pre_activation_of(activation, unit, root)
            for activation, unit in zip(z, layer.neurons, strict=True)
        ]
        layers.insert(0, list(zip(pre_activations, z, strict=True)))
        z = _inputs(pre_activations[0])
    return ForwardPass(z, layers)


def _not_computed(root: Value) -> ValueError:
    return ValueError(
        f"{show(root)} was not computed from the outputs of this network: draw_network needs a"
        " Value such as the error of mlp(inputs), recorded outside no_grad"
    )


def _is_pre_activation(node: Value, neuron: Neuron) -> bool:
    return node.operation is not None and (
        node.operation.name == "dot" and node.parents[: len(neuron.w)] == tuple(neuron.w)
    )


def _inputs(pre_activation: Value) -> tuple[Value, ...]:
    """The inputs of a ``dot`` node, whose parents are the weights, the inputs and the bias."""
    number = len(pre_activation.parents) // 2
    return pre_activation.parents[number : 2 * number]


def _activation_of(a: Value, order: list[Value]) -> Value:
    """The last node that the unit's own scope computes from a: a itself for a linear unit."""
    reached = {a}
    z = a
    for node in order:
        if node.scope == a.scope and not reached.isdisjoint(node.parents):
            reached.add(node)
            z = node
    return z


def _pre_activation_of(z: Value, neuron: Neuron, root: Value) -> Value:
    """The nearest pre-activation of the unit that z was computed from."""
    visited = {z}
    stack = [z]
    while stack:
        node = stack.pop()
        if _is_pre_activation(node, neuron):
            return node
        new = [parent for parent in dict.fromkeys(node.parents) if parent not in visited]
        visited.update(new)
        stack += new
    raise _not_computed(root)
