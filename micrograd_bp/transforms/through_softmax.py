"""What comes back through a softmax at once: a node an operand, not a node a pair of operands.

The adjoint of operand j has a term g_i ds_i/dx_j for each share s_i. All of them together are
s_j (g_j - sum_i g_i s_i), and the sum is that of all j. This cancels where s_j is near 1. So it
is recorded in a gradient that is to be lowered only, which writes it another way that does not
(program/lowering.py). The derivatives of a logsumexp, which are a softmax of its operands, are
recorded there as of the node itself: of two operands each, where a share has all n.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .. import functions
from ..engine import Value, dot, record
from ..functions import Function, Scalar
from .local_derivatives import is_zero

THROUGH_SOFTMAX: Function = Function(
    "",
    lambda mean, share, adjoint, j: share * (adjoint - mean),
    lambda mean, share, adjoint, j: (-share, adjoint - mean, share),
    operands=3,
    parameters=1,
    name="through_softmax",
)
"""Of sum_i g_i s_i, s_j and g_j; and j."""

SHARE: Function = Function(
    "",
    functions.exp_of_difference.value,
    functions.exp_of_difference.partials,
    operands=2,
    name="share",
)
"""Of x_j and logsumexp_i(x_i): s_j."""

TO_LOWER = THROUGH_SOFTMAX, SHARE

FEW = 3  # of so many operands it is worth it
Term = tuple[Scalar, Scalar]  # a local derivative, and the adjoint of the consumer


@dataclass(frozen=True, eq=False)
class Softmax:
    """The shares of the same operands, each once, by their places."""

    shares: dict[int, Value]

    @cached_property
    def operands(self) -> Sequence[Value]:
        """Those of each share."""
        return next(iter(self.shares.values())).parents

    @cached_property
    def total(self) -> Value:
        """The logsumexp, by which a share that is no node yet has two operands and not n."""
        return record(functions.logsumexp, self.operands)


Softmaxes = dict[tuple[Value, ...], list[Softmax]]  # by the operands


@dataclass(frozen=True, eq=False)
class Slope:
    """The derivative of a share by operand j, which is not recorded on its own."""

    softmax: Softmax
    share: Value
    j: int


def is_share(node: Value) -> bool:
    """Whether a node is a share of a softmax, of so many operands that its slopes can wait."""
    operation: Any = node.operation
    return operation.function is functions.softmax and len(node.parents) >= FEW


def is_total(node: Value) -> bool:
    """Whether a node is a logsumexp."""
    operation: Any = node.operation
    return operation.function is functions.logsumexp


def shares_in(total: Value) -> Sequence[Scalar]:
    """The derivatives of a logsumexp."""
    return [record(SHARE, (term, total)) for term in total.parents]


def place_of(share: Value) -> int:
    """Which of the shares it is, of its operands."""
    operation: Any = share.operation
    return int(operation.parameters[0])


def slopes(share: Value, softmaxes: Softmaxes) -> Sequence[Slope]:
    """The derivatives of a share, one an operand; its softmax is found among others, or added."""
    place, known = place_of(share), softmaxes.setdefault(share.parents, [])
    softmax = next((softmax for softmax in known if place not in softmax.shares), None)
    if softmax is None:
        softmax = Softmax({})
        known.append(softmax)
    softmax.shares[place] = share
    return [Slope(softmax, share, j) for j in range(len(share.parents))]


def together(terms: list[Term], means: dict[Softmax, Value]) -> list[Term]:
    """The terms of an adjoint, those through a softmax as one.

    Args:
        terms: some with a ``Slope`` for the local derivative.
        means: the sums of adjoints times shares; what is not known is added.
    """
    through: dict[tuple[Softmax, int], dict[Value, Scalar]] = {}
    for weight, adjoint in terms:
        if isinstance(weight, Slope) and not is_zero(adjoint):
            through.setdefault((weight.softmax, weight.j), {})[weight.share] = adjoint
    found = []
    for weight, adjoint in terms:
        if not isinstance(weight, Slope):
            found.append((weight, adjoint))
        elif not is_zero(adjoint):
            adjoints = through[weight.softmax, weight.j]
            if weight.share is next(iter(adjoints)):
                found.append((1.0, _through(weight.softmax, weight.j, adjoints, means)))
    return found


def _through(
    softmax: Softmax, j: int, adjoints: dict[Value, Scalar], means: dict[Softmax, Value]
) -> Value:
    if softmax not in means:
        means[softmax] = dot(list(adjoints), list(adjoints.values()))
    share = softmax.shares.get(j)
    if share is None:
        share = record(SHARE, (softmax.operands[j], softmax.total))
    return record(THROUGH_SOFTMAX, (means[softmax], share, adjoints.get(share, 0.0)), (j,))
