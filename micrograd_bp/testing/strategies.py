"""Hypothesis strategies of random computation graphs and networks.

Nothing is ever rejected, and a failing graph shrinks to few steps, simple operations and simple
numbers. Most have eight steps or more, operands mostly recent nodes: st.lists alone averages
five, and misses a fault in the topological order in 6 runs of 10.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite
from typing import Any

from ..nn import ACTIVATIONS
from .optional import optional
from .programs import OPERATIONS, GraphProgram, NetworkProgram, variants

MANY = 8  # steps at least, but for the few that are left out


def well_conditioned_floats(
    smallest: float = 0.1, usual: float = 3.0, largest: float = 30.0
) -> Any:
    """A strategy of floats of both signs, neither tiny nor huge.

    Args:
        smallest: the least absolute value.
        usual: most lie below this in size.
        largest: the largest absolute value.

    Raises:
        ValueError: not 0 < smallest <= usual <= largest < inf.
        ImportError: hypothesis is not installed.

    >>> from hypothesis import find
    >>> find(well_conditioned_floats(), lambda x: x < 0)
    -1.0
    """
    st = optional("hypothesis").strategies
    if not 0.0 < smallest <= usual <= largest or not isfinite(largest):
        raise ValueError(
            "need 0 < smallest <= usual <= largest < inf, not"
            f" smallest={smallest}, usual={usual}, largest={largest}"
        )
    return st.one_of(
        st.floats(smallest, usual),
        st.floats(-usual, -smallest),
        st.floats(smallest, largest),
        st.floats(-largest, -smallest),
    )


def graphs(
    operations: Sequence[str] = OPERATIONS,
    *,
    floats: Any = None,
    max_inputs: int = 4,
    min_operations: int = 1,
    max_operations: int = 40,
) -> Any:
    """A strategy of random computation graphs, each a ``GraphProgram``.

    Args:
        operations: names to choose from, of ``OPERATIONS``; all of them unless given.
            Restrict them to what the engine under test has.
        floats: the strategy of the inputs; ``well_conditioned_floats()`` unless given.
        max_inputs, min_operations, max_operations: how large the graphs are; most have eight
            operations or more. A step that none of the operations can take is left out, which
            does not happen while "add", "mul" or "neg" is among them.

    Raises:
        ValueError: an operation is not known, or min_operations is below 1 or above
            max_operations.
        ImportError: hypothesis is not installed.

    >>> from hypothesis import find
    >>> program = find(graphs(["mul"]), lambda program: True)
    >>> print(program)
    x0 = Value(1.0)
    v1 = x0 * x0
    root = v1
    """
    st = optional("hypothesis").strategies
    if not 1 <= min_operations <= max_operations:
        raise ValueError(
            "need 1 <= min_operations <= max_operations, not"
            f" min_operations={min_operations}, max_operations={max_operations}"
        )
    n = len(variants(operations))
    distance = st.one_of(st.integers(0, 3), st.integers(0, max_operations))
    step = st.tuples(st.integers(0, max(n, MANY * MANY)), distance, distance)
    leaves = st.lists(
        well_conditioned_floats() if floats is None else floats,
        min_size=1,
        max_size=max_inputs,
    )
    least = min(max(min_operations, MANY), max_operations)
    steps = st.lists(step, min_size=least, max_size=max_operations)

    def program(draw: Any) -> GraphProgram:
        drawn = draw(steps)
        code = [(start - 1, i, j) for start, i, j in drawn if start]  # 0 is none: failures shrink
        spare = [step for step in drawn if not step[0]]
        code += spare[: max(min_operations - len(code), 0)]
        return GraphProgram.resolve(draw(leaves), code, operations)

    return st.composite(program)()  # shown as code, where st.builds shows its arguments


def networks(
    *,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    max_layers: int = 3,
    max_units: int = 4,
) -> Any:
    """A strategy of small networks with a data point, each a ``NetworkProgram``.

    Args:
        activations: names for the hidden units to choose from.
        max_layers, max_units: how large the networks are.

    Raises:
        ValueError: an activation is not known.
        ImportError: hypothesis is not installed.

    >>> from hypothesis import find
    >>> find(networks(), lambda program: True).sizes
    (1, 1)
    """
    st = optional("hypothesis").strategies
    if unknown := [name for name in activations if name not in ("linear", *ACTIVATIONS)]:
        raise ValueError(f"no activation is called {unknown[0]!r}")
    number = well_conditioned_floats(smallest=0.01, usual=1.0, largest=3.0)

    def with_numbers(sizes: list[int]) -> Any:
        n_weights = sum((a + 1) * b for a, b in pairwise(sizes))

        def numbers(n: int) -> Any:
            return st.lists(number, min_size=n, max_size=n).map(tuple)

        return st.builds(
            NetworkProgram,
            st.just(tuple(sizes)),
            st.sampled_from(tuple(activations)),
            st.sampled_from(("linear", "sigmoid", "tanh")),
            numbers(n_weights),
            numbers(sizes[0]),
            numbers(sizes[-1]),
        )

    layers = st.lists(st.integers(1, max_units), min_size=2, max_size=max_layers + 1)
    return layers.flatmap(with_numbers)
