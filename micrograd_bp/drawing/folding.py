"""Large graphs folded: the nodes of a scope, of a long sum, or all alike, become one box.

Scopes fold first. What is then left outside of folded scopes folds where it repeats itself: a run
of one operation, such as a sum written with many +, is a chain; nodes that the same operation makes
of the same kinds of operands, and that have the same kinds of consumers, are alike: the losses of
the points of a data set, for example. Alike nodes are at one height above the leaves, so that the
folded graph has no cycles but those that scopes make which are left and entered again.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar

from ..engine import Value
from ..text.names import scope_path
from .columns import Path
from .palette import TIMES

T = TypeVar("T")

FOLD_ABOVE = 150  # nodes: what fits on a page
DOZEN = 12  # so many scopes side by side, or names of alike nodes, are shown
FEW = 3  # so many alike nodes are shown one by one


class Group(NamedTuple):
    """Nodes that share a box.

    Attributes:
        nodes: the nodes in topological order.
        kind: "node" for one that stands for itself.
        title: what to call the group.
        path: the scopes around it, the outermost first.
    """

    nodes: list[Value]
    kind: Literal["node", "scope", "chain", "alike"]
    title: str
    path: Path


def fold(
    order: Sequence[Value], roots: Iterable[Value], depth: int | None, opened: Iterable[str]
) -> list[Group]:
    """Fold a graph until it can be read.

    Args:
        order: the nodes in topological order.
        roots: those that stay visible.
        depth: how many levels of scopes to open; by default all of them in a graph of at most 150
            nodes, else as many as keep the picture at about so many boxes, but the innermost.
        opened: scopes to open, with those around them. Up to a dozen nodes that are alike are
            shown one by one there, elsewhere three.

    Returns:
        The groups in topological order, as far as scopes allow that.

    >>> from micrograd_bp import fsum, topological_order
    >>> root = fsum(Value(1.0, label="x").exp() for _ in range(200))
    >>> groups = fold(topological_order(root), [root], None, [])
    >>> [(group.title, len(group.nodes)) for group in groups]
    [('200 × x', 200), ('200 × exp', 200), ('', 1)]
    """
    graph = _Graph(order, roots)
    open_paths = {scope_path(scope) for scope in opened}
    deepest = max(map(len, graph.scopes.values()))
    large = len(order) > FOLD_ABOVE
    if depth is not None:
        depths = [depth]
    else:
        depths = list(range(deepest - 1, -1, -1)) if large and deepest else [deepest]
    for levels in depths:
        boxes = _fold_scopes(graph, levels, open_paths)
        if large:
            boxes = _fold_alike(graph, boxes, open_paths)
        if len(boxes) <= FOLD_ABOVE:
            break
    return [box.group(graph.order) for box in _sorted(graph, boxes)]


class _Graph:
    """The nodes by number."""

    def __init__(self, order: Sequence[Value], roots: Iterable[Value]) -> None:
        self.order = order
        number = {node: i for i, node in enumerate(order)}
        self.roots = [number[root] for root in roots]
        self.parents = [tuple(number[p] for p in dict.fromkeys(node.parents)) for node in order]
        self.scopes = {scope: scope_path(scope) for scope in {node.scope: None for node in order}}
        self.paths = [self.scopes[node.scope] for node in order]
        self.operations = [node.operation.name if node.operation else "leaf" for node in order]
        # The only consumer of a node; -1 for none or several.
        self.only_consumer = [-1] * len(order)
        seen = [False] * len(order)
        for i, parents in enumerate(self.parents):
            for p in parents:
                self.only_consumer[p] = -1 if seen[p] else i
                seen[p] = True


class _Box(NamedTuple):
    numbers: list[int]
    kind: Literal["node", "scope", "chain", "alike"]
    title: str
    path: Path

    def group(self, order: Sequence[Value]) -> Group:
        return Group([order[i] for i in self.numbers], self.kind, self.title, self.path)


def _sorted(graph: _Graph, boxes: list[_Box]) -> list[_Box]:
    """Boxes after what they are made of, depth first from the roots."""
    box_of = {i: b for b, box in enumerate(boxes) for i in box.numbers}
    parents: list[dict[int, None]] = [{} for _ in boxes]
    for i, numbers in enumerate(graph.parents):
        parents[box_of[i]].update((box_of[p], None) for p in numbers)
    visited: set[int] = set()
    result: list[_Box] = []
    for root in graph.roots:
        stack = [] if box_of[root] in visited else [(box_of[root], iter(parents[box_of[root]]))]
        visited.add(box_of[root])
        while stack:
            box, unvisited = stack[-1]
            new = next((p for p in unvisited if p not in visited), None)
            if new is None:
                result.append(boxes[box])
                stack.pop()
            else:
                visited.add(new)
                stack.append((new, iter(parents[new])))
    return result


# --- scopes ---------------------------------------------------------------------------------------


def _fold_scopes(graph: _Graph, depth: int, opened: set[Path]) -> list[_Box]:
    """A box for each scope that is not open, one for each other node."""
    unfolded = {path[:i] for path in opened for i in range(len(path) + 1)}

    def folded(path: Path) -> Path | None:
        for length in range(depth + 1, len(path) + 1):
            if path[:length] not in unfolded:
                return path[:length]
        return None

    folded_scopes = {path: folded(path) for path in graph.scopes.values()}
    members: dict[Path, list[int]] = {}
    boxes: list[_Box] = []
    for i, path in enumerate(graph.paths):
        closed = folded_scopes[path]
        if closed is None:
            boxes.append(_Box([i], "node", "", path))
        else:
            members.setdefault(closed, []).append(i)
    siblings: dict[Path, list[Path]] = {}
    for path in members:
        siblings.setdefault(path[:-1], []).append(path)
    for around, paths in siblings.items():
        shown, more = elide(paths)
        boxes += [_Box(members[path], "scope", path[-1], around) for path in shown]
        if more:
            rest = sorted(i for path in more for i in members[path])
            boxes.append(_Box(rest, "scope", f"… {len(more)} more", around))
    return boxes


def elide(things: Sequence[T]) -> tuple[list[T], list[T]]:
    """At most a dozen things to show, the last among them, and the others.

    >>> elide(range(15))
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14], [11, 12, 13])
    """
    if len(things) <= DOZEN:
        return list(things), []
    return [*things[: DOZEN - 1], things[-1]], list(things[DOZEN - 1 : -1])


# --- what repeats itself --------------------------------------------------------------------------


def _fold_alike(graph: _Graph, boxes: list[_Box], opened: set[Path]) -> list[_Box]:
    """Fold chains and alike nodes; if that is not enough, chains of different operations too."""
    fixed = [box for box in boxes if box.kind == "scope"]
    loose = [i for box in boxes if box.kind == "node" for i in box.numbers]
    result = boxes
    for continues in (_continues_operation, _continues_run):
        chains = _chains(graph, loose, continues)
        result = [*fixed, *_alike(graph, fixed, chains, opened)]
        if len(result) <= FOLD_ABOVE:
            break
    return result


def _continues_operation(graph: _Graph, parent: int, node: int) -> bool:
    return graph.operations[parent] == graph.operations[node]


def _continues_run(graph: _Graph, parent: int, node: int) -> bool:
    """Whether all the other operands of the node are leaves."""
    return all(p == parent or not graph.parents[p] for p in graph.parents[node])


def _chains(
    graph: _Graph, loose: Iterable[int], continues: Callable[[_Graph, int, int], bool]
) -> list[list[int]]:
    """The loose nodes, those of a chain together, the chains in the order of their last nodes."""
    loose = dict.fromkeys(loose)
    last: dict[int, int] = {}
    roots = set(graph.roots)
    for i in sorted(loose, reverse=True):
        after = graph.only_consumer[i]
        belongs = (
            after in loose
            and i not in roots
            and graph.parents[i]
            and graph.paths[i] == graph.paths[after]
            and continues(graph, i, after)
        )
        last[i] = last[after] if belongs else i
    chains: dict[int, list[int]] = {}
    for i in sorted(loose):
        chains.setdefault(last[i], []).append(i)
    long = [chain for chain in chains.values() if len(chain) > FEW]
    short = [[i] for chain in chains.values() if len(chain) <= FEW for i in chain]
    return sorted(long + short, key=lambda chain: chain[-1])


def _alike(
    graph: _Graph, fixed: list[_Box], chains: list[list[int]], opened: set[Path]
) -> list[_Box]:
    """Join chains and single nodes that are made alike and used alike."""
    kinds = _kinds_by_operands(graph, fixed, chains)
    used_by: dict[int, set[Hashable]] = {}
    for box in fixed:
        for i in box.numbers:
            for p in graph.parents[i]:
                used_by.setdefault(p, set()).add(kinds[i])
    numbers: dict[Hashable, int] = {}
    classes: dict[int, list[list[int]]] = {}
    for chain in reversed(chains):
        key = kinds[chain[-1]], frozenset(used_by.get(chain[-1], ()))
        number = numbers.setdefault(key, len(numbers))
        classes.setdefault(number, []).append(chain)
        for p in _operands(graph, chain):
            used_by.setdefault(p, set()).add(("class", number))
    boxes: list[_Box] = []
    for alike in reversed(classes.values()):
        few = DOZEN if graph.paths[alike[0][-1]] in opened else FEW
        parts = _split_by_name(graph, alike[::-1]) if len(alike) > few else [alike[::-1]]
        for part in parts:
            boxes += _boxes_of(graph, part, few)
    return boxes


def _kinds_by_operands(graph: _Graph, fixed: list[_Box], chains: list[list[int]]) -> dict[int, int]:
    """A number for each node, the same for those that one operation makes of alike operands."""
    numbers: dict[Hashable, int] = {}
    kinds: dict[int, int] = {}
    for box in fixed:
        # To those outside the scopes folded side by side in one scope are alike.
        number = numbers.setdefault(box.path or box.title, len(numbers))
        kinds.update(dict.fromkeys(box.numbers, number))
    roots = set(graph.roots)
    for chain in chains:
        last = chain[-1]
        operands = frozenset(kinds[p] for p in _operands(graph, chain))
        key = (graph.operations[last], graph.paths[last], len(chain) > 1, operands)
        number = numbers.setdefault(("root", last) if last in roots else key, len(numbers))
        kinds.update(dict.fromkeys(chain, number))
    return kinds


def _operands(graph: _Graph, chain: list[int]) -> Iterator[int]:
    """What a chain is made of: the operands of its nodes but those of the chain itself."""
    own = set(chain)
    return (p for i in chain for p in graph.parents[i] if p not in own)


def _split_by_name(graph: _Graph, alike: list[list[int]]) -> Iterator[list[list[int]]]:
    """By the letters of the labels, then by the labels, unless there are more than a dozen."""
    for part in _split(alike, lambda chain: _letters(graph.order[chain[-1]].label)):
        yield from _split(part, lambda chain: graph.order[chain[-1]].label)


def _split(chains: list[list[int]], name: Callable[[list[int]], str]) -> Iterable[list[list[int]]]:
    parts: dict[str, list[list[int]]] = {}
    for chain in chains:
        parts.setdefault(name(chain), []).append(chain)
    return parts.values() if len(parts) <= DOZEN else [chains]


def _letters(label: str) -> str:
    return label.rstrip("0123456789_,")


def _boxes_of(graph: _Graph, alike: list[list[int]], few: int) -> list[_Box]:
    path = graph.paths[alike[0][-1]]
    if len(alike) > few:
        title = f"{len(alike)} {TIMES} {_name(graph, alike)}"
        return [_Box(sorted(i for chain in alike for i in chain), "alike", title, path)]
    return [
        _Box(chain, "chain", _chain_title(graph, chain), path)
        if len(chain) > 1
        else _Box(chain, "node", "", path)
        for chain in alike
    ]


def _name(graph: _Graph, alike: list[list[int]]) -> str:
    first, last = (graph.order[chain[-1]] for chain in (alike[0], alike[-1]))
    if first.label and last.label:
        return first.label if first.label == last.label else f"{first.label} … {last.label}"
    if len(alike[0]) > 1:
        return _chain_title(graph, alike[0])
    return first.operation.symbol if first.operation else "leaf"


def _chain_title(graph: _Graph, chain: list[int]) -> str:
    operations = {graph.operations[i] for i in chain}
    own = set(chain)
    operands = sum(len(graph.order[i].parents) for i in chain) - len(own) + 1
    if operations == {"add"}:
        return f"sum of {operands} terms"
    if operations == {"mul"}:
        return f"product of {operands} factors"
    if len(operations) == 1:
        operation = graph.order[chain[0]].operation
        return f"{len(chain)} {TIMES} {operation.symbol if operation else ''} in a row"
    return f"{len(chain)} operations in a row"
