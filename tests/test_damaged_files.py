"""A sample of the damaged files that are tried by the hundred thousand by hand."""

import pytest
from damaged_files import run


@pytest.mark.slow
def test_a_damaged_file_is_refused_or_means_what_it_says() -> None:
    tally = run(800, seed=0)
    assert sum(tried for tried, _ in tally.values()) == 800
    assert all(taken < tried for kind, (tried, taken) in tally.items() if "page" not in kind)
