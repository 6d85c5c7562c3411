r"""LaTeX of a recorded graph: the expression as a textbook prints it, its shared parts named."""

from collections import Counter
from collections.abc import Mapping

from ..engine import Value, topological_order
from ..numeric import show
from .latex_forms import LATEX
from .names import Name, names_of, near, new_names, read_name
from .operations import Part, visible_operands

MAX_NODES = 1000  # a formula beyond fills pages
MAX_LENGTH = 240  # of what stands inside something else, in characters; what is longer has a name
SHORT_DEPTH = 4  # operations inside operations in the formula of one Value


class Latex(str):
    """LaTeX source, to be written into a document; a notebook shows the formula."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return f"$$\n{self}\n$$"


def latex(root: Value, max_nodes: int = MAX_NODES) -> Latex:
    r"""The expression that a Value was computed by, as LaTeX for math mode.

    A part that is used more than once, or is long, stands in a line of its own under "where",
    by its label or as v_1, v_2, ... Of a sum of more than eight terms the first three and the
    last are written. Nodes of the same label are told apart by the number of their layer, and
    if need be by a number, as a superscript in parentheses.

    Args:
        root: the Value.
        max_nodes: the largest number of nodes to write.

    Returns:
        The source, a string.

    Raises:
        TypeError: root is no Value.
        ValueError: there are more than max_nodes to write.

    >>> w, x, b = Value(2.0, "w_1"), Value(0.5, "x_1"), Value(-1.0, "b")
    >>> print(latex((w * x + b).tanh() ** 2 / 2))
    \frac{\tanh(w_{1} x_{1} + b)^{2}}{2}
    >>> z = w * x
    >>> z.label, E = "z", z.exp() + z
    >>> print(latex(E))
    \begin{aligned}
    & e^{z} + z \\
    \text{where} \quad z &= w_{1} x_{1}
    \end{aligned}
    """
    if not isinstance(root, Value):
        raise TypeError(f"latex needs a Value, such as the error E, not {show(root)}")
    order, uses = _written(root)
    if len(order) > max_nodes:
        raise ValueError(
            f"{len(order)} nodes are too many for a formula, the limit is {max_nodes}: take a part"
            " of the graph, such as an interior node, or draw(root), or allow more with"
            f" max_nodes={len(order)}"
        )
    named = names_of(topological_order(root))
    names = {node: LATEX.name(name) for node, name in named.items()}
    numbered = map(LATEX.name, new_names(named.values()))
    parts: dict[Value, Part] = {}
    definitions: list[tuple[str, str]] = []
    for node in order:
        part = names.get(node) or LATEX.number(node.data)
        if node.parents:
            part = LATEX.node(node, [parts.get(parent) for parent in node.parents])
            if node is not root and (uses[node] > 1 or len(part.text) > MAX_LENGTH):
                name = names.get(node) or next(numbered)
                definitions.append((name.text, part.text))
                part = name
        parts[node] = part
    left = f"{names[root].text} " if root in names and root.parents else ""
    right = parts[root].text
    if not definitions:
        return Latex(f"{left}= {right}" if left else right)
    lines = [f"{left}&= {right}" if left else f"& {right}"]
    lines += [f"{name} &= {text}" for name, text in definitions]
    lines[1] = rf"\text{{where}} \quad {lines[1]}"
    body = " \\\\\n".join(lines)
    return Latex(f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}")


def short_latex(value: Value) -> str:
    r"""What a notebook shows of a Value: how it was computed, its data, and its grad if any.

    Labelled operands stand by their names, what lies deeper by dots: it costs the same for a
    graph of any size.

    >>> w, x, b = Value(2.0, "w_1"), Value(1.5, "x_1"), Value(0.5, "b")
    >>> print(short_latex(w * x + b))
    $w_{1} x_{1} + b = 3.5$
    >>> x.backward()
    >>> print(short_latex(x))
    $x_{1} = 1.5, \quad \mathrm{grad} = 1$
    """
    names = names_of(near(value))
    equal = [names[value].latex] if value in names else []
    if value.parents:
        by_depth = (_expanded(value, depth, names).text for depth in range(SHORT_DEPTH, 0, -1))
        equal.append(next((text for text in by_depth if len(text) <= MAX_LENGTH), r"\cdots"))
    grad = rf", \quad \mathrm{{grad}} = {LATEX.number(value.grad).text}" if value.has_grad else ""
    return f"${' = '.join([*equal, LATEX.number(value.data).text])}{grad}$"


def _expanded(node: Value, depth: int, names: Mapping[Value, Name]) -> Part:
    """The operation of a node, and what it is of, to a depth of so many operations."""
    operands = [
        _operand(parent, depth - 1, names) if seen else None
        for parent, seen in zip(node.parents, visible_operands(node))
    ]
    return LATEX.node(node, operands)


def _operand(node: Value, depth: int, names: Mapping[Value, Name]) -> Part:
    name = names.get(node) or read_name(node.label)
    if name.letter:
        return LATEX.name(name)
    if not node.parents:
        return LATEX.number(node.data)
    return _expanded(node, depth, names) if depth else Part(r"\cdots")


def _written(root: Value) -> tuple[list[Value], Counter[Value]]:
    """The nodes that are not abbreviated away, parents first, and how often each is used."""
    order = topological_order(root)
    uses: Counter[Value] = Counter([root])
    for node in reversed(order):
        if node in uses and node.parents:
            uses.update(
                parent for parent, seen in zip(node.parents, visible_operands(node)) if seen
            )
    return [node for node in order if node in uses], uses
