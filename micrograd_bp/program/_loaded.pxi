"""A plan as C runs it: its instructions as steps, and the room that they take."""

cdef enum Kind:
    ROW, PAIR, ACTIVATION, DOT, EACH, PRODUCT, GATHER, SUM, SUMS

cdef struct Step:
    Kind kind
    int width  # of a Map, else 1; the height of a PRODUCT and of SUMS
    int depth  # of a PRODUCT and of SUMS
    RowFunction loop  # of a ROW
    PairFunction pair  # of a PAIR, whose second result is that of the next instruction
    ActivationFunction activation  # of an ACTIVATION: a tanh or sigmoid, with or without a second
    NumberFunction each  # of an EACH that has one
    LanesFunction lanes  # and of one that has it
    int function  # the index of an EACH's function in the table's own form
    int n_operands
    int* operands  # places; of a SUM first the shared number, then the factors
    int* strides  # of the operands of a Map; of a PRODUCT down, across, and that of the bias
    int n_results
    int* results  # a place, or two; of a SUM and SUMS the results
    double* parameters
    Py_ssize_t sums  # where a space has those of a SUM or SUMS
    Py_ssize_t apart  # from row to row of results of SUMS, if each row is in order; else 0
    int biases  # 1 where each row of results ends with the sum of the shared number itself
    bint weights_given, bias_given  # of a PRODUCT: whether they are parameters

cdef Py_ssize_t MOST_PLACES = 2**28  # then a block has fewer numbers than an int can count
cdef Py_ssize_t MOST_OPERANDS = 2**31 - 1
cdef int CACHE = 24576  # numbers: 192 kB, within the second-level cache of any machine of today
cdef int LAST_CACHE = 1048576  # of most machines, or more
cdef int CACHE_OF_LAYERS = 65536  # that of most: a product uses a number that it loads many times
cdef int SHORT = 65536  # numbers of a block: one point of it is done before the GIL is let go


