"""Measure Programs beside their peers: ``python -m tests.benchmarks.compiled [a b c d e]``.

The value and gradient of the sum of squares of multilayer perceptrons over N data points, one
thread, in double precision: (a) a call, (b) what comes before the first; (c) the training of a
classifier of two moons; (d) what a node costs, by the size of the graph; (e) a call without a
compiler. Every way is checked to give the same numbers, is handed the data in the form that it
likes best, and is run in turn with the others, pinned to one core; times are the least of several.
The floor is floor.c. Peers that are not installed are left out.
"""

import ctypes
import functools
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from micrograd_bp import MLP, Program, Value, engine_kind, fit, fsum, square, tanh
from micrograd_bp.optim import SGD
from micrograd_bp.program.interpreter import Executor as OnNumPy

from .programs import MOONS_SIZES, moons

ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
NS = (1, 10, 100, 1_000, 10_000, 100_000)
OPERATIONS = (10**2, 10**3, 10**4, 10**5, 10**6)
MOST_CASADI = 10_000_000  # products: its map is a loop over an interpreter of one point
RATE, EPOCHS, MICROGRAD_EPOCHS = 0.1, 100, 3

Array = Any
Run = Callable[[], tuple[Any, Any]]  # gives E, and its gradient: flat, or for W_1, b_1, W_2, ...


class Network(NamedTuple):
    """A multilayer perceptron with linear outputs, by its widths and its hidden activation."""

    sizes: tuple[int, ...]
    hidden: str

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} {self.hidden}"


class Task(NamedTuple):
    """A network, its weights W_1, b_1, W_2, b_2, ..., and N inputs and targets."""

    network: Network
    weights: list[Array]
    X: Array
    T: Array


NETWORKS = [
    *(Network((2, n_hidden, 1), "sigmoid") for n_hidden in (3, 16, 64, 256)),
    Network((2, 16, 16, 1), "tanh"),
    Network((2, 16, 16, 1), "relu"),
    Network((16, 64, 64, 16), "tanh"),
    Network((64, 256, 256, 10), "tanh"),
]


def task(network: Network, n: int) -> Task:
    rng = np.random.default_rng(0)
    weights: list[Array] = []
    for n_in, n_out in zip(network.sizes, network.sizes[1:], strict=False):
        bound = n_in**-0.5
        weights += [rng.uniform(-bound, bound, (n_out, n_in)), rng.uniform(-bound, bound, n_out)]
    X = rng.normal(size=(n, network.sizes[0]))
    return Task(network, weights, X, np.sin(X.sum(axis=1, keepdims=True) + np.arange(n_out)))


def flat(weights: Any) -> Array:
    """Unit by unit, the bias last, as ``MLP.parameters`` has them."""
    if not isinstance(weights, (list, tuple)):
        return np.asarray(weights)
    arrays = [np.asarray(w) for w in weights]
    rows = [np.column_stack(pair).ravel() for pair in zip(arrays[::2], arrays[1::2], strict=True)]
    return np.concatenate(rows)


def program_of(task: Task) -> tuple[Program, Array, Array]:
    """A program of the network, and the data and weights to run it on."""
    n_in, *sizes = task.network.sizes
    model = MLP(n_in, sizes, hidden=task.network.hidden, output="linear", seed=0)
    x, t = [Value(x_i) for x_i in task.X[0]], [Value(t_k) for t_k in task.T[0]]
    y = model(x)
    errors = [square(y_k - t_k) for y_k, t_k in zip(y if len(t) > 1 else [y], t, strict=True)]
    program = Program(sum(errors) / 2, [*x, *t], model.parameters())
    data, w = np.hstack([task.X, task.T]), flat(task.weights)
    return program, data[0] if len(data) == 1 else data, w


def ours(task: Task) -> Run:
    program, data, w = program_of(task)
    return lambda: program.value_and_grad(data, w)


def on_numpy(task: Task) -> Run:
    """What runs where there is no compiler."""
    program, data, w = program_of(task)
    run: Any = OnNumPy(program._summed).run  # type: ignore[arg-type]
    return lambda: run(data, w)[:2]  # type: ignore[no-any-return]


