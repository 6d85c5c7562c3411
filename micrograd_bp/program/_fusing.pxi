# The twin of fusing.py. Included by _passes.pyx.


def varying(Nodes nodes not None, Py_ssize_t n_inputs):
    """Which numbers depend on the data."""
    cdef list varies = [False] * nodes.n
    cdef Node* node
    cdef Py_ssize_t i, k
    for i in range(min(n_inputs, nodes.n)):
        varies[i] = True
    for i in range(nodes.n):
        node = &nodes.at[i]
        for k in range(node.n_operands):
            if varies[nodes.operands.of[node.held.first + k]] is True:
                varies[i] = True
                break
    return varies


def needed(Nodes nodes not None, results):
    """The numbers that results are computed from, and they themselves, in order."""
    cdef bytearray found = _reached(nodes, list(results))
    cdef Ints numbers = Ints()
    cdef int i
    for i in range(<int>len(found)):
        if found[i]:
            numbers.append(i)
    return numbers


cdef bytearray _reached(Nodes nodes, list results):
    """Which numbers are needed."""
    cdef bytearray found = bytearray(nodes.n)
    cdef char* reached = found
    cdef Node* node
    cdef Py_ssize_t i, k
    for i in results:
        _node_at(nodes, i)
        reached[i] = 1
    for i in range(nodes.n - 1, -1, -1):
        if reached[i]:
            node = &nodes.at[i]
            for k in range(node.n_operands):
                reached[nodes.operands.of[node.held.first + k]] = 1
    return found


def fused(Nodes nodes not None, results, list varies not None):
    """The nodes, with u + v w as one ``dot`` wherever u or v w has no other reader."""
    cdef _Fusing fusing = _Fusing(nodes, results, varies)
    fusing.fuse()
    return fusing.nodes, fusing.readers


cdef class _Fusing:
    cdef Nodes nodes
    cdef list results, varies
    cdef Ints readers  # how many there are of each node
    cdef bytearray reached, swallowed
    cdef Ints weights, factors, inner  # of a sum, the last one first

    def __cinit__(self, Nodes nodes not None, results, list varies not None):
        cdef Node* node
        cdef int* readers
        cdef Py_ssize_t i, k
        if len(varies) < nodes.n:
            raise ValueError("whether a node varies has to be known of each")
        self.results = [<Py_ssize_t>i for i in results]
        self.nodes, self.varies = nodes.copy(), varies
        self.readers = _ints(nodes.n + 1, 0)
        self.swallowed = bytearray(nodes.n)
        self.weights, self.factors, self.inner = Ints(), Ints(), Ints()
        self.reached = _reached(nodes, self.results)
        readers = self.readers.of
        for i in self.results:  # a result is never swallowed
            readers[i] += 2
        for i in range(nodes.n):
            if self.reached[i]:
                node = &nodes.at[i]
                for k in range(node.n_operands):
                    readers[nodes.operands.of[node.held.first + k]] += 1

    cdef int fuse(self) except -1:
        cdef Py_ssize_t i
        for i in range(self.nodes.n - 1, -1, -1):
            if self.reached[i] and self.nodes.at[i].function == OF_ADD and not self.swallowed[i]:
                self.chain(i)
        self.nodes.add_constant(1.0)
        self.varies.append(False)
        for i in self.results:
            self.readers.of[i] -= 2
        return 0

    cdef int chain(self, Py_ssize_t whole) except -1:
        """A sum with the terms that it ends in, and the sum before them, becomes one ``dot``.

        They are products; or many plain terms, each times 1; else the sum is left as it is.
        """
        cdef Ints weights = self.weights, factors = self.factors, inner = self.inner
        cdef const int* operands
        cdef Node* before
        cdef Py_ssize_t base, term, number, bias, n, k, one = len(self.swallowed)
        cdef bint of_products = self.split(whole, whole, &base, &term)
        cdef int* own
        weights.n = factors.n = inner.n = 0
        while True:
            if of_products:
                self.put_pair(term)
            else:
                weights.append(one)
                factors.append(term)
            bias = base
            if not self.is_alone(base, whole):
                break
            before = &self.nodes.at[base]
            if before.function == OF_ADD:
                number = base
                if self.split(number, whole, &base, &term) != of_products:
                    break
                inner.append(number)
                if inner.n > self.nodes.n:
                    raise ValueError("a sum is a term of itself")
                continue
            if of_products and (before.function == OF_MUL or before.function == OF_SQUARE):
                self.put_pair(base)
                bias = -1
            elif of_products and before.function == OF_DOT:
                operands = &self.nodes.operands.of[before.held.first]
                n = before.n_operands // 2
                for k in range(n - 1, -1, -1):
                    weights.append(operands[k])
                    factors.append(operands[n + k])
                bias = operands[2 * n] if before.n_operands % 2 else -1
            break
        n = weights.n
        if not of_products and n < MANY_TERMS:
            return 0
        for k in range(inner.n):
            self.swallowed[inner.of[k]] = 1
        own = self.becomes_dot(whole, 2 * n + (bias >= 0))
        for k in range(n):
            own[k] = weights.of[n - 1 - k]
            own[n + k] = factors.of[n - 1 - k]
        if bias >= 0:
            own[2 * n] = <int>bias
        return 0

    cdef bint split(
        self, Py_ssize_t addition, Py_ssize_t whole, Py_ssize_t* base, Py_ssize_t* term
    ) except -1:
        """The sum before the last term, and that term; whether it is a product."""
        cdef const int* operands = &self.nodes.operands.of[self.nodes.at[addition].held.first]
        cdef bint is_last = self.is_product(operands[1], whole)
        cdef bint is_product = is_last or self.is_product(operands[0], whole)
        base[0], term[0] = operands[0], operands[1]
        if is_product and not is_last:
            base[0], term[0] = operands[1], operands[0]
        return is_product

    cdef int* becomes_dot(self, Py_ssize_t i, Py_ssize_t n) except NULL:
        """Where the operands of a weighted sum in the place of a node are to be put."""
        cdef Node* node = &self.nodes.at[i]
        node.function, node.parameters = OF_DOT, 0
        return self.nodes.add_operands(node, n)

    cdef bint is_alone(self, Py_ssize_t i, Py_ssize_t whole) except -1:
        """Whether a number is an instruction with one reader, and varies as that does."""
        if self.readers.of[i] != 1 or self.varies[i] is not self.varies[whole]:
            return False
        return self.nodes.at[i].function >= 0

    cdef bint is_product(self, Py_ssize_t i, Py_ssize_t whole) except -1:
        cdef int function = self.nodes.at[i].function
        return (function == OF_MUL or function == OF_SQUARE) and self.is_alone(i, whole)

    cdef int put_pair(self, Py_ssize_t product) except -1:
        cdef Node* node = &self.nodes.at[product]
        self.weights.append(self.nodes.operands.of[node.held.first])
        self.factors.append(self.nodes.operands.of[node.held.first + node.n_operands - 1])
        return 0


cdef Py_ssize_t MANY_TERMS = MANY
