"""find gives the one node that a name stands for, or says which names there are."""

import pytest

from micrograd_bp import MLP, Value, find, fsum, scope, topological_order


def test_as_many_steps_as_tell_the_node_apart_are_enough() -> None:
    y = MLP(2, [2, 1], hidden="tanh", output="tanh", seed=0)([1.0, 2.0])
    for node in topological_order(y):
        if node.scope:
            assert find(y, f"{node.scope}/{node.label}") is node
    assert find(y, "a_2").scope == "layer1/neuron2"
    assert find(y, "layer2/neuron1/a_1") is y.parents[0]
    assert find(y, "y_1") is y


def test_a_step_is_whole() -> None:
    with scope("ab"):
        x = Value(1.0, label="xy")
    assert find(x * 2.0, "ab/xy") is x
    for part in ("y", "b/xy", "", "ab"):
        with pytest.raises(LookupError, match=f"no node is named '{part}'; there are ab/xy$"):
            find(x * 2.0, part)


def test_a_name_of_several_nodes_is_refused_with_their_names() -> None:
    y = MLP(1, [1, 1], hidden="tanh", output="tanh", seed=0)([1.0])
    with pytest.raises(
        LookupError, match=r"2 nodes are named 'a_1': layer1/neuron1/a_1, layer2/neuron1/a_1$"
    ):
        find(y, "a_1")


def test_the_same_unit_at_several_data_points_is_refused() -> None:
    model = MLP(1, [1, 1], hidden="tanh", seed=0)
    total = fsum([model([float(n)]) for n in range(3)])
    with pytest.raises(LookupError, match=r"3 nodes are named 'layer1/neuron1/a_1'; .*data point"):
        find(total, "a_1")


def test_the_names_most_alike_come_first() -> None:
    y = MLP(9, [2, 1], hidden="tanh", seed=0)([0.0] * 9)
    with pytest.raises(LookupError, match="there are x_9, layer1/neuron1/a_1, "):
        find(y, "neuron9/a_9")


def test_many_names_are_shortened_and_none_is_said() -> None:
    y = MLP(9, [1], seed=0)([0.0] * 9)
    with pytest.raises(LookupError, match="and 12 more"):
        find(y, "q")
    with pytest.raises(LookupError, match="there are no names at all"):
        find(Value(1.0) * 2.0, "x")


def test_wrong_kinds() -> None:
    with pytest.raises(TypeError, match=r"a string, not 1 \(int\)"):
        find(Value(1.0), 1)
    with pytest.raises(TypeError, match=r"in the graph of a Value, not of 1\.0 \(float\)"):
        find(1.0, "x")


def test_a_star_import_leaves_pythons_own_functions_alone() -> None:
    names: dict[str, object] = {}
    exec("from micrograd_bp import *", names)
    assert "abs" not in names
    assert "pow" not in names
    assert {"find", "fit", "predict", "tanh"} <= set(names)
