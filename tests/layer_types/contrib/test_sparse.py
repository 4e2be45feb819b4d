"""Sparsify and SymmetricRectify, of structured sparsity learning."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_in_place, run_layer

import caffe


@law("Sparsify")
@drawn()
@given(SEED, SMALL, st.sampled_from([0, 0.5]), st.sampled_from([0, 0.25]))
def test_small_values_are_cut_off_and_all_are_drawn_to_0(seed, n, least, coef):
    x, dy = normal(seed, n, 3), normal(seed + 1, n, 3)
    body = f"sparsify_param {{ thre: {least} coef: {coef} }}"
    found = run_layer("Sparsify", body, [x], diffs=[dy], phase=caffe.TRAIN)
    agree(found.y[0], np.where(np.abs(x) <= least, 0, x))
    agree(found.dx[0], dy + np.sign(x) * coef)


@drawn()
@given(SEED, SMALL, st.sampled_from([0, 0.5]))
def test_in_place_only_what_is_left_is_drawn_to_0(seed, n, least):
    x, dy = normal(seed, n, 3), normal(seed + 1, n, 3)
    y, dx = run_in_place("Sparsify", f"sparsify_param {{ thre: {least} coef: 0.25 }}", x, dy)
    left = np.where(np.abs(x) <= least, 0, x)
    agree(y, left)
    agree(dx, dy + np.sign(left) * 0.25)


def test_a_negative_threshold_is_refused():
    with pytest.raises(caffe.CaffeError, match="coef and thre are at least 0; found 0 and -1"):
        run_layer("Sparsify", "sparsify_param { thre: -1 }", [normal(0, 2, 3)])


@law("SymmetricRectify")
@drawn()
@given(SEED, SMALL, st.booleans(), st.sampled_from([0, 0.5]))
def test_values_come_nearer_to_0_by_their_channels_threshold(seed, n, shared, decay):
    x, dy = normal(seed, n, 3, 2), normal(seed + 1, n, 3, 2)
    threshold = np.float32(0.4) if shared else np.float32([0, 0.3, -1])
    body = (
        f"symmetric_rectify_param {{ channel_shared: {str(shared).lower()} thre_decay: {decay} }}"
    )
    found = run_layer(
        "SymmetricRectify", body, [x], diffs=[dy], params=[threshold], phase=caffe.TRAIN
    )
    kept = np.maximum(threshold, 0)
    far = np.abs(x.astype(np.float64)) - kept.reshape(() if shared else (3, 1))
    top = np.sign(x) * np.maximum(far, 0)
    agree(found.y[0], top)
    agree(found.dx[0], dy * (top != 0))
    agree(found.params[0], kept)
    slope = -(dy * np.sign(top)).sum(None if shared else (0, 2)) - np.sign(kept) * decay
    agree(found.dparams[0], slope, 1e-4, 1e-4)


def test_thresholds_begin_small():
    found = run_layer("SymmetricRectify", "", [normal(0, 2, 3)])
    agree(found.params[0], np.full(3, 0.0001))
