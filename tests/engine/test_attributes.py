"""A Value takes attributes of the user's own, as optimisers and drawing code for micrograd do."""

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from own_process import run_python

from micrograd_bp import Value, engine_kind
from micrograd_bp.nn import MLP


def test_programs_of_micrograd_keep_numbers_beside_their_weights() -> None:
    model = MLP(2, [3, 1], seed=0)
    for _ in range(3):
        model.zero_grad()
        (model([1.0, -2.0]) ** 2).backward()
        for p in model.parameters():
            p.velocity = 0.9 * getattr(p, "velocity", 0.0) - 0.1 * p.grad
            p.data += p.velocity
    assert any(p.velocity for p in model.parameters())


@pytest.mark.parametrize(
    "attribute",
    [0.5, 1, True, None, "red", b"red", 1j, (0.0, 0.5, ("x",)), np.float32(0.5), np.int64(3)],
    ids=repr,
)
def test_an_attribute_is_kept_read_replaced_and_deleted(attribute: Any) -> None:
    x, y = Value(1.0, label="x"), Value(1.0, label="y")
    product = x * y
    for node in (x, product):
        node.mine = attribute
        assert node.mine is attribute
        assert vars(node) == {"mine": attribute}
        assert "mine" in dir(node)
        node.mine = 2.0
        assert node.mine == 2.0
        del node.mine
        with pytest.raises(AttributeError, match="mine"):
            _ = node.mine
        with pytest.raises(AttributeError, match="mine"):
            del node.mine
    assert vars(y) == {}
    assert (x.label, product.label) == ("x", "")


FIRST_ATTRIBUTE = """
from micrograd_bp import Value

class Early(Value):
    __slots__ = ()

def read(node):
    return getattr(node, "mine", None), node.exp().data

x, y, early = Value(0.0), Value(0.0), Early(0.0)
for node in (x, y, early) * 100:  # often enough for Python to keep what it found
    assert read(node) == (None, 1.0)
early.mine = 1.0

class Late(Value):
    __slots__ = ()

late = Late(0.0)
late.mine, x.mine = 2.0, 3.0
assert [read(node)[0] for node in (early, late, x, y)] == [1.0, 2.0, 3.0, None]
"""


def test_the_first_attribute_of_all_is_found_where_there_was_none() -> None:
    run_python("-c", FIRST_ATTRIBUTE)


def test_labels_grads_and_derivatives_go_on_as_without_attributes() -> None:
    x = Value(3.0, label="x")
    x.colour = "red"
    x.label = "renamed"
    (x * x).backward()
    assert (x.label, x.colour, x.grad) == ("renamed", "red", 6.0)
    assert repr(x) == "Value(data=3.0, grad=6.0, label='renamed')"


def test_attributes_travel_with_copies_and_pickles() -> None:
    x = Value(3.0, label="x")
    x.m = np.array([1.0, 2.0])
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other.m.tolist() == [1.0, 2.0]
        assert (other.data, other.label) == (3.0, "x")


@pytest.mark.parametrize("name", ["parents", "operation", "local_derivatives", "has_grad"])
def test_what_the_engine_recorded_cannot_be_overwritten(name: str) -> None:
    x = Value(3.0)
    recorded = getattr(x * x, name)
    with pytest.raises(AttributeError):
        setattr(x, name, 1.0)
    assert getattr(x * x, name) == recorded


def test_a_graph_with_attributes_is_freed_at_once() -> None:
    x = Value(3.0)
    y = x * x
    y.colour = x.colour = "red"
    gone = weakref.ref(x), weakref.ref(y)
    gc.disable()
    try:
        del x, y
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


CYCLES: dict[str, Callable[[Value], Any]] = {
    "itself": lambda y: y,
    "its parent": lambda y: y.parents[0],
    "a list": lambda y: [y],
    "a dict": lambda y: {1: y},
    "a tuple": lambda y: (1.0, (y,)),
    "a function": lambda y: lambda: y,
    "an array": lambda y: np.array([y]),
    "an empty list": lambda y: [],
}


