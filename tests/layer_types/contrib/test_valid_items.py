"""ValidItems and ValidEuclideanLoss, of MTCNN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("ValidItems")
@drawn()
@given(SEED, st.integers(1, 6), st.sampled_from([(2,), (2, 1, 1)]))
def test_valid_items_come_first_and_zeros_behind(seed, n, shape):
    x, dy = normal(seed, n, *shape), normal(seed + 1, n, *shape)
    label = np.random.RandomState(seed).randint(-1, 3, (n, 1))
    found = run_layer("ValidItems", "", [x, label], tops=2, diffs=[dy])
    expected, slope, labels = np.zeros_like(x), np.zeros_like(x), np.zeros((n, 1))
    for place, i in enumerate(i for i in range(n) if label[i] != -1):
        expected[place], labels[place], slope[i] = x[i], label[i], dy[place]
    agree(found.y[0], expected)
    agree(found.y[1], labels)
    agree(found.dx[0], slope)


def test_items_need_a_label_each():
    with pytest.raises(caffe.CaffeError, match=r"a label for each item; found shapes \(3, 2\)"):
        run_layer("ValidItems", "", [normal(0, 3, 2), np.zeros((2, 1))], tops=2)


@law("ValidEuclideanLoss")
@drawn()
@given(SEED, st.integers(1, 4), st.sampled_from([0.5, 3]), st.sampled_from([(4,), (4, 1, 1)]))
def test_a_batch_of_another_task_costs_nothing_and_the_gradient_has_no_weight(
    seed, n, weight, shape
):
    x, target = normal(seed, n, *shape), normal(seed + 1, n, 4)
    target[:-1, 0] = -1
    body = f"loss_weight: {weight}"
    found = run_layer("ValidEuclideanLoss", body, [x, target], diffs=[np.float32(weight)])
    apart = x.astype(np.float64).reshape(n, 4) - target
    agree(found.y[0], (apart**2).sum() / n / 2)
    agree(found.dx[0], (apart / n).reshape(x.shape))
    target[:, 0] = -1
    found = run_layer("ValidEuclideanLoss", body, [x, target], diffs=[np.float32(weight)])
    assert found.y[0] == 0
    assert not found.dx[0].any()


def test_an_item_may_be_one_value():
    x, target = np.float32([1, 2, 3]), np.float32([-1, 4, 5])
    found = run_layer("ValidEuclideanLoss", "", [x, target], diffs=[np.float32(1)])
    agree(found.y[0], (4 + 4 + 4) / 3 / 2)
    agree(found.dx[0], (x - target) / 3)
    found = run_layer("ValidItems", "", [x, target], tops=2).y
    agree(found, [[2, 3, 0], [4, 5, 0]])
