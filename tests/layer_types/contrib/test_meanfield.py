"""MultiStageMeanfield, and the lattice that it filters on."""

import math

import numpy as np
import pytest
import torch
from support.laws import agree, law, normal
from support.net_text import run_layer

import caffe
from caffe.layer_types.contrib import permutohedral


def vertices_around(position):
    """Keys and weights of the lattice's vertices around a position, one coordinate at a time.

    Adams et al. 2010, sections 3 and 4, in plain Python.
    """
    d = len(position)
    scaled = [
        p * math.sqrt(2 / 3) * (d + 1) / math.sqrt((i + 1) * (i + 2))
        for i, p in enumerate(position)
    ]
    elevated = [sum(scaled[j:]) - (j * scaled[j - 1] if j else 0) for j in range(d + 1)]
    nearest = [round(e / (d + 1)) * (d + 1) for e in elevated]
    apart = [e - n for e, n in zip(elevated, nearest, strict=True)]
    rank = [
        sum(other > own or (other == own and j < i) for j, other in enumerate(apart))
        for i, own in enumerate(apart)
    ]
    excess = sum(nearest) // (d + 1)
    for i in range(d + 1):
        rank[i] += excess
        turn = (rank[i] < 0) - (rank[i] > d)
        rank[i] += turn * (d + 1)
        nearest[i] += turn * (d + 1)
    apart = [(e - n) / (d + 1) for e, n in zip(elevated, nearest, strict=True)]
    by_rank = [apart[rank.index(r)] for r in range(d + 1)]  # falling
    weights = [1 + by_rank[d] - by_rank[0]] + [
        by_rank[d - k] - by_rank[d - k + 1] for k in range(1, d + 1)
    ]
    keys = [
        tuple(n + (k if r <= d - k else k - (d + 1)) for n, r in zip(nearest, rank, strict=True))
        for k in range(d + 1)
    ]
    return keys, weights


def filtered(positions, values):
    """The same filter with a dictionary for a lattice."""
    n, d = positions.shape
    around = [vertices_around(p.tolist()) for p in positions]
    at = {}
    for (keys, weights), value in zip(around, values, strict=True):
        for key, weight in zip(keys, weights, strict=True):
            at[key] = at.get(key, 0) + weight * value
    for axis in range(d + 1):
        step = [d if i == axis else -1 for i in range(d + 1)]
        zero = np.zeros(values.shape[1])
        at = {
            key: value
            + 0.5 * at.get(tuple(k + s for k, s in zip(key, step, strict=True)), zero)
            + 0.5 * at.get(tuple(k - s for k, s in zip(key, step, strict=True)), zero)
            for key, value in at.items()
        }
    scale = 1 / (1 + 2.0**-d)
    return np.array(
        [sum(w * at[k] for k, w in zip(*each, strict=True)) * scale for each in around]
    ).reshape(n, -1)


def lattice_filtered(positions, values):
    on = permutohedral.lattice(torch.tensor(positions, dtype=torch.float64))
    return permutohedral.filtered(on, torch.tensor(values, dtype=torch.float64)).numpy()


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_lattice_filters_as_its_paper_says(d):
    rng = np.random.RandomState(d)
    positions, values = rng.randn(40, d) * 3, rng.randn(40, 2)
    agree(lattice_filtered(positions, values), filtered(positions, values), 1e-9, 1e-9)


def picture(size, image):
    """Places over theta_alpha with colours over theta_beta, and places over theta_gamma."""
    y, x = np.indices(size).reshape(2, -1).astype(float)
    colours = image.reshape(3, -1).T
    return (
        np.stack([x, y], 1) / THETA_GAMMA,
        np.concatenate([np.stack([x, y], 1) / THETA_ALPHA, colours / THETA_BETA], 1),
    )


THETA_ALPHA, THETA_BETA, THETA_GAMMA = 6, 2, 3


def smooth_image(h, w):
    y, x = np.indices((h, w)).astype(float)
    return np.stack([np.sin(x / 8) * 3, y / 10, np.cos((x + y) / 12) * 2])


