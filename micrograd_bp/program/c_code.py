"""A plan as C99: one file that computes what the Program does, wherever there is a C compiler.

A wide instruction becomes a loop, any other a line. The elementary functions that are needed are
picked from elementary.c; what the C library has is its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from textwrap import indent, wrap
from typing import Any

from ..functions import FUNCTIONS, Function
from ..messages import count
from .instructions import (
    Gather,
    Instruction,
    Map,
    OnceStep,
    Plan,
    Product,
    Span,
    Step,
    Sum,
    Sums,
    units,
)
from .plain import Parts, known_order
from .shutters import BY_RESULT, NONE, Shut, Shutters, in_order

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

_WHOLE: Any = {"break_long_words": False, "break_on_hyphens": False}

_HEADER = """\
/* {name}: {what}, compiled from a recorded graph of Values by micrograd_bp.

   void {name}_value(
           {arguments}, double *outputs)
       {outputs} for each data point.
{gradient}
   n           how many data points
   inputs      n rows of {n_inputs}{inputs}
{parameters}
   C99, with the C library's mathematics and nothing else; nothing is allocated, and {stack} bytes
   of stack are used. Arithmetic is IEEE 754's: outside a domain the results are nan or infinite.
   Beside a pole, a derivative on a jump of step, floor and their like is nan.
   Compile it without -ffast-math: cc -std=c99 -O2 -c {name}.c (and link with -lm). */
"""
_GRADIENT = """
   double {name}_value_and_grad(
           {arguments}, double *gradient)
       The output summed over the data points, and the {n_parameters} sums of its derivatives by
       the parameters.
"""


def c_code(parts: Parts, name: str, baked: bool) -> str:
    """The C of a Program.

    Args:
        parts: what the Program is made of.
        name: with what the names of the two functions begin.
        baked: whether the parameters are those that it was recorded with, and no argument.

    Raises:
        TypeError: name is no string.
        ValueError: name is no name in C, or a function of the graph, or a derivative of an order
            over 100, has no form in C.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a C function is a string, not {name!r}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", name):
        raise ValueError(
            f"the name of a C function is of letters, digits and _, such as network, not {name!r}"
        )
    plans = [plan for plan in (parts.forward, parts.summed) if plan is not None]
    bodies = [_Body(plan, name, baked) for plan in plans]
    used = dict.fromkeys(needed for body in bodies for needed in body.used)
    n_inputs, n_parameters = plans[0].n_inputs, plans[0].n_parameters
    takes_parameters = bool(n_parameters) and not baked
    arguments = "size_t n, const double *inputs" + ", const double *parameters" * takes_parameters
    names = parts.names
    header = _HEADER.format(
        name=name,
        what=count(len(plans[0].outputs), "output"),
        arguments=arguments,
        outputs=count(len(plans[0].outputs), "number"),
        gradient=_GRADIENT.format(name=name, arguments=arguments, n_parameters=n_parameters)
        if parts.summed
        else "",
        n_inputs=n_inputs,
        inputs=_listed(names[:n_inputs]),
        parameters=f"   parameters  {n_parameters}{_listed(names[n_inputs:])}\n"
        if takes_parameters
        else "",
        stack=max(body.n_stacked for body in bodies),
    )
    weights = [_table("double", f"{name}_parameters", map(_number, parts.recorded))] * (
        baked and bool(n_parameters)
    )
    heads = [f"void {name}_value(\n    {arguments}, double *outputs)"]
    heads.append(f"double {name}_value_and_grad(\n    {arguments}, double *gradient)")
    functions = [
        f"{head} {{\n{body.text(summed)}}}\n"
        for head, body, summed in zip(heads, bodies, (False, True), strict=False)
    ]
    includes = "#include <math.h>\n#include <stddef.h>\n"
    return "\n".join([header, includes, *_picked(used), *weights, *functions])


def _listed(names: Sequence[str]) -> str:
    """The names of a few, in brackets."""
    if not any(names):
        return ""
    shown = [_comment(one)[:20] or f"{i}" for i, one in enumerate(names[:4])]
    more = f", ..., {_comment(names[-1])[:20]}" * (len(names) > 4)
    return f" ({', '.join(shown)}{more})"


