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
from .lowering import Instruction, Plan, Sum

MOST_ORDERS = 100  # of a derivative: a parameter that is an int
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
    def plain(one: Instruction | Sum) -> tuple[Any, ...]:
        if isinstance(one, Sum):
            return "sum", one.shared, one.factors, one.results
        if not one.function.key:
            raise TypeError(
                f"a program with {one.function.name}, a function of your own, which is Python, is"
                " neither pickled nor saved: record the graph again where it is to run"
            )
        return one.function.key, one.parameters, one.operands, one.result, one.label, one.scope

    sections = {"once": plan.once, "each": plan.each}
    return {**vars(plan), **{name: tuple(map(plain, part)) for name, part in sections.items()}}


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
        n_inputs, n_each = sizes["n_inputs"], len(found["each"])
        n_known = sizes["n_parameters"] + len(found["constants"])
        n_scalars = n_known + len(found["once"])
        for part, size in {**sizes, "n_scalars": n_scalars}.items():
            _integer(part, found[part], size, size)
        n_rows = _integer("n_rows", found["n_rows"], n_inputs, n_inputs + n_each)
        constants = tuple(_float("a constant", x) for x in found["constants"])

        written = set(range(n_known))  # the places that have a number by then
        once = []
        for i, plain in enumerate(found["once"]):
            at = f"{name}.once[{i}]"
            once.append(_instruction(plain, written, n_known + i, n_known + i))
            written.add(n_known + i)
        written.update(range(n_scalars, n_scalars + n_inputs))
        first, last = n_scalars + n_inputs, n_scalars + n_rows - 1
        missing = set(range(sizes["n_sums"]))
        each: list[Instruction | Sum] = []
        for i, plain in enumerate(found["each"]):
            at = f"{name}.each[{i}]"
            one: Instruction | Sum
            if type(plain) in (list, tuple) and [*plain[:1]] == ["sum"]:
                one = _sum(plain, written, n_scalars, missing)
                missing.difference_update(one.results)
            else:
                one = _instruction(plain, written, first, last)
                _check(max(one.operands) >= n_scalars, "its operands", one.operands, "of the data")
                written.add(one.result)
            each.append(one)
        at = name
        _check(not missing, "what is not summed", missing, "nothing")
        n_outputs = 0 if sizes["n_sums"] else None
        outputs = _places("outputs", found["outputs"], written, n_outputs)
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


def _instruction(data: Any, written: set[int], first: int, last: int) -> Instruction:
    key, parameters, operands, result, label, scope = _items("an instruction", data, 6)
    function = FUNCTIONS.get(key) if type(key) is str else None
    if function is None or key == "softmax":  # which is made of others
        raise _unfit("the function", key, "one that programs have")
    n = _arity(function)
    found = _places("operands", operands, written, n)
    _check(len(found) > 0, "operands", found, "one at least")
    return Instruction(
        function,
        _parameters(parameters, function, n or 1),
        found,
        _integer("the place of the result", result, first, last),
        _text("the label", label),
        _text("the scope", scope),
    )


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
    found = tuple(
        _integer("an order", x, 0, MOST_ORDERS) if type(x) is int else _float("a parameter", x)
        for x in found
    )
    try:
        trials = [function.value(*[x] * n_operands, *found) for x in (-0.5, 0.0, 0.5, 39.0)]
        fit = all(type(trial) is float for trial in trials)
    except (ArithmeticError, TypeError, ValueError):
        fit = False
    _check(fit, "parameters", found, "such as the function takes")
    return found


def _sum(data: Any, written: set[int], n_scalars: int, missing: set[int]) -> Sum:
    _, plain_shared, plain_factors, plain_results = _items("a sum", data, 4)
    (shared,) = _places("what is summed", [plain_shared], written)
    factors = _places("factors", plain_factors, written)
    if factors:
        _integer("the place of what is multiplied", shared, n_scalars, inf)
    results = _items("results", plain_results, max(1, len(factors)))
    fit = {*map(type, results)} == {int} and missing.issuperset(results)
    _check(fit and len({*results}) == len(results), "results", results, "still to be summed")
    return Sum(shared, factors, results)


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


def _places(what: str, data: Any, written: set[int], n: int | None = None) -> tuple[int, ...]:
    found = _items(what, data, n)
    fit = not found or ({*map(type, found)} == {int} and written.issuperset(found))
    _check(fit, what, found, "places that are written by then")
    return found


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
