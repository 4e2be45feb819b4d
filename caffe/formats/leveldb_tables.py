"""The parts that LevelDB's files are made of (log_format.md, table_format.md), read with checks.

Everything here raises Damaged for what is not valid; who knows the file's name puts it in front.
"""

from collections.abc import Iterable, Iterator
from struct import Struct, pack

import google_crc32c

from ..core.wire import varint
from .snappy import decompress

UINT32, UINT64 = Struct("<I"), Struct("<Q")

LOG_BLOCK = 1 << 15
RECORD = Struct("<IHB")  # checksum, length, part
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4  # parts of a record

TABLE_MAGIC = 0xDB4775248B80FB57
FOOTER = 48
BLOCK_TRAILER = 5  # compression, checksum
RAW, SNAPPY = 0, 1

Bytes = bytes | memoryview


class Damaged(ValueError):
    """What is wrong with a file."""


class Fields:
    """Takes numbers and strings off the front of some bytes."""

    def __init__(self, data: Bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> Bytes:
        """The next `size` bytes."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise Damaged("it ends within a field")
        return self._data[start : self._at]

    def varint(self) -> int:
        """A number of 7 bits a byte, the lowest first."""
        value = shift = 0
        while shift < 64 and self._at < len(self._data):
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise Damaged("a number has no end")

    def string(self) -> Bytes:
        """Bytes with their length in front."""
        return self.take(self.varint())


def string(data: bytes) -> bytes:
    """Bytes as Fields.string reads them."""
    return varint(len(data)) + data


def checksum(data: Bytes) -> int:
    """The masked CRC-32C that is stored."""
    crc = google_crc32c.value(bytes(data))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# Logs: the write-ahead log and the manifest.


def log_records(data: Bytes) -> Iterator[bytes]:
    """The records of a log. A writer that died leaves half a record, which is damage here too."""
    parts: list[Bytes] = []
    at = 0
    while at < len(data):
        left = LOG_BLOCK - at % LOG_BLOCK
        if left < RECORD.size:
            at += left
            continue
        if at + RECORD.size > len(data):
            raise Damaged("it ends within a record")
        crc, size, part = RECORD.unpack_from(data, at)
        if part == size == crc == 0:  # space that was reserved, never written
            at += left
            continue
        end = at + RECORD.size + size
        if size > left - RECORD.size or end > len(data):
            raise Damaged("it ends within a record")
        if checksum(data[at + RECORD.size - 1 : end]) != crc:
            raise Damaged(f"the checksum of the record at byte {at} is wrong")
        if part not in (WHOLE, FIRST, MIDDLE, LAST) or (part in (MIDDLE, LAST)) != bool(parts):
            raise Damaged(f"a record's part of kind {part} is out of place at byte {at}")
        parts.append(data[at + RECORD.size : end])
        if part in (WHOLE, LAST):
            yield b"".join(parts)
            parts = []
        at = end
    if parts:
        raise Damaged("it ends within a record")


def log_of(record: bytes) -> bytes:
    """A log of one record, cut so that each part fills a block."""
    room = LOG_BLOCK - RECORD.size
    pieces = [record[at : at + room] for at in range(0, len(record), room)]
    parts = [FIRST] + [MIDDLE] * (len(pieces) - 2) + [LAST] if len(pieces) > 1 else [WHOLE]
    out = bytearray()
    for piece, part in zip(pieces, parts, strict=True):
        out += RECORD.pack(checksum(bytes([part]) + piece), len(piece), part) + piece
    return bytes(out)


# Tables: blocks of ascending keys and their values, the last of which is an index of the others.


def table_items(data: Bytes) -> Iterator[tuple[bytes, Bytes]]:
    """The (internal key, value) pairs of a table, in the order of the file."""
    if len(data) < FOOTER:
        raise Damaged("it is shorter than its footer")
    if UINT64.unpack_from(data, len(data) - UINT64.size)[0] != TABLE_MAGIC:
        raise Damaged("it does not end in a table's magic number")
    footer = Fields(data[-FOOTER:])
    _block(data, footer)  # the meta index: nothing that Caffe needs
    for _, handle in _entries(_block(data, footer)):
        yield from _entries(_block(data, Fields(handle)))


def _block(data: Bytes, handle: Fields) -> Bytes:
    """The block that a handle (place and size) points to."""
    at, size = handle.varint(), handle.varint()
    end = at + size
    if end + BLOCK_TRAILER > len(data) - FOOTER:
        raise Damaged(f"a block of {size} bytes at byte {at} lies beyond its end")
    if checksum(data[at : end + 1]) != UINT32.unpack_from(data, end + 1)[0]:
        raise Damaged(f"the checksum of the block at byte {at} is wrong")
    if data[end] == RAW:
        return data[at:end]
    if data[end] != SNAPPY:
        raise Damaged(f"the block at byte {at} has an unknown compression, {data[end]}")
    try:
        return memoryview(decompress(data[at:end]))
    except ValueError as error:
        raise Damaged(f"the block at byte {at} is no Snappy data: {error}") from None


def _entries(block: Bytes) -> Iterator[tuple[bytes, Bytes]]:
    """A block's keys and values; a key repeats the start of the one before."""
    if len(block) < UINT32.size:
        raise Damaged("a block has no restart points")
    restarts = UINT32.unpack_from(block, len(block) - UINT32.size)[0]
    end = len(block) - UINT32.size * (restarts + 1)
    if end < 0:
        raise Damaged(f"a block of {len(block)} bytes claims {restarts} restart points")
    fields, key = Fields(block[:end]), b""
    while fields:
        shared, fresh, size = fields.varint(), fields.varint(), fields.varint()
        if shared > len(key):
            raise Damaged(f"a key shares {shared} bytes with one of {len(key)}")
        key = key[:shared] + bytes(fields.take(fresh))
        yield key, fields.take(size)


def block_of(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block, every key of which is a restart point."""
    out, restarts = bytearray(), []
    for key, value in items:
        restarts.append(len(out))
        out += varint(0) + varint(len(key)) + varint(len(value)) + key + value
    restarts = restarts or [0]
    return bytes(out) + pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def trailer_of(block: bytes) -> bytes:
    """What follows an uncompressed block."""
    return bytes([RAW]) + UINT32.pack(checksum(block + bytes([RAW])))


def footer_of(meta_index: tuple[int, int], index: tuple[int, int]) -> bytes:
    """A table's last bytes: (place, size) of two blocks, and the magic number."""
    handles = b"".join(map(varint, meta_index + index))
    return handles.ljust(FOOTER - UINT64.size, b"\0") + UINT64.pack(TABLE_MAGIC)
