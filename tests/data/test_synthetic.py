"""Laws of data/synthetic.py: the layouts of VOC and SBD, determinism, what a net can learn from."""

import os

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from data import scenes, synthetic
from data.classes import VOC as VOC_CLASSES
from data.datasets import SBD, VOC2011
from data.drawing import palette

SIZE = (48, 64)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "set"
    synthetic.generate(out, train=4, val=2, size=SIZE, seed=9)
    return out


def contents(folder):
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def test_files_are_those_of_voc_and_sbd(made):
    names = [f"synthetic_{i:06d}" for i in range(6)]
    voc = {f"JPEGImages/{n}.jpg" for n in names} | {f"SegmentationClass/{n}.png" for n in names}
    voc |= {"ImageSets/Segmentation/train.txt", "ImageSets/Segmentation/val.txt"}
    sbd = {f"img/{n}.jpg" for n in names} | {f"cls/{n}.mat" for n in names}
    sbd |= {"train.txt", "val.txt"}
    assert set(contents(made / VOC2011.path)) == voc
    assert set(contents(made / SBD.path)) == sbd
    for folder, inside in ((VOC2011.path, "ImageSets/Segmentation"), (SBD.path, ".")):
        lists = {s: (made / folder / inside / f"{s}.txt").read_text() for s in ("train", "val")}
        assert lists["train"].splitlines() == names[:4]
        assert lists["val"].splitlines() == names[4:]


def test_voc_labels_are_palette_pngs_with_the_borders_void(made):
    for i in range(6):
        png = Image.open(made / VOC2011.path / f"SegmentationClass/synthetic_{i:06d}.png")
        assert (png.mode, png.size) == ("P", SIZE[::-1])
        np.testing.assert_array_equal(png.getpalette(), palette().ravel())
        _, label, instance = scenes.scene(SIZE, (9, 0, i) if i < 4 else (9, 1, i - 4))
        expected = np.where(scenes.border(instance), 255, label)
        np.testing.assert_array_equal(np.array(png), expected)


def test_sbd_labels_are_the_scene_without_void_read_as_sbds_are(made):
    mat = scipy.io.loadmat(made / SBD.path / "cls/synthetic_000002.mat")
    found = mat["GTcls"][0]["Segmentation"][0]
    _, label, _ = scenes.scene(SIZE, (9, 0, 2))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, label)


def test_jpegs_are_the_same_in_both_layouts_and_close_to_the_scene(made):
    a = made / VOC2011.path / "JPEGImages/synthetic_000001.jpg"
    b = made / SBD.path / "img/synthetic_000001.jpg"
    assert a.read_bytes() == b.read_bytes()
    image, _, _ = scenes.scene(SIZE, (9, 0, 1))
    # JPEG keeps a quarter of the colour resolution: single pixels may be off, not the whole.
    assert np.abs(np.array(Image.open(a), float) - image).mean() < 12


def test_equal_seeds_write_equal_bytes_and_other_seeds_others(made, tmp_path):
    synthetic.generate(tmp_path / "same", train=4, val=2, size=SIZE, seed=9)
    synthetic.generate(tmp_path / "other", train=4, val=2, size=SIZE, seed=10)
    same, other = contents(tmp_path / "same"), contents(tmp_path / "other")

    def undated(files):  # a .mat begins with 116 bytes of text that hold the time
        return {name: data[116:] if name.endswith(".mat") else data for name, data in files.items()}

    assert undated(same) == undated(contents(made))
    jpegs = [name for name in same if name.endswith(".jpg")]
    assert all(same[name] != other[name] for name in jpegs)


def test_a_longer_set_begins_with_the_shorter_one(made, tmp_path):
    synthetic.generate(tmp_path / "long", train=5, val=1, size=SIZE, seed=9)
    name = "JPEGImages/synthetic_{:06d}.jpg"
    short, long = made / VOC2011.path, tmp_path / "long" / VOC2011.path
    for i in range(4):
        assert (short / name.format(i)).read_bytes() == (long / name.format(i)).read_bytes()
    # val does not depend on how many images train has
    assert (short / name.format(4)).read_bytes() == (long / name.format(5)).read_bytes()


