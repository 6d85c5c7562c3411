"""Derivatives as functions: grad, jvp, vjp, Jacobians, Hessians, and any composition of them.

Each transform records one call of a function on fresh inputs and sweeps the chain rule over the
graph (chain_rule.py). Inside another transform, or on Values, the result is again a graph of
Values, and so can be differentiated again. The calling conventions are JAX's.

Recording: a transform differentiates also where the caller is under ``no_grad``, but its
results are then not recorded; what f itself computes under ``no_grad`` is a constant to it.

A result that was not computed from what it is differentiated by is said in a UserWarning.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from typing import Any

from .. import modes
from ..engine import Value, engine_kind, fsum
from ..messages import refuse_no_list
from ..numeric import Number, show, to_float
from .chain_rule import Sweeps, data_of
from .nested import Structure, flatten, nest, rebuild
from .recorded_call import (
    Argnums,
    Call,
    arguments_of,
    check_function,
    matching,
    positions_of,
    record_call,
    takes,
)
from .through_softmax import TO_LOWER

gradient_graph: Callable[..., list[Value] | None] | None = None
if engine_kind() == "compiled":  # the same nodes by a faster way; None if something is unusual
    from .._engine import gradient_graph  # type: ignore[no-redef]


def gradient(output: Value, inputs: Sequence[Value]) -> list[Value]:
    """d output / d input for each input, as Values: the backward pass, recorded as a graph.

    A node's adjoint is one ``dot`` of its consumers' local derivatives and adjoints: the
    backpropagation formula. (Where a factor is the number 1 no dot is needed.) To be taken
    again for the next order. No grad is written, and ``no_grad`` does not matter.

    Args:
        output: a Value.
        inputs: Values, leaves or not.

    Returns:
        One Value an input; a constant 0.0 where output does not depend on it.

    Raises:
        TypeError: output or an input is no Value.
        ValueError: the data of a node was changed after the forward pass.
        ZeroDivisionError: an adjoint reaches an infinite local derivative, as for ``backward``.
        OverflowError: an adjoint is beyond the largest float.

    >>> x = Value(2.0)
    >>> (dx,) = gradient(x**4, [x])
    >>> (dxx,) = gradient(dx, [x])
    >>> dx.data, dxx.data
    (32.0, 48.0)
    """
    if isinstance(inputs, Value):
        raise TypeError(f"the inputs of gradient are a list of Values: [x], not {show(inputs)}")
    if isinstance(output, (list, tuple)):
        raise TypeError(
            f"gradient differentiates one Value, not {show(output)}: take the gradient of each, or"
            " jacobian(f) of a function"
        )
    refuse_no_list("gradient", inputs, "Values to differentiate by")
    for value in (output, *inputs):
        if not isinstance(value, Value):
            raise TypeError(f"gradient differentiates a Value by Values, not {show(value)}")
    return recorded_gradient(output, inputs)


def recorded_gradient(
    output: Value, inputs: Sequence[Value], to_lower: bool = False
) -> list[Value]:
    """As ``gradient``, of Values.

    Args:
        output, inputs: as there.
        to_lower: whether the graph is known to be unchanged, and the gradient is to be lowered
            only; then what comes back through a softmax or a logsumexp is as through_softmax.py
            has it.
    """
    if not modes.current.get().recording:
        with modes.changed(recording=True):
            return recorded_gradient(output, inputs, to_lower)
    if gradient_graph is not None:
        with suppress(ArithmeticError, ValueError):  # the sweeps explain, if they cannot help it
            found = gradient_graph(output, list(inputs), TO_LOWER if to_lower else None)
            if found is not None:
                return found
    sweeps = Sweeps([output], inputs, as_graph=True, to_lower=to_lower)
    adjoints = sweeps.back({output: 1.0})
    return sweeps.as_nodes([adjoints.get(x, 0.0) for x in inputs])


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a function, as a function of the same arguments.

    Args:
        f: from Values, in the place of the numbers it is called with, to a number.
        argnums: which argument to differentiate by, or several. An argument is a number, or a
            list, tuple, dict or NumPy array of numbers, nested as you like.

    Returns:
        A function that gives the gradient in the shape of the argument, or a tuple of them for
        several: floats; Values where an argument of the call has Values in it, or f uses one
        that an enclosing transform differentiates by.

    Raises:
        TypeError: argnums is no integer. The function itself raises one where f does not
            return a number or an argument holds something else than numbers; and as
            ``gradient`` does.
        ValueError: argnums names an argument twice.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda p: p["w"][0] * p["w"][1] + p["b"])({"w": [2.0, 3.0], "b": 1.0})
    {'w': [3.0, 2.0], 'b': 1.0}
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, outside: Number | None = None
) -> Callable[..., Any]:
    """A function that gives f's value and its gradient, from one call of f.

    Fits ``scipy.optimize.minimize(value_and_grad(f), x0, jac=True)``.

    Args:
        f, argnums: as for ``grad``.
        outside: the value where f or its gradient is not finite, as beyond the edge of a domain,
            instead of an error; the gradient is then 0. So a line search that leaves the domain
            goes back and on: ``inf`` suits BFGS, CG, Newton-CG and trust-constr of scipy, while
            L-BFGS-B needs a finite number above all values of f, such as 1e10.

    Returns:
        A function that gives the pair (value, gradient).

    Raises:
        TypeError: as for ``grad``, or outside is no number.

    >>> value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (6.0, (3.0, 2.0))
    >>> barrier = value_and_grad(lambda x: x - x.log(), outside=float("inf"))
    >>> barrier(2.0), barrier(-2.0)
    ((1.3068528194400546, 0.5), (inf, 0.0))
    """
    check_function(f)
    positions, single = positions_of(argnums)
    if outside is not None:
        outside = to_float(outside)

    def of(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = record_call(f, args, positions, kwargs)
        output = call.single_output()
        if call.attached:
            slopes = call.results(gradient(output, call.inputs))
        else:
            slopes = call.back([output], [1.0])
        call.warn_if_independent(slopes)
        value = call.value
        if outside is not None and not all(map(isfinite, map(data_of, (value, *slopes)))):
            value, slopes = outside, [0.0] * len(slopes)
        gradients = rebuild(call.primals, slopes)
        return value, gradients[0] if single else gradients

    return of if outside is None else modes.allow_nonfinite()(of)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: f at the primals, and its derivative in the direction of the tangents.

    The Jacobian times a vector, from one forward sweep over the recorded local derivatives.

    Args:
        f: from Values to a number, or a list, tuple, dict or array of numbers.
        primals: the arguments of f, one entry an argument.
        tangents: the direction, in the shape of the primals.

    Returns:
        The pair (value, tangent), each in the shape of what f returns; floats, or Values as for
        ``grad`` (also where a tangent is a Value).

    Raises:
        TypeError: primals and tangents do not match, or hold something else than numbers, or f
            returns something else.
        ZeroDivisionError: a tangent reaches an infinite local derivative, as for ``backward``.
        OverflowError: a tangent is beyond the largest float.

    >>> jvp(lambda x, y: [x * y, x + y], (2.0, 3.0), (1.0, 10.0))
    ([6.0, 5.0], [23.0, 11.0])
    """
    primals, tangents = arguments_of("primals", primals), arguments_of("tangents", tangents)
    call = _call_along(f, primals, tangents)
    slopes = call.forward(call.inputs, call.directions)
    call.warn_if_independent(slopes)
    return call.value, rebuild(call.output, slopes)


