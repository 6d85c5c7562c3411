"""An operation as a formula of its operands: "{0} + {1}", filled with names or with numbers.

The page fills the same template twice, so that a reader sees which number stands for which name.
"{z}" is the result itself, in which many derivatives are written. In "{0^}" the operand is the
base of a power: a name with an index above, or of several words, takes parentheses there. In
"{0*}" it is a factor or the like: a label such as y_1 - t_1 takes parentheses there.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from ..engine import Value
from ..text.names import END, SUP
from ..text.numbers import scripted
from ..text.operations import ATOM, LOOSE, POWER, PRODUCT, SUM, Operands, Part, Printer

_SQUARED = f"{SUP}2{END}"
_LOOSE = re.compile("^[-−]| [-−+*/·] ")  # what is no factor
_NO_SLOTS = str.maketrans("{}", "()")


class _PagePrinter(Printer):
    """Writes operations as the page shows them; its operands are slots."""

    forms: ClassVar = {
        **Printer.forms,
        "sub": (SUM, "{x} − {y*}"),
        "neg": (PRODUCT, "−{x*}"),
        "div": (PRODUCT, "{x*} / {y*}"),
        "reciprocal": (PRODUCT, "1 / {x*}"),
        "square": (POWER, "{x^}" + _SQUARED),
        "constant_power": (POWER, f"{{x^}}{SUP}{{a}}{END}"),
        "pow": (POWER, "{x^} ^ {y*}"),
        "sqrt": (ATOM, "√{x}"),
        "abs": (ATOM, "|{x}|"),
        "fsum": lambda self, x, _: self.sum(x),
    }
    times = " · "
    dots = "…"
    first = 6

    def number(self, number: float) -> Part:
        return Part(scripted(number))

    def call(self, name: str, operands: Operands, parameters: Sequence[float]) -> Part:
        return super().call(name.translate(_NO_SLOTS), operands, parameters)

    def inside(self, part: Part | None, level: int) -> str:
        text = super().inside(part, LOOSE)
        mark = "^" if level == ATOM else "*" if level > SUM else ""
        return f"{text[:-1]}{mark}}}" if re.fullmatch(r"\{\d+\}", text) else text


_PAGE = _PagePrinter()
_DERIVATIVES = {
    "add": ("1", "1"),
    "sub": ("1", "−1"),
    "mul": ("{1}", "{0}"),
    "div": ("1 / {1*}", "−{z*} / {1*}"),
    "neg": ("−1",),
    "square": ("2 · {0*}",),
    "exp": ("{z}",),
    "log": ("1 / {0*}",),
    "sin": ("cos({0})",),
    "cos": ("−sin({0})",),
    "sqrt": ("1 / (2 · {z*})",),
    "tanh": ("1 − {z^}" + _SQUARED,),
    "sigmoid": ("{z*} · (1 − {z*})",),
}


def formula(node: Value) -> str:
    """A node in terms of its operands; empty for a leaf.

    >>> formula(Value(2.0) * 3.0), formula(Value(2.0).tanh()), formula(Value(2.0))
    ('{0*} · {1*}', 'tanh({0})', '')
    """
    operands = [_slot(i) for i in range(len(node.parents))]
    return _PAGE.node(node, operands).text if operands else ""


def derivative(node: Value, slot: int) -> str:
    """The local derivative by an operand as a formula; empty where it is not a short one.

    >>> x = Value(2.0)
    >>> derivative(x * 3.0, 0), derivative(x.tanh().exp(), 0), derivative(x.erf(), 0)
    ('{1}', '{z}', '')
    """
    operation, number = node.operation, len(node.parents)
    if operation is None:
        return ""
    if operation.key == "dot":
        half = number // 2
        if slot == 2 * half:
            return "1"
        return _slot(slot + half if slot < half else slot - half).text
    if operation.key == "fsum":
        return "1"
    if operation.key == "constant_power":
        exponent = operation.parameters[0]
        if exponent == 2.0:
            return "2 · {0*}"
        return f"{scripted(exponent)} · {{0^}}{SUP}{scripted(exponent - 1.0)}{END}"
    derivatives = _DERIVATIVES.get(operation.key, ())
    return derivatives[slot] if slot < len(derivatives) else ""


def fill(template: str, operands: Sequence[str], result: str) -> str:
    """A template with the names of the operands and the result, as the page's script fills it.

    >>> from ..text.names import Name, plain
    >>> plain(fill("{0^} · {0}", [Name("w", "1", "2").rich], ""))
    '(w^(2)_1) · w^(2)_1'
    >>> plain(fill("{0^} + {0*} · {1*}", ["y - t", "ln(y - t)"], ""))
    '(y - t) + (y - t) · ln(y - t)'
    """

    def name(match: re.Match[str]) -> str:
        text = result if match[1] == "z" else operands[int(match[1])]
        is_loose = match[2] == "^" and (SUP in text or " " in text)
        is_loose |= match[2] == "*" and bool(_LOOSE.search(re.sub(r"\([^()]*\)", "", text)))
        return f"({text})" if is_loose else text

    return re.sub(r"\{(z|\d+)([*^]?)\}", name, template)


def _slot(i: int) -> Part:
    """Where operand i goes."""
    return Part(f"{{{i}}}")
