# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, nonecheck=True
"""The compiled twin of engine.py: the same names, the same behaviour, bit for bit.

engine.py is the specification. What differs is how a node is kept: its first two operands
and local derivatives inline, more of them in one block; a mark in place of a visited set; no
Python object is made in a backward sweep. The garbage collector does not track nodes, which
it would otherwise scan again and again as a graph grows: the engine makes no cycles.

The paths in C take only what is finite through and through. All else goes through ``record``
and the table in functions/, as in engine.py, and so gets the same results and errors.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport exp, fabs, fmod, isfinite, log, log1p, pow, sqrt, tanh
from libc.stdlib cimport calloc, free, malloc, realloc

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

cdef enum:
    CHECK_SIGNALS = 1 << 16  # nodes from one look for Ctrl-C to the next

cdef double SMALLEST_NORMAL = 2.2250738585072014e-308
cdef unsigned int HAS_GRAD = 1u << 31  # beside the number of parents, as is

cdef enum:
    POLE = 1 << 30  # a local derivative that is not finite
    COMPARED = 1 << 29  # a comparison in Python may have chosen a branch by the node
    ORIGIN = 1 << 28  # a node that was computed from the node was compared
    SIZE = ORIGIN - 1  # the bits of the number of parents

cdef object _current_mode = modes.current
cdef PyObject* _default_mode = <PyObject*>modes.DEFAULT
_keep_default_mode = modes.DEFAULT

cdef object ADD = functions.add, SUB = functions.sub, MUL = functions.mul, DIV = functions.div
cdef object ADD_OPERATION = functions.add.operation, SUB_OPERATION = functions.sub.operation
cdef object MUL_OPERATION = functions.mul.operation, DIV_OPERATION = functions.div.operation
cdef object CONSTANT_OPERATION = functions.constant.operation
cdef object PROD_OPERATION = functions.prod.operation
cdef object DOT = functions.dot, FSUM = functions.fsum, POWER = functions.constant_power
cdef object DOT_OPERATION = functions.dot.operation, FSUM_OPERATION = functions.fsum.operation
cdef object _fsum = math.fsum
cdef dict _power_operations = {}


cdef class _Extras:
    cdef object label
    cdef dict attributes

    def __cinit__(self, label):
        self.label = label
        self.attributes = {}


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
        _backward(self, _double(seed))

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


# A type without __getattr__ has its methods called faster. So Value gets its own back with the
# first attribute of the user's that is set.

cdef getattrofunc _getattr = (<PyTypeObject*>Value).tp_getattro
(<PyTypeObject*>Value).tp_getattro = PyObject_GenericGetAttr


cdef void _look_into_extras() noexcept:
    if (<PyTypeObject*>Value).tp_getattro is not _getattr:
        (<PyTypeObject*>Value).tp_getattro = _getattr
        PyType_Modified(<PyTypeObject*>Value)


cdef str GRAD = "grad", DATA = "data"


cdef inline void _set_grad(Value node, double grad) noexcept:
    if grad == 0.0:
        node._grad = 0.0
        node._size &= ~HAS_GRAD
    else:
        node._grad = grad
        node._size |= HAS_GRAD


cdef int _set_own(Value node, name, attribute) except -1:
    """An attribute that failed to be set: one of the user's own, unless the class has it. What is
    raised by then is caught here, where it costs the numbers that are set all the time nothing."""
    try:
        raise_what_is_set()
    except AttributeError:
        if hasattr(type(node), name):
            raise
        attributes.check_attribute(name, attribute)
        if type(node._label) is not _Extras:
            _look_into_extras()
            node._label = _Extras(node._label)
        (<_Extras>node._label).attributes[name] = attribute
    return 0


# Where a node keeps its parents and their local derivatives


@cython.nonecheck(False)
cdef inline PyObject** _parents(Value node) noexcept:
    if (node._size & SIZE) > 2:
        return <PyObject**>node._first
    return &node._first


@cython.nonecheck(False)
cdef inline double* _derivatives(Value node) noexcept:
    cdef unsigned int n = node._size & SIZE
    if n > 2:
        return <double*>(<PyObject**>node._first + n)
    return &node._first_derivative


# Freeing: parents whose last reference goes wait in a list, so that a chain of a million
# nodes is taken down in a loop and not by a million nested calls.

cdef PyObject** _doomed = NULL
cdef size_t _n_doomed = 0, _doomed_capacity = 0
cdef bint _freeing = False


cdef inline void _release(PyObject* node) noexcept:
    global _doomed, _n_doomed, _doomed_capacity
    cdef PyObject** grown
    if Py_REFCNT(node) > 1:
        Py_DECREF(<object>node)
        return
    if _n_doomed == _doomed_capacity:
        grown = <PyObject**>realloc(_doomed, (2 * _doomed_capacity + 64) * sizeof(PyObject*))
        if grown is NULL:  # no memory for the list: free by nesting, the best that is left
            Py_DECREF(<object>node)
            return
        _doomed = grown
        _doomed_capacity = 2 * _doomed_capacity + 64
    _doomed[_n_doomed] = node
    _n_doomed += 1


cdef inline void _free_doomed() noexcept:
    global _n_doomed, _freeing
    cdef PyObject* node
    if _freeing:
        return
    _freeing = True
    while _n_doomed:
        _n_doomed -= 1
        node = _doomed[_n_doomed]
        Py_DECREF(<object>node)
    _freeing = False


# Making nodes


cdef inline PyObject* _mode() except NULL:
    """The mode in force: borrowed, the context holds it."""
    cdef PyObject* mode = NULL
    PyContextVar_Get(_current_mode, NULL, &mode)
    Py_DECREF(<object>mode)
    return mode


cdef inline object _text(str what, object text):
    return text if type(text) is str else as_text(what, text)


cdef inline bint _is_operand(object x) except -1:
    if type(x) is Value or type(x) is float or isinstance(x, Value) or is_number(x):
        return True
    messages.refuse_beside(x)
    return False


cdef inline double _compared(Value node, object other) except? -1.0:
    """The data of other; by both Python may choose what it does next."""
    _note_comparison(node)
    if isinstance(other, Value):
        _note_comparison(<Value>other)
    return _data_of(other)


cdef inline int _note_comparison(Value node) except -1:
    cdef PyObject* mode = _mode()
    node._size |= COMPARED
    if node._size & SIZE and not node._size & ORIGIN:
        _note_origins(node)
    if mode is not _default_mode and (<object>mode).compared is not None:
        (<object>mode).compared.append(node)
    return 0


@cython.nonecheck(False)
cdef int _note_origins(Value root) except -1:
    cdef size_t depth = 0, capacity = 64
    cdef PyObject** stack = <PyObject**>malloc(capacity * sizeof(PyObject*))
    cdef PyObject** parents
    cdef PyObject* node = <PyObject*>root
    cdef PyObject* parent
    cdef unsigned int n, i
    if stack is NULL:
        raise MemoryError("no memory to note a comparison")
    root._size |= ORIGIN
    while True:
        n = (<Value>node)._size & SIZE
        parents = <PyObject**>(<Value>node)._first if n > 2 else &(<Value>node)._first
        for i in range(n):
            parent = parents[i]
            if (<Value>parent)._size & ORIGIN:  # then all that it was computed from has it too
                continue
            (<Value>parent)._size |= ORIGIN
            if (<Value>parent)._size & SIZE:
                if depth == capacity and not _grow(<void**>&stack, &capacity, sizeof(PyObject*)):
                    free(stack)
                    raise MemoryError("no memory to note a comparison")
                stack[depth] = parent
                depth += 1
        if depth == 0:
            break
        depth -= 1
        node = stack[depth]
    free(stack)
    return 0


cdef inline double _data_of(object operand) except? -1.0:
    return (<Value>operand)._data if isinstance(operand, Value) else _double(operand)


cdef inline bint _is_small(object integer) except -1:
    cdef int overflow = 0
    PyLong_AsLongLongAndOverflow(integer, &overflow)
    return overflow == 0


cdef inline double _double(object number) except? -1.0:
    """A number as a double; the common kinds without a call into Python."""
    if type(number) is float or (type(number) is int and _is_small(number)):
        return <double>number
    return to_float(number)


cdef inline Value _operand(object x):
    """x as a node, a number as a constant leaf; None for what is neither."""
    if type(x) is Value:
        return <Value>x
    if type(x) is float or type(x) is int:
        return _constant(_double(x))
    if isinstance(x, Value):
        return <Value>x
    return _constant(to_float(x)) if _is_operand(x) else None


cdef inline Value _constant(double data):
    return _node(CONSTANT_OPERATION, data)


@cython.nonecheck(False)
cdef inline Value _node(object operation, double data):
    """A node without parents as yet; under no_grad it stays so, without an operation too."""
    cdef Value node = Value.__new__(Value)
    cdef PyObject* mode = _mode()
    node._data = data
    node._operation = operation
    if mode is not _default_mode:
        node._scope = (<object>mode).scope or None
        if not (<object>mode).recording and operation is not CONSTANT_OPERATION:
            node._operation = None
    return node


@cython.nonecheck(False)
cdef inline Value _unary_node(object operation, Value x, double data, double dx):
    cdef Value node = _node(operation, data)
    if node._operation is not None:
        Py_INCREF(x)
        node._first = <PyObject*>x
        node._first_derivative = dx
        node._size = 1
    return node


@cython.nonecheck(False)
cdef inline Value _binary_node(object operation, Value x, Value y, double data, double dx, double dy):
    cdef Value node = _node(operation, data)
    if node._operation is not None:
        Py_INCREF(x)
        Py_INCREF(y)
        node._first = <PyObject*>x
        node._second = <PyObject*>y
        node._first_derivative = dx
        node._second_derivative = dy
        node._size = 2
    return node


cdef int _make_room(Value node, size_t n) except -1:
    """Room for n parents and their derivatives; the caller fills it and owns a reference each."""
    cdef PyObject** block
    if n > 2:
        block = <PyObject**>malloc(n * (sizeof(PyObject*) + sizeof(double)))
        if block is NULL:
            raise MemoryError(f"no memory for a node of {n} parents")
        node._first = <PyObject*>block
    node._size = <unsigned int>n
    return 0


def record(function, operands, tuple parameters=()):
    cdef list parents = [p if isinstance(p, Value) else _constant(_double(p)) for p in operands]
    cdef list numbers = [(<Value>p)._data for p in parents]
    cdef double data = function.value(*numbers, *parameters)
    if not isfinite(data):
        messages.refuse_nonfinite(function, parents, numbers, parameters)
    cdef Value node = _node(
        functions.Operation(function, parameters) if parameters else function.operation, data
    )
    if node._operation is None:
        return node
    cdef tuple local_derivatives = function.partials(*numbers, *parameters)
    cdef bint pole = not all(map(math.isfinite, local_derivatives))
    if pole:
        finite = all(map(math.isfinite, numbers))
        node._operation = functions.Operation(function, parameters, finite)
    _make_room(node, len(parents))
    if pole:
        node._size |= POLE
    cdef PyObject** block = _parents(node)
    cdef double* derivatives = _derivatives(node)
    cdef Py_ssize_t i
    for i in range(len(parents)):
        parent = parents[i]
        Py_INCREF(parent)
        block[i] = <PyObject*>parent
        derivatives[i] = local_derivatives[i]
    return node


def apply(function, *operands, tuple parameters=()):
    cdef double data
    if len(operands) == 1 and type(operands[0]) is Value:
        code = _codes.get(function)
        if code is not None:
            return _unary(code, operands[0])
    for operand in operands:
        if isinstance(operand, Value):
            return record(function, operands, parameters)
    numbers = [to_float(operand) for operand in operands]
    data = function.value(*numbers, *parameters)
    if not isfinite(data):
        messages.refuse_nonfinite(function, numbers, numbers, parameters)
    return data


# Paths in C. Each formula is that of the table in functions/, to the bit.


@cython.nonecheck(False)
cdef Value _add(Value x, Value y):
    cdef double data = x._data + y._data
    if isfinite(data):
        return _binary_node(ADD_OPERATION, x, y, data, 1.0, 1.0)
    return record(ADD, (x, y))


@cython.nonecheck(False)
cdef Value _sub(Value x, Value y):
    cdef double data = x._data - y._data
    if isfinite(data):
        return _binary_node(SUB_OPERATION, x, y, data, 1.0, -1.0)
    return record(SUB, (x, y))


@cython.nonecheck(False)
cdef Value _mul(Value x, Value y):
    cdef double data = x._data * y._data
    if isfinite(data):
        return _binary_node(MUL_OPERATION, x, y, data, y._data, x._data)
    return record(MUL, (x, y))


cdef inline bint _is_normal(double x) noexcept:
    return isfinite(x) and fabs(x) >= SMALLEST_NORMAL


cdef Value _div(Value x, Value y):
    cdef double quotient, inverse, slope
    if _is_normal(x._data) and _is_normal(y._data):
        quotient = x._data / y._data
        inverse = 1.0 / y._data
        slope = quotient / y._data
        if _is_normal(slope) and isfinite(quotient) and isfinite(inverse):
            return _binary_node(DIV_OPERATION, x, y, quotient, inverse, -slope)
    return record(DIV, (x, y))


cdef Value _power(Value x, double exponent):
    """x**exponent for an exponent that less 1 is exact, wherever nothing over- or underflows."""
    cdef double base = x._data, size = fabs(x._data), data, whole, slope
    cdef double lower = exponent - 1.0
    cdef bint whole_exponent = fmod(exponent, 1.0) == 0.0
    if (
        exponent == 0.0
        or fabs(exponent) > 1e15
        or lower + 1.0 != exponent
        or fabs(exponent) < 0.5
        or not _is_normal(base)
        or (base < 0.0 and not whole_exponent)
    ):
        return record(POWER, (x,), (exponent,))
    data = pow(base, exponent)
    whole = pow(size, lower)
    slope = exponent * whole
    if not (_is_normal(data) and _is_normal(whole) and _is_normal(slope)):
        return record(POWER, (x,), (exponent,))
    if base < 0.0 and fmod(lower, 2.0) != 0.0:
        slope = -slope
    operation = _power_operations.get(exponent)
    if operation is None:
        operation = functions.Operation(POWER, (exponent,))
        if len(_power_operations) < 256:
            _power_operations[exponent] = operation
    return _unary_node(operation, x, data, slope)


cdef enum:
    NEG, EXP, LOG, TANH, SIGMOID, RELU, SQRT, ABS, SQUARE, SOFTPLUS, SECH2, LOGISTIC_DENSITY, STEP

cdef tuple UNARY = (
    functions.neg,
    functions.exp,
    functions.log,
    functions.tanh,
    functions.sigmoid,
    functions.relu,
    functions.sqrt,
    functions.abs,
    functions.square,
    functions.softplus,
    functions.sech2,
    functions.logistic_density,
    functions.step,
)
cdef tuple UNARY_OPERATIONS = tuple([function.operation for function in UNARY])
cdef dict _codes = {function: code for code, function in enumerate(UNARY)}


cdef inline double _sigmoid(double x) noexcept:
    cdef double e = exp(-fabs(x))
    return 1.0 / (1.0 + e) if x >= 0.0 else e / (1.0 + e)


cdef inline double _sech2(double x) noexcept:
    cdef double a = fabs(x), e
    if a > 350.0:
        e = 2.0 * exp(-a)
        return e * e
    e = exp(2.0 * a)
    return 4.0 / (e + (2.0 + 1.0 / e))


cdef inline double _logistic_density(double x) noexcept:
    cdef double a = fabs(x), e
    if a > 700.0:
        return exp(-a)
    e = exp(a)
    return 1.0 / (e + (2.0 + 1.0 / e))


@cython.nonecheck(False)
cdef Value _unary(int code, Value operand):
    cdef double data = 0.0, dx = 0.0
    if _unary_numbers(code, operand._data, &data, &dx):
        return _unary_node(UNARY_OPERATIONS[code], operand, data, dx)
    return record(UNARY[code], (operand,))


cdef bint _unary_numbers(int code, double x, double* data, double* dx) noexcept:
    """Value and derivative; whether they and x are finite, and x well inside the domain."""
    cdef double slope
    cdef bint inside = isfinite(x)
    if code == NEG:
        data[0] = -x
        dx[0] = -1.0
    elif code == EXP:
        data[0] = dx[0] = exp(x)
    elif code == LOG:
        inside = inside and x > 0.0
        data[0] = log(x)
        dx[0] = 1.0 / x
    elif code == TANH:
        data[0] = tanh(x)
        dx[0] = _sech2(x)
    elif code == SIGMOID:
        data[0] = _sigmoid(x)
        dx[0] = _logistic_density(x)
    elif code == RELU:
        data[0] = x if x > 0.0 else 0.0
        dx[0] = 1.0 if x > 0.0 else 0.0
    elif code == SQRT:
        inside = inside and x > 0.0
        data[0] = sqrt(x)
        dx[0] = 0.5 * pow(x, -0.5)
    elif code == ABS:
        data[0] = fabs(x)
        dx[0] = 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0
    elif code == SQUARE:
        data[0] = x * x
        dx[0] = 2.0 * x
    elif code == SOFTPLUS:
        data[0] = (x if x > 0.0 else 0.0) + log1p(exp(-fabs(x)))
        dx[0] = _sigmoid(x)
    elif code == SECH2:
        data[0] = _sech2(x)
        dx[0] = -2.0 * tanh(x) * data[0]
    elif code == LOGISTIC_DENSITY:
        data[0] = _logistic_density(x)
        slope = tanh(0.5 * x)
        dx[0] = -slope * data[0]
    else:
        data[0] = 1.0 if x > 0.0 else 0.0
        dx[0] = 0.0
    return inside and isfinite(data[0]) and isfinite(dx[0])


# n-ary nodes


cdef inline object _as_list(str name, object operands, str what):
    """Operands as a list or a tuple."""
    if type(operands) is list or type(operands) is tuple:
        return operands
    return _listed_operands(name, operands, what)


cdef object _listed_operands(str name, object operands, str what):
    try:
        return list(operands)
    except TypeError:
        messages.refuse_no_list(name, operands, what)
        raise


def dot(weights, inputs, bias=None):
    return _dot(weights, inputs, bias)


cdef Value _product(Value w, Value x):
    """A dot node of one product, the commonest in the graph of a gradient."""
    cdef double data = 0.0 + w._data * x._data
    if isfinite(data):
        return _binary_node(DOT_OPERATION, w, x, data, x._data, w._data)
    return record(DOT, (w, x))


@cython.nonecheck(False)
cdef object _dot(object weights, object inputs, object bias):
    cdef object w = _as_list("dot", weights, "weights")
    cdef object x = _as_list("dot", inputs, "inputs")
    cdef Py_ssize_t n = len(w), i, size = 2 * n + (bias is not None)
    if n != len(x):
        raise ValueError(f"dot of {n} weights needs as many inputs, not {len(x)}")
    if n == 1 and bias is None and type(w[0]) is Value and type(x[0]) is Value:
        return _product(w[0], x[0])
    if size < 3 or (bias is not None and type(bias) is not Value):
        return apply(DOT, *w, *x, *(() if bias is None else (bias,)))
    cdef PyObject** w_items = PySequence_Fast_ITEMS(w)
    cdef PyObject** x_items = PySequence_Fast_ITEMS(x)
    cdef double data = 0.0 if bias is None else (<Value>bias)._data
    cdef Value node = _node(DOT_OPERATION, data)
    cdef PyObject** block = <PyObject**>malloc(size * (sizeof(PyObject*) + sizeof(double)))
    cdef double* derivatives = <double*>(block + size)
    cdef bint plain = node._operation is not None
    if block is NULL:
        raise MemoryError(f"no memory for a node of {size} parents")
    for i in range(n):
        if type(<object>w_items[i]) is not Value or type(<object>x_items[i]) is not Value:
            plain = False
            break
        block[i] = w_items[i]
        block[n + i] = x_items[i]
        derivatives[i] = (<Value>x_items[i])._data
        derivatives[n + i] = (<Value>w_items[i])._data
        data += derivatives[n + i] * derivatives[i]
    if not (plain and isfinite(data)):
        free(block)
        return apply(DOT, *w, *x, *(() if bias is None else (bias,)))
    if bias is not None:
        block[2 * n] = <PyObject*>bias
        derivatives[2 * n] = 1.0
    for i in range(size):
        Py_INCREF(<object>block[i])
    node._data = data
    node._first = <PyObject*>block
    node._size = <unsigned int>size
    return node


def unit(weights, inputs, bias, activation, tuple labels, scope):
    cdef Value a = _dot(weights, inputs, bias)
    cdef Value z
    a_label, z_label = labels
    a._label, a._scope = _text("label", a_label), _text("scope", scope)
    if activation is None:
        return a
    code = _codes.get(activation)
    if code is not None:
        z = _unary(code, a)
    elif isinstance(activation, functions.Function):
        z = activation(a)
    else:  # a function of the user's, which may make nodes of its own
        with modes.changed(scope=scope):
            result = activation(a)
        if not isinstance(result, Value):
            messages.refuse_activation(result)
        z = result
    z.label, z._scope = z_label, a._scope
    return z


def fsum(values):
    cdef list terms = list(_as_list("fsum", values, "numbers or Values"))
    cdef Py_ssize_t n = len(terms), i
    for term in terms:
        if type(term) is not Value or not isfinite((<Value>term)._data):
            return apply(FSUM, *terms)
    if n < 3:
        return apply(FSUM, *terms)
    try:
        data = _fsum([(<Value>term)._data for term in terms])
    except OverflowError:
        return apply(FSUM, *terms)
    cdef Value node = _node(FSUM_OPERATION, data)
    if node._operation is None:
        return node
    _make_room(node, n)
    cdef PyObject** block = _parents(node)
    cdef double* derivatives = _derivatives(node)
    for i in range(n):
        block[i] = <PyObject*>terms[i]
        Py_INCREF(<object>block[i])
        derivatives[i] = 1.0
    return node


# Sorting and sweeping

cdef Mark _last_mark = 0


cdef struct Order:
    PyObject** nodes  # parents before children; borrowed, the root holds them
    size_t n
    bint poles  # whether a local derivative is not finite


cdef inline bint _grow(void** array, size_t* capacity, size_t width) noexcept:
    cdef void* grown = realloc(array[0], 2 * capacity[0] * width)
    if grown is NULL:
        return False
    array[0] = grown
    capacity[0] *= 2
    return True


@cython.nonecheck(False)
cdef int _sort(PyObject** roots, size_t n_roots, Order* order, bint watch=True) except -1:
    """Depth first in the order of the operands. Until a node's own place in the order is
    known, its position counts the parents that have been looked at. A long sort answers to
    Ctrl-C; where what a signal calls has sorted another graph, and so left its marks, it begins
    anew, and is watched no more."""
    global _last_mark
    cdef size_t order_capacity = 64, stack_capacity = 64, depth = 0, next_root = 0, rounds = 0
    cdef PyObject** stack = <PyObject**>malloc(stack_capacity * sizeof(PyObject*))
    cdef PyObject* node
    cdef PyObject* parent
    cdef PyObject** parents
    cdef unsigned int i, n, found = 0
    cdef Mark mark
    cdef bint room = stack is not NULL
    order.nodes = <PyObject**>malloc(order_capacity * sizeof(PyObject*))
    order.n = 0
    room = room and order.nodes is not NULL
    _last_mark += 1
    mark = _last_mark
    while room and (depth or next_root < n_roots):
        rounds += 1
        if watch and rounds % CHECK_SIGNALS == 0:
            try:
                PyErr_CheckSignals()
            except BaseException:
                free(stack)
                free(order.nodes)
                order.nodes = NULL
                raise
            if _last_mark != mark:
                free(stack)
                free(order.nodes)
                return _sort(roots, n_roots, order, watch=False)
        if depth == 0:
            node = roots[next_root]
            next_root += 1
            if (<Value>node)._mark == mark:
                continue
            (<Value>node)._mark = mark
            (<Value>node)._position = 0
            stack[0] = node
            depth = 1
        node = stack[depth - 1]
        n = (<Value>node)._size & SIZE
        parents = <PyObject**>(<Value>node)._first if n > 2 else &(<Value>node)._first
        i = (<Value>node)._position
        while i < n:
            parent = parents[i]
            i += 1
            if (<Value>parent)._mark == mark:
                continue
            (<Value>parent)._mark = mark
            if order.n == order_capacity:
                room = _grow(<void**>&order.nodes, &order_capacity, sizeof(PyObject*))
                if not room:
                    break
            if (<Value>parent)._size & SIZE == 0:
                (<Value>parent)._position = <unsigned int>order.n
                order.nodes[order.n] = parent
                order.n += 1
                continue
            (<Value>node)._position = i
            (<Value>parent)._position = 0
            if depth == stack_capacity:
                room = _grow(<void**>&stack, &stack_capacity, sizeof(PyObject*))
                if not room:
                    break
            stack[depth] = parent
            depth += 1
            node = NULL
            break
        if node is NULL or not room:
            continue
        if order.n == order_capacity:
            room = _grow(<void**>&order.nodes, &order_capacity, sizeof(PyObject*))
            if not room:
                continue
        (<Value>node)._position = <unsigned int>order.n
        order.nodes[order.n] = node
        order.n += 1
        found |= (<Value>node)._size
        depth -= 1
    free(stack)
    order.poles = found & POLE != 0
    if not room:
        free(order.nodes)
        order.nodes = NULL
        raise MemoryError("no memory to sort the graph")
    return 0


def topological_order(root):
    if not isinstance(root, Value):
        raise TypeError(f"topological_order needs a Value, not {show(root)}")
    return order_of([root])


def order_of(outputs):
    cdef list roots = list(outputs)
    cdef Order order
    _sort_graph(roots, &order)
    try:
        return _listed(&order)
    finally:
        free(order.nodes)


cdef int _sort_graph(list outputs, Order* order) except -1:
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"a graph is that of Values, not of {show(output)}")
    return _sort(PySequence_Fast_ITEMS(outputs), len(outputs), order)


cdef list _listed(Order* order):
    cdef size_t i
    return [<object>order.nodes[i] for i in range(order.n)]


cdef int _backward(Value root, double seed) except -1:
    cdef Order order
    cdef double* adjoints
    cdef PyObject* roots = <PyObject*>root
    _sort(&roots, 1, &order)
    adjoints = <double*>malloc(order.n * sizeof(double))
    if adjoints is NULL:
        free(order.nodes)
        raise MemoryError("no memory for the adjoints")
    try:
        _sweep(&order, adjoints, seed)
        _accumulate(&order, adjoints)
    finally:
        free(adjoints)
        free(order.nodes)
    return 0


cdef int _sweep(Order* order, double* adjoints, double seed) except -1:
    """Seed times the derivative of the last node by each node of the order."""
    cdef size_t i
    cdef bint finite = True
    for i in range(order.n):
        adjoints[i] = 0.0
    adjoints[order.n - 1] = seed
    _carry_back(order, adjoints)
    for i in range(order.n):
        finite = finite and isfinite(adjoints[i])
    if not finite:
        for i, adjoint in enumerate(poles.adjoints(_listed(order), seed)):
            adjoints[i] = adjoint
    return 0


@cython.nonecheck(False)
cdef void _carry_back(Order* order, double* adjoints) noexcept:
    """The chain rule, from the last node of the order to the first."""
    cdef size_t i = order.n
    cdef unsigned int j, n
    cdef PyObject* node
    cdef PyObject** parents
    cdef double* derivatives
    cdef double adjoint
    cdef bint poles = order.poles
    while i > 0:
        i -= 1
        adjoint = adjoints[i]
        if adjoint == 0.0 and not poles:  # it contributes 0
            continue
        node = order.nodes[i]
        n = (<Value>node)._size & SIZE
        if n > 2:
            parents = <PyObject**>(<Value>node)._first
            derivatives = <double*>(parents + n)
            for j in range(n):
                adjoints[(<Value>parents[j])._position] += derivatives[j] * adjoint
        elif n:
            adjoints[(<Value>(<Value>node)._first)._position] += (
                (<Value>node)._first_derivative * adjoint
            )
            if n == 2:
                adjoints[(<Value>(<Value>node)._second)._position] += (
                    (<Value>node)._second_derivative * adjoint
                )


@cython.nonecheck(False)
cdef int _accumulate(Order* order, double* adjoints) except -1:
    cdef size_t i
    cdef bint finite = True
    for i in range(order.n):
        finite = finite and isfinite((<Value>order.nodes[i])._grad + adjoints[i])
    if not finite:
        nodes = _listed(order)
        messages.refuse_nonfinite_grad(
            nodes,
            [adjoints[i] for i in range(order.n)],
            [(<Value>nodes[i])._grad + adjoints[i] for i in range(order.n)],
        )
    for i in range(order.n):
        (<Value>order.nodes[i])._grad += adjoints[i]
        (<Value>order.nodes[i])._size |= HAS_GRAD
    return 0


def sweep(
    list outputs not None, list nodes not None, list seeds not None, list wanted not None, bint back
):
    cdef Order order
    cdef double* numbers
    cdef Value node
    cdef Mark mark
    cdef Py_ssize_t i
    cdef list found = [0.0] * len(wanted)
    cdef list numbers_there = [_double(seed) for seed in seeds]  # Python, which may sort: first
    outputs = list(outputs)  # no other holds this one, and it holds the graph
    _sort_graph(outputs, &order)
    mark = _last_mark
    numbers = <double*>calloc(order.n + 1, sizeof(double))
    try:
        if numbers is NULL:
            raise MemoryError("no memory for a sweep")
        for i in range(min(len(nodes), len(numbers_there))):
            node = nodes[i]
            if node._mark == mark:
                numbers[node._position] += <double>numbers_there[i]
        if back:
            _carry_back(&order, numbers)
        else:
            _carry_forward(&order, numbers)
        for i in range(len(wanted)):
            node = wanted[i]
            if node._mark == mark:
                found[i] = numbers[node._position]
        return found
    finally:
        free(numbers)
        free(order.nodes)


@cython.nonecheck(False)
cdef void _carry_forward(Order* order, double* tangents) noexcept:
    """The chain rule, from the first node of the order to the last."""
    cdef size_t i
    cdef unsigned int j, n
    cdef PyObject** parents
    cdef double* derivatives
    cdef double tangent, total
    for i in range(order.n):
        n = (<Value>order.nodes[i])._size & SIZE
        if n == 0:
            continue
        parents = _parents(<Value>order.nodes[i])
        derivatives = _derivatives(<Value>order.nodes[i])
        total = tangents[i]
        for j in range(n):
            tangent = tangents[(<Value>parents[j])._position]
            if tangent != 0.0 or order.poles:
                total += derivatives[j] * tangent
        tangents[i] = total


include "_gradient.pxi"


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
