"""Floor, Ceil, Softplus, HardTanh, ThresholdedReLU, LogSoftmax and LayerNorm of Synopsys' Caffe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

RULES = {
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Softplus": lambda x: np.log1p(np.exp(x)),
    "HardTanh": lambda x: np.clip(x, -1, 1),
    "ThresholdedReLU": lambda x: np.where(x > 1, x, 0),
}


@law(*RULES)
@drawn()
@given(SEED, SMALL)
def test_values_follow_the_rule(seed, n):
    x = 3 * normal(seed, n, 5)
    for kind, rule in RULES.items():
        agree(run_layer(kind, "", [x]).y[0], rule(x.astype(np.float64)))
    found = run_layer("ThresholdedReLU", "thresholded_relu_param { alpha: -0.5 }", [x]).y[0]
    agree(found, np.where(x > -0.5, x, 0))


@law("LogSoftmax")
@drawn()
@given(SEED, SMALL, st.integers(0, 2))
def test_the_logarithm_of_the_softmax_has_a_floor(seed, n, axis):
    x = 30 * normal(seed, n, 3, 2)
    found = run_layer("LogSoftmax", f"log_softmax_param {{ axis: {axis} }}", [x]).y[0]
    apart = x.astype(np.float64) - x.max(axis, keepdims=True)
    expected = apart - np.log(np.exp(apart).sum(axis, keepdims=True))
    agree(found, np.maximum(expected, np.log(1e-20)), 1e-4)


@law("LayerNorm")
@drawn()
@given(SEED, SMALL, st.booleans())
def test_the_values_of_an_item_have_mean_0_and_variance_1(seed, n, affine):
    x, weight, bias = normal(seed, n, 3, 4), normal(seed + 1, 3, 4), normal(seed + 2, 3, 4)
    body = f"layer_norm_param {{ eps: 0.1 elementwise_affine: {str(affine).lower()} }}"
    found = run_layer("LayerNorm", body, [x], params=[weight, bias] * affine)
    wide = x.astype(np.float64).reshape(n, 12)
    apart = wide - wide.mean(1, keepdims=True)
    expected = (apart / np.sqrt((apart**2).mean(1, keepdims=True) + 0.1)).reshape(x.shape)
    agree(found.y[0], expected * weight + bias if affine else expected, 1e-4)


def test_factors_of_layer_norm_are_ones_and_of_one_shape():
    net = run_layer("LayerNorm", "", [normal(0, 2, 3)]).net
    assert (net.params["l"][0].data == 1).all()
    assert not net.params["l"][1].data.any()
    net.blobs["x0"].reshape(2, 4)
    with pytest.raises(caffe.CaffeError, match=r"each value of items of shape \(3,\)"):
        net.reshape()
