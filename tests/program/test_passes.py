"""The compiled passes make the same plans as the readable ones, to the last instruction."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from test_layers import MODELS
from test_through_softmax import MAKERS, program_of

from micrograd_bp import (
    Value,
    engine_kind,
    exp,
    functions,
    log,
    maximum,
    relu,
    sqrt,
    step,
    where,
)
from micrograd_bp.engine import order_of
from micrograd_bp.program import (
    Program,
    checks,
    fusing,
    layers,
    lowering,
    placing,
    planning,
    sums,
)
from micrograd_bp.program.instructions import Instruction
from micrograd_bp.program.plain import to_plain
from micrograd_bp.testing import GraphProgram, graphs

pytestmark = pytest.mark.skipif(engine_kind() == "pure", reason="of the compiled passes")

READABLE: dict[Any, dict[str, Any]] = {
    __import__("micrograd_bp.program", fromlist=["lower"]): {
        "lower": lowering.lower,
        "check_nodes": checks.check_nodes,
    },
    planning: {
        "Layers": layers.Layers,
        "Placing": placing.Placing,
        "fused": fusing.fused,
        "needed": fusing.needed,
        "terms": sums.terms,
        "varying": fusing.varying,
    },
}


def plans(make: Callable[[], Program]) -> list[dict[str, Any]]:
    """What is made by the compiled passes, and by the readable ones."""
    found = [to_plain(make()._parts())]
    with pytest.MonkeyPatch.context() as patch:
        for module, passes in READABLE.items():
            for name, readable in passes.items():
                assert getattr(module, name) is not readable
                patch.setattr(module, name, readable)
        found.append(to_plain(make()._parts()))
    return found


@pytest.mark.parametrize("make", MODELS)
def test_models_have_the_same_plans(make: Callable[[], Program]) -> None:
    compiled, readable = plans(make)
    assert compiled == readable


def behind_gates() -> Program:
    """Poles behind relu and where, and products with what has a pole."""
    x, v, w = (Value(0.5, label=label) for label in "xvw")
    hidden = [relu(w * log(x) + v * k) for k in range(4)]
    chosen = where(step(v), sqrt(w * x), 0.5 * w) * hidden[0]
    return Program(sum(hidden, start=chosen) * exp(v), [x, v], [w])


def test_graphs_with_gates_have_the_same_plans() -> None:
    compiled, readable = plans(behind_gates)
    assert compiled == readable


def branches_within_branches(n: int) -> Program:
    x, w = Value(0.5, label="x"), Value(0.25, label="w")
    chosen = w
    for k in range(n):
        chosen = where(step(x - k), relu(maximum(sqrt(chosen), w)), sqrt(w * x + k))
    return Program(chosen, [x], [w])


def test_branches_within_branches_have_the_same_plans_which_grow_no_faster_than_they() -> None:
    compiled, readable = plans(lambda: branches_within_branches(12))
    assert compiled == readable
    few, many = (len(branches_within_branches(n)._summed.each) for n in (40, 80))
    assert many < 2.1 * few


@pytest.mark.parametrize("make", MAKERS)
def test_softmaxes_have_the_same_plans(make: Callable[..., Value]) -> None:
    compiled, readable = plans(lambda: program_of(make))
    assert compiled == readable


@settings(max_examples=3 * settings.default.max_examples // 2)
@given(graphs())
def test_random_graphs_have_the_same_plans(recipe: GraphProgram) -> None:
    def make() -> Program:
        evaluation = recipe.evaluate()
        values = evaluation.inputs
        half = len(values) // 2
        return Program(evaluation.root, inputs=values[:half], parameters=values[half:])

    compiled, readable = map(repr, plans(make))  # in which nan equals nan
    assert compiled == readable


def test_an_order_that_lacks_a_parent_is_no_order() -> None:
    engine = pytest.importorskip("micrograd_bp._engine")
    x, w = Value(2.0), Value(3.0)
    with pytest.raises(ValueError, match=r"a parent of .* is not in the order"):
        engine.by_place([x, x * w])
    with pytest.raises(TypeError, match="not of None"):
        engine.by_place([x, None])
    passes = pytest.importorskip("micrograd_bp.program._passes")
    with pytest.raises(ValueError, match="comes before a parent of it"):
        passes.lower([x * w, x, w], [x], [w], set())


def test_blocks_refuse_what_is_no_graph() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    nodes = passes.Nodes()
    nodes += [None, *(Instruction(functions.exp, (), (0,)) for _ in range(2))]
    with pytest.raises(ValueError, match="needed have to be in order"):
        passes.Blocks(nodes, [2, 1], [True] * 3, 1, 0)
    with pytest.raises(IndexError, match="3 is beyond 3 numbers"):
        passes.Blocks(nodes, [3], [True] * 3, 1, 0)
    found = passes.Blocks(nodes, [1, 2], [True] * 3, 1, 0)
    assert found.members(found.block[1]) == [1, 2]
    with pytest.raises(IndexError, match="-1 is beyond"):
        found.members(-1)
    with pytest.raises(ValueError, match="known of each"):
        passes.Placing(nodes, [True], found, [])


def test_layers_refuse_what_is_no_graph() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    nodes = passes.Nodes()
    nodes += [None, None, *(Instruction(functions.mul, (), (0, 1)) for _ in range(2))]
    with pytest.raises(ValueError, match="known of each"):
        passes.Layers(nodes, [0, 1, 2, 3], [True], 2, 0)
    found = passes.Layers(nodes, [0, 1, 2, 3], [True] * 4, 2, 0)
    with pytest.raises(IndexError, match="9 is beyond"):
        found.add_sums({9: [0]}, {2: ([9], [1])})
    with pytest.raises(ValueError, match="the sums are there already"):
        found.add_sums({}, {})
    nodes += [Instruction(functions.dot, (), (0,)) for _ in range(2)]
    with pytest.raises(ValueError, match="a weighted sum has a product"):
        passes.Layers(nodes, [0, 1, 4, 5], [True] * 6, 2, 0)


def test_nodes_in_memory_read_as_a_list_of_them() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    product = Instruction(functions.mul, (), (0, 1), label="z", scope="layer")
    power = Instruction(functions.constant_power, (3.0,), (2,))
    nodes = passes.Nodes()
    nodes += [None, -0.0, product]
    nodes.append(power)
    assert repr([*nodes]) == repr([None, -0.0, product, power])
    assert type(nodes[2]) is Instruction
    nodes[3] = product._replace(operands=(3, 3))
    assert (len(nodes), nodes[3].operands, nodes[3].scope) == (4, (3, 3), "layer")
    for i in (-1, 4, 2**40):
        with pytest.raises(IndexError, match=f"{i} is not the number of a node"):
            nodes[i]
        with pytest.raises(IndexError, match="is not the number of a node"):
            nodes.append(power._replace(operands=(i,)))
    for odd in ("x", 1, (1, 2), [product]):
        with pytest.raises(TypeError, match="is no node of a program"):
            nodes.append(odd)
    with pytest.raises(ValueError, match="a sum or product has 2 operands"):
        nodes[0] = product._replace(operands=(0,))
    assert len(nodes) == 4


def test_a_sum_that_is_a_term_of_itself_is_refused() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    nodes = passes.Nodes()
    nodes += [None, None, *(Instruction(functions.add, (), (0, 1)) for _ in range(3))]
    for i, inner in ((2, 3), (3, 4), (4, 3)):
        nodes[i] = Instruction(functions.add, (), (inner, 1))
    with pytest.raises(ValueError, match="a sum is a term of itself"):
        passes.fused(nodes, [2], passes.varying(nodes, 2))


def test_the_numbers_of_nodes_outlast_another_sort() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    x, w, unused = Value(2.0), Value(3.0), Value(4.0)
    order = order_of([(x * w) * w])
    _, numbers = passes.lower(order, [x], [w, unused], set(order))
    before = [numbers[node] for node in order]
    order_of([w * x + unused])
    assert [numbers[node] for node in order] == before == [0, 1, 3, 4]
    assert numbers[unused] == 2
    with pytest.raises(KeyError):
        numbers[Value(2.0)]


def test_equal_parameters_of_unlike_signs_stay_apart_in_what_is_kept() -> None:
    passes = pytest.importorskip("micrograd_bp.program._passes")
    nodes = passes.Nodes()
    nodes += [None, *(Instruction(functions.clip, (low, 1.0), (0,)) for low in (0.0, -0.0))]
    assert [str(nodes[i].parameters[0]) for i in (1, 2)] == ["0.0", "-0.0"]
