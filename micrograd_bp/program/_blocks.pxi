# The twin of blocks.py. Included by _passes.pyx.


cdef class Blocks:
    """The blocks of a graph, the order of their numbers, and when each is computed."""

    cdef readonly list members, block, at, last, turns
    cdef Nodes nodes
    cdef dict paired
    cdef Py_ssize_t n_placed

    def __cinit__(
        self,
        Nodes nodes not None,
        needed,
        list varies not None,
        Py_ssize_t n_inputs,
        Py_ssize_t n_parameters,
    ):
        cdef Py_ssize_t n_leaves = n_inputs + n_parameters
        self.nodes = nodes
        self.members = [[*range(n_inputs)], [*range(n_inputs, n_leaves)], []]
        self.block = [0] * n_inputs + [1] * n_parameters + [-1] * (len(nodes) - n_leaves)
        self.at = [0] * len(nodes)
        self.turns, self.paired = [], {}
        self.divide(needed, varies)
        self.last = [-1] * len(self.members)

    cdef int divide(self, needed, list varies) except -1:
        """Put nodes into blocks of what is alike, as far as their operands' blocks tell."""
        cdef dict known = {}
        cdef list block = self.block, members = self.members
        cdef object number
        cdef tuple node, operands
        cdef Py_ssize_t i, k, n, at, latest
        cdef PyObject* found
        for number in needed:
            i = number
            node = _as_instruction(self.nodes[i])
            if node is None:
                if self.nodes[i] is not None:
                    block[i] = 2
                    (<list?>members[2]).append(number)
                continue
            operands = node[2]
            n = len(operands)
            if n == 1:
                key = (node[0], node[1], block[operands[0]])
            elif n == 2:
                key = (node[0], node[1], block[operands[0]], block[operands[1]])
            else:
                latest = -1
                for k in range(n):
                    at = block[operands[k]]
                    if at > latest:
                        latest = at
                key = (
                    node[0], node[1], n, varies[i],
                    block[operands[0]], block[operands[n // 2]], latest,
                )
            found = PyDict_GetItem(known, key)
            if found is NULL:
                at = len(members)
                known[key] = at
                members.append([number])
                block[i] = at
            else:
                block[i] = <object>found
                (<list>members[<Py_ssize_t>block[i]]).append(number)
        return 0

    def wide(self):
        """The blocks that may be wide instructions, to be placed by the caller as they come."""
        cdef Py_ssize_t block, end = len(self.members)
        for block in range(3):
            self.place(block, self.members[block])
        block = self.next_wide(3, end)
        while block < end:
            yield block
            block = self.next_wide(block + 1, end)

    cdef Py_ssize_t next_wide(self, Py_ssize_t first, Py_ssize_t end) except -1:
        """The next such block, or the end; those of one node before it are done."""
        cdef Py_ssize_t block
        cdef list members
        cdef tuple node
        for block in range(first, end):
            members = self.members[block]
            node = _as_instruction(self.nodes[members[0]])
            if len(members) > 1 or node[0] is DOT and len(<tuple>node[2]) > 3:
                return block
            self.last[block] = self.last_of(node[2], members[0])
            self.at[members[0]] = self.n_placed
            self.n_placed += 1
            self.compute(block, node, members)
        return end

    cpdef place(self, Py_ssize_t block, list members):
        """The order of a block's members is final."""
        cdef Py_ssize_t at = self.n_placed, i
        self.members[block] = members
        for i in members:
            self.at[i] = at
            at += 1
        self.n_placed = at

    cpdef bint are_apart(self, tuple nodes, Py_ssize_t distance) except -1:
        """Whether nodes are equally far apart, each so far from the one before."""
        cdef Py_ssize_t k, at = self.at[nodes[0]]
        for k in range(1, len(nodes)):
            at += distance
            if <Py_ssize_t>self.at[nodes[k]] != at:
                return False
        return True

    cpdef object last_of(self, nodes, object last):
        """The latest of a node and those that end the blocks of others."""
        cdef Py_ssize_t i, latest = last, found
        for i in nodes:
            found = self.last[self.block[i]]
            if found > latest:
                latest = found
        return latest

    cpdef turn(self, object last, Py_ssize_t block, Py_ssize_t part, list steps):
        """Steps have their turn."""
        self.turns.append((last, block, part, len(self.turns), steps))

    cpdef compute(self, Py_ssize_t block, object node, list steps):
        """The steps that compute a block of what is like a node have their turn."""
        cdef object function = (<tuple>node)[0]
        if function not in PAIRED:
            self.turn(self.last[block], block, 0, steps)
            return
        activation = DERIVATIVES.get(function)
        key = (activation or function, self.block[node[2][0]])
        turn = self.paired.pop(key, None)
        if turn is None:
            self.paired[key] = len(self.turns)
            self.turn(self.last[block], block, 0, steps)
            return
        last, other, part, serial, others = self.turns[turn]
        first, second = (steps, others) if activation else (others, steps)
        both = [step for pair in zip(first, second) for step in pair]
        if len(first) != len(second):
            both = [*first, *second]
        self.turns[turn] = (last, other, part, serial, both)
        self.last[block] = last
