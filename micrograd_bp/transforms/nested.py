"""Numbers in nested lists, tuples, dicts and arrays: taken apart into leaves, and put together.

A structure is a number or Value, or a list, tuple, dict or NumPy array of structures (JAX calls
it a pytree). NumPy is never imported here: whoever passes an array has imported it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any

from .. import twins

__all__ = ["Structure", "flatten", "is_array", "leaves", "nest", "paths", "rebuild"]

Structure = Any


def is_array(structure: Structure) -> bool:
    """Whether it is a NumPy array, found without importing NumPy.

    >>> is_array([1.0, 2.0])
    False
    """
    kind: Any = type(structure)
    return _is_array_type(kind)


@cache
def _is_array_type(kind: Any) -> bool:
    return any(base.__module__ == "numpy" and base.__name__ == "ndarray" for base in kind.__mro__)


@cache
def _is_container_type(kind: Any) -> bool:
    return issubclass(kind, (dict, list, tuple)) or _is_array_type(kind)


_NONE = object()
_leaf_types: set[Any] = {float, int}  # those met so far


def _flat_types(parts: Iterable[Any]) -> set[Any] | None:
    """The types of the parts if none is a structure of several; of thousands, told at once."""
    kinds = set(map(type, parts))
    if not kinds <= _leaf_types:
        if any(map(_is_container_type, kinds)):
            return None
        _leaf_types.update(kinds)
    return kinds


def flatten(structure: Structure) -> tuple[list[Any], set[Any], Any]:
    """The numbers in the structure, in order, their types, and the outline.

    Structures of the same outline can be added leaf by leaf. Lists, tuples and arrays count as
    the same.

    >>> flatten([1.0, {"w": (2.0, 3.0)}])
    ([1.0, 2.0, 3.0], {<class 'float'>}, [None, {'w': 2}])
    """
    found: list[Any] = []
    kinds: set[Any] = set()
    outline = _gather(structure, found, kinds)
    return found, kinds, outline


def _gather(structure: Structure, found: list[Any], kinds: set[Any]) -> Any:
    """Add a structure's numbers and their types to those found, and return the outline."""
    if isinstance(structure, (list, tuple)):
        types = _flat_types(structure)
        if types is None:
            return [_gather(part, found, kinds) for part in structure]
        found += structure
        kinds |= types
        return len(structure)
    if isinstance(structure, dict):
        return {key: _gather(part, found, kinds) for key, part in structure.items()}
    if is_array(structure):
        _gather(structure.ravel().tolist(), found, kinds)
        return _outline_of_array(structure.shape)
    _leaf_types.add(type(structure))
    found.append(structure)
    kinds.add(type(structure))
    return None


def _outline_of_array(shape: tuple[int, ...]) -> Any:
    if len(shape) < 2 or not shape[0]:
        return shape[0] if shape else None
    return [_outline_of_array(shape[1:])] * shape[0]


def leaves(structure: Structure) -> list[Any]:
    """The numbers in the structure, in order.

    >>> leaves([1.0, {"w": [2.0, 3.0], "b": 4.0}])
    [1.0, 2.0, 3.0, 4.0]
    """
    return flatten(structure)[0]


def paths(structure: Structure, path: str = "") -> Iterator[str]:
    """The index expression that leads to each leaf, in the order of ``leaves``.

    >>> list(paths([1.0, {"w": (2.0,)}]))
    ['[0]', "[1]['w'][0]"]
    """
    if isinstance(structure, dict):
        for key, part in structure.items():
            yield from paths(part, f"{path}[{key!r}]")
    elif isinstance(structure, (list, tuple)) or (is_array(structure) and structure.ndim):
        for index, part in enumerate(structure):
            yield from paths(part, f"{path}[{index}]")
    else:
        yield path


def rebuild(structure: Structure, new_leaves: Iterable[Any]) -> Structure:
    """A structure of the same shape with other leaves; an array stays an array.

    Args:
        structure: gives the shape.
        new_leaves: what to fill in, in the order of ``leaves``. Floats make an array of floats,
            anything else an array of objects.

    Raises:
        ValueError: there are fewer or more new leaves than the structure has.

    >>> rebuild([1.0, {"w": (2.0,)}], "ab")
    ['a', {'w': ('b',)}]
    """
    rest = iter(new_leaves)
    rebuilt = _rebuilt(structure, rest)
    if next(rest, _NONE) is not _NONE:
        raise ValueError("there are more new leaves than the structure has")
    return rebuilt


def _rebuilt(structure: Structure, new_leaves: Iterator[Any]) -> Structure:
    if isinstance(structure, (list, tuple)):
        if _flat_types(structure) is None:
            parts = [_rebuilt(part, new_leaves) for part in structure]
        else:
            parts = _next(new_leaves, len(structure))
        return parts if type(structure) is list else _like(structure, parts)
    if isinstance(structure, dict):
        return {key: _rebuilt(part, new_leaves) for key, part in structure.items()}
    if is_array(structure):
        return _array(_next(new_leaves, structure.size), structure.shape)
    _leaf_types.add(type(structure))
    return _next(new_leaves, 1)[0]


def _next(new_leaves: Iterator[Any], n: int) -> list[Any]:
    found = list(islice(new_leaves, n))
    if len(found) < n:
        raise ValueError("there are fewer new leaves than the structure has")
    return found


def nest(structure: Structure, rows: Sequence[Structure]) -> Structure:
    """A row in the place of each leaf: the Jacobian, in the shape of outputs, then of inputs.

    Args:
        structure: gives the outer shape, that of the outputs.
        rows: one structure a leaf, each in the shape of the inputs. An array of rows that are
            numbers or arrays is an array of so many dimensions more.

    >>> nest({"y": 0.0, "z": 0.0}, [[1.0, 2.0], [3.0, 4.0]])
    {'y': [1.0, 2.0], 'z': [3.0, 4.0]}
    """
    return _nested(structure, iter(rows))


def _nested(structure: Structure, rows: Iterator[Structure]) -> Structure:
    if isinstance(structure, dict):
        return {key: _nested(part, rows) for key, part in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _like(structure, [_nested(part, rows) for part in structure])
    if is_array(structure) and structure.size:
        return _stacked([next(rows) for _ in range(structure.size)], structure.shape)
    return structure if is_array(structure) else next(rows)


def _stacked(rows: Sequence[Structure], shape: tuple[int, ...]) -> Structure:
    first = rows[0]
    if isinstance(first, dict):
        return {key: _stacked([row[key] for row in rows], shape) for key in first}
    if isinstance(first, (list, tuple)):
        return _like(first, [_stacked(column, shape) for column in zip(*rows)])
    inner = first.shape if is_array(first) else ()
    return _array([leaf for row in rows for leaf in leaves(row)], shape + inner)


def _like(structure: Sequence[Any], parts: list[Any]) -> Structure:
    """A list or (named) tuple as structure is."""
    if isinstance(structure, list):
        return parts
    make: Callable[..., Any] = getattr(type(structure), "_make", tuple)
    return make(parts)


def _array(items: list[Any], shape: tuple[int, ...]) -> Any:
    numpy = sys.modules["numpy"]
    array = numpy.empty(len(items), float if set(map(type, items)) <= {float} else object)
    array[:] = items
    return array.reshape(shape)


if twins.wanted():
    with twins.imported(__file__, "_nested"):
        from ._nested import flatten, rebuild  # type: ignore[no-redef]
