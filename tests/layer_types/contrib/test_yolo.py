"""RegionLoss, YoloDetectionOutput and Yolov3DetectionOutput."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

ANCHORS = [(1.0, 1.5), (3.0, 2.0)]
BIASES = " ".join(f"biases: {value}" for anchor in ANCHORS for value in anchor)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def iou(a, b):
    """Of boxes of centre and sides."""
    w, h = (
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2)
        - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2)
        for i in range(2)
    )
    if w < 0 or h < 0:
        return 0
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def placed(x, anchor, i, j, width, height, stride=1):
    """A box from the channels of an anchor at row j, column i."""
    return (
        (i + sigmoid(x[0])) / width,
        (j + sigmoid(x[1])) / height,
        math.exp(x[2]) * anchor[0] / (width * stride),
        math.exp(x[3]) * anchor[1] / (height * stride),
    )


def region_slopes(x, objects, param, warm_up):
    """Darknet's deltas with the sign of a gradient; x (A, 5 + K, H, W)."""
    slopes = np.zeros(x.shape)
    _, _, height, width = x.shape
    there = []
    for row in objects:
        if row[3] == 0:
            break
        there.append(row)

    def place(n, i, j, wanted, scale):
        cell, slope = x[n, :, j, i], slopes[n, :, j, i]
        for k in range(2):
            s = sigmoid(cell[k])
            slope[k] = scale * (s - wanted[k]) * s * (1 - s)
            slope[k + 2] = scale * (cell[k + 2] - wanted[k + 2])

    for n, j, i in np.ndindex(len(x), height, width):
        cell = x[n, :, j, i]
        box = placed(cell, ANCHORS[n], i, j, width, height)
        o = sigmoid(cell[4])
        near = max((iou(box, row[1:]) for row in there), default=0)
        slopes[n, 4, j, i] = 0 if near > param["thresh"] else param["no"] * o * o * (1 - o)
        if warm_up:
            place(n, i, j, (0.5, 0.5, 0, 0), 0.01)
    for row in there:
        i, j = int(row[1] * width), int(row[2] * height)
        shapes = []
        for n, anchor in enumerate(ANCHORS):
            w, h = anchor[0] / width, anchor[1] / height
            if not param["bias_match"]:
                w, h = w * math.exp(x[n, 2, j, i]), h * math.exp(x[n, 3, j, i])
            shapes.append(iou((0, 0, w, h), (0, 0, row[3], row[4])))
        n = shapes.index(max(shapes))
        wanted = (
            row[1] * width - i,
            row[2] * height - j,
            math.log(row[3] * width / ANCHORS[n][0]),
            math.log(row[4] * height / ANCHORS[n][1]),
        )
        scale = param["coord"] * (1 if param["rescore"] else 2 - row[3] * row[4])
        place(n, i, j, wanted, scale)
        cell = x[n, :, j, i]
        o = sigmoid(cell[4])
        box = placed(cell, ANCHORS[n], i, j, width, height)
        target = iou(box, row[1:]) if param["rescore"] else 1
        slopes[n, 4, j, i] = param["object"] * (o - target) * o * (1 - o)
        exps = [math.exp(value) for value in cell[5:]]
        for k, value in enumerate(exps):
            slopes[n, 5 + k, j, i] = param["class"] * (value / sum(exps) - (k == row[0]))
    return slopes


def some_objects(rng, count, room=5):
    rows = np.zeros((room, 5))
    side = rng.uniform(0.2, 0.5, (count, 2))
    rows[:count] = np.c_[rng.randint(0, 3, count), rng.uniform(0.1, 0.9, (count, 2)), side]
    return rows


