r"""What nodes are called: a label read as in the book, and written as text, rich text or LaTeX.

w_12 is w with the indices 1 and 2, delta_j a Greek letter, w1_12 a weight of the first layer:
the layer stands above, in parentheses, as in w^(1)_12 (Bishop & Bishop, Deep Learning, 2024,
section 6.2). Where nodes of several layers share a label, the layer is written too.

A rich text is a string in which SUB or SUP starts an index and END ends it. The three are private
characters, which ``clean`` takes out of labels, so a label cannot forge them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import count, pairwise
from typing import Any, NamedTuple, TypeVar

from ..engine import Value
from .tables import Cell, text_formula

Named = TypeVar("Named", bound=Hashable)

SUB, SUP, END = "\ue000", "\ue001", "\ue002"
LONGEST = 40  # characters of a letter or word
MAX_TEXT = 60  # characters of a label
ZERO_WIDTH_JOINER = "\u200d"  # not printable, and yet part of many emoji

GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
        " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi"
        " Omega".split(),
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        strict=True,
    )
)
_SPELLED = {letter: word for word, letter in GREEK.items()}
_LETTERS = f"A-Za-z{''.join(_SPELLED)}"
_LETTER = re.compile(rf"([{_LETTERS}]|{'|'.join(GREEK)})(\d*)(?:_([{_LETTERS}0-9,=]+))?")
_WORD = re.compile(r"([A-Za-z]+)()_(\d+|[a-z])")  # learning_rate is no word with an index
_LAYER = re.compile(r"(?:^|/)layer(\d+)(?:/|$)")


def clean(text: str) -> str:
    """One line of printable characters, not too long.

    >>> clean("two\\nlines")
    'two lines'
    """
    line = " ".join(text.split())
    if len(line) > MAX_TEXT:
        line = line[: MAX_TEXT - 1] + "…"
    return "".join(c if c.isprintable() or c == ZERO_WIDTH_JOINER else "\ufffd" for c in line)


def scope_path(scope: str) -> tuple[str, ...]:
    """The names in a scope, the outermost first.

    >>> scope_path("layer1/neuron3"), scope_path("")
    (('layer1', 'neuron3'), ())
    """
    return tuple(name for name in scope.split("/") if name.strip())


class Name(NamedTuple):
    r"""A letter or a word with its indices.

    Attributes:
        letter: as the label has it: w, δ or delta, loss.
        below: the indices.
        above: the number of the layer, without its parentheses.
        label: what it was read from, if from a label.

    >>> name = Name("delta", "j", "1")
    >>> name.plain, name.rich == "δ" + SUP + "(1)" + END + SUB + "j" + END
    ('delta^(1)_j', True)
    >>> print(name.latex)
    \delta^{(1)}_{j}
    """

    letter: str
    below: str = ""
    above: str = ""
    label: str = ""

    @property
    def plain(self) -> str:
        """The name in plain text: the label, unless there is a layer to write."""
        if self.label and not self.above:
            return self.label
        above = f"^({self.above})" if self.above else ""
        return self.letter + above + (f"_{self.below}" if self.below else "")

    @property
    def rich(self) -> str:
        """The name as rich text."""
        above = f"{SUP}({self.above}){END}" if self.above else ""
        below = "".join(GREEK.get(word, word) for word in re.split("([,=])", self.below))
        return self.symbol + above + (f"{SUB}{below}{END}" if below else "")

    @property
    def latex(self) -> str:
        """The name as LaTeX."""
        above = f"^{{({self.above})}}" if self.above else ""
        below = "".join(map(_index_formula, re.split("([,=])", self.below)))
        return _letter_formula(self.symbol) + above + (f"_{{{below}}}" if below else "")

    @property
    def symbol(self) -> str:
        """Its letter, a Greek one as such."""
        return GREEK.get(self.letter, self.letter)

    @property
    def cell(self) -> Cell:
        """The name, to stand in a table by itself."""
        return Cell(self.plain, self.latex)


def read_name(label: str) -> Name:
    r"""A label as a letter or a word with indices, or as it is.

    >>> for label in ("w1_12", "delta_k=2", "x1", "loss", "50% off"):
    ...     print(read_name(label).plain, read_name(label).latex)
    w^(1)_12 w^{(1)}_{12}
    delta_k=2 \delta_{k=2}
    x1 x_{1}
    loss \mathrm{loss}
    50% off \text{50}\%\text{ off}
    """
    text = clean(label)
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    match = _LETTER.fullmatch(short) or _WORD.fullmatch(short)
    if match is None:
        return Name(short, label=text)
    letter, digits, index = match.groups()
    return Name(letter, index, digits, text) if index else Name(letter, digits, label=text)


def derivative_cell(text: str) -> Cell:
    r"""A derivative such as "dE/dw1_12" for a table; anything else as a name.

    >>> derivative_cell("dE/dw1_12").text
    'dE/dw^(1)_12'
    >>> print(derivative_cell("dE/dw1_12").formula)
    \partial E / \partial w^{(1)}_{12}
    """
    above, _, below = text.partition("/d")
    if not (below and above.startswith("d")):
        return read_name(text).cell
    of, by = read_name(above[1:]), read_name(below)
    return Cell(f"d{of.plain}/d{by.plain}", rf"\partial {of.latex} / \partial {by.latex}")


def plain(rich: str) -> str:
    """Rich text for where there are no indices, such as the title of a page.

    >>> plain(Name("w", "12", "1").rich)
    'w^(1)_12'
    """
    return rich.replace(SUB, "_").replace(SUP, "^").replace(END, "")


def parts(rich: str) -> list[tuple[str, str]]:
    """Rich text in pieces, each with the mark before it: SUB, SUP or none.

    END + SUB is the mark of an index that stands under the one before.

    >>> [(mark == END + SUB, text) for mark, text in parts(Name("w", "12", "1").rich)]
    [(False, 'w'), (False, '(1)'), (True, '12')]
    """
    pieces = re.findall(f"([{SUB}{SUP}{END}]*)([^{SUB}{SUP}{END}]+)", rich)
    stacked = [mark == END + SUB and before == SUP for (before, _), (mark, _) in pairwise(pieces)]
    return [
        (mark if is_stacked else mark[-1:].replace(END, ""), text)
        for (mark, text), is_stacked in zip(pieces, [False, *stacked])
    ]


def layer_of(node: Value) -> str:
    """The number of the layer in the scope of a node, or nothing."""
    return layer_in(node.scope)


def layer_in(scope: str) -> str:
    """The number of the layer in a scope, or nothing.

    >>> layer_in("layer1/neuron3"), layer_in("head")
    ('1', '')
    """
    match = _LAYER.search(scope)
    return match[1] if match else ""


def names_of(nodes: Iterable[Value], root: Value | None = None) -> dict[Value, Name]:
    """The names of the labelled nodes, and of the root: f, if it has no label.

    >>> a, b = Value(1.0, "w"), Value(2.0, "w")
    >>> [name.plain for name in names_of([a, b]).values()]
    ['w^(1)', 'w^(2)']
    """
    names = {node: read_name(node.label) for node in nodes if node.label}
    if root is not None and not names.setdefault(root, read_name(root.label)).letter:
        names[root] = Name("f")
    return told_apart({node: name for node, name in names.items() if name.letter})


def told_apart(
    names: dict[Named, Name], layer: Callable[[Any], str] = layer_of
) -> dict[Named, Name]:
    """The names, with the layer above where those of a letter are the same in several layers.

    Those that are the same even so are numbered, also above: y^(2,1), y^(2,2) in the second
    layer, w^(1), w^(2) where there is none.

    Args:
        names: of nodes, or of whatever has a layer.
        layer: the number of the layer of one of them, or nothing.
    """
    layers = {node: layer(node) for node in names}
    first: dict[str, str] = {}
    ambiguous = {
        name.symbol
        for node, name in names.items()
        if layers[node] and first.setdefault(name.rich, layers[node]) != layers[node]
    }
    layered = {
        node: name._replace(above=name.above or layers[node]) if name.symbol in ambiguous else name
        for node, name in names.items()
    }
    taken = Counter(name.rich for name in layered.values())
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    result = {}
    for node, name in layered.items():
        if taken[name.rich] > 1:
            above = f"{name.above or layers[node]},".removeprefix(",")
            numbered = (name._replace(above=f"{above}{i}") for i in numbers[name.rich])
            name = next(other for other in numbered if other.rich not in taken)
            taken[name.rich] = 1
        result[node] = name
    return result


def new_names(taken: Iterable[Name]) -> Iterator[Name]:
    """v_1, v_2, ..., but those that are taken.

    >>> next(new_names([read_name("v1")])).plain
    'v_2'
    """
    present = {name.rich for name in taken}
    return (name for i in count(1) if (name := Name("v", str(i))).rich not in present)


def _index_formula(index: str) -> str:
    if index in GREEK:
        return f"\\{index}"
    return rf"\mathrm{{{index}}}" if re.search("[A-Za-z]{3}", index) else index


def _letter_formula(letter: str) -> str:
    if letter in _SPELLED:
        return f"\\{_SPELLED[letter]}"
    if re.fullmatch("[A-Za-z][A-Za-z0-9]+", letter):
        return rf"\mathrm{{{letter}}}"
    return letter if re.fullmatch("[A-Za-z]", letter) else text_formula(letter) or r"\text{?}"
