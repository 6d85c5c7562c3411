# The operations: any entry of the table by its Python, and the common ones in C, each formula that
# of the table in functions/, to the bit. Included by _engine.pyx.


cdef double SMALLEST_NORMAL = 2.2250738585072014e-308

cdef object ADD = functions.add, SUB = functions.sub, MUL = functions.mul, DIV = functions.div
cdef object ADD_OPERATION = functions.add.operation, SUB_OPERATION = functions.sub.operation
cdef object MUL_OPERATION = functions.mul.operation, DIV_OPERATION = functions.div.operation
cdef object POWER = functions.constant_power
cdef dict _power_operations = {}


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
