"""Binary nets of forks, whose fields have numbers that mean something else in Caffe 1.0."""

from collections.abc import Container
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ..core.wire import varint
from . import caffe_pb2

_VARINT, _FIXED64, _BYTES, _GROUP, _FIXED32 = 0, 1, 2, 3, 5  # wire types


def _numbers(message: type[Message]) -> set[int]:
    """Fields that all forks have alike: those that are no parameter of a layer type."""
    fields = message.DESCRIPTOR.fields
    return {f.number for f in fields if not f.name.endswith("_param")}


_LAYERS = {
    caffe_pb2.NetParameter.LAYER_FIELD_NUMBER: _numbers(caffe_pb2.LayerParameter),
    caffe_pb2.NetParameter.LAYERS_FIELD_NUMBER: _numbers(caffe_pb2.V1LayerParameter),
}


def names_types_and_blobs(net: bytes) -> bytes:
    """A binary NetParameter whose layers have no parameters: what every fork writes alike.

    Raises DecodeError for what is no message.
    """
    return b"".join(
        _written(field, _kept(field.data, _LAYERS[field.field_number]))
        if field.field_number in _LAYERS and field.wire_type == _BYTES
        else _written(field, field.data)
        for field in _fields(net)
    )


def _fields(message: bytes) -> Any:  # its fields are of no public type
    return UnknownFieldSet(Empty.FromString(message))


def _kept(message: bytes, numbers: Container[int]) -> bytes:
    fields = (field for field in _fields(message) if field.field_number in numbers)
    return b"".join(_written(field, field.data) for field in fields)


def _written(field: Any, data: Any) -> bytes:
    if field.wire_type == _GROUP:
        raise DecodeError("a group, which Caffe does not write")
    tag = varint(field.field_number << 3 | field.wire_type)
    if field.wire_type == _BYTES:
        return tag + varint(len(data)) + data
    if field.wire_type == _VARINT:
        return tag + varint(data)
    return tag + data.to_bytes(8 if field.wire_type == _FIXED64 else 4, "little")
