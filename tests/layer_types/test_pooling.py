"""Layers that pool: their laws, against float64 references written here."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import FLT_MAX, SEED, agree, drawn, law, normal
from support.net_text import run_layer
from support.pooling_windows import windows

import caffe

pytestmark = pytest.mark.smoke


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
@given(SEED, st.tuples(*[st.integers(1, 6)] * 2), st.integers(1, 4), st.booleans())
def test_apollos_sizes_are_rounded_as_a_convolutions_and_a_window_may_be_larger_than_the_bottom(
    seed, size, stride, average
):
    """C's quotient, towards zero: of a bottom that is less than a stride smaller, one window."""
    x = normal(seed, 2, 2, *size)
    kernel, counts = (4, 3), []
    for length, extent in zip(size, kernel, strict=True):
        counts.append(int((length - extent) / stride) + 1)
    body = f"kernel_h: 4 kernel_w: 3 stride: {stride} cmp_out_shape_floor_as_conv: true"
    body = f"pooling_param {{ {body} pool: {'AVE' if average else 'MAX'} }}"
    if min(counts) < 1:
        with pytest.raises(caffe.CaffeError, match="is smaller than kernel"):
            run_layer("Pooling", body, [x])
        return
    expected = np.zeros((2, 2, *counts))
    for i, j in itertools.product(*map(range, counts)):
        part = np.float64(x)[:, :, i * stride : i * stride + 4, j * stride : j * stride + 3]
        expected[:, :, i, j] = part.mean((2, 3)) if average else part.max((2, 3))
    agree(run_layer("Pooling", body, [x]).y[0], expected)


@drawn()
@given(SEED, poolings(), st.booleans())
def test_the_least_value_of_a_window_is_no_padding(seed, geometry, floor):
    kernel, stride, pad, size = geometry
    if not inside(kernel, stride, pad, size, floor):
        return
    x = normal(seed, 2, 2, *size) + 3  # positive: padding must not win
    dy = normal(seed + 1, *pooled(x, kernel, stride, pad, False, floor).shape)
    body = " ".join(
        f"{name}_h: {h} {name}_w: {w}"
        for name, (h, w) in (("kernel", kernel), ("stride", stride), ("pad", pad))
    )
    body += f" round_mode: {'FLOOR' if floor else 'CEIL'}"
    least = run_layer("Pooling", f"pooling_param {{ {body} pool: MIN }}", [x], diffs=[dy])
    agree(least.y[0], -pooled(-x, kernel, stride, pad, False, floor))
    most = run_layer("Pooling", f"pooling_param {{ {body} }}", [-x], diffs=[dy])
    agree(least.dx[0], most.dx[0])


