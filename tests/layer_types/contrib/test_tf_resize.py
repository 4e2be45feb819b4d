"""ResizeBilinear and ResizeNearestNeighbor of Synopsys' Caffe."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

WAYS = ("", "align_corners", "half_pixel_centers", "pytorch_half_pixel")
NEAREST = (*WAYS[:3], "half_pixel_onnx")
SIZE = st.integers(1, 9)


def positions(before, after, way):
    """On the bottom, of the top's pixels."""
    if way == "align_corners" and after > 1:
        return [i * (before - 1) / (after - 1) for i in range(after)]
    if way == "pytorch_half_pixel" and after == 1:
        return [-0.5]
    if way.endswith("centers") or way.endswith("pixel"):
        return [(i + 0.5) * before / after - 0.5 for i in range(after)]
    return [i * before / after for i in range(after)]


def between(x, axis, places):
    """Linearly, the border's values beyond it."""
    parts = []
    for place in places:
        low, high = max(math.floor(place), 0), min(math.ceil(place), x.shape[axis] - 1)
        share = place - math.floor(place)
        parts.append((1 - share) * x.take(low, axis) + share * x.take(high, axis))
    return np.stack(parts, axis)


@law("ResizeBilinear")
@drawn(40)
@given(SEED, SIZE, SIZE, st.sampled_from(WAYS), st.sampled_from(["NHWC", "NCHW", "NCHWD"]))
def test_values_between_those_of_the_bottom(seed, height, width, way, kind):
    axes = [kind.index(axis) for axis in "HWD" if axis in kind]
    x = (
        normal(seed, 2, 3, 4, 5, 3)[..., : len(kind)]
        if len(kind) == 5
        else normal(seed, 2, 3, 4, 5)
    )
    body = f"output_height: {height} output_width: {width} data_format: '{kind}'"
    body += " scale_depth: 2.5" if len(kind) == 5 else ""
    body += f" {way}: true" if way else ""
    found = run_layer("ResizeBilinear", f"resize_bilinear_param {{ {body} }}", [x]).y[0]
    expected = x.astype(np.float64)
    for axis, after in zip(axes, (height, width, 7), strict=False):
        expected = between(expected, axis, positions(x.shape[axis], after, way))
    agree(found, expected, 1e-4, 1e-4)


@law("ResizeNearestNeighbor")
@drawn(40)
@given(SEED, SIZE, SIZE, st.sampled_from(NEAREST))
def test_one_of_the_values_of_the_bottom(seed, height, width, way):
    x = normal(seed, 2, 3, 4, 5)
    body = f"output_height: {height} output_width: {width}" + (f" {way}: true" if way else "")
    body = f"resize_nearest_neighbor_param {{ {body} }}"
    found = run_layer("ResizeNearestNeighbor", body, [x]).y[0]
    for axis, after in ((1, height), (2, width)):
        before = x.shape[axis]
        step = np.float32(before) / np.float32(after)
        if way == "align_corners" and after > 1:
            step = np.float32(before - 1) / np.float32(after - 1)
        shift = np.float32(0.5 if way.startswith("half_pixel") else 0)
        places = [(np.float32(i) + shift) * step for i in range(after)]
        further = {"align_corners": 0.5, "half_pixel_onnx": -0.5}.get(way, 0)
        rounded = [math.floor(p + further) for p in places]
        x = x.take([max(min(p, before - 1), 0) for p in rounded], axis)
    agree(found, x)


def test_a_size_may_be_so_many_times_as_large():
    x = normal(0, 1, 3, 4, 2)
    body = "resize_nearest_neighbor_param { scale_height: 2.5 output_width: 8 }"
    assert run_layer("ResizeNearestNeighbor", body, [x]).y[0].shape == (1, 7, 8, 2)


def test_half_a_pixel_earlier_is_another_value():
    x = np.arange(2.0).reshape(1, 1, 2, 1)
    body = "resize_nearest_neighbor_param { output_width: 4 %s: true }"
    for way, expected in (("half_pixel_centers", [0, 0, 1, 1]), ("half_pixel_onnx", [0, 0, 0, 1])):
        agree(run_layer("ResizeNearestNeighbor", body % way, [x]).y[0].flatten(), expected)


def test_only_one_way_to_place_pixels_is_given():
    body = "resize_nearest_neighbor_param { align_corners: true half_pixel_onnx: true }"
    with pytest.raises(caffe.CaffeError, match="half_pixel_centers and half_pixel_onnx"):
        run_layer("ResizeNearestNeighbor", body, [np.zeros((1, 2, 2, 2))])
    body = "resize_nearest_neighbor_param { data_format: 'NCHWD' }"
    with pytest.raises(caffe.CaffeError, match="data_format is one of NHWC, NCHW; found NCHWD"):
        run_layer("ResizeNearestNeighbor", body, [np.zeros((1, 2, 2, 2, 2))])


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ("data_format: 'NCWH'", (1, 2, 2, 2), "is one of NHWC, NCHW, NCHWD; found NCWH"),
        ("data_format: 'NCHWD'", (1, 2, 2, 2), "needs 5 axes"),
        ("", (1, 2, 2), "needs 4 axes"),
        ("align_corners: true half_pixel_centers: true", (1, 2, 2, 2), "has one of align_corners"),
        ("align_corners: true pytorch_half_pixel: true", (1, 2, 2, 2), "has one of align_corners"),
        ("scale_width: 0.2", (1, 2, 2, 2), "all must be positive"),
    ],
)
def test_what_does_not_fit_says_so(body, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("ResizeBilinear", f"resize_bilinear_param {{ {body} }}", [np.zeros(shape)])
