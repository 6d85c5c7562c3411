"""Pieces of C99 as text: numbers, tables, comments, sums, statements, loops."""

from collections.abc import Iterable, Sequence
from math import isfinite
from textwrap import indent, wrap
from typing import Any

_WHOLE: Any = {"break_long_words": False, "break_on_hyphens": False}


def comment(text: str) -> str:
    """A label that ends no comment and has a line of ASCII."""
    return text.encode("ascii", "backslashreplace").decode().translate(_HARMLESS)


_HARMLESS = dict.fromkeys((*range(32), 127, *b"*?"))


def number(x: float) -> str:
    """A float, to the last bit."""
    if isfinite(x):
        return repr(x)
    return "NAN" if x != x else "INFINITY" if x > 0.0 else "-INFINITY"


def table(kind: str, name: str, entries: Iterable[str]) -> str:
    """An array of constants."""
    lines = wrap(", ".join(entries), 96, **_WHOLE)
    return f"static const {kind} {name}[] = {{\n{indent(chr(10).join(lines), '    ')}\n}};\n"


def bare(value: str) -> str:
    """An operation without the brackets around it."""
    return value[1:-1] if value.startswith("(") else value


def sum_of(first: int, steps: Sequence[tuple[str, int]]) -> str:
    """first + stride * i + ..., given (i, stride)."""
    parts = [f"{first}"] * (first != 0 or not any(stride for _, stride in steps))
    parts += [i if stride == 1 else f"{stride} * {i}" for i, stride in steps if stride]
    return " + ".join(parts)


def statement(text: str) -> str:
    """A statement in lines that are not too long."""
    return "\n".join(wrap(text, 92, subsequent_indent="    ", **_WHOLE))


def unless(conditions: Sequence[str], body: str) -> str:
    """A statement that runs where no condition holds."""
    return f"if (!{any_of(conditions)})\n{indent(body, '    ')}" if conditions else body


def any_of(conditions: Sequence[str]) -> str:
    """Whether one condition holds at least."""
    return conditions[0] if len(conditions) == 1 else f"({' || '.join(conditions)})"


def loop(i: str, n: int, body: str) -> str:
    """A statement, or several, for each i from 0 to n - 1."""
    head = f"for (int {i} = 0; {i} < {n}; {i}++)"
    if "\n" not in body and len(head) + len(body) < 90:
        return f"{head} {body}"
    if body.startswith(("for", "if")):
        return f"{head}\n{indent(body, '    ')}"
    return f"{head} {{\n{indent(body, '    ')}\n}}"
