"""The API reference is complete: each public name has arguments, errors and a running example.

That the examples run is test_doctests.py's to see.
"""

import inspect
from typing import Any

import pytest

import micrograd_bp
from micrograd_bp import testing

PUBLIC: dict[str, Any] = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (micrograd_bp, testing)
    for name in module.__all__
    if callable(getattr(module, name))
}
HARMLESS = {  # nothing to pass, or nothing that can be wrong
    *("Graph", "Module", "allow_nonfinite", "engine_kind", "no_grad", "GradientError", "Report"),
    *("Difference", "GraphProgram", "NetworkProgram", "Mismatch", "Step"),
}


def parameters(thing: Any) -> list[str]:
    try:
        return [name for name in inspect.signature(thing).parameters if name != "self"]
    except (TypeError, ValueError):  # the compiled engine's
        return []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_its_arguments_errors_and_an_example(name: str) -> None:
    thing = PUBLIC[name]
    doc = inspect.getdoc(thing) or ""
    assert ">>> " in doc or name.endswith("Graph"), "no example"
    if name.rpartition(".")[2] not in HARMLESS:
        assert "Raises:" in doc or "Raises " in doc, "no errors"
        assert not parameters(thing) or "Args:" in doc, "no arguments"
    for parameter in parameters(thing):
        assert parameter in doc, f"{parameter} is not described"


def test_public_methods_are_described() -> None:
    for name, thing in PUBLIC.items():
        for method in dir(thing) if inspect.isclass(thing) else ():
            found = getattr(thing, method)
            if not method.startswith("_") and inspect.isroutine(found):
                assert inspect.getdoc(found), f"{name}.{method}"


@pytest.mark.parametrize("name", ["grad", "sum_of_squares", "gradcheck", "Program", "MLP"])
def test_the_walk_sees_a_missing_part(name: str) -> None:
    doc = inspect.getdoc(PUBLIC.get(f"micrograd_bp.{name}") or getattr(testing, name)) or ""
    assert "Args:" in doc
    assert ">>> " in doc
