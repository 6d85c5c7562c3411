"""Pictures of a training and of what came of it: they show what the model says."""

import math
import sys
from typing import Any

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

from matplotlib import pyplot  # noqa: E402
from sklearn.linear_model import LinearRegression, RidgeClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from micrograd_bp import MLP, fit, plot_decision, plot_fit  # noqa: E402
from micrograd_bp.training import History, NetworkClassifier, NetworkRegressor  # noqa: E402

TWO = (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), ["no", "no", "yes", "yes"])


@pytest.fixture(autouse=True)
def closed() -> Any:
    yield
    pyplot.close("all")


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def pixels(ax: Any, points: Any) -> np.ndarray:
    """The colours of a picture at points of the plane."""
    for line in ax.lines:
        line.set_visible(False)
    ax.get_legend().set_visible(False)
    canvas = ax.figure.canvas
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())
    columns, rows = ax.transData.transform(points).round().astype(int).T
    return image[image.shape[0] - 1 - rows, columns, :3].astype(int)


def model_of_two(loss: str = "binary_cross_entropy") -> MLP:
    model = MLP(2, [1 if loss != "cross_entropy" else 2], seed=0)
    fit(model, *TWO, loss=loss, optimizer="lbfgs", epochs=20, progress=False)
    return model


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "hinge", "cross_entropy"])
def test_the_regions_are_those_of_the_classes_and_the_boundary_lies_between(loss) -> None:
    ax = plot_decision(model_of_two(loss), *TWO)
    assert legend(ax) == ["no", "yes"]
    assert [line.get_xydata().tolist() for line in ax.lines] == [
        [[0.0, 0.0], [1.0, 0.0]],
        [[0.0, 1.0], [1.0, 1.0]],
    ]
    below, above = pixels(ax, [[0.5, 0.1], [0.5, 0.9]])
    blue, vermilion = (
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in ("#0072B2", "#D55E00")
    )
    assert below == pytest.approx(0.25 * blue + 0.75 * 255, abs=3)
    assert above == pytest.approx(0.25 * vermilion + 0.75 * 255, abs=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NetworkClassifier([], solver="lbfgs", random_state=0),
        lambda: make_pipeline(StandardScaler(), NetworkClassifier([], solver="lbfgs")),
        RidgeClassifier,
    ],
)
def test_an_estimator_is_drawn_too(make) -> None:
    ax = plot_decision(make().fit(*TWO), *TWO)
    assert legend(ax) == ["no", "yes"]
    below, above = pixels(ax, [[0.5, 0.1], [0.5, 0.9]])
    assert below[2] > below[0]
    assert above[2] < above[0]


