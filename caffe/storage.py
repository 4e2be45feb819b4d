"""Weights and solver state in Caffe's binary files (.caffemodel, .solverstate).

A VGG16 caffemodel holds 528 MB of floats in a protobuf of a few kilobytes. The floats are read
straight into (and written straight from) parameter memory; protobuf sees only the rest.
"""

import math
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from google.protobuf.message import DecodeError

from .blob import Blob
from .errors import CaffeError
from .files import PathLike, replacing
from .proto import caffe_pb2

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


def _number(message: str, field: str) -> int:
    return getattr(caffe_pb2, message).DESCRIPTOR.fields_by_name[field].number


# Field numbers of caffe.proto that the reader looks for.
NAME = _number("NetParameter", "name")
LAYER = _number("NetParameter", "layer")
LAYER_NAME = _number("LayerParameter", "name")
BLOBS = _number("LayerParameter", "blobs")
V1_LAYER = _number("NetParameter", "layers")
V1_LAYER_NAME = _number("V1LayerParameter", "name")
V1_BLOBS = _number("V1LayerParameter", "blobs")
V1_LAYER_V0 = _number("V1LayerParameter", "layer")
V0_LAYER_NAME = _number("V0LayerParameter", "name")
V0_BLOBS = _number("V0LayerParameter", "blobs")
ITER = _number("SolverState", "iter")
HISTORY = _number("SolverState", "history")
STATE = [_number("SolverState", field) for field in ("iter", "learned_net", "current_step")]
LEGACY_SHAPE = [_number("BlobProto", f) for f in ("num", "channels", "height", "width")]
SHAPE = _number("BlobProto", "shape")
DATA = _number("BlobProto", "data")
DOUBLE_DATA = _number("BlobProto", "double_data")

CHUNK = 1 << 24  # values that are copied at once


@dataclass(frozen=True)
class StoredBlob:
    """A blob inside a file: its shape, and its values, read when asked for.

    Old files give num, channels, height and width: `legacy` then, and the shape has four axes.
    """

    shape: tuple[int, ...]
    legacy: bool
    values: np.ndarray  # a view of the file, float32 or float64, flat
    file: mmap.mmap

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Blob::ShapeEquals: equal shapes; against a legacy one, leading axes of 1 are free."""
        if self.legacy and len(shape) <= 4:
            return (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape

    def read_into(self, blob: Blob) -> None:
        """Copy the values to blob.data, whose count must be equal."""
        flat = blob._data.own(blob.shape).view(-1)
        for at in range(0, len(flat), CHUNK):
            part = self.values[at : at + CHUNK]
            flat[at : at + CHUNK].copy_(torch.from_numpy(part))
            self.file.madvise(mmap.MADV_DONTNEED)  # what is copied need not stay in memory


StoredLayers = dict[str, list[StoredBlob]]


def read_weights(path: PathLike) -> StoredLayers:
    """The parameter blobs of each layer of a caffemodel (V2, V1 or V0), by layer name.

    Raises CaffeError for a missing, truncated or foreign file.
    """
    buffer = _map(path)
    with _decoding(path, buffer, "caffemodel"):
        layers: StoredLayers = {}
        for field in _fields(buffer):
            if field.number == ITER and field.wire == VARINT:
                raise CaffeError(
                    f"{path}: this is a solverstate, not a caffemodel. A .caffemodel goes to "
                    "weights, a .solverstate to restore"
                )
            if field.number in (LAYER, V1_LAYER):
                is_v1 = field.number == V1_LAYER
                name, blobs = _v1_layer(field) if is_v1 else _layer(field, LAYER_NAME, BLOBS)
                if blobs or name not in layers:
                    layers[name] = blobs
        if not layers:
            raise CaffeError(f"{path}: holds no layers; expected a caffemodel")
        return layers


def blob_shapes(path: PathLike) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of each layer's parameter blobs in a caffemodel, without reading the values."""
    return {name: [b.shape for b in blobs] for name, blobs in read_weights(path).items() if blobs}


