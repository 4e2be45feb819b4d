"""Data layer for the Indian Driving Dataset: files, classes, one size for all images."""

import numpy as np
import pytest
from PIL import Image
from support.dataset_files import RGB, assert_is_bgr_minus, full, save, write
from support.layer_alone import build, run

from idd_layers import IDDSegDataLayer

MEAN = (104.0, 117.0, 123.0)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "leftImg8bit/val/7/000001_leftImg8bit.png", RGB)
    save(tmp_path / "leftImg8bit/val/8/frame2_leftImg8bit.jpg", RGB)
    save(
        tmp_path / "gtFine/val/7/000001_gtFine_labellevel3Ids.png", full([0, 25, 255]).astype("u1")
    )
    save(tmp_path / "gtFine/val/8/frame2_gtFine_labellevel3Ids.png", full([3]).astype("u1"))
    write(tmp_path / "val.txt", "7/000001\n8/frame2\n")
    return tmp_path


def layer(folder, **params):
    return build(IDDSegDataLayer, idd_dir=str(folder), split="val", mean=MEAN, **params)


def test_images_of_both_parts_and_their_classes(folder):
    data, label = run(*layer(folder))
    assert_is_bgr_minus(MEAN, data, folder / "leftImg8bit/val/7/000001_leftImg8bit.png")
    np.testing.assert_array_equal(label[0, 0], full([0, 25, 255]))
    both = layer(folder)
    assert both[0].path("data", "8/frame2").endswith("frame2_leftImg8bit.jpg")


def test_all_come_in_one_size(folder):
    path = folder / "leftImg8bit/val/8/frame2_leftImg8bit.jpg"
    Image.open(path).resize((12, 8)).save(path)
    label = folder / "gtFine/val/8/frame2_gtFine_labellevel3Ids.png"
    Image.open(label).resize((12, 8)).save(label)
    data, labels = run(*layer(folder, size=(4, 6), batch=2))
    assert (data.shape, labels.shape) == ((2, 3, 4, 6), (2, 1, 4, 6))


def test_a_class_that_there_is_none_of_names_the_file(folder):
    path = folder / "gtFine/val/7/000001_gtFine_labellevel3Ids.png"
    save(path, full([26]).astype("u1"))
    with pytest.raises(
        ValueError, match=r"000001_gtFine_labellevel3Ids.png: label values \[26\]; "
    ):
        run(*layer(folder))


def test_a_label_that_was_not_drawn_yet_says_how(folder):
    (folder / "gtFine/val/7/000001_gtFine_labellevel3Ids.png").unlink()
    write(folder / "gtFine/val/7/000001_gtFine_polygons.json", "{}")
    with pytest.raises(FileNotFoundError, match="make data-idd"):
        run(*layer(folder))
