# How nodes are made, where they keep their parents and local derivatives, and how they are freed.
# Included by _engine.pyx.


cdef object _current_mode = modes.current
cdef PyObject* _default_mode = <PyObject*>modes.DEFAULT
_keep_default_mode = modes.DEFAULT
cdef object CONSTANT_OPERATION = functions.constant.operation


cdef inline PyObject* _mode() except NULL:
    """The mode in force: borrowed, the context holds it."""
    cdef PyObject* mode = NULL
    PyContextVar_Get(_current_mode, NULL, &mode)
    Py_DECREF(<object>mode)
    return mode


cdef inline Value _constant(double data):
    return _node(CONSTANT_OPERATION, data)


@cython.nonecheck(False)
cdef inline Value _node(object operation, double data):
    """A node without parents as yet; under no_grad it stays so, without an operation too."""
    cdef Value node = Value.__new__(Value)
    cdef PyObject* mode = _mode()
    node._data = data
    node._operation = operation
    if mode is not _default_mode:
        node._scope = (<object>mode).scope or None
        if not (<object>mode).recording and operation is not CONSTANT_OPERATION:
            node._operation = None
    return node


@cython.nonecheck(False)
cdef inline Value _unary_node(object operation, Value x, double data, double dx):
    cdef Value node = _node(operation, data)
    if node._operation is not None:
        Py_INCREF(x)
        node._first = <PyObject*>x
        node._first_derivative = dx
        node._size = 1
    return node


@cython.nonecheck(False)
cdef inline Value _binary_node(object operation, Value x, Value y, double data, double dx, double dy):
    cdef Value node = _node(operation, data)
    if node._operation is not None:
        Py_INCREF(x)
        Py_INCREF(y)
        node._first = <PyObject*>x
        node._second = <PyObject*>y
        node._first_derivative = dx
        node._second_derivative = dy
        node._size = 2
    return node


cdef int _make_room(Value node, size_t n) except -1:
    """Room for n parents and their derivatives; the caller fills it and owns a reference each."""
    cdef PyObject** block
    if n > 2:
        block = <PyObject**>malloc(n * (sizeof(PyObject*) + sizeof(double)))
        if block is NULL:
            raise MemoryError(f"no memory for a node of {n} parents")
        node._first = <PyObject*>block
    node._size = <unsigned int>n
    return 0


cdef inline void _set_grad(Value node, double grad) noexcept:
    if grad == 0.0:
        node._grad = 0.0
        node._size &= ~HAS_GRAD
    else:
        node._grad = grad
        node._size |= HAS_GRAD


# Where a node keeps its parents and their local derivatives


@cython.nonecheck(False)
cdef inline PyObject** _parents(Value node) noexcept:
    if (node._size & SIZE) > 2:
        return <PyObject**>node._first
    return &node._first


@cython.nonecheck(False)
cdef inline double* _derivatives(Value node) noexcept:
    cdef unsigned int n = node._size & SIZE
    if n > 2:
        return <double*>(<PyObject**>node._first + n)
    return &node._first_derivative


# Freeing: parents whose last reference goes wait in a list, so that a chain of a million
# nodes is taken down in a loop and not by a million nested calls.

cdef PyObject** _doomed = NULL
cdef size_t _n_doomed = 0, _doomed_capacity = 0
cdef bint _freeing = False


cdef inline void _release(PyObject* node) noexcept:
    global _doomed, _n_doomed, _doomed_capacity
    cdef PyObject** grown
    if Py_REFCNT(node) > 1:
        Py_DECREF(<object>node)
        return
    if _n_doomed == _doomed_capacity:
        grown = <PyObject**>realloc(_doomed, (2 * _doomed_capacity + 64) * sizeof(PyObject*))
        if grown is NULL:  # no memory for the list: free by nesting, the best that is left
            Py_DECREF(<object>node)
            return
        _doomed = grown
        _doomed_capacity = 2 * _doomed_capacity + 64
    _doomed[_n_doomed] = node
    _n_doomed += 1


cdef inline void _free_doomed() noexcept:
    global _n_doomed, _freeing
    cdef PyObject* node
    if _freeing:
        return
    _freeing = True
    while _n_doomed:
        _n_doomed -= 1
        node = _doomed[_n_doomed]
        Py_DECREF(<object>node)
    _freeing = False
