"""Permute, Transpose, ShuffleChannel, Flip, Reverse, RingPad, Reorg; ReLU6, Axpy, ChannelScale;
depthwise convolutions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


def moved(kind, body, x):
    """A layer's top and the bottom's diff from a top's diff of the same values as the bottom."""
    top = run_layer(kind, body, [x]).y[0]
    return top, run_layer(kind, body, [x], diffs=[top]).dx[0]


@law("Permute", "Transpose")
@drawn()
@given(SEED, st.permutations(range(4)), st.integers(0, 4))
def test_axes_are_permuted_and_the_others_follow(seed, order, named):
    x = normal(seed, 2, 3, 4, 1)
    rest = [axis for axis in range(4) if axis not in order[:named]]
    body = "".join(f"order: {axis} " for axis in order[:named])
    top, dx = moved("Permute", f"permute_param {{ {body} }}", x)
    np.testing.assert_array_equal(top, x.transpose(order[:named] + rest))
    np.testing.assert_array_equal(dx, x)
    body = "".join(f"dim: {axis} " for axis in order)
    top, _ = moved("Transpose", f"transpose_param {{ {body} }}", x)
    np.testing.assert_array_equal(top, x.transpose(order))


@law("ShuffleChannel")
@drawn()
@given(SEED, SMALL, SMALL)
def test_channels_are_dealt_from_their_groups(seed, group, each):
    x = normal(seed, 2, group * each, 2, 1)
    top, dx = moved("ShuffleChannel", f"shuffle_channel_param {{ group: {group} }}", x)
    for i, j in np.ndindex(group, each):
        np.testing.assert_array_equal(top[:, j * group + i], x[:, i * each + j])
    np.testing.assert_array_equal(dx, x)


@law("RingPad")
@drawn()
@given(SEED, st.integers(-3, 2), st.integers(0, 3))
def test_a_ring_pad_goes_round(seed, axis, pad):
    x = normal(seed, 3, 4, 5)
    top, _ = moved("RingPad", f"ring_pad_param {{ axis: {axis} pad: {pad} }}", x)
    width = [(0, 0)] * 3
    width[axis] = (pad, pad)
    np.testing.assert_array_equal(top, np.pad(x, width, "wrap"))
    with pytest.raises(caffe.CaffeError, match=r"pad 6 is longer than axis \d of \(3, 4, 5\)"):
        run_layer("RingPad", f"ring_pad_param {{ axis: {axis} pad: 6 }}", [x])


@law("Flip", "Reverse")
@drawn()
@given(SEED, st.booleans(), st.booleans(), st.integers(-4, 3))
def test_what_is_mirrored_lies_backwards(seed, beside, above, axis):
    x = normal(seed, 2, 3, 2, 4)
    body = f"flip_param {{ flip_width: {str(beside).lower()} flip_height: {str(above).lower()} }}"
    top, dx = moved("Flip", body, x)
    np.testing.assert_array_equal(top, x[:, :, :: -1 if above else 1, :: -1 if beside else 1])
    np.testing.assert_array_equal(dx, x)
    top, _ = moved("Reverse", f"reverse_param {{ axis: {axis} }}", x)
    np.testing.assert_array_equal(top, np.flip(x, axis))


def darknets(x, stride, reverse):
    """Darknet's loop over a bottom's values (reorg of blas.c), read or written in flat memory."""
    n, c, h, w = x.shape
    channels = c // stride**2
    flat, out = x.ravel(), np.empty(x.size, x.dtype)
    for b, k, j, i in np.ndindex(n, c, h, w):
        here = i + w * (j + h * (k + c * b))
        part = k // channels
        column, row = i * stride + part % stride, j * stride + part // stride
        there = column + w * stride * (row + h * stride * (k % channels + channels * b))
        if reverse:
            out[there] = flat[here]
        else:
            out[here] = flat[there]
    return out


@law("Gather", "Scatter")
@pytest.mark.parametrize("kind", ["Gather", "Scatter"])
def test_of_one_process_all_is_there(kind):
    x, label = normal(0, 2, 3), normal(1, 2)
    found = run_layer(kind, "", [x, label], tops=2, diffs=[x, label])
    for bottom, top, dx in zip((x, label), found.y, found.dx, strict=True):
        np.testing.assert_array_equal(top, bottom)
        np.testing.assert_array_equal(dx, bottom)
    with pytest.raises(caffe.CaffeError, match="needs a top for each of 2 bottoms; found 1"):
        run_layer(kind, "", [x, label])


