"""Laws of data/drawing.py: palette, legend, overlay, label maps as files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from data.datasets import DATASETS
from data.drawing import (
    colours,
    legend,
    overlay,
    palette,
    palette_of,
    with_legend,
    write_palette_png,
)

RGB = np.random.RandomState(0).randint(0, 256, (7, 5, 3)).astype(np.uint8)


def test_palette_is_vocs_published_colour_map():
    colours = palette()
    assert (colours.shape, colours.dtype) == ((256, 3), np.uint8)
    published = {
        "background": (0, 0, 0),
        "aeroplane": (128, 0, 0),
        "bicycle": (0, 128, 0),
        "bird": (128, 128, 0),
        "boat": (0, 0, 128),
        "cat": (64, 0, 0),
        "person": (192, 128, 128),
        "pottedplant": (0, 64, 0),
        "tvmonitor": (0, 64, 128),
    }
    for name, colour in published.items():
        assert tuple(colours[DATASETS["voc"].classes.index(name)]) == colour
    assert tuple(colours[255]) == (224, 224, 192)


def test_all_palette_colours_differ():
    assert len(np.unique(palette(), axis=0)) == 256


@given(hnp.arrays(np.uint8, hnp.array_shapes(max_dims=2, max_side=6)))
def test_legend_counts_every_label_once(labels):
    entries = legend(labels, [f"class {k}" for k in range(255)])
    values = labels.ravel().tolist()
    assert [entry.index for entry in entries] == sorted(set(values))
    for entry in entries:
        assert entry.name == ("void" if entry.index == 255 else f"class {entry.index}")
        assert entry.colour == tuple(palette()[entry.index])
        assert entry.share == values.count(entry.index) / len(values)


def test_legend_refuses_a_label_without_a_name():
    with pytest.raises(ValueError, match="label 3 has no name: 3 class names"):
        legend(np.array([0, 3]), ["a", "b", "c"])


@given(
    hnp.arrays(np.uint8, (3, 4, 3)),
    hnp.arrays(np.uint8, (3, 4), elements=st.integers(0, 3) | st.just(255)),
    st.floats(0, 1, width=32),
)
def test_overlay_mixes_every_class_but_0_into_the_image(image, labels, alpha):
    mixed = (1 - alpha) * image.astype(float) + alpha * palette()[labels].astype(float)
    expected = np.where(labels[..., None] == 0, image, mixed)
    drawn = overlay(image, labels, alpha)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - expected).max() <= 0.5 + 1e-4  # rounded to the nearest integer


def test_overlay_leaves_another_background_open_where_it_is_named():
    labels = np.array([[0, 255]], np.uint8)
    image = np.full((1, 2, 3), 100, np.uint8)
    drawn = overlay(image, labels, background=255, table=np.zeros((256, 3), np.uint8))
    assert (drawn[0, 1] == 100).all()
    assert (drawn[0, 0] == 40).all()


def test_palette_of_a_dataset_is_its_own_or_vocs():
    np.testing.assert_array_equal(palette_of(DATASETS["camvid"]), palette())
    idd = palette_of(DATASETS["idd"])
    assert tuple(idd[0]) == (128, 64, 128)  # road
    assert tuple(idd[25]) == (70, 130, 180)  # sky
    assert tuple(idd[255]) == (0, 0, 0)


def test_overlay_refuses_sizes_that_differ():
    with pytest.raises(ValueError, match=r"image of \(7, 5\) pixels, label map of \(5, 7\)"):
        overlay(RGB, np.zeros((5, 7), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1), (300, 20), (60, 400), (900, 1200)])
def test_with_legend_keeps_the_picture_and_shows_every_colour_beside_it(shape):
    picture = np.full((*shape, 3), 77, np.uint8)
    entries = legend(np.arange(21), [f"class {k}" for k in range(21)])
    drawn = with_legend(picture, entries)
    np.testing.assert_array_equal(drawn[: shape[0], : shape[1]], picture)
    beside = {tuple(colour) for colour in drawn[:, shape[1] :].reshape(-1, 3).tolist()}
    assert {entry.colour for entry in entries if entry.index} <= beside


@pytest.mark.parametrize("labels", [np.array([[0, 20, 255]], np.uint8), np.zeros((3, 2), np.uint8)])
def test_a_palette_png_holds_class_indices_and_vocs_colours(tmp_path, labels):
    write_palette_png(tmp_path / "labels.png", labels)
    with Image.open(tmp_path / "labels.png") as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image), labels)
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), colours(labels))


@pytest.mark.parametrize("labels", [np.zeros((2, 2), np.int64), np.zeros((2, 2, 3), np.uint8)])
def test_a_palette_png_of_anything_but_a_label_map_is_refused(tmp_path, labels):
    with pytest.raises(ValueError, match=r"labels\.png: label map of shape .* expected H x W"):
        write_palette_png(tmp_path / "labels.png", labels)
    assert not list(tmp_path.iterdir())
