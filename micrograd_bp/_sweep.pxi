# Sorting a graph, and the chain rule through it, back and forward. Included by _engine.pyx.


cdef enum:
    CHECK_SIGNALS = 1 << 16  # nodes from one look for Ctrl-C to the next

cdef Mark _last_mark = 0


cdef struct Order:
    PyObject** nodes  # parents before children; borrowed, the root holds them
    size_t n
    bint poles  # whether a local derivative is not finite


cdef inline bint _grow(void** array, size_t* capacity, size_t width) noexcept:
    cdef void* grown = realloc(array[0], 2 * capacity[0] * width)
    if grown is NULL:
        return False
    array[0] = grown
    capacity[0] *= 2
    return True


@cython.nonecheck(False)
cdef int _sort(PyObject** roots, size_t n_roots, Order* order, bint watch=True) except -1:
    """Depth first in the order of the operands. Until a node's own place in the order is
    known, its position counts the parents that have been looked at. A long sort answers to
    Ctrl-C; where what a signal calls has sorted another graph, and so left its marks, it begins
    anew, and is watched no more."""
    global _last_mark
    cdef size_t order_capacity = 64, stack_capacity = 64, depth = 0, next_root = 0, rounds = 0
    cdef PyObject** stack = <PyObject**>malloc(stack_capacity * sizeof(PyObject*))
    cdef PyObject* node
    cdef PyObject* parent
    cdef PyObject** parents
    cdef unsigned int i, n, found = 0
    cdef Mark mark
    cdef bint room = stack is not NULL
    order.nodes = <PyObject**>malloc(order_capacity * sizeof(PyObject*))
    order.n = 0
    room = room and order.nodes is not NULL
    _last_mark += 1
    mark = _last_mark
    while room and (depth or next_root < n_roots):
        rounds += 1
        if watch and rounds % CHECK_SIGNALS == 0:
            try:
                PyErr_CheckSignals()
            except BaseException:
                free(stack)
                free(order.nodes)
                order.nodes = NULL
                raise
            if _last_mark != mark:
                free(stack)
                free(order.nodes)
                return _sort(roots, n_roots, order, watch=False)
        if depth == 0:
            node = roots[next_root]
            next_root += 1
            if (<Value>node)._mark == mark:
                continue
            (<Value>node)._mark = mark
            (<Value>node)._position = 0
            stack[0] = node
            depth = 1
        node = stack[depth - 1]
        n = (<Value>node)._size & SIZE
        parents = <PyObject**>(<Value>node)._first if n > 2 else &(<Value>node)._first
        i = (<Value>node)._position
        while i < n:
            parent = parents[i]
            i += 1
            if (<Value>parent)._mark == mark:
                continue
            (<Value>parent)._mark = mark
            if order.n == order_capacity:
                room = _grow(<void**>&order.nodes, &order_capacity, sizeof(PyObject*))
                if not room:
                    break
            if (<Value>parent)._size & SIZE == 0:
                (<Value>parent)._position = <unsigned int>order.n
                order.nodes[order.n] = parent
                order.n += 1
                continue
            (<Value>node)._position = i
            (<Value>parent)._position = 0
            if depth == stack_capacity:
                room = _grow(<void**>&stack, &stack_capacity, sizeof(PyObject*))
                if not room:
                    break
            stack[depth] = parent
            depth += 1
            node = NULL
            break
        if node is NULL or not room:
            continue
        if order.n == order_capacity:
            room = _grow(<void**>&order.nodes, &order_capacity, sizeof(PyObject*))
            if not room:
                continue
        (<Value>node)._position = <unsigned int>order.n
        order.nodes[order.n] = node
        order.n += 1
        found |= (<Value>node)._size
        depth -= 1
    free(stack)
    order.poles = found & POLE != 0
    if not room:
        free(order.nodes)
        order.nodes = NULL
        raise MemoryError("no memory to sort the graph")
    return 0


def topological_order(root):
    if not isinstance(root, Value):
        raise TypeError(f"topological_order needs a Value, not {show(root)}")
    return order_of([root])


def order_of(outputs):
    cdef list roots = list(outputs)
    cdef Order order
    _sort_graph(roots, &order)
    try:
        return _listed(&order)
    finally:
        free(order.nodes)


cdef int _sort_graph(list outputs, Order* order) except -1:
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"a graph is that of Values, not of {show(output)}")
    return _sort(PySequence_Fast_ITEMS(outputs), len(outputs), order)


cdef list _listed(Order* order):
    cdef size_t i
    return [<object>order.nodes[i] for i in range(order.n)]