def test_a_loss_may_have_labels_that_were_gathered_with_what_is_learnt():
    net = net_of(
        input_layer("x", 2, 3)
        + input_layer("t", 2)
        + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" '
        "inner_product_param { num_output: 2 weight_filler { type: 'xavier' } } } "
        'layer { name: "g" type: "Gather" bottom: "ip" bottom: "t" top: "y" top: "label" } '
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }',
        caffe.TRAIN,
    )
    net.blobs["x"].data[...] = normal(0, 2, 3)
    net.forward()
    net.backward()
    assert net.params["ip"][0].diff.any()


@law("Reorg")
@drawn()
@given(SEED, st.integers(1, 3), SMALL, SMALL, SMALL, st.booleans())
def test_reorg_has_darknets_order(seed, stride, c, h, w, reverse):
    x = normal(seed, 2, c * stride**2, h * stride, w * stride)
    body = f"reorg_param {{ stride: {stride} reverse: {str(reverse).lower()} }}"
    top, dx = moved("Reorg", body, x)
    np.testing.assert_array_equal(top.ravel(), darknets(x, stride, reverse))
    np.testing.assert_array_equal(dx, x)
    if reverse:
        assert top.shape == (2, c, h * stride**2, w * stride**2)
    else:
        assert top.shape == (2, c * stride**4, h, w)


@law("ReLU6")
def test_relu6_lies_between_0_and_6():
    x = np.float32([[-1, 0, 0.5, 5.9, 6, 7]])
    found = run_layer("ReLU6", "", [x], diffs=[np.ones_like(x)])
    np.testing.assert_array_equal(found.y[0], np.clip(x, 0, 6))
    np.testing.assert_array_equal(found.dx[0], [[0, 0, 1, 1, 0, 0]])


