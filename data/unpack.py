"""Unpack tar and zip archives: nothing is written outside the folder, or before all is checked.

One check for both: tarfile's data filter (which Python 3.10.0 to 3.10.11 lack) has no match in
zipfile, lets links pass, and makes an absolute name relative where an archive is to be refused.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

# name in the archive, size in bytes, whether it is a plain file, function that opens its contents
Member = tuple[str, int, bool, Callable[[], IO[bytes]]]
# The last three are zipfile's and tarfile's for names, encryption and methods that they can't read.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    ValueError,
    IndexError,
    RuntimeError,
)


class UnpackError(ValueError):
    """The archive is damaged, unsafe, or not the expected one."""


def unpack(
    archive: str | os.PathLike,
    folder: str | os.PathLike,
    inside: str = "",
    *,
    bare: bool = False,
) -> None:
    """Unpack the files below `inside` of a tar (any compression) or zip into the new `folder`.

    Where `inside` is a file, `folder` becomes that file. An archive that has nothing below `inside`
    is unpacked whole where `bare` is true.

    Only plain files are written, by this function itself, so that modes and owners stored in the
    archive have no effect. The folder appears under its name only when it is complete.

    Raises FileExistsError if the folder is there; UnpackError for a member with an absolute path or
    "..", for a link or a device below `inside`, for a damaged archive, and if nothing lies below
    `inside`; OSError if the disk has too little room.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; remove it to unpack {archive} again")
    try:
        if bare and not any(_below(archive, inside)):
            inside = ""
        checked = tqdm(_below(archive, inside), desc=f"checking {archive.name}", unit="file")
        sizes = [size for _, size, _ in checked]
        if not sizes:
            raise UnpackError(f"{archive}: no files below {inside!r}; is it the right archive?")
        folder.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder.parent).free
        if sum(sizes) > free:
            raise OSError(
                f"{archive}: unpacks to {sum(sizes)} bytes, {free} are free in {folder.parent}; "
                "make room there"
            )
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as scratch:
            part = Path(scratch) / folder.name
            members = _below(archive, inside)
            title = f"unpacking {archive.name}"
            for target, _, contents in tqdm(members, title, len(sizes), unit="file"):
                (part / target).parent.mkdir(parents=True, exist_ok=True)
                with contents() as source, open(part / target, "wb") as file:
                    shutil.copyfileobj(source, file)
            os.replace(part, folder)
    except UnpackError:
        raise
    except DAMAGED as error:
        raise UnpackError(f"{archive}: damaged ({error}); fetch it again") from error


def _below(archive: Path, inside: str) -> Iterator[tuple[Path, int, Callable[[], IO[bytes]]]]:
    """The archive's files below `inside`, checked: path relative to it, size, opener."""
    for name, size, plain, contents in _members(archive):
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise UnpackError(f"{archive}: member {name!r} leaves the folder; nothing is unpacked")
        if not path.is_relative_to(inside):
            continue
        if not plain:
            raise UnpackError(
                f"{archive}: member {name!r} is a link or a device, plain files are expected; "
                "nothing is unpacked"
            )
        yield Path(path.relative_to(inside)), size, contents


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    yield info.filename, info.file_size, True, partial(zipped.open, info)
    else:
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isdir():
                    yield member.name, member.size, member.isreg(), partial(_opened, tar, member)


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file  # there is one of each plain file
    return file
