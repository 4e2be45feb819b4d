"""convert_imageset and compute_image_mean, on the command line."""

import numpy as np
import pytest
from support.feed_data import feed_net, passes, pictures, write_database, write_images

import caffe
from caffe.__main__ import main
from caffe.feeding import images
from caffe.feeding.mean_file import read_mean
from caffe.formats.database import open_database
from caffe.proto.caffe_pb2 import Datum


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four images of height 6 and width 8, and their list, in the working folder."""
    write_images(tmp_path, pictures(4, 3, 6, 8), "im {}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(*flags: str, database: str = "db") -> int:
    return main(["convert_imageset", *flags, "./", "list.txt", database])


def items(database: str = "db", backend: str = "lmdb") -> list[tuple[str, Datum]]:
    with open_database(database, backend) as opened:
        return [(key.decode(), Datum.FromString(value)) for key, value in opened.cursor()]


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_each_image_becomes_a_datum_of_bgr_planes(folder, backend, caplog):
    assert convert("-backend", backend) == 0
    found = items(backend=backend)
    assert [key for key, _ in found] == [f"{i:08d}_im {i}.png" for i in range(4)]
    for i, (_, datum) in enumerate(found):
        image = pictures(4, 3, 6, 8)[i]
        expected = Datum(
            channels=3, height=6, width=8, data=image.tobytes(), label=10 * i, encoded=False
        )
        assert datum.SerializeToString() == expected.SerializeToString()
    assert "A total of 4 images." in caplog.text
    assert "Processed 4 files." in caplog.text


def test_images_are_resized_and_read_gray(folder):
    assert convert("-gray", "-resize_height=3", "--resize_width=5") == 0
    for i, (_, datum) in enumerate(items()):
        assert (datum.channels, datum.height, datum.width) == (1, 3, 5)
        assert datum.data == images.read_image(f"im {i}.png", False, (3, 5)).tobytes()


def test_a_size_in_one_direction_alone_is_no_size(folder):
    assert convert("-resize_height=3") == 0
    assert items()[0][1].height == 6


def test_encoded_images_are_the_files_themselves_where_nothing_changes(folder):
    assert convert("-encoded") == 0
    for i, (_, datum) in enumerate(items()):
        data = (folder / f"im {i}.png").read_bytes()
        expected = Datum(data=data, label=10 * i, encoded=True)
        assert datum.SerializeToString() == expected.SerializeToString()


@pytest.mark.parametrize(
    ("flags", "size", "kind"),
    [
        (["-encode_type", "jpg"], None, "jpg"),
        (["-encoded", "-resize_height=3", "-resize_width=5"], (3, 5), "png"),
        (["-encoded", "-encode_type=png", "-resize_height=3", "-resize_width=5"], (3, 5), "png"),
    ],
)
def test_images_are_encoded_anew_where_something_changes(folder, flags, size, kind):
    assert convert(*flags) == 0
    for i, (_, datum) in enumerate(items()):
        assert datum.data == images.encode(images.read_image(f"im {i}.png", size=size), kind)


def test_shuffling_follows_the_seed_and_changes_the_order_alone(folder):
    orders = []
    for seed, database in ((1, "a"), (1, "b"), (2, "c"), (3, "d")):
        caffe.set_random_seed(seed)
        assert convert("-shuffle", database=database) == 0
        found = items(database)
        assert [key[:8] for key, _ in found] == [f"{i:08d}" for i in range(4)]
        assert all(key[9:] == f"im {datum.label // 10}.png" for key, datum in found)
        orders.append([datum.label for _, datum in found])
        assert sorted(orders[-1]) == [0, 10, 20, 30]
    assert orders[0] == orders[1]
    assert len(set(map(tuple, orders))) > 1


def test_a_list_that_windows_saved_is_read_alike(folder):
    listed = folder / "list.txt"
    listed.write_bytes(listed.read_text().replace("\n", "\r\n").encode("utf-8-sig"))
    assert convert() == 0
    assert [key for key, _ in items()] == [f"{i:08d}_im {i}.png" for i in range(4)]


def test_an_image_that_cannot_be_read_is_logged_and_left_out_and_the_status_says_so(
    folder, caplog, capsys
):
    (folder / "im 1.png").write_bytes(b"no image")
    (folder / "im 2.png").rename(folder / "im 2.PNG")
    assert convert(database="other") == 1
    error = capsys.readouterr().err
    assert "list.txt: 2 of its 4 images could not be read" in error
    assert "other lacks them" in error
    assert len(items("other")) == 2
    (folder / "im 2.PNG").rename(folder / "im 2.png")
    caplog.clear()
    assert convert() == 1
    assert [key for key, _ in items()] == [f"{i:08d}_im {i}.png" for i in (0, 2, 3)]
    assert "Could not open or find file ./im 1.png" in caplog.text
    assert "Processed 3 files." in caplog.text


@pytest.mark.parametrize(
    ("change", "flags", "message"),
    [
        ("", [], "db: exists already"),
        ("rm", [], "none of its 4 images could be read; their paths begin with './'"),
        ("size", ["-check_size"], "list.txt:3: Incorrect data field size 54; the first image's is"),
        ("label", [], "list.txt:1: expected 'path label'"),
        ("", ["-encode_type=gif"], "./im 0.png: images are encoded as jpg or png; found 'gif'"),
    ],
)
def test_what_is_wrong_is_said_and_no_database_is_left(folder, change, flags, message, capsys):
    if message.startswith("db"):
        assert convert() == 0
    if change == "rm":
        for path in folder.glob("*.png"):
            path.unlink()
    if change == "size":
        smaller = pictures(1, 3, 3, 6)[0].transpose(1, 2, 0)
        (folder / "im 2.png").write_bytes(images.encode(smaller, "png"))
    if change == "label":
        (folder / "list.txt").write_text("im 0.png zero\n")
    assert convert(*flags) == 1
    assert message in capsys.readouterr().err
    assert sorted(folder.glob("*db*")) == ([folder / "db"] if message.startswith("db") else [])


# compute_image_mean.


def mean_of(*args: str) -> int:
    return main(["compute_image_mean", *args])


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_the_mean_image_is_that_of_all_items(tmp_path, monkeypatch, caplog, backend):
    monkeypatch.chdir(tmp_path)
    arrays = pictures(5, 3, 4, 6)
    write_database(tmp_path / "db", arrays, backend)
    assert mean_of("-backend", backend, "db", "mean.binaryproto") == 0
    mean = read_mean("mean.binaryproto")
    np.testing.assert_allclose(mean, arrays.astype(np.float64).mean(0), rtol=1e-6)
    assert "Processed 5 files." in caplog.text
    assert "Number of channels: 3" in caplog.text
    for channel, value in enumerate(arrays.astype(np.float64).mean((0, 2, 3))):
        line = f"mean_value channel [{channel}]: "
        printed = caplog.text.split(line)[1].split()[0]
        assert abs(float(printed) - value) < 1e-3
    net = feed_net(
        "Data",
        f'source: "db" backend: {backend.upper()} batch_size: 5',
        'mean_file: "mean.binaryproto"',
    )
    assert abs(passes(net, 1)[0][0].mean(0)).max() < 1e-4


def test_the_mean_of_encoded_images_is_that_of_their_pixels(folder):
    assert convert("-encoded") == 0
    assert mean_of("db", "mean.binaryproto") == 0
    expected = pictures(4, 3, 6, 8).astype(np.float64).mean(0)
    np.testing.assert_allclose(read_mean("mean.binaryproto"), expected, rtol=1e-6)


def test_a_mean_needs_images_of_equal_size(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_database(tmp_path / "db", [*pictures(2, 3, 4, 6), pictures(1, 3, 4, 5)[0]])
    assert mean_of("db", "mean.binaryproto") == 1
    error = capsys.readouterr().err
    assert "db, key b'00000002': an image of shape (3, 4, 5); the first is of (3, 4, 6)" in error
    assert not (tmp_path / "mean.binaryproto").exists()


def test_a_mean_of_nothing_and_of_no_database_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_database(tmp_path / "empty", [])
    assert mean_of("empty") == 1
    assert "empty: the database is empty" in capsys.readouterr().err
    assert mean_of("none") == 1
    assert "none" in capsys.readouterr().err
