"""Random graphs with poles and edges of domains behind branches, and what the engine says of them.

The points, from NUMBERS, lie on both sides of the kinks and edges, and on them.
"""

import math
import warnings
from collections.abc import Callable

from hypothesis import strategies as st

import micrograd_bp
from micrograd_bp import (
    Program,
    Value,
    allow_nonfinite,
    clip,
    leaky_relu,
    maximum,
    minimum,
    relu,
    step,
    tanh,
    where,
)
from micrograd_bp.transforms.chain_rule import Sweeps

Build = Callable[[dict[str, Value]], Value]  # from the leaves x, w and b
NUMBERS = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
EDGES = "sqrt log log1p asin acosh atanh reciprocal cbrt log2".split()


def leaf(name: str) -> Build:
    return lambda leaves: leaves[name]


def of_one(name: str) -> Callable[[Build], Build]:
    function = getattr(micrograd_bp, name)
    return lambda inner: lambda leaves: function(inner(leaves))


def of_two(function: Callable[..., Value]) -> Callable[[Build, Build], Build]:
    return lambda f, g: lambda leaves: function(f(leaves), g(leaves))


def choice(condition: Build, f: Build, g: Build) -> Build:
    return lambda leaves: where(step(condition(leaves)), f(leaves), g(leaves))


def builds() -> st.SearchStrategy[Build]:
    edges = st.sampled_from([*map(of_one, EDGES), lambda f: lambda leaves: f(leaves) ** 1.5])
    gates = st.sampled_from(
        [
            lambda f: lambda leaves: relu(f(leaves)),
            lambda f: lambda leaves: clip(f(leaves), -0.5, 1.0),
            lambda f: lambda leaves: leaky_relu(f(leaves), 0.0),
            lambda f: lambda leaves: leaky_relu(f(leaves), 0.25),
            lambda f: lambda leaves: tanh(f(leaves)),
            *map(of_one, ("step", "sign", "floor", "ceil", "abs")),
        ]
    )
    pairs = st.sampled_from(
        [
            *map(of_two, (maximum, minimum)),
            of_two(lambda x, y: x * y),
            of_two(lambda x, y: x + y),
            of_two(lambda x, y: x - y),
        ]
    )

    def larger(inner: st.SearchStrategy[Build]) -> st.SearchStrategy[Build]:
        return st.one_of(
            st.builds(lambda edge, f: edge(f), edges, inner),
            st.builds(lambda gate, f: gate(f), gates, inner),
            st.builds(lambda pair, f, g: pair(f, g), pairs, inner, inner),
            st.builds(choice, inner, inner, inner),
        )

    return st.recursive(st.sampled_from("xwb").map(leaf), larger, max_leaves=8)


def by_the_engine(build: Build, point: dict[str, float]) -> list[float] | None:
    leaves = {name: Value(number) for name, number in point.items()}
    parameters = [leaves["w"], leaves["b"]]
    with allow_nonfinite():
        output = build(leaves)
        sweeps = Sweeps([output], parameters)
    try:
        adjoints = sweeps.back({output: 1.0})
    except ArithmeticError:
        return None
    numbers = [output.data, *(adjoints.get(parameter, 0.0) for parameter in parameters)]
    return numbers if all(map(math.isfinite, numbers)) else None


def recorded(build: Build) -> Program | None:
    """The program, recorded at one of a few points where nothing is infinite."""
    for x, w, b in ((0.625, 0.75, 0.375), (1.75, 0.625, 1.375), (1.5, 1.25, -0.875)):
        leaves = {"x": Value(x), "w": Value(w), "b": Value(b)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of leaves that are not in the graph
                return Program(build(leaves), [leaves["x"]], [leaves["w"], leaves["b"]])
        except (ValueError, ArithmeticError):
            continue
    return None
