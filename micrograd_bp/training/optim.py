"""How weights follow the gradient downhill: SGD, Adam and AdamW as PyTorch has them, and L-BFGS.

An optimizer is one function on vectors, ``update(theta, gradient) -> new theta``, and what it
remembers between calls. ``step()`` is the same for a loop by hand: it reads the grads of Values
and writes their data. L-BFGS chooses its own steps, so it takes the function to be minimized.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..engine import Value
from ..messages import describe, knowing_misnomers, needing_packages
from ..modes import in_own_context
from ..nn.written import write
from ..numeric import show, to_float

with needing_packages(__name__):
    import numpy as np
    from numpy.typing import NDArray

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]

_OF_RATES = ("learning_rate", "eta", "rate")
_OF_ALL = {**dict.fromkeys(_OF_RATES, "lr={}"), "params": "parameters=..."}
_OF_DESCENT = {**_OF_ALL, "alpha": "lr={0}, or weight_decay={0} if that is meant"}
_knowing_those_of_adam = knowing_misnomers(
    {
        **_OF_DESCENT,
        **dict.fromkeys(("beta1", "beta2"), "betas=({beta1}, {beta2})"),
        **dict.fromkeys(("beta_1", "beta_2"), "betas=({beta_1}, {beta_2})"),
        "epsilon": "eps={}",
    },
    **dict.fromkeys(("beta1", "beta_1"), 0.9),
    **dict.fromkeys(("beta2", "beta_2"), 0.999),
)


class Optimizer:
    """What turns a gradient into a step.

    Args:
        parameters: the Values that ``step`` is to move, such as ``model.parameters()``; not
            needed for ``update`` and for ``fit``.
        lr: the learning rate eta; it may be changed between steps.

    Attributes:
        parameters: the Values, a list; empty if none were given.
        lr: the learning rate.

    Raises:
        TypeError: a parameter is no Value, or lr no number.
        ValueError: a parameter is the result of an operation, there are none, or lr < 0.
    """

    @knowing_misnomers(_OF_ALL)
    def __init__(self, parameters: Iterable[Value] | None = None, lr: float = 0.001) -> None:
        self.parameters = _values(parameters)
        self.lr = at_least_zero("lr", lr)
        self.reset()

    def reset(self) -> None:
        """Forget all earlier steps, such as the velocity of SGD with momentum.

        >>> sgd = SGD(lr=1.0, momentum=0.5)
        >>> one = np.array([1.0])
        >>> first, second = sgd.update(one, one), sgd.update(one, one)
        >>> sgd.reset()
        >>> first.item(), second.item(), sgd.update(one, one).item()
        (0.0, -0.5, 0.0)
        """
        self._state: tuple[Any, ...] = ()

    def update(self, theta: Vector, gradient: Vector) -> Vector:
        """New parameters for the parameters theta and the gradient of the error at theta.

        Args:
            theta, gradient: arrays of one shape, the same in every call; neither is changed.

        Returns:
            An array of that shape.

        Raises:
            ValueError: the shapes differ, from each other or from those of the last call.
            FloatingPointError: finite numbers gave one that is not; nothing is remembered.

        >>> SGD(lr=0.5).update(np.array([1.0, 2.0]), np.array([1.0, -1.0])).tolist()
        [0.5, 2.5]
        """
        theta, gradient = np.asarray(theta, float), np.asarray(gradient, float)
        before = next((part.shape for part in self._state if np.ndim(part)), theta.shape)
        if not theta.shape == gradient.shape == before:
            raise ValueError(
                f"{self} needs theta and gradient of one shape in all steps, not {theta.shape} and"
                f" {gradient.shape} after {before}; reset() makes it forget"
            )
        return self._updated_or_raised(theta, gradient)

    @in_own_context
    def _updated_or_raised(self, theta: Vector, gradient: Vector) -> Vector:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            theta, self._state = self._updated(theta, gradient)
        return theta

    def _updated(self, theta: Vector, gradient: Vector) -> tuple[Vector, tuple[Any, ...]]:
        """The new parameters, and what is to be remembered."""
        raise NotImplementedError

    def step(self) -> None:
        """Move the parameters by their grads.

        Raises:
            ValueError: the optimizer was made without parameters.
            FloatingPointError: a number would no longer be finite; nothing is written.

        >>> w = Value(1.0)
        >>> optimizer = SGD([w], lr=0.1)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (w * w).backward()
        ...     optimizer.step()
        >>> f"{w.data:.2f}"
        '0.64'
        """
        if not self.parameters:
            raise ValueError(
                f"{self} has no parameters to step: make it with"
                f" {type(self).__name__}(model.parameters(), ...)"
            )
        theta = np.array([parameter.data for parameter in self.parameters])
        gradient = np.array([parameter.grad for parameter in self.parameters])
        write(self.parameters, update_named(self, self.parameters, theta, gradient).tolist())

    def zero_grad(self) -> None:
        """Set the grad of every parameter to 0: backward passes add to what is there.

        >>> w = Value(3.0)
        >>> (w * w).backward()
        >>> SGD([w]).zero_grad()
        >>> w.grad
        0.0
        """
        for parameter in self.parameters:
            parameter.grad = 0.0

    def _settings(self) -> dict[str, Any]:
        hidden = ("parameters", "_state")
        return {name: x for name, x in vars(self).items() if name not in hidden}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={x}" for name, x in self._settings().items())
        return f"{type(self).__name__}({settings})"


class SGD(Optimizer):
    """Gradient descent: theta - lr * g; stochastic, where the gradient is of a few data points.

    With momentum, g is replaced by v = momentum * v + (1 - dampening) * g, at first v = g, and
    by g + momentum * v under Nesterov's rule (Bishop & Bishop, Deep Learning, 2024, section
    7.3; Sutskever et al. 2013, with the learning rate where torch.optim.SGD has it).

    Args:
        parameters: see ``Optimizer``.
        lr: the learning rate.
        momentum: mu, from 0 to less than 1.
        dampening: tau.
        weight_decay: lambda: lambda * theta is added to the gradient.
        nesterov: whether to look ahead; needs momentum, and no dampening.

    Raises:
        ValueError: a setting is out of its range.

    >>> sgd = SGD(lr=0.1, momentum=0.5)
    >>> theta = np.array([1.0])
    >>> for _ in range(2):
    ...     theta = sgd.update(theta, np.array([1.0]))
    >>> theta.round(3).tolist()
    [0.75]
    """

    @knowing_misnomers(_OF_DESCENT)
    def __init__(
        self,
        parameters: Iterable[Value] | None = None,
        lr: float = 0.001,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = _below_one("momentum", momentum)
        self.dampening = at_least_zero("dampening", dampening)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)
        self.nesterov = nesterov
        if nesterov and (not momentum or dampening):
            raise ValueError(
                f"nesterov needs momentum above 0, and dampening 0, not momentum={momentum} and"
                f" dampening={dampening}"
            )

    def _updated(self, theta: Vector, gradient: Vector) -> tuple[Vector, tuple[Any, ...]]:
        direction = gradient + self.weight_decay * theta if self.weight_decay else gradient
        if not self.momentum:
            return theta - self.lr * direction, ()
        if self._state:
            velocity = self.momentum * self._state[0] + (1.0 - self.dampening) * direction
        else:
            velocity = direction.copy()
        direction = direction + self.momentum * velocity if self.nesterov else velocity
        return theta - self.lr * direction, (velocity,)


class Adam(Optimizer):
    """Adam: theta - lr * m / (sqrt(v) + eps) (Kingma & Ba 2015; torch.optim.Adam).

    m and v are running means of the gradient and of its square, each divided by 1 - beta^t for
    the zeros that they began with (Bishop & Bishop, Deep Learning, 2024, section 7.3).

    Args:
        parameters: see ``Optimizer``.
        lr: the learning rate.
        betas: how much of m and v is kept from step to step, each from 0 to less than 1.
        eps: what keeps the quotient finite.
        weight_decay: lambda: lambda * theta is added to the gradient.

    Raises:
        ValueError: a setting is out of its range.

    >>> Adam(lr=0.1).update(np.array([1.0, 1.0]), np.array([1e-3, 1e3])).round(4).tolist()
    [0.9, 0.9]
    """

    @_knowing_those_of_adam
    def __init__(
        self,
        parameters: Iterable[Value] | None = None,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas are two numbers, such as (0.9, 0.999), not {show(betas)}")
        self.betas = (_below_one("betas[0]", betas[0]), _below_one("betas[1]", betas[1]))
        self.eps = at_least_zero("eps", eps)
        self.weight_decay = at_least_zero("weight_decay", weight_decay)

    def _updated(self, theta: Vector, gradient: Vector) -> tuple[Vector, tuple[Any, ...]]:
        if self.weight_decay:
            gradient = gradient + self.weight_decay * theta
        return self._adam(theta, gradient)

    def _adam(self, theta: Vector, gradient: Vector) -> tuple[Vector, tuple[Any, ...]]:
        zeros = np.zeros_like(theta)
        m, v, t = self._state or (zeros, zeros, 0)
        beta1, beta2 = self.betas
        t += 1
        m = beta1 * m + (1.0 - beta1) * gradient
        v = beta2 * v + (1.0 - beta2) * gradient * gradient
        scale = np.sqrt(v) / math.sqrt(1.0 - beta2**t) + self.eps
        return theta - self.lr / (1.0 - beta1**t) * (m / scale), (m, v, t)


class AdamW(Adam):
    """Adam whose weight decay is no part of the gradient: theta shrinks by 1 - lr * lambda first.

    As in Loshchilov & Hutter 2019, and torch.optim.AdamW.

    Args:
        parameters, lr, betas, eps: see ``Adam``.
        weight_decay: lambda.

    Raises:
        ValueError: a setting is out of its range.

    >>> AdamW(lr=0.1, weight_decay=0.5).update(np.array([1.0]), np.array([0.0])).tolist()
    [0.95]
    """

    @_knowing_those_of_adam
    def __init__(
        self,
        parameters: Iterable[Value] | None = None,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def _updated(self, theta: Vector, gradient: Vector) -> tuple[Vector, tuple[Any, ...]]:
        return self._adam(theta * (1.0 - self.lr * self.weight_decay), gradient)


class LBFGS:
    """L-BFGS by ``scipy.optimize.minimize``: for smooth errors, over all data points at once.

    It keeps the last few steps to tell the curvature, and chooses how far to go (Nocedal &
    Wright, Numerical Optimization, 2006, section 7.2). Needs scipy: ``pip install scipy``.

    Args:
        history_size: how many steps it keeps.
        gradient_tolerance: it ends where no derivative is larger than this.
        error_tolerance: it ends where a step improves the error by no more than this part of it.

    Raises:
        ValueError: a setting is out of its range.

    >>> from micrograd_bp import MLP, fit
    >>> line = MLP(1, [1], seed=0)
    >>> X, T = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> history = fit(line, X, T, loss="sum_of_squares", optimizer=LBFGS(), progress=False)
    >>> [round(parameter.data, 3) for parameter in line.parameters()]
    [2.0, 1.0]
    """

    @knowing_misnomers(
        dict.fromkeys(("lr", "alpha", *_OF_RATES), "LBFGS(), which chooses how far to go")
    )
    def __init__(
        self,
        history_size: int = 10,
        gradient_tolerance: float = 1e-5,
        error_tolerance: float = 1e-9,
    ) -> None:
        if not isinstance(history_size, int) or history_size < 1:
            raise ValueError(f"history_size is an integer from 1 on, not {show(history_size)}")
        self.history_size = history_size
        self.gradient_tolerance = at_least_zero("gradient_tolerance", gradient_tolerance)
        self.error_tolerance = at_least_zero("error_tolerance", error_tolerance)

    def minimize(
        self,
        objective: Objective,
        theta: Vector,
        iterations: int,
        after: Callable[[Vector], bool] = lambda _: False,
    ) -> str:
        """Lower the objective, step by step.

        Args:
            objective: gives the error and its gradient, for a vector of parameters.
            theta: where to begin.
            iterations: how many steps to take at most.
            after: called with the parameters after each step; True ends it.

        Returns:
            Why it ended, in words.

        Raises:
            ImportError: there is no scipy.

        >>> path = [np.array([3.0, 3.0])]
        >>> quadratic = lambda x: (float(x @ x), 2.0 * x)
        >>> _ = LBFGS().minimize(quadratic, path[0], 100, path.append)
        >>> bool(abs(path[-1]).max() < 1e-5)
        True
        """
        return self._minimized(objective, theta, iterations, after)[0]

    def _minimized(
        self,
        objective: Objective,
        theta: Vector,
        iterations: int,
        after: Callable[[Vector], bool],
    ) -> tuple[str, bool]:
        """Why it ended, and whether that is well: it converged, or the caller had it end."""
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ImportError(
                "L-BFGS is scipy's, which is not installed: pip install scipy"
            ) from error

        def callback(theta: Vector) -> None:
            if after(theta):
                raise _EndedByCaller

        try:
            result = minimize(
                objective,
                theta,
                jac=True,
                method="L-BFGS-B",
                callback=callback,
                options={
                    "maxiter": iterations,
                    "maxfun": 1_000 * iterations,
                    "maxcor": self.history_size,
                    "gtol": self.gradient_tolerance,
                    "ftol": self.error_tolerance,
                },
            )
        except _EndedByCaller:
            return "ended by the caller", True
        return self._reason(result), result.status == 0

    def _reason(self, result: Any) -> str:
        """Why scipy's loop ended, by its status; of its evaluations there are always enough."""
        if result.status == 1:
            return "no more steps were asked for"
        if result.status != 0:
            return "no lower error was found along the last direction"
        if np.abs(result.jac).max() <= self.gradient_tolerance:
            return f"converged, no derivative is above gradient_tolerance={self.gradient_tolerance}"
        return (
            f"converged, the last step gained no more than error_tolerance={self.error_tolerance}"
        )

    def __repr__(self) -> str:
        return f"LBFGS({', '.join(f'{name}={x}' for name, x in vars(self).items())})"


