"""The engines that are compared, each as a way to get a gradient of the same program.

A program is a function of a list of scalars and of a namespace ``ops`` (relu, tanh, exp, log),
written with plain operators. An engine that is not installed is left out.
"""

import math
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Program = Callable[[list[Any], Any], Any]

METHODS = SimpleNamespace(
    relu=lambda x: x.relu(), tanh=lambda x: x.tanh(), exp=lambda x: x.exp(), log=lambda x: x.log()
)


class WithValues:
    """An engine of Values with ``backward``; the leaves are made once, before the clock runs."""

    def __init__(self, name: str, value: Any, ops: Any = METHODS) -> None:
        self.name, self.value, self.ops = name, value, ops

    def prepare(self, program: Program, parameters: list[float]) -> Callable[[], list[float]]:
        leaves = [self.value(p) for p in parameters]

        def run() -> list[float]:
            for leaf in leaves:
                leaf.grad = 0.0
            program(leaves, self.ops).backward()
            return [leaf.grad for leaf in leaves]

        return run


class Torch:
    name = "torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch
        torch.set_num_threads(1)
        self.ops = METHODS

    def prepare(self, program: Program, parameters: list[float]) -> Callable[[], list[float]]:
        torch = self.torch
        leaves = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in parameters]

        def run() -> list[float]:
            for leaf in leaves:
                leaf.grad = None
            program(leaves, self.ops).backward()
            return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]

        return run


class HipsAutograd:
    name = "HIPS autograd"

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as np

        self.grad, self.np = autograd.grad, np
        self.ops = SimpleNamespace(
            relu=lambda x: np.maximum(x, 0.0), tanh=np.tanh, exp=np.exp, log=np.log
        )

    def prepare(self, program: Program, parameters: list[float]) -> Callable[[], list[float]]:
        n = len(parameters)
        gradient = self.grad(lambda flat: program([flat[i] for i in range(n)], self.ops))
        flat = self.np.array(parameters)
        return lambda: gradient(flat).tolist()


def _micrograd() -> WithValues:
    from micrograd.engine import Value

    sys.setrecursionlimit(1_000_000)  # it sorts by recursion

    def unary(f: Callable[[float], float], df: Callable[[float, float], float]) -> Any:
        """An operation that the package lacks, as its author's lecture adds one."""

        def operation(x: Any) -> Any:
            out = Value(f(x.data), (x,))

            def backward() -> None:
                x.grad += df(x.data, out.data) * out.grad

            out._backward = backward
            return out

        return operation

    return WithValues(
        "micrograd",
        Value,
        SimpleNamespace(
            relu=lambda x: x.relu(),
            tanh=unary(math.tanh, lambda x, y: 1.0 - y * y),
            exp=unary(math.exp, lambda x, y: y),
            log=unary(math.log, lambda x, y: 1.0 / x),
        ),
    )


def _minigrad() -> WithValues:
    from minigrad import Value

    return WithValues("minigrad", Value, SimpleNamespace(relu=lambda x: x.relu()))


def ours() -> WithValues:
    from micrograd_bp import Value, engine_kind

    return WithValues(f"micrograd_bp ({engine_kind()})", Value)


def four_slots() -> WithValues:
    from .four_slots import Value

    return WithValues("four slots", Value)


def load(*wanted: str) -> list[Any]:
    """Ours, then those wanted that are installed."""
    makers: dict[str, Callable[[], Any]] = {
        "micrograd": _micrograd,
        "minigrad": _minigrad,
        "four slots": four_slots,
        "torch": Torch,
        "HIPS autograd": HipsAutograd,
    }
    engines: list[Any] = [ours()]
    for name in wanted:
        try:
            engines.append(makers[name]())
        except ImportError as error:  # noqa: PERF203
            print(f"({name} is left out: {error})", file=sys.stderr)
    return engines
