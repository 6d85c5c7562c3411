# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Runs the instructions of a plan (lowering.py) in C, without Python: the compiled twin of interpreter.py.

A block of data points at a time, whose rows fit the cache; the functions are loops over a row
(_kernels.h). Sums over the data points are taken in parts whose bounds and order depend on the
number of points alone, so any number of threads gives the same bits. The memory that a call
lends to threads is that of its job, and lives until the last of them is done with it, also when
the call has ended by Ctrl-C: the thread that called asks for signals as it works.
"""

from threading import Thread

cimport cython
from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release
from cpython.exc cimport PyErr_CheckSignals, PyErr_Clear
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport isfinite
from libc.string cimport memcpy, memset, strcmp

import numpy

from .lowering import Sum

cdef extern from "Python.h":
    int PyObject_GetBuffer(object, Py_buffer*, int)  # -1 where there is none, and an exception set

cdef extern from "<time.h>" nogil:
    struct timespec:
        long long tv_sec
        long tv_nsec
    int timespec_get(timespec*, int)
    int TIME_UTC

cdef extern from * nogil:
    """
    #if defined(__GNUC__)
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
    const PairKernel PAIR_KERNELS[]
    int LANES
    void row_dot(double*, const Term*, int, const double*, int, int)
    double point_dot(const double*, const int*, int)
    void add_products(double*, const double*, const double*, int)
    void add_numbers(double*, const double*, double, int)

cdef enum Kind:
    ROW, PAIR, DOT, EACH, SUM

cdef struct Step:
    Kind kind
    RowFunction loop  # of a ROW
    PairFunction pair  # of a PAIR, whose second result is that of the next instruction
    NumberFunction each  # of an EACH that has one
    int function  # the index of an EACH's function in the table's own form
    int n_operands
    int* operands  # places; of a SUM first the shared number, then the factors
    int* results  # a place; of a SUM the results
    double* parameters

cdef type ndarray = numpy.ndarray
cdef int MOST_PARTS = 64
cdef int CACHE = 24576  # numbers: 192 kB, within the second-level cache of any machine of today
cdef int UNWATCHED = 262144  # numbers computed between two looks at the clock: some 0.1 ms
cdef int PATIENCE = 50000000  # nanoseconds between two looks for a signal, which wait for the GIL


