"""Decompression of Snappy, which LevelDB compresses its blocks with (format_description.txt)."""


def decompress(data: bytes | memoryview) -> bytes:
    """The bytes that a Snappy block stands for; memory grows with them, not with a claim.

    Raises ValueError for a block that is not valid.
    """
    data = bytes(data)
    claimed, at = _varint(data)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind, size = tag & 3, (tag >> 2) + 1
        if kind == 0:  # the bytes themselves; long lengths follow in up to 4 bytes
            if size > 60:
                extra = size - 60
                size = _little(data, at, extra) + 1
                at += extra
            if at + size > len(data):
                raise ValueError("a literal reaches beyond its end")
            out += data[at : at + size]
            at += size
        else:  # bytes seen before, so many back
            if kind == 1:
                size = (tag >> 2 & 7) + 4
                back = (tag >> 5) << 8 | _little(data, at, 1)
                at += 1
            else:
                width = 2 if kind == 2 else 4
                back = _little(data, at, width)
                at += width
            if not 0 < back <= len(out):
                raise ValueError(f"a copy from {back} bytes back, where {len(out)} are known")
            seen = out[-back:][:size]
            out += (seen * -(-size // len(seen)))[:size]
        if len(out) > claimed:
            break
    if len(out) != claimed:
        raise ValueError(
            f"it claims {claimed} bytes and holds {'more' if at < len(data) else len(out)}"
        )
    return bytes(out)


def _varint(data: bytes) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(data[:5]):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, i + 1
    raise ValueError("it has no length")


def _little(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise ValueError("it ends within an element")
    return int.from_bytes(data[at : at + width], "little")