cdef int _backward(Value root, double seed) except -1:
    cdef Order order
    cdef double* adjoints
    cdef PyObject* roots = <PyObject*>root
    _sort(&roots, 1, &order)
    adjoints = <double*>malloc(order.n * sizeof(double))
    if adjoints is NULL:
        free(order.nodes)
        raise MemoryError("no memory for the adjoints")
    try:
        _sweep(&order, adjoints, seed)
        _accumulate(&order, adjoints)
    finally:
        free(adjoints)
        free(order.nodes)
    return 0


cdef int _sweep(Order* order, double* adjoints, double seed) except -1:
    """Seed times the derivative of the last node by each node of the order."""
    cdef size_t i
    cdef bint finite = True
    for i in range(order.n):
        adjoints[i] = 0.0
    adjoints[order.n - 1] = seed
    _carry_back(order, adjoints)
    for i in range(order.n):
        finite = finite and isfinite(adjoints[i])
    if not finite:
        for i, adjoint in enumerate(poles.adjoints(_listed(order), seed)):
            adjoints[i] = adjoint
    return 0


@cython.nonecheck(False)
cdef void _carry_back(Order* order, double* adjoints) noexcept:
    """The chain rule, from the last node of the order to the first."""
    cdef size_t i = order.n
    cdef unsigned int j, n
    cdef PyObject* node
    cdef PyObject** parents
    cdef double* derivatives
    cdef double adjoint
    cdef bint poles = order.poles
    while i > 0:
        i -= 1
        adjoint = adjoints[i]
        if adjoint == 0.0 and not poles:  # it contributes 0
            continue
        node = order.nodes[i]
        n = (<Value>node)._size & SIZE
        if n > 2:
            parents = <PyObject**>(<Value>node)._first
            derivatives = <double*>(parents + n)
            for j in range(n):
                adjoints[(<Value>parents[j])._position] += derivatives[j] * adjoint
        elif n:
            adjoints[(<Value>(<Value>node)._first)._position] += (
                (<Value>node)._first_derivative * adjoint
            )
            if n == 2:
                adjoints[(<Value>(<Value>node)._second)._position] += (
                    (<Value>node)._second_derivative * adjoint
                )


@cython.nonecheck(False)
cdef int _accumulate(Order* order, double* adjoints) except -1:
    cdef size_t i
    cdef bint finite = True
    for i in range(order.n):
        finite = finite and isfinite((<Value>order.nodes[i])._grad + adjoints[i])
    if not finite:
        nodes = _listed(order)
        messages.refuse_nonfinite_grad(
            nodes,
            [adjoints[i] for i in range(order.n)],
            [(<Value>nodes[i])._grad + adjoints[i] for i in range(order.n)],
        )
    for i in range(order.n):
        (<Value>order.nodes[i])._grad += adjoints[i]
        (<Value>order.nodes[i])._size |= HAS_GRAD
    return 0


def sweep(
    list outputs not None, list nodes not None, list seeds not None, list wanted not None, bint back
):
    cdef Order order
    cdef double* numbers
    cdef Value node
    cdef Mark mark
    cdef Py_ssize_t i
    cdef list found = [0.0] * len(wanted)
    cdef list numbers_there = [_double(seed) for seed in seeds]  # Python, which may sort: first
    outputs = list(outputs)  # no other holds this one, and it holds the graph
    _sort_graph(outputs, &order)
    mark = _last_mark
    numbers = <double*>calloc(order.n + 1, sizeof(double))
    try:
        if numbers is NULL:
            raise MemoryError("no memory for a sweep")
        for i in range(min(len(nodes), len(numbers_there))):
            node = nodes[i]
            if node._mark == mark:
                numbers[node._position] += <double>numbers_there[i]
        if back:
            _carry_back(&order, numbers)
        else:
            _carry_forward(&order, numbers)
        for i in range(len(wanted)):
            node = wanted[i]
            if node._mark == mark:
                found[i] = numbers[node._position]
        return found
    finally:
        free(numbers)
        free(order.nodes)


@cython.nonecheck(False)
cdef void _carry_forward(Order* order, double* tangents) noexcept:
    """The chain rule, from the first node of the order to the last."""
    cdef size_t i
    cdef unsigned int j, n
    cdef PyObject** parents
    cdef double* derivatives
    cdef double tangent, total
    for i in range(order.n):
        n = (<Value>order.nodes[i])._size & SIZE
        if n == 0:
            continue
        parents = _parents(<Value>order.nodes[i])
        derivatives = _derivatives(<Value>order.nodes[i])
        total = tangents[i]
        for j in range(n):
            tangent = tangents[(<Value>parents[j])._position]
            if tangent != 0.0 or order.poles:
                total += derivatives[j] * tangent
        tangents[i] = total