def by_hand(task: Task) -> Run:
    """The equations of error backpropagation on arrays of NumPy."""
    activation, slope = {
        "sigmoid": (lambda a: 1.0 / (1.0 + np.exp(-a)), lambda z: z * (1.0 - z)),
        "tanh": (np.tanh, lambda z: 1.0 - z * z),
        "relu": (lambda a: np.maximum(a, 0.0), lambda z: z > 0.0),
    }[task.network.hidden]
    layers = list(zip(task.weights[::2], task.weights[1::2], strict=True))

    def run() -> tuple[Any, Any]:
        zs = [task.X]
        for W, b in layers[:-1]:
            zs.append(activation(zs[-1] @ W.T + b))
        W, b = layers[-1]
        delta = zs[-1] @ W.T + b - task.T
        error = 0.5 * np.vdot(delta, delta)
        gradient: list[Array] = []
        for k in range(len(layers) - 1, -1, -1):
            gradient = [delta.T @ zs[k], delta.sum(axis=0), *gradient]
            if k:
                delta = (delta @ layers[k][0]) * slope(zs[k])
        return error, gradient

    return run


def in_torch(task: Task) -> Run:
    import torch

    torch.set_num_threads(1)
    activation = getattr(torch, task.network.hidden)
    leaves = [torch.tensor(w, requires_grad=True) for w in task.weights]
    X, T = torch.tensor(task.X), torch.tensor(task.T)

    def run() -> tuple[Any, Any]:
        z = X
        for k in range(0, len(leaves) - 2, 2):
            z = activation(torch.nn.functional.linear(z, leaves[k], leaves[k + 1]))
        y = torch.nn.functional.linear(z, leaves[-2], leaves[-1])
        error = 0.5 * ((y - T) ** 2).sum()
        return error.detach(), torch.autograd.grad(error, leaves)

    return run


def in_jax(task: Task) -> Run:
    import jax

    jax.config.update("jax_enable_x64", True)
    activation = getattr(jax.nn, task.network.hidden, jax.numpy.tanh)

    @jax.jit
    @jax.value_and_grad
    def error(weights: Any, X: Any, T: Any) -> Any:
        z = X
        for k in range(0, len(weights) - 2, 2):
            z = activation(z @ weights[k].T + weights[k + 1])
        return 0.5 * ((z @ weights[-2].T + weights[-1] - T) ** 2).sum()

    on_device = jax.device_put((task.weights, task.X, task.T))
    return lambda: jax.block_until_ready(error(*on_device))


def casadi_function(task: Task) -> Any:
    """E_n and its gradient at one data point, mapped over N and summed."""
    import casadi

    activation = {
        "sigmoid": lambda a: 1.0 / (1.0 + casadi.exp(-a)),
        "tanh": casadi.tanh,
        "relu": lambda a: casadi.fmax(a, 0.0),
    }[task.network.hidden]
    w = casadi.SX.sym("w", flat(task.weights).size)
    x, t = (casadi.SX.sym(name, task.network.sizes[k]) for name, k in (("x", 0), ("t", -1)))
    z, at = x, 0
    for n_in, n_out in zip(task.network.sizes, task.network.sizes[1:], strict=False):
        rows = casadi.reshape(w[at : at + (n_in + 1) * n_out], n_in + 1, n_out).T
        a = rows[:, :n_in] @ z + rows[:, n_in]
        z, at = activation(a), at + (n_in + 1) * n_out
    error = casadi.sumsqr(a - t) / 2
    one = casadi.Function("one", [x, t, w], [error, casadi.gradient(error, w)])
    n = len(task.X)
    return one if n == 1 else one.map("all", "serial", n, [2], [0, 1])


def in_casadi(task: Task) -> Run:
    function = casadi_function(task)
    buffer, trigger = function.buffer()
    operands = [np.ascontiguousarray(a) for a in (task.X, task.T, flat(task.weights))]
    results = [np.zeros(1), np.zeros(operands[2].size)]
    for i, operand in enumerate(operands):
        buffer.set_arg(i, memoryview(operand.ravel()))
    for i, result in enumerate(results):
        buffer.set_res(i, memoryview(result))

    def run(keep: Any = (function, buffer, operands)) -> tuple[Any, Any]:
        trigger()
        return results[0][0], results[1]

    return run


@functools.cache
def libraries() -> tempfile.TemporaryDirectory[str]:
    """Until the process ends: a file in the place of one that is gone would not be loaded."""
    return tempfile.TemporaryDirectory()


