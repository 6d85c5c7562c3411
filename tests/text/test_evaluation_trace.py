"""The evaluation trace: the worked example of the book, and any other graph."""

import math

import pytest
from hypothesis import given

from micrograd_bp import Value, dot, exp, sin, topological_order
from micrograd_bp.testing import graphs
from micrograd_bp.testing.programs import GraphProgram
from micrograd_bp.text.evaluation_trace import trace_table


def example():
    x1, x2 = Value(1.0, label="x1"), Value(2.0, label="x2")
    v3 = x1 * x2
    return v3 + exp(v3) - sin(x2), x1, x2


def test_the_trace_of_the_book() -> None:
    f, x1, x2 = example()
    trace = trace_table(f, [x1, x2])
    root = trace.rows[-1]
    assert root.primal == pytest.approx(8.479758672, abs=1e-9)
    by_x1, by_x2 = root.tangents
    assert by_x1 == pytest.approx(16.778112197861, abs=1e-12)
    assert by_x1 == pytest.approx(2.0 + 2.0 * math.exp(2.0), rel=1e-15)
    assert by_x2 == pytest.approx(8.805202935478, abs=1e-12)
    assert by_x2 == pytest.approx(1.0 + math.exp(2.0) - math.cos(2.0), rel=1e-15)
    assert [row.adjoint for row in trace.rows[:2]] == pytest.approx([by_x1, by_x2], rel=1e-15)
    assert root.adjoint == 1.0
    expressions = {row.name: row.expression for row in trace.rows}
    assert expressions == {
        "v_1": "x1",
        "v_2": "x2",
        "v_3": "v_1 * v_2",
        "v_4": "exp(v_3)",
        "v_5": "v_3 + v_4",
        "v_6": "sin(v_2)",
        "v_7": "v_5 - v_6",
    }


def test_a_direction_gives_one_column_of_tangents() -> None:
    f, x1, x2 = example()
    both = trace_table(f, [x1, x2]).rows[-1].tangents
    along = trace_table(f, [x1, x2], direction=[3, -1.0])
    assert along.rows[-1].tangents == pytest.approx((3.0 * both[0] - both[1],))
    assert str(along).splitlines()[0].split() == [
        "v_i",
        "expression",
        "primal",
        "tangent",
        "df/dv_i",
    ]


@given(graphs(max_operations=15))
def test_adjoints_are_those_of_backward_and_no_grad_is_written(program: GraphProgram) -> None:
    evaluation = program.evaluate()
    root, inputs = evaluation.root, evaluation.inputs
    trace = trace_table(root, inputs)
    nodes = topological_order(root)
    assert not any(node.has_grad for node in nodes)
    assert {row.node for row in trace.rows} == {*nodes, *inputs}
    root.backward()
    assert [row.adjoint for row in trace.rows] == [row.node.grad for row in trace.rows]
    position = {row.node: i for i, row in enumerate(trace.rows)}
    assert all(position[p] < position[row.node] for row in trace.rows for p in row.node.parents)
    lines = str(trace).splitlines()
    assert len(lines) == 1 + len(trace.rows)


def test_every_kind_of_expression() -> None:
    x, y = Value(0.5, label="x"), Value(1.5)
    root = dot([x, y], [y, 2.0], x) ** 2 + (-x).leaky_relu(0.1) / x**y
    shown = [row.expression for row in trace_table(root, [x, y]).rows]
    assert shown[:3] == ["x", "1.5", "2"]
    assert "v_1*v_2 + v_2*v_3 + v_1" in shown
    assert "v_4**2" in shown
    assert "-v_1" in shown
    assert "leaky_relu(v_6, 0.1)" in shown
    assert "v_1 ** v_2" in shown


def test_refusals() -> None:
    f, x1, x2 = example()
    with pytest.raises(TypeError, match=r"not 1\.0 \(float\)"):
        trace_table(f, [x1, 1.0])
    with pytest.raises(ValueError, match="one number an input: 2, not 1"):
        trace_table(f, [x1, x2], direction=[1.0])
    x1.data = 5.0
    with pytest.raises(ValueError, match=r"label='x1'.* was changed"):
        trace_table(f, [x1, x2])
