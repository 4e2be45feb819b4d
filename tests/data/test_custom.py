"""A folder of one's own as its owner keeps it: other suffixes, other names, other labels."""

import csv
import json
import re
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import caffe
import nets
from caffe.proto import caffe_pb2
from data import prepare, synthetic
from data.custom import find, label_paths
from data.datasets import DATASETS
from data.statistics import reader
from solvers import train_stage
from tables.upper_bounds import label_maps

pytestmark = pytest.mark.usefixtures("blank_pictures")

SIZE = (32, 40)
TRAIN, VAL = ("a", "b c"), ("d",)


def label(*values):
    return np.resize(np.array(values, np.uint8), SIZE)


@pytest.fixture
def folder(tmp_path):
    """Photographs a.jpg, "b c.jpg" and d.jpg, their labels of the classes 0, 1 and 2."""
    home = tmp_path / "mine"
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (home / part).mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    for name, image in zip((*TRAIN, *VAL), pixels, strict=True):
        Image.fromarray(image).save(home / f"JPEGImages/{name}.jpg")
        Image.fromarray(label(0, 1, 2)).save(home / f"SegmentationClass/{name}.png")
    for split, names in (("train", TRAIN), ("val", VAL)):
        text = "".join(f"{name}\n" for name in names)
        (home / f"ImageSets/Segmentation/{split}.txt").write_text(text)
    (home / "classes.txt").write_text("sky\nroad\ncar\n")
    return home


def prepared(folder, capsys):
    """Status of data.prepare mine, its stdout and its stderr."""
    status = prepare.main(["mine", "--data", str(folder), "--out", str(folder.parent / "report")])
    return status, *capsys.readouterr()


def refused(folder, capsys, message):
    status, _, error = prepared(folder, capsys)
    assert status == 1
    (line,) = [x for x in error.splitlines() if x.startswith("error: ")]
    assert re.search(message, line), line
    assert not (folder.parent / "report").exists()


def relabel(folder, *arrays):
    """Give a, b c and d these labels, the last one to what is left."""
    for number, name in enumerate((*TRAIN, *VAL)):
        array = arrays[min(number, len(arrays) - 1)]
        Image.fromarray(array).save(folder / f"SegmentationClass/{name}.png")


def test_a_sound_folder_passes_without_a_warning(folder, capsys):
    status, out, error = prepared(folder, capsys)
    assert status == 0
    assert "all of it can be read" in out
    assert "warning" not in error
    assert "Warning" not in (folder.parent / "report/report.html").read_text()


# ---- classes ----


@pytest.mark.parametrize(
    "text",
    [
        "\nsky\n\nroad\n  \ncar\n\n",
        "# of 2026\nsky\n# flat\nroad\ncar",
        "\ufeffsky\r\nroad \r\ncar",
    ],
)
def test_blank_lines_and_comments_shift_no_class(folder, text):
    (folder / "classes.txt").write_bytes(text.encode())
    assert find("mine", folder).classes == ("sky", "road", "car")


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ((0, 100, 200), r"values 0, 100, 200: gray levels.*expected class indices, 0, 1, 2.*201"),
        ((0, 128, 255), r"values 0, 128 and 255, void: gray levels"),
        ((0, 85, 170, 255), r"values 0, 85, 170 and 255, void: gray levels"),
        ((0, 127), r"values 0, 127: gray levels"),
    ],
)
def test_gray_levels_are_no_class_indices(folder, capsys, levels, said):
    relabel(folder, label(*levels))
    (folder / "classes.txt").unlink()
    refused(folder, capsys, rf"classes\.txt is not there, and the labels hold the {said}")


@pytest.mark.parametrize("indices", [(0, 1), (0, 2), (0, 1, 2, 3, 255), (0, 1, 3, 5)])
def test_indices_with_gaps_are_class_indices(folder, indices):
    relabel(folder, label(*indices))
    (folder / "classes.txt").unlink()
    highest = max(index for index in indices if index != 255)
    assert find("mine", folder).classes == tuple(f"class {i}" for i in range(highest + 1))


def test_gray_levels_beside_a_classes_txt_are_told_too(folder, capsys):
    relabel(folder, label(0, 100, 200))
    refused(folder, capsys, r"a\.png: label values \[100, 200\]; expected 0 to 2 or 255 \(void\)")


# ---- labels that nothing can be learned from ----


