"""HWGQ's layers: weights of one size, values of a few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

KINDS = {
    "BinaryConvolution": (
        "Convolution",
        "convolution_param { num_output: 3 kernel_size: 2 pad: 1 }",
        "binary_convolution_param",
        (3, 2, 2, 2),
    ),
    "BinaryInnerProduct": (
        "InnerProduct",
        "inner_product_param { num_output: 3 }",
        "binary_inner_product_param",
        (3, 24),
    ),
}


def binary(weight, use_alpha):
    wide = weight.astype(np.float64)
    size = abs(wide).mean(tuple(range(1, wide.ndim)), keepdims=True) if use_alpha else 1
    return np.where(wide >= 0, size, -np.ones_like(wide) * size).astype(np.float32)


@law(*KINDS)
@drawn(15)
@given(SEED, st.sampled_from(list(KINDS)), st.booleans())
def test_weights_are_one_number_and_its_opposite(seed, kind, use_alpha):
    plain, body, field, shape = KINDS[kind]
    x, weight, bias = normal(seed, 2, 2, 3, 4), normal(seed + 1, *shape), normal(seed + 2, 3)
    weight.flat[0] = 0
    alpha = f"{field} {{ use_alpha: {str(use_alpha).lower()} }}"
    stood_for = [binary(weight, use_alpha), bias]
    dy = normal(seed + 3, *run_layer(plain, body, [x]).y[0].shape)
    found = run_layer(kind, f"{body} {alpha}", [x], params=[weight, bias], diffs=[dy])
    exact = run_layer(plain, body, [x], params=stood_for, diffs=[dy])
    agree(found.y[0], exact.y[0], 1e-4, 1e-4)
    agree(found.dx[0], exact.dx[0], 1e-4, 1e-4)
    agree(found.dparams[0], exact.dparams[0], 1e-4, 1e-4)
    agree(found.dparams[1], exact.dparams[1], 1e-4, 1e-4)
    agree(found.params[0], weight)
    off = run_layer(kind, f"{body} {field} {{ use_binarization: false }}", [x], params=[weight])
    agree(off.y[0], run_layer(plain, body, [x], params=[weight]).y[0], 1e-4, 1e-4)


CENTERS = (0.538, 1.076, 1.614)
HWGQ = " ".join(f"centers: {center}" for center in CENTERS)


@law("Quant")
@drawn()
@given(SEED, st.floats(0, 1, width=16))
def test_values_above_0_are_the_nearest_centre(seed, slope):
    x, dy = 2 * normal(seed, 3, 40), normal(seed + 1, 3, 40)
    x[0, :2] = 0, 100
    body = f"quant_param {{ {HWGQ} negative_slope: {slope} clip_thr: 1.614 }}"
    found = run_layer("Quant", body, [x], diffs=[dy])
    centers = np.float64(CENTERS)
    nearest = centers[abs(x[..., None].astype(np.float64) - centers).argmin(-1)]
    agree(found.y[0], np.where(x > 0, nearest, -slope), 1e-6, 1e-6)
    through = np.where(x > 0, 1, slope) * (x <= 1.614)
    agree(found.dx[0], dy * through, 1e-6, 1e-6)


def test_half_way_between_two_centres_is_the_smaller():
    body = "quant_param { centers: 1 centers: 2 centers: 4 }"
    found = run_layer("Quant", body, [np.float32([[1.5, 3, 3.5, -1, 0]])])
    agree(found.y[0], [[1, 2, 4, 0, 0]])


@pytest.mark.parametrize(
    ("forward", "values"),
    [
        ("sign", [-1, -1, 1, 1, 1]),
        ("hard_tanh", [-1, -0.5, 0, 0.5, 1]),
        ("relu", [-0.5, -0.125, 0, 0.5, 3]),
    ],
)
def test_other_functions_and_their_gradients(forward, values):
    x = np.float32([[-2, -0.5, 0, 0.5, 3]])
    for backward, slopes in (
        ("relu", [0.25, 0.25, 0.25, 1, 0]),
        ("hard_tanh", [1, 1, 1, 1, 0]),
    ):
        body = (
            f'quant_param {{ forward_func: "{forward}" backward_func: "{backward}" '
            "negative_slope: 0.25 clip_thr: 2 }"
        )
        found = run_layer("Quant", body, [x], diffs=[np.ones_like(x)])
        agree(found.y[0], [values])
        agree(found.dx[0], [slopes])


def test_a_relus_gradient_is_its_derivative():
    body = 'quant_param { forward_func: "relu" negative_slope: 0.3 }'
    check_gradient("Quant", body, [(3, 4)], 1)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("Quant", "", "needs centers, all positive; found \\[\\]"),
        ("Quant", "quant_param { centers: 1 centers: -1 }", "all positive"),
        ("Quant", 'quant_param { forward_func: "step" }', "one of hwgq, sign.*found 'step'"),
        ("Quant", 'quant_param { centers: 1 backward_func: "sign" }', "backward_func is one of"),
        (
            "BinaryInnerProduct",
            "inner_product_param { num_output: 2 transpose: true }",
            "has no transpose",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((1, 2))])
