"""The worked example's equations for one forward and one backward pass, unit by unit.

Two-layer or deeper: a_j, z_j for every unit, the error E, delta_k of the outputs, delta_j of the
hidden units by the backpropagation formula, then dE/dw_ji = delta_j z_i (Bishop & Bishop, Deep
Learning, 2024, section 8.1). The numbers are those of the graph; an equation that does not hold
for a graph, such as delta_k = y_k - t_k for another error, is not shown. Where the page changes a
leaf it looks each number up again, and tries again whether an equation holds.
"""

from collections.abc import Iterable, Sequence
from math import isclose
from typing import Any, NamedTuple

from ..engine import Value, sweep
from ..nn.units import Unit, Units
from ..numeric import sum_in_order
from .description import Node, json_number
from .formulas import fill


class Number(NamedTuple):
    """A number that the page formats, and where it finds what it is now.

    Attributes:
        was: the number as recorded.
        kind: what it is, one of those that the page's script knows: "data", "grad", ...
        of: of which nodes.
        is_factor: whether it takes parentheses where it is negative.
    """

    was: float
    kind: str
    of: tuple[int, ...]
    is_factor: bool = False

    def to_json(self) -> dict[str, Any]:
        """The number for the page's script."""
        fields = {"was": json_number(self.was), "kind": self.kind, "of": self.of}
        return fields | {"isFactor": True} if self.is_factor else fields


Line = list[str | float | Number]
MOST_TERMS = 8
MOST_LINES = 16
SUM_OVER_I, SUM_OVER_K = "Σ\ue000i\ue002", "Σ\ue000k\ue002"


def unit_equations(
    order: Sequence[Value], nodes: Sequence[Node], units: Units
) -> list[dict[str, Any]]:
    """The equations, step by step, as JSON.

    Args:
        order: the nodes in topological order, the root last.
        nodes: what describes them.
        units: where the units are among them.

    Returns:
        For each step its pass, title and lines; which nodes it is about ("current"), which it
        uses ("operands"); and whose data and grad are known after it and were not before.

    >>> from micrograd_bp import MLP, topological_order
    >>> from .description import describe
    >>> from ..nn.units import find_units
    >>> order = topological_order(MLP(1, [1], seed=0)([2.0]))
    >>> steps = unit_equations(order, describe(order), find_units(order))
    >>> [step["pass"] for step in steps]
    ['forward', 'forward', 'backward', 'backward', 'backward']
    """
    return _Walk(order, nodes, units).all()


class _Case(NamedTuple):
    """Lines, and the grad and the number that are equal where they hold."""

    lines: list[Line]
    grad: int | None = None
    number: Number | None = None

    def to_json(self) -> dict[str, Any]:
        lines = self.lines
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], [f"… and {len(lines) - MOST_LINES} more"]]
        shown = [
            [part.to_json() if isinstance(part, Number) else part for part in line]
            for line in lines
        ]
        if self.number is None:
            return {"lines": shown}
        condition = {"grad": self.grad, "kind": self.number.kind, "of": self.number.of}
        return {"lines": shown, "isIf": condition}


