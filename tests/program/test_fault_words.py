"""What is said where something is infinite names what the user wrote, and nothing internal."""

import re
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from micrograd_bp import Program, Value, cbrt, functions, grad, sigmoid, softmax, sqrt, step
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.program import Executor
from micrograd_bp.program.interpreter import Executor as Interpreter

INTERNAL = {key for key, function in FUNCTIONS.items() if not function.public} - {"constant"}
POINTS = (-1.0, 0.0, 1.0, 1e-310, 1e200)
PUBLIC = sorted(FUNCTIONS.keys() - INTERNAL - {"constant"})
MORE: dict[str, Callable[..., Any]] = {
    "x**-1": lambda x: x**-1,
    "x**1.5": lambda x: x**1.5,
    "x**2.5": lambda x: x**2.5,
    "x**x": lambda x: x**x,
    "1 / sqrt": lambda x: 1.0 / sqrt(x),
    "1 / softmax": lambda x: 1.0 / softmax([x, 2.0 * x])[0],
}


def faults(f: Callable[..., Any], n: int) -> Iterator[str]:
    """What is said of f and its first derivatives, at points where something may be infinite."""
    for order, point in product(range(4), product(POINTS, repeat=n)):
        derivative = f
        for _ in range(order):
            derivative = grad(derivative)
        try:
            derivative(*map(Value, point))
        except (ArithmeticError, ValueError) as error:
            yield str(error)
    for order in range(3):
        derivative = f
        for _ in range(order):
            derivative = grad(derivative)
        leaves = [Value(0.625 + 0.125 * i) for i in range(n)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what does not depend on the leaves
                program = Program(derivative(*leaves), parameters=leaves)
        except ValueError:
            continue
        for point in product(POINTS, repeat=n):
            for call in (program, program.value_and_grad):
                yield fault(call, point)


def fault(call: Callable[..., Any], point: Any) -> str:
    try:
        call((), point)
    except FloatingPointError as error:
        return str(error)
    return ""


def check_words(f: Callable[..., Any], n: int) -> int:
    said = [words for words in faults(f, n) if words]
    for words in said:
        assert INTERNAL.isdisjoint(re.findall(r"\w+", words)), words
    return len(said)


@pytest.mark.parametrize("name", PUBLIC)
def test_no_message_names_what_only_rules_use(name: str) -> None:
    function = FUNCTIONS[name]
    for parameters in function.tried:
        check_words(lambda *xs, p=parameters: function(*xs, *p), function.operands or 2)


@pytest.mark.parametrize("f", MORE.values(), ids=MORE)
def test_no_message_of_what_is_composed_does(f: Callable[..., Any]) -> None:
    assert check_words(f, 1)


@pytest.mark.parametrize("executor", [Executor, Interpreter])
def test_a_program_names_the_derivative_of_what_was_written(
    executor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("micrograd_bp.program.Executor", executor)
    x, w = Value(1.5, label="x"), Value(0.5, label="w")
    for f, words in (
        (sqrt, "the derivative of sqrt of 0.0 is inf, at data point 1"),
        (cbrt, "the derivative of cbrt of 0.0 is inf, at data point 1"),
        (lambda x: grad(lambda x: x**1.5)(x), r"the derivative of \*\*1.5 of 0.0 is inf"),
        (lambda x: sqrt(step(x)), r"undetermined: .* sqrt of Value\(0.0\) .* at data point 1"),
    ):
        program = Program(f(w + x), inputs=[x], parameters=[w])
        with pytest.raises(FloatingPointError, match=words):
            program.value_and_grad([[1.0], [-0.5]])


def test_every_function_that_only_rules_use_has_its_words() -> None:
    for key in INTERNAL:
        parameters = [2.0] * FUNCTIONS[key].parameters
        assert INTERNAL.isdisjoint(FUNCTIONS[key].said(*parameters).split())
    assert functions.sigmoid.said() == "sigmoid" == sigmoid.__name__


@pytest.mark.parametrize("label", ["two\nlines", "\r\x1b[31m", "name \\\n*/", "long" * 500, " "])
def test_odd_labels_leave_lines_as_they_are(label: str) -> None:
    x, w = Value(1.0, label=label), Value(2.0, label=label + "2")
    y = sqrt(w * x)
    y.label = y.scope = label
    program = Program(y, inputs=[x], parameters=[w])
    plain = [Value(1.0), Value(2.0)]
    root = sqrt(plain[1] * plain[0])
    lines = str(program).split("\n")
    assert len(lines) == str(Program(root, plain[:1], plain[1:])).count("\n") + 1
    with pytest.raises(FloatingPointError) as fault:
        program([[1.0], [-1.0]])
    with pytest.raises(ValueError, match="column for each of") as shape:
        program([1.0, 2.0])
    for line in (*lines, str(fault.value), str(shape.value)):
        assert line.isprintable()
        assert len(line) < 300