@functools.cache
def floor(network: Network, *options: str) -> Any:
    """floor.c, compiled for one network."""
    defined = [f"-DD{k}={size}" for k, size in enumerate(network.sizes)]
    defined.append(f"-DACTIVATION={['sigmoid', 'tanh', 'relu'].index(network.hidden)}")
    library = str(Path(libraries().name, f"floor{time.monotonic_ns()}.so"))
    source = Path(__file__).with_name("floor.c")
    command = ["cc", *options, *defined, "-shared", "-fPIC", source, "-o", library, "-lm"]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(library).value_and_grad
    function.restype = ctypes.c_double
    return function


def in_c(*options: str) -> Callable[[Task], Run]:
    def prepare(task: Task) -> Run:
        function = floor(task.network, *options)
        w = flat(task.weights)
        gradient = np.zeros_like(w)
        arrays = (task.X, task.T, w, gradient)  # which the pointers keep alive
        pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
        n = ctypes.c_long(len(task.X))
        return lambda: (function(n, *pointers), gradient)

    return prepare


WAYS: dict[str, Callable[[Task], Run]] = {
    "micrograd_bp": ours,
    "C -O3": in_c("-O3"),
    "C -O3 native fast-math": in_c("-O3", "-march=native", "-ffast-math"),
    "NumPy by hand": by_hand,
    **({"CasADi SX": in_casadi} if find_spec("casadi") else {}),
    **({"JAX jit": in_jax} if find_spec("jax") else {}),
    **({"PyTorch": in_torch} if find_spec("torch") else {}),
}


def quickest(runs: dict[str, Callable[[], object]], seconds: float = 1.5) -> dict[str, float]:
    """The least seconds of each run: what else the machine does only adds to them.

    All are run in turn, in slices of 2 ms at least, for so many seconds in all and three rounds.
    """
    best = {name: timed(run, 1) for name, run in runs.items()}
    loops = {name: 1 + int(0.002 / best[name]) for name in runs}
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < 3 or time.perf_counter() < end:
        for name, run in runs.items():
            best[name] = min(best[name], timed(run, loops[name]))
        rounds += 1
    return best


def timed(run: Callable[[], object], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        run()
    return (time.perf_counter() - start) / loops


def checked(runs: dict[str, Run]) -> dict[str, Run]:
    """The runs, after each has given the numbers of the first."""
    first = next(iter(runs))
    error, gradient = runs[first]()
    expected = [float(error), *flat(gradient)]
    for name, run in runs.items():
        error, gradient = run()
        found = [float(error), *flat(gradient)]
        tiny = 1e-12 * float(np.abs(expected).max())  # what cancels in a sum over the points
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=tiny, err_msg=name)
    return runs


def row(first: object, *rest: object) -> None:
    print("| " + " | ".join(map(str, (first, *rest))) + " |", flush=True)


def header(*names: str) -> None:
    row(*names)
    print("|" + "---:|" * len(names))


def a() -> None:
    """A call, in microseconds, and each peer as a multiple of ours."""
    for network in NETWORKS:
        print(f"\n(a) value and gradient of {network}: microseconds, and multiples of them\n")
        header("N", *WAYS)
        for n in NS:
            data = task(network, n)
            products = n * sum(w.size for w in data.weights)
            left_out = ["CasADi SX"] if products > MOST_CASADI else []
            runs = {name: make(data) for name, make in WAYS.items() if name not in left_out}
            seconds = quickest(checked(runs))
            own = seconds["micrograd_bp"]
            ratios = [f"{seconds[w] / own:.2f} x" if w in seconds else "" for w in WAYS]
            row(f"{n:,}", f"{1e6 * own:,.4g}", *ratios[1:])


def b() -> None:
    """What comes before the first result."""
    ways = {name: make for name, make in WAYS.items() if "native" not in name}
    print("\n(b) from nothing to the first result, N = 1: record, trace, compile; ms\n")
    header("network", *ways)
    for network in NETWORKS:
        data = task(network, 1)

        def first(make: Callable[[Task], Run], data: Task = data) -> object:
            floor.cache_clear()
            return make(data)()

        runs = {name: functools.partial(first, make) for name, make in ways.items()}
        seconds = quickest(runs)
        row(network, *(f"{1e3 * seconds[name]:.3g}" for name in ways))


