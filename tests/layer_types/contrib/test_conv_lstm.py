"""ConvLSTM, ConvolutionLSTM."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gradients import check_gradient
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

CONV = "num_output: 2 kernel_size: 3 pad: 1"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def convolved(x, weight, bias=0, stride=1):
    """Of (N, C, H, W), in float64, with the pad that keeps the size."""
    size = weight.shape[-1]
    pad = (size // 2, size // 2)
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), pad, pad))
    rows, columns = ((length - size) // stride + 1 for length in x.shape[2:])
    top = np.zeros((len(x), len(weight), rows, columns))
    for i, j in np.ndindex(rows, columns):
        at = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
        top[:, :, i, j] = np.einsum("nckl,ockl->no", at, weight)
    return top + np.reshape(bias, (-1, 1, 1))


def steps(gates, cont, hidden, cell, weight, bias, peepholes):
    """Of gates of what comes in, T x N x 8 x H x W: the hidden states, and the last cell."""
    outputs = []
    for now, cont_t in zip(gates, cont.reshape(*cont.shape, 1, 1, 1), strict=True):
        now = now + convolved(hidden * cont_t, weight, bias)
        i, f, o, g = np.split(now, 4, 1)
        i, f, o = (x + cell * w for x, w in zip((i, f, o), peepholes, strict=True))
        cell = cont_t * sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        outputs.append(hidden)
    return np.stack(outputs), cell


@law("ConvLSTM")
@drawn(10)
@given(SEED, st.integers(1, 2), st.booleans(), st.booleans(), st.booleans())
def test_steps_of_maps(seed, n, peeps, reads, biased):
    x, cont = normal(seed, 3, n, 2, 3, 4), np.array([[0, 1, 1], [1, 1, 0]]).T[:, :n]
    debug = f"disable_hadamard: {str(not peeps).lower()} ignore_x: {str(not reads).lower()}"
    param = f"{CONV} bias_term: {str(biased).lower()}"
    body = f"lstm_conv_param {{ {param} }} lstm_debug_param {{ {debug} }}"
    of_x, of_hidden = normal(seed + 1, 8, 2, 3, 3), normal(seed + 2, 8, 2, 3, 3)
    bias, peepholes = normal(seed + 3, 8), normal(seed + 4, 3, 3, 4)
    params = [of_x] * reads + [of_hidden] + [bias] * biased + list(peepholes) * peeps
    found = run_layer("ConvLSTM", body, [x, cont], params=params)
    gates = np.stack([convolved(now, of_x) * reads for now in x])
    rest = of_hidden, bias * biased, peepholes * peeps
    hidden, cell = steps(gates, cont, *np.zeros((2, n, 2, 3, 4)), *rest)
    agree(found.y[0], hidden, 1e-4)
    found.net.forward()  # goes on from there
    hidden, _ = steps(gates, cont, hidden[-1], cell, *rest)
    agree(found.net.blobs["y0"].data, hidden, 1e-4)


@law("ConvolutionLSTM")
@drawn(10)
@given(SEED, st.integers(1, 2))
def test_what_comes_in_may_be_seen_at_every_other_pixel(seed, stride):
    x, cont = normal(seed, 3, 2, 2, 5, 6), np.array([[0, 1, 1], [1, 1, 0]]).T
    body = (
        "recurrent_param { num_output: 2 whh_convolution_param { kernel_size: 3 pad: 1 } "
        f"wxc_convolution_param {{ kernel_size: 3 pad: 1 stride: {stride} }} }}"
    )
    of_x, of_hidden = normal(seed + 1, 8, 2, 3, 3), normal(seed + 2, 8, 2, 3, 3)
    bias = normal(seed + 3, 8)
    found = run_layer("ConvolutionLSTM", body, [x, cont], params=[of_x, bias, of_hidden]).y[0]
    gates = np.stack([convolved(now, of_x, bias, stride) for now in x])
    zeros = np.zeros((2, 2, 2, *gates.shape[3:]))
    agree(found, steps(gates, cont, *zeros, of_hidden, 0, [0, 0, 0])[0], 1e-4)


STATES = [(2, 1, 1, 3, 3), (2, 1), (1, 1, 2, 3, 3), (1, 1, 2, 3, 3)]


def test_exposed_states_are_given_and_have_gradients_in_the_first_fork():
    inputs = [normal(i, *shape) for i, shape in enumerate(STATES)]
    inputs[1] = np.ones((2, 1))
    body = f"lstm_conv_param {{ {CONV} weight_filler {{ type: 'gaussian' std: 0.3 }} }}"
    body += " recurrent_param { expose_hidden: true }"
    diffs = [np.zeros((2, 1, 2, 3, 3)), np.ones(STATES[2]), np.zeros(STATES[3])]
    found = run_layer("ConvLSTM", body, inputs, tops=3, diffs=diffs)
    agree(found.y[1][0], found.y[0][-1])
    assert found.dx[2].any()
    assert found.dx[3].any()
    assert found.dparams[0].any()
    body = (
        "recurrent_param { num_output: 2 expose_hidden: true "
        "wxc_convolution_param { kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } "
        "whh_convolution_param { kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } } }"
    )
    found = run_layer("ConvolutionLSTM", body, inputs, tops=3, diffs=diffs)
    agree(found.y[1][0], found.y[0][-1])
    assert not found.dx[2].any()


def test_the_gradient_by_states_that_are_given_is_the_derivative():
    body = "recurrent_param { expose_hidden: true } lstm_debug_param { ignore_x: true } "
    body += "lstm_conv_param { num_output: 1 kernel_size: 1 }"
    shapes = [(2, 1, 1, 2, 2), (2, 1), (1, 1, 1, 2, 2), (1, 1, 1, 2, 2)]
    marks = {0: lambda rng: np.zeros(shapes[0]), 1: lambda rng: np.ones((2, 1))}
    check_gradient("ConvLSTM", body, shapes, 0, tops=3, given=marks)


def test_an_encoder_hands_its_state_to_a_decoder_that_sees_no_frames():
    layer = (
        'layer {{ name: "{0}" type: "ConvLSTM" bottom: "{1}" bottom: "{2}" bottom: "{3}" '
        'bottom: "{4}" top: "{0}" top: "{0}_h" top: "{0}_c" {5} '
        "recurrent_param {{ expose_hidden: true }} "
        'lstm_conv_param {{ type: "hidden" num_output: 2 kernel_size: 3 pad: 1 {6} }} '
        'lstm_conv_param {{ type: "input" num_output: 2 kernel_size: 1 axis: 1 {6} }} }}'
    )
    filler = 'weight_filler { type: "gaussian" std: 0.3 }'
    text = "force_backward: true "
    for name, shape in zip(("x", "marks", "none", "nil"), STATES, strict=True):
        text += input_layer(name, *shape)
    text += input_layer("blank", 3, 1, 2, 3, 3) + input_layer("on", 3, 1)
    text += layer.format("e", "x", "marks", "none", "nil", "", filler)
    ignores = "lstm_debug_param { ignore_x: true axis_hadamard: 2 num_axes_hadamard: 3 }"
    text += layer.format("d", "blank", "on", "e_h", "e_c", ignores, filler)
    net = net_of(text, caffe.TRAIN)
    assert [blob.shape for blob in net.params["e"]] == [
        *((8, 1, 1, 1), (8, 2, 3, 3), (8,)),
        *[(3, 3)] * 3,
    ]
    assert [blob.shape for blob in net.params["d"]] == [(8, 2, 3, 3), (8,), *[(2, 3, 3)] * 3]
    assert (net.params["e"][3].data == 1).all()
    given = [normal(i, *shape) for i, shape in enumerate(STATES)]
    given[1] = np.float32([[0], [1]])
    for name, values in zip(("x", "marks", "none", "nil"), given, strict=True):
        net.blobs[name].data[...] = values
    net.blobs["on"].data[...] = 1
    for i, name in enumerate("ed"):
        for j, blob in enumerate(net.params[name]):
            blob.data[...] = 0.5 * normal(10 * (i + 1) + j, *blob.shape)
    of_x, *encoder = (blob.data.copy() for blob in net.params["e"])
    decoder = [blob.data.copy() for blob in net.params["d"]]

    def decoded(x, of_x):
        gates = np.stack([convolved(now, of_x) for now in x])
        hidden, cell = steps(gates, given[1], given[2][0], given[3][0], *encoder[:2], encoder[2:])
        no_gates, on = np.zeros((3, *gates.shape[1:])), np.ones((3, 1))
        return steps(no_gates, on, hidden[-1], cell, *decoder[:2], decoder[2:])[0]

    def slope(of, at):
        """The derivative of a sum, by differences."""
        slopes = np.zeros(at.shape)
        for place in np.ndindex(at.shape):
            step = np.zeros(at.shape)
            step[place] = 1e-5
            slopes[place] = (of(at + step).sum() - of(at - step).sum()) / 2e-5
        return slopes

    net.forward()
    agree(net.blobs["d"].data, decoded(given[0], of_x), 1e-4)
    net.blobs["d"].diff[...] = 1
    net.backward()
    agree(net.params["e"][0].diff, slope(lambda w: decoded(given[0], w), of_x), 1e-3, 1e-4)
    agree(net.blobs["x"].diff, slope(lambda x: decoded(x, of_x), given[0]), 1e-3, 1e-4)


@pytest.mark.parametrize("peeps", [True, False])
@pytest.mark.parametrize("biased", [True, False])
def test_weights_that_are_stored_gate_by_gate_are_these_when_they_are_joined(
    tmp_path, biased, peeps
):
    x, cont = normal(0, 2, 1, 2, 3, 4), np.float32([[0], [1]])
    text = input_layer("x", *x.shape) + input_layer("cont", 2, 1)
    text += 'layer { name: "l" type: "ConvLSTM" bottom: "x" bottom: "cont" top: "y" '
    text += f"lstm_debug_param {{ disable_hadamard: {str(not peeps).lower()} }} "
    text += f"lstm_conv_param {{ {CONV} bias_term: {str(biased).lower()} %s }} }}"
    net = net_of(text % "")
    of_x = [normal(i, 2, 2, 3, 3) for i in range(1, 5)]
    of_hidden = [normal(i, 2, 2, 3, 3) for i in range(5, 9)]
    biases, peepholes = [normal(i, 2) for i in range(9, 13)], list(normal(13, 3, 3, 4))
    each = zip(of_hidden, biases, strict=True) if biased else zip(of_hidden, strict=True)
    in_pieces = [*of_x, *(value for values in each for value in values), *peepholes * peeps]

    def load(net, values):
        stored = caffe.proto.caffe_pb2.NetParameter()
        layer = stored.layer.add(name="l", type="ConvLSTM")
        for value in values:
            layer.blobs.add(data=value.flatten()).shape.dim.extend(value.shape)
        (tmp_path / "net.caffemodel").write_bytes(stored.SerializeToString())
        net.copy_from(str(tmp_path / "net.caffemodel"))

    load(net, in_pieces)
    net.blobs["x"].data[...] = x
    net.blobs["cont"].data[...] = cont
    net.forward()
    gates = np.stack([np.concatenate([convolved(now, w) for w in of_x], 1) for now in x])
    bias, zeros = np.concatenate(biases) * biased, np.zeros((2, 1, 2, 3, 4))
    rest = np.concatenate(of_hidden), bias, [each * peeps for each in peepholes]
    agree(net.blobs["y"].data, steps(gates, cont, *zeros, *rest)[0], 1e-4)
    ours, theirs = len(net.params["l"]), len(in_pieces)
    shapes = re.escape(f"of shapes {', '.join(str(value.shape) for value in in_pieces)}")
    message = rf"has {ours} parameter.* holds {theirs} for it {shapes}\. Give the layer"
    with pytest.raises(caffe.CaffeError, match=message):
        load(net_of(text % "group: 2"), in_pieces)
    for first, second in (((2, 1, 3, 3), (2, 2, 3, 3)), ((), (2, 2, 3, 3)), ((1, 2, 3, 3),) * 2):
        uneven = [np.zeros(first), np.zeros(second), *in_pieces[2:]]
        with pytest.raises(caffe.CaffeError, match=f"has {ours} parameter.* holds {theirs} for it"):
            load(net, uneven)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("ConvLSTM", "", STATES[:2], "needs one lstm_conv_param"),
        ("ConvLSTM", "lstm_conv_param { kernel_size: 3 }", STATES[:2], "num_output must be one"),
        (
            "ConvLSTM",
            f"lstm_conv_param {{ {CONV} }} lstm_debug_param {{ expose: 'c_t=5' }}",
            STATES[:2],
            "leave it out",
        ),
        (
            "ConvLSTM",
            "lstm_conv_param { num_output: 2 kernel_size: 3 }",
            STATES[:2],
            "give it the pad that keeps its size",
        ),
        (
            "ConvLSTM",
            f"lstm_conv_param {{ {CONV} }}",
            [*STATES[:2], (1, 2, 3, 3)],
            "found 3 bottoms",
        ),
        ("ConvLSTM", f"lstm_conv_param {{ {CONV} }}", [(2, 1, 3), (2, 1)], "steps x streams x"),
        ("ConvLSTM", f"lstm_conv_param {{ {CONV} }}", [STATES[0], (2, 2)], "for each step and"),
        (
            "ConvLSTM",
            f"lstm_conv_param {{ {CONV} }} lstm_debug_param {{ num_axes_hadamard: 3 }}",
            STATES[:2],
            "are of the axes 2 to 4; found 3 and 3",
        ),
        ("ConvolutionLSTM", "", STATES[:2], "num_output of recurrent_param must be positive"),
        (
            "ConvolutionLSTM",
            "recurrent_param { num_output: 2 }",
            STATES[:2],
            "kernel_size, stride, dilation and group must be positive",
        ),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])
