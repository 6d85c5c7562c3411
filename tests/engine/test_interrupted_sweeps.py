"""Ctrl-C stops a long sort or sweep where it stands, and leaves every number as it was."""

import signal

import pytest
from own_process import run_python

SCRIPT = """
import signal
from micrograd_bp import Value, gradient, topological_order

acting = False

def interrupt(*_):
    if acting:
        raise KeyboardInterrupt

sorting = False

def sort_another(*_):
    global sorting
    if not sorting:  # a signal may come while this runs
        sorting = True
        another.backward()
        sorting = False

x = y = Value(1.0)
for _ in range({n}):
    y = y + x
another = (Value(2.0) * 3.0).tanh()
order = topological_order(y)

def act_with(handler, action, seconds):
    global acting
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    result = None
    try:
        acting = True
        result = action()
        acting = False
    except KeyboardInterrupt:
        acting = False
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    return result

interrupted = 0
for action in (lambda: topological_order(y), lambda: gradient(y, [x])):
    for k in range(6):
        interrupted += act_with(interrupt, action, 1e-4 * 3**k) is None
assert interrupted
grad = x.grad
for k in range(6):
    act_with(interrupt, y.backward, 1e-4 * 3**k)
    assert x.grad in (grad, grad + {n} + 1)  # all or nothing
    grad = x.grad
assert act_with(sort_another, lambda: topological_order(y), 1e-4) == order
(dx,) = act_with(sort_another, lambda: gradient(y, [x]), 1e-4)
assert dx.data == {n} + 1
assert act_with(sort_another, lambda: topological_order(y), 1e-3) == order
signal.signal(signal.SIGALRM, sort_another)  # again and again, and a sort comes to its end
signal.setitimer(signal.ITIMER_REAL, 2e-3, 2e-3)
for _ in range(5):
    assert topological_order(y) == order
signal.setitimer(signal.ITIMER_REAL, 0.0)
x.grad = 0.0
y.backward()
assert x.grad == {n} + 1
print("alive")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_an_interrupt_stops_a_sweep_and_changes_nothing() -> None:
    assert run_python("-c", SCRIPT.format(n=200_000)).stdout == "alive\n"
