r"""LaTeX of a recorded graph: the expression as a textbook prints it, its shared parts named.

A function of the table has one form, a template or a few lines of Python, and every operand
comes with how tightly it binds, so that parentheses stand where they are needed and nowhere
else. Names are read as in the book: w_12 is w with the indices 1 and 2, delta_j a Greek letter,
w1_12 a weight of the first layer.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from .engine import Value, topological_order
from .functions import FUNCTIONS, Function, Operation
from .numeric import show
from .tables import Cell, number_formula, text_formula

__all__ = [
    "Latex",
    "Named",
    "Part",
    "derivative_formula",
    "latex",
    "name_formula",
    "names_of",
    "new_names",
    "node_formula",
    "number_part",
    "short_latex",
    "visible_operands",
]

MAX_NODES = 1000  # a formula beyond fills pages
MAX_TERMS = 8  # a longer sum is abbreviated
MAX_LENGTH = 240  # of what stands inside something else, in characters; what is longer has a name
SHORT_DEPTH = 3  # operations inside operations in the formula of one Value

# How tightly a part binds, from what needs parentheses nearly everywhere to what never does.
LOOSE, SUM, NEGATED, PRODUCT, POWER, ATOM = range(6)


class Part(NamedTuple):
    """A piece of a formula.

    Attributes:
        text: LaTeX.
        level: how tightly it binds, from LOOSE to ATOM.
    """

    text: str
    level: int = ATOM


class Latex(str):
    """LaTeX source, to be written into a document; a notebook shows the formula."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return f"$$\n{self}\n$$"


def latex(root: Value, max_nodes: int = MAX_NODES) -> Latex:
    r"""The expression that a Value was computed by, as LaTeX for math mode.

    A part that is used more than once, or is long, stands in a line of its own under "where",
    by its label or as v_1, v_2, ... Of a sum of more than eight terms the first three and the
    last are written. Nodes of the same label are told apart by the number of their layer, or
    else by a number, as a superscript in parentheses.

    Args:
        root: the Value.
        max_nodes: the largest number of nodes to write.

    Returns:
        The source, a string.

    Raises:
        TypeError: root is no Value.
        ValueError: there are more than max_nodes to write.

    >>> w, x, b = Value(2.0, "w_1"), Value(0.5, "x_1"), Value(-1.0, "b")
    >>> print(latex((w * x + b).tanh() ** 2 / 2))
    \frac{\tanh(w_{1} x_{1} + b)^{2}}{2}
    >>> z = w * x
    >>> z.label, E = "z", z.exp() + z
    >>> print(latex(E))
    \begin{aligned}
    & e^{z} + z \\
    \text{where} \quad z &= w_{1} x_{1}
    \end{aligned}
    """
    if not isinstance(root, Value):
        raise TypeError(f"latex needs a Value, such as the error E, not {show(root)}")
    order, uses = _written(root)
    if len(order) > max_nodes:
        raise ValueError(
            f"{len(order)} nodes are too many for a formula, the limit is {max_nodes}: take a part"
            " of the graph, such as an interior node, or draw(root), or allow more with"
            f" max_nodes={len(order)}"
        )
    labelled = names_of([node for node in order if node.label])
    names = {node: named.part for node, named in labelled.items()}
    numbered = new_names(labelled.values())
    parts: dict[Value, Part] = {}
    definitions: list[tuple[str, str]] = []
    for node in order:
        part = names.get(node) or number_part(node.data)
        if node.parents:
            part = node_formula(node, [parts.get(parent) for parent in node.parents])
            if node is not root and (uses[node] > 1 or len(part.text) > MAX_LENGTH):
                name = names.get(node) or next(numbered).part
                definitions.append((name.text, part.text))
                part = name
        parts[node] = part
    left = f"{names[root].text} " if root.label and root.parents else ""
    right = parts[root].text
    if not definitions:
        return Latex(f"{left}= {right}" if left else right)
    lines = [f"{left}&= {right}" if left else f"& {right}"]
    lines += [f"{name} &= {text}" for name, text in definitions]
    lines[1] = rf"\text{{where}} \quad {lines[1]}"
    body = " \\\\\n".join(lines)
    return Latex(f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}")


