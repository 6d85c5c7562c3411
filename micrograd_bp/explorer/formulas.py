"""An operation as a formula of its operands: "{0} + {1}", filled with names or with numbers.

The page fills the same template twice, so that a reader sees which number stands for which name.
"{z}" is the result itself, in which many derivatives are written.
"""

from ..engine import Value
from ..text.names import END, SUP, format_number

MOST_PRODUCTS = 6  # of a sum that is written out

_SQUARED = f"{SUP}2{END}"
_FORMULAS = {
    "add": "{0} + {1}",
    "sub": "{0} − {1}",
    "mul": "{0} · {1}",
    "div": "{0} / {1}",
    "neg": "−{0}",
    "square": f"{{0}}{_SQUARED}",
    "reciprocal": "1 / {0}",
    "sqrt": "√{0}",
    "abs": "|{0}|",
    "pow": "{0} ^ {1}",
}
_DERIVATIVES = {
    "add": ("1", "1"),
    "sub": ("1", "−1"),
    "mul": ("{1}", "{0}"),
    "div": ("1 / {1}", "−{z} / {1}"),
    "neg": ("−1",),
    "square": ("2 · {0}",),
    "exp": ("{z}",),
    "log": ("1 / {0}",),
    "sin": ("cos({0})",),
    "cos": ("−sin({0})",),
    "sqrt": ("1 / (2 · {z})",),
    "tanh": (f"1 − {{z}}{_SQUARED}",),
    "sigmoid": ("{z} · (1 − {z})",),
}


def formula(node: Value) -> str:
    """A node in terms of its operands; empty for a leaf.

    >>> formula(Value(2.0) * 3.0), formula(Value(2.0).tanh()), formula(Value(2.0))
    ('{0} · {1}', 'tanh({0})', '')
    """
    operation, number = node.operation, len(node.parents)
    if operation is None or not number:
        return ""
    if operation.name == "dot":
        return _sum([*_products(number // 2), *[_slot(number - 1)] * (number % 2)])
    if operation.name in ("fsum", "sum"):
        return _sum([_slot(i) for i in range(number)])
    if operation.name == "pow" and operation.parameters:
        return f"{{0}}{SUP}{format_number(operation.parameters[0])}{END}"
    if operation.name in _FORMULAS:
        return _FORMULAS[operation.name]
    shown = [_slot(i) for i in range(min(number, MOST_PRODUCTS))]
    more = ["…"] if number > MOST_PRODUCTS else []
    arguments = [*shown, *more, *map(format_number, operation.parameters)]
    return f"{operation.name}({', '.join(arguments)})"


def derivative(node: Value, slot: int) -> str:
    """The local derivative by an operand as a formula; empty where it is not a short one.

    >>> x = Value(2.0)
    >>> derivative(x * 3.0, 0), derivative(x.tanh().exp(), 0), derivative(x.erf(), 0)
    ('{1}', '{z}', '')
    """
    operation, number = node.operation, len(node.parents)
    if operation is None:
        return ""
    if operation.name == "dot":
        half = number // 2
        if slot == 2 * half:
            return "1"
        return _slot(slot + half if slot < half else slot - half)
    if operation.name == "fsum":
        return "1"
    if operation.name == "pow" and operation.parameters:
        exponent = operation.parameters[0]
        if exponent == 2.0:
            return "2 · {0}"
        return f"{format_number(exponent)} · {{0}}{SUP}{format_number(exponent - 1.0)}{END}"
    derivatives = _DERIVATIVES.get(operation.name, ())
    return derivatives[slot] if slot < len(derivatives) else ""


def _slot(i: int) -> str:
    """Where operand i goes."""
    return f"{{{i}}}"


def _products(half: int) -> list[str]:
    return [f"{_slot(i)} · {_slot(i + half)}" for i in range(half)]


def _sum(terms: list[str]) -> str:
    if len(terms) > MOST_PRODUCTS + 1:
        terms = [*terms[:MOST_PRODUCTS], "…", terms[-1]]
    return " + ".join(terms)
