"""LabelSpecificAdd, MarginInnerProduct, LargeMarginInnerProduct, and InnerProduct of unit rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

TYPES = ["SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"]


@law("LabelSpecificAdd")
@drawn()
@given(SEED, SMALL, st.sampled_from([caffe.TRAIN, caffe.TEST]))
def test_a_bias_is_added_to_the_own_classs_score(seed, n, phase):
    x, labels = normal(seed, n, 3), np.random.RandomState(seed).randint(0, 3, n)
    dy = normal(seed + 1, n, 3)
    body = "label_specific_add_param { bias: -0.35 }"
    found = run_layer(
        "LabelSpecificAdd", body, [x, labels], tops=2, phase=phase, diffs=[dy, np.zeros(1)]
    )
    expected = x.astype(np.float64)
    for i, label in enumerate(labels):
        expected[i, label] -= 0.35 * (phase == caffe.TRAIN and x[i, label] > 0.35)
    agree(found.y[0], expected)
    agree(found.y[1], [-0.35])
    agree(found.dx[0], dy)


def test_the_bias_grows_with_the_passes():
    body = (
        "label_specific_add_param { bias_base: -0.1 bias_gamma: 1 bias_power: -2 bias_min: -0.9 }"
    )
    net = run_layer("LabelSpecificAdd", body, [[[1.0]], [0]], tops=2, phase=caffe.TRAIN).net
    found = [float(net.blobs["y1"].data[0])]
    for _ in range(3):
        net.forward()
        found.append(float(net.blobs["y1"].data[0]))
    agree(found, [-0.1, -0.85, -0.9, -0.9])


def psi(cosine, times):
    """As the papers write it."""
    theta = math.acos(np.clip(cosine, -1, 1))
    turns = min(int(times * theta / math.pi), times - 1)
    return (-1) ** turns * math.cos(times * theta) - 2 * turns


@law("LargeMarginInnerProduct", "MarginInnerProduct")
@drawn(40)
@given(SEED, SMALL, st.integers(0, 3), st.booleans())
def test_the_own_classs_angle_is_multiplied(seed, n, kind, unit):
    x, labels = normal(seed, n, 4), np.random.RandomState(seed).randint(0, 3, n)
    weight = normal(seed + 1, 3, 4)
    name = "MarginInnerProduct" if unit else "LargeMarginInnerProduct"
    field = "margin_inner_product_param" if unit else "largemargin_inner_product_param"
    body = f"{field} {{ num_output: 3 type: {TYPES[kind]} base: 2 gamma: 1 power: 1 }}"
    found = run_layer(name, body, [x, labels], tops=2, params=[weight])
    share = 2 / (1 + 1)  # base * (1 + gamma * 1)^-power
    w = weight.astype(np.float64)
    if unit:
        w /= np.linalg.norm(w, axis=1, keepdims=True)
    expected = x.astype(np.float64) @ w.T
    for i, label in enumerate(labels):
        lengths = np.linalg.norm(x[i].astype(np.float64)) * np.linalg.norm(w[label])
        margin = lengths * psi(expected[i, label] / lengths, kind + 1)
        expected[i, label] = (margin + share * expected[i, label]) / (1 + share)
    agree(found.y[0], expected, 1e-4, 1e-4)
    agree(found.y[1], [share])


@pytest.mark.parametrize("kind", TYPES[1:])
def test_spherefaces_gradient_is_the_forks(kind):
    x, weight, dy = normal(0, 1, 4), normal(1, 3, 4), normal(2, 1, 3)
    body = f"margin_inner_product_param {{ num_output: 3 type: {kind} base: 0 }}"
    found = run_layer(
        "MarginInnerProduct",
        body,
        [x, [1]],
        tops=2,
        phase=caffe.TRAIN,
        params=[weight],
        diffs=[dy, np.zeros(1)],
    )
    w = weight.astype(np.float64) / np.linalg.norm(weight, axis=1, keepdims=True)
    agree(found.params[0], w)  # the parameter itself has unit rows from then on
    agree(found.dparams[0], dy.T.astype(np.float64) @ x, 1e-4)
    step = 1e-6
    own = np.array(
        [
            [
                np.linalg.norm(moved)
                * psi(w[1] @ moved / np.linalg.norm(moved), TYPES.index(kind) + 1)
                for moved in (x[0] + step * axis, x[0] - step * axis)
            ]
            for axis in np.eye(4)
        ]
    )
    slope = (own[:, 0] - own[:, 1]) / (2 * step)  # a w + b x, brought to a^2 + b^2 = 1
    a, b = np.linalg.lstsq(np.stack([w[1], x[0]], 1).astype(np.float64), slope, rcond=None)[0]
    expected = dy[0, 0] * w[0] + dy[0, 2] * w[2] + dy[0, 1] * slope / math.hypot(a, b)
    agree(found.dx[0][0], expected, 1e-3, 1e-4)


def test_an_inner_product_may_have_unit_rows():
    x, weight, dy = normal(0, 2, 4), normal(1, 3, 4), normal(2, 2, 3)
    body = "inner_product_param { num_output: 3 normalize: true bias_term: false }"
    unit = weight.astype(np.float64) / np.linalg.norm(weight, axis=1, keepdims=True)
    for phase, kept in ((caffe.TRAIN, unit), (caffe.TEST, weight)):
        found = run_layer("InnerProduct", body, [x], phase=phase, params=[weight], diffs=[dy])
        agree(found.y[0], x @ unit.T)
        agree(found.params[0], kept)
        agree(found.dparams[0], dy.T.astype(np.float64) @ x, 1e-4)
        agree(found.dx[0], dy @ unit, 1e-4)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("MarginInnerProduct", "", "num_output must be positive"),
        ("LargeMarginInnerProduct", "", "num_output must be positive"),
        ("LabelSpecificAdd", "", "needs one label for each"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((2, 3)), np.zeros(3)])


def test_weights_have_unit_rows_or_are_transposed_not_both():
    with pytest.raises(caffe.CaffeError, match="either normalize or transpose"):
        run_layer(
            "InnerProduct",
            "inner_product_param { num_output: 1 normalize: true transpose: true }",
            [np.zeros((1, 1))],
        )
