"""SSIMLoss."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

BODY = "ssim_loss_param { kernel_size: %d stride: %d c1: 0.01 c2: 0.03 }"


@law("SSIMLoss")
@drawn()
@given(SEED, SMALL, st.integers(1, 4), st.integers(1, 3))
def test_the_windows_of_a_gaussian(seed, n, kernel, stride):
    x, y = normal(seed, n, 2, 5, 6), normal(seed + 1, n, 2, 5, 6)
    found = run_layer("SSIMLoss", BODY % (kernel, stride), [x, y]).y[0]
    at = np.arange(kernel) - kernel / 2
    weights = np.exp(-(at[:, None] ** 2 + at**2) / (2 * (kernel / 6) ** 2))
    weights /= weights.sum()
    rows, columns = (math.ceil((size - kernel) / stride) + 1 for size in (5, 6))
    total = 0.0
    for item, channel, i, j in np.ndindex(n, 2, rows, columns):
        down, right = (slice(at * stride, at * stride + kernel) for at in (i, j))
        a, b = (each[item, channel, down, right].astype(np.float64) for each in (x, y))
        w = weights[: a.shape[0], : a.shape[1]]
        u, v = (w * a).sum(), (w * b).sum()
        aa, bb, ab = (w * a * a).sum() - u * u, (w * b * b).sum() - v * v, (w * a * b).sum() - u * v
        alike = (2 * u * v + 0.01) * (2 * ab + 0.03)
        total += 1 - alike / ((u * u + v * v + 0.01) * (aa + bb + 0.03))
    agree(found, total / n, 1e-3, 1e-4)


@pytest.mark.parametrize(
    ("body", "shape", "message"),
    [
        ("", (1, 1, 4, 4), "needs kernel_size, stride, c1 and c2 above 0 .* found 0, 0, 0, 0"),
        (BODY % (5, 1), (1, 1, 4, 6), "not smaller than kernel_size 5"),
        (BODY % (2, 1), (1, 4, 4), "needs N x C x H x W"),
    ],
)
def test_what_does_not_fit_says_so(body, shape, message):
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer("SSIMLoss", body, [np.zeros(shape)] * 2)
