r"""What nodes are called: a label read as in the book, and written as text, rich text or LaTeX.

w_12 is w with the indices 1 and 2, delta_j a Greek letter, w1_12 a weight of the first layer:
the layer stands above, in parentheses, as in w^(1)_12 (Bishop & Bishop, Deep Learning, 2024,
section 6.2). Where nodes of several layers share a label, the layer is written too, and then with
every letter: a^(1)_1, z^(1)_1 and delta^(1)_1 beside w^(1)_12. The outputs y_k need none.

A rich text is a string in which SUB or SUP starts an index and END ends it. The three are private
characters, which ``clean`` takes out of labels, so a label cannot forge them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import count, pairwise
from typing import Any, NamedTuple, TypeVar

from ..engine import Value, topological_order
from . import label_formulas
from .label_formulas import ATOM, POWER, PRODUCT, SUM, Formula, read_formula
from .tables import Cell, text_formula

Named = TypeVar("Named", bound=Hashable)

SUB, SUP, END = label_formulas.MARKS
NEAR = 10_000  # nodes of a graph that is looked at whole
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
_LETTER = re.compile(
    rf"([{_LETTERS}]|{'|'.join(GREEK)})(?:(\d*)|\^\((\d+)\))(?:_([{_LETTERS}0-9,=]+))?"
)
_WORD = re.compile(r"([A-Za-z]+)()()_(\d+|[a-z])")  # learning_rate is no word with an index
_LAYER = re.compile(r"(?:^|/)layer(\d{1,9})(?:/|$)")
_NAME = re.compile(r"[^\W\d_]+\d*_[\w,=]*\w")  # one with an index, in a text
_COMMANDS = frozenset("ln log exp sin cos tan sinh cosh tanh max min sum_k".split())  # of LaTeX


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
    r"""A letter or a word with its indices; or what else a label says, such as y_1 - t_1.

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
    >>> print(Name("(y_1 - t_1)^2").latex)
    (y_{1} - t_{1})^{2}
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
        return self._base(self.letter) + above + (f"_{self.below}" if self.below else "")

    @property
    def rich(self) -> str:
        """The name as rich text."""
        above = f"{SUP}({self.above}){END}" if self.above else ""
        below = self.below
        if not below.isdigit():
            below = "".join(GREEK.get(word, word) for word in re.split("([,=])", below))
        text = typeset(self.symbol) if " " in self.letter else self.symbol
        base = self._base(self.formula.rich if self.formula else text)
        return base + above + (f"{SUB}{below}{END}" if below else "")

    @property
    def latex(self) -> str:
        """The name as LaTeX."""
        above = f"^{{({self.above})}}" if self.above else ""
        below = "".join(map(_index_formula, re.split("([,=])", self.below)))
        base = self._base(self.formula.latex if self.formula else _letter_formula(self.symbol))
        return base + above + (f"_{{{below}}}" if below else "")

    @property
    def formula(self) -> Formula | None:
        """The formula that a label such as y_1 - t_1 is; None for any other."""
        return read_formula(self.letter, _named)

    @property
    def level(self) -> int:
        """How tightly it binds, be it a formula or words."""
        if self.above:
            return POWER
        if self.formula:
            return self.formula.level
        words = PRODUCT if " " in self.letter else ATOM
        return SUM if re.search("^[-−]| [-−+=] ", self.letter) else words

    def _base(self, text: str) -> str:
        return f"({text})" if self.above and (" " in self.letter or self.formula) else text

    @property
    def symbol(self) -> str:
        """Its letter, a Greek one as such."""
        return GREEK.get(self.letter, self.letter)

    @property
    def cell(self) -> Cell:
        """The name, to stand in a table by itself."""
        return Cell(self.plain, self.latex)


@lru_cache(maxsize=10_000)  # data points share labels
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
    letter, digits, layer, index = match.groups()
    if index or layer:
        return Name(letter, index or "", layer or digits, text)
    return Name(letter, digits, label=text)


def typeset(text: str) -> str:
    """A text with the names and the powers in it as rich text.

    >>> typeset("20 × x_1") == "20 × x_1", plain(typeset("20 × x_1"))
    (False, '20 × x_1')
    """
    named = _NAME.sub(lambda name: read_name(name[0]).rich, text)
    return re.sub(r"\^(\d+)", rf"{SUP}\1{END}", named)


def in_derivative(text: str) -> str:
    """A name, or a number, as it stands behind a d, in parentheses if it is more than a name.

    >>> in_derivative("w_1"), in_derivative("y_1 - t_1"), in_derivative("a*b"), in_derivative("2")
    ('w_1', '(y_1 - t_1)', '(a*b)', '(2)')
    """
    formula = read_formula(plain(text), _named)
    is_loose = formula is not None and formula.level < ATOM
    return f"({text})" if is_loose or re.match(r"[-−\d]|.*\s", text) else text


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


@lru_cache(maxsize=10_000)
def layer_in(scope: str) -> str:
    """The number of the layer in a scope, or nothing.

    >>> layer_in("layer1/neuron3"), layer_in("head")
    ('1', '')
    """
    match = _LAYER.search(scope)
    return match[1] if match else ""


