"""DetectNet's boxes: clusters of ground truth and detections, their scores, and mAP."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.layer_types.contrib.detectnet_boxes import grouped

GRID = "detectnet_cluster_param {{ image_size_x: 64 image_size_y: 48 stride: 16 {} }}"


def fields(seed, classes=2):
    """Coverages and boxes of 3 x 4 fields, of two images; many boxes are alike."""
    rng = np.random.RandomState(seed)
    covered = rng.choice([0, 0.3, 0.8], (2, classes, 3, 4)).astype(np.float32)
    corners = np.stack(np.meshgrid(np.arange(4) * 16, np.arange(3) * 16))
    objects = np.array([[5, 4, 30, 40], [9, 1, 60, 30]], np.float32)[rng.randint(0, 2, (2, 3, 4))]
    noise = rng.randint(-1, 2, objects.shape) if seed % 2 else 0
    boxes = (objects + noise).transpose(0, 3, 1, 2) - np.concatenate([corners, corners])
    return covered, boxes.astype(np.float32)


@law("ClusterGroundtruth")
@drawn(15)
@given(SEED)
def test_labels_become_their_different_boxes(seed):
    covered, boxes = fields(seed)
    body = GRID.format("num_classes: 2 max_boxes: 9")
    found = run_layer("ClusterGroundtruth", body, [covered, boxes], tops=2).y
    for (item, kind), cover in np.ndenumerate(np.zeros((2, 2))):
        cover = covered[item, kind]
        expected = []
        for y, x in np.ndindex(3, 4):
            box = [float(boxes[item, k, y, x]) + 16 * (x, y)[k % 2] for k in range(4)]
            if cover[y, x] > 0 and box not in expected:
                expected.append(box)
        rows = [[*box, 0] for box in expected][:9]
        agree(found[kind][item], rows + [[0] * 5] * (9 - len(rows)))


def naive_groups(rects, least, eps):
    """OpenCV's rule, rectangle by rectangle."""

    def alike(a, b):
        most = eps * (min(a[2], b[2]) + min(a[3], b[3])) * 0.5
        ends = [(a[i], b[i]) for i in (0, 1)] + [(a[i] + a[i + 2], b[i] + b[i + 2]) for i in (0, 1)]
        return all(abs(p - q) <= most for p, q in ends)

    label = list(range(len(rects)))
    for i, j in np.ndindex(len(rects), len(rects)):
        if alike(rects[i], rects[j]):
            old, new = max(label[i], label[j]), min(label[i], label[j])
            label = [new if each == old else each for each in label]
    groups = [
        [r for r, k in zip(rects, label, strict=True) if k == one] for one in sorted(set(label))
    ]
    means = [[int(np.rint(v)) for v in np.mean(group, 0)] for group in groups]
    kept = []
    for i, (r, group) in enumerate(zip(means, groups, strict=True)):
        n = len(group)
        swallowed = False
        for j, (other, others) in enumerate(zip(means, groups, strict=True)):
            m = len(others)
            dx, dy = (int(np.rint(v * eps)) for v in other[2:])
            inside = (
                r[0] >= other[0] - dx
                and r[1] >= other[1] - dy
                and r[0] + r[2] <= other[0] + other[2] + dx
                and r[1] + r[3] <= other[1] + other[3] + dy
            )
            swallowed |= i != j and m > least and inside and (m > max(3, n) or n < 3)
        if n > least and not swallowed:
            kept.append((r, n))
    return kept


@drawn(40)
@given(SEED, st.integers(1, 3), st.sampled_from([0.05, 0.3]))
def test_rectangles_are_grouped_as_opencv_groups_them(seed, least, eps):
    rng = np.random.RandomState(seed)
    middles = rng.randint(0, 40, (4, 4)) + np.array([0, 0, 20, 20])
    rects = middles[rng.randint(0, 4, 16)] + rng.randint(-2, 3, (16, 4))
    assert grouped(rects, least, eps) == naive_groups(rects.tolist(), least, eps)
    assert grouped(rects, 0, eps) == [(rect, 1) for rect in rects.tolist()]


@law("ClusterDetections")
@drawn(15)
@given(SEED)
def test_fields_that_are_covered_vote_for_boxes(seed):
    covered, boxes = fields(seed, 1)
    body = GRID.format(
        "gridbox_cvg_threshold: 0.3 gridbox_rect_thresh: 2 gridbox_rect_eps: 0.2 min_height: 33 "
        "max_boxes: 5"
    )
    (found,) = run_layer("ClusterDetections", body, [covered, boxes]).y
    for item, cover in enumerate(covered[:, 0]):
        rects = [
            [round(float(boxes[item, k, y, x])) + 16 * (x, y)[k % 2] for k in range(4)]
            for y, x in np.ndindex(3, 4)
            if cover[y, x] >= np.float32(0.3)
        ]
        rows = [
            [*rect, math.log(count)]
            for rect, count in naive_groups(rects, 2, 0.2)
            if rect[3] - rect[1] >= 33
        ]
        agree(found[item], rows + [[0] * 5] * (5 - len(rows)), 1e-3)  # in half precision


