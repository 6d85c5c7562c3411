# cython: language_level=3, binding=False
"""The compiled twin of Switch in modes.py: no step of it can be interrupted."""

from . import modes

cdef object current = modes.current
cdef object without = modes.without


cdef class Switch:
    cdef readonly object new

    def __init__(self, new):
        self.new = new

    def __enter__(self):
        before = current.get()
        current.set(self.new(before, (self, before)))

    def __exit__(self, kind, error, trace):
        mode = current.get()
        begun = mode.begun
        current.set(begun[1] if begun and begun[0] is self else without(self, mode))
