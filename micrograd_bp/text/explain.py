"""The chain rule for one node of a graph, written out with its numbers.

Upwards, dE/dv is the sum over the uses of v: the adjoint of the consumer times the local
derivative by v, one line each. For a weight that is delta_j z_i, for an activation the sum over k
of delta_k w_kj (Bishop & Bishop, Deep Learning, 2024, section 8.1). Downwards, a node brings its
adjoint, times each local derivative, back to its operands.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import fsum

from ..engine import Value, topological_order
from ..messages import refuse_changed
from ..numeric import show
from ..transforms.chain_rule import Sweeps
from .latex_forms import LATEX
from .names import Name, in_derivative, names_of, near, new_names
from .numbers import significant
from .operations import NEGATED, TEXT, Part, Printer, visible_operands
from .tables import Cell, Readable, TextTable, text_formula

MAX_LINES = 12  # a longer sum is abbreviated
MAX_TEXT = 50  # characters of an operation


@dataclass(frozen=True, repr=False)
class Explanation(Readable):
    """The chain rule for one node; prints as text, and shows itself in a notebook.

    Attributes:
        value: the derivative that is explained, or the data of the node.
        contributions: what each use of the node brings back to it, or it to each operand; all
            of them, those abbreviated in the table too. Empty where nothing has flowed.
    """

    value: float
    contributions: tuple[float, ...]
    statement: Cell
    table: TextTable | None

    def _blocks(self) -> Iterator[Cell | TextTable]:
        yield self.statement
        if self.table is not None:
            yield self.table


def explain(node: Value, of: Value | None = None) -> Explanation:
    """The chain rule for one node, with numbers, one line a term.

    No grad is read or written where ``of`` is given: the adjoints come from a sweep of their own.

    Args:
        node: the Value to explain.
        of: the Value to differentiate, such as the error E: how d(of)/d(node) adds up over the
            uses of node. Without it the operation of the node is explained: its data, its local
            derivatives and, after a backward pass, what its grad brings back to each operand.

    Returns:
        What a terminal shows as text, and a notebook as a table.

    Raises:
        TypeError: node, or of, is no Value.
        ValueError: the data of a node of the explanation was changed after the forward pass.
        ZeroDivisionError, OverflowError: as ``backward`` raises them.

    >>> w, x, b = Value(-1.25, "w"), Value(0.5, "x"), Value(0.75, "b")
    >>> a = w * x + b
    >>> z = a.tanh()
    >>> E = (z - 0.25) ** 2 + 0.1 * z
    >>> a.label, z.label, E.label = "a", "z", "E"
    >>> print(explain(z, of=E))
    dE/dz = -0.151294: the sum over 2 uses
    <BLANKLINE>
    use             chain rule         numbers        contribution
    v_1 = z - 0.25  dE/dv_1 * dv_1/dz  -0.251294 * 1     -0.251294
    v_2 = 0.1 * z   dE/dv_2 * 0.1      1 * 0.1                 0.1
    >>> E.backward()
    >>> print(explain(a.parents[0]))
    v_1 = w * x = -0.625, with grad -0.148954
    <BLANKLINE>
    operand  local derivative  value  brings back
    w        dv_1/dw = x         0.5   -0.0744772
    x        dv_1/dx = w       -1.25     0.186193
    """
    for value in (node, node if of is None else of):
        if not isinstance(value, Value):
            raise TypeError(f"explain needs Values, not {show(value)}")
    return _downwards(node) if of is None else _upwards(node, of)


# --- from the consumers up to the node ------------------------------------------------------------


def _upwards(node: Value, root: Value) -> Explanation:
    order = topological_order(root)
    uses = [(user, i) for user in order for i, v in enumerate(user.parents) if v is node]
    for user in dict.fromkeys(user for user, _ in uses):
        refuse_changed(user)
    adjoints = Sweeps([root], [node]).back({root: 1.0})
    total = adjoints.get(node, 0.0)
    contributions = tuple(
        _times(adjoints.get(user, 0.0), user.local_derivatives[i]) for user, i in uses
    )
    shown = uses if len(uses) <= MAX_LINES else uses[: MAX_LINES - 1]
    names = _Names(dict.fromkeys([*order, node]), root)
    by_node = names.derivative(root, node)
    if node is root:
        note = f": it is {names.cell(root).text} itself"
    elif not uses:
        note = f": {names.cell(root).text} was not computed from {names.cell(node).text}"
    else:
        note = "" if len(uses) == 1 else f": the sum over {len(uses)} uses"
    rows: list[list[str | Cell]] = []
    for (user, i), contribution in zip(shown, contributions):
        outer, inner = names.derivative(root, user), names.local_derivative(user, i)
        numbers = (adjoints.get(user, 0.0), user.local_derivatives[i])
        rows.append(
            [
                names.definition(user),
                Cell(f"{outer.text} * {inner.text}", rf"{outer.formula} \cdot {inner.formula}"),
                _product(*numbers),
                significant(contribution),
            ]
        )
    if len(shown) < len(uses):
        rest = contributions[len(shown) :]
        rows.append([f"{len(rest)} more", "", "", significant(fsum(rest))])
    headings = ["use", "chain rule", "numbers", "contribution"]
    statement = _equation(by_node, total, note)
    return Explanation(
        total, contributions, statement, TextTable("lllr", rows, headings) if rows else None
    )


# --- from the node down to its operands -----------------------------------------------------------


def _downwards(node: Value) -> Explanation:
    refuse_changed(node)
    shown = node.parents if len(node.parents) <= MAX_LINES else node.parents[: MAX_LINES - 1]
    names = _Names(near(node))
    note = f", with grad {significant(node.grad)}" if node.has_grad else ""
    if not node.parents:
        return Explanation(
            node.data, (), _equation(names.cell(node), node.data, f"{note}: a leaf"), None
        )
    contributions = tuple(
        _times(node.grad, derivative) for derivative in node.local_derivatives if node.has_grad
    )
    rows: list[list[str | Cell]] = []
    for i, parent in enumerate(shown):
        by_parent, formula = names.derivative(node, parent), names.local_derivative(node, i)
        if formula != by_parent:
            by_parent = Cell(
                f"{by_parent.text} = {formula.text}", f"{by_parent.formula} = {formula.formula}"
            )
        numbers = [node.local_derivatives[i], *contributions[i : i + 1]]
        rows.append([names.cell(parent), by_parent, *map(significant, numbers)])
    if len(shown) < len(node.parents):
        more = f"{len(node.parents) - len(shown)} more"
        rows.append([more, "", *[""] * (len(rows[0]) - 2)])
    headings = ["operand", "local derivative", "value", "brings back"][: len(rows[0])]
    return Explanation(
        node.data,
        contributions,
        _equation(names.definition(node), node.data, note),
        TextTable("llrr"[: len(headings)], rows, headings),
    )


# --- words ----------------------------------------------------------------------------------------


class _Names:
    """What the nodes of an explanation are called.

    Args:
        nodes: those of the graph.
        root: what is differentiated: f, if it has no label.
    """

    def __init__(self, nodes: Iterable[Value], root: Value | None = None) -> None:
        names = names_of(nodes, root)
        self._names: dict[Value, Name | float] = {**names}
        self._new = new_names(names.values())

    def part(self, node: Value, to: Printer) -> Part:
        """The name of a node; the number of a constant."""
        name = self._names.get(node)
        if name is None:
            name = names_of([node]).get(node) or (next(self._new) if node.parents else node.data)
            self._names[node] = name
        return to.name(name) if isinstance(name, Name) else to.number(name)

    def cell(self, node: Value) -> Cell:
        """The same, to stand in a table."""
        return Cell(self.part(node, TEXT).text, self.part(node, LATEX).text)

    def derivative(self, above: Value, below: Value) -> Cell:
        """dE/dv."""
        e, v = map(_in_derivative, (self.cell(above), self.cell(below)))
        formula = rf"\frac{{\partial {e.formula}}}{{\partial {v.formula}}}"
        return Cell(f"d{e.text}/d{v.text}", formula)

    def local_derivative(self, node: Value, i: int) -> Cell:
        """The derivative by operand i: of a product the other factor, by its name."""
        operands = node.parents
        key = node.operation.key if node.operation else ""
        half = len(operands) // 2
        if key in ("mul", "dot") and i < 2 * half:
            factor = operands[i + half if i < half else i - half]
            return Cell(*(to.inside(self.part(factor, to), NEGATED) for to in (TEXT, LATEX)))
        return self.derivative(node, operands[i])

    def definition(self, node: Value) -> Cell:
        """v = x * y."""
        name, seen = self.cell(node), visible_operands(node)
        text, formula = (
            to.node(
                node,
                [self.part(v, to) if is_seen else None for v, is_seen in zip(node.parents, seen)],
            ).text
            for to in (TEXT, LATEX)
        )
        if not all(seen):
            text = f"{node.operation.name if node.operation else ''} of {len(seen)} operands"
        if len(text) > MAX_TEXT:
            text = text[: MAX_TEXT - 1] + "…"
        return Cell(f"{name.text} = {text}", f"{name.formula} = {formula}")


def _in_derivative(name: Cell) -> Cell:
    """A name behind a d."""
    is_name = in_derivative(name.text) == name.text
    return name if is_name else Cell(f"({name.text})", f"({name.formula})")


def _product(adjoint: float, derivative: float) -> Cell:
    text = f"{significant(adjoint)} * {significant(derivative)}"
    left, right = LATEX.number(adjoint).text, LATEX.number(derivative).text
    right = f"({right})" if right.startswith("-") else right
    return Cell(text, rf"{left} \cdot {right}")


def _times(adjoint: float, derivative: float) -> float:
    """A zero adjoint contributes zero, whatever it meets."""
    return derivative * adjoint if adjoint else 0.0


def _equation(left: Cell, number: float, note: str) -> Cell:
    text = f"{left.text} = {significant(number)}{note}"
    return Cell(text, f"{left.formula} = {LATEX.number(number).text}{text_formula(note)}")
