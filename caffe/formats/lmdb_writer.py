"""LMDB: a writer on the `lmdb` package, which nothing else needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from ..core.errors import CaffeError
from .key_value import Writer

INITIAL_MAP = 1 << 20  # doubled while it is too small, as in db_lmdb.cpp
PENDING = 1 << 26  # bytes after which a transaction is committed unasked


class LmdbWriter(Writer):
    """Writes an LMDB into a new folder; a key that comes again replaces its value."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._writing():
            # Nobody reads it before it is whole: neither a lock nor a sync per commit is needed.
            self._environment = lmdb.open(
                str(folder), map_size=INITIAL_MAP, mode=0o644, lock=False, sync=False
            )
        self._pending: list[tuple[bytes, bytes]] = []
        self._size = 0

    def put(self, key: bytes, value: bytes) -> None:
        most = self._environment.max_key_size()
        if not 0 < len(key) <= most:
            raise CaffeError(
                f"LMDB keys have 1 to {most} bytes; found one of {len(key)}: {key[:40]!r}"
            )
        self._pending.append((key, value))
        self._size += len(value)
        if self._size > PENDING:
            self.commit()

    def commit(self) -> None:
        """Write what is pending."""
        with self._writing():
            while not self._fits():
                self._environment.set_mapsize(2 * self._environment.info()["map_size"])
        self._pending, self._size = [], 0

    def finish(self) -> None:
        """Write the rest, to disk."""
        self.commit()
        with self._writing():
            self._environment.sync(True)

    def close(self) -> None:
        self._environment.close()

    def _fits(self) -> bool:
        """Write what is pending if the map has room for it."""
        try:
            with self._environment.begin(write=True) as transaction:
                for key, value in self._pending:
                    transaction.put(key, value)
        except lmdb.MapFullError:
            return False
        return True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except lmdb.Error as error:
            raise CaffeError(f"{self._folder}: cannot be written ({error})") from None
