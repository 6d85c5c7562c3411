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

    cdef int append(self, Py_ssize_t number) except -1:
        if self.n == self.room:
            self.room = _enlarged(<void**>&self.at, self.n + 1, self.room, sizeof(Py_ssize_t))
        self.at[self.n] = number
        self.n += 1
        return 0

    def __dealloc__(self):
        free(self.at)


cdef enum:
    IS_SMOOTH = 1
    MAY_BE_GATE = 2
    HAS_RULE = 4
    N_PARENTS = 0x7FFFFFFF  # the other bit tells that a node may have a name
    N_RECENT = 64


cdef struct NumberSlot:
    unsigned int number  # and 1, or 0 of a free slot
    unsigned int hashed


cdef class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A table without keys tells what is known: it holds numbers, and the nodes are compared.
    """

    cdef readonly Nodes nodes
    cdef readonly dict softmaxes
    cdef _Buffer last_terms  # of a softmax
    cdef list last_shares
    cdef readonly Py_ssize_t n_inputs, n_parameters, n_leaves
    cdef bytearray traits  # of each function that a node may have
    cdef NumberSlot* slots
    cdef size_t n_slots, n_known  # a power of two; how many are taken

    def __cinit__(self, Py_ssize_t n_inputs, Py_ssize_t n_parameters):
        if not (0 <= n_inputs <= MOST_LEAVES and 0 <= n_parameters <= MOST_LEAVES):
            raise ValueError(f"a program has up to {MOST_LEAVES} inputs and parameters")
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self.nodes = Nodes()
        self.nodes.add_leaves(self.n_leaves)
        self.traits = bytearray()
        self.softmaxes, self.last_terms = {}, _Buffer()
        self._grow(1024)

    def __dealloc__(self):
        free(self.slots)

    cdef int _grow(self, size_t n_slots) except -1:
        cdef NumberSlot* slots = <NumberSlot*>calloc(n_slots, sizeof(NumberSlot))
        cdef size_t i, at
        if slots is NULL:
            raise MemoryError("no memory for the nodes of a program")
        for i in range(self.n_slots):
            if self.slots[i].number:
                at = self.slots[i].hashed & (n_slots - 1)
                while slots[at].number:
                    at = (at + 1) & (n_slots - 1)
                slots[at] = self.slots[i]
        free(self.slots)
        self.slots, self.n_slots = slots, n_slots
        return 0

    cdef Py_ssize_t _known(self, size_t at, unsigned int hashed) except -1:
        """The newest node is the number of what belongs into a free slot."""
        cdef Py_ssize_t number = self.nodes.n - 1
        at &= self.n_slots - 1
        if 2 * self.n_known >= self.n_slots:  # so one is free always
            self._grow(4 * self.n_slots)
            at = hashed & (self.n_slots - 1)
            while self.slots[at].number:
                at = (at + 1) & (self.n_slots - 1)
        self.slots[at].number, self.slots[at].hashed = <unsigned int>(number + 1), hashed
        self.n_known += 1
        return number

    cpdef Py_ssize_t constant(self, double value) except -1:
        """The number of a constant."""
        cdef size_t bits = 0, at
        cdef unsigned int hashed
        cdef Node* node
        memcpy(&bits, &value, min(sizeof(size_t), sizeof(double)))
        hashed = _folded(_mixed(bits, 1))
        at = hashed & (self.n_slots - 1)
        while self.slots[at].number:
            if self.slots[at].hashed == hashed:
                node = &self.nodes.at[self.slots[at].number - 1]
                if node.function == CONSTANT:
                    if memcmp(&value, &node.held.value, sizeof(double)) == 0:
                        return self.slots[at].number - 1
            at = (at + 1) & (self.n_slots - 1)
        self.nodes.add_constant(value)
        return self._known(at, hashed)

    def constant_at(self, Py_ssize_t number):
        """The constant that a number is, if it is one."""
        return self.nodes[number] if is_constant(self.nodes, number) else None

    def apply(self, function, operands, *parameters):
        """The number of a function of numbers: a known one where that is possible."""
        return self._apply(self.nodes.number_of(function), self._buffer(operands), parameters)

    def instruction(self, function, operands, *parameters):
        """The number of a function of numbers as it stands."""
        return self._number(self.nodes.number_of(function), self._buffer(operands), parameters)

    cdef _Buffer _buffer(self, operands):
        cdef _Buffer buffer = _Buffer()
        cdef Py_ssize_t i, k = 0
        operands = tuple(operands)
        buffer.resize(len(operands))
        for i in operands:
            if not 0 <= i < self.nodes.n:
                raise IndexError(f"{i} is not the number of a node")
            buffer.at[k] = i
            k += 1
        return buffer

    cdef list _boxed(self, _Buffer operands):
        return [operands.at[i] for i in range(operands.n)]

    cdef Py_ssize_t _apply(self, int what, _Buffer operands, tuple parameters) except -1:
        """That of a function by its number."""
        cdef Py_ssize_t n = operands.n, n_constants = 0, i
        cdef list constants
        if what == OF_DOT and n == 2:
            what = OF_MUL
        if what == OF_SOFTMAX and self._are_last_terms(operands):
            return self.last_shares[int(parameters[0])]
        for i in range(n):
            n_constants += self.nodes.at[operands.at[i]].function == CONSTANT
        if n_constants == n and n:
            function = self.nodes.functions[what]
            constants = [self.nodes[operands.at[i]] for i in range(n)]
            return self.constant(function.value(*constants, *parameters))
        if self._may_be_simpler(what, operands, n_constants):
            if what == OF_DOT and self._has_ones(operands):
                return self._without_ones(operands)
            constants = [self.constant_at(operands.at[i]) for i in range(n)]
            rule = SIMPLER[self.nodes.functions[what]]
            simpler = rule(self, self._boxed(operands), constants, parameters)
            if simpler is not None:
                if what == OF_SOFTMAX:
                    self._keep_last_terms(operands)
                return simpler
        return self._number(what, operands, parameters)

    cdef bint _may_be_simpler(self, int what, _Buffer operands, Py_ssize_t n_constants) except -1:
        """Whether a rule of lowering.py may have a simpler form: of sums and products few do."""
        cdef Py_ssize_t n = operands.n, i
        cdef Node* node
        cdef const int* own
        if what > OF_DOT:
            return self._traits_of(what) & HAS_RULE
        if what == OF_DOT and (n < 3 or _is_square(operands.at, n)):
            return True
        for i in range(n if n_constants else 0):
            node = &self.nodes.at[operands.at[i]]
            if node.function == CONSTANT:
                if node.held.value == 0.0 and what != OF_MUL:
                    return True
                if node.held.value == 1.0 and what != OF_ADD:
                    return True
            elif what == OF_MUL and node.function == OF_MUL:
                own = &self.nodes.operands[node.held.first]
                if CONSTANT in (self.nodes.at[own[0]].function, self.nodes.at[own[1]].function):
                    return True
        return False

    cdef bint _is_constant(self, Py_ssize_t number, double value) noexcept:
        cdef Node* node = &self.nodes.at[number]
        return node.function == CONSTANT and node.held.value == value

    cdef bint _has_ones(self, _Buffer operands) noexcept:
        """Whether a factor of a weighted sum is 1, and its bias not 0."""
        cdef Py_ssize_t n = operands.n, i
        if n < 3 or n % 2 and self._is_constant(operands.at[n - 1], 0.0):
            return False
        for i in range(n // 2 * 2):
            if self._is_constant(operands.at[i], 1.0):
                return True
        return False

    cdef Py_ssize_t _without_ones(self, _Buffer operands) except -1:
        """A weighted sum whose terms with a factor 1 are no products: a bias, or added."""
        cdef Py_ssize_t n = operands.n // 2, i, total
        cdef _Buffer kept = _Buffer(), factors = _Buffer(), added = _Buffer()
        if operands.n % 2:
            added.append(operands.at[2 * n])
        for i in range(n):
            if self._is_constant(operands.at[i], 1.0):
                added.append(operands.at[n + i])
            elif self._is_constant(operands.at[n + i], 1.0):
                added.append(operands.at[i])
            else:
                kept.append(operands.at[i])
                factors.append(operands.at[n + i])
        for i in range(factors.n):
            kept.append(factors.at[i])
        kept.append(added.at[0])
        total = self._apply(OF_DOT, kept, ())
        for i in range(1, added.n):
            kept.n = 0
            kept.append(total)
            kept.append(added.at[i])
            total = self._apply(OF_ADD, kept, ())
        return total

    cdef inline int _traits_of(self, int what) except -1:
        """What lowering.py has to say of a function."""
        while what >= len(self.traits):
            function = self.nodes.functions[len(self.traits)]
            self.traits.append(
                (IS_SMOOTH if function in SMOOTH else 0)
                | (MAY_BE_GATE if function in MAY_BE_GATES else 0)
                | (HAS_RULE if function in SIMPLER else 0)
            )
        return self.traits[what]

    cdef bint _are_last_terms(self, _Buffer terms) noexcept:
        cdef _Buffer last = self.last_terms
        return last.n == terms.n and memcmp(last.at, terms.at, last.n * sizeof(Py_ssize_t)) == 0

    cdef int _keep_last_terms(self, _Buffer terms) except -1:
        """The shares of a softmax are asked for one after the other."""
        self.last_terms.resize(0)
        self.last_shares = self.softmaxes[tuple(self._boxed(terms))]
        self.last_terms.resize(terms.n)
        memcpy(self.last_terms.at, terms.at, terms.n * sizeof(Py_ssize_t))
        return 0

    cdef Py_ssize_t _number(self, int what, _Buffer operands, tuple parameters) except -1:
        """The number of an instruction, a new one where it is not known."""
        cdef Py_ssize_t n = operands.n, i
        cdef bint turned = False
        cdef size_t mixed = <size_t>what, at
        cdef unsigned int hashed
        cdef int* own
        _check_arity(what, n)
        if what == OF_ADD or what == OF_MUL:
            turned = operands.at[0] > operands.at[1]
        if parameters:
            mixed = _mixed(mixed, <size_t>hash(parameters))
        for i in range(n):
            mixed = _mixed(mixed, <size_t>operands.at[n - 1 - i if turned else i])
        hashed = _folded(mixed)
        at = hashed & (self.n_slots - 1)
        while self.slots[at].number:
            if self.slots[at].hashed == hashed and self._is_at(
                self.slots[at].number - 1, what, operands, parameters, turned
            ):
                return self.slots[at].number - 1
            at = (at + 1) & (self.n_slots - 1)
        own = self.nodes.add(what, self.nodes.number_of_parameters(parameters), n)
        for i in range(n):
            own[i] = <int>operands.at[i]
        return self._known(at, hashed)

    cdef bint _is_at(
        self, Py_ssize_t number, int what, _Buffer operands, tuple parameters, bint turned
    ) except -1:
        """Whether a number is that of an instruction."""
        cdef Node* node = &self.nodes.at[number]
        cdef Py_ssize_t n = operands.n, i
        cdef const int* others
        if node.function != what or node.n_operands != n:
            return False
        others = &self.nodes.operands[node.held.first]
        if what == OF_ADD or what == OF_MUL:
            if others[0] > others[1]:
                turned = not turned
        for i in range(n):
            if others[i] != operands.at[n - 1 - i if turned else i]:
                return False
        known = self.nodes.parameters[node.parameters]
        return known is parameters or known == parameters

    def pulled_back(self, list shares not None, dict adjoints not None):
        """sum_i g_i ds_i/dx_j for all j."""
        cdef Py_ssize_t one = self.constant(1.0), minus_one = self.constant(-1.0)
        cdef Py_ssize_t zero = self.constant(0.0), n = len(shares), k = len(adjoints), i, j
        cdef list products = [self.apply(MUL, [shares[i], g]) for i, g in adjoints.items()]
        cdef _Buffer operands = self._buffer([zero] * n + shares), places = _Buffer()
        cdef list others = [], totals = []
        cdef dict own
        for j in range(n):
            for i in range(n):
                operands.at[i] = zero if i == j else one
            others.append(self._number(OF_DOT, operands, ()))
        own = {j: self.apply(MUL, [others[j], g]) for j, g in adjoints.items()}
        for i in adjoints:
            places.append(i)
        operands = self._buffer([zero] * k + products + [zero])
        for j in range(n):
            operands.resize(2 * k + (j in own))
            for i in range(k):
                operands.at[i] = zero if places.at[i] == j else minus_one
            if j in own:
                operands.at[2 * k] = own[j]
            totals.append(self._number(OF_DOT, operands, ()))
        return [self.apply(MUL, [share, total]) for share, total in zip(shares, totals)]

    def name(self, Py_ssize_t number, label, scope):
        """Give an instruction a label and a scope, unless it has a label."""
        cdef int name
        if not is_instruction(self.nodes, number) or label_of(self.nodes, number):
            return
        if label or scope:
            name = self.nodes.number_of_name(label, scope_of(self.nodes, number) or scope)
            self.nodes.at[number].name = name

    def forget(self):
        """Release what told equal numbers."""
        cdef NumberSlot* slots = <NumberSlot*>calloc(2, sizeof(NumberSlot))
        if slots is not NULL:
            free(self.slots)
            self.slots, self.n_slots, self.n_known = slots, 2, 0


cdef inline unsigned int _folded(size_t mixed) noexcept:
    return <unsigned int>(mixed ^ (mixed >> 32))


cdef inline size_t _mixed(size_t hashed, size_t number) noexcept:
    hashed = (hashed ^ number) * <size_t>0x9E3779B97F4A7C15ULL
    return hashed ^ (hashed >> 29)


cdef inline bint _is_square(Py_ssize_t* operands, Py_ssize_t n) noexcept:
    """Whether a weighted sum is a b + a b."""
    return n == 4 and operands[0] == operands[1] and operands[2] == operands[3]


cdef enum:  # what is known of a recorded node
    EDGED = 1  # as in lowering.py
    GATED = 2


cdef list _masks(
    Numbered graph, list order, const unsigned int* places, Py_ssize_t n, const char* kinds,
    dict gates, recorded, object node
):
    """The gates of the terms of an adjoint that have to be masked, if any.

    The gates that all terms have are noted.
    """
    cdef Py_ssize_t half = n // 2, i
    cdef list masks = None
    cdef object shut, common = None
    cdef bint has_common = n % 2 == 0
    for i in range(half):
        if not (kinds[places[i]] | kinds[places[half + i]]) & GATED:
            has_common = False
            continue
        shut, other = gates.get(order[places[i]]), gates.get(order[places[half + i]])
        if shut is None:
            shut = other
        elif other is not None and other is not shut:
            shut = shut | other
        if has_common and shut is not common:
            common = shut if common is None else common & shut
            has_common = bool(common)
        if kinds[places[i]] & EDGED and (
            order[places[i]] not in recorded or any([_is_where(graph, gate) for gate in shut])
        ):
            if masks is None:
                masks = [None] * half
            masks[i] = shut
    if has_common:
        gates[node] = common
    return masks


cdef bint _is_where(Numbered graph, Py_ssize_t number) except -1:
    return function_number(graph.nodes, number) == OF_WHERE


cdef Py_ssize_t _of_two(Numbered graph, int what, Py_ssize_t x, Py_ssize_t y) except -1:
    cdef _Buffer both = _Buffer()
    both.append(x)
    both.append(y)
    return graph._apply(what, both, ())


cdef Py_ssize_t _weighted(Numbered graph, _Buffer operands, list masks) except -1:
    """The number of a weighted sum, its terms masked by gates."""
    cdef Py_ssize_t n = operands.n // 2, i, term, shutter, total
    cdef _Buffer terms = _Buffer()
    cdef list gates
    if operands.n % 2:
        terms.append(operands.at[2 * n])
    for i in range(n):
        term = _of_two(graph, OF_MUL, operands.at[i], operands.at[n + i])
        if masks[i] is not None:
            gates = sorted(masks[i])
            shutter = gates[0]
            for gate in gates[1:]:
                shutter = _of_two(graph, OF_MUL, shutter, gate)
            term = graph.apply(WHERE, (shutter, term, graph.constant(0.0)))
        terms.append(term)
    total = terms.at[0]
    for i in range(1, terms.n):
        total = _of_two(graph, OF_ADD, total, terms.at[i])
    return total


cdef struct Recent:
    PyObject* operation
    int what  # the number of its function


def lower(list order not None, inputs, parameters, recorded):
    """A recorded graph with its constants folded and equal parts shared."""
    cdef Numbered graph = Numbered(len(inputs), len(parameters))
    cdef dict leaves = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    cdef dict gates = {}, pulled_back = {}
    cdef list masks
    cdef set edged = set()
    cdef object node, operation, known
    cdef tuple fixed
    cdef _Numbers numbers = _Numbers(order, leaves)
    cdef _Buffer found = numbers.found, operands = _Buffer()
    cdef bytearray wiring, kinds = bytearray(len(order))
    cdef list operations
    cdef const unsigned int* places
    cdef const unsigned int* own
    cdef Recent[N_RECENT] recent
    cdef Recent* one
    cdef Py_ssize_t k, j, n, number
    cdef int what, traits, kind
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
            operands.at[j] = found.at[places[j]]
            kind |= kinds[places[j]]
        own, places = places, places + n
        masks = None
        if kind & GATED and what == OF_DOT and order[k] not in recorded:
            masks = _masks(graph, order, own, n, kinds, gates, recorded, order[k])
        if what == OF_THROUGH_SOFTMAX:
            number = through_softmax(graph, order[k], numbers, gates, edged, pulled_back)
        elif masks is not None:
            number = _weighted(graph, operands, masks)
        else:
            number = graph._apply(what, operands, fixed)
        found.append(number)
        if traits & MAY_BE_GATE and order[k] not in recorded:
            opened = gate(graph, order[k], number, graph._boxed(operands))
            if opened is not None:
                gates[order[k]] = frozenset([opened])
        kind &= EDGED
        if not kind and not traits & IS_SMOOTH:
            kind = has_edge(graph, operation, graph._boxed(operands))
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
    cdef _Buffer found
    cdef dict known
    cdef Py_ssize_t n_known  # so many of those found

    def __cinit__(self, list order not None, dict leaves not None):
        self.order, self.known, self.found = order, {**leaves}, _Buffer()

    def __getitem__(self, node):
        cdef Py_ssize_t place = place_of(self.order, node), i
        if 0 <= place < self.found.n:
            return self.found.at[place]
        for i in range(self.n_known, self.found.n):  # it is a leaf elsewhere, or has lost its
            self.known[self.order[i]] = self.found.at[i]  # place, by a sort
        self.n_known = self.found.n
        return self.known[node]
