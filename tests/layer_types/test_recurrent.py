"""Layers with a memory: their laws, against float64 loops written here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe

D = 3  # num_output
STATES = {"LSTM": 2, "RNN": 1}
KINDS = sorted(STATES)
CONT = [0, 1, 1, 1, 0.5]  # Caffe allows more than 0 and 1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unit(cell, gates, cont):
    i, f, o, g = np.split(gates, 4, -1)
    cell = cont * sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return cell, sigmoid(o) * np.tanh(cell)


def loop(kind, x, cont, params, state, static=None):
    """Outputs and last state, written step by step; params in BVLC's order."""
    w_x, b, *rest = (np.float64(p) for p in params)
    more = 0 if static is None else static.reshape(len(static), -1) @ rest.pop(0).T
    outputs = []
    for x_t, cont_t in zip(x.reshape(*x.shape[:2], -1), cont[..., None], strict=True):
        drive = (cont_t * state[0]) @ rest[0].T + x_t @ w_x.T + b + more
        if kind == "LSTM":
            cell, hidden = unit(state[1], drive, cont_t)
            outputs.append(hidden)
            state = [hidden, cell]
        else:
            state = [np.tanh(drive)]
            outputs.append(np.tanh(state[0] @ rest[1].T + rest[2]))
    return np.array(outputs), state


def shapes(kind, inputs, static=None):
    rows = 4 * D if kind == "LSTM" else D
    out = [(rows, inputs), (rows,), *([] if static is None else [(rows, static)]), (rows, D)]
    return out if kind == "LSTM" else [*out, (D, D), (D,)]


def weights(kind, seed, inputs, static=None):
    return [normal(seed + i, *shape) for i, shape in enumerate(shapes(kind, inputs, static))]


def zeros(kind, streams):
    return [np.zeros((streams, D))] * STATES[kind]


def body(more: str = "") -> str:
    return f"recurrent_param {{ num_output: {D} {more} }}"


def net_with(kind, x, cont, params):
    """A net of one layer that goes on from forward to forward."""
    net = net_of(
        "force_backward: true "
        + input_layer("x", *x.shape)
        + input_layer("cont", *cont.shape)
        + f'layer {{ name: "l" type: "{kind}" bottom: "x" bottom: "cont" top: "y" {body()} }}'
    )
    for blob, value in zip(net.params["l"], params, strict=True):
        blob.data[...] = value
    return net


def forward(net, x, cont):
    for name, value in (("x", x), ("cont", cont)):
        net.blobs[name].reshape(*value.shape)
        net.blobs[name].data[...] = value
    net.forward()
    return net.blobs["y"].data.copy()


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
@drawn(15)
@given(
    SEED, SMALL, SMALL, st.sampled_from([(2,), (2, 1, 2)]), st.sampled_from([None, (1,), (2, 2)])
)
def test_steps_follow_one_another_and_a_static_input_drives_all(
    kind, seed, steps, streams, values, static
):
    x = normal(seed, steps, streams, *values)
    cont = np.random.RandomState(seed).choice(CONT, (steps, streams))
    inputs, sizes = [x, cont], [int(np.prod(values))]
    if static:
        inputs.append(normal(seed + 1, streams, *static))
        sizes.append(int(np.prod(static)))
    params = weights(kind, seed, *sizes)
    ran = run_layer(kind, body("debug_info: true"), inputs, params=params)
    assert [p.shape for p in ran.params] == shapes(kind, *sizes)
    agree(ran.y[0], loop(kind, x, cont, params, zeros(kind, streams), *inputs[2:])[0])


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
@drawn(10)
@given(SEED)
def test_the_state_goes_on_to_the_next_forward_and_cont_0_starts_anew(kind, seed):
    x = normal(seed, 6, 2, 4)
    cont = np.ones((6, 2))
    cont[4, 1] = 0
    params = weights(kind, seed, 4)
    net = net_with(kind, x[:2], cont[:2], params)
    parts = [forward(net, x[at : at + 2], cont[at : at + 2]) for at in (0, 2, 4)]
    expected = loop(kind, x, cont, params, zeros(kind, 2))[0]
    agree(np.concatenate(parts), expected)
    net.layers[-1].reset()
    agree(forward(net, x[:2], cont[:2]), expected[:2])


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
def test_fewer_streams_go_on_with_their_state_and_more_start_from_zeros(kind):
    """As in Caffe, whose state blobs keep their memory until it is too small."""
    x, params = normal(0, 1, 3, 2), weights(kind, 1, 2)
    ones = np.ones((1, 3))
    net = net_with(kind, x, ones, params)
    forward(net, x, ones)
    _, state = loop(kind, x, ones, params, zeros(kind, 3))
    few = forward(net, x[:, :1], ones[:, :1])
    expected, first = loop(kind, x[:, :1], ones[:, :1], params, [s[:1] for s in state])
    agree(few, expected)
    state = [np.concatenate([a, b[1:]]) for a, b in zip(first, state, strict=True)]
    agree(forward(net, x, ones), loop(kind, x, ones, params, state)[0])
    more, ones = normal(2, 1, 4, 2), np.ones((1, 4))
    agree(forward(net, more, ones), loop(kind, more, ones, params, zeros(kind, 4))[0])


