"""Sigmoid losses in which the rarer answer weighs more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

ONE = [np.float32(1)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def shares(target):
    """What each target weighs, by the counts of its item."""
    weights = np.zeros(target.shape)
    for i, item in enumerate(target):
        ones, zeros = (item == 1).sum(), (item == 0).sum()
        weights[i] = ((item == 1) * zeros + (item == 0) * ones) / max(1, ones + zeros)
    return weights


@law("ClassBalancedSigmoidCrossEntropyLoss")
@drawn()
@given(SEED, SMALL)
def test_ones_weigh_the_share_of_zeros(seed, n):
    x = 2 * normal(seed, n, 1, 3, 4)
    target = np.random.RandomState(seed).choice([0, 0, 1, 2], (n, 1, 3, 4))
    found = run_layer("ClassBalancedSigmoidCrossEntropyLoss", "", [x, target], diffs=ONE)
    p, weights = sigmoid(x), shares(target)
    losses = -np.where(target == 1, np.log(p), np.log(1 - p)) * weights
    agree(found.y[0], losses.sum() / n, 1e-4)
    agree(found.dx[0], (p - (target == 1)) * weights / n, 1e-4)


@law("ClassBalancedSigmoidCrossEntropyAttentionLoss")
@drawn()
@given(SEED, SMALL, st.booleans(), st.sampled_from(["", "FULL", "VALID", "BATCH_SIZE", "NONE"]))
def test_what_is_wrong_by_much_weighs_more(seed, n, ignores, mode):
    x = 2 * normal(seed, n, 1, 3, 4)
    target = np.random.RandomState(seed).choice([0, 0, 1, 255 if ignores else 0], (n, 1, 3, 4))
    loss = "ignore_label: 255 " * ignores + f"normalization: {mode}" * bool(mode)
    body = f"attention_loss_param {{ beta: 3 gamma: 0.7 }} loss_param {{ {loss} }}"
    found = run_layer("ClassBalancedSigmoidCrossEntropyAttentionLoss", body, [x, target])
    ones, zeros = target == 1, target == 0
    valid = ones.sum() + zeros.sum()
    share = ones.sum() / max(1, valid)  # of the whole batch, not of an item
    right = np.where(ones, sigmoid(x), 1 - sigmoid(x))
    weights = ones * (1 - share) + zeros * share
    losses = -np.log(right) * 3 ** ((1 - right) ** 0.7) * weights
    by = {"FULL": n * 12, "VALID": max(1, valid), "NONE": 1}.get(mode, n)
    agree(found.y[0], losses.sum() / by, 1e-4)


def test_beta_is_positive():
    with pytest.raises(caffe.CaffeError, match="beta of attention_loss_param must be positive"):
        run_layer(
            "ClassBalancedSigmoidCrossEntropyAttentionLoss",
            "attention_loss_param { beta: 0 }",
            [np.zeros((1, 1)), np.zeros((1, 1))],
        )


@law("BalanceCrossEntropyLoss")
@drawn()
@given(SEED, SMALL, st.sampled_from(["", "ignore_label: 2"]), st.sampled_from(["FULL", "VALID"]))
def test_channels_are_of_labels_but_0(seed, n, more, mode):
    x = 2 * normal(seed, n, 2, 3, 2)
    label = np.random.RandomState(seed).choice([0, 0, 1, 2], (n, 1, 3, 2))
    body = f"loss_param {{ {more} normalization: {mode} }}"
    found = run_layer("BalanceCrossEntropyLoss", body, [x, label], diffs=ONE)
    counts = label != 2 if more else label > -1
    none, valid = ((label == 0) & counts).sum(), counts.sum()
    share = none / valid if 0 < none < valid else 0.5
    right = label == np.array([1, 2])[:, None, None]
    p = sigmoid(x)
    weights = np.where(right, share, 1 - share) * counts
    by = max(1, valid if mode == "VALID" else n * 6)
    agree(found.y[0], (-np.log(np.where(right, p, 1 - p)) * weights).sum() / by, 1e-4)
    agree(found.dx[0], (p - right) * weights / by, 1e-4)


def test_without_a_normalisation_it_is_the_batch():
    x, label = normal(0, 3, 1, 2, 2), np.zeros((3, 1, 2, 2))
    plain, full = (
        run_layer("BalanceCrossEntropyLoss", body, [x, label]).y[0]
        for body in ("", "loss_param { normalization: FULL }")
    )
    agree(plain, 4 * full)


def test_labels_that_do_not_fit_say_so():
    with pytest.raises(caffe.CaffeError, match="needs a label for each place"):
        run_layer("BalanceCrossEntropyLoss", "", [np.zeros((1, 2, 3)), np.zeros((1, 2, 3))])
