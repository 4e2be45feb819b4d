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


def minifloat(x, mantissa, exponent):
    """By the definition, value for value: no denormalised numbers, the largest for what is more."""
    bias = 2 ** (exponent - 1) - 1
    out = np.zeros(x.shape)
    for i, value in np.ndenumerate(x.astype(np.float64)):
        part, power = np.frexp(abs(value))  # part is 0.5 to 1
        stored = power - 1 + bias
        if value == 0 or stored < 0:
            continue
        if stored > 2**exponent - 1:
            stored, whole = 2**exponent - 1, 2**mantissa - 1
        else:
            whole = np.floor((2 * part - 1) * 2**mantissa + 0.5)
        out[i] = np.sign(value) * (1 + whole / 2**mantissa) * 2.0 ** (stored - bias)
    return out


def by_largest(x, largest, bits):
    if largest < 1e-8:
        return np.zeros_like(x)
    step = np.float32(largest) / np.float32(2 ** (bits - 1) - 1)
    return np.rint(np.clip(x, -largest, largest) / step) * step


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


@drawn(15)
@given(SEED, st.sampled_from(list(KINDS)), st.integers(2, 8), st.integers(0, 2))
def test_the_largest_numbers_may_be_said(seed, kind, bits, parts):
    """All of them, or those of weights, or of values alone; no bias, and at random nothing."""
    plain, body = KINDS[kind]
    x = normal(seed, 2, 2, 3, 4)
    params = [normal(seed + 1 + i, *shape) for i, shape in enumerate(SHAPES[kind])]
    rows = np.random.RandomState(seed).uniform(0.5, 2, len(params[0])).astype(np.float32)
    rows[0] = 1e-9
    said = [*(f"th_params: {float(each)!r}" for each in rows)] if parts != 1 else []
    said += ["th_layer_in: 1.75 th_layer_out: 3"] if parts != 2 else []
    given = f"bw_layer_in: {bits} bw_params: {bits + 1} bw_layer_out: 9 {' '.join(said)}"
    body_of_it = f"{body} quantization_param {{ {given} }}"
    weight = np.stack([by_largest(*each, bits + 1) for each in zip(params[0], rows, strict=True)])
    exact = run_layer(
        plain,
        body,
        [x if parts == 2 else by_largest(x, 1.75, bits)],
        params=[params[0] if parts == 1 else weight, params[1]],
    ).y[0]
    found = run_layer(kind, body_of_it, [x], params=params).y[0]
    near = 1e-5 if parts == 2 else 3 / 255 + 1e-5  # float32 may fall on the other side
    agree(found, exact if parts == 2 else by_largest(exact, 3, 9), floor=near)
    trained = run_layer(kind, body_of_it, [x], params=params, phase=caffe.TRAIN).y[0]
    weight = params[0] if parts == 1 else weight
    agree(trained, run_layer(plain, body, [x], params=[weight, params[1]]).y[0])


def test_halves_of_the_largest_numbers_steps_go_to_even_numbers():
    x, dy = np.float32([[-9, -3, -2.5, -0.5, 0.5, 1.5, 2.2, 4]]), normal(0, 1, 8)
    body = (
        "inner_product_param { num_output: 8 bias_term: false } "
        "quantization_param { bw_layer_in: 3 th_layer_in: 3 }"
    )
    found = run_layer("FcRistretto", body, [x], params=[np.eye(8, dtype=np.float32)], diffs=[dy])
    assert found.y[0].tolist() == [[-3, -3, -2, 0, 0, 2, 2, 3]]
    agree(found.dx[0], dy)


def test_in_training_weights_alone_are_rounded_and_gradients_go_through():
    """Weights that are such numbers, or too large, are no matter of chance."""
    x, dy = normal(0, 4, 5), normal(2, 4, 3)
    weight = np.float32(fixed(normal(1, 3, 5), 4, 2))
    weight[0] = 9
    body = (
        "inner_product_param { num_output: 3 bias_term: false } quantization_param { "
        "bw_layer_in: 2 bw_params: 4 fl_params: 2 }"
    )
    found = run_layer("FcRistretto", body, [x], params=[weight], diffs=[dy], phase=caffe.TRAIN)
    rounded = fixed(weight, 4, 2)
    assert (rounded[0] == 1.75).all()
    agree(found.y[0], x @ rounded.T, 1e-4)
    agree(found.dx[0], dy @ rounded, 1e-4)
    agree(found.dparams[0], dy.T.astype(np.float64) @ x, 1e-4)
    agree(found.params[0], weight)


