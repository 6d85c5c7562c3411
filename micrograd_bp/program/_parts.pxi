"""Many data points: in parts, on threads, with an ear for signals; their sums add up in order."""

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

cdef int MOST_PARTS = 64
cdef int UNWATCHED = 262144  # numbers computed between two looks at the clock: some 0.1 ms
cdef int PATIENCE = 50000000  # nanoseconds between two looks for a signal, which wait for the GIL
cdef int FEW_BLOCKS = 4  # of a part, where each has sums of layers to add up


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

    cdef _Loaded plan
    cdef object lent  # the arrays, as long as it lives
    cdef Call call
    cdef double value  # the first of the sums
    cdef object error  # of a helper

    def help(self, Py_ssize_t first, Py_ssize_t stride, ended):
        """Do what falls to one of the threads, and say when that has ended."""
        if self.plan is None:
            raise ValueError("a job is made by run")
        try:
            _work(self.plan, &self.call, first, stride, False)
        except BaseException as error:
            self.error = error
            raise_flag(&self.call.stopped)
        ended.put(None)

    def __dealloc__(self):
        PyMem_Free(self.call.parts)


cdef int _choose_parts(_Loaded plan, Call* call) except -1:
    call.n_blocks, call.n_parts = (call.n + plan.block - 1) // plan.block, MOST_PARTS
    while call.n_parts > 1 and (
        call.n_parts * (FEW_BLOCKS if plan.n_wide_sums else 1) > call.n_blocks
        or call.n_parts * plan.n_sums > 4194304
    ):
        call.n_parts //= 2
    if plan.n_sums:
        memset(call.totals.slopes, 0, (plan.n_sums - 1) * 8)
    return 0


cdef int _run_alone(_Loaded plan, Call* call) except -1:
    if not plan.n_sums or plan.once_each:
        return _work(plan, call, 0, 1, True)
    call.parts = <double*>_allocated(call.n_parts * plan.n_sums * 8)
    try:
        _work(plan, call, 0, 1, True)
        _add_parts(plan, call)
    finally:
        PyMem_Free(call.parts)
    return 0


cdef int _run_threads(_Loaded plan, Call call, Py_ssize_t n_threads, lent) except -1:
    cdef Py_ssize_t i, n_helpers = 0, n_ended = 0
    cdef _Job job = _Job.__new__(_Job)
    cdef double* value = call.totals.value
    job.plan, job.lent, job.call = plan, lent, call
    job.call.totals.value = &job.value
    if plan.n_sums:
        job.call.parts = <double*>_allocated(call.n_parts * plan.n_sums * 8)
    # No threading.Thread: it has Python code at work under locks, where an interrupt leaves one
    # locked for ever or is lost. SimpleQueue and start_new_thread are C, and interrupted as a whole.
    ended = SimpleQueue()
    try:
        try:
            for i in range(1, n_threads):
                start_new_thread(job.help, (i, n_threads, ended))
                n_helpers += 1
        except RuntimeError:
            pass  # there are no more threads to be had, or the interpreter is on its way out
        _work(plan, &job.call, 0, n_threads, True)
        for i in range(1 + n_helpers, n_threads):
            _work(plan, &job.call, i, n_threads, True)
        while n_ended < n_helpers:
            ended.get()
            n_ended += 1
    except BaseException:
        raise_flag(&job.call.stopped)
        while n_ended < n_helpers:  # unless there is another interrupt
            ended.get()
            n_ended += 1
        raise
    if job.error is not None:
        raise job.error
    if plan.n_sums:
        _add_parts(plan, &job.call)
        value[0] = job.value
    return 0


cdef void _add_parts(_Loaded plan, Call* call) noexcept:
    cdef Py_ssize_t part, i
    for part in range(call.n_parts):
        call.totals.value[0] += call.parts[part * plan.n_sums]
        for i in range(plan.n_sums - 1):
            call.totals.slopes[i] += call.parts[part * plan.n_sums + 1 + i]


cdef int _work(
    _Loaded plan, Call* call, Py_ssize_t first, Py_ssize_t stride, bint watching
) except -1:
    """The parts first, first + stride, and so on."""
    cdef _Space space = _free_space(plan)
    if plan.work < SHORT and call.n_blocks == 1:
        _parts(plan, call, space, first, stride, watching)
    else:
        with nogil:
            _parts(plan, call, space, first, stride, watching)
    return _give_back(plan, space)


cdef int _parts(
    _Loaded plan, Call* call, _Space space, Py_ssize_t first, Py_ssize_t stride, bint watching
) except -1 nogil:
    cdef Py_ssize_t part, block
    cdef int n
    cdef Totals totals = call.totals
    _take_parameters(plan, space, call.parameters)
    _steps_of_a_point(plan, space, 0, plan.n_once, totals)
    part = first
    while part < call.n_parts:
        if call.parts != NULL:
            totals.value = call.parts + part * plan.n_sums
            totals.slopes = totals.value + 1
            memset(totals.value, 0, plan.n_sums * 8)
        memset(space.lanes, 0, plan.n_lanes * LANES * 8)
        space.slopes = totals.slopes if call.n_parts == 1 and plan.once_each else NULL
        memset(space.sums, 0, plan.n_wide_sums * 8)
        for block in range(
            part * call.n_blocks // call.n_parts, (part + 1) * call.n_blocks // call.n_parts
        ):
            if is_raised(&call.stopped):
                break
            if watching:
                _watch(call, plan.work)
            n = <int>min(plan.block, call.n - block * plan.block)
            space.points = max(LANES, n)
            _load(plan, space, call.inputs + block * plan.block * plan.n_inputs, n)
            _steps_of_a_block(plan, space, n)
            _store(plan, space, call.outputs + block * plan.block * plan.n_outputs, n)
        _add_up(plan, space, totals)
        part += stride
    return 0
