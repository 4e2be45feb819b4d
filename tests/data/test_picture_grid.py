"""Laws of data/picture_grid.py. How the grids look is for eyes to judge."""

import numpy as np
import pytest
from PIL import Image

from data.drawing import legend
from data.picture_grid import gallery, grid

NAMES = [f"class {k}" for k in range(21)]


def pixels(png):
    with Image.open(png) as image:
        return np.asarray(image.convert("RGB"))


def test_grid_shows_every_picture_and_the_colours_of_its_legend(tmp_path):
    rows = [
        [np.full((30, 40, 3), 10 * (3 * row + column) + 100, np.uint8) for column in range(3)]
        for row in range(2)
    ]
    entries = legend(np.array([0, 1, 15, 255]), NAMES)
    grid(rows, ["image", "truth", "prediction"], tmp_path / "grid.png", entries)
    seen = {
        tuple(colour) for colour in np.unique(pixels(tmp_path / "grid.png").reshape(-1, 3), axis=0)
    }
    assert {tuple(picture[0, 0]) for row in rows for picture in row} <= seen
    assert {entry.colour for entry in entries} <= seen


def test_grid_refuses_a_row_without_a_picture_for_every_column(tmp_path):
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="row 1 has 1 pictures for 2 columns"):
        grid([[picture, picture], [picture]], ["image", "truth"], tmp_path / "grid.png")
    with pytest.raises(ValueError, match="no rows"):
        grid([], ["image"], tmp_path / "grid.png")


def test_gallery_shows_every_picture_and_the_colours_of_its_legend(tmp_path):
    pictures = {f"net {k}": np.full((30, 40, 3), 40 * k + 20, np.uint8) for k in range(5)}
    entries = legend(np.array([1, 15]), NAMES)
    gallery(pictures, 2, tmp_path / "gallery.png", entries)
    picture = pixels(tmp_path / "gallery.png")
    seen = {tuple(colour) for colour in np.unique(picture.reshape(-1, 3), axis=0)}
    assert {tuple(of[0, 0]) for of in pictures.values()} <= seen
    assert {entry.colour for entry in entries} <= seen
    assert picture.shape[0] > picture.shape[1]  # three rows of two