cdef class _Space:
    """The places of one thread: scalars, rows, lanes of sums, and room for operands."""

    cdef double* scalars
    cdef double* rows
    cdef double* lanes
    cdef double* broadcast
    cdef void* memory  # that of the last three, which begin at whole cache lines
    cdef Term* terms
    cdef double* products

    def __cinit__(self, Executor run not None):
        cdef Py_ssize_t block = run.block
        self.scalars = <double*>_allocated(run.n_places * 8)
        cdef Py_ssize_t size = (run.n_rows * block + run.n_sums * LANES + 3 * block) * 8
        self.memory = _allocated(size + 64)
        memset(self.memory, 0, size + 64)
        self.rows = <double*>((<size_t>self.memory + 63) // 64 * 64)
        self.lanes = self.rows + run.n_rows * block
        self.broadcast = self.lanes + run.n_sums * LANES
        self.terms = <Term*>_allocated((run.most_operands + 1) * sizeof(Term))
        self.products = <double*>_allocated((run.most_operands + 1) * 8)
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


cdef void* _allocated(Py_ssize_t size) except NULL:
    cdef void* memory = PyMem_Malloc(size if size > 0 else 1)
    if memory is NULL:
        raise MemoryError(f"a program needs {size} bytes")
    return memory


@cython.no_gc
@cython.freelist(8)
cdef class _Job:
    """A call: what its threads read and write, and word that they may stop."""

    cdef Py_buffer borrowed[3]
    cdef int n_borrowed
    cdef const double* inputs
    cdef const double* parameters
    cdef double* outputs
    cdef double* sums  # the totals, then those of each part
    cdef Py_ssize_t n, n_blocks, n_parts
    cdef int stopped
    cdef object error  # of a helper
    cdef Py_ssize_t unwatched
    cdef timespec asked

    def __dealloc__(self):
        while self.n_borrowed:
            self.n_borrowed -= 1
            PyBuffer_Release(self.borrowed + self.n_borrowed)
        PyMem_Free(self.sums)

    cdef bint borrow(self, array) except -1:
        """Whether an object is an array of native doubles in C order; then its memory is kept."""
        cdef Py_buffer* view = self.borrowed + self.n_borrowed
        if type(array) is not ndarray:
            return False
        if PyObject_GetBuffer(array, view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0:
            PyErr_Clear()
            return False
        self.n_borrowed += 1
        return view.itemsize == 8 and view.format != NULL and strcmp(view.format, b"d") == 0

    cdef int watch(self, Py_ssize_t work) except -1 nogil:
        """Raise what a signal asks for; to be called from the thread of the call, often."""
        cdef timespec now
        self.unwatched += work
        if self.unwatched < UNWATCHED:
            return 0
        self.unwatched = 0
        timespec_get(&now, TIME_UTC)
        if now.tv_sec != self.asked.tv_sec or now.tv_nsec - self.asked.tv_nsec > PATIENCE:
            self.asked = now
            with gil:
                PyErr_CheckSignals()
        return 0


cdef class Executor:
    """A plan, ready to run.

    Args:
        plan: of lowering.py.
    """

    cdef Py_ssize_t n_inputs, n_parameters, n_scalars, n_rows, n_places, n_sums, n_outputs, block
    cdef int most_operands
    cdef Py_ssize_t n_once, n_each
    cdef Py_ssize_t work  # how many numbers a block takes in and gives
    cdef Step* steps  # those that run once a call, then those of each block
    cdef int* numbers  # the memory of the steps' operands and results
    cdef double* parameter_memory
    cdef int* outputs
    cdef tuple constants
    cdef list functions, spaces

    def __cinit__(self, plan):
        instructions = [*plan.once, *plan.each]
        self.n_inputs, self.n_parameters = plan.n_inputs, plan.n_parameters
        self.n_scalars, self.n_rows = plan.n_scalars, plan.n_rows
        self.n_places = self.n_scalars + self.n_rows
        self.n_sums, self.n_outputs = plan.n_sums, len(plan.outputs)
        previous = None
        self.constants = plan.constants
        self.functions, self.spaces = [], []
        self.most_operands = 1
        self.block = 128
        while self.block > 8 and self.block * self.n_rows > CACHE:
            self.block //= 2
        cdef Py_ssize_t n_numbers = 0, n_fixed = 0
        for one in instructions:
            if isinstance(one, Sum):
                n_numbers += 1 + len(one.factors) + len(one.results)
            else:
                n_numbers += len(one.operands) + 1
                n_fixed += len(one.parameters)
        self.work = (n_numbers + self.n_inputs + self.n_outputs) * self.block
        self.steps = <Step*>_allocated(len(instructions) * sizeof(Step))
        self.numbers = <int*>_allocated(n_numbers * sizeof(int))
        self.parameter_memory = <double*>_allocated(n_fixed * sizeof(double))
        self.outputs = <int*>_allocated(self.n_outputs * sizeof(int))
        cdef int* numbers = self.numbers
        cdef double* fixed = self.parameter_memory
        cdef Step* step = self.steps
        cdef Py_ssize_t i
        self.n_once, self.n_each = 0, 0
        for number_of_one, one in enumerate(instructions):
            if step != self.steps and self._is_other(step - 1, previous, one):
                (step - 1).results[1] = one.result
                numbers += 1
                continue
            previous = one
            if number_of_one < len(plan.once):
                self.n_once += 1
            else:
                self.n_each += 1
            operands = (one.shared, *one.factors) if isinstance(one, Sum) else one.operands
            results = one.results if isinstance(one, Sum) else (one.result,)
            step.n_operands, step.operands = len(operands), numbers
            for place in operands:
                numbers[0] = place
                numbers += 1
            step.results = numbers
            for place in results:
                numbers[0] = place
                numbers += 1
            step.parameters, step.loop, step.each, step.function = fixed, NULL, NULL, -1
            if isinstance(one, Sum):
                step.kind = SUM
            else:
                self._find(step, one.function)
                for number in one.parameters:
                    fixed[0] = number
                    fixed += 1
                if step.kind == EACH:
                    step.function = len(self.functions)
                    self.functions.append((one.function, tuple(one.parameters)))
            self.most_operands = max(self.most_operands, step.n_operands)
            step += 1
        for i in range(self.n_outputs):
            self.outputs[i] = plan.outputs[i]

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.numbers)
        PyMem_Free(self.parameter_memory)
        PyMem_Free(self.outputs)

    cdef bint _is_other(self, Step* step, previous, one) except -1:
        """Whether two instructions in turn are a pair; the step of the first becomes theirs."""
        cdef int i = 0
        if step.kind != ROW or isinstance(one, Sum) or one.operands != previous.operands:
            return False
        if previous.result in previous.operands:  # which the second reads, then, and not its own
            return False
        first, second = previous.function.key.encode(), one.function.key.encode()
        while PAIR_KERNELS[i].name != NULL:
            if PAIR_KERNELS[i].name == first and PAIR_KERNELS[i].other == second:
                step.kind, step.pair = PAIR, PAIR_KERNELS[i].loop
                return True
            i += 1
        return False

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
        return 0

    def run(self, inputs, parameters, threads=1):
        """Outputs for each data point, or the sums over all.

        Args:
            inputs: a float64 array of shape (n_inputs,) or (N, n_inputs), in C order.
            parameters: a float64 array of shape (n_parameters,), in C order.
            threads: how many to run on, at least 1.

        Returns:
            A triple: the first sum, a float, and the others, an array; or None, and the outputs,
            an array of shape (n_outputs,) or (N, n_outputs); and whether all are finite. None
            where an argument is not such an array.
        """
        cdef _Job job = _Job.__new__(_Job)
        if not (job.borrow(inputs) and job.borrow(parameters)):
            return None
        cdef Py_buffer* x = job.borrowed
        cdef Py_buffer* w = job.borrowed + 1
        if not (
            w.ndim == 1 and w.shape[0] == self.n_parameters
            and 1 <= x.ndim <= 2 and x.shape[x.ndim - 1] == self.n_inputs
        ):
            return None
        cdef bint one_point = x.ndim == 1
        if self.n_sums:
            result = numpy.empty(self.n_sums - 1)
        elif one_point:
            result = numpy.empty(self.n_outputs)
        else:
            result = numpy.empty((x.shape[0], self.n_outputs))
        job.borrow(result)
        job.inputs, job.parameters = <double*>x.buf, <double*>w.buf
        job.outputs = <double*>job.borrowed[2].buf
        job.n = 1 if one_point else x.shape[0]
        if not one_point:
            job.n_blocks, job.n_parts = (job.n + self.block - 1) // self.block, MOST_PARTS
            while job.n_parts > 1 and (
                job.n_parts > job.n_blocks or job.n_parts * self.n_sums > 4194304
            ):
                job.n_parts //= 2
        if self.n_sums:
            job.sums = <double*>_allocated((job.n_parts + 1) * self.n_sums * 8)
        if one_point:
            self._run_point(job, job.sums if self.n_sums else job.outputs)
        else:
            self._run_points(job, threads)
        if not self.n_sums:
            return None, result, _all_finite(job.outputs, job.n * self.n_outputs)
        memcpy(job.outputs, job.sums + 1, (self.n_sums - 1) * 8)
        return job.sums[0], result, _all_finite(job.sums, self.n_sums)

    cdef _Space _space(self):
        return self.spaces.pop() if self.spaces else _Space(self)

    cdef int _run_point(self, _Job job, double* results) except -1:
        cdef _Space space = self._space()
        cdef double* numbers = space.scalars
        cdef Py_ssize_t i
        with nogil:
            memcpy(numbers, job.parameters, self.n_parameters * 8)
            memcpy(numbers + self.n_scalars, job.inputs, self.n_inputs * 8)
            self._steps_of_a_point(space, 0, self.n_once + self.n_each, results)
            for i in range(self.n_outputs):
                results[i] = numbers[self.outputs[i]]
        self.spaces.append(space)
        return 0

    cdef int _steps_of_a_point(
        self, _Space space, Py_ssize_t first, Py_ssize_t last, double* results
    ) except -1 nogil:
        cdef double* numbers = space.scalars
        cdef double total
        cdef Step* step
        cdef int* operands
        cdef int i
        cdef Py_ssize_t at
        for at in range(first, last):
            step = self.steps + at
            operands = step.operands
            if step.kind == DOT:
                numbers[step.results[0]] = point_dot(numbers, operands, step.n_operands)
            elif step.kind == ROW:
                step.loop(
                    numbers + step.results[0], numbers + operands[0],
                    numbers + operands[step.n_operands - 1], step.parameters, 1,
                )
            elif step.kind == PAIR:
                step.pair(
                    numbers + step.results[0], numbers + step.results[1], numbers + operands[0], 1
                )
            elif step.kind == SUM:
                total = numbers[operands[0]]
                if step.n_operands == 1:
                    results[step.results[0]] = total
                for i in range(step.n_operands - 1):
                    results[step.results[i]] = total * numbers[operands[i + 1]]
            else:
                for i in range(step.n_operands):
                    space.products[i] = numbers[operands[i]]
                self._each(step, numbers + step.results[0], space.products)
        return 0

    cdef int _each(self, Step* step, double* result, double* operands) except -1 nogil:
        if step.each == NULL or not step.each(result, operands, step.n_operands, step.parameters):
            with gil:
                function, parameters = self.functions[step.function]
                result[0] = function.value(
                    *[operands[i] for i in range(step.n_operands)], *parameters
                )
        return 0

    cdef int _run_points(self, _Job job, threads) except -1:
        cdef Py_ssize_t n_threads = min(threads, job.n_parts), part, i
        helpers = []
        try:
            try:
                for i in range(1, n_threads):
                    helper = Thread(target=self._help, args=(job, i, n_threads))
                    helper.start()
                    helpers.append(helper)
            except RuntimeError:
                pass  # there are no more threads to be had, or the interpreter is on its way out
            self._work(job, 0, n_threads, True)
            for i in range(1 + len(helpers), n_threads):
                self._work(job, i, n_threads, True)
            for helper in helpers:
                helper.join()
        except BaseException:
            raise_flag(&job.stopped)
            raise
        if job.error is not None:
            raise job.error
        for i in range(self.n_sums):
            job.sums[i] = 0.0
            for part in range(1, job.n_parts + 1):
                job.sums[i] += job.sums[part * self.n_sums + i]
        return 0

    def _help(self, _Job job not None, Py_ssize_t first, Py_ssize_t stride):
        if job.parameters is NULL:
            raise ValueError("a job is made by run")
        try:
            self._work(job, first, stride, False)
        except BaseException as error:
            job.error = error
            raise_flag(&job.stopped)

    cdef int _work(
        self, _Job job, Py_ssize_t first, Py_ssize_t stride, bint watching
    ) except -1:
        """The parts first, first + stride, and so on."""
        cdef _Space space = self._space()
        cdef Py_ssize_t part, block, n, i, l
        cdef double total
        with nogil:
            memcpy(space.scalars, job.parameters, self.n_parameters * 8)
            self._steps_of_a_point(space, 0, self.n_once, NULL)
            part = first
            while part < job.n_parts:
                memset(space.lanes, 0, self.n_sums * LANES * 8)
                for block in range(
                    part * job.n_blocks // job.n_parts, (part + 1) * job.n_blocks // job.n_parts
                ):
                    if is_raised(&job.stopped):
                        break
                    if watching:
                        job.watch(self.work)
                    n = min(self.block, job.n - block * self.block)
                    self._load(space, job.inputs + block * self.block * self.n_inputs, n)
                    self._steps_of_a_block(space, n)
                    self._store(
                        space, job.outputs + block * self.block * self.n_outputs, n
                    )
                for i in range(self.n_sums):
                    total = 0.0
                    for l in range(LANES):
                        total += space.lanes[i * LANES + l]
                    job.sums[(part + 1) * self.n_sums + i] = total
                part += stride
        self.spaces.append(space)
        return 0

    cdef void _load(self, _Space space, const double* inputs, Py_ssize_t n) noexcept nogil:
        """The inputs of a block, as rows; padded with the last point."""
        cdef Py_ssize_t i, k, padded = (n + LANES - 1) // LANES * LANES
        for k in range(self.n_inputs):
            for i in range(n):
                space.rows[k * self.block + i] = inputs[i * self.n_inputs + k]
            for i in range(n, padded):
                space.rows[k * self.block + i] = inputs[(n - 1) * self.n_inputs + k]

    cdef void _store(self, _Space space, double* outputs, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t i, k
        cdef int place
        for k in range(self.n_outputs):
            place = self.outputs[k]
            for i in range(n):
                outputs[i * self.n_outputs + k] = (
                    space.scalars[place] if place < self.n_scalars
                    else space.rows[(place - self.n_scalars) * self.block + i]
                )

    cdef inline double* _row(self, _Space space, int place) noexcept nogil:
        return space.rows + (place - self.n_scalars) * self.block

    cdef const double* _as_row(self, _Space space, int place, int which, int n) noexcept nogil:
        """An operand as a row: a scalar is broadcast."""
        cdef double* row
        cdef int i
        if place >= self.n_scalars:
            return self._row(space, place)
        row = space.broadcast + which * self.block
        for i in range(n):
            row[i] = space.scalars[place]
        return row

    cdef int _steps_of_a_block(self, _Space space, int n) except -1 nogil:
        cdef int padded = (n + LANES - 1) // LANES * LANES
        cdef Step* step
        cdef int* operands
        cdef const double* x
        cdef double* r
        cdef int i, k
        cdef Py_ssize_t at
        for at in range(self.n_once, self.n_once + self.n_each):
            step = self.steps + at
            operands = step.operands
            if step.kind == DOT:
                self._dot(space, step, padded)
            elif step.kind == ROW:
                x = self._as_row(space, operands[0], 0, padded)
                step.loop(
                    self._row(space, step.results[0]), x,
                    x if step.n_operands == 1 else self._as_row(space, operands[1], 1, padded),
                    step.parameters, padded,
                )
            elif step.kind == PAIR:
                step.pair(
                    self._row(space, step.results[0]), self._row(space, step.results[1]),
                    self._row(space, operands[0]), padded,
                )
            elif step.kind == SUM:
                self._sum(space, step, n)
            else:
                r = self._row(space, step.results[0])
                for i in range(padded):
                    for k in range(step.n_operands):
                        space.products[k] = (
                            space.scalars[operands[k]] if operands[k] < self.n_scalars
                            else self._row(space, operands[k])[i]
                        )
                    self._each(step, r + i, space.products)
        return 0

    cdef void _dot(self, _Space space, Step* step, int n) noexcept nogil:
        cdef int i, w, x, n_terms = step.n_operands // 2, bias
        cdef Term* term
        for i in range(n_terms):
            w, x = step.operands[i], step.operands[n_terms + i]
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
        bias = step.operands[2 * n_terms] if step.n_operands % 2 else -1
        if bias >= 0:
            start = self._row(space, bias) if bias >= self.n_scalars else space.scalars + bias
        row_dot(
            self._row(space, step.results[0]), space.terms, n_terms, start,
            bias >= self.n_scalars, n,
        )

    cdef void _sum(self, _Space space, Step* step, int n) noexcept nogil:
        cdef int i, shared = step.operands[0], factor
        cdef double* lanes
        if step.n_operands == 1:
            lanes = space.lanes + step.results[0] * LANES
            if shared < self.n_scalars:
                lanes[0] += n * space.scalars[shared]
            else:
                add_numbers(lanes, self._row(space, shared), 1.0, n)
        for i in range(step.n_operands - 1):
            factor = step.operands[i + 1]
            lanes = space.lanes + step.results[i] * LANES
            if factor < self.n_scalars:
                add_numbers(lanes, self._row(space, shared), space.scalars[factor], n)
            else:
                add_products(lanes, self._row(space, shared), self._row(space, factor), n)


cdef bint _all_finite(const double* numbers, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    cdef double total = 0.0
    for i in range(n):
        total += numbers[i] * 0.0
    return isfinite(total)
