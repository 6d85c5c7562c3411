"""check_gradient and gradients_agree: right gradients pass, wrong ones are shown, shrunk."""

from fractions import Fraction
from math import nextafter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from micrograd_bp import Value, acosh, asin, hypot, relu, sin, sqrt, tanh
from micrograd_bp.testing import GradientError, check_gradient, gradcheck, gradients_agree

A = np.array([[2.0, 1.0], [1.0, 3.0]])


@given(arrays(float, (2, 3), elements=st.floats(-3, 3)))
def test_a_gradient_of_any_shape_is_compared(x: Any) -> None:
    assert check_gradient(lambda x: np.tanh(x).sum(), lambda x: 1 / np.cosh(x) ** 2, x).checked == 6


def test_a_jacobian_has_the_shape_of_the_outputs_and_then_that_of_the_inputs() -> None:
    report = check_gradient(lambda x: A @ x, lambda x: A, [1.0, 2.0])
    assert report.checked == 4
    wrong = check_gradient(
        lambda x: A[:1] @ x, lambda x: [[2.0, 2.0]], [1, 2], raise_on_failure=False
    )
    assert [mismatch.what for mismatch in wrong.mismatches] == ["d f[0] / d x[1]"]
    assert wrong.mismatches[0].expected == pytest.approx(1.0)


def test_a_number_is_given_as_a_float_and_arrays_are_copies() -> None:
    seen: list[type] = []
    check_gradient(lambda x: seen.append(type(x)) or x * x, lambda x: 2 * x, 3)
    assert set(seen) == {float}

    def spoils(x: Any) -> float:
        x *= 2.0
        return float(x.sum())

    x = np.array([1.0, 2.0])
    check_gradient(spoils, lambda x: np.full(2, 2.0), x)
    assert x.tolist() == [1.0, 2.0]


def test_terms_that_cancel_have_rounding_errors_too() -> None:
    x = [-2.130835846222058e-06, 4.931790931850173e-07, 1.616435909429586e-06]
    assert check_gradient(lambda x: np.tanh(x).sum(), lambda x: 1 / np.cosh(x) ** 2, x)


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5, 1.0 + 1e-7, np.nan])
def test_a_wrong_gradient_is_seen(factor: float) -> None:
    with pytest.raises(GradientError, match=r"check_gradient of .*2 wrong") as raised:
        check_gradient(lambda x: np.exp(x).sum(), lambda x: factor * np.exp(x), [0.5, -1.0])
    assert len(raised.value.report.mismatches) == 2


@settings(max_examples=20)
@given(arrays(float, 2, elements=st.floats(-3, 3)))
def test_single_precision_is_compared_to_as_many_digits(x: Any) -> None:
    def f(x: Any) -> Any:
        return np.tanh(x).sum()

    def grad_f(x: Any) -> Any:
        return 1.0 / np.cosh(x) ** 2

    def single(g: Any) -> Any:
        return lambda x: g(x.astype("float32"))

    assert check_gradient(f, single(grad_f), x)
    assert check_gradient(single(f), single(grad_f), x)
    for g in (f, single(f)):
        assert not check_gradient(g, lambda x: single(grad_f)(x) * np.float32(1.1), x,
                                  raise_on_failure=False)  # fmt: skip


def test_a_kink_is_a_matter_of_convention_and_an_edge_is_looked_at_from_inside() -> None:
    report = check_gradient(lambda x: abs(x), lambda x: 0.3, 0.0)
    assert "grad_f gives 0.3" in report.notes[0]
    assert not check_gradient(lambda x: abs(x), lambda x: 1.5, 0.0, raise_on_failure=False)
    assert check_gradient(lambda x: x * np.sqrt(x), lambda x: 0.0, 0.0).notes


@pytest.mark.parametrize("x", [[0.0, 1.0], [1.0, 0.0, -2.0, 300.0]])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_kink_is_seen_beside_other_terms_where_one_side_is_flat(sign: float, x: Any) -> None:
    def f(x: Any) -> Any:
        return sign * np.maximum(x, 0.0).sum()

    report = check_gradient(f, lambda x: sign * (x > 0.0), x)
    assert "a kink within" in report.notes[0]
    with pytest.raises(GradientError, match="1 wrong"):
        check_gradient(f, lambda x: sign * (x > 0.0) + 1.01 * (x == 0.0), x)
    assert "a kink within" in str(gradcheck(lambda x: sum(relu(x_i) for x_i in x), x))


