"""The units of a network in a graph: which nodes are x_i, a_j, z_j, w_ji and y_k.

They are those of the last forward pass in the graph, found by the weights of the network, or
without one by the scopes that an MLP gives its nodes, such as "layer1/neuron3".
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..engine import Value
from . import MLP

_SCOPE = re.compile(r"(?:.*/)?layer(\d+)/neuron(\d+)")

_Weights = list[list[Sequence[Value]]]  # for each layer those of each unit, without the bias


class Unit(NamedTuple):
    """A unit of a network: nodes by their place in the topological order.

    Attributes:
        j: its number in its layer, from 1.
        a, z: the pre-activation and the activation; the same for a linear unit.
        weights, inputs: w_j1, ... and z_1, ...; without the bias.
        bias: w_j0, or None.
    """

    j: int
    a: int
    z: int
    weights: list[int]
    inputs: list[int]
    bias: int | None


class Units(NamedTuple):
    """The inputs x_i, and the units of each layer that the root depends on."""

    inputs: list[int]
    layers: list[list[Unit]]


def find_units(order: Sequence[Value], network: MLP | None = None) -> Units | None:
    """Find the units of the last forward pass in a graph.

    Args:
        order: the nodes in topological order, the root last.
        network: the MLP; without it the scopes are read.

    Returns:
        The units, or None if the root was not computed from the outputs of the network, or
        no network is found.

    >>> from micrograd_bp import topological_order
    >>> order = topological_order(MLP(1, [2, 1], seed=1)([0.5]) ** 2)
    >>> [[order[unit.a].label for unit in layer] for layer in find_units(order).layers]
    [['a_1', 'a_2'], ['y_1']]
    """
    passes = _Passes(order, network)
    return passes.units(passes.outputs[-1]) if passes.outputs else None


def find_passes(order: Sequence[Value], network: MLP | None = None) -> list[Units]:
    """Find the units of every forward pass in a graph, of which E = sum_n E_n has several.

    Args:
        order, network: as for ``find_units``.

    >>> from micrograd_bp import topological_order
    >>> model = MLP(1, [2, 1], seed=1)
    >>> order = topological_order(model([0.5]) + model([1.5]))
    >>> [order[units.inputs[0]].data for units in find_passes(order)]
    [0.5, 1.5]
    """
    passes = _Passes(order, network)
    found = map(passes.units, passes.outputs)
    return [units for units in found if units]


class _Passes:
    """The forward passes in a graph: for each the pre-activations of its last layer."""

    def __init__(self, order: Sequence[Value], network: MLP | None) -> None:
        self.order = order
        self.layers: _Weights = (
            _weights_by_scopes(order)
            if network is None
            else [[neuron.w for neuron in layer.neurons] for layer in network.layers]
        )
        self.number = {node: i for i, node in enumerate(order)}
        outputs: dict[tuple[Value, ...], list[Value]] = {}
        for node in order:
            if any(_is_pre_activation(node, w) for w in self.layers[-1]):
                outputs.setdefault(_inputs(node), []).append(node)
        self.outputs = sorted(outputs.values(), key=lambda of_pass: self.number[of_pass[-1]])

    def units(self, outputs: list[Value]) -> Units | None:
        """The units of a pass, if they are those of the whole network."""
        z = _inputs(outputs[-1])
        pairs: list[list[tuple[int, Value, Value]]] = [[]]
        for j, w in enumerate(self.layers[-1], 1):
            of_unit = [a for a in outputs if _is_pre_activation(a, w)]
            if of_unit:
                pairs[0].append((j, of_unit[-1], _activation_of(of_unit[-1], self.order)))
        for layer in reversed(self.layers[:-1]):
            hidden = [
                (j, a, z_j)
                for j, (z_j, w) in enumerate(zip(z, layer), 1)
                if (a := _pre_activation_of(z_j, w)) is not None
            ]
            if not len(hidden) == len(z) == len(layer):
                return None
            pairs.insert(0, hidden)
            z = _inputs(hidden[0][1])
        return Units(
            [self.number[x] for x in z],
            [[_unit(j, a, z_j, self.number) for j, a, z_j in layer] for layer in pairs],
        )


def _unit(j: int, a: Value, z: Value, number: dict[Value, int]) -> Unit:
    half = len(a.parents) // 2
    places = [number[parent] for parent in a.parents]
    bias = places[2 * half] if len(places) % 2 else None
    return Unit(j, number[a], number[z], places[:half], places[half : 2 * half], bias)


def _weights_by_scopes(order: Sequence[Value]) -> _Weights:
    """The weights of a network, if the scopes tell of a whole one; else of a layer without units.

    Layers and units are numbered from 1 without a gap.
    """
    weights: dict[tuple[int, int], Sequence[Value]] = {}
    for node in order:
        match = _SCOPE.fullmatch(node.scope)
        if match and node.operation and node.operation.key == "dot":
            weights[int(match[1]), int(match[2])] = node.parents[: len(node.parents) // 2]
    layers: _Weights = []
    while (len(layers) + 1, 1) in weights:
        layer: list[Sequence[Value]] = []
        while (unit := (len(layers) + 1, len(layer) + 1)) in weights:
            layer.append(weights[unit])
        layers.append(layer)
    return layers if layers and len(weights) == sum(map(len, layers)) else [[]]


def _is_pre_activation(node: Value, weights: Sequence[Value]) -> bool:
    return node.operation is not None and (
        node.operation.key == "dot" and node.parents[: len(weights)] == tuple(weights)
    )


def _inputs(pre_activation: Value) -> tuple[Value, ...]:
    """The inputs of a ``dot`` node, whose parents are the weights, the inputs and the bias."""
    number = len(pre_activation.parents) // 2
    return pre_activation.parents[number : 2 * number]


def _activation_of(a: Value, order: Sequence[Value]) -> Value:
    """The last node that the unit's own scope computes from a: a itself for a linear unit."""
    reached = {a}
    z = a
    for node in order:
        if node.scope == a.scope and not reached.isdisjoint(node.parents):
            reached.add(node)
            z = node
    return z


def _pre_activation_of(z: Value, weights: Sequence[Value]) -> Value | None:
    """The nearest pre-activation of the unit that z was computed from."""
    visited = {z}
    stack = [z]
    while stack:
        node = stack.pop()
        if _is_pre_activation(node, weights):
            return node
        new = [parent for parent in dict.fromkeys(node.parents) if parent not in visited]
        visited.update(new)
        stack += new
    return None
