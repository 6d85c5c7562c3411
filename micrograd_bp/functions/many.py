"""The table, part five: functions of any number of operands."""

from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

from . import accurate
from .arithmetic import mul
from .function import Function, Scalar


def _dot_rule(*operands: Scalar) -> tuple[Scalar, ...]:
    """d(w.x + b): the inputs by the weights, the weights by the inputs, 1 by the bias."""
    n = len(operands) // 2
    return operands[n : 2 * n] + operands[:n] + (1.0,) * (len(operands) % 2)


def _exact_dot(mp: Any, *operands: Any) -> Any:
    n = len(operands) // 2
    bias = operands[-1] if len(operands) % 2 else 0
    return mp.fdot(operands[:n], operands[n : 2 * n]) + bias


def _prod_rule(*factors: Scalar) -> tuple[Scalar, ...]:
    """The product of the factors before each times the product of those after it."""
    before = list(accumulate(factors[:-1], mul, initial=1.0))
    after = list(accumulate(reversed(factors[1:]), mul, initial=1.0))
    return tuple(mul(left, right) for left, right in zip(before, reversed(after), strict=True))


def _shares(*terms: Scalar) -> Sequence[Scalar]:
    """softmax_j for each j; on floats in one go, n exponentials and not n*n."""
    if all(type(term) is float for term in terms):
        return accurate.shares(*terms)
    return [softmax(*terms, j) for j in range(len(terms))]


def _softmax_rule(
    *terms_and_index: Scalar, common: Sequence[Scalar] | None = None
) -> tuple[Scalar, ...]:
    """s_i (1 - s_i) for the term i itself, 1 - s_i as the sum of the others; -s_i s_j."""
    *terms, index = terms_and_index
    shares = _shares(*terms) if common is None else common
    rests = [-share for share in shares]
    rests[index] = fsum(*shares[:index], *shares[index + 1 :])
    own = shares[index]
    return tuple([own * rest for rest in rests])


def _exact_softmax(mp: Any, *terms_and_index: Any) -> Any:
    *terms, index = terms_and_index
    return mp.exp(terms[int(index)]) / mp.fsum(mp.exp(term) for term in terms)


def _of_many(key: str, value: Any, partials: Any, **more: Any) -> Function:
    return Function(key, value, partials, operands=None, public=True, **more)


dot: Function = _of_many("dot", accurate.dot, _dot_rule, exact=_exact_dot)
fsum: Function = _of_many(
    "fsum",
    accurate.fsum,
    lambda *terms: (1.0,) * len(terms),
    symbol="sum",
    exact=lambda mp, *terms: mp.fsum(terms),
)
mean: Function = _of_many(
    "mean",
    accurate.mean,
    lambda *terms: (1.0 / len(terms),) * len(terms),
    exact=lambda mp, *terms: mp.fsum(terms) / len(terms),
)
prod: Function = _of_many(
    "prod",
    lambda *factors: reduce(lambda x, y: x * y, factors, 1.0),
    _prod_rule,
    exact=lambda mp, *factors: mp.fprod(factors),
)
logsumexp: Function = _of_many(
    "logsumexp",
    accurate.logsumexp,
    lambda *terms: tuple(_shares(*terms)),
    exact=lambda mp, *terms: mp.log(mp.fsum(mp.exp(term) for term in terms)),
)
softmax: Function = _of_many(
    "softmax",
    accurate.softmax,
    _softmax_rule,
    parameters=1,
    common=_shares,
    tried=((1,),),
    exact=_exact_softmax,
)


def _exp_of_difference_rule(x: Scalar, y: Scalar) -> tuple[Scalar, Scalar]:
    slope = exp_of_difference(x, y)
    return slope, -slope


exp_of_difference: Function = Function(  # what the shares of a softmax have in common, x <= y
    "exp_of_difference",
    accurate.exp_of_difference,
    _exp_of_difference_rule,
    operands=2,
    exact=lambda mp, x, y: mp.exp(x - y),
    words="softmax",
)
