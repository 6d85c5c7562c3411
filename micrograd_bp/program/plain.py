"""A Program as plain data, numbers, strings and lists of them: what is pickled and what is filed.

Nothing of what is read is believed. Each function is one of the table and has the operands and
parameters that it needs; each place exists, and is written before it is read; each result is
given once. So a damaged or hostile program is a ValueError that says where, and what was read
without one is a plan that runs.
"""

from dataclasses import fields
from functools import cache
from math import inf, nan
from typing import Any, NamedTuple

from ..functions import FUNCTIONS, Function
from ..numeric import show
from .instructions import (
    Gather,
    Instruction,
    Map,
    Names,
    OnceStep,
    Plan,
    Product,
    Span,
    Step,
    Sum,
    Sums,
    Weights,
    width,
)

MOST_ORDERS = 100  # of a derivative: a parameter that is an int
MOST_RESULTS = 2**24  # of all wide steps, and of one sum: a short file asks for no more memory
MOST_PRODUCTS = 2**26  # of all wide steps, at a data point
BEYOND = {"inf": inf, "-inf": -inf, "nan": nan}  # what JSON has no numbers for


class Parts(NamedTuple):
    """What a Program is made of.

    Attributes:
        single: whether it has one output, and not a list.
        recorded: the parameters that it was recorded with.
        names: the labels of the inputs, then of the parameters.
        forward: the plan of the outputs.
        summed: the plan of the sums of the output and its derivatives; None of a list.
    """

    single: bool
    recorded: tuple[float, ...]
    names: tuple[str, ...]
    forward: Plan
    summed: Plan | None


def to_plain(parts: Parts) -> dict[str, Any]:
    """The parts as numbers and strings, and dicts and tuples of them."""
    summed = None if parts.summed is None else _plain(parts.summed)
    return {**parts._asdict(), "forward": _plain(parts.forward), "summed": summed}


def _plain(plan: Plan) -> dict[str, Any]:
    found = {field.name: getattr(plan, field.name) for field in fields(plan)}
    steps = {name: tuple(map(_step, found[name])) for name in ("once", "each")}
    return {**found, **steps}


def _step(step: Step) -> tuple[Any, ...]:
    match step:
        case Instruction(function, parameters, operands, result, label, scope):
            return _key(function), _orders(parameters), operands, result, label, scope
        case Map(function, parameters, width, spans, result, names):
            plain_spans = tuple(tuple(span) for span in spans)
            return "map", _key(function), _orders(parameters), width, plain_spans, result, names
        case Product(height, depth, weights, factors, bias, result, names):
            start = None if bias is None else tuple(bias)
            return "product", height, depth, tuple(weights), factors, start, result, names
        case Gather(places, result):
            return "gather", places, result
        case Sum(shared, factors, results):
            return "sum", shared, factors, results
    return "sums", *step


def _key(function: Function) -> str:
    if not function.key:
        raise TypeError(
            f"a program with {function.name}, a function of your own, which is Python, is neither"
            " pickled nor saved: record the graph again where it is to run"
        )
    return function.key


