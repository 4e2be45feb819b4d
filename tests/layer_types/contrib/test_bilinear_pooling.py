"""CompactBilinear, Covariance, SignedSqrt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe
from caffe.layer_types.contrib.bilinear_pooling import rand


def test_rand_is_that_of_linux():
    assert rand(5) == [1804289383, 846930886, 1681692777, 1714636915, 1957747793]
    assert rand(37)[34:] == [1369133069, 1125898167, 1059961393]


@law("SignedSqrt")
@drawn()
@given(SEED)
def test_roots_keep_their_sign(seed):
    x, dy = normal(seed, 2, 3, 2), normal(seed + 1, 2, 3, 2)
    x[0, 0, 0] = 0
    found = run_layer("SignedSqrt", "", [x], diffs=[dy])
    root = np.sqrt(np.abs(x.astype(np.float64)))
    agree(found.y[0], np.sign(x) * root)
    agree(found.dx[0], dy / 2 / (root + 0.03), 1e-4)


@law("Covariance")
@drawn()
@given(SEED, SMALL)
def test_a_covariance_is_a_mean_over_places_over_the_channels(seed, channels):
    """With the gradient of happynear's covariance_layer.cpp: only a square's is doubled."""
    x, dy = normal(seed, 2, channels, 2, 3), normal(seed + 1, 2, channels, channels, 1)
    found = run_layer("Covariance", "", [x], diffs=[dy])
    wide = x.astype(np.float64).reshape(2, channels, 6)
    agree(found.y[0][..., 0], wide @ wide.transpose(0, 2, 1) / 6 / channels)
    weights = dy[..., 0] * (1 + np.eye(channels))
    agree(found.dx[0].reshape(wide.shape), weights @ wide / 6 / channels)
    with pytest.raises(caffe.CaffeError, match="needs N x C x H x W"):
        run_layer("Covariance", "", [x[0]])


@law("CompactBilinear")
@drawn()
@given(SEED, SMALL, st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_products_of_channels_are_added_to_sums(seed, a, b, size, pooled):
    x, y = normal(seed, 2, a, 2, 3), normal(seed + 1, 2, b, 2, 3)
    body = f"compact_bilinear_param {{ num_output: {size} sum_pool: {str(pooled).lower()} }}"
    found = run_layer("CompactBilinear", body, [x, y]).y[0]
    drawn_numbers = rand(2 * (a + b))
    first = [drawn_numbers[i] % size for i in range(a)]
    first_signs = [2 * (n % 2) - 1 for n in drawn_numbers[a : 2 * a]]
    second = [n % size for n in drawn_numbers[2 * a : 2 * a + b]]
    second_signs = [2 * (n % 2) - 1 for n in drawn_numbers[2 * a + b :]]
    expected = np.zeros((2, size, 2, 3))
    for i, j in np.ndindex(a, b):
        product = x[:, i].astype(np.float64) * y[:, j] * first_signs[i] * second_signs[j]
        expected[:, (first[i] + second[j]) % size] += product * size
    if pooled:
        expected = expected.sum((2, 3), keepdims=True)
    agree(found, expected, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("body", "shapes", "message"),
    [
        ("", [(1, 2, 3, 3)] * 2, "num_output is missing"),
        ("num_output: 4", [(1, 2, 3, 3), (1, 2, 3, 2)], "of equal N, H and W"),
    ],
)
def test_what_does_not_fit_says_so(body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(
            "CompactBilinear",
            f"compact_bilinear_param {{ {body} }}",
            [np.zeros(shape) for shape in shapes],
        )


@law("Bilinear")
@drawn()
@given(SEED, SMALL, SMALL)
def test_all_products_of_channels_are_summed_over_a_map(seed, c, d):
    x, y = normal(seed, 2, c, 3, 4), normal(seed + 1, 2, d, 3, 4)
    found = run_layer("Bilinear", "", [x, y]).y[0]
    exact = np.einsum("nchw,ndhw->ncd", x.astype(np.float64), y)
    agree(found, exact.reshape(2, c * d, 1, 1), 1e-4, 1e-4)


def test_bilinear_needs_maps_of_one_size():
    with pytest.raises(caffe.CaffeError, match="alike but in C; found shapes"):
        run_layer("Bilinear", "", [np.zeros((1, 2, 3, 4)), np.zeros((1, 2, 4, 3))])
