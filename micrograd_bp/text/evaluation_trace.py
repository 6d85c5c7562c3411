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
from .latex_forms import LATEX
from .names import Name, clean, derivative_cell, in_derivative, names_of, read_name
from .numbers import significant
from .operations import TEXT
from .tables import Cell, Readable, TextTable

DIGITS = 12


@dataclass(frozen=True)
class TracedNode:
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
class EvaluationTrace(Readable):
    """The rows of a trace; prints as aligned text, and shows itself in a notebook as a table.

    Attributes:
        headings: those of the columns.
        rows: the inputs, then the other nodes in the order of evaluation.
    """

    headings: tuple[str, ...]
    rows: tuple[TracedNode, ...]

    def _blocks(self) -> Iterator[TextTable]:
        lines = [
            [read_name(row.name).cell, Cell(row.expression, row.formula)]
            + [significant(x, DIGITS) for x in (row.primal, *row.tangents, row.adjoint)]
            for row in self.rows
        ]
        headings = [derivative_cell(x) if "_i" in x else x for x in self.headings]
        yield TextTable("ll" + "r" * (len(headings) - 2), lines, headings)


def trace_table(
    root: Value, inputs: Sequence[Value], direction: Sequence[Number] | None = None
) -> EvaluationTrace:
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
    names = {node: Name("v", str(i)) for i, node in enumerate(order, 1)}
    labels = names_of(order)
    called = [labels.get(x, names[x]).plain for x in inputs]
    if direction is None:
        seeds = [{x: 1.0} for x in inputs]
        headings = [f"dv_i/d{in_derivative(name)}" for name in called]
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
        TracedNode(
            node,
            names[node].plain,
            *_expression(node, names, labels.get(node)),
            node.data,
            tuple(tangent.get(node, 0.0) for tangent in tangents),
            adjoints.get(node, 0.0),
        )
        for node in order
    ]
    heading = (
        "v_i",
        "expression",
        "primal",
        *headings,
        f"d{in_derivative(clean(root.label)) or 'f'}/dv_i",
    )
    return EvaluationTrace(heading, tuple(rows))


def _expression(node: Value, names: dict[Value, Name], label: Name | None) -> Cell:
    """A node in terms of its operands; a leaf by its label, or its number."""
    if not node.parents:
        number = significant(node.data, DIGITS)
        return label.cell if label else Cell(number, LATEX.number(node.data).text)
    operands = [names[parent] for parent in node.parents]
    return Cell(*(to.node(node, [*map(to.name, operands)]).text for to in (TEXT, LATEX)))
