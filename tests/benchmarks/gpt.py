"""A small GPT on scalars: one block, one head, about 4,000 parameters, and a step of Adam.

Embedding of token and position, RMS norm, causal attention, a perceptron with relu, and the
cross-entropy of the next token by softmax; one node an operation.
"""

import itertools
import math
from typing import Any

VOCABULARY, WIDTH, CONTEXT = 27, 16, 8
SHAPES = {
    "token": (VOCABULARY, WIDTH),
    "position": (CONTEXT, WIDTH),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "merge": (WIDTH, WIDTH),
    "expand": (4 * WIDTH, WIDTH),
    "contract": (WIDTH, 4 * WIDTH),
    "head": (VOCABULARY, WIDTH),
}
N_PARAMETERS = sum(rows * columns for rows, columns in SHAPES.values())
TOKENS = [0, 5, 13, 13, 1, 19, 8, 0]


def dot(w: list[Any], x: list[Any]) -> Any:
    total = w[0] * x[0]
    for wi, xi in zip(w[1:], x[1:], strict=True):
        total = total + wi * xi
    return total


def linear(matrix: list[list[Any]], x: list[Any]) -> list[Any]:
    return [dot(row, x) for row in matrix]


def normalised(x: list[Any]) -> list[Any]:
    scale = (dot(x, x) * (1.0 / len(x)) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def softmax(logits: list[Any], ops: Any) -> list[Any]:
    exps = [ops.exp(logit) for logit in logits]
    total = exps[0]
    for e in exps[1:]:
        total = total + e
    inverse = total**-1.0
    return [e * inverse for e in exps]


def loss(parameters: list[Any], ops: Any) -> Any:
    """The mean cross-entropy of the next token over one document."""
    matrices, start = {}, 0
    for name, (rows, columns) in SHAPES.items():
        matrices[name] = [
            parameters[start + i * columns : start + (i + 1) * columns] for i in range(rows)
        ]
        start += rows * columns
    keys: list[list[Any]] = []
    values: list[list[Any]] = []
    total = 0.0
    for position, (token, target) in enumerate(itertools.pairwise(TOKENS)):
        embedded = zip(matrices["token"][token], matrices["position"][position], strict=True)
        x = normalised([t + p for t, p in embedded])
        h = normalised(x)
        query = linear(matrices["query"], h)
        keys.append(linear(matrices["key"], h))
        values.append(linear(matrices["value"], h))
        weights = softmax([dot(query, key) * WIDTH**-0.5 for key in keys], ops)
        mixed = [dot(weights, list(column)) for column in zip(*values, strict=True)]
        x = [a + b for a, b in zip(x, linear(matrices["merge"], mixed), strict=True)]
        h = [ops.relu(a) for a in linear(matrices["expand"], normalised(x))]
        x = [a + b for a, b in zip(x, linear(matrices["contract"], h), strict=True)]
        shares = softmax(linear(matrices["head"], x), ops)
        total = total - ops.log(shares[target])
    return total * (1.0 / (len(TOKENS) - 1))


class Adam:
    """Kingma & Ba 2015, on the data and grad of leaves."""

    def __init__(self, leaves: list[Any], rate: float = 1e-2) -> None:
        self.leaves, self.rate, self.steps = leaves, rate, 0
        self.m, self.v = [0.0] * len(leaves), [0.0] * len(leaves)

    def step(self) -> None:
        self.steps += 1
        for i, leaf in enumerate(self.leaves):
            g = leaf.grad
            m = self.m[i] = 0.9 * self.m[i] + 0.1 * g
            v = self.v[i] = 0.95 * self.v[i] + 0.05 * g * g
            m_hat, v_hat = m / (1.0 - 0.9**self.steps), v / (1.0 - 0.95**self.steps)
            leaf.data -= self.rate * m_hat / (math.sqrt(v_hat) + 1e-8)
            leaf.grad = 0.0
