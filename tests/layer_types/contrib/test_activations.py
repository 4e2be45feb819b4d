"""Activations of forks, and items and channels of unit length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


RULES = {
    "SELU": lambda x: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "Mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": lambda x: x * hard_sigmoid(x),
}
ALSO = {"SeLU": "SELU", "SeLu": "SELU", "HSigmoid": "HardSigmoid", "HSwish": "HardSwish"}


@law(*RULES, *ALSO)
@drawn()
@given(SEED, SMALL)
def test_values_follow_the_rule(seed, n):
    x = 3 * normal(seed, n, 5)
    for kind in (*RULES, *ALSO):
        agree(run_layer(kind, "", [x]).y[0], RULES[ALSO.get(kind, kind)](x.astype(np.float64)))


@drawn()
@given(SEED, SMALL)
def test_the_line_of_a_hard_sigmoid_may_be_given(seed, n):
    x = 3 * normal(seed, n, 5)
    found = run_layer("HardSigmoid", "hard_sigmoid_param { beta: 0.4 }", [x]).y[0]
    agree(found, np.clip(0.2 * x.astype(np.float64) + 0.4, 0, 1))


@law("ReLUMask")
@drawn()
@given(SEED, st.sampled_from([0, 0.25, -0.5]))
def test_a_relu_says_where_its_bottom_is_positive(seed, slope):
    x, diff = normal(seed, 2, 3, 4), normal(seed + 1, 2, 3, 4)
    x[0, 0] = 0
    body = f"relu_param {{ negative_slope: {slope} }}"
    found = run_layer("ReLUMask", body, [x], tops=2, diffs=[diff, 9 * diff])
    agree(found.y[0], np.where(x > 0, x, slope * x))
    np.testing.assert_array_equal(found.y[1], x > 0)
    agree(found.dx[0], np.where(x > 0, diff, slope * diff))


@law("Maxout")
@drawn()
@given(SEED, SMALL, SMALL, st.booleans())
def test_the_largest_of_each_group_of_channels_stays(seed, groups, size, by_size):
    x = np.random.RandomState(seed).randint(0, 4, (2, groups * size, 3)).astype(np.float32)
    dy = normal(seed, 2, groups, 3)
    body = f"chgroup_sz: {size}" if by_size else f"num_output: {groups}"
    found = run_layer("Maxout", f"maxout_param {{ {body} }}", [x], diffs=[dy])
    wide = x.reshape(2, groups, size, 3)
    agree(found.y[0], wide.max(2))
    first = np.arange(size)[:, None] == wide.argmax(2)[:, :, None]
    agree(found.dx[0].reshape(wide.shape), first * dy[:, :, None])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "needs num_output, or else chgroup_sz, in maxout_param; found 0 and 0"),
        ("num_output: 2 chgroup_sz: 3", "found 2 and 3"),
        ("num_output: 4", "4 must divide the channels"),
    ],
)
def test_groups_of_channels_must_be_of_one_size(body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("Maxout", f"maxout_param {{ {body} }}", [np.zeros((2, 6))])


@law("CReLU")
@pytest.mark.parametrize(("more", "axis"), [("", 1), ("concat_axis: -1", 2)])
def test_a_crelu_has_both_signs(more, axis):
    x = normal(0, 2, 3, 4)
    y = np.concatenate([x, -x], axis).astype(np.float64)
    agree(run_layer("CReLU", f"crelu_param {{ {more} }}", [x]).y[0], np.maximum(y, 0))
    found = run_layer("CReLU", f"crelu_param {{ negative_slope: 0.1 {more} }}", [x]).y[0]
    agree(found, np.where(y > 0, y, 0.1 * y))


@law("Insanity", "RReLU")
@pytest.mark.parametrize(("kind", "field"), [("Insanity", "insanity"), ("RReLU", "rrelu")])
def test_a_randomised_relu_draws_what_it_divides_by(kind, field):
    x, dy = normal(0, 40, 50), normal(1, 40, 50)
    body = f"{field}_param {{ lb: 2 ub: 5 }}"
    found = run_layer(kind, body, [x], phase=caffe.TRAIN, diffs=[dy])
    drawn = (x / found.y[0])[x < 0]
    assert 2 <= drawn.min() < 2.1 < 4.9 < drawn.max() <= 5
    assert abs(drawn.mean() - 3.5) < 0.1
    agree(found.y[0][x > 0], x[x > 0])
    agree(found.dx[0][x > 0], dy[x > 0])
    agree(found.dx[0][x < 0], dy[x < 0] / drawn, 1e-4)
    mean = 3 / np.log(2.5)
    agree(run_layer(kind, body, [x]).y[0], np.where(x > 0, x, x / mean))
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' .{kind}.: needs 0 < lb < ub"):
        run_layer(kind, f"{field}_param {{ lb: 5 ub: 3 }}", [x])


@law("APL")
@drawn()
@given(SEED, SMALL, st.integers(1, 3))
def test_a_learnt_activation_bends_where_each_value_has_its_offsets(seed, n, sums):
    x, dy = normal(seed, n, 2, 3), normal(seed + 1, n, 2, 3)
    slope, offset = normal(seed + 2, 6, sums), normal(seed + 3, 6, sums)
    params = [each.reshape(1, 1, sums, 6) for each in (slope, offset)]
    found = run_layer("APL", f"apl_param {{ sums: {sums} }}", [x], params=params, diffs=[dy])
    values, diffs = (each.astype(np.float64).reshape(n, 6) for each in (x, dy))
    below = np.maximum(offset[None] - values[..., None], 0)
    agree(found.y[0], (np.maximum(values, 0) + (slope * below).sum(-1)).reshape(x.shape))
    bent = slope * (below > 0)
    agree(found.dx[0], (diffs * ((values > 0) - bent.sum(-1))).reshape(x.shape), 1e-4)
    agree(found.dparams[0].reshape(6, sums), (diffs[..., None] * below).sum(0), 1e-4)
    agree(found.dparams[1].reshape(6, sums), (diffs[..., None] * bent).sum(0), 1e-4)


def test_a_learnt_activation_says_what_it_is_for():
    with pytest.raises(caffe.CaffeError, match="sums must be positive"):
        run_layer("APL", "apl_param { sums: 0 }", [np.zeros((2, 3))])
    net = run_layer("APL", "apl_param { sums: 2 }", [np.zeros((2, 3))]).net
    assert np.abs(net.params["l"][0].data).max() <= 0.25
    net.blobs["x0"].reshape(2, 4)
    with pytest.raises(caffe.CaffeError, match="slopes for items of 3 values"):
        net.reshape()


@law("GRN")
@drawn()
@given(SEED, SMALL, SMALL)
def test_channels_have_unit_length(seed, n, c):
    x = normal(seed, n, c, 2, 2)
    found = run_layer("GRN", "grn_param { bias: 0.5 }", [x]).y[0]
    agree(found, x / np.sqrt((x.astype(np.float64) ** 2).sum(1, keepdims=True) + 0.5))


@law("Norm")
@drawn()
@given(SEED)
def test_norm_divides_by_the_length_of_a_places_channels(seed):
    x = normal(seed, 2, 3, 2, 2)
    x[0, :, 0, 0] = 0
    wide = x.astype(np.float64)
    length = np.sqrt(np.square(wide).sum(1, keepdims=True))
    found = run_layer("Norm", "", [x], diffs=[normal(seed + 1, *x.shape)])
    agree(found.y[0], wide / (length + 1e-6))
    assert np.isfinite(found.dx[0]).all()


@law("Normalization", "L2Normalization", "L2Normalize", "L2Norm")
@pytest.mark.parametrize("kind", ["Normalization", "L2Normalization", "L2Normalize", "L2Norm"])
def test_items_have_unit_length(kind):
    x, dy = normal(0, 3, 4, 1, 2), normal(1, 3, 4, 1, 2)
    x[1] = 0
    found = run_layer(kind, "", [x], diffs=[dy])
    length = np.linalg.norm(x.astype(np.float64).reshape(3, -1), axis=1).reshape(3, 1, 1, 1)
    y = x / np.where(length, length, 1)
    agree(found.y[0], y)
    along = (y * dy).sum((1, 2, 3), keepdims=True)
    agree(found.dx[0][::2], ((dy - along * y) / np.where(length, length, 1))[::2])
    assert np.isfinite(found.dx[0]).all()
