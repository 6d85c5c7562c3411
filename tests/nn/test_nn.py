"""Networks: a unit is two nodes, a_j and z_j, labelled and scoped as the book writes them."""

import itertools
import math
import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_bp
from micrograd_bp import (
    MLP,
    Layer,
    Module,
    Neuron,
    Value,
    nn,
    no_grad,
    predict,
    scope,
    topological_order,
)
from micrograd_bp.numeric import sum_in_order

sizes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


def interior(root: Value) -> list[Value]:
    return [node for node in topological_order(root) if node.parents]


def squash(a: Value) -> Value:
    return a / (1.0 + abs(a))


def labels(values: Any) -> list[str]:
    return [value.label for value in values]


# A neuron


def test_a_neuron_is_two_nodes_its_pre_activation_and_its_activation() -> None:
    neuron = Neuron(2, activation="tanh", seed=1)
    x = [Value(0.5, label="x_1"), Value(-1.0, label="x_2")]
    z = neuron(x)
    (a,) = z.parents
    assert interior(z) == [a, z]
    assert a.parents == (*neuron.w, *x, neuron.b)
    assert (a.operation.name, z.operation.name) == ("dot", "tanh")
    assert (a.label, z.label) == ("a_1", "z_1")
    assert labels([*neuron.w, neuron.b]) == ["w_11", "w_12", "w_10"]
    assert a.data == 0.0 + neuron.w[0].data * 0.5 + neuron.w[1].data * -1.0
    assert z.data == math.tanh(a.data)


def test_the_error_of_a_unit_is_the_gradient_of_its_pre_activation() -> None:
    neuron = Neuron(3, activation="sigmoid", seed=1)
    x = [0.5, -1.0, 2.0]
    z = neuron(x)
    (a,) = z.parents
    z.backward(seed=7.0)
    delta = 7.0 * z.data * (1.0 - z.data)
    assert a.grad == pytest.approx(delta, rel=1e-14)
    assert [w.grad for w in neuron.w] == [a.grad * x_i for x_i in x]
    assert neuron.b.grad == a.grad


def test_a_linear_neuron_is_one_node() -> None:
    for neuron in (Neuron(2, nonlin=False, seed=1), Neuron(2, activation="linear", seed=1)):
        a = neuron([1.0, 2.0])
        assert (a.operation.name, a.label) == ("dot", "a_1")
        assert repr(neuron) == "LinearNeuron(2)"


@pytest.mark.parametrize("nin", [1, 3, np.int64(2)])
def test_a_neuron_starts_with_weights_within_one_and_a_bias_of_zero(nin: int) -> None:
    neuron = Neuron(nin, seed=5)
    assert len(neuron.w) == nin
    assert all(-1.0 <= w.data <= 1.0 for w in neuron.w)
    assert neuron.b.data == 0.0
    assert neuron.parameters() == [*neuron.w, neuron.b]


@pytest.mark.parametrize("x", [[], [1.0], [1.0, 2.0, 3.0]], ids=len)
def test_a_neuron_refuses_the_wrong_number_of_inputs(x: list[float]) -> None:
    for unit in (Neuron(2), Layer(2, 3), MLP(2, [3, 1])):
        with pytest.raises(ValueError, match=f"of 2 inputs was given {len(x)}"):
            unit(x)


@pytest.mark.parametrize("x", [0.5, Value(0.5), None, np.float64(0.5), np.array(0.5)], ids=repr)
def test_a_model_says_that_it_takes_a_list(x: Any) -> None:
    wide = "takes a list of 2 inputs, not "
    for kind, model in (("neuron", Neuron(2)), ("layer", Layer(2, 3)), ("network", MLP(2, [3]))):
        with pytest.raises(TypeError, match=f"^a {kind} {wide}") as raised:
            model(x)
        assert repr(x) in str(raised.value)
    with pytest.raises(TypeError, match=f"^a layer {wide}"):
        Layer(2, 3).outputs(x)
    with pytest.raises(TypeError, match="takes a list of 1 input, not"):
        MLP(1, [1])(x)


