"""The optimisers, under the path at which programs import them; they stand in training/optim.py."""

from .training.optim import *  # noqa: F403
