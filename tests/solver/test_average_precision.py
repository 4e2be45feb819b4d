"""SSD's mean average precision of a test net."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feed_data import write_annotated
from support.laws import SEED, agree, drawn

import caffe
from caffe.solver.average_precision import average_precisions, mean


def precision_at(found, count):
    """Recalls and precisions after each detection of one class, by falling confidence."""
    right = wrong = 0
    for _, good in sorted(found, key=lambda each: -each[0]):
        right, wrong = right + good, wrong + (not good)
        yield right / count, right / (right + wrong)


def expected(found, count, version):
    points = list(precision_at(found, count))
    if version.endswith("point"):
        count = int(version[:-5])
        lows = [k / (count - 1) for k in range(count)]
        return sum(max([p for r, p in points if r >= low], default=0) for low in lows) / count
    total, before = 0.0, 0.0
    for i, (recall, precision) in enumerate(points):
        if version == "MaxIntegral":
            precision = max(p for _, p in points[i:])
        total += (recall - before) * precision
        before = recall
    return total


@drawn(40)
@given(
    SEED, st.sampled_from(["11point", "101point", "MaxIntegral", "Integral"]), st.integers(1, 12)
)
def test_the_areas_are_those_under_precision_against_recall(seed, version, number):
    rng = np.random.RandomState(seed)
    found = [(score / 100, bool(rng.randint(2))) for score in rng.permutation(100)[:number]]
    count = sum(good for _, good in found) + rng.randint(1, 4)
    rows = [[-1, 1, count - 1, -1, -1], [-1, 1, 1, -1, -1], [-1, 2, 3, -1, -1]]
    rows += [[0, 1, score, good, not good] for score, good in found]
    rows += [[1, 1, 2, 0, 0]]  # what found a difficult object
    areas = average_precisions(np.array(rows, float), version)
    agree(areas[1], expected(found, count, version))
    assert areas[2] == 0
    agree(mean(areas.values()), areas[1] / 2)


def test_what_is_not_there_has_none():
    assert average_precisions(np.array([[-1, 1, 0, -1, -1], [0, 1, 1, 0, 1]]), "Integral") == {1: 0}
    assert math.isnan(mean([]))
    with pytest.raises(
        caffe.CaffeError, match="ap_version 'x'; expected 11point, 101point, MaxIntegral"
    ):
        average_precisions(np.zeros((0, 5)), "x")


NET = """
layer { name: "data" type: "AnnotatedData" top: "data" top: "label"
  data_param { source: "%s" backend: LMDB batch_size: 1 } annotated_data_param { } }
layer { name: "loc" type: "DummyData" top: "loc" top: "map" top: "conf"
  dummy_data_param { shape { dim: 1 dim: 8 } shape { dim: 1 dim: 1 dim: 1 dim: 1 }
    shape { dim: 1 dim: 4 } data_filler { value: 0 } data_filler { value: 0 }
    data_filler { value: 0.5 } } }
layer { name: "prior" type: "PriorBox" bottom: "map" bottom: "data" top: "prior"
  prior_box_param { min_size: 4 min_size: 16 } }
layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior"
  top: "found" detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.45 } } }
layer { name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "label" top: "eval"
  detection_evaluate_param { num_classes: 2 } }
"""


@pytest.fixture
def solver_of(tmp_path):
    """A solver on two images, of which the first shows an object where the smaller prior lies."""
    objects = [[(1, 0.4, 0.4, 0.6, 0.6, 0)], []]
    write_annotated(tmp_path / "db", np.zeros((2, 3, 20, 20), np.uint8), objects)
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "x" type: "DummyData" top: "x" '
        "dummy_data_param { shape { dim: 1 } } include { phase: TRAIN } }"
    )
    (tmp_path / "test.prototxt").write_text(NET % (tmp_path / "db"))

    def make(fields):
        (tmp_path / "solver.prototxt").write_text(
            f'train_net: "{tmp_path}/net.prototxt" test_net: "{tmp_path}/test.prototxt" '
            f'base_lr: 0 lr_policy: "fixed" test_iter: 2 test_interval: 1 max_iter: 1 {fields}'
        )
        return caffe.get_solver(tmp_path / "solver.prototxt")

    return make


def test_a_solver_logs_the_mean_average_precision(solver_of, caplog):
    solver = solver_of('eval_type: "detection" ap_version: "11point" show_per_class_result: true')
    with caplog.at_level(logging.INFO):
        solver._test(0)
    said = [record.getMessage() for record in caplog.records]
    # Four detections of one confidence; the object is found by the first: a precision of 1.
    assert any("Test net output #0: eval = 1" in line for line in said), said
    assert any(line.strip() == "class1: 1" for line in said)


def test_other_types_of_evaluation_say_so(solver_of):
    with pytest.raises(caffe.CaffeError, match="eval_type 'x'; expected classification or detect"):
        solver_of('eval_type: "x"')._test(0)


def test_outputs_that_are_no_detections_say_so(solver_of, tmp_path):
    solver = solver_of('eval_type: "detection"')
    text = (tmp_path / "test.prototxt").read_text()
    (tmp_path / "test.prototxt").write_text(text[: text.index('layer { name: "eval"')])
    solver = solver_of('eval_type: "detection"')
    with pytest.raises(caffe.CaffeError, match=r"output '.*' of a test net .* rows of 5 values"):
        solver._test(0)
