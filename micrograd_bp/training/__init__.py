"""Training a network: ``fit`` and ``predict``, with losses and optimisers.

Only what is asked for is imported: the losses need the engine alone, the rest NumPy and tqdm.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fitting import Epoch, History, fit, predict

__all__ = ["Epoch", "History", "fit", "predict"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".fitting", __name__), name)