def exposed(kind, x, cont, hidden, params, diffs):
    return run_layer(
        kind,
        body("expose_hidden: true"),
        [x, cont, *hidden],
        tops=1 + STATES[kind],
        params=params,
        diffs=diffs,
    )


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
def test_an_exposed_state_comes_and_goes_as_blobs_but_no_gradient_does(kind):
    """recurrent_layer.cpp shares the data of these blobs, not their diff."""
    x, params = normal(0, 3, 2, 4), weights(kind, 1, 4)
    cont = np.ones((3, 2))
    hidden = [normal(9 + i, 1, 2, D) for i in range(STATES[kind])]
    dy = normal(20, 3, 2, D)
    none = [np.zeros((1, 2, D))] * STATES[kind]
    ran = exposed(kind, x, cont, hidden, params, [dy, *none])
    y, state = loop(kind, x, cont, params, [h[0] for h in hidden])
    agree(ran.y[0], y)
    for ours, theirs in zip(ran.y[1:], state, strict=True):
        agree(ours, theirs[None])
    assert not any(d.any() for d in ran.dx[1:])
    other = exposed(kind, x, cont, hidden, params, [dy, *hidden])
    for ours, theirs in zip(other.dparams + other.dx, ran.dparams + ran.dx, strict=True):
        assert np.array_equal(ours, theirs)


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_goes_back_into_an_earlier_forward(kind):
    """The gradients of a second forward are those with its first state as a constant."""
    x, params, dy = normal(0, 4, 2, 3), weights(kind, 1, 3), normal(5, 2, 2, D)
    ones = np.ones((2, 2))
    net = net_with(kind, x[:2], ones, params)
    forward(net, x[:2], ones)
    forward(net, x[2:], ones)
    net.blobs["y"].diff[...] = dy
    net.backward()
    _, state = loop(kind, x[:2], ones, params, zeros(kind, 2))
    hidden = [s[None] for s in state]
    ran = exposed(kind, x[2:], ones, hidden, params, [dy, *[0 * h for h in hidden]])
    agree(net.blobs["x"].diff, ran.dx[0])
    for ours, theirs in zip(net.params["l"], ran.dparams, strict=True):
        agree(ours.diff, theirs)


@law("LSTM", "RNN")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_biases_have_a_filler_each(kind):
    fillers = 'weight_filler { type: "constant" value: 2 } bias_filler { value: 3 }'
    ran = run_layer(kind, body(fillers), [np.zeros((1, 1, 2)), np.zeros((1, 1)), np.zeros((1, 2))])
    assert all((p == (2 if p.ndim == 2 else 3)).all() for p in ran.params)
    assert not any(p.any() for p in run_layer(kind, body(), [[[[1]]], [[1]]]).params)


