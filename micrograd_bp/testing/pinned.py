"""check_graph: the gradients of a recorded graph against differences pinned to its trajectory.

Ordinary finite differences of a float program drown in its rounding errors. Here the graph is
evaluated beside its point in high precision, and at each node the constant v - f(parents) is
added by which the recorded float v differs from the exact f of the recorded parents. So the
evaluation passes exactly through the recorded floats: it takes the same branches, no digit is
lost to cancellation in the forward pass, and what remains is the error of the backward pass,
for which rounding error analysis gives the bound (Higham, Accuracy and Stability of Numerical
Algorithms, 2002, chapter 3). Nobody has to choose a tolerance.
"""

from collections.abc import Sequence
from math import isfinite, isnan, ulp
from typing import Any, NamedTuple

from ..engine import Value, topological_order
from ..numeric import show, sum_in_order
from .optional import optional
from .report import Mismatch, Report

PRECISIONS = (200, 1000, 5000)  # bits; a saturated function needs the more
EPSILON = 2.0**-53
UNDERFLOW = 1.5 * 2.0**-1074
VALUE_ULPS = 4.0  # the functions of the table keep within 2, their derivatives within 4
N_ARY = ("dot", "prod", "mean", "logsumexp", "softmax")  # their errors add up term by term
# The one root of their derivatives lies in here: it is exact to 4 ulp of 1, not of itself.
ROOTS = {"gelu": (-1.25, -0.25), "silu": (-1.8, -0.8)}


def check_graph(root: Value, raise_on_failure: bool = True) -> Report:
    """Check every value and every gradient of a recorded graph, with no tolerance to choose.

    Forward values are compared with the exact functions of their operands; ``root.backward()``
    is run, and the gradient of each leaf compared with a trajectory-pinned difference, that of
    each other node with the exact chain rule. Every ``.grad`` is as before afterwards. A
    derivative at a kink, or at the edge of a domain, is a convention, taken as recorded; a note
    says so. The cost grows with the number of leaves times the number of nodes.

    Args:
        root: the output of the graph.
        raise_on_failure: whether to raise for a wrong number, or only to report it.

    Returns:
        A report that is true where all is right, and prints well.

    Raises:
        GradientError: a value or a gradient is wrong, or ``.data`` was written after the
            forward pass, so that the graph no longer belongs to its numbers.
        TypeError: root is no Value.
        ValueError: a node's data is inf or nan.
        ImportError: mpmath is not installed.

    >>> x = Value(0.5, label="x")
    >>> print(check_graph((x * x).sin() + x))
    check_graph of add: 7 compared, all right
    """
    if not isinstance(root, Value):
        raise TypeError(
            f"check_graph checks the graph of a Value, not {show(root)}; for a function there is"
            " gradcheck"
        )
    order = topological_order(root)
    subject = f"check_graph of {root.operation.name if root.operation else repr(root)}"
    for node in order:
        if not isfinite(node.data):
            raise ValueError(f"check_graph needs finite data, not {node!r}")
    names = _names(order)
    faults = _misplaced(order, names) or _changed(order, names)
    if faults:
        report = Report(subject, len(faults), tuple(faults))
    else:
        gradients = _backward(order)
        report = Report(subject, 0)
        for bits in PRECISIONS:  # a failure is believed only at the last
            report = _Check(order, names, bits).report(subject, gradients)
            if report:
                break
    return report.raise_if_wrong() if raise_on_failure else report


def _names(order: Sequence[Value]) -> dict[Value, str]:
    """What the report calls each node: its label, or its operation and its place."""
    names = {}
    for index, node in enumerate(order):
        kind = node.operation.name if node.operation else "leaf"
        names[node] = repr(node.label) if node.label else f"node {index} ({kind})"
    return names


def _misplaced(order: Sequence[Value], names: dict[Value, str]) -> list[Mismatch]:
    """Nodes that stand before one of their parents, or twice: no topological order."""
    place = {node: index for index, node in enumerate(order)}
    return [
        Mismatch(f"place of {names[node]} in topological_order", len(order), index, 0.0, note)
        for index, node in enumerate(order)
        for note in ["not after all of its parents, and once"]
        if place[node] != index or any(place.get(p, index) >= index for p in node.parents)
    ]


