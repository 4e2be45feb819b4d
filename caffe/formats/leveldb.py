"""LevelDB: a reader of our own that checks everything, and a writer of files that it opens.

The library has no wheels for all Pythons, takes memory by the sizes that a damaged file claims,
and cannot read what it may not write to. A database is what the manifest (version_edit.cc) lists:
tables of ascending keys, and a log of what came last. The newest entry of a key counts.
"""

import heapq
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..core.errors import anew
from ..core.files import PathLike, cannot_be_read, shown_path
from ..core.wire import varint
from .key_value import Database, Writer, damaged, writing
from .leveldb_tables import (
    UINT32,
    UINT64,
    Bytes,
    Damaged,
    Fields,
    block_of,
    footer_of,
    log_of,
    log_records,
    string,
    table_items,
    trailer_of,
)

COMPARATOR = b"leveldb.BytewiseComparator"
# Tags of the fields of a manifest's records.
COMPARATOR_NAME, LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, COMPACT_POINTER = 1, 2, 3, 4, 5
DELETED_FILE, NEW_FILE, PREVIOUS_LOG = 6, 7, 9
LEVELS = 7
DELETION, VALUE = 0, 1  # kinds of entries

BLOCK = 1 << 12  # bytes after which the writer ends a block
PENDING = 1 << 26  # and a table

Entry = tuple[
    bytes, int, Bytes
]  # key, minus (sequence << 8 | kind), so that the newest sorts first


class Table(NamedTuple):
    """A table file, as the manifest describes it."""

    level: int
    number: int
    size: int
    smallest: bytes
    largest: bytes


class LevelDbReader(Database):
    """A LevelDB in a folder, read in key order; nothing is written, and no lock is taken.

    Raises CaffeError, at the latest where the damage is reached, for whatever is no sound LevelDB.
    """

    def __init__(self, path: PathLike) -> None:
        self._folder = Path(path)
        self._tables, logs = self._manifest()
        for table in self._tables:
            found = self._table_path(table).stat().st_size
            if found != table.size:
                damaged(
                    self._table_path(table), f"it has {found} bytes; the manifest says {table.size}"
                )
        self._logged: list[Entry] = []
        for path in logs:
            with _reading(path) as data:
                self._logged += _batches(data)
        self._logged.sort(key=lambda entry: entry[:2])

    def __len__(self) -> int:
        return sum(1 for _ in self.cursor())

    def close(self) -> None:
        """Nothing is open but what a cursor reads."""

    def cursor(self, start: int = 0) -> Iterator[tuple[bytes, memoryview]]:
        """(key, value) of all items but the first `start`."""
        return islice(self._items(), start, None)

    def _items(self) -> Iterator[tuple[bytes, memoryview]]:
        # Tables of level 0 may overlap; those of each other level follow one another.
        runs = [[table] for table in self._tables if table.level == 0]
        runs += [[t for t in self._tables if t.level == level] for level in range(1, LEVELS)]
        sources = [iter(self._logged), *map(self._run, runs)]
        last = None
        for key, order, value in heapq.merge(*sources, key=lambda entry: entry[:2]):
            if key != last and -order & 255 == VALUE:
                yield key, memoryview(value)
            last = key

    def _run(self, tables: list[Table]) -> Iterator[Entry]:
        last = (b"", -(1 << 64))
        for table in tables:
            with _reading(self._table_path(table)) as data:
                for internal_key, value in table_items(data):
                    key, order = _split(internal_key)
                    if (key, order) <= last:
                        raise Damaged(f"key {key!r} follows {last[0]!r}; expected ascending keys")
                    last = key, order
                    yield key, order, value

    def _table_path(self, table: Table) -> Path:
        names = [self._folder / f"{table.number:06d}{suffix}" for suffix in (".ldb", ".sst")]
        for path in names:
            if path.is_file():
                return path
        damaged(names[0], "the manifest lists this table, and it is missing")

    def _manifest(self) -> tuple[list[Table], list[Path]]:
        """The tables, and the logs that are newer than they."""
        try:
            current = (self._folder / "CURRENT").read_bytes()
        except (OSError, ValueError) as error:
            failure = cannot_be_read(self._folder / "CURRENT", error)
            where = shown_path(self._folder)
            raise anew(failure, f"{where}: not a LevelDB folder: {failure}") from None
        if not re.fullmatch(rb"MANIFEST-\d{1,20}\n", current):
            damaged(self._folder / "CURRENT", "it does not name a manifest")
        tables: dict[tuple[int, int], Table] = {}
        numbers = {LOG_NUMBER: 0, PREVIOUS_LOG: 0}
        with _reading(self._folder / current.decode().strip()) as data:
            for record in log_records(data):
                _apply_edit(Fields(record), tables, numbers)
            in_order = sorted(tables.values(), key=lambda table: _split(table.smallest))
        logs = [
            (int(path.stem), path)
            for path in self._folder.glob("*.log")
            if path.stem.isascii() and path.stem.isdecimal()
        ]
        newer = [
            path
            for number, path in sorted(logs)
            if number >= numbers[LOG_NUMBER] or number == numbers[PREVIOUS_LOG]
        ]
        return in_order, newer


