"""Laws of data/unpack.py: all below the folder, all or nothing."""

import contextlib
import io
import os
import shutil
import tarfile
import zipfile
from collections import namedtuple

import pytest
from support.fuzzing import FUZZ_INPUTS, mutations

from data.unpack import UnpackError, unpack

FILES = {"top/a.txt": b"a", "top/sub/b.bin": bytes(range(256)) * 50, "other/c": b"c"}


def make_tar(path, files=FILES, extra=(), mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o4777
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info)
    return path


def make_zip(path, files=FILES):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.mkdir("top") if hasattr(packed, "mkdir") else None
        for name, data in files.items():
            packed.writestr(name, data)
    return path


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_files_below_the_asked_folder_come_out_whole(tmp_path, mode):
    archive = tmp_path / "x.archive"
    make_zip(archive) if mode == "zip" else make_tar(archive, mode=mode)
    unpack(archive, tmp_path / "out/here", "top")
    assert tree(tmp_path / "out") == {"here/a.txt": b"a", "here/sub/b.bin": FILES["top/sub/b.bin"]}
    unpack(archive, tmp_path / "all")
    assert tree(tmp_path / "all") == FILES


def test_a_file_of_the_archive_can_be_asked_for(tmp_path):
    unpack(make_tar(tmp_path / "x.tar"), tmp_path / "out/here.txt", "top/a.txt")
    assert tree(tmp_path / "out") == {"here.txt": b"a"}


def test_an_archive_without_the_folder_is_taken_whole_where_that_is_allowed(tmp_path):
    archive = make_zip(tmp_path / "x.zip")
    unpack(archive, tmp_path / "below", "top", bare=True)
    assert tree(tmp_path / "below") == {"a.txt": b"a", "sub/b.bin": FILES["top/sub/b.bin"]}
    unpack(archive, tmp_path / "whole", "elsewhere", bare=True)
    assert tree(tmp_path / "whole") == FILES
    with pytest.raises(UnpackError, match="no files below 'elsewhere'"):
        unpack(archive, tmp_path / "none", "elsewhere")


def test_names_that_begin_with_a_dot_slash_are_the_same_names(tmp_path):
    archive = make_tar(tmp_path / "x.tar", {f"./{name}": data for name, data in FILES.items()})
    unpack(archive, tmp_path / "out", "top")
    assert sorted(tree(tmp_path / "out")) == ["a.txt", "sub/b.bin"]


def test_stored_modes_have_no_effect(tmp_path):
    unpack(make_tar(tmp_path / "x.tar"), tmp_path / "out")
    assert (tmp_path / "out/top/a.txt").stat().st_mode & 0o7000 == 0


def link(kind, name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


UNSAFE = {
    "absolute": {"files": {**FILES, "/tmp/evil": b""}},
    "dotdot": {"files": {**FILES, "../evil": b""}},
    "inner dotdot": {"files": {**FILES, "top/../../evil": b""}},
    "symlink": {"extra": [link(tarfile.SYMTYPE, "top/l", "/etc")]},
    "hard link": {"extra": [link(tarfile.LNKTYPE, "top/l", "../../evil")]},
    "device": {"extra": [link(tarfile.CHRTYPE, "top/d", "")]},
}


@pytest.mark.parametrize("case", UNSAFE)
def test_an_unsafe_member_stops_everything_before_anything_is_written(tmp_path, case):
    archive = make_tar(tmp_path / "x.tar", **UNSAFE[case])
    with pytest.raises(UnpackError, match=r"x\.tar: member .* nothing is unpacked"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["x.tar"]


def test_an_unsafe_zip_member_is_refused_too(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {**FILES, "../evil": b""})
    with pytest.raises(UnpackError, match="leaves the folder"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["x.zip"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_truncated_archive_is_an_error_that_leaves_nothing(tmp_path, mode):
    files = {**FILES, "top/z": os.urandom(40_000)}
    archive = make_tar(tmp_path / "x.tar", files, mode=mode)
    archive.write_bytes(archive.read_bytes()[:-25_000])
    with pytest.raises(UnpackError, match=r"x\.tar: damaged .*fetch it again"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["x.tar"]


def test_a_zip_with_spoilt_contents_is_an_error_that_leaves_nothing(tmp_path):
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("top/a", b"contents " * 100)
    archive.write_bytes(archive.read_bytes().replace(b"contents", b"CONTENTS", 1))
    with pytest.raises(UnpackError, match="damaged"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["x.zip"]


@pytest.mark.fuzz
@pytest.mark.parametrize("mode", ["w", "zip"])
def test_any_damage_is_an_error_or_none_and_stays_in_the_folder(tmp_path, mode):
    archive = tmp_path / "x.archive"
    names = {"top/a.txt": b"a" * 99, "top/\xe9": b"c"}
    make_zip(archive, names) if mode == "zip" else make_tar(archive, names, mode=mode)
    for damaged in mutations(archive.read_bytes(), 1, FUZZ_INPUTS // 4):
        archive.write_bytes(damaged)
        with contextlib.suppress(UnpackError, OSError):
            unpack(archive, tmp_path / "out", "top")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert os.listdir(tmp_path) == ["x.archive"]


def test_an_encrypted_zip_is_an_error_that_leaves_nothing(tmp_path):
    data = bytearray(make_zip(tmp_path / "x.zip", {"top/a": b"a"}).read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rfind(header) + flags] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(UnpackError, match=r"x\.zip: damaged \(.*encrypted"):
        unpack(tmp_path / "x.zip", tmp_path / "out", "top")
    assert os.listdir(tmp_path) == ["x.zip"]


def test_something_that_is_no_archive_is_an_error(tmp_path):
    (tmp_path / "x.tar").write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(UnpackError, match="damaged"):
        unpack(tmp_path / "x.tar", tmp_path / "out")


def test_an_archive_without_the_asked_folder_is_an_error(tmp_path):
    with pytest.raises(UnpackError, match="no files below 'VOC2011'"):
        unpack(make_tar(tmp_path / "x.tar"), tmp_path / "out", "VOC2011")


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    with pytest.raises(FileExistsError, match="out exists already"):
        unpack(make_tar(tmp_path / "x.tar"), tmp_path / "out")
    assert tree(tmp_path / "out") == {"mine": b"mine"}


def test_too_little_room_is_said_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 0, 12_801))
    archive = make_tar(tmp_path / "x.tar")
    with pytest.raises(OSError, match="unpacks to 12802 bytes, 12801 are free"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["x.tar"]
