"""Pooling of five axes, with a value for each axis or one for all, and video-caffe's Nd layers."""

import itertools
import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer
from support.pooling_windows import windows

import caffe
from caffe.export import onnx

LEAST = -float(np.finfo(np.float32).max)  # of a window that lies behind the bottom
TRIPLE = st.tuples(*[st.integers(1, 2)] * 3)


def pooled(x, kernel, stride, pad, average, floor):
    axes = [
        windows(x.shape[2 + i], kernel[i], stride[i], pad[i], any(pad), floor) for i in range(3)
    ]
    top = np.zeros((*x.shape[:2], *map(len, axes)))
    for place in itertools.product(*map(range, map(len, axes))):
        spans = [axis[i] for axis, i in zip(axes, place, strict=True)]
        part = x[(slice(None), slice(None), *(slice(max(a, 0), b) for a, b in spans))]
        part = part.astype(np.float64).reshape(*x.shape[:2], -1)
        count = math.prod(b - a for a, b in spans)
        top[(slice(None), slice(None), *place)] = part.sum(-1) / count if average else part.max(-1)
    return top


def fields(name, values):
    return " ".join(f"{name}: {value}" for value in values)


@law("NdPooling")
@drawn(40)
@given(SEED, TRIPLE, TRIPLE, st.tuples(*[st.integers(0, 1)] * 3), st.booleans(), st.booleans())
def test_five_axes_are_pooled_by_the_rules_of_four(seed, more, stride, pad, average, floor):
    kernel = tuple(s + m - 1 for s, m in zip(stride, more, strict=True))
    pad = tuple(min(p, k - 1) for p, k in zip(pad, kernel, strict=True))
    x = normal(seed, 2, 2, 3, 4, 5)
    pool = f"pool: {'AVE' if average else 'MAX'} round_mode: {'FLOOR' if floor else 'CEIL'} "
    body = pool + fields("kernel_size", kernel) + f" stride: {list(stride)} " + fields("pad", pad)
    found = run_layer("Pooling", f"pooling_param {{ {body} }}", [x]).y[0]
    agree(found, pooled(x, kernel, stride, pad, average, floor))
    shapes = [
        f"{name}_shape {{ {fields('dim', values)} }} "
        for name, values in (("kernel", kernel), ("stride", stride), ("pad", pad))
    ]
    again = run_layer("NdPooling", f"pooling_param {{ {pool + ''.join(shapes)} }}", [x]).y[0]
    np.testing.assert_array_equal(again, found)


def test_one_value_is_for_all_axes_and_the_whole_may_be_pooled():
    x = normal(0, 1, 2, 4, 5, 6)
    found = run_layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", [x])
    agree(found.y[0], pooled(x, (3,) * 3, (2,) * 3, (1,) * 3, False, False))
    found = run_layer("Pooling", "pooling_param { pool: AVE global_pooling: true }", [x])
    agree(found.y[0], x.astype(np.float64).mean((2, 3, 4), keepdims=True))


def test_shapes_of_two_axes_pool_a_plane():
    x = normal(0, 1, 2, 5, 6)
    body = "pooling_param { kernel_shape { dim: 2 dim: 3 } stride_shape { dim: 1 dim: 2 } }"
    plain = "pooling_param { kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 }"
    found = run_layer("NdPooling", body, [x]).y[0]
    np.testing.assert_array_equal(found, run_layer("Pooling", plain, [x]).y[0])


