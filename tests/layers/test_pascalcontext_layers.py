"""Laws of the data layer of PASCAL-Context, on folders made by hand."""

import numpy as np
import pytest
from support.dataset_files import RGB, assert_is_bgr_minus, full, save, save_mat, write
from support.layer_alone import build, run

from data import classes
from pascalcontext_layers import PASCALContextSegDataLayer


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
