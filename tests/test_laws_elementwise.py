"""Layers that work value by value: their laws, against float64 references written here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import SEED, agree, drawn, law, normal
from net_text import run_layer

import caffe


@law("ReLU")
@pytest.mark.parametrize("slope", [0, 0.25])
def test_relu_is_the_slope_below_zero_and_its_gradient_at_zero_is_the_slope(slope):
    x = np.array([-2, -0.5, 0, 0.5, 2], np.float32)
    ran = run_layer("ReLU", f"relu_param {{ negative_slope: {slope} }}", [x], diffs=[np.ones(5)])
    agree(ran.y[0], np.maximum(x, 0) + slope * np.minimum(x, 0))
    agree(ran.dx[0], np.where(x > 0, 1, slope))


@law("Dropout")
@pytest.mark.parametrize("ratio", [0, 0.2, 0.5, 0.9])
def test_dropout_drops_the_ratio_scales_the_rest_and_keeps_the_mean(ratio):
    caffe.set_random_seed(1)
    x = np.ones((100, 1000), np.float32)
    body = f"dropout_param {{ dropout_ratio: {ratio} }}"
    ran = run_layer("Dropout", body, [x], phase=caffe.TRAIN, diffs=[2 * x])
    kept = ran.y[0] != 0
    assert abs(1 - kept.mean() - ratio) < 5 * math.sqrt(0.25 / x.size)
    agree(ran.y[0][kept], 1 / (1 - np.float32(ratio)) * np.ones(kept.sum()))
    agree(ran.dx[0], 2 * ran.y[0])  # by the same mask


@law("Dropout")
def test_dropout_passes_everything_in_test():
    x = normal(0, 3, 4)
    assert np.array_equal(run_layer("Dropout", "", [x]).y[0], x)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4), st.booleans())
def test_eltwise_sum_weighs_its_bottoms(seed, count, weighted):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    coeff = [1.0, -2.0, 0.5, 3.0][:count] if weighted else [1.0] * count
    text = " ".join(f"coeff: {c}" for c in coeff) if weighted else ""
    dy = normal(seed + 9, 2, 3)
    ran = run_layer("Eltwise", f"eltwise_param {{ {text} }}", xs, diffs=[dy])
    agree(ran.y[0], sum(c * np.float64(x) for c, x in zip(coeff, xs, strict=True)))
    for c, dx in zip(coeff, ran.dx, strict=True):
        agree(dx, c * dy)


@law("Eltwise")
@drawn()
@given(SEED, st.integers(2, 4))
def test_eltwise_prod_gives_each_bottom_the_product_of_the_others_even_at_zero(seed, count):
    xs = [normal(seed + i, 2, 3) for i in range(count)]
    xs[0][0] = 0
    ran = run_layer("Eltwise", "eltwise_param { operation: PROD }", xs, diffs=[np.ones((2, 3))])
    agree(ran.y[0], np.prod(np.float64(xs), 0))
    for i, dx in enumerate(ran.dx):
        agree(dx, np.prod(np.float64(xs[:i] + xs[i + 1 :]), 0))


@law("Eltwise")
@drawn()
@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=2, max_size=4))
def test_eltwise_max_gives_a_tie_to_the_second_of_two_but_never_to_a_later_bottom(rows):
    xs = [np.array(row, np.float32) for row in rows]
    ran = run_layer("Eltwise", "eltwise_param { operation: MAX }", xs, diffs=[np.ones(6)])
    agree(ran.y[0], np.max(rows, 0))
    for j in range(6):
        winner = 0 if rows[0][j] > rows[1][j] else 1
        for i in range(2, len(rows)):
            winner = i if rows[i][j] > rows[winner][j] else winner
        assert [dx[j] for dx in ran.dx] == [float(i == winner) for i in range(len(rows))]
