# cython: language_level=3, boundscheck=False, wraparound=False, nonecheck=True
"""The compiled twin of flatten and rebuild in nested.py.

Lists and tuples are taken apart and put together here, all else by nested.py.
"""

from operator import length_hint

from . import nested as readable

cdef extern from "Python.h":
    int Py_EnterRecursiveCall(const char* where) except *
    void Py_LeaveRecursiveCall()

cdef set _leaf_types = readable._leaf_types
cdef object _flat_types = readable._flat_types
cdef object _gather_readably = readable._gather
cdef object _rebuild_readably = readable._rebuilt


def flatten(structure):
    """The numbers in the structure, in order, their types, and the outline.

    >>> flatten([1.0, {"w": (2.0, 3.0)}])
    ([1.0, 2.0, 3.0], {<class 'float'>}, [None, {'w': 2}])
    """
    cdef list found = []
    cdef set kinds = set()
    outline = _gather(structure, found, kinds)
    return found, kinds, outline


cdef object _gather(object structure, list found, set kinds):
    if type(structure) in _leaf_types:
        found.append(structure)
        kinds.add(type(structure))
        return None
    if type(structure) is not list and type(structure) is not tuple:
        return _gather_readably(structure, found, kinds)
    types = _types(structure)
    if types is not None:
        found.extend(structure)
        kinds |= types
        return len(structure)
    Py_EnterRecursiveCall(" while taking nested lists apart")
    try:
        return [_gather(part, found, kinds) for part in structure]
    finally:
        Py_LeaveRecursiveCall()


cdef set _types(object parts):
    """As _flat_types."""
    cdef set kinds = set()
    cdef object last = None
    for part in parts:
        if type(part) is not last:
            last = type(part)
            if last is list or last is tuple:
                return None
            if last not in _leaf_types:
                return _flat_types(parts)
            kinds.add(last)
    return kinds


def rebuild(structure, new_leaves):
    """A structure of the same shape with other leaves; an array stays an array.

    >>> rebuild([1.0, {"w": (2.0,)}], "ab")
    ['a', {'w': ('b',)}]
    """
    cdef Py_ssize_t at = 0
    cdef list rest = new_leaves if type(new_leaves) is list else list(new_leaves)
    rebuilt = _rebuilt(structure, rest, &at)
    if at < len(rest):
        raise ValueError("there are more new leaves than the structure has")
    return rebuilt


cdef int _advance(list new_leaves, Py_ssize_t* at, Py_ssize_t n) except -1:
    """Go on by n leaves, which have to be there."""
    at[0] += n
    if at[0] > len(new_leaves):
        raise ValueError("there are fewer new leaves than the structure has")
    return 0


cdef object _rebuilt(object structure, list new_leaves, Py_ssize_t* at):
    cdef Py_ssize_t start = at[0]
    cdef list parts
    if type(structure) in _leaf_types:
        _advance(new_leaves, at, 1)
        return new_leaves[start]
    if type(structure) is not list and type(structure) is not tuple:
        rest = iter(new_leaves[start:])
        rebuilt = _rebuild_readably(structure, rest)
        at[0] = len(new_leaves) - length_hint(rest)
        return rebuilt
    if _types(structure) is not None:
        _advance(new_leaves, at, len(structure))
        parts = new_leaves[start : at[0]]
    else:
        Py_EnterRecursiveCall(" while putting nested lists together")
        try:
            parts = [_rebuilt(part, new_leaves, at) for part in structure]
        finally:
            Py_LeaveRecursiveCall()
    return parts if type(structure) is list else tuple(parts)
