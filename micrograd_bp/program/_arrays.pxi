"""Arrays of NumPy as C sees them: asked for their numbers, made, and looked at for room."""

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

cdef type ndarray = numpy.ndarray
cdef object float64 = numpy.dtype(float)
cdef int CONTIGUOUS = 0x101  # and aligned
cdef int WRITEABLE = 0x400
cdef int DOUBLE = 12  # as numbers of types go
cdef NewArray new_array = new_array_of(_ARRAY_API)


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
