"""Noise, RandVec."""

import numpy as np
import pytest
from support.laws import law, normal
from support.net_text import net_of, run_layer

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


VECTORS = 'layer { name: "l" type: "RandVec" top: "y" randvec_param { %s } }'


@law("RandVec")
def test_random_vectors_are_uniform_and_anew_on_each_forward():
    for body, shape, low, high in (
        ("batch_size: 50 dim: 200", (50, 200, 1, 1), -1, 1),
        ("batch_size: 50 dim: 20 height: 2 width: 5 lower: 2 upper: 4", (50, 20, 2, 5), 2, 4),
        ("batch_size: 50 dim: 200 height: 0", (50, 200), -1, 1),
        ("", (1, 128, 1, 1), -1, 1),
    ):
        net = net_of(VECTORS % body)
        assert net.blobs["y"].data.shape == shape
        first = net.forward()["y"].copy()
        second = net.forward()["y"].copy()
        assert not np.array_equal(first, second)
        for drawn in (first, second):
            assert low <= drawn.min() < drawn.max() <= high
            if drawn.size == 10000:
                assert abs(drawn.mean() - (low + high) / 2) < 0.03
                assert abs(drawn.std() - (high - low) / 12**0.5) < 0.02


def test_random_vectors_need_a_range():
    with pytest.raises(caffe.CaffeError, match=r"layer 'l' .RandVec.: lower must be below upper"):
        net_of(VECTORS % "lower: 1")
