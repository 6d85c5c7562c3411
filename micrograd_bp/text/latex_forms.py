r"""The operations as LaTeX: a form for each function of the table that mathematics has one for."""

import re
from collections.abc import Callable, Sequence

from .names import Name
from .numbers import number_formula, significant
from .operations import (
    ATOM,
    LOOSE,
    NEGATED,
    POWER,
    PRODUCT,
    SUM,
    Form,
    Operands,
    Part,
    Printer,
)
from .tables import text_formula

Numbers = Sequence[float]


class LatexPrinter(Printer):
    r"""Writes operations as LaTeX for math mode.

    >>> print(LATEX.number(-1.5e-9).text)
    -1.5 \times 10^{-9}
    """

    dots = r"\cdots"

    def name(self, name: Name) -> Part:
        """The name of a node, an index above in the way of a power."""
        return Part(name.latex, name.level)

    def number(self, number: float) -> Part:
        """A number, with a power of ten."""
        text = number_formula(significant(number))
        if text.startswith("-"):
            return Part(text, NEGATED)
        return Part(text, PRODUCT if "times" in text else ATOM)

    def call(self, name: str, operands: Operands, parameters: Numbers) -> Part:
        """An operation that has no form of its own, by its name."""
        operator = re.sub(r"[\W_]", " ", name)
        operator = operator if operator.strip() else text_formula(name)
        arguments = [*operands, *map(self.number, parameters)]
        return self.function(rf"\operatorname{{{operator}}}", arguments)

    def function(self, name: str, operands: Operands, parameters: Numbers = ()) -> Part:
        """name(x), with the parameters as indices."""
        index = ", ".join(self.number(parameter).text for parameter in parameters)
        below = f"_{{{index}}}" if index else ""
        arguments = self.listed(operands)
        if len(operands) == 1:
            return Part(f"{name}{below}{self.parentheses(arguments)}")
        return Part(rf"{name}{below}\left({arguments}\right)")

    def parentheses(self, text: str) -> str:
        """A text in parentheses, as tall as it is."""
        tall = r"\frac" in text or r"\begin" in text or r"\sqrt" in text
        return rf"\left({text}\right)" if tall else f"({text})"

    def product(self, factors: Operands) -> Part:
        """Factors side by side, with a dot between where two would run together."""
        if len(factors) < 2:
            return factors[0] or Part(self.dots) if factors else Part("1")
        first, *others = (self.inside(f, PRODUCT if i else NEGATED) for i, f in enumerate(factors))
        text = last = first
        for factor in others:
            if factor == last == self.dots:
                continue
            if factor[0].isdigit() or factor == last or (last[-1].isdigit() and "frac" in factor):
                text += rf" \cdot {factor}"
            elif any(f"\\{word}{{" in last + factor for word in ("text", "mathrm")):
                text += rf" \, {factor}"
            else:
                text += f" {factor}"
            last = factor
        return Part(text, NEGATED if text.startswith("-") else PRODUCT)


def _bell(constant: str, curve: str) -> Form:
    """x^n times a bell curve."""

    def form(to: LatexPrinter, x: Operands, n: Numbers) -> Part:
        bell = to.template((POWER, curve), x, n)
        return to.product_of_some([Part(constant, POWER), to.power(x[0], n[0]), bell])

    return form


def _hypot_moment(to: LatexPrinter, operands: Operands, parameters: Numbers) -> Part:
    x, y = operands
    a, b, n = parameters
    squares = to.sum([to.power(x, 2.0), to.power(y, 2.0)]).text
    above = to.product_of_some([to.power(x, a), to.power(y, b)]).text
    return Part(rf"\frac{{{above}}}{{({squares})^{{{to.number(n / 2).text}}}}}", POWER)


def _mean(to: LatexPrinter, x: Operands, _: Numbers) -> Part:
    return Part(rf"\frac{{{to.sum(x).text}}}{{{len(x)}}}", POWER)


def _logsumexp(to: LatexPrinter, x: Operands, _: Numbers) -> Part:
    exponentials = to.sum([term and Part(f"e^{{{term.text}}}") for term in x])
    return Part(rf"\ln\left({exponentials.text}\right)")


def _softmax(to: LatexPrinter, x: Operands, index: Numbers) -> Part:
    return to.function(rf"\operatorname{{softmax}}_{{{int(index[0]) + 1}}}", x)


def _log1p(to: LatexPrinter, x: Operands, _: Numbers) -> Part:
    return to.function(r"\ln", [to.sum([Part("1"), *x])])