ROWS = [[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]]


@pytest.mark.parametrize(
    "x",
    [np.array(ROWS), np.array(ROWS[:2]), ROWS, ROWS[:2], list(map(np.array, ROWS)), [[Value(0.5)]]],
    ids=repr,
)
def test_a_model_says_that_it_takes_one_data_point_and_not_a_table(x: Any) -> None:
    for kind, model in (("neuron", Neuron(2)), ("layer", Layer(2, 3)), ("network", MLP(2, [3]))):
        with pytest.raises(TypeError) as raised:
            model(x)
        message = str(raised.value)
        assert message.startswith(f"a {kind} takes one data point, a list of 2 inputs, not ")
        assert message.endswith("call it once a row, or predict(model, X) for all rows")
        assert "\n" not in message
    with pytest.raises(TypeError, match="a layer takes one data point"):
        Layer(2, 3).outputs(x)
    assert len(predict(MLP(2, [1]), ROWS)) == len(ROWS)


@pytest.mark.parametrize("x", [["0.5", "1.0"], [0.5, [1.0, 2.0]], [None, 1.0], [b"1", b"2"]])
def test_an_input_that_is_no_number_is_named_itself(x: list[Any]) -> None:
    for model in (Neuron(2), Layer(2, 3), MLP(2, [3])):
        with pytest.raises(TypeError, match="need a real number, not"):
            model(x)


def test_a_type_error_in_an_activation_or_an_iterator_is_that_of_the_user() -> None:
    def broken(a: Value) -> Any:
        raise TypeError("of the activation")

    with pytest.raises(TypeError, match="of the activation"):
        MLP(2, [3, 1], hidden=broken)([0.5, 1.0])
    with pytest.raises(TypeError, match="unsupported operand"):
        MLP(2, [1])(x + "1" for x in (0.5, 1.0))


# Layers and networks


@given(nin=st.integers(1, 4), nouts=sizes)
def test_a_network_has_the_shape_that_was_asked_for(nin: int, nouts: list[int]) -> None:
    model = MLP(nin, nouts, seed=0)
    widths = [nin, *nouts]
    assert [len(layer.neurons) for layer in model.layers] == nouts
    for width, layer in zip(widths, model.layers):
        assert {len(neuron.w) for neuron in layer.neurons} == {width}
    count = sum(n_in * n_out + n_out for n_in, n_out in itertools.pairwise(widths))
    assert len(set(model.parameters())) == len(model.parameters()) == count
    outputs = model([0.5] * nin)
    if nouts[-1] == 1:
        assert isinstance(outputs, Value)
    else:
        assert [type(output) for output in outputs] == [Value] * nouts[-1]


@given(nin=st.integers(1, 3), nouts=sizes, hidden=st.sampled_from(["tanh", "sigmoid", "relu"]))
def test_a_network_computes_the_forward_pass_of_the_book(
    nin: int, nouts: list[int], hidden: str
) -> None:
    model = MLP(nin, nouts, hidden=hidden, seed=3)
    z = x = [0.3 * i - 0.4 for i in range(1, nin + 1)]
    for layer in model.layers:
        z = [
            sum_in_order((w.data * z_i for w, z_i in zip(neuron.w, z, strict=True)), neuron.b.data)
            for neuron in layer.neurons
        ]
        if layer is not model.layers[-1]:
            z = [getattr(micrograd_bp, hidden)(a) for a in z]
    outputs = model(x)
    assert [y.data for y in ([outputs] if nouts[-1] == 1 else outputs)] == z


@given(nouts=sizes)
def test_the_graph_of_a_network_has_two_nodes_a_hidden_unit_and_one_an_output(
    nouts: list[int],
) -> None:
    model = MLP(2, [*nouts, 1], hidden="tanh", seed=0)
    y = model([1.0, -1.0])
    order = topological_order(y)
    assert len(interior(y)) == 2 * sum(nouts) + 1
    assert len(order) == len(interior(y)) + len(model.parameters()) + 2


