"""The evaluation trace of a recorded graph: what each node is, and its tangents and adjoint.

One row a node, in the order of evaluation, as in the worked example of automatic
differentiation in Bishop & Bishop, Deep Learning, 2024, section 8.2: f(x1, x2) = x1 x2 +
exp(x1 x2) - sin(x2). Read downwards it is the forward mode, the tangents computed along with
the primal values; read upwards the reverse mode, the adjoints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..engine import Value, order_of
from ..messages import refuse_changed
from ..numeric import Number, show, to_float
from ..transforms.chain_rule import Sweeps
from .notation import Part, derivative_formula, name_formula
from .operations import node_formula
from .tables import Cell, Readable, Table

INFIX = ("add", "sub", "mul", "div")


@dataclass(frozen=True)
class Row:
    """A node of the trace.

    Attributes:
        node: the Value.
        name: v_i.
        expression: what it is in terms of the rows above, as text.
        formula: the same as LaTeX.
        primal: its value.
        tangents: d v_i / d input for each input, or the one in the chosen direction.
        adjoint: d root / d v_i.
    """

    node: Value
    name: str
    expression: str
    formula: str
    primal: float
    tangents: tuple[float, ...]
    adjoint: float


@dataclass(frozen=True, repr=False)
class Trace(Readable):
    """The rows of a trace; prints as aligned text, and shows itself in a notebook as a table.

    Attributes:
        headings: those of the columns.
        rows: the inputs, then the other nodes in the order of evaluation.
    """

    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    def _blocks(self) -> Iterator[Table]:
        lines = [
            [Cell(row.name, name_formula(row.name)), Cell(row.expression, row.formula)]
            + [f"{number:.12g}" for number in (row.primal, *row.tangents, row.adjoint)]
            for row in self.rows
        ]
        name, *columns = self.headings
        derivatives = [
            column if "/" not in column else Cell(column, derivative_formula(column))
            for column in columns
        ]
        headings = [Cell(name, name_formula(name)), *derivatives]
        yield Table("ll" + "r" * (len(headings) - 2), lines, headings)


def trace_table(
    root: Value, inputs: Sequence[Value], direction: Sequence[Number] | None = None
) -> Trace:
    """The evaluation trace of a recorded graph.

    No grad is read or written: the derivatives come from sweeps of their own.

    Args:
        root: the output.
        inputs: the Values by which tangents are taken, leaves or not; leaves come first.
        direction: one number an input: one column of tangents, in this direction; a column
            for each input unless given.

    Returns:
        A table with a row for each node.

    Raises:
        TypeError: root or an input is no Value.
        ValueError: direction has not one number an input, or the data of a node was changed
            after the forward pass.

    >>> from micrograd_bp import exp, sin
    >>> x1, x2 = Value(1.0, label="x1"), Value(2.0, label="x2")
    >>> print(trace_table(x1 * x2 + exp(x1 * x2) - sin(x2), [x1, x2]))
    v_i  expression          primal       dv_i/dx1         dv_i/dx2        df/dv_i
    v_1  x1                       1              1                0  16.7781121979
    v_2  x2                       2              0                1  8.80520293548
    v_3  v_1 * v_2                2              2                1              1
    v_4  v_1 * v_2                2              2                1  7.38905609893
    v_5  exp(v_4)     7.38905609893  14.7781121979    7.38905609893              1
    v_6  v_3 + v_5    9.38905609893  16.7781121979    8.38905609893              1
    v_7  sin(v_2)    0.909297426826              0  -0.416146836547             -1
    v_8  v_6 - v_7     8.4797586721  16.7781121979    8.80520293548              1
    """
    for value in (root, *inputs):
        if not isinstance(value, Value):
            raise TypeError(f"trace_table needs Values for root and inputs, not {show(value)}")
    first = [x for x in inputs if not x.parents]
    order = list(dict.fromkeys([*first, *order_of([root, *inputs])]))
    for node in order:
        refuse_changed(node)
    names = {node: f"v_{i}" for i, node in enumerate(order, 1)}
    called = [x.label or names[x] for x in inputs]
    if direction is None:
        seeds = [{x: 1.0} for x in inputs]
        headings = [f"dv_i/d{name}" for name in called]
    else:
        if len(direction) != len(inputs):
            raise ValueError(
                f"the direction has one number an input: {len(inputs)}, not {len(direction)}"
            )
        seeds = [{x: to_float(number) for x, number in zip(inputs, direction)}]
        headings = ["tangent"]
    by_inputs = Sweeps([root], inputs)
    tangents = [by_inputs.forward(seed) for seed in seeds]
    leaves = [node for node in order if not node.parents]
    adjoints = Sweeps([root], [*inputs, *leaves]).back({root: 1.0})
    rows = [
        Row(
            node,
            names[node],
            expression(node, [names[parent] for parent in node.parents]),
            _formula(node, [names[parent] for parent in node.parents]),
            node.data,
            tuple(tangent.get(node, 0.0) for tangent in tangents),
            adjoints.get(node, 0.0),
        )
        for node in order
    ]
    heading = ("v_i", "expression", "primal", *headings, f"d{root.label or 'f'}/dv_i")
    return Trace(heading, tuple(rows))


def _formula(node: Value, operands: list[str]) -> str:
    if not node.parents and node.label:
        return name_formula(node.label)
    return node_formula(node, [Part(name_formula(operand)) for operand in operands]).text


def expression(node: Value, operands: Sequence[str]) -> str:
    """A node in terms of its operands, as text.

    Args:
        node: a Value.
        operands: the names of its parents.

    >>> expression(Value(2.0) * 3.0, ["x", "y"])
    'x * y'
    """
    operation = node.operation
    if operation is None or not operands:
        return node.label or f"{node.data:.12g}"
    if operation.name in INFIX:
        return f" {operation.symbol} ".join(operands)
    if operation.name == "neg":
        return f"-{operands[0]}"
    if operation.name == "pow" and operation.parameters:
        return f"{operands[0]}{operation.symbol}"
    if operation.name == "pow":
        return " ** ".join(operands)
    if operation.name == "dot":
        n = len(operands) // 2
        products = [f"{w}*{x}" for w, x in zip(operands[:n], operands[n:])]
        return " + ".join([*operands[2 * n :], *products])
    parameters = [f"{parameter:g}" for parameter in operation.parameters]
    return f"{operation.name}({', '.join([*operands, *parameters])})"
