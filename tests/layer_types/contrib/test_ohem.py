"""R-FCN's losses of each region, and the hardest of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

MODES = st.sampled_from(["FULL", "VALID", "BATCH_SIZE", "NONE", "PRE_FIXED"])


def divisor(mode, n, valid):
    return {"FULL": 6 * n, "VALID": valid, "BATCH_SIZE": n, "NONE": 1, "PRE_FIXED": 128}[mode]


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "SmoothL1Loss"])
def test_plain_losses_tell_each_regions_own_as_well(kind):
    """Cascade R-CNN's do."""
    x = normal(0, 2, 3, 2, 1)
    other = normal(1, 2, 3, 2, 1) if kind == "SmoothL1Loss" else np.array([[0, 1], [2, 1]])
    other = other if other.ndim == 4 else other[:, None, :, None]
    tops = 2 if kind == "SmoothL1Loss" else 3
    found, theirs = (run_layer(name, "", [x, other], tops=tops).y for name in (kind, f"{kind}OHEM"))
    agree(found[-1], theirs[-1])
    assert found[-1].shape == (2, 1, 2, 1)


def test_a_strict_softmax_loss_has_two_tops_at_most():
    caffe.set_strict(True)
    with pytest.raises(caffe.CaffeError, match="takes 1 to 2 top blob"):
        run_layer("SoftmaxWithLoss", "", [np.zeros((1, 2)), np.zeros(1)], tops=3)


@law("SmoothL1LossOHEM")
@drawn()
@given(SEED, st.integers(1, 3), MODES)
def test_the_box_loss_tells_each_regions_own(seed, n, mode):
    x, t, w = (normal(seed + i, n, 4, 2, 3) * 2 for i in range(3))
    body = f"loss_param {{ normalization: {mode} pre_fixed_normalizer: 128 }}"
    found = run_layer("SmoothL1LossOHEM", body, [x, t, w], tops=2)
    d = np.abs((x.astype(np.float64) - t) * w)
    losses = np.where(d < 1, d * d / 2, d - 0.5)
    agree(found.y[1], losses.sum(1, keepdims=True), 1e-4, 1e-4)
    agree(found.y[0], losses.sum() / divisor(mode, n, 6 * n), 1e-4, 1e-4)


@law("SoftmaxWithLossOHEM")
@drawn()
@given(SEED, st.integers(1, 3), MODES)
def test_the_class_loss_tells_each_labels_own(seed, n, mode):
    x, label = normal(seed, n, 3, 2, 3), np.random.RandomState(seed).randint(-1, 3, (n, 1, 2, 3))
    body = f"loss_param {{ normalization: {mode} pre_fixed_normalizer: 128 ignore_label: -1 }}"
    found = run_layer("SoftmaxWithLossOHEM", body, [x, label], tops=3)
    p = np.exp(x.astype(np.float64))
    p /= p.sum(1, keepdims=True)
    own = np.take_along_axis(p, np.maximum(label, 0), 1)
    losses = np.where(label < 0, 0, -np.log(own))
    agree(found.y[1], p)
    agree(found.y[2], losses, 1e-4)
    agree(found.y[0], losses.sum() / max(divisor(mode, n, (label >= 0).sum()), 1), 1e-4)


@law("BoxAnnotatorOHEM")
@drawn()
@given(SEED, st.integers(1, 4))
def test_the_hardest_regions_of_each_image_count(seed, most):
    rng = np.random.RandomState(seed)
    count = 9
    regions = np.c_[rng.randint(0, 3, count), rng.rand(count, 4)].reshape(count, 5, 1, 1)
    losses = rng.randint(0, 4, (count, 1, 1, 1))  # with ties
    labels, weights = rng.randint(0, 5, (count, 1, 1, 1)), normal(seed, count, 8, 1, 1)
    body = f"box_annotator_ohem_param {{ roi_per_img: {most} ignore_label: -1 }}"
    found = run_layer("BoxAnnotatorOHEM", body, [regions, losses, labels, weights], tops=2)
    kept = set()
    for image in range(3):
        mine = [r for r in range(count) if regions[r, 0] == image]
        kept |= set(sorted(mine, key=lambda r: -losses[r].item())[:most])
    for r in range(count):
        assert found.y[0][r].item() == (labels[r].item() if r in kept else -1)
        agree(found.y[1][r], weights[r] if r in kept else 0 * weights[r])


def test_what_does_not_fit_says_so():
    shapes = [(2, 4), (2, 1), (2, 1), (2, 8)]
    body = "box_annotator_ohem_param { roi_per_img: 1 }"
    with pytest.raises(caffe.CaffeError, match="needs regions R x 5"):
        run_layer("BoxAnnotatorOHEM", body, [np.zeros(shape) for shape in shapes], tops=2)
    with pytest.raises(caffe.CaffeError, match="roi_per_img must be positive"):
        run_layer("BoxAnnotatorOHEM", body.replace("1", "0"), [np.zeros((2, 5))] * 4, tops=2)


def test_a_softmax_loss_is_divided_by_a_number_that_is_given():
    x, label = np.zeros((2, 3)), np.zeros(2)
    body = "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 10 }"
    agree(run_layer("SoftmaxWithLoss", body, [x, label]).y[0], 2 * np.log(3) / 10)