@law("ScoreDetections", "PrecisionTimesRecall")
@drawn(15)
@given(SEED)
def test_boxes_are_found_wrong_or_missed(seed):
    rng = np.random.RandomState(seed)
    objects = np.zeros((2, 6, 5))
    objects[:, :4, :2] = rng.randint(1, 20, (2, 4, 2))
    objects[:, :4, 2:4] = objects[:, :4, :2] + rng.randint(5, 20, (2, 4, 2))
    boxes = np.zeros((2, 7, 5))
    boxes[:, :5, :4] = objects[:, rng.randint(0, 4, 5), :4] + rng.randint(-1, 2, (2, 5, 4))
    boxes[:, :5, 4] = 1
    found = run_layer(
        "ScoreDetections", "score_detections_param { iou_threshold: 0.6 }", [objects, boxes]
    )
    counts = np.zeros(3)
    for item in range(2):
        free, seen = list(range(5)), []
        for i, a in enumerate(objects[item, :4]):
            for j in list(free):
                b = boxes[item, j]
                w, h = (max(0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
                areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
                if w * h and w * h / (sum(areas) - w * h) >= 0.6 and i not in seen:
                    free.remove(j)
                    seen.append(i)
        rows = [[*boxes[item, j, :4], 1] for j in range(5) if j not in free]
        rows += [[*boxes[item, j, :4], 2] for j in free]
        rows += [[*objects[item, i, :4], 3] for i in range(4) if i not in seen]
        counts += [5 - len(free), len(free), 4 - len(seen)]
        agree(found.y[0][item], rows + [[0] * 5] * (50 - len(rows)))
    precision, recall = 100 * counts[0] / 10, 100 * counts[0] / 8
    score = run_layer("PrecisionTimesRecall", "", found.y, tops=3).y
    agree(np.concatenate(score), [precision * recall / 100, precision, recall])
    none = run_layer("PrecisionTimesRecall", "", [np.zeros((1, 50, 5))], tops=3).y
    assert not np.concatenate(none).any()


def python(name, module, layer, bottoms, tops, param_str=""):
    blobs = "".join(f' bottom: "{each}"' for each in bottoms.split())
    blobs += "".join(f' top: "{each}"' for each in tops.split())
    return (
        f'layer {{ type: "Python" name: "{name}" {blobs} python_param {{ '
        f'module: "caffe.layers.detectnet.{module}" layer: "{layer}" param_str: "{param_str}" }} }}'
    )


def test_they_stand_in_for_nvidias_python_layers():
    net = net_of(
        input_layer("coverage", 2, 1, 3, 4)
        + input_layer("bboxes", 2, 4, 3, 4)
        + python(
            "a", "clustering", "ClusterGroundtruth", "coverage bboxes", "truth", "64, 48, 16, 1"
        )
        + python(
            *("b", "clustering", "ClusterDetections", "coverage bboxes", "found"),
            "64, 48, 16, 0.6, 3, 0.02, 22",
        )
        + python("c", "mean_ap", "ScoreDetections", "truth found", "scored")
        + python("d", "mean_ap", "mAP", "scored", "mAP precision recall")
    )
    covered, boxes = fields(0, 1)
    net.blobs["coverage"].data[...], net.blobs["bboxes"].data[...] = covered, boxes
    assert set(net.forward()) == {"mAP", "precision", "recall"}
    assert net.blobs["found"].shape == (2, 50, 5)
    param = net.layer_dict["b"].spec.detectnet_cluster_param
    assert (param.gridbox_rect_thresh, param.min_height, param.num_classes) == (3, 22, 1)


def test_a_box_that_is_no_number_is_none():
    covered, boxes = fields(0, 1)
    body = GRID.format("gridbox_cvg_threshold: 0.5 gridbox_rect_thresh: 1 gridbox_rect_eps: 0.1")
    (without,) = run_layer("ClusterDetections", body, [np.zeros_like(covered), boxes]).y
    (found,) = run_layer("ClusterDetections", body, [covered, np.full_like(boxes, np.nan)]).y
    np.testing.assert_array_equal(found, without)


def test_what_does_not_fit_is_named():
    shapes = [np.zeros((1, 2, 3, 4)), np.zeros((1, 4, 3, 4))]
    with pytest.raises(caffe.CaffeError, match=r"needs a top for each of num_classes 1, .*1 tops"):
        run_layer("ClusterGroundtruth", GRID.format(""), shapes)
    with pytest.raises(caffe.CaffeError, match="needs a positive stride"):
        run_layer("ClusterGroundtruth", "", shapes)
    with pytest.raises(
        caffe.CaffeError, match="expected image_size_x, image_size_y, stride, and per"
    ):
        net_of(
            input_layer("c", 1, 1, 3, 4)
            + input_layer("b", 1, 4, 3, 4)
            + python("a", "clustering", "ClusterGroundtruth", "c b", "t", "64, 48")
        )
