"""Weights in safetensors files: PyTorch's names, every bit, and nothing touched on failure."""

import itertools
import math
import pickle
import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micrograd_bp import MLP, Layer, Module, Neuron, Value, allow_nonfinite, fit, gelu

safetensors = pytest.importorskip("safetensors")
from safetensors.numpy import load_file, save_file  # noqa: E402

sizes = st.lists(st.integers(1, 4), min_size=2, max_size=4)
DOUBLES = st.floats(allow_nan=False)


def weights(model: Module) -> list[float]:
    return [parameter.data for parameter in model.parameters()]


@pytest.mark.slow
@settings(max_examples=50)
@given(sizes, st.data())
def test_every_bit_comes_back(tmp_path_factory, sizes, data) -> None:
    path = tmp_path_factory.mktemp("w") / "model.safetensors"
    model = MLP(sizes[0], sizes[1:], seed=0)
    for parameter in model.parameters():
        parameter.data = data.draw(DOUBLES)
    model.save(path)
    other = MLP(sizes[0], sizes[1:], seed=1)
    assert other.load(str(path)) is other
    assert list(map(float.hex, weights(other))) == list(map(float.hex, weights(model)))


def test_names_and_shapes_are_those_of_a_sequential(tmp_path) -> None:
    model = MLP(3, [4, 1, 2], seed=0)
    model.save(tmp_path / "w")
    tensors = load_file(tmp_path / "w")
    assert {name: (array.shape, array.dtype) for name, array in tensors.items()} == {
        "0.weight": ((4, 3), np.float64),
        "0.bias": ((4,), np.float64),
        "2.weight": ((1, 4), np.float64),
        "2.bias": ((1,), np.float64),
        "4.weight": ((2, 1), np.float64),
        "4.bias": ((2,), np.float64),
    }
    second = model.layers[0].neurons[1]
    assert tensors["0.weight"][1].tolist() == [w.data for w in second.w]
    assert tensors["0.bias"][1] == second.b.data
    model.layers[0].save(tmp_path / "layer")
    second.save(tmp_path / "neuron")
    assert {k: a.shape for k, a in load_file(tmp_path / "layer").items()} == {
        "weight": (4, 3),
        "bias": (4,),
    }
    assert {k: a.shape for k, a in load_file(tmp_path / "neuron").items()} == {
        "weight": (1, 3),
        "bias": (1,),
    }
    assert weights(Layer(3, 4).load(tmp_path / "layer")) == weights(model.layers[0])
    assert weights(Neuron(3).load(tmp_path / "neuron")) == weights(second)


def test_a_module_of_ones_own_is_saved_too(tmp_path) -> None:
    class Curve(Module):
        def __init__(self, *numbers: float) -> None:
            self.p = [Value(number) for number in numbers]

        def parameters(self):
            return self.p

    Curve(1.0, 2.0).save(tmp_path / "w")
    assert weights(Curve(0.0, 0.0).load(tmp_path / "w")) == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"\(2,\), and the model needs \(3,\)"):
        Curve(0.0, 0.0, 0.0).load(tmp_path / "w")


# PyTorch


def sequential(torch: Any, sizes: list[int], between: Any) -> Any:
    modules = []
    for n_in, n_out in itertools.pairwise(sizes):
        modules += [torch.nn.Linear(n_in, n_out), between()]
    return torch.nn.Sequential(*modules[:-1]).double()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hidden", "name"),
    [("relu", "ReLU"), ("tanh", "Tanh"), ("sigmoid", "Sigmoid"), ("linear", "Identity")],
)
@pytest.mark.parametrize("sizes", [[2, 3, 1], [3, 1, 4, 2], [2, 5]])
def test_pytorch_loads_our_file_and_we_load_its(tmp_path, hidden, name, sizes) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    path = str(tmp_path / "w.safetensors")
    ours = MLP(sizes[0], sizes[1:], hidden=hidden, seed=0)
    ours.save(path)
    theirs = sequential(torch, sizes, getattr(torch.nn, name))
    theirs.load_state_dict(load_file(path))

    def compare() -> None:
        for x in np.random.default_rng(0).normal(size=(5, sizes[0])).tolist():
            y = ours(x) if sizes[-1] > 1 else [ours(x)]
            expected = theirs(torch.tensor(x, dtype=torch.float64)).tolist()
            assert [y_k.data for y_k in y] == pytest.approx(expected, rel=1e-12, abs=1e-14)

    compare()
    theirs = sequential(torch, sizes, getattr(torch.nn, name))
    save_file(theirs.state_dict(), path)
    ours.load(path)
    compare()
    for kind in (torch.float32, torch.float16, torch.bfloat16):
        state = {key: tensor.to(kind) for key, tensor in theirs.state_dict().items()}
        save_file(state, path)
        ours.load(path)
        flat = state["0.weight"].double().flatten().tolist()
        assert [w.data for n in ours.layers[0].neurons for w in n.w] == flat