def test_labels_and_scopes_are_those_of_the_book() -> None:
    model = MLP(2, [3, 2], hidden="sigmoid", seed=0)
    y_1, y_2 = model([0.5, -0.5])
    assert (y_1.label, y_1.scope) == ("y_1", "layer2/neuron1")
    assert (y_2.label, y_2.scope) == ("y_2", "layer2/neuron2")
    assert labels(y_2.parents) == ["w_21", "w_22", "w_23", "z_1", "z_2", "z_3", "w_20"]
    z_3 = y_2.parents[5]
    assert (z_3.label, z_3.scope) == ("z_3", "layer1/neuron3")
    (a_3,) = z_3.parents
    assert (a_3.label, a_3.scope) == ("a_3", "layer1/neuron3")
    assert labels(a_3.parents) == ["w_31", "w_32", "x_1", "x_2", "w_30"]
    assert {p.scope for p in a_3.parents[:2]} == {"layer1/neuron3"}
    x_1 = a_3.parents[2]
    assert (x_1.data, x_1.scope) == (0.5, "")


def test_softmax_as_an_activation_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r'linear last layer, as loss="cross_entropy" wants it'):
        MLP(2, [3, 2], output="softmax")


def test_an_output_unit_with_an_activation_is_a_then_y() -> None:
    y = MLP(2, [1], output="sigmoid", seed=0)([0.5, -0.5])
    assert labels([y, *y.parents]) == ["y_1", "a_1"]


def test_a_weight_between_units_beyond_nine_has_a_comma_in_its_label() -> None:
    model = MLP(10, [10], seed=0)
    neurons = model.layers[0].neurons
    assert neurons[0].w[9].label == "w_1,10"
    assert neurons[9].w[0].label == "w_10,1"
    assert neurons[9].b.label == "w_10,0"
    assert neurons[8].w[8].label == "w_99"
    assert len(set(labels(model.parameters()))) == len(model.parameters())


def test_every_node_of_a_unit_is_in_its_scope() -> None:
    model = MLP(1, [2, 1], hidden=squash, output="tanh", seed=0)
    y = model([1.0])
    for node in topological_order(y):
        unit = "" if node.label == "x_1" else r"layer[12]/neuron[12]"
        assert re.fullmatch(unit, node.scope), node
    alone = Layer(1, 2, seed=0)([1.0])
    scopes = {node.label: node.scope for node in topological_order(alone[1])}
    assert scopes == {
        "w_21": "neuron2",
        "x_1": "",
        "w_20": "neuron2",
        "a_2": "neuron2",
        "z_2": "neuron2",
    }


def test_a_network_within_a_scope_is_scoped_below_it() -> None:
    with scope("encoder"):
        model = MLP(1, [2, 1], seed=0)
        y = model([1.0])
    assert y.scope == "encoder/layer2/neuron1"
    assert model.parameters()[0].scope == "encoder/layer1/neuron1"


def test_a_number_among_the_inputs_is_one_leaf_for_all_the_units() -> None:
    model = MLP(1, [3, 1], seed=0)
    y = model([0.5])
    assert labels(topological_order(y)).count("x_1") == 1


def test_inputs_that_are_values_get_gradients_and_keep_their_labels() -> None:
    x = Value(0.5, label="temperature")
    y = MLP(1, [2, 1], hidden="tanh", seed=0)([x])
    y.backward()
    assert x.label == "temperature"
    assert x.grad != 0.0


@pytest.mark.parametrize("nouts", [[1], [1, 1], [1, 3], [3, 1, 2], [2, 1, 1]], ids=str)
def test_a_layer_of_one_neuron_works_anywhere(nouts: list[int]) -> None:
    model = MLP(2, nouts, hidden="tanh", seed=0)
    outputs = model([1.0, -1.0])
    outputs = [outputs] if nouts[-1] == 1 else outputs
    assert len(outputs) == nouts[-1]
    sum(outputs).backward()
    assert all(p.has_grad for p in model.parameters())


