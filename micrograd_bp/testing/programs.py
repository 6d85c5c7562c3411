"""Computation graphs and networks as data, which run on any engine that has the operators.

A graph is encoded as inputs and a list of (operation index, i, j), i and j counted back from
the newest node. Each step is resolved to the first operation, from that index on, whose domain
accepts the operands and whose result stays below 1e4 in size; what nothing takes is summed
into the output. So any encoding is a graph, and no operation of it is dead.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import inf
from typing import Any, ClassVar, NamedTuple

from .. import elementary, engine
from ..functions import FUNCTIONS
from ..nn import MLP
from ..text.operations import ATOM, POWER, Form, Operands, Part, Printer

LARGEST_RESULT = 1e4
LARGEST_DERIVATIVE = 1e12


class Step(NamedTuple):
    """One operation of a program.

    Attributes:
        name: one of ``OPERATIONS``.
        operands: the numbers of the nodes it takes; inputs come first, then the steps.
        parameters: its fixed arguments, such as the exponent of ``x**3``.

    >>> print(GraphProgram((2.0,), (Step("constant_power", (0,), (3.0,)), Step("add", (0, 1)))))
    x0 = Value(2.0)
    v1 = x0 ** 3.0
    v2 = x0 + v1
    root = v2
    """

    name: str
    operands: tuple[int, ...]
    parameters: tuple[float, ...] = ()


class Evaluation(NamedTuple):
    """What a program computed: the output, the leaves, and all nodes in order."""

    root: Any
    inputs: list[Any]
    nodes: list[Any]


# Simple ones first: an example shrinks to the front. The rest come in the table's order.
_SIMPLE = "add mul sub neg div constant_power relu tanh exp log sigmoid dot fsum pow".split()
_KEYS = dict.fromkeys([*_SIMPLE, *FUNCTIONS])
OPERATIONS: tuple[str, ...] = tuple(key for key in _KEYS if FUNCTIONS[key].public)
"""The names of the operations that random graphs are made of, simple ones first."""

OPERANDS: dict[str, int] = {  # how many each takes
    key: FUNCTIONS[key].operands or (5 if key == "dot" else 3) for key in OPERATIONS
}


def variants(operations: Sequence[str]) -> list[tuple[str, tuple[float, ...]]]:
    """The operations, each with each choice of its parameters.

    Raises:
        ValueError: an operation is not known.

    >>> variants(["elu", "add"])
    [('elu', (1.0,)), ('elu', (0.5,)), ('add', ())]
    """
    if isinstance(operations, str):
        raise TypeError(f"operations are a list of names, [{operations!r}], not {operations!r}")
    if unknown := [name for name in operations if name not in OPERANDS]:
        known = ", ".join(OPERATIONS)
        raise ValueError(f"no operation is called {unknown[0]!r}; there are {known}")
    return [(name, fixed) for name in operations for fixed in FUNCTIONS[name].tried]


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "constant_power": operator.pow,
    "round": lambda x, digits: round(x, int(digits)),
}


def _dot(*operands: Any) -> Any:
    n = len(operands) // 2
    return engine.dot(operands[:n], operands[n : 2 * n], *operands[2 * n :])


def _softmax(*terms_and_index: Any) -> Any:
    *terms, index = terms_and_index
    return elementary.softmax(terms)[int(index)]


_N_ARY: dict[str, Callable[..., Any]] = {
    "dot": _dot,
    "fsum": lambda *terms: engine.fsum(terms),
    "prod": lambda *factors: elementary.prod(factors),
    "mean": lambda *terms: elementary.mean(terms),
    "logsumexp": lambda *terms: elementary.logsumexp(terms),
    "softmax": _softmax,
}


def _call(name: str, arguments: Sequence[Any]) -> Any:
    """An operator, a function of many, or the operand's own method; for floats the function."""
    if name in _OPERATORS:
        return _OPERATORS[name](*arguments)
    if name == "neg":
        return -arguments[0]
    if name in _N_ARY:
        return _N_ARY[name](*arguments)
    method = getattr(arguments[0], name, None)
    return method(*arguments[1:]) if method else getattr(elementary, name)(*arguments)