def short_latex(value: Value) -> str:
    r"""What a notebook shows of a Value: how it was computed, its data, and its grad if any.

    Labelled operands stand by their names, what lies deeper by dots: it costs the same for a
    graph of any size.

    >>> w, x, b = Value(2.0, "w_1"), Value(1.5, "x_1"), Value(0.5, "b")
    >>> print(short_latex(w * x + b))
    $w_{1} x_{1} + b = 3.5$
    >>> x.backward()
    >>> print(short_latex(x))
    $x_{1} = 1.5, \quad \mathrm{grad} = 1$
    """

    equal = [name_formula(value.label)] if value.label else []
    if value.parents:
        by_depth = (_expanded(value, depth).text for depth in range(SHORT_DEPTH, 0, -1))
        equal.append(next((text for text in by_depth if len(text) <= MAX_LENGTH), r"\cdots"))
    grad = rf", \quad \mathrm{{grad}} = {number_part(value.grad).text}" if value.has_grad else ""
    return f"${' = '.join([*equal, number_part(value.data).text])}{grad}$"


def _expanded(node: Value, depth: int) -> Part:
    """The operation of a node, and what it is of, to a depth of so many operations."""
    operands = [
        _operand(parent, depth - 1) if seen else None
        for parent, seen in zip(node.parents, visible_operands(node))
    ]
    return node_formula(node, operands)


def _operand(node: Value, depth: int) -> Part:
    if node.label:
        return _name(node.label).part()
    if not node.parents:
        return number_part(node.data)
    return _expanded(node, depth) if depth else Part(r"\cdots")


def _written(root: Value) -> tuple[list[Value], Counter[Value]]:
    """The nodes that are not abbreviated away, parents first, and how often each is used."""
    order = topological_order(root)
    uses: Counter[Value] = Counter([root])
    for node in reversed(order):
        if node in uses and node.parents:
            uses.update(
                parent for parent, seen in zip(node.parents, visible_operands(node)) if seen
            )
    return [node for node in order if node in uses], uses


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


def number_part(number: float) -> Part:
    """A number as part of a formula, to six digits.

    >>> number_part(-0.25).text
    '-0.25'
    """
    text = number_formula(f"{number + 0.0:.6g}")
    if text.startswith("-"):
        return Part(text, NEGATED)
    return Part(text, PRODUCT if "times" in text else ATOM)


# --- names ----------------------------------------------------------------------------------------

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
        " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi"
        " Omega".split(),
        strict=True,
    )
)
_NAME = re.compile(r"([A-Za-zα-ωΑ-Ω]+)(\d*)(?:_([A-Za-z0-9,=]+))?")


class _Name(NamedTuple):
    """A letter with its indices."""

    letter: str
    subscript: str = ""
    superscript: str = ""

    def part(self) -> Part:
        above = f"^{{({self.superscript})}}" if self.superscript else ""
        below = f"_{{{self.subscript}}}" if self.subscript else ""
        return Part(self.letter + above + below, POWER if above else ATOM)


def name_formula(label: str) -> str:
    r"""A label as LaTeX.

    >>> for label in ("a_j", "w1_12", "delta_k=2", "x1", "loss", "50% off"):
    ...     print(name_formula(label))
    a_{j}
    w^{(1)}_{12}
    \delta_{k=2}
    x_{1}
    \mathrm{loss}
    \text{50}\%\text{ off}
    """
    return _name(label).part().text


def derivative_formula(text: str) -> str:
    r"""A derivative such as "dE/dw_1" as LaTeX; anything else as a name.

    >>> print(derivative_formula("dE/dw_1"))
    \partial E / \partial w_{1}
    """
    above, _, below = text.partition("/d")
    if not (below and above.startswith("d")):
        return name_formula(text)
    return rf"\partial {name_formula(above[1:])} / \partial {name_formula(below)}"


