"""Synopsys' Caffe: padding of each side, TensorFlow's blocks, and what its converted nets have."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

SIDES = st.tuples(*[st.integers(0, 2)] * 4)  # above, below, left, right
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


def of_sides(sides):
    return "".join(f"pad_{name}: {n} " for name, n in zip("tblr", sides, strict=True))


def same(size, kernel, stride):
    """TensorFlow's SAME: ceil(size / stride) windows, what they lack in halves at both ends."""
    lacks = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return lacks // 2, lacks - lacks // 2


def windows_of(size, kernel, stride, ends, ceil):
    """(start, end) of each window; padding_layer.cpp's, with a padding for each end."""
    before, behind = ends
    steps = (size + before + behind - kernel) / stride
    count = (math.ceil if ceil else math.floor)(steps) + 1
    if (before or behind) and (count - 1) * stride >= size + before:
        count -= 1
    starts = [i * stride - before for i in range(count)]
    return [(start, min(start + kernel, size + behind)) for start in starts]


def pooled(x, kind, rows, columns):
    height, width = x.shape[2:]
    top = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for (i, (a, b)), (j, (c, d)) in (
        (row, column) for row in enumerate(rows) for column in enumerate(columns)
    ):
        part = x[:, :, max(a, 0) : min(b, height), max(c, 0) : min(d, width)].astype(np.float64)
        count = part[0, 0].size if kind == "AVE_EXC_PAD" else (b - a) * (d - c)
        flat = part.reshape(*x.shape[:2], -1)
        top[:, :, i, j] = flat.max(-1) if kind == "MAX" else flat.sum(-1) / count
    return top


