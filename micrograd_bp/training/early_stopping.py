"""Early stopping: when it is enough, and the weights to go back to."""

import math

from .optim import Vector


class Best:
    """The lowest error so far and the weights then; and how long it has not improved.

    Args:
        patience: after how many epochs without improvement it is enough.
        min_delta: what an improvement is, at least.
    """

    theta: Vector

    def __init__(self, patience: int, min_delta: float) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.error, self.epochs_without = math.inf, 0

    def is_enough(self, error: float, theta: Vector) -> bool:
        """An epoch is over: whether it was the last of as many as are borne without success."""
        improved = error < self.error - self.min_delta or self.error == math.inf
        self.epochs_without = 0 if improved else self.epochs_without + 1
        if error < self.error:
            self.error, self.theta = error, theta
        return self.epochs_without >= self.patience
