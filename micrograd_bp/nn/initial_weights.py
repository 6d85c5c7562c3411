"""The weights and biases that a network has at first: uniform, in bounds by the size of a layer."""

import math
import random
from collections.abc import Callable
from operator import index
from typing import Any

from ..numeric import show

INITIALIZERS: dict[str, Callable[[int, int], float] | None] = {
    "uniform": None,  # micrograd's
    "glorot": lambda n_in, n_out: math.sqrt(6.0 / (n_in + n_out)),  # Glorot & Bengio 2010
    "he": lambda n_in, n_out: math.sqrt(6.0 / n_in),  # He et al. 2015, for relu
    "lecun": lambda n_in, n_out: math.sqrt(3.0 / n_in),  # LeCun et al. 1998
}


def bound_of(init: str, n_in: int, n_out: int) -> float | None:
    """The bound of the weights and biases of a layer; None for micrograd's.

    >>> bound_of("he", 6, 1), bound_of("uniform", 6, 1)
    (1.0, None)
    """
    if init not in INITIALIZERS:
        raise ValueError(f"no init is called {init!r}; there are {', '.join(INITIALIZERS)}")
    bound = INITIALIZERS[init]
    return None if bound is None else bound(n_in, n_out)


def draw(n_in: int, bound: float | None, rng: Any) -> tuple[list[float], float]:
    """The weights of a unit, and its bias, which is 0 where no bound is given.

    >>> draw(2, None, random.Random(1))
    ([-0.7312715117751976, 0.6948674738744653], 0.0)
    """
    r = 1.0 if bound is None else bound
    weights = [rng.uniform(-r, r) for _ in range(n_in)]
    return weights, 0.0 if bound is None else rng.uniform(-r, r)


def generator(rng: Any, seed: int | None) -> Any:
    """What draws the weights: rng, or one of the seed, or the module ``random``.

    >>> generator(None, 1).random() == random.Random(1).random()
    True
    """
    if rng is not None and seed is not None:
        raise ValueError(f"give rng or seed, not both: rng={rng!r}, seed={seed!r}")
    if seed is not None:
        if hasattr(seed, "__index__"):
            seed = index(seed)
        elif not isinstance(seed, (float, str, bytes, bytearray)):  # which ``random`` takes too
            raise TypeError(f"seed is an integer, not {show(seed)}")
        return random.Random(seed)
    return random if rng is None else rng
