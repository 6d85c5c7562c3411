r"""The operations as LaTeX: a form for each function of the table.

A form is a template or a few lines of Python. Every operand comes with how tightly it binds, so
that parentheses stand where they are needed and nowhere else.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from ..engine import Value
from ..functions import FUNCTIONS, Function, Operation
from .notation import ATOM, LOOSE, NEGATED, POWER, PRODUCT, SUM, Part, number_part

MAX_TERMS = 8  # a longer sum is abbreviated

Operands = Sequence[Part | None]  # None for one of those left out, shown as dots
Form = Callable[[Operands, tuple[float, ...]], Part]


def visible_operands(node: Value) -> list[bool]:
    """Which operands are written: of a long sum the first three terms and the last.

    >>> from micrograd_bp import dot
    >>> visible_operands(dot([1.0] * 9, [Value(1.0)] * 9, 0.5)).count(True)
    9
    """
    operands = len(node.parents)
    is_dot = node.operation is not None and node.operation.name == "dot"
    terms = operands // 2 if is_dot else operands
    seen = [terms <= MAX_TERMS or i < 3 or i == terms - 1 for i in range(terms)]
    return [*seen, *seen, *[True] * (operands % 2)] if is_dot else seen


def node_formula(node: Value, operands: Operands) -> Part:
    r"""A node in terms of its operands; a number if it has none.

    Args:
        node: a Value.
        operands: a part for each parent; the middle ones of a long sum are left out.

    >>> node_formula(Value(2.0) ** 3, [Part("x + y", SUM)])
    Part(text='(x + y)^{3}', level=4)
    """
    if node.operation is None or not node.parents:
        return number_part(node.data)
    written = [part if seen else None for part, seen in zip(operands, visible_operands(node))]
    return _operation_formula(node.operation, written)


def _operation_formula(operation: Operation, operands: Operands) -> Part:
    form = _FORMS.get(operation.function)
    if form is not None:
        return form(operands, operation.parameters)
    numbers = [number_part(parameter) for parameter in operation.parameters]
    name = re.sub("[^A-Za-z0-9]", " ", operation.name)
    return Part(rf"\operatorname{{{name}}}\left({_list([*operands, *numbers])}\right)")


def _in(part: Part | None, level: int) -> str:
    """A part where something that binds as tightly as level is needed."""
    if part is None:
        return r"\cdots"
    return part.text if part.level >= level else _parenthesised(part.text)


def _parenthesised(text: str) -> str:
    tall = r"\frac" in text or r"\begin" in text or r"\sqrt" in text
    return rf"\left({text}\right)" if tall else f"({text})"


def _sum(terms: Operands) -> Part:
    if len(terms) < 2:
        return terms[0] or Part(r"\cdots") if terms else Part("0")
    text = _in(terms[0], SUM)
    for before, term in pairwise(terms):
        written = _in(term, SUM)
        if term is not None and written.startswith("-"):
            text += f" - {written[1:]}"
        elif term is not None or before is not None:
            text += f" + {written}"
    return Part(text, SUM)


def _difference(operands: Operands, _: object = None) -> Part:
    return Part(f"{_in(operands[0], SUM)} - {_in(operands[1], PRODUCT)}", SUM)


def _product(factors: Operands) -> Part:
    """Factors side by side, with a dot between where two would run together."""
    if len(factors) < 2:
        return factors[0] or Part(r"\cdots") if factors else Part("1")
    first, *others = (_in(f, PRODUCT if i else NEGATED) for i, f in enumerate(factors))
    text = last = first
    for factor in others:
        if factor == last == r"\cdots":
            continue
        if factor[0].isdigit() or factor == last or (last[-1].isdigit() and "frac" in factor):
            text += rf" \cdot {factor}"
        elif any(f"\\{word}{{" in last + factor for word in ("text", "mathrm")):
            text += rf" \, {factor}"
        else:
            text += f" {factor}"
        last = factor
    return Part(text, NEGATED if text.startswith("-") else PRODUCT)


def _dot(operands: Operands, _: object = None) -> Part:
    n = len(operands) // 2
    pairs = zip(operands[:n], operands[n:])
    products = [None if w is None or x is None else _product([w, x]) for w, x in pairs]
    return _sum([*products, *operands[2 * n :]])


def _list(parts: Operands) -> str:
    texts = [_in(part, LOOSE) for part in parts]
    kept = [text for before, text in zip(["", *texts], texts) if not before == text == r"\cdots"]
    return ", ".join(kept)


def _sum_of_exponentials(terms: Operands) -> str:
    return _sum([term and Part(f"e^{{{term.text}}}") for term in terms]).text


def _power(base: Part | None, exponent: float) -> Part | None:
    """None for the power 0, a factor that is left out."""
    if exponent in (0.0, 1.0):
        return base if exponent else None
    return Part(f"{_in(base, ATOM)}^{{{number_part(exponent).text}}}", POWER)


def _product_of_some(factors: Operands) -> Part:
    return _product([factor for factor in factors if factor is not None])


def _constant_power_derivative(operands: Operands, parameters: tuple[float, ...]) -> Part:
    """c (c - 1) ... (c - k + 1) x^(c - k)."""
    c, k = parameters
    coefficient = 1.0
    for i in range(int(k)):
        coefficient *= c - i
    if coefficient == 0.0:
        return Part("0")
    factor = None if coefficient == 1.0 else number_part(coefficient)
    return _product_of_some([factor, _power(operands[0], c - k)])


def _bell(constant: str, curve: str, x: Operands, n: tuple[float, ...]) -> Part:
    """x^n times a bell curve."""
    bell = _template(curve, POWER, x, n)
    return _product_of_some([Part(constant, POWER), _power(x[0], n[0]), bell])


def _hypot_moment(operands: Operands, parameters: tuple[float, ...]) -> Part:
    x, y = operands
    a, b, n = parameters
    squares = _sum([_power(x, 2.0), _power(y, 2.0)]).text
    above = _product_of_some([_power(x, a), _power(y, b)]).text
    return Part(rf"\frac{{{above}}}{{({squares})^{{{number_part(n / 2).text}}}}}", POWER)


def _call(name: str, operands: Operands, parameters: tuple[float, ...]) -> Part:
    """name(x), with the parameters as indices."""
    index = ", ".join(number_part(parameter).text for parameter in parameters)
    below = f"_{{{index}}}" if index else ""
    arguments = _list(operands)
    if len(operands) == 1:
        return Part(rf"{name}{below}{_parenthesised(arguments)}")
    return Part(rf"{name}{below}\left({arguments}\right)")


def _template(text: str, level: int, operands: Operands, parameters: tuple[float, ...]) -> Part:
    """{x}, {y}, {z} are the operands and {a}, {b} the parameters; {x*} as in a product, {x^} as
    a base."""
    parts = {
        **dict(zip("xyz", operands)),
        **dict(zip("ab", map(number_part, parameters))),
    }
    levels = {"": LOOSE, "*": PRODUCT, "^": ATOM}
    return Part(
        re.sub(r"\{([xyzab])([*^]?)\}", lambda m: _in(parts[m[1]], levels[m[2]]), text), level
    )


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
    **{name: rf"\operatorname{{{name}}}" for name in ("atan2", "erf", "erfc", "softplus")},
    **{name: rf"\operatorname{{{name}}}" for name in ("sign", "step", "clip")},
}
_TEMPLATES = {
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
    "ceil": (ATOM, r"\left\lceil {x} \right\rceil"),
    "within": (ATOM, r"\left[{a} \le {x} \le {b}\right]"),
    "greater": (ATOM, r"\left[{x} > {y}\right]"),
    "where": (
        LOOSE,
        r"\begin{cases} {y} & \text{if } {x} \ne 0 \\ {z} & \text{otherwise} \end{cases}",
    ),
}
_WRITTEN: dict[str, Form] = {
    "constant": lambda x, _: x[0] or Part(r"\cdots"),
    "add": lambda x, _: _sum(x),
    "sub": _difference,
    "mul": lambda x, _: _product(x),
    "neg": lambda x, _: Part(f"-{_in(x[0], PRODUCT)}", NEGATED),
    "log1p": lambda x, _: _call(r"\ln", [_sum([Part("1"), *x])], ()),
    "constant_power_derivative": _constant_power_derivative,
    "gauss": partial(_bell, r"\frac{2}{\sqrt{\pi}}", "e^{-{x^}^{2}}"),
    "normal": partial(_bell, r"\frac{1}{\sqrt{2 \pi}}", "e^{-{x^}^{2} / 2}"),
    "hypot_moment": _hypot_moment,
    "dot": _dot,
    "fsum": lambda x, _: _sum(x),
    "mean": lambda x, _: Part(rf"\frac{{{_sum(x).text}}}{{{len(x)}}}", POWER),
    "prod": lambda x, _: _product(x),
    "logsumexp": lambda x, _: Part(rf"\ln\left({_sum_of_exponentials(x)}\right)"),
    "softmax": lambda x, i: _call(rf"\operatorname{{softmax}}_{{{int(i[0]) + 1}}}", [*x], ()),
}
_FORMS: dict[Function, Form] = {
    **{FUNCTIONS[key]: partial(_call, name) for key, name in _NAMED.items()},
    **{
        FUNCTIONS[key]: partial(_template, text, level) for key, (level, text) in _TEMPLATES.items()
    },
    **{FUNCTIONS[key]: form for key, form in _WRITTEN.items()},
}
