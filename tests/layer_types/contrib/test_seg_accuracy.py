"""SegAccuracy of DeepLab, EltwiseAccuracy of DeconvNet and others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def reference(scores, labels, ignored):
    """Confusion counts and the three means, pixel by pixel."""
    classes = max(2, scores.shape[1])
    counts = np.zeros((classes, classes))
    for n, h, w in np.ndindex(scores.shape[0], *scores.shape[2:]):
        pixel, label = scores[n, :, h, w], int(labels[n, 0, h, w])
        if label not in ignored:
            found = int(np.argmax(pixel)) if len(pixel) > 1 else int(pixel[0] > 0.5)
            counts[label, found] += 1
    rows, columns, right = counts.sum(1), counts.sum(0), counts.diagonal()
    recalls = [r / row for r, row in zip(right, rows, strict=True) if row]
    ious = [
        r / (row + column - r) if row + column - r else 1
        for r, row, column in zip(right, rows, columns, strict=True)
    ]
    accuracy = right.sum() / counts.sum() if counts.sum() else 0
    return counts, [accuracy, np.mean(recalls) if recalls else 0, np.mean(ious)]


@law("SegAccuracy")
@drawn()
@given(SEED, st.integers(1, 4), st.integers(1, 3), st.sampled_from([(), (255,), (0, 255)]))
def test_the_three_means_are_of_the_pixels_that_count(seed, channels, n, ignored):
    scores = normal(seed, n, channels, 3, 4).round(1)  # with ties
    rng = np.random.RandomState(seed)
    allowed = [*range(max(2, channels)), *ignored]
    labels = rng.choice(allowed, (n, 1, 3, 4))
    body = "".join(f"ignore_label: {label} " for label in ignored)
    found = run_layer("SegAccuracy", f"seg_accuracy_param {{ {body} }}", [scores, labels])
    agree(found.y[0].ravel(), reference(scores, labels, ignored)[1])


def test_an_output_label_has_its_precision_recall_and_iu():
    scores, labels = normal(0, 1, 3, 8, 8), np.random.RandomState(1).randint(0, 3, (1, 1, 8, 8))
    body = "seg_accuracy_param { output_label: 2 output_label: 0 }"
    found = run_layer("SegAccuracy", body, [scores, labels], tops=3)
    counts, _ = reference(scores, labels, ())
    for top, label in ((1, 2), (2, 0)):
        right, row, column = counts[label, label], counts[label].sum(), counts[:, label].sum()
        agree(found.y[top].ravel(), [right / column, right / row, right / (row + column - right)])


def test_without_reset_passes_add_up():
    scores, labels = normal(0, 1, 2, 3, 3), np.random.RandomState(1).randint(0, 2, (1, 1, 3, 3))
    net = run_layer("SegAccuracy", "seg_accuracy_param { reset: false }", [scores, labels]).net
    net.blobs["x0"].data[...] = more = normal(5, 1, 2, 3, 3)
    found = net.forward()["y0"].ravel()
    both = np.concatenate([scores, more]), np.concatenate([labels, labels])
    agree(found, reference(*both, ())[1])


@pytest.mark.parametrize(
    ("shapes", "value", "body", "message"),
    [
        (((1, 3, 2, 2), (1, 1, 2, 2)), 3, "", "'x1' holds 3; expected 0 to 2"),
        (((1, 3, 2, 2), (1, 2, 2)), 0, "", "needs scores N x C x H x W and labels"),
        (((1, 3, 2, 2), (1, 1, 2, 2)), 0, "output_label: 1", "one more for each output_label"),
        (((1, 3, 2, 2), (1, 1, 2, 2)), 0, "output_label: 3", "must lie in 0 to 2"),
    ],
)
def test_what_does_not_fit_says_so(shapes, value, body, message):
    scores, labels = (np.full(shape, value) for shape in shapes)
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .SegAccuracy.: .*{message}"):
        run_layer("SegAccuracy", f"seg_accuracy_param {{ {body} }}", [scores, labels])


@law("EltwiseAccuracy")
@drawn()
@given(SEED, st.integers(1, 3))
def test_deconvnets_accuracy_is_the_share_of_pixels_whose_class_is_among_the_best(seed, top_k):
    scores, labels = (
        normal(seed, 2, 4, 3, 3),
        np.random.RandomState(seed).randint(0, 4, (2, 1, 3, 3)),
    )
    labels[0, 0, 0] = 255
    body = f"eltwise_accuracy_param {{ ignore_label: 255 top_k: {top_k} }}"
    found = run_layer("EltwiseAccuracy", body, [scores, labels]).y[0]
    best = np.argsort(-scores, 1)[:, :top_k]
    right = (best == labels).any(1)[labels[:, 0] != 255]
    assert found.shape == (1, 1, 1, 1)
    agree(found.ravel(), [right.mean()])


@law("ConfusionMatrix")
@drawn()
@given(SEED)
def test_a_confusion_matrix_has_a_row_for_each_label(seed):
    rng = np.random.RandomState(seed)
    scores = rng.randint(-3, 2, (4, 3, 2)).astype(np.float32)
    labels = rng.randint(0, 3, (4, 2))
    counts = np.zeros((3, 3))
    for n, i in np.ndindex(4, 2):
        best, at = -1, 0  # as confusion_matrix_layer.cpp begins
        for k in range(3):
            if scores[n, k, i] > best:
                best, at = scores[n, k, i], k
        counts[labels[n, i], at] += 1
    found = run_layer("ConfusionMatrix", "", [scores, labels]).y[0]
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(found, counts / counts.sum(1, keepdims=True), rtol=1e-6)
    body = "confusion_matrix_param { ignore_label: 2 axis: 1 }"
    ignoring = run_layer("ConfusionMatrix", body, [scores, labels]).y[0]
    np.testing.assert_array_equal(ignoring[:2], found[:2])
    assert np.isnan(ignoring[2]).all()


@law("IOUAccuracy")
def test_iou_accuracy_is_of_the_classes_that_are_there_and_the_last_best_score_counts():
    scores = np.zeros((1, 4, 1, 6), np.float32)
    for pixel, best in enumerate([(0,), (0, 1), (1,), (1,), (2,), (2,)]):
        scores[0, best, 0, pixel] = 1
    labels = np.float32([0, 0, 1, 255, 1, 7]).reshape(1, 1, 1, 6)  # 255 and 7 do not count
    body = "accuracy_param { ignore_label: 255 }"
    ran = run_layer("IOUAccuracy", body, [scores, labels], tops=2)
    # found 0, 1, 1, 2 of 0, 0, 1, 1; class 3 is not there
    ious = [1 / 2, 1 / 3, 0, 0]
    agree(ran.y[0], [sum(ious) / 3])
    agree(ran.y[1], ious)
    agree(run_layer("IOUAccuracy", "", [scores, 255 + 0 * labels]).y[0], [0])
