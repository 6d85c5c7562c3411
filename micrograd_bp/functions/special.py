"""The table, part six: the gamma function's logarithm and its derivatives; the inverse of erf."""

import math
from typing import Any

from . import decimals
from .function import Doc, Function

_NO_POLE = "data that is not 0, -1, -2, ..."


def _exact_lgamma(mp: Any, x: Any) -> Any:
    return mp.re(mp.loggamma(x))


def _exact_polygamma(mp: Any, x: Any, n: int = 0) -> Any:
    """By recurrence and Stirling's series for as many digits as are asked for: mp.psi is slow."""
    n = int(n)
    if n == 0:
        return mp.digamma(x)
    if x < 0.5:
        slope, cotangent = mp.mpf(0), mp.cospi(x) / mp.sinpi(x)
        for coefficient in reversed(decimals.cotangent_derivative(n)):
            slope = slope * cotangent + coefficient
        return (-1) ** n * _exact_polygamma(mp, 1 - x, n) - mp.pi ** (n + 1) * slope
    total, factorial, k = mp.mpf(0), mp.factorial(n), 0
    while x < mp.prec / 4 + n:
        total, x = total + factorial / x ** (n + 1), x + 1
    total += mp.factorial(n - 1) / x**n + factorial / (2 * x ** (n + 1))
    term = total
    while abs(term) > mp.ldexp(total, -mp.prec):
        k += 1
        term = mp.bernoulli(2 * k) * math.perm(2 * k + n - 1, n - 1) / x ** (2 * k + n)
        total += term
    return (-1) ** (n + 1) * total


def _exact_erfinv(mp: Any, x: Any) -> Any:
    return mp.erfinv(x)


lgamma: Function = Function(
    "lgamma",
    decimals.lgamma,
    lambda x: (digamma(x),),
    domain=lambda x: not decimals.is_gamma_pole(x),
    needs=_NO_POLE,
    doc=Doc(
        "log(abs(gamma(x))), the logarithm of the gamma function",
        "5.0",
        "3.1780538303479458",
        "1.506118",
        "ValueError: x is 0 or a negative integer.\n        OverflowError: x > 2.55e305.",
    ),
    exact=_exact_lgamma,
)
digamma: Function = Function(
    "digamma",
    lambda x: decimals.polygamma(x, 0),
    lambda x: (polygamma(x, 1),),
    domain=lambda x: not decimals.is_gamma_pole(x),
    needs=_NO_POLE,
    doc=Doc(
        "the derivative of lgamma",
        "1.0",
        "-0.5772156649015329",
        "1.644934",
        "ValueError: x is 0 or a negative integer.",
    ),
    exact=_exact_polygamma,
)
polygamma: Function = Function(
    "polygamma",
    decimals.polygamma,
    lambda x, n: (polygamma(x, n + 1),),
    parameters=1,
    words="the derivative of digamma",
    domain=lambda x, n: not decimals.is_gamma_pole(x),
    needs=_NO_POLE,
    exact=_exact_polygamma,
)
erfinv: Function = Function(
    "erfinv",
    decimals.erfinv,
    lambda x: (erfinv_derivative(x),),
    domain=lambda x: -1.0 < x < 1.0,
    needs="-1 < data < 1",
    doc=Doc(
        "inverse of the error function",
        "0.5",
        "0.4769362762044699",
        "1.112585",
        "ValueError: x <= -1 or x >= 1.",
    ),
    exact=_exact_erfinv,
)
erfinv_derivative: Function = Function(
    "erfinv_derivative",
    decimals.erfinv_derivative,
    lambda x: (2.0 * (erfinv(x) * erfinv_derivative(x)) * erfinv_derivative(x),),
    words="the derivative of erfinv",
    domain=lambda x: -1.0 < x < 1.0,
    needs="-1 < data < 1",
    exact=lambda mp, x: mp.sqrt(mp.pi) / 2 * mp.exp(_exact_erfinv(mp, x) ** 2),
)
