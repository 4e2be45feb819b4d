"""DetectionGroupLoss and DetectionGroupAccuracy of Cascade R-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer
from support.rectangles import jaccard

import caffe

FIELDS, STRIDE = [(20, 30), (40, 24)], 8
FIELD = " ".join(f"field_w: {w} field_h: {h}" for w, h in FIELDS) + f" stride: {STRIDE}"
MEAN, STD = (0.05, 0.15, 0, -0.2), (0.5, 0.25, 0.5, 2)
REG = "bbox_reg_param {{ {} }}".format(
    " ".join([f"bbox_mean: {v}" for v in MEAN] + [f"bbox_std: {v}" for v in STD])
)
DOWN = "propagate_down: [true, true, false]"


def labels_of(seed, classes, items=4, size=(3, 4)):
    """Some objects, and background that overlaps objects more or less; items: images x fields."""
    rng = np.random.RandomState(seed)
    labels = np.zeros((items, 6, *size), np.float32)
    labels[:, 0] = rng.choice(
        classes, (items, *size), p=[0.7, *[0.3 / (classes - 1)] * (classes - 1)]
    )
    labels[:, 1:3] = rng.uniform(0, 32, (items, 2, *size))
    labels[:, 3:5] = rng.uniform(1, 50, (items, 2, *size))
    labels[:, 5] = rng.uniform(0, 1, (items, *size))
    return labels


def bottoms(seed, classes, **sizes):
    labels = labels_of(seed, classes, **sizes)
    shape = labels.shape[2:]
    return (
        normal(seed, len(labels), classes, *shape),
        normal(seed + 1, len(labels), 4, *shape),
        labels,
    )


def losses(x, shifts, labels, param):
    """Loss of classes and boxes, and the gradients, of the hardest background (or all of it)."""
    exps = np.exp(x.astype(float))
    prob = exps / exps.sum(1, keepdims=True)
    places = list(np.ndindex(len(x), *x.shape[2:]))
    label = {at: int(labels[(at[0], 0, *at[1:])]) for at in places}
    chosen = []
    for image in range(0, len(x), len(FIELDS)):
        mine = [at for at in places if image <= at[0] < image + len(FIELDS)]
        fore = [at for at in mine if label[at] > 0]
        back = [
            at
            for at in mine
            if label[at] == 0 and labels[(at[0], 5, *at[1:])] < param["bg_threshold"]
        ]
        back.sort(key=lambda at: (prob[(at[0], 0, *at[1:])], [-v for v in at]))
        count = max(len(fore) * param["bg_multiple"], param["min_num_neg"])
        chosen += [*fore, *back[:count]]
    fore = [at for at in chosen if label[at]]
    back = [at for at in chosen if not label[at]]
    share = 1 / (1 + param["bg_multiple"])
    slopes, box_slopes = np.zeros(x.shape), np.zeros(shifts.shape)
    of_classes = of_boxes = 0.0
    limits = []
    for k, most in enumerate([1 / param["field_xyr"]] * 2 + [math.log(param["field_whr"])] * 2):
        pair = slice(0, 2) if k < 2 else slice(2, 4)
        middle, spread = np.mean(MEAN[pair]), math.sqrt(np.prod(STD[pair]))
        limits.append(((-most - middle) / spread, (most - middle) / spread))
    for at in chosen:
        item, i, j = at
        weight = 1.0
        if param["pos_neg_weighted"]:
            part, kind = (share, fore) if label[at] else (1 - share, back)
            weight = part * len(chosen) / len(kind)
        of_classes -= weight * math.log(prob[item, label[at], i, j]) / len(chosen)
        slopes[item, :, i, j] = weight / len(chosen) * prob[item, :, i, j]
        slopes[item, label[at], i, j] -= weight / len(chosen)
        if not label[at]:
            continue
        cx, cy, w, h = labels[item, 1:5, i, j].astype(float)
        width, height = FIELDS[item % len(FIELDS)]
        wanted = (
            (cx - (j + 0.5) * STRIDE) / width,
            (cy - (i + 0.5) * STRIDE) / height,
            math.log(max(w, 2) / width),
            math.log(max(h, 2) / height),
        )
        for k in range(4):
            value = min(max(float(shifts[item, k, i, j]), limits[k][0]), limits[k][1])
            apart = value - (wanted[k] - MEAN[k]) / STD[k]
            near = abs(apart) < 1 or param["bbox_loss_type"] == "Euclidean_L2"
            of_boxes += (apart**2 / 2 if near else abs(apart) - 0.5) / (4 * len(fore))
            slope = apart if near else math.copysign(1, apart)
            box_slopes[item, k, i, j] = param["lambda"] * slope / (4 * len(fore))
    return of_classes, param["lambda"] * of_boxes, slopes, box_slopes


def text_of(param):
    return " ".join(
        f'{k}: "{v}"' if isinstance(v, str) else f"{k}: {str(v).lower()}" for k, v in param.items()
    )


@law("DetectionGroupLoss")
@drawn(25)
@given(
    SEED,
    st.sampled_from(["conf_loss", "conf_prob"]),
    st.sampled_from(["Smooth_L1", "Euclidean_L2"]),
    st.booleans(),
    st.sampled_from([2, 3]),
    st.sampled_from([1, 2, 50]),
)
def test_the_loss_is_cascade_r_cnns(seed, ranking, kind, weighted, classes, multiple):
    inputs = bottoms(seed, classes)
    param = {"lambda": 1.5, "neg_mining_type": "bootstrap", "neg_ranking_type": ranking}
    param |= {"bbox_loss_type": kind, "bg_threshold": 0.6, "bg_multiple": multiple}
    param |= {"pos_neg_weighted": weighted, "field_whr": 1.5, "field_xyr": 2, "min_num_neg": 3}
    body = (
        f"detection_group_loss_param {{ cls_num: {classes} {FIELD} {text_of(param)} }} {REG} {DOWN}"
    )
    found = run_layer("DetectionGroupLoss", body, inputs, diffs=[np.full((1, 1, 1, 2), 3)])
    of_classes, of_boxes, slopes, box_slopes = losses(*inputs, param)
    agree(found.y[0].ravel(), [of_classes + of_boxes, of_boxes], 1e-4)
    agree(found.dx[0], 3 * slopes, 1e-3, 1e-6)
    agree(found.dx[1], 3 * box_slopes, 1e-3, 1e-6)


@pytest.mark.parametrize("mining", ["random", "bootstrap", "mixture"])
def test_so_many_places_are_chosen_of_each_image(mining):
    x, shifts, labels = np.zeros((4, 2, 20, 20)), np.zeros((4, 4, 20, 20)), np.zeros((4, 6, 20, 20))
    labels[1, 0, 0, :9] = 1
    labels[1, 3:5] = 20
    body = (
        f"detection_group_loss_param {{ cls_num: 2 {FIELD} batch_size: 24 bg_multiple: 3 "
        f'neg_mining_type: "{mining}" }} {DOWN}'
    )
    caffe.set_random_seed(3)
    one, two = (
        run_layer("DetectionGroupLoss", body, [x, shifts, labels], diffs=[np.ones((1, 1, 1, 2))])
        for _ in range(2)
    )
    learnt = one.dx[0][:, 1] != 0
    assert [int(learnt[at : at + 2].sum()) for at in (0, 2)] == [24, 24]
    assert int(learnt[1, 0, :9].sum()) == 6  # drawn: of 24 one in four
    assert (one.dx[1] != 0).any(1).sum() == 6
    last = learnt[3].ravel()[-12:].all()  # of equal ones the last
    assert last == (mining != "random")
    assert np.array_equal(learnt[2:], two.dx[0][2:, 1] != 0) == (mining == "bootstrap")


def test_boxes_are_bounded_only_where_both_are_given_and_ignored_labels_do_not_count():
    x, shifts, labels = bottoms(0, 2, items=2, size=(1, 2))
    labels[:, 0], labels[0, 0], labels[:, 3:5] = 0, 1, 20
    shifts[:] = 9
    loose, tight = (
        run_layer(
            "DetectionGroupLoss",
            f"detection_group_loss_param {{ cls_num: 2 {FIELD} {more} }} {DOWN}",
            [x, shifts, labels],
        ).y[0][0, 0, 0, 1]
        for more in ("field_xyr: 1", "field_xyr: 1 field_whr: 2")
    )
    assert loose > tight + 4
    labels[0, 0, 0, 0] = 7
    found = run_layer(
        "DetectionGroupLoss",
        f"detection_group_loss_param {{ cls_num: 2 {FIELD} }} {DOWN} "
        "loss_param { ignore_label: 7 }",
        [x, shifts, labels],
        diffs=[np.ones((1, 1, 1, 2))],
    )
    assert not found.dx[0][0, :, 0, 0].any()
    assert found.dx[0][0, :, 0, 1].all()


@law("DetectionGroupAccuracy")
@drawn(15)
@given(SEED, st.booleans(), st.booleans())
def test_the_accuracy_is_cascade_r_cnns(seed, some, merged):
    classes = 2 if merged else 3
    x, shifts, labels = bottoms(seed, 3)
    x = x[:, :classes].round(0)  # with ties
    labels[:, 0] *= some
    body = (
        f"detection_group_accuracy_param {{ cls_num: {classes} {FIELD} bg_threshold: 0.7 "
        f"field_whr: 1.5 field_xyr: 3 objectness: {str(merged).lower()} }} {REG}"
    )
    found = run_layer("DetectionGroupAccuracy", body, [x, shifts, labels], tops=2).y
    right, of_objects, overlaps = [], [], []
    for item, i, j in np.ndindex(4, 3, 4):
        label, cx, cy, gw, gh, overlap = labels[item, :, i, j].astype(float)
        label = min(label, 1) if merged else label
        if not label and overlap >= np.float32(0.7):
            continue
        right.append(int(np.argmax(x[item, :, i, j])) == label)
        if not label:
            continue
        of_objects.append(right[-1])
        width, height = FIELDS[item % 2]
        values = shifts[item, :, i, j].astype(float)
        dx, dy, dw, dh = (v * s + m for v, s, m in zip(values, STD, MEAN, strict=True))
        most, much = 1 / 3, math.log(1.5)
        w, h = (n * math.exp(min(max(d, -much), much)) for n, d in ((width, dw), (height, dh)))
        left = min(max(dx, -most), most) * width + (j + 0.5) * STRIDE - w / 2
        above = min(max(dy, -most), most) * height + (i + 0.5) * STRIDE - h / 2
        truth = (cx - gw / 2, cy - gh / 2, cx + gw / 2, cy + gh / 2)
        overlaps.append(jaccard((left, above, left + w, above + h), truth))
    means = [np.mean(each) if each else -1 for each in (right, of_objects, overlaps)]
    agree(found[0].ravel(), means[:2], 1e-4)
    agree(found[1].ravel(), means[2:], 1e-4, 1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (f"cls_num: 1 {FIELD}", "cls_num of 2 or more; found 1"),
        ("cls_num: 2 field_w: 3 stride: 1", "found 1 and 0, and stride 1"),
        (f"cls_num: 3 objectness: true {FIELD}", "has cls_num 2; found 3"),
        (f"cls_num: 3 {FIELD}", "scores N 2 x 3 x H x W"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("DetectionGroupLoss", "detection_group_loss_param"),
        ("DetectionGroupAccuracy", "detection_group_accuracy_param"),
    ],
)
def test_what_does_not_fit_says_so(kind, field, fields, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, f"{field} {{ {fields} }}", bottoms(0, 2))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('neg_mining_type: "x"', "random, bootstrap, mixture; found 'x'"),
        ('bbox_loss_type: "L1"', "Smooth_L1, Euclidean_L2; found 'L1'"),
        ("batch_size: 0", "positive, or -1; found 0"),
    ],
)
def test_a_loss_of_no_known_kind_says_so(fields, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(
            "DetectionGroupLoss",
            f"detection_group_loss_param {{ cls_num: 2 {FIELD} {fields} }}",
            bottoms(0, 2),
        )
