"""RangeLoss."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

BODY = "range_loss_param { choose_k: %d inter_weight: 0.5 intra_weight: 2 margin: %g }"


@law("RangeLoss")
@drawn()
@given(SEED, SMALL, st.integers(1, 3), st.sampled_from([0.1, 20]))
def test_classes_draw_together_and_the_nearest_two_apart(seed, c, k, margin):
    labels = np.random.RandomState(seed).permutation(np.repeat([4, 7, 9], [3, 3, 4]))
    x = normal(seed, len(labels), c + 1, 2)
    found = run_layer("RangeLoss", BODY % (k, margin), [x, labels], diffs=[np.float32(1)])
    wide = x.astype(np.float64).reshape(len(labels), -1)
    total, slopes = 0.0, np.zeros_like(wide)
    for label in np.unique(labels):
        pairs = list(combinations(np.flatnonzero(labels == label), 2))
        squares = np.array([((wide[i] - wide[j]) ** 2).sum() for i, j in pairs])
        largest = np.argsort(-squares)[:k]
        inverse = (1 / squares[largest]).sum()
        total += 2 * k / inverse
        for at in largest:
            i, j = pairs[at]
            slope = 2 * k * 2 * (wide[i] - wide[j]) / (squares[at] * inverse) ** 2
            slopes[i] += slope
            slopes[j] -= slope
    order = list(dict.fromkeys(labels.tolist()))
    centres = {label: wide[labels == label].mean(0) for label in order}
    a, b = min(combinations(order, 2), key=lambda p: ((centres[p[0]] - centres[p[1]]) ** 2).sum())
    apart = centres[a] - centres[b]
    if margin > (apart**2).sum():
        total += 0.5 * (margin - (apart**2).sum())
        slopes[labels == a] -= 0.5 * apart / (2 * (labels == b).sum())
        slopes[labels == b] += 0.5 * apart / (2 * (labels == a).sum())
    agree(found.y[0], total, 1e-4)
    agree(found.dx[0].reshape(wide.shape), slopes, 1e-3, 1e-4)


@pytest.mark.parametrize("same", [0, 1e-10])
def test_a_class_of_items_that_are_alike_is_drawn_together_already(same):
    x = np.float32([0, same, 3, 5, 4]).reshape(5, 1)
    labels = [1, 1, 2, 2, 2]
    found = run_layer("RangeLoss", BODY % (1, 0), [x, np.array(labels)], diffs=[np.float32(1)])
    agree(found.y[0], 2 * 2**2)
    agree(found.dx[0], [[0], [0], [-8], [8], [0]])


def test_items_of_one_value_need_no_axis_for_it():
    x, labels = normal(0, 6), np.array([1, 1, 1, 2, 2, 2])
    flat, deep = (
        run_layer("RangeLoss", BODY % (2, 20), [each, labels], diffs=[np.float32(1)])
        for each in (x, x.reshape(6, 1))
    )
    agree(flat.y[0], deep.y[0])
    agree(flat.dx[0], deep.dx[0].flatten())


@pytest.mark.parametrize(
    ("body", "labels", "message"),
    [
        ("", [0, 0, 1, 1], "needs choose_k and inter_weight and intra_weight and margin"),
        (BODY % (0, 1), [0, 0, 1, 1], "choose_k must be positive"),
        (BODY % (2, 1), [0, 0, 1, 1], "of class 0 a batch has 2 items, which are 1 pairs"),
        (BODY % (1, 1), [2, 2, 2, 2], "items of two classes at least"),
        (BODY % (1, 1), [[2, 2]] * 4, "a label for each item"),
    ],
)
def test_what_does_not_fit_says_so(body, labels, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("RangeLoss", body, [normal(0, 4, 3), np.array(labels)])
