"""What is said of cost and improvement."""

import pytest

from studies.finer_scores import Way, _cost, _verdict

COARSE = Way("fcn32s", 50, 100)


def test_a_point_costs_the_time_that_it_takes_more():
    assert _cost(Way("fcn16s", 53, 106), COARSE) == 2
    assert _cost(Way("fcn16s", 49, 106), COARSE) is None  # no improvement
    assert _cost(Way("stitched", None, 500), COARSE) is None


@pytest.mark.parametrize(
    ("skip", "finer", "end"),
    [
        ((53, 106), (51, 110), "rarefied filters, 10.0 ms; skips, 2.0 ms; it agrees."),
        ((53, 130), (51, 105), "rarefied filters, 5.0 ms; skips, 10.0 ms; it does not agree."),
        ((53, 106), (49, 110), "rarefied filters, no improvement; skips, 2.0 ms; it agrees."),
        ((50, 106), (51, 110), "no skip improved anything, so that nothing is decided."),
    ],
)
def test_the_verdict_compares_the_best_of_both(skip, finer, end):
    ways = [COARSE, Way("fcn16s", *skip), Way("fcn8s", 50, 1000), Way("by 2", *finer)]
    assert _verdict([*ways, Way("stitched", None, 1)]).endswith(end)
