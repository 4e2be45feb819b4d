"""Lstm of CTPN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unrolled(x, cont, weight, recurrent, bias, cell, hidden):
    """Step by step, in float64: T x N x I to T x N x D, and the state behind it."""
    tops = []
    for x_t, cont_t in zip(x.astype(np.float64), cont[:, :, None], strict=True):
        gates = x_t @ weight.T.astype(np.float64) + bias + (hidden * cont_t) @ recurrent.T
        i, f, o, g = np.split(gates, 4, 1)
        cell = cont_t * sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        tops.append(hidden)
    return np.stack(tops), cell, hidden


@law("Lstm")
@drawn()
@given(SEED, SMALL, SMALL, st.booleans())
def test_the_steps_follow_one_another(seed, steps, streams, flat):
    x = normal(seed, steps, streams, 3)
    params = normal(seed + 1, 8, 3), normal(seed + 2, 8, 2), normal(seed + 3, 8)
    more = f"batch_size: {streams}" if flat else ""
    given = x.reshape(-1, 3) if flat else x
    found = run_layer("Lstm", f"lstm_param {{ num_output: 2 {more} }}", [given], params=params)
    zeros = np.zeros((streams, 2))
    expected, *_ = unrolled(x, np.ones((steps, streams)), *params, zeros, zeros)
    agree(found.y[0], expected.reshape((-1, 2) if flat else (steps, streams, 2)))
    found.net.forward()  # from zeros again
    agree(found.net.blobs["y0"].data.ravel(), expected.ravel())


def test_a_bottom_of_two_axes_has_one_stream():
    x, cont = normal(0, 4, 3), np.float32([0, 1, 0, 1])
    params = normal(1, 8, 3), normal(2, 8, 2), normal(3, 8)
    found = run_layer("Lstm", "lstm_param { num_output: 2 }", [x, cont[:, None]], params=params)
    zeros = np.zeros((1, 2))
    expected, *_ = unrolled(x[:, None], cont[:, None], *params, zeros, zeros)
    agree(found.y[0], expected[:, 0])


def test_with_a_second_bottom_the_state_goes_on_until_0():
    x, cont = normal(0, 3, 2, 3), np.array([[0, 1], [1, 1], [1, 0]])
    params = normal(1, 8, 3), normal(2, 8, 2), normal(3, 8)
    found = run_layer("Lstm", "lstm_param { num_output: 2 }", [x, cont], params=params)
    expected, *state = unrolled(x, cont, *params, np.zeros((2, 2)), np.zeros((2, 2)))
    agree(found.y[0], expected)
    found.net.forward()
    agree(found.net.blobs["y0"].data, unrolled(x, cont, *params, *state)[0])


def test_the_gates_gradients_are_clipped():
    x, params = normal(0, 1, 1, 3), (normal(1, 8, 3), normal(2, 8, 2), normal(3, 8))
    dy = 100 * normal(4, 1, 1, 2)
    plain, clipped = (
        run_layer("Lstm", f"lstm_param {{ num_output: 2 {more} }}", [x], params=params, diffs=[dy])
        for more in ("", "clipping_threshold: 0.5")
    )
    assert np.abs(plain.dparams[2]).max() > 0.5
    agree(clipped.dparams[2], np.clip(plain.dparams[2], -0.5, 0.5))
    agree(clipped.dx[0][0, 0], clipped.dparams[2].astype(np.float64) @ params[0])


@pytest.mark.parametrize(
    ("body", "shapes", "message"),
    [
        ("", [(2, 2, 2)], "num_output must be positive"),
        ("lstm_param { num_output: 1 }", [(2,)], "needs steps x values or steps x st"),
        ("lstm_param { num_output: 1 batch_size: 3 }", [(2, 2)], "batch_size 3 must divide"),
        ("lstm_param { num_output: 1 }", [(2, 2, 2), (2, 1)], "needs one value for each"),
    ],
)
def test_what_does_not_fit_says_so(body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .Lstm.: .*{message}"):
        run_layer("Lstm", body, [np.zeros(shape) for shape in shapes])
