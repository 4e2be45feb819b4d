"""Writing files whole or not at all, and what to say where one cannot be read or written."""

import errno
import math
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .errors import OS_FACTS, CaffeError, caffe_error

PathLike = str | os.PathLike[str]


def cannot_be_read(path: PathLike, error: OSError | ValueError) -> CaffeError:
    """What to raise where opening or reading a file fails; ValueError: its name holds a NUL."""
    reason = f"{shown_path(path)}: cannot be read ({_reason(error)}){path_cure(path)}"
    return _file_error(error, reason)


def cannot_be_written(path: PathLike, error: OSError, more: str = "") -> CaffeError:
    """What to raise where writing a file fails; `more` goes on in the message."""
    return _file_error(error, f"{shown_path(path)}: cannot be written ({_reason(error)}){more}")


def _file_error(error: OSError | ValueError, message: str) -> CaffeError:
    ours = caffe_error(type(error), message)
    for name in OS_FACTS:
        if hasattr(error, name):
            setattr(ours, name, getattr(error, name))
    return ours


def _reason(error: OSError | ValueError) -> object:
    return getattr(error, "strerror", None) or error


def shown_path(path: PathLike) -> str:
    """A path with control characters as a prototxt writes them."""
    return re.sub(r"[\x00-\x1f\x7f]", lambda found: repr(found[0])[1:-1], os.fsdecode(path))


def path_cure(path: PathLike) -> str:
    """What to do about a path that no file can have here; "" for any other path."""
    path = os.fsdecode(path)
    if re.match(r"\w+://", path):
        return "; addresses are not fetched: download it, and give the name of the file"
    if re.search(r"[\x00-\x1f\x7f]", path):
        return "; a backslash in a prototxt begins an escape such as \\n: write paths with /"
    if "\\" in path and os.sep == "/":
        return "; write the path with / instead of \\"
    return ""


_POINTER = b"version https://git-lfs"
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")


def refuse_stand_in(path: PathLike, data: bytes | memoryview) -> None:
    """Raise CaffeError for a file that stands in for the one that was meant, as downloads leave
    them: a pointer of Git LFS, a page of HTML.

    data: the file's bytes, or its first ones.
    """
    head = bytes(data[:512]).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(_POINTER):
        size = re.search(rb"^size (\d+)", head, re.MULTILINE)
        whole = f" of {int(size[1]):,} bytes" if size else ""
        raise caffe_error(
            OSError,
            f"{shown_path(path)}: this is a pointer of Git LFS, not the file{whole} that it "
            "stands for: run git lfs pull in its repository, or download the file by itself",
        )
    if head.startswith(_PAGES):
        raise caffe_error(
            OSError,
            f"{shown_path(path)}: this is a web page, not the file that it is named after: "
            "download the file itself (on GitHub by its Raw button)",
        )


def read_numbers(path: PathLike) -> list[float]:
    """The numbers of a text file, which white space parts. Raises CaffeError."""
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    refuse_stand_in(path, data)
    found = []
    for word in data.decode("utf-8-sig", "surrogateescape").split():
        try:
            found.append(math.nan if "_" in word else float(word))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            raise CaffeError(f"{shown_path(path)}: expected numbers; found {word!r}")
    return found


def write_text(path: PathLike, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())


def remove_leftovers(folder: PathLike, name: str) -> None:
    """Remove what writes of files in a folder have left that were killed; name: a regex of theirs.

    Files that another process still writes stay, and so does what cannot be removed.
    """
    left = re.compile(rf"\.({name})\.[0-9a-f]{{8}}")
    try:
        found = [path for path in Path(folder).iterdir() if left.fullmatch(path.name)]
    except OSError:
        return
    for path in found:
        with suppress(OSError), path.open("r+b") as file:
            _lock(file)
            path.unlink()


def _lock(file: BinaryIO) -> None:
    """Lock a file while it is open. Raises OSError where another process has it locked."""
    with suppress(ImportError):  # not on Windows
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise


@contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """A binary file that takes `path`'s place only once it is complete and on disk.

    Whatever interrupts the writing (a full disk, Ctrl-C), an older file stays whole.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        # Not by tempfile: its files are their owner's alone, and learning the umask changes it, for
        # every thread. HDF5 reads what it wrote, so "+".
        file = temporary.open("x+b")
    except OSError as error:
        raise cannot_be_written(path, error) from None
    try:
        with file:
            _lock(file)  # what has no lock any more, a process has left that was killed
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except CaffeError:  # of what goes into the file
        raise
    except OSError as error:
        raise cannot_be_written(path, error, "; an older file is untouched") from None
    finally:
        temporary.unlink(missing_ok=True)
