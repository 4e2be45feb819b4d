"""GlobalLSEMargin."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def reference(x, labels, scale, margin):
    """The margin after a pass, and the second top's other numbers."""
    own = x[np.arange(len(x)), labels]
    rest = np.where(np.arange(x.shape[1]) == labels[:, None], -np.inf, x)
    lse = np.log(np.exp(scale * rest).sum(1)) / scale
    margins = own - lse
    at = margin or margins.mean()
    for _ in range(1 if margin else 20):
        near = margins[abs(margins - at) < 0.1]
        if not len(near):
            at = margins.mean()
            near = margins[abs(margins - at) < 0.1]
        last, at = at, near.mean() if len(near) else at
        if abs(last - at) < 1e-3:
            break
    now = 0.9 * margin + 0.1 * at if margin else at
    return now, [scale, own.mean(), lse.mean(), rest.max(1).mean(), now]


@law("GlobalLSEMargin")
@drawn(10)
@given(SEED)
def test_the_margin_is_where_most_own_scores_are_above_the_others(seed):
    rng = np.random.RandomState(seed)
    x, labels = rng.uniform(-0.9, 0.9, (12, 5)).astype(np.float32), rng.randint(0, 5, 12)
    x[np.arange(12), labels] = rng.uniform(0.6, 1, 12)
    dy = normal(seed, 12, 5)
    body = "scale_param { filler { value: 40 } max_value: 20 }"
    found = run_layer("GlobalLSEMargin", body, [x, labels], tops=2, diffs=[dy, np.zeros(5)])
    margin, said = reference(x.astype(np.float64), labels, 20.0, 0)
    agree(found.y[1], said, 1e-4, 1e-4)
    own = np.arange(5) == labels[:, None]
    agree(found.y[0], 20 * (x - own * max(margin, 0)), 1e-4, 1e-3)
    agree(found.dx[0], 20 * dy, 1e-4)
    scale, kept = found.net.params["l"]
    agree(scale.diff, [(dy * found.y[0]).sum() / 20], 1e-3, 1e-3)
    agree(kept.data, [margin], 1e-4, 1e-4)
    found.net.forward()
    agree(kept.data, [reference(x.astype(np.float64), labels, 20.0, margin)[0]], 1e-4, 1e-4)
    assert [(p.lr_mult, p.decay_mult) for p in found.net._graph.params] == [(1, 0), (0, 0)]


def test_an_items_norm_may_stand_for_the_scale():
    x, labels = np.float32([[0.9, 0.1, -0.2], [0, 0.3, 0.8]]), np.array([0, 2])
    norms, dy = np.float32([[10], [20]]), normal(1, 2, 3)
    found = run_layer("GlobalLSEMargin", "", [x, labels, norms], diffs=[dy])
    own = np.arange(3) == labels[:, None]
    margin = float(found.net.params["l"][1].data[0])
    assert margin > 0
    agree(found.y[0], norms * (x - margin * own), 1e-4)
    agree(found.dx[0], norms * dy, 1e-4)
    agree(found.dx[2], ((x - margin * own) * dy).sum(1, keepdims=True), 1e-4)
    with pytest.raises(caffe.CaffeError, match="needs one scale for each of 2 items; found shape"):
        run_layer("GlobalLSEMargin", "", [x, labels, norms[:1]])
