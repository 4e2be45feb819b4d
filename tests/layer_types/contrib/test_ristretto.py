"""Ristretto's layers: weights and values of few bits."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

KINDS = {
    "ConvolutionRistretto": ("Convolution", "convolution_param { num_output: 3 kernel_size: 2 }"),
    "DeconvolutionRistretto": (
        "Deconvolution",
        "convolution_param { num_output: 3 kernel_size: 2 }",
    ),
    "FcRistretto": ("InnerProduct", "inner_product_param { num_output: 3 }"),
}
SHAPES = {
    "ConvolutionRistretto": ((3, 2, 2, 2), (3,)),
    "DeconvolutionRistretto": ((2, 3, 2, 2), (3,)),
    "FcRistretto": ((3, 24), (3,)),
}


def fixed(x, bits, behind):
    x = x.astype(np.float64)
    most = 2.0 ** (bits - 1)
    scaled = np.clip(x * 2.0**behind, -most, most - 1)
    return np.sign(scaled) * np.floor(abs(scaled) + 0.5) / 2.0**behind


def power_of_2(x, low, high):
    exponent = np.log2(abs(x.astype(np.float64)))
    exponent = np.clip(np.sign(exponent) * np.floor(abs(exponent) + 0.5), low, high)
    return np.where(x >= 0, 1, -1) * 2.0**exponent


@law(*KINDS)
@drawn(15)
@given(SEED, st.sampled_from(list(KINDS)), st.integers(3, 8), st.integers(-1, 4))
def test_numbers_have_few_bits(seed, kind, bits, behind):
    plain, body = KINDS[kind]
    x = 3 * normal(seed, 2, 2, 3, 4)
    params = [normal(seed + 1 + i, *shape) for i, shape in enumerate(SHAPES[kind])]
    quantization = (
        f"quantization_param {{ bw_layer_in: {bits} fl_layer_in: {behind} bw_layer_out: 9 "
        f"fl_layer_out: 3 bw_params: {bits + 1} fl_params: {behind + 2} }}"
    )
    found = run_layer(kind, f"{body} {quantization}", [x], params=params).y[0]
    exact = run_layer(
        plain,
        body,
        [fixed(x, bits, behind).astype(np.float32)],
        params=[fixed(each, bits + 1, behind + 2).astype(np.float32) for each in params],
    ).y[0]
    agree(found, fixed(exact, 9, 3), floor=2**-3 + 1e-6)  # float32 may fall on the other side
    assert (np.rint(found * 8) == found * 8).all()


def test_in_training_weights_alone_are_rounded_and_gradients_go_through():
    x, weight, dy = normal(0, 4, 5), normal(1, 3, 5), normal(2, 4, 3)
    body = (
        "inner_product_param { num_output: 3 bias_term: false } quantization_param { "
        "bw_layer_in: 2 bw_params: 4 fl_params: 2 rounding_scheme: NEAREST }"
    )
    found = run_layer("FcRistretto", body, [x], params=[weight], diffs=[dy], phase=caffe.TRAIN)
    rounded = fixed(weight, 4, 2)
    agree(found.y[0], x @ rounded.T, 1e-4)
    agree(found.dx[0], dy @ rounded, 1e-4)
    agree(found.dparams[0], dy.T.astype(np.float64) @ x, 1e-4)
    agree(found.params[0], weight)


def test_rounding_may_be_drawn():
    weight = np.full((1, 1), 0.3, np.float32)
    body = "inner_product_param { num_output: 1 } quantization_param { bw_params: 8 fl_params: 0 }"
    net = run_layer("FcRistretto", body, [np.ones((1, 1))], params=[weight], phase=caffe.TRAIN).net
    drawn = []
    for _ in range(400):
        net.forward()
        drawn.append(float(net.blobs["y0"].data[0, 0]))
    assert set(drawn) == {0, 1}
    assert abs(np.mean(drawn) - 0.3) < 0.1


@drawn(15)
@given(SEED)
def test_weights_may_be_powers_of_2(seed):
    x, weight, bias = normal(seed, 2, 5), normal(seed + 1, 3, 5), normal(seed + 2, 3)
    body = (
        "inner_product_param { num_output: 3 } quantization_param { precision: "
        "INTEGER_POWER_OF_2_WEIGHTS exp_min: -4 exp_max: 0 }"
    )
    found = run_layer("FcRistretto", body, [x], params=[weight, bias]).y[0]
    agree(found, x @ power_of_2(weight, -4, 0).T + bias, 1e-4, 1e-5)


def test_minifloat_is_not_here():
    body = "inner_product_param { num_output: 3 } quantization_param { precision: MINIFLOAT }"
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .FcRistretto.: .*found MINIFLOAT"):
        run_layer("FcRistretto", body, [np.zeros((1, 1))])


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("fl_params: -100000", "less than 95 bits away; found .*'fl_params': -100000"),
        ("bw_params: 4000000000", "1 to 32 bits; found .*'bw_params': 4000000000"),
        ("bw_layer_in: 0", "1 to 32 bits"),
        ("bw_parms: 8", 'no field named "bw_parms".*bw_params'),
    ],
)
def test_bits_that_no_number_has_and_other_fields_are_refused(field, message):
    body = f"inner_product_param {{ num_output: 3 }} quantization_param {{ {field} }}"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l'.*{message}"):
        run_layer("FcRistretto", body, [np.zeros((1, 1))])


@pytest.mark.parametrize("field", ["bw_params: 8", "scale_in: 2.5 is_negative_input: true"])
def test_of_other_layers_it_is_passed_over_with_a_line(caplog, field):
    text = input_layer("x", 1, 1, 2, 2) + (
        'layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { '
        f"num_output: 1 kernel_size: 1 }} quantization_param {{ {field} }} }}"
    )
    with caplog.at_level(logging.INFO, "caffe"):
        net = net_of(text)
    assert any("passed over" in line and "floating-point" in line for line in caplog.messages)
    assert not net._graph.spec.layer[1].HasField("quantization_param")
