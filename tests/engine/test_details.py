"""The small print of the engine, the networks and the equations: what a slip would change."""

import dataclasses
import functools
import importlib.util
import math
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from micrograd_bp import MLP, Neuron, Value, engine
from micrograd_bp.book.backprop import (
    ACTIVATIONS,
    backpropagation,
    forward_propagation,
    gradient_step,
    hidden_errors,
    pre_activation,
    total_derivatives,
    total_error,
)
from micrograd_bp.nn import weight_label

# The engine


@pytest.mark.parametrize("data", [2.0, -2.0, 5e-324, 0.0, -0.0, math.inf, math.nan])
def test_a_value_is_true_where_its_data_is(data: float) -> None:
    assert bool(Value(data)) is bool(data)


def test_the_parents_and_the_symbol_of_a_node_go_by_the_names_of_micrograd_too() -> None:
    x, y = Value(3.0), Value(4.0)
    assert set((x * x)._prev) == {x}
    assert set((x - y)._prev) == {x, y}
    assert [node._op for node in (x + y, x * y, x**3, x.relu())] == ["+", "*", "**3", "relu"]
    constant = (x + 1.0).parents[1]
    assert (x._op, constant._op, set(x._prev)) == ("", "", set())


def load_engine(pure: str, compiled: ModuleType | None) -> ModuleType:
    """The module of the engine once more, beside a compiled twin or, for None, without one."""
    spec = importlib.util.spec_from_file_location("micrograd_bp.engine_again", engine.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with (
        mock.patch.dict(os.environ, MICROGRAD_BP_PURE=pure),
        mock.patch.dict(sys.modules, {"micrograd_bp._engine": compiled}),
    ):
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def twin() -> ModuleType:
    """A stand-in for the compiled module: the names that it has, and their module."""
    module = ModuleType("micrograd_bp._engine")
    for name in engine.__all__:
        setattr(module, name, type(name, (), {"__module__": module.__name__}))
    return module


def test_without_a_compiled_twin_the_engine_is_pure() -> None:
    module = load_engine(pure="", compiled=None)
    assert module.engine_kind() == "pure"
    assert module.Value.__module__ == module.__name__


def test_beside_a_compiled_twin_the_engine_is_compiled(twin: ModuleType) -> None:
    module = load_engine(pure="", compiled=twin)
    assert module.engine_kind() == "compiled"
    assert (module.Value, module.record) == (twin.Value, twin.record)


def test_the_environment_chooses_the_pure_engine(twin: ModuleType) -> None:
    module = load_engine(pure="1", compiled=twin)
    assert module.engine_kind() == "pure"
    assert module.Value is not twin.Value


# Networks


@pytest.mark.parametrize(
    ("nin", "nouts", "name"),
    [
        (0, [1], "nin"),
        (2, [0, 1, 1], "nouts[0]"),
        (2, [3, 0, 1], "nouts[1]"),
        (2, [3, 1, 0], "nouts[2]"),
    ],
)
def test_an_error_says_which_size_of_a_network_is_wrong(
    nin: int, nouts: list[int], name: str
) -> None:
    with pytest.raises(ValueError, match="is at least 1") as raised:
        MLP(nin, nouts)
    assert str(raised.value) == f"{name} is at least 1, not 0"


def test_nonlin_tells_whether_a_unit_has_an_activation_function() -> None:
    assert Neuron(1).nonlin
    assert not Neuron(1, nonlin=False).nonlin
    assert not Neuron(1, activation="linear").nonlin
    assert Neuron(1, activation=Value.tanh).nonlin


@pytest.mark.parametrize(
    ("j", "i", "label"),
    [(1, 9, "w_19"), (1, 10, "w_1,10"), (1, 11, "w_1,11"), (9, 0, "w_90"), (11, 0, "w_11,0")],
)
def test_the_indices_of_a_weight_are_parted_by_a_comma_from_ten_on(
    j: int, i: int, label: str
) -> None:
    assert weight_label(j, i) == label


def test_an_activation_without_a_name_goes_by_its_type() -> None:
    slope = functools.partial(Value.leaky_relu, slope=0.25)
    assert repr(Neuron(2, activation=slope)) == "partialNeuron(2)"
    assert Neuron(2, activation=abs).activation == "abs"


# The equations


def test_the_record_of_a_pass_cannot_be_overwritten() -> None:
    weights = [[[0.0, 1.0]]]
    records: list[tuple[Any, str]] = [
        (forward_propagation(weights, [1.0]), "z"),
        (backpropagation(weights, [1.0], [1.0]), "deltas"),
        (ACTIVATIONS["tanh"], "derivative"),
    ]
    for record, name in records:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pre_activation([0.5, 1.0], [1.0, 2.0]), "longer"),
        (lambda: pre_activation([0.5, 1.0, 2.0], [1.0]), "shorter"),
        (lambda: forward_propagation([[[0.0, 1.0, 2.0]]], [1.0]), "needs 2 weights.*and has 3"),
        (lambda: hidden_errors([0.5], [[1.0, 2.0], [1.0, 2.0]], [1.0]), "1 rows of 2"),
        (lambda: hidden_errors([0.5], [[1.0, 2.0, 3.0]], [1.0]), "1 rows of 2"),
        (lambda: gradient_step([[[1.0, 2.0]]], [[[1.0]]], 0.1), "the shape of the weights"),
        (lambda: gradient_step([[[1.0], [2.0]]], [[[1.0]]], 0.1), "the shape of the weights"),
        (lambda: gradient_step([[[1.0]]], [[[1.0]], [[1.0]]], 0.1), "the shape of the weights"),
        (lambda: total_error([[[0.0, 1.0]]], [], [[1.0]]), "0 rows of inputs"),
        (lambda: total_derivatives([[[0.0, 1.0]]], [], [[1.0]]), "0 rows of inputs"),
    ],
)
def test_what_is_too_long_or_too_short_is_refused_and_not_cut(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call()
