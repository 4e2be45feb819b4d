"""Activations: their laws, against float64 references written here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_in_place, run_layer

import caffe

pytestmark = pytest.mark.smoke


def sigmoid(x):
    return 0.5 * np.tanh(0.5 * x) + 0.5


# Each kind: prototxt, what it is, its derivative.
RULES = {
    "AbsVal": ("", np.abs, np.sign),
    "BNLL": ("", lambda x: np.logaddexp(0, x), sigmoid),
    "ELU": (
        "elu_param { alpha: 0.7 }",
        lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, 0.7 * np.exp(np.minimum(x, 0))),
    ),
    "ReLU": (
        "relu_param { negative_slope: 0.25 }",
        lambda x: np.where(x > 0, x, 0.25 * x),
        lambda x: np.where(x > 0, 1, 0.25),
    ),
    "Sigmoid": ("", sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "Swish": (
        "swish_param { beta: 1.7 }",
        lambda x: x * sigmoid(1.7 * x),
        lambda x: sigmoid(1.7 * x) * (1 + 1.7 * x * sigmoid(-1.7 * x)),
    ),
    "TanH": ("", np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}
VALUES = st.lists(
    st.floats(-200, 200, width=32) | st.floats(-4, 4, width=32) | st.sampled_from([0.0, 50.0]),
    min_size=1,
    max_size=12,
)


@law(*RULES)
@pytest.mark.parametrize("kind", RULES)
@drawn(40)
@given(VALUES, SEED)
def test_an_activation_is_its_formula_and_its_gradient_the_derivative(kind, values, seed):
    """Also at 0, where the derivative is that from below (AbsVal: 0), and far out."""
    body, function, derivative = RULES[kind]
    x = np.array(values, np.float32)
    dy = normal(seed, len(x))
    ran = run_layer(kind, body, [x], diffs=[dy])
    agree(ran.y[0], function(x.astype(np.float64)))
    agree(ran.dx[0], dy * derivative(x.astype(np.float64)))


@law(*RULES)
@pytest.mark.parametrize("kind", sorted(set(RULES) - {"AbsVal"}))
@pytest.mark.parametrize("hold", [False, True])
def test_an_activation_in_place_gives_the_same_numbers(kind, hold):
    body, function, derivative = RULES[kind]
    x, dy = 2 * normal(0, 3, 4), normal(1, 3, 4)
    y, dx = run_in_place(kind, body, x, dy, hold)
    agree(y, function(x.astype(np.float64)))
    agree(dx, dy * derivative(x.astype(np.float64)))


@law("AbsVal")
def test_absval_in_place_is_refused():
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' \(AbsVal\): does not work in place"):
        run_in_place("AbsVal", "", np.ones(2), np.ones(2))


@law("ReLU")
@pytest.mark.parametrize("slope", [0, 0.25])
def test_relu_is_the_slope_below_zero_and_its_gradient_at_zero_is_the_slope(slope):
    x = np.array([-2, -0.5, 0, 0.5, 2], np.float32)
    ran = run_layer("ReLU", f"relu_param {{ negative_slope: {slope} }}", [x], diffs=[np.ones(5)])
    agree(ran.y[0], np.maximum(x, 0) + slope * np.minimum(x, 0))
    agree(ran.dx[0], np.where(x > 0, 1, slope))


@law("Threshold")
def test_threshold_is_1_above_the_threshold_and_has_no_gradient():
    x = np.float32([-1, 0.25, 0.26, 3])
    ran = run_layer("Threshold", "threshold_param { threshold: 0.25 }", [x], diffs=[np.ones(4)])
    assert ran.y[0].tolist() == [0, 0, 1, 1]
    assert not ran.dx[0].any()
    net = net_of(
        input_layer("x", 2)
        + 'layer { name: "b" type: "Bias" bottom: "x" top: "b" bias_param { axis: 0 } }'
        + 'layer { name: "l" type: "Threshold" bottom: "b" top: "y" loss_weight: 1 }'
    )
    net.forward()
    with pytest.raises(caffe.CaffeError, match="has no gradient for bottom 0"):
        net.backward()