def write_weights(
    path: PathLike, name: str, layers: Iterable[tuple[caffe_pb2.LayerParameter, Sequence[Blob]]]
) -> None:
    """Write a caffemodel: each layer's description with its blobs, whole or not at all."""
    with replacing(path) as file:
        file.write(caffe_pb2.NetParameter(name=name).SerializeToString())
        for layer, blobs in layers:
            bare = caffe_pb2.LayerParameter()
            bare.CopyFrom(layer)
            bare.ClearField("blobs")
            _write_message(file, LAYER, bare.SerializeToString(), BLOBS, blobs)


@dataclass(frozen=True)
class StoredState:
    """A solverstate: the iteration, the caffemodel it belongs to, and the history blobs."""

    iter: int
    learned_net: str
    current_step: int
    history: list[StoredBlob]


def read_state(path: PathLike) -> StoredState:
    """A solverstate file. Raises CaffeError for a missing, truncated or foreign file."""
    buffer = _map(path)
    with _decoding(path, buffer, "solverstate"):
        rest = bytearray()
        history = []
        for field in _fields(buffer):
            if field.number == HISTORY:
                history.append(_blob(field))
            elif field.number == NAME and field.wire == BYTES:
                break  # a caffemodel, which may be large
            elif field.number in STATE:
                rest += field.raw
        state = caffe_pb2.SolverState.FromString(bytes(rest))
        if not state.HasField("iter"):
            raise CaffeError(
                f"{path}: not a solverstate (it has no iteration). A .solverstate goes to restore, "
                "a .caffemodel to weights"
            )
        return StoredState(state.iter, state.learned_net, state.current_step, history)


def write_state(path: PathLike, state: StoredState, history: Sequence[Blob]) -> None:
    """Write a solverstate with the given history blobs, whole or not at all."""
    head = caffe_pb2.SolverState(
        iter=state.iter, learned_net=state.learned_net, current_step=state.current_step
    )
    with replacing(path) as file:
        file.write(head.SerializeToString())
        for blob in history:
            _write_blob(file, HISTORY, blob)


# The wire format: https://protobuf.dev/programming-guides/encoding


class _decoding:
    """Turns what goes wrong inside a file into one CaffeError that names the file."""

    def __init__(self, path: PathLike, buffer: memoryview, kind: str) -> None:
        self.path, self.size, self.kind = path, len(buffer), kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, traceback) -> None:
        if isinstance(error, _Malformed | DecodeError | UnicodeDecodeError):
            raise CaffeError(
                f"{self.path}: not a whole {self.kind} ({error}; the file has {self.size} bytes). "
                "It may be truncated or another kind of file: copy or download it again"
            ) from None


class _Malformed(Exception):
    pass


def _map(path: PathLike) -> memoryview:
    try:
        if Path(path).suffix == ".h5":
            raise CaffeError(f"{path}: HDF5 files are not supported; use the binary format")
        with open(path, "rb") as file:
            if Path(path).stat().st_size == 0:
                raise CaffeError(f"{path}: the file is empty")
            # A private mapping: writable to numpy, though nobody writes, and never to the file.
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    except OSError as error:
        raise CaffeError(f"{path}: cannot be read ({error.strerror or error})") from None


class Field(NamedTuple):
    """A field of a message: its value's bytes, and the whole field with its tag."""

    number: int
    wire: int
    value: memoryview
    raw: memoryview


