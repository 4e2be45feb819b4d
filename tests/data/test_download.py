"""Laws of data/download.py, and of the fetching in data/prepare.py, against a server of our own."""

import dataclasses
import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from data import prepare
from data.datasets import DATASETS, SBD, VGG16, VOC2011
from data.download import DownloadError, download

CONTENTS = np.random.default_rng(0).bytes(300_000)
SHA256 = "sha256:" + hashlib.sha256(CONTENTS).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `files`; sends at most `limit` bytes of an answer; records the Range it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/file": CONTENTS}
        self.limit = None
        self.resumes = True
        self.asked = []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        whole = self.server.files.get(self.path)
        if whole is None:
            self.send_error(404)
            return
        start = 0
        if asked and self.server.resumes:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(whole):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(whole)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        self.wfile.write(whole[start:][: self.server.limit])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


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
        for source, path in ((VOC2011, "/voc.tar"), (SBD, "/sbd.tgz"), (VGG16, "/vgg"))
    )
    return dataclasses.replace(DATASETS["voc"], home=tmp_path, sources=sources)


def test_data_voc_fetches_unpacks_derives_and_checks_and_a_second_run_changes_nothing(
    published, server
):
    prepare.prepare(published)
    home = published.home
    assert names(home) == ["downloads", "ilsvrc-nets", "pascal", "sbdd"]
    assert (home / "pascal/VOC2011/JPEGImages/v0.jpg").read_text() == "image"
    assert not list(home.rglob("readme"))
    assert (home / VGG16.path).read_bytes() == b"weights"
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
