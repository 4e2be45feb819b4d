"""Numbers as protobuf and LevelDB write them.

Ours, since protobuf's Python package offers its own to nobody.
"""


def varint(value: int) -> bytes:
    """A number of 7 bits a byte, the lowest first; the high bit says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
