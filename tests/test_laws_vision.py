"""Layers over space: their laws, against float64 references written here."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import FLT_MAX, SEED, agree, drawn, law, normal
from net_text import run_layer


def windows(size: int, kernel: int, stride: int, pad: int, padded: bool, floor: bool):
    """(start, end) of each window on one axis, as pooling_layer.cpp cuts them."""
    steps = (size + 2 * pad - kernel) / stride
    count = int(math.floor(steps) if floor else math.ceil(steps)) + 1
    if padded and (count - 1) * stride >= size + pad:
        count -= 1
    starts = [i * stride - pad for i in range(count)]
    return [(start, min(start + kernel, size + pad)) for start in starts]


def pooled(x: np.ndarray, kernel, stride, pad, average: bool, floor: bool) -> np.ndarray:
    """Pooling window by window in float64; AVE divides by the window with the padding in it."""
    rows, columns = (
        windows(x.shape[2 + i], kernel[i], stride[i], pad[i], any(pad), floor) for i in range(2)
    )
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for (i, (top, bottom)), (j, (left, right)) in itertools.product(
        enumerate(rows), enumerate(columns)
    ):
        part = np.float64(x)[:, :, max(top, 0) : bottom, max(left, 0) : right]
        if average:
            y[:, :, i, j] = part.sum((2, 3)) / ((bottom - top) * (right - left))
        else:
            y[:, :, i, j] = part.max((2, 3), initial=-FLT_MAX)
    return y


@st.composite
def poolings(draw):
    kernel = [draw(st.integers(1, 4)) for _ in range(2)]
    pad = [draw(st.integers(0, k - 1)) for k in kernel]
    stride = [draw(st.integers(1, 4)) for _ in range(2)]
    # Where a window would have nothing but what lies behind the bottom, Caffe reads outside.
    size = [draw(st.integers(max(1, k - 2 * p), 8)) for k, p in zip(kernel, pad, strict=True)]
    return kernel, stride, pad, size


def inside(kernel, stride, pad, size, floor) -> bool:
    return all(
        len(w) > 0 and all(max(start, 0) < end for start, end in w)
        for i in range(2)
        for w in [windows(size[i], kernel[i], stride[i], pad[i], any(pad), floor)]
    )


@law("Pooling")
@drawn(120)
@given(SEED, poolings(), st.booleans(), st.booleans())
def test_pooling_rounds_up_clips_the_last_window_and_counts_padding_in_ave(
    seed, geometry, average, floor
):
    kernel, stride, pad, size = geometry
    if not inside(kernel, stride, pad, size, floor):
        return
    x = normal(seed, 2, 2, *size) - 3  # negative: padding must not win the maximum
    body = " ".join(
        f"{name}_h: {h} {name}_w: {w}"
        for name, (h, w) in (("kernel", kernel), ("stride", stride), ("pad", pad))
    )
    body += f" pool: {'AVE' if average else 'MAX'} round_mode: {'FLOOR' if floor else 'CEIL'}"
    ran = run_layer("Pooling", f"pooling_param {{ {body} }}", [x])
    agree(ran.y[0], pooled(x, kernel, stride, pad, average, floor))


@law("Pooling")
@drawn()
@given(SEED, poolings())
def test_max_poolings_second_top_is_where_in_the_channel_the_first_maximum_lies(seed, geometry):
    kernel, stride, pad, size = geometry
    if not inside(kernel, stride, pad, size, floor=False):
        return
    x = np.random.RandomState(seed).randint(-9, -6, (1, 2, *size)).astype(np.float32)  # with ties
    body = " ".join(
        f"{name}_h: {h} {name}_w: {w}"
        for name, (h, w) in (("kernel", kernel), ("stride", stride), ("pad", pad))
    )
    dy = 1 + np.abs(normal(seed, *pooled(x, kernel, stride, pad, False, False).shape))
    ran = run_layer("Pooling", f"pooling_param {{ {body} }}", [x], tops=2, diffs=[dy])
    dx = np.zeros(x.shape)
    rows, columns = (
        windows(size[i], kernel[i], stride[i], pad[i], any(pad), False) for i in range(2)
    )
    for c, (i, (top, bottom)), (j, (left, right)) in itertools.product(
        range(2), enumerate(rows), enumerate(columns)
    ):
        top, left = max(top, 0), max(left, 0)
        part = x[0, c, top:bottom, left:right]
        row, column = np.unravel_index(part.argmax(), part.shape)
        assert ran.y[1][0, c, i, j] == (top + row) * size[1] + left + column
        dx[0, c, top + row, left + column] += dy[0, c, i, j]
    agree(ran.dx[0], dx)


@law("Pooling")
@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_global_pooling_takes_the_bottom_as_its_window_also_after_a_reshape(pool):
    x = normal(0, 2, 3, 4, 5)
    net = run_layer("Pooling", f"pooling_param {{ pool: {pool} global_pooling: true }}", [x]).net
    for shape in ((2, 3, 4, 5), (1, 3, 2, 7)):
        x = normal(1, *shape)
        net.blobs["x0"].reshape(*shape)
        net.blobs["x0"].data[...] = x
        reduce = np.max if pool == "MAX" else np.mean
        agree(net.forward()["y0"], reduce(np.float64(x), (2, 3), keepdims=True))


def convolved(x, w, b, stride, pad, dilation, group):
    """Cross-correlation of N x C x ... by C' x C/group x ..., value by value, in float64."""
    spatial = x.ndim - 2
    x = np.pad(np.float64(x), [(0, 0), (0, 0)] + [(pad, pad)] * spatial)
    out = [
        (size - (dilation * (k - 1) + 1)) // stride + 1
        for size, k in zip(x.shape[2:], w.shape[2:], strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    per_out, per_in = w.shape[0] // group, x.shape[1] // group
    for g, at in itertools.product(range(group), itertools.product(*map(range, out))):
        window = tuple(
            slice(i * stride, i * stride + dilation * (k - 1) + 1, dilation)
            for i, k in zip(at, w.shape[2:], strict=True)
        )
        part = x[(slice(None), slice(g * per_in, (g + 1) * per_in), *window)]
        kernels = np.float64(w[g * per_out : (g + 1) * per_out])
        axes = list(range(1, w.ndim))
        y[(slice(None), slice(g * per_out, (g + 1) * per_out), *at)] = np.tensordot(
            part, kernels, (axes, axes)
        )
    return y + b.reshape((1, -1) + (1,) * spatial)


@st.composite
def convolutions(draw):
    spatial = draw(st.integers(1, 3))
    geometry = {
        "kernel_size": draw(st.integers(1, 3)),
        "stride": draw(st.integers(1, 3)),
        "pad": draw(st.integers(0, 2)),
        "dilation": draw(st.integers(1, 2)),
        "group": draw(st.integers(1, 2)),
    }
    extent = geometry["dilation"] * (geometry["kernel_size"] - 1) + 1
    least = max(1, extent - 2 * geometry["pad"])
    sizes = [draw(st.integers(least, least + 3)) for _ in range(spatial)]
    return geometry, sizes


def conv_body(geometry, num_output):
    text = " ".join(f"{k}: {v}" for k, v in geometry.items())
    return f"convolution_param {{ num_output: {num_output} {text} }}"


@law("Convolution")
@drawn(60)
@given(SEED, convolutions())
def test_convolution_is_cross_correlation_in_1_2_or_3_dimensions(seed, drawn_case):
    geometry, sizes = drawn_case
    kernel, group = geometry["kernel_size"], geometry["group"]
    x = normal(seed, 2, 4, *sizes)
    w, b = normal(seed + 1, 6, 4 // group, *[kernel] * len(sizes)), normal(seed + 2, 6)
    ran = run_layer("Convolution", conv_body(geometry, 6), [x], params=[w, b])
    agree(
        ran.y[0],
        convolved(x, w, b, *(geometry[k] for k in ("stride", "pad", "dilation")), group),
        floor=3e-5,
    )


@law("Deconvolution")
@drawn(60)
@given(SEED, convolutions())
def test_deconvolution_is_the_gradient_of_convolution(seed, drawn_case):
    """With equal weights: deconv(dy) is the gradient by x of <conv(x), dy>, in its full extent."""
    geometry, sizes = drawn_case
    kernel, group = geometry["kernel_size"], geometry["group"]
    extent = geometry["dilation"] * (kernel - 1) + 1
    full = [geometry["stride"] * (n - 1) + extent - 2 * geometry["pad"] for n in sizes]
    if min(full) < 1:
        return
    dy = normal(seed, 2, 6, *sizes)
    w = normal(seed + 1, 6, 4 // group, *[kernel] * len(sizes))
    zero = np.zeros(6)
    ran = run_layer("Deconvolution", conv_body(geometry, 4), [dy], params=[w, np.zeros(4)])
    assert ran.y[0].shape == (2, 4, *full)
    # <conv(x), dy> = <x, deconv(dy)> for every x says the same, without a second loop.
    x = normal(seed + 2, 2, 4, *full)
    y = convolved(x, w, zero, *(geometry[k] for k in ("stride", "pad", "dilation")), group)
    agree((y * dy).sum(), (np.float64(ran.y[0]) * x).sum(), relative=1e-4, floor=1e-3)


@law("Convolution", "Deconvolution")
def test_h_and_w_forms_give_each_axis_its_own_geometry():
    body = (
        "convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2"
        " pad_h: 0 pad_w: 1 bias_term: false }"
    )
    x = normal(0, 1, 2, 5, 7)
    conv = run_layer("Convolution", body, [x])
    assert conv.y[0].shape == (1, 2, 4, 4)
    assert [p.shape for p in conv.params] == [(2, 2, 2, 3)]
    assert run_layer("Deconvolution", body, [x]).y[0].shape == (1, 2, 6, 13)