@law("RegionLoss")
@drawn(20)
@given(SEED, st.booleans(), st.booleans(), st.sampled_from([0.05, 0.6]))
def test_the_region_loss_is_darknets(seed, rescore, bias_match, thresh):
    rng = np.random.RandomState(seed)
    images = 2
    x = (rng.randn(images, 2 * 8, 3, 4) * 0.5).astype(np.float32)
    objects = np.stack([some_objects(rng, n % 3) for n in range(images)]).astype(np.float32)
    param = {"thresh": thresh, "no": 0.7, "object": 3, "class": 2, "coord": 1.5}
    param |= {"rescore": rescore, "bias_match": bias_match}
    body = (
        f"region_loss_param {{ num: 2 num_class: 3 {BIASES} thresh: {thresh} noobject_scale: 0.7 "
        f"object_scale: 3 class_scale: 2 coord_scale: 1.5 rescore: {int(rescore)} "
        f"bias_match: {int(bias_match)} }} propagate_down: [true, false]"
    )
    found = run_layer("RegionLoss", body, [x, objects], diffs=[np.array(2.0)])
    slopes = [
        region_slopes(a.reshape(2, 8, 3, 4).astype(float), b, param, True)
        for a, b in zip(x, objects, strict=True)
    ]
    agree(found.y[0], np.square(slopes).sum() / images, 1e-4)
    agree(found.dx[0], 2 * np.reshape(slopes, x.shape) / images, 1e-4, 1e-6)
    # After 12800 images, boxes without an object are left where they are.
    found.net.layers[-1].passes = 12800 // images
    found.net.forward()
    slopes = [
        region_slopes(a.reshape(2, 8, 3, 4).astype(float), b, param, False)
        for a, b in zip(x, objects, strict=True)
    ]
    agree(found.net.blobs["y0"].data, np.square(slopes).sum() / images, 1e-4)


def test_the_warm_up_counts_passes():
    x = np.zeros((6400, 8, 1, 1), np.float32)
    x[:, 2] = 1
    body = "region_loss_param { num: 1 num_class: 3 biases: 1 biases: 1 noobject_scale: 0 }"
    net = run_layer(
        "RegionLoss", f"{body} propagate_down: [true, false]", [x, np.zeros((6400, 5))]
    ).net
    values = [float(net.blobs["y0"].data)] + [float(net.forward()["y0"]) for _ in range(2)]
    agree(values, [1e-4, 1e-4, 0])


@pytest.mark.parametrize(
    ("fields", "shapes", "message"),
    [
        ("num_class: 4", [(1, 16, 2, 2), (1, 5)], r"5 \+ num_class. = 18 channels"),
        ("num_class: 3", [(1, 16, 2, 2), (1, 6)], "rows of 5 values"),
        ("num_class: 3 num: 3", [(1, 24, 2, 2), (1, 5)], "3 anchors need 6 biases; found 4"),
        ("coords: 5", [(1, 16, 2, 2), (1, 5)], "knows coords: 4; found 5"),
        ("softmax: 0", [(1, 16, 2, 2), (1, 5)], "knows softmax: 1"),
        ('softmax_tree: "a"', [(1, 16, 2, 2), (1, 5)], "YOLO9000"),
    ],
)
def test_a_region_loss_that_does_not_fit_says_so(fields, shapes, message):
    fields = fields if "num:" in fields else f"num: 2 {fields}"
    body = f"region_loss_param {{ {fields} {BIASES} }} propagate_down: [true, false]"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .RegionLoss.: .*{message}"):
        run_layer("RegionLoss", body, [np.zeros(shape) for shape in shapes])


@pytest.mark.parametrize(
    "row",
    [
        [3, 0.5, 0.5, 0.1, 0.1],
        [0, 1, 0.5, 0.1, 0.1],
        [-1, 0.5, 0.5, 0.1, 0.1],
        [0, 0.5, 0.5, 0.1, 0],
    ],
)
def test_an_object_that_is_none_is_named(row):
    body = f"region_loss_param {{ num: 2 num_class: 3 {BIASES} }} propagate_down: [true, false]"
    with pytest.raises(
        caffe.CaffeError, match=r"'x1' holds .*expected a class of 0 to 2, a centre"
    ):
        run_layer("RegionLoss", body, [np.zeros((1, 16, 2, 2)), np.array([row])])


# What is found.


def suppressed(found, threshold):
    """Boxes (confidence, class, box) in order, without those that overlap one before."""
    found = sorted(found, key=lambda each: -each[0])
    kept = []
    for each in found:
        if all(iou(each[2], other[2]) < threshold for other in kept):
            kept.append(each)
    return kept


