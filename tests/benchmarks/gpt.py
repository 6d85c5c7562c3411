"""A small GPT on scalars: one block, one head, about 4,000 parameters, and a step of Adam.

Embedding of token and position, RMS norm, causal attention, a perceptron with relu, and the
cross-entropy of the next token by softmax; one node an operation.

``python -m tests.benchmarks.gpt`` compiles it to a Program for each length from 1 to 16, the
tokens being inputs (so that a length is compiled once for all documents), and measures the value
and gradient beside the engine, which records the graph of the document and sweeps it back; both
ways with plain operators, and with a node for each weighted sum and softmax.
"""

import gc
import itertools
import math
import random
import time
from types import SimpleNamespace
from typing import Any

import numpy as np

import micrograd_bp
from micrograd_bp import Program, Value, topological_order

from .measure import interleaved

VOCABULARY, WIDTH, CONTEXT = 27, 16, 8
LENGTHS = range(1, 17)


def shapes(context: int = CONTEXT) -> dict[str, tuple[int, int]]:
    return {
        "token": (VOCABULARY, WIDTH),
        "position": (context, WIDTH),
        "query": (WIDTH, WIDTH),
        "key": (WIDTH, WIDTH),
        "value": (WIDTH, WIDTH),
        "merge": (WIDTH, WIDTH),
        "expand": (4 * WIDTH, WIDTH),
        "contract": (WIDTH, 4 * WIDTH),
        "head": (VOCABULARY, WIDTH),
    }


def n_parameters(context: int = CONTEXT) -> int:
    return sum(rows * columns for rows, columns in shapes(context).values())


N_PARAMETERS = n_parameters()
TOKENS = [0, 5, 13, 13, 1, 19, 8, 0]


def dot(w: list[Any], x: list[Any]) -> Any:
    total = w[0] * x[0]
    for wi, xi in zip(w[1:], x[1:], strict=True):
        total = total + wi * xi
    return total


def softmax(logits: list[Any], ops: Any) -> list[Any]:
    exps = [ops.exp(logit) for logit in logits]
    total = exps[0]
    for e in exps[1:]:
        total = total + e
    inverse = total**-1.0
    return [e * inverse for e in exps]


def row(matrix: list[list[Any]], token: Any) -> list[Any]:
    """That of a token, given as its number, or as a 1 among zeros."""
    if isinstance(token, int):
        return matrix[token]
    return [dot(list(column), token) for column in zip(*matrix, strict=True)]


def loss(
    parameters: list[Any],
    ops: Any,
    tokens: list[Any] = TOKENS,
    context: int = CONTEXT,
    dot: Any = dot,
    softmax: Any = softmax,
) -> Any:
    """The mean cross-entropy of the next token over one document."""

    def linear(matrix: list[list[Any]], x: list[Any]) -> list[Any]:
        return [dot(weights, x) for weights in matrix]

    def normalised(x: list[Any]) -> list[Any]:
        scale = (dot(x, x) * (1.0 / len(x)) + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    matrices, start = {}, 0
    for name, (rows, columns) in shapes(context).items():
        matrices[name] = [
            parameters[start + i * columns : start + (i + 1) * columns] for i in range(rows)
        ]
        start += rows * columns
    keys: list[list[Any]] = []
    values: list[list[Any]] = []
    total = 0.0
    for position, (token, target) in enumerate(itertools.pairwise(tokens)):
        embedded = zip(row(matrices["token"], token), matrices["position"][position], strict=True)
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
        (share,) = row([[share] for share in shares], target)
        total = total - ops.log(share)
    return total * (1.0 / (len(tokens) - 1))


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


OPS = SimpleNamespace(relu=micrograd_bp.relu, exp=micrograd_bp.exp, log=micrograd_bp.log)
WAYS: dict[str, dict[str, Any]] = {
    "plain operators": {},
    "dot and softmax": {
        "dot": micrograd_bp.dot,
        "softmax": lambda logits, _: micrograd_bp.softmax(logits),
    },
}


def compiled(length: int, leaves: list[Value], way: str) -> tuple[Program, int, float]:
    """A program for all documents of a length, its nodes, and the seconds that compiling took."""
    one_hot = [[Value(0.1) for _ in range(VOCABULARY)] for _ in range(length + 1)]
    error = loss(leaves, OPS, one_hot, LENGTHS[-1], **WAYS[way])
    inputs = [x for token in one_hot for x in token]
    n_nodes = len(topological_order(error))
    gc.collect()
    start = time.process_time()
    program = Program(error, inputs, leaves)
    program.value_and_grad(np.zeros(len(inputs)) + 0.1)
    return program, n_nodes, time.process_time() - start


def measured(length: int, numbers: list[float], way: str) -> tuple[int, float, dict[str, float]]:
    """Nodes, seconds to compile, and those of a step: by the program, and by the engine."""
    leaves = [Value(p) for p in numbers]
    program, n_nodes, seconds = compiled(length, leaves, way)
    rng = random.Random(length)
    tokens = [rng.randrange(VOCABULARY) for _ in range(length + 1)]
    data, w = np.eye(VOCABULARY)[tokens].ravel(), np.array(numbers)

    def engine() -> list[float]:
        for leaf in leaves:
            leaf.grad = 0.0
        loss(leaves, OPS, tokens, LENGTHS[-1], **WAYS[way]).backward()
        return [leaf.grad for leaf in leaves]

    expected = engine()
    _, found = program.value_and_grad(data, w)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
    runs = {"program": lambda: program.value_and_grad(data, w), "engine": engine}
    return n_nodes, seconds, interleaved(runs, 5, collector=False)


def main() -> None:
    """Print a table for each way to write it."""
    numbers = np.random.default_rng(0).uniform(-0.3, 0.3, n_parameters(LENGTHS[-1])).tolist()
    for way in WAYS:
        print(f"\na GPT of {len(numbers):,} parameters on scalars, {way}\n")
        print("| length | nodes | compile, ms | us a node | step, us | engine, ms | ratio |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        total = 0.0
        for length in LENGTHS:
            n_nodes, seconds, steps = measured(length, numbers, way)
            total += seconds
            print(
                f"| {length} | {n_nodes:,} | {1e3 * seconds:.0f} | {1e6 * seconds / n_nodes:.1f}"
                f" | {1e6 * steps['program']:.0f} | {1e3 * steps['engine']:.2f}"
                f" | {steps['engine'] / steps['program']:.0f} x |",
                flush=True,
            )
        print(f"\nall lengths compiled in {total:.1f} s")


if __name__ == "__main__":
    main()
