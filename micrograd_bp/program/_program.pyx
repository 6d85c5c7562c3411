# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, binding=False
"""Runs the instructions of a plan in C, without Python: the compiled twin of interpreter.py.

A block of data points at a time, whose rows fit the cache; the functions are loops over a row
(_kernels.h), those of wide instructions over many (_layers.h). Sums over the data points are
taken in parts whose bounds and order depend on the number of points alone, so any number of
threads gives the same bits. The memory that a call lends to threads is that of its job, and lives
until the last of them is done with it. The thread that called asks for signals as it works; at
Ctrl-C it waits until the others have stopped, unless there is another Ctrl-C.

Here is what Python sees: arguments are read and results given. What runs stands in the files
included below.
"""

from _thread import start_new_thread
from queue import SimpleQueue

cimport cython
from cpython.ref cimport PyObject
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport isfinite
from libc.string cimport memcpy, memset

import numpy

try:
    from numpy._core._multiarray_umath import _ARRAY_API
except ImportError:  # NumPy 1
    from numpy.core._multiarray_umath import _ARRAY_API

from .instructions import Gather, Instruction, Map, Product, Sum, Sums, Weights

include "_loops.pxi"
include "_arrays.pxi"
include "_loaded.pxi"
include "_space.pxi"
include "_point.pxi"
include "_rows.pxi"
include "_parts.pxi"

cdef int MOST_KEPT = 8192  # numbers of an array of results, which is kept to be given out again


@cython.final
cdef class Executor:
    """A plan, ready to run.

    Args:
        plan: of instructions.py.
        single: whether its output is one number for a data point, and no list.
    """

    cdef _Loaded plan
    cdef bint single
    cdef object given, given_before  # the last results that were made for a caller

    def __cinit__(self, plan, single=False):
        self.single = single
        self.plan = _Loaded(plan)

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
        return value if self.plan.n_sums else None, result, finite

    def finite(self, inputs, parameters, threads, out):
        """What ``run`` gives where all is finite: the pair of sums, or the outputs; else None."""
        cdef double value = 0.0
        cdef bint finite = False
        result = self._run(inputs, parameters, threads, out, &value, &finite)
        if not finite:
            return None
        return (value, result) if self.plan.n_sums else result

    cdef _run(self, inputs, parameters, threads, out, double* value, bint* finite):
        """The results but for the first sum; None where an argument is not such as it should be."""
        cdef _Loaded plan = self.plan
        cdef Array* x = _array(inputs)
        cdef Array* w = _array(parameters)
        cdef Array* results
        cdef int too_large = 0, n_axes = 0
        cdef long n_threads
        if not (
            x != NULL and w != NULL and w.nd == 1 and w.dimensions[0] == plan.n_parameters
            and 1 <= x.nd <= 2 and x.dimensions[x.nd - 1] == plan.n_inputs
            and type(threads) is int
        ):
            return None
        n_threads = PyLong_AsLongAndOverflow(threads, &too_large)
        if n_threads < 1:
            return None
        cdef bint one_point = x.nd == 1
        cdef Py_ssize_t shape[2]
        if plan.n_sums:
            shape[0], n_axes = plan.n_sums - 1, 1
        else:
            if not one_point:
                shape[0], n_axes = x.dimensions[0], 1
            if not self.single:
                shape[n_axes] = plan.n_outputs
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
        cdef Py_ssize_t n_results = max(0, plan.n_sums - 1)
        if one_point:
            _run_point(plan, x.data, w.data, Totals(value, outputs, &check))
            if plan.once_each:
                n_results = 0
            n_results += plan.n_outputs
        else:
            memset(&call, 0, sizeof(Call))
            call.inputs, call.parameters, call.outputs = x.data, w.data, outputs
            call.totals.value, call.totals.slopes = value, outputs
            call.n = x.dimensions[0]
            _choose_parts(plan, &call)
            if n_threads == 1 or call.n_parts == 1:
                _run_alone(plan, &call)
            else:
                _run_threads(plan, call, min(n_threads, call.n_parts), (inputs, parameters, result))
            n_results += call.n * plan.n_outputs
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
