"""Error functions: how far the outputs of a network are from the targets, at one data point.

Each is the negative logarithm of the probability that a model gives the targets, but for the
hinge (Bishop & Bishop, Deep Learning, 2024, sections 5.4 and 6.4; the hinge: Bishop, PRML, 2006,
section 7.1). The outputs of a classifier are its pre-activations a_k, called logits, from a linear
last layer: sigmoid and softmax are taken in here, where nothing over- or underflows.
"""

from collections.abc import Callable
from typing import Any

from ..elementary import logsumexp, mean, relu, softplus, square, step
from ..engine import Value, dot, fsum
from ..numeric import is_number, show, sum_in_order, to_float

Loss = Callable[[Any, Any], Any]
Operands = Any  # a Value or number, or several in a list, tuple or array


def sum_of_squares(y: Operands, t: Operands) -> Any:
    """E_n = 1/2 sum_k (y_k - t_k)^2, for targets that are numbers.

    Args:
        y: the K outputs, Values or numbers; one may stand without a list.
        t: the K targets, likewise.

    Returns:
        E_n: a Value labelled E_n; a float where all is numbers.

    Raises:
        TypeError: an output or target is no number.
        ValueError: there are not as many targets as outputs.

    >>> y = [Value(1.0), Value(2.0)]
    >>> E = sum_of_squares(y, [0.0, 5.0])
    >>> E.backward()
    >>> E.data, [y_k.grad for y_k in y]  # delta_k = y_k - t_k
    (5.0, [1.0, -3.0])
    """
    return _named(fsum(_squares("sum_of_squares", y, t)) / 2.0, "E_n")


def mean_squared_error(y: Operands, t: Operands) -> Any:
    """E_n = 1/K sum_k (y_k - t_k)^2, for targets that are numbers.

    That is torch.nn.MSELoss at one data point.

    Args:
        y, t: as for ``sum_of_squares``.

    Raises:
        TypeError, ValueError: as for ``sum_of_squares``.

    >>> mean_squared_error([1.0, 2.0], [0.0, 5.0])
    5.0
    >>> mean_squared_error(3.0, 1.0)
    4.0
    """
    return _named(mean(_squares("mean_squared_error", y, t)), "E_n")


def cross_entropy(y: Operands, t: Operands) -> Any:
    """E_n = -sum_k t_k ln softmax(a)_k, for one class out of K.

    Computed as logsumexp_k(m_k) - sum_k t_k m_k of the margins m_k = a_k - a_t over the class t
    with more than half of the probability, whose own margin is 0 and no difference: E_n and
    dE_n/da_t = -sum_{k != t} y_k keep their digits also where that class is all but certain.

    Args:
        y: the K >= 2 logits a_k, Values or numbers.
        t: the class, an integer from 0 to K - 1; or a list of K probabilities, as 1-of-K coding.

    Returns:
        E_n: a Value labelled E_n; a float where all is numbers.

    Raises:
        TypeError: a logit or probability is no number.
        ValueError: there is one logit only; the class is not one of the K; there are not K
            probabilities, or one is negative, or their sum is not 1.

    >>> a = [Value(0.0), Value(0.0)]
    >>> E = cross_entropy(a, 1)
    >>> E.backward()
    >>> f"{E:.6f}", [a_k.grad for a_k in a]  # delta_k = y_k - t_k, where y = softmax(a)
    ('0.693147', [0.5, -0.5])
    >>> cross_entropy([0.0, 0.0], [0.0, 1.0]) == E.data
    True
    """
    logits = _several("output", y)
    if len(logits) < 2:
        raise ValueError(
            f"cross_entropy needs 2 outputs at least, one a class, not {len(logits)}: take"
            " binary_cross_entropy for one logit"
        )
    if is_number(t):
        return _named(logsumexp(_margins(logits, _one_of_k(t, len(logits)))), "E_n")
    targets = _probabilities(t, len(logits))
    margins = _margins(logits, targets)
    of_target = _named(dot(targets, margins), "sum_k t_k (y_k - y_t)")
    return _named(logsumexp(margins) - of_target, "E_n")


def binary_cross_entropy(y: Operands, t: Operands) -> Any:
    """E_n = -sum_k {t_k ln y_k + (1 - t_k) ln(1 - y_k)} with y_k = sigmoid(a_k).

    Computed with -ln y_k = softplus(-a_k) and -ln(1 - y_k) = softplus(a_k). At one output that
    is torch.nn.BCEWithLogitsLoss at one data point, which for several takes the mean over k.

    Args:
        y: the logits a_k, Values or numbers; one may stand without a list.
        t: the targets, 0 or 1, or probabilities in between.

    Returns:
        E_n: a Value labelled E_n; a float where all is numbers.

    Raises:
        TypeError: a logit or target is no number.
        ValueError: there are not as many targets as logits, or one is not in [0, 1].

    >>> a = Value(-40.0)
    >>> E = binary_cross_entropy(a, 0)
    >>> E.backward()
    >>> E.data == a.grad == 4.248354255291589e-18  # delta = y - t, to the last digit
    True
    """
    logits, targets = _pairs("binary_cross_entropy", y, t)
    for t_k in map(_number, targets):
        if not 0.0 <= t_k <= 1.0:
            advice = ": write (t + 1) / 2 for t = -1 or 1" if t_k == -1.0 else ""
            raise ValueError(f"binary_cross_entropy needs targets from 0 to 1, not {t_k}{advice}")
    weights = [weight for t_k in targets for weight in (t_k, 1.0 - t_k)]
    surprises = [
        surprise
        for k, a_k in enumerate(logits, 1)
        for surprise in (
            _named(softplus(-a_k), f"-ln sigmoid(y_{k})"),
            _named(softplus(a_k), f"-ln(1 - sigmoid(y_{k}))"),
        )
    ]
    return _named(dot(weights, surprises), "E_n")