@pytest.mark.parametrize(
    ("f", "g", "slope", "x"),
    [
        (asin, np.arcsin, lambda x: 1.0 / np.sqrt((1.0 - x) * (1.0 + x)), nextafter(1.0, 0.0)),
        (asin, np.arcsin, lambda x: 1.0 / np.sqrt((1.0 - x) * (1.0 + x)), -1.0 + 1e-15),
        (acosh, np.arccosh, lambda x: 1.0 / np.sqrt((x - 1.0) * (x + 1.0)), nextafter(1.0, 2.0)),
    ],
)
def test_a_slope_beside_an_edge_may_be_too_steep_for_differences(f, g, slope, x) -> None:
    for report in (gradcheck(f, x), check_gradient(g, slope, x)):
        assert report.checked == 0
        assert "grow as their steps shrink" in report.notes[0]
    assert not check_gradient(g, lambda x: -slope(x), x, raise_on_failure=False)


def test_a_slope_that_is_infinite_is_no_error_where_differences_grow() -> None:
    with np.errstate(divide="ignore"):
        assert check_gradient(np.sqrt, lambda x: 0.5 / np.sqrt(np.float64(x)), 0.0).notes
        assert check_gradient(np.cbrt, lambda x: np.cbrt(np.float64(x)) ** -2.0 / 3.0, 0.0).notes
    for f in (lambda x: x * np.sqrt(x), lambda x: x):
        with pytest.raises(GradientError, match=r"expected \S+, got inf(\n|$)"):
            check_gradient(f, lambda x: np.inf, 0.0 if f(4.0) == 8.0 else 1.0)


def test_floats_at_the_end_of_their_range_are_as_far_apart_as_others() -> None:
    assert "not checked: between the floats" in str(gradcheck(sin, 1.7976931348623151e308))


