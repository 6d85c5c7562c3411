"""The API reference is complete: each public name has arguments, errors and a running example.

``faults`` says what a docstring lacks. That the examples run is test_doctests.py's to see.
"""

import ast
import doctest
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from twin import load_pure

import micrograd_bp
from micrograd_bp import testing
from micrograd_bp.book import backprop, derivative_matrices, worked_example
from micrograd_bp.methods import ElementaryMethods

RAISES_NOTHING = {  # though they take arguments; nothing else may leave its errors out
    "micrograd_bp.drawing.graph.Graph",
    *(f"micrograd_bp.book.backprop.{name}" for name in ("logistic", "weight_derivatives")),
    *(
        f"micrograd_bp.book.backprop.{name}"
        for name in ("Activation", "ForwardPass", "BackwardPass")
    ),
    "micrograd_bp.book.worked_example.WorkedExample",
    *(f"micrograd_bp.testing.report.{name}" for name in ("GradientError", "Mismatch", "Report")),
    "micrograd_bp.testing.extrapolation.Difference",
    *(f"micrograd_bp.testing.programs.{name}" for name in ("GraphProgram", "NetworkProgram")),
    "micrograd_bp.testing.programs.Step",
}
GIVES_NOTHING = (None, "None", Iterator[None], inspect.Signature.empty)
# A summary that begins with a capital says what is done, and needs a Returns beside it, but for
# these words; they, and a formula, begin one that says what is returned.
OF_THE_RESULT = re.compile(r"(An?|New|The|Those|What|Whether|Which)\b|(?![A-Z][a-z]+\b)")


def sections(doc: str) -> dict[str, str]:
    """What stands under "Args:", "Raises:" and so on; examples are no part of it."""
    found = re.finditer(r"^(\w+):\n((?:(?: +.*)?\n)*)", doc.split("\n>>>")[0] + "\n", re.MULTILINE)
    return {match[1]: match[2] for match in found}


def documented(section: str) -> set[str]:
    """The names before the colons: of parameters, or of errors."""
    entries = re.findall(r"^ {4}(\*{0,2}\w+(?:, \w+)*)(?: and others)?: \S", section, re.MULTILINE)
    return {name.lstrip("*") for entry in entries for name in entry.split(", ")}


def is_property(obj: Any) -> bool:
    return isinstance(obj, (property, cached_property)) or inspect.isgetsetdescriptor(obj)


def faults(name: str, obj: Any) -> list[str]:
    """What the docstring of a function, method, class or property lacks.

    Args:
        name: what its example has to show.
        obj: the function, class or property itself.
    """
    doc = inspect.getdoc(obj) or ""
    summary = doc.partition("\n")[0]
    found = []
    if len(summary.split()) < 3 or not summary.endswith("."):
        found.append("no summary line")
    if is_property(obj):
        return found
    parts = sections(doc)
    try:
        signature = inspect.signature(obj)
    except ValueError:  # of a compiled class; its pure twin has one
        signature = inspect.Signature()
    parameters = [p for p in signature.parameters if p not in ("self", "cls")]
    is_class = inspect.isclass(obj)
    described = documented(parts.get("Args", ""))
    if is_class:  # the fields of a dataclass or named tuple are its arguments
        described |= documented(parts.get("Attributes", ""))
    found += [f"no {parameter} in Args" for parameter in parameters if parameter not in described]
    gives = not is_class and signature.return_annotation not in GIVES_NOTHING
    if gives and not parts.get("Returns", "").strip() and not OF_THE_RESULT.match(summary):
        found.append("no Returns")
    errors = [error for error in documented(parts.get("Raises", "")) if error.endswith("Error")]
    if parameters and not errors:
        found.append("no error in Raises")
    examples = [
        example
        for example in doctest.DocTestParser().get_examples(doc)
        if not example.options.get(doctest.SKIP)
    ]
    if name != "__call__":  # shown by the example of its class
        shown = "".join(example.source + example.want for example in examples)
        if not re.search(rf"\b{name}\b", shown):
            found.append("no example of it")
        elif not any(example.want for example in examples):
            found.append("no example with a result")
    return found


# --- the walk -------------------------------------------------------------------------------------


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, by their full names, and its ``__call__``."""
    for base in cls.__mro__:
        if base.__module__.startswith("micrograd_bp"):
            for name, member in vars(base).items():
                member = getattr(member, "__func__", member)  # of a class method
                is_shown = not name.startswith("_") or name == "__call__"
                if is_shown and (inspect.isroutine(member) or is_property(member)):
                    yield f"{base.__module__}.{base.__qualname__}.{name}", member


def own_names(module: ModuleType) -> list[str]:
    """The functions and classes that a module without ``__all__`` defines."""
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]


def walk() -> dict[str, Any]:
    found = {}
    for module, names in (
        (micrograd_bp, [*micrograd_bp.__all__, "abs", "pow"]),
        (testing, testing.__all__),
        (load_pure(), ["Value"]),
        *((module, own_names(module)) for module in (worked_example, backprop)),
        (derivative_matrices, own_names(derivative_matrices)),
    ):
        for name in names:
            thing = getattr(module, name)
            if callable(thing):
                found[f"{thing.__module__}.{name}"] = thing
            if inspect.isclass(thing):
                found.update(members(thing))
    return found


PUBLIC = walk()


def own_name(full_name: str) -> str:
    """The last part of a name; of NumPy's names for methods the one that they stand for."""
    name = full_name.rpartition(".")[2]
    return str(getattr(getattr(ElementaryMethods, name, None), "__name__", name))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_arguments_errors_and_an_example(name: str) -> None:
    expected = ["no error in Raises"] if name in RAISES_NOTHING else []
    assert faults(own_name(name), PUBLIC[name]) == expected


