"""The checkers have no unit, and their error estimates are upper bounds."""

import math
import random
from collections.abc import Callable
from math import ldexp
from statistics import median
from typing import Any

import numpy as np
import pytest
from checkers import KINDS, Figures, cases, figures
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_bp
from micrograd_bp import (
    Value,
    abs,
    asin,
    atan,
    ceil,
    cos,
    cosh,
    erf,
    exp,
    floor,
    hypot,
    log,
    logsumexp,
    maximum,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    step,
    tan,
    tanh,
    trunc,
)
from micrograd_bp.testing import GradientError, check_gradient, finite_difference, gradcheck

powers = st.integers(-300, 300)
SMOOTH: list[tuple[Callable[[Any], Any], float]] = [
    (lambda x: x * x, 1e-9),
    (lambda x: sin(x) * exp(-x), 1.3),
    (lambda x: 1.0 / x, -0.7),
    (lambda x: tanh(3.0 * x) + 5.0, 0.4),
    (lambda x: sqrt(x * x + 1.0) - 1.0, 2.5),
    (lambda x: 1e5 + x**3, 1.1),
]


@pytest.fixture(scope="module")
def found() -> list[Figures]:
    n = max(10, 2 * settings.default.max_examples // 5)
    return [figures(case) for case in cases(n * len(KINDS))]


def test_the_error_estimate_is_an_upper_bound_and_a_true_one(found: list[Figures]) -> None:
    assert all(figure.ratio >= 1.0 for figure in found)
    assert median(figure.ratio for figure in found) <= 100.0


def test_gradcheck_calls_no_smooth_function_wrong_and_sees_an_error_of_a_millionth(
    found: list[Figures],
) -> None:
    assert not any(figure.alarm for figure in found)
    caught = [figure.caught for figure in found if figure.caught is not None]
    assert sum(caught) >= 0.99 * len(caught)
    assert len(caught) > 0.8 * len(found)


@given(st.sampled_from(SMOOTH), powers, powers)
def test_slopes_in_other_units_are_the_same_numbers_bit_for_bit(
    smooth: tuple[Callable[[Any], Any], float], of_x: int, of_f: int
) -> None:
    f, x = smooth
    value, error = finite_difference(f, x, "ridders")
    scaled = finite_difference(lambda x: ldexp(f(ldexp(x, -of_x)), of_f), ldexp(x, of_x), "ridders")
    assert scaled == (ldexp(value, of_f - of_x), ldexp(error, of_f - of_x))


@given(
    st.sampled_from([*SMOOTH, (relu, 0.0), (abs, 0.0), (tanh, 0.0), (floor, 2.5), (relu, -1.2)]),
    st.sampled_from([1.0, 1.0 + 1e-6, 2.0, 0.9]),
    powers,
    powers,
)
def test_verdicts_in_other_units_are_the_same(
    smooth: tuple[Callable[[Any], Any], float], factor: float, of_x: int, of_f: int
) -> None:
    f, x = smooth

    def verdict(of_x: int, of_f: int) -> tuple[bool, int]:
        def scaled(x: Value) -> Value:
            y: Value = f(x * ldexp(1.0, -of_x)) * ldexp(1.0, of_f)
            return factor * y + (1.0 - factor) * y.data

        def wrong(x: Value) -> Value:
            right = f(x * ldexp(1.0, -of_x)) * ldexp(1.0, of_f)
            return right.data + factor * (right - right.data)

        report = gradcheck(wrong, ldexp(x, of_x), raise_on_failure=False)
        return bool(report), len(report.notes)

    assert verdict(of_x, of_f) == verdict(0, 0)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: math.exp(-((50 * (x - 1.5)) ** 2)), 1.52, -100.0 * math.exp(-1.0)),
        (lambda r: 1.0 / r, 5e-11, -4e20),
        (lambda x: x * x, 1e-9, 2e-9),
        (lambda x: math.sin(1e6 * x), 0.0, 1e6),
        (lambda x: 1.0 + x * math.exp(-x * x), 0.0, 1.0),
        (lambda x: (1e6 + x) - 1e6, 1e-9, 1.0),
        (lambda x: math.hypot(x, 1.0) - 1.0, 1e-9, 1e-9),
        (lambda x: math.tanh(x), 16.0, 1.0 / math.cosh(16.0) ** 2),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: 3.7, 0.0, 0.0),
    ],
)
def test_slopes_where_a_fixed_step_is_too_long_or_too_short(
    f: Callable[[float], float], x: float, slope: float
) -> None:
    value, error = finite_difference(f, x, "ridders")
    assert abs(value - slope) <= error


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda r: 1.0 / r, 5e-11, -4e20),
        (lambda x: x * x, 1e-9, 2e-9),
        (lambda x: math.sin(1e6 * x), 0.0, 1e6),
        (lambda x: 1.0 + x * math.exp(-x * x), 0.0, 1.0),
        (lambda x: x**3, 5e-324, 0.0),
    ],
)
def test_one_central_difference_has_a_step_of_the_size_of_x(
    f: Callable[[float], float], x: float, slope: float
) -> None:
    assert finite_difference(f, x) == pytest.approx(slope, rel=1e-6)


