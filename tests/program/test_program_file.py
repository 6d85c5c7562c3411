"""Programs as plain data and in files: every bit comes back, and what is damaged is refused."""

import base64
import copy
import json
import math
import pickle
import random
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from micrograd_bp import (
    MLP,
    Program,
    Value,
    clip,
    exp,
    fsum,
    log,
    maximum,
    relu,
    softmax,
    step,
    tanh,
    where,
)
from micrograd_bp.functions import FUNCTIONS
from micrograd_bp.program import Executor, program_file
from micrograd_bp.program.interpreter import Executor as Interpreter
from micrograd_bp.program.plain import from_plain, to_plain
from micrograd_bp.testing import GraphProgram, graphs

# tanh(w * x) + exp(x) * w**3, pickled before plans were validated
OLD = """
gASVhgIAAAAAAACMFG1pY3JvZ3JhZF9icC5wcm9ncmFtlIwHUHJvZ3JhbZSTlCmBlH2UKIwGc2luZ2xllIiMCHJlY29y
ZGVklF2UR7/gAAAAAAAAYYwFbmFtZXOUjAF4lIwBd5SGlIwHZm9yd2FyZJQojAhuX2lucHV0c5RLAYaUjAxuX3BhcmFt
ZXRlcnOUSwGGlIwJY29uc3RhbnRzlCmGlIwJbl9zY2FsYXJzlEsChpSMBm5fcm93c5RLA4aUjARvbmNllCiMDmNvbnN0
YW50X3Bvd2VylEdACAAAAAAAAIWUSwCFlEsBjACUaBt0lIWUhpSMBGVhY2iUKCiMA211bJQpSwBLAoaUSwNoG2gbdJQo
jAR0YW5olClLA4WUSwNoG2gbdJQojANleHCUKUsChZRLBGgbaBt0lCiMA2RvdJQpSwRLAUsDh5RLA2gbaBt0lHSUhpSM
B291dHB1dHOUSwOFlIaUjAZuX3N1bXOUSwCGlHSUjAZzdW1tZWSUKGgNSwGGlGgPSwGGlGgRKYaUaBNLA4aUaBVLBIaU
aBcoaBhoGUsAhZRLAWgbaBt0lCiMGWNvbnN0YW50X3Bvd2VyX2Rlcml2YXRpdmWUR0AIAAAAAAAASwGGlEsAhZRLAmgb
aBt0lIaUhpRoHygoaCApSwBLA4aUSwRoG2gbdJQoaCMpSwSFlEsFaBtoG3SUKIwFc2VjaDKUKUsEhZRLBGgbaBt0lCho
JilLA4WUSwZoG2gbdJQoaCkpSwZLAUsFh5RLBWgbaBt0lCiMA3N1bZRLBSlLAIWUdJQoaCkpKEsCSwNLBksEdJRLBGgb
aBt0lChoTUsEKUsBhZR0lHSUhpRoLimGlGgxSwKGlHSUdWIu
"""


def some_program() -> Program:
    """With constants, parameters, instructions once a call, products and sums."""
    x, y = Value(0.5, label="x"), Value(0.25, label="y")
    w, b = Value(0.75, label="w"), Value(-0.5, label="b")
    shares = softmax([w * x, b * y, x * y])
    error = fsum(shares[:2]) * exp(w) + tanh(w * x + b) ** 3 + maximum(x, w * y) + 0.1 * x
    return Program(error + where(step(x), clip(x * b, -0.3, 0.3), w), [x, y], [w, b])


def network_program() -> Program:
    x = [Value(0.5, label="x1"), Value(-0.25, label="x2")]
    model = MLP(2, [3, 2], hidden="sigmoid", seed=3)
    return Program(fsum([y**2 for y in model(x)]), inputs=x, parameters=model.parameters())


def plain(program: Program) -> dict[str, Any]:
    """As lists and dicts, which can be changed, and strings for what is beyond."""
    found: dict[str, Any] = json.loads(json.dumps(to_plain(program._parts())))
    return found


def write(path: Path, data: Any) -> None:
    """A file whose checksum is right."""
    text = program_file._json(data)
    checksum = program_file._checksum(text)
    head = {"format": program_file.FORMAT, "version": program_file.VERSION, "sha256": checksum}
    path.write_text(json.dumps({**head, "program": data}))


@settings(max_examples=40)
@given(graphs())
def test_every_bit_comes_back(tmp_path_factory: Any, recipe: GraphProgram) -> None:
    evaluation = recipe.evaluate()
    leaves = evaluation.inputs
    path = tmp_path_factory.mktemp("programs") / "program.json"
    half = len(leaves) // 2
    for outputs in (evaluation.root, [evaluation.root, *leaves]):
        program = Program(outputs, inputs=leaves[:half], parameters=leaves[half:])
        program.save(path)
        for other in (Program.load(path), pickle.loads(pickle.dumps(program))):
            assert other._parts() == program._parts()
            assert str(other) == str(program)


