"""UnPooling, Upsampling."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def spread(x, kind, kernel, stride, pad):
    """Value by value: the top, and what each value of the top is of each of the bottom (H, W)."""
    (height, width), size = x.shape, tuple((n - 1) * stride - 2 * pad + kernel for n in x.shape)
    share, counts = np.zeros((*size, height, width)), np.zeros(size)
    for i, j in np.ndindex(height, width):
        top, left = i * stride - pad, j * stride - pad
        if kind == "FIXED":
            at = [
                min(max(math.floor((2 * start + kernel - 1) / 2), 0), end - 1)
                for start, end in zip((top, left), size, strict=True)
            ]
            share[at[0], at[1]] = 0
            share[at[0], at[1], i, j] = 1
            continue
        window = np.s_[max(top, 0) : top + kernel, max(left, 0) : left + kernel]
        counts[window] += 1
        share[(*window, i, j)] = 1 if kind == "REP" else 1 / kernel**2
    if kind != "FIXED":
        share /= np.maximum(counts, 1)[..., None, None]
    return (share * x.astype(np.float64)).sum((2, 3)), share


@law("UnPooling")
@drawn()
@given(
    SEED,
    st.sampled_from(["FIXED", "DIV", "REP", ""]),
    *(st.integers(1, 4) for _ in range(4)),
    st.integers(0, 2),
)
def test_values_are_at_their_windows(seed, kind, height, width, kernel, stride, pad):
    assume(pad < kernel and min(height, width) * stride - stride - 2 * pad + kernel > 0)
    x = normal(seed, 2, 2, height, width)
    body = f"out_kernel_size: {kernel} out_stride: {stride} out_pad: {pad}"
    body += f" unpool: {kind}" if kind else ""
    dy = normal(seed + 1, *run_layer("UnPooling", f"unpooling_param {{ {body} }}", [x]).y[0].shape)
    found = run_layer("UnPooling", f"unpooling_param {{ {body} }}", [x], diffs=[dy])
    for n, c in np.ndindex(2, 2):
        top, share = spread(x[n, c], kind or "FIXED", kernel, stride, pad)
        agree(found.y[0][n, c], top)
        agree(found.dx[0][n, c], (share * dy[n, c][..., None, None]).sum((0, 1)))


@pytest.mark.parametrize(
    ("size", "wanted", "windows"),
    [
        ((3, 4), (6, 8), "out_kernel_size: 2 out_stride: 2"),
        ((1, 1), (5, 5), "out_kernel_size: 5 out_stride: 1"),
        ((3, 3), (5, 4), "out_kernel_size: 2 out_stride: 2 out_pad_h: 0 out_pad_w: 1"),
    ],
)
def test_another_bottom_says_how_large_windows_are(size, wanted, windows):
    x, like = normal(0, 1, 2, *size), normal(1, 1, 3, *wanted)
    found = run_layer("UnPooling", "unpooling_param { unpool: REP }", [x, like])
    body = f"unpooling_param {{ unpool: REP {windows} }}"
    agree(found.y[0], run_layer("UnPooling", body, [x]).y[0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("unpool: AVE out_kernel_size: 2", "unpool is FIXED, DIV or REP; found AVE"),
        ("", "out_kernel_size 0, out_pad 0, out_stride 1"),
        ("out_kernel_size: 3 out_pad: 2", "out_pad leaves nothing"),
    ],
)
def test_windows_that_there_cannot_be_are_an_error(body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("UnPooling", f"unpooling_param {{ {body} }}", [np.zeros((1, 1, 2, 2))])
    with pytest.raises(caffe.CaffeError, match="unpool is MAX, AVE or TILE; found REP"):
        run_layer("Unpooling", "unpooling_param { unpool: REP }", [np.zeros((1, 1, 2, 2))])


@law("Upsampling")
@drawn()
@given(SEED, st.integers(1, 3), st.integers(1, 3))
def test_values_lie_at_the_first_pixel_of_windows(seed, rows, columns):
    x, dy = normal(seed, 2, 3, 2, 4), normal(seed + 1, 2, 3, 2 * rows, 4 * columns)
    body = f"kernel_size: {rows}" if rows == columns else f"kernel_h: {rows} kernel_w: {columns}"
    found = run_layer("Upsampling", f"upsampling_param {{ {body} }}", [x], diffs=[dy])
    expected = np.zeros(dy.shape)
    expected[:, :, ::rows, ::columns] = x
    agree(found.y[0], expected)
    agree(found.dx[0], dy[:, :, ::rows, ::columns])


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ("", (1, 1, 2, 2), "needs kernel_size, or else kernel_h and kernel_w"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", (1, 1, 2, 2), "found 2, 2 and 2"),
        ("kernel_size: 2", (1, 2, 2), "needs N x C x H x W"),
    ],
)
def test_windows_of_one_size_are_needed(body, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("Upsampling", f"upsampling_param {{ {body} }}", [np.zeros(shape)])
