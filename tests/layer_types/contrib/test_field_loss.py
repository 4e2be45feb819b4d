"""DetectionLoss and DetectionAccuracy of MS-CNN."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

WIDTH, HEIGHT, STRIDE = 20, 30, 8
FIELD = f"field_w: {WIDTH} field_h: {HEIGHT} downsample_rate: {STRIDE}"
MEAN, STD = (0.05, 0.15, 0, -0.2), (0.5, 0.25, 0.5, 2)
REG = "bbox_reg_param {{ {} }}".format(
    " ".join([f"bbox_mean: {v}" for v in MEAN] + [f"bbox_std: {v}" for v in STD])
)
DOWN = "propagate_down: [true, false]"


def labels_of(seed, classes, images=2, size=(3, 4)):
    """Some objects, and background that overlaps objects more or less."""
    rng = np.random.RandomState(seed)
    labels = np.zeros((images, 6, *size), np.float32)
    labels[:, 0] = rng.choice(
        classes, (images, *size), p=[0.6, *[0.4 / (classes - 1)] * (classes - 1)]
    )
    labels[:, 1:3] = rng.uniform(0, 32, (images, 2, *size))
    labels[:, 3:5] = rng.uniform(1, 50, (images, 2, *size))
    labels[:, 5] = rng.uniform(0, 1, (images, *size))
    return labels


def kept(x, labels, param, classes):
    """The background that counts, of mode bootstrap and of all."""
    places = set()
    for image in range(len(x)):
        may = [
            at
            for at in np.ndindex(x.shape[2:])
            if labels[(image, 0, *at)] == 0 and labels[(image, 5, *at)] < param["bg_threshold"]
        ]
        if param["sample_mode"] == "all":
            places |= {(image, *at) for at in may}
            continue
        for k in range(1, classes):
            count = max(4, int((labels[image, 0] == k).sum() * param["bg_multiple"]))
            order = sorted(may, key=lambda at: (-x[(image, k, *at)], [-v for v in at]))
            places |= {(image, *at) for at in order[:count]}
    return places


def losses(x, labels, param, classes, mean, std):
    """Loss of the classes, loss of the boxes, and their gradient, by the paper."""
    background = kept(x, labels, param, classes)
    places = list(np.ndindex(len(x), *x.shape[2:]))
    objects = [at for at in places if labels[(at[0], 0, *at[1:])]]
    weights = {at: 1.0 for at in places}
    for at in objects:
        if param["iou_weighted"]:
            weights[at] = float(labels[(at[0], 5, *at[1:])])
    total = sum(weights[at] for at in objects)
    if param["pos_neg_weighted"] and total:
        share, count = 1 / (1 + param["bg_multiple"]), len(objects) + len(background)
        for at in places:
            if at in objects:
                weights[at] *= share * count / total
            elif background:
                weights[at] *= (1 - share) * count / len(background)
    slopes = np.zeros(x.shape)
    of_classes = of_boxes = 0.0
    count = max(len(objects) + len(background), 1)
    limits = []
    for k, most in enumerate([1 / param["field_xyr"]] * 2 + [math.log(param["field_whr"])] * 2):
        pair = slice(0, 2) if k < 2 else slice(2, 4)
        middle, spread = np.mean(mean[pair]), math.sqrt(np.prod(std[pair]))
        limits.append(((-most - middle) / spread, (most - middle) / spread))
    for at in [*objects, *background]:
        image, i, j = at
        cell = x[image, :, i, j].astype(float)
        label = int(labels[image, 0, i, j])
        exps = np.exp(cell[:classes])
        of_classes -= weights[at] * math.log(exps[label] / exps.sum()) / count
        slopes[image, :classes, i, j] = weights[at] / count * exps / exps.sum()
        slopes[image, label, i, j] -= weights[at] / count
        if not label:
            continue
        cx, cy, w, h = labels[image, 1:5, i, j].astype(float)
        wanted = (
            (cx - (j + 0.5) * STRIDE) / WIDTH,
            (cy - (i + 0.5) * STRIDE) / HEIGHT,
            math.log(max(w, 2) / WIDTH),
            math.log(max(h, 2) / HEIGHT),
        )
        for k in range(4):
            value = min(max(cell[classes + k], limits[k][0]), limits[k][1])
            apart = value - (wanted[k] - mean[k]) / std[k]
            near = abs(apart) < 1 or not param["bb_smooth"]
            of_boxes += (apart**2 / 2 if near else abs(apart) - 0.5) / (4 * len(objects))
            slope = apart if near else math.copysign(1, apart)
            slopes[image, classes + k, i, j] = param["lambda"] * slope / (4 * len(objects))
    return of_classes, param["lambda"] * of_boxes, slopes


@law("DetectionLoss")
@drawn(25)
@given(
    SEED,
    st.sampled_from(["bootstrap", "all"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([2, 3]),
)
def test_the_loss_is_mscnns(seed, mode, smooth, weighted, by_overlap, classes):
    x, labels = normal(seed, 2, classes + 4, 3, 4), labels_of(seed, classes)
    param = {"lambda": 1.5, "sample_mode": mode, "bb_smooth": smooth, "bg_threshold": 0.6}
    param |= {"pos_neg_weighted": weighted, "iou_weighted": by_overlap, "bg_multiple": 2}
    param |= {"field_whr": 1.5, "field_xyr": 2}
    text = " ".join(f"{k}: {str(v).lower()}" for k, v in param.items() if k != "sample_mode")
    text = f'detection_loss_param {{ cls_num: {classes} {FIELD} sample_mode: "{mode}" {text} }}'
    found = run_layer(
        "DetectionLoss", f"{text} {REG} {DOWN}", [x, labels], diffs=[np.full((1, 1, 1, 2), 3)]
    )
    of_classes, of_boxes, slopes = losses(x, labels, param, classes, MEAN, STD)
    agree(found.y[0].ravel(), [of_classes + of_boxes, of_boxes], 1e-4)
    agree(found.dx[0], 3 * slopes, 1e-3, 1e-6)


def test_places_are_drawn_at_random_where_it_is_asked_for():
    x, labels = np.zeros((1, 6, 20, 20)), np.zeros((1, 6, 20, 20))
    labels[0, 0, 0, :3], labels[0, 3:5] = 1, 20
    counts = {}
    for mode in ("random", "mixture"):
        body = f'detection_loss_param {{ cls_num: 2 {FIELD} sample_mode: "{mode}" bg_multiple: 8 }}'
        caffe.set_random_seed(3)
        found = run_layer(
            "DetectionLoss", f"{body} {DOWN}", [x, labels], diffs=[np.ones((1, 1, 1, 2))]
        )
        learnt = np.flatnonzero(found.dx[0][0, 0, 1:])  # the background's score, below the objects
        counts[mode] = len(learnt)
        last = np.flatnonzero(found.dx[0][0, 0, -1]).tolist()
        assert (last[-12:] == list(range(8, 20))) == (mode == "mixture")  # half are the hardest
        again = run_layer(
            "DetectionLoss", f"{body} {DOWN}", [x, labels], diffs=[np.ones((1, 1, 1, 2))]
        )
        assert not np.array_equal(found.dx[0], again.dx[0])
    assert 20 <= counts["random"] <= 24
    assert 22 <= counts["mixture"] <= 24


def test_ignored_labels_and_more_classes_than_two_of_objectness():
    x, labels = normal(0, 1, 6, 2, 2), labels_of(0, 2, 1, (2, 2))
    labels[0, 0], labels[0, 5] = [[3, 1], [0, 0]], 0
    one = run_layer(
        "DetectionLoss",
        f'detection_loss_param {{ cls_num: 2 {FIELD} sample_mode: "" objectness: true }} {DOWN}',
        [x, labels],
    ).y[0]
    labels[0, 0, 0, 0] = 1
    body = f'detection_loss_param {{ cls_num: 2 {FIELD} sample_mode: "" }} {DOWN}'
    agree(one, run_layer("DetectionLoss", body, [x, labels]).y[0])
    labels[0, 0, 0, 0] = 9
    found = run_layer(
        "DetectionLoss",
        f"{body} loss_param {{ ignore_label: 9 }}",
        [x, labels],
        diffs=[np.ones((1, 1, 1, 2))],
    )
    assert not found.dx[0][0, :, 0, 0].any()
    assert found.dx[0][0, :, 0, 1].all()


@law("DetectionAccuracy")
@drawn(15)
@given(SEED, st.sampled_from([1, 2]), st.booleans())
def test_the_accuracy_is_mscnns(seed, top_k, some):
    classes = 3
    x, labels = normal(seed, 2, classes + 4, 3, 4), labels_of(seed, classes)
    x[:, :classes] = x[:, :classes].round(0)  # with ties
    labels[:, 0] *= some
    body = (
        f"detection_accuracy_param {{ cls_num: {classes} {FIELD} top_k: {top_k} "
        f"bg_threshold: 0.7 field_whr: 1.5 field_xyr: 3 }} {REG}"
    )
    found = run_layer("DetectionAccuracy", body, [x, labels], tops=2).y
    right, of_objects, overlaps = [], [], []
    for image, i, j in np.ndindex(2, 3, 4):
        cell, (label, cx, cy, gw, gh, overlap) = (
            x[image, :, i, j].astype(float),
            labels[image, :, i, j],
        )
        if not label and overlap >= np.float32(0.7):
            continue
        best = sorted(range(classes), key=lambda k: (-cell[k], -k))[:top_k]
        right.append(int(label) in best)
        if not label:
            continue
        of_objects.append(int(label) in best)
        dx, dy, dw, dh = (v * s + m for v, s, m in zip(cell[classes:], STD, MEAN, strict=True))
        most, much = 1 / 3, math.log(1.5)
        w, h = (n * math.exp(min(max(d, -much), much)) for n, d in ((WIDTH, dw), (HEIGHT, dh)))
        left = min(max(dx, -most), most) * WIDTH + (j + 0.5) * STRIDE - w / 2
        above = min(max(dy, -most), most) * HEIGHT + (i + 0.5) * STRIDE - h / 2
        across = min(left + w, cx + gw / 2) - max(left, cx - gw / 2)
        down = min(above + h, cy + gh / 2) - max(above, cy - gh / 2)
        common = across * down if min(across, down) > 0 else 0
        overlaps.append(common / (w * h + gw * gh - common))
    means = [np.mean(each) if each else -1 for each in (right, of_objects, overlaps)]
    agree(found[0].ravel(), means[:2], 1e-4)
    agree(found[1].ravel(), means[2:], 1e-4)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("cls_num: 1", [(1, 5, 2, 2), (1, 6, 2, 2)], "cls_num of 2 or more"),
        ("cls_num: 3 objectness: true", [(1, 7, 2, 2), (1, 6, 2, 2)], "has cls_num 2; found 3"),
        ("cls_num: 2", [(1, 7, 2, 2), (1, 6, 2, 2)], "needs maps N x 6 x H x W"),
        ("cls_num: 2", [(1, 6, 2, 2), (1, 6, 2, 3)], "labels N x 6 x H x W"),
        ("cls_num: 2 downsample_rate: 0", [(1, 6, 2, 2), (1, 6, 2, 2)], "must be positive"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("DetectionLoss", "detection_loss_param"),
        ("DetectionAccuracy", "detection_accuracy_param"),
    ],
)
def test_what_does_not_fit_says_so(kind, field, fields, shapes, message):
    fields = f"{fields} {FIELD if 'rate' not in fields else 'field_w: 1 field_h: 1'}"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, f"{field} {{ {fields} }} {DOWN}", [np.zeros(s) for s in shapes])
