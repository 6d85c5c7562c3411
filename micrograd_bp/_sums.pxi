# Nodes of any number of parents: dot, the units of a network that are made of it, and fsum.
# Included by _engine.pyx.


cdef object DOT = functions.dot, FSUM = functions.fsum
cdef object DOT_OPERATION = functions.dot.operation, FSUM_OPERATION = functions.fsum.operation
cdef object _fsum = math.fsum


cdef inline object _as_list(str name, object operands, str what):
    """Operands as a list or a tuple."""
    if type(operands) is list or type(operands) is tuple:
        return operands
    return _listed_operands(name, operands, what)


cdef object _listed_operands(str name, object operands, str what):
    try:
        return list(operands)
    except TypeError:
        messages.refuse_no_list(name, operands, what)
        raise


def dot(weights, inputs, bias=None):
    return _dot(weights, inputs, bias)


cdef Value _product(Value w, Value x):
    """A dot node of one product, the commonest in the graph of a gradient."""
    cdef double data = 0.0 + w._data * x._data
    if isfinite(data):
        return _binary_node(DOT_OPERATION, w, x, data, x._data, w._data)
    return record(DOT, (w, x))


@cython.nonecheck(False)
cdef object _dot(object weights, object inputs, object bias):
    cdef object w = _as_list("dot", weights, "weights")
    cdef object x = _as_list("dot", inputs, "inputs")
    cdef Py_ssize_t n = len(w), i, size = 2 * n + (bias is not None)
    if n != len(x):
        raise ValueError(f"dot of {n} weights needs as many inputs, not {len(x)}")
    if n == 1 and bias is None and type(w[0]) is Value and type(x[0]) is Value:
        return _product(w[0], x[0])
    if size < 3 or (bias is not None and type(bias) is not Value):
        return apply(DOT, *w, *x, *(() if bias is None else (bias,)))
    cdef PyObject** w_items = PySequence_Fast_ITEMS(w)
    cdef PyObject** x_items = PySequence_Fast_ITEMS(x)
    cdef double data = 0.0 if bias is None else (<Value>bias)._data
    cdef Value node = _node(DOT_OPERATION, data)
    cdef PyObject** block = <PyObject**>malloc(size * (sizeof(PyObject*) + sizeof(double)))
    cdef double* derivatives = <double*>(block + size)
    cdef bint plain = node._operation is not None
    if block is NULL:
        raise MemoryError(f"no memory for a node of {size} parents")
    for i in range(n):
        if type(<object>w_items[i]) is not Value or type(<object>x_items[i]) is not Value:
            plain = False
            break
        block[i] = w_items[i]
        block[n + i] = x_items[i]
        derivatives[i] = (<Value>x_items[i])._data
        derivatives[n + i] = (<Value>w_items[i])._data
        data += derivatives[n + i] * derivatives[i]
    if not (plain and isfinite(data)):
        free(block)
        return apply(DOT, *w, *x, *(() if bias is None else (bias,)))
    if bias is not None:
        block[2 * n] = <PyObject*>bias
        derivatives[2 * n] = 1.0
    for i in range(size):
        Py_INCREF(<object>block[i])
    node._data = data
    node._first = <PyObject*>block
    node._size = <unsigned int>size
    return node


def unit(weights, inputs, bias, activation, tuple labels, scope):
    cdef Value a = _dot(weights, inputs, bias)
    cdef Value z
    a_label, z_label = labels
    a._label, a._scope = _text("label", a_label), _text("scope", scope)
    if activation is None:
        return a
    code = _codes.get(activation)
    if code is not None:
        z = _unary(code, a)
    elif isinstance(activation, functions.Function):
        z = activation(a)
    else:  # a function of the user's, which may make nodes of its own
        with modes.changed(scope=scope):
            result = activation(a)
        if not isinstance(result, Value):
            messages.refuse_activation(result)
        z = result
    z.label, z._scope = z_label, a._scope
    return z


def fsum(values):
    cdef list terms = list(_as_list("fsum", values, "numbers or Values"))
    cdef Py_ssize_t n = len(terms), i
    for term in terms:
        if type(term) is not Value or not isfinite((<Value>term)._data):
            return apply(FSUM, *terms)
    if n < 3:
        return apply(FSUM, *terms)
    try:
        data = _fsum([(<Value>term)._data for term in terms])
    except OverflowError:
        return apply(FSUM, *terms)
    cdef Value node = _node(FSUM_OPERATION, data)
    if node._operation is None:
        return node
    _make_room(node, n)
    cdef PyObject** block = _parents(node)
    cdef double* derivatives = _derivatives(node)
    for i in range(n):
        block[i] = <PyObject*>terms[i]
        Py_INCREF(<object>block[i])
        derivatives[i] = 1.0
    return node
