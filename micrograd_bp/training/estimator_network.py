"""What the estimators have in common: settings, the network that they make, and its training."""

import warnings
from collections.abc import Sequence
from copy import deepcopy
from math import ceil
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..messages import knowing_misnomers
from ..nn import MLP, Activation
from ..numeric import show, to_float
from ..program import Program
from .data import Table, weight_column
from .early_stopping import Best
from .history import History
from .losses import Loss
from .network_programs import (
    Shape,
    error_of_shape,
    outputs_of_shape,
    outputs_program,
    penalized_error,
)
from .objective import TableObjective
from .optim import LBFGS, SGD, Optimizer, at_least_zero
from .run import Run
from .settings import at_least_one, named_optimizer

_Array = NDArray[Any]


def _split(points: Table, fraction: float, seed: int, classes: _Array | None) -> list[Table]:
    """The data points to train on, and those held out; of each class as many, if that can be."""
    if classes is not None:
        _, counts = np.unique(classes, return_counts=True)
        out = ceil(fraction * len(points))
        if counts.min() < 2 or min(out, len(points) - out) < len(counts):
            classes = None
    try:
        parts: list[Table] = train_test_split(
            points, test_size=fraction, random_state=seed, stratify=classes
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping holds out validation_fraction={fraction} of the data points, and there"
            f" are {len(points)}: take more, another fraction, or no early_stopping ({error})"
        ) from error
    return parts


