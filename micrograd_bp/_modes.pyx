# cython: language_level=3
"""The compiled twin of Block in modes.py: no step of it can be interrupted."""

from functools import wraps


cdef class Block:
    cdef object variable, new, token

    def __init__(self, variable, new):
        self.variable, self.new = variable, new

    def __enter__(self):
        self.token = self.variable.set(self.new(self.variable.get()))

    def __exit__(self, kind, error, trace):
        self.variable.reset(self.token)

    def __call__(self, f):
        @wraps(f)
        def run(*args, **kwargs):
            with Block(self.variable, self.new):
                return f(*args, **kwargs)

        return run