@pytest.mark.parametrize("named", [True, False])
def test_masks_of_0_and_255_have_one_class(folder, capsys, named):
    relabel(folder, label(0, 255))
    if named:
        (folder / "classes.txt").write_text("background\nthing\n")
    else:
        (folder / "classes.txt").unlink()
    refused(
        folder,
        capsys,
        r"label of train, .*train\.txt: no class but (background|class 0) \(0\) and 255; expected "
        r"2 classes.*in masks of 0 and 255 write 1 for 255",
    )


@pytest.mark.parametrize("value", [0, 1])
def test_labels_of_one_class_teach_nothing(folder, capsys, value):
    relabel(folder, label(value))
    refused(folder, capsys, r"train\.txt: no class but (sky \(0\)|road \(1\)); expected 3 classes")


@pytest.mark.parametrize(
    ("arrays", "split"), [([label(255)], "train"), ([label(0, 1, 2)] * 2, "val")]
)
def test_a_split_of_void_alone_is_an_error(folder, capsys, arrays, split):
    relabel(folder, *arrays, label(255))
    refused(folder, capsys, rf"label of {split}, .*{split}\.txt: every pixel is void \(255\)")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ([label(0, 1), label(0), label(0, 1, 2)], r"train\.txt: no pixel of car \(2\); .*not lear"),
        ([label(0, 1, 2), label(0), label(0, 1)], r"val\.txt: no pixel of car \(2\); .*not scored"),
        ([label(0, 1, 2), label(0), label(0, 255)], r"val\.txt: no class but sky \(0\) and 255; a"),
        ([label(*[255] * 30, 0, 1, 2)] * 2 + [label(0, 1, 2)], r"train.*9\d\.\d% .* are void"),
    ],
)
def test_what_is_suspicious_is_a_warning_with_its_cure_in_line_and_page(
    folder, capsys, arrays, said
):
    relabel(folder, *arrays)
    status, _, error = prepared(folder, capsys)
    assert status == 0
    (line,) = [x for x in error.splitlines() if x.startswith("warning: ")]
    assert re.search(said, line), line
    page = (folder.parent / "report/report.html").read_text()
    assert "<strong>Warning:</strong>" in page


def test_photographs_that_exif_turns_to_the_same_size_are_told(folder, capsys):
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(folder / "JPEGImages/a.jpg") as image:
        image.save(folder / "JPEGImages/a.jpg", exif=exif)
    _, _, error = prepared(folder, capsys)
    assert "warning: train: EXIF turns 1 images (a) to the same size" in error


# ---- files ----


@pytest.mark.parametrize(
    "suffix", [".png", ".jpeg", ".JPG", ".JPEG", ".bmp", ".webp", ".tif", ".TIFF", ".Png"]
)
def test_a_photograph_may_have_any_suffix(folder, capsys, suffix):
    path = folder / "JPEGImages/a.jpg"
    with Image.open(path) as image:
        rgb = np.array(image)
    path.unlink()
    options = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(rgb).save(path.with_suffix(suffix), **options)
    assert prepared(folder, capsys)[0] == 0
    layer = reader(find("mine", folder), "train")
    assert layer.path("data", "a") == str(path.with_suffix(suffix))
    assert layer.path("data", "b c") == str(folder / "JPEGImages/b c.jpg")


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (None, "SegmentationClass/{}_mask.png"),
        (None, "masks/{}_gtFine_labelIds.png"),
        ("photos/{}_leftImg8bit.jpg", "labels/{}_label.tif"),
        ("{}.jpg", None),
    ],
)
def test_dataset_json_says_where_images_and_labels_lie(folder, tmp_path, capsys, images, labels):
    layout = {}
    for key, pattern, usual in (
        ("images", images, "JPEGImages/{}.jpg"),
        ("labels", labels, "SegmentationClass/{}.png"),
    ):
        for name in (*TRAIN, *VAL) if pattern else ():
            target = folder / pattern.replace("{}", name)
            target.parent.mkdir(exist_ok=True)
            with Image.open(folder / usual.replace("{}", name)) as image:
                image.load()
            (folder / usual.replace("{}", name)).unlink()
            image.save(target)
        layout |= {key: pattern} if pattern else {}
    (folder / "dataset.json").write_text(json.dumps(layout), encoding="utf-8-sig")
    assert prepared(folder, capsys)[0] == 0
    with open(tmp_path / "report/classes.csv", newline="") as file:
        assert [row["val images"] for row in csv.DictReader(file)] == ["1", "1", "1", "0"]
    expected = [folder / (labels or "SegmentationClass/{}.png").replace("{}", "d")]
    assert label_paths(folder, VAL) == label_maps(folder, "val") == expected
    weights = tmp_path / "vgg16-fcn.caffemodel"
    spec = nets.convolutional("vgg16", width=1 / 32)
    caffe.Net.from_proto(spec, caffe_pb2.NetState(phase=caffe.TEST)).save(weights)
    args = ["fcn32s", "--dataset", "mine", "--data", str(folder), "--weights", str(weights)]
    more = ["--width", str(1 / 32), "--iters", "1", "--gpu", "cpu", "--out", str(tmp_path / "run")]
    assert train_stage.main([*args, *more]) == 0


