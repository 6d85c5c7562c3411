"""The optimisers, under the path at which programs import them; they stand in training/optim.py."""

from .messages import needing_packages

with needing_packages(__name__):
    from .training.optim import *  # noqa: F403
