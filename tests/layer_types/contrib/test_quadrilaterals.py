"""TextBoxes++: denser prior boxes, and detections that are quadrilaterals."""

import numpy as np
import pytest
from support.laws import agree, normal
from support.net_text import input_layer, net_of, run_layer

import caffe
from caffe.export import onnx

PRIORS = np.float32([[0, 0, 0.4, 0.3], [0.5, 0.5, 0.9, 0.7], [0.52, 0.5, 0.92, 0.7]])
VARIANCE = np.float32([0.1, 0.1, 0.2, 0.2])


def output(loc, conf, more, run=run_layer):
    body = (
        "detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.4 top_k: 10 } "
        f"confidence_threshold: 0.1 keep_top_k: 5 code_type: CENTER_SIZE {more} }}"
    )
    prior = np.stack([PRIORS, np.tile(VARIANCE, (3, 1))]).reshape(1, 2, 12)
    return run("DetectionOutput", body, [loc.reshape(1, -1), conf.reshape(1, -1), prior])


CONF = np.float32([[0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])


def box(code, prior):
    size, centre = prior[2:] - prior[:2], (prior[:2] + prior[2:]) / 2
    middle = centre + code[:2] * VARIANCE[:2] * size
    half = np.exp(code[2:4] * VARIANCE[2:]) * size / 2
    return [*(middle - half), *(middle + half)]


def test_a_polygons_corners_are_relative_to_the_priors():
    loc = 0.3 * normal(0, 3, 12)
    rows = output(loc, CONF, "use_polygon: true").y[0][0, 0]
    assert rows.shape == (2, 15)  # prior 2 overlaps prior 1
    for row, at in zip(rows, (1, 0), strict=True):
        prior = PRIORS[at].astype(np.float64)
        size = prior[2:] - prior[:2]
        corners = [prior[[0, 1]], prior[[2, 1]], prior[[2, 3]], prior[[0, 3]]]
        moved = [
            corner + loc[at, 4 + 2 * i : 6 + 2 * i] * size * VARIANCE[:2]
            for i, corner in enumerate(corners)
        ]
        agree(row[:3], [0, 1, CONF[at, 1]])
        agree(row[3:7], box(loc[at], prior))
        agree(row[7:], np.concatenate(moved))


def test_a_turned_rectangle_has_two_corners_and_a_height():
    loc = 0.3 * normal(0, 3, 9)
    rows = output(loc, CONF, "use_polygon: false").y[0][0, 0]
    assert rows.shape == (2, 12)
    for row, at in zip(rows, (1, 0), strict=True):
        prior = PRIORS[at].astype(np.float64)
        size, centre = prior[2:] - prior[:2], (prior[:2] + prior[2:]) / 2
        ends = [centre + loc[at, i : i + 2] * size * VARIANCE[:2] for i in (4, 6)]
        agree(row[3:7], box(loc[at], prior))
        agree(row[7:], [*np.concatenate(ends), np.exp(0.2 * loc[at, 8]) * size[1]])


def test_where_nothing_is_found_a_row_is_as_long():
    rows = output(np.zeros((3, 12)), np.zeros((3, 2)), "use_polygon: true").y[0][0, 0]
    agree(rows, [[0, *[-1] * 14]])


@pytest.mark.parametrize("polygon", [pytest.param("true", marks=pytest.mark.long), "false"])
def test_it_is_written_as_onnx(tmp_path, polygon):
    values = 12 if polygon == "true" else 9
    text = input_layer("loc", 2, 30 * values) + input_layer("conf", 2, 60)
    text += input_layer("prior", 1, 2, 120)
    text += (
        'layer { name: "l" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" '
        "top: 'y' detection_output_param { num_classes: 2 confidence_threshold: 0.1 keep_top_k: 9 "
        f"nms_param {{ nms_threshold: 0.4 top_k: 20 }} code_type: CENTER_SIZE "
        f"use_polygon: {polygon} }} }}"
    )
    onnx.export(net_of(text), tmp_path / "net.onnx")


def test_denser_priors_are_there_once_more_half_a_step_below():
    fields = "min_size: 30 max_size: 60 aspect_ratio: 2 variance: 0.1 step: 8 "
    maps = [np.zeros((1, 2, 2, 3)), np.zeros((1, 3, 16, 24))]
    plain, dense = (
        run_layer("PriorBox", f"prior_box_param {{ {fields} {more} }}", maps).y[0]
        for more in ("", "denser_prior_boxes: true")
    )
    plain, dense = plain.reshape(2, 2, 3, 4, 4), dense.reshape(2, 2, 3, 4, 2, 4)
    np.testing.assert_array_equal(dense[..., 0, :], plain)
    agree(dense[0, ..., 1, :], plain[0] + np.float32([0, 0.25, 0, 0.25]))
    agree(dense[1], np.full(dense[1].shape, 0.1))


def test_another_code_says_so():
    body = "detection_output_param { num_classes: 2 use_polygon: true }"
    bottoms = [np.zeros((1, 12)), np.zeros((1, 2)), np.zeros((1, 2, 4))]
    with pytest.raises(caffe.CaffeError, match="has code_type: CENTER_SIZE"):
        run_layer("DetectionOutput", body, bottoms)
