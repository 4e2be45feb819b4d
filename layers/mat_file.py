"""The arrays in MATLAB's files of versions 5 to 7, as the datasets' labels are stored; numpy alone.

After MathWorks' "MAT-File Format". It is ours since scipy's reader (1.15, 1.17) ends the process
where a single bit of a file is flipped (tests/test_mat_file.py has one): here all is checked.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15  # kinds of elements
STRUCT, NUMERIC = 2, range(6, 16)  # classes of arrays
COMPLEX = 0x800
HEADER = 128  # bytes
Element = tuple[int, memoryview]  # its type and content
NOTHING: Element = (0, memoryview(b""))  # of no type that there is

MOST = 1 << 26  # bytes that a compressed element may hold


def read_mat_file(path: str | os.PathLike) -> dict[str, Any]:
    """{name: value} of the file's variables.

    A numeric array is an array, of the type that it is stored as (MATLAB stores whole numbers as
    the smallest type that fits); a 1 x 1 struct is a dict of its fields, whose structs are not
    read; what is neither is None. Raises ValueError for a file of another kind or a damaged one,
    OSError where it can't be opened.
    """
    with open(path, "rb") as file:
        data = memoryview(file.read())
    order = {b"\0\1IM": "<", b"\1\0MI": ">"}.get(bytes(data[HEADER - 4 : HEADER]))
    if order is None:
        raise ValueError("no MATLAB file of version 5 to 7")
    variables = {}
    for kind, content in _elements(data[HEADER:], order):
        if kind == COMPRESSED:
            kind, content = next(_elements(_decompressed(content), order), NOTHING)
        if kind != MATRIX:
            raise ValueError(f"element of type {kind}, expected a matrix, {MATRIX}")
        name, value = _matrix(content, order)
        variables[name] = value
    return variables


def _elements(data: memoryview, order: str) -> Iterator[Element]:
    """(type, content) of each element in data."""
    while data:
        if len(data) < 8:
            raise ValueError(f"{len(data)} bytes, where an element begins")
        kind, size = struct.unpack_from(f"{order}II", data)
        start = 8
        if kind >> 16:  # at most 4 bytes, beside their size and type
            kind, size, start = kind & 0xFFFF, kind >> 16, 4
        end = start + size
        if end > len(data) or (start == 4 and size > 4):
            raise ValueError(f"element of {size} bytes, where {len(data) - start} are left")
        yield kind, data[start:end]
        data = data[end if kind == COMPRESSED else end + -end % 8 :]


def _decompressed(data: memoryview) -> memoryview:
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, MOST)
    except zlib.error as error:
        raise ValueError(f"compressed element: {error}") from None
    if not stream.eof:
        raise ValueError(f"compressed element: cut off, or of more than {MOST} bytes")
    return memoryview(content)


def _matrix(content: memoryview, order: str, nested: bool = False) -> tuple[str, Any]:
    """The name of a matrix, and its value as in read_mat_file."""
    if not content:  # a field that was never set
        return "", None
    parts = _elements(content, order)
    flags = _array(parts, order, UINT32)
    shape = _array(parts, order, INT32).tolist()
    name = _array(parts, order, INT8).tobytes().decode("latin-1")
    if len(flags) != 2 or min(shape, default=-1) < 0:
        raise ValueError(f"matrix {name!r} with {len(flags)} flags and of shape {shape}")
    kind = flags[0] & 0xFF
    if kind in NUMERIC and not flags[0] & COMPLEX:
        return name, _array(parts, order, *NUMBERS).reshape(shape, order="F")
    if kind == STRUCT and np.prod(shape) == 1 and not nested:
        return name, _fields(parts, order)
    return name, None


def _fields(parts: Iterator[Element], order: str) -> dict[str, Any]:
    length = int(_array(parts, order, INT32).sum())  # one number
    text = _array(parts, order, INT8).tobytes()
    if length < 1 or len(text) % length:
        raise ValueError(f"names of fields of {length} bytes each, in {len(text)} bytes")
    padded = [text[at : at + length] for at in range(0, len(text), length)]
    names = [name.partition(b"\0")[0].decode("latin-1") for name in padded]
    return {name: _matrix(_next(parts, MATRIX)[1], order, nested=True)[1] for name in names}


def _array(parts: Iterator[Element], order: str, *kinds: int) -> np.ndarray:
    """The next element, of one of these types, as a flat array."""
    kind, content = _next(parts, *kinds)
    return np.frombuffer(content, order + NUMBERS[kind])


def _next(parts: Iterator[Element], *kinds: int) -> Element:
    kind, content = next(parts, NOTHING)
    if kind not in kinds:
        expected = " or ".join(map(str, kinds))
        raise ValueError(f"element of type {kind} in a matrix, expected {expected}")
    return kind, content
