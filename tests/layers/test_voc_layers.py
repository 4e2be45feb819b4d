"""Laws of layers/voc_layers.py. Layers are run through stand-in blobs; last, inside a caffe.Net."""

import gc
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from support import layer_alone
from support.layer_alone import Blob, run

import caffe
from data.datasets import SBD, VOC2011
from data.drawing import palette
from data.scenes import border, scene
from data.synthetic import generate
from seg_data_layer import AHEAD
from voc_layers import SBDDSegDataLayer, VOCSegDataLayer

MEAN = (104.00699, 116.66877, 122.67892)

# What `random.seed(seed); random.randint(0, n - 1)` gave under CPython 2.7.18.
ORDER_OF_PYTHON_27 = {
    (1337, 8498): [5249, 4531, 3108, 4978, 1408, 7005, 3260, 6710, 7832, 2614, 8432],
    (0, 7): [5, 5, 2, 1, 3, 2, 5, 2, 3, 4, 6, 3, 1, 5, 4, 1, 6, 6, 5, 6, 2, 5, 6, 4],
}


def build(kind, **params):
    """A layer after setup, with its two tops."""
    return layer_alone.build(
        kind, **(params if "param_str" in params else {"mean": MEAN, **params})
    )


class Numbers(VOCSegDataLayer):
    """Entry k is an image of the number k; `loaded` lists what was decoded."""

    count = 5

    def read_split(self):
        self.loaded = []
        return list(range(self.count))

    def load(self, name):
        self.loaded.append(name)
        return np.full((3, 1, 1), name, np.float32), np.zeros((1, 1, 1), np.uint8)


def numbers(layer, tops, passes):
    return [int(run(layer, tops)[0][0, 0, 0, 0]) for _ in range(passes)]


def save_label(folder, array, name="im0"):
    image = Image.fromarray(array)
    if array.ndim == 2:
        image.putpalette(palette().ravel().tolist())  # turns the mode from L to P
    image.save(folder / f"SegmentationClass/{name}.png")


def voc_folder(folder, sizes=((7, 9),), split="train"):
    """A VOC folder with one random image a size; returns its ids."""
    rng = np.random.default_rng(0)
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / part).mkdir(parents=True)
    names = [f"im{i}" for i in range(len(sizes))]
    for name, (h, w) in zip(names, sizes, strict=True):
        pixels = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"JPEGImages/{name}.jpg")
        label = rng.choice([0, 1, 20, 255], (h, w)).astype(np.uint8)
        save_label(folder, label, name)
    (folder / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(names) + "\n")
    return names