@pytest.mark.parametrize(
    ("phase", "scheme", "values"),
    [
        (caffe.TRAIN, "NEAREST", {0, 1}),  # in TRAIN by chance, whatever is said
        (caffe.TEST, "STOCHASTIC", {0, 1}),
        (caffe.TEST, "NEAREST", {0}),
        (caffe.TEST, None, {0}),
    ],
)
def test_rounding_may_be_drawn(phase, scheme, values):
    weight = np.full((1, 1), 0.3, np.float32)
    said = f"rounding_scheme: {scheme}" if scheme else ""
    body = (
        "inner_product_param { num_output: 1 bias_term: false } "
        f"quantization_param {{ bw_params: 8 fl_params: 0 {said} }}"
    )
    net = run_layer("FcRistretto", body, [np.ones((1, 1))], params=[weight], phase=phase).net
    drawn = []
    for _ in range(400):
        net.forward()
        drawn.append(float(net.blobs["y0"].data[0, 0]))
    assert set(drawn) == values
    assert len(values) == 1 or abs(np.mean(drawn) - 0.3) < 0.1


@drawn(15)
@given(SEED, st.integers(0, 6), st.integers(1, 8))
def test_minifloats_have_a_mantissa_and_an_exponent(seed, mantissa, exponent):
    x, weight, bias = normal(seed, 4, 5), normal(seed + 1, 3, 5), normal(seed + 2, 3)
    x[0], x[1, 0] = x[0] * 1e3, 0
    weight[0] *= 1e-3
    body = (
        "inner_product_param { num_output: 3 } quantization_param { precision: MINIFLOAT "
        f"mant_bits: {mantissa} exp_bits: {exponent} }}"
    )
    found = run_layer("FcRistretto", body, [x], params=[weight, bias]).y[0]
    exact = minifloat(x, mantissa, exponent) @ minifloat(weight, mantissa, exponent).T
    exact += minifloat(bias, mantissa, exponent)
    near = abs(exact) * 2.0**-mantissa + 1e-5  # float32 may fall on the other side
    smallest = 2.0 ** (1 - 2 ** (exponent - 1))
    assert (abs(found - minifloat(exact, mantissa, exponent)) <= near + smallest).all()
    parts = np.frexp(found)[0] * 2 ** (mantissa + 1)
    assert (parts == np.rint(parts)).all()


def test_a_minifloat_is_the_nearest_that_there_is():
    """1 + 3 + 2 bits: the largest is 1.75 * 2^2, the smallest 2^-1, halves go away from 0."""
    x = np.float32([[0, 0.3, 0.5, -0.6, 1.1, 1.125, -3.9, 6.9, 100, -1e-42]])
    body = "inner_product_param { num_output: 10 bias_term: false } quantization_param { %s }"
    body %= "precision: MINIFLOAT mant_bits: 2 exp_bits: 2"
    found = run_layer("FcRistretto", body, [x], params=[np.eye(10, dtype=np.float32)]).y[0]
    agree(found, [[0, 0, 0.5, -0.625, 1, 1.25, -4, 7, 7, 0]])
    agree(minifloat(x, 2, 2), found)


@drawn(15)
@given(SEED)
def test_a_minifloat_as_long_as_float32_is_float32(seed):
    below = np.nextafter(2 ** np.arange(-9, 9, dtype=np.float32), np.float32(0))
    x = np.concatenate([normal(seed, 1, 300).astype(np.float32), below[None]], 1)
    short = "precision: MINIFLOAT mant_bits: 23 exp_bits: 8"
    body = f"lrn_param {{ alpha: 0 }} quantization_param {{ {short} }}"
    found = run_layer("LRNRistretto", body, [x[:, :, None, None]]).y[0]
    np.testing.assert_array_equal(found.ravel(), x.ravel())


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


