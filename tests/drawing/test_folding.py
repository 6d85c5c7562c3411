"""Folding: what becomes one box, that nothing is lost, and that large graphs are drawn fast."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp.drawing import draw
from micrograd_bp.drawing.folding import DOZEN, FOLD_ABOVE, fold
from micrograd_bp.drawing.palette import TIMES
from micrograd_bp.drawing.picture import make_picture
from micrograd_bp.engine import Value, allow_nonfinite, dot, fsum, scope, topological_order
from micrograd_bp.nn import MLP
from micrograd_bp.text.names import plain


def picture(root, edges=None, **options):
    """The cards and arrows of a graph."""
    options = {"depth": None, "opened": [], **options}
    groups = fold(topological_order(root), [root], **options)
    return make_picture(groups, {root: None}, edges, "LR")


def cards(root, **options):
    """The cards of a graph by title."""
    return {plain(card.title): card for card in picture(root, **options).cards}


def label_of(card):
    """The title of a card without what tells it apart from those of the same label."""
    return re.sub(r"\^\(.*\)", "", plain(card.title))


def arrows(root, **options):
    """(title or path of source, of target) -> how many."""
    shown = picture(root, **options)

    def name(end):
        return plain(shown.cards[end].title) if isinstance(end, int) else "/".join(end)

    return {(name(a.source), name(a.target)): a.number for a in shown.arrows}


def wide_network(points=1):
    mlp = MLP(2, [16, 16, 1], hidden="tanh", seed=1)
    inputs = [[Value(0.1 * n, "x_1"), Value(-0.2, "x_2")] for n in range(points)]
    losses = [(1 - mlp(x)) ** 2 for x in inputs]
    error = sum(losses[1:], losses[0])
    error.label = "E"
    error.backward()
    return mlp, error


# Scopes


def test_a_small_graph_is_not_folded_unless_asked():
    mlp = MLP(2, [3, 1], seed=1)
    y = mlp([0.5, 1.0])
    assert {card.kind for card in picture(y).cards} == {"leaf", "operation"}
    assert list(cards(y, depth=0)) == ["x_1", "x_2", "layer1", "layer2"]
    assert {"neuron1", "neuron2", "neuron3"} <= set(cards(y, depth=1))
    assert len(picture(y, depth=2).cards) == len(topological_order(y))


def test_a_large_network_folds_into_layers_of_neurons():
    _, error = wide_network()
    shown = picture(error)
    layer1 = [card for card in shown.cards if card.path == ("layer1",)]
    shown_neurons = {f"neuron{j}" for j in (*range(1, 12), 16)}
    assert {card.title for card in layer1} == {*shown_neurons, "… 4 more"}
    assert len(layer1) == DOZEN + 1
    assert {card.kind for card in layer1} == {"folded"}


def test_a_folded_scope_counts_nodes_and_parameters_and_shows_the_largest_grad():
    mlp, error = wide_network()
    neuron = mlp.layers[1].neurons[2]
    nodes = [n for n in topological_order(error) if n.scope == "layer2/neuron3"]
    assert len(nodes) == 19
    largest = max(abs(node.grad) for node in nodes)
    card = next(c for c in picture(error).cards if c.path == ("layer2",) and c.title == "neuron3")
    assert card.rows == (
        ("nodes", "19"),
        ("parameters", str(len(neuron.parameters()))),
        ("max |grad|", f"{largest:.4f}"),
    )
    more = next(c for c in picture(error).cards if c.path == ("layer2",) and "more" in c.title)
    assert more.title == "… 4 more"
    assert dict(more.rows)["parameters"] == str(4 * 17)


def test_a_folded_scope_shows_a_dash_before_backward():
    mlp = MLP(2, [16, 16, 1], seed=1)
    shown = picture(mlp([0.5, 1.0]))
    folded = [card for card in shown.cards if card.kind == "folded"]
    assert len(folded) == 27
    assert {dict(card.rows)["max |grad|"] for card in folded} == {"—"}
    assert shown.legend == []


def test_arrows_between_folded_scopes_are_bundled_from_cluster_to_cluster():
    _, error = wide_network()
    shown = arrows(error)
    assert shown["x_1", "layer1"] == shown["x_2", "layer1"] == 16
    assert shown["layer1", "layer2"] == 16 * 16
    assert shown["layer2", "neuron1"] == 16
    widths = {arrow.number: arrow.width for arrow in picture(error).arrows}
    assert 1 == widths[1] < widths[16] < widths[256] <= 6


def test_an_arrow_of_one_folded_scope_alone_starts_there():
    y_1, y_2 = MLP(2, [3, 2], seed=1)([0.5, 1.0])
    by_ends = arrows(y_1.exp() * y_2.sin(), depth=1)
    assert by_ends["neuron1", "exp"] == by_ends["neuron2", "sin"] == 1
    assert by_ends["layer1", "layer2"] == 6


def test_the_arrows_of_a_folded_picture_count_every_operand_outside_of_boxes():
    _, error = wide_network(points=5)
    order = topological_order(error)
    groups = fold(order, [error], None, [])
    box = {node: i for i, group in enumerate(groups) for node in group.nodes}
    between = sum(box[p] != box[node] for node in order for p in node.parents)
    assert sum(a.number for a in make_picture(groups, {}, None, "LR").arrows) == between


def test_open_shows_the_nodes_of_a_scope():
    _, error = wide_network()
    shown = picture(error, opened=["layer1/neuron3"])
    inside = [card for card in shown.cards if card.path == ("layer1", "neuron3")]
    expected = {"w^(1)_31", "w^(1)_32", "w^(1)_30", "a^(1)_3", "z^(1)_3"}
    assert {plain(card.title) for card in inside} == expected
    assert sum(card.path == ("layer1",) for card in shown.cards) == DOZEN + 1
    by_ends = arrows(error, opened=["layer1/neuron3"])
    assert by_ends["x_1", "a^(1)_3"] == 1
    assert by_ends["x_1", "layer1"] == 15
    assert by_ends["z^(1)_3", "layer2"] == 16
    assert by_ends["layer1", "layer2"] == 15 * 16


def test_open_a_layer_shows_its_neurons_also_where_depth_is_less():
    _, error = wide_network()
    paths = {card.path for card in picture(error, depth=0, opened=["layer2"]).cards}
    assert paths == {(), ("layer2",)}


def test_scopes_that_are_left_and_entered_again_are_drawn_with_arrows_back():
    h, w = Value(0.0, "h"), Value(0.5, "w")
    for _ in range(40):
        with scope("layer1"):
            g = (h * w + 0.1).tanh()
        with scope("layer2"):
            h = (g * 0.5 + w).tanh()
    by_ends = arrows(h)
    assert by_ends["layer1", "layer2"] == 40
    assert by_ends["layer2", "layer1"] == 39
    back = [arrow for arrow in picture(h).arrows if arrow.is_back]
    assert [arrow.number for arrow in back] == [39]
    assert "dir=back" in draw(h).dot
    assert "stroke-dasharray" in draw(h, engine="builtin").svg


# What repeats itself


def test_a_long_sum_is_one_box():
    terms = [Value(0.01 * i, f"x_{i}") for i in range(1, 301)]
    total = sum(terms[1:], terms[0])
    total.label = "S"
    shown = picture(total)
    assert [(plain(card.title), card.note) for card in shown.cards] == [
        (f"300 {TIMES} x_1 … x_300", ""),
        ("S", "sum of 300 terms"),
    ]
    assert [(a.source, a.target, a.number) for a in shown.arrows] == [(0, 1, 300)]
    assert dict(shown.cards[1].rows)["data"] == "451.50"
    assert shown.cards[1].is_root


def test_a_root_in_the_middle_of_a_long_sum_stays_visible():
    total = half = sum((Value(1.0, "x") for _ in range(199)), Value(1.0, "x"))
    for _ in range(200):
        total = total + Value(1.0, "x")
    groups = fold(topological_order(total), [half, total], None, [])
    assert [group.nodes[-1] for group in groups if group.kind == "chain"] == [half, total]


@pytest.mark.parametrize("function", [fsum, lambda x: dot(x, [2.0] * len(x))])
def test_the_operands_of_a_long_operation_fold_and_the_operation_stays(function):
    node = function([Value(1.0, f"x_{i}") for i in range(300)])
    shown = picture(node)
    assert shown.cards[-1].kind == "operation"
    assert [a.number for a in shown.arrows] == [300] * (len(shown.cards) - 1)


@pytest.mark.parametrize("step", [lambda y, x: y.sin(), lambda y, x: (y * x).sin() + 1.0])
def test_a_long_run_of_operations_is_one_box(step):
    x = y = Value(0.5, "x")
    for _ in range(500):
        y = step(y, x)
    assert len(picture(y).cards) <= 3
    assert "in a row" in picture(y).cards[-1].title


def test_the_losses_of_many_points_fold_by_what_they_are():
    _, error = wide_network(points=20)
    titles = set(cards(error, depth=0))
    assert titles == {
        f"20 {TIMES} x_1",
        f"20 {TIMES} x_2",
        "layer1",
        "layer2",
        "layer3",
        f"20 {TIMES} const",
        f"20 {TIMES} -",
        f"20 {TIMES} **2",
        "E",
    }
    opened = cards(error, opened=["layer1/neuron3"])
    assert {f"20 {TIMES} x_1", f"20 {TIMES} x_2", f"20 {TIMES} **2"} <= set(opened)


def test_nodes_used_for_different_things_are_not_joined():
    left = [Value(1.0, "p").exp() for _ in range(100)]
    right = [Value(1.0, "p").exp() for _ in range(100)]
    titles = [card.title for card in picture(fsum(left) * dot(right, right)).cards]
    assert titles.count(f"100 {TIMES} exp") == 2
    assert titles.count(f"100 {TIMES} p") == 2


def test_of_an_open_scope_up_to_a_dozen_alike_nodes_are_shown_one_by_one():
    _, error = wide_network(points=10)
    titles = [label_of(card) for card in picture(error, depth=0, opened=[""]).cards]
    assert titles.count("x_1") == titles.count("**2") == 10
    inside = picture(error, opened=["layer1/neuron3"]).cards
    assert [label_of(card) for card in inside].count("a_3") == 10
    _, error = wide_network(points=13)
    assert f"13 {TIMES} a^(1)_3" in cards(error, opened=["layer1/neuron3"])


def test_the_origin_of_nan_is_flagged_on_a_folded_box():
    terms = [Value(float(i), "x") for i in range(300)]
    terms[7].data = float("nan")
    with allow_nonfinite():
        flagged = [card.warning for card in picture(fsum(terms)).cards]
    assert flagged == ["nan start here (1)", ""]


@st.composite
def graphs(draw):
    """Random graphs with scopes, of more nodes than are shown one by one."""
    nodes = [Value(1.0, label) for label in ("a", "b_1", "b_2")]
    names = st.sampled_from(["", "s", "s/t", "u"])
    size = draw(st.integers(FOLD_ABOVE, FOLD_ABOVE + 60))
    rng = draw(st.randoms(use_true_random=False))
    for _ in range(size):
        near = nodes[-1 - rng.randrange(min(len(nodes), 12))]
        other = rng.choice(nodes)
        name = draw(names) if rng.random() < 0.1 else rng.choice(["", "", "s/t", "u"])
        operation = rng.randrange(3)
        node = (near + other, near.sin(), near * 0.5)[operation]
        node.scope = name
        nodes.append(node)
    return fsum(nodes)


@pytest.mark.slow
@settings(max_examples=25)
@given(graphs(), st.sampled_from([None, 0, 1]))
def test_folding_keeps_every_node_once_and_draws(root, depth):
    order = topological_order(root)
    groups = fold(order, [root], depth, [])
    assert sorted(map(id, order)) == sorted(id(n) for group in groups for n in group.nodes)
    picture_of = draw(root, depth=depth, engine="builtin", max_nodes=len(order))
    assert picture_of.svg.startswith("<svg")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["builtin", None])
def test_a_graph_of_100_000_nodes_is_drawn(engine):
    mlp = MLP(2, [8, 8, 1], hidden="tanh", seed=1)
    losses = [(mlp([0.001 * n, 0.5]) - 1.0) ** 2 for n in range(2800)]
    error = fsum(losses)
    assert len(topological_order(error)) > 100_000
    error.backward()
    svg = draw(error, engine=engine).svg
    assert f"2800 {TIMES} **2" in svg.replace("&#160;", " ").replace("\xa0", " ")


@pytest.mark.slow
def test_a_chain_of_100_000_nodes_is_drawn():
    node = Value(0.5, "x")
    for _ in range(100_000):
        node = node.sin()
    assert f"100000 {TIMES} sin in a row" in draw(node, engine="builtin").svg