@given(st.floats(-1.0, 1.0))
def test_gradcheck_accepts_smooth_functions_at_any_number(x: float) -> None:
    for f in (lambda r: sqrt(r * r + 1.0) - 1.0, lambda r: hypot(r, 1.0) - 1.0, lambda r: r * r):
        report = gradcheck(f, x)
        assert not report.notes


@given(st.lists(st.floats(-1e-7, 1e-7), min_size=1, max_size=4))
def test_gradcheck_accepts_a_penalty_on_tiny_weights(weights: list[float]) -> None:
    report = gradcheck(lambda w: sum(w_i * w_i for w_i in w), weights)
    assert not report.notes


def test_gradcheck_sees_no_kink_in_a_fast_oscillation() -> None:
    assert not gradcheck(lambda x: sin(1e6 * x), 1.0).notes


def test_gradcheck_sees_a_slope_where_there_is_none() -> None:
    for x in (-1.2345, -1.0, -1e-9):
        with pytest.raises(GradientError):
            gradcheck(lambda x: relu(x) + (x - x.data), x)
    with pytest.raises(GradientError):
        gradcheck(lambda x: 0.0 * x + (maximum(x, -1.0) - maximum(x, -1.0).data) - x.data, -3.0)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (exp, 709.7),
        (lambda x: x * x, 1.3e154),
        (cosh, 710.0),
        (lambda x: [exp(x), x], 709.7),
        (lambda x: x * 1.0, 1.797e308),
        (lambda x: -1.7e308 * cos(x), 1.0),
    ],
)
def test_gradcheck_compares_where_sums_of_what_a_function_gives_overflow(f: Any, x: float) -> None:
    report = gradcheck(f, x)
    assert report.checked == (2 if isinstance(f(Value(1.0)), list) else 1)
    with pytest.raises(GradientError):
        check_gradient(np.exp, lambda x: -3.0, 709.7)


@pytest.mark.parametrize(
    ("f", "x", "why"),
    [
        (lambda x: 1.0 / x, 1.79e308, "the differences beside 1.79e+308 overflow"),
        (lambda x: 1.7e308 * exp(x), 0.0, "the differences beside 0.0 overflow"),
        (lambda x: 5e-324 * asin(x), 0.0, "are too few to tell how far they are off"),
        (lambda x: 1e308 * sin(x), 1e308, "the function changes as it does afar"),
    ],
)
def test_what_is_not_compared_has_a_note_that_says_why(f: Any, x: float, why: str) -> None:
    report = gradcheck(f, x)
    assert report.checked == 0
    (note,) = report.notes
    assert "d f / d input 0: not checked: " in note
    assert note.endswith(why)


def test_gradcheck_accepts_the_flat_pieces_of_floor() -> None:
    for x in (2.5, 2.1, -7.75):
        assert gradcheck(floor, x)


