# What may stand beside a Value, and its number. Included by _engine.pyx.


cdef inline object _text(str what, object text):
    return text if type(text) is str else as_text(what, text)


cdef inline bint _is_operand(object x) except -1:
    if type(x) is Value or type(x) is float or isinstance(x, Value) or is_number(x):
        return True
    messages.refuse_beside(x)
    return False


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
