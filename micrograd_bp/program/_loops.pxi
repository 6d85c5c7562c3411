"""The loops in C: those of _kernels.h over rows, those of _layers.h over layers, a level a machine."""

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

cdef dict ROWS = {}, NUMBERS = {}, OF_LANES = {}, PAIRS = {}  # where loops stand, by their functions


cdef int _number_loops() except -1:
    cdef int i = 0
    while KERNELS[i].name != NULL:
        ROWS[KERNELS[i].name.decode()] = i
        i += 1
    i = 0
    while NUMBER_KERNELS[i].name != NULL:
        NUMBERS[NUMBER_KERNELS[i].name.decode()] = i
        i += 1
    i = 0
    while LANES_KERNELS[i].name != NULL:
        OF_LANES[LANES_KERNELS[i].name.decode()] = i
        i += 1
    i = 0
    while PAIR_KERNELS[i].name != NULL:
        PAIRS[PAIR_KERNELS[i].name.decode(), PAIR_KERNELS[i].other.decode()] = i
        i += 1
    return 0


_number_loops()
cdef int the_level = n_levels() - 1


def levels():
    """What this machine can run, the last being what it does: sse2, avx2, avx512."""
    return [LEVELS[i].name.decode() for i in range(n_levels())]


def use_level(name):
    """Let executors that are made from now on use a level that the machine has, as tests do."""
    global the_level
    the_level = levels().index(name)
