"""GradientScaler, and layers that count passes."""

import math

import numpy as np
import pytest
from support.laws import agree, law, normal
from support.net_text import net_of, run_layer

import caffe

SCALER = "gradient_scaler_param { lower_bound: 0.1 upper_bound: 0.6 alpha: 5 max_iter: 4 }"


@law("GradientScaler")
def test_gradients_are_reversed_the_more_the_longer_training_goes_on():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    found = run_layer("GradientScaler", SCALER, [x, x], tops=2, phase=caffe.TRAIN)
    net = found.net
    for passes in range(1, 7):  # one was run
        progress = min(passes / 4, 1)
        scale = 0.1 + 0.5 * (2 / (1 + math.exp(-5 * progress)) - 1)
        net.forward()
        for top in ("y0", "y1"):
            net.blobs[top].diff[...] = dy
        net.backward()
        assert np.array_equal(net.blobs["y1"].data, x)
        for bottom in ("x0", "x1"):
            agree(net.blobs[bottom].diff, -scale * dy)


@law("GradientScaler")
def test_untrained_they_are_only_reversed():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    first = run_layer("GradientScaler", SCALER, [x], phase=caffe.TRAIN, diffs=[dy])
    agree(first.dx[0], -0.1 * dy)
    for _ in range(2):
        agree(run_layer("GradientScaler", SCALER, [x], diffs=[dy]).dx[0], -dy)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("GradientScaler", SCALER),
        ("LabelSpecificAdd", "label_specific_add_param { bias_base: 0 }"),
        ("MarginInnerProduct", "margin_inner_product_param { num_output: 3 }"),
    ],
)
def test_a_run_that_is_resumed_goes_on_with_the_count(kind, body):
    inputs = [normal(0, 2, 3), [1, 2]][: 1 if kind == "GradientScaler" else 2]
    net = run_layer(kind, body, inputs, phase=caffe.TRAIN).net
    for _ in range(3):
        net.forward()
    state = net.layer_dict["l"].state_dict()
    assert state == {"iteration": 4}
    other = run_layer(kind, body, inputs, phase=caffe.TRAIN).net.layer_dict["l"]
    other.load_state_dict(state)
    assert other.state_dict() == state
    with pytest.raises(caffe.CaffeError, match="a position has iteration; found row"):
        other.load_state_dict({"row": 1})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("gradient_scaler_param { max_iter: 0 }", "max_iter is at least 1"),
        ("gradient_scaler_param { alpha: -1 }", "alpha at least 0; found 1 and -1"),
        ('top: "z"', "needs a top for each of 1 bottoms; found 2"),
    ],
)
def test_what_does_not_fit_says_so(body, message):
    with pytest.raises(caffe.CaffeError, match=message):
        net_of(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } } '
            f'layer {{ name: "l" type: "GradientScaler" bottom: "x" top: "y" {body} }}'
        )
