"""Xilinx' fixed-point layers: numbers of few bits, and where their point lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_in_place, run_layer

import caffe

KINDS = {
    "ConvolutionFixed": ("Convolution", "convolution_param { num_output: 3 kernel_size: 2 }"),
    "DeconvolutionFixed": ("Deconvolution", "convolution_param { num_output: 3 kernel_size: 2 }"),
    "InnerProductFixed": ("InnerProduct", "inner_product_param { num_output: 3 }"),
}
SHAPES = {
    "ConvolutionFixed": ((3, 2, 2, 2), (3,)),
    "DeconvolutionFixed": ((2, 3, 2, 2), (3,)),
    "InnerProductFixed": ((3, 24), (3,)),
}
METHODS = ("OVER_FLOW", "DIFF_S", "DIFF_A", "DIFF_S_SIGMOID")
BITS = st.integers(2, 8)


def up(x):
    return np.floor(x + 0.5)


def away(x):
    return np.sign(x) * np.floor(abs(x) + 0.5)


def fixed(x, bits, behind, rounding=up):
    most = 2.0 ** (bits - 1)
    return np.clip(rounding(x * 2.0**behind), -most, most - 1) / 2.0**behind


def behind_of(x, bits, method="OVER_FLOW"):
    """How many bits of x are behind the point, by trying all numbers."""
    x = np.asarray(x, np.float64)
    most = 2 ** (bits - 1)
    room = max(
        behind
        for behind in range(-40, 41)
        if (-most - 0.5 <= x * 2.0**behind).all() and (x * 2.0**behind <= most - 0.5).all()
    )

    def error(behind):
        found = fixed(x, bits, behind, away)
        if method != "DIFF_S_SIGMOID":
            return ((x - found) ** 2).sum()
        return ((1 / (1 + np.exp(-x)) - 1 / (1 + np.exp(-found))) ** 2).sum()

    tried = {"OVER_FLOW": 1, "DIFF_S_SIGMOID": 10}.get(method, 5)
    return min(range(room, room + tried), key=error)


def neuron(x, bits, more="", **keywords):
    return run_layer("FixedNeuron", f"fixed_param {{ bit_width: {bits} {more} }}", [x], **keywords)


@law("FixedNeuron")
@drawn(15)
@given(SEED, BITS, st.integers(-2, 5), st.sampled_from(METHODS))
def test_in_test_its_parameter_says_what_a_neuron_keeps(seed, bits, behind, method):
    x, dy = 3 * normal(seed, 2, 3, 4), normal(seed + 1, 2, 3, 4)
    found = neuron(x, bits, f"fixed_method: {method}", params=[[behind + 0.25]], diffs=[dy])
    np.testing.assert_array_equal(found.y[0], fixed(x, bits, behind))
    np.testing.assert_array_equal(found.dx[0], dy)
    assert found.params[0].tolist() == [behind + 0.25]


@law("FixedNeuron")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [0.1, 1, 3])
@pytest.mark.parametrize("bits", [2, 5, 8])
def test_in_training_it_is_what_most_batches_say(bits, method, scale):
    text = (
        "force_backward: true "
        + input_layer("x", 2, 3, 4)
        + (
            'layer { name: "l" type: "FixedNeuron" bottom: "x" top: "y" '
            f"fixed_param {{ bit_width: {bits} fixed_method: {method} }} }}"
        )
    )
    net = net_of(text, caffe.TRAIN)
    said = []
    for number, size in enumerate((1, 4, 4, 1, 8, 1)):
        x = normal(number, 2, 3, 4) * np.float32(scale * size)
        net.blobs["x"].data[...] = x
        net.forward()
        said.append(behind_of(x, bits, method))
        most = min(said, key=lambda place: (-said.count(place), place))
        assert net.params["l"][0].data.tolist() == [most]
        behind = said[-1] if method == "OVER_FLOW" else most
        np.testing.assert_array_equal(net.blobs["y"].data, fixed(x, bits, behind))


def test_a_neuron_runs_in_place_and_keeps_zeros():
    x, dy = normal(0, 2, 3), normal(1, 2, 3)
    y, dx = run_in_place("FixedNeuron", "fixed_param { bit_width: 3 }", x, dy)
    np.testing.assert_array_equal(y, fixed(x, 3, 0))
    np.testing.assert_array_equal(dx, dy)
    found = neuron(np.zeros((2, 3)), 8, phase=caffe.TRAIN)
    assert not found.y[0].any()
    assert found.params[0].tolist() == [32767]
    assert not neuron(np.zeros((2, 3)), 8, params=found.params).y[0].any()


def test_data_that_is_followed_is_cut_towards_0():
    x = np.float32([[-100, -1.75, -1.25, -0.25, 0.25, 0.75, 1.25, 100]])
    more = "follow_data_layer: true"
    found = neuron(x, 3, more, params=[[1]])
    assert found.y[0].tolist() == [[-100, -1.5, -1, 0, 0, 0.5, 1, 100]]
    found = neuron(x[:, 1:-1], 4, more, phase=caffe.TRAIN)
    assert found.params[0].tolist() == [2]
    found = neuron(x[:, 1:-1] * 2, 3, more, phase=caffe.TRAIN)
    assert found.params[0].tolist() == [0]
    assert found.y[0].tolist() == [[-4, -3, -1, 1, 2, 3]]


@drawn(15)
@given(SEED)
def test_what_is_not_enabled_changes_nothing(seed):
    x, dy = normal(seed, 2, 4), normal(seed + 1, 2, 4)
    for phase in (caffe.TRAIN, caffe.TEST):
        found = neuron(x, 2, "enable: false", phase=phase, diffs=[dy])
        np.testing.assert_array_equal(found.y[0], x)
        np.testing.assert_array_equal(found.dx[0], dy)
        assert found.params[0].tolist() == [0]
    weight = normal(seed + 2, 3, 4)
    body = "inner_product_param { num_output: 3 bias_term: false } fixed_param { bit_width: 2 "
    found = run_layer("InnerProductFixed", body + "enable: false }", [x], params=[weight])
    agree(found.y[0], x @ weight.T)


@law(*KINDS)
@drawn(25)
@given(SEED, st.sampled_from(list(KINDS)), BITS, st.sampled_from(["OVER_FLOW", "DIFF_S"]))
def test_weights_have_few_bits_and_gradients_go_through(seed, kind, bits, method):
    plain, body = KINDS[kind]
    x = normal(seed, 2, 2, 3, 4)
    params = [normal(seed + 1 + i, *shape) for i, shape in enumerate(SHAPES[kind])]
    short = [fixed(each, bits, behind_of(each, bits, method), away) for each in params]
    dy = normal(seed + 4, *run_layer(plain, body, [x]).y[0].shape)
    expected = run_layer(plain, body, [x], params=short).y[0]
    exact = run_layer(plain, body, [x], params=params, diffs=[dy])
    body += f" fixed_param {{ bit_width: {bits} fixed_method: {method} }}"
    for phase in (caffe.TEST, caffe.TRAIN):
        found = run_layer(kind, body, [x], params=params, diffs=[dy], phase=phase)
        agree(found.y[0], expected)
        agree(found.dx[0], exact.dx[0])
        for ours, theirs in zip(found.dparams, exact.dparams, strict=True):
            agree(ours, theirs)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("FixedNeuron", "fixed_param { bit_width: -1 }", "bit_width is 2 to 24; found -1"),
        ("FixedNeuron", "fixed_param { bit_width: 25 }", "bit_width is 2 to 24; found 25"),
        ("FixedNeuron", "fixed_param { bit_width: 8 } param { }", "set lr_mult to 0"),
        (
            "InnerProductFixed",
            "inner_product_param { num_output: 1 } fixed_param { bit_width: 1 }",
            "2 to 24; found 1",
        ),
        (
            "InnerProductFixed",
            "inner_product_param { num_output: 1 } fixed_param { bit_width: 8 "
            "fixed_method: DIFF_A }",
            "fixed_method is OVER_FLOW or DIFF_S; found DIFF_A",
        ),
    ],
)
def test_bits_and_methods_that_there_are_not_are_refused(kind, body, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros((1, 3))])