def test_three_classes_that_are_numbers_and_axes_with_names() -> None:
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"length": [0.0, 1.0, 2.0], "width": [0.0, 1.0, 0.0]})
    model = NetworkClassifier([], solver="lbfgs", random_state=0).fit(X, [3, 5, 7])
    ax = plot_decision(model, X, [3, 5, 7])
    assert legend(ax) == ["3", "5", "7"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")
    net = MLP(2, [3], seed=0)
    assert legend(plot_decision(net, X, [0, 2, 2])) == ["0", "1", "2"]


def test_classes_that_are_minus_one_and_one() -> None:
    X, T = TWO[0], [-1, -1, 1, 1]
    model = MLP(2, [1], seed=0)
    fit(model, X, T, loss="hinge", optimizer="lbfgs", epochs=20, progress=False)
    assert legend(plot_decision(model, X, T)) == ["-1", "1"]


@pytest.mark.parametrize(
    ("model", "X", "T", "message"),
    [
        (MLP(3, [1], seed=0), [[0, 0, 0]], [1], "a plane, of 2 inputs, not 3"),
        (MLP(2, [3], seed=0), [[0, 0]], ["a"], "none of the classes"),
        (MLP(2, [1], seed=0), [[0, 0]] * 3, [1, 2, 3], "2 to 8 classes"),
        (MLP(2, [9], seed=0), [[0, 0]], [1], "2 to 8 classes"),
        (MLP(2, [1], seed=0), [[0, 0]], [1, 2], "X has 1 data points and T has 2"),
    ],
)
def test_what_is_no_picture_of_a_plane(model, X, T, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_decision(model, X, T)
    assert not pyplot.get_fignums()


def test_classes_may_be_coded_and_all_points_be_of_one() -> None:
    X, T = TWO[0], np.eye(3)[[0, 2, 2, 1]]
    ax = plot_decision(MLP(2, [3], seed=0), X, T)
    assert legend(ax) == ["0", "1", "2"]
    assert [len(line.get_xdata()) for line in ax.lines] == [1, 1, 2]
    for of_one in ([1, 1, 1, 1], [False] * 4):
        assert legend(plot_decision(MLP(2, [1], seed=0), X, of_one)) == ["0", "1"]


def test_what_cannot_be_drawn_with_or_on_is_told() -> None:
    with pytest.raises(TypeError, match="it is no classifier, or has not been trained"):
        plot_decision(NetworkClassifier(), *TWO)
    _, several = pyplot.subplots(1, 2)
    for ax in (several, pyplot):
        with pytest.raises(TypeError, match="ax is the axes of matplotlib to draw on, not"):
            History([4.0], [2.0]).plot(ax)


@pytest.mark.parametrize("column", [False, True])
def test_a_fit_is_the_curve_of_the_model_and_the_data_points(column) -> None:
    X, T = np.linspace(0, 1, 5), np.array([1.0, 0.0, 2.0, 1.0, 3.0])
    X = X[:, np.newaxis] if column else X
    model = MLP(1, [4, 1], hidden="tanh", seed=0)
    _, given = pyplot.subplots()
    ax = plot_fit(model, X, T, ax=given)
    assert ax is given
    curve, points = ax.lines
    assert points.get_xydata().tolist() == [*map(list, zip(np.ravel(X), T))]
    x, y = curve.get_data()
    assert x[0] < 0.0 < 1.0 < x[-1]
    assert y[::100].tolist() == [pytest.approx(model([a]).data) for a in x[::100].tolist()]


def test_a_fit_of_an_estimator_and_of_several_outputs() -> None:
    X, T = [[0.0], [1.0], [2.0]], [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
    for model in (NetworkRegressor([], solver="lbfgs", alpha=0.0), LinearRegression()):
        ax = plot_fit(model.fit(X, T), X, T)
        assert legend(ax) == ["$y_1$", "$t_1$", "$y_2$", "$t_2$"]
        assert ax.lines[2].get_ydata() == pytest.approx(1.0, abs=1e-2)
    with pytest.raises(ValueError, match="a curve, of 1 input, not 2"):
        plot_fit(MLP(2, [1]), [[0.0, 0.0]], [1.0])
    with pytest.raises(ValueError, match="T has 1 columns, and the model 2 outputs"):
        plot_fit(MLP(1, [2]), [0.0], [1.0])
    with pytest.raises(TypeError, match=r"NetworkRegressor.* has no classes_"):
        plot_decision(NetworkRegressor([], solver="lbfgs").fit([[0, 0]], [1]), [[0, 0]], [1])


def test_a_fit_of_columns_bears_their_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"time": [0.0, 1.0], "height": [1.0, 2.0]})
    for X in (frame["time"], frame[["time"]]):
        ax = plot_fit(MLP(1, [1]), X, frame["height"])
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "height")