NEAR_A_SINGULARITY = {
    "a fast oscillation": (cos, 3e9),
    "another": (sin, 1e10),
    "an end of the domain": (asin, 1.0 - 1e-12),
    "a pole": (tan, math.pi / 2.0 - 1e-10),
    "an edge": (lambda x: log(x - 1.0), 1.0 + 1e-11),
}


@pytest.mark.parametrize(("f", "x"), NEAR_A_SINGULARITY.values(), ids=NEAR_A_SINGULARITY)
def test_gradcheck_looks_closer_where_larger_steps_tell_of_something_else(f: Any, x: float) -> None:
    assert gradcheck(f, x)
    wrong = function_with_slope(f, 3.0)
    with pytest.raises(GradientError):
        gradcheck(wrong, x)


BEYOND_ROUNDING: dict[str, tuple[Any, float]] = {
    "saturated to one side": (sigmoid, 119.0),
    "both limits apart": (erf, 17.0),
    "a straight line from afar": (lambda x: log(sigmoid(x)), 47.0),
    "flat again from afar": (lambda x: tanh(x) ** 2, 20.0),
    "a limit for huge numbers": (atan, 2.8742003332431948e16),
    "flat as far as there are numbers": (lambda x: (1.0 + x * x) ** 4e-137, 1.0),
    "a sum that cancels": (lambda x: logsumexp([x - x, -x, -x]), 33.9),
    "underflow on the way": (lambda x: 3.8e-118 / (1.0 + x * x), 4.883291549359383e48),
}


@pytest.mark.parametrize(("f", "x"), BEYOND_ROUNDING.values(), ids=BEYOND_ROUNDING)
def test_gradcheck_accepts_slopes_that_rounding_hides(f: Any, x: float) -> None:
    assert not gradcheck(f, x).notes
    with pytest.raises(GradientError):
        gradcheck(lambda x: f(x) + (x - x.data) * 1e-3, x)


@pytest.mark.parametrize("x", [4.2e14, 1e15, -3e15, 1e16, 1e20, 1e300])
@pytest.mark.parametrize("f", [sin, cos, tan], ids=["sin", "cos", "tan"])
def test_gradcheck_says_where_floats_are_too_far_apart_for_it(f: Any, x: float) -> None:
    report = gradcheck(f, x)
    assert report
    for note in report.notes:
        assert f"not checked: between the floats beside {x!r} the function changes as" in note
    assert report.notes or abs(x) < 1e16


@pytest.mark.parametrize("x", [1e-3, 1.0, 1e10])
def test_gradcheck_checks_what_only_rounding_changes_from_float_to_float(x: float) -> None:
    def f(x: Any) -> Any:
        return (x + 1e8) - 1e8

    assert not gradcheck(f, x).notes
    with pytest.raises(GradientError):
        gradcheck(function_with_slope(f, 1.1), x)


def function_with_slope(f: Any, factor: float) -> Any:
    """f, with a derivative that is wrong by a factor."""
    return lambda x: f(x) * factor + (1.0 - factor) * f(Value(x.data)).data


@pytest.mark.parametrize(
    ("f", "x"), [(floor, 1.0), (ceil, 2.0), (step, 0.0), (sign, 0.0), (trunc, -2.0), (round, 2.5)]
)
def test_gradcheck_names_a_jump(f: Any, x: float) -> None:
    report = gradcheck(f, x)
    assert report
    assert f"a jump of {-1 if f in (floor, sign) else 1} at {x!r}" in str(report)