@contextmanager
def _reading(path: Path) -> Iterator[memoryview]:
    """A file's bytes; what turns out to be damaged in them becomes a CaffeError that names it."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise cannot_be_read(path, error) from None
    try:
        yield memoryview(view)
    except Damaged as error:
        damaged(path, str(error))


def _apply_edit(fields: Fields, tables: dict, numbers: dict[int, int]) -> None:
    """Follow a record of the manifest."""
    while fields:
        tag = fields.varint()
        if tag == COMPARATOR_NAME:
            name = bytes(fields.string())
            if name != COMPARATOR:
                raise Damaged(f"its keys are ordered by {name!r}; expected {COMPARATOR!r}")
        elif tag in (LOG_NUMBER, PREVIOUS_LOG, NEXT_FILE, LAST_SEQUENCE):
            numbers[tag] = fields.varint()
        elif tag == COMPACT_POINTER:
            fields.varint(), fields.string()
        elif tag == DELETED_FILE:
            tables.pop((fields.varint(), fields.varint()), None)
        elif tag == NEW_FILE:
            level, number, size = fields.varint(), fields.varint(), fields.varint()
            if level >= LEVELS:
                raise Damaged(f"table {number} lies at level {level}")
            ends = bytes(fields.string()), bytes(fields.string())
            tables[level, number] = Table(level, number, size, *ends)
        else:
            raise Damaged(f"a record has a field of unknown kind {tag}")


def _split(internal_key: bytes) -> tuple[bytes, int]:
    if len(internal_key) < UINT64.size:
        raise Damaged(f"a key of {len(internal_key)} bytes has no sequence number")
    return internal_key[: -UINT64.size], -UINT64.unpack(internal_key[-UINT64.size :])[0]


def _batches(data: Bytes) -> Iterator[Entry]:
    """What a log says (write_batch.cc)."""
    for record in log_records(data):
        fields = Fields(memoryview(record))
        sequence = UINT64.unpack(fields.take(UINT64.size))[0]
        count = UINT32.unpack(fields.take(UINT32.size))[0]
        found = 0
        while fields:
            kind, key = fields.take(1)[0], bytes(fields.string())
            if kind not in (DELETION, VALUE):
                raise Damaged(f"an entry is of unknown kind {kind}")
            value = fields.string() if kind == VALUE else b""
            yield key, -((sequence + found) << 8 | kind), value
            found += 1
        if found != count:
            raise Damaged(f"a batch of {count} entries holds {found}")


class LevelDbWriter(Writer):
    """Writes a LevelDB: tables of sorted, uncompressed blocks, and a manifest that lists them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: list[Table] = []
        self._pending: dict[bytes, tuple[bytes, bytes]] = {}  # by key: (internal key, value)
        self._size = self._sequence = 0

    def put(self, key: bytes, value: bytes) -> None:
        self._sequence += 1
        self._pending[key] = key + UINT64.pack(self._sequence << 8 | VALUE), value
        self._size += len(key) + len(value)
        if self._size > PENDING:
            self.commit()

    def commit(self) -> None:
        """Write what is pending as a table."""
        if not self._pending:
            return
        number = len(self._tables) + 1
        items = [item for _, item in sorted(self._pending.items())]
        with writing(self._folder), open(self._folder / f"{number:06d}.ldb", "wb") as file:
            index = []
            for block in _blocks(items):
                handle = _append(file, block_of(block))
                index.append((block[-1][0], b"".join(map(varint, handle))))
            file.write(footer_of(_append(file, block_of([])), _append(file, block_of(index))))
            _flush(file)
            size = file.tell()
        self._tables.append(Table(0, number, size, items[0][0], items[-1][0]))
        self._pending, self._size = {}, 0

    def finish(self) -> None:
        """Write the rest, and the manifest."""
        self.commit()
        # Tables whose keys follow one another go to the last level: there is nothing to merge.
        followed = zip(self._tables, self._tables[1:], strict=False)
        ascending = all(_split(a.largest)[0] < _split(b.smallest)[0] for a, b in followed)
        level = LEVELS - 1 if ascending else 0
        manifest, log, following = (len(self._tables) + i for i in (1, 2, 3))
        numbers = {
            LOG_NUMBER: log,
            PREVIOUS_LOG: 0,
            NEXT_FILE: following,
            LAST_SEQUENCE: self._sequence,
        }
        record = varint(COMPARATOR_NAME) + string(COMPARATOR)
        record += b"".join(varint(tag) + varint(number) for tag, number in numbers.items())
        for table in self._tables:
            record += b"".join(map(varint, (NEW_FILE, level, table.number, table.size)))
            record += string(table.smallest) + string(table.largest)
        name = f"MANIFEST-{manifest:06d}"
        for path, data in ((name, log_of(record)), ("CURRENT", f"{name}\n".encode())):
            with writing(self._folder), open(self._folder / path, "wb") as file:
                file.write(data)
                _flush(file)

    def close(self) -> None:
        """Nothing stays open."""


def _blocks(items: list[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """The items in runs of about BLOCK bytes."""
    first = size = 0
    for i, (key, value) in enumerate(items, 1):
        size += len(key) + len(value)
        if size >= BLOCK or i == len(items):
            yield items[first:i]
            first, size = i, 0


def _append(file: BinaryIO, block: bytes) -> tuple[int, int]:
    """Write a block; its (place, size)."""
    place = file.tell()
    file.write(block + trailer_of(block))
    return place, len(block)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
