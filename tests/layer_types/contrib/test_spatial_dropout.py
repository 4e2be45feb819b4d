"""SpatialDropout of ENet, SeLuDropout, GuidedDropout, and what forks add to Dropout."""

import numpy as np
import pytest
from support.laws import agree, law, normal
from support.net_text import run_layer

import caffe


@law("SpatialDropout")
def test_whole_channels_of_an_item_are_dropped_and_the_rest_is_scaled():
    x = np.ones((40, 50, 2, 3), np.float32)
    body = "spatial_dropout_param { dropout_ratio: 0.2 }"
    found = run_layer("SpatialDropout", body, [x], phase=caffe.TRAIN, diffs=[x]).y[0]
    assert (found == found[:, :, :1, :1]).all()
    assert set(np.unique(found)) == {0, np.float32(1.25)}
    assert abs(found.mean() - 1) < 0.05
    assert (run_layer("SpatialDropout", body, [x]).y[0] == x).all()


def test_fast_rcnns_dropout_scales_in_test():
    x = np.ones((30, 40), np.float32)
    body = "dropout_param { dropout_ratio: 0.25 scale_train: false }"
    assert set(np.unique(run_layer("Dropout", body, [x], phase=caffe.TRAIN).y[0])) == {0, 1}
    assert (run_layer("Dropout", body, [x]).y[0] == 0.75).all()


def test_bayesian_segnets_dropout_draws_in_test():
    x = np.ones((30, 40), np.float32)
    found = run_layer("Dropout", "dropout_param { sample_weights_test: true }", [x]).y[0]
    assert set(np.unique(found)) == {0, 2}


@law("SeLuDropout")
def test_what_an_alpha_dropout_drops_is_selus_lowest_value():
    x, dy = normal(0, 300, 200), normal(1, 300, 200)
    body = "selu_dropout_param { dropout_ratio: 0.2 }"
    found = run_layer("SeLuDropout", body, [x], phase=caffe.TRAIN, diffs=[dy])
    low = -1.0507009873554805 * 1.6732632423543772
    scale = (0.8 * (1 + low**2 * 0.2)) ** -0.5
    shift = -scale * 0.2 * low
    dropped = np.isclose(found.y[0], low * scale + shift, atol=1e-5)
    assert abs(dropped.mean() - 0.2) < 0.01
    agree(found.y[0][~dropped], (x * scale + shift)[~dropped], 1e-4)
    agree(found.dx[0], np.where(dropped, 0, dy * scale))
    assert abs(found.y[0].mean()) < 0.02  # of mean 0 and variance 1 it makes the same
    assert abs(found.y[0].var() - 1) < 0.02
    np.testing.assert_array_equal(run_layer("SeLuDropout", body, [x]).y[0], x)


@law("GuidedDropout")
def test_guidance_says_which_channels_stay():
    x, dy, guidance = normal(0, 5, 40, 2, 3), normal(1, 5, 40, 2, 3), normal(2, 5, 40)
    guidance[3] = -1
    body = "guided_dropout_param { type: 'deterministic' guidance_threshold: 0.3 }"
    found = run_layer("GuidedDropout", body, [x, guidance], diffs=[dy])
    stays = np.float64(guidance > 0.3)
    scale = (stays * 40 / np.maximum(stays.sum(1, keepdims=True), 1))[:, :, None, None]
    agree(found.y[0], x * scale)
    agree(found.dx[0], dy * scale)
    assert not found.y[0][3].any()


def test_guidance_says_how_likely_channels_stay():
    x, guidance = np.ones((300, 40), np.float32), np.tile(np.linspace(-2, 2, 40), (300, 1))
    body = "guided_dropout_param { type: 'stochastic' sigmoid_scaler: 2 }"
    found = run_layer("GuidedDropout", body, [x, guidance], phase=caffe.TRAIN, diffs=[x])
    chances = 1 / (1 + np.exp(-2 * guidance))
    scale = 40 / chances.sum(1, keepdims=True)
    stays = found.y[0] > 0
    agree(found.y[0], stays * scale, 1e-4)
    np.testing.assert_array_equal(found.y[0], found.dx[0])
    assert abs(stays.mean(0) - chances[0]).max() < 0.12
    np.testing.assert_array_equal(run_layer("GuidedDropout", body, [x, guidance]).y[0], x)


def test_a_guided_dropout_asks_for_its_settings():
    x = np.ones((2, 3))
    for body, guidance, said in (
        ("", x, "type is deterministic or stochastic; found ''"),
        ("guided_dropout_param { type: 'stochastic' }", x, "needs sigmoid_scaler"),
        (
            "guided_dropout_param { type: 'stochastic' sigmoid_scaler: 1 }",
            x[:, :2],
            r"a guidance N x C; found shapes \(2, 3\) and \(2, 2\)",
        ),
    ):
        with pytest.raises(caffe.CaffeError, match=said):
            run_layer("GuidedDropout", body, [x, guidance])
