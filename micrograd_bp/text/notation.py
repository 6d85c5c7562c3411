r"""Names and numbers as LaTeX, and how tightly each part of a formula binds.

A label is read as in the book: w_12 is w with the indices 1 and 2, delta_j a Greek letter, w1_12
a weight of the first layer. What is no such name becomes plain text, every character escaped.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from ..engine import Value
from .tables import Cell, number_formula, text_formula

# How tightly a part binds, from what needs parentheses nearly everywhere to what never does.
LOOSE, SUM, NEGATED, PRODUCT, POWER, ATOM = range(6)


class Part(NamedTuple):
    """A piece of a formula.

    Attributes:
        text: LaTeX.
        level: how tightly it binds, from LOOSE to ATOM.
    """

    text: str
    level: int = ATOM


def number_part(number: float) -> Part:
    """A number as part of a formula, to six digits.

    >>> number_part(-0.25).text
    '-0.25'
    """
    text = number_formula(f"{number + 0.0:.6g}")
    if text.startswith("-"):
        return Part(text, NEGATED)
    return Part(text, PRODUCT if "times" in text else ATOM)


_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
        " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi"
        " Omega".split(),
        strict=True,
    )
)
_NAME = re.compile(rf"([A-Za-z{''.join(_GREEK)}]+)(\d*)(?:_([A-Za-z0-9,=]+))?")


class _Name(NamedTuple):
    """A letter with its indices."""

    letter: str
    subscript: str = ""
    superscript: str = ""

    def part(self) -> Part:
        above = f"^{{({self.superscript})}}" if self.superscript else ""
        below = f"_{{{self.subscript}}}" if self.subscript else ""
        return Part(self.letter + above + below, POWER if above else ATOM)


def name_formula(label: str) -> str:
    r"""A label as LaTeX.

    >>> for label in ("a_j", "w1_12", "delta_k=2", "x1", "loss", "50% off"):
    ...     print(name_formula(label))
    a_{j}
    w^{(1)}_{12}
    \delta_{k=2}
    x_{1}
    \mathrm{loss}
    \text{50}\%\text{ off}
    """
    return _name(label).part().text


def derivative_formula(text: str) -> str:
    r"""A derivative such as "dE/dw_1" as LaTeX; anything else as a name.

    >>> print(derivative_formula("dE/dw_1"))
    \partial E / \partial w_{1}
    """
    above, _, below = text.partition("/d")
    if not (below and above.startswith("d")):
        return name_formula(text)
    return rf"\partial {name_formula(above[1:])} / \partial {name_formula(below)}"


def _name(label: str) -> _Name:
    match = _NAME.fullmatch(label) if len(label) <= 40 else None
    if match is None:
        short = label if len(label) <= 40 else label[:39] + "…"
        return _Name(text_formula(short) if short.strip() else r"\text{?}")
    letters, digits, index = match.groups()
    letters = _GREEK.get(letters, letters)
    if letters in _GREEK.values():
        letter = f"\\{letters}"
    else:
        letter = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
    if index is None:
        return _Name(letter, digits)
    words = [_GREEK.get(word, word) for word in re.split("([,=])", index)]
    index = "".join(
        f"\\{word}"
        if word in _GREEK.values()
        else rf"\mathrm{{{word}}}"
        if re.search("[A-Za-z]{3}", word)
        else word
        for word in words
    )
    return _Name(letter, index, digits)


class Named(NamedTuple):
    """What a node is called in plain text, and in a formula."""

    text: str
    part: Part

    @property
    def cell(self) -> Cell:
        """The same, to stand in a table by itself."""
        return Cell(self.text, self.part.text)


def names_of(nodes: Sequence[Value]) -> dict[Value, Named]:
    """A name for each labelled node, told apart by layers or numbers where labels are the same.

    >>> a, b = Value(1.0, "w"), Value(2.0, "w")
    >>> [named.text for named in names_of([a, b]).values()]
    ['w^(1)', 'w^(2)']
    """
    names = {node: _name(node.label) for node in nodes}
    if len(set(names.values())) < len(names):
        for node, name in names.items():
            layer = re.search(r"(?:^|/)layer(\d+)(?:/|$)", node.scope)
            if layer and not name.superscript:
                names[node] = name._replace(superscript=layer[1])
    alike = Counter(names.values())
    seen: Counter[_Name] = Counter()
    for node, name in names.items():
        if alike[name] > 1:
            seen[name] += 1
            above = ",".join(filter(None, [name.superscript, str(seen[name])]))
            names[node] = name._replace(superscript=above)
    return {
        node: Named(
            node.label + (f"^({name.superscript})" if name != _name(node.label) else ""),
            name.part(),
        )
        for node, name in names.items()
    }


def new_names(taken: Iterable[Named]) -> Iterator[Named]:
    """v_1, v_2, ..., but those that are taken.

    >>> next(new_names([Named("v_1", Part("v_{1}"))])).text
    'v_2'
    """
    formulas = {named.part.text for named in taken}
    for i in count(1):
        if f"v_{{{i}}}" not in formulas:
            yield Named(f"v_{i}", Part(f"v_{{{i}}}"))
