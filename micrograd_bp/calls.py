"""One call of a function, recorded on fresh inputs: what every transform begins with.

An input is a node of its own to each transform that differentiates by it, so that nested
derivatives do not mix up (Siskind & Pearlmutter, Perturbation confusion and referential
transparency, 2005).
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any

from . import modes
from .engine import Value, sweep
from .numeric import is_number, show, to_float
from .structure import Structure, leaves, outline, paths, rebuild
from .sweeps import Number, Sweeps, data_of, order_of, root_of, same_as

Argnums = int | Sequence[int]

_enclosing: ContextVar[frozenset[Value]] = ContextVar("micrograd_bp_enclosing", default=frozenset())
"""The inputs of the transforms that are running their functions just now."""


@dataclass(frozen=True)
class Call:
    """A call of f on fresh inputs, recorded.

    Attributes:
        name: of f, for messages.
        primals: the arguments differentiated by, as they came.
        inputs: a fresh node for each of their leaves.
        output: what f returned.
        outputs: its leaves as Values, a number as a constant.
        attached: whether results are Values, and not floats.
    """

    name: str
    primals: tuple[Structure, ...]
    inputs: list[Value]
    output: Structure
    outputs: list[Value]
    attached: bool

    def attached_to(self, numbers: Sequence[Number]) -> "Call":
        """The call with Values as results if there is one among the numbers."""
        return self if self.attached or not has_values(numbers) else replace(self, attached=True)

    @cached_property
    def sweeps(self) -> Sweeps:
        """The derivatives of the outputs by the inputs."""
        return Sweeps(self.outputs, self.inputs, self.attached)

    @property
    def value(self) -> Structure:
        """What f returned, as the caller gets it."""
        return rebuild(self.output, self.results(self.outputs))

    def forward(self, tangents: dict[Value, Number]) -> list[Number]:
        """The tangents of the outputs, from those of inputs."""
        return self._swept(tangents, self.outputs, back=False)

    def back(self, adjoints: dict[Value, Number]) -> list[Number]:
        """The adjoints of the inputs, from those of outputs."""
        return self._swept(adjoints, self.inputs, back=True)

    def _swept(
        self, seeds: dict[Value, Number], wanted: Sequence[Value], back: bool
    ) -> list[Number]:
        if not self.attached:
            numbers: list[Number] = sweep(self._root, seeds, wanted, back)
            if all(map(isfinite, numbers)):
                return numbers
        found = self.sweeps.back(seeds) if back else self.sweeps.forward(seeds)
        return [found.get(node, 0.0) for node in wanted]

    @cached_property
    def _root(self) -> Value:
        return root_of(self.outputs)

    def finished(self, numbers: Sequence[Number]) -> list[Number]:
        """Numbers from sweeps, as the caller gets them."""
        return self.results(self.sweeps.as_nodes(numbers) if self.attached else numbers)

    def results(self, numbers: Sequence[Number]) -> list[Number]:
        """Floats; or Values as they are, recorded if the caller records."""
        if not self.attached:
            return [data_of(number) for number in numbers]
        if modes.current.get().recording:
            return list(numbers)
        return [number.detach() for number in numbers]

    def single_output(self) -> Value:
        """The number that f returned."""
        if isinstance(self.output, Value) or is_number(self.output):
            return self.outputs[0]
        raise TypeError(
            f"the gradient is of a function that returns a number, and {self.name} returned"
            f" {show(self.output)}; for several outputs take jacobian or vjp"
        )


def record_call(
    f: Callable[..., Any],
    args: Sequence[Any],
    positions: Sequence[int],
    kwargs: dict[str, Any] | None = None,
) -> Call:
    """Call f with fresh inputs in the place of the arguments at the positions."""
    kwargs = kwargs or {}
    name = getattr(f, "__name__", type(f).__name__)
    positions = _within(positions, len(args), name)
    primals = tuple([args[position] for position in positions])
    numbers: list[Number] = []
    for position, primal in zip(positions, primals):
        numbers += numbers_in(primal, f"argument {position} of {name}")
    enclosing = _enclosing.get()
    with modes.changed(recording=True):
        inputs = [Value(x) if type(x) is float else _fresh(x) for x in numbers]
        arguments = dict(enumerate(args)) | dict(zip(positions, rebuild(primals, inputs)))
        token = _enclosing.set(enclosing.union(inputs))
        try:
            output = f(*arguments.values(), **kwargs)
        finally:
            _enclosing.reset(token)
    returned = numbers_in(output, f"what {name} returns")
    outputs = [y if isinstance(y, Value) else Value(y) for y in returned]
    attached = has_values((args, kwargs)) or (
        bool(enclosing) and not enclosing.isdisjoint(order_of(outputs))
    )
    return Call(name, primals, inputs, output, outputs, attached)


def _fresh(leaf: Number) -> Value:
    """An input of one transform alone, equal to leaf."""
    if not isinstance(leaf, Value):
        return Value(leaf)
    node = same_as(leaf)
    node.label = leaf.label
    return node


def positions_of(argnums: Argnums) -> tuple[Sequence[int], bool]:
    """The arguments' numbers, and whether it is one by itself."""
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(positions, (tuple, list, range)) or not all(
        isinstance(position, int) for position in positions
    ):
        raise TypeError(
            f"argnums is the number of an argument or a tuple of such, not {show(argnums)}"
        )
    return positions, single


