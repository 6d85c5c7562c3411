"""A network in a table: a row a layer, with its sizes, its activation and its parameters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..text.tables import Readable, TextTable

if TYPE_CHECKING:
    from . import Layer


class Summary(Readable):
    """The layers of a network in a table, which shows itself at a prompt and in a notebook.

    Args:
        layers: those of an MLP, in order.

    >>> from micrograd_bp import MLP
    >>> print(Summary(MLP(2, [1], output="tanh").layers))
    layer   inputs  units  activation  parameters
    layer1       2      1  tanh                 3
    in all                                      3
    """

    def __init__(self, layers: "Sequence[Layer]") -> None:
        self._layers = layers

    def _blocks(self) -> list[TextTable]:
        rows = []
        for index, layer in enumerate(self._layers, 1):
            names = ", ".join(dict.fromkeys(neuron.activation for neuron in layer.neurons))
            sizes = f"{len(layer.neurons[0].w)}", f"{len(layer.neurons)}"
            rows.append([f"layer{index}", *sizes, names, f"{len(layer.parameters()):,}"])
        total = sum(len(layer.parameters()) for layer in self._layers)
        rows.append(["in all", "", "", "", f"{total:,}"])
        return [TextTable("lrrlr", rows, "layer inputs units activation parameters".split())]
