"""What the engine says when it refuses: the operation, its operands, and the way out."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from math import isfinite
from typing import Any, NoReturn, TypeVar

from . import functions
from .functions import Function
from .modes import current
from .numeric import as_text, is_number, show, to_float

Called = TypeVar("Called", bound=Callable[..., Any])


def describe(operand: Any) -> str:
    """An operand as messages show it: Value(2.0, label='p', scope='layer1'), or 2.0.

    >>> from micrograd_bp import Value
    >>> describe(Value(2.0, label="p"))
    "Value(2.0, label='p')"
    """
    if not hasattr(operand, "_record"):
        return repr(operand)
    label = f", label={operand.label!r}" if operand.label else ""
    scope = f", scope={operand.scope!r}" if operand.scope else ""
    return f"Value({operand.data}{label}{scope})"


def _describe_call(function: Function, operands: Sequence[Any], parameters: Sequence[float]) -> str:
    shown = [describe(operand) for operand in operands[:6]]
    if len(operands) > 6:
        shown.append(f"and {len(operands) - 6} more")
    if not function.words:
        shown += map(repr, parameters)
    return f"{function.said(*parameters)} of {', '.join(shown)}"


def describe_node(node: Any) -> str:
    """A node as messages show it: what made it, of what, and its label.

    >>> from micrograd_bp import Value
    >>> describe_node(Value(2.0, label="p") * 3.0)
    "mul of Value(2.0, label='p'), Value(3.0)"
    """
    if not node.parents:
        return describe(node)
    call = _describe_call(node.operation.function, node.parents, node.operation.parameters)
    return f"{call} (label={node.label!r})" if node.label else call


def refuse_float(value: Any) -> NoReturn:
    """Raise for float(value) and its like."""
    raise TypeError(
        f"{describe(value)} cannot become a plain number without losing its graph: take v.data"
        " for the number, or the functions of micrograd_bp, such as micrograd_bp.exp(v), in"
        " place of those of math"
    )


_SURELY_NONE = (list, tuple, dict, set, str, bytes, complex, type(None))  # beside a Value
_LIBRARIES_OF_TENSORS = ("torch", "jaxlib")  # which do not know what to do with a Value either


def refuse_beside(operand: Any) -> None:
    """Raise for what cannot stand beside a Value in + - * / ** or a comparison.

    An object of another library is let pass: it may know what to do with a Value.

    Raises:
        TypeError: the operand is a list, a string, a tensor or the like; the message says what to
            do.

    >>> refuse_beside([1, 2])
    Traceback (most recent call last):
    ...
    TypeError: a Value is one number, and so is what stands beside it, not [1, 2] (list): go \
