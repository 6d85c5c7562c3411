"""Values within 2 ulp, first and second derivatives within 4, over the whole double range.

Where the truth is subnormal, within 1.5 units of 2**-1074. The exceptions stand in EXCEPTIONS.
"""

import os
from collections.abc import Callable

import accuracy
import pytest

from micrograd_bp.functions import FUNCTIONS

pytestmark = pytest.mark.slow

N_POINTS = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 2_000


def near(root: float) -> Callable[[float], float]:
    """1 where errors count in ulps of 1, within half a unit of the root; 0 elsewhere."""
    return lambda x: 1.0 if abs(x - root) < 0.5 else 0.0


# Near their one root gelu' and silu' are sums of two terms of size 1/2 that cancel: there the
# error is within 4 ulp of 1. Function, order of the derivative, scale.
EXCEPTIONS: dict[str, dict[int, Callable[..., float]]] = {
    "gelu": {1: near(-0.7517916243860091)},
    "silu": {1: near(-1.2784645427610738)},
}


@pytest.mark.parametrize("name", [*accuracy.UNARY, *accuracy.BINARY])
def test_value_and_derivatives_are_within_their_limits_of_the_truth(name: str) -> None:
    errors = accuracy.worst(name, N_POINTS, scales=EXCEPTIONS.get(name))
    beyond = {letters: error for letters, error in errors.items() if error.excess > 1.0}
    assert not beyond


def test_every_unary_and_binary_function_is_measured() -> None:
    public = {key: entry.operands for key, entry in FUNCTIONS.items() if entry.public}
    assert {"constant"} | {key for key in public if public[key] == 1} == accuracy.UNARY.keys()
    assert {key for key in public if public[key] == 2} == accuracy.BINARY.keys()


@pytest.mark.parametrize("name", sorted({"tanh", "sigmoid", "erf", "expm1"}))
def test_a_formula_that_cancels_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelling = {
        "tanh": lambda y: 1.0 - y * y,
        "sigmoid": lambda y: y * (1.0 - y),
        "erf": lambda y: 1.1283791670955126 * (1.0 - y * y),
        "expm1": lambda y: y + 1.0,
    }
    original = FUNCTIONS[name]

    class Careless:
        value = staticmethod(original.value)
        domain = pole = kink = None

        @staticmethod
        def partials(x: float) -> tuple[float]:
            number = getattr(x, "data", x)
            return (cancelling[name](original.value(number)),)

    monkeypatch.setitem(FUNCTIONS, name, Careless)
    assert accuracy.worst(name, 300)["x"].excess > 1.0