def lrn(x, mantissa, exponent, size, alpha, beta, k):
    """The output of LRNRistretto, and its scale."""

    def short(values):
        return minifloat(values, mantissa, exponent)

    squares = short(short(x) ** 2)
    scale, total = np.zeros(x.shape), np.zeros_like(squares[:, 0])
    for channel in range(-(size // 2), x.shape[1]):
        if channel + size // 2 < x.shape[1]:
            total = short(total + squares[:, channel + size // 2])
        if channel - size // 2 > 0:
            total = short(total - squares[:, channel - size // 2 - 1])
        if channel >= 0:
            scale[:, channel] = short(k + short(total * alpha / size))
    return short(short(x) * short(scale**-beta)), scale


@law("LRNRistretto")
@drawn(15)
@given(SEED, st.integers(1, 4), st.integers(2, 5), st.sampled_from([1, 3, 5]))
def test_each_step_of_an_lrn_is_a_minifloat(seed, channels, mantissa, size):
    """Small whole numbers and alpha / n of 1: no step lies where float32 could err."""
    x = np.float32(np.random.RandomState(seed).randint(-3, 4, (2, channels, 2, 1)))
    dy = normal(seed + 1, *x.shape)
    body = (
        f"lrn_param {{ local_size: {size} alpha: {size} beta: 0.75 k: 2 }} quantization_param {{ "
        f"precision: MINIFLOAT mant_bits: {mantissa} exp_bits: 5 rounding_scheme: STOCHASTIC }}"
    )
    y, scale = lrn(x, mantissa, 5, size, size, 0.75, 2)
    for phase in (caffe.TEST, caffe.TRAIN):
        found = run_layer("LRNRistretto", body, [x], diffs=[dy], phase=phase)
        agree(found.y[0], y)
        ratio = dy * y / scale
        sums = np.zeros(x.shape)
        for other in range(channels):
            for channel in range(max(0, other - size // 2), min(channels, other + size // 2 + 1)):
                sums[:, channel] += ratio[:, other]
        agree(found.dx[0], dy * scale**-0.75 - 2 * 0.75 * x * sums, 1e-4)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "precision is MINIFLOAT; found DYNAMIC_FIXED_POINT"),
        (
            "lrn_param { norm_region: WITHIN_CHANNEL } quantization_param { precision: MINIFLOAT }",
            "norm_region is ACROSS_CHANNELS; found WITHIN",
        ),
        (
            "quantization_param { precision: MINIFLOAT exp_bits: 9 }",
            "mant_bits is 0 to 23 and exp_bits 1 to 8; found 23 and 9",
        ),
    ],
)
def test_an_lrn_of_other_numbers_is_refused(body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .LRNRistretto.: .*{message}"):
        run_layer("LRNRistretto", body, [np.zeros((1, 3, 2, 2))])


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("fl_params: -100000", "less than 95 bits away; found .*'fl_params': -100000"),
        ("bw_params: 4000000000", "1 to 32 bits; found .*'bw_params': 4000000000"),
        ("bw_layer_in: 0", "1 to 32 bits"),
        ("mant_bits: 24", "mant_bits is 0 to 23 and exp_bits 1 to 8; found 24 and 8"),
        ("th_layer_in: 1 bw_params: 1", "th_params and others need 2 bits or more; found .*: 1"),
        ("th_layer_in: -1", "th_params and others are largest values, 0 or more; found -1.0 to 0"),
        ("th_params: inf", "0 or more; found 0.0 to inf"),
        ("th_params: [1, 2]", "a value for each of 3 rows of its weights, or none; found 2"),
        ("bw_parms: 8", 'no field named "bw_parms".*bw_params'),
    ],
)
def test_bits_that_no_number_has_and_other_fields_are_refused(field, message):
    body = f"inner_product_param {{ num_output: 3 }} quantization_param {{ {field} }}"
    with pytest.raises(caffe.CaffeError, match=f"layer 'l'.*{message}"):
        run_layer("FcRistretto", body, [np.zeros((1, 1))])


@pytest.mark.parametrize(
    "field", ["bw_params: 8", "th_layer_in: 1", "scale_in: 2.5 is_negative_input: true"]
)
def test_of_other_layers_it_is_passed_over_with_a_line(caplog, field):
    text = input_layer("x", 1, 1, 2, 2) + (
        'layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { '
        f"num_output: 1 kernel_size: 1 }} quantization_param {{ {field} }} }}"
    )
    with caplog.at_level(logging.INFO, "caffe"):
        net = net_of(text)
    assert any("passed over" in line and "floating-point" in line for line in caplog.messages)
    assert not net._graph.spec.layer[1].HasField("quantization_param")
