"""GuidedDropout: channels whose guidance is low are left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def body(kind, field):
    return f'guided_dropout_param {{ type: "{kind}" {field} }}'


@law("GuidedDropout")
@drawn()
@given(SEED, SMALL, SMALL, st.sampled_from([(), (2,), (2, 3)]), st.sampled_from([-9.0, 0.2, 9.0]))
def test_channels_with_a_low_guidance_are_zeroed(seed, n, c, more, threshold):
    x, guidance, dy = (
        normal(seed, n, c, *more),
        normal(seed + 1, n, c),
        normal(seed + 2, n, c, *more),
    )
    given_body = body("deterministic", f"guidance_threshold: {threshold}")
    mask = (guidance > np.float32(threshold)).astype(np.float64)
    scale = mask * c / np.maximum(mask.sum(1, keepdims=True), 1)
    scale = scale.reshape(n, c, *[1] * len(more))
    for phase in (caffe.TRAIN, caffe.TEST):
        found = run_layer("GuidedDropout", given_body, [x, guidance], phase=phase, diffs=[dy])
        agree(found.y[0], x * scale)
        agree(found.dx[0], dy * scale)
        assert not found.dx[1].any()


def test_channels_stay_with_the_probability_of_their_guidance():
    n, c, scaler = 2000, 3, 2.0
    guidance = np.tile(np.float32([-1, 0, 0.5]), (n, 1))
    x = np.ones((n, c, 1, 2), np.float32)
    given_body = body("stochastic", f"sigmoid_scaler: {scaler}")
    keep = 1 / (1 + np.exp(-scaler * guidance[0].astype(np.float64)))
    found = run_layer("GuidedDropout", given_body, [x, guidance], phase=caffe.TRAIN, diffs=[x])
    y = found.y[0]
    assert (y[..., :1] == y).all()  # a channel as a whole
    agree(np.unique(y), [0, c / keep.sum()])
    agree((y > 0).mean((0, 2, 3)), keep, 0.1)
    np.testing.assert_array_equal(found.dx[0], y)
    np.testing.assert_array_equal(run_layer("GuidedDropout", given_body, [x, guidance]).y[0], x)


@pytest.mark.parametrize(
    ("given_body", "shapes", "message"),
    [
        ("", [(2, 3), (2, 3)], "is one of deterministic, stochastic; found ''"),
        (body("stochastic", "guidance_threshold: 1"), [(2, 3), (2, 3)], "needs a sigmoid_scaler"),
        (body("deterministic", ""), [(2, 3), (2, 3)], "needs a guidance_threshold"),
        (body("stochastic", "sigmoid_scaler: 1"), [(2, 3), (2, 4)], "each item and channel"),
        (body("stochastic", "sigmoid_scaler: 1"), [(2, 3), (2, 3, 2)], "each item and channel"),
    ],
)
def test_what_does_not_fit_says_so(given_body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .GuidedDropout.: .*{message}"):
        run_layer("GuidedDropout", given_body, [np.zeros(shape) for shape in shapes])
