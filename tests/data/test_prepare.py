"""Synthetic twins: written in each dataset's layout, split again, checked, reported, spoilt."""

import csv
import dataclasses
import os
import re
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io
from PIL import Image

import caffe
from data import classes, context, prepare, report, synthetic, voc
from data.custom import find
from data.datasets import DATASETS, Split, data_layer
from data.statistics import label_counts, reader, survey
from nyud_layers import NYUDSegDataLayer
from seg_labels import LABEL_IDS, SCENES

TWINS = ("nyud", "siftflow", "context", "cityscapes")
SIZE = (40, 56)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    out = tmp_path_factory.mktemp("twins")
    for name in (*TWINS, "idd-lite", "mine"):
        args = ["--dataset", name, "--out", str(out / name), "--train", "3", "--val", "2"]
        assert synthetic.main([*args, "--size", "40", "56", "--seed", "5"]) == 0
    return out


@pytest.fixture
def twin(twins, tmp_path):
    """A function that gives a copy of a twin, to spoil."""

    def copy(name):
        shutil.copytree(twins / name, tmp_path / name)
        return tmp_path / name

    return copy


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


IDS = range(5001, 5006)
NYUD = [
    *(f"nyud/data/{kind}/img_{i}.png" for kind in ("depth", "hha", "images") for i in IDS),
    *(f"nyud/segmentation/img_{i}.mat" for i in IDS),
    *("nyud/splits.mat", "nyud/test.txt", "nyud/trainval.txt"),
]
CITY = "synthetic/synthetic_{:06d}_000019"


def test_the_layouts_are_the_datasets_own(twins):
    assert files(twins / "nyud") == sorted(NYUD)
    siftflow = files(twins / "siftflow")
    assert f"sift-flow/Images/{SCENES}/synthetic_000004.jpg" in siftflow
    assert f"sift-flow/GeoLabels/{SCENES}/synthetic_000000.mat" in siftflow
    assert len(siftflow) == 3 * 5 + 3
    context = files(twins / "context")
    assert "pascal/VOC2010/ImageSets/Main/train.txt" in context
    assert "pascal-context/trainval/2008_000004.mat" in context
    assert len(context) == 2 * 5 + 5
    city = files(twins / "cityscapes")
    assert f"cityscapes/gtFine/val/{CITY.format(3)}_gtFine_labelIds.png" in city
    assert f"cityscapes/leftImg8bit/test/{CITY.format(6)}_leftImg8bit.png" in city
    assert not [path for path in city if "gtFine/test" in path]
    drives = files(twins / "idd-lite")
    assert "leftImg8bit/train/0/frame000002_image.jpg" in drives
    assert "gtFine/val/0/frame000004_label.png" in drives
    assert len(drives) == 2 * 5 + 2
    mine = files(twins / "mine")
    assert "SegmentationClass/synthetic_000000.png" in mine
    assert len(mine) == 2 * 5 + 3


def test_values_in_the_files_are_the_datasets_own(twins):
    mat = scipy.io.loadmat(twins / "nyud/nyud/segmentation/img_5001.mat")["segmentation"]
    wall, floor = 1, 2
    assert {0, wall, floor} < set(np.unique(mat)) <= set(range(41))
    depth = Image.open(twins / "nyud/nyud/data/depth/img_5001.png")
    assert depth.mode == "I;16"
    assert np.asarray(depth).min() > 0
    root = twins / f"siftflow/sift-flow/GeoLabels/{SCENES}"
    geo = scipy.io.loadmat(root / "synthetic_000000.mat")["S"]
    assert set(np.unique(geo)) == {-1, 1, 2, 3}
    full = scipy.io.loadmat(twins / "context/pascal-context/trainval/2008_000000.mat")["LabelMap"]
    names = {classes.CONTEXT_ALL[i - 1] for i in np.unique(full) if i}
    assert {"sky", "grass"} < names
    city = f"cityscapes/cityscapes/gtFine/train/{CITY.format(0)}_gtFine_labelIds.png"
    assert set(np.unique(Image.open(twins / city))) <= {0, *LABEL_IDS}


