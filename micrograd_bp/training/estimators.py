"""Networks as scikit-learn's users know them: estimators to put in pipelines and searches.

An estimator is settings; its ``fit`` makes an MLP for the data and trains it as ``fit`` of this
package does, by the same programs. The settings have the names that ``MLPClassifier`` and
``MLPRegressor`` give them, and the same meaning.
"""

from typing import Any

from ..messages import needing_packages
from ..numeric import show
from .losses import binary_cross_entropy, cross_entropy, sum_of_squares

with needing_packages(__name__):
    from .classes import chosen, in_columns, scores
    from .data import Table, weight_column

try:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import issparse
    from scipy.special import expit, log_expit, log_softmax, softmax
    from sklearn.base import ClassifierMixin, RegressorMixin
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import (
        _check_partial_fit_first_call,
        check_classification_targets,
        type_of_target,
    )
    from sklearn.utils.validation import validate_data

    from .estimator_network import NetworkEstimator, goes_step_by_step
except ImportError as error:
    raise ImportError(
        "NetworkClassifier and NetworkRegressor are estimators for scikit-learn, of version 1.6 at"
        f" least: pip install 'micrograd_bp[training]' ({error})"
    ) from error

_Array = NDArray[Any]


class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
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

    @available_if(goes_step_by_step)  # type: ignore[untyped-decorator]
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
        found: _Array = self.classes_[chosen(y)]
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
        by_itself = self._has_labels or self.n_outputs_ == 1
        found: Table = of_one(scores(y)) if by_itself else of_many(y, axis=1)
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
        return in_columns(codes[:, np.newaxis].astype(float), self._loss, self.n_outputs_)


class NetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
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

    @available_if(goes_step_by_step)  # type: ignore[untyped-decorator]
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
        y = y.toarray() if issparse(y) else y
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
