"""The estimators: scikit-learn's own suite of checks, and what its users do with them."""

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from own_process import run_python
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from micrograd_bp import LBFGS, MLP, Adam, Value, no_grad, scope, tanh
from micrograd_bp.training import NetworkClassifier, NetworkRegressor, network_programs, predict

ESTIMATORS = [NetworkClassifier, NetworkRegressor]
quickly = {"random_state": 0, "max_iter": 5}
unfinished = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def with_checks(*arguments: Any, **options: Any) -> pytest.MarkDecorator:
    """scikit-learn's own mark, with a list in place of its generator, as newer pytest wants."""
    mark = parametrize_with_checks(*arguments, **options)
    return pytest.mark.parametrize(mark.args[0], [*mark.args[1]], **mark.kwargs)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@with_checks([make() for make in ESTIMATORS])
def test_every_check_of_scikit_learn(estimator: Any, check: Any) -> None:
    """The whole suite, at the settings that an estimator is made with; none is expected to fail.

    One is skipped, unless SCIPY_ARRAY_API is set before SciPy is imported: that NumPy's arrays
    give the same with array API dispatch. Another is of decision_function, which there is not,
    as in MLPClassifier. Without pandas, those of DataFrames are skipped too.
    """
    check(estimator)


@with_checks(
    [
        NetworkClassifier(
            [5], "tanh", solver="lbfgs", early_stopping=True, validation_fraction=0.3
        ),
        NetworkRegressor([5, 5], "sigmoid", solver="sgd", init="he", learning_rate_init=0.1),
    ],
    expected_failed_checks=lambda estimator: (
        {
            "check_sample_weight_equivalence_on_dense_data": "other data points are held out where"
            " there are more of them"
        }
        if estimator.early_stopping
        else {}
    ),
)
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_checks_with_other_settings(estimator: Any, check: Any) -> None:
    check(estimator)


def iris() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


LABELS = {
    "strings": np.array(["setosa", "versicolor", "virginica"]),
    "objects": np.array(["setosa", "versicolor", "virginica"], dtype=object),
    "integers": np.array([-7, 0, 40]),
    "floats": np.array([1.0, 2.0, 3.0]),
}


@unfinished
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_of_any_kind_are_learned_and_given_back(kind, n_classes) -> None:
    X, y = iris()
    X, y = X[y < n_classes], y[y < n_classes]
    labels = LABELS[kind][y]
    model = NetworkClassifier([8], "tanh", solver="lbfgs", random_state=0, max_iter=50)
    model.fit(X, labels.tolist() if kind == "strings" else labels)
    assert model.classes_.tolist() == LABELS[kind][:n_classes].tolist()
    assert set(model.predict(X)) == set(labels)
    assert model.score(X, labels) > 0.95
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (len(X), n_classes)
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()


@unfinished
def test_the_network_is_an_mlp_whose_weights_are_there_as_arrays() -> None:
    X, y = iris()
    model = NetworkClassifier([5, 4], random_state=0, max_iter=3).fit(X, y)
    assert isinstance(model.network_, MLP)
    assert [w.shape for w in model.coefs_] == [(4, 5), (5, 4), (4, 3)]
    assert [b.shape for b in model.intercepts_] == [(5,), (4,), (3,)]
    z = X
    for w, b in zip(model.coefs_[:-1], model.intercepts_[:-1]):
        z = np.maximum(z @ w + b, 0.0)
    logits = z @ model.coefs_[-1] + model.intercepts_[-1]
    assert predict(model.network_, X) == pytest.approx(logits, rel=1e-12)
    exps = np.exp(logits)
    assert model.predict_proba(X) == pytest.approx(exps / exps.sum(axis=1, keepdims=True))
    model.network_.layers[-1].neurons[2].b.data += 1e3  # who changes the network sees it
    assert (model.predict(X) == 2).all()


@unfinished
@pytest.mark.parametrize("make", ESTIMATORS)
def test_the_random_state_and_nothing_else_makes_the_weights(make) -> None:
    X, y = iris()

    def weights(**settings: Any) -> list[list[float]]:
        model = make([4], **{**quickly, "batch_size": 20, **settings}).fit(X, y)
        return [w.tolist() for w in model.coefs_]

    assert weights() == weights() == weights(n_jobs=2)
    assert weights(random_state=1) != weights()
    state = np.random.RandomState(0)
    assert weights(random_state=state) != weights(random_state=state)


