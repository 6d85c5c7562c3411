"""Under stress: any interleaving of uses, a million nodes, many threads, ten thousand rounds.

The environment variable HYPOTHESIS_PROFILE=thorough makes the random programs more and the
threads run for 10 seconds in place of 2.
"""

import gc
import itertools
import math
import os
import re
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from micrograd_bp import Value, dot, engine_kind, exp, fsum, no_grad, scope, topological_order

pytestmark = pytest.mark.slow

MILLION = 1_000_000
SECONDS = 10.0 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 2.0

# --- any interleaving of uses, beside a model -----------------------------------------------------


@dataclass
class Record:
    """What the model knows of a node: plain numbers, and its parents by their names."""

    data: float
    parents: tuple[int, ...] = ()
    local_derivatives: tuple[float, ...] = ()
    label: str = ""
    scope: str = ""
    grad: float | None = None  # None: no backward pass has been here
    is_constant: bool = False


Errors = set[type[Exception]]


@dataclass
class Model:
    """A computation graph as a dict of records, and reverse accumulation by recursion."""

    records: dict[int, Record] = field(default_factory=dict)

    def order(self, name: int, seen: dict[int, None] | None = None) -> list[int]:
        seen = {} if seen is None else seen
        for parent in self.records[name].parents:
            if parent not in seen:
                self.order(parent, seen)
        seen.setdefault(name)
        return list(seen)

    def backward(self, root: int, seed: float) -> tuple[dict[int, float], Errors, bool]:
        """The grads that are due; the errors that may be, and whether one has to be.

        Zero times infinity counts as 0 here. Where it occurs the engine may also refuse, as it
        knows which zeros are paths that were not taken; the tests of poles tell them apart.
        """
        order = self.order(root)
        adjoints = dict.fromkeys(order, 0.0)
        adjoints[root] = seed
        errors: Errors = set()
        for name in reversed(order):
            node, adjoint = self.records[name], adjoints[name]
            for parent, derivative in zip(node.parents, node.local_derivatives):
                if math.isinf(derivative):
                    errors.add(ZeroDivisionError)
                if adjoint != 0.0 and derivative != 0.0:
                    adjoints[parent] += derivative * adjoint
            if not math.isfinite(adjoint):
                errors.add(OverflowError)
        totals = {name: (self.records[name].grad or 0.0) + adjoints[name] for name in order}
        if not all(map(math.isfinite, totals.values())):
            errors.add(OverflowError)
        ends = [
            name
            for name in order
            if not (self.records[name].parents or self.records[name].is_constant)
        ]
        must = any(
            math.isfinite(adjoints[name])
            and math.isfinite(self.records[name].grad or 0.0)
            and not math.isfinite(totals[name])
            for name in order
        ) or not all(math.isfinite(adjoints[name]) for name in ends)
        return totals, errors, must


def limit(derivative: Callable[[], float]) -> float:
    try:
        return derivative()
    except (ZeroDivisionError, OverflowError):
        return math.inf


def real_power(x: float, n: float) -> float:
    if x < 0.0 and n % 1.0:
        raise ValueError
    return float(x**n)


def sech_squared(x: float) -> float:
    e = math.exp(min(abs(x), 400.0))
    return (2.0 / (e + 1.0 / e)) ** 2


