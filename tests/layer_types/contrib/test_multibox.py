"""MultiBoxLoss of SSD."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer

import caffe


def some_boxes(rng, count):
    low = rng.uniform(0, 0.6, (count, 2))
    return np.c_[low, low + rng.uniform(0.2, 0.4, (count, 2))]


def jaccard(a, b):
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in range(2))
    if w <= 0 or h <= 0:
        return 0
    return w * h / (sum((c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)) - w * h)


def match(priors, objects, threshold):
    """For each prior its object or None, one pair after the other, by SSD's rule."""
    overlaps = {
        (p, g): o
        for p, prior in enumerate(priors)
        for g, box in enumerate(objects)
        if (o := jaccard(prior, box)) > 1e-6
    }
    found = {}
    while pairs := [
        pair for pair in overlaps if pair[0] not in found and pair[1] not in found.values()
    ]:
        p, g = max(pairs, key=lambda pair: overlaps[pair])  # the first of equal ones
        found[p] = g
    for p in range(len(priors)):
        mine = [g for g in range(len(objects)) if overlaps.get((p, g), 0) >= threshold]
        if p not in found and mine:
            found[p] = max(mine, key=lambda g: overlaps[p, g])
    best = [
        max((overlaps.get((p, g), 0) for g in range(len(objects))), default=0)
        for p in range(len(priors))
    ]
    return found, best


def encoded(box, prior, variance):
    w, h = prior[2] - prior[0], prior[3] - prior[1]
    x = (box[0] + box[2] - prior[0] - prior[2]) / 2 / w
    y = (box[1] + box[3] - prior[1] - prior[3]) / 2 / h
    code = [x, y, math.log((box[2] - box[0]) / w), math.log((box[3] - box[1]) / h)]
    return np.array(code) / variance


def class_loss(scores, label, logistic):
    if logistic:
        target = np.arange(len(scores)) == label
        return np.sum(np.log1p(np.exp(-np.abs(scores))) + np.maximum(scores, 0) - scores * target)
    return np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[label]


def multibox(loc, conf, prior, objects, param):
    """The two sums of the loss, and the number of matches."""
    places = kinds = 0.0
    count = 0
    for image in range(len(loc)):
        mine = [o for o in objects if o[0] == image and (param["difficult"] or not o[7])]
        found, best = match(prior[0], [o[3:7] for o in mine], param["threshold"])
        labels = [int(mine[found[p]][1]) if p in found else 0 for p in range(len(prior[0]))]
        losses = [
            class_loss(conf[image, p], labels[p], param["logistic"]) for p in range(len(labels))
        ]
        free = [p for p in range(len(labels)) if p not in found]
        if param["mined"]:
            free = [p for p in free if best[p] < 0.5]
            free = sorted(free, key=lambda p: -losses[p])[: int(len(found) * param["ratio"])]
        kinds += sum(losses[p] for p in [*found, *free])
        count += len(found)
        for p, g in found.items():
            d = np.abs(loc[image, p] - encoded(mine[g][3:7], prior[0, p], prior[1, p]))
            places += np.where(d < 1, d * d / 2, d - 0.5).sum()
    return places, kinds, count


@law("MultiBoxLoss")
@drawn(20)
@given(
    SEED,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.5, 3]),
    st.sampled_from([0.5, 0.2]),
)
def test_the_loss_is_ssds(seed, mined, logistic, difficult, ratio, threshold):
    rng = np.random.RandomState(seed)
    images, count, classes = 2, 8, 3
    prior = np.stack([some_boxes(rng, count), np.full((count, 4), 0.2)])
    objects = np.c_[
        rng.randint(0, images, 4),
        rng.randint(1, classes, 4),
        np.arange(4),
        some_boxes(rng, 4),
        rng.randint(0, 2, 4),
    ]
    objects[0, 0] = -1 if seed % 2 else objects[0, 0]
    loc, conf = rng.randn(images, count, 4), rng.randn(images, count, classes)
    param = dict(
        mined=mined, logistic=logistic, difficult=difficult, ratio=ratio, threshold=threshold
    )
    body = (
        f"multibox_loss_param {{ num_classes: {classes} code_type: CENTER_SIZE loc_weight: 2 "
        f"mining_type: {'MAX_NEGATIVE' if mined else 'NONE'} neg_pos_ratio: {ratio} "
        f"conf_loss_type: {'LOGISTIC' if logistic else 'SOFTMAX'} overlap_threshold: {threshold} "
        f"use_difficult_gt: {str(difficult).lower()} }} propagate_down: [true, true, false, false]"
    )
    inputs = [loc.reshape(images, -1), conf.reshape(images, -1), prior.reshape(1, 2, -1)]
    found = run_layer("MultiBoxLoss", body, [*inputs, objects.reshape(1, 1, -1, 8)])
    places, kinds, matches = multibox(loc, conf, prior, objects, param)
    agree(found.y[0], (2 * places + kinds) / max(matches, 1), 1e-3, 1e-3)


ONE = dict(prior=[[[0, 0, 0.5, 0.5]], [[0.1] * 4]], objects=[[0, 1, 0, 0, 0, 0.5, 0.5, 0]])


def loss_of(fields, objects=ONE["objects"], more=""):
    inputs = [np.zeros((1, 4)), np.zeros((1, 3)), np.reshape(ONE["prior"], (1, 2, -1))]
    body = f"multibox_loss_param {{ num_classes: 3 {fields} }} {more}"
    return run_layer("MultiBoxLoss", body, [*inputs, np.reshape(objects, (1, 1, -1, 8))])


def test_a_bottom_of_labels_has_no_gradient_and_predictions_have():
    more = "propagate_down: [true, true, false, false]"
    found = loss_of("", more=more)
    agree(found.y[0], math.log(3))
    found = loss_of("do_neg_mining: false loc_loss_type: L2 match_type: BIPARTITE", more=more)
    agree(found.y[0], math.log(3))
    agree(loss_of("map_object_to_agnostic: true", more=more).y[0], math.log(3))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("share_location: false", "knows share_location: true"),
        ("use_prior_for_matching: false", "knows use_prior_for_matching: true"),
        ("mining_type: HARD_EXAMPLE", "HARD_EXAMPLE"),
        ("bp_inside: true", "knows bp_inside: false"),
        ("ignore_cross_boundary_bbox: true", "knows ignore_cross_boundary_bbox: false"),
        ("num_classes: 4", "1 priors need 4 locations, 4 confidences"),
    ],
)
def test_what_it_does_not_do_says_so(fields, message):
    fields = fields if "num_classes" in fields else f"num_classes: 3 {fields}"
    inputs = [np.zeros((1, 4)), np.zeros((1, 3)), np.zeros((1, 2, 4)), np.zeros((1, 1, 1, 8))]
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .MultiBoxLoss.: .*{message}"):
        run_layer("MultiBoxLoss", f"multibox_loss_param {{ {fields} }}", inputs)


@pytest.mark.parametrize("label", [0, 3])
def test_an_object_of_no_class_is_named(label):
    with pytest.raises(caffe.CaffeError, match=r"'x3' holds class \[.\]; expected 0 to 2"):
        loss_of(
            "", [[0, label, 0, 0, 0, 0.5, 0.5, 0]], "propagate_down: [true, true, false, false]"
        )
