"""Writes caffe_pb2.pyi, what type checkers read of caffe_pb2: `python -m caffe.proto.stub`."""

from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
)

from ..core.files import write_text
from . import caffe_pb2

STUB = Path(__file__).with_name("caffe_pb2.pyi")

_HEAD = '''\
"""The types of caffe_pb2, written from caffe.proto by `python -m caffe.proto.stub`."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.internal.containers import (
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor
'''

_SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: "int",
    FieldDescriptor.CPPTYPE_INT64: "int",
    FieldDescriptor.CPPTYPE_UINT32: "int",
    FieldDescriptor.CPPTYPE_UINT64: "int",
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_DOUBLE: "float",
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_ENUM: "int",  # an enum's values are plain ints, its name is no class
}


def stub(file: FileDescriptor) -> str:
    """Source of a .pyi with the messages and the enums of `file`.

    A field says what reading it gives; the constructor says what is taken for it, which is more:
    an enum value by name, a message as a dict.
    """
    lines = [_HEAD]
    for enum in file.enum_types_by_name.values():
        lines += [*_enum(enum), ""]
    for message in file.message_types_by_name.values():
        lines += [*_message(message), ""]
    return "\n".join(lines)


def _enum(enum: EnumDescriptor) -> Iterator[str]:
    yield f"{enum.name}: EnumTypeWrapper"
    for value in enum.values:
        yield f"{value.name}: int"


def _message(message: Descriptor) -> Iterator[str]:
    yield f"class {message.name}(Message):"
    for enum in message.enum_types:
        yield from (f"    {line}" for line in _enum(enum))
    fields = [field for field in message.fields if not iskeyword(field.name)]  # getattr reads those
    for field in fields:
        yield f"    {field.name.upper()}_FIELD_NUMBER: int"
    for field in fields:
        yield f"    {field.name}: {_read(field)}"
    yield "    def __init__("
    yield "        self,"
    yield "        *,"
    for field in fields:
        argument = f"        {field.name}: {_taken(field)} | None = ...,"
        # As the formatter breaks what is too long for a line.
        yield argument if len(argument) <= 100 else argument.replace(" | ", "\n        | ")
    yield "    ) -> None: ..."


def _type(field: FieldDescriptor) -> str:
    """The type of one value of a field."""
    if field.message_type:
        return field.message_type.name
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "bytes"
    return _SCALARS.get(field.cpp_type, "str")


def _read(field: FieldDescriptor) -> str:
    """The type of a message's field."""
    if not field.is_repeated:
        return _type(field)
    kind = "Composite" if field.message_type else "Scalar"
    return f"Repeated{kind}FieldContainer[{_type(field)}]"


def _taken(field: FieldDescriptor) -> str:
    """The type of a constructor's argument."""
    taken = _type(field)
    if field.message_type:
        taken += " | Mapping[str, Any]"
    elif field.enum_type:
        taken += " | str"
    return f"Iterable[{taken}]" if field.is_repeated else taken


if __name__ == "__main__":
    write_text(STUB, stub(caffe_pb2.DESCRIPTOR))
