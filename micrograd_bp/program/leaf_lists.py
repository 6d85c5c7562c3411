"""The lists of leaves that a Program is given: Values, not computed, each once; and their names."""

from collections import Counter
from collections.abc import Iterable, Sequence

from ..engine import Value
from ..messages import describe, describe_node
from ..numeric import show
from ..text.names import clean


def listed(what: str, values: object) -> list[Value]:
    """The Values, as a list.

    Raises:
        TypeError: they are none.

    >>> listed("inputs", [1.0])
    Traceback (most recent call last):
    ...
    TypeError: the inputs of a program are Values, and in the list is 1.0 (float)
    """
    if isinstance(values, Value) or not isinstance(values, Iterable):
        raise TypeError(f"the {what} of a program are a list of Values, not {show(values)}")
    found = list(values)
    for value in found:
        if not isinstance(value, Value):
            raise TypeError(f"the {what} of a program are Values, and in the list is {show(value)}")
    return found


def check_leaves(inputs: Sequence[Value], parameters: Sequence[Value]) -> None:
    """Raise where one was computed, or is there twice.

    Raises:
        ValueError: as said.
    """
    seen: dict[Value, str] = {}
    for kind, leaves in (("input", inputs), ("parameter", parameters)):
        for leaf in leaves:
            if leaf.parents:
                raise ValueError(
                    f"inputs and parameters of a program are leaves, and the {kind}"
                    f" {describe(leaf)} was computed: it is {describe_node(leaf)}"
                )
            if leaf in seen:
                raise ValueError(f"{describe(leaf)} is there twice, as {kind} and as {seen[leaf]}")
            seen[leaf] = kind


def names_of(leaves: Sequence[Value]) -> tuple[str, ...]:
    """The labels; with the scope where several leaves have the same.

    >>> names_of([Value(1.0, label="w"), Value(2.0)])
    ('w', '')
    """
    count = Counter(leaf.label for leaf in leaves)
    return tuple(
        f"{leaf.scope}/{leaf.label}" if count[leaf.label] > 1 and leaf.scope else leaf.label
        for leaf in leaves
    )


def in_words(names: Sequence[str], letter: str) -> str:
    """A list of names, the first and the last of many; a letter and the index where one has none.

    >>> in_words(["height", ""], "x")
    'height, x1'
    """
    found = [clean(name) or f"{letter}{i}" for i, name in enumerate(names)]
    return ", ".join(found if len(found) <= 8 else [*found[:6], "...", found[-1]]) or "none"
