"""The pure engine beside the compiled one, for tests that hold the two to the same."""

import importlib.util
import os
from types import ModuleType
from unittest import mock

from micrograd_bp import engine


def load_pure() -> ModuleType:
    """The module micrograd_bp.engine once more, without its compiled twin."""
    spec = importlib.util.spec_from_file_location("micrograd_bp.pure_engine", engine.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, MICROGRAD_BP_PURE="1"):
        spec.loader.exec_module(module)
    return module
