"""What derivatives cost: nodes of a gradient graph, and times as multiples of the forward pass.

``python -m tests.benchmarks.transforms`` measures networks of 10, 100 and 1,000 parameters,
every weight a scalar, written with plain operators, in one process: this package, HIPS autograd
and PyTorch, the last two if they are installed. Each ratio is of medians of interleaved runs
of one engine: jvp and grad over its recorded forward pass, hvp over its grad.
"""

import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from micrograd_bp import MLP, Value, engine_kind, fsum, topological_order
from micrograd_bp.transforms import grad, gradient, hvp, jvp

from .measure import interleaved

SIZES = {10: (1, 3), 100: (9, 9), 1000: (35, 27)}  # parameters: inputs, tanh units; one output
Runs = dict[str, Callable[[], object]]


def network(n_inputs: int, n_units: int, tanh: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The squared error of a two-layer network at one data point, of its flat list of weights."""
    xs = [math.cos(i) for i in range(n_inputs)]

    def error(weights: Any) -> Any:
        y, at = 0.0, 0
        for _ in range(n_units):
            a = weights[at]
            for i in range(n_inputs):
                a = a + weights[at + 1 + i] * xs[i]
            y = y + weights[at + 1 + n_inputs] * tanh(a)
            at += n_inputs + 2
        return (y + weights[at] - 1.0) ** 2

    return error


def of_this_package(n_inputs: int, n_units: int, p: list[float], v: list[float]) -> Runs:
    f = network(n_inputs, n_units, lambda a: a.tanh())
    return {
        "forward": lambda: f([Value(w) for w in p]),
        "jvp": lambda: jvp(f, (p,), (v,)),
        "grad": lambda: grad(f)(p),
        "hvp": lambda: hvp(f, (p,), (v,)),
    }


def of_units(n_inputs: int, n_units: int, p: list[float], v: list[float]) -> Runs:
    """The same network by ``MLP``, whose units are two nodes each."""
    model = MLP(n_inputs, [n_units, 1], hidden="tanh", seed=0)
    xs = [math.cos(i) for i in range(n_inputs)]

    def f(weights: Any) -> Any:
        at = iter(weights)
        for layer in model.layers:
            for neuron in layer.neurons:
                neuron.w, neuron.b = [next(at) for _ in neuron.w], next(at)
        return (model(xs) - 1.0) ** 2

    return {
        "forward": lambda: f([Value(w) for w in p]),
        "jvp": lambda: jvp(f, (p,), (v,)),
        "grad": lambda: grad(f)(p),
        "hvp": lambda: hvp(f, (p,), (v,)),
    }


def of_autograd(n_inputs: int, n_units: int, p: list[float], v: list[float]) -> Runs:
    import autograd
    from autograd import numpy as np
    from autograd.differential_operators import make_hvp, make_jvp

    f = network(n_inputs, n_units, np.tanh)
    return {
        "forward": lambda: autograd.make_vjp(f)(p),
        "jvp": lambda: make_jvp(f)(p)(v),
        "grad": lambda: autograd.grad(f)(p),
        "hvp": lambda: make_hvp(f)(p)[0](v),
    }


def of_torch(n_inputs: int, n_units: int, p: list[float], v: list[float]) -> Runs:
    import torch

    torch.set_num_threads(1)
    f = network(n_inputs, n_units, torch.tanh)
    leaves = [torch.tensor(w, dtype=torch.float64, requires_grad=True) for w in p]
    primals = tuple(leaf.detach() for leaf in leaves)
    tangents = tuple(torch.tensor(d, dtype=torch.float64) for d in v)

    def second() -> object:
        slopes = torch.autograd.grad(f(leaves), leaves, create_graph=True)
        return torch.autograd.grad(slopes, leaves, tangents, allow_unused=True)

    return {
        "forward": lambda: f(leaves),
        "jvp": lambda: torch.func.jvp(lambda *weights: f(weights), primals, tangents),
        "grad": lambda: torch.autograd.grad(f(leaves), leaves),
        "hvp": second,
    }


def nodes(n_inputs: int, n_units: int, p: list[float]) -> tuple[int, int]:
    """The nodes of the forward graph, and of it and its gradient together."""
    leaves = [Value(w) for w in p]
    error = network(n_inputs, n_units, lambda a: a.tanh())(leaves)
    both = topological_order(fsum([error, *gradient(error, leaves)]))
    return len(topological_order(error)), len(both) - 1


def main() -> None:
    """Print the tables."""
    engines = {
        f"micrograd_bp, {engine_kind()} engine": of_this_package,
        f"micrograd_bp, {engine_kind()} engine, units": of_units,
    }
    engines |= {"autograd": of_autograd} if find_spec("autograd") else {}
    engines |= {"torch": of_torch} if find_spec("torch") else {}
    print("| parameters | engine | forward, ms | jvp / forward | grad / forward | hvp / grad |")
    print("|---:|---|---:|---:|---:|---:|")
    for n, (n_inputs, n_units) in SIZES.items():
        p = [0.1 * math.sin(i) for i in range(n)]
        v = [math.cos(3 * i) for i in range(n)]
        runs = {
            f"{engine} {what}": run
            for engine, of in engines.items()
            for what, run in of(n_inputs, n_units, p, v).items()
        }
        seconds = interleaved(runs, repetitions=7, collector=False)
        for engine in engines:
            forward, tangent, slope, product = (
                seconds[f"{engine} {what}"] for what in ("forward", "jvp", "grad", "hvp")
            )
            print(
                f"| {n} | {engine} | {1e3 * forward:.3g} | {tangent / forward:.2f}"
                f" | {slope / forward:.2f} | {product / slope:.2f} |"
            )
    print("\n| parameters | forward nodes | with the gradient | ratio |")
    print("|---:|---:|---:|---:|")
    for n, (n_inputs, n_units) in SIZES.items():
        forward_nodes, both = nodes(n_inputs, n_units, [0.1 * math.sin(i) for i in range(n)])
        print(f"| {n} | {forward_nodes} | {both} | {both / forward_nodes:.2f} |")


if __name__ == "__main__":
    main()
