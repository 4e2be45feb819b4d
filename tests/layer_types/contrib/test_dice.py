"""DiceLoss, DiceCoefLoss, VolumeDiceLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

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


VNET = """layer { name: "loss" type: "Python" bottom: "x" bottom: "t" top: "loss"
  python_param { module: "pyLayer" layer: "DiceLoss" } loss_weight: 1 }"""


@law("VolumeDiceLoss")
@drawn()
@given(SEED, SMALL, st.booleans())
def test_vnets_coefficient_is_of_the_more_probable_class(seed, n, through_python):
    scores = normal(seed, n, 2, 24).astype(np.float64)
    x = (np.exp(scores) / np.exp(scores).sum(1, keepdims=True)).astype(np.float32)
    t = np.random.RandomState(seed).randint(0, 2, (n, 1, 24)).astype(np.float32)
    t[0] = 0
    x[0, 0], x[0, 1] = 0.75, 0.25  # nothing is found, and nothing there
    if through_python:
        net = net_of(
            f"force_backward: true {input_layer('x', *x.shape)} "
            f"{input_layer('t', *t.shape)} {VNET}",
            caffe.TRAIN,
        )
        net.blobs["x"].data[...], net.blobs["t"].data[...] = x, t
        net.forward()
        net.backward()
        y, dx = net.blobs["loss"].data, net.blobs["x"].diff
    else:
        found = run_layer("VolumeDiceLoss", "", [x, t], diffs=[[1.0]])
        y, dx = found.y[0], found.dx[0]
    value, expected = 0, np.zeros(x.shape)
    for i in range(n):
        result, p = x[i, 1] > x[i, 0], x[i, 1].astype(np.float64)
        shared, both = (result * t[i, 0]).sum(), (result + t[i, 0]).sum()
        value += 2 * shared / (both + 1e-5)
        if both:
            expected[i, 0] = 2 * (t[i, 0] / both - 2 * p * shared / both**2)
    agree(y, [value], 1e-4)
    agree(dx, np.stack([expected[:, 0], -expected[:, 0]], 1), 1e-4)


def test_vnets_volumes_have_two_probabilities():
    with pytest.raises(caffe.CaffeError, match="two probabilities for each value of a mask"):
        run_layer("VolumeDiceLoss", "", [np.zeros((1, 3, 4)), np.zeros((1, 1, 4))])


@pytest.mark.parametrize(
    ("kind", "message"),
    [("DiceLoss", "a target for each score"), ("DiceCoefLoss", "must have one size")],
)
def test_maps_of_two_sizes_are_refused(kind, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, "", [np.zeros((2, 3)), np.zeros((2, 4))])