def moons_model() -> MLP:
    return MLP(MOONS_SIZES[0], MOONS_SIZES[1:], hidden="relu", output="linear", seed=0)


def fitted(epochs: int = EPOCHS) -> Array:
    model = moons_model()
    X, T = moons()
    fit(model, X, T, loss="hinge", optimizer=SGD(lr=RATE), epochs=epochs, progress=False)
    return np.array([p.data for p in model.parameters()])


def descended(epochs: int = EPOCHS) -> Array:
    """The same by hand: a program, and w <- w - rate * dE/dw."""
    model = moons_model()
    points, labels = moons()
    x, t = [Value(x_i) for x_i in points[0]], Value(labels[0])
    program = Program((1.0 - t * model(x)).relu(), [*x, t], model.parameters())
    data = np.column_stack([points, labels])
    w = np.array([p.data for p in model.parameters()])
    for _ in range(epochs):
        w -= RATE / len(data) * program.value_and_grad(data, w)[1]
    return w


def trained_by_micrograd(epochs: int) -> Array:
    from micrograd.nn import MLP as TheirMLP

    model = TheirMLP(MOONS_SIZES[0], MOONS_SIZES[1:])
    parameters = model.parameters()
    for p, q in zip(parameters, moons_model().parameters(), strict=True):
        p.data = q.data
    points, labels = moons()
    for _ in range(epochs):
        losses = [(1.0 - t * model(x)).relu() for x, t in zip(points, labels, strict=True)]
        loss = sum(losses) * (1.0 / len(losses))
        model.zero_grad()
        loss.backward()
        for p in parameters:
            p.data -= RATE * p.grad
    return np.array([p.data for p in parameters])


def trained_by_torch(epochs: int = EPOCHS) -> Array:
    import torch

    torch.set_num_threads(1)
    linear = functools.partial(torch.nn.Linear, dtype=torch.float64)
    first, second, last = linear(2, 16), linear(16, 16), linear(16, 1)
    model = torch.nn.Sequential(first, torch.nn.ReLU(), second, torch.nn.ReLU(), last)
    units = moons_model().layers
    for layer, same in zip((first, second, last), units, strict=True):
        rows = [[w.data for w in unit.w] for unit in same.neurons]
        layer.weight.data = torch.tensor(rows, dtype=torch.float64)
        biases = [unit.b.data for unit in same.neurons]
        layer.bias.data = torch.tensor(biases, dtype=torch.float64)
    X, T = (torch.tensor(table, dtype=torch.float64) for table in moons())
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for _ in range(epochs):
        optimizer.zero_grad()
        torch.relu(1.0 - T * model(X)[:, 0]).mean().backward()
        optimizer.step()
    return flat([p.detach() for p in model.parameters()])


def after_collection(run: Callable[[], object]) -> float:
    """The seconds of a run that need not ask for memory that garbage still holds."""
    gc.collect()
    return timed(run, 1)


def c() -> None:
    """The whole training: recording, compiling and all epochs."""
    print(f"\n(c) two moons, 100 points, MLP 2-16-16-1 relu, hinge, {EPOCHS} epochs of SGD\n")
    runs: dict[str, Callable[[], Array]] = {
        "micrograd_bp.fit": fitted,
        "micrograd_bp.Program, loop by hand": descended,
    }
    if find_spec("torch"):
        runs["PyTorch"] = trained_by_torch
    for name, run in runs.items():
        np.testing.assert_allclose(run(), fitted(), rtol=1e-9, atol=1e-12, err_msg=name)
    seconds = quickest(runs)
    if find_spec("micrograd"):
        n = MICROGRAD_EPOCHS
        np.testing.assert_allclose(trained_by_micrograd(n), fitted(n), rtol=1e-9, atol=1e-12)
        theirs = functools.partial(trained_by_micrograd, n)
        gc.collect()
        gc.freeze()  # micrograd's collector need not scan what the other peers imported
        for switch, how in ((gc.enable, "on"), (gc.disable, "off")):
            switch()
            name = f"micrograd, collector {how} ({n} epochs, scaled)"
            seconds[name] = min(after_collection(theirs) for _ in range(3)) * EPOCHS / n
        gc.enable()
    header("training", "ms", "ratio")
    for name, second in seconds.items():
        row(name, f"{1e3 * second:,.4g}", f"{second / seconds['micrograd_bp.fit']:,.1f} x")


