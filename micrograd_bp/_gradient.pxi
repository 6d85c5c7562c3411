# The backward pass as a graph, compiled: the same nodes as by chain_rule.py. Included by _engine.pyx.
#
# What is unusual (data changed since the forward pass, a pole, a number that is not finite) is
# left to chain_rule.py, the readable way, which knows what to say about it.

cdef object PROD_OPERATION = functions.prod.operation


cdef struct Number:  # a weight or an adjoint: a float, or the data of a node, which is owned
    PyObject* node
    double data


cdef inline Number _number(object x) except *:
    cdef Number number
    if isinstance(x, Value):
        Py_INCREF(x)
        number.node = <PyObject*>x
        number.data = (<Value>x)._data
    else:
        number.node = NULL
        number.data = x
    return number


cdef inline bint _is_one(Number* number) noexcept:
    return number.node is NULL and number.data == 1.0


cdef inline PyObject* _new_operand(Number* number) except NULL:
    """A reference to the node, or to a new constant."""
    cdef Value node = _constant(number.data) if number.node is NULL else <Value>number.node
    Py_INCREF(node)
    return <PyObject*>node


def gradient_graph(Value output not None, list inputs not None):
    """d output / d input for each input, as Values, or None where something is unusual.

    To be called while recording. What the rules of the table raise is unusual too.

    >>> x = Value(2.0)
    >>> (dx,) = gradient_graph(x * x * x, [x])
    >>> dx.data, dx.operation.name
    (12.0, 'dot')
    """
    cdef _Gradient gradient = _Gradient(output, inputs)
    return gradient.results(inputs) if gradient.weigh() and gradient.sweep_back() else None


