r"""What program.latex() gives: the listing of a plan as a textbook prints it.

Every line is an equation, and no name is used for two things. Numbers in a row are vectors: their
functions, powers and quotients are of each number, their products too where \odot stands, and
units count from 1. A number that is read once is written where it is read.
"""

import re
from collections.abc import Sequence
from itertools import count
from typing import ClassVar

from ..text.latex import Latex
from ..text.latex_forms import LATEX, LatexPrinter
from ..text.names import layer_in, read_name, told_apart
from ..text.operations import ATOM, NEGATED, PRODUCT, Operands, Part
from ..text.tables import text_formula
from .instructions import Instruction, Plan, Product, Span, Step, Sum
from .listing import shortened
from .notation import Book, Line


def equations(plan: Plan, names: Sequence[str]) -> Latex:
    """The steps of a plan as LaTeX for math mode, one line each.

    Args:
        plan: of instructions.py.
        names: the labels of the inputs, then of the parameters; "" for none.
    """
    book = _Equations(plan, names)
    lines = [line for step in (*plan.once, *plan.each) for line in book.lines(step)]
    lines += [
        Line(rf"\text{{output }} {k}", "=", book.number(place).text)
        for k, place in enumerate(plan.outputs)
    ]
    body = " \\\\\n".join(shortened([*map(_shown, lines)], r"& \vdots && \text{{{} more}}"))
    return Latex(f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}")


def _shown(line: Line) -> str:
    shape = r" \times ".join(map(str, line.shape))
    remark = r",\ ".join(part for part in (text_formula(line.scope), shape) if part)
    return f"{line.left} &{line.sign} {line.right}" + (f" && {remark}" if remark else "")


class _Number(Part):
    """One number, which stands before what it is multiplied with."""


class _OfNumbers(LatexPrinter):
    forms: ClassVar = {
        **LatexPrinter.forms,
        "sech2": lambda to, x, _: to.function(r"\tanh'", x),
    }

    def number(self, number: float) -> Part:
        return _Number(*super().number(number))

    def product(self, factors: Operands) -> Part:
        numbers = [factor for factor in factors if isinstance(factor, _Number)]
        others = [factor for factor in factors if not isinstance(factor, _Number)]
        if others and [number.text for number in numbers] == ["-1"]:
            return self.template((NEGATED, "-{x*}"), [self.product(others)], [])
        return super().product([*numbers, *self.multiplied(others)])

    def multiplied(self, factors: Operands) -> Operands:
        return factors


class _OfLayers(_OfNumbers):
    def multiplied(self, factors: Operands) -> Operands:
        if len(factors) < 2:
            return factors
        text = r" \odot ".join(self.inside(factor, PRODUCT) for factor in factors)
        return [Part(text, PRODUCT)]


class _Equations(Book):
    """Names in LaTeX, of which the second A_1 is A_{1,2}; what has none is v_1, v_2, ..."""

    scalars: ClassVar = _OfNumbers()
    layers: ClassVar = _OfLayers()

    def __init__(self, plan: Plan, names: Sequence[str]) -> None:
        super().__init__(plan, names)
        self._begun: set[int] = set()
        steps = [step for step in (*plan.once, *plan.each) if isinstance(step, Instruction)]
        layers = {_scoped(step): layer_in(step.scope) for step in steps if step.label}
        for place, name in enumerate(self._places):
            layers[name] = layer_in(name.rpartition("/")[0]) or self._layer_of.get(place, "")
        read = {name: read_name(name.rpartition("/")[2]) for name in layers}
        self._called = told_apart(read, layers.__getitem__)
        self._new = (name for i in count(1) if (name := f"v{i}") not in self._used)

    def named(self, name: str) -> Part:
        stem, _, number = name.rpartition(".")
        if not (stem and number.isdigit()):
            stem, number = name, ""
        found = self._called.get(stem, read_name(stem))
        below = ",".join(part for part in (found.below, number) if part)
        return LATEX.name(found._replace(below=below))

    def known(self, place: int) -> Part:
        constants = self._plan.constants
        at = place - self._plan.n_parameters
        if 0 <= at < len(constants):
            return self.layers.number(constants[at])
        return super().known(place)

    def unit(self, layer: str, first: int, last: int, stride: int = 1) -> Part:
        step = [] if stride == 1 else [stride]
        units = [first + 1] if first == last else [first + 1, *step, last + 1]
        return Part(f"[{self.named(layer).text}]_{{{':'.join(map(str, units))}}}")

    def transposed(self, matrix: Part) -> Part:
        text = self.layers.inside(matrix, ATOM)
        return Part(text if isinstance(matrix, _Number) else rf"{text}^{{\top}}")

    def stem(self, name: Part) -> Part:
        if "^" in name.text:  # units of a layer, of which there are others
            return name
        return name._replace(text=re.sub(r"_\{\d+\}$", "", name.text))

    def copied(self, numbers: Part) -> str:
        return numbers.text

    def summed(self, results: Sequence[int], what: Part) -> tuple[str, str]:
        again = not self._begun.isdisjoint(results)
        self._begun.update(results)
        sum_of = rf"\sum_{{n}} {self.layers.inside(what, PRODUCT)}"
        return (r"\mathrel{+}=" if again else "="), sum_of

    def derivatives(self, results: Sequence[int]) -> str:
        parameters = [self.known(k - 1) for k in results if k]
        if len(parameters) < len(results):
            return self._listed([Part("E"), *map(_derivative, parameters)]).text
        return _derivative(self._neighbours(parameters)).text

    def derivative(self, layer: str) -> str:
        return _derivative(self.named(layer)).text

    def target(self, step: Instruction) -> str:
        label = "E_n" if step.label == "E" else step.label
        if not read_name(label).letter:
            return self._name(step, next(self._new))
        return self._name(step, self.unique(_scoped(step) if label == step.label else label))

    def goes_inside(self, step: Step, reader: Step, whole: bool) -> bool:
        single = step.height == 1 if isinstance(step, Product) else False
        if isinstance(step, Instruction):
            single = step.label in ("", "E")
        if single and isinstance(reader, (Instruction, Sum)):
            return True
        return super().goes_inside(step, reader, whole)

    def _span(self, span: Span, n: int) -> Part:
        part = super()._span(span, n)
        return part if span.stride else _Number(*part)


def _scoped(step: Instruction) -> str:
    """The label of what a step computes, behind its scope if that has a layer."""
    return f"{step.scope}/{step.label}" if layer_in(step.scope) else step.label


def _derivative(by: Part) -> Part:
    return Part(rf"\partial E / \partial {by.text}")