def _changed(order: Sequence[Value], names: dict[Value, str]) -> list[Mismatch]:
    """Nodes whose operation gives other numbers now than it recorded."""
    faults = []
    for node in order:
        if node.operation is None or not node.parents:
            continue
        arguments = [*(parent.data for parent in node.parents), *node.operation.parameters]
        function = node.operation.function
        recorded = [node.data, *node.local_derivatives]
        now = [function.value(*arguments), *function.partials(*arguments)]
        for i, (before, after) in enumerate(zip(recorded, now, strict=True)):
            if before != after and not (isnan(before) and isnan(after)):
                what = f"local derivative {i - 1}" if i else "value"
                note = (
                    "not what the operation gives on the data that its operands have now:"
                    " where .data was written after the forward pass, run that again"
                )
                faults.append(Mismatch(f"{what} of {names[node]}", after, before, 0.0, note))
                break
    return faults


def _backward(order: Sequence[Value]) -> list[float]:
    """The gradients that backward() adds, each grad put back as it was."""
    before = [node.grad for node in order]
    try:
        for node in order:
            node.grad = 0.0
        order[-1].backward()
        return [node.grad for node in order]
    finally:
        for node, grad in zip(order, before, strict=True):
            node.grad = grad


class _Slope(NamedTuple):
    """A node as a function of one operand."""

    derivative: Any  # an mpf
    smooth: bool


class _NeedsMoreBits(Exception):
    """The differences at this precision do not settle."""


