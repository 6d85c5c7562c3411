"""A layered layout for directed acyclic graphs that keeps operands in their order.

Boxes stand in columns such that every edge runs forwards; an edge that passes a column has a slot
of its own in it, so no edge runs through a box. A cluster is laid out by itself and then takes part
in its surroundings as one box, so the rectangles of clusters are nested or disjoint. An edge may
also start or end at a cluster as a whole.
"""

import re
from collections.abc import Iterable, Sequence
from graphlib import CycleError
from itertools import groupby
from typing import NamedTuple

from .columns import Item, Level, Link, Path, Point, Ports, Rank, place_level, sorter

CLUSTER_PADDING = 20.0  # wide enough for the title above the content


class Box(NamedTuple):
    """A rectangle by its upper left corner and its size."""

    left: float
    top: float
    width: float
    height: float


class Layout(NamedTuple):
    """Where everything stands: a box a node, a polyline an edge, a box a cluster.

    Between two points of a route at different heights an edge is free to curve.
    """

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Point]]
    clusters: dict[Path, Box]


def layered_layout(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[Item, Item]],
    paths: Sequence[Path] | None = None,
    *,
    titles: Sequence[str] | None = None,
    rankdir: str = "LR",
) -> Layout:
    """Place boxes and route edges of a directed acyclic graph.

    Args:
        sizes: width and height of each box.
        edges: pairs (source, target) of box numbers, or of the path of a cluster that the other end
            is not in; parallel edges are allowed. The edges into one box arrive in the order given,
            from the top down (from the left for "TB").
        paths: for each box the names of the clusters around it, the outermost first.
        titles: names of boxes that stand for a scope, "" for other boxes. Of one column scopes
            such as neuron1, neuron2, folded or not, stand in the order of their numbers.
        rankdir: "LR" for edges that run to the right, "TB" for edges that run down.

    Returns:
        The layout. A cluster whose box would make an edge run backwards (a graph that leaves the
        cluster and comes back) is left out, and its content belongs to the surroundings.

    >>> layout = layered_layout([(40, 20), (40, 20)], [(0, 1)])
    >>> layout.routes
    [[(40.0, 10.0), (80.0, 10.0)]]
    """
    turned = rankdir == "TB"
    extents = [(float(h), float(w)) if turned else (float(w), float(h)) for w, h in sizes]
    chains, ends = _clusters_and_ends(paths or [()] * len(sizes), edges)
    links = _links_by_cluster(ends)
    members = _members_by_cluster(chains)
    extent: dict[Item, tuple[float, float]] = dict(enumerate(extents))
    leaving: dict[Item, list[int]] = {}
    arriving: dict[Item, list[int]] = {}
    for edge, (source, target) in enumerate(ends):
        leaving.setdefault(source.item, []).append(edge)
        arriving.setdefault(target.item, []).append(edge)
    ports = {
        item: _ports(height, leaving.get(item, ()), arriving.get(item, ()))
        for item, (_, height) in extent.items()
    }
    called: dict[Item, str] = dict(enumerate(titles or ()))
    called.update((path, path[-1]) for path in members if path)
    ranks = {item: rank for item, title in called.items() if (rank := _rank(title))}
    levels: dict[Path, Level] = {}
    for path in sorted(members, key=len, reverse=True):
        inside = {item: extent[item] for item in members[path]}
        level = place_level(inside, links.get(path, []), ports, ranks)
        levels[path] = level = _pad(level, _title_size(path, turned)) if path else level
        extent[path] = level.size
        own = _ports(level.size[1], leaving.get(path, ()), arriving.get(path, ()))
        for edge, route in level.routes.items():
            own.leaving[edge], own.arriving[edge] = route[-1][1], route[0][1]
        ports[path] = own
    layout = _assemble(levels, ends, extent, len(sizes))
    return _transpose(layout) if turned else layout


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text set in a sans-serif font, in the unit of the font size.

    >>> text_width("wide", 10) > text_width("ill", 10)
    True
    """
    units = 0.0
    for character in text:
        if character in " .,:;|!'()[]ijlft":
            units += 0.34
        elif character in "mwMW@%—" or ord(character) > 0x2E80:
            units += 1.0
        else:
            units += 0.68 if character.isupper() else 0.6
    return units * size


# --- clusters -------------------------------------------------------------------------------------


class _End(NamedTuple):
    """Where an edge starts or ends, and the clusters around that, the outermost first."""

    chain: list[Path]
    item: Item


def _clusters_and_ends(
    paths: Sequence[Path], edges: Sequence[tuple[Item, Item]]
) -> tuple[list[list[Path]], list[tuple[_End, _End]]]:
    """For each box the clusters around it, but none that makes a cycle; and the ends of edges."""
    chains = [[path[: depth + 1] for depth in range(len(path))] for path in paths]
    content: dict[Path, list[int]] = {}
    for box, chain in enumerate(chains):
        for path in chain:
            content.setdefault(path, []).append(box)
    while True:
        # In place of a cluster that is left out stands its first box, or its last as a target.
        ends = [
            (_end(source, chains, content, 0), _end(target, chains, content, -1))
            for source, target in edges
        ]
        cycle = _cycle_of_clusters(_links_by_cluster(ends).values())
        if not cycle:
            return chains, ends
        chains = [[path for path in chain if path not in cycle] for chain in chains]


def _end(
    item: Item, chains: Sequence[list[Path]], content: dict[Path, list[int]], stand_in: int
) -> _End:
    box = item if isinstance(item, int) else content[item][stand_in]
    chain = chains[box]
    if isinstance(item, int) or item not in chain:
        return _End(chain, box)
    return _End(chain[: chain.index(item)], item)


def _cycle_of_clusters(levels: Iterable[list[Link]]) -> list[Item]:
    try:
        for links in levels:
            sorter(links).prepare()
    except CycleError as error:
        return [item for item in error.args[1] if isinstance(item, tuple)]
    return []


def _links_by_cluster(ends: Sequence[tuple[_End, _End]]) -> dict[Path, list[Link]]:
    """Cut each edge at the borders of clusters: out of the source's, across, into the target's."""
    links: dict[Path, list[Link]] = {}
    for edge, (source, target) in enumerate(ends):
        out_of, around, into = _way(source, target)
        outwards: list[Item] = [*out_of, source.item]
        inwards: list[Item] = [*into, target.item]
        links.setdefault(around, []).append(Link(edge, source.item, outwards[0], inwards[0]))
        for path, item in zip(out_of, outwards[1:], strict=True):
            links.setdefault(path, []).append(Link(edge, source.item, item, None))
        for path, item in zip(into, inwards[1:], strict=True):
            links.setdefault(path, []).append(Link(edge, source.item, None, item))
    return links


def _way(source: _End, target: _End) -> tuple[list[Path], Path, list[Path]]:
    """The clusters around the source alone, the innermost around both, and around the target."""
    shared = sum(a == b for a, b in zip(source.chain, target.chain, strict=False))
    around = source.chain[shared - 1] if shared else ()
    return source.chain[shared:], around, target.chain[shared:]


def _ports(height: float, leaving: Sequence[int], arriving: Sequence[int]) -> Ports:
    """Edges leave an item at the middle and arrive in order, evenly spaced."""
    return Ports(
        dict.fromkeys(leaving, height / 2),
        {edge: height * slot / (len(arriving) + 1) for slot, edge in enumerate(arriving, 1)},
    )


def _members_by_cluster(chains: Sequence[list[Path]]) -> dict[Path, list[Item]]:
    members: dict[Path, dict[Item, None]] = {(): {}}
    for box, chain in enumerate(chains):
        inside: list[Item] = [*chain, box]
        for path, item in zip([(), *chain], inside, strict=True):
            members.setdefault(path, {})[item] = None
    return {path: list(items) for path, items in members.items()}


def _rank(title: str) -> Rank | None:
    match = re.fullmatch(r"(.*\D)(\d{1,9})", title)
    return (match[1], int(match[2])) if match else None


def _title_size(path: Path, turned: bool) -> tuple[float, float]:
    width = text_width(path[-1], 10.0) + CLUSTER_PADDING
    return (0.0, width) if turned else (width, 0.0)


def _pad(level: Level, smallest: tuple[float, float]) -> Level:
    """Leave room between the content of a cluster and its border."""

    def moved(point: Point) -> Point:
        return point[0] + CLUSTER_PADDING, point[1] + CLUSTER_PADDING

    return Level(
        (
            max(level.size[0] + 2 * CLUSTER_PADDING, smallest[0]),
            max(level.size[1] + 2 * CLUSTER_PADDING, smallest[1]),
        ),
        {item: moved(point) for item, point in level.positions.items()},
        {edge: [moved(point) for point in route] for edge, route in level.routes.items()},
    )


# --- putting the levels together ------------------------------------------------------------------


def _assemble(
    levels: dict[Path, Level],
    ends: Sequence[tuple[_End, _End]],
    extent: dict[Item, tuple[float, float]],
    number: int,
) -> Layout:
    corners: dict[Item, Point] = {(): (0.0, 0.0)}
    for path in reversed(levels):  # the outermost first
        left, top = corners[path]
        for item, (x, y) in levels[path].positions.items():
            corners[item] = (left + x, top + y)
    routes = []
    for edge, (source, target) in enumerate(ends):
        out_of, around, into = _way(source, target)
        route: list[Point] = []
        for path in (*out_of[::-1], around, *into):
            left, top = corners[path]
            route += [(left + x, top + y) for x, y in levels[path].routes[edge]]
        routes.append(_without_needless_points(route))
    width, height = levels[()].size
    boxes = [Box(*corners[box], *extent[box]) for box in range(number)]
    clusters = {path: Box(*corners[path], *extent[path]) for path in reversed(levels) if path}
    return Layout(width, height, boxes, routes, clusters)


def _without_needless_points(route: list[Point]) -> list[Point]:
    distinct = [point for point, _ in groupby(route)]
    kept = distinct[:1]
    for before, point, after in zip(distinct, distinct[1:], distinct[2:], strict=False):
        if not before[1] == point[1] == after[1]:
            kept.append(point)
    return [*kept, distinct[-1]]


def _transpose(layout: Layout) -> Layout:
    return Layout(
        layout.height,
        layout.width,
        [Box(b.top, b.left, b.height, b.width) for b in layout.boxes],
        [[(y, x) for x, y in route] for route in layout.routes],
        {path: Box(b.top, b.left, b.height, b.width) for path, b in layout.clusters.items()},
    )