@pytest.mark.parametrize(
    ("more", "size", "tops", "message"),
    [
        ("", (1, 1, 3, 3), 2, "only MAX pooling has a second top"),
        ("dilation: 2", (1, 1, 4, 4), 1, "of MAX pooling alone"),
        ("", (1, 1, 3, 3, 3), 1, "of 5 axes pools by MAX or AVE"),
    ],
)
def test_what_the_least_of_windows_has_not_says_so(more, size, tops, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(
            "Pooling",
            f"pooling_param {{ pool: MIN kernel_size: 2 {more} }}",
            [np.zeros(size)],
            tops,
        )


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
@pytest.mark.parametrize("pool", ["MAX", "AVE", "MIN"])
def test_global_pooling_takes_the_bottom_as_its_window_also_after_a_reshape(pool):
    x = normal(0, 2, 3, 4, 5)
    net = run_layer("Pooling", f"pooling_param {{ pool: {pool} global_pooling: true }}", [x]).net
    for shape in ((2, 3, 4, 5), (1, 3, 2, 7)):
        x = normal(1, *shape)
        net.blobs["x0"].reshape(*shape)
        net.blobs["x0"].data[...] = x
        reduce = {"MAX": np.max, "AVE": np.mean, "MIN": np.min}[pool]
        agree(net.forward()["y0"], reduce(np.float64(x), (2, 3), keepdims=True))


@law("Pooling")
def test_stochastic_pooling_draws_a_value_in_proportion_to_its_size():
    """One window of 0, 1, 3, 4, thousands of times; the diff goes to what was drawn."""
    x = np.float32([[0, 1], [3, 4]]) * np.ones((200, 50, 1, 1))
    body = "pooling_param { pool: STOCHASTIC kernel_size: 2 }"
    caffe.set_random_seed(1)
    ran = run_layer("Pooling", body, [x], phase=caffe.TRAIN, diffs=[2 * np.ones((200, 50, 1, 1))])
    for value in (0, 1, 3, 4):
        assert abs((ran.y[0] == value).mean() - value / 8) < 5 * math.sqrt(0.25 / 10000)
    assert not (ran.y[0] == 0).any()
    agree(ran.dx[0], 2 * (x == ran.y[0]))
    caffe.set_random_seed(1)
    again = run_layer("Pooling", body, [x], phase=caffe.TRAIN)
    assert np.array_equal(again.y[0], ran.y[0])


@law("Pooling")
@drawn(40)
@given(SEED, poolings(), st.sampled_from([caffe.TRAIN, caffe.TEST]))
def test_stochastic_pooling_stays_in_the_window_and_in_test_gives_the_expected_value(
    seed, geometry, phase
):
    """The expected value of a draw: sum of squares over sum; 0 where the sum is not positive."""
    kernel, stride, _, size = geometry
    size = [max(n, k) for n, k in zip(size, kernel, strict=True)]
    if not inside(kernel, stride, [0, 0], size, floor=False):
        return
    x = np.maximum(normal(seed, 2, 2, *size), 0) - (seed % 5 == 0)
    body = " ".join(
        f"{name}_h: {h} {name}_w: {w}" for name, (h, w) in (("kernel", kernel), ("stride", stride))
    )
    body = f"pooling_param {{ pool: STOCHASTIC {body} }}"
    y = run_layer("Pooling", body, [x], phase=phase).y[0]
    rows, columns = (windows(size[i], kernel[i], stride[i], 0, False, False) for i in range(2))
    assert y.shape == (2, 2, len(rows), len(columns))
    for (i, (top, bottom)), (j, (left, right)) in itertools.product(
        enumerate(rows), enumerate(columns)
    ):
        part = np.float64(x)[:, :, top:bottom, left:right].reshape(2, 2, -1)
        total = part.sum(-1)
        if phase == caffe.TRAIN:
            assert (part == y[:, :, i, j, None]).any(-1).all()
            assert ((y[:, :, i, j] > 0) | (total <= 0)).all()
        else:
            expected = (part**2).sum(-1) / np.where(total > 0, total, 1)
            agree(y[:, :, i, j], np.where(total > 0, expected, 0), relative=1e-4)


@law("SPP")
@drawn(40)
@given(SEED, st.integers(1, 3), st.integers(1, 14), st.integers(1, 14), st.booleans())
def test_spp_pools_each_level_over_the_whole_bottom_and_joins_them(
    seed, height, rows, columns, average
):
    """Level l: 2^l x 2^l windows of ceil(size / 2^l), half of what is missing padded at the start.

    One level is not flattened.
    """
    x = normal(seed, 2, 3, rows, columns)
    levels = []
    for bins in (2**level for level in range(height)):
        kernel = [-(-n // bins) for n in (rows, columns)]
        pad = [(k * bins - n + 1) // 2 for k, n in zip(kernel, (rows, columns), strict=True)]
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            levels = None
            break
        levels.append(pooled(x, kernel, kernel, pad, average, floor=False))
    pool = "AVE" if average else "MAX"
    body = f"spp_param {{ pyramid_height: {height} pool: {pool} }}"
    if levels is None:
        with pytest.raises(caffe.CaffeError, match=r"layer 'l' \(SPP\): .*lower pyramid_height"):
            run_layer("SPP", body, [x])
        return
    y = run_layer("SPP", body, [x]).y[0]
    assert [level.shape[2:] for level in levels] == [(2**i, 2**i) for i in range(height)]
    agree(y, levels[0] if height == 1 else np.hstack([v.reshape(2, -1) for v in levels]))


@law("SPP")
def test_spp_gives_as_many_values_for_a_bottom_of_another_size():
    net = run_layer("SPP", "spp_param { pyramid_height: 3 }", [np.ones((2, 3, 8, 8))]).net
    assert net.blobs["y0"].shape == (2, 3 * (1 + 4 + 16))
    x = normal(0, 1, 3, 12, 7)
    net.blobs["x0"].reshape(*x.shape)
    net.blobs["x0"].data[...] = x
    y = net.forward()["y0"]
    assert y.shape == (1, 3 * (1 + 4 + 16))
    agree(y[0, :3], x.max((0, 2, 3)))


@law("Pooling", "SPP")
@pytest.mark.parametrize(
    ("kind", "body", "shape", "message"),
    [
        (
            "Pooling",
            "pooling_param { pool: STOCHASTIC kernel_size: 3 pad: 1 }",
            (1, 1, 4, 4),
            r"STOCHASTIC needs pad 0, found \(1, 1\)",
        ),
        (
            "SPP",
            "spp_param { pool: STOCHASTIC pyramid_height: 2 }",
            (1, 1, 4, 5),
            r"STOCHASTIC needs pad 0, found \(0, 1\)",
        ),
        ("SPP", "", (1, 1, 4, 4), "pyramid_height must be positive; found 0"),
        ("SPP", "spp_param { pyramid_height: 1 }", (1, 1, 4), r"needs 4 axes.*\(1, 1, 4\)"),
        ("SPP", "spp_param { pyramid_height: 1 }", (1, 1, 0, 4), r"positive.*\(1, 1, 0, 4\)"),
        ("SPP", "spp_param { pyramid_height: 4000000000 }", (1, 1, 4, 4), "does not fill 8 x 8"),
    ],
)
def test_a_bottom_that_cannot_be_pooled_is_refused(kind, body, shape, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body, [np.ones(shape)])
