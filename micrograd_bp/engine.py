"""A Value is a number that remembers how it was made; backward() asks it for derivatives.

Each operation records its parents and the local derivative with respect to each, as numbers,
when it runs. backward() sorts the graph topologically and takes the chain rule from the output
back, node by node: adjoint[parent] += local_derivative * adjoint[node] (reverse accumulation:
Linnainmaa 1970; error backpropagation: Rumelhart, Hinton & Williams 1986; Bishop & Bishop,
Deep Learning, 2024, section 8.1). In the terms of a network the adjoint of a pre-activation
a_j is the error delta_j.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from operator import index
from types import MemberDescriptorType
from typing import Any

from . import functions, messages, modes, poles, twins
from .functions import Function, Operation
from .methods import ElementaryMethods
from .modes import allow_nonfinite, no_grad, scope
from .numeric import Number, as_text, is_number, show, to_float

__all__ = [
    "Value",
    "allow_nonfinite",
    "apply",
    "dot",
    "engine_kind",
    "fsum",
    "no_grad",
    "order_of",
    "record",
    "scope",
    "sweep",
    "topological_order",
    "unit",
]


class Value(ElementaryMethods):
    """A number in a computation graph.

    Args:
        data: the number: int, float, bool, Fraction, Decimal or a real NumPy scalar.
        label: a name for pictures and messages.
        _op: what micrograd's own operations pass; not here, see ``function``.

    Raises:
        TypeError: data is anything else, label is no string, or there is an _op.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> x.grad
    6.0
    """

    __slots__ = (
        "__dict__",  # attributes of the user's own
        "__weakref__",
        "_data",
        "_grad",  # None until a backward pass reaches the node
        "_is_compared",  # not there until it is
        "_is_origin",  # likewise
        "_label",
        "_local_derivatives",
        "_operation",
        "_parents",
        "_scope",
    )

    def __init__(self, data: Number, label: str = "", _op: object = None) -> None:
        is_plain = type(label) is str and _op is None
        self._label = label if is_plain else messages.text_of_label(label, _op)
        self._data: float = data if type(data) is float else to_float(data)
        self._grad: float | None = None
        self._parents: tuple[Value, ...] = ()
        self._local_derivatives: tuple[float, ...] = ()
        self._operation: Operation | None = None
        self._scope: str = modes.current.get().scope

    @property
    def data(self) -> float:
        """The number. Writing it does not change what was computed from it before."""
        return self._data

    @data.setter
    def data(self, number: Number) -> None:
        self._data = to_float(number)

    @property
    def grad(self) -> float:
        """What the backward passes have added up here: d(root)/d(self). 0.0 at the start."""
        return self._grad or 0.0

    @grad.setter
    def grad(self, number: Number) -> None:
        self._grad = to_float(number) or None

    @property
    def has_grad(self) -> bool:
        """Whether a backward pass has reached this node since its grad was last set to 0."""
        return self._grad is not None

    @property
    def parents(self) -> "tuple[Value, ...]":
        """The operands, in order, a repeated operand repeated; () for a leaf."""
        return self._parents

    @property
    def local_derivatives(self) -> tuple[float, ...]:
        """The derivative with respect to each parent, as it was when the operation ran."""
        return self._local_derivatives

    @property
    def operation(self) -> Operation | None:
        """What made this node (``.name``, ``.symbol``, ``.parameters``); None for a leaf."""
        return self._operation

    @property
    def label(self) -> str:
        """A name for pictures and messages."""
        return self._label

    @label.setter
    def label(self, label: str) -> None:
        self._label = label if type(label) is str else as_text("label", label)

    @property
    def scope(self) -> str:
        """A path such as "layer1/neuron3"."""
        return self._scope

    @scope.setter
    def scope(self, scope: str) -> None:
        self._scope = scope if type(scope) is str else as_text("scope", scope)

    def backward(self, seed: float = 1.0) -> None:
        """Add seed * d(self)/d(node) to the grad of every node that self was computed from.

        Exactly that, whatever ran before: a second call doubles, several roots add up. All or
        nothing: when it raises, no grad has changed.

        Args:
            seed: the adjoint of self itself.

        Raises:
            TypeError: seed is no number.
            ZeroDivisionError: an adjoint reaches an infinite local derivative, be it one that
                only at this point is 0. A branch that was not taken, or a factor that is a
                constant 0, contributes nothing, whatever lies behind it.
            OverflowError: a gradient is beyond the largest float.

        >>> x = Value(2.0)
        >>> y = (x ** 3).tanh()
        >>> y.backward(seed=10.0)
        >>> f"{x.grad:.5e}"
        '5.40169e-05'
        """
        order = topological_order(self)
        adjoints = _adjoints(order, to_float(seed))
        with _grad_lock:
            totals = [(node._grad or 0.0) + adjoint for node, adjoint in zip(order, adjoints)]
            if not all(map(isfinite, totals)):
                messages.refuse_nonfinite_grad(order, adjoints, totals)
            deque(map(_set_grad, order, totals), 0)  # in C: an interrupt finds all set, or none

    def detach(self) -> "Value":
        """A new leaf with the same data and label: no gradient flows through it.

        >>> x = Value(3.0)
        >>> y = x * x.detach()
        >>> y.backward()
        >>> x.grad
        3.0
        """
        return Value(self._data, self.label)

    # Operators

    def __add__(self, other: Any) -> "Value":
        return record(functions.add, (self, other)) if _is_operand(other) else NotImplemented

    def __radd__(self, other: Any) -> "Value":
        return record(functions.add, (other, self)) if _is_operand(other) else NotImplemented

    def __sub__(self, other: Any) -> "Value":
        return record(functions.sub, (self, other)) if _is_operand(other) else NotImplemented

    def __rsub__(self, other: Any) -> "Value":
        return record(functions.sub, (other, self)) if _is_operand(other) else NotImplemented

    def __mul__(self, other: Any) -> "Value":
        return record(functions.mul, (self, other)) if _is_operand(other) else NotImplemented

    def __rmul__(self, other: Any) -> "Value":
        return record(functions.mul, (other, self)) if _is_operand(other) else NotImplemented

    def __truediv__(self, other: Any) -> "Value":
        return record(functions.div, (self, other)) if _is_operand(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> "Value":
        return record(functions.div, (other, self)) if _is_operand(other) else NotImplemented

    def __pow__(self, exponent: Any) -> "Value":
        if isinstance(exponent, Value):
            return record(functions.pow, (self, exponent))
        if _is_operand(exponent):  # a number: a parameter of the operation, not an operand
            return record(functions.constant_power, (self,), (to_float(exponent),))
        return NotImplemented

    def __rpow__(self, base: Any) -> "Value":
        return record(functions.pow, (base, self)) if _is_operand(base) else NotImplemented

    def __matmul__(self, other: Any) -> Any:
        messages.refuse_matrix_product(other)
        return NotImplemented

    __rmatmul__ = __matmul__

    def __floordiv__(self, other: Any) -> "Value":
        return record(functions.floordiv, (self, other)) if _is_operand(other) else NotImplemented

    def __rfloordiv__(self, other: Any) -> "Value":
        return record(functions.floordiv, (other, self)) if _is_operand(other) else NotImplemented

    def __mod__(self, other: Any) -> "Value":
        return record(functions.mod, (self, other)) if _is_operand(other) else NotImplemented

    def __rmod__(self, other: Any) -> "Value":
        return record(functions.mod, (other, self)) if _is_operand(other) else NotImplemented

    def __divmod__(self, other: Any) -> "tuple[Value, Value]":
        return (self // other, self % other) if _is_operand(other) else NotImplemented

    def __rdivmod__(self, other: Any) -> "tuple[Value, Value]":
        return (other // self, other % self) if _is_operand(other) else NotImplemented

    def __neg__(self) -> "Value":
        return record(functions.neg, (self,))

    def __pos__(self) -> "Value":
        return self

    def __abs__(self) -> "Value":
        return record(functions.abs, (self,))

    def __floor__(self) -> "Value":
        return record(functions.floor, (self,))

    def __ceil__(self) -> "Value":
        return record(functions.ceil, (self,))

    def __trunc__(self) -> "Value":
        return record(functions.trunc, (self,))

    def __round__(self, digits: int | None = None) -> "Value":
        return record(functions.round, (self,), (float(0 if digits is None else index(digits)),))

    # Comparisons are of data; == and hash stay those of identity.

    def __lt__(self, other: Any) -> bool:
        return self._data < _compared(self, other) if _is_operand(other) else NotImplemented

    def __le__(self, other: Any) -> bool:
        return self._data <= _compared(self, other) if _is_operand(other) else NotImplemented

    def __gt__(self, other: Any) -> bool:
        return self._data > _compared(self, other) if _is_operand(other) else NotImplemented

    def __ge__(self, other: Any) -> bool:
        return self._data >= _compared(self, other) if _is_operand(other) else NotImplemented

    def __bool__(self) -> bool:
        _note_comparison(self)
        return self._data != 0.0

    @property
    def _was_compared(self) -> bool:
        """Whether Python may have chosen a branch by this node: a Program would not see that."""
        return getattr(self, "_is_compared", False)

    @_was_compared.setter
    def _was_compared(self, is_so: bool) -> None:
        self._is_compared = is_so

    @property
    def _led_to_comparison(self) -> bool:
        """Whether Python may have chosen a branch by something computed from this node."""
        return getattr(self, "_is_origin", False)

    @_led_to_comparison.setter
    def _led_to_comparison(self, is_so: bool) -> None:
        self._is_origin = is_so

    # Text, and what would lose the graph

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        operation = f", operation={self._operation.name!r}" if self._operation else ""
        return f"Value(data={self._data}, grad={self.grad}{label}{operation})"

    def _repr_latex_(self) -> str:
        from .text.latex import short_latex  # a notebook alone asks for it

        return short_latex(self)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __float__(self) -> Any:
        messages.refuse_float(self)

    __int__ = __float__
    __complex__ = __float__

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_leaf(self)

    # For programs that were written for micrograd

    @property
    def _prev(self) -> "tuple[Value, ...]":
        return tuple(dict.fromkeys(self._parents))

    @property
    def _op(self) -> str:
        return self._operation.symbol if self._operation and self._parents else ""

    @property
    def _backward(self) -> Any:
        messages.refuse_closure(AttributeError)

    @_backward.setter
    def _backward(self, closure: object) -> None:
        messages.refuse_closure(TypeError)

    # What the table of functions calls when its operands are Values

    @staticmethod
    def _record(
        function: Function, operands: Sequence[Any], parameters: tuple[float, ...] = ()
    ) -> "Value":
        return record(function, operands, parameters)


_set_grad: Any = vars(Value)["_grad"].__set__
_grad_lock = threading.RLock()  # what a signal calls may sweep too
if hasattr(os, "register_at_fork"):  # a child begins with whole sums, and with the lock free
    os.register_at_fork(
        before=_grad_lock.acquire,
        after_in_parent=_grad_lock.release,
        after_in_child=_grad_lock.release,
    )


def record(
    function: Function, operands: Sequence[Any], parameters: tuple[float, ...] = ()
) -> Value:
    """Run a function of the table on Values and numbers, and record it as a node.

    Args:
        function: an entry of ``functions.FUNCTIONS``.
        operands: Values or numbers; a number becomes a constant leaf.
        parameters: the fixed numbers that the function takes after its operands.

    Returns:
        The node; under ``no_grad`` a leaf.

    Raises:
        TypeError: an operand is no number.
        ValueError, ZeroDivisionError, OverflowError: finite operands, but the result is not;
            ``allow_nonfinite`` gives it all the same.

    >>> record(functions.hypot, (Value(3.0), 4.0))
    Value(data=5.0, grad=0.0, operation='hypot')
    """
    mode = modes.current.get()
    parents = tuple([p if isinstance(p, Value) else _constant(p, mode.scope) for p in operands])
    numbers = [parent._data for parent in parents]
    data = function.value(*numbers, *parameters)
    if data - data != 0.0:  # inf or nan
        messages.refuse_nonfinite(function, parents, numbers, parameters)
    if not mode.recording:
        return _node(data, (), (), None, mode.scope)
    local_derivatives = function.partials(*numbers, *parameters)
    operation = Operation(function, parameters) if parameters else function.operation
    if not all(map(isfinite, local_derivatives)):
        operation = Operation(function, parameters, all(map(isfinite, numbers)))
    return _node(data, parents, local_derivatives, operation, mode.scope)


def _node(
    data: float,
    parents: tuple[Value, ...],
    local_derivatives: tuple[float, ...],
    operation: Operation | None,
    scope: str,
) -> Value:
    node = Value.__new__(Value)
    node._data = data
    node._grad = None
    node._parents = parents
    node._local_derivatives = local_derivatives
    node._operation = operation
    node._label = ""
    node._scope = scope
    return node


def _constant(number: Number, scope: str) -> Value:
    return _node(to_float(number), (), (), functions.constant.operation, scope)


def topological_order(root: Value) -> list[Value]:
    """The nodes that root was computed from, parents before children, root last.

    Depth first in the order of the operands, by a stack of our own: a graph may be deeper
    than Python's calls can be.

    Args:
        root: a Value.

    Raises:
        TypeError: root is no Value.

    >>> x = Value(2.0, label="x")
    >>> [node.label or node.operation.name for node in topological_order(x * x + 1.0)]
    ['x', 'mul', 'constant', 'add']
    """
    if not isinstance(root, Value):
        raise TypeError(f"topological_order needs a Value, not {show(root)}")
    return order_of([root])


def order_of(outputs: Iterable[Value]) -> list[Value]:
    """The nodes that any of several Values was computed from, in topological order.

    >>> x = Value(2.0)
    >>> len(order_of([x * x, x.exp()]))
    3
    """
    order: list[Value] = []
    visited: set[Value] = set()
    for output in outputs:
        if not isinstance(output, Value):
            raise TypeError(f"a graph is that of Values, not of {show(output)}")
        if output in visited:
            continue
        visited.add(output)
        stack = [(output, iter(output._parents))]
        while stack:
            node, unvisited = stack[-1]
            for parent in unvisited:
                if parent not in visited:
                    visited.add(parent)
                    stack.append((parent, iter(parent._parents)))
                    break
            else:
                order.append(node)
                stack.pop()
    return order


def _adjoints(order: list[Value], seed: float) -> list[float]:
    """Seed times the derivative of the last node by each node of the order."""
    adjoints = dict.fromkeys(order, 0.0)
    adjoints[order[-1]] = seed
    _carry_back(order, adjoints)
    result = list(adjoints.values())
    return result if all(map(isfinite, result)) else poles.adjoints(order, seed)


def _carry_back(order: list[Value], adjoints: dict[Value, float]) -> None:
    """The chain rule, from the last node of the order to the first."""
    for node in reversed(order):
        adjoint = adjoints[node]
        for parent, local_derivative in zip(node._parents, node._local_derivatives):
            adjoints[parent] += local_derivative * adjoint


def sweep(
    outputs: Sequence[Value],
    nodes: Sequence[Value],
    seeds: Sequence[float],
    wanted: Sequence[Value],
    back: bool,
) -> list[float]:
    """The chain rule on floats, through the graph of the outputs, in either direction.

    Args:
        outputs: what the graph is of.
        nodes, seeds: where to begin, and the tangents (forward) or adjoints (back) there; those
            of a node that comes twice add up.
        wanted: nodes.
        back: whether adjoints are swept back, or tangents forward.

    Returns:
        The tangents or adjoints of the nodes wanted, 0.0 where a node is not of the graph.
        Where they are not finite, ``poles`` knows more: 0 times infinity is nan here.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> sweep([y], [x], [1.0], [y], back=False), sweep([y], [y], [1.0], [x], back=True)
    ([6.0], [6.0])
    """
    order = order_of(outputs)
    numbers = dict.fromkeys(order, 0.0)
    for node, seed in zip(nodes, seeds):
        if node in numbers:
            numbers[node] += seed
    if back:
        _carry_back(order, numbers)
    else:
        for node in order:
            for parent, local_derivative in zip(node._parents, node._local_derivatives):
                numbers[node] += local_derivative * numbers[parent]
    return [numbers.get(node, 0.0) for node in wanted]


# n-ary nodes


def dot(weights: Iterable[Any], inputs: Iterable[Any], bias: Any = None) -> Any:
    """sum_i w_i x_i + bias as one node: the pre-activation a_j of a unit.

    Added up from the bias on, left to right. The parents are w_1, w_2, ..., x_1, x_2, ...,
    and the bias.

    Args:
        weights, inputs: Values or numbers, as many of one as of the other.
        bias: a Value, a number, or None for no bias.

    Returns:
        A Value, or a float where every operand is a number.

    Raises:
        TypeError: an operand is no number, or weights or inputs no list.
        ValueError: there are more weights than inputs, or fewer.
        OverflowError: the result is beyond the largest float.

    >>> dot([Value(1.0), Value(2.0)], [3.0, 4.0], bias=0.5).data
    11.5
    """
    try:
        weights, inputs = tuple(weights), tuple(inputs)
    except TypeError:
        messages.refuse_no_list("dot", weights, "weights")
        messages.refuse_no_list("dot", inputs, "inputs")
        raise
    if len(weights) != len(inputs):
        raise ValueError(f"dot of {len(weights)} weights needs as many inputs, not {len(inputs)}")
    return apply(functions.dot, *weights, *inputs, *(() if bias is None else (bias,)))


def unit(
    weights: Sequence[Value],
    inputs: Sequence[Any],
    bias: Value,
    activation: Callable[[Value], Value] | None,
    labels: tuple[str, str],
    scope: str,
) -> Value:
    """The nodes of a unit in a network: a_j = w . x + b, and z_j = h(a_j).

    Args:
        weights, inputs, bias: Values, as for ``dot``; inputs may be numbers.
        activation: h, an entry of the table or a function on Values; None for a linear unit.
        labels: those of a_j and z_j.
        scope: the scope of both.

    Returns:
        z_j, or a_j of a linear unit.

    >>> z = unit([Value(2.0)], [3.0], Value(1.0), functions.relu, ("a_1", "z_1"), "layer1")
    >>> z.data, z.label, z.parents[0].label, z.scope
    (7.0, 'z_1', 'a_1', 'layer1')
    """
    a: Value = dot(weights, inputs, bias)
    a_label, z_label = labels
    a.label = a_label
    a.scope = scope
    if activation is None:
        return a
    z: Value
    if isinstance(activation, Function):
        z = activation(a)
    else:  # a function of the user's, which may make nodes of its own
        with modes.changed(scope=scope):
            z = activation(a)
        if not isinstance(z, Value):
            messages.refuse_activation(z)
    z.label = z_label
    z.scope = scope
    return z


def fsum(values: Iterable[Any]) -> Any:
    """The sum of values as one node, exactly rounded (Shewchuk's algorithm, by math.fsum).

    Args:
        values: Values or numbers.

    Returns:
        A Value, or a float where every operand is a number.

    Raises:
        TypeError: an operand is no number, or values no list.
        OverflowError: the sum is beyond the largest float.

    >>> fsum([Value(1e16), Value(1.0), Value(-1e16)]).data
    1.0
    """
    try:
        return apply(functions.fsum, *values)
    except TypeError:
        messages.refuse_no_list("fsum", values)
        raise


def apply(function: Function, *operands: Any, parameters: tuple[float, ...] = ()) -> Any:
    """A function of the table on numbers or Values: a float for numbers, else a node.

    Args and errors are those of ``record``.

    >>> apply(functions.exp, 0), apply(functions.exp, Value(0.0)).data
    (1.0, 1.0)
    """
    if any(isinstance(operand, Value) for operand in operands):
        return record(function, operands, parameters)
    numbers = [to_float(operand) for operand in operands]
    data = function.value(*numbers, *parameters)
    if data - data != 0.0:
        messages.refuse_nonfinite(function, numbers, numbers, parameters)
    return data


def _is_operand(x: object) -> bool:
    if type(x) is Value or type(x) is float or isinstance(x, Value) or is_number(x):
        return True
    messages.refuse_beside(x)
    return False


def _compared(node: Value, other: Any) -> float:
    """The data of other; by both Python may choose what it does next."""
    _note_comparison(node)
    if isinstance(other, Value):
        _note_comparison(other)
    return _data_of(other)


def _note_comparison(node: Value) -> None:
    node._was_compared = True
    computed = [] if node._led_to_comparison else [node]
    while computed:
        for parent in computed.pop()._parents:
            if not parent._led_to_comparison:  # else all that it was computed from led there too
                parent._led_to_comparison = True
                computed.append(parent)
    compared = modes.current.get().compared
    if compared is not None:
        compared.append(node)


def _data_of(operand: Any) -> float:
    return operand._data if isinstance(operand, Value) else to_float(operand)


# Copies and pickles, of leaves only. A pickle names no class of ours, so that one made by the
# compiled engine is read by the pure one.


def reduce_leaf(value: Value) -> tuple[Any, ...]:
    """What pickle and copy ask for; a TypeError for the result of an operation.

    >>> import copy
    >>> copy.copy(Value(2.0, label="x"))
    Value(data=2.0, grad=0.0, label='x')
    """
    if value.parents:
        messages.refuse_copy(value)
    kind = type(value)
    added = [base for base in kind.__mro__ if issubclass(base, Value) and base is not Value]
    slots = [
        name
        for base in added
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType)
    ]
    attributes = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    attributes.update(getattr(value, "__dict__", {}))
    grad = value.grad if value.has_grad else None
    return _restore, (
        None if kind is Value else kind,
        *(value.data, grad, value.label, value.scope, attributes),
    )


def _restore(
    kind: type[Value] | None,
    data: float,
    grad: float | None,
    label: str,
    scope: str,
    attributes: dict[str, Any],
) -> Value:
    value = Value.__new__(kind or Value)
    Value.__init__(value, data, label)
    value.scope = scope
    if grad is not None:
        value.backward(grad)  # on a leaf: its grad, and the mark that a pass has been here
    for name, attribute in attributes.items():
        setattr(value, name, attribute)
    return value


def engine_kind() -> str:
    """Which engine is in use: "compiled" or "pure".

    The compiled one wherever it was built, unless MICROGRAD_BP_PURE is set in the environment.

    >>> import subprocess, sys
    >>> check = "import micrograd_bp; print(micrograd_bp.engine_kind())"
    >>> pure = {**os.environ, "MICROGRAD_BP_PURE": "1"}
    >>> print(subprocess.check_output([sys.executable, "-c", check], env=pure, text=True).strip())
    pure
    """
    return "pure" if Value.__module__ == __name__ else "compiled"


if twins.wanted():
    with twins.imported(__file__, "_engine"):
        from ._engine import (  # type: ignore[no-redef]
            Value,
            apply,
            dot,
            fsum,
            order_of,
            record,
            sweep,
            topological_order,
            unit,
        )
