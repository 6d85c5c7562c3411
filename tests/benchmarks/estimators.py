"""The estimators beside those of scikit-learn: held-out scores over seeds, and times, in turn.

``python -m tests.benchmarks.estimators [SEEDS [DATA ...]]``. Both with their usual settings, data
scaled to a standard deviation of 1 (the targets of diabetes too), 30 % of them held out, another
split and other first weights for each seed. The noise is the standard error of the mean
difference. Times are medians on one thread, on the clock and, in brackets, of the processor.
"""

import sys
import time
import warnings
from statistics import mean, median, stdev
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from micrograd_bp.training import NetworkClassifier, NetworkRegressor

CLASSIFIERS = (NetworkClassifier, MLPClassifier)
REGRESSORS = (NetworkRegressor, MLPRegressor)
DATA = [
    ("digits", load_digits, CLASSIFIERS),
    ("iris", load_iris, CLASSIFIERS),
    ("breast cancer", load_breast_cancer, CLASSIFIERS),
    ("diabetes", load_diabetes, REGRESSORS),
]


def run(make: Any, X: Any, y: Any, seed: int, settings: dict[str, Any]) -> tuple[float, ...]:
    """The score on the points held out, and the seconds that the training took, of two clocks."""
    model = make(random_state=seed, **settings)
    if make in REGRESSORS:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    train, test, T, S = train_test_split(X, y, test_size=0.3, random_state=seed)
    pipeline = make_pipeline(StandardScaler(), model)
    start = time.perf_counter(), time.process_time()
    pipeline.fit(train, T)
    seconds = time.perf_counter() - start[0], time.process_time() - start[1]
    return pipeline.score(test, S), *seconds


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"| data | solver | ours | scikit-learn | difference, noise | s | s | ({seeds} seeds)")
    for solver in ("adam", "lbfgs"):
        for name, load, makes in DATA:
            if sys.argv[2:] and name not in sys.argv[2:]:
                continue
            X, y = load(return_X_y=True)
            pairs = [
                [run(make, X, y, seed, {"solver": solver}) for make in makes]
                for seed in range(seeds)
            ]
            ours, theirs = ([pair[i][0] for pair in pairs] for i in (0, 1))
            clock, cpu = ([median(pair[i][k] for pair in pairs) for i in (0, 1)] for k in (1, 2))
            difference = [a - b for a, b in zip(ours, theirs)]
            noise = stdev(difference) / seeds**0.5
            print(
                f"| {name} | {solver} | {mean(ours):.4f} | {mean(theirs):.4f}"
                f" | {mean(difference):+.4f}, {noise:.4f}"
                f" | {clock[0]:.2f} ({cpu[0]:.2f}) | {clock[1]:.2f} ({cpu[1]:.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    with threadpool_limits(1):  # BLAS too, as our programs
        main()
