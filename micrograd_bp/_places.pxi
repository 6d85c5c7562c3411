# A recorded graph by the places of its nodes, as the passes of a program read it. Included by
# _engine.pyx.

cdef enum:
    NAMED = 1 << 31  # beside the number of a node's parents


cdef size_t _mark_places(list order) except? 0:
    """Each node of an order knows its place there; the number of their parents."""
    global _last_mark
    cdef size_t i, n_parents = 0
    cdef Value node
    _last_mark += 1
    for i in range(<size_t>len(order)):
        node = order[i]
        if node is None:
            raise TypeError("a graph is one of Values, not of None")
        node._mark, node._position = _last_mark, <unsigned int>i
        n_parents += node._size & SIZE
    return n_parents


cdef unsigned int _place_in(PyObject* parent, list order, size_t child) except? 0:
    """The place of a parent, in the order that was marked last."""
    cdef size_t place = (<Value>parent)._position
    if (<Value>parent)._mark != _last_mark or place >= <size_t>len(order):
        raise ValueError(f"a parent of {order[child]!r} is not in the order")
    return <unsigned int>place


def by_place(list order not None):
    """The places in a topological order of each node's parents, and what made each node.

    The places come one after the other, as unsigned integers of C: those of a node's parents after
    how many these are, plus 2**31 for a node that may have a label or a scope.

    >>> x = Value(2.0)
    >>> places, operations = by_place(order_of([x * x]))
    >>> memoryview(places).cast("I").tolist(), operations
    ([0, 2, 0, 0], [None, Operation('mul')])
    """
    cdef size_t n = len(order), n_numbers = n + _mark_places(order), i, k = 0
    cdef unsigned int j, size
    cdef bytearray found = bytearray(n_numbers * sizeof(unsigned int))
    cdef unsigned int* numbers = <unsigned int*><char*>found
    cdef list operations = [None] * n
    cdef PyObject** parents
    cdef Value node
    for i in range(n):
        node = order[i]
        size = node._size & SIZE
        parents = _parents(node)
        operations[i] = node._operation
        numbers[k] = size
        if node._label is not None or node._scope is not None:
            numbers[k] |= <unsigned int>NAMED
        for j in range(size):
            numbers[k + 1 + j] = _place_in(parents[j], order, i)
        k += 1 + size
    return found, operations


def place_of(list order not None, Value node not None):
    """The place of a node in the order that was asked for last by its places; else -1.

    >>> x = Value(2.0)
    >>> order = order_of([x * x])
    >>> _ = by_place(order)
    >>> place_of(order, x), place_of(order, Value(3.0))
    (0, -1)
    """
    cdef size_t place = node._position
    return place if place < <size_t>len(order) and order[place] is node else -1


def unconfirmed(list order not None, parameters):
    """The nodes of a graph that may not be what their parents' data give, each with whether it has
    a local derivative that is not finite, and depends on parameters.

    Changed data are among them, and what is seldom: a choice, a function of the user's own.

    >>> x = Value(2.0)
    >>> y = x * x
    >>> unconfirmed(order_of([y]), [x])
    []
    >>> x.data = 3.0
    >>> [(node.operation.name, is_pole) for node, is_pole in unconfirmed(order_of([y]), [x])]
    [('mul', False)]
    """
    cdef list leaves = list(parameters), found = []
    cdef bytearray moves = bytearray(len(order))
    cdef list softmax = [None, ()]  # a share of that looked at last, and its shares
    cdef Value node, leaf
    cdef PyObject** parents
    cdef double* slopes
    cdef size_t i
    cdef unsigned int j, size
    cdef bint is_moved, is_pole
    _mark_places(order)
    for leaf in leaves:
        if leaf is not None and leaf._mark == _last_mark:
            moves[leaf._position] = True
    for i in range(<size_t>len(order)):
        node = order[i]
        size = node._size & SIZE
        if size == 0:
            continue
        parents, slopes = _parents(node), _derivatives(node)
        is_moved = is_pole = False
        for j in range(size):
            is_moved |= moves[_place_in(parents[j], order, i)]
            is_pole |= not isfinite(slopes[j])
        if is_moved:
            moves[i] = True
        if is_pole and is_moved or not _is_as_recorded(node, size, parents, slopes, softmax):
            found.append((node, is_pole and is_moved))
    return found


cdef bint _is_as_recorded(
    Value node, unsigned int n, PyObject** parents, double* slopes, list softmax
) except -1:
    """Whether a node surely is what its parents' data give."""
    cdef object operation = node._operation, function, code
    cdef unsigned int half = n // 2, i
    cdef double x = (<Value>parents[0])._data, y, data, slope
    if operation is ADD_OPERATION:
        return node._data == x + (<Value>parents[1])._data
    if operation is SUB_OPERATION:
        return node._data == x - (<Value>parents[1])._data
    if operation is MUL_OPERATION:
        y = (<Value>parents[1])._data
        return node._data == x * y and slopes[0] == y and slopes[1] == x
    if operation is DOT_OPERATION:
        data = (<Value>parents[n - 1])._data if n % 2 else 0.0
        for i in range(half):
            x, y = (<Value>parents[i])._data, (<Value>parents[half + i])._data
            if slopes[i] != y or slopes[half + i] != x:
                return False
            data += x * y
        return node._data == data
    function = operation.function
    if function is SOFTMAX:
        return _is_share(node, n, parents, slopes, softmax)
    code = _codes.get(function)
    return (
        code is not None
        and n == 1
        and _unary_numbers(code, x, &data, &slope)
        and data == node._data
        and slope == slopes[0]
    )


cdef bint _is_share(
    Value node, unsigned int n, PyObject** parents, double* slopes, list softmax
) except -1:
    """Whether a share of a softmax and its derivatives are what its operands give, by its rule."""
    cdef Value before = softmax[0]
    cdef tuple shares
    cdef size_t j
    cdef unsigned int i
    if (
        before is None
        or (before._size & SIZE) != n
        or memcmp(_parents(before), parents, n * sizeof(PyObject*)) != 0
    ):
        softmax[:] = node, tuple(SOFTMAX.common(*[(<Value>parents[i])._data for i in range(n)]))
    shares = softmax[1]
    j = _place(node, n)
    if node._data != <double>shares[j]:
        return False
    for i in range(n):
        if i != j and slopes[i] != node._data * -<double>shares[i]:
            return False
    return slopes[j] == node._data * <double>functions.fsum.value(*shares[:j], *shares[j + 1 :])
