"""Reading and writing the files that Caffe's messages live in."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from .errors import CaffeError

M = TypeVar("M", bound=Message)
PathLike = str | os.PathLike[str]


def read_prototxt(path: PathLike, message: M) -> M:
    """Parse a text-format file into `message`.

    Raises CaffeError for a missing file, and for a syntax error or an unknown field, with the
    line and column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CaffeError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise CaffeError(f"{path}: not a text file; expected a prototxt") from None
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        at = f":{line}" + (f":{column}" if column else "") if line else ""
        reason = re.sub(r"^\d+:\d+ : ", "", str(error))
        expected = message.DESCRIPTOR.name
        raise CaffeError(f"{path}{at}: not a valid {expected}: {reason}") from None


def prototxt(message: Message) -> str:
    """A message in text format, the same under every protobuf release (str() promises nothing)."""
    return text_format.MessageToString(message)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """A binary file that takes `path`'s place only once it is complete and on disk.

    Whatever interrupts the writing (a full disk, Ctrl-C), an older file stays whole.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CaffeError(f"{path}: cannot be written ({error.strerror or error})") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise CaffeError(
            f"{path}: cannot be written ({error.strerror or error}); an older file is untouched"
        ) from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
