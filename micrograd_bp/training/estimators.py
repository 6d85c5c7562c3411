"""Networks as scikit-learn's users know them: estimators to put in pipelines and searches.

An estimator is settings; its ``fit`` makes an MLP for the data and trains it as ``fit`` of this
package does, by the same programs. The settings have the names that ``MLPClassifier`` and
``MLPRegressor`` give them, and the same meaning.
"""

import warnings
from collections.abc import Sequence
from copy import deepcopy
from math import ceil
from typing import Any

from ..nn import MLP, Activation
from ..numeric import show, to_float
from ..program import Program
from .data import Table, weight_column
from .early_stopping import Best
from .history import History
from .losses import Loss, binary_cross_entropy, cross_entropy, sum_of_squares
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

try:
    import numpy as np
    from joblib import effective_n_jobs
    from numpy.typing import NDArray
    from scipy.sparse import issparse
    from scipy.special import expit, log_expit, log_softmax, softmax
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import (
        _check_partial_fit_first_call,
        check_classification_targets,
        type_of_target,
    )
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "NetworkClassifier and NetworkRegressor are estimators for scikit-learn, of version 1.6 at"
        f" least: pip install 'micrograd_bp[training]' ({error})"
    ) from error

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


def _goes_step_by_step(estimator: Any) -> bool:
    return estimator.solver != "lbfgs" and not isinstance(estimator.solver, LBFGS)


