"""Packages that only these tools need, and only some of them."""

import importlib
from typing import Any


def optional(name: str) -> Any:
    """The package of that name.

    Raises:
        ImportError: it is not installed; the message says how to install it.

    >>> optional("math").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(
            f"this tool needs the package {name!r}: pip install 'micrograd_bp[testing]'"
        ) from None
