"""What the diagram of a network shows: for each layer its units, their numbers and connections.

Of a wide layer a dozen units, of many connections between two layers the strongest.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..engine import Value
from ..nn import MLP, weight_label
from ..nn.units import Units
from ..text.names import Name, clean, errors_of, names_of, read_name, told_apart
from ..text.numbers import pictured
from .folding import elide
from .palette import NEGATIVE, POSITIVE, Scale, Swatch
from .picture import format_grad
from .shapes import Legend

Quantities = list[tuple[Name, str]]  # (name, number), or (name, "") where there is no number


class Connection(NamedTuple):
    """A weight between two units that are shown, by their rows; the bias unit is in the last."""

    source: int
    target: int
    name: Name
    weight: Value


class Column(NamedTuple):
    """One layer: the shown units with their numbers, a bias unit, and how many units are left out.

    The units stand in rows; the row before the last unit is empty if any are left out.
    """

    header: str
    numbers: list[int]  # j, from 1
    elided: int
    quantities: list[Quantities]
    deltas: list[float | None]
    bias: Name | None
    connections: list[Connection]
    is_thinned: bool

    @property
    def rows(self) -> int:
        """How many units stand below each other, with the empty place as one."""
        return len(self.numbers) + bool(self.elided)


def columns_of(
    mlp: MLP, order: list[Value], units: Units | None, lines: int | None, strongest: str
) -> list[Column]:
    """The inputs, then a column a layer.

    Args:
        mlp: the network.
        order: the nodes of a graph.
        units: where its units are among them; None for the weights alone.
        lines, strongest: as for ``draw_network``.

    Raises:
        ValueError: lines are to be chosen by contribution, and a delta_j is not known.

    >>> [column.header for column in columns_of(MLP(1, [2, 1]), [], None, None, "weight")]
    ['inputs', 'hidden layer 1 (relu)', 'outputs (linear)']
    """
    shown_units = [elide(range(1, len(mlp.layers[0].neurons[0].w) + 1))]
    shown_units += [elide(range(1, len(layer.neurons) + 1)) for layer in mlp.layers]
    named = _Names(mlp, [numbers for numbers, _ in shown_units], order)
    numbers, more = shown_units[0]
    inputs = [order[units.inputs[i - 1]] if units else None for i in numbers]
    quantities: list[Quantities] = [
        [(named(0, "x", i, x), "" if x is None else pictured(x.data))]
        for i, x in zip(numbers, inputs)
    ]
    deltas: list[float | None] = [None] * len(numbers)
    bias = named(0, "x", 0)
    columns = [Column("inputs", numbers, len(more), quantities, deltas, bias, [], False)]
    for index, layer in enumerate(mlp.layers, 1):
        is_output = layer is mlp.layers[-1]
        before, (numbers, more) = numbers, shown_units[index]
        activation = layer.neurons[0].activation
        kind = "outputs" if is_output else f"hidden layer {index}"
        found = {unit.j: unit for unit in (units.layers[index - 1] if units else [])}
        pairs = [(order[found[j].a], order[found[j].z]) if j in found else None for j in numbers]
        deltas = [pair[0].grad if pair and pair[0].has_grad else None for pair in pairs]
        connections = [
            Connection(row, target, named(index, "w", (j, i), weight), weight)
            for target, j in enumerate(numbers)
            for neuron in [layer.neurons[j - 1]]
            for row, (i, weight) in enumerate(
                [*((i, neuron.w[i - 1]) for i in before), (0, neuron.b)]
            )
        ]
        kept = _strongest(connections, deltas, lines, strongest)
        columns.append(
            Column(
                header=f"{kind} ({clean(activation)})",
                numbers=numbers,
                elided=len(more),
                quantities=[
                    _unit_quantities(named, index, j, pair)
                    for j, pair in zip(numbers, pairs, strict=True)
                ],
                deltas=deltas,
                bias=None if is_output else named(index, "z", 0),
                connections=kept,
                is_thinned=len(kept) < len(connections),
            )
        )
    return columns


class _Names:
    """The names of what a network shows, the layer above where they are the same in several.

    What is in the graph of a root, of which there may be several forward passes, has the name that
    every view of that graph gives it, a^(1,2)_1, unless its label is another.
    """

    def __init__(self, mlp: MLP, numbers: list[list[int]], order: list[Value]) -> None:
        root = order[-1] if order else None
        self.of_nodes, self.of_errors = names_of(order, root), errors_of(order, root)
        self.last = len(mlp.layers)
        self.has_linear_outputs = mlp.layers[-1].neurons[0].activation == "linear"
        keys = [(0, Name("x", str(i))) for i in (0, *numbers[0])]
        for layer, (before, of_layer) in enumerate(pairwise(numbers), 1):
            letters = ["δ", "y" if layer == self.last else "z"]
            letters += ["a"] * (layer < self.last or not self.has_linear_outputs)
            js = [*of_layer, *([] if layer == self.last else [0])]
            keys += [(layer, Name(letter, str(j))) for letter in letters for j in js]
            keys += [(layer, _weight_name(j, i)) for j in of_layer for i in (0, *before)]
        self.names = told_apart({key: key[1] for key in keys}, lambda key: str(key[0] or ""))

    def __call__(
        self, layer: int, letter: str, index: int | tuple[int, int], node: Value | None = None
    ) -> Name:
        name = Name(letter, str(index)) if isinstance(index, int) else _weight_name(*index)
        in_graph = self.of_errors if letter == "δ" else self.of_nodes
        if node in in_graph and in_graph[node][:2] == name[:2]:  # the letter and the indices
            return in_graph[node]
        return self.names[layer, name]


def _weight_name(j: int, i: int) -> Name:
    return read_name(weight_label(j, i))._replace(label="")


def _unit_quantities(
    named: _Names, layer: int, j: int, nodes: tuple[Value, Value] | None
) -> Quantities:
    is_output = layer == named.last
    letter = "y" if is_output else "z"
    if nodes is None:
        return [(named(layer, letter, j), "")]
    a, z = nodes
    quantities = [
        (named(layer, letter, j, z), pictured(z.data)),
        (named(layer, "δ", j, a), format_grad(a)),
    ]
    if is_output and named.has_linear_outputs:
        return quantities
    return [(named(layer, "a", j, a), pictured(a.data)), *quantities]


def _strongest(
    connections: list[Connection],
    deltas: Sequence[float | None],
    lines: int | None,
    strongest: str,
) -> list[Connection]:
    """At most so many connections, the strongest, in their order."""
    if lines is None or len(connections) <= lines:
        return connections

    def strength(connection: Connection) -> float:
        delta = 1.0 if strongest == "weight" else deltas[connection.target]
        if delta is None:
            raise ValueError(
                "to choose lines by contribution takes the delta of each unit: give root, and call"
                ' root.backward() before, or choose them by strongest="weight"'
            )
        return abs(connection.weight.data * delta)

    kept = sorted(connections, key=strength, reverse=True)[:lines]
    return sorted(kept, key=connections.index)


def legend_of(columns: Sequence[Column], scale: Scale | None, strongest: str) -> Legend:
    """What lines and colours mean.

    Args:
        columns: the layers.
        scale: of the colours of units, if they have any.
        strongest: as for ``draw_network``.

    >>> [title for title, _ in legend_of(columns_of(MLP(1, [1]), [], None, 9, "weight"), None, "")]
    ['lines']
    """
    largest = max(abs(c.weight.data) for column in columns for c in column.connections)
    weights = [
        Swatch(POSITIVE[3], "w > 0: solid"),
        Swatch(NEGATIVE[3], "w < 0: dashed"),
        Swatch("", f"the thicker, the larger |w|, at most {pictured(largest)}"),
    ]
    legend = [("lines", weights)]
    thinned = [len(column.connections) for column in columns if column.is_thinned]
    if thinned:
        what = "|w|" if strongest == "weight" else "|w δ|"
        text = f"where there are more than {thinned[0]} between two layers, those of largest {what}"
        legend.append(("drawn", [Swatch("", text)]))
    return [*legend, ("units by δ", scale.signed_legend())] if scale else legend
