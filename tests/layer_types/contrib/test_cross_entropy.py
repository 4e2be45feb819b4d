"""CrossEntropyLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import FLT_MIN, SEED, SMALL, agree, drawn, law
from support.net_text import run_layer

import caffe

LEAST = 1e-20


def reference(p, t):
    """The loss of each probability, and its slope."""
    one, zero = (np.maximum(x, LEAST) for x in (p, 1 - p))
    return -t * np.log(one) - (1 - t) * np.log(zero), (1 - t) / zero - t / one


def probabilities(seed, *shape):
    """Some of them 0 or 1."""
    p = np.random.RandomState(seed).uniform(-0.1, 1.1, shape).clip(0, 1)
    return p.astype(np.float32)


@law("CrossEntropyLoss")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([None, 0, 1]), st.sampled_from(["", "FULL", "NONE"]))
def test_the_targets_of_probabilities(seed, n, c, ignored, mode):
    p = probabilities(seed, n, c + 1, 2)
    t = np.random.RandomState(seed + 1).choice([0, 0.25, 1, -1], p.shape)
    body = f"cross_entropy_loss_param {{ ignore_label: {ignored} }}" if ignored is not None else ""
    body += f" loss_param {{ normalization: {mode} }}" if mode else ""
    found = run_layer("CrossEntropyLoss", body, [p, t], diffs=[np.float32(1)])
    losses, slopes = reference(p.astype(np.float64), t)
    counts = t != -1
    if ignored is not None:
        counts[:, ignored] = False
    divisor = {"": n, "FULL": p.size, "NONE": 1}[mode]
    agree(found.y[0], losses[counts].sum() / divisor, 1e-4)
    agree(found.dx[0], np.where(counts, slopes, 0) / divisor, 1e-4)
    assert not found.dx[1].any()


def test_another_value_may_be_ignored():
    p, t = probabilities(1, 2, 3), np.array([[0, 1, 7], [-1, 7, 1]])
    body = "cross_entropy_loss_param { display: 100 ignore_value: 7 }"
    losses, _ = reference(p.astype(np.float64), t)
    agree(run_layer("CrossEntropyLoss", body, [p, t]).y[0], losses[t != 7].sum() / 2, 1e-4)


@drawn()
@given(SEED, SMALL, SMALL)
def test_a_label_for_each_item_is_one_of_all_classes_or_one_class(seed, n, c):
    p, label = probabilities(seed, n, c + 1), np.random.RandomState(seed).randint(0, c + 1, n)
    body = f"cross_entropy_loss_param {{ class_num: {c + 1} }}"
    found = run_layer("CrossEntropyLoss", body, [p, label], diffs=[np.float32(1)])
    wide, one_hot = p.astype(np.float64), np.eye(c + 1)[label]
    losses, slopes = reference(wide, one_hot)
    agree(found.y[0], losses.sum() / n, 1e-4)
    agree(found.dx[0], slopes / n, 1e-4)
    found = run_layer("CrossEntropyLoss", "", [p, label], diffs=[np.float32(1)])
    floored = np.maximum(wide, FLT_MIN)
    agree(found.y[0], -(one_hot * np.log(floored)).sum() / n, 1e-4)
    agree(found.dx[0], -one_hot / floored / n, 1e-4)


def test_an_item_may_be_one_probability():
    p, t = probabilities(3, 5), np.array([0, 1, 0.25, 1, -1])
    found = run_layer("CrossEntropyLoss", "", [p, t], diffs=[np.float32(1)])
    losses, slopes = reference(p.astype(np.float64), t)
    agree(found.y[0], losses[:4].sum() / 5, 1e-4)
    agree(found.dx[0], np.where(t == -1, 0, slopes) / 5, 1e-4)


@pytest.mark.parametrize(
    ("body", "labels", "message"),
    [
        ("", np.zeros((2, 2)), "a target for each probability, or a label for each item"),
        ("cross_entropy_loss_param { class_num: 4 }", np.zeros(2), "class_num is 4; .* 3 classes"),
        ("", np.array([0, 3]), "holds 3 .* expected 0 to 2"),
    ],
)
def test_what_does_not_fit_says_so(body, labels, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("CrossEntropyLoss", body, [np.full((2, 3), 0.5), labels])
