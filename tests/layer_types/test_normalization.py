"""Layers that normalise: their laws, against float64 references written here."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


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
@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_batch_norm_of_one_value_a_channel_is_zero_and_so_is_its_gradient(shape):
    x, diff = normal(0, *shape), normal(1, *shape)
    ran = run_layer("BatchNorm", "", [x], phase=caffe.TRAIN, diffs=[diff])
    agree(ran.y[0], np.zeros(shape), floor=1e-4)  # float32's x - mean, times 316
    agree(ran.dx[0], np.zeros(shape))
    agree(ran.params[1], np.zeros(3))


@law("BatchNorm")
@pytest.mark.parametrize("scale", [0, 4])
def test_batch_norm_in_test_uses_the_moving_averages_over_their_scale_and_keeps_them(scale):
    """With a scale of 0 (never trained) mean and variance are 0."""
    x, mean, var = normal(0, 2, 3, 4), normal(1, 3), normal(2, 3) ** 2
    body = "batch_norm_param { eps: %g }"
    ran = run_layer("BatchNorm", body % 0.01, [x], params=[mean, var, [scale]])
    factor = 1 / scale if scale else 0
    m, v = (np.float64(p)[:, None] * factor for p in (mean, var))
    agree(ran.y[0], (x - m) / np.sqrt(v + 0.01), 1e-4)
    assert np.array_equal(ran.params[0], mean)
    if scale:  # an eps below 0 is a number like others, to BVLC
        less = run_layer("BatchNorm", body % -0.5, [x], params=[mean, var + 4, [scale]]).y[0]
        agree(less, (x - m) / np.sqrt((np.float64(var)[:, None] + 4) * factor - 0.5), 1e-4)


@law("BatchNorm")
def test_batch_norms_parameters_are_not_learned_and_three_old_param_specs_mean_nothing():
    old = "param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 2 }"
    for params in ("", old):
        net = run_layer("BatchNorm", params, [normal(0, 4, 2)], phase=caffe.TRAIN).net
        assert [p.lr_mult for p in net._graph.params] == [0, 0, 0]
    with pytest.raises(caffe.CaffeError, match="lr_mult"):
        run_layer("BatchNorm", "param { lr_mult: 1 }", [normal(0, 4, 2)])


@law("MVN")
@drawn(40)
@given(
    SEED,
    st.sampled_from([(2,), (2, 3), (2, 3, 4), (2, 3, 4, 5)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1e-9, 0.1, 2]),
)
def test_mvn_subtracts_the_mean_and_divides_by_the_deviation_plus_eps(
    seed, shape, across, variance, eps
):
    """Of each channel, or of each item; and the top has four axes.

    The gradient is Caffe's: (dy - mean(dy) - y mean(y dy)) / (deviation + eps), which is the
    derivative but for the last term, where that has y (deviation + eps) / deviation.
    """
    x, dy = 2 * normal(seed, *shape) + 1, normal(seed + 1, *shape + (1,) * (4 - len(shape)))
    body = f"across_channels: {str(across).lower()} normalize_variance: {str(variance).lower()}"
    ran = run_layer("MVN", f"mvn_param {{ {body} eps: {eps} }}", [x], diffs=[dy])
    axes = (1, 2, 3) if across else (2, 3)

    def mean(values):
        return values.mean(axes, keepdims=True)

    centred = np.float64(x).reshape(dy.shape)
    centred = centred - mean(centred)
    if not variance:
        agree(ran.y[0], centred)
        agree(ran.dx[0], (dy - mean(np.float64(dy))).reshape(shape))
        return
    divisor = np.sqrt(mean(centred**2)) + eps
    y = centred / divisor
    agree(ran.y[0], y)
    dx = (dy - mean(np.float64(dy)) - y * mean(y * dy)) / divisor
    agree(ran.dx[0], dx.reshape(shape), floor=1e-5 * np.abs(dx).max(initial=1))


@law("MVN")
def test_mvn_of_a_constant_is_zero_and_has_a_finite_gradient():
    ran = run_layer("MVN", "mvn_param { eps: 0.5 }", [np.ones((1, 1, 2, 2))], diffs=[np.eye(2)])
    assert not ran.y[0].any()
    agree(ran.dx[0], 2 * (np.eye(2) - 0.5)[None, None])


@law("MVN")
def test_mvn_takes_at_most_4_axes():
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' \(MVN\): .*4 axes.*\(1, 1, 1, 1, 2\)"):
        run_layer("MVN", "", [np.ones((1, 1, 1, 1, 2))])


def test_one_axis_is_normalised_but_where_strict():
    x = normal(0, 5)
    found = run_layer("BatchNorm", "", [x], phase=caffe.TRAIN).y[0]
    agree(found, (x - x.mean()) / np.sqrt(x.var() + 1e-5), 1e-4)
    caffe.set_strict(True)
    try:
        with pytest.raises(caffe.CaffeError, match=r"has channels on axis 1; found .*\(5,\)"):
            run_layer("BatchNorm", "", [x], phase=caffe.TRAIN)
    finally:
        caffe.set_strict(False)


@law("LRN", "BatchNorm")
@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [("LRN", (2, 3, 4), "needs 4 axes"), ("BatchNorm", (2, 4, 3, 4), "expects 3 channels")],
)
def test_a_bottom_reshaped_to_what_does_not_fit_is_refused(kind, shape, message):
    net = run_layer(kind, "", [np.ones((2, 3, 4, 5))]).net
    net.blobs["x0"].reshape(*shape)
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): {message}.*found"):
        net.forward()
