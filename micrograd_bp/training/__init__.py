"""Training a network: ``fit`` and ``predict``, with losses and optimisers; scikit-learn's way.

Only what is asked for is imported: the losses need the engine alone, the estimators
scikit-learn, the rest NumPy and tqdm.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .estimators import NetworkClassifier, NetworkRegressor
    from .fitting import Epoch, History, fit, predict

__all__ = ["Epoch", "History", "NetworkClassifier", "NetworkRegressor", "fit", "predict"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not name.startswith("Network"):
        return getattr(import_module(".fitting", __name__), name)
    try:
        return getattr(import_module(".estimators", __name__), name)
    except ImportError as error:
        raise ImportError(
            f"{name} is an estimator for scikit-learn, of version 1.6 at least:"
            f" pip install 'micrograd_bp[training]' ({error})"
        ) from error
