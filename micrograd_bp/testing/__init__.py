"""Tools to check gradients: finite differences, gradcheck, check_graph, random graphs.

hypothesis and mpmath are imported where they are used: pip install 'micrograd_bp[testing]'.
"""

from ..messages import needing_packages

with needing_packages(__name__):
    from .by_hand import check_gradient
    from .extrapolation import Difference
    from .finite_differences import finite_difference
    from .gradcheck import gradcheck
    from .pinned import check_graph
    from .programs import OPERATIONS, GraphProgram, NetworkProgram, Step
    from .property_tests import gradients_agree
    from .report import GradientError, Mismatch, Report
    from .strategies import graphs, networks, well_conditioned_floats

__all__ = [
    "OPERATIONS",
    "Difference",
    "GradientError",
    "GraphProgram",
    "Mismatch",
    "NetworkProgram",
    "Report",
    "Step",
    "check_gradient",
    "check_graph",
    "finite_difference",
    "gradcheck",
    "gradients_agree",
    "graphs",
    "networks",
    "well_conditioned_floats",
]