@pytest.mark.parametrize("name", TWINS)
def test_splits_are_derived_again_as_they_were_written(twin, name):
    folder = twin(name)
    dataset = find(f"synthetic-{name}", folder)
    lists = [folder / split.file(n) for n, split in dataset.splits.items()]
    written = [path.read_text() for path in lists]
    if name != "context":  # VOC brings its own
        for path in lists:
            path.unlink()
    prepare.prepare(dataset)
    assert [path.read_text() for path in lists] == written


def test_siftflow_leaves_out_the_two_images_without_annotation(twin):
    folder = twin("siftflow")
    images = folder / f"sift-flow/Images/{SCENES}"
    (images / "synthetic_000000.jpg").rename(images / "street_urb506.jpg")
    (folder / "sift-flow/trainval.txt").unlink()
    prepare.prepare(find("synthetic-siftflow", folder))
    listed = (folder / "sift-flow/trainval.txt").read_text().split()
    assert listed == ["synthetic_000001", "synthetic_000002"]


def test_hha_images_are_made_from_depth_where_there_are_none_and_only_there(twin):
    folder = twin("nyud")
    hha = folder / "nyud/data/hha"
    written = {path.name: path.read_bytes() for path in hha.iterdir()}
    mine = b"made by hand"
    (hha / "img_5001.png").write_bytes(mine)
    for name in ("img_5002.png", "img_5005.png"):
        (hha / name).unlink()
    prepare.prepare(find("synthetic-nyud", folder))
    found = {path.name: path.read_bytes() for path in hha.iterdir()}
    assert found == {**written, "img_5001.png": mine}


def test_no_hha_image_is_made_of_depth_with_holes(twin):
    folder = twin("nyud")
    made = folder / "nyud/data/hha/img_5002.png"
    made.unlink()
    overwrite(folder / "nyud/data/depth/img_5002.png", np.zeros(SIZE, "u2"))
    with pytest.raises(ValueError, match=r"depth/img_5002\.png: 2240 of 2240 pixels"):
        prepare.prepare(find("synthetic-nyud", folder))
    assert not made.exists()


def with_894_classes(folder):
    """The twin's labels as the publishers have them: in 894 classes, not in lists but splits.mat.

    Returns the labels of 40 classes by file name.
    """
    root = folder / "nyud"
    mapping = np.resize(np.arange(1, 41, dtype=np.uint8), 894)
    np.random.default_rng(0).shuffle(mapping)
    first = np.append(0, [np.flatnonzero(mapping == c)[0] + 1 for c in range(1, 41)])
    last = np.append(0, [np.flatnonzero(mapping == c)[-1] + 1 for c in range(1, 41)])
    scipy.io.savemat(root / "classMapping40.mat", {"mapClass": mapping[np.newaxis]})
    (root / "segmentation894").mkdir()
    labels = {}
    for path in list((root / "segmentation").iterdir()):
        label = scipy.io.loadmat(path)["segmentation"]
        labels[path.name] = label
        upper = np.arange(len(label))[:, np.newaxis] < len(label) // 2
        fine = np.where(upper, first[label], last[label]).astype(np.uint16)
        scipy.io.savemat(root / "segmentation894" / path.name, {"segmentation": fine})
        path.unlink()
    (root / "segmentation").rmdir()
    for split in ("trainval.txt", "test.txt"):
        (root / split).unlink()
    return labels


def test_nyuds_894_classes_become_40_by_the_publishers_mapping(twin):
    folder = twin("nyud")
    labels = with_894_classes(folder)
    prepare.prepare(find("synthetic-nyud", folder))
    assert (folder / "nyud/trainval.txt").read_text().split() == ["5001", "5002", "5003"]
    for name, label in labels.items():
        found = scipy.io.loadmat(folder / "nyud/segmentation" / name)["segmentation"]
        np.testing.assert_array_equal(found, label)


def test_labels_of_40_classes_that_are_there_are_kept(twin):
    folder = twin("nyud")
    with_894_classes(folder)
    kept = folder / "nyud/segmentation/img_5002.mat"
    kept.parent.mkdir()
    kept.write_bytes(b"made by hand")
    prepare.prepare(find("synthetic-nyud", folder))
    assert kept.read_bytes() == b"made by hand"


