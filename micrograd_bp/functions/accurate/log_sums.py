"""Logarithms of sums of exponentials, and the share of each: logaddexp, logsumexp, softmax."""

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from math import inf, isfinite, isnan, nan

from .error_free import two_difference
from .ieee import exp
from .logistic import sigmoid, times_exp


def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y)) without overflow.

    Where the larger operand is negative and the logarithm beside it cancels most of it, the
    sum is taken in many digits: a result near 0 would otherwise keep no digit at all.
    """
    if isnan(x) or isnan(y):
        return nan
    largest, smallest = max(x, y), min(x, y)
    if largest in (inf, -inf):
        return largest
    difference, error = two_difference(smallest, largest)
    ratio = math.exp(difference)
    rest = math.log1p(ratio + ratio * error)
    result = largest + rest
    if largest >= 0.0 or abs(result) >= 2.0 * rest:
        return result
    return logaddexp_in_digits(x, y, 60 + int(-difference / 2.3))  # 1 + ratio, and 60 of the ratio


def logaddexp_in_digits(x: float, y: float, digits: int) -> float:
    with localcontext() as context:
        context.prec = digits
        return float((Decimal(x).exp() + Decimal(y).exp()).ln())


def softmax_of_two(x: float, y: float) -> float:
    """exp(x) / (exp(x) + exp(y)): sigmoid of the difference, exact to the last bit of x - y.

    A term of -inf weighs 0, also beside another.
    """
    if x == y == -inf:
        return 0.0
    difference, error = two_difference(x, y)
    if difference < -690.0:
        return times_exp(1.0 + error, difference) if difference > -1e4 else 0.0
    share = sigmoid(difference)
    return share + share * sigmoid(-difference) * error


def exp_of_difference(x: float, y: float) -> float:
    """exp(x - y), x <= y, the rounding error of x - y folded back (abs(x - y) / 2 ulp without).

    A term of -inf weighs 0, also beside another.
    """
    difference, error = two_difference(x, 0.0 if y == -inf else y)
    size = exp(difference)
    return size + size * error if size < inf else size


def logsumexp(*terms: float) -> float:
    if any(map(isnan, terms)):
        return nan
    largest = max(terms)
    if not isfinite(largest):
        return largest
    sizes = [exp_of_difference(term, largest) for term in terms]
    sizes.remove(1.0)  # of the largest itself: log1p keeps what a sum near 1 would lose
    return largest + math.log1p(math.fsum(sizes))


@lru_cache(maxsize=1)  # one after the other is asked for, with its derivatives
def shares(*terms: float) -> tuple[float, ...]:
    """exp(x_j) / sum_i exp(x_i) for each j; a term of -inf weighs 0, also among its like."""
    largest = max(terms)
    if not isfinite(largest) or any(map(isnan, terms)):
        return (0.0 if all(term == -inf for term in terms) else nan,) * len(terms)
    sizes = [exp_of_difference(term, largest) for term in terms]
    total = math.fsum(sizes)
    return tuple([size / total for size in sizes])


def softmax(*terms_and_index: float) -> float:
    """The share at an index, which is the last argument."""
    *terms, index = terms_and_index
    return shares(*terms)[int(index)]