def test_a_layer_of_one_neuron_gives_the_bare_value() -> None:
    assert isinstance(Layer(2, 1, seed=0)([1.0, 2.0]), Value)
    assert isinstance(Layer(2, 2, seed=0)([1.0, 2.0]), list)
    assert isinstance(Layer(2, 1, seed=0).outputs([1.0, 2.0]), list)


@pytest.mark.parametrize("x", [np.array([0.5, -1.5]), (0.5, -1.5), [0.5, Value(-1.5)]], ids=repr)
def test_inputs_come_in_any_sequence(x: Any) -> None:
    expected = MLP(2, [2, 1], seed=0)([0.5, -1.5]).data
    assert MLP(2, [2, 1], seed=0)(x).data == expected
    assert Layer(2, 1, seed=0)(x).data == Layer(2, 1, seed=0)([0.5, -1.5]).data


def test_no_grad_predicts_without_a_graph() -> None:
    model = MLP(2, [2, 1], seed=0)
    with no_grad():
        y = model([0.5, -1.5])
    assert y.parents == ()
    assert y.data == model([0.5, -1.5]).data


# Activations


@pytest.mark.parametrize("name", [*nn.ACTIVATIONS, "linear"])
def test_activations_go_by_name(name: str) -> None:
    neuron = Neuron(2, activation=name, seed=1)
    z = neuron([0.5, -1.5])
    z.backward()
    assert neuron.activation == name
    assert str(neuron).endswith("Neuron(2)")
    if name != "linear":
        reference = getattr(micrograd_bp, "sigmoid" if name == "logistic" else name)
        assert z.data == reference(z.parents[0].data)
    assert any(w.grad for w in neuron.w) or name == "relu"


def test_logistic_is_another_name_of_sigmoid() -> None:
    assert nn.ACTIVATIONS["logistic"] is nn.ACTIVATIONS["sigmoid"]


def test_hidden_units_are_relu_and_outputs_linear_by_default() -> None:
    model = MLP(2, [2, 2, 1])
    assert [{n.activation for n in layer.neurons} for layer in model.layers] == [
        {"relu"},
        {"relu"},
        {"linear"},
    ]
    assert repr(model) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)],"
        " Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )


def test_a_seed_is_any_integer() -> None:
    assert MLP(2, [1], seed=np.int64(3)).parameters()[0].data == (
        MLP(2, [1], seed=3).parameters()[0].data
    )
    for seed in (np.random.default_rng(0), [1]):
        with pytest.raises(TypeError, match="seed is an integer, not"):
            MLP(2, [1], seed=seed)


def test_a_notebook_shows_a_network_as_print_does() -> None:
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    model = MLP(1, [16, 1], hidden="tanh", seed=0)
    assert pretty(model) == str(model)
    assert pretty(model.layers) == f"[{model.layers[0]}, {model.layers[1]}]"


def test_a_network_prints_a_line_a_layer_and_its_summary_is_a_table() -> None:
    model = MLP(1, [16, 1], hidden="tanh", seed=0)
    assert str(model).splitlines() == [
        "MLP of 1 input and 49 parameters:",
        "  layer1: 16 units, tanh",
        "  layer2: 1 unit, linear",
    ]
    assert str(model.layers[0]) == "16 units, tanh"
    assert repr(model.layers[1]) == "Layer of [LinearNeuron(16)]"
    summary = model.summary()
    assert repr(summary) == str(summary)
    rows = [line.split() for line in str(summary).splitlines()[1:]]
    assert rows[0] == ["layer1", "1", "16", "tanh", "32"]
    assert rows[-1] == ["in", "all", "49"]
    assert summary._repr_html_().count("<tr>") == 4


