# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Runs the instructions of a plan in C, without Python: the compiled twin of interpreter.py.

A block of data points at a time, whose rows fit the cache; the functions are loops over a row
(_kernels.h), those of wide instructions over many (_layers.h). Sums over the data points are
taken in parts whose bounds and order depend on the number of points alone, so any number of
threads gives the same bits. The memory that a call lends to threads is that of its job, and lives
until the last of them is done with it, also when the call has ended by Ctrl-C: the thread that
called asks for signals as it works.
"""

from threading import Thread

cimport cython
from cpython.ref cimport PyObject
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport isfinite
from libc.string cimport memcpy, memset, strcmp

import numpy

try:
    from numpy._core._multiarray_umath import _ARRAY_API
except ImportError:  # NumPy 1
    from numpy.core._multiarray_umath import _ARRAY_API

from .instructions import Gather, Instruction, Map, Product, Sum, Sums, Weights

cdef extern from *:
    """
    /* How an array of NumPy begins, by its ABI (PyArrayObject_fields of ndarraytypes.h): a buffer
       would be asked for in 0.1 us each. */
    typedef struct {
        PyObject_HEAD
        double *data;
        int nd;
        Py_ssize_t *dimensions, *strides;
        PyObject *base, *descr;
        int flags;
        PyObject *weak_references;
    } Array;
    /* And how NumPy makes one: PyArray_New of its C API, the 93rd function of 1 and 2 alike. */
    typedef PyObject *(*NewArray)(
        PyTypeObject *, int, const Py_ssize_t *, int, const Py_ssize_t *, void *, int, int,
        PyObject *);
    static NewArray new_array_of(PyObject *capsule) {
        void **api = PyCapsule_GetPointer(capsule, NULL);
        unsigned abi = api ? ((unsigned (*)(void))api[0])() >> 24 : 0;
        if (api && abi != 1 && abi != 2)
            PyErr_Format(PyExc_ImportError, "made for NumPy 1 and 2, not for one of ABI %u", abi);
        return abi == 1 || abi == 2 ? (NewArray)api[93] : NULL;
    }
    """
    ctypedef struct Array:
        double* data
        int nd
        Py_ssize_t* dimensions
        PyObject* descr
        int flags
        PyObject* weak_references
    ctypedef object (*NewArray)(
        type, int, const Py_ssize_t*, int, const Py_ssize_t*, void*, int, int, PyObject*
    )
    NewArray new_array_of(object) except NULL

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)

cdef extern from "<time.h>" nogil:
    struct timespec:
        long long tv_sec
        long tv_nsec
    int timespec_get(timespec*, int)
    int TIME_UTC

cdef extern from * nogil:
    """
    #if defined(__GNUC__) && !defined(MICROGRAD_BP_PORTABLE)
    #define is_raised(flag) __atomic_load_n(flag, __ATOMIC_RELAXED)
    #define raise_flag(flag) __atomic_store_n(flag, 1, __ATOMIC_RELAXED)
    #else
    #define is_raised(flag) (*(volatile int *)(flag))
    #define raise_flag(flag) (*(volatile int *)(flag) = 1)
    #endif
    """
    int is_raised(int*)
    void raise_flag(int*)

cdef extern from "_kernels.h" nogil:
    ctypedef void (*RowFunction)(double*, const double*, const double*, const double*, int)
    ctypedef int (*NumberFunction)(double*, const double*, int, const double*)
    ctypedef struct Kernel:
        const char* name
        RowFunction loop
    ctypedef struct NumberKernel:
        const char* name
        NumberFunction each
    ctypedef void (*PairFunction)(double*, double*, const double*, int)
    ctypedef int (*LanesFunction)(double*, const double* const*, Py_ssize_t, int)
    ctypedef struct LanesKernel:
        const char* name
        LanesFunction lanes
    ctypedef struct PairKernel:
        const char* name
        const char* other
        PairFunction loop
    ctypedef struct Term:
        const double* weight
        const double* factor
        int weight_varies
    const Kernel KERNELS[]
    const NumberKernel NUMBER_KERNELS[]
    const LanesKernel LANES_KERNELS[]
    const PairKernel PAIR_KERNELS[]
    int LANES
    double point_dot(const double*, const int*, int)
    void add_products(double*, const double*, const double*, int)
    void add_numbers(double*, const double*, double, int)
    int all_finite(const double*, Py_ssize_t)

cdef extern from "_layers.h" nogil:
    ctypedef struct Matrix:
        const double* weights
        Py_ssize_t down
        Py_ssize_t across
        const double* bias
        Py_ssize_t bias_down
        int bias_varies
        int m
        int k
    ctypedef void (*ProductFunction)(double*, const Matrix*, const double*, Py_ssize_t)
    ctypedef void (*PointProductFunction)(double*, const Matrix*, const double*)
    ctypedef void (*OuterFunction)(
        double*, Py_ssize_t, int, int, int, const double*, const double*, Py_ssize_t, int, double*
    )
    ctypedef void (*RowSumsFunction)(double*, Py_ssize_t, int, const double*, Py_ssize_t, int)
    ctypedef double (*PointOuterFunction)(
        double*, Py_ssize_t, int, int, int, const double*, const double*
    )
    ctypedef void (*DotFunction)(double*, const Term*, int, const double*, int, int)
    ctypedef void (*ActivationFunction)(double*, double*, const double*, Py_ssize_t)
    ctypedef struct Level:
        const char* name
        ProductFunction product
        PointProductFunction point_product
        OuterFunction add_outer
        RowSumsFunction add_rows
        PointOuterFunction point_outer
        DotFunction dot
        ActivationFunction tanh
        ActivationFunction sigmoid
        ActivationFunction tanh_alone
        ActivationFunction sigmoid_alone
    const Level LEVELS[]
    int n_levels()
    int MOST_COLUMNS

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

cdef struct Totals:
    double* value  # the first sum
    double* slopes  # the others
    double* check  # what is not 0 where one that a point gives is inf or nan

cdef type ndarray = numpy.ndarray
cdef object float64 = numpy.dtype(float)
cdef int CONTIGUOUS = 0x101  # and aligned
cdef int WRITEABLE = 0x400
cdef int DOUBLE = 12  # as numbers of types go
cdef NewArray new_array = new_array_of(_ARRAY_API)
cdef int MOST_PARTS = 64
cdef int CACHE = 24576  # numbers: 192 kB, within the second-level cache of any machine of today
cdef int LAST_CACHE = 1048576  # of most machines, or more
cdef int CACHE_OF_LAYERS = 65536  # that of most: a product uses a number that it loads many times
cdef int UNWATCHED = 262144  # numbers computed between two looks at the clock: some 0.1 ms
cdef int PATIENCE = 50000000  # nanoseconds between two looks for a signal, which wait for the GIL
cdef int SHORT = 65536  # numbers of a block: one point of it is done before the GIL is let go
cdef int MOST_KEPT = 8192  # numbers of an array of results, which is kept to be given out again
cdef int FEW_BLOCKS = 4  # of a part, where each has sums of layers to add up

cdef int the_level = n_levels() - 1


def levels():
    """What this machine can run, the last being what it does: sse2, avx2, avx512."""
    return [LEVELS[i].name.decode() for i in range(n_levels())]


def use_level(name):
    """Let executors that are made from now on use a level that the machine has, as tests do."""
    global the_level
    the_level = levels().index(name)


@cython.final
cdef class _Space:
    """The places of one thread: scalars, rows, lanes of sums, and room for operands."""

    cdef double* scalars
    cdef const double* parameters  # those of the call
    cdef double* rows
    cdef Py_ssize_t points  # from row to row
    cdef double* lanes
    cdef double* sums  # of SUMS
    cdef double* slopes  # where those are summed at once whose rows are in order; or NULL
    cdef double* broadcast
    cdef double* room  # for what a step needs as it runs
    cdef void* memory  # that of rows to room, which begin at whole cache lines
    cdef Term* terms
    cdef double* products
    cdef const double** factors
    cdef int* unit  # the operands of a unit

    def __cinit__(self, Executor run not None):
        cdef Py_ssize_t block = run.block
        self.scalars = <double*>_allocated((run.n_places + LANES) * 8)  # a vector may go beyond
        cdef Py_ssize_t size = (
            run.n_rows * block + run.n_lanes * LANES + run.n_wide_sums + 3 * block + run.n_room
        ) * 8
        self.memory = _allocated(size + 64)
        memset(self.memory, 0, size + 64)
        self.rows = <double*>((<size_t>self.memory + 63) // 64 * 64)
        self.room = self.rows + run.n_rows * block
        self.lanes = self.room + run.n_room
        self.broadcast = self.lanes + run.n_lanes * LANES
        self.sums = self.broadcast + 3 * block
        self.unit = <int*>_allocated(run.most_operands * sizeof(int))
        self.terms = <Term*>_allocated((run.most_operands + 1) * sizeof(Term))
        self.products = <double*>_allocated((run.most_operands + 1) * 8)
        self.factors = <const double**>_allocated(run.most_operands * sizeof(double*))
        cdef Py_ssize_t i
        for i in range(block):
            self.broadcast[2 * block + i] = 1.0
        for i in range(len(run.constants)):
            self.scalars[run.n_parameters + i] = run.constants[i]

    def __dealloc__(self):
        PyMem_Free(self.scalars)
        PyMem_Free(self.memory)
        PyMem_Free(self.terms)
        PyMem_Free(self.products)
        PyMem_Free(self.factors)
        PyMem_Free(self.unit)


cdef void* _allocated(Py_ssize_t size) except NULL:
    cdef void* memory = PyMem_Malloc(size if size > 0 else 1)
    if memory is NULL:
        raise MemoryError(f"a program needs {size} bytes")
    return memory


cdef struct Call:  # what is read and written
    const double* inputs
    const double* parameters
    double* outputs
    Totals totals
    double* parts  # the sums of each part, where the totals are not summed at once
    Py_ssize_t n, n_blocks, n_parts
    int stopped  # word to its threads
    Py_ssize_t unwatched
    timespec asked


cdef int _watch(Call* call, Py_ssize_t work) except -1 nogil:
    """Raise what a signal asks for; to be called from the thread of the call, often."""
    cdef timespec now
    call.unwatched += work
    if call.unwatched < UNWATCHED:
        return 0
    call.unwatched = 0
    timespec_get(&now, TIME_UTC)
    if now.tv_sec != call.asked.tv_sec or now.tv_nsec - call.asked.tv_nsec > PATIENCE:
        call.asked = now
        with gil:
            PyErr_CheckSignals()
    return 0


@cython.final
@cython.no_gc
cdef class _Job:
    """A call on several threads, which may outlive it."""

    cdef object lent  # the arrays, as long as it lives
    cdef Call call
    cdef double value  # the first of the sums
    cdef object error  # of a helper

    def __dealloc__(self):
        PyMem_Free(self.call.parts)


cdef Array* _array(object array) except? NULL:
    """An array of native doubles, aligned and in C order; NULL if it is none."""
    cdef Array* found = <Array*>array
    if type(array) is not ndarray or found.flags & CONTIGUOUS != CONTIGUOUS:
        return NULL
    if found.descr != <PyObject*>float64 and array.dtype != float64:
        return NULL
    return found


cdef bint _fits(
    Array* results, int n_axes, const Py_ssize_t* shape, const Array* x, const Array* w
) noexcept:
    """Whether results of a shape can be written there, apart from the arguments."""
    cdef Py_ssize_t size = 1
    cdef int axis
    if results.flags & WRITEABLE == 0 or results.nd != n_axes:
        return False
    for axis in range(n_axes):
        if results.dimensions[axis] != shape[axis]:
            return False
        size *= shape[axis]
    return _are_apart(results.data, size, x) and _are_apart(results.data, size, w)


cdef bint _is_free(
    PyObject* kept, int n_axes, const Py_ssize_t* shape, const Array* x, const Array* w
) except -1:
    """Whether an array is nobody's but its keeper's, and as it was made."""
    if kept == <PyObject*>None or Py_REFCNT(kept) != 1 or (<Array*>kept).weak_references != NULL:
        return False
    return _array(<object>kept) != NULL and _fits(<Array*>kept, n_axes, shape, x, w)


cdef bint _are_apart(const double* data, Py_ssize_t size, const Array* other) noexcept:
    cdef Py_ssize_t other_size = 1
    cdef int axis
    for axis in range(other.nd):
        other_size *= other.dimensions[axis]
    return data + size <= other.data or other.data + other_size <= data


@cython.final
cdef class Executor:
    """A plan, ready to run.

    Args:
        plan: of instructions.py.
        single: whether its output is one number for a data point, and no list.
    """

    cdef Py_ssize_t n_inputs, n_parameters, n_scalars, n_rows, n_places, n_sums, n_outputs, block
    cdef Py_ssize_t n_lanes, n_wide_sums, n_room
    cdef Py_ssize_t first_copied, last_copied  # of the parameters
    cdef int most_operands
    cdef Py_ssize_t n_once, n_each
    cdef bint single
    cdef bint once_each  # whether each result is summed by one step
    cdef Py_ssize_t work  # how many numbers a block takes in and gives
    cdef Step* steps  # those that run once a call, then those of each block
    cdef int* numbers  # the memory of the steps' operands, strides and results
    cdef double* parameter_memory
    cdef int* outputs
    cdef tuple constants
    cdef list functions, spaces
    cdef _Space spare
    cdef object given, given_before  # the last results that were made for a caller
    cdef const Level* level

    def __cinit__(self, plan, single=False):
        self.single = single
        instructions = [*plan.once, *plan.each]
        self.n_inputs, self.n_parameters = plan.n_inputs, plan.n_parameters
        self.n_scalars, self.n_rows = plan.n_scalars, plan.n_rows
        self.n_places = self.n_scalars + self.n_rows
        self.n_sums, self.n_outputs = plan.n_sums, len(plan.outputs)
        self.constants = plan.constants
        self.functions, self.spaces = [], []
        self.level = &LEVELS[the_level]
        instructions = [self._as_product(one) for one in instructions]
        self._choose_block(any(isinstance(one, Product) for one in instructions))
        cdef Py_ssize_t n_numbers = 0, n_fixed = 0
        for one in instructions:
            operands, strides, results, parameters = _numbers_of(one)
            n_numbers += len(operands) + len(strides) + len(results) + 1
            n_fixed += len(parameters)
        self.steps = <Step*>_allocated(len(instructions) * sizeof(Step))
        self.numbers = <int*>_allocated(n_numbers * sizeof(int))
        self.parameter_memory = <double*>_allocated(n_fixed * sizeof(double))
        self.outputs = <int*>_allocated(self.n_outputs * sizeof(int))
        self.most_operands, self.first_copied = 1, self.n_parameters
        self.work = self.n_inputs + self.n_outputs
        cdef int* numbers = self.numbers
        cdef double* fixed = self.parameter_memory
        cdef Step* step = self.steps
        cdef Py_ssize_t i
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
            step.width, step.n_operands, step.n_results = 1, len(operands), len(results)
            step.operands = numbers
            step.strides = step.operands + len(operands)
            step.results = step.strides + len(strides)
            step.parameters = fixed
            for place in (*operands, *strides, *results):
                numbers[0] = place
                numbers += 1
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

    def _as_product(self, one):
        """A number times neighbours is a matrix of one column: W^T delta of one delta."""
        if not isinstance(one, Map) or one.function.key != "mul":
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
            if one.bias is not None and one.bias.first == one.result:
                room = one.height * self.block
        elif isinstance(one, Gather):
            step.kind, step.width = GATHER, step.n_operands
        else:
            self._find(step, one.function)
            if step.kind == EACH:
                step.function = len(self.functions)
                self.functions.append((one.function, tuple(one.parameters)))
            if isinstance(one, Map):
                step.width = one.width
                room = 2 * one.width
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
        cdef int i = 0
        if step.kind != ROW and step.kind != ACTIVATION or type(one) is not type(previous):
            return False
        if one.operands != previous.operands or isinstance(one, Map) and one.width != previous.width:
            return False
        if previous.result in previous.operands:  # which the second reads, then, and not its own
            return False
        first, second = previous.function.key.encode(), one.function.key.encode()
        while PAIR_KERNELS[i].name != NULL:
            if PAIR_KERNELS[i].name == first and PAIR_KERNELS[i].other == second:
                if step.kind == ACTIVATION:
                    step.activation = self.level.tanh if first == b"tanh" else self.level.sigmoid
                else:
                    step.kind, step.pair = PAIR, PAIR_KERNELS[i].loop
                step.n_results = 2
                return True
            i += 1
        return False

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

    cdef int _find(self, Step* step, function) except -1:
        """What computes a function: a loop over rows, or one number at a time."""
        cdef bytes key = function.key.encode()
        cdef int i = 0
        if key == b"dot":
            step.kind = DOT
            return 0
        step.kind = ROW
        while KERNELS[i].name != NULL:
            if strcmp(KERNELS[i].name, key) == 0:
                step.loop = KERNELS[i].loop
                return 0
            i += 1
        step.kind = EACH
        i = 0
        while NUMBER_KERNELS[i].name != NULL:
            if strcmp(NUMBER_KERNELS[i].name, key) == 0:
                step.each = NUMBER_KERNELS[i].each
            i += 1
        i = 0
        while LANES_KERNELS[i].name != NULL:
            if strcmp(LANES_KERNELS[i].name, key) == 0:
                step.lanes = LANES_KERNELS[i].lanes
            i += 1
        return 0

    def run(self, inputs, parameters, threads=1, out=None):
        """Outputs for each data point, or the sums over all.

        Args:
            inputs: a float64 array of shape (n_inputs,) or (N, n_inputs), in C order.
            parameters: a float64 array of shape (n_parameters,), in C order.
            threads: how many to run on, at least 1.
            out: an array like that of the results to write them into, apart from the arguments.

        Returns:
            A triple: the first sum, a float, and the others, an array; or None, and the outputs,
            an array of shape (n_outputs,) or (N, n_outputs), of a single one a float or an array
            of shape (N,); and whether all are finite. None where an argument is not such as is
            said above.
        """
        cdef double value = 0.0
        cdef bint finite = False
        result = self._run(inputs, parameters, threads, out, &value, &finite)
        if result is None:
            return None
        return value if self.n_sums else None, result, finite

    def finite(self, inputs, parameters, threads, out):
        """What ``run`` gives where all is finite: the pair of sums, or the outputs; else None."""
        cdef double value = 0.0
        cdef bint finite = False
        result = self._run(inputs, parameters, threads, out, &value, &finite)
        if not finite:
            return None
        return (value, result) if self.n_sums else result

    cdef _run(self, inputs, parameters, threads, out, double* value, bint* finite):
        """The results but for the first sum; None where an argument is not such as it should be."""
        cdef Array* x = _array(inputs)
        cdef Array* w = _array(parameters)
        cdef Array* results
        cdef int too_large = 0, n_axes = 0
        cdef long n_threads
        if not (
            x != NULL and w != NULL and w.nd == 1 and w.dimensions[0] == self.n_parameters
            and 1 <= x.nd <= 2 and x.dimensions[x.nd - 1] == self.n_inputs
            and type(threads) is int
        ):
            return None
        n_threads = PyLong_AsLongAndOverflow(threads, &too_large)
        if n_threads < 1:
            return None
        cdef bint one_point = x.nd == 1
        cdef Py_ssize_t shape[2]
        if self.n_sums:
            shape[0], n_axes = self.n_sums - 1, 1
        else:
            if not one_point:
                shape[0], n_axes = x.dimensions[0], 1
            if not self.single:
                shape[n_axes] = self.n_outputs
                n_axes += 1
        cdef double check = 0.0, output = 0.0
        cdef double* outputs = &output
        result = out
        if out is None and n_axes:
            result = self._new(n_axes, shape, x, w)
        if result is not None:
            results = _array(result)
            if results == NULL or out is not None and not _fits(results, n_axes, shape, x, w):
                return None
            outputs = results.data
        cdef Call call
        cdef Py_ssize_t n_results = max(0, self.n_sums - 1)
        if one_point:
            self._run_point(x.data, w.data, Totals(value, outputs, &check))
            if self.once_each:
                n_results = 0
            n_results += self.n_outputs
        else:
            memset(&call, 0, sizeof(Call))
            call.inputs, call.parameters, call.outputs = x.data, w.data, outputs
            call.totals.value, call.totals.slopes = value, outputs
            call.n = x.dimensions[0]
            self._choose_parts(&call)
            if n_threads == 1 or call.n_parts == 1:
                self._run_alone(&call)
            else:
                self._run_threads(call, min(n_threads, call.n_parts), (inputs, parameters, result))
            n_results += call.n * self.n_outputs
        finite[0] = isfinite(value[0]) and check == 0.0 and all_finite(outputs, n_results)
        return output if result is None else result

    cdef _new(self, int n_axes, const Py_ssize_t* shape, const Array* x, const Array* w):
        """An array for results: one of the last two that were given out, if nobody has it now.

        Of two, since many a loop lets go of what it has when it has the next.
        """
        if not _is_free(<PyObject*>self.given, n_axes, shape, x, w):
            if _is_free(<PyObject*>self.given_before, n_axes, shape, x, w):
                self.given, self.given_before = self.given_before, self.given
            else:
                result = new_array(ndarray, n_axes, shape, DOUBLE, NULL, NULL, 0, 0, NULL)
                if shape[0] * (shape[1] if n_axes == 2 else 1) > MOST_KEPT:
                    return result
                self.given, self.given_before = result, self.given
        return self.given

    cdef _Space _space(self):
        cdef _Space space = self.spare
        if space is None:
            return self.spaces.pop() if self.spaces else _Space(self)
        self.spare = None
        return space

    cdef int _give_back(self, _Space space) except -1:
        if self.spare is None:
            self.spare = space
        else:
            self.spaces.append(space)
        return 0

    cdef int _run_point(
        self, const double* inputs, const double* parameters, Totals totals
    ) except -1:
        cdef _Space space = self._space()
        if self.work < SHORT:
            self._point(space, inputs, parameters, totals)
        else:
            with nogil:
                self._point(space, inputs, parameters, totals)
        return self._give_back(space)

    cdef int _point(
        self, _Space space, const double* inputs, const double* parameters, Totals totals
    ) except -1 nogil:
        cdef double* numbers = space.scalars
        cdef Py_ssize_t i
        self._take_parameters(space, parameters)
        memcpy(numbers + self.n_scalars, inputs, self.n_inputs * 8)
        if self.n_sums and not self.once_each:
            memset(totals.slopes, 0, (self.n_sums - 1) * 8)
        self._steps_of_a_point(space, 0, self.n_once + self.n_each, totals)
        for i in range(self.n_outputs):
            totals.slopes[i] = numbers[self.outputs[i]]
        return 0

    cdef void _take_parameters(self, _Space space, const double* parameters) noexcept nogil:
        """Products read them where they are; what else is read is copied beside the others."""
        space.parameters = parameters
        memcpy(
            space.scalars + self.first_copied, parameters + self.first_copied,
            (self.last_copied - self.first_copied) * 8,
        )

    cdef int _steps_of_a_point(
        self, _Space space, Py_ssize_t first, Py_ssize_t last, Totals totals
    ) except -1 nogil:
        cdef double* numbers = space.scalars
        cdef Step* step
        cdef int* operands
        cdef int i
        cdef Py_ssize_t at
        for at in range(first, last):
            step = self.steps + at
            operands = step.operands
            if step.kind == ACTIVATION:
                step.activation(
                    numbers + step.results[0], numbers + step.results[1],
                    numbers + operands[0], step.width,
                )
            elif step.kind == PRODUCT:
                self._product_of_a_point(space, step)
            elif step.kind == SUMS:
                self._sums_of_a_point(space, step, totals)
            elif step.kind == SUM:
                if step.n_operands == 1:
                    self._give(totals, step.results[0], numbers[operands[0]])
                for i in range(step.n_operands - 1):
                    self._give(
                        totals, step.results[i], numbers[operands[0]] * numbers[operands[i + 1]]
                    )
            elif step.kind == GATHER:
                for i in range(step.width):
                    numbers[step.results[0] + i] = numbers[operands[i]]
            elif step.kind == ROW:
                step.loop(
                    numbers + step.results[0], self._neighbours(space, step, 0),
                    self._neighbours(space, step, step.n_operands - 1), step.parameters, step.width,
                )
            elif step.kind == PAIR:
                step.pair(
                    numbers + step.results[0], numbers + step.results[1],
                    self._neighbours(space, step, 0), step.width,
                )
            elif step.kind == DOT:
                for i in range(step.width):
                    numbers[step.results[0] + i] = point_dot(
                        numbers, self._operands_of_a_unit(space, step, i), step.n_operands
                    )
            else:
                self._each_of_a_point(space, step)
        return 0

    cdef int* _operands_of_a_unit(self, _Space space, Step* step, int unit) noexcept nogil:
        cdef int i
        if step.width == 1:
            return step.operands
        for i in range(step.n_operands):
            space.unit[i] = step.operands[i] + unit * step.strides[i]
        return space.unit

    cdef inline const double* _neighbours(self, _Space space, Step* step, int which) noexcept nogil:
        """An operand of a Map of numbers, copied where they are not neighbours."""
        cdef double* numbers = space.scalars + step.operands[which]
        cdef double* copied
        cdef int i
        if step.width == 1 or step.strides[which] == 1:
            return numbers
        copied = space.room + (step.width if which else 0)
        for i in range(step.width):
            copied[i] = numbers[i * step.strides[which]]
        return copied

    cdef int _each_of_a_point(self, _Space space, Step* step) except -1 nogil:
        cdef int unit, i
        cdef int* operands
        for unit in range(step.width):
            operands = self._operands_of_a_unit(space, step, unit)
            for i in range(step.n_operands):
                space.products[i] = space.scalars[operands[i]]
            self._each(step, space.scalars + step.results[0] + unit, space.products)
        return 0

    cdef inline void _take_matrix(
        self, Matrix* matrix, _Space space, Step* step
    ) noexcept nogil:
        matrix.weights = space.parameters if step.weights_given else space.scalars
        matrix.weights += step.operands[0]
        matrix.down, matrix.across = step.strides[0], step.strides[1]
        matrix.bias = NULL
        if step.operands[2] >= 0:
            matrix.bias = space.parameters if step.bias_given else space.scalars
            matrix.bias += step.operands[2]
        matrix.bias_down, matrix.bias_varies = step.strides[2], False
        matrix.m, matrix.k = step.width, step.depth

    cdef void _product_of_a_point(self, _Space space, Step* step) noexcept nogil:
        cdef Matrix matrix
        self._take_matrix(&matrix, space, step)
        self.level.point_product(
            space.scalars + step.results[0], &matrix, space.scalars + step.operands[1]
        )

    cdef inline void _give(self, Totals totals, int which, double number) noexcept nogil:
        """A result of a single point; it is added to where several steps sum the same."""
        cdef double* total = totals.slopes + (which - 1) if which else totals.value
        total[0] = number if self.once_each else total[0] + number
        totals.check[0] += number * 0.0

    cdef void _sums_of_a_point(self, _Space space, Step* step, Totals totals) noexcept nogil:
        cdef const double* shared = space.scalars + step.operands[0]
        cdef const double* factors = space.scalars + step.operands[1]
        cdef int j, k
        if self.once_each and step.apart:
            totals.check[0] += self.level.point_outer(
                totals.slopes + (step.results[0] - 1), step.apart, step.width, step.depth,
                step.biases, shared, factors,
            )
            return
        for j in range(step.width):
            if step.biases:
                self._give(totals, step.results[j * step.depth] + step.depth, shared[j])
            if step.depth == 0:
                self._give(totals, step.results[j], shared[j])
            for k in range(step.depth):
                self._give(totals, step.results[j * step.depth + k], shared[j] * factors[k])

    cdef int _each(self, Step* step, double* result, double* operands) except -1 nogil:
        if step.each == NULL or not step.each(result, operands, step.n_operands, step.parameters):
            self._by_the_table(step, result, operands)
        return 0

    cdef int _by_the_table(self, Step* step, double* result, double* operands) except -1 with gil:
        function, parameters = self.functions[step.function]
        result[0] = function.value(*[operands[i] for i in range(step.n_operands)], *parameters)
        return 0

    cdef int _choose_parts(self, Call* call) except -1:
        call.n_blocks, call.n_parts = (call.n + self.block - 1) // self.block, MOST_PARTS
        while call.n_parts > 1 and (
            call.n_parts * (FEW_BLOCKS if self.n_wide_sums else 1) > call.n_blocks
            or call.n_parts * self.n_sums > 4194304
        ):
            call.n_parts //= 2
        if self.n_sums:
            memset(call.totals.slopes, 0, (self.n_sums - 1) * 8)
        return 0

    cdef int _run_alone(self, Call* call) except -1:
        if not self.n_sums or self.once_each:
            return self._work(call, 0, 1, True)
        call.parts = <double*>_allocated(call.n_parts * self.n_sums * 8)
        try:
            self._work(call, 0, 1, True)
            self._add_parts(call)
        finally:
            PyMem_Free(call.parts)
        return 0

    cdef int _run_threads(self, Call call, Py_ssize_t n_threads, lent) except -1:
        cdef Py_ssize_t i
        cdef _Job job = _Job.__new__(_Job)
        cdef double* value = call.totals.value
        job.lent, job.call = lent, call
        job.call.totals.value = &job.value
        if self.n_sums:
            job.call.parts = <double*>_allocated(call.n_parts * self.n_sums * 8)
        helpers = []
        try:
            try:
                for i in range(1, n_threads):
                    helper = Thread(target=self._help, args=(job, i, n_threads))
                    helper.start()
                    helpers.append(helper)
            except RuntimeError:
                pass  # there are no more threads to be had, or the interpreter is on its way out
            self._work(&job.call, 0, n_threads, True)
            for i in range(1 + len(helpers), n_threads):
                self._work(&job.call, i, n_threads, True)
            for helper in helpers:
                helper.join()
        except BaseException:
            raise_flag(&job.call.stopped)
            raise
        if job.error is not None:
            raise job.error
        if self.n_sums:
            self._add_parts(&job.call)
            value[0] = job.value
        return 0

    cdef void _add_parts(self, Call* call) noexcept:
        cdef Py_ssize_t part, i
        for part in range(call.n_parts):
            call.totals.value[0] += call.parts[part * self.n_sums]
            for i in range(self.n_sums - 1):
                call.totals.slopes[i] += call.parts[part * self.n_sums + 1 + i]

    def _help(self, _Job job not None, Py_ssize_t first, Py_ssize_t stride):
        if job.call.parameters is NULL:
            raise ValueError("a job is made by run")
        try:
            self._work(&job.call, first, stride, False)
        except BaseException as error:
            job.error = error
            raise_flag(&job.call.stopped)

    cdef int _work(
        self, Call* call, Py_ssize_t first, Py_ssize_t stride, bint watching
    ) except -1:
        """The parts first, first + stride, and so on."""
        cdef _Space space = self._space()
        if self.work < SHORT and call.n_blocks == 1:
            self._parts(call, space, first, stride, watching)
        else:
            with nogil:
                self._parts(call, space, first, stride, watching)
        return self._give_back(space)

    cdef int _parts(
        self, Call* call, _Space space, Py_ssize_t first, Py_ssize_t stride, bint watching
    ) except -1 nogil:
        cdef Py_ssize_t part, block, n
        cdef Totals totals = call.totals
        self._take_parameters(space, call.parameters)
        self._steps_of_a_point(space, 0, self.n_once, totals)
        part = first
        while part < call.n_parts:
            if call.parts != NULL:
                totals.value = call.parts + part * self.n_sums
                totals.slopes = totals.value + 1
                memset(totals.value, 0, self.n_sums * 8)
            memset(space.lanes, 0, self.n_lanes * LANES * 8)
            space.slopes = totals.slopes if call.n_parts == 1 and self.once_each else NULL
            memset(space.sums, 0, self.n_wide_sums * 8)
            for block in range(
                part * call.n_blocks // call.n_parts, (part + 1) * call.n_blocks // call.n_parts
            ):
                if is_raised(&call.stopped):
                    break
                if watching:
                    _watch(call, self.work)
                n = min(self.block, call.n - block * self.block)
                space.points = max(LANES, n)
                self._load(space, call.inputs + block * self.block * self.n_inputs, n)
                self._steps_of_a_block(space, n)
                self._store(
                    space, call.outputs + block * self.block * self.n_outputs, n
                )
            self._add_up(space, totals)
            part += stride
        return 0

    cdef void _add_up(self, _Space space, Totals totals) noexcept nogil:
        """Add the sums of a part to those of all."""
        cdef Py_ssize_t at
        cdef Step* step
        cdef int i, j, l, columns
        cdef double* total
        cdef double sum_of_lanes
        for at in range(self.n_once, self.n_once + self.n_each):
            step = self.steps + at
            if step.kind == SUMS and step.apart:
                if space.slopes != NULL:
                    continue
                columns = step.depth + step.biases
                for j in range(step.width):
                    total = totals.slopes + (step.results[0] - 1) + j * step.apart
                    for i in range(columns):
                        total[i] += space.sums[step.sums + j * columns + i]
            elif step.kind == SUMS or step.kind == SUM:
                for i in range(step.n_results):
                    total = (
                        totals.slopes + (step.results[i] - 1) if step.results[i] else totals.value
                    )
                    if step.kind == SUMS:
                        total[0] += space.sums[step.sums + i]
                        continue
                    sum_of_lanes = 0.0
                    for l in range(LANES):
                        sum_of_lanes += space.lanes[(step.sums + i) * LANES + l]
                    total[0] += sum_of_lanes

    cdef void _load(self, _Space space, const double* inputs, Py_ssize_t n) noexcept nogil:
        """The inputs of a block, as rows; padded with the last point."""
        cdef Py_ssize_t i, k
        cdef double* row = space.rows
        for k in range(self.n_inputs):
            for i in range(n):
                row[i] = inputs[i * self.n_inputs + k]
            for i in range(n, space.points):
                row[i] = inputs[(n - 1) * self.n_inputs + k]
            row += space.points

    cdef void _store(self, _Space space, double* outputs, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t i, k
        cdef int place
        for k in range(self.n_outputs):
            place = self.outputs[k]
            for i in range(n):
                outputs[i * self.n_outputs + k] = (
                    space.scalars[place] if place < self.n_scalars else self._row(space, place)[i]
                )

    cdef inline double* _row(self, _Space space, int place) noexcept nogil:
        return space.rows + (place - self.n_scalars) * space.points

    cdef const double* _as_row(self, _Space space, int place, int which) noexcept nogil:
        """An operand as a row: a scalar is broadcast."""
        cdef double* row
        cdef Py_ssize_t i
        if place >= self.n_scalars:
            return self._row(space, place)
        row = space.broadcast + which * self.block
        for i in range(space.points):
            row[i] = space.scalars[place]
        return row

    cdef bint _in_one_go(self, Step* step) noexcept nogil:
        """Whether the operands of all units are rows in the order of the results."""
        cdef int i
        for i in range(step.n_operands):
            if step.operands[i] < self.n_scalars or step.width > 1 and step.strides[i] != 1:
                return False
        return True

    cdef int _steps_of_a_block(self, _Space space, int n) except -1 nogil:
        cdef Step* step
        cdef int* operands
        cdef const double* x
        cdef int i
        cdef Py_ssize_t at, points = space.points
        for at in range(self.n_once, self.n_once + self.n_each):
            step = self.steps + at
            operands = step.operands
            if step.kind == PRODUCT:
                self._product(space, step)
            elif step.kind == SUMS:
                self._sums(space, step, n)
            elif step.kind == SUM:
                self._sum(space, step, n)
            elif step.kind == ACTIVATION:
                step.activation(
                    self._row(space, step.results[0]), self._row(space, step.results[1]),
                    self._row(space, operands[0]), step.width * points,
                )
            elif step.kind == GATHER:
                for i in range(step.width):
                    memcpy(
                        self._row(space, step.results[0] + i),
                        self._as_row(space, operands[i], 0), points * 8,
                    )
            elif step.kind == PAIR and self._in_one_go(step):
                step.pair(
                    self._row(space, step.results[0]), self._row(space, step.results[1]),
                    self._row(space, operands[0]), step.width * points,
                )
            elif step.kind == ROW and self._in_one_go(step):
                step.loop(
                    self._row(space, step.results[0]), self._row(space, operands[0]),
                    self._row(space, operands[step.n_operands - 1]), step.parameters,
                    step.width * points,
                )
            else:
                for i in range(step.width):
                    operands = self._operands_of_a_unit(space, step, i)
                    if step.kind == DOT:
                        self._dot(space, operands, step.n_operands, step.results[0] + i)
                    elif step.kind == EACH:
                        self._each_of_a_row(space, step, operands, step.results[0] + i)
                    elif step.kind == PAIR:
                        step.pair(
                            self._row(space, step.results[0] + i),
                            self._row(space, step.results[1] + i),
                            self._row(space, operands[0]), points,
                        )
                    else:
                        x = self._as_row(space, operands[0], 0)
                        step.loop(
                            self._row(space, step.results[0] + i), x,
                            x if step.n_operands == 1 else self._as_row(space, operands[1], 1),
                            step.parameters, points,
                        )
        return 0

    cdef int _each_of_a_row(
        self, _Space space, Step* step, int* operands, int result
    ) except -1 nogil:
        cdef double* row = self._row(space, result)
        cdef double[8] found  # LANES
        cdef Py_ssize_t first = 0, i
        cdef int left = -1, k
        cdef bint in_lanes = step.lanes != NULL
        for k in range(step.n_operands):
            in_lanes = in_lanes and operands[k] >= self.n_scalars
            space.factors[k] = self._row(space, operands[k])
        while first < space.points:
            if in_lanes:
                left = step.lanes(found, space.factors, first, step.n_operands)
            for i in range(first, min(first + LANES, space.points)):
                if left >> (i - first) & 1:
                    for k in range(step.n_operands):
                        space.products[k] = (
                            space.scalars[operands[k]] if operands[k] < self.n_scalars
                            else self._row(space, operands[k])[i]
                        )
                    self._each(step, found + (i - first), space.products)
            memcpy(row + first, found, min(LANES, space.points - first) * 8)
            first += LANES
        return 0

    cdef bint _goes_by_unit(self, Step* step) noexcept nogil:
        """Whether weights of a layer of a block are rows too, or factors are not."""
        return step.operands[0] >= self.n_scalars or step.operands[1] < self.n_scalars

    cdef void _product(self, _Space space, Step* step) noexcept nogil:
        """A layer of all data points of a block."""
        cdef Matrix matrix
        cdef int j, k, n_operands = 2 * step.depth + (step.operands[2] >= 0)
        cdef int* operands = space.unit
        if self._goes_by_unit(step):
            for j in range(step.width):
                for k in range(step.depth):
                    operands[k] = (
                        step.operands[0] + j * step.strides[0] + k * step.strides[1]
                    )
                    operands[step.depth + k] = step.operands[1] + k
                operands[2 * step.depth] = step.operands[2] + j * step.strides[2]
                self._dot(space, operands, n_operands, step.results[0] + j)
            return
        self._take_matrix(&matrix, space, step)
        if step.operands[2] >= self.n_scalars:
            matrix.bias, matrix.bias_varies = self._row(space, step.operands[2]), True
            matrix.bias_down *= space.points
            if step.operands[2] == step.results[0]:  # a tile may compute some points twice
                memcpy(space.room, matrix.bias, step.width * space.points * 8)
                matrix.bias = space.room
        self.level.product(
            self._row(space, step.results[0]), &matrix, self._row(space, step.operands[1]),
            space.points,
        )

    cdef void _dot(self, _Space space, int* operands, int n_operands, int result) noexcept nogil:
        cdef int i, w, x, n_terms = n_operands // 2, bias
        cdef Term* term
        for i in range(n_terms):
            w, x = operands[i], operands[n_terms + i]
            if x < self.n_scalars:
                w, x = x, w
            term = space.terms + i
            term.weight_varies = w >= self.n_scalars
            if x < self.n_scalars:
                space.products[i] = space.scalars[w] * space.scalars[x]
                term.weight = space.products + i
                term.factor = space.broadcast + 2 * self.block
            else:
                term.factor = self._row(space, x)
                term.weight = self._row(space, w) if term.weight_varies else space.scalars + w
        cdef const double* start = NULL
        bias = operands[2 * n_terms] if n_operands % 2 else -1
        if bias >= 0:
            start = self._row(space, bias) if bias >= self.n_scalars else space.scalars + bias
        self.level.dot(
            self._row(space, result), space.terms, n_terms, start, bias >= self.n_scalars,
            space.points,
        )

    cdef void _sum(self, _Space space, Step* step, int n) noexcept nogil:
        cdef int i, shared = step.operands[0], factor
        cdef double* lanes = space.lanes + step.sums * LANES
        if step.n_operands == 1:
            if shared < self.n_scalars:
                lanes[0] += n * space.scalars[shared]
            else:
                add_numbers(lanes, self._row(space, shared), 1.0, n)
        for i in range(step.n_operands - 1):
            factor = step.operands[i + 1]
            if factor < self.n_scalars:
                add_numbers(lanes, self._row(space, shared), space.scalars[factor], n)
            else:
                add_products(lanes, self._row(space, shared), self._row(space, factor), n)
            lanes += LANES

    cdef void _sums(self, _Space space, Step* step, int n) noexcept nogil:
        cdef int j, k, shared = step.operands[0], factors = step.operands[1]
        cdef int columns = step.depth + step.biases
        cdef double* sums = space.sums + step.sums
        if step.apart and space.slopes != NULL:
            sums, columns = space.slopes + (step.results[0] - 1), step.apart
        if shared < self.n_scalars:
            for j in range(step.width):
                sums[j] += n * space.scalars[shared + j]
        elif step.depth == 0:
            self.level.add_rows(sums, 1, step.width, self._row(space, shared), space.points, n)
        elif factors >= self.n_scalars:
            self.level.add_outer(
                sums, columns, step.width, step.depth, step.biases, self._row(space, shared),
                self._row(space, factors), space.points, n, space.room,
            )
        else:
            memset(space.room, 0, step.width * 8)
            self.level.add_rows(
                space.room, 1, step.width, self._row(space, shared), space.points, n
            )
            for j in range(step.width):
                for k in range(step.depth):
                    sums[j * columns + k] += space.room[j] * space.scalars[factors + k]
                if step.biases:
                    sums[j * columns + step.depth] += space.room[j]


def _numbers_of(one):
    """The operands, strides, results and parameters of an instruction, as a Step has them."""
    if isinstance(one, Instruction):
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
