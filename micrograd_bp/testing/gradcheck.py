"""gradcheck: backward() and the forward mode of any function of Values against finite differences.

Steps and tolerances come from the error estimates of the differences (finite_differences.py),
not from the user. Where backward() and the difference disagree, one-sided differences decide
whether the function has a kink there: of a smooth function the two agree.
"""

from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any, NamedTuple

from ..engine import Value
from ..numeric import show
from ..transforms import jvp, takes
from ..transforms.chain_rule import data_of
from ..transforms.nested import Structure, leaves, paths, rebuild
from ..transforms.recorded_call import check_function, numbers_in
from .finite_differences import EPSILON, Difference, as_number, ridders
from .report import Mismatch, Report

SAFETY = 10.0  # how many error estimates a derivative may lie off


def gradcheck(f: Callable[..., Any], *inputs: Structure, raise_on_failure: bool = True) -> Report:
    """Compare backward() of f, and its forward mode ``jvp``, with finite differences.

    Args:
        f: from Values to a Value, or to a list, tuple or dict of Values, each of which is
            checked. It is called many times, so it has to give the same again.
        inputs: its arguments: numbers, or lists, tuples, dicts or NumPy arrays of numbers,
            nested as you like. Each number is passed as a Value.
        raise_on_failure: whether to raise for a wrong derivative, or only to report it.

    Returns:
        A report that is true where all is right, and prints well. Its notes name the kinks,
        where the derivative is a convention: backward() then has to lie between the slopes
        on the two sides.

    Raises:
        GradientError: a derivative is wrong.
        TypeError: f gives something else than Values, or does not take these arguments.

    >>> from micrograd_bp import tanh
    >>> print(gradcheck(lambda w, x: tanh(w[0] * x + w[1]), [0.5, -0.3], 2.0))
    gradcheck of <lambda>: 3 compared, all right
    """
    check_function(f)
    subject = f"gradcheck of {getattr(f, '__name__', repr(f))}"
    names = [f"input {i}{path}" for i, part in enumerate(inputs) for path in paths(part)]
    numbers = [data_of(leaf) for leaf in numbers_in(inputs, "what gradcheck passes to f")]

    def outputs_at(point: Sequence[float]) -> tuple[list[Value], Structure]:
        values = [Value(number) for number in point]
        return values, f(*rebuild(inputs, values))

    faults: list[Mismatch] = []
    notes: list[str] = []
    try:
        _, outputs = outputs_at(numbers)
    except TypeError as error:
        if takes(f, inputs) and not any(hasattr(part, "__len__") for part in inputs):
            raise
        raise TypeError(
            f"{error} (each argument of gradcheck after f is one argument of f, a list one list)"
        ) from error
    output_names = list(paths(outputs))
    for path, output in zip(output_names, leaves(outputs), strict=True):
        if not isinstance(output, Value):
            where = f" with {show(output)} at {path}" if path else ""
            raise TypeError(
                f"gradcheck needs a function that gives Values; it gave {show(outputs)}{where}"
            )
    forward = _by_forward_mode(lambda *values: leaves(f(*rebuild(inputs, values))), numbers)
    for k, path in enumerate(output_names):
        gradient = _by_backward(*outputs_at(numbers), k)
        for i, (name, got) in enumerate(zip(names, gradient, strict=True)):

            def along(t: float, i: int = i, k: int = k) -> float:
                _, moved = outputs_at([*numbers[:i], t, *numbers[i + 1 :]])
                return as_number(leaves(moved)[k])

            verdict = _judge(along, numbers[i], got)
            what = f"d f{path} / d {name}"
            if verdict.note:
                notes.append(f"{what}: {verdict.note}")
            if not verdict.right:
                faults.append(Mismatch(what, verdict.expected, got, verdict.allowed))
            elif not abs(forward[i][k] - verdict.expected) <= verdict.allowed:
                mode = f"{what}, by the forward mode"
                faults.append(Mismatch(mode, verdict.expected, forward[i][k], verdict.allowed))
    report = Report(subject, len(output_names) * len(names), tuple(faults), tuple(notes))
    return report.raise_if_wrong() if raise_on_failure else report


