# The twin of blocks.py. Included by _passes.pyx.


cdef struct Key:  # of the nodes of a block
    int function, parameters  # by their numbers
    int n_operands  # - 1 - n where there are more than two, and they vary
    int left, right, latest  # the blocks of operands


cdef class _Keys:
    """Which block is that of a key: of block 3 the first, and so on."""

    cdef Key* of
    cdef Py_ssize_t n, room
    cdef Table known

    def __cinit__(self):
        self.known = Table()

    def __dealloc__(self):
        free(self.of)

    cdef int block(self, const Key* key) except -1:
        """The block of a key, a new one where it is not known."""
        cdef const int* parts = <const int*>key
        cdef size_t mixed = 0, at
        cdef unsigned int hashed
        cdef int k
        for k in range(<int>(sizeof(Key) // sizeof(int))):
            mixed = _mixed(mixed, <size_t>parts[k])
        at = hashed = _folded(mixed)
        k = self.known.next(hashed, &at)
        while k >= 0:
            if memcmp(&self.of[k], key, sizeof(Key)) == 0:
                return k + 3
            k = self.known.next(hashed, &at)
        if self.n == self.room:
            self.room = _enlarged(<void**>&self.of, self.n + 1, self.room, sizeof(Key))
        self.of[self.n] = key[0]
        self.n += 1
        return self.known.put(hashed, at, <int>(self.n - 1)) + 3


cdef struct Turn:
    int last, block, part, serial
    int first, second  # its steps where they are a node, or two
    int listed  # else where its steps are among the lists of them


cdef int _by_turn(const void* a, const void* b) noexcept nogil:
    cdef const Turn* one = <const Turn*>a
    cdef const Turn* other = <const Turn*>b
    if one.last != other.last:
        return -1 if one.last < other.last else 1
    if one.block != other.block:
        return -1 if one.block < other.block else 1
    if one.part != other.part:
        return -1 if one.part < other.part else 1
    return -1 if one.serial < other.serial else 1


cdef class Blocks:
    """The blocks of a graph, the order of their numbers, and when each is computed."""

    cdef readonly Ints block, at, last
    cdef Nodes nodes
    cdef Ints start, flat  # where in flat the members of a block begin; those of all
    cdef Ints waiting  # 1 + the turn of an activation, or its derivative, of a block
    cdef Turn* turns
    cdef Py_ssize_t n_turns, most_turns
    cdef list lists  # of steps
    cdef int n_placed

    def __cinit__(
        self,
        Nodes nodes not None,
        needed,
        list varies not None,
        Py_ssize_t n_inputs,
        Py_ssize_t n_parameters,
    ):
        cdef Py_ssize_t n_leaves = n_inputs + n_parameters
        if not (0 <= n_inputs <= n_leaves <= len(nodes)):
            raise ValueError("the inputs and parameters are nodes of the graph")
        self.nodes, self.lists = nodes, []
        self.block, self.at = _ints(n_inputs, 0), _ints(len(nodes), 0)
        self.block.extend(n_parameters, 1)
        self.block.extend(len(nodes) - n_leaves, -1)
        self.divide(needed, varies, n_leaves)
        self.last = _ints(len(self.start) - 1, -1)
        self.waiting = _ints(len(ACTIVATIONS) * len(self.last), 0)

    def __dealloc__(self):
        free(self.turns)

    cdef int divide(self, needed, list varies, Py_ssize_t n_leaves) except -1:
        """Put nodes into blocks of what is alike, as far as their operands' blocks tell."""
        cdef _Keys keys = _Keys()
        cdef Ints block = self.block, ends, flat
        cdef Nodes nodes = self.nodes
        cdef const int* operands
        cdef Py_ssize_t i, k, n, before = -1
        cdef int latest
        cdef Key key
        for i in needed:
            block.get(i)
            if i <= before:
                raise ValueError("the numbers that are needed have to be in order")
            before = i
            if i < n_leaves:
                continue
            if not is_instruction(nodes, i):
                if is_constant(nodes, i):
                    block.of[i] = 2
                continue
            n = n_operands(nodes, i)
            if n == 0:
                raise ValueError("a function has operands")
            operands = operands_at(nodes, i)
            key.function, key.parameters = function_number(nodes, i), parameters_number(nodes, i)
            key.n_operands, key.latest = <int>n, -1
            key.left = block.get(operands[0])
            key.right = block.get(operands[n // 2 if n > 2 else n - 1])
            if n > 2:
                for k in range(n):
                    latest = block.get(operands[k])
                    if latest > key.latest:
                        key.latest = latest
                if varies[i] is True:
                    key.n_operands = <int>(-1 - n)
            block.of[i] = keys.block(&key)
        self.start = _ints(keys.n + 4, 0)
        for i in range(block.n):
            if block.of[i] >= 0:
                self.start.of[block.of[i] + 1] += 1
        for i in range(1, self.start.n):
            self.start.of[i] += self.start.of[i - 1]
        ends = _ints(self.start.n, 0)
        memcpy(ends.of, self.start.of, ends.n * sizeof(int))
        self.flat = flat = _ints(ends.of[ends.n - 1], 0)
        for i in range(block.n):
            if block.of[i] >= 0:
                flat.of[ends.of[block.of[i]]] = i
                ends.of[block.of[i]] += 1
        return 0

    cdef inline Py_ssize_t size(self, Py_ssize_t block) except -1:
        return self.start.get(block + 1) - self.start.get(block)

    cdef inline int first(self, Py_ssize_t block) except -1:
        return self.flat.get(self.start.get(block))

    def members(self, int block):
        """The nodes of a block, in the order of their places once they are placed."""
        cdef Py_ssize_t first = self.start.get(block)
        return [self.flat.of[i] for i in range(first, first + self.size(block))]

    cdef int next_wide(self, int first, int end) except -1:
        """The next block that may be wide instructions, which the caller is to place; or the end.

        Those of one node before it are done.
        """
        cdef int block, i, last, found
        cdef const int* operands
        cdef Py_ssize_t k, n
        for block in range(first, end):
            i = self.first(block)
            n = n_operands(self.nodes, i)
            if self.size(block) > 1 or n > 3 and function_number(self.nodes, i) == OF_DOT:
                return block
            operands = operands_at(self.nodes, i)
            last = i
            for k in range(n):
                found = self.last.get(self.block.get(operands[k]))
                if found > last:
                    last = found
            self.placed(block, last)
            self.computed(block, None)
        return end

    cdef int placed(self, int block, int last) except -1:
        """The order of a block's members is final, and what its turn comes after."""
        cdef Py_ssize_t first = self.start.get(block), k
        for k in range(first, first + self.size(block)):
            self.at.put(self.flat.of[k], self.n_placed)
            self.n_placed += 1
        return self.last.put(block, last)

    cdef int add(self, Py_ssize_t n, tuple operands) except -1:
        """The first of new nodes, a block of their own that is placed as it is."""
        cdef int first = self.block.n, block = self.last.n, i
        self.block.extend(n, block)
        self.at.extend(n, 0)
        for i in range(first, self.block.n):
            self.flat.append(i)
        self.start.append(self.flat.n)
        self.last.append(-1)
        self.waiting.extend(len(ACTIVATIONS), 0)
        self.placed(block, self.last_of(operands))
        return first

    cdef int last_of(self, tuple nodes) except? -1:
        """The latest of those that end the blocks of nodes."""
        cdef int last = -1, found
        for i in nodes:
            found = self.last.get(self.block.get(i))
            if found > last:
                last = found
        return last

    cdef int turn(self, int last, int block, int part, list steps) except -1:
        """Steps have their turn."""
        self.new_turn(last, block, part).listed = self.list_of(steps)
        return 0

    cdef Turn* new_turn(self, int last, int block, int part) except NULL:
        """A turn without steps."""
        cdef Py_ssize_t n = self.n_turns + 1
        cdef Turn* turn
        if n > self.most_turns:
            self.most_turns = _enlarged(<void**>&self.turns, n, self.most_turns, sizeof(Turn))
        turn = self.turns + self.n_turns
        turn.last, turn.block, turn.part, turn.serial = last, block, part, self.n_turns
        turn.first = turn.second = turn.listed = -1
        self.n_turns += 1
        return turn

    cdef int list_of(self, list steps) except -1:
        """Where steps are, from now on."""
        self.lists.append(steps)
        return len(self.lists) - 1

    cdef list steps_of(self, Turn* turn):
        if turn.listed >= 0:
            return self.lists[turn.listed]
        return [turn.first] if turn.second < 0 else [turn.first, turn.second]

    cdef int computed(self, int block, list steps) except -1:
        """The steps that compute a block have their turn; without any it is one node."""
        cdef int node = self.first(block), which, n = len(ACTIVATIONS)
        cdef object function = function_of(self.nodes, node)
        cdef Py_ssize_t place = 0
        cdef bint is_first = False, is_paired = False
        cdef Turn* turn
        for which in range(n):
            is_first = function is ACTIVATIONS[which]
            is_paired = is_first or function is SLOPES[which]
            if is_paired:
                place = self.block.get(operand_of(self.nodes, node, 0)) * n + which
                break
        if is_paired and self.waiting.get(place):
            turn = self.turns + (self.waiting.of[place] - 1)
            self.waiting.of[place] = 0
            self.last.put(block, turn.last)
            return self.pair(turn, node, steps, is_first)
        if is_paired:
            self.waiting.of[place] = self.n_turns + 1
        turn = self.new_turn(self.last.get(block), block, 0)
        if steps is None:
            turn.first = node
        else:
            turn.listed = self.list_of(steps)
        return 0

    cdef int pair(self, Turn* turn, int node, list steps, bint is_first) except -1:
        """Each step of an activation is followed by one of its derivative."""
        cdef list first, second, both
        if steps is None and turn.listed < 0:
            turn.second = turn.first if is_first else node
            turn.first = node if is_first else turn.first
            return 0
        first, second = self.steps_of(turn), [node] if steps is None else steps
        if is_first:
            first, second = second, first
        both = [step for pair in zip(first, second) for step in pair]
        turn.listed = self.list_of(both if len(first) == len(second) else first + second)
        return 0

    cdef int sort(self) noexcept:
        """The turns in order."""
        cdef Py_ssize_t i
        for i in range(1, self.n_turns):
            if _by_turn(self.turns + i - 1, self.turns + i) > 0:
                qsort(self.turns, self.n_turns, sizeof(Turn), &_by_turn)
                break
        return 0
