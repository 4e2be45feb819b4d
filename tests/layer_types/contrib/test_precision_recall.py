"""PrecisionRecallLoss."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law
from support.net_text import run_layer

import caffe


@law("PrecisionRecallLoss")
@drawn(50)
@given(SEED, SMALL, SMALL, st.integers(1, 12))
def test_precision_where_it_is_nearest_to_the_recall(seed, n, c, points):
    rng = np.random.RandomState(seed)
    scores = rng.uniform(0, 1, (n, c, 2, 3)).astype(np.float32)
    labels = rng.randint(0, 2, scores.shape)
    body = f"precision_recall_loss_param {{ point_num: {points} }}"
    found = run_layer("PrecisionRecallLoss", body, [scores, labels]).y[0]
    total = 0.0
    for at in range(c):
        met = [(1.0, 0.0)]  # how far apart, and the precision
        for point in range(points + 1):
            said, right = scores[:, at] >= np.float32(point / points), labels[:, at] == 1
            hits = (said & right).sum()
            precision, recall = (hits / max(1, part.sum()) for part in (said, right))
            if 0 < precision < 1 and 0 < recall < 1:
                met.append((abs(precision - recall), precision))
        nearest = {p for apart, p in met if apart < min(met)[0] + 1e-6}
        assume(len(nearest) == 1)  # else rounding chooses
        total += 1 - nearest.pop()
    agree(found, total / c, 1e-5)


def test_it_needs_points_and_labels_of_its_shape():
    inputs = [np.zeros((2, 1, 2)), np.zeros((2, 1, 2))]
    with pytest.raises(caffe.CaffeError, match="needs a positive point_num"):
        run_layer("PrecisionRecallLoss", "", inputs)
    body = "precision_recall_loss_param { point_num: 9 }"
    with pytest.raises(caffe.CaffeError, match="labels of their shape"):
        run_layer("PrecisionRecallLoss", body, [inputs[0], np.zeros((2, 2))])
