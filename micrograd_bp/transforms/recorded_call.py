"""One call of a function, recorded on fresh inputs: what every transform begins with.

An input is a node of its own to each transform that differentiates by it, so that nested
derivatives do not mix up (Siskind & Pearlmutter, Perturbation confusion and referential
transparency, 2005).
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from inspect import signature
from math import isfinite
from typing import Any

from .. import messages, modes
from ..engine import Value, order_of, sweep
from ..functions import Scalar
from ..numeric import is_number, show, to_float
from .chain_rule import Sweeps, data_of, same_as
from .nested import Structure, flatten, paths, rebuild

Argnums = int | Sequence[int]

_enclosing: ContextVar[tuple[list[Value], ...]] = ContextVar("micrograd_bp_enclosing", default=())
"""The inputs of the transforms that are running their functions just now."""

_differentiated: ContextVar[bool] = ContextVar("micrograd_bp_differentiated", default=False)
"""Whether the function that is running just now has differentiated by what it was given."""


@dataclass(slots=True)
class Call:
    """A call of f on fresh inputs, recorded.

    Attributes:
        name: of f, for messages.
        primals: the arguments differentiated by, in a copy of the shape that they came in.
        inputs: a fresh node for each of their leaves.
        directions: a tangent for each input, where the call came with tangents.
        output: what f returned, in a copy likewise.
        outputs: its leaves as Values, a number as a constant.
        attached: whether results are Values, and not floats.
        differentiated: whether f is a derivative itself: it may well be a constant.
    """

    name: str
    primals: tuple[Structure, ...]
    inputs: list[Value]
    directions: list[Scalar]
    output: Structure
    outputs: list[Value]
    attached: bool
    differentiated: bool
    _sweeps: Sweeps | None = None

    def attached_to(self, numbers: list[Scalar]) -> "Call":
        """The call with Values as results if there is one among the numbers."""
        return self if _are_floats(numbers) else replace(self, attached=True, _sweeps=None)

    @property
    def value(self) -> Structure:
        """What f returned, as the caller gets it."""
        return rebuild(self.output, self.results(self.outputs))

    def forward(self, nodes: Sequence[Value], tangents: Sequence[Scalar]) -> list[Scalar]:
        """The tangents of the outputs, from those of inputs, as the caller gets them."""
        return self._swept(nodes, tangents, self.outputs, back=False)

    def back(self, nodes: Sequence[Value], adjoints: Sequence[Scalar]) -> list[Scalar]:
        """The adjoints of the inputs, from those of outputs, as the caller gets them."""
        return self._swept(nodes, adjoints, self.inputs, back=True)

    def _swept(
        self, nodes: Sequence[Value], seeds: Sequence[Scalar], wanted: list[Value], back: bool
    ) -> list[Scalar]:
        if not self.attached:
            numbers: list[Scalar] = sweep(self.outputs, nodes, seeds, wanted, back)
            if all(map(isfinite, numbers)):
                return numbers
        if self._sweeps is None:
            self._sweeps = Sweeps(self.outputs, self.inputs, self.attached)
        total: dict[Value, Scalar] = {}
        for node, seed in zip(nodes, seeds):
            total[node] = total[node] + seed if node in total else seed
        found = self._sweeps.back(total) if back else self._sweeps.forward(total)
        numbers = [found.get(node, 0.0) for node in wanted]
        return self.results(self._sweeps.as_nodes(numbers)) if self.attached else numbers

    def results(self, nodes: list[Value]) -> list[Scalar]:
        """The floats of nodes, or the nodes as they are, recorded if the caller records."""
        if not self.attached:
            return [node.data for node in nodes]
        if modes.current.get().recording:
            return nodes
        return [node.detach() for node in nodes]

    def warn_if_independent(self, slopes: Iterable[Scalar]) -> None:
        """Warn if no derivative is other than 0 because nothing leads back to an input."""
        if self.differentiated or any(map(data_of, slopes)) or not self.inputs:
            return
        if not self.outputs or not set(self.inputs).isdisjoint(order_of(self.outputs)):
            return
        messages.warn(
            f"what {self.name} returned, {show(self.output)}, was not computed from what it is"
            " differentiated by, so that every derivative is 0: a .data, a detach() or no_grad()"
            " on the way loses it, and so does a value from a search or a loop over numbers; where"
            " an if or max of Python may return a number, write where(...) or maximum(...)"
        )

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
    positions: Sequence[int] | None = None,
    kwargs: dict[str, Any] | None = None,
    tangents: Sequence[Any] | None = None,
) -> Call:
    """Call f with fresh inputs in the place of arguments.

    Args:
        f: from Values to numbers.
        args: its arguments.
        positions: of those to differentiate by; all unless given.
        kwargs: more arguments, not to differentiate by.
        tangents: a direction in the shape of the arguments.
    """
    if not modes.current.get().recording:
        with modes.changed(recording=True):
            return record_call(f, args, positions, kwargs, tangents)
    name = getattr(f, "__name__", type(f).__name__)
    if positions is None:
        primals = tuple(args)
    else:
        positions = _within(positions, len(args), name)
        primals = tuple([args[position] for position in positions])
    numbers, kinds, outline = flatten(primals)
    if not kinds <= {float}:
        numbers = []
        for position, primal in zip(positions or range(len(args)), primals):
            numbers += numbers_in(primal, f"argument {position} of {name}")
    directions = [] if tangents is None else matching("tangents", tangents, primals, outline)
    inputs = [*map(Value if kinds <= {float} else _fresh, numbers)]
    primals = rebuild(primals, numbers)  # a copy, which stays as it is whatever becomes of args
    arguments = rebuild(primals, inputs)
    others = (args, kwargs) if kwargs or len(primals) < len(args) else ()
    if positions is not None:
        given = dict(zip(positions, arguments))
        arguments = [given.get(i, argument) for i, argument in enumerate(args)]
    enclosing = _enclosing.get()
    try:
        output, differentiated = _run(f, arguments, kwargs or {}, (*enclosing, inputs))
    except TypeError as error:
        hint = "" if kwargs else _on_arguments(f, args)
        if not hint:
            raise
        raise TypeError(f"{error}; {hint}") from error
    if isinstance(output, Value):
        outputs = [output]
    else:
        returned = numbers_in(output, f"what {name} returns")
        output = rebuild(output, returned)
        outputs = [y if isinstance(y, Value) else Value(y) for y in returned]
    attached = (
        not (kinds <= {float} or _are_floats(numbers))
        or not _are_floats(directions)
        or (bool(others) and _has_values(others))
        or (bool(enclosing) and not set().union(*enclosing).isdisjoint(order_of(outputs)))
    )
    if attached:
        _differentiated.set(True)
    return Call(name, primals, inputs, directions, output, outputs, attached, differentiated)


def _run(
    f: Callable[..., Any],
    arguments: Sequence[Any],
    kwargs: dict[str, Any],
    inputs: tuple[list[Value], ...],
) -> tuple[Any, bool]:
    """What f returns, where these are the inputs of transforms, and whether it differentiated."""
    enclosing, differentiated = _enclosing.get(), _differentiated.get()
    try:
        _enclosing.set(inputs)
        _differentiated.set(False)
        return f(*arguments, **kwargs), _differentiated.get()
    finally:
        try:
            _enclosing.set(enclosing)
        finally:  # also where an interrupt comes in between
            _differentiated.set(differentiated)


def takes(f: Callable[..., Any], arguments: Sequence[Any]) -> bool:
    """Whether f can be called with so many arguments.

    >>> takes(lambda x, y: x, [1.0, 2.0]), takes(lambda x, y: x, [1.0])
    (True, False)
    """
    try:
        signature(f).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a function that does not tell
        return True
    return True


def _on_arguments(f: Callable[..., Any], args: Sequence[Any]) -> str:
    """What to do where f was called with one list for several arguments, or the other way round."""
    if takes(f, args):
        return ""
    if len(args) == 1 and hasattr(args[0], "__len__") and takes(f, args[0]):
        return (
            f"it was called with one argument, {show(args[0])}: give each argument by itself, and"
            " differentiate by several with argnums, as in grad(f, argnums=(0, 1))(1.0, 2.0); or"
            " let f take one list and unpack it"
        )
    if len(args) > 1 and takes(f, [args]):
        return "of an f that takes one list the arguments are one list: grad(f)([1.0, 2.0])"
    return ""


def _fresh(leaf: Scalar) -> Value:
    """An input of one transform alone, equal to leaf."""
    if not isinstance(leaf, Value):
        return Value(leaf)
    node = same_as(leaf)
    node.label = leaf.label
    return node


def check_function(f: Any) -> None:
    """Refuse what is no function, before its derivative is made.

    >>> check_function(3.0)
    Traceback (most recent call last):
    ...
    TypeError: a function is differentiated, not 3.0 (float)
    """
    if not callable(f):
        way = "; of a Value there is gradient(E, [x, ...])" if isinstance(f, Value) else ""
        raise TypeError(f"a function is differentiated, not {show(f)}{way}")


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


def matching(what: str, structure: Structure, model: Structure, outline: Any) -> list[Scalar]:
    """The numbers in a structure, which has to have the shape of the model: its outline."""
    numbers, kinds, own_outline = flatten(structure)
    if own_outline != outline:
        raise TypeError(
            f"the shape of the {what} is that of {show(model)}, not that of {show(structure)}"
        )
    return numbers if kinds <= {float} else numbers_in(structure, f"the {what}")


def numbers_in(structure: Structure, what: str) -> list[Scalar]:
    """The leaves of a structure as floats and Values.

    Raises:
        TypeError: a leaf is neither; the message says which.

    >>> numbers_in([1, {"w": "2"}], "argument 0 of f")
    Traceback (most recent call last):
    ...
    TypeError: argument 0 of f has to be a number or a Value, or a list, tuple, dict or array of \
them, not [1, {'w': '2'}] (list) with '2' (str) at [1]['w']
    """
    found, kinds, _ = flatten(structure)
    if kinds <= {float}:
        return found
    try:
        return [x if type(x) is float or isinstance(x, Value) else to_float(x) for x in found]
    except TypeError:
        wrong = [
            f" with {show(leaf)} at {path}" if path else ""
            for path, leaf in zip(paths(structure), found)
            if not (isinstance(leaf, Value) or is_number(leaf))
        ]
        advice = " (of pandas, take .to_dict() to go by names, or .to_numpy())" * any(
            hasattr(leaf, "to_numpy") for leaf in found
        )
        raise TypeError(
            f"{what} has to be a number or a Value, or a list, tuple, dict or array of them, not"
            f" {show(structure)}{wrong[0]}{advice}"
        ) from None


def _are_floats(numbers: list[Scalar]) -> bool:
    return set(map(type, numbers)) <= {float}


def _has_values(structure: Structure) -> bool:
    return any(issubclass(kind, Value) for kind in flatten(structure)[1])
