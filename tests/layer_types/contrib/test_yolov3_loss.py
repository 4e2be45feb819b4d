"""Yolov3, the loss of MobileNet-YOLO."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import run_layer

import caffe

ANCHORS = [(10.0, 14.0), (23.0, 27.0), (37.0, 58.0)]
BIASES = " ".join(f"biases: {value}" for anchor in ANCHORS for value in anchor)
MASK, STRIDE = (1, 2), 16
DOWN = "propagate_down: [true, false]"


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def common(a, b, least=0):
    """The area in both, of boxes of centre and sides; sides of less than `least` are that."""
    w, h = (
        max(
            min(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2)
            - max(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2),
            least,
        )
        for k in range(2)
    )
    return w * h


def iou(a, b, least=0, general=False):
    both = common(a, b, least)
    union = a[2] * a[3] + b[2] * b[3] - both
    if not general:
        return both / union
    around = math.prod(
        max(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2)
        - min(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2)
        for k in range(2)
    )
    return both / union - (around - union) / around


def placed(cell, n, i, j, width, height):
    anchor = ANCHORS[MASK[n]]
    return [
        (i + sigmoid(cell[0])) / width,
        (j + sigmoid(cell[1])) / height,
        math.exp(cell[2]) * anchor[0] / (width * STRIDE),
        math.exp(cell[3]) * anchor[1] / (height * STRIDE),
    ]


def slopes_of(x, objects, param):
    """Of an image's x (A, 5 + K, H, W), before use_logic_gradient; and its loss."""
    slopes, apart = np.zeros(x.shape), 0.0
    _, _, height, width = x.shape
    for n, j, i in np.ndindex(len(x), height, width):
        box = placed(x[n, :, j, i], n, i, j, width, height)
        near = max((iou(box, row[1:]) for row in objects), default=0)
        slopes[n, 4, j, i] = 0 if near > param["thresh"] else sigmoid(x[n, 4, j, i])
    for label, *truth in objects:
        i, j = int(truth[0] * width), int(truth[1] * height)
        fits = [
            iou((0, 0, a[0] / (width * STRIDE), a[1] / (height * STRIDE)), (0, 0, *truth[2:]))
            for a in ANCHORS
        ]
        best = fits.index(max(fits))
        if best not in MASK:
            continue
        n = MASK.index(best)
        cell, slope = x[n, :, j, i], slopes[n, :, j, i]
        if param["iou"] == "MSE":
            scale = param["coord"] * (2 - truth[2] * truth[3])
            wanted = [truth[0] * width - i, truth[1] * height - j] + [
                math.log(truth[2 + k] * size * STRIDE / ANCHORS[best][k])
                for k, size in enumerate((width, height))
            ]
            shown = [sigmoid(cell[0]), sigmoid(cell[1]), cell[2], cell[3]]
            slope[:4] = [scale * (a - b) for a, b in zip(shown, wanted, strict=True)]
        else:
            box, step = placed(cell, n, i, j, width, height), 1e-6
            for k in range(4):
                ends = [
                    iou(
                        [v + s * (m == k) for m, v in enumerate(box)],
                        truth,
                        -9,
                        param["iou"] == "GIOU",
                    )
                    for s in (step, -step)
                ]
                slope[k] = -0.75 * (ends[0] - ends[1]) / (2 * step)
                if k > 1:
                    slope[k] *= math.exp(cell[k])
            apart += 1 - iou(box, truth, general=True)
        slope[4] = (sigmoid(cell[4]) - 1) * (param["object"] if param["logic"] else 1)
        label = int(label)
        if slope[5]:
            slope[5 + label] = sigmoid(cell[5 + label]) - 1
            continue
        sure = sigmoid(cell[5 + label])
        focal = -0.5 * (1 - sure) * (2 * sure * math.log(sure) + sure - 1) if param["focal"] else 1
        for k in range(len(cell) - 5):
            slope[5 + k] = param["class"] * (sigmoid(cell[5 + k]) - (k == label)) * focal
    if param["iou"] == "MSE":
        return slopes, np.square(slopes).sum()
    return slopes, np.square(slopes[:, 4:]).sum() + 0.75 * apart


def some_objects(rng, count):
    rows = np.zeros((5, 5), np.float32)
    sides = rng.choice([0.15, 0.5, 0.9], (count, 2)) * rng.uniform(0.9, 1, (count, 2))
    rows[:count] = np.c_[rng.randint(0, 3, count), rng.uniform(0.1, 0.9, (count, 2)), sides]
    return rows


@law("Yolov3")
@drawn(25)
@given(
    SEED,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["MSE", "IOU", "GIOU"]),
    st.sampled_from([0.05, 0.6]),
)
def test_the_loss_is_mobilenet_yolos(seed, logic, focal, kind, thresh):
    rng = np.random.RandomState(seed)
    images = 2
    x = (rng.randn(images, 2 * 8, 3, 4) * 0.5).astype(np.float32)
    objects = np.stack([some_objects(rng, 1 + n * 3) for n in range(images)])
    param = {"thresh": thresh, "coord": 1.5, "object": 3, "class": 2, "iou": kind}
    param |= {"logic": logic, "focal": focal}
    body = (
        f"yolov3_param {{ num: 2 num_class: 3 {BIASES} mask: {MASK[0]} mask: {MASK[1]} "
        f"anchors_scale: {STRIDE} thresh: {thresh} coord_scale: 1.5 object_scale: 3 class_scale: 2 "
        f"use_logic_gradient: {str(logic).lower()} use_focal_loss: {str(focal).lower()} "
        f"iou_loss: {kind} }} {DOWN}"
    )
    found = run_layer("Yolov3", body, [x, objects], diffs=[np.array(2.0)])
    expected, losses = [], []
    for values, rows in zip(x, objects, strict=True):
        values = values.reshape(2, 8, 3, 4).astype(float)
        slopes, loss = slopes_of(values, [r.astype(float).tolist() for r in rows if r[3]], param)
        if logic:
            for n, k, j, i in np.ndindex(*slopes.shape):
                if k not in (2, 3):
                    said = sigmoid(values[n, k, j, i])
                    slopes[n, k, j, i] *= said * (1 - said)
        expected.append(slopes)
        losses.append(loss)
    agree(found.y[0], sum(losses) / images, 1e-4)
    agree(found.dx[0], 2 * np.reshape(expected, x.shape) / images, 1e-3, 1e-5)


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("num: 2 mask: 0 mask: 1", [(1, 14, 2, 2), (1, 5)], r"5 \+ num_class. = 16 channels"),
        ("num: 2 mask: 0 mask: 1", [(1, 16, 2, 2), (1, 6)], "rows of 5 values"),
        ("num: 2 mask: 0", [(1, 16, 2, 2), (1, 5)], "as many values of mask"),
        ("num: 1 mask: 3", [(1, 8, 2, 2), (1, 5)], "mask names anchor 3, which needs 8 biases"),
    ],
)
def test_a_loss_that_does_not_fit_says_so(fields, shapes, message):
    body = f"yolov3_param {{ {fields} num_class: 3 {BIASES} }} {DOWN}"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Yolov3.: .*{message}"):
        run_layer("Yolov3", body, [np.zeros(shape) for shape in shapes])


def test_an_object_that_is_none_is_named():
    body = f"yolov3_param {{ num: 1 mask: 0 num_class: 3 {BIASES} }} {DOWN}"
    with pytest.raises(caffe.CaffeError, match=r"'x1' holds .*expected a class of 0 to 2"):
        run_layer("Yolov3", body, [np.zeros((1, 8, 2, 2)), np.array([[3, 0.5, 0.5, 0.1, 0.1]])])
