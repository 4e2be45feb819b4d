"""Losses of CASENet and SEAL, whose labels have a bit for each class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

PREFIX = {True: "MultiChannelReweighted", False: "MultiChannel"}


def labels_of(edges, ignored, count):
    """Edges (N, C, H, W) as labels (N, count, H, W); ignored (N, H, W) is the highest bit."""
    n, classes, *size = edges.shape
    bits = np.zeros((n, count, *size), np.uint32)
    for k in range(classes):
        bits[:, k // 32] |= edges[:, k].astype(np.uint32) << np.uint32(k % 32)
    bits[:, -1] |= ignored.astype(np.uint32) << np.uint32(31)
    return bits.view(np.float32)


def expected_of(x, edges, ignored, reweighted):
    """The loss, and its gradient by x."""
    x, n = x.astype(np.float64), len(x)
    weights = np.ones(x.shape)
    if reweighted:
        some = edges.any(1) & ~ignored
        for i in range(n):
            share = some[i].sum() / max((~ignored[i]).sum(), 1)
            weights[i] = np.where(edges[i], 1 - share, share)
    weights = weights * ~ignored[:, None]
    losses = np.logaddexp(0, np.where(edges, -x, x))
    slopes = np.where(edges, -1 / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))
    return (weights * losses).sum() / n, weights * slopes / n


def drawn_edges(seed, classes):
    rng = np.random.RandomState(seed)
    edges = rng.rand(2, classes, 3, 4) < 0.2 / classes**0.5
    return edges, rng.rand(2, 3, 4) < 0.3


@law("MultiChannelSigmoidCrossEntropyLoss", "MultiChannelReweightedSigmoidCrossEntropyLoss")
@drawn()
@given(SEED, st.booleans(), st.sampled_from([(20, 1), (31, 1), (32, 2), (40, 2), (40, 3)]))
def test_a_pixel_may_be_an_edge_of_several_classes(seed, reweighted, sizes):
    classes, count = sizes if reweighted else (20, 1)
    x, (edges, ignored) = normal(seed, 2, classes, 3, 4), drawn_edges(seed, classes)
    labels = labels_of(edges, ignored, count)
    kind = f"{PREFIX[reweighted]}SigmoidCrossEntropyLoss"
    found = run_layer(kind, "", [x, labels], diffs=[1])
    loss, slope = expected_of(x, edges, ignored, reweighted)
    agree(found.y[0], loss, 1e-4)
    agree(found.dx[0], slope, 1e-4)


@law("ReweightedSigmoidCrossEntropyLoss")
@drawn()
@given(SEED)
def test_edges_of_whatever_class_are_one(seed):
    x, (edges, ignored) = normal(seed, 2, 1, 3, 4), drawn_edges(seed, 20)
    labels = labels_of(edges, ignored, 1)
    found = run_layer("ReweightedSigmoidCrossEntropyLoss", "", [x, labels], diffs=[1])
    some = edges.any(1, keepdims=True)
    loss, slope = expected_of(x, some, ignored, True)
    agree(found.y[0], loss, 1e-4)
    agree(found.dx[0], slope, 1e-4)


@pytest.mark.parametrize(
    ("kind", "scores", "labels", "message"),
    [
        ("MultiChannelSigmoidCrossEntropyLoss", 32, 1, "31 classes at most; found 1 labels and 32"),
        ("MultiChannelSigmoidCrossEntropyLoss", 3, 2, "needs one label"),
        (
            "MultiChannelReweightedSigmoidCrossEntropyLoss",
            64,
            2,
            "more bits than classes; found 2 labels of 32 bits for 64 classes",
        ),
        ("ReweightedSigmoidCrossEntropyLoss", 2, 1, "one channel of scores and one label"),
    ],
)
def test_labels_need_a_bit_for_each_class(kind, scores, labels, message):
    bottoms = [np.zeros((1, scores, 2, 2)), np.zeros((1, labels, 2, 2))]
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, "", bottoms)
    with pytest.raises(caffe.CaffeError, match="labels for each place of the scores"):
        run_layer(kind, "", [bottoms[0], np.zeros((1, labels, 2, 3))])