class _Walk:
    def __init__(self, order: Sequence[Value], nodes: Sequence[Node], units: Units) -> None:
        self.order, self.nodes, self.units = order, nodes, units
        self.consumers: list[list[tuple[int, float]]] = [[] for _ in nodes]
        for i, node in enumerate(nodes):
            for parent, local in zip(node.parents, node.local_derivatives, strict=True):
                self.consumers[parent].append((i, local))
        self.unit_of_a = {unit.a: unit for layer in units.layers for unit in layer}
        place = {a: number for number, a in enumerate(self.unit_of_a)}
        for consumers in self.consumers:  # the units in their order
            consumers.sort(key=lambda use: (place.get(use[0], len(place)), use[0]))
        self.with_data = {i for i, node in enumerate(nodes) if not node.parents}
        self.with_grad: set[int] = set()
        self.steps: list[dict[str, Any]] = []

    def all(self) -> list[dict[str, Any]]:
        names = [self.nodes[x].name for x in self.units.inputs]
        self.add(
            "forward",
            "The inputs, targets and weights are given",
            [
                [f"{name} = ", self.data(x)]
                for name, x in zip(names, self.units.inputs, strict=True)
            ],
            self.units.inputs,
            [],
            data=self.with_data,
        )
        last = len(self.units.layers)
        for number, layer in enumerate(self.units.layers, 1):
            kind = "Output unit" if number == last else "Hidden unit"
            for unit in layer:
                self.forward(unit, f"{kind} {unit.j}" + f", layer {number}" * (last > 2))
        self.error()
        for unit in self.units.layers[-1]:
            self.output_delta(unit)
        for layer in reversed(self.units.layers[:-1]):
            for unit in layer:
                self.hidden_delta(unit)
        for layer in reversed(self.units.layers):
            for unit in layer:
                self.weights(unit)
        left = set(range(len(self.nodes))) - self.with_grad
        self.add(
            "backward",
            "The gradient is complete",
            [[f"{self.nodes[x].grad_name} = ", self.grad(x)] for x in self.units.inputs],
            [],
            [],
            data=set(range(len(self.nodes))),
            grads=left,
        )
        return self.steps

    def add(
        self,
        way: str,
        title: str,
        lines: Sequence[Line | _Case],
        current: Iterable[int],
        operands: Iterable[int],
        data: Iterable[int] = (),
        grads: Iterable[int] = (),
    ) -> None:
        cases = [case for case in lines if isinstance(case, _Case)]
        cases = cases or [_Case([line for line in lines if not isinstance(line, _Case)])]
        written: dict[str, Any] = {}
        for case in reversed(cases):
            otherwise = {"otherwise": written} if written else {}
            written = case.to_json() | otherwise
        self.steps.append(
            {
                "pass": way,
                "title": title,
                **written,
                "current": sorted(current),
                "operands": sorted(set(operands)),
                "data": sorted(data),
                "grads": sorted(grads),
            }
        )

    # --- numbers ----------------------------------------------------------------------------------

    def data(self, i: int) -> Number:
        return Number(self.nodes[i].data, "data", (i,))

    def grad(self, i: int) -> Number:
        return Number(self.nodes[i].grad, "grad", (i,))

    # --- forward ----------------------------------------------------------------------------------

    def forward(self, unit: Unit, kind: str) -> None:
        nodes = self.nodes
        a, z = nodes[unit.a], nodes[unit.z]
        operands = [*unit.weights, *unit.inputs, *([] if unit.bias is None else [unit.bias])]
        pairs = list(zip(unit.weights, unit.inputs, strict=True))
        in_names: list[Line] = [[f"{nodes[w].name} {nodes[x].name}"] for w, x in pairs]
        in_numbers: list[Line] = [
            [_factor(self.data(w)), " × ", _factor(self.data(x))] for w, x in pairs
        ]
        if unit.bias is not None:
            in_names.append([nodes[unit.bias].name])
            in_numbers.append([_factor(self.data(unit.bias))])
        rule = f"= {SUM_OVER_I} w\ue000ji\ue002 z\ue000i\ue002, the weighted sum of its inputs"
        what = "output" if unit.a == unit.z else "pre-activation"
        self.add(
            "forward",
            f"{kind}: the {what} {a.name}",
            [
                [f"{a.name} {rule}"],
                ["= ", *_joined(in_names)],
                ["= ", *_joined(in_numbers)],
                ["= ", self.data(unit.a)],
            ],
            [unit.a],
            operands,
            data=self.new_data(unit.a),
        )
        if unit.z != unit.a:
            formula = _filled(z.formula, z, nodes) if z.parents == [unit.a] else ""
            self.add(
                "forward",
                f"{kind}: the activation {z.name}",
                [
                    [f"{z.name} = h({a.name})", f" = {formula}" if formula else ""],
                    ["= ", self.data(unit.z)],
                ],
                [unit.z],
                [unit.a],
                data=self.new_data(unit.z),
            )

    def new_data(self, node: int) -> list[int]:
        """The nodes that are computed on the way to a node."""
        new, stack = set(), [node]
        while stack:
            i = stack.pop()
            if i not in self.with_data:
                self.with_data.add(i)
                new.add(i)
                stack += self.nodes[i].parents
        return sorted(new)

    def error(self) -> None:
        new = self.new_data(len(self.nodes) - 1)
        if not new:  # the root is an output itself
            return
        name = self.nodes[-1].name
        lines: list[Line] = [
            [f"{node.name} = {_filled(node.formula, node, self.nodes)} = ", self.data(i)]
            for i, node in ((i, self.nodes[i]) for i in new)
        ]
        outputs = [unit.z for unit in self.units.layers[-1]]
        self.add("forward", f"From the outputs to {name}", lines, new, outputs, data=new)

    # --- backward ---------------------------------------------------------------------------------

    def output_delta(self, unit: Unit) -> None:
        a = self.nodes[unit.a]
        difference = self.difference(unit)
        cases = self.delta_cases(unit)
        if difference is not None:
            y, t = difference.of
            lines: list[Line] = [
                [f"{a.grad_name} = {self.nodes[y].name} − {self.nodes[t].name}, the output error"],
                ["= ", self.data(y), " − ", _factor(self.data(t))],
                ["= ", self.grad(unit.a)],
            ]
            cases.insert(0, _Case(lines, unit.a, difference))
        title = f"Output unit {unit.j}: the error {a.grad_name} = ∂{self.root}/∂{a.name}"
        users = [i for i, _ in self.consumers[unit.z]]
        self.add("backward", title, cases, {unit.a, unit.z}, users, grads=self.new_grads(unit.a))

    def hidden_delta(self, unit: Unit) -> None:
        a = self.nodes[unit.a]
        rule = (
            f"{a.grad_name} = h′({a.name}) {SUM_OVER_K} w\ue000kj\ue002 δ\ue000k\ue002,"
            " the backpropagation formula"
        )
        cases = self.delta_cases(unit)
        title = f"Hidden unit {unit.j}: the error {a.grad_name} = ∂{self.root}/∂{a.name}"
        operands = {i for i, _ in self.consumers[unit.z]}
        operands |= {
            w
            for i in operands
            if i in self.unit_of_a
            for w, x in zip(self.unit_of_a[i].weights, self.unit_of_a[i].inputs)
            if x == unit.z
        }
        if all(i in self.unit_of_a for i, _ in self.consumers[unit.z]) and len(cases) > 1:
            cases[0].lines.insert(0, [rule])
        self.add("backward", title, cases, {unit.a, unit.z}, operands, grads=self.new_grads(unit.a))

    def delta_cases(self, unit: Unit) -> list[_Case]:
        """delta_j as h'(a_j) times the sum over the consumers of z_j, if that is what it is."""
        a, z = self.nodes[unit.a], self.nodes[unit.z]
        node_a, node_z = self.order[unit.a], self.order[unit.z]
        alone = _Case([[f"{a.grad_name} = ", self.grad(unit.a)]])
        (slope,) = sweep([node_z], [node_z], [1.0], [node_a], back=True)
        users = self.consumers[unit.z]
        total = sum_in_order(local * self.nodes[i].grad for i, local in users if self.nodes[i].grad)
        if unit.z == len(self.nodes) - 1:
            total, users = 1.0, []
        if not isclose(slope * total, a.grad, rel_tol=1e-9):
            return [alone]
        by_chain = Number(slope * total, "by_chain", (unit.z, unit.a))
        in_names: list[Line] = [[self.term(unit, i)] for i, _ in users] or [
            [f"∂{self.root}/∂{z.name}"]
        ]
        in_numbers: list[Line] = [
            [_factor(Number(local, "local", place)), " × ", _factor(self.grad(place[0]))]
            for (_, local), place in zip(users, self.places(unit.z), strict=False)
        ] or [[1.0]]
        if unit.a == unit.z:
            lines: list[Line] = [
                [f"{a.grad_name} = ", *_joined(in_names)],
                ["= ", *_joined(in_numbers)],
                ["= ", self.grad(unit.a)],
            ]
            return [_Case(lines, unit.a, by_chain), alone]
        filled = _filled(z.derivatives[0], z, self.nodes) if z.parents == [unit.a] else ""
        by_slope = Number(slope, "slope", (unit.z, unit.a))
        lines = [
            [f"h′({a.name}) = ", f"{filled} = " if filled else "", by_slope],
            [f"{a.grad_name} = h′({a.name}) × (", *_joined(in_names), ")"],
            ["= ", _factor(by_slope), " × (", *_joined(in_numbers), ")"],
            ["= ", self.grad(unit.a)],
        ]
        return [_Case(lines, unit.a, by_chain), alone]

    def places(self, z: int) -> list[tuple[int, ...]]:
        """For each use of a node its consumer, and the slot there."""
        return [
            (i, slot)
            for i in dict.fromkeys(user for user, _ in self.consumers[z])
            for slot, parent in enumerate(self.nodes[i].parents)
            if parent == z
        ]

    def term(self, unit: Unit, user: int) -> str:
        """What one consumer of z_j brings back, in the book's notation: w_kj delta_k."""
        node = self.nodes[user]
        if user in self.unit_of_a:
            above = self.unit_of_a[user]
            for weight, x in zip(above.weights, above.inputs, strict=True):
                if x == unit.z:
                    return f"{self.nodes[weight].name} {node.grad_name}"
        return f"∂{node.name}/∂{self.nodes[unit.z].name} {node.grad_name}"

    def difference(self, unit: Unit) -> Number | None:
        """y_k - t_k, if that is delta_k."""
        for i, _ in self.consumers[unit.z]:
            node = self.nodes[i]
            if node.operation == "sub" and unit.z in node.parents:
                y, t = node.parents if node.parents[0] == unit.z else node.parents[::-1]
                by_equation = self.nodes[y].data - self.nodes[t].data
                if isclose(by_equation, self.nodes[unit.a].grad, rel_tol=1e-12):
                    return Number(by_equation, "difference", (y, t))
        return None

    def weights(self, unit: Unit) -> None:
        nodes, a = self.nodes, self.nodes[unit.a]
        lines: list[Line] = []
        for w, x in zip(unit.weights, unit.inputs, strict=True):
            lines.append(
                [
                    f"{nodes[w].grad_name} = {a.grad_name} {nodes[x].name} = ",
                    _factor(self.grad(unit.a)),
                    " × ",
                    _factor(self.data(x)),
                    " = ",
                    *self.product(w, Number(a.grad * nodes[x].data, "product", (unit.a, x))),
                ]
            )
        own = [*unit.weights]
        if unit.bias is not None:
            own.append(unit.bias)
            lines.append(
                [
                    f"{nodes[unit.bias].grad_name} = {a.grad_name} = ",
                    *self.product(unit.bias, self.grad(unit.a)),
                ]
            )
        self.add(
            "backward",
            f"The weights into {a.name}: {a.grad_name} times what they multiply",
            lines,
            own,
            [unit.a, *unit.inputs],
            grads=self.new_grads(*own),
        )

    def product(self, weight: int, product: Number) -> Line:
        """The derivative by a weight; with what other uses of the weight add, if there are any."""
        total = self.grad(weight)
        if len(self.consumers[weight]) == 1:
            return [total]
        return [product, "; with its other uses the sum is ", total]

    def new_grads(self, *wanted: int) -> list[int]:
        """The nodes whose grads are needed for those of some."""
        new, stack = set(), list(wanted)
        while stack:
            i = stack.pop()
            if i not in self.with_grad:
                self.with_grad.add(i)
                new.add(i)
                stack += [user for user, _ in self.consumers[i]]
        return sorted(new)

    @property
    def root(self) -> str:
        return self.nodes[-1].name


def _factor(number: Number) -> Number:
    """A number in a product or sum, a negative one in parentheses."""
    return number._replace(is_factor=True)


def _joined(terms: list[Line]) -> Line:
    """The sum of terms, a long one shortened."""
    if len(terms) > MOST_TERMS:
        terms = [*terms[: MOST_TERMS - 1], ["…"], terms[-1]]
    result: Line = []
    for i, term in enumerate(terms):
        result += [" + ", *term] if i else term
    return result


def _filled(template: str, node: Node, nodes: Sequence[Node]) -> str:
    """A template with the names of the operands."""
    return fill(template, [nodes[parent].name for parent in node.parents], node.name)
