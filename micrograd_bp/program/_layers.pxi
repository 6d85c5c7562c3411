# The twin of layers.py. Included by _passes.pyx.


cdef struct Row:  # what is ordered, by its key and then its node; or a column
    int node, n_keys
    int* operands  # of a weighted sum: its weights, its factors, and its bias or none
    int* key


cdef int _compared(const void* one, const void* other) noexcept nogil:
    cdef const Row* a = <const Row*>one
    cdef const Row* b = <const Row*>other
    cdef Py_ssize_t k
    for k in range(a.n_keys):
        if a.key[k] != b.key[k]:
            return -1 if a.key[k] < b.key[k] else 1
    return (a.node > b.node) - (a.node < b.node)


cdef bint _sort(Row* rows, Py_ssize_t n) noexcept nogil:
    """Put rows in order; whether they were not."""
    cdef Py_ssize_t j
    for j in range(1, n):
        if _compared(&rows[j - 1], &rows[j]) > 0:
            qsort(rows, n, sizeof(Row), _compared)
            return True
    return False


cdef inline bint _are_equal(int* some, int* others, Py_ssize_t n) noexcept nogil:
    return memcmp(some, others, n * sizeof(int)) == 0


cdef class Layers:
    """The blocks of a graph, and the steps that compute them."""

    cdef readonly Blocks blocks
    cdef Nodes nodes
    cdef list varies
    cdef dict copies, latest
    cdef void* room
    cdef size_t size
    cdef bint has_sums
    cdef Row* rows
    cdef Row* columns
    cdef int* operands  # those of each row
    cdef int* keys  # of each row, two or more
    cdef int* places  # of the columns
    cdef int* strides
    cdef int* factors  # of the columns
    cdef int* spare

    def __cinit__(
        self,
        Nodes nodes not None,
        needed,
        list varies not None,
        Py_ssize_t n_inputs,
        Py_ssize_t n_parameters,
    ):
        cdef int block, end
        self.nodes, self.varies = nodes, varies
        self.blocks = Blocks(nodes, needed, varies, n_inputs, n_parameters)
        self.copies, self.latest = {}, {}
        if len(varies) < len(nodes):
            raise ValueError("whether a node varies has to be known of each")
        end = self.blocks.last.n
        for block in range(3):
            self.blocks.placed(block, -1)
        block = self.blocks.next_wide(3, end)
        while block < end:
            self.find(block)
            block = self.blocks.next_wide(block + 1, end)

    def __dealloc__(self):
        free(self.room)

    cdef int release(self) noexcept:
        free(self.room)
        self.room, self.size = NULL, 0
        return 0

    cdef int reserve(self, Py_ssize_t m, Py_ssize_t n, Py_ssize_t n_columns) except -1:
        """Room for rows of n operands, and for columns; what was there is lost."""
        cdef Py_ssize_t n_keys = max(n // 2, 2), most = max(n, n_columns), j
        cdef size_t size = (m + n_columns) * sizeof(Row)
        size += (m * (n + n_keys) + 4 * most) * sizeof(int)
        if size > self.size:
            self.release()
            self.room = malloc(size)
            if self.room is NULL:
                raise MemoryError
            self.size = size
        self.rows = <Row*>self.room
        self.columns = self.rows + m
        self.operands = <int*>(self.columns + n_columns)
        self.keys = self.operands + m * n
        self.places = self.keys + m * n_keys
        self.strides = self.places + most
        self.factors = self.strides + most
        self.spare = self.factors + most
        for j in range(m):
            self.rows[j] = Row(<int>j, 0, self.operands + j * n, self.keys + j * n_keys)
        return 0

    # Of the nodes by number

    cdef inline int at(self, Py_ssize_t i) except? -1:
        return self.blocks.at.get(i)

    cdef inline int block_of(self, Py_ssize_t i) except? -1:
        return self.blocks.block.get(i)

    cdef bint any_varies(self, int* nodes, Py_ssize_t n) except -1:
        cdef Py_ssize_t k
        for k in range(n):
            if self.varies[nodes[k]] is True:
                return True
        return False

    cdef bint are_apart(self, int* nodes, Py_ssize_t n, int distance) except -1:
        """Whether nodes are equally far apart, each so far from the one before."""
        cdef int at = self.at(nodes[0])
        cdef Py_ssize_t k
        for k in range(1, n):
            at += distance
            if self.at(nodes[k]) != at:
                return False
        return True

    cdef bint are_neighbours(self, int* nodes, Py_ssize_t n) except -1:
        if self.block_of(nodes[0]) != self.block_of(nodes[n - 1]):
            return False
        return self.are_apart(nodes, n, 1)

    cdef tuple names(self, Row* rows, Py_ssize_t m):
        cdef Py_ssize_t j
        for j in range(m):
            if label_of(self.nodes, rows[j].node) or scope_of(self.nodes, rows[j].node):
                break
        else:
            return ()
        return tuple(
            [
                (scope_of(self.nodes, rows[j].node), label_of(self.nodes, rows[j].node))
                for j in range(m)
            ]
        )

    cdef int find(self, int block) except -1:
        """The steps of a block, as wide as may be."""
        cdef list steps = []
        cdef Py_ssize_t m = self.blocks.size(block), start = self.blocks.start.get(block), j
        cdef int first = self.blocks.first(block), last
        cdef Py_ssize_t n = n_operands(self.nodes, first)
        cdef Row* row
        self.reserve(m, n, n)
        for j in range(m):
            row = self.rows + j
            row.node = self.blocks.flat.get(start + j)
            if n_operands(self.nodes, row.node) != n:
                raise ValueError("the nodes of a block have as many operands")
            memcpy(row.operands, operands_at(self.nodes, row.node), n * sizeof(int))
        last = self.rows[m - 1].node
        last = self.blocks.last_of(self.operands, m * n if n > 2 else n, last)
        if function_number(self.nodes, first) == OF_DOT:
            self.weighted_sums(m, n, steps)
        else:
            self.order(m, n)
            self.maps(self.rows, m, n, steps)
        for j in range(m):
            self.blocks.flat.put(start + j, self.rows[j].node)
        self.blocks.placed(block, last)
        self.blocks.computed(block, steps)
        return 0

    # Functions of numbers in a row

    cdef int order(self, Py_ssize_t m, Py_ssize_t n) except -1:
        """Put the rows in the order of the operand that tells them apart best."""
        cdef Py_ssize_t best = 0, most = 0, k
        cdef Py_ssize_t different
        for k in range(n):
            self.by_place_of(k, m)
            different = self.n_different(m)
            if different > most:
                best, most = k, different
                if most == m:
                    break
        self.by_place_of(best, m)
        _sort(self.rows, m)
        return 0

    cdef int by_place_of(self, Py_ssize_t k, Py_ssize_t m) except -1:
        cdef Py_ssize_t j
        for j in range(m):
            self.rows[j].key[0] = self.at(self.rows[j].operands[k])
            self.rows[j].n_keys = 1
        return 0

    cdef Py_ssize_t n_different(self, Py_ssize_t m) noexcept:
        """How many keys there are; the rows are left in the order of their nodes."""
        cdef Row* rows = self.rows
        cdef Py_ssize_t n = rows[0].n_keys, different = 1, j
        cdef bint moved = _sort(rows, m)
        for j in range(1, m):
            different += not _are_equal(rows[j].key, rows[j - 1].key, n)
        if moved:
            for j in range(m):
                rows[j].n_keys = 0
            _sort(rows, m)
        return different

    cdef int maps(self, Row* rows, Py_ssize_t m, Py_ssize_t n, list steps) except -1:
        """Maps of rows whose operands are equally far apart, and what remains of single ones."""
        cdef Py_ssize_t first = 0, count
        cdef object node
        while first < m:
            count = self.run(rows + first, m - first, 1, n)
            node = rows[first].node
            steps.append(node if count == 1 else self.map(rows + first, count, n))
            first += count
        return 0

    cdef object map(self, Row* rows, Py_ssize_t m, Py_ssize_t n):
        cdef int node = rows[0].node
        return _new(
            Map,
            (
                function_of(self.nodes, node),
                parameters_of(self.nodes, node),
                m,
                self.spans(rows, n),
                node,
                self.names(rows, m),
            ),
        )

    cdef tuple spans(self, Row* rows, Py_ssize_t n):
        cdef Py_ssize_t k
        return tuple(
            [_new(Span, (rows[0].operands[k], self.strides[k])) for k in range(n)]
        )

    cdef Py_ssize_t run(self, Row* rows, Py_ssize_t m, Py_ssize_t step, Py_ssize_t n) except -1:
        """How many rows go in equal strides in n columns, each so many from the one before."""
        cdef int least = 0, most = 0
        cdef Py_ssize_t j, k
        for k in range(n):
            self.strides[k] = self.stride(rows, k * step) if m > 1 else 0
            least, most = min(least, self.strides[k]), max(most, self.strides[k])
        if least < 0 or most == 0:
            memset(self.strides, 0, n * sizeof(int))
            return 1
        for j in range(1, m - 1):
            for k in range(n):
                if self.stride(rows + j, k * step) != self.strides[k]:
                    return j + 1
        return m

    cdef inline int stride(self, Row* rows, Py_ssize_t k) except? -1:
        """How far it is from one row to the next; -1 where that is in another block."""
        cdef int one = rows[0].operands[k], other = rows[1].operands[k]
        if one == other:
            return 0
        return self.at(other) - self.at(one) if self.block_of(one) == self.block_of(other) else -1

    # Weighted sums: rows of a matrix

    cdef int weighted_sums(self, Py_ssize_t m, Py_ssize_t n, list steps) except -1:
        """The products that compute the rows, which are put in the order of their places."""
        cdef Row* rows = self.rows
        cdef Py_ssize_t h = n // 2, first = 0, end, n_matrices = 0, j
        if h == 0:
            raise ValueError("a weighted sum has a product")
        if self.are_exchanged(m, h):
            for j in range(m):
                memcpy(self.spare, rows[j].operands, h * sizeof(int))
                memcpy(rows[j].operands, rows[j].operands + h, h * sizeof(int))
                memcpy(rows[j].operands + h, self.spare, h * sizeof(int))
        self.order_factors(m, h)
        _sort(rows, m)
        while first < m:
            end = _end_of_matrix(rows, first, m, h)
            if end - first > 1 and self.block_of(rows[first].operands[0]) != 2:
                for j in range(first, end):
                    rows[j].key[0] = self.at(rows[j].operands[0])
                    rows[j].key[1] = self.at(rows[j].operands[h - 1])
                    rows[j].n_keys = 2
                _sort(rows + first, end - first)
            n_matrices += 1
            first = end
        if 1 < m == n_matrices and self.run(rows, m, 1, n) == m:
            return self.single_sums(rows, m, n, steps)
        first = 0
        while first < m:
            end = _end_of_matrix(rows, first, m, h)
            self.products(rows + first, end - first, n, steps)
            first = end
        return 0

    cdef bint are_exchanged(self, Py_ssize_t m, Py_ssize_t h) except -1:
        """Whether the weights are what most rows share, or what varies."""
        cdef bint weights_vary = self.any_varies(self.operands, h)
        cdef bint factors_vary = self.any_varies(self.operands + h, h)
        cdef Py_ssize_t of_weights, of_factors
        if weights_vary != factors_vary or m == 1:
            return weights_vary and not factors_vary
        of_weights, of_factors = self.n_halves(m, 0, h), self.n_halves(m, h, h)
        if of_weights != of_factors:
            return of_weights < of_factors
        return self.n_changes(m, 0, h) < self.n_changes(m, h, h)

    cdef Py_ssize_t n_halves(self, Py_ssize_t m, Py_ssize_t start, Py_ssize_t h) noexcept:
        """How many different ones there are."""
        cdef Py_ssize_t j
        for j in range(m):
            memcpy(self.rows[j].key, self.rows[j].operands + start, h * sizeof(int))
            self.rows[j].n_keys = h
        return self.n_different(m)

    cdef Py_ssize_t n_changes(self, Py_ssize_t m, Py_ssize_t start, Py_ssize_t h) noexcept:
        """How often the next is another one."""
        cdef Py_ssize_t j, changes = 0
        for j in range(1, m):
            changes += not _are_equal(
                self.rows[j].operands + start, self.rows[j - 1].operands + start, h
            )
        return changes

    cdef int order_factors(self, Py_ssize_t m, Py_ssize_t h) except -1:
        """The factors of each row in the order of their places, which are the row's key."""
        cdef Row* row
        cdef Py_ssize_t j, k
        cdef bint moved = False
        for j in range(m):
            row = &self.rows[j]
            row.n_keys = h
            if j == 0 or not _are_equal(row.operands + h, self.factors, h):
                memcpy(self.factors, row.operands + h, h * sizeof(int))
                moved = self.order_columns(self.factors, h)
            for k in range(h):
                row.key[k] = self.columns[k].key[0]
            if moved:
                self.move_columns(row, h)
        return 0

    cdef bint order_columns(self, int* nodes, Py_ssize_t n) except -1:
        """The columns in the order of the places of nodes; whether that is another order."""
        cdef Py_ssize_t k
        for k in range(n):
            self.places[k] = self.at(nodes[k])
            self.columns[k] = Row(<int>k, 1, nodes + k, self.places + k)
        return _sort(self.columns, n)

    cdef int move_columns(self, Row* row, Py_ssize_t h) noexcept:
        cdef int* before = self.spare
        cdef Py_ssize_t k
        memcpy(before, row.operands, 2 * h * sizeof(int))
        for k in range(h):
            row.operands[k] = before[self.columns[k].node]
            row.operands[h + k] = before[h + self.columns[k].node]
        return 0

    cdef int products(self, Row* rows, Py_ssize_t m, Py_ssize_t n, list steps) except -1:
        """One matrix times one vector; more, or single sums, where the weights are scattered."""
        cdef Py_ssize_t h = n // 2, n_runs, first, count, j, k
        cdef int start, across
        cdef Row* row
        cdef int* factors = rows[0].operands + h
        cdef bint in_a_row = self.are_neighbours(factors, h)
        if m == 1 and (h < 2 or not in_a_row):
            steps.append(rows[0].node)
            return 0
        if not in_a_row and self.order_columns(rows[0].operands, h):
            for j in range(m):  # so they are copied, in the order that suits
                self.move_columns(rows + j, h)
        n_runs = self.n_affine(rows, m, n)
        if not 0 < n_runs <= max(1, m // 4):
            if m == 1 or self.any_row_varies(rows, m, h):
                return self.single_sums(rows, m, n, steps)
            start = self.copy(tuple([rows[j].operands[k] for j in range(m) for k in range(h)]))
            for j in range(m):
                for k in range(h):
                    rows[j].operands[k] = start + <int>(j * h + k)
            n_runs = self.n_affine(rows, m, n)
            if not 0 < n_runs <= max(1, m // 2):  # by their bias
                for j in range(m):
                    steps.append(rows[j].node)
                return 0
        start = factors[0]
        if not self.are_neighbours(factors, h):
            start = self.copy(tuple([factors[k] for k in range(h)]))
        across = self.across(rows, h)
        first = 0
        while first < m:
            count = self.run(rows + first, m - first, n - 1, 1 + n % 2)
            row = rows + first
            weights = _new(Weights, (row.operands[0], self.strides[0], across))
            bias = _new(Span, (row.operands[2 * h], self.strides[1])) if n % 2 else None
            names = self.names(row, count)
            steps.append(_new(Product, (count, h, weights, start, bias, row.node, names)))
            first += count
        return 0

    cdef bint any_row_varies(self, Row* rows, Py_ssize_t m, Py_ssize_t h) except -1:
        cdef Py_ssize_t j
        for j in range(m):
            if self.any_varies(rows[j].operands, h):
                return True
        return False

    cdef int single_sums(self, Row* rows, Py_ssize_t m, Py_ssize_t n, list steps) except -1:
        """Weighted sums one by one, or as a Map where their operands are equally far apart."""
        cdef Py_ssize_t i, j, k
        for j in range(m):
            i = rows[j].node
            for k in range(n):
                if operand_of(self.nodes, i, k) != rows[j].operands[k]:
                    operands = tuple([rows[j].operands[k] for k in range(n)])
                    function, parameters = function_of(self.nodes, i), parameters_of(self.nodes, i)
                    names = label_of(self.nodes, i), scope_of(self.nodes, i)
                    self.nodes[i] = _new(Record, (function, parameters, operands, -1, *names))
                    break
        return self.maps(rows, m, n, steps)

    cdef inline int across(self, Row* rows, Py_ssize_t h) except? -1:
        return self.at(rows[0].operands[1]) - self.at(rows[0].operands[0]) if h > 1 else 0

    cdef Py_ssize_t n_affine(self, Row* rows, Py_ssize_t m, Py_ssize_t n) except -1:
        """In how many matrices the places are affine in row and column; 0 where they are not."""
        cdef Py_ssize_t h = n // 2, j, first = 0, runs = 0
        cdef int across = self.across(rows, h)
        cdef int block = self.block_of(rows[0].operands[0])
        if across < 0:
            return 0
        for j in range(m):
            if self.block_of(rows[j].operands[0]) != block:
                return 0
            if self.block_of(rows[j].operands[h - 1]) != block:
                return 0
        for j in range(m):
            if not self.are_apart(rows[j].operands, h, across):
                return 0
        while first < m:
            first += self.run(rows + first, m - first, n - 1, 1 + n % 2)
            runs += 1
        return runs

    cdef int copy(self, tuple nodes) except -1:
        """The first of copies of nodes, in a block of their own, made once."""
        cdef int first
        found = self.copies.get(nodes)
        if found is not None:
            return found
        first = self.new_block(len(nodes), nodes)
        self.copies[nodes] = first
        self.turn_of_new(first, _new(Gather, (nodes, first)))
        return first

    cdef int new_block(self, Py_ssize_t n, tuple operands) except -1:
        """The first node of a block that was not in the graph."""
        cdef int latest = -1, last = -1, first, block, i
        cdef bint varies = False
        for i in operands:
            block = self.block_of(i)
            varies = varies or self.varies[i] is True
            latest, last = max(latest, block), max(last, self.blocks.last.get(block))
        first = self.blocks.add(n, last)
        self.nodes.add_leaves(n)
        self.varies.extend([varies] * n)
        self.latest[self.block_of(first)] = latest
        return first

    cdef int turn_of_new(self, int node, object step) except -1:
        cdef int block = self.block_of(node)
        self.blocks.turn(self.blocks.last.get(block), self.latest[block], 1, [step])
        return 0

    # Sums over the data points

    def add_sums(self, dict plain not None, dict products not None):
        """Sums of numbers and of products over the data points; they are of sums.py."""
        cdef dict by_factors = {}
        cdef Py_ssize_t m, n, first, end, low, high, j, k
        cdef int i
        cdef tuple factors
        cdef list all_shared, many, of_one, results
        if self.has_sums:
            raise ValueError("the sums are there already")
        self.has_sums = True
        for shared, (factors_of_one, _) in products.items():
            by_factors.setdefault(tuple(factors_of_one), []).append(shared)
        self.multiply_pairs(by_factors, products, plain)
        for factors, all_shared in by_factors.items():
            m, n = len(all_shared), len(factors)
            self.reserve(m, 1, n)
            for k in range(n):
                self.factors[k] = factors[k]
            self.order_columns(self.factors, n)
            self.rows_of(all_shared)
            first = 0
            while first < m:
                end = self.end_of_neighbours(self.rows, first, m)
                low = 0
                while low < n:
                    high = self.end_of_neighbours(self.columns, low, n)
                    results = []
                    for j in range(first, end):
                        of_one = products[self.rows[j].operands[0]][1]
                        for k in range(low, high):
                            results.append(of_one[self.columns[k].node])
                    self.sum(
                        self.rows + first, end - first, self.columns + low, high - low,
                        tuple(results),
                    )
                    low = high
                first = end
        for i in [i for i, results in plain.items() if len(results) > 2]:
            many = plain.pop(i)  # such as the 0 that many derivatives are
            first = self.copy((i,) * len(many))
            for j in range(len(many)):
                plain[first + j] = [many[j]]
        while plain:  # again, where one number is in two results
            m = len(plain)
            self.reserve(m, 1, 0)
            self.rows_of(list(plain))
            first = 0
            while first < m:
                end = self.end_of_neighbours(self.rows, first, m)
                results = [
                    (<list?>plain[self.rows[j].operands[0]]).pop() for j in range(first, end)
                ]
                self.sum(self.rows + first, end - first, NULL, 0, tuple(results))
                first = end
            plain = {i: results for i, results in plain.items() if results}
        self.release()

    cdef int rows_of(self, list nodes) except -1:
        """One row a node, in the order of their places."""
        cdef Py_ssize_t j
        for j in range(len(nodes)):
            self.rows[j].operands[0] = nodes[j]
            self.rows[j].key[0] = self.at(nodes[j])
            self.rows[j].n_keys = 1
        _sort(self.rows, len(nodes))
        return 0

    cdef Py_ssize_t end_of_neighbours(self, Row* rows, Py_ssize_t first, Py_ssize_t m) except -1:
        """From the first on each one is a neighbour of the one before."""
        cdef int block = self.block_of(rows[first].operands[0])
        cdef Py_ssize_t j
        for j in range(first + 1, m):
            if rows[j].key[0] != rows[j - 1].key[0] + 1:
                return j
            if self.block_of(rows[j].operands[0]) != block:
                return j
        return m

    cdef int multiply_pairs(self, dict by_factors, dict products, dict plain) except -1:
        """Products of numbers in a row with each its own factor become a Map, summed as such."""
        cdef list pairs = [
            (all_shared[0], factors[0])
            for factors, all_shared in by_factors.items()
            if len(<tuple>factors) == 1 == len(<list>all_shared)
        ]
        cdef Py_ssize_t m = len(pairs), count, j, k
        cdef int product
        cdef Row* rows
        self.reserve(m, 2, 0)
        rows = self.rows
        for j in range(m):
            for k in range(2):
                rows[j].operands[k] = pairs[j][k]
                rows[j].key[k] = self.at(rows[j].operands[k])
            rows[j].n_keys = 2
        _sort(rows, m)
        while m:
            count = self.run(rows, m, 1, 2)
            if count > 1:
                product = self.new_block(count, (rows[0].operands[0], rows[0].operands[1]))
                step = _new(Map, (MUL, (), count, self.spans(rows, 2), product, ()))
                self.turn_of_new(product, step)
                for j in range(count):
                    plain[product + j] = products[rows[j].operands[0]][1]
                    del by_factors[(rows[j].operands[1],)]
            rows += count
            m -= count
        return 0

    cdef int sum(
        self, Row* shared, Py_ssize_t m, Row* factors, Py_ssize_t n, tuple results
    ) except -1:
        """One step, or several where a result would be there twice."""
        cdef Py_ssize_t half
        cdef int block, first_factor = 0, last, latest
        cdef object step
        if not _are_different(results):
            if m > 1:
                half = m // 2
                self.sum(shared, half, factors, n, results[: half * max(1, n)])
                self.sum(shared + half, m - half, factors, n, results[half * max(1, n) :])
            else:
                half = n // 2
                self.sum(shared, m, factors, half, results[:half])
                self.sum(shared, m, factors + half, n - half, results[half:])
            return 0
        block = self.block_of(shared[0].operands[0])
        last, latest = self.blocks.last.get(block), self.latest.get(block, block)
        if n:
            first_factor = factors[0].operands[0]
            block = self.block_of(first_factor)
            last = max(last, self.blocks.last.get(block))
            latest = max(latest, <int>self.latest.get(block, block))
        if len(results) == 1:
            step = Sum(shared[0].operands[0], (first_factor,) if n else (), results)
        else:
            step = _new(Sums, (m, shared[0].operands[0], n, first_factor, results))
        self.blocks.turn(last, latest, 2, [step])
        return 0


cdef Py_ssize_t _end_of_matrix(
    Row* rows, Py_ssize_t first, Py_ssize_t m, Py_ssize_t h
) noexcept nogil:
    """The rows from the first on that have its factors."""
    cdef Py_ssize_t end = first + 1
    while end < m and _are_equal(rows[end].operands + h, rows[first].operands + h, h):
        end += 1
    return end


cdef bint _are_different(tuple results) except -1:
    cdef Py_ssize_t k
    cdef object before = results[0]
    for k in range(1, len(results)):
        if not before < results[k]:
            return len(set(results)) == len(results)
        before = results[k]
    return True
