"""SpatialTransformer, Transformer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("SpatialTransformer")
@drawn()
@given(SEED, st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_theta_leads_to_bilinear_values(seed, height, width, fixed):
    x, theta = normal(seed, 2, 2, 3, 4), 0.7 * normal(seed + 1, 2, 6)
    theta[:, 1] = 0.25 if fixed else theta[:, 1]
    given = np.delete(theta, 1, 1) if fixed else theta
    body = f"st_param {{ output_H: {height} output_W: {width} {'theta_1_2: 0.25' * fixed} }}"
    found = run_layer("SpatialTransformer", body, [x, given]).y[0]
    for n, i, j in np.ndindex(2, height, width):
        place = np.float64([2 * i / height - 1, 2 * j / width - 1, 1])
        r, c = (theta[n].reshape(2, 3) @ place + 1) / 2 * [3, 4]
        weights = np.outer(
            np.maximum(0, 1 - abs(np.arange(3) - r)), np.maximum(0, 1 - abs(np.arange(4) - c))
        )
        agree(found[n, :, i, j], (x[n] * weights).sum((1, 2)), 1e-3, 1e-4)


@law("Transformer")
@drawn()
@given(SEED)
def test_places_outside_the_middles_of_the_outer_pixels_are_0(seed):
    x, theta = normal(seed, 2, 2, 4, 4), 0.7 * normal(seed + 1, 2, 6, 1, 1)
    found = run_layer("Transformer", "", [x, theta]).y[0]
    for n, i, j in np.ndindex(2, 4, 4):
        place = np.float64([i / 2 - 1, j / 2 - 1, 1])
        r, c = (theta[n].reshape(2, 3) @ place) * 2 + 2
        if min(abs(r), abs(r - 3), abs(c), abs(c - 3)) < 1e-5:
            continue
        weights = np.outer(
            np.maximum(0, 1 - abs(np.arange(4) - r)), np.maximum(0, 1 - abs(np.arange(4) - c))
        )
        inside = 0 <= r <= 3 and 0 <= c <= 3
        agree(found[n, :, i, j], inside * (x[n] * weights).sum((1, 2)), 1e-3, 1e-4)
    whole = np.tile(np.float32([1, 0, 0, 0, 1, 0]), (2, 1))
    agree(run_layer("Transformer", "", [x, whole]).y[0], x)
    with pytest.raises(caffe.CaffeError, match="and N x 6 values of theta"):
        run_layer("Transformer", "", [x, whole[:, :5]])


def test_the_identity_leaves_all_as_it_is():
    x = normal(0, 2, 2, 3, 4)
    body = "st_param { theta_1_1: 1 theta_1_2: 0 theta_2_1: 0 theta_2_2: 1 to_compute_dU: false }"
    found = run_layer("SpatialTransformer", body, [x, np.zeros((2, 2))], diffs=[x])
    agree(found.y[0], x)
    np.testing.assert_array_equal(found.dx[0], 0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('st_param { transform_type: "tps" }', "transforms by affine"),
        ("st_param { theta_1_1: 1 }", "and N x 5 values of theta"),
        ("st_param { output_H: 0 }", "must be positive"),
    ],
)
def test_what_does_not_fit_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .SpatialTransformer.: .*{message}"):
        run_layer("SpatialTransformer", body, [np.zeros((1, 1, 2, 2)), np.zeros((1, 6))])
