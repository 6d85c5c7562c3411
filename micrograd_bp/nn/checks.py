"""What a network is made of and called with, checked: sizes, and inputs of one data point."""

from collections.abc import Iterable, Sequence
from typing import Any

from ..engine import Value
from ..messages import refuse_no_list
from ..numeric import show


def as_inputs(kind: str, x: Iterable[Any], nin: int) -> list[Value]:
    """The inputs as Values: a number becomes a leaf x_i."""
    _refuse_rows(kind, x, nin)
    return [xi if isinstance(xi, Value) else Value(xi, f"x_{i}") for i, xi in enumerate(x, 1)]


def check_inputs(kind: str, x: Sequence[Any], nin: int) -> None:
    """Raise for inputs that are no list, or not nin."""
    _refuse_rows(kind, x, nin)
    if len(x) != nin:
        raise ValueError(f"a {kind} of {nin} inputs was given {len(x)}: {show(x)}")


def _refuse_rows(kind: str, x: Any, nin: int) -> None:
    """Raise for what is no list, and for the rows of a table; not for a list of other things."""
    if type(x) is list and x and isinstance(x[0], (Value, float)):
        return  # the usual, told at once
    inputs = f"{nin} input{'s' * (nin != 1)}"
    refuse_no_list(f"a {kind}", x, inputs)
    if getattr(x, "ndim", 1) > 1 or (isinstance(x, Sequence) and x and all(map(_is_row, x))):
        raise TypeError(
            f"a {kind} takes one data point, a list of {inputs}, not {show(x)}: call it once a"
            " row, or predict(model, X) for all rows"
        )


def _is_row(x: Any) -> bool:
    if isinstance(x, Sequence):
        return not isinstance(x, (str, bytes))
    return bool(getattr(x, "ndim", 0))


def check_size(name: str, size: object) -> None:
    """Raise for a size that is no integer, or less than 1."""
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"{name} is an integer, not {show(size)}")
    if size.__index__() < 1:
        raise ValueError(f"{name} is at least 1, not {size}")