def _orders(parameters: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(known_order(x) if type(x) is int else x for x in parameters)


def known_order(number: Any) -> int:
    """The order of a derivative, if it is one that programs have beyond Python.

    Raises:
        ValueError: it is none.
    """
    return _integer("an order", number, 0, MOST_ORDERS)


def from_plain(data: Any) -> Parts:
    """The parts again; lists will do for tuples, and lists of pairs for dicts.

    Raises:
        ValueError: something is not as it was written; the message says where.
    """
    try:
        return _parts(data)
    except ValueError as error:
        raise ValueError(f"a damaged program: {error}") from None


def _parts(data: Any) -> Parts:
    found = _named("its parts", data, Parts._fields)
    single, summed = found["single"], found["summed"]
    _check(type(single) is bool, "single", single, "True or False")
    _check(single != (summed is None), "summed", summed, "there with one output, and only then")
    recorded = tuple(_float("recorded", x) for x in _items("recorded", found["recorded"]))
    names = tuple(_text("names", name) for name in _items("names", found["names"]))
    _integer("the number of names", len(names), len(recorded), inf)
    sizes = {"n_inputs": len(names) - len(recorded), "n_parameters": len(recorded)}
    forward = _plan("forward", found["forward"], {**sizes, "n_sums": 0})
    _integer("the number of outputs", len(forward.outputs), 1, 1 if single else inf)
    if single:
        summed = _plan("summed", summed, {**sizes, "n_sums": 1 + len(recorded)})
    return Parts(single, recorded, names, forward, summed)


def _plan(name: str, data: Any, sizes: dict[str, int]) -> Plan:
    at = name
    try:
        found = _named("its parts", data, [field.name for field in fields(Plan)])
        for part in ("constants", "once", "each", "outputs"):
            found[part] = _items(part, found[part])
        n_inputs, n_each = sizes["n_inputs"], _widths(found["each"])
        n_known = sizes["n_parameters"] + len(found["constants"])
        n_scalars = n_known + _widths(found["once"])
        for part, size in {**sizes, "n_scalars": n_scalars}.items():
            _integer(part, found[part], size, size)
        n_rows = _integer("n_rows", found["n_rows"], n_inputs, n_inputs + n_each)
        constants = tuple(_float("a constant", x) for x in found["constants"])

        reading = _Reading(n_known, n_scalars, n_scalars + n_rows)
        once: list[OnceStep] = []
        for i, plain in enumerate(found["once"]):
            at = f"{name}.once[{i}]"
            one = reading.step(plain, n_known, n_scalars)
            reading.write(one, again=False)
            once.append(one)
        reading.written[n_scalars : n_scalars + n_inputs] = b"\1" * n_inputs
        missing = set(range(sizes["n_sums"]))
        each: list[Step] = []
        for i, plain in enumerate(found["each"]):
            at = f"{name}.each[{i}]"
            if type(plain) in (list, tuple) and plain and plain[0] in ("sum", "sums"):
                summing = reading.sum(plain, sizes["n_sums"])
                missing.difference_update(summing.results)
                each.append(summing)
            else:
                one = reading.step(plain, n_scalars + n_inputs, n_scalars + n_rows)
                last = max(last for _, last in reading.read)
                _check(last >= n_scalars, "its operands", [*reading.read], "of the data")
                reading.write(one)
                each.append(one)
        at = name
        _check(not missing, "what is not summed", missing, "nothing")
        n_outputs = 0 if sizes["n_sums"] else None
        outputs = reading.places("outputs", found["outputs"], n_outputs)
    except ValueError as error:
        raise ValueError(f"{at}: {error}") from None
    return Plan(
        **sizes,
        constants=constants,
        n_scalars=n_scalars,
        n_rows=n_rows,
        once=tuple(once),
        each=tuple(each),
        outputs=outputs,
    )


def _widths(steps: tuple[Any, ...]) -> int:
    """How many results steps have at most, if they are what they say."""
    single, wide = 0, 0
    for step in steps:
        kind, *rest = step if isinstance(step, (list, tuple)) and step else [None]
        if kind == "gather" and rest and isinstance(rest[0], (list, tuple)):
            single += len(rest[0])
        elif kind in ("map", "product"):
            size = next(iter(rest[2 if kind == "map" else 0 :]), 0)
            wide += size if type(size) is int and size > 0 else 0
        elif kind not in ("sum", "sums"):
            single += 1
    return single + _integer("the number of results", wide, 0, MOST_RESULTS)


class _Reading:
    """Reads steps in turn, and knows which places have a number by then.

    Args:
        n_known, n_scalars, n_places: how many parameters and constants there are, how many
            scalars, and how many places.

    Attributes:
        written: 1 for a place with a number.
        read: the first and the last of all places that the last step reads, span by span.
    """

    def __init__(self, n_known: int, n_scalars: int, n_places: int) -> None:
        self.written = bytearray(n_places)
        self.written[:n_known] = b"\1" * n_known
        self._n_scalars = n_scalars
        self._products = 0
        self.read: list[tuple[int, int]] = []

    def step(self, data: Any, first: int, end: int) -> OnceStep:
        """A step that is no sum, with its results among some places."""
        self.read = []
        kind = _items("an instruction", data)[:1]
        if kind == ("map",):
            _, key, parameters, width, operands, result, names = _items("a map", data, 7)
            function = _function(key)
            n = _integer("the width", width, 2, MOST_RESULTS)
            spans = tuple(
                self._span(span, n) for span in _items("operands", operands, _arity(function))
            )
            _check(any(span.stride for span in spans), "operands", spans, "of more than one unit")
            return Map(
                function,
                _parameters(parameters, function, len(spans)),
                n,
                spans,
                self._results(result, n, first, end),
                _unit_names(names, n),
            )
        if kind == ("product",):
            _, height, depth, weights, factors, bias, result, names = _items("a product", data, 8)
            m = _integer("the height", height, 1, MOST_RESULTS)
            k = _integer("the depth", depth, 1, MOST_PRODUCTS)
            self._products = _integer("all products", self._products + m * k, 1, MOST_PRODUCTS)
            start = None if bias is None else self._span(bias, m)
            return Product(
                m,
                k,
                self._weights(weights, m, k),
                self._neighbours("factors", factors, k),
                start,
                self._results(result, m, first, end),
                _unit_names(names, m),
            )
        if kind == ("gather",):
            _, places, result = _items("a gather", data, 3)
            found = self.places("places", places)
            _check(len(found) > 0, "places", found, "one at least")
            return Gather(found, self._results(result, len(found), first, end))
        return self._instruction(data, first, end)

    def sum(self, data: Any, n_results: int) -> Sum | Sums:
        """A sum over the data points."""
        if data[0] == "sum":
            _, plain_shared, plain_factors, plain_results = _items("a sum", data, 4)
            (shared,) = self.places("what is summed", [plain_shared])
            factors = self.places("factors", plain_factors)
            if factors:
                _integer("the place of what is multiplied", shared, self._n_scalars, inf)
            n = max(1, len(factors))
            return Sum(shared, factors, _results(plain_results, n, n_results))
        _, height, shared, depth, factor, plain_results = _items("sums", data, 6)
        m = _integer("the height", height, 1, MOST_RESULTS)
        k = _integer("the depth", depth, 0, MOST_RESULTS)
        shared = self._neighbours("what is summed", shared, m)
        if k:
            _integer("the place of what is multiplied", shared, self._n_scalars, inf)
            self._neighbours("factors", factor, k)
        else:
            _integer("factors", factor, 0, 0)
        return Sums(m, shared, k, factor, _results(plain_results, m * max(k, 1), n_results))

    def write(self, step: OnceStep, again: bool = True) -> None:
        """The results of a step have numbers now."""
        n = width(step)
        places = slice(step.result, step.result + n)
        _check(again or not any(self.written[places]), "results", step.result, "not written yet")
        self.written[places] = b"\1" * n

    def places(self, what: str, data: Any, n: int | None = None) -> tuple[int, ...]:
        """Places that have numbers."""
        found = _items(what, data, n)
        written = self.written
        fit = not found or (
            {*map(type, found)} == {int}
            and min(found) >= 0
            and max(found) < len(written)
            and all(map(written.__getitem__, found))
        )
        _check(fit, what, found, "places that are written by then")
        self.read += [(place, place) for place in found]
        return found

    def _instruction(self, data: Any, first: int, end: int) -> Instruction:
        key, parameters, operands, result, label, scope = _items("an instruction", data, 6)
        function = _function(key)
        n = _arity(function)
        found = self.places("operands", operands, n)
        _check(len(found) > 0, "operands", found, "one at least")
        return Instruction(
            function,
            _parameters(parameters, function, n or 1),
            found,
            _integer("the place of the result", result, first, end - 1),
            _text("the label", label),
            _text("the scope", scope),
        )

    def _results(self, place: Any, n: int, first: int, end: int) -> int:
        """The place of the first of n results, which overwrite nothing that the step reads."""
        found = _integer("the place of the result", place, first, end - n)
        apart = all(last < found or found + n <= low for low, last in self.read)
        _check(apart, "the place of the result", found, "apart from the operands")
        return found

    def _integer_place(self, what: str, place: Any) -> int:
        return _integer(what, place, 0, len(self.written) - 1)

    def _span(self, data: Any, n: int) -> Span:
        first, stride = _items("a span", data, 2)
        span = Span(
            self._integer_place("the first place", first), _integer("a stride", stride, 0, inf)
        )
        self._check_all("operands", span.first, [(n, span.stride)])
        return span

    def _neighbours(self, what: str, first: Any, n: int) -> int:
        place = self._integer_place(what, first)
        self._check_all(what, place, [(n, 1)])
        return place

    def _weights(self, data: Any, height: int, depth: int) -> Weights:
        first, down, across = _items("weights", data, 3)
        weights = Weights(
            self._integer_place("the first place", first),
            _integer("a stride", down, 0, inf),
            _integer("a stride", across, 0, inf),
        )
        self._check_all("weights", weights.first, [(height, down), (depth, across)])
        return weights

    def _check_all(self, what: str, first: int, strides: list[tuple[int, int]]) -> None:
        """Places of one kind, in steps of steps, that have numbers."""
        last = first + sum((n - 1) * stride for n, stride in strides)
        fit = last < len(self.written) and (last < self._n_scalars or first >= self._n_scalars)
        if fit:
            *outer, (n, stride) = strides
            starts = [first]
            for count, distance in outer:
                starts = [first + j * distance for j in range(count if distance else 1)]
            for start in starts:
                end = start + (n - 1) * stride + 1
                fit = fit and 0 not in self.written[start : end : stride or 1]
        _check(fit, what, (first, *strides), "places of one kind that are written by then")
        self.read.append((first, last))


def _function(key: Any) -> Function:
    function = FUNCTIONS.get(key) if type(key) is str else None
    if function is None or key == "softmax":  # which is made of others
        raise _unfit("the function", key, "one that programs have")
    return function


def _unit_names(data: Any, n: int) -> Names:
    found = _items("names", data)
    _check(len(found) in (0, n), "names", found, "those of all units or of none")
    pairs = [_items("a name", pair, 2) for pair in found]
    return tuple((_text("the scope", scope), _text("the label", label)) for scope, label in pairs)


def _results(data: Any, n: int, n_results: int) -> tuple[int, ...]:
    results = _items("results", data, n)
    fit = {*map(type, results)} == {int} and min(results) >= 0 and max(results) < n_results
    _check(fit and len({*results}) == n, "results", results, "different ones that there are")
    return results


@cache
def _arity(function: Function) -> int | None:
    """How many operands a function takes; None for any number."""
    for rule in (function.partials, function.value):
        code = getattr(rule, "__code__", None)
        if code is not None and not code.co_flags & 4:  # that of *operands
            return int(code.co_argcount) - function.parameters
    return None


def _parameters(data: Any, function: Function, n_operands: int) -> tuple[float, ...]:
    found = _items("parameters", data, function.parameters)
    if not found:
        return ()
    found = tuple(known_order(x) if type(x) is int else _float("a parameter", x) for x in found)
    try:
        trials = [function.value(*[x] * n_operands, *found) for x in (-0.5, 0.0, 0.5, 39.0)]
        fit = all(type(trial) is float for trial in trials)
    except (ArithmeticError, TypeError, ValueError):
        fit = False
    _check(fit, "parameters", found, "such as the function takes")
    return found


# One thing each


def _check(fits: bool, what: str, found: object, wanted: str) -> None:
    if not fits:
        raise _unfit(what, found, wanted)


def _unfit(what: str, found: object, wanted: str) -> ValueError:
    return ValueError(f"{what} should be {wanted}, not {show(found)}")


def _named(what: str, data: Any, names: Any) -> dict[str, Any]:
    pairs = _items(what, [*data.items()] if type(data) is dict else data)
    keys = [key for key, _ in (_items(what, pair, 2) for pair in pairs)]
    fit = {*map(type, keys)} == {str} and sorted(keys) == sorted(names)
    _check(fit, what, keys, ", ".join(names))
    return dict(pairs)


def _items(what: str, data: Any, n: int | None = None) -> tuple[Any, ...]:
    if type(data) not in (list, tuple) or n not in (None, len(data)):
        raise _unfit(what, data, "a list" if n is None else f"a list of {n}")
    return tuple(data)


def _integer(what: str, number: Any, low: int, high: float) -> int:
    if type(number) is not int or not low <= number <= high:
        raise _unfit(what, number, f"{low}" if low == high else f"from {low} to {high}")
    return number


def _float(what: str, number: Any) -> float:
    found = BEYOND.get(number) if type(number) is str else number
    if type(found) is not float:
        raise _unfit(what, number, "a float")
    return found


def _text(what: str, text: Any) -> str:
    if type(text) is not str:
        raise _unfit(what, text, "a string")
    return text
