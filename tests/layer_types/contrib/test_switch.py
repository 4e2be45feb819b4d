"""Switch."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("Switch")
@drawn()
@given(SEED, SMALL, SMALL)
def test_each_item_is_of_the_bottom_that_is_numbered(seed, n, count):
    inputs = [normal(seed + i, n, 2, 3) for i in range(count)]
    numbers = np.random.RandomState(seed).randint(-1, count + 1, (n, 1, 1, 1))
    dy = normal(seed + 9, n, 2, 3)
    found = run_layer("Switch", "", [*inputs, numbers], diffs=[dy])
    for item, number in enumerate(numbers.flatten()):
        known = 0 <= number < count
        agree(found.y[0][item], inputs[number][item] if known else np.zeros((2, 3)))
        for at in range(count):
            agree(found.dx[at][item], dy[item] if at == number else np.zeros((2, 3)))
    assert not found.dx[count].any()


@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3)], [(2, 3), (2, 4), (2,)]])
def test_what_does_not_fit_says_so(shapes):
    with pytest.raises(caffe.CaffeError, match="bottoms of one shape, and behind them a number"):
        run_layer("Switch", "", [np.zeros(shape) for shape in shapes])
