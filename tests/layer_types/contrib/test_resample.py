"""Resample, Downsample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

SIZE = st.integers(1, 9)


def triangle(x):
    return max(0.0, 1 - abs(x))


def cubic(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def resampled(x, size, kernel, antialias):
    """A value at a time: what of each pixel of the bottom is in a pixel of the top."""
    height, width = x.shape
    fy, fx = height / size[0], width / size[1]
    wide = antialias and max(fx, fy) > 1
    ay, ax = (1 / fy, 1 / fx) if wide else (1, 1)
    top = np.zeros(size)
    for i, j in np.ndindex(*size):
        v, u = i * fy + fx / 2 - 0.5, j * fx + fy / 2 - 0.5
        weights = np.array(
            [
                [kernel(ay * (v - y)) * kernel(ax * (u - z)) for z in range(width)]
                for y in range(height)
            ]
        )
        total = weights.sum()
        top[i, j] = (weights * x).sum() / total if total else 0
    return top


@law("Resample")
@drawn(40)
@given(SEED, SIZE, SIZE, st.integers(1, 3), st.sampled_from(["LINEAR", "CUBIC"]), st.booleans())
def test_filters_are_as_wide_as_the_larger_pixels(seed, height, width, times, kind, antialias):
    x = normal(seed, 1, 1, height, width)
    for size in ((height * times, width * times), (-(-height // times), -(-width // times))):
        body = (
            f"resample_param {{ height: {size[0]} width: {size[1]} type: {kind} "
            f"antialias: {str(antialias).lower()} }}"
        )
        found = run_layer("Resample", body, [x]).y[0]
        kernel = cubic if kind == "CUBIC" else triangle
        agree(found[0, 0], resampled(x[0, 0], size, kernel, antialias), 1e-3, 1e-4)


def test_the_nearest_pixel_and_the_size_of_a_second_bottom():
    x = normal(0, 2, 1, 4, 6)
    body = "resample_param { type: NEAREST }"
    found = run_layer("Resample", body, [x, np.zeros((1, 1, 8, 12))]).y[0]
    np.testing.assert_array_equal(found, x.repeat(2, 2).repeat(2, 3))
    again = run_layer("Resample", "resample_param { type: NEAREST factor: 2 }", [x]).y[0]
    np.testing.assert_array_equal(again, found)


@law("Downsample")
@drawn()
@given(SEED, SIZE, SIZE, SIZE, SIZE)
def test_corners_are_corners_and_holes_count_for_nothing(seed, height, width, rows, columns):
    x = normal(seed, 1, 1, height, width)
    x[0, 0, 0, 0] = np.nan
    body = f"downsample_param {{ top_height: {rows} top_width: {columns} }}"
    found = run_layer("Downsample", body, [x]).y[0][0, 0]
    if (height, width) == (rows, columns):
        np.testing.assert_array_equal(found, x[0, 0])
        return
    steps = [
        (b - 1) / (t - 1) if t > 1 and b > 1 else 1 for b, t in ((height, rows), (width, columns))
    ]
    for i, j in np.ndindex(rows, columns):
        weights = np.array(
            [
                [
                    max(0, 1 - abs(y - i * steps[0]) / steps[0])
                    * max(0, 1 - abs(z - j * steps[1]) / steps[1])
                    for z in range(width)
                ]
                for y in range(height)
            ]
        )
        holes, rest = weights[0, 0], weights.sum() - weights[0, 0]
        if math.isclose(holes, rest / 2, abs_tol=1e-4):
            continue
        expected = np.nan if holes > rest / 2 else np.nansum(weights * x[0, 0]) / (rest or 1)
        agree(found[i, j], expected, 1e-3, 1e-4)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("Resample", "resample_param { type: AREA }", "there are NEAREST, LINEAR and CUBIC"),
        ("Resample", "", "needs a height and a width"),
        ("Downsample", "", "needs a height and a width"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((1, 1, 2, 2))])


@law("Resize")
@drawn()
@given(SEED, st.integers(1, 9), st.integers(1, 9))
def test_resize_is_bilinear_from_the_first_pixel_on(seed, height, width):
    x, dy = normal(seed, 2, 1, 4, 5), normal(seed + 1, 2, 1, height, width)
    body = f"resize_param {{ height: {height} width: {width} }}"
    found = run_layer("Resize", body, [x], diffs=[dy])

    def weights(count, size):  # of the pixels (columns) for each place (rows); 0 beyond the last
        at = np.arange(count)[:, None] * size / count
        return np.maximum(0, 1 - np.abs(at - np.arange(size)))

    rows, columns = weights(height, 4), weights(width, 5)
    agree(found.y[0], rows @ x.astype(np.float64) @ columns.T, 1e-4, 1e-5)
    agree(found.dx[0], rows.T @ dy.astype(np.float64) @ columns, 1e-4, 1e-5)


def test_resize_may_go_by_scales():
    body = "resize_param { is_pyramid_test: true out_height_scale: 1.5 out_width_scale: 0.5 }"
    assert run_layer("Resize", body, [np.zeros((1, 1, 3, 5))]).y[0].shape == (1, 1, 4, 2)
    with pytest.raises(caffe.CaffeError, match="height and width must be positive"):
        run_layer("Resize", "", [np.zeros((1, 1, 3, 5))])


@law("Resize")
def test_resize_may_take_the_nearest_pixel_before():
    x = normal(0, 1, 2, 3, 4)
    body = "resize_param { resize_ratio: 2 type: NEAREST }"
    expected = x.repeat(2, 2).repeat(2, 3)
    dy = np.ones_like(expected)
    found = run_layer("Resize", body, [x], diffs=[dy])
    assert np.array_equal(found.y[0], expected)
    assert (found.dx[0] == 4).all()


@law("DeephiResize")
@drawn(25)
@given(SEED, SIZE, SIZE, SIZE, SIZE)
def test_deephi_resize_takes_the_pixel_before_or_those_about_a_centre(
    seed, height, width, rows, columns
):
    x, dy = normal(seed, 2, 2, height, width), normal(seed + 1, 2, 2, rows, columns)
    body = f"new_height: {rows} new_width: {columns}"

    def about(count, size):  # of the pixels (columns) for each place (rows)
        at = ((np.arange(count)[:, None] + 0.5) * size / count - 0.5).clip(0, size - 1)
        return np.maximum(0, 1 - np.abs(at - np.arange(size)))

    def before(count, size):
        at = np.floor(np.arange(count)[:, None] * (1 / (count / size))).clip(max=size - 1)
        return (at == np.arange(size)).astype(float)

    for kind, weights in (("", before), ("resize_type: BILINEAR", about)):
        found = run_layer(
            "DeephiResize", f"deephi_resize_param {{ {body} {kind} }}", [x], diffs=[dy]
        )
        down, across = weights(rows, height), weights(columns, width)
        agree(found.y[0], down @ x.astype(np.float64) @ across.T)
        agree(found.dx[0], down.T @ dy.astype(np.float64) @ across)


def test_deephi_resize_goes_by_scales_in_float32():
    body = "deephi_resize_param { scale_h: 0.7 scale_w: 1.55 }"
    assert run_layer("DeephiResize", body, [np.zeros((1, 1, 10, 3))]).y[0].shape == (1, 1, 7, 4)
    assert run_layer("DeephiResize", "", [np.zeros((1, 1, 3, 5))]).y[0].shape == (1, 1, 3, 5)
    for field in ("new_height", "scale_w"):
        with pytest.raises(caffe.CaffeError, match=r"layer 'l' .*should be set at the same time"):
            run_layer(
                "DeephiResize", f"deephi_resize_param {{ {field}: 2 }}", [np.zeros((1, 1, 3, 5))]
            )
