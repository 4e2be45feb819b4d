"""Laws of layers/nyud_layers.py, on images written by hand and on the synthetic twin."""

import numpy as np
import pytest
import scipy.io
from PIL import Image
from support.layer_alone import build, run

from nyud_layers import NYUDSegDataLayer

MEANS = {  # as the authors' layer has them
    "color": (116.190, 97.203, 92.318),
    "depth": (7.844,),
    "hha": (132.431, 94.076, 118.477),
}


def save(folder, kind, array):
    path = folder / f"data/{kind}/img_5001.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def save_label(folder, **variables):
    (folder / "segmentation").mkdir(exist_ok=True)
    scipy.io.savemat(folder / "segmentation/img_5001.mat", variables)


@pytest.fixture
def nyud(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("images", "hha"):
        save(tmp_path, kind, rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    save(tmp_path, "depth", rng.integers(500, 9000, (5, 7), dtype=np.uint16))
    save_label(tmp_path, segmentation=rng.integers(0, 41, (5, 7), dtype=np.uint8))
    for split in ("trainval", "test"):
        (tmp_path / f"{split}.txt").write_text("5001\n")
    return tmp_path


def layer(folder, *tops, **params):
    kinds = {"nyud_dir": str(folder), "split": "test", "tops": list(tops), "seed": 1337, **params}
    return build(NYUDSegDataLayer, blobs=len(tops), **kinds)


def pixels(folder, kind):
    return np.array(Image.open(folder / f"data/{kind}/img_5001.png"), np.float64)


def test_all_tops_in_the_order_asked_for(nyud):
    hha, label, color, depth = run(*layer(nyud, "hha", "label", "color", "depth"))
    image = pixels(nyud, "images")[:, :, ::-1] - MEANS["color"]
    np.testing.assert_allclose(color[0], image.transpose(2, 0, 1), rtol=0, atol=2e-5)
    np.testing.assert_allclose(
        hha[0], (pixels(nyud, "hha") - MEANS["hha"]).transpose(2, 0, 1), rtol=0, atol=2e-5
    )
    np.testing.assert_allclose(depth[0, 0], np.log(pixels(nyud, "depth")) - 7.844, rtol=1e-5)
    stored = scipy.io.loadmat(nyud / "segmentation/img_5001.mat")["segmentation"].astype(int)
    np.testing.assert_array_equal(label[0, 0], np.where(stored == 0, 255, stored - 1))


def test_labels_go_from_0_to_39(nyud):
    save_label(nyud, segmentation=np.resize(np.arange(41.0), (6, 7)))  # double, as MATLAB stores
    (label,) = run(*layer(nyud, "label"))
    assert set(np.unique(label)) == {*range(40), 255}


BAD = {
    "no variable": (
        lambda f: save_label(f, labels=np.uint8([[1]])),
        ValueError,
        r"img_5001\.mat: holds labels; expected the variable segmentation",
    ),
    "no indices": (
        lambda f: save_label(f, segmentation=np.full((5, 7), 1.5)),
        ValueError,
        r"segmentation is float64 of shape \(5, 7\); expected an H x W array of class indices",
    ),
    "label 41": (
        lambda f: save_label(f, segmentation=np.full((5, 7), 41)),
        ValueError,
        r"img_5001\.mat: label values \[41\]; expected 1 to 40 or 0",
    ),
    "depth with zeros": (
        lambda f: save(f, "depth", np.uint16([[0, 4]])),
        ValueError,
        r"depth/img_5001\.png: 1 of 2 pixels have depth 0, which has no logarithm.*fill them",
    ),
    "depth of 8 bits": (
        lambda f: save(f, "depth", np.full((5, 7), 4, np.uint8)),
        ValueError,
        r"depth image has mode L; expected 16 bits of millimetres",
    ),
    "depth in metres": (
        lambda f: save(f, "depth", np.full((5, 7), 3, np.uint16)),
        ValueError,
        r"depth/img_5001\.png: depth has a median of 3 .*expected millimetres.*is it in metres\?",
    ),
    "depth in tenths of millimetres": (
        lambda f: save(f, "depth", np.full((5, 7), 25_000, np.uint16)),
        ValueError,
        r"depth/img_5001\.png: .* 25000; expected millimetres.*is it in tenths of millimetres\?",
    ),
    "HHA of another size": (
        lambda f: save(f, "hha", np.zeros((7, 5, 3), np.uint8)),
        ValueError,
        r"hha/img_5001\.png: hha is 7 x 5 .*images/img_5001\.png is 5 x 7 .*same size",
    ),
    "grey HHA": (
        lambda f: save(f, "hha", np.zeros((5, 7), np.uint8)),
        ValueError,
        r"HHA image has mode L; expected three channels",
    ),
    "no HHA": (
        lambda f: (f / "data/hha/img_5001.png").unlink(),
        FileNotFoundError,
        r"hha/img_5001\.png: no such file, but .*test\.txt lists it \(1 of 1 missing\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_error_that_names_file_found_expected_and_cure(nyud, case):
    spoil, error, message = BAD[case]
    spoil(nyud)
    tops = ("depth",) if case == "depth with zeros" else ("color", "depth", "hha", "label")
    with pytest.raises(error, match=message):
        run(*layer(nyud, *tops))


@pytest.mark.parametrize("tops", [[], ["color", "color"], ["rgb"], "color"])
def test_bad_tops_are_refused(nyud, tops):
    with pytest.raises(ValueError, match=r"tops=.*; expected some of color, depth, hha, label"):
        build(NYUDSegDataLayer, nyud_dir=str(nyud), split="test", tops=tops)


def test_as_many_blobs_as_tops_are_needed(nyud):
    params = {"nyud_dir": str(nyud), "split": "test", "tops": ["color", "hha", "label"]}
    with pytest.raises(ValueError, match="2 tops; define 3: color and hha and label"):
        build(NYUDSegDataLayer, **params)
