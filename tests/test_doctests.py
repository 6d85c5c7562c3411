"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import micrograd_bp

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(micrograd_bp.__path__, "micrograd_bp.")
    if module.name.rpartition(".")[2] not in ("__main__", "_engine", "_program")
)


SLOW = ["micrograd_bp.testing.strategies"]  # it searches and shrinks


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in ["micrograd_bp", *MODULES]
    ],
)
def test_the_examples_of_a_module_run(name: str) -> None:
    if name == "micrograd_bp.widget":
        pytest.importorskip("anywidget")
    if name == "micrograd_bp.training.cluster":
        pytest.importorskip("dask.array")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_public_functions_have_examples() -> None:
    module = importlib.import_module("micrograd_bp.elementary")
    examples = {test.name: test.examples for test in doctest.DocTestFinder().find(module)}
    public = [name for name in micrograd_bp.__all__ if hasattr(module, name)]
    assert len(public) >= 50
    for name in public:
        if name not in ("Value",):
            assert examples[f"micrograd_bp.elementary.{name}"], name
