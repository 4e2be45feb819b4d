"""The Indian Driving Dataset: its table of labels, and polygons filled as the public tools do."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from data import idd, prepare, synthetic
from data.classes import IDD
from data.datasets import DATASETS, ids
from data.idd_labels import LABELS, PALETTE, label_of
from data.statistics import reader

SQUARE = [[1, 1], [4, 1], [4, 3], [1, 3]]


def write(path, objects, height=6, width=8):
    path.parent.mkdir(parents=True, exist_ok=True)
    of = {"imgHeight": height, "imgWidth": width, "objects": objects}
    path.write_text(json.dumps(of))
    return path


def filled(tmp_path, *objects):
    return idd.filled(write(tmp_path / "a_gtFine_polygons.json", list(objects)))


def test_ids_and_classes_are_the_public_ones():
    assert [label.id for label in LABELS.values()] == list(range(40))
    assert len(IDD) == len(PALETTE) == 26
    for index, name in enumerate(IDD):
        assert (LABELS[name].level3, LABELS[name].colour) == (index, PALETTE[index])
    assert {label.level3 for label in LABELS.values()} == {*range(26), 255}
    for name, of in (("rail track", 3), ("animal", 4), ("caravan", 12), ("tunnel", 23)):
        assert LABELS[name].level3 == of
    assert LABELS["fallback background"].level3 == LABELS["sky"].level3 == 25
    assert PALETTE[0] == (128, 64, 128)


def test_groups_are_of_their_class_and_polegroup_of_its_own():
    assert label_of("cargroup") == LABELS["car"]
    assert label_of("polegroup").id == 27
    with pytest.raises(ValueError, match="unknown class 'spaceship'; expected one of road, park"):
        label_of("spaceship")


def test_later_polygons_lie_over_earlier_ones_and_the_rest_is_unlabelled(tmp_path):
    found = filled(
        tmp_path,
        {"label": "road", "polygon": [[0, 2], [7, 2], [7, 5], [0, 5]]},
        {"label": "car", "polygon": SQUARE},
        {"label": "sky", "polygon": SQUARE, "deleted": 1},
        {"label": "license plate", "polygon": [[2, 2], [3, 2], [3, 2], [2, 2]]},
    )
    expected = np.full((6, 8), 255, np.uint8)
    expected[2:6] = 0
    expected[1:4, 1:5] = 9  # corners are pixels, and filled too
    expected[2, 2:4] = 255
    np.testing.assert_array_equal(found, expected)


def test_polygons_are_filled_as_pillow_fills_them(tmp_path):
    """The public tools hand their corners, fractions too, to ImageDraw.polygon."""
    rng = np.random.default_rng(3)
    corners = [[(rng.uniform(-5, 45), rng.uniform(-5, 35)) for _ in range(6)] for _ in range(5)]
    names = ["road", "car", "sky", "pole", "person"]
    objects = [
        {"label": name, "polygon": [list(point) for point in polygon]}
        for name, polygon in zip(names, corners, strict=True)
    ]
    image = Image.new("L", (40, 30), 255)
    for name, polygon in zip(names, corners, strict=True):
        ImageDraw.Draw(image).polygon(polygon, fill=LABELS[name].level3)
    found = idd.filled(write(tmp_path / "a.json", objects, 30, 40))
    np.testing.assert_array_equal(found, np.asarray(image))


BAD = {
    "an unknown class": (
        {"label": "spaceship", "polygon": SQUARE},
        r"a_gtFine_polygons\.json: object 0: unknown class 'spaceship'; expected one of .*: corr",
    ),
    "no polygon": ({"label": "car", "polygon": [[1, 1]]}, r"object 0: polygon \[\[1, 1\]\]; exp"),
    "no numbers": ({"label": "car", "polygon": [[1, "a"], [2, 2]]}, "object 0: polygon"),
    "no object": (7, r"a_gtFine_polygons\.json: has no list of objects"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_annotation_names_file_object_and_cure(tmp_path, case):
    bad, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        filled(tmp_path, bad)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "imgWidth is None; expected a whole number of pixels"),
        ('{"imgWidth": 99999, "imgHeight": 99999, "objects": []}', "99999 x 99999 pixels; exp"),
    ],
)
def test_what_is_no_annotation_is_refused(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"a.json: {message}"):
        idd.filled(path)


def at(home):
    return dataclasses.replace(DATASETS["synthetic-idd"], home=home)


def test_preparing_lists_the_images_and_draws_what_is_not_drawn_yet(tmp_path):
    home = tmp_path / "home"
    synthetic.generate(home, train=2, val=1, size=(48, 64), seed=1, dataset="idd")
    labels = sorted((home / "idd").rglob("*labellevel3Ids.png"))
    drawn = {path: np.array(Image.open(path)) for path in labels}
    lists = {split: ids(at(home), split) for split in ("train", "val")}
    for path in (*labels, home / "idd/train.txt", home / "idd/val.txt"):
        path.unlink()
    prepare.prepare(at(home))
    assert {split: ids(at(home), split) for split in ("train", "val")} == lists
    assert lists["val"] == ["synthetic/000002"]
    for path, label in drawn.items():
        np.testing.assert_array_equal(np.array(Image.open(path)), label)
    data, label = reader(at(home), "val").load("synthetic/000002")
    assert (data.shape, label.shape) == ((3, 48, 64), (1, 48, 64))


def test_maps_of_ids_become_classes_where_there_are_no_polygons(tmp_path):
    folder = tmp_path / "idd/gtFine/train/1"
    folder.mkdir(parents=True)
    Image.fromarray(np.arange(40, dtype=np.uint8).reshape(5, 8)).save(
        folder / "a_gtFine_labelids.png"
    )
    Image.fromarray(np.full((2, 2), 40, np.uint8)).save(tmp_path / "b_gtFine_labelids.png")
    idd.draw_labels(at(tmp_path))
    found = np.array(Image.open(folder / "a_gtFine_labellevel3Ids.png"))
    np.testing.assert_array_equal(found.ravel(), [label.level3 for label in LABELS.values()])
    with pytest.raises(
        ValueError, match=r"b_gtFine_labelids\.png: ids \[40\]; expected 0 to 39 or"
    ):
        idd.draw_label(tmp_path / "b_gtFine_labelids.png", tmp_path / "b.png")


def test_without_images_the_hint_says_where_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no images .*data\.synthetic --dataset idd"):
        idd.derive_splits(at(tmp_path))