class _Check:
    """One pass over the graph, everything in the same precision."""

    def __init__(self, order: Sequence[Value], names: dict[Value, str], bits: int) -> None:
        self.order = order
        self.names = names
        self.bits = bits
        self.mp = optional("mpmath").mp
        self.notes: list[str] = []

    def report(self, subject: str, gradients: Sequence[float]) -> Report:
        with self.mp.workprec(self.bits):
            self._evaluate()
            faults = [*self._wrong_values(), *self._wrong_gradients(gradients)]
            checked = sum(bool(node.parents) for node in self.order) + len(self.order)
            return Report(subject, checked, tuple(faults), tuple(self.notes))

    def _evaluate(self) -> None:
        """Residuals and exact local derivatives, at the recorded floats."""
        from .exact import exact

        mpf = self.mp.mpf
        self.data = {node: mpf(node.data) for node in self.order}
        self.forms: dict[Value, Any] = {}
        self.residuals: dict[Value, Any] = {}
        self.slopes: dict[Value, list[Any]] = {}
        for node in self.order:
            if not node.parents or node.operation is None:
                continue
            if not node.operation.key:
                self._take_as_recorded(node)
                what = f"comes of {node.operation.name}, a function of your own: its value and"
                self.notes.append(f"{self.names[node]} {what} local derivatives, as recorded")
                continue
            form = exact(node.operation.function)
            fixed = node.operation.parameters
            operands = [self.data[parent] for parent in node.parents]
            self.residuals[node] = self.data[node] - form(*operands, *fixed)
            slopes = [self._slope(form, operands, i, fixed) for i in range(len(operands))]
            if all(slope.smooth for slope in slopes):
                self.forms[node] = form
                self.slopes[node] = [slope.derivative for slope in slopes]
            else:
                self._take_as_recorded(node)
                self.notes.append(
                    f"{self.names[node]} stands at a kink or the edge of its domain: its local"
                    " derivatives are a convention, taken as recorded"
                )

    def _take_as_recorded(self, node: Value) -> None:
        found = node.local_derivatives
        self.slopes[node] = [self.mp.mpf(d if isfinite(d) else 0.0) for d in found]

    def _step(self, x: Any, bits: int) -> Any:
        return self.mp.ldexp(max(abs(x), self.mp.ldexp(1, -10)), -(bits // 3))

    def _slope(self, form: Any, operands: list[Any], i: int, fixed: Sequence[float]) -> _Slope:
        """By central differences, at this precision or, where they do not settle, at a higher."""
        for bits in PRECISIONS:
            if bits < self.bits:
                continue
            with self.mp.workprec(bits):
                try:
                    return _Slope(self._difference(form, operands, i, fixed, bits), smooth=True)
                except (_NeedsMoreBits, ArithmeticError, ValueError):
                    continue
        return _Slope(None, smooth=False)

    def _difference(
        self, form: Any, operands: list[Any], i: int, fixed: Sequence[float], bits: int
    ) -> Any:
        """The central difference, where the ones to both sides agree as a smooth function's do."""
        x = operands[i]
        centre = form(*operands, *fixed)

        def one_sided(step: Any) -> Any:
            beside = form(*operands[:i], x + step, *operands[i + 1 :], *fixed)
            return (beside - centre) / step

        step = self._step(x, bits)
        left, right = one_sided(-step), one_sided(step)
        gap = abs(right - left)
        if gap > self.mp.ldexp(max(abs(left), abs(right)), -(bits // 6)):
            # At a kink the gap stays; of a smooth function it shrinks with the step.
            closer = self.mp.ldexp(step, -20)
            if abs(one_sided(closer) - one_sided(-closer)) > self.mp.ldexp(gap, -10):
                raise _NeedsMoreBits
        return (left + right) / 2

    def _wrong_values(self) -> list[Mismatch]:
        faults = []
        for node, residual in self.residuals.items():
            allowed = VALUE_ULPS * ulp(node.data)
            key = node.operation.key if node.operation else ""
            if key in ("gelu_derivative", "silu_derivative"):
                allowed = VALUE_ULPS * ulp(1.0)
            elif key in N_ARY:
                terms = zip(node.parents, self.slopes[node], strict=True)
                size = abs(node.data) + sum_in_order(float(abs(self.data[p] * s)) for p, s in terms)
                allowed = EPSILON * (len(node.parents) + 3) * size
            if abs(residual) > allowed + UNDERFLOW:
                true = float(self.data[node] - residual)
                what = f"value of {self.names[node]}"
                faults.append(Mismatch(what, true, node.data, allowed))
        return faults

    def _wrong_gradients(self, gradients: Sequence[float]) -> list[Mismatch]:
        """Against pinned differences for a leaf that the user made, else the exact chain rule."""
        mpf, root = self.mp.mpf, self.order[-1]
        exact = dict.fromkeys(self.order, mpf(0))  # d root / d node
        sizes = dict.fromkeys(self.order, mpf(0))  # the same of the absolute values
        lost = dict.fromkeys(self.order, mpf(0))  # what underflow may have taken
        depth = dict.fromkeys(self.order, 0)
        exact[root] = sizes[root] = mpf(1)
        consumers: dict[Value, list[Value]] = {node: [] for node in self.order}
        for node in reversed(self.order):
            for parent, slope in zip(node.parents, self.slopes.get(node, ()), strict=True):
                exact[parent] += slope * exact[node]
                sizes[parent] += self._size(node, slope) * sizes[node]
                lost[parent] += abs(slope) * lost[node] + (sizes[node] + 1) * UNDERFLOW
                depth[parent] = max(depth[parent], depth[node] + 1)
                consumers[parent].append(node)
        faults = []
        for node, got in zip(self.order, gradients, strict=True):
            is_input = node.operation is None
            expected = self._pinned_difference(node, consumers) if is_input else exact[node]
            allowed = 4 * EPSILON * (depth[node] + 2) * sizes[node] + lost[node]
            if not abs(got - expected) <= allowed:
                what = f"gradient of {self.names[node]}"
                faults.append(Mismatch(what, float(expected), got, float(allowed)))
        return faults

    def _size(self, node: Value, slope: Any) -> Any:
        """What the error of a recorded local derivative is in proportion to."""
        key = node.operation.key if node.operation else ""
        if key in ROOTS and ROOTS[key][0] < node.parents[0].data < ROOTS[key][1]:
            return self.mp.mpf(1)
        return abs(slope)

    def _pinned_difference(self, leaf: Value, consumers: dict[Value, list[Value]]) -> Any:
        """d root / d leaf, from the graph evaluated at two points beside the recorded one."""
        step = self._step(self.data[leaf], self.bits)
        reached = {leaf}
        for node in self.order:
            if node in reached:
                reached.update(consumers[node])
        path = [node for node in self.order if node in reached and node is not leaf]
        root = self.order[-1]

        def at(x: Any) -> Any:
            moved = {leaf: x}
            for node in path:
                moved[node] = self._moved(node, [moved.get(p, self.data[p]) for p in node.parents])
            return moved.get(root, self.data[root])

        x = self.data[leaf]
        try:
            return (at(x + step) - at(x - step)) / (2 * step)
        except (ArithmeticError, ValueError):
            return self.mp.nan  # off the domain: fails here, and is tried with a smaller step

    def _moved(self, node: Value, operands: list[Any]) -> Any:
        """The node beside its recorded point: its exact form plus its residual."""
        if node.operation is not None and node in self.forms:
            return self.forms[node](*operands, *node.operation.parameters) + self.residuals[node]
        moves = zip(operands, node.parents, self.slopes[node], strict=True)
        return self.data[node] + sum(slope * (x - self.data[p]) for x, p, slope in moves)