class _Network(BaseEstimator):  # type: ignore[misc]
    """What the two have in common: settings, the network, and its training."""

    network_: MLP
    history_: History

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
        if held_out or _goes_step_by_step(self):
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
            found = "the error is still going down"
            if isinstance(self._optimizer, LBFGS):
                _, _, reason = self.history_.ended.partition(": ")
                found = f"L-BFGS has not converged, {reason}"
            warnings.warn(
                f"after {self.n_iter_} epochs of max_iter={self.max_iter} {found}: raise"
                " max_iter, or scale the data to about 1",
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


class NetworkClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    """A network that tells classes apart, for scikit-learn: as ``MLPClassifier``.

    For K classes it has K linear outputs and the softmax cross-entropy, for two one output and
    the binary cross-entropy, and likewise for each of several labels. Data are better scaled to
    about 1, as by ``StandardScaler``.

    Args:
        hidden_layer_sizes: number of units in each hidden layer.
        activation: h of the hidden units, by name or as a function on Values, as in ``MLP``;
            "identity" is "linear".
        solver: "adam", "adamw", "lbfgs", "sgd" (with Nesterov's momentum of 0.9), or an optimizer
            such as ``Adam(lr=0.01)``.
        alpha: what half of the squared weights, summed and divided by the size of a batch, is
            multiplied by to be added to the error.
        batch_size: how many data points a step takes into account; "auto" is 200, or all.
        learning_rate_init: the learning rate of a solver that goes by its name.
        max_iter: how many epochs at most.
        tol, n_iter_no_change: the training ends after n_iter_no_change epochs on end that have
            not lowered the lowest error by tol; the weights are those of the lowest. For lbfgs
            it ends where no derivative is larger than tol.
        early_stopping: whether to watch the error of data points that are held out of the
            training; else that of the training is watched.
        validation_fraction: how large a part of the data is held out.
        init: how large the weights are at first, as in ``MLP``.
        random_state: an integer to have the same result each time.
        n_jobs: on how many threads; None is 1, -1 all. The result is the same.
        verbose: whether to show a progress bar.

    Attributes:
        classes_: the labels, sorted.
        network_: the ``MLP``; ``coefs_`` and ``intercepts_`` are its weights as arrays.
        history_: the ``History``; ``loss_curve_``, ``loss_`` and ``n_iter_`` are parts of it.
        n_layers_, n_outputs_: how many layers, with that of the inputs, and outputs there are.
        n_features_in_, feature_names_in_: how many columns X had, and their names, if any.

    Raises:
        ValueError, TypeError: by ``fit``, where a setting or the data will not do.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> classifier = NetworkClassifier([8], "tanh", solver="lbfgs", alpha=1.0, random_state=0)
    >>> model = make_pipeline(StandardScaler(), classifier).fit(X, y)
    >>> bool(model.score(X, y) > 0.97)
    True
    """

    classes_: _Array

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "NetworkClassifier":
        """Make a network for the data and train it.

        Args:
            X: (N, D) numbers.
            y: (N,) labels of any kind; or (N, K) zeros and ones, which of K labels a data point
                has: there may be none or several.
            sample_weight: how much each data point counts, (N,) numbers from 0 on.

        Returns:
            The estimator itself.

        Raises:
            ValueError: the data or a setting will not do.
            FloatingPointError: a number stopped being finite.

        >>> model = NetworkClassifier([], solver="lbfgs").fit([[0], [1], [2]], ["a", "a", "b"])
        >>> model.predict([[-1], [3]]).tolist()
        ['a', 'b']
        """
        if y is not None and type_of_target(y, input_name="y") == "multilabel-indicator":
            return self._fit_labels(X, y, sample_weight)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        counted = codes
        if sample_weight is not None:
            counted = codes[weight_column(sample_weight, len(X), average=False)[:, 0] > 0]
        if len(np.unique(counted)) < 2:
            raise ValueError("there is one class only to be learned: it needs 2 at least")
        self._begin_classes(X)
        self._train_to_the_end(X, self._coded(codes), sample_weight, codes)
        return self

    def _fit_labels(self, X: Any, y: Any, sample_weight: Any) -> "NetworkClassifier":
        """An output for each label, by itself."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True)
        T = np.asarray(y.toarray() if issparse(y) else y, float)
        self.classes_ = np.arange(T.shape[1])
        self._begin(X, T.shape[1], binary_cross_entropy)
        self._train_to_the_end(X, T, sample_weight)
        return self

    @property
    def _has_labels(self) -> bool:
        return self.n_outputs_ > 1 and self._loss is binary_cross_entropy

    @available_if(_goes_step_by_step)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "NetworkClassifier":
        """Go on with the training: one epoch of these data.

        Args:
            X, y, sample_weight: as for ``fit``.
            classes: all labels that there will be, in the first call.

        Returns:
            The estimator itself.

        Raises:
            ValueError: as by ``fit``, or a label is none of the classes.
            FloatingPointError: a number stopped being finite.

        >>> model = NetworkClassifier([2], random_state=0)
        >>> model.partial_fit([[0.0]], [1], classes=[1, 2]).partial_fit([[3.0]], [2]).n_iter_
        2
        """
        is_first = _check_partial_fit_first_call(self, classes)
        X, y = validate_data(self, X, y, dtype=np.float64, reset=is_first)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            label = show(unknown.tolist()[0])
            raise ValueError(f"y has {label}, which is none of the classes {self.classes_}")
        if is_first:
            self._begin_classes(X)
        codes = np.searchsorted(self.classes_, y)
        self._train(X, self._coded(codes), sample_weight, 1)
        return self

    def predict(self, X: Any) -> _Array:
        """The most probable class of each data point.

        Args:
            X: (N, D) numbers.

        Returns:
            (N,) labels; (N, K) zeros and ones, where ``fit`` was given such.

        Raises:
            NotFittedError: it has not been trained.
            ValueError: X is no such table.

        >>> model = NetworkClassifier([], solver="lbfgs").fit([[0], [1]], [False, True])
        >>> model.predict([[-1], [2]])
        array([False,  True])
        """
        y = self._predicted(X)
        if self._has_labels:
            return (y > 0.0).astype(int)
        codes = y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > 0.0).astype(int)
        found: _Array = self.classes_[codes]
        return found

    def predict_proba(self, X: Any) -> Table:
        """The probability of each class.

        Args:
            X: (N, D) numbers.

        Returns:
            (N, K) numbers, in the order of ``classes_``; of several labels each by itself.

        Raises:
            NotFittedError: it has not been trained.
            ValueError: X is no such table.

        >>> model = NetworkClassifier([], solver="lbfgs").fit([[0]] * 4, ["a", "b", "b", "b"])
        >>> model.predict_proba([[0.0]]).round(2).tolist()
        [[0.25, 0.75]]
        """
        return self._probabilities(X, expit, softmax)

    def predict_log_proba(self, X: Any) -> Table:
        """The logarithms of ``predict_proba``, without underflow.

        Args:
            X: (N, D) numbers.

        Returns:
            (N, K) numbers, in the order of ``classes_``.

        Raises:
            NotFittedError: it has not been trained.
            ValueError: X is no such table.

        >>> model = NetworkClassifier([], solver="lbfgs", alpha=1.0).fit([[0.0], [1.0]], [0, 1])
        >>> bool(np.isfinite(model.predict_log_proba([[1e6]])).all())
        True
        """
        return self._probabilities(X, log_expit, log_softmax)

    def _probabilities(self, X: Any, of_one: Any, of_many: Any) -> Table:
        y = self._predicted(X)
        if self.n_outputs_ == 1:
            return np.hstack([of_one(-y), of_one(y)])
        found: Table = of_one(y) if self._has_labels else of_many(y, axis=1)
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _begin_classes(self, X: Table) -> None:
        n = len(self.classes_)
        if n < 2:
            raise ValueError("there is one class only: a classifier needs 2 at least")
        self._begin(X, n if n > 2 else 1, cross_entropy if n > 2 else binary_cross_entropy)

    def _coded(self, codes: _Array) -> Table:
        n = len(self.classes_)
        return np.eye(n)[codes] if n > 2 else codes[:, np.newaxis].astype(float)


class NetworkRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    """A network that predicts numbers, for scikit-learn: as ``MLPRegressor``.

    Its outputs are linear, and its error half the squared difference. Data, targets too, are
    better scaled to about 1 (``StandardScaler``, ``TransformedTargetRegressor``).

    Args:
        hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate_init, max_iter,
            tol, n_iter_no_change, early_stopping, validation_fraction, init, random_state,
            n_jobs, verbose: as for ``NetworkClassifier``.

    Attributes:
        network_, history_, coefs_, intercepts_, loss_curve_, n_iter_, n_features_in_,
            feature_names_in_: as for ``NetworkClassifier``.

    Raises:
        ValueError, TypeError: by ``fit``, where a setting or the data will not do.

    >>> line = NetworkRegressor([], solver="lbfgs", alpha=0.0, tol=1e-9, random_state=0)
    >>> line.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[10.0]]).round(3).tolist()
    [21.0]
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "NetworkRegressor":
        """Make a network for the data and train it.

        Args:
            X: (N, D) numbers.
            y: (N,) numbers, or (N, K) for K targets.
            sample_weight: how much each data point counts, (N,) numbers from 0 on.

        Returns:
            The estimator itself.

        Raises:
            ValueError: the data or a setting will not do.
            FloatingPointError: a number stopped being finite.

        >>> two = NetworkRegressor([], solver="lbfgs").fit([[0], [1]], [[0, 1], [1, 0]])
        >>> two.predict([[0.5]]).round(2).tolist()
        [[0.5, 0.5]]
        """
        X, T = self._checked(X, y, reset=True)
        self._begin(X, T.shape[1], sum_of_squares)
        self._train_to_the_end(X, T, sample_weight)
        return self

    @available_if(_goes_step_by_step)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "NetworkRegressor":
        """Go on with the training: one epoch of these data.

        Args:
            X, y, sample_weight: as for ``fit``.

        Returns:
            The estimator itself.

        Raises:
            ValueError: as by ``fit``.
            FloatingPointError: a number stopped being finite.

        >>> model = NetworkRegressor([2], random_state=0)
        >>> model.partial_fit([[0.0]], [1.0]).partial_fit([[1.0]], [2.0]).n_iter_
        2
        """
        is_first = not hasattr(self, "network_")
        X, T = self._checked(X, y, reset=is_first)
        if is_first:
            self._begin(X, T.shape[1], sum_of_squares)
        self._train(X, T, sample_weight, 1)
        return self

    def predict(self, X: Any) -> Table:
        """The outputs for each data point.

        Args:
            X: (N, D) numbers.

        Returns:
            (N,) numbers, or (N, K) for several targets.

        Raises:
            NotFittedError: it has not been trained.
            ValueError: X is no such table.

        >>> line = NetworkRegressor([], solver="lbfgs", alpha=0.0).fit([[0], [1]], [0, 1])
        >>> line.predict([[0.5]]).round(3).tolist()
        [0.5]
        """
        y = self._predicted(X)
        return y[:, 0] if y.shape[1] == 1 else y

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Table, Table]:
        X, y = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=reset
        )
        T = np.asarray(y, float).reshape(len(X), -1)
        if not reset and T.shape[1] != len(self.intercepts_[-1]):
            raise ValueError(f"y has {T.shape[1]} columns, and had {len(self.intercepts_[-1])}")
        return X, T

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
