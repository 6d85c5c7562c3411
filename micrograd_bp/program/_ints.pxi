# Whole numbers in memory, as many as come. Included by _passes.pyx.


cdef enum:
    MOST_NUMBERS = 0x7FFFFFFF  # so that an int counts them


cdef class Ints:
    """Whole numbers in memory; Python reads them."""

    cdef int* of
    cdef Py_ssize_t n, room

    def __cinit__(self):
        self.room = _enlarged(<void**>&self.of, 0, 0, sizeof(int))

    def __dealloc__(self):
        free(self.of)

    cdef inline int resize(self, Py_ssize_t n) except -1:
        """Have n of them; new ones are to be written before they are read."""
        if n > self.room:
            self.room = _enlarged(<void**>&self.of, n, self.room, sizeof(int))
        self.n = n
        return 0

    cdef int extend(self, Py_ssize_t n, int value) except -1:
        """Append a value n times."""
        cdef Py_ssize_t i
        self.resize(self.n + n)
        for i in range(self.n - n, self.n):
            self.of[i] = value
        return 0

    cdef inline int append(self, int value) except -1:
        self.resize(self.n + 1)
        self.of[self.n - 1] = value
        return 0

    cdef list as_list(self):
        return [self.of[i] for i in range(self.n)]

    cdef inline int get(self, Py_ssize_t i) except? -1:
        """A number, if it is there: what comes from Python may be any."""
        if not 0 <= i < self.n:
            raise IndexError(f"{i} is beyond {self.n} numbers")
        return self.of[i]

    cdef inline int put(self, Py_ssize_t i, int value) except -1:
        """Write a number where one is."""
        if not 0 <= i < self.n:
            raise IndexError(f"{i} is beyond {self.n} numbers")
        self.of[i] = value
        return 0

    cdef int insert(self, Py_ssize_t i, int value) except -1:
        """Put a number before that at i, which is there, or at the end."""
        self.append(value)
        memmove(self.of + i + 1, self.of + i, (self.n - 1 - i) * sizeof(int))
        self.of[i] = value
        return 0

    cdef int remove(self, Py_ssize_t i) except -1:
        """Take out that at i, which is there."""
        self.n -= 1
        memmove(self.of + i, self.of + i + 1, (self.n - i) * sizeof(int))
        return 0

    def __len__(self):
        return self.n

    def __getitem__(self, Py_ssize_t i):
        return self.get(i)


cdef Ints _ints(Py_ssize_t n, int value):
    cdef Ints ints = Ints()
    ints.extend(n, value)
    return ints


cdef Py_ssize_t _enlarged(
    void** array, Py_ssize_t needed, Py_ssize_t room, Py_ssize_t width
) except -1:
    """Make room for as many as needed; for how many there is then."""
    cdef void* grown = NULL
    room = max(needed, room + room // 2, 16)
    if needed <= MOST_NUMBERS and room <= PY_SSIZE_T_MAX // width:
        grown = realloc(array[0], room * width)
    if grown is NULL:
        raise MemoryError("no memory for the numbers of a program")
    array[0] = grown
    return room
