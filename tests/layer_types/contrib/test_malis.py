"""Affinity, ConnectedComponent and MalisLoss of naibaf7's Caffe."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.laws import SEED, agree, drawn, law, normal
from support.net_text import input_layer, net_of, run_layer

import caffe


@law("Affinity")
@drawn(20)
@given(SEED, st.integers(2, 4), st.integers(2, 4))
def test_affinities_are_the_smaller_of_two_neighbours_but_at_the_last_row_and_column(
    seed, height, width
):
    bottoms = [normal(seed, 1, 2, height, width), normal(seed + 1, 1, 1, height, width)]
    body = "affinity_param { offset: 1 offset: 0 }"
    diffs = [normal(seed + 2, 1, 2, height, width), np.zeros((1, 2, height, width))]
    ran = run_layer("Affinity", body, bottoms, tops=2, diffs=diffs)
    dx = np.zeros((2, height, width))
    for x, top, first in ((bottoms[0][0, 1], ran.y[0], 1), (bottoms[1][0, 0], ran.y[1], 0)):
        expected = np.zeros((1, 2, height, width))
        for i, j in np.ndindex(height - 1, width - 1):
            for edge, there in enumerate(((i + 1, j), (i, j + 1))):
                expected[0, edge, i, j] = min(x[i, j], x[there])
                if first:
                    least = (i, j) if x[i, j] < x[there] else there
                    dx[(1, *least)] += diffs[0][0, edge, i, j]
                    dx[(0, *least)] -= diffs[0][0, edge, i, j]
        agree(top, expected)
    agree(ran.dx[0][0], dx)


@law("ConnectedComponent")
@drawn(40)
@given(SEED, st.integers(1, 7), st.integers(1, 7), st.integers(1, 3))
def test_areas_are_numbered_as_their_first_pixels_follow(seed, height, width, labels):
    x = np.random.RandomState(seed).randint(0, labels + 1, (2, 1, height, width))
    ran = run_layer("ConnectedComponent", "", [x])
    expected = np.zeros_like(x)
    for n in range(2):
        number = x[n].max()
        for i, j in np.ndindex(height, width):
            if not x[n, 0, i, j] or expected[n, 0, i, j]:
                continue
            number += 1
            todo = [(i, j)]
            while todo:
                r, c = todo.pop()
                inside = 0 <= r < height and 0 <= c < width
                if inside and x[n, 0, r, c] == x[n, 0, i, j] and not expected[n, 0, r, c]:
                    expected[n, 0, r, c] = number
                    todo += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    np.testing.assert_array_equal(ran.y[0], expected)


def costs(values, ways, labels, of_one):
    """The cost of the mean pair, and what half of it falls by: each pair by its widest path.

    That is the best over all paths of the least edge of a path, here by adding the edges from the
    highest value on until the pair is joined.
    """
    size = labels.shape
    edges = []
    for e, *start in np.ndindex(len(ways), *size):
        end = tuple(np.add(start, ways[e]))
        if all(0 <= at < n for at, n in zip(end, size, strict=True)):
            edges.append((values[(e, *start)], (e, *start), tuple(start), end))
    edges.sort(key=lambda edge: -edge[0])
    pixels = [pixel for pixel in np.ndindex(*size) if labels[pixel]]
    pairs = [
        (one, other)
        for one, other in combinations(pixels, 2)
        if (labels[one] == labels[other]) == of_one
    ]
    loss, slope = 0.0, np.zeros(values.shape)
    for one, other in pairs:
        area = {pixel: {pixel} for pixel in np.ndindex(*size)}
        for value, place, start, end in edges:
            joined = area[start] | area[end]
            area.update(dict.fromkeys(joined, joined))
            if other in area[one]:
                lacks = of_one - value
                loss += lacks**2 / len(pairs)
                slope[place] -= lacks / len(pairs)
                break
    return loss, slope / 2


def malis(x, truth, segments, ways):
    loss, slope = 0.0, np.zeros(x.shape)
    for n in range(len(x)):
        for values, of_one, labels in (
            (np.maximum(x[n], truth[n]), False, segments[n, 0]),
            (np.minimum(x[n], truth[n]), True, segments[n, -1]),
        ):
            cost, fall = costs(values, ways, labels, of_one)
            loss += cost / 2 / len(x)
            slope[n] += fall
    return loss, slope


@law("MalisLoss")
@drawn(20)
@given(SEED, st.sampled_from([(2, 3), (3, 3), (2, 2, 2), (4,)]), st.integers(1, 2))
def test_a_pair_of_pixels_costs_what_the_edge_costs_that_joins_it(seed, size, maps):
    rng = np.random.RandomState(seed)
    axes = len(size)
    x = rng.permutation(2 * axes * int(np.prod(size))).reshape(2, axes, *size) / 100 + 0.1
    truth = rng.permutation(x.size).reshape(x.shape) / 90 + 0.105
    segments = rng.randint(0, 3, (2, maps, *size))
    ran = run_layer("MalisLoss", "", [x, truth, segments], diffs=[1])
    loss, slope = malis(x, truth, segments, np.eye(axes, dtype=int))
    agree(ran.y[0], loss, 1e-5)
    agree(ran.dx[0], slope, 1e-5)


@law("MalisLoss")
def test_a_fourth_bottom_says_where_edges_lead():
    rng = np.random.RandomState(3)
    x = rng.permutation(36).reshape(1, 4, 3, 3) / 40
    truth, segments = rng.permutation(36).reshape(1, 4, 3, 3) / 41, rng.randint(0, 3, (1, 1, 3, 3))
    ways = np.array([[0, 1, 0], [0, 0, -1], [0, 2, 0], [0, -1, 1]])
    ran = run_layer(
        "MalisLoss", "", [x, truth, segments, ways.reshape(1, 1, 4, 3)], diffs=[1, 0 * x], tops=2
    )
    loss, slope = malis(x, truth, segments, ways[:, 1:])
    agree(ran.y[0], loss, 1e-5)
    agree(ran.y[1], x)
    agree(ran.dx[0], slope, 1e-5)


def test_a_net_learns_from_labels_alone():
    """As net_usk_2out of naibaf7's models: the truth is of the layer that gives the edges."""
    text = (
        input_layer("data", 1, 1, 5, 5)
        + input_layer("label", 1, 1, 5, 5)
        + 'layer { name: "ip" type: "Convolution" bottom: "data" top: "ip" convolution_param { '
        'num_output: 2 kernel_size: 1 weight_filler { type: "gaussian" std: 1 } } } '
        'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" } '
        'layer { name: "split" type: "Split" bottom: "label" top: "a" top: "b" } '
        'layer { name: "affinity" type: "Affinity" bottom: "prob" bottom: "a" top: "edges" '
        'top: "truth" affinity_param { offset: 1 offset: 0 } } '
        'layer { name: "areas" type: "ConnectedComponent" bottom: "b" top: "component" } '
        'layer { name: "loss" type: "MalisLoss" bottom: "edges" bottom: "truth" '
        'bottom: "component" top: "loss" loss_param { } }'
    )
    net = net_of(text, caffe.TRAIN)
    net.blobs["label"].data[0, 0] = np.kron([[1, 0, 1]], np.ones((5, 2)))[:, :5]
    net.blobs["data"].data[...] = net.blobs["label"].data + 0.1 * normal(0, 1, 1, 5, 5)
    losses = []
    for _ in range(20):
        losses.append(float(net.forward()["loss"]))
        net.clear_param_diffs()
        net.backward()
        for blob in net.params["ip"]:
            blob.data[...] -= blob.diff
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("kind", "body", "shapes", "message"),
    [
        ("Affinity", "", [(2, 1, 3, 3)], "needs 1 x C x H x W, .*found shape .2, 1, 3, 3."),
        ("Affinity", "affinity_param { offset: 2 }", [(1, 2, 3, 3)], "offset of 0 to C - 1"),
        ("Affinity", "affinity_param { offset: -2 }", [(1, 1, 3, 3)], "offset of 0 to C - 1"),
        ("ConnectedComponent", "", [(2, 3)], "needs 4 axes"),
        ("MalisLoss", "", [(1, 2, 3, 3), (1, 2, 3, 3), (1, 1, 2, 3)], "needs edges N x E"),
        ("MalisLoss", "", [(1, 4, 3, 3), (1, 4, 3, 3), (1, 1, 3, 3)], "needs a fourth bottom"),
        ("MalisLoss", "", [(1, 2, 3), (1, 2, 3), (1, 1, 3), (2, 2)], "needs 2 x 3 ways"),
    ],
)
def test_what_does_not_fit_is_named(kind, body, shapes, message):
    with pytest.raises(caffe.CaffeError, match=f"layer 'l' .{kind}.: .*{message}"):
        run_layer(kind, body, [np.zeros(shape) for shape in shapes])
