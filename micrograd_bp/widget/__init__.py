"""A computation graph under sliders, live in a notebook.

Moving a slider writes the data of a leaf, runs the forward and the backward pass again, and
redraws the picture and the numbers. The sliders are an anywidget (extra ``live``); what runs
behind them, ``Experiment``, needs nothing but this package.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from ..drawing import draw
from ..engine import Value, topological_order
from ..numeric import Number, is_number, show, to_float
from ..text.names import names_of
from ..text.numbers import significant
from ..text.tables import TextTable

STARTS = 1 / 2, 3 / 4, 1 / 4, 7 / 8, 1 / 8  # of a range, the first that shows something

STYLE = """
.micrograd-bp-slider { display: flex; align-items: center; gap: 0.7em; font-family: monospace; }
.micrograd-bp-name { min-width: 4em; text-align: right; }
.micrograd-bp-input { width: 20em; }
.micrograd-bp-message { color: #a00000; font-weight: bold; white-space: pre-wrap; }
.micrograd-bp-table { margin: 0.5em 0; }
.micrograd-bp-table :is(th, td) { padding: 0 0.8em; }
.micrograd-bp-picture { background: white; overflow-x: auto; }
.micrograd-bp-picture svg { max-width: 100%; height: auto; }
"""


class Experiment:
    """A graph that is computed again whenever a leaf changes.

    Args:
        build: takes the leaves as keyword arguments, Values, and returns the root, a Value.
        leaves: for each a number, (low, high), (low, high, start), or a Value.

    Attributes:
        leaves: the Values by name.
        ranges: the low and the high end of each.
        root: what build returned last, after ``backward()``; None before it first succeeded.
        message: what the last run raised, in words; "" if it went well.

    Raises:
        TypeError: build cannot be called or returns no Value, or a leaf is something else.
        ValueError: there is no leaf, or its range is empty or not finite.

    >>> experiment = Experiment(lambda w, x: (w * x).log(), {"w": 2.0, "x": (-3, 3, 0.5)})
    >>> experiment.root.data, experiment.leaves["w"].grad
    (0.0, 0.5)
    >>> experiment.move({"x": -1.0})
    >>> experiment.message
    'ValueError: log of Value(-2.0): needs data > 0'
    """

    def __init__(self, build: Callable[..., Value], leaves: Mapping[str, Any]) -> None:
        if not callable(build):
            raise TypeError(f"live needs a function of Values that returns one, not {show(build)}")
        if not leaves:
            raise ValueError("live needs a leaf to move: live(f, x=(-3, 3)) or live(f, x=2.0)")
        self._build = build
        self.leaves: dict[str, Value] = {}
        self.ranges: dict[str, tuple[float, float]] = {}
        for name, leaf in leaves.items():
            self.leaves[name], self.ranges[name] = _leaf(name, leaf)
        self.root: Value | None = None
        self.message = ""
        self._start([name for name, leaf in leaves.items() if _is_free(leaf)])

    def _start(self, free: Sequence[str]) -> None:
        """Run at the first point where every leaf has a grad to be seen, or any that has a value.

        At x = 0, the middle of many a range, w * x teaches nothing, and log(x) has no value.

        Args:
            free: the leaves that may start anywhere in their ranges.
        """
        seen = {}
        for share in STARTS if free else STARTS[:1]:
            seen[share] = self._seen_at(free, share)
            if seen[share] == len(self.leaves):
                return
        self._seen_at(free, max(seen, key=seen.__getitem__))

    def _seen_at(self, free: Sequence[str], share: float) -> int:
        """How many leaves have a grad if the free ones start there; -1 outside of the domain."""
        for name in free:
            low, high = self.ranges[name]
            self.leaves[name].data = low + share * (high - low)
        try:
            self._run()
        except (ArithmeticError, ValueError) as error:  # move away
            self.root, self.message = None, _words(error)
            return -1
        return sum(leaf.grad != 0.0 for leaf in self.leaves.values())

    def checked(self, numbers: Mapping[str, Number]) -> dict[str, float]:
        """New data for leaves, as floats.

        Raises:
            TypeError: one is no number.
            ValueError: one is not finite, or there is no leaf of the name.

        >>> Experiment(lambda x: x * x, {"x": 2.0}).checked({"x": 3})
        {'x': 3.0}
        """
        data = {name: to_float(number) for name, number in numbers.items()}
        for name, number in data.items():
            if name not in self.leaves:
                raise ValueError(f"there is no leaf {name!r}: there are {', '.join(self.leaves)}")
            if not isfinite(number):
                raise ValueError(f"{name} moves to a finite number, not {number}")
        return data

    def move(self, numbers: Mapping[str, Number]) -> None:
        """Give leaves new data, and run the forward and the backward pass again.

        The grads of the graph are those of this run alone. What build raises becomes the
        message, and the root stays that of the last run that went well.

        Args:
            numbers: the data by name; a leaf without a number keeps its own.

        Errors are those of ``checked``.
        """
        for name, number in self.checked(numbers).items():
            self.leaves[name].data = number
        try:
            self._run()
        except Exception as error:  # shown, for nobody would see it raised by a slider
            self.message = _words(error)

    def _run(self) -> None:
        root = self._build(**self.leaves)
        if not isinstance(root, Value):
            raise TypeError(f"the function of live returns a Value, not {show(root)}")
        for node in (*self.leaves.values(), *topological_order(root)):
            if node.has_grad:
                node.grad = 0.0
        root.backward()
        self.root, self.message = root, ""

    def svg(self) -> str:
        """The picture of the graph, with what each edge brings back; "" before there is one."""
        return "" if self.root is None else draw(self.root, edges="contribution").svg

    def called(self) -> dict[str, str]:
        """For each leaf its name in the picture; what it was given by, if it is not there."""
        names = {} if self.root is None else names_of(topological_order(self.root), self.root)
        return {
            name: names[leaf].plain if leaf in names else name for name, leaf in self.leaves.items()
        }

    def table(self) -> str:
        """The numbers as HTML: the data of the root, and each leaf with its grad."""
        if self.root is None:
            return ""
        root = names_of(topological_order(self.root), self.root)[self.root].plain
        nodes = [(root, self.root), *zip(self.called().values(), self.leaves.values(), strict=True)]
        rows = [[name, significant(node.data), significant(node.grad)] for name, node in nodes]
        return TextTable("lrr", rows, ["", "data", f"grad = d{root}/d..."]).html()


def live(build: Callable[..., Value], /, **leaves: Any) -> Any:
    """Sliders for the leaves of a graph: move one, and picture and numbers follow.

    Args:
        build: takes the leaves as keyword arguments, Values, and returns the root, a Value.
        leaves: for each its range (low, high), where it starts in the middle, or aside where
            a grad were 0 there; (low, high, start); a number to start from, with a range around
            0; or a Value, whose data moves. A slider is called what its leaf is called in the
            picture.

    Returns:
        A widget for a notebook. From Python, ``widget.numbers = {"x": 1.0}`` moves it;
        ``widget.root`` is the root of the last run, ``widget.leaves`` are the Values.

    Raises:
        ImportError: anywidget is not installed.
        TypeError, ValueError: build or a leaf is nothing of the above.

    >>> widget = live(lambda w, x: w * x + 1.0, w=2.0, x=(-3, 3))
    >>> widget.numbers = {"x": 1.5}
    >>> widget.root.data, widget.leaves["w"].grad
    (4.0, 1.5)
    """
    return _widget_class()(Experiment(build, leaves))


@cache
def _widget_class() -> Any:
    """The class of the widget, made at its first use: its base is optional."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "live needs the package anywidget, which is not installed: run"
            " pip install 'micrograd_bp[live]', or use draw(root) for a picture that stays still"
        ) from error

    class Live(anywidget.AnyWidget):
        """An experiment, and what the browser shows of it."""

        _esm = Path(__file__).with_name("widget.js")
        _css = STYLE
        sliders: Any = traitlets.List().tag(sync=True)
        numbers: Any = traitlets.Dict().tag(sync=True)
        svg: Any = traitlets.Unicode().tag(sync=True)
        table: Any = traitlets.Unicode().tag(sync=True)
        message: Any = traitlets.Unicode().tag(sync=True)

        def __init__(self, experiment: Experiment) -> None:
            self._experiment = experiment
            numbers = {name: leaf.data for name, leaf in experiment.leaves.items()}
            super().__init__(sliders=_sliders(experiment), numbers=numbers)
            self._show()

        @property
        def root(self) -> Value | None:
            return self._experiment.root

        @property
        def leaves(self) -> dict[str, Value]:
            return self._experiment.leaves

        @traitlets.validate("numbers")
        def _complete(self, proposal: Any) -> dict[str, float]:
            """The numbers of all leaves, where some are given."""
            return {**self.numbers, **self._experiment.checked(proposal["value"])}

        @traitlets.observe("numbers")
        def _move(self, change: Any) -> None:
            if change["old"]:
                self._experiment.move(change["new"])
                self._show()

        def _show(self) -> None:
            experiment = self._experiment
            svg, table, message = self.svg, self.table, experiment.message
            if not message:
                try:
                    svg, table = experiment.svg(), experiment.table()
                except ValueError as error:  # more boxes than can be read
                    message = _words(error)
            with self.hold_sync():
                self.svg, self.table, self.message = svg, table, message

    return Live


