# Comparisons leave a mark: by them Python may have chosen what it recorded. Included by _engine.pyx.


cdef inline double _compared(Value node, object other) except? -1.0:
    """The data of other; by both Python may choose what it does next."""
    _note_comparison(node)
    if isinstance(other, Value):
        _note_comparison(<Value>other)
    return _data_of(other)


cdef inline int _note_comparison(Value node) except -1:
    cdef PyObject* mode = _mode()
    node._size |= COMPARED
    if node._size & SIZE and not node._size & ORIGIN:
        _note_origins(node)
    if mode is not _default_mode and (<object>mode).compared is not None:
        (<object>mode).compared.append(node)
    return 0


@cython.nonecheck(False)
cdef int _note_origins(Value root) except -1:
    cdef size_t depth = 0, capacity = 64
    cdef PyObject** stack = <PyObject**>malloc(capacity * sizeof(PyObject*))
    cdef PyObject** parents
    cdef PyObject* node = <PyObject*>root
    cdef PyObject* parent
    cdef unsigned int n, i
    if stack is NULL:
        raise MemoryError("no memory to note a comparison")
    root._size |= ORIGIN
    while True:
        n = (<Value>node)._size & SIZE
        parents = <PyObject**>(<Value>node)._first if n > 2 else &(<Value>node)._first
        for i in range(n):
            parent = parents[i]
            if (<Value>parent)._size & ORIGIN:  # then all that it was computed from has it too
                continue
            (<Value>parent)._size |= ORIGIN
            if (<Value>parent)._size & SIZE:
                if depth == capacity and not _grow(<void**>&stack, &capacity, sizeof(PyObject*)):
                    free(stack)
                    raise MemoryError("no memory to note a comparison")
                stack[depth] = parent
                depth += 1
        if depth == 0:
            break
        depth -= 1
        node = stack[depth]
    free(stack)
    return 0
