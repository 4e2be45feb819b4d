"""Grid, Warp, FlowTransformer."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


def warped(maps, places):
    """Bilinear values of maps at places, x and y, each with 0 around them."""
    expected = np.zeros((*maps.shape[:2], *places.shape[2:]))
    for n, i, j in np.ndindex(len(maps), *places.shape[2:]):
        x, y = places[n, :, i, j].astype(np.float64)
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                if 0 <= row < maps.shape[2] and 0 <= column < maps.shape[3]:
                    weight = (1 - abs(row - y)) * (1 - abs(column - x))
                    expected[n, :, i, j] += weight * maps[n, :, row, column]
    return expected


@law("Grid")
@drawn()
@given(SMALL, SMALL, SMALL)
def test_a_grid_has_the_place_of_each_pixel(n, height, width):
    found = run_layer("Grid", "", [np.zeros((n, 3, height, width))]).y[0]
    y, x = np.mgrid[:height, :width]
    agree(found, np.broadcast_to(np.stack([x, y]), (n, 2, height, width)))


@law("Warp")
@drawn()
@given(SEED)
def test_maps_are_sampled_at_places_with_0_around_them(seed):
    maps, places = normal(seed, 2, 3, 4, 5), normal(seed + 1, 2, 2, 3, 6) * 3 + 2
    agree(run_layer("Warp", "", [maps, places]).y[0], warped(maps, places), 1e-4)


@law("FlowTransformer")
@drawn()
@given(SEED)
def test_a_flow_leads_from_each_place_to_the_one_that_is_sampled(seed):
    maps, flow = normal(seed, 2, 3, 4, 5), 2 * normal(seed + 1, 2, 2, 4, 5)
    flow[0, :, 1:3] = np.round(flow[0, :, 1:3])
    y, x = np.mgrid[:4, :5]
    expected = warped(maps, flow + np.float32([x, y]))
    agree(run_layer("FlowTransformer", "", [maps, flow]).y[0], expected, 1e-4)


def test_a_flow_at_whole_places_learns_towards_larger_x_and_y_and_maps_learn_nothing():
    maps, flow = normal(0, 1, 1, 4, 5), np.zeros((1, 2, 4, 5), np.float32)
    found = run_layer("FlowTransformer", "", [maps, flow], diffs=[np.ones((1, 1, 4, 5))])
    around = np.pad(maps[0, 0], (0, 1))
    expected = np.stack([around[:-1, 1:], around[1:, :-1]]) - maps[0]
    np.testing.assert_allclose(found.dx[1][0], expected, rtol=1e-5, atol=1e-6)
    assert not found.dx[0].any()


def test_a_flow_is_of_each_place_of_the_maps():
    with pytest.raises(caffe.CaffeError, match="needs a flow for each place of the maps"):
        run_layer("FlowTransformer", "", [np.zeros((1, 2, 3, 3)), np.zeros((1, 2, 3, 4))])


def test_places_have_two_coordinates():
    with pytest.raises(caffe.CaffeError, match="and places N x 2 x H x W"):
        run_layer("Warp", "", [np.zeros((1, 2, 3, 3)), np.zeros((1, 3, 3, 3))])
