"""Convolution3D, Deconvolution3D, Pooling3D, in the words of both of C3D's releases."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

FILTERS = (
    "{param} {{ num_output: 2 kernel_size: 3 kernel_depth: 2 stride: 2 temporal_stride: 1 pad: 1 "
    "temporal_pad: {pad} }}"
)


@law("Convolution3D", "Deconvolution3D")
@drawn(10)
@given(SEED, st.integers(0, 1), st.sampled_from(["convolution3d_param", "convolution_param"]))
def test_filters_move_over_length_height_and_width(seed, pad, param):
    x, weight, bias = normal(seed, 1, 3, 3, 4, 5), normal(seed + 1, 2, 3, 2, 3, 3), normal(seed, 2)
    body = FILTERS.format(param=param, pad=pad)
    found = run_layer("Convolution3D", body, [x], params=[weight, bias]).y[0]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad,) * 2, (1, 1), (1, 1)))
    assert found.shape == (1, 2, 2 + 2 * pad, 2, 3)
    for place in itertools.product(*map(range, found.shape[2:])):
        t, i, j = place
        window = padded[0, :, t : t + 2, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        expected = (window * weight).sum((1, 2, 3, 4)) + bias
        agree(found[(0, slice(None), *place)], expected, 1e-4, 1e-4)
    # A deconvolution is a convolution's gradient.
    back = run_layer("Convolution3D", body, [x], params=[weight, bias * 0], diffs=[found]).dx[0]
    up = run_layer(
        "Deconvolution3D", body.replace("num_output: 2", "num_output: 3"), [found], params=[weight]
    )
    agree(up.y[0][..., :5][..., :4, :], back[..., : up.y[0].shape[3], :5], 1e-3, 1e-3)


@law("Pooling3D")
@drawn()
@given(SEED, st.booleans(), st.integers(0, 1), st.integers(1, 3), st.integers(1, 2))
def test_windows_over_three_axes_are_pooled(seed, maximum, pad, kernel, stride):
    x = normal(seed, 1, 2, 3, 4, 5)
    kernel = max(kernel, stride)  # or else a window may lie behind the bottom
    pad = 0 if maximum else min(pad, kernel - 1)
    body = (
        f"pool: {'MAX' if maximum else 'AVE'} kernel_size: {kernel} kernel_depth: 2 "
        f"stride: {stride} temporal_stride: 2 pad: {pad}"
    )
    found = run_layer("Pooling3D", f"pooling3d_param {{ {body} }}", [x]).y[0]
    again = run_layer("Pooling3D", f"pooling_param {{ {body} }}", [x]).y[0]
    np.testing.assert_array_equal(found, again)
    sizes = [2] + [-(-(n + 2 * pad - kernel) // stride) + 1 for n in (4, 5)]
    assert found.shape == (1, 2, *sizes)
    for place in np.ndindex(*sizes):
        spans, count = [], 1
        for i, (at, n) in enumerate(zip(place, (3, 4, 5), strict=True)):
            start = at * 2 if i == 0 else at * stride - pad
            end = min(start + (2 if i == 0 else kernel), n + (pad if i else 0))
            count *= end - start
            spans.append(slice(max(start, 0), min(end, n)))
        window = x[(0, slice(None), *spans)].astype(np.float64).reshape(2, -1)
        expected = window.max(1) if maximum else window.sum(1) / count
        agree(found[(0, slice(None), *place)], expected, 1e-4)


@law("Pooling3D")
@drawn()
@given(SEED, st.booleans(), *[st.integers(0, 2)] * 3, st.booleans())
def test_windows_of_p3d_have_names_for_each_axis(seed, maximum, pad_l, pad_h, pad_w, both):
    """As BVLC's pooling: sizes rounded up, no window that starts behind the bottom and one pad."""
    x = normal(seed, 1, 2, 3, 4, 5)
    pads = (pad_l, pad_h, pad_h if both else pad_w)
    kernel, stride = (3, 3, 3 if both else 4), (2, 3, 3 if both else 2)
    named = [("kernel", kernel), ("stride", stride), ("pad", pads)]
    fields = " ".join(f"{name}_l: {values[0]}" for name, values in named)
    for name, values in named:
        one = "kernel_size" if name == "kernel" else name
        fields += (
            f" {one}: {values[1]}" if both else f" {name}_h: {values[1]} {name}_w: {values[2]}"
        )
    pool = "MAX" if maximum else "AVE"
    found = run_layer("Pooling3D", f"pooling3d_param {{ pool: {pool} {fields} }}", [x]).y[0]
    sizes = []
    for n, k, s, p in zip(x.shape[2:], kernel, stride, pads, strict=True):
        count = -(-(n + 2 * p - k) // s) + 1
        sizes.append(count - (any(pads) and (count - 1) * s >= n + p))
    assert found.shape == (1, 2, *sizes)
    for place in np.ndindex(*sizes):
        spans, count = [], 1
        for at, n, k, s, p in zip(place, x.shape[2:], kernel, stride, pads, strict=True):
            start = at * s - p
            end = min(start + k, n + p)
            count *= end - start
            spans.append(slice(max(start, 0), min(end, n)))
        window = x[(0, slice(None), *spans)].astype(np.float64).reshape(2, -1)
        expected = window.max(1) if maximum else window.sum(1) / count
        agree(found[(0, slice(None), *place)], expected, 1e-4)


def test_a_global_pooling_has_one_window():
    x = normal(0, 2, 3, 2, 3, 4)
    for pool, expected in (("AVE", x.mean((2, 3, 4))), ("MAX", x.max((2, 3, 4)))):
        body = f"pooling3d_param {{ pool: {pool} global_pooling: true stride: 1 }}"
        found = run_layer("Pooling3D", body, [x]).y[0]
        agree(found, expected.reshape(2, 3, 1, 1, 1))


def test_a_net_of_the_first_release_opens():
    text = """
    input: "data" input_shape { dim: 1 dim: 3 dim: 4 dim: 8 dim: 8 }
    layers { name: "conv1a" type: CONVOLUTION3D bottom: "data" top: "conv1a" blobs_lr: 1 blobs_lr: 2
      convolution_param { num_output: 4 kernel_size: 3 kernel_depth: 3 pad: 1 temporal_pad: 1
        weight_filler { type: "gaussian" std: 0.01 } } }
    layers { name: "relu1a" type: RELU bottom: "conv1a" top: "conv1a" }
    layers { name: "pool1" type: POOLING3D bottom: "conv1a" top: "pool1"
      pooling_param { pool: MAX kernel_size: 2 kernel_depth: 1 stride: 2 temporal_stride: 1 } }
    layers { name: "up" type: DECONVOLUTION3D bottom: "pool1" top: "up"
      convolution_param { num_output: 2 kernel_size: 4 kernel_depth: 4 pad: 1 temporal_pad: 1
        stride: 2 temporal_stride: 2 } }
    """
    net = net_of(text)
    assert net.blobs["pool1"].shape == (1, 4, 4, 4, 4)
    assert net.blobs["up"].shape == (1, 2, 8, 8, 8)
    assert net.params["conv1a"][0].shape == (4, 3, 3, 3, 3)


def test_a_bias_of_five_axes_loads(tmp_path):
    text = input_layer("x", 1, 1, 2, 3, 3) + (
        'layer { name: "c" type: "Convolution3D" bottom: "x" top: "y" convolution3d_param '
        "{ num_output: 2 kernel_size: 3 kernel_depth: 2 } }"
    )
    net, param = net_of(text), caffe.proto.caffe_pb2.NetParameter()
    layer = param.layer.add(name="c", type="Convolution3D")
    for shape in ((2, 1, 2, 3, 3), (1, 1, 1, 1, 2)):
        blob = layer.blobs.add(data=np.arange(np.prod(shape)))
        blob.shape.dim.extend(shape)
    (tmp_path / "m.caffemodel").write_bytes(param.SerializeToString())
    net.copy_from(tmp_path / "m.caffemodel")
    np.testing.assert_array_equal(net.params["c"][1].data, [0, 1])


@pytest.mark.parametrize(
    ("kind", "body", "shape", "message"),
    [
        ("Convolution3D", "", (1, 1, 2, 2), "needs 5 axes"),
        ("Pooling3D", "pooling_param { kernel_size: 2 }", (1, 1, 2, 2, 2), "must be positive"),
        (
            "Pooling3D",
            "pooling_param { kernel_size: 2 kernel_depth: 2 pad: 1 }",
            (1, 1, 2, 2, 2),
            "pad is for AVE only",
        ),
        (
            "Pooling3D",
            "pooling3d_param { pool: STOCHASTIC kernel_size: 1 kernel_depth: 1 }",
            (1, 1, 2, 2, 2),
            "pools by MAX or AVE here; found STOCHASTIC",
        ),
        (
            "Pooling3D",
            "pooling3d_param { global_pooling: true kernel_l: 2 stride_l: 2 pad: 0 }",
            (1, 1, 2, 2, 2),
            "drop kernel_l, stride_l",
        ),
        (
            "Pooling3D",
            "pooling3d_param { kernel_l: 2 kernel_size: 2 pad_l: 2 }",
            (1, 1, 2, 2, 2),
            "must be smaller than the kernel",
        ),
        (
            "Pooling3D",
            "pooling_param { kernel_size: 1 kernel_depth: 3 }",
            (1, 1, 2, 2, 2),
            "smaller than kernel",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shape, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape)])
