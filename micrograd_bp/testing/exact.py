"""The functions of the table once more, as mathematics writes them, for mpmath's numbers.

No care is taken of cancellation or overflow: more digits take care of it, and whoever calls
chooses them (``mpmath.workprec``). At kinks the conventions are those of the table. This is
what forward values, local derivatives and gradients are checked against.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..functions import FUNCTIONS, Function
from ..functions.composed import composed
from .optional import optional

mp = optional("mpmath").mp
Exact = Callable[..., Any]


def exact(function: Function) -> Exact:
    """The exact form of a function of the table: from mpf operands and parameters to an mpf.

    It is the entry's own, or else the value of the function, run on mpmath's numbers. Where
    mpmath would go on in the complex plane, it raises a ValueError.

    Raises:
        TypeError: when it is called, if the value is not made of operators and functions of the
            table, and the entry has no form.

    >>> from micrograd_bp import functions
    >>> print(exact(functions.tanh)(mp.mpf(1)))
    0.761594155955765
    """
    form = partial(function.exact, mp) if function.exact else composed(function, exact)

    def real(*arguments: Any) -> Any:
        value = form(*arguments)
        if isinstance(value, mp.mpc):
            raise ValueError(f"{function.key} is not real at {arguments}")
        return value

    return real


EXACT: dict[str, Exact] = {key: exact(function) for key, function in FUNCTIONS.items()}
