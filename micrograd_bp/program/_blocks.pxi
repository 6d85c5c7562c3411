# The twin of blocks.py. Included by _passes.pyx.


cdef class Ints:
    """Whole numbers in memory; Python reads them."""

    cdef int* of
    cdef Py_ssize_t n, room

    def __dealloc__(self):
        free(self.of)

    cdef int extend(self, Py_ssize_t n, int value) except -1:
        """Append a value n times."""
        cdef Py_ssize_t i, room
        cdef void* found
        if self.n + n > self.room:
            room = self.n + n + self.room
            found = NULL if room > MOST_NUMBERS else realloc(self.of, room * sizeof(int))
            if found is NULL:
                raise MemoryError("no memory for the numbers of a program")
            self.of, self.room = <int*>found, room
        for i in range(self.n, self.n + n):
            self.of[i] = value
        self.n += n
        return 0

    cdef inline int append(self, int value) except -1:
        if self.n == self.room:
            return self.extend(1, value)
        self.of[self.n] = value
        self.n += 1
        return 0

    cdef inline int get(self, Py_ssize_t i) except? -1:
        """A number, if it is there: what comes from Python may be any."""
        if not 0 <= i < self.n:
            raise IndexError(f"{i} is beyond {self.n} numbers")
        return self.of[i]

    cdef inline int put(self, Py_ssize_t i, int value) except -1:
        """Write a number where one is."""
        if not 0 <= i < self.n:
            raise IndexError(f"{i} is beyond {self.n} numbers")
        self.of[i] = value
        return 0

    cdef int insert(self, Py_ssize_t i, int value) except -1:
        """Put a number before that at i, which is there, or at the end."""
        self.append(value)
        memmove(self.of + i + 1, self.of + i, (self.n - 1 - i) * sizeof(int))
        self.of[i] = value
        return 0

    cdef int remove(self, Py_ssize_t i) except -1:
        """Take out that at i, which is there."""
        self.n -= 1
        memmove(self.of + i, self.of + i + 1, (self.n - i) * sizeof(int))
        return 0

    def __len__(self):
        return self.n

    def __getitem__(self, Py_ssize_t i):
        return self.get(i)


cdef Ints _ints(Py_ssize_t n, int value):
    cdef Ints ints = Ints()
    ints.extend(n, value)
    return ints


cdef struct Key:  # of the nodes of a block
    int function, parameters  # by their numbers
    int n_operands  # - 1 - n where there are more than two, and they vary
    int left, right, latest  # the blocks of operands


cdef struct Slot:
    unsigned int hashed
    int block  # or 0


