"""ADBench's Gaussian mixture beside C++ by hand: ``python -m tests.benchmarks.mixture [d,K ...]``.

The negative log-likelihood of N = 1,000 points under K normal densities in d dimensions, and its
gradient by all parameters (Srajer, Kukelova & Fitzgibbon, A benchmark of selected algorithmic
differentiation tools, 2018): weights softmax(alpha), means, and of each inverse covariance Q^T Q
the lower triangular factor with the logarithms of its diagonal; Wishart's prior, without what is
constant. The model is two loops of Values. One thread; values and gradients are equal to 1e-10
before anything is timed; the least of interleaved rounds. The peer is mixture.cpp.
"""

import ctypes
import os
import subprocess
import sys
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from micrograd_bp import Program, Value, dot, exp, logsumexp, square

from .compiled import header, libraries, quickest, row

N, GAMMA, M = 1_000, 1.0, 0
CELLS = [(d, K) for d in (2, 10, 20, 32) for K in (5, 25, 50)]


def recorded(x: list[Value], K: int) -> tuple[Program, Program]:
    """The errors of data points, and what depends on the parameters alone, N times the first part.

    The parameters are alphas, means, and icf: q_i, then the columns of L below the diagonal.
    """
    d = len(x)
    t = d * (d + 1) // 2
    alphas = [Value(0.1 * k) for k in range(K)]
    means = [[Value(0.1 * i) for i in range(d)] for _ in range(K)]
    icf = [[Value(0.01 * i) for i in range(t)] for _ in range(K)]
    terms, squares, sums = [], [], []
    for alpha, mean, entries in zip(alphas, means, icf, strict=True):
        q, lower = entries[:d], iter(entries[d:])
        columns = [[next(lower) for _ in range(j + 1, d)] for j in range(d)]
        diagonal = [exp(q_i) for q_i in q]
        c = [x_i - mean_i for x_i, mean_i in zip(x, mean, strict=True)]
        z = [
            dot([*(columns[j][i - j - 1] for j in range(i)), diagonal[i]], c[: i + 1])
            for i in range(d)
        ]
        terms.append(alpha + sum(q) - 0.5 * sum(square(z_i) for z_i in z))
        squares += [square(entry) for entry in [*diagonal, *entries[d:]]]
        sums += q
    prior = N * logsumexp(alphas) + 0.5 * GAMMA**2 * sum(squares) - M * sum(sums)
    leaves = [*alphas, *chain.from_iterable(means), *chain.from_iterable(icf)]
    return Program(-logsumexp(terms), x, leaves), Program(prior, [], leaves)


def by_hand() -> Any:
    """mixture.cpp, compiled."""
    library = str(Path(libraries().name, "mixture.so"))
    source = Path(__file__).with_suffix(".cpp")
    options = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["g++", *options, source, "-o", library], check=True)
    function = ctypes.CDLL(library).value_and_grad
    function.restype = ctypes.c_double
    return function


def main() -> None:
    """Print the table."""
    peer = by_hand()
    wanted = [tuple(map(int, cell.split(","))) for cell in sys.argv[1:]]
    print(f"Gaussian mixture, value and gradient, N = {N:,}; C++ -O3 -march=native\n")
    header("d", "K", "parameters", "compile, s", "micrograd_bp, ms", "C++ by hand")
    for d, K in wanted or CELLS:
        rng = np.random.default_rng(0)
        data = rng.normal(size=(N, d))
        start = time.perf_counter()
        program, prior = recorded([Value(x_i) for x_i in data[0]], K)
        n_parameters = K + K * d + K * d * (d + 1) // 2
        weights = rng.normal(size=n_parameters) * 0.3
        slopes, of_prior, expected = (np.empty(n_parameters) for _ in range(3))

        def ours(
            program: Program = program, prior: Program = prior, w: Any = weights, data: Any = data,
            slopes: Any = slopes, of_prior: Any = of_prior,
        ) -> float:  # fmt: skip
            value, _ = program.value_and_grad(data, w, out=slopes)
            value += prior.value_and_grad((), w, out=of_prior)[0]
            np.add(slopes, of_prior, out=slopes)
            return value

        value = ours()
        compiled = time.perf_counter() - start
        arrays = [*np.split(weights, [K, K + K * d]), data]
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        sizes = [ctypes.c_long(size) for size in (d, K, N)]
        others = ctypes.c_double(GAMMA), ctypes.c_long(M)
        theirs = partial(peer, *sizes, *pointers, *others, expected.ctypes.data_as(ctypes.c_void_p))
        np.testing.assert_allclose(value, theirs(), rtol=1e-10)
        tiny = 1e-10 * np.abs(expected).max()
        np.testing.assert_allclose(slopes, expected, rtol=1e-10, atol=tiny)
        seconds = quickest({"ours": ours, "C++": theirs})
        cells = f"{n_parameters:,}", f"{compiled:.2f}", f"{1e3 * seconds['ours']:.3g}"
        row(d, K, *cells, f"{seconds['C++'] / seconds['ours']:.2f} x")


if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    main()