def chain(n: int, symbols: list[Any], x: Any, tanh: Any, total: Any) -> Any:
    """One operation on the other, n in all."""
    y = x
    for _ in range(n // 3):
        y = tanh(y * symbols[0] + symbols[1])
    return y


def wide(n: int, symbols: list[Any], x: Any, tanh: Any, total: Any) -> Any:
    """n/2 units side by side, and their sum."""
    return total([tanh(w * x) for w in symbols])


def of_graph(graph: Any, n: int, w: Array) -> tuple[Any, float, float]:
    """A program, and the seconds of processor: to record, and to compile and call it once."""
    start = time.process_time()
    x, symbols = Value(0.5), [Value(p) for p in w]
    y = graph(n, symbols, x, tanh, fsum)
    recorded = time.process_time()
    program = Program(y, [x], symbols)
    program.value_and_grad(np.full(1, 0.5), w)
    return program, recorded - start, time.process_time() - recorded


def casadi_of_graph(graph: Any, n: int, w: Array) -> tuple[Run, float]:
    import casadi

    start = time.process_time()
    x, symbol = casadi.SX.sym("x"), casadi.SX.sym("w", w.size)
    symbols = casadi.vertsplit(symbol)
    y = graph(n, symbols, x, casadi.tanh, lambda terms: casadi.sum1(casadi.vertcat(*terms)))
    function = casadi.Function("f", [x, symbol], [y, casadi.gradient(y, symbol)])
    compiled = time.process_time() - start
    buffer, trigger = function.buffer()
    operands, results = [np.full(1, 0.5), w], [np.zeros(1), np.zeros(w.size)]
    for i in range(2):
        buffer.set_arg(i, memoryview(operands[i]))
        buffer.set_res(i, memoryview(results[i]))

    def run(keep: Any = (function, buffer, operands)) -> tuple[Any, Any]:
        trigger()
        return results[0][0], results[1]

    return run, compiled


def d() -> None:
    """What a node costs."""
    print("\n(d) value and gradient of a graph of n operations: nanoseconds an operation\n")
    names = ["record", "compile, first call", "run, N = 1", "run, N = 100, a point"]
    with_casadi = find_spec("casadi") is not None
    names += ["CasADi build", "CasADi run, N = 1"] if with_casadi else []
    header("graph", "n", *names)
    for graph in (chain, wide):
        for n in OPERATIONS:
            w = np.array([1.0, 1e-9]) if graph is chain else np.linspace(0.1, 1.0, n // 2)
            tries = [of_graph(graph, n, w) for _ in range(5 if n < 10**5 else 1)]
            program, *costs = min(tries, key=lambda one: one[1] + one[2])
            one, many = np.full((1,), 0.5), np.full((100, 1), 0.5)
            runs: dict[str, Run] = {"1": functools.partial(program.value_and_grad, one, w)}
            if with_casadi:
                runs["CasADi"], built = casadi_of_graph(graph, n, w)
            best = quickest(
                checked(runs) | {"100": functools.partial(program.value_and_grad, many, w)}
            )
            costs += [best["1"], best["100"] / len(many)]
            costs += [built, best["CasADi"]] if with_casadi else []
            row(graph.__name__, f"{n:,}", *(f"{1e9 * cost / n:,.3g}" for cost in costs))


def e() -> None:
    """Programs without a compiler, as multiples of the time of NumPy by hand."""
    print("\n(e) value and gradient on NumPy: multiples of the time of NumPy by hand\n")
    header("network", *(f"N = {n:,}" for n in NS))
    for network in NETWORKS:
        ratios = []
        for n in NS:
            data = task(network, n)
            runs = checked({"Program": on_numpy(data), "by hand": by_hand(data)})
            seconds = quickest(runs)
            ratios.append(f"{seconds['Program'] / seconds['by hand']:.2f}")
        row(network, *ratios)


def main() -> None:
    """Print the tables."""
    print(f"micrograd_bp, {engine_kind()} engine")
    sections = {section.__name__: section for section in (a, b, c, d, e)}
    for name in sys.argv[1:] or sections:
        sections[name]()


if __name__ == "__main__":
    if not ONE_THREAD.items() <= os.environ.items():
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **ONE_THREAD})
    main()