def _call_along(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Call:
    check_function(f)
    try:
        return record_call(f, primals, tangents=tangents)
    except TypeError as error:
        if isinstance(primals, list) and not takes(f, primals):
            raise TypeError(
                f"{error} (each entry of primals and tangents is one argument of f: of a single"
                " argument w they are (w,) and (v,))"
            ) from error
        raise


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: f at the primals, and the function that pulls a cotangent back.

    Args:
        f: from Values to a number, or a list, tuple, dict or array of numbers.
        primals: the arguments of f.

    Returns:
        The pair (value, pullback): pullback(cotangent), a vector in the shape of the value,
        times the Jacobian: a tuple with one entry an argument. Each call is one reverse sweep
        over the same graph.

    Raises:
        TypeError: as for ``jvp``; pullback raises what ``gradient`` does.

    >>> value, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> pullback([1.0, 0.0]), pullback([0.0, 1.0])
    ((3.0, 2.0), (1.0, 1.0))
    """
    check_function(f)
    recorded = record_call(f, primals)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        *_, outline = flatten(recorded.output)
        weights = matching("cotangent", cotangent, recorded.output, outline)
        slopes = recorded.attached_to(weights).back(recorded.outputs, weights)
        recorded.warn_if_independent(slopes)
        pulled: tuple[Any, ...] = rebuild(recorded.primals, slopes)
        return pulled

    return recorded.value, pullback


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, mode: str | None = None
) -> Callable[..., Any]:
    """The Jacobian matrix of a function, as a function of the same arguments.

    Fits ``scipy.optimize.least_squares(f, x0, jac=jacobian(f))``.

    Args:
        f: from Values to a number, or a list, tuple, dict or array of numbers.
        argnums: as for ``grad``.
        mode: "forward", one sweep an input; "reverse", one an output; whichever needs fewer
            sweeps unless given.

    Returns:
        A function that gives, in the shape of f's result, for each output its derivatives in
        the shape of the argument: dy_k/dx_i is J[k][i]. Of arrays it gives an array.

    Raises:
        ValueError: no mode is called so.
        TypeError, ValueError: as for ``grad``.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1], 5.0])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0], [0.0, 0.0]]
    """
    check_function(f)
    positions, single = positions_of(argnums)
    if mode not in (None, "forward", "reverse"):
        raise ValueError(f'the mode of a Jacobian is "forward", "reverse" or None, not {mode!r}')
    return lambda *args, **kwargs: _matrix(record_call(f, args, positions, kwargs), single, mode)


def _matrix(call: Call, single: bool, mode: str | None) -> Structure:
    """The Jacobian of a recorded call, column by column or row by row."""
    xs, ys = call.inputs, call.outputs
    if mode == "forward" or (mode is None and len(xs) <= len(ys)):
        columns = [call.forward([x], [1.0]) for x in xs]
        matrix = [[column[k] for column in columns] for k in range(len(ys))]
    else:
        matrix = [call.back([y], [1.0]) for y in ys]
    call.warn_if_independent(slope for row in matrix for slope in row)
    rows = [rebuild(call.primals, row) for row in matrix]
    return nest(call.output, [row[0] for row in rows] if single else rows)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The matrix of second derivatives of a function, as a function of the same arguments.

    The Jacobian, in forward mode, of the gradient, in reverse mode.

    Args:
        f, argnums: as for ``grad``.

    Returns:
        A function that gives d2f / dx_i dx_j as H[i][j], twice in the shape of the argument.

    Raises:
        TypeError: as for ``grad``.

    >>> hessian(lambda x: x[0]**2 * x[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    check_function(f)
    positions, single = positions_of(argnums)
    return lambda *args, **kwargs: _matrix(
        _gradient_call(record_call(f, args, positions, kwargs), single), single, "forward"
    )


def _gradient_call(call: Call, single: bool) -> Call:
    """A call of the gradient, made of a call of the function."""
    output = call.primals[0] if single else call.primals
    slopes = gradient(call.single_output(), call.inputs)
    call.warn_if_independent(slopes)
    return replace(call, output=output, outputs=slopes, differentiated=True)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian times a vector, at a small multiple of the gradient's cost for any size.

    Forward over reverse (Pearlmutter, Fast exact multiplication by the Hessian, 1994).

    Args:
        f: from Values to a number.
        primals: the arguments of f, one entry an argument.
        tangents: the vector, in the shape of the primals.

    Returns:
        The product in the shape of the argument; a tuple with one entry an argument where f
        has several.

    Raises:
        TypeError and others: as for ``jvp`` and ``grad``.

    >>> hvp(lambda x: x[0]**2 * x[1], ([2.0, 3.0],), ([1.0, 0.0],))
    [6.0, 4.0]
    """
    primals, tangents = arguments_of("primals", primals), arguments_of("tangents", tangents)
    call = _call_along(f, primals, tangents)
    slopes = _gradient_call(call, single=len(primals) == 1)
    return rebuild(slopes.output, slopes.forward(slopes.inputs, slopes.directions))


def laplacian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The sum of the second derivatives by each input: the trace of the Hessian, as a function.

    Args:
        f: from Values to a number. It is differentiated by all its arguments.

    Returns:
        A function of the same arguments that gives sum_i d2f / dx_i^2.

    Raises:
        TypeError and others: as for ``grad``.

    >>> laplacian(lambda x, y: x**2 * y + y**3)(2.0, 3.0)
    24.0
    """
    check_function(f)

    def of(*args: Any) -> Any:
        call = _gradient_call(record_call(f, args), single=False)
        return fsum([call.forward([x], [1.0])[i] for i, x in enumerate(call.inputs)])

    return of
