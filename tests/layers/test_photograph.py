"""Laws of layers/photograph.py: training, scoring, the report and infer.py see the same picture."""

import numpy as np
import pytest
from PIL import Image
from support.dataset_files import save_mat, write
from support.layer_alone import build, run

import infer
from data.custom import find
from data.statistics import photograph, reader
from photograph import exchanged, is_exchanged
from seg_labels import SCENES
from siftflow_layers import SIFTFlowSegDataLayer
from voc_layers import VOCSegDataLayer

RNG = np.random.default_rng(0)
STORED = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)
LABEL = RNG.integers(0, 21, (4, 6), dtype=np.uint8)
# What a viewer shows of stored rows and columns, by orientation, as EXIF 2.3 defines it
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a),
}


def save(path, array, number=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if number:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = number
    Image.fromarray(np.ascontiguousarray(array)).save(path, **options)


def folder(tmp_path, image, number, label, own=None, form="PNG"):
    save(tmp_path / "JPEGImages/a.jpg", image, number, format=form)
    save(tmp_path / "SegmentationClass/a.png", label, own)
    for split in ("train", "val"):
        write(tmp_path / f"ImageSets/Segmentation/{split}.txt", "a\n")
    write(tmp_path / "classes.txt", "".join(f"class {i}\n" for i in range(21)))
    return tmp_path


def seen(home, split="val"):
    """(H, W, 3) RGB and (H, W) label of a pass of the data layer."""
    layer = build(VOCSegDataLayer, voc_dir=str(home), split=split, mean=(0, 0, 0), seed=1)
    data, label = run(*layer)
    return data[0, ::-1].transpose(1, 2, 0), label[0, 0]


@pytest.mark.parametrize("number", UPRIGHT)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_training_scoring_report_and_infer_see_the_same_upright_picture(tmp_path, number, form):
    upright = UPRIGHT[number]
    options = {"WEBP": {"lossless": True}}.get(form, {})
    home = folder(tmp_path, STORED, None, upright(LABEL))
    save(home / "JPEGImages/a.jpg", STORED, number, format=form, **options)
    loaded = infer.load_image(home / "JPEGImages/a.jpg")
    assert loaded.shape == upright(STORED).shape
    if form != "JPEG":
        np.testing.assert_array_equal(loaded, upright(STORED))
    for split in ("train", "val"):
        image, label = seen(home, split)
        np.testing.assert_array_equal(image, loaded)
        np.testing.assert_array_equal(label, upright(LABEL))
    layer = reader(find("mine", home), "val")
    shown = photograph(layer, layer.load("a"))
    np.testing.assert_allclose(shown[..., ::-1], loaded, atol=1e-4)


@pytest.mark.parametrize("number", [5, 6, 7, 8])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_label_of_the_size_as_stored_is_turned_with_its_picture(tmp_path, number, form):
    image, label = seen(folder(tmp_path, STORED, number, LABEL, form=form))
    np.testing.assert_array_equal(image, UPRIGHT[number](STORED))
    np.testing.assert_array_equal(label, UPRIGHT[number](LABEL))


def test_labels_in_mat_files_are_turned_alike(tmp_path):
    save(tmp_path / f"Images/{SCENES}/a.jpg", STORED, 6, format="PNG")
    for kind, labels in (("Semantic", LABEL % 33 + 1), ("Geo", LABEL % 3 + 1)):
        save_mat(tmp_path / f"{kind}Labels/{SCENES}/a.mat", S=labels)
    write(tmp_path / "test.txt", "a\n")
    found = run(*build(SIFTFlowSegDataLayer, blobs=3, siftflow_dir=str(tmp_path), split="test"))
    np.testing.assert_array_equal(found[1][0, 0], UPRIGHT[6](LABEL % 33))
    np.testing.assert_array_equal(found[2][0, 0], UPRIGHT[6](LABEL % 3))


@pytest.mark.parametrize("number", [2, 3, 4, 6])
def test_where_the_size_does_not_tell_a_labels_own_orientation_does(tmp_path, number):
    """A square, or one turned upside down or mirrored: no orientation, and the label is upright."""
    size = (4, 4) if is_exchanged(number) else (4, 6)
    image, label = STORED[: size[0], : size[1]], LABEL[: size[0], : size[1]]
    np.testing.assert_array_equal(seen(folder(tmp_path / "a", image, number, label))[1], label)
    tagged = folder(tmp_path / "b", image, number, label, own=number)
    np.testing.assert_array_equal(seen(tagged)[1], UPRIGHT[number](label))


def test_a_labels_copied_orientation_does_not_turn_it_twice(tmp_path):
    upright = UPRIGHT[6](LABEL)
    for own, label in ((6, upright), (6, LABEL)):
        home = folder(tmp_path / str(label.shape), STORED, 6, label, own=own)
        np.testing.assert_array_equal(seen(home)[1], upright)


@pytest.mark.parametrize(
    ("number", "shape", "message"),
    [
        (6, (4, 5), r"label is 4 x 5 .*a\.jpg is 6 x 4 .*, turned by its EXIF .* from 4 x 6; make"),
        (1, (6, 4), r"label is 6 x 4 \(h x w\), its image .*a\.jpg is 4 x 6 \(h x w\); make"),
        (3, (6, 4), r"label is 6 x 4 \(h x w\), its image .*a\.jpg is 4 x 6 \(h x w\); make"),
    ],
)
def test_a_label_of_neither_size_is_an_error_that_names_both(tmp_path, number, shape, message):
    home = folder(tmp_path, STORED, number, np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=message):
        seen(home)


@pytest.mark.parametrize("number", [5, 6, 7, 8])
def test_maps_are_turned_as_pictures_are(number):
    planes = STORED.transpose(2, 0, 1)
    np.testing.assert_array_equal(
        exchanged(planes, number).transpose(1, 2, 0), UPRIGHT[number](STORED)
    )


@pytest.mark.parametrize("kind", ["RGBA", "16 bits", "palette with a transparent colour", "LA"])
def test_every_kind_of_pixels_is_the_same_to_train_on_and_to_label(tmp_path, kind):
    home = folder(tmp_path, STORED, None, LABEL)
    path = home / "JPEGImages/a.jpg"
    alpha = RNG.integers(0, 256, (4, 6, 1), dtype=np.uint8)
    if kind == "RGBA":
        picture = Image.fromarray(np.concatenate([STORED, alpha], 2))
    elif kind == "LA":
        picture = Image.fromarray(np.concatenate([STORED[..., :1], alpha], 2))
    elif kind == "16 bits":
        picture = Image.fromarray(STORED[..., 0].astype(np.uint16) * 256 + 7)
    else:
        picture = Image.fromarray(STORED).quantize(8)
        picture.info["transparency"] = 0
    picture.save(path, "PNG")
    np.testing.assert_array_equal(seen(home)[0], infer.load_image(path))


def test_float_pixels_are_refused_by_name(tmp_path):
    home = folder(tmp_path, STORED, None, LABEL)
    Image.fromarray(np.zeros((4, 6), np.float32)).save(home / "JPEGImages/a.jpg", "TIFF")
    with pytest.raises(ValueError, match=r"a\.jpg: float pixels; convert it to 8 bits"):
        seen(home)


def test_label_images_that_are_jpegs_are_refused(tmp_path):
    home = folder(tmp_path, STORED, None, LABEL)
    save(home / "SegmentationClass/a.png", LABEL, format="JPEG")
    with pytest.raises(ValueError, match=r"a\.png: a JPEG, which does not keep class indices"):
        seen(home)
