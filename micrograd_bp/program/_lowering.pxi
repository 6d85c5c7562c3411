# The twin of lowering.py. Included by _passes.pyx.


cdef class _Buffer:
    """Numbers in memory."""

    cdef Py_ssize_t* at
    cdef Py_ssize_t n, room

    cdef int resize(self, Py_ssize_t n) except -1:
        if n > self.room:
            free(self.at)
            self.room = 2 * n
            self.at = <Py_ssize_t*>malloc(self.room * sizeof(Py_ssize_t))
            if self.at is NULL:
                self.room = 0
                raise MemoryError("no memory for the operands of a node")
        self.n = n
        return 0

    def __dealloc__(self):
        free(self.at)


cdef class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A table without keys tells what is known: it holds numbers, and the nodes are compared.
    """

    cdef readonly list nodes
    cdef readonly dict softmaxes
    cdef readonly Py_ssize_t n_inputs, n_parameters, n_leaves
    cdef list boxes  # each number as an object, which there is once
    cdef bytearray fixed  # which numbers are constants
    cdef Py_ssize_t* slots  # a number + 1, or 0
    cdef size_t* hashes  # of what is in a slot
    cdef size_t n_slots, n_known  # a power of two; how many are taken

    def __cinit__(self, Py_ssize_t n_inputs, Py_ssize_t n_parameters):
        if not (0 <= n_inputs <= MOST_LEAVES and 0 <= n_parameters <= MOST_LEAVES):
            raise ValueError(f"a program has up to {MOST_LEAVES} inputs and parameters")
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self.nodes = [None] * self.n_leaves
        self.boxes, self.fixed = [*range(self.n_leaves)], bytearray(self.n_leaves)
        self.softmaxes = {}
        self._grow(1024)

    def __dealloc__(self):
        free(self.slots)
        free(self.hashes)

    cdef int _grow(self, size_t n_slots) except -1:
        cdef Py_ssize_t* slots = <Py_ssize_t*>calloc(n_slots, sizeof(Py_ssize_t))
        cdef size_t* hashes = <size_t*>calloc(n_slots, sizeof(size_t))
        cdef size_t i, at
        if slots is NULL or hashes is NULL:
            free(slots)
            free(hashes)
            raise MemoryError("no memory for the nodes of a program")
        for i in range(self.n_slots):
            if self.slots[i]:
                at = self.hashes[i] & (n_slots - 1)
                while slots[at]:
                    at = (at + 1) & (n_slots - 1)
                slots[at], hashes[at] = self.slots[i], self.hashes[i]
        free(self.slots)
        free(self.hashes)
        self.slots, self.hashes, self.n_slots = slots, hashes, n_slots
        return 0

    cdef object _put(self, object node, bint is_fixed, size_t at, size_t hashed):
        """The number of a new node, which belongs into a free slot."""
        cdef object number = len(self.nodes)
        self.slots[at], self.hashes[at] = <Py_ssize_t>number + 1, hashed
        self.n_known += 1
        if 2 * self.n_known > self.n_slots:
            self._grow(4 * self.n_slots)
        self.nodes.append(node)
        self.boxes.append(number)
        self.fixed.append(is_fixed)
        return number

    def constant(self, double value):
        """The number of a constant."""
        cdef size_t hashed = 0, at
        cdef double other
        cdef object node
        memcpy(&hashed, &value, min(sizeof(size_t), sizeof(double)))
        hashed = _mixed(hashed, 1)
        at = hashed & (self.n_slots - 1)
        while self.slots[at]:
            if self.hashes[at] == hashed:
                node = self.nodes[self.slots[at] - 1]
                if isinstance(node, float):
                    other = node
                    if memcmp(&value, &other, sizeof(double)) == 0:
                        return self.slots[at] - 1
            at = (at + 1) & (self.n_slots - 1)
        return self._put(value, True, at, hashed)

    def constant_at(self, Py_ssize_t number):
        """The constant that a number is, if it is one."""
        node = self.nodes[number]
        return node if isinstance(node, float) else None

    def apply(self, function, operands, *parameters):
        """The number of a function of numbers: a known one where that is possible."""
        return self._apply(function, self._buffer(operands), parameters)

    def instruction(self, function, operands, *parameters):
        """The number of a function of numbers as it stands."""
        return self._number(function, self._buffer(operands), parameters)

    cdef _Buffer _buffer(self, operands):
        cdef _Buffer buffer = _Buffer()
        cdef Py_ssize_t i, k = 0
        buffer.resize(len(operands))
        for i in operands:
            if not 0 <= i < len(self.nodes):
                raise IndexError(f"{i} is not the number of a node")
            buffer.at[k] = i
            k += 1
        return buffer

    cdef list _boxed(self, _Buffer operands):
        return [self.boxes[operands.at[i]] for i in range(operands.n)]

    cdef object _apply(self, object function, _Buffer operands, tuple parameters):
        cdef Py_ssize_t n = operands.n, n_constants = 0, i
        cdef bint is_dot = function is DOT
        cdef const char* fixed = self.fixed
        cdef list numbers
        if is_dot and n == 2:
            function, is_dot = MUL, False
        for i in range(n):
            n_constants += fixed[operands.at[i]]
        if n_constants == n and n:
            constants = [self.nodes[operands.at[i]] for i in range(n)]
            return self.constant(function.value(*constants, *parameters))
        if n_constants or not (
            function is ADD
            or function is MUL
            or is_dot and n > 2 and not _is_square(operands.at, n)
        ):
            rule = SIMPLER.get(function)
            if rule is not None and (n_constants or function not in COMMUTATIVE):
                numbers = self._boxed(operands)
                constants = [self.nodes[i] if fixed[i] else None for i in numbers]
                simpler = rule(self, numbers, constants, parameters)
                if simpler is not None:
                    return simpler
        return self._number(function, operands, parameters)

    cdef object _number(self, object function, _Buffer operands, tuple parameters):
        """The number of an instruction, a new one where it is not known."""
        cdef Py_ssize_t n = operands.n, i
        cdef bint turned = False
        cdef size_t hashed = <size_t>(<PyObject*>function) >> 4, at
        cdef tuple own
        cdef object number
        if function is ADD or function is MUL:
            turned = operands.at[0] > operands.at[1]
        if parameters:
            hashed = _mixed(hashed, <size_t>hash(parameters))
        for i in range(n):
            hashed = _mixed(hashed, <size_t>operands.at[n - 1 - i if turned else i])
        at = hashed & (self.n_slots - 1)
        while self.slots[at]:
            if self.hashes[at] == hashed and self._is_at(
                self.slots[at] - 1, function, operands, parameters, turned
            ):
                return self.boxes[self.slots[at] - 1]
            at = (at + 1) & (self.n_slots - 1)
        own = PyTuple_New(n)
        for i in range(n):
            number = self.boxes[operands.at[i]]
            Py_INCREF(number)
            PyTuple_SET_ITEM(own, i, number)
        return self._put(_new(Record, (function, parameters, own, -1, "", "")), False, at, hashed)

    cdef bint _is_at(
        self, Py_ssize_t number, object function, _Buffer operands, tuple parameters, bint turned
    ) except -1:
        """Whether a number is that of an instruction."""
        cdef tuple node = _as_instruction(self.nodes[number]), others
        cdef Py_ssize_t n = operands.n, i
        if node is None or node[0] is not function:
            return False
        others = node[2]
        if len(others) != n or node[1] is not parameters and node[1] != parameters:
            return False
        if function is ADD or function is MUL:
            if <Py_ssize_t>others[0] > <Py_ssize_t>others[1]:
                turned = not turned
        for i in range(n):
            if <Py_ssize_t>others[i] != operands.at[n - 1 - i if turned else i]:
                return False
        return True

    def pulled_back(self, list shares not None, dict adjoints not None):
        """sum_i g_i ds_i/dx_j for all j."""
        cdef _Buffer operands = _Buffer()
        cdef Py_ssize_t one = self.constant(1.0), minus_one = self.constant(-1.0)
        cdef Py_ssize_t zero = self.constant(0.0), n = len(shares), k = len(adjoints), i, j
        cdef list of_shares, others = [], totals = [], found = []
        of_shares = [self.apply(MUL, [shares[i], g]) for i, g in adjoints.items()]
        self._buffer(shares)
        for j in range(n):
            operands.resize(2 * n)
            for i in range(n):
                operands.at[i] = zero if i == j else one
                operands.at[n + i] = shares[i]
            others.append(self._number(DOT, operands, ()))
        own = {j: self.apply(MUL, [others[j], g]) for j, g in adjoints.items()}
        for j in range(n):
            operands.resize(2 * k + (j in own))
            for i, place in enumerate(adjoints):
                operands.at[i] = zero if place == j else minus_one
                operands.at[k + i] = of_shares[i]
            if j in own:
                operands.at[2 * k] = own[j]
            totals.append(self._number(DOT, operands, ()))
        return [self.apply(MUL, [share, total]) for share, total in zip(shares, totals)]

    def name(self, Py_ssize_t number, label, scope):
        """Give an instruction a label and a scope, unless it has a label."""
        cdef tuple node = _as_instruction(self.nodes[number])
        if (label or scope) and node is not None and not node[4]:
            function, parameters, operands, _, _, known = node
            named = (function, parameters, operands, -1, label, known or scope)
            self.nodes[number] = _new(Record, named)

    def forget(self):
        """Release what told equal numbers."""
        free(self.slots)
        free(self.hashes)
        self.slots, self.hashes, self.n_slots, self.n_known = NULL, NULL, 0, 0
        self._grow(2)


cdef inline size_t _mixed(size_t hashed, size_t number) noexcept:
    hashed = (hashed ^ number) * <size_t>0x9E3779B97F4A7C15ULL
    return hashed ^ (hashed >> 29)


cdef inline bint _is_square(Py_ssize_t* operands, Py_ssize_t n) noexcept:
    """Whether a weighted sum is a b + a b."""
    return n == 4 and operands[0] == operands[1] and operands[2] == operands[3]


cdef bint _is_masked(
    Numbered graph, object node, tuple parents, dict gates, set edged, recorded
) except -1:
    """Whether a term of an adjoint has to be masked; if not, the gates of all terms are noted."""
    cdef Py_ssize_t n = len(parents) // 2, i
    cdef object shut, common = None
    cdef PyObject* first
    cdef PyObject* second
    cdef bint has_common = len(parents) % 2 == 0
    for i in range(n):
        first, second = PyDict_GetItem(gates, parents[i]), PyDict_GetItem(gates, parents[n + i])
        if first is NULL and second is NULL:
            has_common = False
            continue
        shut = <object>(second if first is NULL else first)
        if first is not NULL and second is not NULL and first is not second:
            shut = shut | <object>second
        if parents[i] in edged:
            if parents[i] not in recorded:
                return True
            for shutter in shut:
                instruction = _as_instruction(graph.nodes[shutter])
                if instruction is not None and instruction[0] is WHERE:
                    return True
        if has_common and shut is not common:
            common = shut if common is None else common & shut
            has_common = bool(common)
    if has_common:
        gates[node] = common
    return False


def lower(list order not None, inputs, parameters, recorded):
    """A recorded graph with its constants folded and equal parts shared."""
    cdef Numbered graph = Numbered(len(inputs), len(parameters))
    cdef dict numbers = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    cdef dict gates = {}, pulled_back = {}
    cdef set edged = set()
    cdef object node, operation, function, number
    cdef tuple fixed
    cdef list found = [None] * len(order)  # the number of each node
    cdef _Buffer operands = _Buffer()
    cdef bytearray wiring = parents_by_place(order), kinds = bytearray(len(order))
    cdef const unsigned int* places = <const unsigned int*><const char*>wiring
    cdef Py_ssize_t k, j, n, n_told = 0  # so many nodes are in numbers
    cdef bint is_edged, is_rare
    for k in range(len(order)):
        node = order[k]
        n = places[0]
        places += 1
        if n == 0:
            number = numbers.get(node)
            found[k] = graph.constant(node.data) if number is None else number
            continue
        operation = node.operation
        fixed = ()
        if operation is MULTIPLICATION:
            function = MUL
        elif operation is ADDITION:
            function = ADD
        elif operation is WEIGHTED_SUM:
            function = DOT
        else:
            function, fixed = operation.function, operation.parameters
        operands.resize(n)
        is_edged = False
        for j in range(n):
            operands.at[j] = found[places[j]]
            is_edged |= kinds[places[j]]
        places += n
        if not is_edged and function not in SMOOTH:
            is_edged = has_edge(graph, operation, graph._boxed(operands))
        is_rare = False
        if function is DOT and node not in recorded:
            if gates:
                is_rare = _is_masked(graph, node, node.parents, gates, edged, recorded)
        if function is THROUGH_SOFTMAX:
            numbers.update(zip(order[n_told:k], found[n_told:k]))
            n_told = k
            number = through_softmax(graph, node, numbers, gates, edged, pulled_back)
        elif is_rare:
            number = adjoint(graph, node, graph._boxed(operands), gates, edged, recorded)
        else:
            number = graph._apply(function, operands, fixed)
        found[k] = number
        if is_edged:
            kinds[k] = True
            edged.add(node)
        if function in MAY_BE_GATES and node not in recorded:
            opened = gate(graph, node, number, graph._boxed(operands))
            if opened is not None:
                gates[node] = frozenset([opened])
        label, scope = node.label, node.scope
        if label or scope:
            graph.name(number, label, scope)
    numbers.update(zip(order[n_told:], found[n_told:]))
    return graph, numbers


def check_nodes(order, parameters):
    """Raise where the graph cannot be evaluated again, or not be differentiated, as recorded."""
    cdef set moving = set(parameters)
    cdef dict common = {}  # what several nodes share, by the function and the parents
    cdef object node, parent, operation
    cdef tuple parents, slopes
    cdef double slope
    cdef bint moves
    for node in order:
        parents = node.parents
        if not parents:
            continue
        operation, slopes = node.operation, node.local_derivatives
        if not _is_unchanged(node, operation, parents, slopes, common):
            check_node(node)
        moves = False
        for parent in parents:
            if parent in moving:
                moves = True
                break
        if moves:
            moving.add(node)
            for slope in slopes:
                if not isfinite(slope):
                    refuse_infinite_slopes(node)


cdef bint _is_unchanged(
    object node, object operation, tuple parents, tuple slopes, dict common
) except -1:
    """Whether a node is what its parents' data give; of a choice that is not looked at."""
    cdef Py_ssize_t n = len(parents), half = n // 2, i
    cdef double x, y, total = 0.0
    if len(slopes) != n:
        return False
    if operation is MULTIPLICATION or operation is ADDITION:
        x, y = parents[0].data, parents[1].data
        if operation is ADDITION:
            return node.data == x + y
        return node.data == x * y and slopes[0] == y and slopes[1] == x
    if operation is WEIGHTED_SUM:
        if n % 2:
            total = parents[n - 1].data
        for i in range(half):
            x, y = parents[i].data, parents[half + i].data
            if slopes[i] != y or slopes[half + i] != x:
                return False
            total += x * y
        return node.data == total
    function, fixed = operation.function, operation.parameters
    if function is WHERE:
        return False
    numbers, shared = [parent.data for parent in parents], {}
    if function is SOFTMAX:
        key = (function, *parents)
        if key not in common:
            common[key] = function.common(*numbers)
        shared = {"common": common[key]}
        value = common[key][int(fixed[0])]
    else:
        value = function.value(*numbers, *fixed)
    return value == node.data and function.partials(*numbers, *fixed, **shared) == slopes
