# The backward pass as a graph, compiled: the same nodes as by chain_rule.py. Included by _engine.pyx.
#
# What is unusual (data changed since the forward pass, a pole, a number that is not finite) is
# left to chain_rule.py, the readable way, which knows what to say about it.

cdef object PROD_OPERATION = functions.prod.operation
cdef object SOFTMAX = functions.softmax
cdef object LOGSUMEXP = functions.logsumexp
cdef size_t FEW = 3  # as in through_softmax.py


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


cdef inline bint _is_zero(Number* number) noexcept:
    return number.node is NULL and number.data == 0.0


cdef inline object _scalar(Number* number):
    return number.data if number.node is NULL else <object>number.node


cdef inline void _forget(Number* numbers, size_t n) noexcept:
    cdef size_t i
    if numbers is not NULL:
        for i in range(n):
            Py_XDECREF(numbers[i].node)
        free(numbers)


cdef inline PyObject* _new_operand(Number* number) except NULL:
    """A reference to the node, or to a new constant."""
    cdef Value node = _constant(number.data) if number.node is NULL else <Value>number.node
    Py_INCREF(node)
    return <PyObject*>node


def gradient_graph(Value output not None, list inputs not None, tuple to_lower=None):
    """d output / d input for each input, as Values, or None where something is unusual.

    To be called while recording. What the rules of the table raise is unusual too. A graph that is
    to be lowered, and no data of which was changed, comes with the functions of through_softmax.py.

    >>> x = Value(2.0)
    >>> (dx,) = gradient_graph(x * x * x, [x])
    >>> dx.data, dx.operation.name
    (12.0, 'dot')
    """
    cdef _Gradient gradient = _Gradient(output, inputs, to_lower)
    return gradient.results(inputs) if gradient.weigh() and gradient.sweep_back() else None