def _comment(text: str) -> str:
    """A label that ends no comment and has a line of ASCII."""
    return text.encode("ascii", "backslashreplace").decode().translate(_HARMLESS)


_HARMLESS = dict.fromkeys((*range(32), 127, *b"*?"))


def _number(x: float) -> str:
    if isfinite(x):
        return repr(x)
    return "NAN" if x != x else "INFINITY" if x > 0.0 else "-INFINITY"


def _table(kind: str, name: str, entries: Iterable[str]) -> str:
    lines = wrap(", ".join(entries), 96, **_WHOLE)
    return f"static const {kind} {name}[] = {{\n{indent(chr(10).join(lines), '    ')}\n}};\n"


@cache
def _definitions() -> dict[str, str]:
    """What elementary.c defines: the text of each, with its comment, by its name."""
    text = Path(__file__).with_name("elementary.c").read_text(encoding="utf-8")
    blocks = re.split(r"\n\n(?=/\*|static )", text)
    found = {}
    for block in blocks:
        match = re.search(r"^(?:static \w+ (\w+)\(|\} (\w+);)", block, re.MULTILINE)
        if match:
            found[match[1] or match[2]] = block.strip() + "\n"
    return found


def _picked(names: Sequence[str] | dict[str, None]) -> list[str]:
    """The definitions of functions and of what they call, callees first."""
    definitions = _definitions()
    needed = set(names) & definitions.keys()
    todo = [*needed]
    while todo:
        code = re.sub(r"/\*.*?\*/", "", definitions[todo.pop()], flags=re.DOTALL)
        called = set(re.findall(r"\w+(?=\()|\b[A-Z]\w+", code)) & definitions.keys()
        todo += called - needed
        needed |= called
    return [text for name, text in definitions.items() if name in needed]


