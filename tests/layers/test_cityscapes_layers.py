"""Laws of the data layer of Cityscapes, on folders made by hand."""

import numpy as np
import pytest
from support.dataset_files import RGB, assert_is_bgr_minus, full, save, write
from support.layer_alone import build, run

from cityscapes_layers import CityscapesSegDataLayer


@pytest.fixture
def cityscapes(tmp_path):
    save(tmp_path / "leftImg8bit/val/ulm/ulm_1_leftImg8bit.png", RGB)
    ids = full([7, 33, 0, 9, 24, 255]).astype(np.uint8)
    save(tmp_path / "gtFine/val/ulm/ulm_1_gtFine_labelIds.png", ids)
    write(tmp_path / "val.txt", "ulm/ulm_1\n")
    return tmp_path


def cityscapes_layer(folder, **params):
    return build(CityscapesSegDataLayer, cityscapes_dir=str(folder), split="val", **params)


def test_cityscapes_gives_train_ids(cityscapes):
    data, label = run(*cityscapes_layer(cityscapes))
    path = cityscapes / "leftImg8bit/val/ulm/ulm_1_leftImg8bit.png"
    assert_is_bgr_minus((72.392, 82.909, 73.158), data, path)
    np.testing.assert_array_equal(label[0, 0], full([0, 18, 255, 255, 11, 255]))


def test_cityscapes_downscaled_and_in_half_cuts(cityscapes):
    data, label = run(*cityscapes_layer(cityscapes, downscale=2))
    assert (data.shape, label.shape) == ((1, 3, 2, 3), (1, 1, 2, 3))
    layer, tops = cityscapes_layer(cityscapes, cuts=(1, 2))
    whole = full([0, 18, 255, 255, 11, 255])
    np.testing.assert_array_equal(run(layer, tops)[1][0, 0], whole[:, :3])
    np.testing.assert_array_equal(run(layer, tops)[1][0, 0], whole[:, 3:])


def test_cityscapes_ids_that_are_none_are_named(cityscapes):
    path = cityscapes / "gtFine/val/ulm/ulm_1_gtFine_labelIds.png"
    save(path, full([34]).astype(np.uint8))
    with pytest.raises(ValueError, match=r"labelIds\.png: label values \[34\]; expected labelIds"):
        run(*cityscapes_layer(cityscapes))
