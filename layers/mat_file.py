"""The arrays in MATLAB's files of versions 5 to 7, as labels and weights are stored; numpy alone.

After MathWorks' "MAT-File Format". It is ours since scipy's reader (1.15, 1.17) ends the process
where a single bit of a file is flipped (tests/test_mat_file.py has one): here all is checked.
"""

import math
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
UINT16, UTF8, UTF16 = 4, 16, 17  # in which text is stored, and INT8
CELL, STRUCT, CHAR, NUMERIC = 1, 2, 4, range(6, 16)  # classes of arrays
COMPLEX = 0x800
HEADER = 128  # bytes
Element = tuple[int, memoryview]  # its type and content
NOTHING: Element = (0, memoryview(b""))  # of no type that there is

MOST = 1 << 26  # bytes that a compressed element may hold
MOST_DEEP = 1 << 31
DEEPEST = 16  # structs and cells within each other


def read_mat_file(path: str | os.PathLike, deep: bool = False) -> dict[str, Any]:
    """{name: value} of the file's variables.

    A numeric array is an array, of the type that it is stored as (MATLAB stores whole numbers as
    the smallest type that fits); a 1 x 1 struct is a dict of its fields, whose structs are not
    read; what is neither is None. Where `deep` is true, structs in structs are read too, arrays of
    structs and cells are lists, text is a str, and an element may be as large as a net's weights.
    Raises ValueError for a file of another kind or a damaged one, OSError where it can't be opened.
    """
    with open(path, "rb") as file:
        data = memoryview(file.read())
    order = {b"\0\1IM": "<", b"\1\0MI": ">"}.get(bytes(data[HEADER - 4 : HEADER]))
    if order is None:
        raise ValueError("no MATLAB file of version 5 to 7")
    variables = {}
    for kind, content in _elements(data[HEADER:], order):
        if kind == COMPRESSED:
            plain = _decompressed(content, MOST_DEEP if deep else MOST)
            kind, content = next(_elements(plain, order), NOTHING)
        if kind != MATRIX:
            raise ValueError(f"element of type {kind}, expected a matrix, {MATRIX}")
        name, value = _matrix(content, order, DEEPEST if deep else 1, deep)
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


def _decompressed(data: memoryview, most: int) -> memoryview:
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, most)
    except zlib.error as error:
        raise ValueError(f"compressed element: {error}") from None
    if not stream.eof:
        raise ValueError(f"compressed element: cut off, or of more than {most} bytes")
    return memoryview(content)


def _matrix(content: memoryview, order: str, levels: int, deep: bool) -> tuple[str, Any]:
    """The name of a matrix, and its value as in read_mat_file; `levels` of structs are read."""
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
    count = math.prod(shape)
    if deep and kind in (CELL, STRUCT) and 8 * count > len(content):
        raise ValueError(f"matrix {name!r} of {count} elements, in {len(content)} bytes")
    if kind == STRUCT and (count == 1 or deep) and levels:
        structs = _structs(parts, order, count, levels - 1, deep)
        return name, structs[0] if count == 1 else structs
    if kind == CELL and deep and levels:
        cells = (_next(parts, MATRIX)[1] for _ in range(count))
        return name, [_matrix(cell, order, levels - 1, deep)[1] for cell in cells]
    if kind == CHAR and deep:
        return name, _text(parts, order)
    return name, None


def _text(parts: Iterator[Element], order: str) -> str:
    """The text of a matrix of one row of letters."""
    kind, content = _next(parts, INT8, UINT16, UTF8, UTF16)
    if kind in (UINT16, UTF16):
        return str(content, "utf-16-le" if order == "<" else "utf-16-be")
    return str(content, "utf-8")


def _structs(
    parts: Iterator[Element], order: str, count: int, levels: int, deep: bool
) -> list[dict[str, Any]]:
    length = int(_array(parts, order, INT32).sum())  # one number
    text = _array(parts, order, INT8).tobytes()
    if length < 1 or len(text) % length:
        raise ValueError(f"names of fields of {length} bytes each, in {len(text)} bytes")
    padded = [text[at : at + length] for at in range(0, len(text), length)]
    names = [name.partition(b"\0")[0].decode("latin-1") for name in padded]
    return [
        {name: _matrix(_next(parts, MATRIX)[1], order, levels, deep)[1] for name in names}
        for _ in range(count)
    ]


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
