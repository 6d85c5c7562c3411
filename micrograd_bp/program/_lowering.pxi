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
    N_PARENTS = (1 << 31) - 1  # the other bit tells that a node may have a name
    N_RECENT = 64


cdef struct NumberSlot:
    unsigned int number  # and 1, or 0 of a free slot
    unsigned int hashed


cdef class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions.

    A table without keys tells what is known: it holds numbers, and the nodes are compared.
    """

    cdef readonly Nodes nodes
    cdef readonly dict softmaxes, share_of, pulled_back
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
        self.softmaxes, self.share_of, self.pulled_back = {}, {}, {}
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
        self.slots[at].number, self.slots[at].hashed = <unsigned int>(number + 1), hashed
        self.n_known += 1
        if 2 * self.n_known > self.n_slots:
            self._grow(4 * self.n_slots)
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
        for i in range(n):
            n_constants += self.nodes.at[operands.at[i]].function == CONSTANT
        if n_constants == n and n:
            function = self.nodes.functions[what]
            constants = [self.nodes[operands.at[i]] for i in range(n)]
            return self.constant(function.value(*constants, *parameters))
        if self._may_be_simpler(what, operands, n_constants):
            constants = [self.constant_at(operands.at[i]) for i in range(n)]
            rule = SIMPLER[self.nodes.functions[what]]
            simpler = rule(self, self._boxed(operands), constants, parameters)
            if simpler is not None:
                return simpler
        return self._number(what, operands, parameters)

    cdef bint _may_be_simpler(self, int what, _Buffer operands, Py_ssize_t n_constants) except -1:
        """Whether a rule of lowering.py may have a simpler form: of sums and products few do."""
        cdef Py_ssize_t n = operands.n, i
        cdef Node* node
        if what > OF_DOT:
            return self._traits_of(what) & HAS_RULE
        if what == OF_DOT and (n < 3 or _is_square(operands.at, n)):
            return True
        for i in range(n if n_constants else 0):
            node = &self.nodes.at[operands.at[i]]
            if node.function == CONSTANT:
                if node.held.value == (0.0 if what == OF_ADD else 1.0):
                    return True
                if what == OF_DOT and node.held.value == 0.0:
                    return True
            elif what == OF_MUL and node.function == OF_MUL:
                return True
        return False

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

    cdef bint _has_softmax(self, _Buffer operands) except -1:
        """Whether a local derivative looks like that of a softmax."""
        cdef Node* node
        cdef Py_ssize_t i
        for i in range(operands.n // 2):
            node = &self.nodes.at[operands.at[i]]
            if node.function == OF_MUL and self.nodes.operands[node.held.first] in self.share_of:
                return True
        return False

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


cdef struct Recent:
    PyObject* operation
    int what  # the number of its function


def lower(list order not None, inputs, parameters, recorded):
    """A recorded graph with its constants folded and equal parts shared."""
    cdef Numbered graph = Numbered(len(inputs), len(parameters))
    cdef dict leaves = {leaf: i for i, leaf in enumerate((*inputs, *parameters))}
    cdef dict gates = {}
    cdef set edged = set()
    cdef object node, operation, known
    cdef tuple fixed
    cdef _Buffer found = _Buffer(), operands = _Buffer()  # the number of each node, of its parents
    cdef bytearray wiring, kinds = bytearray(len(order))
    cdef list operations
    cdef const unsigned int* places
    cdef Recent[N_RECENT] recent
    cdef Recent* one
    cdef Py_ssize_t k, j, n, number
    cdef int what, traits
    cdef bint is_edged, is_rare, is_named
    wiring, operations = by_place(order)
    places = <const unsigned int*><const char*>wiring
    for k in range(N_RECENT):
        recent[k].operation = NULL
    found.resize(len(operations))
    for k in range(len(operations)):
        n, is_named = places[0] & N_PARENTS, places[0] > N_PARENTS
        places += 1
        if n == 0:
            node = order[k]
            known = leaves.get(node)
            found.at[k] = graph.constant(node.data) if known is None else known
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
        is_edged = False
        for j in range(n):
            operands.at[j] = found.at[places[j]]
            is_edged |= kinds[places[j]]
        places += n
        if not is_edged and not traits & IS_SMOOTH:
            is_edged = has_edge(graph, operation, graph._boxed(operands))
        is_rare = False
        if what == OF_DOT and (gates or graph.softmaxes):
            node = order[k]
            if node not in recorded:
                if gates:
                    is_rare = _is_masked(graph, node, node.parents, gates, edged, recorded)
                if graph.softmaxes and n >= 2 * FEW and not is_rare:
                    is_rare = graph._has_softmax(operands)
        if is_rare:
            number = adjoint(graph, node, graph._boxed(operands), gates, edged, recorded)
        else:
            number = graph._apply(what, operands, fixed)
        found.at[k] = number
        if is_edged:
            kinds[k] = True
            edged.add(order[k])
        if traits & MAY_BE_GATE and order[k] not in recorded:
            node = order[k]
            opened = gate(graph, node, number, graph._boxed(operands))
            if opened is not None:
                gates[node] = frozenset([opened])
        if is_named:
            node = order[k]
            graph.name(number, node.label, node.scope)
    return graph, _Numbers(order, found, leaves)


cdef class _Numbers:
    """Which number is which node's."""

    cdef list order
    cdef _Buffer found
    cdef dict leaves, all

    def __init__(self, list order not None, _Buffer found not None, dict leaves not None):
        self.order, self.found, self.leaves = order, found, leaves

    def __getitem__(self, node):
        cdef Py_ssize_t place
        if self.order is None:
            raise KeyError(node)
        place = place_of(self.order, node)
        if 0 <= place < self.found.n:
            return self.found.at[place]
        if self.all is None:  # its place was overwritten, by a sort, or it is a leaf elsewhere
            numbers = [self.found.at[i] for i in range(self.found.n)]
            self.all = {**self.leaves, **dict(zip(self.order, numbers))}
        return self.all[node]


def check_nodes(order, parameters):
    """Raise where the graph cannot be evaluated again, or not be differentiated, as recorded."""
    cdef dict common = {}  # what several nodes share, by the function and the parents
    cdef object node, operation
    cdef tuple parents
    for node, is_pole in unconfirmed(order, parameters):
        operation, parents = node.operation, node.parents
        if not _is_unchanged(node, operation, parents, node.local_derivatives, common):
            check_node(node)
        if is_pole:
            refuse_infinite_slopes(node)


cdef bint _is_unchanged(
    object node, object operation, tuple parents, tuple slopes, dict common
) except -1:
    """Whether a node is what its parents' data give; of a choice that is not looked at."""
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
