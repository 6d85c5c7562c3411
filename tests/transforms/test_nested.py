"""Structures are taken apart and put together the same way by the compiled twin."""

from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from micrograd_bp import Value
from micrograd_bp.transforms import nested
from micrograd_bp.transforms.nested import _gather, _rebuilt, flatten, leaves, paths, rebuild

Pair = namedtuple("Pair", "first second")

LEAVES = st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.builds(Value, st.floats()))
ARRAYS = st.builds(
    lambda shape: np.arange(float(np.prod(shape))).reshape(shape),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
STRUCTURES = st.recursive(
    LEAVES | ARRAYS,
    lambda parts: st.one_of(
        st.lists(parts, max_size=4),
        st.lists(parts, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=2), parts, max_size=3),
        st.dictionaries(st.text(max_size=2), parts, max_size=3).map(OrderedDict),
        st.builds(Pair, parts, parts),
    ),
    max_leaves=12,
)


def readably(thing: Any) -> tuple[list[Any], set[Any], Any]:
    found: list[Any] = []
    kinds: set[Any] = set()
    outline = _gather(thing, found, kinds)
    return found, kinds, outline


@given(STRUCTURES)
def test_both_ways_find_the_same_leaves_types_and_outline(thing: Any) -> None:
    assert repr(flatten(thing)) == repr(readably(thing))


@given(STRUCTURES)
def test_both_ways_put_new_leaves_in_the_same_places(thing: Any) -> None:
    new = [f"leaf {i}" for i in range(len(leaves(thing)))]
    built = rebuild(thing, new)
    assert repr(built) == repr(_rebuilt(thing, iter(new)))
    assert leaves(built) == new
    assert len(list(paths(thing))) == len(new)
    assert flatten(built)[2] == flatten(thing)[2]


@given(STRUCTURES)
def test_a_structure_of_its_own_leaves_is_itself(thing: Any) -> None:
    assume("OrderedDict" not in repr(thing))  # which comes back as a dict
    assert repr(rebuild(thing, leaves(thing))) == repr(thing)


def test_a_list_nested_deeper_than_calls_can_be_is_a_recursion_error() -> None:
    deep: Any = 1.0
    for _ in range(100_000):
        deep = [deep]
    for action in (flatten, lambda thing: rebuild(thing, [2.0])):
        with pytest.raises(RecursionError):
            action(deep)
    while isinstance(deep, list):  # taken down level by level
        deep = deep.pop()


@given(STRUCTURES)
def test_a_kind_that_was_met_as_a_leaf_stays_one(thing: Any) -> None:
    flatten(thing)
    assert not any(issubclass(kind, (list, tuple, dict)) for kind in nested._leaf_types)


@given(STRUCTURES, st.integers(1, 3))
def test_new_leaves_that_do_not_fit_are_refused(thing: Any, n: int) -> None:
    new = leaves(thing)
    with pytest.raises(ValueError, match="more new leaves than the structure has"):
        rebuild(thing, [*new, *range(n)])
    if new:
        with pytest.raises(ValueError, match="fewer new leaves than the structure has"):
            rebuild(thing, new[: max(0, len(new) - n)])