def test_what_is_beyond_the_floats_of_json_comes_back(tmp_path: Path) -> None:
    x, w = Value(1.0, label="naïve \ud800\n"), Value(-0.0, label="w")
    program = Program(clip(x, -math.inf, 0.5) * Value(5e-324) + w, [x], [w])
    program._recorded = np.array([math.nan])
    program.save(tmp_path / "program")
    other = Program.load(tmp_path / "program")
    assert other._names == program._names
    assert math.isnan(other._recorded[0])
    assert other([2.0], [-0.0]) == program([2.0], [-0.0]) == 0.0
    assert "NaN" not in (tmp_path / "program").read_text()


def test_a_program_that_left_a_point_to_the_engine_comes_back() -> None:
    x, w = Value(0.5, label="x"), Value(0.75, label="w")
    program = Program(relu(w * log(x)), [x], [w])
    before = pickle.dumps(program)
    assert program.value_and_grad([0.0], errors="ignore") == (0.0, [0.0])
    assert pickle.dumps(program) == before


def test_a_pickle_of_before_loads() -> None:
    program = pickle.loads(base64.b64decode(OLD))
    assert program([2.0], [0.25]) == pytest.approx(0.5775711588058011, rel=1e-15)
    value, grad = program.value_and_grad([[2.0], [1.0]], [0.25])
    assert value == pytest.approx(0.8649629747791828, rel=1e-15)
    assert grad[0] == pytest.approx(4.40803618, rel=1e-8)


@pytest.mark.parametrize(
    ("path", "found", "message"),
    [
        (["single"], 1, "single should be True or False"),
        (["single"], False, "summed should be there with one output, and only then"),
        (["names"], ["x"], "the number of names should be from 2"),
        (["names", 0], None, "names should be a string"),
        (["recorded", 1], "1", "recorded should be a float"),
        (["recorded", 1], 1, "recorded should be a float"),
        (["forward"], None, "forward: its parts should be a list"),
        (["forward", "n_inputs"], 3, "forward: n_inputs should be 2, not 3"),
        (["forward", "n_inputs"], 2.0, "forward: n_inputs should be 2"),
        (["forward", "n_scalars"], -1, "forward: n_scalars should be"),
        (["forward", "n_rows"], 10**9, "forward: n_rows should be from 2"),
        (["forward", "n_rows"], True, "forward: n_rows"),
        (["forward", "n_sums"], 1, "forward: n_sums should be 0"),
        (["forward", "outputs"], [], "the number of outputs should be 1, not 0"),
        (["forward", "outputs", 0], 999, "forward: outputs should be places that are written"),
        (["forward", "outputs", 0], -1, "forward: outputs"),
        (["forward", "constants", 0], [], "forward: a constant should be a float"),
        (["forward", "once", 0, 0], "system", "forward.once.0.: the function should be one that"),
        (["forward", "once", 0, 0], "add", "forward.once.0.: operands should be a list of 2"),
        (["forward", "once", 0, 0], "softmax", "forward.once.0.: the function"),
        (["forward", "once", 0, 3], 0, "forward.once.0.: the place of the result"),
        (["forward", "once", 0, 2, 0], 4, "forward.once.0.: operands should be places"),
        (["forward", "each", 0, 3], 0, "forward.each.0.: the place of the result"),
        (["forward", "each", 0, 3], 10**6, "forward.each.0.: the place of the result"),
        (["forward", "each", 0, 2, 0], 99, "forward.each.0.: operands should be places"),
        (["forward", "each", 0, 2], [0, 0], "forward.each.0.: its operands should be of the data"),
        (["forward", "each", 0, 1], [2.0], "forward.each.0.: parameters should be a list of 0"),
        (["forward", "each", 0, 4], 7, "forward.each.0.: the label should be a string"),
        (["forward", "each", 0], ["sum", 5, [], [0]], "forward.each.0.: results"),
        (["forward", "each"], "x", "forward: each should be a list"),
        (["summed", "each", -1], ["sum", 9, [], [9]], "summed.each.*results should be different"),
        (["summed", "each", -1], ["sum", 999, [], [2]], "summed.each.*what is summed should be"),
        (["summed", "outputs"], [0], "summed: outputs should be a list of 0"),
        (["extra"], 1, "its parts should be single, recorded, names"),
    ],
)
def test_damage_is_told_where_it_is(path: list[Any], found: Any, message: str) -> None:
    data = plain(some_program())
    *before, last = path
    at: Any = data
    for key in before:
        at = at[key]
    at[last] = found
    with pytest.raises(ValueError, match=rf"^a damaged program: .*{message}"):
        from_plain(data)
    program = some_program()
    with pytest.raises(ValueError, match=message):
        program.__setstate__(data)


@pytest.mark.parametrize(
    ("key", "parameters"),
    [
        ("constant_power_derivative", [3.0, 2.5]),
        ("constant_power_derivative", [3.0, 10**9]),
        ("divide_by_power", [-1]),
        ("divide_by_power", [math.nan]),
        ("hypot_moment", [1, 2, -3]),
        ("inverse_power", [1e300, 1]),
    ],
)
def test_a_parameter_that_its_function_does_not_take_is_refused(
    key: str, parameters: list[Any]
) -> None:
    data = plain(some_program())
    operands = [0] * (1 if key == "constant_power_derivative" else 2)
    data["forward"]["once"][0] = [key, parameters, operands, 3, "", ""]
    with pytest.raises(ValueError, match=r"forward.once.0.: (parameters|an order) should be"):
        from_plain(data)


