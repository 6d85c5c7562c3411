"""What a picture of a computation graph shows, before anything has a place: cards and arrows.

A card stands for a node, or for many that are folded into one; an arrow for an operand, or for many
between the same two ends. The writers of DOT and SVG know cards and arrows only, no Values.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, log2
from typing import Literal, NamedTuple

from ..engine import Value
from ..text.latex_forms import LATEX
from ..text.names import Name, clean, names_of, of_many, read_name
from ..text.numbers import pictured
from ..text.operations import SUM, Part
from ..text.tables import text_formula
from .columns import Item, Path
from .folding import Group
from .palette import TIMES, WHITE, Scale, Swatch, scale_for

NO_GRAD = "—"
_SIGNS = {"+": "+", "-": "-", "*": r"\times", "/": "/"}

Kind = Literal["leaf", "constant", "operation", "folded"]


class Card(NamedTuple):
    """A box of the picture.

    Attributes:
        title, note: its name, as rich text, and what makes it if the name does not say so.
        title_formula, note_formula: the same as LaTeX.
        warning: where inf and nan come from; else empty.
        rows: names and numbers, to be read line by line.
        kind: what it stands for, which its shape shows.
        is_root: whether it is, or holds, what the picture was asked for.
        path: the names of the clusters around it, the outermost first.
        fill: its colour.
    """

    title: str
    title_formula: str
    note: str
    note_formula: str
    warning: str
    rows: tuple[tuple[str, str], ...]
    kind: Kind
    is_root: bool
    path: Path
    fill: str


class Arrow(NamedTuple):
    """An arrow between two cards by their numbers, or from or to a cluster by its path.

    Attributes:
        text: what is written on it.
        number: how many operands it stands for.
        is_back: whether it runs against the order of the cards, out of a scope that the graph
            leaves and enters again.
    """

    source: Item
    target: Item
    text: str
    number: int
    is_back: bool = False

    @property
    def width(self) -> float:
        """The width of its line, larger the more operands it stands for."""
        return round(min(1 + log2(self.number) / 1.5, 6.0), 1)


class Picture(NamedTuple):
    """Cards in topological order, arrows, and a legend: titles, each with its swatches."""

    cards: list[Card]
    arrows: list[Arrow]
    legend: list[tuple[str, list[Swatch]]]
    rankdir: str


def format_grad(node: Value) -> str:
    """The grad of a node, or a dash where no backward pass has been."""
    return pictured(node.grad) if node.has_grad else NO_GRAD


def make_picture(
    groups: Sequence[Group], roots: dict[Value, None], edges: str | None, rankdir: str
) -> Picture:
    """Write the cards and arrows of a graph.

    Args:
        groups: the nodes, folded, in topological order.
        roots: what the picture was asked for.
        edges: what to write on an arrow: "local", "contribution" or None.
        rankdir: "LR" or "TB".

    >>> x = Value(2.0, "x")
    >>> picture = make_picture([Group([x], "node", "", ())], {x: None}, None, "LR")
    >>> picture.cards[0].title, picture.cards[0].rows
    ('x', (('data', '2.0000'), ('grad', '—')))
    """
    scale = scale_of(node for group in groups for node in group.nodes)
    names = names_of(node for group in groups for node in group.nodes)
    cards = [
        _card(group, scale, names, any(node in roots for node in group.nodes)) for group in groups
    ]
    arrows = _with_backs(_arrows(groups, cards, edges), cards)
    return Picture(cards, arrows, _legend(scale, cards), rankdir)


def _legend(scale: Scale | None, cards: list[Card]) -> list[tuple[str, list[Swatch]]]:
    legend = []
    if scale and any(card.kind != "folded" for card in cards):
        legend.append(("grad", scale.signed_legend()))
    if scale and any(card.kind == "folded" for card in cards):
        legend.append(("max |grad|", scale.magnitude_legend()))
    return legend


def scale_of(nodes: Iterable[Value]) -> Scale | None:
    """The scale of the colours of grads, the same in all pictures of a graph.

    Constants take no part: nobody asks for their grads, and they may be huge.
    """
    return scale_for(node.grad for node in nodes if node.has_grad and not _is_constant(node))


def _is_constant(node: Value) -> bool:
    return node.operation is not None and node.operation.key == "constant"


def _largest_grad(group: Group) -> float | None:
    grads = [node.grad for node in group.nodes if node.has_grad and not _is_constant(node)]
    return max(grads, key=abs, default=None)


# --- cards ----------------------------------------------------------------------------------------


def _card(group: Group, scale: Scale | None, names: Mapping[Value, Name], is_root: bool) -> Card:
    path = tuple(map(clean, group.path))
    warning = _warning(group)
    grad = _largest_grad(group)
    if group.kind == "node":
        card = _node_card(group.nodes[0], names, path, warning, is_root)
        return card._replace(fill=scale.fill(grad)) if scale else card
    rows = [("nodes", str(len(group.nodes)))]
    if group.kind == "scope":
        rows.append(("parameters", str(sum(node.operation is None for node in group.nodes))))
    title, note = clean(group.title), ""
    formula, last = text_formula(title), group.nodes[-1]
    if group.kind == "alike":
        title, formula = _many(group, names)
    if group.kind == "chain":
        rows.append(("data", pictured(last.data)))
        if last in names:
            title, note, formula = shown(names[last]), title, names[last].latex
    if not all(map(_is_constant, group.nodes)):
        rows.append(("max |grad|", NO_GRAD if grad is None else pictured(abs(grad))))
    return Card(
        title=title,
        title_formula=formula,
        note=note,
        note_formula=text_formula(note),
        warning=warning,
        rows=tuple(rows),
        kind="folded",
        is_root=is_root,
        path=path,
        fill=(scale or Scale(0)).fill_of_magnitude(grad and abs(grad)),
    )


def names_of_many(group: Group, names: Mapping[Value, Name]) -> tuple[str, list[Name]]:
    """A title such as "30 × x_1 … x_9" as the number, and the labels in it as names.

    >>> nodes = [Value(1.0, "x_1"), Value(2.0, "x_2")]
    >>> number, (first, last) = names_of_many(Group(nodes, "alike", "2 × x_1 … x_2", ()), {})
    >>> number, first.plain, last.plain
    ('2', 'x_1', 'x_2')
    """
    number, _, labels = group.title.partition(f" {TIMES} ")
    called = {node.label: of_many(node, names[node]) for node in group.nodes if node in names}
    return number, [called.get(label, read_name(label)) for label in labels.split(" … ")]


def _many(group: Group, names: Mapping[Value, Name]) -> tuple[str, str]:
    """The title of nodes that are alike, as rich text and as LaTeX."""
    number, called = names_of_many(group, names)
    formulas = r" \ldots ".join(name.latex for name in called)
    rich = " … ".join(map(shown, called))
    return f"{number} {TIMES} {rich}", rf"{number} \times {formulas}"


def _node_card(
    node: Value, names: Mapping[Value, Name], path: Path, warning: str, is_root: bool
) -> Card:
    kind: Kind = "leaf" if node.operation is None else "operation"
    symbol = clean(node.operation.symbol) if node.operation else "leaf"
    rows = [("data", pictured(node.data))]
    if _is_constant(node):
        kind = "constant"
    else:
        rows.append(("grad", format_grad(node)))
    title, note = (symbol, _operation_formula(node, symbol)), ("", "")
    if node in names:
        note = title if kind == "operation" else note
        title = shown(names[node]), names[node].latex
    return Card(
        *title,
        *note,
        warning=warning,
        rows=tuple(rows),
        kind=kind,
        is_root=is_root,
        path=path,
        fill=WHITE,
    )


def shown(name: Name) -> str:
    """A name as rich text; a label that is a text as it is."""
    is_text = name.symbol == name.letter and not (name.below or name.above or name.formula)
    return name.plain if is_text else name.rich


def _operation_formula(node: Value, symbol: str) -> str:
    r"""What makes a node, as LaTeX: \tanh(\cdot)."""
    if symbol in _SIGNS:
        return _SIGNS[symbol]
    if len(node.parents) == 1:
        formula = LATEX.node(node, [Part(r"\cdot", SUM)]).text
        if "operatorname" not in formula:  # longer than the word
            return formula
    return text_formula(symbol)


def _warning(group: Group) -> str:
    """Says of the nodes that made inf or nan of finite operands, or are such a leaf."""
    origins = [
        node
        for node in group.nodes
        if not isfinite(node.data) and all(isfinite(parent.data) for parent in node.parents)
    ]
    kinds = sorted({f"{abs(node.data)}" for node in origins})
    if not kinds:
        return ""
    if group.kind == "node":
        return f"{kinds[0]} starts here"
    return f"{' and '.join(kinds)} start here ({len(origins)})"


# --- arrows ---------------------------------------------------------------------------------------


class _Bundle:
    """The arrows between two ends, each a card or a cluster of folded scopes."""

    def __init__(self, source: Item, target: Item, text: str) -> None:
        self.ends = source, target
        self.text = text
        self.number = 0
        self.sources: dict[int, None] = {}
        self.targets: dict[int, None] = {}

    def add(self, source: int, target: int) -> None:
        self.number += 1
        self.sources[source] = self.targets[target] = None

    def arrow(self) -> Arrow:
        """One arrow for all. A cluster is its end only if several of its scopes take part."""
        source, target = self.ends
        if len(self.sources) == 1:
            source = next(iter(self.sources))
        if len(self.targets) == 1:
            target = next(iter(self.targets))
        text = self.text if self.number == 1 else f"{self.number}{TIMES}"
        return Arrow(source, target, text, self.number)


def _arrows(groups: Sequence[Group], cards: Sequence[Card], edges: str | None) -> list[Arrow]:
    """The arrows, those into one card in the order of its operands."""
    card_of = {node: i for i, group in enumerate(groups) for node in group.nodes}
    arrows: list[Arrow | _Bundle] = []
    bundles: dict[tuple[Item, Item], _Bundle] = {}
    for node, target in card_of.items():
        for parent, local_derivative in zip(node.parents, node.local_derivatives, strict=True):
            source = card_of[parent]
            if groups[source].kind == groups[target].kind == "node":
                arrows.append(Arrow(source, target, _text(edges, local_derivative, node), 1))
            elif source != target:
                ends = _end(groups, cards, source, target), _end(groups, cards, target, source)
                if ends not in bundles:
                    bundles[ends] = _Bundle(*ends, _text(edges, local_derivative, node))
                    arrows.append(bundles[ends])
                bundles[ends].add(source, target)
    return [arrow.arrow() if isinstance(arrow, _Bundle) else arrow for arrow in arrows]


def _with_backs(arrows: Sequence[Arrow], cards: Sequence[Card]) -> list[Arrow]:
    """The arrows, marked where one runs from a later card to an earlier one."""
    first: dict[Item, int] = {}
    last: dict[Item, int] = {}
    for i, card in enumerate(cards):
        first[i] = last[i] = i
        for depth in range(1, len(card.path) + 1):
            first.setdefault(card.path[:depth], i)
            last[card.path[:depth]] = i
    return [arrow._replace(is_back=first[arrow.source] > last[arrow.target]) for arrow in arrows]


def _end(groups: Sequence[Group], cards: Sequence[Card], card: int, other: int) -> Item:
    """The end of a bundle: the cluster around a folded scope, if the other end is outside."""
    path = cards[card].path
    if groups[card].kind == "scope" and path and cards[other].path[: len(path)] != path:
        return path
    return card


def _text(edges: str | None, local_derivative: float, node: Value) -> str:
    if edges is None:
        return ""
    if edges == "local":
        return pictured(local_derivative)
    if not node.has_grad:
        return NO_GRAD
    # As in the backward pass a zero adjoint contributes zero, whatever it meets.
    return pictured(local_derivative * node.grad if node.grad else 0.0)
