"""ROIMaskPooling: surroundings and halves of regions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

REGIONS = np.float32(
    [[0, 4, 2, 20, 13], [1, 0, 0, 30, 30], [0, 8, 8, 8, 8], [1, -90, -90, -80, -80]]
)


def c_round(value):
    return int(np.sign(value) * np.floor(abs(value) + 0.5))


def expected(x, regions, size, scale, shift, half, roi_scale, mask_scale):
    """Value and pixel of each part, as the loop over pixels finds it."""
    height, width = x.shape[2:]
    top = np.zeros((len(regions), x.shape[1], *size))
    where = np.full(top.shape, -1)
    for n, (image, *corners) in enumerate(regions.astype(np.float64)):
        x1, y1, x2, y2 = corners
        centre = (x1 + x2) / 2, (y1 + y2) / 2

        def pixels(times, half, centre=centre, sides=(x2 - x1, y2 - y1)):
            ends = [
                c + s * side * times / 2
                for s in (-1, 1)
                for c, side in zip(centre, sides, strict=True)
            ]
            if half:
                end = {1: 2, 2: 0, 3: 3, 4: 1}[half]
                ends[end] = centre[end % 2]
            return [c_round(end * scale + shift) for end in ends]

        left, above, right, below = pixels(roi_scale, half)
        mask = pixels(mask_scale, 0) if mask_scale > 0 else (1, 1, 0, 0)
        lengths = max(below - above + 1, 1), max(right - left + 1, 1)
        for index in np.ndindex(x.shape[1], *size):
            c, *part = index
            ranges = [
                range(
                    min(max(int(np.floor(p * length / count)) + first, 0), most),
                    min(max(int(np.ceil((p + 1) * length / count)) + first, 0), most),
                )
                for p, length, count, first, most in zip(
                    part, lengths, size, (above, left), (height, width), strict=True
                )
            ]
            best = -np.inf
            for row in ranges[0]:
                for column in ranges[1]:
                    raw = x[int(image), c, row, column]
                    inside = mask[0] <= column <= mask[2] and mask[1] <= row <= mask[3]
                    if (0 if inside else raw) > best:
                        best, where[(n, *index)] = raw, row * width + column
            top[(n, *index)] = 0 if where[(n, *index)] < 0 else best
    return top, where


@law("ROIMaskPooling")
@drawn(10)
@given(SEED, st.integers(0, 4), st.sampled_from([0, 0.5, 1]), st.booleans())
def test_parts_have_the_pixels_that_its_loop_finds(seed, half, mask, relu):
    x = normal(seed, 2, 2, 8, 8)
    x = np.maximum(x, 0) if relu else x
    body = (
        "roi_mask_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.25 spatial_shift: -0.5 "
        f"half_part: {half} roi_scale: 1.5 mask_scale: {mask} }}"
    )
    dy = normal(seed + 1, 4, 2, 3, 2)
    found = run_layer("ROIMaskPooling", body, [x, REGIONS], diffs=[dy])
    top, where = expected(x, REGIONS, (3, 2), 0.25, -0.5, half, 1.5, mask)
    agree(found.y[0], top)
    dx = np.zeros((2, 2, 64))
    for index in np.ndindex(*top.shape):
        if where[index] >= 0:
            dx[int(REGIONS[index[0], 0]), index[1], where[index]] += dy[index]
    agree(found.dx[0], dx.reshape(x.shape), 1e-4)


def test_of_scale_1_it_is_a_roi_pooling():
    x = normal(0, 2, 3, 8, 8)
    sizes = "pooled_h: 2 pooled_w: 2 spatial_scale: 0.25"
    found = run_layer("ROIMaskPooling", f"roi_mask_pooling_param {{ {sizes} }}", [x, REGIONS])
    plain = run_layer("ROIPooling", f"roi_pooling_param {{ {sizes} }}", [x, REGIONS])
    agree(found.y[0], plain.y[0])


def test_no_regions_have_no_parts():
    body = "roi_mask_pooling_param { pooled_h: 2 pooled_w: 2 }"
    found = run_layer("ROIMaskPooling", body, [normal(0, 1, 3, 4, 4), np.zeros((0, 5))])
    assert found.y[0].shape == (0, 3, 2, 2)


def test_sizes_that_are_missing_are_named():
    with pytest.raises(caffe.CaffeError, match="pooled_h and pooled_w must be positive"):
        run_layer("ROIMaskPooling", "", [np.zeros((1, 3, 4, 4)), np.zeros((1, 5))])