_NAMED = {  # name(x)
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    **{f"a{name}": rf"\operatorname{{ar{name}}}" for name in ("sinh", "cosh", "tanh")},
    "sec2": r"\sec^{2}",
    "sech2": r"\operatorname{sech}^{2}",
    "log": r"\ln",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "maximum": r"\max",
    "minimum": r"\min",
    "sigmoid": r"\sigma",
    "logistic_density": r"\sigma'",
    "log_sigmoid": r"\ln \sigma",
    "relu": r"\operatorname{ReLU}",
    "leaky_relu": r"\operatorname{LeakyReLU}",
    "leaky_step": r"\operatorname{LeakyReLU}'",
    "elu": r"\operatorname{ELU}",
    "gelu": r"\operatorname{GELU}",
    "gelu_derivative": r"\operatorname{GELU}'",
    "gelu_second_derivative": r"\operatorname{GELU}''",
    "silu": r"\operatorname{SiLU}",
    "silu_derivative": r"\operatorname{SiLU}'",
    "silu_second_derivative": r"\operatorname{SiLU}''",
    "clip": r"\operatorname{clip}",
    "digamma": r"\psi",
    "erfinv": r"\operatorname{erf}^{-1}",
}
_TEMPLATES: dict[str, Form] = {
    "div": (POWER, r"\frac{{x}}{{y}}"),
    "divide_by_power": (POWER, r"\frac{{x}}{{y^}^{{a}}}"),
    "reciprocal": (POWER, r"\frac{1}{{x}}"),
    "square": (POWER, r"{x^}^{2}"),
    "pow": (POWER, r"{x^}^{{y}}"),
    "constant_power": (POWER, r"{x^}^{{a}}"),
    "power_partial": (PRODUCT, r"\partial_{1}^{{a}} \partial_{2}^{{b}} ({x^}^{{y}})"),
    "sqrt": (ATOM, r"\sqrt{{x}}"),
    "cbrt": (ATOM, r"\sqrt[3]{{x}}"),
    "cbrt_derivative": (POWER, r"\frac{1}{3 \sqrt[3]{{x}}^{2}}"),
    "exp": (POWER, r"e^{{x}}"),
    "lgamma": (ATOM, r"\ln\left|\Gamma({x})\right|"),
    "polygamma": (ATOM, r"\psi^{({a})}({x})"),
    "erfinv_derivative": (PRODUCT, r"\frac{\sqrt{\pi}}{2} e^{\operatorname{erf}^{-1}({x})^{2}}"),
    "exp_of_difference": (POWER, r"e^{{x} - {y*}}"),
    "exp2": (POWER, r"2^{{x}}"),
    "expm1": (SUM, r"e^{{x}} - 1"),
    "asin_derivative": (POWER, r"\frac{1}{\sqrt{1 - {x^}^{2}}}"),
    "one_minus_square": (SUM, r"1 - {x^}^{2}"),
    "atan_derivative": (POWER, r"\frac{1}{1 + {x^}^{2}}"),
    "asinh_derivative": (POWER, r"\frac{1}{\sqrt{1 + {x^}^{2}}}"),
    "acosh_derivative": (POWER, r"\frac{1}{\sqrt{{x^}^{2} - 1}}"),
    "inverse_power": (PRODUCT, r"\operatorname{Re} \frac{i^{{b}}}{({x*} + i {y^})^{{a}}}"),
    "hypot": (ATOM, r"\sqrt{{x^}^{2} + {y^}^{2}}"),
    "hypot_direction": (POWER, r"\frac{{x}}{\sqrt{{x^}^{2} + {y^}^{2}}}"),
    "logaddexp": (ATOM, r"\ln(e^{{x}} + e^{{y}})"),
    "softmax_of_two": (POWER, r"\frac{e^{{x}}}{e^{{x}} + e^{{y}}}"),
    "elu_tail": (PRODUCT, r"\left[{x} \le 0\right] {a*} e^{{x}}"),
    "softsign": (POWER, r"\frac{{x}}{1 + \left|{x}\right|}"),
    "softsign_derivative": (POWER, r"\frac{1}{\left(1 + \left|{x}\right|\right)^{{a}}}"),
    "abs": (ATOM, r"\left|{x}\right|"),
    "floor": (ATOM, r"\left\lfloor {x} \right\rfloor"),
    "floordiv": (ATOM, r"\left\lfloor \frac{{x}}{{y}} \right\rfloor"),
    "mod": (PRODUCT, r"{x*} \bmod {y^}"),
    "ceil": (ATOM, r"\left\lceil {x} \right\rceil"),
    "within": (ATOM, r"\left[{a} \le {x} \le {b}\right]"),
    "greater": (ATOM, r"\left[{x} > {y}\right]"),
    "where": (
        LOOSE,
        r"\begin{cases} {y} & \text{if } {x} \ne 0 \\ {z} & \text{otherwise} \end{cases}",
    ),
}
_WRITTEN: dict[str, Form] = {
    "constant": lambda to, x, _: x[0] or Part(to.dots),
    "log1p": _log1p,
    "gauss": _bell(r"\frac{2}{\sqrt{\pi}}", "e^{-{x^}^{2}}"),
    "normal": _bell(r"\frac{1}{\sqrt{2 \pi}}", "e^{-{x^}^{2} / 2}"),
    "hypot_moment": _hypot_moment,
    "fsum": lambda to, x, _: to.sum(x),
    "mean": _mean,
    "prod": lambda to, x, _: to.product(x),
    "logsumexp": _logsumexp,
    "softmax": _softmax,
}


def _named(name: str) -> Callable[[LatexPrinter, Operands, Numbers], Part]:
    return lambda to, operands, parameters: to.function(name, operands, parameters)


LatexPrinter.forms = {
    **Printer.forms,
    **{key: _named(name) for key, name in _NAMED.items()},
    **_TEMPLATES,
    **_WRITTEN,
}
LATEX = LatexPrinter()
