"""A property test of gradients in three lines: hypothesis chooses where, the checkers compare."""

from collections.abc import Callable, Collection
from dataclasses import replace
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

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
    it as an ``@example(...)`` to paste above the decorator. As below ``@given``, arguments without
    a strategy, such as self, are pytest's: fixtures, or those of ``parametrize``; where they have
    a default, they keep it.

    Args:
        grad_f: the gradient, where the function takes and gives NumPy's numbers, by one argument,
            for ``check_gradient``. Else the function is one of Values, for ``gradcheck``.
        strategies: a strategy of hypothesis for each argument by which it is differentiated.

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
        form = signature(f)
        own = _of_the_test(form, strategies)
        names = [name for name in own.parameters if name in strategies]
        if not names or len(names) < len(strategies) or (grad_f and len(names) != 1):
            raise TypeError(
                f"gradients_agree needs a strategy for each argument of {f.__name__},"
                f" {[*form.parameters]}, and one only for a gradient by hand; it has those for"
                f" {[*strategies]}"
            )

        def test(*positional: Any, **named: Any) -> None:
            given = own.bind(*positional, **named).arguments
            inputs = {name: given[name] for name in names}

            def function(*arguments: Any) -> Any:
                bound = form.bind_partial()
                for name, x in {**given, **dict(zip(names, arguments, strict=True))}.items():
                    several = form.parameters[name].kind is Parameter.VAR_POSITIONAL
                    bound.arguments[name] = (x,) if several else x
                bound.apply_defaults()
                return f(*bound.args, **bound.kwargs)

            function.__name__ = f.__name__
            try:
                if grad_f is None:
                    gradcheck(function, *inputs.values())
                else:
                    check_gradient(function, grad_f, *inputs.values())
            except GradientError as error:
                example = ", ".join(f"{name}={_to_paste(x)}" for name, x in inputs.items())
                note = f"to try it each time: @example({example}) above @gradients_agree"
                raise GradientError(
                    replace(error.report, notes=(*error.report.notes, note))
                ) from None

        test.__signature__ = own  # type: ignore[attr-defined]
        vars(test).update(vars(f))  # what @settings and @example below have left
        if f.__name__ != "<lambda>":  # whose source hypothesis would look for
            for name in ("__name__", "__qualname__", "__module__", "__doc__"):
                setattr(test, name, getattr(f, name))
        found = hypothesis.given(**strategies)(test)
        if not hasattr(found, "_hypothesis_internal_settings_applied"):
            # A check may take longer than the 200 ms that hypothesis gives to an example.
            found._hypothesis_internal_use_settings = hypothesis.settings(deadline=None)
        return found

    return decorate


def _of_the_test(form: Signature, strategies: Collection[str]) -> Signature:
    """The signature of the test of a function: all by name, as hypothesis gives them."""
    parameters = []
    for p in form.parameters.values():
        is_needed = p.default is p.empty and p.kind is not p.VAR_POSITIONAL
        if p.kind is not p.VAR_KEYWORD and (is_needed or p.name in strategies):
            kind = p.kind if p.kind is p.KEYWORD_ONLY else p.POSITIONAL_OR_KEYWORD
            parameters.append(p.replace(kind=kind, default=p.empty))
    return Signature(parameters)


def _to_paste(x: Any) -> str:
    """Python that gives x again to the last bit, which the repr of an array does not."""
    if not isinstance(x, np.ndarray):
        return repr(x)
    kind = "" if x.dtype in (float, int) else f", {x.dtype.name!r}"
    return f"np.array({x.tolist()!r}{kind})"