def test_what_is_not_compared_is_not_counted() -> None:
    report = check_gradient(lambda x: np.floor(x), lambda x: np.zeros((2, 2)), [1.0, 1.5])
    assert report.checked == 3
    assert str(gradcheck(lambda x: x // 1.0, 2.0)).startswith(
        "gradcheck of <lambda>: 0 compared, n"
    )


def test_a_function_that_leaves_the_real_numbers_has_an_edge_there() -> None:
    assert check_gradient(lambda x: x**0.3, lambda x: 0.3 * x**-0.7, 5e-324)
    with pytest.raises(TypeError, match="what f gives is made of real numbers"):
        check_gradient(lambda x: x**0.3, lambda x: 0.3 * x**-0.7, -1.0)


def test_a_function_of_chance_or_with_a_state_is_refused() -> None:
    chance = np.random.default_rng(0)
    state: list[int] = []

    def count(x: Any) -> Any:
        state.append(1)
        return x * x + len(state)

    for f in (lambda x: x * x * chance.normal(), count):
        with pytest.raises(ValueError, match=r"f gives .* and then .* at the same point"):
            check_gradient(f, lambda x: 2.0 * x, 1.0)
        with pytest.raises(ValueError, match=r"f gives .* and then .* at the same point"):
            gradcheck(f, 1.0)
    # threads may add in another order
    assert check_gradient(lambda x: x * x * (1.0 + 1e-16 * chance.normal()), lambda x: 2.0 * x, 1.0)


@pytest.mark.parametrize("x", [1.0, -100.0, [1.0, 0.0, 2.0]])
@pytest.mark.parametrize("size", [1e-15, 1e-11, 1e-8, 1e-7])
def test_what_results_at_one_point_differ_by_is_rounding_where_it_is_small(size, x) -> None:
    chance = np.random.default_rng(0)

    def f(x: Any) -> Any:
        return np.sum(x * x) + size * chance.normal()

    def g(x: Any) -> Any:
        return sum(x_i * x_i for x_i in (x if isinstance(x, list) else [x])) + f(0.0)

    for _ in range(5):
        report = check_gradient(f, lambda x: 2.0 * x, x)
        assert report.checked == np.size(x)
        assert not check_gradient(f, lambda x: 2.02 * x, x, raise_on_failure=False)
        assert gradcheck(g, x).checked == np.size(x)
        with pytest.raises(GradientError):
            gradcheck(lambda x: g(x) + 0.02 * (x - x.data), 1.0)


def test_sums_in_single_precision_in_any_order_are_no_chance() -> None:
    chance = np.random.default_rng(0)
    terms = np.linspace(-1.0, 2.0, 1000).astype("float32")

    def f(x: Any) -> Any:
        return np.cumsum(chance.permutation(terms) * np.float32(x))[-1]

    for g in (f, lambda x: float(f(x))):
        assert check_gradient(g, lambda x: 500.0, 1.5).checked == 1
        assert not check_gradient(g, lambda x: 510.0, 1.5, raise_on_failure=False)


@pytest.mark.parametrize("x", [Fraction(1, 3), [Fraction(1, 3), 2], np.array([1.5, 2], object)])
def test_numbers_of_any_kind_are_taken(x: Any) -> None:
    assert check_gradient(lambda x: np.sum(x * x), lambda x: 2.0 * x, x)


@pytest.mark.parametrize(
    ("f", "grad_f", "x", "error", "message"),
    [
        (np.log, lambda x: 1.0 / x, np.float64(-1.0), ValueError, "f gives .* not finite: .*nan"),
        (np.exp, np.exp, [1e3], ValueError, "what f gives has numbers that are not finite: .*inf"),
        (np.sum, np.ones_like, [[1.0], [1.0, 2.0]], TypeError, "x of check_gradient is no array"),
        (lambda x: (1.0, x), np.ones_like, [1.0, 2.0], TypeError, "what f gives is no array"),
        (np.sin, np.cos, [1.0, 2.0], ValueError, r"shape \(2, 2\): .* a diagonal, np.diag"),
        (lambda x: np.sum(x, keepdims=True), np.ones_like, [1.0, 2.0], ValueError, "one number"),
        (tanh, np.cos, Value(1.0), TypeError, "a function of Values is for gradcheck"),
        (np.sum, np.ones(1), [1.0], TypeError, "grad_f of check_gradient is a function"),
        ([1.0], np.sum, np.ones_like, TypeError, "f of check_gradient is a function"),
        (np.sum, lambda x: 1.0, [1.0, 2.0], ValueError, r"shape \(\), .*have the shape \(2,\)"),
        (np.sum, np.ones_like, [1.0, np.inf], ValueError, "not finite"),
        (lambda x: "a", np.ones_like, 1.0, TypeError, "what f gives is made of real"),
        (lambda x: 1.0, lambda x: 1j, 1.0, TypeError, "what grad_f gives is made of real"),
        (np.sum, np.ones_like, ["a"], TypeError, "x of check_gradient is made of real"),
    ],
)
def test_what_is_no_gradient_is_told(f, grad_f, x, error, message) -> None:
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        check_gradient(f, grad_f, x)


def test_a_gradient_that_is_known_at_x_only_or_gives_something_else_later_is_wrong() -> None:
    for x in (1.0, 1e13):
        with pytest.raises(GradientError, match=r"got 3\.0"):
            check_gradient(lambda t: 2.0 * t, {x: 3.0}.__getitem__, x)
        once = iter([3.0])
        with pytest.raises(GradientError, match=r"got 3\.0"):
            check_gradient(lambda t: 2.0 * t, lambda t, once=once: next(once, 2.0), x)


# The decorator


class TestMethods:
    @gradients_agree(x=st.floats(-5, 5))
    def test_a_method(self, x):
        assert isinstance(self, TestMethods)
        return x * x

    @staticmethod
    @gradients_agree(lambda x: 2 * x, x=st.floats(-5, 5))
    def test_a_static_method(x):
        return x * x


@pytest.mark.parametrize("power", [1, 2])
@gradients_agree(x=st.floats(-5, 5))
def test_a_parameter_of_pytest(x, power):
    assert power in (1, 2)
    return x**power


@gradients_agree(x=st.floats(-5, 5), w=st.floats(-2, 2))
def test_a_unit(w, x):
    """A unit of one input."""
    return tanh(w * x)


@gradients_agree(x=st.lists(st.floats(-3, 3), min_size=1, max_size=3))
def test_a_list(x):
    return sum(x_i * x_i for x_i in x)


@gradients_agree(lambda x: 2.0 * x, x=arrays(float, 3, elements=st.floats(-9, 9)))
def test_by_hand(x):
    return x @ x


@pytest.mark.parametrize("f", [lambda r: sqrt(r * r + 1) - 1, lambda r: hypot(r, 1) - 1])
def test_smooth_functions_that_vanish_at_zero_pass_at_tiny_numbers(f) -> None:
    twice_as_many = settings(max_examples=2 * settings.default.max_examples)
    twice_as_many(gradients_agree(r=st.floats(-5, 5))(f))()


def test_the_test_keeps_the_name_and_the_settings_of_its_own() -> None:
    assert test_a_unit.__name__ == "test_a_unit"
    assert test_a_unit.__doc__ == "A unit of one input."
    tried = []
    test = gradients_agree(x=st.floats(0, 1))(lambda x: tried.append(x) or x)
    settings(max_examples=1, database=None)(test)()
    assert 0 < len(tried) < 1000


def test_a_failure_is_shrunk_and_shown_as_an_example_to_paste() -> None:
    def wrong_above_two(x: Any) -> Any:
        return x * x if x.data < 2.0 else x * x.data

    test = gradients_agree(x=st.floats(0, 9))(wrong_above_two)
    with pytest.raises(GradientError) as raised:
        settings(database=None)(test)()
    x = float(str(raised.value).partition("@example(x=")[2].partition(")")[0])
    assert 2.0 <= x <= 3.0
    test = example(x=x)(gradients_agree(x=st.floats(0, 1))(wrong_above_two))
    with pytest.raises(GradientError, match=f"@example.x={x}"):
        test()


@pytest.mark.parametrize("x", [[[0.1, 1.0 / 3.0]], [2, 3], np.array([0.1, 2.0], "float32")])
def test_an_array_is_pasted_with_all_its_digits(x: Any) -> None:
    x = np.array(x)
    test = example(x=x)(gradients_agree(lambda x: 2.0 * x, x=st.just(x))(np_sum))
    with pytest.raises(GradientError) as raised:
        test()
    pasted = str(raised.value).partition("@example(x=")[2].partition(") above")[0]
    found = eval(pasted, {"np": np})
    assert found.dtype == x.dtype
    assert found.tolist() == x.tolist()


def np_sum(x: Any) -> Any:
    return np.sum(x)


def test_settings_and_examples_above_and_below_hold() -> None:
    tried: list[float] = []

    def f(x: Any) -> Any:
        tried.append(x.data)
        return x

    few = settings(max_examples=2, database=None, deadline=None)
    for decorate in (
        lambda f: few(example(x=0.25)(gradients_agree(x=st.floats(0, 1))(f))),
        lambda f: gradients_agree(x=st.floats(0, 1))(few(example(x=0.25)(f))),
        lambda f: few(gradients_agree(x=st.floats(0, 1))(example(x=0.25)(f))),
    ):
        tried.clear()
        test = decorate(lambda x: f(x))
        test()
        assert tried[0] == 0.25
        assert test._hypothesis_internal_use_settings.max_examples == 2


def test_a_check_may_take_long() -> None:
    test = gradients_agree(x=st.floats(0, 1))(lambda x: x)
    assert test._hypothesis_internal_use_settings.deadline is None


def test_strategies_are_those_of_the_arguments() -> None:
    for decorator in (
        gradients_agree(y=st.floats()),
        gradients_agree(),
        gradients_agree(relu, x=st.floats(), y=st.floats()),
    ):
        with pytest.raises(TypeError, match="a strategy for each argument"):
            decorator(lambda x: x)


def by_position(x, /):
    return x * x


def of_any_number(*x):
    return x[0] * x[0]


def with_a_default(x, k=2.0, *rest, **named):
    assert (k, rest, named) == (2.0, (), {})
    return k * x


def of_each_kind(k=0.5, x=1.0, /, *, z, c=3.0):
    assert (k, c) == (0.5, 3.0)
    return k * x * z * c


@pytest.mark.parametrize("f", [by_position, of_any_number, with_a_default])
def test_arguments_of_each_kind_are_given_and_defaults_stay(f: Any) -> None:
    gradients_agree(x=st.floats(-2, 2))(f)()
    gradients_agree(lambda x: 2.0 if f is with_a_default else 2.0 * x, x=st.floats(-2, 2))(f)()
    with pytest.raises(GradientError, match=r"@example\(x="):
        gradients_agree(lambda x: 5.0, x=st.floats(-2, 2))(f)()
    gradients_agree(x=st.floats(-2, 2), z=st.floats(-2, 2))(of_each_kind)()


@gradients_agree(x=st.floats(-5, 5))
def test_a_default_is_no_fixture(x, power=2):  # noqa: PT028
    assert power == 2
    return x**power


def test_the_decorator_alone_says_what_it_needs() -> None:
    with pytest.raises(TypeError, match=r"as in @gradients_agree\(x=floats\(-5, 5\)\)"):

        @gradients_agree
        def test_a_unit(x: Any) -> Any:
            return x


def test_columns_of_pandas_go_by_their_names() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    row = pandas.Series({"a": 2.0, "b": 3.0})
    table = pandas.DataFrame({"a": [2.0, 1.0], "b": [3.0, -1.0]}, index=["p", "q"])
    for x, f in ((row, lambda x: x["a"] * x["b"] ** 2),
                 (table, lambda x: float((x["a"] * x["b"] ** 2).sum()))):  # fmt: skip

        def grad_f(x: Any) -> Any:
            return type(x)({"b": 2.0 * x["a"] * x["b"], "a": x["b"] ** 2})

        assert check_gradient(f, grad_f, x)
        assert not check_gradient(f, lambda x: grad_f(x) * 1.001, x, raise_on_failure=False)
    with pytest.raises(ValueError, match="grad_f gives no derivative by 'b'"):
        check_gradient(lambda x: x["a"], lambda x: pandas.Series({"a": 1.0}), row)
    with pytest.raises(TypeError, match=r"\(of pandas, take \.to_dict\(\) to go by names, or"):
        gradcheck(lambda x: x["a"] * x["b"], row)
    assert gradcheck(lambda x: x["a"] * x["b"], row.to_dict())


def test_labels_of_pandas_that_x_lacks_are_named() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    row = pandas.Series({"a": 2.0, "b": 3.0})
    more = pandas.Series({"a": 1.0, "b": 0.0, "c": 0.0, "d": 1.0})
    for x, found in ((row, more), (row.to_frame().T, more.to_frame().T)):
        with pytest.raises(ValueError, match="gives a derivative by 'c', 'd', no label of x"):
            check_gradient(lambda x: np.sum(x["a"]), lambda x, found=found: found, x)


def test_a_series_keeps_its_name_and_may_have_any_labels() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    names = set()
    row = pandas.Series({"columns": 2, "index": 3}, name="weights")
    assert check_gradient(lambda x: names.add(x.name) or x["columns"] ** 2.0 + x["index"],
                          lambda x: pandas.Series({"index": 1.0, "columns": 2.0 * x["columns"]}),
                          row)  # fmt: skip
    assert names == {"weights"}
    assert row.tolist() == [2, 3]


def test_a_jacobian_of_pandas_goes_by_its_labels() -> None:
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    row = pandas.Series({"a": 2.0, "b": 3.0})
    table = pandas.DataFrame({"a": [2.0, 1.0], "b": [3.0, -1.0]}, index=["p", "q"])
    turned = table.loc[["q", "p"], ["b", "a"]]
    for f in (lambda x: table @ x, lambda x: (table @ x).to_numpy()):
        assert check_gradient(f, lambda x: table[["b", "a"]], row)
    assert check_gradient(lambda x: table @ x, lambda x: turned, row)
    assert check_gradient(lambda x: table.to_numpy() @ x, lambda x: table, [2.0, 3.0])
    with pytest.raises(ValueError, match="no derivative of 'q', a label of what f gives"):
        check_gradient(lambda x: table @ x, lambda x: table.loc[["p"]], row)


def test_only_tables_of_pandas_are_taken_for_such() -> None:
    class Labelled(np.ndarray):
        """It has a method of that name, as xarray's arrays have."""

        def reindex_like(self, other: Any) -> Any:
            raise NotImplementedError

    x = np.array([1.0, 2.0]).view(Labelled)
    assert check_gradient(lambda x: float(np.sum(x**2)), lambda x: 2.0 * x, x)
    assert check_gradient(lambda x: float(np.sum(x**2)), lambda t: (2.0 * t).view(Labelled), x)
