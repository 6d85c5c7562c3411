"""Numbers written to weights: to all of them, also where an interrupt comes in the middle."""

from collections.abc import Sequence

from ..engine import Value


def write(parameters: Sequence[Value], numbers: Sequence[float]) -> None:
    """Set the data of the parameters.

    Ctrl-C raises at any step of Python: between two weights too, some of which would be of one
    training step, and some of another.

    Args:
        parameters: Values.
        numbers: their new data, as many.

    >>> w = Value(0.0)
    >>> write([w], [2.0])
    >>> w.data
    2.0
    """
    try:
        _write(parameters, numbers)
    except BaseException:
        _write(parameters, numbers)
        raise


def _write(parameters: Sequence[Value], numbers: Sequence[float]) -> None:
    for parameter, number in zip(parameters, numbers):
        parameter.data = number
