"""Sums of any number of operands."""

import math
from math import inf, isfinite


def exact_mean(terms: tuple[float, ...], number: int) -> float:
    """The sum of finite terms over a number, correctly rounded, in integers."""
    ratios = map(float.as_integer_ratio, terms)
    total = sum(numerator * (2**1074 // denominator) for numerator, denominator in ratios)
    try:
        return total / (2**1074 * number)
    except OverflowError:
        return inf if total > 0 else -inf


def fsum(*terms: float) -> float:
    """The exactly rounded sum (Shewchuk's algorithm, by math.fsum)."""
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # too large on the way, or inf - inf
        if all(map(isfinite, terms)):
            return exact_mean(terms, 1)
        return sum(terms)


def mean(*terms: float) -> float:
    total = fsum(*terms)
    if isfinite(total) or not all(map(isfinite, terms)):
        return total / len(terms)
    return exact_mean(terms, len(terms))


def dot(*operands: float) -> float:
    """w_1 x_1 + ... + w_n x_n, from the bias on, left to right."""
    n = len(operands) // 2
    total = operands[-1] if len(operands) % 2 else 0.0
    for weight, value in zip(operands[:n], operands[n : 2 * n], strict=True):
        total += weight * value
    return total
