"""Laws of solvers/metrics.py, against loops over pixels in Python integers and floats."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from solvers.metrics import confusion, scores


def confusion_reference(label, pred, n):
    hist = [[0] * n for _ in range(n)]
    for truth, predicted in zip(label.ravel().tolist(), pred.ravel().tolist(), strict=True):
        if truth != 255:
            hist[int(truth)][int(predicted)] += 1
    return hist


def scores_reference(hist, void):
    """Section 5: n_ij pixels of class i predicted as j, t_i = sum_j n_ij."""
    n = len(hist)
    t = [sum(hist[i]) for i in range(n)]
    p = [sum(hist[i][j] for i in range(n)) for j in range(n)]
    total = sum(t)
    accuracies = [hist[i][i] / t[i] for i in range(n) if t[i]]
    iu = [hist[i][i] / (t[i] + p[i] - hist[i][i]) if t[i] + p[i] else math.nan for i in range(n)]
    defined = [value for value in iu if not math.isnan(value)]
    present = [iu[i] for i in range(n) if t[i]]
    return (
        sum(hist[i][i] for i in range(n)) / total if total else math.nan,
        sum(accuracies) / len(accuracies) if accuracies else math.nan,
        sum(defined) / len(defined) if defined else math.nan,
        sum(t[i] * iu[i] for i in range(n) if t[i]) / total if total else math.nan,
        iu,
        sum(present) / len(present) if present else math.nan,
        sum(hist[i][i] for i in range(n)) / (total + void) if total + void else math.nan,
    )


@st.composite
def label_and_pred(draw):
    n = draw(st.integers(1, 6))
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=5))
    dtype = draw(st.sampled_from([np.uint8, np.int64, np.float32]))
    truth = st.integers(0, n - 1) | st.just(255)
    label = draw(hnp.arrays(dtype, shape, elements=truth))
    pred = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, n - 1)))
    return label, pred, n


@given(label_and_pred())
def test_confusion_counts_every_pixel_that_is_not_void(case):
    label, pred, n = case
    hist = confusion(label, pred, n)
    assert hist.dtype == np.int64
    assert hist.tolist() == confusion_reference(label, pred, n)


@given(label_and_pred(), st.data())
def test_confusion_of_a_set_is_the_sum_over_its_images(case, data):
    label, pred, n = case
    cut = data.draw(st.integers(0, len(label)))
    parts = confusion(label[:cut], pred[:cut], n) + confusion(label[cut:], pred[cut:], n)
    np.testing.assert_array_equal(parts, confusion(label, pred, n))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_confusion_refuses_a_label_that_is_no_class(dtype):
    label = np.array([[0, 3]], dtype)
    with pytest.raises(ValueError, match=r"label holds the value 3.*from 0 to 2, or 255 for void"):
        confusion(label, np.zeros((1, 2), int), 3)


@pytest.mark.parametrize("value", [-1.0, 0.5, np.nan])
def test_confusion_refuses_negative_fractional_and_nan_labels(value):
    with pytest.raises(ValueError, match="label holds the value"):
        confusion(np.array([value]), np.array([0]), 3)


@pytest.mark.parametrize("value", [-1, 3, 255])
def test_confusion_refuses_a_prediction_that_is_no_class(value):
    with pytest.raises(ValueError, match=f"prediction holds the value {value}.*from 0 to 2"):
        confusion(np.array([0]), np.array([value]), 3)


def test_what_is_predicted_on_void_pixels_does_not_matter():
    assert confusion(np.array([255, 1]), np.array([200, 1]), 2).tolist() == [[0, 0], [0, 1]]


def test_confusion_refuses_shapes_that_differ():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        confusion(np.zeros((2, 3), int), np.zeros((3, 2), int), 2)


@given(
    st.integers(1, 5).flatmap(
        lambda n: hnp.arrays(np.int64, (n, n), elements=st.sampled_from([0, 0, 1, 7, 10**9]))
    ),
    st.sampled_from([0, 3, 10**9]),
)
def test_scores_are_those_of_section_5_without_warnings(hist, void):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = scores(hist, void)
    reference = scores_reference(hist.tolist(), void)
    for value, expected in zip(result, reference, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-13)


def test_scores_of_a_perfect_prediction_are_one_and_absent_classes_are_nan():
    result = scores(np.diag([5, 0, 2]))
    assert result[:4] == (1, 1, 1, 1)
    np.testing.assert_array_equal(result.per_class_iu, [1, np.nan, 1])


def test_a_class_that_is_only_predicted_has_iu_zero_and_no_accuracy():
    result = scores([[3, 1], [0, 0]])
    np.testing.assert_array_equal(result.per_class_iu, [0.75, 0])
    assert result.mean_accuracy == 0.75
    assert result.mean_iu == 0.375
    assert result.mean_iu_present == 0.75
    assert result.fw_iu == 0.75


def test_of_nyuds_40_classes_the_last_counts_as_the_first_does():
    label = np.array([0, 39, 39, 255])
    result = scores(confusion(label, np.array([0, 39, 0, 5]), 40), void=1)
    assert result.mean_accuracy == (1 + 1 / 2) / 2
    assert result.mean_iu == (1 / 2 + 1 / 2) / 2


def test_void_pixels_are_left_out_or_wrong():
    result = scores([[3, 1], [0, 0]], void=4)
    assert result.overall_accuracy == 3 / 4
    assert result.accuracy_with_void == 3 / 8
    assert scores([[0]], void=2).accuracy_with_void == 0


def test_nothing_to_score_is_nan_not_zero():
    result = scores(np.zeros((3, 3), int))
    assert all(np.isnan(value).all() for value in result)
