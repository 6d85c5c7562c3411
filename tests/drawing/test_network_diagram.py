"""The diagram of a network: what it shows, and that it stays readable."""

import re
from operator import mul
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from svg_texts import text_of, texts

from micrograd_bp.drawing import draw_network
from micrograd_bp.drawing.layout import text_width
from micrograd_bp.engine import Value, no_grad, scope
from micrograd_bp.nn import MLP
from micrograd_bp.text.numbers import pictured

SVG = "{http://www.w3.org/2000/svg}"


def lines(graph):
    """(colour, thickness, whether it is dashed) of each line."""
    root = ElementTree.fromstring(graph.svg)
    return [
        (path.get("stroke"), float(path.get("stroke-width", 1)), bool(path.get("stroke-dasharray")))
        for path in root.iter(f"{SVG}path")
    ]


def small_network():
    mlp = MLP(2, [3, 2], hidden="sigmoid", seed=1)
    y_1, y_2 = mlp([0.5, -1.0])
    error = ((y_1 - 1.0) ** 2 + (y_2 - 0.5) ** 2) / 2.0
    return mlp, error


def shown_quantities(graph):
    """What the picture writes as name = number, in its order."""
    pairs = [text.split("=") for text in texts(graph.svg) if "=" in text]
    return [(name.strip(), number.strip()) for name, number in pairs]


def expected_weights(mlp, grad):
    expected = []
    for number, layer in enumerate(mlp.layers, start=1):
        for j, neuron in enumerate(layer.neurons, start=1):
            for i, w in [*enumerate(neuron.w, start=1), (0, neuron.b)]:
                expected += [(f"w^({number})_{j}{i}", pictured(w.data)), ("dE/dw", grad(w))]
    return expected


def test_without_root_a_network_shows_its_weights_and_no_grad():
    mlp, _ = small_network()
    quantities = shown_quantities(draw_network(mlp))
    assert quantities[:-2] == expected_weights(mlp, lambda _: "—")
    assert quantities[-2:] == [("x_0", "1"), ("z^(1)_0", "1")]
    units = {"x_1", "x_2", "z^(1)_1", "z^(1)_2", "z^(1)_3", "y_1", "y_2"}
    assert units <= set(texts(draw_network(mlp).svg))


def test_a_network_shows_every_weight_and_its_derivative():
    mlp, error = small_network()
    error.backward()
    quantities = shown_quantities(draw_network(mlp, error))
    weights = expected_weights(mlp, lambda w: pictured(w.grad))
    assert quantities[: len(weights)] == weights


@pytest.mark.parametrize("output", ["linear", "tanh"])
@pytest.mark.parametrize("hidden", ["sigmoid", "linear", lambda a: a * a.sigmoid()])
def test_a_network_shows_the_numbers_of_every_unit(hidden, output):
    mlp = MLP(2, [3, 2, 2], hidden=hidden, output=output, seed=1)
    x = [Value(0.5, "x_1"), Value(-1.0, "x_2")]
    expected = [("x_1", "0.5000"), ("x_2", "-1.0000"), ("x_0", "1")]
    z, nodes = x, []
    for layer in mlp.layers:
        with scope("layer"):
            z = layer.outputs(z)
        nodes.append(z)
    error = (z[0] - 1.0) ** 2 + z[1] ** 2
    error.backward()
    for depth, (layer, activations) in enumerate(zip(mlp.layers, nodes, strict=True)):
        is_output = depth == 2
        for j, (neuron, activation) in enumerate(zip(layer.neurons, activations, strict=True), 1):
            a = activation
            while a.operation.name != "dot":
                a = a.parents[0]
            assert neuron.w[0] in a.parents
            above = f"^({depth + 1})"
            if not (is_output and output == "linear"):
                expected.append((f"a{above}_{j}", pictured(a.data)))
            name = f"y_{j}" if is_output else f"z{above}_{j}"
            expected.append((name, pictured(activation.data)))
            expected.append((f"δ{above}_{j}", pictured(a.grad)))
        if not is_output:
            expected.append((f"z^({depth + 1})_0", "1"))
    assert shown_quantities(draw_network(mlp, error))[-len(expected) :] == expected


