# The twin of fusing.py. Included by _passes.pyx.


def varying(list nodes not None, Py_ssize_t n_inputs):
    """Which numbers depend on the data."""
    cdef list varies = [False] * len(nodes)
    cdef Py_ssize_t i, k
    for i in range(min(n_inputs, len(nodes))):
        varies[i] = True
    for i in range(len(nodes)):
        if is_instruction(nodes, i):
            for k in range(n_operands(nodes, i)):
                if varies[operand_of(nodes, i, k)] is True:
                    varies[i] = True
                    break
    return varies


def needed(list nodes not None, results):
    """The numbers that results are computed from, and they themselves, in order."""
    cdef bytearray found = bytearray(len(nodes))
    cdef Py_ssize_t i, k
    for i in results:
        found[i] = 1
    for i in range(len(nodes) - 1, -1, -1):
        if found[i] and is_instruction(nodes, i):
            for k in range(n_operands(nodes, i)):
                found[operand_of(nodes, i, k)] = 1
    return [i for i in range(len(nodes)) if found[i]]


def fused(list nodes not None, results, list varies not None):
    """The nodes, with u + v w as one ``dot`` wherever u or v w has no other reader."""
    cdef _Fusing fusing = _Fusing(nodes, results, varies)
    fusing.fuse()
    return fusing.nodes, fusing.read_by_others(results)


cdef class _Fusing:
    cdef list nodes, reached
    cdef list varies
    cdef list readers
    cdef bytearray swallowed

    def __cinit__(self, list nodes not None, results, list varies not None):
        cdef tuple node
        cdef object i, operand
        results = list(results)
        if len(varies) < len(nodes):
            raise ValueError("whether a node varies has to be known of each")
        self.nodes, self.varies = list(nodes), varies
        self.readers = [0] * len(nodes)
        self.swallowed = bytearray(len(nodes))
        for i in results:  # a result is never swallowed
            self.readers[i] += 2
        self.reached = needed(nodes, results)
        for i in self.reached:
            node = _as_instruction(nodes[i])
            if node is not None:
                for operand in <tuple?>node[2]:
                    self.readers[operand] = <Py_ssize_t>self.readers[operand] + 1

    cdef int fuse(self) except -1:
        cdef Py_ssize_t k, i
        cdef tuple node
        for k in range(len(self.reached) - 1, -1, -1):
            i = self.reached[k]
            node = _as_instruction(self.nodes[i])
            if node is not None and node[0] is ADD and not self.swallowed[i]:
                self.nodes[i] = self.chain(node, self.varies[i])
        self.nodes.append(1.0)
        self.varies.append(False)
        self.readers.append(0)
        return 0

    cdef list read_by_others(self, results):
        for i in results:
            self.readers[i] -= 2
        return self.readers

    cdef object chain(self, tuple whole, object kind):
        """A sum with the terms that it ends in, and the sum before them, as one ``dot``.

        They are products; or many plain terms, each times 1; else the sum is left as it is.
        """
        cdef list weights = [], factors = [], inner = []  # the last one first
        cdef tuple before, operands, bias
        cdef object base, term, product, number, one = len(self.swallowed)
        cdef Py_ssize_t n, k
        cdef bint of_products
        base, term, product = self.split(whole, kind)
        of_products = product is not None
        while True:
            if of_products:
                _put_pair(<tuple>product, weights, factors)
            else:
                weights.append(one)
                factors.append(term)
            bias = (base,)
            before = self.alone(base, kind)
            if before is None:
                break
            if before[0] is ADD:
                number = base
                base, term, product = self.split(before, kind)
                if (product is not None) != of_products:
                    break
                inner.append(number)
                continue
            if of_products and (before[0] is MUL or before[0] is SQUARE):
                _put_pair(before, weights, factors)
                bias = ()
            elif of_products and before[0] is DOT:
                operands = before[2]
                n = len(operands) // 2
                for k in range(n - 1, -1, -1):
                    weights.append(operands[k])
                    factors.append(operands[n + k])
                bias = operands[2 * n :]
            break
        if not of_products and len(weights) < MANY:
            return whole
        for number in inner:
            self.swallowed[number] = 1
        weights.reverse()
        factors.reverse()
        operands = (*weights, *factors, *bias)
        return _new(Record, (DOT, (), operands, -1, whole[4], whole[5]))

    cdef tuple split(self, tuple addition, object kind):
        """The sum before the last term, that term, and what it is if it is a product."""
        base, term = addition[2]
        cdef tuple found = self.product(term, kind)
        if found is None:
            found = self.product(base, kind)
            if found is not None:
                return term, base, found
        return base, term, found

    cdef tuple alone(self, object number, object kind):
        """An instruction with one reader, of the same kind as it."""
        cdef Py_ssize_t i = number
        if <Py_ssize_t>self.readers[i] != 1 or self.varies[i] is not kind:
            return None
        return _as_instruction(self.nodes[i])

    cdef tuple product(self, object number, object kind):
        cdef tuple node = self.alone(number, kind)
        if node is None or node[0] is not MUL and node[0] is not SQUARE:
            return None
        return node


cdef int _put_pair(tuple product, list weights, list factors) except -1:
    cdef tuple operands = product[2]
    weights.append(operands[0])
    factors.append(operands[len(operands) - 1])
    return 0
