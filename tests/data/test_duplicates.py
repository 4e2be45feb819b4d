"""Laws of what tells that two splits share pictures, and that label maps were renumbered."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from data import report, synthetic
from data.drawing import palette, write_palette_png
from data.duplicates import Pair, fingerprint, pairs
from data.palettes import renumbered, used_colours

TABLE = palette()


def scene(seed, size=(90, 120)):
    """A picture with coarse structure, as photographs have."""
    coarse = np.random.RandomState(seed).randint(0, 256, (7, 9, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC))


def saved_again(image):
    """It smaller, brighter and in poor quality."""
    picture = Image.fromarray(image)
    picture = picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))
    file = io.BytesIO()
    picture.point(lambda value: min(255, int(1.1 * value))).save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


def prints(images):
    return {name: fingerprint(image) for name, image in images.items()}


def test_the_same_and_nearly_the_same_pictures_are_found_and_no_others():
    train = prints({f"t{seed}": scene(seed) for seed in range(30)})
    val = {f"v{seed}": scene(seed) for seed in range(30, 60)}
    val |= {"same": scene(3), "again": saved_again(scene(7)), "cut": scene(9)[1:-1, 2:]}
    found = pairs(prints(val), train)
    assert found[0] == Pair("same", "t3", -1)
    assert {(pair.name, pair.other) for pair in found} == {
        *(("same", "t3"), ("again", "t7"), ("cut", "t9"))
    }
    assert [pair.distance for pair in found] == sorted(pair.distance for pair in found)


def test_flat_pictures_are_alike_only_if_they_are_the_same():
    flat = {str(grey): np.full((40, 50, 3), grey, np.uint8) for grey in (20, 90)}
    assert pairs(prints({"a": flat["20"]}), prints({"b": flat["90"]})) == []
    assert pairs(prints({"a": flat["20"]}), prints({"b": flat["20"]})) == [Pair("a", "b", -1)]


def test_pictures_of_two_shapes_with_the_same_bytes_differ():
    image = np.zeros((6, 8, 3), np.uint8)
    assert pairs(prints({"a": image}), prints({"b": image.reshape(8, 6, 3)})) == []


def label_png(path, labels, colours):
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(np.asarray(colours, np.uint8).tobytes())
    image.save(path)
    return path


def told(*paths):
    return renumbered({path.stem: used_colours(path) for path in paths}, TABLE, 21)


def test_indices_in_the_colours_of_other_classes_are_told(tmp_path):
    labels = np.array([[0, 1], [2, 2]])
    own = label_png(tmp_path / "own.png", labels, TABLE)
    other = label_png(tmp_path / "other.png", labels, [TABLE[0], TABLE[8], TABLE[15]])
    assert told(own, other) == [("other", 1, 8)]


@pytest.mark.parametrize(
    "colours",
    [TABLE, [(i, i, i) for i in range(256)], [(9, 200 - i, i) for i in range(21)], [TABLE[0]] * 9],
    ids=["its own", "grey", "others", "background's"],
)
def test_other_palettes_are_not(tmp_path, colours):
    labels = np.array([[0, 1], [2, 0]])
    assert told(label_png(tmp_path / "a.png", labels, colours)) == []


def test_one_colour_of_no_class_says_that_the_dataset_has_its_own(tmp_path):
    """As CamVid's, whose sky has the grey of VOC's class 7."""
    colours = [TABLE[7], TABLE[1], (192, 192, 128)]
    one = label_png(tmp_path / "one.png", np.array([[0, 1]]), colours)
    other = label_png(tmp_path / "other.png", np.array([[0, 2]]), colours)
    assert told(one, other) == []
    assert told(one) == [("one", 0, 7)]


def test_a_label_map_without_a_palette_is_not(tmp_path):
    Image.fromarray(np.ones((2, 2), np.uint8)).save(tmp_path / "a.png")
    assert told(tmp_path / "a.png") == []


def test_the_report_shows_both_with_their_cures(tmp_path, capsys):
    folder = tmp_path / "mine"
    synthetic.generate(folder, train=3, val=2, size=(48, 64), seed=1, dataset="mine")
    names = [
        (folder / f"ImageSets/Segmentation/{s}.txt").read_text().split()[0]
        for s in ("train", "val")
    ]
    shutil.copy(*(folder / f"JPEGImages/{name}.jpg" for name in names))
    label = folder / f"SegmentationClass/{names[1]}.png"
    with Image.open(label) as image:
        labels = np.asarray(image)
    swapped = TABLE.copy()
    used = int(np.setdiff1d(labels, [255])[0])
    other = (used + 1) % len(synthetic.MINE)
    swapped[[used, other]] = swapped[[other, used]]
    write_palette_png(label, labels, swapped)
    assert report.main([str(folder), "--out", str(tmp_path / "out")]) == 0
    warned = capsys.readouterr().err
    assert (
        f"1 images are in train too, 1 of them pixel by pixel ({names[1]} and {names[0]})" in warned
    )
    assert "take those that are one picture off one of the lists" in warned
    assert f"{names[1]}: {used} in that of {synthetic.MINE[other]}, {other}" in warned
    page = (tmp_path / "out" / "report.html").read_text()
    assert "the same pixels" in page
    assert "data:image/webp" in page
