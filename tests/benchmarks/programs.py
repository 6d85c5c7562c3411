"""The work: programs on scalars, written with plain operators, and their parameters."""

import itertools
import math
import random
from typing import Any

from .peers import Program


def weighted_sum(weights: list[Any], inputs: list[Any], bias: Any) -> Any:
    total = bias
    for w, x in zip(weights, inputs, strict=True):
        total = total + w * x
    return total


def perceptron(sizes: list[int], parameters: list[Any], x: list[Any], activation: Any) -> list[Any]:
    """The outputs of a multilayer perceptron; the last layer is linear."""
    start = 0
    for layer, (nin, nout) in enumerate(itertools.pairwise(sizes)):
        outputs = []
        for _ in range(nout):
            a = weighted_sum(parameters[start : start + nin], x, parameters[start + nin])
            outputs.append(a if layer == len(sizes) - 2 else activation(a))
            start += nin + 1
        x = outputs
    return x


def n_parameters(sizes: list[int]) -> int:
    return sum((nin + 1) * nout for nin, nout in itertools.pairwise(sizes))


def uniform(n: int, width: float = 1.0) -> list[float]:
    rng = random.Random(1337)
    return [rng.uniform(-width, width) for _ in range(n)]


def moons(n: int = 100, noise: float = 0.1) -> tuple[list[list[float]], list[float]]:
    """Two interleaving half circles, labelled -1 and 1."""
    rng = random.Random(1)
    points, labels = [], []
    for i in range(n):
        angle = math.pi * (i // 2) / (n // 2 - 1)
        upper = i % 2 == 0
        x = math.cos(angle) if upper else 1.0 - math.cos(angle)
        y = math.sin(angle) if upper else 0.5 - math.sin(angle)
        points.append([x + rng.gauss(0.0, noise), y + rng.gauss(0.0, noise)])
        labels.append(1.0 if upper else -1.0)
    return points, labels


MOONS_SIZES = [2, 16, 16, 1]


def two_moons(parameters: list[Any], ops: Any) -> Any:
    """Hinge loss and L2 over 100 points, MLP 2-16-16-1 with relu: about 65,000 nodes."""
    points, labels = moons()
    loss = 0.0
    for point, label in zip(points, labels, strict=True):
        score = perceptron(MOONS_SIZES, parameters, point, ops.relu)[0]
        loss = loss + ops.relu(score * -label + 1.0)
    squares = 0.0
    for p in parameters:
        squares = squares + p * p
    return loss * (1.0 / len(points)) + squares * 1e-4


def chain_and_square(parameters: list[Any], ops: Any) -> Any:
    """20,001 operations: a sum goes on and on, and its squares are added up."""
    (x,) = parameters
    y, total = x, x
    for _ in range(6667):
        y = y + x
        total = total + y * y
    return total


TANH_INPUT = [0.5, -0.3, 0.8]


def tanh_network(n: int) -> tuple[Program, list[float]]:
    """Sum of squares of an MLP 3-n-n-1 with tanh at one data point."""
    sizes = [3, n, n, 1]

    def program(parameters: list[Any], ops: Any) -> Any:
        (y,) = perceptron(sizes, parameters, TANH_INPUT, ops.tanh)
        error = y + -0.25
        return error * error * 0.5

    return program, uniform(n_parameters(sizes), 1.0 / math.sqrt(n))
