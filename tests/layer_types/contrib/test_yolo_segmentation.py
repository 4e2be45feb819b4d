"""YoloSeg and SegmentationEvaluate: MobileNet-YOLO's segmentation."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("YoloSeg")
@drawn()
@given(SEED, SMALL, SMALL)
def test_a_squared_difference_of_probabilities_with_a_cross_entropys_gradient(seed, n, size):
    x, target = normal(seed, n, 2, size, 3), normal(seed + 1, n, 2, size, 3)
    found = run_layer(
        "YoloSeg", "yolo_seg_param { object_scale: 3 } loss_weight: 2", [x, target], diffs=[2]
    )
    apart = 3 * (1 / (1 + np.exp(-x.astype(np.float64))) - target)
    agree(found.y[0], (apart**2).sum() / n, floor=1e-4)
    agree(found.dx[0], 2 * apart / n)
    agree(found.dx[1], 0 * target)


def test_targets_may_lie_in_other_axes_but_must_be_as_many():
    x = np.zeros((2, 6))
    assert run_layer("YoloSeg", "", [x, x.reshape(2, 1, 2, 3)]).y[0] == 12 * 0.25 / 2
    with pytest.raises(caffe.CaffeError, match=r"a target for each value; .*\(2, 6\) and \(2, 5\)"):
        run_layer("YoloSeg", "", [x, np.zeros((2, 5))])


CLASSES = "segmentation_evaluate_param { num_classes: 2 threshold: 0.25 }"


@law("SegmentationEvaluate")
@drawn()
@given(SEED)
def test_scores_are_the_intersection_over_the_union_of_each_channel(seed):
    rng = np.random.RandomState(seed)
    scores, truth = rng.rand(2, 2, 3, 4), rng.rand(2, 2, 3, 4) - 0.5
    found = run_layer("SegmentationEvaluate", CLASSES, [scores, truth]).y[0]
    ours, true = scores[0] > 0.25, truth[0] > 0.25
    both, either = (ours & true).sum((1, 2)), (ours | true).sum((1, 2))
    agree(found, (both / np.maximum(either, 1)).reshape(1, 1, 1, 2))


def test_scores_are_taken_to_the_size_of_what_is_true():
    scores = np.zeros((1, 1, 4, 4))
    scores[0, 0, :2, :2] = 0.9
    scores[0, 0, 0, 2] = 0.9  # alone in its area: 0.225 of it
    truth = np.ones((1, 1, 2, 2))
    found = run_layer("SegmentationEvaluate", CLASSES, [scores, truth]).y[0]
    assert found == 0.25


def test_what_cannot_be_scored_is_an_error():
    x = np.zeros((1, 2, 3, 4))
    with pytest.raises(caffe.CaffeError, match="num_classes is missing"):
        run_layer("SegmentationEvaluate", "", [x, x])
    with pytest.raises(caffe.CaffeError, match="alike in C"):
        run_layer("SegmentationEvaluate", CLASSES, [x, x[:, :1]])
