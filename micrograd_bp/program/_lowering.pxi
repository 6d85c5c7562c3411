# The twin of lowering.py. Included by _passes.pyx.


cdef enum:
    N_PARENTS = 0x7FFFFFFF  # the other bit tells that a node may have a name
    N_RECENT = 64


cdef struct Recent:
    PyObject* operation
    int what  # the number of its function


def lower(list order not None, inputs, parameters, recorded):
    """A recorded graph with its constants folded and equal parts shared."""
    cdef Numbered graph = Numbered(len(inputs), len(parameters))
    cdef dict leaves = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    cdef dict gates = {}, pulled_back = {}, shares = {}
    cdef set edged = set()
    cdef object node, operation, known
    cdef tuple fixed
    cdef _Numbers numbers = _Numbers(order, leaves)
    cdef Ints found = numbers.found, operands = Ints()
    cdef bytearray wiring, kinds = bytearray(len(order))
    cdef list operations
    cdef const unsigned int* places
    cdef const unsigned int* own
    cdef Recent[N_RECENT] recent
    cdef Recent* one
    cdef Py_ssize_t k, j, n
    cdef int number, what, traits, kind
    cdef bint is_named
    wiring, operations = by_place(order)
    places = <const unsigned int*><const char*>wiring
    for k in range(N_RECENT):
        recent[k].operation = NULL
    for k in range(len(operations)):
        n, is_named = places[0] & N_PARENTS, places[0] > N_PARENTS
        places += 1
        if n == 0:
            node = order[k]
            known = leaves.get(node)
            found.append(graph.constant(node.data) if known is None else known)
            continue
        operation = operations[k]
        one = &recent[(<size_t><PyObject*>operation >> 4) % N_RECENT]
        fixed = ()
        if one.operation != <PyObject*>operation:
            fixed = operation.parameters
            one.operation = NULL if fixed else <PyObject*>operation
            one.what = graph.nodes.number_of(operation.function)
        what = one.what
        traits = graph._traits_of(what)
        operands.resize(n)
        kind = 0
        for j in range(n):
            if places[j] >= <size_t>k:
                raise ValueError(f"{order[k]!r} comes before a parent of it in the order")
            operands.of[j] = found.of[places[j]]
            kind |= kinds[places[j]]
        own, places = places, places + n
        if what == OF_THROUGH_SOFTMAX:
            number = through_softmax(graph, order[k], numbers, gates, edged, pulled_back)
        elif what == OF_SHARE:
            number = share(graph, order[k], numbers, shares)
        elif what == OF_DOT and kind & GATED and order[k] not in recorded:
            number = _adjoint(graph, order, own, operands, kinds, gates, recorded, order[k])
        else:
            number = graph._apply(what, operands, fixed)
        found.append(number)
        if traits & MAY_BE_GATE and order[k] not in recorded:
            opened = gate(graph, order[k], number, operands.as_list())
            if opened is not None:
                gates[order[k]] = frozenset([opened])
        kind &= EDGED
        if not kind and not traits & IS_SMOOTH:
            kind = has_edge(graph, operation, operands.as_list())
        if kind:
            edged.add(order[k])
        if gates and order[k] in gates:
            kind |= GATED
        kinds[k] = kind
        if is_named:
            node = order[k]
            graph.name(number, node.label, node.scope)
    return graph, numbers


cdef class _Numbers:
    """Which number is which node's: of those of an order that were found so far, and of leaves."""

    cdef list order
    cdef Ints found
    cdef dict known
    cdef Py_ssize_t n_known  # so many of those found

    def __cinit__(self, list order not None, dict leaves not None):
        self.order, self.known, self.found = order, {**leaves}, Ints()

    def __getitem__(self, node):
        cdef Py_ssize_t place = place_of(self.order, node), i
        if 0 <= place < self.found.n:
            return self.found.of[place]
        for i in range(self.n_known, self.found.n):  # it is a leaf elsewhere, or has lost its
            self.known[self.order[i]] = self.found.of[i]  # place, by a sort
        self.n_known = self.found.n
        return self.known[node]
