"""How many examples the property tests try: the environment variable HYPOTHESIS_PROFILE says.

"ci", the default, tries the same examples each time, so that a red run belongs to the commit
and not to the dice; "thorough" draws new ones, and many. Neither minds a slow machine.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    max_examples=5000,
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
