"""No function that Python can reach takes the process down, whatever it is handed."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from own_process import run_python

from micrograd_bp import Value, engine, engine_kind, functions

CALLS = """
import itertools, sys
from micrograd_bp import Value, engine, functions
from micrograd_bp.transforms import nested

odd = [None, 1.0, "x", [], [None], [1.0], (), ("a",), {}, object, Value, Value(2.0), [Value(2.0)]]
doors = {
    (engine.topological_order, 1), (engine.order_of, 1),
    (engine.dot, 2), (engine.dot, 3), (engine.fsum, 1), (engine.record, 2), (engine.apply, 2),
    (nested.flatten, 1), (nested.rebuild, 2), (nested.nest, 2), (nested.leaves, 1),
}
twin = sys.modules.get("micrograd_bp._engine")
if twin is not None:
    doors |= {(twin._Gradient, 2), (twin.gradient_graph, 2)}
for door, n in sorted(doors, key=str):
    for arguments in itertools.product(odd, repeat=n):
        try:
            door(*arguments)
        except Exception:
            pass
for door, n in [(engine.sweep, 4), (engine.unit, 6)]:
    usual = {
        engine.sweep: [[Value(2.0)], [Value(2.0)], [1.0], [Value(2.0)], True],
        engine.unit: [[Value(2.0)], [1.0], Value(1.0), functions.tanh, ("a", "z"), "layer"],
    }[door]
    for i, j in itertools.product(range(len(usual)), repeat=2):
        for x, y in itertools.product(odd, repeat=2):
            arguments = list(usual)
            arguments[i], arguments[j] = x, y
            try:
                door(*arguments)
            except Exception:
                pass
for x in odd:
    node = Value(1.0) * Value(2.0)
    for name in ("data", "grad", "label", "scope", "parents", "operation"):
        try:
            setattr(node, name, x)
        except Exception:
            pass
    repr(node)
print("alive")
"""


EVERY_DOOR = """
import itertools, random, sys, types
from micrograd_bp import Program, Value
from micrograd_bp.program import Executor
from micrograd_bp.transforms import nested

modules = [sys.modules[name] for name in sys.argv[1:]]
home = (*sys.argv[1:], "micrograd_bp")  # where Value says that it is from
x = Value(2.0)
y = x * x + 1.0
w = Value(3.0)
program = Program(y * w, [x], [w])
executor = Executor(program._forward)
odd = [
    None, True, 1.0, -1, 2**31, 2**63, 10**400, float("nan"), "x", b"x", [], [None], [1.0], [y],
    (), ("a",), (None, None), {}, {"a": 1}, object(), object, Value, x, y, [[1.0], [2.0]],
    memoryview(b"12345678"), program, program._forward, sys.modules["numpy"].ones((2, 1)),
    executor.run, lambda *_: None, slice(None), range(3),
]
made = []
for kind in [kind for module in modules for kind in vars(module).values()]:
    if isinstance(kind, type) and kind.__module__ in home:
        try:
            made.append(kind.__new__(kind))  # without what its __init__ would give it
        except Exception:
            pass
rng = random.Random(0)
lists = [[]] + [[a] for a in odd] + [list(pair) for pair in itertools.product(odd, repeat=2)]
lists += [[rng.choice(odd) for _ in range(rng.randint(3, 7))] for _ in range(500)]
for n in 3, 4, 5:
    lists += itertools.product([None, 1, [], *made], repeat=n)
none = [None, object(), "x", [1.0], {}, object]  # no number: 2**31 ** 2**63 never ends
rest = [list(some) for n in range(4) for some in itertools.product(odd[:12], repeat=n)]
of_what_is_none = [[a, *some] for a in none for some in rest]
tried = set()


def call(name, function):
    tried.add(name)
    for arguments in lists:
        try:
            list(zip(range(5), function(*arguments)))
        except Exception:
            pass


