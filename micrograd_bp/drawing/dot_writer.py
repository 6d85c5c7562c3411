"""A picture of a computation graph as DOT source, for Graphviz."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from math import ceil

from ..text.names import plain
from .columns import Item, Path
from .layout import text_width
from .palette import FONT, GREY, INK, PALE, RED, SMALL, TEXT, TITLE, WHITE, Swatch
from .picture import Arrow, Card, Picture

# Bold type is wider. In the middle, dot places it where it starts in a font of its own machine,
# and a wider one runs over on the right only: the width has room for that on both sides.
BOLD, BOLD_IN_THE_MIDDLE = 1.15, 1.3


def write_dot(picture: Picture) -> str:
    """DOT source, the same bytes for the same picture."""
    tree = _ScopeTree(picture)
    lines = [
        "digraph {",
        f'  graph [rankdir={picture.rankdir}, compound=true, bgcolor="{WHITE}", fontname="{FONT}",'
        f' fontsize={SMALL}, fontcolor="{GREY}", nodesep=0.14, ranksep=0.4];',
        f'  node [shape=box, margin="0.08,0.04", fontname="{FONT}", fontsize={TEXT},'
        f' fontcolor="{INK}"];',
        f'  edge [arrowsize=0.6, color="{GREY}", fontname="{FONT}", fontsize={SMALL},'
        f' fontcolor="{INK}"];',
        *tree.lines(),
    ]
    for number, arrow in enumerate(picture.arrows):
        lines += _dot_arrow(arrow, number, tree)
    if picture.legend:
        lines += [f"  label=<{dot_legend(picture.legend)}>;", "  labelloc=b;", "  labeljust=l;"]
    return "\n".join([*lines, "}", ""])


def dot_text(text: str) -> str:
    """Text inside one of DOT's HTML-like labels, where a backslash would be an escape.

    >>> print(dot_text("a<b"))
    a&lt;b
    """
    return escape(text).replace("\\", "\\\\")


def dot_table(rows: Iterable[str]) -> str:
    """A table without lines, of rows that are HTML-like already."""
    return f'<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>'


def dot_width(text: str, size: float, slack: float = 1.0) -> str:
    """The least width of a cell that holds a text, as an attribute.

    dot makes a cell as wide as its text is in a font of the machine that it runs on, and places the
    text by that width. Where the picture is read, the font may be another: DejaVu Sans is 15
    percent wider than Helvetica. So the width is that of a wide font, on every machine.

    >>> dot_width("grad", 10)
    ' WIDTH="24"'
    """
    return f' WIDTH="{ceil(text_width(text, size) * slack)}"'


def dot_legend(legend: Sequence[tuple[str, Sequence[Swatch]]]) -> str:
    """The lines of a legend, a table each."""
    tables = []
    for title, swatches in legend:
        cells = [f'<TD ALIGN="LEFT"{dot_width(title + "  ", SMALL)}>{dot_text(title)}</TD>']
        for swatch in swatches:
            colours = f' BGCOLOR="{swatch.fill}" COLOR="{PALE}"' if swatch.fill else ""
            border = 1 if swatch.fill else 0
            cells.append(
                f'<TD BORDER="{border}"{colours} ALIGN="LEFT"'
                f'{dot_width(f"  {swatch.text}  ", SMALL)}><FONT COLOR="{INK}">&#160;'
                f"{dot_text(swatch.text)}&#160;</FONT></TD>"
            )
        table = dot_table([f"<TR>{''.join(cells)}</TR>"])
        tables.append(f'<TR><TD ALIGN="LEFT">{table}</TD></TR>')
    return dot_table(tables)


class _ScopeTree:
    """The cards by scope, and where the arrows cross the borders of scopes.

    dot leads an arrow around a scope until it is beside the arrow's head. So an arrow into a scope
    gets a point of its own in the column of the operands that belong to the scope: there it enters,
    and there the operands stand in their order.
    """

    def __init__(self, picture: Picture) -> None:
        self.cards, self.rankdir = picture.cards, picture.rankdir
        self.entries: dict[int, Path] = {}  # the scope that an arrow, by its number, enters
        self.columns: dict[Path, list[list[str]]] = {}  # what stands one below the other
        arriving: dict[int, list[int]] = {}
        first_consumers: dict[Item, Item] = {}
        for number, arrow in enumerate(picture.arrows):
            first_consumers.setdefault(arrow.source, arrow.target)
            if isinstance(arrow.target, int):
                arriving.setdefault(arrow.target, []).append(number)
        for consumer, numbers in arriving.items():
            self._add_operands(picture.arrows, consumer, numbers, first_consumers, arriving)
        self._add_stacks(picture.arrows)
        self._add_leaving(picture.arrows)
        self.members: dict[Path, dict[int | Path, None]] = {(): {}}
        for i, card in enumerate(self.cards):
            for depth in range(len(card.path)):
                self.members.setdefault(card.path[:depth], {})[card.path[: depth + 1]] = None
            self.members.setdefault(card.path, {})[i] = None
        self.cluster = {path: f"cluster_{i}" for i, path in enumerate(self.members)}

    def _add_operands(
        self,
        arrows: Sequence[Arrow],
        consumer: int,
        numbers: Sequence[int],
        first_consumers: dict[Item, Item],
        arriving: dict[int, list[int]],
    ) -> None:
        path = self.cards[consumer].path
        own: dict[int, None] = {}
        entering: list[int] = []
        column: dict[str, None] = {}
        for number in numbers:
            source = arrows[number].source
            if arrows[number].is_back:
                continue
            if not isinstance(source, int) or self.cards[source].path[: len(path)] != path:
                entering.append(number)
                column[f"e{number}"] = None
            elif (
                first_consumers[source] == consumer
                and source not in arriving
                and self.cards[source].path == path
            ):
                own[source] = None
                column[f"n{source}"] = None
        if own and path:
            self.entries.update(dict.fromkeys(entering, path))
            self.columns.setdefault(path, []).append(list(column))

    def _add_stacks(self, arrows: Sequence[Arrow]) -> None:
        """Folded scopes side by side in a cluster stand in one column."""
        bound: set[Item] = set()
        for arrow in arrows:
            if self._path(arrow.source) == self._path(arrow.target):
                bound.update((arrow.source, arrow.target))
        stacks: dict[Path, list[str]] = {}
        for i, card in enumerate(self.cards):
            if card.kind == "folded" and card.path and i not in bound:
                stacks.setdefault(card.path, []).append(f"n{i}")
        for path, stack in stacks.items():
            self.columns.setdefault(path, []).append(stack)

    def _add_leaving(self, arrows: Sequence[Arrow]) -> None:
        self.leaving: dict[Path, int] = {}
        for arrow in arrows:
            if isinstance(arrow.source, int):
                path = self.cards[arrow.source].path
                around = self._path(arrow.target)
                for depth in range(1, len(path) + 1):
                    if around[:depth] != path[:depth]:
                        self.leaving.setdefault(path[:depth], arrow.source)

    def _path(self, end: Item) -> Path:
        return self.cards[end].path if isinstance(end, int) else end

    def inside(self, path: Path, is_source: bool) -> int:
        """A card that stands for a cluster: one that an arrow leaves from, or near the middle."""
        if is_source and path in self.leaving:
            return self.leaving[path]
        cards = [i for i, card in enumerate(self.cards) if card.path[: len(path)] == path]
        return cards[len(cards) // 2]

    def lines(self) -> list[str]:
        """The cards, those of a scope inside its cluster, and the columns."""
        entering: dict[Path, list[int]] = {}
        for number, path in self.entries.items():
            entering.setdefault(path, []).append(number)
        lines: list[str] = []
        stack: list[int | Path | str] = list(reversed(self.members[()]))
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                lines.append(item)
            elif isinstance(item, int):
                lines.append(f"  n{item} {_dot_card(self.cards[item])};")
            else:
                lines.append(f"  subgraph {self.cluster[item]} {{")
                lines.append(
                    f'  graph [label=<{dot_text(item[-1])}>, style=rounded, color="{PALE}"];'
                )
                lines += [
                    f'  e{number} [shape=point, width=0.01, color="{GREY}"];'
                    for number in entering.get(item, ())
                ]
                columns = [
                    _dot_column(column, self.rankdir) for column in self.columns.get(item, ())
                ]
                stack += ["  }", *columns, *reversed(self.members[item])]
        return lines


def _dot_column(names: Sequence[str], rankdir: str) -> str:
    # Of the two ends of an edge within a rank dot puts the tail first, counted from below for LR.
    ordered = names if rankdir == "TB" else names[::-1]
    order = "".join(f" {a} -> {b} [style=invis, minlen=0];" for a, b in pairwise(ordered))
    return f"  {{ rank=same; {'; '.join(names)};{order} }}"


def _dot_card(card: Card) -> str:
    styles = ["filled"]
    styles += ["rounded"] * (card.kind == "operation") + ["dashed"] * (card.kind == "constant")
    rows = [_dot_title(card)]
    if card.warning:
        width = dot_width(card.warning, TITLE, BOLD_IN_THE_MIDDLE)
        warning = f'<FONT COLOR="{RED}"><B>{card.warning}</B></FONT>'
        rows.append(f'<TR><TD COLSPAN="2"{width}>{warning}</TD></TR>')
    rows += [
        f'<TR><TD ALIGN="LEFT"{dot_width(f"{name}  ", TEXT)}>{name}&#160;</TD>'
        f'<TD ALIGN="RIGHT"{dot_width(f"{text}  ", TEXT)}>{text}&#160;</TD></TR>'
        for name, text in card.rows
    ]
    border = f'color="{RED}", penwidth=2.5' if card.warning else f'color="{INK}"'
    shape = ', shape=box3d, margin="0.1,0.07"' if card.kind == "folded" else ""
    return (
        f'[label=<{dot_table(rows)}>, style="{",".join(styles)}", fillcolor="{card.fill}",'
        f" {border}, peripheries={1 + card.is_root}{shape}]"
    )


def _dot_title(card: Card) -> str:
    """A name in the middle, or a name and a note side by side."""
    name = plain(card.title)
    title = f'<FONT POINT-SIZE="{TITLE}"><B>{dot_text(name)}</B></FONT>'
    if not card.note:
        width = dot_width(name, TITLE, BOLD_IN_THE_MIDDLE)
        return f'<TR><TD COLSPAN="2"{width}>{title}</TD></TR>'
    width = dot_width(name, TITLE, BOLD)
    note = f'<FONT COLOR="{INK}">{dot_text(card.note)}</FONT>'
    both = (  # between empty cells, which take up their share of a wider card
        f'<TR><TD></TD><TD ALIGN="LEFT"{width}>{title}</TD>'
        f'<TD ALIGN="LEFT"{dot_width(card.note, TEXT)}>{note}</TD><TD></TD></TR>'
    )
    return f'<TR><TD COLSPAN="2">{dot_table([both])}</TD></TR>'


def _dot_arrow(arrow: Arrow, number: int, tree: _ScopeTree) -> list[str]:
    attributes = ["dir=back", "style=dashed"] if arrow.is_back else []
    ends = []
    tail, head = (arrow.target, arrow.source) if arrow.is_back else (arrow.source, arrow.target)
    for end, side in ((tail, "ltail"), (head, "lhead")):
        if isinstance(end, int):
            ends.append(f"n{end}")
        else:
            ends.append(f"n{tree.inside(end, is_source=side == 'ltail')}")
            attributes.append(f"{side}={tree.cluster[end]}")
    if arrow.width != 1:
        attributes.append(f"penwidth={arrow.width:g}")
    label = [f"label=<{_dot_number(arrow)}>"] if arrow.text else []
    if number not in tree.entries:
        return [_dot_edge(ends[0], ends[1], [*attributes, *label])]
    point = f"e{number}"
    return [
        _dot_edge(ends[0], point, [*attributes, "arrowhead=none"]),
        _dot_edge(point, ends[1], [a for a in attributes if "penwidth" in a] + label),
    ]


def _dot_number(arrow: Arrow) -> str:
    """The text on an arrow, clear of its line if that is thick."""
    text = f"&#160;{dot_text(arrow.text)}&#160;"
    if arrow.width < 2:
        return text
    return f'<TABLE BORDER="0" CELLPADDING="3"><TR><TD>{text}</TD></TR></TABLE>'


def _dot_edge(source: str, target: str, attributes: Sequence[str]) -> str:
    listed = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {source} -> {target}{listed};"
