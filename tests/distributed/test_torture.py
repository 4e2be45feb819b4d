"""Trainings that are killed end in the same bits: the short form of `make torture`."""

import pytest
from support.torture import torture


@pytest.mark.slow
@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.long), 2])
def test_killed_trainings_end_in_the_same_bits(tmp_path, count):
    tally = torture(tmp_path, count, kills=3)
    assert tally["kills"] == 3
    for what in ("differences", "unreadable", "left", "silent"):
        assert not tally[what], tally