def instances(kind):
    for make in (
        lambda: kind(2.0), lambda: kind(y, [x]), lambda: kind(program._forward),
        lambda: kind(executor.run), lambda: kind("x"), lambda: kind.__new__(kind),
        lambda: kind.__new__(kind, y, [x]), lambda: kind.__new__(kind, program._forward),
    ):
        try:
            instance = make()
        except Exception:
            continue
        if type(instance) is kind:
            yield instance


for module in modules:
    for name, thing in list(vars(module).items()):
        if getattr(thing, "__module__", module.__name__) not in home or not callable(thing):
            continue
        call(name, thing)
        if not isinstance(thing, type):
            continue
        for attribute in dir(thing):
            for arguments in of_what_is_none:
                try:
                    getattr(thing, attribute)(*arguments)
                except Exception:
                    pass
        for instance in instances(thing):
            for attribute in dir(thing):
                whole = f"{name}.{attribute}"
                try:
                    function = getattr(instance, attribute)
                except Exception:
                    continue
                if callable(function):
                    call(whole, function)
                for value in odd:
                    try:
                        setattr(instance, attribute, value)
                    except Exception:
                        pass
            try:
                repr(instance)
            except Exception:
                pass
print(len(tried))
"""


@pytest.mark.slow
@pytest.mark.skipif(engine_kind() != "compiled", reason="of the compiled modules")
@pytest.mark.parametrize(
    ("module", "doors"),
    [
        ("_engine", 100),
        ("_modes", 1),
        ("transforms._nested", 2),
        ("program._passes", 6),
        ("program._program", 5),
    ],
)
def test_every_door_of_the_compiled_modules_takes_odd_arguments(module: str, doors: int) -> None:
    done = run_python("-W", "ignore", "-c", EVERY_DOOR, f"micrograd_bp.{module}")
    assert int(done.stdout.split()[-1]) >= doors


def test_odd_arguments_meet_exceptions_and_not_a_crash() -> None:
    assert run_python("-c", CALLS).stdout == "alive\n"


@pytest.mark.parametrize("odd", [None, 3, 1.5, b"x", ["x"], Value(1.0)], ids=repr)
@pytest.mark.parametrize("name", ["label", "scope"])
def test_a_label_or_scope_that_is_no_string_is_refused(name: str, odd: Any) -> None:
    x = Value(1.0, label="x")
    x.scope = "layer1"
    with pytest.raises(TypeError, match=f"the {name} of a Value is a string, not"):
        setattr(x, name, odd)
    assert (x.label, x.scope) == ("x", "layer1")


def test_a_label_is_kept_as_a_plain_string() -> None:
    class Text(str):
        """A string that could hold its node, and so never be freed."""

    node = Value(1.0, Text("x"))
    assert type(node.label) is str
    node.label = np.str_("y")
    assert (type(node.label), node.label) == (str, "y")
    text = Text("z")
    gone = weakref.ref(text)
    node.label = text
    del text
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("labels", [(), ("a",), ("a", "z", "y")])
def test_a_unit_has_two_labels(labels: Any) -> None:
    with pytest.raises(ValueError, match=r"values? to unpack"):
        engine.unit([Value(1.0)], [2.0], Value(0.0), functions.tanh, labels, "")


@pytest.mark.parametrize("odd", [None, 1.0, "x", Value], ids=repr)
def test_the_graph_of_what_is_no_value_is_refused(odd: Any) -> None:
    with pytest.raises(TypeError, match="a graph is that of Values, not of"):
        engine.order_of([Value(1.0), odd])


@pytest.mark.parametrize("back", [True, False])
def test_a_seed_that_sorts_another_graph_changes_nothing_of_a_sweep(back: bool) -> None:
    x = Value(3.0)
    y = x * x

    class Seed(float):
        def __float__(self) -> float:
            engine.order_of([(x + 1.0) * y, y * 2.0])
            return 2.0

    start, end = ([y], [x]) if back else ([x], [y])
    assert engine.sweep([y], start, [Seed(2.0)], end, back) == [12.0]
