"""A layered layout for directed acyclic graphs, for when Graphviz is not at hand.

Boxes stand in columns such that every edge runs forwards; an edge that passes a column has a slot
of its own in it, so no edge runs through a box. A cluster is laid out by itself and then takes part
in its surroundings as one box, so the rectangles of clusters are nested or disjoint. The steps
(layers by longest path, dummies for long edges, ordering by barycentres, coordinates) are those of
Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures"
(1981).
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

Point = tuple[float, float]
Path = tuple[str, ...]
Item = int | Path  # a box by its number, or a cluster by its path

BOX_GAP = 16.0  # between neighbours in a column
EDGE_GAP = 9.0  # between an edge and its neighbour in a column
COLUMN_GAP = 36.0
CLUSTER_PADDING = 20.0  # wide enough for the title above the content
SWEEPS = 8  # back and forth over the columns, to improve on order and heights
MAX_STEPS = 500_000  # of all sweeps together: fewer sweeps over a very large graph


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


class _Link(NamedTuple):
    """The part of an edge inside one cluster; an end that is None lies outside the cluster."""

    edge: int
    trunk: int  # the box where the edge starts: edges of one trunk share their dummies
    source: Item | None
    target: Item | None


class _Ports(NamedTuple):
    """The heights, from the top of an item, at which edges leave it and arrive."""

    leaving: dict[int, float]
    arriving: dict[int, float]


class _Level(NamedTuple):
    """One cluster laid out, in its own coordinates."""

    size: tuple[float, float]
    positions: dict[Item, Point]
    routes: dict[int, list[Point]]


def layered_layout(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    paths: Sequence[Path] | None = None,
    *,
    rankdir: str = "LR",
) -> Layout:
    """Place boxes and route edges of a directed acyclic graph.

    Args:
        sizes: width and height of each box.
        edges: pairs (source, target) of box numbers; parallel edges are allowed. The edges into one
            box arrive in the order given, from the top down (from the left for "TB").
        paths: for each box the names of the clusters around it, the outermost first.
        rankdir: "LR" for edges that run to the right, "TB" for edges that run down.

    Returns:
        The layout. A cluster whose box would make an edge run backwards (a graph that leaves the
        cluster and comes back) is left out, and its content belongs to the surroundings.

    >>> layout = layered_layout([(40, 20), (40, 20)], [(0, 1)])
    >>> layout.routes
    [[(40.0, 10.0), (76.0, 10.0)]]
    """
    turned = rankdir == "TB"
    extents = [(float(h), float(w)) if turned else (float(w), float(h)) for w, h in sizes]
    chains = _enclosing_clusters(paths or [()] * len(sizes), edges)
    links = _links_by_cluster(chains, edges)
    members = _members_by_cluster(chains)
    ports: dict[Item, _Ports] = dict(enumerate(_box_ports(extents, edges)))
    extent: dict[Item, tuple[float, float]] = dict(enumerate(extents))
    levels: dict[Path, _Level] = {}
    for path in sorted(members, key=len, reverse=True):
        level = _place({item: extent[item] for item in members[path]}, links.get(path, []), ports)
        levels[path] = level = _pad(level, _title_size(path, turned)) if path else level
        extent[path] = level.size
        ports[path] = _Ports(
            {edge: route[-1][1] for edge, route in level.routes.items()},
            {edge: route[0][1] for edge, route in level.routes.items()},
        )
    layout = _assemble(levels, chains, edges, extent)
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


def _enclosing_clusters(
    paths: Sequence[Path], edges: Sequence[tuple[int, int]]
) -> list[list[Path]]:
    """For each box the clusters around it, the outermost first, but none that makes a cycle."""
    chains = [[path[: depth + 1] for depth in range(len(path))] for path in paths]
    while True:
        cycle = _cycle_of_clusters(_links_by_cluster(chains, edges).values())
        if not cycle:
            return chains
        chains = [[path for path in chain if path not in cycle] for chain in chains]


def _cycle_of_clusters(levels: Iterable[list[_Link]]) -> list[Item]:
    try:
        for links in levels:
            _sorter(links).prepare()
    except CycleError as error:
        return [item for item in error.args[1] if isinstance(item, tuple)]
    return []


def _sorter(links: list[_Link]) -> TopologicalSorter[Item]:
    sorter: TopologicalSorter[Item] = TopologicalSorter()
    for link in links:
        if link.source is not None and link.target is not None:
            sorter.add(link.target, link.source)
    return sorter


def _links_by_cluster(
    chains: Sequence[list[Path]], edges: Sequence[tuple[int, int]]
) -> dict[Path, list[_Link]]:
    """Cut each edge at the borders of clusters: out of the source's, across, into the target's."""
    links: dict[Path, list[_Link]] = {}
    for edge, (source, target) in enumerate(edges):
        shared = _shared(chains[source], chains[target])
        around = chains[source][shared - 1] if shared else ()
        outwards: list[Item] = [*chains[source][shared:], source]
        inwards: list[Item] = [*chains[target][shared:], target]
        links.setdefault(around, []).append(_Link(edge, source, outwards[0], inwards[0]))
        for path, item in zip(chains[source][shared:], outwards[1:], strict=True):
            links.setdefault(path, []).append(_Link(edge, source, item, None))
        for path, item in zip(chains[target][shared:], inwards[1:], strict=True):
            links.setdefault(path, []).append(_Link(edge, source, None, item))
    return links


def _shared(chain: list[Path], other: list[Path]) -> int:
    """How many clusters enclose both of two boxes."""
    return sum(path == another for path, another in zip(chain, other, strict=False))


def _members_by_cluster(chains: Sequence[list[Path]]) -> dict[Path, list[Item]]:
    members: dict[Path, dict[Item, None]] = {(): {}}
    for box, chain in enumerate(chains):
        inside: list[Item] = [*chain, box]
        for path, item in zip([(), *chain], inside, strict=True):
            members.setdefault(path, {})[item] = None
    return {path: list(items) for path, items in members.items()}


def _title_size(path: Path, turned: bool) -> tuple[float, float]:
    width = text_width(path[-1], 10.0) + CLUSTER_PADDING
    return (0.0, width) if turned else (width, 0.0)


def _pad(level: _Level, smallest: tuple[float, float]) -> _Level:
    """Leave room between the content of a cluster and its border."""

    def moved(point: Point) -> Point:
        return point[0] + CLUSTER_PADDING, point[1] + CLUSTER_PADDING

    return _Level(
        (
            max(level.size[0] + 2 * CLUSTER_PADDING, smallest[0]),
            max(level.size[1] + 2 * CLUSTER_PADDING, smallest[1]),
        ),
        {item: moved(point) for item, point in level.positions.items()},
        {edge: [moved(point) for point in route] for edge, route in level.routes.items()},
    )


# --- one level ------------------------------------------------------------------------------------


def _box_ports(
    extents: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]
) -> list[_Ports]:
    """Edges leave a box at the middle and arrive in order, evenly spaced."""
    arriving: list[list[int]] = [[] for _ in extents]
    leaving: list[list[int]] = [[] for _ in extents]
    for edge, (source, target) in enumerate(edges):
        leaving[source].append(edge)
        arriving[target].append(edge)
    return [
        _Ports(
            dict.fromkeys(leaving[box], height / 2),
            {
                edge: height * (slot + 1) / (len(arriving[box]) + 1)
                for slot, edge in enumerate(arriving[box])
            },
        )
        for box, (_, height) in enumerate(extents)
    ]


class _Grid:
    """The entries of one level (items, then dummies, by number) in columns, and their joints.

    A joint (a, height in a, b, height in b) joins entries of neighbouring columns.
    """

    def __init__(
        self,
        extents: dict[Item, tuple[float, float]],
        links: list[_Link],
        ports: dict[Item, _Ports],
    ) -> None:
        self.items = {item: entry for entry, item in enumerate(extents)}
        self.widths = [width for width, _ in extents.values()]
        self.heights = [height for _, height in extents.values()]
        self.column_of = _longest_paths(self.items, links)
        self.columns: list[list[int]] = [[] for _ in range(max(self.column_of) + 1)]
        for entry, column in enumerate(self.column_of):
            self.columns[column].append(entry)
        self.joints: dict[tuple[int, float, int, float], None] = {}
        self.dummies: dict[tuple[int, int], int] = {}
        self.ways = {link.edge: self._way(link, ports) for link in links}
        self.before: list[list[tuple[float, int, float]]] = [[] for _ in self.heights]
        self.after: list[list[tuple[float, int, float]]] = [[] for _ in self.heights]
        for a, height_a, b, height_b in self.joints:
            self.after[a].append((height_a, b, height_b))
            self.before[b].append((height_b, a, height_a))

    def _way(self, link: _Link, ports: dict[Item, _Ports]) -> list[tuple[int, float]]:
        """The entries that an edge passes, with the height in each; makes the dummies it needs."""
        way: list[tuple[int, float]] = []
        first, last = 0, len(self.columns)
        if link.source is not None:
            entry = self.items[link.source]
            way.append((entry, ports[link.source].leaving[link.edge]))
            first = self.column_of[entry] + 1
        if link.target is not None:
            last = self.column_of[self.items[link.target]]
        way += [(self._dummy(link.trunk, column), 0.0) for column in range(first, last)]
        if link.target is not None:
            way.append((self.items[link.target], ports[link.target].arriving[link.edge]))
        for a, b in pairwise(way):
            self.joints[a + b] = None
        return way

    def _dummy(self, trunk: int, column: int) -> int:
        if (trunk, column) not in self.dummies:
            self.dummies[trunk, column] = len(self.heights)
            self.columns[column].append(len(self.heights))
            self.column_of.append(column)
            self.widths.append(0.0)
            self.heights.append(0.0)
        return self.dummies[trunk, column]

    def sweeps(self) -> range:
        return range(max(2, min(SWEEPS, MAX_STEPS // (len(self.joints) + 1))))

    def spacing(self, upper: int, lower: int) -> float:
        """From the top of one entry to the top of the next below it."""
        both_boxes = self.heights[upper] and self.heights[lower]
        return self.heights[upper] + (BOX_GAP if both_boxes else EDGE_GAP)


def _longest_paths(items: dict[Item, int], links: list[_Link]) -> list[int]:
    """The column of each item: as far from the last one as its longest path to an output."""
    after: dict[Item, list[Item]] = {}
    for link in links:
        if link.source is not None and link.target is not None:
            after.setdefault(link.source, []).append(link.target)
    distances = dict.fromkeys(items, 0)
    for item in reversed(list(_sorter(links).static_order())):
        distances[item] = max((distances[other] + 1 for other in after.get(item, ())), default=0)
    last = max(distances.values())
    return [last - distance for distance in distances.values()]


def _place(
    extents: dict[Item, tuple[float, float]], links: list[_Link], ports: dict[Item, _Ports]
) -> _Level:
    """Lay out one cluster whose inner clusters are boxes already."""
    grid = _Grid(extents, links, ports)
    _order(grid)
    tops = _heights(grid)
    widths = [max(grid.widths[entry] for entry in column) for column in grid.columns]
    lefts = list(accumulate((width + COLUMN_GAP for width in widths), initial=0.0))
    height = max(top + size for top, size in zip(tops, grid.heights, strict=True))
    positions = {}
    for item, entry in grid.items.items():
        column = grid.column_of[entry]
        positions[item] = (lefts[column] + (widths[column] - grid.widths[entry]) / 2, tops[entry])
    routes = {}
    for link in links:
        route: list[Point] = []
        for entry, port in grid.ways[link.edge]:
            column, y = grid.column_of[entry], tops[entry] + port
            route += [(lefts[column], y), (lefts[column] + widths[column], y)]
        if link.source is not None:
            x = positions[link.source][0] + extents[link.source][0]
            route[0] = (x, route[0][1])
        if link.target is not None:
            route[-1] = (positions[link.target][0], route[-1][1])
        routes[link.edge] = route
    return _Level((lefts[-1] - COLUMN_GAP, height), positions, routes)


def _order(grid: _Grid) -> None:
    """Order the entries of each column, from the outputs back and forth, keeping the best order."""
    best, fewest = [list(column) for column in grid.columns], None
    for sweep in grid.sweeps():
        backwards = sweep % 2 == 0
        neighbours = grid.after if backwards else grid.before
        columns = grid.columns[::-1] if backwards else grid.columns
        place = {entry: float(i) for column in columns for i, entry in enumerate(column)}
        for column in columns:
            centres = {}
            for entry in column:
                around = [
                    place[other] + port / (grid.heights[other] or 1.0)
                    for _, other, port in neighbours[entry]
                ]
                centres[entry] = sum(around) / len(around) if around else place[entry]
            column.sort(key=centres.__getitem__)
            place.update((entry, float(i)) for i, entry in enumerate(column))
        crossings = _crossings(grid)
        if fewest is None or crossings < fewest:
            best, fewest = [list(column) for column in grid.columns], crossings
    grid.columns = best


def _crossings(grid: _Grid) -> int:
    count = 0
    place = {entry: i for column in grid.columns for i, entry in enumerate(column)}
    for column in grid.columns:
        passed: list[tuple[int, float]] = []
        for entry in column:
            ends = sorted((place[other], port) for _, other, port in grid.after[entry])
            count += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return count


def _heights(grid: _Grid) -> list[float]:
    """The top of each entry: near its neighbours, in order, without overlap."""
    tops = [0.0] * len(grid.heights)
    spacings = [[grid.spacing(a, b) for a, b in pairwise(column)] for column in grid.columns]
    for column, spacing in zip(grid.columns, spacings, strict=True):
        for entry, top in zip(column, accumulate(spacing, initial=0.0), strict=True):
            tops[entry] = top
    numbered = list(enumerate(grid.columns))
    both = [a + b for a, b in zip(grid.before, grid.after, strict=True)]
    for sweep in grid.sweeps():
        neighbours = (grid.after, grid.before, both)[sweep % 3]
        for i, column in numbered[::-1] if sweep % 3 == 0 else numbered:
            wanted = []
            for entry in column:
                around = [tops[b] + there - here for here, b, there in neighbours[entry]]
                wanted.append(sum(around) / len(around) if around else tops[entry])
            for entry, top in zip(column, _settle(wanted, spacings[i]), strict=True):
                tops[entry] = top
    highest = min(tops)
    return [top - highest for top in tops]


def _settle(wanted: list[float], spacing: list[float]) -> list[float]:
    """The positions nearest to the wanted ones, by least squares, that keep order and spacing.

    Isotonic regression by pooling adjacent violators (Ayer et al., 1955).
    """
    offsets = list(accumulate(spacing, initial=0.0))
    pools: list[tuple[float, int]] = []
    for position, offset in zip(wanted, offsets, strict=True):
        mean, count = position - offset, 1
        while pools and pools[-1][0] > mean:
            above, number = pools.pop()
            mean = (mean * count + above * number) / (count + number)
            count += number
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


# --- putting the levels together ------------------------------------------------------------------


def _assemble(
    levels: dict[Path, _Level],
    chains: Sequence[list[Path]],
    edges: Sequence[tuple[int, int]],
    extent: dict[Item, tuple[float, float]],
) -> Layout:
    corners: dict[Item, Point] = {(): (0.0, 0.0)}
    for path in reversed(levels):  # the outermost first
        left, top = corners[path]
        for item, (x, y) in levels[path].positions.items():
            corners[item] = (left + x, top + y)
    routes = []
    for edge, (source, target) in enumerate(edges):
        # Out of the source's clusters, across the level that both ends share, into the target's.
        shared = _shared(chains[source], chains[target])
        around = chains[source][shared - 1] if shared else ()
        route: list[Point] = []
        for path in (*chains[source][shared:][::-1], around, *chains[target][shared:]):
            left, top = corners[path]
            route += [(left + x, top + y) for x, y in levels[path].routes[edge]]
        routes.append(_without_needless_points(route))
    width, height = levels[()].size
    boxes = [Box(*corners[box], *extent[box]) for box in range(len(chains))]
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
