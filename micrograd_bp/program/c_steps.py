"""One step of a plan as statements of C: a wide instruction as a loop, any other as a line."""

from collections.abc import Iterator, Sequence

from ..functions import FUNCTIONS, Function
from . import c_syntax as c
from .c_functions import OF_THE_LIBRARY, OPERATORS, RENAMED, definitions
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
from .plain import known_order
from .shutters import BY_RESULT, NONE, Shut, Shutters, in_order


class Steps:
    """Writes the steps of a plan, in their order.

    Args:
        plan: of instructions.py.
        parameters: the array that holds them.

    Attributes:
        tables: the tables of places that the statements read.
        used: the functions that they call.
        n_shut: how many shutters there are, by their step.
    """

    def __init__(self, plan: Plan, parameters: str) -> None:
        self._plan = plan
        self._parameters = parameters
        self._shutters = Shutters(plan)
        self.tables: list[str] = []
        self.used: set[str] = set()
        self.n_shut: dict[int, int] = {}

    # Where numbers are

    def _array(self, place: int) -> tuple[str, int, int]:
        """The array that holds a place, its first place, and the one after its last."""
        plan = self._plan
        n_inputs_end = plan.n_scalars + plan.n_inputs
        for array, first, end in (
            (self._parameters, 0, plan.n_parameters),
            ("c", plan.n_parameters, plan.n_known),
            ("s", plan.n_known, plan.n_scalars),
            ("inputs", plan.n_scalars, n_inputs_end),
        ):
            if place < end:
                return array, first, end
        return "r", n_inputs_end, plan.n_scalars + plan.n_rows

    def at(self, place: int) -> str:
        """The number at a place."""
        array, first, _ = self._array(place)
        return f"{array}[{place - first}]"

    def _ranged(self, first: int, steps: Sequence[tuple[str, int, int]]) -> str | None:
        """The element first + i * stride + ..., given (i, stride, how many); None if they are
        not all in one array."""
        array, start, end = self._array(first)
        if first + sum(stride * (n - 1) for _, stride, n in steps) >= end:
            return None
        return f"{array}[{c.sum_of(first - start, [(i, stride) for i, stride, _ in steps])}]"

    # What they compute

    def lines(self, step: Step) -> list[tuple[str, int | None]]:
        """The lines of the next step; with its number those that note where it is shut."""
        lines: list[tuple[str, int | None]] = [(line, None) for line in self._lines(step)]
        if isinstance(step, (Sum, Sums)):
            self._shutters.take(step)
            return lines
        closed = [*self._closed(step)]
        at, self.n_shut[at] = self._shutters.take(step)
        notes = [(line.replace("shut_at", f"shut_{at}"), at) for line in closed]
        if isinstance(step, (Instruction, Map)) and step.function in BY_RESULT:
            return [*lines, *notes]
        return [*notes, *lines]  # the result may be put where an operand was

    def _closed(self, step: OnceStep) -> Iterator[str]:
        """What notes where a step is shut, in case that it is a shutter."""
        if isinstance(step, Product):
            shut = self._conditions("k", self._shutters.terms(step) or [NONE])
            yield f"shut_at[0] = {int(bool(shut))};"
            if shut:
                yield c.loop("k", step.depth, f"shut_at[0] = shut_at[0] && {c.any_of(shut)};")
        elif isinstance(step, (Instruction, Map)):
            ones = [one for one in units(step) if isinstance(one, Instruction)]
            for i, closed in self._closed_units(step, ones):
                line = f"shut_at[{i}] = {closed};"
                yield line if i.isdigit() else c.loop("j", len(ones), line)

    def _closed_units(
        self, step: Instruction | Map, ones: Sequence[Instruction]
    ) -> Iterator[tuple[str, str]]:
        forms = [self._shutters.closed(one) for one in ones]
        ranges = [*step.operands, (step.result, 1)] if isinstance(step, Map) else []
        spans = [self._ranged(first, [("j", stride, len(ones))]) for first, stride in ranges]
        if not any(forms):
            terms = zip(*map(self._shutters.terms, ones), strict=False)
            shut = [c.any_of(self._conditions("j", term) or ["0"]) for term in terms]
            yield "j", " && ".join(shut) or "0"
        elif spans and all(spans) and len({*forms}) == 1:
            yield "j", forms[0].format(*spans, result=spans[-1])
        else:
            for j, (one, form) in enumerate(zip(ones, forms, strict=True)):
                operands = [self.at(place) for place in one.operands]
                yield f"{j}", form.format(*operands, result=self.at(one.result)) or "0"

    def _conditions(self, i: str, shut: Sequence[Shut]) -> list[str]:
        """When numbers in a row are shut, by their index."""
        found = in_order(shut)
        return [f"shut_{at}[{c.sum_of(first, [(i, stride)])}]" for at, first, stride in found]

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
                    yield f"{_result(results[0])} += {self.at(shared)};"
                for k, factor in zip(results, factors, strict=False):
                    product = f"{self.at(shared)} * {self.at(factor)}"
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
        value = self._call(one.function, [self.at(place) for place in places], one, shut)
        text = f"{self.at(one.result)} = {c.bare(value)};"
        lines = c.statement(text)
        if not one.label:
            return lines
        name = c.comment(f"{one.label} of {one.scope}" if one.scope else one.label)
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
            return self._unless_shut(c.bare(value), *shut) if key == "mul" else value
        name = RENAMED.get(key, key)
        if name not in OF_THE_LIBRARY and name not in definitions():
            raise ValueError(f"{function.name} has no form in C")
        self.used.add(name)
        if function.operands is None:
            listed = ", ".join(operands)
            return f"{name}((const double[]){{{listed}}}, {len(operands)})"
        fixed = [f"{known_order(x)}" if type(x) is int else c.number(x) for x in one.parameters]
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
                return [c.loop("j", n, f"{target} = {c.bare(value)};")]
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
                    add = c.loop("j", height, f"{target} += {weight} * {factor};")
                    begin = c.loop("j", height, f"{target} = {start};")
                    return [begin, c.loop("k", depth, c.unless(shut, add))]
                add = c.loop("k", depth, f"sum += {weight} * {factor};")
                body = f"double sum = {start};\n{add}\n{target} = sum;"
                return [c.loop("j", height, body)]
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
        return [c.loop("j", len(places), f"{target} = {array}[{source}];")]

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
            return [c.loop("j", height, body)]
        down = places[depth] - places[0] if height > 1 else 0
        across = places[1] - places[0] if depth > 1 else 0
        regular = [places[0] + j * down + k * across for j in range(height) for k in range(depth)]
        if places == regular and down >= 0 and across >= 0:
            index = c.sum_of(places[0], [("j", down), ("k", across)])
        else:
            index = self._index(places, f"{depth} * j + k")
        product = self._unless_shut(f"{number} * {factor}", ("k", others))
        add = c.loop("k", depth, f"gradient[{index}] += {product};")
        return [c.loop("j", height, c.unless(self._conditions("j", shut), add))]

    def _index(self, numbers: Sequence[int], i: str) -> str:
        """Numbers by their index: in steps where they are so, else from a table."""
        stride = numbers[1] - numbers[0] if len(numbers) > 1 else 0
        if stride >= 0 and list(numbers) == [numbers[0] + j * stride for j in range(len(numbers))]:
            return c.sum_of(numbers[0], [(i if i.isidentifier() else f"({i})", stride)])
        table = f"places_{len(self.tables)}"
        self.tables.append(c.table("int", table, map(str, numbers)).rstrip())
        return f"{table}[{i}]"


def _steps(span: Span, n: int) -> tuple[int, list[tuple[str, int, int]]]:
    return span.first, [("j", span.stride, n)]


def _result(k: int) -> str:
    return f"gradient[{k - 1}]" if k else "value"