Formula = tuple[Callable[..., Any], Callable[..., float], Callable[..., tuple[float, ...]]]
OPERATIONS: dict[str, Formula] = {  # on Values; the result; its partial derivatives
    "-x": (lambda x: -x, lambda x: -x, lambda x: (-1.0,)),
    "abs": (abs, abs, lambda x: (float((x > 0.0) - (x < 0.0)),)),
    "exp": (exp, math.exp, lambda x: (math.exp(x),)),
    "log": (lambda x: x.log(), math.log, lambda x: (1.0 / x,)),
    "sqrt": (
        lambda x: x.sqrt(),
        math.sqrt,
        lambda x: (limit(lambda: 0.5 / math.sqrt(x)),),
    ),
    "relu": (lambda x: x.relu(), lambda x: max(x, 0.0), lambda x: (float(x > 0.0),)),
    "tanh": (lambda x: x.tanh(), math.tanh, lambda x: (sech_squared(x),)),
    "+": (lambda x, y: x + y, lambda x, y: x + y, lambda x, y: (1.0, 1.0)),
    "-": (lambda x, y: x - y, lambda x, y: x - y, lambda x, y: (1.0, -1.0)),
    "*": (lambda x, y: x * y, lambda x, y: x * y, lambda x, y: (y, x)),
    "/": (
        lambda x, y: x / y,
        lambda x, y: x / y,
        lambda x, y: (limit(lambda: 1.0 / y), limit(lambda: -(x / y) / y)),
    ),
    "maximum": (
        lambda x, y: x.maximum(y),
        max,
        lambda x, y: (0.5, 0.5) if x == y else (float(x > y), float(y > x)),
    ),
    "dot": (
        lambda *xs: dot(xs[0::2], xs[1::2]),
        lambda *xs: float(sum(w * x for w, x in zip(xs[0::2], xs[1::2]))),
        lambda *xs: xs[1::2] + xs[0::2],
    ),
    "fsum": (lambda *xs: fsum(xs), lambda *xs: math.fsum(xs), lambda *xs: (1.0,) * len(xs)),
}
N_OPERANDS = {**dict.fromkeys("-x abs exp log sqrt relu tanh".split(), 1), "dot": 4, "fsum": 3}

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-200, 1e200]), st.floats(-4.0, 4.0)
)
gradients = numbers | st.sampled_from([1e308, -1e308])  # the sum of two may be beyond floats
picks = st.integers(0, 1000)  # which of the nodes at hand, modulo their number


def fault(result: Callable[[], float]) -> float | type[Exception]:
    """The result on plain numbers; or the error that is due in its place."""
    try:
        data = result()
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        return type(error)
    return data if math.isfinite(data) else OverflowError


