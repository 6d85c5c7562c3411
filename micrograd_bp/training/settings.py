"""What ``fit`` is asked for, checked before anything changes: names, numbers, what is trained."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..engine import Value
from ..messages import describe, refuse_no_parameters
from ..modes import in_own_context
from ..numeric import show
from .losses import LOSSES, Loss
from .optim import LBFGS, OPTIMIZERS, Optimizer


def named_loss(loss: Any) -> Loss:
    """The loss of that name, or the function itself."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"no loss is called {loss!r}; there are {', '.join(LOSSES)}")
        return LOSSES[loss]
    if not callable(loss):
        raise TypeError(f"a loss is a name or a function, not {show(loss)}")
    found: Loss = loss
    return found


def named_optimizer(optimizer: str | Optimizer | LBFGS) -> Optimizer | LBFGS:
    """The optimizer of that name, with its usual settings."""
    if not isinstance(optimizer, str):
        return optimizer
    if optimizer not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"no optimizer is called {optimizer!r}; there are {known}")
    return OPTIMIZERS[optimizer]()


def model_parameters(model: Any) -> list[Value]:
    """The weights of a model, each once."""
    if not callable(model) or not callable(getattr(model, "parameters", None)):
        raise TypeError(f"the model is an MLP or another Module that is called, not {show(model)}")
    parameters = model.parameters()
    refuse_no_parameters(parameters)
    if not parameters:
        raise ValueError("the model has no parameters to train")
    return list(dict.fromkeys(parameters))


def trained_parameters(model: Any, optimizer: Any) -> list[Value]:
    """The Values to be trained."""
    parameters = model_parameters(model)
    if not isinstance(optimizer, (Optimizer, LBFGS)):
        raise TypeError(f'an optimizer is such as Adam(lr=0.01) or "adam", not {show(optimizer)}')
    chosen = getattr(optimizer, "parameters", None) or parameters
    known = set(parameters)
    for parameter in chosen:
        if parameter not in known:
            raise ValueError(
                f"the optimizer was made with {describe(parameter)}, which is no parameter of the"
                " model: give it none, or those of this model"
            )
    for parameter in parameters:
        if not np.isfinite(parameter.data):
            raise ValueError(f"the model begins with {describe(parameter)}, which is not finite")
    return list(chosen)


def at_least_one(name: str, number: Any) -> int:
    """The number as an int from 1 on, or an error that names it."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"{name} is an integer, not {show(number)}")
    if number.__index__() < 1:
        raise ValueError(f"{name} is at least 1, not {number}")
    whole: int = number.__index__()
    return whole


def functions(callbacks: Any) -> list[Callable[[Any], Any]]:
    """The callbacks as a list."""
    callbacks = [callbacks] if callable(callbacks) else callbacks
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks are a function or a list of such, not {show(callbacks)}")
    found = list(callbacks)
    for callback in found:
        if not callable(callback):
            raise TypeError(f"a callback is a function, not {show(callback)}")
    return found


@in_own_context  # in which NumPy puts an errstate in force
def generator(seed: Any) -> np.random.Generator:
    """What draws the minibatches."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed is a non-negative integer, not {show(seed)}") from error


def check_folder(checkpoint: Any) -> None:
    """Raise for a checkpoint that is no path, or cannot be one of a folder."""
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(
            f'checkpoint is the path of a folder, such as "run1", not {show(checkpoint)}; after'
            " how many epochs it is written is checkpoint_every"
        )
    name = os.fspath(checkpoint)
    if not name or "\0" in name:
        raise ValueError(
            f"checkpoint={name!r} is the name of no folder: give one, such as"
            ' checkpoint="run1", or None to keep none'
        )
