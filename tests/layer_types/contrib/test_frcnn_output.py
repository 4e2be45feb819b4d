"""FrcnnOutput of Cascade R-CNN, and DetectionEvaluate of what it finds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law
from support.net_text import input_layer, net_of, run_layer

import caffe

STD = (0.1, 0.1, 0.2, 0.2)
SIZE = np.array([[60.0, 80.0]])


def behind(a, b, kind="IOU"):
    """The overlap of corners whose last pixels are inside."""
    w, h = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1 for i in range(2))
    if w <= 0 or h <= 0:
        return 0.0
    areas = [
        (c[2] - c[0] + 1) * (c[3] - c[1] + 1) if c[2] >= c[0] and c[3] >= c[1] else 0
        for c in (a, b)
    ]
    return w * h / (min(areas) if kind == "IOMU" else sum(areas) - w * h)


def found(scores, shifts, regions, param, aware):
    rows = []
    for label in range(1, scores.shape[1]):
        place = label if aware else 1
        boxes = []
        for k, (_, x1, y1, x2, y2) in enumerate(regions):
            dx, dy, dw, dh = (v * s for v, s in zip(shifts[k, 4 * place :][:4], STD, strict=True))
            w, h = (x2 - x1 + 1) * math.exp(dw), (y2 - y1 + 1) * math.exp(dh)
            cx, cy = (x1 + x2) / 2 + dx * (x2 - x1 + 1), (y1 + y2) / 2 + dy * (y2 - y1 + 1)
            left, above = cx - (w - 1) / 2, cy - (h - 1) / 2
            right, below = min(left + w - 1, 80), min(above + h - 1, 60)
            boxes.append((max(left, 0), max(above, 0), right, below))
        kept = []
        for k in sorted(range(len(boxes)), key=lambda k: -scores[k, label]):
            if scores[k, label] >= param["conf_thr"] and all(
                behind(boxes[k], boxes[other], param["nms_type"]) <= param["iou_thr"]
                for other in kept
            ):
                kept.append(k)
        rows += [(0, *boxes[k], label, scores[k, label]) for k in kept]
    if param["max_det_num"]:
        best = sorted(rows, key=lambda row: -row[6])[: param["max_det_num"]]
        rows = [row for row in rows if row in best]
    return [(0, -1, -1, -1, -1, -1, -1), *rows]


@law("FrcnnOutput")
@drawn(25)
@given(SEED, st.booleans(), st.sampled_from(["IOU", "IOMU"]), st.sampled_from([0, 4]))
def test_detections_are_cascade_r_cnns(seed, aware, kind, most):
    rng, classes = np.random.RandomState(seed), 3
    start = rng.uniform(0, 50, (12, 2))
    regions = np.c_[np.zeros(12), start, start + rng.uniform(5, 40, (12, 2))]
    scores = rng.dirichlet(np.ones(classes), 12)
    shifts = rng.randn(12, 4 * classes if aware else 8)
    param = {"conf_thr": 0.2, "iou_thr": 0.3, "nms_type": kind, "max_det_num": most}
    text = " ".join(f'{k}: "{v}"' if k == "nms_type" else f"{k}: {v}" for k, v in param.items())
    reg = " ".join(["bbox_mean: 0"] * 4 + [f"bbox_std: {v}" for v in STD])
    reg = f"bbox_reg_param {{ cls_aware: {str(aware).lower()} {reg} }}"
    body = f"frcnn_output_param {{ {text} }} {reg}"
    y = run_layer("FrcnnOutput", body, [scores, shifts, regions, SIZE]).y[0]
    agree(y[:, :, 0, 0], found(scores, shifts, regions, param, aware), 1e-4, 1e-3)


def test_what_is_found_is_judged_in_the_images_own_pixels(tmp_path):
    (tmp_path / "sizes").write_text("a 120 160\nb 30 40\n")
    text = input_layer("found", 4, 7) + input_layer("objects", 3, 8) + input_layer("sizes", 1, 2)
    net = net_of(
        text + 'layer { name: "e" type: "DetectionEvaluate" bottom: "found" bottom: "objects" '
        'bottom: "sizes" top: "e" detection_evaluate_param { num_classes: 3 overlap_threshold: 0.5 '
        f'evaluate_difficult_gt: false name_size_file: "{tmp_path / "sizes"}" }} }}'
    )
    net.blobs["found"].data[...] = [
        [0, -1, -1, -1, -1, -1, -1],
        [0, 10, 10, 30, 30, 1, 0.9],
        [0, 11, 10, 30, 30, 1, 0.8],
        [0, 40, 10, 60, 30, 2, 0.7],
    ]
    net.blobs["objects"].data[...] = [
        [0, 10, 10, 30, 29, 1, 0, 0],
        [0, 60, 40, 70, 50, 2, 0, 0],
        [0, 40, 10, 60, 30, 2, 0, 1],
    ]
    net.blobs["sizes"].data[...] = SIZE
    rows = net.forward()["e"]
    assert rows.shape == (5, 5, 1, 1)
    expected = [
        [-1, 1, 1, -1, -1],
        [-1, 2, 1, -1, -1],
        [0, 1, 0.9, 1, 0],
        [0, 1, 0.8, 0, 1],
        [0, 2, 0.7, 0, 0],
    ]
    agree(rows[:, :, 0, 0], expected, 1e-6)
    agree(net.forward()["e"][:, :, 0, 0], expected, 1e-6)  # of the second size
    with pytest.raises(caffe.CaffeError, match="name_size_file is missing"):
        net_of(
            text + 'layer { name: "e" type: "DetectionEvaluate" bottom: "found" bottom: "objects" '
            'bottom: "sizes" top: "e" detection_evaluate_param { num_classes: 3 } }'
        )


@pytest.mark.parametrize(
    ("body", "shapes", "message"),
    [
        ('frcnn_output_param { nms_type: "x" }', [(2, 3), (2, 12), (2, 5), (1, 2)], "IOU or IOMU"),
        ("", [(2, 3), (2, 8), (2, 5), (1, 2)], "needs scores, 12 shifts"),
        ("", [(2, 3), (2, 12), (3, 5), (1, 2)], "for each of as many regions"),
        ("", [(2, 3), (2, 12), (2, 5), (2, 2)], "height and width of one image"),
    ],
)
def test_what_does_not_fit_says_so(body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .FrcnnOutput.: .*{message}"):
        run_layer("FrcnnOutput", body, [np.zeros(shape) for shape in shapes])


def test_another_image_than_the_first_says_so():
    with pytest.raises(caffe.CaffeError, match="takes one image, number 0"):
        run_layer("FrcnnOutput", "", [np.ones((2, 3)), np.ones((2, 12)), np.ones((2, 5)), SIZE])
