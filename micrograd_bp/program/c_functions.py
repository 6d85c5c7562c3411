"""The functions of a graph in C: operators, what the C library has, and elementary.c."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

OPERATORS = {  # by key; the others are functions of C
    "constant": "{}",
    "add": "({} + {})",
    "sub": "({} - {})",
    "mul": "({} * {})",
    "div": "({} / {})",
    "neg": "(-{})",
    "where": "({} != 0.0 ? {} : {})",
}
RENAMED = {  # where the C library has the name for something else
    "abs": "fabs",
    "pow": "power",
    "constant_power": "pow",
    "cbrt": "cube_root",
    "mod": "remainder_of",
    "round": "round_to",
    "lgamma": "log_gamma",
}
OF_THE_LIBRARY = frozenset(
    "fabs pow sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh asin acos atan"
    " asinh acosh atanh atan2 hypot erf erfc floor ceil trunc".split()
)


@cache
def definitions() -> dict[str, str]:
    """What elementary.c defines: the text of each, with its comment, by its name."""
    text = Path(__file__).with_name("elementary.c").read_text(encoding="utf-8")
    blocks = re.split(r"\n\n(?=/\*|static )", text)
    found = {}
    for block in blocks:
        match = re.search(r"^(?:static \w+ (\w+)\(|\} (\w+);)", block, re.MULTILINE)
        if match:
            found[match[1] or match[2]] = block.strip() + "\n"
    return found


def picked(names: Iterable[str]) -> list[str]:
    """The definitions of functions and of what they call, callees first."""
    known = definitions()
    needed = set(names) & known.keys()
    todo = [*needed]
    while todo:
        code = re.sub(r"/\*.*?\*/", "", known[todo.pop()], flags=re.DOTALL)
        called = set(re.findall(r"\w+(?=\()|\b[A-Z]\w+", code)) & known.keys()
        todo += called - needed
        needed |= called
    return [text for name, text in known.items() if name in needed]