def test_the_walk_meets_what_users_meet() -> None:
    assert len(PUBLIC) > 200
    assert set(PUBLIC) >= RAISES_NOTHING
    met = {name.partition(".")[2] for name in PUBLIC}
    assert met >= {
        *("transforms.grad", "elementary.tanh", "methods.ElementaryMethods.tanh", "nn.Module.save"),
        *(
            "pure_engine.Value.backward",
            "program.Program.value_and_grad",
            "training.optim.Optimizer.step",
        ),
        *("drawing.graph.Graph.svg", "testing.report.Report.raise_if_wrong", "nn.MLP.__call__"),
        *("book.worked_example.worked_example", "book.worked_example.WorkedExample.agrees"),
        *(
            "book.backprop.backpropagation",
            "book.derivative_matrices.jacobian_table",
            "testing.strategies.graphs",
        ),
    }


@pytest.mark.parametrize("name", ["OPERATIONS", "WEIGHTS", "INPUTS", "TARGETS"])
def test_a_public_constant_is_described_below_its_assignment(name: str) -> None:
    module = testing.programs if hasattr(testing, name) else worked_example
    body = ast.parse(Path(module.__file__).read_text()).body
    targets = [getattr(n, "target", None) or getattr(n, "targets", [None])[0] for n in body]
    below = body[[getattr(target, "id", "") for target in targets].index(name) + 1]
    assert isinstance(below, ast.Expr)
    assert isinstance(below.value, ast.Constant)
    assert isinstance(below.value.value, str)


# --- faults itself --------------------------------------------------------------------------------

WHOLE = """Halve two numbers, one after the other.

Args:
    x, y: numbers.
    scale: a number,
        other than 0.

Returns:
    Their halves.

Raises:
    TypeError, ValueError: one is no number.

>>> halves(1, 2)
(0.5, 1.0)
"""


def halves(x: float, y: float, scale: float = 1.0) -> tuple[float, float]:
    return x / 2.0 * scale, y / 2.0 * scale


def faults_of(doc: str) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(halves, "__doc__", doc)
        return faults("halves", halves)


def test_a_whole_docstring_has_no_fault() -> None:
    assert faults_of(WHOLE) == []
    result_first = WHOLE.replace("Halve two", "The halves of two")
    assert faults_of(re.sub(r"Returns:\n.*\n\n", "", result_first)) == []


@pytest.mark.parametrize(
    ("pattern", "replacement", "fault"),
    [
        (r".*", "", "no summary line"),
        (r"Halve.*", "x.", "no summary line"),
        (r"other\.", "other", "no summary line"),
        (r"x, y:", "x:", "no y in Args"),
        (r"x, y:", "y:", "no x in Args"),
        (r"x, y: numbers", "x, y:", "no x in Args"),
        (r" {4}scale:", "        scale:", "no scale in Args"),
        (r"scale: a number", "a scale", "no scale in Args"),
        (r"Args:\n(    .*\n)+", "", "no x in Args"),
        (r"Args:\n(    .*\n)+", "Args and errors are those of all, x, y, scale.\n", "no x in Args"),
        (r"Returns:\n.*\n", "", "no Returns"),
        (r"    Their halves\.\n", "", "no Returns"),
        (r"Raises:\n.*\n", "", "no error in Raises"),
        (r"    TypeError.*\n", "", "no error in Raises"),
        (r"TypeError, ValueError:", "Sometimes:", "no error in Raises"),
        (r"TypeError, ValueError:.*", "TypeError, ValueError:", "no error in Raises"),
        (r">>> (.*\n)+", "", "no example of it"),
        (r">>> (.*\n)+", ">>> None\n", "no example of it"),
        (r"halves\(1, 2\)", "halves(1, 2)  # doctest: +SKIP", "no example of it"),
        (r">>> halves", ">>> quarters", "no example of it"),
        (r"\(0\.5, 1\.0\)\n", "", "no example with a result"),
    ],
)
def test_what_is_taken_out_of_a_docstring_is_missed(
    pattern: str, replacement: str, fault: str
) -> None:
    doc = re.sub(pattern, replacement, WHOLE, count=1)
    assert doc != WHOLE
    found = faults_of(doc)
    assert found[0] == fault
    if "Args" not in fault:
        assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "part", "fault"),
    [
        ("transforms.grad", "    f: ", "no f in Args"),
        ("book.backprop.hidden_errors", "    ValueError: h is not", "no error in Raises"),
        (
            "book.worked_example.worked_example",
            ">>> example = worked_example()",
            "no example of it",
        ),
        ("program.Program.value_and_grad", ">>> program.value_and_grad(", "no example of it"),
        ("methods.ElementaryMethods.tanh", ">>> Value(1.0).tanh()", "no example of it"),
    ],
)
def test_what_is_taken_out_of_a_docstring_of_ours_is_missed(
    name: str, part: str, fault: str
) -> None:
    thing = PUBLIC[f"micrograd_bp.{name}"]
    doc = inspect.getdoc(thing) or ""
    assert part in doc
    with pytest.MonkeyPatch.context() as patch:
        lines = [line for line in doc.splitlines() if not line.startswith(part)]
        patch.setattr(thing, "__doc__", "\n".join(lines))
        assert fault in faults(own_name(name), thing)
