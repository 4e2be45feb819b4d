"""ROIWarping, MaskResize, MaskPooling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def bilinear(x, y, z):
    """Of (H, W); the edges count half a pixel further, beyond that is nothing."""
    height, width = x.shape
    if not (-0.5 <= y <= height - 0.5 and -0.5 <= z <= width - 0.5):
        return None
    y, z = np.clip(y, 0, height - 1), np.clip(z, 0, width - 1)
    above, left = int(y), int(z)
    below, right = min(above + 1, height - 1), min(left + 1, width - 1)
    a, b = y - above, z - left
    upper = (1 - b) * x[above, left] + b * x[above, right]
    return (1 - a) * upper + a * ((1 - b) * x[below, left] + b * x[below, right])


def steps(start, end, part, parts):
    """Where a part of a region is looked at."""
    length = max(end - start, 0)
    count = math.ceil(length / parts)
    each = [part + k / count for k in range(count + 1)] if count else [part]
    return [start + at * length / parts for at in each]


CORNER = st.integers(-3, 12)


@law("ROIWarping")
@drawn()
@given(SEED, CORNER, CORNER, CORNER, CORNER)
def test_the_largest_bilinear_value_of_each_part(seed, left, above, right, below):
    x = normal(seed, 2, 2, 5, 6)
    body = "roi_warping_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }"
    found = run_layer("ROIWarping", body, [x, [[1, left, above, right, below]]]).y[0]
    corners = np.float64([left, above, right, below]) * 0.5
    x1, y1, x2, y2 = np.sign(corners) * np.floor(np.abs(corners) + 0.5)
    for c, i, j in np.ndindex(2, 2, 3):
        values = [
            bilinear(x[1, c].astype(np.float64), y, z)
            for y in steps(y1, y2, i, 2)
            for z in steps(x1, x2, j, 3)
        ]
        expected = max((v for v in values if v is not None), default=0)
        agree(found[0, c, i, j], expected, 1e-4)


def test_a_region_has_a_gradient_by_its_centre_and_size():
    x = np.broadcast_to(np.arange(8.0), (1, 1, 8, 8)) * 1.0  # a slope along x
    body = "roi_warping_param { pooled_h: 1 pooled_w: 1 spatial_scale: 1 }"
    found = run_layer("ROIWarping", body, [x, [[0, 1, 2, 5, 6]]], diffs=[np.ones((1, 1, 1, 1))])
    assert found.y[0] == 5  # at the right edge: centre + width / 2
    agree(found.dx[1], [[0, 1, 0, 0.5, 0]])


@law("MaskResize", "MaskPooling")
@drawn()
@given(SEED, st.integers(1, 8), st.integers(1, 8))
def test_masks_are_resized_and_multiply_maps(seed, height, width):
    x = normal(seed, 1, 2, 4, 5)
    body = f"mask_resize_param {{ output_height: {height} output_width: {width} }}"
    found = run_layer("MaskResize", body, [x]).y[0]
    for c, i, j in np.ndindex(2, height, width):
        expected = bilinear(x[0, c].astype(np.float64), i * 4 / height, j * 5 / width)
        agree(found[0, c, i, j], expected or 0, 1e-4)
    mask, dy = normal(seed + 1, 1, 1, 4, 5), normal(seed + 2, 1, 2, 4, 5)
    pooled = run_layer("MaskPooling", "", [x, mask], diffs=[dy])
    agree(pooled.y[0], x * mask)
    agree(pooled.dx[0], dy * mask)
    agree(pooled.dx[1], (dy * x).sum(1, keepdims=True))


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("ROIWarping", [(1, 1, 2, 2), (1, 5)], "pooled_h and pooled_w must be positive"),
        ("MaskResize", [(1, 1, 2, 2)], "and output_height and output_width"),
        ("MaskPooling", [(1, 2, 2, 2), (1, 2, 2, 2)], "masks N x 1 x H x W"),
    ],
)
def test_what_does_not_fit_says_so(kind, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, "", [np.zeros(shape) for shape in shapes])