@given(seed=st.integers(0, 2**32), h=st.integers(32, 90), w=st.integers(32, 90))
@settings(max_examples=40, deadline=None)
def test_every_scene_has_1_to_4_objects_of_known_classes(seed, h, w):
    image, label, instance = scenes.scene((h, w), seed)
    assert (image.shape, image.dtype) == ((h, w, 3), np.uint8)
    assert label.shape == instance.shape == (h, w)
    assert 1 <= instance.max() <= 4
    assert label.max() < len(VOC_CLASSES)
    np.testing.assert_array_equal(label > 0, instance > 0)
    for number in np.unique(instance):  # an object is of one class
        assert len(np.unique(label[instance == number])) == 1


def test_all_20_classes_occur_and_none_dominates():
    counts = np.zeros(21)
    for i in range(120):
        counts += np.bincount(scenes.scene((96, 96), (0, i))[1].ravel(), minlength=21)
    share = counts[1:] / counts[1:].sum()
    assert share.min() > 0.01
    assert share.max() < 0.15


@given(st.integers(0, 2**32))
def test_border_is_every_pixel_beside_another_instance(seed):
    instance = np.random.default_rng(seed).integers(0, 3, (5, 6), dtype=np.uint8)
    expected = np.zeros((5, 6), bool)
    for y in range(5):
        for x in range(6):
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= ny < 5 and 0 <= nx < 6 and instance[ny, nx] != instance[y, x]:
                    expected[y, x] = True
    np.testing.assert_array_equal(scenes.border(instance), expected)


def test_finer_strides_can_follow_the_shapes_better():
    """Labels averaged over s x s cells and spread again: the mean IU each stride could reach."""
    hits = {s: np.zeros(21) for s in (32, 16, 8)}
    union = {s: np.zeros(21) for s in hits}
    size = 320
    for i in range(60):
        label = scenes.scene((size, size), (1, i))[1]
        one_hot = np.eye(21)[label]
        for s in hits:
            cells = one_hot.reshape(size // s, s, size // s, s, 21).mean((1, 3))
            guess = np.kron(cells.argmax(2), np.ones((s, s), int))
            for c in range(21):
                hits[s][c] += np.count_nonzero((label == c) & (guess == c))
                union[s][c] += np.count_nonzero((label == c) | (guess == c))
    reach = {s: np.mean(hits[s] / union[s]) for s in hits}
    assert reach[8] > reach[16] + 0.1
    assert reach[16] > reach[32] + 0.1


def test_classification_is_a_function_of_the_seed_with_all_20_labels():
    images, labels = scenes.classification(200, 40, 3)
    assert (images.shape, images.dtype) == ((200, 40, 40, 3), np.uint8)
    assert labels.dtype == np.int64
    assert set(labels) == set(range(20))
    again, same = scenes.classification(50, 40, 3)
    np.testing.assert_array_equal(again, images[:50])
    np.testing.assert_array_equal(same, labels[:50])
    other, _ = scenes.classification(50, 40, 4)
    assert (other != images[:50]).any(axis=(1, 2, 3)).all()


def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(scipy.io, "savemat", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthetic.generate(tmp_path / "set", train=1, val=1, size=SIZE, seed=0)
    assert os.listdir(tmp_path) == []


def test_main_writes_once_and_never_over_what_is_there(tmp_path, capsys):
    args = ["--out", str(tmp_path / "a/set"), "--train", "1", "--val", "1", "--size", "40", "50"]
    assert synthetic.main(args) == 0
    before = contents(tmp_path)
    assert Image.open(tmp_path / "a/set" / SBD.path / "img/synthetic_000000.jpg").size == (50, 40)
    assert synthetic.main(args) == 1
    assert "error: " in capsys.readouterr().err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("bad", [{"train": 0}, {"val": 0}, {"size": (160, 31)}, {"seed": -1}])
def test_sets_without_images_room_or_seed_are_refused(tmp_path, bad):
    with pytest.raises(ValueError, match=r"at least|0 or more"):
        synthetic.generate(tmp_path / "set", **{"train": 1, "val": 1, **bad})
    assert os.listdir(tmp_path) == []
