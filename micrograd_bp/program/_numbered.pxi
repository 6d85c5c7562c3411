# The twin of numbered.py. Included by _passes.pyx.


cdef enum:
    MOST_LEAVES = 0x10000000  # of a kind


cdef enum:  # what is known of a function
    IS_SMOOTH = 1
    MAY_BE_GATE = 2
    HAS_RULE = 4


cdef class Numbered:
    """The numbers of a computation, each once: leaves, constants and instructions."""

    cdef readonly Nodes nodes
    cdef readonly dict softmaxes
    cdef Ints last_terms  # of a softmax
    cdef list last_shares
    cdef readonly Py_ssize_t n_inputs, n_parameters, n_leaves
    cdef bytearray traits  # of each function that a node may have
    cdef Table known  # constants and instructions

    def __cinit__(self, Py_ssize_t n_inputs, Py_ssize_t n_parameters):
        if not (0 <= n_inputs <= MOST_LEAVES and 0 <= n_parameters <= MOST_LEAVES):
            raise ValueError(f"a program has up to {MOST_LEAVES} inputs and parameters")
        self.n_inputs, self.n_parameters = n_inputs, n_parameters
        self.n_leaves = n_inputs + n_parameters
        self.nodes = Nodes()
        self.nodes.add_leaves(self.n_leaves)
        self.traits, self.known = bytearray(), Table()
        self.softmaxes, self.last_terms = {}, Ints()

    cpdef int constant(self, double value) except -1:
        """The number of a constant."""
        cdef size_t bits = 0, at
        cdef unsigned int hashed
        cdef int number
        cdef Node* node
        memcpy(&bits, &value, min(sizeof(size_t), sizeof(double)))
        at = hashed = _folded(_mixed(bits, 1))
        number = self.known.next(hashed, &at)
        while number >= 0:
            node = &self.nodes.at[number]
            if node.function == CONSTANT:
                if memcmp(&value, &node.held.value, sizeof(double)) == 0:
                    return number
            number = self.known.next(hashed, &at)
        self.nodes.add_constant(value)
        return self.known.put(hashed, at, <int>(self.nodes.n - 1))

    def constant_at(self, Py_ssize_t number):
        """The constant that a number is, if it is one."""
        return self.nodes[number] if is_constant(self.nodes, number) else None

    def apply(self, function, operands, *parameters):
        """The number of a function of numbers: a known one where that is possible."""
        return self._apply(self.nodes.number_of(function), self._checked(operands), parameters)

    def instruction(self, function, operands, *parameters):
        """The number of a function of numbers as it stands."""
        return self._number(self.nodes.number_of(function), self._checked(operands), parameters)

    def sums_of_others(self, list terms not None):
        """For each of some numbers the sum of all others, of which none is subtracted again."""
        cdef int one = self.constant(1.0), zero = self.constant(0.0)
        cdef Py_ssize_t n = len(terms), half = n // 2, i, j
        cdef Ints operands
        cdef list first, second, pairs, others
        if n <= MOST_IN_MATRIX:
            operands, others = self._checked([one] * n + terms), []
            for j in range(n):
                operands.of[j] = zero
                others.append(self._number(OF_DOT, operands, ()))
                operands.of[j] = one
            return others
        first, second = terms[: n - half], terms[n - half :]
        pairs = [self.apply(ADD, pair) for pair in zip(first, second)]
        others = self.sums_of_others(pairs + first[half:])
        return (
            [self.apply(ADD, pair) for pair in zip(others, second)]
            + others[half:]
            + [self.apply(ADD, pair) for pair in zip(others[:half], first)]
        )

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
        self.known = Table()

    cdef Ints _checked(self, operands):
        """Numbers of nodes, in memory."""
        cdef Ints found = Ints()
        cdef Py_ssize_t i
        for i in tuple(operands):
            if not 0 <= i < self.nodes.n:
                raise IndexError(f"{i} is not the number of a node")
            found.append(<int>i)
        return found

    cdef int _apply(self, int what, Ints operands, tuple parameters) except -1:
        """That of a function by its number."""
        cdef Py_ssize_t n = operands.n, n_constants = 0, i
        cdef list constants
        if what == OF_DOT and n == 2:
            what = OF_MUL
        if what == OF_SOFTMAX and self._are_last_terms(operands):
            return self.last_shares[int(parameters[0])]
        for i in range(n):
            n_constants += self.nodes.at[operands.of[i]].function == CONSTANT
        if n_constants == n and n:
            function = self.nodes.functions[what]
            constants = [self.nodes[operands.of[i]] for i in range(n)]
            return self.constant(function.value(*constants, *parameters))
        if self._may_be_simpler(what, operands, n_constants):
            if what == OF_DOT and self._has_ones(operands):
                return self._without_ones(operands)
            constants = [self.constant_at(operands.of[i]) for i in range(n)]
            rule = SIMPLER[self.nodes.functions[what]]
            simpler = rule(self, operands.as_list(), constants, parameters)
            if simpler is not None:
                if what == OF_SOFTMAX:
                    self._keep_last_terms(operands)
                return simpler
        return self._number(what, operands, parameters)

    cdef bint _may_be_simpler(self, int what, Ints operands, Py_ssize_t n_constants) except -1:
        """Whether a rule of numbered.py may have a simpler form: of sums and products few do."""
        cdef Py_ssize_t n = operands.n, i
        cdef Node* node
        cdef const int* own
        if what > OF_DOT:
            return self._traits_of(what) & HAS_RULE
        if what == OF_DOT and (n < 3 or _is_square(operands.of, n)):
            return True
        for i in range(n if n_constants else 0):
            node = &self.nodes.at[operands.of[i]]
            if node.function == CONSTANT:
                if node.held.value == 0.0 and what != OF_MUL:
                    return True
                if node.held.value == 1.0 and what != OF_ADD:
                    return True
            elif what == OF_MUL and node.function == OF_MUL:
                own = &self.nodes.operands.of[node.held.first]
                if CONSTANT in (self.nodes.at[own[0]].function, self.nodes.at[own[1]].function):
                    return True
        return False

    cdef bint _is_constant(self, Py_ssize_t number, double value) noexcept:
        cdef Node* node = &self.nodes.at[number]
        return node.function == CONSTANT and node.held.value == value

    cdef bint _has_ones(self, Ints operands) noexcept:
        """Whether a factor of a weighted sum is 1, and its bias not 0."""
        cdef Py_ssize_t n = operands.n, i
        if n < 3 or n % 2 and self._is_constant(operands.of[n - 1], 0.0):
            return False
        for i in range(n // 2 * 2):
            if self._is_constant(operands.of[i], 1.0):
                return True
        return False

    cdef int _without_ones(self, Ints operands) except -1:
        """A weighted sum whose terms with a factor 1 are no products: a bias, or added."""
        cdef Py_ssize_t n = operands.n // 2, i
        cdef int total
        cdef Ints kept = Ints(), factors = Ints(), added = Ints()
        if operands.n % 2:
            added.append(operands.of[2 * n])
        for i in range(n):
            if self._is_constant(operands.of[i], 1.0):
                added.append(operands.of[n + i])
            elif self._is_constant(operands.of[n + i], 1.0):
                added.append(operands.of[i])
            else:
                kept.append(operands.of[i])
                factors.append(operands.of[n + i])
        for i in range(factors.n):
            kept.append(factors.of[i])
        kept.append(added.of[0])
        total = self._apply(OF_DOT, kept, ())
        for i in range(1, added.n):
            kept.n = 0
            kept.append(total)
            kept.append(added.of[i])
            total = self._apply(OF_ADD, kept, ())
        return total

    cdef inline int _traits_of(self, int what) except -1:
        """What numbered.py and gates.py say of a function."""
        while what >= len(self.traits):
            function = self.nodes.functions[len(self.traits)]
            self.traits.append(
                (IS_SMOOTH if function in SMOOTH else 0)
                | (MAY_BE_GATE if function in MAY_BE_GATES else 0)
                | (HAS_RULE if function in SIMPLER else 0)
            )
        return self.traits[what]

    cdef bint _are_last_terms(self, Ints terms) noexcept:
        cdef Ints last = self.last_terms
        return last.n == terms.n and memcmp(last.of, terms.of, last.n * sizeof(int)) == 0

    cdef int _keep_last_terms(self, Ints terms) except -1:
        """The shares of a softmax are asked for one after the other."""
        self.last_terms.resize(0)
        self.last_shares = self.softmaxes[tuple(terms.as_list())]
        self.last_terms.resize(terms.n)
        memcpy(self.last_terms.of, terms.of, terms.n * sizeof(int))
        return 0

    cdef int _number(self, int what, Ints operands, tuple parameters) except -1:
        """The number of an instruction, a new one where it is not known."""
        cdef Py_ssize_t n = operands.n, i
        cdef bint turned = False
        cdef size_t mixed = <size_t>what, at
        cdef unsigned int hashed
        cdef int number
        cdef int* own
        _check_arity(what, n)
        if what == OF_ADD or what == OF_MUL:
            turned = operands.of[0] > operands.of[1]
        if parameters:
            mixed = _mixed(mixed, <size_t>hash(parameters))
        for i in range(n):
            mixed = _mixed(mixed, <size_t>operands.of[n - 1 - i if turned else i])
        at = hashed = _folded(mixed)
        number = self.known.next(hashed, &at)
        while number >= 0:
            if self._is_at(number, what, operands, parameters, turned):
                return number
            number = self.known.next(hashed, &at)
        own = self.nodes.add(what, self.nodes.number_of_parameters(parameters), n)
        for i in range(n):
            own[i] = operands.of[i]
        return self.known.put(hashed, at, <int>(self.nodes.n - 1))

    cdef bint _is_at(
        self, Py_ssize_t number, int what, Ints operands, tuple parameters, bint turned
    ) except -1:
        """Whether a number is that of an instruction."""
        cdef Node* node = &self.nodes.at[number]
        cdef Py_ssize_t n = operands.n, i
        cdef const int* others
        if node.function != what or node.n_operands != n:
            return False
        others = &self.nodes.operands.of[node.held.first]
        if what == OF_ADD or what == OF_MUL:
            if others[0] > others[1]:
                turned = not turned
        for i in range(n):
            if others[i] != operands.of[n - 1 - i if turned else i]:
                return False
        known = self.nodes.parameters[node.parameters]
        return known is parameters or (
            known == parameters and told_apart(known) == told_apart(parameters)
        )


cdef inline bint _is_square(int* operands, Py_ssize_t n) noexcept:
    """Whether a weighted sum is a b + a b."""
    return n == 4 and operands[0] == operands[1] and operands[2] == operands[3]
