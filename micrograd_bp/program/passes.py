"""The passes that look at every node of a graph: those that read, or their compiled twin."""

from .. import twins
from ..engine import engine_kind
from .checks import check_nodes
from .fusing import fused, needed, varying
from .layers import Layers
from .lowering import lower
from .placing import Placing
from .sums import terms

__all__ = ["Layers", "Placing", "check_nodes", "fused", "lower", "needed", "terms", "varying"]

if engine_kind() == "compiled":
    with twins.imported(__file__, "_passes"):
        from ._passes import (  # type: ignore[no-redef]
            Layers,
            Placing,
            check_nodes,
            fused,
            lower,
            needed,
            terms,
            varying,
        )
