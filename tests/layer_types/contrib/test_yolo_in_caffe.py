"""YOLO in Caffe: BoxData, its DetectionOutput of one bottom, DetectionEvaluate, EvalDetection."""

import numpy as np
import pytest
from hypothesis import given
from support.feed_data import pictures
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import net_of, run_layer

import caffe
from caffe.feeding.datum import array_to_datum
from caffe.formats.database import create_database

ANCHORS = "biases: 1 biases: 2 biases: 2.5 biases: 1.5"
OBJECTS = [[(2, 0, 0.5, 0.25, 0.5, 0.5), (1, 1, 0.75, 0.75, 0.25, 0.5)], []]


def box_net(folder, transform="", data="side: 13", tops=2, phase=caffe.TEST, objects=OBJECTS):
    images = pictures(2, 3, 6, 4)
    with create_database(folder / "db", "lmdb") as database:
        for i, (image, mine) in enumerate(zip(images, objects, strict=True)):
            datum = array_to_datum(image, 0)
            datum.float_data.extend(np.ravel(mine).tolist())
            database.put(b"%08d" % i, datum.SerializeToString())
    names = "".join(f' top: "t{i}"' for i in range(tops))
    net = net_of(
        f'layer {{ name: "d" type: "BoxData" {names} data_param {{ source: "{folder / "db"}" '
        f"batch_size: 2 backend: LMDB {data} }} transform_param {{ {transform} }} }}",
        phase,
    )
    net.forward()
    return images, net


@law("BoxData")
def test_images_come_with_rows_of_their_objects(tmp_path):
    images, net = box_net(tmp_path, "mean_value: 100")
    np.testing.assert_array_equal(net.blobs["t0"].data, images - np.float32(100))
    label = net.blobs["t1"].data
    assert label.shape == (2, 150)
    agree(label[0, :10], [2, 0.5, 0.25, 0.5, 0.5, 1, 0.75, 0.75, 0.25, 0.5])
    assert not label[0, 10:].any()
    assert not label[1].any()


def test_there_may_be_a_label_for_each_side_or_none(tmp_path):
    (tmp_path / "a").mkdir()
    _, net = box_net(tmp_path / "a", data="side: 13 side: 26", tops=3)
    np.testing.assert_array_equal(net.blobs["t1"].data, net.blobs["t2"].data)
    (tmp_path / "b").mkdir()
    _, net = box_net(tmp_path / "b", tops=1)
    assert list(net.blobs) == ["t0"]


def test_boxes_are_mirrored_with_their_images(tmp_path):
    objects = [OBJECTS[0], OBJECTS[0]]
    seen = set()
    for seed in range(6):
        caffe.set_random_seed(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        images, net = box_net(folder, "mirror: true", phase=caffe.TRAIN, objects=objects)
        for image, data, label in zip(
            images, net.blobs["t0"].data, net.blobs["t1"].data, strict=True
        ):
            mirrored = np.array_equal(data, image[..., ::-1].astype(np.float32))
            agree(label[[1, 6]], [0.5, 0.25 if mirrored else 0.75])
            seen.add(mirrored)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("transform", "tops", "objects", "message"),
    [
        ("crop_size: 2", 2, OBJECTS, "drop crop_size"),
        ("", 3, OBJECTS, "1 for labels"),
        ("", 2, [[(1, 2)], []], "objects of 6 values; found 2"),
    ],
)
def test_records_that_do_not_fit_say_so(tmp_path, transform, tops, objects, message):
    with pytest.raises(caffe.CaffeError, match=message):
        box_net(tmp_path, transform, tops=tops, objects=objects)


def test_a_detection_output_of_one_bottom_is_yolos():
    x = 2 * normal(0, 1, 2 * 8, 3, 3)
    found, other = (
        run_layer(kind, f"{field} {{ num_classes: 3 num_box: 2 {ANCHORS} {more} }}", [x]).y[0]
        for kind, field, more in (
            ("DetectionOutput", "detection_output_param", "confidence_threshold: 0.1 coords: 4"),
            ("YoloDetectionOutput", "yolo_detection_output_param", "confidence_threshold: 0.1"),
        )
    )
    found, other = found[0, 0], other[0, 0]
    assert len(found) > 2
    agree(found[:, :3], other[:, :3] - [0, 1, 0])
    agree(found[:, 3:5], (other[:, 3:5] + other[:, 5:]) / 2)
    agree(found[:, 5:], other[:, 5:] - other[:, 3:5], 1e-4)


def test_where_yolo_finds_nothing_there_is_a_row():
    body = f"detection_output_param {{ num_classes: 1 num_box: 2 {ANCHORS} }}"
    found = run_layer("DetectionOutput", body, [np.full((1, 12, 2, 2), -50.0)]).y[0]
    agree(found, [[[[0, *[-1] * 6]]]])


def test_centres_and_sides_are_evaluated():
    found = np.float32(
        [
            [0, 2, 0.9, 0.5, 0.25, 0.5, 0.5],
            [0, 2, 0.8, 0.5, 0.3, 0.5, 0.5],
            [0, 0, 0.7, 0.1, 0.1, 0.1, 0.1],
        ]
    )
    label = np.zeros((1, 150))
    label[0, :10] = np.delete(np.ravel(OBJECTS[0]), [1, 7])
    body = "detection_evaluate_param { num_classes: 3 overlap_threshold: 0.5 }"
    rows = run_layer("DetectionEvaluate", body, [found[None, None], label]).y[0][0, 0]
    agree(
        rows,
        [
            *([-1, 0, 0, -1, -1], [-1, 1, 1, -1, -1], [-1, 2, 1, -1, -1]),
            *([0, 0, 0.7, 0, 1], [0, 2, 0.9, 1, 0], [0, 2, 0.8, 0, 1]),
        ],
    )


