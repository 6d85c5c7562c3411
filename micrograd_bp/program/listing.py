"""What print(program) shows: a plan as the equations of its layers, and its single instructions."""

from collections.abc import Sequence

from ..messages import count
from ..text.names import clean
from .instructions import Plan, Sum, Sums
from .notation import Book, Line

LINES = 100  # of instructions; of a longer listing the middle is left out


def listing(plan: Plan, names: Sequence[str]) -> str:
    """The steps of a plan, in the order in which they run.

    Args:
        plan: of instructions.py.
        names: the labels of the inputs, then of the parameters; "" for none.
    """
    book = Book(plan, names)
    once = [_shown(line) for step in plan.once for line in book.lines(step)]
    each = [_shown(line) for step in plan.each for line in book.lines(step)]
    n_each = sum(not isinstance(step, (Sum, Sums)) for step in plan.each)
    outputs = [f"output {k} = {book.number(place).text}" for k, place in enumerate(plan.outputs)]
    head = (
        f"program of {count(plan.n_inputs, 'input')} and"
        f" {count(plan.n_parameters, 'parameter')}: {count(len(plan.once), 'instruction')} a call,"
        f" {n_each} a data point, in {count(plan.n_rows, 'row')}"
    )
    constants = [f"c{i} = {c!r}" for i, c in enumerate(plan.constants)]
    sections = (
        ("constants", constants),
        ("once a call", once),
        ("for each data point", each),
        ("results", outputs),
    )
    lines = [head]
    for title, section in sections:
        if section:
            lines += [f"{title}:", *("  " + line for line in shortened(section, "... {} more"))]
    return "\n".join(lines)


def _shown(line: Line) -> str:
    equation = f"{line.left} {line.sign} {line.right}"
    name = clean(f"{line.scope} {line.label}")
    remark = ", ".join(part for part in (name, " x ".join(map(str, line.shape))) if part)
    return f"{equation:<40}  ; {remark}" if remark else equation


def shortened(lines: list[str], gap: str) -> list[str]:
    """The lines, or of many the first and the last, and a line with the number of the others."""
    if len(lines) <= LINES:
        return lines
    half = LINES // 2
    return [*lines[:half], gap.format(len(lines) - 2 * half), *lines[-half:]]