cdef class _Softmax:
    """The shares of the same operands, each once, by their places."""

    cdef tuple operands
    cdef size_t* shares  # by place: the node's number + 1, or 0
    cdef char* known  # of an operand: whether its adjoint has the term through the shares
    cdef Value mean  # the sum of adjoints times shares, once it is known
    cdef Value total  # the logsumexp, once a share is to be recorded

    def __cinit__(self, tuple operands not None):
        cdef size_t n = len(operands)
        self.operands = operands
        self.shares = <size_t*>calloc(n, sizeof(size_t) + 1)
        if self.shares is NULL:
            raise MemoryError("no memory for a gradient")
        self.known = <char*>(self.shares + n)

    def __dealloc__(self):
        free(self.shares)


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
    cdef Number* adjoints  # of a node; after those of the nodes, of the terms through softmaxes
    cdef size_t n_adjoints, n_terms
    cdef dict common  # what several nodes share, by the function and the parents
    cdef object through_softmax, share  # the functions, or None
    cdef dict by_operands  # lists of softmaxes
    cdef list softmaxes
    cdef size_t* softmax  # of a node that is a share: its place among the softmaxes, + 1, or 0

    def __cinit__(self, Value output not None, list inputs not None, tuple to_lower=None):
        cdef Value x
        cdef Py_ssize_t k, n_inputs = len(inputs)
        cdef size_t i, n, edge = 0
        cdef unsigned int j, size
        cdef PyObject** parents
        cdef PyObject* root = <PyObject*>output
        self.output, self.common = output, {}
        self.through_softmax, self.share = to_lower or (None, None)
        self.by_operands, self.softmaxes = {}, []
        _sort(&root, 1, &self.order)
        n = self.order.n
        for i in range(n):
            self.n_edges += (<Value>self.order.nodes[i])._size & SIZE
        self.first = <size_t*>calloc(4 * n + 1 + 3 * self.n_edges + n_inputs, sizeof(size_t))
        self.reached = <char*>calloc(n, 1)
        self.weights = <Number*>calloc(self.n_edges, sizeof(Number))
        if self.first is NULL or self.reached is NULL or self.weights is NULL:
            raise MemoryError("no memory for a gradient")
        self.found = self.first + n + 1
        self.last = self.found + n
        self.parent = self.last + n
        self.consumer = self.parent + self.n_edges
        self.following = self.consumer + self.n_edges
        self.softmax = self.following + self.n_edges
        self.place = self.softmax + n
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
        _forget(self.weights, self.n_edges)
        _forget(self.adjoints, self.n_adjoints)
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
                    if not self.weigh_node(i):
                        return False
                    self.reached[i] = True
                    break
        return True

    cdef bint weigh_node(self, size_t i) except -1:
        """Find the weights of the edges to a node's parents. False if something is unusual."""
        cdef Value node = <Value>self.order.nodes[i]
        cdef Number* weights = self.weights + self.first[i]
        cdef size_t n = node._size & SIZE, k
        cdef double* recorded
        cdef bint is_checked = self.through_softmax is not None
        cdef object function = node._operation.function
        if not is_checked or function is not LOGSUMEXP and (n < FEW or function is not SOFTMAX):
            return _weigh(node, weights, self.common, is_checked)
        recorded = _derivatives(node)
        for k in range(n):
            weights[k].data = recorded[k]
            if not isfinite(recorded[k]):
                return False
        if function is SOFTMAX:
            self.add_share(i, node)
            return True
        for k, term in enumerate(node.parents):
            weights[k] = _number(record(self.share, (term, node)))
        return True

    cdef int add_share(self, size_t i, Value node) except -1:
        cdef tuple operands = node.parents
        cdef size_t place = _place(node, len(operands))
        cdef list known = self.by_operands.setdefault(operands, [])
        cdef size_t number
        for number in known:
            if not (<_Softmax>self.softmaxes[number]).shares[place]:
                break
        else:
            number = len(self.softmaxes)
            known.append(number)
            self.softmaxes.append(_Softmax(operands))
            self.n_terms += len(operands)
        (<_Softmax>self.softmaxes[number]).shares[place] = i + 1
        self.softmax[i] = number + 1
        return 0

    cdef bint sweep_back(self) except -1:
        """The chain rule: each adjoint the weighted sum of the consumers' adjoints."""
        cdef size_t i = self.order.n, edge, parent
        self.adjoints = <Number*>calloc(i + self.n_terms, sizeof(Number))
        if self.adjoints is NULL:
            raise MemoryError("no memory for a gradient")
        self.n_adjoints = i
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
        if self.n_terms:
            self.gather(i)
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

    cdef int gather(self, size_t i) except -1:
        """Make the terms of an adjoint that come through a softmax one.

        The first of their edges stands for it, with the weight 1.
        """
        cdef size_t* link = self.found + i
        cdef size_t edge, consumer, j
        cdef _Softmax softmax
        while link[0]:
            edge = link[0] - 1
            consumer = self.consumer[edge]
            if self.softmax[consumer]:
                softmax = self.softmaxes[self.softmax[consumer] - 1]
                j = edge - self.first[consumer]
                if softmax.known[j] or _is_zero(self.adjoints + consumer):
                    link[0] = self.following[edge]
                    continue
                softmax.known[j] = True
                self.weights[edge].data = 1.0
                self.consumer[edge] = self.n_adjoints
                self.adjoints[self.n_adjoints] = self.term_through(softmax, j)
                self.n_adjoints += 1
            link = self.following + edge
        return 0

    cdef Value mean_of(self, _Softmax softmax):
        """The sum of adjoints times shares. The later shares come first, as in all adjoints."""
        cdef size_t n = len(softmax.operands), i
        cdef list places = [
            softmax.shares[i] - 1
            for i in range(n)
            if softmax.shares[i] and not _is_zero(self.adjoints + softmax.shares[i] - 1)
        ]
        cdef list shares = [], adjoints = []
        places.sort(reverse=True)
        for i in places:
            shares.append(<Value>self.order.nodes[i])
            adjoints.append(_scalar(self.adjoints + i))
        return _dot(shares, adjoints, None)

    cdef Number term_through(self, _Softmax softmax, size_t j) except *:
        """What comes to operand j of a softmax through all its shares."""
        cdef size_t i = softmax.shares[j]
        if softmax.mean is None:
            softmax.mean = self.mean_of(softmax)
        if i:
            share = <Value>self.order.nodes[i - 1]
            adjoint = _scalar(self.adjoints + i - 1)
        else:
            if softmax.total is None:
                softmax.total = record(LOGSUMEXP, softmax.operands)
            share, adjoint = record(self.share, (softmax.operands[j], softmax.total)), 0.0
        return _number(record(self.through_softmax, (softmax.mean, share, adjoint), (j,)))

    cdef bint vanishes(self, size_t edge) noexcept:
        """Whether a factor is the float 0: such a term is left out."""
        return _is_zero(self.weights + edge) or _is_zero(self.adjoints + self.consumer[edge])

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
cdef bint _weigh(Value node, Number* weights, dict common, bint is_checked) except -1:
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
    if is_checked:
        pass
    elif code is None:
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


cdef size_t _place(Value share, size_t n) except? 0:
    """Which of the n shares of a softmax a node is."""
    cdef size_t place = int((<object>share._operation).parameters[0])
    if place >= n:
        raise ValueError(f"{share!r} is not a share of its operands")
    return place
