"""The derivative at a kink is a convention: one table, as the documentation states it."""

import math
from collections.abc import Callable
from typing import Any

import pytest

import micrograd_bp as m
from micrograd_bp import Value, functions

CONVENTIONS: list[tuple[str, Callable[..., Value], tuple[float, ...], float, tuple[float, ...]]] = [
    # in words, the function, its operands, its value there, its partial derivatives there
    ("relu at 0", m.relu, (0.0,), 0.0, (0.0,)),
    ("relu at -0", m.relu, (-0.0,), 0.0, (0.0,)),
    ("leaky_relu at 0", lambda x: m.leaky_relu(x, 0.25), (0.0,), 0.0, (0.25,)),
    ("leaky_relu at -0", lambda x: m.leaky_relu(x, 0.25), (-0.0,), 0.0, (0.25,)),
    ("leaky_relu at 0, default slope", m.leaky_relu, (0.0,), 0.0, (0.01,)),
    ("elu at 0", m.elu, (0.0,), 0.0, (1.0,)),
    ("elu at -0", m.elu, (-0.0,), 0.0, (1.0,)),
    ("elu at 0, the slope from the left", lambda x: m.elu(x, 2.0), (0.0,), 0.0, (2.0,)),
    ("abs at 0", m.abs, (0.0,), 0.0, (0.0,)),
    ("abs at -0", m.abs, (-0.0,), 0.0, (0.0,)),
    ("the builtin abs at 0", abs, (0.0,), 0.0, (0.0,)),
    ("sign at 0", m.sign, (0.0,), 0.0, (0.0,)),
    ("sign at -0", m.sign, (-0.0,), 0.0, (0.0,)),
    ("step at 0", m.step, (0.0,), 0.0, (0.0,)),
    ("step at -0", m.step, (-0.0,), 0.0, (0.0,)),
    ("step above 0", m.step, (5e-324,), 1.0, (0.0,)),
    ("floor at an integer", m.floor, (2.0,), 2.0, (0.0,)),
    ("ceil at an integer", m.ceil, (-2.0,), -2.0, (0.0,)),
    ("trunc at an integer", m.trunc, (-2.0,), -2.0, (0.0,)),
    ("round halfway", round, (2.5,), 2.0, (0.0,)),
    ("round to a digit", lambda x: round(x, 1), (-2.25,), -2.2, (0.0,)),
    ("floordiv at a multiple", lambda x, y: x // y, (6.0, 2.0), 3.0, (0.0, 0.0)),
    ("mod at a multiple", lambda x, y: x % y, (6.0, 2.0), 0.0, (1.0, -3.0)),
    ("softsign at 0", m.softsign, (0.0,), 0.0, (1.0,)),
    ("maximum at a tie", m.maximum, (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("maximum at a tie of zeros", m.maximum, (0.0, -0.0), 0.0, (0.5, 0.5)),
    ("maximum beside a tie", m.maximum, (3.0, 2.0), 3.0, (1.0, 0.0)),
    ("minimum at a tie", m.minimum, (3.0, 3.0), 3.0, (0.5, 0.5)),
    ("minimum beside a tie", m.minimum, (3.0, 2.0), 2.0, (0.0, 1.0)),
    ("clip at the lower bound", lambda x: m.clip(x, -1.0, 1.0), (-1.0,), -1.0, (1.0,)),
    ("clip at the upper bound", lambda x: m.clip(x, -1.0, 1.0), (1.0,), 1.0, (1.0,)),
    ("clip inside", lambda x: m.clip(x, -1.0, 1.0), (0.5,), 0.5, (1.0,)),
    ("clip below", lambda x: m.clip(x, -1.0, 1.0), (-1.5,), -1.0, (0.0,)),
    ("clip above", lambda x: m.clip(x, -1.0, 1.0), (1.5,), 1.0, (0.0,)),
    ("clip with one bound", lambda x: m.clip(x, low=0.0), (7.0,), 7.0, (1.0,)),
    ("clip between equal bounds", lambda x: m.clip(x, 2.0, 2.0), (2.0,), 2.0, (1.0,)),
    ("x**0", lambda x: x**0, (3.0,), 1.0, (0.0,)),
    ("0**0", lambda x: x**0, (0.0,), 1.0, (0.0,)),
    ("(-3)**0", lambda x: x**0, (-3.0,), 1.0, (0.0,)),
    ("x**0, the exponent a Value", lambda x, y: x**y, (3.0, 0.0), 1.0, (0.0, math.log(3.0))),
    ("0**0, the exponent a Value", lambda x, y: x**y, (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("0**y", lambda x, y: x**y, (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("0**1", lambda x: x**1, (0.0,), 0.0, (1.0,)),
    ("0**2", lambda x: x**2, (0.0,), 0.0, (0.0,)),
    ("0**1.5", lambda x: x**1.5, (0.0,), 0.0, (0.0,)),
    ("hypot at the origin", m.hypot, (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot at the origin, signed", m.hypot, (-0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot on an axis", m.hypot, (0.0, -2.0), 2.0, (0.0, -1.0)),
    ("atan2 at the origin", m.atan2, (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("a negative base, an odd exponent", lambda x: x**3, (-2.0,), -8.0, (12.0,)),
    ("a negative base, an even exponent", lambda x: x**2, (-2.0,), 4.0, (-4.0,)),
    ("a negative base, a negative exponent", lambda x: x**-1, (-2.0,), -0.5, (-0.25,)),
    ("where, true", m.where, (1.0, 3.0, 4.0), 3.0, (0.0, 1.0, 0.0)),
    ("where, false", m.where, (0.0, 3.0, 4.0), 4.0, (0.0, 0.0, 1.0)),
]


@pytest.mark.parametrize(
    ("function", "operands", "value", "partials"),
    [row[1:] for row in CONVENTIONS],
    ids=[row[0] for row in CONVENTIONS],
)
def test_conventions_at_kinks(
    function: Callable[..., Value],
    operands: tuple[float, ...],
    value: float,
    partials: tuple[float, ...],
) -> None:
    values = [Value(operand) for operand in operands]
    node = function(*values)
    assert node.data == value
    node.backward(seed=3.0)
    assert [v.grad for v in values] == [pytest.approx(3.0 * p, rel=1e-15) for p in partials]


@pytest.mark.parametrize(
    ("function", "operands", "partial"),
    [
        (m.sqrt, (0.0,), math.inf),
        (m.cbrt, (0.0,), math.inf),
        (m.cbrt, (-0.0,), math.inf),
        (m.asin, (1.0,), math.inf),
        (m.asin, (-1.0,), math.inf),
        (m.acos, (1.0,), -math.inf),
        (m.acos, (-1.0,), -math.inf),
        (m.acosh, (1.0,), math.inf),
        (lambda x: x**0.5, (0.0,), math.inf),
        (lambda x: x**0.25, (0.0,), math.inf),
        (lambda x: x ** Value(0.5), (0.0,), math.inf),
    ],
)
def test_a_vertical_tangent_is_recorded_as_an_infinite_local_derivative(
    function: Callable[..., Value], operands: tuple[float, ...], partial: float
) -> None:
    node = function(*map(Value, operands))
    assert node.local_derivatives[0] == partial


@pytest.mark.parametrize("exponent", [0.5, 1 / 3, -1.5])
def test_a_negative_base_with_a_fractional_exponent_is_an_error(exponent: float) -> None:
    with pytest.raises(ValueError, match="integer exponent"):
        Value(-8.0) ** exponent


@pytest.mark.parametrize("base", [-8.0, -0.5])
@pytest.mark.parametrize("make", [Value, lambda base: base])
def test_a_negative_base_with_a_variable_exponent_is_an_error(
    base: float, make: Callable[[float], Any]
) -> None:
    with pytest.raises(ValueError, match="constant integer exponent"):
        make(base) ** Value(3.0)


def test_the_table_has_every_function_with_a_kink_or_a_step() -> None:
    kinked = (
        "relu leaky_relu elu abs sign step floor ceil trunc round floordiv mod maximum minimum clip"
        " hypot atan2 where"
    )
    told = " ".join(row[0] for row in CONVENTIONS)
    assert all(name in told and name in functions.FUNCTIONS for name in kinked.split())