def goes_step_by_step(estimator: Any) -> bool:
    """Whether it can go on with more data, as all but L-BFGS can."""
    return estimator.solver != "lbfgs" and not isinstance(estimator.solver, LBFGS)


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """What the two have in common: settings, the network, and its training."""

    network_: MLP
    history_: History

    @knowing_misnomers(
        {
            "warm_start": "partial_fit(X, y) to go on with the training",
            "class_weight": "fit(X, y, compute_sample_weight({}, y)), of sklearn.utils",
            "learning_rate": "learning_rate_init=..., which stays as it is",
            "momentum": "solver=SGD(lr=..., momentum={})",
            "nesterovs_momentum": "solver=SGD(lr=..., momentum=..., nesterov={})",
            "optimizer": "solver={}",
            "lr": "learning_rate_init={}",
            "epochs": "max_iter={}",
            "seed": "random_state={}",
        }
    )
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Activation = "relu",
        *,
        solver: str | Optimizer | LBFGS = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        init: str = "glorot",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.init = init
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @property
    def coefs_(self) -> list[_Array]:
        """The weights of each layer, a matrix (n_in, n_out)."""
        return [
            np.array([[w.data for w in neuron.w] for neuron in layer.neurons]).T
            for layer in self.network_.layers
        ]

    @property
    def intercepts_(self) -> list[_Array]:
        """The biases of each layer."""
        return [
            np.array([neuron.b.data for neuron in layer.neurons]) for layer in self.network_.layers
        ]

    @property
    def loss_curve_(self) -> list[float]:
        """The error after each epoch, with the penalty on the weights."""
        return self.history_.error_after

    @property
    def loss_(self) -> float:
        """The error after the last epoch, with the penalty on the weights."""
        return self.loss_curve_[-1]

    @property
    def n_layers_(self) -> int:
        """How many layers there are, with that of the inputs."""
        return len(self.network_.layers) + 1

    @property
    def n_outputs_(self) -> int:
        """How many outputs the network has."""
        return len(self.network_.layers[-1].neurons)

    @property
    def n_iter_(self) -> int:
        """How many epochs there were."""
        return len(self.loss_curve_)

    def _begin(self, X: Table, n_outputs: int, loss: Loss) -> None:
        """A new network for such data, and the program that runs it."""
        self._random = check_random_state(self.random_state)
        sizes: Any = self.hidden_layer_sizes
        if isinstance(sizes, str) or not isinstance(sizes, (Sequence, np.ndarray)):
            sizes = [sizes]
        activation = "linear" if self.activation == "identity" else self.activation
        self.network_ = MLP(
            X.shape[1],
            [*(at_least_one("hidden_layer_sizes", n) for n in sizes), n_outputs],
            hidden=activation,
            seed=int(self._random.randint(2**31)),
            init=self.init,
        )
        self.history_ = History()
        self._optimizer, self._loss = self._new_optimizer(), loss
        self._error: Program | None = None  # which needs targets too
        self._shape: Shape | None = None
        if isinstance(activation, str):  # any network of this shape does the same operations
            n_units = tuple(len(layer.neurons) for layer in self.network_.layers)
            self._shape = X.shape[1], n_units, activation
            self._outputs = outputs_of_shape(self._shape)
        else:
            self._outputs = outputs_program(self.network_, X[0])

    def _compiled_error(self, X: Table, T: Table) -> Program:
        shape: Shape | None = getattr(self, "_shape", None)  # older pickles have none
        if shape:
            return error_of_shape(shape, self._loss)
        return penalized_error(self.network_, self._loss, X, T)

    def __getstate__(self) -> dict[str, Any]:
        """All but the program of the error, by far the largest part, and soon made again."""
        state: dict[str, Any] = super().__getstate__()
        return {**state, "_error": None} if "_error" in state else state

    def _new_optimizer(self) -> Optimizer | LBFGS:
        if self.solver == "sgd":
            return SGD(lr=self.learning_rate_init, momentum=0.9, nesterov=True)
        if not isinstance(self.solver, str):
            if not isinstance(self.solver, (Optimizer, LBFGS)):
                wanted = 'such as Adam(lr=0.01), or the name of one, "adam"'
                raise TypeError(f"solver is an optimizer {wanted}, not {show(self.solver)}")
            return deepcopy(self.solver)
        if self.solver == "lbfgs":
            return LBFGS(gradient_tolerance=self.tol)
        optimizer = named_optimizer(self.solver)
        if isinstance(optimizer, Optimizer):
            optimizer.lr = at_least_zero("learning_rate_init", self.learning_rate_init)
        return optimizer

    def _train(
        self,
        X: Table,
        T: Table,
        sample_weight: Any,
        max_iter: int,
        early_stopping: bool = False,
        stratify: _Array | None = None,
    ) -> bool:
        """Go through the data, as weights and optimizer are; whether that ended well."""
        program = self._error = self._error or self._compiled_error(X, T)
        threads = effective_n_jobs(self.n_jobs)
        raw = np.ones((len(X), 1))
        if sample_weight is not None:
            raw = weight_column(sample_weight, len(X), average=False)
        weights = weight_column(raw, len(X), average=True)
        points = np.hstack([X, T, np.zeros_like(weights), weights])
        held_out = None
        if early_stopping:
            fraction = self.validation_fraction
            if not 0.0 < to_float(fraction) < 1.0:
                raise ValueError(f"validation_fraction is between 0 and 1, not {show(fraction)}")
            points, held_out_points = _split(
                points, fraction, self._random.randint(2**31), stratify
            )
            held_out = TableObjective(program, held_out_points, True, 1, threads)
        n = len(points)
        batch_size = 200 if self.batch_size == "auto" else self.batch_size
        batch_size = min(at_least_one("batch_size", batch_size), n)
        if isinstance(self._optimizer, LBFGS):
            batch_size = n
        # alpha / 2 of the squared weights, once a batch, is shared by the points of a batch
        points[:, -2] = at_least_zero("alpha", self.alpha) / 2.0 / (batch_size * np.mean(raw))
        best = None
        if held_out or goes_step_by_step(self):
            patience = at_least_one("n_iter_no_change", self.n_iter_no_change)
            best = Best(patience, at_least_zero("tol", self.tol))
        objective = TableObjective(program, points, True, batch_size, threads)
        run = Run(self.network_, self.network_.parameters(), objective, held_out, best=best)
        run.history = self.history_
        run.history.ended = ""
        rng = np.random.default_rng(self._random.randint(2**31))
        max_iter = at_least_one("max_iter", max_iter)
        run.train(self._optimizer, max_iter, rng, bool(self.verbose))
        return run.ended_well

    def _train_to_the_end(
        self, X: Table, T: Table, sample_weight: Any, stratify: _Array | None = None
    ) -> None:
        if not self._train(X, T, sample_weight, self.max_iter, self.early_stopping, stratify):
            found, advice = "the error is still going down", "raise max_iter, or"
            if isinstance(self._optimizer, LBFGS):
                _, _, reason = self.history_.ended.partition(": ")
                found = f"L-BFGS has not converged, {reason}"
                if self.n_iter_ < self.max_iter:  # more would not help
                    advice = "take a smooth activation, or a larger tol, or"
            warnings.warn(
                f"after {self.n_iter_} epochs of max_iter={self.max_iter} {found}: {advice} scale"
                " the data to about 1",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _predicted(self, X: Any) -> Table:
        """The outputs of the network, (N, K)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        theta = [parameter.data for parameter in self.network_.parameters()]
        outputs: Table = self._outputs(X, theta, threads=effective_n_jobs(self.n_jobs))
        return outputs.reshape(len(X), -1)
