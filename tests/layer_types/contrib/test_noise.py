"""Noise."""

import numpy as np
from support.laws import law, normal
from support.net_text import run_layer

import caffe


@law("Noise")
def test_noise_is_added_in_training():
    x, dy = normal(0, 100, 200), normal(1, 100, 200)
    for body, deviation in (
        ("gaussian_std: 0.5", 0.5),
        ("uniform_range: 0.3", 0.3 / 3**0.5),
        ("", 0),
    ):
        body = f"noise_param {{ bias: 2 {body} }}"
        found = run_layer("Noise", body, [x], phase=caffe.TRAIN, diffs=[dy])
        noise = found.y[0].astype(np.float64) - x
        assert abs(noise.std() - deviation) < 0.01
        assert abs(noise.mean() - (2 if deviation else 0)) < 0.02
        assert np.array_equal(found.dx[0], dy)
        assert np.array_equal(run_layer("Noise", body, [x]).y[0], x)
    assert abs(noise).max() < 1e-6


@law("Noise")
def test_uniform_noise_ends_at_its_range():
    body = "noise_param { uniform_range: 0.3 bias: 1 }"
    noise = run_layer("Noise", body, [np.zeros((100, 100))], phase=caffe.TRAIN).y[0]
    assert 0.7 <= noise.min() < 0.71
    assert 1.29 < noise.max() <= 1.3
