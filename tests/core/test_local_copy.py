"""Data on a shared disk is copied once, and read from the copy."""

import os

import numpy as np
import pytest
from PIL import Image
from support.feed_data import data_layer, pictures, write_database
from support.net_text import net_of

import caffe
from caffe.core import local_copy as copies
from caffe.core.local_copy import local_copy
from seg_data_layer import read_image


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of the copies."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CAFFE_CACHE", str(folder))
    monkeypatch.setattr(copies, "_full", copies.threading.Event())
    return folder


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_without_a_folder_for_them_there_are_no_copies(tmp_path, monkeypatch):
    monkeypatch.delenv("CAFFE_CACHE", raising=False)
    assert local_copy(tmp_path / "a.jpg") == tmp_path / "a.jpg"


def test_a_file_is_copied_once_and_again_when_it_has_changed(tmp_path, cache):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    copy = local_copy(path)
    assert copy != path
    assert copy.read_bytes() == b"one"
    written = copy.stat().st_mtime_ns
    assert local_copy(path) == copy
    assert copy.stat().st_mtime_ns == written
    path.write_bytes(b"three")
    assert local_copy(path).read_bytes() == b"three"
    assert len(files(cache)) == 2


def test_what_is_not_there_is_its_readers_error(tmp_path, cache):
    assert local_copy(tmp_path / "none") == tmp_path / "none"
    assert local_copy("a\0b") == "a\0b"
    with pytest.raises(FileNotFoundError, match="none: no such file"):
        read_image(tmp_path / "none")


def test_where_no_copy_can_be_written_the_file_is_read_and_that_is_said_once(
    tmp_path, cache, caplog
):
    cache.write_text("a file where the folder would be")
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        assert local_copy(tmp_path / name) == tmp_path / name
    assert len([r for r in caplog.records if "CAFFE_CACHE" in r.getMessage()]) == 1


def test_data_layers_read_the_copies(tmp_path, cache):
    database = write_database(tmp_path / "db", pictures(3, 3, 6, 5))
    layer = data_layer("Data", f'source: "{database}" backend: LMDB batch_size: 3', "")
    expected = net_of(layer, caffe.TRAIN).forward()["data"].copy()
    (copy,) = files(cache)
    assert copy.read_bytes() == (database / "data.mdb").read_bytes()
    facts = os.stat(database / "data.mdb")
    (database / "data.mdb").write_bytes(bytes(facts.st_size))
    os.utime(database / "data.mdb", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    np.testing.assert_array_equal(net_of(layer, caffe.TRAIN).forward()["data"], expected)
    Image.new("RGB", (4, 3), "red").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").size == (4, 3)
    assert caffe.feeding.images.read_image(tmp_path / "a.png").shape == (3, 4, 3)
    assert len(files(cache)) == 2


@pytest.mark.parametrize("cached", ["", "cache_images: true"])
def test_the_images_of_windows_are_read_from_their_copies(tmp_path, cache, cached):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    windows = "# 0\na.png\n3\n8\n8\n2\n1 0.9 0 0 5 5\n0 0.1 1 1 6 7\n"
    (tmp_path / "windows.txt").write_text(windows)
    source = f'source: "{tmp_path}/windows.txt" root_folder: "{tmp_path}/" batch_size: 2 {cached}'
    net_of(data_layer("WindowData", source, "crop_size: 3"), caffe.TRAIN).forward()
    (copy,) = files(cache)
    assert copy.read_bytes() == (tmp_path / "a.png").read_bytes()
