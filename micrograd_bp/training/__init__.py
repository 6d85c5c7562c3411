"""Training a network: ``fit`` and ``predict``, with losses and optimisers; scikit-learn's way.

Only what is asked for is imported: the losses need the engine alone, the estimators
scikit-learn, the rest NumPy and tqdm.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..messages import needing_packages

if TYPE_CHECKING:
    from .estimators import NetworkClassifier, NetworkRegressor
    from .fitting import fit
    from .history import History
    from .plots import plot_decision, plot_fit
    from .predicting import predict
    from .run import Epoch

__all__ = [
    "Epoch",
    "History",
    "NetworkClassifier",
    "NetworkRegressor",
    "fit",
    "plot_decision",
    "plot_fit",
    "predict",
]
_FILES = {
    "Epoch": "run",
    "History": "history",
    "NetworkClassifier": "estimators",
    "NetworkRegressor": "estimators",
    "plot_decision": "plots",
    "plot_fit": "plots",
    "fit": "fitting",
    "predict": "predicting",
}


def __dir__() -> list[str]:
    """What there is to complete: the public names, those not yet loaded too."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needing_packages(name):
        return getattr(import_module(f".{_FILES[name]}", __name__), name)
