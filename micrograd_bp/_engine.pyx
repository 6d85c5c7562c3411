# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, nonecheck=True
"""The compiled twin of engine.py: the same names, the same behaviour, bit for bit.

engine.py is the specification. What differs is how a node is kept: its first two operands
and local derivatives inline, more of them in one block; a mark in place of a visited set; no
Python object is made in a backward sweep. The garbage collector does not track nodes, which
it would otherwise scan again and again as a graph grows: the engine makes no cycles.

The paths in C take only what is finite through and through. All else goes through ``record``
and the table in functions/, as in engine.py, and so gets the same results and errors.

Here is the class as Python sees it; what it is made of stands in the files included below it.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.math cimport exp, fabs, fmod, isfinite, log, log1p, pow, sqrt, tanh
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp

import math
from operator import index

from . import engine as specification
from . import attributes, functions, messages, modes, poles
from .methods import ElementaryMethods
from .numeric import as_text, bounds, is_number, show, to_float

cdef extern from "Python.h":
    int PyContextVar_Get(object var, PyObject* default_value, PyObject** value) except -1
    Py_ssize_t Py_REFCNT(PyObject* o)
    PyObject** PySequence_Fast_ITEMS(object o)
    long long PyLong_AsLongLongAndOverflow(object o, int* overflow) except? -1
    int PyErr_CheckSignals() except -1
    int PyObject_GenericSetAttr(object o, object name, PyObject* attribute)  # no check: see _set_own
    PyObject* PyObject_GenericGetAttr(PyObject* o, PyObject* name)
    ctypedef PyObject* (*getattrofunc)(PyObject* o, PyObject* name)
    ctypedef struct PyTypeObject:
        const char* tp_name
        PyObject* tp_dict
        getattrofunc tp_getattro
    ctypedef struct PyGetSetDef:
        const char* doc
    ctypedef struct PyGetSetDescrObject:
        PyGetSetDef* d_getset
    void PyType_Modified(PyTypeObject* type)

cdef extern from *:
    """
    static int raise_what_is_set(void) { return -1; }
    """
    int raise_what_is_set() except -1

ctypedef unsigned long long Mark

cdef unsigned int HAS_GRAD = 1u << 31  # beside the number of parents, as is

cdef enum:
    POLE = 1 << 30  # a local derivative that is not finite
    COMPARED = 1 << 29  # a comparison in Python may have chosen a branch by the node
    ORIGIN = 1 << 28  # a node that was computed from the node was compared
    SIZE = ORIGIN - 1  # the bits of the number of parents

cdef str GRAD = "grad", DATA = "data"


@cython.no_gc
@cython.freelist(4096)
cdef class Value:
    cdef double _data
    cdef double _grad
    cdef Mark _mark  # the last sort that came by,
    cdef unsigned int _position  # and where in its order the node stands
    cdef unsigned int _size  # the number of parents, HAS_GRAD, POLE, COMPARED and ORIGIN
    cdef PyObject* _first  # parent; with more than two, the block of them all
    cdef PyObject* _second
    cdef double _first_derivative
    cdef double _second_derivative
    cdef object _operation
    cdef object _label  # None for ""; of a node with attributes of the user's, its _Extras
    cdef object _scope
    cdef object __weakref__

    def __init__(self, data, label="", _op=None):
        if type(label) is not str or _op is not None:
            label = messages.text_of_label(label, _op)
        self._data = _double(data)
        if label:
            self._label = label
        cdef PyObject* mode = _mode()
        if mode is not _default_mode:
            self._scope = (<object>mode).scope

    def __dealloc__(self):
        cdef unsigned int n = self._size & SIZE
        cdef PyObject** block
        cdef unsigned int i
        if n == 0:
            return
        if n <= 2:
            _release(self._first)
            if n == 2:
                _release(self._second)
        else:
            block = <PyObject**>self._first
            for i in range(n):
                _release(block[i])
            free(block)
        _free_doomed()

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, number):
        self._data = _double(number)

    @property
    def grad(self):
        return self._grad

    @grad.setter
    def grad(self, number):
        _set_grad(self, _double(number))

    @property
    def has_grad(self):
        return self._size & HAS_GRAD != 0

    @property
    def parents(self):
        cdef unsigned int n = self._size & SIZE
        cdef PyObject** parents = _parents(self)
        return tuple([<object>parents[i] for i in range(n)])

    @property
    def local_derivatives(self):
        cdef unsigned int n = self._size & SIZE
        cdef double* derivatives = _derivatives(self)
        return tuple([derivatives[i] for i in range(n)])

    @property
    def operation(self):
        return self._operation

    @property
    def label(self):
        """A name for pictures and messages."""
        label = (<_Extras>self._label).label if type(self._label) is _Extras else self._label
        return "" if label is None else label

    @label.setter
    def label(self, label):
        label = _text("label", label)
        if type(self._label) is _Extras:
            (<_Extras>self._label).label = label
        else:
            self._label = label

    @property
    def scope(self):
        """A path such as "layer1/neuron3"."""
        return "" if self._scope is None else self._scope

    @scope.setter
    def scope(self, scope):
        self._scope = _text("scope", scope)

    def backward(self, seed=1.0):
        _backward(<Value?>self, _double(seed))  # Value.backward(3) comes here too

    def detach(self):
        return Value(self._data, self.label)

    # Operators

    def __add__(self, other):
        cdef Value y = _operand(other)
        return NotImplemented if y is None else _add(self, y)

    def __radd__(self, other):
        cdef Value x = _operand(other)
        return NotImplemented if x is None else _add(x, self)

    def __sub__(self, other):
        cdef Value y = _operand(other)
        return NotImplemented if y is None else _sub(self, y)

    def __rsub__(self, other):
        cdef Value x = _operand(other)
        return NotImplemented if x is None else _sub(x, self)

    def __mul__(self, other):
        cdef Value y = _operand(other)
        return NotImplemented if y is None else _mul(self, y)

    def __rmul__(self, other):
        cdef Value x = _operand(other)
        return NotImplemented if x is None else _mul(x, self)

    def __truediv__(self, other):
        cdef Value y = _operand(other)
        return NotImplemented if y is None else _div(self, y)

    def __rtruediv__(self, other):
        cdef Value x = _operand(other)
        return NotImplemented if x is None else _div(x, self)

    def __pow__(self, exponent, modulus):
        if modulus is not None:
            return NotImplemented
        if isinstance(exponent, Value):
            return record(functions.pow, (self, exponent))
        if type(exponent) is int or type(exponent) is float or _is_operand(exponent):
            return _power(self, _double(exponent))
        return NotImplemented

    def __rpow__(self, base, modulus):
        if modulus is not None or not _is_operand(base):
            return NotImplemented
        return record(functions.pow, (base, self))

    def __matmul__(self, other):
        messages.refuse_matrix_product(other)
        return NotImplemented

    def __rmatmul__(self, other):
        messages.refuse_matrix_product(other)
        return NotImplemented

    def __floordiv__(self, other):
        return record(functions.floordiv, (self, other)) if _is_operand(other) else NotImplemented

    def __rfloordiv__(self, other):
        return record(functions.floordiv, (other, self)) if _is_operand(other) else NotImplemented

    def __mod__(self, other):
        return record(functions.mod, (self, other)) if _is_operand(other) else NotImplemented

    def __rmod__(self, other):
        return record(functions.mod, (other, self)) if _is_operand(other) else NotImplemented

    def __divmod__(self, other):
        return (self // other, self % other) if _is_operand(other) else NotImplemented

    def __rdivmod__(self, other):
        return (other // self, other % self) if _is_operand(other) else NotImplemented

    def __neg__(self):
        return _unary(NEG, self)

    def __pos__(self):
        return self

    def __abs__(self):
        return _unary(ABS, self)

    def __floor__(self):
        return record(functions.floor, (self,))

    def __ceil__(self):
        return record(functions.ceil, (self,))

    def __trunc__(self):
        return record(functions.trunc, (self,))

    def __round__(self, digits=None):
        return record(functions.round, (self,), (float(0 if digits is None else index(digits)),))

    # Comparisons are of data; == and hash stay those of identity.

    def __lt__(self, other):
        return self._data < _compared(self, other) if _is_operand(other) else NotImplemented

    def __le__(self, other):
        return self._data <= _compared(self, other) if _is_operand(other) else NotImplemented

    def __gt__(self, other):
        return self._data > _compared(self, other) if _is_operand(other) else NotImplemented

    def __ge__(self, other):
        return self._data >= _compared(self, other) if _is_operand(other) else NotImplemented

    def __hash__(self):
        return <Py_hash_t>(<size_t><PyObject*>self >> 4)

    def __bool__(self):
        _note_comparison(self)
        return self._data != 0.0

    @property
    def _was_compared(self):
        return self._size & COMPARED != 0

    @_was_compared.setter
    def _was_compared(self, bint is_so):
        self._size = self._size | COMPARED if is_so else self._size & ~<unsigned int>COMPARED

    @property
    def _led_to_comparison(self):
        return self._size & ORIGIN != 0

    # Text, and what would lose the graph

    def __repr__(self):
        label = f", label={self.label!r}" if self.label else ""
        operation = f", operation={self._operation.name!r}" if self._operation else ""
        return f"Value(data={self._data}, grad={self._grad}{label}{operation})"

    def _repr_latex_(self):
        from .text.latex import short_latex  # a notebook alone asks for it

        return short_latex(self)

    def __format__(self, spec):
        return format(self._data, spec) if spec else repr(self)

    def __float__(self):
        messages.refuse_float(self)

    def __int__(self):
        messages.refuse_float(self)

    def __complex__(self):
        messages.refuse_float(self)

    def __reduce__(self):
        return specification.reduce_leaf(self)

    # Attributes of the user's own; what they may not be, and why, is said in attributes.py.

    def __getattr__(self, name):
        if type(self._label) is _Extras and name in (<_Extras>self._label).attributes:
            return (<_Extras>self._label).attributes[name]
        if name == "_backward":
            messages.refuse_closure(AttributeError)
        raise AttributeError(f"a Value has no attribute {name!r}")

    def __setattr__(self, name, attribute):
        if type(self) is Value and name is GRAD:  # what is set all the time, without a search
            _set_grad(self, _double(attribute))
        elif type(self) is Value and name is DATA:
            self._data = _double(attribute)
        else:
            if type(self) is not Value and type(attribute) is not float:
                attributes.check_way_back(self, name, attribute)
            if PyObject_GenericSetAttr(self, name, <PyObject*>attribute) < 0:
                _set_own(self, name, attribute)

    def __delattr__(self, name):
        if type(self._label) is _Extras and name in (<_Extras>self._label).attributes:
            del (<_Extras>self._label).attributes[name]
        elif hasattr(self, name):
            if PyObject_GenericSetAttr(self, name, NULL) < 0:
                raise_what_is_set()
        else:
            raise AttributeError(f"a Value has no attribute {name!r}")

    @property
    def __dict__(self):
        return dict((<_Extras>self._label).attributes) if type(self._label) is _Extras else {}

    # What the table of functions calls when its operands are Values

    @staticmethod
    def _record(function, operands, parameters=()):
        return apply(function, *operands, parameters=parameters)

    # For programs that were written for micrograd

    @property
    def _prev(self):
        return tuple(dict.fromkeys(self.parents))

    @property
    def _op(self):
        return self._operation.symbol if self._operation and self._size & SIZE else ""

    @property
    def _backward(self):
        messages.refuse_closure(AttributeError)

    @_backward.setter
    def _backward(self, closure):
        messages.refuse_closure(TypeError)

    # Elementary functions with arguments of their own, as in methods.py; the others come below

    def atan2(self, x): return record(functions.atan2, (self, x))
    def arctan2(self, x): return record(functions.atan2, (self, x))
    def where(self, x, y): return record(functions.where, (self, x, y))
    def pow(self, exponent): return self ** exponent
    def rint(self): return self.__round__()
    def conjugate(self): return self
    def leaky_relu(self, slope=0.01): return record(functions.leaky_relu, (self,), (to_float(slope),))
    def elu(self, alpha=1.0): return record(functions.elu, (self,), (to_float(alpha),))
    def clip(self, low=-math.inf, high=math.inf): return record(functions.clip, (self,), bounds(low, high))


(<PyTypeObject*>Value).tp_name = "micrograd_bp.Value"  # what Python's own messages call it

include "_attributes.pxi"
include "_nodes.pxi"
include "_operands.pxi"
include "_comparisons.pxi"
include "_operations.pxi"
include "_sums.pxi"
include "_sweep.pxi"
include "_gradient.pxi"
include "_places.pxi"


# The elementary functions as methods: each entry of the table that methods.py has, and is not
# written out above. An extension type takes them into its own dictionary only.


def _method(function):
    cdef int code
    if function in _codes:
        code = _codes[function]

        def method(Value self not None):
            return _unary(code, self)

    elif function.operands == 1:

        def method(Value self not None):
            return record(function, (self,))

    else:

        def method(Value self not None, y):
            return record(function, (self, y))

    return method


cdef dict _attributes = <dict>(<PyTypeObject*>Value).tp_dict
for name, specified in vars(ElementaryMethods).items():
    if not name.startswith("_"):
        if name not in _attributes:
            _attributes[name] = _method(functions.FUNCTIONS[specified.__name__])
            _attributes[name].__name__ = specified.__name__
            _attributes[name].__qualname__ = specified.__qualname__
        _attributes[name].__doc__ = specified.__doc__

# What everything says of itself is written in the specification. A property keeps it as the
# address of a string, which lives as long as the module.

cdef dict _words = {}
for name, specified in vars(specification.Value).items():
    if isinstance(specified, property) and specified.__doc__ is not None:
        _words[name] = specified.__doc__.encode()
        (<PyGetSetDescrObject*>_attributes[name]).d_getset.doc = <const char*>_words[name]
for name in ("backward", "detach"):
    _attributes[name].__doc__ = getattr(specification.Value, name).__doc__
_attributes["__doc__"] = specification.Value.__doc__
PyType_Modified(<PyTypeObject*>Value)
for compiled in (apply, dot, fsum, order_of, record, sweep, topological_order, unit):
    compiled.__doc__ = getattr(specification, compiled.__name__).__doc__