@drawn(60)
@given(
    SEED,
    st.sampled_from(["MAX", "AVE", "AVE_EXC_PAD"]),
    PAIR,
    PAIR,
    SIDES,
    st.booleans(),
    st.booleans(),
)
def test_a_pooling_is_padded_at_each_side_or_as_tensorflow_does(
    seed, kind, more, stride, sides, ceil, covering
):
    kernel = tuple(s + m - 1 for s, m in zip(stride, more, strict=True))
    most = (kernel[0] - 1, kernel[0] - 1, kernel[1] - 1, kernel[1] - 1)
    sides = tuple(min(side, end) for side, end in zip(sides, most, strict=True))
    x = normal(seed, 2, 2, 5, 6)
    if covering:
        ends = [same(n, k, s) for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
        pads, ceil_windows = "pad_type: 1", False
    else:
        ends = [sides[:2], sides[2:]]
        pads, ceil_windows = of_sides(sides), ceil
    rows, columns = (
        windows_of(x.shape[2 + i], kernel[i], stride[i], ends[i], ceil_windows) for i in range(2)
    )
    body = (
        f"pooling_param {{ pool: {kind} kernel_h: {kernel[0]} kernel_w: {kernel[1]} "
        f"stride_h: {stride[0]} stride_w: {stride[1]} ceil_mode: {str(ceil).lower()} {pads} }}"
    )
    agree(run_layer("Pooling", body, [x]).y[0], pooled(x, kind, rows, columns), 1e-5, 1e-6)


def test_the_mask_of_a_maximum_is_of_the_bottom_and_the_gradients_are_its_own():
    x = normal(0, 1, 1, 4, 5)
    body = "pooling_param { kernel_size: 3 stride: 2 pad_t: 1 pad_r: 2 }"
    top, mask = run_layer("Pooling", body, [x], tops=2).y
    agree(x.ravel()[mask.astype(int).ravel()], top.ravel())
    for kind in ("MAX", "AVE"):
        for pads in ("pad_t: 1 pad_r: 2", "pad_type: 1", "pad_l: 1 exclude_pad: true"):
            check_gradient(
                "Pooling",
                f"pooling_param {{ pool: {kind} kernel_size: 3 stride: 2 {pads} }}",
                [(1, 1, 4, 5)],
                1,
            )


@drawn(20)
@given(SEED, SIDES, PAIR, PAIR, st.integers(1, 2), st.booleans())
def test_a_convolution_is_padded_at_each_side_or_as_tensorflow_does(
    seed, sides, kernel, stride, dilation, covering
):
    x, weight = normal(seed, 1, 2, 7, 8), normal(seed + 1, 3, 2, *kernel)
    shape = f"kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} "
    shape += f"stride_w: {stride[1]} dilation: {dilation} "
    ends = [sides[:2], sides[2:]]
    if covering:
        extents = [dilation * (k - 1) + 1 for k in kernel]
        ends = [same(n, e, s) for n, e, s in zip(x.shape[2:], extents, stride, strict=True)]
    more = "num_output: 3 bias_term: false " + shape
    found = run_layer(
        "Convolution",
        f"convolution_param {{ {more} {'pad_type: 1' if covering else of_sides(sides)} }}",
        [x],
        params=[weight],
    ).y[0]
    wide = np.pad(x, [(0, 0), (0, 0), *ends])
    expected = run_layer("Convolution", f"convolution_param {{ {more} }}", [wide], params=[weight])
    agree(found, expected.y[0], 1e-4, 1e-5)
    if covering:
        sizes = [math.ceil(n / s) for n, s in zip(x.shape[2:], stride, strict=True)]
        assert list(found.shape[2:]) == sizes


@law("SpaceToBatchND", "BatchToSpaceND")
@drawn(20)
@given(SEED, st.tuples(*[st.integers(1, 2)] * 3), SIDES)
def test_places_in_blocks_are_items_and_back_again(seed, block, sides):
    x = normal(seed, 2, 2, 4, 6)
    ends = (0, 0, *(side * block[1 + i // 2] for i, side in enumerate(sides)))
    fields = "".join(f"block_shape: {n} " for n in block)
    padded = np.pad(x, [(0, 0), *zip(ends[::2], ends[1::2], strict=True)])
    places = [
        padded[:, c :: block[0], h :: block[1], w :: block[2]] for c, h, w in np.ndindex(*block)
    ]
    paddings = "".join(f"paddings: {n} " for n in ends)
    body = f"space_to_batch_nd_param {{ {fields} {paddings} }}"
    found = run_layer("SpaceToBatchND", body, [x]).y[0]
    np.testing.assert_array_equal(found, np.concatenate(places))
    crops = "".join(f"crops: {n} " for n in ends)
    body = f"batch_to_space_nd_param {{ {fields} {crops} }}"
    np.testing.assert_array_equal(run_layer("BatchToSpaceND", body, [found]).y[0], x)


@law("UpsampleDarknet")
def test_each_value_is_there_stride_times_stride_times():
    x = normal(0, 2, 3, 2, 4)
    found = run_layer("UpsampleDarknet", "upsample_darknet_param { stride: 3 }", [x]).y[0]
    np.testing.assert_array_equal(found, x.repeat(3, 2).repeat(3, 3))


def test_any_axis_is_padded_with_a_value():
    x = normal(0, 2, 3, 4)
    body = "pad_param { paddings: [0, 0, 1, 0, 2, 3] constant_values: 7 }"
    found = run_layer("Pad", body, [x]).y[0]
    expected = np.pad(x, [(0, 0), (1, 0), (2, 3)], constant_values=7)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(caffe.CaffeError, match="needs two paddings for each axis"):
        run_layer("Pad", "pad_param { paddings: 1 }", [x])


@pytest.mark.parametrize(
    ("fields", "least", "most"),
    [
        ("relu6: true", 0, 6),
        ("maximum: 4", 0, 4),
        ("relu6: true maximum: 8", 0, 6),
        ("minimum: 1.5", 1.5, np.inf),
        ("minimum: -2 maximum: 3", 0, 3),
    ],
)
def test_a_relu_may_have_bounds(fields, least, most):
    x = 5 * normal(0, 3, 4)
    layer = 'layer {{ name: "l" type: "ReLU" bottom: "x" top: "y" relu_param {{ {} }} }}'
    net = net_of(input_layer("x", 3, 4) + layer.format(fields))
    net.blobs["x"].data[...] = x
    agree(net.forward()["y"], x.clip(least, most))
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .ReLU.: has a negative_slope"):
        net_of(input_layer("x", 3, 4) + layer.format(f"{fields} negative_slope: 0.1"))


def test_faceboxes_has_its_small_boxes_closer():
    """Zhang et al. 2017, section 3.3; its fork begins half of them before the centre."""
    body = "prior_box_param { min_size: 32 min_size: 64 min_size: 128 step: 32 faceboxes: true }"
    found = run_layer("PriorBox", body, [np.zeros((1, 1, 2, 3)), np.zeros((1, 3, 80, 100))]).y[0]
    expected = []
    for h, w in np.ndindex(2, 3):
        for size, count, gap in ((32, 4, 8), (64, 2, 16), (128, 1, 0)):
            for i, j in np.ndindex(count, count):
                x, y = (32 * (at + 0.5) + gap * (k - count // 2) for at, k in ((w, j), (h, i)))
                half = (size - 1) / 2
                corners = np.array([x - half, y - half, x + half, y + half])
                expected.append(corners / (100, 80, 100, 80))
    assert len(expected) == 6 * 21
    agree(found[0, 0], np.concatenate(expected), 1e-5, 1e-6)
    body = body.replace("step: 32", "aspect_ratio: 2")
    with pytest.raises(caffe.CaffeError, match="squares of min_size alone"):
        run_layer("PriorBox", body, [np.zeros((1, 1, 2, 3)), np.zeros((1, 3, 80, 100))])


def test_a_forget_bias_is_as_if_the_biases_had_it():
    x, cont = normal(0, 4, 2, 3), np.float32([[0, 0], [1, 1], [1, 0], [1, 1]])
    params = [normal(1, 8, 3), normal(2, 8), normal(3, 8, 2)]
    found = run_layer(
        "LSTM", "recurrent_param { num_output: 2 forget_bias: 1.5 }", [x, cont], params=params
    ).y[0]
    params[1] = params[1] + np.float32([0, 0, 1.5, 1.5, 0, 0, 0, 0])
    plain = run_layer("LSTM", "recurrent_param { num_output: 2 }", [x, cont], params=params).y[0]
    agree(found, plain, 1e-5, 1e-6)


@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST])
def test_eps_may_be_added_to_the_root(phase):
    """The gradient is that of one root, as if eps were part of the variance."""
    x, diff = normal(0, 4, 3, 2).astype(np.float64), normal(1, 4, 3, 2).astype(np.float64)
    mean, var = normal(2, 3), normal(3, 3) ** 2
    body = "batch_norm_param { eps: 0.1 add_eps_before_sqrt: false }"
    ran = run_layer("BatchNorm", body, [x], diffs=[diff], phase=phase, params=[mean, var, [1]])
    axes = (0, 2)
    if phase == caffe.TRAIN:
        mean, var = x.mean(axes), x.var(axes)
    root = np.sqrt(np.float64(var))[:, None] + 0.1
    y = (x - mean[:, None]) / root
    agree(ran.y[0], y, 1e-4, 1e-5)
    means = [np.mean(each, axes, keepdims=True) for each in (diff, diff * y)]
    dx = diff - means[0] - means[1] * y if phase == caffe.TRAIN else diff
    agree(ran.dx[0], dx / root, 1e-4, 1e-5)


@pytest.mark.long
def test_a_net_of_its_converter_runs_and_is_written_as_onnx(tmp_path):
    """MobileNet, Inception and YOLO in a few layers."""
    conv = (
        'layer {{ name: "{0}" type: "Convolution" bottom: "{1}" top: "{0}" convolution_param {{ '
        "num_output: 4 bias_term: false group: {2} kernel_h: 3 kernel_w: 3 stride_h: 2 stride_w: 2 "
        'dilation: 1 dilation: 1 {3} weight_filler {{ type: "xavier" }} }} }}\n'
        'layer {{ name: "{0}_bn" type: "BatchNorm" bottom: "{0}" top: "{0}_bn" '
        "batch_norm_param {{ use_global_stats: true eps: 0.001 }} }}\n"
        'layer {{ name: "{0}_6" type: "ReLU" bottom: "{0}_bn" top: "{0}_6" '
        "relu_param {{ relu6: true }} }}\n"
    )
    text = input_layer("data", 1, 4, 17, 19)
    text += conv.format("a", "data", 1, "pad_l: 0 pad_r: 1 pad_t: 0 pad_b: 1")
    text += conv.format("b", "a_6", 4, "pad_l: 1 pad_r: 1 pad_t: 1 pad_b: 1")
    text += (
        'layer { name: "p" type: "Pooling" bottom: "b_6" top: "p" pooling_param { '
        "pool: AVE_EXC_PAD kernel_h: 3 kernel_w: 3 stride_h: 1 stride_w: 1 ceil_mode: false "
        "pad_l: 1 pad_r: 1 pad_t: 1 pad_b: 1 } }\n"
        'layer { name: "q" type: "Pooling" bottom: "p" top: "q" pooling_param { pool: MAX '
        "kernel_size: 2 stride: 1 pad_type: 1 } }\n"
        'layer { name: "u" type: "UpsampleDarknet" bottom: "q" top: "u" '
        "upsample_darknet_param { stride: 2 } }\n"
    )
    net = net_of(text)
    assert [net.blobs[name].shape[2:] for name in "abpqu"] == [
        (8, 9),
        (4, 5),
        (4, 5),
        (4, 5),
        (8, 10),
    ]
    assert list(net.params) == ["a", "a_bn", "b", "b_bn"]
    net.blobs["data"].data[...] = normal(0, 1, 4, 17, 19)
    net.forward()
    onnx.export(net, tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (
            "Convolution",
            "convolution_param { num_output: 1 kernel_size: 1 pad: 1 pad_l: 1 }",
            "takes pad_type 0 or 1, and either",
        ),
        (
            "Deconvolution",
            "convolution_param { num_output: 1 kernel_size: 1 pad_l: 1 }",
            "is padded alike at both ends; found 1, 0, 0 and 0",
        ),
        ("Pooling", "pooling_param { kernel_size: 2 pad_type: 2 }", "takes pad_type 0 or 1"),
        ("Pooling", "pooling_param { kernel_size: 2 pad_type: 1 pad_l: 1 }", "takes pad_type"),
        ("Pooling", "pooling_param { kernel_size: 2 pad_b: 2 }", "must be smaller than kernel"),
        (
            "Pooling",
            "pooling_param { global_pooling: true pad_type: 1 }",
            "no pad_type; found 1",
        ),
        ("SpaceToBatchND", "", "needs a positive block_shape for each axis but the first"),
        (
            "SpaceToBatchND",
            "space_to_batch_nd_param { block_shape: [1, 3, 1] paddings: [0, 0, 0, 0, 0, 0] }",
            r"block_shape \[1, 3, 1\] must divide the padded axes \[2, 4, 4\]",
        ),
        (
            "BatchToSpaceND",
            "batch_to_space_nd_param { block_shape: [1, 3, 1] crops: [0, 0, 0, 0, 0, 0] }",
            "must divide the 1 items",
        ),
        ("UpsampleDarknet", "upsample_darknet_param { stride: 0 }", "stride must be positive"),
        (
            "Convolution",
            "convolution_param { num_output: 1 pad_type: 1 dilation: 2 }",
            "kernel_size needs 1 value or 2",
        ),
        (
            "Convolution",
            "convolution_param { num_output: 1 kernel_size: 3 pad_type: 1 stride: 0 }",
            "stride must be positive",
        ),
        (
            "Convolution",
            "convolution_param { num_output: 1 kernel_size: 3 pad_l: 4000000000 }",
            "takes pads of up to 2147483647; found 4000000000",
        ),
        ("Pad", "pad_param { same_kernel: 3 }", "needs 2 values of same_kernel"),
    ],
)
def test_what_does_not_fit_is_named(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((1, 2, 4, 4))])


def test_windows_that_cover_a_bottom_are_of_four_axes():
    body = "convolution_param { num_output: 1 kernel_size: 3 pad_type: 1 }"
    with pytest.raises(caffe.CaffeError, match=r"layer 'l_pad' .Pad.: needs 4 axes"):
        run_layer("Convolution", body, [np.zeros((1, 2, 3, 4, 4))])
    more = body.replace("kernel_size: 3", "kernel_size: 4000000000 dilation: 4000000000")
    with pytest.raises(caffe.CaffeError, match="exceeds 2147483647 values"):
        run_layer("Convolution", more, [np.zeros((1, 2, 4, 4))])