def test_bfloat16_without_pytorch(tmp_path) -> None:
    header = (
        b'{"weight":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},'
        b'"bias":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}'
    )
    body = bytes.fromhex("803f") + bytes.fromhex("20c1") + np.array([0.5], "<f2").tobytes()
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + body)
    assert weights(Neuron(2).load(tmp_path / "w")) == [1.0, -10.0, 0.5]


# Refused, and nothing touched


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"2.bias": None}, "has no '2.bias'"),
        ({"4.bias": np.ones(1)}, "has '4.bias', which the model has not"),
        ({"2.bias": None, "1.bias": np.ones(1)}, "has no '2.bias'; it has '1.bias'"),
        ({"2.bias": np.ones(2)}, r"'2.bias' of shape \(2,\), and the model needs \(1,\)"),
        ({"0.weight": np.ones((2, 3))}, r"\(2, 3\), and the model needs \(3, 2\)"),
        ({"0.weight": np.ones(6)}, r"\(6,\), and the model needs \(3, 2\)"),
        ({"2.weight": np.ones((1, 3), np.int64)}, "'2.weight' in I64, .*double"),
        ({"2.weight": np.ones((1, 3), bool)}, "'2.weight' in BOOL"),
    ],
)
def test_a_file_of_another_model_is_refused_whole(tmp_path, tensors, message) -> None:
    good = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(3)}
    good |= {"2.weight": np.ones((1, 3)), "2.bias": np.ones(1)}
    wrong = {name: array for name, array in {**good, **tensors}.items() if array is not None}
    save_file(wrong, tmp_path / "w")
    model = MLP(2, [3, 1], seed=0)
    before = weights(model)
    with pytest.raises(ValueError, match=message) as info:
        model.load(tmp_path / "w")
    assert str(tmp_path / "w") in str(info.value)
    assert weights(model) == before


def test_a_damaged_file_is_refused_wherever_it_breaks_off(tmp_path) -> None:
    path = tmp_path / "w"
    Neuron(2, seed=0).save(path)
    content = path.read_bytes()
    neuron = Neuron(2, seed=1)
    before = weights(neuron)
    for damaged in [content[:n] for n in range(len(content))] + [content + b"\0", b"\xff" * 99]:
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is no safetensors file, or not all of one"):
            neuron.load(path)
    assert weights(neuron) == before


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.write_text, (Path("exploded"), ""))


def test_a_pickle_is_never_loaded(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="no safetensors file"):
        Neuron(1).load("w")
    assert not Path("exploded").exists()


