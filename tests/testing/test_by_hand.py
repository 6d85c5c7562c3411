"""check_gradient and gradients_agree: right gradients pass, wrong ones are shown, shrunk."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from micrograd_bp import hypot, relu, sqrt, tanh
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


def test_a_kink_is_a_matter_of_convention_and_an_edge_is_looked_at_from_inside() -> None:
    report = check_gradient(lambda x: abs(x), lambda x: 0.3, 0.0)
    assert "grad_f gives 0.3" in report.notes[0]
    assert not check_gradient(lambda x: abs(x), lambda x: 1.5, 0.0, raise_on_failure=False)
    assert check_gradient(lambda x: x * np.sqrt(x), lambda x: 0.0, 0.0).notes


@pytest.mark.parametrize(
    ("f", "grad_f", "x", "error", "message"),
    [
        (np.sum, lambda x: 1.0, [1.0, 2.0], ValueError, r"shape \(\), .*have the shape \(2,\)"),
        (np.sum, np.ones_like, [1.0, np.inf], ValueError, "not finite"),
        (lambda x: "a", np.ones_like, 1.0, TypeError, "what f gives is made of real"),
        (lambda x: 1.0, lambda x: 1j, 1.0, TypeError, "what grad_f gives is made of real"),
        (np.sum, np.ones_like, ["a"], TypeError, "x of check_gradient is made of real"),
    ],
)
def test_what_is_no_gradient_is_told(f, grad_f, x, error, message) -> None:
    with pytest.raises(error, match=message):
        check_gradient(f, grad_f, x)


def test_a_gradient_that_is_known_at_x_only_or_gives_something_else_later_is_wrong() -> None:
    for x in (1.0, 1e13):
        with pytest.raises(GradientError, match=r"got 3\.0"):
            check_gradient(lambda t: 2.0 * t, {x: 3.0}.__getitem__, x)
        once = iter([3.0])
        with pytest.raises(GradientError, match=r"got 3\.0"):
            check_gradient(lambda t: 2.0 * t, lambda t, once=once: next(once, 2.0), x)


# The decorator


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


def test_strategies_are_those_of_the_arguments() -> None:
    for decorator in (
        gradients_agree(y=st.floats()),
        gradients_agree(),
        gradients_agree(relu, x=st.floats(), y=st.floats()),
    ):
        with pytest.raises(TypeError, match="a strategy for each argument"):
            decorator(lambda x: x)


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
