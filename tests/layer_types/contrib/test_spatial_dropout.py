"""SpatialDropout of ENet, and what forks add to Dropout."""

import numpy as np
from support.laws import law
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