def test_a_file_that_cannot_be_read_or_written_says_so(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        Neuron(1).load(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match=r"no.folder cannot be written: there is no folder"):
        Neuron(1).save(tmp_path / "no" / "folder")


def test_a_weight_that_is_nan_is_refused_and_changes_nothing(tmp_path) -> None:
    diverged, model = Neuron(2, seed=0), Neuron(2, seed=1)
    diverged.w[1].data = math.nan
    diverged.save(tmp_path / "w")
    before = weights(model)
    with pytest.raises(ValueError, match=r"has nan at \[0, 1\] of 'weight'"):
        model.load(tmp_path / "w")
    assert weights(model) == before
    with allow_nonfinite():
        assert math.isnan(model.load(tmp_path / "w").w[1].data)


@pytest.mark.parametrize(
    "suffix", [".pt", ".pth", ".bin", ".pkl", ".npz", ".h5", ".PT", ".onnx", ".npy"]
)
def test_the_name_of_another_format_is_refused(tmp_path, suffix) -> None:
    path = tmp_path / f"model.v2{suffix}"
    message = f"{re.escape(str(path))} would be .*: call it .*model.v2.safetensors$"
    for given_path in (path, str(path)):
        with pytest.raises(ValueError, match=message):
            Neuron(1).save(given_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["model", "model.safetensors", "model.st", "pt", ".pt", "w.1"])
def test_any_other_name_will_do(tmp_path, name) -> None:
    Neuron(1, seed=0).save(tmp_path / name)
    assert weights(Neuron(1).load(tmp_path / name)) == weights(Neuron(1, seed=0))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    path = tmp_path / "w"
    old = Neuron(1, seed=0)
    old.save(path)

    def full(*_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space"):
        Neuron(1, seed=1).save(path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["w"]
    assert weights(Neuron(1).load(path)) == weights(old)
    link = tmp_path / "link"
    link.symlink_to(path)
    Neuron(1, seed=2).save(link)
    assert link.is_symlink()
    assert weights(Neuron(1).load(path)) == weights(Neuron(1, seed=2))


def test_without_safetensors_it_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (Neuron(1).save, Neuron(1).load):
        with pytest.raises(ImportError, match="pip install safetensors"):
            call(tmp_path / "w")


# A file that knows its network


def bare(tensors: Any, path: Any) -> Any:
    """A file as another program writes it."""
    save_file(tensors, path)
    return path


@pytest.mark.parametrize(
    ("sizes", "hidden", "output"),
    [([2, 3, 1], "tanh", "linear"), ([4, 2], "relu", "sigmoid"), ([1, 5, 5, 2], gelu, "linear")],
)
def test_a_file_makes_the_network_that_wrote_it(tmp_path, sizes, hidden, output) -> None:
    model = MLP(sizes[0], sizes[1:], hidden=hidden, output=output, seed=0)
    model.classes = ["a", "b"]
    model.save(tmp_path / "w")
    state = random.getstate()
    made = MLP.load(tmp_path / "w")
    assert random.getstate() == state
    assert weights(made) == weights(model)
    assert str(made) == str(model)
    assert repr(made) == repr(model)
    assert made.classes == ["a", "b"]
    x = [0.5] * sizes[0]
    assert str(made(x)) == str(model(x))
    assert MLP(sizes[0], sizes[1:], seed=1).load(tmp_path / "w").classes == ["a", "b"]


def test_a_file_without_names_of_classes_leaves_only_those_given_by_hand(tmp_path) -> None:
    MLP(2, [1], seed=0).save(tmp_path / "unnamed")
    model = MLP(2, [1], seed=1)
    options = {"loss": "hinge", "optimizer": "adam", "epochs": 1, "progress": False}
    fit(model, [[0, 1], [1, 0]], ["up", "down"], **options)
    model.save(tmp_path / "named")
    assert model.load(tmp_path / "unnamed").classes is None
    assert model.load(tmp_path / "named").classes == ["down", "up"]
    assert model.load(tmp_path / "unnamed").classes is None
    model.classes = ["off", "on"]
    assert model.load(tmp_path / "unnamed").classes == ["off", "on"]
    assert model.load(tmp_path / "named").classes == ["down", "up"]


def test_a_subclass_makes_its_own_kind(tmp_path) -> None:
    class Mine(MLP):
        pass

    Mine(2, [1], seed=0).save(tmp_path / "w")
    assert type(Mine.load(tmp_path / "w")) is Mine


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.weight": np.ones((3, 2)), "0.bias": np.ones(3)}, r"not tell .*MLP\(2, \[3\], hidden"),
        ({"p": np.ones(3)}, "is of no MLP: it has p"),
        ({"0.weight": np.ones(3)}, "is of no MLP"),
        ({"0.weight": np.ones((3, 2)), "2.weight": np.ones((1, 4))}, "do not fit each other"),
    ],
)
def test_a_file_that_does_not_know_its_network_makes_none(tmp_path, tensors, message) -> None:
    with pytest.raises(ValueError, match=message):
        MLP.load(bare(tensors, tmp_path / "w"))


@pytest.mark.parametrize(
    "noted",
    [b"[]", b"5", b"not json", b'{"activations": 5}', b'{"activations": ["rm", {}]}', b"[" * 10**5],
)
def test_what_is_noted_in_a_hostile_file_does_no_harm(tmp_path, noted) -> None:
    tensors = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(3)}
    save_file(tensors, tmp_path / "w", {"micrograd_bp": noted.decode()})
    with pytest.raises(ValueError, match="not tell"):
        MLP.load(tmp_path / "w")
    assert weights(MLP(2, [3], seed=0).load(tmp_path / "w")) == [1.0] * 9


def test_an_activation_of_ones_own_is_not_in_the_file(tmp_path) -> None:
    MLP(2, [3, 1], hidden=lambda a: a * a, seed=0).save(tmp_path / "w")
    with pytest.raises(ValueError, match=r"not tell .*MLP\(2, \[3, 1\], hidden"):
        MLP.load(tmp_path / "w")

    def tanh(a: Value) -> Value:  # by this name another one is known
        return a

    MLP(2, [3, 1], hidden=tanh, seed=0).save(tmp_path / "w")
    with pytest.raises(ValueError, match="not tell"):
        MLP.load(tmp_path / "w")


def test_no_other_class_is_made_from_a_file(tmp_path) -> None:
    Layer(2, 1, seed=0).save(tmp_path / "w")
    with pytest.raises(TypeError, match=r"Layer.load makes no Layer: make one, and model\.load"):
        Layer.load(tmp_path / "w")
