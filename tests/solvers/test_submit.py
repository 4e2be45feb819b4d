"""Laws of solvers/submit.py: the archives have exactly what the test servers ask for."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from data.drawing import palette, write_palette_png
from solvers import submit

# Of road ... bicycle, from the labels' definition by Cityscapes
LABEL_IDS = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]


def of_two(monkeypatch, server):
    """Make the server's test set one of two images."""
    monkeypatch.setitem(submit.SERVERS, server, submit.SERVERS[server]._replace(images=2))


@pytest.fixture
def predictions(tmp_path):
    """Label maps as infer.py names them, overlays beside."""
    folder = tmp_path / "labels"
    rng = np.random.default_rng(0)
    maps = {f"2008_00000{i}": rng.integers(0, 21, (3 + i, 4)).astype(np.uint8) for i in range(2)}
    for name, label in maps.items():
        write_palette_png(folder / f"{name}.png", label)
        write_palette_png(folder / f"{name}_overlay.png", label)
    return folder, maps


@pytest.mark.parametrize("year", [2011, 2012])
def test_vocs_archive_has_a_palette_png_an_image_in_its_folder(
    predictions, tmp_path, monkeypatch, year
):
    folder, maps = predictions
    of_two(monkeypatch, f"voc{year}")
    out = tmp_path / "results.tgz"
    assert submit.main([f"voc{year}", "--labels", str(folder), "--out", str(out)]) == 0
    with tarfile.open(out, "r:gz") as archive:
        names = [f"results/VOC{year}/Segmentation/comp6_test_cls/{name}.png" for name in maps]
        assert archive.getnames() == names
        for name, label in zip(names, maps.values(), strict=True):
            assert archive.getmember(name).isfile()
            image = Image.open(io.BytesIO(archive.extractfile(name).read()))
            assert image.mode == "P"
            assert bytes(image.getpalette()) == palette().tobytes()[: len(image.getpalette())]
            np.testing.assert_array_equal(np.array(image), label)


def test_cityscapes_archive_has_label_ids_at_full_size(tmp_path, monkeypatch):
    of_two(monkeypatch, "cityscapes")
    rng = np.random.default_rng(0)
    half = rng.integers(0, 19, (512, 1024)).astype(np.uint8)
    full = half.repeat(2, 0).repeat(2, 1)
    full[0, 0] = 18
    folder = tmp_path / "labels"
    write_palette_png(folder / "berlin_000000_000019_leftImg8bit.png", half)
    write_palette_png(folder / "berlin_000000_000019_leftImg8bit_overlay.png", half)
    write_palette_png(folder / "mainz_000001_000019.png", full)
    out = tmp_path / "results.zip"
    assert submit.main(["cityscapes", "--labels", str(folder), "--out", str(out)]) == 0
    with zipfile.ZipFile(out) as archive:
        names = [f"{name}_labelIds.png" for name in ("berlin_000000_000019", "mainz_000001_000019")]
        assert archive.namelist() == names
        images = [Image.open(io.BytesIO(archive.read(name))) for name in names]
    assert [image.mode for image in images] == ["L", "L"]
    assert [image.size for image in images] == [(2048, 1024)] * 2
    expected = np.array(LABEL_IDS, np.uint8)
    np.testing.assert_array_equal(np.array(images[0]), expected[half.repeat(2, 0).repeat(2, 1)])
    np.testing.assert_array_equal(np.array(images[1]), expected[full])


def test_equal_predictions_give_equal_archives(predictions, tmp_path):
    folder, maps = predictions
    labels = {name: folder / f"{name}.png" for name in maps}
    for out in ("a.tgz", "b.tgz"):
        submit.voc_archive(tmp_path / out, labels)
    assert (tmp_path / "a.tgz").read_bytes() == (tmp_path / "b.tgz").read_bytes()


def test_half_a_test_set_is_refused(predictions, tmp_path, capsys):
    out = tmp_path / "results.tgz"
    args = ["voc2012", "--labels", str(predictions[0]), "--out", str(out)]
    assert submit.main(args) == 1
    assert "label maps of 2 images of voc2012; the test set has 1456" in capsys.readouterr().err
    assert not out.exists()


def test_void_is_no_prediction_and_an_older_archive_stays(predictions, tmp_path):
    folder, maps = predictions
    out = tmp_path / "results.tgz"
    out.write_bytes(b"older")
    bad = next(iter(maps.values())).copy()
    bad[0, 0] = 255
    write_palette_png(folder / "2008_000000.png", bad)
    with pytest.raises(ValueError, match=r"2008_000000\.png: values \[255\]; expected.*0 to 20"):
        submit.voc_archive(out, {"2008_000000": folder / "2008_000000.png"})
    assert out.read_bytes() == b"older"


@pytest.mark.parametrize("size", [(512, 512), (300, 600), (2048, 4096), (1024, 1024)])
def test_cityscapes_predictions_of_other_proportions_are_refused(tmp_path, size):
    path = tmp_path / "bonn_000000_000019.png"
    write_palette_png(path, np.zeros(size, np.uint8))
    with pytest.raises(ValueError, match=rf"bonn.*{size[0]} x {size[1]}.*expected 1024 x 2048"):
        submit.cityscapes_archive(tmp_path / "results.zip", {"bonn_000000_000019": path})
