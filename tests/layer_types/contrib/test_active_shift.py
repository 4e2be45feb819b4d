"""ActiveShift: channels that are moved."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def expected(x, along_x, along_y, stride, pad):
    """The four pixels around each place, in float64; what lies outside is 0."""
    n, channels, height, width = x.shape
    size = [(length + 2 * pad - 1) // stride + 1 for length in (height, width)]
    top = np.zeros((n, channels, *size))
    for c in range(channels):
        for i in range(size[0]):
            for j in range(size[1]):
                y, z = i * stride - pad + float(along_y[c]), j * stride - pad + float(along_x[c])
                for row in (math.floor(y), math.floor(y) + 1):
                    for column in (math.floor(z), math.floor(z) + 1):
                        if 0 <= row < height and 0 <= column < width:
                            share = (1 - abs(y - row)) * (1 - abs(z - column))
                            top[:, c, i, j] += share * x[:, c, row, column]
    return top


@law("ActiveShift")
@drawn(15)
@given(SEED, st.integers(1, 2), st.integers(0, 1))
def test_each_channel_has_a_distance_of_its_own(seed, stride, pad):
    x = normal(seed, 2, 3, 4, 5)
    shifts = [2 * normal(seed + i, 3, 1, 1, 1) for i in (1, 2)]
    body = f"asl_param {{ stride: {stride} pad: {pad} }}"
    found = run_layer("ActiveShift", body, [x], params=shifts)
    exact = expected(x, *(shift.flatten() for shift in shifts), stride, pad)
    agree(found.y[0], exact, 1e-4, 1e-4)


def test_a_whole_distance_moves_pixels():
    x = normal(1, 1, 1, 3, 3)
    ones, zeros = np.ones((1, 1, 1, 1)), np.zeros((1, 1, 1, 1))
    found = run_layer("ActiveShift", "", [x], params=[ones, zeros])
    agree(found.y[0][..., :2], x[..., 1:])
    assert not found.y[0][..., 2].any()


def test_distances_begin_within_the_radius():
    net = run_layer("ActiveShift", "asl_param { base_radius: 2 }", [np.zeros((1, 64, 2, 2))]).net
    shifts = np.stack([param.data for param in net.params["l"]])
    assert shifts.min() < -1 < 1 < shifts.max() <= 2


def test_normalized_gradients_have_length_1():
    x, dy = normal(1, 2, 3, 4, 4), normal(2, 2, 3, 4, 4)
    shifts = [0.3 * normal(i, 3, 1, 1, 1) for i in (3, 4)]
    plain = run_layer("ActiveShift", "", [x], params=shifts, diffs=[dy]).dparams
    found = run_layer(
        "ActiveShift", "asl_param { normalize: true }", [x], params=shifts, diffs=[dy]
    )
    length = np.hypot(*(each.astype(np.float64) for each in plain))
    for ours, theirs in zip(found.dparams, plain, strict=True):
        agree(ours, theirs / length, 1e-4, 1e-4)


def test_gradients_of_strides_by_axis():
    body = "asl_param { stride_h: 2 stride_w: 1 pad_h: 1 }"
    check_gradient("ActiveShift", body, [(1, 2, 3, 3)], 5)


@pytest.mark.parametrize(
    ("more", "shape", "message"),
    [
        ("multiplier: 2", (1, 2, 3, 3), "multiplier is 1 here; found 2"),
        ("stride: 0", (1, 2, 3, 3), "stride must be positive"),
        ("", (1, 2), "needs 4 axes"),
    ],
)
def test_what_does_not_fit_says_so(more, shape, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .ActiveShift.: .*{message}"):
        run_layer("ActiveShift", f"asl_param {{ {more} }}", [np.zeros(shape)])


def test_what_changes_its_training_is_refused_in_training_alone():
    body = "asl_param { clip_gradient: 1 warming_up: 10 }"
    run_layer("ActiveShift", body, [np.zeros((1, 2, 3, 3))], phase=caffe.TEST)
    with pytest.raises(caffe.CaffeError, match="clip_gradient and warming_up of its training"):
        run_layer("ActiveShift", body, [np.zeros((1, 2, 3, 3))], phase=caffe.TRAIN)
