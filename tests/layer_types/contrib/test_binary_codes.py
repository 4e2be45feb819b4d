"""K1_EuclideanLoss and K2_EuclideanLoss of SSDH."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("K1_EuclideanLoss", "K2_EuclideanLoss")
@drawn(20)
@given(SEED, SMALL, SMALL)
def test_values_are_away_from_the_middle_and_half_of_them_are_1(seed, n, c):
    x = normal(seed, n, c)
    wide = x.astype(np.float64)
    agree(run_layer("K1_EuclideanLoss", "", [x, x]).y[0], -((wide - 0.5) ** 2).mean() / (2 * n))
    agree(run_layer("K2_EuclideanLoss", "", [x, x]).y[0], (wide.mean() - 0.5) ** 2 / (2 * n))


def test_codes_of_two_shapes_are_refused():
    with pytest.raises(caffe.CaffeError, match="needs bottoms of one shape"):
        run_layer("K1_EuclideanLoss", "", [np.zeros((2, 3)), np.zeros((2, 4))])