@pytest.mark.parametrize("make", CYCLES.values(), ids=CYCLES)
def test_a_cycle_is_refused_in_words_or_freed(make: Callable[[Value], Any]) -> None:
    y = Value(3.0) * 2.0
    if engine_kind() == "pure" and isinstance(make(y), np.ndarray):
        pytest.skip("NumPy hides what its arrays hold from the collector, of any class")
    if engine_kind() == "compiled":
        with pytest.raises(TypeError, match="the attribute friend of a Value is a number, a str"):
            y.parents[0].friend = make(y)
        assert vars(y.parents[0]) == {}
    else:
        y.parents[0].friend = make(y)
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None


class Holder(Value):
    """A subclass, which Python's collector knows."""


class SlottedHolder(Value):
    __slots__ = ("friend",)


WAYS_BACK: dict[str, Callable[[Value], Any]] = {
    "a result": lambda x: x * 2.0,
    "a result of results": lambda x: ((x * 2.0).tanh() + Value(1.0)) ** 2,
    "a list": lambda x: [1.0, [x.exp()]],
    "a dict": lambda x: {"exp": x.exp()},
    "a closure": lambda x: (lambda y: lambda: y)(x.exp()),
    "an array": lambda x: np.array([x], dtype=object),
    "an object": lambda x: _Box(x.exp()),
    "another's attribute": lambda x: _held_by_another(x),
}


class _Box:
    def __init__(self, content: Any) -> None:
        self.content = content


def _held_by_another(x: Value) -> Value:
    other = Holder(1.0)
    other.friend = x * 2.0
    return other * 3.0


@pytest.mark.parametrize("kind", [Holder, SlottedHolder])
@pytest.mark.parametrize("make", WAYS_BACK.values(), ids=WAYS_BACK)
def test_a_subclass_refuses_what_leads_back_through_nodes_or_is_freed(
    make: Callable[[Value], Any], kind: type[Value]
) -> None:
    x = kind(3.0)
    if engine_kind() == "pure" and isinstance(make(x), np.ndarray):
        pytest.skip("NumPy hides what its arrays hold from the collector, of any class")
    if engine_kind() == "compiled":
        with pytest.raises(TypeError, match=f"computed from the {kind.__name__} that is to hold"):
            x.friend = make(x)
        assert not hasattr(x, "friend")
    else:
        x.friend = make(x)
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


HARMLESS: dict[str, Callable[[Value], Any]] = {
    "itself": lambda x: x,
    "a list of itself": lambda x: [x],
    "a closure over itself": lambda x: lambda: x,
    "nodes of others": lambda x: [Value(1.0) * 2.0, Value(1.0)],
    "an array": lambda x: np.zeros(3),
    "a module and a class": lambda x: (np, Value, test_a_subclass_holds_what_does_no_harm),
}


@pytest.mark.parametrize("kind", [Holder, SlottedHolder])
@pytest.mark.parametrize("make", HARMLESS.values(), ids=HARMLESS)
def test_a_subclass_holds_what_does_no_harm(
    make: Callable[[Value], Any], kind: type[Value]
) -> None:
    x = kind(3.0)
    x.friend = make(x)
    assert x.friend is not None
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


class OneSlot(Value):
    __slots__ = "only"


class PrivateSlot(OneSlot):
    __slots__ = ("__hidden", "shown")

    def hide(self, thing: Any) -> None:
        self.__hidden = thing

    def found(self) -> Any:
        return self.__hidden


@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_slots_of_subclasses_travel_with_copies_and_pickles(travel: Callable[[Value], Any]) -> None:
    node = PrivateSlot(2.0, "x")
    node.only, node.shown = 1, [2]
    node.hide("three")
    node.free = 4
    other = travel(node)
    assert (type(other), other.data, other.label) == (PrivateSlot, 2.0, "x")
    assert (other.only, other.shown, other.found(), other.free) == (1, [2], "three", 4)
