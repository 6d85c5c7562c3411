r"""The one printer of operations: an operation in terms of its operands, as text.

A form of an operation is a template or a few lines of Python; what has none is written as
name(operands). A notation of its own, such as LaTeX, is a subclass with other forms, in the manner
of SymPy's printers. Every operand comes with how tightly it binds, so that parentheses stand where
they are needed and nowhere else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any, ClassVar, NamedTuple

from ..engine import Value
from ..functions import FUNCTIONS, Function
from . import label_formulas
from .names import Name
from .numbers import significant

LOOSE, SUM, NEGATED, PRODUCT, POWER, ATOM = label_formulas.LEVELS
MAX_TERMS = 8  # a longer sum is abbreviated

_LEVELS = {"": LOOSE, "+": SUM, "*": PRODUCT, "^": ATOM}


class Part(NamedTuple):
    """A piece of a formula.

    Attributes:
        text: as the printer writes it.
        level: how tightly it binds, from LOOSE to ATOM.
    """

    text: str
    level: int = ATOM


Operands = Sequence[Part | None]  # None for one of those left out, shown as dots
Template = tuple[int, str]
Form = Template | Callable[[Any, Operands, Sequence[float]], Part]


def visible(function: Function, operands: int, first: float = 3) -> list[bool]:
    """Which operands are written: of a long sum the first few terms and the last.

    >>> visible(FUNCTIONS["dot"], 19).count(True), visible(FUNCTIONS["fsum"], 9).count(True)
    (9, 4)
    """
    is_dot = function is FUNCTIONS["dot"]
    terms = operands // 2 if is_dot else operands
    seen = [terms <= MAX_TERMS or i < first or i == terms - 1 for i in range(terms)]
    return [*seen, *seen, *[True] * (operands % 2)] if is_dot else seen


def visible_operands(node: Value) -> list[bool]:
    """Which operands of a node are written."""
    operation = node.operation
    return visible(operation.function, len(node.parents)) if operation else []


class Printer:
    """Writes operations as in Python, but for the weighted sum of a unit.

    Attributes:
        forms: those of the operations, by their keys in the table. In a template {x}, {y}, {z}
            are the operands and {a}, {b} the parameters; {x+} stands in a sum, {x*} in a product
            and {x^} as a base.
        times, dots: between factors, and for what is left out.
        first: how many terms of a long sum are written before the dots.

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> TEXT.node((x + y) ** 3, [Part("x + y", SUM)])
    Part(text='(x + y)**3', level=4)
    """

    forms: ClassVar[Mapping[str, Form]] = {
        "add": lambda self, x, _: self.sum(x),
        "sub": (SUM, "{x+} - {y*}"),
        "mul": lambda self, x, _: self.product(x),
        "div": (PRODUCT, "{x*} / {y^}"),
        "floordiv": (PRODUCT, "{x*} // {y^}"),
        "mod": (PRODUCT, "{x*} % {y^}"),
        "neg": (NEGATED, "-{x*}"),
        "constant_power": (POWER, "{x^}**{a}"),
        "constant_power_derivative": lambda self, x, p: self.derivative_of_power(x[0], *p),
        "pow": (POWER, "{x^} ** {y^}"),
        "dot": lambda self, x, _: self.dot(x),
    }
    times = " * "
    dots = "..."
    first: float = 3

    def node(self, node: Value, operands: Operands) -> Part:
        """A node in terms of its operands; a number if it has none.

        Args:
            node: a Value.
            operands: a part for each parent; the middle ones of a long sum are left out.
        """
        if node.operation is None or not node.parents:
            return self.number(node.data)
        return self.operation(node.operation.function, operands, node.operation.parameters)

    def operation(
        self, function: Function, operands: Operands, parameters: Sequence[float]
    ) -> Part:
        """A function of the table, or of the user's own, of operands."""
        of_table = FUNCTIONS.get(function.key) is function
        form = self.forms.get(function.key) if of_table else None
        seen = visible(function, len(operands), self.first)
        written = [part if is_seen else None for part, is_seen in zip(operands, seen)]
        if form is None:
            return self.call(function.key or function.name, written, parameters)
        if callable(form):
            return form(self, written, parameters)
        return self.template(form, written, parameters)

    # --- what a notation says otherwise -----------------------------------------------------------

    def name(self, name: Name) -> Part:
        """The name of a node."""
        return Part(name.plain, name.level)

    def number(self, number: float) -> Part:
        """A number."""
        text = significant(number)
        return Part(text, NEGATED if text.startswith("-") else ATOM)

    def call(self, name: str, operands: Operands, parameters: Sequence[float]) -> Part:
        """An operation that has no form of its own."""
        return Part(f"{name}({self.listed([*operands, *map(self.number, parameters)])})")

    def parentheses(self, text: str) -> str:
        """A text in parentheses."""
        return f"({text})"

    def product(self, factors: Operands) -> Part:
        """Factors."""
        first, *others = (self.inside(f, PRODUCT if i else NEGATED) for i, f in enumerate(factors))
        text = self.times.join([first, *others])
        return Part(text, NEGATED if text.startswith("-") else PRODUCT)

    def product_of_some(self, factors: Operands) -> Part:
        """A product without those that are None."""
        some = [factor for factor in factors if factor is not None]
        return self.product(some) if len(some) > 1 else some[0] if some else self.number(1.0)

    def power(self, base: Part | None, exponent: float) -> Part | None:
        """None for the power 0, a factor that is left out."""
        if exponent in (0.0, 1.0):
            return base if exponent else None
        return self.operation(FUNCTIONS["constant_power"], [base], [exponent])

    def derivative_of_power(self, base: Part | None, c: float, k: float) -> Part:
        """c (c - 1) ... (c - k + 1) x^(c - k)."""
        coefficient = prod(c - i for i in range(int(k)))
        if coefficient == 0.0:
            return self.number(0.0)
        factor = None if coefficient == 1.0 else self.number(coefficient)
        return self.product_of_some([factor, self.power(base, c - k)])

    def weighted(self, weight: Part, x: Part) -> Part:
        """A term of a weighted sum."""
        return self.product([weight, x])

    def with_bias(self, products: Operands, bias: Operands) -> Part:
        """A weighted sum, the bias, if there is one, last: w_1 x_1 + w_2 x_2 + b."""
        return self.sum([*products, *bias])

    # --- what they have in common -----------------------------------------------------------------

    def inside(self, part: Part | None, level: int) -> str:
        """A part where something that binds as tightly as level is needed."""
        if part is None:
            return self.dots
        return part.text if part.level >= level else self.parentheses(part.text)

    def template(self, form: Template, operands: Operands, parameters: Sequence[float]) -> Part:
        """A template, filled."""
        level, text = form
        parts = {**dict(zip("xyz", operands)), **dict(zip("ab", map(self.number, parameters)))}
        return Part(
            re.sub(
                r"\{([xyzab])([+*^]?)\}",
                lambda match: self.inside(parts[match[1]], _LEVELS[match[2]]),
                text,
            ),
            level,
        )

    def listed(self, parts: Operands) -> str:
        """Parts between commas, dots once for all that are left out side by side."""
        pairs = zip([Part(""), *parts], parts)
        kept = [part for before, part in pairs if before is not None or part is not None]
        return ", ".join(self.inside(part, LOOSE) for part in kept)

    def sum(self, terms: Operands) -> Part:
        """Terms, a negative one subtracted."""
        if len(terms) < 2:
            return terms[0] or Part(self.dots) if terms else Part("0")
        text = self.inside(terms[0], SUM)
        for before, term in pairwise(terms):
            if term is not None and term.level in (SUM, NEGATED) and term.text.startswith("-"):
                text += f" - {term.text[1:]}"
            elif term is not None or before is not None:
                text += f" + {self.inside(term, SUM)}"
        return Part(text, SUM)

    def dot(self, operands: Operands) -> Part:
        """A weighted sum."""
        half = len(operands) // 2
        products = [
            None if w is None or x is None else self.weighted(w, x)
            for w, x in zip(operands[:half], operands[half:])
        ]
        return self.with_bias(products, operands[2 * half :])


class _TextPrinter(Printer):
    def weighted(self, weight: Part, x: Part) -> Part:
        return Part(f"{self.inside(weight, PRODUCT)}*{self.inside(x, PRODUCT)}", PRODUCT)


TEXT = _TextPrinter()
