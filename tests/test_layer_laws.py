"""Each layer type's law against a float64 reference written here, and its gradient by gradcheck.

The records of test_layer_records.py say what BVLC Caffe computes on a few cases; here the input
space is drawn by hypothesis.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types import REGISTRY
from caffe.proto import caffe_pb2

TESTED: set[str] = set()

FLT_MIN, FLT_MAX = np.finfo(np.float32).tiny, np.finfo(np.float32).max


def law(*kinds: str) -> Callable:
    """Marks a test that states a law of these layer types."""
    TESTED.update(kinds)
    return lambda test: test


def drawn(examples: int = 25) -> Callable:
    return settings(max_examples=examples, deadline=None)


def agree(ours, theirs, relative: float = 1e-5, floor: float = 1e-5) -> None:
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=floor)


def normal(seed: int, *shape: int) -> np.ndarray:
    """float32 values, so that the reference starts from the same numbers."""
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


SEED = st.integers(0, 2**16)
SMALL = st.integers(1, 4)


@pytest.mark.parametrize("kind", caffe.layer_type_list())
def test_every_layer_type_has_a_law_here(kind):
    assert kind in TESTED


# Data.


@law("Input")
def test_input_has_a_shape_for_each_top_or_one_for_all_and_the_script_may_reshape():
    one = "input_param { shape { dim: 2 dim: 3 } }"
    net = net_of(f'layer {{ name: "i" type: "Input" top: "a" top: "b" {one} }}')
    assert [net.blobs[n].shape for n in "ab"] == [(2, 3), (2, 3)]
    net.blobs["a"].reshape(4, 5)
    net.blobs["a"].data[...] = 7
    net.forward()
    assert net.blobs["a"].shape == (4, 5)
    assert np.all(net.blobs["a"].data == 7)


@law("DummyData")
def test_dummy_data_fills_constants_when_built_and_the_rest_anew_on_each_forward():
    net = net_of(
        'layer { name: "d" type: "DummyData" top: "c" top: "u" dummy_data_param {'
        "shape { dim: 2 dim: 3 } data_filler { value: 5 }"
        'data_filler { type: "uniform" min: 1 max: 2 } } }'
    )
    constant, uniform = net.blobs["c"], net.blobs["u"]
    assert np.all(constant.data == 5)
    assert np.all(uniform.data == 0)
    constant.data[0, 0] = 9  # stays: constants are filled once
    net.forward()
    first = uniform.data.copy()
    assert constant.data[0, 0] == 9
    assert np.all((first >= 1) & (first <= 2))
    net.forward()
    assert constant.data[0, 0] == 9
    assert not np.array_equal(uniform.data, first)


@law("DummyData")
def test_dummy_data_takes_legacy_dimensions_and_no_filler_means_zero():
    dims = "num: 2 channels: 3 height: 4 width: 5"
    net = net_of(f'layer {{ name: "d" type: "DummyData" top: "x" dummy_data_param {{ {dims} }} }}')
    assert net.forward()["x"].shape == (2, 3, 4, 5)
    assert not net.blobs["x"].data.any()


class Double(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = float(self.param_str)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = self.factor * top[0].diff


@law("Python")
def test_a_python_layer_computes_what_its_class_says():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    body = f'python_param {{ module: "{__name__}" layer: "Double" param_str: "2" }}'
    ran = run_layer("Python", body, [x], diffs=[dy])
    agree(ran.y[0], 2 * x)
    agree(ran.dx[0], 2 * dy)


# Value by value.


@law("ReLU")
@pytest.mark.parametrize("slope", [0, 0.25])
def test_relu_is_the_slope_below_zero_and_its_gradient_at_zero_is_the_slope(slope):
    x = np.array([-2, -0.5, 0, 0.5, 2], np.float32)
    ran = run_layer("ReLU", f"relu_param {{ negative_slope: {slope} }}", [x], diffs=[np.ones(5)])
    agree(ran.y[0], np.maximum(x, 0) + slope * np.minimum(x, 0))
    agree(ran.dx[0], np.where(x > 0, 1, slope))


@law("Dropout")
@pytest.mark.parametrize("ratio", [0, 0.2, 0.5, 0.9])
def test_dropout_drops_the_ratio_scales_the_rest_and_keeps_the_mean(ratio):
    caffe.set_random_seed(1)
    x = np.ones((100, 1000), np.float32)
    body = f"dropout_param {{ dropout_ratio: {ratio} }}"
    ran = run_layer("Dropout", body, [x], phase=caffe.TRAIN, diffs=[2 * x])
    kept = ran.y[0] != 0
    assert abs(1 - kept.mean() - ratio) < 5 * math.sqrt(0.25 / x.size)
    agree(ran.y[0][kept], 1 / (1 - np.float32(ratio)) * np.ones(kept.sum()))
    agree(ran.dx[0], 2 * ran.y[0])  # by the same mask


@law("Dropout")
def test_dropout_passes_everything_in_test():
    x = normal(0, 3, 4)
    assert np.array_equal(run_layer("Dropout", "", [x]).y[0], x)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4), st.booleans())
def test_eltwise_sum_weighs_its_bottoms(seed, count, weighted):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    coeff = [1.0, -2.0, 0.5, 3.0][:count] if weighted else [1.0] * count
    text = " ".join(f"coeff: {c}" for c in coeff) if weighted else ""
    dy = normal(seed + 9, 2, 3)
    ran = run_layer("Eltwise", f"eltwise_param {{ {text} }}", xs, diffs=[dy])
    agree(ran.y[0], sum(c * np.float64(x) for c, x in zip(coeff, xs, strict=True)))
    for c, dx in zip(coeff, ran.dx, strict=True):
        agree(dx, c * dy)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4))
def test_eltwise_prod_gives_each_bottom_the_product_of_the_others_even_at_zero(seed, count):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    xs[0][0] = 0
    ran = run_layer("Eltwise", "eltwise_param { operation: PROD }", xs, diffs=[np.ones((2, 3))])
    agree(ran.y[0], np.prod(np.float64(xs), 0))
    for i, dx in enumerate(ran.dx):
        agree(dx, np.prod(np.float64(xs[:i] + xs[i + 1 :]), 0))


@law("Eltwise")
@drawn()
@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=2, max_size=4))
def test_eltwise_max_gives_a_tie_to_the_second_of_two_but_never_to_a_later_bottom(rows):
    xs = [np.array(row, np.float32) for row in rows]
    ran = run_layer("Eltwise", "eltwise_param { operation: MAX }", xs, diffs=[np.ones(6)])
    agree(ran.y[0], np.max(rows, 0))
    for j in range(6):
        winner = 0 if rows[0][j] > rows[1][j] else 1
        for i in range(2, len(rows)):
            winner = i if rows[i][j] > rows[winner][j] else winner
        assert [dx[j] for dx in ran.dx] == [float(i == winner) for i in range(len(rows))]


# Losses and Accuracy.


def softmax_of(x: np.ndarray, axis: int) -> np.ndarray:
    x = np.float64(x)
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@law("Softmax")
@drawn()
@given(SEED, st.integers(-3, 2))
def test_softmax_sums_to_one_along_its_axis(seed, axis):
    x = 10 * normal(seed, 2, 3, 4)
    agree(run_layer("Softmax", f"softmax_param {{ axis: {axis} }}", [x]).y[0], softmax_of(x, axis))


NORMALISATIONS = {
    "normalization: FULL": lambda outer, inner, valid: outer * inner,
    "normalization: VALID": lambda outer, inner, valid: valid,
    "normalization: BATCH_SIZE": lambda outer, inner, valid: outer,
    "normalization: NONE": lambda outer, inner, valid: 1,
    "": lambda outer, inner, valid: valid,
    "normalize: true": lambda outer, inner, valid: valid,
    "normalize: false": lambda outer, inner, valid: outer,
    "normalize: true normalization: NONE": lambda outer, inner, valid: 1,  # the newer field rules
}


def softmax_loss(x, label, axis, ignore, normaliser):
    """Loss, its gradient by x: float64, Caffe's floor FLT_MIN under the probability."""
    p = np.moveaxis(softmax_of(x, axis), axis, -1).reshape(-1, x.shape[axis])
    label = label.reshape(-1)
    outer = math.prod(x.shape[: axis % x.ndim])
    valid = label != ignore if ignore is not None else np.ones(len(label), bool)
    n = max(1, normaliser(outer, len(label) // outer, int(valid.sum())))
    rows = np.arange(len(label))[valid]
    loss = -np.log(np.maximum(p[rows, label[valid]], FLT_MIN)).sum() / n
    grad = np.where(valid[:, None], p, 0)
    grad[rows, label[valid]] -= 1
    moved = np.moveaxis(x, axis, -1).shape
    return loss, np.moveaxis((grad / n).reshape(moved), -1, axis)


@law("SoftmaxWithLoss")
@drawn(40)
@given(SEED, st.sampled_from(sorted(NORMALISATIONS)), st.sampled_from([None, 0, 255]), SMALL)
def test_softmax_loss_sums_minus_log_p_of_labels_not_ignored_and_normalises(
    seed, normalisation, ignore, height
):
    rng = np.random.RandomState(seed)
    x = normal(seed, 2, 3, height, 2)
    label = rng.randint(0, 3, (2, 1, height, 2))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    body = f"loss_param {{ {normalisation} {text} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(2)])
    loss, grad = softmax_loss(x, label, 1, ignore, NORMALISATIONS[normalisation])
    agree(ran.y[0], loss)
    agree(ran.dx[0], 2 * grad)
    assert not ran.dx[1].any()


@law("SoftmaxWithLoss")
@pytest.mark.parametrize("axis", [-1, 0, 2])
def test_softmax_loss_finds_the_classes_on_any_axis(axis):
    x = normal(3, 4, 3, 5)
    shape = list(x.shape)
    classes = shape.pop(axis)
    label = np.random.RandomState(4).randint(0, classes, shape)
    body = f"softmax_param {{ axis: {axis} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    loss, grad = softmax_loss(x, label, axis, None, lambda outer, inner, valid: valid)
    agree(ran.y[0], loss)
    agree(ran.dx[0], grad)


@law("SoftmaxWithLoss")
def test_softmax_loss_floors_the_probability_at_flt_min_but_not_its_gradient():
    x = np.array([[0, 200], [0, 90]], np.float32)
    ran = run_layer(
        "SoftmaxWithLoss", "loss_param { normalization: NONE }", [x, [0, 0]], diffs=[np.float32(1)]
    )
    agree(ran.y[0], -2 * math.log(FLT_MIN))
    agree(ran.dx[0], [[-1, 1], [-1, 1]])


@law("SoftmaxWithLoss")
def test_softmax_loss_of_ignored_labels_only_is_zero_not_nan():
    x, label = normal(0, 2, 3), np.full(2, 255)
    body = "loss_param { ignore_label: 255 }"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    assert ran.y[0] == 0
    assert not ran.dx[0].any()


@law("SoftmaxWithLoss")
def test_softmax_losss_second_top_is_the_softmax_and_its_diff_counts_for_nothing():
    x, label = normal(0, 2, 3), np.array([0, 2])
    ran = run_layer(
        "SoftmaxWithLoss", "", [x, label], tops=2, diffs=[np.float32(1), normal(1, 2, 3)]
    )
    agree(ran.y[1], softmax_of(x, 1))
    agree(ran.dx[0], softmax_loss(x, label, 1, None, lambda outer, inner, valid: valid)[1])


@law("Accuracy")
@drawn(40)
@given(SEED, st.integers(1, 3), st.sampled_from([None, 1, 255]))
def test_accuracy_counts_a_tie_against_the_label_and_knows_top_k_ignore_and_classes(
    seed, top_k, ignore
):
    """Right when fewer than top_k other classes score as high or higher."""
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 3, (2, 4, 3)).astype(np.float32)
    label = rng.randint(0, 4, (2, 3))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    ran = run_layer("Accuracy", f"accuracy_param {{ top_k: {top_k} {text} }}", [x, label], tops=2)
    right, seen = np.zeros(4), np.zeros(4)
    for i, j in itertools.product(range(2), range(3)):
        if label[i, j] == ignore:
            continue
        others = np.delete(x[i, :, j], label[i, j])
        seen[label[i, j]] += 1
        right[label[i, j]] += (others >= x[i, label[i, j], j]).sum() < top_k
    agree(ran.y[0], right.sum() / max(1, seen.sum()))
    agree(ran.y[1], right / np.maximum(1, seen))


# Rearranging.


@law("Concat")
@drawn()
@given(SEED, st.integers(-3, 2), st.lists(SMALL, min_size=1, max_size=4))
def test_concat_joins_along_an_axis_that_may_be_negative(seed, axis, sizes):
    xs = []
    for i, size in enumerate(sizes):
        shape = [2, 3, 4]
        shape[axis] = size
        xs.append(normal(seed + i, *shape))
    whole = np.concatenate(xs, axis)
    dy = normal(seed + 9, *whole.shape)
    ran = run_layer("Concat", f"concat_param {{ axis: {axis} }}", xs, diffs=[dy])
    assert np.array_equal(ran.y[0], whole)
    parts = np.split(dy, np.cumsum(sizes)[:-1], axis)
    for dx, part in zip(ran.dx, parts, strict=True):
        assert np.array_equal(dx, part)


@law("Slice")
@drawn()
@given(SEED, st.integers(-3, 2), st.lists(SMALL, min_size=1, max_size=4), st.booleans())
def test_slice_cuts_at_the_points_or_evenly_and_undoes_concat(seed, axis, sizes, even):
    sizes = [sizes[0]] * len(sizes) if even else sizes
    shape = [2, 3, 4]
    shape[axis] = sum(sizes)
    points = np.cumsum(sizes)[:-1]
    text = "" if even else " ".join(f"slice_point: {p}" for p in points)
    x = normal(seed, *shape)
    parts = np.split(x, points, axis)
    diffs = [normal(seed + i, *part.shape) for i, part in enumerate(parts)]
    body = f"slice_param {{ axis: {axis} {text} }}"
    ran = run_layer("Slice", body, [x], tops=len(sizes), diffs=diffs)
    for y, part in zip(ran.y, parts, strict=True):
        assert np.array_equal(y, part)
    assert np.array_equal(ran.dx[0], np.concatenate(diffs, axis))


@law("Concat", "Slice")
def test_concat_dim_and_slice_dim_are_older_names_of_axis():
    x = normal(0, 2, 3, 4)
    assert run_layer("Concat", "concat_param { concat_dim: 2 }", [x, x]).y[0].shape == (2, 3, 8)
    assert run_layer("Slice", "slice_param { slice_dim: 2 }", [x], tops=2).y[1].shape == (2, 3, 2)


@law("Crop")
@drawn(40)
@given(SEED, st.integers(-4, 3), st.data())
def test_crop_cuts_from_the_axis_on_at_offsets_one_for_all_or_one_each(seed, axis, data):
    start = axis % 4
    like = [data.draw(SMALL) for _ in range(4)]
    one = data.draw(st.booleans())
    offsets = [data.draw(st.integers(0, 3)) for _ in range(1 if one else 4 - start)]
    spread = [0] * start + (offsets * (4 - start) if one else offsets)
    shape = [o + n + data.draw(st.integers(0, 2)) for o, n in zip(spread, like, strict=True)]
    x = normal(seed, *shape)
    text = " ".join(f"offset: {o}" for o in offsets)
    window = tuple(
        slice(o, o + n) if i >= start else slice(None)
        for i, (o, n) in enumerate(zip(spread, like, strict=True))
    )
    dy = normal(seed + 1, *x[window].shape)
    body = f"crop_param {{ axis: {axis} {text} }}"
    ran = run_layer("Crop", body, [x, np.zeros(like)], diffs=[dy])
    assert np.array_equal(ran.y[0], x[window])
    dx = np.zeros(shape, np.float32)
    dx[window] = dy
    assert np.array_equal(ran.dx[0], dx)
    assert not ran.dx[1].any()


@law("Split")
def test_split_gives_the_same_values_to_all_and_adds_their_gradients():
    x = normal(0, 2, 3)
    diffs = [normal(i, 2, 3) for i in (1, 2, 3)]
    ran = run_layer("Split", "", [x], tops=3, diffs=diffs)
    assert all(np.array_equal(y, x) for y in ran.y)
    agree(ran.dx[0], np.sum(np.float64(diffs), 0))


@law("Silence")
def test_silence_gives_its_bottoms_a_zero_gradient():
    net = net_of(
        f"force_backward: true {input_layer('x', 2, 3)}"
        'layer { name: "s" type: "Silence" bottom: "x" }'
    )
    net.blobs["x"].diff[...] = 7
    net.forward()
    net.backward()
    assert not net.blobs["x"].diff.any()
    assert net.outputs == []


# Over space.


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


# Normalising.


@law("LRN")
@drawn()
@given(SEED, st.sampled_from([1, 3, 5]), st.integers(1, 7), st.sampled_from([0.75, 0.5]))
def test_lrn_across_channels_divides_by_a_power_of_k_plus_alpha_over_n_sum_of_squares(
    seed, size, channels, beta
):
    x = normal(seed, 2, channels, 2, 3)
    body = f"lrn_param {{ local_size: {size} alpha: 2 beta: {beta} k: 1.5 }}"
    squares = np.pad(np.float64(x) ** 2, [(0, 0), (size // 2, size // 2), (0, 0), (0, 0)])
    sums = sum(squares[:, i : i + channels] for i in range(size))
    agree(run_layer("LRN", body, [x]).y[0], x / (1.5 + 2 / size * sums) ** beta)


@law("LRN")
@drawn()
@given(SEED, st.sampled_from([1, 3, 5]))
def test_lrn_within_a_channel_averages_over_the_square_with_zeros_around(seed, size):
    x = normal(seed, 2, 2, 4, 5)
    body = (
        f"lrn_param {{ local_size: {size} alpha: 2 beta: 0.75 norm_region: WITHIN_CHANNEL k: 9 }}"
    )
    half = size // 2
    squares = np.pad(np.float64(x) ** 2, [(0, 0), (0, 0), (half, half), (half, half)])
    sums = sum(
        squares[:, :, i : i + 4, j : j + 5] for i, j in itertools.product(range(size), repeat=2)
    )
    agree(run_layer("LRN", body, [x]).y[0], x * (1 + 2 / size**2 * sums) ** -0.75)


@law("BatchNorm")
@drawn()
@given(SEED, st.integers(1, 4), st.sampled_from([(), (3,), (3, 2), (3, 1, 2)]))
def test_batch_norm_normalises_by_the_batch_and_keeps_moving_sums_of_mean_and_variance(
    seed, batch, rest
):
    """scale <- f scale + 1, mean <- f mean + m, variance <- f variance + v n / (n - 1)."""
    x = 2 * normal(seed, batch, *rest) + 1
    body = "batch_norm_param { moving_average_fraction: 0.9 eps: 0.01 }"
    stats = [normal(seed + 1, *rest[:1] or (1,)), normal(seed + 2, *rest[:1] or (1,)) ** 2, [5]]
    ran = run_layer("BatchNorm", body, [x], phase=caffe.TRAIN, params=stats)
    channels = np.float64(x).reshape(batch, *(rest or (1,)))
    axes = tuple(i for i in range(channels.ndim) if i != 1)
    mean, var = channels.mean(axes, keepdims=True), channels.var(axes, keepdims=True)
    count = channels.size // channels.shape[1]
    agree(ran.y[0], ((channels - mean) / np.sqrt(var + 0.01)).reshape(x.shape), 1e-4, 1e-4)
    agree(ran.params[0], 0.9 * np.float64(stats[0]) + mean.ravel(), 1e-4)
    unbiased = var.ravel() * (count / (count - 1) if count > 1 else 1)
    agree(ran.params[1], 0.9 * np.float64(stats[1]) + unbiased, 1e-4)
    agree(ran.params[2], [0.9 * 5 + 1])


@law("BatchNorm")
@pytest.mark.parametrize("scale", [0, 4])
def test_batch_norm_in_test_uses_the_moving_averages_over_their_scale_and_keeps_them(scale):
    """With a scale of 0 (never trained) mean and variance are 0."""
    x, mean, var = normal(0, 2, 3, 4), normal(1, 3), normal(2, 3) ** 2
    ran = run_layer("BatchNorm", "batch_norm_param { eps: 0.01 }", [x], params=[mean, var, [scale]])
    factor = 1 / scale if scale else 0
    m, v = (np.float64(p)[:, None] * factor for p in (mean, var))
    agree(ran.y[0], (x - m) / np.sqrt(v + 0.01), 1e-4)
    assert np.array_equal(ran.params[0], mean)


@law("BatchNorm")
def test_batch_norms_parameters_are_not_learned_and_three_old_param_specs_mean_nothing():
    old = "param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 2 }"
    for params in ("", old):
        net = run_layer("BatchNorm", params, [normal(0, 4, 2)], phase=caffe.TRAIN).net
        assert [p.lr_mult for p in net._graph.params] == [0, 0, 0]
    with pytest.raises(caffe.CaffeError, match="lr_mult"):
        run_layer("BatchNorm", "param { lr_mult: 1 }", [normal(0, 4, 2)])


# With parameters.


@law("InnerProduct")
@drawn()
@given(SEED, st.integers(-3, 2), st.booleans(), st.booleans())
def test_inner_product_takes_everything_from_its_axis_on_as_one_vector(seed, axis, bias, transpose):
    x = normal(seed, 2, 3, 4)
    inputs = math.prod(x.shape[axis % 3 :])
    w, b = normal(seed + 1, 5, inputs), normal(seed + 2, 5) * bias
    body = f"num_output: 5 axis: {axis} bias_term: {str(bias).lower()}"
    body += f" transpose: {str(transpose).lower()}"
    params = [w.T if transpose else w] + [b] * bias
    ran = run_layer("InnerProduct", f"inner_product_param {{ {body} }}", [x], params=params)
    y = np.float64(x).reshape(-1, inputs) @ np.float64(w).T + b
    agree(ran.y[0], y.reshape(*x.shape[: axis % 3], 5))


@law("Scale")
@drawn(40)
@given(SEED, st.integers(-3, 2), st.integers(-1, 3), st.booleans())
def test_scale_spreads_its_factor_over_num_axes_axes_from_axis_on(seed, axis, num_axes, bias):
    start = axis % 3
    if start + num_axes > 3:
        return
    x = normal(seed, 2, 3, 4)
    end = 3 if num_axes == -1 else start + num_axes
    shape = x.shape[start:end]
    factor, shift = normal(seed + 1, *shape), normal(seed + 2, *shape)
    body = f"axis: {axis} num_axes: {num_axes} bias_term: {str(bias).lower()}"
    ran = run_layer("Scale", f"scale_param {{ {body} }}", [x], params=[factor] + [shift] * bias)
    assert [p.shape for p in ran.params] == [shape] * (1 + bias)
    spread = (*shape, *(1,) * (3 - (end if shape else 3)))
    agree(ran.y[0], np.float64(x) * factor.reshape(spread) + bias * shift.reshape(spread))


@law("Scale")
@drawn()
@given(SEED, st.integers(0, 2), st.booleans())
def test_scale_by_a_second_bottom_learns_only_its_bias(seed, axis, bias):
    x = normal(seed, 2, 3, 4)
    factor = normal(seed + 1, x.shape[axis])
    body = (
        f"scale_param {{ axis: {axis} bias_term: {str(bias).lower()} bias_filler {{ value: 3 }} }}"
    )
    dy = normal(seed + 2, 2, 3, 4)
    ran = run_layer("Scale", body, [x, factor], diffs=[dy])
    spread = factor.reshape([-1 if i == axis else 1 for i in range(3)])
    agree(ran.y[0], np.float64(x) * spread + 3 * bias)
    agree(ran.dx[0], np.float64(dy) * spread)
    others = tuple(i for i in range(3) if i != axis)
    agree(ran.dx[1], (np.float64(dy) * x).sum(others))
    assert len(ran.params) == bias


@law("Scale")
def test_scale_starts_as_one():
    x = normal(0, 2, 3)
    assert np.array_equal(run_layer("Scale", "", [x]).y[0], x)


# Gradients. Where Caffe's gradient is another than the derivative, a law above says so.

CASES = {
    "ReLU": [("relu_param { negative_slope: 0.1 }", [(2, 3)]), ("", [(2, 3)])],
    "Dropout": [("dropout_param { dropout_ratio: 0.3 }", [(3, 4)])],
    "Eltwise": [
        ("eltwise_param { coeff: 2 coeff: -1 }", [(2, 3)] * 2),
        ("eltwise_param { operation: PROD }", [(2, 3)] * 3),
        ("eltwise_param { operation: MAX }", [(2, 3)] * 3),
    ],
    "Softmax": [("", [(2, 3, 2)]), ("softmax_param { axis: -1 }", [(2, 3)])],
    "SoftmaxWithLoss": [("loss_param { ignore_label: 1 }", [(2, 3, 2), (2, 2)])],
    "Concat": [("concat_param { axis: -1 }", [(2, 3), (2, 1)])],
    "Slice": [("slice_param { slice_point: 1 }", [(2, 3)])],
    "Crop": [("crop_param { axis: 1 offset: 1 }", [(2, 3, 4), (2, 2, 2)])],
    "Split": [("", [(2, 3)])],
    "Convolution": [
        ("convolution_param { num_output: 4 kernel_size: 2 stride: 2 pad: 1 }", [(1, 2, 4, 5)]),
        (
            "convolution_param { num_output: 2 kernel_size: 2 dilation: 2 group: 2 }",
            [(1, 2, 4)] * 2,
        ),
    ],
    "Deconvolution": [
        ("convolution_param { num_output: 2 kernel_size: 3 stride: 2 pad: 1 }", [(1, 2, 3, 2)]),
    ],
    "Pooling": [
        (f"pooling_param {{ pool: {pool} kernel_size: {k} stride: 2 pad: {p} }}", [(1, 2, 4, 5)])
        for pool in ("MAX", "AVE")
        for k, p in ((3, 1), (3, 2), (2, 0))
    ],
    "LRN": [
        ("lrn_param { local_size: 3 alpha: 2 }", [(1, 4, 2, 2)]),
        ("lrn_param { local_size: 3 alpha: 2 norm_region: WITHIN_CHANNEL }", [(1, 2, 3, 3)]),
    ],
    "BatchNorm": [
        ("", [(3, 2, 2)]),
        ("batch_norm_param { use_global_stats: true }", [(3, 2, 2)]),
        ("", [(4,)]),
    ],
    "InnerProduct": [
        ("inner_product_param { num_output: 3 }", [(2, 2, 2)]),
        ("inner_product_param { num_output: 3 axis: 2 transpose: true }", [(2, 2, 2)]),
    ],
    "Scale": [
        ("scale_param { bias_term: true }", [(2, 3, 2)]),
        ("scale_param { axis: 0 bias_term: true }", [(2, 3, 2), (2, 3)]),
        ("scale_param { num_axes: 0 }", [(2, 3)]),
    ],
}
NO_GRADIENT = {"Input", "DummyData", "Python", "Accuracy", "Silence"}
TOPS = {"Slice": 2, "Split": 3}


def test_every_expression_with_a_gradient_is_checked():
    assert set(CASES) | NO_GRADIENT == set(caffe.layer_type_list())
    assert not set(CASES) & NO_GRADIENT


@pytest.mark.parametrize(
    ("kind", "body", "shapes"), [(kind, *case) for kind, cases in CASES.items() for case in cases]
)
@settings(max_examples=3, deadline=None)
@given(seed=SEED)
def test_the_gradient_of_an_expression_is_its_derivative(kind, body, shapes, seed):
    tops = TOPS.get(kind, len(shapes) if kind == "Convolution" else 1)
    names = "".join(f' bottom: "x{i}"' for i in range(len(shapes)))
    names += "".join(f' top: "y{i}"' for i in range(tops))
    spec = caffe_pb2.LayerParameter()
    text_format.Parse(f'name: "l" type: "{kind}" {names} {body}', spec)
    layer = REGISTRY[kind](spec, caffe.TRAIN)
    layer.setup(shapes)
    rng = np.random.RandomState(seed)

    def values(shape, shift=0.0):
        """No two are closer than 0.03, nor one to 0: a step of gradcheck crosses no kink."""
        count = math.prod(shape)
        v = (rng.permutation(count) - count / 2 + 0.5) * 0.1 + rng.uniform(-0.015, 0.015, count)
        return torch.tensor(v.reshape(shape) + shift, requires_grad=True)

    bottoms = [values(shape, 0.033 * i) for i, shape in enumerate(shapes)]
    if kind == "SoftmaxWithLoss":
        bottoms[1] = torch.tensor(rng.randint(0, 3, shapes[1]), dtype=torch.float64)
    params = [values(blob.shape) for blob in layer.blobs]
    if kind == "BatchNorm":
        params = [torch.full_like(p, 1.5) for p in params]

    def forward(*tensors):
        caffe.set_random_seed(seed)  # Dropout: the same mask each time
        out = layer.expression(list(tensors[: len(bottoms)]), list(tensors[len(bottoms) :]))
        return out if isinstance(out, torch.Tensor) else tuple(out)

    assert torch.autograd.gradcheck(forward, [*bottoms, *params])