@pytest.mark.parametrize("pattern", ["all/{}.jpg", "all/{}.webp"])
def test_a_label_beside_the_photographs_is_never_taken_for_one(folder, capsys, pattern):
    (folder / "all").mkdir()
    for name in (*TRAIN, *VAL):
        with Image.open(folder / f"JPEGImages/{name}.jpg") as image:
            image.save(folder / f"all/{name}.webp", lossless=True)
        (folder / f"SegmentationClass/{name}.png").rename(folder / f"all/{name}.png")
    (folder / "dataset.json").write_text(json.dumps({"images": pattern, "labels": "all/{}.png"}))
    layer = reader(find("mine", folder), "train")
    assert layer.path("data", "a") == str(folder / "all/a.webp")
    assert layer.path("label", "a") == str(folder / "all/a.png")
    assert prepared(folder, capsys)[0] == 0
    shutil.rmtree(folder.parent / "report")
    (folder / "all/a.webp").unlink()
    refused(folder, capsys, rf"{re.escape(pattern.replace('{}', 'a'))}: no such file.*1 of 2 miss")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"images": "SegmentationClass/{}.png"}',
            r"dataset\.json: images and labels are the same files; expected",
        ),
        ("{", r"dataset\.json: is no JSON .*expected images, labels or both"),
        ("[1]", r"dataset\.json: holds \[1\]; expected images, labels or both"),
        ('{"masks": "{}.png"}', r"dataset\.json: holds .*masks.*; expected images, labels or both"),
        ('{"labels": "_mask.png"}', r"labels is '_mask\.png', without one \{\}; expected"),
        ('{"labels": 3}', r"labels is 3, without one \{\}"),
    ],
)
def test_a_dataset_json_that_says_something_else_is_one_error(folder, capsys, text, message):
    (folder / "dataset.json").write_text(text)
    refused(folder, capsys, message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "SegmentationClass/a.png",
            "SegmentationClass/a_mask.png",
            r"a\.png: no such file, .*\(1 of 2 missing\): a_mask\.png is there: .*dataset\.json",
        ),
        ("SegmentationClass/a.png", "SegmentationClass/a.bmp", r"a\.png: .*: a\.bmp is there"),
        ("SegmentationClass/a.png", "SegmentationClass/a.PNG", r"a\.png: .*: a\.PNG is there"),
        ("SegmentationClass/a.png", "SegmentationClass/A.png", r"a\.png: .*: A\.png is there"),
        ("JPEGImages/a.jpg", "JPEGImages/a.heic", r"a\.jpg: no such file.*: a\.heic is there"),
        ("JPEGImages/a.jpg", "JPEGImages/other.jpg", r"a\.jpg: no such file.*: add it, or take"),
        ("SegmentationClass", "masks", r"there is no folder .*SegmentationClass"),
    ],
)
def test_a_file_that_is_there_under_another_name_is_named(folder, capsys, old, new, message):
    (folder / old).rename(folder / new)
    refused(folder, capsys, message)


def test_without_classes_txt_a_label_of_another_name_is_named_too(folder, capsys):
    (folder / "classes.txt").unlink()
    (folder / "SegmentationClass/a.png").rename(folder / "SegmentationClass/a_label.png")
    refused(folder, capsys, r"a\.png: no such file: a_label\.png is there: .*dataset\.json")


def test_a_name_in_other_unicode_characters_is_told(folder, capsys):
    (folder / "ImageSets/Segmentation/train.txt").write_text("\u00e9\nb c\n", encoding="utf-8")
    (folder / "JPEGImages/a.jpg").rename(folder / "JPEGImages/e\u0301.jpg")
    refused(folder, capsys, r"no such file, .*looks the same, but with accents as characters")


