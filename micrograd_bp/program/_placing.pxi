# The twin of placing.py. Included by _passes.pyx.


cdef class _Rows:
    """Rows of memory, given out as neighbours and given back."""

    cdef int n
    cdef Ints single  # a heap
    cdef Ints firsts, ends  # of more that are free, in order

    def __cinit__(self):
        self.single, self.firsts, self.ends = Ints(), Ints(), Ints()

    cdef int take(self, Py_ssize_t n) except -1:
        """The first of n rows."""
        cdef int* firsts = self.firsts.of
        cdef int* ends = self.ends.of
        cdef Py_ssize_t k
        cdef int first = self.n
        if n == 1 and self.single.n:
            return _pop(self.single)
        for k in range(self.firsts.n):
            if ends[k] - firsts[k] >= n:
                first = firsts[k]
                firsts[k] += <int>n
                if firsts[k] == ends[k]:
                    self.remove(k)
                return first
        k = self.ends.n - 1
        if k >= 0 and ends[k] == self.n:
            first = firsts[k]
            self.remove(k)
        self.n = <int>(first + n)
        return first

    cdef int give_back(self, int first, int n) except -1:
        """They may be given out again."""
        cdef int* firsts = self.firsts.of
        cdef int* ends = self.ends.of
        cdef Py_ssize_t k = 0, high = self.firsts.n, middle
        cdef int end = first + n
        if n == 1:
            return _push(self.single, first)
        while k < high:
            middle = (k + high) // 2
            if firsts[middle] < first:
                k = middle + 1
            else:
                high = middle
        if k < self.firsts.n and firsts[k] == end:
            end = ends[k]
            self.remove(k)
        if k and ends[k - 1] == first:
            ends[k - 1] = end
            return 0
        self.firsts.insert(k, first)
        return self.ends.insert(k, end)

    cdef int remove(self, Py_ssize_t k) except -1:
        self.firsts.remove(k)
        return self.ends.remove(k)


