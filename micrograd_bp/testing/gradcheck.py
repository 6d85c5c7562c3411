"""gradcheck: backward() and the forward mode of any function of Values against finite differences.

Steps and tolerances come from the error estimates of the differences (slopes.py), not from the
user. The slopes to the left and to the right say whether the function has a kink: of a smooth
function the two agree.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import inf, isfinite, isinf, nan
from typing import Any, NamedTuple

from ..engine import Value, order_of
from ..numeric import show, sum_in_order
from ..transforms import gradient, jvp
from ..transforms.chain_rule import Sweeps, data_of
from ..transforms.nested import Structure, leaves, paths, rebuild
from ..transforms.recorded_call import check_function, numbers_in, takes
from .by_integral import explained
from .extrapolation import Difference
from .finite_differences import as_number
from .report import Mismatch, Report
from .slopes import EPSILON, UNDERFLOW, Slopes

CLOSER = (16, 28, 40, 44, 48, 50)  # octaves below t: largest steps where the usual ones disagree
AGAIN = 4  # times f is called at the same point: what it gives then is rounded otherwise, or chance
CHANCE = 2.0**-20  # of what is rounded; a result that differs by more is one of chance
SAFETY = 4.0  # how many error estimates a derivative may lie off: it has rounding errors too


def gradcheck(f: Callable[..., Any], *inputs: Structure, raise_on_failure: bool = True) -> Report:
    """Compare backward() of f, and its forward mode ``jvp``, with finite differences.

    Args:
        f: from Values to a Value, or to a list, tuple or dict of Values, each of which is
            checked. It is called many times, and has to give the same again.
        inputs: its arguments: numbers, or lists, tuples, dicts or NumPy arrays of numbers,
            nested as you like. Each number is passed as a Value.
        raise_on_failure: whether to raise for a wrong derivative, or only to report it.

    Returns:
        A report that is true where all is right, and prints well. Its notes name the kinks,
        where the derivative is a convention: backward() then has to lie between the slopes
        on the two sides; and what is not checked, as sin(1e16), since floats are 2 apart there,
        or the small sine in x + 0.001 sin(x) at 1e13, which the rounding errors of x hide.

    Raises:
        GradientError: a derivative is wrong.
        TypeError: f gives something else than Values, or does not take these arguments.
        ValueError: an input is inf or nan, or f gives something else later, and not by rounding.

    >>> from micrograd_bp import tanh
    >>> print(gradcheck(lambda w, x: tanh(w[0] * x + w[1]), [0.5, -0.3], 2.0))
    gradcheck of <lambda>: 3 compared, all right
    """
    check_function(f)
    subject = f"gradcheck of {getattr(f, '__name__', type(f).__name__)}"
    names = [f"input {i}{path}" for i, part in enumerate(inputs) for path in paths(part)]
    numbers = _finite_numbers(inputs, names)

    def outputs_at(point: Sequence[float]) -> tuple[list[Value], Structure]:
        values = [Value(number) for number in point]
        return values, f(*rebuild(inputs, values))

    faults: list[Mismatch] = []
    notes: list[str] = []
    checked = 0
    try:
        _, outputs = outputs_at(numbers)
    except TypeError as error:
        if takes(f, inputs) and not any(hasattr(part, "__len__") for part in inputs):
            raise
        raise TypeError(
            f"{error} (each argument of gradcheck after f is one argument of f, a list one list)"
        ) from error
    output_names = _names_of_values(outputs)
    first = [output.data for output in leaves(outputs)]
    later = [leaves(outputs_at(numbers)[1]) for _ in range(AGAIN)]
    again = [[output.data for output in outputs] for outputs in zip(*later)]
    forward = _by_forward_mode(lambda *values: leaves(f(*rebuild(inputs, values))), numbers)

    @cache  # each output is looked at over the same steps
    def outputs_beside(i: int, t: float) -> list[float]:
        try:
            _, moved = outputs_at([*numbers[:i], t, *numbers[i + 1 :]])
        except (ArithmeticError, ValueError):
            return [nan] * len(output_names)
        return [as_number(output) for output in leaves(moved)]

    for k, path in enumerate(output_names):
        values, outputs = outputs_at(numbers)
        output = leaves(outputs)[k]
        output.backward()
        noise = _rounding((node.grad, node) for node in order_of([output])[:-1])
        noise += noise_of_chance(first[k], again[k], abs(first[k]) + noise / EPSILON)
        for i, (name, value) in enumerate(zip(names, values, strict=True)):

            def along(t: float, i: int = i, k: int = k) -> float:
                return outputs_beside(i, t)[k]

            def derivative(t: float, i: int = i, k: int = k) -> float:
                try:
                    moved, outputs = outputs_at([*numbers[:i], t, *numbers[i + 1 :]])
                    leaves(outputs)[k].backward()
                except (ArithmeticError, ValueError):
                    return nan
                return moved[i].grad

            verdict = judge(along, numbers[i], value.grad, "backward()", noise)
            if verdict.note or not (verdict.right and verdict.allows(forward[i][k])):
                rounding = SAFETY * _rounding_of_derivative(output, value)
                verdict = verdict.allowing(value.grad, rounding)
            rounding = noise + EPSILON * abs(output.data)
            verdict = verdict.unless_explained(along, derivative, numbers[i], value.grad, rounding)
            what = f"d f{path} / d {name}"
            checked += verdict.is_known
            if verdict.note:
                notes.append(f"{what}: {verdict.note}")
            if not verdict.right:
                faults.append(Mismatch(what, verdict.expected, value.grad, verdict.allowed))
            elif not verdict.allows(forward[i][k]):
                mode = f"{what}, by the forward mode"
                faults.append(Mismatch(mode, verdict.expected, forward[i][k], verdict.allowed))
    report = Report(subject, checked, tuple(faults), tuple(notes))
    return report.raise_if_wrong() if raise_on_failure else report


def noise_of_chance(first: float, others: Sequence[float], size: float) -> float:
    """How far a result is off, as others at the same point say: sums on several threads differ.

    Functions of random numbers, or with a state, have no derivatives to compare.

    Args:
        first: what f gave at the point.
        others: what it gave there later.
        size: of the numbers that it is rounded from, which may cancel.

    Raises:
        ValueError: they differ by more than rounding does.
    """
    for again in others:
        if abs(again - first) > CHANCE * size:
            raise ValueError(
                f"f gives {first!r} and then {again!r} at the same point: if it draws random"
                " numbers, seed them inside f, and let it keep no state"
            )
    gaps = (abs(again - first) for again in others)
    return 2.0 * max(filter(isfinite, gaps), default=0.0)


def _finite_numbers(inputs: Structure, names: Sequence[str]) -> list[float]:
    numbers = [data_of(leaf) for leaf in numbers_in(inputs, "what gradcheck passes to f")]
    for name, number in zip(names, numbers, strict=True):
        if not isfinite(number):
            raise ValueError(
                f"{name} of gradcheck is {number}, and has no finite numbers beside it"
            )
    return numbers


def _names_of_values(outputs: Structure) -> list[str]:
    """The paths of the outputs, which have to be Values."""
    names = list(paths(outputs))
    for path, output in zip(names, leaves(outputs), strict=True):
        if not isinstance(output, Value):
            where = f" with {show(output)} at {path}" if path else ""
            raise TypeError(
                f"gradcheck needs a function that gives Values; it gave {show(outputs)}{where}"
            )
    return names


def _by_forward_mode(f: Callable[..., Any], numbers: Sequence[float]) -> list[list[float]]:
    """The derivatives of all outputs by each input, one forward sweep an input."""
    indices = range(len(numbers))
    return [jvp(f, numbers, [float(i == j) for j in indices])[1] for i in indices]


def _rounding(nodes: Iterable[tuple[float, Value]], underflow: float = 0.0) -> float:
    """How far the root of a graph may be off by the roundings of nodes, given with adjoints.

    Each is rounded, by EPSILON of it, or of the terms of a sum, and by what underflows; its
    adjoint carries that on (running error analysis: Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, section 3.3).
    """
    total = sum_in_order(
        abs(adjoint) * (EPSILON * _size(node) + underflow)
        for adjoint, node in nodes
        if node.parents
    )
    return total if isfinite(total) else 0.0


def _size(node: Value) -> float:
    """The largest number that is rounded on the way to that of a node."""
    size = abs(node.data)
    if node.operation and node.operation.name == "dot":
        # Each product is there twice, once for each factor.
        terms = zip(node.parents, node.local_derivatives)
        size = max(size, sum_in_order(abs(w * x.data) for x, w in terms) / 2.0)
    return size


def _rounding_of_derivative(output: Value, x: Value) -> float:
    """How far a derivative may be off by rounding: of exp(x) - 1 no digit is left at 1e-17."""
    try:
        (derivative,) = gradient(output, [x])
        order = order_of([derivative])
        adjoints = Sweeps([derivative], order).back({derivative: 1.0})
    except (ArithmeticError, TypeError, ValueError):  # it has no derivatives in its turn
        return 0.0
    return _rounding(((adjoints.get(node, 0.0), node) for node in order), UNDERFLOW)


class Verdict(NamedTuple):
    """Whether a derivative is right, what it should be, and what else there is to say.

    The note is of a kink where the gap, by which the slopes to the two sides differ, is finite.
    """

    right: bool
    expected: float
    allowed: float
    note: str = ""
    gap: float = inf

    @property
    def is_known(self) -> bool:
        """Whether it was compared with anything: some is not checked, and said to be."""
        return not self.right or self.allowed < inf

    def allows(self, derivative: float) -> bool:
        """Whether a derivative is as near as it has to be."""
        return derivative == self.expected or abs(derivative - self.expected) <= self.allowed

    def allowing(self, got: float, rounding: float) -> "Verdict":
        """The verdict on got, if it may be so much farther off; a kink so small is none."""
        note = self.note if self.gap > rounding else ""
        wider = self._replace(allowed=self.allowed + rounding, note=note)
        return wider._replace(right=self.right or wider.allows(got))

    def unless_explained(
        self,
        f: Callable[[float], float],
        derivative: Callable[[float], float],
        t: float,
        got: float,
        noise: float,
    ) -> "Verdict":
        """The verdict on got; none, where it takes too large steps to tell that it is wrong."""
        step = None if self.right else explained(f, derivative, t, got, self.expected, noise)
        if step is None:
            return self
        note = (
            f"not checked: to see that a derivative is off by {abs(got - self.expected):.3g} takes"
            f" steps of {step:.3g}, and over such steps the function changes as its derivatives"
            f" beside {t!r} say"
        )
        return Verdict(True, got, inf, note)


def judge(
    f: Callable[[float], float], t: float, got: float, giver: str, noise: float = 0.0
) -> Verdict:
    """Whether got is the slope of f at t, as the giver of it says; f(t) is off by the noise."""
    slopes = Slopes(f, t, noise=noise)
    if got == 0.0 and slopes.is_flat:  # as floor is between its jumps, and from afar is not
        return Verdict(True, got, 0.0)
    verdict = _judge(slopes, t, got, giver)
    if not verdict.right:
        verdict = _closer(f, t, got, giver, noise, verdict)
    is_silent = not (verdict.is_known or verdict.note.startswith("not checked"))
    if (is_silent or not verdict.right) and slopes.is_unseen:
        note = f"not checked: between the floats beside {t!r} the function changes as it does afar"
        return Verdict(True, got, inf, note)
    if is_silent:
        why = "overflow" if slopes.is_huge else "are too few to tell how far they are off"
        return Verdict(True, got, inf, f"not checked: the differences beside {t!r} {why}")
    if not verdict.right and _is_too_steep(slopes, verdict, got):
        note = f"not checked: the differences beside {t!r} grow as their steps shrink"
        return Verdict(True, got, inf, note)
    return verdict


def _is_too_steep(slopes: Slopes, verdict: Verdict, got: float) -> bool:
    """Whether got is where differences that have no limit go to, beside an edge or an inf."""
    is_vague = not verdict.allowed < abs(verdict.expected)
    is_beyond = got * verdict.expected > 0.0 and abs(got) >= abs(verdict.expected)
    at_an_edge = slopes.central is None or isinf(got)
    return is_vague and is_beyond and at_an_edge and slopes.is_ever_steeper


def _judge(slopes: Slopes, t: float, got: float, giver: str) -> Verdict:
    """Whether got is the slope at t, or one that a convention may choose."""
    slope, left, right = slopes.best, slopes.left, slopes.right
    if jump := slopes.jump:
        return Verdict(True, got, inf, f"not checked: a jump of {jump:.6g} at {t!r}")
    if slope is None:
        return _at_an_edge(slopes, t, got)
    note, gap = "", inf
    if left and right and slopes.kink:
        gap = abs(right.value - left.value)
        note = (
            f"a kink within {slopes.kink:.1g} of {t!r}: the slope is {left.value:.6g} to the left"
            f" and {right.value:.6g} to the right, and {giver} gives {got!r}"
        )
    if _agrees(got, slope):
        return Verdict(True, slope.value, _allowed(slope), note, gap)
    if left and right and slopes.kink:
        low, high = sorted((left.value, right.value))
        allowed = max(_allowed(left), _allowed(right))
        within = low - allowed <= got <= high + allowed
        return Verdict(within, min(max(got, low), high), allowed, note, gap)
    return Verdict(False, slope.value, _allowed(slope))


def _closer(
    f: Callable[[float], float], t: float, got: float, giver: str, noise: float, verdict: Verdict
) -> Verdict:
    """The verdict by smaller steps, if it shows that the larger ones told of something else."""
    for octaves in CLOSER:
        step = abs(t) * 2.0**-octaves
        if verdict.right or t + step == t:
            break
        closer = _judge(Slopes(f, t, step, noise), t, got, giver)
        if abs(closer.expected - verdict.expected) > closer.allowed + verdict.allowed:
            verdict = closer
    return verdict


def _at_an_edge(slopes: Slopes, t: float, got: float) -> Verdict:
    """At the edge of the domain, where f is defined on one side only, or on none."""
    for slope, word in ((slopes.right, "right"), (slopes.left, "left")):
        if slope:
            note = f"defined to the {word} of {t!r} only: compared with the slope there"
            return Verdict(_agrees(got, slope), slope.value, _allowed(slope), note)
    return Verdict(True, got, inf, f"not checked: the function is defined only at {t!r} itself")


def _allowed(difference: Difference) -> float:
    return SAFETY * max(difference.error, EPSILON * abs(difference.value))


def _agrees(got: float, difference: Difference) -> bool:
    near = isfinite(got) and abs(got - difference.value) <= _allowed(difference)
    return near or got == difference.value