@cython.final
cdef class _Loaded:
    """A plan of instructions.py as steps; and the spaces that it has run in, for the next call."""

    cdef Py_ssize_t n_inputs, n_parameters, n_scalars, n_rows, n_places, n_sums, n_outputs, block
    cdef Py_ssize_t n_lanes, n_wide_sums, n_room
    cdef Py_ssize_t first_copied, last_copied  # of the parameters
    cdef Py_ssize_t most_operands
    cdef Py_ssize_t n_once, n_each
    cdef bint once_each  # whether each result is summed by one step
    cdef Py_ssize_t work  # how many numbers a block takes in and gives
    cdef Step* steps  # those that run once a call, then those of each block
    cdef int* numbers  # the memory of the steps' operands, strides and results
    cdef double* parameter_memory
    cdef int* outputs
    cdef tuple constants
    cdef list functions
    cdef const Level* level
    cdef _Space spare  # one that no call runs in,
    cdef list spaces  # and the others

    def __cinit__(self, plan):
        instructions = [*plan.once, *plan.each]
        self.n_inputs, self.n_parameters = plan.n_inputs, plan.n_parameters
        self.n_scalars, self.n_rows = plan.n_scalars, plan.n_rows
        self.n_places = self.n_scalars + self.n_rows
        self.n_sums, self.n_outputs = plan.n_sums, len(plan.outputs)
        self.constants = plan.constants
        self.functions, self.spaces = [], []
        self.level = &LEVELS[the_level]
        cdef Py_ssize_t n_numbers = 0, n_fixed = 0, i
        cdef tuple operands, strides, results, parameters
        cdef bint wide = False
        for i in range(len(instructions)):
            one = instructions[i]
            if type(one) is Map:
                one = instructions[i] = self._as_product(one)
            wide |= type(one) is Product
            operands, strides, results, parameters = _numbers_of(one)
            n_numbers += len(operands) + len(strides) + len(results) + 1
            n_fixed += len(parameters)
        self._choose_block(wide)
        if self.n_places >= MOST_PLACES or n_numbers > MOST_OPERANDS:
            raise ValueError(
                f"a plan has fewer than {MOST_PLACES} places and {MOST_OPERANDS} operands, and not"
                f" {self.n_places} and {n_numbers}"
            )
        self.steps = <Step*>_allocated(len(instructions) * sizeof(Step))
        self.numbers = <int*>_allocated(n_numbers * sizeof(int))
        self.parameter_memory = <double*>_allocated(n_fixed * sizeof(double))
        self.outputs = <int*>_allocated(self.n_outputs * sizeof(int))
        self.most_operands, self.first_copied = 1, self.n_parameters
        self.work = self.n_inputs + self.n_outputs
        cdef int* numbers = self.numbers
        cdef double* fixed = self.parameter_memory
        cdef Step* step = self.steps
        cdef list seen = [0] * self.n_sums
        previous = None
        for number_of_one, one in enumerate(instructions):
            if step != self.steps and self._is_other(step - 1, previous, one):
                (step - 1).results[1] = one.result
                continue
            if step != self.steps and self._are_biases(step - 1, previous, one):
                (step - 1).biases = 1
                for place in one.results:
                    seen[place] += 1
                continue
            previous = one
            if number_of_one < len(plan.once):
                self.n_once += 1
            else:
                self.n_each += 1
            operands, strides, results, parameters = _numbers_of(one)
            memset(step, 0, sizeof(Step))
            step.width, step.n_operands, step.n_results = 1, <int>len(operands), <int>len(results)
            step.operands = numbers
            step.strides = step.operands + len(operands)
            step.results = step.strides + len(strides)
            step.parameters = fixed
            numbers = _written(_written(_written(numbers, operands), strides), results)
            numbers[0] = 0  # for a second result
            numbers += 1
            for number in parameters:
                fixed[0] = number
                fixed += 1
            self._prepare(step, one)
            if step.kind == SUM or step.kind == SUMS:
                for place in results:
                    seen[place] += 1
            self.work += step.width * (1 + step.n_operands + step.depth // 8)
            self.most_operands = max(self.most_operands, step.n_operands, 2 * step.depth + 1)
            step += 1
        self.once_each = all(count == 1 for count in seen)
        self.work *= self.block
        for i in range(self.n_outputs):
            self.outputs[i] = plan.outputs[i]
            self._copy(plan.outputs[i], 1)
        self.last_copied = max(self.first_copied, self.last_copied)

    cdef _as_product(self, one):
        """A number times neighbours is a matrix of one column: W^T delta of one delta."""
        if one.function.key != "mul":
            return one
        weights, factor = sorted(one.operands)
        if weights.first >= self.n_scalars or factor.first < self.n_scalars or factor.stride:
            return one
        matrix = Weights(weights.first, weights.stride, 0)
        return Product(one.width, 1, matrix, factor.first, None, one.result)

    cdef int _copy(self, Py_ssize_t place, Py_ssize_t width) except -1:
        """Let what is at some places, as far as they are parameters, be copied for each call."""
        if place < self.n_parameters:
            self.first_copied = min(self.first_copied, place)
            self.last_copied = max(self.last_copied, min(place + width, self.n_parameters))
        return 0

    cdef int _choose_block(self, bint wide) except -1:
        """How many data points at a time: as many as the cache has room for.

        Of many rows at least 32 points, if the last cache holds them, and 24 with layers, if twice
        their cache does: fewer take longer for what surrounds the loops than the loops themselves.
        Rows of layers are an odd number of cache lines apart: then those that a tile reads are
        not all in the same few sets of the cache.
        """
        self.block = 120 if wide else 128
        cdef Py_ssize_t room = CACHE_OF_LAYERS if wide else CACHE
        cdef Py_ssize_t least = 24 if wide else 32
        if self.n_rows * least > (2 * CACHE_OF_LAYERS if wide else LAST_CACHE):
            least = 8
        while self.block > least and self.block * self.n_rows > room:
            self.block = (self.block // 2 + 8) // 16 * 16 - 8 if wide else self.block // 2

    cdef int _prepare(self, Step* step, one) except -1:
        """What a step does, and the room that it needs."""
        cdef Py_ssize_t room = 0, place
        cdef int i
        if type(one) is Instruction:
            for i in range(step.n_operands):
                self._copy(step.operands[i], 1)
            return self._find(step, one)
        if isinstance(one, Product):
            place = step.operands[0] + step.strides[0] * (one.height - 1)
            place += step.strides[1] * (one.depth - 1)
            step.weights_given = place < self.n_parameters
            place = step.operands[2] + step.strides[2] * (one.height - 1)
            step.bias_given = place < self.n_parameters
            by_unit = one.result >= self.n_scalars and self._goes_by_unit(step)
            if by_unit or not step.weights_given:
                self._copy(step.operands[0], self.n_parameters)
            if one.bias is not None and (by_unit or not step.bias_given):
                self._copy(step.operands[2], self.n_parameters)
            self._copy(step.operands[1], one.depth)
        elif isinstance(one, Sums):
            self._copy(one.shared, one.height)
            self._copy(one.factors, one.depth)
        else:
            for i in range(step.n_operands):
                place = step.strides[i] * (one.width - 1) if isinstance(one, Map) else 0
                self._copy(step.operands[i], place + 1)
        if isinstance(one, Sum):
            step.kind, step.sums = SUM, self.n_lanes
            self.n_lanes += step.n_results
        elif isinstance(one, Sums):
            step.kind, step.width, step.depth = SUMS, one.height, one.depth
            step.sums = self.n_wide_sums
            step.apart = _distance(one.results, one.depth)
            self.n_wide_sums += one.height * (one.depth + 1)
            room = max(MOST_COLUMNS * self.block, one.height)
        elif isinstance(one, Product):
            step.kind, step.width, step.depth = PRODUCT, one.height, one.depth
        elif isinstance(one, Gather):
            step.kind, step.width = GATHER, step.n_operands
        else:
            step.width = one.width
            room = 2 * one.width
            self._find(step, one)
            self._find_wide(step, one)
        self.n_room = max(self.n_room, (room + 7) // 8 * 8)
        return 0

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.numbers)
        PyMem_Free(self.parameter_memory)
        PyMem_Free(self.outputs)

    cdef bint _is_other(self, Step* step, previous, one) except -1:
        """Whether two instructions in turn are a pair; the step of the first becomes theirs."""
        if step.kind != ROW and step.kind != ACTIVATION or type(one) is not type(previous):
            return False
        if one.operands != previous.operands or isinstance(one, Map) and one.width != previous.width:
            return False
        if previous.result in previous.operands:  # which the second reads, then, and not its own
            return False
        pair = PAIRS.get((previous.function.key, one.function.key))
        if pair is None:
            return False
        if step.kind == ACTIVATION:
            is_tanh = previous.function.key == "tanh"
            step.activation = self.level.tanh if is_tanh else self.level.sigmoid
        else:
            step.kind, step.pair = PAIR, PAIR_KERNELS[<int>pair].loop
        step.n_results = 2
        return True

    cdef bint _are_biases(self, Step* step, previous, one) except -1:
        """Whether sums of what was just summed times factors are a last column of its results."""
        if step.kind != SUMS or not step.apart or step.biases or type(one) is not Sums:
            return False
        if (one.height, one.shared, one.depth) != (previous.height, previous.shared, 0):
            return False
        first = step.results[0] + step.depth
        return one.results == tuple(first + j * step.apart for j in range(one.height))

    cdef int _find_wide(self, Step* step, one) except -1:
        """The faster loop over many numbers, where there is one."""
        if step.n_operands == 1 and step.strides[0] == 1 and self.level.tanh != NULL:
            if one.function.key == "tanh":
                step.kind, step.activation = ACTIVATION, self.level.tanh_alone
            elif one.function.key == "sigmoid":
                step.kind, step.activation = ACTIVATION, self.level.sigmoid_alone
        return 0

    cdef int _find(self, Step* step, one) except -1:
        """What computes a function: a loop over rows, or one number at a time."""
        function = one.function
        key = function.key
        if key == "dot":
            step.kind = DOT
        elif key in ROWS:
            step.kind, step.loop = ROW, KERNELS[<int>ROWS[key]].loop
        else:
            step.kind, step.function = EACH, <int>len(self.functions)
            self.functions.append((function, tuple(one.parameters)))
            if key in NUMBERS:
                step.each = NUMBER_KERNELS[<int>NUMBERS[key]].each
            if key in OF_LANES:
                step.lanes = LANES_KERNELS[<int>OF_LANES[key]].lanes
        return 0

    cdef bint _goes_by_unit(self, Step* step) noexcept nogil:
        """Whether weights of a layer of a block are rows too, or factors are not."""
        return step.operands[0] >= self.n_scalars or step.operands[1] < self.n_scalars


cdef int* _written(int* numbers, tuple places) except NULL:
    """The memory after the places, which stand in it now."""
    for place in places:
        numbers[0] = place
        numbers += 1
    return numbers


cdef tuple _numbers_of(one):
    """The operands, strides, results and parameters of an instruction, as a Step has them."""
    if type(one) is Instruction:
        return one.operands, (), (one.result,), one.parameters
    if isinstance(one, Map):
        places, strides = zip(*one.operands)
        return places, strides, (one.result,), one.parameters
    if isinstance(one, Product):
        weights, bias = one.weights, one.bias or (-1, 0)
        strides = weights.down, weights.across, bias[1]
        return (weights.first, one.factors, bias[0]), strides, (one.result,), ()
    if isinstance(one, Gather):
        return one.places, (), (one.result,), ()
    if isinstance(one, Sums):
        return (one.shared, one.factors), (), one.results, ()
    return (one.shared, *one.factors), (), one.results, ()


def _distance(results, depth):
    """From row to row of results, where each row is in order, and none is the first; else 0."""
    if depth == 0 or min(results) == 0:
        return 0
    apart = results[depth] - results[0] if len(results) > depth else depth
    in_order = all(
        which == results[0] + i // depth * apart + i % depth for i, which in enumerate(results)
    )
    return apart if in_order and apart > 0 else 0
