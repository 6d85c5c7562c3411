"""Ctrl-C while a Program runs: it is answered, and nothing is broken by it.

Each test is a script in a process of its own that interrupts itself, again and again, twice in
a row; what is wrong with memory shows in its exit status, or in the numbers that it gives after.
"""

import signal
import sys

import pytest
from own_process import run_python

SCRIPT = """
import os, signal, sys, threading, time
import numpy as np
from micrograd_bp import MLP, Program, Value, square
from micrograd_bp.program.interpreter import Executor as Interpreter

which, threads = sys.argv[1], int(sys.argv[2])
signal.signal(signal.SIGINT, signal.default_int_handler)
model = MLP(2, [16, 16, 1], hidden="tanh", seed=0)
x, t = [Value(0.5), Value(0.1)], Value(1.0)
program = Program(square(model(x) - t) / 2, [*x, t], model.parameters())
data = np.random.default_rng(0).normal(size=(1_000_000, 3))
weights = program._recorded
run = {
    "call": lambda data: program(data, threads=threads),
    "value_and_grad": lambda data: program.value_and_grad(data, threads=threads),
    "interpreter": lambda data: Interpreter(program._summed).run(data, weights)[1],
}[which]
expected = run(data[:5000])
others = [np.arange(5000.0) for _ in range(50)]

def interrupt(after):
    for pause in (after, 0.01):
        time.sleep(pause)
        os.kill(os.getpid(), signal.SIGINT)

for i in range(8):
    sender = threading.Thread(target=interrupt, args=(0.01 + 0.007 * i,), daemon=True)
    try:
        try:
            sender.start()
            while True:
                run(data)
        except KeyboardInterrupt:
            sender.join(timeout=300)
            time.sleep(0.05)
    except KeyboardInterrupt:
        sender.join(timeout=300)
    for got, wanted in zip(run(data[:5000]), expected, strict=True):
        assert np.array_equal(got, wanted)
    assert all(np.array_equal(other, np.arange(5000.0)) for other in others)
print("whole")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there os.kill ends the process")
@pytest.mark.parametrize(
    ("which", "threads"),
    [
        *[("call", 1), ("value_and_grad", 5), ("interpreter", 2)],
        *(
            pytest.param(which, threads, marks=pytest.mark.slow)
            for which, others in (("call", (2, 5)), ("value_and_grad", (1, 2)))
            for threads in others
        ),
    ],
)
def test_a_program_answers_to_interrupts_and_works_on(which: str, threads: int) -> None:
    assert run_python("-c", SCRIPT, which, str(threads)).stdout == "whole\n"


AT_ANY_MOMENT = """
import random, signal, sys
import numpy as np
from micrograd_bp import Program, Value

def interrupt(*_):
    raise KeyboardInterrupt

x, w = Value(1.0), Value(2.0)
program = Program((w * x).tanh(), inputs=[x], parameters=[w])
data = np.linspace(0.0, 1.0, 3000)[:, None]
expected = program.value_and_grad(data)
rng = random.Random(0)
for _ in range(8000):
    signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 10 ** rng.uniform(-5, -3))
            while True:
                program.value_and_grad(data, threads=5)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
found = program.value_and_grad(data, threads=5)
assert found[0] == expected[0] and np.array_equal(found[1], expected[1])
print("whole")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers here")
def test_an_interrupt_at_any_moment_is_heard_and_lets_the_process_end() -> None:
    done = run_python("-c", AT_ANY_MOMENT)
    assert (done.stdout, done.stderr) == ("whole\n", "")


def test_where_no_thread_can_be_started_a_program_runs_on_one() -> None:
    script = (
        "import _thread, atexit\n"
        "start, refused = _thread.start_new_thread, True\n"
        "def start_or_refuse(*job):\n"
        '    if refused: raise RuntimeError("can\'t start new thread")\n'
        "    return start(*job)\n"
        "_thread.start_new_thread = start_or_refuse\n"
        "import numpy as np\n"
        "from micrograd_bp import Program, Value\n"
        "x = Value(1.0)\n"
        "program = Program(x * x, [x])\n"
        "data = np.arange(5000.0)[:, None]\n"
        "def at_the_end(): print((program(data, threads=2) == data[:, 0] ** 2).all())\n"
        "atexit.register(at_the_end)\n"
        "at_the_end()\n"
        "refused = False\n"
    )
    assert run_python("-c", script).stdout == "True\nTrue\n"
