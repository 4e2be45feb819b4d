"""HardRegions of online hard example mining."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe


def regions_of(rng, count):
    start = rng.uniform(0, 12, (count, 2))
    ends = start + rng.uniform(8, 16, (count, 2))
    return np.c_[rng.randint(0, 2, count), start, ends].astype(np.float32)


def body(most=5, threshold=0.5):
    return f"proposal_param {{ post_nms_topn: {most} nms_thresh: {threshold} }}"


@law("HardRegions")
@drawn(25)
@given(SEED, st.booleans(), st.sampled_from([4, 30]))
def test_the_regions_are_the_papers(seed, boxes, most):
    rng = np.random.RandomState(seed)
    count, classes = 14, 3
    prob = rng.dirichlet(np.ones(classes), count).astype(np.float32)
    shifts, regions = 2 * normal(seed, count, 4 * classes), regions_of(rng, count)
    label = rng.randint(0, classes, count)
    inside = np.zeros((count, 4 * classes), np.float32)
    for i in np.flatnonzero(label):
        inside[i, 4 * label[i] : 4 * label[i] + 4] = rng.uniform(0.5, 2, 4)
    rest = [normal(seed + 1, count, 4 * classes), inside, np.float32(inside > 0)] if boxes else []
    inputs = [prob, shifts, regions, label, *rest]
    found = run_layer("HardRegions", body(most), inputs, tops=2 + len(rest)).y
    losses = []
    for i in range(count):
        loss = -math.log(prob[i, label[i]])
        if boxes and label[i]:
            for d in inside[i].astype(float) * (shifts[i].astype(float) - rest[0][i]):
                loss += d * d / 2 if abs(d) < 1 else abs(d) - 0.5
        losses.append(loss)
    kept = []
    for i in sorted(range(count), key=lambda i: -losses[i]):
        alike = [j for j in kept if label[j] == label[i] and regions[j, 0] == regions[i, 0]]
        if all(jaccard(regions[i, 1:], regions[j, 1:], pixel=1) <= 0.5 for j in alike):
            kept.append(i)
    kept = kept[:most]
    for ours, theirs in zip(found, [regions, label, *rest], strict=True):
        agree(ours, np.asarray(theirs)[kept])


def test_an_impossible_class_has_a_finite_loss_and_equal_ones_keep_their_order():
    regions = np.float32([[0, 20 * i, 0, 20 * i + 9, 9] for i in range(4)])
    prob = np.float32([[1, 0], [0, 1], [1, 0], [0.5, 0.5]])
    found = run_layer("HardRegions", body(), [prob, np.zeros((4, 8)), regions, [1, 1, 1, 0]], 2).y
    assert found[0][:, 1].tolist() == [0, 40, 60, 20]


@pytest.mark.parametrize(
    ("shapes", "tops", "message"),
    [
        ([(3, 2), (3, 8), (3, 5), (3,)], 3, "a top for each from the regions on"),
        ([(3, 2), (3, 4), (3, 5), (3,)], 2, "needs probabilities R x C, shifts R x 4 C"),
        ([(3, 2), (3, 8), (2, 5), (3,)], 2, "needs probabilities"),
        ([(3, 2), (3, 8), (3, 5), (3,), (3, 8)], 3, "perhaps targets"),
    ],
)
def test_what_does_not_fit_says_so(shapes, tops, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .HardRegions.: .*{message}"):
        run_layer("HardRegions", body(), [np.zeros(shape) for shape in shapes], tops)


def test_a_class_has_a_probability():
    inputs = [np.zeros((1, 2)), np.zeros((1, 8)), np.zeros((1, 5)), [2]]
    with pytest.raises(caffe.CaffeError, match="'x3' holds classes that are not within 0 to 1"):
        run_layer("HardRegions", body(), inputs, 2)
