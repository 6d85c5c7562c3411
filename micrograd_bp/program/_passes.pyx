# cython: language_level=3, wraparound=False, initializedcheck=False, binding=False
"""The passes that look at every node, compiled: the twins of those that read.

They give the same nodes in the same order. What is rare (a constant among the operands, a
function that has simpler forms, a branch that is not taken) is left to the rules of numbered.py,
gates.py and lowering.py.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from .. import functions
from .._engine import by_place, place_of, unconfirmed
from ..transforms.through_softmax import SHARE, THROUGH_SOFTMAX
from .checks import check_node, refuse_infinite_slopes
from .fusing import MANY
from .gates import MAY_BE_GATES, MOST_GATES, SMOOTH, gate, has_edge
from .instructions import (
    DERIVATIVES,
    Gather,
    Instruction,
    Map,
    Product,
    Span,
    Sum,
    Sums,
    Weights,
    told_apart,
)
from .lowering import share, through_softmax
from .numbered import MOST_IN_MATRIX, SIMPLER

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX
    void PyObject_GC_UnTrack(void*)

cdef object Record = Instruction
cdef object ADD = functions.add
cdef object MUL = functions.mul
cdef object DOT = functions.dot
cdef object SQUARE = functions.square
cdef object WHERE = functions.where
cdef object SOFTMAX = functions.softmax
cdef object _new = tuple.__new__


cdef inline tuple _as_instruction(object node):
    """The fields of an instruction; None of a leaf or a constant."""
    if type(node) is not Record:
        return None
    return <tuple>node


include "_ints.pxi"
include "_table.pxi"
include "_nodes.pxi"
include "_numbered.pxi"
include "_gates.pxi"
include "_lowering.pxi"
include "_checks.pxi"
include "_fusing.pxi"
include "_sums.pxi"
include "_blocks.pxi"
include "_layers.pxi"
include "_placing.pxi"