def _of_list(name: str) -> Form:
    return lambda to, operands, _: Part(f"{name}([{to.listed(operands)}])")


class _Code(Printer):
    """Writes operations as Python code that computes with Values."""

    forms: ClassVar = {
        **Printer.forms,
        "constant_power": (POWER, "{x^} ** {a}"),
        "round": lambda to, x, digits: Part(f"round({to.listed(x)}, {int(digits[0])})"),
        "softmax": lambda to, x, i: Part(f"softmax([{to.listed(x)}])[{int(i[0])}]"),
        **{name: _of_list(name) for name in ("fsum", "prod", "mean", "logsumexp")},
    }
    first = inf

    def number(self, number: float) -> Part:
        return Part(repr(number))

    def call(self, name: str, operands: Operands, parameters: Sequence[float]) -> Part:
        x, *others = operands
        arguments = self.listed([*others, *map(self.number, parameters)])
        return Part(f"{self.inside(x, ATOM)}.{name}({arguments})")

    def dot(self, operands: Operands) -> Part:
        n = len(operands) // 2
        weights, x = (f"[{self.listed(part)}]" for part in (operands[:n], operands[n : 2 * n]))
        return Part(f"dot({self.listed([Part(weights), Part(x), *operands[2 * n :]])})")


_CODE = _Code()


