"""LpqLoss, CharbonnierLoss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


@law("LpqLoss")
@drawn()
@given(SEED, st.sampled_from([1.0, 1.5, 2.0]), st.booleans(), st.booleans())
def test_powers_of_channels_and_of_their_sums(seed, p, mean, entries):
    x, t = normal(seed, 2, 3, 2, 2), normal(seed + 1, 2, 3, 2, 2)
    t[1, :, 0, 1] = np.nan
    t[0, 0, 0, 0] = x[0, 0, 0, 0]
    body = (
        f"lpq_loss_param {{ p: {p} q: 0.4 p_epsilon: 0.0 q_epsilon: 0.01 l2_prescale_by_channels: "
        f"{str(mean).lower()} normalize_by_num_entries: {str(entries).lower()} }}"
    )
    found = run_layer("LpqLoss", body, [x, t], diffs=[np.float32(1)])
    far = np.abs(np.nan_to_num(x.astype(np.float64) - t)) ** p
    sums = far.mean(1) if mean else far.sum(1)
    agree(found.y[0], ((sums + 0.01) ** 0.4).sum() / (7 if entries else 2), 1e-4)
    assert np.isfinite(found.dx[0]).all()
    agree(run_layer("LpqLoss", body, [x - t]).y[0], found.y[0], 1e-4)


def test_a_schedule_is_refused():
    with pytest.raises(caffe.CaffeError, match="needs one p and one q, for there is no schedule"):
        run_layer("LpqLoss", "lpq_loss_param { p: 1 p: 2 q: 1 q: 1 }", [np.zeros((1, 2, 1, 1))])


@law("CharbonnierLoss")
@drawn()
@given(SEED, st.sampled_from([0.25, 0.45, 1.0]), st.booleans())
def test_a_root_of_squares_is_summed_over_places(seed, alpha, masked):
    x = normal(seed, 2, 3, 4, 2)
    x[0, 0, 0, 0] = 0
    weights = np.random.RandomState(seed).rand(2, 3, 4, 2).astype(np.float32)
    body = f"charbonnier_loss_param {{ alpha: {alpha} epsilon: 0.01 beta: 1.5 }}"
    bottoms = [x, weights] if masked else [x]
    found = run_layer("CharbonnierLoss", body, bottoms, diffs=[np.full((1, 1, 1, 1), 2)])
    square = (1.5 * x.astype(np.float64)) ** 2 + 0.01**2
    weight, places = np.ones(x.shape), 2 * 4 * 2
    if masked:
        weight, places = weights.astype(np.float64), np.floor(2 * weights.astype(np.float64).sum())
    assert found.y[0].shape == (1, 1, 1, 1)
    agree(found.y[0], np.full((1, 1, 1, 1), (weight * square**alpha).sum() / places), 1e-4)
    slope = weight * alpha * square ** (alpha - 1) * 2 * 1.5**2 * x / places
    agree(found.dx[0], 2 * slope, 1e-4)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(caffe.CaffeError, match="and weights of that shape"):
        run_layer("CharbonnierLoss", "", [np.zeros((1, 2, 3, 3)), np.zeros((1, 1, 3, 3))])
