"""A function's value on numbers of another kind: mpmath's, or the arrays of a library.

Where a value is made of operators and of functions of the table, it needs no second form: the
operators are the numbers' own, and each function of the table is asked for its form.
"""

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from .function import Function, Rule

Forms = Callable[[Function], Callable[..., Any]]


class _Other:
    """A number of another kind, on which functions of the table run by their forms."""

    def __init__(self, number: Any, function: Function, forms: Forms) -> None:
        self.number, self.function, self.forms = number, function, forms

    def like(self, number: Any) -> "_Other":
        return _Other(number, self.function, self.forms)

    def _record(self, function: Function, operands: Any, parameters: Any = ()) -> "_Other":
        return self.like(self.forms(function)(*map(_number, operands), *parameters))

    def __float__(self) -> NoReturn:
        raise TypeError(
            f"the value of {self.function.key} is not made of operators and functions of the table"
            " alone, and so its entry needs a form of its own"
        )


def _number(x: Any) -> Any:
    return x.number if isinstance(x, _Other) else x


def _give_operators() -> None:
    def forward(act: Callable[..., Any]) -> Any:
        return lambda self, *others: self.like(act(self.number, *map(_number, others)))

    def reflected(act: Callable[..., Any]) -> Any:
        return lambda self, other: self.like(act(other, self.number))

    def comparison(act: Callable[..., Any]) -> Any:
        return lambda self, other: act(self.number, _number(other))

    for name in ("add", "sub", "mul", "truediv", "pow"):
        setattr(_Other, f"__{name}__", forward(getattr(operator, name)))
        setattr(_Other, f"__r{name}__", reflected(getattr(operator, name)))
    for name in ("neg", "abs"):
        setattr(_Other, f"__{name}__", forward(getattr(operator, name)))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(_Other, f"__{name}__", comparison(getattr(operator, name)))


_give_operators()


def composed(function: Function, forms: Forms, rule: Rule | None = None) -> Callable[..., Any]:
    """The value of a function of the table, on numbers of another kind; or its partials.

    Args:
        function: an entry whose value is made of operators and functions of the table.
        forms: what gives, for such a function, the one on numbers of that kind.
        rule: the function's partials, where they are wanted and not its value.

    Raises:
        TypeError: when it is called, and the value asks for a float.

    >>> from fractions import Fraction
    >>> from micrograd_bp import functions
    >>> composed(functions.square, lambda function: None)(Fraction(1, 3))
    Fraction(1, 9)
    """

    def on_others(*arguments: Any) -> Any:
        n = len(arguments) - function.parameters
        others = [_Other(number, function, forms) for number in arguments[:n]]
        if rule is not None:
            return tuple(map(_number, rule(*others, *arguments[n:])))
        return _number(function.value(*others, *arguments[n:]))

    return on_others
