"""A property test of gradients in three lines: hypothesis chooses where, the checkers compare."""

from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from typing import Any

from .by_hand import check_gradient
from .gradcheck import gradcheck
from .optional import optional
from .report import GradientError


def gradients_agree(
    grad_f: Callable[[Any], Any] | None = None, /, **strategies: Any
) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that makes a function a test: its gradient is that of finite differences.

    For pytest the function's name begins with ``test_``; or call it, without arguments. How many
    examples are tried, hypothesis's ``settings`` say. A failure is shrunk, and the message has
    it as an ``@example(...)`` to paste above the decorator.

    Args:
        grad_f: the gradient, where the function takes and gives NumPy's numbers, by one argument,
            for ``check_gradient``. Else the function is one of Values, for ``gradcheck``.
        strategies: a strategy of hypothesis for each argument of the function.

    Returns:
        The decorator.

    Raises:
        TypeError: the strategies are not those of the function's arguments.
        ImportError: there is no hypothesis.

    >>> from hypothesis.strategies import floats
    >>> from micrograd_bp import tanh
    >>> @gradients_agree(x=floats(-5, 5), w=floats(-2, 2))
    ... def test_a_unit(w, x):
    ...     return tanh(w * x)
    >>> test_a_unit() is None  # all is right
    True
    """
    hypothesis = optional("hypothesis")
    if grad_f and not strategies:  # @gradients_agree alone
        raise TypeError(
            "gradients_agree needs a strategy for each argument of the function below it, as in"
            " @gradients_agree(x=floats(-5, 5))"
        )

    def decorate(f: Callable[..., Any]) -> Any:
        names = [*signature(f).parameters]
        if {*names} != {*strategies} or (grad_f and len(names) != 1):
            raise TypeError(
                f"gradients_agree needs a strategy for each argument of {f.__name__}, {names}, and"
                f" one only for a gradient by hand; it has those for {[*strategies]}"
            )

        def test(**inputs: Any) -> None:
            arguments = [inputs[name] for name in names]
            try:
                if grad_f is None:
                    gradcheck(f, *arguments)
                else:
                    check_gradient(f, grad_f, *arguments)
            except GradientError as error:
                example = ", ".join(f"{name}={inputs[name]!r}" for name in names)
                note = f"to try it each time: @example({example}) above @gradients_agree"
                raise GradientError(
                    replace(error.report, notes=(*error.report.notes, note))
                ) from None

        if f.__name__ != "<lambda>":  # whose source hypothesis would look for
            for name in ("__name__", "__qualname__", "__module__", "__doc__"):
                setattr(test, name, getattr(f, name))
        return hypothesis.given(**strategies)(test)

    return decorate
