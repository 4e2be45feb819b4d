"""LabelSpecificRescale, LabelSpecificMargin, CosinAddm; scores whose least one is best."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

PHASES = st.sampled_from([caffe.TRAIN, caffe.TEST])


def cosines(seed, n):
    return np.random.RandomState(seed).uniform(-0.99, 0.99, (n, 3)).astype(np.float32)


def labels_of(seed, n):
    return np.random.RandomState(seed).randint(0, 3, n)


@law("LabelSpecificRescale")
@drawn()
@given(SEED, SMALL, PHASES, st.booleans(), st.booleans())
def test_scores_are_scaled_by_their_labels(seed, n, phase, test, for_ip):
    x, labels, dy = normal(seed, n, 3), labels_of(seed, n), normal(seed + 1, n, 3)
    body = (
        f"positive_weight: 0.8 negative_weight: 1.2 rescale_test: {str(test).lower()} "
        f"for_ip: {str(for_ip).lower()} base: 2 gamma: 1 power: 2 lambda_min: 0.1"
    )
    found = run_layer(
        "LabelSpecificRescale",
        f"label_specific_rescale_param {{ {body} }}",
        [x, labels],
        tops=2,
        phase=phase,
        diffs=[dy, np.zeros(1)],
    )
    mixed = 2 * (1 + 1) ** -2.0
    own = np.arange(3) == labels[:, None]
    x64 = x.astype(np.float64)
    expected = np.where(own, ((0.8 + mixed) * x64 + 0.2 * for_ip) / (1 + mixed), 1.2 * x64)
    changes = test or phase == caffe.TRAIN
    agree(found.y[0], expected if changes else x)
    agree(found.y[1], [mixed])
    agree(found.dx[0], dy * np.where(own, 0.8, 1.2) if changes else dy)


def turned(cosine, angle):
    """cos(theta + angle), and its slope by cos(theta)."""
    theta = np.arccos(cosine)
    return np.cos(theta + angle), np.sin(theta + angle) / np.sin(theta)


@law("LabelSpecificMargin")
@drawn()
@given(SEED, SMALL, PHASES, st.booleans())
def test_the_own_classs_angle_is_larger(seed, n, phase, test):
    x, labels, dy = cosines(seed, n), labels_of(seed, n), normal(seed + 1, n, 3)
    body = f"margin_base: 20 gamma: 3 power: 1 margin_max: 24 margin_on_test: {str(test).lower()}"
    found = run_layer(
        "LabelSpecificMargin",
        f"label_specific_margin_param {{ {body} }}",
        [x, labels],
        tops=2,
        phase=phase,
        diffs=[dy, np.zeros(1)],
    )
    own = np.arange(3) == labels[:, None]
    value, slope = turned(x.astype(np.float64), math.radians(20))
    changes = test or phase == caffe.TRAIN
    agree(found.y[0], np.where(own & changes, value, x), 1e-4, 1e-5)
    agree(found.dx[0], dy * np.where(own & changes, slope, 1), 1e-3, 1e-4)
    margins = [float(found.y[1][0])]
    for _ in range(2):
        found.net.forward()
        margins.append(float(found.net.blobs["y1"].data[0]))
    agree(margins, [20, 23, 24])
    agree(found.net.params["l"][0].data, [24])


@law("CosinAddm")
@drawn()
@given(SEED, SMALL, PHASES)
def test_an_angle_beyond_half_a_turn_is_shifted(seed, n, phase):
    x, labels, dy = cosines(seed, n), labels_of(seed, n), normal(seed + 1, n, 3)
    found = run_layer(
        "CosinAddm", "cosin_add_m_param { m: 0.9 }", [x, labels], phase=phase, diffs=[dy]
    )
    own, x64 = np.arange(3) == labels[:, None], x.astype(np.float64)
    value, slope = turned(x64, 0.9)
    beyond = x64 <= math.cos(math.pi - 0.9)
    value = np.where(beyond, x64 - 0.9 * math.sin(0.9), value)
    slope = np.where(beyond, 1, slope)
    agree(found.y[0], np.where(own, value, x), 1e-4, 1e-5)
    agree(found.dx[0], dy * np.where(own, slope, 1), 1e-3, 1e-4)


def test_an_angle_of_nothing_has_a_slope():
    found = run_layer("CosinAddm", "", [np.ones((1, 2)), [0]], diffs=[np.ones((1, 2))])
    agree(found.y[0], [[math.cos(0.5), 1]])
    agree(found.dx[0], [[1, 1]])


def test_what_is_not_here_says_so():
    body = "label_specific_margin_param { auto_tune: true }"
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .LabelSpecificMargin.: auto_tune"):
        run_layer("LabelSpecificMargin", body, [np.zeros((1, 2)), [0]])


def test_the_least_score_may_be_the_best():
    x, labels = np.float32([[1, 2, 3], [1, 0, 5], [2, 1, 3]]), [0, 0, 1]
    body = "accuracy_param { min_is_better: true }"
    agree(run_layer("Accuracy", body, [x, labels]).y[0], 2 / 3)
    agree(run_layer("Accuracy", "", [-x, labels]).y[0], 2 / 3)


@drawn(15)
@given(SEED, SMALL)
def test_labels_may_weigh_in_a_loss_and_in_a_score(seed, n):
    x, labels = normal(seed, n, 3), labels_of(seed, n)
    weights = np.random.RandomState(seed).randint(0, 2, n)
    found = run_layer("SoftmaxWithLoss", "", [x, labels, weights], diffs=[np.float32(1)])
    p = np.exp(x.astype(np.float64))
    p /= p.sum(1, keepdims=True)
    losses = -np.log(p[np.arange(n), labels]) * weights
    agree(found.y[0], losses.sum() / max(1, weights.sum()), 1e-4, 1e-5)
    own = np.arange(3) == labels[:, None]
    agree(found.dx[0], (p - own) * weights[:, None] / max(1, weights.sum()), 1e-4, 1e-5)
    over_all = run_layer("WeightedSoftmaxWithLoss", "", [x, labels, weights])
    agree(over_all.y[0], losses.sum() / n, 1e-4, 1e-5)
    right = (x.argmax(1) == labels) * weights
    found = run_layer("Accuracy", "", [x, labels, weights], tops=2)
    agree(found.y[0], right.sum() / max(1, weights.sum()))
    each = [right[labels == c].sum() / max(1, weights[labels == c].sum()) for c in range(3)]
    agree(found.y[1], each)


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "Accuracy"])
def test_a_weight_for_each_label_is_needed(kind):
    bottoms = [np.zeros((2, 3)), [0, 0], np.ones(3)]
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: needs a weight for each"):
        run_layer(kind, "", bottoms)


def test_a_softmax_is_a_softmax():
    body = 'softmax_param { normalize_type: "Softmax" }'
    bottoms = [normal(0, 2, 3), [0, 1]]
    agree(
        run_layer("SoftmaxWithLoss", body, bottoms).y[0],
        run_layer("SoftmaxWithLoss", "", bottoms).y[0],
    )
    with pytest.raises(caffe.CaffeError, match="normalize_type is Softmax; found L2"):
        run_layer("SoftmaxWithLoss", 'softmax_param { normalize_type: "L2" }', bottoms)
