"""The steps of a block of data points: each number is a row, with one for each of them."""


cdef void _load(_Loaded plan, _Space space, const double* inputs, Py_ssize_t n) noexcept nogil:
    """The inputs of a block, as rows; padded with the last point."""
    cdef Py_ssize_t i, k
    cdef double* row = space.rows
    for k in range(plan.n_inputs):
        for i in range(n):
            row[i] = inputs[i * plan.n_inputs + k]
        for i in range(n, space.points):
            row[i] = inputs[(n - 1) * plan.n_inputs + k]
        row += space.points


cdef void _store(_Loaded plan, _Space space, double* outputs, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef int place
    for k in range(plan.n_outputs):
        place = plan.outputs[k]
        for i in range(n):
            outputs[i * plan.n_outputs + k] = (
                space.scalars[place] if place < plan.n_scalars else _row(plan, space, place)[i]
            )


cdef inline double* _row(_Loaded plan, _Space space, int place) noexcept nogil:
    return space.rows + (place - plan.n_scalars) * space.points


cdef const double* _as_row(_Loaded plan, _Space space, int place, int which) noexcept nogil:
    """An operand as a row: a scalar is broadcast."""
    cdef double* row
    cdef Py_ssize_t i
    if place >= plan.n_scalars:
        return _row(plan, space, place)
    row = space.broadcast + which * plan.block
    for i in range(space.points):
        row[i] = space.scalars[place]
    return row


cdef bint _in_one_go(_Loaded plan, Step* step) noexcept nogil:
    """Whether the operands of all units are rows in the order of the results."""
    cdef int i
    for i in range(step.n_operands):
        if step.operands[i] < plan.n_scalars or step.width > 1 and step.strides[i] != 1:
            return False
    return True


cdef int _steps_of_a_block(_Loaded plan, _Space space, int n) except -1 nogil:
    cdef Step* step
    cdef int* operands
    cdef const double* x
    cdef int i
    cdef int points = <int>space.points  # no more than a block has
    cdef Py_ssize_t at
    for at in range(plan.n_once, plan.n_once + plan.n_each):
        step = plan.steps + at
        operands = step.operands
        if step.kind == PRODUCT:
            _product(plan, space, step)
        elif step.kind == SUMS:
            _sums(plan, space, step, n)
        elif step.kind == SUM:
            _sum(plan, space, step, n)
        elif step.kind == ACTIVATION:
            step.activation(
                _row(plan, space, step.results[0]), _row(plan, space, step.results[1]),
                _row(plan, space, operands[0]), step.width * points,
            )
        elif step.kind == GATHER:
            for i in range(step.width):
                memcpy(
                    _row(plan, space, step.results[0] + i),
                    _as_row(plan, space, operands[i], 0), points * 8,
                )
        elif step.kind == PAIR and _in_one_go(plan, step):
            step.pair(
                _row(plan, space, step.results[0]), _row(plan, space, step.results[1]),
                _row(plan, space, operands[0]), step.width * points,
            )
        elif step.kind == ROW and _in_one_go(plan, step):
            step.loop(
                _row(plan, space, step.results[0]), _row(plan, space, operands[0]),
                _row(plan, space, operands[step.n_operands - 1]), step.parameters,
                step.width * points,
            )
        else:
            for i in range(step.width):
                operands = _operands_of_a_unit(space, step, i)
                if step.kind == DOT:
                    _dot(plan, space, operands, step.n_operands, step.results[0] + i)
                elif step.kind == EACH:
                    _each_of_a_row(plan, space, step, operands, step.results[0] + i)
                elif step.kind == PAIR:
                    step.pair(
                        _row(plan, space, step.results[0] + i),
                        _row(plan, space, step.results[1] + i),
                        _row(plan, space, operands[0]), points,
                    )
                else:
                    x = _as_row(plan, space, operands[0], 0)
                    step.loop(
                        _row(plan, space, step.results[0] + i), x,
                        x if step.n_operands == 1 else _as_row(plan, space, operands[1], 1),
                        step.parameters, points,
                    )
    return 0


cdef int _each_of_a_row(
    _Loaded plan, _Space space, Step* step, int* operands, int result
) except -1 nogil:
    cdef double* row = _row(plan, space, result)
    cdef double[8] found  # LANES
    cdef Py_ssize_t first = 0, i
    cdef int left = -1, k
    cdef bint in_lanes = step.lanes != NULL
    for k in range(step.n_operands):
        in_lanes = in_lanes and operands[k] >= plan.n_scalars
        space.factors[k] = _row(plan, space, operands[k])
    while first < space.points:
        if in_lanes:
            left = step.lanes(found, space.factors, first, step.n_operands)
        for i in range(first, min(first + LANES, space.points)):
            if left >> (i - first) & 1:
                for k in range(step.n_operands):
                    space.products[k] = (
                        space.scalars[operands[k]] if operands[k] < plan.n_scalars
                        else _row(plan, space, operands[k])[i]
                    )
                _each(plan, step, found + (i - first), space.products)
        memcpy(row + first, found, min(LANES, space.points - first) * 8)
        first += LANES
    return 0


cdef void _product(_Loaded plan, _Space space, Step* step) noexcept nogil:
    """A layer of all data points of a block."""
    cdef Matrix matrix
    cdef int j, k, n_operands = 2 * step.depth + (step.operands[2] >= 0)
    cdef int* operands = space.unit
    if plan._goes_by_unit(step):
        for j in range(step.width):
            for k in range(step.depth):
                operands[k] = step.operands[0] + j * step.strides[0] + k * step.strides[1]
                operands[step.depth + k] = step.operands[1] + k
            operands[2 * step.depth] = step.operands[2] + j * step.strides[2]
            _dot(plan, space, operands, n_operands, step.results[0] + j)
        return
    _take_matrix(&matrix, space, step)
    if step.operands[2] >= plan.n_scalars:
        matrix.bias, matrix.bias_varies = _row(plan, space, step.operands[2]), True
        matrix.bias_down *= space.points
    plan.level.product(
        _row(plan, space, step.results[0]), &matrix, _row(plan, space, step.operands[1]),
        space.points,
    )


cdef void _dot(
    _Loaded plan, _Space space, int* operands, int n_operands, int result
) noexcept nogil:
    cdef int i, w, x, n_terms = n_operands // 2, bias
    cdef Term* term
    for i in range(n_terms):
        w, x = operands[i], operands[n_terms + i]
        if x < plan.n_scalars:
            w, x = x, w
        term = space.terms + i
        term.weight_varies = w >= plan.n_scalars
        if x < plan.n_scalars:
            space.products[i] = space.scalars[w] * space.scalars[x]
            term.weight = space.products + i
            term.factor = space.broadcast + 2 * plan.block
        else:
            term.factor = _row(plan, space, x)
            term.weight = _row(plan, space, w) if term.weight_varies else space.scalars + w
    cdef const double* start = NULL
    bias = operands[2 * n_terms] if n_operands % 2 else -1
    if bias >= 0:
        start = _row(plan, space, bias) if bias >= plan.n_scalars else space.scalars + bias
    plan.level.dot(
        _row(plan, space, result), space.terms, n_terms, start, bias >= plan.n_scalars,
        <int>space.points,
    )


cdef void _sum(_Loaded plan, _Space space, Step* step, int n) noexcept nogil:
    cdef int i, shared = step.operands[0], factor
    cdef double* lanes = space.lanes + step.sums * LANES
    if step.n_operands == 1:
        if shared < plan.n_scalars:
            lanes[0] += n * space.scalars[shared]
        else:
            add_numbers(lanes, _row(plan, space, shared), 1.0, n)
    for i in range(step.n_operands - 1):
        factor = step.operands[i + 1]
        if factor < plan.n_scalars:
            add_numbers(lanes, _row(plan, space, shared), space.scalars[factor], n)
        else:
            add_products(lanes, _row(plan, space, shared), _row(plan, space, factor), n)
        lanes += LANES


cdef void _sums(_Loaded plan, _Space space, Step* step, int n) noexcept nogil:
    cdef int i, j, k, shared = step.operands[0], factors = step.operands[1]
    cdef double factor
    cdef Py_ssize_t columns = step.depth + step.biases
    cdef double* sums = space.sums + step.sums
    if step.apart and space.slopes != NULL:
        sums, columns = space.slopes + (step.results[0] - 1), step.apart
    if shared < plan.n_scalars:
        for j in range(step.width):
            sums[j] += n * space.scalars[shared + j]
    elif step.depth == 0:
        plan.level.add_rows(sums, 1, step.width, _row(plan, space, shared), space.points, n)
    elif factors >= plan.n_scalars:
        plan.level.add_outer(
            sums, columns, step.width, step.depth, step.biases, _row(plan, space, shared),
            _row(plan, space, factors), space.points, n, space.room,
        )
    else:
        memset(space.room, 0, step.width * 8)
        plan.level.add_rows(space.room, 1, step.width, _row(plan, space, shared), space.points, n)
        for j in range(step.width):
            for k in range(step.depth):
                factor = space.scalars[factors + k]
                if isfinite(factor):
                    sums[j * columns + k] += space.room[j] * factor
                else:  # each product is inf or nan
                    for i in range(n):
                        sums[j * columns + k] += _row(plan, space, shared + j)[i] * factor
            if step.biases:
                sums[j * columns + step.depth] += space.room[j]


cdef void _add_up(_Loaded plan, _Space space, Totals totals) noexcept nogil:
    """Add the sums of a part to those of all."""
    cdef Py_ssize_t at
    cdef Step* step
    cdef int i, j, l, columns
    cdef double* total
    cdef double sum_of_lanes
    for at in range(plan.n_once, plan.n_once + plan.n_each):
        step = plan.steps + at
        if step.kind == SUMS and step.apart:
            if space.slopes != NULL:
                continue
            columns = step.depth + step.biases
            for j in range(step.width):
                total = totals.slopes + (step.results[0] - 1) + j * step.apart
                for i in range(columns):
                    total[i] += space.sums[step.sums + j * columns + i]
        elif step.kind == SUMS or step.kind == SUM:
            for i in range(step.n_results):
                total = totals.slopes + (step.results[i] - 1) if step.results[i] else totals.value
                if step.kind == SUMS:
                    total[0] += space.sums[step.sums + i]
                    continue
                sum_of_lanes = 0.0
                for l in range(LANES):
                    sum_of_lanes += space.lanes[(step.sums + i) * LANES + l]
                total[0] += sum_of_lanes