def rows_of(images):
    rows = [
        [image, label + 1, score, x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        for image, kept in enumerate(images)
        for score, label, (x, y, w, h) in kept
    ]
    return rows or [[image, *[-1] * 6] for image in range(len(images))]


@law("YoloDetectionOutput")
@drawn(15)
@given(SEED, st.sampled_from([0.05, 0.2, 0.99]), st.sampled_from([0.2, 0.7]), st.integers(1, 2))
def test_the_boxes_are_yolov2s(seed, confidence, threshold, maps):
    inputs = [normal(seed + n, 2, 16, 2 + n, 3 + n) for n in range(maps)]
    images = []
    for image in range(2):
        found = []
        for x in inputs:
            _, _, height, width = x.shape
            cells = x[image].reshape(2, 8, height, width).astype(float)
            for j, i, n in np.ndindex(height, width, 2):
                cell = cells[n, :, j, i]
                exps = [math.exp(value) for value in cell[5:]]
                score = sigmoid(cell[4]) * max(exps) / sum(exps)
                if score >= confidence:
                    box = placed(cell, ANCHORS[n], i, j, width, height)
                    found.append((score, exps.index(max(exps)), box))
        images.append(suppressed(found, threshold))
    body = (
        f"yolo_detection_output_param {{ num_classes: 3 num_box: 2 {BIASES} "
        f"confidence_threshold: {confidence} nms_threshold: {threshold} }}"
    )
    found = run_layer("YoloDetectionOutput", body, inputs).y[0]
    agree(found[0, 0], rows_of(images), 1e-4, 1e-5)


@law("Yolov3DetectionOutput")
@drawn(15)
@given(SEED, st.sampled_from([0.1, 0.4, 0.99]), st.sampled_from([0.2, 0.7]))
def test_the_boxes_are_yolov3s(seed, confidence, threshold):
    anchors = [(10.0, 14.0), (23.0, 27.0), (37.0, 58.0)]
    masks, strides = [(1, 2), (0, 1)], (32, 16)
    inputs = [normal(seed, 2, 14, 2, 3), normal(seed + 1, 2, 14, 4, 6)]
    images = []
    for image in range(2):
        found = []
        for x, mask, stride in zip(inputs, masks, strides, strict=True):
            _, _, height, width = x.shape
            cells = x[image].reshape(2, 7, height, width).astype(float)
            for j, i, n in np.ndindex(height, width, 2):
                cell = cells[n, :, j, i]
                for label in range(2):
                    score = sigmoid(cell[4]) * sigmoid(cell[5 + label])
                    if score > confidence:
                        box = placed(cell, anchors[mask[n]], i, j, width, height, stride)
                        found.append((score, label, box))
        images.append(suppressed(found, threshold))
    biases = " ".join(f"biases: {value}" for anchor in anchors for value in anchor)
    body = (
        f"yolov3_detection_output_param {{ num_classes: 2 num_box: 2 {biases} mask: [1, 2, 0, 1] "
        f"anchors_scale: [32, 16] confidence_threshold: {confidence} nms_threshold: {threshold} }}"
    )
    found = run_layer("Yolov3DetectionOutput", body, inputs).y[0]
    agree(found[0, 0], rows_of(images), 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("YoloDetectionOutput", f"num_box: 3 {BIASES}", "num_box 3 needs 6 biases; found 4"),
        ("YoloDetectionOutput", f"num_box: 2 num_classes: 4 {BIASES}", "= 18 channels; found"),
        ("YoloDetectionOutput", f"num_box: 2 coords: 3 {BIASES}", "knows coords: 4; found 3"),
        ("Yolov3DetectionOutput", f"{BIASES}", "mask_group_num 2 needs as many bottoms"),
        (
            "Yolov3DetectionOutput",
            f"mask_group_num: 1 num_box: 2 anchors_scale: 8 mask: [0, 2] {BIASES}",
            "mask names anchor 2, which needs 6 biases; found 4",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    field = "yolo_" if kind.startswith("YoloD") else "yolov3_"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, f"{field}detection_output_param {{ {body} }}", [np.zeros((1, 16, 2, 2))])
