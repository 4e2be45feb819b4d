"""InstanceLabels, GlobalSumPooling and MulticlassCrossEntropyLoss of OICR, and a net of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe


@law("InstanceLabels")
@drawn()
@given(SEED, st.booleans(), st.sampled_from([0.5, 0.2]))
def test_a_region_has_the_class_of_the_best_one_that_it_overlaps(seed, background, threshold):
    rng = np.random.RandomState(seed)
    count, classes = 12, 4
    start = rng.randint(0, 12, (count, 2))
    regions = np.c_[np.zeros(count), start, start + rng.randint(6, 16, (count, 2))]
    scores = rng.dirichlet(np.ones(classes + background), count).astype(np.float32)
    present = np.float32([[1, 0, 1, 0]]) if seed % 2 else np.float32([[0, 0, 1, 1]])
    body = f"region_target_param {{ fg_thresh: {threshold} }}"
    label, weight = run_layer("InstanceLabels", body, [regions, scores, present], tops=2).y
    best = []
    for c in np.flatnonzero(present[0]):
        column = scores[:, c + background]
        best.append((c + 1, int(column.argmax()), column.max()))
    for i in range(count):
        shared = [jaccard(regions[i, 1:], regions[j, 1:], pixel=1) for _, j, _ in best]
        kind, _, score = best[int(np.argmax(shared))]
        assert label[i] == (kind if max(shared) >= threshold else 0)
        agree(weight[i], score)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(3, 5), (2, 4), (1, 4)], r"R x 5, scores R x C or .* found shapes \(3, 5\)"),
        ([(3, 5), (3, 6), (1, 4)], "needs regions R x 5"),
        ([(3, 5), (3, 4), (2, 2)], "needs regions R x 5"),
        ([(3, 5), (3, 4), (1, 4)], "'x2' says of no class that it is there"),
    ],
)
def test_an_image_has_a_class(shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("InstanceLabels", "", [np.zeros(shape) for shape in shapes], tops=2)


@law("GlobalSumPooling")
@drawn()
@given(SEED, SMALL, st.sampled_from([(3,), (3, 2, 2)]))
def test_items_are_added(seed, n, shape):
    x, dy = normal(seed, n, *shape), normal(seed + 1, 1, *shape)
    found = run_layer("GlobalSumPooling", "", [x], diffs=[dy])
    agree(found.y[0], x.astype(np.float64).sum(0, keepdims=True))
    agree(found.dx[0], np.broadcast_to(dy, x.shape))


def test_there_are_two_axes_at_least():
    with pytest.raises(caffe.CaffeError, match="two axes at least; found shape"):
        run_layer("GlobalSumPooling", "", [np.zeros(3)])


@law("MulticlassCrossEntropyLoss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_the_gradient_is_over_the_classes_too(seed, n, c):
    rng = np.random.RandomState(seed)
    p = rng.uniform(-0.1, 1.1, (n, c)).clip(0, 1).astype(np.float32)
    t = rng.randint(0, 2, (n, c)).astype(np.float32)
    found = run_layer("MulticlassCrossEntropyLoss", "", [p, t], diffs=[np.float32(2)])
    floored = np.maximum(np.where(t == 1, p, 1 - p).astype(np.float64), 1e-7)
    agree(found.y[0], -np.log(floored).sum() / n, 1e-4)
    agree(found.dx[0], 2 * np.where(t == 1, -1, 1) / floored / (n * c), 1e-4)


def test_each_probability_has_a_target():
    with pytest.raises(caffe.CaffeError, match="a target for each probability; found shapes"):
        run_layer("MulticlassCrossEntropyLoss", "", [np.zeros((2, 3)), np.zeros((2, 2))])
