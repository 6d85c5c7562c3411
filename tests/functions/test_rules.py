"""Each entry of the function table by itself: its rule, its domain, its poles, its names.

The derivatives of a function are entries too, reached by derivatives of derivatives; here the
rule of each is held to central differences of its exact form, at points where neither cancels.
"""

import dataclasses
import math
import pickle
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp, mpf

from micrograd_bp import Value, functions
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.testing.exact import EXACT

UNARY_POINTS = [(-1.7,), (-0.6,), (0.3,), (1.9,), (3.2,)]
BINARY_POINTS = [(0.7, 1.9), (1.9, 0.7), (-1.3, 0.4), (1.1, -0.6), (-0.8, -2.3)]
N_ARY_POINTS = [(0.7,), (0.7, -1.3), (0.7, -1.3, 0.4)]
BY_OPERANDS = {1: UNARY_POINTS, 2: BINARY_POINTS, None: N_ARY_POINTS}
POINTS: dict[str, list[tuple[float, ...]]] = {
    "dot": [(0.7, -1.3, 0.4, 1.9, 0.2, -0.6, 1.1, 0.3)[:n] for n in range(1, 9)],
    "where": [(1.0, 0.7, -1.3), (0.0, 0.7, -1.3)],
}
PARAMETERS: dict[str, list[tuple[Any, ...]]] = {
    "leaky_relu": [(0.25,)],
    "leaky_step": [(0.25,)],
    "elu": [(1.0,), (2.0,)],
    "elu_tail": [(2.0,)],
    "clip": [(-1.0, 1.0)],
    "within": [(-1.0, 1.0)],
    "constant_power": [(-2.0,), (0.5,), (2.5,), (3.0,)],
    "constant_power_derivative": [(c, k) for c in (-1.0, 0.5, 2.5, 4.0) for k in (1, 2, 3)],
    "divide_by_power": [(2,), (3,)],
    "power_partial": [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2)],
    "gauss": [(0,), (1,), (3,)],
    "normal": [(0,), (1,), (3,)],
    "softsign_derivative": [(2,), (3,)],
    "softmax": [(0,)],
    "polygamma": [(1,), (2,), (5,)],
    "inverse_power": [(1, 0), (1, 3), (2, 1), (3, 2)],
    "hypot_moment": [(0, 2, 3), (1, 1, 3), (2, 0, 3), (2, 3, 5)],
}
ENTRIES = [
    pytest.param(key, parameters, id=" ".join(map(str, (key, *parameters))))
    for key in FUNCTIONS
    for parameters in PARAMETERS.get(key, FUNCTIONS[key].tried)
]


@pytest.mark.parametrize(("key", "parameters"), ENTRIES)
def test_the_rule_of_every_entry_is_its_derivative(key: str, parameters: tuple[Any, ...]) -> None:
    function, exact = FUNCTIONS[key], EXACT[key]
    tried = 0
    for point in POINTS.get(key) or BY_OPERANDS[function.operands]:
        if not math.isfinite(function.value(*point, *parameters)):
            continue
        tried += 1
        partials = function.partials(*point, *parameters)
        assert len(partials) == len(point)
        for index, partial in enumerate(partials):
            with mp.workdps(100):
                step = mpf(10) ** -30
                shifted = [
                    [mpf(x) + sign * step * (i == index) for i, x in enumerate(point)]
                    for sign in (1, -1)
                ]
                above, below = (exact(*operands, *parameters) for operands in shifted)
                expected = float((above - below) / (2 * step))
            assert partial == pytest.approx(expected, rel=1e-13, abs=1e-14)
    assert tried >= 1


# Where a function is defined: function, operands and parameters in its domain, and outside

DOMAINS: dict[str, tuple[list[tuple[float, ...]], list[tuple[float, ...]]]] = {
    "pow": ([(0.0, 0.5), (0.5, -3.0)], [(-5e-324, 2.0), (-2.0, 3.0)]),
    "power_partial": ([(5e-324, 0.5, 1, 0)], [(0.0, 0.5, 1, 0), (-1.0, 2.0, 0, 1)]),
    "constant_power": (
        [(0.0, 0.5), (0.5, 0.5), (-2.0, 3.0), (-2.0, -2.0), (-2.0, 0.0)],
        [(-0.5, 0.5), (-2.0, 1.5), (-5e-324, -0.5)],
    ),
    "sqrt": ([(0.0,), (-0.0,), (0.5,)], [(-5e-324,), (-2.0,)]),
    "log": ([(5e-324,), (0.5,)], [(0.0,), (-0.5,)]),
    "log2": ([(5e-324,), (0.5,)], [(0.0,), (-0.5,)]),
    "log10": ([(5e-324,), (0.5,)], [(0.0,), (-0.5,)]),
    "log1p": ([(-0.75,), (0.0,), (2.0,)], [(-1.0,), (-1.5,)]),
    "asin": ([(-1.0,), (0.0,), (1.0,)], [(-1.0000000000000002,), (1.0000000000000002,)]),
    "acos": ([(-1.0,), (0.0,), (1.0,)], [(-1.0000000000000002,), (1.0000000000000002,)]),
    "acosh": ([(1.0,), (1.5,)], [(0.9999999999999999,), (-1.0,)]),
    "atanh": ([(-0.75,), (0.0,), (0.75,)], [(-1.0,), (1.0,), (2.0,), (-2.0,)]),
    "erfinv": ([(-0.75,), (0.0,), (0.75,)], [(-1.0,), (1.0,), (2.0,), (-2.0,)]),
    "erfinv_derivative": ([(-0.75,), (0.0,)], [(-1.0,), (1.0,), (2.0,)]),
    "lgamma": ([(-0.5,), (5e-324,), (3.0,)], [(0.0,), (-0.0,), (-1.0,), (-1e20,)]),
    "digamma": ([(-0.5,), (5e-324,), (3.0,)], [(0.0,), (-0.0,), (-1.0,), (-1e20,)]),
    "polygamma": ([(-0.5, 2), (3.0, 1)], [(0.0, 1), (-2.0, 2)]),
}

