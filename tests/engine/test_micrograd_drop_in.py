"""A program written for karpathy/micrograd runs with the import changed, to the same numbers."""

import gc
import random
import sys
from collections.abc import Iterator
from typing import Any

import micrograd.nn
import numpy as np
import pytest
import sklearn.datasets  # noqa: F401  its first import may draw from random

import micrograd_bp.nn

PACKAGES = ("micrograd", "micrograd_bp")


def run(program: str, package: str) -> dict[str, Any]:
    """The names that a program for micrograd leaves behind, run with another package."""
    random.seed(1337)
    np.random.seed(1337)
    names: dict[str, Any] = {}
    exec(program.replace("micrograd.", f"{package}."), names)
    return names


def numbers(program: str, names: str) -> list[list[float]]:
    """What the program leaves under each name, by micrograd and by this package."""
    return [
        [value for name in names.split() for value in (scope[name].data, scope[name].grad)]
        for scope in (run(program, package) for package in PACKAGES)
    ]


def assert_same(theirs: list[float], ours: list[float]) -> None:
    """Equal to 1e-12; where a sum cancels, of the largest of its kind."""
    assert len(theirs) == len(ours) > 0
    size = max(map(abs, theirs))
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-14 * size)


README = """
from micrograd.engine import Value

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f
printed = [f'{g.data:.4f}'] # prints 24.7041, the outcome of this forward pass
g.backward()
printed.append(f'{a.grad:.4f}') # prints 138.8338, i.e. the numerical value of dg/da
printed.append(f'{b.grad:.4f}') # prints 645.5773, i.e. the numerical value of dg/db
"""

NEURON = """
from micrograd.engine import Value
import micrograd.nn as nn
n = nn.Neuron(2, nonlin=NONLIN)
x = [Value(1.0), Value(-2.0)]
y = n(x)
y.backward()
w1, w2 = n.w
x1, x2 = x
b = n.b
text = repr(n)
"""

MOONS = """
import numpy as np
from sklearn.datasets import make_moons
from micrograd.engine import Value
from micrograd.nn import Neuron, Layer, MLP

X, y = make_moons(n_samples=100, noise=0.1)
y = y*2 - 1 # make y be -1 or 1
model = MLP(2, [16, 16, 1]) # 2-layer neural network
text = repr(model)

def loss(batch_size=None):
    # inline DataLoader :)
    if batch_size is None:
        Xb, yb = X, y
    else:
        ri = np.random.permutation(X.shape[0])[:batch_size]
        Xb, yb = X[ri], y[ri]
    inputs = [list(map(Value, xrow)) for xrow in Xb]

    # forward the model to get scores
    scores = list(map(model, inputs))

    # svm "max-margin" loss
    losses = [(1 + -yi*scorei).relu() for yi, scorei in zip(yb, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    # L2 regularization
    alpha = 1e-4
    reg_loss = alpha * sum((p*p for p in model.parameters()))
    total_loss = data_loss + reg_loss

    # also get accuracy
    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
    return scores, total_loss, sum(accuracy) / len(accuracy)

steps = []
for k in range(20):

    # forward
    scores, total_loss, acc = loss()

    # backward
    model.zero_grad()
    total_loss.backward()

    # update (sgd)
    learning_rate = 1.0 - 0.9*k/100
    for p in model.parameters():
        p.data -= learning_rate * p.grad

    steps.append({
        'loss': [total_loss.data],
        'accuracy': [acc],
        'scores': [score.data for score in scores],
        'score gradients': [score.grad for score in scores],
        'gradients': [p.grad for p in model.parameters()],
        'parameters': [p.data for p in model.parameters()],
    })
"""


def test_the_example_of_the_readme_gives_the_same_numbers() -> None:
    theirs, ours = numbers(README, "a b c d e f g")
    assert_same(theirs, ours)
    assert run(README, "micrograd_bp")["printed"] == ["24.7041", "138.8338", "645.5773"]


