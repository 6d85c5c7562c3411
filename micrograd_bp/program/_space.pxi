"""The memory that a thread runs a plan in, and where in it the operands of a step are."""


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

    def __cinit__(self, _Loaded plan not None):
        cdef Py_ssize_t block = plan.block
        self.scalars = <double*>_allocated((plan.n_places + LANES) * 8)  # a vector may go beyond
        cdef Py_ssize_t size = (
            plan.n_rows * block + plan.n_lanes * LANES + plan.n_wide_sums + 3 * block + plan.n_room
        ) * 8
        self.memory = _allocated(size + 64)
        memset(self.memory, 0, size + 64)
        self.rows = <double*>((<size_t>self.memory + 63) // 64 * 64)
        self.room = self.rows + plan.n_rows * block
        self.lanes = self.room + plan.n_room
        self.broadcast = self.lanes + plan.n_lanes * LANES
        self.sums = self.broadcast + 3 * block
        self.unit = <int*>_allocated(plan.most_operands * sizeof(int))
        self.terms = <Term*>_allocated((plan.most_operands + 1) * sizeof(Term))
        self.products = <double*>_allocated((plan.most_operands + 1) * 8)
        self.factors = <const double**>_allocated(plan.most_operands * sizeof(double*))
        cdef Py_ssize_t i
        for i in range(block):
            self.broadcast[2 * block + i] = 1.0
        for i in range(len(plan.constants)):
            self.scalars[plan.n_parameters + i] = plan.constants[i]

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


cdef _Space _free_space(_Loaded plan):
    cdef _Space space = plan.spare
    if space is None:
        return plan.spaces.pop() if plan.spaces else _Space(plan)
    plan.spare = None
    return space


cdef int _give_back(_Loaded plan, _Space space) except -1:
    if plan.spare is None:
        plan.spare = space
    else:
        plan.spaces.append(space)
    return 0


cdef void _take_parameters(_Loaded plan, _Space space, const double* parameters) noexcept nogil:
    """Products read them where they are; what else is read is copied beside the others."""
    space.parameters = parameters
    memcpy(
        space.scalars + plan.first_copied, parameters + plan.first_copied,
        (plan.last_copied - plan.first_copied) * 8,
    )


cdef int* _operands_of_a_unit(_Space space, Step* step, int unit) noexcept nogil:
    cdef int i
    if step.width == 1:
        return step.operands
    for i in range(step.n_operands):
        space.unit[i] = step.operands[i] + unit * step.strides[i]
    return space.unit


cdef inline void _take_matrix(Matrix* matrix, _Space space, Step* step) noexcept nogil:
    matrix.weights = space.parameters if step.weights_given else space.scalars
    matrix.weights += step.operands[0]
    matrix.down, matrix.across = step.strides[0], step.strides[1]
    matrix.bias = NULL
    if step.operands[2] >= 0:
        matrix.bias = space.parameters if step.bias_given else space.scalars
        matrix.bias += step.operands[2]
    matrix.bias_down, matrix.bias_varies = step.strides[2], False
    matrix.m, matrix.k = step.width, step.depth
