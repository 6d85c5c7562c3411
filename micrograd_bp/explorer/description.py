"""A graph as plain data: what the page knows of each node.

The numbers are those that the forward pass recorded. The page takes the backward pass itself, from
a grad of 1 at the root and 0 elsewhere, in the order of ``topological_order`` reversed.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

from ..drawing.columns import Path
from ..engine import Value, sweep
from ..text.names import (
    clean,
    errors_of,
    in_derivative,
    names_of,
    new_names,
    scope_path,
)
from ..text.numbers import scripted
from .formulas import derivative, formula

Kind = Literal["leaf", "constant", "operation"]


class Names(NamedTuple):
    """For each node its name and that of its grad, as rich texts."""

    nodes: list[str]
    grads: list[str]


class Node(NamedTuple):
    """A node of the graph, its parents by their place in the topological order.

    Attributes:
        name, grad_name: rich texts.
        operation, symbol: the name of the operation, and what pictures show; empty for a leaf.
        function, parameters: the key of its function in the table, and its fixed arguments.
        label, scope: as Python writes them, for messages; empty where there is none.
        path: the scopes around it, the outermost first.
        grad: d root / d node.
        formula, derivatives: templates (formulas.py).
    """

    name: str
    grad_name: str
    operation: str
    symbol: str
    function: str
    parameters: Sequence[float]
    label: str
    scope: str
    kind: Kind
    path: Path
    data: float
    grad: float
    parents: list[int]
    local_derivatives: Sequence[float]
    formula: str
    derivatives: list[str]

    @property
    def has_delta(self) -> bool:
        """Whether its grad is the error delta_j of a unit."""
        return self.grad_name.startswith("δ")

    def to_json(self) -> dict[str, Any]:
        """The node for the page's script, which finds the empty fields empty by itself."""
        fields = {
            "name": self.name,
            "gradName": self.grad_name,
            "operation": self.operation,
            "symbol": self.symbol if self.symbol != self.operation else "",
            "function": self.function,
            "parameters": [*map(repr, self.parameters)],
            "label": self.label,
            "scope": self.scope,
            "data": json_number(self.data),
            "parents": self.parents,
            "local": [json_number(number) for number in self.local_derivatives],
            "formula": self.formula,
            "derivatives": self.derivatives,
        }
        return {name: field for name, field in fields.items() if field or field == 0}


def json_number(number: float) -> float | str:
    """A number for JSON, which has no inf and nan: those as the words of JavaScript.

    >>> json_number(0.5), json_number(float("-inf"))
    (0.5, '-Infinity')
    """
    if isfinite(number):
        return number
    return {"inf": "Infinity", "-inf": "-Infinity"}.get(f"{number}", "NaN")


def name_nodes(order: Sequence[Value]) -> Names:
    """Name the nodes of a graph: by label, or v_1, v_2, ...; a constant by its number.

    The grad of a pre-activation a_j is the error delta_j (Bishop & Bishop, Deep Learning, 2024,
    section 8.1).

    Args:
        order: the nodes in topological order, the root last.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> name_nodes([x, y]).nodes
    ['x', 'f']
    """
    named, errors = names_of(order, order[-1]), errors_of(order, order[-1])
    new = new_names(named.values())
    root = named[order[-1]].rich
    nodes, grads = [], []
    for node in order:
        if node in named or node.parents or node.operation is None:  # a leaf may be changed
            name = (named.get(node) or next(new)).rich
            below = in_derivative(name)
        else:
            name = scripted(node.data)
            below = f"({name})"
        nodes.append(name)
        grads.append(errors[node].rich if node in errors else f"∂{in_derivative(root)}/∂{below}")
    return Names(nodes, grads)


def describe(order: Sequence[Value]) -> list[Node]:
    """Describe the nodes of a graph.

    Args:
        order: the nodes in topological order, the root last.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> [(node.name, node.grad, node.parents) for node in describe([x, y])][0]
    ('x', 6.0, [])
    """
    number = {node: i for i, node in enumerate(order)}
    names = name_nodes(order)
    grads = sweep([order[-1]], [order[-1]], [1.0], order, back=True)
    return [
        Node(
            name,
            grad_name,
            node.operation.name if node.operation else "",
            clean(node.operation.symbol) if node.operation else "",
            node.operation.function.key if node.operation and node.parents else "",
            node.operation.parameters if node.operation else (),
            repr(node.label) if node.label else "",
            repr(node.scope) if node.scope else "",
            _kind(node),
            scope_path(node.scope),
            node.data,
            grad,
            [number[parent] for parent in node.parents],
            node.local_derivatives,
            formula(node),
            [derivative(node, slot) for slot in range(len(node.parents))],
        )
        for node, name, grad_name, grad in zip(order, names.nodes, names.grads, grads, strict=True)
    ]


def _kind(node: Value) -> Kind:
    if node.operation is None:
        return "leaf"
    return "operation" if node.parents else "constant"
