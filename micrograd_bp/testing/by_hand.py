"""Gradients that people wrote by hand, in NumPy, against finite differences; no Values needed."""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Value
from ..modes import in_own_context
from ..numeric import is_number, show, to_float
from .gradcheck import AGAIN, CHANCE, judge, noise_of_chance
from .report import Mismatch, Report
from .slopes import EPSILON

ROUNDINGS = 2.0**10  # in single or half precision results at one point differ by more
SINGLE = 16.0  # times its rounding a derivative or a slope in single precision may be off


@in_own_context
def check_gradient(
    f: Callable[[Any], Any],
    grad_f: Callable[[Any], Any],
    x: Any,
    *,
    raise_on_failure: bool = True,
) -> Report:
    """Compare a gradient or Jacobian that was written by hand with finite differences.

    Steps and tolerances are those of ``gradcheck``: there are none to choose. Results of f or
    grad_f that are of single or half precision are compared to as many digits as these have.

    What f and grad_f compute on the way is not to be seen here, as it is in Values. Near where f
    loses its digits to cancellation, as exp(x) - 1 - x does at 1e-9, a gradient that is right may
    be called wrong: try larger x there, or write f without it (np.expm1(x) - x).

    Args:
        f: from an array like x to a number, or to an array of numbers.
        grad_f: from an array like x to the derivatives of f there: an array of the shape of x,
            or, where f gives an array, of the shape of that and then the shape of x.
        x: where: a number, or an array of any shape, as nested lists too. f and grad_f are
            given floats, or arrays of their own; and of a DataFrame or Series such too, so that
            both go by names. What grad_f gives, if it is such too, goes by its labels: by those
            of x, and the rows of a Jacobian by those of what f gives, if that has labels. Where
            x is huge, grad_f may be called near it too.
        raise_on_failure: whether to raise for a wrong derivative, or only to report it.

    Returns:
        A report that is true where all is right, and prints well.

    Raises:
        GradientError: a derivative is wrong.
        TypeError: f or grad_f gives no real numbers.
        ValueError: x or f(x) is not finite, f gives something else later, and not by rounding, or
            grad_f gives an array of another shape or other labels.

    >>> x = np.array([1.0, -2.0, 0.5])
    >>> print(check_gradient(lambda x: np.sum(x**4), lambda x: 4 * x**3, x))
    check_gradient of <lambda>: 3 compared, all right
    >>> bool(check_gradient(np.cos, np.sin, 1.0, raise_on_failure=False))
    False
    """
    for name, function in (("f", f), ("grad_f", grad_f)):
        if not callable(function):
            raise TypeError(f"{name} of check_gradient is a function, not {show(function)}")
    point = _finite_numbers("x of check_gradient", x)

    def given(numbers: NDArray[np.float64]) -> Any:
        if _is_pandas(x):
            table = x.astype(float)
            table.iloc[:] = numbers
            return table
        return numbers.copy() if numbers.ndim else float(numbers)

    def derivatives(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return _numbers("what grad_f gives", _by_label(grad_f(given(numbers)), labels))

    def moved_to(i: tuple[int, ...], t: float) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = point.copy()
        moved[i] = t
        return moved

    result = f(given(point))
    y = _finite_numbers("what f gives", result)
    labels = [("of", "what f gives", axis) for axis in _labels(result)]
    labels += [("by", "x", axis) for axis in _labels(x)]
    given_back = grad_f(given(point))
    found = _numbers("what grad_f gives", _by_label(given_back, labels))
    if found.shape != y.shape + point.shape:
        advice = ""
        if found.shape == y.shape == point.shape:
            advice = ": of a function of each number by itself they are a diagonal, np.diag(...)"
        elif y.size == 1 and found.shape == point.shape:
            advice = ": let f give one number, as by .item(), and not an array"
        raise ValueError(
            f"grad_f gives an array of shape {found.shape}, and the derivatives of f, which gives"
            f" {y.shape}, by x, which has {point.shape}, have the shape {y.shape + point.shape}"
            f"{advice}"
        )

    @cache
    def derivatives_beside(i: tuple[int, ...], t: float) -> NDArray[np.float64]:
        try:
            with np.errstate(all="ignore"):
                return derivatives(moved_to(i, t))
        except Exception:  # grad_f may be known at x only
            return np.full(found.shape, nan)

    @cache  # each output is looked at over the same steps
    def beside(i: tuple[int, ...], t: float) -> NDArray[np.float64]:
        try:
            with np.errstate(all="ignore"):
                moved = f(given(moved_to(i, t)))
        except (ArithmeticError, ValueError):
            moved = nan
        if np.iscomplexobj(moved):  # as (-1.0)**0.5 is: x lies at the edge of the domain
            moved = nan
        return np.broadcast_to(_numbers("what f gives", moved), y.shape)

    # f is off by as much, at least, as rounding x would make it (backward stability: Higham,
    # Accuracy and Stability of Numerical Algorithms, 2002, section 1.5).
    epsilon = _epsilon(result)
    with np.errstate(all="ignore"):
        noise = epsilon * np.abs(found * point).sum(axis=tuple(range(y.ndim, found.ndim)))
        if epsilon > EPSILON:  # of doubles the differences show how f is rounded
            noise = noise + epsilon * np.abs(y)
    noise = np.where(np.isfinite(noise), noise, 0.0)
    rounded = 0.0  # of derivatives in double precision nothing more is known
    if (coarse := max(epsilon, _epsilon(given_back))) > EPSILON:
        rounded = SINGLE * coarse * float(np.abs(found[np.isfinite(found)]).max(initial=0.0))
    again = [_numbers("what f gives", f(given(point))).ravel().tolist() for _ in range(AGAIN)]
    sizes = (np.abs(y) + noise / epsilon) * max(1.0, ROUNDINGS * epsilon / CHANCE)
    by_chance = map(noise_of_chance, y.ravel().tolist(), zip(*again), sizes.ravel().tolist())
    noise = noise + np.reshape([*by_chance], y.shape)
    faults: list[Mismatch] = []
    notes: list[str] = []
    checked = 0
    for i, number in np.ndenumerate(point):
        for k in np.ndindex(y.shape):

            def along(t: float, i: tuple[int, ...] = i, k: tuple[int, ...] = k) -> float:
                return float(beside(i, t)[k])

            def derivative(t: float, i: tuple[int, ...] = i, k: tuple[int, ...] = k) -> float:
                return float(derivatives_beside(i, t)[k + i])

            t, got = float(number), float(found[k + i])
            verdict = judge(along, t, got, "grad_f", float(noise[k]))
            if rounded:
                verdict = verdict.allowing(got, rounded)
            rounding = float(noise[k] + EPSILON * abs(y[k]))
            verdict = verdict.unless_explained(along, derivative, t, got, rounding)
            what = f"d f{_index(k)} / d x{_index(i)}"
            checked += verdict.is_known
            if verdict.note:
                notes.append(f"{what}: {verdict.note}")
            if not verdict.right:
                faults.append(Mismatch(what, verdict.expected, got, verdict.allowed))
        beside.cache_clear()
        derivatives_beside.cache_clear()
    subject = f"check_gradient of {getattr(f, '__name__', type(f).__name__)}"
    report = Report(subject, checked, tuple(faults), tuple(notes))
    return report.raise_if_wrong() if raise_on_failure else report


def _epsilon(x: Any) -> float:
    """By how much of them numbers of the kind of x are rounded, as doubles at least."""
    kind = np.asarray(x).dtype
    return max(float(np.finfo(kind).eps) / 2.0, EPSILON) if kind.kind == "f" else EPSILON


def _is_pandas(x: Any) -> bool:
    """Whether x is a DataFrame or Series."""
    pandas: Any = sys.modules.get("pandas")
    return pandas is not None and isinstance(x, (pandas.DataFrame, pandas.Series))


def _labels(x: Any) -> Sequence[Any]:
    """Those along each axis of an array; None along one that has none."""
    return x.axes if _is_pandas(x) else [None] * np.ndim(x)


def _by_label(found: Any, labels: Sequence[tuple[str, str, Any]]) -> Any:
    """What grad_f gives, in the order of the labels along each axis, if both have such."""
    if not _is_pandas(found) or found.ndim != len(labels):
        return found
    for axis, (word, owner, wanted) in enumerate(labels):
        there = found.axes[axis]
        if wanted is None or there.equals(wanted):
            continue
        if missing := _apart(wanted, there):
            raise ValueError(f"grad_f gives no derivative {word} {missing}, a label of {owner}")
        if extra := _apart(there, wanted):
            raise ValueError(f"grad_f gives a derivative {word} {extra}, no label of {owner}")
        found = found.reindex(wanted, axis=axis)
    return found


def _apart(labels: Any, others: Any) -> str:
    return ", ".join(repr(label) for label in labels if label not in others)


def _numbers(what: str, x: Any) -> NDArray[np.float64]:
    try:
        array = np.asarray(x)
    except ValueError:
        raise TypeError(f"{what} is no array, its parts having other shapes: {show(x)}") from None
    if array.dtype == object and all(map(is_number, array.flat)):  # such as fractions
        array = np.array([to_float(number) for number in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        advice = "; a function of Values is for gradcheck" if isinstance(x, Value) else ""
        raise TypeError(f"{what} is made of real numbers, not {show(x)}{advice}")
    return array.astype(float)


def _finite_numbers(what: str, x: Any) -> NDArray[np.float64]:
    array = _numbers(what, x)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} has numbers that are not finite: {show(x)}")
    return array


def _index(i: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, i))}]" if i else ""