# Where it divides by zero, and nearby where it does not

POLES: dict[str, tuple[list[tuple[float, ...]], list[tuple[float, ...]]]] = {
    "div": ([(1.0, 0.0), (0.0, -0.0)], [(0.0, 1.0), (1.0, -1.0), (1.0, 5e-324)]),
    "divide_by_power": ([(1.0, 0.0, 2)], [(0.0, 1.0, 2), (1.0, -1.0, 2)]),
    "floordiv": ([(1.0, 0.0), (0.0, -0.0)], [(0.0, 1.0), (1.0, -1.0), (1.0, 5e-324)]),
    "mod": ([(1.0, 0.0), (0.0, -0.0)], [(0.0, 1.0), (1.0, -1.0), (1.0, 5e-324)]),
    "reciprocal": ([(0.0,), (-0.0,)], [(1.0,), (-1.0,), (5e-324,)]),
    "pow": ([(0.0, -0.5), (-0.0, -0.5)], [(0.0, 0.0), (0.0, 0.5), (1.0, -0.5), (-1.0, -0.5)]),
    "constant_power": (
        [(0.0, -0.5), (-0.0, -1.0)],
        [(0.0, 0.0), (0.0, 0.5), (1.0, -0.5), (-1.0, -1.0)],
    ),
    "constant_power_derivative": (
        [(0.0, 0.5, 1), (-0.0, 1.5, 2)],
        [(1.0, 0.5, 1), (-1.0, 2.0, 1), (5e-324, 0.5, 1)],
    ),
    "cbrt_derivative": ([(0.0,), (-0.0,)], [(1.0,), (-1.0,), (5e-324,)]),
    "asin_derivative": ([(1.0,), (-1.0,)], [(0.0,), (0.5,), (2.0,), (-2.0,)]),
    "acosh_derivative": ([(1.0,)], [(0.0,), (1.5,), (2.0,)]),
}


@pytest.mark.parametrize("key", DOMAINS)
def test_the_domain_of_a_function_ends_where_its_documentation_says(key: str) -> None:
    domain = FUNCTIONS[key].domain
    assert domain is not None
    inside, outside = DOMAINS[key]
    assert [domain(*arguments) for arguments in inside] == [True] * len(inside)
    assert [domain(*arguments) for arguments in outside] == [False] * len(outside)


@pytest.mark.parametrize("key", POLES)
def test_a_pole_is_at_the_division_by_zero_and_nowhere_else(key: str) -> None:
    function = FUNCTIONS[key]
    assert function.pole is not None
    at, beside = POLES[key]
    assert [function.pole(*arguments) for arguments in at] == [True] * len(at)
    assert [function.pole(*arguments) for arguments in beside] == [False] * len(beside)
    assert {function.fault(*arguments)[0] for arguments in at} == {ZeroDivisionError}
    assert ZeroDivisionError not in {function.fault(*arguments)[0] for arguments in beside}


def test_every_domain_and_every_pole_is_tried() -> None:
    assert DOMAINS.keys() == {key for key, entry in FUNCTIONS.items() if entry.domain}
    assert POLES.keys() == {key for key, entry in FUNCTIONS.items() if entry.pole}


def test_sign_and_relu_give_plus_zero_and_roundings_keep_the_sign_of_zero() -> None:
    for zero in (0.0, -0.0):
        assert math.copysign(1.0, functions.sign(zero)) == 1.0
        assert math.copysign(1.0, functions.relu(zero)) == 1.0
        assert math.copysign(1.0, functions.floor(zero)) == math.copysign(1.0, zero)
        assert math.copysign(1.0, functions.ceil(zero)) == math.copysign(1.0, zero)
    assert math.copysign(1.0, functions.ceil(-0.5)) == -1.0


# Entries as objects


def test_a_function_and_an_operation_say_which_they_are() -> None:
    x = Value(2.0)
    assert repr(functions.tanh) == "<function tanh of the table>"
    assert repr(x.tanh().operation) == "Operation('tanh')"
    assert repr((x**3).operation) == "Operation('pow', 3.0)"
    assert repr(x.clip(0.0, 5.0).operation) == "Operation('clip', 0.0, 5.0)"


def test_an_entry_and_an_operation_cannot_be_changed() -> None:
    operation = Value(2.0).tanh().operation
    for record, name in ((functions.tanh, "value"), (operation, "parameters")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, None)


def test_an_entry_is_called_on_numbers_that_are_no_floats_too() -> None:
    assert functions.hypot(3, 4) == functions.hypot(Fraction(3), 4.0) == 5.0
    assert functions.leaky_relu(-2, 0.25) == -0.5


@pytest.mark.parametrize("key", FUNCTIONS)
def test_an_entry_of_the_table_pickles_to_itself(key: str) -> None:
    assert pickle.loads(pickle.dumps(FUNCTIONS[key])) is FUNCTIONS[key]