OPTIMIZERS: dict[str, type[Optimizer] | type[LBFGS]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}


class _EndedByCaller(Exception):
    """What leaves scipy's loop."""


def update_named(
    optimizer: Optimizer, parameters: Sequence[Value], theta: Vector, gradient: Vector
) -> Vector:
    """``optimizer.update``, with an error that names the parameter of the largest gradient.

    Raises:
        FloatingPointError: finite numbers gave one that is not.
    """
    try:
        return optimizer.update(theta, gradient)
    except FloatingPointError as error:
        i = int(np.argmax(np.abs(gradient)))
        raise FloatingPointError(
            f"{error} in the step of {optimizer}; the largest derivative is {gradient[i]}, by"
            f" {describe(parameters[i])}"
        ) from None


def _values(parameters: Any) -> list[Value]:
    if parameters is None:
        return []
    if isinstance(parameters, Value) or not isinstance(parameters, Iterable):
        raise TypeError(
            f"the parameters are a list of Values, such as model.parameters(), not"
            f" {show(parameters)}; the learning rate is lr=..."
        )
    values = list(dict.fromkeys(parameters))  # a weight that is used twice moves once
    for value in values:
        if not isinstance(value, Value):
            raise TypeError(f"a parameter is a Value, not {show(value)}")
        if value.parents:
            raise ValueError(f"a parameter is a leaf, not the result of an operation: {value!r}")
    if not values:
        raise ValueError("there are no parameters: the list is empty")
    return values


def at_least_zero(name: str, number: Any) -> float:
    """The number as a finite float that is not negative, or an error that names it."""
    x = _number(name, number)
    if not 0.0 <= x < math.inf:
        raise ValueError(f"{name} is a finite number from 0 on, not {show(number)}")
    return x


def _below_one(name: str, number: Any) -> float:
    x = _number(name, number)
    if not 0.0 <= x < 1.0:
        raise ValueError(f"{name} is at least 0 and less than 1, not {show(number)}")
    return x


def _number(name: str, number: Any) -> float:
    try:
        return to_float(number)
    except (OverflowError, TypeError) as error:
        raise type(error)(f"{name}: {error}") from error
