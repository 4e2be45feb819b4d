"""Laws of the data layer of SIFT Flow, on folders made by hand."""

import numpy as np
import pytest
from support.dataset_files import RGB, assert_is_bgr_minus, full, save, save_mat, write
from support.layer_alone import build, run

from seg_labels import SCENES
from siftflow_layers import SIFTFlowSegDataLayer


@pytest.fixture
def siftflow(tmp_path):
    save(tmp_path / f"Images/{SCENES}/a.jpg", RGB)
    save_mat(tmp_path / f"SemanticLabels/{SCENES}/a.mat", S=full(range(34)), names=["x"])
    save_mat(tmp_path / f"GeoLabels/{SCENES}/a.mat", S=full([-1, 1, 2, 3]).astype(np.int16))
    write(tmp_path / "test.txt", "a\n")
    return tmp_path


def siftflow_layer(folder):
    return build(SIFTFlowSegDataLayer, blobs=3, siftflow_dir=str(folder), split="test")


def test_siftflow_gives_image_semantic_and_geometric_labels(siftflow):
    data, sem, geo = run(*siftflow_layer(siftflow))
    assert_is_bgr_minus((114.578, 115.294, 108.353), data, siftflow / f"Images/{SCENES}/a.jpg")
    np.testing.assert_array_equal(sem[0, 0], full([255, *range(33)]))
    np.testing.assert_array_equal(geo[0, 0], full([255, 0, 1, 2]))


def test_siftflow_without_s_or_with_classes_that_are_none_names_the_file(siftflow):
    save_mat(siftflow / f"SemanticLabels/{SCENES}/a.mat", S=full([34]))
    with pytest.raises(
        ValueError, match=r"Semantic.*a\.mat: label values \[34\]; expected 1 to 33"
    ):
        run(*siftflow_layer(siftflow))
    save_mat(siftflow / f"SemanticLabels/{SCENES}/a.mat", L=full([1]))
    with pytest.raises(ValueError, match=r"a\.mat: holds L; expected the variable S"):
        run(*siftflow_layer(siftflow))
