"""The functions of the table as users call them: module functions and methods, from one maker.

What they say of themselves is made of the entry's ``doc``; the doctests of elementary.py and
methods.py hold the examples against what the engine gives.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

from .function import Doc, Function

_FUNCTION = """{name}({arguments}): {summary}.

    Args:
        {arguments}: {kind}.

    Returns:
        A float for numbers, else a Value.

    Raises:
        TypeError: an argument is neither.{raises}

    >>> {name}({example})
    {result}
    >>> {arguments} = {values}
    >>> {name}({arguments}).backward()
    >>> {grads}
    {slopes}
    """

_METHOD = """x.{name}({rest}): {summary}.

    As the function ``micrograd_bp.{name}``.{args}{raises}

    >>> from micrograd_bp import Value
    >>> Value({first}).{name}({others}).data
    {result}
    """


def module_function(function: Function, run: Callable[..., Any], namespace: dict[str, Any]) -> Any:
    """A function of one operand or two, by its name and with its docstring.

    Args:
        function: an entry with a doc.
        run: what it does, from the entry and the operands to a float or a Value.
        namespace: that of the module that it is a function of.

    >>> from micrograd_bp import functions
    >>> exp = module_function(functions.exp, lambda function, x: function(x), globals())
    >>> exp(0.0), exp.__doc__.partition(".")[0]
    (1.0, 'exp(x): the exponential function, e**x')
    """

    def unary(x: Any) -> Any:
        return run(function, x)

    def binary(x: Any, y: Any) -> Any:
        return run(function, x, y)

    call = _of(namespace, unary if function.operands == 1 else binary, function.name)
    call.__doc__ = _function_doc(function.name, function.doc) if function.doc else None
    return call


def method(function: Function, namespace: dict[str, Any]) -> Any:
    """The method of the same name, of whatever records operations on itself.

    Args:
        function: an entry with a doc.
        namespace: that of the module of the class.

    >>> from micrograd_bp import functions
    >>> method(functions.log, globals()).__doc__.partition(".\\n")[0]
    'x.log(): natural logarithm'
    """

    def unary(self: Any) -> Any:
        return self._record(function, (self,))

    def binary(self: Any, y: Any) -> Any:
        return self._record(function, (self, y))

    call = _of(namespace, unary if function.operands == 1 else binary, function.name)
    call.__qualname__ = f"Value.{function.name}"
    call.__doc__ = _method_doc(function.name, function.doc) if function.doc else None
    return call


def _of(namespace: dict[str, Any], call: Any, name: str) -> FunctionType:
    """The function as if written in a module: there help and doctest look for it."""
    made = FunctionType(call.__code__, namespace, name, closure=call.__closure__)
    made.__qualname__, made.__annotations__ = name, call.__annotations__
    return made


def _function_doc(name: str, doc: Doc) -> str:
    names = ("x", "y")[: doc.example.count(",") + 1]
    grads = [
        f"round({x}.grad, 6)" if len(slope.partition(".")[2]) == 6 else f"{x}.grad"
        for x, slope in zip(names, doc.slopes.split(", "))
    ]
    several = len(names) > 1
    return _FUNCTION.format(
        name=name,
        arguments=", ".join(names),
        kind="numbers or Values" if several else "a number or Value",
        summary=doc.summary,
        raises=f"\n        {doc.raises}" if doc.raises else "",
        example=doc.example,
        result=doc.result,
        values=", ".join(f"Value({number})" for number in doc.example.split(", ")),
        grads=", ".join(grads),
        slopes=f"({doc.slopes})" if several else doc.slopes,
    )


def _method_doc(name: str, doc: Doc) -> str:
    first, _, others = doc.example.partition(", ")
    errors = ["TypeError: y is neither."] * bool(others) + [doc.raises] * bool(doc.raises)
    return _METHOD.format(
        name=name,
        rest="y" if others else "",
        summary=doc.summary,
        args="\n\n    Args:\n        y: a number or Value." if others else "",
        raises="".join(["\n\n    Raises:"] * bool(errors) + [f"\n        {e}" for e in errors]),
        first=first,
        others=others,
        result=doc.result,
    )