def test_a_folder_that_is_called_otherwise_and_backslashes_are_told(folder, capsys):
    (folder / "SegmentationClass").rename(folder / "masks")
    refused(folder, capsys, "there is no folder .*SegmentationClass: .* in dataset.json")
    (folder / "dataset.json").write_text(json.dumps({"labels": "masks\\{}.png"}))
    refused(folder, capsys, r"labels is 'masks\\\\{}.png'; write / for each backslash")


def test_ids_that_are_listed_with_their_suffix_are_told(folder, capsys):
    (folder / "ImageSets/Segmentation/train.txt").write_text("a.jpg\nb c.jpg\n")
    refused(folder, capsys, r"a\.jpg\.jpg: no such file.*: a\.jpg is there: list ids without their")


@pytest.mark.parametrize("line", ["a.png", "JPEGImages/a.jpg", "JPEGImages/a.jpg masks/a.PNG"])
def test_paths_in_a_list_are_told(folder, capsys, line):
    (folder / "ImageSets/Segmentation/train.txt").write_text(f"{line}\n")
    refused(folder, capsys, r"a\.\w+\.jpg: no such file.*list ids alone, without folder or suffix")


@pytest.mark.parametrize("line", ["a 1", "a  -1", "a\t0"])
def test_a_list_with_a_second_column_is_told(folder, capsys, line):
    (folder / "ImageSets/Segmentation/train.txt").write_text(f"{line}\nb c 1\n")
    message = r"a\s+-?\d\.jpg: no such file, but .*list ids alone, .*without a second column"
    refused(folder, capsys, message)
    (folder / "classes.txt").unlink()
    refused(folder, capsys, r"a\s+-?\d\.png: no such file: list ids alone, .*a second column")


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (2, r"a gray PNG of 2 bits a pixel with the values 0, 1, 3, which are .* 85 times"),
        (4, r"a gray PNG of 4 bits a pixel with the values 0, 1, 15, which are .* 17 times"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_gray_labels_of_few_bits_are_refused_for_readers_scale_them(
    folder, capsys, bits, message, named
):
    write_gray_png(folder / "SegmentationClass/a.png", label(0, 1, 2**bits - 1), bits)
    if not named:
        (folder / "classes.txt").unlink()
    refused(folder, capsys, message)


def write_gray_png(path, values, bits):
    """What Pillow does not write; width a multiple of 8 / bits."""
    per_byte = 8 // bits
    groups = values.reshape(len(values), -1, per_byte).astype(int)
    packed = (groups << np.arange(8 - bits, -1, -bits)).sum(-1).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    header = struct.pack(">IIBBBBB", values.shape[1], len(values), bits, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def test_images_that_are_listed_twice_are_told(folder, capsys):
    path = folder / "ImageSets/Segmentation/train.txt"
    path.write_text("a\nb c\na\n")
    status, _, error = prepared(folder, capsys)
    assert status == 0
    assert f"warning: {path}: lists 1 images more than once (a), which count as often" in error
    assert "lists 1 images more than once" in (folder.parent / "report/report.html").read_text()


def test_a_folder_of_other_classes_is_not_taken_for_a_dataset_with_as_many(folder, capsys):
    names = [f"thing {i}" for i in range(21)]
    (folder / "classes.txt").write_text("\n".join(names))
    args = ["fcn32s", "--dataset", "voc", "--data", str(folder), "--gpu", "cpu"]
    assert train_stage.main(args) == 1
    error = capsys.readouterr().err
    assert "classes.txt: names thing 0, thing 1" in error
    assert "give the folder as mine" in error
    for name in ("voc", "nyud"):  # as infer.py --dataset and solvers.evaluate do
        with pytest.raises(ValueError, match=rf"names thing 0, .* expected the classes of {name}"):
            find(name, folder)
    (folder / "classes.txt").write_text("\n".join(DATASETS["camvid"].classes).title())
    (folder / "dataset.json").write_text('{"labels": "masks/{}.png"}')
    assert find("camvid", folder).options == {"labels": "masks/{}.png"}
    (folder / "classes.txt").write_text("\n".join(names[:11]))
    with pytest.raises(ValueError, match=r"expected the classes of camvid, sky, building"):
        find("camvid", folder)


def test_the_twin_of_a_folder_of_ones_own_is_one(tmp_path, capsys):
    synthetic.generate(tmp_path / "mine", train=2, val=1, size=SIZE, seed=5, dataset="mine")
    assert prepared(tmp_path / "mine", capsys)[0] == 0