def near(value: Value) -> list[Value]:
    """The graph of a Value, parents first; of a large one the nodes nearest to the Value.

    These tell whether names need layers, at the same cost for a graph of any size.

    >>> x = Value(2.0)
    >>> y = x * x
    >>> near(y) == [x, y]
    True
    """
    nodes, found = [value], {value}
    for node in nodes:
        if len(nodes) > NEAR:
            return nodes[::-1]
        new = [parent for parent in dict.fromkeys(node.parents) if parent not in found]
        found.update(new)
        nodes += new
    return topological_order(value)


def names_of(nodes: Iterable[Value], root: Value | None = None) -> dict[Value, Name]:
    """The names of the labelled nodes of a graph, and of the root: f, if it has no label.

    >>> a, b = Value(1.0, "w"), Value(2.0, "w")
    >>> [name.plain for name in names_of([a, b]).values()]
    ['w^(1)', 'w^(2)']
    """
    names = _read(nodes, root)
    return told_apart(names, beside=_errors(names))


def errors_of(nodes: Iterable[Value], root: Value | None = None) -> dict[Value, Name]:
    """The names of the errors delta_j, each by the pre-activation a_j whose grad it is.

    >>> from micrograd_bp import topological_order
    >>> from micrograd_bp.nn import MLP
    >>> order = topological_order(MLP(1, [1, 1], seed=0)([0.5]))
    >>> [name.plain for name in errors_of(order).values()]
    ['δ^(1)_1', 'δ^(2)_1']
    """
    names = _read(nodes, root)
    return told_apart(_errors(names), beside=names)


def _read(nodes: Iterable[Value], root: Value | None) -> dict[Value, Name]:
    names = {node: read_name(node.label) for node in nodes if node.label}
    if root is not None and not names.setdefault(root, read_name(root.label)).letter:
        names[root] = Name("f")
    return {node: name for node, name in names.items() if name.letter}


def _errors(names: Mapping[Value, Name]) -> dict[Value, Name]:
    return {
        node: Name("δ", name.below, name.above)
        for node, name in names.items()
        if name.below and is_pre_activation(node)
    }


def is_pre_activation(node: Value) -> bool:
    """Whether a node is the a_j of a unit: one ``dot``, and in a layer or called a."""
    operation = node.operation
    if operation is None or operation.key == "constant":
        return False
    is_unit = operation.key == "dot" and bool(layer_of(node))
    return is_unit or bool(re.match(r"a\d*_", node.label))


def told_apart(
    names: Mapping[Named, Name],
    layer: Callable[[Any], str] = layer_of,
    beside: Mapping[Named, Name] | None = None,
) -> dict[Named, Name]:
    """The names, with the layer above where one is the same in several layers.

    Then every letter has it, but those that only the last layer has, such as the outputs y_k
    (Bishop & Bishop, Deep Learning, 2024, section 6.2). What is the same even so is numbered, also
    above: y^(2,1), y^(2,2) in the second layer, w^(1), w^(2) where there is none.

    Args:
        names: of nodes, or of whatever has a layer.
        layer: the number of the layer of one of them, or nothing.
        beside: names of other quantities that have layers, to be told apart too.
    """
    in_layers = {node: (name, layer(node)) for node, name in names.items()}
    others = [(name, layer(node)) for node, name in (beside or {}).items()]
    letters = _layered(dict.fromkeys([*in_layers.values(), *others]))
    layered = {
        (name, n): name._replace(above=name.above or n) if name.symbol in letters else name
        for name, n in dict.fromkeys(in_layers.values())
    }
    called = {one: name.rich for one, name in layered.items()}
    taken = Counter(called[one] for one in in_layers.values())
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    result = {}
    for node, one in in_layers.items():
        name = layered[one]
        if taken[called[one]] > 1:
            above = f"{name.above or one[1]},".removeprefix(",")
            numbered = (name._replace(above=f"{above}{i}") for i in numbers[called[one]])
            name = next(other for other in numbered if other.rich not in taken)
            taken[name.rich] = 1
        result[node] = name
    return result


def _layered(names: Iterable[tuple[Name, str]]) -> set[str]:
    """The letters and words to be written with their layer, of names and their layers."""
    in_layers = [(name, layer) for name, layer in names if layer]
    first: dict[str, str] = {}
    same = {name.symbol for name, n in in_layers if first.setdefault(name.rich, n) != n}
    if not same:
        return same
    last = max((n for _, n in in_layers), key=int)
    return same | {name.symbol for name, n in in_layers if n != last and len(name.symbol) == 1}


def of_many(node: Value, name: Name) -> Name:
    """What a node is called together with others of its label: its layer stays, a number goes.

    >>> x, y = Value(1.0, "x_1"), Value(2.0, "x_1")
    >>> name = names_of([x, y])[y]
    >>> name.plain, of_many(y, name).plain
    ('x^(2)_1', 'x_1')
    """
    own = read_name(node.label)
    return own._replace(above=own.above or (layer_of(node) if name.above else ""))


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


def _named(token: str) -> Formula:
    """A name in a label that is a formula."""
    if token in _COMMANDS:
        return Formula(rf"\{token}", token)
    name = read_name(token)
    is_word = name.latex.startswith((r"\mathrm", r"\text")) and not name.below
    return Formula(name.latex, name.rich, is_word=is_word)