def _name(label: str) -> _Name:
    match = _NAME.fullmatch(label) if len(label) <= 40 else None
    if match is None:
        short = label if len(label) <= 40 else label[:39] + "…"
        return _Name(text_formula(short) if short.strip() else r"\text{?}")
    letters, digits, index = match.groups()
    letters = _GREEK.get(letters, letters)
    if letters in _GREEK.values():
        letter = f"\\{letters}"
    else:
        letter = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
    if index is None:
        return _Name(letter, digits)
    words = [_GREEK.get(word, word) for word in re.split("([,=])", index)]
    index = "".join(
        f"\\{word}"
        if word in _GREEK.values()
        else rf"\mathrm{{{word}}}"
        if re.search("[A-Za-z]{3}", word)
        else word
        for word in words
    )
    return _Name(letter, index, digits)


class Named(NamedTuple):
    """What a node is called in plain text, and in a formula."""

    text: str
    part: Part

    @property
    def cell(self) -> Cell:
        """The same, to stand in a table by itself."""
        return Cell(self.text, self.part.text)


def names_of(nodes: Sequence[Value]) -> dict[Value, Named]:
    """A name for each labelled node, told apart by layers or numbers where labels are the same.

    >>> a, b = Value(1.0, "w"), Value(2.0, "w")
    >>> [named.text for named in names_of([a, b]).values()]
    ['w^(1)', 'w^(2)']
    """
    names = {node: _name(node.label) for node in nodes}
    if len(set(names.values())) < len(names):
        for node, name in names.items():
            layer = re.search(r"(?:^|/)layer(\d+)(?:/|$)", node.scope)
            if layer and not name.superscript:
                names[node] = name._replace(superscript=layer[1])
    alike = Counter(names.values())
    seen: Counter[_Name] = Counter()
    for node, name in names.items():
        if alike[name] > 1:
            seen[name] += 1
            above = ",".join(filter(None, [name.superscript, str(seen[name])]))
            names[node] = name._replace(superscript=above)
    return {
        node: Named(
            node.label + (f"^({name.superscript})" if name != _name(node.label) else ""),
            name.part(),
        )
        for node, name in names.items()
    }


def new_names(taken: Iterable[Named]) -> Iterator[Named]:
    """v_1, v_2, ..., but those that are taken.

    >>> next(new_names([Named("v_1", Part("v_{1}"))])).text
    'v_2'
    """
    formulas = {named.part.text for named in taken}
    for i in count(1):
        if f"v_{{{i}}}" not in formulas:
            yield Named(f"v_{i}", Part(f"v_{{{i}}}"))


# --- operations -----------------------------------------------------------------------------------

Operands = Sequence[Part | None]  # None for one of those left out, shown as dots
Form = Callable[[Operands, tuple[float, ...]], Part]


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
    for before, term in zip(terms, terms[1:]):
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
    **{"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"},
    **{f"a{name}": rf"\operatorname{{ar{name}}}" for name in ("sinh", "cosh", "tanh")},
    **{"sec2": r"\sec^{2}", "sech2": r"\operatorname{sech}^{2}"},
    **{"log": r"\ln", "log2": r"\log_{2}", "log10": r"\log_{10}"},
    **{"maximum": r"\max", "minimum": r"\min"},
    **{"sigmoid": r"\sigma", "logistic_density": r"\sigma'", "log_sigmoid": r"\ln \sigma"},
    **{"relu": r"\operatorname{ReLU}", "leaky_relu": r"\operatorname{LeakyReLU}"},
    **{"leaky_step": r"\operatorname{LeakyReLU}'", "elu": r"\operatorname{ELU}"},
    **{"gelu": r"\operatorname{GELU}", "gelu_derivative": r"\operatorname{GELU}'"},
    **{"gelu_second_derivative": r"\operatorname{GELU}''"},
    **{"silu": r"\operatorname{SiLU}", "silu_derivative": r"\operatorname{SiLU}'"},
    **{"silu_second_derivative": r"\operatorname{SiLU}''"},
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