def test_normalised_it_is_close_to_the_exact_gaussian_sum():
    size = (24, 24)
    values = np.random.RandomState(0).rand(size[0] * size[1], 2)
    for positions in picture(size, smooth_image(*size)):
        apart = ((positions[:, None] - positions) ** 2).sum(2)
        gaussian = np.exp(-apart / 2)
        exact = gaussian @ values / gaussian.sum(1, keepdims=True)
        ones = np.ones((len(positions), 1))
        ours = lattice_filtered(positions, values) / lattice_filtered(positions, ones)
        assert np.abs(ours - exact).max() < 0.02 < np.abs(exact - exact.mean(0)).max()


def meanfield(unary, start, image, params, iterations, filters):
    """Zheng et al. 2015, algorithm 1, on one item: C x H x W."""
    scores, shape = start.reshape(len(start), -1), start.shape
    unary = unary.reshape(len(unary), -1)
    spatial, bilateral, compatibility = params
    for _ in range(iterations):
        q = np.exp(scores - scores.max(0))
        q /= q.sum(0)
        messages = [(f(q.T) / f(np.ones((q.shape[1], 1)))).T for f in filters]
        message = spatial @ messages[0] + bilateral @ messages[1]
        scores = unary - compatibility @ message
    return scores.reshape(shape)


FIELDS = (
    f"num_iterations: 3 theta_alpha: {THETA_ALPHA} theta_beta: {THETA_BETA} "
    f"theta_gamma: {THETA_GAMMA}"
)


@law("MultiStageMeanfield")
def test_it_is_the_papers_mean_field_on_the_papers_lattice():
    c, h, w = 3, 5, 6
    unary, start = normal(0, 1, c, h, w), normal(1, 1, c, h, w)
    image = smooth_image(h, w)
    params = [normal(2 + i, 1, 1, c, c) for i in range(3)]
    found = run_layer(
        "MultiStageMeanfield",
        f"multi_stage_meanfield_param {{ {FIELDS} }}",
        [unary, start, image[None]],
        params=params,
    )
    filters = [
        lambda values, positions=positions: filtered(positions, values)
        for positions in picture((h, w), image.astype(np.float32))
    ]
    expected = meanfield(unary[0], start[0], image, [p[0, 0] for p in params], 3, filters)
    agree(found.y[0][0], expected, 1e-3, 1e-3)


@law("MultiStageMeanfield")
def test_at_first_classes_only_draw_their_own_neighbours():
    body = (
        f"multi_stage_meanfield_param {{ {FIELDS} spatial_filter_weight: 2 "
        'bilateral_filter_weights_str: "4 5" }'
    )
    x = normal(0, 2, 2, 3, 3)
    found = run_layer("MultiStageMeanfield", body, [x, x, normal(1, 2, 3, 3, 3)])
    spatial, bilateral, compatibility = (p[0, 0] for p in found.params)
    assert np.array_equal(spatial, 2 * np.eye(2))
    assert np.array_equal(bilateral, np.diag([4, 5]))
    assert np.array_equal(compatibility, -np.eye(2))
    assert found.y[0].shape == x.shape


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("num_iterations: 0", "num_iterations must be positive"),
        ("theta_beta: 0", "must be positive"),
        ("compatibility_mode: FULL", "knows compatibility_mode POTTS"),
        ('spatial_filter_weights_str: "1 2 3"', "one for each of 2 classes; found '1 2 3'"),
        ('spatial_filter_weights_str: "a"', "found 'a'"),
    ],
)
def test_what_it_cannot_do_says_so(fields, message):
    x = np.zeros((1, 2, 2, 2))
    with pytest.raises(caffe.CaffeError, match=message):
        run_layer(
            "MultiStageMeanfield",
            f"multi_stage_meanfield_param {{ {fields} }}",
            [x, x, np.zeros((1, 3, 2, 2))],
        )


def test_bottoms_of_other_sizes_are_refused():
    x = np.zeros((1, 2, 2, 2))
    with pytest.raises(caffe.CaffeError, match="an image N x 3 x H x W of their size"):
        run_layer("MultiStageMeanfield", "", [x, x, x])