@cython.nonecheck(False)
cdef class _Gradient:
    # Nodes and edges by number, a node's being its place in the topological order. The places
    # are copied from the nodes at once: the rules of the table are Python, and while one runs
    # another graph may be sorted.
    cdef Value output
    cdef Order order
    cdef size_t n_edges
    cdef size_t* first  # of a node: its first edge, to its first parent; the others follow
    cdef size_t* parent  # of an edge
    cdef size_t* consumer  # of an edge: the node itself
    cdef size_t* following  # of an edge: the next to the same parent, by falling consumers; or 0
    cdef size_t* found  # of a node: the first edge to it, + 1, or 0
    cdef size_t* last  # and the last
    cdef size_t* place  # of an input
    cdef char* reached  # whether a node depends on an input
    cdef Number* weights  # of an edge: the local derivative
    cdef Number* adjoints  # of a node
    cdef dict common  # what several nodes share, by the function and the parents

    def __cinit__(self, Value output not None, list inputs not None):
        cdef Value x
        cdef Py_ssize_t k, n_inputs = len(inputs)
        cdef size_t i, n, edge = 0
        cdef unsigned int j, size
        cdef PyObject** parents
        cdef PyObject* root = <PyObject*>output
        self.output, self.common = output, {}
        _sort(&root, 1, &self.order)
        n = self.order.n
        for i in range(n):
            self.n_edges += (<Value>self.order.nodes[i])._size & SIZE
        self.first = <size_t*>calloc(3 * n + 1 + 3 * self.n_edges + n_inputs, sizeof(size_t))
        self.reached = <char*>calloc(n, 1)
        self.weights = <Number*>calloc(self.n_edges + n, sizeof(Number))
        if self.first is NULL or self.reached is NULL or self.weights is NULL:
            raise MemoryError("no memory for a gradient")
        self.found = self.first + n + 1
        self.last = self.found + n
        self.parent = self.last + n
        self.consumer = self.parent + self.n_edges
        self.following = self.consumer + self.n_edges
        self.place = self.following + self.n_edges
        self.adjoints = self.weights + self.n_edges
        for i in range(n):
            size = (<Value>self.order.nodes[i])._size & SIZE
            parents = _parents(<Value>self.order.nodes[i])
            for j in range(size):
                self.parent[edge] = (<Value>parents[j])._position
                self.consumer[edge] = i
                edge += 1
            self.first[i + 1] = edge
        for k in range(n_inputs):
            x = inputs[k]
            if x is None:
                raise TypeError("a gradient is by Values, not by None")
            self.place[k] = x._position if x._mark == _last_mark else n
            if self.place[k] < n:
                self.reached[self.place[k]] = True

    def __dealloc__(self):
        cdef size_t i
        if self.weights is not NULL:
            for i in range(self.n_edges + self.order.n):
                if self.weights[i].node is not NULL:
                    Py_DECREF(<object>self.weights[i].node)
        free(self.weights)
        free(self.reached)
        free(self.first)
        free(self.order.nodes)

    cdef bint weigh(self) except -1:
        """Find the nodes that depend on inputs, and the weights of their edges."""
        cdef size_t i, edge
        for i in range(self.order.n):
            if i % CHECK_SIGNALS == 0:
                PyErr_CheckSignals()
            for edge in range(self.first[i], self.first[i + 1]):
                if self.reached[self.parent[edge]]:
                    if not _weigh(<Value>self.order.nodes[i], self.weights + self.first[i], self.common):
                        return False
                    self.reached[i] = True
                    break
        return True

    cdef bint sweep_back(self) except -1:
        """The chain rule: each adjoint the weighted sum of the consumers' adjoints."""
        cdef size_t i = self.order.n, edge, parent
        self.adjoints[i - 1].data = 1.0
        while i > 0:
            i -= 1
            if i % CHECK_SIGNALS == 0:
                PyErr_CheckSignals()
            if not self.reached[i]:
                continue
            if self.found[i] and not self.sum_up(i):
                return False
            for edge in range(self.first[i], self.first[i + 1]):
                parent = self.parent[edge]
                if not self.reached[parent]:
                    continue
                if self.found[parent]:
                    self.following[self.last[parent]] = edge + 1
                else:
                    self.found[parent] = edge + 1
                self.last[parent] = edge
        return True

    cdef bint sum_up(self, size_t i) except -1:
        """The adjoint of a node, from those of its consumers: a dot node, if it takes one."""
        cdef size_t edge, n_terms = 0, only = 0, k = 0
        cdef bint floats = True
        cdef double total = 0.0
        cdef Number* weight
        cdef Number* adjoint
        cdef Value node
        cdef PyObject** parents
        cdef double* derivatives
        edge = self.found[i]
        while edge:
            weight = self.weights + edge - 1
            adjoint = self.adjoints + self.consumer[edge - 1]
            if not self.vanishes(edge - 1):
                floats = floats and weight.node is NULL and adjoint.node is NULL
                total += weight.data * adjoint.data
                only = edge - 1
                n_terms += 1
            edge = self.following[edge - 1]
        if not isfinite(total):
            return False
        weight = self.weights + only
        adjoint = self.adjoints + self.consumer[only]
        if n_terms == 1 and (_is_one(weight) or _is_one(adjoint)):
            self.adjoints[i] = adjoint[0] if _is_one(weight) else weight[0]
            if self.adjoints[i].node is not NULL:
                Py_INCREF(<object>self.adjoints[i].node)
            return True
        self.adjoints[i].data = total
        if floats:
            return True
        node = _node(DOT_OPERATION, total)
        Py_INCREF(node)
        self.adjoints[i].node = <PyObject*>node
        parents = <PyObject**>calloc(2 * n_terms, sizeof(PyObject*) + sizeof(double))
        if parents is NULL:
            raise MemoryError("no memory for the adjoint of a node")
        derivatives = <double*>(parents + 2 * n_terms)
        edge = self.found[i]
        while edge:
            if not self.vanishes(edge - 1):
                weight = self.weights + edge - 1
                adjoint = self.adjoints + self.consumer[edge - 1]
                parents[k] = _new_operand(weight)
                parents[n_terms + k] = _new_operand(adjoint)
                derivatives[k] = adjoint.data
                derivatives[n_terms + k] = weight.data
                k += 1
            edge = self.following[edge - 1]
        if n_terms == 1:
            node._first, node._second = parents[0], parents[1]
            node._first_derivative, node._second_derivative = derivatives[0], derivatives[1]
            free(parents)
        else:
            node._first = <PyObject*>parents
        node._size = <unsigned int>(2 * n_terms)
        return True

    cdef bint vanishes(self, size_t edge) noexcept:
        """Whether a factor is the float 0: such a term is left out."""
        cdef Number* adjoint = self.adjoints + self.consumer[edge]
        return (self.weights[edge].node is NULL and self.weights[edge].data == 0.0) or (
            adjoint.node is NULL and adjoint.data == 0.0
        )

    cdef list results(self, list inputs):
        """The adjoints of the inputs, as nodes of their own: none of them a node of the graph."""
        cdef Number* adjoint
        cdef Py_ssize_t k
        cdef PyObject* root = <PyObject*>self.output
        cdef list nodes = [], found = []
        for k in range(len(inputs)):
            adjoint = self.adjoints + self.place[k]
            if self.place[k] == self.order.n:
                nodes.append(_constant(0.0))
            elif adjoint.node is NULL:
                nodes.append(_constant(adjoint.data))
            else:
                nodes.append(<object>adjoint.node)
        free(self.order.nodes)
        self.order.nodes = NULL
        cdef Order again = Order(NULL, 0, False)
        try:
            _sort(&root, 1, &again)
        finally:
            free(again.nodes)
        cdef Mark mark = _last_mark
        cdef list of_graph = [(<Value>node)._mark == mark for node in nodes]
        for node, inside in zip(nodes, of_graph):
            found.append(
                _unary_node(PROD_OPERATION, node, (<Value>node)._data, 1.0) if inside else node
            )
        return found