def iou(a, b):
    low, high = (
        np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2),
        np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2),
    )
    common = np.prod(np.maximum(high - low, 0))
    return common / (a[2] * a[3] + b[2] * b[3] - common)


@law("EvalDetection")
@drawn(15)
@given(SEED)
def test_found_boxes_are_judged_class_by_class(seed):
    side, classes, kind = 3, 3, ("OBJ", "PROB", "MULTIPLY")[seed % 3]
    x = normal(seed, 2, 2 * (5 + classes), side, side)
    rng = np.random.RandomState(seed)
    label = np.zeros((2, 30, 5), np.float32)
    for rows in label:
        for row in rows[: rng.randint(0, 4)]:
            row[:] = rng.randint(classes), *rng.uniform(0.2, 0.8, 2), *rng.uniform(0.2, 0.9, 2)
    body = (
        f"side: {side} num_class: {classes} num_object: 2 threshold: 0.3 nms: 0.5 {ANCHORS} "
        f"score_type: {kind}"
    )
    found = run_layer(
        "EvalDetection", f"eval_detection_param {{ {body} }}", [x, label.reshape(2, -1)]
    ).y[0]
    assert found.shape == (2, classes + side * side * 2 * 4)
    for n in range(2):
        agree(
            found[n, :classes],
            np.bincount(label[n, label[n, :, 1] > 0, 0].astype(int), minlength=3),
        )
        candidates = []
        for j, i, a in np.ndindex(side, side, 2):
            v = x[n].reshape(2, 5 + classes, side, side)[a, :, j, i].astype(np.float64)
            s = 1 / (1 + np.exp(-v[[0, 1, 4]]))
            anchor = np.array([[1, 2], [2.5, 1.5]])[a]
            box = np.array([(i + s[0]) / side, (j + s[1]) / side, *np.exp(v[2:4]) * anchor / side])
            p = np.exp(v[5:]) / np.exp(v[5:]).sum()
            score = {"OBJ": s[2], "PROB": p.max(), "MULTIPLY": s[2] * p.max()}[kind]
            candidates.append((score, int(p.argmax()), box))
        candidates.sort(key=lambda each: -each[0])
        kept = []
        for each in candidates:
            if all(iou(each[2], other[2]) < 0.5 for other in kept):
                kept.append(each)
        rows, taken = [], set()
        for score, c, box in sorted(kept, key=lambda each: each[1]):
            if score < 0.005:
                continue
            mine = [g for g in range(30) if label[n, g, 1] and label[n, g, 0] == c]
            right, wrong = 0, int(not mine)
            if mine:
                best = max(mine, key=lambda g: iou(box, label[n, g, 1:].astype(np.float64)))
                if iou(box, label[n, best, 1:]) >= 0.3:
                    right, wrong = int(best not in taken), int(best in taken)
                    taken.add(best)
            rows.append([c, score, right, wrong])
        expected = np.zeros(side * side * 2 * 4)
        expected[: 4 * len(rows)] = np.ravel(rows)
        agree(found[n, classes:], expected, 1e-4, 1e-4)


@drawn(3)
@given(SEED)
def test_bottoms_after_the_boxes_and_objects_change_nothing(seed):
    body = f"eval_detection_param {{ side: 2 num_class: 1 num_object: 2 {ANCHORS} }}"
    bottoms = [normal(seed, 1, 12, 2, 2), [[0, 0.5, 0.5, 0.6, 0.6]]]
    found = run_layer("EvalDetection", body, bottoms).y[0]
    picture = normal(seed + 1, 3, 3, 7, 7)
    agree(run_layer("EvalDetection", body, [*bottoms, picture]).y[0], found)


def test_what_does_not_fit_says_so():
    with pytest.raises(caffe.CaffeError, match="num_object 5 needs 10 biases; found 0"):
        run_layer("EvalDetection", "", [np.zeros((1, 125, 13, 13)), np.zeros((1, 150))])
    body = "eval_detection_param { side: 1 num_class: 2 num_object: 1 biases: [1, 1] }"
    for label in (-1, 2, np.nan):
        with pytest.raises(caffe.CaffeError, match=r"'x1' holds class .*; expected 0 to 1"):
            run_layer("EvalDetection", body, [np.zeros((1, 7, 1, 1)), [[label, 0.5, 0.5, 1, 1]]])
    body = "detection_evaluate_param { num_classes: 2 }"
    with pytest.raises(caffe.CaffeError, match="needs detections 1 x 1 x K x 7 and objects"):
        run_layer("DetectionEvaluate", body, [np.zeros((1, 1, 2, 7)), np.zeros((1, 1, 10, 7))])
    with pytest.raises(caffe.CaffeError, match="takes 3 to 5 bottoms, or 1 with the biases"):
        run_layer(
            "DetectionOutput", "detection_output_param { num_classes: 2 }", [np.zeros((1, 4))]
        )
    with pytest.raises(caffe.CaffeError, match="takes 1 bottom, or 3 to 5; found 2"):
        run_layer(
            "DetectionOutput", "detection_output_param { num_classes: 2 }", [np.zeros((1, 4))] * 2
        )
