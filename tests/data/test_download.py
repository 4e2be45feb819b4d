"""Laws of data/download.py, and of the fetching in data/prepare.py, against a server of our own."""

import dataclasses
import hashlib
import io
import tarfile

import numpy as np
import pytest

from data import prepare
from data.datasets import DATASETS, SBD, VOC2011, Source
from data.download import DownloadError, download

CONTENTS = np.random.default_rng(0).bytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(CONTENTS).hexdigest()
PLAIN = Source(url="http://nowhere/a.caffemodel", path="nets/a.caffemodel")  # no archive


@pytest.fixture
def server(file_server):
    file_server.files = {"/file": CONTENTS}
    return file_server


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_download_has_the_contents_and_leaves_nothing_else(server, tmp_path):
    download(server.url("/file"), tmp_path / "sub/f.bin", SHA256)
    assert (tmp_path / "sub/f.bin").read_bytes() == CONTENTS
    assert names(tmp_path / "sub") == ["f.bin"]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "f").write_bytes(b"mine")
    download(server.url("/file"), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == b"mine"
    assert server.asked == []


def test_a_truncated_download_keeps_the_part_and_the_next_call_resumes_it(server, tmp_path):
    server.limit = 100_000
    with pytest.raises(DownloadError, match=r"ended after 100000 of 300000 bytes; run again"):
        download(server.url("/file"), tmp_path / "f", SHA256)
    assert names(tmp_path) == ["f.part"]
    server.limit = None
    download(server.url("/file"), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENTS
    assert server.asked == [None, "bytes=100000-"]
    assert names(tmp_path) == ["f"]


def test_a_server_that_cannot_resume_is_asked_for_the_whole(server, tmp_path):
    (tmp_path / "f.part").write_bytes(b"x" * 1000)
    server.resumes = False
    download(server.url("/file"), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENTS


def test_a_part_that_is_already_whole_only_gets_its_name(server, tmp_path):
    (tmp_path / "f.part").write_bytes(CONTENTS)
    download(server.url("/file"), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENTS


def test_a_part_longer_than_the_file_is_fetched_anew(server, tmp_path):
    (tmp_path / "f.part").write_bytes(CONTENTS + b"more")
    download(server.url("/file"), tmp_path / "f", SHA256)
    assert (tmp_path / "f").read_bytes() == CONTENTS


def test_a_wrong_digest_removes_the_download_and_says_both(server, tmp_path):
    wrong = "md5:" + "0" * 32
    found = "md5:" + hashlib.md5(CONTENTS).hexdigest()
    with pytest.raises(DownloadError, match=rf"digest {found}, expected {wrong}"):
        download(server.url("/file"), tmp_path / "f", wrong)
    assert names(tmp_path) == []


def test_the_beginning_of_a_digest_will_do(server, tmp_path):
    download(server.url("/file"), tmp_path / "f", SHA256[:15])
    assert (tmp_path / "f").read_bytes() == CONTENTS
    with pytest.raises(DownloadError, match=f"digest {SHA256}, expected sha256:00000000"):
        download(server.url("/file"), tmp_path / "g", "sha256:00000000")
    assert names(tmp_path) == ["f"]


def test_without_a_known_digest_the_found_one_is_printed_and_recorded(server, tmp_path, capsys):
    download(server.url("/file"), tmp_path / "f", None)
    assert (tmp_path / "f.sha256").read_text() == f"{SHA256.removeprefix('sha256:')}  f\n"
    printed = capsys.readouterr().out
    assert SHA256 in printed
    assert "not checked" in printed


def test_a_missing_file_and_a_dead_server_are_clear_errors(server, tmp_path):
    with pytest.raises(DownloadError, match=r"/nowhere: HTTP Error 404.*put it at .*/f$"):
        download(server.url("/nowhere"), tmp_path / "f", None)
    with pytest.raises(DownloadError, match=r"refused.*run again"):
        download("http://127.0.0.1:9/file", tmp_path / "f", None)


# ---- all that `make data-voc` does but reading the images ----


def archive(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def published(server, tmp_path):
    """The dataset `voc`, its sources on our server, its home empty."""
    segval = [f"v{i}" for i in range(1111)]
    trained = segval[375:750] + [f"s{i}" for i in range(8498 - 375)]
    server.files = {
        "/voc.tar": archive(
            {
                f"{VOC2011.member}/ImageSets/Segmentation/val.txt": "\n".join(segval),
                f"{VOC2011.member}/JPEGImages/v0.jpg": "image",
                "TrainVal/readme": "not wanted",
            }
        ),
        "/sbd.tgz": archive({f"{SBD.member}/train.txt": "\n".join(trained)}),
        "/vgg": b"weights",
    }
    sources = tuple(
        dataclasses.replace(
            source,
            url=server.url(path),
            digest=source.digest and "md5:" + hashlib.md5(server.files[path]).hexdigest(),
        )
        for source, path in ((VOC2011, "/voc.tar"), (SBD, "/sbd.tgz"), (PLAIN, "/vgg"))
    )
    return dataclasses.replace(DATASETS["voc"], home=tmp_path, sources=sources)


def test_data_voc_fetches_unpacks_derives_and_checks_and_a_second_run_changes_nothing(
    published, server
):
    prepare.prepare(published)
    home = published.home
    assert names(home) == ["downloads", "nets", "pascal", "sbdd"]
    assert (home / "pascal/VOC2011/JPEGImages/v0.jpg").read_text() == "image"
    assert not list(home.rglob("readme"))
    assert (home / PLAIN.path).read_bytes() == b"weights"
    kept = (home / "pascal/VOC2011/ImageSets/Segmentation/seg11valid.txt").read_text().split()
    assert kept == [f"v{i}" for i in [*range(375), *range(750, 1111)]]
    asked = len(server.asked)
    prepare.prepare(published)
    assert len(server.asked) == asked


def test_data_voc_reports_expected_errors_in_one_line(published, server, monkeypatch, capsys):
    monkeypatch.setitem(DATASETS, "voc", published)
    server.files["/voc.tar"] = b"something else"
    assert prepare.main(["voc"]) == 1
    assert "error: " in (message := capsys.readouterr().err)
    assert "expected md5:" in message
    assert not (published.home / "pascal").exists()