class _Body:
    """The statements of one plan.

    Attributes:
        used: the functions that they call.
        n_stacked: how many bytes of numbers they keep on the stack.
    """

    def __init__(self, plan: Plan, name: str, baked: bool) -> None:
        self._plan = plan
        self._baked = baked
        self._weights = f"{name}_parameters" if baked else "parameters"
        self._n_known = plan.n_parameters + len(plan.constants)
        self._tables: list[str] = []
        self.used: dict[str, None] = {}
        self._shutters = Shutters(plan)
        self._n_shut: dict[int, int] = {}  # how many shutters there are, by their step
        once, each = ([*self._noted(steps)] for steps in (plan.once, plan.each))
        looked_at = _looked_at([*once, *each])
        self._n_shut = {at: n for at, n in self._n_shut.items() if at in looked_at}
        self._once, self._each = (
            [line for line, at in lines if at is None or at in looked_at] for lines in (once, each)
        )
        self._n_once = plan.n_scalars - self._n_known
        self._n_rows = plan.n_rows - plan.n_inputs
        self.n_stacked = 8 * (self._n_once + self._n_rows) + sum(self._n_shut.values())

    def text(self, summed: bool) -> str:
        """All of them, of the function with these sums or with outputs for each data point."""
        plan = self._plan
        lines = [*self._tables]
        if plan.constants:
            lines.append(_table("double", "c", map(_number, plan.constants)).rstrip())
        for array, size in (("s", self._n_once), ("r", self._n_rows)):
            if size:
                lines.append(f"double {array}[{size}];")
        lines += [f"char shut_{at}[{n}];" for at, n in self._n_shut.items()]
        if summed:
            lines.append("double value = 0.0;")
            if plan.n_sums > 1:
                lines.append(f"for (int i = 0; i < {plan.n_sums - 1}; i++) gradient[i] = 0.0;")
        each = list(self._each)
        each += [f"outputs[{k}] = {self._at(place)};" for k, place in enumerate(plan.outputs)]
        advance = f"inputs += {plan.n_inputs}" + f", outputs += {len(plan.outputs)}" * (not summed)
        arguments = ["inputs", *["parameters"] * (plan.n_parameters > 0 and not self._baked)]
        arguments += ["gradient"] * summed
        unused = [
            f"(void){array};"
            for array in arguments
            if not any(f"{array}[" in line for line in (*lines, *self._once, *each))
        ]
        body = "\n".join([*lines, *unused, *self._once])
        loop = f"for (; n > 0; n--, {advance}) {{\n{indent(chr(10).join(each), '    ')}\n}}"
        end = "\nreturn value;" * summed
        return indent(f"{body}\n{loop}{end}\n".lstrip("\n"), "    ")

    # Where numbers are

    def _array(self, place: int) -> tuple[str, int, int]:
        """The array that holds a place, its first place, and the one after its last."""
        plan = self._plan
        n_inputs_end = plan.n_scalars + plan.n_inputs
        for array, first, end in (
            (self._weights, 0, plan.n_parameters),
            ("c", plan.n_parameters, self._n_known),
            ("s", self._n_known, plan.n_scalars),
            ("inputs", plan.n_scalars, n_inputs_end),
        ):
            if place < end:
                return array, first, end
        return "r", n_inputs_end, plan.n_scalars + plan.n_rows

    def _at(self, place: int) -> str:
        array, first, _ = self._array(place)
        return f"{array}[{place - first}]"

    def _ranged(self, first: int, steps: Sequence[tuple[str, int, int]]) -> str | None:
        """The element first + i * stride + ..., given (i, stride, how many); None if they are
        not all in one array."""
        array, start, end = self._array(first)
        if first + sum(stride * (n - 1) for _, stride, n in steps) >= end:
            return None
        return f"{array}[{_sum_of(first - start, [(i, stride) for i, stride, _ in steps])}]"

    # What they compute

    def _noted(self, steps: Iterable[Step]) -> Iterator[tuple[str, int | None]]:
        """The lines of all steps; with its number those that note where one is shut."""
        for step in steps:
            lines = [(line, None) for line in self._lines(step)]
            if isinstance(step, (Sum, Sums)):
                self._shutters.take(step)
                yield from lines
                continue
            closed = [*self._closed(step)]
            at, self._n_shut[at] = self._shutters.take(step)
            notes = [(line.replace("shut_at", f"shut_{at}"), at) for line in closed]
            if isinstance(step, (Instruction, Map)) and step.function in BY_RESULT:
                yield from (*lines, *notes)
            else:  # the result may be put where an operand was
                yield from (*notes, *lines)

    def _closed(self, step: OnceStep) -> Iterator[str]:
        """What notes where a step is shut, in case that it is a shutter."""
        if isinstance(step, Product):
            shut = self._conditions("k", self._shutters.terms(step) or [NONE])
            yield f"shut_at[0] = {int(bool(shut))};"
            if shut:
                yield _loop("k", step.depth, f"shut_at[0] = shut_at[0] && {_any(shut)};")
        elif isinstance(step, (Instruction, Map)):
            ones = [one for one in units(step) if isinstance(one, Instruction)]
            for i, closed in self._closed_units(step, ones):
                line = f"shut_at[{i}] = {closed};"
                yield line if i.isdigit() else _loop("j", len(ones), line)

    def _closed_units(
        self, step: Instruction | Map, ones: Sequence[Instruction]
    ) -> Iterator[tuple[str, str]]:
        forms = [self._shutters.closed(one) for one in ones]
        ranges = [*step.operands, (step.result, 1)] if isinstance(step, Map) else []
        spans = [self._ranged(first, [("j", stride, len(ones))]) for first, stride in ranges]
        if not any(forms):
            terms = zip(*map(self._shutters.terms, ones), strict=False)
            shut = [_any(self._conditions("j", term) or ["0"]) for term in terms]
            yield "j", " && ".join(shut) or "0"
        elif spans and all(spans) and len({*forms}) == 1:
            yield "j", forms[0].format(*spans, result=spans[-1])
        else:
            for j, (one, form) in enumerate(zip(ones, forms, strict=True)):
                operands = [self._at(place) for place in one.operands]
                yield f"{j}", form.format(*operands, result=self._at(one.result)) or "0"

    def _conditions(self, i: str, shut: Sequence[Shut]) -> list[str]:
        """When numbers in a row are shut, by their index."""
        found = in_order(shut)
        return [f"shut_{at}[{_sum_of(first, [(i, stride)])}]" for at, first, stride in found]

    def _unless_shut(self, product: str, *shut: tuple[str, Sequence[Shut]]) -> str:
        """A product that is 0 where a factor, of some in a row by an index, is shut."""
        closed = [one for i, factors in shut for one in self._conditions(i, factors)]
        return f"({' || '.join(closed)} ? 0.0 : {product})" if closed else product

    def _lines(self, step: Step) -> Iterator[str]:
        match step:
            case Instruction():
                yield self._line(step)
            case Sum(shared, factors, results):
                if not factors:
                    yield f"{_result(results[0])} += {self._at(shared)};"
                for k, factor in zip(results, factors, strict=False):
                    product = f"{self._at(shared)} * {self._at(factor)}"
                    shut = self._shutters.of(shared, factor)
                    yield f"{_result(k)} += {self._unless_shut(product, ('', [shut]))};"
            case _:
                lines = self._rolled(step)
                if lines is None:
                    for one in units(step):
                        yield from self._lines(one)
                else:
                    yield from lines

    def _line(self, one: Instruction) -> str:
        places = one.operands
        shut = [("", [self._shutters.of(place)]) for place in places]
        value = self._call(one.function, [self._at(place) for place in places], one, shut)
        text = f"{self._at(one.result)} = {_bare(value)};"
        lines = "\n".join(wrap(text, 92, subsequent_indent="    ", **_WHOLE))
        if not one.label:
            return lines
        name = _comment(f"{one.label} of {one.scope}" if one.scope else one.label)
        if len(text) + len(name) < 82:
            return f"{lines} /* {name} */"
        return f"/* {name} */\n{lines}"

    def _call(
        self,
        function: Function,
        operands: Sequence[str],
        one: Instruction | Map,
        shut: Sequence[tuple[str, Sequence[Shut]]],
    ) -> str:
        key = function.key
        if FUNCTIONS.get(key) is not function:
            raise ValueError(f"{function.name} is a function of your own, and has no form in C")
        if key == "dot":
            n = len(operands) // 2
            terms = [*operands[2 * n :]]
            for i in range(n):
                product = f"{operands[i]} * {operands[n + i]}"
                terms.append(self._unless_shut(product, shut[i], shut[n + i]))
            return f"({' + '.join(terms)})"
        if key in OPERATORS:
            value = OPERATORS[key].format(*operands)
            return self._unless_shut(_bare(value), *shut) if key == "mul" else value
        name = RENAMED.get(key, key)
        if name not in OF_THE_LIBRARY and name not in _definitions():
            raise ValueError(f"{function.name} has no form in C")
        self.used[name] = None
        if function.operands is None:
            listed = ", ".join(operands)
            return f"{name}((const double[]){{{listed}}}, {len(operands)})"
        fixed = [f"{known_order(x)}" if type(x) is int else _number(x) for x in one.parameters]
        return f"{name}({', '.join([*operands, *fixed])})"

    def _rolled(self, step: OnceStep | Sums) -> list[str] | None:
        """A wide instruction as loops; None if its numbers are not each in one array."""
        match step:
            case Map(function, _, n, operands, result):
                each: list[tuple[str, Sequence[Shut]]]
                spans = [self._ranged(at, [("j", stride, n)]) for at, stride in operands]
                target = self._ranged(result, [("j", 1, n)])
                if target is None or not all(spans):
                    return None
                each = [
                    ("j", [self._shutters.of(at + j * stride) for j in range(n)])
                    for at, stride in operands
                ]
                value = self._call(function, [span for span in spans if span], step, each)
                return [_loop("j", n, f"{target} = {_bare(value)};")]
            case Product(height, depth, weights, factors, bias, result):
                down, across = ("j", weights.down, height), ("k", weights.across, depth)
                weight = self._ranged(weights.first, [down, across])
                factor = self._ranged(factors, [("k", 1, depth)])
                start = "0.0" if bias is None else self._ranged(*_steps(bias, height))
                target = self._ranged(result, [("j", 1, height)])
                if not (weight and factor and start and target):
                    return None
                shut = self._conditions("k", [self._shutters.of(factors + k) for k in range(depth)])
                if shut:  # column by column, so that one question is asked for each
                    add = _loop("j", height, f"{target} += {weight} * {factor};")
                    begin = _loop("j", height, f"{target} = {start};")
                    return [begin, _loop("k", depth, _unless(shut, add))]
                add = _loop("k", depth, f"sum += {weight} * {factor};")
                body = f"double sum = {start};\n{add}\n{target} = sum;"
                return [_loop("j", height, body)]
            case Gather(places, result):
                return self._copies(places, result)
            case Sums(height, shared, depth, factors, results):
                return self._sums(height, shared, depth, factors, results)
        return None

    def _copies(self, places: tuple[int, ...], result: int) -> list[str] | None:
        target = self._ranged(result, [("j", 1, len(places))])
        homes = {self._array(place)[:2] for place in places}
        if target is None or len(homes) > 1 or len(places) < 4:
            return None
        [(array, start)] = homes
        source = self._index([place - start for place in places], "j")
        return [_loop("j", len(places), f"{target} = {array}[{source}];")]

    def _sums(
        self, height: int, shared: int, depth: int, factors: int, results: tuple[int, ...]
    ) -> list[str] | None:
        number = self._ranged(shared, [("j", 1, height)])
        factor = self._ranged(factors, [("k", 1, depth)]) if depth else ""
        if number is None or factor is None or 0 in results:  # the value is no part of an array
            return None
        places = [k - 1 for k in results]
        shut = [self._shutters.of(shared + j) for j in range(height)]
        others = [self._shutters.of(factors + k) for k in range(depth)]
        if not depth:
            body = f"gradient[{self._index(places, 'j')}] += {number};"
            return [_loop("j", height, body)]
        down = places[depth] - places[0] if height > 1 else 0
        across = places[1] - places[0] if depth > 1 else 0
        regular = [places[0] + j * down + k * across for j in range(height) for k in range(depth)]
        if places == regular and down >= 0 and across >= 0:
            index = _sum_of(places[0], [("j", down), ("k", across)])
        else:
            index = self._index(places, f"{depth} * j + k")
        product = self._unless_shut(f"{number} * {factor}", ("k", others))
        add = _loop("k", depth, f"gradient[{index}] += {product};")
        return [_loop("j", height, _unless(self._conditions("j", shut), add))]

    def _index(self, numbers: Sequence[int], i: str) -> str:
        """Numbers by their index: in steps where they are so, else from a table."""
        stride = numbers[1] - numbers[0] if len(numbers) > 1 else 0
        if stride >= 0 and list(numbers) == [numbers[0] + j * stride for j in range(len(numbers))]:
            return _sum_of(numbers[0], [(i if i.isidentifier() else f"({i})", stride)])
        table = f"places_{len(self._tables)}"
        self._tables.append(_table("int", table, map(str, numbers)).rstrip())
        return f"{table}[{i}]"


