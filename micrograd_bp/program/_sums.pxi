# The twin of sums.py. Included by _passes.pyx.


def terms(Nodes nodes not None, results, list varies not None, readers):
    """What to sum for each result: numbers, and products of two."""
    cdef dict plain = {}, products = {}, alike = {}
    cdef tuple operands, numbers, of_one
    cdef object i, k, shared, factor
    cdef Py_ssize_t n, j
    cdef int function
    cdef PyObject* found
    for i in results:
        if function_number(nodes, i) == OF_DOT:
            n = n_operands(nodes, i)
            alike[n] = alike.get(n, 0) + 1
    for k, i in enumerate(results):
        function = function_number(nodes, i)
        numbers, n = (i,), 0
        if (function == OF_MUL or function == OF_DOT) and not readers[i]:
            operands = operands_of(nodes, i)
            n = len(operands) // 2
            if n > 1 and alike[len(operands)] < 2 or not _all_vary(operands, n, varies):
                n = 0
            else:
                numbers = operands[2 * n :]
        for j in range(n):
            shared, factor = operands[n + j], operands[j]
            if varies[shared] is not True:
                shared, factor = factor, shared
            found = PyDict_GetItem(products, shared)
            if found is NULL:
                products[shared] = ([factor], [k])
            else:
                of_one = <tuple><object>found
                (<list>of_one[0]).append(factor)
                (<list>of_one[1]).append(k)
        for i in numbers:
            (<list>plain.setdefault(i, [])).append(k)
    return plain, products


cdef bint _all_vary(tuple operands, Py_ssize_t n, list varies) except -1:
    """Whether a factor of each of n products depends on the data."""
    cdef Py_ssize_t j
    for j in range(n):
        if varies[operands[n + j]] is not True and varies[operands[j]] is not True:
            return False
    return True
