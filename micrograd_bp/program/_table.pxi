# A hash table with open addressing (Knuth, The Art of Computer Programming, volume 3, section
# 6.4). Included by _passes.pyx.


cdef struct Slot:
    unsigned int hashed
    unsigned int number  # and 1, or 0 of a free slot


cdef class Table:
    """Numbers by a hash of what they stand for, which is not here: who asks compares it."""

    cdef Slot* slots
    cdef size_t n_slots, n  # a power of two; how many are taken, half of them at the most

    def __cinit__(self):
        self.grow()

    def __dealloc__(self):
        free(self.slots)

    cdef int grow(self) except -1:
        cdef size_t n_slots = 4 * self.n_slots if self.n_slots else 16, i
        cdef Slot* slots = <Slot*>calloc(n_slots, sizeof(Slot))
        if slots is NULL:
            raise MemoryError("no memory for the numbers of a program")
        for i in range(self.n_slots):
            if self.slots[i].number:
                _free_slot(slots, n_slots, self.slots[i].hashed)[0] = self.slots[i]
        free(self.slots)
        self.slots, self.n_slots = slots, n_slots
        return 0

    cdef inline int next(self, unsigned int hashed, size_t* at) noexcept:
        """The next number with a hash, searched from a slot on, at first from the hash; or -1."""
        cdef Slot* slot
        while True:
            slot = &self.slots[at[0] & (self.n_slots - 1)]
            if slot.number == 0:
                return -1
            at[0] += 1
            if slot.hashed == hashed:
                return <int>(slot.number - 1)

    cdef int put(self, unsigned int hashed, size_t at, int number) except -1:
        """A number is new, and belongs into the first free slot from one on."""
        cdef Slot* slot
        if 2 * self.n >= self.n_slots:
            self.grow()
            at = hashed
        slot = _free_slot(self.slots, self.n_slots, at)
        slot.hashed, slot.number = hashed, <unsigned int>number + 1
        self.n += 1
        return number


cdef inline Slot* _free_slot(Slot* slots, size_t n_slots, size_t at) noexcept:
    """The first free slot from one on."""
    at &= n_slots - 1
    while slots[at].number:
        at = (at + 1) & (n_slots - 1)
    return &slots[at]


cdef inline size_t _mixed(size_t hashed, size_t number) noexcept:
    """The hash of numbers and one more."""
    hashed = (hashed ^ number) * <size_t>0x9E3779B97F4A7C15ULL
    return hashed ^ (hashed >> 29)


cdef inline unsigned int _folded(size_t mixed) noexcept:
    return <unsigned int>(mixed ^ (mixed >> 32))
