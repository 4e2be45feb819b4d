"""Laws of the synthetic streets: known classes, room for each, the picture shows its polygons."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from data.idd_labels import LABELS
from data.streets import street


@given(seed=st.integers(0, 2**32), h=st.integers(32, 90), w=st.integers(32, 90))
@settings(max_examples=30, deadline=None)
def test_a_street_has_sky_road_and_things_of_known_classes(seed, h, w):
    image, polygons = street((h, w), seed)
    assert (image.shape, image.dtype) == ((h, w, 3), np.uint8)
    names = {name for name, _ in polygons}
    assert {"sky", "road", "sidewalk", "ego vehicle"} <= names <= LABELS.keys()
    assert all(len(corners) >= 4 for _, corners in polygons)


def test_a_street_is_a_function_of_its_seed():
    (image, polygons), (again, same), (other, _) = (street((60, 80), s) for s in (1, 1, 2))
    np.testing.assert_array_equal(image, again)
    assert polygons == same
    assert (image != other).any()


def test_the_picture_shows_the_sky_where_its_label_is():
    image, polygons = street((96, 160), 5)
    label = Image.new("L", (160, 96), 255)
    for name, corners in polygons:
        ImageDraw.Draw(label).polygon([tuple(c) for c in corners], fill=LABELS[name].level3)
    sky, road = (np.asarray(label) == LABELS[name].level3 for name in ("sky", "road"))
    assert image[sky].mean(0)[2] > image[road].mean(0)[2] + 50
    assert sky.mean() > 0.05
    assert road.mean() > 0.1
