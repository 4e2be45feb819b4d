"""FocalLoss, of labels and of targets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("FocalLoss", "SoftmaxFocalLoss")
@drawn()
@given(SEED, SMALL, st.sampled_from(["gamma", "gama"]), st.sampled_from([0.0, 1.0, 2.0]))
def test_what_is_predicted_well_counts_for_little(seed, n, spelled, gamma):
    x, labels = normal(seed, n, 3, 2), np.random.RandomState(seed).randint(0, 4, (n, 2))
    body = f"focal_loss_param {{ {spelled}: {gamma} alpha: 0.4 }} loss_param {{ ignore_label: 3 }}"
    found = run_layer("SoftmaxFocalLoss", body, [x, labels], tops=2)
    prob = np.exp(x.astype(np.float64))
    prob /= prob.sum(1, keepdims=True)
    own = [prob[i, labels[i, j], j] for i in range(n) for j in range(2) if labels[i, j] != 3]
    losses = [-0.4 * (1 - p) ** gamma * np.log(p) for p in own]
    agree(found.y[0], sum(losses) / max(1, len(own)), 1e-4)
    agree(found.y[1], prob)


@pytest.mark.parametrize(
    ("more", "weights"),
    [
        ("", [0.25] * 3),
        ("alpha_balance: true alpha: 0.5 alpha: 1 alpha: 2", [0.5, 1, 2]),
        ("alpha_balance: false", [1] * 3),
    ],
)
def test_the_classes_are_weighed(more, weights):
    x = normal(0, 3, 3)
    found = run_layer("FocalLoss", f"focal_loss_param {{ {more} }}", [x, [0, 1, 2]])
    prob = np.exp(x.astype(np.float64))
    own = np.diag(prob / prob.sum(1, keepdims=True))
    agree(found.y[0], (-np.array(weights) * (1 - own) ** 2 * np.log(own)).mean(), 1e-4)


@drawn()
@given(SEED, SMALL, SMALL)
def test_targets_of_each_value_go_by_the_sigmoid(seed, n, size):
    x, target = normal(seed, n, size), np.random.RandomState(seed).randint(0, 3, (n, size))
    body = "focal_loss_param { alpha: 0.3 gamma: 1.5 } loss_param { ignore_label: 2 }"
    found = run_layer("FocalLoss", body, [x, target])
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    losses = np.where(target == 1, -0.3 * (1 - p) ** 1.5 * np.log(p), -0.7 * p**1.5 * np.log(1 - p))
    counts = target != 2
    agree(found.y[0], losses[counts].sum() / max(1, counts.sum()), 1e-4)


def test_the_certain_have_no_gradient():
    found = run_layer("FocalLoss", "", [[[60.0, -60.0]], [0]], diffs=[np.float32(1)])
    assert found.y[0] == 0
    np.testing.assert_array_equal(found.dx[0], [[0, 0]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("focal_loss_param { type: LINEAR }", "only ORIGIN is here"),
        ("focal_loss_param { alpha: 1 alpha: 1 }", "one for each of 3 classes; found 2"),
    ],
)
def test_what_does_not_fit_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .FocalLoss.: .*{message}"):
        run_layer("FocalLoss", body, [np.zeros((2, 3)), [0, 1]])


def test_the_axis_of_the_classes_may_be_a_field_of_its_own():
    x, labels = normal(0, 2, 3, 4), np.random.RandomState(0).randint(0, 4, (2, 3))
    own = run_layer("FocalLoss", "focal_loss_param { axis: 2 }", [x, labels]).y[0]
    agree(own, run_layer("FocalLoss", "softmax_param { axis: 2 }", [x, labels]).y[0])