BAD_MAPPINGS = {
    "classMapping40.mat": (
        {"mapClass": np.uint8([[1, 2, 41]])},
        r"classMapping40\.mat: mapClass has 3 values, 1 to 41; expected 894, 1 to 40",
    ),
    "segmentation894/img_5001.mat": (
        {"segmentation": np.uint16([[0, 894, 895]])},
        r"segmentation894/img_5001\.mat: label values \[895\]; expected 0 \(void\) to 894",
    ),
}


@pytest.mark.parametrize("file", BAD_MAPPINGS)
def test_bad_labels_of_894_classes_are_an_error_that_names_the_file(twin, file):
    folder = twin("nyud")
    with_894_classes(folder)
    contents, message = BAD_MAPPINGS[file]
    scipy.io.savemat(folder / "nyud" / file, contents)
    with pytest.raises(ValueError, match=message):
        prepare.prepare(find("synthetic-nyud", folder))
    assert not (folder / "nyud/segmentation/img_5001.mat").exists()


# ---- the archives, as their publishers pack them ----


def pack(target, folder, names, mode="w:gz"):
    with tarfile.open(target, mode) as tar:
        for name in names:
            tar.add(folder / name, name)
    return target


def published_at(monkeypatch, archives):
    """Downloads copy these files, by the last part of their address; none has a digest to check."""
    fetched = []

    def copy(url, path, digest):
        fetched.append(url)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(archives[url.rpartition("/")[2]], path)

    monkeypatch.setattr(prepare, "download", copy)
    return fetched


def fetched(name, home):
    """The dataset as it is after its fetching, and before VOC's images are asked for."""
    dataset = dataclasses.replace(DATASETS[name], home=home)
    for source in dataset.sources:
        if source.path != "pascal/VOC2010":
            prepare.fetch(source, home)
    return dataset


def test_nyuds_archive_of_the_authors_is_all_there_is_to_fetch(twin, tmp_path, monkeypatch):
    folder = twin("nyud")
    (folder / "nyud/splits.mat").unlink()  # it has lists, and no splits.mat
    archive = pack(tmp_path / "nyud.tar.gz", folder, ["nyud"])
    urls = published_at(monkeypatch, {"nyud.tar.gz": archive})
    home = tmp_path / "home"
    sources = DATASETS["nyud"].sources
    dataset = dataclasses.replace(DATASETS["synthetic-nyud"], home=home, sources=sources)
    prepare.prepare(dataset)
    assert urls == ["http://dl.caffe.berkeleyvision.org/nyud.tar.gz"]
    assert files(home / "nyud") == files(folder / "nyud")
    assert len(reader(dataset, "test").load("5004")) == 4


@pytest.mark.parametrize("inside", ["", "SiftFlowDataset/"])
def test_siftflows_archive_has_its_folders_at_its_root_or_in_one(
    twin, tmp_path, monkeypatch, inside
):
    root = twin("siftflow") / "sift-flow"
    with zipfile.ZipFile(tmp_path / "SiftFlowDataset.zip", "w") as packed:
        for name in files(root):
            packed.write(root / name, inside + name)
    published_at(monkeypatch, {"SiftFlowDataset.zip": tmp_path / "SiftFlowDataset.zip"})
    fetched("siftflow", tmp_path / "home")
    assert files(tmp_path / "home/sift-flow") == files(root)


def test_contexts_labels_txt_comes_out_of_the_archive_of_its_maps(twin, tmp_path, monkeypatch):
    root = twin("context") / "pascal-context"
    archives = {name: root / name for name in ("59_labels.txt", "33_labels.txt")}
    parts = ["trainval", "labels.txt"]
    archives["trainval.tar.gz"] = pack(tmp_path / "trainval.tar.gz", root, parts)
    published_at(monkeypatch, archives)
    dataset = fetched("context33", tmp_path / "home")
    assert files(tmp_path / "home/pascal-context") == files(root)
    context.check_labels(dataset)


def test_context_takes_33_labels_txt_as_it_is_published(twin):
    """It ends with a space and no name after it."""
    folder = twin("context")
    path = folder / "pascal-context/33_labels.txt"
    path.write_text(path.read_text().rstrip() + " \n\n")
    context.check_labels(find("synthetic-context33", folder))


