"""The losses, under the path at which programs import them; they stand in training/losses.py."""

from .training.losses import *  # noqa: F403