def test_a_file_of_the_first_version_loads(tmp_path: Path) -> None:
    """It has instructions with one result each, and a result is summed once."""
    x, w = Value(0.5, label="x"), Value(0.25, label="w")
    program = Program(tanh(w * x) ** 2, [x], [w])
    path = tmp_path / "old.json"
    program.save(path)
    path.write_text(path.read_text().replace('"version":2', '"version":1'))
    old = Program.load(path)
    assert old._parts() == program._parts()
    assert old.value_and_grad([[1.0], [2.0]])[0] == program.value_and_grad([[1.0], [2.0]])[0]


def test_no_file_of_a_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program.json"
    some_program().save(path)
    whole = path.read_text()
    nested = "[" * 100_000
    for text, message in (
        ("", "Expecting value"),
        (whole[:-20], "no file of a program, or not all of one"),
        ("[1, 2]", "does not begin with the format 'micrograd_bp program'"),
        (whole.replace('"version":2', '"version":3'), "has the version 3"),
        (whole.replace("tanh", "sinh"), "checksum"),
        (whole.replace('"version":2', '"version":2,"version":2'), "a key is there twice"),
        (whole.replace("0.1", "NaN"), "program.json"),
        (nested, "program.json"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            Program.load(path)
    path.write_bytes(whole.encode("utf-16"))
    with pytest.raises(ValueError, match="no file of a program"):
        Program.load(path)


def test_what_cannot_be_written_or_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = some_program()
    for path in (tmp_path, tmp_path / "no" / "folder.json"):
        for do in (program.save, Program.load):
            with pytest.raises(OSError, match=re.escape(str(path))):
                do(path)
    program.save(tmp_path / "kept.json")
    before = (tmp_path / "kept.json").read_bytes()

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*kept.json'"):
        network_program().save(tmp_path / "kept.json")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]
    assert (tmp_path / "kept.json").read_bytes() == before


# Mutants: refused, or a program that computes what its instructions say


ODD = [None, True, -1, 0, 1, 2, 5, 7, 10**6, 2**31, 2**63, -(2**40), 0.5, -3.0, 1e300]
ODD += ["nan", "inf", "", "sum", "é", [], [0], [0, 0], {}, [[1]], *FUNCTIONS]


def mutant(data: Any, rng: random.Random) -> Any:
    """The data with a few things changed: another number, an item more, less, or elsewhere."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = data
        key = rng.choice([*at])
        while isinstance(at[key], (dict, list)) and at[key] and rng.random() < 0.95:
            at = at[key]
            key = rng.choice([*at] if isinstance(at, dict) else range(len(at)))
        how = rng.random()
        if type(at[key]) is int and how < 0.4:
            at[key] += rng.choice([-2, -1, 1, 2])
        elif type(at[key]) is str and at[key] in FUNCTIONS and how < 0.6:
            at[key] = rng.choice([*FUNCTIONS])
        elif isinstance(at, list) and how < 0.7:
            other = rng.randrange(len(at))
            if how < 0.5:
                at[key], at[other] = at[other], at[key]
            elif how < 0.6:
                at.insert(key, copy.deepcopy(at[other]))
            else:
                del at[key]
        else:
            at[key] = rng.choice(ODD)
    return data


def check(path: Path, where: str) -> bool:
    """Whether a file is loaded; then both executors agree."""
    try:
        program = Program.load(path)
    except ValueError:
        return False
    n_inputs = program._forward.n_inputs
    data = np.random.default_rng(0).uniform(-1.0, 1.0, size=(11, n_inputs))
    weights = program._recorded
    for plan in (program._forward, program._summed):
        if plan is None:
            continue
        single = program._single and not plan.n_sums
        first, found, _ = Executor(plan, single).run(data, weights)  # type: ignore[misc]
        other_first, other, _ = Interpreter(plan).run(data, weights)
        found, other = np.append(first or 0.0, found), np.append(other_first or 0.0, other)
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(found, other, rtol=1e-5, atol=1e-9, err_msg=where)
    return True


@pytest.mark.parametrize("make", [some_program, network_program])
def test_mutants_are_refused_or_compute_what_they_say(tmp_path: Path, make: Any) -> None:
    rng, data = random.Random(1), plain(make())
    path = tmp_path / "mutant.json"
    loaded = 0
    for i in range(150):
        write(path, mutant(data, rng))
        loaded += check(path, f"mutant {i}")
    assert 10 < loaded < 100  # so that both kinds are tried


def test_a_file_with_a_byte_changed_is_refused_or_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mutant.json"
    program, rng = some_program(), random.Random(2)
    program.save(path)
    whole = path.read_bytes()
    for _ in range(100):
        content = bytearray(whole)
        content[rng.randrange(len(whole))] = rng.randrange(256)
        path.write_bytes(content)
        with suppress(ValueError):
            assert Program.load(path)._parts() == program._parts()
