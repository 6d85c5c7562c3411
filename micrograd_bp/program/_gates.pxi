# The twin of gates.py. Included by _passes.pyx.


cdef enum:  # what is known of a recorded node
    EDGED = 1  # it may be inf or nan, of finite inputs, by a pole or a domain
    GATED = 2  # there are gates that all its terms have


cdef int _adjoint(
    Numbered graph, list order, const unsigned int* places, Ints operands, const char* kinds,
    dict gates, recorded, object node
) except -1:
    """The number of a sum of local derivatives times adjoints, which are at places in the order."""
    cdef Py_ssize_t n = operands.n // 2, i
    cdef list masks = [None] * n
    cdef object shut, common = None
    cdef bint has_common = operands.n % 2 == 0, has_masks = False
    for i in range(n):
        if not (kinds[places[i]] | kinds[places[n + i]]) & GATED:
            has_common = False
            continue
        shut, other = gates.get(order[places[i]]), gates.get(order[places[n + i]])
        if shut is None:
            shut = other
        elif other is not None and other is not shut and len(other) < MOST_GATES:
            shut = shut | other
        if has_common and shut is not common:
            common = shut if common is None else common & shut
            has_common = bool(common)
        if kinds[places[i]] & EDGED and (
            order[places[i]] not in recorded or any([_is_where(graph, gate) for gate in shut])
        ):
            masks[i], has_masks = shut, True
    if has_common:
        gates[node] = common
    return _masked_sum(graph, operands, masks) if has_masks else graph._apply(OF_DOT, operands, ())


cdef bint _is_where(Numbered graph, Py_ssize_t number) except -1:
    return function_number(graph.nodes, number) == OF_WHERE


cdef int _of_two(Numbered graph, int what, int x, int y) except -1:
    cdef Ints both = Ints()
    both.append(x)
    both.append(y)
    return graph._apply(what, both, ())


cdef int _masked_sum(Numbered graph, Ints operands, list masks) except -1:
    """The number of a weighted sum, its terms masked by gates."""
    cdef Py_ssize_t n = operands.n // 2, i
    cdef int term, shutter, total
    cdef Ints terms = Ints()
    cdef list gates
    if operands.n % 2:
        terms.append(operands.of[2 * n])
    for i in range(n):
        term = _of_two(graph, OF_MUL, operands.of[i], operands.of[n + i])
        if masks[i] is not None:
            gates = sorted(masks[i])
            shutter = gates[0]
            for gate in gates[1:]:
                shutter = _of_two(graph, OF_MUL, shutter, gate)
            term = graph.apply(WHERE, (shutter, term, graph.constant(0.0)))
        terms.append(term)
    total = terms.of[0]
    for i in range(1, terms.n):
        total = _of_two(graph, OF_ADD, total, terms.of[i])
    return total
