"""DomainTransform, as the paper's recursion in float64, and SpatialProduct."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe

PARAM = "domain_transform_param {{ spatial_sigma: 5 range_sigma: 2 num_iter: {} min_weight: {} }}"


def filtered(x, edges, size, rounds, least):
    """Of an image, C x H x W."""
    y = x.astype(np.float64)
    height, width = size
    for i in range(rounds):
        sigma = 5 * np.sqrt(3) * 2 ** (rounds - i - 1) / np.sqrt(4**rounds - 1)
        w = np.clip(np.exp(-np.sqrt(2) / sigma * (1 + edges * 5 / 2)), least, 1)
        for h in range(height):
            for j in range(1, width):
                y[:, h, j] += w[h, j] * (y[:, h, j - 1] - y[:, h, j])
            for j in range(width - 2, -1, -1):
                y[:, h, j] += w[h, j + 1] * (y[:, h, j + 1] - y[:, h, j])
        for j in range(width):
            for h in range(1, height):
                y[:, h, j] += w[h, j] * (y[:, h - 1, j] - y[:, h, j])
            for h in range(height - 2, -1, -1):
                y[:, h, j] += w[h + 1, j] * (y[:, h + 1, j] - y[:, h, j])
    return y


@law("DomainTransform")
@drawn(15)
@given(SEED, SMALL, st.integers(1, 3), st.sampled_from([0, 0.5]))
def test_values_spread_but_for_edges(seed, n, rounds, least):
    x, edges = normal(seed, n, 2, 4, 5), abs(normal(seed + 1, n, 1, 4, 5))
    sizes = np.stack([[4 - i % 2, 5 - i % 3] for i in range(n)])
    found = run_layer("DomainTransform", PARAM.format(rounds, least), [x, edges, sizes]).y[0]
    for i in range(n):
        expected = filtered(x[i], edges[i, 0].astype(np.float64), sizes[i], rounds, least)
        agree(found[i], expected, 1e-4, 1e-5)


def test_where_the_weight_is_the_least_it_has_the_forks_gradient():
    x, edges = normal(0, 1, 1, 1, 2), np.full((1, 1, 1, 2), 9.0)
    dy = np.float32([[[[0, 1]]]])
    found = run_layer("DomainTransform", PARAM.format(1, 0.5), [x, edges, [[1, 2]]], diffs=[dy])
    decay = -np.sqrt(2) / 5
    agree(found.dx[1].ravel(), [0, decay * 2.5 * 0.5 * (x[0, 0, 0, 0] - x[0, 0, 0, 1])], 1e-4)
    agree(found.dx[0].ravel(), [0.5, 0.5])


@law("SpatialProduct")
@drawn()
@given(SEED, SMALL)
def test_each_place_is_weighed(seed, n):
    x, weight, dy = (normal(seed + i, n, c, 2, 3) for i, c in enumerate((3, 1, 3)))
    found = run_layer("SpatialProduct", "", [x, weight], diffs=[dy])
    agree(found.y[0], x.astype(np.float64) * weight)
    agree(found.dx[0], dy.astype(np.float64) * weight)
    agree(found.dx[1], (dy.astype(np.float64) * x).sum(1, keepdims=True), 1e-4)


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("DomainTransform", "", [(1, 1, 2, 2), (1, 1, 2, 2), (1, 2)], "must be positive"),
        ("DomainTransform", PARAM.format(1, 0), [(1, 1, 2, 2), (1, 2, 2, 2), (1, 2)], "edges"),
        ("SpatialProduct", "", [(1, 1, 2, 2), (1, 1, 2, 1)], "needs N x C x H x W and N x 1"),
    ],
)
def test_what_does_not_fit_says_so(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])


@pytest.mark.parametrize(
    ("size", "found"),
    [((2, 3), "2 x 3"), ((0, 1), "0 x 1"), ((-1, 2), "-1 x 2"), ((np.nan, 2), "nan x 2")],
)
def test_an_image_lies_in_the_maps(size, found):
    bottoms = [np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2)), [size]]
    with pytest.raises(caffe.CaffeError, match=f"1 x 1 to the maps' 2 x 2; 'x2' holds {found}"):
        run_layer("DomainTransform", PARAM.format(1, 0), bottoms)
