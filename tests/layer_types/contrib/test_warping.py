"""Grid, Warp."""

import numpy as np
import pytest
from hypothesis import given
from support.laws import SEED, SMALL, agree, drawn, law, normal
from support.net_text import run_layer

import caffe


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
    found = run_layer("Warp", "", [maps, places]).y[0]
    expected = np.zeros((2, 3, 3, 6))
    for n, i, j in np.ndindex(2, 3, 6):
        x, y = places[n, :, i, j].astype(np.float64)
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                if 0 <= row < 4 and 0 <= column < 5:
                    weight = (1 - abs(row - y)) * (1 - abs(column - x))
                    expected[n, :, i, j] += weight * maps[n, :, row, column]
    agree(found, expected, 1e-4)


def test_places_have_two_coordinates():
    with pytest.raises(caffe.CaffeError, match="and places N x 2 x H x W"):
        run_layer("Warp", "", [np.zeros((1, 2, 3, 3)), np.zeros((1, 3, 3, 3))])