cdef class Placing:
    """Gives steps their order and numbers their places."""

    cdef readonly Ints place
    cdef readonly list once, each
    cdef readonly Py_ssize_t n_scalars, n_rows
    cdef Nodes nodes
    cdef list varies
    cdef Blocks blocks
    cdef list wide  # the steps that are more than a node
    cdef list read  # what each of them reads
    cdef list places  # each is one object, wherever it is
    cdef _Rows rows

    def __cinit__(self, Nodes nodes not None, list varies not None, Blocks blocks not None, kept):
        cdef Ints once = Ints(), each = Ints()  # nodes; -1 - where a step is among the wide
        cdef Turn* turn
        cdef Py_ssize_t i
        cdef int node
        cdef object inputs = blocks.members(0)
        if len(varies) < len(blocks.block):
            raise ValueError("whether a node varies has to be known of each")
        self.nodes, self.varies, self.blocks = nodes, varies, blocks
        self.place, self.rows = _ints(len(blocks.block), -1), _Rows()
        self.wide, self.read = [], []
        blocks.sort()
        for i in range(blocks.n_turns):
            turn = blocks.turns + i
            if turn.listed < 0:
                (each if varies[turn.first] is True else once).append(turn.first)
                if turn.second >= 0:
                    (each if varies[turn.second] is True else once).append(turn.second)
                continue
            for step in <list>blocks.lists[turn.listed]:
                if type(step) is int:
                    blocks.block.get(step)
                    (each if varies[step] is True else once).append(step)
                    continue
                is_sum = type(step) in SUMS
                (each if is_sum or varies[step.result] else once).append(-1 - len(self.wide))
                self.wide.append(step)
                self.read.append(_read(step))
        self.n_scalars = self.neighbours(1, 0)
        self.n_scalars = self.neighbours(2, self.n_scalars)
        for i in range(once.n):
            node = self.result(once.of[i])
            if self.place.get(node) < 0:
                self.n_scalars = self.neighbours(blocks.block.get(node), self.n_scalars)
        self.neighbours(0, self.n_scalars)
        self.rows.n = <int>len(inputs)
        self.run(each, [*inputs, *kept])
        self.n_rows = self.rows.n
        self.places = [*range(self.n_scalars + self.n_rows)]
        self.once, self.each = self.placed(once), self.placed(each)

    cdef inline int result(self, int step) except -1:
        return step if step >= 0 else self.wide[-1 - step].result

    cdef int neighbours(self, int block, Py_ssize_t place) except -1:
        """Give the members of a block places from one on; the place after them."""
        cdef Py_ssize_t first = self.blocks.start.get(block), k
        cdef Py_ssize_t end = first + self.blocks.size(block)
        for k in range(first, end):
            self.place.put(self.blocks.flat.of[k], place)
            place += 1
        return place

    cdef int read_by(self, int step, Ints found) except -1:
        """The blocks of rows that a step reads; one may be there twice."""
        cdef const int* operands
        cdef Py_ssize_t k
        cdef int i
        found.n = 0
        if step >= 0:
            operands = operands_at(self.nodes, step)
            for k in range(n_operands(self.nodes, step)):
                i = operands[k]
                if self.varies[i] is True:
                    found.append(self.blocks.block.get(i))
        else:
            for i in self.read[-1 - step]:
                if self.varies[i] is True:
                    found.append(self.blocks.block.get(i))
        return 0

    cdef int run(self, Ints each, list kept) except -1:
        """The steps run, one at a time: rows are taken, and given back after their last reader."""
        cdef Ints block = self.blocks.block, last_read = _ints(len(self.blocks.last), -1)
        cdef Ints blocks = Ints(), done = Ints()
        cdef int time, step, i, b
        cdef bint is_early
        for time in range(each.n):
            self.read_by(each.of[time], blocks)
            for i in range(blocks.n):
                last_read.put(blocks.of[i], time)
        for i in kept:
            last_read.put(block.get(i), each.n)
        for time in range(each.n):
            step = each.of[time]
            self.read_by(step, blocks)
            done.n = 0
            for i in range(blocks.n):
                if last_read.get(blocks.of[i]) == time:
                    last_read.put(blocks.of[i], -1)
                    done.append(blocks.of[i])
            if step >= 0 or type(self.wide[-1 - step]) not in SUMS:
                i = self.result(step)
                b = block.get(i)
                is_early = step >= 0 and self.blocks.size(b) == 1
                if is_early:  # it may have an operand's place
                    self.give_back(done)
                    done.n = 0
                if self.place.get(i) < 0 or is_early:
                    self.neighbours(b, self.n_scalars + self.rows.take(self.blocks.size(b)))
            self.give_back(done)
        return 0

    cdef int give_back(self, Ints blocks) except -1:
        cdef Py_ssize_t first, k
        for k in range(blocks.n):
            first = self.place.get(self.blocks.first(blocks.of[k])) - self.n_scalars
            self.rows.give_back(<int>first, <int>self.blocks.size(blocks.of[k]))
        return 0

    # With places where there are nodes

    cdef inline object place_of(self, Py_ssize_t i):
        return self.places[self.place.get(i)]

    cdef list placed(self, Ints steps):
        cdef Py_ssize_t k
        cdef int i
        cdef list found = [None] * steps.n
        for k in range(steps.n):
            i = steps.of[k]
            found[k] = self.placed_node(i) if i >= 0 else self.placed_wide(self.wide[-1 - i])
        return found

    cdef object placed_node(self, int i):
        cdef Nodes nodes = self.nodes
        cdef Py_ssize_t n = n_operands(nodes, i), k
        cdef const int* numbers = operands_at(nodes, i)
        cdef tuple operands = PyTuple_New(n)
        cdef object place
        for k in range(n):
            place = self.place_of(numbers[k])
            Py_INCREF(place)
            PyTuple_SET_ITEM(operands, k, place)
        PyObject_GC_UnTrack(<void*>operands)  # numbers are in no cycle
        return _new(Record, (
            function_of(nodes, i), parameters_of(nodes, i), operands,
            self.place_of(i), label_of(nodes, i), scope_of(nodes, i),
        ))

    cdef object placed_wide(self, object step):
        kind = type(step)
        if kind is Map:
            function, parameters, width, operands, result, names = <tuple>step
            spans = tuple([self.placed_span(span) for span in _fields(operands)])
            return _new(Map, (function, parameters, width, spans, self.place_of(result), names))
        if kind is Product:
            height, depth, matrix, factors, bias, result, names = <tuple>step
            first, down, across = _fields(matrix)
            weights = _new(Weights, (self.place_of(first), down, across))
            bias = None if bias is None else self.placed_span(bias)
            factors, result = self.place_of(factors), self.place_of(result)
            return _new(Product, (height, depth, weights, factors, bias, result, names))
        if kind is Gather:
            copied, result = <tuple>step
            return _new(Gather, (tuple([self.place_of(i) for i in copied]), self.place_of(result)))
        if kind is Sums:
            height, shared, depth, factors, results = <tuple>step
            factors = self.place_of(factors) if depth else 0
            return _new(Sums, (height, self.place_of(shared), depth, factors, results))
        factors = tuple([self.place_of(i) for i in step.factors])
        return Sum(self.place_of(step.shared), factors, step.results)

    cdef object placed_span(self, object span):
        first, stride = _fields(span)
        return _new(Span, (self.place_of(first), stride))


cdef tuple SUMS = (Sum, Sums)


cdef list _read(object step):
    """Nodes that tell the blocks that a wide step reads."""
    kind = type(step)
    if kind is Map:
        return [_fields(span)[0] for span in _fields(step.operands)]
    if kind is Product:
        bias = [] if step.bias is None else [step.bias.first]
        return [step.weights.first, step.factors, *bias]
    if kind is Gather:
        return [*step.places]
    if kind is Sums:
        return [step.shared, step.factors] if step.depth else [step.shared]
    if kind is Sum:
        return [step.shared, *step.factors]
    raise TypeError(step)


cdef inline tuple _fields(object record):
    """A tuple, such as one with names, as the plain one that it is."""
    if not isinstance(record, tuple):
        raise TypeError(f"{record!r} is no tuple")
    return <tuple>record


cdef int _push(Ints heap, int number) except -1:
    """Put a number into a heap, of which the first is the least."""
    cdef Py_ssize_t at = heap.n, up
    heap.append(number)
    while at:
        up = (at - 1) // 2
        if heap.of[up] <= number:
            break
        heap.of[at] = heap.of[up]
        at = up
    heap.of[at] = number
    return 0


cdef int _pop(Ints heap) noexcept:
    """Take the least number out of a heap."""
    cdef int least = heap.of[0], last
    cdef Py_ssize_t at = 0, down = 1
    heap.n -= 1
    last = heap.of[heap.n]
    while down < heap.n:
        if down + 1 < heap.n and heap.of[down + 1] < heap.of[down]:
            down += 1
        if last <= heap.of[down]:
            break
        heap.of[at] = heap.of[down]
        at, down = down, 2 * down + 1
    heap.of[at] = last
    return least
