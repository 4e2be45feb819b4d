"""Laws of data/datasets.py, and of the derived split and counts in data/voc.py."""

import dataclasses
import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nets
from data import classes, synthetic, voc
from data.datasets import (
    DATASETS,
    LAYERS,
    SBD,
    VOC2011,
    Source,
    data_layer,
    passes,
    require,
)
from data.prepare import check_counts
from solvers.recipes import REGIMES

IDS = st.lists(st.integers(0, 30).map(lambda i: f"2011_{i:06d}"), unique=True)


def test_classes_and_counts_are_the_published_ones():
    voc_set, camvid = DATASETS["voc"], DATASETS["camvid"]
    assert (len(voc_set.classes), len(camvid.classes)) == (21, 11)
    assert {name: s.count for name, s in voc_set.splits.items()} == {
        "train": 8498,
        "seg11valid": 736,
    }
    assert [s.count for s in camvid.splits.values()] == [367, 101, 233]
    assert DATASETS["synthetic"].classes == voc_set.classes


def test_train_and_val_are_splits_of_their_dataset():
    for dataset in DATASETS.values():
        assert {dataset.train_split, dataset.val_split} <= set(dataset.splits)


@pytest.mark.parametrize("name", DATASETS)
def test_what_a_dataset_says_of_itself_is_known_where_it_is_used(name):
    """Its entry is all that a dataset of a known layout needs."""
    dataset = DATASETS[name]
    assert dataset.layout in synthetic.LAYOUTS
    assert {*dataset.nets, *dataset.schedules} <= {*nets.NETS, *nets.RGBD_NETS, *nets.ZOO}
    assert {schedule.regime for schedule in dataset.schedules.values()} <= REGIMES.keys()
    if dataset.twin_of:
        model = DATASETS[dataset.twin_of]
        assert (dataset.layout, dataset.nets) == (model.layout, model.nets)
        assert model.published
        assert not dataset.published


COUNTS = {
    "nyud": (40, {"trainval": 795, "test": 654}),
    "siftflow": (33, {"trainval": 2486, "test": 200}),
    "context": (60, {"train": 4998, "val": 5105}),
    "context33": (34, {"train": 4998, "val": 5105}),
    "cityscapes": (19, {"train": 2975, "val": 500, "test": 1525}),
    "cityscapes-half": (19, {"train": 2975, "val": 500, "test": 1525}),
    "cityscapes-cuts": (19, {"train": 2975, "val": 500, "test": 1525}),
}


@pytest.mark.parametrize("name", COUNTS)
def test_every_other_dataset_of_the_paper_has_its_published_size_and_a_synthetic_twin(name):
    dataset = DATASETS[name]
    found = {split: of.count for split, of in dataset.splits.items()}
    assert (len(dataset.classes), found) == COUNTS[name]
    twin = DATASETS[f"synthetic-{name}"]
    assert (twin.classes, twin.options) == (dataset.classes, dataset.options)
    assert set(twin.splits) == set(dataset.splits)
    assert {of.count for of in twin.splits.values()} == {None}
    assert twin.home != dataset.home


def test_class_names_are_the_published_ones_each_once():
    for dataset in DATASETS.values():
        for names in dataset.labels.values():
            assert len(set(names)) == len(names)
    assert len(classes.CONTEXT_ALL) == len(set(classes.CONTEXT_ALL)) == 459
    assert set(classes.CONTEXT_33) < set(classes.CONTEXT)
    # As 33_labels.txt is published: VOC's 20, then the rest, not in the order of the 59
    rest = "sky grass ground road building tree water mountain wall floor track keyboard ceiling"
    assert (*classes.VOC, *rest.split()) == classes.CONTEXT_33
    assert DATASETS["nyud"].classes[:2] == ("wall", "floor")
    assert DATASETS["nyud"].classes[-1] == "otherprop"
    assert DATASETS["siftflow"].classes[32] == "window"
    assert DATASETS["siftflow"].labels["geo"] == ("sky", "horizontal", "vertical")
    assert DATASETS["context"].classes[11] == "diningtable"
    assert DATASETS["cityscapes"].classes[18] == "bicycle"


# As the released prototxt have them
PARAM_STR = {
    ("nyud", "trainval"): "{'tops': ['color', 'label'], 'seed': 1337, 'nyud_dir': 'd/nyud', "
    "'split': 'trainval'}",
    ("siftflow", "test"): "{'siftflow_dir': 'd/sift-flow', 'seed': 1337, 'split': 'test'}",
    ("context", "train"): "{'context_dir': 'd/pascal-context', 'seed': 1337, 'split': 'train', "
    "'voc_dir': 'd/pascal'}",
    ("voc", "seg11valid"): "{'voc_dir': 'd/pascal/VOC2011', 'seed': 1337, 'split': 'seg11valid', "
    "'mean': (104.00699, 116.66877, 122.67892)}",
    ("cityscapes-half", "val"): "{'cityscapes_dir': 'd/cityscapes', 'seed': 1337, 'split': 'val', "
    "'downscale': 2}",
}


@pytest.mark.parametrize(("name", "split"), PARAM_STR)
def test_data_layers_are_told_what_the_released_nets_tell_them(name, split):
    spec = data_layer(DATASETS[name], split, home="d")
    assert str(spec["param_str"]) == PARAM_STR[name, split]
    assert spec["layer"] == DATASETS[name].splits[split].layer


