"""MultiLabelLoss, MultiLabelSigmoidLoss, MultiSoftmaxWithLoss, MultiLabelAccuracy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import FLT_MIN, SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("MultiLabelLoss", "MultiLabelSigmoidLoss")
@drawn()
@given(SEED)
def test_labels_of_a_sign_are_told_by_a_sigmoid_and_zeros_do_not_count(seed):
    x, labels = normal(seed, 4, 3), np.random.RandomState(seed).randint(-2, 3, (4, 3, 1))
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    flat = labels.reshape(4, 3)
    losses = np.where(flat > 0, -np.log(p), 0) + np.where(flat < 0, -np.log(1 - p), 0)
    for kind in ("MultiLabelLoss", "MultiLabelSigmoidLoss"):
        found = run_layer(kind, "", [x, labels], tops=2, diffs=[1, np.zeros((4, 3))])
        agree(found.y[0], losses.sum() / 4, 1e-4)
        agree(found.y[1], p)
        agree(found.dx[0], np.where(flat, p - (flat > 0), 0) / 4, 1e-4)


def softmax(x):
    x = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return x / x.sum(1, keepdims=True)


@law("MultiSoftmaxWithLoss")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([None, 0, 2]), st.sampled_from([None, True, False]))
def test_each_class_of_the_label_1_is_told_by_the_softmax(seed, n, size, ignored, normalized):
    x, labels = normal(seed, n, 3, size), np.random.RandomState(seed).randint(0, 3, (n, 3, size))
    x[0, 1] += 200  # so that others are less than a float can be
    body = f"ignore_label: {ignored} " if ignored is not None else ""
    body += f"normalize: {str(normalized).lower()}" if normalized is not None else ""
    diffs = [1, np.zeros(x.shape)]
    found = run_layer(
        "MultiSoftmaxWithLoss", f"loss_param {{ {body} }}", [x, labels], tops=2, diffs=diffs
    )
    p, counts = softmax(x), labels == 1
    if ignored is not None:
        counts[:, ignored] = False
    divisor = n if normalized is False else max(counts.sum(), 1)
    agree(found.y[0], -np.log(np.maximum(p, FLT_MIN))[counts].sum() / divisor, 1e-4)
    agree(found.y[1], p)
    agree(found.dx[0], (p * counts.sum(1, keepdims=True) - counts) / divisor, 1e-4)


@drawn()
@given(SEED, SMALL, SMALL)
def test_several_softmaxes_have_a_label_each(seed, n, k):
    x, labels = normal(seed, n, k * 5), np.random.RandomState(seed).randint(0, 5, (n, k))
    found = run_layer("MultiSoftmaxWithLoss", "", [x, labels], diffs=[1])
    p, true = softmax(x.reshape(n * k, 5)), np.eye(5)[labels.ravel()]
    agree(found.y[0], -np.log(p)[true == 1].sum() / n, 1e-4)
    agree(found.dx[0], (p - true).reshape(n, k * 5) / n, 1e-4)


@pytest.mark.parametrize(
    ("body", "x", "labels", "message"),
    [
        ("", (2, 3, 4, 4), (2, 1, 4, 4), "from 0 or from 1: write a SoftmaxWithLoss"),
        ("", (2, 5), (2, 2), "N x K labels of N x K C scores; found shapes .2, 2. and .2, 5."),
        ("loss_param { ignore_label: 1 }", (2, 4), (2, 2), "one top and no ignore_label"),
    ],
)
def test_labels_that_fit_no_form_say_so(body, x, labels, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("MultiSoftmaxWithLoss", body, [np.zeros(x), np.zeros(labels)])


@law("MultiLabelAccuracy")
@drawn()
@given(SEED)
def test_the_accuracy_counts_signs(seed):
    x, labels = normal(seed, 4, 3), np.random.RandomState(seed).randint(-1, 2, (4, 3))
    found = run_layer("MultiLabelAccuracy", "", [x, labels]).y[0]
    said, positive, negative = x >= 0, labels > 0, labels < 0
    hits, passes = (said & positive).sum(), (~said & negative).sum()

    def share(part, whole):
        return part / whole if whole else 0

    recalls = share(hits, positive.sum()), share(passes, negative.sum())
    precision = share(hits, (said & (labels != 0)).sum())
    harmonic = 2 / (1 / recalls[0] + 1 / recalls[1]) if min(recalls) else 0
    f1 = share(2 * precision * recalls[0], precision + recalls[0])
    assert found.shape == (1, 5, 1, 1)
    agree(found.ravel(), [*recalls, harmonic, precision, f1], floor=1e-5)


@pytest.mark.parametrize("kind", ["MultiLabelLoss", "MultiLabelAccuracy"])
def test_each_score_needs_a_label(kind):
    with pytest.raises(caffe.CaffeError, match="needs a label for each score"):
        run_layer(kind, "", [np.zeros((2, 3)), np.zeros(2)])
