"""ImageDistort of Apollo's traffic lights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


def settings(scale, means):
    return f"image_distort_param {{ new_scale: {scale!r} new_mean_value: {means} }}"


@law("ImageDistort")
@drawn()
@given(SEED, SMALL, SMALL, st.floats(-2, 2, width=32))
def test_an_image_less_each_channels_mean_is_scaled(seed, items, channels, scale):
    x, dy = (normal(seed + i, items, channels, 2, 3) for i in range(2))
    means = normal(seed + 2, channels)
    ran = run_layer("ImageDistort", settings(scale, means.tolist()), [x], diffs=[dy])
    agree(ran.y[0], scale * (np.float64(x) - np.float64(means)[:, None, None]))
    agree(ran.dx[0], scale * np.float64(dy))


@law("ImageDistort")
def test_without_settings_images_stay_as_they_are():
    x = normal(0, 1, 2, 2, 2)
    np.testing.assert_array_equal(run_layer("ImageDistort", "", [x]).y[0], x)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 2, 2, 2), r"new_mean_value for each of 2 channels; found \[1\.0, 2\.0, 3\.0\]"),
        ((1, 3), r"takes N x C x H x W; found shape \(1, 3\)"),
    ],
)
def test_a_bottom_that_is_no_such_image_is_refused(shape, message):
    body = settings(1.0, [1, 2, 3])
    text = f'layer {{ name: "l" type: "ImageDistort" bottom: "x" top: "y" {body} }}'
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(input_layer("x", *shape) + text)
