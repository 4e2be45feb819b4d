"""Weights and solver state in Caffe's binary files (.caffemodel, .solverstate).

Names that end in .h5 are of HDF5 files, read and written by hdf5_model.py.

A VGG16 caffemodel holds 528 MB of floats in a protobuf of a few kilobytes. The floats are read
straight into (and written straight from) parameter memory; protobuf sees only the rest. That is why
this walk over the wire format is ours: the library would hold every float a second time.
"""

import math
import mmap
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ..core.errors import CaffeError, caffe_error
from ..core.files import PathLike, cannot_be_read, refuse_stand_in, replacing
from ..core.wire import varint
from ..proto import caffe_pb2
from . import hdf5_model
from .content import LayerContent, NetContent, StoredBlob, StoredLayers, StoredState, host_array

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


def _number(message: str, field: str) -> int:
    return getattr(caffe_pb2, message).DESCRIPTOR.fields_by_name[field].number


# Field numbers of caffe.proto that the reader looks for.
LAYER = _number("NetParameter", "layer")
LAYER_NAME = _number("LayerParameter", "name")
BLOBS = _number("LayerParameter", "blobs")
V1_LAYER = _number("NetParameter", "layers")
V1_LAYER_NAME = _number("V1LayerParameter", "name")
V1_BLOBS = _number("V1LayerParameter", "blobs")
V1_LAYER_V0 = _number("V1LayerParameter", "layer")
V0_LAYER_NAME = _number("V0LayerParameter", "name")
V0_BLOBS = _number("V0LayerParameter", "blobs")
HISTORY = _number("SolverState", "history")
STATE = [
    _number("SolverState", field) for field in ("iter", "learned_net", "current_step", "run_state")
]
LEGACY_SHAPE = [_number("BlobProto", f) for f in ("num", "channels", "height", "width")]
SHAPE = _number("BlobProto", "shape")
DATA = _number("BlobProto", "data")
DIFF = _number("BlobProto", "diff")
DOUBLE_DATA = _number("BlobProto", "double_data")
DOUBLE_DIFF = _number("BlobProto", "double_diff")

# The kinds of binary files, and the message that each one is.
KINDS: dict[str, type[Message]] = {
    "caffemodel": caffe_pb2.NetParameter,
    "solverstate": caffe_pb2.SolverState,
    "mean file": caffe_pb2.BlobProto,
}
USES = (
    "A caffemodel goes to weights, a solverstate to restore, a mean file (.binaryproto) to "
    "transform_param's mean_file"
)


def read_weights(path: PathLike) -> StoredLayers:
    """The parameter blobs of each layer of a caffemodel (V2, V1 or V0), by layer name.

    Raises CaffeError for a missing, truncated or foreign file.
    """
    if is_hdf5(path):
        return hdf5_model.read_weights_hdf5(path)
    buffer = _map(path)
    with _decoding(path, buffer, "caffemodel"):
        _check_kind(path, buffer, "caffemodel")
        layers: StoredLayers = {}
        for field in _fields(buffer):
            if field.number in (LAYER, V1_LAYER):
                is_v1 = field.number == V1_LAYER
                name, blobs = _v1_layer(field) if is_v1 else _layer(field, LAYER_NAME, BLOBS)
                if blobs or name not in layers:
                    layers[name] = blobs
        if not layers:
            raise caffe_error(OSError, f"{path}: holds no layers; expected a caffemodel")
        return layers


def blob_shapes(path: PathLike) -> dict[str, list[tuple[int, ...]]]:
    """The shapes of each layer's parameter blobs in a caffemodel, without reading the values."""
    return {
        name: [blob.shape for blob in blobs if blob]
        for name, blobs in read_weights(path).items()
        if blobs
    }


def write_weights(path: PathLike, net: NetContent) -> None:
    """Write a caffemodel: each layer's description with its blobs, whole or not at all."""
    if is_hdf5(path):
        return hdf5_model.write_weights_hdf5(path, net)
    with replacing(path) as file:
        file.write(caffe_pb2.NetParameter(name=net.name).SerializeToString())
        for layer in net.layers:
            _write_layer(file, layer)


def is_hdf5(path: PathLike) -> bool:
    """Whether Caffe takes the file for HDF5: by its name."""
    return os.fspath(path).endswith(".h5")


def read_state(path: PathLike) -> StoredState:
    """A solverstate file. Raises CaffeError for a missing, truncated or foreign file."""
    if is_hdf5(path):
        return hdf5_model.read_state_hdf5(path)
    buffer = _map(path)
    with _decoding(path, buffer, "solverstate"):
        _check_kind(path, buffer, "solverstate")
        rest = bytearray()
        history = []
        for field in _fields(buffer):
            if field.number == HISTORY:
                history.append(_blob(field))
            elif field.number in STATE:
                rest += field.raw
        state = caffe_pb2.SolverState.FromString(bytes(rest))
        if not state.HasField("iter"):
            raise caffe_error(OSError, f"{path}: not a solverstate (it has no iteration). {USES}")
        learned_net = os.fsdecode(state.learned_net)  # protobuf gives bytes that are no UTF-8
        return StoredState(state.iter, learned_net, state.current_step, history, state.run_state)