through the elements, [v + x for x in xs], or take an array of them, numpy.array(xs)
    """
    if type(operand) in (list, tuple):
        raise TypeError(
            f"a Value is one number, and so is what stands beside it, not {show(operand)}: go"
            " through the elements, [v + x for x in xs], or take an array of them, numpy.array(xs)"
        )
    library = str(type(operand).__module__).partition(".")[0]
    if type(operand) in _SURELY_NONE or library in _LIBRARIES_OF_TENSORS:
        try:
            to_float(operand)
        except TypeError as error:
            raise TypeError(f"beside a Value: {error}") from None


def refuse_matrix_product(operand: Any) -> None:
    """Raise for v @ w, where v is a Value and w is no array."""
    if hasattr(operand, "_record") or is_number(operand) or type(operand) in _SURELY_NONE:
        raise TypeError(
            "@ is a product of vectors or matrices, and a Value is one number: write v * w, or"
            " dot([v1, v2], [w1, w2]), or take arrays of Values, numpy.array([v1, v2]) @ ..."
        )


def refuse_copy(value: Any) -> NoReturn:
    """Raise for a copy or pickle of the result of an operation."""
    raise TypeError(
        f"{value!r} is the result of an operation and cannot be copied or pickled: its graph"
        " would have to come with it. Copy its leaves and compute it again, or take v.detach()"
        " for the number alone, or a Program for the computation"
    )


def count(n: int, what: str) -> str:
    """A number of things.

    >>> count(1, "input"), count(2, "input")
    ('1 input', '2 inputs')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def warn(message: str) -> None:
    """A UserWarning at the line of the user's that called the package.

    >>> import pytest
    >>> with pytest.warns(UserWarning, match="so it is"):
    ...     warn("so it is")
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("micrograd_bp."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)


def refuse_no_list(name: str, operands: Any, what: str = "numbers or Values") -> None:
    """Raise for what is no list where one is needed; not for a list, whatever is in it."""
    try:
        iter(operands)
    except TypeError:
        raise TypeError(f"{name} takes a list of {what}, not {show(operands)}") from None


def refuse_no_parameters(parameters: Any) -> None:
    """Raise for what ``parameters()`` of a model gives and is no list of Values."""
    refuse_no_list("training", parameters, "Values from parameters()")
    for parameter in parameters:
        if not hasattr(parameter, "_record"):
            advice = ": the Value itself, not its .data" if is_number(parameter) else ""
            raise TypeError(
                f"parameters() of a model gives a list of Values, and in it is {show(parameter)}"
                f"{advice}"
            )


def refuse_activation(result: Any) -> NoReturn:
    """Raise for an activation function that gives no Value."""
    raise TypeError(f"an activation takes a Value and gives a Value, not {show(result)}")


def refuse_changed(node: Any) -> None:
    """Raise if a node is not what its parents' data give: one was written after recording.

    Raises:
        ValueError: that is so; the message names what may have been changed.

    >>> from micrograd_bp import Value
    >>> x = Value(2.0, label="x")
    >>> y = x * x
    >>> refuse_changed(y)
    >>> x.data = 3.0
    >>> refuse_changed(y)
    Traceback (most recent call last):
    ...
    ValueError: the .data of Value(3.0, label='x') was changed since the forward pass, as fit and \
