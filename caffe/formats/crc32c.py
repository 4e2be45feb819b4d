"""CRC-32C, the checksum of LevelDB's files, on numpy: some 300 MB/s for what is large."""

from functools import cache

import numpy as np

POLYNOMIAL = 0x82F63B78
SHORT = 1024  # bytes below which a plain loop is quicker


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """What follows a checksum's lowest 8 bits, and 16 bits, when as many zero bits come in."""
    byte: np.ndarray = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        byte = (byte >> 1) ^ (byte & 1) * np.uint32(POLYNOMIAL)
    word: np.ndarray = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(2):
        word = byte[word & 255] ^ (word >> 8)
    return byte, word


BYTE, WORD = _tables()
BYTES = BYTE.tolist()


def crc32c(data: bytes | memoryview) -> int:
    """The CRC-32C of some bytes."""
    if len(data) < SHORT:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = BYTES[(crc ^ byte) & 255] ^ (crc >> 8)
        return crc ^ 0xFFFFFFFF
    # Lanes of 2^k bytes, all at once. The initial value is the same as inverting the first four
    # bytes, and makes zeros in front count for nothing.
    k = max(1, len(data).bit_length() // 2 - 2)
    lanes = -(-len(data) >> k)
    padded = np.zeros(lanes << k, np.uint8)
    padded[-len(data) :] = np.frombuffer(data, np.uint8)
    padded[-len(data) :][:4] ^= 255
    crcs: np.ndarray = np.zeros(lanes, np.uint32)
    for words in np.ascontiguousarray(padded.view("<u2").reshape(lanes, -1).T):
        crcs = WORD[(crcs ^ words) & 0xFFFF] ^ (crcs >> 16)
    while len(crcs) > 1:  # join neighbours: the left one, moved on by the right one's length
        crcs = np.pad(crcs, (len(crcs) % 2, 0))
        crcs = _apply(_zeros(k), crcs[::2]) ^ crcs[1::2]
        k += 1
    return int(crcs[0]) ^ 0xFFFFFFFF


@cache
def _zeros(k: int) -> np.ndarray:
    """Four tables, one for each byte of a checksum: how 2^k zero bytes change it."""
    if k == 0:
        values = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
        return BYTE[values & 255] ^ (values >> 8)
    return _apply(_zeros(k - 1), _zeros(k - 1))


def _apply(tables: np.ndarray, crc: np.ndarray) -> np.ndarray:
    a, b, c, d = tables
    return a[crc & 255] ^ b[(crc >> 8) & 255] ^ c[(crc >> 16) & 255] ^ d[crc >> 24]
