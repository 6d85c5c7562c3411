"""One data point's graph, compiled for all data points: after a look whether all are done alike.

A Program does for every data point what Python did for the one that was recorded. Whether Python
does the same for others (``if x > 0``, ``x.data``, random numbers) shows where it is tried: at
points here and there, and at those where an input is smallest or largest.
"""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from ..engine import Value, order_of
from ..modes import changed
from ..program import Program
from ..program.choices import warn_of_choices
from .data import Table

MOST_COLUMNS = 32  # whose smallest and largest numbers are tried


def compiled(
    f: Callable[..., Any], tables: dict[str, Table], parameters: Sequence[Value] = ()
) -> tuple[Program, Any]:
    """The program of f, and what f gave when it was recorded: where nothing is infinite.

    Args:
        f: from a list of Values for each table, a data point, to a Value or a list of Values.
        tables: a row a data point each; the keys are the labels of the Values, x for x_1, x_2.
        parameters: what the program is to be differentiated by, as for ``Program``.

    Raises:
        ValueError: f does different operations for different data points.
        ValueError, ArithmeticError: f has no finite derivatives at any of the points tried.

    >>> program, _ = compiled(lambda x: x[0] * x[1], {"x": np.array([[1.0, 2.0], [3.0, 4.0]])})
    >>> program([[5.0, 6.0]])
    array([30.])
    """
    _forget_comparisons(parameters)
    recorded: Any = None
    fault: Exception | None = None
    first: list[Any] = []
    for n in points_to_try(np.hstack([*tables.values()])):
        leaves = {name: _leaves(name, table[n]) for name, table in tables.items()}
        inputs = [leaf for row in leaves.values() for leaf in row]
        compared: list[Value] = []
        try:
            with changed(compared=compared):
                result = f(*leaves.values())
        except (ArithmeticError, ValueError) as error:  # the program tells of it, if it matters
            fault = fault or error
            with changed(nonfinite_allowed=True):
                result = f(*leaves.values())
        outputs = [result] if isinstance(result, Value) else result
        operations = _operations(outputs, inputs)
        first = first or operations
        if operations != first:
            raise ValueError(
                f"the model or the loss does other operations for data point {n} than for data"
                " point 0, and only those of one can be compiled: in place of if, .data and random"
                " numbers it needs where(step(x), ...), maximum and the like"
            )
        if recorded is None and _is_finite(outputs):
            recorded = result, inputs, compared
    if recorded is None and fault is not None:
        raise fault
    result, inputs, compared = recorded or (result, inputs, compared)
    warn_of_choices(order_of(compared), [*inputs, *parameters])
    _forget_comparisons(compared)
    return Program._of_model(result, inputs, parameters), result


def _is_finite(outputs: Sequence[Value]) -> bool:
    return all(isfinite(d) for node in order_of(outputs) for d in node.local_derivatives)


def _forget_comparisons(nodes: Iterable[Value]) -> None:
    for node in nodes:
        node._was_compared = False


def points_to_try(table: Table) -> list[int]:
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
            operations.append(leaves.get(node) or node.data.hex())
    return operations
