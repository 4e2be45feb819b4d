"""DeepSkeleton's Quantize, Rescale and ClassBalancedSoftmaxWithLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("Quantize")
def test_a_scale_has_the_class_between_whose_bounds_it_lies():
    scales = np.float32([-3, 0, 0.9, 1, 11.9, 12, 35, 36, 79, 80, 199, 200, 255])
    found = run_layer("Quantize", "propagate_down: false", [scales]).y[0]
    assert found.tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 0]


@law("Rescale")
def test_scales_below_the_receptive_field_are_brought_to_minus_1_and_1():
    scales = np.float32([[0, 1e-5, 1, 7, 13.5, 14, 90]])
    body = "rescale_param { rf: 14 } propagate_down: false"
    found = run_layer("Rescale", body, [scales], tops=2)
    agree(found.y[0], [[0, 0, 2 / 14 - 1, 0, 27 / 14 - 1, 0, 0]])
    assert found.y[1].tolist() == [[0, 0, 1, 1, 1, 0, 0]]
    assert np.array_equal(run_layer("Rescale", body, [scales]).y[0], found.y[0])
    with pytest.raises(caffe.CaffeError, match="needs rf above 0 in rescale_param; found 0"):
        run_layer("Rescale", "propagate_down: false", [scales])


@law("ClassBalancedSoftmaxWithLoss")
@drawn()
@given(SEED, st.sampled_from([None, 1, 4]), st.sampled_from(["", "normalize: false"]))
def test_what_is_no_class_weighs_the_share_of_what_is_one(seed, ignored, mode):
    x = normal(seed, 2, 3, 4, 2)
    labels = np.random.RandomState(seed).randint(0, 5, (2, 1, 4, 2))  # 3 and 4 are no classes
    body = f"loss_param {{ {'' if ignored is None else f'ignore_label: {ignored}'} {mode} }}"
    found = run_layer("ClassBalancedSoftmaxWithLoss", body, [x, labels], diffs=[1])
    classes = np.where(labels < 3, labels, 0)[:, 0]
    counts = labels[:, 0] != ignored
    share = ((classes == 0) & counts).sum() / max(counts.sum(), 1)
    weights = np.where(classes == 0, 1 - share, share) * counts
    p = np.exp(x.astype(np.float64))
    p /= p.sum(1, keepdims=True)
    right = classes[:, None] == np.arange(3)[:, None, None]
    total = 2 if mode else max(counts.sum(), 1)
    agree(found.y[0], -(weights * np.log((p * right).sum(1))).sum() / total, 1e-4)
    agree(found.dx[0], weights[:, None] * (p - right) / total, 1e-4)
