"""What the nodes of the page are called, with indices below and above the line.

A label is read as in the book: w_12 is w with the indices 1 and 2, delta_j a Greek letter. The grad
of a pre-activation a_j is the error delta_j (Bishop & Bishop, Deep Learning, 2024, section 8.1).
Where units of several layers share a label, the layer stands above, as in w with (1).

A rich text is a string in which SUB or SUP starts an index and END ends it. The three are private
characters, which ``clean`` takes out of labels, so a label cannot forge them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..engine import Value

SUB, SUP, END = "\ue000", "\ue001", "\ue002"
LONGEST = 24  # characters of a name

_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon eta theta lambda mu sigma phi omega".split(),
        "αβγδεηθλμσφω",
        strict=True,
    )
)
_NAME = re.compile(rf"([A-Za-zα-ω]|{'|'.join(_GREEK)})(\d{{0,3}})(?:_([A-Za-z0-9,=]{{1,7}}))?")
_LAYER = re.compile(r"layer(\d+)")


MAX_TEXT = 60  # characters of a label
ZERO_WIDTH_JOINER = "\u200d"  # not printable, and yet part of many emoji


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
    """A letter or a word with its indices.

    >>> Name("w", "12").rich == "w" + SUB + "12" + END
    True
    """

    base: str
    below: str = ""
    above: str = ""

    @property
    def rich(self) -> str:
        """The name as rich text."""
        above = f"{SUP}{self.above}{END}" if self.above else ""
        below = f"{SUB}{self.below}{END}" if self.below else ""
        return self.base + above + below


def read_name(label: str) -> Name:
    """A label as a letter with indices, or as it is.

    >>> read_name("w1_12"), read_name("delta_j"), read_name("x1").below, read_name("loss")
    (Name(base='w', below='12', above='(1)'), Name(base='δ', below='j', above=''), '1', \
Name(base='loss', below='', above=''))
    """
    text = clean(label)
    match = _NAME.fullmatch(text)
    if match is None:
        return Name(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
    letter, digits, index = match.groups()
    letter = _GREEK.get(letter, letter)
    return Name(letter, index, f"({digits})" if digits else "") if index else Name(letter, digits)


def plain(rich: str) -> str:
    """Rich text for where there are no indices, such as the title of a page.

    >>> plain(Name("w", "12", "(1)").rich)
    'w (1) 12'
    """
    return rich.replace(SUB, " ").replace(SUP, " ").replace(END, "")


class Names(NamedTuple):
    """For each node its name and that of its grad, as rich texts."""

    nodes: list[str]
    grads: list[str]


def name_nodes(order: Sequence[Value]) -> Names:
    """Name the nodes of a graph.

    Without a label the root is f, another node v_1, v_2, ... if an operation made it, and else
    its number. Those that share a label are numbered, in square brackets.

    Args:
        order: the nodes in topological order, the root last.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> [plain(name) for name in name_nodes([x, y]).nodes]
    ['x', 'f']
    """
    read = [read_name(node.label) for node in order]
    if not order[-1].label and order[-1].parents:
        read[-1] = Name("f")
    layers = [_layer(node) for node in order]
    errors = [
        Name("δ", name.below, name.above) if is_pre_activation(node) and name.below else None
        for node, name in zip(order, read, strict=True)
    ]
    nodes = _different(_with_layers([name if name.base else None for name in read], layers))
    taken, number = set(nodes), 0
    for i, node in enumerate(order):
        if not nodes[i] and node.parents:
            while not nodes[i] or nodes[i] in taken:
                number += 1
                nodes[i] = Name("v", str(number)).rich
        elif not nodes[i]:
            nodes[i] = format_number(node.data)
    root = nodes[-1] if order[-1].label else "f"
    below = [f"({name})" if name[0] in "-0123456789" else name for name in nodes]
    grads = _different(_with_layers(errors, layers))
    return Names(
        nodes, [delta or f"∂{root}/∂{name}" for delta, name in zip(grads, below, strict=True)]
    )


def is_pre_activation(node: Value) -> bool:
    """Whether a node is the a_j of a unit: one ``dot``, and in a scope or called a."""
    operation = node.operation
    if operation is None or operation.name == "constant":
        return False
    return bool(re.match(r"a\d*_", node.label)) or (operation.name == "dot" and bool(_layer(node)))


def format_number(number: float, digits: int = 6) -> str:
    """A number as the page's script writes it: to six digits in a text, to four in a picture.

    >>> [format_number(x) for x in (0.5, -0.0, 1 / 3, 1e-7, 123456789.0, float("inf"))]
    ['0.5', '0', '0.333333', '1e-7', '1.23457e8', 'inf']
    >>> [format_number(x, 4) for x in (1 / 3, 0.00012345)]
    ['0.3333', '1.234e-4']
    """
    if number - number != 0.0:
        return f"{number}"
    mantissa, exponent = f"{number + 0.0:.{digits - 1}e}".split("e")
    if number == 0.0 or -digits < int(exponent) < digits:
        text = f"{number + 0.0:.{digits - 1 - int(exponent)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{float(mantissa):g}e{int(exponent)}"


def _layer(node: Value) -> str:
    """The number of the layer in the scope of a node, or nothing."""
    for step in scope_path(node.scope):
        if match := _LAYER.fullmatch(step):
            return match[1]
    return ""


def _with_layers(names: Sequence[Name | None], layers: Sequence[str]) -> list[str]:
    """Rich texts; with the layer above where names of one letter would be ambiguous without."""
    seen: dict[Name, str] = {}
    ambiguous: set[str] = set()
    for name, layer in zip(names, layers, strict=True):
        if name and layer and seen.setdefault(name, layer) != layer:
            ambiguous.add(name.base)
    return [
        ""
        if name is None
        else name._replace(above=f"({layer})").rich
        if layer and name.base in ambiguous and not name.above
        else name.rich
        for name, layer in zip(names, layers, strict=True)
    ]


def _different(names: Sequence[str]) -> list[str]:
    """The names, those that several nodes share numbered in their order."""
    shared, seen = Counter(names), Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(f"{name} [{seen[name]}]" if name and shared[name] > 1 else name)
    return result