@cython.nonecheck(False)
cdef bint _weigh(Value node, Number* weights, dict common) except -1:
    """The local derivatives by the rule of the table, run on the parents themselves.

    False if something is unusual.
    """
    cdef object operation = node._operation
    cdef unsigned int n = node._size & SIZE, half = n // 2, i
    cdef PyObject** parents = _parents(node)
    cdef double* recorded = _derivatives(node)
    cdef double x = (<Value>parents[0])._data
    cdef double y = (<Value>parents[1])._data if n > 1 else 0.0
    cdef double data, slope
    for i in range(n):
        if not isfinite(recorded[i]):
            return False
    if operation is ADD_OPERATION or operation is SUB_OPERATION:
        weights[0].data = 1.0
        weights[1].data = 1.0 if operation is ADD_OPERATION else -1.0
        return node._data == x + weights[1].data * y
    if operation is MUL_OPERATION:
        weights[0] = _number(<object>parents[1])
        weights[1] = _number(<object>parents[0])
        return node._data == x * y and recorded[0] == y and recorded[1] == x
    if operation is DOT_OPERATION:
        data = (<Value>parents[n - 1])._data if n % 2 else 0.0
        weights[n - 1].data = 1.0
        for i in range(half):
            weights[i] = _number(<object>parents[half + i])
            weights[half + i] = _number(<object>parents[i])
            if recorded[i] != weights[i].data or recorded[half + i] != weights[half + i].data:
                return False
            data += recorded[half + i] * recorded[i]
        return node._data == data
    code = _codes.get(operation.function)
    if code is None:
        messages.refuse_changed(node)
    elif not (_unary_numbers(code, x, &data, &slope) and data == node._data and slope == recorded[0]):
        return False
    function, operands, shared = operation.function, node.parents, {}
    if function.common is not None:
        key = (function, *operands)
        if key not in common:
            common[key] = function.common(*operands)
        shared = {"common": common[key]}
    for i, number in enumerate(function.partials(*operands, *operation.parameters, **shared)):
        weights[i] = _number(number)
        if not isfinite(weights[i].data):
            return False
    return True