def test_context_gets_its_list_of_33_classes(twin):
    folder = twin("context")
    path = folder / "pascal-context/33_labels.txt"
    written = path.read_text()
    path.unlink()
    prepare.prepare(find("synthetic-context33", folder))
    assert path.read_text() == written


def test_idd_lites_lists_are_of_the_images_in_its_folders(twin):
    folder = twin("idd-lite")
    lists = [folder / f"ImageSets/Segmentation/{split}.txt" for split in ("train", "val")]
    written = [path.read_text() for path in lists]
    shutil.rmtree(folder / "ImageSets")
    dataset = dataclasses.replace(
        find("idd-lite", folder),
        splits={split: Split("VOCSegDataLayer", ".") for split in ("train", "val")},
    )
    prepare.prepare(dataset)
    assert [path.read_text() for path in lists] == written
    assert written[1] == "val/0/frame000003\nval/0/frame000004\n"
    for split in ("train", "val"):
        assert label_counts(dataset, split)["label"][:7].sum() > 0
    shutil.rmtree(folder / "leftImg8bit/val")
    lists[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"leftImg8bit/val: no images .*make data-idd-lite"):
        prepare.prepare(dataset)


@pytest.mark.parametrize("name", ["nyud", "context33", "cityscapes-cuts", "siftflow"])
def test_prepare_checks_and_writes_the_report(twins, tmp_path, capsys, name):
    folder = twins / name.removesuffix("33").partition("-")[0]
    args = [f"synthetic-{name}", "--data", str(folder), "--out", str(tmp_path)]
    assert prepare.main(args) == 0
    assert "all of it can be read" in capsys.readouterr().out
    dataset = DATASETS[name]
    pictures = {"samples.png", *(f"classes-{top}.png" for top in dataset.labels)}
    assert set(os.listdir(tmp_path)) == {"report.html", "classes.csv", *pictures}
    for picture in pictures:
        Image.open(tmp_path / picture).verify()
    page = (tmp_path / "report.html").read_text()
    assert all(f'src="{picture}"' in page for picture in pictures)
    assert f"Absent from {dataset.val_split}:" in page