@law("MergeCrop")
@drawn()
@given(SEED, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_the_middle_of_the_second_stands_behind_the_first(seed, add, shown, learns, default):
    x, y = normal(seed, 2, 3, 2, 3), normal(seed + 1, 2, 3, 5, 6)
    dy = normal(seed + 2, 2, 3 if add else 6, 2, 3)
    body = f"operation: {'ADD' if add else 'STACK'}"
    if not default:
        body += f" forward: {str(shown).lower()} forward: true"
        body += f" backward: true backward: {str(learns).lower()}"
    found = run_layer("MergeCrop", f"mergecrop_param {{ {body} }}", [x, y], diffs=[dy])
    first, middle = x * (shown or default), y[:, :, 1:3, 1:4]
    agree(found.y[0], first + middle if add else np.concatenate([first, middle], 1))
    agree(found.dx[0], dy[:, :3])
    expected = np.zeros_like(y)
    if learns and not default:
        expected[:, :, 1:3, 1:4] = dy if add else dy[:, 3:]
    agree(found.dx[1], expected)


def test_the_second_is_no_smaller():
    with pytest.raises(caffe.CaffeError, match="the second no smaller than the first"):
        run_layer("MergeCrop", "", [np.zeros((1, 2, 3, 3)), np.zeros((1, 2, 4, 2))])


@law("AutoCrop")
def test_an_autocrop_cuts_as_a_crop_does():
    x = normal(0, 2, 3, 5, 6)
    net = net_of(
        input_layer("x", 2, 3, 5, 6)
        + 'layer { name: "pool" type: "Pooling" bottom: "x" top: "pool" pooling_param { '
        "kernel_size: 3 } }"
        + 'layer { name: "l" type: "AutoCrop" bottom: "x" bottom: "pool" top: "y" }'
    )
    net.blobs["x"].data[...] = x
    net.forward()
    agree(net.blobs["y"].data, x[:, :, 1:4, 1:5])


@law("NegSquare")
@drawn()
@given(SEED)
def test_negsquare_is_less_than_0(seed):
    x, dy = normal(seed, 2, 3, 2), normal(seed + 1, 2, 3, 2)
    found = run_layer("NegSquare", "", [x], diffs=[dy])
    agree(found.y[0], -np.square(x.astype(np.float64)))
    agree(found.dx[0], -2.0 * x * dy, 1e-4)


@law("ExpMax")
@drawn()
@given(SEED, st.sampled_from([-1, 2, 0.5]), st.sampled_from([0, 0.3]))
def test_expmax_is_1_where_a_channel_is_the_largest(seed, base, shift):
    x, dy = normal(seed, 2, 3, 2, 2), normal(seed + 1, 2, 3, 2, 2)
    body = f"expmax_param {{ base: {base} scale: 0.7 shift: {shift} }}"
    found = run_layer("ExpMax", body, [x], diffs=[dy])
    apart = x.astype(np.float64) - x.max(1, keepdims=True)
    number = np.e if base == -1 else base
    expected = number ** (shift + 0.7 * apart)
    agree(found.y[0], expected, 1e-4)
    agree(found.dx[0], expected * dy * np.log(number) * 0.7, 1e-4)


def test_a_base_is_positive():
    with pytest.raises(caffe.CaffeError, match="base must be positive, or -1 for e; found -2"):
        run_layer("ExpMax", "expmax_param { base: -2 }", [np.zeros((1, 2))])


@law("GSTiling")
@drawn()
@given(SEED, SMALL, SMALL, SMALL, SMALL)
def test_channels_become_pixels_each_fork_in_its_order(seed, stride, channels, height, width):
    x = normal(seed, 2, channels * stride**2, height, width)
    tiled, dx = moved("Tiling", f"tiling_param {{ tile_dim: {stride} }}", x)
    np.testing.assert_array_equal(dx, x)
    back = f"gs_tiling_param {{ stride: {stride} reverse: true }}"
    together, dx = moved("GSTiling", back, x)
    np.testing.assert_array_equal(dx, x)
    assert tiled.shape == together.shape == (2, channels, height * stride, width * stride)
    for c, i, j in np.ndindex(channels, stride, stride):
        part = np.s_[:, c, i::stride, j::stride]
        np.testing.assert_array_equal(tiled[part], x[:, (c * stride + i) * stride + j])
        np.testing.assert_array_equal(together[part], x[:, (i * stride + j) * channels + c])
    top, _ = moved("GSTiling", f"gs_tiling_param {{ stride: {stride} }}", together)
    np.testing.assert_array_equal(top, x)


def test_what_does_not_divide_is_no_tile():
    x = np.zeros((1, 3, 4, 5))
    for kind, body, said in (
        (
            "Tiling",
            "tiling_param { tile_dim: 2 }",
            r"C a multiple of 4; found shape \(1, 3, 4, 5\)",
        ),
        ("Tiling", "", "tile_dim is at least 1; found 0"),
        ("GSTiling", "", "stride is missing"),
        ("GSTiling", "gs_tiling_param { stride: 2 }", "divide height and width"),
        (
            "GSTiling",
            "gs_tiling_param { stride: 2 reverse: true }",
            r"2\^2 must divide the channels",
        ),
    ):
        with pytest.raises(caffe.CaffeError, match=said):
            run_layer(kind, body, [x])


@law("PixelShuffle", "Tiling")
@drawn()
@given(SEED, SMALL, SMALL, st.integers(2, 3), st.booleans())
def test_channels_become_pixels_row_by_row(seed, n, c, factor, tiled):
    x = normal(seed, n, c * factor**2, 2, 3)
    kind = "Tiling" if tiled else "PixelShuffle"
    body = f"pixel_shuffle_param {{ upscale_factor: {factor} }}"
    if tiled:
        body = f"tiling_param {{ tile_dim: {factor} }}"
    found = run_layer(kind, body, [x]).y[0]
    assert found.shape == (n, c, 2 * factor, 3 * factor)
    for k, i, j in np.ndindex(c, factor, factor):
        of_place = x[:, (k * factor + i) * factor + j]
        assert np.array_equal(found[:, k, i::factor, j::factor], of_place)
    with pytest.raises(caffe.CaffeError, match=f"C a multiple of {factor**2}"):
        run_layer(kind, body, [x[:, 1:]])
    with pytest.raises(caffe.CaffeError, match="upscale_factor is at least 2"):
        run_layer("PixelShuffle", "pixel_shuffle_param { upscale_factor: 1 }", [x])
    agree(run_layer("Tiling", "tiling_param { tile_dim: 1 }", [x]).y[0], x)
    with pytest.raises(caffe.CaffeError, match="tile_dim is at least 1; found 0"):
        run_layer("Tiling", "", [x])


@law("EltwiseAffine")
@drawn()
@given(SEED, SMALL, SMALL, st.booleans())
def test_a_slope_and_a_bias_for_each_channel_or_all(seed, n, c, shared):
    x, dy = normal(seed, n, c, 2, 3), normal(seed + 1, n, c, 2, 3)
    shape = () if shared else (c,)
    slope, bias = normal(seed + 2, *shape), normal(seed + 3, *shape)
    body = f"eltwise_affine_param {{ channel_shared: {str(shared).lower()} }}"
    found = run_layer("EltwiseAffine", body, [x], params=[slope, bias], diffs=[dy])
    spread = np.reshape(slope, (-1, 1, 1)).astype(np.float64)
    agree(found.y[0], x * spread + np.reshape(bias, (-1, 1, 1)))
    agree(found.dx[0], dy * spread)
    axes = (0, 1, 2, 3) if shared else (0, 2, 3)
    agree(found.dparams[0], (dy.astype(np.float64) * x).sum(axes), 1e-4, 1e-4)
    agree(found.dparams[1], dy.astype(np.float64).sum(axes), 1e-4, 1e-4)
    params = run_layer("EltwiseAffine", "", [x]).params
    agree(params[0], [1.0001] * c)
    agree(params[1], [0.0001] * c)


@law("Axpy")
@drawn()
@given(SEED, SMALL, SMALL, st.booleans())
def test_axpy_weighs_the_channels(seed, n, c, four):
    a = normal(seed, n, c, *(1, 1)[: 2 * four])
    x, y = normal(seed + 1, n, c, 2, 3), normal(seed + 2, n, c, 2, 3)
    found = run_layer("Axpy", "", [a, x, y], diffs=[np.ones_like(x)])
    agree(found.y[0], a.reshape(n, c, 1, 1).astype(np.float64) * x + y)
    agree(found.dx[0], x.sum((2, 3), np.float64).reshape(a.shape), floor=1e-4)


@law("ChannelScale")
@pytest.mark.parametrize("forward", ["true", "false"])
@pytest.mark.parametrize("feature", ["true", "false"])
@pytest.mark.parametrize("back", ["true", "false"])
def test_each_place_is_scaled(forward, feature, back):
    x, scale, dy = normal(0, 2, 3, 2, 2), normal(1, 2, 1, 2, 2), normal(2, 2, 3, 2, 2)
    body = (
        f"channel_scale_param {{ do_forward: {forward} do_backward_feature: {feature} "
        f"do_backward_scale: {back} }}"
    )
    found = run_layer("ChannelScale", body, [x, scale], diffs=[dy])
    agree(found.y[0], x * scale if forward == "true" else x)
    agree(found.dx[0], dy * scale if feature == "true" else dy)
    agree(found.dx[1], (dy * x).sum(1, keepdims=True) * (back == "true"))


@law("ConvolutionDepthwise", "DepthwiseConvolution")
@pytest.mark.parametrize("kind", ["ConvolutionDepthwise", "DepthwiseConvolution"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_depthwise_convolution_is_a_grouped_one(kind, times):
    x = normal(0, 2, 3, 5, 4)
    weight, bias = normal(1, 3 * times, 1, 3, 3), normal(2, 3 * times)
    body = f"convolution_param {{ num_output: {3 * times} kernel_size: 3 pad: 1 stride: 2 }}"
    found = run_layer(kind, body, [x], params=[weight, bias])
    for channel in range(3 * times):
        source = np.pad(x[:, channel // times].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
        for i, j in np.ndindex(*found.y[0].shape[2:]):
            window = source[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            expected = (window * weight[channel, 0]).sum((1, 2)) + bias[channel]
            agree(found.y[0][:, channel, i, j], expected, floor=1e-4)
    given = run_layer(kind, body.replace("stride", "group: 1 stride"), [x])
    assert given.params[0].shape == (3 * times, 3, 3, 3)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("Permute", "permute_param { order: 4 }", [(1, 1, 1, 1)], "different axes of 0 to 3"),
        ("Permute", "permute_param { order: 1 order: 1 }", [(1, 1)], "different axes"),
        ("ShuffleChannel", "shuffle_channel_param { group: 2 }", [(1, 3)], "must divide"),
        ("Flip", "", [(1, 1)], "needs 4 axes"),
        ("Reverse", "reverse_param { axis: 2 }", [(1, 1)], "axis 2 is out of range"),
        ("Reorg", "", [(1, 4, 2, 2)], "stride is missing"),
        ("Reorg", "reorg_param { stride: 2 }", [(1, 4, 3, 2)], "must divide height and width"),
        ("Reorg", "reorg_param { stride: 2 }", [(1, 2, 2, 2)], "its square the channels"),
        ("Reorg", "reorg_param { stride: 2 }", [(1, 4)], "needs 4 axes"),
        ("ChannelScale", "", [(1, 2, 2), (1, 1)], "a value for each place"),
        (
            "ChannelScale",
            "channel_scale_param { global_scale: true }",
            [(1, 2, 2), (1, 2)],
            "global_scale is not here",
        ),
        ("Axpy", "", [(1, 2), (1, 3, 1, 1), (1, 3, 1, 1)], "needs bottoms N x C"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


@law("Extract")
def test_extract_is_a_part_of_the_map():
    x = normal(0, 2, 3, 5, 6)
    dy = normal(1, 2, 3, 2, 4)
    found = run_layer("Extract", "extract_param { x: 1 y: 3 w: 4 h: 2 }", [x], diffs=[dy])
    agree(found.y[0], x[:, :, 3:, 1:5])
    dx = np.zeros_like(x)
    dx[:, :, 3:, 1:5] = dy
    agree(found.dx[0], dx)
    with pytest.raises(caffe.CaffeError, match=r"H at least 4 \+ 2"):
        run_layer("Extract", "extract_param { y: 4 h: 2 }", [x])