@unfinished
@pytest.mark.parametrize("make", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_clone_begins_afresh_and_a_pickle_goes_on(make, solver) -> None:
    X, y = iris()
    model = make([4], solver=solver, **quickly).fit(X, y)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copied.predict(X)
    restored = pickle.loads(pickle.dumps(model))
    assert (restored.predict(X) == model.predict(X)).all()
    if solver == "adam":  # the optimizer's state came too
        assert (restored.partial_fit(X, y).predict(X) == model.partial_fit(X, y).predict(X)).all()
        assert [w.tolist() for w in restored.coefs_] == [w.tolist() for w in model.coefs_]


@unfinished
def test_a_fitted_estimator_is_pickled_as_numbers() -> None:
    X, y = iris()
    model = NetworkClassifier([50], **quickly).fit(X, y)
    content = pickle.dumps(model)
    assert b"lambda" not in content
    assert len(content) < 150 * sum(w.size for w in model.coefs_)


def forget_programs() -> None:
    network_programs.outputs_of_shape.cache_clear()
    network_programs.error_of_shape.cache_clear()


@unfinished
@pytest.mark.parametrize("make", ESTIMATORS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_what_was_fitted_before_changes_no_bit_of_weights_and_pickle(make, solver) -> None:
    X, y = iris()

    def fitted(seed: int) -> Any:
        return make([4], "tanh", solver=solver, random_state=seed, max_iter=5).fit(X, y)

    def bits(model: Any) -> Any:
        weights = [w.tolist() for w in (*model.coefs_, *model.intercepts_)]
        return weights, model.predict(X).tolist(), pickle.dumps(model._outputs)

    forget_programs()
    first = bits(fitted(0))
    compiled = network_programs.error_of_shape.cache_info().misses
    assert bits(fitted(0)) == first
    assert network_programs.error_of_shape.cache_info().misses == compiled
    forget_programs()
    with no_grad(), scope("elsewhere"):
        fitted(1)
    assert bits(fitted(0)) == first


@unfinished
def test_programs_are_of_one_shape_activation_and_loss() -> None:
    X, y = iris()
    y = (y > 0).astype(int)
    settings = [(units, h) for units in ([4], [5], [4, 5], []) for h in ("tanh", "relu")]

    def fitted(settings: Any) -> dict[str, Any]:
        forget_programs()
        return {
            f"{make} {units} {h}": make(units, h, solver="lbfgs", **quickly).fit(X, y).coefs_
            for units, h in settings
            for make in ESTIMATORS
        }

    forward, back = fitted(settings), fitted(settings[::-1])
    for name, weights in forward.items():
        assert [w.tolist() for w in weights] == [w.tolist() for w in back[name]]


@unfinished
@pytest.mark.parametrize("make", ESTIMATORS)
def test_partial_fit_is_one_epoch_of_fit_after_the_other(make) -> None:
    X, y = iris()
    options = {"classes": [0, 1, 2]} if make is NetworkClassifier else {}
    whole = make([4], **{**quickly, "max_iter": 3}).fit(X, y)
    steps = make([4], **quickly)
    for _ in range(3):
        steps.partial_fit(X, y, **options)
        options = {}
    assert steps.n_iter_ == whole.n_iter_ == 3
    assert steps.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-12)
    assert steps.coefs_[0] == pytest.approx(whole.coefs_[0], rel=1e-12)


def test_partial_fit_needs_to_know_the_classes_and_has_them_all() -> None:
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        NetworkClassifier().partial_fit([[0.0]], [0])
    model = NetworkClassifier([2]).partial_fit([[0.0], [1.0]], ["a", "a"], classes=["b", "a", "c"])
    assert model.predict_proba([[0.0]]).shape == (1, 3)
    with pytest.raises(ValueError, match=r"'d'.*none of the classes"):
        model.partial_fit([[0.0]], ["d"])
    with pytest.raises(ValueError, match="one class only"):
        NetworkClassifier([2]).partial_fit([[0.0]], ["a"], classes=["a"])
    assert not hasattr(NetworkClassifier(solver="lbfgs"), "partial_fit")
    regressor = NetworkRegressor([2]).partial_fit([[0.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="y has 1 columns, and had 2"):
        regressor.partial_fit([[0.0]], [1.0])


@pytest.mark.parametrize("make", ESTIMATORS)
def test_the_training_ends_when_the_error_no_longer_falls(make) -> None:
    X, y = iris()
    model = make([4], max_iter=3000, learning_rate_init=0.02, random_state=0).fit(X, y)
    assert 10 < model.n_iter_ < 3000
    assert "the training error has not improved for 10" in model.history_.ended
    early = make(
        [4], max_iter=3000, learning_rate_init=0.02, random_state=0, early_stopping=True
    ).fit(X, y)
    assert "the validation error has not improved for 10" in early.history_.ended
    assert len(early.history_.validation) == early.n_iter_
    with pytest.warns(ConvergenceWarning, match="max_iter=5"):
        make([4], **quickly).fit(X, y)


@unfinished
@pytest.mark.parametrize("batch_size", ["auto", 50])
def test_alpha_holds_the_weights_down_and_is_part_of_the_error(batch_size) -> None:
    X, y = iris()
    free, held = (
        NetworkRegressor(
            [], solver="adam", alpha=alpha, batch_size=batch_size, max_iter=2000, random_state=0,
            learning_rate_init=0.01, tol=0.0,
        ).fit(X, y)
        for alpha in (0.0, 100.0)
    )  # fmt: skip
    n = 150 if batch_size == "auto" else 50
    centred = X - X.mean(axis=0)
    ridge = np.linalg.solve(X.T @ X / 150 + 100.0 / n * np.eye(4), centred.T @ (y - y.mean()) / 150)
    tolerance = 1e-4 if batch_size == "auto" else 0.02
    assert held.coefs_[0][:, 0] == pytest.approx(ridge, abs=tolerance)
    assert (held.coefs_[0] ** 2).sum() < 0.5 * (free.coefs_[0] ** 2).sum()
    penalty = 50.0 / n * (held.coefs_[0] ** 2).sum()
    error = np.mean((held.predict(X) - y) ** 2) / 2 + penalty
    assert min(held.loss_curve_) == pytest.approx(error, rel=1e-9)


@unfinished
@pytest.mark.parametrize("make", ESTIMATORS)
def test_weights_of_data_points_count(make) -> None:
    X = np.array([[0.0], [0.0]])
    options = {"solver": "lbfgs", "alpha": 0.0, "tol": 1e-10, "random_state": 0}
    model = make([], **options).fit(X, [0, 1], sample_weight=[1.0, 3.0])
    found = model.predict_proba(X)[0, 1] if make is NetworkClassifier else model.predict(X)[0]
    assert found == pytest.approx(0.75, abs=1e-6)


@unfinished
def test_an_activation_and_a_solver_may_be_objects() -> None:
    X, y = iris()

    def scaled_tanh(a: Value) -> Value:
        return 1.7 * tanh(a)

    solver = Adam(lr=0.05)
    model = NetworkClassifier([4], scaled_tanh, solver=solver, random_state=0, max_iter=50)
    assert model.fit(X, y).score(X, y) > 0.9
    assert solver._state == ()  # the settings stay as they are
    sgd = NetworkClassifier([4], solver="sgd", learning_rate_init=0.1, random_state=0, max_iter=50)
    assert sgd.fit(X, y).score(X, y) > 0.9
    with pytest.raises(ValueError, match="'adagrad'; there are sgd, adam"):
        NetworkClassifier(solver="adagrad").fit(X, y)


@pytest.mark.slow
@unfinished
def test_in_a_pipeline_a_search_and_a_cross_validation() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(
        StandardScaler(), NetworkClassifier(solver="lbfgs", random_state=0, max_iter=30)
    )
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.9
    grid = {
        "networkclassifier__hidden_layer_sizes": [(), (8,)],
        "networkclassifier__activation": ["tanh", "relu"],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=1).fit(X, y)
    assert search.best_score_ > 0.94
    assert search.predict(X).shape == (150,)


@unfinished
def test_columns_with_names_and_outputs_with_names() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = pandas.Categorical.from_codes(y, ["setosa", "versicolor", "virginica"])
    model = NetworkClassifier([4], **quickly)
    pipeline = make_pipeline(StandardScaler(), model).set_output(transform="pandas")
    pipeline.fit(X, pandas.Series(names))
    assert model.feature_names_in_.tolist() == X.columns.tolist()
    assert model.n_features_in_ == 4
    assert set(pipeline.predict(X)) <= set(names)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[X.columns[::-1]])


@unfinished
def test_several_targets() -> None:
    X, _ = iris()
    T = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] * 2.0])
    model = NetworkRegressor([], solver="lbfgs", random_state=0, alpha=0.0).fit(X, T)
    assert model.predict(X) == pytest.approx(T, abs=1e-3)
    assert model.score(X, T) > 0.999