def _bare(value: str) -> str:
    """An operation without the brackets around it."""
    return value[1:-1] if value.startswith("(") else value


def _looked_at(lines: Sequence[tuple[str, int | None]]) -> set[int]:
    """The numbers of the shutters that lines ask for, but for notes of which nobody asks."""
    found: set[int] = set()
    while True:
        used = [line for line, at in lines if at is None or at in found]
        asked = {int(at) for line in used for at in re.findall(r"\bshut_(\d+)\[", line)}
        if asked <= found:
            return found
        found |= asked


def _steps(span: Span, n: int) -> tuple[int, list[tuple[str, int, int]]]:
    return span.first, [("j", span.stride, n)]


def _sum_of(first: int, steps: Sequence[tuple[str, int]]) -> str:
    parts = [f"{first}"] * (first != 0 or not any(stride for _, stride in steps))
    parts += [i if stride == 1 else f"{stride} * {i}" for i, stride in steps if stride]
    return " + ".join(parts)


def _result(k: int) -> str:
    return f"gradient[{k - 1}]" if k else "value"


def _unless(shut: Sequence[str], statement: str) -> str:
    return f"if (!{_any(shut)})\n{indent(statement, '    ')}" if shut else statement


def _any(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' || '.join(conditions)})"


def _loop(i: str, n: int, body: str) -> str:
    head = f"for (int {i} = 0; {i} < {n}; {i}++)"
    if "\n" not in body and len(head) + len(body) < 90:
        return f"{head} {body}"
    if body.startswith(("for", "if")):
        return f"{head}\n{indent(body, '    ')}"
    return f"{head} {{\n{indent(body, '    ')}\n}}"