def _within(positions: Sequence[int], n: int, name: str) -> list[int]:
    for position in positions:
        if not -n <= position < n:
            raise TypeError(
                f"{name} cannot be differentiated by argument {position}: it was called with {n}"
                " positional arguments"
            )
    found = [position % n for position in positions]
    if len(set(found)) < len(found):
        raise ValueError(f"argnums {tuple(positions)} name an argument of {name} twice")
    return found


def arguments_of(what: str, arguments: Any) -> Sequence[Any]:
    """The arguments themselves, if they are a tuple or list of them."""
    if not isinstance(arguments, (tuple, list)):
        raise TypeError(f"the {what} are a tuple with one entry an argument, not {show(arguments)}")
    return arguments


def matching_leaves(what: str, structure: Structure, model: Structure) -> list[Number]:
    """The leaves of a structure, which has to have the shape of the model."""
    if outline(structure) != outline(model):
        raise TypeError(
            f"the {what} need the shape of {show(model)}, not that of {show(structure)}"
        )
    return numbers_in(structure, f"the {what}")


def numbers_in(structure: Structure, what: str) -> list[Number]:
    """The leaves of a structure as floats and Values.

    Raises:
        TypeError: a leaf is neither; the message says which.

    >>> numbers_in([1, {"w": "2"}], "argument 0 of f")
    Traceback (most recent call last):
    ...
    TypeError: argument 0 of f has to be a number or a Value, or a list, tuple, dict or array of \
them, not [1, {'w': '2'}] (list) with '2' (str) at [1]['w']
    """
    found = leaves(structure)
    if set(map(type, found)) <= {float}:
        return found
    try:
        return [x if type(x) is float or isinstance(x, Value) else to_float(x) for x in found]
    except TypeError:
        wrong = [
            f" with {show(leaf)} at {path}" if path else ""
            for path, leaf in zip(paths(structure), found)
            if not (isinstance(leaf, Value) or is_number(leaf))
        ]
        raise TypeError(
            f"{what} has to be a number or a Value, or a list, tuple, dict or array of them, not"
            f" {show(structure)}{wrong[0]}"
        ) from None


def has_values(structure: Structure) -> bool:
    """Whether a leaf is a Value.

    >>> has_values([1.0, (Value(2.0),)])
    True
    """
    return any(issubclass(kind, Value) for kind in set(map(type, leaves(structure))))
