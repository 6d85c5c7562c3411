"""The elementary functions: a value and a rule for the partial derivatives of each, one table.

The table is closed under differentiation: a rule is written with functions of the table, so it
runs on floats (the local derivatives that the engine records) and on Values (derivatives as
graphs, to any order) alike; tanh' is sech2, and sech2' is -2 tanh sech2. The form is that of
HIPS autograd's ``defvjp`` tables; the formulas behind the values are in accurate/.

An entry has all that is known of a function, and whatever else has to know the functions reads
the table: the module functions and methods, Programs, the checks, the tests.

On floats a table function never raises: outside its domain it gives nan, at a pole an
infinity (IEEE 754). What the engine makes of a result that is not finite, it asks of ``fault``.
"""

from . import accurate as accurate
from .arithmetic import *
from .function import FUNCTIONS as FUNCTIONS
from .function import Doc as Doc
from .function import Function as Function
from .function import Operation as Operation
from .function import Scalar as Scalar
from .function import _entry as _entry  # pickles made before look for it here
from .many import *
from .piecewise import *
from .smooth import *
from .special import *
from .transcendental import *

FUNCTIONS.update(
    (entry.key, entry) for entry in list(globals().values()) if isinstance(entry, Function)
)