def test_hidden_and_output_choose_the_activations() -> None:
    model = MLP(2, [2, 2, 2], hidden="tanh", output="sigmoid", seed=0)
    outputs = model([0.5, -0.5])
    assert [{n.activation for n in layer.neurons} for layer in model.layers] == [
        {"tanh"},
        {"tanh"},
        {"sigmoid"},
    ]
    assert {y.operation.name for y in outputs} == {"sigmoid"}


@pytest.mark.parametrize(
    "function", [squash, micrograd_bp.tanh, Value.tanh, lambda a: a.tanh() * 2.0]
)
def test_an_activation_may_be_a_function(function: Callable[[Value], Value]) -> None:
    neuron = Neuron(2, activation=function, seed=1)
    z = neuron([0.5, -1.5])
    a = next(node for node in topological_order(z) if node.label == "a_1")
    assert z.label == "z_1"
    assert z.data == function(Value(a.data)).data
    z.backward()
    assert a.grad != 0.0


@pytest.mark.parametrize("function", [lambda a: a.data, lambda a: None, lambda a: 1.0])
def test_an_activation_that_gives_no_value_is_an_error_that_says_so(
    function: Callable[[Value], Any],
) -> None:
    with pytest.raises(TypeError, match="activation"):
        Neuron(2, activation=function, seed=1)([1.0, 2.0])


@pytest.mark.parametrize("make", [lambda a: Neuron(2, activation=a), lambda a: MLP(2, [2, 1], a)])
def test_an_unknown_activation_is_an_error_that_names_those_there_are(
    make: Callable[[Any], Any],
) -> None:
    with pytest.raises(ValueError, match="'sigmoyd'") as raised:
        make("sigmoyd")
    assert all(name in str(raised.value) for name in ("linear", *nn.ACTIVATIONS))
    with pytest.raises(TypeError, match="an activation is a name or a function, not 3"):
        make(3)


def test_an_unknown_hidden_activation_is_an_error_also_without_hidden_units() -> None:
    with pytest.raises(ValueError, match="'sigmoyd'"):
        MLP(2, [1], hidden="sigmoyd")


# Initialisation

MAKERS = [
    pytest.param(lambda **how: Neuron(3, **how), id="Neuron"),
    pytest.param(lambda **how: Layer(3, 2, **how), id="Layer"),
    pytest.param(lambda **how: MLP(3, [2, 1], **how), id="MLP"),
]


def numbers(module: Module) -> list[float]:
    return [parameter.data for parameter in module.parameters()]


@pytest.mark.parametrize("make", MAKERS)
def test_a_seed_makes_the_weights_reproducible(make: Callable[..., Module]) -> None:
    assert numbers(make(seed=7)) == numbers(make(seed=7))
    assert numbers(make(seed=7)) != numbers(make(seed=8))
    assert numbers(make(seed=0)) != numbers(make())


@pytest.mark.parametrize("make", MAKERS)
def test_a_generator_is_drawn_from_in_order(make: Callable[..., Module]) -> None:
    rng, twin = random.Random(7), random.Random(7)
    modules = make(rng=rng), make(rng=rng)
    weights = [n for module in modules for n in numbers(module) if n != 0.0]
    assert weights == [twin.uniform(-1, 1) for _ in weights]
    assert numbers(modules[0]) == numbers(make(seed=7))


@pytest.mark.parametrize("make", MAKERS)
def test_without_seed_the_module_random_is_drawn_from(make: Callable[..., Module]) -> None:
    state = random.getstate()
    try:
        random.seed(7)
        assert numbers(make()) == numbers(make(seed=7))
        before = random.getstate()
        make(seed=7)
        assert random.getstate() == before
    finally:
        random.setstate(state)


@pytest.mark.parametrize(
    ("init", "bound"), [("glorot", 0.1), ("he", 0.125), ("lecun", 0.08838834764)]
)
def test_init_scales_weights_and_biases_by_the_size_of_the_layer(init: str, bound: float) -> None:
    layer = Layer(384, 216, init=init, seed=0)
    for some in [[w.data for n in layer.neurons for w in n.w], [n.b.data for n in layer.neurons]]:
        assert 0.97 * bound < max(some) < bound * (1 + 1e-9)
        assert -0.97 * bound > min(some) > -bound * (1 + 1e-9)
        assert abs(sum(some) / len(some)) < 0.1 * bound