@pytest.mark.parametrize("make", ESTIMATORS)
def test_what_does_not_converge_is_told(make) -> None:
    with pytest.raises(FloatingPointError, match="epoch 1"):
        make([4], solver="sgd", learning_rate_init=1e300, random_state=0).fit([[1], [2]], [0, 1])


def test_a_setting_that_will_not_do_is_refused() -> None:
    X, y = iris()
    for settings, message in [
        ({"hidden_layer_sizes": [0]}, "hidden_layer_sizes is at least 1"),
        ({"activation": "tan"}, "no activation is called 'tan'"),
        ({"init": "xavier"}, "no init is called"),
        ({"max_iter": 0}, "max_iter is at least 1"),
        ({"batch_size": 0}, "batch_size is at least 1"),
        ({"alpha": -1.0}, "alpha is a finite number from 0 on"),
        ({"n_iter_no_change": 0}, "n_iter_no_change is at least 1"),
        ({"tol": -1.0}, "tol is a finite number from 0 on"),
        (
            {"early_stopping": True, "validation_fraction": 1.0},
            "validation_fraction is between 0 and 1",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            NetworkClassifier(**settings).fit(X, y)
    with pytest.raises(TypeError, match="hidden_layer_sizes is an integer, not '10'"):
        NetworkClassifier("10").fit(X, y)
    for solver in (Adam, None):
        with pytest.raises(TypeError, match=r"solver is an optimizer such as Adam\(lr=0.01\), or"):
            NetworkClassifier(solver=solver).fit(X, y)


@pytest.mark.parametrize(
    ("name", "x", "advice"),
    [
        ("warm_start", True, "partial_fit(X, y) to go on with the training"),
        ("class_weight", "balanced", "fit(X, y, compute_sample_weight('balanced', y)), of sklear"),
        ("momentum", 0.8, "solver=SGD(lr=..., momentum=0.8)"),
        ("epochs", 100, "max_iter=100"),
    ],
)
def test_settings_that_it_has_not_are_answered_with_what_it_has(name, x, advice) -> None:
    for make in (NetworkClassifier, NetworkRegressor):
        with pytest.raises(TypeError) as raised:
            make(**{name: x})
        assert str(raised.value).startswith(f"{make.__name__}() has no {name}: write {advice}")
        assert name not in make().get_params()


def test_more_epochs_are_advised_only_where_they_would_help() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning) as said:
        NetworkClassifier([3], solver="lbfgs", max_iter=300, random_state=0).fit(1e200 * X, y)
    words = "no lower error was found along the last direction: take a smooth activation, or a"
    assert words in str(said[0].message)
    assert "raise" not in str(said[0].message)


def test_targets_may_be_sparse() -> None:
    X, y = np.eye(3), [[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    dense, sparse = (
        NetworkRegressor([2], solver="lbfgs", random_state=0).fit(X, T).predict(X)
        for T in (y, csr_matrix(y))
    )
    assert dense.tolist() == sparse.tolist()


@unfinished
def test_identity_is_scikit_learn_s_name_of_linear() -> None:
    X, y = iris()
    one, other = (
        NetworkClassifier([3], h, **quickly).fit(X, y).predict_proba(X)
        for h in ("identity", "linear")
    )
    assert (one == other).all()


@pytest.mark.slow
def test_as_good_as_those_of_scikit_learn() -> None:
    """Held-out accuracy and R^2 within the noise: two standard errors over five seeds."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, y = load_breast_cancer(return_X_y=True)
    U, t = load_diabetes(return_X_y=True)

    def scores(make: Any, X: Any, y: Any) -> np.ndarray:
        found = []
        for seed in range(5):
            model: Any = make(hidden_layer_sizes=[20], random_state=seed, max_iter=300)
            if "Regressor" in make.__name__:
                model = TransformedTargetRegressor(model, transformer=StandardScaler())
            train, test, T, S = train_test_split(X, y, test_size=0.3, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                found.append(make_pipeline(StandardScaler(), model).fit(train, T).score(test, S))
        return np.array(found)

    for ours, theirs, data in [
        (NetworkClassifier, MLPClassifier, (X, y)),
        (NetworkRegressor, MLPRegressor, (U, t)),
    ]:
        difference = scores(ours, *data) - scores(theirs, *data)
        assert difference.mean() > -2 * difference.std(ddof=1) / 5**0.5 - 0.01


def test_the_training_package_loads_without_scikit_learn() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None; import micrograd_bp.training as t;"
        " t.fit; t.predict; t.History\n"
        "try: t.NetworkClassifier\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'micrograd_bp[training]'" in run_python("-c", code).stdout


@pytest.mark.parametrize(
    "solver", ["adam", "sgd", "lbfgs", LBFGS(gradient_tolerance=1e-12)], ids=str
)
@pytest.mark.parametrize("max_iter", [1, 3])
def test_a_training_that_has_not_converged_is_warned_of(solver: Any, max_iter: int) -> None:
    X, y = load_iris(return_X_y=True)
    words = f"after {max_iter} epochs of max_iter={max_iter} .*: raise max_iter"
    for estimator in (NetworkClassifier, NetworkRegressor):
        with pytest.warns(ConvergenceWarning, match=words) as said:
            estimator([3], solver=solver, max_iter=max_iter, random_state=0).fit(X, y)
        assert len(said) == 1
        is_lbfgs = "lbfgs" in str(solver).lower()
        assert ("L-BFGS has not converged" in str(said[0].message)) is is_lbfgs


def test_a_training_that_has_converged_is_not_warned_of() -> None:
    X, y = load_iris(return_X_y=True)
    for solver in ("lbfgs", "adam"):
        NetworkClassifier(
            [3], solver=solver, alpha=1.0, learning_rate_init=0.05, max_iter=1000, random_state=0
        ).fit(X, y)


def test_a_training_that_was_stopped_early_is_not_warned_of() -> None:
    X, y = load_iris(return_X_y=True)
    options = {"early_stopping": True, "n_iter_no_change": 2, "tol": 0.05, "alpha": 0.0}
    for solver in ("lbfgs", LBFGS(), "adam"):
        model = NetworkClassifier([8], solver=solver, random_state=0, **options).fit(X, y)
        assert "has not improved for 2" in model.history_.ended


def test_data_points_have_several_labels_or_none() -> None:
    X, _ = iris()
    Y = np.column_stack([X[:, 0] > 0.0, X[:, 1] > 0.5, X[:, 0] + X[:, 2] > 0.3]).astype(int)
    model = NetworkClassifier([], solver="lbfgs", alpha=1e-3, max_iter=2000, random_state=0)
    assert model.fit(X, Y).score(X, Y) > 0.95
    assert model.predict(X).dtype.kind == "i"
    assert model.classes_.tolist() == [0, 1, 2]
    probabilities = model.predict_proba(X)
    assert ((probabilities > 0.5) == model.predict(X)).all()
    for k in range(3):  # each is learned by itself
        alone = clone(model).fit(X, Y[:, k])
        assert probabilities[:, k] == pytest.approx(alone.predict_proba(X)[:, 1], abs=0.02)
    twin = clone(model).fit(X, csr_matrix(Y))
    assert (twin.predict_proba(X) == probabilities).all()
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()
    weights = np.r_[np.ones(100), np.zeros(50)]
    some = clone(model).fit(X, Y, sample_weight=weights)
    assert some.predict_proba(X) == pytest.approx(
        clone(model).fit(X[:100], Y[:100]).predict_proba(X)
    )


@unfinished
@pytest.mark.parametrize("y", ["two", "three", "labels"])
def test_logarithms_of_probabilities_do_not_underflow(y: str) -> None:
    X, classes = iris()
    targets = {"two": classes > 0, "three": classes, "labels": np.eye(3, dtype=int)[classes]}[y]
    model = NetworkClassifier([3], **quickly).fit(X, targets)
    assert np.exp(model.predict_log_proba(X)) == pytest.approx(model.predict_proba(X))
    logarithms = model.predict_log_proba(X * 1e5)
    assert np.isfinite(logarithms).all()
    assert logarithms.min() < -1000.0


@unfinished
def test_the_last_error_and_the_numbers_of_layers_and_outputs_are_there() -> None:
    X, classes = iris()
    model = NetworkClassifier([3, 2], **quickly).fit(X, classes)
    assert model.loss_ == model.loss_curve_[-1]
    assert (model.n_layers_, model.n_outputs_) == (4, 3)


@unfinished
def test_few_data_points_are_held_out_as_well_as_can_be() -> None:
    X, classes = iris()
    stopping = NetworkClassifier([3], early_stopping=True, **quickly)
    stopping.fit(X, np.r_[classes[:-1], 3])  # a class of one
    stopping.fit(X[::10], classes[::10])  # fewer held out than there are classes
    for estimator in (stopping, NetworkRegressor([3], early_stopping=True, **quickly)):
        estimator.set_params(validation_fraction=0.999)
        with pytest.raises(ValueError, match=r"holds out validation_fraction=0\.999"):
            estimator.fit(X, classes)