@pytest.mark.parametrize("nonlin", [True, False])
def test_a_neuron_gives_the_same_numbers(nonlin: bool) -> None:
    program = NEURON.replace("NONLIN", str(nonlin))
    theirs, ours = numbers(program, "w1 w2 b x1 x2 y")
    assert_same(theirs, ours)
    assert len({run(program, package)["text"] for package in PACKAGES}) == 1


@pytest.fixture
def rare_collections() -> Iterator[None]:
    """Micrograd's graphs are cycles that the collector would visit again and again."""
    thresholds = gc.get_threshold()
    gc.set_threshold(500_000, 2, 2)
    yield
    gc.set_threshold(*thresholds)


@pytest.mark.slow
@pytest.mark.usefixtures("rare_collections")
def test_training_on_the_two_moons_gives_the_same_numbers_at_every_step() -> None:
    theirs, ours = (run(MOONS, package) for package in PACKAGES)
    assert theirs["text"] == ours["text"]
    assert len(theirs["model"].parameters()) == len(ours["model"].parameters()) == 337
    assert len(theirs["steps"]) == len(ours["steps"]) == 20
    for their_step, our_step in zip(theirs["steps"], ours["steps"], strict=True):
        assert their_step.keys() == our_step.keys()
        for name in their_step:
            assert_same(their_step[name], our_step[name])
    assert ours["steps"][-1]["loss"] < ours["steps"][0]["loss"]
    assert ours["steps"][-1]["accuracy"][0] > 0.85


@pytest.mark.parametrize(
    "expression",
    [
        "x + y",
        "x - y",
        "x * y",
        "x / y",
        "x**3",
        "x**-2",
        "y**0.5",
        "-x",
        "x.relu()",
        "y.relu()",
        "2 + x",
        "2 - x",
        "2 * x",
        "2 / x",
        "x + 2",
        "x - 2",
        "x * 2",
        "x / 2",
        "sum([x, y, x])",
    ],
)
def test_every_operation_of_micrograd_gives_the_same_numbers(expression: str) -> None:
    program = f"""
from micrograd.engine import Value
x, y = Value(-1.7), Value(2.3)
z = {expression}
z.backward()
"""
    assert_same(*numbers(program, "x y z"))


def test_networks_are_drawn_in_the_same_order_and_print_the_same() -> None:
    for sizes in ([1], [3], [4, 2], [5, 4, 3], [2, 1]):
        program = f"""
from micrograd.nn import MLP, Layer, Neuron, Module
model = MLP(3, {sizes})
layer = Layer(2, 3, nonlin=False)
"""
        theirs, ours = (run(program, package) for package in PACKAGES)
        for name in ("model", "layer"):
            assert repr(theirs[name]) == repr(ours[name])
            assert [p.data for p in theirs[name].parameters()] == [
                p.data for p in ours[name].parameters()
            ]
            assert isinstance(ours[name], ours["Module"])


def test_zero_grad_and_the_attributes_of_a_network_are_those_of_micrograd() -> None:
    for nn in (micrograd.nn, micrograd_bp.nn):
        model = nn.MLP(2, [3, 1])
        model([1.0, -2.0]).backward()
        neuron = model.layers[0].neurons[0]
        assert model.parameters()[:3] == [*neuron.w, neuron.b]
        assert any(p.grad for p in model.parameters())
        model.zero_grad()
        assert not any(p.grad for p in model.parameters())


def test_a_neuron_of_one_in_the_middle_works_here_and_not_in_micrograd() -> None:
    with pytest.raises(TypeError):
        micrograd.nn.MLP(2, [1, 2])([1.0, 2.0])
    assert len(micrograd_bp.nn.MLP(2, [1, 2])([1.0, 2.0])) == 2


def test_a_second_backward_doubles_here_and_triples_in_micrograd() -> None:
    gradients = []
    for package in PACKAGES:
        Value = sys.modules[f"{package}.engine"].Value
        x = Value(3.0)
        y = (x * x) * 2.0
        y.backward()
        y.backward()
        gradients.append(x.grad)
    assert gradients == [36.0, 24.0]