def test_data_layer_takes_options_and_refuses_a_split_that_is_not_there():
    dataset = DATASETS["nyud"]
    params = data_layer(dataset, "trainval", seed=7, tops=["hha"], jitter=32)["param_str"]
    assert (params["tops"], params["seed"], params["jitter"]) == (["hha"], 7, 32)
    with pytest.raises(ValueError, match="nyud has no split 'val'; it has trainval, test"):
        data_layer(dataset, "val")


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_agree_with_what_the_datasets_say_of_them(name):
    kind = getattr(importlib.import_module(LAYERS[name].module), name)
    folder = f"{{{LAYERS[name].dir_key}}}"
    assert kind.split_path == f"{folder}/{LAYERS[name].lists.format('{split}')}"
    users = [d for d in DATASETS.values() if d.splits[d.train_split].layer == name]
    for dataset in users:
        if kind.mean is not None:
            np.testing.assert_array_equal(kind.mean, np.array(dataset.mean, np.float32))
        assert tuple(dataset.labels) == kind.tops[1:]


def test_a_cut_is_a_pass(tmp_path):
    (tmp_path / "cityscapes").mkdir()
    (tmp_path / "cityscapes/val.txt").write_text("a\nb\nc\n")
    for name, expected in (("cityscapes", 3), ("cityscapes-cuts", 6)):
        assert passes(at(name, tmp_path), "val") == expected


def at(dataset, folder):
    return dataclasses.replace(DATASETS[dataset], home=folder)


def write_splits(dataset, **ids):
    for name, lines in ids.items():
        kind = "seg11valid" if name in ("val", "seg11valid") else "train"
        path = dataset.home / dataset.splits[kind].file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))


def test_require_says_of_everything_missing_what_where_from_and_where_to(tmp_path):
    plain = Source(url="http://nowhere/a.caffemodel", path="nets/a.caffemodel")  # no archive
    dataset = at("voc", tmp_path)
    dataset = dataclasses.replace(dataset, sources=(*dataset.sources, plain))
    with pytest.raises(FileNotFoundError) as caught:
        require(dataset, plain.path)
    lines = str(caught.value).splitlines()
    assert lines == [
        "PASCAL VOC 2011, trained on SBD: missing",
        f"  {tmp_path}/sbdd/dataset: the folder {SBD.member} of {SBD.url}",
        f"  {tmp_path}/pascal/VOC2011: the folder {VOC2011.member} of {VOC2011.url}",
        f"  {tmp_path}/{plain.path}: from {plain.url}",
        "`make data-voc` fetches, unpacks and checks all of it",
    ]


def test_require_names_the_file_that_an_unpacked_folder_lacks(tmp_path):
    dataset = at("voc", tmp_path)
    write_splits(dataset, train=["a"], val=["b"])
    with pytest.raises(FileNotFoundError) as caught:
        require(dataset)
    path = tmp_path / "pascal/VOC2011/ImageSets/Segmentation/seg11valid.txt"
    assert str(caught.value).splitlines()[1:-1] == [f"  {path}"]


def test_require_is_content_when_all_is_there(tmp_path):
    dataset = at("voc", tmp_path)
    write_splits(dataset, train=["a"], seg11valid=["b"])
    require(dataset)


@given(segval=IDS, trained=IDS)
def test_seg11valid_is_val_less_sbd_train_in_vals_order(segval, trained):
    left = voc.seg11valid(segval, trained)
    assert set(left) == set(segval) - set(trained)
    assert left == sorted(left, key=segval.index)


def published_like(home):
    """The splits in their published sizes: 1111 of val, 375 of which SBD trains on."""
    dataset = at("voc", home)
    segval = [f"v{i}" for i in range(1111)]
    write_splits(dataset, val=segval, train=segval[:375] + [f"s{i}" for i in range(8498 - 375)])
    return dataset, segval


def test_deriving_writes_the_736_images_and_counts_agree(tmp_path, capsys):
    dataset, segval = published_like(tmp_path)
    voc.derive_seg11valid(dataset)
    path = tmp_path / "pascal/VOC2011/ImageSets/Segmentation/seg11valid.txt"
    assert path.read_text().split() == segval[375:]
    check_counts(dataset)
    assert "seg11valid.txt: 736 images" in capsys.readouterr().out
    assert sorted(p.name for p in path.parent.iterdir()) == ["seg11valid.txt", "val.txt"]


def test_a_derived_split_of_another_size_is_an_error_and_writes_nothing(tmp_path):
    dataset, segval = published_like(tmp_path)
    write_splits(dataset, val=segval[:-1])
    with pytest.raises(ValueError, match=r"val\.txt less .*leaves 735 images, expected 736"):
        voc.derive_seg11valid(dataset)
    assert not (tmp_path / dataset.splits["seg11valid"].file("seg11valid")).exists()


def test_a_users_own_seg11valid_is_kept_and_its_count_checked(tmp_path):
    dataset, _ = published_like(tmp_path)
    write_splits(dataset, seg11valid=["mine"])
    voc.derive_seg11valid(dataset)
    with pytest.raises(ValueError, match=r"seg11valid\.txt: lists 1 images, expected 736"):
        check_counts(dataset)


def test_an_incomplete_voc_folder_is_named(tmp_path):
    dataset = at("voc", tmp_path)
    write_splits(dataset, train=["a"])
    with pytest.raises(FileNotFoundError, match=r"val\.txt: no such split file; .*run again"):
        voc.derive_seg11valid(dataset)