def test_a_history_is_drawn_from_before_the_first_epoch_on() -> None:
    ax = History([4.0, 2.0], [2.0, 1.0], validation=[3.0, 3.5]).plot()
    training, validation, best = ax.lines
    assert training.get_xydata().tolist() == [[0, 4.0], [1, 2.0], [2, 1.0]]
    assert validation.get_xydata().tolist() == [[1, 3.0], [2, 3.5]]
    assert best.get_xydata().tolist() == [[1, 3.0]]
    assert legend(ax) == ["training", "validation", "epoch 1"]
    assert ax.get_yscale() == "linear"
    assert History([4.0], [0.1]).plot().get_yscale() == "log"
    _, ax = pyplot.subplots()
    ax.set_xticks([0, 0.5, 1.0])
    assert History([4.0], [3.9]).plot(ax).get_xticks()[1] == 0.5
    ticks = History([4.0], [3.9]).plot().get_xticks()
    assert (ticks == np.round(ticks)).all()
    n = len(pyplot.get_fignums())
    with pytest.raises(ValueError, match="there was no epoch yet"):
        History().plot()
    assert len(pyplot.get_fignums()) == n


def test_a_history_is_a_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = History([4.0, 2.0], [2.0, 1.0], validation=[3.0, math.inf]).to_frame()
    assert frame.index.tolist() == [1, 2]
    assert frame.index.name == "epoch"
    assert frame.to_dict("list") == {
        "error_before": [4.0, 2.0],
        "error_after": [2.0, 1.0],
        "validation": [3.0, math.inf],
    }
    assert isinstance(History([4.0], [2.0]).to_frame(), pandas.DataFrame)


@pytest.mark.parametrize(
    ("library", "use"),
    [
        ("matplotlib", lambda: History([1.0], [0.5]).plot()),
        ("matplotlib", lambda: plot_fit(MLP(1, [1]), [0.0], [0.0])),
        ("matplotlib", lambda: plot_decision(MLP(2, [1]), TWO[0], [0, 0, 1, 1])),
        ("pandas", lambda: History([1.0], [0.5]).to_frame()),
    ],
)
def test_without_the_library_it_says_what_to_install(library, use, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.pyplot", None)
    with pytest.raises(ImportError, match=f"pip install {library}"):
        use()


def test_columns_go_by_the_names_of_the_training() -> None:
    pandas = pytest.importorskip("pandas")
    X, T = TWO
    frame = pandas.DataFrame({"a": X[:, 0], "kind": T, "b": X[:, 1]})
    model, options = MLP(2, [1], seed=0), {"loss": "binary_cross_entropy", "progress": False}
    fit(model, frame, "kind", optimizer="lbfgs", epochs=5, **options)
    estimator = NetworkClassifier([], solver="lbfgs", alpha=1.0).fit(frame[["a", "b"]], T)
    for trained in (model, estimator, make_pipeline(StandardScaler(), estimator)):
        if trained not in (model, estimator):
            trained.fit(frame[["a", "b"]], T)
        pictures = []
        for data, labels in ((frame[["a", "b"]], T), (frame, "kind"), (frame[["b", "a"]], T)):
            ax = plot_decision(trained, data, labels)
            assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
            pictures.append(pixels(ax, [[0.5, 0.1], [0.5, 0.9]]).tolist())
        assert pictures[0] == pictures[1] == pictures[2]
        with pytest.raises(ValueError, match="columns 'a', 'b', and X lacks 'b': it has 'a'"):
            plot_decision(trained, frame[["a"]], T)


def test_the_input_and_the_target_of_a_curve_go_by_their_names() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": [1.0, 2.0], "time": [0.0, 3.0], "other": [5.0, 6.0]})
    model = MLP(1, [1], seed=0)
    options = {"loss": "sum_of_squares", "optimizer": "lbfgs", "progress": False}
    fit(model, frame[["time"]], frame["height"], **options)
    ax = plot_fit(model, frame, "height")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "height")
    assert ax.lines[1].get_xydata().tolist() == [[0.0, 1.0], [3.0, 2.0]]
    with pytest.raises(ValueError, match="columns 'time', and X lacks 'time'"):
        plot_fit(model, frame[["other"]], [1.0, 2.0])
