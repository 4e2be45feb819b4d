"""Interp, Upsample, Unpooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


def interpolated(x, size):
    """Bilinear between the corner pixels, in float64."""
    out = np.zeros((*x.shape[:2], *size))
    for i in range(size[0]):
        for j in range(size[1]):
            at = [
                index * (old - 1) / (new - 1) if new > 1 else 0
                for index, old, new in zip((i, j), x.shape[2:], size, strict=True)
            ]
            for row in (int(at[0]), min(int(at[0]) + 1, x.shape[2] - 1)):
                for column in (int(at[1]), min(int(at[1]) + 1, x.shape[3] - 1)):
                    weight = max(0, 1 - abs(at[0] - row)) * max(0, 1 - abs(at[1] - column))
                    same = (row == x.shape[2] - 1 == int(at[0])) + (
                        column == x.shape[3] - 1 == int(at[1])
                    )
                    out[:, :, i, j] += weight * x[:, :, row, column].astype(np.float64) / 2**same
    return out


@law("Interp")
@drawn()
@given(SEED, st.integers(1, 6), st.integers(1, 6), st.integers(1, 7), st.integers(1, 7))
def test_interp_of_a_size_is_bilinear_between_the_corners(seed, h, w, height, width):
    x = normal(seed, 2, 1, h, w)
    body = f"interp_param {{ height: {height} width: {width} }}"
    agree(run_layer("Interp", body, [x]).y[0], interpolated(x, (height, width)), floor=1e-4)
    like = np.zeros((1, 5, height, width))
    agree(run_layer("Interp", "", [x, like]).y[0], interpolated(x, (height, width)), floor=1e-4)


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ("zoom_factor: 8", (9, 17)),
        ("shrink_factor: 2", (1, 2)),
        ("shrink_factor: 2 zoom_factor: 3", (1, 4)),
        ("zoom_factor: 2 pad_beg: -1", (1, 3)),
        ("zoom_factor: 2 pad_end: -1", (1, 3)),
    ],
)
def test_interps_factors_count_the_pixels_between_the_corners(fields, size):
    x = normal(0, 1, 2, 2, 3)
    begin = int("pad_beg" in fields)
    cut = x[:, :, begin : 2 - ("pad_end" in fields), begin : 3 - ("pad_end" in fields)]
    found = run_layer("Interp", f"interp_param {{ {fields} }}", [x]).y[0]
    agree(found, interpolated(cut, size))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "needs its size in one way"),
        ("height: 3", "needs its size in one way"),
        ("height: 3 width: 3 zoom_factor: 2", "needs its size in one way"),
        ("zoom_factor: 2 pad_beg: 1", "at most 0"),
        ("zoom_factor: 0", "at least 1"),
        ("zoom_factor: 2 pad_beg: -2", "at least 1 pixel"),
    ],
)
def test_interp_refuses_what_has_no_size(fields, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("Interp", f"interp_param {{ {fields} }}", [np.zeros((1, 1, 2, 2))])


# Back to where a pooling found the values.


def pooled_back(x, kernel, stride, up, kind="Upsample"):
    """A net that pools with a mask and puts the values back."""
    net = net_of(
        f"force_backward: true {input_layer('x', *x.shape)} "
        'layer { name: "p" type: "Pooling" bottom: "x" top: "p" top: "m" '
        f"pooling_param {{ kernel_size: {kernel} stride: {stride} }} }}"
        f'layer {{ name: "u" type: "{kind}" bottom: "p" bottom: "m" top: "y" {up} }}'
    )
    net.blobs["x"].data[...] = x
    net.forward()
    return net


@law("Upsample", "Unpooling")
@drawn()
@given(SEED, st.integers(2, 5), st.integers(2, 5), st.sampled_from([(2, 2), (3, 2), (2, 1)]))
def test_pooled_values_go_back_to_their_places(seed, h, w, window):
    x = normal(seed, 2, 2, h, w)
    kernel, stride = window
    for kind, up in (
        ("Upsample", f"upsample_param {{ upsample_h: {h} upsample_w: {w} }}"),
        ("Unpooling", f"unpooling_param {{ kernel_size: 2 unpool_h: {h} unpool_w: {w} }}"),
    ):
        net = pooled_back(x, kernel, stride, up, kind)
        p, m = (net.blobs[name].data.copy() for name in "pm")
        expected = np.zeros((2, 2, h * w), np.float32)
        for index in np.ndindex(p.shape):  # the last one of a place stays
            expected[(*index[:2], int(m[index]))] = p[index]
        np.testing.assert_array_equal(net.blobs["y"].data, expected.reshape(x.shape))
        dy = normal(seed + 1, *x.shape)
        net.blobs["y"].diff[...] = dy
        net.backward()
        at = m.reshape(2, 2, -1).astype(int)
        expected = np.take_along_axis(dy.reshape(2, 2, -1), at, 2).reshape(p.shape)
        np.testing.assert_array_equal(net.blobs["p"].diff, expected)


@law("Upsample")
@drawn()
@given(SEED, SMALL, SMALL, SMALL, SMALL)
def test_upsample_without_a_mask_repeats_pixels(seed, h, w, scale_h, scale_w):
    x = normal(seed, 2, 1, h, w)
    body = f"upsample_param {{ scale_h: {scale_h} scale_w: {scale_w} }}"
    np.testing.assert_array_equal(
        run_layer("Upsample", body, [x]).y[0], x.repeat(scale_h, 2).repeat(scale_w, 3)
    )


def test_upsample_is_twice_as_large_by_default_and_a_row_less_where_asked():
    x, mask = np.ones((1, 1, 2, 3)), np.zeros((1, 1, 2, 3))
    assert run_layer("Upsample", "", [x, mask]).y[0].shape == (1, 1, 4, 6)
    body = "upsample_param { scale: 2 pad_out_h: true }"
    assert run_layer("Upsample", body, [x, mask]).y[0].shape == (1, 1, 3, 6)


@pytest.mark.parametrize(
    ("fields", "inputs", "message"),
    [
        ("upsample_h: 4", 2, "upsample_h and upsample_w, or none"),
        ("scale_h: 4", 2, "needs scale, or scale_h and scale_w"),
        ("scale: 0", 2, "must be positive"),
        ("upsample_h: 2 upsample_w: 4", 1, "needs a mask"),
        ("upsample_h: 2 upsample_w: 2", 2, "holds 9, behind the 2 x 2 pixels"),
    ],
)
def test_upsample_says_what_is_missing(fields, inputs, message):
    x = np.full((1, 1, 2, 3), 9)
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Upsample.: .*{message}"):
        run_layer("Upsample", f"upsample_param {{ {fields} }}", [x] * inputs)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(caffe.CaffeError, match="needs a mask of the bottom's shape"):
        run_layer("Upsample", "", [np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 3))])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Upsample", "upsample_param { upsample_h: 4 upsample_w: 6 }"),
        ("Unpooling", "unpooling_param { kernel_size: 2 unpool_h: 4 unpool_w: 6 }"),
    ],
)
def test_a_size_in_the_prototxt_fits_masks_of_one_size(kind, body):
    net = pooled_back(np.zeros((1, 1, 4, 6)), 2, 2, body, kind)
    net.blobs["x"].reshape(2, 1, 4, 6)
    assert net.forward()["y"].shape == (2, 1, 4, 6)
    net.blobs["x"].reshape(1, 1, 8, 6)
    with pytest.raises(caffe.CaffeError, match="mask counts in rows of the size in the prototxt"):
        net.forward()


def spread(x, kernel, stride, size, kind):
    """Each value over its window, cut where the top ends; in float64."""
    out = np.zeros((*x.shape[:2], *size))
    for i, j in np.ndindex(*x.shape[2:]):
        rows, columns = (
            slice(at * step, min(at * step + kernel, length))
            for at, step, length in zip((i, j), (stride, stride), size, strict=True)
        )
        window = out[:, :, rows, columns]
        area = window.shape[2] * window.shape[3]
        window += x[:, :, i, j, None, None] / (area if kind == "AVE" else 1)
    return out


@law("Unpooling")
@drawn()
@given(SEED, SMALL, SMALL, SMALL, SMALL, st.integers(0, 2), st.sampled_from(["AVE", "TILE"]))
def test_unpooling_spreads_values_over_their_windows(seed, h, w, kernel, stride, less, kind):
    x = normal(seed, 2, 1, h, w)
    size = tuple(max((n - 1) * stride + kernel - less, (n - 1) * stride + 1) for n in (h, w))
    body = (
        f"unpooling_param {{ unpool: {kind} kernel_size: {kernel} stride: {stride} "
        f"unpool_h: {size[0]} unpool_w: {size[1]} }}"
    )
    dy = normal(seed + 1, 2, 1, *size)
    found = run_layer("Unpooling", body, [x], diffs=[dy])
    agree(found.y[0], spread(x, kernel, stride, size, kind))
    # The gradient is the mean over a window, of TILE too.
    for i, j in np.ndindex(h, w):
        window = dy[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        agree(found.dx[0][:, :, i, j], window.mean((2, 3)), floor=1e-5)


def test_unpooling_without_a_mask_uses_the_windows_first_pixels():
    x = normal(0, 1, 2, 2, 3)
    found = run_layer(
        "Unpooling", "unpooling_param { kernel_size: 2 stride: 2 unpool_h: 4 unpool_w: 6 }", [x]
    )
    expected = np.zeros((1, 2, 4, 6), np.float32)
    expected[:, :, ::2, ::2] = x
    np.testing.assert_array_equal(found.y[0], expected)
    found = run_layer("Unpooling", "unpooling_param { kernel_size: 3 stride: 2 }", [x])
    assert found.y[0].shape == (1, 2, 5, 7)


@pytest.mark.parametrize(
    ("fields", "inputs", "message"),
    [
        ("", 1, "kernel_size .* is missing"),
        ("kernel_size: 2 stride: 0", 1, "stride must be positive"),
        ("kernel_size: 2 pad: 1", 1, "knows no pad"),
        ("kernel_size: 2 unpool: AVE", 2, "takes a mask for MAX only"),
    ],
)
def test_unpooling_says_what_it_does_not_do(fields, inputs, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Unpooling.: .*{message}"):
        run_layer("Unpooling", f"unpooling_param {{ {fields} }}", [np.zeros((1, 1, 2, 2))] * inputs)
