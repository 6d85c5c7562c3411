"""The steps of one data point: numbers, where those of many are rows."""

cdef struct Totals:
    double* value  # the first sum
    double* slopes  # the others
    double* check  # what is not 0 where one that a point gives is inf or nan


cdef int _run_point(
    _Loaded plan, const double* inputs, const double* parameters, Totals totals
) except -1:
    cdef _Space space = _free_space(plan)
    if plan.work < SHORT:
        _point(plan, space, inputs, parameters, totals)
    else:
        with nogil:
            _point(plan, space, inputs, parameters, totals)
    return _give_back(plan, space)


cdef int _point(
    _Loaded plan, _Space space, const double* inputs, const double* parameters, Totals totals
) except -1 nogil:
    cdef double* numbers = space.scalars
    cdef Py_ssize_t i
    _take_parameters(plan, space, parameters)
    memcpy(numbers + plan.n_scalars, inputs, plan.n_inputs * 8)
    if plan.n_sums and not plan.once_each:
        memset(totals.slopes, 0, (plan.n_sums - 1) * 8)
    _steps_of_a_point(plan, space, 0, plan.n_once + plan.n_each, totals)
    for i in range(plan.n_outputs):
        totals.slopes[i] = numbers[plan.outputs[i]]
    return 0


cdef int _steps_of_a_point(
    _Loaded plan, _Space space, Py_ssize_t first, Py_ssize_t last, Totals totals
) except -1 nogil:
    cdef double* numbers = space.scalars
    cdef Step* step
    cdef int* operands
    cdef int i
    cdef Py_ssize_t at
    for at in range(first, last):
        step = plan.steps + at
        operands = step.operands
        if step.kind == ACTIVATION:
            step.activation(
                numbers + step.results[0], numbers + step.results[1],
                numbers + operands[0], step.width,
            )
        elif step.kind == PRODUCT:
            _product_of_a_point(plan, space, step)
        elif step.kind == SUMS:
            _sums_of_a_point(plan, space, step, totals)
        elif step.kind == SUM:
            if step.n_operands == 1:
                _give(plan, totals, step.results[0], numbers[operands[0]])
            for i in range(step.n_operands - 1):
                _give(
                    plan, totals, step.results[i],
                    numbers[operands[0]] * numbers[operands[i + 1]],
                )
        elif step.kind == GATHER:
            for i in range(step.width):
                numbers[step.results[0] + i] = numbers[operands[i]]
        elif step.kind == ROW:
            step.loop(
                numbers + step.results[0], _neighbours(space, step, 0),
                _neighbours(space, step, step.n_operands - 1), step.parameters, step.width,
            )
        elif step.kind == PAIR:
            step.pair(
                numbers + step.results[0], numbers + step.results[1],
                _neighbours(space, step, 0), step.width,
            )
        elif step.kind == DOT:
            for i in range(step.width):
                numbers[step.results[0] + i] = point_dot(
                    numbers, _operands_of_a_unit(space, step, i), step.n_operands
                )
        else:
            _each_of_a_point(plan, space, step)
    return 0


cdef inline const double* _neighbours(_Space space, Step* step, int which) noexcept nogil:
    """An operand of a Map of numbers, copied where they are not neighbours."""
    cdef double* numbers = space.scalars + step.operands[which]
    cdef double* copied
    cdef int i
    if step.width == 1 or step.strides[which] == 1:
        return numbers
    copied = space.room + (step.width if which else 0)
    for i in range(step.width):
        copied[i] = numbers[i * step.strides[which]]
    return copied


cdef int _each_of_a_point(_Loaded plan, _Space space, Step* step) except -1 nogil:
    cdef int unit, i
    cdef int* operands
    for unit in range(step.width):
        operands = _operands_of_a_unit(space, step, unit)
        for i in range(step.n_operands):
            space.products[i] = space.scalars[operands[i]]
        _each(plan, step, space.scalars + step.results[0] + unit, space.products)
    return 0


cdef void _product_of_a_point(_Loaded plan, _Space space, Step* step) noexcept nogil:
    cdef Matrix matrix
    _take_matrix(&matrix, space, step)
    plan.level.point_product(
        space.scalars + step.results[0], &matrix, space.scalars + step.operands[1]
    )


cdef inline void _give(_Loaded plan, Totals totals, int which, double number) noexcept nogil:
    """A result of a single point; it is added to where several steps sum the same."""
    cdef double* total = totals.slopes + (which - 1) if which else totals.value
    total[0] = (0.0 if plan.once_each else total[0]) + number  # a sum: never -0
    totals.check[0] += number * 0.0


cdef void _sums_of_a_point(
    _Loaded plan, _Space space, Step* step, Totals totals
) noexcept nogil:
    cdef const double* shared = space.scalars + step.operands[0]
    cdef const double* factors = space.scalars + step.operands[1]
    cdef int j, k
    if plan.once_each and step.apart:
        totals.check[0] += plan.level.point_outer(
            totals.slopes + (step.results[0] - 1), step.apart, step.width, step.depth,
            step.biases, shared, factors,
        )
        return
    for j in range(step.width):
        if step.biases:
            _give(plan, totals, step.results[j * step.depth] + step.depth, shared[j])
        if step.depth == 0:
            _give(plan, totals, step.results[j], shared[j])
        for k in range(step.depth):
            _give(plan, totals, step.results[j * step.depth + k], shared[j] * factors[k])


cdef int _each(_Loaded plan, Step* step, double* result, double* operands) except -1 nogil:
    if step.each == NULL or not step.each(result, operands, step.n_operands, step.parameters):
        _by_the_table(plan, step, result, operands)
    return 0


cdef int _by_the_table(
    _Loaded plan, Step* step, double* result, double* operands
) except -1 with gil:
    function, parameters = plan.functions[step.function]
    result[0] = function.value(*[operands[i] for i in range(step.n_operands)], *parameters)
    return 0
