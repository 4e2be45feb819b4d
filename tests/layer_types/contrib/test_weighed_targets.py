"""WeightedEuclideanLoss, and sigmoid losses whose targets are weighed."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("WeightedEuclideanLoss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_squares_are_weighed(seed, n, c):
    x, t, w = (normal(seed + i, n, c, 2) for i in range(3))
    found = run_layer(
        "WeightedEuclideanLoss",
        "propagate_down: true propagate_down: true propagate_down: false",
        [x, t, w],
        diffs=[np.float32(1)],
    )
    apart = x.astype(np.float64) - t
    agree(found.y[0], (apart**2 * w).sum() / n / 2, 1e-4)
    agree(found.dx[0], apart * w / n, 1e-4)
    agree(found.dx[1], -apart * w / n, 1e-4)


@law("NormalizedSigmoidCrossEntropyLoss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_targets_on_both_sides_weigh_as_much(seed, n, c):
    x = normal(seed, n, c) * 3
    t = np.random.RandomState(seed).randint(0, 2, (n, c)).astype(np.float32)
    found = run_layer("NormalizedSigmoidCrossEntropyLoss", "", [x, t])
    values = x.astype(np.float64)
    losses = np.log1p(np.exp(values)) - values * t
    expected = sum(
        losses[side, i].mean() / 2
        for i in range(c)
        for side in (t[:, i] == 0, t[:, i] == 1)
        if side.any()
    )
    agree(found.y[0], expected, 1e-4)


@law("WeightedSigmoidCrossEntropyLoss", "SigmoidCrossEntropyLossWeighted")
@drawn()
@given(SEED, SMALL, SMALL)
def test_sigmoid_losses_are_weighed(seed, n, c):
    x, w = normal(seed, n, c, 2) * 3, normal(seed + 1, n, c * 2)
    t = np.random.RandomState(seed).uniform(0, 1, x.shape)
    found = run_layer("WeightedSigmoidCrossEntropyLoss", "", [x, t, w], diffs=[np.float32(1)])
    values, weights = x.astype(np.float64), w.reshape(x.shape)
    agree(found.y[0], (weights * (np.log1p(np.exp(values)) - values * t)).sum() / n, 1e-4)
    agree(found.dx[0], weights * (1 / (1 + np.exp(-values)) - t) / n, 1e-4)
    assert not found.dx[1].any()
    assert not found.dx[2].any()


@pytest.mark.parametrize(
    ("kind", "shapes", "message"),
    [
        ("WeightedSigmoidCrossEntropyLoss", [(2, 3)] * 2, "needs weights as bottom 2. Of forks"),
        ("WeightedSigmoidCrossEntropyLoss", [(2, 3), (2, 3), (2,)], "a weight for each value"),
        ("WeightedEuclideanLoss", [(2, 3), (2, 3), (2,)], "a weight for each value"),
        ("NormalizedSigmoidCrossEntropyLoss", [(2, 3), (2, 2)], "a target for each value"),
    ],
)
def test_what_does_not_fit_says_so(kind, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, "", [np.zeros(shape) for shape in shapes])