class Interleaving(RuleBasedStateMachine):
    """Real nodes and records in step. A node is at hand until it is deleted; below it lives on
    whatever it was computed from, and nothing else does, although the collector is off."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.at_hand: dict[int, Value] = {}
        self.references: dict[int, weakref.ref[Value]] = {}
        self.names = itertools.count()
        self.blocks: list[tuple[str, ExitStack]] = []
        gc.disable()

    def teardown(self) -> None:
        while self.blocks:
            self.leave()
        self.at_hand.clear()
        try:
            assert not any(reference() for reference in self.references.values())
        finally:
            gc.enable()

    @property
    def recording(self) -> bool:
        return all(name != "no_grad" for name, _ in self.blocks)

    @property
    def scope(self) -> str:
        return "/".join(name for name, _ in self.blocks if name != "no_grad")

    def pick(self, number: int) -> int:
        return list(self.at_hand)[number % len(self.at_hand)]

    def add(self, value: Value, record: Record) -> int:
        name = next(self.names)
        self.model.records[name] = record
        self.references[name] = weakref.ref(value)
        return name

    def hold(self, value: Value, record: Record) -> None:
        self.at_hand[self.add(value, record)] = value

    @initialize(data=st.lists(numbers, min_size=2, max_size=3))
    def begin(self, data: list[float]) -> None:
        for number in data:
            self.leaf(number)

    @rule(data=numbers)
    def leaf(self, data: float) -> None:
        label = f"leaf {data}"
        self.hold(Value(data, label), Record(data, label=label, scope=self.scope))

    @rule(
        operation=st.sampled_from(list(OPERATIONS)), operands=st.tuples(picks, picks, picks, picks)
    )
    def operate(self, operation: str, operands: tuple[int, ...]) -> None:
        names = tuple(map(self.pick, operands[: N_OPERANDS.get(operation, 2)]))
        run, result, partials = OPERATIONS[operation]
        xs = [self.at_hand[name].data for name in names]
        parents = names[0::2] + names[1::2] if operation == "dot" else names
        self.compute(
            lambda: run(*[self.at_hand[name] for name in names]),
            lambda: result(*xs),
            lambda: partials(*xs),
            parents,
        )

    @rule(operand=picks, constant=numbers, reflected=st.booleans())
    def operate_with_a_number(self, operand: int, constant: float, reflected: bool) -> None:
        name = self.pick(operand)
        x = self.at_hand[name].data
        if reflected:
            self.compute(
                lambda: constant * self.at_hand[name],
                lambda: constant * x,
                lambda: (x, constant),
                (None, name),
                constant,
            )
        else:
            self.compute(
                lambda: self.at_hand[name] + constant,
                lambda: x + constant,
                lambda: (1.0, 1.0),
                (name, None),
                constant,
            )

    @rule(operand=picks, exponent=st.sampled_from([-2, -1, 0, 0.5, 1, 2, 3]))
    def raise_to_a_power(self, operand: int, exponent: float) -> None:
        name = self.pick(operand)
        x = self.at_hand[name].data
        self.compute(
            lambda: self.at_hand[name] ** exponent,
            lambda: real_power(x, exponent),
            lambda: (exponent and limit(lambda: exponent * real_power(x, exponent - 1)),),
            (name,),
        )

    def compute(
        self,
        run: Callable[[], Value],
        result: Callable[[], float],
        partials: Callable[[], tuple[float, ...]],
        parents: tuple[int | None, ...],
        constant: float = 0.0,
    ) -> None:
        """An operation, beside what is due; None among the parents is the constant operand."""
        expected = fault(result)
        if isinstance(expected, type):
            with pytest.raises(expected):
                run()
            return
        value = run()
        assert value.data == pytest.approx(expected, rel=1e-12, abs=1e-300)
        record = Record(value.data, scope=self.scope)
        if self.recording:
            for found, due in zip(value.local_derivatives, partials(), strict=True):
                assert math.isclose(abs(found), abs(due), rel_tol=1e-12, abs_tol=1e-300)
                assert math.isinf(due) or math.isclose(found, due, rel_tol=1e-12, abs_tol=1e-300)
            record.local_derivatives = value.local_derivatives
            record.parents = tuple(
                self.add(parent, Record(constant, scope=self.scope, is_constant=True))
                if name is None
                else name
                for parent, name in zip(value.parents, parents, strict=True)
            )
        self.hold(value, record)

    @rule(roots=st.lists(st.tuples(picks, gradients), min_size=1, max_size=3))
    def backward(self, roots: list[tuple[int, float]]) -> None:
        for number, seed in roots:
            name = self.pick(number)
            totals, errors, must = self.model.backward(name, seed)
            error, words = None, ""
            try:
                self.at_hand[name].backward(seed)
            except (ZeroDivisionError, OverflowError) as refusal:
                error, words = type(refusal), str(refusal)
            if error is None:
                assert not must
                for each, total in totals.items():
                    self.model.records[each].grad = total
            else:
                assert error in errors
                assert re.match("backward: |0 times infinity is undetermined: ", words)

    @rule(node=picks, seed=st.sampled_from(["1.0", None, 1j, [1.0]]))
    def backward_with_what_is_no_number(self, node: int, seed: Any) -> None:
        with pytest.raises(TypeError, match="need a real number"):
            self.at_hand[self.pick(node)].backward(seed)

    @rule(node=picks, other=st.sampled_from(["1.0", None, 1j]))
    def operate_with_what_is_no_number(self, node: int, other: Any) -> None:
        with pytest.raises(TypeError):
            self.at_hand[self.pick(node)] * other
        with pytest.raises(TypeError):
            fsum([self.at_hand[self.pick(node)], 1.0, other])

    @rule(node=picks)
    def sort(self, node: int) -> None:
        name = self.pick(node)
        order = topological_order(self.at_hand[name])
        due = self.model.order(name)
        assert all(value is self.references[each]() for value, each in zip(order, due, strict=True))

    @rule(node=picks, grad=gradients)
    def write_grad(self, node: int, grad: float) -> None:
        name = self.pick(node)
        self.at_hand[name].grad = grad
        self.model.records[name].grad = grad or None

    @rule(node=picks)
    def set_all_grads_to_zero(self, node: int) -> None:
        name = self.pick(node)
        for value in topological_order(self.at_hand[name]):
            value.grad = 0.0
        for each in self.model.order(name):
            self.model.records[each].grad = None

    @rule(node=picks, data=numbers)
    def write_data(self, node: int, data: float) -> None:
        name = self.pick(node)
        self.at_hand[name].data = data
        self.model.records[name].data = data

    @rule(node=picks)
    def detach(self, node: int) -> None:
        name = self.pick(node)
        record = self.model.records[name]
        detached = Record(record.data, label=record.label, scope=self.scope)
        self.hold(self.at_hand[name].detach(), detached)

    @rule(node=picks)
    def delete(self, node: int) -> None:
        if len(self.at_hand) > 1:
            del self.at_hand[self.pick(node)]

    @rule(name=st.sampled_from(["no_grad", "layer1", "layer2/neuron1"]))
    def enter(self, name: str) -> None:
        block = ExitStack()
        block.enter_context(no_grad() if name == "no_grad" else scope(name))
        self.blocks.append((name, block))

    @rule()
    def leave(self) -> None:
        if self.blocks:
            self.blocks.pop()[1].close()

    @invariant()
    def every_number_is_as_in_the_model(self) -> None:
        living: dict[int, None] = {}
        for name in self.at_hand:
            if name not in living:
                self.model.order(name, living)
        for name, reference in list(self.references.items()):
            value = reference()
            assert (value is None) == (name not in living)
            if value is None:
                del self.references[name], self.model.records[name]
                continue
            record = self.model.records[name]
            assert (value.data, value.label, value.scope) == (
                record.data,
                record.label,
                record.scope,
            )
            assert repr(value.grad + 0.0) == repr((record.grad or 0.0) + 0.0)  # nan too
            assert value.has_grad == (record.grad is not None)
            assert value.local_derivatives == record.local_derivatives
            parents = zip(value.parents, record.parents, strict=True)
            assert all(parent is self.references[each]() for parent, each in parents)


def test_any_interleaving_of_uses_leaves_every_number_as_in_a_simple_model() -> None:
    run_state_machine_as_test(Interleaving, settings=settings(stateful_step_count=50))


# --- a million nodes ------------------------------------------------------------------------------


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_a_sum_of_a_million_values_gives_each_its_gradient() -> None:
    xs = [Value(float(i % 3)) for i in range(MILLION)]
    root = fsum(xs)
    root.backward(seed=3.0)
    assert root.data == float(sum(i % 3 for i in range(MILLION)))
    assert len(root.parents) == MILLION
    assert {x.grad for x in xs} == {3.0}


@pytest.mark.usefixtures("without_collector")
def test_a_dot_of_a_million_products_gives_each_operand_the_other_as_its_gradient() -> None:
    weights = [Value(float(i)) for i in range(1000)] * 1000
    inputs = [Value(float(-i)) for i in range(1000) for _ in range(1000)]
    root = dot(weights, inputs, 0.5)
    root.backward()
    assert len(root.parents) == 2 * MILLION + 1
    assert root.data == 0.5 - sum(range(1000)) ** 2
    assert {w.grad for w in weights} == {-float(sum(range(1000)))}
    assert all(x.grad == w.data for x, w in zip(inputs, weights))


@pytest.mark.usefixtures("without_collector")
def test_a_leaf_that_is_used_a_million_times_gets_the_sum_of_as_many_gradients() -> None:
    x = Value(0.5)
    root = fsum([x] * MILLION)
    root.backward()
    assert (root.data, x.grad) == (0.5 * MILLION, float(MILLION))
    x.grad = 0.0
    root = dot([x] * MILLION, [x] * MILLION)
    root.backward()
    assert (root.data, x.grad) == (0.25 * MILLION, float(MILLION))


@pytest.mark.usefixtures("without_collector")
def test_a_graph_a_thousand_wide_and_a_thousand_deep_gives_the_right_gradient() -> None:
    xs = [Value(float(k)) for k in range(1000)]
    row = [k * x for k, x in enumerate(xs)]
    for _ in range(998):
        row = [-node for node in row]
    root = fsum(row)
    assert len(topological_order(root)) == 1000 * (998 + 3) + 1 > MILLION
    root.backward(seed=2.0)
    assert root.data == float(sum(k * k for k in range(1000)))
    assert [x.grad for x in xs] == [2.0 * k for k in range(1000)]
    first = weakref.ref(row[0])
    del root, row
    assert first() is None


@pytest.mark.usefixtures("without_collector")
def test_a_ladder_whose_nodes_all_have_two_consumers_gives_the_right_gradient() -> None:
    x, y = Value(1.0), Value(2.0)
    upper, lower = x, y
    for _ in range(100_000):
        upper, lower = lower, (upper + lower) / 2.0
    lower.backward()
    assert lower.data == pytest.approx((1.0 + 2.0 * 2.0) / 3.0, rel=1e-12)
    assert (x.grad, y.grad) == (pytest.approx(1 / 3, rel=1e-12), pytest.approx(2 / 3, rel=1e-12))


# --- many threads ---------------------------------------------------------------------------------

THREADS = 8


@pytest.fixture
def switching_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def run_for_seconds(tasks: Sequence[Callable[[], None]]) -> list[int]:
    """Each task over and over in a thread of its own; returns how often each was done."""
    gate = threading.Barrier(len(tasks))
    done = [0] * len(tasks)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            gate.wait(timeout=600.0)
            end = time.monotonic() + SECONDS
            while True:  # at least once, on the busiest machine too
                tasks[number]()
                done[number] += 1
                if errors or time.monotonic() >= end:
                    break
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(tasks))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=SECONDS + 600.0)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
    return done


@pytest.mark.usefixtures("switching_often")
def test_eight_threads_on_shared_nodes_lose_no_update() -> None:
    leaves = [Value(float(i % 5)) for i in range(50)]
    shared = [leaf * 2.0 for leaf in leaves]
    common = fsum(shared)
    roots = [common if r % 2 else dot([float(r + 1)] * 50, shared) for r in range(THREADS)]
    seeds = [float(r + 1) for r in range(THREADS)]
    infinite = Value(0.0).sqrt() * common  # also passes that fail halfway change nothing

    def sweep(number: int) -> None:
        roots[number].backward(seeds[number])
        if number == 0:
            with pytest.raises(ZeroDivisionError):
                infinite.backward()

    done = run_for_seconds([lambda number=r: sweep(number) for r in range(THREADS)])
    assert min(done) > 0
    slopes = [1.0 if r % 2 else r + 1.0 for r in range(THREADS)]
    total = sum(map(math.prod, zip(done, seeds, slopes)))
    assert {node.grad for node in shared} == {total}
    assert {leaf.grad for leaf in leaves} == {2.0 * total}
    assert [roots[r].grad for r in range(0, THREADS, 2)] == [
        done[r] * seeds[r] for r in range(0, THREADS, 2)
    ]
    assert common.grad == sum(done[r] * seeds[r] for r in range(1, THREADS, 2))


@pytest.mark.usefixtures("switching_often")
def test_threads_build_free_and_sort_over_shared_nodes_at_the_same_time() -> None:
    leaves = [Value(float(i)) for i in range(10)]
    shared = [leaf * 3.0 for leaf in leaves]
    root = fsum(shared)
    order = topological_order(root)
    ranks = {node: rank for rank, node in enumerate(order)}
    freed: list[weakref.ref[Value]] = []

    def build() -> None:
        """A graph of its own on shared nodes; its last reference goes here."""
        x = Value(2.0)
        y = dot([x] * 10, shared, x)
        for _ in range(50):
            y = (y + x) * 1.0
        y.backward()
        assert x.grad == 3.0 * sum(range(10)) + 51.0
        freed.append(weakref.ref(y.parents[0]))

    def free() -> None:
        """A long chain and a wide node, freed in one go."""
        chain = leaves[0]
        for _ in range(300):
            chain = -chain
        wide = fsum([chain, *[-node for node in shared]])
        below = weakref.ref(chain)
        del chain, wide
        assert below() is None

    def sort() -> None:
        assert topological_order(root) == order
        assert [ranks[node] for node in topological_order(shared[3])] == sorted(
            ranks[node] for node in (*shared[3].parents, shared[3])
        )

    tasks = [build, free, sort, root.backward, build, free, sort, root.backward]
    done = run_for_seconds(tasks)
    assert min(done) > 0
    assert not any(reference() for reference in freed)
    assert root.grad == done[3] + done[7]
    built = 2.0 * (done[0] + done[4])
    assert {node.grad for node in shared} == {root.grad + built}
    assert {leaf.grad for leaf in leaves} == {3.0 * (root.grad + built)}


# --- ten thousand rounds --------------------------------------------------------------------------

ROUNDS = 10_000
# The compiled engine keeps wide nodes, orders and adjoints in blocks that only the operating
# system sees: the blocks of this width would make 100 MB if one a round were lost.
WIDTH = 500 if engine_kind() == "compiled" else 4


def build_and_free(weights: list[Value], inputs: list[Value], bias: Value) -> None:
    with scope("layer1"):
        a = dot(weights, inputs, bias)
        z = a.tanh()
    y = (z * 2.0 - 1.0) ** 2 + fsum([z, a, bias])
    y.backward()
    y.backward(0.5)
    topological_order(y)
    z.detach()


def raises(error: type[Exception], fail: Callable[[], Any]) -> bool:
    try:
        with scope("layer1"):
            fail()
    except error:
        return True
    return False


def build_and_raise(weights: list[Value], inputs: list[Value], bias: Value) -> None:
    a = dot(weights, inputs, bias)
    zero = a - a.data
    kink = zero.sqrt() + a
    huge = a + 1e308
    failures: list[tuple[type[Exception], Callable[[], Any]]] = [
        (ValueError, lambda: zero.log()),
        (ZeroDivisionError, lambda: a / zero),
        (OverflowError, lambda: huge * huge),
        (OverflowError, lambda: fsum([huge, huge, a])),
        (OverflowError, lambda: dot([huge, *weights], [huge, *inputs])),
        (TypeError, lambda: fsum([a, zero, "1"])),
        (TypeError, lambda: float(a)),
        (ZeroDivisionError, kink.backward),
        (OverflowError, lambda: (huge * 2.0e-308 * 1e308).backward(1e308)),
        (TypeError, lambda: a.backward("1")),
    ]
    for error, fail in failures:
        assert raises(error, fail)


def resident_bytes() -> int:
    """The memory that the process has, on Linux; elsewhere 0, and Python's own count says it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@pytest.fixture(params=[build_and_free, build_and_raise])
def one_round(request: pytest.FixtureRequest) -> Callable[[], None]:
    width = WIDTH if request.param is build_and_free else min(WIDTH, 50)
    weights = [Value(0.01 * i) for i in range(width)]
    inputs = [Value(1.0) for _ in range(width)]
    bias = Value(0.5)
    return lambda: request.param(weights, inputs, bias)


@pytest.mark.usefixtures("without_collector")
def test_ten_thousand_rounds_take_no_more_memory(one_round: Callable[[], None]) -> None:
    for _ in range(ROUNDS // 4):  # until the free lists of Python, of 2000 tuples each, are full
        one_round()
    blocks, resident = sys.getallocatedblocks(), resident_bytes()
    for _ in range(ROUNDS):
        one_round()
    assert sys.getallocatedblocks() - blocks < ROUNDS // 20
    assert resident_bytes() - resident < 8_000_000
