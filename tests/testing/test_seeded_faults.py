"""The property tests test: each of these faults, seeded into the engine, makes them fail."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, given, settings

from micrograd_bp import engine, functions
from micrograd_bp.testing import OPERATIONS, GraphProgram, check_graph, graphs, pinned, programs

pytestmark = pytest.mark.slow

# The others of many operands run by the engine in use, not by the one with the fault.
OWN = [name for name in OPERATIONS if name not in ("prod", "mean", "logsumexp", "softmax")]


def engine_with(*replacements: tuple[str, str]) -> ModuleType:
    """The pure engine as a module of its own, some of its source replaced."""
    spec = importlib.util.find_spec("micrograd_bp.engine")
    assert spec is not None
    with open(str(spec.origin)) as file:
        source = file.read()
    for old, new in replacements:
        assert source.count(old) == 1, f"the engine does not read like this any more: {old}"
        source = source.replace(old, new)
    module = ModuleType("micrograd_bp.engine_with_a_fault")
    module.__package__ = "micrograd_bp"
    with mock.patch.dict(os.environ, MICROGRAD_BP_PURE="1"):
        exec(compile(source, "engine_with_a_fault", "exec"), module.__dict__)
    return module


def grads(nodes: list[Any]) -> list[float]:
    return [node.grad for node in nodes]


def check_properties(program: GraphProgram, engine: ModuleType) -> None:
    root, _, nodes = program.evaluate(engine.Value)
    check_graph(root)

    root.backward()
    once = grads(nodes)
    root.backward()
    assert grads(nodes) == [2.0 * grad for grad in once], "a second backward does not double"

    again = program.evaluate(engine.Value)
    for node in again.inputs:
        node.data = 0.123
    again.root.backward()
    assert grads(again.nodes) == once, "not the gradients of the point of the forward pass"

    _, _, shared = program.evaluate(engine.Value)
    half, whole = shared[-1] * 0.5, shared[-1] * 1.0
    half.backward()
    alone = grads(shared)
    whole.backward()
    assert grads(shared) == [3.0 * grad for grad in alone], "two roots do not add up"

    seeded = program.evaluate(engine.Value)
    seeded.root.backward(seed=-2.0)
    assert grads(seeded.nodes) == [-2.0 * grad for grad in once], "not linear in the seed"


def run(engine: ModuleType, n_examples: int = 1000) -> None:
    """The property test; of its first hundred examples not always one meets a fault."""

    @settings(phases=[Phase.generate], database=None, derandomize=True, max_examples=n_examples)
    @given(graphs(OWN))
    def every_property_holds(program: GraphProgram) -> None:
        check_properties(program, engine)

    with (
        mock.patch.object(pinned, "Value", engine.Value),
        mock.patch.object(pinned, "topological_order", engine.topological_order),
        mock.patch.object(programs, "engine", engine),
    ):
        every_property_holds()


CHAIN_RULE = "adjoints[parent] += local_derivative * adjoint"
PAIRS = "for parent, local_derivative in zip(node._parents, node._local_derivatives):"
FRESH = "adjoints = dict.fromkeys(order, 0.0)\n"
TOTAL = "(node._grad or 0.0) + adjoint"

FAULTS_OF_THE_ENGINE: dict[str, list[tuple[str, str]]] = {
    "assignment for accumulation": [(CHAIN_RULE, CHAIN_RULE.replace("+=", "="))],
    "subtraction for addition": [(CHAIN_RULE, CHAIN_RULE.replace("+=", "-="))],
    "factor 1 + 1e-6": [(CHAIN_RULE, f"{CHAIN_RULE} * 1.000001")],
    "x*x counted once": [
        (PAIRS, PAIRS.replace("zip(", "dict(zip(").replace("):", ")).items():")),
    ],
    "the last parent dropped": [(PAIRS, PAIRS.replace("node._parents,", "node._parents[:1],"))],
    "negative adjoints dropped": [
        ("if adjoint := adjoints[node]:", "if (adjoint := adjoints[node]) > 0.0:"),
    ],
    "the seed ignored": [("adjoints[order[-1]] = seed", "adjoints[order[-1]] = 1.0")],
    "stale gradient on a second call": [(TOTAL, "node._grad or adjoint")],
    "interior gradients not isolated": [
        (FRESH, "adjoints = {node: node.grad for node in order}\n"),
        (TOTAL, "adjoint"),
    ],
    "pre-order instead of topological order": [
        ("visited = {root}", "visited = {root: None}"),
        ("visited.add(parent)", "visited[parent] = None"),
        (
            "            stack.pop()\n    return order",
            "            stack.pop()\n    return list(visited)[::-1]",
        ),
    ],
    "parents in a set": [
        ("return _node(data, parents, local", "return _node(data, tuple(set(parents)), local"),
    ],
    "local derivative read at backward time": [
        (
            PAIRS,
            "now = [p._data for p in node._parents]\n"
            "            fixed = node._operation.parameters if now else ()\n"
            "            slopes = node._operation.function.partials(*now, *fixed) if now else ()\n"
            "            for parent, local_derivative in zip(node._parents, slopes):",
        ),
    ],
}

FAULTS_OF_THE_TABLE: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "wrong sign": ("cos", "partials", lambda x: (functions.sin(x),)),
    "dropped term": ("div", "partials", lambda x, y: (1.0 / y, 0.0)),
    "the derivative of another": ("tanh", "partials", lambda x: (functions.sech2(0.5 * x),)),
    "a factor of 1 + 1e-10": ("exp", "partials", lambda x: (functions.exp(x) * (1.0 + 1e-10),)),
    "operands in the wrong order": ("mul", "partials", lambda x, y: (x, y)),
    "a wrong value": ("sigmoid", "value", lambda x: 0.5 + 0.25 * x),
}  # fmt: skip


@contextmanager
def replaced(function: functions.Function, attribute: str, new: Any) -> Iterator[None]:
    old = getattr(function, attribute)
    object.__setattr__(function, attribute, new)
    try:
        yield
    finally:
        object.__setattr__(function, attribute, old)


def test_the_engine_without_a_fault_passes() -> None:
    run(engine_with(), 100)


def test_the_engine_in_use_passes() -> None:
    run(engine, 100)


@pytest.mark.parametrize("fault", FAULTS_OF_THE_ENGINE)
def test_a_fault_of_the_engine_is_caught(fault: str) -> None:
    # A graph that lost its order or an operand cannot always be evaluated again at all.
    with pytest.raises((AssertionError, ArithmeticError, TypeError)):
        run(engine_with(*FAULTS_OF_THE_ENGINE[fault]))


@pytest.mark.parametrize("fault", FAULTS_OF_THE_TABLE)
def test_a_fault_of_the_table_is_caught(fault: str) -> None:
    name, attribute, new = FAULTS_OF_THE_TABLE[fault]
    pure = engine_with()
    with (
        replaced(functions.FUNCTIONS[name], attribute, new),
        pytest.raises(AssertionError),
    ):
        run(pure)
