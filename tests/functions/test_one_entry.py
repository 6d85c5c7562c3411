"""A function is one entry in one file: from there it comes to everything that knows functions."""

import ast
import pickle
import re
import shutil
import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from own_process import run_python

import micrograd_bp
from micrograd_bp import Value, elementary, functions, methods
from micrograd_bp.functions.composed import composed
from micrograd_bp.testing.exact import exact, mp

TESTS = Path(__file__).parents[1]
PACKAGE = Path(micrograd_bp.__file__).parent
ENTRY = (TESTS.parent / "README.md").read_text().split("### How to add a function")[1]
ENTRY = ENTRY.split("```py\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package, the README's entry appended to the table."""
    folder = tmp_path_factory.mktemp("house")
    ignored = shutil.ignore_patterns("__pycache__", "*.c")
    shutil.copytree(PACKAGE, folder / "micrograd_bp", ignore=ignored)
    with (folder / "micrograd_bp/functions/piecewise.py").open("a") as table:
        table.write("\n\n" + ENTRY)
    return folder


def run(house: Path, *arguments: str, pure: bool = False) -> str:
    environment = {"MICROGRAD_BP_PURE": "1"} if pure else {}
    return run_python(*arguments, cwd=house, PYTHONPATH=str(house), **environment).stdout


SEES = """
import doctest, pickle
import numpy as np
import micrograd_bp as m
from micrograd_bp import elementary, engine, functions, methods, nn
from micrograd_bp.program import Program, interpreter
from micrograd_bp.testing import check_graph, graphs
from micrograd_bp.testing.programs import OPERATIONS, GraphProgram, Step

assert m.__file__.startswith(HOUSE)
assert m.hard_sigmoid(1.0) == 4.0 / 6.0 and m.hard_sigmoid(-7.0) == 0.0
assert "hard_sigmoid" in m.__all__ and "hard_sigmoid" in dir(m)
for module in (elementary, methods):
    tests = doctest.DocTestFinder().find(module)
    found = [test for test in tests if test.name.endswith("hard_sigmoid") and test.examples]
    assert len(found) == 1 and doctest.DocTestRunner().run(found[0]).failed == 0

x = m.Value(1.0, "x")
for y in (m.hard_sigmoid(x), x.hard_sigmoid()):
    x.grad = 0.0
    y.backward()
    assert (y.data, x.grad, y.operation.name) == (4.0 / 6.0, 1.0 / 6.0, "hard_sigmoid")
    assert check_graph(y) and check_graph(y * y + x.hard_sigmoid().exp())
assert "hard_sigmoid" in dir(m.Value) and m.Value.hard_sigmoid.__doc__ == y.hard_sigmoid.__doc__
assert m.grad(m.grad(lambda x: m.hard_sigmoid(x) ** 2))(1.0) == 2.0 / 36.0
assert m.latex(y) == r"\\operatorname{hard sigmoid}(x)", m.latex(y)

points = np.array([[-7.0], [-1.0], [0.5], [8.0]])
program = pickle.loads(pickle.dumps(Program(m.hard_sigmoid(x), inputs=[x])))
readable = interpreter.Executor(program._forward).run(points, np.empty(0))[1]
expected = [m.hard_sigmoid(float(number)) for number in points[:, 0]]
assert program(points).tolist() == expected and readable[:, 0].tolist() == expected
w = m.Value(1.0, "w")
E, dE = Program(m.hard_sigmoid(w * x), [x], [w]).value_and_grad(points, [1.0])
assert abs(dE[0] - (-1.0 + 0.5) / 6.0) < 1e-15

assert "hard_sigmoid" in OPERATIONS
assert "v1 = x0.hard_sigmoid()" in str(GraphProgram((0.5,), (Step("hard_sigmoid", (0,)),)))
assert m.MLP(1, [2, 1], hidden="hard_sigmoid", seed=0)([0.5]).data
"""


@pytest.mark.parametrize("pure", [False, True])
def test_a_new_function_comes_to_all_that_knows_functions(house: Path, pure: bool) -> None:
    run(house, "-c", SEES.replace("HOUSE", repr(str(house))), pure=pure)


@pytest.mark.slow
def test_a_new_function_is_in_the_tests_of_all_functions(house: Path) -> None:
    files = [
        *("functions/test_functions.py", "functions/test_rules.py", "functions/test_accuracy.py"),
        *("program/test_program_accuracy.py", "text/test_text_views.py"),
    ]
    arguments = ["-q", "-k", "hard_sigmoid", "-p", "no:cacheprovider", "--rootdir", str(TESTS)]
    arguments += ["-c", str(TESTS.parent / "pyproject.toml")]
    told = run(house, "-m", "pytest", *arguments, *(str(TESTS / file) for file in files))
    assert int(told.split(" passed")[0].split()[-1]) >= len(files)


# What is written out for others, and held to the table here


def names_for_type_checkers(source: Path) -> set[str]:
    """Those that an ``if TYPE_CHECKING`` of a file gives one form or the other."""
    return {
        target.id
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("_unary", "_binary")
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def listed_in_the_readme() -> set[str]:
    readme = (TESTS.parent / "README.md").read_text()
    (listed,) = re.findall(r"^Functions, on floats or Values, .*?: `(.*?)`", readme, re.MULTILINE)
    return set(listed.split())


def test_what_is_listed_for_readers_and_type_checkers_is_of_the_table() -> None:
    public = {key: entry for key, entry in functions.FUNCTIONS.items() if entry.public}
    assert listed_in_the_readme() <= public.keys()
    made = {key: entry for key, entry in public.items() if entry.doc is not None}
    listed = made.keys() & listed_in_the_readme()
    assert listed <= names_for_type_checkers(Path(elementary.__file__)) <= made.keys()
    aliases = {alias for key in listed for alias in made[key].aliases}
    written = {"atan2", "arctan2"}  # in full, for the names of the arguments
    told = names_for_type_checkers(Path(methods.__file__))
    assert {*listed, *aliases} - written <= told
    assert told <= {*made, *(alias for entry in made.values() for alias in entry.aliases)}


def test_type_checkers_know_every_name_of_the_package() -> None:
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    told = {
        alias.asname: f"micrograd_bp.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name != "*"
    }
    assert {*told, *elementary.__all__} == {*micrograd_bp.__all__, "abs", "pow"}
    for name, module in told.items():
        __import__(module)
        assert getattr(sys.modules[module], name) is getattr(micrograd_bp, name), name


def test_a_key_is_the_name_that_an_entry_has_in_the_table() -> None:
    for key, entry in functions.FUNCTIONS.items():
        assert entry.key == key
        assert getattr(functions, key) is entry
    assert (Value(2.0) ** 3).operation.name == functions.constant_power.name == "pow"


# A value made of functions of the table needs no other form


def test_a_value_made_of_the_table_runs_on_numbers_of_another_kind() -> None:
    f = functions.Function("f", lambda x: 1.0 - functions.tanh(x / 2.0) * 3.0, lambda x: (0.0,))
    with mp.workdps(50):
        x = mp.mpf("0.3")
        assert mp.almosteq(exact(f)(x), 1 - 3 * mp.tanh(x / 2))
    on_arrays = composed(f, lambda function: getattr(np, function.key))
    at = np.array([0.3, -2.0])
    np.testing.assert_array_equal(on_arrays(at), 1.0 - np.tanh(at / 2.0) * 3.0)


def test_a_value_that_asks_for_floats_says_that_it_needs_a_form() -> None:
    f = functions.Function("f", lambda x: float(x), lambda x: (0.0,))
    with pytest.raises(TypeError, match="f is not made of operators"):
        exact(f)(mp.mpf(1))


# Pickles made when the table was one file

LEAF = (
    "gASVPQAAAAAAAACME21pY3JvZ3JhZF9icC5lbmdpbmWUjAhfcmVzdG9yZZSTlChORz/4AAAAAAAATowBeJSMAJR9"
    "lHSUUpQu"
)
PROGRAM = (
    "gASVhgIAAAAAAACMFG1pY3JvZ3JhZF9icC5wcm9ncmFtlIwHUHJvZ3JhbZSTlCmBlH2UKIwGc2luZ2xllIiMCHJl"
    "Y29yZGVklF2UR7/gAAAAAAAAYYwFbmFtZXOUjAF4lIwBd5SGlIwHZm9yd2FyZJQojAhuX2lucHV0c5RLAYaUjAxu"
    "X3BhcmFtZXRlcnOUSwGGlIwJY29uc3RhbnRzlCmGlIwJbl9zY2FsYXJzlEsChpSMBm5fcm93c5RLA4aUjARvbmNl"
    "lCiMDmNvbnN0YW50X3Bvd2VylEdACAAAAAAAAIWUSwCFlEsBjACUaBt0lIWUhpSMBGVhY2iUKCiMA211bJQpSwBL"
    "AoaUSwNoG2gbdJQojAR0YW5olClLA4WUSwNoG2gbdJQojANleHCUKUsChZRLBGgbaBt0lCiMA2RvdJQpSwRLAUsD"
    "h5RLA2gbaBt0lHSUhpSMB291dHB1dHOUSwOFlIaUjAZuX3N1bXOUSwCGlHSUjAZzdW1tZWSUKGgNSwGGlGgPSwGG"
    "lGgRKYaUaBNLA4aUaBVLBIaUaBcoaBhoGUsAhZRLAWgbaBt0lCiMGWNvbnN0YW50X3Bvd2VyX2Rlcml2YXRpdmWU"
    "R0AIAAAAAAAASwGGlEsAhZRLAmgbaBt0lIaUhpRoHygoaCApSwBLA4aUSwRoG2gbdJQoaCMpSwSFlEsFaBtoG3SU"
    "KIwFc2VjaDKUKUsEhZRLBGgbaBt0lChoJilLA4WUSwZoG2gbdJQoaCkpSwZLAUsFh5RLBWgbaBt0lCiMA3N1bZRL"
    "BSlLAIWUdJQoaCkpKEsCSwNLBksEdJRLBGgbaBt0lChoTUsEKUsBhZR0lHSUhpRoLimGlGgxSwKGlHSUdWIu"
)


def test_pickles_made_before_load_and_give_the_same() -> None:
    leaf, program = (pickle.loads(b64decode(text)) for text in (LEAF, PROGRAM))
    assert pickle.loads(b"cmicrograd_bp.functions\n_entry\n(Vtanh\ntR.") is functions.tanh
    assert (leaf.data, leaf.label) == (1.5, "x")
    assert program([2.0], [0.25]) == 0.5775711588058011
    E, dE_dw = program.value_and_grad([[1.0], [2.0]], [0.25])
    assert (E, dE_dw.tolist()) == (0.8649629747791828, [pytest.approx(4.40803618, abs=1e-8)])
