"""Floats in, a float out: the numerical core of the table.

Each function here is total, as IEEE 754 asks: outside its domain it returns nan, at a pole
an infinity, and never raises. What is guarded, and why, stands beside each formula; the
errors quoted are of the obvious formula, in ulps, against 60-digit arithmetic.
"""

from .bell_curves import *
from .error_free import *
from .ieee import *
from .inverse import *
from .log_sums import *
from .logistic import *
from .plane import *
from .powers import *
from .sums import *
