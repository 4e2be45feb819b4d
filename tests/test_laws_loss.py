"""Softmax, the losses and Accuracy: their laws, against float64 references written here."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import FLT_MIN, SEED, SMALL, agree, drawn, law, normal
from net_text import run_layer


def softmax_of(x: np.ndarray, axis: int) -> np.ndarray:
    x = np.float64(x)
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@law("Softmax")
@drawn()
@given(SEED, st.integers(-3, 2))
def test_softmax_sums_to_one_along_its_axis(seed, axis):
    x = 10 * normal(seed, 2, 3, 4)
    agree(run_layer("Softmax", f"softmax_param {{ axis: {axis} }}", [x]).y[0], softmax_of(x, axis))


NORMALISATIONS = {
    "normalization: FULL": lambda outer, inner, valid: outer * inner,
    "normalization: VALID": lambda outer, inner, valid: valid,
    "normalization: BATCH_SIZE": lambda outer, inner, valid: outer,
    "normalization: NONE": lambda outer, inner, valid: 1,
    "": lambda outer, inner, valid: valid,
    "normalize: true": lambda outer, inner, valid: valid,
    "normalize: false": lambda outer, inner, valid: outer,
    "normalize: true normalization: NONE": lambda outer, inner, valid: 1,  # the newer field rules
}


def softmax_loss(x, label, axis, ignore, normaliser):
    """Loss, its gradient by x: float64, Caffe's floor FLT_MIN under the probability."""
    p = np.moveaxis(softmax_of(x, axis), axis, -1).reshape(-1, x.shape[axis])
    label = label.reshape(-1)
    outer = math.prod(x.shape[: axis % x.ndim])
    valid = label != ignore if ignore is not None else np.ones(len(label), bool)
    n = max(1, normaliser(outer, len(label) // outer, int(valid.sum())))
    rows = np.arange(len(label))[valid]
    loss = -np.log(np.maximum(p[rows, label[valid]], FLT_MIN)).sum() / n
    grad = np.where(valid[:, None], p, 0)
    grad[rows, label[valid]] -= 1
    moved = np.moveaxis(x, axis, -1).shape
    return loss, np.moveaxis((grad / n).reshape(moved), -1, axis)


@law("SoftmaxWithLoss")
@drawn(40)
@given(SEED, st.sampled_from(sorted(NORMALISATIONS)), st.sampled_from([None, 0, 255]), SMALL)
def test_softmax_loss_sums_minus_log_p_of_labels_not_ignored_and_normalises(
    seed, normalisation, ignore, height
):
    rng = np.random.RandomState(seed)
    x = normal(seed, 2, 3, height, 2)
    label = rng.randint(0, 3, (2, 1, height, 2))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    body = f"loss_param {{ {normalisation} {text} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(2)])
    loss, grad = softmax_loss(x, label, 1, ignore, NORMALISATIONS[normalisation])
    agree(ran.y[0], loss)
    agree(ran.dx[0], 2 * grad)
    assert not ran.dx[1].any()


@law("SoftmaxWithLoss")
@pytest.mark.parametrize("axis", [-1, 0, 2])
def test_softmax_loss_finds_the_classes_on_any_axis(axis):
    x = normal(3, 4, 3, 5)
    shape = list(x.shape)
    classes = shape.pop(axis)
    label = np.random.RandomState(4).randint(0, classes, shape)
    body = f"softmax_param {{ axis: {axis} }}"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    loss, grad = softmax_loss(x, label, axis, None, lambda outer, inner, valid: valid)
    agree(ran.y[0], loss)
    agree(ran.dx[0], grad)


@law("SoftmaxWithLoss")
def test_softmax_loss_floors_the_probability_at_flt_min_but_not_its_gradient():
    x = np.array([[0, 200], [0, 90]], np.float32)
    ran = run_layer(
        "SoftmaxWithLoss", "loss_param { normalization: NONE }", [x, [0, 0]], diffs=[np.float32(1)]
    )
    agree(ran.y[0], -2 * math.log(FLT_MIN))
    agree(ran.dx[0], [[-1, 1], [-1, 1]])


@law("SoftmaxWithLoss")
def test_softmax_loss_of_ignored_labels_only_is_zero_not_nan():
    x, label = normal(0, 2, 3), np.full(2, 255)
    body = "loss_param { ignore_label: 255 }"
    ran = run_layer("SoftmaxWithLoss", body, [x, label], diffs=[np.float32(1)])
    assert ran.y[0] == 0
    assert not ran.dx[0].any()


@law("SoftmaxWithLoss")
def test_softmax_losss_second_top_is_the_softmax_and_its_diff_counts_for_nothing():
    x, label = normal(0, 2, 3), np.array([0, 2])
    ran = run_layer(
        "SoftmaxWithLoss", "", [x, label], tops=2, diffs=[np.float32(1), normal(1, 2, 3)]
    )
    agree(ran.y[1], softmax_of(x, 1))
    agree(ran.dx[0], softmax_loss(x, label, 1, None, lambda outer, inner, valid: valid)[1])


@law("Accuracy")
@drawn(40)
@given(SEED, st.integers(1, 3), st.sampled_from([None, 1, 255]))
def test_accuracy_counts_a_tie_against_the_label_and_knows_top_k_ignore_and_classes(
    seed, top_k, ignore
):
    """Right when fewer than top_k other classes score as high or higher."""
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 3, (2, 4, 3)).astype(np.float32)
    label = rng.randint(0, 4, (2, 3))
    if ignore is not None:
        label[rng.random_sample(label.shape) < 0.4] = ignore
    text = f"ignore_label: {ignore}" if ignore is not None else ""
    ran = run_layer("Accuracy", f"accuracy_param {{ top_k: {top_k} {text} }}", [x, label], tops=2)
    right, seen = np.zeros(4), np.zeros(4)
    for i, j in itertools.product(range(2), range(3)):
        if label[i, j] == ignore:
            continue
        others = np.delete(x[i, :, j], label[i, j])
        seen[label[i, j]] += 1
        right[label[i, j]] += (others >= x[i, label[i, j], j]).sum() < top_k
    agree(ran.y[0], right.sum() / max(1, seen.sum()))
    agree(ran.y[1], right / np.maximum(1, seen))
