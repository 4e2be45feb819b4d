"""MultiLabelLoss, MultiLabelSigmoidLoss, MultiLabelAccuracy."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
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
