"""The units of a network in a graph: which nodes are x_i, a_j, z_j, w_ji and y_k.

They are found by the network, or without one by the scopes that an MLP gives its nodes, such as
"layer1/neuron3".
"""

import re
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from ..engine import Value
from . import MLP
from .forward_pass import find_forward_pass

_SCOPE = re.compile(r"(?:.*/)?layer(\d+)/neuron(\d+)")


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


def find_units(order: Sequence[Value], network: MLP | None) -> Units | None:
    """Find the units of the last forward pass in a graph.

    Args:
        order: the nodes in topological order, the root last.
        network: the MLP; without it the scopes are read.

    Returns:
        The units, or None if there is no network given, nor found.

    Raises:
        ValueError: the root was not computed from the outputs of the network.

    >>> from micrograd_bp import topological_order
    >>> units = find_units(topological_order(MLP(2, [3, 1], seed=0)([1.0, 2.0])), None)
    >>> [len(layer) for layer in units.layers]
    [3, 1]
    """
    stand_in: Any = network or _by_scopes(order)
    if stand_in is None:
        return None
    try:
        forward_pass = find_forward_pass(stand_in, order[-1])
    except (ValueError, TypeError):
        if network is None:
            return None
        raise ValueError(
            "explore: the root was not computed from the outputs of this network; give the error"
            " of network(inputs), recorded outside no_grad, or leave out network="
        ) from None
    number = {node: i for i, node in enumerate(order)}
    return Units(
        [number[x] for x in forward_pass.inputs if x in number],
        [
            [_unit(j, *pair, number) for j, pair in enumerate(layer, 1) if pair]
            for layer in forward_pass.layers
        ],
    )


def _unit(j: int, a: Value, z: Value, number: dict[Value, int]) -> Unit:
    half = len(a.parents) // 2
    places = [number[parent] for parent in a.parents]
    bias = places[2 * half] if len(places) % 2 else None
    return Unit(j, number[a], number[z], places[:half], places[half : 2 * half], bias)


def _by_scopes(order: Sequence[Value]) -> Any:
    """What has layers, neurons and weights as an MLP has, if the scopes tell of a whole network."""
    weights: dict[tuple[int, int], list[Value]] = {}
    for node in order:
        match = _SCOPE.fullmatch(node.scope)
        if match and node.operation and node.operation.name == "dot":
            weights[int(match[1]), int(match[2])] = list(node.parents[: len(node.parents) // 2])
    layers = list(_layers(weights))
    if not layers or len(weights) != sum(map(len, layers)):
        return None
    return SimpleNamespace(
        layers=[SimpleNamespace(neurons=[SimpleNamespace(w=w) for w in layer]) for layer in layers]
    )


def _layers(weights: dict[tuple[int, int], list[Value]]) -> Iterator[list[list[Value]]]:
    """The weights of the units by layer, as far as both are numbered from 1 without a gap."""
    layer = 1
    while (layer, 1) in weights:
        units: list[list[Value]] = []
        while (layer, len(units) + 1) in weights:
            units.append(weights[layer, len(units) + 1])
        yield units
        layer += 1
