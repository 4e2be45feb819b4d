"""What the readers and the writers of databases share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ..core.errors import CaffeError, caffe_error
from ..core.files import cannot_be_written


class Database(ABC):
    """A database opened for reading, and a context manager."""

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are; an LMDB knows, a LevelDB counts."""

    @abstractmethod
    def cursor(self, start: int = 0) -> Iterator[tuple[bytes, memoryview]]:
        """(key, value) of all items but the first `start`, once, in key order.

        Raises CaffeError where the database turns out to be damaged. Cursors, in one thread or
        several, do not disturb each other.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the files; values handed out stay good as long as they live."""

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Writer(ABC):
    """A database being written into a new folder."""

    @abstractmethod
    def put(self, key: bytes, value: bytes) -> None:
        """Add an item; a key that is there already gets the new value."""

    @abstractmethod
    def commit(self) -> None:
        """Write the items put so far out of memory (it happens unasked too)."""

    @abstractmethod
    def finish(self) -> None:
        """Write the rest: the database is complete."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the files."""


def damaged(path: Path, what: str) -> NoReturn:
    """The one error of everything that is no sound database."""
    raise caffe_error(
        OSError, f"{path}: damaged, or no such database: {what}. Copy it again or make it anew"
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full disk, a missing right, … into a CaffeError."""
    try:
        yield
    except CaffeError:
        raise
    except OSError as error:
        raise cannot_be_written(path, error) from None