def _leaf(name: str, leaf: Any) -> tuple[Value, tuple[float, float]]:
    """A Value, and the range that it moves in."""
    if isinstance(leaf, tuple):
        if len(leaf) not in (2, 3):
            raise ValueError(
                f"the range of {name} is (low, high) or (low, high, start), not {leaf}"
            )
        try:
            low, high, *start = map(to_float, leaf)
        except TypeError as error:
            raise TypeError(f"the range of {name}: {error}") from None
        value = Value(start[0] if start else (low + high) / 2.0, name)
    elif isinstance(leaf, Value) or is_number(leaf):
        value = leaf if isinstance(leaf, Value) else Value(leaf, name)
        if value.parents:
            raise ValueError(f"{name} is the result of an operation, and only a leaf can move")
        high = 2.0 * max(1.0, abs(value.data))
        low = -high
    else:
        raise TypeError(f"{name} is a number, (low, high) or a Value, not {show(leaf)}")
    if not (low < high and isfinite(high - low) and low <= value.data <= high):
        raise ValueError(
            f"{name} needs low <= start <= high, not {low}, {value.data}, {high}, and low < high"
        )
    value.label = value.label or name
    return value, (low, high)


def _is_free(leaf: Any) -> bool:
    """Whether nothing says where it starts."""
    return isinstance(leaf, tuple) and len(leaf) == 2


def _sliders(experiment: Experiment) -> list[dict[str, Any]]:
    called = experiment.called()
    return [
        {
            "name": name,
            "label": called[name],
            "low": low,
            "high": high,
            "step": (high - low) / 240.0,
        }
        for name, (low, high) in experiment.ranges.items()
    ]


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
