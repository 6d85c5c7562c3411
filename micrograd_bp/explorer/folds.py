"""A large graph folded for the page: the whole, and for each fold its inside.

The whole is folded as ``draw`` folds it. Inside of a fold stand its nodes, those of a scope in it
or many alike folded in turn, and around them the boxes from which and to which its arrows run.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..drawing.columns import Path
from ..drawing.folding import DOZEN, FOLD_ABOVE, Group, fold
from ..drawing.layout import Box, Layout, layered_layout
from ..drawing.palette import TIMES
from ..drawing.picture import Arrow, make_picture, names_of_many
from ..engine import Value
from ..text.names import clean, names_of, of_many, typeset
from .description import Node
from .graph_view import LEAD, Part, graph_view, size_of

MOST = 24  # cards inside of a fold, besides those around it
Classes = dict[tuple[str, ...], list[int]]


class Fold(NamedTuple):
    """A fold.

    Attributes:
        title: rich text.
        path: the scopes around it, the outermost first.
        nodes: by their place in the topological order.
        inside: its parts and those around it.
        places: where they stand: left, top, width and height.
        size: of its picture.
    """

    title: str
    path: Path
    nodes: list[int]
    inside: list[Part]
    places: list[Box]
    size: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """The fold for the page's script; a fold among its boxes has a number below 0."""
        refs = [part.nodes[0] if part.fold < 0 else -part.fold - 1 for part in self.inside]
        return {
            "title": self.title,
            "path": "".join(f"{name}/" for name in self.path),
            "nodes": self.nodes,
            "width": round(self.size[0]),
            "height": round(self.size[1]),
            "boxes": [
                [ref, *map(round, place)] for ref, place in zip(refs, self.places, strict=True)
            ],
        }


def graph_folded(order: Sequence[Value], nodes: Sequence[Node]) -> tuple[str, list[dict[str, Any]]]:
    """The picture of a graph, folded if it has more than 150 nodes, and the folds as JSON.

    Args:
        order: the nodes in topological order, the root last.
        nodes: what describes them.

    >>> from micrograd_bp import fsum, topological_order
    >>> from .description import describe
    >>> order = topological_order(fsum(Value(1.0, "x").exp() for _ in range(100)))
    >>> svg, folds = graph_folded(order, describe(order))
    >>> [fold["title"] for fold in folds][:2], len(folds[0]["nodes"])
    (['100 × x', '100 × exp'], 100)
    """
    if len(order) <= FOLD_ABOVE:
        parts = [Part([i], path=node.path) for i, node in enumerate(nodes)]
        arrows = [Arrow(p, i, "", 1) for i, node in enumerate(nodes) for p in node.parents]
        return graph_view(nodes, parts, arrows), []
    groups = fold(order, [order[-1]], None, [])
    folds = _Folds(order, nodes)
    parts = folds.parts_of(groups)
    arrows = make_picture(groups, {order[-1]: None}, None, "LR").arrows
    return graph_view(nodes, parts, arrows), [fold.to_json() for fold in folds.all]