step() do: compute the graph again, for the new data, or restore the old
    """
    operation = node.operation
    if operation is None or not node.parents:
        return
    function, parameters = operation.function, operation.parameters
    numbers = [parent.data for parent in node.parents]
    value = function.value(*numbers, *parameters)
    derivatives = function.partials(*numbers, *parameters)
    recorded = node.local_derivatives
    if _same([value], [node.data]) and _same(derivatives, recorded):
        return
    suspects: list[Any] = []
    unknown = node.parents  # whose data were not recorded
    if function in (functions.mul, functions.dot):  # each recorded the data of its partner
        half = len(recorded) // 2
        before, unknown = recorded[half : 2 * half] + recorded[:half], unknown[2 * half :]
        suspects = [p for p, data in zip(node.parents, before) if not _same([p.data], [data])]
    elif function is functions.div:  # 1 / y and -x / y**2
        same, unknown = [_same([a], [b]) for a, b in zip(derivatives, recorded)], ()
        suspects = [] if all(same) else [node.parents[0 if same[0] else 1]]
    if not suspects:
        suspects = [parent for parent in unknown if not parent.parents]
        if _same(derivatives, recorded) or not suspects:
            suspects.append(node)
    suspects = [*dict.fromkeys(suspects)]
    names = dict.fromkeys(map(describe, suspects[:3]))
    shown = " or ".join([*names, *["others"] * bool(suspects[3:])])
    raise ValueError(
        f"the .data of {shown} was changed since the forward pass, as fit and step() do: compute"
        " the graph again, for the new data, or restore the old"
    )


def _same(numbers: Sequence[float], others: Sequence[float]) -> bool:
    return all(x == y or (x != x and y != y) for x, y in zip(numbers, others))


def refuse_nonfinite(
    function: Function,
    operands: Sequence[Any],
    numbers: Sequence[float],
    parameters: Sequence[float],
) -> None:
    """Raise for a result that is not finite, unless that is allowed or came in so."""
    if current.get().nonfinite_allowed:
        return
    if all(map(isfinite, numbers)) and all(map(isfinite, parameters)):
        error, reason, *cause = function.fault(*numbers, *parameters)
        words = f"{_describe_call(function, operands, parameters)}: {reason}"
        raise error(words) from (cause[0] if cause else None)


def refuse_nonfinite_grad(
    order: Sequence[Any], adjoints: Sequence[float], totals: Sequence[float]
) -> None:
    """Raise where adding a finite adjoint to a finite grad gave no finite sum."""
    if current.get().nonfinite_allowed:
        return
    for node, adjoint, total in zip(order, adjoints, totals):
        if isfinite(adjoint) and isfinite(node.grad) and not isfinite(total):
            raise OverflowError(
                f"backward: the grad {node.grad} of {describe_node(node)} plus {adjoint} is"
                " beyond the largest float, 1.8e308; set .grad to 0 between passes"
            )


def text_of_label(label: object, operation: object) -> str:
    """The label of a new Value that is no plain string, or came with an operation.

    Raises:
        TypeError: it is none; or the Value was made as micrograd's operations make theirs.

    >>> text_of_label(3, None)
    Traceback (most recent call last):
    ...
    TypeError: the label of a Value is a string, not 3 (int)
    """
    if operation is None and not isinstance(label, (tuple, set)):
        return as_text("label", label)
    raise TypeError(
        "Value(data, label) is a leaf: what has parents is made by operations and functions."
        + OWN_FUNCTION
    )


def refuse_closure(error: type[AttributeError | TypeError]) -> NoReturn:
    """Raise for the _backward of a Value, read or written."""
    raise error(
        "a Value has no _backward: it keeps the local derivatives that its operation recorded, and"
        " backward() multiplies them." + OWN_FUNCTION
    )


OWN_FUNCTION = (
    " A function of your own with its own derivative is function(value, partials, name), as in"
    ' tanh = function(math.tanh, lambda x: 1 - tanh(x) ** 2, "tanh")'
)


@contextmanager
def needing_packages(what: str) -> Iterator[None]:
    """Say what to install where something needs a package that pip should have installed.

    >>> with needing_packages("fit"):
    ...     raise ModuleNotFoundError(name="numpy")
    Traceback (most recent call last):
    ModuleNotFoundError: fit needs numpy, which is not installed: pip install numpy
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in ("graphviz", "numpy", "tqdm"):
            raise
        raise ModuleNotFoundError(
            f"{what} needs {package}, which is not installed: pip install {package}",
            name=error.name,
        ) from None


def knowing_misnomers(right: Mapping[str, str], **usual: float) -> Callable[[Called], Called]:
    """Answer names of arguments that other libraries have with the right ones.

    Args:
        right: by the other name what to write, with {} or {0} for a number or a string that was
            given, and {name} for one that was given by another name.
        usual: by such names what they are if they are not given.

    >>> @knowing_misnomers({"n_epochs": "epochs={}"})
    ... def fit(epochs=1): ...
    >>> fit(n_epochs=5)
    Traceback (most recent call last):
    ...
    TypeError: fit() has no n_epochs: write epochs=5
    """

    def decorated(f: Called) -> Called:
        @wraps(f)
        def called(*args: Any, **options: Any) -> Any:
            for name in options:
                if name in right:
                    what = type(args[0]).__name__ if f.__name__ == "__init__" else f.__qualname__
                    shown = {given: _written(x) for given, x in options.items()}
                    advice = right[name].format(shown[name], **{**usual, **shown})
                    raise TypeError(f"{what}() has no {name}: write {advice}")
            return f(*args, **options)

        return called  # type: ignore[return-value]

    return decorated


def _written(x: Any) -> str:
    """A number or a string as one writes it; three dots for anything else."""
    if isinstance(x, str):
        return repr(str(x))
    return str(x) if is_number(x) else "..."
