"""The built-in layout, on random graphs with random clusters."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp.drawing.layout import Box, layered_layout, text_width

NAMES = st.sampled_from(["a", "b", "c"])
TOLERANCE = 1e-6


@st.composite
def graphs(draw):
    """Sizes, edges from lower to higher numbers, and a path of clusters for each box."""
    number = draw(st.integers(1, 16))
    length = st.floats(10, 150)
    sizes = draw(st.lists(st.tuples(length, length), min_size=number, max_size=number))
    paths = draw(st.lists(st.lists(NAMES, max_size=3).map(tuple), min_size=number, max_size=number))
    pair = st.tuples(st.integers(0, number - 1), st.integers(0, number - 1))
    edges = draw(st.lists(pair.filter(lambda p: p[0] != p[1]).map(sorted).map(tuple), max_size=40))
    return sizes, edges if number > 1 else [], paths


def overlap(a, b):
    """Whether two boxes share more than their borders."""
    return (
        a.left + a.width > b.left + TOLERANCE
        and b.left + b.width > a.left + TOLERANCE
        and a.top + a.height > b.top + TOLERANCE
        and b.top + b.height > a.top + TOLERANCE
    )


def contains(outer, inner):
    return (
        outer.left <= inner.left + TOLERANCE
        and outer.top <= inner.top + TOLERANCE
        and outer.left + outer.width >= inner.left + inner.width - TOLERANCE
        and outer.top + outer.height >= inner.top + inner.height - TOLERANCE
    )


def between(p, q):
    """The rectangle of two points: a curve that is level at both stays inside it."""
    left, top = min(p[0], q[0]), min(p[1], q[1])
    return Box(left, top, abs(p[0] - q[0]), max(abs(p[1] - q[1]), 3 * TOLERANCE))


@settings(deadline=None)
@given(graphs())
def test_boxes_keep_their_sizes_and_stay_apart_and_inside(graph):
    sizes, edges, paths = graph
    layout = layered_layout(sizes, edges, paths)
    assert [(box.width, box.height) for box in layout.boxes] == sizes
    assert not any(overlap(a, b) for a, b in combinations(layout.boxes, 2))
    page = Box(0, 0, layout.width, layout.height)
    assert all(contains(page, box) for box in [*layout.boxes, *layout.clusters.values()])


@settings(deadline=None)
@given(graphs(), st.sampled_from(["LR", "TB"]))
def test_every_route_runs_from_the_border_of_its_source_to_that_of_its_target(graph, rankdir):
    sizes, edges, paths = graph
    layout = layered_layout(sizes, edges, paths, rankdir=rankdir)
    assert len(layout.routes) == len(edges)
    for (source, target), route in zip(edges, layout.routes, strict=True):
        a, b = layout.boxes[source], layout.boxes[target]
        (x, y), (u, v) = route[0], route[-1]
        if rankdir == "LR":
            assert x == pytest.approx(a.left + a.width)
            assert u == pytest.approx(b.left)
            assert a.top < y < a.top + a.height
            assert b.top < v < b.top + b.height
        else:
            assert y == pytest.approx(a.top + a.height)
            assert v == pytest.approx(b.top)
            assert a.left < x < a.left + a.width
            assert b.left < u < b.left + b.width
        forwards = [point[rankdir == "TB"] for point in route]
        assert all(p <= q + TOLERANCE for p, q in pairwise(forwards))


@settings(deadline=None)
@given(graphs())
def test_no_edge_runs_through_a_box(graph):
    layout = layered_layout(*graph)
    for route in layout.routes:
        for p, q in pairwise(route):
            assert not any(overlap(between(p, q), box) for box in layout.boxes)


@settings(deadline=None)
@given(graphs())
def test_clusters_hold_their_own_boxes_and_are_nested_or_disjoint(graph):
    sizes, edges, paths = graph
    layout = layered_layout(sizes, edges, paths)
    for path, cluster in layout.clusters.items():
        for box, inside in zip(layout.boxes, paths, strict=True):
            if inside[: len(path)] == path:
                assert contains(cluster, box)
            else:
                assert not overlap(cluster, box)
        for other, box in layout.clusters.items():
            if other[: len(path)] == path:
                assert contains(cluster, box)
            elif path[: len(other)] != other:
                assert not overlap(cluster, box)


@settings(deadline=None)
@given(graphs())
def test_edges_arrive_at_a_box_at_distinct_places_in_their_order(graph):
    _, edges, _ = graph
    layout = layered_layout(*graph)
    for box in range(len(layout.boxes)):
        arrivals = [
            route[-1][1]
            for (_, target), route in zip(edges, layout.routes, strict=True)
            if target == box
        ]
        assert arrivals == sorted(set(arrivals))


def test_every_cluster_is_drawn_unless_it_is_left_and_entered_again():
    sizes = [(40, 20)] * 4
    edges = [(0, 1), (1, 2), (2, 3)]
    nested = layered_layout(sizes, edges, [("a",), ("a", "b"), (), ("c",)])
    assert sorted(nested.clusters) == [("a",), ("a", "b"), ("c",)]
    entered_again = layered_layout(sizes, edges, [("a",), (), ("a",), ("c",)])
    assert list(entered_again.clusters) == [("c",)]


def test_an_edge_may_end_at_a_cluster_and_start_at_one():
    sizes = [(40, 20)] * 4
    layout = layered_layout(sizes, [(0, ("c",)), (("c",), 3)], [(), ("c",), ("c",), ()])
    cluster = layout.clusters["c",]
    (x, y), (u, v) = layout.routes[0][-1], layout.routes[1][0]
    assert x == pytest.approx(cluster.left)
    assert u == pytest.approx(cluster.left + cluster.width)
    assert cluster.top < y < cluster.top + cluster.height
    assert cluster.top < v < cluster.top + cluster.height


def test_for_a_cluster_that_is_left_out_stands_its_last_box_as_a_target():
    sizes = [(40, 20)] * 3
    edges = [(0, 1), (1, 2), (1, ("c",))]
    layout = layered_layout(sizes, edges, [("c",), (), ("c",)])
    assert not layout.clusters
    assert layout.routes[2][-1][0] == pytest.approx(layout.boxes[2].left)


def test_a_tree_is_drawn_without_crossings():
    leaves_of = {4: (0, 2), 5: (1, 3)}
    edges = [(leaf, inner) for inner, leaves in leaves_of.items() for leaf in leaves]
    boxes = layered_layout([(40, 20)] * 7, [*edges, (4, 6), (5, 6)]).boxes
    assert boxes[4].top < boxes[5].top
    assert max(boxes[leaf].top for leaf in leaves_of[4]) < boxes[1].top < boxes[3].top


@pytest.mark.parametrize("folded", [False, True])
def test_the_units_of_a_layer_stand_in_order_whatever_the_loss_visits_first(folded):
    numbers = [10, 3, 1, 2]  # a unit each, and what it sends its output to, in this order
    edges = [(unit, 4) for unit in range(4)]
    names = [f"neuron{number}" for number in numbers]
    paths = [("layer2",) if folded else ("layer2", name) for name in names]
    titles = names if folded else [""] * 4
    layout = layered_layout([(40, 20)] * 5, edges, [*paths, ()], titles=[*titles, ""])
    tops = {number: box.top for number, box in zip(numbers, layout.boxes)}
    assert sorted(tops, key=tops.__getitem__) == [1, 2, 3, 10]


def test_a_cluster_is_wide_enough_for_its_title():
    name = "a rather long name of a scope"
    layout = layered_layout([(20, 20)], [], [(name,)])
    assert layout.clusters[name,].width > text_width(name, 10)


def test_a_deep_graph_takes_no_recursion():
    number = 5000
    layout = layered_layout([(10, 10)] * number, [(i, i + 1) for i in range(number - 1)])
    assert layout.width > 10 * number