def hinge(y: Operands, t: Operands) -> Any:
    """E_n = sum_k max(0, 1 - t_k y_k), for two classes told by the sign; its slope is 0 at 1.

    Args:
        y: the outputs, Values or numbers; one may stand without a list.
        t: the targets, -1 or 1.

    Returns:
        E_n: a Value labelled E_n; a float where all is numbers.

    Raises:
        TypeError: an output or target is no number.
        ValueError: there are not as many targets as outputs, or one is neither -1 nor 1.

    >>> hinge(Value(0.25), -1).data, hinge(3.0, 1)
    (1.25, 0.0)
    """
    outputs, targets = _pairs("hinge", y, t)
    for t_k in map(_number, targets):
        if t_k not in (-1.0, 1.0):
            advice = ": write 2 * t - 1 for t = 0 or 1" if t_k == 0.0 else ""
            raise ValueError(f"hinge needs targets that are -1 or 1, not {t_k}{advice}")
    margins = [
        _named(1.0 - t_k * y_k, f"1 - t_{k} y_{k}")
        for k, (y_k, t_k) in enumerate(zip(outputs, targets), 1)
    ]
    return _named(fsum([relu(margin) for margin in margins]), "E_n")


LOSSES: dict[str, Loss] = {
    "sum_of_squares": sum_of_squares,
    "mean_squared_error": mean_squared_error,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "hinge": hinge,
}


def _squares(name: str, y: Operands, t: Operands) -> list[Any]:
    outputs, targets = _pairs(name, y, t)
    differences = [
        _named(y_k - t_k, f"y_{k} - t_{k}") for k, (y_k, t_k) in enumerate(zip(outputs, targets), 1)
    ]
    return [_named(square(d), f"(y_{k} - t_{k})^2") for k, d in enumerate(differences, 1)]


def _pairs(name: str, y: Operands, t: Operands) -> tuple[list[Any], list[Any]]:
    outputs, targets = _several("output", y), _several("target", t)
    if len(outputs) != len(targets) or not outputs:
        raise ValueError(
            f"{name} needs one target for each output, not {len(targets)} for {len(outputs)}:"
            f" outputs {show(y)}, targets {show(t)}"
        )
    return outputs, targets


def _several(kind: str, x: Operands) -> list[Any]:
    """Values and floats in a list; anything else is refused."""
    if isinstance(x, Value) or is_number(x):
        x = [x]
    if isinstance(x, str) or not hasattr(x, "__iter__"):
        raise TypeError(f"an {kind} is a Value or a number, or a list of them, not {show(x)}")
    return [x_k if isinstance(x_k, Value) else to_float(x_k) for x_k in x]


def _margins(logits: list[Any], targets: list[Any]) -> list[Any]:
    """a_k - a_t, but 0 for t itself, which has more than half of the probability; a_k without t.

    With targets that are Values, a product with 0 or 1 chooses, so that a Program can.
    """
    if any(isinstance(t_k, Value) for t_k in targets):
        is_t = [step(t_k - 0.5) for t_k in targets]
        margins = _less(logits, _named(dot(is_t, logits), "y_t"))
        return [(1.0 - is_k) * margin for is_k, margin in zip(is_t, margins)]
    t = next((k for k, t_k in enumerate(targets) if t_k > 0.5), None)
    margins = _less(logits, 0.0 if t is None else logits[t])
    return [0.0 if k == t else margin for k, margin in enumerate(margins)]


def _less(logits: list[Any], a_t: Any) -> list[Any]:
    return [_named(a_k - a_t, f"y_{k} - y_t") for k, a_k in enumerate(logits, 1)]


def _one_of_k(t: Any, n_classes: int) -> list[float]:
    index = to_float(t)
    if index not in range(n_classes):
        raise ValueError(
            f"the class of cross_entropy is an integer from 0 to {n_classes - 1}, one of the"
            f" {n_classes} outputs, not {show(t)}"
        )
    return [float(k == index) for k in range(n_classes)]


def _probabilities(t: Operands, n_classes: int) -> list[Any]:
    targets = _several("target", t)
    numbers = list(map(_number, targets))
    if len(numbers) != n_classes:
        raise ValueError(
            f"cross_entropy needs a class, or one probability for each of the {n_classes}"
            f" outputs, not {len(numbers)}: {show(t)}"
        )
    if not min(numbers) >= 0.0 or not abs(sum_in_order(numbers) - 1.0) <= 1e-6:
        raise ValueError(
            "cross_entropy needs probabilities that are not negative and add up to 1, not"
            f" {numbers}"
        )
    return targets


def _number(x: Value | float) -> float:
    return x.data if isinstance(x, Value) else x


def _named(result: Any, label: str) -> Any:
    """The result with a label, for pictures and messages; a float has none."""
    if isinstance(result, Value):
        result.label = label
    return result