cdef class _Known:
    """Which block is that of a key: a table without keys, which the blocks have."""

    cdef Key* keys  # of blocks from 3 on
    cdef Py_ssize_t n, room
    cdef Slot* slots
    cdef size_t n_slots  # a power of two

    def __dealloc__(self):
        free(self.keys)
        free(self.slots)

    cdef int grow(self) except -1:
        """Room for at least as many keys again, and twice as many slots."""
        cdef size_t n_slots = 4 * self.n_slots if self.n_slots else 1024, i, at
        cdef Slot* slots = <Slot*>calloc(n_slots, sizeof(Slot))
        cdef void* keys = realloc(self.keys, n_slots // 2 * sizeof(Key))
        if keys is not NULL:
            self.keys, self.room = <Key*>keys, n_slots // 2
        if keys is NULL or slots is NULL:
            free(slots)
            raise MemoryError("no memory for the blocks of a program")
        for i in range(self.n_slots):
            if self.slots[i].block:
                at = self.slots[i].hashed & (n_slots - 1)
                while slots[at].block:
                    at = (at + 1) & (n_slots - 1)
                slots[at] = self.slots[i]
        free(self.slots)
        self.slots, self.n_slots = slots, n_slots
        return 0

    cdef int put(self, const Key* key) except -1:
        """The block of a key, a new one where it is not known."""
        cdef size_t mixed = _mixed(key.function, key.parameters), at
        cdef unsigned int hashed
        cdef int block
        if self.n == self.room:
            self.grow()
        mixed = _mixed(mixed, <size_t>key.n_operands)
        mixed = _mixed(mixed, <size_t>key.left)
        mixed = _mixed(mixed, <size_t>key.right)
        hashed = <unsigned int>_mixed(mixed, <size_t>key.latest)
        at = hashed & (self.n_slots - 1)
        while self.slots[at].block:
            block = self.slots[at].block
            if self.slots[at].hashed == hashed:
                if memcmp(&self.keys[block - 3], key, sizeof(Key)) == 0:
                    return block
            at = (at + 1) & (self.n_slots - 1)
        self.keys[self.n] = key[0]
        self.slots[at].hashed, self.slots[at].block = hashed, <int>(self.n + 3)
        self.n += 1
        return <int>(self.n + 2)


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
        cdef _Known known = _Known()
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
            block.of[i] = known.put(&key)
        self.start = _ints(known.n + 4, 0)
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

    def wide(self):
        """The blocks that may be wide instructions, to be placed by the caller as they come."""
        cdef int block, end = self.last.n
        for block in range(3):
            self.placed(block, -1)
        block = self.next_wide(3, end)
        while block < end:
            yield block
            block = self.next_wide(block + 1, end)

    cdef int next_wide(self, int first, int end) except -1:
        """The next such block, or the end; those of one node before it are done."""
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

    cpdef int place(self, int block, list members, int last) except -1:
        """The order of a block's members is final, and what its turn comes after."""
        cdef Py_ssize_t first = self.start.get(block), k
        cdef int i
        if len(members) != self.size(block):
            raise ValueError("a block keeps its members")
        for k in range(len(members)):
            i = members[k]
            if self.block.get(i) != block:
                raise ValueError("a block keeps its members")
            self.flat.of[first + k] = i
        return self.placed(block, last)

    cdef int placed(self, int block, int last) except -1:
        cdef Py_ssize_t first = self.start.get(block), k
        for k in range(first, first + self.size(block)):
            self.at.put(self.flat.of[k], self.n_placed)
            self.n_placed += 1
        return self.last.put(block, last)

    def add(self, Py_ssize_t n, operands):
        """The first of new nodes, a block of their own that is placed as it is."""
        cdef int first = self.block.n, block = self.last.n, i
        if n < 0:
            raise ValueError("a block has nodes")
        self.block.extend(n, block)
        self.at.extend(n, 0)
        for i in range(first, self.block.n):
            self.flat.append(i)
        self.start.append(self.flat.n)
        self.last.append(-1)
        self.waiting.extend(len(ACTIVATIONS), 0)
        self.placed(block, self.last_of(operands, -1))
        return first

    cpdef bint are_apart(self, tuple nodes, Py_ssize_t distance) except -1:
        """Whether nodes are equally far apart, each so far from the one before."""
        cdef Py_ssize_t k, at = self.at.get(nodes[0])
        for k in range(1, len(nodes)):
            at += distance
            if self.at.get(nodes[k]) != at:
                return False
        return True

    cpdef int last_of(self, nodes, int last) except? -1:
        """The latest of a node and those that end the blocks of others."""
        cdef int found
        for i in nodes:
            found = self.last.get(self.block.get(i))
            if found > last:
                last = found
        return last

    def turn(self, int last, int block, int part, list steps not None):
        """Steps have their turn."""
        self.new_turn(last, block, part).listed = self.list_of(steps)

    cdef Turn* new_turn(self, int last, int block, int part) except NULL:
        """A turn without steps."""
        cdef Py_ssize_t most = 2 * self.n_turns + 64
        cdef Turn* turn
        cdef void* found
        if self.n_turns == self.most_turns:
            found = NULL if most > MOST_NUMBERS else realloc(self.turns, most * sizeof(Turn))
            if found is NULL:
                raise MemoryError("no memory for the steps of a program")
            self.turns, self.most_turns = <Turn*>found, most
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

    def compute(self, int block, list steps not None):
        """The steps that compute a block have their turn."""
        self.computed(block, steps)

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