@law("NdConvolution")
@drawn(10)
@given(SEED, st.integers(0, 1), st.integers(1, 2))
def test_an_nd_convolution_is_a_convolution(seed, pad, stride):
    x, weight = normal(seed, 1, 2, 3, 4, 5), normal(seed + 1, 3, 2, 2, 3, 1)
    more = 'num_output: 3 weight_filler { type: "xavier" }'
    sizes = ((2, 3, 1), (1, stride, 2), (pad, 1, 0))
    nd = " ".join(
        f"{name}_shape {{ {fields('dim', values)} }}"
        for name, values in zip(("kernel", "stride", "pad"), sizes, strict=True)
    )
    plain = " ".join(
        fields(name, values)
        for name, values in zip(("kernel_size", "stride", "pad"), sizes, strict=True)
    )
    found, expected = (
        run_layer(kind, f"convolution_param {{ {more} {words} }}", [x], params=[weight]).y[0]
        for kind, words in (("NdConvolution", nd), ("Convolution", plain))
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
def test_five_axes_have_a_gradient_and_are_written_as_onnx(tmp_path, pool):
    body = f"pooling_param {{ pool: {pool} kernel_size: 2 stride: 2 pad: 1 }}"
    check_gradient("Pooling", body, [(1, 2, 3, 2, 4)], 0)
    text = input_layer("x", 1, 2, 5, 6, 7)
    text += f'layer {{ name: "l" type: "Pooling" bottom: "x" top: "y" {body} }}'
    onnx.export(net_of(text), tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("kernel_size: [1, 2]", r"has 5 axes: drop \['kernel_h', 'kernel_w'\]"),
        ("kernel_size: [1, 2, 2, 2]", r"kernel_size once or 3 times; found \[1, 2, 2, 2\]"),
        ("", "kernel_size must be positive"),
        ("kernel_size: 2 stride: 0", "stride must be positive"),
        ("kernel_size: 4", "smaller than kernel"),
        ("pool: STOCHASTIC kernel_size: 2", "pools by MAX or AVE"),
        ("global_pooling: true pad: 1", "needs stride 1 and pad 0"),
        ("global_pooling: true kernel_size: 2", "drop kernel_size"),
        ("kernel_size: 2 pad: 2", r"pad \(2, 2, 2\) must be smaller than kernel_size"),
        ("kernel_size: 2 pad_w: 1", r"drop \['pad_w'\]"),
        ("kernel_size: 2 pad_l: 1", r"drop \['pad_l'\]"),
        ("pool: AVE_EXC_PAD kernel_size: 3 pad: 1", "MAX or AVE; found AVE_EXC_PAD"),
    ],
)
def test_what_does_not_fit_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Pooling.: .*{message}"):
        run_layer("Pooling", f"pooling_param {{ {body} }}", [np.zeros((1, 1, 3, 3, 3))])


def test_strict_pools_four_axes_alone(strict):
    with pytest.raises(caffe.CaffeError, match=r"pools 4 axes \(N, C, H, W\); found a bottom of 5"):
        run_layer("Pooling", "pooling_param { kernel_size: 2 }", [np.zeros((1, 1, 3, 3, 3))])


def test_no_mask_is_given_of_five_axes():
    with pytest.raises(caffe.CaffeError, match="no mask is given; found two tops"):
        run_layer("Pooling", "pooling_param { kernel_size: 1 }", [np.zeros((1,) * 5)], tops=2)


def test_sizes_are_given_once():
    body = "convolution_param { num_output: 1 kernel_size: 1 kernel_shape { dim: 1 } }"
    with pytest.raises(caffe.CaffeError, match="either kernel_size or kernel_shape"):
        run_layer("NdConvolution", body, [np.zeros((1, 1, 1))])


@pytest.mark.parametrize(
    ("kind", "param"),
    [("Convolution", "convolution_param { num_output: 1"), ("Pooling", "pooling_param {")],
)
def test_a_shape_is_for_the_nd_layers_alone(kind, param):
    body = f"{param} kernel_size: 1 pad_shape {{ dim: 1 }} }}"
    with pytest.raises(caffe.CaffeError, match=f"pad_shape.* are Nd{kind}'s; write kernel_size"):
        run_layer(kind, body, [np.zeros((1, 1, 3, 3))])


@pytest.mark.parametrize("dims", ["dim: -1", "dim: 1 dim: 99999999999"])
def test_sizes_of_a_shape_are_those_of_a_window(dims):
    body = f"kernel_shape {{ dim: 2 }} pad_shape {{ {dims} }}"
    with pytest.raises(caffe.CaffeError, match=r"l. .NdPooling.: pad_shape has sizes of 0 to"):
        run_layer("NdPooling", f"pooling_param {{ {body} }}", [np.zeros((1, 1, 3, 3))])
    body = f"convolution_param {{ num_output: 1 {body} }}"
    with pytest.raises(caffe.CaffeError, match=r"l. .NdConvolution.: pad_shape has sizes of 0 to"):
        run_layer("NdConvolution", body, [np.zeros((1, 1, 3, 3))])


# naibaf7's windows, whose values lie apart.