@law("LSTMUnit")
@drawn()
@given(SEED, SMALL, SMALL)
def test_lstm_unit_is_one_step_and_its_forget_gate_has_the_slope_f_times_1_minus_f(
    seed, streams, size
):
    """f is cont * sigmoid, so for a cont but 0 and 1 this is not the derivative."""
    cell, gates = normal(seed, 1, streams, size), normal(seed + 1, 1, streams, 4 * size)
    cont = np.random.RandomState(seed).choice(CONT, (1, streams))
    diffs = [normal(seed + i, *cell.shape) for i in (2, 3)]
    ran = run_layer("LSTMUnit", "", [cell, gates, cont], tops=2, diffs=diffs)
    next_cell, hidden = unit(np.float64(cell), np.float64(gates), cont[..., None])
    agree(ran.y[0], next_cell)
    agree(ran.y[1], hidden)

    i, f, o, g = np.split(np.float64(gates), 4, -1)
    i, f, o, g = sigmoid(i), cont[..., None] * sigmoid(f), sigmoid(o), np.tanh(g)
    out = np.tanh(next_cell)
    d_cell = diffs[0] + diffs[1] * o * (1 - out**2)
    agree(ran.dx[0], d_cell * f)
    d_gates = [
        d_cell * g * i * (1 - i),
        d_cell * cell * f * (1 - f),
        diffs[1] * out * o * (1 - o),
        d_cell * i * (1 - g**2),
    ]
    agree(ran.dx[1], np.concatenate(d_gates, -1))
    assert not ran.dx[2].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([(2, 3), (2, 3)], r"steps x streams x values; found shape \(2, 3\)"),
        ([(0, 3, 4), (0, 3)], r"found shape \(0, 3, 4\)"),
        ([(2, 3, 4), (3, 2)], r"'x1' must hold .*\(2, 3\); found shape \(3, 2\)"),
        ([(2, 3, 4), (2, 3, 1)], r"'x1'.*found shape \(2, 3, 1\)"),
        ([(2, 3, 4), (2, 3), (2, 4)], r"'x2' must be 3 streams x values; found.*\(2, 4\)"),
        ([(2, 3, 4), (2, 3), (3,)], r"'x2' must be.*\(3,\)"),
        ([(2, 3, 4)], r"takes 2 to 3 bottom blob\(s\); found 1"),
    ],
)
def test_bottoms_that_are_no_sequence_are_refused(kind, inputs, message):
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): .*{message}"):
        run_layer(kind, body(), [np.zeros(shape) for shape in inputs])


@pytest.mark.parametrize("kind", KINDS)
def test_other_sizes_than_the_layer_was_built_for_are_refused(kind):
    with pytest.raises(caffe.CaffeError, match="num_output must be positive; found 0"):
        run_layer(kind, "", [np.zeros((2, 3, 4)), np.zeros((2, 3))])
    hidden = [np.zeros((3, D))] * STATES[kind]
    with pytest.raises(caffe.CaffeError, match=r"'x2' must have shape \(1, 3, 3\); found \(3, 3\)"):
        exposed(kind, np.zeros((2, 3, 4)), np.zeros((2, 3)), hidden, [], [])
    with pytest.raises(caffe.CaffeError, match=r"top blob\(s\); found 1"):
        run_layer(
            kind, body("expose_hidden: true"), [np.zeros((2, 3, 4)), np.zeros((2, 3)), *hidden]
        )
    net = net_with(kind, np.zeros((2, 3, 4)), np.zeros((2, 3)), weights(kind, 0, 4))
    with pytest.raises(caffe.CaffeError, match=r"the 2 steps it was built for.*\(4, 3, 4\)"):
        forward(net, np.zeros((4, 3, 4)), np.zeros((4, 3)))
    with pytest.raises(caffe.CaffeError, match=r"take \[4\] values of a stream.*\[5\]"):
        forward(net, np.zeros((2, 3, 5)), np.zeros((2, 3)))


@pytest.mark.parametrize(
    "inputs",
    [
        [(2, 3), (1, 2, 12), (1, 2)],
        [(2, 2, 3), (1, 2, 12), (1, 2)],
        [(1, 2, 3), (1, 2, 9), (1, 2)],
        [(1, 2, 3), (1, 3, 12), (1, 2)],
        [(1, 2, 3), (1, 2, 12), (1, 2, 1)],
    ],
)
def test_lstm_unit_refuses_other_shapes(inputs):
    with pytest.raises(
        caffe.CaffeError, match=r"layer 'l' \(LSTMUnit\): needs a cell of shape 1 x"
    ):
        run_layer("LSTMUnit", "", [np.zeros(shape) for shape in inputs], tops=2)


@pytest.mark.parametrize(
    ("kind", "before", "rest"),
    [
        ("LSTM", ["a"], f'top: "y" loss_weight: 1 {body()}'),
        ("RNN", ["a"], f'top: "y" loss_weight: 1 {body()}'),
        ("LSTMUnit", ["a", "b"], 'top: "y" top: "z" loss_weight: 1 loss_weight: 1'),
    ],
)
def test_cont_cannot_be_learnt(kind, before, rest):
    bottoms = " ".join(f'bottom: "{name}"' for name in [*before, "cont"])
    net = net_of(
        input_layer("a", 1, 2, 3)
        + input_layer("b", 1, 2, 12)
        + input_layer("c", 1, 2)
        + 'layer { name: "s" type: "Scale" bottom: "c" top: "cont" }'
        + f'layer {{ name: "l" type: "{kind}" {bottoms} {rest} }}'
    )
    net.forward()
    at = len(before)
    with pytest.raises(caffe.CaffeError, match=rf"layer 'l' \({kind}\): has no gradient .* {at},"):
        net.backward()
