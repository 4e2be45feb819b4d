"""Laws of the data layer of Cityscapes, on folders made by hand."""

import numpy as np
import pytest
from support.dataset_files import RGB, assert_is_bgr_minus, full, save, write
from support.layer_alone import build, run

from cityscapes_layers import CityscapesSegDataLayer
from seg_labels import TRAIN_IDS


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


@pytest.mark.parametrize("ids", [range(19), [0, 1, 2, 8, 10, 13, 18, 255], [0, 255], [2, 8, 10]])
def test_train_ids_in_their_place_are_told(cityscapes, ids):
    path = cityscapes / "gtFine/val/ulm/ulm_1_gtFine_labelIds.png"
    save(path, full(list(ids)).astype(np.uint8))
    message = r"labelIds\.png: label values \[.*\], which are trainIds, 0 to 18 and 255, .*; exp"
    with pytest.raises(ValueError, match=message):
        run(*cityscapes_layer(cityscapes))


@pytest.mark.parametrize("ids", [[0, 7], [0, 1, 2, 3, 7, 8, 11], [7, 23, 255], [0]])
def test_label_ids_of_few_classes_are_taken_as_they_are(cityscapes, ids):
    path = cityscapes / "gtFine/val/ulm/ulm_1_gtFine_labelIds.png"
    save(path, full(ids).astype(np.uint8))
    found = run(*cityscapes_layer(cityscapes))[1][0, 0]
    np.testing.assert_array_equal(found, TRAIN_IDS[full(ids)])