def test_the_usual_init_is_that_of_micrograd() -> None:
    layer, usual = Layer(3, 2, init="uniform", seed=0), random.Random(0)
    assert [p.data for p in layer.parameters()] == [
        *[usual.uniform(-1, 1) for _ in range(3)],
        0.0,
        *[usual.uniform(-1, 1) for _ in range(3)],
        0.0,
    ]


def test_every_layer_of_a_network_has_the_init() -> None:
    for layer in MLP(3, [50, 2], init="lecun", seed=0).layers:
        weights = [abs(w.data) for neuron in layer.neurons for w in neuron.w]
        assert 0.9 < max(weights) / (3 / len(layer.neurons[0].w)) ** 0.5 < 1
    with pytest.raises(ValueError, match="'xavier'; there are uniform, glorot"):
        MLP(2, [1], init="xavier")


def test_a_generator_of_numpy_will_do() -> None:
    one, other = (MLP(2, [2, 1], rng=np.random.default_rng(7)) for _ in range(2))
    assert numbers(one) == numbers(other)
    assert {type(number) for number in numbers(one)} == {float}


@pytest.mark.parametrize("make", MAKERS)
def test_seed_and_generator_together_are_an_error(make: Callable[..., Module]) -> None:
    with pytest.raises(ValueError, match="give rng or seed, not both"):
        make(rng=random.Random(1), seed=1)


# Bad sizes


@pytest.mark.parametrize(
    "make",
    [
        lambda size: Neuron(size),
        lambda size: Layer(size, 2),
        lambda size: Layer(2, size),
        lambda size: MLP(size, [2]),
        lambda size: MLP(2, [size, 1]),
        lambda size: MLP(2, [3, size]),
    ],
    ids=["Neuron", "Layer nin", "Layer nout", "MLP nin", "MLP hidden", "MLP output"],
)
def test_a_size_is_a_positive_integer(make: Callable[[Any], Any]) -> None:
    for size in (0, -1):
        with pytest.raises(ValueError, match=rf"is at least 1, not {size}"):
            make(size)
    for size in (2.0, "2", None, True, [2]):
        with pytest.raises(TypeError, match="an integer, not ") as raised:
            make(size)
        assert repr(size) in str(raised.value)


def test_a_network_has_a_layer_at_least() -> None:
    with pytest.raises(ValueError, match=r"the size of one layer at least, not nouts=\[\]"):
        MLP(2, [])


@pytest.mark.parametrize("nouts", [3, None])
def test_the_sizes_of_a_network_are_a_sequence(nouts: Any) -> None:
    with pytest.raises(TypeError, match="nouts"):
        MLP(2, nouts)


# Modules


def test_zero_grad_forgets_the_gradients_of_all_parameters() -> None:
    model = MLP(2, [3, 1], hidden="tanh", seed=0)
    model([1.0, 2.0]).backward()
    assert all(p.has_grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.has_grad or p.grad for p in model.parameters())


def test_a_module_of_ones_own_needs_only_its_parameters() -> None:
    class Scale(Module):
        def __init__(self) -> None:
            self.factor = Value(2.0)

        def parameters(self) -> list[Value]:
            return [self.factor]

    scale = Scale()
    (scale.factor * 3.0).backward()
    scale.zero_grad()
    assert scale.factor.grad == 0.0
    assert Module().parameters() == []
    Module().zero_grad()


@pytest.mark.parametrize("odd", ["tanh", None, 2, math.tanh, 0.5], ids=repr)
def test_a_nonlin_that_is_no_switch_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError, match=r"nonlin is True or False, not .*chosen by its activation"):
        Neuron(2, nonlin=odd)
    assert Neuron(2, nonlin=np.bool_(False)).activation == "linear"