def _by_backward(values: Sequence[Value], outputs: Structure, k: int) -> list[float]:
    """The derivatives of one output, by one backward pass over a fresh graph."""
    leaves(outputs)[k].backward()
    return [value.grad for value in values]


def _by_forward_mode(f: Callable[..., Any], numbers: Sequence[float]) -> list[list[float]]:
    """The derivatives of all outputs by each input, one forward sweep an input."""
    units = [[float(i == j) for j in range(len(numbers))] for i in range(len(numbers))]
    return [jvp(f, numbers, unit)[1] for unit in units]


class _Verdict(NamedTuple):
    right: bool
    expected: float
    allowed: float
    note: str = ""


def _judge(g: Callable[[float], float], t: float, got: float) -> _Verdict:
    """Whether got is the derivative of g at t, or one that a convention may choose."""
    try:
        central = ridders(g, t)
    except ValueError:
        return _at_an_edge(g, t, got)
    if _agrees(got, central):
        return _Verdict(True, central.value, _allowed(central), _kink_between(g, t, got))
    step = max(abs(t), 0.1) / 4.0
    kink = None
    while t + step != t:  # a kink further off shows where the steps are as long as its distance
        try:
            left, right = ridders(g, t, step, side=-1), ridders(g, t, step, side=1)
            central = min(central, ridders(g, t, step), key=lambda difference: difference.error)
        except ValueError:
            break
        if _agrees(got, central):
            return _Verdict(True, central.value, _allowed(central))
        if abs(left.value - right.value) <= SAFETY * (left.error + right.error):
            break
        kink = left, right, step
        step /= 64.0
    if kink is None or step > 1e-4 * max(abs(t), 0.1):
        for scale in (1e-3, 1e-5):  # steps of another size, before a failure is believed
            finer = ridders(g, t, scale * max(abs(t), 0.1))
            if _agrees(got, finer) and finer.error <= 1e-8 * abs(got):
                return _Verdict(True, finer.value, _allowed(finer))
        return _Verdict(False, central.value, _allowed(central))
    left, right, step = kink
    low, high = sorted((left.value, right.value))
    allowed = max(_allowed(left), _allowed(right))
    within = low - allowed <= got <= high + allowed
    return _Verdict(within, min(max(got, low), high), allowed, _note(*kink, t, got))


def _kink_between(g: Callable[[float], float], t: float, got: float) -> str:
    """A note, if the central slope is but the mean of two: that of abs(t) at 0 is 0."""
    step = 1e-5 * max(abs(t), 0.1)
    try:
        left, right = ridders(g, t, step, side=-1), ridders(g, t, step, side=1)
    except ValueError:
        return ""
    gap = abs(left.value - right.value)
    if gap <= SAFETY * (left.error + right.error) or gap <= 1e-3 * abs(left.value):
        return ""  # to noise the estimates are not proof alone
    return _note(left, right, step, t, got)


def _note(left: Difference, right: Difference, step: float, t: float, got: float) -> str:
    return (
        f"a kink within {step:.1g} of {t!r}: the slope is {left.value:.6g} to the left and"
        f" {right.value:.6g} to the right, and backward() gives {got!r}"
    )


def _at_an_edge(g: Callable[[float], float], t: float, got: float) -> _Verdict:
    """At the edge of the domain, where g is defined on one side only, or on none."""
    for side, word in ((1, "right"), (-1, "left")):
        try:
            slope = ridders(g, t, side=side)
        except ValueError:
            continue
        note = f"defined to the {word} of {t!r} only: compared with the slope there"
        return _Verdict(_agrees(got, slope), slope.value, _allowed(slope), note)
    return _Verdict(True, got, inf, f"not checked: the function is defined only at {t!r} itself")


def _allowed(difference: Difference) -> float:
    return SAFETY * max(difference.error, EPSILON * abs(difference.value))


def _agrees(got: float, difference: Difference) -> bool:
    return isfinite(got) and abs(got - difference.value) <= _allowed(difference)
