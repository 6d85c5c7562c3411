"""What stands in the table: a function with all that is known of it, and what made a node."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Scalar = Any  # a float, or anything that records operations on itself, such as a Value
Rule = Callable[..., tuple[Scalar, ...]]


class Doc(NamedTuple):
    """A function in words, with one example: its docstrings are made of it.

    Attributes:
        summary: what it gives.
        example: its arguments, as code.
        result: its value there, as code.
        slopes: its derivative by each argument there; with six decimals it is rounded.
        raises: the error outside its domain or range, and when.
    """

    summary: str
    example: str
    result: str
    slopes: str
    raises: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Function:
    """A function of the table.

    Attributes:
        key: its name in the table, and in programs and pickles; "" of a function of the user's
            own (own_function.py), which is in none of them.
        value: from one float an operand (and one a parameter) to a float; never raises.
        partials: from the same arguments, floats or Values, to one partial an operand.
        operands: how many it takes; None for any number.
        parameters: how many trailing arguments are fixed numbers without a derivative.
        name: the field's name for it, which users see; the key unless given.
        words: what messages say in its place, where the user wrote another function and this one
            came of it: "the derivative of tanh"; or what gives that for the parameters.
        symbol: what a picture shows, such as "+", with {} for a parameter, or what gives it for the
            parameters; the name unless given, of the derivative of gelu gelu'.
        domain: whether finite operands lie in the domain; everywhere unless given.
        needs: the domain in words, for the message of an error.
        pole: whether finite operands ask for a division by zero.
        kink: whether there is a kink, a step or a cut, and no derivative but by convention.
        flat: where a derivative is 0, whether the function is flat around these operands, as a
            branch not taken is, and nothing comes that way; nowhere unless given. Of arrays too,
            so with | and &.
        doc: what it says of itself; with it there is a function and a method of its name.
        public: whether users have it, as a function or an operator, and not rules only.
        activation: whether units of a network may have it, by its key.
        aliases: further names of the method, by which NumPy calls it.
        common: from the operands to what the partials of all its results there are made of, which
            they take as ``common=``, so that it is computed once in a sweep.
        tried: the parameters that random graphs choose from.
        exact: as mathematics writes it, from mpmath's ``mp`` and the arguments; needed where the
            value is not made of operators and functions of the table.
        operation: what a node that it makes remembers, where it has no parameters.
    """

    key: str
    value: Callable[..., float]
    partials: Rule
    operands: int | None = 1
    parameters: int = 0
    name: str = ""
    words: str | Callable[..., str] = ""
    symbol: str | Callable[..., str] = ""
    domain: Callable[..., bool] | None = None
    needs: str = ""
    pole: Callable[..., bool] | None = None
    kink: Callable[..., bool] | None = None
    flat: Callable[..., bool] | None = None
    doc: Doc | None = None
    public: bool = False
    activation: bool = False
    aliases: tuple[str, ...] = ()
    common: Callable[..., Any] | None = None
    tried: tuple[tuple[float, ...], ...] = ((),)
    exact: Callable[..., Any] | None = None
    operation: "Operation" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.key)
        primed = self.name.replace("_second_derivative", "''").replace("_derivative", "'")
        object.__setattr__(self, "symbol", self.symbol or primed)
        object.__setattr__(self, "public", self.public or self.doc is not None)
        object.__setattr__(self, "operation", Operation(self))

    def __repr__(self) -> str:
        return f"<function {self.name} of the table>"

    def __reduce__(self) -> tuple[Any, ...]:  # pickled by its key in the table
        return _entry, (self.key,)

    def __call__(self, *arguments: Scalar) -> Scalar:
        """The value on floats; on operands that record (``_record``), a recorded node."""
        n_operands = len(arguments) - self.parameters
        for operand in arguments[:n_operands]:
            if type(operand) is not float and hasattr(operand, "_record"):
                return operand._record(self, arguments[:n_operands], arguments[n_operands:])
        return self.value(*arguments)

    def said(self, *parameters: float) -> str:
        """What messages call it.

        >>> FUNCTIONS["sech2"].said(), FUNCTIONS["tanh"].said()
        ('the derivative of tanh', 'tanh')
        """
        return self.words(*parameters) if callable(self.words) else self.words or self.name

    def fault(self, *arguments: float) -> tuple[Any, ...]:
        """Why the result on these finite arguments is not finite: an exception and the words.

        Where another exception is behind it, that is the third.
        """
        if self.pole is not None and self.pole(*arguments):
            return ZeroDivisionError, "division by zero"
        if self.domain is not None and not self.domain(*arguments):
            return ValueError, f"needs {self.needs}"
        return OverflowError, "the result is beyond the largest float, 1.8e308"


@dataclass(frozen=True, repr=False)
class Operation:
    """A function with its parameters: what made a node.

    Attributes:
        function: the entry of the table.
        parameters: the fixed arguments, such as the exponent of ``x**3``.
        of_finite: whether the operands were finite; recorded where a local derivative is not.
    """

    function: Function
    parameters: tuple[float, ...] = ()
    of_finite: bool = True

    @property
    def name(self) -> str:
        """The field's name: "add", "mul", "dot", "tanh", "pow", ..."""
        return self.function.name

    @property
    def key(self) -> str:
        """The function's name in the table; "" of one of the user's own, whatever its name."""
        return self.function.key

    @property
    def symbol(self) -> str:
        """What a picture shows: "+", "*", "tanh", "**3", ..."""
        symbol = self.function.symbol
        return symbol(*self.parameters) if callable(symbol) else symbol.format(*self.parameters)

    def __repr__(self) -> str:
        return f"Operation({', '.join([repr(self.name), *map(str, self.parameters)])})"


FUNCTIONS: dict[str, Function] = {}
"""The table: each entry by its key."""


def _entry(key: str) -> Function:
    return FUNCTIONS[key]


def flat(*operands: Scalar) -> tuple[Scalar, ...]:
    """The rule of a function made of steps: every partial is 0 (at the steps by convention)."""
    return (0.0,) * len(operands)
