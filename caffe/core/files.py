"""Writing files whole or not at all, and what to say where one cannot be read."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import CaffeError

PathLike = str | os.PathLike[str]


def cannot_be_read(path: PathLike, error: OSError | ValueError) -> CaffeError:
    """What to raise where opening or reading a file fails; ValueError: its name holds a NUL."""
    return CaffeError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})")


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
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        # Not by tempfile: its files are their owner's alone, and learning the umask changes it, for
        # every thread. HDF5 reads what it wrote, so "+".
        file = temporary.open("x+b")
    except OSError as error:
        raise CaffeError(f"{path}: cannot be written ({error.strerror or error})") from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise CaffeError(
            f"{path}: cannot be written ({error.strerror or error}); an older file is untouched"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