def test_gradcheck_knows_the_pieces_and_the_jumps_of_a_remainder() -> None:
    assert gradcheck(lambda x, y: x % y + x // y, 7.5, -2.0)
    assert gradcheck(lambda x: round(x, 1) + trunc(x), 2.34)
    assert "a jump of 2 at 6.0" in str(gradcheck(lambda x: x % 2.0, 6.0))


@given(st.floats(-3, 3), st.one_of(st.floats(0.1, 3), st.integers(-3, 3)))
def test_a_derivative_that_is_zero_by_mistake_is_seen_beside_another_term(a, b) -> None:
    """Over the smallest steps the sum is flat, by rounding."""
    report = gradcheck(lambda a, b: exp(a) + exp(b.data), a, b, raise_on_failure=False)
    assert [mismatch.what for mismatch in report.mismatches] == ["d f / d input 1"]


WAVES = [  # a straight line, rounded, and on it a wave that is shorter than what rounding hides
    (lambda m, x: x + 0.001 * m.sin(x), 1e13),
    (lambda m, x: x + 0.001 * m.sin(x), 7.3e11),
    (lambda m, x: 120.0 * x + 0.01 * m.cos(7.0 * x), -5.4e12),
    (lambda m, x: 0.5 * x + m.tanh(0.02 * m.sin(3.0 * x)), 8.1e13),
]


@pytest.mark.parametrize(("f", "x"), WAVES)
def test_a_wave_that_rounding_hides_is_no_false_alarm_and_a_wrong_line_is_seen(
    f: Callable[[Any, Any], Any], x: float
) -> None:
    report = gradcheck(lambda x: f(micrograd_bp, x), x)
    assert not report.notes or "takes steps of" in report.notes[0]

    def by_numpy(x: Any) -> Any:
        return f(np, x)

    for factor in (1.0, 1.5, -1.0):

        def derivative(x: float, factor: float = factor) -> float:
            value = Value(x)
            f(micrograd_bp, value).backward()
            return factor * value.grad

        assert bool(check_gradient(by_numpy, derivative, x, raise_on_failure=False)) is (
            factor == 1.0
        )


def test_a_wave_that_is_seen_has_to_be_right() -> None:
    for x in (1e3, 3e6, 1e9):
        assert gradcheck(lambda x: x + 0.001 * sin(x), x).notes == ()
        wrong = gradcheck(lambda x: x + 0.001 * sin(x).detach(), x, raise_on_failure=False)
        assert not wrong


@pytest.mark.parametrize(("f", "x"), [(np.abs, 0.0), (np.sin, 1.0), (np.sin, 1e9)])
def test_a_derivative_that_is_wrong_at_one_point_alone_is_seen(f: Any, x: float) -> None:
    right = {np.abs: np.sign, np.sin: np.cos}[f]
    report = check_gradient(f, lambda t: 5.0 if t == x else right(t), x, raise_on_failure=False)
    assert not report


RNG = random.Random(1)
NOISY: dict[str, Callable[[float], float]] = {  # for the derivative of sin
    "noise": lambda t: math.cos(t) + RNG.gauss(0.0, 1.0),
    "a little noise": lambda t: math.cos(t) + RNG.gauss(0.0, 1e-3),
    "dropout": lambda t: 2.0 * math.cos(t) * (RNG.random() < 0.5),
    "float32": lambda t: float(np.cos(np.float32(t))),
    "a forward difference": lambda t: (math.sin(t + 1e-12) - math.sin(t)) / 1e-12,
}


@pytest.mark.parametrize("derivative", NOISY.values(), ids=NOISY)
def test_noise_in_a_derivative_is_no_wave_that_rounding_hides(derivative: Any) -> None:
    calls = 0

    def counted(t: float) -> float:
        nonlocal calls
        calls += 1
        return derivative(t)

    noisy = micrograd_bp.function(math.sin, derivative, name="noisy")
    points = [0.3, -1.0 / 3.0, 1.1, 2.7, -123.4, 9876.5]
    for x in points:
        assert not check_gradient(math.sin, counted, x, raise_on_failure=False)
        assert not gradcheck(lambda x: noisy(x), x, raise_on_failure=False)
    assert calls == len(points)


def test_noise_in_a_derivative_at_a_huge_number_is_seen() -> None:
    for derivative in (NOISY["noise"], NOISY["a little noise"]):
        assert not check_gradient(math.sin, derivative, 1.23e10, raise_on_failure=False)


def test_what_gradcheck_says_of_a_wave_that_rounding_hides_has_the_digits_for_it() -> None:
    (note,) = gradcheck(lambda x: x + 0.001 * sin(x), 1e13).notes
    assert "off by 0.000" in note
    assert note.endswith("the function changes as its derivatives beside 10000000000000.0 say")
