"""Where a package is not installed, what needs it says so, and how to install it."""

import pytest
from own_process import run_python

WITHOUT = """
import sys
sys.modules[{package!r}] = None
import micrograd_bp
for statement in {statements!r}:
    try:
        exec(statement)
    except ImportError as error:
        print(f"{{type(error).__name__}}: {{error}}")
"""


def said(package: str, statements: list[str]) -> list[str]:
    """What each statement says where there is no such package; nothing, if it needs none."""
    code = WITHOUT.format(package=package, statements=statements)
    return run_python("-c", code).stdout.splitlines()


ON_USE = ["LBFGS", "Program", "SGD", "fit", "plot_decision", "predict"]


@pytest.mark.parametrize(
    ("package", "doors"),
    [
        (
            "numpy",
            {
                **{f"micrograd_bp.{name}": name for name in ON_USE},
                "from micrograd_bp.training import fit": "fit",
                "from micrograd_bp.optim import SGD": "micrograd_bp.optim",
                "from micrograd_bp.testing import gradcheck": "micrograd_bp.testing",
                "import micrograd_bp.testing.gradcheck": "micrograd_bp.testing",
                "from micrograd_bp.program import Program": "micrograd_bp.program",
                "import micrograd_bp.program.listing": "micrograd_bp.program",
                "from micrograd_bp.training.optim import SGD": "micrograd_bp.training.optim",
                "import micrograd_bp.training.cluster": "micrograd_bp.program",
                "import micrograd_bp.training.estimators": "micrograd_bp.training.estimators",
                "from micrograd_bp.training import NetworkClassifier": "NetworkClassifier",
                "micrograd_bp.MLP(1, [1]).save('w')": "a file of weights",
                "micrograd_bp.MLP(1, [1]).load('w')": "a file of weights",
                "micrograd_bp.MLP.load('w')": "a file of weights",
            },
        ),
        ("tqdm", {"micrograd_bp.fit": "fit"}),
    ],
)
def test_what_needs_a_package_says_how_to_install_it(package: str, doors: dict[str, str]) -> None:
    assert said(package, [*doors]) == [
        f"ModuleNotFoundError: {what} needs {package}, which is not installed:"
        f" pip install {package}"
        for what in doors.values()
    ]


@pytest.mark.parametrize("package", ["sklearn", "scipy", "joblib"])
def test_the_estimators_say_which_extra_they_need(package: str) -> None:
    statements = [
        "from micrograd_bp.training import NetworkRegressor",
        "import micrograd_bp.training.estimators",
    ]
    both = said(package, statements)
    assert len(both) == 2
    for words in both:
        assert "of version 1.6 at least: pip install 'micrograd_bp[training]' (" in words


@pytest.mark.parametrize(
    ("package", "statement", "extra"),
    [
        ("dask", "from micrograd_bp.training.cluster import library; library('dask')", "cluster"),
        ("anywidget", "import micrograd_bp.widget as w; w.live(lambda x: x, x=1.0)", "live"),
        ("mpmath", "import micrograd_bp.testing as t; t.finite_difference(abs, 1.0, 'mpmath')",
         "testing"),
        ("hypothesis", "import micrograd_bp.testing as t; t.graphs()", "testing"),
    ],
)  # fmt: skip
def test_a_submodule_loads_and_its_functions_name_their_extra(
    package: str, statement: str, extra: str
) -> None:
    (words,) = said(package, [statement])
    assert f"pip install 'micrograd_bp[{extra}]'" in words


def test_a_module_of_ones_own_that_is_missing_is_not_laid_on_a_package() -> None:
    (words,) = said("micrograd_bp.training.run", ["micrograd_bp.fit"])
    assert "micrograd_bp.training.run" in words
    assert "pip" not in words


def test_the_engine_needs_none() -> None:
    statements = ["micrograd_bp.draw(micrograd_bp.Value(1.0) * 2.0).svg", "micrograd_bp.explore"]
    for package in ("numpy", "tqdm", "graphviz"):
        assert said(package, statements) == []


def test_names_that_are_not_loaded_yet_are_there_to_complete() -> None:
    statement = "import micrograd_bp.training as t; assert {*t.__all__} <= {*dir(t)}"
    assert said("sklearn", [statement]) == []
