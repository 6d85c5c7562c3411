r"""Labels that are formulas, such as y_1 - t_1 or sin(x)/2, read by one grammar.

    sum:      ["-"] product {("+" | "-" | "=") product}
    product:  power {("*" | "/" | "·" | "×" | a space | nothing) power}
    power:    atom [("^" | "**") ["-"] atom]
    atom:     a number | a name | name "(" sum {"," sum} ")" | "(" sum {"," sum} ")"

What else a label may be stays a text: words and hyphens, as in learning rate, x-axis, train/loss
and A/B test. So a minus has spaces around it, and words stand beside no operator without spaces but
a power, nor behind or before a space where there is such an operator.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

MARKS = SUB, SUP, END = "\ue000", "\ue001", "\ue002"  # of rich text
MOST_GROUPS = 20  # in parentheses; no label has more
# How tightly a part binds, from what needs parentheses nearly everywhere to what never does.
LEVELS = LOOSE, SUM, NEGATED, PRODUCT, POWER, ATOM = range(6)

NAME = r"[^\W\d_]+\d*(?:\^\(\d+\))?(?:_[\w,=]*\w)?"
_TOKEN = re.compile(rf"{NAME}|\d+(?:\.\d+)?(?:e-?\d+)?| *(?:\*\*|[-−+*/·×=^,]) *|[() ]")
_SIGNS = {"*": (r"\cdot", "·"), "·": (r"\cdot", "·"), "×": (r"\times", "×"), "−": ("-", "−")}


class Formula(NamedTuple):
    """A label, or a part of it, in two notations.

    Attributes:
        latex, rich: as LaTeX, and as rich text.
        level: how tightly it binds, from SUM to ATOM.
        is_word: whether it is a word, which may be part of a text, or has one at an end.
    """

    latex: str
    rich: str
    level: int = ATOM
    is_word: bool = False


class _NoFormula(Exception):
    """It is a text."""


class _Reader:
    def __init__(self, text: str, name: Callable[[str], Formula]) -> None:
        self._tokens: list[str] = [*_TOKEN.findall(text), ""]
        if "".join(self._tokens) != text or text.count("(") > MOST_GROUPS:
            raise _NoFormula
        self._name = name
        self._at = 0
        self._has_operators = self._has_tight_ones = self._has_loose_words = False
        self._is_dull = True  # as 12/05/2024

    def whole(self) -> Formula:
        found = self._sum()
        is_text = self._has_tight_ones and self._has_loose_words
        if self._next() or not self._has_operators or self._is_dull or is_text:
            raise _NoFormula
        return found

    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self, signs: str) -> str:
        """The next token, without its spaces, if it is one of some signs; else nothing."""
        sign = self._next().strip()
        return sign if sign and sign in signs.split() else ""

    def _with(self, left: Formula, right: Formula, token: str, level: int) -> Formula:
        """Two operands and what stands between them."""
        sign, words = token.strip(), [part for part in (left, right) if part.is_word]
        if not sign:
            has_space = left.latex.endswith(f"\\{left.rich.split(' ')[-1]}")  # of its own, as \ln
            space = r"\ " if words and token and not has_space else token
            self._has_loose_words |= bool(words and token)
            latex, rich = left.latex + space + right.latex, left.rich + token + right.rich
            return Formula(latex, rich, level, bool(words))
        self._has_operators = True
        if token != sign:
            self._is_dull = False
        elif sign in "-−" or any(map(_is_bare, words)):
            raise _NoFormula
        else:
            self._has_tight_ones = True
        latex, rich = _SIGNS.get(sign, (sign, sign))
        return Formula(
            f"{left.latex} {latex} {right.latex}", f"{left.rich} {rich} {right.rich}", level
        )

    def _sum(self) -> Formula:
        negative = self._take().strip() if self._sign("- −") else ""
        found = self._product()
        if negative:
            self._has_operators = True
            found = Formula(f"-{found.latex}", negative + found.rich, SUM)
        while self._sign("+ - − ="):
            token = self._take()
            found = self._with(found, self._product(), token, SUM)
        return found

    def _product(self) -> Formula:
        found = self._power()
        while self._next() and not self._sign("+ - − = , )"):
            token = self._take() if self._sign("* / · ×") or self._next() == " " else ""
            found = self._with(found, self._power(), token, PRODUCT)
        return found

    def _power(self) -> Formula:
        base = self._atom()
        if not self._sign("^ **"):
            return base
        self._has_operators, self._is_dull = True, False
        token = self._take().strip()
        sign = self._take().strip() if self._sign("- −") else ""
        in_group = self._next() == "("
        exponent = self._atom()
        if self._sign("^ **"):
            raise _NoFormula
        above = exponent.latex[1:-1] if in_group else exponent.latex
        latex = f"{{{base.latex}}}" if "^" in base.latex and base.latex[0] != "(" else base.latex
        rich = f"{token}{sign}{exponent.rich}"
        if not set(exponent.rich) & {SUB, SUP}:
            rich = SUP + sign + exponent.rich + END
        minus = "-" * bool(sign)
        return Formula(f"{latex}^{{{minus}{above}}}", base.rich + rich, POWER, base.is_word)

    def _atom(self) -> Formula:
        token = self._take()
        if token == "(":
            return self._group()
        if not re.match(r"\w", token):
            raise _NoFormula
        if token[0].isdigit():
            return Formula(token, token)
        self._is_dull = False
        found = self._name(token)
        if self._next() == "(":
            self._take()
            self._has_operators = True
            arguments = self._group()
            return Formula(found.latex + arguments.latex, found.rich + arguments.rich)
        return found

    def _group(self) -> Formula:
        parts = [self._sum()]
        while self._sign(","):
            self._take()
            parts.append(self._sum())
        if self._take() != ")":
            raise _NoFormula
        latex = ", ".join(part.latex for part in parts)
        rich = ", ".join(part.rich for part in parts)
        return Formula(f"({latex})", f"({rich})", is_word=any(part.is_word for part in parts))


def _is_bare(word: Formula) -> bool:
    """Whether a word has neither a power nor parentheses."""
    return word.level != POWER and word.latex[0] != "("


@lru_cache(maxsize=10_000)
def read_formula(text: str, name: Callable[[str], Formula]) -> Formula | None:
    r"""A label as a formula; None if it is a text.

    Args:
        text: of one line.
        name: gives a name in it in the two notations, and says whether it is a word.

    >>> def name(text):
    ...     return Formula(text, text)
    >>> read_formula("a*b", name).latex, read_formula("x**2 + 1", name).latex
    ('a \\cdot b', 'x^{2} + 1')
    >>> read_formula("x-axis", name)
    """
    if re.fullmatch(NAME, text):
        return None
    try:
        return _Reader(text, name).whole()
    except _NoFormula:
        return None