@pytest.fixture
def voc(tmp_path):
    voc_folder(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    out = tmp_path_factory.mktemp("synthetic") / "set"
    generate(out, train=3, val=2, size=(48, 64), seed=5)
    return out


# ---- order ----


@pytest.mark.parametrize(("seed", "count"), ORDER_OF_PYTHON_27)
def test_random_order_is_that_of_the_original_under_python_27(seed, count):
    kind = type("Many", (Numbers,), {"count": count})
    layer, tops = build(kind, voc_dir="", split="train", seed=seed)
    expected = ORDER_OF_PYTHON_27[seed, count]
    assert numbers(layer, tops, len(expected)) == expected


@pytest.mark.parametrize(
    "params", [{"split": "val"}, {"split": "seg11valid"}, {"split": "train", "randomize": False}]
)
def test_without_randomize_or_train_in_its_name_a_split_runs_in_file_order_and_wraps(params):
    layer, tops = build(Numbers, voc_dir="", seed=3, **params)
    assert numbers(layer, tops, 12) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_layers_with_their_own_seed_do_not_disturb_each_other():
    alone, tops = build(Numbers, voc_dir="", split="train", seed=1)
    expected = numbers(alone, tops, 10)
    one, tops = build(Numbers, voc_dir="", split="train", seed=1)
    other, other_tops = build(Numbers, voc_dir="", split="train", seed=2)
    found = []
    for _ in range(10):
        found += numbers(one, tops, 1)
        numbers(other, other_tops, 1)
    assert found == expected


def test_prefetch_decodes_every_image_once_however_often_reshape_is_called():
    layer, tops = build(Numbers, voc_dir="", split="train", seed=1337)
    shown = []
    for _ in range(20):
        layer.reshape([], tops)
        shown += numbers(layer, tops, 1)
    layer.workers.shutdown()  # once what is decoded ahead is done
    ahead = [int(pending.result()[0][0, 0, 0, 0]) for pending in layer.decoded.values()]
    assert sorted(layer.loaded) == sorted(shown + ahead)


def test_images_are_decoded_by_several_threads_and_come_in_their_order():
    second = threading.Event()

    class FirstWaitsForSecond(Numbers):
        def load(self, name):
            if name == 1:
                second.set()
            assert second.wait(60)
            return super().load(name)

    layer, tops = build(FirstWaitsForSecond, voc_dir="", split="val")
    assert numbers(layer, tops, 7) == [0, 1, 2, 3, 4, 0, 1]


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("n", [0, 1, 4, 5, 23])
def test_skip_n_goes_on_where_n_passes_would_and_decodes_none_between(split, n):
    ran, tops = build(Numbers, voc_dir="", split=split, seed=7)
    numbers(ran, tops, n)
    skipped, other_tops = build(Numbers, voc_dir="", split=split, seed=7)
    skipped.skip(n)
    assert numbers(skipped, other_tops, 10) == numbers(ran, tops, 10)
    assert len(skipped.loaded) <= 10 + 2 * AHEAD  # what was ahead, the 10 shown, what is ahead


def test_skip_backwards_is_an_error():
    layer, _ = build(Numbers, voc_dir="", split="train", seed=7)
    with pytest.raises(ValueError, match="can't skip -1 images"):
        layer.skip(-1)


# ---- contents ----


def test_data_is_bgr_minus_mean_and_label_is_indices_with_255_shaped_to_each_image(tmp_path):
    sizes = [(7, 9), (12, 5), (3, 3)]
    names = voc_folder(tmp_path, sizes, split="val")
    layer, tops = build(VOCSegDataLayer, voc_dir=str(tmp_path), split="val")
    for name, (h, w) in zip(names, sizes, strict=True):
        data, label = run(layer, tops)
        rgb = np.array(Image.open(tmp_path / f"JPEGImages/{name}.jpg"), np.float64)
        expected = np.stack([rgb[:, :, 2 - c] - MEAN[c] for c in range(3)])[None]
        assert data.shape == (1, 3, h, w)
        np.testing.assert_array_equal(data, expected.astype(np.float32))
        indices = np.array(Image.open(tmp_path / f"SegmentationClass/{name}.png"))
        assert label.shape == (1, 1, h, w)
        np.testing.assert_array_equal(label[0, 0], indices)


@pytest.mark.parametrize(("mode", "form"), [("L", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG")])
def test_grey_cmyk_and_palette_images_are_seen_as_the_rgb_they_show(voc, mode, form):
    path = voc / "JPEGImages/im0.jpg"
    Image.open(path).convert(mode).save(path, form)
    layer, tops = build(VOCSegDataLayer, voc_dir=str(voc), split="train")
    data, _ = run(layer, tops)
    rgb = np.array(Image.open(path).convert("RGB"), np.float64)
    np.testing.assert_allclose(
        data[0].transpose(1, 2, 0) + MEAN, rgb[:, :, ::-1], rtol=0, atol=1e-4
    )


def test_sbd_labels_are_the_scene_and_voc_labels_the_scene_with_void_borders(synthetic):
    sbd, sbd_tops = build(
        SBDDSegDataLayer, sbdd_dir=str(synthetic / SBD.path), split="train", randomize=False
    )
    voc, voc_tops = build(
        VOCSegDataLayer, voc_dir=str(synthetic / VOC2011.path), split="train", randomize=False
    )
    for i in range(3):
        _, label, instance = scene((48, 64), (5, 0, i))
        data, found = run(sbd, sbd_tops)
        np.testing.assert_array_equal(found[0, 0], label)
        same, found = run(voc, voc_tops)
        np.testing.assert_array_equal(found[0, 0], np.where(border(instance), 255, label))
        np.testing.assert_array_equal(data, same)


# ---- threads ----


def test_a_dropped_layer_leaves_no_thread():
    before = set(threading.enumerate())
    layer, tops = build(Numbers, voc_dir="", split="train", seed=0)
    numbers(layer, tops, 3)
    prefetchers = set(threading.enumerate()) - before
    assert prefetchers
    del layer
    gc.collect()
    for prefetcher in prefetchers:
        prefetcher.join(timeout=10)
        assert not prefetcher.is_alive()


def test_a_process_with_a_living_layer_exits_cleanly(voc):
    root = Path(__file__).parents[2]
    code = (
        f"import sys; sys.path[:0] = {[str(root / p) for p in ('', 'layers', 'tests')]}\n"
        "from support.layer_alone import build, run\n"
        "from voc_layers import VOCSegDataLayer\n"
        f"params = dict(voc_dir={str(voc)!r}, split='train', seed=0, mean={MEAN})\n"
        "layer, tops = build(VOCSegDataLayer, **params)\n"
        "run(layer, tops)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_in_the_prefetch_is_raised_by_the_pass_that_needs_the_image(tmp_path):
    voc_folder(tmp_path, [(40, 40), (40, 40)], split="val")
    broken = tmp_path / "JPEGImages/im1.jpg"
    broken.write_bytes(broken.read_bytes()[:900])
    layer, tops = build(VOCSegDataLayer, voc_dir=str(tmp_path), split="val")
    run(layer, tops)
    for _ in range(2):
        with pytest.raises(OSError, match=r"JPEGImages/im1\.jpg: can't be read as an image"):
            layer.reshape([], tops)


# ---- bad input ----


def no_split(folder):
    (folder / "ImageSets/Segmentation/train.txt").unlink()


def empty_split(folder):
    (folder / "ImageSets/Segmentation/train.txt").write_text("\n\n")


def truncated_jpeg(folder):
    Image.new("RGB", (64, 64)).save(folder / "JPEGImages/im0.jpg")
    data = (folder / "JPEGImages/im0.jpg").read_bytes()
    (folder / "JPEGImages/im0.jpg").write_bytes(data[:-40])


def huge_label(folder):
    path = folder / "SegmentationClass/im0.png"
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2  # width and height
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)


BAD_VOC = {
    "label value 21": (
        lambda f: save_label(f, np.full((7, 9), 21, np.uint8)),
        ValueError,
        r"SegmentationClass/im0\.png: label values \[21\]; expected 0 to 20 or 255",
    ),
    "RGB label": (
        lambda f: save_label(f, np.zeros((7, 9, 3), np.uint8)),
        ValueError,
        r"im0\.png: label image has mode RGB; expected one channel of class indices",
    ),
    "16-bit label": (
        lambda f: Image.new("I;16", (9, 7)).save(f / "SegmentationClass/im0.png"),
        ValueError,
        r"im0\.png: label image has mode I;16; expected one channel of class indices in 8 bits",
    ),
    "sizes differ": (
        lambda f: save_label(f, np.zeros((9, 7), np.uint8)),
        ValueError,
        r"im0\.png: label is 9 x 7 .*im0\.jpg is 7 x 9 .*same size",
    ),
    "no image": (
        lambda f: (f / "JPEGImages/im0.jpg").unlink(),
        FileNotFoundError,
        r"im0\.jpg: no such file, but .*train\.txt lists it \(1 of 1 missing\)",
    ),
    "no label": (
        lambda f: (f / "SegmentationClass/im0.png").unlink(),
        FileNotFoundError,
        r"im0\.png: no such file, but .*train\.txt lists it",
    ),
    "no split file": (no_split, FileNotFoundError, r"train\.txt: no such split file .*'voc_dir'"),
    "a split that is no text": (
        lambda f: (f / "ImageSets/Segmentation/train.txt").write_bytes(b"\xff\xfe"),
        OSError,
        r"train\.txt: can't be read .*expected a text file of one image id a line",
    ),
    "empty split": (empty_split, ValueError, r"train\.txt: the split is empty"),
    "truncated JPEG": (truncated_jpeg, OSError, r"im0\.jpg: can't be read .*truncated"),
    "no JPEG at all": (
        lambda f: (f / "JPEGImages/im0.jpg").write_bytes(b"<html>"),
        OSError,
        r"im0\.jpg: can't be read as an image",
    ),
    "a label that says it is huge": (
        huge_label,
        OSError,
        r"im0\.png: can't be read as an image \(.*3600000000 pixels",
    ),
    "broken label PNG": (
        lambda f: (f / "SegmentationClass/im0.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        OSError,
        r"im0\.png: can't be read as an image",
    ),
}


@pytest.mark.parametrize("case", BAD_VOC)
def test_bad_voc_input_is_one_error_that_names_file_found_expected_and_cure(voc, case):
    spoil, error, message = BAD_VOC[case]
    spoil(voc)
    with pytest.raises(error, match=message):
        run(*build(VOCSegDataLayer, voc_dir=str(voc), split="train", seed=0))


def test_n_classes_bounds_the_labels_and_255_stays_void(voc):
    label = np.full((7, 9), 10, np.uint8)
    label[0] = 255
    save_label(voc, label)
    params = {"voc_dir": str(voc), "split": "train"}
    _, found = run(*build(VOCSegDataLayer, n_classes=11, **params))
    np.testing.assert_array_equal(found[0, 0], label)
    with pytest.raises(ValueError, match=r"label values \[10\]; expected 0 to 9"):
        run(*build(VOCSegDataLayer, n_classes=10, **params))


BAD_MAT = {
    "no GTcls": ({"GTinst": np.zeros((2, 2))}, ValueError, "holds GTinst; expected GTcls.Segment"),
    "no Segmentation": ({"GTcls": {"Boundaries": 1}}, ValueError, "expected GTcls.Segmentation"),
    "GTcls is no struct": ({"GTcls": np.zeros((2, 2))}, ValueError, "expected GTcls.Segmentation"),
    "not indices": ({"GTcls": {"Segmentation": np.zeros((2, 2))}}, ValueError, "is float64 of sh"),
    "value 30": ({"GTcls": {"Segmentation": np.uint8([[30]])}}, ValueError, r"values \[30\]"),
    "value 300": ({"GTcls": {"Segmentation": np.uint16([[300]])}}, ValueError, r"values \[300\]"),
    "no .mat": (b"MATLAB 5.0 MAT-file, or so it says", OSError, "can't be read"),
    "size": ({"GTcls": {"Segmentation": np.uint8([[1, 2]])}}, ValueError, "label is 1 x 2 .* same"),
}


@pytest.mark.parametrize("case", BAD_MAT)
def test_bad_mat_is_one_error_that_names_the_file(tmp_path, case):
    contents, error, message = BAD_MAT[case]
    for part in ("img", "cls"):
        (tmp_path / part).mkdir()
    Image.new("RGB", (9, 7)).save(tmp_path / "img/a.jpg")
    if isinstance(contents, bytes):
        (tmp_path / "cls/a.mat").write_bytes(contents)
    else:
        scipy.io.savemat(tmp_path / "cls/a.mat", contents)
    (tmp_path / "train.txt").write_text("a\n")
    with pytest.raises(error, match=rf"cls/a\.mat: .*{message}"):
        run(*build(SBDDSegDataLayer, sbdd_dir=str(tmp_path), split="train"))


GOOD = "'voc_dir': '.', 'split': 'train', 'mean': (1, 2, 3)"
BAD_PARAMS = {
    "a call": ("{'voc_dir': open('x')}", "is no literal dict"),
    "no dict": ("['voc_dir']", "is no literal dict"),
    "empty": (" ", "is no literal dict"),
    "unknown key": (f"{{{GOOD}, 'sead': 1}}", "unknown sead; it takes voc_dir, split, mean"),
    "other layer's key": ("{'sbdd_dir': '.'}", "unknown sbdd_dir"),
    "missing": ("{'voc_dir': '.'}", "lacks split, mean"),
    "mean": (f"{{{GOOD}, 'mean': 3}}", r"mean=3; expected three numbers"),
    "split": (f"{{{GOOD}, 'split': 7}}", r"split=7; expected a name"),
    "seed": (f"{{{GOOD}, 'seed': 'x'}}", r"seed='x'; expected a whole number or None"),
    "randomize": (f"{{{GOOD}, 'randomize': 1}}", r"randomize=1; expected True or False"),
    "n_classes": (f"{{{GOOD}, 'n_classes': 300}}", r"n_classes=300; expected 1 to 255"),
}


@pytest.mark.parametrize("case", BAD_PARAMS)
def test_bad_param_str_says_found_and_expected(case):
    text, message = BAD_PARAMS[case]
    with pytest.raises(ValueError, match=f"VOCSegDataLayer: .*{message}"):
        build(VOCSegDataLayer, param_str=text)


@pytest.mark.parametrize(("bottoms", "tops", "message"), [(0, 1, "1 tops"), (1, 2, "1 bottoms")])
def test_wrong_number_of_blobs_is_an_error(tmp_path, bottoms, tops, message):
    voc_folder(tmp_path)
    layer = VOCSegDataLayer.__new__(VOCSegDataLayer)
    layer.param_str = repr({"mean": MEAN, "voc_dir": str(tmp_path), "split": "train"})
    with pytest.raises(ValueError, match=message):
        layer.setup([Blob()] * bottoms, [Blob()] * tops)


# ---- in a net ----


def write_net(path, **params):
    text = repr({"mean": MEAN, **params})
    path.write_text(
        'layer { name: "data" type: "Python" top: "data" top: "label" python_param {'
        f' module: "voc_layers" layer: "VOCSegDataLayer" param_str: "{text}" }} }}'
    )
    return str(path)


def test_a_net_is_reshaped_to_every_image(tmp_path):
    sizes = [(7, 9), (12, 5)]
    voc_folder(tmp_path, sizes, split="val")
    file = write_net(tmp_path / "net.prototxt", voc_dir=str(tmp_path), split="val")
    net = caffe.Net(file, caffe.TEST)
    assert net.blobs["data"].data.shape == (1, 3, 7, 9)
    for h, w in [*sizes, *sizes]:
        out = net.forward()
        assert out["data"].shape == (1, 3, h, w)
        assert out["label"].shape == (1, 1, h, w)


def test_a_net_reports_a_bad_label_by_its_file(voc):
    save_label(voc, np.full((7, 9), 77, np.uint8))
    file = write_net(voc / "net.prototxt", voc_dir=str(voc), split="train")
    with pytest.raises(Exception, match=r"im0\.png: label values \[77\]"):
        caffe.Net(file, caffe.TRAIN)
