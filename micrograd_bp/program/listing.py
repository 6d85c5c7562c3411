"""A plan as a short assembly listing: what print(program) shows."""

from collections.abc import Sequence
from typing import ClassVar

from ..text.operations import Operands, Part, Printer
from .instructions import Instruction, Plan, Sum

LINES = 100  # of instructions; of a longer listing the middle is left out


def listing(plan: Plan, names: Sequence[str]) -> str:
    """The instructions of a plan, in the order in which they run.

    Args:
        plan: of instructions.py.
        names: the labels of the inputs, then of the parameters; "" for none.
    """
    places = _place_names(plan, names)
    results = result_names(plan, names)
    once = [_line(one, places) for one in plan.once]
    each: list[str] = []
    for one in plan.each:
        each += (
            [_line(one, places)] if isinstance(one, Instruction) else _sums(one, places, results)
        )
    n_each = sum(isinstance(one, Instruction) for one in plan.each)
    outputs = [f"output {k} = {places[place]}" for k, place in enumerate(plan.outputs)]
    head = (
        f"program of {count(plan.n_inputs, 'input')} and"
        f" {count(plan.n_parameters, 'parameter')}: {count(len(once), 'instruction')} a call,"
        f" {n_each} a data point, in {count(plan.n_rows, 'row')}"
    )
    constants = [f"{places[plan.n_parameters + i]} = {c!r}" for i, c in enumerate(plan.constants)]
    sections = (
        ("constants", constants),
        ("once a call", once),
        ("for each data point", each),
        ("results", outputs),
    )
    lines = [head]
    for title, section in sections:
        if section:
            lines += [f"{title}:", *("  " + line for line in _shortened(section))]
    return "\n".join(lines)


def result_names(plan: Plan, names: Sequence[str]) -> list[str]:
    """What is summed over the data points: E, and its derivatives by the parameters."""
    parameters = [name or f"w{i}" for i, name in enumerate(names[plan.n_inputs :])]
    return ["E", *(f"dE/d{name}" for name in parameters)]


def count(n: int, what: str) -> str:
    """A number of things: 1 input, 2 inputs."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _place_names(plan: Plan, names: Sequence[str]) -> list[str]:
    inputs, parameters = names[: plan.n_inputs], names[plan.n_inputs :]
    n_known = plan.n_parameters + len(plan.constants)
    return [
        *(name or f"w{i}" for i, name in enumerate(parameters)),
        *(f"c{i}" for i in range(len(plan.constants))),
        *(f"s{i}" for i in range(plan.n_scalars - n_known)),
        *(name or f"x{i}" for i, name in enumerate(inputs)),
        *(f"r{i}" for i in range(plan.n_rows - plan.n_inputs)),
    ]


class _Assembly(Printer):
    """Writes an instruction as its name and its operands, a weighted sum as such."""

    forms: ClassVar = {"dot": Printer.forms["dot"]}
    times = " "
    first = 6

    def call(self, name: str, operands: Operands, parameters: Sequence[float]) -> Part:
        return Part(f"{name} {self.listed([*operands, *map(self.number, parameters)])}")

    def with_bias(self, products: Operands, bias: Operands) -> Part:
        return self.sum([*bias, *products])  # it is added up in this order


_ASSEMBLY = _Assembly()


def _line(one: Instruction, places: Sequence[str]) -> str:
    operands = [Part(places[operand]) for operand in one.operands]
    what = _ASSEMBLY.operation(one.function, operands, one.parameters).text
    line = f"{places[one.result]} = {what}"
    remark = " ".join(part for part in (one.scope, one.label) if part)
    return f"{line:<40}  ; {remark}" if remark else line


def _sums(one: Sum, places: Sequence[str], results: Sequence[str]) -> list[str]:
    factors = [f" {places[factor]}" for factor in one.factors] or [""]
    return [f"{results[k]} += {places[one.shared]}{f}" for k, f in zip(one.results, factors)]


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= LINES:
        return lines
    half = LINES // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} more", *lines[-half:]]