def test_delta_is_a_dash_before_backward():
    mlp, error = small_network()
    quantities = shown_quantities(draw_network(mlp, error))
    assert [number for name, number in quantities if name[0] == "δ"] == ["—"] * 5


def test_of_several_forward_passes_the_last_is_shown():
    mlp = MLP(1, [2, 1], hidden="tanh", seed=1)
    error = mlp([0.25]) ** 2 + mlp([0.75]) ** 2
    assert ("x^(2)_1", "0.7500") in shown_quantities(draw_network(mlp, error))


def test_an_output_that_root_does_not_depend_on_shows_no_number():
    mlp = MLP(2, [2, 2], seed=1)
    y_1, _ = mlp([0.5, 1.0])
    quantities = dict(shown_quantities(draw_network(mlp, y_1)))
    assert quantities["y_1"] == pictured(y_1.data)
    assert "y_2" not in quantities


@pytest.mark.parametrize("sizes", [(1, [1]), (2, [3, 2]), (4, [6, 5, 3]), (1, [20, 1])])
def test_the_inscriptions_of_a_network_stay_apart(sizes):
    root = ElementTree.fromstring(draw_network(MLP(*sizes, seed=1)).svg)
    places = [
        (float(text.get("x")), float(text.get("y")))
        for text in root.iter(f"{SVG}text")
        if text.get("text-anchor") == "middle" and "=" in "".join(text.itertext())
    ]
    for i, (x, y) in enumerate(places):
        for u, v in places[i + 1 :]:
            assert abs(x - u) > 60 or abs(y - v) > 11


def test_a_line_shows_sign_and_magnitude_of_its_weight():
    mlp = MLP(2, [1], seed=1)
    mlp.layers[0].neurons[0].w[0].data = 0.5
    mlp.layers[0].neurons[0].w[1].data = -2.0
    positive, negative, zero = lines(draw_network(mlp))
    assert (positive[2], negative[2], zero[2]) == (False, True, False)
    assert zero[1] < positive[1] < negative[1]
    assert len({positive[0], negative[0], zero[0]}) == 3
    legend = texts(draw_network(mlp).svg)
    assert {"w > 0: solid", "w < 0: dashed"} <= set(legend)
    assert "the thicker, the larger |w|, at most 2.0000" in legend


def test_of_a_wide_layer_a_dozen_units_are_shown_and_how_many_are_not():
    mlp = MLP(3, [64, 64, 2], hidden="tanh", seed=1)
    y = mlp([0.1, 0.2, 0.3])
    error = y[0] ** 2 + y[1] ** 2
    error.backward()
    graph = draw_network(mlp, error)
    shown = texts(graph.svg)
    assert shown.count("… 52 more") == 2
    names = [name for name, _ in shown_quantities(graph) if name[0] == "z"]
    numbers = [int(name.rpartition("_")[2]) for name in names]
    assert numbers == [*range(1, 12), 64, 0, *range(1, 12), 64, 0]
    assert len(lines(graph)) == 36 + 36 + 13 * 2
    assert re.search(r"<title>w\^\(2\)_\d+,\d+ = ", graph.svg)  # without an inscription
    assert repr(graph) == "<Graph of a network 3-64-64-2 with 4546 weights>"


def test_the_units_that_are_left_out_stand_before_the_last_one():
    root = ElementTree.fromstring(draw_network(MLP(1, [20, 1], seed=1)).svg)
    places = {text_of(t): float(t.get("y")) for t in root.iter(f"{SVG}text")}
    assert places["z^(1)_11"] < places["… 8 more"] < places["z^(1)_20"]


def test_where_there_is_no_room_between_units_the_header_says_how_many_are_left_out():
    shown = texts(draw_network(MLP(3, [16, 2], hidden="tanh", seed=1), labels=False).svg)
    assert {"…", "hidden layer 1 (tanh), 12 of 16", "outputs (linear)"} <= set(shown)