def write_state(path: PathLike, state: StoredState, history: Sequence[torch.Tensor]) -> None:
    """Write a solverstate with the given history, whole or not at all."""
    if is_hdf5(path):
        return hdf5_model.write_state_hdf5(path, state, history)
    head = caffe_pb2.SolverState(
        iter=state.iter, learned_net=state.learned_net, current_step=state.current_step
    )
    if state.run_state:
        head.run_state = state.run_state
    with replacing(path) as file:
        file.write(head.SerializeToString())
        for values in history:
            _write_blob(file, HISTORY, [values])


# The wire format: https://protobuf.dev/programming-guides/encoding


class _decoding:
    """Turns what goes wrong inside a file into one CaffeError that names the file."""

    def __init__(self, path: PathLike, buffer: memoryview, kind: str) -> None:
        self.path, self.size, self.kind = path, len(buffer), kind

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, _Malformed | DecodeError | UnicodeDecodeError):
            raise caffe_error(
                OSError,
                f"{self.path}: not a whole {self.kind} ({error}; the file has {self.size} bytes). "
                "It may be truncated or another kind of file: copy or download it again",
            ) from None


class _Malformed(Exception):
    pass


def _check_kind(path: PathLike, buffer: memoryview, expected: str) -> None:
    """Raise CaffeError where a file begins as another kind does, and not as the expected one."""
    first = [
        _tag(field.number) + b"\0" if field.wire == BYTES else field.raw
        for field in islice(_fields(buffer), 4)
    ]
    found = [
        kind
        for kind, message in KINDS.items()
        if not len(UnknownFieldSet(message.FromString(b"".join(first))))
    ]
    if found and expected not in found:
        raise caffe_error(OSError, f"{path}: this is a {found[0]}, not a {expected}. {USES}")


def _map(path: PathLike) -> memoryview:
    try:
        with open(path, "rb") as file:
            if Path(path).stat().st_size == 0:
                raise caffe_error(OSError, f"{path}: the file is empty")
            # A private mapping: writable to numpy, though nobody writes, and never to the file.
            buffer = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            refuse_stand_in(path, buffer)
            return buffer
    except CaffeError:
        raise
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None


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


def _layer(
    layer: Field, name_number: int, blobs_number: int
) -> tuple[str, list[StoredBlob | None]]:
    name = next((str(name.value, "utf-8") for name in _messages(layer, name_number)), "")
    return name, [_blob(blob) for blob in _messages(layer, blobs_number)]


def _v1_layer(layer: Field) -> tuple[str, list[StoredBlob | None]]:
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
    values = _values(message, DATA, DOUBLE_DATA)
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise _Malformed(f"a blob of shape {shape} holds {values.size} values")
    diff = _values(message, DIFF, DOUBLE_DIFF)
    if diff.size not in (0, values.size):
        raise _Malformed(f"a blob of shape {shape} holds {diff.size} diff values")
    file = message.value.obj
    assert isinstance(file, mmap.mmap)  # see _map
    return StoredBlob(shape, legacy, values, file, diff if diff.size else None)


def _values(message: Field, number: int, double_number: int) -> np.ndarray:
    """Values in double precision if there are any, in single precision otherwise."""
    values = _floats(message, double_number, "<f8", FIXED64)
    return values if values.size else _floats(message, number, "<f4", FIXED32)


def _floats(message: Field, number: int, dtype: str, wire: int) -> np.ndarray:
    """A field of floats: packed, or one value a field."""
    fields = [f for f in _fields(message.value) if f.number == number and f.wire in (BYTES, wire)]
    parts = [field.value for field in fields if len(field.value)]
    if any(len(part) % np.dtype(dtype).itemsize for part in parts):
        raise _Malformed("a blob's data ends inside a value")
    arrays = [np.frombuffer(part, dtype) for part in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, dtype), *arrays])


def _tag(number: int, wire_type: int = BYTES) -> bytes:
    return varint(number << 3 | wire_type)


def _blob_head(values: Sequence[torch.Tensor]) -> bytes:
    """A blob's message up to its values: data, or data and diff."""
    head = caffe_pb2.BlobProto()
    if values[0].dim():  # Caffe writes a blob without axes without a shape
        head.shape.dim.extend(values[0].shape)
    return head.SerializeToString()


def _values_tag(number: int, values: torch.Tensor) -> bytes:
    return _tag(number) + varint(4 * values.numel())


def _blob_size(values: Sequence[torch.Tensor]) -> int:
    tagged = zip((DATA, DIFF), values, strict=False)
    return len(_blob_head(values)) + sum(len(_values_tag(n, v)) + 4 * v.numel() for n, v in tagged)


def _write_blob(file: BinaryIO, number: int, values: Sequence[torch.Tensor]) -> None:
    """A blob as field `number`: its data, or its data and diff."""
    file.write(_tag(number) + varint(_blob_size(values)) + _blob_head(values))
    for part, tensor in zip((DATA, DIFF), values, strict=False):
        file.write(_values_tag(part, tensor))
        file.write(host_array(tensor).astype("<f4", copy=False).data)


def _write_layer(file: BinaryIO, layer: LayerContent) -> None:
    """A layer's head and blobs, streamed: its length is computed before it is written."""
    parts = (layer.data,) if layer.diff is None else (layer.data, layer.diff)
    blobs = list(zip(*parts, strict=True))
    size = len(layer.head)
    for values in blobs:
        inner = _blob_size(values)
        size += len(_tag(BLOBS)) + len(varint(inner)) + inner
    file.write(_tag(LAYER) + varint(size) + layer.head)
    for values in blobs:
        _write_blob(file, BLOBS, values)
