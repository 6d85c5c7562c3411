"""Memory that runs out, processes that are forked or spawned amid threads: nothing breaks.

Each test is a script in a process of its own, whose exit status and words are looked at.
"""

import sys
from pathlib import Path

import pytest
from own_process import run_python


def run(*arguments: str) -> str:
    return run_python("-W", "ignore", *arguments, OPENBLAS_NUM_THREADS="1").stdout


WITHOUT_MEMORY = """
import resource, sys
import numpy as np
from micrograd_bp import MLP, Program, Value, draw, explore, gradient, sum_of_squares
from micrograd_bp import topological_order, trace_table
from micrograd_bp.transforms import grad, hessian


def chain(n):
    y = x
    for _ in range(n):
        y = y * x
    return y


def wide(n):
    return sum([x * k for k in range(n)], x)


x = Value(1.0, label="x")
model = MLP(2, [8, 8, 1], hidden="tanh", seed=0)
X = [Value(0.5), Value(0.25)]
E = sum_of_squares(model(X), [1.0])
program = Program(E, X, model.parameters())
deep, pair = chain(300_000), wide(2000)
build = {
    "build": lambda: chain(3_000_000),
    "sort": lambda: topological_order(deep),
    "sweep": lambda: deep.backward(),
    "gradient": lambda: gradient(deep, [x]),
    "grad": lambda: grad(lambda x: sum([x * k for k in range(300_000)]))(1.0),
    "hessian": lambda: hessian(lambda x: sum(x) ** 2)([1.0] * 1500),
    "compile": lambda: Program(pair, [x]),
    "run": lambda: program(np.ones((2_000_000, 2)), threads=2),
    "train": lambda: program.value_and_grad(np.ones((2_000_000, 2)), threads=2),
    "draw": lambda: draw(pair, max_nodes=5000).svg,
    "explore": lambda: explore(wide(150)).html,
    "table": lambda: trace_table(pair, [x]),
}
action = build[sys.argv[1]]
small = chain(3)
expected = program([[0.5, 0.25]])
draw(small).svg, explore(small).html, trace_table(small, [x]), Program(small, [x])  # imports
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()


def is_short_of_memory():  # a small function: in a large one CPython 3.11 itself hangs then
    try:
        action()
    except MemoryError:
        return True
    except SystemError as error:  # CPython 3.13.0 itself makes one of a MemoryError in a tuple
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert isinstance(error.__cause__, MemoryError)
        return True
    return False


short, is_short = 0, False
for megabytes in 0, 1, 4, 16, 64:
    grad_before = x.grad
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 2**20, resource.RLIM_INFINITY))
    is_short = is_short_of_memory()
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if is_short:
        short += 1
        assert x.grad == grad_before
    # and all goes on
    assert program([[0.5, 0.25]]) == expected
    before = x.grad
    small.backward()
    assert x.grad == before + 4.0, (x.grad, before)
    assert len(topological_order(small)) == 4
print(short)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a limit that Linux keeps")
@pytest.mark.parametrize(
    "action",
    "build sort sweep gradient grad hessian compile run train draw explore table".split(),
)
def test_where_memory_runs_out_an_exception_says_so_and_all_goes_on(action: str) -> None:
    assert int(run("-c", WITHOUT_MEMORY, action)) >= 1


AMID_THREADS = """
import multiprocessing, os, sys, threading
import numpy as np
from micrograd_bp import MLP, Program, Value, square

model = MLP(2, [8, 8, 1], hidden="tanh", seed=0)
X = [Value(0.5), Value(0.25)]
E = square(model(X) - 1.0)
program = Program(E, X, model.parameters())
data = np.random.default_rng(0).normal(size=(20_000, 2))


def work(asked=None):
    x = Value(3.0)
    y = x
    for _ in range(1000):
        y = y * 0.999 + x * 0.001
    y.backward()
    value, grad = program.value_and_grad(data, threads=2)
    return x.grad, value, grad.tolist()


if __name__ == "__main__":
    expected = work()
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            assert work() == expected
            E.backward()

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        if sys.argv[1] == "os.fork":
            for _ in range(4):
                child = os.fork()
                if child == 0:
                    os._exit(0 if work() == expected else 1)
                assert os.waitpid(child, 0)[1] == 0
        else:
            with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
                assert pool.map(work, range(6)) == [expected] * 6
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=300)
    print("all right")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["os.fork", "fork", "spawn", "forkserver"])
def test_processes_that_begin_amid_busy_threads_work(how: str, tmp_path: Path) -> None:
    if sys.platform == "win32" and how != "spawn":
        pytest.skip("as Unix has it")
    script = tmp_path / "script.py"  # which a spawned process reads again
    script.write_text(AMID_THREADS)
    assert run(str(script), how) == "all right\n"
