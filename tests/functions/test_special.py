"""The gamma function's family and the inverse of erf: where others lose digits, and all orders."""

import decimal
import math
from collections.abc import Callable
from typing import Any

import pytest
from mpmath import mp, mpf

import micrograd_bp as m
from micrograd_bp import Program, Value, functions, grad, jvp
from micrograd_bp.testing import check_graph, gradcheck

ROOTS = [  # of lgamma: 1 and 2 from either side, and the first to the left
    *[x for root in (1.0, 2.0) for x in (math.nextafter(root, 0.0), math.nextafter(root, 9.0))],
    *[-2.4570247382208006, -2.7476826467274126, -3.1435808883499798, -5.0086818069243075],
]
ROOTS_OF_DIGAMMA = [1.4616321449683622, -0.5040830082644554, -1.5734984731623905, -10.702958]


@pytest.mark.parametrize("x", ROOTS)
def test_lgamma_keeps_all_digits_beside_its_roots(x: float) -> None:
    with mp.workprec(300):
        true = mp.re(mp.loggamma(mpf(x)))
        assert abs(m.lgamma(x) - true) <= 2.0**-52 * abs(true)


@pytest.mark.parametrize("x", ROOTS_OF_DIGAMMA)
def test_digamma_keeps_all_digits_beside_its_roots(x: float) -> None:
    with mp.workprec(300):
        true = mp.digamma(mpf(x))
        assert abs(m.digamma(x) - true) <= 2.0**-52 * abs(true)


def test_lgamma_is_the_logarithm_of_a_factorial() -> None:
    assert m.lgamma(1.0) == m.lgamma(2.0) == 0.0
    for n in (3, 10, 100, 150):
        assert m.lgamma(n + 1.0) == pytest.approx(math.log(math.factorial(n)), rel=3e-16)


@pytest.mark.parametrize("x", [0.3, 1.75, 40.0, -0.6, -3.3, -1000.3])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_derivatives_of_lgamma_are_the_polygamma_functions(x: float, order: int) -> None:
    f: Callable[[Any], Any] = m.lgamma
    for _ in range(order):
        f = grad(f)
    with mp.workprec(200):
        true = mp.psi(order - 1, mpf(x))
    assert f(x) == pytest.approx(float(true), rel=1e-15)


@pytest.mark.parametrize("x", [0.0, 1e-300, 0.5, -0.9999, 1.0 - 2.0**-53])
def test_erfinv_undoes_erf_to_the_last_digit(x: float) -> None:
    with mp.workprec(300):
        true = mp.erfinv(mpf(x))
        assert abs(m.erfinv(x) - true) <= 2.0**-52 * abs(true)
    y = m.erfinv(x)
    second = math.pi / 2.0 * y * math.exp(2.0 * y * y)
    assert grad(grad(m.erfinv))(x) == pytest.approx(second, rel=1e-13)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -2.0, -1e20])
@pytest.mark.parametrize("name", ["lgamma", "digamma"])
def test_a_pole_of_the_gamma_function_is_outside_the_domain(name: str, x: float) -> None:
    with pytest.raises(ValueError, match=f"{name} of Value.*: needs data that is not 0, -1, -2"):
        getattr(m, name)(Value(x))


def test_results_beyond_the_floats_are_said_to_be() -> None:
    for f, x in [(m.lgamma, 2.6e305), (m.digamma, 5e-324)]:
        with pytest.raises(OverflowError):
            f(x)
    for x in (-1.0, 1.0, 1.5):
        with pytest.raises(ValueError, match=r"erfinv of .*: needs -1 < data < 1"):
            m.erfinv(Value(x))


def test_infinities_and_nan_give_the_limits() -> None:
    inf, nan = math.inf, math.nan
    assert (m.lgamma(inf), m.lgamma(-inf), m.digamma(inf)) == (inf, inf, inf)
    assert functions.polygamma(inf, 1) == 0.0
    assert (functions.lgamma(-3.0), functions.polygamma(-3.0, 1)) == (inf, inf)
    assert (functions.erfinv(1.0), functions.erfinv(-1.0)) == (inf, -inf)
    assert (functions.erfinv_derivative(-1.0), math.copysign(1.0, m.erfinv(-0.0))) == (inf, -1.0)
    unreal = [functions.digamma(x) for x in (0.0, -2.0, -inf, nan)]
    unreal += [functions.lgamma(nan), functions.erfinv(nan), functions.erfinv_derivative(2.0)]
    assert all(map(math.isnan, unreal))


def test_every_mode_says_the_same() -> None:
    def f(x: Any, y: Any) -> Any:
        return m.lgamma(x) * m.digamma(x + y) + m.erfinv(y)

    x, y = Value(-1.4), Value(0.3)
    root = f(x, y)
    root.backward()
    assert check_graph(root)
    assert gradcheck(f, -1.4, 0.3)
    _, tangent = jvp(f, (-1.4, 0.3), (1.0, 1.0))
    assert tangent == pytest.approx(x.grad + y.grad, rel=1e-14)
    value, slopes = Program(root, inputs=[x], parameters=[y]).value_and_grad([[-1.4]], [0.3])
    assert [value, *slopes] == pytest.approx([root.data, y.grad], rel=1e-14)


def test_a_context_of_the_users_decimals_changes_nothing() -> None:
    expected = m.lgamma(3.7), m.digamma(-0.3), m.erfinv(0.3)
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact], Emax=5)):
        assert (m.lgamma(3.7), m.digamma(-0.3), m.erfinv(0.3)) == expected


def test_latex_has_the_names_of_mathematics() -> None:
    x = Value(0.25, label="x")
    assert str(m.latex(m.lgamma(x))) == r"\ln\left|\Gamma(x)\right|"
    assert str(m.latex(m.digamma(x))) == r"\psi(x)"
    assert str(m.latex(functions.polygamma(x, 2))) == r"\psi^{(2)}(x)"
    assert str(m.latex(m.erfinv(x))) == r"\operatorname{erf}^{-1}(x)"
    assert str(m.latex(x % 2 + x // 2)) == (r"x \bmod 2 + \left\lfloor \frac{x}{2} \right\rfloor")