def test_exactly_a_dozen_units_are_all_shown():
    assert not any("… " in text for text in texts(draw_network(MLP(12, [12, 1], seed=1)).svg))


def test_the_header_of_a_layer_is_near_its_first_unit():
    root = ElementTree.fromstring(draw_network(MLP(1, [8, 1], seed=1)).svg)
    places = {text_of(t): float(t.get("y")) for t in root.iter(f"{SVG}text")}
    assert 0 < places["x_1"] - places["inputs"] < 80


def sampled(path):
    """Points of a path of straight and curved pieces."""
    numbers = [*map(float, re.findall(r"[-\d.]+", path.get("d")))]
    assert not set(re.findall("[A-Za-z]", path.get("d"))) - set("MCL")
    kinds = re.findall("[MCL]", path.get("d"))
    places, at = [], None
    for kind in kinds:
        count = 6 if kind == "C" else 2
        points = [*zip(numbers[:count:2], numbers[1:count:2], strict=True)]
        del numbers[:count]
        if kind == "L":
            points = [at, *points, *points]
        if kind != "M":
            p, q, r, s = [at, *points][-4:]
            for t in (k / 200 for k in range(201)):
                share = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                places.append(tuple(sum(map(mul, share, xs)) for xs in zip(p, q, r, s)))
        at = points[-1]
    return places


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(
    "sizes", [(16, [16, 16, 1]), (2, [9, 1]), (1, [12, 3, 12, 1, 20]), (12, [2, 8]), (2, [3, 2])]
)
def test_no_line_runs_below_the_header_of_a_layer_or_what_stands_for_units(sizes, labels):
    graph = draw_network(MLP(*sizes, hidden="leaky_relu", seed=0), labels=labels, lines=None)
    root = ElementTree.fromstring(graph.svg)
    places = [place for path in root.iter(f"{SVG}path") for place in sampled(path)]
    notes = [t for t in root.iter(f"{SVG}text") if re.match("inputs|hidden|outputs|…", text_of(t))]
    assert len(notes) == 1 + len(sizes[1]) + sum(size > 12 for size in [sizes[0], *sizes[1]])
    for header in notes:
        x, y, size = (float(header.get(key)) for key in ("x", "y", "font-size"))
        half = text_width(text_of(header), size) / 2 + 3
        assert not [(u, v) for u, v in places if abs(u - x) <= half and y - size < v < y + 3]
        assert y > size


def test_the_dot_source_of_a_network_pins_everything():
    mlp, error = small_network()
    source = draw_network(mlp, error).dot
    assert "layout=neato" in source
    nodes = [line for line in source.splitlines() if re.match(r"  [huwlr]\d+ \[", line)]
    assert len(nodes) == 3 + 9 + 3 * 17
    assert all(re.search(r'pos="[-\d.]+,[-\d.]+!"', line) for line in nodes)


def test_a_network_refuses_what_it_cannot_draw():
    mlp, _ = small_network()
    with pytest.raises(TypeError, match="needs an MLP"):
        draw_network(Value(1.0))
    with pytest.raises(TypeError, match="needs a Value as root"):
        draw_network(mlp, 3.0)
    with pytest.raises(ValueError, match="not computed from the outputs"):
        draw_network(mlp, Value(1.0) * 2.0)
    y_1, _ = mlp.layers[1]([Value(1.0)] * 3)
    with pytest.raises(ValueError, match="not computed from the outputs"):
        draw_network(mlp, y_1)
    with no_grad():
        y_1, _ = mlp([0.5, 1.0])
    with pytest.raises(ValueError, match="outside no_grad"):
        draw_network(mlp, y_1)


def test_of_an_estimator_it_asks_for_its_network():
    mlp, _ = small_network()
    with pytest.raises(TypeError, match=r"needs an MLP, not .*; take its network_"):
        draw_network(SimpleNamespace(network_=mlp))
