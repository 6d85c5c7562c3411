"""One level of the layered layout: items in columns, every link running forwards.

An item is a box or a whole cluster. The steps (columns by longest path, dummies for long links,
ordering by barycentres, heights by least squares) are those of Sugiyama, Tagawa and Toda, "Methods
for visual understanding of hierarchical system structures" (1981).
"""

from bisect import bisect_right, insort
from collections.abc import Mapping
from graphlib import TopologicalSorter
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..numeric import sum_in_order

Point = tuple[float, float]
Path = tuple[str, ...]
Item = int | Path  # a box by its number, or a cluster by its path
Rank = tuple[str, int]  # neuron and 3: those of a column stand in the order of their numbers

BOX_GAP = 16.0  # between neighbours in a column
EDGE_GAP = 9.0  # between an edge and its neighbour in a column
COLUMN_GAP = 40.0
SWEEPS = 8  # back and forth over the columns, to improve on order and heights
MAX_STEPS = 500_000  # of all sweeps together: fewer sweeps over a very large graph


class Link(NamedTuple):
    """The part of an edge inside one cluster; an end that is None lies outside the cluster."""

    edge: int
    trunk: Item  # where the edge starts: edges of one trunk share their dummies
    source: Item | None
    target: Item | None


class Ports(NamedTuple):
    """The heights, from the top of an item, at which edges leave it and arrive."""

    leaving: dict[int, float]
    arriving: dict[int, float]


class Level(NamedTuple):
    """One cluster laid out, in its own coordinates."""

    size: tuple[float, float]
    positions: dict[Item, Point]
    routes: dict[int, list[Point]]


def place_level(
    extents: dict[Item, tuple[float, float]],
    links: list[Link],
    ports: dict[Item, Ports],
    ranks: Mapping[Item, Rank],
) -> Level:
    """Lay out one cluster whose inner clusters are boxes already."""
    grid = _Grid(extents, links, ports, ranks)
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
    return Level((lefts[-1] - COLUMN_GAP, height), positions, routes)


class _Grid:
    """The entries of one level (items, then dummies, by number) in columns, and their joints.

    A joint (a, height in a, b, height in b) joins entries of neighbouring columns.
    """

    def __init__(
        self,
        extents: dict[Item, tuple[float, float]],
        links: list[Link],
        ports: dict[Item, Ports],
        ranks: Mapping[Item, Rank],
    ) -> None:
        self.items = {item: entry for entry, item in enumerate(extents)}
        self.ranks = {entry: ranks[item] for item, entry in self.items.items() if item in ranks}
        self.widths = [width for width, _ in extents.values()]
        self.heights = [height for _, height in extents.values()]
        self.column_of = _longest_paths(self.items, links)
        self.columns: list[list[int]] = [[] for _ in range(max(self.column_of) + 1)]
        for entry, column in enumerate(self.column_of):
            self.columns[column].append(entry)
        self.joints: dict[tuple[int, float, int, float], None] = {}
        self.dummies: dict[tuple[Item, int], int] = {}
        self.ways = {link.edge: self._way(link, ports) for link in links}
        self.before: list[list[tuple[float, int, float]]] = [[] for _ in self.heights]
        self.after: list[list[tuple[float, int, float]]] = [[] for _ in self.heights]
        for a, height_a, b, height_b in self.joints:
            self.after[a].append((height_a, b, height_b))
            self.before[b].append((height_b, a, height_a))

    def _way(self, link: Link, ports: dict[Item, Ports]) -> list[tuple[int, float]]:
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

    def _dummy(self, trunk: Item, column: int) -> int:
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


def sorter(links: list[Link]) -> "TopologicalSorter[Item]":
    """What sorts the items of one level, or finds a cycle."""
    sorter: TopologicalSorter[Item] = TopologicalSorter()
    for link in links:
        if link.source is not None and link.target is not None:
            sorter.add(link.target, link.source)
    return sorter


def _longest_paths(items: dict[Item, int], links: list[Link]) -> list[int]:
    """The column of each item: as far from the last one as its longest path to an output."""
    after: dict[Item, list[Item]] = {}
    for link in links:
        if link.source is not None and link.target is not None:
            after.setdefault(link.source, []).append(link.target)
    distances = dict.fromkeys(items, 0)
    for item in reversed(list(sorter(links).static_order())):
        distances[item] = max((distances[other] + 1 for other in after.get(item, ())), default=0)
    last = max(distances.values())
    return [last - distance for distance in distances.values()]


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
                centres[entry] = sum_in_order(around) / len(around) if around else place[entry]
            column.sort(key=centres.__getitem__)
            _order_numbered(column, grid.ranks)
            place.update((entry, float(i)) for i, entry in enumerate(column))
        crossings = _crossings(grid)
        if fewest is None or crossings < fewest:
            best, fewest = [list(column) for column in grid.columns], crossings
    grid.columns = best


def _order_numbered(column: list[int], ranks: Mapping[int, Rank]) -> None:
    """Let the entries of one name, such as the units of a layer, take each other's places."""
    places: dict[str, list[int]] = {}
    for i, entry in enumerate(column):
        if entry in ranks:
            places.setdefault(ranks[entry][0], []).append(i)
    for of_name in places.values():
        in_order = sorted((column[i] for i in of_name), key=lambda entry: ranks[entry][1])
        for i, entry in zip(of_name, in_order, strict=True):
            column[i] = entry


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
                wanted.append(sum_in_order(around) / len(around) if around else tops[entry])
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
