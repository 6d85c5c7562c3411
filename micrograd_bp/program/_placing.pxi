# The twin of placing.py. Included by _passes.pyx.


cdef class Placing:
    """Gives steps their order and numbers their places."""

    cdef readonly list place, once, each
    cdef readonly Py_ssize_t n_scalars, n_rows
    cdef Nodes nodes
    cdef list varies, members, block
    cdef object rows

    def __cinit__(
        self,
        Nodes nodes not None,
        list varies not None,
        list members not None,
        list block not None,
        list turns not None,
        kept,
    ):
        cdef list once = [], each = []
        cdef Py_ssize_t result
        cdef tuple turn
        self.nodes, self.varies, self.members, self.block = nodes, varies, members, block
        self.place = [-1] * len(nodes)
        self.once, self.each = [], []
        for turn in sorted(turns):
            for step in <list?>turn[4]:
                if type(step) is int:
                    (each if varies[step] is True else once).append(step)
                elif isinstance(step, (Sum, Sums)) or varies[step.result]:
                    each.append(step)
                else:
                    once.append(step)
        inputs, parameters, constants = members[:3]
        self.n_scalars = self.neighbours(parameters, 0)
        self.n_scalars = self.neighbours(constants, self.n_scalars)
        for step in once:
            result = step if type(step) is int else step.result
            if <Py_ssize_t>self.place[result] < 0:
                self.n_scalars = self.neighbours(members[block[result]], self.n_scalars)
            self.once.append(self.placed(step))
        self.neighbours(inputs, self.n_scalars)
        self.rows = Rows(len(inputs))
        self.run(each, [*inputs, *kept])
        self.n_rows = self.rows.n

    cdef Py_ssize_t neighbours(self, list members, Py_ssize_t place) except -1:
        """Give members places from one on; the place after them."""
        for i in members:
            self.place[i] = place
            place += 1
        return place

    cdef int run(self, list each, list kept) except -1:
        """The steps run, one at a time: rows are taken, and given back after their last reader."""
        cdef list place = self.place, block = self.block, members = self.members
        cdef list last_read = [-1] * len(members), done, own
        cdef tuple node
        cdef Py_ssize_t time, result, row, i
        cdef bint is_one
        cdef object step, b
        cdef list free = self.rows.single
        for time in range(len(each)):
            for i in self.read(each[time]):
                last_read[block[i]] = time
        for i in kept:
            last_read[block[i]] = len(each)
        for time in range(len(each)):
            step = each[time]
            done = []
            for i in self.read(step):
                b = block[i]
                if <Py_ssize_t>last_read[b] == time and self.varies[i] is True:
                    last_read[b] = -1
                    done.append(b)
            is_one = type(step) is int
            if not is_one and isinstance(step, (Sum, Sums)):
                self.each.append(placed_sum(step, place))
                self.give_back(done)
                continue
            result = step if is_one else step.result
            own = members[block[result]]
            if is_one and len(own) == 1:  # it may have an operand's place
                node = _as_instruction(self.nodes[result])
                places = _picked(place, node[2])
                self.give_back(done)
                row = heappop(free) if free else self.rows.take(1)
                place[result] = self.n_scalars + row
                self.each.append(_placed(node, places, place[result]))
                continue
            if <Py_ssize_t>place[result] < 0:
                self.neighbours(own, self.n_scalars + <Py_ssize_t>self.rows.take(len(own)))
            self.each.append(self.placed(step))
            self.give_back(done)
        return 0

    cdef object read(self, object step):
        """Nodes that tell the blocks that a step reads."""
        return _as_instruction(self.nodes[step])[2] if type(step) is int else read(step)

    cdef object placed(self, object step):
        """A step with places where it has nodes."""
        if type(step) is not int:
            return placed(step, self.place)
        node = _as_instruction(self.nodes[step])
        return _placed(node, _picked(self.place, node[2]), self.place[step])

    cdef int give_back(self, list blocks) except -1:
        cdef list members
        cdef Py_ssize_t first
        for b in blocks:
            members = self.members[b]
            first = <Py_ssize_t>self.place[members[0]] - self.n_scalars
            if len(members) == 1:
                heappush(self.rows.single, first)
            else:
                self.rows.give_back(first, len(members))
        return 0


cdef inline object _placed(tuple node, tuple places, object result):
    return _new(Record, (node[0], node[1], places, result, node[4], node[5]))


cdef tuple _picked(list table, tuple numbers):
    """What a table has for each of some numbers."""
    cdef Py_ssize_t n = len(numbers), i
    cdef tuple picked = PyTuple_New(n)
    cdef object found
    for i in range(n):
        found = table[numbers[i]]
        Py_INCREF(found)
        PyTuple_SET_ITEM(picked, i, found)
    return picked
