"""SpatialSoftmax."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("SpatialSoftmax")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([0.5, 1, 4]))
def test_the_values_of_a_map_add_up_to_1(seed, n, size, temperature):
    x, dy = 30 * normal(seed, n, 2, size, 3), normal(seed + 1, n, 2, size, 3)
    body = f"spatial_softmax_param {{ temperature: {temperature} }}"
    found = run_layer("SpatialSoftmax", body, [x], diffs=[dy])
    apart = np.exp((x.astype(np.float64) - x.max((2, 3), keepdims=True)) / temperature)
    y = apart / apart.sum((2, 3), keepdims=True)
    agree(found.y[0], y, 1e-4)
    agree(found.dx[0], y * (dy - (y * dy).sum((2, 3), keepdims=True)) / temperature, 1e-4)


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ("", (1, 2, 3, 3), "needs a positive temperature in spatial_softmax_param; found 0"),
        ("spatial_softmax_param { temperature: 1 }", (3,), "needs height and width"),
    ],
)
def test_what_does_not_fit_says_so(body, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("SpatialSoftmax", body, [np.zeros(shape)])