def _varint(buffer: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(buffer) or shift > 63:
            raise _Malformed(f"no whole number at byte {at} of a message of {len(buffer)}")
        byte = buffer[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(buffer: memoryview) -> Iterator[Field]:
    at = 0
    while at < len(buffer):
        start = at
        tag, at = _varint(buffer, at)
        number, wire = tag >> 3, tag & 7
        if wire == BYTES:
            length, at = _varint(buffer, at)
        elif wire == VARINT:
            length = _varint(buffer, at)[1] - at
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise _Malformed(f"wire type {wire} at byte {start} is none that Caffe writes")
        end = at + length
        if end > len(buffer) or number == 0:
            raise _Malformed(f"field {number} at byte {start} of {len(buffer)} ends at byte {end}")
        yield Field(number, wire, buffer[at:end], buffer[start:end])
        at = end


def _messages(parent: Field, number: int) -> Iterator[Field]:
    """The messages (or strings) that a message holds as its field `number`."""
    if parent.wire != BYTES:
        raise _Malformed(f"field {parent.number} is no message")
    return (f for f in _fields(parent.value) if f.number == number and f.wire == BYTES)


def _layer(layer: Field, name_number: int, blobs_number: int) -> tuple[str, list[StoredBlob]]:
    name = next((str(name.value, "utf-8") for name in _messages(layer, name_number)), "")
    return name, [_blob(blob) for blob in _messages(layer, blobs_number)]


def _v1_layer(layer: Field) -> tuple[str, list[StoredBlob]]:
    for v0 in _messages(layer, V1_LAYER_V0):
        return _layer(v0, V0_LAYER_NAME, V0_BLOBS)
    return _layer(layer, V1_LAYER_NAME, V1_BLOBS)


def _blob(message: Field) -> StoredBlob:
    if message.wire != BYTES:
        raise _Malformed(f"field {message.number} is no message")
    fields = (f.raw for f in _fields(message.value) if f.number in (SHAPE, *LEGACY_SHAPE))
    proto = caffe_pb2.BlobProto.FromString(b"".join(fields))
    legacy = any(proto.HasField(f) for f in ("num", "channels", "height", "width"))
    shape = (
        (proto.num, proto.channels, proto.height, proto.width) if legacy else tuple(proto.shape.dim)
    )
    values = _values(message, DOUBLE_DATA, "<f8", FIXED64)
    if not values.size:
        values = _values(message, DATA, "<f4", FIXED32)
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise _Malformed(f"a blob of shape {shape} holds {values.size} values")
    return StoredBlob(shape, legacy, values, message.value.obj)


def _values(message: Field, number: int, dtype: str, wire: int) -> np.ndarray:
    """A field of floats: packed, or one value a field."""
    fields = [f for f in _fields(message.value) if f.number == number and f.wire in (BYTES, wire)]
    parts = [field.value for field in fields if len(field.value)]
    if any(len(part) % np.dtype(dtype).itemsize for part in parts):
        raise _Malformed("a blob's data ends inside a value")
    arrays = [np.frombuffer(part, dtype) for part in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, dtype), *arrays])


def _tag(number: int, wire_type: int = BYTES) -> bytes:
    return _encode(number << 3 | wire_type)


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _blob_head(blob: Blob) -> bytes:
    head = caffe_pb2.BlobProto()
    if blob.shape:  # Caffe writes a blob without axes without a shape
        head.shape.dim.extend(blob.shape)
    return head.SerializeToString() + _tag(DATA) + _encode(4 * blob.count)


def _write_blob(file: BinaryIO, number: int, blob: Blob) -> None:
    head = _blob_head(blob)
    file.write(_tag(number) + _encode(len(head) + 4 * blob.count) + head)
    file.write(blob.data_tensor().cpu().contiguous().numpy().astype("<f4", copy=False).data)


def _write_message(
    file: BinaryIO, number: int, head: bytes, blob_number: int, blobs: Sequence[Blob]
) -> None:
    """A message of `head` and blobs, streamed: its length is computed before it is written."""
    sizes = []
    for blob in blobs:
        size = len(_blob_head(blob)) + 4 * blob.count
        sizes.append(len(_tag(blob_number)) + len(_encode(size)) + size)
    file.write(_tag(number) + _encode(len(head) + sum(sizes)) + head)
    for blob in blobs:
        _write_blob(file, blob_number, blob)
