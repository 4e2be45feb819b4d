"""Laws of the data layers of SIFT Flow, PASCAL-Context and Cityscapes, on folders made by hand."""

import numpy as np
import pytest
import scipy.io
from PIL import Image
from support.layer_alone import build, run

from cityscapes_layers import CityscapesSegDataLayer
from data import classes
from pascalcontext_layers import PASCALContextSegDataLayer
from seg_labels import SCENES
from siftflow_layers import SIFTFlowSegDataLayer

RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def save_mat(path, **variables):
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, variables)


def full(values):
    return np.resize(np.array(values), (4, 6))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def assert_is_bgr_minus(mean, data, path):
    expected = np.array(Image.open(path), np.float64)[:, :, ::-1] - mean
    np.testing.assert_allclose(data[0], expected.transpose(2, 0, 1), rtol=0, atol=2e-5)


# ---- SIFT Flow ----


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


# ---- PASCAL-Context ----


def lines(names):
    return "".join(f"{number}: {name}\n" for number, name in enumerate(names, 1))


@pytest.fixture
def context(tmp_path):
    number = {name: i for i, name in enumerate(classes.CONTEXT_ALL, 1)}
    names = ["table", "bedclothes", "cloth", "aeroplane", "wood", "air conditioner", "keyboard"]
    save(tmp_path / "VOC2010/JPEGImages/a.jpg", RGB)
    write(tmp_path / "VOC2010/ImageSets/Main/val.txt", "a\n")
    values = full([0, *(number[name] for name in names)]).astype(np.uint16)
    save_mat(tmp_path / "trainval/a.mat", LabelMap=values)
    write(tmp_path / "labels.txt", lines(classes.CONTEXT_ALL))
    write(tmp_path / "59_labels.txt", lines(classes.CONTEXT[1:]))
    write(tmp_path / "33_labels.txt", lines(classes.CONTEXT_33[1:]))
    return tmp_path


def context_layer(folder, **params):
    folders = {"voc_dir": str(folder), "context_dir": str(folder)}
    return build(PASCALContextSegDataLayer, **folders, split="val", **params)


def test_context_maps_459_classes_to_59_by_name(context):
    data, label = run(*context_layer(context))
    assert_is_bgr_minus((104.007, 116.669, 122.679), data, context / "VOC2010/JPEGImages/a.jpg")
    # table, bedclothes and cloth are diningtable (11), bedcloth (52) and clothes (28) of the 59.
    np.testing.assert_array_equal(label[0, 0], full([0, 11, 52, 28, 1, 59, 0, 38]))


def test_context_of_33_classes_leaves_the_others_to_the_background(context):
    _, label = run(*context_layer(context, task=33))
    out = classes.CONTEXT_33.index
    expected = [0, out("diningtable"), 0, 0, out("aeroplane"), 0, 0, out("keyboard")]
    np.testing.assert_array_equal(label[0, 0], full(expected))


BAD_CONTEXT = {
    "other name": (
        lambda f: write(f / "59_labels.txt", lines(["aeroplan", *classes.CONTEXT[2:]])),
        r"59_labels\.txt: 'aeroplan' is no class of labels\.txt",
    ),
    "too few": (
        lambda f: write(f / "59_labels.txt", lines(classes.CONTEXT[2:])),
        r"59_labels\.txt: 58 labels; expected those of the task, numbered 1 to 59",
    ),
    "no numbers": (
        lambda f: write(f / "labels.txt", "accordion\n"),
        r"labels\.txt: line 'accordion'; expected `1: name`",
    ),
    "value 460": (
        lambda f: save_mat(f / "trainval/a.mat", LabelMap=full([460])),
        r"trainval/a\.mat: label values \[460\]; expected 0 to 459",
    ),
    "no LabelMap": (
        lambda f: save_mat(f / "trainval/a.mat", Labels=full([1])),
        r"a\.mat: holds Labels; expected the variable LabelMap",
    ),
}


@pytest.mark.parametrize("case", BAD_CONTEXT)
def test_bad_context_files_are_one_error_that_names_them(context, case):
    spoil, message = BAD_CONTEXT[case]
    spoil(context)
    with pytest.raises(ValueError, match=message):
        run(*context_layer(context))


def test_context_without_a_labels_file_says_which(context):
    (context / "33_labels.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"33_labels\.txt: no such file; run `make data-"):
        context_layer(context, task=33)


# ---- Cityscapes ----


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
