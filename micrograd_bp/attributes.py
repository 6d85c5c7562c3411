"""What a compiled Value may hold beside its number: nothing that would keep it alive for ever.

Python's collector frees what holds itself in a circle, but it does not look into compiled nodes,
which is why they are small and fast. So no circle may lead through one.
"""

import gc
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any

from .numeric import show

PLAIN = (bool, bytes, complex, Decimal, float, Fraction, int, str, type(None))


def check_attribute(name: str, attribute: object) -> None:
    """Refuse an attribute of a Value that could lead back to the Value.

    Raises:
        TypeError: it is not made of numbers, strings and arrays of numbers.

    >>> check_attribute("colour", (0.0, 0.5, 1.0))
    """
    if not _is_plain(attribute):
        raise TypeError(
            f"the attribute {name} of a Value is a number, a string, an array of numbers or a tuple"
            f" of such, not {show(attribute)}, which could hold the Value itself, so that it would"
            f" never be freed: keep it in a dict of your own, {name}[value] = ..."
        )


def _is_plain(x: object) -> bool:
    if type(x) is tuple:
        return all(map(_is_plain, x))
    if type(x).__module__ == "numpy":
        return hasattr(x, "dtype") and not x.dtype.hasobject
    return type(x) in PLAIN


def check_way_back(node: Any, name: str, attribute: object) -> None:
    """Refuse an attribute of an instance of a subclass of Value that was computed from it.

    The collector knows such instances. What they hold may be anything, be it the instance itself,
    but for what leads back to it through a node or an array of objects, where nobody looks. (What
    a list or dict gets later is not seen here.)

    Raises:
        TypeError: it leads back so.

    >>> from micrograd_bp import Value
    >>> class Parameter(Value): pass
    >>> check_way_back(Parameter(1.0), "history", [0.5, Value(2.0)])
    """
    if _leads_back(attribute, node):
        raise TypeError(
            f"the attribute {name}, {show(attribute)}, was computed from the"
            f" {type(node).__name__} that is to hold it, so that neither would ever be freed: keep"
            f" its .data, or keep it in a dict of your own, {name}[value] = ..."
        )


def _leads_back(attribute: object, node: Any) -> bool:
    """Whether a way from the attribute to the node leads where the collector does not look."""
    stack: list[tuple[Any, bool]] = [(attribute, False)]
    seen: dict[tuple[int, bool], Any] = {}  # the objects too: while they live, ids are their own
    while stack:
        x, hidden = stack.pop()
        if x is node:
            if hidden:
                return True
            continue  # what it holds itself was looked at when it came
        if type(x) in PLAIN or isinstance(x, (type, ModuleType)) or (id(x), hidden) in seen:
            continue
        seen[id(x), hidden] = x
        if hasattr(type(x), "_record") and not gc.is_tracked(x):
            stack += [(parent, True) for parent in x.parents]
        elif type(x).__module__ == "numpy" and hasattr(x, "dtype"):
            stack += [(x.tolist(), True)] if x.dtype.hasobject else []
        elif not (type(x) is dict and "__builtins__" in x):  # the globals of a function
            stack += [(held, hidden) for held in gc.get_referents(x)]
    return False