class _Folds:
    def __init__(self, order: Sequence[Value], nodes: Sequence[Node]) -> None:
        self.order, self.nodes = order, nodes
        self.names = names_of(order)
        self.number = {node: i for i, node in enumerate(order)}
        self.consumers: list[list[int]] = [[] for _ in nodes]
        self.level = [0] * len(nodes)  # the longest way from a leaf
        for i, node in enumerate(nodes):
            for parent in node.parents:
                self.consumers[parent].append(i)
                self.level[i] = max(self.level[i], self.level[parent] + 1)
        self.all: list[Fold] = []

    def parts_of(self, groups: Sequence[Group]) -> list[Part]:
        """The parts of the whole; its folds, and those in them, are made."""
        titled = [
            (
                [self.number[node] for node in group.nodes],
                self.title(group),
                tuple(map(clean, group.path)),
            )
            for group in groups
        ]
        return self.with_folds([self.part(*each) for each in titled], [])

    def title(self, group: Group) -> str:
        """What a group is called, as rich text."""
        if group.kind != "alike":
            return typeset(clean(group.title))
        number, names = names_of_many(group, self.names)
        return f"{number} {TIMES} {' … '.join(name.rich for name in names)}"

    def part(self, members: list[int], title: str, path: Path) -> Part:
        """A node as such; several as a fold, which gets its number."""
        if len(members) == 1:
            return Part(members, path=path)
        self.all.append(Fold(title, path, members, [], [], (0.0, 0.0)))
        return Part(members, len(self.all) - 1, title, path)

    def with_folds(self, parts: list[Part], around: list[Part]) -> list[Part]:
        """The same parts, when the inside of each fold among them is known."""
        owner = {i: part for part in (*around, *parts) for i in part.nodes}
        for part in parts:
            if part.fold >= 0:
                self.open(part, owner)
        return parts

    def open(self, fold: Part, owner: dict[int, Part]) -> None:
        """Find the inside of a fold."""
        own = set(fold.nodes)
        ends = {p: None for i in fold.nodes for p in (*self.nodes[i].parents, *self.consumers[i])}
        around = list({owner[p].nodes[0]: owner[p] for p in ends if p not in own}.values())
        inside = [self.part(*each) for each in self.split(fold)]
        parts = [*inside, *around]
        arrows = self.arrows(parts, own)
        arriving = Counter(target for _, target in arrows)
        heights = [max(self.level[i] for i in part.nodes) for part in parts]
        layout = _placed(
            tuple(size_of(self.nodes, part, arriving[k]) for k, part in enumerate(parts)),
            tuple(k in arriving for k in range(len(parts))),
            tuple((s, t) for s, t in dict.fromkeys(arrows) if heights[s] < heights[t]),
            tuple("" if TIMES in part.title else part.title for part in parts),
        )
        self.all[fold.fold] = self.all[fold.fold]._replace(
            inside=parts, places=layout.boxes, size=(layout.width, layout.height)
        )
        self.with_folds(inside, around)

    def arrows(self, parts: Sequence[Part], own: set[int]) -> list[tuple[int, int]]:
        """From part to part: into a node one an operand, else one for all."""
        place = {i: k for k, part in enumerate(parts) for i in part.nodes}
        beyond = {i: None for p in own for i in self.consumers[p] if i not in own}
        arrows: dict[Hashable, tuple[int, int]] = {}
        for i in sorted((*own, *beyond)):
            target = place[i]
            for slot, p in enumerate(self.nodes[i].parents):
                if (i in own or p in own) and place[p] != target:
                    one = (i, slot) if parts[target].fold < 0 else (place[p], target, "all")
                    arrows.setdefault(one, (place[p], target))
        return [*arrows.values()]

    def split(self, fold: Part) -> Iterator[tuple[list[int], str, Path]]:
        """What a fold consists of: its scopes, then what is alike, then nodes one by one."""
        path = (*fold.path, fold.title)
        paths = [self.nodes[i].path for i in fold.nodes]
        shared = next((k for k, names in enumerate(zip(*paths)) if len({*names}) > 1), None)
        depth = min(map(len, paths)) if shared is None else shared
        by_scope, by_kind = Classes(), Classes()
        for i in fold.nodes:
            by_scope.setdefault(self.nodes[i].path[depth : depth + 1], []).append(i)
            by_kind.setdefault((self.nodes[i].operation, self.letters(i)), []).append(i)
        pieces: list[tuple[list[int], str]] = []
        for key, members in (by_scope if len(by_scope) > 1 else by_kind).items():
            if len(by_scope) > 1 and key:
                pieces.append((members, clean(f"{key[0]}")))
            elif len(members) <= DOZEN or len(members) == len(fold.nodes):
                pieces += [([i], self.nodes[i].name) for i in members]
            else:
                node = self.order[members[0]]
                name = self.nodes[members[0]].symbol or "leaf"
                if node in self.names:
                    name = of_many(node, self.names[node]).rich
                pieces.append((members, f"{len(members)} {TIMES} {name}"))
        step = 1 if len(pieces) <= MOST else max(MOST, -(-len(pieces) // MOST))
        for first in range(0, len(pieces), step):
            some = pieces[first : first + step]
            title = some[0][1] if len(some) == 1 else f"{some[0][1]} … {some[-1][1]}"
            yield [i for members, _ in some for i in members], title, path

    def letters(self, i: int) -> str:
        """The label of a node without its index."""
        return self.order[i].label.rstrip("0123456789_,")


@lru_cache(maxsize=64)  # neurons of a layer are alike
def _placed(
    sizes: Sequence[tuple[float, float]],
    has_lead: Sequence[bool],
    edges: Sequence[tuple[int, int]],
    titles: Sequence[str],
) -> Layout:
    """Where cards stand; before those into which arrows run there is room for numbers."""
    leads = [LEAD if lead else 0.0 for lead in has_lead]
    layout = layered_layout(
        [(width + lead, height) for (width, height), lead in zip(sizes, leads, strict=True)],
        edges,
        titles=titles,
    )
    boxes = [
        box._replace(left=box.left + lead, width=box.width - lead)
        for box, lead in zip(layout.boxes, leads, strict=True)
    ]
    return layout._replace(boxes=boxes)
