"""A function of the user's own, with its own derivative: an entry beside the table.

``function`` makes of a value and its partial derivatives what the table has: the engine, the
transforms and Programs call it as they call the table's. What differs is that the table keeps its
word (floats in, a float out, nothing raised), and that here it is seen to. Where the value raises,
or a partial does, the number is what IEEE 754 has for it, as far as that can be known, else nan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from inspect import Parameter, signature
from math import copysign, inf, isnan, nan
from typing import Any, NoReturn

from . import modes
from .engine import Value, apply
from .functions import Function, Scalar
from .messages import count
from .numeric import is_number, show, to_float
from .transforms.recorded_call import takes

Written = Callable[..., Any]  # by the user
ERRORS = (ZeroDivisionError, OverflowError, ArithmeticError, ValueError)  # as messages name them


def function(
    value: Written, partials: Written | Sequence[Written], name: str | None = None
) -> Callable[..., Any]:
    """A function of your own, with its own derivative, that works wherever a built-in does.

    On floats it gives a float, on Values a node. Pictures, transforms, ``gradcheck``, ``fit`` and
    Programs take it, a Program by calling ``value`` for each data point. As for kinks, nothing is
    claimed: the derivative is what the partials say, be it of something else than the value.

    Args:
        value: from one float an operand to a number. It may raise ValueError, ZeroDivisionError
            or OverflowError outside its domain or range.
        partials: the partial derivative by each operand: a list of functions, one an operand, or,
            of a function of one operand, the one. Each takes all operands: floats when a node is
            recorded, Values when a derivative is itself to be differentiated or compiled. So write
            them with operators and functions of ``micrograd_bp``; with ``math`` there is the
            gradient only. Of a function of several operands, or of any number (``*x``), one
            function may give all partials as a list.
        name: what messages, pictures and formulas call it; that of ``value`` unless given.

    Returns:
        The function, of as many operands as there are partials. Fixed numbers, such as a width,
        are those that value and partials have from around them.

    Raises:
        TypeError: value or a partial is not callable, or does not take so many operands; or name
            is no string, or there is none.
        ValueError: name is empty or not printable, or there are no partials.

    The Huber loss, with the derivative that statistics books give; once more it is 1 or 0:

    >>> from micrograd_bp import Value, clip, grad
    >>> huber = function(
    ...     lambda r: r * r / 2 if abs(r) <= 1 else abs(r) - 0.5,
    ...     lambda r: clip(r, -1.0, 1.0),
    ...     name="huber",
    ... )
    >>> huber(3.0), grad(huber)(3.0), grad(grad(huber))(0.5)
    (2.5, 1.0, 1.0)

    A straight-through estimator (Bengio, Leonard & Courville, Estimating or Propagating Gradients
    Through Stochastic Neurons, 2013) rounds forward, and is the identity backward:

    >>> rounded = function(round, lambda x: 1.0, name="rounded")
    >>> x = Value(2.6)
    >>> y = rounded(x) ** 2
    >>> y.backward()
    >>> y.data, x.grad
    (9.0, 6.0)
    """
    name = _name(value, name)
    n = _operands(value, partials, name)
    number = _value(value, name)
    entry = OwnFunction(
        "",  # no key of the table
        number,
        _rule(partials, n, name),
        operands=n,
        name=name,
        symbol=name.replace("{", "{{").replace("}", "}}"),
        domain=lambda *operands: not isnan(number(*operands)),
        written=value,
    )

    def call(*operands: Any) -> Any:
        if len(operands) != n and not (n is None and operands):
            wanted = "one operand at least" if n is None else count(n, "operand")
            raise TypeError(f"{name} takes {wanted}, not {len(operands)}")
        return apply(entry, *operands)

    update_wrapper(call, value)
    call.__name__ = call.__qualname__ = name
    return call


@dataclass(frozen=True, eq=False, repr=False)
class OwnFunction(Function):
    """A function that is none of the table's.

    Attributes:
        written: its value, as the user wrote it.
    """

    written: Written = float

    def __repr__(self) -> str:
        return f"<function {self.name} of the user's own>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self.name} is a function of your own, and is not pickled: where it is needed, make"
            " it again by function(...)"
        )

    def __deepcopy__(self, memo: object) -> "OwnFunction":
        return self

    def fault(self, *arguments: float) -> tuple[Any, ...]:
        """Why the result is not finite: in the words of the value, if it raised, and its error."""
        try:
            result = _called(self.written, arguments)
        except ERRORS as error:
            kind = next(kind for kind in ERRORS if isinstance(error, kind))
            return kind, str(error) or type(error).__name__, error
        if isinstance(result, complex):
            return ValueError, f"the result, {result}, is not real"
        fault: tuple[Any, ...] = super().fault(*arguments)
        return fault if fault[0] is OverflowError else (ValueError, "the result is nan")


# What is asked once, when a function is made


def _name(value: Written, name: object) -> str:
    if not callable(value):
        raise TypeError(f"the value of a function is callable, not {show(value)}")
    if name is None:
        name = getattr(value, "__name__", "<lambda>")
        if name == "<lambda>":
            raise TypeError("a function has a name: function(value, partials, name='huber')")
    if not isinstance(name, str):
        raise TypeError(f"the name of a function is a string, not {show(name)}")
    if not name.strip() or not name.isprintable():
        raise ValueError(f"the name of a function is a line of printable text, not {name!r}")
    return str(name)


def _operands(value: Written, partials: Written | Sequence[Written], name: str) -> int | None:
    """How many operands there are; None for any number."""
    if callable(partials):
        every = [value, partials]
        n = next((n for n in map(_required, every) if n != -1), 1)
    elif isinstance(partials, (list, tuple)):
        every, n = [value, *partials], len(partials)
        for partial in partials:
            if not callable(partial):
                raise TypeError(f"a partial of {name} is callable, not {show(partial)}")
        if n == 0:
            raise ValueError(f"{name} needs a partial for each operand, and the list is empty")
    else:
        raise TypeError(
            f"the partials of {name} are a function, or a list of one for each operand, not"
            f" {show(partials)}"
        )
    for i, one in enumerate(every):
        if not takes(one, [0.0] * (2 if n is None else n)):
            what = f"partial {i - 1}" if i and not callable(partials) else "the partial"
            raise TypeError(
                f"{what if i else 'the value'} of {name} takes all operands, which are"
                f" {'any number' if n is None else n}, and {show(one)} does not"
            )
    return n


def _required(f: Written) -> int | None:
    """The number of operands of a function by its signature; -1 where it has none."""
    try:
        parameters = signature(f).parameters.values()
    except ValueError:
        return -1
    if any(one.kind is Parameter.VAR_POSITIONAL for one in parameters):
        return None
    fixed = [Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD]
    return max(1, sum(one.kind in fixed and one.default is Parameter.empty for one in parameters))


# What a node asks for


def _value(written: Written, name: str) -> Callable[..., float]:
    """The value as the table has it: a float for floats, whatever happens."""

    def value(*numbers: float) -> float:
        return _float(_tried(written, numbers), f"the value of {name}")

    return value


def _rule(
    written: Written | Sequence[Written], n: int | None, name: str
) -> Callable[..., tuple[Scalar, ...]]:
    """The partials as the table has them: of floats, or of Values as Values."""

    def all_by(run: Callable[[Written], Any], n_operands: int) -> Iterator[Any]:
        if not callable(written):
            yield from map(run, written)
            return
        found = run(written)
        if n == 1 or _is_nan(found):
            found = [found] * n_operands
        if not isinstance(found, (list, tuple)) or len(found) != n_operands:
            raise TypeError(
                f"the partials of {name} are a list of {n_operands}, one an operand, not"
                f" {show(found)}"
            )
        yield from found

    def rule(*operands: Scalar) -> tuple[Scalar, ...]:
        what = f"a partial of {name}"
        if not any(isinstance(operand, Value) for operand in operands):
            found = all_by(lambda partial: _tried(partial, operands), len(operands))
            return tuple([_float(slope, what) for slope in found])
        found = all_by(lambda partial: _recorded(partial, operands, name), len(operands))
        return tuple(
            [slope if isinstance(slope, Value) else _float(slope, what) for slope in found]
        )

    return rule


def _called(written: Written, numbers: Sequence[float]) -> Any:
    """The result on floats, which depends on no mode that is in force around."""
    if modes.current.get() is modes.DEFAULT:
        return written(*numbers)
    with modes.changed(**modes.DEFAULT._asdict()):
        return written(*numbers)


def _tried(written: Written, numbers: Sequence[float]) -> Any:
    """The result on floats; where Python raises, as for 1/0, that of IEEE arithmetic or nan."""
    try:
        return _called(written, numbers)
    except (ArithmeticError, ValueError):
        pass
    with modes.changed(recording=False, nonfinite_allowed=True, compared=None):
        try:
            result = written(*map(Value, numbers))
        except Exception:  # it takes no Values, or raises on its own account
            return nan
    return result.data if isinstance(result, Value) else result


def _recorded(partial: Written, operands: Sequence[Scalar], name: str) -> Any:
    """The result on Values. A choice that Python made in it was made by the operands."""
    compared: list[Value] = []
    try:
        with modes.changed(compared=compared):
            return partial(*operands)
    except (ArithmeticError, ValueError):
        return nan
    except (AttributeError, TypeError) as error:
        raise TypeError(
            f"the partials of {name} do not take Values, and its derivatives have none: {error}."
            " For second derivatives, and for the gradient of a Program, write the partials with"
            " operators and functions of micrograd_bp"
        ) from error
    finally:
        if compared:
            for operand in operands:
                bool(operand)  # which leaves the mark


def _float(result: Any, what: str) -> float:
    """A result as a float: nan where it is complex, an infinity beyond the largest float."""
    if type(result) is float:
        return result
    if isinstance(result, complex):
        return nan
    if not is_number(result):
        advice = ""
        if isinstance(result, Value):
            advice = ": what depends on a Value takes it as an operand"
        raise TypeError(f"{what} is a number, not {show(result)}{advice}")
    try:
        return to_float(result)
    except OverflowError:
        return copysign(inf, 1 if result > 0 else -1)


def _is_nan(found: Any) -> bool:
    return type(found) is float and isnan(found)
