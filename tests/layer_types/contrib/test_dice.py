"""DiceLoss, DiceCoefLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("DiceLoss")
@drawn()
@given(SEED, SMALL, st.booleans())
def test_the_loss_is_1_less_the_share_of_the_overlap(seed, n, ignored):
    x = normal(seed, n, 1, 2, 3)
    target = np.random.RandomState(seed).randint(0, 2 + ignored, x.shape)
    body = "loss_param { ignore_label: 2 }" if ignored else ""
    found = run_layer("DiceLoss", body, [x, target], diffs=[np.float32(1)])
    p = 1 / (1 + np.exp(-x.astype(np.float64)))
    counts = target < 2
    shared, total = (p * target)[counts].sum(), (p + target)[counts].sum()
    agree(found.y[0], 1 - (2 * shared + 1e-6) / (total + 1e-6), 1e-4)
    slope = -(2 * target * total - 2 * shared) / total**2 * p * (1 - p)
    agree(found.dx[0], np.where(counts, slope, 0), 1e-3, 1e-5)


@law("DiceCoefLoss")
@drawn()
@given(SEED, SMALL, SMALL)
def test_the_coefficient_is_of_each_item(seed, n, c):
    x, y = normal(seed, n, c, 2), normal(seed + 1, n, c, 2)
    found = run_layer("DiceCoefLoss", "", [x, y]).y[0]
    a, b = (each.astype(np.float64).reshape(n, -1) for each in (x, y))
    share = (2 * (a * b).sum(1) + 1) / ((a**2).sum(1) + (b**2).sum(1) + 1)
    agree(found, (1 - share).mean(), 1e-4)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("DiceLoss", "a target for each score"), ("DiceCoefLoss", "must have one size")],
)
def test_maps_of_two_sizes_are_refused(kind, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, "", [np.zeros((2, 3)), np.zeros((2, 4))])
