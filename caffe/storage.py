"""Weights and solver state in Caffe's binary files (.caffemodel, .solverstate).

A VGG16 caffemodel holds 528 MB of floats in a protobuf of a few kilobytes. The floats are read
straight into (and written straight from) parameter memory; protobuf sees only the rest.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from google.protobuf.message import DecodeError

from .blob import Blob
from .errors import CaffeError
from .files import PathLike, replacing
from .proto import caffe_pb2

# Field numbers of caffe.proto that the reader looks for.
LAYER = caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name["layer"].number
V1_LAYER = caffe_pb2.NetParameter.DESCRIPTOR.fields_by_name["layers"].number
BLOBS = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name["blobs"].number
V1_BLOBS = caffe_pb2.V1LayerParameter.DESCRIPTOR.fields_by_name["blobs"].number
V1_LAYER_V0 = caffe_pb2.V1LayerParameter.DESCRIPTOR.fields_by_name["layer"].number
V0_BLOBS = caffe_pb2.V0LayerParameter.DESCRIPTOR.fields_by_name["blobs"].number
HISTORY = caffe_pb2.SolverState.DESCRIPTOR.fields_by_name["history"].number
DATA = caffe_pb2.BlobProto.DESCRIPTOR.fields_by_name["data"].number
DOUBLE_DATA = caffe_pb2.BlobProto.DESCRIPTOR.fields_by_name["double_data"].number

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class StoredBlob:
    """A blob inside a file: its shape, and its values, read when asked for.

    Old files give num, channels, height and width: `legacy` then, and the shape has four axes.
    """

    shape: tuple[int, ...]
    legacy: bool
    values: np.ndarray  # a read-only view of the file, float32 or float64, flat

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Blob::ShapeEquals: equal shapes; against a legacy one, leading axes of 1 are free."""
        if self.legacy and len(shape) <= 4:
            return (1,) * (4 - len(shape)) + shape == self.shape
        return shape == self.shape

    def read_into(self, array: np.ndarray) -> None:
        np.copyto(array.reshape(-1), self.values, casting="same_kind")


StoredLayers = dict[str, list[StoredBlob]]


def read_weights(path: PathLike) -> StoredLayers:
    """The parameter blobs of each layer of a caffemodel (V2, V1 or V0), by layer name.

    Raises CaffeError for a missing, truncated or foreign file.
    """
    buffer = _map(path)
    with _decoding(path, buffer, "caffemodel"):
        layers: StoredLayers = {}
        for number, part in _messages(buffer):
            if number == LAYER:
                layers[_name(part, 1)] = [_blob(b) for n, b in _messages(part) if n == BLOBS]
            elif number == V1_LAYER:
                name, blobs = _v1_layer(part)
                layers[name] = blobs
        if not layers:
            raise CaffeError(f"{path}: holds no layers; expected a caffemodel")
        return layers


def blob_shapes(path: PathLike) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of each layer's parameter blobs in a caffemodel, without reading the values."""
    return {
        name: [b.shape for b in blobs] for name, blobs in read_weights(path).items() if blobs
    }


def write_weights(path: PathLike, net: caffe_pb2.NetParameter, params: Iterable[Sequence[Blob]]):
    """Write a caffemodel: the net's description with each layer's blobs, whole or not at all."""
    head = caffe_pb2.NetParameter()
    head.CopyFrom(net)
    head.ClearField("layer")
    with replacing(path) as file:
        file.write(head.SerializeToString())
        for layer, blobs in zip(net.layer, params, strict=True):
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
        for number, part, start, end in _fields(buffer):
            if number == HISTORY and part is not None:
                history.append(_blob(part))
            else:
                rest += buffer[start:end]
        state = caffe_pb2.SolverState.FromString(bytes(rest))
        if not state.HasField("iter"):
            raise CaffeError(
                f"{path}: not a solverstate (it has no iteration). A .caffemodel goes to weights, "
                "a .solverstate to restore"
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
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise CaffeError(f"{path}: cannot be read ({error.strerror or error})") from None


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


def _fields(buffer: memoryview) -> Iterator[tuple[int, memoryview | None, int, int]]:
    """(field number, content of a length-delimited field or None, start, end) of each field."""
    at = 0
    while at < len(buffer):
        start = at
        tag, at = _varint(buffer, at)
        content = None
        if tag & 7 == BYTES:
            length, at = _varint(buffer, at)
            content = buffer[at : at + length]
            at += length
        elif tag & 7 == VARINT:
            _, at = _varint(buffer, at)
        elif tag & 7 in (FIXED32, FIXED64):
            at += 4 if tag & 7 == FIXED32 else 8
        else:
            raise _Malformed(f"wire type {tag & 7} at byte {start} is none that Caffe writes")
        if at > len(buffer) or tag >> 3 == 0:
            raise _Malformed(f"field {tag >> 3} at byte {start} of {len(buffer)} needs {at} bytes")
        yield tag >> 3, content, start, at


def _messages(buffer: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((number, part) for number, part, _, _ in _fields(buffer) if part is not None)


def _name(layer: memoryview, number: int) -> str:
    return next((str(part, "utf-8") for n, part in _messages(layer) if n == number), "")


def _v1_layer(layer: memoryview) -> tuple[str, list[StoredBlob]]:
    v0 = next((part for n, part in _messages(layer) if n == V1_LAYER_V0), None)
    if v0 is not None:
        return _name(v0, 1), [_blob(b) for n, b in _messages(v0) if n == V0_BLOBS]
    return _name(layer, 4), [_blob(b) for n, b in _messages(layer) if n == V1_BLOBS]


def _blob(buffer: memoryview) -> StoredBlob:
    head = bytearray()
    pieces = []
    dtype = "<f4"
    for number, part, start, end in _fields(buffer):
        if number == DATA or number == DOUBLE_DATA:
            dtype = "<f4" if number == DATA else "<f8"
            if part is None:  # unpacked: one value a field
                part = buffer[end - np.dtype(dtype).itemsize : end]
            if len(part) % np.dtype(dtype).itemsize:
                raise _Malformed(f"a blob's data ends inside a value ({len(part)} bytes)")
            pieces.append(np.frombuffer(part, dtype))
        elif part is None or number not in (DATA + 1, DOUBLE_DATA + 1):  # the diffs
            head += buffer[start:end]
    proto = caffe_pb2.BlobProto.FromString(bytes(head))
    legacy = not proto.HasField("shape")
    shape = (
        (proto.num, proto.channels, proto.height, proto.width) if legacy else tuple(proto.shape.dim)
    )
    values = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, dtype), *pieces])
    if int(np.prod(shape, dtype=np.float64)) != values.size:
        raise _Malformed(f"a blob of shape {shape} holds {values.size} values")
    return StoredBlob(shape, legacy, values)


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
    head.shape.dim.extend(blob.shape)
    return head.SerializeToString() + _tag(DATA) + _encode(4 * blob.count)


def _write_blob(file: BinaryIO, number: int, blob: Blob) -> None:
    head = _blob_head(blob)
    file.write(_tag(number) + _encode(len(head) + 4 * blob.count) + head)
    file.write(np.ascontiguousarray(blob.data, "<f4").data)


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
