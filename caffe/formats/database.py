"""The databases that Caffe's Data layer reads and its tools write: LMDB and LevelDB (util/db)."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import CaffeError
from ..core.files import PathLike
from ..proto import caffe_pb2
from .key_value import Database, Writer, writing
from .leveldb import LevelDbReader, LevelDbWriter
from .lmdb import LmdbReader

DB = caffe_pb2.DataParameter


def _lmdb_writer(folder: Path) -> Writer:
    from .lmdb_writer import LmdbWriter  # here, for a machine that only reads has no package lmdb

    return LmdbWriter(folder)


READERS = {DB.LMDB: LmdbReader, DB.LEVELDB: LevelDbReader}
WRITERS = {DB.LMDB: _lmdb_writer, DB.LEVELDB: LevelDbWriter}
MARKS = {DB.LMDB: "data.mdb", DB.LEVELDB: "CURRENT"}  # a file that each folder holds


def open_database(path: PathLike, backend: str | int) -> Database:
    """A database of backend "lmdb" or "leveldb" (or DataParameter's enum), read only.

    Needs no right to write, takes no lock. Raises CaffeError naming the path for anything that
    is not a sound database of this kind.
    """
    path, kind = Path(path), _backend(backend)
    for other, mark in MARKS.items():  # backend is LEVELDB by default: a common mistake
        if other != kind and (path / mark).exists() and not (path / MARKS[kind]).exists():
            raise CaffeError(
                f"{path}: holds a database of backend {DB.DB.Name(other)}; "
                f"{DB.DB.Name(kind)} was asked for. Set backend: {DB.DB.Name(other)}"
            )
    return READERS[kind](path)


@contextmanager
def create_database(path: PathLike, backend: str | int) -> Iterator[Writer]:
    """A new database that takes its place at `path` when the with-block ends without an error.

    Raises CaffeError where something is at `path` already.
    """
    path, make = Path(path), WRITERS[_backend(backend)]
    if os.path.lexists(path):
        raise CaffeError(f"{path}: exists already; remove it first, or choose another name")
    folder = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with writing(path):
        folder.mkdir(parents=True)
    try:
        writer = make(folder)
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()
        with writing(path):
            folder.rename(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _backend(backend: str | int) -> int:
    if isinstance(backend, str) and backend.upper() in DB.DB.keys():  # noqa: SIM118
        return DB.DB.Value(backend.upper())
    if backend in READERS:
        return backend
    raise CaffeError(f"unknown database backend {backend!r}; expected lmdb or leveldb")


__all__ = ["Database", "Writer", "create_database", "open_database"]
