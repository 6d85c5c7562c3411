"""One data point's graph, compiled for all data points: after a look whether all are done alike.

A Program does for every data point what Python did for the one that was recorded. Whether Python
does the same for others (``if x > 0``, ``x.data``, random numbers) shows where it is tried: at
points here and there, and at those where an input is smallest or largest.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Value, order_of
from ..modes import changed
from ..program import Program
from .data import Table

MOST_COLUMNS = 32  # whose smallest and largest numbers are tried


def compiled(
    f: Callable[..., Any], tables: dict[str, Table], parameters: Sequence[Value] = ()
) -> tuple[Program, Any]:
    """The program of f, and what f gave when it was recorded.

    Args:
        f: from a list of Values for each table, a data point, to a Value or a list of Values.
        tables: a row a data point each; the keys are the labels of the Values, x for x_1, x_2.
        parameters: what the program is to be differentiated by, as for ``Program``.

    Raises:
        ValueError: f does different operations for different data points.

    >>> program, _ = compiled(lambda x: x[0] * x[1], {"x": np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> program([[5.0, 6.0]])
    array([30.])
    """
    recorded: Any = None
    first: list[Any] = []
    for n in _points(np.hstack([*tables.values()])):
        leaves = {name: _leaves(name, table[n]) for name, table in tables.items()}
        with changed(nonfinite_allowed=recorded is not None):  # to be told of by the program
            result = f(*leaves.values())
        inputs = [leaf for row in leaves.values() for leaf in row]
        operations = _operations([result] if isinstance(result, Value) else result, inputs)
        if recorded is None:
            recorded = Program(result, inputs, parameters), result
            first = operations
        elif operations != first:
            raise ValueError(
                f"the model or the loss does other operations for data point {n} than for data"
                " point 0, and only those of one can be compiled: in place of if, .data and random"
                " numbers it needs where(step(x), ...), maximum and the like"
            )
    found: tuple[Program, Any] = recorded
    return found


def _points(table: Table) -> list[int]:
    """The first, four more, and those with the smallest and the largest number of a column."""
    columns = table[:, :MOST_COLUMNS]
    spread = np.linspace(0, len(table) - 1, 5).round().astype(int)
    return sorted({*spread.tolist(), *columns.argmin(axis=0), *columns.argmax(axis=0)})


def _leaves(name: str, row: Any) -> list[Value]:
    return [Value(number, f"{name}_{i}") for i, number in enumerate(row.tolist(), 1)]


def _operations(outputs: Sequence[Value], inputs: list[Value]) -> list[Any]:
    """What is done to the inputs, in order: equal for two data points that are done alike."""
    leaves = {leaf: f"input {i}" for i, leaf in enumerate(inputs)}
    place: dict[Value, int] = {}
    operations: list[Any] = []
    for node in order_of(outputs):
        place[node] = len(place)
        operation = node.operation
        if node.parents and operation is not None:
            made_of = tuple(place[parent] for parent in node.parents)
            operations.append((operation.name, operation.parameters, made_of))
        else:
            operations.append(leaves.get(node) or repr(node.data))
    return operations