@dataclass(frozen=True)
class GraphProgram:
    """A computation graph as data: it prints as code, and runs on any engine.

    Attributes:
        inputs: the floats at the leaves.
        steps: the operations, in order; what no step takes is summed into the output.

    >>> program = GraphProgram((3.0,), (Step("mul", (0, 0)), Step("tanh", (1,))))
    >>> print(program)
    x0 = Value(3.0)
    v1 = x0 * x0
    v2 = v1.tanh()
    root = v2
    >>> program == eval(repr(program))
    True
    """

    inputs: tuple[float, ...]
    steps: tuple[Step, ...]

    @classmethod
    def resolve(
        cls,
        inputs: Sequence[float],
        code: Sequence[tuple[int, int, int]],
        operations: Sequence[str] = OPERATIONS,
    ) -> "GraphProgram":
        """The program that an encoding stands for.

        Args:
            inputs: the floats at the leaves.
            code: for each step where to begin in the list of operations, and how far back its
                first two operands stand; all taken modulo what there is.
            operations: names to choose from, of ``OPERATIONS``.

        Raises:
            ValueError: an operation is not known.

        >>> GraphProgram.resolve([2.0, -1.0], [(0, 0, 1)], ["log", "mul"])  # log(-1) is none
        GraphProgram(inputs=(2.0, -1.0), steps=(Step(name='mul', operands=(1, 0), parameters=()),))
        """
        choices = variants(operations)
        data = list(inputs)
        steps = []
        for start, i, j in code:
            for offset in range(len(choices)):
                name, fixed = choices[(start + offset) % len(choices)]
                arity = OPERANDS[name]
                back = [i, j, *(i + j + 1 + k for k in range(arity - 2))][:arity]
                operands = tuple(len(data) - 1 - distance % len(data) for distance in back)
                numbers = [data[index] for index in operands]
                if _is_tame(name, numbers, fixed):
                    data.append(FUNCTIONS[name].value(*numbers, *fixed))
                    steps.append(Step(name, operands, fixed))
                    break
        return cls(tuple(inputs), tuple(steps))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows of a failure: the code, a line a step."""
        with printer.group(4, "", ""):
            for line in str(self).splitlines():
                printer.break_()
                printer.text(line)

    def evaluate(self, make_leaf: Callable[[float], Any] = engine.Value) -> Evaluation:
        """Run the program.

        Args:
            make_leaf: from a float to what the program computes with: a class with the
                operators, and methods for the other functions; or float.

        Returns:
            The root, the leaves and all nodes in order: ``.root``, ``.inputs``, ``.nodes``.

        Raises:
            ValueError, ZeroDivisionError, OverflowError: as the operations raise them.

        >>> GraphProgram((3.0,), (Step("mul", (0, 0)),)).evaluate(float).root
        9.0
        """
        nodes = [make_leaf(x) for x in self.inputs]
        for name, operands, parameters in self.steps:
            nodes.append(_call(name, [*(nodes[index] for index in operands), *parameters]))
        root = reduce(operator.add, [nodes[index] for index in self._sinks()])
        return Evaluation(root, nodes[: len(self.inputs)], nodes)

    def _sinks(self) -> list[int]:
        used = {index for step in self.steps for index in step.operands}
        return [i for i in range(len(self.inputs) + len(self.steps)) if i not in used]

    def __str__(self) -> str:
        """Python code that computes the root with Values, line by line."""
        names = [f"x{i}" for i in range(len(self.inputs))]
        lines = [f"{name} = Value({x!r})" for name, x in zip(names, self.inputs, strict=True)]
        for step in self.steps:
            operands = [Part(names[index]) for index in step.operands]
            code = _CODE.operation(FUNCTIONS[step.name], operands, step.parameters).text
            names.append(f"v{len(names)}")
            lines.append(f"{names[-1]} = {code}")
        return "\n".join([*lines, f"root = {' + '.join(names[i] for i in self._sinks())}"])


def _is_tame(name: str, numbers: Sequence[float], fixed: tuple[float, ...]) -> bool:
    """Whether an operation is defined and smooth here, and neither it nor its slope is huge."""
    function = FUNCTIONS[name]
    if function.kink is not None and function.kink(*numbers, *fixed):
        return False
    if function.domain is not None and not function.domain(*numbers, *fixed):
        return False
    if not abs(function.value(*numbers, *fixed)) <= LARGEST_RESULT:
        return False
    return all(abs(d) <= LARGEST_DERIVATIVE for d in function.partials(*numbers, *fixed))


@dataclass(frozen=True)
class NetworkProgram:
    """A multilayer perceptron, a data point and its error, as data.

    Attributes:
        sizes: the numbers of inputs, of units of each hidden layer, and of outputs.
        hidden, output: names of activations.
        weights: weights and biases, in the order of ``MLP.parameters()``.
        inputs, targets: x and t of the data point.

    >>> program = NetworkProgram((1, 1), "tanh", "linear", (2.0, 0.5), (3.0,), (6.0,))
    >>> program.evaluate().root.data
    0.125
    """

    sizes: tuple[int, ...]
    hidden: str
    output: str
    weights: tuple[float, ...]
    inputs: tuple[float, ...]
    targets: tuple[float, ...]

    def build(self) -> MLP:
        """The network with its weights.

        >>> program = NetworkProgram((1, 1), "tanh", "linear", (2.0, 0.5), (3.0,), (6.0,))
        >>> program.build()([3.0]).data
        6.5
        """
        model = MLP(self.sizes[0], self.sizes[1:], hidden=self.hidden, output=self.output, seed=0)
        for parameter, weight in zip(model.parameters(), self.weights, strict=True):
            parameter.data = weight
        return model

    def evaluate(self) -> Evaluation:
        """The sum of squares E = 1/2 sum_k (y_k - t_k)**2; ``inputs`` are the parameters.

        >>> program = NetworkProgram((1, 1), "tanh", "linear", (2.0, 0.5), (3.0,), (6.0,))
        >>> E, (w, b), _ = program.evaluate()
        >>> E.backward()
        >>> E.data, w.grad, b.grad  # dE/dw = (y - t) x
        (0.125, 1.5, 0.5)
        """
        model = self.build()
        result = model(list(self.inputs))
        outputs = result if isinstance(result, list) else [result]
        errors = [y - t for y, t in zip(outputs, self.targets, strict=True)]
        root = 0.5 * engine.dot(errors, errors)
        return Evaluation(root, model.parameters(), engine.topological_order(root))