def dilated(x, kernel, stride, pad, dilation):
    """The maximum of each window over the last axes, by what lies in the bottom, if anything."""
    axes = [
        [
            range(start, start + d * (k - 1) + 1, d)
            for start, _ in windows(n, d * (k - 1) + 1, *more)
        ]
        for n, d, k, more in zip(
            x.shape[2:],
            dilation,
            kernel,
            [(s, p, any(pad), False) for s, p in zip(stride, pad, strict=True)],
            strict=True,
        )
    ]
    top = np.zeros((*x.shape[:2], *map(len, axes)))
    for place in itertools.product(*map(range, map(len, axes))):
        part = x
        for axis, i in enumerate(place):
            inside = [at for at in axes[axis][i] if 0 <= at < x.shape[2 + axis]]
            part = part.take(inside, 2 + axis)
        top[(slice(None), slice(None), *place)] = part.reshape(*x.shape[:2], -1).max(
            -1, initial=LEAST
        )
    return top


@drawn(40)
@given(SEED, st.integers(2, 3), TRIPLE, TRIPLE, st.tuples(*[st.integers(1, 3)] * 3), st.booleans())
def test_the_values_of_a_window_lie_a_dilation_apart(seed, axes, kernel, stride, dilation, pads):
    kernel, stride, dilation = kernel[:axes], stride[:axes], dilation[:axes]
    pad = tuple(int(pads and k > 1) for k in kernel)
    x = normal(seed, 2, 2, *(5, 6, 4)[:axes])
    words = ("kernel_size", kernel), ("stride", stride), ("pad", pad)
    body = " ".join(fields(name, values) for name, values in words)
    name = ("dilation", "kstride")[seed % 2]
    body = f"pooling_param {{ {body} {fields(name, dilation)} }}"
    expected = dilated(x, kernel, stride, pad, dilation)
    agree(run_layer("Pooling", body, [x]).y[0], expected)
    if axes == 2:
        top, mask = run_layer("Pooling", body, [x], tops=2).y
        agree(top, expected)
        at, filled = mask.astype(int).reshape(4, -1), expected.reshape(4, -1) > LEAST
        picked = np.take_along_axis(x.reshape(4, -1), np.where(filled, at, 0), 1)
        agree(picked[filled], expected.reshape(4, -1)[filled])


def test_a_dilated_pooling_has_its_gradient_is_written_as_onnx_and_looks_as_far(tmp_path):
    body = "pooling_param { kernel_size: 2 stride: 1 dilation: 2 }"
    check_gradient("Pooling", body, [(1, 2, 4, 5)], 0)
    net = net_of(
        input_layer("x", 1, 2, 7, 8)
        + f'layer {{ name: "l" type: "Pooling" bottom: "x" top: "y" {body} }}'
    )
    net.forward()
    onnx.export(net, tmp_path / "net.onnx")
    assert net._graph.layers[-1].extent((2, 2)) == (3, 3)


def test_values_for_more_axes_than_there_are_count_where_they_are_alike(caplog):
    """As naibaf7's nets of planes name a kernel of three axes."""
    x, weight = normal(0, 1, 2, 6, 6), normal(1, 2, 1, 2, 2)
    words = "kernel_size: 2 kernel_size: 2 kernel_size: 2 stride: 2 stride: 2 stride: 2"
    found = run_layer("Pooling", f"pooling_param {{ {words} dilation: 1 }}", [x]).y[0]
    plain = "kernel_size: 2 stride: 2"
    expected = run_layer("Pooling", f"pooling_param {{ {plain} }}", [x]).y[0]
    np.testing.assert_array_equal(found, expected)
    more = 'num_output: 2 group: 2 bias_term: false weight_filler { type: "xavier" }'
    with caplog.at_level(logging.INFO, "caffe"):
        of_words, of_one = (
            run_layer("Deconvolution", f"convolution_param {{ {more} {w} }}", [x], params=[weight])
            for w in (words, plain)
        )
    assert "'l': of stride [2, 2, 2] the first is for each of 2 axes" in " ".join(caplog.messages)
    np.testing.assert_array_equal(of_words.y[0], of_one.y[0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pool: AVE kernel_size: 2 dilation: 2", "of MAX pooling alone; found .2, 2."),
        ("kernel_size: 2 dilation: 2 dilation: 1 dilation: 1", "needs dilation once or 2 times"),
        ("kernel_size: 2 dilation: 0", "a dilation is positive"),
    ],
)
def test_a_dilation_that_is_not_known_is_refused(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Pooling.: .*{message}"):
        run_layer("Pooling", f"pooling_param {{ {body} }}", [normal(0, 1, 1, 4, 4)])