def test_report_of_a_folder_of_ones_own_counts_its_classes(twins, tmp_path, capsys):
    assert report.main([str(twins / "mine"), "--out", str(tmp_path)]) == 0
    with open(tmp_path / "classes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [*synthetic.MINE, "void"]
    labels = [
        np.array(Image.open(twins / f"mine/SegmentationClass/synthetic_{i:06d}.png"))
        for i in range(5)
    ]
    for split, of in (("train", labels[:3]), ("val", labels[3:])):
        for row in rows:
            index = int(row["index"])
            share = np.mean([label == index for label in of])
            assert float(row[f"{split} share"]) == pytest.approx(share, abs=1e-6)
            assert int(row[f"{split} images"]) == sum((label == index).any() for label in of)
    images = np.stack(
        [Image.open(twins / f"mine/JPEGImages/synthetic_{i:06d}.jpg") for i in range(3)]
    )
    mean = images[..., ::-1].mean((0, 1, 2))
    assert ", ".join(f"{value:.3f}" for value in mean) in capsys.readouterr().out


def test_a_survey_sees_every_top_of_nyud(twins):
    dataset = find("synthetic-nyud", twins / "nyud")
    assert reader(dataset, "test").tops == ("color", "depth", "hha", "label")
    found = survey(dataset, "trainval")
    assert (found.images, dict(found.sizes)) == (3, {SIZE: 3})
    assert found.pixels["label"].sum() == 3 * SIZE[0] * SIZE[1]


def test_labels_alone_are_counted_until_every_class_was_seen(twin, monkeypatch):
    """Training on colour needs no HHA images, and no photograph is decoded to see the labels."""
    folder = twin("nyud")
    shutil.rmtree(folder / "nyud/data")
    dataset = find("synthetic-nyud", folder)
    whole = label_counts(dataset, "trainval")["label"]
    assert whole.sum() == 3 * SIZE[0] * SIZE[1]
    few = dataclasses.replace(dataset, classes=dataset.classes[:2])
    monkeypatch.setattr(NYUDSegDataLayer, "load_label", lambda *args: np.uint8([[[0, 1, 255]]]))
    assert label_counts(few, "trainval")["label"].tolist() == [1, 1, 1]


def test_without_classes_txt_classes_are_numbered_up_to_the_highest_label(twin, capsys):
    folder = twin("mine")
    (folder / "classes.txt").unlink()
    dataset = find("mine", folder)
    highest = max(
        np.asarray(image)[np.asarray(image) != 255].max()
        for image in map(Image.open, (folder / "SegmentationClass").iterdir())
    )
    assert dataset.classes == tuple(f"class {i}" for i in range(highest + 1))
    assert "classes.txt is not there" in capsys.readouterr().out


TOPS = {
    "nyud": (("color", "depth", "hha", "label"), (3, 1, 3, 1)),
    "siftflow": (("data", "sem", "geo"), (3, 1, 1)),
    "context": (("data", "label"), (3, 1)),
    "cityscapes": (("data", "label"), (3, 1)),
}


@pytest.mark.parametrize("name", TWINS)
def test_the_data_layers_feed_a_net(twins, tmp_path, name):
    tops, channels = TOPS[name]
    dataset = find(f"synthetic-{name}", twins / name)
    options = {"tops": list(tops)} if name == "nyud" else {}
    spec = data_layer(dataset, dataset.train_split, batch=2, mirror=True, jitter=32, **options)
    path = tmp_path / "net.prototxt"
    path.write_text(
        f"""layer {{ name: "data" type: "Python" {" ".join(f'top: "{top}"' for top in tops)}
        python_param {{ module: "{spec["module"]}" layer: "{spec["layer"]}"
        param_str: "{spec["param_str"]}" }} }}"""
    )
    net = caffe.Net(str(path), caffe.TRAIN)
    for _ in range(2):
        out = net.forward()
        assert {top: out[top].shape for top in tops} == {
            top: (2, depth, *SIZE) for top, depth in zip(tops, channels, strict=True)
        }


def test_sbds_labels_are_drawn_once_as_palette_pngs(tmp_path):
    synthetic.generate(tmp_path / "set", train=2, val=1, size=SIZE, seed=5)
    dataset = find("synthetic", tmp_path / "set")
    voc.draw_sbd(dataset)
    folder = tmp_path / "set/sbdd/dataset/cls_png"
    assert files(folder) == [f"synthetic_{i:06d}.png" for i in range(3)]
    for i in range(3):
        png = Image.open(folder / f"synthetic_{i:06d}.png")
        mat = scipy.io.loadmat(tmp_path / f"set/sbdd/dataset/cls/synthetic_{i:06d}.mat")
        assert png.mode == "P"
        np.testing.assert_array_equal(png, mat["GTcls"][0]["Segmentation"][0])
    (folder / "synthetic_000000.png").write_bytes(b"kept")
    voc.draw_sbd(dataset)
    assert (folder / "synthetic_000000.png").read_bytes() == b"kept"


# ---- bad input: (twin, what is spoilt, what is said) ----


def overwrite(path, array):
    Image.fromarray(array).save(path)


def in_both(folder):
    path = folder / "ImageSets/Segmentation/val.txt"
    path.write_text(path.read_text() + "synthetic_000001\n")


def other_59(folder):
    path = folder / "pascal-context/59_labels.txt"
    path.write_text(path.read_text().replace("10: cow\n11: diningtable", "10: table\n11: cow"))


def other_raw_depth(folder):
    (folder / "nyud/data/hha/img_5002.png").unlink()
    (folder / "nyud/data/rawdepth").mkdir()
    overwrite(folder / "nyud/data/rawdepth/img_5002.png", np.ones((9, 9), "u2"))


BAD = {
    "listed, but not there": (
        "mine",
        lambda f: (f / "JPEGImages/synthetic_000003.jpg").unlink(),
        r"synthetic_000003\.jpg: no such file, but .*val\.txt lists it",
    ),
    "in train and val": ("mine", in_both, r"val\.txt: lists 1 images of train too .*_000001"),
    "label 30": (
        "mine",
        lambda f: overwrite(f / "SegmentationClass/synthetic_000000.png", np.full(SIZE, 30, "u1")),
        r"synthetic_000000\.png: label values \[30\]; expected 0 to 21",
    ),
    "sizes differ": (
        "mine",
        lambda f: overwrite(f / "SegmentationClass/synthetic_000000.png", np.zeros((3, 3), "u1")),
        r"label is 3 x 3 .* is 40 x 56",
    ),
    "one class": (
        "mine",
        lambda f: (f / "classes.txt").write_text("all\n"),
        r"classes\.txt: 1 names; expected 2 to 255 different names",
    ),
    "a class twice": (
        "mine",
        lambda f: (f / "classes.txt").write_text("a\nb\na\n"),
        r"classes\.txt: 'a' more than once",
    ),
    "no val": (
        "mine",
        lambda f: (f / "ImageSets/Segmentation/val.txt").unlink(),
        r"val\.txt: no such split file; a folder of your own holds JPEGImages",
    ),
    "HHA of another size": (
        "nyud",
        lambda f: overwrite(f / "nyud/data/hha/img_5002.png", np.zeros((9, 9, 3), "u1")),
        r"hha/img_5002\.png: hha is 9 x 9",
    ),
    "depth with zeros": (
        "nyud",
        lambda f: overwrite(f / "nyud/data/depth/img_5004.png", np.zeros(SIZE, "u2")),
        r"depth/img_5004\.png: 2240 of 2240 pixels have depth 0",
    ),
    "raw depth of another size": (
        "nyud",
        other_raw_depth,
        r"rawdepth/img_5002\.png: 9 x 9 \(h x w\), but .*depth/img_5002\.png is 40 x 56",
    ),
    "a split that is no text": (
        "siftflow",
        lambda f: (f / "sift-flow/test.txt").write_bytes(b"\xff\xfe"),
        r"sift-flow/test\.txt: can't be read .*expected a text file of one image id a line",
    ),
    "no variable S": (
        "siftflow",
        lambda f: scipy.io.savemat(
            f / f"sift-flow/GeoLabels/{SCENES}/synthetic_000001.mat", {"T": 1}
        ),
        r"GeoLabels/.*synthetic_000001\.mat: holds T; expected the variable S",
    ),
    "other 59 names": (
        "context",
        other_59,
        r"59_labels\.txt: 'table' for 'cow'; expected the 59 names",
    ),
    "no images": (
        "cityscapes",
        lambda f: shutil.rmtree(f / "cityscapes"),
        r"leftImg8bit/train: no images .*python -m data\.synthetic --dataset cityscapes",
    ),
    "no splits.mat": (
        "nyud",
        lambda f: [(f / "nyud" / n).unlink() for n in ("splits.mat", "test.txt")],
        r"nyud/splits\.mat: no such file",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_datasets_are_one_line_that_names_the_file_and_no_report(twin, tmp_path, capsys, case):
    name, spoil, message = BAD[case]
    folder = twin(name)
    spoil(folder)
    known = name if name == "mine" else f"synthetic-{name}"
    args = [known, "--data", str(folder), "--out", str(tmp_path / "out")]
    assert prepare.main(args) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert re.search(message, line), line
    assert not (tmp_path / "out").exists()


def test_a_report_that_cannot_be_written_is_one_line(twins, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    args = [str(twins / "mine"), "--out", str(tmp_path / "file/out")]
    assert report.main(args) == 1
    assert "classes.csv: cannot be written" in capsys.readouterr().err


def test_unknown_datasets_and_mine_without_a_folder_are_errors(capsys):
    for args, message in (
        (["vok"], "there is no dataset 'vok'; choose from voc, nyud"),
        (["mine"], "dataset mine needs a folder (--data, DATA=)"),
    ):
        assert report.main(args) == 1
        assert message in capsys.readouterr().err


def test_cityscapes_says_what_to_sign_up_for(tmp_path, capsys):
    assert prepare.main(["cityscapes", "--data", str(tmp_path)]) == 1
    message = capsys.readouterr().err
    for part in ("sign up at https://www.cityscapes-dataset.com", "leftImg8bit_trainvaltest.zip"):
        assert part in message
