"""The worst errors of first derivatives in ulps, beside other libraries.

    python tests/benchmarks/accuracy_table.py [points a function]

A row a derivative, a column a library that is installed (extra ``bench``). An entry is the worst
error where the truth is a normal number; "0" behind it means that the library also gave exactly 0
there, "inf" that it gave inf or nan. The derivatives of gelu and silu, which have a root, are
measured in ulps of 1 near it.
"""

import importlib.util
import math
import sys
from collections.abc import Callable
from typing import Any

import accuracy

from micrograd_bp.functions import FUNCTIONS

Derivative = Callable[..., list[float]]

# Where a library calls a function by another name than ours; None where it has none.
TORCH = {
    "log_sigmoid": "nn.functional.logsigmoid",
    "gelu": "nn.functional.gelu",
    "silu": "nn.functional.silu",
    "softplus": "nn.functional.softplus",
    "softsign": "nn.functional.softsign",
    "constant_power": "pow",
    "cbrt": None,
}
JAX = {
    "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc",
    "erfinv": "scipy.special.erfinv",
    "lgamma": "scipy.special.gammaln",
    "digamma": "scipy.special.digamma",
    "sigmoid": "nn.sigmoid",
    "softplus": "nn.softplus",
    "log_sigmoid": "nn.log_sigmoid",
    "silu": "nn.silu",
    "softsign": "nn.soft_sign",
    "gelu": "nn.gelu",
    "constant_power": "numpy.power",
    "pow": "numpy.power",
}
AUTOGRAD = {  # of autograd.scipy.special
    "erf": "erf",
    "erfc": "erfc",
    "erfinv": "erfinv",
    "lgamma": "gammaln",
    "digamma": "psi",
    "sigmoid": "expit",
}
NUMPY_NAMES = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "atan2": "arctan2",
    "constant_power": "power",
    "pow": "power",
    "div": "divide",
}
CASADI: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: (1 + x.exp()).log(),
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "constant_power": lambda x, y: x**y,
}
MEASURED = [
    name
    for name in [*accuracy.UNARY, *accuracy.BINARY]
    if name not in ("constant", "neg", "add", "sub", "mul", "sign", "step", "floor", "ceil")
    and name not in ("trunc", "round", "floordiv", "mod")
    and name not in ("relu", "leaky_relu", "elu", "abs", "clip", "maximum", "minimum", "square")
]


def _n_operands(name: str) -> int:
    return 2 if name in accuracy.BINARY else 1


def _n_arguments(name: str) -> int:
    return 2 if name == "constant_power" else _n_operands(name)


def _named(module: Any, path: str | None) -> Any:
    """What a path such as "nn.gelu" leads to from a module, or None."""
    for part in path.split(".") if path else ():
        module = getattr(module, part, None)
    return module if path else None


def ours() -> Callable[[str], Derivative | None]:
    return lambda name: lambda *arguments: list(FUNCTIONS[name].partials(*arguments))


def by_torch() -> Callable[[str], Derivative | None]:
    import torch

    def of(name: str) -> Derivative | None:
        function = _named(torch, TORCH.get(name, name))
        if function is None:
            return None

        def derivative(*arguments: float) -> list[float]:
            xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arguments]
            slopes = torch.autograd.grad(function(*xs), xs[: _n_operands(name)])
            return [float(slope) for slope in slopes]

        return derivative

    return of


def by_jax() -> Callable[[str], Derivative | None]:
    import jax

    jax.config.update("jax_enable_x64", True)

    def of(name: str) -> Derivative | None:
        function = _named(jax, JAX.get(name, f"numpy.{NUMPY_NAMES.get(name, name)}"))
        if function is None:
            return None
        if name == "gelu":
            exact = function
            function = lambda x: exact(x, approximate=False)  # noqa: E731
        n_operands = _n_operands(name)
        compiled = jax.jit(jax.grad(function, argnums=tuple(range(n_operands))))
        return lambda *arguments: [float(slope) for slope in compiled(*arguments)]

    return of


def by_autograd() -> Callable[[str], Derivative | None]:
    import autograd
    import autograd.numpy
    import autograd.scipy.special

    def of(name: str) -> Derivative | None:
        home = autograd.scipy.special if name in AUTOGRAD else autograd.numpy
        function = _named(home, AUTOGRAD.get(name, NUMPY_NAMES.get(name, name)))
        if function is None:
            return None
        n_operands = _n_operands(name)
        slopes = [autograd.grad(function, argnum) for argnum in range(n_operands)]
        return lambda *arguments: [
            float(slope(*map(autograd.numpy.float64, arguments))) for slope in slopes
        ]

    return of


def by_casadi() -> Callable[[str], Derivative | None]:
    import casadi

    def of(name: str) -> Derivative | None:
        function = CASADI.get(name) or getattr(casadi, name, None)
        if function is None:
            return None
        symbols = [casadi.SX.sym(letter) for letter in "xy"[: _n_arguments(name)]]
        expression, by = function(*symbols), symbols[: _n_operands(name)]
        compiled = casadi.Function("slopes", symbols, [casadi.gradient(expression, v) for v in by])

        def derivative(*arguments: float) -> list[float]:
            result = compiled(*arguments)
            return [float(slope) for slope in (result if isinstance(result, tuple) else (result,))]

        return derivative

    return of


LIBRARIES = {
    "micrograd_bp": ("micrograd_bp", ours),
    "PyTorch": ("torch", by_torch),
    "JAX (x64)": ("jax", by_jax),
    "autograd": ("autograd", by_autograd),
    "CasADi": ("casadi", by_casadi),
}


def entry(name: str, derivative: Derivative | None, n: int) -> str:
    """The worst error of the first derivatives of a function by a library."""
    if derivative is None:
        return "-"
    forms = accuracy.UNARY[name][:1] if name in accuracy.UNARY else accuracy.BINARY[name][:2]
    worst, zero, infinite = 0.0, False, False
    for operands, fixed in accuracy.points(name, n):
        arguments = operands + fixed
        if not math.isfinite(FUNCTIONS[name].value(*arguments)):
            continue
        trues = [accuracy.truth(form, arguments) for form in forms]
        try:
            slopes = derivative(*arguments)
        except NotImplementedError:  # autograd has the function, but not its derivative
            return "-"
        for got, true in zip(slopes, trues, strict=True):
            if not accuracy.SUBNORMAL <= abs(true) <= accuracy.LARGEST:
                continue
            near_root = name in ("gelu", "silu") and -2.0 < arguments[0] < 0.0
            zero |= got == 0.0
            infinite |= not math.isfinite(got)
            if math.isfinite(got) and got != 0.0:
                worst = max(worst, accuracy.error_in_ulps(got, true, 1.0 if near_root else 0.0))
    text = f"{worst:.1f}" if worst < 100 else f"{worst:.0e}".replace("e+0", "e").replace("e+", "e")
    return text + (", 0" if zero else "") + (", inf" if infinite else "")


def main(n: int = 2000) -> None:
    found = {
        column: make()
        for column, (module, make) in LIBRARIES.items()
        if importlib.util.find_spec(module)
    }
    print("| derivative |", " | ".join(found), "|")
    print("|---" * (len(found) + 1) + "|")
    for name in MEASURED:
        entries = [entry(name, of(name), n) for of in found.values()]
        print(f"| {name}' |", " | ".join(entries), "|", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
